//! Each consumer of the database and of the object store got each setting, for each storage choice.
//!
//! Source of the consumers: kfp-stack §4.1 (API server, metadata server, launcher, workflow controller, UI).

mod compiler;

use compiler::{compile, object, objects};
use serde_json::Value;
use tenantry::yaml::{self, LoadOptions};

/// Looks a setting up, written as one of
/// `Kind/name env NAME`, `Kind/name arg PREFIX`, `Kind/name data KEY [PATH]` (a path goes into the YAML text of the key) or `Kind/name`.
fn look_up(objects: &[Value], query: &str) -> String {
    let mut words = query.split(' ');
    let id = words.next().expect("an object is named");
    let Some(object) = object(objects, id) else {
        return "(no object)".to_owned();
    };
    let found = match (words.next(), words.next(), words.next()) {
        (Some("env"), Some(name), None) => containers(object)
            .flat_map(|container| container["env"].as_array().into_iter().flatten())
            .find(|entry| entry["name"] == name)
            .map(|entry| match entry.get("value") {
                Some(value) => text(value),
                None => {
                    let secret = &entry["valueFrom"]["secretKeyRef"];
                    format!("{}:{}", text(&secret["name"]), text(&secret["key"]))
                }
            }),
        (Some("arg"), Some(prefix), None) => containers(object)
            .flat_map(|container| container["args"].as_array().into_iter().flatten())
            .filter_map(Value::as_str)
            .find_map(|argument| argument.strip_prefix(prefix))
            .map(str::to_owned),
        (Some("data"), Some(key), path) => object["data"][key].as_str().map(|data| match path {
            None => data.trim_end().to_owned(),
            Some(path) => {
                let document = yaml::load_one(data, &LoadOptions::default()).expect("YAML text");
                document
                    .value
                    .pointer(path)
                    .map_or_else(|| "(none)".to_owned(), text)
            }
        }),
        (None, None, None) => Some("there".to_owned()),
        _ => panic!("`{query}` is not a query"),
    };
    found.unwrap_or_else(|| "(none)".to_owned())
}

