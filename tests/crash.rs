//! What `kill -9` at a random moment of `render` and `publish` leaves.
//!
//! A fleet of 50 projects is switched between two versions of `projects.yaml`, and the process that does it is killed:
//! any time after its start, after it has begun to write, or while it switches directories. Afterwards every directory is
//! the old or the new one, byte for byte, the repository is whole, and the next run finishes what was begun.
//!
//! The suite kills a few dozen times; `CRASH_KILLS=1000 cargo test --test crash -- --nocapture` is a campaign.
//!
//! Besides, single file operations are picked, before which the process is killed, or which fail: a few of each
//! spread over the run, or all of them with `CRASH_OPERATIONS=all` (hours). Small trees and small publishes go through
//! every operation each time, in `src/tree/tests/crash.rs` and `tests/git/crashes.rs`.
//!
//! That this can fail was tried: with the index in place before the directories are switched, and with the branch moved
//! before the pack is in place, both tests of faults are red (`CRASH_OPERATIONS=9`). Kills at random moments need a
//! campaign to hit gaps that small.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "crash/faults.rs"]
mod faults;
#[path = "crash/fleet.rs"]
mod fleet;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "support/trace.rs"]
mod trace;
#[path = "crash/victim.rs"]
mod victim;

#[path = "cli/session.rs"]
#[allow(dead_code, reason = "each test binary uses a part of it")]
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use fleet::{Directories, VERSIONS, directories, fleet, projects};
use session::Session;
use tenantry::base::embedded;
use tenantry::base::lock::Lock;
use victim::{Killer, Phase};

/// How many kills a campaign holds when nobody says.
const KILLS: usize = 16;
/// After how many kills a run may finish; those in between work on what the one before has left.
const CHAIN: usize = 3;
/// Where the repositories lie in which only one version was published.
const TEMPLATES: [&str; 2] = ["template-0", "template-1"];

fn kills() -> usize {
    match std::env::var("CRASH_KILLS") {
        Ok(text) => text.parse().expect("CRASH_KILLS is a number"),
        Err(_) => KILLS,
    }
}

/// A repository with the one base that the fleet uses; each process reads all that there are.
fn repository() -> Session {
    let session = Session::new();
    let mut files = embedded::files();
    files.retain(|path, _| path.starts_with("kfp-2.17.0/"));
    for (path, bytes) in &files {
        session.write(&format!("base/{path}"), bytes);
    }
    session.write("base/base.lock", Lock::compute(files).to_string());
    session
}

/// Figures of a campaign, for those who run one by hand.
#[derive(Debug, Default)]
struct Figures {
    /// Processes that were killed before they had finished.
    kills: usize,
    /// Kills that left all directories old, all new, or some of each.
    old: usize,
    new: usize,
    mixed: usize,
    /// Kills that left something unfinished behind: `.tenantry/`, temporary packs, the lock of the branch.
    leftovers: usize,
}

#[test]
fn render_is_killed() {
    let session = repository();
    let trees = VERSIONS.map(|version| {
        session.write("projects.yaml", fleet(version));
        session.tenantry(&["render", "-q"]).status(0);
        session.files("overlays")
    });
    let versions = trees.each_ref().map(directories);
    let top = session.path("overlays");
    let work = top.join(".tenantry");
    let phases = [
        Phase::begins(),
        Phase::when(top, ".tenantry"),
        Phase::when(work.clone(), "journal-"),
        // The first directory that is switched.
        Phase::when(session.path("overlays/in-cluster"), "project-00"),
    ];
    let mut killer = Killer::new("render", &["render", "-q", "--jobs", "2"], phases);
    let mut figures = Figures::default();
    // The second version was rendered last.
    let mut now = 1;
    while figures.kills < kills() {
        let next = 1 - now;
        session.write("projects.yaml", fleet(VERSIONS[next]));
        for _ in 0..CHAIN {
            let killed = killer.kill(&session);
            let mut found = directories(&session.files("overlays"));
            found.retain(|directory, _| !directory.starts_with(".tenantry"));
            let share = share(&found, &versions[now], &versions[next], killer.last());
            if killed {
                figures.kills += 1;
                figures.leftovers += usize::from(work.exists());
                match share {
                    (_, 0) => figures.old += 1,
                    (0, _) => figures.new += 1,
                    _ => figures.mixed += 1,
                }
            }
            if share.0 == 0 {
                break;
            }
        }
        session.tenantry(&["render", "-q"]).status(0);
        let whole = session.files("overlays") == trees[next];
        assert!(whole, "{}: the next run", killer.last());
        assert!(!work.exists(), "{}", killer.last());
        now = next;
    }
    println!("render: {figures:?}");
}

