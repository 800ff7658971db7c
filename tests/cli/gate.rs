//! Gates: what stops a render, and what lets it pass.

use std::collections::BTreeMap;

use tenantry::base::embedded;
use tenantry::base::lock::Lock;

use super::session::Session;

/// A repository with these lines below `projects:`, rendered.
fn rendered(head: &str, projects: &str) -> Session {
    let session = Session::with(&file(head, projects));
    session.tenantry(&["render", "-q"]).stderr("").status(0);
    session
}

fn file(head: &str, projects: &str) -> String {
    format!("version: 1\n{head}\nprojects:\n{projects}\n")
}

const HEAD: &str = "platform: {base: kfp-2.17.0}";

/// Writes a file and renders: stops with exactly these codes, one line each, and leaves the tree as it was.
#[track_caller]
fn stops(session: &Session, text: &str, codes: &[&str]) -> String {
    session.write("projects.yaml", text);
    let before = session.files("overlays");
    let (stdout, stderr) = session.tenantry(&["render"]).status(3);
    assert_eq!(stdout, "");
    let found: Vec<&str> = stderr
        .lines()
        .filter_map(|line| line.strip_prefix("error[")?.split_once(']'))
        .map(|(code, _)| code)
        .collect();
    assert_eq!(found, codes, "{stderr}");
    assert!(session.files("overlays") == before, "the tree has changed");
    // `diff --gate` stops for the same reasons.
    let (_, gate) = session.tenantry(&["diff", "--gate"]).status(3);
    assert_eq!(gate, stderr);
    stderr
}

/// Writes a file and renders, without a word.
#[track_caller]
fn passes(session: &Session, text: &str) {
    session.write("projects.yaml", text);
    session.tenantry(&["diff", "--gate"]).stderr("").status(0);
    session
        .tenantry(&["render", "-q"])
        .stdout("")
        .stderr("")
        .status(0);
    session
        .tenantry(&["render", "--check", "-q"])
        .stdout("")
        .status(0);
}

#[test]
fn deletion_takes_two_steps() {
    let session = rendered(HEAD, "- name: churn\n- name: vision");
    let one = file(HEAD, "- name: vision");
    stops(&session, &one, &["project-deleted"]);
    session.tenantry(&["render", "--check", "-q"]).status(1);
    passes(
        &session,
        &file(HEAD, "- {name: churn, state: retired}\n- name: vision"),
    );
    passes(&session, &one);
    assert!(!session.path("overlays/in-cluster/churn").exists());
}

#[test]
fn one_hazard_of_one_project_is_let_through() {
    let session = rendered(HEAD, "- name: churn\n- name: vision");
    let smaller = |acknowledged: &str| {
        file(
            &format!("{HEAD}\n{acknowledged}"),
            "- {name: churn, database: {embedded: {size: 5Gi}}}\n- {name: vision, database: {embedded: {size: 5Gi}}}",
        )
    };
    let stderr = stops(&session, &smaller(""), &["volume-shrunk", "volume-shrunk"]);
    assert!(
        stderr.starts_with(
            "\
error[volume-shrunk]: project `churn`: `PersistentVolumeClaim/mariadb-pvc` gets smaller, which no cluster does: from `10Gi` to `5Gi`
  ┌─ projects.yaml:5:10
  │
5 │ - {name: churn, database: {embedded: {size: 5Gi}}}
  │          ^^^^^
  │
  = hint: keep the size, or move the data to a new claim
  = hint: to let it pass, write below `acknowledge:` in projects.yaml: `- {project: churn, hazard: volume-shrunk, reason: \"…\"}`
"
        ),
        "{stderr}"
    );
    let one = "acknowledge: [{project: churn, hazard: volume-shrunk, reason: moved}]";
    stops(&session, &smaller(one), &["volume-shrunk"]);
    let other = "acknowledge: [{project: churn, hazard: volume-deleted, reason: moved}]";
    let (_, stderr) = {
        session.write("projects.yaml", smaller(other));
        session.tenantry(&["render"]).status(3)
    };
    assert!(stderr.contains("warning[unused-acknowledgement]: `volume-deleted` is acknowledged for project `churn`, and does not come up"), "{stderr}");
    let both = "acknowledge:\n- {project: churn, hazard: volume-shrunk, reason: moved}\n- {project: vision, hazard: volume-shrunk, reason: moved}";
    passes(&session, &smaller(both));
    // Afterwards it is time to remove them.
    session
        .tenantry(&["render", "--project", "churn"])
        .stderr(
            "\
overlays: 0 directories written, 0 removed, 1 unchanged
warning[unused-acknowledgement]: `volume-shrunk` is acknowledged for project `churn`, and does not come up
  ┌─ projects.yaml:4:13
  │
4 │ - {project: churn, hazard: volume-shrunk, reason: moved}
  │             ^^^^^ nothing to acknowledge
  │
  = hint: remove the entry once the change that it was for is merged

warning: 1 warning
",
        )
        .status(0);
}

