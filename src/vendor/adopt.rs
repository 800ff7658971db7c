//! Components of a base at hand that a vendored one can have too.
//!
//! Only those that add objects and change none: embedded servers that the tree has, too, and what makes the credentials
//! that were left out of it. The tree's own servers stay in `manifests/`, and a component takes them out of stacks.
//! Knows nothing of what the objects do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::reference::{Reference, documents, key};
use super::sort_out::Sorted;
use crate::yaml;

/// Kind and name of an object.
pub(super) type Key = (String, String);

/// The component that takes out what others put in.
const REPLACED: &str = "components/05-replaced/component.yaml";
/// The file of objects that make credentials.
const SECRETS: &str = "secrets.yaml";
/// What templates read that are about the Secrets of the storage, and not about others.
const CREDENTIALS: [&str; 2] = ["plan.database.secret", "plan.objectStore.secret"];

/// Returns the components that are taken over, as files by path below a base's directory.
pub(super) fn components(reference: &Reference, sorted: &Sorted) -> BTreeMap<String, String> {
    let own: BTreeSet<Key> = sorted
        .manifests
        .values()
        .flatten()
        .filter_map(key)
        .collect();
    let mut files = BTreeMap::new();
    let mut replaced = BTreeSet::new();
    for directory in directories(&reference.components) {
        let below: BTreeMap<&String, &String> = reference
            .components
            .iter()
            .filter(|(path, _)| path.starts_with(&directory))
            .collect();
        if !adds_only(&below, &directory) {
            continue;
        }
        let added: BTreeSet<Key> = below
            .values()
            .flat_map(|text| documents(text))
            .filter_map(|body| key(&body))
            .collect();
        let makes_secrets = below
            .keys()
            .all(|path| path.ends_with("/component.yaml") || path.ends_with(SECRETS))
            && below
                .values()
                .any(|text| CREDENTIALS.iter().any(|path| text.contains(path)));
        let shared: Vec<&Key> = own.intersection(&added).collect();
        let is_wanted = makes_secrets && !sorted.secrets.is_empty();
        if shared.is_empty() && !is_wanted {
            continue;
        }
        replaced.extend(shared.into_iter().cloned());
        let note = format!(
            "# Taken over from base `{}` by `tenantry vendor add`; yours from now on.\n",
            reference.facts.name
        );
        for (path, text) in below {
            files.insert(path.clone(), format!("{note}{text}"));
        }
    }
    if !replaced.is_empty() {
        let list: Vec<Value> = replaced
            .iter()
            .map(|(kind, name)| json!({"kind": kind, "name": name}))
            .collect();
        let mut text = "# Upstream's own; the components after this one have others in their place. Proposed by `tenantry vendor add`, yours from now on.\n".to_owned();
        yaml::emit(&json!({ "remove": list }), &mut text);
        files.insert(REPLACED.to_owned(), text);
    }
    files
}

/// Returns the objects that components always take out of stacks.
pub(super) fn removed(components: &BTreeMap<String, String>) -> BTreeSet<Key> {
    let mut removed = BTreeSet::new();
    for (_, text) in components
        .iter()
        .filter(|(path, _)| path.ends_with("/component.yaml"))
    {
        for body in documents(text) {
            if body.get("when").is_some() {
                continue;
            }
            let list = body.get("remove").and_then(Value::as_array);
            for item in list.into_iter().flatten() {
                let text = |key: &str| item.get(key).and_then(Value::as_str);
                if let (Some(kind), Some(name)) = (text("kind"), text("name")) {
                    removed.insert((kind.to_owned(), name.to_owned()));
                }
            }
        }
    }
    removed
}

/// Returns the objects that components add, as templates.
pub(super) fn added(components: &BTreeMap<String, String>) -> Vec<Value> {
    components
        .iter()
        .filter(|(path, _)| !path.ends_with("/component.yaml"))
        .flat_map(|(_, text)| documents(text))
        .collect()
}

/// Returns the names, without their ending, of the files that components add objects to.
pub(super) fn stems(components: &BTreeMap<String, String>) -> BTreeSet<String> {
    components
        .keys()
        .filter_map(|path| path.rsplit('/').next()?.strip_suffix(".yaml"))
        .filter(|stem| *stem != "component")
        .map(str::to_owned)
        .collect()
}

/// Returns the names of the base's images that components read.
pub(super) fn images(components: &BTreeMap<String, String>) -> BTreeSet<String> {
    const READ: &str = "plan.images.";
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    components
        .values()
        .flat_map(|text| {
            text.match_indices(READ)
                .map(move |(at, _)| &text[at + READ.len()..])
        })
        .map(|rest| {
            rest.split(|c: char| !is_name(c))
                .next()
                .unwrap_or(rest)
                .to_owned()
        })
        .collect()
}

/// Returns the directories of components, each with a slash at its end.
pub(super) fn directories(components: &BTreeMap<String, String>) -> BTreeSet<String> {
    components
        .keys()
        .filter_map(|path| Some(format!("{}/", path.rsplit_once('/')?.0)))
        .collect()
}

/// Tells whether a component adds objects and does nothing else.
fn adds_only(files: &BTreeMap<&String, &String>, directory: &str) -> bool {
    let Some(text) = files.get(&format!("{directory}component.yaml")) else {
        return false;
    };
    documents(text)
        .first()
        .and_then(Value::as_object)
        .is_some_and(|map| {
            map.contains_key("resources")
                && map.keys().all(|key| key == "resources" || key == "when")
        })
}
