//! Says what differs between the tree and what it should be; writes nothing, and takes no lock.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::sync::{Arc, Mutex, PoisonError};

use super::compare::{Known, compare};
use super::index::{Entry, Index};
use super::open::open_top;
use super::{Form, INDEX, Location, RenderedDirectory, Scope, Stop, TreeError, path};
use crate::confined::{Directory, OpenError};
use crate::digest::Digest;

/// Compares rendered directories with the tree.
#[derive(Debug)]
pub struct Checker {
    location: Location,
    scope: Scope,
    form: Form,
    /// `None` when there is no tree yet.
    top: Option<Directory>,
    /// Empty when it cannot be read, which counts as a difference.
    index: [Index; 1],
    index_digest: Option<Digest>,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    entries: BTreeMap<String, Arc<Entry>>,
    differing: Vec<String>,
}

impl Checker {
    /// Opens the tree for reading; a tree that is not there is empty.
    ///
    /// Errors: [`TreeError::Stopped`] when the way to the tree leads over a symbolic link or a file.
    pub fn open(location: &Location, scope: Scope, form: Form) -> Result<Self, TreeError> {
        let top = open_top(location)?;
        let text = match &top {
            Some(top) => match top.read(OsStr::new(INDEX), u64::MAX - 1) {
                Ok(text) => Some(text),
                Err(OpenError::Io(error)) => {
                    return Err(TreeError::environment("reading", location.display(INDEX))(
                        error,
                    ));
                }
                Err(_) => None,
            },
            None => None,
        };
        let index = text.as_deref().and_then(|text| Index::parse(text).ok());
        Ok(Checker {
            location: location.clone(),
            scope,
            form,
            top,
            index: [index.unwrap_or_default()],
            index_digest: text.as_deref().map(Digest::of),
            found: Mutex::default(),
        })
    }

    /// Compares one directory; may be called from several threads.
    pub fn put(&self, rendered: &RenderedDirectory) -> Result<(), TreeError> {
        path::check(&self.location, rendered)?;
        let differing = match &self.top {
            Some(top) => compare(top, &self.location, rendered, &self.known())?.differing,
            None => {
                let names = rendered.files.keys();
                names
                    .map(|name| format!("{}/{name}", rendered.path))
                    .collect()
            }
        };
        let entry = Arc::new(Entry::of(rendered));
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.differing.extend(differing);
        let earlier = found.entries.insert(rendered.path.clone(), entry);
        assert!(earlier.is_none(), "every directory is rendered once");
        Ok(())
    }

    /// Returns the paths that differ, relative to the tree, sorted; that of a directory ends in `/`.
    pub fn finish(self) -> Result<Vec<String>, TreeError> {
        let mut found = self
            .found
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let [index] = self.index;
        let mut directories = index.directories;
        let stale = |path: &String, entry: &mut Arc<Entry>| {
            self.scope.holds(entry.project.as_deref()) && !found.entries.contains_key(path)
        };
        for (path, _) in directories.extract_if(.., stale) {
            let there = match &self.top {
                Some(top) => match top.open_below(&path) {
                    Ok(_) => true,
                    Err((component, error)) => {
                        Stop::of_opening(self.location.display(&component), "opening", error)?
                            .is_some()
                    }
                },
                None => false,
            };
            if there {
                found.differing.push(format!("{path}/"));
            }
        }
        directories.append(&mut found.entries);
        let index = Index {
            form: self.form,
            directories,
        };
        if self.index_digest != Some(index.digest()) {
            found.differing.push(INDEX.to_owned());
        }
        found.differing.sort_unstable();
        found.differing.dedup();
        Ok(found.differing)
    }

    fn known(&self) -> Known<'_> {
        Known {
            indexes: &self.index,
            nested: self.scope == Scope::All,
        }
    }
}
