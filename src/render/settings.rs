//! Images and resources of single containers.

use serde_json::{Value, json};

use crate::base::Base;
use crate::model::{ContainerSettings, Project, Resources};
use crate::object::Object;
use crate::plan::Plan;

/// Lists the container settings of a project by the key under which `base.yaml` names their workload.
pub(crate) fn containers(project: &Project) -> Vec<(String, ContainerSettings)> {
    let components = &project.components;
    let mut settings: Vec<(String, ContainerSettings)> = [
        ("apiServer", &components.api_server.container),
        ("persistenceAgent", &components.persistence_agent.container),
        (
            "scheduledWorkflow",
            &components.scheduled_workflow.container,
        ),
        (
            "workflowController",
            &components.workflow_controller.container,
        ),
        ("metadata.grpc", &components.metadata.grpc),
        ("metadata.envoy", &components.metadata.envoy),
        ("ui", &components.ui.container),
    ]
    .into_iter()
    .map(|(key, settings)| (key.to_owned(), settings.clone()))
    .collect();
    if let Some(embedded) = &project.database.embedded {
        settings.push((
            format!("database.{}", project.database.engine),
            ContainerSettings {
                image: embedded.image.clone(),
                resources: embedded.resources.clone(),
            },
        ));
    }
    if let (Some(embedded), Some(engine)) =
        (&project.object_store.embedded, &project.object_store.engine)
    {
        settings.push((
            format!("objectStore.{engine}"),
            ContainerSettings {
                image: embedded.image.clone(),
                resources: embedded.resources.clone(),
            },
        ));
    }
    settings
}

/// Sets images and resources on the containers that `base.yaml` names.
///
/// An image is replaced wherever the stack runs it, init containers included, so that one stack never mixes two.
pub(super) fn apply(objects: &mut [Object], project: &Project, plan: &Plan, base: &Base) {
    for (name, image) in &plan.images {
        let Some(original) = base
            .facts
            .images
            .get(name)
            .filter(|original| *original != image)
        else {
            continue;
        };
        for object in objects.iter_mut() {
            for container in super::transform::containers_mut(&mut object.body) {
                if container.get("image").and_then(Value::as_str) == Some(original) {
                    container["image"] = json!(image);
                }
            }
        }
    }
    for (key, settings) in containers(project) {
        let (Some(workload), Some(resources)) =
            (base.facts.workloads.get(&key), &settings.resources)
        else {
            continue;
        };
        let target = objects
            .iter_mut()
            .find(|object| object.kind() == workload.kind && object.name() == workload.name);
        let Some(object) = target else {
            continue;
        };
        for container in super::transform::containers_mut(&mut object.body) {
            if container.get("name").and_then(Value::as_str) == Some(&workload.container) {
                set_resources(container, resources);
            }
        }
    }
}

/// Sets the given requests and limits and keeps the base's other ones.
///
/// A limit below the base's request (or a request above the base's limit) replaces that one too, because the API server refuses a request above its limit.
fn set_resources(container: &mut Value, resources: &Resources) {
    let mut merged = container
        .get("resources")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let given = [
        ("requests", &resources.requests),
        ("limits", &resources.limits),
    ];
    for (part, values) in given {
        for (name, quantity) in values {
            merged[part][name] = json!(quantity);
        }
    }
    for (name, limit) in &resources.limits {
        let request = merged["requests"][name].as_str();
        if !resources.requests.contains_key(name) && exceeds(request, Some(limit)) {
            merged["requests"][name] = json!(limit);
        }
    }
    for (name, request) in &resources.requests {
        let limit = merged["limits"][name].as_str();
        if !resources.limits.contains_key(name) && exceeds(Some(request), limit) {
            merged["limits"][name] = json!(request);
        }
    }
    if let Value::Object(map) = &mut merged {
        map.retain(|_, part| part.as_object().is_none_or(|part| !part.is_empty()));
    }
    container["resources"] = merged;
}

fn exceeds(request: Option<&str>, limit: Option<&str>) -> bool {
    use crate::grammar::quantity::Quantity;
    match (request.map(Quantity::parse), limit.map(Quantity::parse)) {
        (Some(Ok(request)), Some(Ok(limit))) => request > limit,
        _ => false,
    }
}
