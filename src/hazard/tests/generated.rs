//! Generated stacks: every danger that is put into one is found, and nothing cosmetic is taken for one.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::diff;

/// What a stack of the test is made of.
#[derive(Debug, Clone)]
struct Stack {
    claims: Vec<(u64, Option<&'static str>)>,
    database: &'static str,
    bucket: &'static str,
    generator: Generator,
    verbs: Vec<&'static str>,
    subjects: Vec<&'static str>,
    peers: Vec<&'static str>,
    ports: Vec<u64>,
    image: &'static str,
    claim_templates: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Generator {
    Job,
    ExternalSecret,
}

/// One thing that endangers a stack, and the hazard that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Danger {
    DropClaim,
    Shrink,
    ChangeClass,
    ChangeMode,
    OtherDatabase,
    OtherBucket,
    OtherGenerator,
    OtherSecret,
    Selector,
    ClusterIp,
    JobTemplate,
    ClaimTemplates,
    RoleRef,
    ImmutableData,
    DropNamespace,
    MoreVerbs,
    MoreSubjects,
    NewIngress,
    MorePeers,
    NoPolicies,
    Image,
}

const DANGERS: [(Danger, Hazard); 21] = [
    (Danger::DropClaim, Hazard::VolumeDeleted),
    (Danger::Shrink, Hazard::VolumeShrunk),
    (Danger::ChangeClass, Hazard::VolumeClassChanged),
    (Danger::ChangeMode, Hazard::VolumeClassChanged),
    (Danger::OtherDatabase, Hazard::DatabaseIdentity),
    (Danger::OtherBucket, Hazard::ObjectStoreIdentity),
    (Danger::OtherGenerator, Hazard::CredentialsRegenerated),
    (Danger::OtherSecret, Hazard::CredentialsRegenerated),
    (Danger::Selector, Hazard::ImmutableField),
    (Danger::ClusterIp, Hazard::ImmutableField),
    (Danger::JobTemplate, Hazard::ImmutableField),
    (Danger::ClaimTemplates, Hazard::ImmutableField),
    (Danger::RoleRef, Hazard::ImmutableField),
    (Danger::ImmutableData, Hazard::ImmutableField),
    (Danger::DropNamespace, Hazard::ProjectDeleted),
    (Danger::MoreVerbs, Hazard::AccessWidened),
    (Danger::MoreSubjects, Hazard::AccessWidened),
    (Danger::NewIngress, Hazard::AccessWidened),
    (Danger::MorePeers, Hazard::AccessWidened),
    (Danger::NoPolicies, Hazard::AccessWidened),
    (Danger::Image, Hazard::Restart),
];

fn stack() -> impl Strategy<Value = Stack> {
    let class = prop::sample::select(vec![None, Some("fast"), Some("slow")]);
    let some = |from: Vec<&'static str>| prop::sample::subsequence(from.clone(), 1..=from.len());
    (
        (
            prop::collection::vec((2..20_u64, class), 1..4),
            prop::sample::select(vec!["a.example.com", "mysql.churn.svc.cluster.local"]),
            prop::sample::select(vec!["one", "two"]),
            prop::sample::select(vec![Generator::Job, Generator::ExternalSecret]),
        ),
        some(vec!["get", "list", "watch"]),
        some(vec!["ann", "bob", "cas"]),
        some(vec!["ui", "api", "runner"]),
        prop::collection::btree_set(1..9000_u64, 1..3),
        prop::sample::select(vec!["x:1", "x:2"]),
        1..3_u64,
    )
        .prop_map(
            |(
                (claims, database, bucket, generator),
                verbs,
                subjects,
                peers,
                ports,
                image,
                claim_templates,
            )| Stack {
                claims,
                database,
                bucket,
                generator,
                verbs,
                subjects,
                peers,
                ports: ports.into_iter().collect(),
                image,
                claim_templates,
            },
        )
}

impl Stack {
    fn objects(&self) -> Vec<Value> {
        let named = |api_version: &str, kind: &str, name: &str, rest: Value| {
            let mut body = json!({
                "apiVersion": api_version, "kind": kind,
                "metadata": {"name": name, "namespace": "churn", "labels": {"tenantry.dev/project": "churn"}},
            });
            if let (Value::Object(body), Value::Object(rest)) = (&mut body, rest) {
                body.extend(rest);
            }
            body
        };
        let mut objects = vec![
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "churn"}}),
            named(
                "apps/v1",
                "Deployment",
                "ml-pipeline",
                json!({"spec": {
                    "replicas": 1,
                    "selector": {"matchLabels": {"app": "ml-pipeline"}},
                    "template": {"metadata": {"labels": {"app": "ml-pipeline"}}, "spec": {"containers": [{
                        "name": "ml-pipeline-api-server",
                        "image": self.image,
                        "env": [
                            {"name": "DBCONFIG_MYSQLCONFIG_HOST", "value": self.database},
                            {"name": "DBCONFIG_MYSQLCONFIG_DBNAME", "value": "mlpipeline"},
                            {"name": "DBCONFIG_MYSQLCONFIG_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "mysql-secret", "key": "password"}}},
                            {"name": "OBJECTSTORECONFIG_BUCKETNAME", "value": self.bucket},
                        ],
                    }]}},
                }}),
            ),
            named(
                "apps/v1",
                "StatefulSet",
                "cache",
                json!({"spec": {
                    "serviceName": "cache",
                    "volumeClaimTemplates": (0..self.claim_templates)
                        .map(|number| json!({"metadata": {"name": format!("t{number}")}}))
                        .collect::<Vec<_>>(),
                }}),
            ),
            named(
                "batch/v1",
                "Job",
                "once",
                json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "y:1"}]}}}}),
            ),
            named(
                "v1",
                "Service",
                "ml-pipeline",
                json!({"spec": {"selector": {"app": "ml-pipeline"}, "ports": [{"port": 8888}]}}),
            ),
            named(
                "v1",
                "ConfigMap",
                "fixed",
                json!({"data": {"a": "b"}, "immutable": true}),
            ),
            named("v1", "ConfigMap", "free", json!({"data": {"a": "b"}})),
            named(
                "rbac.authorization.k8s.io/v1",
                "Role",
                "viewers",
                json!({"rules": [
                    {"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": self.verbs},
                    {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["kfp-launcher"], "verbs": ["get"]},
                ]}),
            ),
            named(
                "rbac.authorization.k8s.io/v1",
                "RoleBinding",
                "viewers",
                json!({
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "viewers"},
                    "subjects": self.subjects.iter().map(|name| json!({"kind": "User", "name": name})).collect::<Vec<_>>(),
                }),
            ),
            named(
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "deny",
                json!({"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
            ),
            named(
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "allow",
                json!({"spec": {
                    "podSelector": {"matchLabels": {"app": "ml-pipeline"}},
                    "policyTypes": ["Ingress"],
                    "ingress": [{
                        "from": self.peers.iter().map(|app| json!({"podSelector": {"matchLabels": {"app": app}}})).collect::<Vec<_>>(),
                        "ports": self.ports.iter().map(|port| json!({"port": port, "protocol": "TCP"})).collect::<Vec<_>>(),
                    }],
                }}),
            ),
        ];
        for (number, (size, class)) in self.claims.iter().enumerate() {
            let mut spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": format!("{size}Gi")}}});
            if let Some(class) = class {
                spec["storageClassName"] = json!(class);
            }
            objects.push(named(
                "v1",
                "PersistentVolumeClaim",
                &format!("c{number}"),
                json!({"spec": spec}),
            ));
        }
        objects.push(match self.generator {
            Generator::Job => named("batch/v1", "Job", "credentials-0123456789", json!({"spec": {"template": {"spec": {"containers": [
                {"name": "credentials", "env": [{"name": "DATABASE_SECRET", "value": "mysql-secret"}]},
            ]}}}})),
            Generator::ExternalSecret => named("external-secrets.io/v1", "ExternalSecret", "mysql-secret", json!({"spec": {
                "target": {"name": "mysql-secret"},
                "dataFrom": [{"sourceRef": {"generatorRef": {"kind": "Password", "name": "mysql-secret"}}}],
            }})),
        });
        objects
    }
}

