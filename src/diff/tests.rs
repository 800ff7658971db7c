use proptest::prelude::*;
use serde_json::json;

use super::*;

fn object(body: Value) -> Object {
    Object {
        body,
        file: "x".to_owned(),
    }
}

fn deployment(spec: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}, "spec": spec})
}

/// The differences of two objects, one a line.
fn lines(old: Value, new: Value) -> Vec<String> {
    let changes = objects(&Objects::new([object(old)]), &Objects::new([object(new)]));
    changes.iter().flat_map(describe).collect()
}

fn describe(change: &ObjectChange) -> Vec<String> {
    let key = &change.key;
    match &change.edit {
        ObjectEdit::Added => vec![format!("+ {key}")],
        ObjectEdit::Removed => vec![format!("- {key}")],
        ObjectEdit::Changed {
            former_name,
            fields,
        } => {
            let head = former_name
                .iter()
                .map(|former| format!("{former} -> {key}"));
            let fields = fields.iter().map(|FieldChange { path, edit }| match edit {
                FieldEdit::Added(new) => format!("{path} + {new}"),
                FieldEdit::Removed(old) => format!("{path} - {old}"),
                FieldEdit::Changed(old, new) => format!("{path}: {old} -> {new}"),
                FieldEdit::Reordered(old, new) => {
                    format!("{path}: {} -> {}", old.join(" "), new.join(" "))
                }
                FieldEdit::Lines(lines) => {
                    let lines: Vec<String> = lines
                        .iter()
                        .map(|line| match line {
                            Line::Removed(text) => format!("-{text}"),
                            Line::Added(text) => format!("+{text}"),
                        })
                        .collect();
                    format!("{path}: {}", lines.join(" "))
                }
            });
            head.chain(fields).collect()
        }
    }
}

fn check(old: Value, new: Value, expect: &[&str]) {
    assert_eq!(lines(old.clone(), new.clone()), expect, "{old} {new}");
}

#[test]
fn fields() {
    let config = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data});
    check(config(json!({"a": "1"})), config(json!({"a": "1"})), &[]);
    check(
        config(json!({"a.b": "1", "gone": "x"})),
        config(json!({"a.b": "2", "new": "y"})),
        &[
            "data.gone - \"x\"",
            "data[\"a.b\"]: \"1\" -> \"2\"",
            "data.new + \"y\"",
        ],
    );
    check(
        config(json!({"t": "one\ntwo\nthree\n"})),
        config(json!({"t": "one\n2\nthree\nfour\n"})),
        &["data.t: -two +2 +four"],
    );
    check(
        config(json!({"n": 1})),
        config(json!({"n": 1.0})),
        &["data.n: 1 -> 1.0"],
    );
    check(
        config(json!({"n": null})),
        config(json!({})),
        &["data.n - null"],
    );
}

