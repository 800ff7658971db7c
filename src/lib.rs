//! Tenantry compiles `projects.yaml` into one directory of plain Kubernetes manifests per project.

pub mod base;
pub mod confined;
pub mod diagnostic;
pub mod digest;
pub mod model;
pub mod object;
pub mod patch;
pub mod report;
pub mod source;
pub mod tree;
pub mod yaml;
