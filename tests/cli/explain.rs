//! `explain`.

use super::session::Session;

const FLEET: &str = r#"version: 1
platform: {base: kfp-2.17.0}
defaults:
  quota: {requests.cpu: "4"}
profiles:
  large:
    quota: {requests.cpu: "64"}
projects:
- name: churn
  labels: {team.example.com/cost: "4711"}
  annotations:
    example.com/contact: crm
  database: {embedded: {engine: mysql, size: 20Gi}}
  patches:
  - target: {kind: Deployment, name: ml-pipeline}
    patch: |
      spec: {template: {spec: {containers: [{name: ml-pipeline-api-server, env: [{name: LOG_LEVEL, value: debug}]}]}}}
  - target: {kind: Deployment, name: ml-pipeline}
    path: patches/level.yaml
- {name: fraud, profile: large}
"#;

const LEVEL: &str = "- op: replace
  path: /spec/replicas
  value: 3
";

fn session() -> Session {
    let session = Session::with(FLEET);
    session.write("patches/level.yaml", LEVEL);
    session
}

#[test]
fn one_value_with_everything_that_set_it() {
    let session = session();
    let file = "overlays/in-cluster/churn/api-server.yaml";
    let object = "Deployment/ml-pipeline";
    let level = "\
Deployment/ml-pipeline: base/kfp-2.17.0/manifests/api-server.yaml:115:1 (base)
  spec.template.spec.containers[name=ml-pipeline-api-server].env[name=LOG_LEVEL].value: debug
    base/kfp-2.17.0/manifests/api-server.yaml:233:18 (base): info
    projects.yaml:17:107 (patch): debug
";
    for path in [
        "spec.template.spec.containers[ml-pipeline-api-server].env[LOG_LEVEL].value",
        "spec.template.spec.containers[name=ml-pipeline-api-server].env[name=LOG_LEVEL].value",
        "spec.template.spec.containers[0].env[2].value",
        "/spec/template/spec/containers/0/env/2/value",
    ] {
        session
            .tenantry(&["explain", file, object, path])
            .stdout(level)
            .stderr("")
            .status(0);
    }
    session
        .tenantry(&[
            "explain",
            file,
            "deployment.apps/ml-pipeline",
            "spec.replicas",
        ])
        .stdout(
            "\
Deployment/ml-pipeline: base/kfp-2.17.0/manifests/api-server.yaml:115:1 (base)
  spec.replicas: 3
    base/kfp-2.17.0/manifests/api-server.yaml:122:13 (base): 1
    patches/level.yaml:3:10 (patch) brought in at projects.yaml:19:11: 3
",
        )
        .status(0);
}

#[test]
fn the_example_of_the_documentation() {
    let page = include_str!("../../docs/explain.md");
    let block = |language: &str| {
        let (_, rest) = page
            .split_once(&format!("```{language}\n"))
            .expect("the page has an example");
        rest.split("```").next().expect("a text before the end")
    };
    let (command, output) = block("console").split_once('\n').expect("a command");
    let arguments: Vec<&str> = command.split(' ').skip(2).collect();
    Session::with(block("yaml"))
        .tenantry(&arguments)
        .stdout(output)
        .stderr("")
        .status(0);
}

#[test]
fn settings_and_the_layers_below_them() {
    let session = session();
    session
        .tenantry(&[
            "explain",
            "overlays/in-cluster/fraud/namespace.yaml",
            "ResourceQuota/quota",
            "spec.hard.requests.cpu",
        ])
        .stdout(
            r#"ResourceQuota/quota: tenantry (Namespace, quota and limits), because of projects.yaml:7:5 (`quota` of profile large)
  spec.hard["requests.cpu"]: "64"
    tenantry (Namespace, quota and limits): "64"
      from projects.yaml:7:27 (`quota["requests.cpu"]` of profile large)
        overrides projects.yaml:4:25 (defaults)
"#,
        )
        .status(0);
    session
        .tenantry(&[
            "explain",
            "overlays/in-cluster/churn/database.yaml",
            "PersistentVolumeClaim/mysql-pv-claim",
            "spec.resources",
        ])
        .stdout(
            "\
PersistentVolumeClaim/mysql-pv-claim: base/kfp-2.17.0/components/11-database-mysql/database.yaml:7:1 (component), because of projects.yaml:13:3 (`database` of the project) and projects.yaml:13:33 (`database.embedded.engine` of the project)
  spec.resources.requests.storage: 20Gi
    base/kfp-2.17.0/components/11-database-mysql/database.yaml:18:16 (component): 20Gi
      from projects.yaml:13:46 (`database.embedded.size` of the project)
      because of projects.yaml:13:3 (`database` of the project)
      because of projects.yaml:13:33 (`database.embedded.engine` of the project)
",
        )
        .status(0);
}

