//! Reads `projects.yaml`, the bases and the files that `projects.yaml` names.
//!
//! Takes the root of a repository and gives texts in memory, so that everything behind is a function of values.
//! Knows nothing of what the texts mean. Symbolic links are refused at every component of a path: what a render
//! depends on lies in the repository, where it is reviewed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::base::lock::{self, Lock};
use crate::confined::{Directory, Kind, OpenError};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected, nearest};
use crate::source::{FileId, Sources, Span};

/// Name of the file that describes the fleet.
pub const PROJECTS: &str = "projects.yaml";
/// Name of the directory of the bases.
pub const BASE: &str = "base";

/// Largest accepted size of `projects.yaml`, in bytes; ten thousand projects of a kilobyte are a sixth of it.
const PROJECTS_LIMIT: u64 = 64 << 20;
/// Largest accepted size of any other file, in bytes; the largest CRD of the field has two megabytes.
const FILE_LIMIT: u64 = 16 << 20;
/// Deepest accepted nesting of directories below `base/`.
const DEPTH_LIMIT: usize = 16;

/// Everything that the compiler may look at, except for the files that `projects.yaml` names ([`Inputs::read`]).
#[derive(Debug)]
pub struct Inputs {
    root: Directory,
    /// `projects.yaml`.
    pub projects: FileId,
    /// The files below `base/` by their path relative to it, without `base.lock`.
    pub bases: BTreeMap<String, FileId>,
    /// `base/base.lock`, when it is there.
    pub lock: Option<FileId>,
}

/// Why the inputs could not be used.
#[derive(Debug)]
pub enum Failure {
    /// They are wrong; the diagnostics say why.
    Rejected,
    /// They could not be read; the error names the path.
    Environment(anyhow::Error),
}

impl From<Rejected> for Failure {
    fn from(Rejected: Rejected) -> Self {
        Failure::Rejected
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Environment(error)
    }
}

/// Returns the nearest directory at or above `start` that holds `projects.yaml`.
pub fn find_root(start: &Path) -> Option<PathBuf> {
    let holds = |directory: &&Path| {
        let opened = Directory::open_trusted(directory);
        opened.is_ok_and(|opened| matches!(opened.kind(OsStr::new(PROJECTS)), Ok(Some(_))))
    };
    start.ancestors().find(holds).map(Path::to_owned)
}

