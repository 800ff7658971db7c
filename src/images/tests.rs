//! What counts as a reference, and where it goes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::yaml::{self, LoadOptions};

fn mirrors(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(prefix, target)| ((*prefix).to_owned(), (*target).to_owned()))
        .collect()
}

#[track_caller]
fn check_map(pairs: &[(&str, &str)], reference: &str, expect: &str) {
    let found = match Mirrors::new(&mirrors(pairs)).map(reference) {
        Mapped::Unchanged => "unchanged".to_owned(),
        Mapped::Unmapped => "unmapped".to_owned(),
        Mapped::To(image) => image,
    };
    assert_eq!(found, expect, "{reference} with {pairs:?}");
}

#[test]
fn the_longest_prefix_of_whole_segments_wins() {
    let pairs = [
        ("docker.io", "m.example.com/hub"),
        ("docker.io/library", "m.example.com/official"),
        ("ghcr.io/kubeflow", "m.example.com:5000/kfp"),
        ("quay.io/a/b", "m.example.com/one"),
        ("localhost:5000", "m.example.com/local"),
    ];
    for (reference, expect) in [
        (
            "docker.io/library/mysql:8.4",
            "m.example.com/official/mysql:8.4",
        ),
        ("mysql:8.4", "m.example.com/official/mysql:8.4"),
        ("mysql", "m.example.com/official/mysql"),
        (
            "index.docker.io/minio/minio",
            "m.example.com/hub/minio/minio",
        ),
        ("minio/minio:R", "m.example.com/hub/minio/minio:R"),
        ("docker.io/libraryx/a:1", "m.example.com/hub/libraryx/a:1"),
        (
            "ghcr.io/kubeflow/x:1@sha256:ab",
            "m.example.com:5000/kfp/x:1@sha256:ab",
        ),
        ("ghcr.io/kubeflow", "m.example.com:5000/kfp"),
        ("ghcr.io/kubeflowx/x:1", "unmapped"),
        ("quay.io/a/b:1", "m.example.com/one:1"),
        ("quay.io/a/bc:1", "unmapped"),
        ("localhost:5000/a:1", "m.example.com/local/a:1"),
        ("localhost/a:1", "unmapped"),
        ("m.example.com/hub/a:1", "unchanged"),
        ("m.example.com/other/a:1", "unmapped"),
    ] {
        check_map(&pairs, reference, expect);
    }
    check_map(&[], "anything/at:all", "unchanged");
    check_map(
        &[("index.docker.io", "m.example.com")],
        "mysql",
        "m.example.com/library/mysql",
    );
    check_map(&[("ghcr.io", "ghcr.io")], "ghcr.io/a:1", "unchanged");
}

#[test]
fn digests() {
    for (reference, expect) in [
        ("a", false),
        ("a:1", false),
        ("r.io/a@sha256:00", true),
        ("r.io/a:1@sha256:00", true),
        ("r.io/a@sha512:00", false),
    ] {
        assert_eq!(has_digest(reference), expect, "{reference}");
    }
}

/// Applies a policy to one object and compares the object, and the references with their places.
#[track_caller]
fn check(object: &str, expect: &str, uses: &[(&str, &str)]) {
    let load = |text: &str| -> Value {
        yaml::load_one(text, &LoadOptions::default())
            .expect("the object is YAML")
            .value
    };
    let mut objects = [Object {
        body: load(object),
        file: "extra".to_owned(),
    }];
    let policy = ImagePolicy {
        mirrors: mirrors(&[("r.io", "m.io/r")]),
        ..ImagePolicy::default()
    };
    let known = BTreeSet::from(["r.io/known:1".to_owned(), "r.io/known".to_owned()]);
    let found = apply(&mut objects, &known, &policy);
    let mut found: Vec<(&str, &str)> = found
        .iter()
        .map(|found| (found.source.as_str(), found.path.as_str()))
        .collect();
    found.sort_unstable();
    assert_eq!(objects[0].body, load(expect));
    assert_eq!(found, uses);
}

