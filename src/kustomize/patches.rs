//! Patches of a kustomization: which objects each is for, and what becomes of them.
//!
//! Takes patches as they are written, with the texts of their files; changes the objects. Merging itself is the business
//! of [`crate::patch`], with the same refusals: what kustomize damages or ignores without a word is an error here.
//! Source: `PatchTransformer`, `PatchStrategicMergeTransformer`, `PatchJson6902Transformer` of kustomize v5.5.0.

mod json;

use serde_json::Value;

use super::context::Context;
use super::file::{PatchEntry, Target as WrittenTarget};
use super::place::{Document, Text};
use super::resource::{Id, Resource, split_api_version};
use super::set::{Index, Set};
use super::transform::misfit;
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::object::Object;
use crate::patch::{self, Operation, Patch, PatchError, Pattern, Target};
use crate::source::Span;
use crate::yaml::LoadOptions;

/// A patch that has been read: its text, and what it is.
pub(crate) struct Read {
    text: Text,
    kind: Kind,
}

enum Kind {
    Strategic(Vec<Strategic>),
    Json6902(json::Patch),
}

/// One strategic merge patch.
struct Strategic {
    document: Document,
    /// Where in the document the patch stands; empty but for an item of a list.
    pointer: String,
    patch: Patch,
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
}

/// Reads a patch of either form.
///
/// Errors: those of the loader; `invalid-patch`, `patch-refused`.
pub(crate) fn read(text: Text, context: &mut Context<'_>) -> Result<Read, Rejected> {
    if json::looks_like_list(&text.text) {
        let patch = json::read(&text, context)?;
        return Ok(Read {
            kind: Kind::Json6902(patch),
            text,
        });
    }
    read_strategic(text, context)
}

/// Reads a file or text of strategic merge patches.
///
/// Errors: those of the loader; `invalid-patch`, `patch-refused`.
pub(crate) fn read_strategic(text: Text, context: &mut Context<'_>) -> Result<Read, Rejected> {
    let options = LoadOptions {
        marks: true,
        ..LoadOptions::default()
    };
    let mut patches = Vec::new();
    for document in text.documents(&options, context)? {
        let kind = document.value.get("kind").and_then(Value::as_str);
        let items = kind
            .filter(|kind| kind.ends_with("List"))
            .and_then(|_| document.value.get("items"))
            .and_then(Value::as_array);
        let parts: Vec<(String, Value)> = match items {
            None => vec![(String::new(), document.value.clone())],
            Some(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (format!("/items/{index}"), item.clone()))
                .collect(),
        };
        for (pointer, value) in parts {
            patches.push(strategic(&text, &document, pointer, value, context)?);
        }
    }
    if patches.is_empty() {
        let finding =
            Diagnostic::error(Code::InvalidPatch, "the patch is empty").at(text.span(0..0));
        return Err(context.refuse(finding));
    }
    Ok(Read {
        text,
        kind: Kind::Strategic(patches),
    })
}

fn strategic(
    text: &Text,
    document: &Document,
    pointer: String,
    value: Value,
    context: &mut Context<'_>,
) -> Result<Strategic, Rejected> {
    let field = |path: &str| {
        let found = value.pointer(path).and_then(Value::as_str);
        found.unwrap_or("").to_owned()
    };
    let (api_version, kind) = (field("/apiVersion"), field("/kind"));
    let (namespace, name) = (field("/metadata/namespace"), field("/metadata/name"));
    for (field, value) in [("kind", &kind), ("metadata.name", &name)] {
        if value.is_empty() {
            return Err(context.refuse(
                Diagnostic::error(Code::InvalidPatch, format!("the patch has no `{field}`"))
                    .at(text.span_of(document, &pointer))
                    .hint(
                        "a strategic merge patch names an object, also where a `target` is given",
                    ),
            ));
        }
    }
    let operation = Operation::strategic(value).map_err(|error| {
        let place = text.span_of(document, &format!("{pointer}{}", error.pointer));
        context.refuse(finding(&error, place))
    })?;
    Ok(Strategic {
        document: document.clone(),
        pointer,
        patch: any_object(operation),
        api_version,
        kind,
        namespace,
        name,
    })
}

/// Makes a patch that is applied to whatever it is given: what it is for was found out before.
fn any_object(operation: Operation) -> Patch {
    Patch {
        target: Some(Target::default()),
        operation,
    }
}

fn finding(error: &PatchError, place: Span) -> Diagnostic {
    let mut finding = Diagnostic::error(error.code, error.message.as_str()).at(place);
    finding.hints.extend(error.hints.iter().cloned());
    finding
}

