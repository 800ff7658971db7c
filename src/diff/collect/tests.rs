use serde_json::json;

use super::*;
use crate::diff::{FieldEdit, Objects, objects};
use crate::object::Object;

/// The difference of a project whose ConfigMap goes from one value to another, and that has a ServiceAccount of its own.
fn directory(project: &str, namespace: &str, old: &str, new: &str) -> DirectoryDiff {
    let set = |value: &str, extra: bool| {
        let config = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace},
            "data": {"host": format!("{value}.{namespace}.svc"), "image": value},
        });
        let own = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": format!("{project}-x")}});
        let bodies = [Some(config), extra.then_some(own)];
        Objects::new(bodies.into_iter().flatten().map(|body| Object {
            body,
            file: String::new(),
        }))
    };
    DirectoryDiff {
        owner: Owner {
            path: format!("in-cluster/{namespace}"),
            project: Some(project.to_owned()),
            also: vec![namespace.to_owned()],
        },
        status: Status::Kept,
        demand: Default::default(),
        changes: objects(&set(old, true), &set(new, false)),
    }
}

/// An overview, one line for each part.
fn lines(overview: &Overview) -> Vec<String> {
    let mut lines = Vec::new();
    for section in &overview.sections {
        for part in &section.parts {
            let edit = match &part.edit {
                PartEdit::Added => "added".to_owned(),
                PartEdit::Removed => "removed".to_owned(),
                PartEdit::Changed(fields) => {
                    let field = |change: &FieldChange| match &change.edit {
                        FieldEdit::Changed(old, new) => format!("{} {old} {new}", change.path),
                        other => format!("{} {other:?}", change.path),
                    };
                    fields.iter().map(field).collect::<Vec<_>>().join("; ")
                }
            };
            lines.push(format!(
                "{}: {}: {edit}",
                section.owners.join(" "),
                part.objects.join(" ")
            ));
        }
    }
    lines
}

#[test]
fn equal_changes_are_put_together() {
    let directories = [
        directory("churn", "churn", "a", "b"),
        directory("fraud-detection", "fraud", "a", "b"),
        directory("vision", "vision", "a", "c"),
    ];
    let expect = [
        "churn fraud-detection vision: ServiceAccount/{project}-x: removed",
        "churn fraud-detection: ConfigMap/c: data.host \"a.{project}.svc\" \"b.{project}.svc\"; data.image \"a\" \"b\"",
        "vision: ConfigMap/c: data.host \"a.vision.svc\" \"c.vision.svc\"; data.image \"a\" \"c\"",
    ];
    // In whatever order the directories come.
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut collector = Collector::default();
        for number in order {
            collector.add(directories[number].clone());
        }
        let overview = collector.finish();
        assert_eq!(lines(&overview), expect);
        assert_eq!(overview.changed, 3);
        assert!(!overview.is_empty());
    }
}

#[test]
fn hazards_are_put_together_and_the_worst_come_first() {
    let mut collector = Collector::default();
    let note = |standing: Standing, name: &'static str, what: &str| HazardNote {
        standing,
        name,
        what: what.to_owned(),
        old: Some("x".to_owned()),
        new: None,
    };
    for project in ["a1", "b1", "c1"] {
        let owner = Owner {
            path: format!("in-cluster/{project}"),
            project: Some(project.to_owned()),
            also: Vec::new(),
        };
        collector.hazard(
            &owner,
            note(
                Standing::Listed,
                "restart",
                &format!("`Deployment/{project}`"),
            ),
        );
        if project == "b1" {
            collector.hazard(
                &owner,
                note(Standing::Acknowledged, "volume-deleted", "gone"),
            );
        } else {
            collector.hazard(&owner, note(Standing::Stops, "volume-deleted", "gone"));
        }
    }
    let overview = collector.finish();
    let shown: Vec<String> = overview
        .hazards
        .iter()
        .map(|line| {
            format!(
                "{:?} {} {} {}",
                line.note.standing,
                line.note.name,
                line.owners.join(" "),
                line.note.what
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Stops volume-deleted a1 c1 gone",
            "Acknowledged volume-deleted b1 gone",
            "Listed restart a1 b1 c1 `Deployment/{project}`",
        ]
    );
    assert_eq!(overview.count(Standing::Stops), 2);
    // Hazards alone are no difference: what differs is in the directories.
    assert!(overview.is_empty());
}

#[test]
fn directories_that_come_and_go() {
    let mut collector = Collector::default();
    for (project, status) in [
        ("z", Status::Added),
        ("b", Status::Removed),
        ("a", Status::Added),
    ] {
        collector.add(DirectoryDiff {
            status,
            ..directory(project, project, "a", "b")
        });
    }
    let overview = collector.finish();
    let paths = |lines: &[DirectoryLine]| -> Vec<String> {
        lines.iter().map(|line| line.path.clone()).collect()
    };
    assert_eq!(paths(&overview.added), ["in-cluster/a", "in-cluster/z"]);
    assert_eq!(paths(&overview.removed), ["in-cluster/b"]);
    assert_eq!(overview.changed, 0);
}
