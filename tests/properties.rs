//! What holds for every rendered tree, whatever the fleet: checked on all golden fleets and on the example fleet.
//!
//! Source of the rules: commands-and-output §3.

mod compiler;
#[path = "properties/yaml11.rs"]
mod yaml11;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use compiler::{compile, compile_with, files_below, object, root};
use serde_json::{Map, Value};
use tenantry::object::{Object, ObjectKey, is_cluster_scoped};
use tenantry::yaml::{self, LoadOptions};

type Tree = BTreeMap<String, String>;

/// A `projects.yaml`, the files that it names, and what it renders to.
struct Fleet {
    name: String,
    inputs: Tree,
    tree: Tree,
    objects: Vec<Found>,
}

impl Fleet {
    fn projects(&self) -> &str {
        &self.inputs["projects.yaml"]
    }

    /// Compiles another `projects.yaml` beside the same files.
    #[track_caller]
    fn compile(&self, projects: &str, jobs: usize) -> Tree {
        let outcome = compile_with(projects, &self.inputs, jobs);
        assert!(
            !outcome.tree.is_empty(),
            "{}: {:#?}",
            self.name,
            outcome.findings
        );
        outcome.tree
    }
}

/// Returns all fleets; they are compiled once for all tests.
fn fleets() -> &'static [Fleet] {
    static FLEETS: OnceLock<Vec<Fleet>> = OnceLock::new();
    FLEETS.get_or_init(|| {
        let mut fleets = read_fleets();
        for fleet in &mut fleets {
            fleet.tree = fleet.compile(fleet.projects(), 2);
            fleet.objects = everything(&fleet.name, &fleet.tree);
        }
        fleets
    })
}

fn read_fleets() -> Vec<Fleet> {
    let golden = root().join("tests/golden");
    let mut names: Vec<String> = std::fs::read_dir(&golden)
        .expect("the cases can be listed")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    let mut fleets: Vec<Fleet> = names
        .into_iter()
        .map(|name| {
            let mut inputs = files_below(&golden.join(&name));
            inputs.retain(|path, _| !path.starts_with("expected/"));
            Fleet {
                name,
                inputs,
                tree: Tree::new(),
                objects: Vec::new(),
            }
        })
        .collect();
    let mut example = files_below(&root().join("extra"));
    example = example
        .into_iter()
        .map(|(path, text)| (format!("extra/{path}"), text))
        .collect();
    let projects = std::fs::read_to_string(root().join("projects.yaml")).expect("the example");
    example.insert("projects.yaml".to_owned(), projects);
    fleets.push(Fleet {
        name: "the example fleet".to_owned(),
        inputs: example,
        tree: Tree::new(),
        objects: Vec::new(),
    });
    assert!(fleets.len() > 15, "only {} fleets", fleets.len());
    fleets
}

/// One object of a tree.
struct Found {
    /// For messages: fleet, file, object.
    place: String,
    cluster: String,
    /// The directory below the cluster's: the namespace of a project, or a name that begins with `_`.
    directory: String,
    object: Object,
}

impl Found {
    fn is_of_a_project(&self) -> bool {
        !self.directory.starts_with('_')
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.object.body["metadata"]["labels"][key].as_str()
    }
}

fn everything(name: &str, tree: &Tree) -> Vec<Found> {
    let mut all = Vec::new();
    for (path, text) in tree {
        let (cluster, below) = path.split_once('/').expect("a cluster's directory");
        let (directory, _) = below.split_once('/').expect("a directory");
        for document in yaml::load(text, &LoadOptions::default()).expect("we wrote it") {
            let object = Object {
                body: document.value,
                file: String::new(),
            };
            all.push(Found {
                place: format!("{name}: {path}: {}", object.key()),
                cluster: cluster.to_owned(),
                directory: directory.to_owned(),
                object,
            });
        }
    }
    all
}

/// Calls `check` with every object of every fleet and gathers what it finds wrong.
#[track_caller]
fn for_each_object(mut check: impl FnMut(&Found) -> Vec<String>) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for fleet in fleets() {
        for found in &fleet.objects {
            count += 1;
            wrong.extend(
                check(found)
                    .into_iter()
                    .map(|problem| format!("{}: {problem}", found.place)),
            );
        }
    }
    assert!(count > 1000, "only {count} objects");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the paths of which the texts differ.
