//! Remotes: where a branch of theirs points, its commits, and moving it.
//!
//! Takes the name of a remote or its URL; never forces, and never lets either be taken for an option.

use anyhow::{Context as _, anyhow};
use git2::Oid;

use super::program::Said;
use super::{Branch, ObjectId, Repository};

/// The name of a remote, or a URL or path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    written: String,
    /// What messages may show.
    shown: String,
    /// What they may not.
    secret: Option<String>,
}

/// What has become of a push.
#[derive(Debug)]
pub(super) enum Pushed {
    Done,
    /// Somebody else was faster.
    Raced,
}

impl Remote {
    /// Reads the name of a remote, a URL or a path.
    ///
    /// Errors: an empty one, one that begins with `-`, one with control characters.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        if text.is_empty() || text.starts_with('-') || text.contains(char::is_control) {
            return Err(anyhow!("`{}` cannot be a remote", text.escape_debug()));
        }
        let secret = secret_of(text).map(str::to_owned);
        let shown = secret
            .as_deref()
            .map_or(text.to_owned(), |secret| text.replace(secret, "***"));
        Ok(Remote {
            written: text.to_owned(),
            shown,
            secret,
        })
    }

    /// Returns what messages name it; a password in a URL is masked.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Makes an error of what `git` has said, without secrets.
    fn error(&self, said: &Said, doing: &str) -> anyhow::Error {
        let error = said.error().to_string();
        let error = self
            .secret
            .as_deref()
            .map_or(error.clone(), |secret| error.replace(secret, "***"));
        anyhow!("{error}").context(doing.to_owned())
    }
}

/// Returns the part of a URL that must not be shown: `password` of `https://user:password@host`, or the whole of
/// `https://token@host`.
fn secret_of(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let secret = match user.split_once(':') {
        Some((_, password)) => password,
        // A name alone is a name for ssh, and may be a token for http.
        None if scheme.starts_with("http") => user,
        None => return None,
    };
    (!secret.is_empty()).then_some(secret)
}

impl Repository {
    /// Returns where a branch of a remote points, after seeing to it that its commit is here.
    ///
    /// `None` for a branch that the remote does not have, and `Err` naming remote and ref when it cannot be asked.
    pub(super) fn fetch_tip(
        &self,
        remote: &Remote,
        branch: &Branch,
    ) -> anyhow::Result<Option<ObjectId>> {
        // A branch that is moved between asking and fetching is asked for again.
        for _ in 0..4 {
            let Some(tip) = self.remote_tip(remote, branch)? else {
                return Ok(None);
            };
            if !self.has_commit(tip)? {
                self.fetch(remote, branch)?;
            }
            if self.has_commit(tip)? {
                return Ok(Some(tip));
            }
        }
        Err(anyhow!(
            "`{}` of `{}` is moved faster than it can be fetched",
            branch.reference(),
            remote.shown()
        ))
    }

    /// Asks a remote where a branch points.
    pub(super) fn remote_tip(
        &self,
        remote: &Remote,
        branch: &Branch,
    ) -> anyhow::Result<Option<ObjectId>> {
        let name = branch.reference();
        let doing = || format!("asking `{}` for `{name}`", remote.shown());
        let said = self.run_git(&["ls-remote", "--", &remote.written, &name])?;
        if !said.success {
            return Err(remote.error(&said, &doing()));
        }
        // The pattern also matches names that end in it, such as `refs/x/refs/heads/main`.
        let mut lines = said.out.lines().filter_map(|line| line.split_once('\t'));
        let Some((id, _)) = lines.find(|(_, found)| *found == name) else {
            return Ok(None);
        };
        let id = Oid::from_str(id)
            .map_err(super::explain)
            .with_context(doing)?;
        Ok(Some(ObjectId(id)))
    }

