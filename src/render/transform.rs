//! The steps that every object of a project goes through, in the order of [`finish`].
//!
//! Each step is about Kubernetes only and leaves selectors alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::waves;
use crate::base::{Base, FILES};
use crate::model::{Cluster, Project, State};
use crate::object::{Object, is_cluster_scoped};
use crate::plan::Plan;
use crate::trace::{By, Trace, Written};

use super::{Hash, origins};

/// Annotation of a manifest whose name gets a hash of its content; it is consumed here.
const NAME_SUFFIX: &str = "tenantry.dev/name-suffix";

/// How many digits of the hash a name ends in.
pub const NAME_HASH_LENGTH: usize = 10;

/// Annotation of a pod template with the hash of the ConfigMaps that its containers read.
pub const CONFIG_HASH: &str = "tenantry.dev/config-hash";

/// Annotation that tells Argo CD how to prune and delete an object.
const ARGO_OPTIONS: &str = "argocd.argoproj.io/sync-options";

/// Annotation that tells Flux not to prune an object.
const FLUX_PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";

/// Label with the project's name.
const PROJECT: &str = "tenantry.dev/project";

/// Completes the objects of a project and puts them into the order in which they are written.
pub(super) fn finish<T: Trace>(
    objects: &mut [Object],
    project: &Project,
    cluster: &Cluster,
    plan: &Plan,
    base: &Base,
    hash: Hash<'_>,
    trace: &mut T,
) {
    for (number, object) in objects.iter_mut().enumerate() {
        set_namespace(object, &project.namespace);
        let by = By::Tenantry("namespace of every object");
        trace.one(number, object, by, |_, _| origins::own_namespace());
        service_account(object, project);
        let by = By::Tenantry("settings of service accounts");
        trace.one(number, object, by, origins::service_account);
        if object.file != "extra" {
            pods(object, project, plan);
        }
        let by = By::Tenantry("placement and proxy of pods");
        trace.one(number, object, by, origins::pods);
        pull_secrets(object, cluster);
        trace.one(number, object, By::Tenantry("pull secrets"), |_, _| {
            origins::pull_secrets()
        });
        labels(object, project, base);
        let by = By::Tenantry("labels of every object");
        trace.one(number, object, by, |object, pointer| {
            origins::labels(object, pointer, project)
        });
        annotations(object, project);
        let by = By::Tenantry("annotations of every object");
        trace.one(number, object, by, |_, pointer| {
            origins::annotations(pointer, project)
        });
        waves::annotate(object, project.state, &cluster.sync);
        trace.one(number, object, WAVES, |_, _| origins::sync());
        prune(&mut object.body);
        trace.one(number, object, By::Tenantry("cleaning up"), |_, _| {
            Written::default()
        });
    }
    config_hashes(objects, hash);
    trace.all(objects, CONFIG, |_, _| Written::default());
    // Sorted before names get their hashes, so that the order says nothing about contents.
    sort(objects);
    trace.all(objects, CONFIG, |_, _| Written::default());
    for (number, object) in objects.iter_mut().enumerate() {
        name_suffix(object, hash);
        let by = By::Tenantry("hash of the content in the name");
        trace.one(number, object, by, |_, _| Written::default());
    }
}

/// What [`waves`] are set for.
const WAVES: By = By::Tenantry("waves of Argo CD");
/// What [`config_hashes`] are set for.
const CONFIG: By = By::Tenantry("hash of the ConfigMaps that pods read");

/// Completes the objects that a cluster gets once.
pub(super) fn cluster<T: Trace>(
    objects: &mut [Object],
    cluster: &Cluster,
    base: &Base,
    trace: &mut T,
) {
    for (number, object) in objects.iter_mut().enumerate() {
        let labels = standard_labels(object, base);
        add_all(&mut object.body["metadata"], "labels", &labels);
        if object.kind() == "CustomResourceDefinition" {
            // Losing a definition deletes every object of its kind, in all namespaces.
            let keep = BTreeMap::from([
                (
                    ARGO_OPTIONS.to_owned(),
                    "Prune=confirm,Delete=confirm,ServerSideApply=true".to_owned(),
                ),
                (FLUX_PRUNE.to_owned(), "disabled".to_owned()),
            ]);
            add_all(&mut object.body["metadata"], "annotations", &keep);
        }
        let by = By::Tenantry("labels and annotations of every object");
        trace.one(number, object, by, |object, pointer| {
            origins::standard_labels(object, pointer)
        });
        pull_secrets(object, cluster);
        trace.one(number, object, By::Tenantry("pull secrets"), |_, _| {
            origins::pull_secrets()
        });
        waves::annotate(object, State::Active, &cluster.sync);
        trace.one(number, object, WAVES, |_, _| origins::sync());
    }
    config_hashes(objects, &mut super::hash);
    objects.sort_by_cached_key(|object| {
        (
            object.file.clone(),
            crate::object::apply_rank(object.kind()),
            object.key(),
        )
    });
    trace.all(objects, CONFIG, |_, _| Written::default());
}

