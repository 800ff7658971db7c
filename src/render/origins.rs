//! What Tenantry's own steps read for the values that they set.
//!
//! Takes an object after a step and a JSON pointer to a value that the step has set; gives the paths of what decided it.
//! A value that is the same for every project (the apiVersion of a policy, a label) has none.
//! Asked by `explain` only.

use serde_json::Value;

use crate::base::{Base, Facts, Flow};
use crate::model::{Cluster, Peer, Project};
use crate::object::Object;
use crate::plan::Plan;
use crate::trace::{Read, Written, read, tokens};

use super::{network, settings};

/// Returns what the value of [`settings::apply`] was read from.
pub(super) fn settings(
    object: &Object,
    pointer: &str,
    project: &Project,
    plan: &Plan,
    base: &Base,
) -> Written {
    let steps = tokens(pointer);
    let Some((container, rest)) = container(&object.body, &steps) else {
        return Written::default();
    };
    let text = |key: &str| container.get(key).and_then(Value::as_str);
    match rest {
        [field] if field == "image" => {
            let named = plan
                .images
                .iter()
                .filter(|(name, image)| base.facts.images.get(*name) != Some(image))
                .find(|(_, image)| text("image") == Some(image));
            Written::of(named.map(|(name, _)| read(["plan", "images", name])))
        }
        [field, part, name] if field == "resources" => {
            let known = settings::containers(project);
            let of_this = known.iter().find(|(key, _)| {
                let workload = base.facts.workloads.get(key);
                workload.is_some_and(|workload| {
                    workload.kind == object.kind()
                        && workload.name == object.name()
                        && text("name") == Some(&workload.container)
                })
            });
            let Some((key, given)) = of_this else {
                return Written::default();
            };
            // A limit below the base's request lowers the request too, and the other way round.
            let said = given.resources.as_ref().is_some_and(|resources| {
                let part = if part == "requests" {
                    &resources.requests
                } else {
                    &resources.limits
                };
                part.contains_key(name)
            });
            let part = match (said, part.as_str()) {
                (true, part) => part,
                (false, "requests") => "limits",
                (false, _) => "requests",
            };
            let mut path = match key.split_once('.') {
                Some(("database", _)) => read(["project", "database", "embedded"]),
                Some(("objectStore", _)) => read(["project", "objectStore", "embedded"]),
                _ => read(["project", "components"].into_iter().chain(key.split('.'))),
            };
            path.extend(read(["resources", part, name]));
            Written::of([path])
        }
        _ => Written::default(),
    }
}

/// Returns the container around a value, and the steps below it.
fn container<'v, 's>(body: &'v Value, steps: &'s [String]) -> Option<(&'v Value, &'s [String])> {
    let at = steps
        .iter()
        .position(|step| step == "containers" || step == "initContainers")?;
    let index: usize = steps.get(at + 1)?.parse().ok()?;
    let list = steps[..=at]
        .iter()
        .try_fold(body, |value, step| value.get(step))?;
    Some((list.get(index)?, &steps[at + 2..]))
}

/// Returns what the Roles and RoleBindings of members were read from.
pub(super) fn members(object: &Object, pointer: &str) -> Written {
    let Some(level) = object.name().strip_prefix("members-") else {
        return Written::default();
    };
    let steps = tokens(pointer);
    let list = || read(["project", "members", level]);
    match steps.first().map(String::as_str) {
        Some("rules") => Written {
            reads: vec![read(["base", "members", level])],
            conditions: vec![list()],
            ..Written::default()
        },
        Some("subjects") => {
            let mut path = list();
            path.extend(steps.get(1).cloned());
            Written::of([path])
        }
        _ => Written {
            conditions: vec![list()],
            ..Written::default()
        },
    }
}

