//! The bases that are there, held against their lock.
//!
//! Takes the files below `base/` and gives what vendoring asks of them. Knows nothing of upstream trees.

use std::collections::BTreeMap;

use super::disk::Disk;
use super::{Failure, localise};
use crate::base::embedded;
use crate::base::lock::Lock;
use crate::diagnostic::Diagnostics;
use crate::inputs;
use crate::kustomize::Reach;
use crate::source::Sources;
use crate::yaml::{self, LoadOptions};

/// The bases that are there.
pub(super) struct Bases {
    /// Their files, by path relative to `base/`.
    pub(super) files: BTreeMap<String, String>,
    /// The lock that holds for them.
    pub(super) lock: Lock,
}

/// What `upstream` of a vendored base records.
pub(super) struct Recorded {
    pub(super) url: String,
    pub(super) reference: Option<String>,
    pub(super) path: String,
    pub(super) reach: Reach,
    pub(super) commit: String,
    pub(super) remotes: BTreeMap<String, String>,
}

impl Bases {
    /// Reads the bases and holds them against their lock, so that a new lock blesses nothing that was changed by hand.
    pub(super) fn load(
        disk: &Disk,
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<Self, Failure> {
        let bases = Self::load_unverified(disk, sources, diagnostics)?;
        let texts = bases
            .files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_bytes()));
        for finding in bases.lock.verify(texts) {
            diagnostics.push(finding);
        }
        Ok(diagnostics.accept(bases)?)
    }

    /// Reads the bases, whatever their lock says of them.
    ///
    /// Errors: `base-lock-mismatch` for a lock that cannot be read.
    pub(super) fn load_unverified(
        disk: &Disk,
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<Self, Failure> {
        let (ids, lock) = inputs::Inputs::bases(disk.root(), sources, diagnostics)?;
        let (lock, findings) = match lock {
            Some(lock) => Lock::parse(lock, sources),
            None => (Lock::default(), Vec::new()),
        };
        for finding in findings {
            diagnostics.push(finding);
        }
        let files = ids
            .into_iter()
            .map(|(path, file)| (path, sources.get(file).text.clone()))
            .collect();
        Ok(diagnostics.accept(Bases { files, lock })?)
    }

    /// Returns their names.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self
            .files
            .keys()
            .filter_map(|path| path.strip_suffix("/base.yaml"));
        names
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect()
    }

    /// Tells whether there is a base of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        let prefix = format!("{name}/");
        self.files.keys().any(|path| path.starts_with(&prefix))
    }

    /// Returns the files of a base, by path below its directory.
    pub(super) fn files_of(&self, name: &str) -> BTreeMap<String, String> {
        let prefix = format!("{name}/");
        let own = self.files.iter();
        own.filter_map(|(path, text)| Some((path.strip_prefix(&prefix)?.to_owned(), text.clone())))
            .collect()
    }

    /// Returns the files of a base's components, but of the one that is written from upstream.
    pub(super) fn components_of(&self, name: &str) -> BTreeMap<String, String> {
        let mut files = self.files_of(name);
        files.retain(|path, _| path.starts_with("components/") && path != localise::COMPONENT);
        files
    }

    /// Returns the files of the bases at hand but one, and of those that are built in.
    pub(super) fn others(&self, name: &str) -> BTreeMap<String, String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut files: BTreeMap<String, String> = embedded::files()
            .into_iter()
            .map(|(path, bytes)| (path.to_owned(), text(bytes)))
            .collect();
        files.extend(
            self.files
                .iter()
                .map(|(path, text)| (path.clone(), text.clone())),
        );
        let prefix = format!("{name}/");
        files.retain(|path, _| !path.starts_with(&prefix));
        files
    }

    /// Returns what a vendored base records.
    ///
    /// Errors: a base that was not vendored.
    pub(super) fn recorded(&self, name: &str) -> Result<Recorded, Failure> {
        let Some(text) = self.files.get(&format!("{name}/base.yaml")) else {
            return Err(Failure::Usage(format!("there is no base `{name}`")));
        };
        let document = yaml::load_one(text, &LoadOptions::default()).ok();
        let upstream =
            document.and_then(|document| document.value.get("upstream")?.as_object().cloned());
        let mut upstream: BTreeMap<String, String> = upstream
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
            .collect();
        let (Some(url), Some(commit), Some(path)) = (
            upstream.remove("repository"),
            upstream.remove("commit"),
            upstream.remove("path"),
        ) else {
            return Err(Failure::Usage(format!(
                "`base/{name}` was not vendored: its `upstream` has no `repository`, `commit` and `path`"
            )));
        };
        let reference = upstream.remove("ref");
        let reach = upstream.remove("reach");
        upstream.remove("sha256");
        Ok(Recorded {
            url,
            reference,
            path,
            reach: if reach.as_deref() == Some("tree") {
                Reach::Tree
            } else {
                Reach::Directory
            },
            commit,
            remotes: upstream,
        })
    }
}
