//! Builds every kustomization of a tree, and compares the objects with those of the plain tree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tenantry::overlay::flat;
use tenantry::yaml::{LoadOptions, load};

/// Content by path below the tree.
pub type Tree = BTreeMap<String, String>;

/// Builds the kustomizations of a tree.
pub trait Build {
    /// Returns the objects of each directory.
    fn build(&self, tree: &Tree, directories: &BTreeSet<String>)
    -> Vec<Result<Vec<Value>, String>>;
}

/// Our own reader.
pub struct Ours;

impl Build for Ours {
    fn build(
        &self,
        tree: &Tree,
        directories: &BTreeSet<String>,
    ) -> Vec<Result<Vec<Value>, String>> {
        let files = |directory: &str| -> flat::Files {
            tree.iter()
                .filter_map(|(path, text)| {
                    let name = path.strip_prefix(directory)?.strip_prefix('/')?;
                    Some((name.to_owned(), text.clone().into_bytes()))
                })
                .collect()
        };
        let build = |directory: &String| {
            let built = flat::objects(directory, &files(directory), |other| {
                Ok::<_, std::convert::Infallible>(files(other))
            });
            let objects = built.unwrap_or_else(|never| match never {})?;
            Ok(objects.into_iter().map(|object| object.body).collect())
        };
        directories.iter().map(build).collect()
    }
}

/// `kubectl kustomize`.
pub struct Theirs;

impl Theirs {
    /// Looks for kubectl.
    pub fn find() -> Option<Self> {
        let found = Command::new("kubectl")
            .args(["version", "--client"])
            .output();
        found
            .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("Kustomize"))
            .then_some(Theirs)
    }
}

impl Build for Theirs {
    fn build(
        &self,
        tree: &Tree,
        directories: &BTreeSet<String>,
    ) -> Vec<Result<Vec<Value>, String>> {
        let place = tempfile::tempdir().expect("a temporary directory");
        for (path, text) in tree {
            let path = place.path().join(path);
            let parent = path.parent().expect("files lie in directories");
            std::fs::create_dir_all(parent).expect("writable");
            std::fs::write(path, text).expect("writable");
        }
        let build = |directory: &String| ask(&place.path().join(directory));
        directories.iter().map(build).collect()
    }
}

fn ask(directory: &Path) -> Result<Vec<Value>, String> {
    let output = Command::new("kubectl")
        .arg("kustomize")
        .arg(directory)
        .output()
        .expect("kubectl runs");
    if output.status.success() {
        Ok(documents(&String::from_utf8_lossy(&output.stdout)))
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn documents(text: &str) -> Vec<Value> {
    let documents = load(text, &LoadOptions::default()).expect("manifests can be read");
    documents
        .into_iter()
        .map(|document| document.value)
        .collect()
}

/// Returns what differs between a plain tree and what is built from the other one.
pub fn differences(case: &str, plain: &Tree, other: &Tree, build: &impl Build) -> Vec<String> {
    let directories = |tree: &Tree| -> BTreeSet<String> {
        let directories = tree
            .keys()
            .filter_map(|path| Some(path.rsplit_once('/')?.0));
        directories
            .filter(|path| !path.starts_with("_base/"))
            .map(str::to_owned)
            .collect()
    };
    let wanted = directories(plain);
    if wanted != directories(other) {
        return vec![format!("{case}: other directories")];
    }
    let mut wrong = Vec::new();
    for (directory, built) in wanted.iter().zip(build.build(other, &wanted)) {
        // How the wiring says where things are is what the forms differ in.
        if directory.contains("/_sync/") {
            if let Err(error) = built {
                wrong.push(format!("{case}: {directory}: {error}"));
            }
            continue;
        }
        let texts = plain
            .iter()
            .filter(|(path, _)| path.rsplit_once('/').is_some_and(|(at, _)| at == directory));
        let expect = by_id(texts.flat_map(|(_, text)| documents(text)));
        let found = match built {
            Ok(objects) => by_id(objects),
            Err(error) => {
                wrong.push(format!("{case}: {directory}: {error}"));
                continue;
            }
        };
        for id in expect.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
            if expect.get(id) != found.get(id) {
                let text =
                    |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
                wrong.push(format!(
                    "{case}: {directory}: {id}\n  built {}\n  plain {}",
                    text(found.get(id)),
                    text(expect.get(id))
                ));
            }
        }
    }
    wrong
}

fn by_id(objects: impl IntoIterator<Item = Value>) -> BTreeMap<String, Value> {
    let objects = objects.into_iter().map(|object| {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or("")
        };
        let id = [
            text("/apiVersion"),
            text("/kind"),
            text("/metadata/namespace"),
            text("/metadata/name"),
        ];
        (id.join(" "), object)
    });
    objects.collect()
}
