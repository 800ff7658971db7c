//! Each diagnostic has a sample that draws it: a file of `tests/invalid/`, or one of the repositories here.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use tenantry::base::lock::Lock;
use tenantry::diagnostic::{Code, Diagnostics};
use tenantry::kustomize::{self, Tree};
use tenantry::source::Sources;

use super::registry::Registry;
use super::session::Session;
use super::upstream::Upstream;

const ONE: &str = "version: 1\nplatform: {base: kfp-2.17.0}\nprojects:\n- name: churn\n";
const TWO: &str =
    "version: 1\nplatform: {base: kfp-2.17.0}\nprojects:\n- name: churn\n- name: fraud\n";

/// A component of its own for the base, locked like the others.
fn with_component(text: &str) -> Session {
    with_file("components/99-sample/component.yaml", text)
}

/// A repository whose base has one more file, or another text in a file.
fn with_file(path: &str, text: &str) -> Session {
    let session = Session::with(ONE);
    session.write(&format!("base/kfp-2.17.0/{path}"), text);
    relock(&session);
    session
}

fn relock(session: &Session) {
    let mut files = session.files("base");
    files.remove("base.lock");
    let lock = Lock::compute(
        files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice())),
    );
    session.write("base/base.lock", lock.to_string());
}

fn with_manifest(text: &str) -> Session {
    let session = Session::with(&format!("{ONE}  extraManifests: [extra.yaml]\n"));
    session.write("extra.yaml", text);
    session
}

fn rendered() -> Session {
    let session = Session::with(TWO);
    session.tenantry(&["render"]).status(0);
    session
}

/// Runs `validate` or `render` and returns the codes of what it found.
#[track_caller]
fn codes(session: &Session, command: &str, status: i32) -> BTreeSet<String> {
    let run = session.tenantry(&[command, "--message-format", "json"]);
    let (_, stderr) = run.status(status);
    drawn_in(&stderr)
}

/// Returns the codes of findings in JSON.
fn drawn_in(stderr: &str) -> BTreeSet<String> {
    stderr
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|finding| Some(finding.get("code")?.as_str()?.to_owned()))
        .collect()
}

/// Flattens a tree of one kustomization and returns the codes of what was found.
fn kustomization(text: &str) -> BTreeSet<String> {
    let mut tree = Tree::new("tree");
    tree.add_file("kustomization.yaml", text)
        .expect("a path of a tree");
    let mut diagnostics = Diagnostics::default();
    let outcome = kustomize::flatten(
        &Arc::new(tree),
        "",
        &kustomize::Options::default(),
        &mut Sources::default(),
        &mut diagnostics,
        &mut |_| anyhow::bail!("there are no remote bases here"),
    );
    assert!(outcome.is_err(), "{text}");
    diagnostics
        .iter()
        .map(|finding| finding.code.as_str().to_owned())
        .collect()
}

/// A project before and after a change that is a hazard.
const HAZARDS: [(Code, &str, &str); 10] = [
    (Code::ProjectDeleted, "namespace: a", "namespace: b"),
    (
        Code::VolumeDeleted,
        "quota: {}",
        "database: {embedded: {engine: mysql}}",
    ),
    (
        Code::VolumeShrunk,
        "quota: {}",
        "database: {embedded: {size: 1Gi}}",
    ),
    (
        Code::VolumeClassChanged,
        "quota: {}",
        "database: {embedded: {storageClass: fast}}",
    ),
    (
        Code::DatabaseIdentity,
        "quota: {}",
        "database: {embedded: {database: other}}",
    ),
    (
        Code::ObjectStoreIdentity,
        "quota: {}",
        "objectStore: {embedded: {bucket: other}}",
    ),
    (
        Code::CredentialsRegenerated,
        "quota: {}",
        "database: {embedded: {credentials: {secret: {name: s}}}}",
    ),
    (
        Code::ImmutableField,
        "extraManifests: [extra.yaml]",
        "extraManifests: [ extra.yaml ]",
    ),
    (
        Code::BaseMigration,
        "base: kfp-2.15.0, objectStore: {embedded: {engine: minio}}",
        "objectStore: {embedded: {engine: minio}}",
    ),
    (Code::BaseDowngrade, "quota: {}", "base: kfp-2.15.0"),
];