/// Returns what the Namespace, the quota and the limits were read from.
pub(super) fn namespace(object: &Object, pointer: &str, project: &Project) -> Written {
    let steps = tokens(pointer);
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let of = |path: &[&str]| Written::of([read(path.iter().copied())]);
    match (object.kind(), steps.as_slice()) {
        ("Namespace", ["metadata", "name"]) => of(&["project", "namespace"]),
        ("Namespace", ["metadata", "labels", key]) => {
            let mode = key.rsplit('/').next().unwrap_or_default();
            match mode {
                "enforce" => of(&["project", "podSecurity", "enforce"]),
                "warn" | "audit" => of(&["project", "podSecurity", "warn"]),
                _ => Written::default(),
            }
        }
        ("ResourceQuota", ["spec", "hard", name]) => of(&["project", "quota", name]),
        ("LimitRange", ["spec", "limits", _, part, name]) if project.limit_range.is_some() => {
            of(&["project", "limitRange", part, name])
        }
        ("ResourceQuota", _) => because(&["project", "quota"]),
        ("LimitRange", _) if project.limit_range.is_some() => because(&["project", "limitRange"]),
        ("LimitRange", _) => because(&["project", "quota"]),
        _ => Written::default(),
    }
}

fn because(path: &[&str]) -> Written {
    Written {
        conditions: vec![read(path.iter().copied())],
        ..Written::default()
    }
}

/// Returns what a network policy was read from: the flows of the base, and the settings of project and platform.
pub(super) fn network(
    object: &Object,
    pointer: &str,
    project: &Project,
    cluster: &Cluster,
    facts: &Facts,
) -> Written {
    let steps = tokens(pointer);
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let mut written = because(&["project", "network", "isolation"]);
    let role = facts.roles.keys().find(|role| {
        let name = network::kebab(role);
        object.name() == format!("{name}-ingress") || object.name() == format!("{name}-egress")
    });
    let selector = |role: &str| read(["base", "roles", role]);
    if let (Some(role), ["spec", "podSelector", ..]) = (role, steps.as_slice()) {
        written.reads.push(selector(role));
        return written;
    }
    let [
        "spec",
        direction @ ("ingress" | "egress"),
        number,
        below @ ..,
    ] = steps.as_slice()
    else {
        if steps.contains(&"policyTypes") {
            written.reads.push(read(["project", "network", "egress"]));
        }
        return written;
    };
    let rule = object.body.pointer(&format!("/spec/{direction}/{number}"));
    let leaf = object.body.pointer(pointer);
    if let [side @ ("from" | "to"), index, ..] = below {
        let peer = rule.and_then(|rule| rule.get(*side)?.get(index.parse::<usize>().ok()?));
        let common = object.name() == COMMON;
        written
            .reads
            .extend(peer_of(peer, project, cluster, facts, common));
        return written;
    }
    let Some(rule) = rule else { return written };
    let other = if *direction == "ingress" {
        "from"
    } else {
        "to"
    };
    let peers: Vec<&Value> = rule
        .get(other)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    written.reads.extend(ports_of(
        role.map(String::as_str),
        direction,
        &peers,
        leaf,
        project,
        facts,
    ));
    if role.is_none() && object.name() == COMMON {
        written
            .reads
            .push(read(["platform", "network", "dns", "port"]));
    }
    written
}

/// Name of the policy for what every pod may reach.
const COMMON: &str = "common-egress";

