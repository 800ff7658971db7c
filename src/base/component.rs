//! Components: what one choice removes, adds and patches.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::{Base, FILES, Reader, template_diagnostic};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, nearest};
use crate::object::Object;
use crate::object::shape::{is_list, misshapen};
use crate::patch::{self, Operation, Patch, PatchError, Target};
use crate::template::{Compiler, Condition, Node, Place, Scope, TemplateError, Templates};
use crate::trace::{self, By, Trace, Written};

/// One directory of `components/`.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) name: String,
    when: Option<Condition>,
    remove: Vec<(String, String, Place)>,
    resources: Vec<Resource>,
    patches: Vec<ComponentPatch>,
}

/// A manifest that a component adds.
#[derive(Debug)]
struct Resource {
    file: String,
    node: Node,
    place: Place,
    service_account: Option<String>,
}

/// A patch of a component.
#[derive(Debug)]
struct ComponentPatch {
    when: Option<Condition>,
    /// Whether the patch may leave everything as it is, because a user's value may equal the base's.
    may_repeat: bool,
    place: Place,
    target: TargetBody,
    body: Body,
}

/// The target of a patch: read once when it has no templates, otherwise rendered for each project.
#[derive(Debug)]
enum TargetBody {
    Fixed(Box<Target>),
    Rendered(Node),
}

/// The body of a patch: read once when it has no templates, otherwise rendered for each project.
#[derive(Debug)]
enum Body {
    Fixed(Operation),
    Strategic(Node),
    Json6902(Node),
}

/// Compiles every component of a base, in the order of their directory names.
pub(super) fn load_all(compiler: &mut Compiler, reader: &mut Reader<'_>) -> Vec<Component> {
    let names: BTreeSet<&str> = reader
        .files
        .keys()
        .filter_map(|path| path.strip_prefix("components/")?.split_once('/'))
        .map(|(name, _)| name)
        .collect();
    names
        .into_iter()
        .map(|name| load(name, compiler, reader))
        .collect()
}

fn load(name: &str, compiler: &mut Compiler, reader: &mut Reader<'_>) -> Component {
    let directory = format!("components/{name}");
    let path = format!("{directory}/component.yaml");
    let mut component = Component {
        name: name.to_owned(),
        when: None,
        remove: Vec::new(),
        resources: Vec::new(),
        patches: Vec::new(),
    };
    let Some(file) = reader.files.get(&path).copied() else {
        reader.refuse(&path, format!("component `{name}` has no `component.yaml`"));
        return component;
    };
    let place = Place {
        file: Arc::from(path.as_str()),
        document: 0,
        pointer: String::new(),
    };
    let documents = reader.documents(&path, file);
    let Some(Value::Object(map)) = documents.first() else {
        reader.refuse(&path, "a component is one mapping".to_owned());
        return component;
    };
    let mut named: BTreeSet<String> = BTreeSet::from([path.clone()]);
    for (key, value) in map {
        let place = at(&place, key);
        match (key.as_str(), value) {
            ("when", Value::String(expression)) => {
                component.when = Some(compiler.condition(expression, &place));
            }
            ("remove", Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let place = at(&place, &index.to_string());
                    match (text_of(item, "kind"), text_of(item, "name")) {
                        (Some(kind), Some(name)) => component.remove.push((kind, name, place)),
                        _ => reader.error(
                            Code::InvalidBase,
                            "an object to remove has a `kind` and a `name`".to_owned(),
                            &place,
                        ),
                    }
                }
            }
            ("resources", Value::Array(items)) => {
                for item in items {
                    let file = item.as_str().unwrap_or_default();
                    let path = format!("{directory}/{file}");
                    named.insert(path.clone());
                    resources(&path, file, compiler, reader, &mut component.resources);
                }
            }
            ("patches", Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let place = at(&place, &index.to_string());
                    match compile_patch(item, &place, compiler) {
                        Ok(patch) => component.patches.push(patch),
                        Err(error) => {
                            reader.error(
                                error.code,
                                error.message,
                                &at_pointer(&place, &error.pointer),
                            );
                        }
                    }
                }
            }
            _ => reader.error(
                Code::InvalidBase,
                format!("`{key}` is not a key of a component, or has a value of the wrong type"),
                &place,
            ),
        }
    }
    let prefix = format!("{directory}/");
    let files = reader.files;
    for path in files.keys().filter(|path| path.starts_with(&prefix)) {
        if !named.contains(path) {
            reader.refuse(path, "the component does not name this file".to_owned());
        }
    }
    component
}

