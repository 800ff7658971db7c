//! `.tenantry/`: the one place in the tree for what is unfinished.
//!
//! ```text
//! .tenantry/
//!   .gitignore         keeps it out of commits, should it be left behind
//!   journal-<n>.json   what the index will be; there from before the first change until after the last
//!   staging/<n>/       directories that are being prepared, and former ones that are about to be removed
//!   displaced/<path>/  former directories, on file systems that cannot exchange two names
//! ```
//!
//! Made when the first directory is prepared, and removed at the end of every run that gets there.

use std::ffi::OsStr;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::index::Index;
use super::{INDEX, Location, Stop, TreeError, WORK};
use crate::confined::{Directory, Masked, OpenError};

const STAGING: &str = "staging";
const DISPLACED: &str = "displaced";

/// The directory for what is unfinished.
#[derive(Debug)]
pub(super) struct Staging {
    made: OnceLock<Made>,
    /// Whether an earlier run has left anything.
    left: bool,
    next: AtomicUsize,
    /// Number of the journal that this run writes.
    journal: usize,
    /// Whether anything but journals of others may be thrown away when this run ends early.
    disposable: AtomicBool,
}

#[derive(Debug)]
struct Made {
    work: Directory,
    staging: Directory,
}

impl Staging {
    /// Clears away what an earlier run has left, and adds the indexes of its journals to `indexes`.
    pub(super) fn open(
        top: &Directory,
        location: &Location,
        indexes: &mut Vec<Index>,
    ) -> Result<Self, TreeError> {
        let mut journal = 1;
        let left = match top.open(OsStr::new(WORK)) {
            Ok(work) => Some(work),
            Err(error) => match Stop::of_opening(location.display(WORK), "opening", error)? {
                Some(stop) => return Err(TreeError::Stopped(vec![stop])),
                None => None,
            },
        };
        if let Some(work) = &left {
            let environment = || TreeError::environment("clearing", location.display(WORK));
            for (name, _) in work.entries().map_err(environment())? {
                let Some(number) = name.to_str().and_then(journal_number) else {
                    continue;
                };
                journal = journal.max(number.saturating_add(1));
                // One that cannot be read was never finished, so no change has followed it.
                if let Ok(text) = work.read(&name, u64::MAX - 1)
                    && let Ok(index) = Index::parse(&text)
                {
                    indexes.push(index);
                }
            }
            put_back(top, work, indexes).map_err(environment())?;
            work.remove_all(OsStr::new(STAGING))
                .map_err(environment())?;
            work.remove_all(OsStr::new(DISPLACED))
                .map_err(environment())?;
        }
        Ok(Staging {
            made: OnceLock::new(),
            left: left.is_some(),
            next: AtomicUsize::new(0),
            journal,
            disposable: AtomicBool::new(true),
        })
    }

    /// Makes a new directory and returns its name below the staging directory.
    pub(super) fn make(
        &self,
        top: &Directory,
        location: &Location,
    ) -> Result<(String, Directory, Masked), TreeError> {
        let staging = self.directory(top, location)?;
        let name = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let (directory, masked) = staging
            .make(OsStr::new(&name))
            .map_err(TreeError::environment("making", shown(location, &name)))?;
        Ok((name, directory, masked))
    }

    /// Returns the staging directory, making it when it is needed first.
    pub(super) fn directory(
        &self,
        top: &Directory,
        location: &Location,
    ) -> Result<&Directory, TreeError> {
        Ok(&self.made(top, location)?.staging)
    }

