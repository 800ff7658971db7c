//! What a patch may not do: take identity, isolation or labels of Tenantry from an object, or leave something that is
//! no Kubernetes object.
//!
//! Takes the objects before and after each patch. Selectors may be changed; pods may not be moved out of the policies
//! that the same patches leave as they are.

use serde_json::Value;

use crate::diagnostic::Code;
use crate::model::Project;
use crate::object::Object;
use crate::object::shape::{is_list, misshapen};
use crate::patch::{Applied, PatchError};

/// Prefixes of the labels that Tenantry sets on every object.
///
/// Source: commands-and-output §3.
const OWN: [&str; 2] = ["tenantry.dev/", "app.kubernetes.io/"];

/// What the objects were before the first patch, in the order of the objects that are left.
pub(super) struct Guard {
    followed: Vec<Followed>,
}

/// One object on its way through the patches.
struct Followed {
    start: Object,
    /// Number of the last patch that changed it.
    changed: Option<usize>,
}

impl Guard {
    pub(super) fn new(objects: &[Object]) -> Guard {
        let followed = objects.iter().map(|object| Followed {
            start: object.clone(),
            changed: None,
        });
        Guard {
            followed: followed.collect(),
        }
    }

    /// Looks at what one patch has done.
    ///
    /// Errors: `patch-refused`, `patch-failed`.
    pub(super) fn follow(
        &mut self,
        number: usize,
        before: &[Object],
        after: &[Object],
        applied: &Applied,
        project: &Project,
    ) -> Result<(), PatchError> {
        // Patches remove objects and change them in place; what is left keeps its order.
        let mut left: Vec<usize> = (0..before.len()).collect();
        if before.len() != after.len() {
            left.retain(|index| !applied.removed.contains(&before[*index].key()));
        }
        if left.len() != after.len() {
            return Err(refused(
                "the patch removes one of two objects with one kind and name".to_owned(),
                "",
                "give each object a name of its own",
            ));
        }
        for (old, new) in left.iter().map(|index| &before[*index]).zip(after) {
            if old.body != new.body {
                check(old, new, project)?;
            }
        }
        let mut index = 0;
        self.followed.retain(|_| {
            index += 1;
            left.binary_search(&(index - 1)).is_ok()
        });
        for ((followed, old), new) in self
            .followed
            .iter_mut()
            .zip(left.iter().map(|index| &before[*index]))
            .zip(after)
        {
            if old.body != new.body {
                followed.changed = Some(number);
            }
        }
        Ok(())
    }

    /// Looks at what all patches have done together; returns the number of the patch with each error.
    ///
    /// Errors: `patch-refused` for pods that a policy without patches selects no longer, or only now.
    pub(super) fn finish(self, after: &[Object]) -> Vec<(usize, PatchError)> {
        let mut errors = Vec::new();
        let policies = self
            .followed
            .iter()
            .filter(|followed| followed.changed.is_none())
            .map(|followed| &followed.start)
            .filter(|object| object.kind() == "NetworkPolicy")
            .collect::<Vec<_>>();
        for (followed, after) in self.followed.iter().zip(after) {
            let Some(number) = followed.changed else {
                continue;
            };
            let (old, new) = (pod_labels(&followed.start.body), pod_labels(&after.body));
            if old == new {
                continue;
            }
            let moved = policies.iter().find_map(|policy| {
                let mut selectors = Vec::new();
                pod_selectors(&policy.body["spec"], &mut selectors);
                selectors
                    .into_iter()
                    .find(|selector| selects(selector, old) != selects(selector, new))?;
                Some(policy.key())
            });
            if let Some(policy) = moved {
                errors.push((
                    number,
                    refused(
                        format!(
                            "the patch changes the labels by which `{policy}` finds the pods of `{}`",
                            after.key()
                        ),
                        "/spec/template/metadata/labels",
                        "keep the labels of the base on the pods, or patch the policy too",
                    ),
                ));
            }
        }
        errors
    }
}

