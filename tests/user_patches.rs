//! Patches of users: what is refused and where the report points, that values stay values, and kustomize's answers.

mod compiler;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use compiler::{compile, compile_with, object, objects};
use serde_json::Value;
use tenantry::yaml::{self, LoadOptions};

const HEAD: &str = "version: 1\nplatform: {base: kfp-2.17.0}\nprojects:\n";

/// Compiles one project with patches, given as the items of the list from line 6 on.
fn findings(patches: &str) -> Vec<String> {
    let projects = format!("{HEAD}- name: churn\n  patches:\n{patches}");
    let extra = BTreeMap::from([(
        "patches/x.yaml".to_owned(),
        "# for the API server\nspec:\n  replicas: 1\n".to_owned(),
    )]);
    compile_with(&projects, &extra, 1).findings
}

#[track_caller]
fn check(patches: &str, expect: &[&str]) {
    assert_eq!(findings(patches), expect, "{patches}");
}

/// Holds the only finding of each list of patches against what is expected.
#[track_caller]
fn check_all(table: &[(&str, &str)]) {
    let found: Vec<String> = table
        .iter()
        .map(|(patches, _)| findings(patches).join("; "))
        .collect();
    let expect: Vec<&str> = table.iter().map(|(_, expect)| *expect).collect();
    assert_eq!(found, expect);
}

#[test]
fn mistakes_point_into_the_patch() {
    // Line and column are those of the block inside of projects.yaml; where the text is not shown as it is, the
    // message counts inside of it.
    check_all(&[
        (
            "  - target: {kind: Deployment, name: ml-pipeline}\n    patch: |\n      spec:\n        template:\n          spec:\n            containers:\n            - image: x\n",
            "error[patch-refused] projects.yaml:12:15 an element of `containers` has no `name`, by which the list merges",
        ),
        (
            "  - target: {kind: Deployment, name: ml-pipeline}\n    patch: |\n      spec:\n        replicas: 1\n",
            "error[patch-no-effect] projects.yaml:8:7 the patch changes nothing in `Deployment/ml-pipeline`",
        ),
        (
            "  - {target: {kind: Deployment, name: ml-pipeline}, path: patches/x.yaml}\n",
            "error[patch-no-effect] patches/x.yaml:2:1 the patch changes nothing in `Deployment/ml-pipeline`",
        ),
        (
            "  - {target: {kind: Deployment, name: ml-pipelin}, patch: {spec: {replicas: 2}}}\n",
            "error[patch-no-match] projects.yaml:6:6 no object matches the target: kind `Deployment`, name `ml-pipelin`",
        ),
        (
            "  - {target: {kind: Deployment, name: ml-pipeline}, patch: [{op: remove, path: /spec/nope}]}\n",
            "error[patch-failed] projects.yaml:6:80 operation 0 (`remove /spec/nope`) fails on `Deployment/ml-pipeline`: there is no `/spec/nope`",
        ),
        (
            "  - target: {kind: Deployment, name: ml-pipeline}\n    patch: \"spec:\\n  replicas: 1\\n\"\n",
            "error[patch-no-effect] projects.yaml:7:12 the patch changes nothing in `Deployment/ml-pipeline` (line 1, column 1 of the patch)",
        ),
    ]);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    check(
        "  - {target: {kind: Deploymnt}, patch: {spec: {replicas: 2}}}\n  - {target: {kind: Deployment, name: ml-pipeline}, patch: {spec: {replicas: 1}}}\n  - {target: {kind: ConfigMap, name: kfp-launcher}, patch: {data: {a: \"{{ plan.nope }}\"}}}\n",
        &[
            "error[patch-no-match] projects.yaml:6:6 no object matches the target: kind `Deploymnt`",
            "error[patch-no-effect] projects.yaml:7:53 the patch changes nothing in `Deployment/ml-pipeline`",
            "error[template-error] projects.yaml:8:71 field `nope` is not defined. Available fields: access, artifactSecrets, base, ca, cas, components, database, domain, generates, generator, images, namespace, objectStore, openshift, podTls, proxy, securityContext (line 1, column 9 of the template)",
        ],
    );
}

