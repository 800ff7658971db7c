//! `platform`: clusters and what holds in them.

use std::collections::BTreeMap;

use super::credentials::kind_name;
use super::scope::{Report, Scope, below, typed};
use super::{
    Cluster, Dns, Monitoring, PlatformNetwork, Project, SecretsGenerator, State, StoreRef, Sync,
};
use super::{images, labels, sync};
use crate::config::merge::merge;
use crate::config::types::{self, Generator, StoreKind};
use crate::config::{Content, Node};
use crate::diagnostic::{Code, Diagnostic};
use crate::grammar::url;
use crate::source::Span;

/// Name of the cluster when none is declared.
const IN_CLUSTER: &str = "in-cluster";
/// URL under which a pod reaches the API server of its own cluster.
const IN_CLUSTER_SERVER: &str = "https://kubernetes.default.svc";

/// Keys of `platform` that a cluster can override.
const OVERRIDABLE: &[&str] = &[
    "clusterDomain",
    "secrets",
    "images",
    "network",
    "monitoring",
    "externalSecrets",
    "provisioning",
    "openshift",
];

/// Namespace of the provisioning Jobs when none is named; it stays Tenantry's when another one is.
const SYSTEM_NAMESPACE: &str = "tenantry-system";

/// `platform`, settled.
pub(super) struct Platform {
    /// Base of projects that name none; `None` when it was reported.
    pub base: Option<String>,
    /// Where the base is named.
    pub base_span: Span,
    /// The clusters by name.
    pub clusters: BTreeMap<String, Cluster>,
    /// A cluster for projects whose own is not known; it has a store for external secrets.
    pub stand_in: Cluster,
    /// The blocks of the clusters, for places.
    pub scopes: BTreeMap<String, Scope>,
    /// Whether a declared cluster was reported, so that names may be missing here.
    pub doubtful: bool,
    /// Path of the rendered tree.
    pub repository_path: String,
    /// Branch of the rendered tree.
    pub repository_branch: String,
    /// Where the repository is.
    pub repository_url: Option<String>,
    /// What the wiring needs; `None` when none is asked for.
    pub sync: Option<Sync>,
    /// Namespaces that no project may have, with the reason.
    pub reserved: BTreeMap<String, &'static str>,
}

/// Returns why a namespace belongs to the cluster itself.
pub(super) fn owner_of(namespace: &str) -> Option<&'static str> {
    if namespace == "default" {
        Some("it belongs to whatever names no namespace")
    } else if namespace.starts_with("kube-") {
        Some("it belongs to Kubernetes")
    } else if namespace.starts_with("openshift") {
        Some("it belongs to OpenShift")
    } else {
        None
    }
}

/// Settles `platform`.
///
/// Errors: `missing-key`, `conflict`.
pub(super) fn resolve(node: Option<&Node>, whole: Span, report: &mut Report) -> Platform {
    let empty = Node {
        content: Content::Map(Vec::new()),
        span: whole,
    };
    let node = node.unwrap_or(&empty);
    let scope = Scope::new(node, whole, "platform");
    let written: types::Platform = if matches!(node.content, Content::Map(_)) {
        typed(node)
    } else {
        types::Platform::default()
    };
    let sync = sync::resolve(&written, &scope, report);
    let mut reserved: BTreeMap<String, &'static str> = [
        sync::argocd_namespace(&written),
        sync::flux_namespace(&written),
    ]
    .map(|namespace| (namespace, "it belongs to a sync tool"))
    .into();
    let repository = written.repository.unwrap_or_default();
    let (mut clusters, scopes) = clusters(node, whole, report);
    for (name, cluster) in &clusters {
        check_provisioning(
            &cluster.provisioning_namespace,
            &scopes[name],
            &reserved,
            report,
        );
    }
    let provisioning = clusters
        .values()
        .map(|cluster| cluster.provisioning_namespace.clone());
    for namespace in provisioning.chain([SYSTEM_NAMESPACE.to_owned()]) {
        reserved
            .entry(namespace)
            .or_insert("it belongs to Tenantry");
    }
    for cluster in clusters.values_mut() {
        cluster.sync = sync.as_ref().map(Sync::tools).unwrap_or_default();
    }
    let mut stand_in = cluster(IN_CLUSTER, &empty, &Scope::new(&empty, whole, ""), report);
    stand_in.external_secrets = Some(StoreRef {
        store: "store".to_owned(),
        kind: kind_name(StoreKind::ClusterSecretStore).to_owned(),
    });
    Platform {
        base: written.base.map(|base| base.0),
        base_span: scope.at("/base"),
        doubtful: scope.doubtful("/clusters"),
        clusters,
        scopes,
        stand_in,
        repository_path: repository
            .path
            .map_or_else(|| "overlays".to_owned(), |path| path.0),
        repository_branch: repository
            .branch
            .map_or_else(|| "main".to_owned(), |branch| branch.0),
        repository_url: repository.url.map(|url| url.0),
        sync,
        reserved,
    }
}

