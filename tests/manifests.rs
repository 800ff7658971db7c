//! Plain manifests of users and of bases: what is refused, where the report points, and that nothing makes us panic.

mod compiler;

use std::collections::BTreeMap;

use compiler::{compile_with, object, objects};
use proptest::prelude::*;
use serde_json::{Value, json};
use tenantry::yaml::{self, LoadOptions};

/// Every step that writes into objects has something to write.
const HEAD: &str = "\
version: 1
platform:
  base: kfp-2.17.0
  sync: [argocd]
  repository: {url: https://git.example.com/stacks.git}
  images: {pullSecrets: [registry], mirrors: {docker.io: mirror.example.com}, allowUnmapped: true}
projects:
- name: churn
  labels: {team: a}
  annotations: {note: b}
  proxy: {http: \"http://proxy.example.com:3128\"}
  scheduling: {nodeSelector: {pool: ml}, priorityClassName: high}
";

fn findings(text: &str, state: &str) -> Vec<String> {
    let projects = format!("{HEAD}  state: {state}\n  extraManifests: [x.yaml]\n");
    let files = BTreeMap::from([("x.yaml".to_owned(), text.to_owned())]);
    compile_with(&projects, &files, 1).findings
}

/// Holds all findings of each manifest against what is expected.
#[track_caller]
fn check_all(table: &[(&str, &str)]) {
    let found: Vec<String> = table
        .iter()
        .map(|(text, _)| findings(text, "active").join("; "))
        .collect();
    let expect: Vec<&str> = table.iter().map(|(_, expect)| *expect).collect();
    assert_eq!(found, expect);
}

#[test]
fn what_is_no_object_is_told_with_its_place() {
    check_all(&[
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: x}\n",
            "error[invalid-manifest] x.yaml:3:29 `metadata.labels` of `ConfigMap/a` is not a mapping",
        ),
        (
            "# first\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template: [a]\n",
            "error[invalid-manifest] x.yaml:10:13 `spec.template` of `Deployment/a` is not a mapping",
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a}, b]}\n",
            "error[invalid-manifest] x.yaml:4:32 `spec.containers[1]` of `Pod/a` is not a mapping",
        ),
        (
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ServiceAccount, metadata: {name: a, annotations: []}}\n- {apiVersion: v1, kind: ConfigMap}\n",
            "error[invalid-manifest] x.yaml:4:75 `metadata.annotations` of `ServiceAccount/a` is not a mapping; \
             error[invalid-manifest] x.yaml:5:3 this document has no `metadata.name`",
        ),
        (
            "apiVersion: v1\nkind: List\nitems: {a: b}\n",
            "error[invalid-manifest] x.yaml:3:8 `items` of a `List` is not a list",
        ),
        (
            "- a\n",
            "error[invalid-manifest] x.yaml:1:1 this document has no `apiVersion`",
        ),
    ]);
}

#[test]
fn nothing_hides_in_a_list() {
    // `kubectl` and Argo CD go by `items`, whatever the kind.
    check_all(&[
        (
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleList\nmetadata: {name: a}\nitems:\n- {kind: ClusterRole}\n",
            "error[invalid-manifest] x.yaml:5:1 `ClusterRoleList/a` has `items`, by which it is taken for a list of objects",
        ),
        (
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, metadata: {name: a}, items: []}\n",
            "error[invalid-manifest] x.yaml:4:60 `List/a` has `items`, by which it is taken for a list of objects",
        ),
    ]);
}

#[test]
fn values_of_secrets_stay_out_of_git() {
    let project = "projects.yaml:8:9";
    check_all(&[
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: aHVudGVyMg==}\n",
            &format!(
                "error[plain-secret] {project} `Secret/a` of project `churn` is a Secret with a value for `password`, which would be in Git"
            ),
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {token: hunter2}\n",
            &format!(
                "error[plain-secret] {project} `Secret/a` of project `churn` is a Secret with a value for `token`, which would be in Git"
            ),
        ),
        // The controller fills it in.
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a, annotations: {kubernetes.io/service-account.name: pipeline-runner}}\ntype: kubernetes.io/service-account-token\n",
            "",
        ),
    ]);
    // Nor does a patch make one.
    let projects = format!(
        "{HEAD}  extraManifests: [x.yaml]\n  patches:\n  - {{target: {{kind: ConfigMap, name: a}}, patch: [{{op: replace, path: /kind, value: Secret}}]}}\n"
    );
    let files = BTreeMap::from([(
        "x.yaml".to_owned(),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {password: hunter2}\n"
            .to_owned(),
    )]);
    let found = compile_with(&projects, &files, 1).findings;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("error[plain-secret] "), "{found:?}");
}

#[test]
fn a_retired_project_keeps_what_holds_data_and_what_makes_secrets() {
    let text = "\
{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: own}, spec: {target: {name: own}}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: own}, spec: {accessModes: [ReadWriteOnce]}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: own}, data: {a: b}}
";
    let projects = format!("{HEAD}  state: retired\n  extraManifests: [x.yaml]\n");
    let files = BTreeMap::from([("x.yaml".to_owned(), text.to_owned())]);
    let outcome = compile_with(&projects, &files, 1);
    assert_eq!(outcome.findings, Vec::<String>::new());
    let left = objects(&outcome.tree, "in-cluster/churn");
    for (id, kept) in [
        ("ExternalSecret/own", true),
        ("PersistentVolumeClaim/own", true),
        ("ConfigMap/own", false),
    ] {
        assert_eq!(object(&left, id).is_some(), kept, "{id}");
    }
}

