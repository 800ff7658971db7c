//! `docs/reference.md`: every key with its type, its default and what it means, derived from the JSON Schema.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value};
use tenantry::schema::schema;

use crate::support;

const INTRODUCTION: &str = "# Reference of `projects.yaml`

Every key, derived from [`projects.schema.json`](../projects.schema.json). `tenantry schema` prints the schema for editors.

Settings are laid over each other, lowest first: built-in defaults, `defaults`, the project's `profile`, the project. Mappings merge key by key, lists and scalars replace, and `null` goes back to the built-in default. Choosing another form of `database`, `objectStore` or `credentials` replaces the whole block.
Text may be written without quotes where YAML takes it for text; a number or a boolean in a place where text is meant is taken as it is written.
";

/// One heading of the page, and the object that it describes.
struct Section {
    path: String,
    properties: Map<String, Value>,
    description: String,
}

struct Page {
    definitions: Value,
    /// Definitions that have a section, with its heading.
    described: Vec<(String, String)>,
    queue: VecDeque<Section>,
}

#[test]
fn the_reference_is_the_derived_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let derived = page(&schema());
    if support::overwrite() {
        std::fs::write(&path, &derived).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("the page can be read");
    assert!(
        committed == derived,
        "docs/reference.md is out of date: run `SNAPSHOTS=overwrite cargo test --test config`"
    );
}

#[test]
fn every_definition_is_described() {
    let schema = schema();
    let text = page(&schema);
    let mut keys = BTreeSet::new();
    collect_keys(&schema, &mut keys);
    for key in keys {
        assert!(text.contains(&format!("| `{key}` |")), "`{key}` is missing");
    }
}

fn collect_keys(schema: &Value, keys: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for (word, below) in map {
                match below {
                    // Its keys are names, of which one may be `properties`.
                    Value::Object(properties) if word == "properties" => {
                        keys.extend(properties.keys().cloned());
                        let values = properties.values();
                        values.for_each(|below| collect_keys(below, keys));
                    }
                    below => collect_keys(below, keys),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|below| collect_keys(below, keys)),
        _ => {}
    }
}

fn page(schema: &Value) -> String {
    let mut page = Page {
        definitions: schema["$defs"].clone(),
        described: Vec::new(),
        queue: VecDeque::new(),
    };
    let mut out = INTRODUCTION.to_owned();
    page.push("The file", schema);
    while let Some(section) = page.queue.pop_front() {
        write_section(&section, &mut page, &mut out);
    }
    out
}

fn write_section(section: &Section, page: &mut Page, out: &mut String) {
    let _infallible = write!(out, "\n## {}\n\n", section.path);
    if !section.description.is_empty() {
        let _infallible = write!(out, "{}\n\n", section.description);
    }
    out.push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
    let above = match section.path.as_str() {
        "The file" => String::new(),
        path => format!("{}.", path.trim_matches('`')),
    };
    for (key, schema) in &section.properties {
        let path = format!("{above}{key}");
        let default = schema
            .get("default")
            .map_or(String::new(), |value| format!("`{value}`"));
        let meaning = schema["description"].as_str().unwrap_or("");
        // What a layer may set is what a project may, but for what says which project it is.
        let kind = match path.as_str() {
            "defaults" => "mapping with keys of [a project](#projects)".to_owned(),
            "profiles" => "map to mappings with keys of [a project](#projects)".to_owned(),
            _ => page.kind(schema, &path),
        };
        let _infallible = writeln!(out, "| `{key}` | {kind} | {default} | {meaning} |");
    }
}

impl Page {
    /// Puts an object into the queue of sections.
    fn push(&mut self, path: &str, schema: &Value) {
        let Some(Value::Object(properties)) = schema.get("properties") else {
            return;
        };
        self.queue.push_back(Section {
            path: path.to_owned(),
            properties: properties.clone(),
            description: schema["description"].as_str().unwrap_or("").to_owned(),
        });
    }

    /// Returns what a value may be; an object gets a section.
    fn kind(&mut self, schema: &Value, path: &str) -> String {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.trim_start_matches("#/$defs/").to_owned();
            return self.definition(&name, path);
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(forms) = schema[word].as_array() {
                let forms = forms.iter().filter(|form| form["type"] != "null");
                let kinds: Vec<String> = forms.map(|form| self.kind(form, path)).collect();
                return kinds.join(" or ");
            }
        }
        if let Some(value) = schema.get("const") {
            return format!(
                "`{}`",
                value.as_str().map_or(value.to_string(), str::to_owned)
            );
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let format = schema["format"].as_str().unwrap_or("").replace('-', " ");
        if types.contains(&"object") {
            let values = &schema["additionalProperties"];
            if schema.get("properties").is_some() {
                self.push(&format!("`{path}`"), schema);
                return format!("[mapping]({})", anchor(path));
            }
            if values.is_object() {
                let kind = self.kind(values, &format!("{path}.<name>"));
                return format!("map to {kind}");
            }
            return "mapping".to_owned();
        }
        if types.contains(&"array") {
            let kind = self.kind(&schema["items"], &format!("{path}[]"));
            return format!("list of {kind}");
        }
        if types.contains(&"string") {
            return match format.as_str() {
                "" | "any text" => "text".to_owned(),
                format => format.to_owned(),
            };
        }
        let known = ["boolean", "integer", "number"];
        let found = known.into_iter().find(|word| types.contains(word));
        found.unwrap_or("anything").to_owned()
    }

    fn definition(&mut self, name: &str, path: &str) -> String {
        let schema = self.definitions[name].clone();
        if schema.get("properties").is_none() {
            return self.kind(&schema, path);
        }
        if let Some((_, there)) = self
            .described
            .iter()
            .find(|(described, _)| described == name)
        {
            return format!("[mapping]({})", anchor(there));
        }
        self.described.push((name.to_owned(), path.to_owned()));
        self.push(&format!("`{path}`"), &schema);
        format!("[mapping]({})", anchor(path))
    }
}

/// Returns the link to a heading, as GitHub makes it.
fn anchor(path: &str) -> String {
    let kept = path
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-');
    format!("#{}", kept.collect::<String>().to_lowercase())
}
