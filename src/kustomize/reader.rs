//! Walks a document and says what is wrong with it.
//!
//! Reads kustomizations as strictly as Go reads them into its types, with a place for every complaint. Knows no field.

use serde_json::Value;

use super::context::Context;
use super::place::{Document, Text};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::yaml::push_token;

/// A string with the place where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// One value of a document.
#[derive(Debug, Clone)]
pub(crate) struct Node<'d> {
    text: &'d Text,
    document: &'d Document,
    value: &'d Value,
    pointer: String,
}

/// One key of a mapping with its value.
pub(crate) struct Entry<'d> {
    /// The key in lower case: Go reads keys in any case.
    pub(crate) key: String,
    /// The key as it is written.
    pub(crate) written: &'d str,
    /// Where the key stands.
    pub(crate) span: Span,
    /// The value.
    pub(crate) value: Node<'d>,
}

impl<'d> Node<'d> {
    /// Returns the root of a document.
    pub(crate) fn root(text: &'d Text, document: &'d Document) -> Self {
        Node {
            text,
            document,
            value: &document.value,
            pointer: String::new(),
        }
    }

    fn below(&self, token: &str, value: &'d Value) -> Self {
        let mut pointer = self.pointer.clone();
        push_token(&mut pointer, token);
        Node {
            text: self.text,
            document: self.document,
            value,
            pointer,
        }
    }

    /// Returns the value.
    pub(crate) fn value(&self) -> &'d Value {
        self.value
    }

    /// Returns the place of the value.
    pub(crate) fn span(&self) -> Span {
        self.text.span_of(self.document, &self.pointer)
    }

    fn wrong_type(&self, expected: &str, context: &mut Context<'_>) {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "a mapping",
        };
        let mut finding = Diagnostic::error(
            Code::WrongType,
            format!("{expected} is expected, not {found}"),
        )
        .at(self.span())
        .label(format!("{found} here"));
        if expected == "a string"
            && let Some(written) = self.text.written(self.document, &self.pointer)
            && (self.value.is_boolean() || self.value.is_number())
        {
            finding = finding.hint(format!("write `\"{written}\"`"));
        }
        context.diagnostics.push(finding);
    }

    /// Returns the keys and values of a mapping; null is an empty one.
    pub(crate) fn entries(&self, context: &mut Context<'_>) -> Vec<Entry<'d>> {
        match self.value {
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| {
                    let value = self.below(key, value);
                    Entry {
                        key: key.to_lowercase(),
                        written: key,
                        span: value.text.span_of_key(value.document, &value.pointer),
                        value,
                    }
                })
                .collect(),
            Value::Null => Vec::new(),
            _ => {
                self.wrong_type("a mapping", context);
                Vec::new()
            }
        }
    }

    /// Returns the elements of a list; null is an empty one.
    pub(crate) fn items(&self, context: &mut Context<'_>) -> Vec<Node<'d>> {
        match self.value {
            Value::Array(list) => list
                .iter()
                .enumerate()
                .map(|(index, value)| self.below(&index.to_string(), value))
                .collect(),
            Value::Null => Vec::new(),
            _ => {
                self.wrong_type("a list", context);
                Vec::new()
            }
        }
    }

    /// Returns a string; null and the empty string are as good as none.
    pub(crate) fn string(&self, context: &mut Context<'_>) -> Option<Located> {
        match self.value {
            Value::String(text) => {
                if is_bool_of_yaml_1_1(text)
                    && self.text.written(self.document, &self.pointer) == Some(text)
                {
                    context.diagnostics.push(
                        Diagnostic::error(
                            Code::WrongType,
                            format!("`{text}` without quotes is a boolean to kustomize"),
                        )
                        .at(self.span())
                        .label("a boolean here")
                        .hint(format!("write `\"{text}\"`")),
                    );
                }
                (!text.is_empty()).then(|| Located {
                    text: text.clone(),
                    span: self.span(),
                })
            }
            Value::Null => None,
            _ => {
                self.wrong_type("a string", context);
                None
            }
        }
    }

    /// Returns a string without its place, empty for none.
    pub(crate) fn plain_string(&self, context: &mut Context<'_>) -> String {
        self.string(context)
            .map(|located| located.text)
            .unwrap_or_default()
    }

    /// Returns a list of strings.
    pub(crate) fn strings(&self, context: &mut Context<'_>) -> Vec<Located> {
        let mut strings = Vec::new();
        for item in self.items(context) {
            match item.string(context) {
                Some(string) => strings.push(string),
                None if item.value.is_null() || item.value.is_string() => {
                    context.invalid(item.span(), "an empty entry");
                }
                None => {}
            }
        }
        strings
    }

    /// Returns a mapping of strings, in the order of the file.
    pub(crate) fn string_map(&self, context: &mut Context<'_>) -> Vec<(String, String)> {
        self.entries(context)
            .into_iter()
            .map(|entry| {
                let node = &entry.value;
                refuse_boolean_key(
                    node.text,
                    node.document,
                    &node.pointer,
                    entry.written,
                    context,
                );
                (entry.written.to_owned(), node.plain_string(context))
            })
            .collect()
    }

    /// Returns a boolean; null is false.
    pub(crate) fn boolean(&self, context: &mut Context<'_>) -> bool {
        match self.value {
            Value::Bool(value) => *value,
            Value::Null => false,
            Value::String(text)
                if is_bool_of_yaml_1_1(text)
                    && self.text.written(self.document, &self.pointer) == Some(text) =>
            {
                matches!(text.to_ascii_lowercase().as_str(), "y" | "yes" | "on")
            }
            _ => {
                self.wrong_type("a boolean", context);
                false
            }
        }
    }

    /// Returns a whole number; null is 0.
    pub(crate) fn integer(&self, context: &mut Context<'_>) -> i64 {
        match self.value {
            Value::Null => 0,
            value => value.as_i64().unwrap_or_else(|| {
                self.wrong_type("a whole number", context);
                0
            }),
        }
    }
}

impl Entry<'_> {
    /// Refuses a key that its mapping does not have.
    pub(crate) fn unknown(&self, what: &str, known: &[&str], context: &mut Context<'_>) {
        let finding = Diagnostic::error(
            Code::UnknownKey,
            format!("{what} has no field `{}`", self.written),
        )
        .at(self.span)
        .label("unknown");
        context
            .diagnostics
            .push(match nearest(self.written, known.iter().copied()) {
                Some(meant) => finding.hint(format!("did you mean `{meant}`?")),
                None => finding.hint(format!("its fields are {}", known.join(", "))),
            });
    }
}

/// Refuses a key that becomes `true` or `false`, because it is written without quotes.
pub(crate) fn refuse_boolean_key(
    text: &Text,
    document: &Document,
    pointer: &str,
    key: &str,
    context: &mut Context<'_>,
) {
    if is_bool_of_yaml_1_1(key) && text.is_plain_key(document, pointer, key) {
        context.refuse(
            Diagnostic::error(
                Code::WrongType,
                format!("the key `{key}` without quotes is a boolean to kustomize"),
            )
            .at(text.span_of_key(document, pointer))
            .hint(format!("write `\"{key}\"`")),
        );
    }
}

/// Tells whether YAML 1.1 reads the word as a boolean and YAML 1.2 as a string.
///
/// Source: `sigs.k8s.io/yaml`, with which kustomize reads kustomizations and JSON 6902 patches.
pub(crate) fn is_bool_of_yaml_1_1(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}
