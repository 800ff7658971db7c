//! The objects of one directory, read from its manifests.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::{Object, ObjectKey};
use crate::yaml::{self, LoadError, LoadOptions};

/// The objects of one directory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Objects {
    by_place: BTreeMap<Place, Object>,
}

/// An object's key, and a number that tells objects apart that share it (no tree of ours has any).
pub(super) type Place = (ObjectKey, usize);

/// A manifest that cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// Name of the file.
    pub file: String,
    /// Its text; what is not UTF-8 is replaced.
    pub text: String,
    /// Why.
    pub why: Why,
}

/// Why a manifest cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// It is not UTF-8.
    NotText,
    /// It is not YAML as we read it.
    NotYaml(LoadError),
    /// It is a kustomization that cannot be built.
    NotBuilt(String),
    /// A document that begins at this offset is no object: the named field is missing.
    NotAnObject(usize, &'static str),
}

impl Objects {
    /// Reads manifests, given by the names of their files, and returns those that cannot be read beside the objects.
    ///
    /// Lists are expanded; of a file that cannot be read, no object counts.
    pub fn read(files: &BTreeMap<String, Vec<u8>>) -> (Self, Vec<Unreadable>) {
        let mut objects = Objects::default();
        let mut unreadable = Vec::new();
        for (file, bytes) in files {
            if let Err(why) = objects.read_file(file, bytes) {
                unreadable.push(Unreadable {
                    file: file.clone(),
                    text: String::from_utf8_lossy(bytes).into_owned(),
                    why: *why,
                });
            }
        }
        (objects, unreadable)
    }

    /// Makes a set of objects.
    pub fn new(objects: impl IntoIterator<Item = Object>) -> Self {
        let mut set = Objects::default();
        for object in objects {
            set.insert(object);
        }
        set
    }

    fn read_file(&mut self, file: &str, bytes: &[u8]) -> Result<(), Box<Why>> {
        let text = std::str::from_utf8(bytes).map_err(|_| Why::NotText)?;
        let documents = yaml::load(text, &LoadOptions::default()).map_err(Why::NotYaml)?;
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let mut read = Vec::new();
        for document in documents {
            for body in expand(document.value) {
                let object = Object {
                    body,
                    file: stem.to_owned(),
                };
                if let Some(missing) = missing_identity(&object) {
                    return Err(Why::NotAnObject(document.start, missing).into());
                }
                read.push(object);
            }
        }
        for object in read {
            self.insert(object);
        }
        Ok(())
    }

    fn insert(&mut self, object: Object) {
        let key = object.key();
        let number = self.with_key(&key).count();
        self.by_place.insert((key.clone(), number), object);
        if number > 0 {
            self.order(&key);
        }
    }

    /// Puts objects that share a key into an order of their own, so that the order of files does not matter.
    fn order(&mut self, key: &ObjectKey) {
        let mut shared: Vec<Object> = self.with_key(key).cloned().collect();
        shared.sort_by_cached_key(|object| canonical(&object.body).to_string());
        for (number, object) in shared.into_iter().enumerate() {
            self.by_place.insert((key.clone(), number), object);
        }
    }

    fn with_key<'a>(&'a self, key: &'a ObjectKey) -> impl Iterator<Item = &'a Object> {
        (0..).map_while(|number| self.by_place.get(&(key.clone(), number)))
    }

    /// Returns all objects by their places.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Place, &Object)> {
        self.by_place.iter()
    }

    /// Returns the object at a place.
    pub(super) fn at(&self, place: &Place) -> Option<&Object> {
        self.by_place.get(place)
    }

    /// Returns all objects, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &Object> + Clone {
        self.by_place.values()
    }

    /// Returns the object with a key.
    pub fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.by_place.get(&(key.clone(), 0))
    }

    /// Returns the objects of a kind.
    pub fn of_kind<'a>(
        &'a self,
        group: &'a str,
        kind: &'a str,
    ) -> impl Iterator<Item = &'a Object> {
        self.iter()
            .filter(move |object| object.kind() == kind && object.group() == group)
    }

    /// Returns how many objects there are.
    pub fn len(&self) -> usize {
        self.by_place.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_place.is_empty()
    }
}

fn expand(value: Value) -> Vec<Value> {
    match value {
        Value::Object(mut map) if map.get("kind").and_then(Value::as_str) == Some("List") => {
            match map.remove("items") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            }
        }
        other => vec![other],
    }
}

fn missing_identity(object: &Object) -> Option<&'static str> {
    [
        (object.api_version(), "apiVersion"),
        (object.kind(), "kind"),
        (object.name(), "metadata.name"),
    ]
    .into_iter()
    .find_map(|(value, field)| value.is_empty().then_some(field))
}

/// Returns a value with the keys of its mappings sorted.
pub(super) fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(map) => {
            let sorted: BTreeMap<&String, Value> = map
                .iter()
                .map(|(key, value)| (key, canonical(value)))
                .collect();
            sorted
                .into_iter()
                .map(|(key, value)| (key.clone(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        other => other.clone(),
    }
}
