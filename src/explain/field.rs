//! Paths of fields: read as people write them, and written as messages do.
//!
//! `spec.template.spec.containers[main].env[LOG_LEVEL].value`, `….containers[0]`, `….containers[name=main]`,
//! `metadata.annotations["a.b/c"]`, `metadata.annotations.a.b/c`, and JSON pointers, which begin with `/`.

use serde_json::Value;

use crate::diagnostic::nearest;
use crate::diff::Path;
use crate::object::Object;
use crate::patch::schema::{self, Field, Keyed, Shape};
use crate::yaml::push_token;

/// One step as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Behind a dot, or at the start.
    Field(String),
    /// In brackets.
    Bracket(String),
    /// In brackets and quotes: a name, whatever it looks like.
    Quoted(String),
}

/// Returns the JSON pointer that a written path leads to in an object.
///
/// Errors: a sentence that says where it goes wrong, with the nearest names.
pub fn resolve(object: &Object, written: &str) -> Result<String, String> {
    let tokens = if written.starts_with('/') {
        let steps = crate::trace::tokens(written);
        steps.into_iter().map(Token::Quoted).collect()
    } else {
        read(written)?
    };
    let mut at = Walk::new(object);
    let mut tokens = tokens.as_slice();
    while !tokens.is_empty() {
        let taken = at.step(tokens).map_err(|problem| {
            let place = at.path.as_str();
            let object = object.key();
            if place.is_empty() {
                format!("`{object}` {problem}")
            } else {
                format!("`{place}` of `{object}` {problem}")
            }
        })?;
        tokens = &tokens[taken..];
    }
    Ok(at.pointer)
}

/// Writes a JSON pointer into an object as messages do; lists with a merge key by it.
pub fn display(object: &Object, pointer: &str) -> String {
    let mut at = Walk::new(object);
    for step in crate::trace::tokens(pointer) {
        if at.down(&step).is_none() {
            break;
        }
    }
    at.path.as_str().to_owned()
}

/// Splits a path into steps.
fn read(written: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut field = String::new();
    let mut rest = written.chars().peekable();
    let finish = |field: &mut String, tokens: &mut Vec<Token>| {
        if !field.is_empty() {
            tokens.push(Token::Field(std::mem::take(field)));
        }
    };
    while let Some(c) = rest.next() {
        match c {
            '\\' => field.extend(rest.next()),
            '.' => finish(&mut field, &mut tokens),
            '[' => {
                finish(&mut field, &mut tokens);
                let mut inside = String::new();
                let mut quoted = false;
                loop {
                    match rest.next() {
                        None => return Err(format!("`{written}` has a `[` without `]`")),
                        Some('"') => {
                            quoted = !quoted;
                            inside.push('"');
                        }
                        Some('\\') if quoted => {
                            inside.push('\\');
                            inside.extend(rest.next());
                        }
                        Some(']') if !quoted => break,
                        Some(other) => inside.push(other),
                    }
                }
                tokens.push(match serde_json::from_str::<String>(&inside) {
                    Ok(name) => Token::Quoted(name),
                    Err(_) => Token::Bracket(inside),
                });
            }
            other => field.push(other),
        }
    }
    finish(&mut field, &mut tokens);
    Ok(tokens)
}

/// A place in an object.
struct Walk<'a> {
    value: &'a Value,
    shape: Option<&'static Shape>,
    keyed: Option<&'static Keyed>,
    pointer: String,
    path: Path,
}

impl<'a> Walk<'a> {
    fn new(object: &'a Object) -> Self {
        Walk {
            value: &object.body,
            shape: schema::shape(object.api_version(), object.kind()),
            keyed: None,
            pointer: String::new(),
            path: Path::root(),
        }
    }

