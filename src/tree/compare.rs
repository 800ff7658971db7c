//! Compares one rendered directory with the one on disk.
//!
//! Reads only, and each file once. What it finds is what [`Writer`](super::Writer) and [`Checker`](super::Checker) decide on.

use std::ffi::OsStr;
use std::io;

use super::index::{Entry, Index};
use super::{Location, RenderedDirectory, Stop, StopReason, TreeError};
use crate::confined::{Content, Directory, Kind, OpenError};
use crate::digest::Digest;

/// What is on disk where a rendered directory belongs.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// The directory, when there is one.
    pub(super) directory: Option<Directory>,
    /// Names of files that are as they should be, sorted.
    pub(super) unchanged: Vec<String>,
    /// Paths relative to the tree that are not as they should be, a directory's ending in `/`; unsorted.
    pub(super) differing: Vec<String>,
    /// What is not ours; the paths are among the differing ones.
    pub(super) stops: Vec<Stop>,
}

/// What may be found in the tree without anybody else having written it.
pub(super) struct Known<'a> {
    /// The index, and what the journals of runs say that did not get to its end.
    pub(super) indexes: &'a [Index],
    /// Whether directories of ours below others are up to this run.
    pub(super) nested: bool,
}

impl Known<'_> {
    /// Returns the entries that any index has for the directory.
    fn entries(&self, path: &str) -> Vec<&Entry> {
        let entries = self
            .indexes
            .iter()
            .filter_map(|index| index.directories.get(path));
        entries.map(|entry| &**entry).collect()
    }

    /// Tells whether a directory, found in one of ours, is or holds another one of ours that this run deals with.
    fn has_nested(&self, path: &str) -> bool {
        let mut indexes = self.indexes.iter();
        self.nested
            && indexes.any(|index| index.directories.contains_key(path) || index.has_below(path))
    }
}

/// Compares; a `rendered` without files stands for a directory that should not be there.
pub(super) fn compare(
    top: &Directory,
    location: &Location,
    rendered: &RenderedDirectory,
    known: &Known<'_>,
) -> Result<Comparison, TreeError> {
    let mut comparison = Comparison::default();
    let path = rendered.path.as_str();
    let directory = match top.open_below(path) {
        Ok(directory) => directory,
        Err((component, error)) => {
            comparison
                .differing
                .extend(rendered.files.keys().map(|name| format!("{path}/{name}")));
            if let Some(stop) = Stop::of_opening(location.display(&component), "opening", error)? {
                comparison.differing.push(component);
                comparison.stops.push(stop);
            }
            return Ok(comparison);
        }
    };

    let entries = known.entries(path);
    let listed = directory
        .entries()
        .map_err(TreeError::environment("listing", location.display(path)))?;
    for name in rendered.files.keys() {
        let found = listed.binary_search_by(|(other, _)| other.as_os_str().cmp(OsStr::new(name)));
        if found.is_err() {
            comparison.differing.push(format!("{path}/{name}"));
        }
    }
    for (name, kind) in &listed {
        let expect = name.to_str().and_then(|name| rendered.files.get(name));
        let ours = |entry: &&Entry| name.to_str().and_then(|name| entry.files.get(name));
        let ours: Vec<Digest> = entries.iter().filter_map(ours).collect();
        let mut below = format!("{path}/{}", name.to_string_lossy());
        let verdict = match kind {
            Kind::File => {
                let expect = expect.map(Vec::as_slice);
                judge_file(&directory, name, expect, &ours)
                    .map_err(TreeError::environment("reading", location.display(&below)))?
            }
            Kind::Directory if known.has_nested(&below) => continue,
            Kind::SymbolicLink => Verdict::Stop(StopReason::SymbolicLink),
            Kind::Directory | Kind::Other => Verdict::Stop(StopReason::Foreign),
        };
        if *kind == Kind::Directory {
            below.push('/');
        }
        match verdict {
            Verdict::AsExpected => {
                comparison
                    .unchanged
                    .push(name.to_string_lossy().into_owned());
                continue;
            }
            Verdict::Ours => {}
            Verdict::Stop(reason) => {
                let path = location.display(&below);
                comparison.stops.push(Stop { path, reason });
            }
        }
        comparison.differing.push(below);
    }
    comparison.directory = Some(directory);
    Ok(comparison)
}

enum Verdict {
    /// What is expected, whoever has written it.
    AsExpected,
    /// Not what is expected, but what we have written.
    Ours,
    Stop(StopReason),
}

/// Judges a file; `expect` is `None` when it should not be there, and `ours` is what we may have written.
fn judge_file(
    directory: &Directory,
    name: &OsStr,
    expect: Option<&[u8]>,
    ours: &[Digest],
) -> io::Result<Verdict> {
    if expect.is_none() && ours.is_empty() {
        return Ok(Verdict::Stop(StopReason::Foreign));
    }
    let digest = match (expect, directory.compare(name, expect.unwrap_or_default())) {
        (Some(_), Ok(Content::Equal)) => return Ok(Verdict::AsExpected),
        (None, Ok(Content::Equal)) => Digest::of(&[]),
        (_, Ok(Content::Other(digest))) => digest,
        (_, Err(OpenError::Io(error))) => return Err(error),
        // It was a file a moment ago: somebody is at work in the directory.
        (_, Err(OpenError::SymbolicLink)) => return Ok(Verdict::Stop(StopReason::SymbolicLink)),
        (_, Err(OpenError::Missing | OpenError::OtherKind)) => {
            return Ok(Verdict::Stop(StopReason::Foreign));
        }
    };
    Ok(if ours.contains(&digest) {
        Verdict::Ours
    } else if ours.is_empty() {
        Verdict::Stop(StopReason::Foreign)
    } else {
        Verdict::Stop(StopReason::HandEdited)
    })
}
