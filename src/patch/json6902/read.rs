//! Reading the steps of a JSON 6902 patch, and refusing what RFC 6902 does not define.

use serde_json::{Map, Value};

use super::super::PatchError;
use super::super::place::Place;
use super::super::strategic::a_kind_of;
use super::{Action, Pointer, Step};
use crate::diagnostic::{Code, nearest};

const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];

/// Reads the list of steps. Fields that RFC 6902 does not define are ignored, as it says.
///
/// Errors: `invalid-patch`.
pub(crate) fn read(value: Value) -> Result<Vec<Step>, PatchError> {
    let root = Place::Root("");
    let Value::Array(list) = value else {
        return Err(invalid(
            root,
            format!(
                "a JSON 6902 patch is a list of operations, not {}",
                a_kind_of(&value)
            ),
        )
        .hint("write `- {op: replace, path: /spec/replicas, value: 2}`"));
    };
    if list.is_empty() {
        return Err(
            invalid(root, "the JSON 6902 patch has no operations".to_owned()).hint("remove it"),
        );
    }
    list.into_iter()
        .enumerate()
        .map(|(index, value)| read_step(value, index, root.index(index)))
        .collect()
}

fn invalid(place: Place<'_>, message: String) -> PatchError {
    PatchError::new(Code::InvalidPatch, place, message)
}

fn read_step(value: Value, index: usize, place: Place<'_>) -> Result<Step, PatchError> {
    let Value::Object(mut map) = value else {
        return Err(invalid(
            place,
            format!("operation {index} is {}, not a mapping", a_kind_of(&value)),
        )
        .hint("write `{op: replace, path: /spec/replicas, value: 2}`"));
    };
    let op = text(&map, "op", index, place)?.to_owned();
    let path = pointer(&map, "path", index, &op, place)?;
    let from = |map: &Map<String, Value>| pointer(map, "from", index, &op, place);
    let mut value = || {
        map.shift_remove("value").ok_or_else(|| {
            invalid(
                place,
                format!("operation {index} (`{op} {path}`) has no `value`"),
            )
            .hint("write `value: null` if null is meant")
        })
    };
    let action = match op.as_str() {
        "add" => Action::Add(value()?),
        "replace" => Action::Replace(value()?),
        "test" => Action::Test(value()?),
        "remove" if path.last().is_none() => {
            return Err(invalid(
                place.key("path"),
                format!("operation {index} (`remove`) would remove the whole object"),
            )
            .hint("write a strategic merge with `$patch: delete`"));
        }
        "remove" => Action::Remove,
        "copy" => Action::Copy(from(&map)?),
        "move" => {
            let from = from(&map)?;
            if from.contains(&path) {
                return Err(invalid(
                    place.key("path"),
                    format!("operation {index} moves `{from}` into itself, to `{path}`"),
                ));
            }
            Action::Move(from)
        }
        other => {
            let error = invalid(
                place.key("op"),
                format!("operation {index} has an unknown `op`: `{other}`"),
            );
            return Err(match nearest(&other.to_lowercase(), OPERATIONS) {
                Some(meant) => error.hint(format!("did you mean `{meant}`?")),
                None => error.hint(format!("the operations are {}", OPERATIONS.join(", "))),
            });
        }
    };
    Ok(Step { path, action })
}

fn text<'v>(
    map: &'v Map<String, Value>,
    key: &str,
    index: usize,
    place: Place<'_>,
) -> Result<&'v str, PatchError> {
    match map.get(key) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(invalid(
            place.key(key),
            format!(
                "`{key}` of operation {index} is {}, not a string",
                a_kind_of(other)
            ),
        )),
        None => Err(invalid(place, format!("operation {index} has no `{key}`"))
            .hint("write `{op: replace, path: /spec/replicas, value: 2}`")),
    }
}

fn pointer(
    map: &Map<String, Value>,
    key: &str,
    index: usize,
    op: &str,
    place: Place<'_>,
) -> Result<Pointer, PatchError> {
    let text = text(map, key, index, place)?;
    Pointer::parse(text).map_err(|problem| {
        let error = invalid(
            place.key(key),
            format!("`{key}` of operation {index} (`{op}`) is not a JSON pointer: {problem}"),
        );
        if text.starts_with('/') {
            error
        } else {
            error.hint(format!("write `/{text}`"))
        }
    })
}
