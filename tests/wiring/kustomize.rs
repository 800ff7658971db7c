//! The wiring of a tree in the form of kustomize: tools read kustomizations, and the base that these stand on.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tenantry::tree::Form;

use crate::compiler::{bases, compile_form, root};
use crate::support::{Tree, of_kind, text};

fn golden(case: &str) -> Tree {
    let path = root().join("tests/golden").join(case).join("projects.yaml");
    let projects = std::fs::read_to_string(path).expect("the case can be read");
    let outcome = compile_form(&projects, bases(), &BTreeMap::new(), 2, Form::Kustomize);
    assert_eq!(outcome.findings, Vec::<String>::new());
    outcome.tree
}

#[test]
fn argo_cd_finds_kustomizations() {
    let tree = golden("sync-argocd");
    let applications = of_kind(&tree, "", "Application");
    assert!(applications.len() > 3);
    for application in applications {
        // With `directory`, the kustomization would be taken for an object.
        let source = &application["spec"]["source"];
        assert_eq!(source.get("directory"), None, "{source}");
        let path = text(&application, "/spec/source/path");
        let below = path.strip_prefix("deploy/overlays/").expect("in the tree");
        assert!(
            tree.contains_key(&format!("{below}/kustomization.yaml")),
            "{below}"
        );
        // What changes an Application's objects makes it look at them again.
        let annotations = &application["metadata"]["annotations"];
        let paths = text(annotations, "/argocd.argoproj.io~1manifest-generate-paths");
        let resources = &tree[&format!("{below}/kustomization.yaml")];
        let stands_on = resources.contains("../../_base/");
        // A retired project may stand on nothing any more.
        assert!(
            !stands_on || paths.contains(";../../_base/"),
            "{below}: {paths}"
        );
        assert!(paths.starts_with('.'), "{paths}");
    }
}

#[test]
fn flux_fetches_the_bases() {
    let tree = golden("sync-flux");
    let repositories: Vec<Value> = of_kind(&tree, "", "GitRepository");
    assert!(!repositories.is_empty());
    for repository in repositories {
        let fetched = repository["spec"]["sparseCheckout"]
            .as_array()
            .expect("a list");
        assert_eq!(fetched[0], json!("overlays/_base"));
        assert_eq!(fetched.len(), 2);
    }
    for kustomization in of_kind(&tree, "", "Kustomization") {
        let Some(path) = kustomization.pointer("/spec/path").and_then(Value::as_str) else {
            assert!(text(&kustomization, "/apiVersion").starts_with("kustomize.config.k8s.io/"));
            continue;
        };
        let below = path.strip_prefix("./overlays/").expect("in the tree");
        assert!(
            tree.contains_key(&format!("{below}/kustomization.yaml")),
            "{below}"
        );
    }
}

/// Apart from where things are, the wiring is that of the plain form.
#[test]
fn nothing_else_differs() {
    for case in ["sync-argocd", "sync-flux"] {
        let (plain, other) = (crate::support::golden(case), golden(case));
        for (path, text) in plain.iter().filter(|(path, _)| path.contains("/_sync/")) {
            let lines = |text: &str| -> Vec<String> {
                let differ = [
                    "# Generated",
                    "manifest-generate-paths",
                    "directory:",
                    "include: \"*.yaml\"",
                    "_base",
                ];
                text.lines()
                    .filter(|line| !differ.iter().any(|differ| line.contains(differ)))
                    .map(str::to_owned)
                    .collect()
            };
            assert_eq!(lines(text), lines(&other[path]), "{path}");
        }
    }
}
