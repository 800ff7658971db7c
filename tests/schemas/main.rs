//! Every object that is emitted is valid by the published schema of its kind, unknown fields refused.
//!
//! Kinds of Kubernetes itself are checked against the OpenAPI of 1.33 (`kubernetes/`).
//!
//! `crds/` holds the parts of the schemas that our objects touch, so that the tests need nothing else
//! (`crds/README.md` tells where they come from). Where the whole schemas are at hand, in `../shared/schemas` or the
//! directory that `TENANTRY_SCHEMAS` names, objects are checked against those, too, and
//! `SNAPSHOTS=overwrite cargo test --test schemas` cuts `crds/` out of them anew.

#[path = "../compiler/mod.rs"]
mod compiler;
mod reduce;
mod validator;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::Value;
use tenantry::yaml::{self, LoadOptions};

use compiler::{compile_with, files_below, overwrite, root};
use validator::{Defaults, validate};

/// One emitted object and where it stands.
struct Emitted {
    place: String,
    object: Value,
}

impl Emitted {
    fn text(&self, key: &str) -> &str {
        self.object[key].as_str().unwrap_or("")
    }

    fn group(&self) -> &str {
        self.text("apiVersion")
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// Path of the kind's schema, in the layout of kubeconform.
    fn schema(&self) -> String {
        let version = self.text("apiVersion").rsplit('/').next().unwrap_or("");
        format!(
            "{}/{}_{version}.json",
            self.group(),
            self.text("kind").to_lowercase()
        )
    }

    /// Whether Kubernetes itself does not know the kind.
    fn is_custom(&self) -> bool {
        let group = self.group();
        let ours = matches!(
            group,
            "gateway.networking.k8s.io" | "policy.networking.k8s.io"
        );
        ours || (group.contains('.') && !group.ends_with(".k8s.io"))
    }
}

/// Everything that the example fleet and the golden cases emit; what users bring themselves is theirs.
fn emitted() -> Vec<Emitted> {
    let cases = std::fs::read_dir(root().join("tests/golden")).expect("the cases can be listed");
    let mut directories: Vec<PathBuf> = cases.map(|case| case.expect("a case").path()).collect();
    directories.sort();
    directories.push(root());
    let mut emitted = Vec::new();
    for directory in directories {
        let mut inputs = BTreeMap::new();
        for below in ["extra", "patches"] {
            for (path, text) in files_below(&directory.join(below)) {
                inputs.insert(format!("{below}/{path}"), text);
            }
        }
        let projects = std::fs::read_to_string(directory.join("projects.yaml")).expect("a case");
        inputs.insert("projects.yaml".to_owned(), projects.clone());
        let outcome = compile_with(&projects, &inputs, 2);
        assert!(
            !outcome.tree.is_empty(),
            "{}: {:#?}",
            directory.display(),
            outcome.findings
        );
        let name = directory
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        for (path, text) in outcome.tree {
            if path.ends_with("/extra.yaml") {
                continue;
            }
            let documents = yaml::load(&text, &LoadOptions::default()).expect("we wrote it");
            emitted.extend(documents.into_iter().map(|document| {
                let object = document.value;
                Emitted {
                    place: format!(
                        "{name}: {path}: {}/{}",
                        object["kind"], object["metadata"]["name"]
                    ),
                    object,
                }
            }));
        }
    }
    emitted
}

/// The directory of the whole schemas, where there is one.
fn whole_schemas() -> Option<PathBuf> {
    let named = std::env::var_os("TENANTRY_SCHEMAS").map(PathBuf::from);
    let directory = named.unwrap_or_else(|| root().join("../shared/schemas"));
    directory.is_dir().then_some(directory)
}

fn read(directory: &Path, schema: &str) -> Option<Value> {
    // The full Route of OpenShift goes before the reduced one that other projects carry.
    let full = schema.replace("route_v1.json", "route_v1.openshift-api.json");
    [full.as_str(), schema].into_iter().find_map(|name| {
        let text = std::fs::read_to_string(directory.join(name)).ok()?;
        Some(serde_json::from_str(&text).expect("a schema is JSON"))
    })
}

fn check_all(directory: &Path, emitted: &[Emitted]) -> Vec<String> {
    let mut schemas: BTreeMap<String, Option<Value>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for object in emitted.iter().filter(|object| object.is_custom()) {
        let name = object.schema();
        let schema = schemas
            .entry(name.clone())
            .or_insert_with(|| read(directory, &name));
        let Some(schema) = schema else {
            wrong.push(format!("{}: no schema {name}: record it", object.place));
            continue;
        };
        // Argo CD compares the objects of the wiring as they are written; of all others, it forgives what is filled
        // in outside of lists (gitops-wiring §0.5).
        let defaults = if object.place.contains("/_sync/") {
            Defaults::Everywhere
        } else {
            Defaults::InLists
        };
        wrong.extend(
            validate(schema, &object.object, defaults)
                .into_iter()
                .map(|problem| format!("{}{problem}", object.place)),
        );
    }
    wrong
}

#[test]
fn custom_resources_fit_their_schemas() {
    let emitted = emitted();
    let recorded = root().join("tests/schemas/crds");
    let whole = whole_schemas();
    if let Some(whole) = &whole {
        let wrong = check_all(whole, &emitted);
        assert!(
            wrong.is_empty(),
            "by the whole schemas:\n{}",
            wrong.join("\n")
        );
        if overwrite() {
            record(whole, &recorded, &emitted);
        }
    }
    let wrong = check_all(&recorded, &emitted);
    assert!(
        wrong.is_empty(),
        "by the recorded schemas:\n{}",
        wrong.join("\n")
    );
}

/// Cuts the parts out of the whole schemas that the objects touch.
fn record(whole: &Path, recorded: &Path, emitted: &[Emitted]) {
    let mut by_schema: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for object in emitted.iter().filter(|object| object.is_custom()) {
        by_schema
            .entry(object.schema())
            .or_default()
            .push(&object.object);
    }
    for old in files_below(recorded)
        .keys()
        .filter(|path| path.ends_with(".json"))
    {
        std::fs::remove_file(recorded.join(old)).expect("an old schema can be removed");
    }
    for (name, objects) in by_schema {
        let mut schema = read(whole, &name).expect("it was read before");
        if let Some(properties) = schema["properties"].as_object_mut() {
            properties.remove("status");
        }
        let mut text =
            serde_json::to_string_pretty(&reduce::reduce(&schema, &objects)).expect("JSON");
        text.push('\n');
        let path = recorded.join(name);
        std::fs::create_dir_all(path.parent().expect("schemas lie in directories")).expect("made");
        std::fs::write(path, text).expect("written");
    }
}

#[test]
fn kinds_of_kubernetes_fit_its_openapi() {
    let text = std::fs::read_to_string(root().join("tests/schemas/kubernetes/1.33.json"));
    let schemas: Value = serde_json::from_str(&text.expect("recorded")).expect("JSON");
    let mut validators: BTreeMap<String, Option<Validator>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for Emitted { place, object } in emitted().iter().filter(|object| !object.is_custom()) {
        let kind = [&object["apiVersion"], &object["kind"]].map(|word| word.as_str().unwrap_or(""));
        let validator = validators.entry(kind.join(" ")).or_insert_with_key(|kind| {
            let mut schema = schemas["kinds"].get(kind)?.clone();
            schema["$defs"] = schemas["$defs"].clone();
            Some(jsonschema::validator_for(&schema).expect("a schema"))
        });
        match validator {
            Some(validator) => wrong.extend(
                validator
                    .iter_errors(object)
                    .map(|error| format!("{place}: {}: {error}", error.instance_path())),
            ),
            None => wrong.push(format!("{place}: no schema: add it to `kubernetes/`")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Kubernetes removes these, or fills them in, and a tool that compares never finds the two equal.
#[test]
fn nothing_is_null_or_empty_in_custom_resources() {
    let mut wrong = Vec::new();
    for object in emitted().iter().filter(|object| object.is_custom()) {
        find_empty(&object.object, &object.place, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn find_empty(value: &Value, path: &str, wrong: &mut Vec<String>) {
    match value {
        Value::Null => wrong.push(format!("{path} is null")),
        // A choice that has no settings of its own.
        Value::Object(_) if path.ends_with(".spec.selfSigned") => {}
        Value::Object(map) if map.is_empty() => wrong.push(format!("{path} is an empty map")),
        Value::Array(list) if list.is_empty() => wrong.push(format!("{path} is an empty list")),
        Value::Object(map) => {
            for (key, below) in map {
                find_empty(below, &format!("{path}.{key}"), wrong);
            }
        }
        Value::Array(list) => {
            for (index, below) in list.iter().enumerate() {
                find_empty(below, &format!("{path}[{index}]"), wrong);
            }
        }
        _ => {}
    }
}
