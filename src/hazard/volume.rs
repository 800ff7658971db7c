//! Volume claims: what goes with them is data.

use serde_json::{Map, Value};

use super::{Finding, Hazard, Pair, at};
use crate::grammar::quantity::Quantity;
use crate::object::Object;

const KIND: &str = "PersistentVolumeClaim";

/// Fields of the specification that may change.
///
/// Source: Kubernetes v1.34, `ValidatePersistentVolumeClaimUpdate`; the requested size may only grow.
const MUTABLE: &str = "volumeAttributesClassName";

pub(super) fn find(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    for old in pair.old.objects.of_kind("", KIND) {
        match pair.new.objects.get(&old.key()) {
            None => findings.push(deleted(pair, old)),
            Some(new) => {
                shrunk(pair, old, new, findings);
                class_changed(pair, old, new, findings);
            }
        }
    }
}

fn deleted(pair: &Pair<'_>, old: &Object) -> Finding {
    let finding = pair.finding(
        Hazard::VolumeDeleted,
        format!("`{}` disappears with its data", old.key()),
        "move the data first, or keep the claim",
    );
    match size(old) {
        Some(size) => finding.from(size),
        None => finding,
    }
}

fn shrunk(pair: &Pair<'_>, old: &Object, new: &Object, findings: &mut Vec<Finding>) {
    let (Some(before), after) = (size(old), size(new)) else {
        return;
    };
    let quantity = |text: &str| Quantity::parse(text).ok();
    let smaller = match (quantity(&before), after.as_deref().map(quantity)) {
        (Some(before), Some(Some(after))) => after < before,
        // What cannot be compared counts as smaller when it is another one.
        _ => after.as_ref() != Some(&before),
    };
    if smaller {
        findings.push(
            pair.finding(
                Hazard::VolumeShrunk,
                format!("`{}` gets smaller, which no cluster does", new.key()),
                "keep the size, or move the data to a new claim",
            )
            .from(before)
            .to(after.unwrap_or_else(|| "no size".to_owned())),
        );
    }
}

fn class_changed(pair: &Pair<'_>, old: &Object, new: &Object, findings: &mut Vec<Finding>) {
    let (before, after) = (fixed(old), fixed(new));
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    for name in names {
        let (a, b) = (before.get(name), after.get(name));
        if a == b {
            continue;
        }
        findings.push(
            pair.finding(
                Hazard::VolumeClassChanged,
                format!(
                    "`spec.{name}` of `{}` changes, which a claim cannot",
                    new.key()
                ),
                "restore the field, or move the data to a new claim",
            )
            .from(shown(a))
            .to(shown(b)),
        );
    }
}

fn size(claim: &Object) -> Option<String> {
    match at(&claim.body, &["spec", "resources", "requests", "storage"])? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Returns the part of the specification that must stay as it is, defaults filled in.
fn fixed(claim: &Object) -> Map<String, Value> {
    let mut spec = match claim.body.get("spec") {
        Some(Value::Object(spec)) => spec.clone(),
        _ => Map::new(),
    };
    spec.shift_remove(MUTABLE);
    if let Some(Value::Object(resources)) = spec.get_mut("resources") {
        if let Some(Value::Object(requests)) = resources.get_mut("requests") {
            requests.shift_remove("storage");
            if requests.is_empty() {
                resources.shift_remove("requests");
            }
        }
        if resources.is_empty() {
            spec.shift_remove("resources");
        }
    }
    if !spec.contains_key("volumeMode") {
        spec.insert("volumeMode".to_owned(), Value::from("Filesystem"));
    }
    spec
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "not set".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
