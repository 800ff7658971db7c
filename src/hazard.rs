//! Hazards: what a change endangers, found from the old objects and the new ones alone.
//!
//! Takes the two sides of one directory and what their bases say about themselves; gives findings. [`gate`] decides
//! which of them stop. Knows Kubernetes and the names of hazards; KFP's names come from the bases. Asks no cluster.
//! Source: commands-and-output §4.

mod access;
mod base;
mod front;
pub mod gate;
mod identity;
mod immutable;
mod policy;
mod project;
mod restart;
mod volume;

use serde_json::Value;

use crate::base::Facts;
use crate::config::types;
use crate::diagnostic::Code;
use crate::diff::Objects;

pub use base::{Hop, Turn};
pub use project::{Fate, gone};

macro_rules! hazards {
    ($($(#[doc = $doc:literal])+ $name:ident => $code:ident, $text:literal;)*) => {
        /// What a change can endanger; `docs/hazards.md` has a section for each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Hazard {
            $($(#[doc = $doc])+ $name,)*
            /// A Role, a binding, a route or a network policy lets more through.
            AccessWidened,
            /// Pods are replaced.
            Restart,
        }

        impl Hazard {
            /// Every hazard, in the order of the documentation.
            pub const ALL: &[Hazard] = &[$(Hazard::$name,)* Hazard::AccessWidened, Hazard::Restart];

            /// Returns the word that stands for it in `acknowledge` and in messages.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Hazard::$name => $text,)*
                    Hazard::AccessWidened => "access-widened",
                    Hazard::Restart => "restart",
                }
            }

            /// Returns the code of the diagnostic that stops a run; `None` for a hazard that stops nothing.
            pub fn code(self) -> Option<Code> {
                match self {
                    $(Hazard::$name => Some(Code::$code),)*
                    Hazard::AccessWidened | Hazard::Restart => None,
                }
            }
        }

        impl From<types::Hazard> for Hazard {
            fn from(hazard: types::Hazard) -> Self {
                match hazard { $(types::Hazard::$name => Hazard::$name,)* }
            }
        }
    };
}

hazards! {
    /// A directory disappears whose project was not retired.
    ProjectDeleted => ProjectDeleted, "project-deleted";
    /// A volume claim disappears.
    VolumeDeleted => VolumeDeleted, "volume-deleted";
    /// A volume claim gets smaller.
    VolumeShrunk => VolumeShrunk, "volume-shrunk";
    /// An immutable field of a volume claim changes.
    VolumeClassChanged => VolumeClassChanged, "volume-class-changed";
    /// The server or the database changes.
    DatabaseIdentity => DatabaseIdentity, "database-identity";
    /// The endpoint, the bucket or the prefix changes.
    ObjectStoreIdentity => ObjectStoreIdentity, "object-store-identity";
    /// The source of a generated credential changes.
    CredentialsRegenerated => CredentialsRegenerated, "credentials-regenerated";
    /// A field changes that the API server does not let change.
    ImmutableField => ImmutableField, "immutable-field";
    /// The new base needs a migration.
    BaseMigration => BaseMigration, "base-migration";
    /// The new base is older.
    BaseDowngrade => BaseDowngrade, "base-downgrade";
}

/// One hazard of one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which one.
    pub hazard: Hazard,
    /// The project that it is acknowledged for: the one in danger; `None` in a directory of the platform.
    pub project: Option<String>,
    /// Path of the directory in the tree.
    pub directory: String,
    /// What changes, in a few words.
    pub what: String,
    /// As it was.
    pub old: Option<String>,
    /// As it will be.
    pub new: Option<String>,
    /// What to do about it.
    pub cure: &'static str,
    /// Where in the project's settings it comes from, a JSON pointer; the nearest one that is written is pointed at.
    pub pointer: &'static str,
}

/// One side of a directory.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The objects.
    pub objects: &'a Objects,
    /// The state: `active`, `paused`, `retired`, or empty when nobody knows.
    pub state: &'a str,
    /// What the base says about itself, when it is known.
    pub base: Option<&'a Facts>,
}

/// The two sides of a directory that was there, and is.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// Path of the directory in the tree.
    pub directory: &'a str,
    /// The project; `None` for what the platform needs.
    pub project: Option<&'a str>,
    /// As it was.
    pub old: Side<'a>,
    /// As it will be.
    pub new: Side<'a>,
    /// The way from the old base to the new one, when both are recorded.
    pub hop: Option<&'a Hop>,
}

/// Finds the hazards of a directory that was there, and is.
pub fn find(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    project::find(pair, &mut findings);
    base::find(pair, &mut findings);
    volume::find(pair, &mut findings);
    identity::find(pair, &mut findings);
    immutable::find(pair, &mut findings);
    // What a retired project leaves behind has no pods that anybody could reach or restart.
    if pair.new.state != RETIRED {
        access::find(pair, &mut findings);
        front::find(pair, &mut findings);
        policy::find(pair, &mut findings);
        restart::find(pair, &mut findings);
    }
    findings
}

/// The state of a project whose deletion was announced.
const RETIRED: &str = "retired";

impl Pair<'_> {
    fn finding(&self, hazard: Hazard, what: impl Into<String>, cure: &'static str) -> Finding {
        Finding {
            hazard,
            project: self.project.map(str::to_owned),
            directory: self.directory.to_owned(),
            what: what.into(),
            old: None,
            new: None,
            cure,
            pointer: "",
        }
    }

    /// Returns the namespace: the last part of the path.
    fn namespace(&self) -> &str {
        self.directory.rsplit('/').next().unwrap_or(self.directory)
    }
}

impl Finding {
    fn from(mut self, old: impl Into<String>) -> Self {
        self.old = Some(old.into());
        self
    }

    fn to(mut self, new: impl Into<String>) -> Self {
        self.new = Some(new.into());
        self
    }

    fn at(mut self, pointer: &'static str) -> Self {
        self.pointer = pointer;
        self
    }
}

/// Returns the value at a path of field names.
fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, field| value.get(field))
}

/// Returns the string at a path of field names, empty when there is none.
fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or("")
}

/// Returns the elements of the list at a path of field names.
fn items<'a>(value: &'a Value, path: &[&str]) -> impl Iterator<Item = &'a Value> + use<'a> {
    at(value, path)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Returns the strings of the list at a path of field names.
fn texts<'a>(value: &'a Value, path: &[&str]) -> impl Iterator<Item = &'a str> + use<'a> {
    items(value, path).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
