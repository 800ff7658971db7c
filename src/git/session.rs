//! Publishes on a branch, again and again until nobody else was faster.
//!
//! Takes what to publish and a function that renders; decides where the commit goes and what becomes of the branch.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;

use super::branch::Move;
use super::remote::Pushed;
use super::{Branch, CommitText, Finished, GitError, ObjectId, Publisher, Remote, Repository};
use crate::tree::{Form, Summary};

/// How often a publish is tried. One of those that race always wins, so this many others must have won before.
const ATTEMPTS: u32 = 100;
/// The same for a remote, where each attempt asks, fetches and pushes.
const REMOTE_ATTEMPTS: u32 = 30;
/// How much longer each wait is than the one before, and the longest one.
const WAIT_STEP: Duration = Duration::from_millis(10);
const WAIT_LIMIT: Duration = Duration::from_millis(500);

/// What to publish, and where.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The branch.
    pub branch: Branch,
    /// The remote whose branch it is; without one, the branch of the repository itself.
    pub remote: Option<Remote>,
    /// Where the tree lies below the top of the repository.
    pub path: String,
    /// The form of the tree.
    pub form: Form,
    /// What the commit says.
    pub commit: CommitText,
    /// Files at the top of the tree that are part of a commit and never the reason for one.
    pub beside: BTreeMap<String, Vec<u8>>,
    /// Whether files that are not ours are replaced and removed instead of stopping.
    pub adopt: bool,
    /// How long others may take to give back the lock of the branch; nobody needs it for more than a moment.
    pub patience: Duration,
}

/// One attempt to publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first one.
    pub number: u32,
    /// The commit on which the new one is to build, against which hazards are looked for.
    pub parent: Option<ObjectId>,
}

/// What has become of a publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The branch has what was rendered already; its tip.
    Unchanged(Option<ObjectId>, Summary),
    /// The branch points to a new commit.
    Committed {
        /// The commit.
        commit: ObjectId,
        /// What it changes.
        summary: Summary,
        /// What has become of the repository's own branch.
        local: LocalBranch,
    },
}

/// What has become of the repository's own branch of the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalBranch {
    /// It points to the new commit.
    Moved,
    /// It points to the new commit, and is checked out here: the work tree and its index still hold the old tree.
    LeftBehind(PathBuf),
    /// It has stayed, because it is checked out here, and the commit was pushed.
    CheckedOut(PathBuf),
    /// It has stayed, because somebody else has its lock, and the commit was pushed.
    Locked,
    /// It has stayed, because it has commits that the remote's branch does not have, and the commit was pushed.
    Diverged,
}

/// Why nothing was published.
#[derive(Debug)]
pub enum Failure<E> {
    /// The caller's function has failed.
    Caller(E),
    /// Git has, or a safety gate of this module.
    Git(GitError),
}

impl<E> From<GitError> for Failure<E> {
    fn from(error: GitError) -> Self {
        Failure::Git(error)
    }
}

impl<E> From<anyhow::Error> for Failure<E> {
    fn from(error: anyhow::Error) -> Self {
        Failure::Git(GitError::Environment(error))
    }
}

/// Publishes what `render` puts into the publisher that it is given.
///
/// `render` is called once for each attempt, because what is not ours and which changes are hazards depends on the
/// parent. Without a remote, the branch is moved only from the commit that the attempt was built on. With one, the
/// same holds for the remote's branch, and the repository's own follows when nothing of it is lost and it is not
/// checked out.
pub fn publish<E>(
    repository: &Repository,
    publication: &Publication,
    mut render: impl FnMut(&Publisher<'_>, Attempt) -> Result<(), E>,
) -> Result<Published, Failure<E>> {
    let attempts = match publication.remote {
        Some(_) => REMOTE_ATTEMPTS,
        None => ATTEMPTS,
    };
    repository.tidy(&publication.branch);
    for number in 1..=attempts {
        let parent = publication.tip(repository)?;
        let publisher = Publisher::begin(repository, parent, &publication.path, publication.adopt)?;
        render(&publisher, Attempt { number, parent }).map_err(Failure::Caller)?;
        let (commit, summary) =
            match publisher.finish(&publication.commit, &publication.beside, publication.form)? {
                Finished::Unchanged(summary) => return Ok(Published::Unchanged(parent, summary)),
                Finished::Committed(commit, summary) => (commit, summary),
            };
        match publication.move_branch(repository, parent, commit)? {
            Move::Moved => {
                let local = publication.local_branch(repository, commit)?;
                return Ok(Published::Committed {
                    commit,
                    summary,
                    local,
                });
            }
            Move::Raced => pause(number),
            Move::Locked => {
                let lock = repository.lock_of(&publication.branch);
                let error = anyhow!(
                    "`{}` is locked: if no other process works on it, remove `{}`",
                    publication.branch.reference(),
                    lock.display()
                );
                return Err(error.into());
            }
            Move::Busy => {
                return Err(anyhow!(
                    "another process of Tenantry is moving `{}`, and does not come to an end",
                    publication.branch.reference()
                )
                .into());
            }
        }
    }
    Err(anyhow!(
        "branch `{}` was moved by somebody else {attempts} times in a row",
        publication.branch
    )
    .into())
}

impl Publication {
    /// Returns the commit to build on.
    fn tip(&self, repository: &Repository) -> anyhow::Result<Option<ObjectId>> {
        match &self.remote {
            Some(remote) => repository.fetch_tip(remote, &self.branch),
            None => repository.tip(&self.branch),
        }
    }

    fn move_branch(
        &self,
        repository: &Repository,
        old: Option<ObjectId>,
        new: ObjectId,
    ) -> anyhow::Result<Move> {
        match &self.remote {
            Some(remote) => match repository.push(remote, &self.branch, old, new)? {
                Pushed::Done => Ok(Move::Moved),
                Pushed::Raced => Ok(Move::Raced),
            },
            None => repository.advance(&self.branch, old, new, "tenantry publish", self.patience),
        }
    }

    /// Lets the repository's own branch follow a push, and says where a branch that was moved is checked out.
    fn local_branch(
        &self,
        repository: &Repository,
        commit: ObjectId,
    ) -> anyhow::Result<LocalBranch> {
        match (repository.checked_out_in(&self.branch)?, &self.remote) {
            (None, None) => return Ok(LocalBranch::Moved),
            (Some(work_tree), None) => return Ok(LocalBranch::LeftBehind(work_tree)),
            (Some(work_tree), Some(_)) => return Ok(LocalBranch::CheckedOut(work_tree)),
            (None, Some(_)) => {}
        }
        let old = repository.tip(&self.branch)?;
        let follows = old.is_none_or(|old| repository.contains(commit, old).unwrap_or(false));
        if !follows {
            return Ok(LocalBranch::Diverged);
        }
        // Another process that has pushed later may have moved it further already.
        let log = "tenantry publish --push";
        match repository.advance(&self.branch, old, commit, log, self.patience)? {
            Move::Moved | Move::Raced => Ok(LocalBranch::Moved),
            Move::Locked | Move::Busy => Ok(LocalBranch::Locked),
        }
    }
}

/// Waits longer each time, so that those who race get out of each other's way.
fn pause(number: u32) {
    std::thread::sleep((WAIT_STEP * number).min(WAIT_LIMIT));
}
