//! Reads replacements, from a kustomization or a file of their own.

use super::{Condition, Options, Partial, Replacement, ReplacementEntry, Source, Target};
use crate::diagnostic::Rejected;
use crate::kustomize::context::Context;
use crate::kustomize::place::Text;
use crate::kustomize::reader::{Entry, Located, Node};
use crate::patch::Selector;
use crate::yaml::LoadOptions;

/// The field that is meant when none is given.
const NAME: &str = "metadata.name";

/// Reads the list `replacements`.
pub(crate) fn read_entries(node: &Node<'_>, context: &mut Context<'_>) -> Vec<ReplacementEntry> {
    let mut entries = Vec::new();
    for item in node.items(context) {
        let path = item
            .entries(context)
            .into_iter()
            .filter(|entry| entry.key == "path")
            .find_map(|entry| entry.value.string(context));
        let read = read_one(&item, true, context);
        match (path, read) {
            (Some(path), None) => entries.push(ReplacementEntry::File(path)),
            (Some(path), Some(_)) => {
                context.invalid(path.span, "`path` goes without `source` and `targets`");
            }
            (None, Some(replacement)) => entries.push(ReplacementEntry::Here(replacement)),
            (None, None) => {
                context.invalid(
                    item.span(),
                    "a replacement needs a `source` and at least one of `targets`",
                );
            }
        }
    }
    entries
}

/// Reads a file with one replacement, or a list of them.
///
/// Errors: those of the loader; `wrong-type`, `unknown-key`, `invalid-kustomization`.
pub(crate) fn read_file(
    text: &Text,
    context: &mut Context<'_>,
) -> Result<Vec<Replacement>, Rejected> {
    let options = LoadOptions {
        marks: true,
        dates_as_text: true,
        ..LoadOptions::default()
    };
    let Some(document) = text.only_document(&options, context)? else {
        return Ok(Vec::new());
    };
    let root = Node::root(text, &document);
    let items = if root.value().is_array() {
        root.items(context)
    } else {
        vec![root]
    };
    let before = context.diagnostics.iter().count();
    let mut replacements = Vec::new();
    for item in items {
        match read_one(&item, false, context) {
            Some(replacement) => replacements.push(replacement),
            None => {
                context.invalid(
                    item.span(),
                    "a replacement needs a `source` and at least one of `targets`",
                );
            }
        }
    }
    if context.diagnostics.iter().count() > before {
        Err(Rejected)
    } else {
        Ok(replacements)
    }
}

/// Reads one replacement; `None` without source or targets.
fn read_one(node: &Node<'_>, with_path: bool, context: &mut Context<'_>) -> Option<Replacement> {
    let mut source = None;
    let mut targets = Vec::new();
    for entry in node.entries(context) {
        match entry.key.as_str() {
            "source" if !entry.value.value().is_null() => {
                source = Some(read_source(&entry.value, context));
            }
            "source" => {}
            "targets" => {
                for item in entry.value.items(context) {
                    targets.extend(read_target(&item, context));
                }
            }
            "path" if with_path => {}
            _ => entry.unknown("a replacement", &["source", "targets", "path"], context),
        }
    }
    let source = source?;
    (!targets.is_empty()).then_some(Replacement { source, targets })
}

fn read_source(node: &Node<'_>, context: &mut Context<'_>) -> Source {
    let mut source = Source {
        span: node.span(),
        id: Partial::default(),
        path: Located {
            text: NAME.to_owned(),
            span: node.span(),
        },
        options: Options::default(),
    };
    for entry in node.entries(context) {
        match entry.key.as_str() {
            "fieldpath" => {
                if let Some(path) = entry.value.string(context) {
                    source.path = path;
                }
            }
            "options" => source.options = read_options(&entry.value, context),
            _ if read_id(&entry, &mut source.id, context) => {}
            _ => entry.unknown(
                "a source",
                &[
                    "group",
                    "version",
                    "kind",
                    "name",
                    "namespace",
                    "fieldPath",
                    "options",
                ],
                context,
            ),
        }
    }
    source
}

/// Reads a part of what identifies an object; tells whether the entry was one.
fn read_id(entry: &Entry<'_>, id: &mut Partial, context: &mut Context<'_>) -> bool {
    let part = match entry.key.as_str() {
        "group" => &mut id.gvk.group,
        "version" => &mut id.gvk.version,
        "kind" => &mut id.gvk.kind,
        "name" => &mut id.name,
        "namespace" => &mut id.namespace,
        _ => return false,
    };
    *part = entry.value.plain_string(context);
    true
}

fn read_target(node: &Node<'_>, context: &mut Context<'_>) -> Option<Target> {
    let mut select = None;
    let mut target = Target {
        span: node.span(),
        select: Condition::default(),
        reject: Vec::new(),
        paths: Vec::new(),
        options: Options::default(),
    };
    for entry in node.entries(context) {
        match entry.key.as_str() {
            "select" if entry.value.value().is_null() => {}
            "select" => select = Some(read_condition(&entry.value, context)),
            "reject" => {
                for item in entry.value.items(context) {
                    target.reject.push(read_condition(&item, context));
                }
            }
            "fieldpaths" => target.paths = entry.value.strings(context),
            "options" => target.options = read_options(&entry.value, context),
            _ => entry.unknown(
                "a target",
                &["select", "reject", "fieldPaths", "options"],
                context,
            ),
        }
    }
    if target.paths.is_empty() {
        target.paths.push(Located {
            text: NAME.to_owned(),
            span: target.span,
        });
    }
    match select {
        Some(select) => {
            target.select = select;
            Some(target)
        }
        None => {
            context.invalid(target.span, "a target needs `select`");
            None
        }
    }
}

fn read_condition(node: &Node<'_>, context: &mut Context<'_>) -> Condition {
    let mut condition = Condition::default();
    for entry in node.entries(context) {
        let selector = match entry.key.as_str() {
            "labelselector" => &mut condition.labels,
            "annotationselector" => &mut condition.annotations,
            _ => {
                if !read_id(&entry, &mut condition.id, context) {
                    entry.unknown(
                        "a selection",
                        &[
                            "group",
                            "version",
                            "kind",
                            "name",
                            "namespace",
                            "labelSelector",
                            "annotationSelector",
                        ],
                        context,
                    );
                }
                continue;
            }
        };
        let Some(text) = entry.value.string(context) else {
            continue;
        };
        match Selector::parse(&text.text) {
            Ok(read) => *selector = Some(read),
            Err(problem) => {
                context.invalid(text.span, problem);
            }
        }
    }
    condition
}

fn read_options(node: &Node<'_>, context: &mut Context<'_>) -> Options {
    let mut options = Options::default();
    for entry in node.entries(context) {
        match entry.key.as_str() {
            "delimiter" => options.delimiter = entry.value.plain_string(context),
            "index" => options.index = entry.value.integer(context),
            "create" => options.create = entry.value.boolean(context),
            // kustomize reads it and does nothing with it.
            "encoding" => {
                entry.value.string(context);
            }
            _ => entry.unknown(
                "`options`",
                &["delimiter", "index", "create", "encoding"],
                context,
            ),
        }
    }
    options
}
