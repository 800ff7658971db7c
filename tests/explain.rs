//! Origins: every value of every object of the example fleet and of the golden cases has one, and it is true.

mod compiler;

use std::collections::{BTreeMap, BTreeSet};

use compiler::{bases, files_below, load, root};
use serde_json::Value;
use tenantry::compile::Compilation;
use tenantry::config::{self, Node};
use tenantry::diagnostic::Diagnostics;
use tenantry::explain::{Explained, Sources, explain, field, platform, wired_project};
use tenantry::model::Project;
use tenantry::plan::{self, behind};
use tenantry::source;
use tenantry::trace::{By, Followed};
use tenantry::yaml::{LoadOptions, load_one};

/// A compiled case.
struct Case {
    name: String,
    texts: source::Sources,
    tree: Node,
    compilation: Compilation,
}

/// The example fleet, and the golden cases.
fn cases() -> Vec<Case> {
    let golden = root().join("tests/golden");
    let mut directories: Vec<_> = std::fs::read_dir(golden)
        .expect("the cases can be listed")
        .map(|entry| entry.expect("a case can be read").path())
        .collect();
    directories.sort();
    let mut cases: Vec<Case> = directories
        .iter()
        .map(|case| {
            let inputs: BTreeMap<String, String> = files_below(case)
                .into_iter()
                .filter(|(path, _)| !path.starts_with("expected/"))
                .collect();
            Case::new(
                &case.display().to_string(),
                &inputs["projects.yaml"],
                &inputs,
            )
        })
        .collect();
    let fleet = std::fs::read_to_string(root().join("projects.yaml")).expect("the example fleet");
    cases.push(Case::new("the example fleet", &fleet, &BTreeMap::new()));
    cases
}

impl Case {
    fn new(name: &str, projects: &str, extra: &BTreeMap<String, String>) -> Case {
        let mut diagnostics = Diagnostics::default();
        let (texts, file, compilation) = load(projects, bases(), extra, &mut diagnostics);
        let compilation = compilation.unwrap_or_else(|_| panic!("{name}: {diagnostics:?}"));
        let tree = config::parse(&texts, file, &mut diagnostics).expect("it was read before");
        Case {
            name: name.to_owned(),
            texts,
            tree,
            compilation,
        }
    }

    fn sources<'a>(&'a self, project: &'a Project) -> Sources<'a> {
        let base = Some(self.compilation.base_of(project));
        Sources::new(
            &self.tree,
            Some(project),
            &project.cluster,
            base,
            &self.texts,
        )
    }

    fn followed(&self, project: &Project) -> Vec<Followed> {
        let mut found = Diagnostics::default();
        self.compilation
            .followed(project, &self.texts, &mut found)
            .unwrap_or_else(|_| panic!("{}: {found:?}", self.name))
    }
}

