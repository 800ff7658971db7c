//! Runs the `git` program, for everything that needs a network.
//!
//! Takes arguments and gives what the program says. People's configuration, credential helpers, proxies and agents
//! stay as they are; nobody is asked anything.

use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow};

use super::Repository;

/// Variables that would lead `git` to another repository than the one it is given.
///
/// Source: `git rev-parse --local-env-vars` of git 2.47, without those that carry configuration, by which CI services
/// hand over credentials.
const LOCAL_VARIABLES: [&str; 14] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// What the program has said.
#[derive(Debug)]
pub(super) struct Said {
    /// Its exit status was 0.
    pub(super) success: bool,
    /// Standard output.
    pub(super) out: String,
    /// Standard error.
    pub(super) err: String,
}

impl Said {
    /// Makes an error of what was said on standard error.
    pub(super) fn error(&self) -> anyhow::Error {
        let said: Vec<&str> = self
            .err
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty())
            .collect();
        if said.is_empty() {
            anyhow!("`git` failed without a word")
        } else {
            anyhow!("{}", said.join("\n"))
        }
    }
}

impl Repository {
    /// Runs `git` in this repository.
    ///
    /// Errors: when it cannot be run; that it has failed is part of what it says.
    pub(super) fn run_git(&self, arguments: &[&str]) -> anyhow::Result<Said> {
        let mut command = Command::new("git");
        for variable in LOCAL_VARIABLES {
            command.env_remove(variable);
        }
        // Messages are compared with what Git says in English.
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        command.arg("--git-dir").arg(&self.git_directory);
        if let Some(work_tree) = &self.work_tree {
            // A hook of the repository expects to run there.
            command
                .arg("--work-tree")
                .arg(work_tree)
                .current_dir(work_tree);
        }
        command.args(arguments).stdin(Stdio::null());
        let output = command.output().context("running the program `git`")?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Said {
            success: output.status.success(),
            out: text(output.stdout),
            err: text(output.stderr),
        })
    }
}
