//! Where objects name images.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::reference::is_reference;
use crate::object::Object;
use crate::yaml::{self, LoadOptions};

/// A reference and where it stands.
pub(super) struct Found<'a> {
    pub reference: &'a str,
    pub path: &'a Path<'a>,
}

/// What is done with each reference: the result replaces it.
type Visit<'v> = &'v mut dyn FnMut(Found<'_>) -> Option<String>;

/// The way to a value.
pub(super) struct Path<'a> {
    above: Option<&'a Path<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            above.fmt(f)?;
        }
        match self.step {
            Step::Key(key) if self.above.is_none() => f.write_str(key),
            Step::Key(key) if key.contains('.') => write!(f, "[{key}]"),
            Step::Key(key) => write!(f, ".{key}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Returns every reference that stands in a field of its own, also in the texts of ConfigMaps.
pub(super) fn fields(objects: &mut [Object]) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for object in objects {
        visit(object, &BTreeSet::new(), &mut |found| {
            fields.insert(found.reference.to_owned());
            None
        });
    }
    fields
}

/// Calls `act` with every reference of an object: the fields, and the known references in texts.
///
/// The object's own metadata are left out: what people write about an object names no image that runs.
pub(super) fn visit(object: &mut Object, known: &BTreeSet<String>, act: Visit<'_>) {
    let config_map = object.kind() == "ConfigMap" && object.group().is_empty();
    let Value::Object(map) = &mut object.body else {
        return;
    };
    for (key, value) in map {
        let path = Path {
            above: None,
            step: Step::Key(key),
        };
        match key.as_str() {
            "apiVersion" | "kind" | "metadata" => {}
            "data" if config_map => {
                for (key, text) in value.as_object_mut().into_iter().flatten() {
                    let path = Path {
                        above: Some(&path),
                        step: Step::Key(key),
                    };
                    if let Value::String(text) = text {
                        document(text, known, &path, act);
                    }
                }
            }
            _ => walk(value, known, &path, act),
        }
    }
}

fn walk(value: &mut Value, known: &BTreeSet<String>, path: &Path<'_>, act: Visit<'_>) {
    match value {
        Value::String(text) => occurrences(text, known, path, act),
        Value::Array(list) => {
            let of_command = matches!(path.step, Step::Key("args" | "command"));
            let mut named_before = false;
            for (index, item) in list.iter_mut().enumerate() {
                let below = Path {
                    above: Some(path),
                    step: Step::Index(index),
                };
                match item {
                    Value::String(text) if of_command => {
                        argument(text, named_before, known, &below, act);
                        named_before = flag(text).is_some_and(|(_, value)| value.is_none());
                    }
                    item => walk(item, known, &below, act),
                }
            }
        }
        Value::Object(map) => {
            let of_variable = matches!(path.step, Step::Index(_))
                && map
                    .get("name")
                    .and_then(Value::as_str)
                    .is_some_and(names_an_image);
            let of_volume = matches!(path.step, Step::Key("image"));
            for (key, item) in map {
                let below = Path {
                    above: Some(path),
                    step: Step::Key(key),
                };
                let is_field = key == "image"
                    || (of_variable && key == "value")
                    || (of_volume && key == "reference");
                match item {
                    Value::String(text) if is_field && is_reference(text) => {
                        field(text, &below, act);
                    }
                    item => walk(item, known, &below, act),
                }
            }
        }
        _ => {}
    }
}

/// Visits a field that holds a reference and nothing else.
fn field(text: &mut String, path: &Path<'_>, act: Visit<'_>) {
    let found = Found {
        reference: text,
        path,
    };
    if let Some(replacement) = act(found) {
        *text = replacement;
    }
}

/// Visits an argument: `--some-image=<reference>`, or a reference after `--some-image`.
fn argument(
    text: &mut String,
    named_before: bool,
    known: &BTreeSet<String>,
    path: &Path<'_>,
    act: Visit<'_>,
) {
    if named_before && is_reference(text) {
        return field(text, path, act);
    }
    match flag(text) {
        Some((length, Some(value))) if is_reference(value) => {
            let mut value = value.to_owned();
            field(&mut value, path, act);
            text.truncate(length);
            text.push('=');
            text.push_str(&value);
        }
        _ => occurrences(text, known, path, act),
    }
}

/// Returns the length of a flag that is named for an image, and its value when it has one in the same argument.
fn flag(text: &str) -> Option<(usize, Option<&str>)> {
    let name = text.split('=').next()?;
    if !name.starts_with('-') || !names_an_image(name) {
        return None;
    }
    Some((name.len(), text.get(name.len() + 1..)))
}

/// Tells whether a variable, a flag or a key of a configuration is named for an image.
fn names_an_image(name: &str) -> bool {
    let letters = |c: &char| !matches!(c, '-' | '_');
    let name: String = name
        .chars()
        .filter(letters)
        .flat_map(char::to_lowercase)
        .collect();
    name.ends_with("image") || name.ends_with("imagename")
}

/// Visits the text of a ConfigMap's key: its fields, when it is YAML or JSON, and the known references.
fn document(text: &mut String, known: &BTreeSet<String>, path: &Path<'_>, act: Visit<'_>) {
    let mut own = BTreeSet::new();
    if let Step::Key(key) = path.step
        && names_an_image(key)
        && is_reference(text)
    {
        own.insert(text.clone());
    }
    if let Ok(documents) = yaml::load(text, &LoadOptions::default()) {
        documents
            .iter()
            .for_each(|document| document_fields(&document.value, &mut own));
    }
    if own.is_empty() {
        return occurrences(text, known, path, act);
    }
    own.extend(known.iter().cloned());
    occurrences(text, &own, path, act);
}

fn document_fields(value: &Value, fields: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| document_fields(item, fields)),
        Value::Object(map) => {
            for (key, item) in map {
                match item {
                    // A bare word may be anything: the name of a picture, for one.
                    Value::String(text)
                        if names_an_image(key)
                            && text.contains(['/', ':', '@'])
                            && is_reference(text) =>
                    {
                        fields.insert(text.clone());
                    }
                    item => document_fields(item, fields),
                }
            }
        }
        _ => {}
    }
}

/// Visits each known reference that stands in a text, between characters that no reference has.
fn occurrences(text: &mut String, known: &BTreeSet<String>, path: &Path<'_>, act: Visit<'_>) {
    let mut found: Vec<(usize, &String)> = Vec::new();
    for reference in known {
        for (at, _) in text.match_indices(reference.as_str()) {
            if stands_alone(text, at, reference.len()) {
                found.push((at, reference));
            }
        }
    }
    found.sort_unstable();
    // From the end, so that replacing one does not move the others.
    for (at, reference) in found.into_iter().rev() {
        let found = Found { reference, path };
        if let Some(replacement) = act(found) {
            text.replace_range(at..at + reference.len(), &replacement);
        }
    }
}

/// Tells whether a part of a text is no part of a longer reference; the scheme of a URL may precede it.
pub(super) fn stands_alone(text: &str, at: usize, length: usize) -> bool {
    let belongs = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let before = &text[..at];
    let after = &text[at + length..];
    (before.ends_with("://") || !before.ends_with(belongs)) && !after.starts_with(belongs)
}
