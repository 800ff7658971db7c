//! Faults at single file operations of `render` and `publish` of the whole fleet: a kill, a full disk, a broken one.
//!
//! Whatever happens, every directory is the old or the new one, the exit status tells which, and the next run finishes.

use nix::errno::Errno;

use crate::fleet::{VERSIONS, directories, fleet};
use crate::session::Session;
use crate::trace::{Fault, Trace, run};
use crate::{TEMPLATES, copy, fsck, git, repository, share, tree};

/// How many operations are picked for each kind of fault when nobody says.
const PICKED: usize = 3;

const FAULTS: [fn(usize) -> Fault; 3] = [
    Fault::Kill,
    |number| Fault::Error(number, Errno::ENOSPC),
    |number| Fault::Error(number, Errno::EIO),
];

/// One thread, so that operations come in the same order each time.
const RENDER: [&str; 4] = ["render", "-q", "--jobs", "1"];
const PUBLISH: [&str; 8] = [
    "publish",
    "-q",
    "--jobs",
    "1",
    "--branch",
    "rendered",
    "--author",
    "A <a@example.com>",
];

/// Returns faults at operations that are spread over all of a run; the first and the last ones, where what is begun
/// and what is finished lie, are picked closer.
fn faults(operations: usize) -> Vec<Fault> {
    let wanted = match std::env::var("CRASH_OPERATIONS").as_deref() {
        Ok("all") => operations,
        Ok(text) => text
            .parse()
            .expect("CRASH_OPERATIONS is a number, or `all`"),
        Err(_) => PICKED,
    };
    let spread = |number: usize, of: usize, over: std::ops::Range<usize>| {
        over.start + (over.len() * (2 * number + 1)) / (2 * of)
    };
    let mut faults = Vec::new();
    for (kind, fault) in FAULTS.iter().enumerate() {
        if wanted >= operations {
            faults.extend((0..operations).map(fault));
            continue;
        }
        // Each kind takes others than those before it.
        let edge = 40.min(operations);
        let picks = |count: usize, over: std::ops::Range<usize>| {
            (0..count * FAULTS.len())
                .filter(move |number| number % FAULTS.len() == kind)
                .map(move |number| spread(number, count * FAULTS.len(), over.clone()))
        };
        let third = wanted.div_ceil(3);
        faults.extend(
            picks(third, 0..edge)
                .chain(picks(third, edge..operations))
                .chain(picks(third, operations - edge..operations))
                .map(fault),
        );
    }
    faults
}

/// Tells whether a run has reported what it has done: all of it, or a failure of the environment.
#[track_caller]
fn is_honest(fault: Fault, trace: &Trace, done: bool) {
    match (fault, trace.status) {
        (Fault::Kill(_), None) => {}
        (_, Some(0)) => assert!(done, "{fault:?}: it says that all is done"),
        (Fault::Error(..), Some(5)) => {}
        (_, status) => panic!("{fault:?}: {status:?}"),
    }
}

#[test]
fn render_meets_a_fault() {
    let session = repository();
    let trees = VERSIONS.map(|version| {
        session.write("projects.yaml", fleet(version));
        session.tenantry(&RENDER).status(0);
        session.files("overlays")
    });
    let versions = trees.each_ref().map(directories);
    copy(&session.path("overlays"), &session.path("second"));
    session.write("projects.yaml", fleet(0));
    let reset = |session: &Session| {
        std::fs::remove_dir_all(session.path("overlays")).expect("removed");
        copy(&session.path("second"), &session.path("overlays"));
    };
    let whole = run(&session.command(&RENDER), Fault::None);
    assert_eq!(whole.status, Some(0));
    assert!(
        session.files("overlays") == trees[0],
        "a run without a fault"
    );
    for fault in faults(whole.operations) {
        reset(&session);
        let trace = run(&session.command(&RENDER), fault);
        let mut found = directories(&session.files("overlays"));
        found.retain(|directory, _| !directory.starts_with(".tenantry"));
        let (old, _) = share(&found, &versions[1], &versions[0], &format!("{fault:?}"));
        is_honest(fault, &trace, old == 0);
        session.tenantry(&RENDER).status(0);
        assert!(
            session.files("overlays") == trees[0],
            "{fault:?}: the next run"
        );
    }
    println!("render: {} operations", whole.operations);
}

#[test]
fn publish_meets_a_fault() {
    let session = repository();
    let root = session.path("");
    let trees = VERSIONS.map(|version| {
        git(&root, &["init", "-q", "-b", "main"]);
        session.write("projects.yaml", fleet(version));
        session.tenantry(&PUBLISH).status(0);
        let tree = tree(&root);
        std::fs::rename(session.path(".git"), session.path(TEMPLATES[version])).expect("renamed");
        tree
    });
    session.write("projects.yaml", fleet(0));
    let reset = |session: &Session| {
        if session.path(".git").exists() {
            std::fs::remove_dir_all(session.path(".git")).expect("removed");
        }
        copy(&session.path(TEMPLATES[1]), &session.path(".git"));
    };
    reset(&session);
    let whole = run(&session.command(&PUBLISH), Fault::None);
    assert_eq!((whole.status, tree(&root)), (Some(0), trees[0].clone()));
    for fault in faults(whole.operations) {
        reset(&session);
        let trace = run(&session.command(&PUBLISH), fault);
        let after = tree(&root);
        assert!(trees.contains(&after), "{fault:?}: {after}");
        is_honest(fault, &trace, after == trees[0]);
        fsck(&root);
        session.tenantry(&PUBLISH).status(0);
        assert_eq!(tree(&root), trees[0], "{fault:?}: the next run");
        let lock = session.path(".git/refs/heads/rendered.lock");
        assert!(!lock.exists(), "{fault:?}: a lock is left");
    }
    println!("publish: {} operations", whole.operations);
}
