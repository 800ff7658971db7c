//! Agreement with `kubectl kustomize` on whole trees.
//!
//! Each directory below `tests/kustomize/` is a tree: the kustomization to build is in its `overlay/`, or else in itself.
//! `expected.yaml` holds what kubectl printed; `refused.txt` holds our findings, and whether kubectl refuses too.
//! What stands in `remotes/<name>/` is a Git repository for the build, at `file://@REMOTES@/<name>`, with the tag `v1`.
//! The hermetic test compares with the recordings; where `kubectl` is on the path they are checked live.
//! `SNAPSHOTS=overwrite cargo test --test kustomize` records anew.

#[path = "kustomize/compare.rs"]
mod compare;
#[path = "kustomize/mutate.rs"]
mod mutate;
#[path = "kustomize/oracle.rs"]
mod oracle;
#[path = "kustomize/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use tenantry::diagnostic::{Diagnostics, Severity};
use tenantry::kustomize::{Flattened, Options, Remote, Stop, Tree, flatten};
use tenantry::source::Sources;
use tenantry::yaml;

/// Where the repositories of remote bases are, as kustomizations write it.
const REMOTES: &str = "@REMOTES@";

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomize");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&root)
        .expect("the cases are in the repository")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() > 80, "the cases are gone");
    cases
}

fn name(case: &Path) -> String {
    case.file_name()
        .and_then(|name| name.to_str())
        .expect("cases have plain names")
        .to_owned()
}

/// Reads the files of a directory by their path below it.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).expect("a directory of the case") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                waiting.push(path);
                continue;
            }
            let below = path.strip_prefix(directory).expect("below");
            let below = below.to_str().expect("plain names").to_owned();
            if path.is_symlink() {
                continue;
            }
            files.insert(below, std::fs::read(&path).expect("a file of the case"));
        }
    }
    files
}

fn links(directory: &Path) -> Vec<(String, String)> {
    let mut links = Vec::new();
    for entry in walkdir::WalkDir::new(directory) {
        let entry = entry.expect("an entry");
        if entry.path_is_symlink() {
            let below = entry.path().strip_prefix(directory).expect("below");
            let target = std::fs::read_link(entry.path()).expect("a link");
            links.push((
                below.to_str().expect("plain names").to_owned(),
                target.to_str().expect("plain names").to_owned(),
            ));
        }
    }
    links
}

/// Puts the place of the repositories into a kustomization.
fn located(bytes: &[u8], remotes: &str) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.replace(REMOTES, remotes).into_bytes(),
        Err(_) => bytes.to_vec(),
    }
}

/// The tree of a case and those of its remote bases.
struct Case {
    tree: Arc<Tree>,
    root: &'static str,
    remotes: BTreeMap<String, Arc<Tree>>,
}

impl Case {
    fn load(case: &Path) -> Self {
        Case::new(&files(case), &links(case))
    }

    fn new(files: &BTreeMap<String, Vec<u8>>, links: &[(String, String)]) -> Self {
        let mut tree = Tree::new("");
        let mut remotes: BTreeMap<String, Tree> = BTreeMap::new();
        for (path, bytes) in files {
            let bytes = located(bytes, "/remotes");
            match path
                .strip_prefix("remotes/")
                .and_then(|path| path.split_once('/'))
            {
                Some((remote, below)) => remotes
                    .entry(format!("file:///remotes/{remote}"))
                    .or_insert_with(|| Tree::new(remote))
                    .add_file(below, bytes)
                    .expect("a plain path"),
                None => tree.add_file(path, bytes).expect("a plain path"),
            }
        }
        for (path, target) in links {
            tree.add_link(path, target.clone()).expect("a plain path");
        }
        let root = if files.keys().any(|path| path.starts_with("overlay/")) {
            "overlay"
        } else {
            ""
        };
        Case {
            tree: Arc::new(tree),
            root,
            remotes: remotes
                .into_iter()
                .map(|(url, tree)| (url, Arc::new(tree)))
                .collect(),
        }
    }

    /// Flattens the tree; on a refusal gives the findings, a line each.
    fn flatten(&self) -> Result<Flattened, String> {
        let mut sources = Sources::default();
        let mut diagnostics = Diagnostics::default();
        let fetch = &mut |remote: &Remote| {
            let tree = self.remotes.get(&remote.url);
            tree.cloned()
                .ok_or_else(|| anyhow::anyhow!("there is no repository `{}`", remote.url))
        };
        let options = Options::default();
        let outcome = flatten(
            &self.tree,
            self.root,
            &options,
            &mut sources,
            &mut diagnostics,
            fetch,
        );
        match outcome {
            Ok(flattened) => {
                assert!(
                    !diagnostics.has_errors(),
                    "accepted in spite of: {}",
                    shown(diagnostics, &sources)
                );
                Ok(flattened)
            }
            Err(Stop::Fetch(error)) => Err(format!("{error:#}\n")),
            Err(Stop::Rejected) => {
                assert!(diagnostics.has_errors(), "refused without a reason");
                Err(shown(diagnostics, &sources))
            }
        }
    }
}

