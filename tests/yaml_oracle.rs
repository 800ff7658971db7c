//! Agreement of reading and writing with the programs that read manifests in a cluster: kubectl's reader and kustomize's.
//!
//! `tests/yaml/reading.json` holds what they answered; the hermetic tests compare with it.
//! The live tests ask again when `kubectl` is on the path; `SNAPSHOTS=overwrite` records the answers anew.

#[path = "yaml/cases.rs"]
mod cases;
#[path = "yaml/programs.rs"]
mod programs;
#[path = "yaml/strategies.rs"]
mod strategies;

use cases::{Case, Expect, cases};
use programs::{Answer, Program, Programs};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use tenantry::yaml::{LoadOptions, emit_documents, load};

/// How many objects are made up for the live test of writing.
const GENERATED: usize = 400;

fn data(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "yaml", file]
        .iter()
        .collect()
}

fn overwrite() -> bool {
    std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite")
}

/// Compares as JSON readers do: `1` and `1.0` are one number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a == b || close(a.as_f64(), b.as_f64()),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

/// Compares numbers; serde_json, which reads the programs' answers here, may miss the last bits of a fraction.
fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) if a.fract() != 0.0 || a.abs() > 1e15 => {
            (a - b).abs() <= 4.0 * a.abs() * f64::EPSILON
        }
        _ => a == b,
    }
}

fn agrees(ours: &[Value], answer: &Answer) -> bool {
    match answer {
        Answer::Read(theirs) => same(&json!(ours), &json!(theirs)),
        Answer::Refused => false,
    }
}

/// Reads a case as Tenantry does, without the frame around it.
fn read(case: &Case) -> Result<Vec<Value>, tenantry::yaml::LoadErrorKind> {
    match load(&case.file("x"), &LoadOptions::default()) {
        Ok(documents) => Ok(documents
            .into_iter()
            .map(|document| programs::body(document.value))
            .collect()),
        Err(error) => Err(error.kind),
    }
}

/// The answers to the cases, by their text, and the versions of the programs that gave them.
struct Recording {
    versions: String,
    answers: BTreeMap<String, BTreeMap<Program, Answer>>,
}

impl Recording {
    fn load() -> Self {
        let text = std::fs::read_to_string(data("reading.json"))
            .expect("the recording is in the repository");
        let value: Value = serde_json::from_str(&text).expect("the recording is JSON");
        let row = |row: &Value| {
            let text = row["text"].as_str().expect("a row has a text").to_owned();
            let answers =
                Program::ALL.map(|program| (program, Answer::from_json(&row[program.name()])));
            (text, BTreeMap::from(answers))
        };
        let rows = value["answers"]
            .as_array()
            .expect("the recording has answers");
        Recording {
            versions: value["versions"].as_str().unwrap_or("").to_owned(),
            answers: rows.iter().map(row).collect(),
        }
    }

    fn store(versions: &str, cases: &[Case], asked: &[BTreeMap<Program, Answer>]) {
        let row = |(case, answers): (&Case, &BTreeMap<Program, Answer>)| {
            let answer = |program: Program| answers[&program].to_json();
            json!({"text": case.text, "kubectl": answer(Program::Kubectl), "kustomize": answer(Program::Kustomize)}).to_string()
        };
        let rows: Vec<String> = cases.iter().zip(asked).map(row).collect();
        let text = format!(
            "{{\"versions\": {}, \"answers\": [\n{}\n]}}\n",
            json!(versions),
            rows.join(",\n")
        );
        std::fs::write(data("reading.json"), text).expect("the recording is writable");
    }
}

/// Tells what a live test did, past the capture of a passing test's output.
fn report(text: &str) {
    let _ = writeln!(std::io::stderr(), "yaml_oracle: {text}");
}

