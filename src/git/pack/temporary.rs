//! Temporary files in the object store that do not outlive their process.
//!
//! Each is locked while its process lives, so that a later run can tell what a killed one has left.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// How names begin. `git gc` knows names with `tmp_` for temporary, too, and removes them after two weeks.
const PREFIX: &str = "tmp_tenantry_";

/// A locked file that is removed when it is dropped, unless it was moved into place.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    path: PathBuf,
    pub(super) file: File,
    moved: bool,
}

impl TemporaryFile {
    /// Makes an empty file in a directory, readable by whom the umask lets read, and writable by nobody else than us.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        let process = std::process::id();
        for number in 0_u64.. {
            let path = directory.join(format!("{PREFIX}{process}_{number}"));
            let options = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o444)
                .clone();
            match options.open(&path) {
                Ok(file) => {
                    // A file system without locks has no cleaning up either, see `remove_stale`.
                    let _unsupported = file.try_lock();
                    // Between making and locking, another process may have taken it for left over.
                    if file.metadata()?.nlink() > 0 {
                        return Ok(TemporaryFile {
                            path,
                            file,
                            moved: false,
                        });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("there are more numbers than names in any directory")
    }

    /// Moves the file into place, replacing what is there.
    pub(super) fn move_to(mut self, path: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, path)?;
        self.moved = true;
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.moved {
            // What cannot be removed now is removed by a later run.
            let _best_effort = std::fs::remove_file(&self.path);
        }
    }
}

/// Removes the temporary files of processes that are gone.
///
/// What cannot be looked at or removed stays: it does no harm but for the space it takes.
pub(super) fn remove_stale(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        let Ok(file) = File::open(&path) else {
            continue;
        };
        match file.try_lock() {
            Ok(()) => {
                let _best_effort = std::fs::remove_file(&path);
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).expect("a directory");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let directory = directory.path();
        for name in ["tmp_tenantry_1_0", "tmp_pack_x", "pack-1.pack"] {
            std::fs::write(directory.join(name), "x").expect("a file");
        }
        let living = TemporaryFile::create(directory).expect("a file");
        remove_stale(directory);
        let living_name = living
            .path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert_eq!(
            names(directory),
            ["pack-1.pack", "tmp_pack_x", &living_name]
        );
        drop(living);
        assert_eq!(names(directory), ["pack-1.pack", "tmp_pack_x"]);
    }

    #[test]
    fn names_that_are_taken_are_left_alone() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let first = TemporaryFile::create(directory.path()).expect("a file");
        let second = TemporaryFile::create(directory.path()).expect("a file");
        assert_ne!(first.path, second.path);
        second
            .move_to(&directory.path().join("kept"))
            .expect("a move");
        drop(first);
        assert_eq!(names(directory.path()), ["kept"]);
    }
}
