//! A strict validator for structural schemas of CRDs (OpenAPI v3 as Kubernetes reads it).
//!
//! Stricter than the API server, which prunes: an object with `properties`, without `additionalProperties` and without
//! `x-kubernetes-preserve-unknown-fields` is closed. CEL rules (`x-kubernetes-validations`) are not evaluated. A keyword
//! that is not known here is a failure, so that nothing is passed over.

use regex_lite::Regex;
use serde_json::{Map, Value, json};

/// Where a default that the API server would fill in is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defaults {
    /// In list items.
    InLists,
    /// Everywhere.
    Everywhere,
}

/// Keywords that say nothing about values.
const SILENT: &[&str] = &[
    "description",
    "title",
    "default",
    "externalDocs",
    "x-kubernetes-group-version-kind",
    "x-kubernetes-map-type",
    "x-kubernetes-validations",
];

/// Returns what is wrong with an object, each with its path.
pub fn validate(schema: &Value, object: &Value, defaults: Defaults) -> Vec<String> {
    let mut check = Check {
        defaults,
        problems: Vec::new(),
    };
    let mut schema = schema.clone();
    // The schema of `metadata` is not the CRD's to give.
    schema["properties"]["metadata"] = metadata();
    // Controllers write it.
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.remove("status");
    }
    check.value(&schema, object, &Place::default());
    check.problems
}

fn metadata() -> Value {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 253},
            "namespace": {"type": "string", "minLength": 1, "maxLength": 63},
            "labels": texts,
            "annotations": texts,
            "finalizers": {"type": "array", "items": {"type": "string"}},
        },
    })
}

/// Where a value stands.
#[derive(Debug, Clone, Default)]
struct Place {
    path: String,
    in_list: bool,
}

impl Place {
    fn key(&self, key: &str) -> Place {
        Place {
            path: format!("{}.{key}", self.path),
            in_list: self.in_list,
        }
    }

    fn item(&self, index: usize) -> Place {
        Place {
            path: format!("{}[{index}]", self.path),
            in_list: true,
        }
    }
}

struct Check {
    defaults: Defaults,
    problems: Vec<String>,
}

impl Check {
    fn problem(&mut self, place: &Place, what: impl std::fmt::Display) {
        self.problems.push(format!("{}: {what}", place.path));
    }

