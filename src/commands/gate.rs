//! The gate of commands that write: gathers hazards while directories are rendered, and decides before anything changes.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Failure, tree_failure};
use crate::compile::Compilation;
use crate::console::Console;
use crate::diagnostic::{Diagnostics, Severity};
use crate::diff::Unreadable;
use crate::examine::{self, Examined, Examiner, unreadable_diagnostic};
use crate::hazard::Finding;
use crate::hazard::gate::judge;
use crate::tree::{OldTree, RenderedDirectory, Scope, Stop, TreeError};

/// Gathers hazards of a change that is about to be written.
pub(super) struct Gate<'a> {
    examiner: Examiner<'a>,
    scope: &'a Scope,
    found: Mutex<Found>,
}

/// Whether a change may be made.
pub(super) struct Decision {
    /// Whether nothing stops it.
    pub(super) open: bool,
    /// Old manifests that cannot be read, with their paths; not on the console, since the writer may say more of them.
    pub(super) unreadable: Vec<(String, Unreadable)>,
}

impl Decision {
    /// Says why a change is not made, besides the hazards that were told of: `stops` is what the writer found.
    pub(super) fn refuse(self, stops: &[Stop], console: &mut Console) -> Failure {
        for stop in stops {
            console.diagnostics.push(stop.to_diagnostic());
        }
        for (path, unreadable) in self.unreadable {
            if !stops.iter().any(|stop| stop.path == path) {
                let diagnostic = unreadable_diagnostic(&path, unreadable, &mut console.sources);
                console.diagnostics.push(diagnostic);
            }
        }
        Failure::Stopped
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    rendered: BTreeSet<String>,
    findings: Vec<Finding>,
    unreadable: Vec<(String, Unreadable)>,
    diagnostics: Diagnostics,
}

impl<'a> Gate<'a> {
    /// Begins with a tree that nobody else changes meanwhile.
    pub(super) fn new(
        compilation: &'a Compilation,
        old: &'a dyn OldTree,
        scope: &'a Scope,
    ) -> Self {
        Gate {
            examiner: Examiner::new(compilation, old, false),
            scope,
            found: Mutex::default(),
        }
    }

    /// Looks at a directory that was rendered; one that does not differ need not be `changed`.
    ///
    /// May be called from several threads.
    pub(super) fn look(
        &self,
        rendered: &RenderedDirectory,
        changed: bool,
    ) -> Result<(), TreeError> {
        if changed || self.examiner.has_other_base(rendered) {
            self.note(self.examiner.rendered(rendered))?;
        }
        self.found().rendered.insert(rendered.path.clone());
        Ok(())
    }

    /// Looks at the directories that are to vanish, and decides: reasons and warnings go to the console.
    ///
    /// `adopt` says that what cannot be read is to be replaced all the same.
    pub(super) fn decide(self, adopt: bool, console: &mut Console) -> Result<Decision, Failure> {
        let rendered = std::mem::take(&mut self.found().rendered);
        for (path, recorded) in self.examiner.gone(&rendered) {
            if self.examiner.old.has_index() && self.scope.holds(recorded.project.as_deref()) {
                let removed = self.examiner.removed(path, recorded);
                self.note(removed)
                    .map_err(|error| tree_failure(error, console))?;
            }
        }
        let model = &self.examiner.compilation.model;
        let found = self
            .found
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if found.diagnostics.has_errors() {
            console.diagnostics.extend(found.diagnostics);
            return Err(Failure::Rejected);
        }
        let mut unreadable = found.unreadable;
        if adopt {
            for (path, unreadable) in unreadable.drain(..) {
                let mut diagnostic = unreadable_diagnostic(&path, unreadable, &mut console.sources);
                diagnostic.severity = Severity::Warning;
                diagnostic.hints.clear();
                console.diagnostics.push(diagnostic);
            }
        }
        let in_scope = |project: &str| match self.scope {
            Scope::All => true,
            Scope::Projects(names) => names.contains(project),
        };
        let verdict = judge(found.findings, &model.acknowledged, in_scope);
        for diagnostic in verdict.reasons(model).chain(verdict.warnings()) {
            console.diagnostics.push(diagnostic);
        }
        Ok(Decision {
            open: verdict.stopping.is_empty() && unreadable.is_empty(),
            unreadable,
        })
    }

    fn note(&self, outcome: Result<Option<Examined>, examine::Failure>) -> Result<(), TreeError> {
        match outcome {
            Ok(None) => {}
            Ok(Some(examined)) => {
                let mut found = self.found();
                found.findings.extend(examined.findings);
                found.unreadable.extend(examined.unreadable);
            }
            Err(examine::Failure::Rejected(diagnostics)) => {
                self.found().diagnostics.extend(diagnostics)
            }
            // What is not ours is reported by the writer, all of it at once.
            Err(examine::Failure::Tree(TreeError::Stopped(_))) => {}
            Err(examine::Failure::Tree(error)) => return Err(error),
        }
        Ok(())
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
