//! `tenantry publish` at the command line.

use crate::support::{Repo, Said, said};

fn projects(names: &[&str]) -> Repo {
    let repo = Repo::new();
    repo.init_projects(names);
    repo
}

fn publish(repo: &Repo, arguments: &[&str]) -> Said {
    repo.tenantry(&[&["publish", "--branch", "rendered"], arguments].concat())
}

#[test]
fn what_is_said_and_what_is_committed() {
    let repo = projects(&["churn"]);
    let inputs = repo.git(&["rev-parse", "main"]);
    let first = publish(&repo, &[]);
    assert_eq!(first.status, 0);
    assert_eq!(first.out, repo.git(&["rev-parse", "rendered"]));
    assert_eq!(
        first.err,
        format!(
            "`rendered` is now {}: 2 directories written, 0 removed, 0 unchanged",
            &first.out[..12]
        )
    );
    assert_eq!(
        repo.git(&[
            "log",
            "-1",
            "--format=%an <%ae> %ad|%cn <%ce> %cd|%B",
            "--date=raw",
            "rendered"
        ]),
        format!(
            "Ada <ada@example.com> 1000000000 +0000|Ada <ada@example.com> 1000000000 +0000|\
             Render overlays from {}\n\ninputs\n\nInputs-Commit: {inputs}\n",
            &inputs[..12]
        )
        .trim_end()
    );
    let trailer = repo.git(&[
        "log",
        "-1",
        "--format=%(trailers:key=Inputs-Commit,valueonly)",
        "rendered",
    ]);
    assert_eq!(trailer, inputs);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");

    let again = publish(&repo, &[]);
    assert_eq!(
        (again.status, again.out.as_str(), again.err.as_str()),
        (0, "", "`rendered` is up to date")
    );
    assert_eq!(repo.history("rendered").len(), 1);
}

#[test]
fn the_tree_is_the_one_that_render_writes() {
    let repo = projects(&["churn", "vision"]);
    assert_eq!(publish(&repo, &[]).status, 0);
    assert_eq!(repo.tenantry(&["render"]).status, 0);
    repo.git(&["add", "overlays"]);
    let tree = repo.git(&["write-tree", "--prefix=overlays/"]);
    assert_eq!(repo.git(&["rev-parse", "rendered:overlays"]), tree);
}

#[test]
fn a_root_below_the_top_keeps_its_place() {
    let repo = Repo::new();
    std::fs::create_dir_all(repo.path().join("fleets/ml")).expect("a directory");
    let run = |arguments: &[&str]| {
        let mut command = repo.tenantry_command(arguments);
        command.current_dir(repo.path().join("fleets/ml"));
        said(command)
    };
    assert_eq!(run(&["init", "."]).status, 0);
    let inputs = repo.commit("inputs");
    let published = run(&["publish", "--branch", "rendered"]);
    assert_eq!(published.status, 0, "{}", published.err);
    assert!(
        repo.paths("rendered")
            .iter()
            .all(|path| path.starts_with("fleets/ml/overlays/"))
    );
    assert!(
        repo.git(&["log", "-1", "--format=%B", "rendered"])
            .contains(&format!("Inputs-Commit: {inputs}"))
    );
}

#[test]
fn inputs_that_are_not_committed_are_not_named() {
    let repo = projects(&["churn"]);
    let subject = |repo: &Repo| repo.git(&["log", "-1", "--format=%s", "rendered"]);
    repo.write_projects(&["churn", "vision"]);
    assert_eq!(publish(&repo, &[]).status, 0);
    assert_eq!(subject(&repo), "Render overlays from uncommitted inputs");
    repo.write_projects(&["churn", "vision", "speech"]);
    let inputs = repo.commit("speech");
    // What is no input may change.
    repo.write(&[("README.md", "x\n")]);
    assert_eq!(publish(&repo, &["--adopt"]).status, 0);
    assert_eq!(
        subject(&repo),
        format!("Render overlays from {}", &inputs[..12])
    );
}

