//! `base/base.lock`: the sha256 of every file of every base.
//!
//! Takes the files below `base/` as bytes in memory and the text of the lock, and gives what differs.
//! Knows nothing of what a base means, and reads nothing itself.
//!
//! The text has one line per file, `<sha256>  <path>`, sorted by path, with paths relative to `base/`:
//! `cd base && sha256sum --check base.lock` says the same as [`Lock::verify`] about changed and missing files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::diagnostic::{Code, Diagnostic};
use crate::digest::Digest;
use crate::source::{FileId, Sources, Span};

/// Name of the lock file, below `base/`.
pub const FILE: &str = "base.lock";

/// What every file below `base/` must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    entries: BTreeMap<String, Entry>,
}

/// What has become of a file since it was locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// It is new.
    Added,
    /// It is another one.
    Changed,
    /// It is gone.
    Removed,
}

/// One line of the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    digest: Digest,
    /// Where the digest and the path stand, when the lock was read from a file.
    places: Option<(Span, Span)>,
}

impl Lock {
    /// Returns the lock that holds for the given files, by path relative to `base/`; the lock itself is not one of them.
    pub fn compute<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let entries = files
            .into_iter()
            .filter(|(path, _)| *path != FILE)
            .map(|(path, bytes)| {
                let digest = Digest::of(bytes);
                let places = None;
                (path.to_owned(), Entry { digest, places })
            })
            .collect();
        Lock { entries }
    }

    /// Reads the text of a lock.
    ///
    /// Errors: `base-lock-mismatch` for each line that is not `<sha256>  <path>` and each path that stands twice.
    pub fn parse(file: FileId, sources: &Sources) -> (Self, Vec<Diagnostic>) {
        let mut lock = Lock::default();
        let mut findings = Vec::new();
        let mut start = 0;
        for line in sources.get(file).text.split_inclusive('\n') {
            let text = line.trim_end_matches(['\n', '\r']);
            let span = Span {
                file,
                start,
                end: start + text.len(),
            };
            start += line.len();
            if text.is_empty() {
                continue;
            }
            let entry = text
                .split_once(SEPARATOR)
                .and_then(|(digest, path)| Some((Digest::parse(digest)?, path)))
                .filter(|(_, path)| !path.is_empty());
            let Some((digest, path)) = entry else {
                findings.push(
                    Diagnostic::error(Code::BaseLockMismatch, "a line of the lock cannot be read")
                        .at(span)
                        .label("not `<sha256>  <path>`")
                        .hint(RESTORE),
                );
                continue;
            };
            let path_span = Span {
                start: span.end - path.len(),
                ..span
            };
            let digest_span = Span {
                end: path_span.start - SEPARATOR.len(),
                ..span
            };
            let entry = Entry {
                digest,
                places: Some((digest_span, path_span)),
            };
            if let Some(first) = lock.entries.insert(path.to_owned(), entry) {
                let mut finding =
                    Diagnostic::error(Code::BaseLockMismatch, format!("`{path}` is locked twice"))
                        .at(path_span)
                        .label("again")
                        .hint(RESTORE);
                let first = first.places.map(|(_, path)| (path, "first".to_owned()));
                finding.related.extend(first);
                findings.push(finding);
            }
        }
        (lock, findings)
    }

    /// Puts the files of one base, by path below its directory, in the place of what is locked of it.
    pub fn replace<'a>(
        &mut self,
        base: &str,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) {
        let prefix = format!("{base}/");
        self.entries.retain(|path, _| !path.starts_with(&prefix));
        for (path, bytes) in files {
            let digest = Digest::of(bytes);
            self.entries.insert(
                format!("{prefix}{path}"),
                Entry {
                    digest,
                    places: None,
                },
            );
        }
    }

    /// Returns what another lock says differently, by path relative to `base/`: digests that only one of them has, or
    /// that are others.
    pub(crate) fn edits(&self, other: &Lock) -> Vec<(String, Edit)> {
        let paths: BTreeSet<&String> = self.entries.keys().chain(other.entries.keys()).collect();
        let edit = |path: &String| match (self.entries.get(path), other.entries.get(path)) {
            (Some(old), Some(new)) => (old.digest != new.digest).then_some(Edit::Changed),
            (None, _) => Some(Edit::Added),
            (_, None) => Some(Edit::Removed),
        };
        paths
            .into_iter()
            .filter_map(|path| Some((path.clone(), edit(path)?)))
            .collect()
    }

    /// Returns every difference between the lock and the files, by path relative to `base/`.
    ///
    /// Errors: `base-lock-mismatch` for each file that changed, is missing, or is not locked.
    pub fn verify<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Vec<Diagnostic> {
        let found = Lock::compute(files);
        let mut findings = Vec::new();
        for (path, locked) in &self.entries {
            let (message, label, hint) = match found.entries.get(path) {
                Some(found) if found.digest == locked.digest => continue,
                Some(found) => (
                    format!("`base/{path}` is not the file that the lock pins"),
                    format!("the file has {}", found.digest),
                    "bases are pinned: restore the file from Git, and put what should differ into `patches`",
                ),
                None => (
                    format!("`base/{path}` is locked, but there is no such file"),
                    "no such file".to_owned(),
                    "restore the file from Git",
                ),
            };
            let finding = Diagnostic::error(Code::BaseLockMismatch, message)
                .label(label)
                .hint(hint);
            let finding = match accepting(path) {
                Some(hint) => finding.hint(hint),
                None => finding,
            };
            findings.push(match (locked.places, found.entries.contains_key(path)) {
                (Some((digest, _)), true) => finding.at(digest),
                (Some((_, path)), false) => finding.at(path),
                (None, _) => finding.path(format!("base/{path}")),
            });
        }
        for path in found.entries.keys() {
            if !self.entries.contains_key(path) {
                let finding = Diagnostic::error(
                    Code::BaseLockMismatch,
                    format!("`base/{path}` is not in `base/{FILE}`"),
                )
                .path(format!("base/{path}"))
                .hint("remove the file, or restore the lock that came with the base");
                findings.push(match accepting(path) {
                    Some(hint) => finding.hint(hint),
                    None => finding,
                });
            }
        }
        findings
    }
}

