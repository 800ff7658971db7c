//! Images: every reference to a container image in an object, and where it is fetched from.
//!
//! Takes finished objects, the references that are known to be images, and the policy of the cluster; gives the same
//! objects with mirrored references, and what it found. Knows Kubernetes objects, and nothing of bases or projects.
//! An image that a running pipeline names is none of the objects' and cannot be seen here.

mod find;
pub mod pin;
mod reference;

use std::collections::BTreeSet;

use crate::model::ImagePolicy;
use crate::object::Object;

use find::Found;

pub(crate) use reference::is_registry;
pub use reference::{Mapped, Mirrors, has_digest, registry};

/// One place that names an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The reference as it stands in the tree.
    pub image: String,
    /// The reference before mirroring.
    pub source: String,
    /// The object, as `Kind/name`.
    pub object: String,
    /// Stem of the file that the object is written to.
    pub file: String,
    /// The field.
    pub path: String,
    /// Whether no mirror covers it, although there are mirrors.
    pub unmapped: bool,
}

/// Finds every reference in a set of objects and points those that a mirror covers to the mirror.
///
/// References are the `image:` fields of containers and image volumes, the variables and arguments that are named for
/// images, such fields in the texts of ConfigMaps, and the `known` ones wherever they stand in a text.
pub fn apply(objects: &mut [Object], known: &BTreeSet<String>, policy: &ImagePolicy) -> Vec<Use> {
    let mirrors = Mirrors::new(&policy.mirrors);
    let mut known = known.clone();
    known.extend(find::fields(objects));
    let mut uses = Vec::new();
    for object in objects {
        let id = object.key().to_string();
        let file = object.file.clone();
        find::visit(object, &known, &mut |found: Found<'_>| {
            let mapped = mirrors.map(found.reference);
            let unmapped = mapped == Mapped::Unmapped;
            let replacement = match mapped {
                Mapped::To(image) => Some(image),
                Mapped::Unchanged | Mapped::Unmapped => None,
            };
            uses.push(Use {
                image: replacement
                    .clone()
                    .unwrap_or_else(|| found.reference.to_owned()),
                source: found.reference.to_owned(),
                object: id.clone(),
                file: file.clone(),
                path: found.path.to_string(),
                unmapped,
            });
            replacement
        });
    }
    uses
}

#[cfg(test)]
mod tests;
