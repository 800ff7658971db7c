//! Moving projects to another base: what it means before it is done, and the edit of `projects.yaml` that does it.
//!
//! Takes two compilations of the same inputs, before and after the edit, and gives what differs: patches that do something
//! else or nothing any more, objects, images, hazards. Knows nothing of the disk.

pub mod edit;
mod patches;
mod report;

use std::collections::BTreeSet;

use crate::base::Facts;
use crate::compile::Compilation;
use crate::config::Node;
use crate::demand::Demand;
use crate::diagnostic::Diagnostics;
use crate::diff::{self, DirectoryDiff, Objects, Owner, Status};
use crate::hazard::{self, Finding, Pair, Side};
use crate::images::Use;
use crate::model::{Project, State};
use crate::source::Span;

pub use edit::{Block, set_base};
pub use patches::{Effects, PatchChange};
pub use report::{Group, Report};

/// Which projects are to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The whole fleet, but for projects that are held back.
    Fleet,
    /// These projects.
    Projects(BTreeSet<String>),
    /// The projects of a ring.
    Ring(String),
}

/// What an edit is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The blocks whose `base` is set.
    pub blocks: Vec<Block>,
    /// The projects that are not on the new base and stay where they are, with the place that says so.
    pub stays: Vec<(String, String, Option<Span>)>,
}

/// Decides which blocks are edited so that the chosen projects get a base.
///
/// For the whole fleet that is `platform`, with `defaults` if they name a base, and every project or profile whose own
/// base is not behind the platform's: those had gone ahead. One that is behind is held back on purpose, and stays.
pub fn plan(compilation: &Compilation, root: &Node, choice: &Choice, to: &str) -> Move {
    let model = &compilation.model;
    let order = |name: &str| compilation.base(name).map(|base| base.order);
    let mut blocks = Vec::new();
    let items = root.get("projects").map(Node::items).unwrap_or_default();
    let number_of = |project: &Project| {
        let named = |item: &Node| item.get("name").and_then(Node::text) == Some(&project.name);
        items.iter().position(named)
    };
    let said = |node: &Node| node.get("base").and_then(Node::text).map(str::to_owned);
    match choice {
        Choice::Fleet => {
            let platform = root.get("platform").and_then(said);
            let defaults = root.get("defaults").and_then(said);
            let common = defaults.clone().or_else(|| platform.clone());
            let (from, target) = (common.as_deref().and_then(order), order(to));
            let moves = |base: &str| {
                let (Some(from), Some(target), Some(order)) = (from, target, order(base)) else {
                    return false;
                };
                base != to && (from.min(target)..=from.max(target)).contains(&order)
            };
            if platform.as_deref() != Some(to) {
                blocks.push(Block::Platform);
            }
            if defaults.as_deref().is_some_and(|base| base != to) {
                blocks.push(Block::Defaults);
            }
            let profiles = root.get("profiles").map(Node::entries).unwrap_or_default();
            for entry in profiles {
                if said(&entry.value).is_some_and(|base| moves(&base)) {
                    blocks.push(Block::Profile(entry.key.clone()));
                }
            }
            for (number, item) in items.iter().enumerate() {
                if said(item).is_some_and(|base| moves(&base)) {
                    blocks.push(Block::Project(number));
                }
            }
        }
        Choice::Projects(_) | Choice::Ring(_) => {
            let chosen = |project: &&Project| match choice {
                Choice::Projects(names) => names.contains(&project.name),
                Choice::Ring(ring) => project.ring.as_ref() == Some(ring),
                Choice::Fleet => true,
            };
            let moved = model.projects.iter().filter(chosen);
            let moved = moved.filter(|project| project.base != to);
            blocks.extend(moved.filter_map(number_of).map(Block::Project));
        }
    }
    blocks.sort();
    let stays = |project: &&Project| {
        let profile = |item: &Node| {
            let defaults = root.get("defaults");
            let name = item.get("profile").or_else(|| defaults?.get("profile"))?;
            Some(Block::Profile(name.text()?.to_owned()))
        };
        let Some(number) = number_of(project) else {
            return false;
        };
        let own = Block::Project(number);
        let item = &items[number];
        // The highest layer that says a base decides.
        let deciding = if said(item).is_some() || item.get("base").is_some_and(Node::is_null) {
            Some(own)
        } else {
            let profile = profile(item);
            let says = |block: &Block| block.find(root).and_then(said).is_some();
            profile
                .filter(says)
                .or_else(|| Some(Block::Defaults).filter(says))
        };
        let deciding = deciding.unwrap_or(Block::Platform);
        project.base != to && matches!(choice, Choice::Fleet) && !blocks.contains(&deciding)
    };
    let held: Vec<_> = model
        .projects
        .iter()
        .filter(stays)
        .map(|project| {
            let place = project.spans.get("/base").copied();
            (project.name.clone(), project.base.clone(), place)
        })
        .collect();
    Move {
        blocks,
        stays: held,
    }
}

/// What a project is before and after.
#[derive(Debug)]
pub struct Moved {
    /// Its name.
    pub project: String,
    /// Its base before.
    pub from: String,
    /// What differs, in the terms of `diff`; `None` when the new base is refused.
    pub diff: Option<DirectoryDiff>,
    /// What is hazardous about it.
    pub findings: Vec<Finding>,
    /// What has become of its patches.
    pub patches: Vec<PatchChange>,
    /// Images that others take the place of.
    pub images: BTreeSet<(Option<String>, Option<String>)>,
}

