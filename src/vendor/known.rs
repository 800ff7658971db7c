//! What a base at hand knows of the objects that a vendored one has too, by their names.
//!
//! Gives the parts of `base.yaml` that are about containers, servers, credentials and pods.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::adopt;
use super::reference::{Reference, key};
use super::sort_out::Sorted;

/// What the base at hand says of objects that the vendored one has too.
pub(super) struct Known<'a> {
    sorted: &'a Sorted,
    images: &'a BTreeMap<String, String>,
    reference: Option<&'a Reference>,
    /// Objects that components add, as templates.
    added: Vec<Value>,
    /// The files that they add them to.
    added_to: BTreeSet<String>,
    /// Names of the Services.
    pub(super) services: BTreeSet<String>,
}

impl<'a> Known<'a> {
    pub(super) fn new(
        sorted: &'a Sorted,
        images: &'a BTreeMap<String, String>,
        reference: Option<&'a Reference>,
        components: &BTreeMap<String, String>,
    ) -> Self {
        let added = adopt::added(components);
        let objects = sorted.manifests.values().flatten().chain(&added);
        Known {
            services: objects
                .filter(|body| body["kind"] == "Service" && body["apiVersion"] == "v1")
                .filter_map(|body| body["metadata"]["name"].as_str())
                .map(str::to_owned)
                .collect(),
            added_to: adopt::stems(components),
            added,
            sorted,
            images,
            reference,
        }
    }

    fn objects(&self) -> impl Iterator<Item = &Value> {
        self.sorted.manifests.values().flatten().chain(&self.added)
    }

    pub(super) fn files(&self) -> Value {
        let name = |file: &String| {
            let known = self
                .reference
                .and_then(|reference| reference.facts.files.get(file));
            (file.clone(), Value::from(known.unwrap_or(file).as_str()))
        };
        Value::Object(
            self.sorted
                .manifests
                .keys()
                .chain(&self.added_to)
                .map(name)
                .collect(),
        )
    }

    /// Returns the containers that settings of `projects.yaml` configure, as far as they are there.
    pub(super) fn workloads(&self) -> Value {
        let mut workloads = Map::new();
        for (key, known) in self
            .reference
            .into_iter()
            .flat_map(|reference| &reference.facts.workloads)
        {
            let container = self
                .objects()
                .filter(|body| {
                    body["kind"] == known.kind.as_str()
                        && body["metadata"]["name"] == known.name.as_str()
                })
                .flat_map(containers)
                .find(|container| container["name"] == known.container.as_str());
            let image = container
                .and_then(|container| container["image"].as_str())
                .and_then(|image| {
                    let read = image.strip_prefix("{{ plan.images.");
                    let mut images = self.images.iter();
                    images.find(|(name, known)| {
                        *known == image || read.is_some_and(|read| read == format!("{name} }}}}"))
                    })
                });
            if let Some((image, _)) = image {
                let workload = json!({
                    "kind": known.kind, "name": known.name, "container": known.container, "image": image,
                });
                workloads.insert(key.clone(), workload);
            }
        }
        Value::Object(workloads)
    }

    /// Returns the embedded servers whose Services are there.
    pub(super) fn embedded(&self) -> Value {
        let mut embedded = Map::new();
        for (what, engines) in self
            .reference
            .into_iter()
            .flat_map(|reference| &reference.facts.embedded)
        {
            let present: Map<String, Value> = engines
                .iter()
                .filter(|(_, service)| self.services.contains(&service.service))
                .map(|(engine, service)| {
                    (
                        engine.clone(),
                        json!({"service": service.service, "port": service.port}),
                    )
                })
                .collect();
            if !present.is_empty() {
                embedded.insert(what.clone(), Value::Object(present));
            }
        }
        Value::Object(embedded)
    }

    /// Returns which storage a stack uses, as the containers say that are there.
    pub(super) fn identity(&self, workloads: &Value) -> Value {
        let mut identity = self
            .reference
            .and_then(|reference| reference.identity.clone())
            .unwrap_or_else(|| json!({}));
        for what in ["database", "objectStore"] {
            if let Some(Value::Array(consumers)) = identity.get_mut(what) {
                consumers.retain(|consumer| {
                    let workload = consumer["workload"].as_str();
                    workload.is_some_and(|workload| workloads.get(workload).is_some())
                });
            }
        }
        let made: BTreeSet<(String, String)> = self.added.iter().filter_map(key).collect();
        if let Some(Value::Array(makers)) = identity.get_mut("generated") {
            makers.retain(|maker| {
                let text = |key: &str| maker[key].as_str().unwrap_or_default().to_owned();
                made.contains(&(text("kind"), text("name")))
            });
        }
        identity
    }

