//! Exit statuses: what scripts and CI learn without reading a word.

use std::process::ExitCode;

/// How a run has ended; each number means one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Differences were found, by a command that was asked to look for them.
    Different = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Stopped by a safety gate: files that are not ours, edits by hand, a hazard that nobody has acknowledged.
    Stopped = 3,
    /// The input was rejected; diagnostics say why.
    Rejected = 4,
    /// The environment failed: files, locks, Git, the network; the message names the path or the ref.
    Environment = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
