//! What a publish commits, and that it is what Git would.

use std::collections::BTreeMap;

use tenantry::git::{Branch, Published};
use tenantry::tree::RenderedDirectory;

use crate::support::{Repo, committed, directory, fleet, publication, sample};

#[test]
fn a_first_publish_is_a_first_commit() {
    let repo = Repo::bare();
    let commit = repo.publish_new(&sample());
    assert_eq!(
        commit.to_string(),
        "78cfcd79ddf5f9340ec753e3029ab9c40f94890e"
    );
    assert_eq!(repo.git(&["rev-parse", "rendered"]), commit.to_string());
    assert_eq!(
        repo.paths("rendered"),
        [
            "overlays/in-cluster/churn/namespace.yaml",
            "overlays/in-cluster/churn/ui.yaml",
            "overlays/in-cluster/vision/namespace.yaml",
            "overlays/in-cluster/vision/ui.yaml",
            "overlays/index.json",
        ]
    );
    repo.fsck();
}

#[test]
fn nothing_new_is_no_commit() {
    let repo = Repo::bare();
    let commit = repo.publish_new(&sample());
    let outcome = repo
        .publish(&publication("rendered"), &sample())
        .expect("published");
    let Published::Unchanged(tip, summary) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (tip, summary.unchanged, summary.written.len()),
        (Some(commit), 2, 0)
    );
    assert_eq!(repo.history("rendered"), ["Render"]);
}

#[test]
fn a_change_keeps_what_is_the_same() {
    let repo = Repo::bare();
    repo.publish_new(&sample());
    let mut changed = sample();
    changed[1]
        .files
        .insert("ui.yaml".to_owned(), b"new\n".to_vec());
    changed.push(directory("other/new", &[("a.yaml", "a\n")]));
    let outcome = repo
        .publish(&publication("rendered"), &changed)
        .expect("published");
    let Published::Committed { summary, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(summary.written, ["in-cluster/vision", "other/new"]);
    assert_eq!((summary.unchanged, summary.removed.len()), (1, 0));
    let changes = repo.git(&["diff", "--name-status", "rendered~", "rendered"]);
    assert_eq!(
        changes,
        "M\toverlays/in-cluster/vision/ui.yaml\nM\toverlays/index.json\nA\toverlays/other/new/a.yaml"
    );
    repo.fsck();
}

#[test]
fn what_is_no_longer_rendered_is_gone() {
    let repo = Repo::bare();
    let mut all = sample();
    all.push(directory("other/gone", &[("a.yaml", "a\n")]));
    repo.publish_new(&all);
    let outcome = repo
        .publish(&publication("rendered"), &sample()[..1])
        .expect("published");
    let Published::Committed { summary, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(summary.removed, ["in-cluster/vision", "other/gone"]);
    assert_eq!(
        repo.paths("rendered"),
        [
            "overlays/in-cluster/churn/namespace.yaml",
            "overlays/in-cluster/churn/ui.yaml",
            "overlays/index.json"
        ]
    );
    repo.fsck();
}

#[test]
fn the_rest_of_the_repository_is_kept_as_it_is() {
    let repo = Repo::new();
    repo.write(&[
        ("README.md", "hello\n"),
        ("overlays.md", "before\n"),
        ("overlays/README.md", "ours?\n"),
        ("z/run.sh", "x\n"),
    ]);
    repo.git(&["update-index", "--add", "--chmod=+x", "z/run.sh"]);
    std::os::unix::fs::symlink("README.md", repo.path().join("link")).expect("a link");
    repo.git(&["add", "-A"]);
    let submodule = "1111111111111111111111111111111111111111";
    repo.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{submodule},module"),
    ]);
    let blob = repo.git(&["rev-parse", ":README.md"]);
    let line = [b"100644 ", blob.as_bytes(), b"\tcaf\xe9\0"].concat();
    repo.git_with(&["update-index", "-z", "--add", "--index-info"], &line);
    repo.git(&["commit", "-q", "-m", "inputs"]);
    repo.git(&["branch", "rendered"]);
    let before = repo.git(&["ls-tree", "-r", "main"]);
    repo.publish_new(&sample());
    let after = repo.git(&["ls-tree", "-r", "rendered"]);
    let kept: Vec<&str> = after
        .lines()
        .filter(|line| !line.contains("overlays/in-cluster") && !line.contains("index.json"))
        .collect();
    assert_eq!(kept, before.lines().collect::<Vec<_>>());
    assert_eq!(repo.history("rendered"), ["Render", "inputs"]);
    repo.fsck();
}

