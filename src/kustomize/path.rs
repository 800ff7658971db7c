//! Dotted paths into objects, as `replacements` and `vars` write them.
//!
//! Takes `spec.template.spec.containers.[name=main].image` and leads to values. Knows nothing of who asks.
//! Source: `SmarterPathSplitter`, `PathGetter` and `PathMatcher` of kyaml v0.18.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::field::Fault;
use crate::yaml::{Plain, resolve};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A field of a mapping.
    Field(String),
    /// An element of a list, by number.
    Index(usize),
    /// The last element of a list.
    Last,
    /// Every element of a list.
    Every,
    /// The elements whose field matches, or that match themselves when the field is empty.
    Matching { field: String, value: String },
}

/// Splits a path at its dots, except in brackets and after backslashes.
///
/// Errors: a bracket that is not `[field=value]`.
pub(crate) fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut parts = split(text).into_iter();
    while let Some(part) = parts.next() {
        let mut part = part;
        let mut bracketed = false;
        if part.starts_with('[') && !part.ends_with(']') {
            bracketed = true;
            while !part.ends_with(']') {
                let Some(more) = parts.next() else {
                    break;
                };
                part.push('.');
                part.push_str(&more);
            }
        }
        if bracketed && !part.contains('=') {
            steps.push(Step::Field(part.trim_matches(['[', ']']).to_owned()));
            continue;
        }
        steps.push(step(part.trim())?);
    }
    steps.retain(|step| *step != Step::Field(String::new()));
    Ok(steps)
}

/// Splits at dots; a backslash before a dot keeps it.
fn split(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut joined = false;
    for part in text.split('.') {
        match parts.last_mut().filter(|_| joined) {
            Some(last) => {
                last.push('.');
                last.push_str(part);
            }
            None => parts.push(part.to_owned()),
        }
        let last = parts.last_mut().expect("one was pushed");
        joined = last.ends_with('\\');
        if joined {
            last.pop();
        }
    }
    parts
}

fn step(part: &str) -> Result<Step, String> {
    if part == "*" {
        return Ok(Step::Every);
    }
    if part == "-" {
        return Ok(Step::Last);
    }
    if let Some(inside) = part
        .strip_prefix('[')
        .and_then(|part| part.strip_suffix(']'))
    {
        return match inside.split_once('=') {
            Some((field, value)) => Ok(Step::Matching {
                field: field.to_owned(),
                value: value.to_owned(),
            }),
            None => Err(format!("`{part}` is not `[field=value]`")),
        };
    }
    Ok(match part.parse() {
        Ok(index) if part.bytes().all(|byte| byte.is_ascii_digit()) => Step::Index(index),
        _ => Step::Field(part.to_owned()),
    })
}

/// Returns the one value that a path leads to; `None` when there is none.
///
/// Errors: a step that does not fit the value.
pub(crate) fn get<'v>(value: &'v Value, steps: &[Step]) -> Result<Option<&'v Value>, Fault> {
    let Some((step, rest)) = steps.split_first() else {
        return Ok(Some(value));
    };
    let below = match (step, value) {
        (_, Value::Null) => None,
        (Step::Field(name), Value::Object(map)) => map.get(name),
        (Step::Index(index), Value::Array(list)) => match list.get(*index) {
            Some(element) => Some(element),
            None => return Err(out_of_range(*index, list.len())),
        },
        (Step::Last, Value::Array(list)) => list.last(),
        (Step::Matching { field, value }, Value::Array(list)) => list.iter().find(|element| {
            let found = if field.is_empty() {
                Some(*element)
            } else {
                element.get(field)
            };
            found.and_then(text_of).as_deref() == Some(value)
        }),
        _ => return Err(unfit(step, value)),
    };
    match below {
        Some(below) => get(below, rest),
        None => Ok(None),
    }
}

/// What a missing value is made as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Make {
    /// It is not made.
    Nothing,
    /// A scalar, null until it is set.
    Scalar,
    /// A mapping.
    Mapping,
    /// A list.
    List,
}

/// Calls back with every value that a path leads to; gives their number.
///
/// Errors: those of the callback, and a step that does not fit the value.
pub(crate) fn visit(
    value: &mut Value,
    steps: &[Step],
    make: Make,
    set: &mut dyn FnMut(&mut Value) -> Result<(), Fault>,
) -> Result<usize, Fault> {
    let Some((step, rest)) = steps.split_first() else {
        set(value)?;
        return Ok(1);
    };
    let Step::Field(name) = step else {
        return visit_elements(value, step, rest, make, set);
    };
    if value.is_null() {
        if make == Make::Nothing {
            return Ok(0);
        }
        *value = Value::Object(Map::new());
    }
    let Value::Object(map) = value else {
        return Err(unfit(step, value));
    };
    if !map.contains_key(name) {
        if make == Make::Nothing {
            return Ok(0);
        }
        map.insert(name.clone(), made(rest.first(), make));
    }
    match map.get_mut(name) {
        Some(below) => visit(below, rest, make, set),
        None => Ok(0),
    }
}

