//! Directories and files that are reached without following a symbolic link.
//!
//! Takes names of one component, relative to a directory that is held open, and never resolves a path by itself:
//! so neither a link in the repository nor `..` can lead a read or a write out of it, and replacing a directory
//! by a link meanwhile changes nothing. Knows nothing of what the files are for.
//!
//! Source: `openat(2)`, `renameat2(2)` of Linux man-pages 6.9; `O_NOFOLLOW` is POSIX.1-2008.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, Timestamps};
use rustix::io::Errno;

use crate::digest::{Digest, Hasher};

const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);
const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o755);

/// A directory that is held open.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
}

/// Why a name could not be opened as what was asked for.
#[derive(Debug)]
pub enum OpenError {
    /// There is nothing of that name.
    Missing,
    /// It is a symbolic link.
    SymbolicLink,
    /// It is neither a link nor what was asked for.
    OtherKind,
    /// The system refused.
    Io(io::Error),
}

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    SymbolicLink,
    /// A device, a pipe, a socket.
    Other,
}

/// What a file holds, compared with what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Exactly the expected bytes.
    Equal,
    /// Other bytes, with this digest.
    Other(Digest),
}

impl Directory {
    /// Opens a directory that somebody we trust has named, following links.
    pub fn open_trusted(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let fd = rustix::fs::openat(rustix::fs::CWD, path, flags, Mode::empty())?;
        Ok(Directory { fd })
    }

    /// Opens a directory that somebody we trust has named, making what is missing of its path.
    pub fn make_trusted(path: &Path) -> io::Result<Self> {
        let mut present = path;
        let opened = loop {
            match (Directory::open_trusted(present), present.parent()) {
                (Err(error), Some(above)) if error.kind() == io::ErrorKind::NotFound => {
                    present = above;
                }
                (opened, _) => break opened?,
            }
        };
        let missing = path.strip_prefix(present).unwrap_or(Path::new(""));
        let missing = missing
            .to_str()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8"))?;
        opened
            .make_below(missing)
            .map_err(|(_, error)| io::Error::from(error))
    }

    /// Opens a directory in this one.
    pub fn open(&self, name: &OsStr) -> Result<Self, OpenError> {
        match rustix::fs::openat(
            &self.fd,
            single(name)?,
            READ | OFlags::DIRECTORY,
            Mode::empty(),
        ) {
            Ok(fd) => Ok(Directory { fd }),
            Err(error) => Err(self.why(name, error)),
        }
    }

    /// Opens a directory below this one; an error names the path of the component that failed.
    pub fn open_below(&self, path: &str) -> Result<Self, (String, OpenError)> {
        let mut directory: Option<Directory> = None;
        for (component, end) in components(path) {
            let above = directory.as_ref().unwrap_or(self);
            let below = above.open(OsStr::new(component));
            directory = Some(below.map_err(|error| (path[..end].to_owned(), error))?);
        }
        directory.map_or_else(
            || {
                self.duplicate()
                    .map_err(|error| (path.to_owned(), error.into()))
            },
            Ok,
        )
    }

    /// Opens a directory below this one, making what is missing; an error names the path of the component that failed.
    pub fn make_below(&self, path: &str) -> Result<Self, (String, OpenError)> {
        let mut directory: Option<Directory> = None;
        for (component, end) in components(path) {
            let above = directory.as_ref().unwrap_or(self);
            let name = OsStr::new(component);
            let below = match above.open(name) {
                Err(OpenError::Missing) => above
                    .make(name)
                    .map(|(made, _)| made)
                    .map_err(OpenError::from),
                other => other,
            };
            directory = Some(below.map_err(|error| (path[..end].to_owned(), error))?);
        }
        directory.map_or_else(
            || {
                self.duplicate()
                    .map_err(|error| (path.to_owned(), error.into()))
            },
            Ok,
        )
    }

    /// Makes a directory with mode 0755, whatever the umask, and opens it; opens the one that is there already.
    ///
    /// Also says whether the umask takes bits from modes: every bit of a file's mode is one of a directory's,
    /// so one look at a directory says it for the files in it, too.
    pub fn make(&self, name: &OsStr) -> io::Result<(Directory, Masked)> {
        let made = rustix::fs::mkdirat(&self.fd, single(name)?, DIRECTORY_MODE);
        let directory = match made {
            Ok(()) | Err(Errno::EXIST) => self.open(name).map_err(io::Error::from)?,
            Err(error) => return Err(error.into()),
        };
        if made.is_err() {
            // Made earlier, perhaps under another umask.
            return Ok((directory, Masked::Yes));
        }
        let mode = Mode::from_raw_mode(rustix::fs::fstat(&directory.fd)?.st_mode);
        if mode & Mode::from_raw_mode(0o777) == DIRECTORY_MODE {
            return Ok((directory, Masked::No));
        }
        rustix::fs::fchmod(&directory.fd, DIRECTORY_MODE)?;
        Ok((directory, Masked::Yes))
    }

