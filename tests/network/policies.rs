//! NetworkPolicies as a cluster's network plugin carries them out.
//!
//! Source: Kubernetes `networking.k8s.io/v1` (v1.33), "Network Policies"; gitops-wiring §4.3.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

/// Label of a namespace with its name, which every namespace has.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// One end of a connection.
#[derive(Debug, Clone)]
pub enum End {
    /// A pod of the cluster.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its labels.
        labels: BTreeMap<String, String>,
        /// Its named ports.
        named: BTreeMap<String, u16>,
    },
    /// An address outside of the cluster.
    Address(IpAddr),
}

/// What one side says about a connection.
#[derive(Debug)]
enum Side<'a> {
    /// No policy of this direction selects the pod: anything goes.
    Open,
    /// The lists of ports of the rules that match the other end; `None` is a rule for all ports.
    Isolated(Vec<Option<&'a Vec<Value>>>),
}

/// The policies that decide about the connections from one end to another.
#[derive(Debug)]
pub struct Pair<'a> {
    egress: Side<'a>,
    ingress: Side<'a>,
    named: BTreeMap<String, u16>,
}

impl Pair<'_> {
    /// Tells whether a connection to a port of the second end is let through.
    pub fn passes(&self, port: u16, protocol: &str) -> bool {
        let lets = |side: &Side| match side {
            Side::Open => true,
            Side::Isolated(rules) => rules.iter().any(|ports| {
                ports.is_none_or(|ports| {
                    ports
                        .iter()
                        .any(|entry| is_port(entry, port, protocol, &self.named))
                })
            }),
        };
        lets(&self.egress) && lets(&self.ingress)
    }
}

/// Finds out which policies decide about the connections between two ends.
pub fn pair<'a>(policies: &'a [Value], from: &End, to: &End) -> Pair<'a> {
    Pair {
        egress: side(policies, from, to, "Egress"),
        ingress: side(policies, to, from, "Ingress"),
        named: match to {
            End::Pod { named, .. } => named.clone(),
            End::Address(_) => BTreeMap::new(),
        },
    }
}

fn side<'a>(policies: &'a [Value], own: &End, other: &End, direction: &str) -> Side<'a> {
    let End::Pod {
        namespace, labels, ..
    } = own
    else {
        return Side::Open;
    };
    let selecting: Vec<&Value> = policies
        .iter()
        .filter(|policy| {
            policy["metadata"]["namespace"] == namespace.as_str()
                && has_direction(&policy["spec"], direction)
                && selects(&policy["spec"]["podSelector"], labels)
        })
        .collect();
    if selecting.is_empty() {
        return Side::Open;
    }
    let (rules, peers) = match direction {
        "Ingress" => ("ingress", "from"),
        _ => ("egress", "to"),
    };
    let matching = selecting
        .into_iter()
        .flat_map(|policy| policy["spec"][rules].as_array().into_iter().flatten())
        .filter(|rule| match rule[peers].as_array() {
            None => true,
            Some(list) => {
                list.is_empty() || list.iter().any(|peer| is_peer(peer, namespace, other))
            }
        })
        .map(|rule| rule["ports"].as_array().filter(|ports| !ports.is_empty()))
        .collect();
    Side::Isolated(matching)
}

fn has_direction(spec: &Value, direction: &str) -> bool {
    match spec["policyTypes"].as_array() {
        Some(types) => types.iter().any(|known| known == direction),
        None => direction == "Ingress" || spec["egress"].is_array(),
    }
}

/// Tells whether an end is a peer of a policy in a namespace; selectors of one peer hold together, peers beside each other.
fn is_peer(peer: &Value, policy_namespace: &str, end: &End) -> bool {
    match end {
        End::Pod {
            namespace, labels, ..
        } => {
            if peer.get("ipBlock").is_some() {
                return false;
            }
            let of_namespace = match peer.get("namespaceSelector") {
                None => namespace == policy_namespace,
                Some(selector) => selects(selector, &labels_of(namespace)),
            };
            let of_pods = peer
                .get("podSelector")
                .is_none_or(|selector| selects(selector, labels));
            of_namespace && of_pods
        }
        End::Address(address) => peer.get("ipBlock").is_some_and(|block| {
            let within = |cidr: &Value| in_cidr(*address, cidr.as_str().expect("a CIDR is text"));
            within(&block["cidr"]) && !block["except"].as_array().into_iter().flatten().any(within)
        }),
    }
}

/// The labels of a namespace: its name, and for OpenShift's routers what OpenShift gives it.
fn labels_of(namespace: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([(NAMESPACE_NAME.to_owned(), namespace.to_owned())]);
    if namespace == "openshift-ingress" {
        labels.insert(
            "network.openshift.io/policy-group".to_owned(),
            "ingress".to_owned(),
        );
    }
    labels
}

fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str());
    let expressions = selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten()
        .all(|expression| {
            let label = labels.get(expression["key"].as_str().expect("a key is text"));
            let among = label.is_some_and(|label| {
                expression["values"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|value| value == label.as_str())
            });
            match expression["operator"].as_str() {
                Some("In") => among,
                Some("NotIn") => !among,
                Some("Exists") => label.is_some(),
                Some("DoesNotExist") => label.is_none(),
                other => panic!("the operator {other:?}"),
            }
        });
    equal && expressions
}

