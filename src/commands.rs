//! One function per command: glue between the command line, the compiler and the disk.

mod diff;
mod explain;
mod gate;
mod images;
pub mod import;
mod init;
mod parallel;
mod print;
mod publish;
mod render;
pub mod report;
mod upgrade;
pub mod vendor;

use std::io;
use std::path::PathBuf;

use crate::cli::{self, Cli, Command, Images};
use crate::console::Console;
use crate::diagnostic::Rejected;
use crate::exit::Exit;
use crate::inputs::{self, find_root};
use crate::tree::TreeError;

/// Why a command has not done what it was asked for.
#[derive(Debug)]
enum Failure {
    /// The input was rejected; the console has the reasons.
    Rejected,
    /// A safety gate; the console has the reasons.
    Stopped,
    /// The command line is wrong in a way that only shows later.
    Usage(String),
    /// Standard output cannot be written.
    Output(io::Error),
    /// The world outside is not as it should be; the console has the reasons.
    Unavailable,
    /// Anything else of the world outside; the error names the path.
    Environment(anyhow::Error),
}

impl From<inputs::Failure> for Failure {
    fn from(failure: inputs::Failure) -> Self {
        match failure {
            inputs::Failure::Rejected => Failure::Rejected,
            inputs::Failure::Environment(error) => Failure::Environment(error),
        }
    }
}

impl From<Rejected> for Failure {
    fn from(Rejected: Rejected) -> Self {
        Failure::Rejected
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Environment(error)
    }
}

/// Runs the command and returns how it has ended; everything there is to say has been said.
pub fn run(cli: &Cli) -> Exit {
    let mut console = Console::new(cli.settings());
    let outcome = match &cli.command {
        Command::Init(arguments) => init::init(arguments, &console),
        Command::Validate(arguments) => render::validate(arguments, &mut console),
        Command::Render(arguments) => render::render(arguments, &mut console),
        Command::Diff(arguments) => diff::diff(arguments, &mut console),
        Command::Publish(arguments) => publish::publish(arguments, &mut console),
        Command::Explain(arguments) => explain::run(arguments, &mut console),
        Command::Images(Images::List(arguments)) => images::list(arguments, &mut console),
        Command::Images(Images::Pin(arguments)) => images::pin(arguments, &mut console),
        Command::Images(Images::Verify(arguments)) => images::verify(arguments, &mut console),
        Command::Upgrade(arguments) => upgrade::run(arguments, &mut console),
        Command::Report(arguments) => report::report(arguments, &mut console),
        Command::Import(arguments) => import::import(arguments, &mut console),
        Command::Vendor(arguments) => vendor::vendor(arguments, &mut console),
        Command::Schema => print::schema(&console),
        Command::Completions(arguments) => print::completions(arguments, &console),
        Command::Man(arguments) => print::man(arguments, &console),
    };
    let exit = match outcome {
        Ok(exit) => exit,
        Err(Failure::Rejected) => Exit::Rejected,
        Err(Failure::Stopped) => Exit::Stopped,
        Err(Failure::Unavailable) => Exit::Environment,
        // As in any pipe: who reads only the first lines wants no more.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(Failure::Output(error)) => {
            let error = anyhow::Error::new(error).context("writing to standard output");
            console.fail(&error, None);
            Exit::Environment
        }
        Err(Failure::Usage(message)) => {
            console.usage(&message);
            Exit::Usage
        }
        Err(Failure::Environment(error)) => {
            let path = match error.downcast_ref() {
                Some(TreeError::Environment { path, .. }) => Some(path.as_str()),
                _ => None,
            };
            console.fail(&error, path);
            Exit::Environment
        }
    };
    console.finish();
    exit
}

/// Returns the root: as the command line says, or the nearest directory upwards that holds `projects.yaml`.
///
/// Without any, the working directory, where reading then says what is missing.
fn root(console: &mut Console) -> Result<PathBuf, Failure> {
    let root = match &console.settings.root {
        Some(root) => root.clone(),
        None => {
            let start = cli::working_directory()?;
            find_root(&start).unwrap_or(start)
        }
    };
    console.set_root(&root);
    Ok(root)
}

/// Takes what stopped a render to the console.
fn tree_failure(error: TreeError, console: &mut Console) -> Failure {
    match error {
        TreeError::Stopped(stops) => {
            for stop in &stops {
                console.diagnostics.push(stop.to_diagnostic());
            }
            Failure::Stopped
        }
        environment @ TreeError::Environment { .. } => {
            Failure::Environment(anyhow::Error::new(environment))
        }
    }
}
