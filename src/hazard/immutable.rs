//! Fields that the API server does not let change: the sync would fail half-way, or somebody would delete the object.

use serde_json::Value;

use super::{Finding, Hazard, Pair, at, text};
use crate::diff::{self, FieldChange, FieldEdit};
use crate::object::Object;

/// A field that cannot change.
struct Rule {
    group: &'static str,
    kind: &'static str,
    path: &'static [&'static str],
    /// What the API server fills in.
    default: Option<&'static str>,
    /// Whether the field is free on these two objects.
    unless: fn(&Value, &Value) -> bool,
}

const fn rule(group: &'static str, kind: &'static str, path: &'static [&'static str]) -> Rule {
    Rule {
        group,
        kind,
        path,
        default: None,
        unless: |_, _| false,
    }
}

const fn with_default(rule: Rule, default: &'static str) -> Rule {
    Rule {
        default: Some(default),
        ..rule
    }
}

const fn unless(rule: Rule, unless: fn(&Value, &Value) -> bool) -> Rule {
    Rule { unless, ..rule }
}

const BATCH: &str = "batch";
const RBAC: &str = "rbac.authorization.k8s.io";
const CRD: (&str, &str) = ("apiextensions.k8s.io", "CustomResourceDefinition");
const STORAGE: &str = "storage.k8s.io";

/// Source: the update validation of Kubernetes v1.34 (`pkg/apis/*/validation`), of its CRDs and of external-snapshotter v8.
/// Volume claims have hazards of their own ([`super::volume`]).
const RULES: &[Rule] = &[
    rule("apps", "Deployment", &["spec", "selector"]),
    rule("apps", "ReplicaSet", &["spec", "selector"]),
    rule("apps", "DaemonSet", &["spec", "selector"]),
    rule("apps", "StatefulSet", &["spec", "selector"]),
    rule("apps", "StatefulSet", &["spec", "serviceName"]),
    with_default(
        rule("apps", "StatefulSet", &["spec", "podManagementPolicy"]),
        "OrderedReady",
    ),
    rule("apps", "StatefulSet", &["spec", "volumeClaimTemplates"]),
    rule("apps", "ControllerRevision", &["data"]),
    rule(BATCH, "Job", &["spec", "template"]),
    rule(BATCH, "Job", &["spec", "selector"]),
    with_default(
        rule(BATCH, "Job", &["spec", "completionMode"]),
        "NonIndexed",
    ),
    unless(rule(BATCH, "Job", &["spec", "completions"]), both_indexed),
    rule(BATCH, "Job", &["spec", "podFailurePolicy"]),
    rule(BATCH, "Job", &["spec", "successPolicy"]),
    rule(BATCH, "Job", &["spec", "backoffLimitPerIndex"]),
    with_default(
        rule(BATCH, "Job", &["spec", "managedBy"]),
        "kubernetes.io/job-controller",
    ),
    unless(
        with_default(rule("", "Service", &["spec", "clusterIP"]), ""),
        external_name,
    ),
    unless(rule("", "Service", &["spec", "clusterIPs"]), external_name),
    unless(
        rule("", "Service", &["spec", "loadBalancerClass"]),
        no_load_balancer,
    ),
    unless(rule("", "ConfigMap", &["data"]), not_immutable),
    unless(rule("", "ConfigMap", &["binaryData"]), not_immutable),
    unless(rule("", "ConfigMap", &["immutable"]), not_immutable),
    unless(rule("", "Secret", &["data"]), not_immutable),
    unless(rule("", "Secret", &["stringData"]), not_immutable),
    unless(rule("", "Secret", &["immutable"]), not_immutable),
    with_default(rule("", "Secret", &["type"]), "Opaque"),
    rule("", "ResourceQuota", &["spec", "scopes"]),
    rule("", "ReplicationController", &["spec", "selector"]),
    rule("", "Pod", &["spec"]),
    rule(RBAC, "RoleBinding", &["roleRef"]),
    rule(RBAC, "ClusterRoleBinding", &["roleRef"]),
    rule(CRD.0, CRD.1, &["spec", "group"]),
    rule(CRD.0, CRD.1, &["spec", "scope"]),
    rule(CRD.0, CRD.1, &["spec", "names", "kind"]),
    rule(CRD.0, CRD.1, &["spec", "names", "plural"]),
    rule(STORAGE, "StorageClass", &["provisioner"]),
    rule(STORAGE, "StorageClass", &["parameters"]),
    with_default(rule(STORAGE, "StorageClass", &["reclaimPolicy"]), "Delete"),
    with_default(
        rule(STORAGE, "StorageClass", &["volumeBindingMode"]),
        "Immediate",
    ),
    rule("scheduling.k8s.io", "PriorityClass", &["value"]),
    rule("networking.k8s.io", "IngressClass", &["spec", "controller"]),
    rule("discovery.k8s.io", "EndpointSlice", &["addressType"]),
    rule("node.k8s.io", "RuntimeClass", &["handler"]),
    rule("resource.k8s.io", "ResourceClaim", &["spec"]),
    rule("resource.k8s.io", "ResourceClaimTemplate", &["spec"]),
    rule(
        "snapshot.storage.k8s.io",
        "VolumeSnapshot",
        &["spec", "source"],
    ),
];

