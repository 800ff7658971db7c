//! Several publishes at the same time.

use std::collections::BTreeSet;

use tenantry::git::{Attempt, GitError, Publication, Published, publish};

use crate::support::{Repo, committed, directory, fleet, publication, put_all, sample};

/// A publication of its own, below `teams/<name>`.
fn team(name: &str) -> Publication {
    let mut team = publication("rendered");
    team.path = format!("teams/{name}");
    team.commit.message = format!("Render {name}");
    team
}

#[test]
fn who_is_slower_renders_again() {
    let repo = Repo::bare();
    let first = repo.publish_new(&sample()[..1]);
    let repository = repo.open();
    let mut attempts = Vec::new();
    let outcome = publish(
        &repository,
        &publication("rendered"),
        |publisher, attempt: Attempt| {
            attempts.push((
                attempt.number,
                attempt.parent.map(|parent| parent.to_string()),
            ));
            if attempt.number == 1 {
                committed(repo.publish(&team("faster"), &fleet(10, "x")));
            }
            sample()
                .iter()
                .try_for_each(|directory| publisher.put(directory))
        },
    );
    let Ok(Published::Committed { .. }) = outcome else {
        panic!("{outcome:?}");
    };
    let second = repo.git(&["rev-parse", "rendered~"]);
    assert_eq!(attempts, [(1, Some(first.to_string())), (2, Some(second))]);
    assert_eq!(
        repo.history("rendered"),
        ["Render", "Render faster", "Render"]
    );
    assert_eq!(repo.paths("rendered:teams/faster").len(), 10 * 14 + 1);
    repo.fsck();
}

#[test]
fn who_is_slower_may_find_nothing_left_to_do() {
    let repo = Repo::bare();
    let outcome = publish(
        &repo.open(),
        &publication("rendered"),
        |publisher, attempt: Attempt| {
            if attempt.number == 1 {
                committed(repo.publish(&publication("rendered"), &fleet(30, "a")));
            }
            fleet(30, "a")
                .iter()
                .try_for_each(|directory| publisher.put(directory))
        },
    );
    assert!(
        matches!(outcome, Ok(Published::Unchanged(Some(_), _))),
        "{outcome:?}"
    );
    assert_eq!(repo.history("rendered").len(), 1);
}

#[test]
fn a_branch_that_comes_or_goes_meanwhile_is_noticed() {
    let repo = Repo::bare();
    let other = committed(repo.publish(&team("other"), &sample()));
    repo.git(&["branch", "-m", "rendered", "kept"]);
    let mut changes = vec![
        vec!["update-ref", "-d", "refs/heads/rendered"],
        vec!["branch", "rendered", "kept"],
    ];
    let outcome = publish(
        &repo.open(),
        &publication("rendered"),
        |publisher, attempt: Attempt| {
            if let Some(change) = changes.pop() {
                repo.git(&change);
            }
            assert_eq!(attempt.parent.is_some(), attempt.number == 2);
            sample()
                .iter()
                .try_for_each(|directory| publisher.put(directory))
        },
    );
    assert!(
        matches!(outcome, Ok(Published::Committed { .. })),
        "{outcome:?}"
    );
    assert_eq!(repo.history("rendered"), ["Render"]);
    assert_eq!(repo.git(&["rev-parse", "kept"]), other.to_string());
}

#[test]
fn a_function_that_fails_leaves_nothing_behind() {
    let repo = Repo::bare();
    let outcome = publish(&repo.open(), &publication("rendered"), |publisher, _| {
        fleet(30, "a")
            .iter()
            .try_for_each(|directory| publisher.put(directory))
            .expect("taken in");
        Err("rejected")
    });
    assert!(
        matches!(outcome, Err(tenantry::git::Failure::Caller("rejected"))),
        "{outcome:?}"
    );
    assert_eq!(repo.git(&["count-objects"]), "0 objects, 0 kilobytes");
    assert_eq!(
        std::fs::read_dir(repo.path().join("objects/pack"))
            .expect("a directory")
            .count(),
        0
    );
}

#[test]
fn directories_come_from_several_threads() {
    let (one, many) = (Repo::bare(), Repo::bare());
    let fleet = fleet(120, "a");
    let expect = one.publish_new(&fleet);
    let outcome: Result<Published, _> =
        publish(&many.open(), &publication("rendered"), |publisher, _| {
            std::thread::scope(|scope| {
                for part in fleet.chunks(20) {
                    scope.spawn(move || {
                        part.iter()
                            .try_for_each(|directory| publisher.put(directory))
                    });
                }
            });
            Ok::<(), GitError>(())
        });
    let Ok(Published::Committed { commit, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(commit, expect);
    many.fsck();
}

#[test]
fn ten_threads_publish_at_once_and_nothing_is_lost() {
    let repo = Repo::bare();
    // Some share a handle, as in one process, and each opens the repository once more.
    let shared = repo.open();
    std::thread::scope(|scope| {
        for number in 0..10 {
            let (repo, shared) = (&repo, &shared);
            scope.spawn(move || {
                let name = format!("team-{number}");
                for generation in ["a", "b", "c"] {
                    let directories = fleet(
                        if number % 2 == 0 { 3 } else { 12 },
                        &format!("{name} {generation}"),
                    );
                    if number < 5 {
                        committed(put_all(shared, &team(&name), &directories));
                    } else {
                        committed(repo.publish(&team(&name), &directories));
                    }
                }
            });
        }
    });
    let history = repo.history("rendered");
    assert_eq!(history.len(), 30);
    for number in 0..10 {
        let name = format!("team-{number}");
        let message = format!("Render {name}");
        assert_eq!(
            history
                .iter()
                .filter(|subject| **subject == message)
                .count(),
            3
        );
        let text = repo.git(&[
            "cat-file",
            "blob",
            &format!("rendered:teams/{name}/in-cluster/project-0002/file-13.yaml"),
        ]);
        assert!(text.starts_with(&format!("{name} c 2 13\n")), "{text}");
    }
    repo.fsck();
}

#[test]
fn ten_threads_make_the_first_commit_at_once() {
    for _ in 0..5 {
        let repo = Repo::bare();
        std::thread::scope(|scope| {
            for number in 0..10 {
                let repo = &repo;
                scope.spawn(move || {
                    let name = format!("team-{number}");
                    committed(
                        repo.publish(&team(&name), &[directory("a/b", &[("x.yaml", &name)])]),
                    );
                });
            }
        });
        let subjects: BTreeSet<String> = repo.history("rendered").into_iter().collect();
        assert_eq!(subjects.len(), 10);
        assert_eq!(repo.paths("rendered").len(), 20);
    }
}
