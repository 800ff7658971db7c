//! `upgrade`: what moving to another base means, and the edit of `projects.yaml` that does it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, anyhow};

use super::diff::add_hazards;
use super::render::plural;
use super::{Failure, parallel, root};
use crate::cli::{self, Upgrade, Verbosity};
use crate::compile::{BaseFiles, Compilation, base_files, compile};
use crate::config;
use crate::confined::{Directory, Masked};
use crate::console::Console;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, nearest};
use crate::diff::{Collector, Owner};
use crate::exit::Exit;
use crate::hazard::Finding;
use crate::hazard::gate::judge;
use crate::inputs::{self, Inputs, PROJECTS};
use crate::report::Format;
use crate::source::FileId;
use crate::upgrade::{self, Choice, Moved, Report};

/// Prints what a move means and, unless something speaks against it, edits `projects.yaml`.
pub(super) fn run(arguments: &Upgrade, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let inputs = Inputs::load(&root, &mut console.sources, &mut console.diagnostics)?;
    let mut found = Diagnostics::default();
    let before = match compile(&inputs, &mut console.sources, &mut found) {
        Ok(before) => before,
        Err(failure) => {
            console.diagnostics.extend(found);
            return Err(failure.into());
        }
    };
    let to = target(arguments, &before)?;
    let choice = choice(arguments, &before)?;
    let tree = config::read(
        &console.sources,
        inputs.projects,
        &mut Diagnostics::default(),
    )?;
    let plan = upgrade::plan(&before, &tree, &choice, &to);
    if plan.blocks.is_empty() {
        for (name, base, _) in &plan.stays {
            let message = format!("{name} stays on {base}: `--project {name}` moves it");
            console.note(Verbosity::Normal, &message);
        }
        console.note(Verbosity::Normal, &format!("nothing to do for {to}"));
        return Ok(Exit::Done);
    }
    let edited = upgrade::set_base(&console.sources, inputs.projects, &plan.blocks, &to);
    let edited = edited.map_err(|diagnostic| {
        console.diagnostics.push(*diagnostic);
        Failure::Rejected
    })?;
    let files = base_files(&inputs);
    let Some(after) = again(&edited, &inputs, &files, console)? else {
        console.note(Verbosity::Normal, UNTOUCHED);
        return Err(Failure::Rejected);
    };
    let (report, refusal) = compare(
        &before,
        &after,
        &plan.stays,
        &to,
        &found,
        arguments,
        console,
    )?;
    let page = if console.settings.format == Format::Json {
        format!("{:#}\n", report.json(&console.sources))
    } else {
        let full = console.settings.verbosity == Verbosity::Verbose;
        report.text(&console.sources, full, console.settings.data_color)
    };
    console.print(&page).map_err(Failure::Output)?;
    if let Some(failure) = refusal {
        console.note(Verbosity::Normal, UNTOUCHED);
        return Err(failure);
    }
    if arguments.dry_run {
        return Ok(Exit::Done);
    }
    let text = &console.sources.get(inputs.projects).text;
    replace(&root, text, &edited)?;
    let edits = plural(plan.blocks.len(), "line", "lines", "edited");
    console.note(
        Verbosity::Normal,
        &format!("{PROJECTS}: {edits}; `tenantry render` renders them"),
    );
    Ok(Exit::Done)
}

/// What is said when nothing was done.
const UNTOUCHED: &str = "projects.yaml is as it was";

/// Returns the base to move to: the one that is named, or the newest.
fn target(arguments: &Upgrade, compilation: &Compilation) -> Result<String, Failure> {
    let names: Vec<&str> = compilation.bases().map(|base| base.name.as_str()).collect();
    match &arguments.to {
        Some(to) if names.contains(&to.as_str()) => Ok(to.clone()),
        Some(to) => {
            let near = nearest(to, names.iter().copied());
            let hint = match near {
                Some(near) => format!("a similar name is `{near}`"),
                None => format!("there are {}", names.join(", ")),
            };
            Err(Failure::Usage(format!("there is no base `{to}`; {hint}")))
        }
        None => {
            let newest = compilation.bases().max_by_key(|base| base.order);
            let newest = newest.ok_or_else(|| Failure::Usage("there are no bases".to_owned()))?;
            Ok(newest.name.clone())
        }
    }
}

fn choice(arguments: &Upgrade, compilation: &Compilation) -> Result<Choice, Failure> {
    let projects = &compilation.model.projects;
    if let Some(ring) = &arguments.ring {
        let rings: BTreeSet<&str> = projects
            .iter()
            .filter_map(|project| project.ring.as_deref())
            .collect();
        if !rings.contains(ring.as_str()) {
            let near = nearest(ring, rings.iter().copied())
                .map(|near| format!("; a similar name is `{near}`"));
            let message = format!(
                "no project has the ring `{ring}`{}",
                near.unwrap_or_default()
            );
            return Err(Failure::Usage(message));
        }
        return Ok(Choice::Ring(ring.clone()));
    }
    if arguments.projects.is_empty() {
        return Ok(Choice::Fleet);
    }
    let names: BTreeSet<String> = arguments.projects.iter().cloned().collect();
    super::render::check_selection(Some(&names), compilation)?;
    Ok(Choice::Projects(names))
}