    /// Goes to a part, given as a step of a JSON pointer.
    fn down(&mut self, step: &str) -> Option<()> {
        match self.value {
            Value::Object(map) => {
                self.value = map.get(step)?;
                self.path.field(step);
                let field = self.shape.and_then(|shape| shape.field(step));
                (self.shape, self.keyed) = match field {
                    Some(Field::Mapping(shape)) => (Some(shape), None),
                    Some(Field::Keyed(keyed)) => (None, Some(keyed)),
                    Some(Field::Set) | None => (None, None),
                };
            }
            Value::Array(items) => {
                let index: usize = step.parse().ok()?;
                let item = items.get(index)?;
                match self.key_of(items, item) {
                    Some(key) => self.path.element(&key),
                    None => self.path.index(index),
                };
                self.value = item;
                self.shape = self.keyed.take().map(|keyed| &keyed.element);
            }
            _ => return None,
        }
        push_token(&mut self.pointer, step);
        Some(())
    }

    /// Returns what tells an element of a keyed list apart, unless nothing does.
    fn key_of(&self, items: &[Value], item: &Value) -> Option<String> {
        let keyed = self.keyed?;
        let first = |item: &Value| {
            let key = scalar(item.get(&keyed.key)?)?;
            Some(format!("{}={key}", keyed.key))
        };
        let both = |item: &Value| {
            let second = keyed.second.as_ref()?;
            let value = scalar(item.get(second)?)?;
            Some(format!("{},{second}={value}", first(item)?))
        };
        let alone = |key: &dyn Fn(&Value) -> Option<String>| {
            let own = key(item)?;
            let same = items.iter().filter(|item| key(item).as_ref() == Some(&own));
            (same.count() == 1).then_some(own)
        };
        alone(&first).or_else(|| alone(&both))
    }

    /// Takes one step, or several for a name with dots; returns how many.
    fn step(&mut self, tokens: &[Token]) -> Result<usize, String> {
        let Some(first) = tokens.first() else {
            return Ok(0);
        };
        let text = match first {
            Token::Field(text) | Token::Bracket(text) | Token::Quoted(text) => text,
        };
        match self.value {
            Value::Object(map) => {
                let mut name = text.clone();
                let mut longest = map.contains_key(&name).then_some((1, name.clone()));
                if matches!(first, Token::Field(_)) {
                    for (more, token) in tokens[1..].iter().enumerate() {
                        let Token::Field(next) = token else { break };
                        name = format!("{name}.{next}");
                        if map.contains_key(&name) {
                            longest = Some((more + 2, name.clone()));
                        }
                    }
                }
                let Some((taken, name)) = longest else {
                    let keys = map.keys().map(String::as_str);
                    return Err(absent(&format!("no field `{text}`"), text, keys));
                };
                self.down(&name);
                Ok(taken)
            }
            Value::Array(items) => {
                let index = self.element(items, text)?;
                self.down(&index.to_string());
                Ok(1)
            }
            _ => Err(format!("is a single value and has no `{text}`")),
        }
    }

    fn element(&self, items: &[Value], text: &str) -> Result<usize, String> {
        let number = text.parse::<usize>().ok();
        if let Some(index) = number.filter(|index| *index < items.len()) {
            return Ok(index);
        }
        let key = self.keyed.map_or("name", |keyed| keyed.key.as_str());
        let wanted: Vec<(&str, &str)> = text
            .split(',')
            .map(|part| part.split_once('=').unwrap_or((key, part)))
            .collect();
        let matches = |item: &Value| {
            let has = |(key, value): &(&str, &str)| {
                item.get(key).and_then(scalar).as_deref() == Some(value)
            };
            scalar(item).as_deref() == Some(text)
                || (item.is_object() && (wanted.iter().all(has) || has(&(key, text))))
        };
        let found: Vec<usize> = (0..items.len()).filter(|at| matches(&items[*at])).collect();
        match found.as_slice() {
            [index] => Ok(*index),
            [] => {
                let names: Vec<String> = items
                    .iter()
                    .filter_map(|item| scalar(item).or_else(|| scalar(item.get(key)?)))
                    .collect();
                let what = format!("no element `{text}`");
                if names.is_empty() {
                    return Err(format!(
                        "has {what}; its elements are 0 to {}",
                        items.len().saturating_sub(1)
                    ));
                }
                Err(absent(&what, text, names.iter().map(String::as_str)))
            }
            several => {
                let numbers: Vec<String> = several.iter().map(|at| format!("[{at}]")).collect();
                Err(format!(
                    "has several elements `{text}`: {}",
                    numbers.join(", ")
                ))
            }
        }
    }
}

