//! The semantic difference between two sets of Kubernetes objects, and between two trees of them.
//!
//! Takes the objects of one directory, as they were and as they will be, and gives what differs: objects that come and
//! go, and fields with their paths, where lists are matched by their merge keys. [`Collector`] gathers the differences of
//! many directories and puts equal ones together; [`text`], [`markdown`] and [`json`] write them.
//! Formatting, comments and the order of keys are no difference. Values that may be secret never leave [`compare`]
//! unmasked. Knows nothing of files, Git or what a difference is dangerous for.

mod collect;
mod compare;
pub mod json;
mod list;
pub mod markdown;
mod mask;
mod objects;
mod path;
mod placeholder;
pub(crate) mod show;
pub mod text;

use serde_json::Value;

use crate::object::{Object, ObjectKey};

pub use collect::{
    Collector, DemandLine, DirectoryDiff, DirectoryLine, HazardLine, HazardNote, Overview, Owner,
    Part, PartEdit, Section, Standing, Status,
};
pub(crate) use list::{Gap, gaps};
pub use mask::mask;
pub use objects::{Objects, Unreadable, Why};
pub use path::Path;

/// What has become of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectChange {
    /// The object, by the name that it has now, or had.
    pub key: ObjectKey,
    /// What has become of it.
    pub edit: ObjectEdit,
}

/// What has become of an object.
#[derive(Debug, Clone, PartialEq)]
pub enum ObjectEdit {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another one; never without fields, except when only its name is another one.
    Changed {
        /// Its name before, when a hash of its content is a part of the name.
        former_name: Option<String>,
        /// What differs, in the order of the new object.
        fields: Vec<FieldChange>,
    },
}

/// A difference between two objects.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// Where, for example `spec.template.spec.containers[name=main].image`.
    pub path: String,
    /// What has changed; secrets are masked.
    pub edit: FieldEdit,
}

/// What has changed at a place.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldEdit {
    /// There was nothing.
    Added(Value),
    /// There is nothing now.
    Removed(Value),
    /// One value for another one; two masked ones look alike.
    Changed(Value, Value),
    /// Lines of a text of several.
    Lines(Vec<Line>),
    /// The same elements in another order, by their keys.
    Reordered(Vec<String>, Vec<String>),
}

/// A line of a text that is only there before, or only now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Only before.
    Removed(String),
    /// Only now.
    Added(String),
}

/// Compares the objects of one directory; the result is empty exactly when they are equal.
pub fn objects(old: &Objects, new: &Objects) -> Vec<ObjectChange> {
    let mut changes = Vec::new();
    let mut gone: Vec<&Object> = Vec::new();
    let mut made: Vec<&Object> = Vec::new();
    for (place, object) in old.entries() {
        match new.at(place) {
            Some(other) => changes.extend(changed(object, other, None)),
            None => gone.push(object),
        }
    }
    made.extend(
        new.entries()
            .filter(|(place, _)| old.at(place).is_none())
            .map(|(_, object)| object),
    );
    gone.retain(|object| {
        let Some(at) = made.iter().position(|other| is_successor(object, other)) else {
            return true;
        };
        changes.extend(changed(object, made.remove(at), Some(object.name())));
        false
    });
    let change = |object: &Object, edit: ObjectEdit| ObjectChange {
        key: object.key(),
        edit,
    };
    changes.extend(
        gone.into_iter()
            .map(|object| change(object, ObjectEdit::Removed)),
    );
    changes.extend(
        made.into_iter()
            .map(|object| change(object, ObjectEdit::Added)),
    );
    changes.sort_by(|a, b| {
        let rank = |change: &ObjectChange| crate::object::apply_rank(&change.key.kind);
        (rank(a), &a.key).cmp(&(rank(b), &b.key))
    });
    changes
}

/// Compares two objects field by field; the result is empty exactly when they are equal.
pub fn fields(old: &Object, new: &Object) -> Vec<FieldChange> {
    compare::bodies(old, new, false)
}

fn changed(old: &Object, new: &Object, former_name: Option<&str>) -> Option<ObjectChange> {
    let fields = compare::bodies(old, new, former_name.is_some());
    (former_name.is_some() || !fields.is_empty()).then(|| ObjectChange {
        key: new.key(),
        edit: ObjectEdit::Changed {
            former_name: former_name.map(str::to_owned),
            fields,
        },
    })
}

/// Tells whether an object takes the place of another one: the same, but for the hash at the end of its name.
fn is_successor(old: &Object, new: &Object) -> bool {
    let (a, b) = (old.key(), new.key());
    a.group == b.group
        && a.kind == b.kind
        && a.namespace == b.namespace
        && hashed_stem(&a.name).is_some_and(|stem| hashed_stem(&b.name) == Some(stem))
}

/// Returns what stands before the hash of a name such as `credentials-0123456789`.
pub(crate) fn hashed_stem(name: &str) -> Option<&str> {
    let (stem, hash) = name.rsplit_once('-')?;
    let is_hash = hash.len() == crate::render::NAME_HASH_LENGTH
        && hash
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hash.then_some(stem)
}

#[cfg(test)]
mod tests;
