//! `acknowledge` and `moved`: what is said about a change, not about the fleet.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::Report;
use super::{Acknowledgement, Moves};
use crate::config::types::Hazard;
use crate::config::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;

/// One entry of `moved`.
struct Move<'a> {
    from: &'a Entry,
    to: &'a Entry,
}

impl<'a> Move<'a> {
    /// Takes an entry, unless a part of it was reported as wrong.
    fn of(node: &'a Node) -> Option<Self> {
        let (from, to) = (node.entry("from")?, node.entry("to")?);
        from.value.text()?;
        to.value.text()?;
        Some(Move { from, to })
    }

    fn from(&self) -> &'a str {
        self.from.value.text().unwrap_or_default()
    }

    fn to(&self) -> &'a str {
        self.to.value.text().unwrap_or_default()
    }
}

/// Checks `moved` and returns which project was called what.
///
/// `projects` are the names that are declared, with their places.
/// Errors: `conflict`, `unknown-project`.
pub(super) fn moves(root: &Node, projects: &BTreeMap<&str, Span>, report: &mut Report) -> Moves {
    let listed = root.get("moved").map(Node::items).unwrap_or_default();
    let mut by_old: BTreeMap<&str, Move> = BTreeMap::new();
    let mut by_new: BTreeMap<&str, Span> = BTreeMap::new();
    for entry in listed.iter().filter_map(Move::of) {
        if let Some(diagnostic) = refuse(&entry, projects, &by_old, &by_new) {
            report.push(diagnostic);
            continue;
        }
        by_new.insert(entry.to(), entry.to.place());
        by_old.insert(entry.from(), entry);
    }
    let mut moves = Moves::default();
    for (old, entry) in &by_old {
        let mut seen = BTreeSet::from([*old]);
        let mut name = entry.to();
        while let Some(next) = by_old.get(name).filter(|_| seen.insert(name)) {
            name = next.to();
        }
        if projects.contains_key(name) {
            moves.renamed.insert((*old).to_owned(), name.to_owned());
        } else if !by_old.contains_key(entry.to()) || seen.contains(name) {
            report.push(
                unknown(entry.to(), "moved", projects)
                    .at(entry.to.place())
                    .label("no such project"),
            );
        }
    }
    // The oldest name of a chain is the one that nothing was moved to.
    for (old, new) in &moves.renamed {
        if !by_new.contains_key(old.as_str()) {
            moves.origins.insert(new.clone(), old.clone());
        }
    }
    moves
}

/// Returns what is wrong with an entry, for itself and beside those before it.
fn refuse(
    entry: &Move,
    projects: &BTreeMap<&str, Span>,
    by_old: &BTreeMap<&str, Move>,
    by_new: &BTreeMap<&str, Span>,
) -> Option<Diagnostic> {
    let (from, to) = (entry.from(), entry.to());
    let conflict = |message: String, place: &Entry| {
        Diagnostic::error(Code::Conflict, message).at(place.place())
    };
    if from == to {
        return Some(
            conflict(
                format!("project `{from}` is moved to its own name"),
                entry.to,
            )
            .label("the same name")
            .hint("write the new name, or remove the entry"),
        );
    }
    if let Some(still) = projects.get(from) {
        return Some(
            conflict(
                format!("project `{from}` was moved to `{to}`, and is still declared"),
                entry.from,
            )
            .label("the old name")
            .also(*still, "declared here")
            .hint("rename the project in `projects`, or remove the entry"),
        );
    }
    if let Some(other) = by_old.get(from) {
        return Some(
            conflict(format!("project `{from}` is moved twice"), entry.from)
                .label("again here")
                .also(other.from.place(), "first here")
                .hint("one project becomes one other: remove one of the entries"),
        );
    }
    if let Some(other) = by_new.get(to) {
        return Some(
            conflict(format!("two projects are moved to `{to}`"), entry.to)
                .label("again here")
                .also(*other, "first here")
                .hint("one project becomes one other: remove one of the entries"),
        );
    }
    None
}

/// Checks `acknowledge`.
///
/// A project that is about to be deleted is no longer declared, so `project-deleted` may name any; whether there was
/// one of that name shows when the old tree is looked at.
/// Errors: `unknown-project`; warnings: `unused-acknowledgement` for one that is there twice.
pub(super) fn acknowledgements(
    root: &Node,
    projects: &BTreeMap<&str, Span>,
    moves: &Moves,
    report: &mut Report,
) -> Vec<Acknowledgement> {
    let mut found: Vec<Acknowledgement> = Vec::new();
    for item in root.get("acknowledge").map(Node::items).unwrap_or_default() {
        let (Some(project), Some(hazard)) = (item.entry("project"), item.get("hazard")) else {
            continue;
        };
        let Ok(hazard) = serde_json::from_value::<Hazard>(hazard.to_value()) else {
            continue;
        };
        let Some(name) = project.value.text() else {
            continue;
        };
        let place = project.place();
        if !projects.contains_key(name) && hazard != Hazard::ProjectDeleted {
            let mut diagnostic = unknown(name, "acknowledge", projects)
                .at(place)
                .label("no such project");
            if let Some(new) = moves.renamed.get(name) {
                diagnostic.hints = vec![format!("it is called `{new}` now")];
            }
            report.push(diagnostic);
            continue;
        }
        if let Some(first) = found
            .iter()
            .find(|first| first.project == name && first.hazard == hazard)
        {
            report.push(
                Diagnostic::warning(
                    Code::UnusedAcknowledgement,
                    format!(
                        "`{}` is acknowledged twice for project `{name}`",
                        hazard.as_str()
                    ),
                )
                .at(place)
                .label("again here")
                .also(first.span, "first here")
                .hint("remove one of the two")
                .project(name),
            );
            continue;
        }
        found.push(Acknowledgement {
            project: name.to_owned(),
            hazard,
            span: place,
        });
    }
    found
}

fn unknown(name: &str, key: &str, projects: &BTreeMap<&str, Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        Code::UnknownProject,
        format!("project `{name}` is listed in `{key}`, and there is no such project"),
    );
    match nearest(name, projects.keys().copied()) {
        Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
        None => diagnostic.hint("remove the entry, or declare the project in `projects`"),
    }
}

#[cfg(test)]
mod tests;
