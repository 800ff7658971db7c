//! One project: its merged settings, checked and settled.

mod components;
mod scheduling;

use std::collections::BTreeMap;

use super::scope::{Report, Scope, below, typed};
use super::template::Renderer;
use super::{
    Available, BaseFacts, Cluster, ConfigMapKey, Network, Peer, PodSecurity, Project, Proxy,
    ServiceAccountSettings, State, access, combinations, database, forms, labels, members,
    object_store, patches, resources,
};
use crate::config::types::{self, text};
use crate::config::{Content, Node};
use crate::diagnostic::{Code, Severity, nearest};
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
    /// Where it is written whether the cluster is one of OpenShift.
    pub openshift_span: Option<Span>,
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
        base: facts,
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
    let members = members::resolve(&scope, report, merged, written.members.unwrap_or_default());
    let access = access::resolve(
        &scope,
        report,
        header,
        context.openshift_span,
        written.access.unwrap_or_default(),
    );
    let network = block.network(report, written.network.unwrap_or_default());
    let pod_security = block.pod_security(report, written.pod_security.unwrap_or_default());
    let components = block.components(report, written.components.unwrap_or_default());
    let ca_bundle = written
        .ca_bundle
        .and_then(|ca| forms::config_map_key(&scope, report, "/caBundle", ca));
    let pod_to_pod_tls = written
        .pod_to_pod_tls
        .and_then(|tls| forms::issuer(&scope, report, "/podToPodTLS", tls.issuer));
    let proxy = written.proxy.and_then(|proxy| block.proxy(report, proxy));
    let scheduling = block.scheduling(report, written.scheduling.unwrap_or_default());
    let service_accounts =
        block.service_accounts(report, written.service_accounts.unwrap_or_default());
    let extra_manifests =
        block.extra_manifests(report, written.extra_manifests.unwrap_or_default());
    let patches = patches::resolve(&scope, report, merged, context.renderer);
    let quota = resources::quota(&scope, report, written.quota);
    let limit_range = resources::limit_range(&scope, report, written.limit_range);
    let project_labels = labels::labels(
        &scope,
        report,
        merged,
        "/labels",
        texts(
            written.labels.unwrap_or_default(),
            |value: text::LabelValue| value.0,
        ),
    );
    let project_annotations = labels::annotations(
        &scope,
        report,
        merged,
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
    let mut project = Project {
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
        members,
        access,
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
        patches,
        span: header.span,
        spans: BTreeMap::new(),
    };
    combinations::check(&project, &scope, block.base, report);
    project.spans = scope.into_spans();
    Some(project)
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
        let level_name = |level: types::Level| {
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
            enforce: level_name(written.enforce.unwrap_or(types::Level::Baseline)),
            warn: level_name(written.warn.unwrap_or(types::Level::Restricted)),
            run_as_user: written.run_as_user,
        }
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
                self.merged,
                &below(&pointer, "annotations"),
                texts(
                    account.annotations.unwrap_or_default(),
                    |value: text::Text| value.0,
                ),
            );
            let labels = labels::labels(
                self.scope,
                report,
                self.merged,
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
                        "task pods can trust one CA bundle, and two are given: `{}/{}` and `{}/{}`",
                        bundle.config_map, bundle.key, ca.config_map, ca.key
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
            let mut warning = self
                .scope
                .error(
                    Code::Conflict,
                    "/podToPodTLS",
                    format!("task pods and the UI trust one CA bundle: {noun} must hold the CA of this issuer too"),
                )
                .also(self.scope.at(pointer), "the bundle")
                .hint("add the issuer's certificate to the bundle");
            warning.severity = Severity::Warning;
            report.push(warning);
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
