//! Provisioning: Jobs that make each project's database, user and bucket on servers that projects share.
//!
//! Takes a cluster and its projects and gives the objects of `<cluster>/_shared`: one namespace with everything that may
//! know an administrator's password, and in it one Job per project and server. No object lies in a project's namespace,
//! no account has rights in Kubernetes, and no project's object mentions any of this. `docs/provisioning.md` says why.
//! Knows SQL servers and object stores, and nothing of KFP: images come from the base.

mod job;
mod secret;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::diagnostic::Diagnostics;
use crate::model::{Cluster, Credentials, Project, State, derived};
use crate::object::Object;
use crate::plan::namespace_of;
use crate::sync::groups;

use secret::Keys;

/// Directory of a cluster with what all Jobs share.
///
/// Source: commands-and-output §3, `_shared`.
pub const COMMON_DIRECTORY: &str = "_shared/common";

/// Directory of a cluster with the Jobs; when there are too many for one, each part has bits behind a dot.
const PROJECTS_DIRECTORY: &str = "_shared/projects";

/// Projects in one directory at most: each has up to four objects, and Argo CD should not have more than 1,000 in one
/// Application (gitops-wiring §0.9).
const LIMIT: usize = 250;

/// Name of the ServiceAccount of all Jobs, which has no rights.
const ACCOUNT: &str = "provisioning";

/// Label of a Job's pods with the kind of server, `database` or `object-store`.
const KIND: &str = "tenantry.dev/provisions";

/// Label of a Job's pods with the name of the server in `projects.yaml`.
const SERVER: &str = "tenantry.dev/server";

/// A script, and the entry of a base's `images` with the client that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Script {
    Bucket,
    Minio,
    Mysql,
    Postgresql,
}

impl Script {
    fn name(self) -> &'static str {
        match self {
            Script::Bucket => "bucket",
            Script::Minio => "minio",
            Script::Mysql => "mysql",
            Script::Postgresql => "postgresql",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Script::Bucket => include_str!("provision/bucket.sh"),
            Script::Minio => include_str!("provision/minio.sh"),
            Script::Mysql => include_str!("provision/mysql.sh"),
            Script::Postgresql => include_str!("provision/postgresql.sh"),
        }
    }

    /// Returns the name of the ConfigMap with the script.
    fn config_map(self) -> String {
        format!("provision-{}", self.name())
    }
}

/// One server that a project shares and the platform sets up.
#[derive(Debug)]
struct Task<'a> {
    kind: Kind,
    /// Name of the server in `databases` or `objectStores`.
    server: &'a str,
    host: &'a str,
    port: u16,
    admin: &'a Credentials,
    script: Script,
}

/// What a server keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Database,
    ObjectStore,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Database => "database",
            Kind::ObjectStore => "object-store",
        }
    }
}

/// Tells whether a Job sets up something for a project: not for one that is leaving.
pub fn is_wanted(project: &Project) -> bool {
    !tasks(project).is_empty()
}

/// A directory with the Jobs of some projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Path below the cluster's directory.
    pub directory: String,
    /// Indexes of the projects in the model.
    pub projects: Vec<usize>,
}

/// Returns the directories with Jobs of one cluster; none when nothing is to be provisioned in it.
pub fn parts(projects: &[Project], cluster: &Cluster) -> Vec<Part> {
    let members: Vec<usize> = projects
        .iter()
        .enumerate()
        .filter(|(_, project)| project.cluster == cluster.name && is_wanted(project))
        .map(|(index, _)| index)
        .collect();
    if members.is_empty() {
        return Vec::new();
    }
    groups::parts(projects, members, LIMIT)
        .into_iter()
        .map(|(bits, projects)| Part {
            directory: if bits.is_empty() {
                PROJECTS_DIRECTORY.to_owned()
            } else {
                format!("{PROJECTS_DIRECTORY}.{bits}")
            },
            projects,
        })
        .collect()
}

