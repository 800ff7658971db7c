//! Kustomize trees, natively: from kustomizations to plain objects.
//!
//! Takes files in memory and gives the objects that `kubectl kustomize` would print, each with its origin. Remote bases
//! come through a callback, so nothing here reads disks or opens connections. Knows nothing of what is done with the
//! objects.
//!
//! Follows kustomize v5.5.0 (kubectl 1.32): order of the transformations, field specifications, name references, hashes.
//! It differs on purpose where kustomize damages or loses something without a word:
//! - patches follow [`crate::patch`]: lists keep the order of the object, and what kustomize drops is refused;
//! - a key that stands twice, a second document of a kustomization, a date without quotes, an annotation that is not a
//!   scalar are refused, and so is a replacement that would leave an empty string;
//! - integers beyond 2^53 stay exact under JSON 6902 patches;
//! - fields that are not acted on are refused by name: Helm, plugins, `crds`, `openapi` schemas, files on web servers.
//!
//! Everything is found by hashed look-ups, so time is linear in the number of objects, where kustomize's is quadratic.

mod build;
mod config;
mod context;
mod field;
mod file;
mod generate;
mod hash;
mod load;
mod order;
mod patches;
mod path;
mod place;
mod reader;
mod references;
mod remote;
mod replacements;
mod resource;
mod set;
mod transform;
mod tree;
mod vars;

use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostics, Rejected};
use crate::source::{Sources, Span};

pub use remote::Remote;
pub use tree::{InvalidPath, Tree};

/// How a tree is flattened.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which files a kustomization may read.
    pub reach: Reach,
    /// How much is accepted.
    pub limits: Limits,
}

/// Which files a kustomization may read; bases and components may be anywhere in the tree in either case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// Those in its own directory and below, as kustomize does by default.
    #[default]
    Directory,
    /// Those of the whole tree, as kustomize does with `--load-restrictor LoadRestrictionsNone`, which leaves the tree too.
    Tree,
}

/// How much is accepted.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most objects, counting a base as often as it is used.
    pub objects: usize,
    /// Most bytes of files, counted in the same way.
    pub bytes: usize,
    /// Most kustomizations, counted in the same way.
    pub kustomizations: usize,
    /// Most kustomizations inside of each other.
    pub depth: usize,
}

impl Default for Limits {
    /// Returns limits that all of Kubeflow stays far below.
    fn default() -> Self {
        Limits {
            objects: 50_000,
            bytes: 256 << 20,
            kustomizations: 10_000,
            depth: 64,
        }
    }
}

/// What a tree flattens to.
#[derive(Debug, Clone, Default)]
pub struct Flattened {
    /// The objects in the order in which kustomize prints them.
    pub objects: Vec<FlatObject>,
}

/// One object of a flattened tree.
#[derive(Debug, Clone)]
pub struct FlatObject {
    /// The object: a mapping with `apiVersion`, `kind` and `metadata.name`.
    pub body: Value,
    /// The beginning of the document that it was read from, or the entry of the generator that made it.
    pub origin: Span,
}

/// Why a tree could not be flattened.
#[derive(Debug)]
pub enum Stop {
    /// The tree is wrong, or asks for what is not done here; the diagnostics say why.
    Rejected,
    /// A remote base could not be fetched; the error names it.
    Fetch(anyhow::Error),
}

impl From<Rejected> for Stop {
    fn from(Rejected: Rejected) -> Self {
        Stop::Rejected
    }
}

/// Gives the files of a remote base; called once per repository and reference.
pub type Fetch<'f> = dyn FnMut(&Remote) -> anyhow::Result<Arc<Tree>> + 'f;

/// Flattens the kustomization in the directory `root` of a tree; the empty path is the tree's own root.
///
/// Errors: `invalid-kustomization`, `unsupported-kustomization`, `unknown-key`, `wrong-type`, `file-not-found`,
/// `unsafe-path`, `invalid-manifest`, `duplicate-object`, `input-too-large`, `invalid-utf8`, the codes of patches and of
/// the loader; each points into a file of the tree.
pub fn flatten(
    tree: &Arc<Tree>,
    root: &str,
    options: &Options,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
    fetch: &mut Fetch<'_>,
) -> Result<Flattened, Stop> {
    build::run(tree, root, options, sources, diagnostics, fetch)
}

/// Tells whether the directory `root` of a tree holds a kustomization.
pub fn is_kustomization(tree: &Tree, root: &str) -> bool {
    file::FILE_NAMES
        .iter()
        .any(|name| matches!(tree.find(root, name), Ok((_, tree::Found::File(_)))))
}

/// Reads the objects of a directory without kustomizations: every YAML and JSON file in it and below.
///
/// Errors: `file-not-found` without such files; `invalid-manifest`, `duplicate-object`, `unsupported-kustomization` for a
/// kustomization below the directory, `input-too-large`, `invalid-utf8` and the codes of the loader.
pub fn read_directory(
    tree: &Arc<Tree>,
    root: &str,
    options: &Options,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Flattened, Rejected> {
    build::read_directory(tree, root, options, sources, diagnostics)
}
