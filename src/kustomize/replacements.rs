//! `replacements`: values of one object copied into fields of others.
//!
//! Takes entries as they are written and the objects; changes the objects. Knows dotted paths, and no field specifications.
//! Source: `filters/replacement` of kustomize v5.5.0.

mod read;

use serde_json::Value;

use super::context::Context;
use super::field::Fault;
use super::path::{self, Make, plain, text_of};
use super::reader::Located;
use super::resource::{Gvk, Resource};
use super::transform::misfit;
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::patch::Selector;
use crate::source::Span;

pub(crate) use read::{read_entries, read_file};

/// One entry of `replacements`.
#[derive(Debug, Clone)]
pub(crate) enum ReplacementEntry {
    /// The replacement itself.
    Here(Replacement),
    /// A file with one, or a list of them.
    File(Located),
}

/// One source and where it is copied to.
#[derive(Debug, Clone)]
pub(crate) struct Replacement {
    source: Source,
    targets: Vec<Target>,
}

#[derive(Debug, Clone)]
struct Source {
    span: Span,
    id: Partial,
    path: Located,
    options: Options,
}

#[derive(Debug, Clone)]
struct Target {
    span: Span,
    select: Condition,
    reject: Vec<Condition>,
    paths: Vec<Located>,
    options: Options,
}

/// Parts of what identifies an object; an empty part matches anything.
#[derive(Debug, Clone, Default)]
struct Partial {
    gvk: Gvk,
    name: String,
    namespace: String,
}

#[derive(Debug, Clone, Default)]
struct Condition {
    id: Partial,
    labels: Option<Selector>,
    annotations: Option<Selector>,
}

#[derive(Debug, Clone, Default)]
struct Options {
    delimiter: String,
    index: i64,
    create: bool,
}

impl Partial {
    fn is_empty(&self) -> bool {
        self.gvk == Gvk::default() && self.name.is_empty() && self.namespace.is_empty()
    }

    /// Tells whether the object is, or was, what this says.
    fn matches(&self, resource: &Resource) -> bool {
        resource.all_ids().any(|id| {
            (self.namespace.is_empty() || self.namespace == id.namespace)
                && (self.name.is_empty() || self.name == id.name)
                && resource.gvk_with(&id.kind).meets(&self.gvk)
        })
    }
}

impl Condition {
    /// Tells whether everything that this says is so.
    fn selects(&self, resource: &Resource) -> bool {
        self.matches_selectors(resource) && self.id.matches(resource)
    }

    /// Tells whether the id is what this says, or else the labels and annotations are.
    fn rejects(&self, resource: &Resource) -> bool {
        let selects_by_more = self.labels.is_some() || self.annotations.is_some();
        !self.id.is_empty() && self.id.matches(resource)
            || selects_by_more && self.matches_selectors(resource)
    }

    fn matches_selectors(&self, resource: &Resource) -> bool {
        let meets = |selector: &Option<Selector>, field: &str| {
            selector.as_ref().is_none_or(|selector| {
                selector.matches(resource.body.get("metadata").and_then(|m| m.get(field)))
            })
        };
        meets(&self.labels, "labels") && meets(&self.annotations, "annotations")
    }
}

/// Copies the value of the source to the targets.
///
/// Errors: `invalid-kustomization`.
pub(crate) fn replace(
    replacement: &Replacement,
    resources: &mut [Resource],
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    let value = source_value(&replacement.source, resources, context)?;
    for target in &replacement.targets {
        for resource in resources.iter_mut() {
            let rejected = target
                .reject
                .iter()
                .any(|condition| condition.rejects(resource));
            if rejected || !target.select.selects(resource) {
                continue;
            }
            for path in &target.paths {
                copy(&value, path, target, resource, context)?;
            }
        }
    }
    Ok(())
}

fn steps(path: &Located, context: &mut Context<'_>) -> Result<Vec<path::Step>, Rejected> {
    path::parse(&path.text).map_err(|problem| {
        context.invalid(
            path.span,
            format!("the path `{}` cannot be read: {problem}", path.text),
        )
    })
}