/// Says how a change is accepted, of a file that people write.
fn accepting(path: &str) -> Option<String> {
    let (base, below) = path.split_once('/')?;
    (below == "base.yaml" || below.starts_with("components/"))
        .then(|| format!("if the change is meant, `tenantry vendor lock {base}` accepts it"))
}

/// What stands between digest and path.
const SEPARATOR: &str = "  ";

const RESTORE: &str = "restore `base/base.lock` from Git";

impl fmt::Display for Lock {
    /// Writes the text of the lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, entry) in &self.entries {
            writeln!(f, "{}{SEPARATOR}{path}", entry.digest)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &[u8]); 3] = [
        ("base.lock", b"not locked itself"),
        ("kfp/manifests/b.yaml", b"b\n"),
        ("kfp/base.yaml", b""),
    ];
    const TEXT: &str = "\
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  kfp/base.yaml
0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f  kfp/manifests/b.yaml
";

    /// Parses `text`, verifies [`FILES`] against it, and compares the messages.
    fn check(text: &str, expect: &[&str]) {
        let mut sources = Sources::default();
        let file = sources.add("base/base.lock", text);
        let (lock, mut findings) = Lock::parse(file, &sources);
        findings.extend(lock.verify(FILES));
        let messages: Vec<&str> = findings
            .iter()
            .map(|finding| finding.message.as_str())
            .collect();
        assert_eq!(messages, expect);
        assert!(
            findings
                .iter()
                .all(|finding| finding.code == Code::BaseLockMismatch)
        );
    }

    #[test]
    fn the_text_is_what_sha256sum_writes() {
        assert_eq!(Lock::compute(FILES).to_string(), TEXT);
    }

    #[test]
    fn an_intact_lock_says_nothing() {
        check(TEXT, &[]);
        check(&TEXT.replace('\n', "\r\n"), &[]);
    }

    #[test]
    fn everything_that_differs_is_said_at_once() {
        check(
            "\
0000000000000000000000000000000000000000000000000000000000000000  kfp/base.yaml
0000000000000000000000000000000000000000000000000000000000000000  kfp/gone.yaml
",
            &[
                "`base/kfp/base.yaml` is not the file that the lock pins",
                "`base/kfp/gone.yaml` is locked, but there is no such file",
                "`base/kfp/manifests/b.yaml` is not in `base/base.lock`",
            ],
        );
    }

    #[test]
    fn lines_that_are_no_entries() {
        let twice = format!("{TEXT}{TEXT}");
        check(
            &twice,
            &[
                "`kfp/base.yaml` is locked twice",
                "`kfp/manifests/b.yaml` is locked twice",
            ],
        );
        let mangled = format!("{TEXT}<<<<<<< ours\n{}", TEXT.to_uppercase());
        check(&mangled, &["a line of the lock cannot be read"; 3]);
    }
}
