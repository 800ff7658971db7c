//! The patches of a project: which objects each is for, and where its text is written.
//!
//! Checks what can be checked without reading the text, which is the business of [`crate::user_patch`].

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::scope::{Report, Scope};
use super::template::{Renderer, is_template};
use crate::config::{Content, Node};
use crate::diagnostic::Code;
use crate::patch::Target;
use crate::source::Span;

/// One patch as it is written; serialises to what it says, without places.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PatchSource {
    /// The conditions of the target, with placeholders filled in; `None` when the patch names its object itself.
    pub conditions: Option<Value>,
    /// What the patch does.
    pub body: PatchBody,
    /// The conditions, read.
    #[serde(skip)]
    pub target: Option<Target>,
    /// Where the target is written.
    #[serde(skip)]
    pub target_span: Option<Span>,
    /// Where `patch` or `path` is written.
    #[serde(skip)]
    pub span: Span,
}

/// What a patch does, as it is written.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PatchBody {
    /// YAML text.
    Text(String),
    /// YAML in place.
    Tree {
        /// The value.
        value: Value,
        /// Where its parts are written, by JSON pointer.
        #[serde(skip)]
        spans: BTreeMap<String, Span>,
    },
    /// Path of a file with YAML text, below the root of the repository.
    File(String),
}

impl PatchSource {
    /// Returns the path of the patch's file and the place where it is named.
    pub fn file(&self) -> Option<(String, Span)> {
        match &self.body {
            PatchBody::File(path) => Some((path.clone(), self.span)),
            PatchBody::Text(_) | PatchBody::Tree { .. } => None,
        }
    }
}

/// Settles the patches of a project.
///
/// Errors: `ambiguous-choice` for both or none of `patch` and `path`, `template-error` and `invalid-patch` in the target.
pub(super) fn resolve(
    scope: &Scope,
    report: &mut Report,
    merged: &Node,
    renderer: &Renderer,
) -> Vec<PatchSource> {
    let items = merged.get("patches").map(Node::items).unwrap_or_default();
    items
        .iter()
        .filter(|item| matches!(item.content, Content::Map(_)))
        .filter_map(|item| one(scope, report, item, renderer))
        .collect()
}

fn one(
    scope: &Scope,
    report: &mut Report,
    item: &Node,
    renderer: &Renderer,
) -> Option<PatchSource> {
    let given = |key: &str| item.entry(key).filter(|entry| !entry.value.is_null());
    let target = given("target");
    let (conditions, parsed) = match target {
        None => (None, None),
        Some(entry) => {
            let (value, parsed) = self::target(scope, report, &entry.value, renderer)?;
            (Some(value), Some(parsed))
        }
    };
    let (body, span) = match (given("patch"), given("path")) {
        (Some(entry), None) => {
            let body = match &entry.value.content {
                Content::Text(text) => PatchBody::Text(text.clone()),
                Content::Map(_) | Content::List(_) => PatchBody::Tree {
                    value: entry.value.to_value(),
                    spans: entry.value.places().0,
                },
                _ => return None,
            };
            let span = match &body {
                PatchBody::Text(_) => entry.value.span,
                _ => entry.key_span,
            };
            (body, span)
        }
        (None, Some(entry)) => (
            PatchBody::File(entry.value.text()?.to_owned()),
            entry.value.span,
        ),
        (patch, _) => {
            let message = if patch.is_some() {
                "a patch says both `patch` and `path`"
            } else {
                "a patch says neither `patch` nor `path`"
            };
            report.push(
                scope
                    .error_at(Code::AmbiguousChoice, item.span, message)
                    .hint(
                        "write exactly one of `patch: |` with the text and `path: patches/….yaml`",
                    ),
            );
            return None;
        }
    };
    Some(PatchSource {
        conditions,
        body,
        target: parsed,
        target_span: target.map(|entry| entry.key_span),
        span,
    })
}

/// Reads a target. Its patterns may name the project and its namespace, which mean themselves in a regular expression;
/// other values could match more than themselves.
fn target(
    scope: &Scope,
    report: &mut Report,
    node: &Node,
    renderer: &Renderer,
) -> Option<(Value, Target)> {
    if node.content == Content::Rejected {
        return None;
    }
    let mut value = node.to_value();
    let mut sound = true;
    for entry in node.entries() {
        let Some(text) = entry.value.text().filter(|text| is_template(text)) else {
            sound &= entry.value.content != Content::Rejected;
            continue;
        };
        match renderer.render(text) {
            Ok(text) => value[&entry.key] = Value::String(text),
            Err(problem) => {
                sound = false;
                report.push(
                    scope
                        .error_at(
                            Code::TemplateError,
                            entry.place(),
                            format!("`{}` of a target cannot be rendered", entry.key),
                        )
                        .label(problem)
                        .hint("a target can name `project.name` and `project.namespace`"),
                );
            }
        }
    }
    if !sound {
        return None;
    }
    match Target::parse(&value) {
        Ok(target) => Some((value, target)),
        Err(error) => {
            let place = error
                .pointer
                .strip_prefix('/')
                .and_then(|key| node.entry(key))
                .map_or(node.span, |entry| entry.place());
            let mut diagnostic = scope.error_at(error.code, place, error.message);
            diagnostic.hints = error.hints;
            report.push(diagnostic);
            None
        }
    }
}
