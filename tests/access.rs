//! Exposed stacks, in every combination of what exposes them, who asks, and what the stack is like.
//!
//! Looks at what must hold whatever the choice: the way from outside ends at the proxy, its parts fit each other, and
//! what the project wants of every pod has reached it.
//! Source: gitops-wiring §4.1, §4.5, §4.6; projects-file §8.

mod compiler;

use std::collections::{BTreeMap, BTreeSet};

use compiler::{bases, compile, compile_bases, object, objects};
use serde_json::Value;

const OIDC: &str = "oidc: {issuer: \"https://id.example.com\", clientId: kfp, clientSecret: {name: oidc, key: secret}, allowedGroups: [ml]}";

/// One way to expose a stack.
#[derive(Clone, Copy)]
struct Case {
    base: &'static str,
    exposure: &'static str,
    auth: &'static str,
    ui: bool,
    pod_tls: bool,
    generator: &'static str,
    openshift: bool,
}

impl Case {
    fn all() -> Vec<Case> {
        let mut cases = Vec::new();
        for base in ["kfp-2.17.0", "kfp-2.15.0"] {
            for exposure in ["ingress", "httpRoute", "route"] {
                for auth in ["oauth2Proxy", "kubeRbacProxy", "both"] {
                    for (number, (ui, pod_tls)) in
                        [(true, false), (true, true), (false, false), (false, true)]
                            .into_iter()
                            .enumerate()
                    {
                        cases.push(Case {
                            base,
                            exposure,
                            auth,
                            ui,
                            pod_tls,
                            generator: ["job", "externalSecrets"][number % 2],
                            openshift: exposure == "route" || number == 3,
                        });
                    }
                }
            }
        }
        cases
    }

    fn logs_in(&self) -> bool {
        self.auth != "kubeRbacProxy"
    }

    fn asks_kubernetes(&self) -> bool {
        self.auth != "oauth2Proxy"
    }

