//! Cases: the recorded ones, and generators of objects with patches that fit them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// Reads the recordings: file names and their cases.
pub(crate) fn recorded() -> Vec<(String, Vec<Value>)> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/patch");
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .expect("tests/patch is there")
        .map(|entry| entry.expect("tests/patch can be listed").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).expect("a recording can be read");
        let cases = serde_saphyr::from_str(&text).expect("a recording is a list of cases");
        (
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            cases,
        )
    };
    files.iter().map(read).collect()
}

/// An object and a patch for it.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) base: Value,
    pub(crate) target: Option<Value>,
    pub(crate) patch: Value,
}

impl Pair {
    /// Returns the pair with another name of the object.
    pub(crate) fn named(&self, name: &str) -> Pair {
        let mut pair = self.clone();
        pair.base["metadata"]["name"] = json!(name);
        match &mut pair.target {
            Some(target) => target["name"] = json!(name),
            None => pair.patch["metadata"]["name"] = json!(name),
        }
        pair
    }
}

/// Makes objects with patches of either form.
pub(crate) fn pair() -> BoxedStrategy<Pair> {
    prop_oneof![4 => strategic_pair(), 1 => json6902_pair()].boxed()
}

/// Makes objects with strategic merge patches.
pub(crate) fn strategic_pair() -> BoxedStrategy<Pair> {
    let thing = (tree(false), tree(true)).prop_map(|(base, patch)| {
        let frame = |spec| json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "d"}, "spec": spec});
        (frame(base), frame(patch))
    });
    let workload = select(vec!["Deployment", "StatefulSet", "DaemonSet"]).prop_flat_map(|kind| {
        (pod(false), pod(true), metadata(false), metadata(true)).prop_map(move |(base, patch, meta, meta_patch)| {
            let frame = |metadata, spec| {
                json!({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {"template": {"spec": spec}}})
            };
            (frame(meta, base), frame(meta_patch, patch))
        })
    });
    let service = (ports("port", false), ports("port", true)).prop_map(|(base, patch)| {
        let frame = |ports| {
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "d"}, "spec": {"ports": ports}})
        };
        (frame(base), frame(patch))
    });
    let config = (metadata(false), metadata(true), tree(false), tree(true)).prop_map(|(meta, meta_patch, base, patch)| {
        let frame = |metadata, data| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
        (frame(meta, base), frame(meta_patch, patch))
    });
    prop_oneof![2 => thing, 5 => workload, 1 => service, 1 => config]
        .prop_map(|(base, patch)| Pair {
            base,
            target: None,
            patch,
        })
        .boxed()
}

/// Makes custom objects with steps at places that they have, or nearly have.
fn json6902_pair() -> BoxedStrategy<Pair> {
    tree(false)
        .prop_flat_map(|spec| {
            let base = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "d"}, "spec": spec});
            let mut places = Vec::new();
            pointers(&base["spec"], "/spec", &mut places);
            (Just(base), vec(step(places), 1..4))
        })
        .prop_map(|(base, steps)| Pair {
            base,
            target: Some(json!({"kind": "Thing"})),
            patch: Value::from(steps),
        }).boxed()
}

fn step(places: Vec<String>) -> BoxedStrategy<Value> {
    let ops = vec!["add", "add", "replace", "remove", "copy", "move", "test"];
    let end = vec!["", "", "", "/new", "/-", "/0", "/1"];
    (
        select(ops),
        select(places.clone()),
        select(end),
        select(places),
        tree(false),
    )
        .prop_map(|(op, place, end, from, value)| {
            let path = format!("{place}{end}");
            match op {
                "copy" | "move" => json!({"op": op, "path": path, "from": from}),
                "remove" => json!({"op": op, "path": path}),
                op => json!({"op": op, "path": path, "value": value}),
            }
        })
        .boxed()
}

fn pointers(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| pointers(value, &format!("{here}/{key}"), found)),
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(index, value)| pointers(value, &format!("{here}/{index}"), found));
        }
        _ => {}
    }
}

/// Makes texts of the nastier kind.
fn text() -> BoxedStrategy<Value> {
    let texts = [
        "x",
        "",
        "yes",
        "0644",
        "1",
        "null",
        "a: b",
        "two\nlines\n",
        "é",
    ];
    select(texts.to_vec()).prop_map(Value::from).boxed()
}