#[test]
fn reading_agrees_with_the_recorded_answers() {
    let recorded = Recording::load().answers;
    let mut faults = Vec::new();
    let mut texts = BTreeSet::new();
    for case in cases() {
        let text = &case.text;
        texts.insert(text.clone());
        let Some(answers) = recorded.get(text) else {
            faults.push(format!("{text:?}: not recorded"));
            continue;
        };
        let ours = read(&case);
        match (&case.expect, &ours) {
            (Expect::Reads { value, agree }, Ok(read)) => {
                if !same(&json!(value), &json!(read)) {
                    faults.push(format!(
                        "{text:?}: we read {}, not {}",
                        json!(read),
                        json!(value)
                    ));
                }
                for program in Program::ALL {
                    let expected = agree.contains(&program);
                    if agrees(value, &answers[&program]) != expected {
                        let verb = if expected { "disagrees" } else { "agrees" };
                        faults.push(format!(
                            "{text:?}: {} {verb}: {:?}",
                            program.name(),
                            answers[&program]
                        ));
                    }
                }
            }
            (Expect::Refuses { kind, stricter }, Err(actual)) => {
                if kind != actual {
                    faults.push(format!("{text:?}: refused as {actual:?}, not {kind:?}"));
                }
                // A refusal has a reason: a program refuses as well, or the two differ. Otherwise the case says that we are stricter.
                let [kubectl, kustomize] = Program::ALL.map(|program| &answers[&program]);
                let one = matches!((kubectl, kustomize), (Answer::Read(a), Answer::Read(b)) if same(&json!(a), &json!(b)));
                if one != *stricter {
                    faults.push(format!(
                        "{text:?}: stricter is {stricter}, but {kubectl:?} and {kustomize:?}"
                    ));
                }
            }
            (expect, ours) => faults.push(format!("{text:?}: {ours:?} instead of {expect:?}")),
        }
    }
    for text in recorded.keys().filter(|text| !texts.contains(*text)) {
        faults.push(format!("{text:?}: recorded, but no longer a case"));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_recorded_answers_still_hold_where_kubectl_is_installed() {
    let Some(mut programs) = Programs::find() else {
        return report("SKIPPED: no kubectl, the recorded answers were not checked");
    };
    let cases = cases();
    let files: Vec<(String, String)> = (0..cases.len())
        .map(|index| (format!("case-{index:04}"), index))
        .map(|(name, index)| (name.clone(), cases[index].file(&name)))
        .collect();
    let versions = programs.versions().to_owned();
    if overwrite() {
        let asked = programs.ask(&files, |_| true);
        Recording::store(&versions, &cases, &asked);
        return report(&format!("RECORDED: {} answers of {versions}", cases.len()));
    }
    let recorded = Recording::load();
    if recorded.versions != versions {
        let versions = format!("found {versions}, recorded with {}", recorded.versions);
        return report(&format!(
            "SKIPPED: {versions}, the recorded answers were not checked"
        ));
    }
    let refused = |index: usize| {
        let answers = recorded.answers.get(&cases[index].text);
        answers.is_some_and(|answers| answers[&Program::Kustomize] == Answer::Refused)
    };
    let asked = programs.ask(&files, refused);
    let mut faults = Vec::new();
    for (case, now) in cases.iter().zip(&asked) {
        let before = recorded.answers.get(&case.text);
        if before != Some(now) {
            faults.push(format!("{:?}: {now:?}, recorded is {before:?}", case.text));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    report(&format!(
        "RAN: {} answers of {versions} were checked",
        cases.len()
    ));
}

/// Returns one object that carries every nasty string as a value, in a list, and as a key.
fn nasty_objects() -> Vec<Value> {
    let text: Vec<&str> = strategies::NASTY.to_vec();
    let keys = |prefix: &str| -> Map<String, Value> {
        let texts = text.iter().filter(|text| **text != "<<");
        texts
            .map(|text| (format!("{prefix}{text}"), json!(*text)))
            .collect()
    };
    let long = "x".repeat(200);
    let values = vec![
        json!(text),
        json!(text.iter().map(|text| json!([text])).collect::<Vec<_>>()),
        json!(
            text.iter()
                .map(|text| json!({"a": text, "b": [text]}))
                .collect::<Vec<_>>()
        ),
        Value::Object(keys("")),
        Value::Object(keys(&long)),
        json!({ "long": { long.as_str(): { "a": [1, { "b": {} }], "c": [] } }, "lists": { long.as_str(): [[1, [2, []]], { "a": 1 }] } }),
        json!([
            0,
            -1,
            1.5,
            1.0,
            1e300,
            1e-300,
            -0.25,
            1e21,
            1e16,
            123456789.125,
            u64::MAX,
            i64::MIN,
            true,
            false,
            null_in_list(),
            [],
            {}
        ]),
        json!([["a", ["b"]], [["c\nd\n"], { "e": "f\n g\n\n" }], [{ "h": [[{ "i": "j\n" }]] }]]),
    ];
    values
        .into_iter()
        .enumerate()
        .map(|(index, value)| framed(&format!("nasty-{index:04}"), value))
        .collect()
}

fn null_in_list() -> Value {
    json!({ "null": null })
}

fn framed(name: &str, value: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": name}, "v": value})
}

fn written(objects: &[Value]) -> String {
    let mut text = String::new();
    emit_documents(objects, &mut text);
    text
}

/// The text of the snapshot was read back unchanged by both programs when it was recorded.
#[test]
fn nasty_strings_are_written_as_recorded() {
    let text = written(&nasty_objects());
    let recorded =
        std::fs::read_to_string(data("written.yaml")).expect("the recording is in the repository");
    assert!(
        text == recorded,
        "written.yaml differs; check with kubectl and SNAPSHOTS=overwrite"
    );
}

#[test]
fn what_is_written_is_read_back_by_kubectl_and_kustomize_where_installed() {
    let Some(mut programs) = Programs::find() else {
        return report("SKIPPED: no kubectl, written text was not checked");
    };
    let mut objects = nasty_objects();
    let mut runner = TestRunner::new_with_rng(Config::default(), programs::generator());
    let strategy = strategies::value();
    for index in 0..GENERATED {
        let value = strategy
            .new_tree(&mut runner)
            .expect("the strategy gives values")
            .current();
        objects.push(framed(&format!("value-{index:04}"), value));
    }
    let files: Vec<(String, String)> = objects
        .iter()
        .map(|object| {
            (
                object["metadata"]["name"].as_str().unwrap_or("").to_owned(),
                written(std::slice::from_ref(object)),
            )
        })
        .collect();
    let mut faults = Vec::new();
    let asked = programs.ask(&files, |_| false);
    for ((object, (_, text)), answers) in objects.iter().zip(&files).zip(&asked) {
        let body = programs::body(object.clone());
        for (program, answer) in answers {
            if !agrees(std::slice::from_ref(&body), answer) {
                faults.push(format!("{} reads {answer:?} from\n{text}", program.name()));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} of {}\n{}",
        faults.len(),
        2 * files.len(),
        faults[..faults.len().min(5)].join("\n")
    );
    if overwrite() {
        std::fs::write(data("written.yaml"), written(&nasty_objects()))
            .expect("the recording is writable");
        report("RECORDED: written.yaml");
    } else {
        report(&format!(
            "RAN: {} objects were read back by {}",
            objects.len(),
            programs.versions()
        ));
    }
}
