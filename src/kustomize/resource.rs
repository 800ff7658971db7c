//! One object on its way through a kustomization, with the names it had before.
//!
//! Knows what identifies an object for kustomize; knows no transformation.
//! Source: `api/resource` and `kyaml/resid` of kustomize v5.5.0.

use serde_json::{Map, Value};

use super::field::Fault;
use crate::patch::is_known_as_cluster_scoped;
use crate::source::Span;

/// The namespace that cluster-scoped objects count as being in.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";

/// Group, version and kind; an empty text matches anything where it is a condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Gvk {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
}

impl Gvk {
    /// Tells whether every part of the condition that is given holds.
    pub(crate) fn meets(&self, condition: &Gvk) -> bool {
        meets(&self.group, &condition.group)
            && meets(&self.version, &condition.version)
            && meets(&self.kind, &condition.kind)
    }

    /// Writes `apiVersion`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

fn meets(part: &str, condition: &str) -> bool {
    condition.is_empty() || part == condition
}

/// Splits `apiVersion` into group and version.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// What identifies an object: two objects with one id cannot be in one build.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    /// The namespace that counts: `default` when none is given, [`NO_NAMESPACE`] for cluster-scoped kinds.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Id {
    /// Makes an id from what a file says.
    pub(crate) fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Id {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: effective_namespace(api_version, kind, namespace).to_owned(),
            name: name.to_owned(),
        }
    }
}

/// Returns the namespace that counts.
pub(crate) fn effective_namespace<'n>(
    api_version: &str,
    kind: &str,
    namespace: &'n str,
) -> &'n str {
    if is_known_as_cluster_scoped(api_version, kind) {
        NO_NAMESPACE
    } else if namespace.is_empty() {
        "default"
    } else {
        namespace
    }
}

/// Kind, namespace and name that an object had before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Former {
    pub(crate) kind: String,
    /// The namespace that counted.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// Fields that kustomize holds as one value, so that who changes one changes all.
///
/// Source: `filtersutil.SetEntry` of kustomize v5.5.0, observed: a label or annotation that is added to several places
/// of an object is one YAML node, which later labels, merges and replacements change in place.
#[derive(Debug, Clone)]
struct Shared {
    value: Value,
    /// JSON pointers of the fields.
    places: Vec<String>,
}

/// One object on its way through a kustomization.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// The object, a mapping with `apiVersion`, `kind` and `metadata.name`.
    pub(crate) body: Value,
    /// What it was called before, oldest first.
    pub(crate) former: Vec<Former>,
    /// Prefixes in the order in which they were added.
    pub(crate) prefixes: Vec<String>,
    /// Suffixes in the order in which they were added.
    pub(crate) suffixes: Vec<String>,
    /// Whether a hash of the contents is added to the name.
    pub(crate) hashed: bool,
    /// Names of the vars whose value it holds.
    pub(crate) vars: Vec<String>,
    /// Fields that kustomize holds as one value.
    shared: Vec<Shared>,
    /// Where it comes from: the beginning of a document, or the entry of a kustomization that made it.
    pub(crate) origin: Span,
}

impl Resource {
    /// Wraps an object as it was read.
    pub(crate) fn new(body: Value, origin: Span) -> Self {
        Resource {
            body,
            former: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            hashed: false,
            vars: Vec::new(),
            shared: Vec::new(),
            origin,
        }
    }

    fn text(&self, key: &str) -> &str {
        self.body.get(key).and_then(Value::as_str).unwrap_or("")
    }

    fn metadata_text(&self, key: &str) -> &str {
        self.body
            .get("metadata")
            .and_then(|metadata| metadata.get(key))
            .and_then(Value::as_str)
            .unwrap_or("")
    }

    /// Returns `apiVersion`.
    pub(crate) fn api_version(&self) -> &str {
        self.text("apiVersion")
    }

    /// Returns `kind`.
    pub(crate) fn kind(&self) -> &str {
        self.text("kind")
    }

    /// Returns `metadata.name`.
    pub(crate) fn name(&self) -> &str {
        self.metadata_text("name")
    }

    /// Returns `metadata.namespace`, empty when absent.
    pub(crate) fn namespace(&self) -> &str {
        self.metadata_text("namespace")
    }

    /// Returns the namespace that counts.
    pub(crate) fn effective_namespace(&self) -> &str {
        effective_namespace(self.api_version(), self.kind(), self.namespace())
    }

