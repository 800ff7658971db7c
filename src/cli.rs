//! The command line: what can be typed, and what it settles.
//!
//! The only reader of the process's arguments, environment and working directory; what it finds is passed on as values.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report;
use crate::tree::Form;

/// Compiles projects.yaml into isolated Kubeflow Pipelines stacks in plain Kubernetes YAML
#[derive(Debug, Parser)]
#[command(
    name = "tenantry",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 done, 1 differences found, 2 wrong command line, 3 stopped by a safety gate, \
                  4 input rejected, 5 environment failed"
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Take this directory for the root instead of the nearest one upwards that holds projects.yaml
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    /// When to colour messages; NO_COLOR switches `auto` off
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// The form of messages on standard error
    #[arg(long, global = true, value_name = "FORMAT", default_value = "human")]
    message_format: MessageFormat,
    /// Print nothing but errors and warnings
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print what is done to each directory
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum MessageFormat {
    /// For people
    Human,
    /// One JSON object per line
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// One SARIF 2.1.0 document
    Sarif,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a working repository: example projects, bases, a CI workflow; never overwrites anything
    Init(Init),
    /// Read and check everything, write nothing
    Validate(Validate),
    /// Check everything and bring the rendered tree up to date
    Render(Render),
    /// Print what would change, object by object, hazards first
    Diff(Diff),
    /// Print where the values of rendered objects come from: base, component, patch, or line of projects.yaml
    Explain(Explain),
    /// Check everything, render in memory and commit the tree to a branch, without touching the work tree
    Publish(Publish),
    /// Print what moving to another base means, then edit projects.yaml in place
    Upgrade(Upgrade),
    /// What the fleet runs
    #[command(subcommand)]
    Images(Images),
    /// Bring upstream kustomize trees into base/ as plain, pinned manifests
    Vendor(crate::commands::vendor::Vendor),
    /// Print the fleet on one page: projects, storage, hazards, and what it asks for
    Report(crate::commands::report::Report),
    /// Convert what describes stacks elsewhere into entries of projects.yaml
    Import(crate::commands::import::Import),
    /// Print the JSON Schema of projects.yaml
    Schema,
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print a manual page
    Man(Man),
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The directory, made when it is missing
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
}

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// How many threads work; by default as many as the machine runs at once
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// Arguments of `render`.
#[derive(Debug, Args)]
pub struct Render {
    /// Write nothing; print each path that differs, and exit with 1 when there is one
    #[arg(long)]
    pub check: bool,
    /// Render this project only; may be given several times
    #[arg(long = "project", value_name = "NAME")]
    pub projects: Vec<String>,
    /// The directory of the tree, instead of `platform.repository.path`
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The form of the tree
    #[arg(long, value_name = "FORMAT", default_value = "plain")]
    pub format: TreeFormat,
    /// How many threads work; by default as many as the machine runs at once
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Replace and remove files in the tree that Tenantry has not written or that were edited by hand
    #[arg(long, conflicts_with = "check")]
    pub adopt: bool,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// Compare with the tree at this Git revision, or in this directory, instead of the files on disk
    #[arg(long, value_name = "REV|DIR")]
    pub against: Option<String>,
    /// The form of the output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: DiffFormat,
    /// Exit with 1 when anything differs
    #[arg(long)]
    pub exit_code: bool,
    /// Exit with 3 when a hazard that stops is not acknowledged
    #[arg(long)]
    pub gate: bool,
    /// How many threads work; by default as many as the machine runs at once
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A file of the rendered tree, which need not be there
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// One of its objects, such as Deployment/ml-pipeline; without it, all
    #[arg(value_name = "KIND/NAME")]
    pub object: Option<String>,
    /// A field of the object, such as `spec.template.spec.containers[0].image`, or a JSON pointer; elements of lists by
    /// number or by what tells them apart, such as `containers[main]`; without it, all
    #[arg(value_name = "FIELD.PATH", allow_hyphen_values = true)]
    pub field: Option<String>,
}

