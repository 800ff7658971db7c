//! Which objects the `target` of a patch means.
//!
//! Source: `resmap.Select` of kustomize v5.5.0.

use serde_json::Value;

use super::finding;
use crate::diagnostic::Rejected;
use crate::kustomize::context::Context;
use crate::kustomize::file::Target as WrittenTarget;
use crate::kustomize::resource::{Resource, split_api_version};
use crate::patch::{Pattern, Target};

/// Returns the places of the objects that a target means, by the names that they have or were read with.
///
/// Errors: `invalid-patch`.
pub(super) fn select(
    target: &WrittenTarget,
    list: &[Resource],
    context: &mut Context<'_>,
) -> Result<Vec<usize>, Rejected> {
    let target = Target::parse(&lowered(&target.value))
        .map_err(|error| context.refuse(finding(&error, target.span)))?;
    let meets = |pattern: &Option<Pattern>, text: &str| {
        pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
    };
    let either = |pattern: &Option<Pattern>, now: &str, before: &str| {
        meets(pattern, now) || meets(pattern, before)
    };
    let selected = list.iter().enumerate().filter(|(_, resource)| {
        let (group, version) = split_api_version(resource.api_version());
        meets(&target.kind, resource.kind())
            && either(&target.name, resource.name(), resource.original_name())
            && meets(&target.group, group)
            && meets(&target.version, version)
            && either(
                &target.namespace,
                resource.effective_namespace(),
                resource.original_namespace(),
            )
            && [
                (&target.label_selector, "labels"),
                (&target.annotation_selector, "annotations"),
            ]
            .into_iter()
            .all(|(selector, field)| {
                selector.as_ref().is_none_or(|selector| {
                    selector.matches(resource.body.get("metadata").and_then(|m| m.get(field)))
                })
            })
    });
    Ok(selected.map(|(place, _)| place).collect())
}

/// Writes the fields of a target as they are documented: Go reads them in any case.
fn lowered(target: &Value) -> Value {
    const FIELDS: [&str; 7] = [
        "group",
        "version",
        "kind",
        "name",
        "namespace",
        "labelSelector",
        "annotationSelector",
    ];
    let Value::Object(map) = target else {
        return target.clone();
    };
    let named = map.iter().map(|(key, value)| {
        let known = FIELDS
            .into_iter()
            .find(|field| field.eq_ignore_ascii_case(key));
        (
            known.map_or_else(|| key.clone(), str::to_owned),
            value.clone(),
        )
    });
    Value::Object(named.collect())
}
