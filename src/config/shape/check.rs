//! Checks the located tree against a shape, reporting all that is wrong at once.
//!
//! Takes any tree; gives one in which everything has the shape that is asked for: scalars are strings where strings are
//! expected, and what was reported is [`Content::Rejected`].

use std::collections::HashSet;

use super::{ListShape, MapShape, Range, Shape, TextShape};
use crate::config::node::{Content, Entry, Node};
use crate::config::types::text::Format;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, nearest};
use crate::source::{Sources, Span};

/// Checks a tree and returns it with its scalars in the expected types.
///
/// Errors: `unknown-key`, `missing-key`, `wrong-type`, `unknown-value`, `unsupported-version`, `out-of-range`, and the
/// code of the format for a string that does not keep its grammar.
pub fn check(shape: &Shape, node: Node, sources: &Sources, diagnostics: &mut Diagnostics) -> Node {
    let mut checker = Checker {
        sources,
        diagnostics,
        seen: HashSet::new(),
        project: None,
        depth: 0,
    };
    let at = node.span;
    checker.node(shape, node, &Place { name: None, at })
}

/// What a value is called in messages, and where to point when it has no place of its own.
struct Place<'a> {
    /// The key, `None` for the file as a whole.
    name: Option<Named<'a>>,
    at: Span,
}

#[derive(Clone, Copy)]
enum Named<'a> {
    /// The value of a key.
    Key(&'a str),
    /// An item of the list of that key.
    ItemOf(&'a str),
}

impl Place<'_> {
    /// Names the value at the beginning of a message.
    fn subject(&self) -> String {
        match self.name {
            None => "the file".to_owned(),
            Some(Named::Key(key)) => quote(key),
            Some(Named::ItemOf(key)) => format!("an item of {}", quote(key)),
        }
    }

    /// Names a mapping that a key stands in.
    fn container(&self) -> String {
        match self.name {
            None => "the file".to_owned(),
            Some(Named::Key(key)) => quote(key),
            Some(Named::ItemOf(key)) => format!("an item of {}", quote(key)),
        }
    }
}

struct Checker<'a> {
    sources: &'a Sources,
    diagnostics: &'a mut Diagnostics,
    /// What was said of which place: an alias brings the same mistake to several places.
    seen: HashSet<(Span, String)>,
    project: Option<String>,
    depth: usize,
}

