//! The model: checked projects with settled defaults.
//!
//! Takes the configuration as written ([`crate::config`]) and gives values that later stages can trust:
//! every name is valid, every reference resolved, every default applied exactly once, here.
//! Knows nothing of manifests, bases' contents or files on disk.
//! The types serialise with the keys of `projects.yaml`, because templates see them as `project` and `platform`.

mod access;
mod between;
mod changes;
mod combinations;
mod credentials;
mod database;
pub mod derived;
mod forms;
mod images;
mod labels;
mod load;
mod members;
mod object_store;
mod patches;
mod platform;
mod project;
mod provision;
mod resources;
mod scope;
mod sync;
mod template;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::source::Span;

pub use access::{Access, AccessTls, Auth, Exposure, Gateway, Oidc, SecretKey};
pub use images::ImagePolicy;
pub use load::load;
pub use members::{Member, Members};
pub use patches::{PatchBody, PatchSource};
pub use sync::{Argocd, Flux, Sync, SyncTool};

/// What there is besides `projects.yaml` that its settings refer to.
#[derive(Debug, Clone, Default)]
pub struct Available {
    /// The bases below `base/`, by name.
    pub bases: BTreeMap<String, BaseFacts>,
}

/// What a base says about itself that decides which settings it can carry out.
#[derive(Debug, Clone, Default)]
pub struct BaseFacts {
    /// What the base can do: `workloadIdentity`, `taskCaConfigMap`, `clusterDomain` …
    pub features: BTreeSet<String>,
    /// Names of its service accounts.
    pub service_accounts: BTreeSet<String>,
    /// Keys that `workflowController.config` may hold.
    pub controller_config_keys: BTreeSet<String>,
    /// Engines of its embedded servers: `database` and `objectStore`.
    pub engines: BTreeMap<String, BTreeSet<String>>,
}

impl BaseFacts {
    /// Returns the engine of an embedded server that nobody has chosen: the usual one, or what the base has instead.
    pub(crate) fn engine(facts: Option<&BaseFacts>, what: &str, usual: &'static str) -> String {
        let engines = facts.and_then(|facts| facts.engines.get(what));
        match engines {
            Some(engines) if !engines.contains(usual) => engines.first(),
            _ => None,
        }
        .map_or_else(|| usual.to_owned(), String::clone)
    }
}

/// Everything that `projects.yaml` says, checked.
#[derive(Debug, Clone)]
pub struct Model {
    /// The clusters, sorted by name; never empty.
    pub clusters: Vec<Cluster>,
    /// The projects, sorted by cluster name, then namespace.
    pub projects: Vec<Project>,
    /// Path of the rendered tree relative to the root, `overlays` by default.
    pub repository_path: String,
    /// Branch that sync tools read, and `publish` moves; `main` by default.
    pub repository_branch: String,
    /// URL of the repository that sync tools read.
    pub repository_url: Option<String>,
    /// What the wiring needs; `None` when `platform.sync` is empty.
    pub sync: Option<Sync>,
    /// Which projects had another name.
    pub moves: Moves,
    /// Hazardous changes that may pass, in the order of the file.
    pub acknowledged: Vec<Acknowledgement>,
}

/// Which projects had another name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moves {
    /// What each former name has become.
    pub renamed: BTreeMap<String, String>,
    /// The first name of each project that was moved, by the name that it has now.
    pub origins: BTreeMap<String, String>,
}

/// One hazardous change that may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Name of the project; that of `project-deleted` need not be declared.
    pub project: String,
    /// The hazard.
    pub hazard: crate::config::types::Hazard,
    /// Where the project is named.
    pub span: Span,
}