    /// Returns the names in this directory with their kinds, sorted.
    pub fn entries(&self) -> io::Result<Vec<(OsString, Kind)>> {
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let name = OsStr::from_bytes(name).to_owned();
            let kind = match entry.file_type() {
                FileType::Unknown => self.kind(&name)?.unwrap_or(Kind::Other),
                known => Kind::from(known),
            };
            entries.push((name, kind));
        }
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    /// Returns what a name stands for, `None` when there is nothing.
    pub fn kind(&self, name: &OsStr) -> io::Result<Option<Kind>> {
        match rustix::fs::statat(&self.fd, single(name)?, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Kind::from(FileType::from_raw_mode(stat.st_mode)))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a regular file for reading; never waits for the other end of a pipe.
    pub fn open_file(&self, name: &OsStr) -> Result<File, OpenError> {
        match rustix::fs::openat(
            &self.fd,
            single(name)?,
            READ | OFlags::NONBLOCK,
            Mode::empty(),
        ) {
            Ok(fd) => {
                let stat = rustix::fs::fstat(&fd).map_err(|error| OpenError::Io(error.into()))?;
                match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => Ok(File::from(fd)),
                    _ => Err(OpenError::OtherKind),
                }
            }
            Err(error) => Err(self.why(name, error)),
        }
    }

    /// Reads a regular file, at most `limit` bytes and one more, by which the caller sees that it was longer.
    pub fn read(&self, name: &OsStr, limit: u64) -> Result<Vec<u8>, OpenError> {
        let file = self.open_file(name)?;
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(OpenError::Io)?;
        Ok(bytes)
    }

    /// Compares a regular file with the bytes that are expected in it.
    pub fn compare(&self, name: &OsStr, expect: &[u8]) -> Result<Content, OpenError> {
        // `entries` has just said that this is a regular file; if it no longer is, reading fails, or finds other bytes.
        let flags = READ | OFlags::NONBLOCK;
        let mut file = rustix::fs::openat(&self.fd, single(name)?, flags, Mode::empty())
            .map(File::from)
            .map_err(|error| self.why(name, error))?;
        compare(&mut file, expect).map_err(OpenError::Io)
    }

