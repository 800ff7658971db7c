//! Every directory of the tree is applied by exactly one Application or Kustomization, and files are what tools read.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tenantry::object::is_cluster_scoped;

use crate::compiler::compile;
use crate::support::{Tree, golden, group, objects, of_kind, text};

const CASES: [&str; 4] = ["sync-argocd", "sync-flux", "sync-both", "provisioning"];

/// The directories of a tree that a tool is to apply, each with how often one of its objects names it.
#[track_caller]
fn check_applied(case: &str, tree_path: &str, own: &str, other: &str, kind: &str, pointer: &str) {
    let tree = golden(case);
    let mut applied: BTreeMap<String, usize> = BTreeMap::new();
    for path in tree.keys() {
        let directory = path.rsplit_once('/').expect("files lie in directories").0;
        if !directory.contains(&format!("/_sync/{other}/")) {
            applied.insert(format!("{tree_path}/{directory}"), 0);
        }
    }
    assert!(
        applied
            .keys()
            .any(|path| path.contains(&format!("/_sync/{own}/root")))
    );
    for object in tree.values().flat_map(|text| objects(text)) {
        if object["kind"] == kind {
            let path = text(&object, pointer).trim_start_matches("./").to_owned();
            *applied.entry(path).or_insert(100) += 1;
        }
    }
    let wrong: Vec<_> = applied.iter().filter(|(_, count)| **count != 1).collect();
    assert!(wrong.is_empty(), "{case}: {wrong:?}");
}

#[test]
fn every_directory_is_applied_once() {
    let argocd = ("argocd", "flux", "Application", "/spec/source/path");
    let flux = ("flux", "argocd", "Kustomization", "/spec/path");
    for (case, tree, (own, other, kind, pointer)) in [
        ("sync-argocd", "deploy/overlays", argocd),
        ("sync-flux", "overlays", flux),
        ("sync-both", "overlays", argocd),
        ("sync-both", "overlays", flux),
        ("provisioning", "overlays", argocd),
        ("provisioning", "overlays", flux),
    ] {
        check_applied(case, tree, own, other, kind, pointer);
    }
}

#[test]
fn files_are_objects_under_harmless_names() {
    for case in CASES {
        for (path, text) in golden(case) {
            let name = path.rsplit('/').next().expect("a name");
            assert!(name.ends_with(".yaml"), "{path}");
            assert!(
                !matches!(name, "kustomization.yaml" | "Chart.yaml"),
                "{path}"
            );
            assert!(!name.starts_with('.'), "{path}");
            assert!(!text.contains("+argocd:skip-file-rendering"), "{path}");
            let found = objects(&text);
            assert!(!found.is_empty(), "{path} is empty");
            for object in found {
                for pointer in ["/apiVersion", "/kind", "/metadata/name"] {
                    assert!(!self::text(&object, pointer).is_empty(), "{path} {pointer}");
                }
                let named = !self::text(&object, "/metadata/namespace").is_empty();
                let kind = self::text(&object, "/kind");
                assert_eq!(
                    named,
                    !is_cluster_scoped(group(&object), kind),
                    "{path} {kind}"
                );
            }
        }
    }
}

#[test]
fn no_two_objects_of_the_wiring_are_one() {
    for case in CASES {
        let tree = golden(case);
        // Argo CD's objects of all clusters lie in one namespace; each cluster has a Flux of its own.
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for (path, text) in tree.iter().filter(|(path, _)| path.contains("/_sync/")) {
            let scope = if path.contains("/argocd/") {
                ""
            } else {
                path.split('/').next().expect("a cluster")
            };
            for object in objects(text) {
                let key = format!(
                    "{scope} {} {} {}",
                    object["kind"], object["metadata"]["namespace"], object["metadata"]["name"]
                );
                let earlier = seen.insert(key.clone(), path.clone());
                assert_eq!(earlier, None, "{case}: {key} in {path}");
            }
        }
    }
}

