//! `validate` and `render`.

use std::os::unix::fs::symlink;

use super::session::Session;

const TWO: &str = "\
version: 1
platform: {base: kfp-2.17.0}
projects:
- name: churn
- name: vision
";

/// Two projects, rendered.
fn rendered() -> Session {
    let session = Session::with(TWO);
    session
        .tenantry(&["render", "-q"])
        .stdout("")
        .stderr("")
        .status(0);
    session
}

#[test]
fn only_what_changes_is_written() {
    let session = rendered();
    session
        .tenantry(&["render", "-v"])
        .stdout("")
        .stderr("overlays: 0 directories written, 0 removed, 3 unchanged\n")
        .status(0);
    session.write(
        "projects.yaml",
        TWO.replace("- name: vision", "- {name: vision, state: paused}"),
    );
    session
        .tenantry(&["render", "-v"])
        .stdout("")
        .stderr(
            "\
wrote overlays/in-cluster/vision
overlays: 1 directory written, 0 removed, 2 unchanged
",
        )
        .status(0);
    session.write(
        "projects.yaml",
        TWO.replace("- name: vision", "- {name: vision, state: retired}"),
    );
    session
        .tenantry(&["render", "-q"])
        .stdout("")
        .stderr("")
        .status(0);
    session.write("projects.yaml", TWO.replace("- name: vision\n", ""));
    session
        .tenantry(&["render", "-v"])
        .stdout("")
        .stderr(
            "\
removed overlays/in-cluster/vision
overlays: 0 directories written, 1 removed, 2 unchanged
",
        )
        .status(0);
}

#[test]
fn check_prints_each_path_that_differs_and_writes_nothing() {
    let session = Session::with(TWO);
    let (stdout, _) = session.tenantry(&["render", "--check"]).status(1);
    assert!(
        stdout.starts_with("overlays/in-cluster/_cluster/crds.yaml\n"),
        "{stdout}"
    );
    assert!(stdout.ends_with("\noverlays/index.json\n"), "{stdout}");
    assert!(!session.path("overlays").exists());

    session.tenantry(&["render", "-q"]).status(0);
    session
        .tenantry(&["render", "--check"])
        .stdout("")
        .stderr("overlays is up to date\n")
        .status(0);
    session.write("overlays/in-cluster/churn/ui.yaml", "edited");
    session.write("overlays/in-cluster/churn/notes.txt", "foreign");
    session.write("overlays/in-cluster/churn/\u{1b}[2J\n", "foreign");
    session.write("projects.yaml", TWO.replace("- name: vision\n", ""));
    let before = session.files("");
    session
        .tenantry(&["render", "--check"])
        .stdout(
            "\
overlays/in-cluster/churn/\\u{1b}[2J\\n
overlays/in-cluster/churn/notes.txt
overlays/in-cluster/churn/ui.yaml
overlays/in-cluster/vision/
overlays/index.json
",
        )
        .stderr("5 paths differ from what is rendered: run `tenantry render`\n")
        .status(1);
    assert_eq!(session.files(""), before);
}

#[test]
fn files_that_are_not_ours_stop_the_render() {
    let session = rendered();
    session.write("overlays/in-cluster/churn/ui.yaml", "edited");
    session.write("overlays/in-cluster/churn/notes.txt", "foreign");
    session.write("overlays/README.md", "welcome");
    session.write(
        "projects.yaml",
        TWO.replace("- name: vision", "- {name: vision, state: paused}"),
    );
    let before = session.files("");
    session
        .tenantry(&["render"])
        .stdout("")
        .stderr(
            "\
error[foreign-file]: `overlays/in-cluster/churn/notes.txt` was not written by Tenantry
 = hint: move it somewhere else, or render with `--adopt`, which replaces or removes it

error[hand-edited]: `overlays/in-cluster/churn/ui.yaml` was edited by hand
 = hint: write the change as a patch in `projects.yaml`, then restore the file from Git or render with `--adopt`, which replaces it

error: 2 errors
",
        )
        .status(3);
    assert_eq!(session.files(""), before);
    session
        .tenantry(&["render", "--adopt"])
        .stdout("")
        .stderr(
            "\
took over overlays/in-cluster/churn/notes.txt
took over overlays/in-cluster/churn/ui.yaml
overlays: 2 directories written, 0 removed, 1 unchanged
warning[unreadable-tree]: `overlays/in-cluster/churn/ui.yaml` cannot be read, so that nobody can tell what would be lost: a document in it has no `apiVersion`
  ┌─ overlays/in-cluster/churn/ui.yaml:1:1
  │
1 │ edited
  │ ^

warning: 1 warning
",
        )
        .status(0);
    session
        .tenantry(&["render", "--check"])
        .stdout("")
        .status(0);
    assert_eq!(session.read("overlays/README.md"), "welcome");
}

