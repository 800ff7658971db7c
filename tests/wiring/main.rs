//! The wiring for Argo CD and Flux: what applies what, who may do what, and how large it becomes.

#[path = "../compiler/mod.rs"]
mod compiler;
mod kustomize;
mod locks;
mod scale;
mod support;
mod tree;
