//! A project, and the layers below it: `defaults` and profiles.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::storage::{database, object_store};
use super::text::{self, *};
use super::{Components, Database, ObjectStore};

/// A project: one namespace with one stack.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Project {
    /// The identity, unique in the fleet; it is used in derived names.
    #[schemars(required)]
    pub name: Option<Label>,
    /// The namespace, unique in its cluster: the name by default.
    pub namespace: Option<Label>,
    /// Whether the Namespace object is written; false when it exists already.
    #[schemars(extend("default" = true))]
    pub create_namespace: Option<bool>,
    /// Name of the cluster; needed when more than one is declared.
    pub cluster: Option<Label>,
    /// Another base than the platform's: the way to roll an upgrade out ring by ring.
    pub base: Option<Reference>,
    /// Name of the profile whose settings apply below the project's own.
    pub profile: Option<Reference>,
    /// A label for reports, filters and progressive sync.
    pub ring: Option<LabelValue>,
    /// Whether the stack runs.
    #[schemars(extend("default" = "active"))]
    pub state: Option<State>,
    /// What the project is for.
    pub description: Option<Text>,
    /// Who answers for the project.
    pub owner: Option<Text>,
    /// Labels on every object, never on selectors.
    #[schemars(extend("propertyNames" = text::property_names::<LabelKey>()))]
    pub labels: Option<BTreeMap<String, Option<LabelValue>>>,
    /// Annotations on every object.
    #[schemars(extend("propertyNames" = text::property_names::<AnnotationKey>()))]
    pub annotations: Option<BTreeMap<String, Option<Text>>>,
    /// Where metadata is kept: `embedded` (the default), the name of a server in `databases`, or a mapping.
    #[serde(default)]
    #[schemars(schema_with = "database")]
    pub database: Option<Database>,
    /// Where artifacts are kept: `embedded` (the default), the name of a store in `objectStores`, or a mapping.
    #[serde(default)]
    #[schemars(schema_with = "object_store")]
    pub object_store: Option<ObjectStore>,
    /// Who may do what in the namespace.
    pub members: Option<Members>,
    /// How the UI and the API are exposed; not at all by default.
    pub access: Option<Access>,
    /// Isolation and extra flows.
    pub network: Option<Network>,
    /// ResourceQuota of the namespace.
    #[schemars(extend("propertyNames" = text::property_names::<QuotaKey>()))]
    pub quota: Option<BTreeMap<String, Option<Quantity>>>,
    /// LimitRange of the namespace.
    pub limit_range: Option<LimitRange>,
    /// Pod Security levels of the namespace.
    pub pod_security: Option<PodSecurity>,
    /// Settings of the stack's components.
    pub components: Option<Components>,
    /// A CA that every component and every task pod trusts.
    pub ca_bundle: Option<ConfigMapKey>,
    /// TLS between the stack's pods; off when not given.
    #[serde(rename = "podToPodTLS")]
    pub pod_to_pod_tls: Option<PodToPodTls>,
    /// Egress proxy of every component.
    pub proxy: Option<Proxy>,
    /// Placement of every pod of the stack, not of user pods.
    pub scheduling: Option<Scheduling>,
    /// Extra annotations and labels of service accounts, by name.
    #[schemars(extend("propertyNames" = text::property_names::<Subdomain>()))]
    pub service_accounts: Option<BTreeMap<String, Option<ServiceAccount>>>,
    /// Changes to the objects of the stack.
    pub patches: Option<Vec<Patch>>,
    /// Files with plain manifests to add, below the directory of this file.
    #[schemars(extend("default" = []))]
    pub extra_manifests: Option<Vec<FilePath>>,
}

/// Whether a stack runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Everything runs.
    Active,
    /// All workloads have 0 replicas, data is kept.
    Paused,
    /// Only the namespace, volumes and sources of secrets are left.
    Retired,
}

/// Who may do what in the namespace: `user:…`, `group:…` or `serviceAccount:<namespace>/<name>`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Members {
    /// Editors who may also restart the stack and edit its configuration.
    #[schemars(extend("default" = []))]
    pub admins: Option<Vec<Member>>,
    /// Viewers who may also create, run, stop and delete pipelines.
    #[schemars(extend("default" = []))]
    pub editors: Option<Vec<Member>>,
    /// Who may read pipelines, runs and logs.
    #[schemars(extend("default" = []))]
    pub viewers: Option<Vec<Member>>,
}

