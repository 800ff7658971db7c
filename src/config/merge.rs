//! Merges layers of settings: the built-in defaults (absence), `defaults`, a profile, the project.
//!
//! Mappings merge key by key; lists and scalars replace; `null` takes away what lower layers say, which is the built-in
//! default; choosing another form of a choice (embedded, shared, external …) replaces the whole block.
//! Every value keeps its place, so that later errors point at the line that set it.

use super::node::{Content, Entry, Node};

/// Merges layers, lowest first.
pub fn merge<'a>(layers: impl IntoIterator<Item = &'a Node>) -> Node {
    let mut layers = layers.into_iter();
    let mut merged = match layers.next() {
        Some(lowest) => settled(lowest),
        None => return nothing(),
    };
    let mut path = Vec::new();
    for layer in layers {
        overlay(&mut merged, layer, &mut path);
    }
    merged
}

fn nothing() -> Node {
    panic!("a project has at least its own layer")
}

fn overlay<'a>(below: &mut Node, above: &'a Node, path: &mut Vec<&'a str>) {
    let replaces = match (&below.content, &above.content) {
        (Content::Map(_), Content::Map(_)) => is_other_form(below, above, path),
        _ => true,
    };
    if replaces {
        *below = settled(above);
        return;
    }
    below.span = above.span;
    let Content::Map(entries) = &mut below.content else {
        return;
    };
    for entry in above.entries() {
        let at = entries
            .iter()
            .position(|existing| existing.key == entry.key);
        if entry.value.is_null() {
            if let Some(at) = at {
                entries.remove(at);
            }
            continue;
        }
        match at {
            Some(at) => {
                let existing = &mut entries[at];
                path.push(&entry.key);
                overlay(&mut existing.value, &entry.value, path);
                path.pop();
                existing.key_span = entry.key_span;
            }
            None => entries.push(Entry {
                key: entry.key.clone(),
                key_span: entry.key_span,
                value: settled(&entry.value),
            }),
        }
    }
}

/// Copies a tree without the nulls in its mappings.
fn settled(node: &Node) -> Node {
    match &node.content {
        Content::Map(entries) => Node {
            content: Content::Map(
                entries
                    .iter()
                    .filter(|entry| !entry.value.is_null())
                    .map(|entry| Entry {
                        key: entry.key.clone(),
                        key_span: entry.key_span,
                        value: settled(&entry.value),
                    })
                    .collect(),
            ),
            span: node.span,
        },
        Content::Null => Node {
            content: Content::Map(Vec::new()),
            span: node.span,
        },
        _ => node.clone(),
    }
}

/// Tells whether two mappings choose different forms of a choice, so that they must not mix.
fn is_other_form(below: &Node, above: &Node, path: &[&str]) -> bool {
    match path {
        ["database" | "objectStore"]
        | ["access", "tls"]
        | ["database" | "objectStore", _, "credentials"] => forms(below) != forms(above),
        // Another shared server: what was said about the first one does not apply to it.
        ["database" | "objectStore", "shared"] => {
            match (
                below.get("name").and_then(Node::text),
                above.get("name").and_then(Node::text),
            ) {
                (Some(below), Some(above)) => below != above,
                _ => false,
            }
        }
        _ => false,
    }
}

fn forms(node: &Node) -> Vec<&str> {
    let mut forms: Vec<&str> = node
        .entries()
        .iter()
        .filter(|entry| !entry.value.is_null())
        .map(|entry| entry.key.as_str())
        .collect();
    forms.sort_unstable();
    forms
}
