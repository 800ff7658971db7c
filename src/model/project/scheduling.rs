//! `scheduling`: where the pods of the stack are placed.

use serde_json::Value;

use super::Block;
use crate::config::types;
use crate::config::{Content, Node};
use crate::diagnostic::Code;
use crate::model::Scheduling;
use crate::model::scope::Report;

impl Block<'_> {
    /// Settles placement.
    ///
    /// Source: Kubernetes core validation, `ValidateTolerations` and `validateTopologySpreadConstraints`, v1.31.
    pub(super) fn scheduling(&self, report: &mut Report, written: types::Scheduling) -> Scheduling {
        for (index, toleration) in written.tolerations.iter().flatten().enumerate() {
            let pointer = format!("/scheduling/tolerations/{index}");
            if self.scope.doubtful(&pointer) {
                continue;
            }
            let exists = toleration.operator == Some(types::TolerationOperator::Exists);
            let problem = if exists
                && toleration
                    .value
                    .as_ref()
                    .is_some_and(|value| !value.0.is_empty())
            {
                Some("`value` goes with the operator `Equal` only")
            } else if !exists && toleration.key.is_none() {
                Some("without a `key`, the operator must be `Exists`")
            } else if toleration.toleration_seconds.is_some()
                && toleration
                    .effect
                    .is_some_and(|effect| effect != types::TaintEffect::NoExecute)
            {
                Some("`tolerationSeconds` goes with the effect `NoExecute` only")
            } else {
                None
            };
            if let Some(problem) = problem {
                report.push(
                    self.scope
                        .error(
                            Code::Conflict,
                            &pointer,
                            "the API server refuses this toleration",
                        )
                        .label(problem),
                );
            }
        }
        for (index, spread) in written.topology_spread.iter().flatten().enumerate() {
            let pointer = format!("/scheduling/topologySpread/{index}");
            if spread.min_domains.is_some()
                && spread.when_unsatisfiable == Some(types::Unsatisfiable::ScheduleAnyway)
            {
                report.push(
                    self.scope
                        .error(
                            Code::Conflict,
                            &pointer,
                            "the API server refuses this constraint",
                        )
                        .label("`minDomains` goes with `whenUnsatisfiable: DoNotSchedule` only"),
                );
            }
        }
        let written_node = self.merged.get("scheduling");
        let list = |key: &str| -> Vec<Value> {
            written_node
                .and_then(|node| node.get(key))
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter(|item| item.content != Content::Rejected)
                .map(|item| without_nulls(item.to_value()))
                .collect()
        };
        Scheduling {
            node_selector: written
                .node_selector
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?.0)))
                .collect(),
            tolerations: list("tolerations"),
            affinity: written_node
                .and_then(|node| node.get("affinity"))
                .and_then(|affinity| without_empty(without_nulls(affinity.to_value()))),
            priority_class_name: written.priority_class_name.map(|name| name.0),
            topology_spread: list("topologySpread"),
        }
    }
}

/// Leaves out empty blocks; nothing when all are.
fn without_empty(value: Value) -> Option<Value> {
    let Value::Object(map) = value else {
        return Some(value);
    };
    let map: serde_json::Map<_, _> = map
        .into_iter()
        .filter(|(_, value)| value.as_object().is_none_or(|map| !map.is_empty()))
        .collect();
    (!map.is_empty()).then_some(Value::Object(map))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
