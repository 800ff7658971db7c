//! What the loader says about what it refuses.
//!
//! Takes places and texts and gives errors; decides nothing.

use super::character_at;
use crate::yaml::error::{LoadError, LoadErrorKind};
use crate::yaml::tagged::TagFault;
use granit_parser::{ErrorKind, ScanError};
use std::ops::Range;

pub(super) fn unquoted_date(text: &str, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::UnquotedDate,
        range,
        format!("`{text}` without quotes is a date, which kustomize rewrites"),
    )
    .hint(format!("write `\"{text}\"`"))
}

pub(super) fn non_finite(text: &str, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::NonFinite,
        range,
        format!("`{text}` is a number that JSON does not have"),
    )
    .hint(format!(
        "write a finite number, or `\"{text}\"` for the text"
    ))
}

pub(super) fn tag_error(fault: TagFault, tag: &str, text: &str, range: Range<usize>) -> LoadError {
    match fault {
        TagFault::Unknown => unknown_tag(&format!("!!{tag}"), range),
        TagFault::Mismatch => LoadError::new(
            LoadErrorKind::TagMismatch,
            range,
            format!("`{}` is no value of `!!{tag}`", shown(text)),
        )
        .hint("remove the tag, or write a value that fits it"),
        TagFault::NonFinite => non_finite(text, range),
    }
}

/// Returns the beginning of a text for a message, on one line.
fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).flat_map(on_one_line).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

fn on_one_line(c: char) -> impl Iterator<Item = char> {
    let escape = c.is_control().then(|| c.escape_default());
    let plain = escape.is_none().then_some(c);
    escape.into_iter().flatten().chain(plain)
}

pub(super) fn not_representable(c: char, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::NotRepresentable,
        range,
        format!("kustomize cannot carry the character U+{:04X}", c as u32),
    )
    .hint("remove the character, or carry the text as base64 in `binaryData`")
}

pub(super) fn collection_key(range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::NonStringKey,
        range,
        "the key is not a string",
    )
    .hint("write a string as the key")
}

pub(super) fn empty_flow_value(range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::EmptyFlowValue,
        range,
        "a value is left out inside of braces or brackets: null to kubectl, an empty string to kustomize",
    )
    .hint("write `null` or `\"\"`")
}

pub(super) fn invalid_merge(range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::InvalidMerge,
        range,
        "the value of a merge key is neither a mapping nor a list of mappings",
    )
    .hint("merge an alias of a mapping: `<<: *name`")
}

pub(super) fn too_deep(max_depth: usize, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::TooLarge,
        range,
        format!("nested more than {max_depth} deep"),
    )
    .hint("nest less")
}

/// Translates an error of the parser.
pub(super) fn syntax_error(text: &str, max_depth: usize, error: &ScanError) -> LoadError {
    let marker = error.marker();
    let offset = marker.byte_offset().unwrap_or_else(|| {
        text.char_indices()
            .nth(marker.index())
            .map_or(text.len(), |(offset, _)| offset)
    });
    let range = character_at(text, offset);
    let (message, hint) = match error.kind() {
        ErrorKind::RecursionLimitExceeded => return too_deep(max_depth, range),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => {
            let message = "a tab stands where only spaces may";
            return LoadError::new(LoadErrorKind::Syntax, nearest_tab(text, range), message)
                .hint("indent with spaces");
        }
        ErrorKind::UnknownAnchor => (
            "an alias without an anchor before it".to_owned(),
            Some("define the anchor first, or quote a text that starts with `*`"),
        ),
        ErrorKind::DirectiveDisallowed => (
            "a directive, which kubectl and kustomize refuse".to_owned(),
            Some("remove the line that starts with `%`"),
        ),
        ErrorKind::UnclosedQuotedScalar => (
            "a quote that is not closed".to_owned(),
            Some("close the quote"),
        ),
        ErrorKind::UnclosedFlowCollection { open } => {
            (format!("`{open}` is not closed"), Some("close the bracket"))
        }
        kind => (format!("not YAML: {kind}"), None),
    };
    let error = LoadError::new(LoadErrorKind::Syntax, range, message);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Returns the range of the tab that the parser stumbled over: just before the place that it tells, or after it.
fn nearest_tab(text: &str, range: Range<usize>) -> Range<usize> {
    let before = text[..range.start].trim_end_matches(' ');
    if before.ends_with('\t') {
        return before.len() - 1..before.len();
    }
    match text[range.start..].find('\t') {
        Some(offset) => range.start + offset..range.start + offset + 1,
        None => range,
    }
}

pub(super) fn no_document() -> LoadError {
    LoadError::new(
        LoadErrorKind::DocumentCount,
        0..0,
        "the file holds no document",
    )
    .hint("write one YAML document")
}

pub(super) fn second_document(first: Range<usize>, second: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::DocumentCount,
        second,
        "a second document, where one is expected",
    )
    .related(first, "the first document")
    .hint("keep one document, without `---` between parts")
}

pub(super) fn forbidden_character(c: char, at: usize) -> LoadError {
    LoadError::new(
        LoadErrorKind::Syntax,
        at..at + c.len_utf8(),
        format!(
            "the character U+{:04X} may not stand in YAML as it is",
            c as u32
        ),
    )
    .hint("remove it, or write it as an escape in double quotes")
}

pub(super) fn recursive_alias(range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::RecursiveAlias,
        range,
        "an alias inside of the value that it repeats",
    )
    .hint("write the value out")
}

pub(super) fn too_many_nodes(max_nodes: usize, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::TooLarge,
        range,
        format!("more than {max_nodes} keys and values"),
    )
    .hint("split the file")
}

pub(super) fn too_many_copies(range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::TooLarge,
        range,
        "anchors and aliases repeat too much",
    )
    .hint("repeat less, or write the values out")
}

pub(super) fn unknown_tag(tag: &str, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::UnknownTag,
        range,
        format!("the tag `{tag}` has no meaning here"),
    )
    .hint("remove the tag, or quote a text that starts with `!`")
}

pub(super) fn key_beside_tag(key: &str, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::UnknownTag,
        range,
        format!("the key `{}` stands in one mapping with a tag", shown(key)),
    )
    .hint("a key that starts with `!` is a tag, and the only key of its mapping")
}

pub(super) fn tagged_key(key: &str, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::NonStringKey,
        range,
        format!("the key `{}` has a tag", shown(key)),
    )
    .hint("remove the tag, and quote the key")
}

pub(super) fn non_string_key(key: &str, what: &str, range: Range<usize>) -> LoadError {
    let message = match key {
        "" => "a key is left out".to_owned(),
        key => format!("the key `{}` is {what}, not a string", shown(key)),
    };
    LoadError::new(LoadErrorKind::NonStringKey, range, message)
        .hint(format!("write `\"{}\"`", shown(key)))
}

pub(super) fn merge_like_key(range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::NotRepresentable,
        range,
        "kustomize drops the key `<<`",
    )
    .hint("choose another key; a merge key stands without quotes")
}

pub(super) fn long_key(key: &str, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::NotRepresentable,
        range,
        format!("the key `{}` is too long for kustomize", shown(key)),
    )
    .hint("choose a key of less than 1,000 characters")
}

pub(super) fn duplicate_key(key: &str, first: Range<usize>, second: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::DuplicateKey,
        second,
        format!("the key `{}` stands twice in one mapping", shown(key)),
    )
    .related(first, "first here")
    .hint("keep one of the two")
}
