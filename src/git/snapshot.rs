//! The tree of a revision, in memory: directories, names, modes and ids, without any content.
//!
//! Takes the id of a commit and a path; a fleet of ten thousand projects is some ten megabytes.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow};
use git2::{ObjectType, Oid};

use super::entries::{Entry, Kind};
use super::{Repository, explain};

/// Most entries that are read of one tree; a tree made with ill intent may claim any number at no cost.
const ENTRIES_LIMIT: usize = 1_000_000;
/// Deepest nesting of directories that is read.
const DEPTH_LIMIT: usize = 128;

/// A tree and the trees below it, by their path relative to it; it is itself at the empty path.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub(super) directories: BTreeMap<Vec<u8>, Listing>,
}

/// One tree.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) id: Oid,
    /// Sorted by name.
    pub(super) entries: Vec<Entry>,
}

/// What lies at a path of a commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Directory(Oid),
    Nothing,
    /// At this component of the path, something that is no directory.
    Other(String, Kind),
}

impl Listing {
    /// Finds an entry by its name.
    pub(super) fn find(&self, name: &[u8]) -> Option<&Entry> {
        let found = self
            .entries
            .binary_search_by(|entry| (*entry.name).cmp(name));
        found.ok().map(|at| &self.entries[at])
    }
}

impl Snapshot {
    /// Reads a tree and all trees below it.
    pub(super) fn read(repository: &Repository, top: Oid) -> anyhow::Result<Self> {
        repository.with(|handle| {
            let mut directories = BTreeMap::new();
            let mut count = 0;
            let mut waiting = vec![(Vec::new(), 0, top)];
            while let Some((path, depth, id)) = waiting.pop() {
                let listing = read_listing(handle, id).with_context(|| {
                    let path = String::from_utf8_lossy(&path);
                    format!(
                        "reading tree {id}, at `{path}`, of `{}`",
                        repository.shown()
                    )
                })?;
                count += listing.entries.len();
                if count > ENTRIES_LIMIT {
                    return Err(anyhow!(
                        "tree {top} has more than {ENTRIES_LIMIT} files and directories"
                    ));
                }
                for entry in &listing.entries {
                    if entry.kind() != Kind::Directory {
                        continue;
                    }
                    let below = join(&path, &entry.name);
                    if depth == DEPTH_LIMIT {
                        let below = String::from_utf8_lossy(&below);
                        return Err(anyhow!(
                            "`{below}` of tree {top} is nested more than {DEPTH_LIMIT} deep"
                        ));
                    }
                    waiting.push((below, depth + 1, entry.id));
                }
                directories.insert(path, listing);
            }
            Ok(Snapshot { directories })
        })
    }

    /// Returns the directory at a path.
    pub(super) fn get(&self, path: &str) -> Option<&Listing> {
        self.directories.get(path.as_bytes())
    }

    /// Returns the first component of a path that is there and is no directory, as a path.
    pub(super) fn obstacle<'a>(&self, path: &'a str) -> Option<(&'a str, Kind)> {
        let ends = path
            .match_indices('/')
            .map(|(at, _)| at)
            .chain([path.len()]);
        for end in ends {
            let (above, name) = path[..end].rsplit_once('/').unwrap_or(("", &path[..end]));
            let entry = self.get(above)?.find(name.as_bytes())?;
            if entry.kind() != Kind::Directory {
                return Some((&path[..end], entry.kind()));
            }
        }
        None
    }
}

/// Reads one tree, its modes as they stand there.
pub(super) fn read_listing(handle: &git2::Repository, id: Oid) -> anyhow::Result<Listing> {
    let tree = handle.find_tree(id).map_err(explain)?;
    let entries = tree.iter().map(|entry| {
        let mode = u32::try_from(entry.filemode_raw())?;
        Ok(Entry::new(entry.name_bytes(), mode, entry.id()))
    });
    let mut entries = entries.collect::<anyhow::Result<Vec<_>>>()?;
    entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(Listing { id, entries })
}

/// Looks up what lies at a path below a tree; the empty path is the tree itself.
pub(super) fn look_up(handle: &git2::Repository, tree: Oid, path: &str) -> anyhow::Result<Found> {
    let mut found = tree;
    let mut walked = String::new();
    for component in path.split('/').filter(|component| !component.is_empty()) {
        walked = if walked.is_empty() {
            component.to_owned()
        } else {
            format!("{walked}/{component}")
        };
        let listing =
            read_listing(handle, found).with_context(|| format!("looking up `{walked}`"))?;
        match listing.find(component.as_bytes()) {
            None => return Ok(Found::Nothing),
            Some(entry) if entry.kind() == Kind::Directory => found = entry.id,
            Some(entry) => return Ok(Found::Other(walked, entry.kind())),
        }
    }
    Ok(Found::Directory(found))
}

/// Returns the id of a commit's tree.
pub(super) fn tree_of(handle: &git2::Repository, commit: Oid) -> anyhow::Result<Oid> {
    let read = || {
        Ok(handle
            .find_object(commit, Some(ObjectType::Commit))?
            .peel_to_tree()?
            .id())
    };
    read()
        .map_err(explain)
        .with_context(|| format!("reading commit {commit}"))
}

fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return name.to_vec();
    }
    [path, b"/", name].concat()
}
