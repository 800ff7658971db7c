//! Draws diagnostics for people, scripts, GitHub and code-scanning services.
//!
//! Takes sorted [`Diagnostic`]s and the [`Sources`] that they point into, and writes to whatever it is given.
//! Knows nothing of terminals, the environment or exit statuses: the caller decides on format and colour.
//!
//! Lines and columns are 1-based; columns count characters (Unicode code points).
//! The end of a place is exclusive: `endColumn` is the column behind the last character.

mod excerpt;
mod github;
mod human;
mod json;
mod sarif;
mod text;

use std::io::{self, Write};

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{Sources, Span};

/// The form in which diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a person at a terminal: the line, a caret, hints, and a count at the end.
    Human,
    /// One JSON object per line.
    Json,
    /// GitHub's workflow commands, which annotate the changed lines of a pull request.
    Github,
    /// One SARIF 2.1.0 document.
    Sarif,
}

/// How to draw, settled by the command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// The form.
    pub format: Format,
    /// Whether the human form uses ANSI colours.
    pub color: bool,
    /// What `github` and `sarif` put before each path, for a root below the repository's top; empty or ending in `/`.
    pub prefix: String,
}

/// Writes all diagnostics in the chosen form; SARIF writes a document even when there are none.
///
/// Errors: those of `out`.
pub fn draw(
    out: &mut dyn Write,
    options: &Options,
    diagnostics: &[Diagnostic],
    sources: &Sources,
) -> io::Result<()> {
    match options.format {
        Format::Human => human::draw(out, options.color, diagnostics, sources),
        Format::Json => json::draw(out, diagnostics, sources),
        Format::Github => github::draw(out, &options.prefix, diagnostics, sources),
        Format::Sarif => sarif::draw(out, &options.prefix, diagnostics, sources),
    }
}

/// Writes one line about the run itself in the human form, such as `error: writing overlays: disk full`.
///
/// Control characters of the message are escaped.
///
/// Errors: those of `out`.
pub fn draw_message(
    out: &mut dyn Write,
    color: bool,
    severity: Severity,
    message: &str,
) -> io::Result<()> {
    human::draw_line(out, color, severity, &text::on_one_line(message))
}

/// Returns text from outside, such as the name of a file, with line breaks and other controls escaped.
pub fn on_one_line(text: &str) -> String {
    text::on_one_line(text)
}

/// Where a diagnostic points, in the terms of machines.
struct Place<'a> {
    file: &'a str,
    region: Option<Region>,
}

/// A range of characters in a file.
struct Region {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl Region {
    fn new(span: Span, sources: &Sources) -> Self {
        let (line, column) = sources.line_column(span.file, span.start);
        let (end_line, end_column) = sources.line_column(span.file, span.end.max(span.start));
        Region {
            line,
            column,
            end_line,
            end_column,
        }
    }
}

fn place<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Option<Place<'a>> {
    match (diagnostic.span, &diagnostic.path) {
        (Some(span), _) => Some(Place {
            file: &sources.get(span.file).path,
            region: Some(Region::new(span, sources)),
        }),
        (None, Some(path)) => Some(Place {
            file: path,
            region: None,
        }),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
