//! Monitors and alerts, held against the stacks that they are about and the runbooks that they name.

mod compiler;

use std::collections::{BTreeMap, BTreeSet};

use compiler::{compile, compile_with, objects, root};
use serde_json::Value;

type Tree = BTreeMap<String, String>;

/// Metrics that alerts may ask for: who exports them, and whether a stack without pods has none.
///
/// Source: gitops-wiring §5; kube-state-metrics 2.15, Argo Workflows 4.0.5 and 3.7.3, cert-manager 1.21, External Secrets
/// Operator 2.9.
const METRICS: &[(&str, &str, bool)] = &[
    ("argo_workflows_queue_depth_gauge", "stack", true),
    (
        "certmanager_certificate_expiration_timestamp_seconds",
        "cert-manager",
        false,
    ),
    (
        "certmanager_certificate_ready_status",
        "cert-manager",
        false,
    ),
    ("externalsecret_status_condition", "external-secrets", false),
    ("grpc_server_handled_total", "stack", true),
    ("kube_deployment_spec_replicas", "kube-state-metrics", false),
    (
        "kube_deployment_status_replicas_available",
        "kube-state-metrics",
        false,
    ),
    ("kube_job_failed", "kube-state-metrics", false),
    ("kube_job_status_active", "kube-state-metrics", false),
    ("kube_resourcequota", "kube-state-metrics", false),
    ("kubelet_volume_stats_available_bytes", "kubelet", true),
    ("kubelet_volume_stats_capacity_bytes", "kubelet", true),
    ("scheduled_workflow_queue_size", "stack", true),
    ("up", "prometheus", true),
];

/// Alerts about a stack that has no pods: what they are about is there all the same, and wants the same care.
const ABOUT_THE_REST: &[&str] = &[
    "KubeflowPipelinesCertificate",
    "KubeflowPipelinesCredentialsFailed",
    "KubeflowPipelinesProvisioningStuck",
    "KubeflowPipelinesQuotaUsedUp",
    "KubeflowPipelinesSecretNotFetched",
];

/// Words of PromQL that stand where a metric could.
const WORDS: &[&str] = &[
    "and",
    "by",
    "increase",
    "max",
    "min",
    "or",
    "predict_linear",
    "rate",
    "sum",
    "time",
];

fn golden() -> Tree {
    let text = std::fs::read_to_string(root().join("tests/golden/monitoring/projects.yaml"));
    compile(&text.expect("the case is there"))
}

fn of_kind(tree: &Tree, directory: &str, kind: &str) -> Vec<Value> {
    let all = objects(tree, directory).into_iter();
    all.filter(|object| object["kind"] == kind).collect()
}

/// The directories with monitors.
fn monitored(tree: &Tree) -> Vec<&str> {
    tree.keys()
        .filter_map(|path| path.strip_suffix("/monitoring.yaml"))
        .collect()
}

fn alerts(tree: &Tree) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for directory in monitored(tree) {
        for rule in of_kind(tree, directory, "PrometheusRule") {
            let rules = rule
                .pointer("/spec/groups/0/rules")
                .and_then(Value::as_array);
            for alert in rules.expect("a group has rules") {
                found.push((directory.to_owned(), alert.clone()));
            }
        }
    }
    found
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// The metrics of an expression, each with the matchers behind it.
fn selectors(expr: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = expr;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '"') {
        if rest[start..].starts_with('"') {
            let end = rest[start + 1..].find('"').expect("a closed string");
            rest = &rest[start + end + 2..];
            continue;
        }
        let word: String = rest[start..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        // Digits before it: a duration.
        let is_unit = rest[..start].ends_with(|c: char| c.is_ascii_digit());
        rest = &rest[start + word.len()..];
        if word == "by" {
            rest = &rest[rest.find(')').expect("labels in parentheses")..];
        } else if !is_unit && !WORDS.contains(&word.as_str()) {
            let end = rest.find('}').expect("every metric has matchers");
            assert!(rest.starts_with('{'), "{word} in {expr}");
            found.push((word, rest[1..end].to_owned()));
            rest = &rest[end + 1..];
        }
    }
    found
}

