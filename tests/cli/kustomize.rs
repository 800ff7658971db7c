//! `--format kustomize`: rendering, changing between the forms, and comparing with such a tree.

use std::collections::BTreeSet;

use tenantry::base::lock::Lock;

use super::session::Session;

const TWO: &str = "\
version: 1
platform: {base: kfp-2.17.0}
projects:
- name: churn
- {name: vision, components: {ui: {enabled: false}}}
";

const RENDER: [&str; 3] = ["render", "--format", "kustomize"];

fn rendered() -> Session {
    let session = Session::with(TWO);
    session
        .tenantry(&[&RENDER[..], &["-q"]].concat())
        .stdout("")
        .stderr("")
        .status(0);
    session
}

fn paths(session: &Session) -> BTreeSet<String> {
    session.files("overlays").into_keys().collect()
}

#[test]
fn a_tree_of_its_own_form() {
    let session = rendered();
    let kustomization = session.read("overlays/in-cluster/churn/kustomization.yaml");
    assert!(
        kustomization.contains("namespace: churn\nresources:\n- \"../../_base/kfp-2.17.0\"\n"),
        "{kustomization}"
    );
    let index = session.read("overlays/index.json");
    assert!(index.contains("\"form\": \"kustomize\""), "{index}");
    assert!(index.contains("\"_base/kfp-2.17.0\": {"), "{index}");
    session
        .tenantry(&[&RENDER[..], &["--check"]].concat())
        .stdout("")
        .stderr("overlays is up to date\n")
        .status(0);
    session
        .tenantry(&[&RENDER[..], &["-v"]].concat())
        .stderr("overlays: 0 directories written, 0 removed, 4 unchanged\n")
        .status(0);
    session.tenantry(&["render", "--check", "-q"]).status(1);
}

#[test]
fn there_and_back() {
    let session = Session::with(TWO);
    session.tenantry(&["render", "-q"]).status(0);
    let plain = session.files("overlays");
    session
        .tenantry(&RENDER)
        .stderr("overlays: 4 directories written, 0 removed, 0 unchanged\n")
        .status(0);
    assert_eq!(paths(&session), paths(&rendered()));
    session
        .tenantry(&["render"])
        .stderr("overlays: 3 directories written, 1 removed, 0 unchanged\n")
        .status(0);
    assert!(session.files("overlays") == plain);
    assert!(!session.path("overlays/_base").exists());
}

#[test]
fn what_is_not_ours_stops_the_change_of_form() {
    let session = Session::with(TWO);
    session.tenantry(&["render", "-q"]).status(0);
    session.write("overlays/in-cluster/churn/kustomization.yaml", "a: 1\n");
    session.write("overlays/_base/kfp-2.17.0/mine.yaml", "a: 1\n");
    let (_, stderr) = session.tenantry(&RENDER).status(3);
    for path in [
        "in-cluster/churn/kustomization.yaml",
        "_base/kfp-2.17.0/mine.yaml",
    ] {
        assert!(stderr.contains(&format!("overlays/{path}")), "{stderr}");
    }
    assert!(!stderr.contains("churn/ui.yaml"), "{stderr}");
    session
        .tenantry(&[&RENDER[..], &["--adopt", "-q"]].concat())
        .status(0);
    assert_eq!(paths(&session), paths(&rendered()));
}

