//! DataSciencePipelinesApplications of Open Data Hub become entries of `projects.yaml`.
//!
//! Takes manifests and gives a `projects:` list as text. What has no counterpart becomes a warning at its place, with
//! what to do instead; [`fields`] says what becomes of each field. Carries over configuration, and knows nothing of data.

mod convert;
mod fields;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, LoadOptions, Marks};

use convert::Application;

/// Group of the kind.
const GROUP: &str = "datasciencepipelinesapplications.opendatahub.io";
/// The kind.
const KIND: &str = "DataSciencePipelinesApplication";
/// Its versions.
const VERSIONS: [&str; 2] = ["v1", "v1alpha1"];

/// Converts the applications in some files to a `projects:` list.
///
/// Errors: the codes of the loader; `invalid-manifest` for a document that is no object and for files without any
/// application; `wrong-type` for a field of another type than the kind has.
/// Warnings: `not-carried-over`.
pub fn import(
    files: &[FileId],
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Result<String, Rejected> {
    let mut found = Diagnostics::default();
    let mut projects: Vec<Map<String, Value>> = Vec::new();
    for file in files {
        read(*file, sources, &mut projects, &mut found);
    }
    if projects.is_empty() && !found.has_errors() {
        let mut finding = Diagnostic::error(
            Code::InvalidManifest,
            format!("there is no `{KIND}` to import"),
        )
        .hint(format!(
            "write them to a file with `oc get dspa --all-namespaces --output yaml`; the group is `{GROUP}`"
        ));
        finding.path = files.first().map(|file| sources.get(*file).path.clone());
        found.push(finding);
    }
    let rejected = found.has_errors();
    diagnostics.extend(found);
    if rejected {
        return Err(Rejected);
    }
    name_apart(&mut projects);
    let list: Vec<Value> = projects.into_iter().map(Value::Object).collect();
    let mut text = String::new();
    yaml::emit(&serde_json::json!({ "projects": list }), &mut text);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn read(
    file: FileId,
    sources: &Sources,
    projects: &mut Vec<Map<String, Value>>,
    found: &mut Diagnostics,
) {
    let options = LoadOptions {
        marks: true,
        ..LoadOptions::default()
    };
    let documents = match yaml::load(&sources.get(file).text, &options) {
        Ok(documents) => documents,
        Err(error) => {
            found.push(error.to_diagnostic(file));
            return;
        }
    };
    for document in documents {
        let is_list = document
            .value
            .get("kind")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind == "List" || kind == format!("{KIND}List"));
        match document.value.get("items") {
            Some(Value::Array(items)) if is_list => {
                for (index, item) in items.iter().enumerate() {
                    let place = Places {
                        file,
                        marks: &document.marks,
                        prefix: format!("/items/{index}"),
                    };
                    projects.extend(convert(item, place, found));
                }
            }
            _ => {
                let place = Places {
                    file,
                    marks: &document.marks,
                    prefix: String::new(),
                };
                projects.extend(convert(&document.value, place, found));
            }
        }
    }
}

/// Converts one object, when it is an application.
fn convert(
    body: &Value,
    places: Places<'_>,
    found: &mut Diagnostics,
) -> Option<Map<String, Value>> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or("");
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if api_version.is_empty() || kind.is_empty() {
        found.push(
            Diagnostic::error(
                Code::InvalidManifest,
                "this document has no `apiVersion` and `kind`",
            )
            .at(places.span("")),
        );
        return None;
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if group != GROUP || kind != KIND {
        found.push(
            Diagnostic::warning(
                Code::NotCarriedOver,
                format!("a `{kind}` of `{api_version}` is no `{KIND}`, and is left out"),
            )
            .at(places.span("/kind"))
            .hint("what a project needs besides its stack goes into its `extraManifests`"),
        );
        return None;
    }
    if !VERSIONS.contains(&version) {
        found.push(
            Diagnostic::error(
                Code::InvalidValue,
                format!("`{version}` is no version of `{KIND}` that is known here"),
            )
            .at(places.span("/apiVersion"))
            .hint(format!("the versions are {}", VERSIONS.join(" and "))),
        );
        return None;
    }
    Application::new(body, version, places, found).convert()
}

/// Gives each project a name of its own: applications of several namespaces often share theirs.
fn name_apart(projects: &mut [Map<String, Value>]) {
    let text = |project: &Map<String, Value>, key: &str| {
        project.get(key).and_then(Value::as_str).map(str::to_owned)
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for project in projects.iter() {
        *counts
            .entry(text(project, "name").unwrap_or_default())
            .or_default() += 1;
    }
    for project in projects {
        let name = text(project, "name").unwrap_or_default();
        if counts.get(&name).is_some_and(|count| *count > 1)
            && let Some(namespace) = text(project, "namespace")
        {
            project.insert("name".to_owned(), Value::from(namespace));
        }
    }
}

/// Where the fields of one object stand.
struct Places<'a> {
    file: FileId,
    marks: &'a Marks,
    /// Pointer of the object in its document.
    prefix: String,
}

impl Places<'_> {
    /// Returns the place of a field, by its pointer in the object; of the nearest one around it when it is not written.
    fn span(&self, pointer: &str) -> Span {
        let pointer = format!("{}{pointer}", self.prefix);
        let range = self
            .marks
            .key(&pointer)
            .or_else(|| self.marks.nearest(&pointer))
            .unwrap_or(0..0);
        let range = if pointer.is_empty() {
            range.start..range.start
        } else {
            range
        };
        Span {
            file: self.file,
            start: range.start,
            end: range.end,
        }
    }
}
