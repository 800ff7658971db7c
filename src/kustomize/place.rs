//! Texts that were read, and where their values stand.
//!
//! Takes a text and gives its documents with a place for every value, also for YAML that stands as a string inside of
//! other YAML. Knows nothing of what the values mean.

use std::ops::Range;

use serde_json::Value;

use super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::source::{FileId, Span};
use crate::yaml::{self, LoadOptions, Marks};

/// A text: a file, or a string of a file.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// The file.
    pub(crate) file: FileId,
    /// The text itself.
    pub(crate) text: String,
    /// Where the text stands, when it is a string of the file.
    inside: Option<Inside>,
}

/// The place of a string in its file.
#[derive(Debug, Clone)]
struct Inside {
    /// The whole string, quotes or block header included.
    whole: Range<usize>,
    /// Starts of the lines of the string, and of the same lines in the file; empty when the string is not a block.
    lines: Vec<(usize, usize)>,
}

/// One document of a text, with its places.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// What it says.
    pub(crate) value: Value,
    /// First byte of its first node.
    pub(crate) start: usize,
    marks: Marks,
}

impl Text {
    /// Takes the text of a whole file.
    pub(crate) fn of_file(file: FileId, text: impl Into<String>) -> Self {
        Text {
            file,
            text: text.into(),
            inside: None,
        }
    }

    /// Takes a string that stands at a place of a file.
    pub(crate) fn of_string(place: Span, text: &str, context: &Context<'_>) -> Self {
        let around = &context.sources.get(place.file).text;
        let whole = place.start..place.end;
        Text {
            file: place.file,
            text: text.to_owned(),
            inside: Some(Inside {
                lines: lines_of_block(around, &whole, text).unwrap_or_default(),
                whole,
            }),
        }
    }

    /// Returns the place of a part of the text in the file.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        let range = match &self.inside {
            None => range,
            Some(inside) => inside.place(range),
        };
        Span {
            file: self.file,
            start: range.start,
            end: range.end,
        }
    }

    /// Returns the place of a value of a document, or of the nearest one around it.
    pub(crate) fn span_of(&self, document: &Document, pointer: &str) -> Span {
        let range = document
            .marks
            .nearest(pointer)
            .unwrap_or(document.start..document.start);
        self.span(range)
    }

    /// Returns the place of a key.
    pub(crate) fn span_of_key(&self, document: &Document, pointer: &str) -> Span {
        match document.marks.key(pointer) {
            Some(range) => self.span(range),
            None => self.span_of(document, pointer),
        }
    }

    /// Returns a value as it is written, quotes included; `None` when it was not written in its place.
    pub(crate) fn written(&self, document: &Document, pointer: &str) -> Option<&str> {
        self.text.get(document.marks.value(pointer)?)
    }

    /// Tells whether a key is written without quotes, as the text that it is.
    pub(crate) fn is_plain_key(&self, document: &Document, pointer: &str, key: &str) -> bool {
        let range = document.marks.key(pointer);
        range.and_then(|range| self.text.get(range)) == Some(key)
    }

    /// Reads all documents.
    ///
    /// Errors: those of the loader, with their place in the file.
    pub(crate) fn documents(
        &self,
        options: &LoadOptions,
        context: &mut Context<'_>,
    ) -> Result<Vec<Document>, Rejected> {
        match yaml::load(&self.text, options) {
            Ok(documents) => Ok(documents
                .into_iter()
                .map(|document| Document {
                    value: document.value,
                    start: document.start,
                    marks: document.marks,
                })
                .collect()),
            Err(error) => Err(context.refuse(self.moved(error.to_diagnostic(self.file)))),
        }
    }

    /// Reads the only document; `None` when there is none.
    ///
    /// Errors: those of the loader, and `invalid-kustomization` for a second document, which kustomize ignores.
    pub(crate) fn only_document(
        &self,
        options: &LoadOptions,
        context: &mut Context<'_>,
    ) -> Result<Option<Document>, Rejected> {
        let mut documents = self.documents(options, context)?.into_iter();
        let first = documents.next();
        match documents.next() {
            None => Ok(first),
            Some(second) => Err(context.refuse(
                Diagnostic::error(
                    Code::InvalidKustomization,
                    "kustomize ignores everything after the first document",
                )
                .at(self.span(second.start..second.start))
                .label("a second document")
                .hint("keep one document, without `---` between parts"),
            )),
        }
    }

    /// Moves the places of a finding about the text to where the text stands in the file.
    fn moved(&self, mut finding: Diagnostic) -> Diagnostic {
        if self.inside.is_some() {
            let spans = finding
                .span
                .iter_mut()
                .chain(finding.related.iter_mut().map(|(span, _)| span));
            for span in spans {
                *span = self.span(span.start..span.end);
            }
        }
        finding
    }
}

impl Inside {
    /// Returns where a part of the string stands; the whole string when that is not known.
    fn place(&self, range: Range<usize>) -> Range<usize> {
        let moved = |offset: usize| {
            let line = self.lines.partition_point(|(start, _)| *start <= offset);
            let (inner, outer) = self.lines.get(line.checked_sub(1)?)?;
            Some(outer + (offset - inner))
        };
        match (moved(range.start), moved(range.end)) {
            (Some(start), Some(end)) if start <= end && end <= self.whole.end => start..end,
            _ => self.whole.clone(),
        }
    }
}

/// Finds the lines of a string in the file; `None` when it is not written line by line, as block scalars are.
fn lines_of_block(around: &str, whole: &Range<usize>, text: &str) -> Option<Vec<(usize, usize)>> {
    let written = around.get(whole.clone())?;
    let mut at = match written.find('\n') {
        Some(end) if written.starts_with(['|', '>']) => whole.start + end + 1,
        _ => around[..whole.start].rfind('\n').map_or(0, |end| end + 1),
    };
    let mut outer = around.get(at..)?.split_inclusive('\n');
    let mut lines = Vec::new();
    let mut inner_at = 0;
    let mut indent = None;
    for inner in text.split_inclusive('\n') {
        let line = outer.next()?;
        let content = inner.trim_end_matches('\n');
        if content.is_empty() {
            lines.push((inner_at, at));
        } else {
            let indent = *indent.get_or_insert(line.find(content)?);
            let same = line.get(indent..)?.trim_end_matches(['\n', '\r']) == content;
            if !same {
                return None;
            }
            lines.push((inner_at, at + indent));
        }
        at += line.len();
        inner_at += inner.len();
    }
    Some(lines)
}