fn refused(message: String, pointer: &str, hint: &str) -> PatchError {
    PatchError {
        code: Code::PatchRefused,
        message,
        pointer: pointer.to_owned(),
        hints: vec![hint.to_owned()],
    }
}

/// Checks one object that a patch has changed.
fn check(old: &Object, new: &Object, project: &Project) -> Result<(), PatchError> {
    let failed = |message: String, pointer: &str| PatchError {
        code: Code::PatchFailed,
        message,
        pointer: pointer.to_owned(),
        hints: Vec::new(),
    };
    for (what, text) in [
        ("apiVersion", new.api_version()),
        ("kind", new.kind()),
        ("metadata.name", new.name()),
    ] {
        if text.is_empty() {
            return Err(failed(
                format!("after the patch `{}` has no `{what}`", old.key()),
                "",
            ));
        }
    }
    if is_list(&new.body) {
        return Err(failed(
            format!(
                "after the patch `{}` has `items`, by which it is taken for a list of objects",
                old.key()
            ),
            "/items",
        ));
    }
    if let Some(found) = misshapen(&new.body) {
        return Err(failed(
            format!(
                "after the patch `{}` of `{}` is not {}",
                found.path(),
                old.key(),
                found.wanted
            ),
            &found.pointer,
        ));
    }
    if new.namespace() != old.namespace() && new.namespace() != project.namespace {
        return Err(refused(
            format!(
                "the patch moves `{}` to the namespace `{}`",
                old.key(),
                new.namespace()
            ),
            "/metadata/namespace",
            "leave `namespace` out: every object of a project is in its namespace",
        ));
    }
    let labels = |object: &Object| object.body.pointer("/metadata/labels").cloned();
    let (before, after) = (labels(old), labels(new));
    let label = |labels: &Option<Value>, key: &str| labels.as_ref()?.get(key).cloned();
    let own = [&before, &after]
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(|labels| labels.keys())
        .find(|key| {
            OWN.iter().any(|prefix| key.starts_with(prefix))
                && label(&before, key) != label(&after, key)
        });
    if let Some(key) = own {
        return Err(refused(
            format!("the label `{key}` of `{}` is set by Tenantry", old.key()),
            &format!(
                "/metadata/labels/{}",
                key.replace('~', "~0").replace('/', "~1")
            ),
            "leave it out, or use a label of your own",
        ));
    }
    Ok(())
}

/// Returns the labels of an object's pods.
fn pod_labels(body: &Value) -> Option<&Value> {
    match body.get("kind")?.as_str()? {
        "Pod" => body.pointer("/metadata/labels"),
        "CronJob" => body.pointer("/spec/jobTemplate/spec/template/metadata/labels"),
        _ => body.pointer("/spec/template/metadata/labels"),
    }
}

/// Collects the selectors of pods in this namespace: those of the policy and of its peers.
fn pod_selectors<'a>(value: &'a Value, selectors: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                if key == "podSelector" && !map.contains_key("namespaceSelector") {
                    selectors.push(below);
                } else {
                    pod_selectors(below, selectors);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| pod_selectors(item, selectors)),
        _ => {}
    }
}

/// Tells whether a LabelSelector selects pods with the given labels.
fn selects(selector: &Value, labels: Option<&Value>) -> bool {
    let label = |key: &str| labels.and_then(|labels| labels.get(key));
    let equal = selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .all(|(key, value)| label(key) == Some(value));
    let expressed = selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten()
        .all(|expression| {
            let value = label(expression["key"].as_str().unwrap_or(""));
            let listed = || {
                let values = expression["values"].as_array();
                value.is_some_and(|value| values.is_some_and(|values| values.contains(value)))
            };
            match expression["operator"].as_str() {
                Some("In") => listed(),
                Some("NotIn") => !listed(),
                Some("Exists") => value.is_some(),
                Some("DoesNotExist") => value.is_none(),
                _ => false,
            }
        });
    equal && expressed
}
