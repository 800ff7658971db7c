//! Names of other objects, after those objects were renamed.
//!
//! Takes all objects of a finished build and the fields that hold names; writes the new names. Changes no object's own name.
//! Source: `filters/nameref` and `accumulator/namereferencetransformer.go` of kustomize v5.5.0. Those look at every
//! object for every field; here the objects are found by the name that stands in the field.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::config::Config;
use super::context::Context;
use super::field::{Create, Fault, FieldSpec};
use super::resource::{Former, Gvk, NO_NAMESPACE, Resource};
use crate::diagnostic::{Code, Diagnostic, Rejected};

/// Writes the new names of renamed objects into the fields that name them.
///
/// Errors: `invalid-kustomization` when a name could mean several objects.
pub(crate) fn fix(
    config: &Config,
    resources: &mut [Resource],
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    let fields = fields_by_kind(config);
    let candidates = Candidates::new(resources);
    for index in 0..resources.len() {
        let original = resources[index].original_gvk();
        let of_kind = fields.get(original.kind.as_str()).into_iter();
        let of_any = fields.get("").into_iter();
        let mut relevant: Vec<&(usize, &Gvk, &FieldSpec)> =
            of_kind.chain(of_any).flatten().collect();
        relevant.retain(|(_, _, field)| original.meets(&field.gvk));
        if relevant.is_empty() {
            continue;
        }
        relevant.sort_by_key(|(position, ..)| *position);
        let mut body = std::mem::take(&mut resources[index].body);
        let referrer = Referrer::new(index, &body, &candidates);
        let outcome = relevant.iter().try_for_each(|(_, to, field)| {
            let role = role_of(&body, field);
            let look = Look {
                candidates: &candidates,
                referrer: &referrer,
                to,
                role: role.as_ref(),
            };
            field.visit(&mut body, Create::Nothing, &mut |value, _| {
                look.value(value)
            })
        });
        resources[index].body = body;
        outcome.map_err(|Fault(message)| {
            let resource = &resources[index];
            context.refuse(
                Diagnostic::error(
                    Code::InvalidKustomization,
                    format!(
                        "names in `{}` cannot be brought up to date {message}",
                        resource.shown()
                    ),
                )
                .at(resource.origin)
                .label("this object"),
            )
        })?;
    }
    Ok(())
}

/// The fields of the configuration by the kind of the objects that have them, with their place in the configuration.
fn fields_by_kind(config: &Config) -> HashMap<&str, Vec<(usize, &Gvk, &FieldSpec)>> {
    let mut fields: HashMap<&str, Vec<_>> = HashMap::new();
    let all = config.references.iter().flat_map(|reference| {
        reference
            .from
            .iter()
            .map(move |field| (&reference.to, field))
    });
    for (position, (to, field)) in all.enumerate() {
        fields
            .entry(field.gvk.kind.as_str())
            .or_default()
            .push((position, to, field));
    }
    fields
}

/// The objects that may be named.
struct Candidates {
    list: Vec<Candidate>,
    /// Places of the objects by the names that they had before.
    by_former_name: HashMap<String, Vec<usize>>,
    /// The namespaces in which objects are now, by the namespace in which they were read: what counts and what is written.
    now_by_original: HashMap<String, HashSet<(String, String)>>,
}

struct Candidate {
    gvk: Gvk,
    name: String,
    namespace: String,
    effective: String,
    original_namespace: String,
    former: Vec<Former>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
    shown: String,
}

impl Candidates {
    fn new(resources: &[Resource]) -> Self {
        let list: Vec<Candidate> = resources
            .iter()
            .map(|resource| Candidate {
                gvk: resource.gvk(),
                name: resource.name().to_owned(),
                namespace: resource.namespace().to_owned(),
                effective: resource.effective_namespace().to_owned(),
                original_namespace: resource.original_namespace().to_owned(),
                former: resource.former.clone(),
                prefixes: resource.prefixes.clone(),
                suffixes: resource.suffixes.clone(),
                shown: resource.shown(),
            })
            .collect();
        let mut by_former_name: HashMap<String, Vec<usize>> = HashMap::new();
        let mut now_by_original: HashMap<String, HashSet<_>> = HashMap::new();
        for (place, candidate) in list.iter().enumerate() {
            for former in &candidate.former {
                let places = by_former_name.entry(former.name.clone()).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
            now_by_original
                .entry(candidate.original_namespace.clone())
                .or_default()
                .insert((candidate.effective.clone(), candidate.namespace.clone()));
        }
        Candidates {
            list,
            by_former_name,
            now_by_original,
        }
    }
}

impl Candidate {
    fn is_cluster_scoped(&self) -> bool {
        self.effective == NO_NAMESPACE
    }

    /// Tells whether the object is, or was, of a kind that meets a condition.
    fn was(&self, condition: &Gvk) -> bool {
        self.former.iter().any(|former| {
            let gvk = Gvk {
                kind: former.kind.clone(),
                ..self.gvk.clone()
            };
            gvk.meets(condition)
        })
    }
}

/// The object whose fields are looked at.
struct Referrer {
    place: usize,
    /// Namespaces of the ServiceAccounts that a RoleBinding names.
    account_namespaces: HashSet<String>,
    cluster_scoped: bool,
    effective: String,
}

impl Referrer {
    fn new(place: usize, body: &Value, candidates: &Candidates) -> Self {
        let own = &candidates.list[place];
        let subjects = match body.get("subjects") {
            Some(Value::Array(subjects)) if own.gvk.kind == "RoleBinding" => subjects.as_slice(),
            _ => &[],
        };
        let text = |subject: &Value, key: &str| {
            subject.get(key).and_then(Value::as_str).map(str::to_owned)
        };
        Referrer {
            place,
            account_namespaces: subjects
                .iter()
                .filter(|subject| text(subject, "kind").as_deref() == Some("ServiceAccount"))
                .filter_map(|subject| text(subject, "namespace"))
                .collect(),
            cluster_scoped: own.is_cluster_scoped(),
            effective: own.effective.clone(),
        }
    }