/// Manifests of every kind that a step of rendering looks into.
const SAMPLE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: own, labels: {a: b}, annotations: {c: d}}
spec:
  replicas: 1
  selector: {matchLabels: {app: own}, matchExpressions: [{key: app, operator: Exists}]}
  template:
    metadata: {labels: {app: own}, annotations: {e: f}}
    spec:
      imagePullSecrets: [{name: other}]
      nodeSelector: {g: h}
      containers:
      - {name: c, image: \"docker.io/x:1\", command: [sh], args: [--image, \"y:1\"], env: [{name: HTTP_PROXY, value: x}, {name: M, valueFrom: {configMapKeyRef: {name: own, key: k}}}], envFrom: [{configMapRef: {name: own}}]}
      volumes: [{name: v, configMap: {name: own}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: own}
spec:
  schedule: \"@daily\"
  jobTemplate: {spec: {template: {metadata: {annotations: {i: j}}, spec: {containers: [{name: c, image: x}], volumes: [{name: v, configMap: {name: own}}]}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: own}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: own}
data: {k: \"image: docker.io/z:1\"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: own}
imagePullSecrets: [{name: other}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: own}
subjects: [{kind: ServiceAccount, name: own}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: own}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: own}
rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: own}
spec: {podSelector: {matchLabels: {app: own}}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: own}
spec: {target: {name: own}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: own}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";

fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, below)| pointers(below, &format!("{at}/{}", escaped(key)), all)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, below)| pointers(below, &format!("{at}/{index}"), all)),
        _ => {}
    }
}

/// Every place of every sample.
fn places() -> Vec<(usize, String)> {
    let places = sample().into_iter().enumerate().flat_map(|(number, body)| {
        let mut all = Vec::new();
        pointers(&body, "", &mut all);
        all.into_iter().map(move |pointer| (number, pointer))
    });
    places.collect()
}

fn sample() -> Vec<Value> {
    let documents = yaml::load(SAMPLE, &LoadOptions::default()).expect("the sample");
    documents
        .into_iter()
        .map(|document| document.value)
        .collect()
}

/// Something that does not belong there, most of the time.
fn odd() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        Value::Null,
        json!("text"),
        json!(""),
        json!(5),
        json!(true),
        json!([]),
        json!({}),
        json!(["a"]),
        json!([null]),
        json!([[{}]]),
        json!({"a": {"b": "c"}}),
        json!([{"name": 5, "key": {}}]),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Parts of manifests become something else, several at once: a tree, or errors, and never a panic.
    #[test]
    fn no_manifest_panics(
        changes in prop::collection::vec((prop::sample::select(places()), odd()), 1..4),
        state in prop::sample::select(vec!["active", "paused", "retired"]),
    ) {
        let mut bodies = sample();
        for ((number, pointer), value) in changes {
            if let Some(part) = bodies[number].pointer_mut(&pointer) {
                *part = value;
            }
        }
        let text: String = bodies.iter().map(|body| format!("---\n{body}\n")).collect();
        for finding in findings(&text, state) {
            prop_assert!(finding.starts_with("error["), "{}", finding);
            prop_assert!(finding.contains("x.yaml:") || finding.contains("projects.yaml:"), "{}", finding);
        }
    }

    /// The same by way of patches, of the stack's own objects and of manifests.
    #[test]
    fn no_patch_panics(
        (number, pointer) in prop::sample::select(places()),
        value in odd(),
        operation in prop::sample::select(vec!["add", "replace", "remove"]),
        strategic in any::<bool>(),
        state in prop::sample::select(vec!["active", "paused"]),
        on_stack in any::<bool>(),
    ) {
        let body = &sample()[number];
        let (kind, name) = match (body["kind"].as_str().expect("a kind"), on_stack) {
            ("Deployment", true) => ("Deployment", "ml-pipeline"),
            ("ConfigMap", true) => ("ConfigMap", "workflow-controller-configmap"),
            ("RoleBinding", true) => ("RoleBinding", "ml-pipeline"),
            (kind, _) => (kind, "own"),
        };
        let patch = if strategic {
            pointer.split('/').skip(1).collect::<Vec<_>>().iter().rev().fold(value, |below, key| json!({(*key): below}))
        } else {
            json!([{"op": operation, "path": pointer, "value": value}])
        };
        let patches = json!([{"target": {"kind": kind, "name": name}, "patch": patch.to_string()}]);
        let projects = format!("{HEAD}  state: {state}\n  extraManifests: [x.yaml]\n  patches: {patches}\n");
        let files = BTreeMap::from([("x.yaml".to_owned(), SAMPLE.to_owned())]);
        for finding in compile_with(&projects, &files, 1).findings {
            prop_assert!(finding.contains("x.yaml:") || finding.contains("projects.yaml:"), "{}", finding);
        }
    }
}