fn differing(one: &Tree, other: &Tree) -> BTreeSet<String> {
    let paths = one.keys().chain(other.keys());
    paths
        .filter(|path| one.get(*path) != other.get(*path))
        .cloned()
        .collect()
}

#[test]
fn the_same_inputs_in_any_order_give_the_same_bytes() {
    for fleet in fleets() {
        let again = fleet.compile(fleet.projects(), 1);
        assert_eq!(
            differing(&fleet.tree, &again),
            BTreeSet::new(),
            "{}: again",
            fleet.name
        );

        let document = yaml::load_one(fleet.projects(), &LoadOptions::default()).expect("YAML");
        let mut value = document.value;
        let list = value["projects"].as_array_mut().expect("a list");
        if list.len() < 2 {
            continue;
        }
        list.reverse();
        list.rotate_left(1);
        let mut text = String::new();
        yaml::emit(&value, &mut text);
        let turned = fleet.compile(&text, 2);
        assert_eq!(
            differing(&fleet.tree, &turned),
            BTreeSet::new(),
            "{}: turned",
            fleet.name
        );
    }
}

/// Changes of one project.
const CHANGES: [&str; 12] = [
    "labels: {cost-center: a}",
    "annotations: {example.com/a: b}",
    "description: other",
    "quota: {requests.cpu: 4}",
    "members: {viewers: [\"group:auditors\"]}",
    "components: {ui: {resources: {requests: {cpu: 50m}}}}",
    "components: {apiServer: {env: {CLIENTQPS: \"50\"}}}",
    "database: {embedded: {engine: mysql}}",
    "objectStore: {embedded: {engine: minio, bucket: artifacts}}",
    "network: {egress: restricted}",
    "state: paused",
    "ring: canary",
];

#[test]
fn a_change_of_one_project_stays_its_own() {
    let fleet = |change: &str| {
        format!(
            "version: 1\nplatform: {{base: kfp-2.17.0, repository: {{url: \"https://git.example.com/a.git\"}}, sync: [argocd, flux], network: {{apiServer: [10.0.0.1/32]}}}}\ndefaults: {{ring: stable}}\nprojects:\n- {{name: aa}}\n- {{name: bb{change}}}\n- {{name: bb-c}}\n- {{name: cc, ring: canary}}\n"
        )
    };
    let before = compile(&fleet(""));
    for change in CHANGES {
        let after = compile(&fleet(&format!(", {change}")));
        let differing = differing(&before, &after);
        let others: BTreeSet<String> = differing
            .iter()
            .filter(|path| !path.starts_with("in-cluster/bb/"))
            .cloned()
            .collect();
        assert!(others.len() < differing.len(), "{change} does nothing");
        for path in &others {
            assert!(
                path.starts_with("in-cluster/_sync/"),
                "{change} changes {path}"
            );
        }
        let part = |tree: &Tree| -> BTreeMap<(String, String), Value> {
            let mut tree = tree.clone();
            tree.retain(|path, _| others.contains(path));
            everything(change, &tree)
                .into_iter()
                .map(|found| {
                    (
                        (found.place.clone(), found.object.key().to_string()),
                        found.object.body,
                    )
                })
                .collect()
        };
        let (old, new) = (part(&before), part(&after));
        for key in old.keys().chain(new.keys()) {
            let found = new.get(key).or(old.get(key)).expect("a key of either");
            let own = found["metadata"]["labels"]["tenantry.dev/project"] == "bb";
            // What stands above all applications lists the rings, never the projects.
            let text = found.to_string();
            let above = !text.contains("aa") && !text.contains("cc");
            let same = old.get(key) == new.get(key);
            assert!(same || own || above, "{change} changes {key:?}");
        }
    }
}

#[test]
fn objects_of_a_project_lie_in_its_namespace() {
    for_each_object(|found| {
        let object = &found.object;
        let expect = match is_cluster_scoped(object.group(), object.kind()) {
            _ if !found.is_of_a_project() => return Vec::new(),
            true => "",
            false => &found.directory,
        };
        let mut wrong = Vec::new();
        if object.namespace() != expect {
            wrong.push(format!("lies in `{}`", object.namespace()));
        }
        if object.kind() == "Namespace" && object.name() != found.directory {
            wrong.push("is another project's Namespace".to_owned());
        }
        wrong
    });
}

