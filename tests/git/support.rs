//! Repositories to test in, and what is published there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tenantry::git::{
    Branch, CommitText, Failure, Moment, ObjectId, Person, Publication, Published, Repository,
    Signature, publish,
};
use tenantry::tree::{Form, RenderedDirectory};

/// A repository in a directory that is removed with it.
pub struct Repo {
    directory: TempDir,
    path: PathBuf,
}

impl Repo {
    /// Makes an empty repository with a work tree, on branch `main`.
    pub fn new() -> Self {
        Repo::init(&[])
    }

    /// Makes an empty repository without a work tree.
    pub fn bare() -> Self {
        Repo::init(&["--bare"])
    }

    fn init(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        // As Git resolves it, so that paths can be compared.
        let path = directory
            .path()
            .canonicalize()
            .expect("a path")
            .join("repo");
        std::fs::create_dir(&path).expect("a directory");
        let repo = Repo { directory, path };
        repo.git(&[&["init", "-q", "-b", "main"], options].concat());
        repo
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a path beside the repository.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.directory
            .path()
            .canonicalize()
            .expect("a path")
            .join(name)
    }

    pub fn open(&self) -> Repository {
        Repository::open(&self.path).expect("a repository")
    }

    /// Runs `git` and returns what it says, which must be success.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, b"")
    }

    pub fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = run(git_in(&self.path).args(arguments), input);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {err}");
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    /// Writes files into the work tree.
    pub fn write(&self, files: &[(&str, &str)]) {
        for (path, content) in files {
            let path = self.path.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(path, content).expect("a file");
        }
    }

    /// Commits everything in the work tree and returns the id.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Asserts that every object of the repository is well-formed, and everything that refs lead to is there.
    pub fn fsck(&self) {
        self.git(&["fsck", "--strict", "--full"]);
    }

    /// Returns the paths of a revision.
    pub fn paths(&self, revision: &str) -> Vec<String> {
        let listed = self.git(&["ls-tree", "-r", "--name-only", "-z", revision]);
        listed
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Returns the subjects of a branch's commits, newest first, each of which must have one parent at most.
    pub fn history(&self, branch: &str) -> Vec<String> {
        let log = self.git(&["log", "--format=%p|%s", branch]);
        let commits = log
            .lines()
            .map(|line| line.split_once('|').expect("a separator"));
        commits
            .map(|(parents, subject)| {
                assert!(!parents.contains(' '), "a merge");
                subject.to_owned()
            })
            .collect()
    }

    /// Makes the repository one of Tenantry's, with the projects of these names, and commits it.
    pub fn init_projects(&self, names: &[&str]) {
        let said = self.tenantry(&["init", "."]);
        assert_eq!(said.status, 0, "{}", said.err);
        self.write_projects(names);
        self.commit("inputs");
    }

    /// Writes a `projects.yaml` with the projects of these names.
    pub fn write_projects(&self, names: &[&str]) {
        let names: String = names
            .iter()
            .map(|name| format!("- name: {name}\n"))
            .collect();
        let text = format!("version: 1\nplatform: {{base: kfp-2.17.0}}\nprojects:\n{names}");
        self.write(&[("projects.yaml", &text)]);
    }

    /// Runs `tenantry` in the work tree.
    pub fn tenantry(&self, arguments: &[&str]) -> Said {
        said(self.tenantry_command(arguments))
    }

    pub fn tenantry_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command.args(arguments).current_dir(&self.path);
        hermetic(&mut command, &self.path);
        command
    }

    pub fn publish(
        &self,
        publication: &Publication,
        directories: &[RenderedDirectory],
    ) -> Result<Published, Failure<()>> {
        put_all(&self.open(), publication, directories)
    }

    /// Publishes to the branch `rendered` below `overlays` and returns the id of the commit.
    pub fn publish_new(&self, directories: &[RenderedDirectory]) -> ObjectId {
        committed(self.publish(&publication("rendered"), directories))
    }
}

/// How a command has ended.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// Runs a command to its end.
pub fn said(mut command: Command) -> Said {
    let output = run(&mut command, b"");
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .expect("UTF-8")
            .trim_end()
            .to_owned()
    };
    Said {
        status: output.status.code().expect("an exit status"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Publishes directories as they are.
pub fn put_all(
    repository: &Repository,
    publication: &Publication,
    directories: &[RenderedDirectory],
) -> Result<Published, Failure<()>> {
    publish(repository, publication, |publisher, _| {
        for directory in directories {
            publisher.put(directory).expect("taken in");
        }
        Ok(())
    })
}

pub fn committed(outcome: Result<Published, Failure<()>>) -> ObjectId {
    match outcome.expect("published") {
        Published::Committed { commit, .. } => commit,
        unchanged => panic!("{unchanged:?}"),
    }
}

/// Returns the command `git` with an environment of its own.
pub fn git_in(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(directory);
    hermetic(&mut command, directory);
    command
}

/// Switches off everything that the machine could bring in.
pub fn hermetic(command: &mut Command, home: &Path) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", home);
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Ada")
            .env(format!("GIT_{role}_EMAIL"), "ada@example.com");
        command.env(format!("GIT_{role}_DATE"), "@1000000000 +0000");
    }
}

fn run(command: &mut Command, input: &[u8]) -> std::process::Output {
    use std::io::Write as _;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("git can be run");
    if !input.is_empty() {
        child
            .stdin
            .as_mut()
            .expect("a pipe")
            .write_all(input)
            .expect("input is read");
    }
    drop(child.stdin.take());
    child.wait_with_output().expect("git ends")
}

/// A publication below `overlays`, by Ada, at a fixed time.
pub fn publication(branch: &str) -> Publication {
    let signature = Signature {
        person: Person::new("Ada", "ada@example.com").expect("a person"),
        moment: Moment::utc(1_000_000_000),
    };
    Publication {
        branch: Branch::parse(branch).expect("a branch"),
        remote: None,
        path: "overlays".to_owned(),
        form: Form::Plain,
        commit: CommitText {
            author: signature.clone(),
            committer: signature,
            message: "Render".to_owned(),
        },
        beside: BTreeMap::new(),
        adopt: false,
        patience: std::time::Duration::from_secs(60),
    }
}

/// A directory of a project that is called as its last component.
pub fn directory(path: &str, files: &[(&str, &str)]) -> RenderedDirectory {
    let content = files
        .iter()
        .map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec()));
    RenderedDirectory {
        path: path.to_owned(),
        project: path.rsplit('/').next().map(str::to_owned),
        base: Some("kfp-2.17.0".to_owned()),
        state: "active".to_owned(),
        files: content.collect(),
    }
}

/// Two projects of a few files.
pub fn sample() -> Vec<RenderedDirectory> {
    vec![
        directory(
            "in-cluster/churn",
            &[
                ("namespace.yaml", "kind: Namespace\n"),
                ("ui.yaml", "churn\n"),
            ],
        ),
        directory(
            "in-cluster/vision",
            &[
                ("namespace.yaml", "kind: Namespace\n"),
                ("ui.yaml", "vision\n"),
            ],
        ),
    ]
}

/// A fleet that is too large for loose objects.
pub fn fleet(projects: usize, generation: &str) -> Vec<RenderedDirectory> {
    let project = |number: usize| {
        let files: Vec<(String, String)> = (0..14)
            .map(|file| {
                (
                    format!("file-{file:02}.yaml"),
                    format!("{generation} {number} {file}\n").repeat(20),
                )
            })
            .collect();
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        directory(&format!("in-cluster/project-{number:04}"), &files)
    };
    (0..projects).map(project).collect()
}
