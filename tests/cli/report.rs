//! The fleet on one page.

use serde_json::{Value, json};

use super::session::Session;

const PROJECTS: &str = "version: 1
platform: {base: kfp-2.17.0}
projects:
- name: churn
  ring: one
  owner: <script>alert(1)</script>
  database: {embedded: {size: 20Gi}}
- name: fraud
  state: paused
  database: {external: {engine: mysql, host: db.example.com, database: fraud, user: fraud, credentials: {secret: {name: db, keys: {password: word}}}}}
  objectStore: {external: {provider: s3, endpoint: 'https://s3.example.com', bucket: lake, prefix: fraud, credentials: {secret: {name: s3, keys: {accessKey: id, secretKey: word}}}}}
";

/// The requests of all containers of the Deployments in a project's directory, added up from the text.
fn requested(session: &Session, namespace: &str) -> (u64, u64) {
    let milli = |text: &str| match text.strip_suffix('m') {
        Some(milli) => milli.parse::<u64>().expect("a number"),
        None => text.parse::<u64>().expect("a number") * 1000,
    };
    let mebi = |text: &str| match (text.strip_suffix("Mi"), text.strip_suffix("Gi")) {
        (Some(mebi), _) => mebi.parse::<u64>().expect("a number"),
        (_, Some(gibi)) => gibi.parse::<u64>().expect("a number") * 1024,
        _ => panic!("{text}"),
    };
    let (mut cpu, mut memory) = (0, 0);
    for bytes in session
        .files(&format!("overlays/in-cluster/{namespace}"))
        .into_values()
    {
        let text = String::from_utf8(bytes).expect("UTF-8");
        let documents = tenantry::yaml::load(&text, &Default::default()).expect("YAML");
        for document in documents {
            if document.value["kind"] != "Deployment" {
                continue;
            }
            let containers = &document.value["spec"]["template"]["spec"]["containers"];
            for container in containers.as_array().expect("a list") {
                let requests = &container["resources"]["requests"];
                cpu += milli(requests["cpu"].as_str().expect("a text"));
                memory += mebi(requests["memory"].as_str().expect("a text"));
            }
        }
    }
    (cpu, memory)
}

fn as_json(session: &Session) -> Value {
    let arguments = ["report", "--quiet", "--message-format", "json"];
    let (stdout, _) = session.tenantry(&arguments).status(0);
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    serde_json::from_str(&stdout).expect("JSON")
}

#[test]
fn what_is_reported_is_what_is_rendered() {
    let session = Session::with(PROJECTS);
    session.tenantry(&["render"]).status(0);
    let page = as_json(&session);
    let (cpu, memory) = requested(&session, "churn");
    assert!(cpu > 500 && memory > 1000, "{cpu}m, {memory}Mi");
    let churn = &page["projects"][0];
    assert_eq!(churn["name"], "churn");
    assert_eq!(churn["requests"]["cpu"], format!("{cpu}m"));
    let bytes = (memory << 20).to_string();
    assert_eq!(churn["requests"]["memory"], bytes.as_str());
    let storage = (30_u64 << 30).to_string();
    assert_eq!(churn["requests"]["storage"], storage.as_str());
    assert_eq!(churn["database"], "embedded mariadb, 20Gi");
    // Paused, and with nothing of its own.
    let fraud = &page["projects"][1];
    assert_eq!(
        fraud["requests"],
        json!({"cpu": "0", "memory": "0", "storage": "0"})
    );
    assert_eq!(
        fraud["objectStore"],
        "external, s3 at https://s3.example.com, lake/fraud"
    );
    assert_eq!(page["total"]["requests"], churn["requests"]);
    assert_eq!(page["by"]["ring"]["one"]["projects"], 1);
    assert_eq!(page["hazards"], json!([]));
}

#[test]
fn hazards_are_listed_and_stop_nothing() {
    let session = Session::with(PROJECTS);
    let (stdout, _) = session.tenantry(&["report"]).status(0);
    assert!(stdout.contains("No hazards against overlays\n"), "{stdout}");
    session.tenantry(&["render"]).status(0);
    session.write("projects.yaml", PROJECTS.replace("20Gi", "5Gi"));
    let (stdout, _) = session.tenantry(&["report"]).status(0);
    assert!(
        stdout.contains("\n  stops volume-shrunk churn: "),
        "{stdout}"
    );
    session.write(
        "projects.yaml",
        format!(
            "{}acknowledge: [{{project: churn, hazard: volume-shrunk, reason: \"it is new\"}}]\n",
            PROJECTS.replace("20Gi", "5Gi")
        ),
    );
    let (stdout, _) = session.tenantry(&["report"]).status(0);
    assert!(
        stdout.contains("\n  acknowledged volume-shrunk churn: "),
        "{stdout}"
    );
    // A project that was not retired is gone.
    let (_, rest) = PROJECTS.split_once("- name: fraud").expect("two projects");
    session.write("projects.yaml", PROJECTS.replace(rest, "x\n"));
    let (stdout, _) = session.tenantry(&["report"]).status(0);
    assert!(stdout.contains("stops project-deleted"), "{stdout}");
}

#[test]
fn the_page_is_one_file() {
    let session = Session::with(PROJECTS);
    session.write("out/page.html", "before");
    let run = session.tenantry(&["report", "--html", "out/page.html"]);
    let (_, stderr) = run.status(0);
    assert!(stderr.contains("`out/page.html` written"), "{stderr}");
    let page = session.read("out/page.html");
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{page}"
    );
    assert!(!page.contains("<script"), "{page}");
    assert_eq!(session.files("out").len(), 1);
    session
        .tenantry(&["report", "--html", "again.html", "--jobs", "1"])
        .status(0);
    assert_eq!(session.read("again.html"), page);
    for (path, expected) in [
        ("nowhere/page.html", "writing `nowhere/page.html`"),
        ("out", "writing `out`"),
    ] {
        let (_, stderr) = session.tenantry(&["report", "--html", path]).status(5);
        assert!(stderr.contains(expected), "{stderr}");
    }
    assert_eq!(session.read("out/page.html"), page);
    session.write("projects.yaml", "version: 1\n");
    let run = session.tenantry(&["report", "--html", "out/page.html"]);
    run.stdout("").status(4);
    assert_eq!(session.read("out/page.html"), page);
}