fn resources(
    path: &str,
    name: &str,
    compiler: &mut Compiler,
    reader: &mut Reader<'_>,
    resources: &mut Vec<Resource>,
) {
    let stem = name.strip_suffix(".yaml").unwrap_or(name);
    if !FILES.contains(&stem) {
        reader.refuse(
            path,
            format!("`{stem}` is not a file of a project's directory"),
        );
        return;
    }
    let Some(file) = reader.files.get(path).copied() else {
        reader.refuse(
            path,
            "the component names this file, and it is not there".to_owned(),
        );
        return;
    };
    for (document, value) in reader.documents(path, file).into_iter().enumerate() {
        let place = Place {
            file: Arc::from(path),
            document,
            pointer: String::new(),
        };
        let service_account = (value.get("kind").and_then(Value::as_str) == Some("ServiceAccount"))
            .then(|| value.pointer("/metadata/name").and_then(Value::as_str))
            .flatten()
            .map(str::to_owned);
        match compiler.compile(&value, &place) {
            Ok(node) => resources.push(Resource {
                file: stem.to_owned(),
                node,
                place,
                service_account,
            }),
            Err(error) => {
                let diagnostic = template_diagnostic(&error, &reader.places);
                reader.diagnostics.push(diagnostic);
            }
        }
    }
}

fn compile_patch(
    item: &Value,
    place: &Place,
    compiler: &mut Compiler,
) -> Result<ComponentPatch, PatchError> {
    let invalid = |message: &str, pointer: &str| PatchError {
        code: Code::InvalidPatch,
        message: message.to_owned(),
        pointer: pointer.to_owned(),
        hints: Vec::new(),
    };
    let Some(map) = item.as_object() else {
        return Err(invalid("a patch is a mapping", ""));
    };
    if let Some(key) = map
        .keys()
        .find(|key| !["target", "when", "mayRepeat", "patch", "json6902"].contains(&key.as_str()))
    {
        return Err(invalid(&format!("unknown key `{key}`"), &format!("/{key}")));
    }
    let template = |error: TemplateError| PatchError {
        code: Code::TemplateError,
        message: error.message,
        pointer: error
            .place
            .pointer
            .strip_prefix(&place.pointer)
            .unwrap_or_default()
            .to_owned(),
        hints: error.hint.into_iter().collect(),
    };
    let target = map
        .get("target")
        .ok_or_else(|| invalid("a component's patch has a `target`", ""))?;
    let target = match compiler
        .compile(target, &at(place, "target"))
        .map_err(template)?
    {
        Node::Literal(value) => TargetBody::Fixed(Box::new(Target::parse(&value)?)),
        node => TargetBody::Rendered(node),
    };
    let body = match (map.get("patch"), map.get("json6902")) {
        (Some(patch), None) => {
            match compiler
                .compile(patch, &at(place, "patch"))
                .map_err(template)?
            {
                Node::Literal(value) => Body::Fixed(Operation::strategic(value)?),
                node => Body::Strategic(node),
            }
        }
        (None, Some(operations)) => {
            match compiler
                .compile(operations, &at(place, "json6902"))
                .map_err(template)?
            {
                Node::Literal(value) => Body::Fixed(Operation::json6902(value)?),
                node => Body::Json6902(node),
            }
        }
        _ => return Err(invalid("a patch has either `patch` or `json6902`", "")),
    };
    let when = match map.get("when") {
        None => None,
        Some(Value::String(expression)) => Some(compiler.condition(expression, &at(place, "when"))),
        Some(_) => return Err(invalid("`when` is a string", "/when")),
    };
    let may_repeat = match map.get("mayRepeat") {
        None => false,
        Some(Value::Bool(value)) => *value,
        Some(_) => return Err(invalid("`mayRepeat` is true or false", "/mayRepeat")),
    };
    Ok(ComponentPatch {
        when,
        may_repeat,
        place: place.clone(),
        target,
        body,
    })
}

impl Component {
    pub(super) fn applies(
        &self,
        scope: &Scope,
        templates: &Templates,
    ) -> Result<bool, TemplateError> {
        self.when
            .map_or(Ok(true), |when| templates.holds(when, scope))
    }

    pub(super) fn service_accounts(&self) -> impl Iterator<Item = String> {
        self.resources
            .iter()
            .filter_map(|resource| resource.service_account.clone())
    }

    /// Removes, adds and patches, in this order, and collects what goes wrong.
    pub(super) fn apply<T: Trace>(
        &self,
        objects: &mut Vec<Object>,
        scope: &Scope,
        base: &Base,
        diagnostics: &mut Diagnostics,
        trace: &mut T,
    ) {
        match self.applies(scope, &base.templates) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                diagnostics.push(template_diagnostic(&error, &base.marks));
                return;
            }
        }
        for (kind, name, place) in &self.remove {
            let before = objects.len();
            objects.retain(|object| object.kind() != kind || object.name() != name);
            if objects.len() == before {
                let mut diagnostic = Diagnostic::error(
                    Code::PatchNoMatch,
                    format!("there is no `{kind}/{name}` to remove"),
                );
                let names = objects.iter().filter(|object| object.kind() == kind);
                if let Some(name) = nearest(name, names.map(Object::name)) {
                    diagnostic = diagnostic.hint(format!("there is a `{kind}/{name}`"));
                }
                diagnostic.span = base.marks.span(place);
                diagnostics.push(diagnostic);
            }
        }
        if !self.remove.is_empty() {
            trace.all(objects, By::Component, |_, _| Written::default());
        }
        for resource in &self.resources {
            match base.templates.render(&resource.node, scope) {
                Ok(Some(body)) => {
                    let object = Object {
                        body,
                        file: resource.file.clone(),
                    };
                    if let Some(missing) = super::missing_identity(&object) {
                        let mut diagnostic = Diagnostic::error(
                            Code::InvalidManifest,
                            format!("this document has no `{missing}`"),
                        );
                        diagnostic.span = base.marks.span(&resource.place);
                        diagnostics.push(diagnostic);
                    } else if is_list(&object.body) {
                        let mut diagnostic = super::list_in_disguise(&object);
                        diagnostic.span = base.marks.span(&resource.place);
                        diagnostics.push(diagnostic);
                    } else if let Some(found) = misshapen(&object.body) {
                        let mut diagnostic = super::not_of_shape(&object, &found);
                        let place = at_pointer(&resource.place, &found.pointer);
                        diagnostic.span = base.marks.span(&place);
                        diagnostics.push(diagnostic);
                    } else {
                        objects.push(object);
                        trace.all(objects, By::Component, |_, pointer| {
                            let steps = trace::tokens(pointer);
                            base.written(
                                &resource.node,
                                &resource.place,
                                &steps,
                                scope,
                                [self.when],
                            )
                        });
                    }
                }
                Ok(None) => {}
                Err(error) => diagnostics.push(template_diagnostic(&error, &base.marks)),
            }
        }
        for patch in &self.patches {
            patch.apply(objects, scope, base, diagnostics, self.when, trace);
        }
    }
}

