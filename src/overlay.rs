//! The tree in the form of kustomize: a pinned base, once, and for each project what it patches and adds.
//!
//! Takes the finished objects of a directory, and of a base what all of its stacks begin with; gives files for which
//! kustomize builds exactly these objects. Knows nothing of how the objects came about: patches are worked out by
//! comparing, so that whatever shaped an object (components, settings, patches of users) ends up in them.
//! `docs/kustomize.md` shows the form to people; [`crate::kustomize`] reads it back.
//!
//! Transformers are used for two things that every object has, because patches would only bury the rest: the namespace,
//! and labels that are the same on all objects.

mod delta;
pub mod flat;
mod limits;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::base::{Base, FILES};
use crate::diagnostic::Diagnostics;
use crate::layout;
use crate::model::Project;
use crate::object::Object;
use crate::patch::{self, Operation, Patch, Target};
use crate::render;
use crate::tree::{Form, RenderedDirectory};
use crate::yaml;

use delta::{Delta, delta, steps};

/// Directory of the tree that holds the pinned bases.
///
/// Source: commands-and-output §3.
pub const BASE_DIRECTORY: &str = "_base";

/// The file that kustomize reads first.
pub const KUSTOMIZATION: &str = "kustomization.yaml";

/// Tells whether a directory of the tree holds a pinned base, whose objects are nobody's until they are patched.
pub fn is_base(directory: &str) -> bool {
    directory
        .strip_prefix(BASE_DIRECTORY)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// What all stacks of a base begin with.
#[derive(Debug)]
pub struct Pinned {
    name: String,
    objects: Vec<Object>,
    /// Index in `objects`, by apiVersion, kind and name: what a patch finds an object by.
    by_id: BTreeMap<Id, usize>,
    files: BTreeMap<String, Vec<u8>>,
}

/// What a strategic merge patch finds its object by.
type Id = (String, String, String);

fn id(object: &Object) -> Id {
    (
        object.api_version().to_owned(),
        object.kind().to_owned(),
        object.name().to_owned(),
    )
}

impl Pinned {
    /// Takes the manifests of a base, with the labels that every stack gives them.
    pub fn new(base: &Base) -> Pinned {
        let objects = render::pinned_objects(base);
        let by_id = objects.iter().enumerate();
        Pinned {
            name: base.facts.name.clone(),
            by_id: by_id.map(|(index, object)| (id(object), index)).collect(),
            files: listed(&objects, Some(&base.facts.name)),
            objects,
        }
    }

    /// Returns the files of the directory of the base.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// Returns the directory of the base below the tree.
    pub fn path(&self) -> String {
        format!("{BASE_DIRECTORY}/{}", self.name)
    }

    /// Renders the directory of the base.
    pub fn directory(&self) -> RenderedDirectory {
        RenderedDirectory {
            path: self.path(),
            project: None,
            base: Some(self.name.clone()),
            state: "active".to_owned(),
            files: self.files.clone(),
        }
    }
}

/// Returns the files of a directory that is applied as it is; `base` is where the objects come from, if from one.
pub fn listed(objects: &[Object], base: Option<&str>) -> BTreeMap<String, Vec<u8>> {
    let mut files = layout::lay_out_in(objects, base, Form::Kustomize);
    if files.is_empty() {
        return files;
    }
    let mut kustomization = kustomization();
    let resources: Vec<&String> = files.keys().collect();
    kustomization.insert("resources".to_owned(), json!(resources));
    let text = written([&Value::Object(kustomization)], base);
    files.insert(KUSTOMIZATION.to_owned(), text.into_bytes());
    files
}

/// Returns the files of a project's directory; none when it has no objects.
///
/// `objects` are all of the project's, in order; `directory` is its path below the tree.
/// Errors: `not-for-kustomize`.
pub fn lay_out(
    objects: &[Object],
    project: &Project,
    pinned: &Pinned,
    directory: &str,
) -> Result<BTreeMap<String, Vec<u8>>, Diagnostics> {
    let mut found = limits::check(objects, project);
    let stack = Stack::new(objects, pinned, &project.namespace);
    if objects.is_empty() {
        return if found.has_errors() {
            Err(found)
        } else {
            Ok(BTreeMap::new())
        };
    }
    let added: Vec<Object> = objects
        .iter()
        .filter(|object| !stack.is_kept(object))
        .cloned()
        .collect();
    let mut files = layout::lay_out_in(&added, Some(&pinned.name), Form::Kustomize);
    let mut resources: Vec<Value> = FILES
        .iter()
        .map(|stem| layout::file_name(stem))
        .filter(|name| files.contains_key(name))
        .map(Value::String)
        .collect();
    let mut patches: Vec<Value> = Vec::new();
    if !stack.kept.is_empty() {
        let up = "../".repeat(directory.split('/').count());
        resources.insert(0, json!(format!("{up}{}", pinned.path())));
        let mut put = |stem: &str, documents: &[Value], patches: &mut Vec<Value>| {
            if !documents.is_empty() {
                let name = format!("patch-{}", layout::file_name(stem));
                patches.push(json!({"path": name}));
                files.insert(name, written(documents, Some(&pinned.name)).into_bytes());
            }
        };
        patches.extend(stack.removals());
        for stem in FILES {
            let (mut merges, mut entries) = (Vec::new(), Vec::new());
            for object in objects.iter().filter(|object| object.file == stem) {
                let Some(delta) = stack.delta(object) else {
                    continue;
                };
                if !delta.steps.is_empty() {
                    limits::check_steps(object, project, &mut found);
                    entries.push(stack.entry(object, &delta.steps));
                }
                if !delta.merge.is_empty() {
                    merges.push(document(object, delta.merge));
                }
            }
            put(stem, &merges, &mut patches);
            patches.append(&mut entries);
        }
    }
    if found.has_errors() {
        return Err(found);
    }
    let mut kustomization = kustomization();
    if stack.sets_namespace && !stack.kept.is_empty() {
        kustomization.insert("namespace".to_owned(), json!(project.namespace));
    }
    kustomization.insert("resources".to_owned(), Value::Array(resources));
    if !stack.labels.is_empty() && !stack.kept.is_empty() {
        let labels = json!([{"pairs": stack.labels}]);
        kustomization.insert("labels".to_owned(), labels);
    }
    if !patches.is_empty() {
        kustomization.insert("patches".to_owned(), Value::Array(patches));
    }
    let text = written([&Value::Object(kustomization)], Some(&pinned.name));
    files.insert(KUSTOMIZATION.to_owned(), text.into_bytes());
    Ok(files)
}

/// What a project's kustomization does to the base as a whole.
struct Stack<'a> {
    pinned: &'a Pinned,
    namespace: &'a str,
    /// The objects of the base that the project has, by index in the base.
    kept: BTreeMap<usize, &'a Object>,
    /// Labels that every object has and that the base does not give them.
    labels: BTreeMap<&'a str, &'a str>,
    /// Whether kustomize's own way to set the namespace gives what is wanted.
    sets_namespace: bool,
    /// Names of the project's service accounts, whose namespace kustomize writes to bindings.
    accounts: BTreeSet<&'a str>,
    /// How many objects of the build have a kind and name.
    named: BTreeMap<(&'a str, &'a str), usize>,
}

