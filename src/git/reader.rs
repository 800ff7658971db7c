//! Reads the tree at a revision.
//!
//! Takes a revision as people write it and a path, gives names and ids at once and contents on demand, to as many
//! threads as ask. Never touches a work tree, and never passes the revision to a program.

use anyhow::{Context as _, anyhow};
use git2::{ErrorCode, ObjectType, Oid};

use super::entries::{Entry, Kind};
use super::snapshot::{Found, Snapshot, look_up, tree_of};
use super::{ObjectId, Repository, explain};

/// What a path of a revision leads to, directories left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A regular file that is executable.
    Executable,
    /// A symbolic link; its content is where it leads to.
    Link,
    /// A submodule; its id is a commit of another repository, and it has no content.
    Submodule,
}

/// One file of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Path relative to the top of what is read; bytes that are not UTF-8 are replaced by U+FFFD.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// The name of its content.
    pub id: ObjectId,
}

/// The tree at a path of a revision.
#[derive(Debug)]
pub struct TreeReader<'r> {
    repository: &'r Repository,
    revision: String,
    path: String,
    snapshot: Snapshot,
}

impl Repository {
    /// Reads names and ids of the tree at `path` of a revision: a branch, tag, id, `HEAD~2` and whatever else
    /// `git rev-parse` takes for a commit or a tree.
    ///
    /// `path` is relative to the top of the repository; the empty path is the top.
    /// Returns `None` when the revision has nothing there.
    /// Errors: a revision that is not known; something at the path that is no directory.
    pub fn read(&self, revision: &str, path: &str) -> anyhow::Result<Option<TreeReader<'_>>> {
        let tree = self.resolve_tree(revision)?;
        self.read_tree(tree, revision, path)
    }

    /// Reads names and ids of the tree at `path` of a commit, as [`Repository::read`] does.
    pub fn read_commit(
        &self,
        commit: ObjectId,
        path: &str,
    ) -> anyhow::Result<Option<TreeReader<'_>>> {
        let tree = self.with(|handle| tree_of(handle, commit.0))?;
        self.read_tree(tree, &commit.to_string(), path)
    }

    /// Tells whether `git rev-parse` would take a revision for a commit or a tree.
    ///
    /// Errors: a revision that is ambiguous.
    pub fn knows(&self, revision: &str) -> anyhow::Result<bool> {
        self.with(|handle| {
            let found = handle
                .revparse_single(revision)
                .and_then(|object| object.peel(ObjectType::Tree));
            match found {
                Ok(_) => Ok(true),
                Err(error) if error.code() == ErrorCode::Ambiguous => Err(anyhow!(
                    "revision `{revision}` is ambiguous in `{}`",
                    self.shown()
                )),
                Err(_) => Ok(false),
            }
        })
    }

    fn resolve_tree(&self, revision: &str) -> anyhow::Result<Oid> {
        self.with(|handle| {
            let found = handle
                .revparse_single(revision)
                .and_then(|object| object.peel(ObjectType::Tree));
            found.map(|tree| tree.id()).map_err(|error| {
                let shown = self.shown();
                match error.code() {
                    ErrorCode::NotFound => {
                        anyhow!("revision `{revision}` is not known in `{shown}`")
                    }
                    ErrorCode::Ambiguous => {
                        anyhow!("revision `{revision}` is ambiguous in `{shown}`")
                    }
                    _ => explain(error)
                        .context(format!("reading revision `{revision}` of `{shown}`")),
                }
            })
        })
    }

    fn read_tree(
        &self,
        tree: Oid,
        revision: &str,
        path: &str,
    ) -> anyhow::Result<Option<TreeReader<'_>>> {
        let found = self
            .with(|handle| look_up(handle, tree, path))
            .with_context(|| format!("reading `{revision}:{path}` of `{}`", self.shown()))?;
        let top = match found {
            Found::Nothing => return Ok(None),
            Found::Directory(top) => top,
            Found::Other(component, _) => {
                return Err(anyhow!("`{revision}:{component}` is not a directory"));
            }
        };
        Ok(Some(TreeReader {
            repository: self,
            revision: revision.to_owned(),
            path: path.to_owned(),
            snapshot: Snapshot::read(self, top)?,
        }))
    }
}

impl TreeReader<'_> {
    /// Returns the paths of all directories with the ids of their trees, sorted by path; the top is the empty path.
    ///
    /// Two directories of the same id hold the same files.
    pub fn directories(&self) -> impl Iterator<Item = (String, ObjectId)> {
        let directories = self.snapshot.directories.iter();
        directories.map(|(path, listing)| (text(path), ObjectId(listing.id)))
    }

    /// Returns all files, sorted by directory and name.
    pub fn files(&self) -> impl Iterator<Item = TreeFile> {
        let directories = self.snapshot.directories.iter();
        directories.flat_map(|(path, listing)| {
            listing.entries.iter().filter_map(|entry| file(path, entry))
        })
    }

    /// Returns the files that lie in a directory itself, sorted by name; none for a directory that is not there.
    pub fn files_in(&self, directory: &str) -> impl Iterator<Item = TreeFile> {
        let listing = self.snapshot.get(directory);
        let entries = listing.into_iter().flat_map(|listing| &listing.entries);
        entries.filter_map(|entry| file(directory.as_bytes(), entry))
    }

    /// Returns the file at a path.
    pub fn find(&self, path: &str) -> Option<TreeFile> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let entry = self.snapshot.get(directory)?.find(name.as_bytes())?;
        file(directory.as_bytes(), entry)
    }

    /// Returns the content of a file.
    ///
    /// Errors: a submodule; an object that is not there, as in a partial clone.
    pub fn content(&self, file: &TreeFile) -> anyhow::Result<Vec<u8>> {
        let content = self.repository.read_object(file.id.0, ObjectType::Blob);
        content.with_context(|| self.reading(file))
    }

    /// Returns the size of a file in bytes, without reading its content.
    ///
    /// Errors: as for [`TreeReader::content`].
    pub fn size(&self, file: &TreeFile) -> anyhow::Result<u64> {
        self.repository.with(|handle| {
            let read = || handle.odb()?.read_header(file.id.0);
            let (size, _) = read()
                .map_err(explain)
                .with_context(|| self.reading(file))?;
            Ok(u64::try_from(size)?)
        })
    }

    fn reading(&self, file: &TreeFile) -> String {
        let (path, below) = (self.path.as_str(), file.path.as_str());
        let slash = if path.is_empty() { "" } else { "/" };
        format!("reading `{}:{path}{slash}{below}`", self.revision)
    }
}

fn file(directory: &[u8], entry: &Entry) -> Option<TreeFile> {
    let kind = match entry.kind() {
        Kind::Directory => return None,
        Kind::Link => FileKind::Link,
        Kind::Submodule => FileKind::Submodule,
        Kind::File if entry.mode & 0o111 != 0 => FileKind::Executable,
        Kind::File => FileKind::Regular,
    };
    let slash = if directory.is_empty() { "" } else { "/" };
    Some(TreeFile {
        path: format!("{}{slash}{}", text(directory), text(&entry.name)),
        kind,
        id: ObjectId(entry.id),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