fn absent<'n>(what: &str, text: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    if let Some(near) = nearest(text, names.clone()) {
        return format!("has {what}; a similar one is `{near}`");
    }
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        format!("has {what}; it is empty")
    } else {
        format!("has {what}; there are {}", names.join(", "))
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment() -> Object {
        let body = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "a",
                "annotations": {"x.example.com/y": "1", "x": "2", "12": "3"},
            },
            "spec": {"template": {"spec": {"containers": [
                {"name": "main", "args": ["--one", "--two"], "env": [{"name": "LOG_LEVEL", "value": "info"}]},
                {"name": "side", "ports": [
                    {"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"},
                ]},
            ]}}},
        });
        Object {
            body,
            file: "api-server".to_owned(),
        }
    }

    #[test]
    fn paths_as_people_write_them() {
        let object = deployment();
        let check = |written: &str, pointer: &str, shown: &str| {
            assert_eq!(
                resolve(&object, written).as_deref(),
                Ok(pointer),
                "{written}"
            );
            assert_eq!(display(&object, pointer), shown);
            assert_eq!(resolve(&object, shown).as_deref(), Ok(pointer), "{shown}");
        };
        let env = "/spec/template/spec/containers/0/env/0/value";
        let shown = "spec.template.spec.containers[name=main].env[name=LOG_LEVEL].value";
        check(
            "spec.template.spec.containers[main].env[LOG_LEVEL].value",
            env,
            shown,
        );
        check("spec.template.spec.containers[0].env[0].value", env, shown);
        check("spec.template.spec.containers.main.env.0.value", env, shown);
        check(shown, env, shown);
        check(env, env, shown);
        let annotation = "/metadata/annotations/x.example.com~1y";
        let shown = r#"metadata.annotations["x.example.com/y"]"#;
        check("metadata.annotations.x.example.com/y", annotation, shown);
        check("metadata.annotations[x.example.com/y]", annotation, shown);
        check(r"metadata.annotations.x\.example\.com/y", annotation, shown);
        check(annotation, annotation, shown);
        check(
            "metadata.annotations.x",
            "/metadata/annotations/x",
            "metadata.annotations.x",
        );
        check(
            "metadata.annotations.12",
            "/metadata/annotations/12",
            "metadata.annotations.12",
        );
        check(
            "spec.template.spec.containers[main].args[--two]",
            "/spec/template/spec/containers/0/args/1",
            "spec.template.spec.containers[name=main].args[1]",
        );
        check(
            "spec.template.spec.containers[side].ports[containerPort=53,protocol=UDP]",
            "/spec/template/spec/containers/1/ports/1",
            "spec.template.spec.containers[name=side].ports[containerPort=53,protocol=UDP]",
        );
    }

    proptest::proptest! {
        #[test]
        fn no_path_panics(written in r#"[a-z./\[\]"\\=,0-9~ ü]{0,40}"#) {
            let object = deployment();
            let _any = resolve(&object, &written);
            let _any = resolve(&object, &format!("spec.template.spec.containers{written}"));
        }
    }

    #[test]
    fn what_is_not_there() {
        let object = deployment();
        for (written, expect) in [
            (
                "spek",
                "`Deployment/a` has no field `spek`; a similar one is `spec`",
            ),
            (
                "spec.zzz",
                "`spec` of `Deployment/a` has no field `zzz`; there are `template`",
            ),
            (
                "spec.template.spec.containers[mian]",
                "`spec.template.spec.containers` of `Deployment/a` has no element `mian`; a similar one is `main`",
            ),
            (
                "spec.template.spec.containers[side].ports[53]",
                "`spec.template.spec.containers[name=side].ports` of `Deployment/a` has several elements `53`: [0], [1]",
            ),
            (
                "metadata.name.first",
                "`metadata.name` of `Deployment/a` is a single value and has no `first`",
            ),
            ("spec[", "`spec[` has a `[` without `]`"),
            (
                "/spec/nothing",
                "`spec` of `Deployment/a` has no field `nothing`; there are `template`",
            ),
        ] {
            assert_eq!(
                resolve(&object, written),
                Err(expect.to_owned()),
                "{written}"
            );
        }
    }
}
