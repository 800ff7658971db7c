//! Bases: pinned descriptions of one release of Kubeflow Pipelines, as data.
//!
//! Takes the files of one directory below `base/` and gives parsed manifests, compiled components and the facts of `base.yaml`.
//! The format is described in `docs/bases.md`. Knows Kubernetes objects, templates and patches, and nothing of projects: what a component sees of them is its scope.

mod component;
pub mod embedded;
mod facts;
pub mod lock;
mod members;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::object::Object;
use crate::object::shape::{Misshapen, is_list, misshapen};
use crate::source::{FileId, Sources, Span};
use crate::template::{Compiler, Condition, Node, Place, Scope, TemplateError, Templates};
use crate::trace::{Spot, Trace, Written};
use crate::yaml::{self, LoadOptions, Marks};

pub use facts::{
    AccessFacts, ClusterFiles, Consumer, Facts, Flow, Generated, Guard, Identity, Migration,
    ObjectStoreSecret, Part, PasswordSecret, Service, Workload,
};
pub use members::{MemberRule, MemberRules};

use component::Component;

/// The files that a project's directory may consist of, in the order in which they are applied by hand.
///
/// Source: commands-and-output §3.
pub const FILES: [&str; 15] = [
    "namespace",
    "access",
    "network",
    "secrets",
    "database",
    "object-store",
    "api-server",
    "persistence-agent",
    "scheduled-workflow",
    "workflow-controller",
    "metadata",
    "pipeline-runner",
    "ui",
    "monitoring",
    "extra",
];

/// One base, parsed and ready to be assembled for any number of projects.
#[derive(Debug)]
pub struct Base {
    /// What `base.yaml` says.
    pub facts: Facts,
    /// The objects of `manifests/`, in file order.
    pub manifests: Vec<Object>,
    /// The objects of `cluster/`, by path below it.
    pub cluster: BTreeMap<String, Vec<Object>>,
    components: Vec<Component>,
    /// The conditions of `facts.migrations`, in the same order.
    migrations: Vec<Condition>,
    templates: Templates,
    marks: Places,
    /// Dotted paths that the templates mention.
    paths: BTreeSet<String>,
}

/// Where the nodes of a base's component files stand in their sources.
#[derive(Debug, Default)]
struct Places {
    files: BTreeMap<Arc<str>, (FileId, Vec<Marks>)>,
}

impl Places {
    fn span(&self, place: &Place) -> Option<Span> {
        let (file, documents) = self.files.get(&place.file)?;
        let range = documents.get(place.document)?.nearest(&place.pointer)?;
        Some(Span {
            file: *file,
            start: range.start,
            end: range.end,
        })
    }
}