impl Checker<'_> {
    fn report(&mut self, mut diagnostic: Diagnostic) {
        if let Some(span) = diagnostic.span
            && !self.seen.insert((span, diagnostic.message.clone()))
        {
            return;
        }
        diagnostic.project = self.project.clone();
        self.diagnostics.push(diagnostic);
    }

    fn node(&mut self, shape: &Shape, node: Node, place: &Place) -> Node {
        let span = node.span;
        if shape.anything {
            return self.free(node, place);
        }
        // Something to draw at, even for a value that is left out.
        let at = if span.start < span.end {
            span
        } else {
            place.at
        };
        let content = match node.content {
            Content::Rejected => Content::Rejected,
            Content::Null if shape.null => Content::Null,
            Content::Null => self.null(shape, span, at, place),
            Content::Map(entries) if shape.map.is_some() => {
                let map = shape.map.clone().expect("checked in the guard");
                self.map(&map, entries, place)
            }
            Content::List(items) if shape.list.is_some() => {
                let list = shape.list.clone().expect("checked in the guard");
                self.list(&list, items, at, place)
            }
            Content::Bool(value) if shape.boolean => Content::Bool(value),
            Content::Number(number) if shape.integer.is_some() => {
                let range = shape.integer.expect("checked in the guard");
                self.integer(range, number, at, place)
            }
            scalar @ (Content::Bool(_) | Content::Number(_) | Content::Text(_))
                if shape.text.is_some() =>
            {
                let text = self.spelling(scalar, span);
                let expected = shape.text.as_ref().expect("checked in the guard");
                self.text(expected, shape, text, at, place)
            }
            other => self.wrong_type(shape, &other, span, at, place),
        };
        Node { content, span }
    }

    /// Checks a value of any shape: only numbers that readers disagree about, or cannot hold, are refused.
    fn free(&mut self, node: Node, place: &Place) -> Node {
        let span = node.span;
        let content = match node.content {
            Content::Number(number) if number.is_f64() => {
                let source = self.sources.text(span).to_owned();
                let digits = source.trim_start_matches(['-', '+']);
                if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    let (code, problem, hint) = if digits.starts_with('0') {
                        (
                            Code::WrongType,
                            "which some readers take for an octal number",
                            format!("write `{}`, or quote it", digits.trim_start_matches('0')),
                        )
                    } else {
                        (
                            Code::OutOfRange,
                            "which is too large to be kept exactly",
                            "quote it if it is meant as text".to_owned(),
                        )
                    };
                    let subject = place.subject();
                    self.report(
                        Diagnostic::error(
                            code,
                            format!("{subject} is {}, {problem}", quote(&source)),
                        )
                        .at(span)
                        .hint(hint),
                    );
                    Content::Rejected
                } else {
                    Content::Number(number)
                }
            }
            Content::List(items) => {
                let key = match place.name {
                    Some(Named::Key(key) | Named::ItemOf(key)) => key,
                    None => "",
                };
                Content::List(
                    items
                        .into_iter()
                        .map(|item| {
                            let at = item.span;
                            let name = Some(Named::ItemOf(key));
                            self.free(item, &Place { name, at })
                        })
                        .collect(),
                )
            }
            Content::Map(entries) => Content::Map(
                entries
                    .into_iter()
                    .map(|entry| {
                        let name = Some(Named::Key(&entry.key));
                        let at = entry.key_span;
                        let value = self.free(entry.value, &Place { name, at });
                        Entry {
                            key: entry.key,
                            key_span: entry.key_span,
                            value,
                        }
                    })
                    .collect(),
            ),
            other => other,
        };
        Node { content, span }
    }

    /// Returns a scalar as it is written.
    fn spelling(&self, scalar: Content, span: Span) -> String {
        let source = self.sources.text(span);
        match scalar {
            Content::Text(text) => text,
            _ if !source.is_empty() && !source.starts_with(['"', '\'']) => source.to_owned(),
            Content::Number(number) => number.to_string(),
            Content::Bool(value) => value.to_string(),
            _ => source.to_owned(),
        }
    }

    fn null(&mut self, shape: &Shape, span: Span, at: Span, place: &Place) -> Content {
        let written = self.sources.text(span).to_owned();
        let subject = place.subject();
        let mut diagnostic = if written.is_empty() {
            Diagnostic::error(Code::WrongType, format!("{subject} has no value"))
        } else {
            Diagnostic::error(Code::WrongType, format!("{subject} is null"))
        }
        .at(at)
        .label(format!("{} is expected", shape.expectation()));
        if shape.text.is_some() && !written.is_empty() {
            diagnostic = diagnostic.hint(format!("write `\"{written}\"` if it is meant as text"));
        }
        self.report(diagnostic);
        Content::Rejected
    }

    fn wrong_type(
        &mut self,
        shape: &Shape,
        found: &Content,
        span: Span,
        at: Span,
        place: &Place,
    ) -> Content {
        let (what, value) = match found {
            Content::Map(_) => ("a mapping", None),
            Content::List(_) => ("a list", None),
            Content::Bool(value) => ("a boolean", Some(value.to_string())),
            Content::Number(_) => ("a number", Some(self.sources.text(span).to_owned())),
            Content::Text(text) => ("a string", Some(text.clone())),
            Content::Null | Content::Rejected => ("null", None),
        };
        let subject = place.subject();
        let expected = shape.expectation();
        let message = match &value {
            Some(value) => format!(
                "{subject} is {}, {what}, where {expected} is expected",
                quote(value)
            ),
            None => format!("{subject} is {what} where {expected} is expected"),
        };
        let mut diagnostic = Diagnostic::error(Code::WrongType, message)
            .at(at)
            .label(format!("found {what}"));
        if let Some(hint) = scalar_hint(shape, found) {
            diagnostic = diagnostic.hint(hint);
        }
        self.report(diagnostic);
        Content::Rejected
    }

    fn integer(
        &mut self,
        range: Range,
        number: serde_json::Number,
        at: Span,
        place: &Place,
    ) -> Content {
        let source = self.sources.text(at).to_owned();
        let subject = place.subject();
        let digits = source.trim_start_matches(['-', '+']);
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain && digits.len() > 1 && digits.starts_with('0') {
            self.report(
                Diagnostic::error(
                    Code::WrongType,
                    format!("{subject} is `{source}`, which some readers take for an octal number"),
                )
                .at(at)
                .label("begins with a zero")
                .hint(format!("write `{}`", digits.trim_start_matches('0'))),
            );
            return Content::Rejected;
        }
        let value = number.as_i64();
        if value.is_none() && !plain {
            self.report(
                Diagnostic::error(
                    Code::WrongType,
                    format!(
                        "{subject} is {}, which is not a whole number",
                        quote(&source)
                    ),
                )
                .at(at)
                .label("a whole number is expected"),
            );
            return Content::Rejected;
        }
        match value {
            Some(value) if value >= range.min && value <= range.max => {
                Content::Number(value.into())
            }
            _ if range.version => {
                self.report(
                    Diagnostic::error(
                        Code::UnsupportedVersion,
                        format!("version `{source}` of the format is not known"),
                    )
                    .at(at)
                    .label(format!("only {} is", range.max))
                    .hint(format!("write `version: {}`", range.max)),
                );
                Content::Rejected
            }
            _ => {
                let bounds = if range.min == i64::MIN {
                    format!("at most {}", range.max)
                } else {
                    format!("between {} and {}", range.min, range.max)
                };
                self.report(
                    Diagnostic::error(
                        Code::OutOfRange,
                        format!("{subject} is `{source}`, which is not {bounds}"),
                    )
                    .at(at)
                    .label("out of range"),
                );
                Content::Rejected
            }
        }
    }

    fn text(
        &mut self,
        expected: &TextShape,
        shape: &Shape,
        text: String,
        at: Span,
        place: &Place,
    ) -> Content {
        let subject = place.subject();
        if let Some(choices) = &expected.choices {
            if choices.contains(&text) {
                return Content::Text(text);
            }
            let list: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
            let near = nearest(&text, choices.iter().map(String::as_str)).or_else(|| {
                choices
                    .iter()
                    .map(String::as_str)
                    .find(|choice| choice.eq_ignore_ascii_case(&text))
            });
            let mut diagnostic = Diagnostic::error(
                Code::UnknownValue,
                format!(
                    "{subject} is {}, which is not one of its values",
                    quote(&text)
                ),
            )
            .at(at);
            if let Some(near) = near {
                diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
            }
            let or_mapping = if shape.map.is_some() {
                ", or a mapping"
            } else {
                ""
            };
            self.report(diagnostic.hint(format!("write {}{or_mapping}", either(&list))));
            return Content::Rejected;
        }
        if let Some(format) = expected.format
            && let Err(complaint) = (format.check)(&text)
        {
            let mut diagnostic = Diagnostic::error(
                format.code,
                format!(
                    "{subject} is {}, which is not {}",
                    quote(&text),
                    format.noun
                ),
            )
            .at(at)
            .label(complaint.problem);
            if let Some(hint) = complaint.hint {
                diagnostic = diagnostic.hint(hint);
            }
            self.report(diagnostic);
            return Content::Rejected;
        }
        Content::Text(text)
    }

    fn list(&mut self, shape: &ListShape, items: Vec<Node>, at: Span, place: &Place) -> Content {
        let key = match place.name {
            Some(Named::Key(key) | Named::ItemOf(key)) => key,
            None => "",
        };
        if items.len() < shape.least {
            self.report(
                Diagnostic::error(
                    Code::OutOfRange,
                    format!(
                        "{} has {} items, at least {} are needed",
                        place.subject(),
                        items.len(),
                        shape.least
                    ),
                )
                .at(at)
                .label("too few items"),
            );
            return Content::Rejected;
        }
        let mut checked = Vec::with_capacity(items.len());
        for item in items {
            let of_projects = self.depth == 1 && key == "projects";
            if of_projects {
                self.project = item
                    .get("name")
                    .map(|name| match &name.content {
                        Content::Text(text) => text.clone(),
                        _ => self.sources.text(name.span).to_owned(),
                    })
                    .filter(|name| {
                        !name.is_empty() && name.len() < 64 && !name.contains(char::is_control)
                    });
            }
            let inner = Place {
                name: Some(Named::ItemOf(key)),
                at: if item.span.start < item.span.end {
                    item.span
                } else {
                    at
                },
            };
            checked.push(self.node(&shape.item, item, &inner));
            if of_projects {
                self.project = None;
            }
        }
        Content::List(checked)
    }

    fn map(&mut self, shape: &MapShape, entries: Vec<Entry>, place: &Place) -> Content {
        self.depth += 1;
        let mut checked = Vec::with_capacity(entries.len());
        let present: Vec<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        for entry in entries {
            let Entry {
                mut key,
                key_span,
                value,
            } = entry;
            let value = match (shape.properties.get(&key), &shape.other) {
                (Some(property), _) => self.node(
                    property,
                    value,
                    &Place {
                        name: Some(Named::Key(&key)),
                        at: key_span,
                    },
                ),
                (None, Some(other))
                    if self.key_is_valid(shape.key_format, &key, key_span, place) =>
                {
                    self.node(
                        other,
                        value,
                        &Place {
                            name: Some(Named::Key(&key)),
                            at: key_span,
                        },
                    )
                }
                (None, Some(_)) => rejected(value.span),
                (None, None) => {
                    if let Some(meant) = self.unknown_key(shape, &key, key_span, &present, place) {
                        key = meant;
                    }
                    rejected(value.span)
                }
            };
            checked.push(Entry {
                key,
                key_span,
                value,
            });
        }
        for key in &shape.required {
            if !checked.iter().any(|entry| entry.key == *key) {
                let message = match place.name {
                    None => format!("`{key}` is missing"),
                    Some(Named::ItemOf("projects")) => format!("a project has no `{key}`"),
                    Some(_) => format!("{} has no `{key}`", place.container()),
                };
                self.report(
                    Diagnostic::error(Code::MissingKey, message)
                        .at(place.at)
                        .label(format!("`{key}` is missing here")),
                );
                // Marked, so that nothing is concluded from its absence.
                checked.push(Entry {
                    key: key.clone(),
                    key_span: place.at,
                    value: rejected(place.at),
                });
            }
        }
        self.depth -= 1;
        Content::Map(checked)
    }

    fn key_is_valid(
        &mut self,
        format: Option<&'static Format>,
        key: &str,
        span: Span,
        place: &Place,
    ) -> bool {
        let Some(format) = format else { return true };
        let Err(complaint) = (format.check)(key) else {
            return true;
        };
        let mut diagnostic = Diagnostic::error(
            format.code,
            if key.is_empty() {
                format!(
                    "an empty key in {} is not {}",
                    place.container(),
                    format.noun
                )
            } else {
                format!(
                    "the key {} in {} is not {}",
                    quote(key),
                    place.container(),
                    format.noun
                )
            },
        )
        .at(span)
        .label(complaint.problem);
        if let Some(hint) = complaint.hint {
            diagnostic = diagnostic.hint(hint);
        }
        self.report(diagnostic);
        false
    }

    /// Reports a key, and returns the one that was probably meant, unless that is there as well.
    fn unknown_key(
        &mut self,
        shape: &MapShape,
        key: &str,
        span: Span,
        present: &[String],
        place: &Place,
    ) -> Option<String> {
        let folded = |text: &str| -> String {
            text.chars()
                .filter(|character| !"-_ ".contains(*character))
                .flat_map(char::to_lowercase)
                .collect()
        };
        let near = shape
            .order
            .iter()
            .map(String::as_str)
            .find(|known| folded(known) == folded(key))
            .or_else(|| nearest(key, shape.order.iter().map(String::as_str)));
        let mut diagnostic = Diagnostic::error(
            Code::UnknownKey,
            match place.name {
                None => format!("{} is not a key of the file", quote(key)),
                Some(Named::ItemOf("projects")) => {
                    format!("{} is not a key of a project", quote(key))
                }
                Some(_) => format!("{} is not a key of {}", quote(key), place.container()),
            },
        )
        .at(span)
        .label("unknown key");
        if let Some(near) = near {
            diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
        }
        let keys: Vec<String> = shape.order.iter().map(|key| format!("`{key}`")).collect();
        self.report(diagnostic.hint(format!("its keys are {}", keys.join(", "))));
        near.filter(|near| !present.iter().any(|key| key == near))
            .map(str::to_owned)
    }
}