#[test]
fn people_and_times() {
    let repo = projects(&["churn"]);
    let check = |arguments: &[&str], variables: &[(&str, &str)], expect: &str| {
        repo.git(&["update-ref", "-d", "refs/heads/rendered"]);
        let mut command =
            repo.tenantry_command(&[&["publish", "--branch", "rendered"], arguments].concat());
        for role in ["AUTHOR", "COMMITTER"] {
            for what in ["NAME", "EMAIL"] {
                command.env_remove(format!("GIT_{role}_{what}"));
            }
        }
        command
            .env_remove("GIT_AUTHOR_DATE")
            .env("GIT_COMMITTER_DATE", "2001-09-09T01:46:41Z");
        for (name, value) in variables {
            command.env(name, value);
        }
        let outcome = said(command);
        assert_eq!(outcome.status, 0, "{}", outcome.err);
        let found = repo.git(&[
            "log",
            "-1",
            "--format=%an <%ae> %ad|%cn <%ce> %cd",
            "--date=raw",
            "rendered",
        ]);
        assert_eq!(found, expect);
    };
    let ours = "Tenantry <tenantry@localhost>";
    // The author's time is that of the inputs' commit.
    check(
        &[],
        &[],
        &format!("{ours} 1000000000 +0000|{ours} 1000000001 +0000"),
    );
    check(
        &[
            "--author",
            "Bob <b@example.com>",
            "--date",
            "2026-11-22T11:15:00+01:00",
        ],
        &[],
        "Bob <b@example.com> 1795342500 +0100|Bob <b@example.com> 1795342500 +0100",
    );
    repo.git(&["config", "user.name", "Conf"]);
    repo.git(&["config", "user.email", "conf@example.com"]);
    check(
        &["--author", "Bob <b@example.com>"],
        &[],
        "Bob <b@example.com> 1000000000 +0000|Conf <conf@example.com> 1000000001 +0000",
    );
    check(
        &[],
        &[
            ("GIT_AUTHOR_NAME", "Eve"),
            ("GIT_COMMITTER_EMAIL", "ci@example.com"),
            ("GIT_AUTHOR_DATE", "@5 +0000"),
        ],
        "Eve <conf@example.com> 5 +0000|Conf <ci@example.com> 1000000001 +0000",
    );
}

#[test]
fn a_message_of_ones_own() {
    let repo = projects(&["churn"]);
    assert_eq!(publish(&repo, &["-m", "Roll out\n\nRing 1\n\n"]).status, 0);
    assert_eq!(
        repo.git(&["log", "-1", "--format=%B", "rendered"]),
        "Roll out\n\nRing 1"
    );
}

#[test]
fn a_wrong_command_line_is_told_before_anything_is_read() {
    let repo = Repo::new();
    for (arguments, expect) in [
        (
            ["--branch", "a..b"],
            "error: --branch: `a..b` cannot be the name of a branch",
        ),
        (
            ["--author", "Bob"],
            "error: --author: `Bob` is not `Name <e-mail>`",
        ),
        (["--message", ""], "error: --message: the message is empty"),
        (
            ["--date", "soon"],
            "error: --date: `soon` is not a date such as `2026-11-22T10:15:00Z` or `@1795342500 +0000`",
        ),
        (["--push", ""], "error: --push: `` cannot be a remote"),
    ] {
        let outcome = repo.tenantry(&["publish", arguments[0], arguments[1]]);
        assert_eq!((outcome.status, outcome.err.as_str()), (2, expect));
    }
}

#[test]
fn the_branch_of_the_platform_is_the_default() {
    let repo = projects(&["churn"]);
    repo.write(&[(
        "projects.yaml",
        "version: 1\nplatform: {base: kfp-2.17.0, repository: {branch: deploy, path: out}}\nprojects: [{name: churn}]\n",
    )]);
    repo.commit("deploy");
    assert_eq!(repo.tenantry(&["publish"]).status, 0);
    assert!(
        repo.paths("deploy")
            .contains(&"out/in-cluster/churn/namespace.yaml".to_owned())
    );
}

#[test]
fn a_branch_that_is_checked_out() {
    let repo = projects(&["churn"]);
    let published = repo.tenantry(&["publish"]);
    assert_eq!(published.status, 0, "{}", published.err);
    let expect = format!(
        "warning[branch-checked-out]: branch `main` is checked out in `{}`",
        repo.path().display()
    );
    assert!(published.err.contains(&expect), "{}", published.err);
    assert_eq!(repo.history("main").len(), 2);
    assert!(!repo.path().join("overlays").exists());
    // What the warning says lets the work tree follow.
    repo.git(&[
        "restore",
        "--source=HEAD",
        "--staged",
        "--worktree",
        "--",
        "overlays",
    ]);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert_eq!(repo.tenantry(&["render", "--check"]).status, 0);
}

#[test]
fn rejected_inputs_publish_nothing() {
    let repo = projects(&["churn"]);
    repo.write_projects(&["churn", "Not A Name"]);
    let outcome = publish(&repo, &[]);
    assert_eq!((outcome.status, outcome.out.as_str()), (4, ""));
    assert_eq!(repo.git(&["branch", "--list", "rendered"]), "");
}

