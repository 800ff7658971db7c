//! Trees at Git references become bases, are brought up to date and are held against upstream.

use std::collections::BTreeMap;

use super::session::Session;
use super::upstream::Upstream;

const PROJECTS: &str = "version: 1\nplatform: {base: kfp-2.17.0}\nprojects:\n- name: churn\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: \"example.org/web:1\"}]}\n";

/// Returns the text of what is rendered, sums and all, or of a base.
fn below(session: &Session, directory: &str) -> BTreeMap<String, String> {
    let text = |(path, bytes): (String, Vec<u8>)| {
        (path, String::from_utf8(bytes).expect("our files are UTF-8"))
    };
    session.files(directory).into_iter().map(text).collect()
}

/// Adds the tree at `v1` as the base `web`.
#[track_caller]
fn add(session: &Session, upstream: &Upstream, more: &[&str], status: i32) -> (String, String) {
    let url = upstream.url();
    let mut arguments = vec!["vendor", "add", "--git", &url, "--name", "web"];
    if !more.contains(&"--ref") {
        arguments.extend(["--ref", "v1"]);
    }
    arguments.extend(more);
    session.tenantry(&arguments).status(status)
}

/// A repository with a kustomization and its one Deployment.
fn web() -> Upstream {
    Upstream::with(&[
        (
            "deploy/kustomization.yaml",
            "resources: [web.yaml]\nnamespace: shop\n",
        ),
        ("deploy/web.yaml", DEPLOYMENT),
    ])
}

#[test]
fn a_tree_like_that_of_kfp_is_rendered() {
    let argo = Upstream::of_case("kfp-like/remotes/argo-workflows", &[]);
    let argo_commit = argo.git(&["rev-parse", "HEAD"]);
    let kfp = Upstream::of_case("kfp-like", &[("argo-workflows", &argo)]);
    let commit = kfp.git(&["rev-parse", "HEAD"]);
    let session = Session::with(PROJECTS);
    let url = kfp.url();
    let arguments = [
        "vendor",
        "add",
        "--git",
        &url,
        "--ref",
        "v1",
        "--path",
        "./overlay/",
        "--name",
        "upstream",
    ];
    let (stdout, stderr) = session.tenantry(&arguments).status(0);
    for expected in [
        format!("base/upstream: {url}@v1, overlay at {commit}"),
        format!("  with {}@v1 at {argo_commit}", argo.url()),
        "  cluster/crds.yaml: ".to_owned(),
        "  image apiServer: ghcr.io/kubeflow/kfp-api-server:2.99.1\n".to_owned(),
    ] {
        assert!(stdout.contains(&expected), "{expected}\nin\n{stdout}");
    }
    for expected in [
        "warning[plain-secret]: `Secret/mysql-secret` is left out",
        "warning[fixed-namespace]: `Namespace/kubeflow` is left out",
    ] {
        assert!(stderr.contains(expected), "{expected}\nin\n{stderr}");
    }
    let base = below(&session, "base/upstream");
    let manifests = base
        .iter()
        .filter(|(path, _)| path.starts_with("manifests/"));
    let text: String = manifests.map(|(_, text)| text.as_str()).collect();
    assert!(!text.contains("kind: Secret\nmetadata"), "a Secret is left");
    assert!(
        !text.contains("  namespace: kubeflow"),
        "a namespace is left"
    );
    assert!(base.contains_key("components/90-namespace/component.yaml"));

    // Another base than the built-in ones, and the namespace is the project's wherever upstream's own was written. The
    // engines are those that the base has, and the Secrets that were left out are made in the cluster.
    session.write(
        "projects.yaml",
        "version: 1\nplatform: {base: upstream}\nprojects:\n- name: churn\n",
    );
    let (_, stderr) = session.tenantry(&["validate"]).status(0);
    assert!(!stderr.contains("warning["), "{stderr}");
    session.tenantry(&["render"]).status(0);
    for (file, expected) in [
        ("secrets.yaml", "kind: Job"),
        ("database.yaml", "MYSQL_PASSWORD"),
        ("object-store.yaml", "name: minio-pvc"),
    ] {
        let text = session.read(&format!("overlays/in-cluster/churn/{file}"));
        assert!(text.contains(expected), "{expected}\nin\n{text}");
    }
    let tree = below(&session, "overlays/in-cluster/churn");
    let text: String = tree.values().map(String::as_str).collect();
    assert!(text.contains("ghcr.io/kubeflow/kfp-api-server:2.99.1"));
    assert!(text.contains("namespace: churn"));
    for line in text.lines().filter(|line| line.contains("kubeflow")) {
        let is_a_name = [
            "image",
            "io/kubeflow",
            "kubeflow.org",
            "kubeflow-pipelines",
            "#",
        ];
        assert!(is_a_name.iter().any(|name| line.contains(name)), "{line}");
    }

    session
        .tenantry(&["vendor", "verify", "--upstream"])
        .status(0);
    // The remote base moves on; what was recorded is still what is compared.
    argo.git(&["rm", "-q", "-r", "manifests"]);
    argo.commit("v1");
    session
        .tenantry(&["vendor", "verify", "--upstream"])
        .status(0);
    let (_, stderr) = session.tenantry(&["vendor", "update"]).status(4);
    assert!(
        stderr.contains("manifests/base/workflow-controller"),
        "{stderr}"
    );
    assert_eq!(below(&session, "base/upstream"), base);
}