/// Visits the elements of a list that a step means.
fn visit_elements(
    value: &mut Value,
    step: &Step,
    rest: &[Step],
    make: Make,
    set: &mut dyn FnMut(&mut Value) -> Result<(), Fault>,
) -> Result<usize, Fault> {
    if value.is_null() {
        if make == Make::Nothing {
            return Ok(0);
        }
        *value = Value::Array(Vec::new());
    }
    let Value::Array(list) = value else {
        return Err(unfit(step, value));
    };
    match step {
        Step::Field(_) => unreachable!("fields are visited by the caller"),
        Step::Every => list.iter_mut().try_fold(0, |count, element| {
            Ok(count + visit(element, rest, make, set)?)
        }),
        Step::Last => match list.last_mut() {
            Some(element) => visit(element, rest, make, set),
            None => Ok(0),
        },
        Step::Index(index) => {
            if *index == list.len() && make != Make::Nothing {
                list.push(made(rest.first(), make));
            }
            let length = list.len();
            match list.get_mut(*index) {
                Some(element) => visit(element, rest, make, set),
                None => Err(out_of_range(*index, length)),
            }
        }
        Step::Matching { field, value } => {
            let matcher = Regex::new(value)
                .map_err(|_| Fault(format!("`{value}` is not a regular expression")))?;
            let matches = |element: &Value| {
                let found = if field.is_empty() {
                    Some(element)
                } else {
                    element.get(field)
                };
                found
                    .and_then(text_of)
                    .is_some_and(|text| matcher.is_match(&text))
            };
            if make != Make::Nothing && !list.iter().any(matches) {
                let value = plain(value);
                list.push(if field.is_empty() {
                    value
                } else {
                    Value::Object([(field.clone(), value)].into_iter().collect())
                });
            }
            let mut count = 0;
            for element in list.iter_mut().filter(|element| matches(element)) {
                count += visit(element, rest, make, set)?;
            }
            Ok(count)
        }
    }
}

/// Makes what the next step needs.
fn made(next: Option<&Step>, make: Make) -> Value {
    match (next, make) {
        (Some(Step::Field(_)), _) | (None, Make::Mapping) => Value::Object(Map::new()),
        (Some(_), _) | (None, Make::List) => Value::Array(Vec::new()),
        (None, Make::Scalar | Make::Nothing) => Value::Null,
    }
}

/// Returns a scalar as text.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Returns what a text without quotes means.
pub(crate) fn plain(text: &str) -> Value {
    match resolve(text) {
        Plain::Null => Value::Null,
        Plain::Bool(value) => Value::Bool(value),
        Plain::Number(number) => Value::Number(number),
        Plain::Date | Plain::NonFinite | Plain::Text => Value::from(text),
    }
}

fn out_of_range(index: usize, length: usize) -> Fault {
    Fault(format!("there is no element {index}, there are {length}"))
}

fn unfit(step: &Step, value: &Value) -> Fault {
    let expected = match step {
        Step::Field(_) => "a mapping",
        _ => "a list",
    };
    let found = match value {
        Value::Object(_) => "a mapping",
        Value::Array(_) => "a list",
        _ => "a scalar",
    };
    Fault(format!(
        "{expected} is expected for {}, not {found}",
        step.shown()
    ))
}

impl Step {
    fn shown(&self) -> String {
        match self {
            Step::Field(name) => format!("`{name}`"),
            Step::Index(index) => format!("`{index}`"),
            Step::Last => "`-`".to_owned(),
            Step::Every => "`*`".to_owned(),
            Step::Matching { field, value } => format!("`[{field}={value}]`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_split_at_dots_outside_of_brackets() {
        let check = |text: &str, expect: &[&str]| {
            let steps: Vec<String> = parse(text)
                .expect("a path")
                .iter()
                .map(|step| step.shown().trim_matches('`').to_owned())
                .collect();
            assert_eq!(steps, expect, "{text}");
        };
        check("metadata.name", &["metadata", "name"]);
        check("a.[name=x.y].b", &["a", "[name=x.y]", "b"]);
        check(
            "metadata.annotations.[a.b/c]",
            &["metadata", "annotations", "a.b/c"],
        );
        check(
            "metadata.annotations.a\\.b/c",
            &["metadata", "annotations", "a.b/c"],
        );
        check("a.0.*.-", &["a", "0", "*", "-"]);
        assert!(parse("a.[b]").is_err());
    }

    #[test]
    fn values_are_found_and_made() {
        let body = json!({"a": [{"name": "x", "v": 1}, {"name": "y", "v": 2}]});
        let steps = parse("a.[name=y].v").expect("a path");
        assert_eq!(get(&body, &steps), Ok(Some(&json!(2))));
        let check = |path: &str, make: Make, expect: Value| {
            let mut body = body.clone();
            let steps = parse(path).expect("a path");
            let set = &mut |value: &mut Value| {
                *value = json!("X");
                Ok(())
            };
            visit(&mut body, &steps, make, set).expect("fits");
            assert_eq!(body["a"], expect, "{path}");
        };
        let second = json!({"name": "y", "v": 2});
        check(
            "a.0.v",
            Make::Nothing,
            json!([{"name": "x", "v": "X"}, second]),
        );
        check(
            "a.0.w",
            Make::Nothing,
            json!([{"name": "x", "v": 1}, second]),
        );
        check(
            "a.[name=z].w",
            Make::Scalar,
            json!([{"name": "x", "v": 1}, second, {"name": "z", "w": "X"}]),
        );
        check(
            "a.*.v",
            Make::Nothing,
            json!([{"name": "x", "v": "X"}, {"name": "y", "v": "X"}]),
        );
    }
}
