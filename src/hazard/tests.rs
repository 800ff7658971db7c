//! Each hazard by example; [`generated`] shows that none is missed and none is raised without reason.

mod generated;

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::*;
use crate::object::Object;

/// What the newest shipped base says about itself.
fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(|| {
        let text = include_str!("../../base/kfp-2.17.0/base.yaml");
        serde_saphyr::from_str(text).expect("the base has facts")
    })
}

pub(super) fn set(bodies: &[Value]) -> Objects {
    Objects::new(bodies.iter().map(|body| Object {
        body: body.clone(),
        file: "x".to_owned(),
    }))
}

/// Finds the hazards between two sets of objects of an active project.
pub(super) fn find_in(old: &[Value], new: &[Value], state: &str) -> Vec<Finding> {
    find_between(&set(old), &set(new), state)
}

/// Finds the hazards between two sides of an active project.
pub(super) fn find_between(old: &Objects, new: &Objects, state: &str) -> Vec<Finding> {
    let side = |objects| Side {
        objects,
        state: "active",
        base: Some(facts()),
    };
    find(&Pair {
        directory: "in-cluster/churn",
        project: Some("churn"),
        old: side(old),
        new: Side { state, ..side(new) },
        hop: None,
    })
}

/// Writes findings one a line: hazard, what, and `old -> new`.
fn lines(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| {
        let mut line = format!("{}: {}", finding.hazard.as_str(), finding.what);
        if finding.old.is_some() || finding.new.is_some() {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "()".to_owned());
            line.push_str(&format!(
                " | {} -> {}",
                text(&finding.old),
                text(&finding.new)
            ));
        }
        line
    };
    findings.iter().map(line).collect()
}

#[track_caller]
fn check(old: Value, new: Value, expect: &[&str]) {
    let list = |value: Value| match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        other => vec![other],
    };
    assert_eq!(lines(&find_in(&list(old), &list(new), "active")), expect);
}

fn object(api_version: &str, kind: &str, rest: Value) -> Value {
    let mut body = json!({
        "apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": "churn"},
    });
    if let (Value::Object(body), Value::Object(rest)) = (&mut body, rest) {
        body.extend(rest);
    }
    body
}

#[test]
fn every_hazard_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<&str> =
        Hazard::ALL.iter().map(|hazard| hazard.as_str()).collect();
    assert_eq!(names.len(), Hazard::ALL.len());
    for hazard in Hazard::ALL {
        if let Some(code) = hazard.code() {
            assert_eq!(code.as_str(), hazard.as_str());
            let word: types::Hazard = serde_json::from_value(Value::from(hazard.as_str()))
                .expect("it can be acknowledged");
            assert_eq!(Hazard::from(word), *hazard);
            assert_eq!(word.as_str(), hazard.as_str());
        }
    }
}

#[test]
fn volumes() {
    let claim = |spec: Value| object("v1", "PersistentVolumeClaim", json!({"spec": spec}));
    let sized = |size: &str| claim(json!({"resources": {"requests": {"storage": size}}}));
    check(
        sized("10Gi"),
        Value::Null,
        &["volume-deleted: `PersistentVolumeClaim/x` disappears with its data | 10Gi -> ()"],
    );
    let shrunk = |old: &str, new: &str| {
        format!(
            "volume-shrunk: `PersistentVolumeClaim/x` gets smaller, which no cluster does | {old} -> {new}"
        )
    };
    check(sized("10Gi"), sized("20Gi"), &[]);
    check(sized("10Gi"), sized("10240Mi"), &[]);
    check(sized("10Gi"), sized("10G"), &[&shrunk("10Gi", "10G")]);
    check(
        sized("10Gi"),
        claim(json!({})),
        &[&shrunk("10Gi", "no size")],
    );
    check(sized("ten"), sized("eleven"), &[&shrunk("ten", "eleven")]);
    let changed = |field: &str, change: &str| {
        format!(
            "volume-class-changed: `spec.{field}` of `PersistentVolumeClaim/x` changes, which a claim cannot | {change}"
        )
    };
    check(
        claim(json!({"storageClassName": "slow", "volumeAttributesClassName": "a"})),
        claim(json!({"storageClassName": "fast", "volumeAttributesClassName": "b"})),
        &[&changed("storageClassName", "slow -> fast")],
    );
    check(
        claim(json!({"accessModes": ["ReadWriteOnce"]})),
        claim(
            json!({"accessModes": ["ReadWriteMany"], "volumeMode": "Filesystem", "dataSource": {"name": "y"}}),
        ),
        &[
            &changed("accessModes", "[\"ReadWriteOnce\"] -> [\"ReadWriteMany\"]"),
            &changed("dataSource", "not set -> {\"name\":\"y\"}"),
        ],
    );
}

