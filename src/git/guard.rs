//! The right to move a branch, among processes of Tenantry, and a note of what its holder is about to write.
//!
//! Git's own lock, `refs/heads/<branch>.lock`, says nothing about who holds it, so that whoever finds one can only wait.
//! Whoever is killed while moving a branch leaves the note behind, and from it the next process can tell that the lock
//! is that of a dead one: the note is locked (`flock`) as long as its writer lives, and the lock holds what the note says.
//! The lock of a living `git` is never removed, and nobody has to look into the repository after a crash.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::Oid;
use sha1::{Digest as _, Sha1};

/// How names begin, in the directory of the repository.
const PREFIX: &str = "tenantry-branch-";
/// How often is looked again.
pub(super) const STEP: Duration = Duration::from_millis(10);
/// For how long a lock must have been empty. Git and libgit2 fill theirs as soon as they have made it.
const EMPTY: Duration = Duration::from_secs(2);

/// The right to move one branch; nobody else of Tenantry has it at the same time.
#[derive(Debug)]
pub(super) struct Guard {
    path: PathBuf,
    file: File,
    /// What processes that were killed were about to write.
    left: Vec<Oid>,
    /// The lock that was found empty, and for how long.
    empty: Option<(Identity, Duration)>,
}

/// Tells a file from one that takes its place.
type Identity = (u64, u64, i64, i64);

/// What has come of asking for the right to move a branch.
#[derive(Debug)]
pub(super) enum Asked {
    Granted(Guard),
    /// Another process has had it for too long.
    Refused,
    /// The file system has no locks: whose lock is left behind cannot be told.
    Unsupported,
}

impl Guard {
    /// Waits for the right to move a branch, and notes the commit that it is to point to.
    pub(super) fn acquire(
        repository: &Path,
        reference: &str,
        new: Oid,
        patience: Duration,
    ) -> io::Result<Asked> {
        let path = note(repository, reference);
        let mut waited = Duration::ZERO;
        let file = loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            match file.try_lock() {
                // Whoever had it before has removed it; the next one makes another file.
                Ok(()) if file.metadata()?.nlink() == 0 => {}
                Ok(()) => break file,
                Err(TryLockError::WouldBlock) if waited >= patience => return Ok(Asked::Refused),
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(STEP);
                    waited += STEP;
                }
                Err(TryLockError::Error(_)) => return Ok(Asked::Unsupported),
            }
        };
        let mut guard = Guard {
            path,
            file,
            left: Vec::new(),
            empty: None,
        };
        guard.left = guard.read()?;
        // Earlier notes stay until it is sure that no lock is left of them.
        let mut said = guard.left.clone();
        said.push(new);
        guard.write(&said)?;
        Ok(Asked::Granted(guard))
    }

    /// Removes what a killed process has left of a branch, as far as it is sure at first sight whose it is.
    pub(super) fn tidy(repository: &Path, reference: &str, lock: &Path) -> io::Result<()> {
        let path = note(repository, reference);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if file.try_lock().is_err() || file.metadata()?.nlink() == 0 {
            return Ok(());
        }
        let mut guard = Guard {
            path,
            file,
            left: Vec::new(),
            empty: None,
        };
        guard.left = guard.read()?;
        if guard.is_abandoned(lock, Duration::ZERO)? {
            guard.remove(lock)?;
        } else if !lock.try_exists()? {
            guard.settle();
        }
        Ok(())
    }

    /// Tells whether a lock of the branch, `waited` after the first look, is one that a killed process has left.
    ///
    /// Nobody but its maker touches a lock, so that one which is abandoned stays what it is until it is removed.
    pub(super) fn is_abandoned(&mut self, lock: &Path, waited: Duration) -> io::Result<bool> {
        if self.left.is_empty() {
            return Ok(false);
        }
        let found = match look(lock) {
            Ok(found) => found,
            // It was taken away just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let Some((metadata, content)) = found else {
            return Ok(false);
        };
        if content.is_empty() {
            let identity = identity(&metadata);
            return Ok(match self.empty {
                Some((same, since)) if same == identity => waited.saturating_sub(since) >= EMPTY,
                _ => {
                    self.empty = Some((identity, waited));
                    false
                }
            });
        }
        Ok(self
            .left
            .iter()
            .any(|id| content == format!("{id}\n").into_bytes()))
    }

    /// Removes a lock that is abandoned.
    pub(super) fn remove(&mut self, lock: &Path) -> io::Result<()> {
        std::fs::remove_file(lock)?;
        self.settle();
        Ok(())
    }

    /// Forgets what killed processes were about to write: no lock is left of them.
    pub(super) fn settle(&mut self) {
        self.left.clear();
        self.empty = None;
    }

    fn read(&mut self) -> io::Result<Vec<Oid>> {
        let mut text = String::new();
        // What is no text is no note of ours.
        match (&self.file).take(1 << 16).read_to_string(&mut text) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(Vec::new()),
            other => other?,
        };
        let ids = text.lines().filter(|line| line.len() == 40);
        Ok(ids.filter_map(|line| Oid::from_str(line).ok()).collect())
    }

    fn write(&mut self, ids: &[Oid]) -> io::Result<()> {
        let text: String = ids.iter().map(|id| format!("{id}\n")).collect();
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())?;
        self.file.set_len(text.len() as u64)?;
        // A lock that survives a loss of power shall not be without its note.
        self.file.sync_data()
    }
}

impl Drop for Guard {
    /// Takes the note back, but for that of others whose lock may still be there.
    fn drop(&mut self) {
        let left = std::mem::take(&mut self.left);
        // A note too many is harmless: nobody removes a lock that does not hold what it says.
        let _best_effort = if left.is_empty() {
            std::fs::remove_file(&self.path)
        } else {
            self.write(&left)
        };
    }
}

