//! A publish that is killed, or meets an error, at every one of its file operations.
//!
//! Afterwards the branch points to the old commit or to the new one, the repository is whole, and the next publish
//! does what is left to do.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::path::Path;
use std::process::Command;

use nix::errno::Errno;
use tenantry::git::Repository;
use tenantry::tree::RenderedDirectory;

use crate::support::{Repo, committed, fleet, hermetic, publication, put_all, sample};
use crate::trace::{Fault, Trace, run};

const REPOSITORY: &str = "TENANTRY_TEST_REPOSITORY";
const FLEET: &str = "TENANTRY_TEST_FLEET";

/// The process that is killed is this test, in a process of its own.
#[test]
fn child() {
    let Some(repository) = std::env::var_os(REPOSITORY) else {
        return;
    };
    let fleet = std::env::var(FLEET).expect("the name of a fleet");
    let repository = Repository::open(Path::new(&repository)).expect("a repository");
    put_all(&repository, &publication("rendered"), &directories(&fleet)).expect("published");
}

fn directories(name: &str) -> Vec<RenderedDirectory> {
    match name {
        "few" => sample(),
        _ => fleet(9, "new"),
    }
}

fn publish(repository: &Path, fleet: &str, fault: Fault) -> Trace {
    let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
    command.args(["--exact", "crashes::child", "--test-threads=1"]);
    hermetic(&mut command, repository);
    command.env(REPOSITORY, repository).env(FLEET, fleet);
    run(&command, fault)
}

/// Goes through the operations of a publish on top of an old commit, or of none.
fn check(fleet: &str, old: &[RenderedDirectory], faults: &[fn(usize) -> Fault]) {
    let template = Repo::bare();
    if !old.is_empty() {
        template.publish_new(old);
    }
    let expect = {
        let other = copy(&template);
        committed(put_all(
            &other.open(),
            &publication("rendered"),
            &directories(fleet),
        ))
        .to_string()
    };
    let before = tip(&template);
    let whole = copy(&template);
    let trace = publish(whole.path(), fleet, Fault::None);
    assert_eq!((trace.status, tip(&whole)), (Some(0), expect.clone()));
    assert!(trace.operations > 10, "{trace:?}");

    for fault in faults {
        for number in 0..trace.operations {
            let fault = fault(number);
            let repo = copy(&template);
            let outcome = publish(repo.path(), fleet, fault);
            let after = tip(&repo);
            assert!(after == before || after == expect, "{fault:?}: {after}");
            match fault {
                Fault::Kill(_) => assert_eq!(outcome.status, None, "{fault:?}"),
                // Only what does no harm may fail unnoticed.
                _ => assert_eq!(
                    outcome.status == Some(0),
                    after == expect,
                    "{fault:?}: {outcome:?}"
                ),
            }
            repo.fsck();
            // A killed process may have left the lock of the branch: nobody has to remove it.
            put_all(&repo.open(), &publication("rendered"), &directories(fleet))
                .expect("published");
            assert_eq!(tip(&repo), expect, "{fault:?}");
            assert_eq!(leftovers(&repo), Vec::<String>::new(), "{fault:?}");
            repo.fsck();
        }
    }
}

fn copy(template: &Repo) -> Repo {
    let repo = Repo::bare();
    std::fs::remove_dir_all(repo.path()).expect("removed");
    let status = Command::new("cp")
        .arg("-r")
        .args([template.path(), repo.path()])
        .status()
        .expect("cp");
    assert!(status.success());
    repo
}

/// Returns where the branch points, empty for a branch that does not exist.
fn tip(repo: &Repo) -> String {
    repo.git(&[
        "for-each-ref",
        "--format=%(objectname)",
        "refs/heads/rendered",
    ])
}

/// Returns what no finished publish leaves: temporary packs, notes about branches, locks.
///
/// Loose objects are written by libgit2, and what is left of those is for `git gc`.
fn leftovers(repo: &Repo) -> Vec<String> {
    let files = walkdir::WalkDir::new(repo.path()).into_iter();
    let names = files.map(|entry| {
        let entry = entry.expect("an entry");
        entry.file_name().to_string_lossy().into_owned()
    });
    let is_left = |name: &String| {
        name.starts_with("tmp_tenantry") || name.starts_with("tenantry-") || name.ends_with(".lock")
    };
    names.filter(is_left).collect()
}

#[test]
fn few_objects_killed_at_every_operation() {
    check("few", &[], &[Fault::Kill]);
    check("few", &sample()[..1], &[Fault::Kill]);
}

#[test]
fn a_pack_killed_at_every_operation() {
    check("many", &fleet(9, "old"), &[Fault::Kill]);
}

#[test]
fn few_objects_with_an_error_at_every_operation() {
    check(
        "few",
        &sample()[..1],
        &[|number| Fault::Error(number, Errno::ENOSPC)],
    );
}

#[test]
fn a_pack_with_an_error_at_every_operation() {
    check(
        "many",
        &fleet(9, "old"),
        &[
            |number| Fault::Error(number, Errno::ENOSPC),
            |number| Fault::Error(number, Errno::EIO),
        ],
    );
}
