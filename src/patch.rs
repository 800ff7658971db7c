//! Patches: strategic merge and JSON 6902, one engine for the components of a base and the patches of users.
//!
//! Takes patches that are parsed already and objects; changes the objects or says why not, pointing into the patch.
//! Knows nothing of YAML, templates, files and projects.
//!
//! Strategic merge follows kustomize v5.5.0 (its built-in Kubernetes 1.21.2 schema) with two deliberate differences:
//! merged lists keep the order of the object, new elements at the end; and where kustomize damages an object or
//! ignores a part of the patch without a word, the patch is refused and the hint says what to write instead.
//! A scalar is what the patch says: kustomize makes a text of it where the old one is quoted in its file, and quotes
//! are no part of a value. Lists that the patch does not name stay as they are, even with a key twice.
//! JSON 6902 follows RFC 6902; what kustomize takes beyond it is refused in the same way.

mod change;
mod json6902;
mod missing;
mod place;
pub(crate) mod schema;
mod selector;
mod strategic;
mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

pub use json6902::{Action, Pointer, Step};
pub use selector::Selector;
pub use target::{Pattern, Target};

pub(crate) use schema::is_cluster_scoped as is_known_as_cluster_scoped;
pub(crate) use strategic::items;

use crate::diagnostic::Code;
use crate::object::{Object, ObjectKey};
use change::Change;
use place::Place;

/// A patch and the objects that it is for.
#[derive(Debug, Clone)]
pub struct Patch {
    /// The objects to patch; `None` for a strategic merge that names its object by apiVersion, kind, name and namespace.
    pub target: Option<Target>,
    /// What to do with each of them.
    pub operation: Operation,
}

/// What a patch does with an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Merges a partial object; made by [`Operation::strategic`], which checks it.
    Strategic(Value),
    /// Carries out steps one after the other; made by [`Operation::json6902`], which checks them.
    Json6902(Vec<Step>),
}

impl Operation {
    /// Takes a strategic merge patch, and checks all that can be checked without an object.
    ///
    /// Errors: `invalid-patch` for what cannot be read; `patch-refused` for directives that kustomize does not know
    /// (`$setElementOrder`, `$retainKeys`, `$deleteFromPrimitiveList`) or ignores (`$patch: replace` at the root).
    pub fn strategic(value: Value) -> Result<Operation, PatchError> {
        strategic::check(&value)?;
        Ok(Operation::Strategic(value))
    }

    /// Takes the list of steps of a JSON 6902 patch.
    ///
    /// Errors: `invalid-patch` for steps that RFC 6902 does not define.
    pub fn json6902(value: Value) -> Result<Operation, PatchError> {
        json6902::read(value).map(Operation::Json6902)
    }

    /// Takes a patch of either form: a list is JSON 6902, a mapping is a strategic merge.
    ///
    /// Errors: those of [`Operation::json6902`] and [`Operation::strategic`].
    pub fn from_value(value: Value) -> Result<Operation, PatchError> {
        if value.is_array() {
            Operation::json6902(value)
        } else {
            Operation::strategic(value)
        }
    }
}

/// What a patch has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The objects that differ now, by the keys that they have now, in the order of the list.
    pub changed: Vec<ObjectKey>,
    /// The objects that are gone.
    pub removed: Vec<ObjectKey>,
}

/// Why a patch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchError {
    /// `InvalidPatch`, `PatchNoMatch`, `PatchNoEffect`, `PatchRefused` or `PatchFailed`.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// The node of the patch (or of the target, for [`Target::parse`]) that is wrong, as a JSON pointer; empty for all of it.
    pub pointer: String,
    /// What to write instead, one sentence each.
    pub hints: Vec<String>,
}