    fn projects(&self) -> String {
        let Case {
            base,
            exposure,
            auth,
            ui,
            generator,
            openshift,
            ..
        } = self;
        let oidc = if self.logs_in() {
            format!(", {OIDC}")
        } else {
            String::new()
        };
        let gateway = if *exposure == "httpRoute" {
            ", gateway: {name: public, namespace: gateways}"
        } else {
            ""
        };
        let tls = if self.pod_tls {
            "\n  podToPodTLS: {issuer: {name: stacks}}"
        } else {
            ""
        };
        format!(
            "version: 1
platform:
  base: {base}
  openshift: {openshift}
  secrets: {{generator: {generator}}}
  images: {{pullSecrets: [registry]}}
projects:
- name: churn
  members: {{editors: [\"group:ml\"]}}
  components: {{ui: {{enabled: {ui}}}}}
  proxy: {{http: \"http://proxy.example.com:3128\"}}
  scheduling: {{nodeSelector: {{pool: ml}}, priorityClassName: stacks}}{tls}
  access: {{exposure: {exposure}, host: churn.example.com, auth: {auth}, tls: {{issuer: {{name: ca}}}}{oidc}{gateway}}}
"
        )
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} {} ui:{} tls:{}",
            self.base, self.exposure, self.auth, self.ui, self.pod_tls
        )
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn found<'a>(objects: &'a [Value], id: &str) -> &'a Value {
    object(objects, id).unwrap_or_else(|| panic!("there is no {id}"))
}

/// The pod port that the world reaches, by way of the Service.
fn entry(case: &Case, objects: &[Value]) -> u64 {
    let (id, service, port) = match case.exposure {
        "ingress" => (
            "Ingress/access",
            "/spec/rules/0/http/paths/0/backend/service/name",
            "/spec/rules/0/http/paths/0/backend/service/port/name",
        ),
        "httpRoute" => (
            "HTTPRoute/access",
            "/spec/rules/0/backendRefs/0/name",
            "/spec/rules/0/backendRefs/0/port",
        ),
        _ => ("Route/access", "/spec/to/name", "/spec/port/targetPort"),
    };
    let door = found(objects, id);
    assert_eq!(text(door, service), "access-proxy", "{case}");
    let wanted = door.pointer(port).expect("a door has a port");
    let service = found(objects, "Service/access-proxy");
    let ports: Vec<&Value> = list(service, "/spec/ports").collect();
    assert_eq!(ports.len(), 1, "{case}");
    assert!(
        ports[0]["name"] == *wanted || ports[0]["port"] == *wanted,
        "{case}: {wanted} is no port of the Service"
    );
    ports[0]["targetPort"].as_u64().expect("a number")
}

#[test]
fn the_parts_of_a_proxy_fit_each_other() {
    let cases = Case::all();
    assert_eq!(cases.len(), 72);
    for case in &cases {
        let tree = compile(&case.projects());
        let objects = objects(&tree, "in-cluster/churn");
        let deployment = found(&objects, "Deployment/access-proxy");
        let pod = &deployment["spec"]["template"]["spec"];
        let containers: Vec<&Value> = list(pod, "/containers").collect();
        let names: Vec<&str> = containers.iter().map(|it| text(it, "/name")).collect();
        let expect: &[&str] = match case.auth {
            "oauth2Proxy" => &["oauth2-proxy"],
            "kubeRbacProxy" => &["kube-rbac-proxy"],
            _ => &["oauth2-proxy", "kube-rbac-proxy"],
        };
        assert_eq!(names, expect, "{case}");

        // The first one takes what comes from outside, and the last one talks to the stack.
        let port = entry(case, &objects);
        let (first, last) = (containers[0], containers[containers.len() - 1]);
        assert!(
            list(first, "/ports").any(|it| it["containerPort"].as_u64() == Some(port)),
            "{case}: {port} is no port of the first container"
        );
        let listens = |container: &Value| {
            list(container, "/args")
                .filter_map(Value::as_str)
                .filter_map(|argument| argument.split_once("-address=0.0.0.0:"))
                .map(|(_, port)| port.parse::<u64>().expect("a port"))
                .collect::<BTreeSet<u64>>()
        };
        assert!(listens(first).contains(&port), "{case}");
        if containers.len() > 1 {
            assert!(listens(last).is_disjoint(&listens(first)), "{case}");
        }
        let upstream = |container: &Value| {
            let mut found = list(container, "/args")
                .filter_map(Value::as_str)
                .filter_map(|argument| argument.strip_prefix("--upstream="));
            found.next().expect("an upstream").to_owned()
        };
        let scheme = if case.pod_tls { "https" } else { "http" };
        let stack = if case.ui {
            "http://ml-pipeline-ui/".to_owned()
        } else {
            format!("{scheme}://ml-pipeline:8888/")
        };
        assert_eq!(upstream(last), stack, "{case}");
        if containers.len() > 1 {
            assert_eq!(upstream(first), "https://127.0.0.1:9443/", "{case}");
        }

        // The policy lets that port in and no other one.
        let policy = found(&objects, "NetworkPolicy/access-proxy-ingress");
        let open: Vec<u64> = list(policy, "/spec/ingress")
            .flat_map(|rule| list(rule, "/ports"))
            .filter_map(|it| it["port"].as_u64())
            .collect();
        assert_eq!(open, [port], "{case}");

        check_pod(case, pod, &containers, &objects);
    }
}

fn check_pod(case: &Case, pod: &Value, containers: &[&Value], objects: &[Value]) {
    let volumes: BTreeSet<&str> = list(pod, "/volumes").map(|it| text(it, "/name")).collect();
    let mut mounted = BTreeSet::new();
    for container in containers {
        let named: BTreeSet<&str> = list(container, "/ports")
            .map(|it| text(it, "/name"))
            .collect();
        for probe in ["livenessProbe", "readinessProbe"] {
            let port = text(container, &format!("/{probe}/httpGet/port"));
            assert!(named.contains(port), "{case}: {probe} at {port}");
        }
        let mut files = Vec::new();
        for mount in list(container, "/volumeMounts") {
            mounted.insert(text(mount, "/name"));
            files.push(text(mount, "/mountPath"));
        }
        // Every file that an argument names lies in a volume.
        for argument in list(container, "/args").filter_map(Value::as_str) {
            if let Some((_, path)) = argument.split_once("=/etc/") {
                let path = format!("/etc/{path}");
                assert!(
                    files.iter().any(|directory| path.starts_with(directory)),
                    "{case}: {argument}"
                );
            }
        }
        let security = &container["securityContext"];
        assert_eq!(security["allowPrivilegeEscalation"], false, "{case}");
        assert_eq!(security["readOnlyRootFilesystem"], true, "{case}");
        assert_eq!(security["runAsNonRoot"], true, "{case}");
        assert_eq!(
            security["capabilities"],
            serde_json::json!({"drop": ["ALL"]})
        );
        assert_eq!(security["runAsUser"].is_u64(), !case.openshift, "{case}");
        let variables: BTreeMap<&str, &str> = list(container, "/env")
            .map(|it| (text(it, "/name"), text(it, "/value")))
            .collect();
        assert_eq!(variables["HTTPS_PROXY"], "http://proxy.example.com:3128");
        for host in ["127.0.0.1", "ml-pipeline", "ml-pipeline-ui"] {
            let mut not = variables["NO_PROXY"].split(',');
            assert!(not.any(|entry| entry == host), "{case}: {host}");
        }
    }
    assert_eq!(mounted, volumes, "{case}");
    assert_eq!(pod["nodeSelector"]["pool"], "ml", "{case}");
    assert_eq!(pod["priorityClassName"], "stacks", "{case}");
    assert_eq!(pod["imagePullSecrets"][0]["name"], "registry", "{case}");
    assert_eq!(
        pod["automountServiceAccountToken"],
        case.asks_kubernetes(),
        "{case}"
    );

    // Whoever is not there yet is made, or belongs to the user.
    let made = |kind: &str| {
        objects
            .iter()
            .any(|it| it["kind"] == kind && text(it, "/metadata/name").starts_with("access-cookie"))
    };
    let job = case.generator == "job";
    assert_eq!(made("Job"), case.logs_in() && job, "{case}");
    assert_eq!(made("ExternalSecret"), case.logs_in() && !job, "{case}");
    assert_eq!(made("Password"), case.logs_in() && !job, "{case}");
    for volume in list(pod, "/volumes") {
        let secret = text(volume, "/secret/secretName");
        let known = match secret {
            "" | "oidc" | "access-cookie" => true,
            // OpenShift makes it for the Service.
            "access-proxy-serving-cert" => {
                let service = found(objects, "Service/access-proxy");
                case.exposure == "route"
                    && service["metadata"]["annotations"]["service.beta.openshift.io/serving-cert-secret-name"]
                        == secret
            }
            _ => false,
        };
        assert!(known, "{case}: nobody makes the Secret {secret}");
        let config = text(volume, "/configMap/name");
        assert!(
            config.is_empty() || object(objects, &format!("ConfigMap/{config}")).is_some(),
            "{case}: {config}"
        );
    }
}

#[test]
fn a_base_without_a_proxy_refuses_exposed_projects() {
    let mut bases = bases().clone();
    let facts = bases
        .get_mut("kfp-2.17.0/base.yaml")
        .expect("the base has facts");
    let (before, rest) = facts.split_once("\naccess:\n").expect("it has a proxy");
    let (_, after) = rest.split_once("\n\n").expect("there are more facts");
    *facts = format!("{before}\n\n{after}");
    let projects = "version: 1\nplatform: {base: kfp-2.17.0}\nprojects:\n- name: churn\n  members: {viewers: [\"group:a\"]}\n  access: {exposure: ingress, host: a.example.com, auth: kubeRbacProxy}\n";
    let outcome = compile_bases(projects, &bases, &BTreeMap::new(), 1);
    assert_eq!(
        outcome.findings,
        [
            "error[unsupported-by-base] projects.yaml:6:22 base `kfp-2.17.0` has nothing to expose a stack with"
        ]
    );
}

/// The issuer is a server outside of the project, which restricted egress must let through.
#[test]
fn restricted_egress_needs_the_addresses_of_the_issuer() {
    let check = |issuer: &str, more: &str, expect: &[&str]| {
        let projects = format!(
            "version: 1\nplatform: {{base: kfp-2.17.0, network: {{apiServer: [10.0.0.1/32]}}}}\nprojects:\n- name: churn\n  network: {{egress: restricted{more}}}\n  access: {{exposure: ingress, host: a.example.com, auth: oauth2Proxy, oidc: {{issuer: \"{issuer}\", clientId: kfp, clientSecret: {{name: s, key: k}}, allowedGroups: [a]}}}}\n"
        );
        let outcome = compile_bases(&projects, bases(), &BTreeMap::new(), 1);
        assert_eq!(outcome.findings, expect, "{issuer}");
    };
    check(
        "https://id.example.com/realms/ml",
        "",
        &[
            "warning[egress-blocked] projects.yaml:5:21 restricted egress of `churn` does not let `id.example.com` through",
        ],
    );
    check(
        "https://id.example.com/realms/ml",
        ", egressTo: [192.0.2.0/24]",
        &[],
    );
    check("https://192.0.2.7:8443", "", &[]);
    check("https://dex.auth.svc.cluster.local:5556/dex", "", &[]);
}