    /// Tells whether kustomize knows the kind as cluster-scoped.
    pub(crate) fn is_cluster_scoped(&self) -> bool {
        is_known_as_cluster_scoped(self.api_version(), self.kind())
    }

    /// Returns group, version and kind as they are now.
    pub(crate) fn gvk(&self) -> Gvk {
        self.gvk_with(self.kind())
    }

    /// Returns group and version with a kind that the object has or had.
    pub(crate) fn gvk_with(&self, kind: &str) -> Gvk {
        let (group, version) = split_api_version(self.api_version());
        Gvk {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        }
    }

    /// Returns group, version and kind that the object was read with.
    pub(crate) fn original_gvk(&self) -> Gvk {
        self.gvk_with(
            self.former
                .first()
                .map_or(self.kind(), |former| &former.kind),
        )
    }

    /// Returns the name that the object was read with.
    pub(crate) fn original_name(&self) -> &str {
        self.former
            .first()
            .map_or(self.name(), |former| &former.name)
    }

    /// Returns the namespace that counted when the object was read.
    pub(crate) fn original_namespace(&self) -> &str {
        self.former
            .first()
            .map_or(self.effective_namespace(), |former| &former.namespace)
    }

    /// Returns what identifies the object now.
    pub(crate) fn id(&self) -> Id {
        Id {
            api_version: self.api_version().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.effective_namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }

    /// Returns everything that ever identified the object, oldest first.
    pub(crate) fn all_ids(&self) -> impl Iterator<Item = Id> + '_ {
        self.former
            .iter()
            .map(|former| Id {
                api_version: self.api_version().to_owned(),
                kind: former.kind.clone(),
                namespace: former.namespace.clone(),
                name: former.name.clone(),
            })
            .chain([self.id()])
    }

    /// Keeps what identifies the object now, before that changes.
    pub(crate) fn remember(&mut self) {
        self.former.push(Former {
            kind: self.kind().to_owned(),
            namespace: self.effective_namespace().to_owned(),
            name: self.name().to_owned(),
        });
    }

    /// Notes that a value was added to several places at once.
    pub(crate) fn share(&mut self, places: Vec<String>, value: Value) {
        if places.len() > 1 {
            self.shared.push(Shared { value, places });
        }
    }

    /// Gives every shared field the value that one of them was given.
    ///
    /// Errors: two of them were given different values, of which kustomize would keep one.
    pub(crate) fn follow_shared(&mut self) -> Result<(), Fault> {
        for shared in &mut self.shared {
            let body = &self.body;
            shared.places.retain(|place| body.pointer(place).is_some());
            let mut changed: Option<(&String, &Value)> = None;
            for place in &shared.places {
                let now = body.pointer(place).filter(|now| **now != shared.value);
                match (changed, now) {
                    (_, None) => {}
                    (None, Some(now)) => changed = Some((place, now)),
                    (Some((first, before)), Some(now)) if now != before => {
                        return Err(Fault(format!(
                            "because kustomize gives `{first}` and `{place}` one value, and two are asked for"
                        )));
                    }
                    (Some(_), Some(_)) => {}
                }
            }
            if let Some((_, value)) = changed {
                shared.value = value.clone();
                for place in &shared.places {
                    if let Some(field) = self.body.pointer_mut(place) {
                        field.clone_from(&shared.value);
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes that every field is a value of its own again.
    pub(crate) fn forget_shared(&mut self) {
        self.shared.clear();
    }

    /// Returns `metadata`, made when it is missing.
    pub(crate) fn metadata(&mut self) -> &mut Map<String, Value> {
        child(&mut self.body, "metadata")
    }

    /// Sets `metadata.name`.
    pub(crate) fn set_name(&mut self, name: &str) {
        self.metadata().insert("name".to_owned(), Value::from(name));
    }

    /// Writes `Kind/name`, the form in which messages name objects.
    pub(crate) fn shown(&self) -> String {
        format!("{}/{}", self.kind(), self.name())
    }
}

/// Returns the mapping at a key, made when it is missing or something else.
pub(crate) fn child<'v>(value: &'v mut Value, key: &str) -> &'v mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(map) = value else {
        unreachable!("made above")
    };
    let below = map
        .entry(key.to_owned())
        .or_insert_with(|| Value::Object(Map::new()));
    if !below.is_object() {
        *below = Value::Object(Map::new());
    }
    match below {
        Value::Object(map) => map,
        _ => unreachable!("made above"),
    }
}