/// Compiles the edited text; `None` when it is refused, with the reasons on the console.
fn again(
    edited: &str,
    inputs: &Inputs,
    files: &BaseFiles,
    console: &mut Console,
) -> Result<Option<Compilation>, Failure> {
    let file: FileId = console.sources.add(PROJECTS, edited);
    let compiled = Compilation::load(
        file,
        files,
        &mut console.sources,
        &mut console.diagnostics,
        |paths, sources, diagnostics| inputs.read(paths, sources, diagnostics),
    );
    match compiled {
        Ok(compilation) => Ok(Some(compilation)),
        Err(inputs::Failure::Rejected) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// Compares all projects that move, and says why the edit must not be made, if anything speaks against it.
fn compare(
    before: &Compilation,
    after: &Compilation,
    stays: &[(String, String, Option<crate::source::Span>)],
    to: &str,
    warned: &Diagnostics,
    arguments: &Upgrade,
    console: &mut Console,
) -> Result<(Report, Option<Failure>), Failure> {
    let projects = &before.model.projects;
    let found: Mutex<(BTreeMap<usize, Moved>, Diagnostics)> = Mutex::default();
    let progress = console.progress("comparing", projects.len());
    let threads = cli::threads(arguments.jobs);
    let outcome = parallel::for_each(threads, projects.len(), |number| {
        let mut diagnostics = Diagnostics::default();
        let moved = upgrade::compare(before, after, &projects[number], &mut diagnostics);
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.1.extend(diagnostics);
        match moved {
            Ok(Some(moved)) => {
                found.0.insert(number, moved);
            }
            Ok(None) => {}
            Err(reasons) => found.1.extend(reasons),
        }
        progress.step();
        Ok::<(), Failure>(())
    });
    drop(progress);
    outcome?;
    let (moved, diagnostics) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    console.diagnostics.extend(diagnostics);
    let moved: Vec<Moved> = moved.into_values().collect();

    let clusters = upgrade::compare_clusters(before, after, &mut console.diagnostics);
    let rejected = console.diagnostics.has_errors();
    let mut collector = Collector::default();
    let mut owners: Vec<Owner> = Vec::new();
    let mut findings: Vec<Finding> = Vec::new();
    let directories = moved
        .iter()
        .filter_map(|moved| Some((moved.diff.clone()?, moved.findings.clone())));
    for (directory, of_directory) in directories.chain(clusters) {
        owners.push(directory.owner.clone());
        findings.extend(of_directory);
        collector.add(directory);
    }
    owners.sort_by(|a, b| a.path.cmp(&b.path));
    let verdict = judge(findings, &after.model.acknowledged, |_| false);
    add_hazards(&verdict, &owners, &mut collector);
    for reason in verdict.reasons(&after.model) {
        console.diagnostics.push(reason);
    }
    let report = Report::new(to, &moved, stays.to_vec(), collector.finish());
    // What was to be warned of before says nothing about the move.
    let known: Vec<String> = warned.iter().map(about).collect();
    let found = std::mem::take(&mut console.diagnostics);
    for diagnostic in found.iter() {
        if diagnostic.severity == Severity::Error || !known.contains(&about(diagnostic)) {
            console.diagnostics.push(diagnostic.clone());
        }
    }
    let refusal = if rejected {
        Some(Failure::Rejected)
    } else if verdict.stopping.is_empty() {
        None
    } else {
        Some(Failure::Stopped)
    };
    Ok((report, refusal))
}

/// Says what a finding is about, wherever it is.
fn about(diagnostic: &Diagnostic) -> String {
    format!(
        "{} {:?} {}",
        diagnostic.code.as_str(),
        diagnostic.project,
        diagnostic.message
    )
}

/// Puts the edited text in the place of the file, in one step and with the file's mode.
fn replace(root: &Path, text: &str, edited: &str) -> Result<(), Failure> {
    let shown = root.join(PROJECTS);
    let context = || format!("writing `{}`", shown.display());
    let directory = Directory::open_trusted(root).with_context(context)?;
    if !directory.try_lock().with_context(context)? {
        return Err(anyhow!("another process is editing `{}`", shown.display()).into());
    }
    let name = OsStr::new(PROJECTS);
    let file = directory
        .open_file(name)
        .map_err(|error| anyhow!("{error:?}"))
        .with_context(context)?;
    let mode = file.metadata().with_context(context)?.permissions();
    let limit = u64::try_from(text.len()).unwrap_or(u64::MAX);
    let now = directory
        .read(name, limit)
        .map_err(|error| anyhow!("{error:?}"))
        .with_context(context)?;
    if now != text.as_bytes() {
        return Err(anyhow!("`{}` was changed meanwhile", shown.display()).into());
    }
    // What a killed run has left behind; nobody else writes it under the lock.
    let temporary = OsStr::new(".projects.yaml.tenantry");
    directory.remove_file(temporary).with_context(context)?;
    let written = directory
        .write_new(temporary, edited.as_bytes(), Masked::No)
        .and_then(|new| {
            new.set_permissions(mode)?;
            new.sync_all()
        })
        .and_then(|()| directory.rename(temporary, &directory, name))
        .and_then(|()| directory.sync());
    if let Err(error) = written {
        // The failure is told of; what is left of the attempt is no worse than before.
        let _ignored = directory.remove_file(temporary);
        return Err(anyhow::Error::new(error).context(context()).into());
    }
    Ok(())
}
