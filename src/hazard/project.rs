//! Whole projects that go.

use super::{Finding, Hazard, Pair, RETIRED};
use crate::diff::Objects;

/// Finds a Namespace that is no longer rendered: whoever prunes it deletes everything in it.
pub(super) fn find(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    if pair.old.state == RETIRED {
        return;
    }
    for namespace in pair.old.objects.of_kind("", "Namespace") {
        if pair.new.objects.get(&namespace.key()).is_none() {
            findings.push(
                pair.finding(
                    Hazard::ProjectDeleted,
                    format!("`{}` is no longer rendered, and takes everything in it along when it is pruned", namespace.key()),
                    "write `createNamespace: true`, or make sure that the sync tool lets go of the Namespace before it would prune it",
                )
                .at("/createNamespace"),
            );
        }
    }
}

/// What becomes of a directory that its project loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    /// It disappears.
    Dropped,
    /// It disappears, and the project gets another one.
    LeftFor(&'a str),
    /// It is another project's from now on.
    FallsTo(&'a str),
}

/// Finds out whether a project may lose its directory; `state` is what is recorded about it.
pub fn gone(
    directory: &str,
    project: &str,
    state: &str,
    objects: &Objects,
    fate: Fate<'_>,
) -> Option<Finding> {
    if state == RETIRED {
        return None;
    }
    let volumes: Vec<String> = objects
        .of_kind("", "PersistentVolumeClaim")
        .map(|claim| format!("`{}`", claim.name()))
        .collect();
    let volumes = match volumes.len() {
        0 => String::new(),
        1 => format!(", with the volume {}", volumes[0]),
        _ => format!(", with the volumes {}", volumes.join(", ")),
    };
    let (what, cure) = match fate {
        Fate::Dropped => (
            format!("the directory `{directory}` disappears{volumes}"),
            "render the project with `state: retired` first, and take it out of the file once that was applied; if it has \
             another name now, write that to `moved`",
        ),
        Fate::LeftFor(other) => (
            format!("the directory `{directory}` disappears{volumes}, and `{other}` begins empty"),
            "keep `namespace` and `cluster`: no data moves along",
        ),
        Fate::FallsTo(other) => (
            format!("the directory `{directory}` falls to project `{other}`{volumes}"),
            "if it is the same project under another name, write that to `moved`; if not, give the new one a `namespace` of its own",
        ),
    };
    Some(Finding {
        hazard: Hazard::ProjectDeleted,
        project: Some(project.to_owned()),
        directory: directory.to_owned(),
        what,
        old: Some(
            if state.is_empty() {
                "of unknown state"
            } else {
                state
            }
            .to_owned(),
        ),
        new: None,
        cure,
        pointer: "/namespace",
    })
}
