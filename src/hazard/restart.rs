//! Pods that are replaced because their template changes.

use serde_json::Value;

use super::{Finding, Hazard, Pair, at};
use crate::object::Object;

/// Kinds whose pods follow their template at once.
const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

pub(super) fn find(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    let restarted: Vec<String> = KINDS
        .iter()
        .flat_map(|kind| pair.old.objects.of_kind("apps", kind))
        .filter_map(|old| Some((old, pair.new.objects.get(&old.key())?)))
        .filter(|(old, new)| {
            at(&old.body, TEMPLATE) != at(&new.body, TEMPLATE) && runs(old) && runs(new)
        })
        .map(|(_, new)| format!("`{}`", new.key()))
        .collect();
    if !restarted.is_empty() {
        findings.push(pair.finding(
            Hazard::Restart,
            restarted.join(", "),
            "merge when a short interruption does no harm; running pipelines go on",
        ));
    }
}

const TEMPLATE: &[&str] = &["spec", "template"];

/// Tells whether there are pods that could be replaced.
fn runs(workload: &Object) -> bool {
    at(&workload.body, &["spec", "replicas"]).and_then(Value::as_u64) != Some(0)
}