    /// Writes a new file with mode 0644, whatever the umask; `masked` says whether the umask takes bits.
    ///
    /// Errors: when the name is taken, and those of the system.
    pub fn write_new(&self, name: &OsStr, bytes: &[u8], masked: Masked) -> io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, single(name)?, flags, FILE_MODE)?;
        if masked == Masked::Yes {
            rustix::fs::fchmod(&fd, FILE_MODE)?;
        }
        let mut file = File::from(fd);
        file.write_all(bytes)?;
        Ok(file)
    }

    /// Makes the regular file `name` of this directory appear in another one with the same bytes and modification time.
    ///
    /// It is linked; where the file system has no hard links, or the file too many, `bytes` are written anew.
    pub fn carry_over(
        &self,
        name: &OsStr,
        to: &Directory,
        bytes: &[u8],
        masked: Masked,
    ) -> io::Result<()> {
        match rustix::fs::linkat(&self.fd, single(name)?, &to.fd, name, AtFlags::empty()) {
            Ok(()) => Ok(()),
            Err(
                Errno::PERM
                | Errno::OPNOTSUPP
                | Errno::MLINK
                | Errno::NOSYS
                | Errno::XDEV
                | Errno::ACCESS,
            ) => self.copy_over(name, to, bytes, masked),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes `bytes` to another directory, with the modification time of the file of that name in this one.
    fn copy_over(
        &self,
        name: &OsStr,
        to: &Directory,
        bytes: &[u8],
        masked: Masked,
    ) -> io::Result<()> {
        let stat = rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let time = rustix::fs::Timespec {
            tv_sec: stat.st_mtime,
            tv_nsec: stat.st_mtime_nsec.try_into().unwrap_or(0),
        };
        let copy = to.write_new(name, bytes, masked)?;
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        Ok(rustix::fs::futimens(&copy, &times)?)
    }

    /// Moves a name of this directory to another one, over a file or an empty directory there.
    pub fn rename(&self, name: &OsStr, to: &Directory, new: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(
            &self.fd,
            single(name)?,
            &to.fd,
            single(new)?,
        )?)
    }

    /// Exchanges two names in one step; `false` when the system or the file system cannot.
    pub fn exchange(&self, name: &OsStr, with: &Directory, other: &OsStr) -> io::Result<bool> {
        let (name, other) = (single(name)?, single(other)?);
        match rustix::fs::renameat_with(&self.fd, name, &with.fd, other, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(true),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file or link; it is no error when there is none.
    pub fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, single(name)?, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a directory when it is empty; `false` when it is not, or is no directory.
    pub fn remove_empty(&self, name: &OsStr) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.fd, single(name)?, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes whatever has the name, with everything below; links are removed, not followed.
    pub fn remove_all(&self, name: &OsStr) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, single(name)?, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            // Linux says EISDIR of a directory, POSIX and macOS EPERM.
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
        let below = self.open(name).map_err(io::Error::from)?;
        for (entry, _) in below.entries()? {
            below.remove_all(&entry)?;
        }
        self.remove_empty(name)?;
        Ok(())
    }

    /// Takes the exclusive lock of this directory; `false` when another process has it.
    ///
    /// The lock goes with the open directory, so that it cannot be left behind.
    pub fn try_lock(&self) -> io::Result<bool> {
        match rustix::fs::flock(
            &self.fd,
            rustix::fs::FlockOperation::NonBlockingLockExclusive,
        ) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until the names of this directory are on the disk.
    pub fn sync(&self) -> io::Result<()> {
        match rustix::fs::fsync(&self.fd) {
            // Some network file systems cannot sync a directory.
            Ok(()) | Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn duplicate(&self) -> io::Result<Directory> {
        let fd = self.fd.try_clone()?;
        Ok(Directory { fd })
    }

    /// Says in our terms why opening a name has failed.
    fn why(&self, name: &OsStr, error: Errno) -> OpenError {
        match error {
            Errno::NOENT => OpenError::Missing,
            // Systems differ in what they answer to `O_NOFOLLOW` with `O_DIRECTORY` on a link.
            Errno::LOOP | Errno::NOTDIR | Errno::MLINK | Errno::NXIO => match self.kind(name) {
                Ok(Some(Kind::SymbolicLink)) => OpenError::SymbolicLink,
                Ok(Some(_)) => OpenError::OtherKind,
                Ok(None) => OpenError::Missing,
                Err(error) => OpenError::Io(error),
            },
            error => OpenError::Io(error.into()),
        }
    }
}

/// Whether the umask takes bits from the modes of new files, so that they must be set once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masked {
    /// Modes must be set.
    Yes,
    /// Modes are right as they come.
    No,
}

impl From<FileType> for Kind {
    fn from(file_type: FileType) -> Self {
        match file_type {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::SymbolicLink,
            _ => Kind::Other,
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        OpenError::Io(error)
    }
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Missing => io::Error::from(io::ErrorKind::NotFound),
            OpenError::SymbolicLink => io::Error::other("it is a symbolic link"),
            OpenError::OtherKind => {
                io::Error::other("it is neither a regular file nor a directory")
            }
            OpenError::Io(error) => error,
        }
    }
}

/// Returns the components of a relative path with `/`, each with the offset of its end.
fn components(path: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut start = 0;
    path.split('/').filter_map(move |component| {
        let end = start + component.len();
        start = end + 1;
        (!component.is_empty()).then_some((component, end))
    })
}

/// Returns a name, unless it could lead anywhere but into the directory that it is looked up in.
fn single(name: &OsStr) -> io::Result<&OsStr> {
    let bytes = name.as_bytes();
    if bytes.is_empty()
        || bytes == b"."
        || bytes == b".."
        || bytes.contains(&b'/')
        || bytes.contains(&0)
    {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path has a component that is no name of a file",
        ));
    }
    Ok(name)
}

fn compare(file: &mut File, expect: &[u8]) -> io::Result<Content> {
    let mut buffer = [0; 16 * 1024];
    // What was read so far is the first `equal` expected bytes, until there is a hasher.
    let mut equal = 0;
    let mut other: Option<Hasher> = None;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(length) => &buffer[..length],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if read.is_empty() {
            return Ok(match other {
                None if equal == expect.len() => Content::Equal,
                None => Content::Other(Digest::of(&expect[..equal])),
                Some(hasher) => Content::Other(hasher.finish()),
            });
        }
        match &mut other {
            Some(hasher) => hasher.update(read),
            None if expect[equal..].starts_with(read) => equal += read.len(),
            None => {
                let mut hasher = Hasher::default();
                hasher.update(&expect[..equal]);
                hasher.update(read);
                other = Some(hasher);
            }
        }
    }
}

#[cfg(test)]
mod tests;