#[test]
fn no_object_is_there_twice() {
    let mut seen: BTreeMap<(String, String, String, ObjectKey), String> = BTreeMap::new();
    for_each_object(|found| {
        // Wiring of two clusters goes to where the tools run, and may be the same cluster.
        let fleet = found.place.split(':').next().expect("a fleet").to_owned();
        let scope = if found.directory == "_sync" {
            found.place.clone()
        } else {
            String::new()
        };
        let key = (fleet, found.cluster.clone(), scope, found.object.key());
        let earlier = seen.insert(key, found.place.clone());
        earlier
            .map(|earlier| format!("is also {earlier}"))
            .into_iter()
            .collect()
    });
}

/// Maps that say something when they are empty: "everything", "with defaults".
const MEANINGFUL: [&str; 4] = ["emptyDir", "namespaceSelector", "podSelector", "selfSigned"];

#[test]
fn nothing_is_written_that_says_nothing() {
    fn look(value: &Value, key: &str, pointer: &str, wrong: &mut Vec<String>) {
        match value {
            Value::Null => wrong.push(format!("{pointer} is null")),
            Value::Object(map) if map.is_empty() && !MEANINGFUL.contains(&key) => {
                wrong.push(format!("{pointer} is empty"));
            }
            Value::Object(map) => {
                for (key, below) in map {
                    look(below, key, &format!("{pointer}/{key}"), wrong);
                }
            }
            Value::Array(list) => {
                for (index, below) in list.iter().enumerate() {
                    look(below, "", &format!("{pointer}/{index}"), wrong);
                }
            }
            _ => {}
        }
    }
    for_each_object(|found| {
        let mut wrong = Vec::new();
        let body = &found.object.body;
        // The schemas of definitions are upstream's, and an empty one allows everything.
        if found.object.kind() != "CustomResourceDefinition" {
            look(body, "", "", &mut wrong);
        }
        if body.get("status").is_some() {
            wrong.push("has a status".to_owned());
        }
        wrong
    });
}

#[test]
fn every_object_is_labelled() {
    for_each_object(|found| {
        let mut wrong = Vec::new();
        for key in ["name", "component", "part-of", "managed-by", "version"] {
            let key = format!("app.kubernetes.io/{key}");
            if found.label(&key).is_none_or(str::is_empty) {
                wrong.push(format!("has no `{key}`"));
            }
        }
        if found.label("app.kubernetes.io/managed-by") != Some("tenantry") {
            wrong.push("is managed by somebody else".to_owned());
        }
        if found.is_of_a_project() && found.label("tenantry.dev/project").is_none() {
            wrong.push("has no `tenantry.dev/project`".to_owned());
        }
        wrong
    });
}

/// Returns every selector below a value: pointer and labels.
fn selectors(value: &Value, pointer: &str, found: &mut Vec<(String, Map<String, Value>)>) {
    let Value::Object(map) = value else {
        if let Value::Array(list) = value {
            for (index, below) in list.iter().enumerate() {
                selectors(below, &format!("{pointer}/{index}"), found);
            }
        }
        return;
    };
    for (key, below) in map {
        let pointer = format!("{pointer}/{key}");
        if matches!(
            key.as_str(),
            "selector" | "podSelector" | "matchLabels" | "labelSelector"
        ) && let Some(labels) = below.as_object()
        {
            let labels = labels.iter().filter(|(_, value)| value.is_string());
            let labels: Map<String, Value> = labels
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            if !labels.is_empty() {
                found.push((pointer.clone(), labels));
            }
        }
        selectors(below, &pointer, found);
    }
}

