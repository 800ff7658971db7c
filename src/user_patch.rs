//! The patches that users write: read once, rendered for each project, applied with the engine of [`crate::patch`].
//!
//! Takes the patches of the model and the texts of their files; changes the objects of a project, or says what is wrong
//! at the place in the patch and at the line of `projects.yaml` that brought it.
//! YAML is read first and its strings are rendered one by one, so that a value can never become structure.

mod guard;
mod scalar;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::model::{PatchBody, PatchSource, Project};
use crate::object::Object;
use crate::patch::{self, Operation, Patch, PatchError};
use crate::source::{FileId, Sources, Span};
use crate::template::{Compiler, Node, Place, Scope, TemplateError, Templates};
use crate::trace::{self, By, Trace, Written};
use crate::yaml::{self, LoadError, LoadErrorKind, LoadOptions, Marks};
use guard::Guard;
use scalar::Scalar;

/// The patches of all projects; what several projects inherit from a profile is here once.
#[derive(Debug, Default)]
pub struct UserPatches {
    patches: BTreeMap<String, UserPatch>,
    templates: Templates,
}

/// One patch.
#[derive(Debug)]
struct UserPatch {
    source: PatchSource,
    places: Places,
    body: Body,
}

/// What a patch does: read once when it has no templates, otherwise rendered for each project.
#[derive(Debug)]
enum Body {
    Fixed(Operation),
    Rendered {
        node: Node,
        /// How many steps the templates of `path` and `from` write out, by JSON pointer.
        steps: BTreeMap<String, usize>,
    },
}

/// Where the nodes of a patch are written.
#[derive(Debug)]
enum Places {
    /// In a file of its own.
    File(FileId, Marks),
    /// In a string of `projects.yaml`.
    Scalar {
        file: FileId,
        text: String,
        marks: Marks,
        lines: Option<Scalar>,
    },
    /// In `projects.yaml` itself.
    Tree(BTreeMap<String, Span>),
}

impl Places {
    /// Returns the place of a node, and what to say of it in the message when the place is not exact.
    fn locate(&self, pointer: &str, whole: Span) -> (Span, String) {
        match self {
            Places::File(file, marks) => {
                let span = marks.nearest(pointer).map(|range| span(*file, range));
                (span.unwrap_or(whole), String::new())
            }
            Places::Scalar { marks, .. } => match marks.nearest(pointer) {
                Some(range) => self.range(&range, whole),
                None => (whole, String::new()),
            },
            Places::Tree(spans) => {
                let mut pointer = pointer;
                loop {
                    if let Some(span) = spans.get(pointer) {
                        return (*span, String::new());
                    }
                    match pointer.rfind('/') {
                        Some(at) => pointer = &pointer[..at],
                        None => return (whole, String::new()),
                    }
                }
            }
        }
    }

    /// Does the same for a range of bytes of the patch.
    fn range(&self, range: &std::ops::Range<usize>, whole: Span) -> (Span, String) {
        match self {
            Places::File(file, _) => (span(*file, range.clone()), String::new()),
            Places::Scalar {
                file,
                lines: Some(lines),
                ..
            } => (span(*file, lines.range(range)), String::new()),
            Places::Scalar { text, .. } => {
                let before = &text[..text.floor_char_boundary(range.start)];
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
                (
                    whole,
                    format!(" (line {line}, column {column} of the patch)"),
                )
            }
            Places::Tree(_) => (whole, String::new()),
        }
    }
}

fn span(file: FileId, range: std::ops::Range<usize>) -> Span {
    Span {
        file,
        start: range.start,
        end: range.end,
    }
}

impl UserPatches {
    /// Reads the patches of all projects; `files` are the texts of those that have a file.
    ///
    /// Errors, pushed to `diagnostics`: `invalid-patch`, `patch-refused`, `template-error` and the codes of the loader.
    pub fn load(
        projects: &[Project],
        files: &BTreeMap<String, FileId>,
        sources: &Sources,
        diagnostics: &mut Diagnostics,
    ) -> UserPatches {
        let mut compiler = Compiler::without_tags();
        let mut patches = BTreeMap::new();
        for project in projects {
            for source in &project.patches {
                let key = key(source);
                if patches.contains_key(&key) {
                    continue;
                }
                match UserPatch::read(&key, source, files, sources, &mut compiler) {
                    Ok(patch) => {
                        patches.insert(key, patch);
                    }
                    Err(diagnostic) => diagnostics.push(*diagnostic),
                }
            }
        }
        let templates = compiler.finish().unwrap_or_else(|errors| {
            for error in errors {
                if let Some(patch) = patches.get(&*error.place.file) {
                    diagnostics.push(patch.template_error(&error));
                }
            }
            Templates::default()
        });
        UserPatches { patches, templates }
    }

