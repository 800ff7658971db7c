//! Who may do more than before: Roles, bindings, and ways in from outside.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Finding, Hazard, Pair, at, items, text, texts};
use crate::object::Object;

const RBAC: &str = "rbac.authorization.k8s.io";
const CURE: &str = "check that this is meant";

pub(super) fn find(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    roles(pair, findings);
    bindings(pair, findings);
    ways_in(pair, findings);
}

fn widened(pair: &Pair<'_>, what: String) -> Finding {
    pair.finding(Hazard::AccessWidened, what, CURE)
}

/// One permission, every list of a rule resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Grant<'a> {
    Resource {
        group: &'a str,
        resource: &'a str,
        /// `None` is every object.
        name: Option<&'a str>,
        verb: &'a str,
    },
    Url {
        url: &'a str,
        verb: &'a str,
    },
}

/// Finds Roles that permit more. A Role that is new grants nothing by itself: its binding is new as well, or was there.
fn roles(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    for kind in ["Role", "ClusterRole"] {
        for new in pair.new.objects.of_kind(RBAC, kind) {
            let old = pair.old.objects.get(&new.key());
            if old.is_none() && !is_bound(pair, kind, new.name()) {
                continue;
            }
            let none = Value::Null;
            let before = old.map_or(&none, |old| &old.body);
            let gained: BTreeSet<Grant<'_>> = grants(&new.body)
                .filter(|grant| !covered(before, grant))
                .collect();
            if !gained.is_empty() {
                let what = format!("`{}` permits more: {}", new.key(), listed(&gained));
                findings.push(widened(pair, what));
            }
        }
    }
}

/// Tells whether a binding that was there already refers to a Role.
fn is_bound(pair: &Pair<'_>, kind: &str, name: &str) -> bool {
    ["RoleBinding", "ClusterRoleBinding"]
        .iter()
        .flat_map(|binding| pair.old.objects.of_kind(RBAC, binding))
        .any(|binding| {
            let role = |field: &str| text(&binding.body, &["roleRef", field]);
            role("kind") == kind && role("name") == name
        })
}

/// Returns everything that a Role's rules permit, one by one.
fn grants(role: &Value) -> impl Iterator<Item = Grant<'_>> {
    items(role, &["rules"]).flat_map(|rule| {
        let verbs: Vec<&str> = texts(rule, &["verbs"]).collect();
        let names: Vec<Option<&str>> = match at(rule, &["resourceNames"]).and_then(Value::as_array)
        {
            Some(names) if !names.is_empty() => texts(rule, &["resourceNames"]).map(Some).collect(),
            _ => vec![None],
        };
        let mut grants = Vec::new();
        for &verb in &verbs {
            for group in texts(rule, &["apiGroups"]) {
                for resource in texts(rule, &["resources"]) {
                    for &name in &names {
                        grants.push(Grant::Resource {
                            group,
                            resource,
                            name,
                            verb,
                        });
                    }
                }
            }
            for url in texts(rule, &["nonResourceURLs"]) {
                grants.push(Grant::Url { url, verb });
            }
        }
        grants
    })
}

/// Tells whether the rules of a Role permit something.
///
/// Source: Kubernetes v1.34, `pkg/apis/rbac/v1/evaluation_helpers.go`.
fn covered(role: &Value, grant: &Grant<'_>) -> bool {
    grants(role).any(|other| match (other, grant) {
        (
            Grant::Resource {
                group,
                resource,
                name,
                verb,
            },
            Grant::Resource {
                group: wanted_group,
                resource: wanted,
                name: wanted_name,
                verb: wanted_verb,
            },
        ) => {
            is_or_all(group, wanted_group)
                && is_or_all(verb, wanted_verb)
                && (name.is_none() || name == *wanted_name)
                && (is_or_all(resource, wanted)
                    || resource.strip_prefix("*/").is_some_and(|below| {
                        wanted
                            .split_once('/')
                            .is_some_and(|(_, wanted)| wanted == below)
                    }))
        }
        (
            Grant::Url { url, verb },
            Grant::Url {
                url: wanted,
                verb: wanted_verb,
            },
        ) => {
            is_or_all(verb, wanted_verb)
                && (url == *wanted
                    || url
                        .strip_suffix('*')
                        .is_some_and(|start| wanted.starts_with(start)))
        }
        _ => false,
    })
}