/// Fields of a Pod's specification that may change; tolerations may only be added.
///
/// Source: Kubernetes v1.34, `ValidatePodUpdate`.
const POD_MUTABLE: [&str; 3] = [
    "activeDeadlineSeconds",
    "tolerations",
    "terminationGracePeriodSeconds",
];

pub(super) fn find(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    for old in pair.old.objects.iter() {
        let Some(new) = pair.new.objects.get(&old.key()) else {
            continue;
        };
        let (group, kind) = (old.group(), old.kind());
        let mut fields: Option<Vec<FieldChange>> = None;
        for rule in RULES
            .iter()
            .filter(|rule| rule.kind == kind && rule.group == group)
        {
            if !breaks(rule, &old.body, &new.body) {
                continue;
            }
            let fields = fields.get_or_insert_with(|| diff::fields(old, new));
            findings.push(finding(pair, rule, old, new, fields));
        }
    }
}

fn breaks(rule: &Rule, old: &Value, new: &Value) -> bool {
    if (rule.unless)(old, new) {
        return false;
    }
    if rule.kind == "Pod" {
        return pod(old) != pod(new);
    }
    let default = rule.default.map(Value::from);
    let value = |body| at(body, rule.path).or(default.as_ref());
    value(old) != value(new)
}

/// Returns the part of a Pod that must stay as it is.
fn pod(body: &Value) -> Value {
    let mut spec = body.get("spec").cloned().unwrap_or_default();
    if let Value::Object(map) = &mut spec {
        for name in POD_MUTABLE {
            map.shift_remove(name);
        }
    }
    for list in ["containers", "initContainers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            if let Value::Object(container) = container {
                container.shift_remove("image");
            }
        }
    }
    spec
}

fn finding(
    pair: &Pair<'_>,
    rule: &Rule,
    old: &Object,
    new: &Object,
    fields: &[FieldChange],
) -> Finding {
    let path = rule.path.join(".");
    let below = |change: &&FieldChange| {
        change
            .path
            .strip_prefix(&path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let mut changed = fields.iter().filter(below);
    let first = changed.next();
    let more = match changed.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let place = first.map_or(path.as_str(), |change| change.path.as_str());
    let finding = pair.finding(
        Hazard::ImmutableField,
        format!("`{place}`{more} of `{}` changes, and the API server refuses that", new.key()),
        "restore the field; or delete the object in the cluster at the moment of the sync, after having made sure that nothing is lost with it",
    );
    let (before, after) = match first.map(|change| &change.edit) {
        Some(FieldEdit::Changed(before, after)) => (Some(before.clone()), Some(after.clone())),
        Some(FieldEdit::Added(after)) => (None, Some(after.clone())),
        Some(FieldEdit::Removed(before)) => (Some(before.clone()), None),
        Some(FieldEdit::Reordered(before, after)) => {
            (Some(before.clone().into()), Some(after.clone().into()))
        }
        Some(FieldEdit::Lines(_)) => (
            Some(Value::from("a text")),
            Some(Value::from("another text")),
        ),
        None => (
            at(&old.body, rule.path).cloned(),
            at(&new.body, rule.path).cloned(),
        ),
    };
    finding.from(shown(before)).to(shown(after))
}

fn shown(value: Option<Value>) -> String {
    match value {
        None => "not set".to_owned(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    }
}

fn both_indexed(old: &Value, new: &Value) -> bool {
    [old, new]
        .iter()
        .all(|job| text(job, &["spec", "completionMode"]) == "Indexed")
}

fn external_name(old: &Value, new: &Value) -> bool {
    [old, new]
        .iter()
        .any(|service| text(service, &["spec", "type"]) == "ExternalName")
}

fn no_load_balancer(old: &Value, new: &Value) -> bool {
    [old, new]
        .iter()
        .any(|service| text(service, &["spec", "type"]) != "LoadBalancer")
}

fn not_immutable(old: &Value, _: &Value) -> bool {
    old.get("immutable") != Some(&Value::Bool(true))
}
