//! Who can reach whom, evaluated from the NetworkPolicies of whole trees: every pair of pods of two projects, and the
//! world around them, on every port.
//!
//! The flows are written down here, independently of `base.yaml`.
//! Source: kfp-stack §9 (traffic matrix), §6.4; gitops-wiring §4.3.

#[path = "../compiler/mod.rs"]
mod compiler;
mod policies;

use std::collections::{BTreeMap, BTreeSet};

use compiler::{compile_with, objects};
use policies::{End, pair};
use serde_json::Value;

/// Ports of pods inside of one project: who, to whom, where. Rows whose ends a stack does not have say nothing.
const FLOWS: &[(&str, &str, &[u16])] = &[
    ("ml-pipeline-ui", "ml-pipeline", &[8888]),
    ("ml-pipeline-ui", "metadata-envoy-deployment", &[9090]),
    ("ml-pipeline-ui", "STORE", &[]),
    ("ml-pipeline-ui", "tensorboard", &[6006]),
    ("ml-pipeline-persistenceagent", "ml-pipeline", &[8887, 8888]),
    ("ml-pipeline-scheduledworkflow", "ml-pipeline", &[8887]),
    ("ml-pipeline", "DATABASE", &[3306]),
    ("ml-pipeline", "STORE", &[]),
    // It starts when the metadata server answers (since 2.17.0).
    ("ml-pipeline", "metadata-grpc-deployment", &[8080]),
    ("ml-pipeline", "ml-pipeline-visualizationserver", &[8888]),
    ("task", "ml-pipeline", &[8887]),
    ("task", "metadata-grpc-deployment", &[8080]),
    ("task", "STORE", &[]),
    ("tensorboard", "STORE", &[]),
    (
        "metadata-envoy-deployment",
        "metadata-grpc-deployment",
        &[8080],
    ),
    ("metadata-grpc-deployment", "DATABASE", &[3306]),
];

/// Ports of the proxy's pods at which nobody but itself calls: kube-rbac-proxy behind OAuth2 Proxy, and its health.
const BEHIND_THE_FRONT: [u16; 2] = [9443, 9444];

/// Ports of embedded stores.
const STORES: [(&str, u16); 2] = [("seaweedfs", 8333), ("minio", 9000)];

/// Embedded databases.
const DATABASES: [&str; 2] = ["mariadb", "mysql"];

/// What Prometheus reads.
const METRICS: [(&str, u16); 3] = [
    ("ml-pipeline", 8888),
    ("ml-pipeline-scheduledworkflow", 9090),
    ("workflow-controller", 9090),
];

/// What `network.ingressFrom` reaches.
const ENTRY: [(&str, u16); 3] = [
    ("ml-pipeline", 8887),
    ("ml-pipeline", 8888),
    ("ml-pipeline-ui", 3000),
];

/// Who calls the Kubernetes API.
const CALLS_KUBERNETES: [&str; 8] = [
    "credentials",
    "ml-pipeline",
    "ml-pipeline-persistenceagent",
    "ml-pipeline-scheduledworkflow",
    "ml-pipeline-ui",
    "ml-pipeline-viewer-crd",
    "task",
    "workflow-controller",
];

/// Ports to try besides those that pods name: probes, administration, databases, web and shells.
const PORTS: [u16; 17] = [
    1, 22, 53, 80, 443, 2379, 4180, 5432, 6443, 8111, 8443, 8444, 9333, 9901, 18888, 19333, 65535,
];

const PLATFORM: &str = r#"platform:
  base: kfp-2.17.0
  network: {apiServer: [10.0.0.1/32], ingressNamespaces: [ingress], monitoringNamespaces: [monitoring]}
databases:
  central: {engine: mysql, host: mysql.databases.svc.cluster.local, credentials: {secret: {name: db}}}
objectStores:
  lake: {provider: s3, endpoint: "http://192.0.2.9:9000", bucket: ml-lake, credentials: {secret: {name: s3}}}
  ceph: {provider: s3, endpoint: "http://rgw.ceph.svc:8080", credentials: {secret: {name: s3}}}
"#;

