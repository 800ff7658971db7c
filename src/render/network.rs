//! NetworkPolicies: default deny, and exactly the flows that the base declares.
//!
//! Policies are additive, so each accepting role gets one policy that lists who may reach it.
//! Source: kfp-stack §9 (traffic matrix, as data in `base.yaml`), gitops-wiring §4.3.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::base::{Base, Facts};
use crate::model::{Cluster, Exposure, Peer, Project, StorageKind};
use crate::object::Object;
use crate::plan::{AccessPlan, Plan, namespace_of};

/// Ports of the Kubernetes API server's endpoints and Service.
const API_SERVER_PORTS: [u16; 2] = [443, 6443];

/// Returns the policies of a project; none when isolation is off.
pub(super) fn policies(
    objects: &[Object],
    project: &Project,
    cluster: &Cluster,
    plan: &Plan,
    base: &Base,
) -> Vec<Object> {
    if !project.network.isolated {
        return Vec::new();
    }
    let facts = &base.facts;
    let present = present_roles(objects, facts);
    let restricted = project.network.egress_restricted;
    let mut bodies = vec![default_deny(restricted)];
    for role in &present {
        let ingress = ingress_rules(role, &present, project, cluster, plan, facts);
        if !ingress.is_empty() {
            let spec = json!({
                "podSelector": {"matchLabels": facts.roles[*role]},
                "policyTypes": ["Ingress"],
                "ingress": ingress,
            });
            bodies.push(policy(&format!("{}-ingress", kebab(role)), spec));
        }
    }
    if restricted {
        bodies.push(common_egress(project, cluster));
        for role in &present {
            let egress = egress_rules(role, &present, project, cluster, plan, facts);
            if !egress.is_empty() {
                let spec = json!({
                    "podSelector": {"matchLabels": facts.roles[*role]},
                    "policyTypes": ["Egress"],
                    "egress": egress,
                });
                bodies.push(policy(&format!("{}-egress", kebab(role)), spec));
            }
        }
    }
    bodies
        .into_iter()
        .map(|body| Object {
            body,
            file: "network".to_owned(),
        })
        .collect()
}

/// Returns the roles that have pods: those whose labels some pod template carries, and those whose pods appear at run time.
fn present_roles<'a>(objects: &[Object], facts: &'a Facts) -> Vec<&'a str> {
    let has_pods = |role: &str| {
        facts.roles.get(role).is_some_and(|labels| {
            objects.iter().any(|object| {
                object
                    .body
                    .pointer("/spec/template/metadata/labels")
                    .and_then(Value::as_object)
                    .is_some_and(|pod| {
                        labels
                            .iter()
                            .all(|(key, value)| pod.get(key).and_then(Value::as_str) == Some(value))
                    })
            })
        })
    };
    facts
        .roles
        .keys()
        .map(String::as_str)
        .filter(|role| {
            let external = facts.external_roles.iter().any(|known| known == role);
            let starter = facts.started_by.get(*role);
            external || has_pods(role) || starter.is_some_and(|starter| has_pods(starter))
        })
        .collect()
}

fn default_deny(restricted: bool) -> Value {
    let types: &[&str] = if restricted {
        &["Ingress", "Egress"]
    } else {
        &["Ingress"]
    };
    policy(
        "default-deny",
        json!({"podSelector": {}, "policyTypes": types}),
    )
}

fn ingress_rules(
    role: &str,
    present: &[&str],
    project: &Project,
    cluster: &Cluster,
    plan: &Plan,
    facts: &Facts,
) -> Vec<Value> {
    // Peers that may reach the same ports share one rule.
    let mut peers_by_ports: BTreeMap<Vec<u16>, Vec<Value>> = BTreeMap::new();
    for from in present {
        let ports = ports_between(from, role, facts);
        if !ports.is_empty() {
            peers_by_ports
                .entry(ports)
                .or_default()
                .push(json!({"podSelector": {"matchLabels": facts.roles[*from]}}));
        }
    }
    let mut rules: Vec<Value> = peers_by_ports
        .into_iter()
        .map(|(ports, from)| json!({"from": from, "ports": tcp(&ports)}))
        .collect();
    if let Some(ports) = facts.entry.get(role) {
        let from: Vec<Value> = project.network.ingress_from.iter().map(peer).collect();
        if !from.is_empty() {
            rules.push(json!({"from": from, "ports": tcp(ports)}));
        }
    }
    if let Some(access) = &plan.access
        && is_front(role, facts)
    {
        let ports = tcp(&[access.port]);
        let from = outside(access, plan, cluster);
        rules.push(if from.is_empty() {
            json!({"ports": ports})
        } else {
            json!({"from": from, "ports": ports})
        });
    }
    if let Some(ports) = facts.metrics.get(role) {
        let from: Vec<Value> = cluster
            .network
            .monitoring_namespaces
            .iter()
            .map(|namespace| namespace_peer(namespace))
            .collect();
        if !from.is_empty() {
            rules.push(json!({"from": from, "ports": tcp(ports)}));
        }
    }
    rules
}

/// Tells whether a role is that of the proxy in front of a stack.
fn is_front(role: &str, facts: &Facts) -> bool {
    let access = facts.access.as_ref();
    access.is_some_and(|access| access.role == role)
}

