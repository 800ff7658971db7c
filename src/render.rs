//! Rendering: the Kubernetes objects of one project.
//!
//! Takes a project, its plan and its base; gives the objects, complete and in order.
//! Makes no choices: whatever can vary was settled in the plan. Knows Kubernetes and nothing of KFP, files or Git.

mod namespace;
mod network;
pub(crate) mod settings;
mod state;
mod transform;

pub use transform::{CONFIG_HASH, NAME_HASH_LENGTH};

use crate::base::Base;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::model::{Cluster, Project};
use crate::object::Object;
use crate::plan::{self, Plan};

/// Returns the objects of one project, each with the file it goes to, in the order in which they are written.
///
/// `extra` are the objects of `extraManifests`.
/// Errors: the codes of templates and patches, `duplicate-object`, `cluster-scoped-kind`.
pub fn render(
    project: &Project,
    cluster: &Cluster,
    plan: &Plan,
    base: &Base,
    extra: Vec<Object>,
) -> Result<Vec<Object>, Diagnostics> {
    let mut objects = base
        .assemble(&plan::scope(project, cluster, plan))
        .map_err(|found| of_project(found, project))?;
    settings::apply(&mut objects, project, plan, base);
    objects.extend(namespace::objects(project));
    objects.extend(network::policies(&objects, project, cluster, plan, base));
    objects.extend(extra);
    state::apply(&mut objects, project.state);
    transform::finish(&mut objects, project, cluster, plan, base);
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

/// Labels the objects that a cluster gets once, and puts them into the order in which they are applied.
pub fn cluster_objects(objects: &mut [Object], base: &Base) {
    transform::cluster(objects, base);
}
