//! `projects.yaml` through the library's entry point: files that load, files that do not, the schema and the codes.

mod codes;
mod invalid;
mod reference;
mod robust;
mod schema;
mod support;
mod valid;
