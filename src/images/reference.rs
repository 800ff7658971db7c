//! References to images, and the mirrors that they are fetched from.

use std::collections::BTreeMap;

use crate::grammar;

/// The registry of a reference that names none.
///
/// Source: `distribution/reference` v0.6, `defaultDomain` and `officialRepoPrefix`.
const DEFAULT_REGISTRY: &str = "docker.io";
/// Path of the repositories of that registry that have a single name.
const OFFICIAL: &str = "library";

/// Where a reference is fetched from.
#[derive(Debug, PartialEq, Eq)]
pub enum Mapped {
    /// From where it says: there are no mirrors, it names one, or it is none of the references that can be told.
    Unchanged,
    /// From a mirror.
    To(String),
    /// From where it says, although there are mirrors.
    Unmapped,
}

/// Prefixes of references to what replaces them.
#[derive(Debug)]
pub struct Mirrors {
    /// Longest prefix first.
    prefixes: Vec<(String, String)>,
}

impl Mirrors {
    /// Prepares the mirrors of a cluster.
    pub fn new(mirrors: &BTreeMap<String, String>) -> Mirrors {
        let mut prefixes: Vec<(String, String)> = mirrors
            .iter()
            .map(|(prefix, target)| (normal(prefix), target.clone()))
            .collect();
        prefixes.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        Mirrors { prefixes }
    }

    /// Finds the mirror of a reference: that of the longest prefix of whole path segments.
    ///
    /// A reference that lies in a mirror already stays as it is.
    pub fn map(&self, reference: &str) -> Mapped {
        if self.prefixes.is_empty() {
            return Mapped::Unchanged;
        }
        let (name, rest) = split(reference);
        let name = full_name(name);
        let covering = self
            .prefixes
            .iter()
            .find_map(|(prefix, target)| Some((below(&name, prefix)?, target)));
        if let Some((path, target)) = covering {
            let mapped = format!("{target}{path}{rest}");
            return if mapped == reference {
                Mapped::Unchanged
            } else {
                Mapped::To(mapped)
            };
        }
        let mirrored = |(_, target): &(String, String)| below(&name, &normal(target)).is_some();
        if self.prefixes.iter().any(mirrored) {
            Mapped::Unchanged
        } else {
            Mapped::Unmapped
        }
    }
}

/// Tells whether a reference is pinned to its content.
pub fn has_digest(reference: &str) -> bool {
    split(reference).1.contains("@sha256:")
}

/// Returns the registry that a reference is fetched from.
pub fn registry(reference: &str) -> String {
    let name = full_name(split(reference).0);
    name.split('/').next().unwrap_or_default().to_owned()
}

/// Tells whether a text is a reference.
pub(super) fn is_reference(text: &str) -> bool {
    grammar::image::image(text).is_ok()
}

/// Splits a reference into registry and path, and tag and digest with what separates them.
pub(super) fn split(reference: &str) -> (&str, &str) {
    let name_end = reference.find('@').unwrap_or(reference.len());
    let last = reference[..name_end].rfind('/').map_or(0, |at| at + 1);
    let end = reference[last..name_end]
        .find(':')
        .map_or(name_end, |at| last + at);
    reference.split_at(end)
}

/// Writes out the registry and path that a short name stands for.
fn full_name(name: &str) -> String {
    match name.split_once('/') {
        Some((first, _)) if is_registry(first) => normal(name),
        Some(_) => format!("{DEFAULT_REGISTRY}/{name}"),
        None => format!("{DEFAULT_REGISTRY}/{OFFICIAL}/{name}"),
    }
}

/// Gives the default registry its one name.
fn normal(prefix: &str) -> String {
    match prefix.strip_prefix("index.docker.io") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            format!("{DEFAULT_REGISTRY}{rest}")
        }
        _ => prefix.to_owned(),
    }
}

/// Tells whether the first part of a reference is a registry.
///
/// Source: `distribution/reference` v0.6, `splitDockerDomain`.
pub(crate) fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

/// Returns what follows a prefix of whole path segments, with its slash.
fn below<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = name.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}