#[test]
fn work_tree_and_index_are_not_touched() {
    let repo = Repo::new();
    repo.write(&[("projects.yaml", "version: 1\n")]);
    repo.commit("inputs");
    repo.write(&[("projects.yaml", "version: 2\n"), ("untracked", "x\n")]);
    repo.git(&["add", "projects.yaml"]);
    let index = std::fs::read(repo.path().join(".git/index")).expect("an index");
    repo.publish_new(&fleet(20, "a"));
    assert_eq!(
        std::fs::read(repo.path().join(".git/index")).expect("an index"),
        index
    );
    assert_eq!(
        repo.git(&["status", "--porcelain"]),
        "M  projects.yaml\n?? untracked"
    );
    assert!(!repo.path().join("overlays").exists());
}

/// Returns the tree that `git add` makes of directories and of an index.
fn tree_of_git(below: &str, directories: &[RenderedDirectory], index: &str) -> (Repo, String) {
    let other = Repo::new();
    for directory in directories {
        for (name, content) in &directory.files {
            let text = String::from_utf8(content.clone()).expect("text");
            other.write(&[(&format!("{below}{}/{name}", directory.path), &text)]);
        }
    }
    other.write(&[(&format!("{below}index.json"), index)]);
    other.git(&["add", "-A", "-f"]);
    let tree = other.git(&["write-tree"]);
    (other, tree)
}

/// Publishes and compares with what `git add`, `git write-tree` and `git commit-tree` make of the same files.
fn check_against_git(path: &str, directories: &[RenderedDirectory]) {
    let repo = Repo::bare();
    let mut publication = publication("rendered");
    publication.path = path.to_owned();
    let commit = committed(repo.publish(&publication, directories));
    repo.fsck();

    let below = if path == "." {
        String::new()
    } else {
        format!("{path}/")
    };
    let index = repo.git(&["cat-file", "blob", &format!("rendered:{below}index.json")]);
    let (other, tree) = tree_of_git(&below, directories, &format!("{index}\n"));
    assert_eq!(repo.git(&["rev-parse", "rendered^{tree}"]), tree);
    assert_eq!(
        other.git_with(&["commit-tree", &tree], b"Render\n"),
        commit.to_string()
    );
}

#[test]
fn trees_and_commits_are_those_of_git() {
    check_against_git("overlays", &sample());
    check_against_git("overlays", &fleet(60, "a"));
    check_against_git(".", &sample());
    check_against_git("deploy/prod/overlays", &sample());
}

#[test]
fn names_are_sorted_as_git_sorts_them() {
    let names = [
        "a",
        "a.b",
        "a-b",
        "a0",
        "a b",
        "A",
        "aa",
        "\u{e9}",
        "\u{10ffff}",
        "~",
        "a:b",
        "a\\b",
    ];
    let mut directories = Vec::new();
    for first in names {
        directories.push(directory(
            &format!("c/{first}"),
            &[("a", "1\n"), ("a.b", "2\n"), ("a-b", "\n"), ("B", "")],
        ));
        directories.push(directory(&format!("{first}/d/e"), &[("x.yaml", first)]));
    }
    check_against_git("overlays", &directories);
}

/// A fixed sequence of numbers: the same trees on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    /// Directories two deep, with names that are hard to sort.
    fn directories(&mut self) -> Vec<RenderedDirectory> {
        let words = ["a", "a-", "a.", "a0", "b", "ab", "B", "-", "_x", "z.y"];
        let mut directories = BTreeMap::new();
        for _ in 0..=self.below(30) {
            let path = format!("{}/{}", words[self.below(10)], words[self.below(10)]);
            let mut files = BTreeMap::new();
            for _ in 0..=self.below(5) {
                let name = format!("{}.yaml", words[self.below(10)]);
                files.insert(name, "x".repeat(self.below(3000)).into_bytes());
            }
            let mut directory = directory(&path, &[]);
            directory.files = files;
            directories.insert(path, directory);
        }
        directories.into_values().collect()
    }
}

#[test]
fn generated_trees_are_those_of_git() {
    let mut numbers = Numbers(1);
    for _ in 0..6 {
        check_against_git("overlays", &numbers.directories());
    }
}

