//! Reading text into the located tree.
//!
//! Takes UTF-8 text and gives a [`Node`]; what is no YAML, too large, or says a key twice becomes diagnostics.
//! Anchors, aliases and merge keys are resolved; a value points at the place where it is written, not at the alias.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Spanned};

use super::node::{Content, Entry, Node};
use super::shape::quote;
use super::syntax;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::source::{FileId, Sources, Span};

/// Most bytes that a file may have: a fleet of 10,000 projects takes about 5 MB.
const MAX_BYTES: usize = 64 << 20;
/// Most nodes that a file may have; aliases count once per use.
const MAX_NODES: usize = 4_000_000;
/// Deepest nesting; the language itself needs 16, free-form configuration a few more. The parser recurses, and twice as
/// many levels would not fit the stack of a thread (2 MiB) in an unoptimised build.
pub(super) const MAX_DEPTH: usize = 32;

/// Adds the bytes of a file to the sources, or reports that they are not UTF-8.
///
/// A byte order mark is dropped. Errors: `invalid-utf8`, at the first bad byte.
pub fn decode(
    path: &str,
    bytes: Vec<u8>,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<FileId, Rejected> {
    let error = match String::from_utf8(bytes) {
        Ok(text) => {
            let text = match text.strip_prefix('\u{feff}') {
                Some(rest) => rest.to_owned(),
                None => text,
            };
            return Ok(sources.add(path, text));
        }
        Err(error) => error,
    };
    let at = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let byte = bytes.get(at).copied().unwrap_or(0);
    let message = if utf16 {
        format!("`{path}` is UTF-16, not UTF-8")
    } else {
        format!("byte `0x{byte:02x}` in `{path}` is not UTF-8")
    };
    // The lossy text replaces the bad byte by one character of three bytes at the same offset.
    let file = sources.add(path, String::from_utf8_lossy(bytes));
    diagnostics.push(
        Diagnostic::error(Code::InvalidUtf8, message)
            .at(Span {
                file,
                start: at,
                end: at + '\u{fffd}'.len_utf8(),
            })
            .label("not a character")
            .path(path)
            .hint("save the file as UTF-8"),
    );
    Err(Rejected)
}

/// Reads a file that holds one YAML document with a mapping.
///
/// Errors: `yaml-syntax`, `input-too-large`, `duplicate-key`, `wrong-type` (a key that is no scalar, or a document
/// that is no mapping). Repeated keys are errors, but the tree is still returned, with the first of each, so that the
/// rest can be checked too.
pub fn read(
    sources: &Sources,
    file: FileId,
    diagnostics: &mut Diagnostics,
) -> Result<Node, Rejected> {
    let text = sources.get(file).text.as_str();
    let whole = |end: usize| Span {
        file,
        start: 0,
        end,
    };
    if text.len() > MAX_BYTES {
        diagnostics.push(
            Diagnostic::error(
                Code::InputTooLarge,
                format!("the file has {} bytes, more than {MAX_BYTES}", text.len()),
            )
            .at(whole(0)),
        );
        return Err(Rejected);
    }
    let raw: Spanned<Raw> = match serde_saphyr::from_str_with_options(text, options()) {
        Ok(raw) => raw,
        Err(error) => {
            diagnostics.push(syntax::diagnostic(text, file, &error));
            return Err(Rejected);
        }
    };
    let mut reader = Reader {
        text,
        file,
        diagnostics,
    };
    let node = reader.node(raw);
    match node.content {
        Content::Map(_) => Ok(node),
        Content::Null => {
            diagnostics.push(
                Diagnostic::error(Code::WrongType, "the file is empty")
                    .at(whole(0))
                    .hint("start with `version: 1`, `platform: {base: …}` and a list `projects:`"),
            );
            Err(Rejected)
        }
        other => {
            let found = match other {
                Content::List(_) => "a list",
                _ => "a single value",
            };
            diagnostics.push(
                Diagnostic::error(
                    Code::WrongType,
                    format!("the file holds {found} where a mapping is expected"),
                )
                .at(node.span)
                .label(format!("{found} begins here"))
                .hint("start with `version: 1`, `platform: {base: …}` and a list `projects:`"),
            );
            Err(Rejected)
        }
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        // Each pair is seen, so that every repetition can be reported, with both places.
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        // `name: .inf` and `name: 1e999` are names like any other.
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        reject_unsupported_tags: true,
        // As in YAML 1.2: `1_000` is text.
        underscored_numbers_as_strings: true,
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 1_000_000,
        },
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_documents: 16,
            max_anchors: 10_000,
            max_aliases: 100_000,
            max_merge_keys: 100_000,
            max_recorded_anchor_events: 100_000,
            max_total_scalar_bytes: MAX_BYTES,
            // Ten thousand projects may well refer to one anchor; the other limits bound the work.
            enforce_alias_anchor_ratio: false,
        },
    }
}