#[test]
fn what_is_not_ours_stops() {
    let repo = projects(&["churn"]);
    assert_eq!(publish(&repo, &[]).status, 0);
    repo.git(&["checkout", "-q", "rendered"]);
    repo.write(&[
        ("overlays/in-cluster/churn/ui.yaml", "by hand\n"),
        ("overlays/in-cluster/churn/extra.yaml", "x\n"),
    ]);
    repo.commit("by hand");
    repo.git(&["checkout", "-q", "main"]);
    let stopped = publish(&repo, &["--message-format", "json"]);
    assert_eq!((stopped.status, stopped.out.as_str()), (3, ""));
    let found: Vec<String> = stopped
        .err
        .lines()
        .map(|line| {
            let finding: serde_json::Value = serde_json::from_str(line).expect("JSON");
            format!(
                "{} {}",
                finding["code"].as_str().unwrap_or(""),
                finding["file"].as_str().unwrap_or("")
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "foreign-file overlays/in-cluster/churn/extra.yaml",
            "hand-edited overlays/in-cluster/churn/ui.yaml"
        ]
    );
    let adopted = publish(&repo, &["--adopt"]);
    assert_eq!(adopted.status, 0, "{}", adopted.err);
    assert!(
        adopted
            .err
            .starts_with("took over overlays/in-cluster/churn/extra.yaml\n"),
        "{}",
        adopted.err
    );
    repo.fsck();
}

#[test]
fn metadata_for_hydrators() {
    let repo = projects(&["churn"]);
    let inputs = repo.git(&["rev-parse", "main"]);
    assert_eq!(publish(&repo, &["--hydrator-metadata"]).status, 0);
    let text = repo.git(&["cat-file", "blob", "rendered:overlays/hydrator.metadata"]);
    let metadata: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        metadata,
        serde_json::json!({
            "drySha": inputs,
            "author": "Ada <ada@example.com>",
            "date": "2001-09-09T01:46:40Z",
            "subject": "inputs",
        })
    );
    // A render on disk has no quarrel with it.
    repo.git(&["checkout", "-q", "-f", "rendered", "--", "overlays"]);
    assert_eq!(repo.tenantry(&["render", "--check"]).status, 0);

    repo.write_projects(&["churn", "vision"]);
    assert_eq!(publish(&repo, &["--hydrator-metadata"]).status, 2);
}

#[test]
fn outside_of_a_repository() {
    let repo = projects(&["churn"]);
    std::fs::rename(repo.path().join(".git"), repo.beside("git")).expect("renamed");
    let outcome = publish(&repo, &[]);
    assert_eq!(outcome.status, 5);
    assert_eq!(
        outcome.err,
        format!(
            "error: `{}` does not lie in a Git repository",
            repo.path().display()
        )
    );
}

#[test]
fn ten_processes_publish_at_once_and_nothing_is_lost() {
    let repo = projects(&["churn"]);
    assert_eq!(publish(&repo, &[]).status, 0);
    // Ten work trees of one repository, in each of which the project has another owner.
    let work_trees: Vec<_> = (0..10)
        .map(|number| {
            let path = repo.beside(&format!("work-{number}"));
            repo.git(&["worktree", "add", "-q", "--detach", path.to_str().expect("UTF-8")]);
            let projects = format!("version: 1\nplatform: {{base: kfp-2.17.0}}\nprojects: [{{name: churn, owner: team-{number}}}]\n");
            std::fs::write(path.join("projects.yaml"), projects).expect("a file");
            path
        })
        .collect();
    std::thread::scope(|scope| {
        for (number, path) in work_trees.iter().enumerate() {
            let repo = &repo;
            scope.spawn(move || {
                let message = format!("Render team-{number}");
                let mut command = repo.tenantry_command(&[
                    "publish",
                    "--branch",
                    "rendered",
                    "--message",
                    &message,
                ]);
                command.current_dir(path);
                let outcome = said(command);
                assert_eq!(outcome.status, 0, "{}", outcome.err);
            });
        }
    });
    // Each commit of a linear history holds what its own process has rendered, and nothing else.
    let history = repo.history("rendered");
    assert_eq!(history.len(), 11);
    for (back, subject) in history[..10].iter().enumerate() {
        let team = subject.strip_prefix("Render ").expect("a subject");
        let namespace = format!("rendered~{back}:overlays/in-cluster/churn/namespace.yaml");
        let text = repo.git(&["cat-file", "blob", &namespace]);
        assert!(
            text.contains(&format!("tenantry.dev/owner: {team}")),
            "{text}"
        );
    }
    repo.fsck();
}
