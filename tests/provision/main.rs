//! What sets up shared servers: who may know an account's password, whom the Jobs reach, and what the scripts say to
//! servers.

#[path = "../compiler/mod.rs"]
mod compiler;
#[path = "../network/policies.rs"]
mod policies;
mod scripts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use compiler::{bases, compile, compile_bases, compile_with, objects, root};
use policies::{End, pair};
use serde_json::Value;

type Tree = BTreeMap<String, String>;

const COMMON: &str = "in-cluster/_shared/common";
const PROJECTS: &str = "in-cluster/_shared/projects";

fn fleet() -> String {
    std::fs::read_to_string(root().join("tests/golden/provisioning/projects.yaml")).expect("read")
}

/// A fleet whose projects, by name, share one database server.
fn sharing<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::from(
        "version: 1
platform: {base: kfp-2.17.0}
databases:
  central: {host: db.example.com, provision: job, credentials: {externalSecret: {store: vault, key: \"ml/{{ project.name }}\"}}}
projects:
",
    );
    for name in names {
        writeln!(text, "- {{name: {name}, database: central}}").expect("a string");
    }
    text
}

/// Every string of a value, keys included.
fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(list) => list.iter().for_each(|item| strings(item, found)),
        Value::Object(map) => map.iter().for_each(|(key, below)| {
            found.push(key);
            strings(below, found);
        }),
        _ => {}
    }
}

fn jobs(tree: &Tree) -> Vec<Value> {
    let all = objects(tree, PROJECTS).into_iter();
    all.filter(|object| object["kind"] == "Job").collect()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

#[test]
fn nothing_of_a_project_leads_to_an_account() {
    let tree = compile(&fleet());
    let accounts = [
        "tenantry-system",
        "platform/mariadb",
        "lake-admin",
        "minio-admin",
        "lgvm6z6tbvwwg2p6",
        "sandbox-superuser",
        "provisioning",
    ];
    let of_projects = tree
        .iter()
        .filter(|(path, _)| !path.contains("/_shared/") && !path.contains("/_sync/"));
    for (path, file) in of_projects {
        for account in accounts {
            assert!(!file.contains(account), "{path} names `{account}`");
        }
    }
}

#[test]
fn the_jobs_have_no_rights() {
    let tree = compile(&fleet());
    for directory in [COMMON, PROJECTS] {
        for object in objects(&tree, directory) {
            let kind = text(&object, "/kind");
            let known = [
                "Namespace",
                "ServiceAccount",
                "NetworkPolicy",
                "ConfigMap",
                "ExternalSecret",
                "Job",
            ];
            assert!(known.contains(&kind), "{kind}");
            let namespace = match kind {
                "Namespace" => "/metadata/name",
                _ => "/metadata/namespace",
            };
            assert_eq!(text(&object, namespace), "tenantry-system", "{kind}");
            if kind == "ServiceAccount" {
                assert_eq!(object["automountServiceAccountToken"], false);
            }
        }
    }
    let jobs = jobs(&tree);
    assert_eq!(jobs.len(), 6);
    for job in jobs {
        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(pod["serviceAccountName"], "provisioning");
        assert!(text(&job, "/metadata/name").len() <= 63);
    }
}

#[test]
fn each_job_knows_one_project() {
    let tree = compile(&fleet());
    let projects = ["churn", "fraud", "speech"];
    for object in objects(&tree, PROJECTS) {
        let own = text(&object, "/metadata/labels/tenantry.dev~1project").to_owned();
        let mut found = Vec::new();
        strings(&object, &mut found);
        for other in projects.iter().filter(|name| !own.starts_with(**name)) {
            assert!(
                found.iter().all(|text| !text.contains(other)),
                "{} names {other}",
                object["metadata"]["name"]
            );
        }
    }
    for object in objects(&tree, COMMON) {
        let mut found = Vec::new();
        strings(&object, &mut found);
        for project in projects {
            assert!(
                found.iter().all(|text| !text.contains(project)),
                "{} names {project}",
                object["metadata"]["name"]
            );
        }
    }
}

#[test]
fn each_job_reaches_its_server_alone() {
    let tree = compile(&fleet());
    let policies: Vec<Value> = objects(&tree, COMMON)
        .into_iter()
        .filter(|object| object["kind"] == "NetworkPolicy")
        .collect();
    let pod = |namespace: &str, labels: &Value| End::Pod {
        namespace: namespace.to_owned(),
        labels: labels
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or("").to_owned()))
            .collect(),
        named: BTreeMap::new(),
    };
    let address = |text: &str| End::Address(text.parse().expect("an address"));
    let ends = [
        ("databases", pod("databases", &Value::Null)),
        ("storage", pod("storage", &Value::Null)),
        (
            "churn",
            pod("churn", &serde_json::json!({"app": "mariadb"})),
        ),
        ("192.0.2.7", address("192.0.2.7")),
        ("198.51.100.1", address("198.51.100.1")),
        ("10.96.0.1", address("10.96.0.1")),
    ];
    // By server: what it reaches besides DNS. Servers with public names can be anywhere, at their own port.
    let everywhere = [
        "192.0.2.7",
        "198.51.100.1",
        "10.96.0.1",
        "databases",
        "storage",
        "churn",
    ];
    let expected: BTreeMap<&str, (&[&str], u16)> = BTreeMap::from([
        ("central", (&["databases"][..], 3306)),
        ("Managed.1", (&everywhere[..], 3306)),
        ("sandbox", (&["192.0.2.7"][..], 5432)),
        ("minio", (&["storage"][..], 9000)),
        ("ceph", (&everywhere[..], 8443)),
        ("lake", (&everywhere[..], 443)),
    ]);
    let dns = pod("kube-system", &serde_json::json!({"k8s-app": "kube-dns"}));
    for job in jobs(&tree) {
        let labels = &job["spec"]["template"]["metadata"]["labels"];
        let from = pod("tenantry-system", labels);
        let (reached, port) = expected[text(labels, "/tenantry.dev~1server")];
        for (name, to) in &ends {
            let found = pair(&policies, &from, to);
            assert_eq!(
                found.passes(port, "TCP"),
                reached.contains(name),
                "{} to {name}",
                job["metadata"]["name"]
            );
            assert!(!pair(&policies, to, &from).passes(port, "TCP"), "{name}");
            let whole = reached == ["databases"] || reached == ["storage"];
            assert_eq!(found.passes(22, "TCP"), whole && reached.contains(name));
        }
        assert!(pair(&policies, &from, &dns).passes(53, "UDP"));
    }
}