#[test]
fn whom_an_acknowledgement_may_name() {
    let session = rendered(HEAD, "- name: churn\n- name: vision");
    let vision = |acknowledged: &str| {
        file(
            &format!("{HEAD}\nacknowledge: [{acknowledged}]"),
            "- name: vision",
        )
    };
    // A project that is about to be deleted is not declared any more.
    let deleted = vision("{project: churn, hazard: project-deleted, reason: over}");
    session.write("projects.yaml", &deleted);
    session.tenantry(&["validate", "-q"]).stderr("").status(0);
    passes(&session, &deleted);
    // Running again is as good as running once.
    session.tenantry(&["render", "-q"]).status(0);
    session.write(
        "projects.yaml",
        vision("{project: vison, hazard: volume-shrunk, reason: over}"),
    );
    session
        .tenantry(&["validate"])
        .stderr(
            "\
error[unknown-project]: project `vison` is listed in `acknowledge`, and there is no such project
  ┌─ projects.yaml:3:25
  │
3 │ acknowledge: [{project: vison, hazard: volume-shrunk, reason: over}]
  │                         ^^^^^ no such project
  │
  = hint: did you mean `vision`?

error: 1 error
",
        )
        .status(4);
    session.write(
        "projects.yaml",
        vision("{project: vision, hazard: restart, reason: x}"),
    );
    session.tenantry(&["validate"]).status(4);
}

