//! Mirrors, digests and pull secrets over whole trees.

mod compiler;

use std::collections::BTreeMap;

use compiler::{bases, compile, compile_bases, compile_with, objects};

/// Registries of the bases' images.
const REGISTRIES: [&str; 4] = ["docker.io", "gcr.io", "ghcr.io", "quay.io"];

/// Every component that runs an image, in both bases; an image of the user's in each place where one can be written.
const PROJECTS: &str = r#"projects:
- {name: alpha, components: {viewer: {enabled: true}, visualization: {enabled: true}, apiServer: {pipelineStore: kubernetes}}, podToPodTLS: {issuer: {name: ca}}}
- {name: beta, base: kfp-2.15.0, database: {embedded: {engine: mysql}}, objectStore: {embedded: {engine: minio}}, components: {viewer: {enabled: true}, visualization: {enabled: true}}}
- name: gamma
  database: {embedded: {engine: mysql, image: "ghcr.io/acme/mysql:1"}}
  objectStore: {embedded: {engine: minio, image: "quay.io/acme/minio:1"}}
  components:
    apiServer: {image: "ghcr.io/acme/api:1", env: {CACHE_IMAGE: "ghcr.io/acme/busybox:1"}, config: {CACHE_IMAGE: "ghcr.io/acme/cache:1"}}
    driver: {image: "ghcr.io/acme/driver:1"}
    launcher: {image: "ghcr.io/acme/launcher:1"}
    metadata: {grpc: {image: "ghcr.io/acme/mlmd:1"}, envoy: {image: "ghcr.io/acme/envoy:1"}}
    persistenceAgent: {image: "ghcr.io/acme/agent:1"}
    scheduledWorkflow: {image: "ghcr.io/acme/swf:1"}
    ui: {image: "ghcr.io/acme/ui:1"}
    workflowController: {image: "ghcr.io/acme/argo:1", executorImage: "ghcr.io/acme/exec:1", config: {mainContainer: {name: main, image: "ghcr.io/acme/main:1"}}}
  extraManifests: [more.yaml]
"#;

const MORE: &str = r#"apiVersion: v1
kind: Pod
metadata: {name: more}
spec:
  containers: [{name: a, image: "ghcr.io/acme/more:1", args: [--sidecar-image=ghcr.io/acme/sidecar:1]}]
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: more}
spec: {workflowSpec: {templates: [{name: a, container: {image: "ghcr.io/acme/step:1"}}]}}
"#;

fn extra() -> BTreeMap<String, String> {
    BTreeMap::from([("more.yaml".to_owned(), MORE.to_owned())])
}

#[test]
fn no_reference_escapes_the_mirrors() {
    let mirrors: Vec<String> = REGISTRIES
        .iter()
        .map(|registry| format!("{registry}: mirror.example.com/{registry}"))
        .collect();
    let platform = format!(
        "platform: {{base: kfp-2.17.0, images: {{mirrors: {{{}}}, pullSecrets: [mirror]}}}}\n",
        mirrors.join(", ")
    );
    let outcome = compile_with(&format!("version: 1\n{platform}{PROJECTS}"), &extra(), 2);
    assert_eq!(outcome.findings, Vec::<String>::new());
    let mut mirrored = 0;
    for (path, text) in &outcome.tree {
        for registry in REGISTRIES {
            for (at, _) in text.match_indices(&format!("{registry}/")) {
                let before = &text[..at];
                assert!(
                    before.ends_with("mirror.example.com/"),
                    "{path}: {}",
                    &text[at..text.len().min(at + 60)]
                );
                mirrored += 1;
            }
        }
    }
    assert!(mirrored > 60, "only {mirrored} references");
    for image in [
        "more", "sidecar", "step", "driver", "exec", "cache", "busybox", "main",
    ] {
        let wanted = format!("mirror.example.com/ghcr.io/acme/{image}:1");
        assert!(
            outcome.tree.values().any(|text| text.contains(&wanted)),
            "{wanted}"
        );
    }
}

