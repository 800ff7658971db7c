//! The gate: which hazards stop, which may pass, and which acknowledgements were not needed.

use super::{Finding, Hazard};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::model::{Acknowledgement, Model};
use crate::source::Span;

/// What the gate says about the hazards of a change.
#[derive(Debug, Clone, Default)]
pub struct Verdict<'a> {
    /// Those that stop, each to be fixed or acknowledged.
    pub stopping: Vec<Finding>,
    /// Those that were acknowledged.
    pub acknowledged: Vec<Finding>,
    /// Those that stop nothing: by their kind, or because they are in a directory that belongs to no project.
    pub listed: Vec<Finding>,
    /// Acknowledgements of hazards that have not come up.
    pub unused: Vec<&'a Acknowledgement>,
}

/// Judges hazards.
///
/// `in_scope` tells whether a run has looked at the project of an acknowledgement: only then can it be unused.
pub fn judge<'a>(
    mut findings: Vec<Finding>,
    acknowledgements: &'a [Acknowledgement],
    in_scope: impl Fn(&str) -> bool,
) -> Verdict<'a> {
    findings.sort_by(|a, b| {
        (a.hazard, &a.directory, &a.what, &a.old, &a.new).cmp(&(
            b.hazard,
            &b.directory,
            &b.what,
            &b.old,
            &b.new,
        ))
    });
    let mut used = vec![false; acknowledgements.len()];
    let mut verdict = Verdict::default();
    for finding in findings {
        let Some(project) = finding
            .project
            .as_deref()
            .filter(|_| finding.hazard.code().is_some())
        else {
            verdict.listed.push(finding);
            continue;
        };
        let acknowledgement = acknowledgements.iter().position(|acknowledgement| {
            acknowledgement.project == project
                && Hazard::from(acknowledgement.hazard) == finding.hazard
        });
        match acknowledgement {
            Some(at) => {
                used[at] = true;
                verdict.acknowledged.push(finding);
            }
            None => verdict.stopping.push(finding),
        }
    }
    let unused = acknowledgements.iter().zip(used);
    verdict.unused = unused
        .filter(|(acknowledgement, used)| !used && in_scope(&acknowledgement.project))
        .map(|(acknowledgement, _)| acknowledgement)
        .collect();
    verdict
}

impl Verdict<'_> {
    /// Returns the errors that say why a run stops: one for each hazard, with the entry that would let it pass.
    pub fn reasons(&self, model: &Model) -> impl Iterator<Item = Diagnostic> {
        self.stopping
            .iter()
            .filter_map(|finding| reason(finding, model))
    }

    /// Returns the warnings about acknowledgements that were not needed.
    ///
    /// Code: `unused-acknowledgement`.
    pub fn warnings(&self) -> impl Iterator<Item = Diagnostic> {
        self.unused.iter().map(|acknowledgement| {
            let project = acknowledgement.project.as_str();
            let hazard = acknowledgement.hazard.as_str();
            let diagnostic = Diagnostic::warning(
                Code::UnusedAcknowledgement,
                format!("`{hazard}` is acknowledged for project `{project}`, and does not come up"),
            )
            .at(acknowledgement.span)
            .label("nothing to acknowledge")
            .project(project);
            let stopped = self
                .stopping
                .iter()
                .filter(|finding| finding.hazard.as_str() == hazard);
            match nearest(
                project,
                stopped.filter_map(|finding| finding.project.as_deref()),
            ) {
                Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                None => {
                    diagnostic.hint("remove the entry once the change that it was for is merged")
                }
            }
        })
    }
}

fn reason(finding: &Finding, model: &Model) -> Option<Diagnostic> {
    let code = finding.hazard.code()?;
    let project = finding.project.as_deref()?;
    let mut message = format!("project `{project}`: {}", finding.what);
    match (&finding.old, &finding.new) {
        (Some(old), Some(new)) => message.push_str(&format!(": from `{old}` to `{new}`")),
        (Some(old), None) => message.push_str(&format!(" (it was `{old}`)")),
        (None, Some(new)) => message.push_str(&format!(" (it will be `{new}`)")),
        (None, None) => {}
    }
    let mut diagnostic = Diagnostic::error(code, message)
        .hint(finding.cure)
        .hint(format!(
            "to let it pass, write below `acknowledge:` in projects.yaml: `- {{project: {project}, hazard: {}, reason: \"…\"}}`",
            finding.hazard.as_str()
        ))
        .project(project);
    match place(finding, project, model) {
        Some(span) => diagnostic.span = Some(span),
        None => diagnostic.path = Some(format!("{}/{}", model.repository_path, finding.directory)),
    }
    Some(diagnostic)
}

/// Returns where the setting is written that the hazard comes from, or the project.
fn place(finding: &Finding, project: &str, model: &Model) -> Option<Span> {
    let project = model
        .projects
        .iter()
        .find(|declared| declared.name == project)?;
    let mut pointer = finding.pointer;
    loop {
        if let Some(span) = project.spans.get(pointer) {
            return Some(*span);
        }
        match pointer.rfind('/') {
            Some(at) if at > 0 => pointer = &pointer[..at],
            _ => return Some(project.span),
        }
    }
}
