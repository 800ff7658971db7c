//! The shape of an object: mappings and lists where Kubernetes has mappings and lists.
//!
//! Takes one object and gives the first part of it that is something else. Later steps write into these parts, and the
//! API server refuses everything else there; what single fields mean is not looked at.
//! Source: the types of Kubernetes v1.34 (`meta/v1`, `core/v1`, `apps/v1`, `batch/v1`, `rbac/v1`, `networking/v1`).

use serde_json::Value;

/// A part of an object that is not what must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Where it is, a JSON pointer.
    pub pointer: String,
    /// What must be there.
    pub wanted: &'static str,
}

/// What must be at a place, when something is.
enum Shape {
    Text,
    Mapping(&'static [(&'static str, Shape)]),
    /// A list of mappings.
    List(&'static [(&'static str, Shape)]),
    /// A list of anything.
    Anything,
}

const ANY: Shape = Shape::Mapping(&[]);
const METADATA: Shape = Shape::Mapping(&[
    ("name", Shape::Text),
    ("namespace", Shape::Text),
    ("labels", ANY),
    ("annotations", ANY),
]);
const SELECTOR: Shape =
    Shape::Mapping(&[("matchLabels", ANY), ("matchExpressions", Shape::List(&[]))]);
const CONTAINERS: Shape = Shape::List(&[
    ("env", Shape::List(&[("valueFrom", ANY)])),
    ("envFrom", Shape::List(&[])),
    ("command", Shape::Anything),
    ("args", Shape::Anything),
    ("ports", Shape::List(&[])),
    ("volumeMounts", Shape::List(&[])),
    (
        "resources",
        Shape::Mapping(&[("requests", ANY), ("limits", ANY)]),
    ),
    ("securityContext", ANY),
]);
const POD: Shape = Shape::Mapping(&[
    ("containers", CONTAINERS),
    ("initContainers", CONTAINERS),
    ("volumes", Shape::List(&[])),
    ("imagePullSecrets", Shape::List(&[])),
    ("nodeSelector", ANY),
    ("tolerations", Shape::List(&[])),
    ("topologySpreadConstraints", Shape::List(&[])),
    ("affinity", ANY),
    ("securityContext", ANY),
]);
const TEMPLATE: Shape = Shape::Mapping(&[("metadata", METADATA), ("spec", POD)]);
const WORKLOAD: &[(&str, Shape)] = &[
    ("metadata", METADATA),
    (
        "spec",
        Shape::Mapping(&[
            ("selector", SELECTOR),
            ("template", TEMPLATE),
            ("volumeClaimTemplates", Shape::List(&[])),
        ]),
    ),
];
const CRON_JOB: &[(&str, Shape)] = &[
    ("metadata", METADATA),
    (
        "spec",
        Shape::Mapping(&[(
            "jobTemplate",
            Shape::Mapping(&[
                ("metadata", METADATA),
                ("spec", Shape::Mapping(&[("template", TEMPLATE)])),
            ]),
        )]),
    ),
];
const BARE_POD: &[(&str, Shape)] = &[("metadata", METADATA), ("spec", POD)];
const ACCOUNT: &[(&str, Shape)] = &[
    ("metadata", METADATA),
    ("imagePullSecrets", Shape::List(&[])),
    ("secrets", Shape::List(&[])),
];
const DATA: &[(&str, Shape)] = &[
    ("metadata", METADATA),
    ("data", ANY),
    ("binaryData", ANY),
    ("stringData", ANY),
];
const ROLE: &[(&str, Shape)] = &[("metadata", METADATA), ("rules", Shape::List(&[]))];
const BINDING: &[(&str, Shape)] = &[
    ("metadata", METADATA),
    ("subjects", Shape::List(&[])),
    ("roleRef", ANY),
];
const POLICY: &[(&str, Shape)] = &[
    ("metadata", METADATA),
    (
        "spec",
        Shape::Mapping(&[
            ("podSelector", SELECTOR),
            ("policyTypes", Shape::Anything),
            (
                "ingress",
                Shape::List(&[("from", Shape::List(&[])), ("ports", Shape::List(&[]))]),
            ),
            (
                "egress",
                Shape::List(&[("to", Shape::List(&[])), ("ports", Shape::List(&[]))]),
            ),
        ]),
    ),
];
const WITH_SPEC: &[(&str, Shape)] = &[("metadata", METADATA), ("spec", ANY)];
const OTHER: &[(&str, Shape)] = &[("metadata", METADATA)];

/// Tells whether an object is taken for a list of others, whatever its kind.
///
/// Source: `Unstructured.IsList` of apimachinery v0.34, which `kubectl`, Argo CD and Flux go by.
pub fn is_list(body: &Value) -> bool {
    body.get("items").is_some_and(Value::is_array)
}

