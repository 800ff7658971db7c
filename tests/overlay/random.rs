//! Projects with random patches of users: whatever a patch does to an object, both forms have the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tenantry::tree::Form;
use tenantry::yaml;

use crate::build::{Build, Tree, differences};
use crate::compiler::{bases, compile_form, compile_with, objects};

/// What is done to one place of one object.
#[derive(Debug, Clone)]
pub struct Edit {
    object: Index,
    place: Index,
    action: u8,
    value: u8,
}

/// Generates what is done to a project.
pub fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = (any::<Index>(), any::<Index>(), 0..5u8, 0..8u8);
    let edit = edit.prop_map(|(object, place, action, value)| Edit {
        object,
        place,
        action,
        value,
    });
    proptest::collection::vec(edit, 1..10)
}

const PROJECT: &str = "version: 1\nplatform: {base: kfp-2.17.0, network: {apiServer: [10.0.0.1/32]}}\nprojects:\n- name: churn\n";

/// Writes the patches, and gives the trees of both forms; `None` when no patch is accepted.
pub fn trees(edits: &[Edit]) -> Option<(Tree, Tree)> {
    let plain = compile_with(PROJECT, &BTreeMap::new(), 1).tree;
    let stack: Vec<Value> = objects(&plain, "in-cluster/churn")
        .into_iter()
        .filter(|object| object["kind"] != "Namespace")
        .collect();
    // One patch for each object, so that none is in the way of another.
    let mut patches: BTreeMap<String, Value> = BTreeMap::new();
    for edit in edits {
        if let Some(patch) = patch(edit, &stack) {
            patches.insert(patch["target"].to_string(), patch);
        }
    }
    let mut patches: Vec<Value> = patches.into_values().collect();
    // A patch may be refused, because it takes away what may not be taken away.
    while !patches.is_empty() {
        let mut text = PROJECT.to_owned();
        let mut written = String::new();
        yaml::emit(&json!({"patches": patches}), &mut written);
        for line in written.lines() {
            text.push_str(&format!("  {line}\n"));
        }
        let tree = |form| compile_form(&text, bases(), &BTreeMap::new(), 1, form).tree;
        let plain = tree(Form::Plain);
        if !plain.is_empty() {
            let other = tree(Form::Kustomize);
            assert!(!other.is_empty(), "only the plain form takes\n{text}");
            return Some((plain, other));
        }
        patches.truncate(patches.len() / 2);
    }
    None
}

fn patch(edit: &Edit, stack: &[Value]) -> Option<Value> {
    let object = edit.object.get(stack);
    let mut places = Vec::new();
    collect(object, String::new(), &mut places);
    let (path, at) = edit.place.get(&places).clone();
    // Of the type that is there: kustomize stops at objects that are none of Kubernetes'.
    let text = [
        "yes",
        "0755",
        "a\nb: {c}\n",
        "1e3",
        "2026-11-22",
        "~",
        "plain",
        "",
    ][usize::from(edit.value)];
    let step = match (edit.action, &at) {
        (0, _) => json!({"op": "remove", "path": path}),
        (1, Value::String(_)) => json!({"op": "replace", "path": path, "value": text}),
        (1, Value::Number(_)) => json!({"op": "replace", "path": path, "value": edit.value + 90}),
        (2, Value::Array(list)) if list.len() > 1 => {
            json!({"op": "move", "from": format!("{path}/{}", list.len() - 1), "path": format!("{path}/0")})
        }
        (3 | 4, Value::Array(list)) => {
            let mut item = list.first()?.clone();
            match &mut item {
                Value::Object(map) if map.contains_key("name") => map["name"] = json!("more"),
                Value::String(item) => *item = text.to_owned(),
                _ => {}
            }
            let place = if edit.action == 3 { "0" } else { "-" };
            json!({"op": "add", "path": format!("{path}/{place}"), "value": item})
        }
        (_, Value::Object(_)) => {
            json!({"op": "add", "path": format!("{path}/more"), "value": text})
        }
        _ => return None,
    };
    Some(json!({
        "target": {"kind": object["kind"], "name": object["metadata"]["name"]},
        "patch": [step],
    }))
}

/// Collects the places of an object at which a patch may do something.
fn collect(value: &Value, path: String, places: &mut Vec<(String, Value)>) {
    let fixed = [
        "/metadata",
        "/apiVersion",
        "/kind",
        "/roleRef",
        "/subjects",
        "/spec/selector",
        "/spec/template/metadata",
    ];
    if fixed.iter().any(|fixed| path.starts_with(fixed)) {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect(below, format!("{path}/{key}"), places);
            }
        }
        Value::Array(list) => {
            for (index, below) in list.iter().enumerate() {
                collect(below, format!("{path}/{index}"), places);
            }
        }
        _ => {}
    }
    if !path.is_empty() {
        places.push((path, value.clone()));
    } else if places.is_empty() {
        places.push(("/more".to_owned(), Value::Null));
    }
}

/// Returns what differs between the forms.
pub fn check(edits: &[Edit], build: &impl Build) -> Result<bool, TestCaseError> {
    let Some((plain, other)) = trees(edits) else {
        return Ok(false);
    };
    let wrong = differences("random", &plain, &other, build);
    prop_assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(true)
}
