//! Reporting against a block of settings: where each was written, and what was reported before.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::de::DeserializeOwned;

use crate::config::Node;
use crate::config::node::push_token;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;

/// Collects diagnostics and drops repetitions: a mistake in `defaults` is found once per project and said once.
pub(super) struct Report<'a> {
    diagnostics: &'a mut Diagnostics,
    seen: HashSet<(Code, Option<Span>, String)>,
}

impl<'a> Report<'a> {
    pub(super) fn new(diagnostics: &'a mut Diagnostics) -> Self {
        Report {
            diagnostics,
            seen: HashSet::new(),
        }
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let key = (diagnostic.code, diagnostic.span, diagnostic.message.clone());
        if self.seen.insert(key) {
            self.diagnostics.push(diagnostic);
        }
    }
}

/// A block of settings with the places of its values.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    spans: BTreeMap<String, Span>,
    rejected: BTreeSet<String>,
    /// Where the block itself is written.
    whole: Span,
    /// What the block is called in messages.
    label: String,
    /// Name of the project that the block belongs to, and the places that are its own.
    project: Option<(String, Span)>,
    /// Settings of an unknown profile are not here, so that nothing may be concluded from what is absent.
    incomplete: bool,
}

impl Scope {
    /// Opens a block that is written at `whole`.
    pub(super) fn new(node: &Node, whole: Span, label: &str) -> Self {
        let (spans, rejected) = node.places();
        Scope {
            spans,
            rejected,
            whole,
            label: label.to_owned(),
            project: None,
            incomplete: false,
        }
    }

    /// Says that settings may be missing here.
    pub(super) fn incomplete(mut self, incomplete: bool) -> Self {
        self.incomplete = incomplete;
        self
    }

    /// Attributes findings in the range `own` to a project.
    pub(super) fn of_project(mut self, name: &str, own: Span) -> Self {
        self.project = Some((name.to_owned(), own));
        self
    }

    /// Returns the place of a setting, or of the nearest block around it that is written down.
    pub(super) fn at(&self, pointer: &str) -> Span {
        let mut pointer = pointer;
        loop {
            if let Some(span) = self.spans.get(pointer) {
                return *span;
            }
            match pointer.rfind('/') {
                Some(at) => pointer = &pointer[..at],
                None => return self.whole,
            }
        }
    }

    /// Tells whether a setting is written down.
    pub(super) fn has(&self, pointer: &str) -> bool {
        self.spans.contains_key(pointer)
    }

    /// Tells whether a setting is written in the project itself, not in a layer below it.
    pub(super) fn is_own(&self, pointer: &str) -> bool {
        let place = self.spans.get(pointer);
        place.is_some_and(|place| {
            self.project
                .as_ref()
                .is_some_and(|(_, own)| holds(own, place))
        })
    }

    /// Tells whether a setting, something around it or something in it was reported as wrong, so that nothing may be
    /// concluded from what it says or does not say.
    pub(super) fn doubtful(&self, pointer: &str) -> bool {
        if self.incomplete && !self.has(pointer) {
            return true;
        }
        if self.rejected.is_empty() {
            return false;
        }
        let below = format!("{pointer}/");
        self.rejected.iter().any(|rejected| {
            rejected == pointer
                || rejected.starts_with(&below)
                || pointer
                    .strip_prefix(rejected.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// Returns the places of all settings.
    pub(super) fn into_spans(self) -> BTreeMap<String, Span> {
        self.spans
    }

    /// Makes an error at a setting.
    pub(super) fn error(
        &self,
        code: Code,
        pointer: &str,
        message: impl Into<String>,
    ) -> Diagnostic {
        self.error_at(code, self.at(pointer), message)
    }

    /// Makes an error at a place in the block.
    pub(super) fn error_at(
        &self,
        code: Code,
        place: Span,
        message: impl Into<String>,
    ) -> Diagnostic {
        self.attribute(Diagnostic::error(code, message).at(place))
    }

    /// Makes a warning at a setting.
    pub(super) fn warning(
        &self,
        code: Code,
        pointer: &str,
        message: impl Into<String>,
    ) -> Diagnostic {
        self.attribute(Diagnostic::warning(code, message).at(self.at(pointer)))
    }

    /// Reports a key that is needed and not there, unless it is doubtful.
    pub(super) fn missing(&self, report: &mut Report, block: &str, key: &str, hint: &str) {
        if self.doubtful(&format!("{block}/{key}")) {
            return;
        }
        let name = match block.rsplit('/').next() {
            Some(name) if !name.is_empty() => name,
            _ => &self.label,
        };
        report.push(
            self.error(Code::MissingKey, block, format!("`{name}` has no `{key}`"))
                .label(format!("`{key}` is missing here"))
                .hint(hint),
        );
    }

    fn attribute(&self, diagnostic: Diagnostic) -> Diagnostic {
        match (&self.project, diagnostic.span) {
            (Some((name, own)), Some(span)) if holds(own, &span) => {
                diagnostic.project(name.clone())
            }
            _ => diagnostic,
        }
    }
}

/// Tells whether a range lies inside of another.
fn holds(outer: &Span, inner: &Span) -> bool {
    inner.file == outer.file && inner.start >= outer.start && inner.end <= outer.end
}

/// Appends a key to a JSON pointer.
pub(super) fn below(pointer: &str, key: &str) -> String {
    let mut below = pointer.to_owned();
    push_token(&mut below, key);
    below
}

/// Converts a tree whose shape was checked.
pub(super) fn typed<T: DeserializeOwned>(node: &Node) -> T {
    serde_json::from_value(node.to_value()).expect("a tree of the right shape fits its type")
}

/// Returns the smallest range that holds everything in a tree.
pub(super) fn extent(node: &Node) -> Span {
    let mut extent = node.span;
    let mut widen = |span: Span| {
        if span.file == extent.file {
            extent.start = extent.start.min(span.start);
            extent.end = extent.end.max(span.end);
        }
    };
    for entry in node.entries() {
        widen(entry.key_span);
        widen(self::extent(&entry.value));
    }
    for item in node.items() {
        widen(self::extent(item));
    }
    extent
}
