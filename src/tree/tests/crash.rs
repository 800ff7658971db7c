//! What a crash at any point leaves, and how the next run gets over it.

use super::*;

/// States of the tree that a crash may leave, and renders that must get over it.
#[derive(Clone, Copy)]
struct Scenario<'a> {
    before: Fleet<'a>,
    after: Fleet<'a>,
    next: Fleet<'a>,
    exchange_is_missing: bool,
    politely: bool,
    /// Whether each directory must be the old or the new one at any time.
    either_or: bool,
}

/// Crashes at every point of rendering `after` over `before`, then renders `next`, which must make exactly its own tree.
fn crash_everywhere(scenario: Scenario<'_>) -> usize {
    let old = pristine(scenario.before);
    let new = pristine(scenario.after);
    let expect = pristine(scenario.next);
    for point in 0.. {
        let repository = Repository::with(scenario.before);
        let crash = Crash {
            after: Some(AtomicUsize::new(point)),
            exchange_is_missing: scenario.exchange_is_missing,
            politely: scenario.politely,
            happened: AtomicBool::new(false),
        };
        if repository
            .render_with(scenario.after, options(), crash)
            .is_ok()
        {
            return point;
        }
        let found = repository.everything();
        let paths: BTreeSet<&str> = [scenario.before, scenario.after]
            .iter()
            .flat_map(|fleet| fleet.iter().map(|directory| directory.0))
            .collect();
        for path in paths {
            let part = |whole: &BTreeMap<String, String>| -> BTreeMap<String, String> {
                let prefix = format!("{path}/");
                let inside = whole
                    .iter()
                    .filter(|(at, _)| *at == path || at.starts_with(&prefix));
                inside
                    .map(|(at, content)| (at.clone(), content.clone()))
                    .collect()
            };
            let found = part(&found);
            let displaced = scenario.exchange_is_missing && found.is_empty();
            let either_or = found == part(&old) || found == part(&new) || displaced;
            assert!(
                either_or || !scenario.either_or,
                "crash at {point}: {path} is neither old nor new: {found:?}"
            );
        }
        repository
            .render(scenario.next)
            .unwrap_or_else(|error| panic!("render after a crash at {point}: {error}"));
        assert_eq!(repository.everything(), expect, "crash at {point}");
        assert!(
            repository.check(scenario.next, Scope::All).is_empty(),
            "crash at {point}"
        );
    }
    unreachable!("the points run out")
}

const CHANGED: Fleet<'_> = &[
    ("in-cluster/_cluster", None, &["crds.yaml=crd2"]),
    (
        "in-cluster/churn",
        Some("churn"),
        &["api.yaml=b1", "ui.yaml=u1"],
    ),
    ("other/new", Some("new"), &["api.yaml=n1"]),
];
const THIRD: Fleet<'_> = &[
    (
        "in-cluster/churn",
        Some("churn"),
        &["api.yaml=c1", "new.yaml=c2"],
    ),
    ("in-cluster/vision", Some("vision"), &["api.yaml=a2"]),
];

#[test]
fn a_crash_at_any_point_is_repaired() {
    let ways: [(bool, bool, &[Fleet<'_>]); 3] = [
        (false, false, &[CHANGED, TWO, THIRD]),
        (true, false, &[CHANGED, TWO]),
        (false, true, &[THIRD]),
    ];
    for (exchange_is_missing, politely, nexts) in ways {
        for next in nexts {
            let points = crash_everywhere(Scenario {
                before: TWO,
                after: CHANGED,
                next,
                exchange_is_missing,
                politely,
                either_or: true,
            });
            assert!(points > 8, "{points}");
        }
    }
}

#[test]
fn an_error_before_the_first_change_leaves_no_trace() {
    let old = pristine(TWO);
    for point in 0..4 {
        let repository = Repository::with(TWO);
        let crash = Crash {
            after: Some(AtomicUsize::new(point)),
            politely: true,
            ..Crash::default()
        };
        repository
            .render_with(CHANGED, options(), crash)
            .expect_err("it fails");
        assert_eq!(repository.everything(), old, "{point}");
    }
}

#[test]
fn a_crash_after_a_crash_is_repaired() {
    let expect = pristine(CHANGED);
    for first in (0..12).step_by(2) {
        for second in 0..12 {
            let repository = Repository::with(TWO);
            for (fleet, point) in [(CHANGED, first), (THIRD, second)] {
                let crash = Crash {
                    after: Some(AtomicUsize::new(point)),
                    ..Crash::default()
                };
                let _crashed_or_not = repository.render_with(fleet, options(), crash);
            }
            repository
                .render(CHANGED)
                .unwrap_or_else(|error| panic!("after crashes at {first} and {second}: {error}"));
            assert_eq!(repository.everything(), expect, "{first} {second}");
        }
    }
}

#[test]
fn a_partial_render_after_a_crash_keeps_the_index_true() {
    let expect = pristine(THIRD);
    for point in 0..32 {
        let repository = Repository::with(TWO);
        let crash = Crash {
            after: Some(AtomicUsize::new(point / 2)),
            exchange_is_missing: point % 2 == 0,
            ..Crash::default()
        };
        let _crashed_or_not = repository.render_with(CHANGED, options(), crash);
        let some = Options {
            scope: only(&["churn"]),
            ..options()
        };
        let churn: Fleet<'_> = &[(
            "in-cluster/churn",
            Some("churn"),
            &["api.yaml=p", "ui.yaml=u1"],
        )];
        repository
            .render_with(churn, some, Crash::default())
            .unwrap_or_else(|error| panic!("after a crash at {point}: {error}"));
        let index = index::Index::parse(repository.read("index.json").as_bytes());
        let index = index.expect("an index");
        assert!(
            index.directories.contains_key("in-cluster/_cluster"),
            "{point}: it is lost"
        );
        for (path, entry) in index.directories {
            let directory = Directory::open_trusted(&repository.tree().join(&path));
            let directory = directory.unwrap_or_else(|error| panic!("{point}: {path}: {error}"));
            assert!(
                entry.is_in(&directory).expect("it can be read"),
                "{point}: {path}"
            );
        }
        // Whatever the rest is, the index tells it: nothing counts as foreign or edited.
        repository
            .render(THIRD)
            .unwrap_or_else(|error| panic!("after a crash at {point}: {error}"));
        assert_eq!(repository.everything(), expect, "{point}");
    }
}

#[test]
fn a_file_that_was_edited_after_a_crash_still_stops() {
    let repository = Repository::with(TWO);
    let crash = Crash {
        after: Some(AtomicUsize::new(7)),
        ..Crash::default()
    };
    repository
        .render_with(CHANGED, options(), crash)
        .expect_err("it crashes");
    repository.write("in-cluster/churn/api.yaml", "edited");
    assert_eq!(
        stops(repository.render(TWO)),
        ["overlays/in-cluster/churn/api.yaml HandEdited"]
    );
}

#[test]
fn layouts_that_nest_differently() {
    let flat: Fleet<'_> = &[("a/_sync", None, &["x.yaml=1"])];
    let nested: Fleet<'_> = &[
        ("a/_sync/argocd", None, &["x.yaml=1"]),
        ("a/_sync/flux", None, &["y.yaml=1"]),
    ];
    for (before, after) in [(flat, nested), (nested, flat)] {
        for next in [before, after, TWO] {
            crash_everywhere(Scenario {
                before,
                after,
                next,
                exchange_is_missing: false,
                politely: false,
                either_or: false,
            });
        }
        let repository = Repository::with(before);
        repository.render(after).expect("a render");
        assert_eq!(repository.everything(), pristine(after));
    }
}
