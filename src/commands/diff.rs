//! `diff`: what would change, and what is hazardous about it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;

use super::publish::join;
use super::render::render_each;
use super::{Failure, root, tree_failure};
use crate::cli::{self, Diff, DiffFormat};
use crate::compile::{Compilation, compile};
use crate::console::Console;
use crate::diagnostic::Diagnostics;
use crate::diff::{
    Collector, HazardNote, Overview, Owner, Standing, Unreadable, json, markdown, text,
};
use crate::examine::{self, Examined, Examiner, unreadable_diagnostic};
use crate::exit::Exit;
use crate::git::{Repository, RevisionTree};
use crate::hazard::Finding;
use crate::hazard::gate::{Verdict, judge};
use crate::inputs::Inputs;
use crate::tree::{DiskTree, INDEX, Location, OldTree, TreeError};

/// Prints what differs between a tree and what the inputs render to.
pub(super) fn diff(arguments: &Diff, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let inputs = Inputs::load(&root, &mut console.sources, &mut console.diagnostics)?;
    let compilation = compile(&inputs, &mut console.sources, &mut console.diagnostics)?;
    // Without a repository around the root, there are directories to compare with.
    let repository = Repository::discover(&root).ok();
    let against = against(
        arguments.against.as_deref(),
        &root,
        compilation.tree(),
        repository.as_ref(),
        console,
    )?;
    // In the form of the tree that it is compared with: the wiring differs between forms.
    let compilation = compilation.in_form(against.tree.form());
    let gathered = gather(&compilation, &*against.tree, arguments, console)?;

    let model = &compilation.model;
    let findings: Vec<(Owner, Finding)> = gathered.findings;
    let mut owners: Vec<Owner> = findings.iter().map(|(owner, _)| owner.clone()).collect();
    owners.sort_by(|a, b| a.path.cmp(&b.path));
    let verdict = judge(
        findings.into_iter().map(|(_, finding)| finding).collect(),
        &model.acknowledged,
        |_| true,
    );
    let mut collector = gathered.collector;
    add_hazards(&verdict, &owners, &mut collector);
    let overview = collector.finish();
    let page = match arguments.format {
        DiffFormat::Text => text::write(&overview, console.settings.data_color),
        DiffFormat::Markdown => markdown::write(&overview, &against.name),
        DiffFormat::Json => format!("{:#}\n", json::document(&overview, &against.name)),
    };
    console.print(&page).map_err(Failure::Output)?;

    let unreadable = !gathered.unreadable.is_empty();
    for (path, unreadable) in gathered.unreadable {
        let diagnostic = unreadable_diagnostic(&path, unreadable, &mut console.sources);
        console.diagnostics.push(diagnostic);
    }
    for warning in verdict.warnings() {
        console.diagnostics.push(warning);
    }
    if arguments.gate {
        for reason in verdict.reasons(model) {
            console.diagnostics.push(reason);
        }
    }
    if unreadable || arguments.gate && !verdict.stopping.is_empty() {
        return Err(Failure::Stopped);
    }
    Ok(status(&overview, arguments.exit_code))
}

fn status(overview: &Overview, wanted: bool) -> Exit {
    if wanted && !overview.is_empty() {
        Exit::Different
    } else {
        Exit::Done
    }
}

/// What the inputs are compared with.
struct Against<'r> {
    tree: Box<dyn OldTree + 'r>,
    name: String,
}

/// Finds what `--against` names; without it, the files on disk.
///
/// What looks like a path is one. Anything else is a revision if there is one of that name, and a directory only
/// then: a directory that a pull request brings along must not take the place of the branch that it is compared with.
fn against<'r>(
    named: Option<&str>,
    root: &Path,
    tree: &str,
    repository: Option<&'r Repository>,
    console: &mut Console,
) -> Result<Against<'r>, Failure> {
    let Some(named) = named else {
        let location = Location::below(root, tree).map_err(|error| tree_failure(error, console))?;
        return on_disk(&location, location.display(""), console);
    };
    if let Some(repository) = repository.filter(|_| !is_path(named))
        && repository.knows(named)?
    {
        let path = join(&repository.path_of(root)?, tree);
        let reader = repository.read(named, &path)?;
        let tree = RevisionTree::open(format!("{named}:{path}"), reader)
            .map_err(|error| tree_failure(error, console))?;
        return Ok(Against {
            tree: Box::new(tree),
            name: named.to_owned(),
        });
    }
    let directory = Path::new(named);
    if !directory.is_dir() {
        // The command line may well be right, and the clone too shallow.
        return Err(Failure::Environment(match repository {
            Some(_) => anyhow!(
                "`{named}` is neither a revision nor a directory; a branch of a remote may have to be fetched first"
            ),
            None => {
                anyhow!("`{named}` is no directory, and the root does not lie in a Git repository")
            }
        }));
    }
    // A whole checkout stands for the tree in it.
    let holds = |path: &Path| path.join(INDEX).is_file();
    let location = if holds(&directory.join(tree)) && !holds(directory) {
        Location::below(directory, tree).map_err(|error| tree_failure(error, console))?
    } else {
        Location::at(directory)
    };
    on_disk(&location, named.to_owned(), console)
}