/// Puts a danger into the objects of a stack.
fn endanger(danger: Danger, stack: &Stack) -> Vec<Value> {
    let mut other = stack.clone();
    let claims = &mut other.claims;
    match danger {
        Danger::Shrink => claims[0].0 -= 1,
        Danger::ChangeClass => {
            claims[0].1 = if claims[0].1.is_none() {
                Some("other")
            } else {
                None
            }
        }
        Danger::OtherDatabase => other.database = "other.example.com",
        Danger::OtherBucket => other.bucket = "other",
        Danger::OtherGenerator => {
            other.generator = match stack.generator {
                Generator::Job => Generator::ExternalSecret,
                Generator::ExternalSecret => Generator::Job,
            }
        }
        Danger::MoreVerbs => other.verbs.push("delete"),
        Danger::MoreSubjects => other.subjects.push("eve"),
        Danger::MorePeers => other.peers.push("stranger"),
        Danger::Image => other.image = "x:3",
        Danger::ClaimTemplates => other.claim_templates += 1,
        _ => {}
    }
    let mut objects = other.objects();
    let mut change = |kind: &str, name: &str, change: &dyn Fn(&mut Value)| {
        let found = objects
            .iter_mut()
            .find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
        change(found.expect("the stack has it"));
    };
    match danger {
        Danger::ChangeMode => change("PersistentVolumeClaim", "c0", &|claim| {
            claim["spec"]["accessModes"] = json!(["ReadWriteMany"]);
        }),
        Danger::OtherSecret => change("Deployment", "ml-pipeline", &|object| {
            object["spec"]["template"]["spec"]["containers"][0]["env"][2]["valueFrom"]["secretKeyRef"]["name"] = json!("own");
        }),
        Danger::Selector => change("Deployment", "ml-pipeline", &|object| {
            object["spec"]["selector"]["matchLabels"]["version"] = json!("2");
        }),
        Danger::ClusterIp => change("Service", "ml-pipeline", &|object| object["spec"]["clusterIP"] = json!("None")),
        Danger::JobTemplate => change("Job", "once", &|object| {
            object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("y:2");
        }),
        Danger::RoleRef => change("RoleBinding", "viewers", &|object| object["roleRef"]["name"] = json!("admins")),
        Danger::ImmutableData => change("ConfigMap", "fixed", &|object| object["data"]["a"] = json!("c")),
        Danger::DropClaim => objects.retain(|object| object["metadata"]["name"] != "c0"),
        Danger::DropNamespace => objects.retain(|object| object["kind"] != "Namespace"),
        Danger::NoPolicies => objects.retain(|object| object["kind"] != "NetworkPolicy"),
        Danger::NewIngress => objects.push(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i", "namespace": "churn"},
            "spec": {"rules": [{"host": "churn.example.com"}]},
        })),
        _ => {}
    }
    objects
}