    fn fetch(&self, remote: &Remote, branch: &Branch) -> anyhow::Result<()> {
        let name = branch.reference();
        let mut arguments = vec![
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
        ];
        // In a shallow clone, such as CI services make, the history of another branch would come in full.
        if self.with(|handle| Ok(handle.is_shallow()))? {
            arguments.push("--depth=1");
        }
        arguments.extend(["--", &remote.written, &name]);
        let said = self.run_git(&arguments)?;
        // A branch that has just been deleted is found out by asking again.
        if said.success || self.remote_tip(remote, branch)?.is_none() {
            return Ok(());
        }
        Err(remote.error(
            &said,
            &format!("fetching `{name}` from `{}`", remote.shown()),
        ))
    }

    /// Moves a branch of a remote to a commit, if it still points where it did.
    ///
    /// The commit is a child of `old`, so this is a fast-forward and never forces; the lease also refuses to bring
    /// back what somebody has taken off the branch meanwhile, which a plain push would.
    pub(super) fn push(
        &self,
        remote: &Remote,
        branch: &Branch,
        old: Option<ObjectId>,
        new: ObjectId,
    ) -> anyhow::Result<Pushed> {
        let name = branch.reference();
        let expected = old.map(|old| old.to_string()).unwrap_or_default();
        let lease = format!("--force-with-lease={name}:{expected}");
        let refspec = format!("{new}:{name}");
        let said = self.run_git(&[
            "push",
            "--porcelain",
            "--no-follow-tags",
            "--recurse-submodules=no",
            &lease,
            "--",
            &remote.written,
            &refspec,
        ])?;
        if said.success {
            return Ok(Pushed::Done);
        }
        // What has really happened is what the remote says, whatever the reason was called, or if the line went dead.
        let found = self.remote_tip(remote, branch)?;
        if found == Some(new) {
            return Ok(Pushed::Done);
        }
        if found != old || is_contention(&said) {
            return Ok(Pushed::Raced);
        }
        let reason = rejection(&said);
        let error = remote.error(&said, &format!("pushing `{name}` to `{}`", remote.shown()));
        Err(match reason {
            Some(reason) => error.context(format!(
                "`{}` has rejected `{name}`: {reason}",
                remote.shown()
            )),
            None => error,
        })
    }

    fn has_commit(&self, commit: ObjectId) -> anyhow::Result<bool> {
        self.with(|handle| Ok(handle.find_commit(commit.0).is_ok()))
    }
}

/// Returns why a push was rejected.
///
/// Source: git-push, "Output": a line of `--porcelain` is flag, refs and summary, with tabs between.
fn rejection(said: &Said) -> Option<&str> {
    let mut lines = said.out.lines().filter_map(|line| line.strip_prefix("!\t"));
    lines
        .next()?
        .split_once('\t')
        .map(|(_, summary)| summary.trim())
}

/// Tells whether another push held the branch's lock at that moment; `git receive-pack` does not wait.
fn is_contention(said: &Said) -> bool {
    rejection(said).is_some_and(|reason| {
        [
            "cannot lock ref",
            "failed to update ref",
            "failed to lock",
            "stale info",
            "fetch first",
            "non-fast-forward",
        ]
        .iter()
        .any(|known| reason.contains(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let check = |text: &str, expect: &str| {
            assert_eq!(Remote::parse(text).expect(text).shown(), expect);
        };
        check("origin", "origin");
        check(
            "https://git.example.com/a.git",
            "https://git.example.com/a.git",
        );
        check(
            "https://ci:s3cret@git.example.com/a.git",
            "https://ci:***@git.example.com/a.git",
        );
        check(
            "https://s3cret@git.example.com/a.git",
            "https://***@git.example.com/a.git",
        );
        check(
            "ssh://git@git.example.com/a.git",
            "ssh://git@git.example.com/a.git",
        );
        check("git@git.example.com:a.git", "git@git.example.com:a.git");
        check("/srv/git/a@b.git", "/srv/git/a@b.git");
    }

    #[test]
    fn what_is_no_remote() {
        for text in ["", "--upload-pack=x", "-o", "a\nb"] {
            assert!(Remote::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reasons_of_rejections() {
        let said = Said {
            success: false,
            out: "To x\n!\t1:refs/heads/a\t[rejected] (stale info)\nDone\n".to_owned(),
            err: String::new(),
        };
        assert_eq!(rejection(&said), Some("[rejected] (stale info)"));
        assert!(is_contention(&said));
    }
}
