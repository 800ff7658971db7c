//! Why the tree could not be brought up to date.

use std::fmt;
use std::io;

use crate::confined::OpenError;
use crate::diagnostic::{Code, Diagnostic};

/// Why the tree could not be brought up to date; it is as it was, unless stated otherwise.
#[derive(Debug)]
pub enum TreeError {
    /// Something in the tree is not ours; exit status 3. All the places, sorted by path.
    Stopped(Vec<Stop>),
    /// The system refused; exit status 5. After the first exchange, running again finishes what was begun.
    Environment {
        /// What was being done, for example `writing`.
        action: &'static str,
        /// The path that it was being done to.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl TreeError {
    /// Makes a function that says what was being done to which path.
    pub(super) fn environment(
        action: &'static str,
        path: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> TreeError {
        let path = path.into();
        move |source| TreeError::Environment {
            action,
            path,
            source,
        }
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TreeError::Stopped(stops) => {
                let paths: Vec<&str> = stops.iter().map(|stop| stop.path.as_str()).collect();
                write!(f, "stopped because of {}", paths.join(", "))
            }
            TreeError::Environment { action, path, .. } => write!(f, "{action} `{path}`"),
        }
    }
}

impl std::error::Error for TreeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TreeError::Stopped(_) => None,
            TreeError::Environment { source, .. } => Some(source),
        }
    }
}

/// One path at which a render stops.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stop {
    /// The path, as [`Location::display`](super::Location::display) names it; a directory ends in `/`.
    pub path: String,
    /// What is wrong with it.
    pub reason: StopReason,
}

/// What is wrong with a path of the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// It lies in a directory of ours, or where one belongs, and we have not written it.
    Foreign,
    /// We have written it, and somebody else has changed it since.
    HandEdited,
    /// It is a symbolic link.
    SymbolicLink,
    /// It is a file, a pipe or a device where a directory belongs.
    NotADirectory,
    /// It is an index that cannot be read; why.
    InvalidIndex(String),
    /// It is a path that leads, or could lead, out of the tree.
    UnsafePath,
}

impl Stop {
    /// Returns the diagnostic that says what is wrong and what can be done.
    ///
    /// Codes: `foreign-file`, `hand-edited`, `symbolic-link`, `invalid-index`, `unsafe-path`.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let path = &self.path;
        let (code, message, hint) = match &self.reason {
            StopReason::Foreign => (
                Code::ForeignFile,
                format!("`{path}` was not written by Tenantry"),
                "move it somewhere else, or render with `--adopt`, which replaces or removes it",
            ),
            StopReason::HandEdited => (
                Code::HandEdited,
                format!("`{path}` was edited by hand"),
                "write the change as a patch in `projects.yaml`, then restore the file from Git or render with `--adopt`, which replaces it",
            ),
            StopReason::SymbolicLink => (
                Code::SymbolicLink,
                format!("`{path}` is a symbolic link"),
                "remove the link: Tenantry neither follows nor replaces links",
            ),
            StopReason::NotADirectory => (
                Code::ForeignFile,
                format!("`{path}` is not a directory, and one belongs there"),
                "move it somewhere else",
            ),
            StopReason::InvalidIndex(why) => (
                Code::InvalidIndex,
                format!("`{path}` cannot be read: {why}"),
                "restore it from Git; or remove it, and render: what is as it should be is recognised without it",
            ),
            StopReason::UnsafePath => (
                Code::UnsafePath,
                format!("`{path}` cannot be a path of the rendered tree"),
                "write a relative path without `..`",
            ),
        };
        Diagnostic::error(code, message)
            .hint(hint)
            .path(path.trim_end_matches('/'))
    }

    /// Makes of an opening that failed either a reason to stop or an error; `None` when nothing is there.
    pub(super) fn of_opening(
        path: String,
        action: &'static str,
        error: OpenError,
    ) -> Result<Option<Self>, TreeError> {
        let reason = match error {
            OpenError::Missing => return Ok(None),
            OpenError::SymbolicLink => StopReason::SymbolicLink,
            OpenError::OtherKind => StopReason::NotADirectory,
            OpenError::Io(error) => return Err(TreeError::environment(action, path)(error)),
        };
        Ok(Some(Stop { path, reason }))
    }
}
