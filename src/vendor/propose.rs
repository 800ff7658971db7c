//! Proposes the `base.yaml` of a vendored base.
//!
//! Takes the sorted objects and what a base at hand knows about objects of the same names; gives the text. A proposal
//! is complete and can be loaded; what it cannot know, a person adds. Knows nothing of where files lie.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::bases::Recorded;
use super::block::with_block;
use super::images::{images, repository};
use super::known::Known;
use super::reference::Reference;
use super::sort_out::{DEFINITIONS, Sorted};
use super::{Origin, adopt};
use crate::yaml;

/// Proposes a `base.yaml`.
pub(super) fn propose(
    name: &str,
    origin: &Origin,
    sorted: &Sorted,
    references: &[Reference],
    components: &BTreeMap<String, String>,
) -> String {
    let images = named_images(sorted, references, components, &BTreeMap::new());
    let reference = references.last();
    let mut facts = Map::new();
    let mut set = |key: &str, value: Value| {
        facts.insert(key.to_owned(), value);
    };
    let version = version(origin.reference.as_deref(), &origin.commit);
    set("name", json!(name));
    set("order", json!(order(&version)));
    set("version", json!(version));
    set("upstream", upstream(origin));
    let known = Known::new(sorted, &images, reference, components);
    set("features", json!([]));
    set("images", json!(images));
    set("files", known.files());
    let workloads = known.workloads();
    set("identity", known.identity(&workloads));
    set("workloads", workloads);
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
    let without_role = known.without_role(&roles);
    let mut text = header(origin, reference, components, &without_role);
    yaml::emit(&Value::Object(in_order(facts)), &mut text);
    text
}

/// Writes the comments at the top: where the proposal comes from, and what it leaves to do.
fn header(
    origin: &Origin,
    reference: Option<&Reference>,
    components: &BTreeMap<String, String>,
    without_role: &[String],
) -> String {
    let mut lines = vec![
        format!("Proposed by `tenantry vendor add` from {}.", origin.shown()),
        "Yours to complete, as docs/bases.md describes; `tenantry vendor lock` then accepts what you wrote. `vendor update` rewrites `upstream` and `images`, and `version` and `order` while they are as proposed.".to_owned(),
    ];
    let names = |directories: BTreeSet<String>| -> Vec<String> {
        directories
            .iter()
            .filter_map(|path| path.split('/').nth(1))
            .map(str::to_owned)
            .collect()
    };
    match reference {
        Some(reference) => {
            let name = &reference.facts.name;
            lines.push(format!(
                "What the objects are for is taken over from `{name}`, by their names."
            ));
            let taken = adopt::directories(components);
            let mut left = adopt::directories(&reference.components);
            left.retain(|directory| !taken.contains(directory));
            if !left.is_empty() {
                lines.push(format!(
                    "Components of `{name}` that are not here, because they change objects, or add what upstream has not: {}. What they follow in projects.yaml is refused until there is one that does; those whose patches fit can be copied.",
                    names(left).join(", ")
                ));
            }
        }
        None => lines.push(
            "No base at hand knows objects of these names: `workloads`, `roles`, `flows` and the components are for you to write. Until then projects take the manifests as they are, and choices in projects.yaml that need a component are refused.".to_owned(),
        ),
    }
    if !without_role.is_empty() {
        lines.push(format!(
            "The pods of these have no role, so that nothing may connect to them in isolated projects: {}. Add them to `roles` and `flows`.",
            without_role.join(", ")
        ));
    }
    lines.iter().map(|line| comment(line)).collect()
}

/// Longest line of a comment, in characters.
const WIDTH: usize = 120;

/// Writes a paragraph as lines of a comment.
fn comment(text: &str) -> String {
    let mut out = String::new();
    let mut line = String::from("#");
    for word in text.split(' ') {
        if line.len() > 1 && line.len() + 1 + word.len() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line.replace_range(.., "#  ");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
    out
}

/// The order of the keys of a `base.yaml`, as docs/bases.md has it.
const ORDER: [&str; 25] = [
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
    "identity",
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

/// Brings `version` and `order` of a `base.yaml` up to date, unless a person has written others than were proposed.
pub(super) fn renumbered(
    facts: &str,
    old: (&str, u64),
    former: &Recorded,
    origin: &Origin,
) -> String {
    let proposed = version(former.reference.as_deref(), &former.commit);
    let now = version(origin.reference.as_deref(), &origin.commit);
    let mut facts = facts.to_owned();
    if old.1 == order(&proposed) {
        facts = with_block(&facts, "order", &json!(order(&now)));
    }
    if old.0 == proposed {
        facts = with_block(&facts, "version", &json!(now));
    }
    facts
}

/// Returns the version of the release: the reference when it can be one, else the beginning of the commit.
fn version(reference: Option<&str>, commit: &str) -> String {
    let reference = reference.unwrap_or("");
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
        commit.chars().take(12).collect()
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
///
/// Those that components read and that are not there are taken from `recorded`, or else from a base at hand.
pub(super) fn named_images(
    sorted: &Sorted,
    references: &[Reference],
    components: &BTreeMap<String, String>,
    recorded: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
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
    for name in adopt::images(components) {
        let mut known = references
            .iter()
            .filter_map(|reference| reference.facts.images.get(&name));
        if let Some(image) = recorded.get(&name).or_else(|| known.next()) {
            named.entry(name).or_insert_with(|| image.clone());
        }
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
