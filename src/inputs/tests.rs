//! What is read, and what is refused.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

/// Writes files, loads the inputs, and compares what was read or found.
fn check(files: &[(&str, &[u8])], links: &[(&str, &str)], expect: &[&str]) {
    let root = tempfile::tempdir().expect("a directory");
    for (path, bytes) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, bytes).expect("a file");
    }
    for (target, link) in links {
        symlink(target, root.path().join(link)).expect("a link");
    }
    let (lines, _) = load(root.path());
    assert_eq!(lines, expect);
}

fn load(root: &Path) -> (Vec<String>, Option<(Inputs, Sources)>) {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    match Inputs::load(root, &mut sources, &mut diagnostics) {
        Ok(inputs) => {
            let paths = inputs.bases.keys().cloned().collect();
            (paths, Some((inputs, sources)))
        }
        Err(Failure::Rejected) => (found(diagnostics), None),
        Err(Failure::Environment(error)) => (vec![format!("{error:#}")], None),
    }
}

fn found(diagnostics: Diagnostics) -> Vec<String> {
    let findings = diagnostics.into_sorted().into_iter();
    findings
        .map(|finding| format!("{}: {}", finding.code.as_str(), finding.message))
        .collect()
}

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn a_whole_repository() {
    let lock = format!("{EMPTY}  a/base.yaml\n{EMPTY}  a/manifests/ui.yaml\n");
    check(
        &[
            ("projects.yaml", b"version: 1\n"),
            ("base/base.lock", lock.as_bytes()),
            ("base/a/base.yaml", b""),
            ("base/a/manifests/ui.yaml", b""),
        ],
        &[],
        &["a/base.yaml", "a/manifests/ui.yaml"],
    );
}

#[test]
fn what_is_missing() {
    check(&[], &[], &["file-not-found: there is no `projects.yaml`"]);
    check(&[("projects.yaml", b"")], &[], &[]);
    check(
        &[("projects.yaml", b""), ("base/a/base.yaml", b"")],
        &[],
        &["base-lock-mismatch: there is no `base/base.lock`"],
    );
}

#[test]
fn all_errors_at_once() {
    check(
        &[
            ("projects.yaml", b"a: \xff\n"),
            ("base/base.lock", b"nonsense\n"),
            ("base/a/base.yaml", b"\xff\xfea\0"),
            ("elsewhere/x.yaml", b""),
        ],
        &[
            ("../elsewhere", "base/b"),
            ("../elsewhere/x.yaml", "base/c.yaml"),
        ],
        &[
            "unsafe-path: `base/b` is a symbolic link",
            "unsafe-path: `base/c.yaml` is a symbolic link",
            "invalid-utf8: `projects.yaml` is not UTF-8 at byte 3",
            "invalid-utf8: `base/a/base.yaml` is not UTF-8 at byte 0",
            "base-lock-mismatch: a line of the lock cannot be read",
        ],
    );
}

#[test]
fn links_are_refused_and_directories_are_no_files() {
    check(
        &[("other.yaml", b"")],
        &[("other.yaml", "projects.yaml"), ("/etc", "base")],
        &[
            "unsafe-path: `base` is a symbolic link",
            "unsafe-path: `projects.yaml` is a symbolic link",
        ],
    );
    check(
        &[("projects.yaml/x", b""), ("base", b"")],
        &[],
        &[
            "unsafe-path: `base` is not a regular file",
            "unsafe-path: `projects.yaml` is not a regular file",
        ],
    );
}

#[test]
fn a_file_that_is_too_large() {
    let root = tempfile::tempdir().expect("a directory");
    let file = fs::File::create(root.path().join("projects.yaml")).expect("a file");
    file.set_len(PROJECTS_LIMIT).expect("a length");
    assert_eq!(load(root.path()).0, [""; 0]);
    file.set_len(PROJECTS_LIMIT + 1).expect("a length");
    assert_eq!(
        load(root.path()).0,
        ["input-too-large: `projects.yaml` is larger than 64 MiB"]
    );
}

#[test]
fn files_that_are_named() {
    let root = tempfile::tempdir().expect("a directory");
    fs::write(root.path().join("projects.yaml"), "extra").expect("a file");
    fs::create_dir(root.path().join("extra")).expect("a directory");
    fs::write(root.path().join("extra/quota.yaml"), "q").expect("a file");
    symlink("quota.yaml", root.path().join("extra/link.yaml")).expect("a link");
    symlink("extra", root.path().join("link")).expect("a link");
    let (_, loaded) = load(root.path());
    let (inputs, mut sources) = loaded.expect("it loads");
    let span = Span {
        file: inputs.projects,
        start: 0,
        end: 5,
    };
    let mut read = |path: &str| {
        let mut diagnostics = Diagnostics::default();
        let paths = [(path.to_owned(), span), (path.to_owned(), span)];
        match inputs.read(&paths, &mut sources, &mut diagnostics) {
            Ok(files) => files
                .values()
                .map(|file| sources.get(*file).text.clone())
                .collect(),
            Err(Failure::Rejected) => found(diagnostics),
            Err(Failure::Environment(error)) => vec![format!("{error:#}")],
        }
    };
    assert_eq!(read("extra/quota.yaml"), ["q"]);
    assert_eq!(read("./extra/quota.yaml"), ["q"]);
    for path in [
        "../x",
        "/etc/passwd",
        "extra/../projects.yaml",
        "",
        ".",
        "extra/",
        "a\0b",
    ] {
        let expect = format!("unsafe-path: `{path}` is not a path of a file below the root");
        assert_eq!(read(path), [expect]);
    }
    assert_eq!(
        read("extra/quotas.yaml"),
        ["file-not-found: there is no `extra/quotas.yaml`"]
    );
    assert_eq!(
        read("extras/quota.yaml"),
        ["file-not-found: there is no `extras/quota.yaml`"]
    );
    assert_eq!(
        read("extra"),
        ["unsafe-path: `extra` is not a regular file"]
    );
    assert_eq!(
        read("link/quota.yaml"),
        ["unsafe-path: `link` is a symbolic link"]
    );
    assert_eq!(
        read("extra/link.yaml"),
        ["unsafe-path: `extra/link.yaml` is a symbolic link"]
    );
}

#[test]
fn the_root_is_the_nearest_directory_upwards() {
    let root = tempfile::tempdir().expect("a directory");
    let deep = root.path().join("a/b/c");
    fs::create_dir_all(&deep).expect("a directory");
    fs::write(root.path().join("projects.yaml"), "").expect("a file");
    assert_eq!(find_root(&deep), Some(root.path().to_owned()));
    fs::write(root.path().join("a/projects.yaml"), "").expect("a file");
    assert_eq!(find_root(&deep), Some(root.path().join("a")));
}