/// A manifest whose selector changes with the text that is put into it.
const SELECTOR: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: extra}
spec:
  selector: {matchLabels: {app: extra}, matchExpressions: [{key: \"{app}\", operator: Exists}]}
  template: {metadata: {labels: {app: extra}}, spec: {containers: [{name: c, image: \"a:1\"}]}}
";

fn changes(project: &str) -> String {
    format!(
        "version: 1\nplatform: {{base: kfp-2.17.0}}\nprojects:\n- {{name: churn, {project}}}\n- name: other\n"
    )
}

#[test]
fn every_code_is_drawn() {
    let patch = |body: &str| {
        with_component(&format!(
            "patches:\n- target: {{kind: Deployment, name: ml-pipeline}}\n  {body}\n"
        ))
    };
    let rejected: [(Code, Session); 17] = [
        (Code::FileNotFound, Session::new()),
        (
            Code::EgressBlocked,
            Session::with(
                "version: 1\nplatform: {base: kfp-2.17.0}\nprojects:\n- name: churn\n  network: {egress: restricted}\n  database: {external: {engine: mysql, host: db.example.com, database: d, user: u, credentials: {secret: {name: s, keys: {password: p}}}}}\n",
            ),
        ),
        (
            Code::TenantLeak,
            Session::with(&TWO.replace(
                "- name: fraud",
                "  components: {apiServer: {env: {PEER: \"http://ml-pipeline.fraud:8888\"}}}\n- name: fraud",
            )),
        ),
        (
            Code::ClusterScopedKind,
            with_manifest("apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\n"),
        ),
        (Code::InvalidBase, with_component("wen: true\n")),
        (Code::BaseLockMismatch, {
            let session = Session::with(ONE);
            session.write("base/kfp-2.17.0/base.yaml", "name: other\n");
            session
        }),
        (Code::InvalidManifest, with_manifest("apiVersion: v1\nkind: ConfigMap\n")),
        (
            Code::DuplicateObject,
            with_manifest("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kfp-launcher}\n"),
        ),
        (Code::InvalidPatch, patch("json6902: [{op: replce, path: /a}]")),
        (
            Code::PatchNoMatch,
            with_component("patches:\n- target: {kind: Deployment, name: ml-pipelin}\n  patch: {spec: {replicas: 2}}\n"),
        ),
        (Code::PatchNoEffect, patch("patch: {spec: {replicas: 1}}")),
        (
            Code::PatchRefused,
            patch("patch: {spec: {template: {spec: {containers: [{image: x}]}}}}"),
        ),
        (Code::PatchFailed, patch("json6902: [{op: remove, path: /spec/nope}]")),
        (
            Code::UnrepresentableText,
            patch("patch: {metadata: {annotations: {a: \"{{ 'x' }}\\u007f\"}}}"),
        ),
        (
            Code::ImageNotMirrored,
            Session::with(&ONE.replace("kfp-2.17.0}", "kfp-2.17.0, images: {mirrors: {ghcr.io: m.example.com}}}")),
        ),
        (
            Code::ImageWithoutDigest,
            Session::with(&ONE.replace("kfp-2.17.0}", "kfp-2.17.0, images: {requireDigests: true}}")),
        ),
        (Code::UnsafePath, Session::with(&format!("{ONE}  extraManifests: [../x.yaml]\n"))),
    ];
    let mut drawn = BTreeSet::new();
    for (code, session) in rejected {
        let found = codes(&session, "validate", 4);
        assert!(
            found.contains(code.as_str()),
            "{}: {found:?}",
            code.as_str()
        );
        drawn.insert(code.as_str().to_owned());
    }

    type Spoil = fn(&Session);
    let stopped: [(Code, Spoil); 4] = [
        (Code::ForeignFile, |session| {
            session.write("overlays/in-cluster/churn/mine.yaml", "a: 1\n")
        }),
        (Code::HandEdited, |session| {
            session.write("overlays/in-cluster/churn/ui.yaml", "a: 1\n")
        }),
        (Code::SymbolicLink, |session| {
            let path = session.path("overlays/in-cluster/churn/ui.yaml");
            std::fs::remove_file(&path).expect("our file");
            std::os::unix::fs::symlink("/etc/hostname", &path).expect("a link");
        }),
        (Code::InvalidIndex, |session| {
            session.write("overlays/index.json", "{")
        }),
    ];
    for (code, spoil) in stopped {
        let session = rendered();
        spoil(&session);
        let found = codes(&session, "render", 3);
        assert!(
            found.contains(code.as_str()),
            "{}: {found:?}",
            code.as_str()
        );
        drawn.insert(code.as_str().to_owned());
    }

    for (code, before, after) in HAZARDS {
        let session = Session::with(&changes(before));
        session.write("extra.yaml", SELECTOR.replace("{app}", before));
        session.tenantry(&["render", "-q"]).status(0);
        session.write("projects.yaml", changes(after));
        session.write("extra.yaml", SELECTOR.replace("{app}", after));
        let found = codes(&session, "render", 3);
        assert!(
            found.contains(code.as_str()),
            "{}: {found:?}",
            code.as_str()
        );
        drawn.insert(code.as_str().to_owned());
    }
    let session = rendered();
    session.write("overlays/in-cluster/churn/ui.yaml", "a: 1\n");
    let found = codes(&session, "diff", 3);
    assert_eq!(found, BTreeSet::from(["unreadable-tree".to_owned()]));
    drawn.extend(found);
    session.write(
        "projects.yaml",
        format!("{TWO}acknowledge: [{{project: churn, hazard: volume-shrunk, reason: r}}]\n"),
    );
    let found = codes(&session, "diff", 3);
    assert!(found.contains("unused-acknowledgement"), "{found:?}");
    drawn.insert("unused-acknowledgement".to_owned());

    let session = rendered();
    let repository = git2::Repository::init(session.path(".")).expect("a repository");
    let tree = repository
        .index()
        .and_then(|mut index| index.write_tree())
        .expect("a tree");
    let tree = repository.find_tree(tree).expect("the tree");
    let person = git2::Signature::new("a", "a@example.com", &git2::Time::new(0, 0)).expect("valid");
    repository
        .commit(Some("HEAD"), &person, &person, "start", &tree, &[])
        .expect("a commit");
    let branch = repository.head().expect("a branch");
    let branch = branch.shorthand().expect("a branch with a name");
    let arguments = ["publish", "--branch", branch, "--message-format", "json"];
    let (_, stderr) = session.tenantry(&arguments).status(0);
    assert!(
        stderr.contains("\"code\":\"branch-checked-out\""),
        "{stderr}"
    );
    drawn.insert(Code::BranchCheckedOut.as_str().to_owned());

    let registry = Registry::start();
    let host = registry.host();
    let session = Session::with(&ONE.replace(
        "kfp-2.17.0}",
        &format!("kfp-2.17.0, images: {{mirrors: {{ghcr.io: {host}, docker.io: {host}, quay.io: {host}, gcr.io: {host}}}}}}}"),
    ));
    let arguments = ["images", "pin", "--message-format", "json"];
    let (_, stderr) = session.tenantry(&arguments).status(5);
    assert_eq!(
        drawn_in(&stderr),
        BTreeSet::from(["image-unresolved".to_owned()])
    );
    drawn.extend(drawn_in(&stderr));
    let (images, _) = session.tenantry(&["images", "list"]).status(0);
    let push = |content: &str| {
        for image in images.lines() {
            let image = image.strip_prefix(&format!("{host}/"));
            registry.push(image.expect("everything is mirrored"), content);
        }
    };
    push("one");
    session.tenantry(&["images", "pin", "-q"]).status(0);
    push("other");
    let arguments = ["images", "verify", "--message-format", "json"];
    let (_, stderr) = session.tenantry(&arguments).status(0);
    assert!(drawn_in(&stderr).contains("image-tag-moved"), "{stderr}");
    drawn.extend(drawn_in(&stderr));

    let session = with_manifest(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, annotations: {config.kubernetes.io/local-config: \"true\"}}\n",
    );
    let arguments = [
        "render",
        "--format",
        "kustomize",
        "--message-format",
        "json",
    ];
    let (_, stderr) = session.tenantry(&arguments).status(4);
    assert_eq!(
        drawn_in(&stderr),
        BTreeSet::from(["not-for-kustomize".to_owned()])
    );
    drawn.extend(drawn_in(&stderr));

    let session = rendered();
    session.write("blocked", "a file where a directory must be\n");
    let run = session.tenantry(&["render", "--out", "blocked", "--message-format", "json"]);
    let (_, stderr) = run.status(5);
    assert!(stderr.contains("\"code\":\"environment\""), "{stderr}");
    drawn.insert(Code::Environment.as_str().to_owned());

    for (code, text) in [
        (
            Code::InvalidKustomization,
            "resources: []\nreplicas: [{name: x, count: 2}]\n",
        ),
        (Code::UnsupportedKustomization, "helmCharts: [{name: x}]\n"),
    ] {
        let found = kustomization(text);
        assert!(
            found.contains(code.as_str()),
            "{}: {found:?}",
            code.as_str()
        );
        drawn.insert(code.as_str().to_owned());
    }

    let upstream = Upstream::with(&[(
        "all.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: a}\nstringData: {key: word}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
    )]);
    let url = upstream.url();
    let arguments = [
        "vendor",
        "add",
        "--git",
        &url,
        "--name",
        "a",
        "--message-format",
        "json",
    ];
    let session = Session::with(ONE);
    let (_, added) = session.tenantry(&arguments).status(0);
    upstream.commit("v2");
    let arguments = ["vendor", "verify", "--upstream", "--message-format", "json"];
    let (_, verified) = session.tenantry(&arguments).status(0);
    for (code, stderr) in [
        (Code::PlainSecret, &added),
        (Code::FixedNamespace, &added),
        (Code::UpstreamMoved, &verified),
    ] {
        let code = code.as_str();
        assert!(stderr.contains(&format!("\"code\":\"{code}\"")), "{stderr}");
        drawn.insert(code.to_owned());
    }

    let shared = Session::with(
        "version: 1\nplatform: {base: &base kfp-2.15.0}\nprojects: [{name: a, description: *base}]\n",
    );
    let arguments = ["upgrade", "--message-format", "json"];
    let (_, stderr) = shared.tenantry(&arguments).status(4);
    let code = Code::NotEditable.as_str();
    assert!(stderr.contains(&format!("\"code\":\"{code}\"")), "{stderr}");
    drawn.insert(code.to_owned());
    session.write("dspa.yaml", super::import::APPLICATION);
    let arguments = ["import", "dspa", "dspa.yaml", "--message-format", "json"];
    let (_, stderr) = session.tenantry(&arguments).status(0);
    assert!(stderr.contains("\"code\":\"not-carried-over\""), "{stderr}");
    drawn.insert(Code::NotCarriedOver.as_str().to_owned());

    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let samples = ["invalid", "valid"]
        .map(|samples| std::fs::read_dir(tests.join(samples)).expect("the samples can be listed"));
    for entry in samples.into_iter().flatten() {
        let bytes = std::fs::read(entry.expect("a sample").path()).expect("a sample can be read");
        for line in String::from_utf8_lossy(&bytes).lines() {
            let expected = line
                .strip_prefix("# error[")
                .or_else(|| line.strip_prefix("# warning["));
            drawn.extend(
                expected
                    .and_then(|rest| rest.split(']').next())
                    .map(str::to_owned),
            );
        }
    }
    let missing: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| !drawn.contains(*code))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "codes without a sample");
}
