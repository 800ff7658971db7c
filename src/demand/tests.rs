use serde_json::json;

use super::*;

fn demand(bodies: &[Value]) -> String {
    let objects: Vec<Object> = bodies
        .iter()
        .map(|body| Object {
            body: body.clone(),
            file: String::new(),
        })
        .collect();
    Demand::of(objects.iter()).to_string()
}

fn deployment(replicas: u64, pod: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": replicas, "template": {"spec": pod}}})
}

fn container(cpu: &str, memory: &str) -> Value {
    json!({"resources": {"requests": {"cpu": cpu, "memory": memory}}})
}

#[test]
fn pods() {
    let check = |pod: Value, expect: &str| assert_eq!(demand(&[deployment(1, pod)]), expect);
    let small = container("100m", "64Mi");
    check(json!({"containers": []}), "nothing");
    check(
        json!({"containers": [small, small]}),
        "0.2 CPU, 128 MiB memory",
    );
    check(
        json!({"containers": [{"resources": {"limits": {"cpu": 2, "memory": "1.5Gi"}}}]}),
        "2 CPU, 1.5 GiB memory",
    );
    // The larger of those that prepare and those that run.
    check(
        json!({"initContainers": [container("1", "32Mi"), small], "containers": [small]}),
        "1 CPU, 64 MiB memory",
    );
    // A sidecar runs with those after it.
    let sidecar = json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": "50m", "memory": "1Gi"}}});
    check(
        json!({"initContainers": [small, sidecar, container("300m", "1Mi")], "containers": [small], "overhead": {"cpu": "1m"}}),
        "0.36 CPU, 1.07 GiB memory",
    );
    check(
        json!({"containers": [{"resources": {"requests": {"cpu": "a lot"}}}]}),
        "nothing",
    );
    check(json!(["no pod"]), "nothing");
}

#[test]
fn kinds() {
    let pod = json!({"containers": [container("250m", "1Gi")]});
    assert_eq!(
        demand(&[deployment(3, pod.clone())]),
        "0.75 CPU, 3 GiB memory"
    );
    assert_eq!(demand(&[deployment(0, pod.clone())]), "nothing");
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": {"resources": {"requests": {"storage": "1536Gi"}}}});
    assert_eq!(demand(&[claim.clone(), claim.clone()]), "3 TiB storage");
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {"replicas": 2, "template": {"spec": pod}, "volumeClaimTemplates": [claim]}});
    assert_eq!(demand(&[set]), "0.5 CPU, 2 GiB memory, 3 TiB storage");
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"spec": pod}}});
    assert_eq!(demand(&[job]), "nothing");
}

#[test]
fn a_limit_range_gives_what_is_missing() {
    let range = json!({"apiVersion": "v1", "kind": "LimitRange", "spec": {"limits": [
        {"type": "Pod", "max": {"cpu": "9"}},
        {"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "100m"}},
    ]}});
    let pod = json!({"containers": [{}, {"resources": {"requests": {"memory": "1Mi"}}}]});
    assert_eq!(
        demand(&[deployment(1, pod), range]),
        "0.2 CPU, 1.01 GiB memory"
    );
}

#[test]
fn changes() {
    let of = |cpu: &str, memory: &str| {
        let object = Object {
            body: deployment(1, json!({"containers": [container(cpu, memory)]})),
            file: String::new(),
        };
        Demand::of([&object].into_iter())
    };
    let (old, new) = (of("1", "1Gi"), of("1500m", "512Mi"));
    assert_eq!(old.change(&new), ["+0.5 CPU", "-512 MiB memory"]);
    assert_eq!(old.change(&old), [""; 0]);
    assert_eq!(
        new.to_json(),
        json!({"cpu": "1500m", "memory": "536870912", "storage": "0"})
    );
}
