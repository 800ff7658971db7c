//! Which lists merge, by kind of object, as kustomize sees it.
//!
//! Gives a tree of [`Shape`]s per apiVersion and kind, to be walked alongside a value. Knows no values and no patches.
//! A kind that is not known here has no shape: its mappings merge and all of its lists are replaced whole.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

/// What is known about one mapping: the fields that are more than plain values, and a rule that its fields obey together.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    fields: Vec<(String, Field)>,
    /// The fields that exclude each other, if any.
    pub(crate) rule: Option<Rule>,
}

/// One field of a mapping that is a mapping with a shape of its own, or a list that merges.
#[derive(Debug)]
pub(crate) enum Field {
    /// A mapping.
    Mapping(Shape),
    /// A list of scalars that merges as a set.
    Set,
    /// A list of mappings that merges by key.
    Keyed(Keyed),
}

/// A list of mappings that are told apart by one or two of their fields.
#[derive(Debug)]
pub(crate) struct Keyed {
    /// The field that every element has.
    pub(crate) key: String,
    /// The field that tells elements with the same `key` apart.
    pub(crate) second: Option<String>,
    /// The shape of an element.
    pub(crate) element: Shape,
}

/// Fields of one mapping that the API server does not take together.
///
/// Source: `patchStrategy: retainKeys` in the Kubernetes types, and the validation of `EnvVar` and `DeploymentStrategy`.
#[derive(Debug)]
pub(crate) enum Rule {
    /// At most one field besides this one.
    OnlyOneBeside(String),
    /// When `field` is `value`, there is no `other`.
    Excludes {
        /// The field that decides.
        field: String,
        /// Its deciding value.
        value: String,
        /// The field that may not be there then.
        other: String,
    },
}

impl Shape {
    /// Returns what is known about a field.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, field)| field)
    }
}

/// Returns the shape of a kind, `None` when the kind has no schema.
pub(crate) fn shape(api_version: &str, kind: &str) -> Option<&'static Shape> {
    table().kinds.get(api_version)?.get(kind)
}

/// Tells whether a kind is known to be cluster-scoped.
pub(crate) fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    let known = &table().cluster_scoped;
    known
        .binary_search_by(|(known_version, known_kind)| {
            (known_version.as_str(), known_kind.as_str()).cmp(&(api_version, kind))
        })
        .is_ok()
}

struct Table {
    kinds: BTreeMap<String, BTreeMap<String, Shape>>,
    /// Pairs of apiVersion and kind, sorted.
    cluster_scoped: Vec<(String, String)>,
}

/// The form of `shapes.json`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    shapes: BTreeMap<String, ShapeEntry>,
    kinds: BTreeMap<String, Vec<String>>,
    cluster_scoped: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShapeEntry {
    #[serde(default)]
    fields: BTreeMap<String, FieldEntry>,
    only_one_beside: Option<String>,
    excludes: Option<ExcludesEntry>,
}

#[derive(Deserialize)]
struct ExcludesEntry {
    field: String,
    value: String,
    other: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FieldEntry {
    Mapping(String),
    Keyed {
        merge: Vec<String>,
        of: Option<String>,
    },
    Set {
        set: bool,
    },
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let file: File = serde_json::from_str(include_str!("shapes.json"))
            .expect("shapes.json has the form of `File`");
        let mut kinds: BTreeMap<String, BTreeMap<String, Shape>> = BTreeMap::new();
        for (shape, names) in &file.kinds {
            for name in names {
                let (api_version, kind) = split(name);
                kinds
                    .entry(api_version)
                    .or_default()
                    .insert(kind, grow(&file.shapes, shape));
            }
        }
        let mut cluster_scoped: Vec<_> =
            file.cluster_scoped.iter().map(|name| split(name)).collect();
        cluster_scoped.sort();
        Table {
            kinds,
            cluster_scoped,
        }
    })
}

fn split(name: &str) -> (String, String) {
    let (api_version, kind) = name
        .split_once(' ')
        .expect("shapes.json writes kinds as `apiVersion Kind`");
    (api_version.to_owned(), kind.to_owned())
}