#[test]
fn a_project_changes_its_own_job_alone() {
    let names: Vec<String> = (0..20).map(|number| format!("p{number}")).collect();
    let before = compile(&sharing(names[1..].iter().map(String::as_str)));
    let after = compile(&sharing(names.iter().map(String::as_str)));
    let changed: Vec<&String> = after
        .iter()
        .filter(|(path, text)| before.get(*path) != Some(text) && path.contains("/_shared/"))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(changed, ["in-cluster/_shared/projects/p0.yaml"]);
    let moved = sharing(["p1"]).replace("db.example.com", "db2.example.com");
    let names = |tree: &Tree| -> BTreeSet<String> {
        let jobs = jobs(tree);
        jobs.iter()
            .map(|job| text(job, "/metadata/name").to_owned())
            .collect()
    };
    assert!(
        names(&before).is_disjoint(&names(&compile(&moved))),
        "a Job's template cannot change under the same name"
    );
}

#[test]
fn many_projects_are_shared_out() {
    let names: Vec<String> = (0..300).map(|number| format!("p{number}")).collect();
    let tree = compile(&sharing(names.iter().map(String::as_str)));
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    for path in tree.keys() {
        if let Some((part, _)) = path
            .strip_prefix("in-cluster/_shared/")
            .and_then(|below| below.split_once('/'))
        {
            *parts.entry(part).or_default() += 1;
        }
    }
    let common = parts.remove("common");
    assert!(common.is_some_and(|files| files < 6), "{common:?}");
    assert_eq!(
        parts.keys().copied().collect::<Vec<_>>(),
        ["projects.0", "projects.1"]
    );
    assert_eq!(parts.values().sum::<usize>(), 300);
    assert!(parts.values().all(|files| *files <= 250), "{parts:?}");
}

/// Checks the one finding of a fleet.
#[track_caller]
fn check_finding(projects: &str, bases: &BTreeMap<String, String>, expect: &str) {
    let outcome = compile_bases(projects, bases, &BTreeMap::new(), 1);
    assert_eq!(outcome.findings, [expect]);
}

#[test]
fn what_cannot_be_provisioned_is_said() {
    let mut without = bases().clone();
    let facts = without
        .get_mut("kfp-2.17.0/base.yaml")
        .expect("a shipped base");
    *facts = facts.replace("  postgresql: ", "  other: ");
    let postgresql =
        sharing(["churn"]).replace("host:", "engine: postgresql, experimental: true, host:");
    check_finding(
        &postgresql,
        &without,
        "error[unsupported-by-base] projects.yaml:6:10 base `kfp-2.17.0` has no image `postgresql` to provision `central` with",
    );
    let long = "s".repeat(250);
    let secret = sharing(["churn"]).replace(
        "{externalSecret: {store: vault, key: \"ml/{{ project.name }}\"}}",
        &format!("{{secret: {{name: {long}}}}}"),
    );
    check_finding(
        &secret,
        bases(),
        &format!(
            "error[invalid-name] projects.yaml:6:10 the copy `churn.{long}` of a Secret for the provisioning Job has too long a name"
        ),
    );
}

#[test]
fn nothing_is_made_for_those_who_ask_for_nothing() {
    let none = sharing(["churn"]).replace("provision: job, ", "");
    let retired =
        sharing(["churn"]).replace("database: central", "database: central, state: retired");
    for projects in [none, retired] {
        let tree = compile(&projects);
        assert!(tree.keys().all(|path| !path.contains("_shared")));
    }
}

#[test]
fn images_are_mirrored_and_held_against_the_policy() {
    let mirrored = sharing(["churn"]).replace(
        "{base: kfp-2.17.0}",
        "{base: kfp-2.17.0, images: {mirrors: {docker.io: mirror.example.com/hub}, allowUnmapped: true}}",
    );
    let tree = compile_with(&mirrored, &BTreeMap::new(), 1).tree;
    for job in jobs(&tree) {
        let image = text(&job, "/spec/template/spec/containers/0/image");
        assert_eq!(image, "mirror.example.com/hub/library/mysql:8.4");
    }
}