#[test]
fn projects() {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "churn"}});
    check(
        namespace,
        Value::Null,
        &[
            "project-deleted: `Namespace/churn` is no longer rendered, and takes everything in it along when it is pruned",
        ],
    );
    let objects = set(&[object("v1", "PersistentVolumeClaim", json!({}))]);
    let gone = |state: &str, fate: Fate<'_>| {
        let finding = gone("in-cluster/churn", "churn", state, &objects, fate);
        lines(&finding.into_iter().collect::<Vec<_>>())
    };
    assert_eq!(gone("retired", Fate::Dropped), Vec::<String>::new());
    assert_eq!(
        gone("paused", Fate::Dropped),
        [
            "project-deleted: the directory `in-cluster/churn` disappears, with the volume `x` | paused -> ()"
        ]
    );
    assert_eq!(
        gone("", Fate::LeftFor("b/churn")),
        [
            "project-deleted: the directory `in-cluster/churn` disappears, with the volume `x`, and `b/churn` begins empty | of unknown state -> ()"
        ]
    );
    assert_eq!(
        gone("active", Fate::FallsTo("other")),
        [
            "project-deleted: the directory `in-cluster/churn` falls to project `other`, with the volume `x` | active -> ()"
        ]
    );
}

/// The API server with variables.
pub(super) fn api_server(env: Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ml-pipeline", "namespace": "churn"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "ml-pipeline-api-server", "env": env}]}}},
    })
}

fn without_restart(findings: Vec<Finding>) -> Vec<String> {
    let findings: Vec<Finding> = findings
        .into_iter()
        .filter(|finding| finding.hazard != Hazard::Restart)
        .collect();
    lines(&findings)
}

#[test]
fn storage_that_becomes_another_one() {
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    let database = |host: &str, name: &str| {
        api_server(json!([
            variable("DBCONFIG_MYSQLCONFIG_HOST", host),
            variable("DBCONFIG_MYSQLCONFIG_DBNAME", name)
        ]))
    };
    let found = |old: Value, new: Value| without_restart(find_in(&[old], &[new], "active"));
    let none: [&str; 0] = [];
    assert_eq!(found(database("a", "x"), database("a", "x")), none);
    assert_eq!(
        found(database("a", "x"), database("b", "x")),
        [
            "database-identity: the database of `Deployment/ml-pipeline` becomes another one | server a -> server b"
        ]
    );
    assert_eq!(
        found(database("a", "x"), database("b", "y")),
        [
            "database-identity: the database of `Deployment/ml-pipeline` becomes another one | server a, database x -> server b, database y"
        ]
    );
    // The own server keeps its data when only the domain of the cluster gets another name.
    let own = |domain: &str| database(&format!("mysql.churn.svc{domain}"), "x");
    assert_eq!(found(own(".cluster.local"), own(".example.org")), none);
    assert_eq!(found(own(""), own(".cluster.local")), none);
    let other = |domain: &str| database(&format!("mysql.shared.svc{domain}"), "x");
    assert_eq!(
        found(other(".cluster.local"), other(".example.org")).len(),
        1
    );
    // Another engine says it by other variables.
    let postgresql = api_server(json!([variable("DBCONFIG_POSTGRESQLCONFIG_HOST", "a")]));
    assert_eq!(
        found(database("a", "x"), postgresql),
        [
            "database-identity: the database of `Deployment/ml-pipeline` becomes another one | database x -> no database"
        ]
    );
    let store = |bucket: &str, path: &str| {
        api_server(json!([
            variable("OBJECTSTORECONFIG_BUCKETNAME", bucket),
            variable("OBJECTSTORECONFIG_PIPELINEPATH", path)
        ]))
    };
    assert_eq!(
        found(store("b", "churn/pipelines"), store("b", "other/pipelines")),
        [
            "object-store-identity: the object store of `Deployment/ml-pipeline` becomes another one | prefix churn/pipelines -> prefix other/pipelines"
        ]
    );
    // A program that goes says nothing about where it would store.
    assert_eq!(
        without_restart(find_in(&[store("b", "")], &[], "retired")),
        none
    );
    // A variable may come from a ConfigMap.
    let from = json!([{"name": "OBJECTSTORECONFIG_BUCKETNAME", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "b"}}}]);
    let config = |bucket: &str| object("v1", "ConfigMap", json!({"data": {"b": bucket}}));
    let with = |bucket: &str| [api_server(from.clone()), config(bucket)];
    assert_eq!(
        without_restart(find_in(&with("one"), &with("two"), "active")),
        [
            "object-store-identity: the object store of `Deployment/ml-pipeline` becomes another one | bucket one -> bucket two"
        ]
    );
    assert_eq!(
        without_restart(find_in(
            &with("one"),
            &[store("one", ""), config("one")],
            "active"
        )),
        none
    );
}

