//! One project: its merged settings, checked and settled.

use std::collections::BTreeMap;

use serde_json::Value;

use super::scope::{Report, Scope, below, typed};
use super::template::Renderer;
use super::{
    ApiServer, Available, BaseFacts, Cluster, Components, ConfigMapKey, ContainerSettings,
    IssuerRef, Metadata, Network, Peer, PersistenceAgent, PodSecurity, Project, Proxy,
    ScheduledWorkflow, Scheduling, ServiceAccountSettings, State, Switch, Ui, WorkflowController,
    Workspace, database, labels, object_store, resources,
};
use crate::config::types::{self, text};
use crate::config::{Content, Node};
use crate::diagnostic::{Code, nearest};
use crate::grammar::{duration, quantity};
use crate::source::Span;

/// Feature of a base whose task pods can mount a CA from a ConfigMap.
const CA_BUNDLE: &str = "taskCaConfigMap";
/// Feature of a base that works with other cluster domains than `cluster.local`.
const CLUSTER_DOMAIN: &str = "clusterDomain";

/// What a project depends on outside of its own settings.
pub(super) struct Context<'a> {
    pub databases: &'a BTreeMap<String, database::SharedServer>,
    pub stores: &'a BTreeMap<String, object_store::SharedStore>,
    pub available: &'a Available,
    pub renderer: &'a Renderer,
    /// Where the cluster's domain is written.
    pub domain_span: Option<Span>,
}

/// What was found out about a project before the rest of it is looked at.
pub(super) struct Header<'a> {
    pub name: &'a str,
    /// The name that derived names are made of: the first one of a project that was moved.
    pub origin: &'a str,
    pub namespace: &'a str,
    pub cluster: &'a Cluster,
    /// Name of the base; it exists.
    pub base: &'a str,
    pub span: Span,
}

/// Settles a project; `None` when something that others depend on was reported.
pub(super) fn resolve(
    context: &Context,
    header: &Header,
    merged: &Node,
    scope: Scope,
    report: &mut Report,
) -> Option<Project> {
    let written: types::Project = typed(merged);
    let facts = context.available.bases.get(header.base);
    let base = facts.map(|facts| (header.base, facts));
    let block = Block {
        scope: &scope,
        base,
        merged,
    };
    let database = database::Context {
        scope: &scope,
        origin: header.origin,
        servers: context.databases,
        stores: header.cluster.external_secrets.as_ref(),
        renderer: context.renderer,
    }
    .resolve(report, written.database);
    let object_store = object_store::Context {
        scope: &scope,
        origin: header.origin,
        shared: context.stores,
        stores: header.cluster.external_secrets.as_ref(),
        renderer: context.renderer,
        base,
    }
    .resolve(report, written.object_store);
    let network = block.network(report, written.network.unwrap_or_default());
    let pod_security = block.pod_security(report, written.pod_security.unwrap_or_default());
    let components = block.components(report, written.components.unwrap_or_default());
    let ca_bundle = written
        .ca_bundle
        .and_then(|ca| super::config_map_key(&scope, report, "/caBundle", ca));
    let pod_to_pod_tls = written
        .pod_to_pod_tls
        .and_then(|tls| block.issuer(report, "/podToPodTLS", tls.issuer));
    let proxy = written.proxy.and_then(|proxy| block.proxy(report, proxy));
    let scheduling = block.scheduling(report, written.scheduling.unwrap_or_default());
    let service_accounts =
        block.service_accounts(report, written.service_accounts.unwrap_or_default());
    let extra_manifests =
        block.extra_manifests(report, written.extra_manifests.unwrap_or_default());
    let quota = resources::quota(&scope, report, written.quota);
    let limit_range = resources::limit_range(&scope, report, written.limit_range);
    let project_labels = labels::labels(
        &scope,
        report,
        "/labels",
        texts(
            written.labels.unwrap_or_default(),
            |value: text::LabelValue| value.0,
        ),
    );
    let project_annotations = labels::annotations(
        &scope,
        report,
        "/annotations",
        texts(
            written.annotations.unwrap_or_default(),
            |value: text::Text| value.0,
        ),
    );
    block.cluster_domain(report, header.cluster, context.domain_span);
    let (database, object_store) = (database?, object_store?);
    block.certificate_authorities(
        report,
        ca_bundle.as_ref(),
        &object_store,
        pod_to_pod_tls.is_some(),
        context.stores,
    );
    Some(Project {
        name: header.name.to_owned(),
        namespace: header.namespace.to_owned(),
        create_namespace: written.create_namespace.unwrap_or(true),
        cluster: header.cluster.name.clone(),
        base: header.base.to_owned(),
        ring: written
            .ring
            .map(|ring| ring.0)
            .filter(|ring| !ring.is_empty()),
        state: match written.state {
            Some(types::State::Active) | None => State::Active,
            Some(types::State::Paused) => State::Paused,
            Some(types::State::Retired) => State::Retired,
        },
        description: written.description.map(|text| text.0),
        owner: written.owner.map(|text| text.0),
        labels: project_labels,
        annotations: project_annotations,
        database,
        object_store,
        network,
        quota,
        limit_range,
        pod_security,
        components,
        ca_bundle,
        pod_to_pod_tls,
        proxy,
        scheduling,
        service_accounts,
        extra_manifests,
        span: header.span,
        spans: scope.into_spans(),
    })
}

