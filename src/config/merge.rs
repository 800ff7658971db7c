//! Merges layers of settings: the built-in defaults (absence), `defaults`, a profile, the project.
//!
//! Mappings merge key by key; lists and scalars replace; `null` takes away what lower layers say, which is the built-in
//! default; choosing another form of a choice (embedded, shared, external …) replaces the whole block.
//! Every value keeps its place, so that later errors point at the line that set it.

use super::node::{Content, Entry, Node};

/// Merges layers, lowest first: those of `below`, and `top` over them.
pub fn merge<'a>(below: impl IntoIterator<Item = &'a Node>, top: &'a Node) -> Node {
    let mut layers = below.into_iter().chain([top]);
    let mut merged = settled(layers.next().expect("the top layer is there"));
    let mut path = Vec::new();
    for layer in layers {
        overlay(&mut merged, layer, &mut path);
    }
    merged
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{forms, read};
    use crate::diagnostic::Diagnostics;
    use crate::source::Sources;

    /// Merges layers that are written as projects of one file.
    fn merged(layers: &[&str]) -> (Node, Sources) {
        let mut text = "projects:\n".to_owned();
        for layer in layers {
            text.push_str("- ");
            text.push_str(layer);
            text.push('\n');
        }
        let mut sources = Sources::default();
        let file = sources.add("layers.yaml", text);
        let mut diagnostics = Diagnostics::default();
        let mut root = read(&sources, file, &mut diagnostics).expect("the layers are YAML");
        forms::expand(&mut root);
        let layers = root.get("projects").expect("there are layers").items();
        let (top, below) = layers.split_last().expect("there is a layer");
        (merge(below, top), sources)
    }

    fn check(layers: &[&str], expect: &str) {
        let (node, _) = merged(layers);
        let expect: serde_json::Value =
            serde_json::from_str(expect).expect("the expectation is JSON");
        assert_eq!(node.to_value(), expect, "{layers:?}");
    }

    #[test]
    fn mappings_merge_and_the_rest_replaces() {
        check(&["{a: 1}"], r#"{"a": 1}"#);
        check(
            &["{a: {b: 1, c: 2}}", "{a: {c: 3, d: 4}}"],
            r#"{"a": {"b": 1, "c": 3, "d": 4}}"#,
        );
        check(&["{a: [1, 2]}", "{a: [3]}"], r#"{"a": [3]}"#);
        check(
            &["{a: {b: 1}}", "{a: 2}", "{a: {c: 3}}"],
            r#"{"a": {"c": 3}}"#,
        );
        check(&["{a: 1}", "{b: 2}", "{a: 3}"], r#"{"a": 3, "b": 2}"#);
    }

    #[test]
    fn null_takes_away() {
        check(&["{a: 1, b: null}"], r#"{"a": 1}"#);
        check(
            &["{a: {b: 1, c: 2}}", "{a: {b: null}}"],
            r#"{"a": {"c": 2}}"#,
        );
        check(&["{a: {b: 1}}", "{a: null}"], "{}");
        check(
            &["{a: {b: 1}}", "{a: null}", "{a: {c: 2}}"],
            r#"{"a": {"c": 2}}"#,
        );
        check(
            &["{}", "{a: {b: null, c: {d: null}}}"],
            r#"{"a": {"c": {}}}"#,
        );
        check(&["{a: [null, {b: null}]}"], r#"{"a": [null, {"b": null}]}"#);
    }

    #[test]
    fn another_form_replaces_the_block() {
        check(
            &[
                "{database: {embedded: {size: 1, engine: x}}}",
                "{database: {embedded: {size: 2}}}",
            ],
            r#"{"database": {"embedded": {"size": 2, "engine": "x"}}}"#,
        );
        check(
            &[
                "{database: {embedded: {size: 1}}}",
                "{database: {external: {host: h}}}",
            ],
            r#"{"database": {"external": {"host": "h"}}}"#,
        );
        check(
            &["{database: {embedded: {size: 1}}}", "{database: embedded}"],
            r#"{"database": {"embedded": {"size": 1}}}"#,
        );
        check(
            &["{database: {shared: {name: a, user: u}}}", "{database: a}"],
            r#"{"database": {"shared": {"name": "a", "user": "u"}}}"#,
        );
        check(
            &["{database: {shared: {name: a, user: u}}}", "{database: b}"],
            r#"{"database": {"shared": {"name": "b"}}}"#,
        );
        check(
            &[
                "{objectStore: {embedded: {credentials: {secret: {name: a}}}}}",
                "{objectStore: {embedded: {credentials: generated, size: 1}}}",
            ],
            r#"{"objectStore": {"embedded": {"credentials": {"generated": {}}, "size": 1}}}"#,
        );
        check(
            &[
                "{access: {host: h, tls: {secret: s}}}",
                "{access: {tls: {issuer: {name: i}}}}",
            ],
            r#"{"access": {"host": "h", "tls": {"issuer": {"name": "i"}}}}"#,
        );
        check(
            &[
                "{database: {external: {host: h}}}",
                "{database: {external: null}}",
            ],
            r#"{"database": {}}"#,
        );
    }

    #[test]
    fn each_value_keeps_its_place() {
        let (node, sources) = merged(&["{a: {b: one, c: two}, l: [x]}", "{a: {c: three}}"]);
        let (spans, _) = node.places();
        let text = |pointer: &str| {
            let span = spans[pointer];
            (
                sources.line_column(span.file, span.start).0,
                sources.text(span),
            )
        };
        assert_eq!(text("/a/b"), (2, "one"));
        assert_eq!(text("/a/c"), (3, "three"));
        assert_eq!(text("/a"), (3, "a"));
        assert_eq!(text("/l/0"), (2, "x"));
    }
}