#[test]
fn credentials_from_another_source() {
    let reads = |secret: &str| {
        api_server(json!([{
            "name": "DBCONFIG_MYSQLCONFIG_PASSWORD",
            "valueFrom": {"secretKeyRef": {"name": secret, "key": "password"}},
        }]))
    };
    let job = |name: &str| {
        json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "churn"},
            "spec": {"template": {"spec": {"containers": [
                {"name": "credentials", "env": [{"name": "DATABASE_SECRET", "value": "mysql-secret"}]},
            ]}}},
        })
    };
    let external = |name: &str, data_from: Value| {
        json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": {"name": name, "namespace": "churn"},
            "spec": {"target": {"name": "mysql-secret"}, "dataFrom": data_from},
        })
    };
    let generator = |name: &str| {
        external(
            name,
            json!([{"sourceRef": {"generatorRef": {"kind": "Password", "name": "p"}}}]),
        )
    };
    let fetched = external("mysql-secret", json!([]));
    let found = |old: &[Value], new: &[Value]| without_restart(find_in(old, new, "active"));
    let none: [&str; 0] = [];
    let changed = |old: &str, new: &str| {
        [format!(
            "credentials-regenerated: the credentials of the database come from another source, and the server knows the former ones only | {old} -> {new}"
        )]
    };
    let by_job = "Secret `mysql-secret`, made by `Job/credentials`";
    let server = reads("mysql-secret");
    let made = [server.clone(), job("credentials-0123456789")];
    // Another hash in the name of the Job changes nothing: it leaves a Secret alone that is there.
    assert_eq!(
        found(&made, &[server.clone(), job("credentials-abcdef0123")]),
        none
    );
    assert_eq!(
        found(&made, &[server.clone(), generator("mysql-secret")]),
        changed(
            by_job,
            "Secret `mysql-secret`, generated by `ExternalSecret/mysql-secret`"
        )
    );
    // A generator generates again for every new object.
    assert_eq!(
        found(
            &[server.clone(), generator("a")],
            &[server.clone(), generator("b")]
        ),
        changed(
            "Secret `mysql-secret`, generated by `ExternalSecret/a`",
            "Secret `mysql-secret`, generated by `ExternalSecret/b`"
        )
    );
    assert_eq!(
        found(&made, &[reads("own"), job("credentials-0123456789")]),
        changed(by_job, "Secret `own`, made elsewhere")
    );
    assert_eq!(
        found(&made, &[server.clone(), fetched.clone()]),
        changed(by_job, "Secret `mysql-secret`, fetched from a secret store")
    );
    // Nobody generates: whoever provides the Secret knows what is in it.
    assert_eq!(found(&[server.clone(), fetched], &[reads("own")]), none);
    // A retired project has no programs, and its Secrets stay.
    let retired = |new: &[Value]| without_restart(find_in(&made, new, "retired"));
    assert_eq!(retired(&[job("credentials-abcdef0123")]), none);
    assert_eq!(
        retired(&[generator("mysql-secret")]),
        changed(
            by_job,
            "Secret `mysql-secret`, generated by `ExternalSecret/mysql-secret`"
        )
    );
}

