//! Files that must load, `tests/valid/<name>.yaml`: the model is the one in `<name>.json` beside it, and warnings are
//! the first lines of the file.

use serde_json::{Value, json};
use tenantry::model::Model;

use crate::support;

#[test]
fn valid_files_load_with_these_warnings() {
    let files = support::files("valid", "yaml");
    support::check_annotations(&files, |bytes| {
        let (model, diagnostics, sources) = support::load(bytes);
        let found = support::render(&diagnostics, &sources);
        assert!(model.is_some(), "rejected:\n{}", found.join("\n"));
        found
    });
}

#[test]
fn valid_files_mean_this() {
    for path in support::files("valid", "yaml") {
        let bytes = std::fs::read(&path).expect("a test file can be read");
        let (model, _, _) = support::load(bytes);
        let model = model.unwrap_or_else(|| panic!("{} is rejected", path.display()));
        let mut found =
            serde_json::to_string_pretty(&written(&model)).expect("a model can be written");
        found.push('\n');
        let path = path.with_extension("json");
        if support::overwrite() {
            std::fs::write(&path, &found).expect("a test file can be written");
        }
        let expected = std::fs::read_to_string(&path).expect("a test file can be read");
        assert!(
            expected == found,
            "{} differs; found:\n{found}",
            path.display()
        );
    }
}

fn written(model: &Model) -> Value {
    let mut written = json!({
        "repositoryPath": model.repository_path,
        "clusters": model.clusters,
        "projects": model
            .projects
            .iter()
            .map(|project| {
                let mut value = serde_json::to_value(project).expect("a project can be written");
                value["extraManifests"] = project
                    .extra_manifests
                    .iter()
                    .map(|(path, _)| path.as_str())
                    .collect();
                value
            })
            .collect::<Vec<_>>(),
    });
    if let Some(sync) = &model.sync {
        written["sync"] = json!(sync);
    }
    written
}

#[test]
fn order_of_projects_does_not_matter() {
    let head = "version: 1\nplatform: {base: kfp-2.17.0}\nprojects:\n";
    let projects = ["- name: c\n", "- name: a\n  namespace: z\n", "- name: b\n"];
    let names = |order: [usize; 3]| -> Vec<String> {
        let text = order
            .iter()
            .fold(head.to_owned(), |text, at| text + projects[*at]);
        let (model, _, _) = support::load(text.into_bytes());
        model
            .expect("the file is valid")
            .projects
            .into_iter()
            .map(|project| project.name)
            .collect()
    };
    assert_eq!(names([0, 1, 2]), ["b", "c", "a"]);
    assert_eq!(names([2, 1, 0]), names([0, 1, 2]));
}

#[test]
fn settings_know_where_they_were_written() {
    let text = "version: 1
platform: {base: kfp-2.17.0}
defaults: {database: {embedded: {size: 20Gi}}}
profiles: {big: {quota: {pods: 50}}}
projects:
- name: churn
  profile: big
  labels: {example.com/team: a}
";
    let (model, _, sources) = support::load(text.as_bytes().to_vec());
    let project = &model.expect("the file is valid").projects[0];
    for (pointer, place) in [
        ("/database/embedded/size", Some("20Gi")),
        ("/quota/pods", Some("50")),
        ("/labels/example.com~1team", Some("a")),
        ("/labels", Some("labels")),
        ("/objectStore", None),
    ] {
        let found = project.spans.get(pointer).map(|span| sources.text(*span));
        assert_eq!(found, place, "{pointer}");
    }
    assert_eq!(sources.text(project.span), "churn");
}
