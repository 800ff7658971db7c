//! Git: revisions are read and rendered directories published without touching a work tree.
//!
//! [`Repository`] opens a repository, [`TreeReader`] reads the tree at a revision, [`Publisher`] turns rendered
//! directories into a commit, and [`publish`] does so on a branch, here or at a remote, until nobody else was faster.
//! The only user of `git2`. Knows nothing of projects or Kubernetes, reads no clock and no environment;
//! transport is the business of the `git` program, so that people's credentials, proxies and agents work.
//!
//! How a publish stays whole, whatever happens meanwhile:
//!
//! 1. The branch's tip is read; it becomes the parent.
//! 2. Each rendered directory is hashed and compared with the parent's tree as soon as it comes. What is new is
//!    deflated on the calling thread and appended to a temporary file in `objects/pack`; what is not ours is gathered,
//!    and the run stops before anything else is written.
//! 3. Trees and the commit go to the same pack, which is synced and moved into place with its index; a small commit
//!    becomes loose objects instead, so that packs do not pile up.
//! 4. The branch is moved under its lock, and only if it still points to the parent.
//!
//! Killed at any moment, the branch points to the old commit or to the new one, and every object of either is there.
//! What may be left are objects that nothing points to, which `git gc` removes, temporary files, which the next
//! publish removes (`git gc` would, too), and the lock of the branch, which the next publish knows for one of ours
//! ([`guard`]) and removes as well.

mod branch;
mod commit;
mod compose;
mod entries;
#[expect(
    clippy::disallowed_methods,
    reason = "locks of branches lie in Git's own directory, not in the repository's files"
)]
mod guard;
mod old;
#[expect(
    clippy::disallowed_methods,
    reason = "packs lie in Git's own object directory, not in the repository's files"
)]
mod pack;
mod program;
mod publisher;
mod reader;
mod remote;
mod session;
mod snapshot;
mod store;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, anyhow};
use git2::{ErrorCode, ObjectType, Oid};
use sha1::{Digest as _, Sha1};

use crate::tree;

pub use branch::Branch;
pub use commit::{CommitText, InputsCommit, Moment, Person, Signature};
pub use old::RevisionTree;
pub(crate) use program::command as program;
pub use publisher::{Finished, Publisher};
pub use reader::{FileKind, TreeFile, TreeReader};
pub use remote::Remote;
pub use session::{Attempt, Failure, LocalBranch, Publication, Published, publish};

/// The name of an object: of a commit, a tree or the content of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(Oid);

impl ObjectId {
    /// Returns the name of a file's content, whether any repository holds it or not.
    pub fn of_file(content: &[u8]) -> Self {
        ObjectId(hash(ObjectType::Blob, content))
    }

    /// Returns the first twelve digits, for people.
    pub fn short(self) -> String {
        let mut text = self.0.to_string();
        text.truncate(12);
        text
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Why something could not be done with Git.
#[derive(Debug)]
pub enum GitError {
    /// A safety gate, exit status 3; nothing that anybody reads has changed. Sorted.
    Stopped(Vec<tree::Stop>),
    /// Git, the disk or the network failed, exit status 5; the error names the path, ref or remote.
    Environment(anyhow::Error),
}

impl From<anyhow::Error> for GitError {
    fn from(error: anyhow::Error) -> Self {
        GitError::Environment(error)
    }
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GitError::Stopped(refusals) => {
                let messages: Vec<String> = refusals
                    .iter()
                    .map(|refusal| refusal.to_diagnostic().message)
                    .collect();
                f.write_str(&messages.join(", "))
            }
            GitError::Environment(error) => fmt::Display::fmt(error, f),
        }
    }
}

/// A Git repository, shared by threads.
///
/// A handle of libgit2 serves one thread at a time; handles are opened as threads need them, and kept.
pub struct Repository {
    git_directory: PathBuf,
    common_directory: PathBuf,
    work_tree: Option<PathBuf>,
    handles: Mutex<Vec<git2::Repository>>,
}

impl Repository {
    /// Opens the repository that a directory lies in.
    pub fn discover(directory: &Path) -> anyhow::Result<Self> {
        match git2::Repository::discover(directory) {
            Ok(handle) => Ok(Repository::of(handle)),
            Err(error) if error.code() == ErrorCode::NotFound => Err(anyhow!(
                "`{}` does not lie in a Git repository",
                directory.display()
            )),
            Err(error) => Err(explain_opening(error)).with_context(|| {
                format!("opening the Git repository of `{}`", directory.display())
            }),
        }
    }