/// What is written in `projects.yaml` and nothing in the base follows.
#[test]
fn choices_that_a_vendored_base_cannot_follow() {
    let argo = Upstream::of_case("kfp-like/remotes/argo-workflows", &[]);
    let kfp = Upstream::of_case("kfp-like", &[("argo-workflows", &argo)]);
    let session = Session::with(PROJECTS);
    add(&session, &kfp, &["--path", "overlay"], 0);
    let check = |settings: &str, expected: &[&str]| {
        let project = format!("- name: churn\n{settings}");
        let text = format!("version: 1\nplatform: {{base: web}}\nprojects:\n{project}");
        session.write("projects.yaml", text);
        let (_, stderr) = session
            .tenantry(&["validate"])
            .status(if expected.is_empty() { 0 } else { 4 });
        for expected in expected {
            assert!(stderr.contains(expected), "{expected}\nin\n{stderr}");
        }
        let errors = stderr.matches("error[").count();
        assert_eq!(errors, expected.len() / 2, "{stderr}");
    };
    check("", &[]);
    check(
        "  database: {embedded: {engine: mysql, size: 30Gi, user: me}}\n",
        &[],
    );
    check(
        "  objectStore: {embedded: {engine: minio, storageClass: fast}}\n",
        &[],
    );
    check(
        "  database: {embedded: {engine: mariadb}}\n",
        &[
            "base `web` has no embedded `mariadb`",
            "write `database: {embedded: {engine: mysql}}`",
        ],
    );
    check(
        "  database: {external: {engine: mysql, host: db.example.com, database: a, user: b, credentials: {secret: {name: x, keys: {password: p}}}}}\n  objectStore: {external: {provider: s3, endpoint: https://s3.example.com, bucket: churn, credentials: {secret: {name: x, keys: {accessKey: a, secretKey: s}}}}}\n",
        &[
            "`database.external` is without effect in base `web`: none of its components reads `plan.database.host`",
            "projects.yaml:5:14",
            "`objectStore.external` is without effect in base `web`",
            "add a component below `base/web/components/`",
        ],
    );
    check(
        "  components: {scheduledWorkflow: {image: example.org/a:1, timezone: Europe/Berlin}}\n",
        &[
            "`components.scheduledWorkflow.image` is without effect in base `web`: its `workloads` do not name the container",
            "add `scheduledWorkflow` to `workloads` of `base/web/base.yaml`",
            "`components.scheduledWorkflow.timezone` is without effect",
            "none of its components reads `plan.components.scheduledWorkflow.timezone`",
        ],
    );
    check(
        "  components: {ui: {enabled: true}, scheduledWorkflow: {timezone: UTC}}\n",
        &[],
    );

    // A component that follows makes it right.
    session.write(
        "base/web/components/85-cache/component.yaml",
        "when: not plan.components.apiServer.cacheEnabled\npatches:\n- target: {kind: Deployment, name: ml-pipeline}\n  patch: {spec: {template: {spec: {containers: [{name: ml-pipeline-api-server, env: [{name: CACHEENABLED, value: \"false\"}]}]}}}}\n",
    );
    let stdout = "+ base/web/components/85-cache/component.yaml\n";
    session
        .tenantry(&["vendor", "lock", "web"])
        .stdout(stdout)
        .status(0);
    session
        .tenantry(&["vendor", "lock", "web"])
        .stdout("")
        .status(0);
    check("  components: {apiServer: {cacheEnabled: false}}\n", &[]);
}

