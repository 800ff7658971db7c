//! Kubernetes objects and sets of them.

use serde_json::Value;

/// One Kubernetes object and the file of the project's directory that it goes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The object itself, always a mapping with `apiVersion`, `kind` and `metadata.name`.
    pub body: Value,
    /// Stem of the file that the object is written to, for example `api-server`.
    pub file: String,
}

/// What identifies an object inside one set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// API group, empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace, empty when absent.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl std::fmt::Display for ObjectKey {
    /// Writes `Kind/name`, the form in which messages name objects.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl Object {
    /// Returns a string field of the top level or below, by path, empty when absent.
    fn text(&self, path: &[&str]) -> &str {
        let mut value = &self.body;
        for key in path {
            match value.get(key) {
                Some(below) => value = below,
                None => return "",
            }
        }
        value.as_str().unwrap_or("")
    }

    /// Returns `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.text(&["apiVersion"])
    }

    /// Returns the API group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// Returns the API version without its group.
    pub fn version(&self) -> &str {
        self.api_version()
            .rsplit_once('/')
            .map_or(self.api_version(), |(_, version)| version)
    }

    /// Returns `kind`.
    pub fn kind(&self) -> &str {
        self.text(&["kind"])
    }

    /// Returns `metadata.name`.
    pub fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }

    /// Returns `metadata.namespace`, empty when absent.
    pub fn namespace(&self) -> &str {
        self.text(&["metadata", "namespace"])
    }

    /// Returns what identifies the object.
    pub fn key(&self) -> ObjectKey {
        ObjectKey {
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }
}