#[test]
fn fields_that_cannot_change() {
    let immutable = |place: &str, kind: &str, change: &str| {
        format!(
            "immutable-field: `{place}` of `{kind}/x` changes, and the API server refuses that | {change}"
        )
    };
    let fixed =
        |api_version: &str, kind: &str, old: Value, new: Value, place: &str, change: &str| {
            check(
                object(api_version, kind, old),
                object(api_version, kind, new),
                &[&immutable(place, kind, change)],
            );
        };
    let selector = |app: &str| json!({"spec": {"selector": {"matchLabels": {"app": app}}}});
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] {
        fixed(
            "apps/v1",
            kind,
            selector("a"),
            selector("b"),
            "spec.selector.matchLabels.app",
            "a -> b",
        );
    }
    fixed(
        "apps/v1",
        "StatefulSet",
        json!({"spec": {"volumeClaimTemplates": [{"metadata": {"name": "a"}}]}}),
        json!({"spec": {"volumeClaimTemplates": [{"metadata": {"name": "b"}}]}}),
        "spec.volumeClaimTemplates[0].metadata.name",
        "a -> b",
    );
    fixed(
        "batch/v1",
        "Job",
        json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "a"}, {"name": "d"}]}}}}),
        json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "a"}]}}}}),
        "spec.template.spec.containers[name=d]",
        "{\"name\":\"d\"} -> not set",
    );
}

#[test]
fn immutability_has_conditions() {
    let none = |api_version: &str, kind: &str, old: Value, new: Value| {
        check(
            object(api_version, kind, old),
            object(api_version, kind, new),
            &[],
        );
    };
    let some = |api_version: &str, kind: &str, old: Value, new: Value| {
        let found = find_in(
            &[object(api_version, kind, old)],
            &[object(api_version, kind, new)],
            "active",
        );
        let hazards: Vec<Hazard> = found.iter().map(|finding| finding.hazard).collect();
        assert_eq!(hazards, [Hazard::ImmutableField], "{found:?}");
    };
    let ip = |ip: &str| json!({"spec": {"clusterIP": ip}});
    some("v1", "Service", ip("None"), json!({"spec": {}}));
    some("v1", "Service", json!({"spec": {}}), ip("None"));
    none("v1", "Service", json!({"spec": {}}), ip(""));
    none(
        "v1",
        "Service",
        ip("10.0.0.1"),
        json!({"spec": {"type": "ExternalName", "externalName": "a"}}),
    );
    let data = |value: &str, immutable: bool| json!({"data": {"a": value}, "immutable": immutable});
    none("v1", "ConfigMap", data("1", false), data("2", false));
    none("v1", "ConfigMap", data("1", false), data("1", true));
    some("v1", "ConfigMap", data("1", true), data("2", true));
    some("v1", "Secret", data("1", true), data("1", false));
    some(
        "v1",
        "Secret",
        json!({}),
        json!({"type": "kubernetes.io/tls"}),
    );
    none("v1", "Secret", json!({}), json!({"type": "Opaque"}));
    some(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        json!({"roleRef": {"kind": "Role", "name": "a"}}),
        json!({"roleRef": {"kind": "Role", "name": "b"}}),
    );
    none(
        "batch/v1",
        "Job",
        json!({"spec": {}}),
        json!({"spec": {"completionMode": "NonIndexed", "parallelism": 2}}),
    );
    let indexed = |completions: u64| json!({"spec": {"completionMode": "Indexed", "completions": completions}});
    none("batch/v1", "Job", indexed(2), indexed(3));
    some(
        "batch/v1",
        "Job",
        json!({"spec": {"completions": 1}}),
        json!({"spec": {"completions": 2}}),
    );
    none(
        "apps/v1",
        "StatefulSet",
        json!({"spec": {"replicas": 1}}),
        json!({"spec": {"replicas": 2, "podManagementPolicy": "OrderedReady"}}),
    );
    let pod = |image: &str, node: &str| json!({"spec": {"nodeName": node, "containers": [{"name": "a", "image": image}]}});
    none("v1", "Pod", pod("a", "n"), pod("b", "n"));
    some("v1", "Pod", pod("a", "n"), pod("a", "m"));
    // What is secret is not shown.
    let found = find_in(
        &[object("v1", "Secret", data("one", true))],
        &[object("v1", "Secret", data("two", true))],
        "active",
    );
    assert_eq!(
        lines(&found),
        [
            "immutable-field: `data.a` of `Secret/x` changes, and the API server refuses that | *** -> ***"
        ]
    );
}

