//! Which branches can be published to, and what keeps one from being moved.

use std::time::Duration;

use sha1::{Digest as _, Sha1};
use tenantry::git::{Branch, Failure, GitError, LocalBranch, Publication, Published};

use crate::support::{Repo, committed, git_in, publication, sample};

/// Returns the error of a publish that Git does not let happen.
fn failure(repo: &Repo, publication: &Publication) -> String {
    match repo.publish(publication, &sample()) {
        Err(Failure::Git(GitError::Environment(error))) => format!("{error:#}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_of_branches() {
    for name in ["rendered", "refs/heads/rendered", "a/b", "\u{e9}", "main"] {
        assert!(Branch::parse(name).is_ok(), "{name}");
    }
    for name in [
        "",
        "-x",
        "--all",
        "a..b",
        "a b",
        "a.lock",
        "/a",
        "a/",
        "@{-1}",
        "a~1",
        "HEAD",
        "a\0b",
        "refs/heads/",
    ] {
        assert!(Branch::parse(name).is_err(), "{name}");
    }
    assert_eq!(Branch::parse("refs/heads/a").expect("a branch").name(), "a");
}

#[test]
fn a_work_tree_that_is_left_behind_is_named() {
    let repo = Repo::new();
    let local = |publication: &Publication| match repo.publish(publication, &sample()) {
        Ok(Published::Committed { local, .. }) => local,
        other => panic!("{other:?}"),
    };
    // Before its first commit, too.
    let behind = LocalBranch::LeftBehind(repo.path().to_owned());
    assert_eq!(local(&publication("main")), behind);

    let linked = repo.beside("linked");
    repo.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "rendered",
        linked.to_str().expect("UTF-8"),
    ]);
    let behind = LocalBranch::LeftBehind(linked.clone());
    let grown = |text: &str| {
        let mut sample = sample();
        sample[0]
            .files
            .insert("more.yaml".to_owned(), text.as_bytes().to_vec());
        sample
    };
    let local = |text: &str| match repo.publish(&publication("rendered"), &grown(text)) {
        Ok(Published::Committed { local, .. }) => local,
        other => panic!("{other:?}"),
    };
    assert_eq!(local("a: b\n"), behind);
    // A work tree that is gone is not left behind.
    std::fs::remove_dir_all(&linked).expect("removed");
    assert_eq!(local("a: c\n"), LocalBranch::Moved);
    repo.fsck();
}

#[test]
fn a_detached_work_tree_holds_no_branch() {
    let repo = Repo::new();
    repo.commit("inputs");
    repo.git(&["checkout", "-q", "--detach"]);
    committed(repo.publish(&publication("main"), &sample()));
}

#[test]
fn a_linked_work_tree_publishes_to_its_repository() {
    let repo = Repo::new();
    repo.commit("inputs");
    let linked = repo.beside("linked");
    repo.git(&[
        "worktree",
        "add",
        "-q",
        "--detach",
        linked.to_str().expect("UTF-8"),
    ]);
    let repository = tenantry::git::Repository::discover(&linked).expect("a repository");
    assert_eq!(repository.work_tree(), Some(linked.as_path()));
    committed(crate::support::put_all(
        &repository,
        &publication("rendered"),
        &crate::support::fleet(20, "a"),
    ));
    assert_eq!(repo.history("rendered"), ["Render"]);
    repo.fsck();
}

#[test]
fn branches_in_each_others_way() {
    let repo = Repo::new();
    repo.commit("inputs");
    repo.git(&["branch", "a"]);
    repo.git(&["branch", "b/c"]);
    for packed in [false, true] {
        if packed {
            repo.git(&["pack-refs", "--all"]);
        }
        let below = failure(&repo, &publication("a/b"));
        assert!(below.contains("`refs/heads/a/b`"), "{below}");
        let above = failure(&repo, &publication("b"));
        assert!(above.contains("`refs/heads/b`"), "{above}");
    }
    repo.fsck();
}

