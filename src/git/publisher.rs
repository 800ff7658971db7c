//! Turns rendered directories into a commit.
//!
//! Takes rendered directories from several threads and what the parent's tree and its index say; gives the id of a
//! commit that nothing points to yet. The rules about files that are not ours are those of [`tree`](crate::tree).

mod judge;
mod paths;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use git2::{ObjectType, Oid};

use super::commit::CommitText;
use super::compose::{self, Entries, Files};
use super::entries::{DIRECTORY, Entry, FILE, Kind};
use super::snapshot::{Found, Listing, Snapshot, look_up, read_listing, tree_of};
use super::store::Store;
use super::{GitError, ObjectId, Repository, hash};
use crate::tree::{Form, INDEX, RenderedDirectory, Stop, StopReason, Summary, index};
use paths::{checked_path, components, reason_of_obstacle, unsafe_paths};

/// Turns rendered directories into a commit.
///
/// Nothing that anybody reads changes before [`Publisher::finish`], and nothing points to the commit after it:
/// a publisher that is dropped leaves nothing behind.
#[derive(Debug)]
pub struct Publisher<'r> {
    repository: &'r Repository,
    /// Where the tree lies below the top of the repository, without slashes at its ends.
    path: String,
    parent: Option<Oid>,
    /// The trees from the top of the parent down to the one that holds ours; a missing one is empty.
    above: Vec<Entries>,
    /// The parent's tree at `path`.
    old: Snapshot,
    /// What the parent's index says.
    index: index::Index,
    adopt: bool,
    store: Store<'r>,
    plan: Mutex<Plan>,
}

/// What is to be done, as far as it is known.
#[derive(Debug, Default)]
struct Plan {
    directories: BTreeMap<String, Files>,
    /// What the index will say.
    entries: BTreeMap<String, Arc<index::Entry>>,
    written: Vec<String>,
    removed: Vec<String>,
    unchanged: usize,
    stops: Vec<Stop>,
    adopted: Vec<String>,
}

/// What has become of a publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// The parent's tree is what was rendered; there is no new commit.
    Unchanged(Summary),
    /// The commit is in the repository, and nothing points to it.
    Committed(ObjectId, Summary),
}

impl<'r> Publisher<'r> {
    /// Reads the parent's tree and its index.
    ///
    /// `path` is where the tree lies below the top of the repository; the empty path and `.` are the top.
    /// Without a parent the commit becomes the first one of its branch. With `adopt`, files of the parent that are
    /// not ours or were edited by hand are replaced and removed instead of stopping.
    ///
    /// Errors: [`GitError::Stopped`] when the way to the tree leads over a link or a file, when the index cannot be
    /// read, or when `path` leaves the repository.
    pub fn begin(
        repository: &'r Repository,
        parent: Option<ObjectId>,
        path: &str,
        adopt: bool,
    ) -> Result<Self, GitError> {
        let path = checked_path(path)?;
        repository.refresh()?;
        let parent = parent.map(|parent| parent.0);
        let mut publisher = Publisher {
            repository,
            path,
            parent,
            above: Vec::new(),
            old: Snapshot::default(),
            index: index::Index::default(),
            adopt,
            store: Store::new(repository),
            plan: Mutex::default(),
        };
        publisher.read_parent()?;
        Ok(publisher)
    }

    /// Returns the commit on which the new one builds.
    pub fn parent(&self) -> Option<ObjectId> {
        self.parent.map(ObjectId)
    }

    /// Takes one directory: compares it with the parent's, and takes in what is new.
    ///
    /// May be called from several threads. What is not ours is gathered, for [`Publisher::finish`] to report all at once.
    pub fn put(&self, rendered: &RenderedDirectory) -> Result<(), GitError> {
        let unsafe_paths = unsafe_paths(rendered);
        if !unsafe_paths.is_empty() {
            let stops = unsafe_paths
                .into_iter()
                .map(|path| self.stop(&path, StopReason::UnsafePath));
            self.plan().stops.extend(stops);
            return Ok(());
        }
        let content = rendered.files.iter();
        let files: Files = content
            .map(|(name, content)| (name.as_str().into(), hash(ObjectType::Blob, content)))
            .collect();
        let judged = self.judge(&rendered.path, &files)?;
        if self.adopt || judged.stops.is_empty() {
            let contents = rendered.files.values();
            for ((name, id), content) in files.iter().zip(contents) {
                if judged.changed.contains(name) {
                    self.store.insert(*id, ObjectType::Blob, content)?;
                }
            }
        }

        let entry = self.entry(rendered);
        let mut plan = self.plan();
        match (judged.differs, rendered.files.is_empty()) {
            (false, _) => plan.unchanged += 1,
            (true, true) => plan.removed.push(rendered.path.clone()),
            (true, false) => plan.written.push(rendered.path.clone()),
        }
        plan.note(judged.stops, self.adopt);
        plan.entries.insert(rendered.path.clone(), entry);
        let earlier = plan.directories.insert(rendered.path.clone(), files);
        drop(plan);
        assert!(earlier.is_none(), "every directory is rendered once");
        Ok(())
    }