/// Tells whether `--against` names a path, which no revision looks like.
fn is_path(named: &str) -> bool {
    named.starts_with(['.', '/']) || named.ends_with('/')
}

fn on_disk<'r>(
    location: &Location,
    name: String,
    console: &mut Console,
) -> Result<Against<'r>, Failure> {
    let tree = DiskTree::open(location).map_err(|error| tree_failure(error, console))?;
    Ok(Against {
        tree: Box::new(tree),
        name,
    })
}

/// What was found in all directories.
struct Gathered {
    collector: Collector,
    findings: Vec<(Owner, Finding)>,
    unreadable: Vec<(String, Unreadable)>,
}

/// Compares directory after directory, and keeps only what differs.
fn gather(
    compilation: &Compilation,
    old: &dyn OldTree,
    arguments: &Diff,
    console: &mut Console,
) -> Result<Gathered, Failure> {
    let examiner = Examiner::new(compilation, old, true);
    let gathered = Mutex::new(Gathered {
        collector: Collector::default(),
        findings: Vec::new(),
        unreadable: Vec::new(),
    });
    let rejected = Mutex::new(Diagnostics::default());
    let rendered: Mutex<BTreeSet<String>> = Mutex::default();
    let take = |outcome: Result<Option<Examined>, examine::Failure>| -> Result<(), TreeError> {
        match outcome {
            Ok(None) => {}
            Ok(Some(examined)) => {
                let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
                let owner = &examined.diff.owner;
                let findings = examined
                    .findings
                    .into_iter()
                    .map(|finding| (owner.clone(), finding));
                gathered.findings.extend(findings);
                gathered.unreadable.extend(examined.unreadable);
                gathered.collector.add(examined.diff);
            }
            Err(examine::Failure::Rejected(found)) => {
                rejected
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(found);
            }
            Err(examine::Failure::Tree(error)) => return Err(error),
        }
        Ok(())
    };
    let directories = compilation.directories(None);
    let threads = cli::threads(arguments.jobs);
    render_each(
        compilation,
        &directories,
        threads,
        "comparing",
        console,
        |directory| {
            take(examiner.rendered(&directory))?;
            rendered
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(directory.path);
            Ok(())
        },
        tree_failure,
    )?;
    let rendered = rendered
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    for (path, recorded) in examiner.gone(&rendered) {
        take(examiner.removed(path, recorded)).map_err(|error| tree_failure(error, console))?;
    }
    console.diagnostics.extend(
        rejected
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner),
    );
    if console.diagnostics.has_errors() {
        return Err(Failure::Rejected);
    }
    let mut gathered = gathered
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    gathered.unreadable.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(gathered)
}

/// Hands the judged hazards to the collector; `owners` are sorted by path.
pub(super) fn add_hazards(verdict: &Verdict<'_>, owners: &[Owner], collector: &mut Collector) {
    let judged = [
        (Standing::Stops, &verdict.stopping),
        (Standing::Acknowledged, &verdict.acknowledged),
        (Standing::Listed, &verdict.listed),
    ];
    for (standing, findings) in judged {
        for finding in findings {
            let at = owners.partition_point(|owner| owner.path < finding.directory);
            // Another project than the directory's own may be in danger, such as the one that it is taken from.
            let mut owner = owners.get(at).cloned().unwrap_or_default();
            if finding.project.is_some() && owner.project != finding.project {
                owner.project = finding.project.clone();
            }
            let note = HazardNote {
                standing,
                name: finding.hazard.as_str(),
                what: finding.what.clone(),
                old: finding.old.clone(),
                new: finding.new.clone(),
            };
            collector.hazard(&owner, note);
        }
    }
}