    fn value(&mut self, schema: &Value, value: &Value, place: &Place) {
        let Some(schema) = schema.as_object() else {
            return self.problem(place, "the schema is not a mapping");
        };
        if value.is_null() && schema.get("nullable") == Some(&json!(true)) {
            return;
        }
        if schema.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
            if !value.is_i64() && !value.is_u64() && !value.is_string() {
                self.problem(place, "neither an integer nor a string");
            }
        } else if let Some(wanted) = schema.get("type").and_then(Value::as_str) {
            let fits = match wanted {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                "number" => value.is_number(),
                _ => false,
            };
            if !fits {
                return self.problem(place, format!("{value} is not of type {wanted}"));
            }
        }
        for (keyword, argument) in schema {
            self.keyword(schema, keyword, argument, value, place);
        }
        self.structure(schema, value, place);
    }

    /// Checks one keyword that stands for itself; those of the structure are left to [`Check::structure`].
    fn keyword(
        &mut self,
        schema: &Map<String, Value>,
        keyword: &str,
        argument: &Value,
        value: &Value,
        place: &Place,
    ) {
        let number = value.as_f64();
        let limit = argument.as_f64();
        let length = value.as_str().map(|text| text.chars().count() as f64);
        let items = value.as_array().map(|list| list.len() as f64);
        let entries = value.as_object().map(|map| map.len() as f64);
        let below = |found: Option<f64>| matches!((found, limit), (Some(found), Some(limit)) if found < limit);
        let above = |found: Option<f64>| matches!((found, limit), (Some(found), Some(limit)) if found > limit);
        let reaches = |found: Option<f64>| matches!((found, limit), (Some(found), Some(limit)) if found == limit);
        let fails = match keyword {
            "enum" => !argument.as_array().is_some_and(|list| list.contains(value)),
            "pattern" => {
                let pattern = argument.as_str().unwrap_or("");
                match Regex::new(pattern) {
                    Ok(regex) => value.as_str().is_some_and(|text| !regex.is_match(text)),
                    Err(error) => {
                        return self.problem(place, format!("pattern {pattern}: {error}"));
                    }
                }
            }
            "minLength" => below(length),
            "maxLength" => above(length),
            "minItems" => below(items),
            "maxItems" => above(items),
            "minProperties" => below(entries),
            "maxProperties" => above(entries),
            "minimum" => {
                let exclusive = schema.get("exclusiveMinimum") == Some(&json!(true));
                below(number) || exclusive && reaches(number)
            }
            "maximum" => {
                let exclusive = schema.get("exclusiveMaximum") == Some(&json!(true));
                above(number) || exclusive && reaches(number)
            }
            "format" => !has_format(argument.as_str().unwrap_or(""), value),
            "uniqueItems" => has_duplicates(value.as_array(), |item| item.clone()),
            "x-kubernetes-list-type" => match argument.as_str() {
                Some("set") => has_duplicates(value.as_array(), |item| item.clone()),
                Some("map") => {
                    let keys = schema
                        .get("x-kubernetes-list-map-keys")
                        .and_then(Value::as_array);
                    has_duplicates(value.as_array(), |item| {
                        keys.into_iter()
                            .flatten()
                            .filter_map(Value::as_str)
                            .map(|key| item.get(key).cloned())
                            .collect::<Vec<_>>()
                    })
                }
                other => other != Some("atomic"),
            },
            // OpenShift takes an `anyOf` of its generator away by writing null.
            "allOf" | "anyOf" | "oneOf" if argument.is_null() => false,
            "allOf" | "anyOf" | "oneOf" => {
                let branches = argument.as_array().map(Vec::as_slice).unwrap_or_default();
                let fitting = branches.iter().filter(|branch| fits(branch, value)).count();
                match keyword {
                    "allOf" => fitting < branches.len(),
                    "anyOf" => fitting == 0,
                    _ => fitting != 1,
                }
            }
            "not" => fits(argument, value),
            // Of the structure, or read with another keyword.
            "type"
            | "properties"
            | "required"
            | "additionalProperties"
            | "items"
            | "nullable"
            | "exclusiveMinimum"
            | "exclusiveMaximum"
            | "x-kubernetes-list-map-keys"
            | "x-kubernetes-int-or-string"
            | "x-kubernetes-preserve-unknown-fields"
            | "x-kubernetes-embedded-resource" => false,
            silent if SILENT.contains(&silent) => false,
            unknown => {
                return self.problem(place, format!("the keyword {unknown} is not known here"));
            }
        };
        if fails {
            self.problem(place, format!("{value} against {keyword} {argument}"));
        }
    }

    fn structure(&mut self, schema: &Map<String, Value>, value: &Value, place: &Place) {
        if let (Some(list), Some(items)) = (value.as_array(), schema.get("items")) {
            for (index, item) in list.iter().enumerate() {
                self.value(items, item, &place.item(index));
            }
        }
        let Some(map) = value.as_object() else {
            return;
        };
        for key in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if key.as_str().is_some_and(|key| !map.contains_key(key)) {
                self.problem(place, format!("{key} is missing"));
            }
        }
        let empty = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let additional = schema
            .get("additionalProperties")
            .filter(|more| **more != json!(false));
        let open = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
        for (key, below) in map {
            match (properties.get(key), additional) {
                (Some(known), _) => self.value(known, below, &place.key(key)),
                (None, Some(more)) if more.is_object() => self.value(more, below, &place.key(key)),
                (None, Some(_)) => {}
                (None, None) if open => {}
                (None, None) => self.problem(place, format!("the schema does not know {key}")),
            }
        }
        if place.in_list || self.defaults == Defaults::Everywhere {
            for (key, property) in properties {
                if !map.contains_key(key)
                    && let Some(default) = property.get("default")
                {
                    self.problem(
                        place,
                        format!("{key} is not written and would become {default}"),
                    );
                }
            }
        }
    }
}

/// Tells whether a value fits a branch of `anyOf` and its like, which narrows values and closes nothing.
fn fits(branch: &Value, value: &Value) -> bool {
    let mut branch = branch.clone();
    open(&mut branch);
    let mut check = Check {
        defaults: Defaults::InLists,
        problems: Vec::new(),
    };
    check.value(&branch, value, &Place::default());
    check.problems.is_empty()
}

fn open(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(open);
            map.insert(
                "x-kubernetes-preserve-unknown-fields".to_owned(),
                json!(true),
            );
            if let Some(Value::Object(properties)) = map.get_mut("properties") {
                properties.remove("x-kubernetes-preserve-unknown-fields");
            }
        }
        Value::Array(list) => list.iter_mut().for_each(open),
        _ => {}
    }
}

