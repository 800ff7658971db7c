//! Reading revisions and publishing commits, in repositories of their own.
//!
//! Git's configuration is switched off, and authors and times are fixed, so that ids can be written down.

mod branches;
mod command;
mod crashes;
mod hazards;
mod objects;
mod ownership;
mod publish;
mod races;
mod read;
mod remotes;
mod support;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "../support/trace.rs"]
mod trace;
