//! Files that must be rejected: `tests/invalid/<what-is-wrong>.yaml`, each with all that is found as its first lines.
//!
//! `SNAPSHOTS=overwrite cargo test --test config` writes these lines anew; read the difference before committing.

use tenantry::config;
use tenantry::diagnostic::{Code, Diagnostics};
use tenantry::source::Sources;

use crate::support;

fn find(bytes: Vec<u8>) -> Vec<String> {
    let (model, diagnostics, sources) = support::load(bytes);
    assert!(model.is_none(), "the file is accepted");
    support::render(&diagnostics, &sources)
}

#[test]
fn invalid_files_are_rejected_with_all_that_is_wrong() {
    let files = support::files("invalid", "yaml");
    assert!(files.len() >= 150, "only {} files", files.len());
    support::check_annotations(&files, find);
}

/// Checks what is said of bytes: the code and the 1-based place, or `None` when they are text.
fn check_bytes(bytes: &[u8], expect: Option<(usize, usize, &str)>) {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let decoded = config::decode(
        "projects.yaml",
        bytes.to_vec(),
        &mut sources,
        &mut diagnostics,
    );
    let found = diagnostics.iter().next().map(|diagnostic| {
        assert_eq!(diagnostic.code, Code::InvalidUtf8);
        let span = diagnostic.span.expect("the byte has a place");
        let (line, column) = sources.line_column(span.file, span.start);
        (line, column, diagnostic.message.as_str())
    });
    assert_eq!(found, expect, "{bytes:?}");
    assert_eq!(decoded.is_ok(), expect.is_none());
}

#[test]
fn bytes_that_are_no_text() {
    check_bytes(b"version: 1\n", None);
    check_bytes(b"\xef\xbb\xbfversion: 1\n", None);
    check_bytes(b"", None);
    check_bytes(
        b"a: 1\nb: \xff\n",
        Some((2, 4, "byte `0xff` in `projects.yaml` is not UTF-8")),
    );
    check_bytes(
        b"a: \xc3",
        Some((1, 4, "byte `0xc3` in `projects.yaml` is not UTF-8")),
    );
    check_bytes(
        b"\xff\xfev\0e\0r\0",
        Some((1, 1, "`projects.yaml` is UTF-16, not UTF-8")),
    );
    check_bytes(
        b"\xfe\xff\0v\0e",
        Some((1, 1, "`projects.yaml` is UTF-16, not UTF-8")),
    );
}

#[test]
fn a_byte_order_mark_moves_nothing() {
    let (model, diagnostics, sources) = support::load(b"\xef\xbb\xbfversion: 2\n".to_vec());
    assert!(model.is_none());
    let found = support::render(&diagnostics, &sources);
    assert!(
        found
            .iter()
            .any(|line| line.starts_with("error[unsupported-version] 1:10-11 ")),
        "{found:?}"
    );
}

#[test]
fn too_many_bytes_are_refused_unread() {
    let mut bytes = b"version: 1\n".to_vec();
    bytes.resize(65 << 20, b'#');
    let (_, diagnostics, _) = support::load(bytes);
    let codes: Vec<Code> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect();
    assert_eq!(codes, [Code::InputTooLarge]);
}
