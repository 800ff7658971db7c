//! The parser's errors as diagnostics: in our words, at one place, without advice about its options.

use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use super::read::MAX_DEPTH;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// Says in our words what the parser found.
pub(super) fn diagnostic(text: &str, file: FileId, error: &Error) -> Diagnostic {
    let mut cause = error;
    while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = cause {
        cause = error;
    }
    let place = error
        .location()
        .or_else(|| cause.location())
        .map(|location| offset(text, location.line(), location.column()))
        .unwrap_or(0);
    let end = text[place..]
        .chars()
        .next()
        .filter(|character| *character != '\n')
        .map_or(place, |character| place + character.len_utf8());
    let at = Span {
        file,
        start: place,
        end,
    };
    let too_large = |message: String| {
        Diagnostic::error(Code::InputTooLarge, message)
            .at(at)
            .hint("aliases count as often as they are used")
    };
    let syntax = |message: String| Diagnostic::error(Code::YamlSyntax, message).at(at);
    match cause {
        Error::Budget { breach, .. } => {
            let what = match breach {
                serde_saphyr::budget::BudgetBreach::Depth { .. } => {
                    return Diagnostic::error(
                        Code::InputTooLarge,
                        format!("the file nests deeper than {MAX_DEPTH} levels"),
                    )
                    .at(at)
                    .label("too deep");
                }
                serde_saphyr::budget::BudgetBreach::Documents { .. } => {
                    "the file holds many documents"
                }
                serde_saphyr::budget::BudgetBreach::Anchors { .. }
                | serde_saphyr::budget::BudgetBreach::Aliases { .. } => {
                    "the file has too many anchors or aliases"
                }
                serde_saphyr::budget::BudgetBreach::Nodes { .. }
                | serde_saphyr::budget::BudgetBreach::Events { .. }
                | serde_saphyr::budget::BudgetBreach::ScalarBytes { .. } => {
                    "the file has too many values"
                }
                _ => "the aliases of the file expand to too many values",
            };
            too_large(what.to_owned())
        }
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            too_large("the aliases of the file expand to too many values".to_owned())
        }
        Error::MultipleDocuments { .. } => syntax("a second document begins here".to_owned())
            .hint("put everything into one document, without `---`"),
        Error::UnknownAnchor { .. } => {
            syntax("the alias names an anchor that is not defined before".to_owned())
                .hint("quote the value if it is meant as text beginning with `*`")
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            syntax("the alias stands inside of its own anchor".to_owned())
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            syntax("`<<` is given something that is not a mapping".to_owned())
        }
        Error::UnsupportedTag { tag, .. } => syntax(format!("the tag `{tag}` is not known here"))
            .hint("quote the value if it is meant as text beginning with `!`"),
        other => {
            let message = UserMessageFormatter.format_message(other).replace('`', "'");
            if message.contains("recursion limit") {
                return Diagnostic::error(
                    Code::InputTooLarge,
                    format!("the file nests deeper than {MAX_DEPTH} levels"),
                )
                .at(at)
                .label("too deep");
            }
            let (message, hint) = match in_our_words(&message) {
                Some((ours, hint)) => (ours.to_owned(), Some(hint)),
                None => (message, None),
            };
            let diagnostic = syntax(message);
            match hint {
                Some(hint) => diagnostic.hint(hint),
                None => diagnostic,
            }
        }
    }
}

/// Rewords the parser's messages for the mistakes that people make most.
fn in_our_words(message: &str) -> Option<(&'static str, &'static str)> {
    const WORDS: &[(&str, &str, &str)] = &[
        (
            "mapping values are not allowed",
            "a `:` stands where no key can be",
            "quote a value that holds `: `, or look at the indentation and at the line above",
        ),
        (
            "simple key expected ':'",
            "this line has no `:` after its key",
            "write `key: value`",
        ),
        (
            "did not find expected key",
            "the indentation does not fit the lines above",
            "indent the line as the keys that it belongs to",
        ),
        (
            "did not find expected '-' indicator",
            "the list ends without an end of its indentation",
            "begin the line with `- `, or indent it less",
        ),
        (
            "tabs disallowed",
            "a tab stands in the indentation",
            "indent with blanks",
        ),
        (
            "unclosed bracket",
            "the bracket is not closed",
            "write the closing bracket",
        ),
        (
            "did not find expected ','",
            "a comma or a closing bracket is missing",
            "write `,` between items and the closing bracket at the end",
        ),
        (
            "unclosed quote",
            "the quote is not closed",
            "write the closing quote",
        ),
    ];
    WORDS
        .iter()
        .find(|(theirs, _, _)| message.contains(theirs))
        .map(|(_, ours, hint)| (*ours, *hint))
}

/// Returns the byte offset of a 1-based line and column in characters.
fn offset(text: &str, line: u64, column: u64) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match text[start..].find('\n') {
            Some(at) => start += at + 1,
            None => break,
        }
    }
    let line = text[start..].split('\n').next().unwrap_or("");
    let within = line
        .char_indices()
        .nth(usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX))
        .map_or(line.len(), |(at, _)| at);
    start + within
}
