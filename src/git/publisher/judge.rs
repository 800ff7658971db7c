//! Judges what the parent has where a directory of ours belongs, by the rules of [`tree`](crate::tree).

use std::collections::BTreeSet;

use git2::ObjectType;

use super::{Files, Kind, Publisher, reason_of_obstacle};
use crate::digest::Digest;
use crate::git::GitError;
use crate::git::entries::{Entry, FILE};
use crate::tree::{Stop, StopReason};

/// What the parent has where a directory of ours belongs.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Names of files whose content is new.
    pub(super) changed: BTreeSet<Box<str>>,
    /// Whether anything is not as it should be.
    pub(super) differs: bool,
    /// What is not ours.
    pub(super) stops: Vec<Stop>,
}

impl Publisher<'_> {
    /// Compares what is to be with what the parent has; without files, the directory should not be there.
    pub(super) fn judge(&self, path: &str, files: &Files) -> Result<Judged, GitError> {
        let mut judged = Judged::default();
        if let Some((obstacle, kind)) = self.old.obstacle(path) {
            judged.differs = !files.is_empty();
            judged
                .stops
                .push(self.stop(obstacle, reason_of_obstacle(kind)));
            return Ok(judged);
        }
        let old = self
            .listing(path)
            .map_or(&[][..], |listing| &listing.entries);
        for (name, id) in files {
            let present = old.iter().find(|entry| *entry.name == *name.as_bytes());
            if present.is_none_or(|present| present.id != *id || present.kind() != Kind::File) {
                judged.changed.insert(name.clone());
            }
            judged.differs |=
                present.is_none_or(|present| present.id != *id || present.mode != FILE);
        }
        for entry in old {
            let name = String::from_utf8_lossy(&entry.name);
            let below = format!("{path}/{name}");
            let wanted = files
                .iter()
                .any(|(other, _)| other.as_bytes() == &*entry.name);
            if entry.kind() == Kind::Directory && self.holds_ours(&below) {
                continue;
            }
            judged.differs |= !wanted;
            let kept = entry.kind() == Kind::File && wanted && !judged.changed.contains(&*name);
            if kept {
                continue;
            }
            if let Some(reason) = self.reason_to_stop(path, &name, entry)? {
                let slash = if entry.kind() == Kind::Directory {
                    "/"
                } else {
                    ""
                };
                judged
                    .stops
                    .push(self.stop(&format!("{below}{slash}"), reason));
            }
        }
        Ok(judged)
    }

    /// Tells why an entry must not be replaced or removed; `None` when it is ours.
    fn reason_to_stop(
        &self,
        path: &str,
        name: &str,
        entry: &Entry,
    ) -> Result<Option<StopReason>, GitError> {
        match entry.kind() {
            Kind::Link => return Ok(Some(StopReason::SymbolicLink)),
            Kind::Directory | Kind::Submodule => return Ok(Some(StopReason::Foreign)),
            Kind::File => {}
        }
        let known = self
            .index
            .directories
            .get(path)
            .and_then(|directory| directory.files.get(name));
        let Some(written) = known else {
            return Ok(Some(StopReason::Foreign));
        };
        // Only what changes is read, so this costs nothing in a fleet in which nothing has.
        let content = self.repository.read_object(entry.id, ObjectType::Blob)?;
        Ok((Digest::of(&content) != written).then_some(StopReason::HandEdited))
    }

    /// Tells whether a directory found in one of ours is or holds another one that was ours, which is judged on its own.
    fn holds_ours(&self, path: &str) -> bool {
        self.index.directories.contains_key(path) || self.index.has_below(path)
    }
}
