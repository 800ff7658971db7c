//! What the fuzz targets do with their bytes: included by the targets themselves and by `tests/fuzz_seeds.rs`, which replays the seeds.
//!
//! Each takes any bytes and panics when something is wrong; an error that is reported is as good as a result.

use std::collections::BTreeMap;
use std::path::Path;

use tenantry::compile::{BaseFiles, Compilation};
use tenantry::config;
use tenantry::diagnostic::Diagnostics;
use tenantry::git::Repository;
use tenantry::object::Object;
use tenantry::patch::{Operation, Patch, Target, apply};
use tenantry::source::Sources;
use tenantry::tree::{Checker, Form, Location, RenderedDirectory, Scope};
use tenantry::yaml::{self, LoadOptions};

/// Reads `projects.yaml`: syntax, shape, layers, meaning. No base is there, so that each run is short.
pub fn projects(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let length = text.len();
    let mut sources = Sources::default();
    let file = sources.add("projects.yaml", text);
    let mut shape = Diagnostics::default();
    let read = config::parse(&sources, file, &mut shape);
    assert!(
        read.is_ok() || shape.has_errors(),
        "rejected without a reason"
    );
    let mut found = Diagnostics::default();
    let loaded = Compilation::load(
        file,
        &BaseFiles::new(),
        &mut sources,
        &mut found,
        |_, _, _| Ok(BTreeMap::new()),
    );
    assert!(
        loaded.is_ok() || found.has_errors(),
        "rejected without a reason"
    );
    for diagnostic in found.into_sorted() {
        if let Some(span) = diagnostic.span {
            assert!(
                span.start <= span.end && span.end <= length,
                "{diagnostic:?} lies outside"
            );
        }
    }
}

/// Reads manifests, writes them and reads them again.
pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let plain = LoadOptions::default();
    let with_marks = LoadOptions {
        marks: true,
        ..LoadOptions::default()
    };
    let (documents, marked) = (yaml::load(text, &plain), yaml::load(text, &with_marks));
    let values = |read: Result<Vec<yaml::Document>, yaml::LoadError>| {
        read.map(|documents| {
            documents
                .into_iter()
                .map(|document| document.value)
                .collect::<Vec<_>>()
        })
    };
    let (values, marked) = (values(documents), values(marked));
    assert_eq!(values, marked, "marks change what is read");
    let Ok(values) = values else { return };
    let mut written = String::new();
    yaml::emit_documents(&values, &mut written);
    let again = yaml::load(&written, &plain).expect("what was written can be read");
    let again: Vec<_> = again.into_iter().map(|document| document.value).collect();
    // An empty document is left out in either direction.
    let said: Vec<_> = values
        .into_iter()
        .filter(|value| !value.is_null())
        .collect();
    let again: Vec<_> = again.into_iter().filter(|value| !value.is_null()).collect();
    assert_eq!(said, again, "{written}");
}

/// The objects that patches are tried on.
const OBJECTS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {app: a}}
data: {k: v}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      containers:
      - {name: c, image: i, args: [x, y], ports: [{containerPort: 80}], env: [{name: A, value: b}]}
      - {name: d, image: i}
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {ports: [{port: 80}, {port: 80, protocol: UDP}]}
";

/// Reads a patch, with its target or without, and applies it; on an error, the objects are as before.
pub fn patch(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(document) = yaml::load_one(text, &LoadOptions::default()) else {
        return;
    };
    let (target, operation) = match document.value.get("patch") {
        Some(operation) => (document.value.get("target").cloned(), operation.clone()),
        None => (None, document.value),
    };
    let Ok(target) = target.as_ref().map(Target::parse).transpose() else {
        return;
    };
    let Ok(operation) = Operation::from_value(operation) else {
        return;
    };
    let before: Vec<Object> = yaml::load(OBJECTS, &LoadOptions::default())
        .expect("our own text")
        .into_iter()
        .map(|document| Object {
            body: document.value,
            file: "extra".to_owned(),
        })
        .collect();
    let mut after = before.clone();
    match apply(&Patch { target, operation }, &mut after) {
        Ok(applied) => {
            let said = !(applied.changed.is_empty() && applied.removed.is_empty());
            assert_eq!(said, after != before, "{applied:?}");
        }
        Err(_) => assert_eq!(after, before, "an error has left a change"),
    }
}

/// Reads the index of a tree, and asks what differs.
pub fn index(data: &[u8]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("index.json"), data).expect("a file");
    let rendered = RenderedDirectory {
        path: "in-cluster/a".to_owned(),
        project: Some("a".to_owned()),
        base: None,
        state: "active".to_owned(),
        files: BTreeMap::from([("ui.yaml".to_owned(), b"a: b\n".to_vec())]),
    };
    let location = Location::at(directory.path());
    let Ok(checker) = Checker::open(&location, Scope::All, Form::Plain) else {
        return;
    };
    if checker.put(&rendered).is_ok() {
        let differing = checker.finish();
        assert!(
            differing.is_err() || differing.is_ok_and(|paths| !paths.is_empty()),
            "nothing is there"
        );
    }
}

/// Reads a Git tree object, whatever it says, and what it leads to.
///
/// The bytes are the content of the object; a commit without parents leads to it.
pub fn revision(data: &[u8]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let top = directory.path();
    let write = |path: &Path, bytes: &[u8]| {
        let path = top.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, bytes).expect("a file");
    };
    write(Path::new("HEAD"), b"ref: refs/heads/main\n");
    write(
        Path::new("config"),
        b"[core]\n\tbare = true\n\trepositoryformatversion = 0\n",
    );
    let tree = object("tree", data);
    write(&tree.1, &tree.2);
    // Something that entries may lead to: the empty file and the empty tree.
    for (kind, content) in [("blob", &b""[..]), ("tree", b"")] {
        let (_, path, bytes) = object(kind, content);
        write(&path, &bytes);
    }
    let text = format!(
        "tree {}\nauthor A <a@b> 0 +0000\ncommitter A <a@b> 0 +0000\n\nx\n",
        tree.0
    );
    let commit = object("commit", text.as_bytes());
    write(&commit.1, &commit.2);
    write(
        Path::new("refs/heads/main"),
        format!("{}\n", commit.0).as_bytes(),
    );
    let repository = Repository::open(top).expect("a repository");
    for below in ["", "overlays", "overlays/in-cluster"] {
        let Ok(Some(reader)) = repository.read("main", below) else {
            continue;
        };
        for (path, _) in reader.directories() {
            assert!(reader.files_in(&path).count() <= reader.files().count());
        }
        for file in reader.files() {
            let _found_or_told = reader.content(&file);
        }
    }
}

/// Returns a loose object: id, path below the repository, bytes.
fn object(kind: &str, content: &[u8]) -> (String, std::path::PathBuf, Vec<u8>) {
    use sha1::Digest as _;
    use std::io::Write as _;

    let mut whole = format!("{kind} {}\0", content.len()).into_bytes();
    whole.extend_from_slice(content);
    let id: String = sha1::Sha1::digest(&whole)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    deflated
        .write_all(&whole)
        .expect("a vector takes everything");
    let path = Path::new("objects").join(&id[..2]).join(&id[2..]);
    (
        id,
        path,
        deflated.finish().expect("a vector takes everything"),
    )
}
