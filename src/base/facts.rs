//! What `base.yaml` says.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::members::MemberRules;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::source::{FileId, Sources, Span};

/// The contents of a `base.yaml`; every key is described in `docs/bases.md`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Facts {
    /// Name of the base, equal to the name of its directory.
    pub name: String,
    /// Release of Kubeflow Pipelines.
    pub version: String,
    /// Place among the bases; a higher number is newer.
    pub order: u64,
    /// Where the release comes from: repository, tag, date.
    pub upstream: BTreeMap<String, String>,
    /// What the language may require of a base.
    #[serde(default)]
    pub features: BTreeSet<String>,
    /// Every image, by the name that templates use.
    pub images: BTreeMap<String, String>,
    /// `app.kubernetes.io/name` of the objects of each file.
    pub files: BTreeMap<String, String>,
    /// Which container a setting of `projects.yaml` configures.
    pub workloads: BTreeMap<String, Workload>,
    /// Services of the embedded servers: `database` and `objectStore`, by engine.
    pub embedded: BTreeMap<String, BTreeMap<String, Service>>,
    /// Secrets that generated and external credentials are kept in.
    pub secrets: Secrets,
    /// What stands in front of a stack that is exposed; `None` when the base cannot be exposed.
    #[serde(default)]
    pub access: Option<AccessFacts>,
    /// Which storage a stack uses, as its objects say.
    #[serde(default)]
    pub identity: Identity,
    /// Pods by role, as the labels that flows select.
    pub roles: BTreeMap<String, BTreeMap<String, String>>,
    /// Who may open a connection to whom.
    pub flows: Vec<Flow>,
    /// Roles that call the Kubernetes API.
    pub kubernetes_api: Vec<String>,
    /// Roles that call the database.
    pub database: Vec<String>,
    /// Roles that call the object store.
    pub object_store: Vec<String>,
    /// Pod ports that `network.ingressFrom` may reach, by role.
    pub entry: BTreeMap<String, Vec<u16>>,
    /// Pod ports that Prometheus may reach, by role.
    pub metrics: BTreeMap<String, Vec<u16>>,
    /// Roles whose pods are created at run time.
    #[serde(default)]
    pub external_roles: Vec<String>,
    /// Roles whose pods another role creates at run time: there are none in a stack without that role.
    #[serde(default)]
    pub started_by: BTreeMap<String, String>,
    /// First labels of hosts that the tenant-leak check recognises besides the base's own Services.
    #[serde(default)]
    pub well_known_services: Vec<String>,
    /// Keys that the Argo controller's configuration may hold.
    pub controller_config_keys: BTreeSet<String>,
    /// What members of a project may do.
    #[serde(default)]
    pub members: MemberRules,
    /// Which files of `cluster/` are rendered when.
    #[serde(default)]
    pub cluster: ClusterFiles,
    /// Hops to this base that need a migration.
    #[serde(default)]
    pub migrations: Vec<Migration>,
}

/// One container of one workload.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Kind of the workload.
    pub kind: String,
    /// Name of the workload.
    pub name: String,
    /// Name of the container.
    pub container: String,
    /// Entry of `images` that the container runs.
    pub image: String,
}

/// A Service of an embedded server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Name of the Service.
    pub service: String,
    /// Port of the Service.
    pub port: u16,
}

/// What stands in front of a stack that is exposed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessFacts {
    /// Role of its pods: the only ones that accept traffic from outside.
    pub role: String,
    /// Service account of the pods, which asks the API server who somebody is and what they may do.
    pub service_account: String,
    /// Secret that an issuer of cert-manager writes the host's certificate to.
    pub certificate: String,
    /// Pod port behind what ends TLS: Ingresses and HTTPRoutes.
    pub http: u16,
    /// Pod port that speaks TLS: behind Routes.
    pub https: u16,
    /// Name of the Deployment.
    pub deployment: String,
    /// Its containers that ask those who come.
    pub guards: Vec<Guard>,
}

/// A container that asks those who come who they are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Name of the container.
    pub container: String,
    /// Beginning of the arguments that let a group in; without such an argument, nobody is kept out for his groups.
    #[serde(default)]
    pub group: Option<String>,
}

/// The Secrets that generated and external credentials are kept in.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secrets {
    /// The database's.
    pub database: PasswordSecret,
    /// The object store's.
    pub object_store: ObjectStoreSecret,
}

/// A Secret with a user name and a password.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordSecret {
    /// Name of the Secret.
    pub name: String,
    /// Key of the user name.
    pub username_key: String,
    /// Key of the password.
    pub password_key: String,
}

/// A Secret with a pair of S3 keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectStoreSecret {
    /// Name of the Secret.
    pub name: String,
    /// Key of the access key.
    pub access_key_key: String,
    /// Key of the secret key.
    pub secret_key_key: String,
}

