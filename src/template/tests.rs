use serde_json::json;

use super::*;
use crate::yaml::LoadOptions;

fn scope() -> Scope {
    let values = json!({
        "project": {"name": "no", "description": "\"}\nkind: ClusterRole", "tags": ["a", "b"]},
        "plan": {"port": 3306, "on": true, "nothing": null, "map": {"x": 1, "y": {"z": 2}}},
    });
    let Value::Object(values) = values else {
        unreachable!("a map was written");
    };
    Scope::new(values)
}

fn evaluate(template: &str) -> Result<Option<Value>, TemplateError> {
    let options = LoadOptions {
        tags: true,
        ..LoadOptions::default()
    };
    let document = yaml::load_one(template, &options).expect("the template is YAML");
    let mut compiler = Compiler::default();
    let node = compiler.compile(&document.value, &Place::default())?;
    let templates = compiler.finish().map_err(|errors| errors[0].clone())?;
    templates.render(&node, &scope())
}

fn check(template: &str, expect: Value) {
    assert_eq!(evaluate(template), Ok(Some(expect)), "{template}");
}

fn check_error(template: &str, pointer: &str, message: &str) {
    let error = evaluate(template).expect_err(template);
    assert_eq!(
        (error.place.pointer.as_str(), error.message.as_str()),
        (pointer, message)
    );
}

#[test]
fn strings_stay_strings() {
    check("a: '{{ project.name }}'", json!({"a": "no"}));
    check("a: '{{ plan.port }}'", json!({"a": "3306"}));
    check("a: '{{ plan.on }}'", json!({"a": "true"}));
    check("a: x-{{ project.name }}-y", json!({"a": "x-no-y"}));
    check("'{{ project.name }}': 1", json!({"no": 1}));
}

#[test]
fn values_cannot_become_structure() {
    check(
        "a: '{{ project.description }}'\nb: ok",
        json!({"a": "\"}\nkind: ClusterRole", "b": "ok"}),
    );
    check("a: '<b>&\"'", json!({"a": "<b>&\""}));
    check(
        "- '{{ project.description }}'",
        json!(["\"}\nkind: ClusterRole"]),
    );
}

#[test]
fn expressions_keep_their_type() {
    check("a: !expr plan.port", json!({"a": 3306}));
    check("a: !expr project.tags", json!({"a": ["a", "b"]}));
    check_error(
        "a: !expr plan.nothing",
        "/a/!expr",
        "`plan.nothing` is not defined",
    );
    check_error(
        "a: !expr plan.missing",
        "/a/!expr",
        "`plan.missing` is not defined",
    );
}

#[test]
fn conditions_leave_out_keys_and_items() {
    check(
        "a: !if {cond: plan.on, then: 1}\nb: 2",
        json!({"a": 1, "b": 2}),
    );
    check("a: !if {cond: not plan.on, then: 1}\nb: 2", json!({"b": 2}));
    check(
        "a: !if {cond: plan.nothing, then: 1, else: 3}",
        json!({"a": 3}),
    );
    check("- !if {cond: plan.missing, then: 1}\n- 2", json!([2]));
    check(
        "a: !if {cond: plan.port == 3306, then: {b: '{{ project.name }}'}}",
        json!({"a": {"b": "no"}}),
    );
}

#[test]
fn loops_add_items() {
    check(
        "- first\n- !for {each: tag, in: project.tags, do: 't-{{ tag }}'}\n- last",
        json!(["first", "t-a", "t-b", "last"]),
    );
    check(
        "!for {each: entry, in: plan.map.y, do: {name: '{{ entry.key }}', value: '{{ entry.value }}'}}",
        json!([{"name": "z", "value": "2"}]),
    );
    check(
        "- !for {each: tag, in: project.tags, do: !if {cond: tag == 'b', then: !expr tag}}",
        json!(["b"]),
    );
}

#[test]
fn merges_are_deep_and_null_removes() {
    check(
        "!merge [{a: {b: 1, c: 2}, d: 3}, {a: {c: null, e: 4}}, !expr plan.map]",
        json!({"a": {"b": 1, "e": 4}, "d": 3, "x": 1, "y": {"z": 2}}),
    );
}

#[test]
fn json_and_yaml_are_text() {
    check(
        "a: !json {port: !expr plan.port, n: '{{ project.name }}'}",
        json!({"a": "{\"port\":3306,\"n\":\"no\"}"}),
    );
    check(
        "a: !yaml {m: '{{ project.name }}', k: '{% raw %}{{workflow.name}}{% endraw %}'}",
        json!({"a": "m: \"no\"\nk: \"{{workflow.name}}\"\n"}),
    );
}

#[test]
fn mistakes_are_located() {
    let error = evaluate("a:\n  b: '{{ workflow.name }}'").expect_err("undefined");
    assert_eq!(error.place.pointer, "/a/b");
    assert!(
        error.hint.is_some_and(|hint| hint.contains("{% raw %}")),
        "{}",
        error.message
    );
    check_error("a: !nope 1", "/a/!nope", "unknown tag `!nope`");
    check_error("a: !if {then: 1}", "/a/!if", "`cond` is missing");
    check_error(
        "a: !for {each: x, in: project.tags, do: 1, of: 2}",
        "/a/!for",
        "unknown key `of`",
    );
    assert!(evaluate("a: '{{ project.name'").is_err());
    assert!(evaluate("a: '{{ project.name | nope }}'").is_err());
}