/// Makes scalars that are no texts: what replaces a text that is quoted in its file, kustomize quotes too.
fn bare() -> BoxedStrategy<Value> {
    prop_oneof![
        (-3i64..1000).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(json!(1.5)),
    ]
    .boxed()
}

/// Makes mappings whose keys tell the kind of their values, so that two of them mostly fit each other.
fn tree(patch: bool) -> BoxedStrategy<Value> {
    let leaf = fields(patch, Just(json!({})));
    leaf.prop_recursive(3, 24, 4, move |inner| fields(patch, inner))
        .boxed()
}

fn fields(
    patch: bool,
    inner: impl Strategy<Value = Value> + Clone + 'static,
) -> BoxedStrategy<Value> {
    let null = if patch { 2 } else { 1 };
    let element =
        prop_oneof![2 => text(), 1 => bare(), 1 => Just(Value::Null), 1 => plain(inner.clone())];
    let list = vec(element, 0..3).prop_map(Value::from);
    let or_null =
        |value: BoxedStrategy<Value>| prop_oneof![8 => value, null => Just(Value::Null)].boxed();
    let directive = match patch {
        true => prop_oneof![
            12 => Just(None),
            1 => Just(Some("delete")),
            1 => Just(Some("replace")),
            1 => Just(Some("merge"))
        ]
        .boxed(),
        false => Just(None).boxed(),
    };
    (
        option::of(or_null(text())),
        option::of(or_null(bare())),
        option::of(or_null(inner.clone().boxed())),
        option::of(or_null(inner.boxed())),
        option::of(or_null(list.boxed())),
        directive,
    )
        .prop_map(|(s, t, m, n, l, directive)| {
            let fields = [
                ("s", s),
                ("t", t),
                ("m", m),
                ("n", n),
                ("l", l),
                ("$patch", directive.map(Value::from)),
            ];
            mapping(fields)
        })
        .boxed()
}

