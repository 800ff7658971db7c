//! Nobody gets out of his namespace: AppProjects and Flux' service accounts, evaluated against every object of the tree.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tenantry::object::is_cluster_scoped;

use crate::compiler::compile_with;
use crate::support::{Tree, golden, group, objects, of_kind, text};

/// Matches as Argo CD's globs do, as far as our patterns go: `*` and escapes.
fn glob(pattern: &str, found: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(rest) => {
            (0..=found.len()).any(|at| found.is_char_boundary(at) && glob(rest, &found[at..]))
        }
        None => {
            let literal = pattern.strip_prefix('\\').unwrap_or(pattern);
            match (literal.chars().next(), found.chars().next()) {
                (None, None) => true,
                (Some(expected), Some(character)) if expected == character => glob(
                    &literal[expected.len_utf8()..],
                    &found[character.len_utf8()..],
                ),
                _ => false,
            }
        }
    }
}

#[test]
fn globs() {
    for (pattern, found, expect) in [
        ("*", "a", true),
        ("a", "a", true),
        ("a", "ab", false),
        ("*.b", "a.b", true),
        ("*.b", "a.bc", false),
        (r"https://\[::1\]", "https://[::1]", true),
    ] {
        assert_eq!(glob(pattern, found), expect, "{pattern} {found}");
    }
}

/// Tells whether an AppProject lets an object into a cluster.
///
/// Source: `IsGroupKindNamePermitted` and `IsDestinationPermitted`, Argo CD v3.5.1.
fn admits(app_project: &Value, server: &str, object: &Value) -> bool {
    let spec = &app_project["spec"];
    let (group, kind) = (group(object), text(object, "/kind"));
    let listed = |list: &str| {
        spec[list].as_array().into_iter().flatten().any(|entry| {
            let name = entry["name"].as_str().unwrap_or("*");
            glob(text(entry, "/group"), group)
                && glob(text(entry, "/kind"), kind)
                && glob(name, text(object, "/metadata/name"))
        })
    };
    let destinations = spec["destinations"].as_array().expect("a list");
    let on_server = |destination: &&Value| glob(text(destination, "/server"), server);
    if is_cluster_scoped(group, kind) {
        return listed("clusterResourceWhitelist")
            && destinations
                .iter()
                .any(|destination| on_server(&destination));
    }
    let whitelisted =
        spec.get("namespaceResourceWhitelist").is_none() || listed("namespaceResourceWhitelist");
    let reached = destinations.iter().filter(on_server).any(|destination| {
        glob(
            text(destination, "/namespace"),
            text(object, "/metadata/namespace"),
        )
    });
    whitelisted && !listed("namespaceResourceBlacklist") && reached
}

/// The Applications of a tree: server, path, and AppProject.
fn applications(tree: &Tree) -> Vec<(String, String, Value)> {
    let projects: BTreeMap<String, Value> = of_kind(tree, "", "AppProject")
        .into_iter()
        .map(|project| (text(&project, "/metadata/name").to_owned(), project))
        .collect();
    of_kind(tree, "", "Application")
        .into_iter()
        .map(|application| {
            let project = &projects[text(&application, "/spec/project")];
            let repositories = project["spec"]["sourceRepos"].as_array().expect("a list");
            assert!(repositories.contains(&application["spec"]["source"]["repoURL"]));
            (
                text(&application, "/spec/destination/server").to_owned(),
                text(&application, "/spec/source/path").to_owned(),
                project.clone(),
            )
        })
        .collect()
}

#[test]
fn an_app_project_admits_its_own_directory_and_no_other() {
    for (case, tree_path) in [
        ("sync-argocd", "deploy/overlays"),
        ("sync-both", "overlays"),
    ] {
        let tree = golden(case);
        let applications = applications(&tree);
        let mut checked = 0;
        for (server, path, project) in &applications {
            let of_project = project["metadata"]["labels"]
                .get("tenantry.dev/project")
                .is_some();
            for (file, content) in &tree {
                let directory = format!(
                    "{tree_path}/{}",
                    file.rsplit_once('/').expect("a directory").0
                );
                for object in objects(content) {
                    let admitted = admits(project, server, &object);
                    if directory == *path {
                        assert!(
                            admitted,
                            "{path}: {} {}",
                            object["kind"], object["metadata"]
                        );
                        checked += 1;
                    } else if of_project && !directory.contains("/flux/") {
                        // Namespaces of one name in two clusters are told apart by the server.
                        let other = applications.iter().find(|(_, path, _)| *path == directory);
                        let (other_server, ..) = other.expect("every directory is applied");
                        assert!(
                            !admits(project, other_server, &object),
                            "{path} admits {file}: {} {}",
                            object["kind"],
                            object["metadata"]
                        );
                        checked += 1;
                    }
                }
            }
        }
        assert!(checked > 300, "{checked}");
    }
}

