//! Gathers the differences of many directories, and puts equal ones together.
//!
//! Directories may come in any order; what comes out is the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::placeholder::{Identifiers, without_hash};
use super::{FieldChange, ObjectChange, ObjectEdit};
use crate::demand::Demand;
use crate::digest::Digest;
use crate::object::{ObjectKey, apply_rank};

/// Whom a directory belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// The directory's path.
    pub path: String,
    /// The project, `None` for what the platform needs.
    pub project: Option<String>,
    /// Its names besides: the namespace, a name that it had.
    pub also: Vec<String>,
}

/// What has become of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It was there, and is.
    Kept,
}

/// The difference of one directory.
#[derive(Debug, Clone)]
pub struct DirectoryDiff {
    /// Whose it is.
    pub owner: Owner,
    /// What has become of it.
    pub status: Status,
    /// What has become of its objects.
    pub changes: Vec<ObjectChange>,
    /// What it asked for, and asks for.
    pub demand: (Demand, Demand),
}

/// Whether a hazard stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It stops what would bring the change about.
    Stops,
    /// It would stop, and may pass.
    Acknowledged,
    /// It is only listed.
    Listed,
}

/// One hazard of one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HazardNote {
    /// Whether it stops.
    pub standing: Standing,
    /// Its name.
    pub name: &'static str,
    /// What is in danger, in a few words.
    pub what: String,
    /// As it was.
    pub old: Option<String>,
    /// As it will be.
    pub new: Option<String>,
}

/// The same hazard in one or more directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HazardLine {
    /// The hazard; with placeholders when there is more than one owner.
    pub note: HazardNote,
    /// Projects, or paths of directories that belong to none; sorted.
    pub owners: Vec<String>,
}

/// A directory that is new or gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryLine {
    /// The directory's path.
    pub path: String,
    /// The project, `None` for what the platform needs.
    pub project: Option<String>,
    /// The objects, as `Kind/name`.
    pub objects: Vec<String>,
    /// What they ask for, or have asked for.
    pub demand: Demand,
}

/// Directories that ask for something else than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemandLine {
    /// Projects, or paths of directories that belong to none; sorted.
    pub owners: Vec<String>,
    /// What each of them asked for.
    pub old: Demand,
    /// What each of them asks for.
    pub new: Demand,
}

/// What has changed in exactly these directories.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Projects, or paths of directories that belong to none; sorted.
    pub owners: Vec<String>,
    /// The changes.
    pub parts: Vec<Part>,
}

/// What has become of exactly these objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The objects, as `Kind/name`; with placeholders when there is more than one owner.
    pub objects: Vec<String>,
    /// What has become of each of them.
    pub edit: PartEdit,
}

/// What has become of objects.
#[derive(Debug, Clone, PartialEq)]
pub enum PartEdit {
    /// They are gone.
    Removed,
    /// They are new.
    Added,
    /// They are others; with placeholders when there is more than one owner. Empty when only their names are others.
    Changed(Vec<FieldChange>),
}

/// Everything that differs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overview {
    /// Hazards: those that stop, those that may pass, the others; the most frequent ones first.
    pub hazards: Vec<HazardLine>,
    /// New directories, by path.
    pub added: Vec<DirectoryLine>,
    /// Former directories, by path.
    pub removed: Vec<DirectoryLine>,
    /// Changes in directories that stay, those of most directories first.
    pub sections: Vec<Section>,
    /// How many of the directories that stay have changes.
    pub changed: usize,
    /// Directories that stay and ask for something else, those of most directories first.
    pub demands: Vec<DemandLine>,
    /// What all directories that differ asked for together, and ask for.
    pub demand: (Demand, Demand),
}

impl Overview {
    /// Tells whether the trees hold equal objects in equal directories.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.sections.is_empty()
    }

    /// Returns how many hazards there are of a standing, counted once for each owner.
    pub fn count(&self, standing: Standing) -> usize {
        let lines = self
            .hazards
            .iter()
            .filter(|line| line.note.standing == standing);
        lines.map(|line| line.owners.len()).sum()
    }
}

/// Gathers directory after directory; see [`Collector::finish`].
#[derive(Debug, Default)]
pub struct Collector {
    /// What owners are called, by the number that the rest uses.
    owners: Vec<Arc<str>>,
    changes: BTreeMap<Digest, Gathered>,
    hazards: BTreeMap<Digest, GatheredHazard>,
    added: Vec<DirectoryLine>,
    removed: Vec<DirectoryLine>,
    changed: usize,
    demands: BTreeMap<(Demand, Demand), Vec<usize>>,
    demand: (Demand, Demand),
}

