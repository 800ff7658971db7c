//! The wiring for sync tools and the Jobs that set up shared servers, which Tenantry writes from nothing but settings.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{Cluster, Model, Project};
use crate::object::Object;
use crate::trace::{By, Followed, Read, Recorder, Trace as _, Written, read};

/// Returns the objects of one such directory with what their values were read from: the settings whose values
/// are in them.
pub fn followed(objects: &[Object], cluster: &Cluster, model: &Model) -> Vec<Followed> {
    let named = model.projects.iter();
    let projects: BTreeMap<&str, &Project> = named
        .map(|project| (project.name.as_str(), project))
        .collect();
    let platform = [
        (model.repository_url.as_deref(), ["repository", "url"]),
        (Some(&*model.repository_branch), ["repository", "branch"]),
        (Some(&*model.repository_path), ["repository", "path"]),
    ];
    let mut recorder = Recorder::default();
    let by = By::Tenantry("what the platform needs");
    recorder.all(objects, by, |object, pointer| {
        let Some(Value::String(text)) = object.body.pointer(pointer) else {
            return Written::default();
        };
        let within = |value: Option<&str>| value.is_some_and(|value| holds(text, value));
        let of_platform = platform
            .iter()
            .filter(|(value, _)| within(*value))
            .map(|(_, [block, key])| read(["platform", block, key]));
        let server = within(Some(&cluster.server)).then(|| read(["platform", "server"]));
        let project = label(object).and_then(|name| projects.get(name));
        let of_project = project.map(|project| of_project(text, project));
        Written::of(
            of_platform
                .chain(server)
                .chain(of_project.into_iter().flatten()),
        )
    });
    recorder.into_objects()
}

/// Returns the project that an object is for, as its label says.
pub fn project_of<'m>(object: &Object, model: &'m Model) -> Option<&'m Project> {
    let name = label(object)?;
    model.projects.iter().find(|project| project.name == name)
}

/// Returns the label with the project's name.
fn label(object: &Object) -> Option<&str> {
    object
        .body
        .pointer("/metadata/labels/tenantry.dev~1project")?
        .as_str()
}

fn of_project(text: &str, project: &Project) -> Vec<Read> {
    let mut reads = Vec::new();
    if holds(text, &project.namespace) {
        reads.push(read(["project", "namespace"]));
    }
    if holds(text, &project.name) && project.name != project.namespace {
        reads.push(read(["project", "name"]));
    }
    if project.ring.as_deref() == Some(text) {
        reads.push(read(["project", "ring"]));
    }
    let (database, store) = (&project.database, &project.object_store);
    let storage = [
        ("database", "host", database.host.as_deref()),
        ("database", "database", Some(database.database.as_str())),
        ("database", "user", Some(database.user.as_str())),
        ("objectStore", "bucket", Some(store.bucket.as_str())),
        ("objectStore", "prefix", store.prefix.as_deref()),
    ];
    for (what, key, value) in storage {
        if value == Some(text) {
            reads.push(read(["project", what, key]));
        }
    }
    for (key, value) in &project.labels {
        if value == text {
            reads.push(read(["project", "labels", key]));
        }
    }
    reads
}

/// Tells whether a text is a value or has it between separators.
fn holds(text: &str, value: &str) -> bool {
    let word = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    !value.is_empty()
        && text.match_indices(value).any(|(at, _)| {
            word(text[..at].chars().next_back()) && word(text[at + value.len()..].chars().next())
        })
}
