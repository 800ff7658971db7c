//! `images`: what the fleet runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Failure, parallel, root};
use crate::cli::{self, ImagesList, Verbosity};
use crate::compile::compile;
use crate::console::Console;
use crate::diagnostic::Diagnostics;
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::report::{self, Format};

/// What is known of one image.
#[derive(Debug, Default)]
struct Image {
    /// What it is called where it comes from.
    sources: BTreeSet<String>,
    /// Directory, project, object and field.
    uses: BTreeSet<(String, Option<String>, String, String)>,
}

/// Prints every image of the fleet once.
pub(super) fn list(arguments: &ImagesList, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let inputs = Inputs::load(&root, &mut console.sources, &mut console.diagnostics)?;
    let compilation = compile(&inputs, &mut console.sources, &mut console.diagnostics)?;
    let directories = compilation.directories(None);
    let found = Mutex::new((BTreeMap::<String, Image>::new(), Diagnostics::default()));
    let progress = console.progress("looking at", directories.len());
    let threads = cli::threads(arguments.jobs);
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
    let text = if console.settings.format == Format::Json {
        as_json(&images)
    } else {
        as_text(&images, console.settings.verbosity == Verbosity::Verbose)
    };
    console.print(&text).map_err(Failure::Output)?;
    Ok(Exit::Done)
}

/// One image per line; below it, when that is asked for, what it is a mirror of and where it is used.
fn as_text(images: &BTreeMap<String, Image>, verbose: bool) -> String {
    let mut text = String::new();
    for (name, image) in images {
        let _infallible = writeln!(text, "{name}");
        if !verbose {
            continue;
        }
        for source in image.sources.iter().filter(|source| *source != name) {
            let _infallible = writeln!(text, "  mirror of {source}");
        }
        for (directory, _, object, path) in &image.uses {
            // Keys of ConfigMaps and names of extra objects are texts of the user's.
            let line = report::on_one_line(&format!("{directory} {object} {path}"));
            let _infallible = writeln!(text, "  {line}");
        }
    }
    text
}

/// One JSON object per line.
fn as_json(images: &BTreeMap<String, Image>) -> String {
    let mut text = String::new();
    for (name, image) in images {
        let uses: Vec<Value> = image
            .uses
            .iter()
            .map(|(directory, project, object, path)| {
                json!({"directory": directory, "project": project, "object": object, "path": path})
            })
            .collect();
        let line = json!({"image": name, "sources": image.sources, "uses": uses});
        let _infallible = writeln!(text, "{line}");
    }
    text
}
