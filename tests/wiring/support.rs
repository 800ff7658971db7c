//! Trees with wiring, and ways to look into them.

use std::collections::BTreeMap;

use serde_json::Value;
use tenantry::yaml::{self, LoadOptions};

use crate::compiler::{compile, root};

/// Content by path below the tree.
pub type Tree = BTreeMap<String, String>;

/// The tree of a golden case.
pub fn golden(case: &str) -> Tree {
    let path = root().join("tests/golden").join(case).join("projects.yaml");
    compile(&std::fs::read_to_string(path).expect("the case can be read"))
}

/// The objects of a file.
pub fn objects(text: &str) -> Vec<Value> {
    yaml::load(text, &LoadOptions::default())
        .expect("we wrote it")
        .into_iter()
        .map(|document| document.value)
        .collect()
}

/// The objects of one kind below a path.
pub fn of_kind(tree: &Tree, below: &str, kind: &str) -> Vec<Value> {
    tree.iter()
        .filter(|(path, _)| path.starts_with(below))
        .flat_map(|(_, text)| objects(text))
        .filter(|object| object["kind"] == kind)
        .collect()
}

/// A text at a JSON pointer, empty when there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or("")
}

/// The group of an object.
pub fn group(object: &Value) -> &str {
    text(object, "/apiVersion")
        .split_once('/')
        .map_or("", |(group, _)| group)
}