fn containers(object: &Value) -> impl Iterator<Item = &Value> {
    let spec = &object["spec"]["template"]["spec"];
    let of = |key: &str| spec[key].as_array().into_iter().flatten();
    of("containers").chain(of("initContainers"))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[track_caller]
fn check(project: &str, expect: &[(&str, &str)]) {
    let projects = format!(
        r#"version: 1
platform: {{base: kfp-2.17.0, externalSecrets: {{store: vault}}}}
databases:
  central: {{engine: mysql, host: mysql.databases.svc.cluster.local, credentials: {{externalSecret: {{key: "{{{{ project.name }}}}/mysql"}}}}}}
  tls: {{engine: mysql, host: db.example.com, port: 3307, tls: {{mode: required, ca: {{configMap: db-ca, key: ca.pem}}}}, credentials: {{secret: {{name: db, keys: {{username: u, password: p}}}}}}}}
objectStores:
  lake: {{provider: s3, endpoint: "https://s3.eu-west-1.amazonaws.com", region: eu-west-1, bucket: ml-lake, credentials: {{secret: {{name: aws, keys: {{accessKey: id, secretKey: key}}}}}}}}
  ceph: {{provider: s3, endpoint: "http://rgw.ceph.svc.cluster.local:8080", region: main, credentials: {{externalSecret: {{key: "{{{{ project.name }}}}/s3"}}}}}}
projects:
- {project}
"#
    );
    let objects = objects(&compile(&projects), "in-cluster/a-b");
    let found: Vec<(&str, String)> = expect
        .iter()
        .map(|(query, _)| (*query, look_up(&objects, query)))
        .collect();
    let expect: Vec<(&str, String)> = expect
        .iter()
        .map(|(query, value)| (*query, (*value).to_owned()))
        .collect();
    assert_eq!(found, expect, "{project}");
}

const API: &str = "Deployment/ml-pipeline";

#[test]
fn embedded_mariadb_and_seaweedfs() {
    let host = "mariadb.a-b.svc.cluster.local";
    let store = "seaweedfs.a-b.svc.cluster.local";
    check(
        "{name: a-b}",
        &[
            ("Deployment/mariadb", "there"),
            ("PersistentVolumeClaim/mariadb-pvc", "there"),
            ("Deployment/mysql", "(no object)"),
            ("Deployment/mariadb env MARIADB_DATABASE", "mlpipeline"),
            ("Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_HOST", host),
            (
                "Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_PORT",
                "3306",
            ),
            (
                "Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_DBNAME",
                "mlpipeline",
            ),
            (
                "Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_PASSWORD",
                "mysql-secret:password",
            ),
            ("Deployment/ml-pipeline env DBDRIVERNAME", "mysql"),
            ("Deployment/metadata-grpc-deployment env MYSQL_HOST", host),
            (
                "Deployment/metadata-grpc-deployment env MYSQL_DATABASE",
                "mlpipeline",
            ),
            (
                "Deployment/metadata-grpc-deployment env DBCONFIG_PASSWORD",
                "mysql-secret:password",
            ),
            ("Deployment/ml-pipeline env OBJECTSTORECONFIG_HOST", store),
            ("Deployment/ml-pipeline env OBJECTSTORECONFIG_PORT", "9000"),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_SECURE",
                "false",
            ),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_BUCKETNAME",
                "mlpipeline",
            ),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_ACCESSKEY",
                "mlpipeline-minio-artifact:accesskey",
            ),
            (
                "ConfigMap/kfp-launcher data defaultPipelineRoot",
                "s3://mlpipeline/v2/artifacts",
            ),
            (
                "ConfigMap/kfp-launcher data providers /s3/default/endpoint",
                "http://seaweedfs.a-b.svc.cluster.local:9000",
            ),
            (
                "ConfigMap/kfp-launcher data providers /s3/default/disableSSL",
                "true",
            ),
            (
                "ConfigMap/kfp-launcher data providers /s3/default/credentials/secretRef/secretName",
                "mlpipeline-minio-artifact",
            ),
            (
                "ConfigMap/workflow-controller-configmap data artifactRepository /s3/endpoint",
                "seaweedfs.a-b.svc.cluster.local:9000",
            ),
            (
                "ConfigMap/workflow-controller-configmap data artifactRepository /s3/insecure",
                "true",
            ),
            (
                "ConfigMap/workflow-controller-configmap data artifactRepository /s3/accessKeySecret/name",
                "mlpipeline-minio-artifact",
            ),
            ("Deployment/ml-pipeline-ui env MINIO_HOST", store),
            ("Deployment/ml-pipeline-ui env MINIO_PORT", "9000"),
            ("Deployment/ml-pipeline-ui env MINIO_SSL", "false"),
        ],
    );
}

#[test]
fn embedded_mysql_and_minio() {
    check(
        "{name: a-b, database: {embedded: {engine: mysql, database: kfp, user: kfp_user}}, objectStore: {embedded: {engine: minio, bucket: artifacts}}}",
        &[
            ("Deployment/mysql", "there"),
            ("Deployment/mariadb", "(no object)"),
            ("Deployment/seaweedfs", "(no object)"),
            ("Deployment/mysql env MYSQL_DATABASE", "kfp"),
            (
                "Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_HOST",
                "mysql.a-b.svc.cluster.local",
            ),
            (
                "Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_DBNAME",
                "kfp",
            ),
            (
                "Deployment/metadata-grpc-deployment env MYSQL_HOST",
                "mysql.a-b.svc.cluster.local",
            ),
            (
                "Deployment/metadata-grpc-deployment env MYSQL_DATABASE",
                "kfp",
            ),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_HOST",
                "minio-service.a-b.svc.cluster.local",
            ),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_BUCKETNAME",
                "artifacts",
            ),
            (
                "ConfigMap/kfp-launcher data defaultPipelineRoot",
                "s3://artifacts/v2/artifacts",
            ),
            (
                "ConfigMap/workflow-controller-configmap data artifactRepository /s3/bucket",
                "artifacts",
            ),
            (
                "Deployment/ml-pipeline-ui env ARGO_ARCHIVE_BUCKETNAME",
                "artifacts",
            ),
            (
                "Deployment/ml-pipeline-ui env MINIO_HOST",
                "minio-service.a-b.svc.cluster.local",
            ),
        ],
    );
}

