//! `import`: converts what describes stacks elsewhere.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::Failure;
use crate::cli::Verbosity;
use crate::console::Console;
use crate::diagnostic::{Code, Diagnostic};
use crate::dspa;
use crate::exit::Exit;
use crate::source::FileId;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// What to convert.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print a `projects:` list for the DataSciencePipelinesApplications in files; what cannot be carried over is listed
    Dspa(Dspa),
}

#[derive(Debug, Args)]
struct Dspa {
    /// Manifests, such as `oc get dspa --all-namespaces --output yaml` prints
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Prints the entries, and tells how many there are.
pub(super) fn import(arguments: &Import, console: &mut Console) -> Result<Exit, Failure> {
    let What::Dspa(arguments) = &arguments.what;
    let mut files = Vec::new();
    for path in &arguments.files {
        files.extend(read(path, console)?);
    }
    if console.diagnostics.has_errors() {
        return Err(Failure::Rejected);
    }
    let text = dspa::import(&files, &console.sources, &mut console.diagnostics)
        .map_err(|_| Failure::Rejected)?;
    console.print(&text).map_err(Failure::Output)?;
    console.note(
        Verbosity::Normal,
        "these are settings only: databases, buckets and Secrets stay where they are",
    );
    Ok(Exit::Done)
}

/// Reads a file; one that is no text is reported.
#[expect(
    clippy::disallowed_methods,
    reason = "the files are named on the command line, and need not be in the repository"
)]
fn read(path: &Path, console: &mut Console) -> Result<Option<FileId>, Failure> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).with_context(|| format!("reading `{shown}`"))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(console.sources.add(shown, text))),
        Err(error) => {
            let start = error.utf8_error().valid_up_to();
            let message = format!("`{shown}` is not UTF-8 at byte {start}");
            let finding = Diagnostic::error(Code::InvalidUtf8, message).path(shown);
            console.diagnostics.push(finding);
            Ok(None)
        }
    }
}