impl Base {
    /// Parses a base from its files, given by path below the base's directory.
    ///
    /// Errors: `invalid-base`, `invalid-manifest`, `template-error`, `invalid-patch` and the codes of the loader.
    pub fn load(
        name: &str,
        files: &BTreeMap<String, FileId>,
        sources: &Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<Base, Rejected> {
        let facts = facts::read(name, files, sources, diagnostics)?;
        let mut reader = Reader {
            name,
            files,
            sources,
            diagnostics,
            places: Places::default(),
        };
        let mut manifests = Vec::new();
        let mut cluster = BTreeMap::new();
        for (path, file) in files {
            let file = *file;
            if let Some(below) = path.strip_prefix("manifests/") {
                let stem = below.strip_suffix(".yaml").unwrap_or(below);
                if !FILES.contains(&stem) {
                    reader.refuse(
                        path,
                        format!("`{stem}` is not a file of a project's directory"),
                    );
                    continue;
                }
                manifests.extend(read_objects(file, stem, sources, reader.diagnostics));
            } else if let Some(below) = path.strip_prefix("cluster/") {
                let stem = below.rsplit('/').next().unwrap_or(below);
                let stem = stem.strip_suffix(".yaml").unwrap_or(stem);
                let objects = read_objects(file, stem, sources, reader.diagnostics);
                cluster.insert(below.to_owned(), objects);
            }
        }
        let mut compiler = Compiler::default();
        let components = component::load_all(&mut compiler, &mut reader);
        let migrations = reader.migrations(&facts, &mut compiler);
        let places = reader.places;
        let paths = compiler.paths().clone();
        let templates = compiler.finish().unwrap_or_else(|errors| {
            for error in errors {
                diagnostics.push(template_diagnostic(&error, &places));
            }
            Templates::default()
        });
        diagnostics.accept(Base {
            facts,
            manifests,
            cluster,
            components,
            migrations,
            templates,
            marks: places,
            paths,
        })
    }

    /// Returns the declared migrations whose condition holds for a project; `from` is not looked at.
    ///
    /// Errors: `template-error`, pointing into `base.yaml`.
    pub fn migrations(&self, scope: &Scope) -> Result<Vec<&Migration>, Diagnostics> {
        let mut needed = Vec::new();
        for (migration, condition) in self.facts.migrations.iter().zip(&self.migrations) {
            match self.templates.holds(*condition, scope) {
                Ok(true) => needed.push(migration),
                Ok(false) => {}
                Err(error) => {
                    let mut diagnostics = Diagnostics::default();
                    diagnostics.push(template_diagnostic(&error, &self.marks));
                    return Err(diagnostics);
                }
            }
        }
        Ok(needed)
    }

    /// Returns the objects of a stack: the manifests, with every component that applies.
    ///
    /// Errors: `template-error` and the codes of patches, each pointing into the component.
    pub fn assemble<T: Trace>(
        &self,
        scope: &Scope,
        trace: &mut T,
    ) -> Result<Vec<Object>, Diagnostics> {
        let mut objects = self.manifests.clone();
        trace.manifests(&objects);
        let mut diagnostics = Diagnostics::default();
        for component in &self.components {
            component.apply(&mut objects, scope, self, &mut diagnostics, trace);
        }
        if diagnostics.has_errors() {
            Err(diagnostics)
        } else {
            Ok(objects)
        }
    }

    /// Says where a template has a value that it has made, and what decided it.
    fn written<const N: usize>(
        &self,
        node: &Node,
        place: &Place,
        steps: &[String],
        scope: &Scope,
        conditions: [Option<Condition>; N],
    ) -> Written {
        let written = match self.templates.origin(node, place, steps, scope) {
            Ok(origin) => Written {
                place: self.marks.span(&origin.place),
                reads: origin.reads,
                conditions: origin.conditions,
                ..Written::default()
            },
            // What was rendered once is rendered again; should it fail all the same, the template as a whole is known.
            Err(_) => Written {
                place: self.marks.span(place),
                ..Written::default()
            },
        };
        self.on_conditions(written, scope, conditions)
    }

    /// Adds what the conditions read on which something is made at all.
    fn on_conditions<const N: usize>(
        &self,
        mut written: Written,
        scope: &Scope,
        conditions: [Option<Condition>; N],
    ) -> Written {
        for condition in conditions.into_iter().flatten() {
            for read in self.templates.condition_reads(condition, scope) {
                if !written.conditions.contains(&read) {
                    written.conditions.push(read);
                }
            }
        }
        written
    }

    /// Tells whether a component reads a value of the scope, given by its dotted path, or a part of it, or what it is a part of.
    pub fn reads(&self, path: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.paths
            .iter()
            .any(|read| within(read, path) || within(path, read))
    }

    /// Returns the names of the components that apply, in order.
    pub fn applied(&self, scope: &Scope) -> Vec<&str> {
        self.components
            .iter()
            .filter(|component| component.applies(scope, &self.templates).unwrap_or(false))
            .map(|component| component.name.as_str())
            .collect()
    }

    /// Returns the names of all components, in order.
    pub fn component_names(&self) -> impl Iterator<Item = &str> {
        self.components
            .iter()
            .map(|component| component.name.as_str())
    }

    /// Returns the names of the ServiceAccounts that the manifests and the components may create.
    pub fn service_accounts(&self) -> BTreeSet<String> {
        let names = self
            .manifests
            .iter()
            .filter(|object| object.kind() == "ServiceAccount")
            .map(|object| object.name().to_owned());
        names
            .chain(self.components.iter().flat_map(Component::service_accounts))
            .collect()
    }
}

/// Reads the files of a base and collects what is wrong with them.
struct Reader<'a> {
    name: &'a str,
    files: &'a BTreeMap<String, FileId>,
    sources: &'a Sources,
    diagnostics: &'a mut Diagnostics,
    places: Places,
}

