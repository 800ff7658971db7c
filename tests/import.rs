//! Every field of what is imported is carried over, or listed at its place.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenantry::diagnostic::{Code, Diagnostics, Severity};
use tenantry::dspa;
use tenantry::source::Sources;
use tenantry::yaml::{self, LoadOptions};

/// What came out: the text, and the findings with the places that they point at.
struct Outcome {
    text: Option<String>,
    findings: Vec<(Severity, Code, String, String)>,
}

fn import(text: &str) -> Outcome {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let file = sources.add("dspa.yaml", text);
    let text = dspa::import(&[file], &sources, &mut diagnostics).ok();
    let findings = diagnostics
        .into_sorted()
        .into_iter()
        .map(|finding| {
            let place = finding.span.map(|span| sources.text(span).to_owned());
            (
                finding.severity,
                finding.code,
                finding.message,
                place.unwrap_or_default(),
            )
        })
        .collect();
    Outcome { text, findings }
}

/// Writes an application of `v1` with this specification.
fn application(spec: &Value) -> String {
    let mut text = String::new();
    yaml::emit(
        &json!({
            "apiVersion": "datasciencepipelinesapplications.opendatahub.io/v1",
            "kind": "DataSciencePipelinesApplication",
            "metadata": {"name": "a"},
            "spec": spec,
        }),
        &mut text,
    );
    text
}

fn set(spec: &mut Value, path: &str, value: Value) {
    let pointer = path.split('.').fold(spec, |value, key| {
        if !value.is_object() {
            *value = json!({});
        }
        &mut value[key]
    });
    *pointer = value;
}

/// What a field needs beside it, so that it counts.
fn around(path: &str) -> Value {
    let mut spec = json!({"podToPodTLS": false, "apiServer": {"enableOauth": false}});
    if path.starts_with("objectStorage.externalStorage.") {
        set(
            &mut spec,
            "objectStorage.externalStorage",
            json!({"host": "s3.example.com", "scheme": "https"}),
        );
    }
    spec
}

/// Every field, with a value that is not its default.
fn leaves() -> Vec<(String, Value)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import/dspa-fields.txt");
    let text = std::fs::read_to_string(path).expect("the fields are in the repository");
    let mut leaves = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (path, sample) = line.split_once(": ").expect("a field and a value");
        if sample == "resources" {
            for part in ["requests", "limits"] {
                leaves.push((format!("{path}.{part}.cpu"), json!("300m")));
                leaves.push((format!("{path}.{part}.memory"), json!(123)));
            }
            continue;
        }
        let sample = yaml::load_one(sample, &LoadOptions::default()).expect("YAML");
        leaves.push((path.to_owned(), sample.value));
    }
    assert!(leaves.len() > 130, "the fields are gone");
    leaves
}

#[test]
fn values_that_nobody_expects_are_refused_or_listed() {
    let odd = [
        json!(null),
        json!(""),
        json!("\u{7f}/../ ,"),
        json!(0),
        json!(-1.5),
        json!(u64::MAX),
        json!(true),
        json!([]),
        json!([null, {"a": []}]),
        json!({}),
        json!({"": {"a.b": [1]}}),
    ];
    // In the place of each field, and of each block around it.
    let mut paths = BTreeSet::new();
    for (path, _) in leaves() {
        let ends = path.match_indices('.').map(|(at, _)| at);
        paths.extend(ends.map(|end| path[..end].to_owned()));
        paths.insert(path);
    }
    for path in &paths {
        for value in &odd {
            let mut spec = around(path);
            set(&mut spec, path, value.clone());
            let outcome = import(&application(&spec));
            let has_errors = outcome
                .findings
                .iter()
                .any(|(severity, ..)| *severity == Severity::Error);
            assert_eq!(outcome.text.is_none(), has_errors, "`{path}: {value}`");
            if let Some(text) = outcome.text {
                yaml::load_one(&text, &LoadOptions::default()).expect("it is YAML");
            }
        }
    }
}

#[test]
fn every_field_is_carried_over_or_listed() {
    for (path, sample) in leaves() {
        let mut spec = around(&path);
        let without = import(&application(&spec)).text.expect("it is accepted");
        set(&mut spec, &path, sample);
        let with = import(&application(&spec));
        let text = with.text.expect("it is accepted");
        let is_listed = with
            .findings
            .iter()
            .any(|(severity, code, message, place)| {
                let listed = message.split('`').nth(1).unwrap_or_default();
                *severity == Severity::Warning
                    && *code == Code::NotCarriedOver
                    && (listed.starts_with(&path) || path.starts_with(listed))
                    && listed.rsplit('.').next() == Some(place)
            });
        assert!(text != without || is_listed, "`{path}` is dropped silently");
        assert!(
            !with
                .findings
                .iter()
                .any(|(.., message, _)| message.contains("no such field")),
            "`{path}` is not known"
        );
    }
}

#[test]
fn what_is_unknown_is_listed() {
    for path in [
        "apiServr.image",
        "apiServer.nodeSelector.zone",
        "apiServer.resources.limits.gpu",
        "apiServer.resources.claims",
        "database.mariaDB.engine",
        "objectStorage.externalStorage.pathStyle",
        "extra",
    ] {
        let mut spec = around(path);
        set(&mut spec, path, json!("x"));
        let outcome = import(&application(&spec));
        assert_eq!(outcome.findings.len(), 1, "{path}: {:?}", outcome.findings);
        let (severity, code, message, place) = &outcome.findings[0];
        assert_eq!(
            (*severity, *code),
            (Severity::Warning, Code::NotCarriedOver)
        );
        assert!(message.contains(path), "{message}");
        assert_eq!(Some(place.as_str()), path.rsplit('.').next());
    }
}

