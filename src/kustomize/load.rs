//! Reads objects from a text.
//!
//! Takes the text of a file of `resources` and gives its objects, lists expanded. Knows no kustomization.
//! Source: `api/resource/factory.go` of kustomize v5.5.0.

use std::collections::VecDeque;

use serde_json::Value;

use super::context::Context;
use super::place::{Document, Text};
use super::resource::Resource;
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::source::Span;
use crate::yaml::{LoadOptions, push_token};

/// Reads the objects of a text, in order; what lists hold comes after the other documents.
///
/// Errors: those of the loader; `invalid-manifest`, `input-too-large`.
pub(crate) fn objects(text: &Text, context: &mut Context<'_>) -> Result<Vec<Resource>, Rejected> {
    let mut options = LoadOptions::default();
    let mut documents = text.documents(&options, context)?;
    if documents
        .iter()
        .any(|document| has_unwritten(&document.value))
    {
        options.marks = true;
        documents = text.documents(&options, context)?;
        for document in &mut documents {
            take_annotations_as_written(text, document);
        }
    }
    let mut waiting = VecDeque::new();
    for document in documents {
        let origin = text.span(document.start..document.start);
        waiting.push_back((document.value, origin));
    }
    let mut resources = Vec::new();
    while let Some((body, origin)) = waiting.pop_front() {
        if is_empty(&body) {
            continue;
        }
        check(&body, origin, context)?;
        let is_list = body["kind"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("List"));
        if !is_list {
            context.count_objects(1, origin)?;
            resources.push(Resource::new(body, origin));
            continue;
        }
        match body.get("items") {
            None | Some(Value::Null) => {}
            Some(Value::Array(_)) => {
                let Value::Object(mut body) = body else {
                    unreachable!("it has items")
                };
                if let Some(Value::Array(items)) = body.remove("items") {
                    waiting.extend(items.into_iter().map(|item| (item, origin)));
                }
            }
            Some(_) => {
                return Err(invalid(
                    origin,
                    "`items` of a list of objects is not a list",
                    context,
                ));
            }
        }
    }
    Ok(resources)
}

/// Tells whether a document says nothing.
fn is_empty(body: &Value) -> bool {
    match body {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn invalid(place: Span, message: impl Into<String>, context: &mut Context<'_>) -> Rejected {
    context.refuse(
        Diagnostic::error(Code::InvalidManifest, message)
            .at(place)
            .label("this document")
            .hint("a manifest is a mapping with `apiVersion`, `kind` and `metadata.name`"),
    )
}

/// Checks that a document is an object.
fn check(body: &Value, place: Span, context: &mut Context<'_>) -> Result<(), Rejected> {
    if !body.is_object() {
        return Err(invalid(place, "this document is not a mapping", context));
    }
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Ok(false),
        Some(Value::String(text)) => Ok(!text.is_empty()),
        Some(_) => Err(()),
    };
    let metadata = body.get("metadata");
    let is_list = body
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("List"));
    let fields = [
        ("apiVersion", body.get("apiVersion"), true),
        ("kind", body.get("kind"), true),
        (
            "metadata.name",
            metadata.and_then(|m| m.get("name")),
            !is_list,
        ),
        (
            "metadata.namespace",
            metadata.and_then(|m| m.get("namespace")),
            false,
        ),
    ];
    for (name, value, required) in fields {
        match text(value) {
            Err(()) => {
                return Err(invalid(
                    place,
                    format!("`{name}` of this document is not a string"),
                    context,
                ));
            }
            Ok(false) if required => {
                return Err(invalid(
                    place,
                    format!("this document has no `{name}`"),
                    context,
                ));
            }
            Ok(_) => {}
        }
    }
    for name in ["labels", "annotations"] {
        let is_mapping = metadata
            .and_then(|metadata| metadata.get(name))
            .is_none_or(|value| value.is_null() || value.is_object());
        if !is_mapping {
            return Err(invalid(
                place,
                format!("`metadata.{name}` of this document is not a mapping"),
                context,
            ));
        }
    }
    if annotations(body).is_some_and(|map| map.values().any(|v| v.is_object() || v.is_array())) {
        return Err(invalid(
            place,
            "an annotation of this document is not a string",
            context,
        ));
    }
    Ok(())
}

fn annotations(body: &Value) -> Option<&serde_json::Map<String, Value>> {
    body.get("metadata")?.get("annotations")?.as_object()
}

/// Tells whether an annotation was read as something else than a string.
fn has_unwritten(body: &Value) -> bool {
    annotations(body).is_some_and(|map| map.values().any(|value| !value.is_string()))
}

/// Turns annotations that are no strings into what stands in the file.
///
/// kustomize keeps notes of its own among the annotations while it builds, and writes all of them back as strings.
fn take_annotations_as_written(text: &Text, document: &mut Document) {
    let changed: Vec<(String, String)> = annotations(&document.value)
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_string())
        .map(|(key, value)| {
            let mut pointer = "/metadata/annotations".to_owned();
            push_token(&mut pointer, key);
            let written = match text.written(document, &pointer) {
                Some(written) => written.to_owned(),
                None => value.to_string(),
            };
            (key.clone(), written)
        })
        .collect();
    if let Some(Value::Object(map)) = document.value.pointer_mut("/metadata/annotations") {
        for (key, written) in changed {
            map.insert(key, Value::from(written));
        }
    }
}