/// Which storage a stack uses, as its objects say: what must not change by surprise.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// Programs that say which database they use.
    #[serde(default)]
    pub database: Vec<Consumer>,
    /// Programs that say which object store they use.
    #[serde(default)]
    pub object_store: Vec<Consumer>,
    /// What makes credentials in the cluster, besides External Secrets Operator.
    #[serde(default)]
    pub generated: Vec<Generated>,
}

/// A program that says which server it uses.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    /// Entry of `workloads`.
    pub workload: String,
    /// What makes up the identity.
    pub parts: Vec<Part>,
    /// Variables that come from the Secret with the password or the secret key; the first one that is there counts.
    pub credential: Vec<String>,
}

/// One part of an identity, for example the host.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What messages call it; parts of two bases are the same when they have the same name.
    pub name: String,
    /// Variables that hold it; the first one that is there counts.
    pub env: Vec<String>,
}

/// A workload that makes Secrets.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Generated {
    /// Kind of the workload.
    pub kind: String,
    /// Name of the workload, without a hash of its content at the end.
    pub name: String,
    /// Name of the container.
    pub container: String,
    /// Variable with the name of the database's Secret, empty when it makes none.
    pub database: String,
    /// Variable with the name of the object store's Secret, empty when it makes none.
    pub object_store: String,
}

/// A permitted flow between pods of one stack.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// Roles that open the connection.
    pub from: Vec<String>,
    /// Role that accepts it.
    pub to: String,
    /// TCP ports of the accepting pods.
    pub ports: Vec<u16>,
}

/// Files of `cluster/` by the reason to render them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterFiles {
    /// Rendered for every cluster.
    #[serde(default)]
    pub always: Vec<String>,
    /// Rendered when a project of the cluster keeps its pipelines in Kubernetes.
    #[serde(default)]
    pub pipeline_webhook: Vec<String>,
}

/// A hop between bases that does not work without a migration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// Name of the base that the project comes from.
    pub from: String,
    /// For which projects: a tera expression.
    pub when: String,
    /// What must be done.
    pub reason: String,
}

/// Reads `base.yaml` and checks what can be checked without the rest of the base.
pub(super) fn read(
    name: &str,
    files: &BTreeMap<String, FileId>,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Facts, Rejected> {
    let path = format!("base/{name}/base.yaml");
    let Some(file) = files.get("base.yaml").copied() else {
        diagnostics.push(
            Diagnostic::error(
                Code::InvalidBase,
                format!("base `{name}` has no `base.yaml`"),
            )
            .path(path),
        );
        return Err(Rejected);
    };
    let options = serde_saphyr::options! { strict_booleans: true };
    let facts: Facts = match serde_saphyr::from_str_with_options(&sources.get(file).text, options) {
        Ok(facts) => facts,
        Err(error) => {
            let mut diagnostic =
                Diagnostic::error(Code::InvalidBase, error.without_snippet().to_string());
            if let Some(at) = error.location() {
                let start = at.span().byte_offset().unwrap_or(0);
                let length = at.span().byte_len().unwrap_or(0);
                diagnostic = diagnostic.at(Span {
                    file,
                    start: start as usize,
                    end: (start + length) as usize,
                });
            }
            diagnostics.push(diagnostic);
            return Err(Rejected);
        }
    };
    let mut refuse = |message: String| {
        diagnostics.push(Diagnostic::error(Code::InvalidBase, message).path(path.clone()));
    };
    if facts.name != name {
        refuse(format!(
            "the base in directory `{name}` calls itself `{}`",
            facts.name
        ));
    }
    facts.members.refused().into_iter().for_each(&mut refuse);
    let named = facts
        .flows
        .iter()
        .flat_map(|flow| flow.from.iter().chain([&flow.to]))
        .chain(&facts.kubernetes_api)
        .chain(&facts.database)
        .chain(&facts.object_store)
        .chain(&facts.external_roles)
        .chain(
            facts
                .started_by
                .iter()
                .flat_map(|(role, starter)| [role, starter]),
        )
        .chain(facts.access.as_ref().map(|access| &access.role))
        .chain(facts.entry.keys())
        .chain(facts.metrics.keys());
    for role in named.collect::<BTreeSet<_>>() {
        if !facts.roles.contains_key(role) {
            refuse(format!("`{role}` is not one of the base's `roles`"));
        }
    }
    for consumer in facts
        .identity
        .database
        .iter()
        .chain(&facts.identity.object_store)
    {
        if !facts.workloads.contains_key(&consumer.workload) {
            refuse(format!(
                "`{}` is not one of the base's `workloads`",
                consumer.workload
            ));
        }
    }
    diagnostics.accept(facts)
}