/// Writes out the shape named `name` as a tree. Shapes do not contain themselves, so this ends.
fn grow(shapes: &BTreeMap<String, ShapeEntry>, name: &str) -> Shape {
    let entry = shapes
        .get(name)
        .expect("every shape that shapes.json names is in shapes.json");
    let fields = entry
        .fields
        .iter()
        .map(|(field, kind)| {
            let kind = match kind {
                FieldEntry::Mapping(name) => Field::Mapping(grow(shapes, name)),
                FieldEntry::Set { set } => {
                    assert!(set, "`set` is true where it is written");
                    Field::Set
                }
                FieldEntry::Keyed { merge, of } => {
                    let (key, second) = match merge.as_slice() {
                        [key] => (key.clone(), None),
                        [key, second] => (key.clone(), Some(second.clone())),
                        _ => panic!("lists merge by one or two keys: {field}"),
                    };
                    let element = of
                        .as_deref()
                        .map_or_else(Shape::default, |name| grow(shapes, name));
                    Field::Keyed(Keyed {
                        key,
                        second,
                        element,
                    })
                }
            };
            (field.clone(), kind)
        })
        .collect();
    let rule = match (&entry.only_one_beside, &entry.excludes) {
        (Some(key), _) => Some(Rule::OnlyOneBeside(key.clone())),
        (
            None,
            Some(ExcludesEntry {
                field,
                value,
                other,
            }),
        ) => Some(Rule::Excludes {
            field: field.clone(),
            value: value.clone(),
            other: other.clone(),
        }),
        (None, None) => None,
    };
    Shape { fields, rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks dotted `path` (`containers[]` steps into elements) and says how the list there merges.
    fn merges(api_version: &str, kind: &str, path: &str) -> String {
        let Some(mut shape) = shape(api_version, kind) else {
            return "no schema".to_owned();
        };
        let steps: Vec<&str> = path.split('.').collect();
        for (position, step) in steps.iter().enumerate() {
            let last = position + 1 == steps.len();
            match shape.field(step.trim_end_matches("[]")) {
                Some(Field::Mapping(below)) => shape = below,
                Some(Field::Keyed(list)) if last => {
                    let second = list.second.as_ref().map(|key| format!("+{key}"));
                    return format!("{}{}", list.key, second.unwrap_or_default());
                }
                Some(Field::Keyed(list)) => shape = &list.element,
                Some(Field::Set) => return "set".to_owned(),
                None => return "replaced".to_owned(),
            }
        }
        "mapping".to_owned()
    }

    #[test]
    fn lists_merge_as_in_kubernetes_1_21() {
        let check = |gvk: (&str, &str), path: &str, expect: &str| {
            assert_eq!(merges(gvk.0, gvk.1, path), expect, "{gvk:?} {path}");
        };
        let deployment = ("apps/v1", "Deployment");
        let pod = "spec.template.spec";
        check(deployment, &format!("{pod}.containers"), "name");
        check(
            deployment,
            &format!("{pod}.initContainers[].ports"),
            "containerPort+protocol",
        );
        check(
            deployment,
            &format!("{pod}.ephemeralContainers[].ports"),
            "replaced",
        );
        check(deployment, &format!("{pod}.containers[].args"), "replaced");
        check(
            deployment,
            &format!("{pod}.containers[].envFrom"),
            "replaced",
        );
        check(deployment, &format!("{pod}.tolerations"), "replaced");
        check(deployment, &format!("{pod}.hostAliases"), "ip");
        check(
            deployment,
            &format!("{pod}.topologySpreadConstraints"),
            "topologyKey+whenUnsatisfiable",
        );
        check(
            deployment,
            &format!("{pod}.volumes[].ephemeral.volumeClaimTemplate.metadata.finalizers"),
            "set",
        );
        check(deployment, "spec.template.metadata.ownerReferences", "uid");
        check(
            ("apps/v1", "StatefulSet"),
            "spec.volumeClaimTemplates",
            "replaced",
        );
        check(
            ("batch/v1", "CronJob"),
            "spec.jobTemplate.spec.template.spec.containers[].env",
            "name",
        );
        check(
            ("batch/v1", "CronJob"),
            "spec.jobTemplate.metadata.finalizers",
            "set",
        );
        check(("v1", "Pod"), "spec.volumes", "name");
        check(
            ("v1", "PodTemplate"),
            "template.spec.imagePullSecrets",
            "name",
        );
        check(("v1", "Service"), "spec.ports", "port+protocol");
        check(("v1", "ServiceAccount"), "secrets", "name");
        check(("v1", "ServiceAccount"), "imagePullSecrets", "replaced");
        check(("v1", "ConfigMap"), "metadata.finalizers", "set");
        check(("v1", "Namespace"), "spec.finalizers", "replaced");
        check(("v1", "Node"), "spec.podCIDRs", "set");
        check(
            ("networking.k8s.io/v1", "NetworkPolicy"),
            "spec.ingress",
            "replaced",
        );
        check(
            ("rbac.authorization.k8s.io/v1", "Role"),
            "rules",
            "replaced",
        );
        check(
            ("autoscaling/v1", "HorizontalPodAutoscaler"),
            "metadata.finalizers",
            "set",
        );
        check(
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
            "metadata.finalizers",
            "no schema",
        );
        check(("apps/v1beta1", "Deployment"), "spec", "no schema");
        check(
            ("argoproj.io/v1alpha1", "Workflow"),
            "spec.templates",
            "no schema",
        );
    }

    #[test]
    fn scope_is_known_for_built_in_kinds_only() {
        assert!(is_cluster_scoped(
            "rbac.authorization.k8s.io/v1",
            "ClusterRole"
        ));
        assert!(is_cluster_scoped("v1", "Namespace"));
        assert!(!is_cluster_scoped("v1", "ConfigMap"));
        assert!(!is_cluster_scoped("example.com/v1", "ClusterThing"));
    }
}
