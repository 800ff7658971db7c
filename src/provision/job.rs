//! The Job that sets up one server for one project.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::secret::Keys;
use super::{ACCOUNT, KIND, Kind, SERVER, Script, Task};
use crate::diagnostic::{Code, Diagnostic};
use crate::digest::Digest;
use crate::model::{Cluster, ConfigMapKey, Project};
use crate::render::{self, CONFIG_HASH};

/// The user of the client, whatever the image: `nobody`.
const USER: u32 = 65534;

/// Directory in memory for what a script writes.
const SCRATCH: &str = "/tmp";

/// Returns the Job, named by the hash of its content: what changes runs again, and nothing else does.
///
/// Nothing deletes the finished Job: a tool that keeps the namespace like the repository would run it again and again.
/// Errors: `unsupported-by-base` when the base has no image with the client.
#[expect(
    clippy::too_many_arguments,
    reason = "everything that a Job is made of, once"
)]
pub(super) fn job(
    name: &str,
    cluster: &Cluster,
    project: &Project,
    task: &Task,
    base: &str,
    images: &BTreeMap<String, String>,
    admin: &Keys,
    own: Option<&Keys>,
) -> Result<Value, Box<Diagnostic>> {
    let client = match task.script {
        Script::Bucket => "credentials",
        Script::Minio => "minioClient",
        Script::Mysql => project.database.engine.as_str(),
        Script::Postgresql => "postgresql",
    };
    let Some(image) = images.get(client) else {
        return Err(Box::new(
            Diagnostic::error(
                Code::UnsupportedByBase,
                format!(
                    "base `{base}` has no image `{client}` to provision `{}` with",
                    task.server
                ),
            )
            .at(project.span)
            .hint(format!(
                "add it to `images` of its base.yaml, or write `provision: none` for `{}`",
                task.server
            ))
            .project(&project.name),
        ));
    };
    let endpoint = project.object_store.endpoint.as_ref();
    let (own_ca, is_verified) = match task.kind {
        Kind::Database => (&project.database.tls_ca, tls(project) == "required"),
        Kind::ObjectStore => (
            &project.object_store.tls_ca,
            endpoint.is_some_and(|endpoint| endpoint.secure),
        ),
    };
    // What the stack itself would trust.
    let ca = own_ca
        .as_ref()
        .or(project.ca_bundle.as_ref())
        .filter(|_| is_verified);
    let mut mounts = vec![
        json!({"name": "script", "mountPath": "/etc/provisioning/script", "readOnly": true}),
        json!({"name": "scratch", "mountPath": SCRATCH}),
    ];
    let mut volumes = vec![
        json!({"name": "script", "configMap": {"name": task.script.config_map()}}),
        json!({"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}),
    ];
    if let Some(ConfigMapKey { config_map, key }) = ca {
        mounts.push(json!({"name": "ca", "mountPath": "/etc/provisioning/ca", "readOnly": true}));
        volumes.push(json!({
            "name": "ca",
            "configMap": {"name": config_map, "items": [{"key": key, "path": "ca.crt"}]},
        }));
    }
    let mut ids = json!({"runAsNonRoot": true});
    if !cluster.openshift {
        ids["runAsUser"] = json!(USER);
        ids["runAsGroup"] = json!(USER);
    }
    ids["seccompProfile"] = json!({"type": "RuntimeDefault"});
    let environment = match task.kind {
        Kind::Database => database(project, admin, own),
        Kind::ObjectStore => object_store(project, task, admin, own),
    };
    Ok(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": cluster.provisioning_namespace,
            "annotations": {"tenantry.dev/name-suffix": "content-hash"},
        },
        "spec": {
            // With pauses of at most five minutes, some eight hours: a server that is down for a night is no reason to
            // call anybody.
            "backoffLimit": 100,
            "template": {
                "metadata": {
                    "annotations": {CONFIG_HASH: render::hash(task.script.text(), 32)},
                    "labels": {"app": ACCOUNT, KIND: task.kind.name(), SERVER: task.server},
                },
                "spec": {
                    "serviceAccountName": ACCOUNT,
                    "automountServiceAccountToken": false,
                    "enableServiceLinks": false,
                    "restartPolicy": "OnFailure",
                    "securityContext": ids,
                    "containers": [{
                        "name": "provision",
                        "image": image,
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["/bin/sh", "-eu", "/etc/provisioning/script/provision.sh"],
                        "env": environment,
                        "resources": {
                            "requests": {"cpu": "10m", "memory": "32Mi"},
                            "limits": {"cpu": "500m", "memory": "256Mi"},
                        },
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true,
                            "runAsNonRoot": true,
                            "capabilities": {"drop": ["ALL"]},
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                        "volumeMounts": mounts,
                    }],
                    "volumes": volumes,
                },
            },
        },
    }))
}

