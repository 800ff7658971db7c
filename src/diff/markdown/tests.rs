use super::*;
use crate::diff::{Collector, DirectoryDiff, HazardNote, ObjectChange, ObjectEdit, Owner, Status};
use crate::object::ObjectKey;

/// A fleet in which every project has a hazard and `fields` changes of its own.
fn overview(projects: usize, fields: usize) -> Overview {
    let mut collector = Collector::default();
    for number in 0..projects {
        let owner = Owner {
            path: format!("in-cluster/p{number}"),
            project: Some(format!("p{number}")),
            also: Vec::new(),
        };
        let note = HazardNote {
            standing: Standing::Stops,
            name: "volume-shrunk",
            what: format!("`PersistentVolumeClaim/data` gets smaller ({number})"),
            old: Some("10Gi".to_owned()),
            new: Some("5Gi".to_owned()),
        };
        let common = HazardNote {
            standing: Standing::Acknowledged,
            what: "the same everywhere".to_owned(),
            ..note.clone()
        };
        collector.hazard(&owner, note);
        collector.hazard(&owner, common);
        let change = |field: usize| FieldChange {
            path: format!("data.f{field}"),
            edit: FieldEdit::Changed(
                format!("old {number}").into(),
                format!("new {number}").into(),
            ),
        };
        let key = ObjectKey {
            group: String::new(),
            kind: "ConfigMap".to_owned(),
            namespace: String::new(),
            name: "c".to_owned(),
        };
        let edit = ObjectEdit::Changed {
            former_name: None,
            fields: (0..fields).map(change).collect(),
        };
        collector.add(DirectoryDiff {
            owner,
            status: Status::Kept,
            demand: Default::default(),
            changes: vec![ObjectChange { key, edit }],
        });
    }
    collector.finish()
}

#[test]
fn what_does_not_fit_is_counted() {
    for (projects, fields, limit) in [
        (3, 2, LIMIT),
        (300, 4, LIMIT),
        (2000, 1, LIMIT),
        (50, 3, 4000),
        (5, 1, 700),
    ] {
        let overview = overview(projects, fields);
        let page = write_within(&overview, "main", limit);
        assert!(page.len() <= limit, "{} of {limit}", page.len());
        let hazards = page
            .lines()
            .filter(|line| line.starts_with("- **volume-shrunk**") && !line.contains("everywhere"))
            .count();
        let common = if page.contains("everywhere") {
            projects
        } else {
            0
        };
        let changes = page
            .lines()
            .filter(|line| line.starts_with("+   data.f"))
            .count();
        let more = page.lines().find_map(|line| {
            let rest = line.strip_prefix("… and ")?;
            rest.split(' ').next()?.parse::<usize>().ok()
        });
        assert_eq!(
            hazards + common + changes + more.unwrap_or(0),
            2 * projects + projects * fields,
            "{projects} {fields} {limit}: {page}"
        );
        assert_eq!(
            page.matches("<details>").count(),
            page.matches("</details>").count()
        );
        assert_eq!(
            page.matches("```diff\n").count(),
            page.matches("\n```\n").count()
        );
        // Hazards go first: there is no change as long as a hazard is missing.
        assert!(hazards == projects || changes == 0);
    }
}

#[test]
fn values_cannot_become_markup() {
    for (text, expect) in [
        ("plain", "`plain`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("a``b`", "``` a``b` ```"),
        ("line\nbreak", "`line\\nbreak`"),
    ] {
        assert_eq!(code(text), expect);
    }
    assert_eq!(escape("@all *x* `a_b` <b>"), "\\@all \\*x\\* `a_b` \\<b\\>");
    assert_eq!(escape("open ` @all"), "open ' \\@all");
    assert_eq!(html("<b> & @x"), "&lt;b&gt; &amp; &#64;x");
}

#[test]
fn a_fence_is_longer_than_any_in_it() {
    let mut collector = Collector::default();
    let key = ObjectKey {
        group: String::new(),
        kind: "ConfigMap".to_owned(),
        namespace: String::new(),
        name: "c".to_owned(),
    };
    let lines = vec![
        Line::Added("````".to_owned()),
        Line::Removed("</details>".to_owned()),
    ];
    let fields = vec![FieldChange {
        path: "data.t".to_owned(),
        edit: FieldEdit::Lines(lines),
    }];
    collector.add(DirectoryDiff {
        owner: Owner::default(),
        status: Status::Kept,
        demand: Default::default(),
        changes: vec![ObjectChange {
            key,
            edit: ObjectEdit::Changed {
                former_name: None,
                fields,
            },
        }],
    });
    let page = write(&collector.finish(), "main");
    assert!(page.contains("\n`````diff\n"), "{page}");
    assert!(page.contains("\n`````\n"), "{page}");
}
