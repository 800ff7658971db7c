//! What the patches of a project do before and after.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostics, Severity};
use crate::diff::show::value;
use crate::diff::{self, FieldEdit, ObjectChange, ObjectEdit, Objects};
use crate::model::Project;
use crate::object::Object;
use crate::source::Span;
use crate::trace::{By, Trace, Written};

/// Most characters of one value.
const VALUE: usize = 80;

/// Notes what each patch has changed.
#[derive(Debug, Default)]
pub struct Effects {
    by_number: BTreeMap<usize, Vec<String>>,
}

impl Trace for Effects {
    fn manifests(&mut self, _: &[Object]) {}

    fn extra(&mut self, _: &[Object]) {}

    fn patched(&mut self, number: usize, before: &[Object], after: &[Object]) {
        let differing = |objects: &[Object], others: &[Object]| {
            Objects::new(
                objects
                    .iter()
                    .filter(|object| !others.contains(object))
                    .cloned(),
            )
        };
        let changes = diff::objects(&differing(before, after), &differing(after, before));
        self.by_number
            .insert(number, changes.iter().flat_map(lines).collect());
    }

    fn all(&mut self, _: &[Object], _: By, _: impl Fn(&Object, &str) -> Written) {}

    fn one(&mut self, _: usize, _: &Object, _: By, _: impl Fn(&Object, &str) -> Written) {}
}

/// What has become of one patch of one project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PatchChange {
    /// Where it is written or brought in.
    pub place: Span,
    /// What it does before, a line for each field; object and field first.
    pub before: Vec<String>,
    /// What it does after.
    pub after: Vec<String>,
    /// Why it cannot be applied any more; empty when it can.
    pub refused: Vec<String>,
}

impl PatchChange {
    /// Tells whether the patch does what it did.
    pub fn is_same(&self) -> bool {
        self.refused.is_empty() && self.before == self.after
    }
}

/// Compares the patches of a project; `found` is what was found about it afterwards.
pub(super) fn compare(
    old: &Project,
    new: &Project,
    was: &Effects,
    will: &Effects,
    found: &Diagnostics,
) -> Vec<PatchChange> {
    let numbered = old.patches.iter().zip(&new.patches).enumerate();
    numbered
        .map(|(number, (patch, again))| {
            let after = will.by_number.get(&number);
            // An error stands in the patch, or names the line that brings it.
            let about = |span: Option<Span>| span == Some(again.span) || span == again.target_span;
            let inside = |span: Option<Span>| {
                span.is_some_and(|span| {
                    span.file == again.span.file
                        && again.span.start <= span.start
                        && span.end <= again.span.end
                })
            };
            let reasons = found.iter().filter(|diagnostic| {
                let related = diagnostic
                    .related
                    .iter()
                    .any(|(span, _)| about(Some(*span)));
                diagnostic.severity == Severity::Error
                    && (about(diagnostic.span) || inside(diagnostic.span) || related)
            });
            PatchChange {
                place: patch.span,
                before: was.by_number.get(&number).cloned().unwrap_or_default(),
                after: after.cloned().unwrap_or_default(),
                refused: if after.is_some() {
                    Vec::new()
                } else {
                    let mut reasons: Vec<String> =
                        reasons.map(|reason| reason.message.clone()).collect();
                    if reasons.is_empty() {
                        reasons.push("it is not reached".to_owned());
                    }
                    reasons
                },
            }
        })
        .collect()
}

/// Writes what has become of an object.
fn lines(change: &ObjectChange) -> Vec<String> {
    let key = &change.key;
    match &change.edit {
        ObjectEdit::Added => vec![format!("{key} is added")],
        ObjectEdit::Removed => vec![format!("{key} is removed")],
        ObjectEdit::Changed { fields, .. } => fields
            .iter()
            .map(|field| {
                let edit = match &field.edit {
                    FieldEdit::Added(new) => format!("is set to {}", value(new, VALUE)),
                    FieldEdit::Removed(old) => format!("is removed, it was {}", value(old, VALUE)),
                    FieldEdit::Changed(old, new) => {
                        format!("{} -> {}", value(old, VALUE), value(new, VALUE))
                    }
                    FieldEdit::Lines(_) => "lines of the text".to_owned(),
                    FieldEdit::Reordered(..) => "another order".to_owned(),
                };
                format!("{key} {}: {edit}", field.path)
            })
            .collect(),
    }
}
