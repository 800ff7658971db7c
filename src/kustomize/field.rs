//! Fields that transformations reach: for which objects, and by which path.
//!
//! Takes an object's body and calls back with the values at a path. Knows no transformation.
//! Source: `types.FieldSpec` and `filters/fieldspec` of kustomize v5.5.0.

use serde_json::{Map, Value};

use super::resource::Gvk;
use crate::yaml::push_token;

/// What is done with a value, given its JSON pointer.
pub(crate) type Set<'f> = dyn FnMut(&mut Value, &str) -> Result<(), Fault> + 'f;

/// A field of certain objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    /// The objects; empty parts match anything.
    pub(crate) gvk: Gvk,
    /// The path, as it is written.
    pub(crate) path: String,
    /// Whether the field is made where it is missing.
    pub(crate) create: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: String,
    /// Whether the path says that the field is a list (`name[]`); such a field is never made.
    list: bool,
}

/// What a missing field is made as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Create {
    /// It is not made.
    Nothing,
    /// A mapping.
    Mapping,
    /// A scalar, null until it is set.
    Scalar,
}

/// Why a path cannot be followed, or a value cannot be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) String);

impl FieldSpec {
    /// Makes a field of certain objects; the path is separated by `/`, and `\/` is a slash in a name.
    pub(crate) fn new(gvk: Gvk, path: &str, create: bool) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut joined = false;
        for part in path.split('/') {
            match names.last_mut().filter(|_| joined) {
                Some(last) => {
                    last.push('/');
                    last.push_str(part);
                }
                None => names.push(part.to_owned()),
            }
            let last = names.last_mut().expect("one was pushed");
            joined = last.ends_with('\\');
            if joined {
                last.pop();
            }
        }
        let steps = names
            .into_iter()
            .map(|name| match name.strip_suffix("[]") {
                Some(name) => Step {
                    name: name.to_owned(),
                    list: true,
                },
                None => Step { name, list: false },
            })
            .collect();
        FieldSpec {
            gvk,
            path: path.to_owned(),
            create,
            steps,
        }
    }

    /// Calls `set` with every value that the path leads to, and its JSON pointer.
    ///
    /// Errors: those of `set`, and a path that leads through a scalar.
    pub(crate) fn visit(
        &self,
        body: &mut Value,
        create: Create,
        set: &mut Set<'_>,
    ) -> Result<(), Fault> {
        let create = if self.create { create } else { Create::Nothing };
        visit(body, &self.steps, create, &mut String::new(), set)
            .map_err(|Fault(message)| Fault(format!("at `{}`: {message}", self.path)))
    }
}

fn visit(
    value: &mut Value,
    steps: &[Step],
    create: Create,
    pointer: &mut String,
    set: &mut Set<'_>,
) -> Result<(), Fault> {
    let Some((step, rest)) = steps.split_first() else {
        return set(value, pointer);
    };
    let length = pointer.len();
    match value {
        Value::Null => {}
        Value::Array(list) => {
            for (index, element) in list.iter_mut().enumerate() {
                push_token(pointer, &index.to_string());
                visit(element, steps, create, pointer, set)?;
                pointer.truncate(length);
            }
        }
        Value::Object(map) => {
            if let Some(field) = field(map, step, rest.is_empty(), create) {
                push_token(pointer, &step.name);
                visit(field, rest, create, pointer, set)?;
                pointer.truncate(length);
            }
        }
        _ => {
            return Err(Fault(format!(
                "a mapping or a list is expected above `{}`, not a scalar",
                step.name
            )));
        }
    }
    Ok(())
}

