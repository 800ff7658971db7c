//! The proxy in front of an exposed stack: whoever it lets in that it kept out before.
//!
//! That a stack becomes reachable at all is found with the other ways in from outside.

use std::collections::BTreeSet;

use super::{Finding, Hazard, Pair, items, text, texts};
use crate::base::{AccessFacts, Guard};
use crate::object::Object;

pub(super) fn find(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    let Some(facts) = pair.new.base.and_then(|base| base.access.as_ref()) else {
        return;
    };
    let (Some(old), Some(new)) = (
        front(pair.old.objects, facts),
        front(pair.new.objects, facts),
    ) else {
        return;
    };
    for guard in &facts.guards {
        let Some(before) = arguments(old, guard) else {
            continue;
        };
        let name = &guard.container;
        let what = match arguments(new, guard) {
            None => format!("`{}` does without `{name}`", new.key()),
            Some(after) => {
                let Some(what) = let_in(guard, &before, &after) else {
                    continue;
                };
                format!("`{name}` of `{}` lets in {what}", new.key())
            }
        };
        findings.push(pair.finding(Hazard::AccessWidened, what, "check that this is meant"));
    }
}

/// Returns whom the arguments of a guard let in that they kept out before.
fn let_in(guard: &Guard, before: &[&str], after: &[&str]) -> Option<String> {
    let prefix = guard.group.as_deref()?;
    let groups = |arguments: &[&str]| -> BTreeSet<String> {
        let named = arguments
            .iter()
            .filter_map(|text| text.strip_prefix(prefix));
        named.map(|group| format!("`{group}`")).collect()
    };
    let (before, after) = (groups(before), groups(after));
    // Without a group, nobody was kept out.
    if before.is_empty() {
        return None;
    }
    if after.is_empty() {
        return Some("every group".to_owned());
    }
    let gained: Vec<String> = after.difference(&before).cloned().collect();
    (!gained.is_empty()).then(|| gained.join(", "))
}

fn front<'a>(objects: &'a crate::diff::Objects, facts: &AccessFacts) -> Option<&'a Object> {
    let mut deployments = objects.of_kind("apps", "Deployment");
    deployments.find(|object| object.name() == facts.deployment)
}

/// Returns the arguments of a guard; `None` when it is not there.
fn arguments<'a>(front: &'a Object, guard: &Guard) -> Option<Vec<&'a str>> {
    items(&front.body, &["spec", "template", "spec", "containers"])
        .find(|container| text(container, &["name"]) == guard.container)
        .map(|container| texts(container, &["args"]).collect())
}
