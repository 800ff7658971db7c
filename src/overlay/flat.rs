//! Reads a directory of the kustomize form back, as the objects that are applied.
//!
//! Takes the files of the directory, and those of the bases that it names through a callback. Knows nothing of where
//! they come from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::KUSTOMIZATION;
use crate::diagnostic::{Diagnostics, Severity};
use crate::kustomize::{Options, Stop, Tree, flatten};
use crate::object::Object;
use crate::source::Sources;
use crate::yaml::{self, LoadOptions};

/// Label with the file that an object stands in, in the plain form.
const COMPONENT: &str = "app.kubernetes.io/component";

/// Files of one directory, by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Returns the objects that a kustomization builds; the inner error says why it cannot be built.
///
/// `path` is its directory below the tree; `other` gives the files of another directory, none when there is none.
/// Errors: those of `other`.
pub fn objects<E>(
    path: &str,
    files: &Files,
    mut other: impl FnMut(&str) -> Result<Files, E>,
) -> Result<Result<Vec<Object>, String>, E> {
    let mut tree = Tree::new("");
    let mut seen = BTreeSet::from([path.to_owned()]);
    let mut ahead = vec![(path.to_owned(), files.clone())];
    while let Some((directory, files)) = ahead.pop() {
        let bases = files.get(KUSTOMIZATION).map(|text| bases(text, &files));
        for base in bases.into_iter().flatten() {
            let Some(base) = joined(&directory, &base) else {
                continue;
            };
            if seen.insert(base.clone()) {
                let files = other(&base)?;
                ahead.push((base, files));
            }
        }
        for (name, bytes) in files {
            if let Err(error) = tree.add_file(&format!("{directory}/{name}"), bytes) {
                return Ok(Err(error.to_string()));
            }
        }
    }
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let flat = flatten(
        &Arc::new(tree),
        path,
        &Options::default(),
        &mut sources,
        &mut diagnostics,
        &mut |remote| Err(anyhow::anyhow!("`{remote}` is not part of the tree")),
    );
    Ok(match flat {
        Ok(flat) => {
            let bodies = flat.objects.into_iter().map(|object| object.body);
            Ok(bodies.map(object).collect())
        }
        Err(Stop::Fetch(error)) => Err(format!("{error:#}")),
        Err(Stop::Rejected) => Err(reasons(diagnostics, &sources)),
    })
}

/// Returns the entries of `resources` that are no files of the directory.
fn bases(text: &[u8], files: &Files) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let documents = yaml::load(&text, &LoadOptions::default()).unwrap_or_default();
    let entries = documents
        .iter()
        .filter_map(|document| document.value.get("resources")?.as_array())
        .flatten()
        .filter_map(Value::as_str);
    entries
        .filter(|entry| !files.contains_key(*entry))
        .map(str::to_owned)
        .collect()
}

/// Returns a path that is written in a file of a directory; `None` when it leaves the tree or is not below anything.
fn joined(directory: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = directory.split('/').collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn object(body: Value) -> Object {
    let labels = body.pointer("/metadata/labels");
    let file = labels
        .and_then(|labels| labels.get(COMPONENT)?.as_str())
        .unwrap_or("extra")
        .to_owned();
    Object { body, file }
}

fn reasons(diagnostics: Diagnostics, sources: &Sources) -> String {
    let errors = diagnostics.into_sorted().into_iter();
    let errors = errors.filter(|found| found.severity == Severity::Error);
    let lines: Vec<String> = errors
        .map(|found| match found.span {
            Some(span) => {
                let (line, _) = sources.line_column(span.file, span.start);
                format!("{}:{line}: {}", sources.get(span.file).path, found.message)
            }
            None => found.message,
        })
        .collect();
    lines.join("; ")
}