/// Completes the objects that set up shared servers: those for one project, or those that all have in common.
pub(super) fn shared(
    objects: &mut [Object],
    cluster: &Cluster,
    base: &Base,
    project: Option<&Project>,
) {
    for object in objects.iter_mut() {
        let mut labels = standard_labels(object, base);
        for key in ["name", "component"] {
            labels.insert(
                format!("app.kubernetes.io/{key}"),
                "provisioning".to_owned(),
            );
        }
        labels.extend(project.map(|project| (PROJECT.to_owned(), project.name.clone())));
        add_all(&mut object.body["metadata"], "labels", &labels);
        pull_secrets(object, cluster);
        // The Namespace may hold Secrets that somebody has put there by hand. Everything else can be made again.
        if object.kind() == "Namespace" {
            add_all(&mut object.body["metadata"], "annotations", &keep());
        }
        // An entry that a store does not have yet must hold up nobody else's Job.
        if object.kind() != "ExternalSecret" {
            waves::annotate(object, State::Active, &cluster.sync);
        }
        name_suffix(object, &mut super::hash);
    }
    objects.sort_by_cached_key(|object| {
        (
            object.file.clone(),
            crate::object::apply_rank(object.kind()),
            object.key(),
        )
    });
}

/// Returns the manifests of a base with what every stack of it does to them alike, in the order in which they are
/// written.
///
/// One whose name gets a hash is left out: under its own name, no stack has it.
pub(super) fn pinned(base: &Base) -> Vec<Object> {
    let mut objects = base.manifests.clone();
    objects.retain(|object| {
        let annotations = object.body.pointer("/metadata/annotations");
        annotations.is_none_or(|annotations| annotations.get(NAME_SUFFIX).is_none())
    });
    for object in &mut objects {
        let labels = standard_labels(object, base);
        add_all(&mut object.body["metadata"], "labels", &labels);
        prune(&mut object.body);
    }
    sort(&mut objects);
    objects
}