#[test]
fn the_wiring_says_nothing_that_argo_cd_or_flux_would_read_otherwise() {
    for case in CASES {
        let tree = golden(case);
        for application in of_kind(&tree, "", "Application") {
            let name = text(&application, "/metadata/name").to_owned();
            let spec = &application["spec"];
            assert_eq!(
                application["metadata"].get("finalizers"),
                None,
                "{name} would delete what it applied"
            );
            // Zero values are dropped from the live object, and the parent writes them again, for ever.
            assert_eq!(
                spec["source"]["directory"],
                json!({"include": "*.yaml"}),
                "{name}"
            );
            assert_eq!(
                spec["syncPolicy"]["automated"],
                json!({"prune": true, "selfHeal": true}),
                "{name}"
            );
            assert!(
                text(&application, "/spec/source/targetRevision").starts_with("refs/heads/"),
                "{name}"
            );
            assert_eq!(
                application["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"],
                "."
            );
        }
        for kustomization in of_kind(&tree, "", "Kustomization") {
            let name = text(&kustomization, "/metadata/name");
            // It becomes the value of a label on every object.
            assert!(name.len() <= 63, "{name}");
            for key in [
                "targetNamespace",
                "postBuild",
                "patches",
                "images",
                "components",
            ] {
                assert_eq!(
                    kustomization["spec"].get(key),
                    None,
                    "{name} changes what is applied"
                );
            }
            assert!(
                !text(&kustomization, "/spec/serviceAccountName").is_empty(),
                "{name}"
            );
        }
    }
}

/// The wave of an object of a project.
fn wave_of<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a str {
    let object = objects
        .iter()
        .find(|object| object["kind"] == kind && text(object, "/metadata/name").starts_with(name))
        .unwrap_or_else(|| panic!("no {kind}/{name}"));
    let wave = text(
        object,
        "/metadata/annotations/argocd.argoproj.io~1sync-wave",
    );
    if wave.is_empty() { "0" } else { wave }
}

fn directory(tree: &Tree, below: &str) -> Vec<Value> {
    let of_directory = tree.iter().filter(|(path, _)| path.starts_with(below));
    of_directory.flat_map(|(_, text)| objects(text)).collect()
}

#[test]
fn waves() {
    let objects = directory(&golden("sync-argocd"), "in-cluster/churn/");
    for (kind, name, wave) in [
        ("Namespace", "churn", "-2"),
        ("NetworkPolicy", "default-deny", "-2"),
        ("ServiceAccount", "pipeline-runner", "-2"),
        ("Role", "pipeline-runner", "-2"),
        ("RoleBinding", "pipeline-runner", "-2"),
        ("ServiceAccount", "credentials", "-2"),
        ("Job", "credentials", "-1"),
        ("ConfigMap", "kfp-launcher", "0"),
        ("Service", "ml-pipeline", "0"),
        ("Deployment", "ml-pipeline", "0"),
        // A claim that waits for its first pod is never healthy in an earlier wave.
        ("PersistentVolumeClaim", "mariadb-pvc", "0"),
        ("Deployment", "mariadb", "0"),
    ] {
        assert_eq!(wave_of(&objects, kind, name), wave, "{kind}/{name}");
    }
    let cluster = directory(&golden("sync-both"), "west/_cluster/");
    for (kind, name, wave) in [
        ("CustomResourceDefinition", "workflows.argoproj.io", "-2"),
        ("Namespace", "tenantry-system", "-2"),
        ("ClusterRoleBinding", "tenantry-pipeline-webhook", "-2"),
        ("Issuer", "pipeline-webhook", "-1"),
        ("Deployment", "pipeline-webhook", "0"),
        ("MutatingWebhookConfiguration", "pipelineversions", "1"),
        ("ValidatingWebhookConfiguration", "pipelineversions", "1"),
    ] {
        assert_eq!(wave_of(&cluster, kind, name), wave, "{kind}/{name}");
    }
}

#[test]
fn only_argo_cd_gets_waves() {
    for (path, text) in golden("sync-flux") {
        assert!(!text.contains("argocd.argoproj.io/sync-wave"), "{path}");
    }
}

#[test]
fn without_sync_there_is_no_wiring() {
    let tree = compile(
        "version: 1\nplatform: {base: kfp-2.17.0, sync: [], repository: {url: \"https://git.example.com/a\"}}\nprojects: [{name: churn}]\n",
    );
    assert!(!tree.is_empty());
    for (path, text) in tree {
        assert!(!path.contains("_sync"), "{path}");
        assert!(!text.contains("sync-wave"), "{path}");
    }
}

#[test]
fn a_new_name_keeps_the_applications_name() {
    let of = |name: &str| {
        let tree = compile(&format!(
            "version: 1\nplatform: {{base: kfp-2.17.0, sync: [argocd, flux], repository: {{url: \"https://git.example.com/a\"}}}}\nprojects: [{{name: {name}, namespace: ns}}]\n"
        ));
        let names = |kind: &str| -> Vec<String> {
            of_kind(&tree, "in-cluster/_sync/", kind)
                .iter()
                .map(|object| text(object, "/metadata/name").to_owned())
                .collect()
        };
        (
            names("Application"),
            names("Kustomization"),
            tree.keys().cloned().collect::<Vec<_>>(),
        )
    };
    assert_eq!(of("churn"), of("customer-churn"));
}