/// One kind of stack, and what differs in its flows.
#[derive(Default)]
struct Variant {
    /// Settings of both projects.
    settings: &'static str,
    /// Whether egress is restricted.
    restricted: bool,
    /// Whether the release is 2.15.0, whose scheduled-workflow controller measures nothing, and whose API server does not
    /// wait for the metadata server.
    old: bool,
    /// Namespaces of which every pod is reached on every port when egress is restricted, with who reaches it.
    servers: &'static [(&'static str, &'static [&'static str])],
    /// Address and port of an object store outside of the cluster.
    store: Option<(&'static str, u16)>,
    /// Outer ends that `ingressFrom` lets in.
    let_in: &'static [&'static str],
    /// What stands in front of the stack.
    front: Option<Front>,
}

/// The proxy in front of an exposed stack.
#[derive(Clone, Copy)]
struct Front {
    /// The one port of its pods that accepts traffic from outside.
    port: u16,
    /// Outer ends that bring traffic; `None` is everybody.
    from: Option<&'static [&'static str]>,
    /// Name and port of what it protects.
    upstream: (&'static str, u16),
    /// Whether it asks Kubernetes who may enter.
    asks_kubernetes: bool,
}

/// Somebody who opens or accepts connections.
struct Party {
    /// The project; `None` for the world around.
    project: Option<&'static str>,
    name: String,
    end: End,
}

impl std::fmt::Display for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.project.unwrap_or("world"), self.name)
    }
}

const PROJECTS: [&str; 2] = ["alpha", "beta"];

/// Consumers of a database.
const DATABASE_USERS: &[&str] = &["ml-pipeline", "metadata-grpc-deployment"];
/// Consumers of an object store.
const STORE_USERS: &[&str] = &["ml-pipeline", "ml-pipeline-ui", "task", "tensorboard"];

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// The pods of a project: those of its workloads, those that appear at run time, and one of somebody else.
fn parties_of(project: &'static str, objects: &[Value], viewer: bool) -> Vec<Party> {
    let mut parties = Vec::new();
    let mut add = |name: &str, labels: BTreeMap<String, String>, named: BTreeMap<String, u16>| {
        let namespace = project.to_owned();
        parties.push(Party {
            project: Some(project),
            name: name.to_owned(),
            end: End::Pod {
                namespace,
                labels,
                named,
            },
        });
    };
    for object in objects {
        let template = &object["spec"]["template"];
        let Some(pod) = template["metadata"]["labels"].as_object() else {
            continue;
        };
        let text = |value: &Value| value.as_str().expect("labels are text").to_owned();
        let own: BTreeMap<String, String> = pod
            .iter()
            .map(|(key, value)| (key.clone(), text(value)))
            .collect();
        // The name of a Job ends in a hash.
        let name = match object["kind"].as_str() {
            Some("Job") => own["app"].clone(),
            _ => text(&object["metadata"]["name"]),
        };
        add(&name, own, named_ports(template));
    }
    add(
        "task",
        labels(&[
            ("pipelines.kubeflow.org/v2_component", "true"),
            ("workflows.argoproj.io/workflow", "x"),
        ]),
        BTreeMap::new(),
    );
    if viewer {
        add(
            "tensorboard",
            labels(&[("app", "viewer"), ("viewer", "x")]),
            BTreeMap::new(),
        );
    }
    add("notebook", labels(&[("app", "notebook")]), BTreeMap::new());
    add("bare", BTreeMap::new(), BTreeMap::new());
    parties
}

