//! Agreement with `kubectl kustomize` on whole trees.
//!
//! Each directory below `tests/kustomize/` is a tree: the kustomization to build is in its `overlay/`, or else in itself.
//! `expected.yaml` holds what kubectl printed; `refused.txt` holds our findings, and whether kubectl refuses too.
//! What stands in `remotes/<name>/` is a Git repository for the build, at `file://@REMOTES@/<name>`, with the tag `v1`.
//! The hermetic test compares with the recordings; where `kubectl` is on the path they are checked live.
//! `SNAPSHOTS=overwrite cargo test --test kustomize` records anew.

#[path = "kustomize/compare.rs"]
mod compare;
#[path = "kustomize/oracle.rs"]
mod oracle;
#[path = "kustomize/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
        let mut tree = Tree::new("");
        let mut remotes: BTreeMap<String, Tree> = BTreeMap::new();
        for (path, bytes) in files(case) {
            let bytes = located(&bytes, "/remotes");
            match path
                .strip_prefix("remotes/")
                .and_then(|path| path.split_once('/'))
            {
                Some((remote, below)) => remotes
                    .entry(format!("file:///remotes/{remote}"))
                    .or_insert_with(|| Tree::new(remote))
                    .add_file(below, bytes)
                    .expect("a plain path"),
                None => tree.add_file(&path, bytes).expect("a plain path"),
            }
        }
        for (path, target) in links(case) {
            tree.add_link(&path, target).expect("a plain path");
        }
        let root = if case.join("overlay").is_dir() {
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
                assert!(!diagnostics.has_errors());
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