#[test]
fn one_publish_after_another_makes_the_trees_of_git() {
    let repo = Repo::bare();
    let mut numbers = Numbers(2);
    let mut present = Vec::new();
    for step in 0..12 {
        // Some from before and some new ones; of a path with both, the one from before.
        let mut next: BTreeMap<String, RenderedDirectory> = BTreeMap::new();
        for directory in numbers.directories().into_iter().chain(present) {
            if numbers.below(3) > 0 {
                next.insert(directory.path.clone(), directory);
            }
        }
        present = next.into_values().collect();
        committed(repo.publish(&publication("rendered"), &present));
        let index = repo.git(&["cat-file", "blob", "rendered:overlays/index.json"]);
        let (_, tree) = tree_of_git("overlays/", &present, &format!("{index}\n"));
        assert_eq!(repo.git(&["rev-parse", "rendered^{tree}"]), tree, "{step}");
        let again = repo.publish(&publication("rendered"), &present);
        assert!(matches!(again, Ok(Published::Unchanged(..))), "{step}");
    }
    assert_eq!(repo.history("rendered").len(), 12);
    repo.fsck();
}

#[test]
fn a_directory_may_become_the_parent_of_others_and_back() {
    let repo = Repo::bare();
    let flat = [directory("a", &[("x.yaml", "1\n"), ("y.yaml", "2\n")])];
    let deep = [
        directory("a/b/c", &[("x.yaml", "1\n")]),
        directory("a/d", &[("y.yaml", "2\n")]),
    ];
    repo.publish_new(&flat);
    repo.publish_new(&deep);
    assert_eq!(
        repo.paths("rendered"),
        [
            "overlays/a/b/c/x.yaml",
            "overlays/a/d/y.yaml",
            "overlays/index.json"
        ]
    );
    repo.publish_new(&flat);
    assert_eq!(
        repo.paths("rendered"),
        [
            "overlays/a/x.yaml",
            "overlays/a/y.yaml",
            "overlays/index.json"
        ]
    );
    repo.fsck();
}

#[test]
fn files_beside_are_never_the_reason_for_a_commit() {
    let repo = Repo::bare();
    let mut publication = publication("rendered");
    publication
        .beside
        .insert("hydrator.metadata".to_owned(), b"{}\n".to_vec());
    committed(repo.publish(&publication, &sample()));
    publication.beside.insert(
        "hydrator.metadata".to_owned(),
        b"{\"drySha\": 1}\n".to_vec(),
    );
    let outcome = repo.publish(&publication, &sample()).expect("published");
    assert!(matches!(outcome, Published::Unchanged(..)));
    assert_eq!(
        repo.git(&["cat-file", "blob", "rendered:overlays/hydrator.metadata"]),
        "{}"
    );
    committed(repo.publish(&publication, &sample()[..1]));
    assert_eq!(
        repo.git(&["cat-file", "blob", "rendered:overlays/hydrator.metadata"]),
        "{\"drySha\": 1}"
    );
    // Without the option, what an earlier publish has left stays.
    publication.beside.clear();
    committed(repo.publish(&publication, &sample()));
    assert_eq!(
        repo.git(&["cat-file", "blob", "rendered:overlays/hydrator.metadata"]),
        "{\"drySha\": 1}"
    );
    repo.fsck();
}

#[test]
fn an_empty_fleet_leaves_an_empty_index() {
    let repo = Repo::bare();
    repo.publish_new(&sample());
    repo.publish_new(&[]);
    assert_eq!(repo.paths("rendered"), ["overlays/index.json"]);
    assert_eq!(
        repo.git(&["cat-file", "blob", "rendered:overlays/index.json"]),
        "{\n  \"format\": 1,\n  \"directories\": {}\n}"
    );
    repo.fsck();
}

#[test]
fn the_order_of_directories_does_not_matter() {
    let (one, other) = (Repo::bare(), Repo::bare());
    let mut reversed = fleet(30, "a");
    reversed.reverse();
    assert_eq!(
        one.publish_new(&fleet(30, "a")),
        other.publish_new(&reversed)
    );
}

#[test]
fn a_publication_starts_where_its_branch_is() {
    let repo = Repo::new();
    repo.write(&[("projects.yaml", "x\n")]);
    let inputs = repo.commit("inputs");
    let repository = repo.open();
    let branch = |name: &str| Branch::parse(name).expect("a branch");
    assert_eq!(repository.tip(&branch("rendered")).expect("read"), None);
    let tip = repository
        .tip(&branch("refs/heads/main"))
        .expect("read")
        .expect("a tip");
    assert_eq!(tip.to_string(), inputs);
    let found = repository
        .inputs_commit([("projects.yaml".to_owned(), &b"x\n"[..])])
        .expect("read");
    assert_eq!(
        found.map(|commit| (commit.id.to_string(), commit.subject)),
        Some((inputs, "inputs".to_owned()))
    );
    for (path, content) in [("projects.yaml", &b"y\n"[..]), ("other.yaml", b"x\n")] {
        assert_eq!(
            repository
                .inputs_commit([(path.to_owned(), content)])
                .expect("read"),
            None
        );
    }
}