fn texts<T>(
    map: BTreeMap<String, Option<T>>,
    text: impl Fn(T) -> String,
) -> BTreeMap<String, Option<String>> {
    map.into_iter()
        .map(|(key, value)| (key, value.map(&text)))
        .collect()
}

/// The merged settings of a project while they are settled.
struct Block<'a> {
    scope: &'a Scope,
    base: Option<(&'a str, &'a BaseFacts)>,
    merged: &'a Node,
}

impl Block<'_> {
    fn network(&self, report: &mut Report, written: types::Network) -> Network {
        let isolated = written.isolation != Some(types::Isolation::None);
        let egress_restricted = written.egress == Some(types::Egress::Restricted);
        if !isolated {
            report.push(
                self.scope
                    .warning(
                        Code::IsolationOff,
                        "/network/isolation",
                        "isolation is off: every pod of the cluster can reach the stack, which asks nobody who they are",
                    )
                    .label("no network policy is written")
                    .hint("write `isolation: isolated`, and let single namespaces in by `ingressFrom`"),
            );
            if egress_restricted {
                report.push(
                    self.scope
                        .error(
                            Code::Conflict,
                            "/network/egress",
                            "egress is restricted, and no network policy is written",
                        )
                        .label("has no effect")
                        .also(self.scope.at("/network/isolation"), "isolation is off here")
                        .hint("write `isolation: isolated` or `egress: unrestricted`"),
                );
            }
        }
        let mut ingress_from = Vec::new();
        for (index, peer) in written
            .ingress_from
            .unwrap_or_default()
            .into_iter()
            .enumerate()
        {
            let pointer = format!("/network/ingressFrom/{index}");
            match (peer.namespace, peer.cidr) {
                (Some(namespace), None) => ingress_from.push(Peer::Namespace(namespace.0)),
                (None, Some(cidr)) => ingress_from.push(Peer::Cidr(cidr.0)),
                (namespace, _) => {
                    if self.scope.doubtful(&pointer) {
                        continue;
                    }
                    let message = if namespace.is_some() {
                        "an item of `ingressFrom` says both `namespace` and `cidr`"
                    } else {
                        "an item of `ingressFrom` says neither `namespace` nor `cidr`"
                    };
                    report.push(
                        self.scope
                            .error(Code::AmbiguousChoice, &pointer, message)
                            .hint("write exactly one of `{namespace: …}` and `{cidr: …}`"),
                    );
                }
            }
        }
        Network {
            isolated,
            ingress_from,
            egress_restricted,
            egress_to: written
                .egress_to
                .unwrap_or_default()
                .into_iter()
                .map(|cidr| cidr.0)
                .collect(),
        }
    }

    /// Settles the Pod Security levels.
    ///
    /// Source: Kubernetes pod security standards: `restricted` wants `runAsNonRoot`, which the user's images keep only
    /// when a user id is given.
    fn pod_security(&self, report: &mut Report, written: types::PodSecurity) -> PodSecurity {
        let name = |level: types::Level| {
            match level {
                types::Level::Privileged => "privileged",
                types::Level::Baseline => "baseline",
                types::Level::Restricted => "restricted",
            }
            .to_owned()
        };
        if written.enforce == Some(types::Level::Restricted) {
            match written.run_as_user {
                None if !self.scope.doubtful("/podSecurity/runAsUser") => report.push(
                    self.scope
                        .error(
                            Code::MissingKey,
                            "/podSecurity/enforce",
                            "`restricted` needs `runAsUser`",
                        )
                        .label("user steps would be refused")
                        .hint("write `runAsUser: 1000` beside it, or another user id that the images work with"),
                ),
                Some(0) => report.push(
                    self.scope
                        .error(
                            Code::Conflict,
                            "/podSecurity/runAsUser",
                            "`restricted` does not let user steps run as root",
                        )
                        .label("0 is root")
                        .also(self.scope.at("/podSecurity/enforce"), "`restricted` is asked for here")
                        .hint("write another user id, such as 1000"),
                ),
                _ => {}
            }
        }
        PodSecurity {
            enforce: name(written.enforce.unwrap_or(types::Level::Baseline)),
            warn: name(written.warn.unwrap_or(types::Level::Restricted)),
            run_as_user: written.run_as_user,
        }
    }

    fn container(
        &self,
        report: &mut Report,
        pointer: &str,
        image: Option<text::Image>,
        written: Option<types::Resources>,
    ) -> ContainerSettings {
        ContainerSettings {
            image: image.map(|image| image.0),
            resources: resources::resolve(
                self.scope,
                report,
                &below(pointer, "resources"),
                written,
            ),
        }
    }

    fn components(&self, report: &mut Report, written: types::Components) -> Components {
        let agent = written.persistence_agent.unwrap_or_default();
        let scheduled = written.scheduled_workflow.unwrap_or_default();
        let controller = written.workflow_controller.unwrap_or_default();
        let metadata = written.metadata.unwrap_or_default();
        let grpc = metadata.grpc.unwrap_or_default();
        let envoy = metadata.envoy.unwrap_or_default();
        let ui = written.ui.unwrap_or_default();
        let image =
            |only: Option<types::ImageOnly>| only.and_then(|only| only.image).map(|image| image.0);
        let switch = |switch: Option<types::Switch>| Switch {
            enabled: switch.and_then(|switch| switch.enabled).unwrap_or(false),
        };
        Components {
            api_server: self.api_server(report, written.api_server.unwrap_or_default()),
            persistence_agent: PersistenceAgent {
                container: self.container(
                    report,
                    "/components/persistenceAgent",
                    agent.image,
                    agent.resources,
                ),
                num_workers: agent.num_workers.unwrap_or(2),
            },
            scheduled_workflow: ScheduledWorkflow {
                container: self.container(
                    report,
                    "/components/scheduledWorkflow",
                    scheduled.image,
                    scheduled.resources,
                ),
                timezone: scheduled
                    .timezone
                    .map_or_else(|| "UTC".to_owned(), |timezone| timezone.0),
            },
            workflow_controller: self.workflow_controller(report, controller),
            metadata: Metadata {
                grpc: self.container(
                    report,
                    "/components/metadata/grpc",
                    grpc.image,
                    grpc.resources,
                ),
                envoy: self.container(
                    report,
                    "/components/metadata/envoy",
                    envoy.image,
                    envoy.resources,
                ),
            },
            ui: Ui {
                container: self.container(report, "/components/ui", ui.image, ui.resources),
                enabled: ui.enabled.unwrap_or(true),
            },
            viewer: switch(written.viewer),
            visualization: switch(written.visualization),
            driver_image: image(written.driver),
            launcher_image: image(written.launcher),
        }
    }

    fn api_server(&self, report: &mut Report, written: types::ApiServer) -> ApiServer {
        let pointer = "/components/apiServer";
        let workspace = written.workspace.and_then(|workspace| {
            let Some(storage_class) = workspace.storage_class else {
                self.scope.missing(
                    report,
                    &below(pointer, "workspace"),
                    "storageClass",
                    "write the storage class of the volume; the API server does not start without it",
                );
                return None;
            };
            Some(Workspace {
                storage_class: storage_class.0,
                access_modes: workspace
                    .access_modes
                    .unwrap_or_else(|| vec![types::AccessMode::ReadWriteOnce])
                    .into_iter()
                    .map(|mode| {
                        match mode {
                            types::AccessMode::ReadWriteOnce => "ReadWriteOnce",
                            types::AccessMode::ReadOnlyMany => "ReadOnlyMany",
                            types::AccessMode::ReadWriteMany => "ReadWriteMany",
                            types::AccessMode::ReadWriteOncePod => "ReadWriteOncePod",
                        }
                        .to_owned()
                    })
                    .collect(),
                size: workspace.size.map(|size| quantity::canonical(&size.0)),
            })
        });
        ApiServer {
            container: self.container(report, pointer, written.image, written.resources),
            env: written
                .env
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?.0)))
                .collect(),
            cache_enabled: written.cache_enabled.unwrap_or(true),
            pipeline_store: match written.pipeline_store {
                Some(types::PipelineStore::Kubernetes) => "kubernetes",
                Some(types::PipelineStore::Database) | None => "database",
            }
            .to_owned(),
            resource_ttl_seconds: written
                .resource_ttl
                .and_then(|ttl| duration::seconds(&ttl.0).ok()),
            workspace,
            sample_pipelines: written.sample_pipelines.unwrap_or(false),
            config: written
                .config
                .filter(|config| !config.is_empty())
                .map(Value::Object),
            launcher_config: written
                .launcher_config
                .filter(|config| !config.is_empty())
                .map(Value::Object),
        }
    }

    /// Settles the controller.
    ///
    /// Source: Argo Workflows v4.0.5, `config/config.go`: the configuration is parsed strictly, so that an unknown key
    /// stops the controller.
    fn workflow_controller(
        &self,
        report: &mut Report,
        written: types::WorkflowController,
    ) -> WorkflowController {
        let pointer = "/components/workflowController";
        let config_at = below(pointer, "config");
        if let (Some(config), Some((base, facts))) = (&written.config, self.base) {
            let known = &facts.controller_config_keys;
            for key in config.keys().filter(|key| !known.contains(*key)) {
                let mut diagnostic = self
                    .scope
                    .error(
                        Code::UnknownControllerKey,
                        &below(&config_at, key),
                        format!("the workflow controller of base `{base}` does not know `{key}`"),
                    )
                    .label("it would not start");
                if let Some(near) = nearest(key, known.iter().map(String::as_str)) {
                    diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
                }
                report.push(diagnostic);
            }
        }
        if let (Some(config), Some(_)) = (&written.config, written.parallelism)
            && config.contains_key("parallelism")
        {
            report.push(
                self.scope
                    .error(
                        Code::Conflict,
                        &below(&config_at, "parallelism"),
                        "`parallelism` is given twice, once in `config`",
                    )
                    .also(self.scope.at(&below(pointer, "parallelism")), "also here")
                    .hint("remove the one in `config`"),
            );
        }
        WorkflowController {
            container: self.container(report, pointer, written.image, written.resources),
            deploy: written.deploy.unwrap_or(true),
            executor_image: written.executor_image.map(|image| image.0),
            config: written
                .config
                .filter(|config| !config.is_empty())
                .map(Value::Object),
            parallelism: written.parallelism,
        }
    }

    fn issuer(
        &self,
        report: &mut Report,
        pointer: &str,
        written: Option<types::Issuer>,
    ) -> Option<IssuerRef> {
        let Some(issuer) = written else {
            self.scope.missing(
                report,
                pointer,
                "issuer",
                "write `issuer: {name: …}`: an issuer of cert-manager",
            );
            return None;
        };
        let Some(name) = issuer.name else {
            self.scope.missing(
                report,
                &below(pointer, "issuer"),
                "name",
                "write the name of an issuer of cert-manager",
            );
            return None;
        };
        Some(IssuerRef {
            name: name.0,
            kind: match issuer.kind {
                Some(types::IssuerKind::ClusterIssuer) => "ClusterIssuer",
                Some(types::IssuerKind::Issuer) | None => "Issuer",
            }
            .to_owned(),
        })
    }

    fn proxy(&self, report: &mut Report, written: types::Proxy) -> Option<Proxy> {
        let no_proxy: Vec<String> = written
            .no_proxy
            .unwrap_or_default()
            .into_iter()
            .map(|entry| entry.0.trim().to_owned())
            .collect();
        let http = written.http.map(|url| url.0);
        let https = written.https.map(|url| url.0).or_else(|| http.clone());
        if https.is_none() {
            if !no_proxy.is_empty() && !self.scope.doubtful("/proxy/https") {
                self.scope
                    .missing(report, "/proxy", "http", "write the URL of the proxy");
            }
            return None;
        }
        Some(Proxy {
            http,
            https,
            no_proxy,
        })
    }

    /// Settles placement.
    ///
    /// Source: Kubernetes core validation, `ValidateTolerations` and `validateTopologySpreadConstraints`, v1.31.
    fn scheduling(&self, report: &mut Report, written: types::Scheduling) -> Scheduling {
        for (index, toleration) in written.tolerations.iter().flatten().enumerate() {
            let pointer = format!("/scheduling/tolerations/{index}");
            if self.scope.doubtful(&pointer) {
                continue;
            }
            let exists = toleration.operator == Some(types::TolerationOperator::Exists);
            let problem = if exists
                && toleration
                    .value
                    .as_ref()
                    .is_some_and(|value| !value.0.is_empty())
            {
                Some("`value` goes with the operator `Equal` only")
            } else if !exists && toleration.key.is_none() {
                Some("without a `key`, the operator must be `Exists`")
            } else if toleration.toleration_seconds.is_some()
                && toleration
                    .effect
                    .is_some_and(|effect| effect != types::TaintEffect::NoExecute)
            {
                Some("`tolerationSeconds` goes with the effect `NoExecute` only")
            } else {
                None
            };
            if let Some(problem) = problem {
                report.push(
                    self.scope
                        .error(
                            Code::Conflict,
                            &pointer,
                            "the API server refuses this toleration",
                        )
                        .label(problem),
                );
            }
        }
        for (index, spread) in written.topology_spread.iter().flatten().enumerate() {
            let pointer = format!("/scheduling/topologySpread/{index}");
            if spread.min_domains.is_some()
                && spread.when_unsatisfiable == Some(types::Unsatisfiable::ScheduleAnyway)
            {
                report.push(
                    self.scope
                        .error(
                            Code::Conflict,
                            &pointer,
                            "the API server refuses this constraint",
                        )
                        .label("`minDomains` goes with `whenUnsatisfiable: DoNotSchedule` only"),
                );
            }
        }
        let written_node = self.merged.get("scheduling");
        let list = |key: &str| -> Vec<Value> {
            written_node
                .and_then(|node| node.get(key))
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter(|item| item.content != Content::Rejected)
                .map(|item| without_nulls(item.to_value()))
                .collect()
        };
        Scheduling {
            node_selector: written
                .node_selector
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?.0)))
                .collect(),
            tolerations: list("tolerations"),
            affinity: written_node
                .and_then(|node| node.get("affinity"))
                .map(|affinity| without_nulls(affinity.to_value()))
                .filter(|affinity| affinity.as_object().is_some_and(|map| !map.is_empty())),
            priority_class_name: written.priority_class_name.map(|name| name.0),
            topology_spread: list("topologySpread"),
        }
    }

    fn service_accounts(
        &self,
        report: &mut Report,
        written: BTreeMap<String, Option<types::ServiceAccount>>,
    ) -> BTreeMap<String, ServiceAccountSettings> {
        let mut settled = BTreeMap::new();
        for (name, account) in written {
            let pointer = below("/serviceAccounts", &name);
            if let Some((base, facts)) = self.base
                && !facts.service_accounts.contains(&name)
            {
                let known = &facts.service_accounts;
                let hint = match nearest(&name, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        let names: Vec<String> =
                            known.iter().map(|name| format!("`{name}`")).collect();
                        format!("the stack has {}", names.join(", "))
                    }
                };
                report.push(
                    self.scope
                        .error(
                            Code::UnknownServiceAccount,
                            &pointer,
                            format!("base `{base}` has no service account `{name}`"),
                        )
                        .label("would have no effect")
                        .hint(hint),
                );
            }
            let account = account.unwrap_or_default();
            let annotations = labels::annotations(
                self.scope,
                report,
                &below(&pointer, "annotations"),
                texts(
                    account.annotations.unwrap_or_default(),
                    |value: text::Text| value.0,
                ),
            );
            let labels = labels::labels(
                self.scope,
                report,
                &below(&pointer, "labels"),
                texts(
                    account.labels.unwrap_or_default(),
                    |value: text::LabelValue| value.0,
                ),
            );
            settled.insert(
                name,
                ServiceAccountSettings {
                    annotations,
                    labels,
                },
            );
        }
        settled
    }

    fn extra_manifests(
        &self,
        report: &mut Report,
        written: Vec<text::FilePath>,
    ) -> Vec<(String, Span)> {
        let mut manifests: Vec<(String, Span)> = Vec::with_capacity(written.len());
        // Positions are those of the list as written, of which rejected items are left out.
        let places: Vec<Span> = self
            .merged
            .get("extraManifests")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter(|item| item.content != Content::Rejected)
            .map(|item| item.span)
            .collect();
        for (path, place) in written.into_iter().zip(places) {
            let path = path.0;
            if let Some((_, first)) = manifests.iter().find(|(known, _)| *known == path) {
                report.push(
                    self.scope
                        .error(
                            Code::InvalidValue,
                            "/extraManifests",
                            format!("`{path}` is listed twice"),
                        )
                        .at(place)
                        .label("again here")
                        .also(*first, "first here")
                        .hint("remove one of the two"),
                );
                continue;
            }
            manifests.push((path, place));
        }
        manifests
    }

    fn cluster_domain(&self, report: &mut Report, cluster: &Cluster, domain: Option<Span>) {
        let Some((base, facts)) = self.base else {
            return;
        };
        if cluster.cluster_domain == "cluster.local" || facts.features.contains(CLUSTER_DOMAIN) {
            return;
        }
        let mut diagnostic = self
            .scope
            .error(
                Code::UnsupportedByBase,
                "/base",
                format!(
                    "base `{base}` works in clusters with the domain `cluster.local` only, not `{}`",
                    cluster.cluster_domain
                ),
            )
            .hint("use a newer base");
        if let Some(domain) = domain {
            diagnostic = diagnostic.also(domain, "the domain is given here");
        }
        report.push(diagnostic);
    }

    /// Checks that task pods need at most one CA bundle, which is all that they can mount.
    ///
    /// Source: Kubeflow Pipelines 2.17.0, `CABUNDLE_CONFIGMAP_NAME` and `CABUNDLE_KEY_NAME` of the API server; with
    /// TLS between pods the same place is taken by the CA of the stack's own certificates.
    fn certificate_authorities(
        &self,
        report: &mut Report,
        bundle: Option<&ConfigMapKey>,
        store: &super::ObjectStore,
        pod_tls: bool,
        stores: &BTreeMap<String, object_store::SharedStore>,
    ) {
        let store_ca = store.tls_ca.as_ref();
        let store_place = match &store.shared_name {
            Some(name) => stores.get(name).map(|shared| shared.at("/tls/ca")),
            None => Some(self.scope.at("/objectStore/external/tls/ca")),
        };
        if let (Some(bundle), Some(ca)) = (bundle, store_ca)
            && bundle != ca
        {
            let mut diagnostic = self
                .scope
                .error(
                    Code::Conflict,
                    "/caBundle",
                    format!(
                        "task pods can trust one CA bundle, and two are given: `{}` and `{}`",
                        bundle.config_map, ca.config_map
                    ),
                )
                .label("one for everything")
                .hint("put all certificates into one ConfigMap and name it in both places");
            if let Some(place) = store_place {
                diagnostic = diagnostic.also(place, "another one for the object store");
            }
            report.push(diagnostic);
        }
        let (pointer, noun) = if bundle.is_some() {
            ("/caBundle", "`caBundle`")
        } else if store_ca.is_some() {
            ("/objectStore", "the object store's CA")
        } else {
            return;
        };
        if pod_tls {
            report.push(
                self.scope
                    .error(
                        Code::Conflict,
                        "/podToPodTLS",
                        format!("task pods can trust one CA bundle: the one of `podToPodTLS`, or {noun}"),
                    )
                    .also(self.scope.at(pointer), "the other one")
                    .hint("remove one of the two, or let images and servers do without a CA of their own"),
            );
        }
        match self.base {
            Some((base, facts)) if !facts.features.contains(CA_BUNDLE) => report.push(
                self.scope
                    .error(
                        Code::UnsupportedByBase,
                        pointer,
                        format!("task pods of base `{base}` cannot trust a CA from a ConfigMap"),
                    )
                    .hint("use a newer base, or images that trust the CA already"),
            ),
            _ => {}
        }
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
