//! Staged rendering: what all projects of one shape share is computed once.
//!
//! Two projects have one shape when they differ only in the few texts that make a project itself: its name, its namespace, its identifiers in shared storage, its host and client, its members, its prose.
//! A shape is rendered once, with a placeholder for each of these texts; what comes out is a [`Skeleton`], files with gaps.
//! Filling the gaps for one project costs little more than copying the bytes.
//!
//! The skeleton of a shape depends on the shape alone, never on the project that was rendered first, so the bytes are the same in any order.
//! Whatever could make a filled skeleton differ from a rendering of the project itself rules staging out for that shape or project ([`Slots::take`], [`Skeleton::new`]); it is then rendered directly.
//! `tests/staging.rs` holds the two ways against each other.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::Digest;
use crate::layout;
use crate::model::{Credentials, Member, Project, StorageKind};
use crate::object::Object;
use crate::render;
use crate::yaml::{self, Leaf};

/// What every placeholder starts with.
///
/// Letters and digits, so that a placeholder passes for a label, an SQL identifier and a bucket alike and never needs quotes.
const MARK: &str = "zq7tenantry";

/// Length of a placeholder: the mark, its kind and its number.
const LENGTH: usize = MARK.len() + 4;

/// The texts that make a project itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slots {
    values: Vec<String>,
    /// Numbers of the texts that are prose: any characters, but never a part of another text.
    prose: Vec<usize>,
}

impl Slots {
    /// Takes the texts out of a project, which becomes its shape, and returns them; `None` when the project cannot be staged.
    ///
    /// An identifier that needs quotes in YAML or escapes in JSON cannot, because it may stand inside of a text that is itself YAML or JSON.
    pub fn take(project: &mut Project) -> Option<Slots> {
        let mut slots = Slots::default();
        let mut fit = true;
        let mut identifier = |text: &mut String| {
            fit &= is_identifier(text);
            slots.replace(text);
        };
        identifier(&mut project.name);
        identifier(&mut project.namespace);
        if project.database.kind != StorageKind::Embedded {
            identifier(&mut project.database.database);
            identifier(&mut project.database.user);
        }
        if project.object_store.kind != StorageKind::Embedded {
            match &mut project.object_store.prefix {
                Some(prefix) => identifier(prefix),
                None => identifier(&mut project.object_store.bucket),
            }
        }
        for credentials in [
            &mut project.database.credentials,
            &mut project.object_store.credentials,
        ] {
            if let Credentials::ExternalSecret { key, .. } = credentials {
                identifier(key);
            }
        }
        if let Some(access) = &mut project.access {
            access.host.iter_mut().for_each(&mut identifier);
            if let Some(oidc) = &mut access.oidc {
                identifier(&mut oidc.client_id);
                identifier(&mut oidc.client_secret.name);
            }
        }
        let members = &mut project.members;
        let mut prose: Vec<&mut String> = Vec::new();
        for member in [
            &mut members.admins,
            &mut members.editors,
            &mut members.viewers,
        ]
        .into_iter()
        .flatten()
        {
            match member {
                Member::User(name) | Member::Group(name) => prose.push(name),
                Member::ServiceAccount { namespace, name } => {
                    identifier(namespace);
                    identifier(name);
                }
            }
        }
        for text in [&mut project.description, &mut project.owner]
            .into_iter()
            .flatten()
            .chain(prose)
        {
            fit &= !text.is_empty() && !text.contains(MARK);
            slots.prose.push(slots.values.len());
            slots.replace(text);
        }
        // Placeholders number the texts with three digits.
        fit &= slots.values.len() < 1000;
        fit.then_some(slots)
    }

    fn replace(&mut self, text: &mut String) {
        let number = self.values.len();
        self.values
            .push(std::mem::replace(text, placeholder('s', number)));
    }
}

/// Writes a placeholder of one kind (`s` for a text, `h` for a hash) and number.
fn placeholder(kind: char, number: usize) -> String {
    format!("{MARK}{kind}{number:03}")
}