fn rejected(span: Span) -> Node {
    Node {
        content: Content::Rejected,
        span,
    }
}

fn either(list: &[String]) -> String {
    match list {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Says what to write instead of a scalar of the wrong type.
fn scalar_hint(shape: &Shape, found: &Content) -> Option<String> {
    let Content::Text(text) = found else {
        if matches!(
            found,
            Content::Bool(_) | Content::Number(_) | Content::Map(_)
        ) && shape.list.is_some()
        {
            return Some(
                "write a list, with `- ` before each item or `[…]` around them".to_owned(),
            );
        }
        return None;
    };
    if shape.integer.is_some() && text.parse::<i64>().is_ok() {
        return Some(format!("write `{text}` without quotes"));
    }
    if shape.boolean {
        return match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "true" | "y" => Some("write `true`".to_owned()),
            "no" | "off" | "false" | "n" => Some("write `false`".to_owned()),
            _ => None,
        };
    }
    if shape.list.is_some() {
        return Some(format!("write a list: `[{text}]`"));
    }
    None
}

/// Puts a value in backticks, shortened, with its control characters visible; nothing at all is "empty".
pub fn quote(text: &str) -> String {
    const MOST: usize = 60;
    if text.is_empty() {
        return "empty".to_owned();
    }
    let mut shown: String = text
        .chars()
        .take(MOST)
        .map(|character| match character {
            '`' => "'".to_owned(),
            other if other.is_control() => other.escape_default().to_string(),
            other => other.to_string(),
        })
        .collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
