//! Tenantry compiles `projects.yaml` into one directory of plain Kubernetes manifests per project.
#![warn(unreachable_pub)]
#![cfg_attr(
    not(test),
    warn(clippy::disallowed_methods, clippy::print_stderr, clippy::print_stdout)
)]

pub mod base;
pub mod cli;
pub mod commands;
pub mod compile;
pub mod config;
pub mod confined;
pub mod console;
pub mod demand;
pub mod diagnostic;
pub mod diff;
pub mod digest;
pub mod dspa;
pub mod examine;
pub mod exit;
pub mod explain;
pub mod fleet;
pub mod git;
pub mod grammar;
pub mod hazard;
pub mod images;
pub mod inputs;
pub mod kustomize;
pub mod layout;
pub mod leak;
pub mod model;
pub mod object;
pub mod overlay;
pub mod patch;
pub mod plan;
pub mod provision;
pub mod registry;
pub mod render;
pub mod report;
pub mod schema;
pub mod source;
pub mod stage;
pub mod sync;
pub mod template;
pub mod trace;
pub mod tree;
pub mod upgrade;
pub mod user_patch;
pub mod vendor;
pub mod yaml;
