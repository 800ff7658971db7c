//! Every row of the measured differences between RFC 6902 and kustomize, and RFC 6902 itself.

use serde_json::{Value, json};

use super::*;

fn object(extra: &str) -> Object {
    let mut body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}});
    let extra: Value =
        serde_json::from_str(extra).unwrap_or_else(|error| panic!("{error}: {extra}"));
    if let (Value::Object(body), Value::Object(extra)) = (&mut body, extra) {
        body.extend(extra);
    }
    Object {
        body,
        file: "extra".to_owned(),
    }
}

fn patched(base: &str, steps: &str) -> Result<Value, PatchError> {
    let steps = serde_json::from_str(steps).unwrap_or_else(|error| panic!("{error}: {steps}"));
    run(&read(steps)?, &object(base))
}

/// Checks the body after the steps, byte for byte, so the order of keys too.
fn gives(base: &str, steps: &str, expect: &str) {
    let body = patched(base, steps).unwrap_or_else(|error| panic!("{base} + {steps}: {error:?}"));
    assert_eq!(
        body.to_string(),
        object(expect).body.to_string(),
        "{base} + {steps}"
    );
}

/// Checks code, pointer and message of what goes wrong.
fn fails(base: &str, steps: &str, code: Code, pointer: &str, message: &str) {
    let error = patched(base, steps).expect_err(&format!("{base} + {steps}"));
    assert_eq!(
        (error.code, error.pointer.as_str(), error.message.as_str()),
        (code, pointer, message),
        "{base} + {steps}"
    );
}

fn fails_at_0(base: &str, step: &str, what: &str, reason: &str) {
    let message = format!("operation 0 (`{what}`) fails on `ConfigMap/d`: {reason}");
    fails(
        base,
        &format!("[{step}]"),
        Code::PatchFailed,
        "/0/path",
        &message,
    );
}

#[test]
fn add() {
    let check = |base, step: &str, expect| gives(base, &format!("[{step}]"), expect);
    check(
        r#"{"a": 1}"#,
        r#"{"op": "add", "path": "/b", "value": 2}"#,
        r#"{"a": 1, "b": 2}"#,
    );
    check(
        r#"{"a": 1, "b": 2}"#,
        r#"{"op": "add", "path": "/a", "value": 3}"#,
        r#"{"a": 3, "b": 2}"#,
    );
    check(
        r#"{"l": [1]}"#,
        r#"{"op": "add", "path": "/l/-", "value": 2}"#,
        r#"{"l": [1, 2]}"#,
    );
    check(
        r#"{"l": [1]}"#,
        r#"{"op": "add", "path": "/l/0", "value": 2}"#,
        r#"{"l": [2, 1]}"#,
    );
    check(
        r#"{"l": [1]}"#,
        r#"{"op": "add", "path": "/l/1", "value": 2}"#,
        r#"{"l": [1, 2]}"#,
    );
    check(
        r#"{"l": []}"#,
        r#"{"op": "add", "path": "/l/-", "value": null}"#,
        r#"{"l": [null]}"#,
    );
    check(
        r#"{"a": {}}"#,
        r#"{"op": "add", "path": "/a/", "value": 1}"#,
        r#"{"a": {"": 1}}"#,
    );
    check(
        r#"{"a": {}}"#,
        r#"{"op": "add", "path": "/a/x~1y~0z~01", "value": 1}"#,
        r#"{"a": {"x/y~z~1": 1}}"#,
    );
    check(
        r#"{"a": 1}"#,
        r#"{"op": "add", "path": "/b", "value": 1, "comment": "x"}"#,
        r#"{"a": 1, "b": 1}"#,
    );
    let add = |path: &str| format!(r#"{{"op": "add", "path": "{path}", "value": 1}}"#);
    fails_at_0("{}", &add("/a/b"), "add /a/b", "there is no `/a`");
    fails_at_0(
        r#"{"a": 1}"#,
        &add("/a/b"),
        "add /a/b",
        "`/a` is a number, and nothing is below it",
    );
    fails_at_0(
        r#"{"a": null}"#,
        &add("/a/b"),
        "add /a/b",
        "`/a` is null, and nothing is below it",
    );
    fails_at_0(
        r#"{"l": [1]}"#,
        &add("/l/2"),
        "add /l/2",
        "there is no element `2`",
    );
    fails_at_0(
        r#"{"l": [1]}"#,
        &add("/l/-1"),
        "add /l/-1",
        "the index `-1` is negative",
    );
    fails_at_0(
        r#"{"l": [1]}"#,
        &add("/l/00"),
        "add /l/00",
        "the index `00` starts with 0",
    );
    fails_at_0(
        "{}",
        &add("/metadata/annotations/x"),
        "add /metadata/annotations/x",
        "there is no `/metadata/annotations`",
    );
}

#[test]
fn a_missing_mapping_is_to_be_added_first() {
    let steps = r#"[{"op": "add", "path": "/metadata/labels/x", "value": "y"}]"#;
    let error = patched("{}", steps).expect_err("no labels");
    assert_eq!(
        error.hints,
        ["add it first: `{op: add, path: /metadata/labels, value: {}}`"]
    );
}

#[test]
fn replace() {
    let check = |base, step: &str, expect| gives(base, &format!("[{step}]"), expect);
    check(
        r#"{"a": 1, "b": 2}"#,
        r#"{"op": "replace", "path": "/a", "value": 3}"#,
        r#"{"a": 3, "b": 2}"#,
    );
    check(
        r#"{"l": [1, 2]}"#,
        r#"{"op": "replace", "path": "/l/1", "value": 3}"#,
        r#"{"l": [1, 3]}"#,
    );
    check(
        r#"{"a": 1}"#,
        r#"{"op": "replace", "path": "/a", "value": null}"#,
        r#"{"a": null}"#,
    );
    let replace = |path: &str| format!(r#"{{"op": "replace", "path": "{path}", "value": 1}}"#);
    fails_at_0(
        r#"{"a": {}}"#,
        &replace("/a/b"),
        "replace /a/b",
        "there is no `/a/b`",
    );
    fails_at_0(
        r#"{"l": [1]}"#,
        &replace("/l/1"),
        "replace /l/1",
        "there is no element `1`",
    );
    fails_at_0(
        r#"{"l": [1]}"#,
        &replace("/l/-"),
        "replace /l/-",
        "`-` is the place after the last element, and nothing is there",
    );
    let whole = r#"[{"op": "replace", "path": "", "value": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "e"}}}]"#;
    assert_eq!(
        patched("{}", whole),
        Ok(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "e"}}))
    );
}

