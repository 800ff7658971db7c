//! Large fleets stay below the limits of Argo CD, Flux and etcd; `docs/wiring.md` has the arithmetic.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tenantry::diagnostic::Diagnostics;
use tenantry::layout::lay_out_in;
use tenantry::model::{self, Available, BaseFacts, Model};
use tenantry::source::Sources;
use tenantry::sync::groups::{Group, LIMIT, groups};
use tenantry::sync::{Platform, Wiring};
use tenantry::tree::Form;

use crate::support::text;

/// What one Application may read from a directory, in bytes: 10M.
///
/// Source: `--max-combined-directory-manifests-size`, Argo CD v3.5.1.
const DIRECTORY: usize = 10_000_000;
/// What etcd stores in one object, in bytes, unless it is told otherwise: 1.5 MiB.
const ETCD: usize = 1_572_864;
/// Children of one parent (gitops-wiring §0.9).
const CHILDREN: usize = 1000;

/// A fleet with names as long as they can be, spread evenly over clusters and rings.
fn fleet(clusters: usize, projects: usize, rings: usize) -> Model {
    let name = |kind: &str, number: usize| {
        format!("{kind}-{number:05}-{}", "x".repeat(63 - kind.len() - 7))
    };
    let mut projects_yaml = "version: 1\nplatform:\n  base: kfp-2.17.0\n  repository: {url: \"https://git.example.com/ml-platform/stacks.git\"}\n  sync: [argocd, flux]\n  clusters:\n".to_owned();
    for number in 0..clusters {
        projects_yaml.push_str(&format!(
            "    {}: {{server: \"https://cluster-{number}.clusters.example.com:6443\"}}\n",
            name("c", number)
        ));
    }
    projects_yaml.push_str(&format!(
        "projects: [{{name: seed, cluster: {}}}]\n",
        name("c", 0)
    ));
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let file = sources.add("projects.yaml", projects_yaml);
    let available = Available {
        bases: [("kfp-2.17.0".to_owned(), BaseFacts::default())].into(),
    };
    let mut model = model::load(&sources, file, &available, &mut diagnostics).expect("a good file");
    let seed = model.projects.pop().expect("one project");
    // Loading so many projects is tested elsewhere; here only the wiring counts.
    model.projects = (0..projects)
        .map(|number| {
            let mut project = seed.clone();
            project.name = name("p", number);
            project.namespace = name("n", number);
            project.cluster = name("c", number % clusters);
            project.ring = Some(format!("ring-{}", number / clusters % rings));
            project
        })
        .collect();
    model
        .projects
        .sort_by(|a, b| (&a.cluster, &a.namespace).cmp(&(&b.cluster, &b.namespace)));
    model
}

/// What was found in the wiring of a fleet.
#[derive(Debug, Default)]
struct Sizes {
    /// Largest directory, in bytes.
    directory: usize,
    /// Most objects of one Application of the wiring.
    children: usize,
    /// Largest status of an Application of the wiring, in bytes.
    status: usize,
    /// Largest inventory of a Kustomization of the wiring, in bytes.
    inventory: usize,
    applications: usize,
    kustomizations: usize,
}

fn measure(model: &Model) -> Sizes {
    let versions = BTreeMap::from([("kfp-2.17.0".to_owned(), "2.17.0".to_owned())]);
    let wiring = Wiring::new(model, versions, |_| Platform {
        directories: vec!["_cluster".to_owned()],
        provisioning: BTreeMap::new(),
        version: "2.17.0".to_owned(),
    });
    let mut sizes = Sizes::default();
    let mut written = BTreeSet::new();
    for number in 0..wiring.len() {
        let path = wiring.path(number, model);
        let emitted = wiring.objects(number, model);
        // All names are of one length, so directories of as many objects have as many bytes.
        if written.insert((
            path.contains("/argocd/"),
            path.ends_with("/root"),
            emitted.len(),
        )) {
            let bytes = lay_out_in(&emitted, None, Form::Plain)
                .values()
                .map(Vec::len)
                .sum();
            sizes.directory = sizes.directory.max(bytes);
        }
        let bodies = emitted.iter().map(|object| &object.body);
        if path.contains("/argocd/") {
            sizes.children = sizes.children.max(emitted.len());
            sizes.status = sizes.status.max(bodies.map(status_of).sum());
        } else {
            sizes.inventory = sizes.inventory.max(bodies.map(inventory_of).sum());
        }
        let count = |kind: &str| {
            emitted
                .iter()
                .filter(|object| object.kind() == kind)
                .count()
        };
        if !path.ends_with("/root") {
            sizes.applications += count("Application");
            sizes.kustomizations += count("Kustomization");
        }
    }
    sizes
}

/// Bytes that one object takes in the status of its Application: as a resource, and as a result of the last sync.
fn status_of(object: &Value) -> usize {
    let (group, version) = text(object, "/apiVersion")
        .split_once('/')
        .unwrap_or(("", "v1"));
    let common = json!({
        "group": group,
        "kind": object["kind"],
        "name": object["metadata"]["name"],
        "namespace": object["metadata"]["namespace"],
        "status": "OutOfSync",
        "version": version,
    });
    let mut resource = common.clone();
    resource["syncWave"] = json!(-1);
    let mut result = common;
    result["hookPhase"] = json!("Running");
    result["syncPhase"] = json!("Sync");
    result["message"] = json!(format!(
        "{}.argoproj.io/{} serverside-applied",
        text(object, "/kind").to_lowercase(),
        text(object, "/metadata/name")
    ));
    resource.to_string().len() + result.to_string().len() + 2
}

