//! Branches: where they point, where they are checked out, and how they are moved.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use git2::{ErrorCode, Oid, Reference};

use super::guard::{self, Asked, Guard};
use super::{ObjectId, Repository, explain};

const HEADS: &str = "refs/heads/";

/// The name of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    name: String,
}

/// What has become of an attempt to move a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Moved,
    /// Somebody else has moved it since.
    Raced,
    /// Somebody else has Git's lock, or was killed while having it.
    Locked,
    /// Another process of Tenantry is moving it, and does not come to an end.
    Busy,
}

impl Branch {
    /// Reads a name, with or without `refs/heads/`.
    ///
    /// Errors: a name that `git check-ref-format --branch` refuses; one that begins with `-` is among them, so that
    /// none can be taken for an option.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let name = text.strip_prefix(HEADS).unwrap_or(text);
        let valid = !name.contains('\0') && git2::Branch::name_is_valid(name).map_err(explain)?;
        if !valid || name == "HEAD" {
            return Err(anyhow!(
                "`{}` cannot be the name of a branch",
                text.escape_debug()
            ));
        }
        Ok(Branch {
            name: name.to_owned(),
        })
    }

    /// Returns the name without `refs/heads/`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the full name of the reference.
    pub fn reference(&self) -> String {
        format!("{HEADS}{}", self.name)
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Repository {
    /// Returns the commit that a branch points to; `None` for a branch that does not exist.
    pub fn tip(&self, branch: &Branch) -> anyhow::Result<Option<ObjectId>> {
        let name = branch.reference();
        let tip = self.with(|handle| {
            let reference = match handle.find_reference(&name) {
                Ok(reference) => reference,
                Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
                Err(error) => return Err(explain(error)),
            };
            let id = reference
                .target()
                .ok_or_else(|| anyhow!("it points to another reference"))?;
            handle.find_commit(id).map_err(explain)?;
            Ok(Some(ObjectId(id)))
        });
        tip.with_context(|| format!("reading `{name}` of `{}`", self.shown()))
    }

    /// Returns where a branch is checked out, whether it has a commit already or not.
    ///
    /// Looks at the work tree of the repository and at all linked ones.
    pub fn checked_out_in(&self, branch: &Branch) -> anyhow::Result<Option<PathBuf>> {
        let name = branch.reference();
        let found = self.with(|handle| {
            {
                let main = git2::Repository::open(&self.common_directory)?;
                if !main.is_bare() && heads_to(&main, &name)? {
                    return Ok(Some(
                        main.workdir().unwrap_or(main.path()).components().collect(),
                    ));
                }
                for linked in &handle.worktrees()? {
                    let Ok(Some(linked)) = linked else {
                        continue;
                    };
                    let worktree = handle.find_worktree(linked)?;
                    // One whose directory is gone is checked out nowhere.
                    let Ok(opened) = git2::Repository::open_from_worktree(&worktree) else {
                        continue;
                    };
                    if heads_to(&opened, &name)? {
                        return Ok(Some(worktree.path().to_owned()));
                    }
                }
                Ok(None)
            }
            .map_err(explain)
        });
        found.with_context(|| format!("looking for work trees of `{}`", self.shown()))
    }

    /// Moves a branch to a commit, if it still points where it did; without an old commit, if it still does not exist.
    ///
    /// `log` goes to the reflog. The comparison happens under the branch's lock, so nobody's commit is lost. Others
    /// have `patience` to give the lock back; one that a killed process of ours has left is removed.
    pub(super) fn advance(
        &self,
        branch: &Branch,
        old: Option<ObjectId>,
        new: ObjectId,
        log: &str,
        patience: Duration,
    ) -> anyhow::Result<Move> {
        let moving = || format!("moving `{}` of `{}`", branch.reference(), self.shown());
        let reference = branch.reference();
        let asked = Guard::acquire(&self.common_directory, &reference, new.0, patience);
        let mut guard = match asked.with_context(moving)? {
            Asked::Granted(guard) => Some(guard),
            Asked::Unsupported => None,
            Asked::Refused => return Ok(Move::Busy),
        };
        let lock = self.lock_of(branch);
        let mut waited = Duration::ZERO;
        loop {
            let moved = self.try_advance(branch, old, new, log)?;
            if let Some(guard) = &mut guard {
                // Whoever has had the lock in hand knows that nobody had left it.
                if moved == Move::Moved {
                    guard.settle();
                }
                if moved == Move::Locked
                    && guard.is_abandoned(&lock, waited).with_context(moving)?
                {
                    guard.remove(&lock).with_context(moving)?;
                    continue;
                }
            }
            if moved != Move::Locked || waited >= patience {
                return Ok(moved);
            }
            // What was rendered still holds, unless whoever has the lock moves the branch.
            std::thread::sleep(guard::STEP);
            waited += guard::STEP;
        }
    }

    /// Removes what a killed publish has left of a branch; what cannot be removed is found again when it is in the way.
    pub(super) fn tidy(&self, branch: &Branch) {
        let lock = self.lock_of(branch);
        let _best_effort = Guard::tidy(&self.common_directory, &branch.reference(), &lock);
    }

    fn try_advance(
        &self,
        branch: &Branch,
        old: Option<ObjectId>,
        new: ObjectId,
        log: &str,
    ) -> anyhow::Result<Move> {
        let name = branch.reference();
        let old = old.map_or(Oid::ZERO_SHA1, |old| old.0);
        self.with(
            |handle| match handle.reference_matching(&name, new.0, true, old, log) {
                Ok(_) => Ok(Move::Moved),
                Err(error) => match error.code() {
                    ErrorCode::Modified | ErrorCode::NotFound | ErrorCode::Exists => {
                        Ok(Move::Raced)
                    }
                    ErrorCode::Locked => Ok(Move::Locked),
                    _ => Err(explain(error))
                        .with_context(|| format!("moving `{name}` of `{}`", self.shown())),
                },
            },
        )
    }

    /// Returns the lock file of a branch.
    pub(super) fn lock_of(&self, branch: &Branch) -> PathBuf {
        self.common_directory
            .join(format!("{}.lock", branch.reference()))
    }

    /// Tells whether a commit has another one among its ancestors, or is that one.
    pub(super) fn contains(&self, commit: ObjectId, ancestor: ObjectId) -> anyhow::Result<bool> {
        let found = self.with(|handle| {
            Ok(commit == ancestor
                || handle
                    .graph_descendant_of(commit.0, ancestor.0)
                    .map_err(explain)?)
        });
        found.with_context(|| format!("comparing commits {ancestor} and {commit}"))
    }
}

fn heads_to(handle: &git2::Repository, name: &str) -> Result<bool, git2::Error> {
    let head: Reference<'_> = handle.find_reference("HEAD")?;
    Ok(head.symbolic_target_bytes() == Some(name.as_bytes()))
}