fn tasks(project: &Project) -> Vec<Task<'_>> {
    let mut tasks = Vec::new();
    if project.state == State::Retired {
        return tasks;
    }
    let database = &project.database;
    if let (Some(admin), Some(host), Some(server)) =
        (&database.admin, &database.host, &database.shared_name)
    {
        tasks.push(Task {
            kind: Kind::Database,
            server,
            host,
            port: database.port,
            admin,
            script: match database.engine.as_str() {
                "postgresql" => Script::Postgresql,
                _ => Script::Mysql,
            },
        });
    }
    let store = &project.object_store;
    if let (Some(provision), Some(endpoint), Some(server)) =
        (&store.provision, &store.endpoint, &store.shared_name)
    {
        tasks.push(Task {
            kind: Kind::ObjectStore,
            server,
            host: &endpoint.host,
            port: endpoint
                .port
                .unwrap_or(if endpoint.secure { 443 } else { 80 }),
            admin: &provision.admin,
            script: if provision.minio_users {
                Script::Minio
            } else {
                Script::Bucket
            },
        });
    }
    tasks
}

/// Returns the objects that all Jobs of a cluster share.
pub fn common<'a>(cluster: &Cluster, projects: impl Iterator<Item = &'a Project>) -> Vec<Object> {
    let tasks: Vec<Task> = projects.flat_map(tasks).collect();
    let mut objects = vec![
        object("namespace", namespace(cluster)),
        object(
            "access",
            json!({
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": ACCOUNT, "namespace": cluster.provisioning_namespace},
                "automountServiceAccountToken": false,
            }),
        ),
    ];
    objects.extend(
        policies(cluster, &tasks)
            .into_iter()
            .map(|body| object("network", body)),
    );
    if cluster.monitoring.enabled {
        objects.push(object("monitoring", alerts(cluster)));
    }
    let scripts: BTreeSet<Script> = tasks.iter().map(|task| task.script).collect();
    objects.extend(scripts.into_iter().map(|script| {
        object(
            "scripts",
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": script.config_map(),
                    "namespace": cluster.provisioning_namespace,
                },
                "data": {"provision.sh": script.text()},
            }),
        )
    }));
    // One account for a server, however many projects share it.
    let servers: BTreeMap<(Kind, &str), &Credentials> = tasks
        .iter()
        .map(|task| ((task.kind, task.server), task.admin))
        .collect();
    for ((kind, server), credentials) in servers {
        objects.extend(
            secret::external(&admin_secret(kind, server), cluster, credentials)
                .map(|body| object("secrets", body)),
        );
    }
    objects
}

/// Returns the objects for one project: its Jobs, and what fetches its passwords.
///
/// `images` are those of its base. Errors: `unsupported-by-base`, `invalid-name`.
pub fn of_project(
    cluster: &Cluster,
    project: &Project,
    base: &str,
    images: &BTreeMap<String, String>,
    diagnostics: &mut Diagnostics,
) -> Vec<Object> {
    let file = project.namespace.clone();
    let stem = derived::provisioning(&project.namespace);
    let mut objects = Vec::new();
    for task in tasks(project) {
        let name = format!("{stem}-{}", task.kind.name());
        let admin = Keys::of_admin(task.admin, &admin_secret(task.kind, task.server));
        let own = match task.kind {
            Kind::Database => Some(&project.database.credentials),
            // Without users, nobody but the administrator signs in.
            Kind::ObjectStore => {
                (task.script == Script::Minio).then_some(&project.object_store.credentials)
            }
        };
        let mut keys = None;
        if let Some(credentials) = own {
            objects.extend(
                secret::external(&name, cluster, credentials).map(|body| object(&file, body)),
            );
            match Keys::of_project(credentials, &name, project) {
                Ok(found) => keys = Some(found),
                Err(found) => {
                    diagnostics.push(*found);
                    continue;
                }
            }
        }
        match job::job(
            &name,
            cluster,
            project,
            &task,
            base,
            images,
            &admin,
            keys.as_ref(),
        ) {
            Ok(body) => objects.push(object(&file, body)),
            Err(found) => diagnostics.push(*found),
        }
    }
    objects
}

/// Returns the name of the Secret that a server's account is fetched to.
fn admin_secret(kind: Kind, server: &str) -> String {
    format!("{}-{}-admin", kind.name(), derived::server(server))
}

/// Makes an object for a file.
fn object(file: &str, body: Value) -> Object {
    Object {
        body,
        file: file.to_owned(),
    }
}