/// One change of one object, in one or more directories.
#[derive(Debug)]
struct Gathered {
    owners: Vec<usize>,
    /// As it is in the first directory, which is right when there is only one, and with placeholders.
    exact: Change,
    common: Change,
}

#[derive(Debug)]
struct GatheredHazard {
    owners: Vec<usize>,
    exact: HazardNote,
    common: HazardNote,
}

/// One change of one object.
#[derive(Debug, Clone, PartialEq)]
struct Change {
    object: ObjectName,
    edit: Edit,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ObjectName {
    rank: usize,
    text: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Edit {
    Removed,
    Added,
    /// Only the hash in its name is another one.
    Renamed,
    Field(FieldChange),
}

impl Collector {
    /// Adds the difference of a directory.
    pub fn add(&mut self, directory: DirectoryDiff) {
        let DirectoryDiff {
            owner,
            status,
            changes,
            demand,
        } = directory;
        self.demand.0 += demand.0;
        self.demand.1 += demand.1;
        if status != Status::Kept {
            let line = DirectoryLine {
                objects: changes
                    .iter()
                    .map(|change| change.key.to_string())
                    .collect(),
                path: owner.path,
                project: owner.project,
                demand: match status {
                    Status::Removed => demand.0,
                    Status::Added | Status::Kept => demand.1,
                },
            };
            match status {
                Status::Added => self.added.push(line),
                _ => self.removed.push(line),
            }
            return;
        }
        if changes.is_empty() {
            return;
        }
        self.changed += 1;
        let number = self.number(&owner);
        if demand.0 != demand.1 {
            self.demands.entry(demand).or_default().push(number);
        }
        let identifiers = identifiers(&owner);
        for change in changes {
            for (exact, common) in split(change, &identifiers) {
                let key = Digest::of(format!("{common:?}").as_bytes());
                let gathered = self.changes.entry(key).or_insert_with(|| Gathered {
                    owners: Vec::new(),
                    exact,
                    common,
                });
                gathered.owners.push(number);
            }
        }
    }

    /// Adds a hazard of a directory.
    pub fn hazard(&mut self, owner: &Owner, note: HazardNote) {
        let number = self.number(owner);
        let identifiers = identifiers(owner);
        let text = |text: &Option<String>| text.as_deref().map(|text| identifiers.text(text));
        let mut common = HazardNote {
            what: identifiers.text(&note.what),
            old: text(&note.old),
            new: text(&note.new),
            ..note.clone()
        };
        if common.old == common.new {
            (common.old, common.new) = (note.old.clone(), note.new.clone());
        }
        let key = Digest::of(format!("{common:?}").as_bytes());
        let gathered = self.hazards.entry(key).or_insert_with(|| GatheredHazard {
            owners: Vec::new(),
            exact: note,
            common,
        });
        gathered.owners.push(number);
    }

    /// Puts equal changes together.
    pub fn finish(mut self) -> Overview {
        self.added.sort_by(|a, b| a.path.cmp(&b.path));
        self.removed.sort_by(|a, b| a.path.cmp(&b.path));
        let names = self.owners;
        let owners = |numbers: &[usize]| -> Vec<String> {
            let mut owners: Vec<String> = numbers
                .iter()
                .map(|number| names[*number].to_string())
                .collect();
            owners.sort_unstable();
            owners.dedup();
            owners
        };
        let mut hazards: Vec<HazardLine> = self
            .hazards
            .into_values()
            .map(|gathered| {
                let owners = owners(&gathered.owners);
                let note = if owners.len() == 1 {
                    gathered.exact
                } else {
                    gathered.common
                };
                HazardLine { note, owners }
            })
            .collect();
        hazards.sort_by(|a, b| {
            let key =
                |line: &HazardLine| (line.note.standing, std::cmp::Reverse(line.owners.len()));
            (key(a), a.note.name, &a.owners, &a.note.what).cmp(&(
                key(b),
                b.note.name,
                &b.owners,
                &b.note.what,
            ))
        });
        let mut by_owners: BTreeMap<Vec<String>, Vec<Change>> = BTreeMap::new();
        for gathered in self.changes.into_values() {
            let owners = owners(&gathered.owners);
            let change = if owners.len() == 1 {
                gathered.exact
            } else {
                gathered.common
            };
            by_owners.entry(owners).or_default().push(change);
        }
        let mut sections: Vec<Section> = by_owners
            .into_iter()
            .map(|(owners, changes)| Section {
                owners,
                parts: parts(changes),
            })
            .collect();
        sections.sort_by(|a, b| {
            (std::cmp::Reverse(a.owners.len()), &a.owners)
                .cmp(&(std::cmp::Reverse(b.owners.len()), &b.owners))
        });
        let mut demands: Vec<DemandLine> = self
            .demands
            .into_iter()
            .map(|((old, new), numbers)| DemandLine {
                owners: owners(&numbers),
                old,
                new,
            })
            .collect();
        demands.sort_by(|a, b| {
            (std::cmp::Reverse(a.owners.len()), &a.owners)
                .cmp(&(std::cmp::Reverse(b.owners.len()), &b.owners))
        });
        Overview {
            hazards,
            demands,
            demand: self.demand,
            added: self.added,
            removed: self.removed,
            sections,
            changed: self.changed,
        }
    }

    fn number(&mut self, owner: &Owner) -> usize {
        let name = owner.project.as_ref().unwrap_or(&owner.path).as_str();
        match self.owners.last() {
            Some(last) if **last == *name => self.owners.len() - 1,
            _ => {
                self.owners.push(Arc::from(name));
                self.owners.len() - 1
            }
        }
    }
}

fn identifiers(owner: &Owner) -> Identifiers {
    let names = owner.project.iter().chain(&owner.also);
    Identifiers::new(names.map(String::as_str))
}

/// Takes the change of an object apart, into pairs of what it is exactly and what it is with placeholders.
fn split(change: ObjectChange, identifiers: &Identifiers) -> Vec<(Change, Change)> {
    let ObjectChange { key, edit } = change;
    let name = |key: &ObjectKey, name: &str| ObjectName {
        rank: apply_rank(&key.kind),
        text: format!("{}/{name}", key.kind),
    };
    let (edits, former) = match edit {
        ObjectEdit::Added => (vec![Edit::Added], None),
        ObjectEdit::Removed => (vec![Edit::Removed], None),
        ObjectEdit::Changed {
            former_name,
            fields,
        } if fields.is_empty() => (vec![Edit::Renamed], former_name),
        ObjectEdit::Changed {
            former_name,
            fields,
        } => (fields.into_iter().map(Edit::Field).collect(), former_name),
    };
    let exact = match &former {
        Some(former) => name(&key, &format!("{former} -> {}", key.name)),
        None => name(&key, &key.name),
    };
    let common = name(&key, &identifiers.text(&without_hash(&key.name)));
    let pair = |edit: Edit| {
        let common_edit = match &edit {
            Edit::Field(change) => Edit::Field(identifiers.change(change)),
            other => other.clone(),
        };
        (
            Change {
                object: exact.clone(),
                edit,
            },
            Change {
                object: common.clone(),
                edit: common_edit,
            },
        )
    };
    edits.into_iter().map(pair).collect()
}

/// Puts together what has become of the same objects.
fn parts(changes: Vec<Change>) -> Vec<Part> {
    let mut by_edit: BTreeMap<String, (Edit, Vec<ObjectName>)> = BTreeMap::new();
    for Change { object, edit } in changes {
        let key = format!("{edit:?}");
        by_edit
            .entry(key)
            .or_insert_with(|| (edit, Vec::new()))
            .1
            .push(object);
    }
    let mut by_objects: BTreeMap<Vec<ObjectName>, Vec<FieldChange>> = BTreeMap::new();
    let mut parts: Vec<(Vec<ObjectName>, PartEdit)> = Vec::new();
    for (edit, mut objects) in by_edit.into_values() {
        objects.sort_unstable();
        match edit {
            Edit::Removed => parts.push((objects, PartEdit::Removed)),
            Edit::Added => parts.push((objects, PartEdit::Added)),
            Edit::Renamed => parts.push((objects, PartEdit::Changed(Vec::new()))),
            Edit::Field(change) => by_objects.entry(objects).or_default().push(change),
        }
    }
    for (objects, mut fields) in by_objects {
        // A field may stand there twice: the second place of two equal changes of a list without keys.
        fields.sort_by(|a, b| a.path.cmp(&b.path));
        parts.push((objects, PartEdit::Changed(fields)));
    }
    parts.sort_by(|(a, one), (b, other)| {
        let rank = |edit: &PartEdit| match edit {
            PartEdit::Removed => 0,
            PartEdit::Added => 1,
            PartEdit::Changed(_) => 2,
        };
        (rank(one), a.len() > 1, a).cmp(&(rank(other), b.len() > 1, b))
    });
    parts
        .into_iter()
        .map(|(objects, edit)| Part {
            objects: objects.into_iter().map(|object| object.text).collect(),
            edit,
        })
        .collect()
}

#[cfg(test)]
mod tests;
