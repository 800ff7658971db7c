//! Makes the trees of the cases wrong, a little: in their bytes, in their structure, and with parts of each other.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tenantry::yaml::{self, LoadOptions};

/// One change; which file and which place it hits depends on the tree.
#[derive(Debug, Clone)]
pub enum Mutation {
    /// Some bytes are cut out, from a place on.
    Cut(Index, Index, usize),
    /// A bit is turned.
    Flip(Index, Index, u8),
    /// A text is put somewhere.
    Insert(Index, Index, &'static str),
    /// A node becomes another value.
    Replace(Index, Index, Value),
    /// A node goes away.
    Remove(Index, Index),
    /// A node becomes a copy of another one, of any tree.
    Copy(Index, Index, Index, Index),
    /// A node gets one more child, a copy of another node of any tree.
    Grow(Index, Index, Index, Index),
}

/// Files by path.
pub type Files = BTreeMap<String, Vec<u8>>;

const SNIPPETS: [&str; 14] = [
    "\n", "\t", "---\n", "- ", ": ", "&a ", "*a", "<<: ", "\"", "|\n", "{", "[", "$(NAME)", "\u{0}",
];

fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!("")),
        Just(json!(true)),
        Just(json!(0)),
        Just(json!(-1)),
        Just(json!(i64::MAX)),
        Just(json!(1.5)),
        Just(json!([null])),
        Just(json!([[]])),
        Just(json!([{}])),
        Just(json!({"": null})),
        Just(json!({"name": null})),
        Just(json!({"$patch": "delete"})),
        Just(json!({"$patch": "replace"})),
        Just(json!([{"$patch": "replace"}])),
        Just(json!("../a")),
        Just(json!("/etc/hostname")),
        Just(json!(".")),
        Just(json!("a/b/-")),
        Just(json!("a.b.[name=c].*.1")),
        Just(json!("https://example.org/a//b?ref=c")),
        Just(json!("$(A)")),
        Just(json!("a=b=c")),
        Just(json!("kustomization.yaml")),
        Just(json!("merge")),
        Just(json!("\u{e9}\u{10348}\n ")),
        "[a-z:/@.$()*-]{0,12}".prop_map(Value::from),
    ]
}

/// Changes that are tried on a tree.
pub fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        1 => (at(), at(), 1..40usize).prop_map(|(f, p, n)| Mutation::Cut(f, p, n)),
        1 => (at(), at(), 0..7u8).prop_map(|(f, p, b)| Mutation::Flip(f, p, b)),
        1 => (at(), at(), proptest::sample::select(&SNIPPETS)).prop_map(|(f, p, t)| Mutation::Insert(f, p, t)),
        4 => (at(), at(), odd_value()).prop_map(|(f, p, v)| Mutation::Replace(f, p, v)),
        2 => (at(), at()).prop_map(|(f, p)| Mutation::Remove(f, p)),
        3 => (at(), at(), at(), at()).prop_map(|(f, p, g, q)| Mutation::Copy(f, p, g, q)),
        3 => (at(), at(), at(), at()).prop_map(|(f, p, g, q)| Mutation::Grow(f, p, g, q)),
    ]
}