    /// Applies the patches of a project, one after the other.
    ///
    /// `has_gaps` tells which values hold placeholders, when the project stands for all of its shape. A patch that could do
    /// something else for one of them than for the shape ends with an empty list of errors.
    ///
    /// Errors, one for each patch: `template-error` and the codes of patches.
    pub fn apply<T: Trace>(
        &self,
        objects: &mut Vec<Object>,
        project: &Project,
        scope: &Scope,
        has_gaps: fn(&Value) -> bool,
        trace: &mut T,
    ) -> Result<(), Diagnostics> {
        if project.patches.is_empty() {
            return Ok(());
        }
        let mut diagnostics = Diagnostics::default();
        let mut guard = Guard::new(objects);
        for (number, source) in project.patches.iter().enumerate() {
            let patch = &self.patches[&key(source)];
            let rendered = match patch.render(&self.templates, scope) {
                Ok(rendered) => rendered,
                Err(error) => {
                    diagnostics.push(patch.template_error(&error).project(&project.name));
                    continue;
                }
            };
            let applied = rendered.and_then(|rendered| {
                if depends_on_gaps(&rendered, patch, objects, has_gaps) {
                    return Ok(None);
                }
                let before = objects.clone();
                let applied = patch::apply(&rendered, objects)?;
                guard
                    .follow(number, &before, objects, &applied, project)
                    .inspect_err(|_| objects.clone_from(&before))?;
                trace.patched(number, &before, objects);
                trace.all(objects, By::Patch, |object, pointer| {
                    let within = trace::within(&rendered.operation, object, pointer);
                    patch.written(&within, &self.templates, scope)
                });
                Ok(Some(()))
            });
            match applied {
                Ok(Some(())) => {}
                Ok(None) => return Err(Diagnostics::default()),
                Err(error) => diagnostics.push(patch.error(&error).project(&project.name)),
            }
        }
        for (number, error) in guard.finish(objects) {
            let patch = &self.patches[&key(&project.patches[number])];
            diagnostics.push(patch.error(&error).project(&project.name));
        }
        if diagnostics.has_errors() {
            Err(diagnostics)
        } else {
            Ok(())
        }
    }
}

/// Tells whether what a patch does to the objects of a shape could differ from what it does to those of a project.
///
/// It cannot when it has no templates and sees no placeholder: neither while its objects are looked for, nor in them.
fn depends_on_gaps(
    rendered: &Patch,
    patch: &UserPatch,
    objects: &[Object],
    has_gaps: fn(&Value) -> bool,
) -> bool {
    let anywhere = || objects.iter().any(|object| has_gaps(&object.body));
    match &patch.body {
        Body::Rendered { .. } => anywhere(),
        Body::Fixed(_) => objects.iter().any(|object| {
            let identity = || has_gaps(&object.body["metadata"]) && rendered.is_for_kind(object);
            identity() || (rendered.is_for(object) && has_gaps(&object.body))
        }),
    }
}

/// What tells two patches apart: what they say and where they are written.
fn key(source: &PatchSource) -> String {
    let said = serde_json::to_string(source).expect("a patch has string keys and finite numbers");
    format!("{:?} {:?} {said}", source.span, source.target_span)
}

impl UserPatch {
    fn read(
        key: &str,
        source: &PatchSource,
        files: &BTreeMap<String, FileId>,
        sources: &Sources,
        compiler: &mut Compiler,
    ) -> Result<UserPatch, Box<Diagnostic>> {
        let options = LoadOptions {
            marks: true,
            ..LoadOptions::default()
        };
        let (value, places) = match &source.body {
            PatchBody::Tree { value, spans } => (value.clone(), Places::Tree(spans.clone())),
            PatchBody::File(path) => {
                let file = files[path];
                match yaml::load_one(&sources.get(file).text, &options) {
                    Ok(document) => (document.value, Places::File(file, document.marks)),
                    Err(error) => {
                        let places = Places::File(file, Marks::default());
                        return Err(unreadable(&error, &places, source));
                    }
                }
            }
            PatchBody::Text(text) => {
                let file = source.span.file;
                let scalar = |marks| Places::Scalar {
                    file,
                    text: text.clone(),
                    marks,
                    lines: Scalar::find(&sources.get(file).text, source.span.start, text),
                };
                match yaml::load_one(text, &options) {
                    Ok(document) => (document.value, scalar(document.marks)),
                    Err(error) => {
                        return Err(unreadable(&error, &scalar(Marks::default()), source));
                    }
                }
            }
        };
        let mut patch = UserPatch {
            source: source.clone(),
            places,
            // Replaced below; a patch that cannot be read is dropped.
            body: Body::Fixed(Operation::Json6902(Vec::new())),
        };
        let place = Place {
            file: Arc::from(key),
            ..Place::default()
        };
        patch.body = match compiler.compile(&value, &place) {
            Ok(Node::Literal(value)) => Operation::from_value(value)
                .map(Body::Fixed)
                .map_err(|error| Box::new(patch.error(&error)))?,
            Ok(node) => Body::Rendered {
                node,
                steps: steps(&value),
            },
            Err(error) => return Err(Box::new(patch.template_error(&error))),
        };
        Ok(patch)
    }