/// Returns the field of a step, made when it is missing and may be made.
fn field<'m>(
    map: &'m mut Map<String, Value>,
    step: &Step,
    last: bool,
    create: Create,
) -> Option<&'m mut Value> {
    let fresh = match (create, last) {
        _ if step.list => None,
        (Create::Nothing, _) => None,
        (Create::Scalar, true) => Some(Value::Null),
        (Create::Mapping, _) | (Create::Scalar, false) => Some(Value::Object(Map::new())),
    };
    match map.get(&step.name) {
        None => {
            map.insert(step.name.clone(), fresh?);
        }
        Some(Value::Null) => {
            if step.list {
                map.insert(step.name.clone(), Value::Array(Vec::new()));
            } else if let Some(fresh) = fresh {
                map.insert(step.name.clone(), fresh);
            }
        }
        Some(_) => {}
    }
    map.get_mut(&step.name)
}

/// Why two lists of fields cannot be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflicting(pub(crate) String);

/// Adds a field to a list, unless a field of the list covers it.
///
/// Errors: the covering field is made where it is missing and this one is not, or the reverse.
pub(crate) fn add_field(list: &mut Vec<FieldSpec>, field: FieldSpec) -> Result<(), Conflicting> {
    // As kustomize compares: a field without a kind is covered by one of any kind.
    let covering = list
        .iter()
        .find(|known| known.path == field.path && known.gvk.meets(&field.gvk));
    match covering {
        Some(known) if known.create != field.create => Err(Conflicting(field.path)),
        Some(_) => Ok(()),
        None => {
            list.push(field);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Sets `X` at a path and compares.
    fn check(path: &str, create: Option<Create>, body: Value, expect: Result<Value, &str>) {
        let mut body = body;
        let field = FieldSpec::new(Gvk::default(), path, create.is_some());
        let set = &mut |value: &mut Value, _: &str| {
            *value = json!("X");
            Ok(())
        };
        let result = field.visit(&mut body, create.unwrap_or(Create::Nothing), set);
        let result = result.map(|()| body).map_err(|Fault(message)| message);
        assert_eq!(result, expect.map_err(str::to_owned), "{path}");
    }

    #[test]
    fn paths_lead_through_mappings_and_lists() {
        check(
            "a/b",
            None,
            json!({"a": {"b": 1}}),
            Ok(json!({"a": {"b": "X"}})),
        );
        check(
            "a/b",
            None,
            json!({"a": [{"b": 1}, {"c": 1}, null]}),
            Ok(json!({"a": [{"b": "X"}, {"c": 1}, null]})),
        );
        check(
            "m/x.io\\/y",
            None,
            json!({"m": {"x.io/y": 1}}),
            Ok(json!({"m": {"x.io/y": "X"}})),
        );
        check("a/b/c", None, json!({"a": null}), Ok(json!({"a": null})));
        check(
            "a/b",
            None,
            json!({"a": 1}),
            Err("at `a/b`: a mapping or a list is expected above `b`, not a scalar"),
        );
    }

    #[test]
    fn missing_fields_are_made_where_the_path_is_plain() {
        check(
            "a/b",
            Some(Create::Scalar),
            json!({}),
            Ok(json!({"a": {"b": "X"}})),
        );
        check(
            "a/b",
            Some(Create::Scalar),
            json!({"a": null}),
            Ok(json!({"a": {"b": "X"}})),
        );
        check("a[]/b", Some(Create::Mapping), json!({}), Ok(json!({})));
        check(
            "a[]/b",
            Some(Create::Mapping),
            json!({"a": [{}]}),
            Ok(json!({"a": [{"b": "X"}]})),
        );
    }

    #[test]
    fn a_field_covers_another_as_kustomize_compares_them() {
        let field = |kind: &str, create| {
            let gvk = Gvk {
                kind: kind.to_owned(),
                ..Gvk::default()
            };
            FieldSpec::new(gvk, "a", create)
        };
        let mut list = vec![field("Pod", false)];
        assert_eq!(add_field(&mut list, field("", false)), Ok(()));
        assert_eq!(add_field(&mut list, field("Job", true)), Ok(()));
        assert_eq!(list.len(), 2);
        assert_eq!(
            add_field(&mut list, field("Pod", true)),
            Err(Conflicting("a".to_owned()))
        );
    }
}