impl Inputs {
    /// Reads `projects.yaml` and everything below `base/`, and holds the bases against their lock.
    ///
    /// Errors: `file-not-found`, `invalid-utf8`, `input-too-large`, `unsafe-path`, `base-lock-mismatch`.
    pub fn load(
        root: &Path,
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<Self, Failure> {
        let shown = root.display();
        let root = Directory::open_trusted(root).with_context(|| format!("opening `{shown}`"))?;
        let mut reader = Reader {
            sources,
            diagnostics,
        };
        let projects = reader.projects(&root)?;
        let mut bases = BTreeMap::new();
        match root.open(OsStr::new(BASE)) {
            Ok(base) => reader.below(&base, "", 0, &mut bases)?,
            Err(OpenError::Missing) => {}
            Err(error) => reader.refuse(BASE, error, None)?,
        }
        let lock = bases.remove(lock::FILE);
        reader.verify_lock(&bases, lock);
        let projects = projects.ok_or(Failure::Rejected)?;
        Ok(diagnostics.accept(Inputs {
            root,
            projects,
            bases,
            lock,
        })?)
    }

    /// Reads everything below `base/`, without holding it against the lock, which comes apart from the files.
    ///
    /// Errors: `invalid-utf8`, `input-too-large`, `unsafe-path`.
    pub fn bases(
        root: &Directory,
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<(BTreeMap<String, FileId>, Option<FileId>), Failure> {
        let mut reader = Reader {
            sources,
            diagnostics,
        };
        let mut bases = BTreeMap::new();
        match root.open(OsStr::new(BASE)) {
            Ok(base) => reader.below(&base, "", 0, &mut bases)?,
            Err(OpenError::Missing) => {}
            Err(error) => reader.refuse(BASE, error, None)?,
        }
        let lock = bases.remove(lock::FILE);
        Ok(diagnostics.accept((bases, lock))?)
    }

    /// Reads the files that `projects.yaml` names, each once, by the path as it was written.
    ///
    /// Errors: `file-not-found`, `invalid-utf8`, `input-too-large` and `unsafe-path`, at the place of the name.
    pub fn read(
        &self,
        paths: &[(String, Span)],
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<BTreeMap<String, FileId>, Failure> {
        let mut files: BTreeMap<String, FileId> = BTreeMap::new();
        let mut reader = Reader {
            sources,
            diagnostics,
        };
        for (path, span) in paths {
            if files.contains_key(path) {
                continue;
            }
            if let Some(file) = reader.named(&self.root, path, *span)? {
                files.insert(path.clone(), file);
            }
        }
        Ok(diagnostics.accept(files)?)
    }
}

/// Where texts and findings go.
struct Reader<'a> {
    sources: &'a mut Sources,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn projects(&mut self, root: &Directory) -> Result<Option<FileId>, Failure> {
        match root.read(OsStr::new(PROJECTS), PROJECTS_LIMIT) {
            Ok(bytes) => Ok(self.text(PROJECTS, bytes, PROJECTS_LIMIT, None)),
            Err(OpenError::Missing) => {
                let finding = Diagnostic::error(Code::FileNotFound, "there is no `projects.yaml`")
                    .path(PROJECTS)
                    .hint("`tenantry init` makes one with two example projects");
                self.diagnostics.push(finding);
                Ok(None)
            }
            Err(error) => self.refuse(PROJECTS, error, None).map(|()| None),
        }
    }

    /// Reads all files below a directory of `base/`.
    fn below(
        &mut self,
        directory: &Directory,
        path: &str,
        depth: usize,
        files: &mut BTreeMap<String, FileId>,
    ) -> Result<(), Failure> {
        let shown = |path: &str| format!("{BASE}/{path}").trim_end_matches('/').to_owned();
        let entries = directory
            .entries()
            .with_context(|| format!("listing `{}`", shown(path)))?;
        for (name, kind) in entries {
            let Some(text) = name
                .to_str()
                .filter(|name| !name.contains(char::is_control))
            else {
                let path = shown(&format!("{path}{}", name.to_string_lossy()));
                let message = format!("`{path}` has a name that cannot be locked");
                let finding = Diagnostic::error(Code::UnsafePath, message).path(path);
                self.diagnostics
                    .push(finding.hint("use UTF-8 without control characters"));
                continue;
            };
            let below = format!("{path}{text}");
            match kind {
                Kind::Directory if depth == DEPTH_LIMIT => {
                    let path = shown(&below);
                    let message = format!("`{path}` is nested more than {DEPTH_LIMIT} deep");
                    self.diagnostics
                        .push(Diagnostic::error(Code::InputTooLarge, message).path(path));
                }
                Kind::Directory => match directory.open(&name) {
                    Ok(inner) => self.below(&inner, &format!("{below}/"), depth + 1, files)?,
                    Err(error) => self.refuse(&shown(&below), error, None)?,
                },
                Kind::File => match directory.read(&name, FILE_LIMIT) {
                    Ok(bytes) => {
                        if let Some(file) = self.text(&shown(&below), bytes, FILE_LIMIT, None) {
                            files.insert(below, file);
                        }
                    }
                    Err(error) => self.refuse(&shown(&below), error, None)?,
                },
                Kind::SymbolicLink => self.refuse(&shown(&below), OpenError::SymbolicLink, None)?,
                Kind::Other => self.refuse(&shown(&below), OpenError::OtherKind, None)?,
            }
        }
        Ok(())
    }

    fn verify_lock(&mut self, bases: &BTreeMap<String, FileId>, lock: Option<FileId>) {
        let Some(lock) = lock else {
            if !bases.is_empty() {
                let finding =
                    Diagnostic::error(Code::BaseLockMismatch, "there is no `base/base.lock`")
                        .path("base/base.lock")
                        .hint("bases are pinned by their lock: restore it from Git");
                self.diagnostics.push(finding);
            }
            return;
        };
        let (parsed, mut findings) = Lock::parse(lock, self.sources);
        let texts = bases.iter().map(|(path, file)| {
            let text = self.sources.get(*file).text.as_bytes();
            (path.as_str(), text)
        });
        findings.extend(parsed.verify(texts));
        for finding in findings {
            self.diagnostics.push(finding);
        }
    }

    /// Reads a file that `projects.yaml` names at `span`.
    fn named(
        &mut self,
        root: &Directory,
        path: &str,
        span: Span,
    ) -> Result<Option<FileId>, Failure> {
        let relative = path.strip_prefix("./").unwrap_or(path);
        let plain =
            |component: &str| !matches!(component, "" | "." | "..") && !component.contains('\0');
        if !relative.split('/').all(plain) {
            let message = format!("`{path}` is not a path of a file below the root");
            let finding = Diagnostic::error(Code::UnsafePath, message)
                .at(span)
                .label("may lead out of the repository")
                .hint("write a relative path without `..`");
            self.diagnostics.push(finding);
            return Ok(None);
        }
        let (above, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let directory = match root.open_below(above) {
            Ok(directory) => directory,
            Err((component, OpenError::Missing)) => {
                let message = format!("there is no `{path}`");
                let finding = Diagnostic::error(Code::FileNotFound, message)
                    .at(span)
                    .label(format!("no directory `{component}`"));
                self.diagnostics.push(finding);
                return Ok(None);
            }
            Err((component, error)) => {
                self.refuse(&component, error, Some(span))?;
                return Ok(None);
            }
        };
        match directory.read(OsStr::new(name), FILE_LIMIT) {
            Ok(bytes) => Ok(self.text(relative, bytes, FILE_LIMIT, Some(span))),
            Err(OpenError::Missing) => {
                let message = format!("there is no `{path}`");
                let mut finding = Diagnostic::error(Code::FileNotFound, message)
                    .at(span)
                    .label("no such file");
                let entries = directory
                    .entries()
                    .with_context(|| format!("listing `{above}`"))?;
                let names = entries.iter().filter_map(|(name, _)| name.to_str());
                if let Some(near) = nearest(name, names) {
                    finding =
                        finding.hint(format!("a file with a similar name is there: `{near}`"));
                }
                self.diagnostics.push(finding);
                Ok(None)
            }
            Err(error) => self.refuse(relative, error, Some(span)).map(|()| None),
        }
    }

    /// Takes a text in, unless it is too large or not UTF-8.
    fn text(
        &mut self,
        path: &str,
        bytes: Vec<u8>,
        limit: u64,
        named_at: Option<Span>,
    ) -> Option<FileId> {
        if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
            let message = format!("`{path}` is larger than {} MiB", limit >> 20);
            let mut finding = Diagnostic::error(Code::InputTooLarge, message).path(path);
            finding.span = named_at;
            self.diagnostics.push(finding);
            return None;
        }
        let error = match String::from_utf8(bytes) {
            Ok(text) => return Some(self.sources.add(path, text)),
            Err(error) => error,
        };
        let start = error.utf8_error().valid_up_to();
        // Up to the place itself, the readable text has the same offsets as the bytes.
        let file = self
            .sources
            .add(path, String::from_utf8_lossy(error.as_bytes()));
        let message = format!("`{path}` is not UTF-8 at byte {start}");
        let mut finding = Diagnostic::error(Code::InvalidUtf8, message)
            .at(Span {
                file,
                start,
                end: start + char::REPLACEMENT_CHARACTER.len_utf8(),
            })
            .label("no character of UTF-8")
            .hint("save the file as UTF-8");
        finding
            .related
            .extend(named_at.map(|span| (span, "named here".to_owned())));
        self.diagnostics.push(finding);
        None
    }

    /// Refuses what is no regular file or directory, and passes on what the system says.
    fn refuse(
        &mut self,
        path: &str,
        error: OpenError,
        named_at: Option<Span>,
    ) -> Result<(), Failure> {
        let (what, hint) = match error {
            OpenError::Io(error) => {
                let context = format!("reading `{path}`");
                return Err(Failure::Environment(
                    anyhow::Error::new(error).context(context),
                ));
            }
            OpenError::SymbolicLink => ("is a symbolic link", "put the file itself there"),
            OpenError::OtherKind => ("is not a regular file", "name a regular file"),
            OpenError::Missing => ("has just vanished", "run the command again"),
        };
        let message = format!("`{path}` {what}");
        let mut finding = Diagnostic::error(Code::UnsafePath, message)
            .path(path)
            .hint(hint);
        finding.span = named_at;
        self.diagnostics.push(finding);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