#[test]
fn symbolic_links_stop_the_render() {
    let session = rendered();
    session.write("outside/x", "");
    std::fs::remove_dir_all(session.path("overlays/in-cluster/churn")).expect("a directory");
    symlink("../../outside", session.path("overlays/in-cluster/churn")).expect("a link");
    session
        .tenantry(&["render", "--adopt"])
        .stdout("")
        .stderr(
            "\
error[symbolic-link]: `overlays/in-cluster/churn` is a symbolic link
 = hint: remove the link: Tenantry neither follows nor replaces links

error: 1 error
",
        )
        .status(3);
    assert_eq!(session.files("outside").len(), 1);
}

#[test]
fn a_rejected_input_leaves_the_tree_alone() {
    let session = rendered();
    let before = session.files("overlays");
    session.write(
        "projects.yaml",
        TWO.replace("- name: vision", "- name: vision\n  base: kfp-2.17"),
    );
    for command in ["render", "validate"] {
        let (stdout, stderr) = session.tenantry(&[command]).status(4);
        assert_eq!(stdout, "");
        assert!(stderr.starts_with("error[unknown-base]: "), "{stderr}");
        assert!(stderr.contains("\n  ┌─ projects.yaml:6:9\n"), "{stderr}");
    }
    assert_eq!(session.files("overlays"), before);
}

#[test]
fn some_projects_only() {
    let session = rendered();
    let paused = TWO
        .replace("- name: vision", "- {name: vision, state: paused}")
        .replace("- name: churn", "- {name: churn, state: paused}");
    session.write("projects.yaml", paused);
    session
        .tenantry(&["render", "--project", "churn", "-v"])
        .stderr(
            "\
wrote overlays/in-cluster/churn
overlays: 1 directory written, 0 removed, 0 unchanged
",
        )
        .status(0);
    session
        .tenantry(&["render", "--check", "--project", "churn"])
        .stdout("")
        .status(0);
    session.tenantry(&["render", "--check"]).status(1);
    session
        .tenantry(&["render", "--project", "vsion"])
        .stdout("")
        .stderr("error: there is no project `vsion`; a similar name is `vision`\n")
        .status(2);
}

#[test]
fn another_directory() {
    let session = Session::with(TWO);
    session
        .tenantry(&["render", "--out", "elsewhere/tree"])
        .stdout("")
        .stderr("elsewhere/tree: 3 directories written, 0 removed, 0 unchanged\n")
        .status(0);
    assert!(!session.path("overlays").exists());
    session
        .tenantry(&["render", "--out", "elsewhere/tree", "--check"])
        .status(0);
    session
        .tenantry(&["render", "--out", "projects.yaml"])
        .stdout("")
        .stderr("error: making `projects.yaml`: Not a directory (os error 20)\n")
        .status(5);
}

#[test]
fn the_same_bytes_everywhere() {
    let expect = rendered().files("overlays");
    let session = Session::with(TWO);
    std::fs::create_dir_all(session.path("deep/er")).expect("a directory");
    let runs: [(&[&str], &str, &str, &str); 3] = [
        (&["render", "--jobs", "1"], ".", "LC_ALL", "tr_TR.UTF-8"),
        (
            &["render", "--jobs", "7"],
            "deep/er",
            "TZ",
            "Asia/Kathmandu",
        ),
        (
            &["render", "--root", "../.."],
            "deep/er",
            "HOME",
            "/nonexistent",
        ),
    ];
    for (arguments, directory, name, value) in runs {
        session
            .tenantry(arguments)
            .directory(directory)
            .env(name, value)
            .status(0);
        assert!(session.files("overlays") == expect, "{arguments:?}");
        std::fs::remove_dir_all(session.path("overlays")).expect("the tree");
    }
}

#[test]
fn bases_are_pinned() {
    let session = Session::with(TWO);
    session.write("base/kfp-2.17.0/README.md", "a note");
    session
        .tenantry(&["render"])
        .stdout("")
        .stderr(
            "\
error[base-lock-mismatch]: `base/kfp-2.17.0/README.md` is not in `base/base.lock`
 = hint: remove the file, or restore the lock that came with the base

error: 1 error
",
        )
        .status(4);
    assert!(!session.path("overlays").exists());
}

#[test]
fn ten_processes_render_at_once_and_the_tree_is_whole() {
    let shared = Session::new();
    let out = shared.path("tree").to_string_lossy().into_owned();
    let fleets: Vec<Session> = (0..10)
        .map(|number| {
            let project =
                |name: &str| format!("- {{name: {name}, labels: {{generation: g{number}}}}}\n");
            Session::with(&format!(
                "version: 1\nplatform: {{base: kfp-2.17.0}}\nprojects:\n{}{}",
                project("churn"),
                project("vision")
            ))
        })
        .collect();
    std::thread::scope(|scope| {
        for fleet in &fleets {
            let out = &out;
            scope.spawn(move || fleet.tenantry(&["render", "-q", "--out", out]).status(0));
        }
    });
    let tree = shared.files("tree");
    let mut whole = 0;
    for fleet in &fleets {
        let check = fleet.command(&["render", "--check", "-q", "--out", &out]);
        whole += usize::from(
            { check }
                .output()
                .expect("the binary runs")
                .status
                .success(),
        );
    }
    assert_eq!(whole, 1, "the tree is that of the last one");
    assert!(tree.keys().all(|path| !path.starts_with(".tenantry")));
}
