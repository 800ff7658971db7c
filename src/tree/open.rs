//! The way into the tree: its top directory, its lock, its index.

use std::ffi::OsStr;
use std::io;
use std::time::Duration;

use super::index::Index;
use super::{INDEX, Location, Stop, StopReason, TreeError};
use crate::confined::Directory;
use crate::digest::Digest;

/// How long one look at a lock that another process holds waits for the next.
const LOCK_STEP: Duration = Duration::from_millis(50);

/// Opens the top directory of the tree; `None` when there is none.
pub(super) fn open_top(location: &Location) -> Result<Option<Directory>, TreeError> {
    let trusted = match Directory::open_trusted(&location.trusted) {
        Ok(directory) => directory,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(TreeError::environment("opening", location.display(""))(
                error,
            ));
        }
    };
    match trusted.open_below(&location.below) {
        Ok(top) => Ok(Some(top)),
        Err((component, error)) => match Stop::of_opening(component, "opening", error)? {
            Some(stop) => Err(TreeError::Stopped(vec![stop])),
            None => Ok(None),
        },
    }
}

/// Opens the top directory of the tree, making it when it is missing.
pub(super) fn make_top(location: &Location) -> Result<Directory, TreeError> {
    let shown = location.trusted.to_string_lossy();
    let trusted = Directory::make_trusted(&location.trusted)
        .map_err(TreeError::environment("making", shown))?;
    trusted
        .make_below(&location.below)
        .or_else(
            |(component, error)| match Stop::of_opening(component.clone(), "making", error)? {
                Some(stop) => Err(TreeError::Stopped(vec![stop])),
                None => {
                    let vanished = io::Error::from(io::ErrorKind::NotFound);
                    Err(TreeError::environment("making", component)(vanished))
                }
            },
        )
}

/// Takes the lock of the tree, or waits for it; `waiting` is called once when another process has it.
pub(super) fn lock(
    top: &Directory,
    location: &Location,
    patience: Duration,
    waiting: impl FnOnce(),
) -> Result<(), TreeError> {
    let mut waiting = Some(waiting);
    let mut waited = Duration::ZERO;
    loop {
        let environment = TreeError::environment("locking", location.display(""));
        match top.try_lock() {
            Ok(true) => return Ok(()),
            Ok(false) if waited >= patience => {
                return Err(environment(io::Error::new(
                    io::ErrorKind::WouldBlock,
                    "another process is rendering into this tree",
                )));
            }
            Ok(false) => {}
            Err(error) => return Err(environment(error)),
        }
        if let Some(waiting) = waiting.take() {
            waiting();
        }
        std::thread::sleep(LOCK_STEP);
        waited += LOCK_STEP;
    }
}

/// Reads the index, with the digest of its text; a tree without one has an empty one.
pub(super) fn read_index(
    top: &Directory,
    location: &Location,
) -> Result<(Index, Option<Digest>), TreeError> {
    let path = location.display(INDEX);
    let text = match top.read(OsStr::new(INDEX), u64::MAX - 1) {
        Ok(text) => text,
        Err(error) => {
            return match Stop::of_opening(path, "reading", error)? {
                Some(stop) => Err(TreeError::Stopped(vec![stop])),
                None => Ok((Index::default(), None)),
            };
        }
    };
    match Index::parse(&text) {
        Ok(index) => Ok((index, Some(Digest::of(&text)))),
        Err(why) => Err(TreeError::Stopped(vec![Stop {
            path,
            reason: StopReason::InvalidIndex(why),
        }])),
    }
}