/// Arguments of `upgrade`.
#[derive(Debug, Args)]
pub struct Upgrade {
    /// The base to move to; by default the newest one below base/
    #[arg(long, value_name = "BASE")]
    pub to: Option<String>,
    /// Move this project only; may be given several times
    #[arg(long = "project", value_name = "NAME", conflicts_with = "ring")]
    pub projects: Vec<String>,
    /// Move the projects of this ring only
    #[arg(long, value_name = "RING")]
    pub ring: Option<String>,
    /// Say what would happen, and edit nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How many threads work; by default as many as the machine runs at once
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// Arguments of `publish`.
#[derive(Debug, Args)]
pub struct Publish {
    /// The branch to commit to, made when it is missing; by default `platform.repository.branch`
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<String>,
    /// Commit to the branch of this remote, a name or a URL, instead of to the one here; fetches first, and
    /// renders again when somebody else was faster
    #[arg(long, value_name = "REMOTE")]
    pub push: Option<String>,
    /// The author, as `Name <e-mail>`; by default as Git is configured
    #[arg(long, value_name = "AUTHOR")]
    pub author: Option<String>,
    /// The message of the commit; by default it names the commit of the inputs
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    /// The time of the commit, such as 2026-11-22T10:15:00Z; by default the author's is that of the commit of the
    /// inputs, the committer's is now
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// The form of the tree
    #[arg(long, value_name = "FORMAT", default_value = "plain")]
    pub format: TreeFormat,
    /// Replace and remove files on the branch that Tenantry has not written or that were edited by hand
    #[arg(long)]
    pub adopt: bool,
    /// Also commit `hydrator.metadata`, which tells GitOps tools the commit of the inputs, at the top of the tree
    #[arg(long)]
    pub hydrator_metadata: bool,
    /// How many threads work; by default as many as the machine runs at once
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// Subcommands of `images`.
#[derive(Debug, Subcommand)]
pub enum Images {
    /// Print every image that the fleet runs, also those in variables, arguments and ConfigMaps; with -v or as JSON,
    /// where it is used
    List(ImagesList),
    /// Ask registries for digests, and write them into the files of base/
    Pin(ImagesPin),
    /// Ask registries whether the digests are still there, and whether their tags still stand for them
    Verify(ImagesVerify),
}

/// Arguments of `images list`.
#[derive(Debug, Args)]
pub struct ImagesList {
    /// How many threads work; by default as many as the machine runs at once
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// Arguments of `images pin`.
#[derive(Debug, Args)]
pub struct ImagesPin {
    /// Pin every image of every base below base/, not only those that the fleet runs
    #[arg(long)]
    pub all: bool,
    /// Ask for images that are pinned already, too, and follow their tags
    #[arg(long)]
    pub update: bool,
    /// How many threads look for images; by default as many as the machine runs at once
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// Arguments of `images verify`.
#[derive(Debug, Args)]
pub struct ImagesVerify {
    /// How many threads look for images; by default as many as the machine runs at once
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// The form of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For people at a terminal
    Text,
    /// A comment on a pull request, at most 65,536 characters
    Markdown,
    /// One JSON document
    Json,
}

/// The form of the rendered tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TreeFormat {
    /// Plain manifests
    Plain,
    /// Pinned bases and patches for kustomize
    Kustomize,
}

impl TreeFormat {
    /// Returns the form of the tree.
    pub fn form(self) -> Form {
        match self {
            TreeFormat::Plain => Form::Plain,
            TreeFormat::Kustomize => Form::Kustomize,
        }
    }
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct Man {
    /// The command that the page is about; without it, the page about tenantry
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

/// What holds for the whole run, settled.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `--root`, when it was given.
    pub root: Option<PathBuf>,
    /// The form of messages.
    pub format: report::Format,
    /// Whether messages are coloured.
    pub color: bool,
    /// Whether data on standard output is coloured.
    pub data_color: bool,
    /// How much is said.
    pub verbosity: Verbosity,
    /// Whether progress may be drawn on standard error.
    pub progress: bool,
    /// The top of the repository that a CI service has checked out, against which it takes paths.
    pub workspace: Option<PathBuf>,
}

/// How much is said besides errors and warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Nothing.
    Quiet,
    /// What was done, in a line.
    Normal,
    /// What was done to each directory.
    Verbose,
}

impl Cli {
    /// Settles what the global options, the environment and the terminal say.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the place where the environment is read"
    )]
    pub fn settings(&self) -> Settings {
        let Global {
            root,
            color,
            message_format,
            quiet,
            verbose,
        } = &self.global;
        let terminal = std::io::stderr().is_terminal();
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        let format = match message_format {
            MessageFormat::Human => report::Format::Human,
            MessageFormat::Json => report::Format::Json,
            MessageFormat::Github => report::Format::Github,
            MessageFormat::Sarif => report::Format::Sarif,
        };
        let colored = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            // Source: no-color.org, "when present and not an empty string".
            Color::Auto => terminal && !dumb && variable("NO_COLOR").is_none(),
        };
        Settings {
            root: root.clone(),
            format,
            color: colored(terminal),
            data_color: colored(std::io::stdout().is_terminal()),
            verbosity: match (quiet, verbose) {
                (true, _) => Verbosity::Quiet,
                (false, true) => Verbosity::Verbose,
                (false, false) => Verbosity::Normal,
            },
            progress: terminal && !dumb && !quiet && format == report::Format::Human,
            workspace: variable("GITHUB_WORKSPACE").map(PathBuf::from),
        }
    }
}

