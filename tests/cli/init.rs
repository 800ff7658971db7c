//! `init`.

use tenantry::base::embedded;

use super::session::Session;

const MADE: &str = "\
made projects.yaml
made projects.schema.json
made .gitattributes
made .github/workflows/tenantry.yml
made base/
";

#[test]
fn a_new_repository_works() {
    let session = Session::new();
    session
        .tenantry(&["init"])
        .stdout("")
        .stderr(MADE)
        .status(0);
    session
        .tenantry(&["validate"])
        .stdout("")
        .stderr("2 projects valid\n")
        .status(0);
    session
        .tenantry(&["render"])
        .stdout("")
        .stderr("overlays: 3 directories written, 0 removed, 0 unchanged\n")
        .status(0);
    session
        .tenantry(&["render", "--check"])
        .stdout("")
        .status(0);

    let base = session.files("base");
    let embedded = embedded::files();
    assert!(
        base.iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
            .eq(embedded)
    );
    let (schema, _) = session.tenantry(&["schema"]).stderr("").status(0);
    assert_eq!(session.read("projects.schema.json"), schema);
    assert!(
        session
            .read("projects.yaml")
            .starts_with("# yaml-language-server: $schema=./projects.schema.json\n")
    );
}

#[test]
fn what_is_there_stays_as_it_is() {
    let session = Session::new();
    let theirs = [
        (".gitattributes", "theirs"),
        (".github/workflows/other.yml", "theirs"),
        ("base/own/base.yaml", "theirs"),
        ("README.md", "theirs"),
    ];
    for (path, text) in theirs {
        session.write(path, text);
    }
    session
        .tenantry(&["init", "."])
        .stdout("")
        .stderr(
            "\
made projects.yaml
made projects.schema.json
made .github/workflows/tenantry.yml
left .gitattributes as it was
left base/ as it was
",
        )
        .status(0);
    for (path, text) in theirs {
        assert_eq!(session.read(path), text);
    }
    let before = session.files("");
    session
        .tenantry(&["init"])
        .stderr(
            "\
left projects.yaml as it was
left projects.schema.json as it was
left .gitattributes as it was
left .github/workflows/tenantry.yml as it was
left base/ as it was
",
        )
        .status(0);
    assert_eq!(session.files(""), before);
}

#[test]
fn the_directory_is_made() {
    let session = Session::new();
    session
        .tenantry(&["init", "a/b", "--quiet"])
        .stderr("")
        .status(0);
    session
        .tenantry(&["validate", "--root", "a/b", "-q"])
        .stderr("")
        .status(0);
}

#[test]
fn links_are_not_written_through() {
    let session = Session::new();
    session.write("outside/x", "");
    session.write("fleet/x", "");
    for name in [".github", "base", "projects.yaml"] {
        std::os::unix::fs::symlink("../outside", session.path("fleet").join(name)).expect("a link");
    }
    session
        .tenantry(&["init", "fleet"])
        .stderr(
            "\
made projects.schema.json
made .gitattributes
error: writing `.github/workflows/tenantry.yml`: it is a symbolic link
",
        )
        .status(5);
    assert_eq!(session.files("outside").len(), 1);
}

#[test]
fn a_file_in_the_way_is_named() {
    let session = Session::new();
    session.write("file", "");
    session
        .tenantry(&["init", "file/below"])
        .stderr("error: making `file/below`: Not a directory (os error 20)\n")
        .status(5);
}
