//! DataSciencePipelinesApplications become entries of `projects.yaml` that can be rendered.

use super::session::Session;

/// An application that states what stacks have, and some things that they have not.
pub const APPLICATION: &str = "apiVersion: datasciencepipelinesapplications.opendatahub.io/v1
kind: DataSciencePipelinesApplication
metadata:
  name: pipelines
  namespace: team-a
spec:
  podToPodTLS: false
  apiServer:
    enableOauth: false
    cacheEnabled: false
    resourceTTL: 24h
    resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 2}}
    customServerConfigMap: {name: mine, key: config.json}
    cABundle: {configMapName: ca, configMapKey: ca.crt}
  scheduledWorkflow: {cronScheduleTimezone: Europe/Berlin}
  database:
    externalDB:
      host: db.example.com
      port: '3307'
      username: pipelines
      pipelineDBName: pipelines
      passwordSecret: {name: db, key: word}
  objectStorage:
    externalStorage:
      scheme: https
      host: s3.example.com
      port: ''
      region: eu-west-1
      bucket: pipelines
      basePath: /team-a/
      s3CredentialsSecret: {secretName: s3, accessKey: id, secretKey: word}
  proxy: {httpProxy: 'http://proxy.example.com:3128', noProxy: '.example.com, other'}
";

const EMBEDDED: &str = "apiVersion: datasciencepipelinesapplications.opendatahub.io/v1alpha1
kind: DataSciencePipelinesApplicationList
items:
- apiVersion: datasciencepipelinesapplications.opendatahub.io/v1alpha1
  kind: DataSciencePipelinesApplication
  metadata: {name: dspa, namespace: team-b}
  spec:
    dspVersion: v2
    database: {mariaDB: {pvcSize: 20Gi, username: me, resources: {requests: {cpu: 100m}}}}
    objectStorage: {minio: {image: 'quay.io/minio/minio:RELEASE.2025-01-01T00-00-00Z', pvcSize: 30Gi}}
    mlpipelineUI: {image: 'ghcr.io/kubeflow/kfp-frontend:2.17.0', deploy: false}
- apiVersion: datasciencepipelinesapplications.opendatahub.io/v1
  kind: DataSciencePipelinesApplication
  metadata: {name: dspa, namespace: team-c}
  spec: {objectStorage: {minio: {image: 'quay.io/minio/minio:RELEASE.2025-01-01T00-00-00Z'}}}
";

#[test]
fn what_is_imported_is_rendered() {
    let session = Session::with("version: 1\n");
    session.write("one.yaml", APPLICATION);
    session.write("more.yaml", EMBEDDED);
    let (stdout, stderr) = session
        .tenantry(&["import", "dspa", "one.yaml", "more.yaml"])
        .status(0);
    assert!(
        stderr.contains(
            "warning[not-carried-over]: `apiServer.customServerConfigMap` is not carried over"
        ),
        "{stderr}"
    );
    assert!(stderr.contains("one.yaml:13:5"), "{stderr}");
    session.write(
        "projects.yaml",
        format!("version: 1\nplatform: {{base: kfp-2.17.0}}\n{stdout}"),
    );
    session.tenantry(&["validate"]).status(0);
    session.tenantry(&["render"]).status(0);
    let rendered = |path: &str, expected: &[&str]| {
        let text = session.read(&format!("overlays/in-cluster/{path}"));
        for expected in expected {
            assert!(text.contains(expected), "{path}: {expected}\nin\n{text}");
        }
    };
    rendered(
        "team-a/api-server.yaml",
        &[
            "value: db.example.com",
            "value: \"3307\"",
            "value: s3.example.com",
            "tenantry.dev/project: pipelines",
            "proxy.example.com:3128",
            "cpu: \"2\"",
        ],
    );
    rendered("team-b/database.yaml", &["storage: \"20Gi\"", "mariadb"]);
    rendered("team-c/object-store.yaml", &["storage: \"10Gi\"", "minio"]);
    assert!(!session.path("overlays/in-cluster/team-b/ui.yaml").exists());
    assert!(session.path("overlays/in-cluster/team-c/ui.yaml").exists());
}

#[test]
fn files_that_cannot_be_imported() {
    let session = Session::new();
    let check = |arguments: &[&str], status: i32, expected: &str| {
        let arguments: Vec<&str> = ["import", "dspa"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        let (stdout, stderr) = session.tenantry(&arguments).status(status);
        assert_eq!(stdout, "");
        assert!(stderr.contains(expected), "{expected}\nin\n{stderr}");
    };
    session.write("good.yaml", APPLICATION);
    session.write("bytes.yaml", [0x61, 0xff]);
    session.write("other.yaml", "kind: ConfigMap\napiVersion: v1\n");
    session.write(
        "wrong.yaml",
        APPLICATION.replace("resourceTTL: 24h", "image: 7"),
    );
    check(&[], 2, "FILE");
    check(&["none.yaml"], 5, "reading `none.yaml`");
    check(
        &["good.yaml", "bytes.yaml"],
        4,
        "`bytes.yaml` is not UTF-8 at byte 1",
    );
    check(
        &["other.yaml"],
        4,
        "there is no `DataSciencePipelinesApplication`",
    );
    check(&["good.yaml", "wrong.yaml"], 4, "wrong.yaml:11:5");
}
