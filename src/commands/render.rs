//! `validate` and `render`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::gate::Gate;
use super::{Failure, parallel, root, tree_failure};
use crate::cli::{self, Render, Validate, Verbosity};
use crate::compile::{Compilation, compile};
use crate::console::Console;
use crate::diagnostic::{Diagnostics, nearest};
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::report;
use crate::tree::{
    Checker, DiskTree, Form, Location, OldTree as _, Options, RenderedDirectory, Scope, Summary,
    TreeError, Writer,
};

/// How long a render waits for another one in the same tree.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads and checks everything, down to the last rendered byte, and writes nothing.
pub(super) fn validate(arguments: &Validate, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let inputs = Inputs::load(&root, &mut console.sources, &mut console.diagnostics)?;
    let compilation = compile(&inputs, &mut console.sources, &mut console.diagnostics)?;
    let directories = compilation.directories(None);
    let threads = cli::threads(arguments.jobs);
    render_each(
        &compilation,
        &directories,
        threads,
        "checking",
        console,
        |_| Ok(()),
        tree_failure,
    )?;
    console.note(
        Verbosity::Normal,
        &plural(compilation.projects().len(), "project", "projects", "valid"),
    );
    Ok(Exit::Done)
}

/// Brings the tree up to date, or says whether it is.
pub(super) fn render(arguments: &Render, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let inputs = Inputs::load(&root, &mut console.sources, &mut console.diagnostics)?;
    let form = arguments.format.form();
    let compilation =
        compile(&inputs, &mut console.sources, &mut console.diagnostics)?.in_form(form);
    let selection = arguments.selection();
    check_selection(selection.as_ref(), &compilation)?;
    let directories = compilation.directories(selection.as_ref());
    let location = match &arguments.out {
        Some(out) => Location::at(out),
        None => Location::below(&root, compilation.tree())
            .map_err(|error| tree_failure(error, console))?,
    };
    let work = Work {
        compilation: &compilation,
        directories: &directories,
        threads: cli::threads(arguments.jobs),
        location: &location,
        form,
        scope: selection.map_or(Scope::All, Scope::Projects),
    };
    if arguments.check {
        check(&work, console)
    } else {
        write(&work, arguments.adopt, console)
    }
}

/// What both ways of rendering need.
struct Work<'a> {
    compilation: &'a Compilation,
    directories: &'a [usize],
    threads: NonZeroUsize,
    location: &'a Location,
    form: Form,
    scope: Scope,
}

impl Work<'_> {
    fn each(
        &self,
        console: &mut Console,
        put: impl Fn(RenderedDirectory) -> Result<(), TreeError> + Sync,
    ) -> Result<(), Failure> {
        render_each(
            self.compilation,
            self.directories,
            self.threads,
            "rendering",
            console,
            put,
            tree_failure,
        )
    }
}

fn check(work: &Work<'_>, console: &mut Console) -> Result<Exit, Failure> {
    let old = DiskTree::open(work.location).map_err(|error| tree_failure(error, console));
    // An index that cannot be read counts as a difference, here and nowhere else.
    if let Ok(old) = &old {
        check_form(work, old)?;
    }
    let checker = Checker::open(work.location, work.scope.clone(), work.form)
        .map_err(|error| tree_failure(error, console))?;
    work.each(console, |rendered| checker.put(&rendered))?;
    let differing = checker
        .finish()
        .map_err(|error| tree_failure(error, console))?;
    if differing.is_empty() {
        console.note(
            Verbosity::Normal,
            &format!("{} is up to date", work.location.display("")),
        );
        return Ok(Exit::Done);
    }
    let mut lines = String::new();
    for path in &differing {
        // One line per path, whatever somebody has put into the name of a file.
        let shown = report::on_one_line(&work.location.display(path));
        let _infallible = writeln!(lines, "{shown}");
    }
    console.print(&lines).map_err(Failure::Output)?;
    let message = plural(
        differing.len(),
        "path differs",
        "paths differ",
        "from what is rendered",
    );
    console.note(
        Verbosity::Normal,
        &format!("{message}: run `tenantry render`"),
    );
    Ok(Exit::Different)
}

