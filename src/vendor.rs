//! `vendor`: upstream kustomize trees, or plain directories, at a Git reference become pinned bases.
//!
//! Fetches through the `git` program, flattens in memory ([`crate::kustomize`]), sorts the objects out, proposes a
//! `base.yaml` and writes `base/<name>/` with its lines of `base/base.lock`. A base is swapped in as a whole: until
//! then nothing below `base/` is touched. Knows nothing of what the objects do; what a proposal says of them comes from
//! the bases at hand.

mod address;
mod adopt;
mod bases;
mod block;
pub(crate) mod disk;
mod fetch;
mod images;
mod known;
mod localise;
mod propose;
mod reference;
mod relock;
mod request;
mod sort_out;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::base::Base;
use crate::diagnostic::{Diagnostics, Rejected};
use crate::diff::{self, ObjectChange, Objects};
use crate::digest::{Digest, Hasher};
use crate::inputs;
use crate::kustomize::{self, Flattened, Options, Reach, Remote, Stop, Tree};
use crate::source::{FileId, Sources};
use crate::yaml;

use bases::Bases;
use block::with_block;
use disk::Disk;
use fetch::Fetcher;
use reference::Reference;

pub use relock::relock;
pub use request::{Origin, Request};
pub use verify::verify;

/// What was vendored.
#[derive(Debug, Clone)]
pub struct Vendored {
    /// Name of the base.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Number of objects in each file, by path below the base's directory.
    pub objects: BTreeMap<String, usize>,
    /// The images, by the names that the base gives them.
    pub images: BTreeMap<String, String>,
    /// What has changed on the disk.
    pub news: News,
}

/// What has changed in a base.
#[derive(Debug, Clone)]
pub enum News {
    /// The whole base is new.
    All,
    /// Nothing.
    Nothing,
    /// Some of it.
    Some {
        /// Images that come, go or are others: name, before, now.
        images: Vec<(String, Option<String>, Option<String>)>,
        /// Objects of `manifests/` and `cluster/`.
        objects: Vec<ObjectChange>,
    },
}

/// Why nothing was vendored.
#[derive(Debug)]
pub enum Failure {
    /// The tree or the base is wrong; the diagnostics say why.
    Rejected,
    /// The request cannot be meant.
    Usage(String),
    /// The network, `git` or the disk failed; the error names the address or the path.
    Environment(anyhow::Error),
}

impl From<Rejected> for Failure {
    fn from(Rejected: Rejected) -> Self {
        Failure::Rejected
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Rejected => Failure::Rejected,
            Stop::Fetch(error) => Failure::Environment(error),
        }
    }
}