#[test]
fn shared_database_and_prefix() {
    check(
        "{name: a-b, database: central, objectStore: lake}",
        &[
            ("Deployment/mariadb", "(no object)"),
            ("Deployment/seaweedfs", "(no object)"),
            ("ExternalSecret/mysql-secret", "there"),
            (
                "Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_HOST",
                "mysql.databases.svc.cluster.local",
            ),
            (
                "Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_DBNAME",
                "kfp_a_b",
            ),
            (
                "Deployment/metadata-grpc-deployment env MYSQL_HOST",
                "mysql.databases.svc.cluster.local",
            ),
            (
                "Deployment/metadata-grpc-deployment env MYSQL_DATABASE",
                "kfp_a_b",
            ),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_HOST",
                "s3.eu-west-1.amazonaws.com",
            ),
            ("Deployment/ml-pipeline env OBJECTSTORECONFIG_PORT", ""),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_SECURE",
                "true",
            ),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_REGION",
                "eu-west-1",
            ),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_BUCKETNAME",
                "ml-lake",
            ),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_PIPELINEPATH",
                "a-b/pipelines",
            ),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_ACCESSKEY",
                "aws:id",
            ),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_SECRETACCESSKEY",
                "aws:key",
            ),
            (
                "ConfigMap/kfp-launcher data defaultPipelineRoot",
                "s3://ml-lake/a-b/v2/artifacts",
            ),
            (
                "ConfigMap/kfp-launcher data providers /s3/default/region",
                "eu-west-1",
            ),
            (
                "ConfigMap/kfp-launcher data providers /s3/default/credentials/secretRef/accessKeyKey",
                "id",
            ),
            (
                "ConfigMap/workflow-controller-configmap data artifactRepository /s3/endpoint",
                "s3.eu-west-1.amazonaws.com",
            ),
            (
                "ConfigMap/workflow-controller-configmap data artifactRepository /s3/insecure",
                "false",
            ),
            (
                "Deployment/ml-pipeline-ui env AWS_S3_ENDPOINT",
                "s3.eu-west-1.amazonaws.com",
            ),
            ("Deployment/ml-pipeline-ui env AWS_REGION", "eu-west-1"),
            ("Deployment/ml-pipeline-ui env AWS_SSL", "true"),
            ("Deployment/ml-pipeline-ui env AWS_ACCESS_KEY_ID", "aws:id"),
        ],
    );
}

#[test]
fn shared_database_with_tls_and_bucket_per_project() {
    check(
        "{name: a-b, database: tls, objectStore: ceph}",
        &[
            (
                "Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_PORT",
                "3307",
            ),
            (
                "Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_USER",
                "db:u",
            ),
            (
                "Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_PASSWORD",
                "db:p",
            ),
            (
                "Deployment/ml-pipeline env DBCONFIG_MYSQLCONFIG_EXTRAPARAMS",
                "{\"tls\":\"true\"}",
            ),
            ("Deployment/metadata-grpc-deployment env MYSQL_PORT", "3307"),
            (
                "Deployment/metadata-grpc-deployment env DBCONFIG_USER",
                "db:u",
            ),
            ("Deployment/ml-pipeline env OBJECTSTORECONFIG_PORT", "8080"),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_SECURE",
                "false",
            ),
            (
                "Deployment/ml-pipeline env OBJECTSTORECONFIG_BUCKETNAME",
                "kfp-a-b",
            ),
            (
                "ConfigMap/kfp-launcher data defaultPipelineRoot",
                "s3://kfp-a-b/v2/artifacts",
            ),
            (
                "ConfigMap/kfp-launcher data providers /s3/default/endpoint",
                "http://rgw.ceph.svc.cluster.local:8080",
            ),
            (
                "ConfigMap/workflow-controller-configmap data artifactRepository /s3/endpoint",
                "rgw.ceph.svc.cluster.local:8080",
            ),
            (
                "ConfigMap/workflow-controller-configmap data artifactRepository /s3/bucket",
                "kfp-a-b",
            ),
        ],
    );
    let objects = objects(
        &compile(
            "version: 1\nplatform: {base: kfp-2.17.0}\nprojects:\n- {name: a-b, database: {external: {engine: mysql, host: db.example.com, database: d, user: u, tls: {mode: required, ca: {configMap: db-ca, key: ca.pem}}, credentials: {secret: {name: db, keys: {password: p}}}}}}\n",
        ),
        "in-cluster/a-b",
    );
    let metadata = object(&objects, "Deployment/metadata-grpc-deployment").expect("it is there");
    let all = metadata.to_string();
    assert!(
        all.contains("--mysql_config_sslrootcert="),
        "the metadata server verifies the certificate"
    );
    assert!(all.contains("db-ca"), "and has the CA");
    let api = object(&objects, API).expect("it is there").to_string();
    assert!(
        api.contains("SSL_CERT_DIR") && api.contains("db-ca"),
        "the API server has the CA"
    );
}

