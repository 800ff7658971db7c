//! Every image of the fleet, and where it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use super::super::{Failure, parallel};
use crate::cli;
use crate::compile::Compilation;
use crate::console::Console;
use crate::diagnostic::Diagnostics;

/// What is known of one image.
#[derive(Debug, Default)]
pub(super) struct Image {
    /// What it is called where it comes from.
    pub(super) sources: BTreeSet<String>,
    /// Directory, project, object and field.
    pub(super) uses: BTreeSet<(String, Option<String>, String, String)>,
}

/// Returns the images by the references that the fleet fetches them by.
pub(super) fn images(
    compilation: &Compilation,
    jobs: Option<NonZeroUsize>,
    console: &mut Console,
) -> Result<BTreeMap<String, Image>, Failure> {
    let directories = compilation.directories(None);
    let found = Mutex::new((BTreeMap::<String, Image>::new(), Diagnostics::default()));
    let progress = console.progress("looking at", directories.len());
    let threads = cli::threads(jobs);
    let outcome = parallel::for_each(threads, directories.len(), |number| {
        let mut diagnostics = Diagnostics::default();
        let images = compilation.images(directories[number], &mut diagnostics);
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.1.extend(diagnostics);
        // The reasons of a rejection are among the findings; the others are looked at all the same.
        for used in images.iter().flat_map(|images| &images.uses) {
            let image = found.0.entry(used.image.clone()).or_default();
            image.sources.insert(used.source.clone());
            for (index, directory) in images
                .iter()
                .flat_map(|images| images.directories.iter().enumerate())
            {
                let project = images
                    .as_ref()
                    .ok()
                    .and_then(|images| images.projects.get(index));
                image.uses.insert((
                    directory.clone(),
                    project.map(|project| (*project).to_owned()),
                    used.object.clone(),
                    used.path.clone(),
                ));
            }
        }
        progress.step();
        Ok::<(), Failure>(())
    });
    drop(progress);
    let (images, diagnostics) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    console.diagnostics.extend(diagnostics);
    outcome?;
    if console.diagnostics.has_errors() {
        return Err(Failure::Rejected);
    }
    Ok(images)
}
