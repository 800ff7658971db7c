use std::fs;
use std::os::unix::fs::symlink;

use super::*;

const INDEX_TEXT: &str = r#"{"format": 1, "directories": {
  "in-cluster/churn": {"project": "churn", "base": "kfp", "state": "paused", "files": {
    "ui.yaml": "0000000000000000000000000000000000000000000000000000000000000000"
  }},
  "in-cluster/gone": {"state": "active", "files": {}}
}}"#;

fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Location) {
    let root = tempfile::tempdir().expect("a temporary directory");
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    }
    let location = Location::at(root.path());
    (root, location)
}

fn names(tree: &DiskTree, directory: &str) -> Vec<String> {
    let manifests = tree.manifests(directory).expect("it can be read");
    manifests.into_keys().collect()
}

#[test]
fn what_the_index_records() {
    let (_root, location) = tree(&[
        ("index.json", INDEX_TEXT),
        ("in-cluster/churn/ui.yaml", "a"),
        ("in-cluster/churn/extra.yml", "b"),
        ("in-cluster/churn/notes.txt", "c"),
        ("in-cluster/churn/below.yaml/x.yaml", "d"),
        ("in-cluster/foreign/ui.yaml", "e"),
    ]);
    let old = DiskTree::open(&location).expect("a tree");
    let recorded: Vec<_> = old.recorded().iter().collect();
    let churn = Recorded {
        project: Some("churn".to_owned()),
        base: Some("kfp".to_owned()),
        state: "paused".to_owned(),
        has_files: true,
    };
    let gone = Recorded {
        state: "active".to_owned(),
        ..Recorded::default()
    };
    assert_eq!(
        recorded,
        [
            (&"in-cluster/churn".to_owned(), &churn),
            (&"in-cluster/gone".to_owned(), &gone)
        ]
    );
    assert_eq!(names(&old, "in-cluster/churn"), ["extra.yml", "ui.yaml"]);
    assert_eq!(names(&old, "in-cluster/gone"), Vec::<String>::new());
}

#[test]
fn a_tree_without_an_index() {
    let (_root, location) = tree(&[
        ("in-cluster/churn/ui.yaml", "a"),
        ("in-cluster/_sync/argocd/apps.yaml", "a"),
        ("in-cluster/README.md", "a"),
        (".tenantry/staging/1/ui.yaml", "a"),
        (".hidden/x.yaml", "a"),
        ("top.yaml", "a"),
    ]);
    let old = DiskTree::open(&location).expect("a tree");
    let paths: Vec<&String> = old.recorded().keys().collect();
    assert_eq!(paths, ["in-cluster/_sync/argocd", "in-cluster/churn"]);
    assert!(
        old.recorded()
            .values()
            .all(|recorded| *recorded == Recorded::default())
    );
}

#[test]
fn no_tree_at_all() {
    let (root, _) = tree(&[]);
    let location = Location::below(root.path(), "overlays").expect("a safe path");
    let old = DiskTree::open(&location).expect("nothing is a tree, too");
    assert!(old.recorded().is_empty());
    assert_eq!(names(&old, "in-cluster/churn"), Vec::<String>::new());
}

#[test]
fn what_cannot_be_read() {
    let stopped = |outcome: Result<(), TreeError>, expect: &str| {
        let error = outcome.expect_err("it cannot be read");
        assert_eq!(error.to_string(), format!("stopped because of {expect}"));
    };
    let (root, location) = tree(&[
        ("index.json", "<<<<<<< ours"),
        ("in-cluster/churn/ui.yaml", "a"),
    ]);
    let top = root.path().to_str().expect("UTF-8").to_owned();
    stopped(
        DiskTree::open(&location).map(drop),
        &format!("{top}/index.json"),
    );

    fs::write(root.path().join("index.json"), INDEX_TEXT).expect("written");
    symlink("ui.yaml", root.path().join("in-cluster/churn/link.yaml")).expect("linked");
    symlink("churn", root.path().join("in-cluster/linked")).expect("linked");
    let old = DiskTree::open(&location).expect("a tree");
    stopped(
        old.manifests("in-cluster/churn").map(drop),
        &format!("{top}/in-cluster/churn/link.yaml"),
    );
    stopped(
        old.manifests("in-cluster/linked").map(drop),
        &format!("{top}/in-cluster/linked"),
    );
}
