//! Publishing to the branch of a remote, at the command line.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Repo, said};

/// A remote and a clone of it that has projects.
fn remote_and_clone() -> (Repo, Repo) {
    let remote = Repo::bare();
    let clone = Repo::new();
    clone.init_projects(&["churn"]);
    clone.git(&[
        "remote",
        "add",
        "origin",
        remote.path().to_str().expect("UTF-8"),
    ]);
    clone.git(&["push", "-q", "origin", "main"]);
    (remote, clone)
}

fn write_hook(directory: &Path, name: &str, script: &str) {
    std::fs::create_dir_all(directory).expect("a directory");
    let path = directory.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}

const PUSH: [&str; 5] = ["publish", "--branch", "rendered", "--push", "origin"];

#[test]
fn a_branch_of_a_remote_is_made_and_moved() {
    let (remote, clone) = remote_and_clone();
    let first = clone.tenantry(&PUSH);
    assert_eq!(first.status, 0, "{}", first.err);
    assert_eq!(remote.git(&["rev-parse", "rendered"]), first.out);
    assert_eq!(
        first.err,
        format!(
            "`rendered` of `origin` is now {}: 2 directories written, 0 removed, 0 unchanged",
            &first.out[..12]
        )
    );
    // The branch here and the one that remembers the remote follow.
    assert_eq!(
        clone.git(&["rev-parse", "rendered", "origin/rendered"]),
        format!("{0}\n{0}", first.out)
    );

    let again = clone.tenantry(&PUSH);
    assert_eq!((again.status, again.out.as_str()), (0, ""));
    assert_eq!(again.err, "`rendered` of `origin` is up to date");

    clone.write_projects(&["churn", "vision"]);
    clone.commit("vision");
    let second = clone.tenantry(&PUSH);
    assert_eq!(
        remote.git(&["rev-parse", "rendered", "rendered~"]),
        format!("{}\n{}", second.out, first.out)
    );
    assert!(
        second
            .err
            .ends_with(": 1 directory written, 0 removed, 2 unchanged"),
        "{}",
        second.err
    );
    remote.fsck();
    clone.fsck();
}

#[test]
fn who_is_slower_fetches_and_renders_again() {
    let (remote, clone) = remote_and_clone();
    assert_eq!(clone.tenantry(&PUSH).status, 0);
    let other = Repo::new();
    other.git(&[
        "remote",
        "add",
        "origin",
        remote.path().to_str().expect("UTF-8"),
    ]);
    other.git(&["fetch", "-q", "origin", "rendered"]);
    other.git(&["checkout", "-q", "-b", "rendered", "FETCH_HEAD"]);
    other.write(&[("NOTES.md", "x\n")]);
    other.commit("notes");
    // Between fetch and push, somebody else pushes, once.
    let push = format!(
        "test -e pushed && exit 0; : > pushed; unset $(git rev-parse --local-env-vars); git -C '{}' push -q origin rendered",
        other.path().display()
    );
    write_hook(&clone.path().join(".git/hooks"), "pre-push", &push);
    clone.write_projects(&["churn", "vision"]);
    clone.commit("vision");
    let said = clone.tenantry(&PUSH);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(
        said.err
            .starts_with("somebody else has moved `rendered`: rendering again\n"),
        "{}",
        said.err
    );
    let subjects = remote.history("rendered");
    assert_eq!(subjects.len(), 3);
    assert_eq!(subjects[1], "notes");
    assert!(remote.paths("rendered").contains(&"NOTES.md".to_owned()));
    assert!(
        remote
            .paths("rendered")
            .iter()
            .any(|path| path.starts_with("overlays/in-cluster/vision/"))
    );
    remote.fsck();
}

#[test]
fn what_was_taken_off_a_branch_is_not_brought_back() {
    let (remote, clone) = remote_and_clone();
    let first = clone.tenantry(&PUSH).out;
    clone.write_projects(&["churn", "vision"]);
    clone.commit("vision");
    assert_eq!(clone.tenantry(&PUSH).status, 0);
    // Somebody resets the branch between fetch and push; a plain push would be a fast-forward.
    let reset = format!(
        "test -e reset && exit 0; : > reset; unset $(git rev-parse --local-env-vars); git -C '{}' update-ref refs/heads/rendered {first}",
        remote.path().display()
    );
    write_hook(&clone.path().join(".git/hooks"), "pre-push", &reset);
    clone.write_projects(&["churn", "vision", "speech"]);
    clone.commit("speech");
    let said = clone.tenantry(&PUSH);
    assert_eq!(said.status, 0, "{}", said.err);
    assert_eq!(remote.git(&["rev-parse", "rendered~"]), first);
    assert!(
        said.err
            .ends_with("`rendered` here has commits that were never pushed, and has stayed"),
        "{}",
        said.err
    );
}

#[test]
fn ten_processes_push_at_once_and_nothing_is_lost() {
    let remote = Repo::bare();
    let clones: Vec<Repo> = (0..10)
        .map(|number| {
            let clone = Repo::new();
            let team = format!("team-{number}");
            clone.write(&[("placeholder", "")]);
            std::fs::create_dir(clone.path().join(&team)).expect("a directory");
            let init = said_in(&clone, &team, &["init", "."]);
            assert_eq!(init.status, 0, "{}", init.err);
            clone.commit("inputs");
            clone.git(&[
                "remote",
                "add",
                "origin",
                remote.path().to_str().expect("UTF-8"),
            ]);
            clone
        })
        .collect();
    std::thread::scope(|scope| {
        for (number, clone) in clones.iter().enumerate() {
            scope.spawn(move || {
                let said = said_in(clone, &format!("team-{number}"), &PUSH);
                assert_eq!(said.status, 0, "{}", said.err);
            });
        }
    });
    assert_eq!(remote.history("rendered").len(), 10);
    let paths = remote.paths("rendered");
    for number in 0..10 {
        for file in [
            "overlays/index.json",
            "overlays/in-cluster/churn/namespace.yaml",
        ] {
            assert!(
                paths.contains(&format!("team-{number}/{file}")),
                "{number} {file}"
            );
        }
    }
    remote.fsck();
}