/// Returns what a peer of a rule was read from.
fn peer_of(
    peer: Option<&Value>,
    project: &Project,
    cluster: &Cluster,
    facts: &Facts,
    common: bool,
) -> Vec<Read> {
    let Some(peer) = peer else { return Vec::new() };
    let labels = |key: &str| {
        peer.get(key)
            .and_then(|selector| selector.get("matchLabels"))
    };
    if let Some(cidr) = peer.pointer("/ipBlock/cidr").and_then(Value::as_str) {
        let listed = |list: &[String], path: &[&str]| {
            let at = list.iter().position(|entry| entry == cidr)?;
            let mut path = read(path.iter().copied());
            path.push(at.to_string());
            Some(path)
        };
        let own = listed(
            &project.network.egress_to,
            &["project", "network", "egressTo"],
        );
        let api = listed(
            &cluster.network.api_server,
            &["platform", "network", "apiServer"],
        );
        let from = ingress(
            project,
            |peer| matches!(peer, Peer::Cidr(known) if known == cidr),
        );
        return match own.or(from).or(api) {
            Some(path) => vec![path],
            None => servers(project),
        };
    }
    let namespace = labels("namespaceSelector")
        .and_then(|labels| labels.get("kubernetes.io/metadata.name"))
        .and_then(Value::as_str);
    if let Some(namespace) = namespace {
        if common {
            return vec![read(["platform", "network", "dns"])];
        }
        let from = ingress(
            project,
            |peer| matches!(peer, Peer::Namespace(known) if known == namespace),
        );
        let monitoring = &cluster.network.monitoring_namespaces;
        let monitoring = monitoring
            .iter()
            .position(|known| known == namespace)
            .map(|at| {
                let mut path = read(["platform", "network", "monitoringNamespaces"]);
                path.push(at.to_string());
                path
            });
        let ingress = &cluster.network.ingress_namespaces;
        let ingress = ingress
            .iter()
            .position(|known| known == namespace)
            .map(|at| {
                let mut path = read(["platform", "network", "ingressNamespaces"]);
                path.push(at.to_string());
                path
            });
        let gateway = project
            .access
            .as_ref()
            .and_then(|access| access.gateway.as_ref());
        let gateway = gateway
            .filter(|gateway| gateway.namespace.as_deref() == Some(namespace))
            .map(|_| read(["project", "access", "gateway", "namespace"]));
        return match from.or(monitoring).or(ingress).or(gateway) {
            Some(path) => vec![path],
            None => servers(project),
        };
    }
    if labels("namespaceSelector").is_some() {
        // The routers of OpenShift, by the label of their namespace.
        return vec![read(["project", "access", "exposure"])];
    }
    let pods = labels("podSelector");
    let role = facts
        .roles
        .iter()
        .find(|(_, labels)| pods.is_some_and(|pods| *pods == serde_json::json!(labels)));
    role.map(|(role, _)| read(["base", "roles", role]))
        .into_iter()
        .collect()
}

/// Servers outside of the stack.
fn servers(project: &Project) -> Vec<Read> {
    let mut reads = vec![
        read(["plan", "database", "host"]),
        read(["plan", "objectStore", "host"]),
    ];
    if project
        .access
        .as_ref()
        .is_some_and(|access| access.oidc.is_some())
    {
        reads.push(read(["project", "access", "oidc", "issuer"]));
    }
    reads
}

fn ingress(project: &Project, is: impl Fn(&Peer) -> bool) -> Option<Read> {
    let at = project.network.ingress_from.iter().position(is)?;
    let mut path = read(["project", "network", "ingressFrom"]);
    path.push(at.to_string());
    Some(path)
}

/// Returns what the ports of a rule were read from: the flows between the roles on its sides.
fn ports_of(
    role: Option<&str>,
    direction: &str,
    peers: &[&Value],
    leaf: Option<&Value>,
    project: &Project,
    facts: &Facts,
) -> Vec<Read> {
    let Some(role) = role else { return Vec::new() };
    let role_of = |peer: &Value| {
        let pods = peer.pointer("/podSelector/matchLabels")?;
        let known = facts.roles.iter();
        let mut same = known.filter(|(_, labels)| *pods == serde_json::json!(labels));
        same.next().map(|(role, _)| role.as_str())
    };
    let others: Vec<&str> = peers.iter().filter_map(|peer| role_of(peer)).collect();
    let port = leaf.and_then(Value::as_u64);
    let between = |flow: &Flow| {
        let known = |name: &String| others.contains(&name.as_str());
        let ends = if direction == "ingress" {
            flow.to == role && flow.from.iter().any(known)
        } else {
            flow.from.iter().any(|from| from == role) && known(&flow.to)
        };
        ends && port.is_none_or(|port| flow.ports.iter().any(|known| u64::from(*known) == port))
    };
    let mut reads: Vec<Read> = facts
        .flows
        .iter()
        .enumerate()
        .filter(|(_, flow)| between(flow))
        .map(|(index, _)| read(["base", "flows", &index.to_string()]))
        .collect();
    if reads.is_empty() && direction == "ingress" {
        // What comes from outside: listed by the project, or Prometheus.
        let listed = peers
            .iter()
            .any(|peer| ingress(project, |known| network::peer(known) == **peer).is_some());
        let front = facts.access.as_ref().filter(|access| access.role == role);
        let access_port = project.access.is_some() && front.is_some();
        reads.push(match (listed, access_port) {
            (true, _) => read(["base", "entry", role]),
            (false, true) => read(["plan", "access", "port"]),
            (false, false) => read(["base", "metrics", role]),
        });
    }
    if reads.is_empty()
        && direction == "egress"
        && facts.kubernetes_api.iter().any(|known| known == role)
    {
        reads.push(read(["base", "kubernetesApi"]));
    }
    reads
}

