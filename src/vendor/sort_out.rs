//! What becomes of the objects of a tree: the files that they go to, and what is left out.
//!
//! Takes flattened objects and gives the contents of `manifests/` and `cluster/` of a base. Fixed namespaces go away,
//! Secrets with values too; whatever a person should look at becomes a warning. Knows nothing of where the tree came from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::localise::{self, Localised};
use super::reference::{Reference, key};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::kustomize::FlatObject;
use crate::object::{Object, apply_rank, is_cluster_scoped};
use crate::source::Span;

/// The contents of a base, by path below its directory.
#[derive(Debug, Clone, Default)]
pub(super) struct Sorted {
    /// Namespaced objects, by file.
    pub(super) manifests: BTreeMap<String, Vec<Value>>,
    /// Cluster-scoped objects, by file.
    pub(super) cluster: BTreeMap<String, Vec<Value>>,
    /// The namespace that most objects were meant for, empty when none is written.
    pub(super) namespace: String,
    /// What is written into objects that name this namespace.
    pub(super) localised: Vec<Localised>,
    /// Names of the Secrets that were left out.
    pub(super) secrets: BTreeSet<String>,
}

impl Sorted {
    /// Returns what is there without some objects, by kind and name.
    pub(super) fn without(&self, removed: &BTreeSet<(String, String)>) -> Sorted {
        let mut kept = self.clone();
        for list in kept.manifests.values_mut() {
            list.retain(|body| key(body).is_none_or(|key| !removed.contains(&key)));
        }
        kept.localised
            .retain(|object| !removed.contains(&object.key()));
        kept
    }
}

/// The file of objects that no base knows.
const OTHERS: &str = "extra";
/// The file of definitions of kinds.
pub(super) const DEFINITIONS: &str = "crds";

/// Sorts out the objects of a tree. The first of `references` that knows an object says which file it goes to.
///
/// Errors: `duplicate-object` for objects that only their namespaces told apart.
/// Warnings: `plain-secret`, `fixed-namespace`, `cluster-scoped-kind`.
pub(super) fn sort_out(
    objects: Vec<FlatObject>,
    references: &[Reference],
    diagnostics: &mut Diagnostics,
) -> Result<Sorted, Rejected> {
    let scopes = scopes(&objects);
    let is_cluster_scoped = |object: &Object| {
        let key = (object.group().to_owned(), object.kind().to_owned());
        scopes
            .get(&key)
            .copied()
            .unwrap_or_else(|| is_cluster_scoped(object.group(), object.kind()))
    };
    let (cluster, namespaced): (Vec<_>, Vec<_>) = objects
        .into_iter()
        .map(|flat| {
            let object = Object {
                body: flat.body,
                file: String::new(),
            };
            (object, flat.origin)
        })
        .partition(|(object, _)| is_cluster_scoped(object));
    let mut sorted = Sorted {
        namespace: most_common_namespace(&namespaced),
        ..Sorted::default()
    };
    let mut found = Diagnostics::default();
    sort_cluster(cluster, &mut sorted, &mut found);
    sort_namespaced(namespaced, references, &mut sorted, &mut found);
    for list in sorted
        .manifests
        .values_mut()
        .chain(sorted.cluster.values_mut())
    {
        list.sort_by_cached_key(|body| {
            let text = |pointer: &str| {
                body.pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or("")
                    .to_owned()
            };
            (
                apply_rank(&text("/kind")),
                text("/kind"),
                text("/metadata/name"),
            )
        });
    }
    let rejected = found.has_errors();
    diagnostics.extend(found);
    if rejected { Err(Rejected) } else { Ok(sorted) }
}

/// Returns for each kind that the tree defines whether it is cluster-scoped.
fn scopes(objects: &[FlatObject]) -> BTreeMap<(String, String), bool> {
    objects
        .iter()
        .filter(|object| object.body["kind"] == "CustomResourceDefinition")
        .filter_map(|object| {
            let text = |pointer: &str| object.body.pointer(pointer).and_then(Value::as_str);
            let kind = (
                text("/spec/group")?.to_owned(),
                text("/spec/names/kind")?.to_owned(),
            );
            Some((kind, text("/spec/scope")? == "Cluster"))
        })
        .collect()
}

fn sort_cluster(objects: Vec<(Object, Span)>, sorted: &mut Sorted, found: &mut Diagnostics) {
    for (mut object, origin) in objects {
        if let Some(Value::Object(metadata)) = object.body.get_mut("metadata") {
            // kustomize gives a namespace to kinds that it does not know as cluster-scoped.
            metadata.shift_remove("namespace");
        }
        let file = match (object.group(), object.kind()) {
            ("", "Namespace") => {
                found.push(
                    Diagnostic::warning(
                        Code::FixedNamespace,
                        format!(
                            "`{}` is left out: every project has a namespace of its own",
                            object.key()
                        ),
                    )
                    .at(origin),
                );
                continue;
            }
            ("apiextensions.k8s.io", _) => DEFINITIONS,
            ("rbac.authorization.k8s.io", _) => "rbac",
            ("admissionregistration.k8s.io", _) => "webhooks",
            _ => "other",
        };
        let named = localise::find(&object.body, &sorted.namespace);
        if file == DEFINITIONS && !sorted.namespace.is_empty() && !named.strings.is_empty() {
            let places: Vec<String> = named.strings.into_iter().map(|(place, _)| place).collect();
            doubt(&object, &places, &sorted.namespace, origin, found);
        }
        if file != DEFINITIONS {
            found.push(
                Diagnostic::warning(
                    Code::ClusterScopedKind,
                    format!("`{}` is cluster-scoped and is not rendered", object.key()),
                )
                .at(origin)
                .hint(format!(
                    "it is kept in `cluster/{file}.yaml`; after a look at it, add that file to `cluster.always` of `base.yaml`"
                )),
            );
        }
        sorted
            .cluster
            .entry(file.to_owned())
            .or_default()
            .push(object.body);
    }
}