/// Tells whether a text of a value, or a key in it, has a gap.
pub fn has_gaps(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains(MARK),
        Value::Array(items) => items.iter().any(has_gaps),
        Value::Object(map) => map
            .iter()
            .any(|(key, below)| key.contains(MARK) || has_gaps(below)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Tells whether a text is written the same inside and outside of other texts.
fn is_identifier(text: &str) -> bool {
    let mut written = String::new();
    yaml::emit_leaf(text, 0, &mut written);
    written.trim_end() == text && !text.contains(' ') && !text.contains(MARK)
}

/// The files of one shape, with gaps.
#[derive(Debug)]
pub struct Skeleton {
    files: BTreeMap<String, Vec<Piece>>,
    hashes: Vec<Hash>,
}

/// A part of a file.
#[derive(Debug)]
enum Piece {
    /// Bytes that all projects share.
    Fixed(String),
    /// A string with gaps, and the indentation to write it with.
    Leaf(Vec<Part>, usize),
}

/// A part of a string.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Text that all projects share.
    Fixed(String),
    /// One of the project's own texts.
    Slot(usize),
    /// One of the hashes.
    Hash(usize),
}

/// A hash of text with gaps.
#[derive(Debug)]
struct Hash {
    parts: Vec<Part>,
    length: usize,
}

/// Hands out placeholders for the hashes of texts with gaps while a shape is rendered.
#[derive(Debug, Default)]
pub struct Hashes {
    texts: Vec<(String, usize)>,
}

impl Hashes {
    /// Returns the first `length` digits of the hash of a text, or a placeholder for them when the text has gaps.
    pub fn hash(&mut self, text: &str, length: usize) -> String {
        if !text.contains(MARK) {
            return render::hash(text, length);
        }
        self.texts.push((text.to_owned(), length));
        placeholder('h', self.texts.len() - 1)
    }
}

impl Skeleton {
    /// Makes the skeleton of a shape from its objects; `None` when filling it could give something else than rendering a project.
    ///
    /// That is so when a gap is in a key or decides the order of objects, and when prose is a part of a longer text, which may have a syntax of its own.
    pub fn new(objects: &[Object], base: &str, slots: &Slots, hashes: Hashes) -> Option<Skeleton> {
        let ordered = |object: &&Object| object.kind() != "Namespace";
        if hashes.texts.len() > 900
            || objects
                .iter()
                .filter(ordered)
                .any(|object| object.name().contains(&format!("{MARK}s")))
        {
            return None;
        }
        let mut leaves: BTreeMap<String, Vec<(Vec<Part>, Leaf)>> = BTreeMap::new();
        let texts = layout::texts(objects, base, |file, text, leaf| {
            if text.contains(MARK) {
                leaves
                    .entry(file.to_owned())
                    .or_default()
                    .push((parts(text), leaf));
            }
        });
        let mut files = BTreeMap::new();
        for (file, text) in texts {
            let mut pieces = Vec::new();
            let mut at = 0;
            for (parts, leaf) in leaves.remove(&file).unwrap_or_default() {
                pieces.push(Piece::Fixed(text[at..leaf.range.start].to_owned()));
                at = leaf.range.end;
                pieces.push(Piece::Leaf(parts, leaf.indent));
            }
            pieces.push(Piece::Fixed(text[at..].to_owned()));
            files.insert(file, pieces);
        }
        let hashes: Vec<Hash> = hashes
            .texts
            .into_iter()
            .map(|(text, length)| Hash {
                parts: parts(&text),
                length,
            })
            .collect();
        let prose =
            |part: &Part| matches!(part, Part::Slot(number) if slots.prose.contains(number));
        let sound = |piece: &Piece| match piece {
            Piece::Fixed(text) => !text.contains(MARK),
            Piece::Leaf(parts, _) => parts.len() == 1 || !parts.iter().any(prose),
        };
        let staged = files.values().flatten().all(sound)
            && !hashes.iter().flat_map(|hash| &hash.parts).any(prose);
        staged.then_some(Skeleton { files, hashes })
    }

    /// Fills the gaps for one project; `None` as soon as `accept` refuses one of the strings.
    pub fn fill(
        &self,
        slots: &Slots,
        mut accept: impl FnMut(&str) -> bool,
    ) -> Option<BTreeMap<String, Vec<u8>>> {
        let mut hashes = Vec::with_capacity(self.hashes.len());
        let mut text = String::new();
        for hash in &self.hashes {
            join(&hash.parts, slots, &hashes, &mut text);
            let digits = render::hash(&text, hash.length);
            hashes.push(digits);
        }
        let mut files = BTreeMap::new();
        for (file, pieces) in &self.files {
            let fixed = pieces.iter().map(|piece| match piece {
                Piece::Fixed(text) => text.len(),
                Piece::Leaf(..) => 64,
            });
            let mut out = String::with_capacity(fixed.sum());
            for piece in pieces {
                match piece {
                    Piece::Fixed(fixed) => out.push_str(fixed),
                    Piece::Leaf(parts, indent) => {
                        join(parts, slots, &hashes, &mut text);
                        if !accept(&text) {
                            return None;
                        }
                        yaml::emit_leaf(&text, *indent, &mut out);
                    }
                }
            }
            files.insert(layout::file_name(file), out.into_bytes());
        }
        Some(files)
    }
}

/// Writes a string with its gaps filled.
fn join(parts: &[Part], slots: &Slots, hashes: &[String], text: &mut String) {
    text.clear();
    for part in parts {
        text.push_str(match part {
            Part::Fixed(fixed) => fixed,
            Part::Slot(number) => &slots.values[*number],
            Part::Hash(number) => &hashes[*number],
        });
    }
}

/// Takes a text apart at its placeholders.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        if at > 0 {
            parts.push(Part::Fixed(rest[..at].to_owned()));
        }
        let (kind, number) = rest[at + MARK.len()..at + LENGTH].split_at(1);
        let number = number.parse().expect("placeholders end in a number");
        parts.push(match kind {
            "s" => Part::Slot(number),
            _ => Part::Hash(number),
        });
        rest = &rest[at + LENGTH..];
    }
    if !rest.is_empty() {
        parts.push(Part::Fixed(rest.to_owned()));
    }
    parts
}

