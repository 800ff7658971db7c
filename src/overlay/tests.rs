use serde_json::json;

use super::*;

fn object(body: Value) -> Object {
    Object {
        body,
        file: "extra".to_owned(),
    }
}

#[test]
fn bases_are_told_from_clusters() {
    assert!(is_base("_base/kfp-2.17.0"));
    for directory in ["_base", "_based/x", "in-cluster/_base", "in-cluster/churn"] {
        assert!(!is_base(directory), "{directory}");
    }
}

#[test]
fn labels_that_all_objects_have() {
    let of = |labels: Value| object(json!({"metadata": {"labels": labels}}));
    let objects = [
        of(json!({"project": "churn", "name": "a", "ring": "one"})),
        of(json!({"project": "churn", "name": "b", "ring": "one"})),
    ];
    assert_eq!(
        common_labels(&objects),
        BTreeMap::from([("project", "churn"), ("ring", "one")])
    );
    let objects = [of(json!({"a": "b"})), object(json!({"metadata": {}}))];
    assert_eq!(common_labels(&objects), BTreeMap::new());
    assert_eq!(common_labels(&[]), BTreeMap::new());
}

#[test]
fn a_name_is_no_pattern() {
    assert_eq!(exactly("kfp-launcher"), "kfp-launcher");
    assert_eq!(exactly("a.b+c"), r"a\.b\+c");
}

#[test]
fn patches_that_do_not_build_are_noticed() {
    let base = object(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}),
    );
    let mut target = base.body.clone();
    target["data"]["a"] = json!("2");
    let delta = delta(&base.body, &target);
    assert!(builds(&base, &delta, &target));
    target["data"]["a"] = json!("3");
    assert!(!builds(&base, &delta, &target));
}