/// One cluster with the platform settings that hold in it (the platform's, overridden by the cluster's own).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// Name, the directory below the tree; `in-cluster` when none is declared.
    pub name: String,
    /// API server URL as the sync tool sees it.
    pub server: String,
    /// DNS domain of the cluster, `cluster.local` by default.
    pub cluster_domain: String,
    /// How `credentials: generated` is made.
    pub secrets_generator: SecretsGenerator,
    /// Names of image pull secrets on every service account and pod.
    pub pull_secrets: Vec<String>,
    /// Where images come from.
    pub images: ImagePolicy,
    /// What the network policies must let through.
    pub network: PlatformNetwork,
    /// Whether and how the stacks are monitored.
    pub monitoring: Monitoring,
    /// Default store of `externalSecret` credentials.
    pub external_secrets: Option<StoreRef>,
    /// Namespace of the Jobs that set up shared servers; templates do not see it, as no project has to do with it.
    #[serde(skip)]
    pub provisioning_namespace: String,
    /// Whether fixed user and group ids are dropped.
    pub openshift: bool,
    /// The tools that apply the cluster's directories; templates do not see them.
    #[serde(skip)]
    pub sync: Vec<SyncTool>,
}

/// `platform.monitoring`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Monitoring {
    /// Whether monitors and alerts are written.
    pub enabled: bool,
    /// Labels that Prometheus selects them by.
    pub labels: BTreeMap<String, String>,
    /// Where the runbooks are that alerts name.
    pub runbooks: String,
}

/// How `credentials: generated` is made inside the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretsGenerator {
    /// A one-shot Job creates the Secret when it is absent.
    Job,
    /// External Secrets Operator's `Password` generator.
    ExternalSecrets,
}

/// `platform.network`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformNetwork {
    /// CIDRs of the Kubernetes API server's endpoints; empty when not given.
    pub api_server: Vec<String>,
    /// Where DNS is answered.
    pub dns: Dns,
    /// Namespaces of ingress controllers.
    pub ingress_namespaces: Vec<String>,
    /// Namespaces of Prometheus.
    pub monitoring_namespaces: Vec<String>,
}

/// `platform.network.dns`; defaults `kube-system`, `k8s-app: kube-dns`, 53 (OpenShift: `openshift-dns`, no pod labels, 5353).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dns {
    /// Namespace of the DNS pods.
    pub namespace: String,
    /// Labels of the DNS pods.
    pub pod_labels: BTreeMap<String, String>,
    /// Port of the DNS pods, UDP and TCP.
    pub port: u16,
}

/// A SecretStore or ClusterSecretStore of External Secrets Operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreRef {
    /// Name of the store.
    pub store: String,
    /// `ClusterSecretStore` (default) or `SecretStore`.
    pub kind: String,
}

/// One project.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// The identity.
    pub name: String,
    /// The namespace, unique in its cluster.
    pub namespace: String,
    /// Whether the Namespace object is emitted.
    pub create_namespace: bool,
    /// Name of the cluster.
    pub cluster: String,
    /// Name of the base.
    pub base: String,
    /// Label for reports and progressive sync.
    pub ring: Option<String>,
    /// Whether the stack runs.
    pub state: State,
    /// Free text.
    pub description: Option<String>,
    /// Free text.
    pub owner: Option<String>,
    /// Labels on every object, never on selectors or pod templates.
    pub labels: BTreeMap<String, String>,
    /// Annotations on every object.
    pub annotations: BTreeMap<String, String>,
    /// Where metadata is kept.
    pub database: Database,
    /// Where artifacts are kept.
    pub object_store: ObjectStore,
    /// Who may do what in the namespace.
    pub members: Members,
    /// How the UI and the API are exposed; `None` when they are not.
    pub access: Option<Access>,
    /// Isolation and extra flows.
    pub network: Network,
    /// ResourceQuota `hard` values, as quantities; empty when not given.
    pub quota: BTreeMap<String, String>,
    /// LimitRange; `None` when not given (a quota then gets a sensible one while planning).
    pub limit_range: Option<LimitRange>,
    /// Pod Security levels.
    pub pod_security: PodSecurity,
    /// Settings of the stack's components.
    pub components: Components,
    /// A CA that every consumer trusts.
    pub ca_bundle: Option<ConfigMapKey>,
    /// Issuer of the certificates for TLS between the stack's pods; `None` is off.
    pub pod_to_pod_tls: Option<IssuerRef>,
    /// Egress proxy.
    pub proxy: Option<Proxy>,
    /// Placement of every pod of the stack.
    pub scheduling: Scheduling,
    /// Extra annotations and labels by service account.
    pub service_accounts: BTreeMap<String, ServiceAccountSettings>,
    /// Plain manifests to add: path below the root of the repository, and the place where it is named.
    #[serde(skip)]
    pub extra_manifests: Vec<(String, Span)>,
    /// Changes to the objects of the stack, in order; templates do not see them.
    #[serde(skip)]
    pub patches: Vec<PatchSource>,
    /// Where the project is declared (its name).
    #[serde(skip)]
    pub span: Span,
    /// Where settings were written, by JSON pointer within the project (`/database/embedded/size`), after merging of defaults, profile and project.
    #[serde(skip)]
    pub spans: BTreeMap<String, Span>,
}