/// Returns the pod template of a workload: its metadata and its spec.
fn pod_template(body: &mut Value) -> Option<&mut Value> {
    match body.get("kind").and_then(Value::as_str)? {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
            body.pointer_mut("/spec/template")
        }
        "CronJob" => body.pointer_mut("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}

/// Returns every container and init container of an object's pod template.
pub(super) fn containers_mut(body: &mut Value) -> Vec<&mut Value> {
    let Some(Value::Object(spec)) =
        pod_template(body).and_then(|template| template.get_mut("spec"))
    else {
        return Vec::new();
    };
    spec.iter_mut()
        .filter(|(key, _)| matches!(key.as_str(), "initContainers" | "containers"))
        .filter_map(|(_, list)| list.as_array_mut())
        .flatten()
        .collect()
}

/// Writes `metadata.namespace` on namespaced objects, and on the ServiceAccounts that bindings name.
fn set_namespace(object: &mut Object, namespace: &str) {
    if is_cluster_scoped(object.group(), object.kind()) {
        return;
    }
    // Placed after the name, where people look for it.
    if let Some(Value::Object(metadata)) = object.body.get_mut("metadata") {
        metadata.shift_remove("namespace");
        let at = metadata
            .keys()
            .position(|key| key == "name")
            .map_or(0, |at| at + 1);
        metadata.shift_insert(at, "namespace".to_owned(), json!(namespace));
    }
    if object.kind() == "RoleBinding" {
        let subjects = object
            .body
            .get_mut("subjects")
            .and_then(Value::as_array_mut);
        for subject in subjects.into_iter().flatten() {
            let own = subject.get("kind").and_then(Value::as_str) == Some("ServiceAccount")
                && subject.get("namespace").is_none();
            if own {
                subject["namespace"] = json!(namespace);
            }
        }
    }
}

/// Adds the project's own annotations and labels to a ServiceAccount.
fn service_account(object: &mut Object, project: &Project) {
    if object.kind() != "ServiceAccount" {
        return;
    }
    if let Some(settings) = project.service_accounts.get(object.name()) {
        add_all(&mut object.body["metadata"], "labels", &settings.labels);
        add_all(
            &mut object.body["metadata"],
            "annotations",
            &settings.annotations,
        );
    }
}

/// Adds the pull secrets to a ServiceAccount and to the pods of a workload, those of `extraManifests` included: they come
/// from the same registries.
fn pull_secrets(object: &mut Object, cluster: &Cluster) {
    match object.kind() {
        "ServiceAccount" => add_pull_secrets(&mut object.body, &cluster.pull_secrets),
        "Pod" => {
            if let Some(spec) = object.body.get_mut("spec") {
                add_pull_secrets(spec, &cluster.pull_secrets);
            }
        }
        _ => {
            let template = pod_template(&mut object.body);
            if let Some(spec) = template.and_then(|template| template.get_mut("spec")) {
                add_pull_secrets(spec, &cluster.pull_secrets);
            }
        }
    }
}

/// Sets placement and proxy on the pods of a workload.
fn pods(object: &mut Object, project: &Project, plan: &Plan) {
    if let Some(proxy) = &plan.proxy {
        let variables = [
            ("HTTP_PROXY", proxy.http.as_ref()),
            ("HTTPS_PROXY", proxy.https.as_ref()),
            ("NO_PROXY", Some(&proxy.no_proxy)),
        ];
        for container in containers_mut(&mut object.body) {
            for (name, value) in variables {
                if let Some(value) = value {
                    set_env(container, name, value);
                }
            }
        }
    }
    let Some(spec) = pod_template(&mut object.body).and_then(|template| template.get_mut("spec"))
    else {
        return;
    };
    let scheduling = &project.scheduling;
    add_all(spec, "nodeSelector", &scheduling.node_selector);
    for (key, list) in [
        ("tolerations", &scheduling.tolerations),
        ("topologySpreadConstraints", &scheduling.topology_spread),
    ] {
        if !list.is_empty() {
            spec[key] = json!(list);
        }
    }
    if let Some(affinity) = &scheduling.affinity {
        spec["affinity"] = affinity.clone();
    }
    if let Some(class) = &scheduling.priority_class_name {
        spec["priorityClassName"] = json!(class);
    }
}

/// Sets one environment variable of a container, in place when it is there.
fn set_env(container: &mut Value, name: &str, value: &str) {
    let Some(container) = container.as_object_mut() else {
        return;
    };
    let list = container.entry("env").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else {
        return;
    };
    let entry = json!({"name": name, "value": value});
    match list.iter_mut().find(|entry| entry["name"] == name) {
        Some(existing) => *existing = entry,
        None => list.push(entry),
    }
}

fn add_pull_secrets(holder: &mut Value, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let mut list = holder
        .get("imagePullSecrets")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for name in names {
        let entry = json!({"name": name});
        if !list.contains(&entry) {
            list.push(entry);
        }
    }
    holder["imagePullSecrets"] = Value::Array(list);
}

/// Adds entries to the map under `key`; existing keys are replaced.
fn add_all(holder: &mut Value, key: &str, entries: &BTreeMap<String, String>) {
    for (name, value) in entries {
        holder[key][name] = json!(value);
    }
}

/// Adds the standard labels and the project's own.
///
/// Only to the object itself: a label on a pod template would restart the pods when it changes.
/// Source: commands-and-output §3.
fn labels(object: &mut Object, project: &Project, base: &Base) {
    let mut labels = project.labels.clone();
    if let Some(ring) = &project.ring {
        labels.insert("tenantry.dev/ring".to_owned(), ring.clone());
    }
    labels.extend(standard_labels(object, base));
    labels.insert(PROJECT.to_owned(), project.name.clone());
    add_all(&mut object.body["metadata"], "labels", &labels);
}

/// Returns the labels that every object carries.
fn standard_labels(object: &Object, base: &Base) -> BTreeMap<String, String> {
    let name = base
        .facts
        .files
        .get(&object.file)
        .map_or(object.file.as_str(), String::as_str);
    [
        ("name", name),
        ("component", object.file.as_str()),
        ("part-of", "kubeflow-pipelines"),
        ("managed-by", "tenantry"),
        ("version", base.facts.version.as_str()),
    ]
    .into_iter()
    .map(|(key, value)| (format!("app.kubernetes.io/{key}"), value.to_owned()))
    .collect()
}

/// Adds the project's annotations, and protects what holds data from being pruned or deleted.
///
/// Source: gitops-wiring §0.8.
fn annotations(object: &mut Object, project: &Project) {
    let mut annotations = project.annotations.clone();
    if object.kind() == "Namespace" {
        for (key, value) in [
            ("tenantry.dev/description", &project.description),
            ("tenantry.dev/owner", &project.owner),
        ] {
            if let Some(value) = value {
                annotations.insert(key.to_owned(), value.clone());
            }
        }
        if project.state != State::Active {
            let state = if project.state == State::Paused {
                "paused"
            } else {
                "retired"
            };
            annotations.insert("tenantry.dev/state".to_owned(), state.to_owned());
        }
    }
    if holds_data(object) {
        annotations.extend(keep());
    }
    add_all(&mut object.body["metadata"], "annotations", &annotations);
}

/// Returns the annotations that keep an object from being pruned or deleted without a person's consent.
fn keep() -> BTreeMap<String, String> {
    BTreeMap::from([
        (
            ARGO_OPTIONS.to_owned(),
            "Prune=confirm,Delete=confirm".to_owned(),
        ),
        (FLUX_PRUNE.to_owned(), "disabled".to_owned()),
    ])
}

/// Tells whether losing the object loses data: the Namespace, volume claims and the sources of Secrets.
fn holds_data(object: &Object) -> bool {
    matches!(
        object.kind(),
        "Namespace" | "PersistentVolumeClaim" | "ExternalSecret" | "Password"
    ) || (object.file == "secrets" && object.kind() == "Job")
}

/// Removes what the API server would not keep: `null`s and `status` everywhere, empty maps of labels and annotations.
///
/// Other empty maps carry meaning (`emptyDir: {}`, `podSelector: {}`) and stay.
fn prune(body: &mut Value) {
    if let Value::Object(map) = body {
        map.shift_remove("status");
    }
    prune_below(body);
}

fn prune_below(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, below| {
                let empty = below.as_object().is_some_and(Map::is_empty)
                    && matches!(
                        key.as_str(),
                        "labels"
                            | "annotations"
                            | "nodeSelector"
                            | "resources"
                            | "data"
                            | "securityContext"
                    );
                !below.is_null() && !empty
            });
            map.values_mut().for_each(prune_below);
        }
        Value::Array(list) => list.iter_mut().for_each(prune_below),
        _ => {}
    }
}

