//! What makes one object out of another: a strategic merge for fields, JSON 6902 steps inside of lists.
//!
//! Takes two bodies and gives patches that build the one from the other exactly, the order of lists included. Knows
//! nothing of the objects around them and of files.
//!
//! Fields and scalars go into the strategic merge, which people read most easily. What is in a list goes into steps:
//! kustomize moves the elements that a strategic merge names to the front of a merged list, and the order of init
//! containers and of variables that refer to each other means something. An index says little to a reader, so a step
//! inside of an element comes after a `test` of its name, which also fails should the base ever be another one.

use serde_json::{Map, Value, json};

/// Fields that tell elements of a list apart, the better ones first.
const NAMES: [&str; 8] = [
    "name",
    "mountPath",
    "containerPort",
    "port",
    "devicePath",
    "key",
    "ip",
    "topologyKey",
];

/// Patches that build one body from another.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Delta {
    /// Fields of a strategic merge patch; empty for none.
    pub(super) merge: Map<String, Value>,
    /// Steps of a JSON 6902 patch, to be carried out after the merge.
    pub(super) steps: Vec<Value>,
}

/// Returns what makes `target` out of `base`; both are mappings.
pub(super) fn delta(base: &Value, target: &Value) -> Delta {
    let mut delta = Delta::default();
    let empty = Map::new();
    let (from, to) = (
        base.as_object().unwrap_or(&empty),
        target.as_object().unwrap_or(&empty),
    );
    delta.merge = merge(from, to, "", &mut delta.steps);
    delta
}

/// Returns steps alone that make `target` out of `base`.
pub(super) fn steps(base: &Value, target: &Value) -> Vec<Value> {
    let mut steps = Vec::new();
    inside(base, target, "", &mut steps);
    steps
}

/// Returns the fields of a strategic merge, and leaves to `steps` what it cannot do exactly.
fn merge(
    base: &Map<String, Value>,
    target: &Map<String, Value>,
    path: &str,
    steps: &mut Vec<Value>,
) -> Map<String, Value> {
    let mut fields = Map::new();
    for key in base.keys().filter(|key| !target.contains_key(*key)) {
        if is_directive(key) {
            steps.push(json!({"op": "remove", "path": child(path, key)}));
        } else {
            fields.insert(key.clone(), Value::Null);
        }
    }
    for (key, value) in target {
        let below = child(path, key);
        match (base.get(key), value) {
            (None, _) if is_directive(key) || !merges_as_it_is(value) => {
                steps.push(json!({"op": "add", "path": below, "value": value}));
            }
            (None, _) => {
                fields.insert(key.clone(), value.clone());
            }
            (Some(before), after) if before == after => {}
            (Some(before), after) if is_directive(key) => inside(before, after, &below, steps),
            (Some(Value::Object(before)), Value::Object(after)) if !after.is_empty() => {
                let inner = merge(before, after, &below, steps);
                if !inner.is_empty() {
                    fields.insert(key.clone(), Value::Object(inner));
                }
            }
            (Some(Value::String(_)), Value::String(_))
            | (Some(Value::Number(_)), Value::Number(_))
            | (Some(Value::Bool(_)), Value::Bool(_)) => {
                fields.insert(key.clone(), value.clone());
            }
            (Some(before), after) => inside(before, after, &below, steps),
        }
    }
    fields
}

/// Tells whether kustomize takes over a new value as it is: no empty collections, which it drops in places, and no
/// directives.
fn merges_as_it_is(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            !map.is_empty()
                && map
                    .iter()
                    .all(|(key, below)| !is_directive(key) && merges_as_it_is(below))
        }
        Value::Array(list) => !list.is_empty() && list.iter().all(merges_as_it_is),
        _ => true,
    }
}

/// Tells whether a key means something else in a strategic merge.
fn is_directive(key: &str) -> bool {
    key.starts_with('$')
}

/// Adds the steps that make one value out of another at a path, or one that replaces it when that is shorter.
fn inside(base: &Value, target: &Value, path: &str, out: &mut Vec<Value>) {
    if base == target {
        return;
    }
    let mut steps = Vec::new();
    match (base, target) {
        (Value::Object(before), Value::Object(after)) => fields(before, after, path, &mut steps),
        (Value::Array(before), Value::Array(after)) => elements(before, after, path, &mut steps),
        _ => {}
    }
    let whole = json!({"op": "replace", "path": path, "value": target});
    let shorter = path.is_empty() || length(&steps) <= length(std::slice::from_ref(&whole));
    if !steps.is_empty() && shorter {
        out.extend(steps);
    } else {
        out.push(whole);
    }
}