/// Carries a change out. `others` are the files of all trees.
pub fn mutate(files: &mut Files, mutation: &Mutation, others: &[&Vec<u8>]) {
    let (file, place) = match mutation {
        Mutation::Cut(file, place, _)
        | Mutation::Flip(file, place, _)
        | Mutation::Insert(file, place, _)
        | Mutation::Replace(file, place, _)
        | Mutation::Remove(file, place)
        | Mutation::Copy(file, place, ..)
        | Mutation::Grow(file, place, ..) => (file, place),
    };
    // Kustomizations matter more than the many manifests.
    let mut paths: Vec<&String> = files.keys().collect();
    let kustomizations = files
        .keys()
        .filter(|path| path.ends_with("kustomization.yaml"));
    let twice: Vec<&String> = kustomizations.collect();
    paths.extend(twice.iter().cycle().take(twice.len() * 3));
    let path = (*file.get(&paths)).clone();
    let bytes = files.get_mut(&path).expect("one of the files");
    match mutation {
        Mutation::Cut(_, _, length) => {
            let start = place.index(bytes.len() + 1);
            let end = (start + length).min(bytes.len());
            bytes.drain(start..end);
        }
        Mutation::Flip(_, _, bit) => {
            if !bytes.is_empty() {
                let at = place.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
        }
        Mutation::Insert(_, _, text) => {
            let at = place.index(bytes.len() + 1);
            bytes.splice(at..at, text.bytes());
        }
        Mutation::Replace(_, _, value) => change(bytes, place, |node| *node = value.clone()),
        Mutation::Remove(..) => remove(bytes, place),
        Mutation::Copy(_, _, other, there) => {
            if let Some(value) = pick(other.get::<&Vec<u8>>(others), there) {
                change(bytes, place, |node| *node = value);
            }
        }
        Mutation::Grow(_, _, other, there) => {
            if let Some((key, value)) = pick_entry(other.get::<&Vec<u8>>(others), there) {
                change(bytes, place, |node| match node {
                    Value::Object(map) => {
                        map.insert(key, value);
                    }
                    Value::Array(list) => list.push(value),
                    _ => {}
                });
            }
        }
    }
}

fn load(bytes: &[u8]) -> Option<Vec<Value>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let documents = yaml::load(text, &LoadOptions::default()).ok()?;
    Some(
        documents
            .into_iter()
            .map(|document| document.value)
            .collect(),
    )
}

fn pointers(value: &Value, pointer: &str, all: &mut Vec<String>) {
    all.push(pointer.to_owned());
    let token = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Array(list) => {
            for (index, below) in list.iter().enumerate() {
                pointers(below, &format!("{pointer}/{index}"), all);
            }
        }
        Value::Object(map) => {
            for (key, below) in map {
                pointers(below, &format!("{pointer}/{}", token(key)), all);
            }
        }
        _ => {}
    }
}

/// Changes one node of a file; a file that is no YAML stays as it is.
fn change(bytes: &mut Vec<u8>, place: &Index, change: impl FnOnce(&mut Value)) {
    let Some(documents) = load(bytes) else { return };
    let mut whole = Value::Array(documents);
    let mut all = Vec::new();
    pointers(&whole, "", &mut all);
    all.remove(0);
    if all.is_empty() {
        return;
    }
    let pointer = place.get(&all);
    change(whole.pointer_mut(pointer).expect("one of the nodes"));
    store(bytes, whole);
}

fn remove(bytes: &mut Vec<u8>, place: &Index) {
    let Some(documents) = load(bytes) else { return };
    let mut whole = Value::Array(documents);
    let mut all = Vec::new();
    pointers(&whole, "", &mut all);
    all.remove(0);
    if all.is_empty() {
        return;
    }
    let (parent, token) = place
        .get(&all)
        .rsplit_once('/')
        .expect("below the documents");
    let token = token.replace("~1", "/").replace("~0", "~");
    match whole.pointer_mut(parent).expect("one of the nodes") {
        Value::Object(map) => {
            map.shift_remove(&token);
        }
        Value::Array(list) => {
            list.remove(token.parse().expect("an index"));
        }
        _ => {}
    }
    store(bytes, whole);
}

fn store(bytes: &mut Vec<u8>, documents: Value) {
    let Value::Array(documents) = documents else {
        return;
    };
    let mut text = String::new();
    yaml::emit_documents(&documents, &mut text);
    *bytes = text.into_bytes();
}

fn pick(bytes: &[u8], place: &Index) -> Option<Value> {
    pick_entry(bytes, place).map(|(_, value)| value)
}

fn pick_entry(bytes: &[u8], place: &Index) -> Option<(String, Value)> {
    let whole = Value::Array(load(bytes)?);
    let mut all = Vec::new();
    pointers(&whole, "", &mut all);
    let pointer = place.get(&all);
    let key = pointer.rsplit('/').next().unwrap_or("");
    Some((
        key.replace("~1", "/").replace("~0", "~"),
        whole.pointer(pointer)?.clone(),
    ))
}