#[test]
fn workload_identity_has_no_keys_anywhere() {
    let projects = "version: 1\nplatform: {base: kfp-2.17.0}\nprojects:\n- {name: a-b, objectStore: {external: {provider: s3, endpoint: \"https://s3.eu-west-1.amazonaws.com\", region: eu-west-1, bucket: bkt, credentials: workloadIdentity}}}\n";
    let objects = objects(&compile(projects), "in-cluster/a-b");
    for (query, expect) in [
        ("Deployment/ml-pipeline env OBJECTSTORECONFIG_ACCESSKEY", ""),
        (
            "Deployment/ml-pipeline env OBJECTSTORECONFIG_SECRETACCESSKEY",
            "",
        ),
        (
            "ConfigMap/kfp-launcher data providers /s3/default/credentials/fromEnv",
            "true",
        ),
        (
            "ConfigMap/workflow-controller-configmap data artifactRepository /s3/useSDKCreds",
            "true",
        ),
        ("Deployment/ml-pipeline-ui env AWS_ACCESS_KEY_ID", "(none)"),
        ("Deployment/ml-pipeline-ui env AWS_REGION", "eu-west-1"),
    ] {
        assert_eq!(look_up(&objects, query), expect, "{query}");
    }
    let text = objects.iter().map(Value::to_string).collect::<String>();
    assert!(
        !text.contains("mlpipeline-minio-artifact"),
        "no consumer waits for a Secret that nobody makes"
    );
}

#[test]
fn google_cloud_storage() {
    let projects = "version: 1\nplatform: {base: kfp-2.17.0}\nprojects:\n- {name: a-b, objectStore: {external: {provider: gcs, endpoint: \"https://storage.googleapis.com\", bucket: bkt, credentials: {secret: {name: hmac, keys: {accessKey: id, secretKey: key}}}}}}\n";
    let objects = objects(&compile(projects), "in-cluster/a-b");
    for (query, expect) in [
        (
            "Deployment/ml-pipeline env OBJECTSTORECONFIG_HOST",
            "storage.googleapis.com",
        ),
        (
            "Deployment/ml-pipeline env OBJECTSTORECONFIG_REGION",
            "auto",
        ),
        (
            "Deployment/ml-pipeline env OBJECTSTORECONFIG_ACCESSKEY",
            "hmac:id",
        ),
        (
            "ConfigMap/kfp-launcher data defaultPipelineRoot",
            "s3://bkt/v2/artifacts",
        ),
        (
            "ConfigMap/kfp-launcher data providers /s3/default/credentials/secretRef/secretName",
            "hmac",
        ),
    ] {
        assert_eq!(look_up(&objects, query), expect, "{query}");
    }
}

#[test]
fn no_password_is_in_the_tree() {
    let projects = std::fs::read_to_string(compiler::root().join("projects.yaml")).expect("read");
    let tree = compiler::compile_with(&projects, &std::collections::BTreeMap::new(), 2).tree;
    assert!(!tree.is_empty());
    for (path, text) in tree {
        assert!(!text.contains("kind: Secret\n"), "{path} holds a Secret");
        assert!(
            !text.contains("minio123"),
            "{path} holds upstream's default key"
        );
        assert!(
            !text.contains("kubeflow:"),
            "{path} names upstream's namespace"
        );
    }
}