fn fields(
    base: &Map<String, Value>,
    target: &Map<String, Value>,
    path: &str,
    steps: &mut Vec<Value>,
) {
    for key in base.keys().filter(|key| !target.contains_key(*key)) {
        steps.push(json!({"op": "remove", "path": child(path, key)}));
    }
    for (key, value) in target {
        let below = child(path, key);
        match base.get(key) {
            None => steps.push(json!({"op": "add", "path": below, "value": value})),
            Some(before) => inside(before, value, &below, steps),
        }
    }
}

/// Elements that stay are changed first, at the indexes that they have in the base; then elements go, the last one
/// first; then others come, at the indexes that they have in the end.
fn elements(base: &[Value], target: &[Value], path: &str, steps: &mut Vec<Value>) {
    let pairs = pairs(base, target);
    for (before, after) in &pairs {
        let (old, new) = (&base[*before], &target[*after]);
        if old != new {
            let below = format!("{path}/{before}");
            steps.extend(test(old, &below));
            inside(old, new, &below, steps);
        }
    }
    let goes = |index: &usize| !pairs.iter().any(|(before, _)| before == index);
    for index in (0..base.len()).filter(goes).rev() {
        let below = format!("{path}/{index}");
        steps.extend(test(&base[index], &below));
        steps.push(json!({"op": "remove", "path": below}));
    }
    let comes = |index: &usize| !pairs.iter().any(|(_, after)| after == index);
    let added = (0..target.len()).filter(comes);
    for (length, index) in (pairs.len()..).zip(added) {
        let place = if index == length {
            "-".to_owned()
        } else {
            index.to_string()
        };
        steps.push(json!({"op": "add", "path": child(path, &place), "value": target[index]}));
    }
}

/// Returns a step that fails when another element is at a path, and tells the reader which one is meant.
fn test(element: &Value, path: &str) -> Option<Value> {
    match element {
        Value::Object(_) => {
            let (field, value) = name(element)?;
            Some(json!({"op": "test", "path": child(path, field), "value": value}))
        }
        Value::String(_) => Some(json!({"op": "test", "path": path, "value": element})),
        _ => None,
    }
}

/// Returns the field that an element goes by.
fn name(element: &Value) -> Option<(&'static str, &Value)> {
    NAMES
        .into_iter()
        .find_map(|field| Some((field, element.get(field)?)))
        .filter(|(_, value)| value.is_string() || value.is_number())
}

/// Tells whether two elements are the same one, perhaps with other contents.
fn is_same(one: &Value, other: &Value) -> bool {
    match (name(one), name(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// Returns pairs of indexes of elements that become one another, in order: those that are the same one, and between two
/// of them those without names, as they stand.
fn pairs(base: &[Value], target: &[Value]) -> Vec<(usize, usize)> {
    let same = common(base, target);
    let mut pairs = Vec::with_capacity(same.len());
    let (mut before, mut after) = (0, 0);
    let end = (base.len(), target.len());
    for pair in same.into_iter().chain([end]) {
        let between = (before..pair.0).zip(after..pair.1);
        let nameless = |value: &Value| value.is_object() && name(value).is_none();
        pairs.extend(
            between.filter(|(before, after)| nameless(&base[*before]) && nameless(&target[*after])),
        );
        if pair != end {
            pairs.push(pair);
        }
        (before, after) = (pair.0 + 1, pair.1 + 1);
    }
    pairs
}

/// Returns pairs of indexes of a longest common subsequence, in order.
fn common(base: &[Value], target: &[Value]) -> Vec<(usize, usize)> {
    let mut longest = vec![vec![0usize; target.len() + 1]; base.len() + 1];
    for before in (0..base.len()).rev() {
        for after in (0..target.len()).rev() {
            longest[before][after] = if is_same(&base[before], &target[after]) {
                longest[before + 1][after + 1] + 1
            } else {
                longest[before + 1][after].max(longest[before][after + 1])
            };
        }
    }
    let (mut before, mut after) = (0, 0);
    let mut pairs = Vec::with_capacity(longest[0][0]);
    while before < base.len() && after < target.len() {
        if is_same(&base[before], &target[after]) {
            pairs.push((before, after));
            before += 1;
            after += 1;
        } else if longest[before + 1][after] >= longest[before][after + 1] {
            before += 1;
        } else {
            after += 1;
        }
    }
    pairs
}

fn length(steps: &[Value]) -> usize {
    steps.iter().map(|step| step.to_string().len()).sum()
}

/// Returns the JSON pointer of a field.
fn child(path: &str, key: &str) -> String {
    format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
