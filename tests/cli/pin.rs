//! `images pin` and `images verify`, against registries on this machine.

use std::collections::BTreeMap;

use super::registry::{Certificate, Program, Registry};
use super::session::Session;

/// Mirrors of every registry that the bases fetch from.
fn mirrors(host: &str) -> String {
    format!(
        "images: {{mirrors: {{ghcr.io: {host}/ghcr, docker.io: {host}/hub, quay.io: {host}/quay, gcr.io: {host}/gcr}}}}"
    )
}

fn fleet(images: &str) -> String {
    format!("version: 1\nplatform: {{base: kfp-2.17.0, {images}}}\nprojects:\n- name: churn\n")
}

/// The images of a fleet, without the registry.
fn images(session: &Session, host: &str) -> Vec<String> {
    let (list, _) = session.tenantry(&["images", "list"]).status(0);
    let images = list.lines().map(|line| {
        let image = line.strip_prefix(&format!("{host}/"));
        image.expect("everything is mirrored").to_owned()
    });
    images.collect()
}

/// A fleet, and a registry with all of its images.
fn stocked() -> (Session, Registry, BTreeMap<String, String>) {
    let registry = Registry::start();
    let session = Session::with(&fleet(&mirrors(&registry.host())));
    let images = images(&session, &registry.host());
    let digests = images
        .into_iter()
        .map(|image| (image.clone(), registry.push(&image, &image)))
        .collect();
    (session, registry, digests)
}

fn bases(session: &Session) -> BTreeMap<String, Vec<u8>> {
    session.files("base")
}

/// Requires digests, and checks that every image of the fleet has its own.
#[track_caller]
fn check_pinned(session: &Session, host: &str, digests: &BTreeMap<String, String>) {
    let projects = session.read("projects.yaml");
    let required = projects.replace("images: {mirrors", "images: {requireDigests: true, mirrors");
    assert_ne!(projects, required);
    session.write("projects.yaml", &required);
    session.tenantry(&["render", "-q"]).status(0);
    let expect: Vec<String> = digests
        .iter()
        .map(|(image, digest)| format!("{host}/{image}@{digest}\n"))
        .collect();
    session
        .tenantry(&["images", "list"])
        .stdout(&expect.concat())
        .status(0);
    session.write("projects.yaml", projects);
}

#[test]
fn digests_go_into_the_base() {
    let (session, registry, digests) = stocked();
    let before = bases(&session);
    let (stdout, stderr) = session.tenantry(&["images", "pin"]).status(0);
    let count = digests.len();
    assert_eq!(
        stderr,
        format!(
            "pinned {count} images in base/kfp-2.15.0, base/kfp-2.17.0: run `tenantry render`\n"
        ),
    );
    assert!(
        stdout.contains(&format!(
            "ghcr.io/kubeflow/kfp-driver:2.17.0@{}\n",
            digests["ghcr/kubeflow/kfp-driver:2.17.0"]
        )),
        "{stdout}"
    );
    assert_eq!(stdout.lines().count(), count);
    // Nothing but digests has come in.
    let digests_of = |text: &[u8]| -> String {
        let mut text = String::from_utf8_lossy(text).into_owned();
        for digest in digests.values() {
            text = text.replace(&format!("@{digest}"), "");
        }
        text
    };
    let after = bases(&session);
    for (path, bytes) in before.iter().filter(|(path, _)| *path != "base.lock") {
        assert_eq!(
            String::from_utf8_lossy(bytes),
            digests_of(&after[path]),
            "{path}"
        );
    }
    assert_eq!(before.len(), after.len());
    assert!(!session.path(".tenantry-vendor").exists());
    session.tenantry(&["vendor", "verify"]).status(0);
    check_pinned(&session, &registry.host(), &digests);

    session
        .tenantry(&["images", "pin"])
        .stdout("")
        .stderr("every image of the bases is pinned\n")
        .status(0);
    session
        .tenantry(&["images", "pin", "--update"])
        .stdout("")
        .stderr("every tag stands for what it is pinned to\n")
        .status(0);
    assert!(bases(&session) == after);
}

