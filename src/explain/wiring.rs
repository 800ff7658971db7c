//! The wiring for sync tools and the Jobs that set up shared servers, which Tenantry writes from nothing but settings.

use serde_json::Value;

use crate::model::{Cluster, Model, Project};
use crate::object::Object;
use crate::trace::{By, Followed, Read, Recorder, Trace as _, Written, read};

/// Returns the objects of one such directory with what their values were read from: the settings whose values
/// are in them.
pub fn followed(objects: &[Object], cluster: &Cluster, model: &Model) -> Vec<Followed> {
    let mut recorder = Recorder::default();
    recorder.all(
        objects,
        By::Tenantry("what the platform needs"),
        |object, pointer| {
            let Some(Value::String(text)) = object.body.pointer(pointer) else {
                return Written::default();
            };
            let mut reads = Vec::new();
            let mut add = |value: Option<&str>, path: &[&str]| {
                if value.is_some_and(|value| !value.is_empty() && holds(text, value)) {
                    reads.push(read(path.iter().copied()));
                }
            };
            add(
                model.repository_url.as_deref(),
                &["platform", "repository", "url"],
            );
            add(
                Some(&model.repository_branch),
                &["platform", "repository", "branch"],
            );
            add(
                Some(&model.repository_path),
                &["platform", "repository", "path"],
            );
            add(Some(&cluster.server), &["platform", "server"]);
            if let Some(project) = project_of(object, model) {
                for path in of_project(text, project) {
                    reads.push(path);
                }
            }
            Written {
                reads,
                ..Written::default()
            }
        },
    );
    recorder.into_objects()
}

/// Returns the project that an object of the wiring is for.
pub fn project_of<'m>(object: &Object, model: &'m Model) -> Option<&'m Project> {
    let name = object
        .body
        .pointer("/metadata/labels/tenantry.dev~1project")?
        .as_str()?;
    model.projects.iter().find(|project| project.name == name)
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
    text.match_indices(value).any(|(at, _)| {
        word(text[..at].chars().next_back()) && word(text[at + value.len()..].chars().next())
    })
}