#[test]
fn a_tree_without_any_storage_is_a_base() {
    let upstream = web();
    let session = Session::with(PROJECTS);
    add(&session, &upstream, &["--path", "deploy"], 0);
    let facts = session.read("base/web/base.yaml");
    assert!(
        facts.contains("# The pods of these have no role"),
        "{facts}"
    );
    session.write(
        "projects.yaml",
        "version: 1\nplatform: {base: web}\nprojects:\n- name: churn\n",
    );
    session.tenantry(&["render"]).status(0);
    let text = session.read("overlays/in-cluster/churn/extra.yaml");
    assert!(text.contains("namespace: churn"), "{text}");
}

#[test]
fn an_update_says_what_has_changed() {
    let upstream = web();
    let session = Session::with(PROJECTS);
    add(&session, &upstream, &["--path", "deploy"], 0);
    upstream.write(
        "deploy/web.yaml",
        format!(
            "{}---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: web}}\n",
            DEPLOYMENT.replace("web:1", "web:2")
        ),
    );
    let commit = upstream.commit("v1.2.3");
    let (stdout, _) = session
        .tenantry(&["vendor", "update", "web", "--ref", "v1.2.3"])
        .status(0);
    let url = upstream.url();
    let expected = format!(
        "base/web: {url}@v1.2.3, deploy at {commit}\n  image web: example.org/web:1 -> example.org/web:2\n  + ServiceAccount/web\n  ~ Deployment/web\n      spec.template.spec.containers[name=web].image: example.org/web:1 -> example.org/web:2\n"
    );
    assert_eq!(stdout, expected);
    let facts = session.read("base/web/base.yaml");
    assert!(
        facts.contains("version: \"1.2.3\"\norder: 10203\n"),
        "{facts}"
    );
    upstream.commit("v1.2.4");
    let (stdout, _) = session
        .tenantry(&["vendor", "update", "web", "--ref", "v1.2.4"])
        .status(0);
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
}

#[test]
fn whatever_is_not_as_upstream_has_it_is_told() {
    let upstream = web();
    upstream.write(
        "deploy/kustomization.yaml",
        "resources: [web.yaml, crd.yaml]\nnamespace: shop\n",
    );
    upstream.write(
        "deploy/crd.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: as.example.org}\nspec: {group: example.org, scope: Namespaced, names: {kind: A, plural: as}}\n",
    );
    let commit = upstream.commit("v1");
    let session = Session::with(PROJECTS);
    add(&session, &upstream, &["--path", "deploy"], 0);
    let path = "base/web/manifests/extra.yaml";
    session.write(path, session.read(path).replace("web:1", "web:9"));
    session.write(
        "base/web/manifests/ui.yaml",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: ui}\n",
    );
    std::fs::remove_file(session.path("base/web/cluster/crds.yaml")).expect("it was there");

    // By the lock alone.
    let (_, stderr) = session.tenantry(&["vendor", "verify"]).status(4);
    for expected in [
        "`base/web/manifests/extra.yaml` is not the file that the lock pins",
        "`base/web/manifests/ui.yaml` is not in `base/base.lock`",
        "`base/web/cluster/crds.yaml` is locked, but there is no such file",
    ] {
        assert!(stderr.contains(expected), "{expected}\nin\n{stderr}");
    }
    let (_, stderr) = session.tenantry(&["vendor", "lock", "web"]).status(4);
    assert_eq!(stderr.matches("comes from upstream").count(), 3, "{stderr}");

    // With a lock that somebody wrote for what is there.
    relock(&session);
    let (_, stderr) = session
        .tenantry(&["vendor", "verify", "--upstream"])
        .status(4);
    for expected in [
        "`base/web/manifests/extra.yaml` is not what",
        "`base/web/manifests/ui.yaml` is there, and not part of what",
        "`base/web/cluster/crds.yaml` is missing, and is part of what",
    ] {
        assert!(stderr.contains(expected), "{expected}\nin\n{stderr}");
    }

    // And the tag moves.
    session.tenantry(&["vendor", "update"]).status(0);
    let moved = upstream.commit("v1");
    let (_, stderr) = session
        .tenantry(&["vendor", "verify", "--upstream"])
        .status(0);
    let expected = format!("@v1` means commit `{moved}` by now, and `{commit}` was vendored");
    assert!(stderr.contains(&expected), "{expected}\nin\n{stderr}");
    upstream.git(&["tag", "--delete", "v1"]);
    let (_, stderr) = session
        .tenantry(&["vendor", "verify", "--upstream"])
        .status(0);
    assert!(
        stderr.contains(&format!("@v1` is gone, and commit `{commit}`")),
        "{stderr}"
    );
}

