//! Puts trees together: the parent's, with our directories in the place of theirs.
//!
//! Takes what each of our directories holds; gives the ids of trees, and the trees that are new to the store.
//! A directory of ours is made from nothing; everything else keeps what it has.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid};

use super::entries::{DIRECTORY, Entry, FILE, Kind, encode};
use super::hash;
use super::snapshot::{Listing, Snapshot};
use super::store::Store;

/// The files of one directory of ours, by name; a directory that is to vanish has none.
pub(super) type Files = Vec<(Box<str>, Oid)>;

/// Entries of a tree by name.
pub(super) type Entries = BTreeMap<Box<[u8]>, Entry>;

/// A directory on the way to those of ours, or one of them.
#[derive(Debug, Default)]
struct Node<'a> {
    /// What the directory itself holds, if it is ours.
    files: Option<&'a Files>,
    below: BTreeMap<&'a str, Node<'a>>,
}

/// Puts our directories into a tree and returns the entries of its top.
pub(super) fn compose<'a>(
    old: &Snapshot,
    ours: impl IntoIterator<Item = (&'a str, &'a Files)>,
    store: &Store<'_>,
) -> anyhow::Result<Entries> {
    let mut top = Node::default();
    for (path, files) in ours {
        let mut node = &mut top;
        for component in path.split('/') {
            node = node.below.entry(component).or_default();
        }
        node.files = Some(files);
    }
    top.entries("", old, store)
}

/// Writes a tree and returns its id, or nothing for a tree without entries, of which Git has none.
///
/// `old` is the tree in whose place it comes: when both are the same, nothing is written.
pub(super) fn write(
    entries: Entries,
    old: Option<Oid>,
    store: &Store<'_>,
) -> anyhow::Result<Option<Oid>> {
    let Some((id, content)) = encoded(entries) else {
        return Ok(None);
    };
    if Some(id) != old {
        store.insert(id, ObjectType::Tree, &content)?;
    }
    Ok(Some(id))
}

/// Returns the id and the content of a tree; nothing for one without entries.
pub(super) fn encoded(entries: Entries) -> Option<(Oid, Vec<u8>)> {
    if entries.is_empty() {
        return None;
    }
    let mut entries: Vec<Entry> = entries.into_values().collect();
    let content = encode(&mut entries);
    Some((hash(ObjectType::Tree, &content), content))
}

/// Returns the entries of a tree of the parent by name.
pub(super) fn by_name(listing: Option<&Listing>) -> Entries {
    let entries = listing.into_iter().flat_map(|listing| &listing.entries);
    entries
        .map(|entry| (entry.name.clone(), entry.clone()))
        .collect()
}

impl Node<'_> {
    fn entries(&self, path: &str, old: &Snapshot, store: &Store<'_>) -> anyhow::Result<Entries> {
        let listing = old.get(path);
        let mut entries = match self.files {
            Some(files) => {
                let entry = |(name, id): &(Box<str>, Oid)| Entry::new(name.as_bytes(), FILE, *id);
                files
                    .iter()
                    .map(entry)
                    .map(|entry| (entry.name.clone(), entry))
                    .collect()
            }
            None => by_name(listing),
        };
        for (name, node) in &self.below {
            let below = if path.is_empty() {
                (*name).to_owned()
            } else {
                format!("{path}/{name}")
            };
            let present = old.get(&below).map(|listing| listing.id);
            let name = name.as_bytes();
            if let Some(id) = write(node.entries(&below, old, store)?, present, store)? {
                entries.insert(name.into(), Entry::new(name, DIRECTORY, id));
            } else if entries
                .get(name)
                .is_some_and(|entry| entry.kind() == Kind::Directory)
            {
                entries.remove(name);
            }
        }
        Ok(entries)
    }
}
