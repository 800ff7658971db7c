//! Rendering: the Kubernetes objects of one project.
//!
//! Takes a project, its plan and its base; gives the objects, complete and in order.
//! Makes no choices: whatever can vary was settled in the plan. Knows Kubernetes and nothing of KFP, files or Git.

mod members;
mod namespace;
mod network;
pub(crate) mod settings;
mod state;
mod transform;
mod waves;

use serde_json::Value;

pub use transform::{CONFIG_HASH, NAME_HASH_LENGTH};

use crate::base::Base;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::digest::Digest;
use crate::model::{Cluster, Project};
use crate::object::Object;
use crate::plan::{self, Plan};
use crate::template::Scope;
use crate::yaml;

/// Makes a hash of a text, of the given number of hexadecimal digits.
pub type Hash<'a> = &'a mut dyn FnMut(&str, usize) -> String;

/// Returns the first `length` hexadecimal digits of the SHA-256 of a text.
pub fn hash(text: &str, length: usize) -> String {
    let mut digits = Digest::of(text.as_bytes()).to_string();
    digits.truncate(length);
    digits
}

/// Returns the objects of one project, each with the file it goes to, in the order in which they are written.
///
/// `extra` are the objects of `extraManifests`; `patch` applies the project's patches; `hash` makes the hashes that objects carry, [`hash`] or what stands in for it.
/// Errors: the codes of templates and patches, `duplicate-object`, `cluster-scoped-kind`.
pub fn render(
    project: &Project,
    cluster: &Cluster,
    plan: &Plan,
    base: &Base,
    extra: Vec<Object>,
    patch: impl FnOnce(&mut Vec<Object>, &Scope) -> Result<(), Diagnostics>,
    hash: Hash<'_>,
) -> Result<Vec<Object>, Diagnostics> {
    let scope = plan::scope(project, cluster, plan);
    let mut objects = base
        .assemble(&scope)
        .map_err(|found| of_project(found, project))?;
    settings::apply(&mut objects, project, plan, base);
    objects.extend(members::objects(&objects, project, base));
    objects.extend(namespace::objects(project));
    objects.extend(network::policies(&objects, project, cluster, plan, base));
    objects.extend(extra);
    // Before the state: a patch of replicas must not wake up a paused project.
    patch(&mut objects, &scope)?;
    state::apply(&mut objects, project.state);
    transform::finish(&mut objects, project, cluster, plan, base, hash);
    let mut diagnostics = Diagnostics::default();
    check(&objects, project, &mut diagnostics);
    if diagnostics.has_errors() {
        Err(diagnostics)
    } else {
        Ok(objects)
    }
}

/// Adds the project to findings about a component: the place is in the base, the reason in `projects.yaml`.
fn of_project(found: Diagnostics, project: &Project) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    for diagnostic in found.iter() {
        diagnostics.push(
            diagnostic
                .clone()
                .project(&project.name)
                .also(project.span, format!("while rendering `{}`", project.name)),
        );
    }
    diagnostics
}

/// Refuses two objects with one key, and kinds that are cluster-scoped (the project's own Namespace aside).
fn check(objects: &[Object], project: &Project, diagnostics: &mut Diagnostics) {
    let mut keys: Vec<_> = objects.iter().map(Object::key).collect();
    keys.sort();
    for pair in keys.windows(2).filter(|pair| pair[0] == pair[1]) {
        diagnostics.push(
            Diagnostic::error(
                Code::DuplicateObject,
                format!("two objects of `{}` are called `{}`", project.name, pair[0]),
            )
            .at(project.span)
            .hint("an object of `extraManifests` must not have the kind and name of one of the stack's")
            .project(&project.name),
        );
    }
    for object in objects {
        if let Some(character) = unrepresentable(&object.body) {
            diagnostics.push(
                Diagnostic::error(
                    Code::UnrepresentableText,
                    format!(
                        "a text of `{}` of project `{}` holds U+{:04X}, which the cluster's readers of YAML refuse or lose",
                        object.key(),
                        project.name,
                        u32::from(character)
                    ),
                )
                .at(project.span)
                .hint("remove the character")
                .project(&project.name),
            );
        }
        let own_namespace = object.kind() == "Namespace"
            && object.group().is_empty()
            && object.name() == project.namespace
            && object.file == "namespace";
        if !own_namespace && crate::object::is_cluster_scoped(object.group(), object.kind()) {
            diagnostics.push(
                Diagnostic::error(
                    Code::ClusterScopedKind,
                    format!(
                        "`{}` of project `{}` is of a cluster-scoped kind",
                        object.key(),
                        project.name
                    ),
                )
                .at(project.span)
                .hint("a project holds namespaced objects only; what the cluster needs belongs to the platform")
                .project(&project.name),
            );
        }
    }
}

/// Returns a character of a value's strings or keys that the readers of a cluster cannot carry.
fn unrepresentable(value: &Value) -> Option<char> {
    match value {
        Value::String(text) => yaml::check_representable(text).err(),
        Value::Array(list) => list.iter().find_map(unrepresentable),
        Value::Object(map) => map.iter().find_map(|(key, below)| {
            yaml::check_representable(key)
                .err()
                .or_else(|| unrepresentable(below))
        }),
        _ => None,
    }
}

/// Labels the objects that a cluster gets once, and puts them into the order in which they are applied.
pub fn cluster_objects(objects: &mut [Object], cluster: &Cluster, base: &Base) {
    transform::cluster(objects, cluster, base);
}
