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
    };
    Available {
        bases: [
            ("kfp-2.15.0".to_owned(), facts(&[])),
            (
                "kfp-2.17.0".to_owned(),
                facts(&["workloadIdentity", "taskCaConfigMap", "clusterDomain"]),
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

/// Returns the files of a directory below `tests`, sorted.
pub fn files(directory: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(directory);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("reading {}: {error}", root.display()))
        .map(|entry| entry.expect("a directory can be listed").path())
        .collect();
    files.sort();
    files
}

/// Tells whether expected texts are to be written anew.
pub fn overwrite() -> bool {
    std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite")
}
