//! Follows objects through the steps of rendering: who set each value, where that is written, and who set it before.
//!
//! [`Trace`] is what the steps talk to. A plain render hands them [`Off`], which is nothing at all and compiled away;
//! `explain` hands them a [`Recorder`], which compares the objects before and after each step.
//! Knows nothing of bases, projects and files: where a value is written is asked of the step that has set it.

mod align;
mod patch;
mod recorder;

pub(crate) use patch::tokens;
pub use patch::within;
pub use recorder::{Event, Followed, History, Recorder, Spot};

use crate::object::Object;
use crate::source::Span;

/// The way to a value that decided another one, from one of the variables of templates: `plan`, `database`, `host`.
///
/// Besides `project`, `plan` and `platform` there is `base`, for keys of `base.yaml`.
pub type Read = Vec<String>;

/// Makes a [`Read`] of its steps.
pub fn read<'a>(steps: impl IntoIterator<Item = &'a str>) -> Read {
    steps.into_iter().map(str::to_owned).collect()
}

/// Who sets a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A manifest of the base.
    Manifest,
    /// A manifest that a component of the base adds.
    Component,
    /// A patch of a component of the base.
    ComponentPatch,
    /// A file of `extraManifests`.
    Extra,
    /// An item of `patches`.
    Patch,
    /// Tenantry itself; the text says what for.
    Tenantry(&'static str),
}

/// Where a value is written, and what decided it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Where it is written.
    pub place: Option<Span>,
    /// What to say of the place when it is not exact.
    pub note: String,
    /// What brought it in, when that is somewhere else.
    pub brought: Option<Span>,
    /// What was read to make it.
    pub reads: Vec<Read>,
    /// What the conditions have read on which it is made at all.
    pub conditions: Vec<Read>,
}

impl Written {
    /// Returns what was made of nothing but these values.
    pub fn of(reads: impl IntoIterator<Item = Read>) -> Written {
        Written {
            reads: reads.into_iter().collect(),
            ..Written::default()
        }
    }
}

/// What the steps of rendering tell.
///
/// `written` is asked, with the object as it is after the step and a JSON pointer into it, for values that differ.
pub trait Trace {
    /// The manifests of the base are there, and nothing else.
    fn manifests(&mut self, objects: &[Object]);

    /// The last of the objects are those of `extraManifests`.
    fn extra(&mut self, objects: &[Object]);

    /// The patch with this number has been applied.
    fn patched(&mut self, _number: usize, _before: &[Object], _after: &[Object]) {}

    /// A step has added, removed, changed or sorted objects.
    fn all(&mut self, objects: &[Object], by: By, written: impl Fn(&Object, &str) -> Written);

    /// A step has changed the object with this number, perhaps its name.
    fn one(
        &mut self,
        number: usize,
        object: &Object,
        by: By,
        written: impl Fn(&Object, &str) -> Written,
    );
}

/// Nobody asks.
#[derive(Debug, Clone, Copy)]
pub struct Off;

impl Trace for Off {
    #[inline]
    fn manifests(&mut self, _: &[Object]) {}

    #[inline]
    fn extra(&mut self, _: &[Object]) {}

    #[inline]
    fn all(&mut self, _: &[Object], _: By, _: impl Fn(&Object, &str) -> Written) {}

    #[inline]
    fn one(&mut self, _: usize, _: &Object, _: By, _: impl Fn(&Object, &str) -> Written) {}
}