fn said_in(repo: &Repo, directory: &str, arguments: &[&str]) -> crate::support::Said {
    let mut command = repo.tenantry_command(arguments);
    command.current_dir(repo.path().join(directory));
    said(command)
}

#[test]
fn what_a_remote_refuses_is_told() {
    let (remote, clone) = remote_and_clone();
    write_hook(
        &remote.path().join("hooks"),
        "pre-receive",
        "echo 'the branch is protected' >&2; exit 1",
    );
    let said = clone.tenantry(&PUSH);
    assert_eq!((said.status, said.out.as_str()), (5, ""));
    assert!(
        said.err.starts_with(
            "error: `origin` has rejected `refs/heads/rendered`: [remote rejected] (pre-receive hook declined): \
             pushing `refs/heads/rendered` to `origin`: "
        ),
        "{}",
        said.err
    );
    assert!(said.err.contains("the branch is protected"), "{}", said.err);
    assert_eq!(clone.git(&["branch", "--list", "rendered"]), "");
}

#[test]
fn a_remote_that_cannot_be_reached_is_named() {
    let (_remote, clone) = remote_and_clone();
    let nowhere = clone.beside("nowhere");
    let check = |remote: &str, expect: &str| {
        let said = clone.tenantry(&["publish", "--branch", "rendered", "--push", remote]);
        assert_eq!(said.status, 5, "{}", said.err);
        assert!(
            said.err.starts_with(&format!(
                "error: asking `{expect}` for `refs/heads/rendered`: "
            )),
            "{}",
            said.err
        );
        assert!(!said.err.contains("s3cret"), "{}", said.err);
    };
    check("upstream", "upstream");
    check(
        nowhere.to_str().expect("UTF-8"),
        nowhere.to_str().expect("UTF-8"),
    );
    check(
        "https://ci:s3cret@127.0.0.1:1/x.git",
        "https://ci:***@127.0.0.1:1/x.git",
    );
    for option in ["--upload-pack=touch pwned", "-x"] {
        let said = clone.tenantry(&[
            "publish",
            "--branch",
            "rendered",
            &format!("--push={option}"),
        ]);
        assert_eq!(said.status, 2, "{}", said.err);
    }
    assert!(!clone.path().join("pwned").exists());
}

#[test]
fn a_branch_that_is_checked_out_here_stays_and_the_remote_moves() {
    let (remote, clone) = remote_and_clone();
    let before = clone.git(&["rev-parse", "main"]);
    let said = clone.tenantry(&["publish", "--push", "origin"]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert_eq!(clone.git(&["rev-parse", "main"]), before);
    assert_eq!(
        remote.git(&["rev-parse", "main", "main~"]),
        format!("{}\n{before}", said.out)
    );
    let hint = format!(
        "`main` is checked out in `{}` and has stayed: pull it",
        clone.path().display()
    );
    assert!(said.err.ends_with(&hint), "{}", said.err);
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
    clone.git(&["pull", "-q", "--ff-only", "origin", "main"]);
}

#[test]
fn a_url_will_do() {
    let (remote, clone) = remote_and_clone();
    let url = format!("file://{}", remote.path().display());
    let said = clone.tenantry(&["publish", "--branch", "refs/heads/rendered", "--push", &url]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert_eq!(remote.git(&["rev-parse", "rendered"]), said.out);
}

#[test]
fn a_shallow_clone_publishes_too() {
    let (remote, clone) = remote_and_clone();
    assert_eq!(clone.tenantry(&PUSH).status, 0);
    clone.write_projects(&["churn", "vision"]);
    clone.commit("vision");
    clone.git(&["push", "-q", "origin", "main"]);
    let tip = clone.tenantry(&PUSH).out;

    let shallow = Repo::new();
    shallow.git(&[
        "remote",
        "add",
        "origin",
        &format!("file://{}", remote.path().display()),
    ]);
    shallow.git(&["fetch", "-q", "--depth=1", "origin", "main"]);
    shallow.git(&["checkout", "-q", "-B", "main", "FETCH_HEAD"]);
    shallow.write_projects(&["churn", "vision", "speech"]);
    shallow.commit("with speech");
    let said = shallow.tenantry(&PUSH);
    assert_eq!(said.status, 0, "{}", said.err);
    assert_eq!(remote.git(&["rev-parse", "rendered~"]), tip);
    assert_eq!(remote.history("rendered").len(), 3);
    // The history of the other branch was not fetched.
    assert_eq!(shallow.git(&["rev-list", "--count", "rendered"]), "2");
    remote.fsck();
}

#[test]
fn variables_of_a_hook_lead_nowhere_else() {
    let (remote, clone) = remote_and_clone();
    let other = Repo::bare();
    let mut command = clone.tenantry_command(&PUSH);
    command
        .env("GIT_DIR", other.path())
        .env("GIT_INDEX_FILE", "nowhere")
        .env("GIT_OBJECT_DIRECTORY", "/nowhere");
    let said = said(command);
    assert_eq!(said.status, 0, "{}", said.err);
    assert_eq!(remote.git(&["rev-parse", "rendered"]), said.out);
    assert_eq!(other.git(&["for-each-ref"]), "");
}
