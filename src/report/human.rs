//! The form for people: the line at fault, a caret, what to write instead, and a count at the end.

use std::io::{self, Write};

use codespan_reporting::diagnostic as drawn;
use codespan_reporting::diagnostic::LabelStyle;
use codespan_reporting::files::Error;
use codespan_reporting::term::termcolor::{Ansi, Color, ColorSpec, WriteColor};
use codespan_reporting::term::{self, Config, Styles, StylesWriter};

use super::excerpt::{Excerpts, Mark};
use super::text;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Sources;

pub(super) fn draw(
    out: &mut dyn Write,
    color: bool,
    diagnostics: &[Diagnostic],
    sources: &Sources,
) -> io::Result<()> {
    let config = Config::default();
    let styles = styles();
    for diagnostic in diagnostics {
        let (excerpts, labels) = Excerpts::new(&marks(diagnostic), sources);
        let drawing = drawn::Diagnostic::new(severity(diagnostic.severity))
            .with_code(diagnostic.code.as_str())
            .with_message(text::on_one_line(&diagnostic.message))
            .with_labels(labels)
            .with_notes(notes(diagnostic));
        let outcome = if color {
            let mut ansi = Ansi::new(&mut *out);
            let mut styled = StylesWriter::new(&mut ansi, &styles);
            term::emit_to_write_style(&mut styled, &config, &excerpts, &drawing)
        } else {
            term::emit_to_io_write(&mut *out, &config, &excerpts, &drawing)
        };
        outcome.map_err(|error| match error {
            Error::Io(error) => error,
            other => io::Error::other(other),
        })?;
    }
    summarize(out, color, diagnostics)
}

/// Writes `error: 3 errors, 1 warning`, or nothing when there is nothing to count.
fn summarize(out: &mut dyn Write, color: bool, diagnostics: &[Diagnostic]) -> io::Result<()> {
    let count = |wanted: Severity| {
        let found = diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == wanted)
            .count();
        let plural = if found == 1 { "" } else { "s" };
        (found > 0).then(|| format!("{found} {}{plural}", wanted.as_str()))
    };
    let counts = [count(Severity::Error), count(Severity::Warning)];
    let severity = match &counts {
        [Some(_), _] => Severity::Error,
        [None, Some(_)] => Severity::Warning,
        [None, None] => return Ok(()),
    };
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    draw_line(out, color, severity, &counts.join(", "))
}

pub(super) fn draw_line(
    out: &mut dyn Write,
    color: bool,
    severity: Severity,
    message: &str,
) -> io::Result<()> {
    if color {
        let mut ansi = Ansi::new(&mut *out);
        ansi.set_color(styles().header(self::severity(severity)))?;
        write!(ansi, "{}", severity.as_str())?;
        ansi.reset()?;
    } else {
        write!(out, "{}", severity.as_str())?;
    }
    writeln!(out, ": {message}")
}

fn severity(severity: Severity) -> drawn::Severity {
    match severity {
        Severity::Error => drawn::Severity::Error,
        Severity::Warning => drawn::Severity::Warning,
    }
}

fn marks(diagnostic: &Diagnostic) -> Vec<Mark<'_>> {
    let primary = diagnostic.span.map(|span| Mark {
        style: LabelStyle::Primary,
        span,
        words: diagnostic.label.as_deref().unwrap_or(""),
    });
    let related = diagnostic.related.iter().map(|(span, words)| Mark {
        style: LabelStyle::Secondary,
        span: *span,
        words,
    });
    primary.into_iter().chain(related).collect()
}

/// Returns the lines below the excerpt: what the message leaves open about the place, then the hints.
fn notes(diagnostic: &Diagnostic) -> Vec<String> {
    let mut notes = Vec::new();
    if let (None, Some(path)) = (diagnostic.span, &diagnostic.path)
        && !diagnostic.message.contains(path.as_str())
    {
        notes.push(format!("file: {}", text::on_one_line(path)));
    }
    if let Some(project) = &diagnostic.project
        && !diagnostic.message.contains(project.as_str())
    {
        notes.push(format!("project: {}", text::on_one_line(project)));
    }
    notes.extend(
        diagnostic
            .hints
            .iter()
            .map(|hint| format!("hint: {}", text::on_lines(hint))),
    );
    notes
}

/// Returns the library's colours without its "intense" flag, which terminals with 8 colours draw as grey.
fn styles() -> Styles {
    let bold = |color| {
        let mut spec = ColorSpec::new();
        spec.set_fg(Some(color)).set_bold(true);
        spec
    };
    let mut message = ColorSpec::new();
    message.set_bold(true);
    Styles {
        header_error: bold(Color::Red),
        header_warning: bold(Color::Yellow),
        header_message: message,
        ..Styles::default()
    }
}
