//! Tenantry compiles `projects.yaml` into one directory of plain Kubernetes manifests per project.

pub mod base;
pub mod cli;
pub mod commands;
pub mod compile;
pub mod confined;
pub mod console;
pub mod diagnostic;
pub mod digest;
pub mod exit;
pub mod inputs;
pub mod model;
pub mod object;
pub mod patch;
pub mod report;
pub mod schema;
pub mod source;
pub mod tree;
pub mod yaml;
