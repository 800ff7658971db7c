//! Which paths may lie in a tree of Git, and what keeps one of ours from lying there.

use super::super::entries::{Kind, is_git_directory};
use crate::git::GitError;
use crate::tree::{RenderedDirectory, Stop, StopReason, path};

/// Deepest accepted path of the tree below the top of the repository.
const DEPTH_LIMIT: usize = 32;

/// Returns why something that is no directory keeps one of ours from lying there.
pub(super) fn reason_of_obstacle(kind: Kind) -> StopReason {
    match kind {
        Kind::Link => StopReason::SymbolicLink,
        _ => StopReason::NotADirectory,
    }
}

pub(super) fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}

/// Returns where the tree lies, in the one way in which it can be written.
pub(super) fn checked_path(written: &str) -> Result<String, GitError> {
    let path = written.trim_start_matches("./").trim_end_matches('/');
    let path = if path == "." { "" } else { path };
    let safe = path
        .split('/')
        .all(|name| path::is_name(name) && !is_git_directory(name))
        && components(path).count() <= DEPTH_LIMIT;
    if path.is_empty() || safe {
        return Ok(path.to_owned());
    }
    let stop = Stop {
        path: written.to_owned(),
        reason: StopReason::UnsafePath,
    };
    Err(GitError::Stopped(vec![stop]))
}

/// Returns the paths of a rendered directory that cannot lie in a tree.
pub(super) fn unsafe_paths(rendered: &RenderedDirectory) -> Vec<String> {
    let directory = &rendered.path;
    if !path::is_directory(directory) || directory.split('/').any(is_git_directory) {
        return vec![directory.clone()];
    }
    let names = rendered
        .files
        .keys()
        .filter(|name| !path::is_name(name) || is_git_directory(name));
    names.map(|name| format!("{directory}/{name}")).collect()
}