impl<'a> Stack<'a> {
    fn new(objects: &'a [Object], pinned: &'a Pinned, namespace: &'a str) -> Self {
        let kept: BTreeMap<usize, &Object> = objects
            .iter()
            .filter_map(|object| Some((*pinned.by_id.get(&id(object))?, object)))
            .collect();
        let accounts = objects
            .iter()
            .filter(|object| object.kind() == "ServiceAccount")
            .map(Object::name);
        let mut named: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let removed = pinned.objects.iter().enumerate();
        let removed = removed.filter(|(index, _)| !kept.contains_key(index));
        for object in objects.iter().chain(removed.map(|(_, object)| object)) {
            *named.entry((object.kind(), object.name())).or_default() += 1;
        }
        let mut stack = Stack {
            pinned,
            namespace,
            kept,
            labels: common_labels(objects),
            sets_namespace: true,
            accounts: accounts.collect(),
            named,
        };
        let subjects = || objects.iter().flat_map(subjects);
        // Where references would be changed that nobody can change back, the base stays out of it.
        if subjects().any(|subject| stack.takes_for_account(subject)) {
            stack.kept.clear();
        }
        stack.sets_namespace = !subjects().any(|subject| stack.takes_for_own(subject));
        let base: Vec<&Object> = stack
            .kept
            .keys()
            .map(|index| &pinned.objects[*index])
            .collect();
        stack.labels.retain(|key, value| {
            let given = |object: &&Object| label(object, key) == Some(*value);
            !base.iter().all(given)
        });
        stack
    }

