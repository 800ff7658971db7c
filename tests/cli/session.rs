//! A temporary repository and the binary, with an environment that is the same everywhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tenantry::base::embedded;
use tenantry::base::lock::Lock;

/// A repository in which commands run.
pub struct Session {
    root: tempfile::TempDir,
}

/// A command that is about to run; [`Run::status`] runs it.
pub struct Run<'a> {
    session: &'a Session,
    command: Command,
    stdout: Option<String>,
    stderr: Option<String>,
}

impl Session {
    /// An empty directory.
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        Session { root }
    }

    /// A repository with the bases and this `projects.yaml`.
    pub fn with(projects: &str) -> Self {
        let session = Session::new();
        let files = embedded::files();
        for (path, bytes) in &files {
            session.write(&format!("base/{path}"), bytes);
        }
        // What happens when the shipped lock is not current is the business of tests/bases.rs.
        session.write("base/base.lock", Lock::compute(files).to_string());
        session.write("projects.yaml", projects);
        session
    }

    /// Returns the path of a file.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Writes a file, with the directories that it needs.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a file has a parent")).expect("a directory");
        fs::write(path, content).expect("a file");
    }

    /// Returns the text of a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Returns every file below a directory, by its path relative to it, with its bytes.
    pub fn files(&self, directory: &str) -> BTreeMap<String, Vec<u8>> {
        let top = self.path(directory);
        let relative = |path: &Path| {
            let below = path
                .strip_prefix(&top)
                .expect("the walk stays below its top");
            below.to_string_lossy().into_owned()
        };
        walkdir::WalkDir::new(&top)
            .into_iter()
            .map(|entry| entry.expect("the directory can be listed"))
            .filter(|entry| !entry.file_type().is_dir())
            .map(|entry| {
                (
                    relative(entry.path()),
                    fs::read(entry.path()).expect("a file"),
                )
            })
            .collect()
    }

    /// Makes a command of `tenantry` with these arguments in the root of the repository.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command
            .args(arguments)
            .current_dir(self.root.path())
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    /// Prepares `tenantry` with these arguments in the root of the repository.
    pub fn tenantry(&self, arguments: &[&str]) -> Run<'_> {
        Run {
            session: self,
            command: self.command(arguments),
            stdout: None,
            stderr: None,
        }
    }
}

impl Run<'_> {
    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in a directory below the root.
    pub fn directory(mut self, path: &str) -> Self {
        self.command.current_dir(self.session.path(path));
        self
    }

    /// Says what standard output must be.
    pub fn stdout(mut self, text: &str) -> Self {
        self.stdout = Some(text.to_owned());
        self
    }

    /// Says what standard error must be; `[ROOT]` stands for the path of the repository.
    pub fn stderr(mut self, text: &str) -> Self {
        self.stderr = Some(text.to_owned());
        self
    }

    /// Runs, and compares; returns standard output and standard error for a closer look.
    #[track_caller]
    pub fn status(mut self, status: i32) -> (String, String) {
        let output = self.command.output().expect("the binary runs");
        let text = |bytes: &[u8]| {
            let root = self.session.root.path().to_str().expect("a path in UTF-8");
            String::from_utf8(bytes.to_vec())
                .expect("UTF-8")
                .replace(root, "[ROOT]")
        };
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let whole = format!("stdout:\n{stdout}\nstderr:\n{stderr}");
        assert_eq!(output.status.code(), Some(status), "{whole}");
        if let Some(expect) = &self.stdout {
            assert!(stdout == *expect, "{whole}\nexpected stdout:\n{expect}");
        }
        if let Some(expect) = &self.stderr {
            assert!(stderr == *expect, "{whole}\nexpected stderr:\n{expect}");
        }
        (stdout, stderr)
    }
}
