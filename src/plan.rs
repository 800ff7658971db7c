//! The plan of one project: every decision taken, in the form in which the consumers want it.
//!
//! Takes a project of the model, its cluster and its base; gives what templates see as `plan` (documented in `docs/plan-scope.md`).
//! Nothing after this stage reads a default or makes a choice. Knows nothing of manifests but the names that `base.yaml` states.

mod access;
pub mod behind;
mod choices;
mod storage;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::Base;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::model::{
    Cluster, Components, ConfigMapKey, IssuerRef, Project, SecretsGenerator, StorageKind,
};
use crate::template::Scope;

pub use access::AccessPlan;
pub use storage::{DatabasePlan, ObjectStorePlan};

/// Every decision about one project.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The namespace.
    pub namespace: String,
    /// What follows `<service>.<namespace>.` in a host name.
    pub domain: String,
    /// Name and version of the base.
    pub base: BaseName,
    /// The base's images with the project's overrides.
    pub images: BTreeMap<String, String>,
    /// The database as its consumers reach it.
    pub database: DatabasePlan,
    /// The object store as its consumers reach it.
    pub object_store: ObjectStorePlan,
    /// How the stack is exposed; `None` when it is not.
    pub access: Option<AccessPlan>,
    /// Secrets that readers and writers of artifacts need: the object store's, and those that `launcherConfig` names.
    pub artifact_secrets: Vec<String>,
    /// The one CA bundle for consumers that take only one.
    pub ca: Option<ConfigMapKey>,
    /// Every CA once, each with a file name of its own.
    pub cas: Vec<CaFile>,
    /// TLS between the stack's pods.
    pub pod_tls: PodTls,
    /// Egress proxy.
    pub proxy: Option<ProxyPlan>,
    /// How generated credentials are made.
    pub generator: SecretsGenerator,
    /// Which credentials are made in the cluster.
    pub generates: Generates,
    /// User id of user steps.
    pub security_context: SecurityContext,
    /// Whether fixed user and group ids are dropped.
    pub openshift: bool,
    /// Settings of the components.
    pub components: Components,
}

/// Name and version of a base.
#[derive(Debug, Clone, Serialize)]
pub struct BaseName {
    /// Name of its directory.
    pub name: String,
    /// Release of Kubeflow Pipelines.
    pub version: String,
}

/// A CA and the file that a consumer mounts it as.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaFile {
    /// The ConfigMap and its key.
    #[serde(flatten)]
    pub source: ConfigMapKey,
    /// File name, unique among the project's CAs.
    pub file: String,
}

/// TLS between the stack's pods.
#[derive(Debug, Clone, Serialize)]
pub struct PodTls {
    /// Whether it is on.
    pub enabled: bool,
    /// The cert-manager issuer.
    pub issuer: Option<IssuerRef>,
}

/// Egress proxy, ready for environment variables.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyPlan {
    /// `HTTP_PROXY`.
    pub http: Option<String>,
    /// `HTTPS_PROXY`.
    pub https: Option<String>,
    /// `NO_PROXY`, comma-separated, with the in-cluster names.
    pub no_proxy: String,
}

/// Which credentials are made in the cluster.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Generates {
    /// The database's.
    pub database: bool,
    /// The object store's.
    pub object_store: bool,
}

/// User id of user steps.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityContext {
    /// `runAsUser`.
    pub run_as_user: Option<i64>,
}