    /// Opens the repository at a path: a work tree, a `.git` directory or a bare repository.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        open_handle(path).map(Repository::of)
    }

    fn of(handle: git2::Repository) -> Self {
        // Git ends paths of directories in a slash, people do not.
        let plain = |path: &Path| path.components().collect::<PathBuf>();
        Repository {
            git_directory: plain(handle.path()),
            common_directory: plain(handle.commondir()),
            work_tree: handle.workdir().map(plain),
            handles: Mutex::new(vec![handle]),
        }
    }

    /// Returns the top of the work tree; a bare repository has none.
    pub fn work_tree(&self) -> Option<&Path> {
        self.work_tree.as_deref()
    }

    /// Returns the path of the repository, as messages name it.
    fn shown(&self) -> std::path::Display<'_> {
        self.work_tree
            .as_deref()
            .unwrap_or(&self.git_directory)
            .display()
    }

    /// Returns the path of a directory relative to the top of the work tree, with `/`, empty for the top itself.
    ///
    /// In a bare repository every directory counts as the top. Errors: a directory that cannot be found, or lies
    /// outside of the work tree; a path that is not UTF-8.
    pub fn path_of(&self, directory: &Path) -> anyhow::Result<String> {
        let Some(work_tree) = &self.work_tree else {
            return Ok(String::new());
        };
        // Git has resolved links in the path of the work tree, so links are resolved here, too.
        let resolve = |path: &Path| {
            path.canonicalize()
                .with_context(|| format!("resolving `{}`", path.display()))
        };
        let (top, found) = (resolve(work_tree)?, resolve(directory)?);
        let relative = found.strip_prefix(&top).map_err(|_| {
            anyhow!(
                "`{}` lies outside of the work tree `{}`",
                found.display(),
                top.display()
            )
        })?;
        let relative = relative
            .to_str()
            .with_context(|| format!("`{}` is not UTF-8", found.display()))?;
        Ok(relative.to_owned())
    }

    /// Returns the person that Git is configured to name as the author, when both name and e-mail are set.
    pub fn configured_person(&self) -> anyhow::Result<Option<Person>> {
        self.with(|handle| {
            let read = || -> Result<_, git2::Error> {
                let config = handle.config()?.snapshot()?;
                let value = |key: &str| match config.get_string(key) {
                    Ok(value) => Ok(Some(value)),
                    Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
                    Err(error) => Err(error),
                };
                Ok(value("user.name")?.zip(value("user.email")?))
            };
            let found = read()
                .map_err(explain)
                .context("reading Git's configuration")?;
            found
                .map(|(name, email)| Person::new(&name, &email))
                .transpose()
                .context("reading `user.name` and `user.email` of Git's configuration")
        })
    }

    /// Calls `work` with a handle that is this thread's for the time being.
    fn with<T>(
        &self,
        work: impl FnOnce(&git2::Repository) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let kept = self
            .handles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let handle = match kept {
            Some(handle) => handle,
            None => open_handle(&self.git_directory)?,
        };
        let outcome = work(&handle);
        self.handles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(handle);
        outcome
    }

    /// Lets all handles see what other processes have added to the object store.
    fn refresh(&self) -> anyhow::Result<()> {
        let handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        for handle in &*handles {
            let refreshed = handle.odb().and_then(|odb| odb.refresh());
            refreshed
                .map_err(explain)
                .with_context(|| format!("opening the object store of `{}`", self.shown()))?;
        }
        Ok(())
    }

    /// Returns the content of an object of the given kind.
    fn read_object(&self, id: Oid, kind: ObjectType) -> anyhow::Result<Vec<u8>> {
        self.with(|handle| {
            let read = || {
                let odb = handle.odb()?;
                let object = odb.read(id)?;
                Ok((object.kind(), object.data().to_owned()))
            };
            let (found, data) = read()
                .map_err(explain)
                .with_context(|| format!("reading object {id} of `{}`", self.shown()))?;
            if found == kind {
                Ok(data)
            } else {
                Err(anyhow!(
                    "object {id} of `{}` is a {found}, not a {kind}",
                    self.shown()
                ))
            }
        })
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository")
            .field("git_directory", &self.git_directory)
            .finish_non_exhaustive()
    }
}

fn open_handle(path: &Path) -> anyhow::Result<git2::Repository> {
    git2::Repository::open(path)
        .map_err(explain_opening)
        .with_context(|| format!("opening the Git repository `{}`", path.display()))
}

/// Says what to do about a repository of somebody else, as `git` does.
fn explain_opening(error: git2::Error) -> anyhow::Error {
    let foreign = error.code() == ErrorCode::Owner;
    let error = explain(error);
    if foreign {
        anyhow!("{error}; if you trust it, run `git config --global --add safe.directory <path>`")
    } else {
        error
    }
}

/// Makes an error of what libgit2 says, without its numbers.
fn explain(error: git2::Error) -> anyhow::Error {
    anyhow!("{}", error.message())
}

/// Returns the id of an object.
///
/// `Oid::hash_object` looks for traces of forged collisions and takes three times as long, which is most of the time
/// of a publish in which little has changed. Here the content is our own, and Git looks for them when it reads it.
fn hash(kind: ObjectType, data: &[u8]) -> Oid {
    let mut hasher = Sha1::new();
    hasher.update(kind.str().as_bytes());
    hasher.update(format!(" {}\0", data.len()).as_bytes());
    hasher.update(data);
    Oid::from_bytes(&hasher.finalize()).expect("a SHA-1 has twenty bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_libgit2() {
        for length in [0, 1, 9, 10, 63, 64, 99_999] {
            let data = vec![b'x'; length];
            for kind in [ObjectType::Blob, ObjectType::Tree, ObjectType::Commit] {
                let expect = Oid::hash_object(kind, &data).expect("an id");
                assert_eq!(hash(kind, &data), expect, "{kind} {length}");
            }
        }
    }
}
