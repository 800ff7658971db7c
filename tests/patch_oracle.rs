//! Our patches against kustomize's: recorded answers, and live ones where `kubectl` is there.
//!
//! Merged lists are compared as sets (kustomize moves what it patches to the front). Where we differ on purpose, the
//! recording says how; `tests/patch/record.py` makes the recordings.

#[path = "patch_oracle/cases.rs"]
mod cases;
#[path = "patch_oracle/live.rs"]
mod live;
#[path = "patch_oracle/same.rs"]
mod same;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use tenantry::diagnostic::Code;
use tenantry::object::Object;
use tenantry::patch::{Applied, Operation, Patch, PatchError, Target, apply};

/// Reads and applies a patch; gives the bodies that remain.
fn patched(
    base: &[Value],
    target: Option<&Value>,
    patch: &Value,
) -> Result<Vec<Value>, PatchError> {
    let mut objects = objects(base);
    let patch = Patch {
        target: target.map(Target::parse).transpose()?,
        operation: Operation::from_value(patch.clone())?,
    };
    apply(&patch, &mut objects)?;
    Ok(objects.into_iter().map(|object| object.body).collect())
}

fn objects(bodies: &[Value]) -> Vec<Object> {
    let object = |body: &Value| Object {
        body: body.clone(),
        file: "extra".to_owned(),
    };
    bodies.iter().map(object).collect()
}

/// Checks one recorded case; gives what is wrong with it.
fn check(case: &Value) -> Result<(), String> {
    let base = case["base"].as_array().ok_or("no base")?;
    let ours = patched(base, case.get("target"), &case["patch"]);
    let mark = case.get("ours").and_then(Value::as_str);
    let theirs = case["kustomize"].get("objects").and_then(Value::as_array);
    let agree = |bodies: &[Value]| theirs.is_some_and(|theirs| same::sets(bodies, theirs));
    match (mark, ours) {
        (Some("exact"), Ok(bodies)) if theirs.is_some() && !agree(&bodies) => Ok(()),
        (Some("accepted"), Ok(_)) if theirs.is_none() => Ok(()),
        (Some(code), Err(error)) if error.code.as_str() == code && theirs.is_some() => Ok(()),
        (None, Ok(bodies)) if agree(&bodies) => Ok(()),
        (None, Err(error)) if theirs.is_none() && error.code != Code::PatchNoEffect => Ok(()),
        // kustomize is content with patches that change nothing; we are when it agrees that nothing changes.
        (None, Err(error)) if error.code == Code::PatchNoEffect && agree(base) => Ok(()),
        (mark, ours) => Err(format!(
            "marked {mark:?}\n  ours {}\n  kustomize {}",
            ours.map_or_else(
                |error| format!("{error:?}"),
                |bodies| Value::from(bodies).to_string()
            ),
            case["kustomize"]
        )),
    }
}

