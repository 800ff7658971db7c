//! Cuts out of a schema what some objects touch.
//!
//! What is left says the same about these objects: a property that none of them has is gone, unless the API server
//! would fill it in; prose and CEL rules are gone everywhere.

use serde_json::{Map, Value, json};

/// Keywords that take part in no check.
const DROPPED: &[&str] = &[
    "description",
    "title",
    "externalDocs",
    "x-kubernetes-validations",
];

/// Returns the part of a schema that the values touch.
pub fn reduce(schema: &Value, values: &[&Value]) -> Value {
    let Some(schema) = schema.as_object() else {
        return schema.clone();
    };
    let mut reduced = Map::new();
    for (keyword, argument) in schema {
        let kept = match keyword.as_str() {
            dropped if DROPPED.contains(&dropped) => continue,
            "properties" => properties(argument, values),
            "items" => {
                let items: Vec<&Value> = values
                    .iter()
                    .filter_map(|value| value.as_array())
                    .flatten()
                    .collect();
                if items.is_empty() {
                    continue;
                }
                reduce(argument, &items)
            }
            "additionalProperties" if argument.is_object() => {
                let known = schema.get("properties");
                let more: Vec<&Value> = values
                    .iter()
                    .filter_map(|value| value.as_object())
                    .flatten()
                    .filter(|(key, _)| known.is_none_or(|known| known.get(key.as_str()).is_none()))
                    .map(|(_, below)| below)
                    .collect();
                reduce(argument, &more)
            }
            "allOf" | "anyOf" | "oneOf" | "not" => without_prose(argument),
            _ => argument.clone(),
        };
        reduced.insert(keyword.clone(), kept);
    }
    Value::Object(reduced)
}

fn properties(properties: &Value, values: &[&Value]) -> Value {
    let mut kept = Map::new();
    for (key, property) in properties.as_object().into_iter().flatten() {
        let below: Vec<&Value> = values.iter().filter_map(|value| value.get(key)).collect();
        if !below.is_empty() {
            kept.insert(key.clone(), reduce(property, &below));
        } else if let Some(default) = property.get("default") {
            kept.insert(key.clone(), json!({"default": default}));
        }
    }
    Value::Object(kept)
}

fn without_prose(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !DROPPED.contains(&key.as_str()))
            .map(|(key, below)| (key.clone(), without_prose(below)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(without_prose).collect(),
        other => other.clone(),
    }
}

#[test]
fn what_no_object_touches_is_gone() {
    let schema = json!({
        "description": "prose",
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": "array", "description": "prose", "items": {
                "type": "object",
                "properties": {"x": {"type": "string"}, "y": {"type": "string", "default": "z"}, "z": {"type": "string"}},
            }},
            "b": {"type": "object", "properties": {"c": {"type": "string"}}},
            "d": {"type": "object", "additionalProperties": {"type": "string", "description": "prose"}},
        },
    });
    let object = json!({"a": [{"x": "1"}], "d": {"e": "f"}});
    assert_eq!(
        reduce(&schema, &[&object]),
        json!({
            "type": "object",
            "required": ["a"],
            "properties": {
                "a": {"type": "array", "items": {
                    "type": "object",
                    "properties": {"x": {"type": "string"}, "y": {"default": "z"}},
                }},
                "d": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        })
    );
}
