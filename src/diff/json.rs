//! The difference for scripts: one JSON document, complete.

use serde_json::{Value, json};

use super::{
    DemandLine, DirectoryLine, FieldChange, FieldEdit, HazardLine, Line, Overview, Part, PartEdit,
    Section, Standing,
};

/// Returns the document; `docs/diff.md` describes it.
pub fn document(overview: &Overview, against: &str) -> Value {
    json!({
        "against": against,
        "summary": {
            "directoriesAdded": overview.added.len(),
            "directoriesRemoved": overview.removed.len(),
            "directoriesChanged": overview.changed,
            "hazardsStopping": overview.count(Standing::Stops),
            "hazardsAcknowledged": overview.count(Standing::Acknowledged),
            "hazardsListed": overview.count(Standing::Listed),
        },
        "hazards": overview.hazards.iter().map(hazard).collect::<Vec<_>>(),
        "added": overview.added.iter().map(directory).collect::<Vec<_>>(),
        "removed": overview.removed.iter().map(directory).collect::<Vec<_>>(),
        "requests": overview.demands.iter().map(demand).collect::<Vec<_>>(),
        "changes": overview.sections.iter().map(section).collect::<Vec<_>>(),
    })
}

fn hazard(line: &HazardLine) -> Value {
    let gate = match line.note.standing {
        Standing::Stops => "stops",
        Standing::Acknowledged => "acknowledged",
        Standing::Listed => "listed",
    };
    json!({
        "hazard": line.note.name,
        "gate": gate,
        "projects": line.owners,
        "what": line.note.what,
        "old": line.note.old,
        "new": line.note.new,
    })
}

fn directory(line: &DirectoryLine) -> Value {
    json!({
        "path": line.path,
        "project": line.project,
        "objects": line.objects,
        "requests": line.demand.to_json(),
    })
}

fn demand(line: &DemandLine) -> Value {
    json!({"projects": line.owners, "old": line.old.to_json(), "new": line.new.to_json()})
}

fn section(section: &Section) -> Value {
    json!({
        "projects": section.owners,
        "objects": section.parts.iter().map(part).collect::<Vec<_>>(),
    })
}

fn part(part: &Part) -> Value {
    let (change, fields) = match &part.edit {
        PartEdit::Removed => ("removed", None),
        PartEdit::Added => ("added", None),
        PartEdit::Changed(fields) => (
            "changed",
            Some(fields.iter().map(field).collect::<Vec<_>>()),
        ),
    };
    json!({"names": part.objects, "change": change, "fields": fields.unwrap_or_default()})
}

fn field(change: &FieldChange) -> Value {
    let path = &change.path;
    match &change.edit {
        FieldEdit::Added(new) => json!({"path": path, "change": "added", "new": new}),
        FieldEdit::Removed(old) => json!({"path": path, "change": "removed", "old": old}),
        FieldEdit::Changed(old, new) => {
            json!({"path": path, "change": "changed", "old": old, "new": new})
        }
        FieldEdit::Reordered(old, new) => {
            json!({"path": path, "change": "reordered", "old": old, "new": new})
        }
        FieldEdit::Lines(lines) => {
            let lines: Vec<String> = lines
                .iter()
                .map(|line| match line {
                    Line::Removed(text) => format!("-{text}"),
                    Line::Added(text) => format!("+{text}"),
                })
                .collect();
            json!({"path": path, "change": "lines", "lines": lines})
        }
    }
}