#[test]
fn lists_with_merge_keys() {
    let pod =
        |containers: Value| deployment(json!({"template": {"spec": {"containers": containers}}}));
    let path = "spec.template.spec.containers";
    check(
        pod(
            json!([{"name": "a", "image": "x:1", "env": [{"name": "L", "value": "1"}]}, {"name": "b"}]),
        ),
        pod(
            json!([{"name": "c"}, {"name": "a", "image": "x:2", "env": [{"name": "L", "value": "2"}]}]),
        ),
        &[
            &format!("{path}[name=b] - {{\"name\":\"b\"}}"),
            &format!("{path}[name=c] + {{\"name\":\"c\"}}"),
            &format!("{path}[name=a].image: \"x:1\" -> \"x:2\""),
            &format!("{path}[name=a].env[name=L].value: \"1\" -> \"2\""),
        ],
    );
    check(
        pod(json!([{"name": "a"}, {"name": "b"}])),
        pod(json!([{"name": "b"}, {"name": "a"}])),
        &[&format!("{path}: name=a name=b -> name=b name=a")],
    );
    // A second key counts only where the first one is not enough.
    let ports = |ports: Value| pod(json!([{"name": "a", "ports": ports}]));
    check(
        ports(json!([{"containerPort": 80}])),
        ports(json!([{"containerPort": 80, "protocol": "TCP"}])),
        &[&format!(
            "{path}[name=a].ports[containerPort=80].protocol + \"TCP\""
        )],
    );
    check(
        ports(
            json!([{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]),
        ),
        ports(json!([{"containerPort": 53, "protocol": "TCP"}])),
        &[&format!(
            "{path}[name=a].ports[containerPort=53,protocol=UDP] - {{\"containerPort\":53,\"protocol\":\"UDP\"}}"
        )],
    );
    // Without a key, or with one that is there twice, elements are compared by content.
    check(
        pod(json!([{"name": "a"}, {"image": "x"}])),
        pod(json!([{"name": "a"}, {"image": "y"}])),
        &[&format!("{path}[1].image: \"x\" -> \"y\"")],
    );
    check(
        pod(json!([{"name": "a"}, {"name": "a"}])),
        pod(json!([{"name": "a"}])),
        &[&format!("{path}[1] - {{\"name\":\"a\"}}")],
    );
}

#[test]
fn lists_without() {
    let args = |args: Value| {
        deployment(json!({"template": {"spec": {"containers": [{"name": "a", "args": args}]}}}))
    };
    let path = "spec.template.spec.containers[name=a].args";
    check(
        args(json!(["--a", "--b=1", "--c"])),
        args(json!(["--a", "--b=2", "--c", "--d"])),
        &[
            &format!("{path}[1]: \"--b=1\" -> \"--b=2\""),
            &format!("{path}[3] + \"--d\""),
        ],
    );
    check(
        args(json!(["--password", "one"])),
        args(json!(["--password", "two"])),
        &[&format!("{path}[1]: \"***\" -> \"***\"")],
    );
    let rules = |rules: Value| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": rules});
    check(
        rules(json!([{"verbs": ["get"], "resources": ["pods"]}, {"verbs": ["list"]}])),
        rules(json!([{"verbs": ["get", "list"], "resources": ["pods"]}, {"verbs": ["list"]}])),
        &["rules[0].verbs[1] + \"list\""],
    );
}

#[test]
fn secrets_are_masked() {
    let pod = |env: Value| {
        deployment(json!({"template": {"spec": {"containers": [{"name": "a", "env": env}]}}}))
    };
    let path = "spec.template.spec.containers[name=a].env";
    check(
        pod(json!([{"name": "DB_PASSWORD", "value": "one"}, {"name": "DB_HOST", "value": "one"}])),
        pod(json!([{"name": "DB_PASSWORD", "value": "two"}, {"name": "DB_HOST", "value": "two"}])),
        &[
            &format!("{path}[name=DB_PASSWORD].value: \"***\" -> \"***\""),
            &format!("{path}[name=DB_HOST].value: \"one\" -> \"two\""),
        ],
    );
    check(
        pod(json!([{"name": "TOKEN", "value": "one"}])),
        pod(
            json!([{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "token"}}}]),
        ),
        &[
            &format!("{path}[name=TOKEN].value - \"***\""),
            &format!(
                "{path}[name=TOKEN].valueFrom + {{\"secretKeyRef\":{{\"name\":\"s\",\"key\":\"token\"}}}}"
            ),
        ],
    );
    let secret = |data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data, "type": "Opaque"});
    check(
        secret(json!({"a": "b25l"})),
        secret(json!({"a": "dHdv"})),
        &["data.a: \"***\" -> \"***\""],
    );
    let config = |text: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"config": text}});
    check(
        config("a: 1\npassword: one\n"),
        config("a: 1\npassword: two\n"),
        &["data.config: -password: *** +password: ***"],
    );
    check(
        config("-----BEGIN PRIVATE KEY-----\nMIIone\n"),
        config("-----BEGIN PRIVATE KEY-----\nMIItwo\n"),
        &["data.config: \"***\" -> \"***\""],
    );
}

