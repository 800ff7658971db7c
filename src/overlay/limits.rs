//! What kustomize cannot carry, or changes without a word.
//!
//! Takes finished objects and gives diagnostics; the plain form has none of these limits.
//! Source: kustomize v5.5.0, observed (yaml-and-patches §3, §6, §7).

use serde_json::Value;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::model::Project;
use crate::object::Object;

/// Beginnings of the annotations that are notes of kustomize to itself: it acts on them, or takes them away.
const NOTES: [&str; 4] = [
    "config.kubernetes.io/",
    "internal.config.kubernetes.io/",
    "config.k8s.io/",
    "kustomize.config.k8s.io/",
];

/// Largest integer that kustomize keeps exact in an object that JSON 6902 steps are carried out on.
const LARGEST: u64 = 1 << 53;

/// Finds objects that kustomize would change.
///
/// Errors: `not-for-kustomize`.
pub(super) fn check(objects: &[Object], project: &Project) -> Diagnostics {
    let mut found = Diagnostics::default();
    for object in objects {
        let annotations = object.body.pointer("/metadata/annotations");
        let annotations = annotations.and_then(Value::as_object).into_iter().flatten();
        for (key, _) in annotations {
            if NOTES.iter().any(|beginning| key.starts_with(beginning)) {
                found.push(finding(
                    object,
                    project,
                    &format!("has the annotation `{key}`, which kustomize takes for its own"),
                    "remove the annotation, or render the plain form",
                ));
            }
        }
        if has_key(&object.body, "<<") {
            found.push(finding(
                object,
                project,
                "has a key `<<`, which kustomize loses",
                "use another key, or render the plain form",
            ));
        }
        if object.kind().ends_with("List") && object.body.get("items").is_some() {
            found.push(finding(
                object,
                project,
                "is a list with a name, which kustomize takes apart",
                "write its items as objects of their own, or render the plain form",
            ));
        }
    }
    found
}

/// Finds what kustomize would change in an object that steps are carried out on.
///
/// Errors: `not-for-kustomize`.
pub(super) fn check_steps(object: &Object, project: &Project, found: &mut Diagnostics) {
    if let Some(number) = large(&object.body) {
        found.push(finding(
            object,
            project,
            &format!("holds the integer {number}, which kustomize rounds where it patches a list"),
            "write the number as text where that is possible, or render the plain form",
        ));
    }
}

fn finding(object: &Object, project: &Project, what: &str, hint: &str) -> Diagnostic {
    Diagnostic::error(
        Code::NotForKustomize,
        format!("`{}` of project `{}` {what}", object.key(), project.name),
    )
    .at(project.span)
    .hint(hint)
    .project(&project.name)
}

fn has_key(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Object(map) => map
            .iter()
            .any(|(key, below)| key == wanted || has_key(below, wanted)),
        Value::Array(list) => list.iter().any(|item| has_key(item, wanted)),
        _ => false,
    }
}

fn large(value: &Value) -> Option<&serde_json::Number> {
    match value {
        Value::Number(number) => {
            let positive = number.as_u64().map(|number| number > LARGEST);
            let negative = number
                .as_i64()
                .map(|number| number.unsigned_abs() > LARGEST);
            (positive.or(negative) == Some(true)).then_some(number)
        }
        Value::Array(list) => list.iter().find_map(large),
        Value::Object(map) => map.values().find_map(large),
        _ => None,
    }
}