/// Returns what the step for the state of the project reads.
pub(super) fn state() -> Written {
    Written::of([read(["project", "state"])])
}

/// Returns what the step for mirrors reads.
pub(super) fn mirrors() -> Written {
    Written::of([read(["platform", "images", "mirrors"])])
}

/// Returns what the namespace of an object is read from.
pub(super) fn own_namespace() -> Written {
    Written::of([read(["project", "namespace"])])
}

/// Returns what a label or annotation of a ServiceAccount is read from.
pub(super) fn service_account(object: &Object, pointer: &str) -> Written {
    let mut path = read(["project", "serviceAccounts", object.name()]);
    path.extend(tokens(pointer).into_iter().skip(1));
    Written::of([path])
}

/// Returns what a pod's placement and proxy are read from.
pub(super) fn pods(object: &Object, pointer: &str) -> Written {
    let steps = tokens(pointer);
    if let Some((container, rest)) = container(&object.body, &steps) {
        let variable = rest.get(1).and_then(|index| {
            container
                .get("env")?
                .get(index.parse::<usize>().ok()?)?
                .get("name")
        });
        let key = match variable.and_then(Value::as_str) {
            Some("HTTP_PROXY") => "http",
            Some("HTTPS_PROXY") => "https",
            _ => "noProxy",
        };
        return Written::of([read(["plan", "proxy", key])]);
    }
    // Below the spec of the pod template, which is the last one on the way.
    let spec = steps
        .iter()
        .rposition(|step| step == "spec")
        .map_or(0, |at| at + 1);
    let mut path = read(["project", "scheduling"]);
    path.extend(steps[spec..].iter().map(|step| {
        if step == "topologySpreadConstraints" {
            "topologySpread".to_owned()
        } else {
            step.clone()
        }
    }));
    Written::of([path])
}

/// Returns what the step for pull secrets reads.
pub(super) fn pull_secrets() -> Written {
    Written::of([read(["platform", "images", "pullSecrets"])])
}

/// Returns what a label is read from.
pub(super) fn labels(object: &Object, pointer: &str, project: &Project) -> Written {
    let key = tokens(pointer).pop().unwrap_or_default();
    match key.as_str() {
        "tenantry.dev/project" => Written::of([read(["project", "name"])]),
        "tenantry.dev/ring" => Written::of([read(["project", "ring"])]),
        own if project.labels.contains_key(own) => Written::of([read(["project", "labels", own])]),
        _ => standard_labels(object, pointer),
    }
}

/// Returns what one of the labels is read from that every object carries.
pub(super) fn standard_labels(object: &Object, pointer: &str) -> Written {
    match tokens(pointer).last().map(String::as_str) {
        Some("app.kubernetes.io/name") => Written::of([read(["base", "files", &object.file])]),
        Some("app.kubernetes.io/version") => Written::of([read(["base", "version"])]),
        _ => Written::default(),
    }
}

/// Returns what an annotation is read from.
pub(super) fn annotations(pointer: &str, project: &Project) -> Written {
    let key = tokens(pointer).pop().unwrap_or_default();
    let of = |key: &str| Written::of([read(["project", key])]);
    match key.as_str() {
        "tenantry.dev/description" => of("description"),
        "tenantry.dev/owner" => of("owner"),
        "tenantry.dev/state" => of("state"),
        own if project.annotations.contains_key(own) => {
            Written::of([read(["project", "annotations", own])])
        }
        _ => Written::default(),
    }
}

/// Returns what lets a proxy ask the API server.
pub(super) fn token_review() -> Written {
    because(&["project", "access", "auth"])
}

/// Returns what the waves are there for.
pub(super) fn sync() -> Written {
    because(&["platform", "sync"])
}
