//! The Namespace with its Pod Security labels, the quota and the limit range.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::{LimitRange, Project};
use crate::object::Object;

/// Pod Security levels follow the cluster's own version: a pinned one would have to be raised by hand with each upgrade.
const POD_SECURITY_VERSION: &str = "latest";

/// Returns the objects of `namespace.yaml`.
pub(super) fn objects(project: &Project) -> Vec<Object> {
    let mut bodies = Vec::new();
    if project.create_namespace {
        let security = &project.pod_security;
        let mut labels = Map::new();
        for (mode, level) in [
            ("enforce", &security.enforce),
            ("audit", &security.warn),
            ("warn", &security.warn),
        ] {
            let key = format!("pod-security.kubernetes.io/{mode}");
            labels.insert(format!("{key}-version"), json!(POD_SECURITY_VERSION));
            labels.insert(key, json!(level));
        }
        labels.sort_keys();
        bodies.push(json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": project.namespace, "labels": labels},
        }));
    }
    if !project.quota.is_empty() {
        bodies.push(json!({
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "quota"},
            "spec": {"hard": project.quota},
        }));
    }
    let limit_range = match &project.limit_range {
        Some(limit_range) => Some(limit_range.clone()),
        None if !project.quota.is_empty() => Some(sensible_limits(&project.quota)),
        None => None,
    };
    if let Some(limits) = limit_range.filter(|limits| *limits != LimitRange::default()) {
        bodies.push(json!({
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "limits"},
            "spec": {"limits": [limit_item(&limits)]},
        }));
    }
    bodies
        .into_iter()
        .map(|body| Object {
            body,
            file: "namespace".to_owned(),
        })
        .collect()
}

/// Returns default requests and limits for containers that state none.
///
/// A quota makes requests (and limits, where it limits them) mandatory on every container, and steps of pipelines often have none.
/// Source: gitops-wiring §4.2.
fn sensible_limits(quota: &BTreeMap<String, String>) -> LimitRange {
    let text = |value: &str| value.to_owned();
    LimitRange {
        default: BTreeMap::from([(text("cpu"), text("1")), (text("memory"), text("2Gi"))])
            .into_iter()
            .filter(|(name, _)| {
                // Without a quota on limits, a default limit would only throttle steps that asked for none.
                name == "memory" || quota.contains_key("limits.cpu")
            })
            .collect(),
        default_request: BTreeMap::from([
            (text("cpu"), text("100m")),
            (text("memory"), text("256Mi")),
        ]),
        max: BTreeMap::new(),
        min: BTreeMap::new(),
    }
}

fn limit_item(limits: &LimitRange) -> Value {
    let mut item = Map::new();
    item.insert("type".to_owned(), json!("Container"));
    for (key, values) in [
        ("default", &limits.default),
        ("defaultRequest", &limits.default_request),
        ("max", &limits.max),
        ("min", &limits.min),
    ] {
        if !values.is_empty() {
            item.insert(key.to_owned(), json!(values));
        }
    }
    Value::Object(item)
}
