//! JSON 6902 patches of a kustomization.
//!
//! Carried out strictly first. Where that fails and kustomize has a plain answer (a missing field is replaced, annotations
//! that are not there are added to or removed, a missing field is tested for null), that answer is taken.

use serde_json::Value;

use super::{any_object, finding};
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::kustomize::context::Context;
use crate::kustomize::place::{Document, Text};
use crate::kustomize::reader::{is_bool_of_yaml_1_1, refuse_boolean_key};
use crate::kustomize::set::Set;
use crate::object::Object;
use crate::patch::{self, Action, Operation, PatchError, Pointer, Step};
use crate::yaml::{LoadOptions, push_token};

/// A patch that has been read.
pub(super) struct Patch {
    document: Option<Document>,
    steps: Vec<Step>,
}

/// Where annotations are; kustomize keeps notes of its own there while it builds, so for its patches they exist.
const ANNOTATIONS: &str = "/metadata/annotations";

/// Tells whether a text is a list, without reading it.
pub(super) fn looks_like_list(text: &str) -> bool {
    text.lines()
        .map(str::trim_start)
        .find(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("---"))
        .is_some_and(|line| line.starts_with('[') || line == "-" || line.starts_with("- "))
}

/// Reads a patch.
///
/// Errors: those of the loader; `invalid-patch`.
pub(super) fn read(text: &Text, context: &mut Context<'_>) -> Result<Patch, Rejected> {
    // JSON may hold escapes that YAML has not.
    let as_json: Option<Value> = text
        .text
        .trim_start()
        .starts_with('[')
        .then(|| serde_json::from_str(&text.text).ok())
        .flatten();
    if as_json.is_none() && text.text.starts_with('[') {
        let finding = Diagnostic::error(
            Code::InvalidPatch,
            "the patch begins with `[`, so that kustomize reads it as JSON, and it is none",
        )
        .at(text.span(0..text.text.len()))
        .hint("write keys and texts in double quotes, or each operation as an item with `-`");
        return Err(context.refuse(finding));
    }
    let options = LoadOptions {
        marks: true,
        dates_as_text: true,
        ..LoadOptions::default()
    };
    let (document, value) = match as_json {
        Some(value) => (None, value),
        None => {
            let before = context.diagnostics.iter().count();
            let document = text.only_document(&options, context)?;
            let value = document.as_ref().map_or(Value::Null, |document| {
                let mut value = document.value.clone();
                take_booleans(&mut value, text, document, &mut String::new(), context);
                value
            });
            if context.diagnostics.iter().count() > before {
                return Err(Rejected);
            }
            (document, value)
        }
    };
    let place = |error: &PatchError| match &document {
        Some(document) => text.span_of(document, &error.pointer),
        None => text.span(0..text.text.len()),
    };
    match Operation::json6902(value) {
        Ok(Operation::Json6902(steps)) => Ok(Patch { document, steps }),
        Ok(Operation::Strategic(_)) => unreachable!("it was read as JSON 6902"),
        Err(error) => Err(context.refuse(finding(&error, place(&error)))),
    }
}

/// Turns words that YAML 1.1 reads as booleans into booleans.
fn take_booleans(
    value: &mut Value,
    text: &Text,
    document: &Document,
    pointer: &mut String,
    context: &mut Context<'_>,
) {
    let length = pointer.len();
    match value {
        Value::String(word)
            if is_bool_of_yaml_1_1(word) && text.written(document, pointer) == Some(word) =>
        {
            let word = word.to_ascii_lowercase();
            *value = Value::Bool(matches!(word.as_str(), "y" | "yes" | "on"));
        }
        Value::Array(list) => {
            for (index, below) in list.iter_mut().enumerate() {
                push_token(pointer, &index.to_string());
                take_booleans(below, text, document, pointer, context);
                pointer.truncate(length);
            }
        }
        Value::Object(map) => {
            for (key, below) in map.iter_mut() {
                push_token(pointer, key);
                refuse_boolean_key(text, document, pointer, key, context);
                take_booleans(below, text, document, pointer, context);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// Carries out a patch on the objects at the places.
///
/// Errors: `patch-failed`, `duplicate-object`.
pub(super) fn apply(
    patch: &Patch,
    text: &Text,
    places: &[usize],
    set: &mut Set,
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    if places.is_empty() {
        return Ok(());
    }
    let mut renamed = false;
    let list = set.list_mut();
    for place in places {
        let resource = &mut list[*place];
        let id = resource.id();
        resource.remember();
        resource.forget_shared();
        let body = std::mem::take(&mut resource.body);
        match carry_out(&patch.steps, body) {
            Ok(body) => {
                resource.body = body;
                renamed |= resource.id() != id;
            }
            Err(failure) => {
                let (body, error) = *failure;
                resource.body = body;
                let place = match &patch.document {
                    Some(document) => text.span_of(document, &error.pointer),
                    None => text.span(0..text.text.len()),
                };
                let finding: Diagnostic =
                    finding(&error, place).also(resource.origin, "the object");
                return Err(context.refuse(finding));
            }
        }
    }
    if renamed {
        set.check_ids(context)
    } else {
        Ok(())
    }
}

/// Returns the body after all steps, or as it was, with the reason.
fn carry_out(steps: &[Step], body: Value) -> Result<Value, Box<(Value, PatchError)>> {
    match run(steps.to_vec(), body) {
        Err(failure) if failure.1.code == Code::PatchFailed => {
            carry_out_laxly(steps, &failure.0).ok_or(failure)
        }
        outcome => outcome,
    }
}

fn run(steps: Vec<Step>, body: Value) -> Result<Value, Box<(Value, PatchError)>> {
    let mut objects = vec![Object {
        body,
        file: String::new(),
    }];
    let outcome = patch::apply(&any_object(Operation::Json6902(steps)), &mut objects);
    let body = objects.pop().map_or(Value::Null, |object| object.body);
    match outcome {
        Ok(_) => Ok(body),
        Err(error) if error.code == Code::PatchNoEffect => Ok(body),
        Err(error) => Err(Box::new((body, error))),
    }
}

/// Carries out the steps one by one, each as kustomize would where the strict meaning fails.
fn carry_out_laxly(steps: &[Step], body: &Value) -> Option<Value> {
    let mut body = body.clone();
    for step in steps {
        let path = step.path.to_string();
        let missing = body.pointer(&path).is_none();
        if missing && path.starts_with(ANNOTATIONS) && body.pointer(ANNOTATIONS).is_none() {
            body.get_mut("metadata")?.as_object_mut()?.insert(
                "annotations".to_owned(),
                Value::Object(serde_json::Map::new()),
            );
        }
        let step = match &step.action {
            Action::Replace(value) if missing && parent(&body, &path)?.is_object() => Step {
                path: step.path.clone(),
                action: Action::Add(value.clone()),
            },
            Action::Test(Value::Null) if missing && parent(&body, &path)?.is_object() => continue,
            _ => step.clone(),
        };
        body = run(vec![step], body).ok()?;
    }
    Some(body)
}

/// Returns the value around the one that a pointer leads to.
fn parent<'v>(body: &'v Value, path: &str) -> Option<&'v Value> {
    let (above, _) = path.rsplit_once('/')?;
    Pointer::parse(above).ok()?;
    body.pointer(above)
}