#[test]
fn pull_secrets_are_on_every_account_and_pod() {
    let projects = format!(
        "version: 1\nplatform: {{base: kfp-2.17.0, images: {{pullSecrets: [one, two]}}}}\n{PROJECTS}"
    );
    let tree = compile_with(&projects, &extra(), 2).tree;
    let mut seen = BTreeMap::<&str, usize>::new();
    for directory in ["_cluster", "alpha", "beta", "gamma"] {
        for object in objects(&tree, &format!("in-cluster/{directory}")) {
            let (kind, holder) = match object["kind"].as_str() {
                Some("ServiceAccount") => ("account", &object),
                Some("Pod") => ("pod", &object["spec"]),
                _ if object.pointer("/spec/template/spec/containers").is_some() => {
                    ("workload", &object["spec"]["template"]["spec"])
                }
                _ => continue,
            };
            let expect = serde_json::json!([{"name": "one"}, {"name": "two"}]);
            assert_eq!(
                holder["imagePullSecrets"], expect,
                "{directory} {}",
                object["metadata"]["name"]
            );
            *seen.entry(kind).or_default() += 1;
        }
    }
    assert!(
        seen["account"] > 20 && seen["workload"] > 25 && seen["pod"] == 1,
        "{seen:?}"
    );
}

#[track_caller]
fn check_findings(images: &str, projects: &str, expect: &[&str]) {
    let text = format!(
        "version: 1\nplatform: {{base: kfp-2.17.0, images: {images}}}\nprojects:\n{projects}"
    );
    let found = compile_with(&text, &extra(), 1).findings;
    assert_eq!(found, expect, "{text}");
}

#[test]
fn images_that_no_mirror_covers() {
    let mirrors = "{docker.io: m.example.com, ghcr.io: m.example.com, quay.io: m.example.com}";
    let server = "error[image-not-mirrored] projects.yaml:2:39 the image `gcr.io/tfx-oss-public/ml_metadata_store_server:1.14.0`, `metadataGrpc` of base `kfp-2.17.0`, is covered by no mirror";
    // Said once, whatever the number of projects.
    check_findings(
        &format!("{{mirrors: {mirrors}}}"),
        "- {name: alpha}\n- {name: beta}\n",
        &[server],
    );
    check_findings(
        &format!("{{mirrors: {mirrors}, allowUnmapped: true}}"),
        "- {name: alpha}\n",
        &[],
    );
    check_findings(
        &format!("{{mirrors: {mirrors}}}"),
        "- {name: alpha, components: {metadata: {grpc: {image: \"r.example.com/mlmd:1\"}}}}\n",
        &[
            "error[image-not-mirrored] projects.yaml:4:55 the image `r.example.com/mlmd:1` of `Deployment/metadata-grpc-deployment` is covered by no mirror",
        ],
    );
    // What lies in a mirror already stays as it is.
    check_findings(
        &format!("{{mirrors: {mirrors}}}"),
        "- {name: alpha, components: {metadata: {grpc: {image: \"m.example.com/mlmd:1\"}}}}\n",
        &[],
    );
    check_findings(
        "{mirrors: {docker.io: m.example.com, gcr.io: m.example.com, quay.io: m.example.com, ghcr.io/kubeflow: m.example.com, ghcr.io/chrislusf: m.example.com}}",
        "- {name: alpha, extraManifests: [more.yaml]}\n",
        &[
            "error[image-not-mirrored] projects.yaml:4:10 the image `ghcr.io/acme/more:1` of `Pod/more` is covered by no mirror",
            "error[image-not-mirrored] projects.yaml:4:10 the image `ghcr.io/acme/sidecar:1` of `Pod/more` is covered by no mirror",
            "error[image-not-mirrored] projects.yaml:4:10 the image `ghcr.io/acme/step:1` of `CronWorkflow/more` is covered by no mirror",
        ],
    );
}