/// Returns who brings traffic from outside to the proxy; nobody in particular is anybody, since the proxy asks everybody who they are.
///
/// Source: gitops-wiring §4.3; OpenShift labels the namespaces of its routers.
fn outside(access: &AccessPlan, plan: &Plan, cluster: &Cluster) -> Vec<Value> {
    let mut namespaces: BTreeSet<&str> = BTreeSet::new();
    namespaces.extend(
        cluster
            .network
            .ingress_namespaces
            .iter()
            .map(String::as_str),
    );
    if let Some(gateway) = &access.gateway
        && !namespaces.is_empty()
    {
        // Many implementations run the proxies of a Gateway beside it.
        namespaces.insert(gateway.namespace.as_deref().unwrap_or(&plan.namespace));
    }
    let mut peers: Vec<Value> = namespaces.into_iter().map(namespace_peer).collect();
    if access.exposure == Exposure::Route {
        peers.push(json!({"namespaceSelector": {"matchLabels": {"network.openshift.io/policy-group": "ingress"}}}));
    }
    peers
}

/// Returns the ports at which `to` accepts connections of `from`, sorted.
fn ports_between(from: &str, to: &str, facts: &Facts) -> Vec<u16> {
    let ports: BTreeSet<u16> = facts
        .flows
        .iter()
        .filter(|flow| flow.to == to && flow.from.iter().any(|role| role == from))
        .flat_map(|flow| flow.ports.iter().copied())
        .collect();
    ports.into_iter().collect()
}

/// What every pod may reach when egress is restricted: DNS, and the addresses that the project lists.
fn common_egress(project: &Project, cluster: &Cluster) -> Value {
    let dns = &cluster.network.dns;
    let mut to = namespace_peer(&dns.namespace);
    if !dns.pod_labels.is_empty() {
        to["podSelector"] = json!({"matchLabels": dns.pod_labels});
    }
    let mut egress = vec![json!({
        "to": [to],
        "ports": [
            {"port": dns.port, "protocol": "UDP"},
            {"port": dns.port, "protocol": "TCP"},
        ],
    })];
    if !project.network.egress_to.is_empty() {
        let to: Vec<Value> = project
            .network
            .egress_to
            .iter()
            .map(|cidr| cidr_peer(cidr))
            .collect();
        egress.push(json!({"to": to}));
    }
    policy(
        "common-egress",
        json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": egress}),
    )
}

fn egress_rules(
    role: &str,
    present: &[&str],
    project: &Project,
    cluster: &Cluster,
    plan: &Plan,
    facts: &Facts,
) -> Vec<Value> {
    let mut rules = Vec::new();
    for to in present {
        let ports = ports_between(role, to, facts);
        if !ports.is_empty() {
            rules.push(json!({
                "to": [{"podSelector": {"matchLabels": facts.roles[*to]}}],
                "ports": tcp(&ports),
            }));
        }
    }
    let calls = |roles: &[String]| roles.iter().any(|known| known == role);
    if calls(&facts.kubernetes_api) {
        let to: Vec<Value> = cluster
            .network
            .api_server
            .iter()
            .map(|cidr| cidr_peer(cidr))
            .collect();
        rules.push(json!({"to": to, "ports": tcp(&API_SERVER_PORTS)}));
    }
    let servers = [
        (
            &facts.database,
            project.database.kind,
            &plan.database.host,
            plan.database.port,
        ),
        (
            &facts.object_store,
            project.object_store.kind,
            &plan.object_store.host,
            plan.object_store.port,
        ),
    ];
    for (roles, kind, host, port) in servers {
        if kind != StorageKind::Embedded && calls(roles) {
            rules.extend(server_rule(host, port, cluster));
        }
    }
    let access = plan.access.as_ref();
    if is_front(role, facts)
        && let Some((host, port)) = access.and_then(|access| access.oidc_server.as_ref())
    {
        rules.extend(server_rule(host, *port, cluster));
    }
    rules
}

/// Lets a server through whose address a policy can express.
///
/// In the cluster, the policy sees the pod's port, which the Service's port does not tell: the namespace is let through as a whole.
/// A public name cannot be expressed; planning has warned about it.
fn server_rule(host: &str, port: u16, cluster: &Cluster) -> Option<Value> {
    if let Some(namespace) = namespace_of(host, &cluster.cluster_domain) {
        return Some(json!({"to": [namespace_peer(namespace)]}));
    }
    let cidr = match host.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => format!("{address}/32"),
        IpAddr::V6(address) => format!("{address}/128"),
    };
    Some(json!({"to": [cidr_peer(&cidr)], "ports": tcp(&[port])}))
}

pub(super) fn peer(peer: &Peer) -> Value {
    match peer {
        Peer::Namespace(namespace) => namespace_peer(namespace),
        Peer::Cidr(cidr) => cidr_peer(cidr),
    }
}

fn namespace_peer(namespace: &str) -> Value {
    json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}})
}

fn cidr_peer(cidr: &str) -> Value {
    json!({"ipBlock": {"cidr": cidr}})
}

fn tcp(ports: &[u16]) -> Vec<Value> {
    ports
        .iter()
        .map(|port| json!({"port": port, "protocol": "TCP"}))
        .collect()
}

fn policy(name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// Turns `metadataGrpc` into `metadata-grpc`.
pub(super) fn kebab(role: &str) -> String {
    let mut name = String::with_capacity(role.len() + 2);
    for character in role.chars() {
        if character.is_ascii_uppercase() {
            name.push('-');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}