fn named_ports(template: &Value) -> BTreeMap<String, u16> {
    template["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|container| container["ports"].as_array().into_iter().flatten())
        .filter_map(|port| {
            let number = u16::try_from(port["containerPort"].as_u64()?).ok()?;
            Some((port["name"].as_str()?.to_owned(), number))
        })
        .collect()
}

/// The world around the projects.
fn world() -> Vec<Party> {
    let pod = |name: &str, namespace: &str, own: &[(&str, &str)]| Party {
        project: None,
        name: name.to_owned(),
        end: End::Pod {
            namespace: namespace.to_owned(),
            labels: labels(own),
            named: BTreeMap::new(),
        },
    };
    let address = |name: &str, address: &str| Party {
        project: None,
        name: name.to_owned(),
        end: End::Address(address.parse().expect("an address")),
    };
    vec![
        pod("elsewhere", "elsewhere", &[("app", "ml-pipeline-ui")]),
        // A pod that pretends to be a task.
        pod(
            "impostor",
            "elsewhere",
            &[("pipelines.kubeflow.org/v2_component", "true")],
        ),
        pod("ingress", "ingress", &[("app", "nginx")]),
        pod("gateway", "gateways", &[("app", "envoy")]),
        pod("router", "openshift-ingress", &[("app", "router")]),
        pod("auth", "auth", &[("app", "dex")]),
        pod("monitoring", "monitoring", &[("app", "prometheus")]),
        pod("dns", "kube-system", &[("k8s-app", "kube-dns")]),
        pod("kube-system", "kube-system", &[("k8s-app", "kube-proxy")]),
        pod("databases", "databases", &[("app", "mysql")]),
        pod("ceph", "ceph", &[("app", "rgw")]),
        pod("notebooks", "notebooks", &[("app", "jupyter")]),
        address("api-server", "10.0.0.1"),
        address("listed", "203.0.113.7"),
        address("lake", "192.0.2.9"),
        address("internet", "198.51.100.9"),
        address("internet-6", "2001:db8::1"),
    ]
}

impl Variant {
    /// What the flows say about one connection.
    fn expects(&self, from: &Party, to: &Party, port: u16, protocol: &str) -> bool {
        let tcp = protocol == "TCP";
        if let Some(front) = self.front
            && to.name == "access-proxy"
            && port == front.port
            && tcp
        {
            match front.from {
                None => return true,
                Some(ends) if from.project.is_none() => {
                    return ends.contains(&from.name.as_str());
                }
                Some(_) => {}
            }
        }
        match (from.project, to.project) {
            (Some(a), Some(b)) if a == b => tcp && self.inside(&from.name, &to.name, port),
            (Some(_), Some(_)) => false,
            (None, Some(_)) => {
                let listed = |list: &[(&str, u16)]| list.contains(&(to.name.as_str(), port));
                let metrics = from.name == "monitoring"
                    && listed(&METRICS)
                    && !(self.old && to.name == "ml-pipeline-scheduledworkflow");
                let entry = self.let_in.contains(&from.name.as_str()) && listed(&ENTRY);
                tcp && (metrics || entry)
            }
            (Some(_), None) => !self.restricted || self.out(&from.name, &to.name, port, tcp),
            (None, None) => true,
        }
    }

    fn platform(&self) -> String {
        match self.front {
            Some(Front { from: None, .. }) => {
                PLATFORM.replace("ingressNamespaces: [ingress], ", "")
            }
            Some(_) if self.settings.contains("exposure: route") => {
                PLATFORM.replace("platform:\n", "platform:\n  openshift: true\n")
            }
            _ => PLATFORM.to_owned(),
        }
    }

    /// What the flows of one stack let through.
    fn inside(&self, from: &str, to: &str, port: u16) -> bool {
        if from == "access-proxy" {
            return self.front.is_some_and(|front| front.upstream == (to, port));
        }
        let waits = from == "ml-pipeline" && to == "metadata-grpc-deployment";
        let listed = FLOWS.iter().any(|(source, target, ports)| {
            *source == from
                && match *target {
                    "STORE" => STORES.contains(&(to, port)),
                    "DATABASE" => DATABASES.contains(&to) && ports.contains(&port),
                    name => name == to && ports.contains(&port),
                }
        });
        listed && !(self.old && waits)
    }

    /// What restricted egress lets out.
    fn out(&self, from: &str, to: &str, port: u16, tcp: bool) -> bool {
        match to {
            "dns" => port == 53,
            "listed" => self.settings.contains("egressTo"),
            "api-server" => {
                let front = self.front.filter(|_| from == "access-proxy");
                let calls = CALLS_KUBERNETES.contains(&from)
                    || front.is_some_and(|front| front.asks_kubernetes);
                tcp && [443, 6443].contains(&port) && calls
            }
            "lake" if from == "access-proxy" => {
                self.settings.contains("issuer: \"https://192.0.2.9:9000\"") && port == 9000 && tcp
            }
            "lake" => {
                let store = self.settings.contains("objectStore: lake");
                store && self.store == Some((to, port)) && tcp && STORE_USERS.contains(&from)
            }
            _ => self
                .servers
                .iter()
                .any(|(namespace, users)| *namespace == to && users.contains(&from)),
        }
    }
}

fn check(variant: &Variant) {
    let settings = variant.settings;
    let projects: String = PROJECTS
        .iter()
        .map(|name| {
            let settings = settings.replace("HOST", &format!("{name}.example.com"));
            format!("- {{name: {name}{settings}}}\n")
        })
        .collect();
    let text = format!("version: 1\n{}projects:\n{projects}", variant.platform());
    let outcome = compile_with(&text, &BTreeMap::new(), 1);
    assert!(!outcome.tree.is_empty(), "{text}{:#?}", outcome.findings);
    let mut parties = world();
    let mut all = Vec::new();
    for project in PROJECTS {
        let objects = objects(&outcome.tree, &format!("in-cluster/{project}"));
        parties.extend(parties_of(project, &objects, settings.contains("viewer")));
        all.extend(
            objects
                .into_iter()
                .filter(|object| object["kind"] == "NetworkPolicy"),
        );
    }
    let mut ports = BTreeSet::from(PORTS);
    ports.extend(FLOWS.iter().flat_map(|(_, _, ports)| ports.iter().copied()));
    ports.extend(BEHIND_THE_FRONT);
    ports.extend(
        METRICS
            .iter()
            .chain(&ENTRY)
            .chain(&STORES)
            .map(|(_, port)| *port),
    );
    for party in &parties {
        if let End::Pod { named, .. } = &party.end {
            ports.extend(named.values());
        }
    }
    let mut passed = 0;
    let mut wrong = Vec::new();
    for from in &parties {
        for to in &parties {
            let pair = pair(&all, &from.end, &to.end);
            for protocol in ["TCP", "UDP"] {
                let passing = |port: &&u16| pair.passes(**port, protocol);
                let found: Vec<&u16> = ports.iter().filter(passing).collect();
                let expects = |port: &&u16| variant.expects(from, to, **port, protocol);
                let expect: Vec<&u16> = ports.iter().filter(expects).collect();
                if from.project.is_some() && from.project == to.project {
                    passed += found.len();
                }
                if found != expect {
                    wrong.push(format!(
                        "{from} -> {to} {protocol}: {found:?} pass instead of {expect:?}"
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{settings}: {} pairs\n{}",
        wrong.len(),
        wrong[..wrong.len().min(9)].join("\n")
    );
    // Every row of the table whose ends are there was seen, twice: a table of another stack would pass otherwise.
    let rows: usize = parties
        .iter()
        .filter(|from| from.project == Some(PROJECTS[0]))
        .flat_map(|from| parties.iter().map(move |to| (from, to)))
        .filter(|(from, to)| to.project == from.project)
        .map(|(from, to)| {
            ports
                .iter()
                .filter(|port| variant.expects(from, to, **port, "TCP"))
                .count()
        })
        .sum();
    assert_eq!(passed, 2 * rows, "{settings}");
    assert!(rows >= 9, "{settings}: only {rows} flows");
}

#[test]
fn embedded() {
    check(&Variant::default());
    check(&Variant {
        settings: ", database: {embedded: {engine: mysql}}, objectStore: {embedded: {engine: minio}}",
        ..Variant::default()
    });
}

#[test]
fn older_base() {
    check(&Variant {
        settings: ", base: kfp-2.15.0",
        old: true,
        ..Variant::default()
    });
    check(&Variant {
        settings: ", base: kfp-2.15.0, components: {viewer: {enabled: true}}, network: {egress: restricted}, database: central",
        old: true,
        restricted: true,
        servers: &[("databases", DATABASE_USERS)],
        ..Variant::default()
    });
}

#[test]
fn shared_servers() {
    check(&Variant {
        settings: ", database: central, objectStore: ceph",
        ..Variant::default()
    });
}

#[test]
fn without_ui_and_controller() {
    check(&Variant {
        settings: ", components: {ui: {enabled: false}}",
        ..Variant::default()
    });
    check(&Variant {
        settings: ", components: {ui: {enabled: false}, workflowController: {deploy: false}}, network: {egress: restricted}",
        restricted: true,
        ..Variant::default()
    });
}

#[test]
fn every_component_and_tls_between_pods() {
    check(&Variant {
        settings: ", components: {viewer: {enabled: true}, visualization: {enabled: true}}, podToPodTLS: {issuer: {name: ca}}",
        ..Variant::default()
    });
}

#[test]
fn restricted_egress() {
    check(&Variant {
        settings: ", network: {egress: restricted, egressTo: [203.0.113.0/24]}",
        restricted: true,
        ..Variant::default()
    });
    check(&Variant {
        settings: ", network: {egress: restricted, egressTo: [203.0.113.0/24]}, database: central, objectStore: ceph, components: {viewer: {enabled: true}}",
        restricted: true,
        servers: &[("databases", DATABASE_USERS), ("ceph", STORE_USERS)],
        ..Variant::default()
    });
    check(&Variant {
        settings: ", network: {egress: restricted, egressTo: [203.0.113.0/24]}, objectStore: lake, components: {viewer: {enabled: true}, visualization: {enabled: true}}",
        restricted: true,
        store: Some(("lake", 9000)),
        ..Variant::default()
    });
}

#[test]
fn those_who_are_let_in() {
    check(&Variant {
        settings: ", network: {ingressFrom: [{namespace: notebooks}, {cidr: 198.51.100.0/24}]}",
        let_in: &["notebooks", "internet"],
        ..Variant::default()
    });
    check(&Variant {
        settings: ", network: {egress: restricted, egressTo: [203.0.113.0/24], ingressFrom: [{namespace: elsewhere}]}",
        restricted: true,
        let_in: &["elsewhere", "impostor"],
        ..Variant::default()
    });
}

#[test]
fn paused_projects() {
    check(&Variant {
        settings: ", state: paused",
        ..Variant::default()
    });
}

/// Only the proxy's port is open to what brings traffic from outside; the UI and the API are not.
#[test]
fn exposed_by_an_ingress() {
    let front = Front {
        port: 4180,
        from: Some(&["ingress"]),
        upstream: ("ml-pipeline-ui", 3000),
        asks_kubernetes: false,
    };
    check(&Variant {
        settings: ", access: {exposure: ingress, host: HOST, auth: oauth2Proxy, oidc: {issuer: \"https://id.example.com\", clientId: kfp, clientSecret: {name: oidc, key: secret}, allowedGroups: [ml]}}",
        front: Some(front),
        ..Variant::default()
    });
    check(&Variant {
        settings: ", members: {editors: [\"group:a\"]}, components: {ui: {enabled: false}}, access: {exposure: ingress, host: HOST, auth: kubeRbacProxy}",
        front: Some(Front {
            upstream: ("ml-pipeline", 8888),
            asks_kubernetes: true,
            ..front
        }),
        ..Variant::default()
    });
    // Where nobody says who brings traffic, everybody may knock at the proxy, and at nothing else.
    check(&Variant {
        settings: ", access: {exposure: ingress, host: HOST, auth: oauth2Proxy, oidc: {issuer: \"https://id.example.com\", clientId: kfp, clientSecret: {name: oidc, key: secret}, allowedGroups: [ml]}}",
        front: Some(Front {
            from: None,
            ..front
        }),
        ..Variant::default()
    });
}

#[test]
fn exposed_by_a_gateway() {
    let front = Front {
        port: 4180,
        from: Some(&["ingress", "gateway"]),
        upstream: ("ml-pipeline-ui", 3000),
        asks_kubernetes: true,
    };
    check(&Variant {
        settings: ", base: kfp-2.15.0, members: {editors: [\"group:a\"]}, access: {exposure: httpRoute, host: HOST, gateway: {name: public, namespace: gateways}, auth: kubeRbacProxy}",
        old: true,
        front: Some(front),
        ..Variant::default()
    });
    check(&Variant {
        settings: ", members: {editors: [\"group:a\"]}, network: {egress: restricted}, access: {exposure: httpRoute, host: HOST, gateway: {name: public, namespace: gateways}, auth: both, oidc: {issuer: \"https://dex.auth.svc.cluster.local/dex\", clientId: kfp, clientSecret: {name: oidc, key: secret}}}",
        restricted: true,
        servers: &[("auth", &["access-proxy"])],
        front: Some(front),
        ..Variant::default()
    });
    check(&Variant {
        settings: ", network: {egress: restricted}, access: {exposure: httpRoute, host: HOST, gateway: {name: public, namespace: gateways}, auth: oauth2Proxy, oidc: {issuer: \"https://192.0.2.9:9000\", clientId: kfp, clientSecret: {name: oidc, key: secret}, allowedGroups: [ml]}}",
        restricted: true,
        front: Some(Front {
            asks_kubernetes: false,
            ..front
        }),
        ..Variant::default()
    });
}

#[test]
fn exposed_by_a_route() {
    check(&Variant {
        settings: ", members: {editors: [\"group:a\"]}, access: {exposure: route, host: HOST, auth: both, oidc: {issuer: \"https://id.example.com\", clientId: kfp, clientSecret: {name: oidc, key: secret}}}",
        front: Some(Front {
            port: 8443,
            from: Some(&["ingress", "router"]),
            upstream: ("ml-pipeline-ui", 3000),
            asks_kubernetes: true,
        }),
        ..Variant::default()
    });
}
