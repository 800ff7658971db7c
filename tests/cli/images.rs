//! `images list`.

use super::session::Session;

const FLEET: &str = r#"version: 1
platform: {base: kfp-2.17.0, images: {mirrors: {ghcr.io: m.example.com/ghcr, docker.io: m.example.com/hub, quay.io: m.example.com/quay, gcr.io: gcr.io}}}
defaults: {database: {embedded: {engine: mysql}}}
projects:
- name: churn
- name: fraud
  components: {driver: {image: "ghcr.io/acme/driver:7"}, apiServer: {env: {CACHE_IMAGE: "busybox:1"}}}
- {name: gone, state: retired}
"#;

#[test]
fn every_image_once() {
    let session = Session::with(FLEET);
    session
        .tenantry(&["images", "list"])
        .stdout(
            "\
gcr.io/tfx-oss-public/ml_metadata_store_server:1.14.0
m.example.com/ghcr/acme/driver:7
m.example.com/ghcr/chrislusf/seaweedfs:4.34
m.example.com/ghcr/kubeflow/kfp-api-server:2.17.0
m.example.com/ghcr/kubeflow/kfp-driver:2.17.0
m.example.com/ghcr/kubeflow/kfp-frontend:2.17.0
m.example.com/ghcr/kubeflow/kfp-launcher:2.17.0
m.example.com/ghcr/kubeflow/kfp-metadata-envoy:2.17.0
m.example.com/ghcr/kubeflow/kfp-persistence-agent:2.17.0
m.example.com/ghcr/kubeflow/kfp-scheduled-workflow-controller:2.17.0
m.example.com/hub/alpine:3.23
m.example.com/hub/curlimages/curl:8.17.0
m.example.com/hub/library/busybox:1
m.example.com/hub/library/mysql:8.4
m.example.com/quay/argoproj/argoexec:v4.0.5
m.example.com/quay/argoproj/workflow-controller:v4.0.5
",
        )
        .stderr("")
        .status(0);
}

#[test]
fn where_they_are_used() {
    let session = Session::with(FLEET);
    let (text, _) = session.tenantry(&["images", "list", "-v"]).status(0);
    assert!(
        text.contains(
            "\nm.example.com/ghcr/acme/driver:7\n  mirror of ghcr.io/acme/driver:7\n  in-cluster/fraud Deployment/ml-pipeline spec.template.spec.containers[0].env["
        ),
        "{text}"
    );
    let arguments = ["images", "list", "--message-format", "json"];
    let (lines, stderr) = session.tenantry(&arguments).status(0);
    assert_eq!(stderr, "");
    let images: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is an object"))
        .collect();
    let executor = images
        .iter()
        .find(|image| image["image"] == "m.example.com/quay/argoproj/argoexec:v4.0.5")
        .expect("it is listed");
    assert_eq!(
        *executor,
        serde_json::json!({
            "image": "m.example.com/quay/argoproj/argoexec:v4.0.5",
            "sources": ["quay.io/argoproj/argoexec:v4.0.5"],
            "uses": [
                {"directory": "in-cluster/churn", "project": "churn", "object": "Deployment/workflow-controller", "path": "spec.template.spec.containers[0].args[3]"},
                {"directory": "in-cluster/fraud", "project": "fraud", "object": "Deployment/workflow-controller", "path": "spec.template.spec.containers[0].args[3]"},
            ],
        })
    );
}

#[test]
fn a_rejected_fleet_has_no_images() {
    let session = Session::with(&FLEET.replace("quay.io: m.example.com/quay, ", ""));
    let (stdout, stderr) = session.tenantry(&["images", "list"]).status(4);
    assert_eq!(stdout, "");
    assert!(stderr.starts_with("error[image-not-mirrored]"), "{stderr}");
}
