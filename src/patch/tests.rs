//! Applying patches to lists of objects: which objects, what is reported, and nothing done on an error.

use serde_json::{Value, json};

use super::*;

fn object(api_version: &str, kind: &str, name: &str, spec: Value) -> Object {
    Object {
        body: json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}),
        file: "extra".to_owned(),
    }
}

/// Two Deployments, a Service with the name of one, and two custom objects.
fn objects() -> Vec<Object> {
    vec![
        object(
            "apps/v1",
            "Deployment",
            "ml-pipeline",
            json!({"replicas": 1}),
        ),
        object("apps/v1", "Deployment", "mysql", json!({"replicas": 2})),
        object(
            "v1",
            "Service",
            "ml-pipeline",
            json!({"ports": [{"port": 80}]}),
        ),
        object("example.com/v1", "Thing", "thing", json!({"list": [1]})),
        object("example.com/v1", "Thing", "other", json!({"map": {}})),
    ]
}

fn patch(target: Option<Value>, operation: Value) -> Patch {
    Patch {
        target: target.map(|target| Target::parse(&target).expect("a target")),
        operation: Operation::from_value(operation).expect("an operation"),
    }
}

fn names(keys: &[ObjectKey]) -> Vec<String> {
    keys.iter().map(ToString::to_string).collect()
}

/// Checks which objects are reported as changed and removed, and that no others differ.
fn applies(patch: &Patch, changed: &[&str], removed: &[&str]) {
    let before = objects();
    let mut after = before.clone();
    let applied = apply(patch, &mut after).expect("the patch applies");
    assert_eq!(names(&applied.changed), changed);
    assert_eq!(names(&applied.removed), removed);
    for object in &before {
        let key = object.key();
        let now = after.iter().find(|now| now.key() == key);
        assert_eq!(now.is_none(), applied.removed.contains(&key), "{key}");
        if let Some(now) = now {
            assert_eq!(now != object, applied.changed.contains(&key), "{key}");
        }
    }
}

/// Checks code, pointer, message and hints of what goes wrong, and that nothing is changed then.
fn fails(patch: &Patch, code: Code, pointer: &str, message: &str, hints: &[&str]) {
    let before = objects();
    let mut after = before.clone();
    let error = apply(patch, &mut after).expect_err("the patch does not apply");
    assert_eq!(
        (error.code, error.pointer.as_str(), error.message.as_str()),
        (code, pointer, message)
    );
    assert_eq!(error.hints, hints);
    assert_eq!(before, after);
}

#[test]
fn a_target_selects_objects() {
    let scale = json!({"spec": {"replicas": 2}});
    applies(
        &patch(
            Some(json!({"kind": "Deployment", "name": "ml-pipeline"})),
            scale.clone(),
        ),
        &["Deployment/ml-pipeline"],
        &[],
    );
    // Not every object that is matched needs to change.
    applies(
        &patch(Some(json!({"kind": "Deployment"})), scale),
        &["Deployment/ml-pipeline"],
        &[],
    );
    applies(
        &patch(Some(json!({"name": "ml-.*"})), json!({"spec": {"x": 1}})),
        &["Deployment/ml-pipeline", "Service/ml-pipeline"],
        &[],
    );
    applies(
        &patch(
            Some(json!({"kind": "Thing"})),
            json!([{"op": "add", "path": "/spec/x", "value": 1}]),
        ),
        &["Thing/thing", "Thing/other"],
        &[],
    );
    applies(
        &patch(
            Some(json!({"kind": "Thing|Service"})),
            json!({"$patch": "delete"}),
        ),
        &[],
        &["Service/ml-pipeline", "Thing/thing", "Thing/other"],
    );
}

#[test]
fn a_patch_without_target_names_its_object() {
    let named = |api_version: &str, name: &str, metadata: Value| {
        let mut metadata = metadata;
        metadata["name"] = json!(name);
        patch(
            None,
            json!({"apiVersion": api_version, "kind": "Deployment", "metadata": metadata, "spec": {"replicas": 9}}),
        )
    };
    applies(
        &named("apps/v1", "mysql", json!({})),
        &["Deployment/mysql"],
        &[],
    );
    applies(
        &named("apps/v1", "mysql", json!({"namespace": "default"})),
        &["Deployment/mysql"],
        &[],
    );
    fails(
        &named("apps/v1beta1", "mysql", json!({})),
        Code::PatchNoMatch,
        "",
        "there is no object of apiVersion `apps/v1beta1`, kind `Deployment`, name `mysql`",
        &["`Deployment/mysql` has apiVersion `apps/v1` and no namespace"],
    );
    fails(
        &named("apps/v1", "mysql", json!({"namespace": "team"})),
        Code::PatchNoMatch,
        "",
        "there is no object of apiVersion `apps/v1`, kind `Deployment`, name `mysql`, namespace `team`",
        &["`Deployment/mysql` has apiVersion `apps/v1` and no namespace"],
    );
    fails(
        &patch(
            None,
            json!({"kind": "Deployment", "metadata": {"name": "mysql"}}),
        ),
        Code::InvalidPatch,
        "",
        "the patch has no target and no `apiVersion`",
        &[
            "add `target: {kind: .., name: ..}`",
            "or write the `apiVersion`, `kind` and `metadata.name` of the object",
        ],
    );
    fails(
        &patch(None, json!([{"op": "remove", "path": "/spec"}])),
        Code::InvalidPatch,
        "",
        "a JSON 6902 patch has no target",
        &["add `target: {kind: .., name: ..}`"],
    );
}

