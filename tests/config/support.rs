//! What the tests of `projects.yaml` share: bases to refer to, and diagnostics as text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tenantry::config;
use tenantry::diagnostic::{Diagnostic, Diagnostics};
use tenantry::model::{self, Available, BaseFacts, Model};
use tenantry::source::Sources;

/// Two bases, of which the older one can do less.
pub fn available() -> Available {
    let set = |names: &[&str]| -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    };
    let facts = |features: &[&str]| BaseFacts {
        features: set(features),
        service_accounts: set(&["ml-pipeline", "ml-pipeline-ui", "pipeline-runner", "argo"]),
        controller_config_keys: set(&[
            "artifactRepository",
            "executor",
            "parallelism",
            "workflowDefaults",
        ]),
        engines: std::collections::BTreeMap::new(),
    };
    Available {
        bases: [
            ("kfp-2.15.0".to_owned(), facts(&[])),
            (
                "kfp-2.17.0".to_owned(),
                facts(&[
                    "workloadIdentity",
                    "taskCaConfigMap",
                    "restrictedPods",
                    "clusterDomain",
                ]),
            ),
        ]
        .into(),
    }
}

/// Loads a file and returns the model, if any, and everything that was found.
pub fn load(bytes: Vec<u8>) -> (Option<Model>, Vec<Diagnostic>, Sources) {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let model = config::decode("projects.yaml", bytes, &mut sources, &mut diagnostics)
        .and_then(|file| model::load(&sources, file, &available(), &mut diagnostics))
        .ok();
    (model, diagnostics.into_sorted(), sources)
}

/// Writes findings one a line: severity, code, place, message, and behind `|` label, related places and hints.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let place = diagnostic.span.map_or_else(
                || "-".to_owned(),
                |span| {
                    let (line, column) = sources.line_column(span.file, span.start);
                    let (end_line, end_column) = sources.line_column(span.file, span.end);
                    if line == end_line {
                        format!("{line}:{column}-{end_column}")
                    } else {
                        format!("{line}:{column}-{end_line}:{end_column}")
                    }
                },
            );
            let mut line = format!(
                "{}[{}] {place} {}",
                diagnostic.severity.as_str(),
                diagnostic.code.as_str(),
                diagnostic.message
            );
            if let Some(label) = &diagnostic.label {
                line.push_str(&format!(" | {label}"));
            }
            for (span, label) in &diagnostic.related {
                let (at, column) = sources.line_column(span.file, span.start);
                line.push_str(&format!(" | {at}:{column} {label}"));
            }
            for hint in &diagnostic.hints {
                line.push_str(&format!(" | hint: {hint}"));
            }
            if let Some(project) = &diagnostic.project {
                line.push_str(&format!(" | project {project}"));
            }
            line
        })
        .collect()
}

/// Returns the files with an extension in a directory below `tests`, sorted.
pub fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(directory);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("reading {}: {error}", root.display()))
        .map(|entry| entry.expect("a directory can be listed").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// Tells whether expected texts are to be written anew.
pub fn overwrite() -> bool {
    std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite")
}

/// Compares what is found in each file with the comments that it begins with.
pub fn check_annotations(files: &[PathBuf], find: impl Fn(Vec<u8>) -> Vec<String>) {
    let mut failures = Vec::new();
    for path in files {
        let bytes = std::fs::read(path).expect("a test file can be read");
        let (expected, body) = split(&bytes);
        if overwrite() {
            std::fs::write(path, annotate(body, &find)).expect("a test file can be written");
            continue;
        }
        let found = find(bytes.clone());
        if found != expected {
            failures.push(format!(
                "{}\n  expected:\n    {}\n  found:\n    {}",
                path.display(),
                expected.join("\n    "),
                found.join("\n    ")
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Splits a file into the comments that say what is expected and the rest.
fn split(bytes: &[u8]) -> (Vec<String>, &[u8]) {
    let mut expected = Vec::new();
    let mut rest = bytes;
    while rest.starts_with(b"# error[") || rest.starts_with(b"# warning[") {
        let end = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(rest.len(), |at| at + 1);
        expected.push(String::from_utf8_lossy(&rest[2..end]).trim_end().to_owned());
        rest = &rest[end..];
    }
    (expected, rest)
}

/// Puts what is found before the file, whose lines move down by as many lines.
fn annotate(body: &[u8], find: impl Fn(Vec<u8>) -> Vec<String>) -> Vec<u8> {
    let with = |lines: &[String]| {
        let mut bytes: Vec<u8> = lines
            .iter()
            .flat_map(|line| format!("# {line}\n").into_bytes())
            .collect();
        bytes.extend_from_slice(body);
        bytes
    };
    let count = find(body.to_vec()).len();
    let found = find(with(&vec!["error[".to_owned(); count]));
    assert_eq!(found.len(), count, "comments change what is found");
    with(&found)
}
