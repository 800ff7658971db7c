//! The page for scripts: one JSON object.

use serde_json::{Map, Value, json};

use super::{Fleet, GROUPS, HazardLine, Line, Sum};

/// Returns the page; `docs/report.md` describes it.
pub fn document(fleet: &Fleet) -> Value {
    let sums: Map<String, Value> = GROUPS
        .into_iter()
        .map(|(name, by)| {
            let sums: Map<String, Value> = fleet
                .sums(by)
                .into_iter()
                .map(|(group, sum)| (group.to_owned(), self::sum(sum)))
                .collect();
            (name.to_owned(), Value::Object(sums))
        })
        .collect();
    json!({
        "total": sum(fleet.total()),
        "by": sums,
        "projects": fleet.projects.iter().map(project).collect::<Vec<_>>(),
        "against": fleet.against,
        "hazards": fleet.hazards.iter().map(hazard).collect::<Vec<_>>(),
    })
}

fn sum(sum: Sum) -> Value {
    json!({"projects": sum.projects, "requests": sum.demand.to_json()})
}

fn project(line: &Line) -> Value {
    json!({
        "name": line.name,
        "cluster": line.cluster,
        "namespace": line.namespace,
        "state": line.state,
        "ring": line.ring,
        "base": line.base,
        "owner": line.owner,
        "database": line.database,
        "objectStore": line.object_store,
        "requests": line.demand.to_json(),
    })
}

fn hazard(line: &HazardLine) -> Value {
    json!({
        "gate": line.gate,
        "hazard": line.hazard,
        "project": line.project,
        "directory": line.directory,
        "what": line.what,
        "old": line.old,
        "new": line.new,
    })
}