#[test]
fn digests_are_required_of_what_runs() {
    let digest = format!("@sha256:{}", "0123456789abcdef".repeat(4));
    // Every image of the base pinned, as `images pin` does it.
    let names: Vec<String> = bases()["kfp-2.17.0/base.yaml"]
        .lines()
        .skip_while(|line| *line != "images:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| Some(line.trim().split_once(": ")?.1.to_owned()))
        .collect();
    assert!(names.len() > 10);
    let pinned: BTreeMap<String, String> = bases()
        .iter()
        .map(|(path, text)| {
            let mut text = text.clone();
            for name in names.iter().filter(|name| !name.ends_with("tensorflow")) {
                text = text.replace(name.as_str(), &format!("{name}{digest}"));
            }
            (path.clone(), text)
        })
        .collect();
    let check = |project: &str, expect: &[&str]| {
        let text = format!(
            "version: 1\nplatform: {{base: kfp-2.17.0, images: {{requireDigests: true}}}}\nprojects:\n- {project}\n"
        );
        assert_eq!(
            compile_bases(&text, &pinned, &extra(), 1).findings,
            expect,
            "{project}"
        );
    };
    check("{name: alpha}", &[]);
    check(
        "{name: alpha, components: {driver: {image: \"a.example.com/driver:1\"}}}",
        &[
            "error[image-without-digest] projects.yaml:4:46 the image `a.example.com/driver:1` of `Deployment/ml-pipeline` has no digest",
        ],
    );
    check(
        "{name: alpha, components: {viewer: {enabled: true}}}",
        &[
            "error[image-without-digest] projects.yaml:2:55 the image `docker.io/tensorflow/tensorflow`, `tensorboard` of base `kfp-2.17.0`, has no digest",
        ],
    );
    let plain = compile_with(
        "version: 1\nplatform: {base: kfp-2.17.0, images: {requireDigests: true}}\nprojects:\n- {name: alpha}\n- {name: beta}\n",
        &BTreeMap::new(),
        1,
    );
    assert!(
        plain.findings.len() > 10 && plain.findings.len() < 20,
        "each image once: {:#?}",
        plain.findings
    );
}

#[test]
fn clusters_have_mirrors_of_their_own() {
    let tree = compile(
        r#"version: 1
platform:
  base: kfp-2.17.0
  images: {mirrors: {docker.io: a.example.com, ghcr.io: a.example.com, gcr.io: a.example.com, quay.io: a.example.com}}
  clusters:
    east: {}
    west: {server: "https://west.example.com", images: {mirrors: {ghcr.io: w.example.com}}}
projects:
- {name: alpha, cluster: east}
- {name: beta, cluster: west}
"#,
    );
    for (path, expect) in [
        (
            "east/alpha/api-server.yaml",
            "a.example.com/kubeflow/kfp-api-server:2.17.0",
        ),
        (
            "west/beta/api-server.yaml",
            "w.example.com/kubeflow/kfp-api-server:2.17.0",
        ),
        (
            "west/beta/database.yaml",
            "a.example.com/library/mariadb:11.4",
        ),
    ] {
        assert!(tree[path].contains(expect), "{path}: {expect}");
    }
}

/// Every image that stands in a base is one of its `images`, so that it can be mirrored, pinned and replaced.
#[test]
fn bases_name_no_image_in_passing() {
    for base in ["kfp-2.15.0", "kfp-2.17.0"] {
        let facts = &bases()[&format!("{base}/base.yaml")];
        for (path, text) in bases().iter().filter(|(path, _)| path.starts_with(base)) {
            for word in text.split([' ', '"', '\'', '\n', ',']) {
                let named = REGISTRIES
                    .iter()
                    .any(|registry| word.starts_with(&format!("{registry}/")));
                assert!(
                    !named || facts.contains(&format!(": {word}\n")),
                    "{path}: {word}"
                );
            }
        }
    }
}