#[test]
fn one_project_has_the_form_of_the_tree() {
    let session = rendered();
    let before = session.files("overlays");
    session
        .tenantry(&["render", "--project", "churn"])
        .stdout("")
        .stderr(
            "error: overlays has the form `kustomize`, and `--format plain` is for whole trees: leave `--project` out once, or write `--format kustomize`\n",
        )
        .status(2);
    session
        .tenantry(&["render", "--check", "--project", "churn"])
        .status(2);
    assert!(session.files("overlays") == before);
    session.write(
        "projects.yaml",
        TWO.replace(
            "- name: churn",
            "- {name: churn, quota: {requests.cpu: \"8\"}}",
        ),
    );
    session
        .tenantry(&[&RENDER[..], &["--project", "churn"]].concat())
        .stderr("overlays: 1 directory written, 0 removed, 1 unchanged\n")
        .status(0);
    session
        .tenantry(&[&RENDER[..], &["--check", "-q"]].concat())
        .status(0);
    // A tree that is not there yet has no form.
    session
        .tenantry(
            &[
                &RENDER[..],
                &["--project", "churn", "--out", "elsewhere", "-q"],
            ]
            .concat(),
        )
        .status(0);
    assert!(session.path("elsewhere/_base/kfp-2.17.0/ui.yaml").exists());
}

#[test]
fn differences_are_those_of_the_objects() {
    let session = rendered();
    session
        .tenantry(&["diff", "--exit-code", "--gate"])
        .stdout("no differences\n")
        .stderr("")
        .status(0);
    session.write(
        "projects.yaml",
        TWO.replace(
            "- name: churn",
            "- {name: churn, components: {ui: {image: registry.example.com/ui:2}}}",
        ),
    );
    let (kustomize, _) = session.tenantry(&["diff"]).status(0);
    assert!(
        kustomize.contains("registry.example.com/ui:2"),
        "{kustomize}"
    );
    let changed = session.read("projects.yaml");
    session.write("projects.yaml", TWO);
    session.tenantry(&["render", "-q"]).status(0);
    session.write("projects.yaml", changed);
    let (plain, _) = session.tenantry(&["diff"]).status(0);
    assert_eq!(kustomize, plain);
}

#[test]
fn hazards_are_found_in_either_form() {
    let shrunk = TWO.replace(
        "- name: churn",
        "- {name: churn, database: {embedded: {size: 1Gi}}}",
    );
    for (before, after) in [
        (&RENDER[..], &RENDER[..]),
        (&RENDER[..], &["render"]),
        (&["render"], &RENDER[..]),
    ] {
        let session = Session::with(TWO);
        session.tenantry(before).status(0);
        session.write("projects.yaml", &shrunk);
        let tree = session.files("overlays");
        let (_, stderr) = session.tenantry(after).status(3);
        assert!(stderr.contains("error[volume-shrunk]"), "{stderr}");
        assert_eq!(stderr.matches("error[").count(), 1, "{stderr}");
        assert!(session.files("overlays") == tree);
    }
}

/// The files of a project may stay what they are while its base becomes another one.
#[test]
fn a_change_of_the_base_is_a_change_of_its_projects() {
    let session = rendered();
    let path = "base/kfp-2.17.0/manifests/api-server.yaml";
    let text = session.read(path);
    assert!(
        text.contains("clusterIP") || text.contains("kind: Service\n"),
        "{text}"
    );
    session.write(path, text.replace("timeoutSeconds: 2", "timeoutSeconds: 9"));
    let mut files = session.files("base");
    files.remove("base.lock");
    let texts = files
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    session.write("base/base.lock", Lock::compute(texts).to_string());
    let (stdout, _) = session.tenantry(&["diff"]).status(0);
    assert!(stdout.contains("timeoutSeconds"), "{stdout}");
    assert!(stdout.contains("restart"), "{stdout}");
    session
        .tenantry(&RENDER)
        .stderr("overlays: 1 directory written, 0 removed, 3 unchanged\n")
        .status(0);
}

#[test]
fn a_kustomization_that_cannot_be_built() {
    let session = rendered();
    let path = "overlays/in-cluster/churn/kustomization.yaml";
    session.write(path, session.read(path).replace("resources:", "resuorces:"));
    let (_, stderr) = session.tenantry(&["diff"]).status(3);
    assert!(
        stderr.starts_with("error[unreadable-tree]: `overlays/in-cluster/churn/kustomization.yaml` cannot be read, so that nobody can tell what would be lost: kustomize cannot build it: in-cluster/churn/kustomization.yaml:5: "),
        "{stderr}"
    );
}
