//! `images`: what the fleet runs.

mod fleet;
mod pin;
mod registries;
mod verify;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Failure, root};
use crate::cli::{ImagesList, Verbosity};
use crate::compile::compile;
use crate::console::Console;
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::report::{self, Format};
use fleet::Image;

pub(super) use pin::pin;
pub(super) use verify::verify;

/// Prints every image of the fleet once.
pub(super) fn list(arguments: &ImagesList, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let inputs = Inputs::load(&root, &mut console.sources, &mut console.diagnostics)?;
    let compilation = compile(&inputs, &mut console.sources, &mut console.diagnostics)?;
    let images = fleet::images(&compilation, arguments.jobs, console)?;
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
