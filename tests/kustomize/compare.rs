//! Compares objects as a cluster would: lists that merge by a key have no order that matters to the comparison.

use serde_json::Value;
use tenantry::kustomize::Flattened;
use tenantry::yaml::{LoadOptions, load};

/// Fields whose lists merge by a key, or as a set.
///
/// Source: kustomize puts patched elements first, Tenantry keeps the order of the object.
const KEYED: [&str; 15] = [
    "containers",
    "initContainers",
    "ephemeralContainers",
    "env",
    "ports",
    "volumes",
    "volumeMounts",
    "volumeDevices",
    "imagePullSecrets",
    "hostAliases",
    "topologySpreadConstraints",
    "webhooks",
    "ownerReferences",
    "finalizers",
    "secrets",
];

/// Compares flattened objects with what kubectl printed, order of the objects included.
pub fn same(ours: &Flattened, theirs: &str) -> Result<(), String> {
    let theirs: Vec<Value> = load(theirs, &LoadOptions::default())
        .map_err(|error| format!("kubectl's output cannot be read: {error}"))?
        .into_iter()
        .map(|document| document.value)
        .collect();
    let ids = |values: &mut dyn Iterator<Item = &Value>| values.map(id).collect::<Vec<_>>();
    let our_ids = ids(&mut ours.objects.iter().map(|object| &object.body));
    let their_ids = ids(&mut theirs.iter());
    if our_ids != their_ids {
        return Err(format!("objects\n{our_ids:#?}\ninstead of\n{their_ids:#?}"));
    }
    for (object, theirs) in ours.objects.iter().zip(&theirs) {
        let (ours, theirs) = (canonical(&object.body, ""), canonical(theirs, ""));
        if ours != theirs {
            return Err(format!(
                "{}\n{ours:#}\ninstead of\n{theirs:#}",
                id(&object.body)
            ));
        }
    }
    Ok(())
}

fn id(value: &Value) -> String {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    format!(
        "{} {} {}/{}",
        text("/apiVersion"),
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name")
    )
}

/// Sorts keys, keyed lists, and writes numbers in one way.
fn canonical(value: &Value, field: &str) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            keys.into_iter()
                .map(|key| (key.clone(), canonical(&map[key], key)))
                .collect()
        }
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(|item| canonical(item, "")).collect();
            if KEYED.contains(&field) {
                list.sort_by_cached_key(Value::to_string);
            }
            Value::Array(list)
        }
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or(0.0);
            if float.fract() == 0.0 && float.abs() < 1e15 {
                Value::from(float as i64)
            } else {
                value.clone()
            }
        }
        other => other.clone(),
    }
}