/// Bytes that one object takes in the inventory of its Kustomization.
fn inventory_of(object: &Value) -> usize {
    let (group, version) = text(object, "/apiVersion")
        .split_once('/')
        .unwrap_or(("", "v1"));
    let id = format!(
        "{}_{}_{group}_{}",
        text(object, "/metadata/namespace"),
        text(object, "/metadata/name"),
        text(object, "/kind")
    );
    json!({"id": id, "v": version}).to_string().len() + 1
}

#[track_caller]
fn check(clusters: usize, projects: usize, rings: usize) -> Sizes {
    let sizes = measure(&fleet(clusters, projects, rings));
    assert_eq!(
        (sizes.applications, sizes.kustomizations),
        (projects, projects)
    );
    assert!(sizes.children <= CHILDREN, "{sizes:?}");
    assert!(sizes.directory <= DIRECTORY, "{sizes:?}");
    assert!(sizes.status <= ETCD, "{sizes:?}");
    assert!(sizes.inventory <= ETCD, "{sizes:?}");
    sizes
}

#[test]
fn ten_thousand_projects_over_a_hundred_clusters() {
    let sizes = check(100, 10_000, 3);
    assert!(sizes.children <= 2 * 34, "{sizes:?}");
}

#[test]
fn as_many_projects_as_fit_in_one_group() {
    // The figures of docs/wiring.md, with the longest names that there are.
    let sizes = check(1, LIMIT, 1);
    assert_eq!(sizes.children, CHILDREN);
    assert!(sizes.directory < 2_500_000, "{sizes:?}");
    assert!(sizes.status < 1_000_000, "{sizes:?}");
    assert!(sizes.inventory < 450_000, "{sizes:?}");
}

/// The groups of a fleet in one cluster by name, as namespaces.
fn members(model: &Model) -> BTreeMap<String, BTreeSet<String>> {
    let found: Vec<Group> = groups(&model.projects, &model.clusters[0].name);
    let namespace = |index: &usize| model.projects[*index].namespace.clone();
    found
        .into_iter()
        .map(|group| (group.name, group.projects.iter().map(namespace).collect()))
        .collect()
}

#[test]
fn groups_hold_everyone_once_and_never_too_many() {
    for projects in [0, 1, LIMIT, LIMIT + 1, 10_000] {
        let model = fleet(1, projects, 1);
        let groups = members(&model);
        let all: BTreeSet<&String> = groups.values().flatten().collect();
        assert_eq!(all.len(), projects);
        assert_eq!(groups.values().map(BTreeSet::len).sum::<usize>(), projects);
        assert!(
            groups
                .values()
                .all(|group| (1..=LIMIT).contains(&group.len())),
            "{projects}"
        );
        let names: Vec<&str> = groups.keys().map(String::as_str).collect();
        match projects {
            0 => assert_eq!(names, [""; 0]),
            1 | LIMIT => assert_eq!(names, ["ring-ring-0"]),
            501 => assert_eq!(names, ["ring-ring-0.0", "ring-ring-0.1"]),
            _ => assert_eq!(names.len(), 32, "{names:?}"),
        }
    }
}

#[test]
fn a_new_project_changes_one_group() {
    let mut model = fleet(1, 3000, 1);
    let mut before = members(&model);
    for number in 0..8 {
        let mut project = model.projects[number * 300].clone();
        project.namespace = format!("new-{number}");
        model.projects.push(project);
        let after = members(&model);
        let changed: Vec<&String> = after
            .iter()
            .filter(|(name, members)| before.get(*name) != Some(members))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert_eq!(before.len(), after.len());
        before = after;
    }
}

#[test]
fn a_full_group_is_split_alone() {
    let mut model = fleet(1, LIMIT, 2);
    // Both rings have half; the first is filled up.
    let more = fleet(1, 2 * LIMIT, 2).projects;
    model.projects = more
        .into_iter()
        .enumerate()
        .filter(|(index, project)| project.ring.as_deref() == Some("ring-0") || *index < 100)
        .map(|(_, project)| project)
        .collect();
    let before = members(&model);
    assert_eq!(before["ring-ring-0"].len(), LIMIT);
    let mut project = model.projects[0].clone();
    project.namespace = "one-more".to_owned();
    project.ring = Some("ring-0".to_owned());
    model.projects.push(project);
    let after = members(&model);
    let names: Vec<&str> = after.keys().map(String::as_str).collect();
    assert_eq!(names, ["ring-ring-0.0", "ring-ring-0.1", "ring-ring-1"]);
    assert_eq!(before["ring-ring-1"], after["ring-ring-1"]);
}

#[test]
fn rings_of_any_text_have_groups_of_their_own() {
    let rings = ["a", "A", "a.b", "a-b", "a_b", "", "no-ring", "1.0", "Z"];
    let mut model = fleet(1, rings.len() + 1, 1);
    for (project, ring) in model.projects.iter_mut().zip(rings) {
        project.ring = Some(ring.to_owned());
    }
    model.projects[rings.len()].ring = None;
    let groups = members(&model);
    assert_eq!(groups.len(), rings.len() + 1, "{groups:?}");
    for name in groups.keys() {
        assert!(
            name.split('.').all(|part| {
                let edge = |character: Option<char>| {
                    character.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                };
                edge(part.chars().next())
                    && edge(part.chars().last())
                    && part
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            }),
            "{name} cannot be a part of an object's name"
        );
    }
}