/// Writes the hash of the ConfigMaps that a pod reads to its template, so that a change restarts it.
///
/// Source: commands-and-output §3; kfp-stack §8.4 (environment and subPath mounts are not refreshed).
fn config_hashes(objects: &mut [Object], hash: Hash<'_>) {
    let contents: BTreeMap<String, String> = objects
        .iter()
        .filter(|object| object.kind() == "ConfigMap")
        .map(|object| {
            let data = json!([object.body.get("data"), object.body.get("binaryData")]);
            (object.name().to_owned(), data.to_string())
        })
        .collect();
    for object in objects {
        let Some(template) = pod_template(&mut object.body) else {
            continue;
        };
        let mut read = Vec::new();
        config_maps_of(template, &mut read);
        read.sort_unstable();
        read.dedup();
        let text: String = read
            .iter()
            .filter_map(|name| Some(format!("{name} {}\n", contents.get(*name)?)))
            .collect();
        if !text.is_empty() {
            template["metadata"]["annotations"][CONFIG_HASH] = json!(hash(&text, 32));
        }
    }
}

/// Collects the names of the ConfigMaps that a pod template refers to: volumes, projected volumes, `env` and `envFrom`.
fn config_maps_of<'a>(value: &'a Value, names: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                if matches!(
                    key.as_str(),
                    "configMap" | "configMapRef" | "configMapKeyRef"
                ) {
                    names.extend(below.get("name").and_then(Value::as_str));
                } else {
                    config_maps_of(below, names);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|item| config_maps_of(item, names)),
        _ => {}
    }
}

/// Appends a hash of its content to the name of an object that asks for it.
///
/// A Job's template is immutable: under a new name, a change runs again instead of being refused.
fn name_suffix(object: &mut Object, hash: Hash<'_>) {
    let Some(Value::Object(annotations)) = object.body.pointer_mut("/metadata/annotations") else {
        return;
    };
    if annotations.shift_remove(NAME_SUFFIX).is_none() {
        return;
    }
    if annotations.is_empty() {
        object.body["metadata"]
            .as_object_mut()
            .expect("annotations were found below")
            .shift_remove("annotations");
    }
    let suffix = hash(&object.body["spec"].to_string(), NAME_HASH_LENGTH);
    let name = format!("{}-{suffix}", object.name());
    object.body["metadata"]["name"] = json!(name);
}

/// Sorts by file, then in the order in which kinds must be applied, then by name.
///
/// Source: gitops-wiring §1.5, the order inside a wave.
fn sort(objects: &mut [Object]) {
    objects.sort_by_cached_key(|object| {
        let file = FILES.iter().position(|file| *file == object.file);
        (file, crate::object::apply_rank(object.kind()), object.key())
    });
}
