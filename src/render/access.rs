//! What an exposed stack needs outside of its namespace: the right to ask the API server about others.

use serde_json::json;

use crate::base::Base;
use crate::model::{Project, State};
use crate::object::Object;

/// Group of bindings and of the roles that they name.
const RBAC: &str = "rbac.authorization.k8s.io";

/// Returns the binding that lets a project's proxy ask who somebody is and what they may do; `None` when it asks nothing.
///
/// The questions are about the whole cluster, so that no Role can permit them, and no project may bring the binding itself.
/// Source: gitops-wiring §4.6; kfp-stack §3.2.
pub fn token_review(project: &Project, base: &Base) -> Option<Object> {
    let access = project.access.as_ref()?;
    let facts = base.facts.access.as_ref()?;
    if !access.auth.asks_kubernetes() || project.state == State::Retired {
        return None;
    }
    Some(Object {
        body: json!({
            "apiVersion": format!("{RBAC}/v1"),
            "kind": "ClusterRoleBinding",
            // Namespaces are unique in a cluster.
            "metadata": {
                "name": format!("tenantry-access-{}", project.namespace),
                "labels": {"tenantry.dev/project": project.name},
            },
            "roleRef": {
                "apiGroup": RBAC,
                "kind": "ClusterRole",
                "name": "system:auth-delegator",
            },
            "subjects": [{
                "kind": "ServiceAccount",
                "name": facts.service_account,
                "namespace": project.namespace,
            }],
        }),
        file: "access".to_owned(),
    })
}