/// Returns how many of the directories that differ are the old ones and how many the new ones; all must be either.
fn share(found: &Directories, old: &Directories, new: &Directories, when: &str) -> (usize, usize) {
    let names: BTreeSet<&String> = [found, old, new]
        .into_iter()
        .flat_map(BTreeMap::keys)
        .collect();
    let mut share = (0, 0);
    for name in names {
        match (found.get(name), old.get(name), new.get(name)) {
            (found, old, new) if old == new => {
                assert!(found == old, "{when}: `{name}` has changed")
            }
            (found, old, _) if found == old => share.0 += 1,
            (found, _, new) if found == new => share.1 += 1,
            _ => panic!("{when}: `{name}` is neither old nor new"),
        }
    }
    share
}

#[test]
fn publish_is_killed() {
    let session = repository();
    let root = session.path("");
    let publish = [
        "publish",
        "-q",
        "--jobs",
        "2",
        "--branch",
        "rendered",
        "--author",
        "A <a@example.com>",
    ];
    // Each chain begins with a repository that has never seen the new version, so that there is something to write.
    let trees = VERSIONS.map(|version| {
        git(&root, &["init", "-q", "-b", "main"]);
        session.write("projects.yaml", fleet(version));
        session.tenantry(&publish).status(0);
        let tree = tree(&root);
        std::fs::rename(session.path(".git"), session.path(TEMPLATES[version])).expect("renamed");
        tree
    });
    let packs = session.path(".git/objects/pack");
    let lock = session.path(".git/refs/heads/rendered.lock");
    let phases = [
        Phase::begins(),
        Phase::when(packs.clone(), "tmp_tenantry_"),
        Phase::when(packs.clone(), "pack-"),
    ];
    let mut killer = Killer::new("publish", &publish, phases);
    let mut figures = Figures::default();
    let mut now = 0;
    while figures.kills < kills() {
        let next = 1 - now;
        session.write("projects.yaml", fleet(VERSIONS[next]));
        copy(&session.path(TEMPLATES[now]), &session.path(".git"));
        for _ in 0..CHAIN {
            let killed = killer.kill(&session);
            let after = tree(&root);
            let is_new = after == trees[next];
            assert!(is_new || after == trees[now], "{}: {after}", killer.last());
            fsck(&root);
            if killed {
                figures.kills += 1;
                figures.leftovers += usize::from(lock.exists() || temporary(&packs) > 0);
                figures.old += usize::from(!is_new);
                figures.new += usize::from(is_new);
            }
            if is_new {
                break;
            }
        }
        session.tenantry(&publish).status(0);
        assert_eq!(tree(&root), trees[next], "{}: the next run", killer.last());
        fsck(&root);
        assert!(!lock.exists(), "{}: a lock is left", killer.last());
        std::fs::remove_dir_all(session.path(".git")).expect("removed");
        now = next;
    }
    println!("publish: {figures:?}");
}

/// Returns the id of the tree that was published: equal ids, equal bytes.
fn tree(root: &Path) -> String {
    git(root, &["rev-parse", "rendered:overlays"])
}

/// Asserts that every object is well-formed, and everything that the branch leads to is there.
fn fsck(root: &Path) {
    git(root, &["fsck", "--full", "--strict", "--no-progress"]);
}

/// Copies a directory.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(status.expect("cp runs").success());
}

/// Returns how many packs are unfinished.
fn temporary(packs: &Path) -> usize {
    let entries = std::fs::read_dir(packs).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .filter(|name| name.to_string_lossy().starts_with("tmp_tenantry_"))
        .count()
}

/// Runs `git`, which must succeed, and returns what it says.
fn git(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .env_remove("GIT_DIR")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git runs");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {err}");
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

#[test]
fn versions_differ_in_every_way_that_a_switch_can_take() {
    let [one, other] = VERSIONS.map(projects);
    let names = |projects: &[(String, String)]| -> BTreeSet<String> {
        projects.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!((one.len(), other.len()), (50, 50));
    assert_eq!(names(&one).difference(&names(&other)).count(), 1);
    let changed = one
        .iter()
        .filter(|project| names(&other).contains(&project.0) && !other.contains(project));
    assert_eq!(changed.count(), 24);
}
