//! When two sets of objects are the same: merged lists in any order, everything else as it is.
//!
//! Knows which lists merge by their names, apart from the table that is under test.

use serde_json::Value;

/// Lists that merge, and the fields by which; `""` is the element itself.
const MERGED: [(&str, &[&str]); 17] = [
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("env", &["name"]),
    ("ports", &["containerPort", "port", "protocol"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("volumes", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("hostAliases", &["ip"]),
    (
        "topologySpreadConstraints",
        &["topologyKey", "whenUnsatisfiable"],
    ),
    ("webhooks", &["name"]),
    ("secrets", &["name"]),
    ("drivers", &["name"]),
    ("podCIDRs", &[""]),
    ("ownerReferences", &["uid"]),
    ("finalizers", &[""]),
];

/// Tells whether the objects are the same, in any order.
pub(crate) fn sets(ours: &[Value], theirs: &[Value]) -> bool {
    let sorted = |bodies: &[Value]| {
        let mut bodies: Vec<Value> = bodies.iter().map(settled).collect();
        bodies.sort_by_key(|body| {
            let metadata = &body["metadata"];
            format!(
                "{} {} {}",
                body["kind"], metadata["name"], metadata["namespace"]
            )
        });
        bodies
    };
    sorted(ours) == sorted(theirs)
}

/// Returns the object with its merged lists sorted; a kind without schema has none.
fn settled(body: &Value) -> Value {
    let mut body = body.clone();
    let custom = [
        "example.com/v1",
        "argoproj.io/v1alpha1",
        "autoscaling/v2",
        "apps/v1beta1",
    ];
    if !custom.iter().any(|version| body["apiVersion"] == **version) {
        sort_lists(&mut body);
    }
    body
}

fn sort_lists(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                sort_lists(value);
                let Some((_, keys)) = MERGED.iter().find(|(name, _)| name == key) else {
                    continue;
                };
                if let Value::Array(list) = value {
                    list.sort_by_key(|element| {
                        let part = |key: &&str| {
                            let part = if key.is_empty() {
                                Some(element)
                            } else {
                                element.get(*key)
                            };
                            part.map(ToString::to_string)
                        };
                        keys.iter().map(part).collect::<Vec<_>>()
                    });
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(sort_lists),
        _ => {}
    }
}
