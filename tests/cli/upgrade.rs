//! `upgrade`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::session::Session;

/// The hop from 2.15 to 2.17 stops nobody who keeps artifacts in SeaweedFS.
const FLEET: &str = "version: 1
# The platform.
platform:
  base: kfp-2.15.0   # until spring
defaults: {ring: stable, database: {embedded: {engine: mysql}}}
projects:
- name: churn        # first of all
  ring: canary
- {name: fraud, owner: risk}
- name: ahead
  base: 'kfp-2.17.0'
";

/// Runs a command that edits, and compares the file; `edits` are the places that differ.
#[track_caller]
fn check(fleet: &str, arguments: &[&str], edits: &[(&str, &str)]) {
    let session = Session::with(fleet);
    let (_, stderr) = session.tenantry(arguments).status(0);
    let mut expect = fleet.to_owned();
    for (old, new) in edits {
        assert!(expect.contains(old), "{old}");
        expect = expect.replacen(old, new, 1);
    }
    assert_eq!(session.read("projects.yaml"), expect, "{stderr}");
    let left: Vec<_> = fs::read_dir(session.path(""))
        .expect("the root")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name.to_string_lossy().starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    session.tenantry(&["validate"]).status(0);
}

#[test]
fn the_whole_fleet() {
    check(
        FLEET,
        &["upgrade"],
        &[("base: kfp-2.15.0   # until", "base: kfp-2.17.0   # until")],
    );
    check(
        &FLEET.replace('\n', "\r\n"),
        &["upgrade", "--to", "kfp-2.17.0"],
        &[("base: kfp-2.15.0   # until", "base: kfp-2.17.0   # until")],
    );
    // A base in `defaults` is the fleet's, one that a project or profile shares with the platform moves along.
    check(
        "version: 1
platform: {base: \"kfp-2.15.0\"}
defaults:
  base: kfp-2.15.0
  database: {embedded: {engine: mysql}}
profiles:
  slow: {base: kfp-2.15.0}
projects:
- {name: a, profile: slow}
- {name: b, base: kfp-2.15.0}
",
        &["upgrade"],
        &[
            ("\"kfp-2.15.0\"", "\"kfp-2.17.0\""),
            ("base: kfp-2.15.0", "base: kfp-2.17.0"),
            ("base: kfp-2.15.0", "base: kfp-2.17.0"),
            ("base: kfp-2.15.0", "base: kfp-2.17.0"),
        ],
    );
}

#[test]
fn some_projects() {
    let block = ("first of all\n", "first of all\n  base: kfp-2.17.0\n");
    check(FLEET, &["upgrade", "--project", "churn"], &[block]);
    check(FLEET, &["upgrade", "--ring", "canary"], &[block]);
    let flow = (
        "{name: fraud, owner",
        "{name: fraud, base: kfp-2.17.0, owner",
    );
    check(FLEET, &["upgrade", "--ring", "stable"], &[flow]);
    check(
        FLEET,
        &["upgrade", "--project", "fraud", "--project", "churn"],
        &[block, flow],
    );
    check(FLEET, &["upgrade", "--project", "churn", "--dry-run"], &[]);
    // One that is held back stays when the fleet is there already.
    let held = FLEET
        .replace("base: kfp-2.15.0 ", "base: kfp-2.17.0 ")
        .replace("'kfp-2.17.0'", "'kfp-2.15.0'");
    let session = Session::with(&held);
    session
        .tenantry(&["upgrade"])
        .stdout("")
        .stderr(
            "ahead stays on kfp-2.15.0: `--project ahead` moves it\nnothing to do for kfp-2.17.0\n",
        )
        .status(0);
    assert_eq!(session.read("projects.yaml"), held);
    check(
        &held,
        &["upgrade", "--project", "ahead"],
        &[("'kfp-2.15.0'", "'kfp-2.17.0'")],
    );
}

#[test]
fn what_it_says_before() {
    let fleet = FLEET.replace(
        "  ring: canary\n",
        "  ring: canary
  patches:
  - target: {kind: Deployment, name: ml-pipeline}
    patch: |
      spec: {template: {spec: {containers: [{name: ml-pipeline-api-server, env: [{name: LOG_LEVEL, value: debug}]}]}}}
  - target: {kind: Deployment, name: ml-pipeline}
    patch:
    - {op: replace, path: /spec/template/spec/containers/0/image, value: \"example.com/api:1\"}
",
    );
    let session = Session::with(&fleet);
    let (text, _) = session
        .tenantry(&["upgrade", "--ring", "canary", "--dry-run"])
        .status(0);
    for expect in [
        "kfp-2.15.0 -> kfp-2.17.0: churn\n\nPatches\n  projects.yaml:14:5 does something else in churn\n",
        "    - Deployment/ml-pipeline spec.template.spec.containers[name=ml-pipeline-api-server].image: ghcr.io/kubeflow/kfp-api-server:2.15.0 -> example.com/api:1\n",
        "    + Deployment/ml-pipeline spec.template.spec.containers[name=ml-pipeline-api-server].image: ghcr.io/kubeflow/kfp-api-server:2.17.0 -> example.com/api:1\n",
        "\nOne patch does what it did.\n",
        "\n  ghcr.io/kubeflow/kfp-driver:2.15.0 -> ghcr.io/kubeflow/kfp-driver:2.17.0 in churn\n",
        "\nWorth a look\n",
    ] {
        assert!(text.contains(expect), "{expect}\n{text}");
    }
    let (json, stderr) = session
        .tenantry(&["upgrade", "--dry-run", "--message-format", "json"])
        .status(0);
    assert_eq!(stderr, "");
    let report: serde_json::Value = serde_json::from_str(&json).expect("one document");
    assert_eq!(report["to"], "kfp-2.17.0");
    assert_eq!(
        report["from"],
        serde_json::json!([{"base": "kfp-2.15.0", "projects": ["churn", "fraud"]}])
    );
    assert_eq!(report["patches"][0]["place"]["line"], 14);
    assert_eq!(report["diff"]["summary"]["hazardsStopping"], 0);
    assert_eq!(session.read("projects.yaml"), fleet);
}

#[test]
fn hazards_that_stop_leave_the_file() {
    let fleet = FLEET.replace("owner: risk", "objectStore: {embedded: {engine: minio}}");
    let session = Session::with(&fleet);
    let (text, stderr) = session.tenantry(&["upgrade"]).status(3);
    assert!(
        text.contains("Hazards that stop\n  base-migration  fraud\n"),
        "{text}"
    );
    assert!(
        stderr.contains("error[base-migration]: project `fraud`: "),
        "{stderr}"
    );
    assert!(
        stderr.contains("`- {project: fraud, hazard: base-migration, reason: \"…\"}`"),
        "{stderr}"
    );
    assert!(stderr.contains("projects.yaml is as it was\n"), "{stderr}");
    assert_eq!(session.read("projects.yaml"), fleet);
    let fleet = format!(
        "{fleet}acknowledge:\n- {{project: fraud, hazard: base-migration, reason: \"copied\"}}\n"
    );
    check(
        &fleet,
        &["upgrade"],
        &[("base: kfp-2.15.0 ", "base: kfp-2.17.0 ")],
    );
}

#[test]
fn a_base_that_refuses_leaves_the_file() {
    let fleet = FLEET.replace(
        "  ring: canary\n",
        "  ring: canary
  patches:
  - target: {kind: Deployment, name: ml-pipeline}
    patch:
    - {op: test, path: /spec/template/spec/containers/0/image, value: \"ghcr.io/kubeflow/kfp-api-server:2.15.0\"}
    - {op: replace, path: /spec/replicas, value: 2}
",
    );
    let session = Session::with(&fleet);
    let (text, stderr) = session.tenantry(&["upgrade"]).status(4);
    assert!(
        text.contains(
            "Patches\n  projects.yaml:11:5 cannot be applied in churn\n    operation 0 (`test "
        ),
        "{text}"
    );
    assert!(
        stderr.contains("error[patch-failed]: operation 0 "),
        "{stderr}"
    );
    assert_eq!(session.read("projects.yaml"), fleet);
    // The other way round, settings that the older base cannot carry out.
    let fleet = FLEET
        .replace("base: kfp-2.15.0", "base: kfp-2.17.0")
        .replace(
            "owner: risk",
            "podSecurity: {enforce: restricted, runAsUser: 1000}",
        );
    let session = Session::with(&fleet);
    let (_, stderr) = session
        .tenantry(&["upgrade", "--to", "kfp-2.15.0"])
        .stdout("")
        .status(4);
    assert!(stderr.contains("error[unsupported-by-base]"), "{stderr}");
    assert_eq!(session.read("projects.yaml"), fleet);
}

#[test]
fn shared_text_is_not_edited() {
    let fleet = "version: 1
platform: {base: &base kfp-2.15.0}
projects:
- {name: a, base: *base}
- {name: b, database: {embedded: {engine: mysql}}}
";
    // The alias moves along, so the anchor may change.
    check(
        fleet,
        &["upgrade"],
        &[
            ("&base kfp-2.15.0", "&base kfp-2.17.0"),
            ("base: *base", "base: kfp-2.17.0"),
        ],
    );
    check(
        fleet,
        &["upgrade", "--project", "a"],
        &[("base: *base", "base: kfp-2.17.0")],
    );
    let fleet = "version: 1
platform: {base: kfp-2.17.0}
projects:
- &first
  name: a
  base: kfp-2.15.0
- <<: *first
  name: b
";
    let session = Session::with(fleet);
    let (_, stderr) = session
        .tenantry(&["upgrade", "--project", "a", "--message-format", "json"])
        .stdout("")
        .status(4);
    let finding: serde_json::Value = serde_json::from_str(&stderr).expect("one finding");
    assert_eq!(finding["code"], "not-editable");
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&6.into(), &9.into())
    );
    assert_eq!(session.read("projects.yaml"), fleet);
    check(
        fleet,
        &["upgrade", "--project", "b"],
        &[("  name: b\n", "  name: b\n  base: kfp-2.17.0\n")],
    );
}

#[test]
fn the_file_keeps_its_mode() {
    let session = Session::with(FLEET);
    let path = session.path("projects.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
    session.write(".projects.yaml.tenantry", "left behind");
    session.tenantry(&["upgrade"]).status(0);
    let mode = fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    assert!(!session.path(".projects.yaml.tenantry").exists());
    assert_ne!(session.read("projects.yaml"), FLEET);
}

#[test]
fn names_that_are_not_there() {
    let session = Session::with(FLEET);
    for (arguments, expect) in [
        (
            ["--to", "kfp-2.17.1"],
            "error: there is no base `kfp-2.17.1`; a similar name is `kfp-2.17.0`\n",
        ),
        (
            ["--ring", "canry"],
            "error: no project has the ring `canry`; a similar name is `canary`\n",
        ),
        (
            ["--project", "chrun"],
            "error: there is no project `chrun`; a similar name is `churn`\n",
        ),
    ] {
        let mut command = vec!["upgrade"];
        command.extend(arguments);
        session
            .tenantry(&command)
            .stdout("")
            .stderr(expect)
            .status(2);
    }
    session
        .tenantry(&["upgrade", "--ring", "a", "--project", "b"])
        .status(2);
}