impl From<inputs::Failure> for Failure {
    fn from(failure: inputs::Failure) -> Self {
        match failure {
            inputs::Failure::Rejected => Failure::Rejected,
            inputs::Failure::Environment(error) => Failure::Environment(error),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Environment(error)
    }
}

/// Returns the names of the bases that were vendored.
///
/// Errors: `base-lock-mismatch`.
pub fn vendored(
    root: &Path,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<String>, Failure> {
    let bases = Bases::load(&Disk::open(root)?, sources, diagnostics)?;
    let mut names = bases.names();
    names.retain(|name| bases.recorded(name).is_ok());
    Ok(names)
}

/// Makes a new base.
///
/// Errors: a base of that name, `base-lock-mismatch` for the bases that are there, the codes of
/// [`kustomize::flatten`], `duplicate-object`; what `git` says.
pub fn add(
    root: &Path,
    request: &Request,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Vendored, Failure> {
    request.check().map_err(Failure::Usage)?;
    let disk = Disk::open(root)?;
    let bases = Bases::load(&disk, sources, diagnostics)?;
    if bases.has(&request.name) {
        return Err(Failure::Usage(format!(
            "`base/{}` is there already; `tenantry vendor update {0}` brings it up to date",
            request.name
        )));
    }
    let place = disk.scratch()?;
    let mut fetcher = Fetcher::new(place.path().to_owned());
    let (sorted, origin) = sorted(request, &bases, &mut fetcher, sources, diagnostics)?;
    let SortedTree {
        sorted,
        kept,
        references,
        components,
        mut files,
    } = sorted;
    let text = propose::propose(&request.name, &origin, &kept, &references, &components);
    files.insert("base.yaml".to_owned(), text);
    let images = propose::named_images(&kept, &references, &components, &BTreeMap::new());
    files.extend(components);
    check_base(&request.name, &files, diagnostics)?;
    disk.write(&request.name, &files, bases.lock)?;
    Ok(Vendored {
        name: request.name.clone(),
        images,
        objects: sorted.counts(),
        origin,
        news: News::All,
    })
}

/// Brings a vendored base up to date: `upstream` and `images` of its `base.yaml`, `manifests/` and `cluster/`.
///
/// `reference` and `url` take the place of what is recorded. Components and the rest of `base.yaml` stay as they are.
/// Errors: those of [`add`]; a base that was not vendored.
pub fn update(
    root: &Path,
    name: &str,
    reference: Option<&str>,
    url: Option<&str>,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Vendored, Failure> {
    let disk = Disk::open(root)?;
    let bases = Bases::load(&disk, sources, diagnostics)?;
    let recorded = bases.recorded(name)?;
    let request = Request {
        name: name.to_owned(),
        url: url.map_or_else(|| recorded.url.clone(), str::to_owned),
        reference: reference
            .map(str::to_owned)
            .or_else(|| recorded.reference.clone()),
        path: recorded.path.clone(),
        reach: recorded.reach,
    };
    request.check().map_err(Failure::Usage)?;
    let place = disk.scratch()?;
    let mut fetcher = Fetcher::new(place.path().to_owned());
    let mut warnings = Diagnostics::default();
    let outcome = sorted(&request, &bases, &mut fetcher, sources, &mut warnings);
    let (sorted, origin) =
        outcome.inspect_err(|_| diagnostics.extend(std::mem::take(&mut warnings)))?;
    let own = bases.files_of(name);
    let former = Reference::read(name, &bases.files).map(|reference| reference.facts);
    let former_images = former
        .as_ref()
        .map(|facts| facts.images.clone())
        .unwrap_or_default();
    let images = propose::named_images(
        &sorted.kept,
        &sorted.references,
        &sorted.components,
        &former_images,
    );
    let mut files: BTreeMap<String, String> = own
        .iter()
        .filter(|(path, _)| !is_upstream(path))
        .map(|(path, text)| (path.clone(), text.clone()))
        .collect();
    files.extend(sorted.files);
    if let Some(facts) = files.get_mut("base.yaml") {
        *facts = with_block(facts, "upstream", &propose::upstream(&origin));
        *facts = with_block(facts, "images", &serde_json::json!(images));
        if let Some(former) = &former {
            let numbers = (former.version.as_str(), former.order);
            *facts = propose::renumbered(facts, numbers, &recorded, &origin);
        }
    }
    check_base(name, &files, diagnostics)?;
    let mut news = News::Nothing;
    if files != own {
        news = News::Some {
            images: changed_images(&former_images, &images),
            objects: diff::objects(&objects_of(&own), &objects_of(&files)),
        };
        diagnostics.extend(warnings);
        disk.write(name, &files, bases.lock)?;
    }
    Ok(Vendored {
        name: name.to_owned(),
        images,
        objects: sorted.sorted.counts(),
        origin,
        news,
    })
}

fn changed_images(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Vec<(String, Option<String>, Option<String>)> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .map(|name| (name.clone(), old.get(name).cloned(), new.get(name).cloned()))
        .filter(|(_, old, new)| old != new)
        .collect()
}

/// Reads the objects of `manifests/` and `cluster/`.
fn objects_of(files: &BTreeMap<String, String>) -> Objects {
    let manifests = files
        .iter()
        .filter(|(path, _)| path.starts_with("manifests/") || path.starts_with("cluster/"))
        .map(|(path, text)| (path.clone(), text.clone().into_bytes()))
        .collect();
    // Both were written by us: the old ones under a lock, the new ones just now.
    Objects::read(&manifests).0
}

/// Tells whether a file of a base, by path below its directory, comes from upstream as a whole.
fn is_upstream(path: &str) -> bool {
    path.starts_with("manifests/") || path.starts_with("cluster/") || path == localise::COMPONENT
}

/// Returns a file without its first line, which names the reference.
fn without_header(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

/// A tree that was fetched, flattened and sorted out.
struct SortedTree {
    sorted: sort_out::Sorted,
    /// The same without what components take out of every stack.
    kept: sort_out::Sorted,
    /// Bases that know its objects: the one of that name, if there is one, and the one of the others that knows most.
    references: Vec<Reference>,
    /// The components of the base, or, when there is no such base yet, those that are proposed for it.
    components: BTreeMap<String, String>,
    /// The texts that come from upstream.
    files: BTreeMap<String, String>,
}

/// Fetches, flattens and sorts out.
fn sorted(
    request: &Request,
    bases: &Bases,
    fetcher: &mut Fetcher,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<(SortedTree, Origin), Failure> {
    let main = Remote {
        url: request.url.clone(),
        reference: request.reference.clone(),
        path: request.path.clone(),
    };
    let fetched = fetcher.fetch(&main)?;
    let flattened = flatten(request, &fetched.tree, fetcher, sources, diagnostics)?;
    let keys: Vec<(String, String)> = flattened
        .objects
        .iter()
        .map(|object| {
            let text = |pointer: &str| {
                object
                    .body
                    .pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or("")
            };
            (text("/kind").to_owned(), text("/metadata/name").to_owned())
        })
        .collect();
    let own = Reference::read(&request.name, &bases.files);
    let other = Reference::choose(&bases.others(&request.name), &keys);
    let references: Vec<Reference> = own.into_iter().chain(other).collect();
    let sorted = sort_out::sort_out(flattened.objects, &references, diagnostics)?;
    let components = match references.last() {
        Some(reference) if !bases.has(&request.name) => adopt::components(reference, &sorted),
        _ => bases.components_of(&request.name),
    };
    let kept = sorted.without(&adopt::removed(&components));
    let mut origin = Origin {
        repository: address::shown(&request.url, None),
        reference: request.reference.clone(),
        path: request.path.trim_matches('/').to_owned(),
        whole_tree: request.reach == Reach::Tree,
        remotes: fetcher
            .fetched()
            .filter(|(url, reference, _)| {
                (*url, *reference) != (main.url.as_str(), main.reference.as_deref())
            })
            .map(|(url, reference, commit)| (address::shown(url, reference), commit.to_owned()))
            .collect(),
        commit: fetched.commit,
        digest: Digest::of(b""),
    };
    let files = texts(&sorted, &kept.localised, &origin);
    let mut hasher = Hasher::default();
    for (path, text) in &files {
        for part in [path.as_str(), without_header(text)] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    origin.digest = hasher.finish();
    let tree = SortedTree {
        sorted,
        kept,
        references,
        components,
        files,
    };
    Ok((tree, origin))
}

fn flatten(
    request: &Request,
    tree: &Arc<Tree>,
    fetcher: &mut Fetcher,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Flattened, Failure> {
    let options = Options {
        reach: request.reach,
        ..Options::default()
    };
    if kustomize::is_kustomization(tree, &request.path) {
        let fetch = &mut |remote: &Remote| Ok(fetcher.fetch(remote)?.tree);
        Ok(kustomize::flatten(
            tree,
            &request.path,
            &options,
            sources,
            diagnostics,
            fetch,
        )?)
    } else {
        Ok(kustomize::read_directory(
            tree,
            &request.path,
            &options,
            sources,
            diagnostics,
        )?)
    }
}

/// Writes the texts of `manifests/` and `cluster/`, and the component for the namespace.
fn texts(
    sorted: &sort_out::Sorted,
    localised: &[localise::Localised],
    origin: &Origin,
) -> BTreeMap<String, String> {
    let header = format!(
        "# Vendored from {} at {}; not to be edited, changes belong into patches.\n",
        origin.shown(),
        origin.commit
    );
    let parts = [
        ("manifests", &sorted.manifests),
        ("cluster", &sorted.cluster),
    ];
    let mut files = BTreeMap::new();
    for (directory, lists) in parts {
        for (file, objects) in lists {
            let mut text = header.clone();
            yaml::emit_documents(objects, &mut text);
            files.insert(format!("{directory}/{file}.yaml"), text);
        }
    }
    if !localised.is_empty() {
        let text = localise::component(&sorted.namespace, localised);
        files.insert(localise::COMPONENT.to_owned(), text);
    }
    files
}

impl sort_out::Sorted {
    fn counts(&self) -> BTreeMap<String, usize> {
        let manifests = self
            .manifests
            .iter()
            .map(|(file, list)| (format!("manifests/{file}.yaml"), list.len()));
        let cluster = self
            .cluster
            .iter()
            .map(|(file, list)| (format!("cluster/{file}.yaml"), list.len()));
        manifests.chain(cluster).collect()
    }
}

/// Loads a base as `render` will, before anything is written.
fn check_base(
    name: &str,
    files: &BTreeMap<String, String>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Rejected> {
    let mut sources = Sources::default();
    let ids: BTreeMap<String, FileId> = files
        .iter()
        .map(|(path, text)| {
            (
                path.clone(),
                sources.add(format!("base/{name}/{path}"), text.as_str()),
            )
        })
        .collect();
    let mut found = Diagnostics::default();
    let loaded = Base::load(name, &ids, &sources, &mut found);
    for finding in found.iter() {
        // Its texts are not written yet, so it cannot point into them.
        let mut finding = finding.clone();
        if let Some(span) = finding.span.take() {
            finding.path = Some(sources.get(span.file).path.clone());
        }
        finding.related.clear();
        diagnostics.push(finding);
    }
    loaded.map(|_| ())
}

/// Says what was vendored: for a new base what is in it, for another one what has changed.
pub fn summary(vendored: &Vendored, color: bool) -> String {
    let Vendored { name, origin, .. } = vendored;
    let mut text = format!("base/{name}: {} at {}\n", origin.shown(), origin.commit);
    for (remote, commit) in &origin.remotes {
        text.push_str(&format!("  with {remote} at {commit}\n"));
    }
    match &vendored.news {
        News::Nothing => {}
        News::All => {
            for (path, count) in &vendored.objects {
                let objects = if *count == 1 { "object" } else { "objects" };
                text.push_str(&format!("  {path}: {count} {objects}\n"));
            }
            for (image, reference) in &vendored.images {
                text.push_str(&format!("  image {image}: {reference}\n"));
            }
        }
        News::Some { images, objects } => {
            for (image, old, new) in images {
                let shown =
                    |image: &Option<String>| image.clone().unwrap_or_else(|| "none".to_owned());
                text.push_str(&format!(
                    "  image {image}: {} -> {}\n",
                    shown(old),
                    shown(new)
                ));
            }
            text.push_str(&diff::text::changes(objects, color));
        }
    }
    text
}
