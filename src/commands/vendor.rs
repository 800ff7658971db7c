//! `vendor`: brings upstream kustomize trees into `base/`.

use clap::{Args, Subcommand};

use super::{Failure, root};
use crate::base::lock::Edit;
use crate::cli::Verbosity;
use crate::console::Console;
use crate::exit::Exit;
use crate::kustomize::Reach;
use crate::vendor::{self, News, Request, Vendored};

/// Arguments of `vendor`.
#[derive(Debug, Args)]
pub struct Vendor {
    /// What to do.
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Flatten an upstream kustomize tree, or a directory of manifests, into a new base
    Add(Add),
    /// Fetch vendored bases again and rewrite what comes from upstream
    Update(Update),
    /// Compare every base with base/base.lock
    Verify(Verify),
    /// Accept what was written into base.yaml and the components of bases: bring base/base.lock up to date
    Lock(Lock),
}

#[derive(Debug, Args)]
struct Add {
    /// The repository: https://, ssh://, file:// or user@host:path
    #[arg(long, value_name = "URL")]
    git: String,
    /// The branch, tag or commit; without it, the default branch
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// The directory of the kustomization in the repository
    #[arg(long, value_name = "DIR", default_value = "")]
    path: String,
    /// The name of the base, and of its directory below base/
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Let kustomizations read files anywhere in the repository, not only below their own directory
    #[arg(long)]
    whole_tree: bool,
}

#[derive(Debug, Args)]
struct Update {
    /// The bases; without any, all that were vendored
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Move to this branch, tag or commit
    #[arg(long = "ref", value_name = "REF", requires = "names")]
    reference: Option<String>,
    /// Fetch from this repository from now on
    #[arg(long, value_name = "URL", requires = "names")]
    git: Option<String>,
}

#[derive(Debug, Args)]
struct Verify {
    /// The bases; without any, all
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Also flatten the recorded commits anew and compare; this opens network connections
    #[arg(long)]
    upstream: bool,
}

#[derive(Debug, Args)]
struct Lock {
    /// The bases
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

impl From<vendor::Failure> for Failure {
    fn from(failure: vendor::Failure) -> Self {
        match failure {
            vendor::Failure::Rejected => Failure::Rejected,
            vendor::Failure::Usage(message) => Failure::Usage(message),
            vendor::Failure::Environment(error) => Failure::Environment(error),
        }
    }
}

/// Does what is asked for; what was vendored goes to standard output.
pub(super) fn vendor(arguments: &Vendor, console: &mut Console) -> Result<Exit, Failure> {
    match &arguments.action {
        Action::Add(arguments) => add(arguments, console),
        Action::Update(arguments) => update(arguments, console),
        Action::Verify(arguments) => verify(arguments, console),
        Action::Lock(arguments) => lock(arguments, console),
    }
}

fn add(arguments: &Add, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let path = arguments.path.trim_start_matches("./").trim_matches('/');
    let request = Request {
        name: arguments.name.clone(),
        url: arguments.git.clone(),
        reference: arguments.reference.clone(),
        path: if path == "." {
            String::new()
        } else {
            path.to_owned()
        },
        reach: if arguments.whole_tree {
            Reach::Tree
        } else {
            Reach::Directory
        },
    };
    console.note(Verbosity::Normal, &format!("fetching {}", request.shown()));
    let vendored = vendor::add(
        &root,
        &request,
        &mut console.sources,
        &mut console.diagnostics,
    )?;
    tell(&vendored, console)?;
    console.note(
        Verbosity::Normal,
        &format!(
            "`base/{0}/base.yaml` is a proposal: look at it, then write `base: {0}`",
            vendored.name
        ),
    );
    Ok(Exit::Done)
}

fn update(arguments: &Update, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let names = if arguments.names.is_empty() {
        vendor::vendored(&root, &mut console.sources, &mut console.diagnostics)?
    } else {
        arguments.names.clone()
    };
    if names.is_empty() {
        console.note(Verbosity::Normal, "no base was vendored");
    }
    for name in &names {
        console.note(Verbosity::Normal, &format!("updating base/{name}"));
        let vendored = vendor::update(
            &root,
            name,
            arguments.reference.as_deref(),
            arguments.git.as_deref(),
            &mut console.sources,
            &mut console.diagnostics,
        )?;
        match vendored.news {
            News::Nothing => {
                console.note(Verbosity::Normal, &format!("base/{name} is up to date"));
            }
            News::All | News::Some { .. } => tell(&vendored, console)?,
        }
    }
    Ok(Exit::Done)
}

fn verify(arguments: &Verify, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let verified = vendor::verify(
        &root,
        &arguments.names,
        arguments.upstream,
        &mut console.sources,
        &mut console.diagnostics,
    )?;
    for name in verified {
        console.note(Verbosity::Normal, &format!("base/{name} is as locked"));
    }
    Ok(Exit::Done)
}

/// Prints each file whose line of the lock is another one now.
fn lock(arguments: &Lock, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    for name in &arguments.names {
        let edits = vendor::relock(&root, name, &mut console.sources, &mut console.diagnostics)?;
        for (path, edit) in &edits {
            let sign = match edit {
                Edit::Added => '+',
                Edit::Changed => '~',
                Edit::Removed => '-',
            };
            let line = format!("{sign} base/{path}\n");
            console.print(&line).map_err(Failure::Output)?;
        }
        if edits.is_empty() {
            console.note(Verbosity::Normal, &format!("base/{name} is as locked"));
        }
    }
    Ok(Exit::Done)
}

fn tell(vendored: &Vendored, console: &Console) -> Result<(), Failure> {
    console
        .print(&vendor::summary(vendored, console.settings.data_color))
        .map_err(Failure::Output)
}