/// How the UI and the API are exposed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Access {
    /// What exposes them.
    #[schemars(extend("default" = "none"))]
    pub exposure: Option<Exposure>,
    /// Host name, of one project only. Needed, except for a Route with `auth: kubeRbacProxy`.
    pub host: Option<Host>,
    /// Class of the Ingress; the cluster's default when not given.
    pub ingress_class: Option<Subdomain>,
    /// Gateway of the HTTPRoute. Needed for one.
    pub gateway: Option<Gateway>,
    /// Certificate of the host; what is in front shows its own when not given.
    pub tls: Option<AccessTls>,
    /// Who authenticates; exposing without it is an error.
    pub auth: Option<Auth>,
    /// OpenID Connect. Needed for `oauth2Proxy` and `both`.
    pub oidc: Option<Oidc>,
}

/// What exposes the UI and the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Exposure {
    /// Nothing.
    None,
    /// An Ingress.
    Ingress,
    /// An HTTPRoute of the Gateway API.
    HttpRoute,
    /// A Route of OpenShift.
    Route,
}

/// What authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Auth {
    /// kube-rbac-proxy: tokens of the cluster, held against `members`.
    KubeRbacProxy,
    /// OAuth2 Proxy: a login, and groups.
    Oauth2Proxy,
    /// Both: a login, held against `members`.
    Both,
}

/// Gateway of an HTTPRoute.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateway {
    /// Name of the Gateway. Needed.
    pub name: Option<Subdomain>,
    /// Namespace of the Gateway; the project's own when not given.
    pub namespace: Option<Label>,
    /// Listener of the Gateway; every one that fits when not given.
    pub section: Option<Subdomain>,
}

/// Certificate of a host: exactly one of these.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessTls {
    /// Name of a Secret with the certificate, in the project's namespace.
    pub secret: Option<Subdomain>,
    /// Issuer of the certificate.
    pub issuer: Option<Issuer>,
}

/// OpenID Connect.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Oidc {
    /// URL of the issuer. Needed.
    pub issuer: Option<IssuerUrl>,
    /// Client id. Needed.
    pub client_id: Option<Line>,
    /// Secret with the client secret. Needed.
    pub client_secret: Option<SecretKey>,
    /// Claim that lists the groups.
    #[schemars(extend("default" = "groups"))]
    pub groups_claim: Option<Line>,
    /// Groups that may enter; everybody whom the issuer knows without them.
    #[schemars(extend("default" = []))]
    pub allowed_groups: Option<Vec<Line>>,
}

/// A key of a Secret.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretKey {
    /// Name of the Secret, in the project's namespace. Needed.
    pub name: Option<Subdomain>,
    /// Key in the Secret. Needed.
    pub key: Option<DataKey>,
}

/// Isolation and extra flows.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Network {
    /// Whether network policies are written.
    #[schemars(extend("default" = "isolated"))]
    pub isolation: Option<Isolation>,
    /// Who else may reach the UI and the API.
    #[schemars(extend("default" = []))]
    pub ingress_from: Option<Vec<Peer>>,
    /// Whether the stack may open connections to anywhere.
    #[schemars(extend("default" = "unrestricted"))]
    pub egress: Option<Egress>,
    /// Ranges of addresses that every pod may reach when egress is restricted.
    #[schemars(extend("default" = []))]
    pub egress_to: Option<Vec<Cidr>>,
}

/// Whether network policies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Isolation {
    /// Only the flows of the stack are let in.
    Isolated,
    /// Everything is let in.
    None,
}

/// Whether the stack may open connections to anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Egress {
    /// To anywhere.
    Unrestricted,
    /// Only along the flows of the stack, and to `egressTo`.
    Restricted,
}

/// Who else may reach the UI and the API: exactly one of these.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Peer {
    /// The pods of a namespace.
    pub namespace: Option<Label>,
    /// A range of addresses.
    pub cidr: Option<Cidr>,
}