impl Project {
    /// Returns the paths of `extraManifests`, in order.
    pub fn extra_manifest_paths(&self) -> Vec<&str> {
        self.extra_manifests
            .iter()
            .map(|(path, _)| path.as_str())
            .collect()
    }
}

/// Whether a project's stack runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Everything runs.
    Active,
    /// All workloads have 0 replicas, data is kept.
    Paused,
    /// Only Namespace, volume claims and secret sources are left.
    Retired,
}

/// A key of a ConfigMap in the project's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapKey {
    /// Name of the ConfigMap.
    pub config_map: String,
    /// Key in its data.
    pub key: String,
}

/// A cert-manager issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuerRef {
    /// Name of the issuer.
    pub name: String,
    /// `Issuer` (default) or `ClusterIssuer`.
    pub kind: String,
}

/// Which storage form was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StorageKind {
    /// A server of the project's own.
    Embedded,
    /// A server that projects share.
    Shared,
    /// Any other server.
    External,
}

/// The database, resolved: a shared server's settings are copied in.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// Which form was chosen.
    pub kind: StorageKind,
    /// Name in `databases` of a shared server.
    pub shared_name: Option<String>,
    /// `mariadb`, `mysql` or `postgresql`.
    pub engine: String,
    /// Host of a shared or external server; `None` for an embedded one (the base names its Service).
    pub host: Option<String>,
    /// TCP port, 3306 by default (PostgreSQL 5432).
    pub port: u16,
    /// Database name, `[A-Za-z0-9_]+`.
    pub database: String,
    /// User name, `[A-Za-z0-9_]+`.
    pub user: String,
    /// Where the password comes from.
    pub credentials: Credentials,
    /// Whether TLS is required.
    pub tls: bool,
    /// CA of the server's certificate.
    pub tls_ca: Option<ConfigMapKey>,
    /// Extra DSN parameters.
    pub parameters: BTreeMap<String, String>,
    /// Volume and container settings of an embedded server.
    pub embedded: Option<Embedded>,
    /// The account that a Job of the platform creates the database and the user with; `None` when somebody else does.
    /// Templates do not see it.
    #[serde(skip)]
    pub admin: Option<Credentials>,
}

/// Volume and container of an embedded database or object store.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Embedded {
    /// Size of the volume, a quantity; `10Gi` by default.
    pub size: String,
    /// Storage class; `None` is the cluster's default.
    pub storage_class: Option<String>,
    /// Container resources; `None` leaves the base's.
    pub resources: Option<Resources>,
    /// Container image; `None` leaves the base's.
    pub image: Option<String>,
}