#[test]
fn texts_that_are_no_patch() {
    check_all(&[
        (
            "  - target: {kind: Deployment}\n    patch: |\n      spec: {{ project.name }}\n",
            "error[invalid-manifest] projects.yaml:8:14 the key is not a string",
        ),
        (
            "  - target: {kind: Deployment}\n    patch: |\n      spec: !expr plan.namespace\n",
            "error[invalid-manifest] projects.yaml:8:13 the tag `!expr` has no meaning here",
        ),
        (
            "  - target: {kind: Deployment}\n    patch: |\n      a: 1\n      ---\n      a: 1\n",
            "error[invalid-patch] projects.yaml:10:7 a second document, where one is expected",
        ),
        (
            "  - target: {kind: Deployment}\n    patch: |\n      a: \"{{ project.name\"\n",
            "error[template-error] projects.yaml:8:10 unexpected end of input (line 1, column 16 of the template)",
        ),
        (
            "  - {patch: [{op: remove, path: /a}]}\n",
            "error[invalid-patch] projects.yaml:6:6 a JSON 6902 patch has no target",
        ),
        (
            "  - {patch: {kind: Service}}\n",
            "error[invalid-patch] projects.yaml:6:6 the patch has no target and no `apiVersion`",
        ),
        (
            "  - {target: {kind: Service}, patch: \"\"}\n",
            "error[invalid-patch] projects.yaml:6:39 the file holds no document",
        ),
        (
            "  - {target: {kind: Service}, patch: \"just text\"}\n",
            "error[invalid-patch] projects.yaml:6:39 a strategic merge patch is a mapping, not a string",
        ),
        (
            "  - {target: {kind: Service}, patch: {spec: {$setElementOrder/ports: [{port: 1}]}}}\n",
            "error[patch-refused] projects.yaml:6:46 kustomize does not know the directive `$setElementOrder/ports`",
        ),
    ]);
}

#[test]
fn what_belongs_to_tenantry_stays() {
    check_all(&[
        (
            "  - {target: {kind: Service, name: ml-pipeline}, patch: {metadata: {labels: {tenantry.dev/project: other}}}}\n",
            "error[patch-refused] projects.yaml:6:100 the label `tenantry.dev/project` of `Service/ml-pipeline` is set by Tenantry",
        ),
        (
            "  - {target: {kind: Service, name: ml-pipeline}, patch: [{op: add, path: /metadata/namespace, value: other}]}\n",
            "error[patch-refused] projects.yaml:6:50 the patch moves `Service/ml-pipeline` to the namespace `other`",
        ),
        (
            "  - {target: {kind: Deployment, name: ml-pipeline}, patch: {spec: {template: {metadata: {labels: {app: other}}}}}}\n",
            "error[patch-refused] projects.yaml:6:90 the patch changes the labels by which `NetworkPolicy/api-server-ingress` finds the pods of `Deployment/ml-pipeline`",
        ),
        (
            "  - {target: {kind: Deployment, name: ml-pipeline}, patch: [{op: replace, path: /spec, value: []}]}\n",
            "error[patch-failed] projects.yaml:6:53 after the patch `spec` of `Deployment/ml-pipeline` is not a mapping",
        ),
        (
            "  - {target: {kind: Service, name: ml-pipeline}, patch: [{op: replace, path: /kind, value: PersistentVolume}]}\n",
            "error[cluster-scoped-kind] projects.yaml:4:9 `PersistentVolume/ml-pipeline` of project `churn` is of a cluster-scoped kind",
        ),
        (
            "  - {target: {kind: Service, name: ml-pipeline}, patch: [{op: remove, path: /metadata/name}]}\n",
            "error[patch-failed] projects.yaml:6:50 after the patch `Service/ml-pipeline` has no `metadata.name`",
        ),
    ]);
}