    /// Returns what would stop [`Publisher::finish`], for a run that ends for another reason.
    pub fn stops(&self) -> Result<Vec<Stop>, GitError> {
        let mut plan = self.plan();
        let put: Vec<String> = plan.directories.keys().cloned().collect();
        let mut found = Plan::default();
        found.stops.append(&mut plan.stops);
        drop(plan);
        for path in self.index.directories.keys() {
            if put.binary_search(path).is_err() {
                found.note(self.judge(path, &Files::new())?.stops, self.adopt);
            }
        }
        found.stops.sort_unstable();
        found.stops.dedup();
        Ok(found.stops)
    }

    /// Makes the commit: all directories that were put are as rendered, those that were ours and were not put are gone.
    ///
    /// `beside` are files at the top of the tree that tell of the publish itself: they are part of a commit and never
    /// the reason for one. The index and the trees that nothing has changed stay what they are.
    ///
    /// Errors: [`GitError::Stopped`] with everything that is not ours, nothing having been written.
    pub fn finish(
        self,
        commit: &CommitText,
        beside: &BTreeMap<String, Vec<u8>>,
        form: Form,
    ) -> Result<Finished, GitError> {
        let mut plan = std::mem::take(&mut *self.plan());
        self.settle_others(&mut plan)?;
        if !plan.stops.is_empty() {
            plan.stops.sort_unstable();
            plan.stops.dedup();
            return Err(GitError::Stopped(plan.stops));
        }
        let summary = plan.summary();

        let ours = plan
            .directories
            .iter()
            .map(|(path, files)| (path.as_str(), files));
        let mut top = compose::compose(&self.old, ours, &self.store)?;
        let index = index::Index {
            form,
            directories: plan.entries,
        };
        let mut text = Vec::new();
        index.write(&mut text).expect("a vector takes everything");
        self.add_file(&mut top, INDEX, &text)?;

        let old = self.old.get("").map(|listing| listing.id);
        let new = compose::encoded(top.clone()).map(|(id, _)| id);
        if self.parent.is_some() && new == old {
            return Ok(Finished::Unchanged(summary));
        }
        for (name, content) in beside {
            self.add_file(&mut top, name, content)?;
        }
        let tree = self.write_above(top)?;
        let content = commit.encode(ObjectId(tree), self.parent.map(ObjectId));
        let id = self.store.add(ObjectType::Commit, &content)?;
        self.store.install()?;
        Ok(Finished::Committed(ObjectId(id), summary))
    }

    fn read_parent(&mut self) -> Result<(), GitError> {
        let Some(parent) = self.parent else {
            let depth = components(&self.path).count();
            self.above = vec![Entries::new(); depth];
            return Ok(());
        };
        let (above, found) = self
            .repository
            .with(|handle| self.read_above(handle, parent))?;
        self.above = above;
        match found {
            Found::Directory(top) => self.old = Snapshot::read(self.repository, top)?,
            Found::Nothing => {}
            Found::Other(path, kind) => {
                let stop = Stop {
                    path,
                    reason: reason_of_obstacle(kind),
                };
                return Err(GitError::Stopped(vec![stop]));
            }
        }
        let Some(entry) = self.old.get("").and_then(|top| top.find(INDEX.as_bytes())) else {
            return Ok(());
        };
        let stopped = |reason| GitError::Stopped(vec![self.stop(INDEX, reason)]);
        match entry.kind() {
            Kind::File => {}
            Kind::Link => return Err(stopped(StopReason::SymbolicLink)),
            Kind::Directory | Kind::Submodule => return Err(stopped(StopReason::Foreign)),
        }
        let text = self.repository.read_object(entry.id, ObjectType::Blob)?;
        self.index =
            index::Index::parse(&text).map_err(|why| stopped(StopReason::InvalidIndex(why)))?;
        Ok(())
    }

