//! Rendering: the Kubernetes objects of one project.
//!
//! Takes a project, its plan and its base; gives the objects, complete and in order.
//! Makes no choices: whatever can vary was settled in the plan. Knows Kubernetes and nothing of KFP, files or Git.

mod access;
mod images;
mod members;
mod namespace;
mod network;
mod origins;
pub(crate) mod settings;
mod state;
mod transform;
mod waves;

use serde_json::Value;

pub use access::token_review;
pub use transform::{CONFIG_HASH, NAME_HASH_LENGTH};

use crate::base::Base;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::digest::Digest;
use crate::images::Use;
use crate::model::{Cluster, Project};
use crate::object::Object;
use crate::plan::{self, Plan};
use crate::template::Scope;
use crate::trace::{By, Trace};
use crate::yaml;

/// Makes a hash of a text, of the given number of hexadecimal digits.
pub type Hash<'a> = &'a mut dyn FnMut(&str, usize) -> String;

/// Returns the first `length` hexadecimal digits of the SHA-256 of a text.
pub fn hash(text: &str, length: usize) -> String {
    let mut digits = Digest::of(text.as_bytes()).to_string();
    digits.truncate(length);
    digits
}

/// What a project or a cluster is rendered to.
#[derive(Debug)]
pub struct Rendered {
    /// The objects, each with the file it goes to, in the order in which they are written.
    pub objects: Vec<Object>,
    /// The references to images in them, when they were asked for or the cluster has a policy for images.
    pub images: Vec<Use>,
}

/// What a project is rendered from.
#[derive(Debug)]
pub struct Source<'a> {
    /// The project.
    pub project: &'a Project,
    /// Its cluster.
    pub cluster: &'a Cluster,
    /// Every decision about it.
    pub plan: &'a Plan,
    /// Its base.
    pub base: &'a Base,
    /// The objects of `extraManifests`.
    pub extra: Vec<Object>,
    /// Whether the references to images are wanted, whatever the policy.
    pub list_images: bool,
}

/// Returns the objects of one project.
///
/// `patch` applies the project's patches; `hash` makes the hashes that objects carry: [`hash`] or what stands in for it.
/// `trace` is told of every step.
/// Errors: the codes of templates and patches, `duplicate-object`, `cluster-scoped-kind`, and those of images.
pub fn render<T: Trace>(
    source: Source<'_>,
    patch: impl FnOnce(&mut Vec<Object>, &Scope, &mut T) -> Result<(), Diagnostics>,
    hash: Hash<'_>,
    trace: &mut T,
) -> Result<Rendered, Diagnostics> {
    let Source {
        project,
        cluster,
        plan,
        base,
        ..
    } = source;
    let scope = plan::scope(project, cluster, plan);
    let mut objects = base
        .assemble(&scope, trace)
        .map_err(|found| of_project(found, project))?;
    settings::apply(&mut objects, project, plan, base);
    let by = By::Tenantry("images and resources of containers");
    trace.all(&objects, by, |object, pointer| {
        origins::settings(object, pointer, project, plan, base)
    });
    objects.extend(members::objects(&objects, project, plan, base));
    trace.all(&objects, By::Tenantry("members"), origins::members);
    objects.extend(namespace::objects(project));
    let by = By::Tenantry("Namespace, quota and limits");
    trace.all(&objects, by, |object, pointer| {
        origins::namespace(object, pointer, project)
    });
    objects.extend(network::policies(&objects, project, cluster, plan, base));
    trace.all(
        &objects,
        By::Tenantry("network policies"),
        |object, pointer| origins::network(object, pointer, project, cluster, &base.facts),
    );
    objects.extend(source.extra);
    trace.extra(&objects);
    // Before the state: a patch of replicas must not wake up a paused project.
    patch(&mut objects, &scope, trace)?;
    state::apply(&mut objects, project.state);
    let by = By::Tenantry("state of the project");
    trace.all(&objects, by, |_, _| origins::state());
    let mut diagnostics = Diagnostics::default();
    let images = if source.list_images || cluster.images.is_active() {
        images::of_project(&mut objects, project, cluster, plan, base, &mut diagnostics)
    } else {
        Vec::new()
    };
    trace.all(&objects, By::Tenantry("mirrors of images"), |_, _| {
        origins::mirrors()
    });
    transform::finish(&mut objects, project, cluster, plan, base, hash, trace);
    check(&objects, project, &mut diagnostics);
    if diagnostics.has_errors() {
        Err(diagnostics)
    } else {
        Ok(Rendered { objects, images })
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
        if let Some(key) = plain_secret(object) {
            diagnostics.push(
                Diagnostic::error(
                    Code::PlainSecret,
                    format!(
                        "`{}` of project `{}` is a Secret with a value for `{key}`, which would be in Git",
                        object.key(),
                        project.name
                    ),
                )
                .at(project.span)
                .hint("write an ExternalSecret instead, or make the Secret in the cluster and leave it out here")
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

/// Returns the key of a value in a Secret; a Secret without values says no more than that it is there.
///
/// Source: product.md, "no secrets in Git".
fn plain_secret(object: &Object) -> Option<&str> {
    if object.kind() != "Secret" || !object.group().is_empty() {
        return None;
    }
    let mut fields = ["data", "stringData"].into_iter();
    fields.find_map(|field| {
        let values = object.body.get(field)?.as_object()?;
        values.keys().next().map(String::as_str)
    })
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

/// Returns the manifests of a base with what every stack of it does to them alike.
pub fn pinned_objects(base: &Base) -> Vec<Object> {
    transform::pinned(base)
}

/// Completes the objects that a cluster gets once, and returns the references to images in them.
///
/// `trace` knows the manifests already, and is told of every step.
/// Errors: the codes of images.
pub fn cluster_objects<T: Trace>(
    objects: &mut [Object],
    cluster: &Cluster,
    base: &Base,
    diagnostics: &mut Diagnostics,
    trace: &mut T,
) -> Vec<Use> {
    trace.all(objects, By::Tenantry("access"), |_, _| {
        origins::token_review()
    });
    let images = images::of_cluster(objects, cluster, base, diagnostics);
    trace.all(objects, By::Tenantry("mirrors of images"), |_, _| {
        origins::mirrors()
    });
    transform::cluster(objects, cluster, base, trace);
    images
}

/// Completes objects that set up shared servers, those for one project or those that all have in common, and returns the
/// references to images in them.
///
/// Errors: the codes of images.
pub fn shared_objects(
    objects: &mut [Object],
    cluster: &Cluster,
    base: &Base,
    project: Option<&Project>,
    diagnostics: &mut Diagnostics,
) -> Vec<Use> {
    let images = images::of_cluster(objects, cluster, base, diagnostics);
    transform::shared(objects, cluster, base, project);
    images
}