/// Changes that endanger nothing: labels, annotations, orders that mean nothing, other words for the same.
fn cosmetic(objects: &[Value], choice: u8) -> Vec<Value> {
    let mut objects = objects.to_vec();
    for object in &mut objects {
        if choice & 1 != 0 {
            object["metadata"]["labels"]["app.kubernetes.io/version"] = json!("9.9.9");
            object["metadata"]["annotations"]["note"] = json!("text");
        }
        if choice & 2 != 0 {
            *object = turned(object);
        }
        let kind = object["kind"].as_str().unwrap_or("").to_owned();
        match kind.as_str() {
            "PersistentVolumeClaim" if choice & 4 != 0 => {
                object["spec"]["volumeMode"] = json!("Filesystem");
                let size = object["spec"]["resources"]["requests"]["storage"]
                    .as_str()
                    .unwrap_or("");
                let gibibytes: u64 = size
                    .trim_end_matches("Gi")
                    .parse()
                    .expect("a size of the test");
                object["spec"]["resources"]["requests"]["storage"] =
                    json!(format!("{}Mi", (gibibytes + 1) * 1024));
            }
            "Role" if choice & 8 != 0 => {
                let mut rules = Vec::new();
                // One rule for each verb says the same.
                for rule in object["rules"].as_array().expect("rules") {
                    for verb in rule["verbs"].as_array().expect("verbs").iter().rev() {
                        let mut rule = rule.clone();
                        rule["verbs"] = json!([verb]);
                        rules.push(rule);
                    }
                }
                object["rules"] = Value::Array(rules);
            }
            "RoleBinding" if choice & 8 != 0 => {
                object["subjects"]
                    .as_array_mut()
                    .expect("subjects")
                    .reverse();
            }
            "NetworkPolicy" if choice & 16 != 0 && object["metadata"]["name"] == "allow" => {
                let rule = object["spec"]["ingress"][0].clone();
                let mut rules = Vec::new();
                for peer in rule["from"].as_array().expect("peers").iter().rev() {
                    rules.push(json!({"from": [peer], "ports": rule["ports"]}));
                }
                object["spec"]["ingress"] = Value::Array(rules);
            }
            "Service" if choice & 32 != 0 && object["spec"].get("clusterIP").is_none() => {
                object["spec"]["clusterIP"] = json!("");
            }
            "StatefulSet" if choice & 32 != 0 => {
                object["spec"]["podManagementPolicy"] = json!("OrderedReady")
            }
            "Deployment" if choice & 32 != 0 => object["spec"]["replicas"] = json!(3),
            "ConfigMap" if choice & 64 != 0 && object["metadata"]["name"] == "free" => {
                object["data"]["a"] = json!("another");
            }
            "Job" if choice & 64 != 0 && object["metadata"]["name"] == "credentials-0123456789" => {
                object["metadata"]["name"] = json!("credentials-abcdef0123");
                object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("z:2");
            }
            _ => {}
        }
    }
    if choice & 128 != 0 {
        objects.reverse();
    }
    objects
}