/// Leaves out directives: lists that are replaced whole take none.
fn plain(values: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    values
        .prop_map(|mut value| {
            strip(&mut value);
            value
        })
        .boxed()
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.shift_remove("$patch");
            map.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

fn mapping<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// Makes the metadata of `d` with labels and finalizers.
fn metadata(patch: bool) -> BoxedStrategy<Value> {
    let labels = (option::of(label(patch)), option::of(label(patch)))
        .prop_map(|(a, b)| mapping([("a", a), ("b", b)]));
    let finalizers = subsequence(vec!["f", "g", "h"], 0..=3)
        .prop_shuffle()
        .prop_map(|names| json!(names));
    let finalizers = match patch {
        true => prop_oneof![
            5 => finalizers,
            1 => Just(Value::Null),
            1 => Just(json!([{"$patch": "replace"}, "i"])),
            1 => Just(json!([{"$patch": "delete"}]))
        ]
        .boxed(),
        false => finalizers.boxed(),
    };
    (option::of(labels), option::weighted(0.3, finalizers))
        .prop_map(|(labels, finalizers)| {
            mapping([
                ("name", Some(json!("d"))),
                ("labels", labels),
                ("finalizers", finalizers),
            ])
        })
        .boxed()
}

fn label(patch: bool) -> BoxedStrategy<Value> {
    let null = u32::from(patch);
    prop_oneof![3 => select(vec!["x", "y"]).prop_map(Value::from), null => Just(Value::Null)]
        .boxed()
}

/// Makes a list merged by `name`, out of elements that have no name yet.
fn named(patch: bool, element: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let names = subsequence(vec!["a", "b", "c", "d"], 0..=4).prop_shuffle();
    let elements = names.prop_flat_map(move |names| {
        let elements: Vec<_> = names
            .into_iter()
            .map(|name| {
                (element.clone(), 0..12).prop_map(move |(mut element, dice)| {
                    element["name"] = json!(name);
                    match dice {
                        0 | 1 if patch => element["$patch"] = json!("delete"),
                        2 if patch => element["$patch"] = json!("merge"),
                        _ => {}
                    }
                    element
                })
            })
            .collect();
        elements
    });
    listed(patch, elements.boxed())
}

/// Adds what a patch may say of a whole list.
fn listed(patch: bool, elements: BoxedStrategy<Vec<Value>>) -> BoxedStrategy<Value> {
    if !patch {
        return elements.prop_map(Value::from).boxed();
    }
    (elements, 0..20, any::<prop::sample::Index>())
        .prop_map(|(mut elements, dice, place)| match dice {
            0 => Value::Null,
            1 => json!([{"$patch": "delete"}]),
            2 | 3 => {
                let word = if dice == 2 { "replace" } else { "merge" };
                elements.insert(place.index(elements.len() + 1), json!({"$patch": word}));
                Value::from(elements)
            }
            _ => Value::from(elements),
        })
        .boxed()
}

fn ports(key: &'static str, patch: bool) -> BoxedStrategy<Value> {
    let all = [
        (80, None),
        (81, None),
        (53, Some("TCP")),
        (53, Some("UDP")),
        (90, Some("TCP")),
        (91, None),
    ];
    let elements = subsequence(all.to_vec(), 0..=6)
        .prop_shuffle()
        .prop_flat_map(move |ports| {
            let elements: Vec<_> = ports
                .into_iter()
                .map(|(number, protocol)| {
                    (option::of(select(vec!["web", "dns"])), 0..8).prop_map(move |(name, dice)| {
                        mapping([
                            (key, Some(json!(number))),
                            ("protocol", protocol.map(Value::from)),
                            ("name", name.map(Value::from)),
                            ("$patch", (patch && dice == 0).then(|| json!("delete"))),
                        ])
                    })
                })
                .collect();
            elements
        });
    listed(patch, elements.boxed())
}

/// Makes pod specs with containers, volumes, and lists that are replaced.
fn pod(patch: bool) -> BoxedStrategy<Value> {
    let env = option::of(text()).prop_map(|value| mapping([("value", value)]));
    let container = (
        option::of(label(patch)),
        option::of(named(patch, env.boxed())),
        option::weighted(0.3, ports("containerPort", patch)),
        option::of(vec(select(vec!["x", "y"]), 0..3).prop_map(|args| json!(args))),
        option::of(tree(patch)),
    )
        .prop_map(|(image, env, ports, args, resources)| {
            mapping([
                ("image", image),
                ("env", env),
                ("ports", ports),
                ("args", args),
                ("resources", resources),
            ])
        })
        .boxed();
    let volume = Just(json!({"emptyDir": {}}));
    let tolerations = vec(plain(tree(patch)), 0..2).prop_map(Value::from);
    (
        option::of(named(patch, container.clone())),
        option::weighted(0.3, named(patch, container)),
        option::of(named(patch, volume.boxed())),
        option::of(tolerations),
        option::of(tree(patch)),
    )
        .prop_map(|(containers, init, volumes, tolerations, selector)| {
            mapping([
                ("containers", containers),
                ("initContainers", init),
                ("volumes", volumes),
                ("tolerations", tolerations),
                ("nodeSelector", selector),
            ])
        })
        .boxed()
}

/// Returns the value without null fields.
pub(crate) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        scalar => scalar.clone(),
    }
}

/// Makes values of any form, with words that mean something to patches.
pub(crate) fn anything() -> BoxedStrategy<Value> {
    let words = [
        "$patch",
        "delete",
        "replace",
        "merge",
        "apiVersion",
        "apps/v1",
        "v1",
        "kind",
        "Deployment",
        "List",
        "items",
        "metadata",
        "name",
        "namespace",
        "finalizers",
        "labels",
        "labelSelector",
        "spec",
        "template",
        "containers",
        "env",
        "volumes",
        "strategy",
        "type",
        "Recreate",
        "rollingUpdate",
        "op",
        "add",
        "remove",
        "move",
        "path",
        "from",
        "value",
        "",
        "/",
        "/spec/0",
        "/-",
        "a in (b",
        "[",
        "é",
        "$setElementOrder/x",
    ];
    let word = select(words.to_vec());
    let leaf = prop_oneof![
        3 => word.clone().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|float| json!(float)),
        1 => any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        prop_oneof![
            2 => vec((word.clone(), inner.clone()), 0..5).prop_map(|fields| {
                let fields = fields.into_iter().map(|(key, value)| (key.to_owned(), value));
                Value::Object(fields.collect())
            }),
            1 => vec(inner, 0..4).prop_map(Value::from),
        ]
    })
    .boxed()
}