type Clusters = (BTreeMap<String, Cluster>, BTreeMap<String, Scope>);

fn clusters(platform: &Node, whole: Span, report: &mut Report) -> Clusters {
    let common = Node {
        content: Content::Map(
            platform
                .entries()
                .iter()
                .filter(|entry| OVERRIDABLE.contains(&entry.key.as_str()))
                .cloned()
                .collect(),
        ),
        span: platform.span,
    };
    let mut clusters = BTreeMap::new();
    let mut scopes = BTreeMap::new();
    let declared = platform
        .get("clusters")
        .map(Node::entries)
        .unwrap_or_default();
    let mut servers: BTreeMap<String, (String, Span)> = BTreeMap::new();
    for entry in declared {
        let merged = match entry.value.content {
            Content::Map(_) => merge([&common], &entry.value),
            Content::Null => merge([], &common),
            _ => continue,
        };
        let scope = Scope::new(&merged, entry.key_span, &entry.key);
        let cluster = cluster(&entry.key, &merged, &scope, report);
        if scope.has("/server") && !scope.doubtful("/server") {
            let place = scope.at("/server");
            let address = server_address(&cluster.server);
            if let Some((other, first)) = servers.get(&address) {
                report.push(
                    Diagnostic::error(
                        Code::Conflict,
                        format!(
                            "clusters `{other}` and `{}` have one server, `{}`",
                            entry.key, cluster.server
                        ),
                    )
                    .at(place)
                    .label("the same server again")
                    .also(*first, format!("server of `{other}`"))
                    .hint("declare each cluster once"),
                );
            } else {
                servers.insert(address, (entry.key.clone(), place));
            }
        }
        clusters.insert(entry.key.clone(), cluster);
        scopes.insert(entry.key.clone(), scope);
    }
    if declared.is_empty() {
        let merged = merge([], &common);
        let scope = Scope::new(&merged, whole, "platform");
        clusters.insert(
            IN_CLUSTER.to_owned(),
            cluster(IN_CLUSTER, &merged, &scope, report),
        );
        scopes.insert(IN_CLUSTER.to_owned(), scope);
    }
    (clusters, scopes)
}

/// Refuses to put the accounts of shared servers into a namespace that is somebody else's.
fn check_provisioning(
    namespace: &str,
    scope: &Scope,
    reserved: &BTreeMap<String, &'static str>,
    report: &mut Report,
) {
    let owner = owner_of(namespace).or_else(|| reserved.get(namespace).copied());
    if let Some(owner) = owner {
        report.push(
            scope
                .error(
                    Code::ReservedNamespace,
                    "/provisioning/namespace",
                    format!("the namespace `{namespace}` cannot hold the provisioning Jobs"),
                )
                .label(owner)
                .hint(format!(
                    "write a namespace of its own, such as `{SYSTEM_NAMESPACE}`"
                )),
        );
    }
}

/// Returns a server's URL in the form in which servers are compared.
fn server_address(server: &str) -> String {
    match url::parse(server, &["https"]) {
        Ok(url) => format!(
            "{}:{}{}",
            url.host,
            url.port.unwrap_or(443),
            url.path.trim_end_matches('/')
        ),
        Err(_) => server.to_owned(),
    }
}

