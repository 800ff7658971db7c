//! `platform`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::{self, *};

/// Where it all runs.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Platform {
    /// Base of every project that names no other: a directory below `base/`.
    #[schemars(required)]
    pub base: Option<Reference>,
    /// The repository that Argo CD and Flux read.
    pub repository: Option<Repository>,
    /// Which wiring is written: for Argo CD, for Flux, both, or none.
    #[schemars(extend("default" = []))]
    pub sync: Option<Vec<SyncTool>>,
    /// Settings of the wiring for Argo CD.
    pub argocd: Option<Argocd>,
    /// Settings of the wiring for Flux.
    pub flux: Option<Flux>,
    /// The clusters, by name; one named `in-cluster` when none is declared.
    #[schemars(extend("propertyNames" = text::property_names::<Label>()))]
    pub clusters: Option<BTreeMap<String, Option<Cluster>>>,
    /// DNS domain of the cluster.
    #[schemars(extend("default" = "cluster.local"))]
    pub cluster_domain: Option<Domain>,
    /// How passwords are made in the cluster.
    pub secrets: Option<Secrets>,
    /// Where images come from.
    pub images: Option<Images>,
    /// What the network policies must let through.
    pub network: Option<PlatformNetwork>,
    /// Monitoring by Prometheus.
    pub monitoring: Option<Monitoring>,
    /// Where `externalSecret` credentials are kept when they do not say it.
    pub external_secrets: Option<ExternalSecrets>,
    /// Jobs that set up shared servers.
    pub provisioning: Option<Provisioning>,
    /// Whether the cluster is OpenShift: fixed user and group ids are left out, and routes may be used.
    #[schemars(extend("default" = false))]
    pub openshift: Option<bool>,
}

/// One cluster; what it does not say is as in `platform`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// URL of the Kubernetes API server as the sync tool sees it.
    #[schemars(extend("default" = "https://kubernetes.default.svc"))]
    pub server: Option<ServerUrl>,
    /// DNS domain of the cluster.
    pub cluster_domain: Option<Domain>,
    /// How passwords are made in the cluster.
    pub secrets: Option<Secrets>,
    /// Where images come from.
    pub images: Option<Images>,
    /// What the network policies must let through.
    pub network: Option<PlatformNetwork>,
    /// Monitoring by Prometheus.
    pub monitoring: Option<Monitoring>,
    /// Where `externalSecret` credentials are kept when they do not say it.
    pub external_secrets: Option<ExternalSecrets>,
    /// Jobs that set up shared servers.
    pub provisioning: Option<Provisioning>,
    /// Whether the cluster is OpenShift.
    pub openshift: Option<bool>,
}

/// The repository that Argo CD and Flux read; needed when `sync` is not empty.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Repository {
    /// URL of the Git repository.
    pub url: Option<RepositoryUrl>,
    /// Branch that is synced.
    #[schemars(extend("default" = "main"))]
    pub branch: Option<Branch>,
    /// Directory of the rendered tree.
    #[schemars(extend("default" = "overlays"))]
    pub path: Option<TreePath>,
}

/// A tool that applies the rendered tree to clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SyncTool {
    /// Argo CD.
    Argocd,
    /// Flux.
    Flux,
}

/// Settings of the wiring for Argo CD.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Argocd {
    /// Namespace that Argo CD runs in.
    #[schemars(extend("default" = "argocd"))]
    pub namespace: Option<Label>,
}

/// Settings of the wiring for Flux.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flux {
    /// Namespace that the wiring is put into.
    #[schemars(extend("default" = "flux-system"))]
    pub namespace: Option<Label>,
    /// Secret with the credentials for the repository.
    pub secret_ref: Option<Subdomain>,
}

/// How passwords are made in the cluster.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secrets {
    /// What carries out `credentials: generated`.
    #[schemars(extend("default" = "job"))]
    pub generator: Option<Generator>,
}

/// What makes passwords in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Generator {
    /// A one-shot Job that creates the Secret when it is absent.
    Job,
    /// The External Secrets Operator.
    ExternalSecrets,
}

/// Where images come from.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Images {
    /// Beginning of image references to what replaces it, in every place where an image is named.
    #[schemars(extend("propertyNames" = text::property_names::<ImagePrefix>()))]
    pub mirrors: Option<BTreeMap<String, Option<ImagePrefix>>>,
    /// Whether images that no mirror covers may be used while mirrors are given.
    #[schemars(extend("default" = false))]
    pub allow_unmapped: Option<bool>,
    /// Names of image pull secrets, for every service account and pod.
    #[schemars(extend("default" = []))]
    pub pull_secrets: Option<Vec<Subdomain>>,
    /// Whether an image without a digest is an error.
    #[schemars(extend("default" = false))]
    pub require_digests: Option<bool>,
}

/// What the network policies must let through.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlatformNetwork {
    /// Ranges of the addresses of the Kubernetes API server's endpoints.
    #[schemars(extend("default" = []))]
    pub api_server: Option<Vec<Cidr>>,
    /// Where DNS is answered.
    pub dns: Option<Dns>,
    /// Namespaces of ingress controllers.
    #[schemars(extend("default" = []))]
    pub ingress_namespaces: Option<Vec<Label>>,
    /// Namespaces of Prometheus.
    #[schemars(extend("default" = []))]
    pub monitoring_namespaces: Option<Vec<Label>>,
}

/// Where DNS is answered.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dns {
    /// Namespace of the DNS pods: `kube-system` by default, `openshift-dns` on OpenShift.
    pub namespace: Option<Label>,
    /// Labels of the DNS pods: `k8s-app: kube-dns` by default, none on OpenShift.
    #[schemars(extend("propertyNames" = text::property_names::<LabelKey>()))]
    pub pod_labels: Option<BTreeMap<String, Option<LabelValue>>>,
    /// Port of the DNS pods: 53 by default, 5353 on OpenShift.
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
}

/// Monitoring by Prometheus.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Monitoring {
    /// Whether monitors are written.
    #[schemars(extend("default" = false))]
    pub enabled: Option<bool>,
    /// Labels that Prometheus selects monitors by.
    #[schemars(extend("propertyNames" = text::property_names::<LabelKey>()))]
    pub labels: Option<BTreeMap<String, Option<LabelValue>>>,
    /// Address of the runbooks, which alerts name with an anchor behind it.
    #[schemars(extend("default" = "docs/runbooks.md"))]
    pub runbooks: Option<Page>,
}

/// Where `externalSecret` credentials are kept when they do not say it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalSecrets {
    /// Name of the store.
    pub store: Option<Subdomain>,
    /// Kind of the store.
    #[schemars(extend("default" = "ClusterSecretStore"))]
    pub kind: Option<StoreKind>,
}

/// Jobs that set up shared servers, see `provision` in `databases` and `objectStores`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provisioning {
    /// Namespace of the Jobs and of their accounts; no project may have it.
    #[schemars(extend("default" = "tenantry-system"))]
    pub namespace: Option<Label>,
}

/// Kind of a store of the External Secrets Operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum StoreKind {
    /// A store of the whole cluster.
    ClusterSecretStore,
    /// A store in the project's namespace.
    SecretStore,
}