#[test]
fn digests_may_be_required_before_there_are_any() {
    let (session, registry, digests) = stocked();
    let projects = session.read("projects.yaml");
    let required = projects.replace("images: {", "images: {requireDigests: true, ");
    session.write("projects.yaml", &required);
    session.tenantry(&["validate"]).status(4);
    session
        .tenantry(&["images", "pin", "-q"])
        .stderr("")
        .status(0);
    session.tenantry(&["validate", "-q"]).stderr("").status(0);
    session.write("projects.yaml", projects);
    check_pinned(&session, &registry.host(), &digests);
}

#[test]
fn images_of_projects_are_theirs_to_pin() {
    let (session, registry, _) = stocked();
    let projects = session.read("projects.yaml");
    let own = "  components: {driver: {image: \"ghcr.io/acme/driver:7\"}}\n";
    session.write("projects.yaml", format!("{projects}{own}"));
    let (stdout, _) = session.tenantry(&["images", "pin"]).status(0);
    assert!(!stdout.contains("acme"), "{stdout}");
    let asked = registry
        .shelf
        .lock()
        .expect("no thread panics")
        .log
        .join("\n");
    assert!(!asked.contains("acme"), "{asked}");
    // The driver of the base is not run, and stays as it is; it is pinned with all others.
    assert!(!stdout.contains("kfp-driver"), "{stdout}");
    // The patch that sets the project's driver still compares with the driver of the base.
    let (list, _) = session.tenantry(&["images", "list"]).status(0);
    assert!(list.contains("ghcr/acme/driver:7\n"), "{list}");
    assert!(!list.contains("kfp-driver"), "{list}");
}

#[test]
fn everything_that_is_missing_is_said_at_once() {
    let (session, registry, _) = stocked();
    let before = bases(&session);
    let host = registry.host();
    let missing = ["hub/library/mariadb", "ghcr/kubeflow/kfp-frontend"];
    registry
        .shelf
        .lock()
        .expect("no thread panics")
        .manifests
        .retain(|(repository, _), _| !missing.contains(&repository.as_str()));
    session
        .tenantry(&["images", "pin"])
        .stdout("")
        .stderr(&format!(
            "\
error[image-unresolved]: `{host}` has no image `{host}/ghcr/kubeflow/kfp-frontend:2.17.0`
 = hint: check the reference, and whether the mirror holds it
 = hint: it is the mirror of `ghcr.io/kubeflow/kfp-frontend:2.17.0`

error[image-unresolved]: `{host}` has no image `{host}/hub/library/mariadb:11.4`
 = hint: check the reference, and whether the mirror holds it
 = hint: it is the mirror of `docker.io/library/mariadb:11.4`

error: 2 errors
"
        ))
        .status(5);
    assert!(bases(&session) == before);
}

#[test]
fn a_registry_that_is_not_there() {
    // Nothing listens on a port that was given up again.
    let host = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address").to_string()
    };
    let session = Session::with(&fleet(&mirrors(&host)));
    let (_, stderr) = session.tenantry(&["images", "pin"]).status(5);
    let line = format!(
        "error[image-unresolved]: `{host}` gives no digest for `{host}/ghcr/kubeflow/kfp-api-server:2.17.0`: "
    );
    assert!(stderr.contains(&line), "{stderr}");
    assert!(stderr.contains("onnection refused"), "{stderr}");
}

#[test]
fn credentials_are_those_of_docker() {
    let (session, registry, digests) = stocked();
    // ada:secret
    registry.shelf.lock().expect("no thread panics").wants =
        Some("Basic YWRhOnNlY3JldA==".to_owned());
    let host = registry.host();
    let (_, stderr) = session.tenantry(&["images", "pin"]).status(5);
    assert!(
        stderr.contains(&format!(
            "error[image-unresolved]: `{host}` does not hand out `{host}/ghcr/kubeflow/kfp-driver:2.17.0`: it wants other credentials\n = hint: run `docker login {host}`\n"
        )),
        "{stderr}"
    );
    session.write(
        "docker/config.json",
        format!("{{\"auths\": {{\"{host}\": {{\"auth\": \"YWRhOnNlY3JldA==\"}}}}}}"),
    );
    let directory = session.path("docker");
    let directory = directory.to_str().expect("a plain path");
    session
        .tenantry(&["images", "pin", "-q"])
        .env("DOCKER_CONFIG", directory)
        .stderr("")
        .status(0);
    check_pinned(&session, &host, &digests);
    session.write("docker/config.json", "{");
    let (_, stderr) = session
        .tenantry(&["images", "pin", "--update"])
        .env("DOCKER_CONFIG", directory)
        .status(5);
    assert!(
        stderr.starts_with(
            "error: reading `[ROOT]/docker/config.json`: it is no configuration of Docker's"
        ),
        "{stderr}"
    );
}

