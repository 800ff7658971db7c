//! What members of a project may do, as a base states it: RBAC rules by level.
//!
//! Takes the `members` of `base.yaml` and refuses what no membership may grant, whoever writes the base.

use serde::Deserialize;

/// RBAC rules of the three levels, each of which has those of the levels before it, too.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberRules {
    /// Reading pipelines, runs and logs.
    #[serde(default)]
    pub viewers: Vec<MemberRule>,
    /// Creating, running, stopping and deleting them.
    #[serde(default)]
    pub editors: Vec<MemberRule>,
    /// Restarting the stack, and its configuration.
    #[serde(default)]
    pub admins: Vec<MemberRule>,
}

/// One rule of a Role.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemberRule {
    /// API groups, the empty one for the core.
    pub api_groups: Vec<String>,
    /// Resources and subresources.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
    /// Kind of the stack's own objects that the rule is narrowed to, by name; `None` for all objects of the namespace.
    #[serde(default)]
    pub names_of: Option<String>,
    /// Whether only the proxy in front of a stack asks for the right: it is granted where there is such a proxy.
    #[serde(default)]
    pub of_proxy: bool,
}

/// Core resources that no membership grants: Secrets, what reaches into a running pod, and tokens.
///
/// Source: projects-file §7; Kubernetes RBAC good practices, "privilege escalation risks", v1.33.
const REFUSED_RESOURCES: [&str; 7] = [
    "secrets",
    "pods/exec",
    "pods/attach",
    "pods/portforward",
    "pods/ephemeralcontainers",
    "pods/proxy",
    "serviceaccounts/token",
];

/// Groups that no membership touches: rights, isolation and admission.
const REFUSED_GROUPS: [&str; 3] = [
    "rbac.authorization.k8s.io",
    "networking.k8s.io",
    "admissionregistration.k8s.io",
];

/// Verbs that no membership grants.
const REFUSED_VERBS: [&str; 4] = ["escalate", "bind", "impersonate", "deletecollection"];

impl MemberRules {
    /// Returns the rules of a level, those that it includes first; none for an unknown level.
    pub fn of(&self, level: &str) -> Vec<&MemberRule> {
        let parts: &[&Vec<MemberRule>] = match level {
            "viewers" => &[&self.viewers],
            "editors" => &[&self.viewers, &self.editors],
            "admins" => &[&self.viewers, &self.editors, &self.admins],
            _ => &[],
        };
        parts.iter().flat_map(|rules| rules.iter()).collect()
    }

    /// Returns what the rules grant that no membership may grant, in the words of a diagnostic.
    pub(super) fn refused(&self) -> Vec<String> {
        let mut refused = Vec::new();
        for rule in self.of("admins") {
            let groups = rule.api_groups.iter().map(|group| {
                (
                    group,
                    group == "*" || REFUSED_GROUPS.contains(&group.as_str()),
                )
            });
            let resources = rule.resources.iter().map(|resource| {
                let any = resource == "*" || resource.starts_with("*/") || resource.ends_with("/*");
                (
                    resource,
                    any || REFUSED_RESOURCES.contains(&resource.as_str()),
                )
            });
            let verbs = rule
                .verbs
                .iter()
                .map(|verb| (verb, verb == "*" || REFUSED_VERBS.contains(&verb.as_str())));
            for (what, list) in [
                ("API group", groups.collect::<Vec<_>>()),
                ("resource", resources.collect()),
                ("verb", verbs.collect()),
            ] {
                if list.is_empty() {
                    refused.push(format!("a rule of `members` has no {what}"));
                }
                for (name, _) in list.iter().filter(|(_, refused)| *refused) {
                    refused.push(format!(
                        "`members` grants the {what} `{name}`, which no membership may"
                    ));
                }
            }
        }
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, expect: &[&str]) {
        let rules: MemberRules =
            serde_saphyr::from_str(&format!("viewers:\n- {rule}\n")).expect("a rule");
        assert_eq!(rules.refused(), expect, "{rule}");
    }

    #[test]
    fn what_no_membership_may_grant() {
        check(
            "{apiGroups: [''], resources: [pods, pods/log], verbs: [get]}",
            &[],
        );
        check(
            "{apiGroups: [''], resources: [secrets, pods/exec], verbs: [get]}",
            &[
                "`members` grants the resource `secrets`, which no membership may",
                "`members` grants the resource `pods/exec`, which no membership may",
            ],
        );
        check(
            "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}",
            &[
                "`members` grants the API group `*`, which no membership may",
                "`members` grants the resource `*`, which no membership may",
                "`members` grants the verb `*`, which no membership may",
            ],
        );
        check(
            "{apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings, 'pods/*'], verbs: [bind]}",
            &[
                "`members` grants the API group `rbac.authorization.k8s.io`, which no membership may",
                "`members` grants the resource `pods/*`, which no membership may",
                "`members` grants the verb `bind`, which no membership may",
            ],
        );
        check(
            "{apiGroups: [''], resources: [], verbs: [get]}",
            &["a rule of `members` has no resource"],
        );
    }

    #[test]
    fn levels_include_those_before_them() {
        let rules: MemberRules = serde_saphyr::from_str(
            "viewers:\n- {apiGroups: [a], resources: [x], verbs: [get]}\neditors:\n- {apiGroups: [b], resources: [x], verbs: [get]}\nadmins:\n- {apiGroups: [c], resources: [x], verbs: [get]}\n",
        )
        .expect("rules");
        for (level, expect) in [
            ("viewers", "a"),
            ("editors", "ab"),
            ("admins", "abc"),
            ("owners", ""),
        ] {
            let groups: String = rules
                .of(level)
                .iter()
                .map(|rule| rule.api_groups[0].as_str())
                .collect();
            assert_eq!(groups, expect, "{level}");
        }
    }
}