impl ComponentPatch {
    fn apply<T: Trace>(
        &self,
        objects: &mut Vec<Object>,
        scope: &Scope,
        base: &Base,
        diagnostics: &mut Diagnostics,
        component: Option<Condition>,
        trace: &mut T,
    ) {
        match self
            .when
            .map_or(Ok(true), |when| base.templates.holds(when, scope))
        {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                diagnostics.push(template_diagnostic(&error, &base.marks));
                return;
            }
        }
        let patch = match self.patch(scope, &base.templates) {
            Ok(patch) => patch,
            Err(error) => {
                diagnostics.push(template_diagnostic(&error, &base.marks));
                return;
            }
        };
        let applied = patch.and_then(|patch| {
            patch::apply(&patch, objects)?;
            trace.all(objects, By::ComponentPatch, |object, pointer| {
                self.written(&patch.operation, object, pointer, scope, base, component)
            });
            Ok(())
        });
        if let Err(error) = applied
            && !(self.may_repeat && error.code == Code::PatchNoEffect)
        {
            let place = at_pointer(&self.body_place(), &error.pointer);
            let mut diagnostic = Diagnostic::error(error.code, error.message);
            diagnostic.span = base.marks.span(&place);
            diagnostic.hints = error.hints;
            diagnostics.push(diagnostic);
        }
    }

    /// Returns where the body stands.
    fn body_place(&self) -> Place {
        let field = match &self.body {
            Body::Json6902(_) | Body::Fixed(Operation::Json6902(_)) => "json6902",
            Body::Fixed(Operation::Strategic(_)) | Body::Strategic(_) => "patch",
        };
        at(&self.place, field)
    }

    /// Says where the patch has a value that it has set.
    fn written(
        &self,
        operation: &Operation,
        object: &Object,
        pointer: &str,
        scope: &Scope,
        base: &Base,
        component: Option<Condition>,
    ) -> Written {
        let within = trace::within(operation, object, pointer);
        let place = self.body_place();
        let conditions = [component, self.when];
        match &self.body {
            Body::Fixed(_) => {
                let written = Written {
                    place: base.marks.span(&at_pointer(&place, &within)),
                    ..Written::default()
                };
                base.on_conditions(written, scope, conditions)
            }
            Body::Strategic(node) | Body::Json6902(node) => {
                base.written(node, &place, &trace::tokens(&within), scope, conditions)
            }
        }
    }

    /// Renders what has templates in it; what is wrong with the result is an error of its own kind.
    fn patch(
        &self,
        scope: &Scope,
        templates: &Templates,
    ) -> Result<Result<Patch, PatchError>, TemplateError> {
        let rendered = |node: &Node| Ok(templates.render(node, scope)?.unwrap_or(Value::Null));
        let target = match &self.target {
            TargetBody::Fixed(target) => Ok(Target::clone(target)),
            TargetBody::Rendered(node) => Target::parse(&rendered(node)?),
        };
        let operation = match &self.body {
            Body::Fixed(operation) => Ok(operation.clone()),
            Body::Strategic(node) => Operation::strategic(rendered(node)?),
            Body::Json6902(node) => Operation::json6902(rendered(node)?),
        };
        Ok(target.and_then(|target| {
            Ok(Patch {
                target: Some(target),
                operation: operation?,
            })
        }))
    }
}

fn at(place: &Place, step: &str) -> Place {
    at_pointer(
        place,
        &format!("/{}", step.replace('~', "~0").replace('/', "~1")),
    )
}

fn at_pointer(place: &Place, pointer: &str) -> Place {
    Place {
        pointer: format!("{}{pointer}", place.pointer),
        ..place.clone()
    }
}

fn text_of(value: &Value, key: &str) -> Option<String> {
    Some(value.get(key)?.as_str()?.to_owned())
}