impl PatchError {
    fn new(code: Code, place: Place<'_>, message: impl Into<String>) -> Self {
        PatchError {
            code,
            message: message.into(),
            pointer: place.pointer(),
            hints: Vec::new(),
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl std::fmt::Display for PatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PatchError {}

impl Patch {
    /// Tells whether the patch is for the object.
    pub fn is_for(&self, object: &Object) -> bool {
        match &self.target {
            Some(target) => target.matches(object),
            None => self.names(|named| named.matches(object)),
        }
    }

    /// Tells whether the patch is for objects of the object's kind, whatever their names and labels.
    pub fn is_for_kind(&self, object: &Object) -> bool {
        match &self.target {
            Some(target) => target.matches_kind(object),
            None => self.names(|named| named.kind == object.kind()),
        }
    }

    /// Tells whether one of the objects that a patch without a target names fulfils a condition.
    fn names(&self, condition: impl Fn(&target::Named<'_>) -> bool) -> bool {
        let Operation::Strategic(value) = &self.operation else {
            return false;
        };
        let patches = strategic::items(value).map_or(std::slice::from_ref(value), Vec::as_slice);
        patches.iter().any(|patch| {
            target::Named::read(patch, Place::Root("")).is_ok_and(|named| condition(&named))
        })
    }
}

/// Applies a patch to every object of the list that it is for.
///
/// A strategic merge whose kind is a list (`kind: List` with `items`) applies its items one after the other; with a
/// target it has one item.
/// On an error the objects are as before.
///
/// Errors: `patch-no-match` when it is for no object; `patch-no-effect` when no object would differ;
/// `patch-refused` where kustomize would damage the object or ignore the patch; `patch-failed` when it does not fit the
/// object; `invalid-patch` when it has no target and does not name its object.
pub fn apply(patch: &Patch, objects: &mut Vec<Object>) -> Result<Applied, PatchError> {
    match (&patch.target, &patch.operation) {
        (None, Operation::Strategic(value)) => match strategic::items(value) {
            Some(items) => apply_items(items, objects),
            None => apply_named(value, Place::Root(""), objects),
        },
        (None, Operation::Json6902(_)) => Err(PatchError::new(
            Code::InvalidPatch,
            Place::Root(""),
            "a JSON 6902 patch has no target",
        )
        .hint("add `target: {kind: .., name: ..}`")),
        (Some(target), operation) => {
            let matched: Vec<usize> = (0..objects.len())
                .filter(|&index| target.matches(&objects[index]))
                .collect();
            if matched.is_empty() {
                return Err(missing::for_target(target, objects));
            }
            match operation {
                Operation::Strategic(value) => match strategic::items(value).map(Vec::as_slice) {
                    None => merge(value, Place::Root(""), &matched, objects),
                    Some([item]) => merge(item, Place::Root("/items/0"), &matched, objects),
                    Some(_) => Err(PatchError::new(
                        Code::InvalidPatch,
                        Place::Root("").key("items"),
                        "a list of patches has no target, its items name their objects",
                    )
                    .hint("leave `target` out, or write one patch for each item")),
                },
                Operation::Json6902(steps) => run(steps, &matched, objects),
            }
        }
    }
}

fn apply_items(items: &[Value], objects: &mut Vec<Object>) -> Result<Applied, PatchError> {
    let mut patched = objects.clone();
    let mut changed = BTreeSet::new();
    let mut removed = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let applied = apply_named(item, Place::Root(&format!("/items/{index}")), &mut patched)?;
        changed.extend(applied.changed);
        removed.extend(applied.removed);
    }
    *objects = patched;
    let changed = objects
        .iter()
        .map(Object::key)
        .filter(|key| changed.contains(key))
        .collect();
    Ok(Applied { changed, removed })
}

/// Applies a strategic merge to the object that it names.
fn apply_named(
    value: &Value,
    root: Place<'_>,
    objects: &mut Vec<Object>,
) -> Result<Applied, PatchError> {
    let named = target::Named::read(value, root)?;
    let matched: Vec<usize> = (0..objects.len())
        .filter(|&index| named.matches(&objects[index]))
        .collect();
    if matched.is_empty() {
        return Err(missing::for_name(&named, root, objects));
    }
    merge(value, root, &matched, objects)
}

/// Merges into the objects at the indexes `matched`: works out all changes first, then carries them out.
fn merge(
    value: &Value,
    root: Place<'_>,
    matched: &[usize],
    objects: &mut Vec<Object>,
) -> Result<Applied, PatchError> {
    let mut changes: Vec<(usize, Change)> = Vec::new();
    for &index in matched {
        if let Some(change) = strategic::changes(&objects[index], value, root)? {
            changes.push((index, change));
        }
    }
    if changes.is_empty() {
        return Err(without_effect(root, matched, objects));
    }
    let mut applied = Applied::default();
    let mut gone = Vec::new();
    for (index, change) in changes {
        let object = &mut objects[index];
        let key = object.key();
        if change::carry_out(&mut object.body, change) {
            applied.changed.push(key);
        } else {
            applied.removed.push(key);
            gone.push(index);
        }
    }
    for index in gone.into_iter().rev() {
        objects.remove(index);
    }
    Ok(applied)
}

/// Carries out steps on the objects at the indexes `matched`: on copies first, which then take their places.
fn run(steps: &[Step], matched: &[usize], objects: &mut [Object]) -> Result<Applied, PatchError> {
    let mut bodies: Vec<(usize, Value)> = Vec::new();
    for &index in matched {
        let body = json6902::run(steps, &objects[index])?;
        if body != objects[index].body {
            bodies.push((index, body));
        }
    }
    if bodies.is_empty() {
        return Err(without_effect(Place::Root(""), matched, objects));
    }
    let before: Vec<ObjectKey> = bodies
        .iter()
        .map(|&(index, _)| objects[index].key())
        .collect();
    for (index, body) in &mut bodies {
        std::mem::swap(&mut objects[*index].body, body);
    }
    let changed: Vec<ObjectKey> = bodies
        .iter()
        .map(|&(index, _)| objects[index].key())
        .collect();
    if changed != before
        && let Some(twice) = changed.iter().find(|key| {
            objects
                .iter()
                .filter(|object| object.key() == **key)
                .count()
                > 1
        })
    {
        let error = PatchError::new(
            Code::PatchFailed,
            Place::Root(""),
            format!("after the patch two objects would be `{twice}`"),
        )
        .hint("give each object a name of its own");
        for (index, body) in bodies {
            objects[index].body = body;
        }
        return Err(error);
    }
    Ok(Applied {
        changed,
        removed: Vec::new(),
    })
}

fn without_effect(root: Place<'_>, matched: &[usize], objects: &[Object]) -> PatchError {
    let names = missing::listed(matched.iter().map(|&index| &objects[index]));
    PatchError::new(
        Code::PatchNoEffect,
        root,
        format!("the patch changes nothing in {names}"),
    )
    .hint("remove the patch, or change what it sets: every value in it is there already")
}