/// LimitRange of the containers, by resource.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitRange {
    /// Limits of a container that has none.
    #[schemars(extend("propertyNames" = text::property_names::<ResourceName>()))]
    pub default: Option<BTreeMap<String, Option<Quantity>>>,
    /// Requests of a container that has none.
    #[schemars(extend("propertyNames" = text::property_names::<ResourceName>()))]
    pub default_request: Option<BTreeMap<String, Option<Quantity>>>,
    /// Highest limits.
    #[schemars(extend("propertyNames" = text::property_names::<ResourceName>()))]
    pub max: Option<BTreeMap<String, Option<Quantity>>>,
    /// Lowest requests.
    #[schemars(extend("propertyNames" = text::property_names::<ResourceName>()))]
    pub min: Option<BTreeMap<String, Option<Quantity>>>,
}

/// Pod Security levels of the namespace.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodSecurity {
    /// Level that pods must keep; `restricted` needs `runAsUser`.
    #[schemars(extend("default" = "baseline"))]
    pub enforce: Option<Level>,
    /// Level that is warned about.
    #[schemars(extend("default" = "restricted"))]
    pub warn: Option<Level>,
    /// User id of user steps.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub run_as_user: Option<i64>,
}

/// A Pod Security level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Anything goes.
    Privileged,
    /// No known escalations.
    Baseline,
    /// Current hardening practice.
    Restricted,
}

/// A key of a ConfigMap in the project's namespace.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigMapKey {
    /// Name of the ConfigMap. Needed.
    pub config_map: Option<Subdomain>,
    /// Key in it. Needed.
    pub key: Option<DataKey>,
}

/// TLS between the stack's pods.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodToPodTls {
    /// Issuer of the certificates. Needed.
    pub issuer: Option<Issuer>,
}

/// An issuer of cert-manager.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issuer {
    /// Name of the issuer. Needed.
    pub name: Option<Subdomain>,
    /// Kind of the issuer.
    #[schemars(extend("default" = "Issuer"))]
    pub kind: Option<IssuerKind>,
}

/// Kind of an issuer of cert-manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum IssuerKind {
    /// An issuer in the project's namespace.
    Issuer,
    /// An issuer of the whole cluster.
    ClusterIssuer,
}

/// Egress proxy of every component.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proxy {
    /// Proxy for HTTP.
    pub http: Option<ProxyUrl>,
    /// Proxy for HTTPS: as for HTTP by default.
    pub https: Option<ProxyUrl>,
    /// What is reached without a proxy, as a list or with commas; in-cluster names are always added.
    #[serde(default)]
    #[schemars(schema_with = "no_proxy")]
    pub no_proxy: Option<Vec<NoProxy>>,
}

/// Placement of every pod of the stack, not of user pods.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scheduling {
    /// Labels that nodes must have.
    #[schemars(extend("propertyNames" = text::property_names::<LabelKey>()))]
    pub node_selector: Option<BTreeMap<String, Option<LabelValue>>>,
    /// Taints that are tolerated, as in a pod.
    pub tolerations: Option<Vec<Toleration>>,
    /// Affinity, as in a pod.
    pub affinity: Option<Affinity>,
    /// Name of a PriorityClass that exists.
    pub priority_class_name: Option<Subdomain>,
    /// Spread over nodes or zones, as `topologySpreadConstraints` in a pod.
    pub topology_spread: Option<Vec<TopologySpread>>,
}

/// A taint that is tolerated.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Toleration {
    /// Key of the taint; every taint when not given.
    pub key: Option<LabelKey>,
    /// How the value is compared.
    #[schemars(extend("default" = "Equal"))]
    pub operator: Option<TolerationOperator>,
    /// Value of the taint.
    pub value: Option<LabelValue>,
    /// Effect of the taint; every effect when not given.
    pub effect: Option<TaintEffect>,
    /// How long a `NoExecute` taint is tolerated.
    pub toleration_seconds: Option<i64>,
}

/// How the value of a taint is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TolerationOperator {
    /// The key is there.
    Exists,
    /// The value is the same.
    Equal,
}

/// Effect of a taint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// No new pods.
    NoSchedule,
    /// No new pods if possible.
    PreferNoSchedule,
    /// No pods at all.
    NoExecute,
}

/// Affinity, as in a pod.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Affinity {
    /// Which nodes.
    pub node_affinity: Option<Map<String, Value>>,
    /// Beside which pods.
    pub pod_affinity: Option<Map<String, Value>>,
    /// Away from which pods.
    pub pod_anti_affinity: Option<Map<String, Value>>,
}