/// The object store, resolved: a shared store's settings are copied in.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStore {
    /// Which form was chosen.
    pub kind: StorageKind,
    /// Name in `objectStores` of a shared store.
    pub shared_name: Option<String>,
    /// `seaweedfs` or `minio` of an embedded store.
    pub engine: Option<String>,
    /// `s3` or `gcs`; `s3` for an embedded store.
    pub provider: String,
    /// Endpoint of a shared or external store, parsed; `None` for an embedded one (the base names its Service).
    pub endpoint: Option<Endpoint>,
    /// Region; `us-east-1` when not given (`auto` for GCS).
    pub region: String,
    /// Bucket.
    pub bucket: String,
    /// Key prefix without slashes at its ends; `None` when the bucket is the project's own.
    pub prefix: Option<String>,
    /// Whether requests name the bucket in the path.
    pub path_style: bool,
    /// Where the keys come from.
    pub credentials: Credentials,
    /// CA of the server's certificate.
    pub tls_ca: Option<ConfigMapKey>,
    /// Volume and container settings of an embedded store.
    pub embedded: Option<Embedded>,
    /// How a Job of the platform creates the bucket; `None` when somebody else does. Templates do not see it.
    #[serde(skip)]
    pub provision: Option<StoreProvision>,
}

/// How a Job sets up a project's part of a shared object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreProvision {
    /// The account that it uses.
    pub admin: Credentials,
    /// Whether it creates the project's user by the admin API of MinIO.
    pub minio_users: bool,
}

/// A URL of an object store, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Whether the scheme is `https`.
    pub secure: bool,
    /// Host name or address, without port.
    pub host: String,
    /// Port as written; `None` is the scheme's default.
    pub port: Option<u16>,
}

/// Where a password or a pair of keys comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "form")]
pub enum Credentials {
    /// Made inside the cluster, never in Git; embedded servers only.
    Generated,
    /// An existing Secret; `keys` maps `password`, `username` or `accessKey`, `secretKey` to key names in it.
    Secret {
        /// Name of the Secret.
        name: String,
        /// Role of a value to its key in the Secret; every required role is present.
        keys: BTreeMap<String, String>,
    },
    /// An ExternalSecret is emitted.
    ExternalSecret {
        /// The store.
        store: StoreRef,
        /// Key in the store, already rendered for this project.
        key: String,
        /// Role of a value to its property in the store's entry; every required role is present.
        properties: BTreeMap<String, String>,
    },
    /// No keys: the cloud knows the service accounts.
    WorkloadIdentity,
}

/// `network`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Whether policies are emitted (`isolation: isolated`).
    pub isolated: bool,
    /// Who else may reach the UI and the API.
    pub ingress_from: Vec<Peer>,
    /// Whether egress is restricted to the stack's own flows and `egress_to`.
    pub egress_restricted: bool,
    /// CIDRs that every pod may reach when egress is restricted.
    pub egress_to: Vec<String>,
}

/// An extra peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Peer {
    /// All pods of a namespace.
    Namespace(String),
    /// A range of addresses.
    Cidr(String),
}

/// `limitRange`, all values quantities by resource name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitRange {
    /// Default limits.
    pub default: BTreeMap<String, String>,
    /// Default requests.
    pub default_request: BTreeMap<String, String>,
    /// Maxima.
    pub max: BTreeMap<String, String>,
    /// Minima.
    pub min: BTreeMap<String, String>,
}

/// `podSecurity`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSecurity {
    /// Enforced level, `baseline` by default.
    pub enforce: String,
    /// Warned-about level, `restricted` by default.
    pub warn: String,
    /// User id of user steps.
    pub run_as_user: Option<i64>,
}

/// `proxy`, with `https` and `no_proxy` settled except for the in-cluster names, which planning adds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proxy {
    /// `HTTP_PROXY`.
    pub http: Option<String>,
    /// `HTTPS_PROXY`; defaults to `http`.
    pub https: Option<String>,
    /// What the user added to `NO_PROXY`, one entry each.
    pub no_proxy: Vec<String>,
}

/// `scheduling`; the values have the shape of a PodSpec's fields.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// `nodeSelector`.
    pub node_selector: BTreeMap<String, String>,
    /// `tolerations`.
    pub tolerations: Vec<Value>,
    /// `affinity`.
    pub affinity: Option<Value>,
    /// `priorityClassName`.
    pub priority_class_name: Option<String>,
    /// `topologySpreadConstraints`.
    pub topology_spread: Vec<Value>,
}

