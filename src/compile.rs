//! From inputs to rendered directories.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::inputs::{Failure, Inputs};
use crate::source::Sources;
use crate::tree::RenderedDirectory;

/// An input that was accepted: what is left is rendering one directory after another, in any order, on any thread.
#[derive(Debug)]
pub struct Compilation {
    tree: String,
}

/// Reads and checks everything that does not depend on a single directory.
///
/// Errors: [`Failure::Rejected`] with the reasons in `diagnostics`; [`Failure::Environment`] when a file cannot be read.
pub fn compile(
    _inputs: &Inputs,
    _sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Compilation, Failure> {
    diagnostics.push(Diagnostic::error(
        Code::NotYet,
        "the compiler is not connected",
    ));
    Err(Failure::Rejected)
}

impl Compilation {
    /// Returns where the tree lies below the root: `platform.repository.path`.
    pub fn tree(&self) -> &str {
        &self.tree
    }

    /// Returns the names of all projects, sorted.
    pub fn projects(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Returns the numbers of the directories to render: all, or those that the given projects have a part in.
    pub fn directories(&self, _projects: Option<&BTreeSet<String>>) -> Vec<usize> {
        Vec::new()
    }

    /// Renders one directory; the diagnostics hold warnings, or the reasons of a rejection.
    pub fn render(&self, _number: usize) -> (Result<RenderedDirectory, Rejected>, Diagnostics) {
        (Err(Rejected), Diagnostics::default())
    }
}
