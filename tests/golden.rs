//! Complete trees, compared both ways: a missing, a different and an extra file all fail.
//!
//! Each directory of `tests/golden/` holds a `projects.yaml` (and the files it names) and the tree in `expected/`.
//! `SNAPSHOTS=overwrite cargo test --test golden` rewrites the trees; read the difference before committing it.

mod compiler;

use std::collections::BTreeMap;
use std::path::Path;

use compiler::{compile_with, files_below, overwrite, root};

#[test]
fn trees() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    let golden = root().join("tests/golden");
    for entry in std::fs::read_dir(&golden).expect("the cases can be listed") {
        let case = entry.expect("a case can be read").path();
        cases += 1;
        let inputs: BTreeMap<String, String> = files_below(&case)
            .into_iter()
            .filter(|(path, _)| !path.starts_with("expected/"))
            .collect();
        let outcome = compile_with(&inputs["projects.yaml"], &inputs, 2);
        let errors: Vec<&String> = outcome
            .findings
            .iter()
            .filter(|finding| finding.starts_with("error"))
            .collect();
        if !errors.is_empty() {
            wrong.push(format!("{}: {errors:#?}", case.display()));
            continue;
        }
        let expected = case.join("expected");
        if overwrite() {
            rewrite(&expected, &outcome.tree);
            continue;
        }
        let on_disk = files_below(&expected);
        let paths: std::collections::BTreeSet<&String> =
            on_disk.keys().chain(outcome.tree.keys()).collect();
        for path in paths {
            match (on_disk.get(path), outcome.tree.get(path)) {
                (Some(expected), Some(found)) if expected == found => {}
                (Some(expected), Some(found)) => {
                    let (line, (expected, found)) = expected
                        .lines()
                        .zip(found.lines())
                        .enumerate()
                        .find(|(_, (expected, found))| expected != found)
                        .unwrap_or((0, ("(length)", "(length)")));
                    wrong.push(format!(
                        "{}/{path}:{}: expected `{expected}`, found `{found}`",
                        case.display(),
                        line + 1
                    ));
                }
                (Some(_), None) => {
                    wrong.push(format!("{}/{path} is no longer made", case.display()))
                }
                (None, _) => wrong.push(format!("{}/{path} is not expected", case.display())),
            }
        }
    }
    assert!(cases >= 15, "only {cases} cases were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn rewrite(expected: &Path, tree: &BTreeMap<String, String>) {
    if expected.exists() {
        std::fs::remove_dir_all(expected).expect("the old tree can be removed");
    }
    for (path, text) in tree {
        let path = expected.join(path);
        std::fs::create_dir_all(path.parent().expect("files lie in directories")).expect("made");
        std::fs::write(path, text).expect("written");
    }
}
