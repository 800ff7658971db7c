//! `diff`: what it prints, in each form, and what it is compared with.

use super::session::Session;

const TWO: &str = "\
version: 1
platform: {base: kfp-2.17.0}
projects:
- name: churn
- {name: vision, namespace: team-vision}
";

fn rendered() -> Session {
    let session = Session::with(TWO);
    session.tenantry(&["render", "-q"]).status(0);
    session
}

#[test]
fn a_tree_that_is_up_to_date() {
    let session = rendered();
    for arguments in [&["diff"][..], &["diff", "--exit-code", "--gate"]] {
        session
            .tenantry(arguments)
            .stdout("no differences\n")
            .stderr("")
            .status(0);
    }
    // Formatting, comments and the order of keys are no difference.
    let path = "overlays/in-cluster/churn/ui.yaml";
    let text = session.read(path);
    let account = "apiVersion: v1\nkind: ServiceAccount\n";
    assert!(text.contains(account), "{text}");
    let text = text.replace(
        account,
        "kind:   'ServiceAccount' # a comment\n\napiVersion: \"v1\"\n",
    );
    session.write(path, text);
    session
        .tenantry(&["diff", "--exit-code"])
        .stdout("no differences\n")
        .status(0);
}

#[test]
fn equal_changes_are_grouped_over_projects() {
    let session = rendered();
    session.write(
        "projects.yaml",
        "\
version: 1
platform: {base: kfp-2.17.0}
defaults:
  components: {ui: {image: registry.example.com/ui:2}, apiServer: {env: {PROXY_PASSWORD: hunter2}}}
projects:
- name: churn
- {name: vision, namespace: team-vision, quota: {requests.cpu: \"8\"}}
- name: pricing
",
    );
    session
        .tenantry(&["diff", "--exit-code"])
        .stdout(
            "\
Worth a look
  restart  2 projects: churn, vision
    `Deployment/ml-pipeline`, `Deployment/ml-pipeline-ui`

New
  + pricing (in-cluster/pricing, 56 objects, 1.17 CPU, 3.17 GiB memory, 20 GiB storage)

In 2 projects: churn, vision
  ~ Deployment/ml-pipeline
      + spec.template.spec.containers[name=ml-pipeline-api-server].env[name=PROXY_PASSWORD]: {\"name\":\"PROXY_PASSWORD\",\"value\":\"***\"}
  ~ Deployment/ml-pipeline-ui
      spec.template.spec.containers[name=ml-pipeline-ui].image: ghcr.io/kubeflow/kfp-frontend:2.17.0 -> registry.example.com/ui:2

vision
  + ResourceQuota/quota
  + LimitRange/limits

2 directories changed, 1 new; in all +1.17 CPU, +3.17 GiB memory, +20 GiB storage
",
        )
        .stderr("")
        .status(1);
    let (stdout, _) = session
        .tenantry(&["diff", "--format", "markdown"])
        .status(0);
    assert!(
        stdout.starts_with(
            "\
### tenantry diff: 2 directories changed, 1 new; in all +1.17 CPU, +3.17 GiB memory, +20 GiB storage

Against `overlays`.

**Worth a look**

- **restart** 2 projects: `churn`, `vision`: `Deployment/ml-pipeline`, `Deployment/ml-pipeline-ui`

**New**

- `pricing` (`in-cluster/pricing`, 56 objects, 1.17 CPU, 3.17 GiB memory, 20 GiB storage)

<details><summary>2 projects: churn, vision</summary>

```diff
# Deployment/ml-pipeline
+   spec.template.spec.containers[name=ml-pipeline-api-server].env[name=PROXY_PASSWORD]: {\"name\":\"PROXY_PASSWORD\",\"value\":\"***\"}
"
        ),
        "{stdout}"
    );
    let (stdout, _) = session.tenantry(&["diff", "--format", "json"]).status(0);
    let document: serde_json::Value = serde_json::from_str(&stdout).expect("one document");
    assert_eq!(document["against"], "overlays");
    assert_eq!(document["summary"]["directoriesChanged"], 2);
    assert_eq!(document["added"][0]["project"], "pricing");
    assert_eq!(document["added"][0]["requests"]["cpu"], "1164m");
    assert_eq!(
        document["changes"][0]["projects"],
        serde_json::json!(["churn", "vision"])
    );
    assert_eq!(
        document["changes"][0]["objects"][1],
        serde_json::json!({
            "names": ["Deployment/ml-pipeline-ui"],
            "change": "changed",
            "fields": [{
                "path": "spec.template.spec.containers[name=ml-pipeline-ui].image",
                "change": "changed",
                "old": "ghcr.io/kubeflow/kfp-frontend:2.17.0",
                "new": "registry.example.com/ui:2",
            }],
        })
    );
    assert!(!stdout.contains("hunter2"));
}

#[test]
fn colours_only_when_asked_for() {
    let session = rendered();
    session.write(
        "projects.yaml",
        TWO.replace("- name: churn", "- {name: churn, state: paused}"),
    );
    let (plain, _) = session.tenantry(&["diff"]).status(0);
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let (colored, _) = session.tenantry(&["diff", "--color", "always"]).status(0);
    assert!(colored.contains("\u{1b}[32m0\u{1b}[0m"), "{colored}");
    let mut stripped = String::new();
    for part in colored.split('\u{1b}') {
        stripped.push_str(
            part.strip_prefix('[')
                .and_then(|part| part.split_once('m'))
                .map_or(part, |(_, rest)| rest),
        );
    }
    assert_eq!(stripped, plain);
}

#[test]
fn against_another_tree() {
    let session = rendered();
    // Deleting the tree first hides nothing from a comparison with the one that was.
    std::fs::rename(session.path("overlays"), session.path("before")).expect("moved");
    session.write("projects.yaml", TWO.replace("- name: churn\n", ""));
    session
        .tenantry(&["diff", "--against", "before", "--gate"])
        .stdout(
            "\
Hazards that stop
  project-deleted  churn
    the directory `in-cluster/churn` disappears, with the volumes `mariadb-pvc`, `seaweedfs-pvc`: active
  Undo what is not meant; what is meant, write below `acknowledge:` in projects.yaml.

Gone
  - churn (in-cluster/churn, 56 objects, 1.17 CPU, 3.17 GiB memory, 20 GiB storage)

1 hazard that stops, 1 directory gone; in all -1.17 CPU, -3.17 GiB memory, -20 GiB storage
",
        )
        .stderr(
            "\
error[project-deleted]: project `churn`: the directory `in-cluster/churn` disappears, with the volumes `mariadb-pvc`, `seaweedfs-pvc` (it was `active`)
 = file: overlays/in-cluster/churn
 = hint: render the project with `state: retired` first, and take it out of the file once that was applied; if it has another name now, write that to `moved`
 = hint: to let it pass, write below `acknowledge:` in projects.yaml: `- {project: churn, hazard: project-deleted, reason: \"…\"}`

error: 1 error
",
        )
        .status(3);
    // Nor does losing the index: the objects say whose they are.
    std::fs::remove_file(session.path("before/index.json")).expect("removed");
    let (_, stderr) = session
        .tenantry(&["diff", "--against", "before/", "--gate"])
        .status(3);
    assert!(
        stderr.starts_with("error[project-deleted]: project `churn`: "),
        "{stderr}"
    );
    // A whole checkout stands for the tree in it.
    session.write("projects.yaml", TWO);
    let checkout = rendered();
    let path = checkout.path("").to_string_lossy().into_owned();
    session
        .tenantry(&["diff", "--against", &path, "--exit-code"])
        .stdout("no differences\n")
        .status(0);
    session
        .tenantry(&["diff", "--against", "nowhere"])
        .stdout("")
        .stderr("error: `nowhere` is no directory, and the root does not lie in a Git repository\n")
        .status(5);
}

#[test]
fn what_cannot_be_read_stops() {
    let session = rendered();
    session.write("overlays/in-cluster/churn/ui.yaml", "kind: [\n");
    let (_, stderr) = session.tenantry(&["diff"]).status(3);
    assert!(
        stderr.starts_with(
            "error[unreadable-tree]: `overlays/in-cluster/churn/ui.yaml` cannot be read, so that nobody can tell what would be lost: "
        ),
        "{stderr}"
    );
    session.write("overlays/index.json", "<<<<<<< ours\n");
    let (stdout, stderr) = session.tenantry(&["diff"]).status(3);
    assert_eq!(stdout, "");
    assert!(
        stderr.starts_with("error[invalid-index]: `overlays/index.json` cannot be read: "),
        "{stderr}"
    );
}

/// Whoever reviews a change is told first that a stack becomes reachable, and by whom.
#[test]
fn an_exposure_that_appears() {
    let fleet = |access: &str| {
        format!(
            "version: 1\nplatform: {{base: kfp-2.17.0}}\nprojects:\n- name: churn\n  members: {{viewers: [\"group:a\"]}}\n{access}"
        )
    };
    let exposed = |host: &str| {
        fleet(&format!(
            "  access: {{exposure: ingress, host: {host}, auth: both, oidc: {{issuer: \"https://id.example.com\", clientId: kfp, clientSecret: {{name: oidc, key: secret}}}}}}\n"
        ))
    };
    let session = Session::with(&fleet(""));
    session.tenantry(&["render", "-q"]).status(0);
    let hazards = |projects: &str| {
        session.write("projects.yaml", projects);
        // It is for people to look at, and stops nothing.
        let (stdout, _) = session.tenantry(&["diff", "--gate"]).status(0);
        let worth = stdout.split("\n\n").next().unwrap_or_default();
        worth.to_owned()
    };
    assert_eq!(
        hazards(&exposed("churn.example.com")),
        "\
Worth a look
  access-widened  churn
    `Ingress/access` opens host `churn.example.com`
  access-widened  churn
    `Role/members-viewers` permits more: get `stacks/access.tenantry.dev`
  access-widened  churn
    `RoleBinding/access-cookie` gives `Role/access-cookie` to `ServiceAccount churn/access-cookie`
  access-widened  churn
    more ingress traffic is admitted by `NetworkPolicy/access-proxy-ingress`, `NetworkPolicy/ui-ingress`
  access-widened  in-cluster/_cluster
    `ClusterRoleBinding/tenantry-access-churn` gives `ClusterRole/system:auth-delegator` to `ServiceAccount churn/access-proxy`"
    );
    session.tenantry(&["render", "-q"]).status(0);
    assert_eq!(
        hazards(&exposed("other.example.com")),
        "\
Worth a look
  access-widened  churn
    `Ingress/access` opens host `other.example.com`
  restart  churn
    `Deployment/access-proxy`"
    );
    // What is closed widens nothing.
    assert!(!hazards(&fleet("")).contains("access-widened"));
}