    fn is_kept(&self, object: &Object) -> bool {
        let index = self.pinned.by_id.get(&id(object));
        index.is_some_and(|index| self.kept.contains_key(index))
    }

    /// Returns entries of `patches` that remove what the project does without.
    ///
    /// Each is an entry of its own: kustomize v5.5.0 crashes over a file with several of them.
    fn removals(&self) -> impl Iterator<Item = Value> {
        let objects = self.pinned.objects.iter().enumerate();
        let removed = objects.filter(|(index, _)| !self.kept.contains_key(index));
        removed.map(|(_, object)| {
            let delete = Map::from_iter([("$patch".to_owned(), json!("delete"))]);
            let mut text = String::new();
            yaml::emit(&document(object, delete), &mut text);
            json!({"patch": text})
        })
    }

    /// Returns what makes an object out of the base's; `None` for one that the base does not have, or has just so.
    fn delta(&self, object: &Object) -> Option<Delta> {
        let index = *self.pinned.by_id.get(&id(object))?;
        let base = &self.pinned.objects[index];
        let target = self.before_transformers(&base.body, object);
        let namespace = object.namespace();
        let set = !namespace.is_empty()
            && (!self.sets_namespace
                || patch::is_known_as_cluster_scoped(object.api_version(), object.kind()));
        let namespace =
            set.then(|| json!({"op": "add", "path": "/metadata/namespace", "value": namespace}));
        let mut delta = delta(&base.body, &target);
        if !builds(base, &delta, &target) {
            delta = Delta {
                merge: Map::new(),
                steps: steps(&base.body, &target),
            };
            assert!(
                builds(base, &delta, &target),
                "JSON 6902 steps build any object: {}",
                object.key()
            );
        }
        delta.steps.extend(namespace);
        (delta != Delta::default()).then_some(delta)
    }

    /// Returns an object without what the transformers of the kustomization will give it.
    fn before_transformers(&self, base: &Value, object: &Object) -> Value {
        let mut body = object.body.clone();
        let metadata = &mut body["metadata"];
        if let Value::Object(metadata) = metadata {
            metadata.shift_remove("namespace");
        }
        let former = base.pointer("/metadata/labels");
        if let Some(Value::Object(labels)) = metadata.get_mut("labels") {
            for key in self.labels.keys() {
                match former.and_then(|former| former.get(key)) {
                    Some(former) => labels[*key] = former.clone(),
                    None => {
                        labels.shift_remove(*key);
                    }
                }
            }
            if labels.is_empty() && former.is_none() {
                metadata
                    .as_object_mut()
                    .expect("labels were found below")
                    .shift_remove("labels");
            }
        }
        if self.sets_namespace && object.kind() == "RoleBinding" {
            let subjects = body.get_mut("subjects").and_then(Value::as_array_mut);
            let subjects = subjects.into_iter().flatten().enumerate();
            for (index, subject) in subjects {
                let own = subject["kind"] == "ServiceAccount"
                    && subject["namespace"] == self.namespace
                    && subject["name"]
                        .as_str()
                        .is_some_and(|name| name == "default" || self.accounts.contains(name));
                let bare = base
                    .pointer(&format!("/subjects/{index}"))
                    .is_some_and(|former| former.get("namespace").is_none());
                if own
                    && bare
                    && let Value::Object(subject) = subject
                {
                    subject.shift_remove("namespace");
                }
            }
        }
        body
    }

    /// Tells whether kustomize's `namespace` would move a subject into the namespace that is from elsewhere.
    ///
    /// It moves every subject called `default`, whoever is meant.
    /// Source: `roleBindingHack` of kustomize v5.5.0 (yaml-and-patches §7).
    fn takes_for_own(&self, subject: &Value) -> bool {
        text(subject, "name") == Some("default")
            && text(subject, "namespace") != Some(self.namespace)
    }