#[test]
fn an_update_keeps_what_people_wrote() {
    let upstream = web();
    let session = Session::with(PROJECTS);
    add(&session, &upstream, &["--path", "deploy"], 0);
    let lock = session.read("base/base.lock");
    let (stdout, _) = session.tenantry(&["vendor", "update"]).status(0);
    assert_eq!(stdout, "");
    assert_eq!(session.read("base/base.lock"), lock);

    let facts = session.read("base/web/base.yaml");
    session.write(
        "base/web/base.yaml",
        facts.replace("order: 0", "# ours\norder: 7"),
    );
    session.write(
        "base/web/components/20-more/component.yaml",
        "when: \"false\"\n",
    );
    let (_, stderr) = session.tenantry(&["vendor", "update"]).status(4);
    assert!(stderr.contains("error[base-lock-mismatch]"), "{stderr}");
    session.tenantry(&["vendor", "verify"]).status(4);
    relock(&session);
    session
        .tenantry(&["vendor", "verify", "--upstream"])
        .status(0);

    upstream.write("deploy/web.yaml", DEPLOYMENT.replace("web:1", "web:2"));
    let commit = upstream.commit("v2");
    let (stdout, _) = session
        .tenantry(&["vendor", "update", "web", "--ref", "v2"])
        .status(0);
    assert!(stdout.contains(&commit), "{stdout}");
    let facts = session.read("base/web/base.yaml");
    for expected in [
        "# ours\norder: 7\n",
        "web: \"example.org/web:2\"\n",
        "ref: v2\n",
        &commit,
    ] {
        assert!(facts.contains(expected), "{expected}\nin\n{facts}");
    }
    assert!(
        session
            .path("base/web/components/20-more/component.yaml")
            .exists()
    );
    assert!(
        session
            .read("base/web/manifests/extra.yaml")
            .contains("web:2")
    );
    session
        .tenantry(&["vendor", "verify", "--upstream"])
        .status(0);
    session.tenantry(&["validate"]).status(0);
}

#[test]
fn what_is_edited_is_told_from_upstream() {
    let upstream = web();
    let session = Session::with(PROJECTS);
    add(&session, &upstream, &["--path", "deploy"], 0);
    let path = "base/web/manifests/extra.yaml";
    session.write(path, session.read(path).replace("web:1", "web:9"));
    relock(&session);
    session.tenantry(&["vendor", "verify"]).status(0);
    let (_, stderr) = session
        .tenantry(&["vendor", "verify", "--upstream"])
        .status(4);
    assert!(
        stderr.contains("`base/web/manifests/extra.yaml` is not what"),
        "{stderr}"
    );
    session.tenantry(&["vendor", "update", "web"]).status(0);
    assert!(session.read(path).contains("web:1"));
}

#[test]
fn a_directory_of_manifests_needs_no_kustomization() {
    let upstream = Upstream::with(&[
        ("web.yaml", DEPLOYMENT),
        ("README.md", "not a manifest\n"),
        (
            "more/account.yml",
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n",
        ),
    ]);
    let session = Session::with(PROJECTS);
    let commit = upstream.git(&["rev-parse", "HEAD"]);
    // By a part of its name, of which Git servers know nothing.
    let (stdout, _) = add(&session, &upstream, &["--ref", &commit[..9]], 0);
    assert!(stdout.contains("image web: example.org/web:1"), "{stdout}");
    let manifests = session.read("base/web/manifests/extra.yaml");
    assert!(manifests.contains("kind: Deployment"), "{manifests}");
    assert_eq!(below(&session, "base/web").len(), 2);
}

#[test]
fn files_of_the_whole_tree_are_read_when_it_is_said() {
    let upstream = Upstream::with(&[
        ("deploy/kustomization.yaml", "resources: [../web.yaml]\n"),
        ("web.yaml", DEPLOYMENT),
    ]);
    let session = Session::with(PROJECTS);
    let (_, stderr) = add(&session, &upstream, &["--path", "deploy"], 4);
    assert!(
        stderr.contains("deploy/kustomization.yaml:1:13"),
        "{stderr}"
    );
    add(
        &session,
        &upstream,
        &["--path", "deploy", "--whole-tree"],
        0,
    );
    assert!(session.read("base/web/base.yaml").contains("reach: tree\n"));
    session
        .tenantry(&["vendor", "verify", "--upstream"])
        .status(0);
}

