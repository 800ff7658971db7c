//! Network policies that admit more.
//!
//! Policies add up: a pod that any policy selects is isolated, and what any of them admits is admitted. So all policies
//! of the directory are looked at together. Where it cannot be told without the pods, more is assumed to be admitted.

use serde_json::{Map, Value};

use super::{Finding, Hazard, Pair, at, items, text, texts};
use crate::diff::Objects;
use crate::grammar::cidr::Cidr;
use crate::object::Object;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    fn rules(self) -> &'static str {
        match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        }
    }

    fn peers(self) -> &'static str {
        match self {
            Direction::Ingress => "from",
            Direction::Egress => "to",
        }
    }

    fn type_name(self) -> &'static str {
        match self {
            Direction::Ingress => "Ingress",
            Direction::Egress => "Egress",
        }
    }
}

/// One thing that a policy admits.
struct Admission<'a> {
    policy: &'a Object,
    pods: &'a Value,
    /// `None` is everybody.
    peer: Option<&'a Value>,
    /// `None` is every port.
    port: Option<&'a Value>,
}

pub(super) fn find(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    for direction in [Direction::Ingress, Direction::Egress] {
        let before = isolating(pair.old.objects, direction);
        let after = isolating(pair.new.objects, direction);
        let freed: Vec<&Object> = before
            .iter()
            .filter(|policy| {
                !after
                    .iter()
                    .any(|other| selects_all_of(pods(other), pods(policy)))
            })
            .copied()
            .collect();
        if !freed.is_empty() {
            findings.push(widened(
                pair,
                format!(
                    "without {}, pods are no longer isolated from {} traffic",
                    listed(&freed),
                    direction.rules()
                ),
            ));
        }
        let admitted: Vec<Admission<'_>> = before
            .iter()
            .flat_map(|policy| admissions(policy, direction))
            .collect();
        let is_wider = |policy: &&&Object| {
            admissions(policy, direction).any(|new| {
                before.iter().any(|old| may_share_pods(pods(old), new.pods))
                    && !admitted.iter().any(|old| covers(old, &new))
            })
        };
        let wider: Vec<&Object> = after.iter().filter(is_wider).copied().collect();
        if !wider.is_empty() {
            let what = format!(
                "more {} traffic is admitted by {}",
                direction.rules(),
                listed(&wider)
            );
            findings.push(widened(pair, what));
        }
    }
}

fn widened(pair: &Pair<'_>, what: String) -> Finding {
    pair.finding(Hazard::AccessWidened, what, "check that this is meant")
}

fn listed(policies: &[&Object]) -> String {
    let names: Vec<String> = policies
        .iter()
        .map(|policy| format!("`{}`", policy.key()))
        .collect();
    names.join(", ")
}

/// Returns the policies that isolate their pods in a direction.
///
/// Source: Kubernetes v1.34, `NetworkPolicySpec.policyTypes`: without types, ingress always and egress when there are rules.
fn isolating(objects: &Objects, direction: Direction) -> Vec<&Object> {
    let isolates = |policy: &&Object| {
        let mut types = texts(&policy.body, &["spec", "policyTypes"]).peekable();
        if types.peek().is_some() {
            return types.any(|name| name == direction.type_name());
        }
        direction == Direction::Ingress || at(&policy.body, &["spec", "egress"]).is_some()
    };
    objects
        .of_kind("networking.k8s.io", "NetworkPolicy")
        .filter(isolates)
        .collect()
}

fn pods(policy: &Object) -> &Value {
    at(&policy.body, &["spec", "podSelector"]).unwrap_or(&Value::Null)
}

