//! Keys that the language has and this version does not act on: each is refused, none is ignored.
//!
//! When a key is acted on, its line leaves `KEYS`. Values that ask for nothing (`null`, `false`, `none`, empty lists
//! and mappings) are accepted.

use super::node::{Content, Node};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};

/// Paths of the keys; `*` is any key or item, and `<layer>` is `defaults`, each profile and each project.
const KEYS: &[&str] = &[
    "platform/monitoring",
    "platform/clusters/*/monitoring",
];

/// Refuses the keys of `KEYS` where they ask for something.
///
/// Errors: `not-yet`.
pub fn check(file: &Node, diagnostics: &mut Diagnostics) {
    for path in KEYS {
        match path.strip_prefix("<layer>/") {
            Some(rest) => {
                for layer in ["defaults", "profiles/*", "projects/*"] {
                    walk(file, &format!("{layer}/{rest}"), None, diagnostics);
                }
            }
            None => walk(file, path, None, diagnostics),
        }
    }
}

fn walk(node: &Node, path: &str, project: Option<&str>, diagnostics: &mut Diagnostics) {
    let (first, rest) = match path.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    for item in node.items() {
        if first == "*"
            && let Some(rest) = rest
        {
            let name = item.get("name").and_then(Node::text);
            walk(item, rest, name, diagnostics);
        }
    }
    for entry in node.entries() {
        if first != "*" && entry.key != first {
            continue;
        }
        match rest {
            Some(rest) => walk(&entry.value, rest, project, diagnostics),
            None if asks_for_nothing(&entry.value) => {}
            None => {
                let mut diagnostic = Diagnostic::error(
                    Code::NotYet,
                    format!("`{}` is not supported yet", entry.key),
                )
                .at(entry.key_span)
                .label("this version of Tenantry does not act on it")
                .hint("leave the key out");
                diagnostic.project = project.map(str::to_owned);
                diagnostics.push(diagnostic);
            }
        }
    }
}

fn asks_for_nothing(node: &Node) -> bool {
    match &node.content {
        Content::Null | Content::Rejected => true,
        Content::Bool(value) => !value,
        Content::Number(_) => false,
        Content::Text(text) => text == "none",
        Content::List(items) => items.is_empty(),
        Content::Map(entries) => entries.iter().all(|entry| asks_for_nothing(&entry.value)),
    }
}