#[test]
fn what_is_wrong_is_refused_at_its_place() {
    let check = |text: &str, code: Code, message: &str, place: &str| {
        let outcome = import(text);
        assert!(outcome.text.is_none(), "{text}");
        let found = outcome
            .findings
            .iter()
            .find(|(severity, ..)| *severity == Severity::Error);
        let (_, found_code, found_message, found_place) = found.expect("an error");
        assert_eq!(*found_code, code, "{found_message}");
        assert!(found_message.contains(message), "{found_message}");
        assert_eq!(found_place, place, "{found_message}");
    };
    let wrong = |path: &str, value: Value, message: &str| {
        let mut spec = around(path);
        set(&mut spec, path, value);
        let place = path.rsplit('.').next().expect("a key");
        check(&application(&spec), Code::WrongType, message, place);
    };
    wrong(
        "apiServer.image",
        json!(7),
        "`apiServer.image` is not a text",
    );
    wrong("apiServer", json!(true), "`apiServer` is not a mapping");
    wrong("database.mariaDB", json!([]), "is not a mapping");
    wrong("apiServer.resources", json!("1"), "is not a mapping");
    wrong("apiServer.resources.limits", json!([]), "is not a mapping");
    wrong(
        "apiServer.resources.limits.cpu",
        json!(true),
        "is not a quantity",
    );
    wrong(
        "apiServer.cacheEnabled",
        json!("no"),
        "is not true or false",
    );
    wrong("podToPodTLS", json!("yes"), "is not true or false");
    wrong(
        "persistenceAgent.numWorkers",
        json!("2"),
        "is not a whole number",
    );
    wrong(
        "database.externalDB.port",
        json!("x"),
        "is not the number of a port",
    );
    wrong(
        "objectStorage.externalStorage.port",
        json!(-1),
        "is not the number of a port",
    );
    wrong(
        "apiServer.workspace.volumeClaimTemplateSpec.accessModes",
        json!([1]),
        "is not a list of texts",
    );
    let mut spec = around("");
    set(&mut spec, "database.customExtraParams", json!("tls=true"));
    check(
        &application(&spec),
        Code::InvalidValue,
        "is not the text of a JSON object",
        "customExtraParams",
    );
    set(&mut spec, "database", json!(null));
    set(
        &mut spec,
        "objectStorage.externalStorage",
        json!({"bucket": "b"}),
    );
    check(
        &application(&spec),
        Code::MissingKey,
        "has no `host`",
        "externalStorage",
    );
    let text = application(&json!({}));
    check("a: [\n", Code::YamlSyntax, "", "[");
    check(
        "a: b\n",
        Code::InvalidManifest,
        "no `apiVersion` and `kind`",
        "",
    );
    check(
        "# nothing\n",
        Code::InvalidManifest,
        "there is no `DataScience",
        "",
    );
    check(
        &text.replace("io/v1", "io/v2"),
        Code::InvalidValue,
        "`v2` is no version",
        "apiVersion",
    );
    check(
        &text.replace("name: a", "name: \"\""),
        Code::InvalidManifest,
        "has no `metadata.name`",
        "metadata",
    );
    check(
        &text.replace("spec: {}", "spec: 1"),
        Code::WrongType,
        "`spec` is not a mapping",
        "spec",
    );
    check(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        Code::InvalidManifest,
        "there is no `DataScience",
        "",
    );
}

#[test]
fn defaults_of_the_operator_that_change_what_runs_are_told() {
    let outcome = import(&application(
        &json!({"database": {"externalDB": {"host": "db"}}}),
    ));
    let messages: Vec<&str> = outcome
        .findings
        .iter()
        .map(|(.., message, _)| message.as_str())
        .collect();
    for expected in ["is exposed by default", "TLS between pods by default"] {
        assert!(
            messages.iter().any(|message| message.contains(expected)),
            "{messages:?}"
        );
    }
    // The operator switches TLS on for databases outside of the cluster.
    let text = outcome.text.expect("it is accepted");
    assert!(text.contains("tls:\n        mode: required"), "{text}");
    let old = application(&json!({})).replace("io/v1", "io/v1alpha1");
    let outcome = import(&old);
    assert!(
        outcome
            .findings
            .iter()
            .any(|(.., message, _)| message.contains("version `v1`")),
        "{:?}",
        outcome.findings
    );
}

#[test]
fn applications_with_one_name_become_projects_with_several() {
    let one = |namespace: &str| {
        application(&json!({})).replace("name: a", &format!("name: a\n  namespace: {namespace}"))
    };
    let text = format!("{}---\n{}", one("x"), one("z"));
    let text = import(&text).text.expect("it is accepted");
    assert!(text.contains("- name: x\n  namespace: x\n"), "{text}");
    assert!(text.contains("- name: z\n  namespace: z\n"), "{text}");
    let text = import(&one("x")).text.expect("it is accepted");
    assert!(text.contains("- name: a\n  namespace: x\n"), "{text}");
}