#[test]
fn objects_come_and_go() {
    let named = |kind: &str, name: &str, data: &str| {
        object(
            json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": {"x": data}}),
        )
    };
    let all = |old: Vec<Object>, new: Vec<Object>| -> Vec<String> {
        objects(&Objects::new(old), &Objects::new(new))
            .iter()
            .flat_map(describe)
            .collect()
    };
    assert_eq!(
        all(
            vec![named("ConfigMap", "a", "1"), named("Service", "a", "1")],
            vec![
                named("ConfigMap", "b", "1"),
                named("Service", "a", "1"),
                named("Namespace", "n", "1")
            ]
        ),
        ["+ Namespace/n", "- ConfigMap/a", "+ ConfigMap/b"]
    );
    // A hash at the end of a name makes no new object.
    assert_eq!(
        all(
            vec![
                named("Job", "make-0123456789", "1"),
                named("Job", "other-0123456789", "1")
            ],
            vec![
                named("Job", "make-abcdef0123", "2"),
                named("Job", "other-01234567890", "1")
            ]
        ),
        [
            "make-0123456789 -> Job/make-abcdef0123",
            "data.x: \"1\" -> \"2\"",
            "- Job/other-0123456789",
            "+ Job/other-01234567890"
        ]
    );
    // Two objects that share a key: no difference, whichever comes first.
    let (a, b) = (named("ConfigMap", "a", "1"), named("ConfigMap", "a", "2"));
    assert_eq!(
        all(vec![a.clone(), b.clone()], vec![b.clone(), a.clone()]),
        Vec::<String>::new()
    );
    assert_eq!(all(vec![a.clone(), b], vec![a]), ["- ConfigMap/a"]);
}

#[test]
fn manifests() {
    let read = |bytes: &[u8]| {
        let (objects, unreadable) = Objects::read(&[("x.yaml".to_owned(), bytes.to_vec())].into());
        if unreadable.is_empty() {
            Ok(objects)
        } else {
            Err((objects, unreadable))
        }
    };
    let one =
        "# made\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {b: c, d: e}}\n";
    let same = "---\nkind: ConfigMap\nmetadata:\n  labels:\n    d: \"e\"\n    b: c\n  name: a\napiVersion: 'v1'\n---\n# nothing\n";
    let listed = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {b: c, d: e}}}\n";
    let one = read(one.as_bytes()).expect("a manifest");
    for text in [same, listed] {
        let other = read(text.as_bytes()).expect("a manifest");
        assert_eq!(objects(&one, &other), [], "{text}");
    }
    for text in [
        "a: [",
        "just text",
        "kind: ConfigMap\nmetadata: {name: a}\n",
        "- 1\n",
    ] {
        let (objects, unreadable) = read(text.as_bytes()).expect_err(text);
        assert!(objects.is_empty());
        assert_eq!(unreadable.len(), 1);
    }
    let (_, unreadable) = read(&[0xff]).expect_err("no text");
    assert_eq!(unreadable[0].why, Why::NotText);
}

