//! Labels and annotations that belong to Tenantry, to the API server or to the sync tools.

use std::collections::BTreeMap;

use super::scope::{Report, Scope, below};
use crate::config::Node;
use crate::diagnostic::Code;

/// A key, or with `/` at its end a prefix of keys, that users cannot set, and what to do instead.
struct Reserved {
    key: &'static str,
    owner: &'static str,
    hint: &'static str,
}

const LABELS: &[Reserved] = &[
    ours("app.kubernetes.io/name"),
    ours("app.kubernetes.io/component"),
    ours("app.kubernetes.io/part-of"),
    ours("app.kubernetes.io/managed-by"),
    ours("app.kubernetes.io/version"),
    ours("tenantry.dev/"),
    Reserved {
        key: "app.kubernetes.io/instance",
        owner: "Argo CD may track its applications by it",
        hint: "use a key with a domain of your own",
    },
    Reserved {
        key: "pod-security.kubernetes.io/",
        owner: "`podSecurity` sets it",
        hint: "write `podSecurity` instead",
    },
    Reserved {
        key: "kubernetes.io/metadata.name",
        owner: "the API server sets it",
        hint: "leave it out",
    },
];

const ANNOTATIONS: &[Reserved] = &[
    ours("tenantry.dev/"),
    protection("argocd.argoproj.io/sync-options"),
    protection("argocd.argoproj.io/sync-wave"),
    protection("argocd.argoproj.io/hook"),
    protection("argocd.argoproj.io/tracking-id"),
    protection("kustomize.toolkit.fluxcd.io/"),
    Reserved {
        key: "kubectl.kubernetes.io/last-applied-configuration",
        owner: "kubectl sets it",
        hint: "leave it out",
    },
];

const fn ours(key: &'static str) -> Reserved {
    Reserved {
        key,
        owner: "Tenantry sets it",
        hint: "use a key with a domain of your own",
    }
}

const fn protection(key: &'static str) -> Reserved {
    Reserved {
        key,
        owner: "it decides what is deleted, and in which order things are applied",
        hint: "leave it out",
    }
}

/// Reads a map of labels.
///
/// Errors: `invalid-label` for a reserved key.
pub(super) fn labels<V: Into<Option<String>>>(
    scope: &Scope,
    report: &mut Report,
    merged: &Node,
    pointer: &str,
    map: BTreeMap<String, V>,
) -> BTreeMap<String, String> {
    read(scope, report, merged, pointer, map, LABELS, "label")
}

/// Reads a map of annotations.
///
/// Errors: `invalid-label` for a reserved key.
pub(super) fn annotations<V: Into<Option<String>>>(
    scope: &Scope,
    report: &mut Report,
    merged: &Node,
    pointer: &str,
    map: BTreeMap<String, V>,
) -> BTreeMap<String, String> {
    read(
        scope,
        report,
        merged,
        pointer,
        map,
        ANNOTATIONS,
        "annotation",
    )
}

fn read<V: Into<Option<String>>>(
    scope: &Scope,
    report: &mut Report,
    merged: &Node,
    pointer: &str,
    map: BTreeMap<String, V>,
    reserved: &[Reserved],
    noun: &str,
) -> BTreeMap<String, String> {
    let mut read = BTreeMap::new();
    for (key, value) in map {
        let Some(value) = value.into() else { continue };
        let taken = reserved.iter().find(|entry| {
            entry.key == key || (entry.key.ends_with('/') && key.starts_with(entry.key))
        });
        match taken {
            Some(taken) => {
                let pointer = below(pointer, &key);
                let place = merged
                    .key_span(&pointer)
                    .unwrap_or_else(|| scope.at(&pointer));
                report.push(
                    scope
                        .error_at(
                            Code::InvalidLabel,
                            place,
                            format!("the {noun} `{key}` cannot be set"),
                        )
                        .label(taken.owner)
                        .hint(taken.hint),
                );
            }
            None => {
                read.insert(key, value);
            }
        }
    }
    read
}