fn shown(diagnostics: Diagnostics, sources: &Sources) -> String {
    let mut text = String::new();
    for finding in diagnostics.into_sorted() {
        assert_eq!(finding.severity, Severity::Error);
        let place = match finding.span {
            Some(span) => {
                let length = sources.get(span.file).text.len();
                assert!(
                    span.start <= span.end && span.end <= length,
                    "{finding:?} lies outside"
                );
                let (line, column) = sources.line_column(span.file, span.start);
                format!("{}:{line}:{column}", sources.get(span.file).path)
            }
            None => finding.path.unwrap_or_default(),
        };
        writeln!(
            text,
            "{place}: {}: {}",
            finding.code.as_str(),
            finding.message
        )
        .expect("a string");
        for hint in finding.hints {
            writeln!(text, "  {hint}").expect("a string");
        }
    }
    text
}

#[test]
fn flattened_as_recorded() {
    let overwrite = std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite");
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let ours = Case::load(case).flatten();
        let theirs = oracle::recorded(case);
        let outcome = if overwrite {
            oracle::record(case, &ours)
        } else {
            match (&ours, &theirs) {
                (Ok(ours), oracle::Recorded::Printed(theirs)) => compare::same(ours, theirs),
                (Err(ours), oracle::Recorded::Refused { findings, .. }) if ours == findings => {
                    Ok(())
                }
                (Err(ours), oracle::Recorded::Refused { findings, .. }) => {
                    Err(format!("other findings\n{ours}instead of\n{findings}"))
                }
                (Err(ours), oracle::Recorded::Printed(_)) => Err(format!("refused\n{ours}")),
                (Ok(_), oracle::Recorded::Refused { .. }) => Err("not refused".to_owned()),
                (_, oracle::Recorded::Nothing) => Err("nothing is recorded".to_owned()),
            }
        };
        if let Err(problem) = outcome {
            wrong.push(format!("{}: {problem}", name(case)));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} trees differ\n\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn kubectl_still_prints_what_is_recorded() {
    let Some(version) = oracle::version() else {
        println!("not checked live: there is no kubectl");
        return;
    };
    println!("checked live against {version}");
    let mut wrong = Vec::new();
    for case in cases() {
        let live = oracle::ask(&case);
        let agrees = match (&live, oracle::recorded(&case)) {
            (Ok(printed), oracle::Recorded::Printed(recorded)) => *printed == recorded,
            (Ok(_), oracle::Recorded::Refused { by_kustomize, .. }) => !by_kustomize,
            (Err(_), oracle::Recorded::Refused { by_kustomize, .. }) => by_kustomize,
            _ => false,
        };
        if !agrees {
            wrong.push(format!("{}: {live:?}", name(&case)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Kinds of refusal that kustomize does not share: what it would damage.
const OURS_ALONE: [&str; 2] = ["patch-refused", "patch-failed"];

#[test]
fn trees_made_up_at_random_flatten_as_kubectl_builds_them() {
    if oracle::version().is_none() {
        println!("not checked live: there is no kubectl");
        return;
    }
    let count = std::env::var("TREES")
        .ok()
        .and_then(|count| count.parse().ok());
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let (mut equal, mut refused) = (0, 0);
    for number in 0..count.unwrap_or(60) {
        let files = random::tree()
            .new_tree(&mut runner)
            .expect("a tree")
            .current();
        let place = tempfile::tempdir().expect("a temporary directory");
        for (path, text) in &files {
            let path = place.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("writable");
            std::fs::write(path, text).expect("writable");
        }
        let ours = Case::load(place.path()).flatten();
        let theirs = oracle::ask(place.path());
        let outcome = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                equal += 1;
                compare::same(ours, theirs)
            }
            (Err(findings), _) if OURS_ALONE.iter().any(|code| findings.contains(code)) => Ok(()),
            (Err(_), Err(_)) => {
                refused += 1;
                Ok(())
            }
            (Ok(_), Err(message)) => Err(format!("only kubectl refuses: {message}")),
            (Err(findings), Ok(_)) => Err(format!("only we refuse: {findings}")),
        };
        if let Err(problem) = outcome {
            panic!("tree {number}: {problem}\n{files:#?}");
        }
    }
    println!("{equal} trees are equal, {refused} are refused by both");
}

#[test]
fn no_tree_makes_it_panic() {
    let cases: Vec<_> = cases()
        .iter()
        .map(|case| (files(case), links(case)))
        .collect();
    let all: Vec<&Vec<u8>> = cases.iter().flat_map(|(files, _)| files.values()).collect();
    let wrong = (
        proptest::sample::select((0..cases.len()).collect::<Vec<_>>()),
        proptest::collection::vec(mutate::mutation(), 1..4),
    );
    // What fails becomes a case of its own.
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |((case, mutations) in wrong)| {
        let (mut files, links) = cases[case].clone();
        for mutation in &mutations {
            mutate::mutate(&mut files, mutation, &all);
        }
        let flatten = || match Case::new(&files, &links).flatten() {
            Ok(flattened) => flattened
                .objects
                .into_iter()
                .map(|object| object.body.to_string())
                .collect(),
            Err(findings) => vec![findings],
        };
        prop_assert_eq!(flatten(), flatten());
    });
}

#[test]
fn flattening_is_deterministic() {
    for case in cases() {
        let text = || match Case::load(&case).flatten() {
            Ok(flattened) => {
                let mut text = String::new();
                yaml::emit_documents(
                    flattened.objects.iter().map(|object| &object.body),
                    &mut text,
                );
                text
            }
            Err(findings) => findings,
        };
        assert_eq!(text(), text(), "{}", name(&case));
    }
}

#[test]
#[ignore]
fn mutants_live() {
    let cases: Vec<_> = cases()
        .iter()
        .filter(|case| matches!(oracle::recorded(case), oracle::Recorded::Printed(_)))
        .map(|case| (files(case), links(case)))
        .filter(|(files, links)| {
            links.is_empty() && !files.keys().any(|k| k.starts_with("remotes/"))
        })
        .collect();
    let all: Vec<&Vec<u8>> = cases.iter().flat_map(|(files, _)| files.values()).collect();
    let seed: u8 = std::env::var("SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::from_seed(
            proptest::test_runner::RngAlgorithm::ChaCha,
            &[seed; 32],
        ),
    );
    let strategy = (
        proptest::sample::select((0..cases.len()).collect::<Vec<_>>()),
        proptest::collection::vec(mutate::mutation(), 1..2),
    );
    let count: usize = std::env::var("MUTANTS")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(100);
    let (mut equal, mut both, mut same, mut diff) = (0, 0, 0, 0);
    let out = std::path::PathBuf::from("/tmp/k/mutants");
    let _ = std::fs::remove_dir_all(&out);
    for number in 0..count {
        let (case, mutations) = strategy.new_tree(&mut runner).expect("x").current();
        let (mut files, _) = cases[case].clone();
        files.remove("expected.yaml");
        let before = files.clone();
        for m in &mutations {
            mutate::mutate(&mut files, m, &all);
        }
        if files == before {
            same += 1;
            continue;
        }
        let place = tempfile::tempdir().expect("a temporary directory");
        for (path, bytes) in &files {
            let path = place.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("writable");
            std::fs::write(path, bytes).expect("writable");
        }
        let ours = Case::load(place.path()).flatten();
        let theirs = oracle::ask(place.path());
        let problem = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                equal += 1;
                compare::same(ours, theirs)
                    .err()
                    .map(|e| format!("DIFFERENT {e}"))
            }
            (Err(findings), _) if OURS_ALONE.iter().any(|code| findings.contains(code)) => None,
            (Err(_), Err(_)) => {
                both += 1;
                None
            }
            (Ok(_), Err(message)) => Some(format!("ONLY KUBECTL: {message}")),
            (Err(findings), Ok(_)) => Some(format!("ONLY WE: {findings}")),
        };
        if let Some(problem) = problem {
            diff += 1;
            println!(
                "#{number} {}",
                problem.lines().take(4).collect::<Vec<_>>().join(" | ")
            );
            for (path, bytes) in &files {
                if before.get(path) != Some(bytes) {
                    let t = out.join(number.to_string());
                    let f = t.join(path);
                    std::fs::create_dir_all(f.parent().unwrap()).unwrap();
                    std::fs::write(f, bytes).unwrap();
                    let f = t.join("before").join(path);
                    std::fs::create_dir_all(f.parent().unwrap()).unwrap();
                    std::fs::write(f, &before[path]).unwrap();
                }
            }
        }
    }
    println!("{equal} equal {both} both refused {same} same {diff} differ");
}