/// Renders a project whose description is `value` with a patch that writes it; nothing but texts may change.
fn inject(value: &str) {
    let quoted = serde_json::to_string(value).expect("a string");
    let fleet = |patches: &str| {
        format!("{HEAD}- name: churn\n  description: {quoted}\n  createNamespace: false\n{patches}")
    };
    let patches = "  patches:\n  - target: {kind: ConfigMap, name: kfp-launcher}\n    patch: |\n      data:\n        a: \"{{ project.description }}\"\n        b: 'x {{ project.description }}'\n        c: |\n          {{ project.description }}\n";
    let plain = compile(&fleet(""));
    let patched = compile(&fleet(patches));
    let plain = objects(&plain, "in-cluster/churn");
    let patched = objects(&patched, "in-cluster/churn");
    let names = |list: &[Value]| -> Vec<String> {
        list.iter()
            .map(|object| format!("{}/{}", object["kind"], object["metadata"]["name"]))
            .collect()
    };
    assert_eq!(names(&plain), names(&patched), "{value:?}");
    let data = |list: &[Value]| {
        object(list, "ConfigMap/kfp-launcher").expect("it is there")["data"].clone()
    };
    let mut expect = data(&plain);
    expect["a"] = Value::String(value.to_owned());
    expect["b"] = Value::String(format!("x {value}"));
    expect["c"] = Value::String(format!("{value}\n"));
    assert_eq!(data(&patched), expect, "{value:?}");
}

#[test]
fn values_stay_values() {
    for value in [
        "\"}\nkind: ClusterRole",
        "x\nevil: true",
        "x: y",
        "*a",
        "&a b",
        "' #",
        "\"",
        "{{ 7*7 }}",
        "{% raw %}",
        "- a",
        "---",
        "$patch: delete",
        "no",
        "!expr plan",
    ] {
        inject(value);
    }
}

#[test]
fn keys_and_paths_stay_what_they_are() {
    let with = |description: &str, patch: &str| {
        let projects = format!(
            "{HEAD}- name: churn\n  description: {description}\n  patches:\n  - target: {{kind: ConfigMap, name: kfp-launcher}}\n    patch: {patch}\n"
        );
        compile_with(&projects, &BTreeMap::new(), 1).findings
    };
    assert_eq!(
        with("$patch", "{data: {\"{{ project.description }}\": delete}}"),
        [
            "error[template-error] projects.yaml:8:49 the key becomes `$patch`, which would be a directive"
        ]
    );
    assert_eq!(
        with("a", "{data: {\"{{ project.description }}\": b, a: c}}"),
        ["error[template-error] projects.yaml:8:49 two keys of the mapping become `a`"]
    );
    assert_eq!(
        with(
            "a/b",
            "[{op: add, path: \"/data/{{ project.description }}\", value: c}]"
        ),
        [
            "error[patch-refused] projects.yaml:8:29 a value in the path `/data/a/b` has a `/`, which would be a step of its own"
        ]
    );
    assert_eq!(
        with(
            "a/b",
            r#"[{op: add, path: '/data/{{ project.description | replace(from="/", to="-") }}', value: c}]"#
        ),
        Vec::<String>::new()
    );
    // A key that looks like a tag of a base's templates is a key.
    assert_eq!(
        with(
            "a",
            "{metadata: {annotations: {\"!expr\": plan.namespace}}}"
        ),
        Vec::<String>::new()
    );
}

/// Projects of one shape get what each gets alone, also where a patch looks at what makes a project itself.
#[test]
fn shapes() {
    for patches in [
        "[{target: {kind: Deployment, name: ml-pipeline}, patch: {spec: {replicas: 2}}}]",
        "[{target: {kind: Deployment, name: ml-pipeline}, patch: {metadata: {annotations: {a: \"{{ project.name | upper }}\"}}}}]",
        "[{target: {kind: \"Namespace|Deployment\", name: \"alpha|ml-pipeline\"}, patch: {metadata: {annotations: {a: b}}}}]",
        "[{target: {kind: Namespace, name: \"[a-z]+\"}, patch: {metadata: {annotations: {a: b}}}}]",
    ] {
        let fleet = |names: &[&str]| {
            let mut text = HEAD.to_owned();
            for name in names {
                text.push_str(&format!("- {{name: {name}, patches: {patches}}}\n"));
            }
            compile(&text)
        };
        let together = fleet(&["alpha", "beta"]);
        for name in ["alpha", "beta"] {
            for (path, text) in fleet(&[name]) {
                if path.starts_with(&format!("in-cluster/{name}/")) {
                    assert_eq!(together[&path], text, "{path} of {patches}");
                }
            }
        }
    }
}