fn variable(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

fn database(project: &Project, admin: &Keys, own: Option<&Keys>) -> Vec<Value> {
    let database = &project.database;
    let port = database.port.to_string();
    let literal = [
        ("ENGINE", database.engine.as_str()),
        ("HOST", database.host.as_deref().unwrap_or_default()),
        ("PORT", &port),
        ("TLS", tls(project)),
        ("DATABASE", &database.database),
        ("SCRATCH", SCRATCH),
    ];
    let mut environment: Vec<Value> = literal
        .into_iter()
        .map(|(name, value)| variable(name, value))
        .collect();
    // The name in the store counts, where there is one: the stack signs in with it.
    environment.push(
        own.and_then(|own| own.variable("DATABASE_USER", "username"))
            .unwrap_or_else(|| variable("DATABASE_USER", &database.user)),
    );
    environment.extend(own.and_then(|own| own.variable("DATABASE_PASSWORD", "password")));
    environment.extend(admin.variable("ADMIN_USER", "username"));
    environment.extend(admin.variable("ADMIN_PASSWORD", "password"));
    environment
}

/// Returns how the Job connects: as the stack does, by `tls` or by the parameter of the same name.
///
/// Source: Go-MySQL-Driver 1.9, DSN parameter `tls`.
fn tls(project: &Project) -> &'static str {
    let parameter = project.database.parameters.get("tls").map(String::as_str);
    match (project.database.tls, parameter) {
        (true, _) | (false, Some("true")) => "required",
        (false, None | Some("false")) => "disabled",
        (false, Some(_)) => "unverified",
    }
}

fn object_store(project: &Project, task: &Task, admin: &Keys, own: Option<&Keys>) -> Vec<Value> {
    let store = &project.object_store;
    let (scheme, port) = match &store.endpoint {
        Some(endpoint) => (
            if endpoint.secure { "https" } else { "http" },
            endpoint
                .port
                .map_or_else(String::new, |port| format!(":{port}")),
        ),
        None => ("", String::new()),
    };
    let address = format!("{}{port}", task.host);
    let mut environment = vec![
        variable("REGION", &store.region),
        variable("BUCKET", &store.bucket),
        variable("SCRATCH", SCRATCH),
    ];
    match task.script {
        Script::Minio => {
            environment.extend([
                variable("ENDPOINT", &format!("{scheme}://{address}")),
                variable("PATH_STYLE", if store.path_style { "on" } else { "off" }),
                variable("POLICY_NAME", &policy_name(project)),
                variable("POLICY", &policy(project).to_string()),
            ]);
            if let Some(own) = own {
                environment.extend(own.variable("ACCESS_KEY", "accessKey"));
                environment.extend(own.variable("SECRET_KEY", "secretKey"));
            }
        }
        _ => {
            let url = if store.path_style {
                format!("{scheme}://{address}/{}", store.bucket)
            } else {
                format!("{scheme}://{}.{address}/", store.bucket)
            };
            environment.push(variable("BUCKET_URL", &url));
            // Amazon alone insists on the region in the request, except where it refuses it.
            if crate::plan::is_aws(task.host) && store.region != "us-east-1" {
                environment.push(variable("LOCATION", &store.region));
            }
        }
    }
    environment.extend(admin.variable("ADMIN_ACCESS_KEY", "accessKey"));
    environment.extend(admin.variable("ADMIN_SECRET_KEY", "secretKey"));
    environment
}

/// Returns a name that no other bucket and prefix has, whichever cluster its project is in.
fn policy_name(project: &Project) -> String {
    let store = &project.object_store;
    let place = format!("{}/{}", store.bucket, store.prefix.as_deref().unwrap_or(""));
    let hash = &Digest::of(place.as_bytes()).to_string()[..10];
    format!("{}-{hash}", store.bucket)
}

/// Returns what the project's user may do: everything with the objects below its prefix, and to list those.
///
/// Without a prefix, the bucket is the project's own.
fn policy(project: &Project) -> Value {
    let store = &project.object_store;
    let bucket = format!("arn:aws:s3:::{}", store.bucket);
    let mut list = json!({
        "Effect": "Allow",
        "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads"],
        "Resource": [bucket],
    });
    let objects = match &store.prefix {
        Some(prefix) => {
            list["Condition"] = json!({"StringLike": {"s3:prefix": [format!("{prefix}/*")]}});
            format!("{bucket}/{prefix}/*")
        }
        None => format!("{bucket}/*"),
    };
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:GetBucketLocation"], "Resource": [bucket]},
            list,
            {
                "Effect": "Allow",
                "Action": [
                    "s3:AbortMultipartUpload",
                    "s3:DeleteObject",
                    "s3:GetObject",
                    "s3:ListMultipartUploadParts",
                    "s3:PutObject",
                ],
                "Resource": [objects],
            },
        ],
    })
}