    pub(super) fn secrets(&self) -> Value {
        match self.reference.map(|reference| &reference.facts.secrets) {
            Some(secrets) => json!({
                "database": {
                    "name": secrets.database.name,
                    "usernameKey": secrets.database.username_key,
                    "passwordKey": secrets.database.password_key,
                },
                "objectStore": {
                    "name": secrets.object_store.name,
                    "accessKeyKey": secrets.object_store.access_key_key,
                    "secretKeyKey": secrets.object_store.secret_key_key,
                },
            }),
            None => json!({
                "database": {"name": "database", "usernameKey": "username", "passwordKey": "password"},
                "objectStore": {"name": "object-store", "accessKeyKey": "accesskey", "secretKeyKey": "secretkey"},
            }),
        }
    }

    /// Returns the roles whose pods are there, or are made at run time.
    pub(super) fn roles(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let pods: Vec<&Value> = self.objects().filter_map(pod_labels).collect();
        let present = |labels: &BTreeMap<String, String>| {
            pods.iter().any(|pod| {
                labels
                    .iter()
                    .all(|(key, value)| pod[key.as_str()] == value.as_str())
            })
        };
        self.reference
            .into_iter()
            .flat_map(|reference| {
                let external = &reference.facts.external_roles;
                let roles = reference.facts.roles.iter();
                roles.filter(move |(role, labels)| external.contains(role) || present(labels))
            })
            .map(|(role, labels)| (role.clone(), labels.clone()))
            .collect()
    }

    /// Returns the workloads whose pods have no role.
    pub(super) fn without_role(
        &self,
        roles: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> Vec<String> {
        let has_role = |pod: &Value| {
            roles.values().any(|labels| {
                labels
                    .iter()
                    .all(|(key, value)| pod[key.as_str()] == value.as_str())
            })
        };
        self.objects()
            .filter(|body| pod_labels(body).is_some_and(|pod| !has_role(pod)))
            .filter_map(key)
            .map(|(kind, name)| format!("{kind}/{name}"))
            .collect()
    }

    /// Returns everything that is said of roles, for those that are there.
    pub(super) fn of_roles(
        &self,
        roles: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> Vec<(&'static str, Value)> {
        let facts = self.reference.map(|reference| &reference.facts);
        let present = |list: &[String]| -> Vec<String> {
            list.iter()
                .filter(|role| roles.contains_key(*role))
                .cloned()
                .collect()
        };
        let ports = |ports: &BTreeMap<String, Vec<u16>>| -> BTreeMap<String, Vec<u16>> {
            let mut ports = ports.clone();
            ports.retain(|role, _| roles.contains_key(role));
            ports
        };
        let flows: Vec<Value> = facts
            .into_iter()
            .flat_map(|facts| &facts.flows)
            .filter(|flow| roles.contains_key(&flow.to))
            .map(|flow| json!({"from": present(&flow.from), "to": flow.to, "ports": flow.ports}))
            .filter(|flow| flow["from"].as_array().is_some_and(|from| !from.is_empty()))
            .collect();
        let empty = BTreeMap::new();
        let mut started_by = facts.map_or_else(BTreeMap::new, |facts| facts.started_by.clone());
        started_by.retain(|role, by| roles.contains_key(role) && roles.contains_key(by));
        let list = |list: Option<&Vec<String>>| json!(present(list.map_or(&[], Vec::as_slice)));
        vec![
            ("flows", json!(flows)),
            (
                "kubernetesApi",
                list(facts.map(|facts| &facts.kubernetes_api)),
            ),
            ("database", list(facts.map(|facts| &facts.database))),
            ("objectStore", list(facts.map(|facts| &facts.object_store))),
            (
                "entry",
                json!(ports(facts.map_or(&empty, |facts| &facts.entry))),
            ),
            (
                "metrics",
                json!(ports(facts.map_or(&empty, |facts| &facts.metrics))),
            ),
            (
                "externalRoles",
                list(facts.map(|facts| &facts.external_roles)),
            ),
            ("startedBy", json!(started_by)),
        ]
    }

    pub(super) fn controller_config_keys(&self) -> Value {
        json!(
            self.reference
                .map(|reference| &reference.facts.controller_config_keys)
                .cloned()
                .unwrap_or_default()
        )
    }
}

/// Returns the containers of a workload.
fn containers(body: &Value) -> impl Iterator<Item = &Value> {
    [
        "/spec/template/spec/containers",
        "/spec/jobTemplate/spec/template/spec/containers",
        "/spec/containers",
    ]
    .into_iter()
    .filter_map(|pointer| body.pointer(pointer)?.as_array())
    .flatten()
}

/// Returns the labels of a workload's pods.
fn pod_labels(body: &Value) -> Option<&Value> {
    [
        "/spec/template/metadata/labels",
        "/spec/jobTemplate/spec/template/metadata/labels",
    ]
    .into_iter()
    .find_map(|pointer| body.pointer(pointer))
}