/// Spread over nodes or zones.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TopologySpread {
    /// Largest difference between two domains.
    #[schemars(required, range(min = 1))]
    pub max_skew: Option<u32>,
    /// Label of the nodes that makes the domains.
    #[schemars(required)]
    pub topology_key: Option<LabelKey>,
    /// What happens to a pod that does not fit.
    #[schemars(required)]
    pub when_unsatisfiable: Option<Unsatisfiable>,
    /// Which pods are counted.
    pub label_selector: Option<Map<String, Value>>,
    /// Labels of the pod that are added to the selector.
    pub match_label_keys: Option<Vec<LabelKey>>,
    /// Least number of domains.
    #[schemars(range(min = 1))]
    pub min_domains: Option<u32>,
    /// Whether node affinity is honoured.
    pub node_affinity_policy: Option<NodePolicy>,
    /// Whether taints are honoured.
    pub node_taints_policy: Option<NodePolicy>,
}

/// What happens to a pod that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Unsatisfiable {
    /// It waits.
    DoNotSchedule,
    /// It runs anyway.
    ScheduleAnyway,
}

/// Whether something of a node is honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum NodePolicy {
    /// It is.
    Honor,
    /// It is not.
    Ignore,
}

/// Extra annotations and labels of a service account.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceAccount {
    /// Annotations.
    #[schemars(extend("propertyNames" = text::property_names::<AnnotationKey>()))]
    pub annotations: Option<BTreeMap<String, Option<Text>>>,
    /// Labels.
    #[schemars(extend("propertyNames" = text::property_names::<LabelKey>()))]
    pub labels: Option<BTreeMap<String, Option<LabelValue>>>,
}

/// A change to objects of the stack.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Patch {
    /// Which objects; without it, the object that a strategic merge patch names itself.
    pub target: Option<PatchTarget>,
    /// A strategic merge patch or a list of JSON 6902 operations, as text or as YAML; its strings are templates.
    #[serde(default)]
    #[schemars(schema_with = "patch_body")]
    pub patch: Option<Value>,
    /// A file with the patch, below the directory of this file.
    pub path: Option<FilePath>,
}

/// Which objects a patch changes; kustomize's meaning.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchTarget {
    /// API group, an anchored regular expression.
    pub group: Option<Text>,
    /// API version without its group, an anchored regular expression.
    pub version: Option<Text>,
    /// Kind, an anchored regular expression.
    pub kind: Option<Text>,
    /// Name, an anchored regular expression.
    pub name: Option<Text>,
    /// Namespace, an anchored regular expression; an object that names none counts as in `default`.
    pub namespace: Option<Text>,
    /// Label selector.
    pub label_selector: Option<Text>,
    /// Selector on annotations.
    pub annotation_selector: Option<Text>,
}

fn patch_body(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "object", "array", "null"]})
}

fn no_proxy(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [
        {"type": "string", "format": NoProxyList::FORMAT.name},
        {"type": "array", "items": {"type": "string", "format": NoProxy::FORMAT.name}},
        {"type": "null"},
    ]})
}

/// The schema of a project without some of its keys, and with nothing required.
fn layer(generator: &mut SchemaGenerator, without: &[&str]) -> Schema {
    let mut schema = Project::json_schema(generator);
    schema.remove("required");
    schema.remove("title");
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for key in without {
            properties.shift_remove(*key);
        }
    }
    schema.insert("type".to_owned(), serde_json::json!(["object", "null"]));
    schema
}

/// Settings of every project: a project without its identity.
pub(super) fn defaults(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = layer(generator, &["name", "namespace"]);
    schema.remove("description");
    schema
}

/// Profiles: settings without identity, which refer to no profile themselves.
pub(super) fn profiles(generator: &mut SchemaGenerator) -> Schema {
    let mut profile = layer(generator, &["name", "namespace", "profile"]);
    profile.insert("description".to_owned(), "Settings of one profile.".into());
    json_schema!({
        "type": ["object", "null"],
        "propertyNames": text::property_names::<Reference>(),
        "additionalProperties": profile,
    })
}

/// The list of projects, which may be left empty but not left out.
pub(super) fn projects(generator: &mut SchemaGenerator) -> Schema {
    let project = generator.subschema_for::<Project>();
    json_schema!({"type": ["array", "null"], "items": project})
}
