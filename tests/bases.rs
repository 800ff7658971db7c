//! The shipped bases load; `base/`, the copies in the binary and `base/base.lock` are the same.
//!
//! `SNAPSHOTS=overwrite cargo test --test bases` rewrites `base/base.lock` after a base was changed on purpose.

use std::collections::BTreeMap;
use std::path::Path;

use tenantry::base::{Base, embedded, lock};
use tenantry::diagnostic::Diagnostics;
use tenantry::source::Sources;

/// Returns the files below `base/`, `base.lock` included.
fn on_disk() -> BTreeMap<String, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("base");
    walkdir::WalkDir::new(&root)
        .into_iter()
        .map(|entry| entry.expect("`base/` can be listed"))
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let below = entry
                .path()
                .strip_prefix(&root)
                .expect("the walk stays below its root");
            let path = below
                .to_str()
                .expect("the paths of our own bases are UTF-8")
                .to_owned();
            (
                path,
                std::fs::read(entry.path()).expect("a file of a base can be read"),
            )
        })
        .collect()
}

#[test]
fn the_lock_is_current() {
    let files = on_disk();
    let lock = lock::Lock::compute(
        files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice())),
    );
    let found = files
        .get(lock::FILE)
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let expect = lock.to_string();
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        if found.as_deref() != Some(&expect) {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("base")
                .join(lock::FILE);
            std::fs::write(path, expect).expect("the lock can be written");
        }
        return;
    }
    assert_eq!(
        found.unwrap_or_default(),
        expect,
        "after a change on purpose: SNAPSHOTS=overwrite cargo test --test bases"
    );
}

#[test]
fn the_binary_holds_the_same_files() {
    let on_disk = on_disk();
    let embedded = embedded::files();
    let paths: Vec<&str> = embedded.keys().copied().collect();
    let expect: Vec<&str> = on_disk.keys().map(String::as_str).collect();
    assert_eq!(paths, expect);
    for (path, bytes) in on_disk {
        assert!(
            embedded[path.as_str()] == bytes,
            "base/{path} differs from the embedded copy"
        );
    }
}

/// Returns the files of one base as text, by path below its directory.
fn texts(name: &str) -> BTreeMap<String, String> {
    let prefix = format!("{name}/");
    on_disk()
        .into_iter()
        .filter_map(|(path, bytes)| {
            let path = path.strip_prefix(&prefix)?.to_owned();
            Some((path, String::from_utf8(bytes).expect("bases are text")))
        })
        .collect()
}

#[test]
fn bases_load_without_findings() {
    for name in ["kfp-2.15.0", "kfp-2.17.0"] {
        let mut sources = Sources::default();
        let mut diagnostics = Diagnostics::default();
        let files = texts(name)
            .into_iter()
            .map(|(path, text)| {
                let file = sources.add(format!("base/{name}/{path}"), text);
                (path, file)
            })
            .collect();
        let base = Base::load(name, &files, &sources, &mut diagnostics);
        let found: Vec<String> = diagnostics
            .into_sorted()
            .into_iter()
            .map(|d| {
                let place = d.span.map(|span| {
                    let (line, column) = sources.line_column(span.file, span.start);
                    format!("{}:{line}:{column}", sources.get(span.file).path)
                });
                format!("{place:?} {:?} {}", d.path, d.message)
            })
            .collect();
        assert_eq!(found, Vec::<String>::new());
        assert!(base.is_ok());
    }
}
