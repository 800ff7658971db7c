//! The script of the composite action, with a remote repository and a `gh` that notes what it is asked.

use std::path::Path;
use std::process::{Command, Output};

use super::session::Session;

const ONE: &str = "version: 1\nplatform: {base: kfp-2.17.0}\nprojects: [{name: churn}]\n";
const LARGER: &str = "version: 1\nplatform: {base: kfp-2.17.0}\nprojects: [{name: churn, database: {embedded: {database: other}}}]\n";

struct Job {
    session: Session,
}

impl Job {
    /// A clone of a repository whose `main` has a fleet and its tree.
    fn new() -> Self {
        let session = Session::with(ONE);
        let job = Job { session };
        job.run(&["git", "init", "-q", "-b", "main"]);
        job.render();
        job.commit("start");
        job.run(&["git", "init", "-q", "--bare", ".git/remote"]);
        job.run(&["git", "remote", "add", "origin", ".git/remote"]);
        job.run(&["git", "push", "-q", "origin", "main"]);
        job.session.write(
            ".git/bin/gh",
            "#!/bin/sh\necho \"$*\" > \"$HOME/asked\"\ncp \"$7\" \"$HOME/comment\"\n",
        );
        job.run(&["chmod", "+x", ".git/bin/gh"]);
        job
    }

    fn render(&self) {
        self.session.tenantry(&["render"]).status(0);
    }

    fn commit(&self, message: &str) {
        self.run(&["git", "add", "-A"]);
        self.run(&["git", "commit", "-q", "-m", message]);
    }

    fn command(&self, program: &str) -> Command {
        let root = self.session.path(".");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command
            .current_dir(&root)
            .env_clear()
            .env(
                "PATH",
                format!("{}:{path}", root.join(".git/bin").display()),
            )
            .env("HOME", root.join(".git"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "a")
            .env("GIT_AUTHOR_EMAIL", "a@example.com")
            .env("GIT_COMMITTER_NAME", "a")
            .env("GIT_COMMITTER_EMAIL", "a@example.com");
        command
    }

    fn run(&self, line: &[&str]) -> String {
        let output = self.command(line[0]).args(&line[1..]).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{line:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn action(&self, mode: &str) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/actions/tenantry/run.sh");
        self.command("bash")
            .arg(script)
            .env("TENANTRY", env!("CARGO_BIN_EXE_tenantry"))
            .env("MODE", mode)
            .env("ROOT", ".")
            .env("AGAINST", if mode == "check" { "main" } else { "" })
            .env("COMMENT", "true")
            .env("BRANCH", "")
            .env("PULL_REQUEST", "7")
            .env("GITHUB_OUTPUT", self.session.path(".git/outputs"))
            .env("GITHUB_STEP_SUMMARY", self.session.path(".git/summary"))
            .output()
            .expect("bash runs")
    }
}

fn status(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn a_pull_request_is_checked_and_commented_on() {
    let job = Job::new();
    let fine = job.action("check");
    assert_eq!(status(&fine), Some(0), "{fine:?}");

    // The tree was not rendered: an annotation, and the comment all the same.
    job.session.write("projects.yaml", LARGER);
    job.commit("without rendering");
    let stale = job.action("check");
    assert_eq!(status(&stale), Some(1), "{stale:?}");
    let asked = job.session.read(".git/asked");
    assert!(
        asked.starts_with("pr comment 7 --edit-last --create-if-none --body-file "),
        "{asked}"
    );
    assert!(
        job.session
            .read(".git/comment")
            .contains("database-identity")
    );
    assert!(
        job.session
            .read(".git/summary")
            .contains("database-identity")
    );
    assert_eq!(job.session.read(".git/outputs"), "hazards=true\n");

    job.session
        .write("projects.yaml", "version: 1\nprojects: [{name: A}]\n");
    let wrong = job.action("check");
    assert_eq!(status(&wrong), Some(4), "{wrong:?}");
    let annotations = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(
        annotations.matches("invalid-name").count(),
        1,
        "{annotations}"
    );
}

#[test]
fn the_main_branch_is_rendered() {
    let job = Job::new();
    let two = ONE.replace("churn}", "churn}, {name: fraud}");
    job.session.write("projects.yaml", two);
    job.commit("two");
    job.run(&["git", "push", "-q", "origin", "main"]);
    let rendered = job.action("render");
    assert_eq!(status(&rendered), Some(0), "{rendered:?}");
    let files = job.run(&["git", "ls-tree", "-r", "--name-only", "origin/main"]);
    assert!(
        files.contains("overlays/in-cluster/fraud/ui.yaml"),
        "{files}"
    );
    let again = job.action("render");
    assert_eq!(status(&again), Some(0), "{again:?}");
    assert_eq!(
        job.run(&["git", "rev-list", "--count", "origin/main"]),
        "3\n"
    );
}

#[test]
fn another_mode_is_refused() {
    let refused = Job::new().action("destroy");
    assert_eq!(status(&refused), Some(2), "{refused:?}");
}

#[test]
fn what_github_reads_is_yaml() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in [
        ".github/actions/tenantry/action.yml",
        ".github/workflows/ci.yml",
        ".github/workflows/fleet.yml",
        "src/commands/init/workflow.yml",
    ] {
        let text = std::fs::read_to_string(root.join(file)).expect(file);
        let documents = tenantry::yaml::load(&text, &tenantry::yaml::LoadOptions::default());
        let documents = documents.unwrap_or_else(|error| panic!("{file}: {error:?}"));
        assert!(documents[0].value.get("name").is_some(), "{file}");
    }
}