fn admissions<'a>(policy: &'a Object, direction: Direction) -> impl Iterator<Item = Admission<'a>> {
    items(&policy.body, &["spec", direction.rules()]).flat_map(move |rule| {
        let alternatives = |field: &str| -> Vec<Option<&'a Value>> {
            match rule.get(field).and_then(Value::as_array) {
                Some(list) if !list.is_empty() => list.iter().map(Some).collect(),
                _ => vec![None],
            }
        };
        let ports = alternatives("ports");
        let admission = move |peer: Option<&'a Value>, port: Option<&'a Value>| Admission {
            policy,
            pods: pods(policy),
            peer,
            port,
        };
        let all: Vec<Admission<'a>> = alternatives(direction.peers())
            .into_iter()
            .flat_map(|peer| ports.iter().map(move |port| admission(peer, *port)))
            .collect();
        all
    })
}

/// Tells whether everything that `new` admits was admitted by `old`.
fn covers(old: &Admission<'_>, new: &Admission<'_>) -> bool {
    let peer = match (old.peer, new.peer) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(old), Some(new)) => peer_covers(old, new),
    };
    let port = match (old.port, new.port) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(old), Some(new)) => port_covers(old, new),
    };
    let same_policy = old.policy.key() == new.policy.key() && old.pods == new.pods;
    peer && port && (same_policy || selects_all_of(old.pods, new.pods))
}

fn peer_covers(old: &Value, new: &Value) -> bool {
    match (old.get("ipBlock"), new.get("ipBlock")) {
        (Some(old), Some(new)) => block_covers(old, new),
        (None, None) => {
            // Without a namespace selector, a peer is in the policy's own namespace.
            let namespaces = match (old.get("namespaceSelector"), new.get("namespaceSelector")) {
                (Some(old), Some(new)) => selects_all_of(old, new),
                (None, None) => true,
                _ => false,
            };
            let everyone = Value::Object(Map::new());
            let pods = |peer: &Value| {
                peer.get("podSelector")
                    .cloned()
                    .unwrap_or_else(|| everyone.clone())
            };
            namespaces && selects_all_of(&pods(old), &pods(new))
        }
        _ => false,
    }
}

fn block_covers(old: &Value, new: &Value) -> bool {
    let range = |block: &Value| Cidr::parse(text(block, &["cidr"])).ok();
    let wide_enough = match (range(old), range(new)) {
        (Some(old), Some(new)) => old.covers(&new),
        _ => text(old, &["cidr"]) == text(new, &["cidr"]),
    };
    // What was left out must still be left out.
    wide_enough
        && texts(old, &["except"])
            .all(|left_out| texts(new, &["except"]).any(|other| other == left_out))
}

fn port_covers(old: &Value, new: &Value) -> bool {
    let protocol = |port: &Value| match text(port, &["protocol"]) {
        "" => "TCP".to_owned(),
        protocol => protocol.to_owned(),
    };
    if protocol(old) != protocol(new) {
        return false;
    }
    let range = |port: &Value| {
        let first = port.get("port")?.as_u64()?;
        let last = port.get("endPort").map_or(Some(first), Value::as_u64)?;
        Some((first, last))
    };
    match (old.get("port"), new.get("port")) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(a), Some(b)) => match (range(old), range(new)) {
            (Some((first, last)), Some((new_first, new_last))) => {
                first <= new_first && new_last <= last
            }
            _ => a == b,
        },
    }
}

/// Tells whether every object that `narrow` selects is selected by `wide`, as far as the selectors tell.
fn selects_all_of(wide: &Value, narrow: &Value) -> bool {
    let labels = |selector: &Value| {
        at(selector, &["matchLabels"])
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    let narrow_labels = labels(narrow);
    labels(wide)
        .iter()
        .all(|(key, value)| narrow_labels.get(key) == Some(value))
        && items(wide, &["matchExpressions"])
            .all(|wanted| items(narrow, &["matchExpressions"]).any(|other| other == wanted))
}

/// Tells whether a pod may be selected by both; only labels that contradict each other rule it out.
fn may_share_pods(one: &Value, other: &Value) -> bool {
    let labels = |selector: &Value| {
        at(selector, &["matchLabels"])
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    let other = labels(other);
    labels(one)
        .iter()
        .all(|(key, value)| other.get(key).is_none_or(|found| found == value))
}