/// Applies one entry of `patches`.
///
/// Errors: `invalid-patch`, `patch-no-match`, `patch-refused`, `patch-failed`, `duplicate-object`.
pub(crate) fn apply(
    entry: &PatchEntry,
    read: &Read,
    set: &mut Set,
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    match (&read.kind, &entry.target) {
        (Kind::Strategic(patches), None) => {
            apply_named(patches, &read.text, Some(entry), set, context)
        }
        (Kind::Strategic(patches), Some(target)) => {
            let [patch] = patches.as_slice() else {
                let finding = Diagnostic::error(
                    Code::InvalidPatch,
                    "a `target` goes with one strategic merge patch, not with several",
                )
                .at(entry.span)
                .hint("write one entry of `patches` for each");
                return Err(context.refuse(finding));
            };
            let selected = select(target, set.list(), context)?;
            if !selected.is_empty() {
                for place in &selected {
                    merge(patch, &read.text, Some(entry), *place, set, context)?;
                }
                if selected
                    .iter()
                    .any(|place| set.list()[*place].body.is_null())
                {
                    set.list_mut().retain(|resource| !resource.body.is_null());
                }
                if entry.allow_name_change || entry.allow_kind_change {
                    set.check_ids(context)?;
                }
            }
            Ok(())
        }
        (Kind::Json6902(_), None) => Err(context.refuse(
            Diagnostic::error(Code::InvalidPatch, "a JSON 6902 patch has no `target`")
                .at(entry.span)
                .hint("add `target: {kind: .., name: ..}`"),
        )),
        (Kind::Json6902(patch), Some(target)) => {
            let selected = select(target, set.list(), context)?;
            json::apply(patch, &read.text, &selected, set, context)
        }
    }
}

/// Applies one entry of `patchesJson6902`.
///
/// Errors: those of [`apply`].
pub(crate) fn apply_json6902(
    entry: &PatchEntry,
    read: &Read,
    set: &mut Set,
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    let named = entry
        .target
        .as_ref()
        .is_some_and(|target| target.name.is_some());
    if !named {
        return Err(context.refuse(
            Diagnostic::error(
                Code::InvalidPatch,
                "an entry of `patchesJson6902` has no `target` with a `name`",
            )
            .at(entry.span)
            .hint("add `target: {kind: .., name: ..}`"),
        ));
    }
    if matches!(read.kind, Kind::Strategic(_)) {
        return Err(context.refuse(
            Diagnostic::error(
                Code::InvalidPatch,
                "this is not a list of JSON 6902 operations",
            )
            .at(read.text.span(0..0))
            .hint("a strategic merge goes under `patches`"),
        ));
    }
    apply(entry, read, set, context)
}

/// Applies strategic merge patches to the objects that they name.
///
/// Errors: those of [`apply`].
pub(crate) fn apply_strategic(
    read: &Read,
    set: &mut Set,
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    match &read.kind {
        Kind::Strategic(patches) => apply_named(patches, &read.text, None, set, context),
        Kind::Json6902(_) => Ok(()),
    }
}

fn apply_named(
    patches: &[Strategic],
    text: &Text,
    entry: Option<&PatchEntry>,
    set: &mut Set,
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    for patch in patches {
        let id = Id::new(
            &patch.api_version,
            &patch.kind,
            &patch.namespace,
            &patch.name,
        );
        let index = set.index();
        let place = match index.get(&id).map_or(&[][..], Vec::as_slice) {
            [place] => *place,
            [] => return Err(context.refuse(no_match(patch, &id, text, index))),
            [_, _, ..] => {
                let finding = Diagnostic::error(
                    Code::InvalidPatch,
                    format!(
                        "several objects are, or were, called `{}/{}`",
                        patch.kind, patch.name
                    ),
                )
                .at(text.span_of(&patch.document, &format!("{}/metadata/name", patch.pointer)));
                return Err(context.refuse(finding));
            }
        };
        merge(patch, text, entry, place, set, context)?;
        if set.list()[place].body.is_null() {
            set.remove(place);
        }
        if entry.is_some_and(|entry| entry.allow_name_change || entry.allow_kind_change) {
            set.check_ids(context)?;
        }
    }
    Ok(())
}