/// Sorts every list and drops the hash of what pods read, which is made after the patches.
fn comparable(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != "tenantry.dev/config-hash")
            .map(|(key, below)| (key.clone(), comparable(below)))
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(comparable).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        other => other.clone(),
    }
}

#[test]
fn kustomize_gives_the_same_objects() {
    if Command::new("kubectl")
        .arg("version")
        .arg("--client")
        .output()
        .is_err()
    {
        return;
    }
    let patches = r#"- target: {kind: Deployment, name: ml-pipeline}
  patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: any}
    spec: {replicas: 2, template: {spec: {containers: [{name: ml-pipeline-api-server, env: [{name: LOG_LEVEL, value: debug}, {name: POD_NAMESPACE, $patch: delete}]}, {name: side, image: busybox}]}}}
- target: {kind: Deployment, labelSelector: "app in (ml-pipeline-ui, metadata-envoy)"}
  patch: |
    - {op: add, path: /spec/template/metadata/annotations, value: {a: "no"}}
    - {op: replace, path: /spec/replicas, value: 3}
- target: {group: "", version: v1, kind: Service, name: "ml-pipeline|mysql"}
  patch: |
    apiVersion: v1
    kind: Service
    metadata: {name: any, annotations: {example.com/a: b}}
- patch: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: kfp-launcher}
    data: {more: "1e3"}
- target: {kind: Service, name: metadata-envoy-service}
  patch: |
    $patch: delete
    apiVersion: v1
    kind: Service
    metadata: {name: metadata-envoy-service}
"#;
    let indented: String = patches.lines().map(|line| format!("  {line}\n")).collect();
    let plain = compile(&format!("{HEAD}- name: churn\n"));
    let patched = compile(&format!("{HEAD}- name: churn\n  patches:\n{indented}"));
    let directory = tempfile::tempdir().expect("a directory");
    let mut resources = String::new();
    for (number, object) in objects(&plain, "in-cluster/churn").iter().enumerate() {
        // Patches see objects before they are given their namespace.
        let mut object = object.clone();
        object["metadata"]
            .as_object_mut()
            .expect("metadata")
            .shift_remove("namespace");
        std::fs::write(
            directory.path().join(format!("{number}.yaml")),
            object.to_string(),
        )
        .expect("written");
        resources.push_str(&format!("- {number}.yaml\n"));
    }
    std::fs::write(
        directory.path().join("kustomization.yaml"),
        format!("resources:\n{resources}patches:\n{patches}"),
    )
    .expect("written");
    let run = Command::new("kubectl")
        .arg("kustomize")
        .arg(directory.path())
        .output()
        .expect("kubectl runs");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let text = String::from_utf8(run.stdout).expect("UTF-8");
    let theirs: BTreeSet<String> = yaml::load(&text, &LoadOptions::default())
        .expect("kustomize writes YAML")
        .iter()
        .map(|document| comparable(&document.value).to_string())
        .collect();
    let ours: BTreeSet<String> = objects(&patched, "in-cluster/churn")
        .iter()
        .map(|object| {
            let mut object = object.clone();
            object["metadata"]
                .as_object_mut()
                .expect("metadata")
                .shift_remove("namespace");
            comparable(&object).to_string()
        })
        .collect();
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| -> Vec<String> {
        a.difference(b).cloned().collect()
    };
    assert_eq!(only(&ours, &theirs), only(&theirs, &ours));
    assert!(!ours.is_empty());
}