#[test]
fn remove() {
    let check = |base, step: &str, expect| gives(base, &format!("[{step}]"), expect);
    check(
        r#"{"a": 1, "b": 2, "c": 3}"#,
        r#"{"op": "remove", "path": "/a"}"#,
        r#"{"b": 2, "c": 3}"#,
    );
    check(
        r#"{"a": {"b": 1}}"#,
        r#"{"op": "remove", "path": "/a/b"}"#,
        r#"{"a": {}}"#,
    );
    check(
        r#"{"l": [1, 2]}"#,
        r#"{"op": "remove", "path": "/l/0"}"#,
        r#"{"l": [2]}"#,
    );
    let remove = |path: &str| format!(r#"{{"op": "remove", "path": "{path}"}}"#);
    fails_at_0("{}", &remove("/a"), "remove /a", "there is no `/a`");
    fails_at_0(
        "{}",
        &remove("/metadata/annotations"),
        "remove /metadata/annotations",
        "there is no `/metadata/annotations`",
    );
    fails_at_0(
        r#"{"l": [1]}"#,
        &remove("/l/1"),
        "remove /l/1",
        "there is no element `1`",
    );
    fails_at_0(
        r#"{"l": [1]}"#,
        &remove("/l/-1"),
        "remove /l/-1",
        "the index `-1` is negative",
    );
    fails_at_0(
        r#"{"l": [1]}"#,
        &remove("/l/x"),
        "remove /l/x",
        "`x` is not an index of a list",
    );
}

#[test]
fn move_and_copy() {
    let check = |base, step: &str, expect| gives(base, &format!("[{step}]"), expect);
    check(
        r#"{"a": {"b": 1}}"#,
        r#"{"op": "move", "from": "/a/b", "path": "/c"}"#,
        r#"{"a": {}, "c": 1}"#,
    );
    check(
        r#"{"l": [1, 2, 3]}"#,
        r#"{"op": "move", "from": "/l/0", "path": "/l/2"}"#,
        r#"{"l": [2, 3, 1]}"#,
    );
    check(
        r#"{"a": 1}"#,
        r#"{"op": "move", "from": "/a", "path": "/a"}"#,
        r#"{"a": 1}"#,
    );
    check(
        r#"{"a": {"b": 1}}"#,
        r#"{"op": "copy", "from": "/a", "path": "/c"}"#,
        r#"{"a": {"b": 1}, "c": {"b": 1}}"#,
    );
    let from = |op: &str| {
        let message = format!("operation 0 (`{op} /b`) fails on `ConfigMap/d`: there is no `/a`");
        let steps = format!(r#"[{{"op": "{op}", "from": "/a", "path": "/b"}}]"#);
        fails("{}", &steps, Code::PatchFailed, "/0/from", &message);
    };
    from("move");
    from("copy");
}

#[test]
fn test() {
    let check = |base, value: &str| {
        let steps = format!(r#"[{{"op": "test", "path": "/a", "value": {value}}}]"#);
        gives(base, &steps, base);
    };
    check(r#"{"a": 1}"#, "1");
    check(r#"{"a": {"x": 1, "y": [2]}}"#, r#"{"y": [2], "x": 1}"#);
    check(r#"{"a": null}"#, "null");
    let differs = |base, value: &str, reason: &str| {
        let steps = format!(r#"[{{"op": "test", "path": "/a", "value": {value}}}]"#);
        let message = format!("operation 0 (`test /a`) fails on `ConfigMap/d`: {reason}");
        fails(base, &steps, Code::PatchFailed, "/0/value", &message);
    };
    differs(r#"{"a": 1}"#, "1.0", "there is `1`, not `1.0`");
    differs(r#"{"a": 1}"#, r#""1""#, r#"there is `1`, not `"1"`"#);
    differs(
        r#"{"a": [1, 2]}"#,
        "[2, 1]",
        "there is `[1,2]`, not `[2,1]`",
    );
    fails_at_0(
        "{}",
        r#"{"op": "test", "path": "/a", "value": null}"#,
        "test /a",
        "there is no `/a`",
    );
}

#[test]
fn large_integers_stay_exact() {
    gives(
        r#"{"a": 9007199254740993}"#,
        r#"[{"op": "add", "path": "/b", "value": 18446744073709551615}]"#,
        r#"{"a": 9007199254740993, "b": 18446744073709551615}"#,
    );
}

#[test]
fn the_first_failing_step_is_named() {
    fails(
        r#"{"a": 1}"#,
        r#"[{"op": "remove", "path": "/a"}, {"op": "remove", "path": "/a"}]"#,
        Code::PatchFailed,
        "/1/path",
        "operation 1 (`remove /a`) fails on `ConfigMap/d`: there is no `/a`",
    );
}

#[test]
fn the_result_is_an_object() {
    let check = |step: &str, missing: &str| {
        let message = format!("after the patch `ConfigMap/d` has no `{missing}`");
        fails("{}", &format!("[{step}]"), Code::PatchFailed, "", &message);
    };
    check(r#"{"op": "remove", "path": "/kind"}"#, "kind");
    check(
        r#"{"op": "replace", "path": "/apiVersion", "value": ""}"#,
        "apiVersion",
    );
    check(r#"{"op": "remove", "path": "/metadata"}"#, "metadata.name");
    check(r#"{"op": "add", "path": "", "value": 3}"#, "apiVersion");
}

#[test]
fn what_rfc_6902_does_not_define_is_not_read() {
    let check = |steps: &str, pointer: &str, message: &str| {
        fails("{}", steps, Code::InvalidPatch, pointer, message);
    };
    check(
        "{}",
        "",
        "a JSON 6902 patch is a list of operations, not a mapping",
    );
    check("[]", "", "the JSON 6902 patch has no operations");
    check("[1]", "/0", "operation 0 is a number, not a mapping");
    check(r#"[{"path": "/a"}]"#, "/0", "operation 0 has no `op`");
    check(
        r#"[{"op": 1, "path": "/a"}]"#,
        "/0/op",
        "`op` of operation 0 is a number, not a string",
    );
    check(
        r#"[{"op": "Replace", "path": "/a", "value": 1}]"#,
        "/0/op",
        "operation 0 has an unknown `op`: `Replace`",
    );
    check(
        r#"[{"op": "add", "value": 1}]"#,
        "/0",
        "operation 0 has no `path`",
    );
    check(
        r#"[{"op": "add", "path": "/a"}]"#,
        "/0",
        "operation 0 (`add /a`) has no `value`",
    );
    check(
        r#"[{"op": "move", "path": "/a"}]"#,
        "/0",
        "operation 0 has no `from`",
    );
    check(
        r#"[{"op": "add", "path": "spec/replicas", "value": 1}]"#,
        "/0/path",
        "`path` of operation 0 (`add`) is not a JSON pointer: `spec/replicas` does not start with `/`",
    );
    check(
        r#"[{"op": "move", "from": "/a", "path": "/a/b"}]"#,
        "/0/path",
        "operation 0 moves `/a` into itself, to `/a/b`",
    );
    check(
        r#"[{"op": "remove", "path": ""}]"#,
        "/0/path",
        "operation 0 (`remove`) would remove the whole object",
    );
}