fn cluster(name: &str, merged: &Node, scope: &Scope, report: &mut Report) -> Cluster {
    let written: types::Cluster = typed(merged);
    let openshift = written.openshift.unwrap_or(false);
    let network = written.network.unwrap_or_default();
    let images = written.images.unwrap_or_default();
    let monitoring = written.monitoring.unwrap_or_default();
    let external_secrets = written
        .external_secrets
        .and_then(|external| match external.store {
            Some(store) => Some(StoreRef {
                store: store.0,
                kind: kind_name(external.kind.unwrap_or(StoreKind::ClusterSecretStore)).to_owned(),
            }),
            None => {
                if external.kind.is_some() {
                    scope.missing(
                        report,
                        "/externalSecrets",
                        "store",
                        "write the name of the store",
                    );
                }
                None
            }
        });
    let names = |list: Option<Vec<types::text::Label>>| {
        list.unwrap_or_default()
            .into_iter()
            .map(|label| label.0)
            .collect()
    };
    Cluster {
        name: name.to_owned(),
        server: written
            .server
            .map_or_else(|| IN_CLUSTER_SERVER.to_owned(), |server| server.0),
        cluster_domain: written
            .cluster_domain
            .map_or_else(|| "cluster.local".to_owned(), |domain| domain.0),
        secrets_generator: match written.secrets.and_then(|secrets| secrets.generator) {
            Some(Generator::ExternalSecrets) => SecretsGenerator::ExternalSecrets,
            Some(Generator::Job) | None => SecretsGenerator::Job,
        },
        images: images::resolve(scope, report, &images),
        pull_secrets: images
            .pull_secrets
            .unwrap_or_default()
            .into_iter()
            .map(|name| name.0)
            .collect(),
        network: PlatformNetwork {
            api_server: network
                .api_server
                .unwrap_or_default()
                .into_iter()
                .map(|cidr| cidr.0)
                .collect(),
            dns: dns(network.dns.unwrap_or_default(), openshift),
            ingress_namespaces: names(network.ingress_namespaces),
            monitoring_namespaces: names(network.monitoring_namespaces),
        },
        monitoring: Monitoring {
            enabled: monitoring.enabled.unwrap_or(false),
            labels: labels::labels(
                scope,
                report,
                merged,
                "/monitoring/labels",
                monitoring
                    .labels
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(key, value)| (key, value.map(|value| value.0)))
                    .collect(),
            ),
            runbooks: monitoring
                .runbooks
                .map_or_else(|| "docs/runbooks.md".to_owned(), |page| page.0),
        },
        external_secrets,
        provisioning_namespace: written
            .provisioning
            .and_then(|provisioning| provisioning.namespace)
            .map_or_else(|| SYSTEM_NAMESPACE.to_owned(), |namespace| namespace.0),
        openshift,
        sync: Vec::new(),
    }
}

/// Tells of clusters in which Prometheus is to read stacks that do not let it in.
///
/// Warnings: `metrics-blocked`.
pub(super) fn check_monitoring(platform: &Platform, projects: &[Project], report: &mut Report) {
    for (name, cluster) in &platform.clusters {
        let blocked = projects.iter().any(|project| {
            project.cluster == *name && project.network.isolated && project.state != State::Retired
        });
        if !cluster.monitoring.enabled
            || !cluster.network.monitoring_namespaces.is_empty()
            || !blocked
        {
            continue;
        }
        let Some(scope) = platform.scopes.get(name) else {
            continue;
        };
        report.push(
            scope
                .warning(
                    Code::MetricsBlocked,
                    "/monitoring/enabled",
                    format!("no namespace may read the metrics of the stacks in cluster `{name}`"),
                )
                .label("monitors are written")
                .hint(
                    "write the namespace of Prometheus to `platform.network.monitoringNamespaces`",
                ),
        );
    }
}

/// Settles where DNS is answered.
///
/// Source: Kubernetes cluster DNS (`kube-system`, `k8s-app: kube-dns`); OpenShift's DNS operator (`openshift-dns`, 5353).
fn dns(written: types::Dns, openshift: bool) -> Dns {
    let given: Option<BTreeMap<String, String>> = written.pod_labels.map(|labels| {
        labels
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?.0)))
            .collect()
    });
    Dns {
        namespace: written.namespace.map_or_else(
            || {
                if openshift {
                    "openshift-dns"
                } else {
                    "kube-system"
                }
                .to_owned()
            },
            |namespace| namespace.0,
        ),
        pod_labels: given.unwrap_or_else(|| {
            if openshift {
                BTreeMap::new()
            } else {
                BTreeMap::from([("k8s-app".to_owned(), "kube-dns".to_owned())])
            }
        }),
        port: written.port.unwrap_or(if openshift { 5353 } else { 53 }),
    }
}

impl Platform {
    /// Returns the place of a setting of a cluster.
    pub(super) fn at(&self, cluster: &str, key: &str) -> Option<Span> {
        self.scopes
            .get(cluster)
            .map(|scope| scope.at(&below("", key)))
    }
}
