//! What is not ours stops a publish, by the rules of the tree on disk.

use tenantry::git::{Failure, GitError, Publication, Published};
use tenantry::tree::RenderedDirectory;

use crate::support::{Repo, committed, directory, publication, sample};

/// Makes a branch `rendered` that holds the sample and what `change` makes of it in a work tree.
fn published_and(change: impl FnOnce(&Repo)) -> Repo {
    let repo = Repo::new();
    repo.publish_new(&sample());
    repo.git(&["checkout", "-q", "rendered"]);
    change(&repo);
    repo.commit("by hand");
    repo.git(&["checkout", "-q", "--orphan", "other"]);
    repo
}

/// Returns code and path of everything that stops a publish, and asserts that the branch has stayed.
fn stops(repo: &Repo, publication: &Publication, directories: &[RenderedDirectory]) -> Vec<String> {
    let before = repo.git(&["rev-parse", "rendered"]);
    let outcome = repo.publish(publication, directories);
    assert_eq!(repo.git(&["rev-parse", "rendered"]), before);
    match outcome {
        Err(Failure::Git(GitError::Stopped(refusals))) => refusals
            .iter()
            .map(|refusal| {
                let diagnostic = refusal.to_diagnostic();
                format!(
                    "{} {}",
                    diagnostic.code.as_str(),
                    diagnostic.path.unwrap_or_default()
                )
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// The sample, with one changed file in each directory.
fn changed() -> Vec<RenderedDirectory> {
    let mut directories = sample();
    for directory in &mut directories {
        directory
            .files
            .insert("ui.yaml".to_owned(), b"changed\n".to_vec());
    }
    directories
}

fn adopting() -> Publication {
    Publication {
        adopt: true,
        ..publication("rendered")
    }
}

#[test]
fn a_foreign_file_stops() {
    let repo = published_and(|repo| repo.write(&[("overlays/in-cluster/churn/extra.yaml", "x\n")]));
    let expect = ["foreign-file overlays/in-cluster/churn/extra.yaml"];
    assert_eq!(stops(&repo, &publication("rendered"), &sample()), expect);
    assert_eq!(stops(&repo, &publication("rendered"), &changed()), expect);
    // Also when the directory is to vanish.
    assert_eq!(
        stops(&repo, &publication("rendered"), &sample()[1..]),
        expect
    );

    let outcome = repo.publish(&adopting(), &sample()).expect("published");
    let Published::Committed { summary, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(summary.adopted, ["overlays/in-cluster/churn/extra.yaml"]);
    assert!(
        !repo
            .paths("rendered")
            .contains(&"overlays/in-cluster/churn/extra.yaml".to_owned())
    );
    repo.fsck();
}

#[test]
fn a_foreign_directory_stops() {
    let repo = published_and(|repo| repo.write(&[("overlays/in-cluster/churn/sub/x.yaml", "x\n")]));
    assert_eq!(
        stops(&repo, &publication("rendered"), &sample()),
        ["foreign-file overlays/in-cluster/churn/sub"]
    );
    committed(repo.publish(&adopting(), &sample()));
    assert_eq!(repo.paths("rendered").len(), 5);
    repo.fsck();
}

#[test]
fn an_edit_by_hand_stops_what_would_undo_it() {
    let repo =
        published_and(|repo| repo.write(&[("overlays/in-cluster/churn/ui.yaml", "by hand\n")]));
    let expect = ["hand-edited overlays/in-cluster/churn/ui.yaml"];
    assert_eq!(stops(&repo, &publication("rendered"), &sample()), expect);
    assert_eq!(stops(&repo, &publication("rendered"), &changed()), expect);
    assert_eq!(
        stops(&repo, &publication("rendered"), &sample()[1..]),
        expect
    );
    committed(repo.publish(&adopting(), &sample()));
    assert_eq!(
        repo.git(&[
            "cat-file",
            "blob",
            "rendered:overlays/in-cluster/churn/ui.yaml"
        ]),
        "churn"
    );
}

#[test]
fn an_edit_that_is_what_is_rendered_is_no_edit() {
    let repo =
        published_and(|repo| repo.write(&[("overlays/in-cluster/churn/ui.yaml", "changed\n")]));
    committed(repo.publish(&publication("rendered"), &changed()));
    repo.fsck();
}

#[test]
fn a_deleted_file_comes_back() {
    let repo = published_and(|repo| {
        std::fs::remove_file(repo.path().join("overlays/in-cluster/churn/ui.yaml"))
            .expect("removed");
    });
    committed(repo.publish(&publication("rendered"), &sample()));
    assert_eq!(
        repo.git(&["diff", "--name-only", "rendered~2", "rendered"]),
        ""
    );
}

#[test]
fn an_executable_bit_is_taken_away() {
    let repo = published_and(|repo| {
        repo.git(&[
            "update-index",
            "--chmod=+x",
            "overlays/in-cluster/churn/ui.yaml",
        ]);
        repo.git(&["config", "core.fileMode", "false"]);
    });
    assert!(repo.git(&["ls-tree", "-r", "rendered"]).contains("100755"));
    committed(repo.publish(&publication("rendered"), &sample()));
    assert!(!repo.git(&["ls-tree", "-r", "rendered"]).contains("100755"));
}

#[test]
fn links_are_neither_followed_nor_replaced() {
    let link = |target: &str, path: &'static str| {
        let target = target.to_owned();
        published_and(move |repo| {
            let path = repo.path().join(path);
            if path.is_dir() {
                std::fs::remove_dir_all(&path).expect("removed");
            } else if path.exists() {
                std::fs::remove_file(&path).expect("removed");
            }
            std::os::unix::fs::symlink(target, path).expect("a link");
        })
    };
    for (path, publications) in [
        (
            "overlays/in-cluster/churn/ui.yaml",
            [publication("rendered"), adopting()],
        ),
        (
            "overlays/in-cluster/churn",
            [publication("rendered"), adopting()],
        ),
        ("overlays/index.json", [publication("rendered"), adopting()]),
        ("overlays", [publication("rendered"), adopting()]),
    ] {
        let repo = link("vision", path);
        for publication in publications {
            assert_eq!(
                stops(&repo, &publication, &sample()),
                [format!("symbolic-link {path}")]
            );
        }
    }
}

#[test]
fn a_file_where_a_directory_belongs_stops() {
    let repo = published_and(|repo| {
        std::fs::remove_dir_all(repo.path().join("overlays/in-cluster")).expect("removed");
        repo.write(&[("overlays/in-cluster", "x\n")]);
    });
    for publication in [publication("rendered"), adopting()] {
        assert_eq!(
            stops(&repo, &publication, &sample()),
            ["foreign-file overlays/in-cluster"]
        );
    }
    let mut below = publication("rendered");
    below.path = "overlays/in-cluster/deeper".to_owned();
    assert_eq!(
        stops(&repo, &below, &sample()),
        ["foreign-file overlays/in-cluster"]
    );
}

#[test]
fn foreign_files_elsewhere_are_kept() {
    let repo = published_and(|repo| {
        repo.write(&[
            ("overlays/README.md", "x\n"),
            ("overlays/in-cluster/notes", "x\n"),
            ("overlays/team/a/b.yaml", "x\n"),
        ]);
    });
    committed(repo.publish(&publication("rendered"), &sample()[..1]));
    let paths = repo.paths("rendered");
    for kept in [
        "overlays/README.md",
        "overlays/in-cluster/notes",
        "overlays/team/a/b.yaml",
    ] {
        assert!(paths.contains(&kept.to_owned()), "{kept}");
    }
    repo.fsck();
}

#[test]
fn an_index_that_cannot_be_read_stops() {
    let repo = published_and(|repo| repo.write(&[("overlays/index.json", "<<<<<<< ours\n")]));
    assert_eq!(
        stops(&repo, &publication("rendered"), &sample()),
        ["invalid-index overlays/index.json"]
    );
}

#[test]
fn without_an_index_only_what_differs_is_foreign() {
    let repo = published_and(|repo| {
        std::fs::remove_file(repo.path().join("overlays/index.json")).expect("removed");
    });
    assert_eq!(
        stops(&repo, &publication("rendered"), &changed()),
        [
            "foreign-file overlays/in-cluster/churn/ui.yaml",
            "foreign-file overlays/in-cluster/vision/ui.yaml"
        ]
    );
    committed(repo.publish(&publication("rendered"), &sample()));
    assert_eq!(repo.paths("rendered").len(), 5);
}

#[test]
fn paths_that_lead_out_of_the_tree_are_refused() {
    let repo = published_and(|_| {});
    for path in [
        "../x",
        "/x",
        "a/../b",
        "a//b",
        "",
        ".git/hooks",
        "a/.GIT",
        "index.json",
        "a\nb",
    ] {
        let found = stops(
            &repo,
            &publication("rendered"),
            &[directory(path, &[("a.yaml", "")])],
        );
        assert_eq!(
            found,
            [format!(
                "unsafe-path {}",
                format!("overlays/{path}").trim_end_matches('/')
            )]
        );
    }
    for name in ["..", "", ".git", "a/b"] {
        let found = stops(
            &repo,
            &publication("rendered"),
            &[directory("a", &[(name, "")])],
        );
        assert_eq!(
            found,
            [format!(
                "unsafe-path {}",
                format!("overlays/a/{name}").trim_end_matches('/')
            )]
        );
    }
    for path in ["..", "/overlays", "a/../b", ".git", "a//b"] {
        let mut out = publication("rendered");
        out.path = path.to_owned();
        assert_eq!(
            stops(&repo, &out, &sample()),
            [format!("unsafe-path {path}")]
        );
    }
}
