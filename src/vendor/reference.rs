//! What the bases at hand know about objects: the best guess at what a vendored tree means.
//!
//! Takes the files of bases and gives, for one of them, which file of a project's directory each object belongs to, and
//! its facts. So that no name of Kubeflow Pipelines stands in the code. Knows nothing of the tree that is vendored.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::{FILES, Facts};
use crate::yaml::{self, LoadOptions};

/// Files of bases, by path relative to `base/`.
pub(super) type Files = BTreeMap<String, String>;

/// One base, as far as a proposal draws on it.
#[derive(Debug)]
pub(super) struct Reference {
    /// Its facts.
    pub(super) facts: Facts,
    /// What members of a project may do, as it is written.
    pub(super) members: Option<Value>,
    /// Which storage a stack uses, as it is written.
    pub(super) identity: Option<Value>,
    /// The file of each object, by kind and name.
    files: BTreeMap<(String, String), String>,
    /// The files of its components, by path below its directory.
    pub(super) components: BTreeMap<String, String>,
}

impl Reference {
    /// Returns the base that knows most of the objects; the newest one of those that know equally many.
    pub(super) fn choose(files: &Files, objects: &[(String, String)]) -> Option<Reference> {
        let names = files
            .keys()
            .filter_map(|path| path.strip_suffix("/base.yaml"))
            .filter(|name| !name.contains('/'));
        names
            .filter_map(|name| Reference::read(name, files))
            .max_by_key(|reference| {
                let known = objects
                    .iter()
                    .filter(|key| reference.files.contains_key(key));
                (known.count(), reference.facts.order)
            })
    }

    /// Reads one base; `None` when there is none that can be read.
    pub(super) fn read(name: &str, files: &Files) -> Option<Reference> {
        let options = serde_saphyr::options! { strict_booleans: true };
        let text = files.get(&format!("{name}/base.yaml"))?;
        let facts = serde_saphyr::from_str_with_options(text, options).ok()?;
        let prefix = format!("{name}/");
        let mut known = BTreeMap::new();
        let mut components = BTreeMap::new();
        for (path, text) in files
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix))
        {
            let below = &path[prefix.len()..];
            if below.starts_with("components/") {
                components.insert(below.to_owned(), text.clone());
            }
            let stem = below
                .rsplit('/')
                .next()
                .and_then(|file| file.strip_suffix(".yaml"))
                .filter(|stem| FILES.contains(stem));
            let (Some(stem), false) = (stem, below.starts_with("cluster/")) else {
                continue;
            };
            for (kind, name) in objects(text) {
                known.entry((kind, name)).or_insert_with(|| stem.to_owned());
            }
        }
        let written = yaml::load_one(text, &LoadOptions::default()).ok();
        let of = |key: &str| {
            let document = written.as_ref()?;
            document.value.get(key).cloned()
        };
        let (members, identity) = (of("members"), of("identity"));
        Some(Reference {
            identity,
            facts,
            members,
            files: known,
            components,
        })
    }

    /// Returns the file of a project's directory that an object belongs to.
    pub(super) fn file_of(&self, kind: &str, name: &str) -> Option<&str> {
        let exact = self.files.get(&(kind.to_owned(), name.to_owned()));
        // Objects of one name belong together, whatever their kinds.
        let named = || {
            let mut files = self.files.iter().filter(|((_, known), _)| known == name);
            files.next().map(|(_, file)| file)
        };
        exact.or_else(named).map(String::as_str)
    }
}

/// Returns kind and name of the objects of a file; templates are read as they are.
fn objects(text: &str) -> Vec<(String, String)> {
    documents(text).iter().filter_map(key).collect()
}

/// Returns the documents of a file of a component; of one that is there under a condition, what is there then.
pub(super) fn documents(text: &str) -> Vec<Value> {
    let options = LoadOptions {
        tags: true,
        ..LoadOptions::default()
    };
    let documents = yaml::load(text, &options).unwrap_or_default();
    let there = |document: yaml::Document| match document.value.pointer("/!if/then") {
        Some(then) => then.clone(),
        None => document.value,
    };
    documents.into_iter().map(there).collect()
}

/// Returns kind and name of an object.
pub(super) fn key(body: &Value) -> Option<(String, String)> {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    Some((
        text("/kind")?.to_owned(),
        text("/metadata/name")?.to_owned(),
    ))
}