/// `serviceAccounts.<name>`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccountSettings {
    /// Extra annotations.
    pub annotations: BTreeMap<String, String>,
    /// Extra labels.
    pub labels: BTreeMap<String, String>,
}

/// `resources` of one container: quantities by resource name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Requests.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, String>,
    /// Limits.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
}

/// Image and resources of one container of the stack.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerSettings {
    /// Image; `None` leaves the base's.
    pub image: Option<String>,
    /// Resources; `None` leaves the base's.
    pub resources: Option<Resources>,
}

/// `components`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Components {
    /// The API server.
    pub api_server: ApiServer,
    /// The persistence agent.
    pub persistence_agent: PersistenceAgent,
    /// The scheduled-workflow controller.
    pub scheduled_workflow: ScheduledWorkflow,
    /// The Argo workflow controller.
    pub workflow_controller: WorkflowController,
    /// The metadata server and its gRPC-web bridge.
    pub metadata: Metadata,
    /// The UI.
    pub ui: Ui,
    /// The TensorBoard viewer controller.
    pub viewer: Switch,
    /// The visualization server.
    pub visualization: Switch,
    /// Image of the driver; `None` leaves the base's.
    pub driver_image: Option<String>,
    /// Image of the launcher; `None` leaves the base's.
    pub launcher_image: Option<String>,
}

/// `components.apiServer`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiServer {
    /// Image and resources.
    #[serde(flatten)]
    pub container: ContainerSettings,
    /// Extra environment variables.
    pub env: BTreeMap<String, String>,
    /// Whether step results are reused.
    pub cache_enabled: bool,
    /// `database` or `kubernetes`.
    pub pipeline_store: String,
    /// Seconds that finished workflows are kept; `None` leaves the base's.
    pub resource_ttl_seconds: Option<u64>,
    /// Default workspace volume of pipelines.
    pub workspace: Option<Workspace>,
    /// Whether the two sample pipelines of the image are loaded.
    pub sample_pipelines: bool,
    /// Merged into the server's configuration file.
    pub config: Option<Value>,
    /// Merged into the data of `kfp-launcher`.
    pub launcher_config: Option<Value>,
}

/// `components.apiServer.workspace`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// Storage class.
    pub storage_class: String,
    /// Access modes, `[ReadWriteOnce]` by default.
    pub access_modes: Vec<String>,
    /// Default size; `None` leaves it to the pipeline.
    pub size: Option<String>,
}

/// `components.persistenceAgent`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistenceAgent {
    /// Image and resources.
    #[serde(flatten)]
    pub container: ContainerSettings,
    /// Worker threads, 2 by default.
    pub num_workers: u32,
}

/// `components.scheduledWorkflow`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledWorkflow {
    /// Image and resources.
    #[serde(flatten)]
    pub container: ContainerSettings,
    /// IANA name, `UTC` by default.
    pub timezone: String,
}

/// `components.workflowController`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowController {
    /// Image and resources.
    #[serde(flatten)]
    pub container: ContainerSettings,
    /// Whether a controller of the project's own is deployed.
    pub deploy: bool,
    /// Image of argoexec; `None` leaves the base's.
    pub executor_image: Option<String>,
    /// Merged into the controller's configuration.
    pub config: Option<Value>,
    /// Workflows that may run at once; `None` is unlimited.
    pub parallelism: Option<u32>,
}

/// `components.metadata`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The MLMD server.
    pub grpc: ContainerSettings,
    /// The gRPC-web bridge.
    pub envoy: ContainerSettings,
}

/// `components.ui`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ui {
    /// Image and resources.
    #[serde(flatten)]
    pub container: ContainerSettings,
    /// Whether the UI is deployed.
    pub enabled: bool,
}

/// A component that is only switched on or off.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Switch {
    /// Whether it is deployed.
    pub enabled: bool,
}