/// Returns the namespace, in which nothing but these Jobs runs.
fn namespace(cluster: &Cluster) -> Value {
    let labels: BTreeMap<String, &str> = ["enforce", "audit", "warn"]
        .into_iter()
        .flat_map(|mode| {
            let key = format!("pod-security.kubernetes.io/{mode}");
            [(format!("{key}-version"), "latest"), (key, "restricted")]
        })
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": cluster.provisioning_namespace, "labels": labels},
    })
}

/// Says when a Job needs somebody: it waits for a Secret, is refused, or has given up.
fn alerts(cluster: &Cluster) -> Value {
    let namespace = &cluster.provisioning_namespace;
    let mut metadata = json!({"name": "provisioning", "namespace": namespace});
    if !cluster.monitoring.labels.is_empty() {
        metadata["labels"] = json!(cluster.monitoring.labels);
    }
    json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": metadata,
        "spec": {"groups": [{
            "name": "provisioning",
            "rules": [{
                "alert": "KubeflowPipelinesProvisioningStuck",
                "expr": format!(
                    "max by (namespace, job_name) (kube_job_status_active{{namespace=\"{namespace}\"}}) > 0 \
                     or max by (namespace, job_name) (kube_job_failed{{namespace=\"{namespace}\",condition=\"true\"}}) == 1"
                ),
                "for": "2h",
                "labels": {"severity": "warning"},
                "annotations": {
                    "summary": "{{ $labels.job_name }} does not get done",
                    "description": format!(
                        "A database or bucket of a project is not set up: look at the events and the log of the Job in namespace {namespace}."
                    ),
                    "runbook_url": format!(
                        "{}#kubeflowpipelinesprovisioningstuck",
                        cluster.monitoring.runbooks
                    ),
                },
            }],
        }]},
    })
}

/// Nobody reaches the Jobs; they reach DNS, and each the server that it sets up.
fn policies(cluster: &Cluster, tasks: &[Task]) -> Vec<Value> {
    let policy = |name: &str, spec: Value| {
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": cluster.provisioning_namespace},
            "spec": spec,
        })
    };
    let dns = &cluster.network.dns;
    let mut to = namespace_peer(&dns.namespace);
    if !dns.pod_labels.is_empty() {
        to["podSelector"] = json!({"matchLabels": dns.pod_labels});
    }
    let mut policies = vec![
        policy(
            "default-deny",
            json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
        ),
        policy(
            "dns",
            json!({
                "podSelector": {},
                "policyTypes": ["Egress"],
                "egress": [{
                    "to": [to],
                    "ports": [
                        {"port": dns.port, "protocol": "UDP"},
                        {"port": dns.port, "protocol": "TCP"},
                    ],
                }],
            }),
        ),
    ];
    let servers: BTreeMap<(Kind, &str), (&str, u16)> = tasks
        .iter()
        .map(|task| ((task.kind, task.server), (task.host, task.port)))
        .collect();
    for ((kind, server), (host, port)) in servers {
        policies.push(policy(
            &format!("{}-{}", kind.name(), derived::server(server)),
            json!({
                "podSelector": {"matchLabels": {KIND: kind.name(), SERVER: server}},
                "policyTypes": ["Egress"],
                "egress": [server_rule(host, port, cluster)],
            }),
        ));
    }
    policies
}

/// Lets a server through: as an address, as a namespace (the policy sees the pod's port, which the Service's port does
/// not tell), or, when it has a public name, which no policy can express, as its port at any address.
fn server_rule(host: &str, port: u16, cluster: &Cluster) -> Value {
    if let Some(namespace) = namespace_of(host, &cluster.cluster_domain) {
        return json!({"to": [namespace_peer(namespace)]});
    }
    let ports = json!([{"port": port, "protocol": "TCP"}]);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            json!({"to": [{"ipBlock": {"cidr": format!("{address}/32")}}], "ports": ports})
        }
        Ok(IpAddr::V6(address)) => {
            json!({"to": [{"ipBlock": {"cidr": format!("{address}/128")}}], "ports": ports})
        }
        Err(_) => json!({"ports": ports}),
    }
}

fn namespace_peer(namespace: &str) -> Value {
    json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}})
}