#[test]
fn keys_with_dots_and_whole_objects() {
    let session = session();
    let file = "overlays/in-cluster/churn/api-server.yaml";
    for path in [
        "metadata.annotations[\"example.com/contact\"]",
        "metadata.annotations.example.com/contact",
    ] {
        let (text, _) = session
            .tenantry(&["explain", file, "Service/ml-pipeline", path])
            .status(0);
        assert!(
            text.contains("      from projects.yaml:12:26 (`annotations[\"example.com/contact\"]` of the project)\n"),
            "{text}"
        );
    }
    // Without an object all of them, without a field all of its values; paths also from below the root.
    let (all, _) = session
        .tenantry(&["explain", &format!("./{file}")])
        .status(0);
    let objects: Vec<&str> = all.lines().filter(|line| !line.starts_with(' ')).collect();
    assert!(objects.len() > 3, "{all}");
    assert!(all.contains("\n  metadata.labels[\"team.example.com/cost\"]: \"4711\"  <- tenantry (labels of every object), projects.yaml:10:"), "{all}");
    assert!(
        all.contains("; was info <- base/kfp-2.17.0/manifests/api-server.yaml:233:18 (base)\n"),
        "{all}"
    );
    let (crds, _) = session
        .tenantry(&["explain", "overlays/in-cluster/_cluster/crds.yaml"])
        .status(0);
    assert!(
        crds.contains("<- base/kfp-2.17.0/cluster/crds.yaml:"),
        "{crds}"
    );
}

#[test]
fn wiring() {
    let repository = "repository: {url: https://git.example.com/s.git}, sync: [argocd, flux]";
    let session = session();
    let fleet = FLEET.replace(
        "base: kfp-2.17.0",
        &format!("base: kfp-2.17.0, {repository}"),
    );
    session.write("projects.yaml", fleet);
    session.tenantry(&["render"]).status(0);
    let file = session
        .files("overlays/in-cluster/_sync")
        .into_iter()
        .find(|(path, text)| {
            path.starts_with("argocd/no-ring/") && text.windows(6).any(|word| word == b"source")
        });
    let (file, _) = file.expect("there are Applications");
    let (text, _) = session
        .tenantry(&["explain", &format!("overlays/in-cluster/_sync/{file}")])
        .status(0);
    assert!(
        text.contains("  spec.source.repoURL: https://git.example.com/s.git  <- tenantry (what the platform needs), projects.yaml:2:"),
        "{text}"
    );
    assert!(
        text.contains(
            "  spec.destination.namespace: churn  <- tenantry (what the platform needs), projects.yaml:9:9\n"
        ),
        "{text}"
    );
}

#[test]
fn data_for_programs() {
    let session = session();
    let (lines, stderr) = session
        .tenantry(&[
            "explain",
            "overlays/in-cluster/churn/api-server.yaml",
            "Deployment/ml-pipeline",
            "spec.replicas",
            "--message-format",
            "json",
        ])
        .status(0);
    assert_eq!(stderr, "");
    let line: serde_json::Value = serde_json::from_str(&lines).expect("one object");
    assert_eq!(
        line,
        serde_json::json!({
            "file": "overlays/in-cluster/churn/api-server.yaml",
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": "ml-pipeline",
            "namespace": "churn",
            "path": "spec.replicas",
            "pointer": "/spec/replicas",
            "value": 3,
            "origin": {
                "by": "patch", "value": 3, "file": "patches/level.yaml", "line": 3, "column": 10,
                "brought": {"file": "projects.yaml", "line": 19, "column": 11},
                "from": [], "because": [],
            },
            "overrides": [{
                "by": "manifest", "value": 1, "file": "base/kfp-2.17.0/manifests/api-server.yaml",
                "line": 122, "column": 13, "from": [], "because": [],
            }],
        })
    );
}

#[test]
fn what_is_not_there() {
    let session = session();
    let file = "overlays/in-cluster/churn/api-server.yaml";
    for (arguments, expect) in [
        (
            &["projects.yaml"][..],
            "error: `projects.yaml` is not a file of the tree `overlays`\n",
        ),
        (
            &["overlays/in-cluster/churm/api-server.yaml"],
            "error: nothing is rendered to `overlays/in-cluster/churm`; there is `in-cluster/churn`\n",
        ),
        (
            &["overlays/in-cluster/churn/api-serve.yaml"],
            "error: no file `api-serve.yaml` is rendered to `overlays/in-cluster/churn`; a similar name is `api-server.yaml`\n",
        ),
        (
            &["overlays/index.json"],
            "error: `overlays/index.json` is no file with objects\n",
        ),
        (
            &["overlays/in-cluster/_cluster/"],
            "error: `overlays/in-cluster/_cluster` is a directory; its files are `crds.yaml`\n",
        ),
        (
            &[file, "Deployment/ml-pipelin"],
            "error: `in-cluster/churn/api-server.yaml` has no `Deployment/ml-pipelin`; a similar one is `Deployment/ml-pipeline`\n",
        ),
        (
            &[file, "ml-pipeline"],
            "error: `ml-pipeline` is not of the form KIND/NAME\n",
        ),
        (
            &[file, "Deployment/ml-pipeline", "spec.replica"],
            "error: `spec` of `Deployment/ml-pipeline` has no field `replica`; a similar one is `replicas`\n",
        ),
    ] {
        let mut command = vec!["explain"];
        command.extend(arguments);
        session
            .tenantry(&command)
            .stdout("")
            .stderr(expect)
            .status(2);
    }
    session.write("projects.yaml", FLEET.replace("size:", "sice:"));
    session.tenantry(&["explain", file]).stdout("").status(4);
}