    /// Tells whether kustomize would take a user or group for a service account, and give it a namespace.
    ///
    /// It does so by the name alone, as soon as the account itself comes into a namespace, in whichever way.
    /// Source: the name references of kustomize v5.5.0, observed.
    fn takes_for_account(&self, subject: &Value) -> bool {
        text(subject, "namespace").is_none()
            && text(subject, "name").is_some_and(|name| self.accounts.contains(name))
    }

    /// Returns the entry of `patches` with steps for one object.
    fn entry(&self, object: &Object, steps: &[Value]) -> Value {
        let mut target = Map::new();
        if self.named[&(object.kind(), object.name())] > 1 {
            target.insert("group".to_owned(), json!(exactly(object.group())));
            target.insert("version".to_owned(), json!(exactly(object.version())));
        }
        target.insert("kind".to_owned(), json!(exactly(object.kind())));
        target.insert("name".to_owned(), json!(exactly(object.name())));
        let mut text = String::new();
        yaml::emit(&Value::Array(steps.to_vec()), &mut text);
        json!({"target": target, "patch": text})
    }
}

/// Returns the subjects of a binding; other objects have none.
fn subjects(object: &Object) -> impl Iterator<Item = &Value> {
    let binding = object.kind().ends_with("RoleBinding");
    let subjects = object.body.get("subjects").filter(|_| binding);
    subjects.and_then(Value::as_array).into_iter().flatten()
}

fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field)?.as_str()
}

/// Returns the beginning of a kustomization.
fn kustomization() -> Map<String, Value> {
    Map::from_iter([
        (
            "apiVersion".to_owned(),
            json!("kustomize.config.k8s.io/v1beta1"),
        ),
        ("kind".to_owned(), json!("Kustomization")),
    ])
}

fn written<'v>(documents: impl IntoIterator<Item = &'v Value>, base: Option<&str>) -> String {
    let mut text = layout::first_line(base, Form::Kustomize);
    yaml::emit_documents(documents, &mut text);
    text
}

/// Returns a strategic merge patch that names its object.
fn document(object: &Object, fields: Map<String, Value>) -> Value {
    let mut document = Map::from_iter([
        ("apiVersion".to_owned(), json!(object.api_version())),
        ("kind".to_owned(), json!(object.kind())),
        ("metadata".to_owned(), json!({"name": object.name()})),
    ]);
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("metadata", Value::Object(below)) => {
                let metadata = document["metadata"].as_object_mut();
                metadata.expect("made above").extend(below);
            }
            (_, value) => {
                document.insert(key, value);
            }
        }
    }
    Value::Object(document)
}

/// Tells whether our own engine, which gives what kustomize gives for such patches, builds the target.
fn builds(base: &Object, delta: &Delta, target: &Value) -> bool {
    let mut objects = vec![base.clone()];
    let mut apply = |operation: Result<Operation, patch::PatchError>| {
        let Ok(operation) = operation else {
            return false;
        };
        let patch = Patch {
            target: Some(Target::default()),
            operation,
        };
        patch::apply(&patch, &mut objects).is_ok()
    };
    let merged =
        delta.merge.is_empty() || apply(Operation::strategic(document(base, delta.merge.clone())));
    let stepped =
        delta.steps.is_empty() || apply(Operation::json6902(Value::Array(delta.steps.clone())));
    merged && stepped && objects.first().is_some_and(|built| built.body == *target)
}

/// Returns the labels that every object has with one value.
fn common_labels(objects: &[Object]) -> BTreeMap<&str, &str> {
    let Some((first, rest)) = objects.split_first() else {
        return BTreeMap::new();
    };
    let labels = first.body.pointer("/metadata/labels");
    let labels = labels.and_then(Value::as_object).into_iter().flatten();
    labels
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .filter(|(key, value)| rest.iter().all(|object| label(object, key) == Some(value)))
        .collect()
}

fn label<'o>(object: &'o Object, key: &str) -> Option<&'o str> {
    let labels = object.body.pointer("/metadata/labels")?;
    labels.get(key)?.as_str()
}

/// Returns a regular expression for a text and nothing else.
fn exactly(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests;
