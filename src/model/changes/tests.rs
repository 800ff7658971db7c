use crate::config;
use crate::diagnostic::Diagnostics;
use crate::model::{self, Available, BaseFacts, Model};
use crate::source::Sources;

const HEAD: &str = "\
version: 1
platform: {base: kfp}
databases:
  central: {engine: mysql, host: db.example.com, credentials: {externalSecret: {store: vault, key: \"ml/{{ project.name }}\"}}}
objectStores:
  lake: {provider: s3, endpoint: https://s3.example.com, credentials: {secret: {name: keys}}}
  pool: {provider: s3, endpoint: https://s3.example.com, bucket: ml-pool, credentials: {secret: {name: keys}}}
";

/// Loads what follows [`HEAD`], and returns the findings one a line: severity, code, line, message and hints.
fn load(text: &str) -> (Option<Model>, Vec<String>) {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let available = Available {
        bases: [("kfp".to_owned(), BaseFacts::default())].into(),
    };
    let bytes = format!("{HEAD}{text}").into_bytes();
    let model = config::decode("projects.yaml", bytes, &mut sources, &mut diagnostics)
        .and_then(|file| model::load(&sources, file, &available, &mut diagnostics))
        .ok();
    let line = |span: crate::source::Span| {
        sources.line_column(span.file, span.start).0 - HEAD.lines().count()
    };
    let findings = diagnostics
        .into_sorted()
        .iter()
        .map(|found| {
            let mut text = format!(
                "{}[{}] {} {}",
                found.severity.as_str(),
                found.code.as_str(),
                found.span.map_or(0, line),
                found.message
            );
            for (span, label) in &found.related {
                text.push_str(&format!(" | {} {label}", line(*span)));
            }
            for hint in &found.hints {
                text.push_str(&format!(" | {hint}"));
            }
            text
        })
        .collect();
    (model, findings)
}

fn check(text: &str, expect: &[&str]) {
    let (_, findings) = load(text);
    assert_eq!(findings, expect, "{text}");
}

#[test]
fn a_moved_project_keeps_what_its_name_gave_it() {
    let (model, findings) = load(
        "projects:\n- {name: customer-churn, database: central, objectStore: lake}\n- {name: new, objectStore: pool}\nmoved:\n- {from: older, to: churn}\n- {from: churn, to: customer-churn}\n- {from: old, to: new}\n",
    );
    assert_eq!(findings, Vec::<String>::new());
    let model = model.expect("the file loads");
    let project = |name: &str| {
        let found = model.projects.iter().find(|project| project.name == name);
        found.expect("the project is declared")
    };
    let churn = project("customer-churn");
    assert_eq!(churn.namespace, "older");
    assert_eq!(churn.database.database, "kfp_older");
    assert_eq!(churn.database.user, "kfp_older");
    assert_eq!(churn.object_store.bucket, "kfp-older");
    assert!(
        matches!(&churn.database.credentials, model::Credentials::ExternalSecret { key, .. } if key == "ml/older"),
        "{:?}",
        churn.database.credentials
    );
    let new = project("new");
    assert_eq!(new.namespace, "old");
    assert_eq!(new.object_store.prefix.as_deref(), Some("old"));
    let renamed: Vec<_> = model
        .moves
        .renamed
        .iter()
        .map(|(old, new)| (old.as_str(), new.as_str()))
        .collect();
    assert_eq!(
        renamed,
        [
            ("churn", "customer-churn"),
            ("old", "new"),
            ("older", "customer-churn")
        ]
    );
}

#[test]
fn what_is_written_down_stays() {
    let (model, findings) = load(
        "projects:\n- name: b\n  namespace: team\n  database: {shared: {name: central, database: other}}\nmoved:\n- {from: a, to: b}\n",
    );
    assert_eq!(findings, Vec::<String>::new());
    let project = &model.expect("the file loads").projects[0];
    assert_eq!(project.namespace, "team");
    assert_eq!(project.database.database, "other");
    assert_eq!(project.database.user, "kfp_a");
}

#[test]
fn moves_that_cannot_be() {
    check(
        "projects:\n- name: churn\nmoved:\n- {from: a, to: a}\n",
        &[
            "error[conflict] 4 project `a` is moved to its own name | write the new name, or remove the entry",
        ],
    );
    check(
        "projects:\n- name: a\n- name: b\nmoved:\n- {from: a, to: b}\n",
        &[
            "error[conflict] 5 project `a` was moved to `b`, and is still declared | 2 declared here | rename the project in `projects`, or remove the entry",
        ],
    );
    check(
        "projects:\n- name: b\n- name: c\nmoved:\n- {from: a, to: b}\n- {from: a, to: c}\n",
        &[
            "error[conflict] 6 project `a` is moved twice | 5 first here | one project becomes one other: remove one of the entries",
        ],
    );
    check(
        "projects:\n- name: c\nmoved:\n- {from: a, to: c}\n- {from: b, to: c}\n",
        &[
            "error[conflict] 5 two projects are moved to `c` | 4 first here | one project becomes one other: remove one of the entries",
        ],
    );
    check(
        "projects:\n- name: churn\nmoved:\n- {from: a, to: chrun}\n",
        &[
            "error[unknown-project] 4 project `chrun` is listed in `moved`, and there is no such project | did you mean `churn`?",
        ],
    );
    check(
        "projects:\n- name: churn\nmoved:\n- {from: a, to: b}\n- {from: b, to: a}\n",
        &[
            "error[unknown-project] 4 project `b` is listed in `moved`, and there is no such project | remove the entry, or declare the project in `projects`",
            "error[unknown-project] 5 project `a` is listed in `moved`, and there is no such project | remove the entry, or declare the project in `projects`",
        ],
    );
    check(
        "projects:\n- name: churn\nmoved:\n- {from: a, to: b}\n- {from: b, to: c}\n",
        &[
            "error[unknown-project] 5 project `c` is listed in `moved`, and there is no such project | remove the entry, or declare the project in `projects`",
        ],
    );
}