fn is_port(entry: &Value, port: u16, protocol: &str, named: &BTreeMap<String, u16>) -> bool {
    if entry["protocol"].as_str().unwrap_or("TCP") != protocol {
        return false;
    }
    let first = match &entry["port"] {
        Value::Null => return true,
        Value::String(name) => named.get(name).copied().map(u64::from),
        number => number.as_u64(),
    };
    let Some(first) = first else { return false };
    let last = entry["endPort"].as_u64().unwrap_or(first);
    (first..=last).contains(&u64::from(port))
}

fn in_cidr(address: IpAddr, cidr: &str) -> bool {
    let (network, length) = cidr.split_once('/').expect("a CIDR has a length");
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 4),
        IpAddr::V6(address) => (u128::from(address), 6),
    };
    let network = bits(network.parse().expect("a CIDR begins with an address"));
    let length: u32 = length.parse().expect("a length is a number");
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    let address = bits(address);
    address.1 == network.1 && address.0 & mask == network.0 & mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(namespace: &str, app: &str) -> End {
        End::Pod {
            namespace: namespace.to_owned(),
            labels: BTreeMap::from([("app".to_owned(), app.to_owned())]),
            named: BTreeMap::from([("http".to_owned(), 8080)]),
        }
    }

    fn policy(spec: Value) -> Value {
        json!({"metadata": {"namespace": "a"}, "spec": spec})
    }

    #[track_caller]
    fn check(specs: &[Value], from: &End, to: &End, port: u16, expect: bool) {
        let policies: Vec<Value> = specs.iter().cloned().map(policy).collect();
        assert_eq!(
            pair(&policies, from, to).passes(port, "TCP"),
            expect,
            "{specs:?} {from:?} {to:?} {port}"
        );
    }

    #[test]
    fn policies_mean_what_kubernetes_says() {
        let (web, db, other) = (pod("a", "web"), pod("a", "db"), pod("b", "web"));
        let deny = json!({"podSelector": {}, "policyTypes": ["Ingress"]});
        let to_db = |from: Value| json!({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"], "ingress": [{"from": from, "ports": [{"port": 1, "endPort": 3}]}]});
        check(&[], &other, &db, 1, true);
        check(std::slice::from_ref(&deny), &web, &db, 1, false);
        check(std::slice::from_ref(&deny), &web, &other, 1, true);
        let same = to_db(json!([{"podSelector": {"matchLabels": {"app": "web"}}}]));
        check(&[deny.clone(), same.clone()], &web, &db, 3, true);
        check(&[deny.clone(), same.clone()], &web, &db, 4, false);
        check(&[deny.clone(), same.clone()], &other, &db, 1, false);
        check(&[deny.clone(), same], &db, &web, 1, false);
        let b = json!({"matchLabels": {"kubernetes.io/metadata.name": "b"}});
        let both = to_db(
            json!([{"namespaceSelector": b, "podSelector": {"matchLabels": {"app": "web"}}}]),
        );
        check(std::slice::from_ref(&both), &other, &db, 1, true);
        check(std::slice::from_ref(&both), &pod("b", "x"), &db, 1, false);
        check(std::slice::from_ref(&both), &web, &db, 1, false);
        let either = to_db(
            json!([{"namespaceSelector": b}, {"podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]}}]),
        );
        check(std::slice::from_ref(&either), &pod("b", "x"), &db, 1, true);
        check(std::slice::from_ref(&either), &web, &db, 1, true);
        check(std::slice::from_ref(&either), &pod("a", "x"), &db, 1, false);
        let named = json!({"podSelector": {}, "ingress": [{"ports": [{"port": "http"}]}]});
        check(std::slice::from_ref(&named), &web, &db, 8080, true);
        check(std::slice::from_ref(&named), &web, &db, 80, false);
        let egress = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]});
        let address = |text: &str| End::Address(text.parse().expect("an address"));
        check(
            std::slice::from_ref(&egress),
            &web,
            &address("10.2.3.4"),
            1,
            true,
        );
        check(
            std::slice::from_ref(&egress),
            &web,
            &address("10.1.3.4"),
            1,
            false,
        );
        check(
            std::slice::from_ref(&egress),
            &web,
            &address("11.2.3.4"),
            1,
            false,
        );
        check(
            std::slice::from_ref(&egress),
            &web,
            &address("::1"),
            1,
            false,
        );
        check(std::slice::from_ref(&egress), &web, &db, 1, false);
        check(std::slice::from_ref(&egress), &other, &db, 1, true);
        let ingress = json!({"podSelector": {}, "ingress": [{"from": []}]});
        let policies = [
            policy(ingress),
            policy(
                json!({"podSelector": {}, "ingress": [{"ports": [{"port": 1, "protocol": "UDP"}]}]}),
            ),
        ];
        assert!(pair(&policies, &web, &db).passes(1, "UDP"));
    }
}