#[test]
fn expressions_ask_for_what_there_is() {
    let tree = golden();
    let alerts = alerts(&tree);
    assert!(alerts.len() > 30, "{}", alerts.len());
    for (directory, alert) in &alerts {
        let expr = text(alert, "/expr");
        for pair in ["()", "{}", "[]"] {
            let count = |c: usize| expr.matches(&pair[c..=c]).count();
            assert_eq!(count(0), count(1), "{expr}");
        }
        let namespace = match directory.rsplit('/').next() {
            Some("common") => "tenantry-system",
            other => other.expect("a namespace"),
        };
        let found = selectors(expr);
        assert!(!found.is_empty(), "{expr}");
        for (metric, matchers) in found {
            assert!(
                METRICS.iter().any(|(known, _, _)| *known == metric),
                "{metric} in {expr}"
            );
            let own = format!("namespace=\"{namespace}\"");
            assert!(
                matchers.contains(&own),
                "{metric}{{{matchers}}} in {directory}"
            );
        }
    }
}

#[test]
fn what_a_paused_stack_has_not_got_is_not_missed() {
    let tree = golden();
    let rules = |directory: &str| of_kind(&tree, directory, "PrometheusRule");
    assert_eq!(rules("east/paused").len(), 1);
    for (_, alert) in alerts(&tree) {
        let name = text(&alert, "/alert");
        if ABOUT_THE_REST.contains(&name) {
            continue;
        }
        let expr = text(&alert, "/expr");
        let found = selectors(expr);
        let compared = found
            .iter()
            .any(|(metric, _)| metric == "kube_deployment_spec_replicas")
            && expr.contains(") < max by (namespace, deployment) (kube_deployment_spec_replicas{");
        let of_pods = found.iter().all(|(metric, _)| {
            METRICS
                .iter()
                .any(|(known, _, gone)| known == metric && *gone)
        });
        assert!(compared || of_pods, "{name}: {expr}");
        assert!(!expr.contains("absent"), "{name}: {expr}");
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let everything = "version: 1
platform: {base: kfp-2.17.0, network: {monitoringNamespaces: [monitoring]}, monitoring: {enabled: true}}
databases: {central: {host: db.example.com, provision: job, credentials: {externalSecret: {store: vault, key: a}}}}
projects:
- {name: one, quota: {pods: \"9\"}, podToPodTLS: {issuer: {name: ca}}}
- {name: two, database: central}
";
    let runbooks = std::fs::read_to_string(root().join("docs/runbooks.md")).expect("the page");
    let sections: BTreeSet<&str> = runbooks
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let mut named = BTreeSet::new();
    let tree = compile(everything);
    let alerts = alerts(&tree);
    for (_, alert) in &alerts {
        let name = text(alert, "/alert");
        let anchor = format!("docs/runbooks.md#{}", name.to_lowercase());
        assert_eq!(text(alert, "/annotations/runbook_url"), anchor);
        assert!(
            ["critical", "warning"].contains(&text(alert, "/labels/severity")),
            "{name}"
        );
        assert!(!text(alert, "/for").is_empty(), "{name} would call at once");
        for annotation in ["/annotations/summary", "/annotations/description"] {
            assert!(!text(alert, annotation).is_empty(), "{name}");
        }
        named.insert(name);
    }
    assert_eq!(named, sections);
    // Links inside of the page.
    for (at, _) in runbooks.match_indices("](#") {
        let anchor = runbooks[at + 3..].split(')').next().expect("a link ends");
        assert!(
            sections
                .iter()
                .any(|section| section.to_lowercase() == anchor),
            "{anchor}"
        );
    }
}

/// The metrics ports of a project by the label `app` of the pods, as its NetworkPolicies let Prometheus reach them.
fn let_in(tree: &Tree, directory: &str) -> BTreeMap<String, BTreeSet<u64>> {
    let mut ports: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for policy in of_kind(tree, directory, "NetworkPolicy") {
        let rules = policy.pointer("/spec/ingress").and_then(Value::as_array);
        for rule in rules.into_iter().flatten() {
            let monitoring = serde_json::json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]);
            if rule["from"] == monitoring {
                let app = text(&policy, "/spec/podSelector/matchLabels/app").to_owned();
                let of_rule = rule["ports"].as_array().into_iter().flatten();
                let of_rule = of_rule.filter_map(|port| port["port"].as_u64());
                ports.entry(app).or_default().extend(of_rule);
            }
        }
    }
    ports
}

#[test]
fn monitors_find_the_ports_that_prometheus_may_reach() {
    let tree = golden();
    for directory in [
        "east/churn",
        "east/fraud-detection",
        "east/legacy",
        "east/paused",
    ] {
        let mut read: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        let deployments = of_kind(&tree, directory, "Deployment");
        for monitor in of_kind(&tree, directory, "PodMonitor") {
            let app = text(&monitor, "/spec/selector/matchLabels/app").to_owned();
            let labels = &monitor["spec"]["selector"]["matchLabels"];
            let deployment = deployments
                .iter()
                .find(|deployment| deployment["spec"]["selector"]["matchLabels"] == *labels)
                .unwrap_or_else(|| panic!("{directory}: no pods for {app}"));
            let endpoints = monitor["spec"]["podMetricsEndpoints"].as_array();
            for endpoint in endpoints.into_iter().flatten() {
                let containers = deployment.pointer("/spec/template/spec/containers");
                let ports = containers.and_then(Value::as_array).into_iter().flatten();
                let port = ports
                    .flat_map(|container| container["ports"].as_array().into_iter().flatten())
                    .find(|port| port["name"] == endpoint["port"])
                    .unwrap_or_else(|| panic!("{directory}: no port for {app}"));
                let number = port["containerPort"].as_u64().expect("a number");
                read.entry(app.clone()).or_default().insert(number);
            }
        }
        let mut allowed = let_in(&tree, directory);
        if directory == "east/fraud-detection" {
            // The controller's metrics are switched off there.
            allowed.remove("workflow-controller");
        }
        assert_eq!(read, allowed, "{directory}");
    }
}

#[test]
fn tls_between_pods_is_checked() {
    let tree = golden();
    let endpoint = |directory: &str, name: &str| {
        let monitors = of_kind(&tree, directory, "PodMonitor");
        let monitor = monitors
            .iter()
            .find(|monitor| monitor["metadata"]["name"] == name);
        monitor.map(|monitor| monitor["spec"]["podMetricsEndpoints"][0].clone())
    };
    let api = endpoint("east/churn", "ml-pipeline").expect("a monitor");
    assert_eq!(api["scheme"], "https");
    let ca = serde_json::json!({"ca": {"secret": {"name": "kfp-api-tls-cert", "key": "ca.crt"}}, "serverName": "ml-pipeline"});
    assert_eq!(api["tlsConfig"], ca);
    let certificates = of_kind(&tree, "east/churn", "Certificate");
    assert!(certificates.iter().any(|certificate| {
        certificate["spec"]["secretName"] == "kfp-api-tls-cert"
            && certificate["spec"]["dnsNames"]
                .as_array()
                .is_some_and(|names| names.contains(&"ml-pipeline".into()))
    }));
    let controller = endpoint("east/churn", "workflow-controller").expect("a monitor");
    assert_eq!(controller["scheme"], "https");
    assert_eq!(controller["tlsConfig"]["insecureSkipVerify"], true);
    let plain = endpoint("east/legacy", "ml-pipeline").expect("a monitor");
    assert_eq!(plain["scheme"], "http");
    assert_eq!(plain.get("tlsConfig"), None);
    assert_eq!(
        endpoint("east/fraud-detection", "workflow-controller"),
        None
    );
    assert_eq!(
        endpoint("east/legacy", "ml-pipeline-scheduledworkflow"),
        None
    );
}

#[test]
fn only_those_who_are_monitored_have_monitors() {
    let tree = golden();
    assert_eq!(
        monitored(&tree),
        [
            "east/_shared/common",
            "east/churn",
            "east/fraud-detection",
            "east/legacy",
            "east/paused"
        ]
    );
    for directory in monitored(&tree) {
        for object in objects(&tree, directory) {
            if object["apiVersion"] == "monitoring.coreos.com/v1" {
                assert_eq!(
                    object["metadata"]["labels"]["release"],
                    "kube-prometheus-stack"
                );
            }
        }
    }
    let off = "version: 1\nplatform: {base: kfp-2.17.0}\nprojects: [{name: churn}]\n";
    assert_eq!(monitored(&compile(off)), Vec::<&str>::new());
    // Without labels there is no empty map of them, and without a way in a warning.
    let on = off.replace("kfp-2.17.0}", "kfp-2.17.0, monitoring: {enabled: true}}");
    let outcome = compile_with(&on, &BTreeMap::new(), 1);
    assert_eq!(
        outcome.findings,
        [
            "warning[metrics-blocked] projects.yaml:2:52 no namespace may read the metrics of the stacks in cluster `in-cluster`"
        ]
    );
    assert_eq!(monitored(&outcome.tree), ["in-cluster/churn"]);
}
