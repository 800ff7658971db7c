//! `report`: the fleet on one page.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::render::render_each;
use super::{Failure, parallel, root, tree_failure};
use crate::cli::{self, Verbosity};
use crate::compile::{Compilation, compile};
use crate::confined::{Directory, Masked};
use crate::console::Console;
use crate::demand::Demand;
use crate::diagnostic::{Diagnostics, Severity};
use crate::diff::Unreadable;
use crate::examine::{self, Examined, Examiner, unreadable_diagnostic};
use crate::exit::Exit;
use crate::fleet::{Fleet, Line, html, json, text};
use crate::hazard::Finding;
use crate::hazard::gate::judge;
use crate::inputs::Inputs;
use crate::report::Format;
use crate::tree::{DiskTree, Location, OldTree, TreeError};

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// Also write the page as HTML, into one file that needs nothing beside it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// How many threads work; by default as many as the machine runs at once
    #[arg(long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
}

/// Prints the page; hazards are told of, and stop nothing.
pub(super) fn report(arguments: &Report, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let inputs = Inputs::load(&root, &mut console.sources, &mut console.diagnostics)?;
    let compilation = compile(&inputs, &mut console.sources, &mut console.diagnostics)?;
    let location =
        Location::below(&root, compilation.tree()).map_err(|error| tree_failure(error, console))?;
    let old = DiskTree::open(&location).map_err(|error| tree_failure(error, console))?;
    let compilation = compilation.in_form(old.form());
    let findings = hazards(&compilation, &old, arguments, console)?;
    let lines = lines(&compilation, arguments, console)?;
    let verdict = judge(findings, &compilation.model.acknowledged, |_| true);
    let fleet = Fleet::new(lines, verdict, location.display(""));
    if let Some(path) = &arguments.html {
        write(path, html::write(&fleet).as_bytes())
            .with_context(|| format!("writing `{}`", path.display()))?;
        let message = format!("`{}` written", path.display());
        console.note(Verbosity::Normal, &message);
    }
    let page = if console.settings.format == Format::Json {
        format!("{}\n", json::document(&fleet))
    } else {
        text::write(&fleet)
    };
    console.print(&page).map_err(Failure::Output)?;
    Ok(Exit::Done)
}

/// Finds the hazards of the next render; what cannot be read of the old tree is a warning.
fn hazards(
    compilation: &Compilation,
    old: &dyn OldTree,
    arguments: &Report,
    console: &mut Console,
) -> Result<Vec<Finding>, Failure> {
    #[derive(Default)]
    struct Found {
        rendered: BTreeSet<String>,
        findings: Vec<Finding>,
        unreadable: Vec<(String, Unreadable)>,
        diagnostics: Diagnostics,
    }
    let examiner = Examiner::new(compilation, old, false);
    let found: Mutex<Found> = Mutex::default();
    let take = |outcome: Result<Option<Examined>, examine::Failure>| -> Result<(), TreeError> {
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(None) => {}
            Ok(Some(examined)) => {
                found.findings.extend(examined.findings);
                found.unreadable.extend(examined.unreadable);
            }
            Err(examine::Failure::Rejected(diagnostics)) => found.diagnostics.extend(diagnostics),
            Err(examine::Failure::Tree(error)) => return Err(error),
        }
        Ok(())
    };
    render_each(
        compilation,
        &compilation.directories(None),
        cli::threads(arguments.jobs),
        "comparing",
        console,
        |directory| {
            take(examiner.rendered(&directory))?;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.rendered.insert(directory.path);
            Ok(())
        },
        tree_failure,
    )?;
    let rendered = {
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut found.rendered)
    };
    for (path, recorded) in examiner.gone(&rendered) {
        take(examiner.removed(path, recorded)).map_err(|error| tree_failure(error, console))?;
    }
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    console.diagnostics.extend(found.diagnostics);
    let mut unreadable = found.unreadable;
    unreadable.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, unreadable) in unreadable {
        let mut warning = unreadable_diagnostic(&path, unreadable, &mut console.sources);
        warning.severity = Severity::Warning;
        console.diagnostics.push(warning);
    }
    Ok(console.diagnostics.accept(found.findings)?)
}

/// Adds up what the objects of each project ask for.
fn lines(
    compilation: &Compilation,
    arguments: &Report,
    console: &mut Console,
) -> Result<Vec<Line>, Failure> {
    let projects = &compilation.model.projects;
    let lines: Mutex<Vec<Line>> = Mutex::default();
    let progress = console.progress("adding up", projects.len());
    parallel::for_each(cli::threads(arguments.jobs), projects.len(), |number| {
        let project = &projects[number];
        // Rendering it has said already what there is to say.
        let objects = compilation
            .objects(project, &mut Diagnostics::default())
            .map_err(|_| Failure::Rejected)?;
        let line = Line::new(project, Demand::of(objects.iter()));
        lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
        progress.step();
        Ok::<(), Failure>(())
    })?;
    Ok(lines.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Writes a file as a whole: until it is there, what was there stays.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| anyhow!("this is not the name of a file"))?;
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let directory = Directory::open_trusted(above.unwrap_or(Path::new(".")))?;
    let mut prepared = OsString::from(".");
    prepared.push(name);
    prepared.push(".tenantry");
    // Of a run that was killed.
    directory.remove_all(&prepared)?;
    let outcome = directory
        .write_new(&prepared, bytes, Masked::Yes)
        .and_then(|file| file.sync_all())
        .and_then(|()| directory.rename(&prepared, &directory, name));
    if outcome.is_err() {
        // The next run removes it.
        let _ignored = directory.remove_file(&prepared);
    }
    Ok(outcome?)
}
