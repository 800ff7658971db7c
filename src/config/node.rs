//! The located tree: YAML values that know where they were written.
//!
//! Gives look-up, and conversion to JSON. Knows nothing of the language of `projects.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, Value};

use crate::source::Span;

/// A value and the place where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub content: Content,
    /// Where it is written; empty for a value that is left out (`key:`).
    pub span: Span,
}

/// A YAML value.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; its spelling is the text of the span.
    Number(Number),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file, without repeated keys.
    Map(Vec<Entry>),
    /// Something that was reported as wrong already; nothing may be concluded from it.
    Rejected,
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key is written.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Entry {
    /// Returns the place to point at for the value as a whole: the value itself when it is a scalar, else its key.
    pub fn place(&self) -> Span {
        match self.value.content {
            Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::Null
                if self.value.span.start < self.value.span.end =>
            {
                self.value.span
            }
            _ => self.key_span,
        }
    }
}

impl Node {
    /// Returns the entries of a mapping, none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a list, none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the entry of a mapping with the given key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Returns the place of the key that a JSON pointer ends in, when it ends in a key of a mapping.
    pub fn key_span(&self, pointer: &str) -> Option<Span> {
        let mut node = self;
        let mut span = None;
        for token in pointer.split('/').skip(1) {
            let entry = node.entry(&token.replace("~1", "/").replace("~0", "~"))?;
            span = Some(entry.key_span);
            node = &entry.value;
        }
        span
    }

    /// Returns the value of a mapping below the given key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns the string, when it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Tells whether the value is `null`.
    pub fn is_null(&self) -> bool {
        self.content == Content::Null
    }

    /// Converts to JSON, leaving out what was rejected.
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Null | Content::Rejected => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => items
                .iter()
                .filter(|item| item.content != Content::Rejected)
                .map(Node::to_value)
                .collect(),
            Content::Map(entries) => entries
                .iter()
                .filter(|entry| entry.value.content != Content::Rejected)
                .map(|entry| (entry.key.clone(), entry.value.to_value()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    /// Collects, by JSON pointer, the place of every value below this one, and the pointers of what was rejected.
    pub fn places(&self) -> (BTreeMap<String, Span>, BTreeSet<String>) {
        let mut spans = BTreeMap::new();
        let mut rejected = BTreeSet::new();
        self.collect_places(&mut String::new(), &mut spans, &mut rejected);
        (spans, rejected)
    }

    fn collect_places(
        &self,
        pointer: &mut String,
        spans: &mut BTreeMap<String, Span>,
        rejected: &mut BTreeSet<String>,
    ) {
        let length = pointer.len();
        match &self.content {
            Content::Map(entries) => {
                for entry in entries {
                    push_token(pointer, &entry.key);
                    spans.insert(pointer.clone(), entry.place());
                    entry.value.collect_places(pointer, spans, rejected);
                    pointer.truncate(length);
                }
            }
            Content::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    push_token(pointer, &index.to_string());
                    spans.insert(pointer.clone(), item.span);
                    item.collect_places(pointer, spans, rejected);
                    pointer.truncate(length);
                }
            }
            Content::Rejected => {
                rejected.insert(pointer.clone());
            }
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) => {}
        }
    }
}

/// Appends a reference token to a JSON pointer, escaped.
///
/// Source: RFC 6901, section 3.
pub fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}
