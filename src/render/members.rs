//! Roles and RoleBindings of a project's members.
//!
//! The rules are data of the base; here they become one Role for each level that has members, and a binding to them.
//! A level's Role holds everything that the level may do, so that one look at it is enough.

use serde_json::{Value, json};

use crate::base::{Base, MemberRule};
use crate::model::{Member, Project};
use crate::object::Object;
use crate::plan::Plan;

/// Group of Roles and of the subjects that are no service accounts.
const RBAC: &str = "rbac.authorization.k8s.io";

/// Returns the Roles and RoleBindings of the levels that have members.
///
/// `objects` are the stack's own, to which the base may narrow a rule.
pub(super) fn objects(
    objects: &[Object],
    project: &Project,
    plan: &Plan,
    base: &Base,
) -> Vec<Object> {
    let access = plan.access.as_ref();
    let asked = access.is_some_and(|access| access.kube_rbac_proxy);
    let mut bodies = Vec::new();
    for (level, members) in project.members.levels() {
        if members.is_empty() {
            continue;
        }
        let name = format!("members-{level}");
        let rules: Vec<Value> = base
            .facts
            .members
            .of(level)
            .into_iter()
            .filter(|member_rule| asked || !member_rule.of_proxy)
            .filter_map(|member_rule| rule(member_rule, objects))
            .collect();
        bodies.push(json!({
            "apiVersion": format!("{RBAC}/v1"),
            "kind": "Role",
            "metadata": {"name": name},
            "rules": rules,
        }));
        bodies.push(json!({
            "apiVersion": format!("{RBAC}/v1"),
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
            "subjects": members.iter().map(subject).collect::<Vec<_>>(),
        }));
    }
    bodies
        .into_iter()
        .map(|body| Object {
            body,
            file: "access".to_owned(),
        })
        .collect()
}

/// Returns a rule of a Role; none when the stack has no object that it is narrowed to, since no names would mean all.
fn rule(rule: &MemberRule, objects: &[Object]) -> Option<Value> {
    let mut body = json!({"apiGroups": rule.api_groups, "resources": rule.resources});
    if let Some(kind) = &rule.names_of {
        let mut names: Vec<&str> = objects
            .iter()
            // Who gets in is decided in Git: what guards the stack is not for its members to change.
            .filter(|object| object.kind() == kind && object.file != "access")
            .map(Object::name)
            .collect();
        names.sort_unstable();
        if names.is_empty() {
            return None;
        }
        body["resourceNames"] = json!(names);
    }
    body["verbs"] = json!(rule.verbs);
    Some(body)
}

fn subject(member: &Member) -> Value {
    match member {
        Member::User(name) => json!({"apiGroup": RBAC, "kind": "User", "name": name}),
        Member::Group(name) => json!({"apiGroup": RBAC, "kind": "Group", "name": name}),
        Member::ServiceAccount { namespace, name } => {
            json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
        }
    }
}
