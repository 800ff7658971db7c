//! Reading revisions and publishing commits, in repositories of their own.
//!
//! Git's configuration is switched off, and authors and times are fixed, so that ids can be written down.

mod branches;
mod objects;
mod ownership;
mod publish;
mod races;
mod read;
mod remotes;
mod support;