#[test]
fn roles_and_bindings() {
    const V1: &str = "rbac.authorization.k8s.io/v1";
    let role = |rules: Value| object(V1, "Role", json!({"rules": rules}));
    let rule = |resources: &[&str], verbs: &[&str]| json!({"apiGroups": [""], "resources": resources, "verbs": verbs});
    check(
        role(json!([rule(&["pods"], &["get"])])),
        role(json!([rule(&["pods", "secrets"], &["get", "list"])])),
        &["access-widened: `Role/x` permits more: list `pods`; get, list `secrets`"],
    );
    // Less, or the same in other words, is not more.
    check(
        role(json!([rule(&["pods"], &["get", "list"])])),
        role(json!([rule(&["pods"], &["get"])])),
        &[],
    );
    check(
        role(json!([rule(&["pods"], &["*"])])),
        role(json!([
            rule(&["pods"], &["get"]),
            rule(&["pods"], &["list"])
        ])),
        &[],
    );
    check(
        role(json!([rule(&["*"], &["get"])])),
        role(json!([rule(&["pods/log"], &["get"])])),
        &[],
    );
    check(
        role(json!([rule(&["*/log"], &["get"])])),
        role(json!([rule(&["pods/log"], &["get"])])),
        &[],
    );
    check(
        role(json!([rule(&["pods"], &["get"])])),
        role(json!([rule(&["pods"], &["*"])])),
        &["access-widened: `Role/x` permits more: * `pods`"],
    );
    let named = |names: Value| json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"], "resourceNames": names}]);
    check(
        role(named(json!(["a"]))),
        role(named(json!(["a", "b"]))),
        &["access-widened: `Role/x` permits more: patch `deployments.apps/b`"],
    );
    check(
        role(named(json!(["a"]))),
        role(named(json!([]))),
        &["access-widened: `Role/x` permits more: patch `deployments.apps`"],
    );
    let urls = |url: &str| json!([{"nonResourceURLs": [url], "verbs": ["get"]}]);
    check(role(urls("/healthz*")), role(urls("/healthz/ready")), &[]);
    check(
        role(urls("/healthz")),
        role(urls("/metrics")),
        &["access-widened: `Role/x` permits more: get `/metrics`"],
    );

    let binding = |subjects: Value| {
        object(
            V1,
            "RoleBinding",
            json!({"roleRef": {"kind": "Role", "name": "r"}, "subjects": subjects}),
        )
    };
    let user = |name: &str| json!({"kind": "User", "name": name});
    check(
        binding(json!([user("a")])),
        binding(
            json!([user("b"), user("a"), {"kind": "ServiceAccount", "name": "s", "namespace": "n"}]),
        ),
        &["access-widened: `RoleBinding/x` gives `Role/r` to `ServiceAccount n/s`, `User b`"],
    );
    check(
        binding(json!([user("a"), user("b")])),
        binding(json!([user("b")])),
        &[],
    );
    check(
        Value::Null,
        binding(json!([user("a")])),
        &["access-widened: `RoleBinding/x` gives `Role/r` to `User a`"],
    );
    // A Role that nobody was bound to before is told of by its binding.
    check(Value::Null, role(json!([rule(&["pods"], &["get"])])), &[]);
    let mut named_role = role(json!([rule(&["pods"], &["get"])]));
    named_role["metadata"]["name"] = json!("r");
    check(
        binding(json!([])),
        json!([binding(json!([])), named_role]),
        &["access-widened: `Role/r` permits more: get `pods`"],
    );
}

#[test]
fn ways_in() {
    let ingress = |hosts: &[&str]| {
        let rules: Vec<Value> = hosts.iter().map(|host| json!({"host": host})).collect();
        object(
            "networking.k8s.io/v1",
            "Ingress",
            json!({"spec": {"rules": rules}}),
        )
    };
    check(
        Value::Null,
        ingress(&["a.example.com"]),
        &["access-widened: `Ingress/x` opens host `a.example.com`"],
    );
    check(
        ingress(&["a.example.com", "b.example.com"]),
        ingress(&["b.example.com"]),
        &[],
    );
    check(
        ingress(&["a.example.com"]),
        ingress(&[""]),
        &["access-widened: `Ingress/x` opens every host"],
    );
    let route = |spec: Value| {
        object(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            json!({"spec": spec}),
        )
    };
    check(
        Value::Null,
        route(json!({})),
        &["access-widened: `HTTPRoute/x` opens every host"],
    );
    check(
        route(json!({"hostnames": ["a"]})),
        route(json!({"hostnames": ["a", "b"]})),
        &["access-widened: `HTTPRoute/x` opens host `b`"],
    );
    let openshift = object(
        "route.openshift.io/v1",
        "Route",
        json!({"spec": {"host": "a"}}),
    );
    check(
        Value::Null,
        openshift,
        &["access-widened: `Route/x` opens host `a`"],
    );
    let service = |spec: Value| object("v1", "Service", json!({"spec": spec}));
    check(Value::Null, service(json!({})), &[]);
    check(
        service(json!({})),
        service(json!({"type": "LoadBalancer", "externalIPs": ["192.0.2.1"]})),
        &["access-widened: `Service/x` opens a load balancer, address `192.0.2.1`"],
    );
}