    /// Tells whether an object in a namespace can be named at all.
    fn reaches(&self, effective: &str, written: &str) -> bool {
        self.cluster_scoped
            || effective == NO_NAMESPACE
            || effective == self.effective
            || self.account_namespaces.contains(written)
    }
}

/// Returns what `roleRef` says about the kind of the role, when the field is its name.
fn role_of(body: &Value, field: &FieldSpec) -> Option<Gvk> {
    if !field.path.ends_with("roleRef/name") {
        return None;
    }
    let role = body.get("roleRef")?;
    let text = |key: &str| role.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Gvk {
        group: text("apiGroup")?,
        version: String::new(),
        kind: text("kind")?,
    })
}

/// One look at one field.
struct Look<'a> {
    candidates: &'a Candidates,
    referrer: &'a Referrer,
    to: &'a Gvk,
    role: Option<&'a Gvk>,
}

impl Look<'_> {
    /// Brings a name up to date, or a mapping with a name, or a list of either.
    fn value(&self, value: &mut Value) -> Result<(), Fault> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
            Value::String(name) => {
                if let Some(found) = self.select(name, None, false)?
                    && found.name != *name
                {
                    name.clone_from(&found.name);
                }
                Ok(())
            }
            Value::Array(list) => list.iter_mut().try_for_each(|value| match value {
                Value::Array(_) => Err(Fault("a list in a list".to_owned())),
                value => self.value(value),
            }),
            Value::Object(map) => {
                let Some(name) = map.get("name") else {
                    return Err(Fault("a mapping without `name`".to_owned()));
                };
                let Some(name) = name.as_str() else {
                    return Ok(());
                };
                let namespace = map
                    .get("namespace")
                    .map(|value| value.as_str().unwrap_or(""));
                let Some(found) = self.select(name, namespace, true)? else {
                    return Ok(());
                };
                map.insert("name".to_owned(), Value::from(found.name.as_str()));
                if !found.namespace.is_empty() {
                    map.insert(
                        "namespace".to_owned(),
                        Value::from(found.namespace.as_str()),
                    );
                }
                Ok(())
            }
        }
    }

    /// Returns the object that is meant by a name, if it was renamed.
    fn select(
        &self,
        name: &str,
        namespace: Option<&str>,
        with_namespace: bool,
    ) -> Result<Option<&Candidate>, Fault> {
        let Some(places) = self.candidates.by_former_name.get(name) else {
            return Ok(None);
        };
        let mut found: Vec<&Candidate> = places
            .iter()
            .map(|place| &self.candidates.list[*place])
            .filter(|candidate| {
                self.referrer
                    .reaches(&candidate.effective, &candidate.namespace)
            })
            .filter(|candidate| namespace.is_none_or(|namespace| self.is_in(candidate, namespace)))
            .filter(|candidate| candidate.was(self.to))
            .filter(|candidate| self.role.is_none_or(|role| candidate.was(role)))
            .filter(|candidate| {
                self.referrer.cluster_scoped
                    || candidate.is_cluster_scoped()
                    || candidate.gvk.kind == "ServiceAccount"
                    || candidate.effective == self.referrer.effective
            })
            .collect();
        let own = &self.candidates.list[self.referrer.place];
        for empty_matches in [true, false] {
            if found.len() > 1 {
                found.retain(|candidate| {
                    same_affixes(&candidate.prefixes, &own.prefixes, empty_matches)
                        && same_affixes(&candidate.suffixes, &own.suffixes, empty_matches)
                });
            }
        }
        let Some((first, others)) = found.split_first() else {
            return Ok(None);
        };
        let differs = others.iter().any(|other| {
            other.name != first.name || with_namespace && other.namespace != first.namespace
        });
        if differs {
            let names: Vec<String> = found
                .iter()
                .map(|candidate| format!("`{}`", candidate.shown))
                .collect();
            return Err(Fault(format!(
                "because `{name}` could mean {}",
                names.join(" or ")
            )));
        }
        Ok(Some(first))
    }

    /// Tells whether an object is in a namespace that is written beside its name: was in it first, or else is in it now.
    fn is_in(&self, candidate: &Candidate, namespace: &str) -> bool {
        let known_at_first = self
            .candidates
            .now_by_original
            .get(namespace)
            .is_some_and(|now| {
                now.iter()
                    .any(|(effective, written)| self.referrer.reaches(effective, written))
            });
        if namespace == NO_NAMESPACE {
            false
        } else if known_at_first {
            candidate.original_namespace == namespace
        } else {
            candidate.effective == namespace
        }
    }
}

/// Tells whether two names were given the same last prefixes or suffixes, as far as the shorter history goes.
fn same_affixes(one: &[String], other: &[String], empty_matches: bool) -> bool {
    let (short, long) = if one.len() <= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    if short.is_empty() {
        return empty_matches || long.is_empty();
    }
    long.ends_with(short)
}
