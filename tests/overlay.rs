//! The tree in the form of kustomize builds the objects of the plain one: of the example fleet, and of every golden case.
//!
//! Built by our own reader, and by `kubectl kustomize` where that is on the path. Objects are compared exactly, the
//! order of every list included.

#[path = "overlay/build.rs"]
mod build;
mod compiler;
#[path = "overlay/random.rs"]
mod random;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use build::{Ours, Theirs, differences};
use compiler::{bases, compile_form, files_below, root};
use tenantry::tree::Form;

/// The files of a case: `projects.yaml`, and those that it names.
type Inputs = BTreeMap<String, String>;

fn cases() -> BTreeMap<String, Inputs> {
    let mut cases = BTreeMap::new();
    let golden = root().join("tests/golden");
    for entry in std::fs::read_dir(&golden).expect("the cases can be listed") {
        let case = entry.expect("a case can be read");
        let mut inputs = files_below(&case.path());
        inputs.retain(|path, _| !path.starts_with("expected/"));
        cases.insert(case.file_name().to_string_lossy().into_owned(), inputs);
    }
    let example = std::fs::read_to_string(root().join("projects.yaml")).expect("the example");
    cases.insert(
        "example".to_owned(),
        BTreeMap::from([("projects.yaml".to_owned(), example)]),
    );
    cases.insert("subjects".to_owned(), subjects());
    assert!(cases.len() > 20, "the cases are gone");
    cases
}

/// Bindings whose subjects kustomize would move: somebody else's `default`, and a user called as a service account.
fn subjects() -> Inputs {
    let binding = |subject: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: mine}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}\nsubjects: [{subject}]\n"
        )
    };
    let projects = "version: 1
platform: {base: kfp-2.17.0}
projects:
- {name: default-of-another, extraManifests: [default.yaml]}
- {name: user-like-account, extraManifests: [user.yaml]}
- {name: deployer, members: {editors: [\"serviceAccount:ci/default\"]}}
- {name: own-default, extraManifests: [own.yaml]}
";
    let default = binding("{kind: ServiceAccount, name: default, namespace: elsewhere}");
    let user = binding("{kind: User, apiGroup: rbac.authorization.k8s.io, name: ml-pipeline}");
    let own = binding(
        "{kind: ServiceAccount, name: default}, {kind: ServiceAccount, name: ml-pipeline, namespace: x}",
    );
    BTreeMap::from([
        ("projects.yaml".to_owned(), projects.to_owned()),
        ("default.yaml".to_owned(), default),
        ("user.yaml".to_owned(), user),
        ("own.yaml".to_owned(), own),
    ])
}

fn tree(inputs: &Inputs, form: Form, jobs: usize) -> BTreeMap<String, String> {
    let outcome = compile_form(&inputs["projects.yaml"], bases(), inputs, jobs, form);
    assert!(!outcome.tree.is_empty(), "{:#?}", outcome.findings);
    outcome.tree
}

#[test]
fn our_reader_builds_the_plain_objects() {
    let mut wrong = Vec::new();
    for (case, inputs) in cases() {
        let (plain, other) = (
            tree(&inputs, Form::Plain, 2),
            tree(&inputs, Form::Kustomize, 2),
        );
        wrong.extend(differences(&case, &plain, &other, &Ours));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn kubectl_builds_the_plain_objects() {
    let Some(theirs) = Theirs::find() else {
        eprintln!("SKIPPED: there is no kubectl with kustomize on PATH");
        return;
    };
    let mut wrong = Vec::new();
    for (case, inputs) in cases() {
        let (plain, other) = (
            tree(&inputs, Form::Plain, 2),
            tree(&inputs, Form::Kustomize, 2),
        );
        wrong.extend(differences(&case, &plain, &other, &theirs));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_bytes_do_not_depend_on_threads() {
    for (case, inputs) in cases() {
        let (one, many) = (
            tree(&inputs, Form::Kustomize, 1),
            tree(&inputs, Form::Kustomize, 4),
        );
        assert!(one == many, "{case}");
    }
}

#[test]
fn every_directory_is_a_kustomization_and_the_base_is_there_once() {
    for (case, inputs) in cases() {
        let tree = tree(&inputs, Form::Kustomize, 2);
        let directories: std::collections::BTreeSet<&str> = tree
            .keys()
            .filter_map(|path| Some(path.rsplit_once('/')?.0))
            .collect();
        for directory in &directories {
            let kustomization = format!("{directory}/kustomization.yaml");
            assert!(tree.contains_key(&kustomization), "{case}: {directory}");
        }
        let pinned = directories.iter().filter(|path| path.starts_with("_base/"));
        assert!(pinned.count() >= 1, "{case}");
    }
}

#[test]
fn random_patches_build_the_plain_objects() {
    random_patches(&Ours, 12);
}

#[test]
fn random_patches_build_the_plain_objects_with_kubectl() {
    match Theirs::find() {
        Some(theirs) => random_patches(&theirs, 6),
        None => eprintln!("SKIPPED: there is no kubectl with kustomize on PATH"),
    }
}

/// The variable that asks for this many fresh cases; without it, the same few every time.
const CAMPAIGN: &str = "OVERLAY_CASES";

fn random_patches(build: &impl build::Build, few: u32) {
    let campaign: Option<u32> = std::env::var(CAMPAIGN)
        .ok()
        .and_then(|cases| cases.parse().ok());
    let config = ProptestConfig {
        cases: campaign.unwrap_or(few),
        max_shrink_iters: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = match campaign {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let compared = std::cell::Cell::new(0);
    let result = runner.run(&random::edits(), |edits| {
        compared.set(compared.get() + u32::from(random::check(&edits, build)?));
        Ok(())
    });
    assert!(result.is_ok(), "{}", result.expect_err("checked"));
    assert!(compared.get() * 2 > few, "patches are refused");
}
