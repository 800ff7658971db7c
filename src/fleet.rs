//! The fleet on one page: projects, their storage, what they ask a cluster for, and what is hazardous about the next render.
//!
//! Takes projects with what their objects ask for, and judged hazards; [`text`], [`json`] and [`html`] write the page.
//! Knows nothing of how objects are made or where a page goes.

pub mod html;
pub mod json;
pub mod text;

use std::collections::BTreeMap;

use crate::demand::Demand;
use crate::hazard::Finding;
use crate::hazard::gate::Verdict;
use crate::model::{Database, ObjectStore, Project, State, StorageKind};

/// The page.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// The projects, by name.
    pub projects: Vec<Line>,
    /// The hazards, those that stop first.
    pub hazards: Vec<HazardLine>,
    /// What the hazards were found against.
    pub against: String,
}

/// One project.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// The cluster.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
    /// `active`, `paused` or `retired`.
    pub state: &'static str,
    /// The ring, when it is in one.
    pub ring: Option<String>,
    /// The base.
    pub base: String,
    /// Who it belongs to, when that is said.
    pub owner: Option<String>,
    /// The database, in a few words.
    pub database: String,
    /// The object store, in a few words.
    pub object_store: String,
    /// What its objects ask for.
    pub demand: Demand,
}

/// One hazard.
#[derive(Debug, Clone)]
pub struct HazardLine {
    /// `stops`, `acknowledged` or `listed`.
    pub gate: &'static str,
    /// Its name.
    pub hazard: &'static str,
    /// The project that is in danger; `None` in a directory of the platform.
    pub project: Option<String>,
    /// The directory of the tree.
    pub directory: String,
    /// What changes, in a few words.
    pub what: String,
    /// As it was.
    pub old: Option<String>,
    /// As it will be.
    pub new: Option<String>,
}

/// The sums of a part of the fleet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Number of projects.
    pub projects: usize,
    /// What they ask for.
    pub demand: Demand,
}

/// What a line says of itself that projects are summed up by; `None` when it says nothing.
pub type By = fn(&Line) -> Option<&str>;

/// What projects are summed up by.
pub const GROUPS: [(&str, By); 4] = [
    ("cluster", |line| Some(&line.cluster)),
    ("base", |line| Some(&line.base)),
    ("ring", |line| line.ring.as_deref()),
    ("state", |line| Some(line.state)),
];

impl Line {
    /// Makes the line of a project.
    pub fn new(project: &Project, demand: Demand) -> Self {
        Line {
            name: project.name.clone(),
            cluster: project.cluster.clone(),
            namespace: project.namespace.clone(),
            state: match project.state {
                State::Active => "active",
                State::Paused => "paused",
                State::Retired => "retired",
            },
            ring: project.ring.clone(),
            base: project.base.clone(),
            owner: project.owner.clone(),
            database: database(&project.database),
            object_store: object_store(&project.object_store),
            demand,
        }
    }
}

impl Fleet {
    /// Puts a page together.
    pub fn new(mut projects: Vec<Line>, verdict: Verdict<'_>, against: String) -> Self {
        projects.sort_by(|a, b| a.name.cmp(&b.name));
        let line = |gate: &'static str| {
            move |finding: Finding| HazardLine {
                gate,
                hazard: finding.hazard.as_str(),
                project: finding.project,
                directory: finding.directory,
                what: finding.what,
                old: finding.old,
                new: finding.new,
            }
        };
        let hazards = verdict.stopping.into_iter().map(line("stops"));
        let hazards = hazards.chain(verdict.acknowledged.into_iter().map(line("acknowledged")));
        let hazards = hazards.chain(verdict.listed.into_iter().map(line("listed")));
        Fleet {
            projects,
            hazards: hazards.collect(),
            against,
        }
    }

    /// Sums up everything.
    pub fn total(&self) -> Sum {
        sum(&self.projects)
    }

    /// Sums up by what a line says of itself, see [`GROUPS`]; projects that say nothing are left out.
    pub fn sums(&self, by: By) -> BTreeMap<&str, Sum> {
        let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
        for line in &self.projects {
            if let Some(group) = by(line) {
                let sum = sums.entry(group).or_default();
                sum.projects += 1;
                sum.demand += line.demand;
            }
        }
        sums
    }
}

fn sum(lines: &[Line]) -> Sum {
    Sum {
        projects: lines.len(),
        demand: lines.iter().map(|line| line.demand).sum(),
    }
}

fn database(database: &Database) -> String {
    let engine = &database.engine;
    match database.kind {
        StorageKind::Embedded => match &database.embedded {
            Some(embedded) => format!("embedded {engine}, {}", embedded.size),
            None => format!("embedded {engine}"),
        },
        kind => format!(
            "{}, {engine} at {}:{}, {}",
            place(kind, database.shared_name.as_deref()),
            database.host.as_deref().unwrap_or_default(),
            database.port,
            database.database
        ),
    }
}

fn object_store(store: &ObjectStore) -> String {
    match (store.kind, &store.embedded) {
        (StorageKind::Embedded, embedded) => {
            let engine = store.engine.as_deref().unwrap_or("store");
            match embedded {
                Some(embedded) => format!("embedded {engine}, {}", embedded.size),
                None => format!("embedded {engine}"),
            }
        }
        (kind, _) => {
            let endpoint = store
                .endpoint
                .as_ref()
                .map_or_else(String::new, |endpoint| {
                    let scheme = if endpoint.secure { "https" } else { "http" };
                    let port = endpoint.port.map(|port| format!(":{port}"));
                    format!("{scheme}://{}{}", endpoint.host, port.unwrap_or_default())
                });
            let prefix = store.prefix.as_ref().map(|prefix| format!("/{prefix}"));
            format!(
                "{}, {} at {endpoint}, {}{}",
                place(kind, store.shared_name.as_deref()),
                store.provider,
                store.bucket,
                prefix.unwrap_or_default()
            )
        }
    }
}

fn place(kind: StorageKind, shared: Option<&str>) -> String {
    match (kind, shared) {
        (StorageKind::Shared, Some(name)) => format!("shared {name}"),
        (StorageKind::Shared, None) => "shared".to_owned(),
        _ => "external".to_owned(),
    }
}

/// Returns `1 project` or `2 projects`.
fn projects(number: usize) -> String {
    match number {
        1 => "1 project".to_owned(),
        number => format!("{number} projects"),
    }
}

#[cfg(test)]
mod tests;
