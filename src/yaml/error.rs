//! Why a text could not be loaded.
//!
//! Takes what the loader found and gives a diagnostic; knows nothing of how it was found.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};
use std::ops::Range;

/// What kind of thing is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadErrorKind {
    /// Not YAML, or YAML that the readers of a cluster refuse.
    Syntax,
    /// A key stands twice in one mapping.
    DuplicateKey,
    /// Deeper, larger or more repetitive than the options allow.
    TooLarge,
    /// A string that kustomize cannot carry.
    NotRepresentable,
    /// A key that is not a string.
    NonStringKey,
    /// An infinite number or not-a-number, which JSON does not have.
    NonFinite,
    /// A date without quotes, which kustomize rewrites.
    UnquotedDate,
    /// A value left out in a flow mapping, which kustomize reads as an empty string and kubectl as null.
    EmptyFlowValue,
    /// A tag that is not known, or not allowed in this place.
    UnknownTag,
    /// A value that does not fit its tag.
    TagMismatch,
    /// A merge key whose value is not a mapping or a list of mappings.
    InvalidMerge,
    /// An alias inside of the node that it repeats.
    RecursiveAlias,
    /// Not exactly one document where one is expected.
    DocumentCount,
}

/// One reason why a text could not be loaded, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// What kind of thing is wrong.
    pub kind: LoadErrorKind,
    /// What is wrong with the actual value; lower case, no full stop.
    pub message: String,
    /// The offending bytes of the text, on character boundaries.
    pub range: Range<usize>,
    /// Another place that matters, with a few words about it.
    pub related: Option<(Range<usize>, String)>,
    /// What to write instead.
    pub hint: Option<String>,
}

impl LoadError {
    pub(crate) fn new(
        kind: LoadErrorKind,
        range: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        LoadError {
            kind,
            message: message.into(),
            range,
            related: None,
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn related(mut self, range: Range<usize>, label: impl Into<String>) -> Self {
        self.related = Some((range, label.into()));
        self
    }

    /// Returns the code that a report prints for this error.
    pub fn code(&self) -> Code {
        match self.kind {
            LoadErrorKind::Syntax => Code::YamlSyntax,
            LoadErrorKind::DuplicateKey => Code::DuplicateKey,
            LoadErrorKind::TooLarge => Code::InputTooLarge,
            LoadErrorKind::NotRepresentable => Code::UnrepresentableText,
            LoadErrorKind::NonStringKey
            | LoadErrorKind::NonFinite
            | LoadErrorKind::UnquotedDate
            | LoadErrorKind::EmptyFlowValue
            | LoadErrorKind::UnknownTag
            | LoadErrorKind::TagMismatch
            | LoadErrorKind::InvalidMerge
            | LoadErrorKind::RecursiveAlias
            | LoadErrorKind::DocumentCount => Code::InvalidManifest,
        }
    }

    /// Returns the words that are drawn at the offending place.
    fn label(&self) -> &'static str {
        match self.kind {
            LoadErrorKind::Syntax => "here",
            LoadErrorKind::DuplicateKey => "and again here",
            LoadErrorKind::TooLarge => "too much from here on",
            LoadErrorKind::NotRepresentable => "kustomize damages this",
            LoadErrorKind::NonStringKey => "not a string",
            LoadErrorKind::NonFinite => "not a number of JSON",
            LoadErrorKind::UnquotedDate => "a date without quotes",
            LoadErrorKind::EmptyFlowValue => "no value",
            LoadErrorKind::UnknownTag => "this tag",
            LoadErrorKind::TagMismatch => "does not fit its tag",
            LoadErrorKind::InvalidMerge => "not a mapping",
            LoadErrorKind::RecursiveAlias => "inside of what it repeats",
            LoadErrorKind::DocumentCount => "here",
        }
    }

    /// Makes the diagnostic that a report prints.
    pub fn to_diagnostic(&self, file: FileId) -> Diagnostic {
        let span = |range: &Range<usize>| Span {
            file,
            start: range.start,
            end: range.end,
        };
        let mut diagnostic = Diagnostic::error(self.code(), self.message.as_str())
            .at(span(&self.range))
            .label(self.label());
        if let Some((range, label)) = &self.related {
            diagnostic = diagnostic.also(span(range), label.as_str());
        }
        if let Some(hint) = &self.hint {
            diagnostic = diagnostic.hint(hint.as_str());
        }
        diagnostic
    }
}

impl std::fmt::Display for LoadError {
    /// Writes the message.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LoadError {}
