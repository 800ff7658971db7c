//! Brings the tree up to date. The order of the steps, and why, is in the documentation of [`tree`](super).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::compare::{Comparison, Known, compare};
use super::index::{Entry, Index};
use super::open::{lock, make_top, read_index};
use super::staging::Staging;
use super::{Form, Location, RenderedDirectory, Scope, Stop, StopReason, TreeError, path};
use crate::confined::{Directory, OpenError};
use crate::digest::Digest;

/// How to write.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether files that are not ours, or were edited by hand, are replaced and removed instead of stopping.
    pub adopt: bool,
    /// Which directories this run answers for.
    pub scope: Scope,
    /// The form of the tree.
    pub form: Form,
    /// How long to wait for another process that renders into the same tree.
    pub patience: Duration,
}

/// What a run has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Directories that were made or replaced: paths relative to the tree, sorted.
    pub written: Vec<String>,
    /// Directories that were removed: paths relative to the tree, sorted.
    pub removed: Vec<String>,
    /// Directories that were as they should be.
    pub unchanged: usize,
    /// Paths that were taken over, as [`Location::display`] names them, sorted.
    pub adopted: Vec<String>,
}

/// Brings the tree up to date.
///
/// Nothing that anybody reads changes before [`Writer::finish`]; a writer that is dropped leaves the tree as it was.
#[derive(Debug)]
pub struct Writer {
    location: Location,
    options: Options,
    /// Holds the lock.
    top: Directory,
    staging: Staging,
    /// The index, then the journals of runs that did not get to their end.
    indexes: Vec<Index>,
    index_digest: Option<Digest>,
    plan: Mutex<Plan>,
    /// Held while a directory is prepared. Making files is the file system's work, which two threads at once only get
    /// in each other's way of: on ext4, two cost a third more of system and of elapsed time than one.
    preparing: Mutex<()>,
    #[cfg(test)]
    pub(super) crash: super::tests::Crash,
}

/// What is to be done, as far as it is known.
#[derive(Debug, Default)]
struct Plan {
    /// What the index will say of the directories that were rendered.
    entries: BTreeMap<String, Arc<Entry>>,
    /// Prepared directories.
    placements: Vec<Placement>,
    /// Directories that are to vanish.
    removals: BTreeSet<String>,
    unchanged: usize,
    stops: Vec<Stop>,
    adopted: Vec<String>,
}

#[derive(Debug)]
struct Placement {
    /// Where the directory belongs.
    path: String,
    /// Name below the staging directory.
    staged: String,
    /// Whether there is a directory already.
    replaces: bool,
}

impl Writer {
    /// Locks the tree, making its top directory when it is missing, and clears away what an earlier run has left.
    ///
    /// `waiting` is called once when another process holds the lock.
    ///
    /// Errors: [`TreeError::Stopped`] when the way to the tree or the index leads over a link, or the index cannot
    /// be read; [`TreeError::Environment`] when the lock stays taken.
    pub fn open(
        location: &Location,
        options: Options,
        waiting: impl FnOnce(),
    ) -> Result<Self, TreeError> {
        let top = make_top(location)?;
        lock(&top, location, options.patience, waiting)?;
        let (index, index_digest) = read_index(&top, location)?;
        let mut indexes = vec![index];
        let staging = Staging::open(&top, location, &mut indexes)?;
        Ok(Writer {
            location: location.clone(),
            options,
            top,
            staging,
            indexes,
            index_digest,
            plan: Mutex::default(),
            preparing: Mutex::default(),
            #[cfg(test)]
            crash: super::tests::Crash::default(),
        })
    }

    /// Takes one directory: compares it with the tree, and prepares it when something differs.
    ///
    /// May be called from several threads. What is not ours is gathered, for [`Writer::finish`] to report all at once.
    /// Returns whether anything differs.
    pub fn put(&self, rendered: &RenderedDirectory) -> Result<bool, TreeError> {
        path::check(&self.location, rendered)?;
        let mut comparison = compare(&self.top, &self.location, rendered, &self.known())?;
        let stops = std::mem::take(&mut comparison.stops);
        let hopeless = !self.options.adopt && !stops.is_empty();
        let as_it_should_be = comparison.differing.is_empty();
        let replaces = comparison.directory.is_some();
        let staged = if hopeless || as_it_should_be || rendered.files.is_empty() {
            None
        } else {
            Some(self.prepare(rendered, &comparison)?)
        };

        let entry = self.entry(rendered);
        let mut plan = self.plan();
        plan.note(stops, self.options.adopt);
        if let Some(staged) = staged {
            plan.placements.push(Placement {
                path: rendered.path.clone(),
                staged,
                replaces,
            });
        } else if rendered.files.is_empty() && replaces {
            plan.removals.insert(rendered.path.clone());
        } else {
            plan.unchanged += 1;
        }
        let earlier = plan.entries.insert(rendered.path.clone(), entry);
        drop(plan);
        assert!(earlier.is_none(), "every directory is rendered once");
        Ok(!as_it_should_be)
    }