#[test]
fn network_policies() {
    let named = |name: &str, spec: Value| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": "churn"}, "spec": spec,
        })
    };
    let deny = named(
        "deny",
        json!({"podSelector": {}, "policyTypes": ["Ingress"]}),
    );
    let allow = |from: Value, ports: Value| {
        named(
            "allow",
            json!({"podSelector": {"matchLabels": {"app": "ui"}}, "policyTypes": ["Ingress"], "ingress": [{"from": from, "ports": ports}]}),
        )
    };
    let pods = |app: &str| json!({"podSelector": {"matchLabels": {"app": app}}});
    let port = |port: u64| json!({"port": port, "protocol": "TCP"});
    let wider = ["access-widened: more ingress traffic is admitted by `NetworkPolicy/allow`"];
    let base = [deny.clone(), allow(json!([pods("a")]), json!([port(80)]))];
    let found = |old: &[Value], new: &[Value]| lines(&find_in(old, new, "active"));
    let none: [&str; 0] = [];
    let with = |from: Value, ports: Value| [deny.clone(), allow(from, ports)];
    assert_eq!(found(&base, &base), none);
    assert_eq!(
        found(
            &base,
            &with(json!([pods("a"), pods("b")]), json!([port(80)]))
        ),
        wider
    );
    assert_eq!(
        found(
            &base,
            &with(json!([pods("a")]), json!([port(80), port(81)]))
        ),
        wider
    );
    assert_eq!(found(&base, &with(json!([pods("a")]), json!([]))), wider);
    assert_eq!(found(&base, &with(json!([]), json!([port(80)]))), wider);
    assert_eq!(
        found(
            &with(json!([pods("a"), pods("b")]), json!([port(80)])),
            &base
        ),
        none
    );
    // Narrower peers and ports are no more than before.
    let block =
        |cidr: &str, except: &[&str]| json!([{"ipBlock": {"cidr": cidr, "except": except}}]);
    let ranges = |from: Value| with(from, json!([{"port": 80, "endPort": 90}]));
    assert_eq!(
        found(
            &ranges(block("10.0.0.0/8", &[])),
            &with(block("10.1.0.0/16", &["10.1.2.0/24"]), json!([port(85)]))
        ),
        none
    );
    assert_eq!(
        found(
            &ranges(block("10.1.0.0/16", &[])),
            &ranges(block("10.0.0.0/8", &[]))
        ),
        wider
    );
    assert_eq!(
        found(
            &ranges(block("10.0.0.0/8", &["10.1.0.0/16"])),
            &ranges(block("10.0.0.0/8", &[]))
        ),
        wider
    );
    let namespace = |labels: Value, pods: Value| json!([{"namespaceSelector": {"matchLabels": labels}, "podSelector": pods}]);
    assert_eq!(
        found(
            &ranges(namespace(json!({}), json!({}))),
            &ranges(namespace(json!({"a": "b"}), json!({})))
        ),
        none
    );
    assert_eq!(
        found(
            &ranges(namespace(json!({"a": "b"}), json!({}))),
            &ranges(namespace(json!({}), json!({})))
        ),
        wider
    );
    // The pods of the own namespace are not those of all namespaces.
    assert_eq!(
        found(
            &ranges(json!([pods("a")])),
            &ranges(namespace(json!({}), pods("a")["podSelector"].clone()))
        ),
        wider
    );
    // Without isolation everything was admitted before.
    assert_eq!(found(&[], &base), none);
    assert_eq!(
        found(&base, &base[1..]),
        [
            "access-widened: without `NetworkPolicy/deny`, pods are no longer isolated from ingress traffic"
        ]
    );
    assert_eq!(found(&base, &base[..1]), none);
    // A policy without types isolates egress only when it has rules for it.
    let egress = named("out", json!({"podSelector": {}, "egress": []}));
    let plain = named("out", json!({"podSelector": {}}));
    assert_eq!(
        found(&[egress], &[plain]),
        [
            "access-widened: without `NetworkPolicy/out`, pods are no longer isolated from egress traffic"
        ]
    );
}