#[test]
fn a_registry_that_does_not_say_the_digest() {
    let (session, registry, digests) = stocked();
    registry.shelf.lock().expect("no thread panics").is_silent = true;
    session
        .tenantry(&["images", "pin", "-q"])
        .stderr("")
        .status(0);
    check_pinned(&session, &registry.host(), &digests);
    session.tenantry(&["images", "verify"]).status(0);
}

#[test]
fn mirrors_must_agree() {
    let (session, registry, _) = stocked();
    let other = Registry::start();
    let (one, two) = (registry.host(), other.host());
    for image in images(&session, &one) {
        let content = if image.contains("mariadb") {
            "another"
        } else {
            &image
        };
        other.push(&image, content);
    }
    session.write(
        "projects.yaml",
        format!(
            "version: 1\nplatform: {{base: kfp-2.17.0, clusters: {{east: {{{}}}, west: {{{}}}}}}}\nprojects:\n- {{name: churn, cluster: east}}\n- {{name: fraud, cluster: west}}\n",
            mirrors(&one),
            mirrors(&two)
        ),
    );
    let (_, stderr) = session.tenantry(&["images", "pin"]).status(5);
    assert!(
        stderr.starts_with(
            "error[image-unresolved]: `docker.io/library/mariadb:11.4` is two images: `"
        ),
        "{stderr}"
    );
    assert!(stderr.contains(&one) && stderr.contains(&two), "{stderr}");
    assert_eq!(stderr.matches("error[").count(), 1, "{stderr}");
}

#[test]
fn verify_looks_at_digests_and_tags() {
    let (session, registry, digests) = stocked();
    let count = digests.len();
    session
        .tenantry(&["images", "verify"])
        .stderr(&format!("0 pinned and there, {count} not pinned\n"))
        .status(0);
    session.tenantry(&["images", "pin", "-q"]).status(0);
    session
        .tenantry(&["images", "verify"])
        .stdout("")
        .stderr(&format!("{count} pinned and there, 0 not pinned\n"))
        .status(0);

    let host = registry.host();
    let image = "hub/library/mariadb:11.4";
    let (old, new) = (&digests[image], registry.push(image, "rebuilt"));
    let (_, stderr) = session.tenantry(&["images", "verify"]).status(0);
    assert!(
        stderr.contains(&format!(
            "warning[image-tag-moved]: `{host}/{image}` is `{new}` now, and pinned to `{old}`\n"
        )),
        "{stderr}"
    );
    let (stdout, _) = session.tenantry(&["images", "pin", "--update"]).status(0);
    assert_eq!(stdout, format!("docker.io/library/mariadb:11.4@{new}\n"));
    session
        .tenantry(&["images", "verify", "-q"])
        .stderr("")
        .status(0);

    let mut shelf = registry.shelf.lock().expect("no thread panics");
    shelf.manifests.retain(|(_, place), _| *place != new);
    drop(shelf);
    let (_, stderr) = session.tenantry(&["images", "verify"]).status(5);
    assert!(
        stderr.starts_with(&format!(
            "error[image-unresolved]: `{host}` has no image `{host}/hub/library/mariadb@{new}`\n"
        )),
        "{stderr}"
    );
}

#[test]
fn all_images_of_all_bases() {
    let (session, registry, _) = stocked();
    let (_, stderr) = session.tenantry(&["images", "pin", "--all"]).status(5);
    let host = registry.host();
    assert!(
        stderr.contains(&format!("`{host}` has no image `{host}/quay/minio/minio:")),
        "{stderr}"
    );
    assert!(
        stderr.contains("left alone: `docker.io/tensorflow/tensorflow` has no tag\n"),
        "{stderr}"
    );
}