fn turned(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(turned).collect(),
        Value::Object(map) => map
            .iter()
            .rev()
            .map(|(key, value)| (key.clone(), turned(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// Writes objects as somebody else might: in other files, in another order, with comments, lists, other quotes and
/// layouts, as `choice` decides.
fn written(objects: &[Value], choice: u64) -> BTreeMap<String, Vec<u8>> {
    let bits = |shift: u32, count: u64| usize::try_from((choice >> shift) % count).expect("small");
    let mut order: Vec<Value> = objects.to_vec();
    let by = bits(0, 16) % order.len();
    order.rotate_left(by);
    if bits(4, 2) == 1 {
        order = order.iter().map(turned).collect();
    }
    let mut texts = vec![String::new(); 1 + bits(5, 5)];
    let number = texts.len();
    for (at, object) in order.iter().enumerate() {
        let text = &mut texts[(at * 7 + bits(8, 16)) % number];
        text.push_str("---\n");
        match (bits(12, 256) + at) % 4 {
            0 => crate::yaml::emit(object, text),
            // JSON is YAML: flow mappings, every string in double quotes.
            1 => text.push_str(&format!("# {at}\n{object}\n")),
            2 => text.push_str(&format!("{object:#} # the end\n\n---\n# nothing\n")),
            _ => {
                text.push_str(&format!(
                    "apiVersion: 'v1'\n\nkind:   List\nitems:\n- {object}\n"
                ));
            }
        }
    }
    let name = |at: usize| {
        format!(
            "{}{at}.{}",
            ["a", "z"][bits(20, 2)],
            ["yaml", "yml"][at % 2]
        )
    };
    texts
        .into_iter()
        .enumerate()
        .map(|(at, text)| (name(at), text.into_bytes()))
        .collect()
}

/// Returns what differs, without the order in which it is told.
fn places(old: &Objects, new: &Objects) -> BTreeSet<String> {
    let changes = diff::objects(old, new).into_iter();
    let told = changes.flat_map(|change| match change.edit {
        diff::ObjectEdit::Changed { fields, .. } => fields
            .iter()
            .map(|field| format!("{} {}", change.key, field.path))
            .collect(),
        edit => vec![format!("{} {edit:?}", change.key)],
    });
    told.collect()
}

/// Reads what [`written`] wrote.
fn read(files: &BTreeMap<String, Vec<u8>>) -> Objects {
    let (objects, unreadable) = Objects::read(files);
    assert_eq!(unreadable, [], "{files:?}");
    objects
}

fn hazards(old: &[Value], new: &[Value]) -> BTreeSet<Hazard> {
    find_in(old, new, "active")
        .into_iter()
        .map(|finding| finding.hazard)
        .collect()
}

#[test]
fn every_hazard_of_objects_is_generated() {
    let generated: BTreeSet<Hazard> = DANGERS.iter().map(|(_, hazard)| *hazard).collect();
    // Bases are compared by name, not by objects.
    let others = BTreeSet::from([Hazard::BaseMigration, Hazard::BaseDowngrade]);
    let all: BTreeSet<Hazard> = Hazard::ALL.iter().copied().collect();
    assert_eq!(&generated | &others, all);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_danger_is_found_among_cosmetic_changes(
        stack in stack(),
        which in 0..DANGERS.len(),
        before in any::<u8>(),
        after in any::<u8>(),
    ) {
        let (danger, hazard) = DANGERS[which];
        let old = cosmetic(&stack.objects(), before & !4);
        // A claim that has grown by way of decoration would hide that it has shrunk.
        let after = if danger == Danger::Shrink { after & !4 } else { after };
        let new = cosmetic(&endanger(danger, &stack), after | (before & 64));
        let found = hazards(&old, &new);
        prop_assert!(found.contains(&hazard), "{danger:?}: {found:?}");
        // And nothing besides that stops: a danger is one hazard, but for what follows from it.
        let follows: &[Hazard] = match danger {
            Danger::OtherSecret | Danger::OtherDatabase | Danger::OtherBucket | Danger::Image => &[Hazard::Restart],
            _ => &[],
        };
        let besides: Vec<&Hazard> = found.iter().filter(|other| **other != hazard && !follows.contains(other)).collect();
        prop_assert!(besides.is_empty(), "{danger:?}: {besides:?}");
    }

    #[test]
    fn how_objects_are_written_changes_nothing(
        stack in stack(),
        which in 0..DANGERS.len(),
        choice in any::<u8>(),
        writing in any::<[u64; 2]>(),
    ) {
        let old = stack.objects();
        let [before, after] = writing.map(|choice| read(&written(&old, choice)));
        prop_assert_eq!(diff::objects(&before, &after), []);
        prop_assert_eq!(find_between(&before, &after, "active"), []);
        // What endangers is found through any writing, and what does not is not.
        for new in [endanger(DANGERS[which].0, &stack), cosmetic(&old, choice)] {
            let read = read(&written(&new, writing[1]));
            prop_assert_eq!(places(&before, &read), places(&set(&old), &set(&new)));
            let found = |findings: Vec<Finding>| findings.iter().map(|finding| finding.hazard).collect::<Vec<_>>();
            prop_assert_eq!(
                found(find_between(&before, &read, "active")),
                found(find_in(&old, &new, "active"))
            );
        }
    }

    #[test]
    fn nothing_cosmetic_is_taken_for_a_hazard(stack in stack(), choice in any::<u8>()) {
        let old = stack.objects();
        prop_assert_eq!(hazards(&old, &cosmetic(&old, choice)), BTreeSet::new());
    }

    #[test]
    fn growing_shrinks_nothing_and_losing_rights_widens_nothing(one in stack(), other in stack()) {
        // From the larger of two stacks to the smaller one, in everything that is a right.
        let union = |a: &[&'static str], b: &[&'static str]| -> Vec<&'static str> {
            a.iter().chain(b).copied().collect::<BTreeSet<_>>().into_iter().collect()
        };
        let wide = Stack {
            verbs: union(&one.verbs, &other.verbs),
            subjects: union(&one.subjects, &other.subjects),
            peers: union(&one.peers, &other.peers),
            ports: one.ports.iter().chain(&other.ports).copied().collect::<BTreeSet<_>>().into_iter().collect(),
            ..one.clone()
        };
        prop_assert_eq!(hazards(&wide.objects(), &one.objects()), BTreeSet::new());
        let widened = wide.verbs != one.verbs || wide.subjects != one.subjects || wide.peers != one.peers || wide.ports != one.ports;
        let expect = if widened { BTreeSet::from([Hazard::AccessWidened]) } else { BTreeSet::new() };
        let sorted = |mut list: Vec<&'static str>| { list.sort_unstable(); list };
        let one = Stack { verbs: sorted(one.verbs), subjects: sorted(one.subjects), peers: sorted(one.peers), ..one };
        prop_assert_eq!(hazards(&one.objects(), &wide.objects()), expect);
    }
}