fn write(work: &Work<'_>, adopt: bool, console: &mut Console) -> Result<Exit, Failure> {
    let options = Options {
        adopt,
        scope: work.scope.clone(),
        form: work.form,
        patience: PATIENCE,
    };
    let waiting = || {
        let message = format!(
            "waiting for another process that renders into {}",
            work.location.display("")
        );
        console.note(Verbosity::Normal, &message);
    };
    let writer = Writer::open(work.location, options, waiting)
        .map_err(|error| tree_failure(error, console))?;
    // The writer holds the lock, so that the tree stays as it is until the writer changes it.
    let old = DiskTree::open(work.location).map_err(|error| tree_failure(error, console))?;
    check_form(work, &old)?;
    let gate = Gate::new(work.compilation, &old, &work.scope);
    work.each(console, |rendered| {
        let changed = writer.put(&rendered)?;
        gate.look(&rendered, changed)
    })?;
    let decision = gate.decide(adopt, console)?;
    if !decision.open {
        let stops = writer
            .stop()
            .map_err(|error| tree_failure(error, console))?;
        return Err(decision.refuse(&stops, console));
    }
    let summary = writer
        .finish()
        .map_err(|error| tree_failure(error, console))?;
    tell(&summary, work.location, console);
    Ok(Exit::Done)
}

/// Refuses to render some projects in another form than the rest of the tree has.
fn check_form(work: &Work<'_>, old: &DiskTree) -> Result<(), Failure> {
    let (now, wanted) = (old.form(), work.form);
    if work.scope == Scope::All || !old.has_index() || now == wanted {
        return Ok(());
    }
    let message = format!(
        "{} has the form `{}`, and `--format {}` is for whole trees: leave `--project` out once, or write `--format {}`",
        work.location.display(""),
        now.as_str(),
        wanted.as_str(),
        now.as_str(),
    );
    Err(Failure::Usage(message))
}

fn tell(summary: &Summary, location: &Location, console: &Console) {
    for (what, paths) in [("wrote", &summary.written), ("removed", &summary.removed)] {
        for path in paths {
            console.note(
                Verbosity::Verbose,
                &format!("{what} {}", location.display(path)),
            );
        }
    }
    for path in &summary.adopted {
        console.note(Verbosity::Normal, &format!("took over {path}"));
    }
    let written = plural(summary.written.len(), "directory", "directories", "written");
    let message = format!(
        "{}: {written}, {} removed, {} unchanged",
        location.display(""),
        summary.removed.len(),
        summary.unchanged
    );
    console.note(Verbosity::Normal, &message);
}

/// Renders every directory, on several threads, and passes each on as soon as it is finished, unless one was rejected.
///
/// All directories are looked at, whatever is found, so that every error is reported at once.
///
/// `refuse` makes a failure of what `put` could not do.
pub(super) fn render_each<E: Send>(
    compilation: &Compilation,
    directories: &[usize],
    threads: NonZeroUsize,
    what: &'static str,
    console: &mut Console,
    put: impl Fn(RenderedDirectory) -> Result<(), E> + Sync,
    refuse: impl FnOnce(E, &mut Console) -> Failure,
) -> Result<(), Failure> {
    let found = Mutex::new(Diagnostics::default());
    let progress = console.progress(what, directories.len());
    let outcome = parallel::for_each(threads, directories.len(), |number| {
        let (rendered, diagnostics) = compilation.render(directories[number]);
        let rejected = {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.extend(diagnostics);
            found.has_errors()
        };
        progress.step();
        match rendered {
            Ok(rendered) if !rejected => put(rendered),
            _ => Ok(()),
        }
    });
    drop(progress);
    console
        .diagnostics
        .extend(found.into_inner().unwrap_or_else(PoisonError::into_inner));
    if console.diagnostics.has_errors() {
        return Err(Failure::Rejected);
    }
    outcome.map_err(|error| refuse(error, console))
}

pub(super) fn check_selection(
    selection: Option<&BTreeSet<String>>,
    compilation: &Compilation,
) -> Result<(), Failure> {
    let names = compilation.projects();
    for name in selection.into_iter().flatten() {
        if !names.contains(&name.as_str()) {
            let near = nearest(name, names.iter().copied())
                .map(|near| format!("; a similar name is `{near}`"));
            let message = format!("there is no project `{name}`{}", near.unwrap_or_default());
            return Err(Failure::Usage(message));
        }
    }
    Ok(())
}

/// Returns `1 directory written` or `2 directories written`.
pub(super) fn plural(count: usize, one: &str, many: &str, what: &str) -> String {
    format!("{count} {} {what}", if count == 1 { one } else { many })
}