#[test]
fn a_packed_branch_is_moved() {
    let repo = Repo::bare();
    let first = repo.publish_new(&sample()[..1]);
    repo.git(&["pack-refs", "--all"]);
    let second = repo.publish_new(&sample());
    assert_eq!(
        repo.git(&["rev-parse", "rendered", "rendered~"]),
        format!("{second}\n{first}")
    );
}

#[test]
fn a_branch_that_points_elsewhere_is_refused() {
    let repo = Repo::new();
    let commit = repo.commit("inputs");
    repo.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    assert_eq!(
        failure(&repo, &publication("alias")),
        format!(
            "reading `refs/heads/alias` of `{}`: it points to another reference",
            repo.path().display()
        )
    );
    let blob = repo.git_with(&["hash-object", "-w", "--stdin"], b"x");
    std::fs::write(
        repo.path().join(".git/refs/heads/blob"),
        format!("{blob}\n"),
    )
    .expect("a file");
    let error = failure(&repo, &publication("blob"));
    assert!(
        error.starts_with("reading `refs/heads/blob` of "),
        "{error}"
    );
    assert_eq!(repo.git(&["rev-parse", "main"]), commit);
}

#[test]
fn a_lock_that_stays_is_named() {
    let repo = Repo::bare();
    let first = repo.publish_new(&sample()[..1]);
    let lock = repo.path().join("refs/heads/rendered.lock");
    std::fs::write(&lock, "").expect("a file");
    let impatient = Publication {
        patience: Duration::ZERO,
        ..publication("rendered")
    };
    assert_eq!(
        failure(&repo, &impatient),
        format!(
            "`refs/heads/rendered` is locked: if no other process works on it, remove `{}`",
            lock.display()
        )
    );
    assert_eq!(repo.git(&["rev-parse", "rendered"]), first.to_string());
    std::fs::remove_file(&lock).expect("removed");
    repo.publish_new(&sample());
    assert_eq!(repo.history("rendered").len(), 2);
    repo.fsck();
}

#[test]
fn the_lock_of_a_killed_publish_is_removed_and_no_other() {
    let repo = Repo::bare();
    repo.publish_new(&sample()[..1]);
    let lock = repo.path().join("refs/heads/rendered.lock");
    let dead = "1".repeat(40) + "\n";
    // The note of a process that is gone, as `src/git/guard.rs` writes it.
    let name: String = Sha1::digest("refs/heads/rendered")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let note = repo.path().join(format!("tenantry-branch-{name}"));
    let impatient = Publication {
        patience: Duration::ZERO,
        ..publication("rendered")
    };
    std::fs::write(&note, &dead).expect("a note");
    std::fs::write(&lock, "2".repeat(40) + "\n").expect("a lock of somebody else");
    assert!(failure(&repo, &impatient).contains("is locked: if no other process works on it"));
    assert!(lock.exists());
    assert_eq!(
        std::fs::read_to_string(&note).expect("the note is kept"),
        dead
    );
    std::fs::write(&lock, &dead).expect("the lock that the note is about");
    committed(repo.publish(&impatient, &sample()));
    assert!(!lock.exists() && !note.exists());
    // Killed before it was filled: a publish that has the patience sees that nobody fills it.
    std::fs::write(&note, &dead).expect("a note");
    std::fs::write(&lock, "").expect("an empty lock");
    repo.publish_new(&sample()[..1]);
    assert!(!lock.exists() && !note.exists());
    assert_eq!(repo.history("rendered").len(), 3);
}

#[test]
fn the_reflog_tells_who_moved_the_branch() {
    let repo = Repo::new();
    repo.commit("inputs");
    repo.publish_new(&sample());
    repo.publish_new(&sample()[..1]);
    let log = repo.git(&["reflog", "show", "--format=%gs", "rendered"]);
    assert_eq!(log, "tenantry publish\ntenantry publish");
    let output = git_in(repo.path())
        .args(["reflog", "show", "--format=%gs", "main"])
        .output()
        .expect("git");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "commit (initial): inputs\n"
    );
}
