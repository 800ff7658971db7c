//! Proposes the `base.yaml` of a vendored base.
//!
//! Takes the sorted objects and what a base at hand knows about objects of the same names; gives the text. A proposal
//! is complete and can be loaded; what it cannot know, a person adds. Knows nothing of where files lie.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Origin;
use super::images::{images, repository};
use super::known::Known;
use super::reference::Reference;
use super::sort_out::{DEFINITIONS, Sorted};
use crate::yaml;

/// Proposes a `base.yaml`.
pub(super) fn propose(
    name: &str,
    origin: &Origin,
    sorted: &Sorted,
    references: &[Reference],
) -> String {
    let images = named_images(sorted, references);
    let reference = references.last();
    let mut facts = Map::new();
    let mut set = |key: &str, value: Value| {
        facts.insert(key.to_owned(), value);
    };
    let version = version(origin);
    set("name", json!(name));
    set("order", json!(order(&version)));
    set("version", json!(version));
    set("upstream", upstream(origin));
    let known = Known::new(sorted, &images, reference);
    set("features", json!([]));
    set("images", json!(images));
    set("files", known.files());
    set("workloads", known.workloads());
    set("embedded", known.embedded());
    set("secrets", known.secrets());
    let roles = known.roles();
    for (key, value) in known.of_roles(&roles) {
        set(key, value);
    }
    set("roles", json!(roles));
    set("wellKnownServices", json!(known.services));
    set("controllerConfigKeys", known.controller_config_keys());
    if let Some(members) = reference.and_then(|reference| reference.members.clone()) {
        set("members", members);
    }
    let always: Vec<String> = sorted
        .cluster
        .contains_key(DEFINITIONS)
        .then(|| format!("{DEFINITIONS}.yaml"))
        .into_iter()
        .collect();
    set("cluster", json!({"always": always}));
    set("migrations", json!([]));
    let mut text = format!(
        "# Proposed by `tenantry vendor add` from {}.\n",
        origin.shown()
    );
    match reference {
        Some(reference) => text.push_str(&format!(
            "# What the objects are for is taken over from `{}`, by their names.\n",
            reference.facts.name
        )),
        None => text.push_str("# No base at hand knows objects of these names; `workloads`, `roles` and `flows` are for you to write.\n"),
    }
    text.push_str("# Yours to complete, as docs/bases.md describes; `vendor update` rewrites `upstream` and `images` only.\n");
    yaml::emit(&Value::Object(in_order(facts)), &mut text);
    text
}

/// The order of the keys of a `base.yaml`, as docs/bases.md has it.
const ORDER: [&str; 24] = [
    "name",
    "version",
    "order",
    "upstream",
    "features",
    "images",
    "files",
    "workloads",
    "embedded",
    "secrets",
    "roles",
    "flows",
    "kubernetesApi",
    "database",
    "objectStore",
    "entry",
    "metrics",
    "externalRoles",
    "startedBy",
    "wellKnownServices",
    "controllerConfigKeys",
    "members",
    "cluster",
    "migrations",
];

fn in_order(mut facts: Map<String, Value>) -> Map<String, Value> {
    ORDER
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), facts.remove(key)?)))
        .collect()
}

/// Writes where a base comes from.
pub(super) fn upstream(origin: &Origin) -> Value {
    let mut map = Map::new();
    let mut set = |key: &str, value: &str| {
        map.insert(key.to_owned(), Value::from(value));
    };
    set("repository", &origin.repository);
    if let Some(reference) = &origin.reference {
        set("ref", reference);
    }
    set("path", &origin.path);
    if origin.whole_tree {
        set("reach", "tree");
    }
    set("commit", &origin.commit);
    set("sha256", &origin.digest.to_string());
    for (remote, commit) in &origin.remotes {
        set(remote, commit);
    }
    Value::Object(map)
}

/// Returns the version of the release: the reference when it can be one, else the beginning of the commit.
fn version(origin: &Origin) -> String {
    let reference = origin.reference.as_deref().unwrap_or("");
    let last = reference.rsplit('/').next().unwrap_or(reference);
    let version = match last.strip_prefix('v') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => last,
    };
    let is_label = !version.is_empty()
        && version.len() <= 63
        && version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.ends_with(|c: char| c.is_ascii_alphanumeric())
        && version
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_label {
        version.to_owned()
    } else {
        origin.commit.chars().take(12).collect()
    }
}

/// Returns the place of a version among the bases: 21703 for 2.17.3; 0 when it has no numbers.
fn order(version: &str) -> u64 {
    let mut numbers = version
        .split(['.', '-', '+'])
        .map(|part| part.parse::<u64>().ok());
    match numbers.next().flatten() {
        Some(major) if version.contains('.') => {
            let mut next = || numbers.next().flatten().unwrap_or(0).min(99);
            let (minor, patch) = (next(), next());
            major.min(1_000_000) * 10_000 + minor * 100 + patch
        }
        _ => 0,
    }
}

/// Gives every image a name: that of the first base for the same repository, else the last part of its own.
pub(super) fn named_images(sorted: &Sorted, references: &[Reference]) -> BTreeMap<String, String> {
    let objects = sorted
        .manifests
        .values()
        .chain(sorted.cluster.values())
        .flatten();
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for image in images(objects) {
        let known = references.iter().find_map(|reference| {
            let mut images = reference.facts.images.iter();
            images.find(|(_, known)| repository(known) == repository(&image))
        });
        let name = match known {
            Some((name, _)) => name.clone(),
            None => camel_case(repository(&image).rsplit('/').next().unwrap_or("image")),
        };
        let mut unique = name.clone();
        let mut number = 2;
        while named.contains_key(&unique) {
            unique = format!("{name}{number}");
            number += 1;
        }
        named.insert(unique, image);
    }
    named
}

fn camel_case(text: &str) -> String {
    let mut name = String::new();
    for part in text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
    {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if !name.is_empty() => name.push(first.to_ascii_uppercase()),
            Some(first) => name.push(first.to_ascii_lowercase()),
            None => {}
        }
        name.extend(letters);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered() {
        assert_eq!(order("2.17.0"), 21_700);
        assert_eq!(order("2.5.10"), 20_510);
        assert_eq!(order("1.8.22-rc.1"), 10_822);
        assert_eq!(order("main"), 0);
        assert_eq!(order("0123abcd"), 0);
    }

    #[test]
    fn names_of_images() {
        assert_eq!(camel_case("kfp-api-server"), "kfpApiServer");
        assert_eq!(
            camel_case("ml_metadata_store_server"),
            "mlMetadataStoreServer"
        );
    }
}