/// Returns the value that is copied.
fn source_value(
    source: &Source,
    resources: &[Resource],
    context: &mut Context<'_>,
) -> Result<Value, Rejected> {
    let found: Vec<&Resource> = resources
        .iter()
        .filter(|resource| source.id.matches(resource))
        .collect();
    let resource = match found.as_slice() {
        [resource] => *resource,
        [] => return Err(context.invalid(source.span, "no object is the source")),
        [first, second, ..] => {
            let message = format!(
                "several objects could be the source: `{}`, `{}`",
                first.shown(),
                second.shown()
            );
            return Err(context.refuse(
                Diagnostic::error(Code::InvalidKustomization, message)
                    .at(source.span)
                    .hint("say which one by `kind`, `name` and `namespace`"),
            ));
        }
    };
    let steps = steps(&source.path, context)?;
    let value = path::get(&resource.body, &steps)
        .map_err(|Fault(problem)| {
            let message = format!(
                "`{}` of `{}`: {problem}",
                source.path.text,
                resource.shown()
            );
            context.invalid(source.path.span, message)
        })?
        .filter(|value| match value {
            Value::Null => false,
            Value::Object(map) => !map.is_empty(),
            Value::Array(list) => !list.is_empty(),
            _ => true,
        });
    let Some(value) = value else {
        return Err(context.invalid(
            source.path.span,
            format!(
                "there is no `{}` in `{}`",
                source.path.text,
                resource.shown()
            ),
        ));
    };
    if source.options.delimiter.is_empty() {
        return Ok(value.clone());
    }
    let Some(text) = text_of(value) else {
        return Err(context.invalid(source.span, "only a scalar can be split"));
    };
    let part = usize::try_from(source.options.index)
        .ok()
        .and_then(|index| text.split(source.options.delimiter.as_str()).nth(index));
    match part {
        Some(part) if value.is_string() => Ok(Value::from(part)),
        Some(part) => Ok(plain(part)),
        None => Err(context.invalid(
            source.span,
            format!("`{text}` has no part {}", source.options.index),
        )),
    }
}

/// Copies a value to one path of one object.
fn copy(
    value: &Value,
    path: &Located,
    target: &Target,
    resource: &mut Resource,
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    let steps = steps(path, context)?;
    let make = match value {
        _ if !target.options.create => Make::Nothing,
        Value::Object(_) => Make::Mapping,
        Value::Array(_) => Make::List,
        _ => Make::Scalar,
    };
    let is_annotation = matches!(
        steps.as_slice(),
        [path::Step::Field(a), path::Step::Field(b), ..] if a == "metadata" && b == "annotations"
    );
    let outcome = path::visit(&mut resource.body, &steps, make, &mut |field| {
        set(field, value, &target.options, is_annotation)
    });
    let problem = match outcome {
        Ok(0) => "there is no such field".to_owned(),
        Ok(_) => {
            let followed = resource.follow_shared();
            return followed.map_err(|fault| misfit(&fault, resource, path.span, context));
        }
        Err(Fault(problem)) => problem,
    };
    let mut finding = Diagnostic::error(
        Code::InvalidKustomization,
        format!(
            "`{}` of `{}` cannot be replaced: {problem}",
            path.text,
            resource.shown()
        ),
    )
    .at(path.span)
    .also(resource.origin, "the object");
    if make == Make::Nothing {
        finding = finding.hint("`options: {create: true}` makes fields that are missing");
    }
    Err(context.refuse(finding))
}

/// Sets a field. A scalar keeps its type: kustomize copies the text only.
fn set(
    field: &mut Value,
    value: &Value,
    options: &Options,
    is_annotation: bool,
) -> Result<(), Fault> {
    let is_new = field.is_null() && options.create;
    let text = if options.delimiter.is_empty() {
        match text_of(value) {
            Some(text) => text,
            None if is_new || field.is_object() || field.is_array() => {
                *field = value.clone();
                return Ok(());
            }
            None => {
                return Err(Fault(
                    "a mapping or a list cannot replace a scalar".to_owned(),
                ));
            }
        }
    } else {
        let old = match &*field {
            Value::Null => String::new(),
            scalar => {
                text_of(scalar).ok_or_else(|| Fault("only a scalar can be split".to_owned()))?
            }
        };
        let new = text_of(value).ok_or_else(|| Fault("only a scalar can be a part".to_owned()))?;
        joined(&old, &new, options)
    };
    *field = match &*field {
        Value::Null if is_new && is_annotation => Value::from(text),
        Value::Null if is_new => plain(&text),
        Value::String(_) => Value::from(text),
        Value::Object(_) | Value::Array(_) => value.clone(),
        old => {
            let new = plain(&text);
            let fits = match (old, &new) {
                (Value::Bool(_), Value::Bool(_)) => true,
                (Value::Number(old), Value::Number(new)) => old.is_f64() || !new.is_f64(),
                _ => false,
            };
            if !fits {
                return Err(Fault(format!("`{text}` cannot take the place of `{old}`")));
            }
            new
        }
    };
    Ok(())
}

/// Replaces one part of a text; a negative index puts the new one first, one beyond the end last.
fn joined(old: &str, new: &str, options: &Options) -> String {
    let mut parts: Vec<&str> = old.split(options.delimiter.as_str()).collect();
    match usize::try_from(options.index) {
        Err(_) => parts.insert(0, new),
        Ok(index) => match parts.get_mut(index) {
            Some(part) => *part = new,
            None => parts.push(new),
        },
    }
    parts.join(&options.delimiter)
}