fn has_format(format: &str, value: &Value) -> bool {
    match format {
        "int32" => value
            .as_i64()
            .is_none_or(|number| i32::try_from(number).is_ok()),
        // What YAML integers can hold anyway, and what nothing of ours uses in a telling way.
        "int64" | "double" | "float" | "byte" | "date-time" | "date" | "duration" | "uri"
        | "hostname" | "ipv4" | "ipv6" => true,
        _ => false,
    }
}

fn has_duplicates<K: PartialEq>(list: Option<&Vec<Value>>, key: impl Fn(&Value) -> K) -> bool {
    let keys: Vec<K> = list.into_iter().flatten().map(key).collect();
    (1..keys.len()).any(|at| keys[..at].contains(&keys[at]))
}

#[test]
fn the_validator_finds_each_kind_of_mistake() {
    let schema = json!({
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "spec": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "maxLength": 3, "minLength": 1, "pattern": "^[a-z]+$"},
                    "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
                    "count": {"type": "integer", "format": "int32", "minimum": 1},
                    "port": {"x-kubernetes-int-or-string": true},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    "texts": {"type": "object", "additionalProperties": {"type": "string"}},
                    "list": {
                        "type": "array",
                        "maxItems": 2,
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["name"],
                        "items": {
                            "type": "object",
                            "properties": {
                                "name": {"type": "string"},
                                "weight": {"type": "integer", "default": 1},
                            },
                        },
                    },
                    "choice": {
                        "type": "object",
                        "properties": {"x": {"type": "string"}, "y": {"type": "string"}},
                        "oneOf": [{"required": ["x"]}, {"required": ["y"]}],
                    },
                },
            },
        },
    });
    let check = |spec: Value, expect: &[&str]| {
        let object =
            json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "n"}, "spec": spec});
        assert_eq!(
            validate(&schema, &object, Defaults::InLists),
            expect,
            "{spec}"
        );
    };
    check(json!({"name": "abc"}), &[]);
    check(
        json!({"name": "ab", "mode": "b", "count": 1, "port": "http", "free": {"x": 1}, "texts": {"a": "b"}}),
        &[],
    );
    check(
        json!({"name": "ab", "port": 1, "list": [{"name": "a", "weight": 2}], "choice": {"x": "1"}}),
        &[],
    );
    check(json!({}), &[".spec: \"name\" is missing"]);
    let object = json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "n"}, "spec": {"name": "a"}, "status": {}});
    assert_eq!(
        validate(&schema, &object, Defaults::InLists),
        [": the schema does not know status"]
    );
    check(
        json!({"name": "ab", "nmae": 1}),
        &[".spec: the schema does not know nmae"],
    );
    check(json!({"name": 1}), &[".spec.name: 1 is not of type string"]);
    check(
        json!({"name": "abcd"}),
        &[".spec.name: \"abcd\" against maxLength 3"],
    );
    check(
        json!({"name": "A"}),
        &[".spec.name: \"A\" against pattern \"^[a-z]+$\""],
    );
    check(
        json!({"name": "a", "mode": "c"}),
        &[".spec.mode: \"c\" against enum [\"a\",\"b\"]"],
    );
    check(
        json!({"name": "a", "count": 0}),
        &[".spec.count: 0 against minimum 1"],
    );
    check(
        json!({"name": "a", "count": 2_147_483_648_u64}),
        &[".spec.count: 2147483648 against format \"int32\""],
    );
    check(
        json!({"name": "a", "port": true}),
        &[".spec.port: neither an integer nor a string"],
    );
    check(
        json!({"name": "a", "texts": {"a": 1}}),
        &[".spec.texts.a: 1 is not of type string"],
    );
    check(
        json!({"name": "a", "list": [{"name": "a"}]}),
        &[".spec.list[0]: weight is not written and would become 1"],
    );
    let same = json!([{"name": "a", "weight": 1}, {"name": "a", "weight": 2}]);
    let problem = format!(".spec.list: {same} against x-kubernetes-list-type \"map\"");
    check(json!({"name": "a", "list": same}), &[&problem]);
    check(
        json!({"name": "a", "choice": {"x": "1", "y": "2"}}),
        &[
            ".spec.choice: {\"x\":\"1\",\"y\":\"2\"} against oneOf [{\"required\":[\"x\"]},{\"required\":[\"y\"]}]",
        ],
    );
    let object = json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "n", "labels": {"a": 1}}, "spec": {"name": "a"}});
    assert_eq!(
        validate(&schema, &object, Defaults::Everywhere),
        [
            ".metadata.labels.a: 1 is not of type string",
            ".spec: mode is not written and would become \"a\"",
        ]
    );
}