impl Render {
    /// Returns the projects that were named; `None` for all.
    pub fn selection(&self) -> Option<BTreeSet<String>> {
        (!self.projects.is_empty()).then(|| self.projects.iter().cloned().collect())
    }
}

/// Returns where Docker keeps its configuration, and with it credentials for registries; `None` without a home.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the place where the environment is read"
)]
pub fn docker_config() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let directory = match variable("DOCKER_CONFIG") {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(variable("HOME")?).join(".docker"),
    };
    Some(directory.join("config.json"))
}

/// Returns the working directory.
///
/// Errors: when it is gone or cannot be read.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the place where the environment is read"
)]
pub fn working_directory() -> anyhow::Result<PathBuf> {
    use anyhow::Context as _;
    std::env::current_dir().context("reading the working directory")
}

/// One role in a commit, as the environment has it.
#[derive(Debug, Clone, Default)]
pub struct Role {
    /// `GIT_AUTHOR_NAME` or `GIT_COMMITTER_NAME`.
    pub name: Option<String>,
    /// `GIT_AUTHOR_EMAIL` or `GIT_COMMITTER_EMAIL`.
    pub email: Option<String>,
    /// `GIT_AUTHOR_DATE` or `GIT_COMMITTER_DATE`.
    pub date: Option<String>,
}

/// Returns what the environment says of the author or of the committer, as `git commit` reads it.
///
/// `role` is `AUTHOR` or `COMMITTER`.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place where the environment is read"
)]
pub fn role(role: &str) -> Role {
    let variable = |what: &str| {
        let value = std::env::var(format!("GIT_{role}_{what}")).ok();
        value.filter(|value| !value.is_empty())
    };
    Role {
        name: variable("NAME"),
        email: variable("EMAIL"),
        date: variable("DATE"),
    }
}

/// Returns the time, in seconds since 1970; a clock before that counts as that.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place where the clock is read"
)]
pub fn now() -> i64 {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| {
        i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
    })
}

/// Returns how many threads to use: as asked for, or as many as the machine runs at once.
pub fn threads(jobs: Option<NonZeroUsize>) -> NonZeroUsize {
    jobs.unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
}