/// Decides everything about one project.
///
/// Errors: `missing-key` when restricted egress lacks the API server's addresses, `unsupported-by-base` for an engine that the base lacks,
/// for choices that it does not follow, for members without rules and for `access`.
/// Warnings: `egress-blocked`, `unsupported-by-base` for credentials that nothing makes.
pub fn resolve(
    project: &Project,
    cluster: &Cluster,
    base: &Base,
    diagnostics: &mut Diagnostics,
) -> Result<Plan, Rejected> {
    let mut found = Diagnostics::default();
    let domain = format!("svc.{}", cluster.cluster_domain);
    let database = storage::database(project, base, &domain);
    let object_store = storage::object_store(project, base, &domain);
    choices::check(project, base, &mut found);
    check_members(project, base, &mut found);
    let access = access::resolve(project, base, &mut found);
    let issuer = access
        .as_ref()
        .and_then(|access| access.oidc_server.as_ref())
        .map(|(host, _)| host.as_str());
    let cas = ca_files(project);
    let ca = project
        .ca_bundle
        .clone()
        .or_else(|| project.object_store.tls_ca.clone());
    let of_storage = [
        (project.database.kind, database.host.as_str()),
        (project.object_store.kind, object_store.host.as_str()),
    ];
    let outer = of_storage
        .into_iter()
        .filter(|(kind, _)| *kind != StorageKind::Embedded)
        .map(|(_, host)| host)
        .chain(issuer);
    check_egress(project, cluster, outer, &mut found);
    let mut hosts = vec![database.host.as_str(), object_store.host.as_str()];
    hosts.extend(issuer);
    let plan = Plan {
        artifact_secrets: artifact_secrets(project, &object_store),
        namespace: project.namespace.clone(),
        base: BaseName {
            name: base.facts.name.clone(),
            version: base.facts.version.clone(),
        },
        images: images(project, base),
        proxy: project.proxy.as_ref().map(|proxy| ProxyPlan {
            http: proxy.http.clone(),
            https: proxy.https.clone(),
            no_proxy: no_proxy(&proxy.no_proxy, cluster, base, &hosts),
        }),
        generates: Generates {
            database: database.credentials == "generated",
            object_store: object_store.credentials == "generated",
        },
        domain,
        access,
        database,
        object_store,
        ca,
        cas,
        pod_tls: PodTls {
            enabled: project.pod_to_pod_tls.is_some(),
            issuer: project.pod_to_pod_tls.clone(),
        },
        generator: cluster.secrets_generator,
        security_context: SecurityContext {
            run_as_user: project.pod_security.run_as_user,
        },
        openshift: cluster.openshift,
        components: project.components.clone(),
    };
    let rejected = found.has_errors();
    diagnostics.extend(found);
    if rejected { Err(Rejected) } else { Ok(plan) }
}

/// Makes the scope of a project's templates: `project`, `plan` and `platform`.
pub fn scope(project: &Project, cluster: &Cluster, plan: &Plan) -> Scope {
    let mut values = Map::new();
    values.insert("project".to_owned(), to_value(project));
    values.insert("plan".to_owned(), to_value(plan));
    values.insert("platform".to_owned(), to_value(cluster));
    Scope::new(values)
}

fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("the model and the plan have string keys and finite numbers")
}

/// Applies the image settings of a project to the images of its base.
fn images(project: &Project, base: &Base) -> BTreeMap<String, String> {
    let mut images = base.facts.images.clone();
    let components = &project.components;
    let mut set = |name: &str, image: &Option<String>| {
        if let Some(image) = image {
            images.insert(name.to_owned(), image.clone());
        }
    };
    set("driver", &components.driver_image);
    set("launcher", &components.launcher_image);
    set("executor", &components.workflow_controller.executor_image);
    for (key, settings) in crate::render::settings::containers(project) {
        if let Some(workload) = base.facts.workloads.get(&key) {
            set(&workload.image, &settings.image);
        }
    }
    images
}

/// Lists the Secrets that are needed to reach artifacts, sorted.
///
/// Source: kfp-stack §4.3, `secretRef.secretName` of a provider and its overrides.
fn artifact_secrets(project: &Project, store: &ObjectStorePlan) -> Vec<String> {
    fn collect(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, below) in map {
                    match below {
                        Value::String(name) if key == "secretName" => {
                            names.insert(name.clone());
                        }
                        _ => collect(below, names),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|item| collect(item, names)),
            _ => {}
        }
    }
    let mut names: BTreeSet<String> = store
        .secret
        .iter()
        .map(|secret| secret.name.clone())
        .collect();
    if let Some(config) = &project.components.api_server.launcher_config {
        collect(config, &mut names);
    }
    names.into_iter().collect()
}