impl Reader<'_> {
    /// Reports what is wrong with a file as a whole.
    fn refuse(&mut self, path: &str, message: String) {
        let path = format!("base/{}/{path}", self.name);
        self.diagnostics
            .push(Diagnostic::error(Code::InvalidBase, message).path(path));
    }

    /// Reads a component's file, tags included, and remembers where its nodes stand.
    fn documents(&mut self, path: &str, file: FileId) -> Vec<serde_json::Value> {
        let options = LoadOptions {
            marks: true,
            tags: true,
            ..LoadOptions::default()
        };
        match yaml::load(&self.sources.get(file).text, &options) {
            Ok(documents) => {
                let (values, marks) = documents
                    .into_iter()
                    .map(|document| (document.value, document.marks))
                    .unzip();
                self.places.files.insert(path.into(), (file, marks));
                values
            }
            Err(error) => {
                self.diagnostics.push(error.to_diagnostic(file));
                Vec::new()
            }
        }
    }

    /// Compiles the conditions of the migrations.
    fn migrations(&mut self, facts: &Facts, compiler: &mut Compiler) -> Vec<Condition> {
        let path = "base.yaml";
        if facts.migrations.is_empty() {
            return Vec::new();
        }
        if let Some(file) = self.files.get(path).copied() {
            // Read once more for the places.
            self.documents(path, file);
        }
        let conditions = facts
            .migrations
            .iter()
            .enumerate()
            .map(|(index, migration)| {
                let place = Place {
                    file: Arc::from(path),
                    document: 0,
                    pointer: format!("/migrations/{index}/when"),
                };
                compiler.condition(&migration.when, &place)
            });
        conditions.collect()
    }

    fn error(&mut self, code: Code, message: String, place: &Place) {
        let mut diagnostic = Diagnostic::error(code, message);
        diagnostic.span = self.places.span(place);
        self.diagnostics.push(diagnostic);
    }
}

