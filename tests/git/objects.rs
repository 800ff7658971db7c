//! How objects get into the object store.

use std::path::PathBuf;

use tenantry::git::{Failure, GitError};

use crate::support::{Repo, fleet, publication, sample};

/// Returns the number of loose objects, and the names in `objects/pack`.
fn store(repo: &Repo) -> (usize, Vec<String>) {
    let counts = repo.git(&["count-objects", "-v"]);
    let loose = counts
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("count: "))
        .expect("a count");
    let entries = std::fs::read_dir(repo.path().join("objects/pack")).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    (loose.parse().expect("a number"), names)
}

fn packs(repo: &Repo) -> Vec<PathBuf> {
    let names = store(repo)
        .1
        .into_iter()
        .filter(|name| name.ends_with(".pack"));
    names
        .map(|name| repo.path().join("objects/pack").join(name))
        .collect()
}

#[test]
fn few_objects_are_loose() {
    let repo = Repo::bare();
    repo.publish_new(&sample());
    // Three contents, the index, five trees, a commit.
    assert_eq!(store(&repo), (10, vec![]));
}

#[test]
fn many_objects_are_one_pack() {
    let repo = Repo::bare();
    repo.publish_new(&fleet(30, "a"));
    let (loose, names) = store(&repo);
    assert_eq!((loose, names.len()), (0, 2), "{names:?}");
    repo.fsck();
}

#[test]
fn large_files_are_one_pack() {
    let repo = Repo::bare();
    let large = "0123456789\n".repeat(500_000);
    repo.publish_new(&[crate::support::directory(
        "a",
        &[("large.yaml", &large), ("small.yaml", "")],
    )]);
    assert_eq!((store(&repo).0, packs(&repo).len()), (0, 1));
    assert_eq!(
        repo.git(&["cat-file", "-s", "rendered:overlays/a/large.yaml"]),
        large.len().to_string()
    );
    repo.fsck();
}

#[test]
fn pack_and_index_are_those_of_git() {
    let repo = Repo::bare();
    repo.publish_new(&fleet(40, "a"));
    let pack = packs(&repo).remove(0);
    let other = repo.beside("other.pack");
    std::fs::copy(&pack, &other).expect("a copy");
    let name = repo.git(&["index-pack", "--strict", other.to_str().expect("UTF-8")]);
    assert_eq!(
        pack.file_name().expect("a name").to_string_lossy(),
        format!("pack-{name}.pack")
    );
    let index = |path: &PathBuf| std::fs::read(path.with_extension("idx")).expect("an index");
    assert!(
        index(&pack) == index(&other),
        "the index is not that of `git index-pack`"
    );
    repo.git(&[
        "verify-pack",
        pack.with_extension("idx").to_str().expect("UTF-8"),
    ]);
}

#[test]
fn what_is_there_is_not_written_again() {
    let repo = Repo::bare();
    repo.publish_new(&fleet(40, "a"));
    repo.publish_new(&fleet(40, "b"));
    assert_eq!(packs(&repo).len(), 2);
    // Back to the first content: a commit, and the trees and files of the first publish.
    repo.publish_new(&fleet(40, "a"));
    assert_eq!((store(&repo).0, packs(&repo).len()), (1, 2));
    // The same files in other places.
    let mut moved = fleet(40, "a");
    for directory in &mut moved {
        directory.path = directory.path.replace("in-cluster", "other");
    }
    repo.publish_new(&moved);
    assert_eq!(packs(&repo).len(), 2);
    repo.fsck();
}

#[test]
fn equal_files_are_stored_once() {
    let repo = Repo::bare();
    let mut same = fleet(50, "a");
    let files = same[0].files.clone();
    for directory in &mut same {
        directory.files = files.clone();
    }
    repo.publish_new(&same);
    assert_eq!(store(&repo), (14 + 1 + 4 + 1, vec![]));
    repo.fsck();
}

#[test]
fn what_killed_processes_left_is_removed() {
    let repo = Repo::bare();
    let left = repo.path().join("objects/pack/tmp_tenantry_1_0");
    std::fs::write(&left, "half a pack").expect("a file");
    std::fs::write(
        repo.path().join("objects/pack/pack-0.pack"),
        "without an index",
    )
    .expect("a file");
    repo.publish_new(&fleet(30, "a"));
    let (_, names) = store(&repo);
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(!left.exists());
    repo.git(&["log", "rendered"]);
}

#[test]
fn garbage_collection_keeps_everything() {
    let repo = Repo::bare();
    repo.publish_new(&fleet(40, "a"));
    repo.publish_new(&fleet(40, "b"));
    repo.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(packs(&repo).len(), 1);
    repo.publish_new(&fleet(41, "b"));
    repo.fsck();
    assert_eq!(repo.history("rendered").len(), 3);
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    let repo = Repo::bare();
    let first = repo.publish_new(&sample());
    let directory = repo.path().join("objects/pack");
    std::fs::remove_dir(&directory).expect("removed");
    std::fs::write(&directory, "no directory").expect("a file");
    let outcome = repo.publish(&publication("rendered"), &[]);
    assert!(outcome.is_ok(), "few objects need no pack: {outcome:?}");
    let publisher =
        tenantry::git::publish(&repo.open(), &publication("rendered"), |publisher, _| {
            fleet(30, "a")
                .iter()
                .try_for_each(|directory| publisher.put(directory))
        });
    let Err(Failure::Caller(GitError::Environment(error))) = publisher else {
        panic!("{publisher:?}");
    };
    assert!(
        format!("{error:#}").starts_with(&format!("writing a pack to `{}`: ", directory.display())),
        "{error:#}"
    );
    assert_eq!(repo.git(&["rev-parse", "rendered~"]), first.to_string());
}
