//! Diagnostics: what is wrong with the input, where, and what to write instead.
//!
//! Stages push [`Diagnostic`]s to a [`Diagnostics`] and return [`Rejected`] when any was an error.
//! Drawing them is the business of [`crate::report`].

mod code;

pub use code::Code;

use crate::source::Span;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The input is rejected.
    Error,
    /// The input is accepted, and a person should look.
    Warning,
}

impl Severity {
    /// Returns the word that reports print: `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// One finding about the input.
///
/// The message is lower case, without a full stop, and names the actual value in backticks.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The stable kebab-case code.
    pub code: Code,
    /// What is wrong with the actual value.
    pub message: String,
    /// The offending place; `None` only when no file can be blamed.
    pub span: Option<Span>,
    /// A few words drawn at the offending place.
    pub label: Option<String>,
    /// Other places that matter (the other one of two duplicates, the rule that forbids the value).
    pub related: Vec<(Span, String)>,
    /// What to write instead, one sentence each.
    pub hints: Vec<String>,
    /// The project that the finding is about, by name.
    pub project: Option<String>,
    /// A path to print when there is no span (a missing file, a file that is not UTF-8).
    pub path: Option<String>,
}

impl Diagnostic {
    /// Makes an error.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: None,
            label: None,
            related: Vec::new(),
            hints: Vec::new(),
            project: None,
            path: None,
        }
    }

    /// Makes a warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, message)
        }
    }

    /// Sets the offending place.
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Sets the words drawn at the offending place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds another place that matters.
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Names the project that the finding is about.
    pub fn project(mut self, name: impl Into<String>) -> Self {
        self.project = Some(name.into());
        self
    }

    /// Sets the path to print when there is no span.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }
}

/// The findings of a run, in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds all findings of another list.
    pub fn extend(&mut self, other: Diagnostics) {
        self.list.extend(other.list);
    }

    /// Tells whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.list
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Returns the findings sorted by file and place, errors before warnings at the same place, without exact repetitions.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by(|a, b| {
            let key = |d: &Diagnostic| {
                (
                    d.span,
                    d.path.clone(),
                    d.severity,
                    d.code,
                    d.message.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        self.list.dedup();
        self.list
    }

    /// Returns the findings in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Returns `value`, or [`Rejected`] when any finding so far is an error.
    pub fn accept<T>(&self, value: T) -> Result<T, Rejected> {
        if self.has_errors() {
            Err(Rejected)
        } else {
            Ok(value)
        }
    }
}

/// The input was rejected; the reasons are in the [`Diagnostics`] that the stage was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected;

/// Returns the candidate that is nearest to `written`, when one is near enough to be what was meant.
///
/// Source: Damerau-Levenshtein distance of at most a third of the longer name, and at least one.
pub fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(written, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (written.chars().count().max(candidate.chars().count()) / 3).max(1)
        })
        .min()
        .map(|(_, candidate)| candidate)
}