/// The example fleet, with mirrors in one registry.
fn example(host: &str) -> Session {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("projects.yaml")).expect("the example");
    let text = text.replacen(
        "platform:\n",
        &format!("platform:\n  {}\n", mirrors(host)),
        1,
    );
    Session::with(&text)
}

#[test]
fn the_example_fleet_can_be_pinned() {
    let registry = Registry::start();
    let session = example(&registry.host());
    let images = images(&session, &registry.host());
    let digests: BTreeMap<String, String> = images
        .into_iter()
        .map(|image| (image.clone(), registry.push(&image, &image)))
        .collect();
    session.tenantry(&["images", "pin"]).status(0);
    check_pinned(&session, &registry.host(), &digests);
}

#[test]
fn a_real_registry() {
    let Some(registry) = Program::start() else {
        eprintln!("SKIPPED: neither `registry` nor `docker-registry` is on PATH");
        return;
    };
    let session = example(&registry.host());
    let images = images(&session, &registry.host());
    let mut digests: BTreeMap<String, String> = images
        .into_iter()
        .map(|image| (image.clone(), registry.push(&image, &image)))
        .collect();
    session.tenantry(&["images", "pin"]).status(0);
    check_pinned(&session, &registry.host(), &digests);
    session.tenantry(&["images", "verify"]).status(0);
    let image = "hub/library/mariadb:11.4";
    let new = registry.push(image, "rebuilt");
    let (_, stderr) = session.tenantry(&["images", "verify"]).status(0);
    assert!(
        stderr.contains(&new) && stderr.contains(&digests[image]),
        "{stderr}"
    );
    session
        .tenantry(&["images", "pin", "--update", "-q"])
        .status(0);
    digests.insert(image.to_owned(), new);
    check_pinned(&session, &registry.host(), &digests);
}

/// Everything but this machine is asked over HTTPS, and through the proxy of the environment.
#[test]
fn other_machines_are_asked_over_https() {
    let proxy = Registry::start();
    let session = Session::with(&fleet(&mirrors("registry.invalid")));
    let address = format!("http://{}", proxy.host());
    let (_, stderr) = session
        .tenantry(&["images", "pin"])
        .env("HTTPS_PROXY", &address)
        .status(5);
    assert!(
        stderr.contains("error[image-unresolved]: `registry.invalid` gives no digest for"),
        "{stderr}"
    );
    let log = proxy.shelf.lock().expect("no thread panics").log.clone();
    assert!(!log.is_empty());
    assert!(
        log.iter()
            .all(|line| line == "CONNECT registry.invalid:443"),
        "{log:?}"
    );
}

#[test]
fn certificates_are_checked() {
    let host = "registry.invalid";
    let Some(certificate) = Certificate::make(host) else {
        eprintln!("SKIPPED: `openssl` is not on PATH");
        return;
    };
    let Some(registry) = Program::start_with(Some(&certificate)) else {
        eprintln!("SKIPPED: neither `registry` nor `docker-registry` is on PATH");
        return;
    };
    let proxy = Registry::start();
    proxy.shelf.lock().expect("no thread panics").tunnel = Some(registry.port);
    let session = Session::with(&fleet(&mirrors(host)));
    let address = format!("http://{}", proxy.host());
    let pin = || {
        session
            .tenantry(&["images", "pin"])
            .env("HTTPS_PROXY", &address)
    };
    let (_, stderr) = pin().status(5);
    assert!(stderr.contains("gives no digest for"), "{stderr}");
    assert!(stderr.contains("certificate"), "{stderr}");
    // Whoever knows the authority gets an answer: there is no such image.
    let (_, stderr) = pin().env("SSL_CERT_FILE", &certificate.path()).status(5);
    assert!(
        stderr.contains(
            "`registry.invalid` has no image `registry.invalid/ghcr/kubeflow/kfp-driver:2.17.0`"
        ),
        "{stderr}"
    );
}