/// A value as it stands in manifests: small, with few words, so that two of them often share parts.
fn value() -> impl Strategy<Value = Value> {
    let word = || {
        prop::sample::select(vec![
            "a", "b", "name", "value", "key", "password", "x\ny", "x\nz",
        ])
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_i64).prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Objects of kinds with and without a schema, whose lists with merge keys are often exercised.
fn body() -> impl Strategy<Value = Value> {
    let container = (
        prop::sample::select(vec!["a", "b", "c"]),
        value(),
        prop::option::of(value()),
    )
        .prop_map(|(name, env, image)| match image {
            Some(image) => json!({"name": name, "env": env, "image": image}),
            None => json!({"name": name, "env": [{"name": name, "value": env}]}),
        });
    let containers = prop::collection::vec(container, 0..4);
    prop_oneof![
        containers.prop_map(|list| deployment(json!({"template": {"spec": {"containers": list}}}))),
        value().prop_map(deployment),
        value().prop_map(|data| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "d"}, "data": data})),
        value().prop_map(|spec| json!({"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "d"}, "spec": spec})),
    ]
}

/// The same value with the keys of its mappings the other way round.
fn turned(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(turned).collect(),
        Value::Object(map) => {
            let entries: Vec<(String, Value)> = map
                .iter()
                .rev()
                .map(|(key, value)| (key.clone(), turned(value)))
                .collect();
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

/// The same value with every list beginning with its last element.
fn rotated(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(rotated).collect();
            let by = items.len().min(1);
            items.rotate_right(by);
            Value::Array(items)
        }
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), rotated(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn empty_exactly_when_equal(
        old in prop::collection::vec(body(), 0..3),
        new in prop::collection::vec(body(), 0..3),
        how in 0..3,
    ) {
        let set = |bodies: &[Value]| Objects::new(bodies.iter().cloned().map(object));
        // The order of keys and of objects is no difference.
        let same: Vec<Value> = old.iter().rev().map(turned).collect();
        prop_assert_eq!(objects(&set(&old), &set(&same)), []);
        // Mostly equal sets and lists in another order, so that the difference is small.
        let new: Vec<Value> = match how {
            0 => new,
            1 => old.iter().skip(1).cloned().chain(new).collect(),
            _ => old.iter().map(rotated).collect(),
        };
        let sorted = |bodies: &[Value]| {
            let mut texts: Vec<String> = bodies.iter().map(|body| objects::canonical(body).to_string()).collect();
            texts.sort();
            texts
        };
        prop_assert_eq!(objects(&set(&old), &set(&new)).is_empty(), sorted(&old) == sorted(&new));
    }

    #[test]
    fn text_that_was_emitted_and_read_is_no_difference(bodies in prop::collection::vec(body(), 1..4)) {
        let mut text = String::from("# a comment\n");
        for body in &bodies {
            text.push_str("---\n");
            crate::yaml::emit(body, &mut text);
        }
        let (read, unreadable) = Objects::read(&[("x.yaml".to_owned(), text.clone().into_bytes())].into());
        prop_assert_eq!(unreadable, [], "{}", text);
        let set = Objects::new(bodies.into_iter().map(object));
        prop_assert_eq!(objects(&set, &read), [], "{}", text);
    }

    #[test]
    fn no_secret_is_ever_shown(secret in "[A-Z]{12}", other in "[A-Z]{12}", place in 0..5_usize) {
        let hidden = |text: &str| match place {
            0 => deployment(json!({"template": {"spec": {"containers": [{"name": "a", "env": [{"name": "MY_TOKEN", "value": text}]}]}}})),
            1 => json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "d"}, "stringData": {"x": text}}),
            2 => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}, "data": {"api-key": text}}),
            3 => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}, "data": {"c": format!("{{\n  \"password\": \"{text}\"\n}}\n")}}),
            _ => deployment(json!({"template": {"spec": {"containers": [{"name": "a", "args": ["--secret-key", text, format!("--token={text}")]}]}}})),
        };
        let empty = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}});
        for old in [hidden(&other), empty] {
            for (old, new) in [(old.clone(), hidden(&secret)), (hidden(&secret), old)] {
                let mut collector = Collector::default();
                let changes = objects(&Objects::new([object(old)]), &Objects::new([object(new)]));
                collector.add(DirectoryDiff { owner: Owner::default(), status: Status::Kept, changes, demand: Default::default() });
                let overview = collector.finish();
                let shown = [
                    text::write(&overview, true),
                    markdown::write(&overview, "x"),
                    json::document(&overview, "x").to_string(),
                ];
                for text in shown {
                    prop_assert!(!text.contains(&secret) && !text.contains(&other), "{}", text);
                }
            }
        }
    }
}