/// Finds a part of an object that is not what Kubernetes has there; what is absent or `null` is fine.
///
/// The kind alone decides, as it does for the steps that write into these parts.
pub fn misshapen(body: &Value) -> Option<Misshapen> {
    let kind = body.get("kind").and_then(Value::as_str).unwrap_or("");
    let fields = match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => WORKLOAD,
        "CronJob" => CRON_JOB,
        "Pod" => BARE_POD,
        "ServiceAccount" => ACCOUNT,
        "ConfigMap" | "Secret" => DATA,
        "Role" | "ClusterRole" => ROLE,
        "RoleBinding" | "ClusterRoleBinding" => BINDING,
        "NetworkPolicy" => POLICY,
        "Namespace"
        | "PersistentVolumeClaim"
        | "Service"
        | "ResourceQuota"
        | "LimitRange"
        | "Ingress"
        | "ExternalSecret" => WITH_SPEC,
        _ => OTHER,
    };
    let mut pointer = String::new();
    let wanted = fields_of(body, fields, &mut pointer)?;
    Some(Misshapen { pointer, wanted })
}

/// Leaves the pointer at the part that is wrong.
fn fields_of(
    holder: &Value,
    fields: &[(&'static str, Shape)],
    pointer: &mut String,
) -> Option<&'static str> {
    for (name, shape) in fields {
        let Some(value) = holder.get(name).filter(|value| !value.is_null()) else {
            continue;
        };
        let before = pointer.len();
        pointer.push('/');
        pointer.push_str(name);
        if let Some(wanted) = part(value, shape, pointer) {
            return Some(wanted);
        }
        pointer.truncate(before);
    }
    None
}

fn part(value: &Value, shape: &Shape, pointer: &mut String) -> Option<&'static str> {
    match shape {
        Shape::Text => (!value.is_string()).then_some("a string"),
        Shape::Anything => (!value.is_array()).then_some("a list"),
        Shape::Mapping(fields) if value.is_object() => fields_of(value, fields, pointer),
        Shape::Mapping(_) => Some("a mapping"),
        Shape::List(fields) => {
            let Some(items) = value.as_array() else {
                return Some("a list");
            };
            items.iter().enumerate().find_map(|(index, item)| {
                let before = pointer.len();
                pointer.push_str(&format!("/{index}"));
                let wanted = match item {
                    Value::Object(_) => fields_of(item, fields, pointer),
                    _ => Some("a mapping"),
                };
                if wanted.is_none() {
                    pointer.truncate(before);
                }
                wanted
            })
        }
    }
}

impl Misshapen {
    /// Returns the place as messages name it: `spec.template.metadata.labels`.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for token in self.pointer.split('/').skip(1) {
            match token.parse::<usize>() {
                Ok(index) => path.push_str(&format!("[{index}]")),
                Err(_) if path.is_empty() => path.push_str(token),
                Err(_) => path.push_str(&format!(".{token}")),
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(kind: &str, rest: Value, expect: Option<(&str, &str)>) {
        let mut body = json!({"kind": kind});
        if let (Value::Object(body), Value::Object(rest)) = (&mut body, rest) {
            body.extend(rest);
        }
        let found = misshapen(&body).map(|found| (found.path(), found.wanted));
        let expect = expect.map(|(path, wanted)| (path.to_owned(), wanted));
        assert_eq!(found, expect, "{body}");
    }

    #[test]
    fn parts() {
        assert!(is_list(&json!({"kind": "ClusterRoleList", "items": []})));
        assert!(!is_list(&json!({"kind": "ConfigMap", "items": null})));
        let template = |template: Value| json!({"spec": {"template": template}});
        check("Deployment", json!({}), None);
        check(
            "Deployment",
            json!({"metadata": {"labels": null}, "spec": null}),
            None,
        );
        check(
            "Thing",
            json!({"spec": "free", "metadata": {"annotations": {"a": "b"}}}),
            None,
        );
        check(
            "Thing",
            json!({"metadata": "x"}),
            Some(("metadata", "a mapping")),
        );
        check(
            "Thing",
            json!({"metadata": {"labels": []}}),
            Some(("metadata.labels", "a mapping")),
        );
        check(
            "Thing",
            json!({"metadata": {"namespace": 5}}),
            Some(("metadata.namespace", "a string")),
        );
        check(
            "Deployment",
            template(json!([])),
            Some(("spec.template", "a mapping")),
        );
        check(
            "Job",
            template(json!({"spec": true})),
            Some(("spec.template.spec", "a mapping")),
        );
        check(
            "Deployment",
            template(json!({"spec": {"containers": [{"name": "a"}, {"env": [{}, 1]}]}})),
            Some(("spec.template.spec.containers[1].env[1]", "a mapping")),
        );
        check(
            "CronJob",
            json!({"spec": {"jobTemplate": {"spec": {"template": {"metadata": {"annotations": "x"}}}}}}),
            Some((
                "spec.jobTemplate.spec.template.metadata.annotations",
                "a mapping",
            )),
        );
        check(
            "Pod",
            json!({"spec": {"imagePullSecrets": {}}}),
            Some(("spec.imagePullSecrets", "a list")),
        );
        check(
            "RoleBinding",
            json!({"subjects": ["x"]}),
            Some(("subjects[0]", "a mapping")),
        );
        check(
            "NetworkPolicy",
            json!({"spec": {"ingress": [{"from": {}}]}}),
            Some(("spec.ingress[0].from", "a list")),
        );
    }
}