/// A value as the parser reports it, before repeated keys are looked at.
enum Raw {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(match Number::from_f64(value) {
            Some(number) => Raw::Number(number),
            None => Raw::Text(value.to_string()),
        })
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = access.next_key()? {
            pairs.push((key, access.next_value()?));
        }
        Ok(Raw::Map(pairs))
    }
}

struct Reader<'a> {
    text: &'a str,
    file: FileId,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn span(&self, location: &Location) -> Span {
        let span = location.span();
        let limit = self.text.len();
        let clamp = |value: u64| usize::try_from(value).unwrap_or(limit).min(limit);
        let start = clamp(span.byte_offset().unwrap_or(0));
        let end = clamp(start as u64 + span.byte_len().unwrap_or(0));
        Span {
            file: self.file,
            start,
            end,
        }
    }

    fn source(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    fn node(&mut self, raw: Spanned<Raw>) -> Node {
        let span = self.span(&raw.defined);
        let content = match raw.value {
            Raw::Null => Content::Null,
            Raw::Bool(value) => Content::Bool(value),
            Raw::Number(number) => Content::Number(number),
            Raw::Text(text) => Content::Text(self.spelling(text, span)),
            Raw::List(items) => {
                Content::List(items.into_iter().map(|item| self.node(item)).collect())
            }
            Raw::Map(pairs) => Content::Map(self.entries(pairs)),
        };
        Node {
            span: self.place(&content, span),
            content,
        }
    }

    /// Widens the empty span of a block collection to what a person takes for its beginning.
    fn place(&self, content: &Content, span: Span) -> Span {
        if span.start < span.end {
            return span;
        }
        match content {
            Content::Map(entries) => entries.first().map_or(span, |entry| entry.key_span),
            Content::List(_) if self.text[span.start..].starts_with('-') => Span {
                end: span.start + 1,
                ..span
            },
            _ => span,
        }
    }

    /// Undoes the parser's renaming of plain infinities (`1e999` arrives as `.inf`).
    fn spelling(&self, text: String, span: Span) -> String {
        if !matches!(text.as_str(), ".inf" | "-.inf" | ".nan") {
            return text;
        }
        let source = self.source(span);
        match source.chars().next() {
            Some(first) if !matches!(first, '"' | '\'') && !source.contains('\n') => {
                source.to_owned()
            }
            _ => text,
        }
    }

    fn entries(&mut self, pairs: Vec<(Spanned<Raw>, Spanned<Raw>)>) -> Vec<Entry> {
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        let mut entries = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let key_span = self.span(&key.defined);
            let value = self.node(value);
            let key = match key.value {
                Raw::Text(text) => self.spelling(text, key_span),
                Raw::Null | Raw::Bool(_) | Raw::Number(_) if key_span.start < key_span.end => {
                    self.source(key_span).to_owned()
                }
                Raw::Null | Raw::Bool(_) | Raw::Number(_) => {
                    self.bad_key("a key is empty", key_span);
                    continue;
                }
                Raw::List(_) => {
                    self.bad_key("a list is used as a key", key_span);
                    continue;
                }
                Raw::Map(_) => {
                    self.bad_key("a mapping is used as a key", key_span);
                    continue;
                }
            };
            if let Some(first) = seen.get(&key) {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::DuplicateKey,
                        format!("{} is given twice", quote(&key)),
                    )
                    .at(key_span)
                    .label("again here")
                    .also(*first, "first here")
                    .hint("remove one of the two"),
                );
                continue;
            }
            seen.insert(key.clone(), key_span);
            entries.push(Entry {
                key,
                key_span,
                value,
            });
        }
        entries
    }

    fn bad_key(&mut self, message: &str, span: Span) {
        self.diagnostics.push(
            Diagnostic::error(Code::WrongType, message)
                .at(span)
                .label("keys are strings")
                .hint("quote a value that begins with `{{`, `[` or `*`"),
        );
    }
}
