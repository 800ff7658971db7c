//! Prints JSON Schemas of the kinds that a rendered tree may hold, from the OpenAPI of Kubernetes 1.33.
//!
//! Stricter than the API server, which drops unknown fields with a warning: every object is closed. `status` and `null`
//! are not allowed at all, because no manifest of ours has them. One definition a line, sorted.

use std::collections::BTreeMap;

use k8s_openapi::Resource;
use k8s_openapi::api::{
    admissionregistration::v1 as admission, apps::v1 as apps, autoscaling::v2 as autoscaling,
    batch::v1 as batch, core::v1 as core, networking::v1 as networking, policy::v1 as policy,
    rbac::v1 as rbac, scheduling::v1 as scheduling, storage::v1 as storage,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as extensions;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

fn main() {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut kinds: BTreeMap<String, Value> = BTreeMap::new();
    macro_rules! add {
        ($($kind:ty),* $(,)?) => {$(
            let schema = generator.subschema_for::<$kind>();
            let name = format!("{} {}", <$kind as Resource>::API_VERSION, <$kind as Resource>::KIND);
            kinds.insert(name, schema.into());
        )*};
    }
    add!(
        core::ConfigMap,
        core::LimitRange,
        core::Namespace,
        core::PersistentVolumeClaim,
        core::Pod,
        core::ResourceQuota,
        core::Secret,
        core::Service,
        core::ServiceAccount,
        apps::DaemonSet,
        apps::Deployment,
        apps::StatefulSet,
        batch::CronJob,
        batch::Job,
        networking::Ingress,
        networking::IngressClass,
        networking::NetworkPolicy,
        policy::PodDisruptionBudget,
        rbac::ClusterRole,
        rbac::ClusterRoleBinding,
        rbac::Role,
        rbac::RoleBinding,
        admission::MutatingWebhookConfiguration,
        admission::ValidatingAdmissionPolicy,
        admission::ValidatingAdmissionPolicyBinding,
        admission::ValidatingWebhookConfiguration,
        autoscaling::HorizontalPodAutoscaler,
        scheduling::PriorityClass,
        storage::StorageClass,
        extensions::CustomResourceDefinition,
    );
    let mut definitions: BTreeMap<String, Value> = BTreeMap::new();
    for (name, mut schema) in generator.take_definitions(true) {
        close(&mut schema);
        if name.ends_with(".JSON") {
            schema = json!(true);
        }
        definitions.insert(name, sorted(&schema));
    }
    let mut reached = Vec::new();
    let mut open: Vec<String> = kinds.values().flat_map(references).collect();
    while let Some(name) = open.pop() {
        if !reached.contains(&name) {
            open.extend(references(&definitions[&name]));
            reached.push(name);
        }
    }
    definitions.retain(|name, _| reached.contains(name));
    println!("{{\n\"kinds\": {{\n{}\n}},", lines(&kinds));
    println!("\"$defs\": {{\n{}\n}}\n}}", lines(&definitions));
}

fn lines(schemas: &BTreeMap<String, Value>) -> String {
    let lines = schemas
        .iter()
        .map(|(name, schema)| format!("{}: {schema}", json!(name)));
    lines.collect::<Vec<_>>().join(",\n")
}

/// Takes descriptions, `status` and `null` out of a schema, and closes its objects.
fn close(schema: &mut Value) {
    let Value::Object(map) = schema else {
        if let Value::Array(list) = schema {
            list.iter_mut().for_each(close);
        }
        return;
    };
    for word in ["description", "title", "format"] {
        if map.get(word).is_some_and(Value::is_string) {
            map.remove(word);
        }
    }
    if map.remove("x-kubernetes-int-or-string").is_some() {
        map.insert("type".to_owned(), json!(["integer", "string"]));
    }
    // The keys of `properties` are names, not words of the schema.
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        if properties.contains_key("apiVersion") {
            properties.remove("status");
        }
        properties.values_mut().for_each(close);
    }
    for (word, below) in map.iter_mut() {
        if word != "properties" {
            close(below);
        }
    }
    if map.contains_key("properties") {
        map.entry("additionalProperties").or_insert(json!(false));
    }
}

fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(map) => map
            .iter()
            .flat_map(|(word, below)| match (word.as_str(), below) {
                ("$ref", Value::String(path)) => {
                    vec![path.trim_start_matches("#/$defs/").to_owned()]
                }
                _ => references(below),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            Value::Object(
                sorted
                    .into_iter()
                    .map(|(key, below)| (key.clone(), self::sorted(below)))
                    .collect(),
            )
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        _ => value.clone(),
    }
}