fn sort_namespaced(
    objects: Vec<(Object, Span)>,
    references: &[Reference],
    sorted: &mut Sorted,
    found: &mut Diagnostics,
) {
    let main = sorted.namespace.clone();
    let accounts: BTreeSet<String> = objects
        .iter()
        .filter(|(object, _)| object.kind() == "ServiceAccount")
        .map(|(object, _)| object.name().to_owned())
        .collect();
    let mut seen: BTreeMap<(String, String, String), Span> = BTreeMap::new();
    for (mut object, origin) in objects {
        let key = (
            object.group().to_owned(),
            object.kind().to_owned(),
            object.name().to_owned(),
        );
        if let Some(first) = seen.insert(key, origin) {
            found.push(
                Diagnostic::error(
                    Code::DuplicateObject,
                    format!(
                        "`{}` is there in two namespaces, and a project has one",
                        object.key()
                    ),
                )
                .at(origin)
                .also(first, "the other one"),
            );
            continue;
        }
        if holds_secret(&object) {
            sorted.secrets.insert(object.name().to_owned());
            let keys: Vec<String> = secret_keys(&object).map(|key| format!("`{key}`")).collect();
            found.push(
                Diagnostic::warning(
                    Code::PlainSecret,
                    format!("`{}` is left out: it holds values in plain text", object.key()),
                )
                .at(origin)
                .hint(format!(
                    "what reads it needs {}; make it by a component of the base, an ExternalSecret or a Job",
                    keys.join(", ")
                )),
            );
            continue;
        }
        free(&mut object, &main, &accounts, origin, found);
        if !main.is_empty() {
            let named = localise::find(&object.body, &main);
            doubt(&object, &named.doubtful, &main, origin, found);
            sorted.localised.extend(Localised::new(&object, named));
        }
        let file = references
            .iter()
            .find_map(|reference| reference.file_of(object.kind(), object.name()))
            .unwrap_or(OTHERS);
        sorted
            .manifests
            .entry(file.to_owned())
            .or_default()
            .push(object.body);
    }
}

/// Returns the namespace that most objects are in, empty when none is written.
fn most_common_namespace(objects: &[(Object, Span)]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (object, _) in objects {
        *counts.entry(object.namespace()).or_default() += 1;
    }
    counts.remove("");
    let most = counts
        .iter()
        .max_by_key(|(name, count)| (**count, std::cmp::Reverse(**name)));
    most.map_or_else(String::new, |(name, _)| (*name).to_owned())
}

/// Returns the keys of a Secret that have values.
fn secret_keys(object: &Object) -> impl Iterator<Item = &str> {
    ["data", "stringData"]
        .into_iter()
        .filter_map(|field| object.body.get(field)?.as_object())
        .flatten()
        .filter(|(_, value)| !matches!(value.as_str(), Some("")) && !value.is_null())
        .map(|(key, _)| key.as_str())
}

fn holds_secret(object: &Object) -> bool {
    object.group().is_empty() && object.kind() == "Secret" && secret_keys(object).next().is_some()
}

/// Takes fixed namespaces out of an object, and says where they are left.
fn free(
    object: &mut Object,
    main: &str,
    accounts: &BTreeSet<String>,
    origin: Span,
    found: &mut Diagnostics,
) {
    let own = object.namespace().to_owned();
    if !own.is_empty() && own != main {
        found.push(
            Diagnostic::warning(
                Code::FixedNamespace,
                format!(
                    "`{}` was meant for the namespace `{own}`, and goes to that of the project",
                    object.key()
                ),
            )
            .at(origin),
        );
    }
    if let Some(Value::Object(metadata)) = object.body.get_mut("metadata") {
        metadata.shift_remove("namespace");
    }
    if object.kind() == "RoleBinding"
        && let Some(Value::Array(subjects)) = object.body.get_mut("subjects")
    {
        for subject in subjects {
            let text = |key: &str| subject.get(key).and_then(Value::as_str).unwrap_or("");
            let is_ours = text("kind") == "ServiceAccount"
                && (text("namespace") == main || text("namespace") == own)
                && (accounts.contains(text("name")) || text("name") == "default");
            if let (true, Value::Object(subject)) = (is_ours, subject) {
                subject.shift_remove("namespace");
            }
        }
    }
}

/// Says where an object may name the namespace of the tree.
fn doubt(
    object: &Object,
    places: &[String],
    namespace: &str,
    origin: Span,
    found: &mut Diagnostics,
) {
    if places.is_empty() {
        return;
    }
    let shown: Vec<String> = places
        .iter()
        .take(MOST_PLACES)
        .map(|place| format!("`{place}`"))
        .collect();
    let more = places.len() - shown.len();
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    found.push(
        Diagnostic::warning(
            Code::FixedNamespace,
            format!(
                "`{}` says `{namespace}` at {}{more}, which may be the namespace",
                object.key(),
                shown.join(", ")
            ),
        )
        .at(origin)
        .hint("if it is, write a component of the base that puts `{{ plan.namespace }}` there"),
    );
}

/// Most places that one warning names.
const MOST_PLACES: usize = 8;