/// Lists every CA of a project once.
fn ca_files(project: &Project) -> Vec<CaFile> {
    let mut sources: Vec<&ConfigMapKey> = Vec::new();
    let all = [
        &project.ca_bundle,
        &project.object_store.tls_ca,
        &project.database.tls_ca,
    ];
    for source in all.into_iter().flatten() {
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
        .into_iter()
        .enumerate()
        .map(|(index, source)| CaFile {
            source: source.clone(),
            file: format!("ca-{index}.crt"),
        })
        .collect()
}

/// Lists what must never go through a proxy: the user's entries, then the names inside the cluster.
///
/// Source: kfp-stack §8.3 (13).
fn no_proxy(own: &[String], cluster: &Cluster, base: &Base, hosts: &[&str]) -> String {
    let services = base
        .manifests
        .iter()
        .filter(|object| object.kind() == "Service")
        .map(|object| object.name().to_owned());
    let embedded = base
        .facts
        .embedded
        .values()
        .flat_map(BTreeMap::values)
        .map(|service| service.service.clone());
    let in_cluster: BTreeSet<String> = services.chain(embedded).collect();
    let mut entries: Vec<String> = own.to_vec();
    entries.extend(["localhost", "127.0.0.1", "kubernetes.default.svc", ".svc"].map(str::to_owned));
    entries.push(format!(".svc.{}", cluster.cluster_domain));
    entries.extend(in_cluster);
    entries.extend(
        hosts
            .iter()
            .filter(|host| storage::namespace_of(host, &cluster.cluster_domain).is_some())
            .map(|host| (*host).to_owned()),
    );
    entries.extend(cluster.network.api_server.iter().cloned());
    let mut seen = BTreeSet::new();
    entries.retain(|entry| seen.insert(entry.clone()));
    entries.join(",")
}

/// Refuses members of a level that the base has no rules for: they would get a Role without any.
fn check_members(project: &Project, base: &Base, diagnostics: &mut Diagnostics) {
    for (level, members) in project.members.levels() {
        if members.is_empty() || !base.facts.members.of(level).is_empty() {
            continue;
        }
        let place = project.spans.get(&format!("/members/{level}"));
        diagnostics.push(
            Diagnostic::error(
                Code::UnsupportedByBase,
                format!(
                    "base `{}` does not say what `{level}` may do",
                    base.facts.name
                ),
            )
            .at(place.copied().unwrap_or(project.span))
            .hint("use a newer base, or leave the list out")
            .project(&project.name),
        );
    }
}

/// Checks what restricted egress needs; `hosts` are those that are not embedded servers.
fn check_egress<'a>(
    project: &Project,
    cluster: &Cluster,
    hosts: impl Iterator<Item = &'a str>,
    diagnostics: &mut Diagnostics,
) {
    let place = |pointer: &str| project.spans.get(pointer).copied().unwrap_or(project.span);
    if !project.network.isolated || !project.network.egress_restricted {
        return;
    }
    if cluster.network.api_server.is_empty() {
        diagnostics.push(
            Diagnostic::error(
                Code::MissingKey,
                format!(
                    "restricted egress of `{}` needs the addresses of the Kubernetes API server",
                    project.name
                ),
            )
            .at(place("/network/egress"))
            .label("would cut the stack off from its API server")
            .hint("write them to `platform.network.apiServer`, for example `[10.0.0.1/32]`")
            .project(&project.name),
        );
    }
    for host in hosts {
        let outside = storage::namespace_of(host, &cluster.cluster_domain).is_none()
            && host.parse::<std::net::IpAddr>().is_err();
        if outside && project.network.egress_to.is_empty() {
            diagnostics.push(
                Diagnostic::warning(
                    Code::EgressBlocked,
                    format!(
                        "restricted egress of `{}` does not let `{host}` through",
                        project.name
                    ),
                )
                .at(place("/network/egress"))
                .hint(
                    "a NetworkPolicy knows addresses only: list the server's in `network.egressTo`",
                )
                .project(&project.name),
            );
        }
    }
}

pub use storage::{is_aws, namespace_of};
