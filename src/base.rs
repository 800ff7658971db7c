//! Bases: the pinned manifests that stacks are built on.

pub mod embedded;
pub mod lock;
