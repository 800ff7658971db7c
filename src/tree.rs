//! The rendered tree on disk.
//!
//! Takes rendered directories one after another, from several threads, and brings the tree up to date
//! ([`Writer`]) or says what differs ([`Checker`]). Knows nothing of projects, bases or Kubernetes.
//!
//! How a render stays whole, whatever happens meanwhile:
//!
//! 1. The tree is locked ([`flock`](crate::confined::Directory::try_lock) on its top directory).
//! 2. Each rendered directory is compared with the one on disk as soon as it comes; what differs is prepared in
//!    `.tenantry/staging/`, where unchanged files are hard links, so that they keep their time.
//!    Nothing outside of `.tenantry/` has changed so far: a rejected input, a full disk, a file that was edited
//!    by hand or `kill -9` leaves the old tree as it was, and every reason to stop is known before the first change.
//! 3. The new index is written to `.tenantry/journal-<n>.json`.
//! 4. Directories that are no longer rendered are moved away, prepared ones are exchanged with the old ones:
//!    one system call each, so a directory is always the old one or the new one.
//! 5. The journal becomes `index.json`, and `.tenantry/` is removed.
//!
//! A run that finds journals knows that another one stopped between 3 and 5, and takes the content that any of them
//! names for ours; so running again, with these inputs or with others, repairs everything.
//!
//! What reaches the disk: the journal is synced before step 4 and the tree's top directory after the rename of step 5,
//! because the index is what tells our files from others'. The files themselves are not: they can be rendered
//! again at any time, and syncing each would cost more than everything else together. After a power failure, which
//! is no crash of ours, a file may be empty; it then counts as edited by hand, and Git has the right one.

mod check;
mod compare;
mod error;
pub(crate) mod index;
mod old;
mod open;
pub(crate) mod path;
mod staging;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use check::Checker;
pub use error::{Stop, StopReason, TreeError};
pub use old::{DiskTree, OldTree, Recorded, is_manifest};
pub use write::{Options, Summary, Writer};

/// The index's name, at the top of the tree.
pub const INDEX: &str = "index.json";
/// The name of the directory for everything unfinished, at the top of the tree.
///
/// It lies in the tree because a rename must stay on one file system, and outside of every directory that
/// Argo CD or Flux read, because both also read files in hidden directories.
const WORK: &str = ".tenantry";

/// One directory of the tree, as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedDirectory {
    /// Path relative to the top of the tree, with `/`, for example `in-cluster/churn`.
    pub path: String,
    /// The project that it belongs to; `None` for what the platform needs.
    pub project: Option<String>,
    /// The base that it was rendered from.
    pub base: Option<String>,
    /// The project's state, `active` for what belongs to none.
    pub state: String,
    /// Content by file name.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// The form of a whole tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Plain manifests.
    #[default]
    Plain,
    /// Pinned bases, and for each project a kustomization with patches.
    Kustomize,
}

impl Form {
    /// Returns the word that the command line and the index have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Form::Plain => "plain",
            Form::Kustomize => "kustomize",
        }
    }
}

/// Which directories a run answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All: a directory that the index has and that is not rendered is removed.
    All,
    /// Those that are rendered, and the former ones of these projects; all others stay as they are.
    Projects(BTreeSet<String>),
}

impl Scope {
    /// Tells whether a run of this scope answers for the directories of a project, or of none.
    pub fn holds(&self, project: Option<&str>) -> bool {
        match (self, project) {
            (Scope::All, _) => true,
            (Scope::Projects(names), Some(project)) => names.contains(project),
            (Scope::Projects(_), None) => false,
        }
    }
}

/// Where the tree is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// A directory that the person at the command line has named: links in its path are followed.
    trusted: PathBuf,
    /// Path below it that comes from the repository: links in it are refused. Empty for `trusted` itself.
    below: String,
}

impl Location {
    /// The tree at `path` below the root of a repository; links between the two are refused.
    ///
    /// Errors: [`StopReason::UnsafePath`] for a path that is absolute or holds `..`.
    pub fn below(root: &Path, path: &str) -> Result<Self, TreeError> {
        let below = path.trim_matches('/').trim_start_matches("./");
        let below = if below == "." { "" } else { below };
        if path.starts_with('/') || !(below.is_empty() || path::is_safe(below)) {
            return Err(TreeError::Stopped(vec![Stop {
                path: path.to_owned(),
                reason: StopReason::UnsafePath,
            }]));
        }
        Ok(Location {
            trusted: root.to_owned(),
            below: below.to_owned(),
        })
    }

    /// The tree at a directory that was named on the command line.
    pub fn at(directory: &Path) -> Self {
        Location {
            trusted: directory.to_owned(),
            below: String::new(),
        }
    }

    /// Returns how messages name a path of the tree: from the root of the repository, or as the command line wrote it.
    pub fn display(&self, path: &str) -> String {
        let top = if self.below.is_empty() {
            self.trusted.to_string_lossy().into_owned()
        } else {
            self.below.clone()
        };
        if path.is_empty() {
            top
        } else {
            format!("{}/{path}", top.trim_end_matches('/'))
        }
    }
}

#[cfg(test)]
mod tests;