#[test]
fn denied_kinds_are_found_before_argo_cd_does() {
    let check = |sync: &str, api_version: &str, kind: &str, denied: bool| {
        let manifest =
            format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: extra}}\n");
        let extra = BTreeMap::from([("extra.yaml".to_owned(), manifest)]);
        let projects = format!(
            "version: 1\nplatform: {{base: kfp-2.17.0, sync: [{sync}], repository: {{url: \"https://git.example.com/a\"}}}}\nprojects: [{{name: churn, extraManifests: [extra.yaml]}}]\n"
        );
        let found = compile_with(&projects, &extra, 1).findings;
        let expect = format!(
            "error[conflict] projects.yaml:3:19 `{kind}/extra` of project `churn` is of a kind that no project may bring"
        );
        let expect: Vec<String> = denied.then_some(expect).into_iter().collect();
        assert_eq!(found, expect, "{sync} {api_version} {kind}");
    };
    check("argocd", "argoproj.io/v1alpha1", "Application", true);
    check("argocd", "argoproj.io/v1alpha1", "ApplicationSet", true);
    check("argocd, flux", "argoproj.io/v1alpha1", "AppProject", true);
    check(
        "argocd",
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
        true,
    );
    check(
        "argocd",
        "source.extensions.fluxcd.io/v1beta1",
        "ArtifactGenerator",
        true,
    );
    check(
        "argocd",
        "operators.coreos.com/v1alpha1",
        "Subscription",
        true,
    );
    check("argocd", "v1", "Endpoints", true);
    check("argocd", "discovery.k8s.io/v1", "EndpointSlice", true);
    check("argocd", "v1", "ConfigMap", false);
    check("argocd", "argoproj.io/v1alpha1", "Workflow", false);
    check("argocd", "argoproj.io/v1alpha1", "WorkflowTemplate", false);
    check("flux", "argoproj.io/v1alpha1", "Application", false);
}

/// What the account of one Kustomization may touch: whole namespaces, and single cluster-scoped objects.
#[derive(Debug, PartialEq, Eq)]
struct Reach {
    namespaces: BTreeSet<String>,
    objects: BTreeSet<String>,
}

/// Follows the bindings of a cluster's wiring.
fn reach(tree: &Tree, cluster: &str, account: &str, flux: &str) -> Reach {
    let below = format!("{cluster}/_sync/flux/");
    let bound = |binding: &Value| {
        let subjects = binding["subjects"].as_array().expect("a list");
        assert_eq!(subjects.len(), 1);
        text(&subjects[0], "/kind") == "ServiceAccount"
            && text(&subjects[0], "/name") == account
            && text(&subjects[0], "/namespace") == flux
    };
    let roles = of_kind(tree, &below, "ClusterRole");
    let cluster_wide = of_kind(tree, &below, "ClusterRoleBinding")
        .into_iter()
        .filter(bound)
        .flat_map(|binding| {
            let role = roles
                .iter()
                .find(|role| role["metadata"]["name"] == binding["roleRef"]["name"])
                .expect("the wiring brings the role");
            role["rules"].as_array().expect("a list").clone()
        })
        .flat_map(|rule| {
            assert_eq!(rule["verbs"], serde_json::json!(["get", "patch"]));
            assert_eq!(rule["resources"], serde_json::json!(["namespaces"]));
            let names = rule["resourceNames"].as_array().expect("names").clone();
            assert!(!names.is_empty());
            names
        })
        .map(|name| format!("Namespace/{}", name.as_str().expect("a name")))
        .collect();
    Reach {
        namespaces: of_kind(tree, &below, "RoleBinding")
            .iter()
            .filter(|binding| bound(binding))
            .map(|binding| text(binding, "/metadata/namespace").to_owned())
            .collect(),
        objects: cluster_wide,
    }
}

#[test]
fn flux_applies_a_project_with_the_rights_of_its_namespace() {
    for (case, cluster, flux) in [
        ("sync-flux", "in-cluster", "gitops"),
        ("sync-both", "east", "flux-system"),
        ("sync-both", "west", "flux-system"),
    ] {
        let tree = golden(case);
        let accounts: BTreeSet<String> =
            of_kind(&tree, &format!("{cluster}/_sync/flux/"), "ServiceAccount")
                .iter()
                .map(|account| {
                    format!(
                        "{}/{}",
                        text(account, "/metadata/namespace"),
                        text(account, "/metadata/name")
                    )
                })
                .collect();
        let mut checked = 0;
        for kustomization in of_kind(&tree, &format!("{cluster}/_sync/flux/"), "Kustomization") {
            let directory = text(&kustomization, "/spec/path").trim_start_matches("./overlays/");
            let account = text(&kustomization, "/spec/serviceAccountName");
            if directory.contains("/_") {
                assert_eq!(account, "kustomize-controller");
                continue;
            }
            assert!(accounts.contains(&format!("{flux}/{account}")), "{account}");
            let reach = reach(&tree, cluster, account, flux);
            let namespace = directory
                .rsplit('/')
                .next()
                .expect("a namespace")
                .to_owned();
            assert_eq!(reach.namespaces, BTreeSet::from([namespace]));
            let below = format!("{directory}/");
            for object in tree
                .iter()
                .filter(|(path, _)| path.starts_with(&below))
                .flat_map(|(_, text)| objects(text))
            {
                let kind = text(&object, "/kind");
                let key = format!("{kind}/{}", text(&object, "/metadata/name"));
                let covered = if is_cluster_scoped(group(&object), kind) {
                    reach.objects.contains(&key)
                } else {
                    reach
                        .namespaces
                        .contains(text(&object, "/metadata/namespace"))
                };
                assert!(covered, "{directory}: {key}");
            }
            checked += 1;
        }
        assert!(checked >= 2, "{case} {cluster}");
    }
}

#[test]
fn bindings_are_not_in_the_directories_of_projects() {
    for case in ["sync-flux", "sync-both"] {
        for (path, text) in golden(case) {
            let of_wiring = path.contains("/_sync/");
            assert!(of_wiring || !text.contains("cluster-admin"), "{path}");
        }
    }
}