#[test]
fn a_project_with_another_name() {
    let shared = "\
platform: {base: kfp-2.17.0}
databases:
  central: {engine: mysql, host: db.example.com, credentials: {externalSecret: {store: vault, key: \"ml/{{ project.name }}\"}}}
objectStores:
  lake: {provider: s3, endpoint: https://s3.example.com, bucket: lake, credentials: {externalSecret: {store: vault, key: \"s3/{{ project.name }}\"}}}";
    let project = |name: &str| {
        format!("- {{name: {name}, database: central, objectStore: lake}}\n- name: own")
    };
    let session = rendered(shared, &project("churn"));
    // Without a word about it, the directory goes, and everything begins anew.
    stops(
        &session,
        &file(shared, &project("customer-churn")),
        &["project-deleted"],
    );
    let moved = format!("{shared}\nmoved: [{{from: churn, to: customer-churn}}]");
    passes(&session, &file(&moved, &project("customer-churn")));
    assert!(session.path("overlays/in-cluster/churn").exists());
    assert!(!session.path("overlays/in-cluster/customer-churn").exists());
    let api_server = session.read("overlays/in-cluster/churn/api-server.yaml");
    for kept in [
        "value: kfp_churn\n",
        "value: churn/pipelines\n",
        "namespace: churn\n",
    ] {
        assert!(api_server.contains(kept), "{kept}");
    }
    assert!(
        session
            .read("overlays/in-cluster/churn/secrets.yaml")
            .contains("key: ml/churn\n")
    );
    assert!(
        session
            .read("overlays/index.json")
            .contains("\"project\": \"customer-churn\"")
    );
    // Later the entry may go, when what the name gave is written down.
    let written = project("customer-churn").replace(
        "database: central, objectStore: lake",
        "namespace: churn, database: {shared: {name: central, database: kfp_churn, user: kfp_churn}}, objectStore: {shared: {name: lake, prefix: churn}}",
    );
    session.write("projects.yaml", file(shared, &written));
    session.tenantry(&["diff", "--gate"]).stderr("").status(0);
}

#[test]
fn a_directory_that_is_taken_over() {
    let session = rendered(HEAD, "- name: churn\n- name: vision");
    // Another project in the same namespace gets what was there.
    let stderr = stops(
        &session,
        &file(HEAD, "- {name: pricing, namespace: churn}\n- name: vision"),
        &["project-deleted"],
    );
    assert!(
        stderr.starts_with("error[project-deleted]: project `churn`: the directory `in-cluster/churn` falls to project `pricing`, with the volumes `mariadb-pvc`, `seaweedfs-pvc` (it was `active`)\n"),
        "{stderr}"
    );
    // The same project in another namespace begins empty.
    let stderr = stops(
        &session,
        &file(HEAD, "- {name: churn, namespace: other}\n- name: vision"),
        &["project-deleted"],
    );
    assert!(
        stderr.starts_with(
            "\
error[project-deleted]: project `churn`: the directory `in-cluster/churn` disappears, with the volumes `mariadb-pvc`, `seaweedfs-pvc`, and `in-cluster/other` begins empty (it was `active`)
  ┌─ projects.yaml:4:28
"
        ),
        "{stderr}"
    );
}

#[test]
fn storage_and_credentials() {
    let central = "\
platform: {base: kfp-2.17.0}
databases:
  central: {engine: mysql, host: db.example.com, credentials: {secret: {name: own}}}";
    let session = rendered(central, "- name: churn");
    let with = |project: &str| file(central, &format!("- {{name: churn, {project}}}"));
    stops(
        &session,
        &with("database: central"),
        &["volume-deleted", "database-identity"],
    );
    stops(
        &session,
        &with("database: {embedded: {engine: mysql}}"),
        &["volume-deleted", "database-identity"],
    );
    stops(
        &session,
        &with("database: {embedded: {database: other}}"),
        &["database-identity"],
    );
    stops(
        &session,
        &with("database: {embedded: {storageClass: fast}}"),
        &["volume-class-changed"],
    );
    stops(
        &session,
        &with("objectStore: {embedded: {bucket: other}}"),
        &["object-store-identity"],
    );
    stops(
        &session,
        &with(
            "objectStore: {external: {provider: s3, endpoint: https://s3.example.com, bucket: lake, credentials: {secret: {name: own}}}}",
        ),
        &["volume-deleted", "object-store-identity"],
    );
    stops(
        &session,
        &with("database: {embedded: {credentials: {secret: {name: own}}}}"),
        &["credentials-regenerated"],
    );
    stops(
        &session,
        &with("createNamespace: false"),
        &["project-deleted"],
    );
    stops(
        &session,
        &file(
            "platform: {base: kfp-2.17.0, secrets: {generator: externalSecrets}}",
            "- name: churn",
        ),
        &["credentials-regenerated", "credentials-regenerated"],
    );
    passes(
        &session,
        &with("database: {embedded: {size: 20Gi}}, objectStore: {embedded: {size: 20Gi}}"),
    );
    passes(
        &session,
        &with(
            "database: {embedded: {size: 20Gi}}, objectStore: {embedded: {size: 20Gi}}, state: paused",
        ),
    );
    passes(
        &session,
        &with(
            "database: {embedded: {size: 20Gi}}, objectStore: {embedded: {size: 20Gi}}, state: retired",
        ),
    );
    passes(
        &session,
        &with(
            "database: {embedded: {size: 20Gi}}, objectStore: {embedded: {size: 20Gi}}, quota: {pods: \"9\"}",
        ),
    );
}

#[test]
fn moves_between_bases() {
    let projects = "- {name: churn, objectStore: {embedded: {engine: minio}}}\n- name: vision";
    let session = rendered("platform: {base: kfp-2.15.0}", projects);
    let stderr = stops(&session, &file(HEAD, projects), &["base-migration"]);
    assert!(
        stderr.starts_with("error[base-migration]: project `churn`: MinIO of kfp-2.15.0 keeps its volume in a format"),
        "{stderr}"
    );
    assert!(
        stderr.contains(": from `kfp-2.15.0` to `kfp-2.17.0`\n  ┌─ projects.yaml:4:"),
        "{stderr}"
    );
    let acknowledged = format!(
        "{HEAD}\nacknowledge: [{{project: churn, hazard: base-migration, reason: copied}}]"
    );
    passes(&session, &file(&acknowledged, projects));
    // And back again.
    stops(
        &session,
        &file("platform: {base: kfp-2.15.0}", projects),
        &["base-downgrade", "base-downgrade"],
    );
}

/// Adds a base between the shipped ones: the newer one with another name, order, and what it asks of whom.
fn add_base(session: &Session, name: &str, order: u32, migrations: &str) {
    let mut files: BTreeMap<String, Vec<u8>> = embedded::files()
        .into_iter()
        .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
        .collect();
    for (path, bytes) in files.clone() {
        let Some(path) = path.strip_prefix("kfp-2.17.0/") else {
            continue;
        };
        let mut bytes = bytes;
        if path == "base.yaml" {
            let text = String::from_utf8(bytes).expect("a base is text");
            let (head, _) = text.split_once("migrations:\n").expect("the base has some");
            let head = head.replace("name: kfp-2.17.0\n", &format!("name: {name}\n"));
            let head = head.replace("order: 21700\n", &format!("order: {order}\n"));
            bytes = format!("{head}migrations: {migrations}\n").into_bytes();
        }
        session.write(&format!("base/{name}/{path}"), &bytes);
        files.insert(format!("{name}/{path}"), bytes);
    }
    let lock = Lock::compute(
        files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice())),
    );
    session.write("base/base.lock", lock.to_string());
}

#[test]
fn what_a_skipped_base_asks_for_counts_for_those_who_come_from_before_it() {
    let projects = |base: &str| file(&format!("platform: {{base: {base}}}"), "- name: churn");
    let session = rendered("platform: {base: kfp-2.15.0}", "- name: churn");
    let asks = "[{from: kfp-2.15.0, when: \"plan.database.kind == 'embedded'\", reason: dump it}, \
                {from: kfp-2.15.0, when: \"plan.database.kind == 'shared'\", reason: never}]";
    add_base(&session, "kfp-2.16.0", 21600, asks);
    let stderr = stops(&session, &projects("kfp-2.17.0"), &["base-migration"]);
    assert!(
        stderr.starts_with(
            "error[base-migration]: project `churn`: dump it: from `kfp-2.15.0` to `kfp-2.17.0`\n"
        ),
        "{stderr}"
    );
    stops(&session, &projects("kfp-2.16.0"), &["base-migration"]);
    let acknowledged = |base: &str| {
        let head = "acknowledge: [{project: churn, hazard: base-migration, reason: dumped}]";
        format!("{}{head}\n", projects(base))
    };
    passes(&session, &acknowledged("kfp-2.16.0"));
    // Who has done it once is not asked again.
    passes(&session, &projects("kfp-2.17.0"));
    stops(&session, &projects("kfp-2.16.0"), &["base-downgrade"]);
}