#[test]
fn restarts() {
    let workload = |kind: &str, name: &str, replicas: u64, image: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "churn"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "c", "image": image}]}}},
        })
    };
    check(
        json!([
            workload("Deployment", "b", 1, "1"),
            workload("Deployment", "a", 1, "1"),
            workload("StatefulSet", "s", 1, "1")
        ]),
        json!([
            workload("Deployment", "b", 2, "2"),
            workload("Deployment", "a", 1, "1"),
            workload("StatefulSet", "s", 1, "2")
        ]),
        &["restart: `Deployment/b`, `StatefulSet/s`"],
    );
    check(
        workload("Deployment", "a", 1, "1"),
        workload("Deployment", "a", 2, "1"),
        &[],
    );
    check(
        workload("Deployment", "a", 0, "1"),
        workload("Deployment", "a", 0, "2"),
        &[],
    );
    check(
        workload("Deployment", "a", 1, "1"),
        workload("Deployment", "a", 0, "2"),
        &[],
    );
    check(workload("Deployment", "a", 1, "1"), Value::Null, &[]);
}

#[test]
fn bases() {
    let objects = set(&[]);
    let find = |turn: Turn, migrations: &[&str]| {
        let side = Side {
            objects: &objects,
            state: "active",
            base: None,
        };
        let hop = Hop {
            from: "a".to_owned(),
            to: "b".to_owned(),
            turn,
            migrations: migrations
                .iter()
                .map(|reason| (*reason).to_owned())
                .collect(),
        };
        lines(&find(&Pair {
            directory: "c/p",
            project: Some("p"),
            old: side,
            new: side,
            hop: Some(&hop),
        }))
    };
    assert_eq!(find(Turn::None, &[]), Vec::<String>::new());
    assert_eq!(find(Turn::Newer, &[]), Vec::<String>::new());
    assert_eq!(
        find(Turn::Newer, &["copy it\n"]),
        ["base-migration: copy it | a -> b"]
    );
    assert_eq!(
        find(Turn::Older, &[]),
        [
            "base-downgrade: the base becomes an older one, and programs may not read what newer ones have written | a -> b"
        ]
    );
    assert_eq!(
        find(Turn::Unknown, &[]),
        [
            "base-migration: base `a` is no longer below `base/`, so that nobody can tell what the hop needs | a -> b"
        ]
    );
}

#[test]
fn proxies_that_let_more_in() {
    let proxy = |containers: &[(&str, &[&str])]| {
        let containers: Vec<Value> = containers
            .iter()
            .map(|(name, args)| json!({"name": name, "args": args}))
            .collect();
        let mut object = object(
            "apps/v1",
            "Deployment",
            json!({"spec": {"replicas": 0, "template": {"spec": {"containers": containers}}}}),
        );
        object["metadata"]["name"] = json!("access-proxy");
        object
    };
    let login = |args: &[&str]| proxy(&[("oauth2-proxy", args)]);
    let both = |args: &[&str]| proxy(&[("oauth2-proxy", args), ("kube-rbac-proxy", &[])]);
    let (a, b) = ("--allowed-group=a", "--allowed-group=b");
    check(login(&[a]), login(&[a, "--cookie-expire=1h"]), &[]);
    check(login(&[a, b]), login(&[b]), &[]);
    check(login(&[]), login(&[a]), &[]);
    check(login(&[a]), both(&[a]), &[]);
    check(Value::Null, login(&[a]), &[]);
    check(login(&[a]), Value::Null, &[]);
    check(
        login(&[a]),
        login(&[b]),
        &["access-widened: `oauth2-proxy` of `Deployment/access-proxy` lets in `b`"],
    );
    check(
        login(&[a]),
        login(&[]),
        &["access-widened: `oauth2-proxy` of `Deployment/access-proxy` lets in every group"],
    );
    check(
        both(&[a]),
        login(&[a]),
        &["access-widened: `Deployment/access-proxy` does without `kube-rbac-proxy`"],
    );
    check(
        both(&[]),
        proxy(&[("kube-rbac-proxy", &[])]),
        &["access-widened: `Deployment/access-proxy` does without `oauth2-proxy`"],
    );
}
