//! The repository on the disk, as far as vendoring and pinning write to it.
//!
//! Knows `base/`, the lock beside the bases, and one directory for what is unfinished. Nothing is written through a
//! symbolic link ([`crate::confined`]).

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::base::lock::{self, Lock};
use crate::confined::{Directory, Masked, OpenError};
use crate::inputs::BASE;

/// Where commits are fetched to and a base is prepared, in the root.
const SCRATCH: &str = ".tenantry-vendor";
/// The prepared base.
const PREPARED: &str = "base";
/// The new lock.
const PREPARED_LOCK: &str = "lock";

/// The root of a repository.
pub(crate) struct Disk {
    root: Directory,
    path: PathBuf,
}

/// The directory for what is unfinished; goes away with its contents.
pub(crate) struct Scratch<'d> {
    disk: &'d Disk,
    path: PathBuf,
    /// Held open: its lock keeps a second process away.
    directory: Directory,
}

impl Scratch<'_> {
    /// Returns the path of the directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        // What is left is removed by the next run.
        let _ignored = self.disk.root.remove_all(OsStr::new(SCRATCH));
    }
}

impl Disk {
    /// Opens the root.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let opened = Directory::open_trusted(path);
        let root = opened.with_context(|| format!("opening `{}`", path.display()))?;
        Ok(Disk {
            root,
            path: path.to_owned(),
        })
    }

    /// Returns the root.
    pub(crate) fn root(&self) -> &Directory {
        &self.root
    }

    /// Makes an empty directory for what is unfinished.
    ///
    /// Errors: another process has it.
    pub(crate) fn scratch(&self) -> anyhow::Result<Scratch<'_>> {
        let name = OsStr::new(SCRATCH);
        let making = || format!("making `{SCRATCH}`");
        let (directory, _) = self.root.make(name).with_context(making)?;
        if !directory.try_lock().with_context(making)? {
            bail!(
                "another `tenantry` writes bases in `{}`",
                self.path.display()
            );
        }
        for (entry, _) in directory.entries().with_context(making)? {
            directory.remove_all(&entry).with_context(making)?;
        }
        Ok(Scratch {
            disk: self,
            path: self.path.join(SCRATCH),
            directory,
        })
    }

    /// Writes the lock alone.
    pub(super) fn write_lock(&self, lock: &Lock) -> anyhow::Result<()> {
        let writing = || format!("writing `{BASE}/{}`", lock::FILE);
        let place = self.scratch()?;
        let (base, _) = self.root.make(OsStr::new(BASE)).with_context(writing)?;
        let scratch = &place.directory;
        let prepared = OsStr::new(PREPARED_LOCK);
        scratch
            .write_new(prepared, lock.to_string().as_bytes(), Masked::Yes)
            .with_context(writing)?;
        scratch
            .rename(prepared, &base, OsStr::new(lock::FILE))
            .with_context(writing)
    }

    /// Writes a base, in the place of one of that name, and its lines of the lock.
    pub(crate) fn write(
        &self,
        name: &str,
        files: &BTreeMap<String, String>,
        mut lock: Lock,
    ) -> anyhow::Result<()> {
        let shown = format!("{BASE}/{name}");
        let writing = || format!("writing `{shown}`");
        let scratch = self
            .root
            .open(OsStr::new(SCRATCH))
            .map_err(std::io::Error::from)
            .with_context(writing)?;
        // Of a base that was written before, what it has replaced is left here.
        scratch
            .remove_all(OsStr::new(PREPARED))
            .with_context(writing)?;
        let (prepared, _) = scratch.make(OsStr::new(PREPARED)).with_context(writing)?;
        for (path, text) in files {
            let (above, file) = path.rsplit_once('/').unwrap_or(("", path));
            let above = prepared
                .make_below(above)
                .map_err(|(_, error)| std::io::Error::from(error))
                .with_context(writing)?;
            above
                .write_new(OsStr::new(file), text.as_bytes(), Masked::Yes)
                .with_context(|| format!("writing `{shown}/{path}`"))?;
        }
        lock.replace(
            name,
            files
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_bytes())),
        );
        scratch
            .write_new(
                OsStr::new(PREPARED_LOCK),
                lock.to_string().as_bytes(),
                Masked::Yes,
            )
            .with_context(|| format!("writing `{BASE}/{}`", lock::FILE))?;
        let (base, _) = self.root.make(OsStr::new(BASE)).with_context(writing)?;
        let name = OsStr::new(name);
        let replaced = match base.open(name) {
            Err(OpenError::Missing) => false,
            Ok(_) => scratch
                .exchange(OsStr::new(PREPARED), &base, name)
                .with_context(writing)?,
            Err(error) => return Err(std::io::Error::from(error)).with_context(writing),
        };
        if !replaced {
            base.remove_all(name).with_context(writing)?;
            scratch
                .rename(OsStr::new(PREPARED), &base, name)
                .with_context(writing)?;
        }
        // Last: were it first, a crash would leave a lock for files that are not there yet.
        scratch
            .rename(OsStr::new(PREPARED_LOCK), &base, OsStr::new(lock::FILE))
            .with_context(|| format!("writing `{BASE}/{}`", lock::FILE))
    }
}
