//! Moves from one base to another.

use super::{Finding, Hazard, Pair};

/// The way from one base to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Name of the base that the tree has.
    pub from: String,
    /// Name of the base that it will have.
    pub to: String,
    /// In which direction it goes.
    pub turn: Turn,
    /// What must be done on this way, for the project as it will be.
    pub migrations: Vec<String>,
}

/// In which direction a move goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is the same base, or one of the same age.
    None,
    /// To a newer one.
    Newer,
    /// To an older one.
    Older,
    /// The former base is not there any more, so that nobody can tell.
    Unknown,
}

pub(super) fn find(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    let Some(hop) = pair.hop else { return };
    let base = |finding: Finding| finding.from(&hop.from).to(&hop.to).at("/base");
    for reason in &hop.migrations {
        let finding = pair.finding(
            Hazard::BaseMigration,
            reason.trim_end(),
            "do what the base asks for, then acknowledge",
        );
        findings.push(base(finding));
    }
    match hop.turn {
        Turn::None | Turn::Newer => {}
        Turn::Older => findings.push(base(pair.finding(
            Hazard::BaseDowngrade,
            "the base becomes an older one, and programs may not read what newer ones have written",
            "stay on the newer base, or restore the data from before the upgrade",
        ))),
        Turn::Unknown => findings.push(base(pair.finding(
            Hazard::BaseMigration,
            format!(
                "base `{}` is no longer below `base/`, so that nobody can tell what the hop needs",
                hop.from
            ),
            "keep the former base below `base/` until no project is rendered from it",
        ))),
    }
}
