//! Tenantry compiles `projects.yaml` into one directory of plain Kubernetes manifests per project.

pub mod config;
pub mod diagnostic;
pub mod grammar;
pub mod model;
pub mod object;
pub mod patch;
pub mod schema;
pub mod source;
pub mod yaml;