#[test]
fn fields_of_containers_and_volumes() {
    check(
        "{kind: Deployment, metadata: {name: a, annotations: {note: 'r.io/known:1'}}, spec: {template: {spec: {initContainers: [{image: 'r.io/a:1'}], containers: [{image: o.io/b, name: image}], volumes: [{image: {reference: 'r.io/c:1', pullPolicy: Always}}]}}}}",
        "{kind: Deployment, metadata: {name: a, annotations: {note: 'r.io/known:1'}}, spec: {template: {spec: {initContainers: [{image: 'm.io/r/a:1'}], containers: [{image: o.io/b, name: image}], volumes: [{image: {reference: 'm.io/r/c:1', pullPolicy: Always}}]}}}}",
        &[
            ("o.io/b", "spec.template.spec.containers[0].image"),
            ("r.io/a:1", "spec.template.spec.initContainers[0].image"),
            ("r.io/c:1", "spec.template.spec.volumes[0].image.reference"),
        ],
    );
    // Not every `image` is a reference: charts have mappings there, and Argo's templates are filled in later.
    check(
        "{kind: Widget, metadata: {name: a}, spec: {image: {repository: r.io/a, tag: x}, b: {image: '{{inputs.image}}'}, c: {image: 7}}}",
        "{kind: Widget, metadata: {name: a}, spec: {image: {repository: r.io/a, tag: x}, b: {image: '{{inputs.image}}'}, c: {image: 7}}}",
        &[],
    );
}

#[test]
fn variables_and_arguments() {
    check(
        "{kind: Pod, metadata: {name: a}, spec: {containers: [{env: [{name: CACHE_IMAGE, value: 'r.io/x:1'}, {name: TF_IMAGE_NAME, value: r.io/known}, {name: OTHER, value: 'a=r.io/known:1,r.io/known:12'}, {name: PULL, value: 'r.io/x:1'}], args: [--executor-image, 'r.io/e:1', --b-image=r.io/f, '--c=r.io/x:1', --image, 'no image', 'docker://r.io/known:1']}]}}",
        "{kind: Pod, metadata: {name: a}, spec: {containers: [{env: [{name: CACHE_IMAGE, value: 'm.io/r/x:1'}, {name: TF_IMAGE_NAME, value: m.io/r/known}, {name: OTHER, value: 'a=m.io/r/known:1,r.io/known:12'}, {name: PULL, value: 'm.io/r/x:1'}], args: [--executor-image, 'm.io/r/e:1', --b-image=m.io/r/f, '--c=m.io/r/x:1', --image, 'no image', 'docker://m.io/r/known:1']}]}}",
        &[
            ("r.io/e:1", "spec.containers[0].args[1]"),
            ("r.io/f", "spec.containers[0].args[2]"),
            ("r.io/known", "spec.containers[0].env[1].value"),
            ("r.io/known:1", "spec.containers[0].args[6]"),
            ("r.io/known:1", "spec.containers[0].env[2].value"),
            ("r.io/x:1", "spec.containers[0].args[3]"),
            ("r.io/x:1", "spec.containers[0].env[0].value"),
            ("r.io/x:1", "spec.containers[0].env[3].value"),
        ],
    );
}

#[test]
fn texts_of_config_maps() {
    check(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {DRIVER_IMAGE: 'r.io/d:1', config.json: '{\"CACHE_IMAGE\": \"r.io/e:1\", \"a\": [\"r.io/e:1\", \"r.io/e:12\"]}', executor: \"image: r.io/f:1 # r.io/known:1\\nlogo: {image: picture}\\n\", script: 'run r.io/known:1; run r.io/z:1'}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {DRIVER_IMAGE: 'm.io/r/d:1', config.json: '{\"CACHE_IMAGE\": \"m.io/r/e:1\", \"a\": [\"m.io/r/e:1\", \"r.io/e:12\"]}', executor: \"image: m.io/r/f:1 # m.io/r/known:1\\nlogo: {image: picture}\\n\", script: 'run m.io/r/known:1; run r.io/z:1'}}",
        &[
            ("r.io/d:1", "data.DRIVER_IMAGE"),
            ("r.io/e:1", "data[config.json]"),
            ("r.io/e:1", "data[config.json]"),
            ("r.io/f:1", "data.executor"),
            ("r.io/known:1", "data.executor"),
            ("r.io/known:1", "data.script"),
        ],
    );
}
