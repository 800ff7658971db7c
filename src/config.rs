//! The language of `projects.yaml`, exactly as written.
//!
//! Takes the text and gives a located tree of which every part has the shape that the schema asks for, with all
//! that is wrong reported at once. Layers (`defaults`, profile, project) are merged here; what the settings mean is
//! the business of [`crate::model`]. Knows nothing of the file system.

pub mod forms;
pub mod merge;
pub mod node;
pub mod read;
pub mod shape;
mod syntax;
pub mod types;

pub use node::{Content, Entry, Node};
pub use read::{decode, read};

use std::sync::OnceLock;

use crate::diagnostic::{Diagnostics, Rejected};
use crate::source::{FileId, Sources};

/// Reads and checks the structure of a file.
///
/// The tree is returned although parts of it were reported as wrong, so that the rest can be checked as well; those
/// parts are [`Content::Rejected`].
/// Errors: those of [`read()`] (nothing can be said about the rest then) and [`shape::check`].
pub fn parse(
    sources: &Sources,
    file: FileId,
    diagnostics: &mut Diagnostics,
) -> Result<Node, Rejected> {
    let node = read(sources, file, diagnostics)?;
    // The schema never changes, and deriving it takes longer than checking a small file.
    static SHAPE: OnceLock<shape::Shape> = OnceLock::new();
    let shape = SHAPE.get_or_init(|| shape::Shape::compile(&crate::schema::schema()));
    let mut node = shape::check(shape, node, sources, diagnostics);
    forms::expand(&mut node);
    Ok(node)
}