#[test]
fn recorded_answers() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for (file, cases) in cases::recorded() {
        for case in &cases {
            count += 1;
            if let Err(problem) = check(case) {
                wrong.push(format!("{file}: {}\n  {problem}", case["case"]));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 400, "only {count} cases are recorded");
}

/// The variable that asks for this many batches of fresh cases; without it, the same few every time.
const CAMPAIGN: &str = "PATCH_ORACLE_BATCHES";

#[test]
fn live_answers() {
    let version = live::version();
    if version.as_deref() != Some(live::VERSION) {
        eprintln!(
            "SKIPPED: found {version:?} on PATH, not kubectl with kustomize {}",
            live::VERSION
        );
        return;
    }
    let campaign: Option<u32> = std::env::var(CAMPAIGN)
        .ok()
        .and_then(|batches| batches.parse().ok());
    let config = ProptestConfig {
        cases: campaign.unwrap_or(40),
        // Each step of shrinking is a call of kubectl; no need to find the very smallest.
        max_shrink_iters: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = match campaign {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let batches = proptest::collection::vec(cases::pair(), 12);
    let compared = std::cell::Cell::new(0);
    let result = runner.run(&batches, |pairs| {
        compared.set(compared.get() + compare_live(&pairs)?);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let compared = compared.get();
    eprintln!(
        "COMPARED {compared} patches with kustomize {}",
        live::VERSION
    );
    assert!(compared >= 200, "only {compared} patches were compared");
}

/// Compares one batch; gives how many pairs could be compared.
fn compare_live(pairs: &[cases::Pair]) -> Result<usize, TestCaseError> {
    let mut batch = Vec::new();
    for (index, pair) in pairs.iter().enumerate() {
        let pair = pair.named(&format!("o{index}"));
        let base = [pair.base.clone()];
        // What we refuse, and what fits no object, kustomize could not tell from the rest of the batch.
        let ours = match patched(&base, pair.target.as_ref(), &pair.patch) {
            Ok(bodies) => bodies,
            Err(error) if error.code == Code::PatchNoEffect => base.to_vec(),
            Err(_) => continue,
        };
        batch.push((pair, ours));
    }
    let theirs = live::kustomize(batch.iter().map(|(pair, _)| pair))
        .map_err(|error| TestCaseError::fail(format!("kustomize: {error}\n{batch:?}")))?;
    for (pair, ours) in &batch {
        let name = &pair.base["metadata"]["name"];
        let theirs: Vec<Value> = theirs
            .iter()
            .filter(|body| body["metadata"]["name"] == *name)
            .cloned()
            .collect();
        prop_assert!(
            same::sets(ours, &theirs),
            "base {}\npatch {}\nours {}\nkustomize {}",
            pair.base,
            pair.patch,
            Value::from(ours.clone()),
            Value::from(theirs)
        );
    }
    Ok(batch.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_empty_patch_changes_nothing(pair in cases::pair()) {
        let base = [pair.base.clone()];
        let error = patched(&base, Some(&json!({})), &json!({})).expect_err("nothing to change");
        prop_assert_eq!(error.code, Code::PatchNoEffect);
    }

    #[test]
    fn an_object_is_a_patch_of_itself_without_effect(pair in cases::pair()) {
        // Nulls of the object would delete, so there are none in it.
        let base = [cases::without_nulls(&pair.base)];
        let error = patched(&base, None, &base[0]).expect_err("nothing to change");
        prop_assert_eq!(error.code, Code::PatchNoEffect, "{}", error.message);
    }

    #[test]
    fn applying_twice_gives_the_same_and_errors_change_nothing(pair in cases::pair()) {
        let before = objects(std::slice::from_ref(&pair.base));
        let (Ok(target), Ok(operation)) = (
            pair.target.as_ref().map(Target::parse).transpose(),
            Operation::from_value(pair.patch.clone()),
        ) else {
            return Ok(());
        };
        let patch = Patch { target, operation };
        let run = || -> (Result<Applied, PatchError>, String) {
            let mut objects = before.clone();
            let applied = apply(&patch, &mut objects);
            // Text shows the order of keys too.
            (applied, objects.iter().map(|object| object.body.to_string()).collect())
        };
        let (first, second) = (run(), run());
        prop_assert_eq!(&first, &second);
        match first.0 {
            Err(_) => prop_assert_eq!(first.1, before[0].body.to_string()),
            Ok(applied) => prop_assert_eq!(applied.changed.len() + applied.removed.len(), 1),
        }
    }

    #[test]
    fn a_patch_that_applied_has_no_effect_the_second_time(pair in cases::strategic_pair()) {
        // Not so for `[]` left by deleted elements of a missing list, and for lists that are replaced by what they had.
        let base = [pair.base.clone()];
        if let Ok(bodies) = patched(&base, None, &pair.patch) && !bodies.is_empty() {
            match patched(&bodies, None, &pair.patch) {
                Ok(again) => prop_assert_eq!(again, bodies),
                Err(error) => prop_assert!(
                    matches!(error.code, Code::PatchNoEffect | Code::PatchRefused),
                    "{}", error.message
                ),
            }
        }
    }

    #[test]
    fn no_value_panics(base in cases::anything(), patch in cases::anything(), target in cases::anything()) {
        let mut base = base;
        if !base.is_object() {
            base = json!({"spec": base});
        }
        for target in [None, Some(&target), Some(&json!({}))] {
            let _ = patched(std::slice::from_ref(&base), target, &patch);
        }
    }
}
