//! Puts short forms into the long form: `database: central` is `database: {shared: {name: central}}`.
//!
//! Takes a tree whose shape was checked; afterwards every choice is a mapping with the chosen form as its key.

use super::node::{Content, Entry, Node};

/// Expands the short forms of a whole file.
pub fn expand(file: &mut Node) {
    let Content::Map(entries) = &mut file.content else {
        return;
    };
    for entry in entries {
        match entry.key.as_str() {
            "defaults" => layer(&mut entry.value),
            "profiles" => each_value(&mut entry.value, layer),
            "projects" => {
                if let Content::List(projects) = &mut entry.value.content {
                    projects.iter_mut().for_each(layer);
                }
            }
            "databases" | "objectStores" => each_value(&mut entry.value, |server| {
                at(server, "credentials", word);
            }),
            _ => {}
        }
    }
}

fn layer(layer: &mut Node) {
    for key in ["database", "objectStore"] {
        at(layer, key, |choice| {
            storage(choice);
            each_value(choice, |form| at(form, "credentials", word));
        });
    }
    at(layer, "proxy", |proxy| at(proxy, "noProxy", comma_list));
}

fn at(node: &mut Node, key: &str, change: impl FnOnce(&mut Node)) {
    if let Content::Map(entries) = &mut node.content
        && let Some(entry) = entries.iter_mut().find(|entry| entry.key == key)
    {
        change(&mut entry.value);
    }
}

fn each_value(node: &mut Node, change: impl Fn(&mut Node)) {
    if let Content::Map(entries) = &mut node.content {
        entries
            .iter_mut()
            .for_each(|entry| change(&mut entry.value));
    }
}

/// A mapping with one key, all of it written at one place.
fn single(key: &str, value: Content, like: &Node) -> Content {
    Content::Map(vec![Entry {
        key: key.to_owned(),
        key_span: like.span,
        value: Node {
            content: value,
            span: like.span,
        },
    }])
}

fn storage(choice: &mut Node) {
    // `embedded:` with nothing below it asks for the form with all its defaults.
    if let Content::Map(entries) = &mut choice.content {
        for entry in entries {
            if entry.key == "embedded" && entry.value.is_null() {
                entry.value.content = Content::Map(Vec::new());
            }
        }
        return;
    }
    let Content::Text(word) = &choice.content else {
        return;
    };
    let content = if word == "embedded" {
        single("embedded", Content::Map(Vec::new()), choice)
    } else {
        let name = single("name", Content::Text(word.clone()), choice);
        single("shared", name, choice)
    };
    choice.content = content;
}

fn word(credentials: &mut Node) {
    if let Content::Text(word) = &credentials.content {
        credentials.content = single(word, Content::Map(Vec::new()), credentials);
    }
}

fn comma_list(list: &mut Node) {
    if let Content::Text(text) = &list.content {
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| Node {
                content: Content::Text(item.to_owned()),
                span: list.span,
            })
            .collect();
        list.content = Content::List(items);
    }
}
