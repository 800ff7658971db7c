//! Which node of a patch has set a value.
//!
//! Takes a patch as it was applied, and the object afterwards; gives a JSON pointer into the patch. What the patch does
//! not say itself (the rest of an element that it replaces, a list that a step has shifted) is at the nearest node around.

use serde_json::Value;

use crate::object::Object;
use crate::patch::schema::{self, Field, Keyed, Shape};
use crate::patch::{self, Action, Operation, Step};
use crate::yaml::push_token;

/// Returns a JSON pointer to the node of a patch that has set the value at a pointer of an object.
pub fn within(operation: &Operation, object: &Object, pointer: &str) -> String {
    let steps = tokens(pointer);
    match operation {
        Operation::Strategic(patch) => strategic(patch, object, &steps),
        Operation::Json6902(list) => json6902(list, object, &steps),
    }
}

/// Splits a JSON pointer into its unescaped steps.
pub(crate) fn tokens(pointer: &str) -> Vec<String> {
    let steps = pointer.split('/').skip(1);
    steps
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect()
}

fn strategic(patch: &Value, object: &Object, steps: &[String]) -> String {
    let mut pointer = String::new();
    let mut body = patch;
    if let Some(items) = patch::items(patch) {
        let text = |item: &Value, path: &str| {
            item.pointer(path)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let named = items.iter().position(|item| {
            text(item, "/kind").as_deref() == Some(object.kind())
                && text(item, "/metadata/name").as_deref() == Some(object.name())
        });
        let Some(index) = named else {
            return pointer;
        };
        pointer = format!("/items/{index}");
        body = &items[index];
    }
    let shape = schema::shape(object.api_version(), object.kind());
    down(body, &object.body, shape, None, steps, &mut pointer);
    pointer
}

/// Walks down the patch beside the object as far as the patch goes.
fn down(
    patch: &Value,
    value: &Value,
    shape: Option<&'static Shape>,
    keyed: Option<&'static Keyed>,
    steps: &[String],
    pointer: &mut String,
) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    match (patch, value) {
        (Value::Object(map), Value::Object(body)) => {
            let (Some(below), Some(value)) = (map.get(step), body.get(step)) else {
                return;
            };
            push_token(pointer, step);
            let field = shape.and_then(|shape| shape.field(step));
            let (shape, keyed) = match field {
                Some(Field::Mapping(shape)) => (Some(shape), None),
                Some(Field::Keyed(keyed)) => (None, Some(keyed)),
                Some(Field::Set) | None => (None, None),
            };
            down(below, value, shape, keyed, rest, pointer);
        }
        (Value::Array(items), Value::Array(list)) => {
            let Some(element) = step.parse::<usize>().ok().and_then(|at| list.get(at)) else {
                return;
            };
            let same = |item: &Value| match keyed {
                Some(keyed) => {
                    let agrees =
                        |key: &String| item.get(key).is_none() || item.get(key) == element.get(key);
                    item.get(&keyed.key).is_some()
                        && agrees(&keyed.key)
                        && keyed.second.as_ref().is_none_or(agrees)
                }
                None => item == element,
            };
            let Some(index) = items.iter().position(same) else {
                return;
            };
            push_token(pointer, &index.to_string());
            let shape = keyed.map(|keyed| &keyed.element);
            down(&items[index], element, shape, None, rest, pointer);
        }
        _ => {}
    }
}

/// Looks for the last step that says this value; else for the last one that is about this place.
fn json6902(list: &[Step], object: &Object, steps: &[String]) -> String {
    let leaf = steps
        .iter()
        .try_fold(&object.body, |value, step| match value {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            other => other.get(step),
        });
    let about = |step: &Step| {
        let path = tokens(&step.path.to_string());
        let fits = path.len() <= steps.len()
            && path.iter().zip(steps).all(|(written, found)| {
                let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
                // Other steps may have shifted the list since.
                written == found || (number(found) && (written == "-" || number(written)))
            });
        fits.then_some(path.len())
    };
    let said = |step: &Step| {
        let depth = about(step)?;
        let (Action::Add(value) | Action::Replace(value)) = &step.action else {
            return None;
        };
        let mut pointer = "/value".to_owned();
        let mut below = value;
        for step in &steps[depth..] {
            below = match below {
                Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
                other => other.get(step)?,
            };
            push_token(&mut pointer, step);
        }
        (Some(below) == leaf).then_some(pointer)
    };
    let mut numbered = list.iter().enumerate().rev();
    if let Some(pointer) = numbered
        .clone()
        .find_map(|(number, step)| Some(format!("/{number}{}", said(step)?)))
    {
        return pointer;
    }
    let nearby = numbered.find(|(_, step)| {
        let sets = !matches!(step.action, Action::Test(_) | Action::Remove);
        sets && about(step).is_some()
    });
    nearby.map_or_else(String::new, |(number, _)| format!("/{number}"))
}