    /// Reads the trees that lead to ours, from the top of the parent.
    fn read_above(
        &self,
        handle: &git2::Repository,
        parent: Oid,
    ) -> anyhow::Result<(Vec<Entries>, Found)> {
        let reading = || format!("reading commit {parent} of `{}`", self.repository.shown());
        let root = tree_of(handle, parent).with_context(reading)?;
        let mut above = Vec::new();
        let mut walked = String::new();
        for component in components(&self.path) {
            let entries = match look_up(handle, root, &walked).with_context(reading)? {
                Found::Directory(tree) => {
                    let listing = read_listing(handle, tree).with_context(reading)?;
                    compose::by_name(Some(&listing))
                }
                Found::Nothing | Found::Other(..) => Entries::new(),
            };
            above.push(entries);
            walked = if walked.is_empty() {
                component.to_owned()
            } else {
                format!("{walked}/{component}")
            };
        }
        Ok((
            above,
            look_up(handle, root, &self.path).with_context(reading)?,
        ))
    }

    /// Returns what the index will say, sharing what it says already.
    fn entry(&self, rendered: &RenderedDirectory) -> Arc<index::Entry> {
        let entry = index::Entry::of(rendered);
        match self.index.directories.get(&rendered.path) {
            Some(present) if **present == entry => Arc::clone(present),
            _ => Arc::new(entry),
        }
    }

    /// Decides on the directories that were ours and were not put: they are to vanish.
    fn settle_others(&self, plan: &mut Plan) -> Result<(), GitError> {
        for path in self.index.directories.keys() {
            if plan.directories.contains_key(path) {
                continue;
            }
            let judged = self.judge(path, &Files::new())?;
            plan.note(judged.stops, self.adopt);
            if self.old.get(path).is_some() {
                plan.removed.push(path.clone());
                plan.directories.insert(path.clone(), Files::new());
            }
        }
        Ok(())
    }

    /// Takes in a file at the top of the tree.
    fn add_file(&self, top: &mut Entries, name: &str, content: &[u8]) -> Result<(), GitError> {
        let present = top.get(name.as_bytes());
        if let Some(kind) = present.map(Entry::kind).filter(|kind| *kind != Kind::File) {
            let stop = self.stop(name, reason_of_obstacle(kind));
            return Err(GitError::Stopped(vec![stop]));
        }
        let id = hash(ObjectType::Blob, content);
        if present.is_none_or(|present| present.id != id) {
            self.store.insert(id, ObjectType::Blob, content)?;
        }
        top.insert(
            name.as_bytes().into(),
            Entry::new(name.as_bytes(), FILE, id),
        );
        Ok(())
    }

    /// Writes the trees from ours up to the top of the repository, whose id is returned.
    fn write_above(&self, top: Entries) -> anyhow::Result<Oid> {
        let mut entries = top;
        for (component, above) in components(&self.path)
            .zip(&self.above)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            let name = component.as_bytes();
            let id = compose::write(entries, None, &self.store)?;
            entries = above.clone();
            match id {
                Some(id) => entries.insert(name.into(), Entry::new(name, DIRECTORY, id)),
                None => entries.remove(name),
            };
        }
        let id = compose::write(entries, None, &self.store)?;
        Ok(id.expect("the tree holds at least its index"))
    }

    /// Returns how messages name a path of the tree: from the top of the repository.
    fn shown(&self, path: &str) -> String {
        if self.path.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.path)
        }
    }

    fn stop(&self, path: &str, reason: StopReason) -> Stop {
        Stop {
            path: self.shown(path),
            reason,
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listing(&self, path: &str) -> Option<&Listing> {
        self.old.get(path)
    }
}

impl Plan {
    /// Takes note of what is not ours.
    fn note(&mut self, stops: Vec<Stop>, adopt: bool) {
        for stop in stops {
            match stop.reason {
                StopReason::Foreign | StopReason::HandEdited if adopt => {
                    self.adopted.push(stop.path)
                }
                _ => self.stops.push(stop),
            }
        }
    }

    fn summary(&mut self) -> Summary {
        for paths in [&mut self.written, &mut self.removed, &mut self.adopted] {
            paths.sort_unstable();
        }
        Summary {
            written: std::mem::take(&mut self.written),
            removed: std::mem::take(&mut self.removed),
            unchanged: self.unchanged,
            adopted: std::mem::take(&mut self.adopted),
        }
    }
}
