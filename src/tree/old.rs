//! The tree as it was, read for comparisons: on disk here, in a Git revision elsewhere.
//!
//! Gives what the index records and the manifests of one directory at a time, so that nobody holds all of them.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use super::index::Index;
use super::open::open_top;
use super::{Form, INDEX, Location, Stop, StopReason, TreeError};
use crate::confined::{Directory, Kind, OpenError};

/// What the index records about one directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The project that it belonged to; `None` for what the platform needs.
    pub project: Option<String>,
    /// The base that it was rendered from.
    pub base: Option<String>,
    /// The project's state; empty when nobody has recorded it.
    pub state: String,
    /// Whether files were written to it.
    pub has_files: bool,
}

/// A tree that changes are compared with.
pub trait OldTree: Sync {
    /// Returns what is recorded, by path of the directory.
    ///
    /// A tree without an index has every directory with manifests, and nothing recorded about them.
    fn recorded(&self) -> &BTreeMap<String, Recorded>;

    /// Tells whether there is an index; without one, nothing is ours to remove.
    fn has_index(&self) -> bool;

    /// Returns the form of the tree, as its index says; one without an index is plain.
    fn form(&self) -> Form;

    /// Returns the manifests of one directory by file name; none when there is no such directory.
    ///
    /// Errors: what of it cannot be read, with the path.
    fn manifests(&self, directory: &str) -> Result<BTreeMap<String, Vec<u8>>, TreeError>;

    /// Tells whether a directory holds exactly these manifests; files of other kinds do not count.
    fn holds(&self, directory: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<bool, TreeError> {
        let wanted = files.iter().filter(|(name, _)| is_manifest(name));
        Ok(self.manifests(directory)?.iter().eq(wanted))
    }

    /// Returns how messages name a path of the tree.
    fn display(&self, path: &str) -> String;
}

/// Tells whether a file is one that Argo CD and Flux read.
///
/// Source: gitops-wiring §0.1; both read `.json`, too.
pub fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

impl Recorded {
    /// Reads the text of an index, and the form of the tree in it.
    ///
    /// Errors: [`StopReason::InvalidIndex`]; `path` is how messages name the index.
    pub fn parse(
        text: &[u8],
        path: String,
    ) -> Result<(Form, BTreeMap<String, Recorded>), TreeError> {
        let index = Index::parse(text).map_err(|why| {
            let reason = StopReason::InvalidIndex(why);
            TreeError::Stopped(vec![Stop { path, reason }])
        })?;
        let recorded = index.directories.into_iter().map(|(path, entry)| {
            let recorded = Recorded {
                project: entry.project.clone(),
                base: entry.base.clone(),
                state: entry.state.clone(),
                has_files: entry.files.names().len() > 0,
            };
            (path, recorded)
        });
        Ok((index.form, recorded.collect()))
    }
}

/// The tree on disk; one that is not there is empty.
#[derive(Debug)]
pub struct DiskTree {
    location: Location,
    top: Option<Directory>,
    recorded: BTreeMap<String, Recorded>,
    has_index: bool,
    form: Form,
}

impl DiskTree {
    /// Opens the tree and reads its index.
    ///
    /// Errors: [`TreeError::Stopped`] when the way to the tree leads over a symbolic link or a file, or the index
    /// cannot be read.
    pub fn open(location: &Location) -> Result<Self, TreeError> {
        let top = open_top(location)?;
        let (recorded, form) = match &top {
            Some(top) => read_recorded(top, location)?,
            None => (BTreeMap::new(), None),
        };
        Ok(DiskTree {
            location: location.clone(),
            top,
            recorded,
            has_index: form.is_some(),
            form: form.unwrap_or_default(),
        })
    }
}

impl OldTree for DiskTree {
    fn recorded(&self) -> &BTreeMap<String, Recorded> {
        &self.recorded
    }

    fn has_index(&self) -> bool {
        self.has_index
    }

    fn form(&self) -> Form {
        self.form
    }

    fn manifests(&self, path: &str) -> Result<BTreeMap<String, Vec<u8>>, TreeError> {
        let mut manifests = BTreeMap::new();
        let Some(top) = &self.top else {
            return Ok(manifests);
        };
        let directory = match top.open_below(path) {
            Ok(directory) => directory,
            Err((component, error)) => {
                return match Stop::of_opening(self.location.display(&component), "opening", error)?
                {
                    Some(stop) => Err(TreeError::Stopped(vec![stop])),
                    None => Ok(manifests),
                };
            }
        };
        for (name, kind) in list(&directory, &self.location, path)? {
            if kind == Kind::Directory || !is_manifest(&name) {
                continue;
            }
            let shown = self.location.display(&format!("{path}/{name}"));
            match directory.read(OsStr::new(&name), u64::MAX - 1) {
                Ok(bytes) => {
                    manifests.insert(name, bytes);
                }
                Err(error) => {
                    if let Some(stop) = Stop::of_opening(shown, "reading", error)? {
                        return Err(TreeError::Stopped(vec![stop]));
                    }
                }
            }
        }
        Ok(manifests)
    }

    fn display(&self, path: &str) -> String {
        self.location.display(path)
    }
}

/// Returns what is recorded, and the form that the index says; `None` without an index.
fn read_recorded(
    top: &Directory,
    location: &Location,
) -> Result<(BTreeMap<String, Recorded>, Option<Form>), TreeError> {
    let shown = location.display(INDEX);
    let error = match top.read(OsStr::new(INDEX), u64::MAX - 1) {
        Ok(text) => {
            let (form, recorded) = Recorded::parse(&text, shown)?;
            return Ok((recorded, Some(form)));
        }
        Err(error) => error,
    };
    if let Some(stop) = Stop::of_opening(shown, "reading", error)? {
        return Err(TreeError::Stopped(vec![stop]));
    }
    let mut found = BTreeMap::new();
    find_directories(top, location, "", &mut found)?;
    Ok((found, None))
}

/// Finds the directories that hold manifests; hidden ones are not ours, and links are not followed.
fn find_directories(
    directory: &Directory,
    location: &Location,
    path: &str,
    found: &mut BTreeMap<String, Recorded>,
) -> Result<(), TreeError> {
    for (name, kind) in list(directory, location, path)? {
        match kind {
            Kind::File if is_manifest(&name) && !path.is_empty() => {
                found.entry(path.to_owned()).or_default();
            }
            Kind::Directory if !name.starts_with('.') => {
                let below = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}/{name}")
                };
                match directory.open(OsStr::new(&name)) {
                    Ok(directory) => find_directories(&directory, location, &below, found)?,
                    Err(OpenError::Io(error)) => {
                        return Err(TreeError::environment("opening", location.display(&below))(
                            error,
                        ));
                    }
                    // It has gone, or is something else now: somebody is at work in the tree.
                    Err(_) => {}
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Lists a directory, without names that are not UTF-8: none of them is ours.
fn list(
    directory: &Directory,
    location: &Location,
    path: &str,
) -> Result<Vec<(String, Kind)>, TreeError> {
    let entries = directory
        .entries()
        .map_err(TreeError::environment("listing", location.display(path)))?;
    let names = entries.into_iter();
    Ok(names
        .filter_map(|(name, kind)| Some((name.into_string().ok()?, kind)))
        .collect())
}

#[cfg(test)]
mod tests;