#[test]
fn selectors_name_nothing_that_changes() {
    for_each_object(|found| {
        if !found.is_of_a_project() {
            return Vec::new();
        }
        let mut all = Vec::new();
        selectors(&found.object.body["spec"], "/spec", &mut all);
        let changing = |key: &str| {
            matches!(
                key,
                "app.kubernetes.io/version" | "tenantry.dev/ring" | "tenantry.dev/config-hash"
            ) || key == "cost-center"
        };
        all.iter()
            .flat_map(|(pointer, labels)| labels.keys().map(move |key| (pointer, key)))
            .filter(|(_, key)| changing(key))
            .map(|(pointer, key)| format!("{pointer} names `{key}`"))
            .collect()
    });
}

#[test]
fn selectors_outlive_every_setting_and_release() {
    let tree = |base: &str, settings: &str| {
        let projects = format!(
            "version: 1\nplatform: {{base: {base}}}\nprojects:\n- {{name: aa, database: {{embedded: {{engine: mysql}}}}, objectStore: {{embedded: {{engine: minio}}}}{settings}}}\n"
        );
        let outcome = compile_with(&projects, &Tree::new(), 1);
        assert!(!outcome.tree.is_empty(), "{:#?}", outcome.findings);
        everything(settings, &outcome.tree)
    };
    let immutable = |found: &Found| match found.object.kind() {
        "Deployment" | "StatefulSet" | "Service" => Some((
            found.object.key(),
            found.object.body["spec"]["selector"].clone(),
        )),
        _ => None,
    };
    let expect: BTreeMap<ObjectKey, Value> = tree("kfp-2.17.0", "")
        .iter()
        .filter_map(immutable)
        .collect();
    assert!(expect.len() > 12, "{}", expect.len());
    for (base, settings) in [
        ("kfp-2.17.0", ", labels: {cost-center: a}, ring: canary"),
        ("kfp-2.17.0", ", state: paused"),
        (
            "kfp-2.17.0",
            ", components: {ui: {image: \"example.com/ui:2\"}, apiServer: {env: {CLIENTQPS: \"50\"}}}",
        ),
        ("kfp-2.15.0", ""),
    ] {
        let mut same = 0;
        for (key, selector) in tree(base, settings).iter().filter_map(immutable) {
            if let Some(expect) = expect.get(&key) {
                assert_eq!(&selector, expect, "{base}{settings}: {key}");
                same += 1;
            }
        }
        assert!(same > 10, "{base}{settings}: {same}");
    }
}

#[test]
fn what_holds_data_is_not_pruned() {
    let mut kinds: BTreeSet<String> = BTreeSet::new();
    for_each_object(|found| {
        let object = &found.object;
        let is_generator = object.kind() == "Job" && found.place.contains("/secrets.yaml");
        let holds_data = matches!(
            object.kind(),
            "Namespace" | "PersistentVolumeClaim" | "ExternalSecret" | "Password"
        );
        if !found.is_of_a_project() || !(holds_data || is_generator) {
            return Vec::new();
        }
        kinds.insert(object.kind().to_owned());
        let annotation = |key: &str| {
            object.body["metadata"]["annotations"][key]
                .as_str()
                .unwrap_or("")
        };
        let mut wrong = Vec::new();
        let options: Vec<&str> = annotation("argocd.argoproj.io/sync-options")
            .split(',')
            .collect();
        if !(options.contains(&"Prune=confirm") && options.contains(&"Delete=confirm")) {
            wrong.push(format!("may be pruned by Argo CD: {options:?}"));
        }
        if annotation("kustomize.toolkit.fluxcd.io/prune") != "disabled" {
            wrong.push("may be pruned by Flux".to_owned());
        }
        wrong
    });
    let expect = [
        "ExternalSecret",
        "Job",
        "Namespace",
        "Password",
        "PersistentVolumeClaim",
    ];
    assert!(kinds.iter().eq(expect.iter()), "{kinds:?}");
}

/// Names of projects that YAML 1.1 takes for something else than text.
const NAMES: [&str; 10] = [
    "no", "on", "y", "n", "off", "1e3", "0777", "null", "12-30", "true",
];

fn misleading() -> Tree {
    let mut projects = "version: 1\nplatform: {base: kfp-2.17.0, repository: {url: \"https://git.example.com/a.git\"}, sync: [argocd, flux]}\nprojects:\n".to_owned();
    for name in NAMES {
        projects.push_str(&format!("- {{name: \"{name}\", labels: {{example.com/of: \"{name}\"}}, annotations: {{example.com/of: \"{name}\"}}}}\n"));
    }
    let outcome = compile_with(&projects, &Tree::new(), 2);
    assert!(!outcome.tree.is_empty(), "{:#?}", outcome.findings);
    outcome.tree
}

