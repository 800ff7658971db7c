//! Paused and retired projects.

use serde_json::json;

use crate::model::State;
use crate::object::Object;

/// Kinds whose `spec.replicas` is set to 0 while a project is paused.
const SCALED: [&str; 3] = ["Deployment", "StatefulSet", "ReplicaSet"];

/// Reduces the objects to what the state of the project leaves of them.
///
/// Paused: all workloads to 0 replicas, CronJobs suspended, data kept.
/// Retired: the Namespace, volume claims and secret sources.
/// Source: projects-file §3, `state`.
pub(super) fn apply(objects: &mut Vec<Object>, state: State) {
    match state {
        State::Active => {}
        State::Paused => {
            for object in objects {
                let kind = object.kind().to_owned();
                if SCALED.contains(&kind.as_str()) {
                    object.body["spec"]["replicas"] = json!(0);
                } else if kind == "CronJob" {
                    object.body["spec"]["suspend"] = json!(true);
                }
            }
        }
        State::Retired => objects.retain(|object| {
            object.file == "secrets"
                || matches!(
                    object.kind(),
                    "Namespace" | "PersistentVolumeClaim" | "ExternalSecret" | "Password"
                )
        }),
    }
}
