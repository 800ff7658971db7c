//! A Git repository to vendor from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository with one branch, `main`.
pub struct Upstream {
    root: tempfile::TempDir,
}

impl Upstream {
    /// An empty repository.
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        let upstream = Upstream { root };
        upstream.git(&["init", "--quiet", "--initial-branch=main"]);
        upstream
    }

    /// A repository with one commit of these files, tagged `v1`.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let upstream = Upstream::new();
        for (path, text) in files {
            upstream.write(path, text);
        }
        upstream.commit("v1");
        upstream
    }

    /// A copy of a directory of `tests/kustomize/`, with the repositories of its remote bases where they are now.
    pub fn of_case(case: &str, remotes: &[(&str, &Upstream)]) -> Self {
        let upstream = Upstream::new();
        let case = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/kustomize")
            .join(case);
        for entry in walkdir::WalkDir::new(&case) {
            let entry = entry.expect("the case can be listed");
            if !entry.file_type().is_file() {
                continue;
            }
            let below = entry.path().strip_prefix(&case).expect("below the case");
            let mut text = fs::read_to_string(entry.path()).expect("a file of the case");
            for (name, remote) in remotes {
                text = text.replace(
                    &format!("file://@REMOTES@/{name}//"),
                    &format!("{}//", remote.url()),
                );
            }
            upstream.write(below.to_str().expect("a plain name"), text);
        }
        upstream.commit("v1");
        upstream
    }

    /// Returns the address of the repository.
    pub fn url(&self) -> String {
        format!("file://{}", self.root.path().display())
    }

    /// Returns the path of a file.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Writes a file.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a file has a parent")).expect("a directory");
        fs::write(path, content).expect("a file");
    }

    /// Commits everything, moves the tag there and returns the commit's name.
    pub fn commit(&self, tag: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=a commit"]);
        self.git(&["tag", "--force", tag]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs `git` and returns what it prints.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(["-c", "commit.gpgSign=false", "-c", "core.autocrlf=false"])
            .args(arguments)
            .current_dir(self.root.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git runs");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}