    fn made(&self, top: &Directory, location: &Location) -> Result<&Made, TreeError> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        // Two threads may do this at once; both come to the same directories.
        let made = make(top).map_err(TreeError::environment("making", location.display(WORK)))?;
        Ok(self.made.get_or_init(|| made))
    }

    /// Writes the index that will be, durably, and returns the name of the journal.
    pub(super) fn write_journal(
        &self,
        top: &Directory,
        location: &Location,
        index: &Index,
    ) -> Result<String, TreeError> {
        let name = format!("journal-{}.json", self.journal);
        let work = &self.made(top, location)?.work;
        let write = || -> io::Result<()> {
            let file = work.write_new(OsStr::new(&name), b"", Masked::Yes)?;
            let mut out = io::BufWriter::with_capacity(64 * 1024, file);
            index.write(&mut out)?;
            out.into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_all()?;
            work.sync()
        };
        write().map_err(TreeError::environment("writing", location.display(INDEX)))?;
        self.disposable.store(false, Ordering::Relaxed);
        Ok(name)
    }

    /// Makes the journal the index, durably.
    pub(super) fn install(
        &self,
        top: &Directory,
        location: &Location,
        journal: &str,
    ) -> Result<(), TreeError> {
        let work = &self.made(top, location)?.work;
        work.rename(OsStr::new(journal), top, OsStr::new(INDEX))
            .and_then(|()| top.sync())
            .map_err(TreeError::environment("writing", location.display(INDEX)))
    }

    /// Moves a directory of the tree here in one step, to be removed with the rest.
    pub(super) fn take_away(
        &self,
        top: &Directory,
        location: &Location,
        path: &str,
    ) -> Result<(), TreeError> {
        let name = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let staging = self.directory(top, location)?;
        rename_below(top, path, staging, &name)
            .map_err(TreeError::environment("removing", location.display(path)))
    }

    /// Moves a directory of the tree to where [`Staging::open`] finds it should this run end before a new one is placed.
    pub(super) fn displace(
        &self,
        top: &Directory,
        location: &Location,
        path: &str,
    ) -> Result<(), TreeError> {
        let work = &self.made(top, location)?.work;
        let displace = || -> io::Result<()> {
            let below = format!("{DISPLACED}/{path}");
            let (above, name) = below
                .rsplit_once('/')
                .expect("the path has just been given a parent");
            let above = work
                .make_below(above)
                .map_err(|(_, error)| io::Error::from(error))?;
            rename_below(top, path, &above, name)
        };
        displace().map_err(TreeError::environment("replacing", location.display(path)))
    }

    /// Removes everything that is unfinished, journals included: the tree is as the index says.
    pub(super) fn clear(&self, top: &Directory, location: &Location) -> Result<(), TreeError> {
        self.disposable.store(false, Ordering::Relaxed);
        if !self.left && self.made.get().is_none() {
            // Not even an attempt, so that a tree that is up to date may be read-only.
            return Ok(());
        }
        top.remove_all(OsStr::new(WORK))
            .map_err(TreeError::environment("removing", location.display(WORK)))
    }

    /// Removes what this run has prepared, when it ends before it has changed anything.
    ///
    /// Errors are of no interest: the next run clears away what is left.
    pub(super) fn abandon(&self, top: &Directory) {
        if !self.disposable.load(Ordering::Relaxed) || self.made.get().is_none() {
            return;
        }
        if self.journal == 1 {
            let _left_to_the_next_run = top.remove_all(OsStr::new(WORK));
        } else if let Some(made) = self.made.get() {
            let _left_to_the_next_run = made.work.remove_all(OsStr::new(STAGING));
        }
    }
}

fn make(top: &Directory) -> io::Result<Made> {
    let (work, masked) = top.make(OsStr::new(WORK))?;
    match work.write_new(OsStr::new(".gitignore"), b"*\n", masked) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let (staging, _) = work.make(OsStr::new(STAGING))?;
    Ok(Made { work, staging })
}

/// Puts back directories that were displaced by a run that ended before it has placed new ones.
fn put_back(top: &Directory, work: &Directory, indexes: &[Index]) -> io::Result<()> {
    let Ok(displaced) = work.open(OsStr::new(DISPLACED)) else {
        return Ok(());
    };
    for path in indexes.iter().flat_map(|index| index.directories.keys()) {
        let missing = matches!(top.open_below(path), Err((_, OpenError::Missing)));
        if missing && displaced.open_below(path).is_ok() {
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            let above = top
                .make_below(above)
                .map_err(|(_, error)| io::Error::from(error))?;
            rename_below(&displaced, path, &above, name)?;
        }
    }
    Ok(())
}

fn rename_below(from: &Directory, path: &str, to: &Directory, new: &str) -> io::Result<()> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let above = from
        .open_below(above)
        .map_err(|(_, error)| io::Error::from(error))?;
    above.rename(OsStr::new(name), to, OsStr::new(new))
}

fn journal_number(name: &str) -> Option<usize> {
    name.strip_prefix("journal-")?
        .strip_suffix(".json")?
        .parse()
        .ok()
}

fn shown(location: &Location, name: &str) -> String {
    location.display(&format!("{WORK}/{STAGING}/{name}"))
}