#[test]
fn every_value_has_an_origin() {
    let mut by: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = BTreeSet::new();
    for case in cases() {
        for project in &case.compilation.model.projects {
            let followed = case.followed(project);
            let mut found = Diagnostics::default();
            let objects = case
                .compilation
                .objects(project, &mut found)
                .expect("it renders");
            let same: Vec<_> = followed
                .iter()
                .map(|followed| followed.object.clone())
                .collect();
            assert!(
                same == objects,
                "{}: {} is the same when it is followed",
                case.name,
                project.name
            );
            let sources = case.sources(project);
            for followed in &followed {
                let values = explain(followed, "", &sources);
                let place = format!("{} {} {}", case.name, project.name, followed.object.key());
                let leaves: BTreeSet<String> =
                    values.iter().map(|value| value.pointer.clone()).collect();
                assert_eq!(leaves, leaves_of(&followed.object.body), "{place}");
                for value in &values {
                    check(
                        value,
                        followed,
                        &case,
                        &format!("{place} {}", value.path),
                        &mut wrong,
                    );
                    let last = value.history.last().expect("checked");
                    *by.entry(format!("{:?}", last.by)).or_default() += 1;
                }
            }
        }
        for cluster in &case.compilation.model.clusters {
            let mut found = Diagnostics::default();
            let Ok((followed, base)) =
                case.compilation
                    .cluster_followed(cluster, &case.texts, &mut found)
            else {
                continue;
            };
            let sources = Sources::new(&case.tree, None, &cluster.name, Some(base), &case.texts);
            for followed in &followed {
                let place = format!("{} {}", case.name, followed.object.key());
                for value in explain(followed, "", &sources) {
                    check(
                        &value,
                        followed,
                        &case,
                        &format!("{place} {}", value.path),
                        &mut wrong,
                    );
                }
            }
        }
        let model = &case.compilation.model;
        for number in case.compilation.directories(None) {
            let path = case.compilation.path(number);
            let mut found = Diagnostics::default();
            let objects = case
                .compilation
                .without_base(number, &mut found)
                .expect("it renders");
            let cluster = model
                .clusters
                .iter()
                .find(|cluster| path.starts_with(&format!("{}/", cluster.name)));
            let cluster = cluster.expect("a directory lies below its cluster's");
            for followed in platform(&objects, cluster, model) {
                let project = wired_project(&followed.object, model);
                let base = project.map(|project| case.compilation.base_of(project));
                let sources = Sources::new(&case.tree, project, &cluster.name, base, &case.texts);
                let place = format!("{} {path} {}", case.name, followed.object.key());
                for value in explain(&followed, "", &sources) {
                    check(
                        &value,
                        &followed,
                        &case,
                        &format!("{place} {}", value.path),
                        &mut wrong,
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let kinds: Vec<&str> = by
        .keys()
        .map(|by| by.split('(').next().unwrap_or_default())
        .collect();
    for kind in [
        "Manifest",
        "Component",
        "ComponentPatch",
        "Extra",
        "Patch",
        "Tenantry",
    ] {
        assert!(
            kinds.contains(&kind),
            "no value of the cases is set by {kind}: {by:?}"
        );
    }
}

/// Checks what is known about one value.
fn check(
    explained: &Explained,
    followed: &Followed,
    case: &Case,
    place: &str,
    wrong: &mut BTreeSet<String>,
) {
    let value = followed
        .object
        .body
        .pointer(&explained.pointer)
        .expect("a place in the object");
    assert_eq!(&explained.value, value, "{place}");
    let again = field::resolve(&followed.object, &explained.path);
    if again.as_ref() != Ok(&explained.pointer) {
        wrong.insert(format!("{place} leads to {again:?}"));
    }
    let last = explained
        .history
        .last()
        .unwrap_or_else(|| panic!("{place} has no origin"));
    assert_eq!(&last.value, value, "{place}");
    for (number, told) in explained.history.iter().enumerate() {
        if !matches!(told.by, By::Tenantry(_)) {
            let span = told
                .place
                .unwrap_or_else(|| panic!("{place}: {:?} has no place", told.by));
            if told.from.is_empty() && told.brought.is_none() && told.note.is_empty() {
                let text = case.texts.text(span);
                if !holds(text, &told.value) {
                    wrong.insert(format!("{place}: {:?} is not `{text}`", told.value));
                }
            }
        }
        if let Some(before) = number.checked_sub(1) {
            assert_ne!(explained.history[before].value, told.value, "{place}");
        }
    }
}

/// Tells whether the text of a node says a value; of a text of several lines, the first one is looked for.
fn holds(text: &str, value: &Value) -> bool {
    if let Ok(document) = load_one(text, &LoadOptions::default())
        && document.value == *value
    {
        return true;
    }
    match value {
        Value::String(long) if long.contains('\n') || long.len() > 60 => {
            let first = long
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or_default();
            let words: Vec<&str> = first.split_whitespace().take(3).collect();
            words.iter().all(|word| text.contains(word))
        }
        Value::String(_) => text.contains("{%"),
        _ => false,
    }
}

fn leaves_of(value: &Value) -> BTreeSet<String> {
    fn collect(value: &Value, pointer: &str, leaves: &mut BTreeSet<String>) {
        let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, below) in map {
                    collect(below, &format!("{pointer}/{}", escaped(key)), leaves);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (index, below) in items.iter().enumerate() {
                    collect(below, &format!("{pointer}/{index}"), leaves);
                }
            }
            _ => {
                leaves.insert(pointer.to_owned());
            }
        }
    }
    let mut leaves = BTreeSet::new();
    collect(value, "", &mut leaves);
    leaves
}

#[test]
fn everything_that_templates_see_has_settings_behind_it() {
    let schema = tenantry::schema::schema();
    let mut wrong = BTreeSet::new();
    for case in cases() {
        for project in &case.compilation.model.projects {
            let base = case.compilation.base_of(project);
            let model = &case.compilation.model;
            let cluster = model
                .clusters
                .iter()
                .find(|cluster| cluster.name == project.cluster);
            let cluster = cluster.expect("a project has a cluster");
            let mut found = Diagnostics::default();
            let plan = plan::resolve(project, cluster, base, &mut found).expect("it is planned");
            let scope = plan::scope(project, cluster, &plan);
            for variable in ["project", "plan", "platform"] {
                let value = scope.get(&[variable.to_owned()]).expect("a variable");
                for pointer in leaves_of(value) {
                    let mut path = vec![variable.to_owned()];
                    path.extend(
                        pointer
                            .split('/')
                            .skip(1)
                            .map(|step| step.replace("~1", "/").replace("~0", "~")),
                    );
                    let settings = behind::settings(&path, project, base);
                    let place = format!("{} {}: {path:?}", case.name, project.name);
                    if settings.is_empty() {
                        wrong.insert(place.clone());
                    }
                    for setting in settings {
                        let (root, pointer) = match &setting {
                            behind::Setting::Project(pointer) => ("/projects/0", pointer),
                            behind::Setting::Platform(pointer) if pointer == "/server" => {
                                ("/platform/clusters/x", pointer)
                            }
                            behind::Setting::Platform(pointer) => ("/platform", pointer),
                            behind::Setting::File(pointer) => ("", pointer),
                            behind::Setting::Base(_) => continue,
                        };
                        let full = format!("{root}{pointer}");
                        if !knows(&schema, &schema, &full) {
                            wrong.insert(format!("{place}: the language has no `{full}`"));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Tells whether a JSON Schema allows something at a pointer.
fn knows(root: &Value, schema: &Value, pointer: &str) -> bool {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(reference.trim_start_matches('#'));
        return target.is_some_and(|target| knows(root, target, pointer));
    }
    let alternatives = ["anyOf", "oneOf", "allOf"];
    let below = alternatives
        .iter()
        .filter_map(|key| schema.get(key)?.as_array())
        .flatten();
    if below.clone().any(|schema| knows(root, schema, pointer)) {
        return true;
    }
    let Some((step, rest)) = pointer
        .strip_prefix('/')
        .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
    else {
        return true;
    };
    let rest = if rest.is_empty() {
        String::new()
    } else {
        format!("/{rest}")
    };
    let property = schema
        .get("properties")
        .and_then(|properties| properties.get(step));
    let any = schema
        .get("additionalProperties")
        .filter(|any| any.is_object());
    let item = schema
        .get("items")
        .filter(|_| step.parse::<usize>().is_ok());
    let free = schema.as_bool() == Some(true)
        || (schema.get("properties").is_none()
            && schema.get("additionalProperties") == Some(&Value::Bool(true)));
    free || [property, any, item]
        .into_iter()
        .flatten()
        .any(|schema| knows(root, schema, &rest))
}