    /// Ends the run without changing anything, and returns what would have stopped it.
    pub fn stop(self) -> Result<Vec<Stop>, TreeError> {
        let mut plan = std::mem::take(&mut *self.plan());
        self.settle_others(&mut plan)?;
        plan.stops.sort_unstable();
        plan.stops.dedup();
        Ok(plan.stops)
    }

    /// Changes the tree: all directories that were put are as they should be, and those that are gone are gone.
    ///
    /// Errors: [`TreeError::Stopped`] with everything that is not ours, the tree being as it was.
    pub fn finish(self) -> Result<Summary, TreeError> {
        let mut plan = std::mem::take(&mut *self.plan());
        let carried = self.settle_others(&mut plan)?;
        if !plan.stops.is_empty() {
            plan.stops.sort_unstable();
            plan.stops.dedup();
            return Err(TreeError::Stopped(plan.stops));
        }
        plan.placements.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        plan.adopted.sort_unstable();
        assert_apart(&plan.entries);
        let summary = Summary {
            written: plan
                .placements
                .iter()
                .map(|placement| placement.path.clone())
                .collect(),
            removed: plan.removals.iter().cloned().collect(),
            unchanged: plan.unchanged,
            adopted: plan.adopted,
        };

        let mut directories = plan.entries;
        directories.extend(carried);
        let index = Index {
            form: self.options.form,
            directories,
        };
        if plan.placements.is_empty()
            && plan.removals.is_empty()
            && self.index_digest == Some(index.digest())
        {
            self.staging.clear(&self.top, &self.location)?;
            return Ok(summary);
        }

        let journal = self
            .staging
            .write_journal(&self.top, &self.location, &index)?;
        self.checkpoint()?;
        // From the deepest up, so that a directory that holds another one of ours is alone when its turn comes;
        // before the placements, because a former directory may stand where the parent of a new one belongs.
        for path in plan.removals.iter().rev() {
            if index.has_below(path) {
                self.empty(path, &index)?;
            } else {
                self.staging.take_away(&self.top, &self.location, path)?;
            }
            self.checkpoint()?;
        }
        for placement in &plan.placements {
            self.place(placement)?;
            self.checkpoint()?;
        }
        for path in plan.removals.iter().rev() {
            self.remove_empty_parents(path)?;
        }
        self.staging.install(&self.top, &self.location, &journal)?;
        self.checkpoint()?;
        self.staging.clear(&self.top, &self.location)?;
        Ok(summary)
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> Known<'_> {
        Known {
            indexes: &self.indexes,
            nested: self.options.scope == Scope::All,
        }
    }

    /// Returns what the index will say, sharing what it says already.
    fn entry(&self, rendered: &RenderedDirectory) -> Arc<Entry> {
        let entry = Entry::of(rendered);
        match self.indexes[0].directories.get(&rendered.path) {
            Some(present) if **present == entry => Arc::clone(present),
            _ => Arc::new(entry),
        }
    }

    /// Prepares a directory below the staging directory and returns its name there.
    fn prepare(
        &self,
        rendered: &RenderedDirectory,
        comparison: &Comparison,
    ) -> Result<String, TreeError> {
        let shown = |name: &str| self.location.display(&format!("{}/{name}", rendered.path));
        let _one_at_a_time = self
            .preparing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (name, prepared, masked) = self.staging.make(&self.top, &self.location)?;
        for (file, bytes) in &rendered.files {
            let unchanged = comparison.unchanged.binary_search(file).is_ok();
            let file_name = OsStr::new(file);
            match &comparison.directory {
                Some(present) if unchanged => {
                    present.carry_over(file_name, &prepared, bytes, masked)
                }
                _ => prepared.write_new(file_name, bytes, masked).map(drop),
            }
            .map_err(TreeError::environment("writing", shown(file)))?;
            self.checkpoint()?;
        }
        Ok(name)
    }

    /// Decides on the directories that were not put: which are to vanish, and what the index keeps saying of the rest.
    fn settle_others(&self, plan: &mut Plan) -> Result<BTreeMap<String, Arc<Entry>>, TreeError> {
        let mut others: BTreeMap<&String, Vec<&Arc<Entry>>> = BTreeMap::new();
        for (path, entry) in self.indexes.iter().flat_map(|index| &index.directories) {
            if !plan.entries.contains_key(path) {
                others.entry(path).or_default().push(entry);
            }
        }
        let mut carried = BTreeMap::new();
        for (path, entries) in others {
            let in_scope = |entry: &&Arc<Entry>| self.options.scope.holds(entry.project.as_deref());
            if !entries.iter().any(in_scope) {
                if let Some(entry) = self.entry_on_disk(path, &entries)? {
                    carried.insert(path.clone(), entry);
                }
                continue;
            }
            let nothing = RenderedDirectory {
                path: path.clone(),
                project: None,
                base: None,
                state: String::new(),
                files: BTreeMap::new(),
            };
            let comparison = compare(&self.top, &self.location, &nothing, &self.known())?;
            plan.note(comparison.stops, self.options.adopt);
            if comparison.directory.is_some() {
                plan.removals.insert(path.clone());
            }
        }
        Ok(carried)
    }

