//! Which paths may lie in the tree; the index comes from Git, where anybody may have edited it.

use super::{INDEX, Location, RenderedDirectory, Stop, StopReason, TreeError, WORK};

/// Longest name of a file that Linux file systems take, in bytes.
const NAME_MAX: usize = 255;
/// Longest path that we accept, in bytes; below Linux' `PATH_MAX` with room for the path of the tree.
const PATH_MAX: usize = 2048;

/// Refuses a rendered directory that cannot lie in the tree, or has a file that cannot lie in a directory.
pub(super) fn check(location: &Location, rendered: &RenderedDirectory) -> Result<(), TreeError> {
    let path = &rendered.path;
    let directory = (!is_directory(path)).then(|| path.clone());
    let names = rendered.files.keys().filter(|name| !is_name(name));
    let unsafe_paths = directory
        .into_iter()
        .chain(names.map(|name| format!("{path}/{name}")));
    let stops: Vec<Stop> = unsafe_paths
        .map(|path| Stop {
            path: location.display(&path),
            reason: StopReason::UnsafePath,
        })
        .collect();
    if stops.is_empty() {
        Ok(())
    } else {
        Err(TreeError::Stopped(stops))
    }
}

/// Tells whether a path is relative, stays where it is looked up, and has one way to be written.
pub(super) fn is_safe(path: &str) -> bool {
    path.len() <= PATH_MAX && path.split('/').all(is_name)
}

/// Tells whether a directory of ours may have this path.
pub(crate) fn is_directory(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or("");
    is_safe(path) && first != WORK && first != INDEX
}

/// Tells whether a file or directory may have this name.
pub(crate) fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
        && name.len() <= NAME_MAX
        && !name.contains(|character: char| character == '/' || character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories() {
        for path in [
            "a",
            "in-cluster/churn",
            "a/_sync/argocd",
            "a/..b",
            "a/index.json",
        ] {
            assert!(is_directory(path), "{path}");
        }
        let long = "x".repeat(256);
        let deep = "x/".repeat(1200);
        for path in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/..",
            "../a",
            "a/./b",
            "a\0b",
            "a\nb",
            ".tenantry",
            ".tenantry/x",
            "index.json",
            &long,
            &deep,
        ] {
            assert!(!is_directory(path), "{path}");
        }
    }
}