/// Compares a project before and after; what speaks against the new base goes to `diagnostics`.
///
/// Errors: those of rendering it before, with which nothing can be said.
pub fn compare(
    before: &Compilation,
    after: &Compilation,
    old: &Project,
    diagnostics: &mut Diagnostics,
) -> Result<Option<Moved>, Diagnostics> {
    let Some(new) = after.project_named(&old.name) else {
        return Ok(None);
    };
    if new.base == old.base {
        return Ok(None);
    }
    let mut was = Effects::default();
    let mut found = Diagnostics::default();
    let Ok((old_objects, old_images)) = before.with_images(old, &mut found, &mut was) else {
        return Err(found);
    };
    let mut will = Effects::default();
    let mut found = Diagnostics::default();
    let rendered = after.with_images(new, &mut found, &mut will);
    let mut moved = Moved {
        project: old.name.clone(),
        from: old.base.clone(),
        diff: None,
        findings: Vec::new(),
        patches: patches::compare(old, new, &was, &will, &found),
        images: BTreeSet::new(),
    };
    diagnostics.extend(found);
    if let Ok((new_objects, new_images)) = rendered {
        let directory = format!("{}/{}", new.cluster, new.namespace);
        let (old_objects, new_objects) = (Objects::new(old_objects), Objects::new(new_objects));
        moved.images = images(&old_images, &new_images);
        let hop = after.hop(new, &old.base)?;
        moved.findings = hazard::find(&Pair {
            directory: &directory,
            project: Some(&new.name),
            old: side(&old_objects, old.state, before.base(&old.base)),
            new: side(&new_objects, new.state, after.base(&new.base)),
            hop: Some(&hop),
        });
        moved.diff = Some(DirectoryDiff {
            owner: Owner {
                path: directory,
                project: Some(new.name.clone()),
                also: vec![new.namespace.clone()],
            },
            status: Status::Kept,
            changes: diff::objects(&old_objects, &new_objects),
            demand: (
                Demand::of(old_objects.iter()),
                Demand::of(new_objects.iter()),
            ),
        });
    }
    Ok(Some(moved))
}

/// Compares what each cluster gets once; a cluster whose newest base stays the same is left out.
pub fn compare_clusters(
    before: &Compilation,
    after: &Compilation,
    diagnostics: &mut Diagnostics,
) -> Vec<(DirectoryDiff, Vec<Finding>)> {
    let mut compared = Vec::new();
    for cluster in &after.model.clusters {
        let Some(former) = before
            .model
            .clusters
            .iter()
            .find(|former| former.name == cluster.name)
        else {
            continue;
        };
        let mut ignored = Diagnostics::default();
        let (Ok(old), Ok(new)) = (
            before.once_per_cluster(former, &mut ignored),
            after.once_per_cluster(cluster, diagnostics),
        ) else {
            continue;
        };
        let (old, new) = (Objects::new(old), Objects::new(new));
        let path = format!("{}/{}", cluster.name, crate::compile::CLUSTER_DIRECTORY);
        let changes = diff::objects(&old, &new);
        if changes.is_empty() {
            continue;
        }
        let findings = hazard::find(&Pair {
            directory: &path,
            project: None,
            old: side(&old, State::Active, None),
            new: side(&new, State::Active, None),
            hop: None,
        });
        let owner = Owner {
            path,
            project: None,
            also: Vec::new(),
        };
        let directory = DirectoryDiff {
            owner,
            status: Status::Kept,
            changes,
            demand: (Demand::of(old.iter()), Demand::of(new.iter())),
        };
        compared.push((directory, findings));
    }
    compared
}

fn side<'a>(objects: &'a Objects, state: State, base: Option<&'a Facts>) -> Side<'a> {
    let state = match state {
        State::Active => "active",
        State::Paused => "paused",
        State::Retired => "retired",
    };
    Side {
        objects,
        state,
        base,
    }
}

/// Pairs images: those of one name, then those that one place runs; what is left over has come or gone.
fn images(old: &[Use], new: &[Use]) -> BTreeSet<(Option<String>, Option<String>)> {
    let all =
        |uses: &[Use]| -> BTreeSet<String> { uses.iter().map(|used| used.image.clone()).collect() };
    let (before, after) = (all(old), all(new));
    let mut gone: BTreeSet<&String> = before.difference(&after).collect();
    let mut come: BTreeSet<&String> = after.difference(&before).collect();
    let mut pairs = Vec::new();
    for image in before.difference(&after) {
        let alike = |set: &BTreeSet<&String>| -> Vec<String> {
            let same = set.iter().filter(|other| name_of(other) == name_of(image));
            same.map(|other| (*other).clone()).collect()
        };
        if let ([_], [other]) = (alike(&gone).as_slice(), alike(&come).as_slice()) {
            pairs.push((image.clone(), other.clone()));
            gone.remove(image);
            come.remove(other);
        }
    }
    for used in old.iter().filter(|used| gone.contains(&used.image)) {
        let stem = |object: &str| diff::hashed_stem(object).unwrap_or(object).to_owned();
        let same_place = new.iter().find(|other| {
            stem(&other.object) == stem(&used.object)
                && other.path == used.path
                && come.contains(&other.image)
        });
        if let Some(other) = same_place {
            pairs.push((used.image.clone(), other.image.clone()));
        }
    }
    let mut images: BTreeSet<(Option<String>, Option<String>)> = pairs
        .iter()
        .map(|(old, new)| (Some(old.clone()), Some(new.clone())))
        .collect();
    let paired = |image: &String| pairs.iter().any(|(old, new)| old == image || new == image);
    images.extend(
        gone.into_iter()
            .filter(|image| !paired(image))
            .map(|image| (Some(image.clone()), None)),
    );
    images.extend(
        come.into_iter()
            .filter(|image| !paired(image))
            .map(|image| (None, Some(image.clone()))),
    );
    images
}

/// Returns the last part of an image's name, without tag and digest.
fn name_of(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split(['@', ':']).next().unwrap_or(last)
}