#[test]
fn nothing_is_written_when_a_tree_is_refused() {
    let session = Session::with(PROJECTS);
    let before = below(&session, ".");
    let check = |kustomization: &str, expected: &str| {
        let upstream = Upstream::with(&[
            ("kustomization.yaml", kustomization),
            ("web.yaml", DEPLOYMENT),
        ]);
        std::os::unix::fs::symlink("/etc/hostname", upstream.path("leaving.yaml")).expect("a link");
        std::os::unix::fs::symlink("web.yaml", upstream.path("staying.yaml")).expect("a link");
        upstream.commit("v1");
        let (_, stderr) = add(&session, &upstream, &[], 4);
        assert!(stderr.contains(expected), "{expected}\nin\n{stderr}");
        assert!(stderr.contains(":kustomization.yaml:"), "{stderr}");
        assert_eq!(below(&session, "."), before);
    };
    check(
        "resources: [web.yaml]\nhelmCharts: [{name: a}]\n",
        "error[unsupported-kustomization]",
    );
    check(
        "resources: [web.yaml]\ngenerators: [a.yaml]\n",
        "error[unsupported-kustomization]",
    );
    check(
        "resources: [leaving.yaml]\n",
        "symbolic link `leaving.yaml`, which leaves the tree",
    );
    check(
        "resources: [/etc/hostname]\n",
        "`/etc/hostname` is an absolute path",
    );
    check("resources: [../web.yaml]\n", "leaves the tree");
    check(
        "resources: [web.yaml]\nnamePrefx: a-\n",
        "error[unknown-key]",
    );
    let upstream = Upstream::with(&[
        ("kustomization.yaml", "resources: [staying.yaml]\n"),
        ("web.yaml", DEPLOYMENT),
    ]);
    std::os::unix::fs::symlink("web.yaml", upstream.path("staying.yaml")).expect("a link");
    upstream.commit("v1");
    add(&session, &upstream, &[], 0);
}

#[test]
fn what_cannot_be_meant() {
    let upstream = web();
    let session = Session::with(PROJECTS);
    let url = upstream.url();
    let refused = |arguments: &[&str], status: i32, expected: &str| {
        let arguments: Vec<&str> = ["vendor"].iter().chain(arguments).copied().collect();
        let (_, stderr) = session.tenantry(&arguments).status(status);
        assert!(stderr.contains(expected), "{expected}\nin\n{stderr}");
    };
    refused(
        &["add", "--git", &url, "--name", "kfp-2.17.0"],
        2,
        "`base/kfp-2.17.0` is there already",
    );
    refused(
        &["add", "--git", &url, "--name", "../a"],
        2,
        "`../a` is not a name of a base",
    );
    refused(
        &["add", "--git", "ext::sh -c x", "--name", "a"],
        2,
        "is none of https://",
    );
    refused(
        &["add", "--git", &url, "--name", "a", "--ref=--upload-pack=x"],
        2,
        "is not the name of a branch",
    );
    refused(
        &["add", "--git", &url, "--name", "a", "--path", "../b"],
        2,
        "is not a directory",
    );
    refused(
        &["add", "--git", &url, "--name", "a", "--ref", "nope"],
        5,
        &format!("fetching `{url}@nope`"),
    );
    refused(
        &["add", "--git", "file:///nowhere", "--name", "a"],
        5,
        "fetching `file:///nowhere`",
    );
    refused(
        &["add", "--git", &url, "--name", "a", "--path", "nope"],
        4,
        "error[file-not-found]: there are no manifests in",
    );
    refused(&["update", "kfp-2.17.0"], 2, "was not vendored");
    refused(&["update", "nope"], 2, "there is no base `nope`");
    refused(&["verify", "nope"], 2, "there is no base `nope`");
    session.tenantry(&["vendor", "update"]).stdout("").status(0);
    session.tenantry(&["vendor", "verify"]).stdout("").status(0);
}

/// Writes the lock anew, as somebody does who means what was edited.
fn relock(session: &Session) {
    let mut files = session.files("base");
    files.remove("base.lock");
    let files = files
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    session.write(
        "base/base.lock",
        tenantry::base::lock::Lock::compute(files).to_string(),
    );
}