#[test]
fn no_match_names_the_nearest_objects() {
    let check = |target: Value, message: &str, hints: &[&str]| {
        let patch = patch(Some(target), json!({"spec": {"x": 1}}));
        fails(&patch, Code::PatchNoMatch, "", message, hints);
    };
    check(
        json!({"kind": "Deployment", "name": "ml-pipelin"}),
        "no object matches the target: kind `Deployment`, name `ml-pipelin`",
        &["the nearest name has `Deployment/ml-pipeline`"],
    );
    check(
        json!({"kind": "Deployment", "name": "x"}),
        "no object matches the target: kind `Deployment`, name `x`",
        &["of that kind there are `Deployment/ml-pipeline`, `Deployment/mysql`"],
    );
    check(
        json!({"kind": "StatefulSet", "name": "mysql"}),
        "no object matches the target: kind `StatefulSet`, name `mysql`",
        &["that name has `Deployment/mysql`"],
    );
    check(
        json!({"kind": "Deploymnet"}),
        "no object matches the target: kind `Deploymnet`",
        &["the nearest kind has `Deployment/ml-pipeline`, `Deployment/mysql`"],
    );
    check(
        json!({"kind": "Thing", "name": "thing", "labelSelector": "a=b"}),
        "no object matches the target: kind `Thing`, name `thing`, labels `a=b`",
        &["`Thing/thing` has apiVersion `example.com/v1` and no namespace"],
    );
    check(
        json!({"kind": "Xyzzy", "name": "q"}),
        "no object matches the target: kind `Xyzzy`, name `q`",
        &[
            "there are `Deployment/ml-pipeline`, `Deployment/mysql`, `Service/ml-pipeline`, `Thing/thing`, `Thing/other`",
        ],
    );
}

#[test]
fn a_patch_that_changes_nothing_is_an_error() {
    let hint = "remove the patch, or change what it sets: every value in it is there already";
    let check = |operation: Value| {
        fails(
            &patch(
                Some(json!({"kind": "Deployment", "name": "mysql"})),
                operation,
            ),
            Code::PatchNoEffect,
            "",
            "the patch changes nothing in `Deployment/mysql`",
            &[hint],
        );
    };
    check(json!({}));
    check(json!({"spec": {"replicas": 2}}));
    check(json!({"spec": {"missing": null}}));
    check(json!({"metadata": {"name": "other", "namespace": "n"}, "kind": "Secret"}));
    check(json!([{"op": "test", "path": "/spec/replicas", "value": 2}]));
    check(json!([{"op": "replace", "path": "/spec/replicas", "value": 2}]));
    check(
        json!([{"op": "add", "path": "/spec/x", "value": 2}, {"op": "remove", "path": "/spec/x"}]),
    );
}

#[test]
fn nothing_is_done_when_one_object_cannot_be_patched() {
    fails(
        &patch(
            Some(json!({"kind": "Thing"})),
            json!({"spec": {"map": {"a": 1}, "list": {"a": 1}}}),
        ),
        Code::PatchFailed,
        "/spec/list",
        "`list` is a list in `Thing/thing` and a mapping in the patch",
        &["write a list, or `null` to delete it, or replace it with a JSON 6902 patch"],
    );
    fails(
        &patch(
            Some(json!({"kind": "Thing"})),
            json!([{"op": "add", "path": "/spec/new", "value": 1}, {"op": "remove", "path": "/spec/list"}]),
        ),
        Code::PatchFailed,
        "/1/path",
        "operation 1 (`remove /spec/list`) fails on `Thing/other`: there is no `/spec/list`",
        &[],
    );
    fails(
        &patch(
            Some(json!({"kind": "Deployment"})),
            json!([{"op": "replace", "path": "/metadata/name", "value": "same"}]),
        ),
        Code::PatchFailed,
        "",
        "after the patch two objects would be `Deployment/same`",
        &["give each object a name of its own"],
    );
}

#[test]
fn json_6902_may_rename() {
    let rename = patch(
        Some(json!({"kind": "Deployment", "name": "mysql"})),
        json!([{"op": "replace", "path": "/metadata/name", "value": "database"}]),
    );
    let mut objects = objects();
    let applied = apply(&rename, &mut objects).expect("the patch applies");
    assert_eq!(names(&applied.changed), ["Deployment/database"]);
    assert_eq!(objects[1].name(), "database");
}

#[test]
fn a_list_of_patches_applies_each() {
    let item = |name: &str, replicas: u64| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": replicas}});
    let list = |items: Vec<Value>| {
        patch(
            None,
            json!({"apiVersion": "v1", "kind": "List", "items": items}),
        )
    };
    applies(
        &list(vec![item("mysql", 5), item("ml-pipeline", 6)]),
        &["Deployment/ml-pipeline", "Deployment/mysql"],
        &[],
    );
    let with_target = Patch {
        target: Some(Target::default()),
        ..list(vec![item("mysql", 5), item("mysql", 6)])
    };
    fails(
        &with_target,
        Code::InvalidPatch,
        "/items",
        "a list of patches has no target, its items name their objects",
        &["leave `target` out, or write one patch for each item"],
    );
    fails(
        &list(vec![item("ml-pipeline", 6), item("mysqll", 5)]),
        Code::PatchNoMatch,
        "/items/1",
        "there is no object of apiVersion `apps/v1`, kind `Deployment`, name `mysqll`",
        &["the nearest name has `Deployment/mysql`"],
    );
}