/// The shapes of a fleet: who has which, and the skeletons of those that are being rendered.
#[derive(Debug)]
pub struct Stages {
    /// Shape and texts of each project that can be staged, by its index.
    projects: Vec<Option<(usize, Slots)>>,
    /// Indices of the projects, those of one shape together.
    order: Vec<usize>,
    /// Indices of the projects of each shape, in ascending order.
    groups: Vec<Vec<usize>>,
    shapes: Vec<Mutex<Shape>>,
}

/// One shape.
#[derive(Debug)]
struct Shape {
    project: Project,
    /// How many of its projects have not been rendered yet; the skeleton is dropped with the last one.
    left: usize,
    /// The skeleton, once it was tried to make it.
    skeleton: Option<Option<Arc<Skeleton>>>,
}

impl Stages {
    /// Finds out which projects have one shape.
    pub fn new(projects: &[Project]) -> Stages {
        let mut by_key: HashMap<Digest, Vec<usize>> = HashMap::new();
        for (index, project) in projects.iter().enumerate() {
            let mut shape = project.clone();
            if Slots::take(&mut shape).is_some() {
                let key =
                    serde_json::to_string(&(&shape, shape.extra_manifest_paths(), &shape.patches))
                        .expect("the model has string keys and finite numbers");
                by_key
                    .entry(Digest::of(key.as_bytes()))
                    .or_default()
                    .push(index);
            }
        }
        // A shape of one project would be rendered once either way.
        let mut groups: Vec<Vec<usize>> = by_key
            .into_values()
            .filter(|group| group.len() > 1)
            .collect();
        groups.sort_unstable();
        let mut stages = Stages {
            projects: vec![None; projects.len()],
            order: Vec::with_capacity(projects.len()),
            shapes: Vec::with_capacity(groups.len()),
            groups: Vec::new(),
        };
        for (number, group) in groups.iter().enumerate() {
            for index in group {
                let mut shape = projects[*index].clone();
                let slots = Slots::take(&mut shape);
                if stages.shapes.len() == number {
                    stages.shapes.push(Mutex::new(Shape {
                        project: shape,
                        left: group.len(),
                        skeleton: None,
                    }));
                }
                stages.projects[*index] = slots.map(|slots| (number, slots));
            }
        }
        stages.order.extend(groups.iter().flatten());
        stages.groups = groups;
        let single = (0..projects.len()).filter(|index| stages.projects[*index].is_none());
        stages.order.extend(single.collect::<Vec<_>>());
        stages
    }

    /// Returns the indices of all projects in the order in which they are best rendered.
    pub fn order(&self) -> impl Iterator<Item = usize> {
        self.order.iter().copied()
    }

    /// Returns the indices of the projects that have the shape of one of them, itself among them, in ascending order.
    pub fn alike(&self, index: usize) -> Vec<usize> {
        match &self.projects[index] {
            Some((shape, _)) => self.groups[*shape].clone(),
            None => vec![index],
        }
    }

    /// Returns the texts of a project and the skeleton of its shape, which `make` makes when it is the first of them.
    pub fn get(
        &self,
        index: usize,
        make: impl FnOnce(&Project, &Slots) -> Option<Skeleton>,
    ) -> Option<(&Slots, Arc<Skeleton>)> {
        let (number, slots) = self.projects[index].as_ref()?;
        // A poisoned lock means that another thread panicked; its panic is what people must see.
        let mut shape = self.shapes[*number]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let shape = &mut *shape;
        let made = shape
            .skeleton
            .get_or_insert_with(|| make(&shape.project, slots).map(Arc::new))
            .clone();
        shape.left = shape.left.saturating_sub(1);
        if shape.left == 0 {
            shape.skeleton = None;
        }
        Some((slots, made?))
    }
}