fn no_match(patch: &Strategic, id: &Id, text: &Text, index: &Index) -> Diagnostic {
    let place = text.span_of(&patch.document, &format!("{}/metadata/name", patch.pointer));
    let finding = Diagnostic::error(
        Code::PatchNoMatch,
        format!(
            "there is no `{}/{}` of `{}` in namespace `{}`",
            patch.kind, patch.name, patch.api_version, id.namespace
        ),
    )
    .at(place);
    let of_kind = index.keys().filter(|known| known.kind == id.kind);
    let mut near: Vec<&Id> = of_kind
        .clone()
        .filter(|known| known.name == id.name)
        .collect();
    near.sort_by(|a, b| (&a.api_version, &a.namespace).cmp(&(&b.api_version, &b.namespace)));
    if let Some(known) = near.first() {
        return finding.hint(format!(
            "there is one of `{}` in namespace `{}`",
            known.api_version, known.namespace
        ));
    }
    let mut names: Vec<&str> = of_kind.map(|known| known.name.as_str()).collect();
    names.sort_unstable();
    match crate::diagnostic::nearest(&id.name, names) {
        Some(meant) => finding.hint(format!("did you mean `{}/{meant}`?", id.kind)),
        None => finding.hint("the object must be under `resources`, with the same `apiVersion`"),
    }
}

/// Merges a patch into the object at a place; a removed object becomes null there.
fn merge(
    patch: &Strategic,
    text: &Text,
    entry: Option<&PatchEntry>,
    place: usize,
    set: &mut Set,
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    let resource = &mut set.bodies_mut()[place];
    if resource.body.is_null() {
        return Ok(());
    }
    let rename = entry.filter(|entry| entry.allow_name_change || entry.allow_kind_change);
    if rename.is_some() {
        resource.remember();
    }
    let mut objects = vec![Object {
        body: std::mem::take(&mut resource.body),
        file: String::new(),
    }];
    let outcome = patch::apply(&patch.patch, &mut objects);
    resource.body = objects.pop().map_or(Value::Null, |object| object.body);
    match outcome {
        Ok(_) => {}
        Err(error) if error.code == Code::PatchNoEffect => {}
        Err(error) => {
            let pointer = format!("{}{}", patch.pointer, error.pointer);
            let place = text.span_of(&patch.document, &pointer);
            let finding = finding(&error, place).also(resource.origin, "the object");
            return Err(context.refuse(finding));
        }
    }
    if !resource.body.is_null() {
        let asked = text.span_of(&patch.document, &patch.pointer);
        resource
            .follow_shared()
            .map_err(|fault| misfit(&fault, resource, asked, context))?;
    }
    if let Some(entry) = rename.filter(|_| !resource.body.is_null()) {
        if entry.allow_name_change {
            resource.set_name(&patch.name);
        }
        if entry.allow_kind_change {
            resource.body["kind"] = Value::from(patch.kind.as_str());
        }
        set.list_mut();
    }
    Ok(())
}

/// Returns the places of the objects that a target means, by the names that they have or were read with.
fn select(
    target: &WrittenTarget,
    list: &[Resource],
    context: &mut Context<'_>,
) -> Result<Vec<usize>, Rejected> {
    let target = Target::parse(&lowered(&target.value))
        .map_err(|error| context.refuse(finding(&error, target.span)))?;
    let meets = |pattern: &Option<Pattern>, text: &str| {
        pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
    };
    let either = |pattern: &Option<Pattern>, now: &str, before: &str| {
        meets(pattern, now) || meets(pattern, before)
    };
    let selected = list.iter().enumerate().filter(|(_, resource)| {
        let (group, version) = split_api_version(resource.api_version());
        meets(&target.kind, resource.kind())
            && either(&target.name, resource.name(), resource.original_name())
            && meets(&target.group, group)
            && meets(&target.version, version)
            && either(
                &target.namespace,
                resource.effective_namespace(),
                resource.original_namespace(),
            )
            && [
                (&target.label_selector, "labels"),
                (&target.annotation_selector, "annotations"),
            ]
            .into_iter()
            .all(|(selector, field)| {
                selector.as_ref().is_none_or(|selector| {
                    selector.matches(resource.body.get("metadata").and_then(|m| m.get(field)))
                })
            })
    });
    Ok(selected.map(|(place, _)| place).collect())
}

/// Writes the fields of a target as they are documented: Go reads them in any case.
fn lowered(target: &Value) -> Value {
    const FIELDS: [&str; 7] = [
        "group",
        "version",
        "kind",
        "name",
        "namespace",
        "labelSelector",
        "annotationSelector",
    ];
    let Value::Object(map) = target else {
        return target.clone();
    };
    let named = map.iter().map(|(key, value)| {
        let known = FIELDS
            .into_iter()
            .find(|field| field.eq_ignore_ascii_case(key));
        (
            known.map_or_else(|| key.clone(), str::to_owned),
            value.clone(),
        )
    });
    Value::Object(named.collect())
}