fn is_or_all(permitted: &str, wanted: &str) -> bool {
    permitted == "*" || permitted == wanted
}

/// Lists permissions, verbs of one resource together.
fn listed(grants: &BTreeSet<Grant<'_>>) -> String {
    let mut verbs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for grant in grants {
        let (object, verb) = match grant {
            Grant::Resource {
                group,
                resource,
                name,
                verb,
            } => {
                let group = if group.is_empty() {
                    String::new()
                } else {
                    format!(".{group}")
                };
                let name = name.map(|name| format!("/{name}")).unwrap_or_default();
                (format!("`{resource}{group}{name}`"), verb)
            }
            Grant::Url { url, verb } => (format!("`{url}`"), verb),
        };
        verbs.entry(object).or_default().push(verb);
    }
    let listed: Vec<String> = verbs
        .iter()
        .map(|(object, verbs)| format!("{} {object}", verbs.join(", ")))
        .collect();
    listed.join("; ")
}

fn bindings(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        for new in pair.new.objects.of_kind(RBAC, kind) {
            let before: BTreeSet<String> = pair
                .old
                .objects
                .get(&new.key())
                .map(subjects)
                .unwrap_or_default();
            let gained: Vec<String> = subjects(new).difference(&before).cloned().collect();
            if !gained.is_empty() {
                let role = |field: &str| text(&new.body, &["roleRef", field]);
                findings.push(widened(
                    pair,
                    format!(
                        "`{}` gives `{}/{}` to {}",
                        new.key(),
                        role("kind"),
                        role("name"),
                        gained.join(", ")
                    ),
                ));
            }
        }
    }
}

fn subjects(binding: &Object) -> BTreeSet<String> {
    items(&binding.body, &["subjects"])
        .map(|subject| {
            let namespace = match text(subject, &["namespace"]) {
                "" => String::new(),
                namespace => format!("{namespace}/"),
            };
            format!(
                "`{} {namespace}{}`",
                text(subject, &["kind"]),
                text(subject, &["name"])
            )
        })
        .collect()
}

/// Finds routes, hosts and Services that let somebody in from outside of the cluster.
fn ways_in(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    for new in pair.new.objects.iter() {
        let before = pair.old.objects.get(&new.key());
        let known: BTreeSet<String> = before.map(doors).unwrap_or_default();
        let gained: Vec<String> = doors(new).difference(&known).cloned().collect();
        if !gained.is_empty() {
            findings.push(widened(
                pair,
                format!("`{}` opens {}", new.key(), gained.join(", ")),
            ));
        }
    }
}

/// Returns how an object lets traffic in from outside of the cluster, in words.
fn doors(object: &Object) -> BTreeSet<String> {
    let host = |host: &str| {
        if host.is_empty() {
            "every host".to_owned()
        } else {
            format!("host `{host}`")
        }
    };
    let all_or = |hosts: BTreeSet<String>| {
        if hosts.is_empty() {
            BTreeSet::from([host("")])
        } else {
            hosts
        }
    };
    let body = &object.body;
    match (object.group(), object.kind()) {
        ("networking.k8s.io" | "extensions", "Ingress") => {
            let mut hosts: BTreeSet<String> = items(body, &["spec", "rules"])
                .map(|rule| host(text(rule, &["host"])))
                .collect();
            if at(body, &["spec", "defaultBackend"]).is_some() {
                hosts.insert(host(""));
            }
            hosts
        }
        (
            "gateway.networking.k8s.io",
            "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" | "UDPRoute",
        ) => all_or(texts(body, &["spec", "hostnames"]).map(host).collect()),
        ("route.openshift.io", "Route") => BTreeSet::from([host(text(body, &["spec", "host"]))]),
        ("networking.istio.io", "VirtualService") => {
            all_or(texts(body, &["spec", "hosts"]).map(host).collect())
        }
        ("", "Service") => {
            let mut doors: BTreeSet<String> = texts(body, &["spec", "externalIPs"])
                .map(|address| format!("address `{address}`"))
                .collect();
            match text(body, &["spec", "type"]) {
                "NodePort" => doors.insert("a port of every node".to_owned()),
                "LoadBalancer" => doors.insert("a load balancer".to_owned()),
                _ => false,
            };
            doors
        }
        _ => BTreeSet::new(),
    }
}