/// Reads plain manifests: every document must be an object with `apiVersion`, `kind` and `metadata.name`; lists are expanded.
///
/// Errors: `invalid-manifest` and the codes of the loader, pushed to `diagnostics`.
pub fn read_objects(
    file: FileId,
    stem: &str,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Vec<Object> {
    let mut objects = Vec::new();
    let options = LoadOptions::default();
    let take = |object, _, _| objects.push(object);
    read_each(file, stem, sources, &options, diagnostics, take);
    objects
}

/// Says where the objects are written that [`read_objects`] returns for the same file, in the same order.
///
/// A file with mistakes, which it has reported, gives fewer or none.
pub fn read_spots(file: FileId, sources: &Sources) -> Vec<Spot> {
    let options = LoadOptions {
        marks: true,
        ..LoadOptions::default()
    };
    let mut found = Vec::new();
    let mut reported = Diagnostics::default();
    let take = |_, document, pointer| found.push((document, pointer));
    let marks = read_each(file, "", sources, &options, &mut reported, take);
    let marks: Vec<Rc<Marks>> = marks.into_iter().map(Rc::new).collect();
    let spot = |(document, pointer): (usize, String)| Spot {
        file,
        marks: Rc::clone(&marks[document]),
        pointer,
    };
    found.into_iter().map(spot).collect()
}

/// Hands out the objects of a file, each with the number of its document and its JSON pointer in it, and returns the
/// places of the documents.
fn read_each(
    file: FileId,
    stem: &str,
    sources: &Sources,
    options: &LoadOptions,
    diagnostics: &mut Diagnostics,
    mut take: impl FnMut(Object, usize, String),
) -> Vec<Marks> {
    let documents = match yaml::load(&sources.get(file).text, options) {
        Ok(documents) => documents,
        Err(error) => {
            diagnostics.push(error.to_diagnostic(file));
            return Vec::new();
        }
    };
    let mut marks = Vec::with_capacity(documents.len());
    for (number, document) in documents.into_iter().enumerate() {
        marks.push(document.marks);
        let at = |pointer: &str| place_in(file, number, pointer, sources);
        let Some((expanded, bodies)) = expand(document.value) else {
            let diagnostic =
                Diagnostic::error(Code::InvalidManifest, "`items` of a `List` is not a list");
            diagnostics.push(diagnostic.at(at("/items")));
            continue;
        };
        for (index, body) in bodies.into_iter().enumerate() {
            let above = if expanded {
                format!("/items/{index}")
            } else {
                String::new()
            };
            let object = Object {
                body,
                file: stem.to_owned(),
            };
            if let Some(missing) = missing_identity(&object) {
                diagnostics.push(
                    Diagnostic::error(
                        Code::InvalidManifest,
                        format!("this document has no `{missing}`"),
                    )
                    .at(at(&above))
                    .hint("a manifest is a mapping with `apiVersion`, `kind` and `metadata.name`"),
                );
            } else if is_list(&object.body) {
                diagnostics.push(list_in_disguise(&object).at(at(&format!("{above}/items"))));
            } else if let Some(found) = misshapen(&object.body) {
                let place = at(&format!("{above}{}", found.pointer));
                diagnostics.push(not_of_shape(&object, &found).at(place));
            } else {
                take(object, number, above);
            }
        }
    }
    marks
}

/// Returns the objects of a document, and whether it is a list of them; `None` for a list whose items are none.
fn expand(document: Value) -> Option<(bool, Vec<Value>)> {
    match document {
        Value::Object(mut map) if map.get("kind").and_then(Value::as_str) == Some("List") => {
            match map.remove("items") {
                Some(Value::Array(items)) => Some((true, items)),
                Some(Value::Null) | None => Some((true, Vec::new())),
                Some(_) => None,
            }
        }
        other => Some((false, vec![other])),
    }
}

/// Returns where a value stands; places are looked for when something is wrong only.
fn place_in(file: FileId, document: usize, pointer: &str, sources: &Sources) -> Span {
    let options = LoadOptions {
        marks: true,
        ..LoadOptions::default()
    };
    let documents = yaml::load(&sources.get(file).text, &options).unwrap_or_default();
    let found = documents.get(document).map(|document| {
        let range = document.marks.nearest(pointer);
        range.unwrap_or(document.start..document.start)
    });
    let range = found.unwrap_or(0..0);
    // Whole objects are pointed to by where they begin.
    let end = if pointer.is_empty()
        || pointer.starts_with("/items/") && pointer.matches('/').count() == 2
    {
        range.start
    } else {
        range.end
    };
    Span {
        file,
        start: range.start,
        end,
    }
}

/// Returns the error about an object that everybody takes for a list of objects, none of which was looked at.
///
/// Code: `invalid-manifest`.
fn list_in_disguise(object: &Object) -> Diagnostic {
    Diagnostic::error(
        Code::InvalidManifest,
        format!(
            "`{}` has `items`, by which it is taken for a list of objects",
            object.key()
        ),
    )
    .hint("write each object as a document of its own, or use a plain `List`")
}

/// Returns the error about a part of an object that is not what Kubernetes has there.
///
/// Code: `invalid-manifest`.
fn not_of_shape(object: &Object, found: &Misshapen) -> Diagnostic {
    Diagnostic::error(
        Code::InvalidManifest,
        format!(
            "`{}` of `{}` is not {}",
            found.path(),
            object.key(),
            found.wanted
        ),
    )
}

fn missing_identity(object: &Object) -> Option<&'static str> {
    if object.api_version().is_empty() {
        Some("apiVersion")
    } else if object.kind().is_empty() {
        Some("kind")
    } else if object.name().is_empty() {
        Some("metadata.name")
    } else {
        None
    }
}

fn template_diagnostic(error: &TemplateError, places: &Places) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(Code::TemplateError, error.message.clone());
    diagnostic.span = places.span(&error.place);
    diagnostic.hints.extend(error.hint.clone());
    diagnostic
}
