//! The JSON Schema: the committed file, an independent validator's opinion, and whether tests use every key.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tenantry::config;
use tenantry::diagnostic::{Code, Diagnostics};
use tenantry::schema::schema;
use tenantry::source::Sources;

use crate::support;

#[test]
fn committed_schema_is_the_derived_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("projects.schema.json");
    let mut derived = serde_json::to_string_pretty(&schema()).expect("a schema can be written");
    derived.push('\n');
    if support::overwrite() {
        std::fs::write(&path, &derived).expect("the schema can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("the schema can be read");
    assert!(
        committed == derived,
        "projects.schema.json is out of date: run `SNAPSHOTS=overwrite cargo test --test config`"
    );
}

/// Reads a file as JSON, as an editor would; `None` when it is no YAML mapping.
fn as_json(path: &Path) -> Option<Value> {
    let bytes = std::fs::read(path).expect("a test file can be read");
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let file = config::decode("projects.yaml", bytes, &mut sources, &mut diagnostics).ok()?;
    let node = config::read(&sources, file, &mut diagnostics).ok()?;
    (!diagnostics.has_errors()).then(|| node.to_value())
}

/// Files of which only we think that the structure is wrong: JSON has no leading zeros, exponents or `1.0`.
const SPELLING: &[&str] = &[
    "octal-looking-integer.yaml",
    "exponent-integer.yaml",
    "version-as-float.yaml",
    "bad-numbers-in-config.yaml",
];

#[test]
fn schema_agrees_with_an_independent_validator() {
    let validator = jsonschema::draft202012::new(&schema()).expect("the schema is valid");
    for path in support::files("valid", "yaml") {
        let value = as_json(&path).expect("valid files are YAML");
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(
            errors.is_empty(),
            "{}: {}",
            path.display(),
            errors.join("; ")
        );
    }
    let mut rejected = 0;
    for path in support::files("invalid", "yaml") {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        let Some(value) = as_json(&path) else {
            continue;
        };
        let (_, diagnostics, _) =
            support::load(std::fs::read(&path).expect("a test file can be read"));
        let structural = diagnostics.iter().any(|diagnostic| {
            matches!(
                diagnostic.code,
                Code::UnknownKey | Code::WrongType | Code::UnknownValue | Code::UnsupportedVersion
            )
        });
        if structural && !SPELLING.contains(&name) {
            assert!(
                !validator.is_valid(&value),
                "{name} is accepted by the schema"
            );
            rejected += 1;
        }
    }
    assert!(
        rejected > 50,
        "only {rejected} files are wrong in structure"
    );
}

/// Follows a value through the schema and notes every property that it uses, by the name of its definition.
struct Coverage<'a> {
    root: &'a Value,
    used: BTreeSet<String>,
}

impl Coverage<'_> {
    fn walk(&mut self, schema: &Value, name: &str, value: &Value) {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = &self
                .root
                .pointer(&reference[1..])
                .expect("references point into the schema")
                .clone();
            return self.walk(target, reference, value);
        }
        for branch in schema["anyOf"].as_array().into_iter().flatten() {
            self.walk(branch, name, value);
        }
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let property = &schema["properties"][key.as_str()];
                    if !property.is_null() {
                        self.used.insert(format!("{name}/{key}"));
                        self.walk(&property.clone(), &format!("{name}/{key}"), value);
                    } else if schema["additionalProperties"].is_object() {
                        self.walk(&schema["additionalProperties"].clone(), name, value);
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.walk(&schema["items"].clone(), name, item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn all(&self, schema: &Value, name: &str, all: &mut BTreeSet<String>) {
        if !schema.is_object() {
            return;
        }
        for branch in schema["anyOf"].as_array().into_iter().flatten() {
            self.all(branch, name, all);
        }
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let name = format!("{name}/{key}");
            self.all(property, &name, all);
            all.insert(name);
        }
        for inner in ["items", "additionalProperties"] {
            self.all(&schema[inner], name, all);
        }
    }
}

#[test]
fn every_key_is_used_by_a_test() {
    let root = schema();
    let mut coverage = Coverage {
        root: &root,
        used: BTreeSet::new(),
    };
    for path in support::files("valid", "yaml") {
        if let Some(value) = as_json(&path) {
            coverage.walk(&root, "#", &value);
        }
    }
    let mut all = BTreeSet::new();
    coverage.all(&root, "#", &mut all);
    for (name, definition) in root["$defs"].as_object().into_iter().flatten() {
        coverage.all(definition, &format!("#/$defs/{name}"), &mut all);
    }
    // Layers repeat the keys of a project; those are looked at there.
    let unused: Vec<&String> = all
        .difference(&coverage.used)
        .filter(|name| !name.starts_with("#/defaults/") && !name.starts_with("#/profiles/"))
        .collect();
    assert!(unused.is_empty(), "no test uses {unused:#?}");
}