    /// Renders what has templates in it; what is wrong with the result is an error of its own kind.
    fn render(
        &self,
        templates: &Templates,
        scope: &Scope,
    ) -> Result<Result<Patch, PatchError>, TemplateError> {
        let operation = match &self.body {
            Body::Fixed(operation) => Ok(operation.clone()),
            Body::Rendered { node, steps } => {
                let value = templates.render(node, scope)?.unwrap_or(Value::Null);
                match more_steps(&value, steps) {
                    Some(error) => Err(error),
                    None => Operation::from_value(value),
                }
            }
        };
        Ok(operation.map(|operation| Patch {
            target: self.source.target.clone(),
            operation,
        }))
    }

    /// Says where a node of the patch is written, and what decided it.
    fn written(&self, pointer: &str, templates: &Templates, scope: &Scope) -> Written {
        let mut written = Written::default();
        let mut pointer = pointer.to_owned();
        if let Body::Rendered { node, .. } = &self.body
            && let Ok(origin) =
                templates.origin(node, &Place::default(), &trace::tokens(&pointer), scope)
        {
            pointer = origin.place.pointer;
            written.reads = origin.reads;
            written.conditions = origin.conditions;
        }
        let (span, note) = self.places.locate(&pointer, self.source.span);
        written.place = Some(span);
        written.note = note;
        written.brought = Some(self.source.span).filter(|brought| brought.file != span.file);
        written
    }

    fn error(&self, error: &PatchError) -> Diagnostic {
        let about_target = error.code == Code::PatchNoMatch && error.pointer.is_empty();
        let (span, note) = match self.source.target_span.filter(|_| about_target) {
            Some(span) => (span, String::new()),
            None => self.places.locate(&error.pointer, self.source.span),
        };
        let mut diagnostic =
            Diagnostic::error(error.code, format!("{}{note}", error.message)).at(span);
        diagnostic.hints = error.hints.clone();
        self.brought(diagnostic)
    }

    fn template_error(&self, error: &TemplateError) -> Diagnostic {
        let (span, note) = self.places.locate(&error.place.pointer, self.source.span);
        let mut diagnostic =
            Diagnostic::error(Code::TemplateError, format!("{}{note}", error.message)).at(span);
        diagnostic.hints.extend(error.hint.clone());
        self.brought(diagnostic)
    }

    fn brought(&self, diagnostic: Diagnostic) -> Diagnostic {
        brought(diagnostic, &self.source)
    }
}

/// Adds the line of `projects.yaml` that brought a patch, unless the finding is there.
fn brought(diagnostic: Diagnostic, source: &PatchSource) -> Diagnostic {
    if diagnostic.span == Some(source.span) {
        return diagnostic;
    }
    diagnostic.also(source.span, "the patch is brought in here")
}

/// Says why the text of a patch cannot be read.
fn unreadable(error: &LoadError, places: &Places, source: &PatchSource) -> Box<Diagnostic> {
    let (span, note) = places.range(&error.range, source.span);
    let code = match error.kind {
        LoadErrorKind::DocumentCount => Code::InvalidPatch,
        _ => error.code(),
    };
    let mut diagnostic = Diagnostic::error(code, format!("{}{note}", error.message)).at(span);
    diagnostic.hints.extend(error.hint.clone());
    if error.kind == LoadErrorKind::DocumentCount {
        diagnostic
            .hints
            .push("write one patch for each item of `patches`".to_owned());
    }
    if matches!(
        error.kind,
        LoadErrorKind::NonStringKey | LoadErrorKind::EmptyFlowValue
    ) {
        diagnostic
            .hints
            .push("put quotes around a string that begins with `{{`".to_owned());
    }
    Box::new(brought(diagnostic, source))
}

/// Counts the steps that the `path` and `from` of JSON 6902 operations write out around their placeholders.
fn steps(value: &Value) -> BTreeMap<String, usize> {
    let mut steps = BTreeMap::new();
    for (index, operation) in value.as_array().into_iter().flatten().enumerate() {
        for key in ["path", "from"] {
            if let Some(text) = operation.get(key).and_then(Value::as_str) {
                steps.insert(format!("/{index}/{key}"), slashes_outside(text));
            }
        }
    }
    steps
}

/// Counts the slashes of a template outside of its placeholders, statements and comments.
fn slashes_outside(text: &str) -> usize {
    let mut rest = text;
    let mut count = 0;
    loop {
        let opening = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
            .into_iter()
            .filter_map(|(open, close)| Some((rest.find(open)?, close)))
            .min();
        let Some((at, close)) = opening else {
            return count + rest.matches('/').count();
        };
        count += rest[..at].matches('/').count();
        rest = rest[at..]
            .find(close)
            .map_or("", |end| &rest[at + end + close.len()..]);
    }
}

/// The error for a path that has more steps than its template writes out: a value would have become structure.
fn more_steps(value: &Value, steps: &BTreeMap<String, usize>) -> Option<PatchError> {
    steps.iter().find_map(|(pointer, count)| {
        let text = value.pointer(pointer)?.as_str()?;
        (text.matches('/').count() > *count).then(|| PatchError {
            code: Code::PatchRefused,
            message: format!("a value in the path `{text}` has a `/`, which would be a step of its own"),
            pointer: pointer.clone(),
            hints: vec![
                r#"write `| replace(from="~", to="~0") | replace(from="/", to="~1")` behind the value"#.to_owned(),
            ],
        })
    })
}