fn note(repository: &Path, reference: &str) -> PathBuf {
    let name: String = Sha1::digest(reference)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    repository.join(format!("{PREFIX}{name}"))
}

/// Returns what a lock holds; `None` for what is no lock of Git's.
fn look(lock: &Path) -> io::Result<Option<(Metadata, Vec<u8>)>> {
    if !std::fs::symlink_metadata(lock)?.is_file() {
        return Ok(None);
    }
    let mut file = File::open(lock)?;
    let metadata = file.metadata()?;
    let mut content = Vec::new();
    (&mut file).take(64).read_to_end(&mut content)?;
    Ok(Some((metadata, content)))
}

fn identity(metadata: &Metadata) -> Identity {
    (
        metadata.dev(),
        metadata.ino(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: &str = "refs/heads/rendered";

    fn id(digit: char) -> Oid {
        Oid::from_str(&digit.to_string().repeat(40)).expect("an id")
    }

    fn granted(repository: &Path, new: Oid) -> Guard {
        match Guard::acquire(repository, REFERENCE, new, Duration::ZERO) {
            Ok(Asked::Granted(guard)) => guard,
            other => panic!("{other:?}"),
        }
    }

    /// Leaves what a process leaves that is killed: its note, which nobody has locked any more.
    fn killed(repository: &Path, new: Oid) {
        let mut guard = granted(repository, new);
        guard.left.push(new);
    }

    fn notes(repository: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(repository).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").path());
        names
            .filter(|path| path.to_string_lossy().contains(PREFIX))
            .map(|path| std::fs::read_to_string(path).expect("a note"))
            .collect()
    }

    #[test]
    fn only_one_has_the_right_and_nothing_is_left_of_it() {
        let repository = tempfile::tempdir().expect("a temporary directory");
        let repository = repository.path();
        let first = granted(repository, id('1'));
        let second = Guard::acquire(repository, REFERENCE, id('2'), Duration::ZERO);
        assert!(matches!(second, Ok(Asked::Refused)), "{second:?}");
        let other = Guard::acquire(repository, "refs/heads/x", id('2'), Duration::ZERO);
        assert!(matches!(other, Ok(Asked::Granted(_))), "{other:?}");
        drop((first, other));
        granted(repository, id('2'));
        assert_eq!(notes(repository), Vec::<String>::new());
    }

    #[test]
    fn whose_lock_it_is() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let repository = directory.path();
        let lock = repository.join("rendered.lock");
        let check = |content: &str, later: Duration| {
            std::fs::write(&lock, content).expect("a lock");
            let mut guard = granted(repository, id('9'));
            let looked = |guard: &mut Guard, waited| {
                guard.is_abandoned(&lock, waited).expect("it can be read")
            };
            looked(&mut guard, Duration::ZERO) || looked(&mut guard, later)
        };
        // Without a note, every lock is somebody else's.
        assert!(!check(&format!("{}\n", id('1')), EMPTY));
        assert!(!check("", EMPTY));
        killed(repository, id('1'));
        killed(repository, id('2'));
        for digit in ['1', '2'] {
            assert!(check(&format!("{}\n", id(digit)), Duration::ZERO));
        }
        for others in [
            id('3').to_string() + "\n",
            id('9').to_string() + "\n",
            id('1').to_string(),
            "x\n".to_owned(),
        ] {
            assert!(!check(&others, EMPTY * 10), "{others}");
        }
        assert!(!check("", EMPTY - STEP));
        assert!(check("", EMPTY));
        // One that was made anew is another one.
        let mut guard = granted(repository, id('9'));
        std::fs::remove_file(&lock).expect("removed");
        assert!(!guard.is_abandoned(&lock, EMPTY).expect("it can be read"));
        std::fs::write(&lock, "").expect("a lock");
        assert!(
            !guard
                .is_abandoned(&lock, Duration::ZERO)
                .expect("it can be read")
        );
        let aside = repository.join("aside");
        std::fs::write(&aside, "").expect("a lock");
        std::fs::rename(aside, &lock).expect("moved");
        assert!(!guard.is_abandoned(&lock, EMPTY).expect("it can be read"));
        assert!(
            guard
                .is_abandoned(&lock, EMPTY * 2)
                .expect("it can be read")
        );
        // A link is no lock of Git's.
        std::fs::remove_file(&lock).expect("removed");
        std::os::unix::fs::symlink("nowhere", &lock).expect("a link");
        assert!(
            !guard
                .is_abandoned(&lock, EMPTY * 4)
                .expect("it can be read")
        );
    }

    #[test]
    fn a_note_stays_until_nothing_can_be_left() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let repository = directory.path();
        killed(repository, id('1'));
        drop(granted(repository, id('2')));
        assert_eq!(notes(repository), [format!("{}\n", id('1'))]);
        let mut guard = granted(repository, id('2'));
        guard.settle();
        drop(guard);
        assert_eq!(notes(repository), Vec::<String>::new());
        killed(repository, id('1'));
        let lock = repository.join("rendered.lock");
        let tidy = || Guard::tidy(repository, REFERENCE, &lock).expect("tidied");
        for (content, stays) in [
            ("", true),
            ("x\n", true),
            (&*format!("{}\n", id('1')), false),
        ] {
            std::fs::write(&lock, content).expect("a lock");
            tidy();
            assert_eq!(
                (lock.exists(), notes(repository).len()),
                (stays, usize::from(stays)),
                "{content}"
            );
        }
        killed(repository, id('1'));
        tidy();
        assert_eq!(notes(repository), Vec::<String>::new());
        std::fs::write(granted(repository, id('2')).path.clone(), [0xff, 0xfe]).expect("no note");
        assert_eq!(granted(repository, id('2')).left, []);
    }
}