    /// Returns which of the entries tells what is on disk, for a directory that this run does not answer for.
    fn entry_on_disk(
        &self,
        path: &str,
        entries: &[&Arc<Entry>],
    ) -> Result<Option<Arc<Entry>>, TreeError> {
        let agreed =
            entries.len() == self.indexes.len() && entries.iter().all(|entry| *entry == entries[0]);
        if agreed {
            return Ok(Some(Arc::clone(entries[0])));
        }
        // A run that did not get to its end has left the directory as one of the indexes says.
        let environment = || TreeError::environment("reading", self.location.display(path));
        let directory = match self.top.open_below(path) {
            Ok(directory) => directory,
            Err((_, OpenError::Io(error))) => return Err(environment()(error)),
            Err(_) => return Ok(None),
        };
        for entry in entries {
            if entry.is_in(&directory).map_err(environment())? {
                return Ok(Some(Arc::clone(entry)));
            }
        }
        Ok(self.indexes[0].directories.get(path).cloned())
    }

    fn place(&self, placement: &Placement) -> Result<(), TreeError> {
        let path = placement.path.as_str();
        let environment = || TreeError::environment("replacing", self.location.display(path));
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let above = self.top.make_below(above).map_err(|(component, error)| {
            TreeError::environment("making", self.location.display(&component))(error.into())
        })?;
        let staged = OsStr::new(&placement.staged);
        let name = OsStr::new(name);
        let staging = self.staging.directory(&self.top, &self.location)?;
        if !placement.replaces {
            return staging.rename(staged, &above, name).map_err(environment());
        }
        #[cfg(test)]
        let possible = !self.crash.exchange_is_missing;
        #[cfg(not(test))]
        let possible = true;
        if possible
            && staging
                .exchange(staged, &above, name)
                .map_err(environment())?
        {
            return Ok(());
        }
        // Without an exchange there is a moment without the directory; a run that finds it missing and displaced
        // puts it back (`Staging::open`).
        self.staging.displace(&self.top, &self.location, path)?;
        self.checkpoint()?;
        staging.rename(staged, &above, name).map_err(environment())
    }

    /// Removes what lies in a former directory of ours that is now the parent of others.
    ///
    /// Not in one step, because the others may have been placed by a run that did not get to its end.
    fn empty(&self, path: &str, index: &Index) -> Result<(), TreeError> {
        let empty = || -> io::Result<()> {
            let directory = self
                .top
                .open_below(path)
                .map_err(|(_, error)| io::Error::from(error))?;
            for (name, _) in directory.entries()? {
                let below = format!("{path}/{}", name.to_string_lossy());
                if !index.directories.contains_key(&below) && !index.has_below(&below) {
                    directory.remove_all(&name)?;
                }
            }
            Ok(())
        };
        empty().map_err(TreeError::environment(
            "removing",
            self.location.display(path),
        ))
    }

    fn remove_empty_parents(&self, path: &str) -> Result<(), TreeError> {
        let mut path = path;
        while let Some((above, _)) = path.rsplit_once('/') {
            let (parent, name) = above.rsplit_once('/').unwrap_or(("", above));
            let Ok(parent) = self.top.open_below(parent) else {
                return Ok(());
            };
            let removed = parent
                .remove_empty(OsStr::new(name))
                .map_err(TreeError::environment(
                    "removing",
                    self.location.display(above),
                ))?;
            if !removed {
                return Ok(());
            }
            path = above;
        }
        Ok(())
    }

    /// Marks a point at which a test may stop as `kill -9` would.
    #[cfg(test)]
    fn checkpoint(&self) -> Result<(), TreeError> {
        self.crash.checkpoint()
    }

    #[cfg(not(test))]
    fn checkpoint(&self) -> Result<(), TreeError> {
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        #[cfg(test)]
        if self.crash.happened() {
            return;
        }
        self.staging.abandon(&self.top);
    }
}

impl Plan {
    /// Takes note of what is not ours.
    fn note(&mut self, stops: Vec<Stop>, adopt: bool) {
        for stop in stops {
            match stop.reason {
                StopReason::Foreign | StopReason::HandEdited if adopt => {
                    self.adopted.push(stop.path);
                }
                _ => self.stops.push(stop),
            }
        }
    }
}

/// Panics when one directory of ours lies in another: exchanging the outer one would take the inner one along.
fn assert_apart(entries: &BTreeMap<String, Arc<Entry>>) {
    for path in entries.keys() {
        for (at, _) in path.match_indices('/') {
            assert!(
                !entries.contains_key(&path[..at]),
                "no rendered directory lies in another one"
            );
        }
    }
}
