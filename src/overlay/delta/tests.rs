use serde_json::{Value, json};

use super::*;

/// Compares what makes one body out of another with what is expected.
#[track_caller]
fn check(base: Value, target: Value, merge: Value, steps: Value) {
    let found = delta(&base, &target);
    let expect = (merge, steps);
    assert_eq!(
        (Value::Object(found.merge), Value::Array(found.steps)),
        expect
    );
}

#[test]
fn fields_are_merged() {
    check(
        json!({"spec": {"replicas": 1, "strategy": {"type": "Recreate"}, "old": 1}}),
        json!({"spec": {"replicas": 2, "strategy": {"type": "Recreate"}, "new": {"a": ["b"]}}}),
        json!({"spec": {"old": null, "replicas": 2, "new": {"a": ["b"]}}}),
        json!([]),
    );
    check(json!({"a": 1}), json!({"a": 1}), json!({}), json!([]));
}

#[test]
fn what_a_merge_cannot_do_is_a_step() {
    // kustomize keeps the quotes of the old scalar, drops empty maps in places, and has no way to empty a map.
    check(
        json!({"port": "80", "full": {"a": 1}}),
        json!({"port": 80, "full": {}, "emptyDir": {}}),
        json!({}),
        json!([
            {"op": "replace", "path": "/port", "value": 80},
            {"op": "remove", "path": "/full/a"},
            {"op": "add", "path": "/emptyDir", "value": {}},
        ]),
    );
    check(
        json!({"data": {}}),
        json!({"data": {"$patch": "delete"}}),
        json!({}),
        json!([{"op": "add", "path": "/data/$patch", "value": "delete"}]),
    );
}

#[test]
fn elements_are_found_by_their_names() {
    let env = |values: &[(&str, &str)]| -> Value {
        let entries = values.iter().map(
            |(name, value)| json!({"name": name, "value": value, "note": "long enough to keep"}),
        );
        entries.collect()
    };
    check(
        json!({"env": env(&[("A", "1"), ("B", "2"), ("C", "3"), ("D", "4"), ("E", "5"), ("F", "6")])}),
        json!({"env": env(&[("A", "1"), ("N", "0"), ("C", "9"), ("D", "4"), ("E", "5"), ("F", "6"), ("G", "7")])}),
        json!({}),
        json!([
            {"op": "test", "path": "/env/2/name", "value": "C"},
            {"op": "replace", "path": "/env/2/value", "value": "9"},
            {"op": "test", "path": "/env/1/name", "value": "B"},
            {"op": "remove", "path": "/env/1"},
            {"op": "add", "path": "/env/1", "value": {"name": "N", "value": "0", "note": "long enough to keep"}},
            {"op": "add", "path": "/env/-", "value": {"name": "G", "value": "7", "note": "long enough to keep"}},
        ]),
    );
}

#[test]
fn elements_without_names_are_taken_as_they_stand() {
    check(
        json!({"rules": [{"verbs": ["get"]}, {"verbs": ["list"]}]}),
        json!({"rules": [{"verbs": ["get"], "resourceNames": ["a"]}, {"verbs": ["list"]}]}),
        json!({}),
        json!([{"op": "add", "path": "/rules/0/resourceNames", "value": ["a"]}]),
    );
}

#[test]
fn a_list_is_replaced_when_that_is_shorter() {
    check(
        json!({"args": ["one", "two", "three"]}),
        json!({"args": ["four"]}),
        json!({}),
        json!([{"op": "replace", "path": "/args", "value": ["four"]}]),
    );
    check(
        json!({"args": ["a rather long argument", "another one of them"]}),
        json!({"args": ["a rather long argument", "another one of them", "-v"]}),
        json!({}),
        json!([{"op": "add", "path": "/args/-", "value": "-v"}]),
    );
}

#[test]
fn keys_are_escaped() {
    check(
        json!({"a/b~c": [1]}),
        json!({"a/b~c": [2]}),
        json!({}),
        json!([{"op": "replace", "path": "/a~1b~0c", "value": [2]}]),
    );
}
