//! Where a run talks: data on standard output, everything else on standard error.
//!
//! Findings are gathered and written once, at the end, because one SARIF document holds all of them.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cli::{Settings, Verbosity};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::report::{self, Format};
use crate::source::Sources;

/// What a command talks to.
#[derive(Debug)]
pub struct Console {
    /// What the command line has settled.
    pub settings: Settings,
    /// The texts that findings point into.
    pub sources: Sources,
    /// What was found.
    pub diagnostics: Diagnostics,
    /// See [`report::Options::prefix`].
    prefix: String,
}

impl Console {
    /// Makes a console for one run.
    pub fn new(settings: Settings) -> Self {
        Console {
            settings,
            sources: Sources::default(),
            diagnostics: Diagnostics::default(),
            prefix: String::new(),
        }
    }

    /// Says where the root is, so that a CI service is told paths from the top of what it has checked out.
    pub fn set_root(&mut self, root: &Path) {
        let Some(workspace) = &self.settings.workspace else {
            return;
        };
        if let (Ok(root), Ok(workspace)) = (root.canonicalize(), workspace.canonicalize())
            && let Ok(below) = root.strip_prefix(workspace)
            && !below.as_os_str().is_empty()
        {
            self.prefix = format!("{}/", below.to_string_lossy());
        }
    }

    /// Writes data to standard output.
    ///
    /// Errors: those of standard output; a reader that has gone away is one, and `main` takes it for success.
    pub fn print(&self, data: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(data.as_bytes())?;
        out.flush()
    }

    /// Says something to a person; scripts do not see it.
    pub fn note(&self, verbosity: Verbosity, message: &str) {
        let for_people = matches!(self.settings.format, Format::Human | Format::Github);
        if for_people && self.settings.verbosity >= verbosity {
            // Nobody is left to be told when standard error is closed.
            let message = report::on_one_line(message);
            let _ignored = writeln!(io::stderr().lock(), "{message}");
        }
    }

    /// Prints what is wrong with the command line, as the parser of the command line does: as text, in any format.
    pub fn usage(&self, message: &str) {
        let mut err = io::stderr().lock();
        let color = self.settings.color;
        let _ignored = report::draw_message(&mut err, color, Severity::Error, message);
    }

    /// Adds the failure of the environment to what was found, for scripts, or prints it, for people.
    ///
    /// `path` is the file or directory that it is about, when that is known.
    pub fn fail(&mut self, error: &anyhow::Error, path: Option<&str>) {
        let message = format!("{error:#}");
        if self.settings.format == Format::Human {
            let mut err = io::stderr().lock();
            let _ignored =
                report::draw_message(&mut err, self.settings.color, Severity::Error, &message);
        } else {
            let mut finding = Diagnostic::error(Code::Environment, message);
            finding.path = path.map(str::to_owned);
            self.diagnostics.push(finding);
        }
    }

    /// Writes everything that was found.
    pub fn finish(self) {
        let options = report::Options {
            format: self.settings.format,
            color: self.settings.color,
            prefix: self.prefix,
        };
        let mut err = io::BufWriter::new(io::stderr().lock());
        let findings = self.diagnostics.into_sorted();
        let _ignored =
            report::draw(&mut err, &options, &findings, &self.sources).and_then(|()| err.flush());
    }

    /// Begins to show how far a long piece of work is.
    pub fn progress(&self, what: &'static str, total: usize) -> Progress {
        Progress {
            what,
            total,
            done: AtomicUsize::new(0),
            shown: self.settings.progress,
        }
    }
}

/// One line on a terminal that says how far the work is; nothing anywhere else.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: usize,
    done: AtomicUsize,
    shown: bool,
}

impl Progress {
    /// Counts one more piece, and redraws the line once for each hundredth of the work.
    pub fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let percent = |done: usize| done * 100 / self.total.max(1);
        if self.shown && percent(done) != percent(done - 1) {
            let _ignored = write!(
                io::stderr().lock(),
                "\r{} {done}/{} ({}%)\u{1b}[K",
                self.what,
                self.total,
                percent(done)
            );
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown && *self.done.get_mut() > 0 {
            let _ignored = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}