#[test]
fn readers_of_either_yaml_see_the_same_strings() {
    let misleading = misleading();
    let mut trees = vec![("misleading names", &misleading)];
    trees.extend(
        fleets()
            .iter()
            .map(|fleet| (fleet.name.as_str(), &fleet.tree)),
    );
    let mut count = 0;
    for (name, tree) in trees {
        for (path, text) in tree {
            for (line, plain) in yaml11::plain_values(text) {
                count += 1;
                let disagree = yaml11::is_text_to_some(plain);
                assert!(!disagree, "{name}: {path}:{line}: `{plain}` is not quoted");
            }
        }
    }
    assert!(count > 10_000, "only {count} values");
    for name in NAMES {
        for found in everything("", &misleading)
            .iter()
            .filter(|found| found.directory == name)
        {
            assert_eq!(
                found.label("tenantry.dev/project"),
                Some(name),
                "{}",
                found.place
            );
        }
        let namespace = &misleading[&format!("in-cluster/{name}/namespace.yaml")];
        assert!(
            namespace.contains(&format!("  name: \"{name}\"\n")),
            "{namespace}"
        );
    }
}

#[test]
fn kubectl_sees_the_same_strings() {
    if Command::new("kubectl")
        .arg("version")
        .arg("--client")
        .output()
        .is_err()
    {
        println!("kubectl is not there: nothing was compared");
        return;
    }
    let tree = misleading();
    for name in ["no", "0777", "1e3", "12-30"] {
        let prefix = format!("in-cluster/{name}/");
        let files = tree.iter().filter(|(path, _)| path.starts_with(&prefix));
        let text: Vec<&str> = files.map(|(_, text)| text.as_str()).collect();
        let theirs = annotated(&text.join("\n---\n"));
        let ours = compiler::objects(&tree, &format!("in-cluster/{name}"));
        assert_eq!(theirs.len(), ours.len(), "{name}");
        for object_of_ours in &ours {
            let metadata = &object_of_ours["metadata"];
            let id = format!(
                "{}/{}",
                object_of_ours["kind"].as_str().expect("a kind"),
                metadata["name"].as_str().expect("a name")
            );
            let theirs = object(&theirs, &id).unwrap_or_else(|| panic!("{name}: {id}"));
            for part in ["name", "namespace", "labels"] {
                assert_eq!(
                    theirs["metadata"].get(part),
                    metadata.get(part),
                    "{name}: {id}"
                );
            }
            for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
                assert_eq!(
                    &theirs["metadata"]["annotations"][key], value,
                    "{name}: {id}"
                );
            }
            strings_agree(object_of_ours, theirs, &format!("{name}: {id}"));
        }
    }
}

/// Asserts that where one value has a text, the other has the same one, as far as it has anything there.
fn strings_agree(ours: &Value, theirs: &Value, place: &str) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, below) in ours {
                if let Some(found) = theirs.get(key) {
                    strings_agree(below, found, &format!("{place}/{key}"));
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (index, (below, found)) in ours.iter().zip(theirs).enumerate() {
                strings_agree(below, found, &format!("{place}/{index}"));
            }
        }
        (ours, theirs) => assert_eq!(ours, theirs, "{place}"),
    }
}

/// Lets `kubectl` read manifests, offline.
fn annotated(text: &str) -> Vec<Value> {
    let mut child = Command::new("kubectl")
        .args([
            "annotate",
            "--local",
            "-f",
            "-",
            "example.com/x=y",
            "-o",
            "json",
        ])
        .env("KUBECONFIG", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl runs");
    let mut input = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || std::io::Write::write_all(&mut input, text.as_bytes()));
        child.wait_with_output().expect("it ends")
    });
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    let values = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let values = values.map(|value| value.expect("JSON"));
    values
        .flat_map(|value| match value["items"].as_array() {
            Some(items) if value["kind"] == "List" => items.clone(),
            _ => vec![value],
        })
        .collect()
}
