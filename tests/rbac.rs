//! Who may do what, evaluated from the Roles and bindings of whole trees as the API server evaluates them.
//!
//! The table of what a member may do is written down here, independently of the rules in `base.yaml`.
//! Source: projects-file §7; Kubernetes RBAC (`plugin/pkg/auth/authorizer/rbac`, v1.33).

mod compiler;

use std::collections::{BTreeMap, BTreeSet};

use compiler::{compile, compile_with, object, objects};
use serde_json::Value;

const FLEET: &str = r#"version: 1
platform: {base: kfp-2.17.0}
projects:
- name: alpha
  components: {apiServer: {pipelineStore: kubernetes}, viewer: {enabled: true}, visualization: {enabled: true}}
  members:
    admins: ["group:leads", "user:ada@example.com"]
    editors: ["user:ed@example.com", "serviceAccount:alpha/notebooks"]
    viewers: ["group:readers", "serviceAccount:ci/reporter"]
- name: beta
  base: kfp-2.15.0
  database: {embedded: {engine: mysql}}
  members:
    admins: ["user:bea@example.com"]
    editors: ["group:writers"]
    viewers: ["user:ed@example.com"]
- name: gamma
  members: {viewers: ["user:guest@example.com"]}
- name: delta
"#;

/// Verbs that a request can have, and those that only RBAC knows.
const VERBS: [&str; 13] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "escalate",
    "bind",
    "impersonate",
    "approve",
    "*",
];

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "update", "patch", "delete"];

/// What a level may do besides the levels below it: group, resource, verbs, whether to the stack's own objects only.
const VIEWERS: &[Grant] = &[
    ("pipelines.kubeflow.org", "pipelines", READ, false),
    ("pipelines.kubeflow.org", "pipelineversions", READ, false),
    ("kubeflow.org", "scheduledworkflows", READ, false),
    ("argoproj.io", "workflows", READ, false),
    ("", "pods", READ, false),
    ("", "pods/log", &["get"], false),
    ("", "events", READ, false),
];
const EDITORS: &[Grant] = &[
    ("pipelines.kubeflow.org", "pipelines", WRITE, false),
    ("pipelines.kubeflow.org", "pipelineversions", WRITE, false),
    ("kubeflow.org", "scheduledworkflows", WRITE, false),
    ("argoproj.io", "workflows", WRITE, false),
];
const ADMINS: &[Grant] = &[
    ("apps", "deployments", READ, false),
    ("apps", "deployments", &["patch"], true),
    ("", "configmaps", READ, false),
    ("", "configmaps", &["update", "patch"], true),
];

type Grant = (&'static str, &'static str, &'static [&'static str], bool);

/// Resources to ask for besides those that some rule of the tree names.
const PROBES: &[(&str, &str)] = &[
    ("", "secrets"),
    ("", "serviceaccounts"),
    ("", "serviceaccounts/token"),
    ("", "pods/exec"),
    ("", "pods/attach"),
    ("", "pods/portforward"),
    ("", "pods/proxy"),
    ("", "pods/eviction"),
    ("", "pods/ephemeralcontainers"),
    ("", "services"),
    ("", "services/proxy"),
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("", "namespaces"),
    ("", "nodes"),
    ("", "nodes/proxy"),
    ("", "resourcequotas"),
    ("", "limitranges"),
    ("apps", "deployments"),
    ("apps", "deployments/scale"),
    ("apps", "statefulsets"),
    ("apps", "replicasets"),
    ("batch", "jobs"),
    ("networking.k8s.io", "networkpolicies"),
    ("networking.k8s.io", "ingresses"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    (
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
    ),
    ("certificates.k8s.io", "certificatesigningrequests"),
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
    ("external-secrets.io", "externalsecrets"),
    ("cert-manager.io", "certificates"),
];

/// One who asks: a user name with its groups.
#[derive(Debug, Clone)]
struct Asker {
    user: String,
    groups: Vec<String>,
}

impl Asker {
    /// Reads the form of `members`.
    fn member(text: &str) -> Asker {
        match text.split_once(':').expect("a kind and a name") {
            ("user", name) => Asker::new(name, &[]),
            ("group", name) => Asker::new("somebody@example.com", &[name]),
            (_, account) => {
                let (namespace, name) = account.split_once('/').expect("a namespace and a name");
                Asker::account(namespace, name)
            }
        }
    }

    fn new(user: &str, groups: &[&str]) -> Asker {
        let groups = groups.iter().copied().chain(["system:authenticated"]);
        Asker {
            user: user.to_owned(),
            groups: groups.map(str::to_owned).collect(),
        }
    }

    fn account(namespace: &str, name: &str) -> Asker {
        let own = format!("system:serviceaccounts:{namespace}");
        Asker::new(
            &format!("system:serviceaccount:{namespace}:{name}"),
            &["system:serviceaccounts", &own],
        )
    }
}

/// What is asked for; for no single object when the name is empty.
#[derive(Debug, Clone, Copy)]
struct Request<'a> {
    verb: &'a str,
    group: &'a str,
    resource: &'a str,
    name: &'a str,
}

/// The Roles and bindings of a tree.
struct Rights {
    /// By namespace (empty for ClusterRoles) and name.
    roles: BTreeMap<(String, String), Value>,
    bindings: Vec<Value>,
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    value[key]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

impl Rights {
    fn of(objects: &[Value]) -> Rights {
        let mut rights = Rights {
            roles: BTreeMap::new(),
            bindings: Vec::new(),
        };
        for object in objects {
            match text(object, "/kind") {
                "Role" | "ClusterRole" => {
                    let key = (
                        text(object, "/metadata/namespace"),
                        text(object, "/metadata/name"),
                    );
                    let key = (key.0.to_owned(), key.1.to_owned());
                    assert!(
                        rights.roles.insert(key, object.clone()).is_none(),
                        "one Role twice"
                    );
                }
                "RoleBinding" | "ClusterRoleBinding" => rights.bindings.push(object.clone()),
                _ => {}
            }
        }
        rights
    }

    /// Returns the rules that hold for somebody in a namespace, or in the whole cluster when it is empty.
    fn rules(&self, asker: &Asker, namespace: &str) -> Vec<&Value> {
        let holds = |binding: &&Value| {
            let own = text(binding, "/metadata/namespace");
            let everywhere = text(binding, "/kind") == "ClusterRoleBinding";
            let mut subjects = binding["subjects"].as_array().into_iter().flatten();
            (everywhere || (own == namespace && !own.is_empty()))
                && subjects.any(|subject| is_subject(asker, subject))
        };
        self.bindings
            .iter()
            .filter(holds)
            .flat_map(|binding| {
                let role = self.role(binding, text(binding, "/metadata/namespace"));
                role["rules"].as_array().into_iter().flatten()
            })
            .collect()
    }

    fn role(&self, binding: &Value, namespace: &str) -> &Value {
        let scope = match text(binding, "/roleRef/kind") {
            "Role" => namespace,
            "ClusterRole" => "",
            other => panic!("a binding to a {other}"),
        };
        let key = (scope.to_owned(), text(binding, "/roleRef/name").to_owned());
        self.roles.get(&key).unwrap_or_else(|| {
            panic!("{key:?} is bound, and not in the tree: what it allows is unknown")
        })
    }
}

fn is_subject(asker: &Asker, subject: &Value) -> bool {
    let name = text(subject, "/name");
    let group = text(subject, "/apiGroup");
    match text(subject, "/kind") {
        "User" => {
            assert_eq!(group, "rbac.authorization.k8s.io");
            asker.user == name
        }
        "Group" => {
            assert_eq!(group, "rbac.authorization.k8s.io");
            asker.groups.iter().any(|group| group == name)
        }
        "ServiceAccount" => {
            assert_eq!(group, "");
            asker.user
                == format!(
                    "system:serviceaccount:{}:{name}",
                    text(subject, "/namespace")
                )
        }
        other => panic!("a subject of kind {other}"),
    }
}

fn covers(rule: &Value, request: &Request<'_>) -> bool {
    let any_of =
        |key: &str, wanted: &str| list(rule, key).any(|item| item == "*" || item == wanted);
    let resource = list(rule, "resources").any(|resource| {
        resource == "*"
            || resource == request.resource
            || resource.strip_prefix("*/").is_some_and(|sub| {
                request
                    .resource
                    .split_once('/')
                    .is_some_and(|(_, wanted)| wanted == sub)
            })
    });
    let mut names = list(rule, "resourceNames").peekable();
    let named = names.peek().is_none() || names.any(|name| name == request.name);
    resource && named && any_of("apiGroups", request.group) && any_of("verbs", request.verb)
}

/// Every object of a tree.
fn all(tree: &BTreeMap<String, String>) -> Vec<Value> {
    let directories: BTreeSet<&str> = tree
        .keys()
        .filter_map(|path| Some(path.rsplit_once('/')?.0))
        .collect();
    directories
        .into_iter()
        .flat_map(|directory| objects(tree, directory))
        .collect()
}

/// Every resource that a rule of the tree names, and the probes.
fn resources(all: &[Value]) -> BTreeSet<(String, String)> {
    let mut found: BTreeSet<(String, String)> = PROBES
        .iter()
        .map(|(group, resource)| ((*group).to_owned(), (*resource).to_owned()))
        .collect();
    for rule in all
        .iter()
        .flat_map(|object| object["rules"].as_array().into_iter().flatten())
    {
        for group in list(rule, "apiGroups") {
            for resource in list(rule, "resources") {
                found.insert((group.to_owned(), resource.to_owned()));
            }
        }
    }
    found
}

/// What the table lets a level do.
fn expected(level: &str, request: &Request<'_>, own_objects: &BTreeSet<(String, String)>) -> bool {
    let grants: &[&[Grant]] = match level {
        "viewers" => &[VIEWERS],
        "editors" => &[VIEWERS, EDITORS],
        "admins" => &[VIEWERS, EDITORS, ADMINS],
        "nobody" => &[],
        other => panic!("no level {other}"),
    };
    grants
        .iter()
        .flat_map(|grants| grants.iter())
        .any(|(group, resource, verbs, own)| {
            *group == request.group
                && *resource == request.resource
                && verbs.contains(&request.verb)
                && (!own
                    || own_objects
                        .contains(&(request.resource.to_owned(), request.name.to_owned())))
        })
}

#[test]
fn members_may_do_what_the_table_says_and_nothing_else() {
    let tree = compile(FLEET);
    let all = all(&tree);
    let rights = Rights::of(&all);
    let resources = resources(&all);
    let names = ["", "ml-pipeline", "kfp-launcher", "something-of-theirs"];
    let own_objects = BTreeSet::from([
        ("deployments".to_owned(), "ml-pipeline".to_owned()),
        ("configmaps".to_owned(), "kfp-launcher".to_owned()),
    ]);
    // Who has which level where; a user may be a member of two projects.
    let levels: &[(&str, &[(&str, &str)])] = &[
        ("group:leads", &[("alpha", "admins")]),
        ("user:ada@example.com", &[("alpha", "admins")]),
        (
            "user:ed@example.com",
            &[("alpha", "editors"), ("beta", "viewers")],
        ),
        ("serviceAccount:alpha/notebooks", &[("alpha", "editors")]),
        ("group:readers", &[("alpha", "viewers")]),
        ("serviceAccount:ci/reporter", &[("alpha", "viewers")]),
        ("user:bea@example.com", &[("beta", "admins")]),
        ("group:writers", &[("beta", "editors")]),
        ("user:guest@example.com", &[("gamma", "viewers")]),
        ("user:stranger@example.com", &[]),
        ("group:system:masters-of-nothing", &[]),
    ];
    let mut asked = 0;
    for (member, of) in levels {
        let asker = Asker::member(member);
        for namespace in [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "ci",
            "default",
            "kube-system",
            "tenantry-system",
            "",
        ] {
            let level = of
                .iter()
                .find(|(at, _)| *at == namespace)
                .map_or("nobody", |(_, level)| level);
            let rules = rights.rules(&asker, namespace);
            for (group, resource) in &resources {
                for verb in VERBS {
                    for name in names {
                        let request = Request {
                            verb,
                            group,
                            resource,
                            name,
                        };
                        let found = rules.iter().any(|rule| covers(rule, &request));
                        assert_eq!(
                            found,
                            expected(level, &request, &own_objects),
                            "{member} as {level} in `{namespace}`: {request:?}"
                        );
                        asked += 1;
                    }
                }
            }
        }
    }
    assert!(asked > 100_000, "only {asked} questions");
}

#[test]
fn workloads_stay_in_their_namespace() {
    let tree = compile(FLEET);
    let all = all(&tree);
    let rights = Rights::of(&all);
    let accounts: Vec<(&str, &str)> = all
        .iter()
        .filter(|object| object["kind"] == "ServiceAccount")
        .map(|object| {
            (
                text(object, "/metadata/namespace"),
                text(object, "/metadata/name"),
            )
        })
        .chain([("alpha", "default"), ("beta", "default")])
        .collect();
    assert!(accounts.len() > 30);
    for (home, name) in accounts {
        let asker = Asker::account(home, name);
        for namespace in ["alpha", "beta", "gamma", "delta", "default", ""] {
            // The webhook of the cluster is the platform's.
            if namespace == home || home == "tenantry-system" {
                continue;
            }
            assert_eq!(
                rights.rules(&asker, namespace),
                Vec::<&Value>::new(),
                "{home}/{name} in `{namespace}`"
            );
        }
    }
}

#[test]
fn only_levels_with_members_get_a_role() {
    let tree = compile(FLEET);
    for (project, expect) in [
        ("alpha", &["admins", "editors", "viewers"][..]),
        ("beta", &["admins", "editors", "viewers"]),
        ("gamma", &["viewers"]),
        ("delta", &[]),
    ] {
        let objects = objects(&tree, &format!("in-cluster/{project}"));
        for level in ["admins", "editors", "viewers"] {
            for kind in ["Role", "RoleBinding"] {
                let id = format!("{kind}/members-{level}");
                assert_eq!(
                    object(&objects, &id).is_some(),
                    expect.contains(&level),
                    "{project} {id}"
                );
            }
        }
        assert_eq!(
            tree.contains_key(&format!("in-cluster/{project}/access.yaml")),
            !expect.is_empty(),
            "{project}"
        );
    }
}

#[test]
fn a_binding_to_another_project_is_a_leak_unless_it_is_a_member() {
    let check = |members: &str, subject: &str, expect: &[&str]| {
        let projects = format!(
            "version: 1\nplatform: {{base: kfp-2.17.0}}\nprojects:\n- name: alpha\n  members: {members}\n  extraManifests: [more.yaml]\n- {{name: beta}}\n"
        );
        let more = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: more}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: ml-pipeline}}\nsubjects: [{subject}]\n"
        );
        let extra = BTreeMap::from([("more.yaml".to_owned(), more)]);
        assert_eq!(
            compile_with(&projects, &extra, 1).findings,
            expect,
            "{members} {subject}"
        );
    };
    let leak = [
        "error[tenant-leak] projects.yaml:4:9 `RoleBinding/more` of project `alpha` names namespace `beta` of project `beta`",
    ];
    let account = "{kind: ServiceAccount, name: runner, namespace: beta}";
    check("{}", account, &leak);
    check("{viewers: [\"serviceAccount:beta/runner\"]}", account, &[]);
    check("{viewers: [\"serviceAccount:beta/other\"]}", account, &leak);
    check(
        "{}",
        "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: beta}",
        &[],
    );
    check(
        "{}",
        "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: \"system:serviceaccounts:beta\"}",
        &leak,
    );
    check(
        "{}",
        "{apiGroup: rbac.authorization.k8s.io, kind: User, name: \"system:serviceaccount:beta:runner\"}",
        &leak,
    );
    // Teams are often called like projects.
    check(
        "{viewers: [\"group:beta\", \"user:beta@example.com\", \"serviceAccount:beta/pipeline-runner\"]}",
        "{apiGroup: rbac.authorization.k8s.io, kind: User, name: beta}",
        &[],
    );
}

const EXPOSED: &str = r#"version: 1
platform: {base: kfp-2.17.0, openshift: true}
defaults: {access: {oidc: {issuer: "https://id.example.com", clientId: kfp, clientSecret: {name: oidc, key: secret}, allowedGroups: [all]}}}
projects:
- name: alpha
  members: {admins: ["user:ada@example.com"], editors: ["serviceAccount:ci/runner"], viewers: ["group:readers"]}
  access: {exposure: ingress, host: alpha.example.com, auth: kubeRbacProxy}
- name: beta
  base: kfp-2.15.0
  namespace: beta-stack
  members: {editors: ["group:readers"]}
  access: {exposure: route, host: beta.example.com, auth: both}
- name: gamma
  members: {admins: ["user:ada@example.com"]}
  access: {exposure: httpRoute, host: gamma.example.com, gateway: {name: g}, auth: oauth2Proxy}
- name: delta
  state: paused
  members: {viewers: ["group:readers"]}
  access: {exposure: ingress, host: delta.example.com, auth: kubeRbacProxy}
- name: epsilon
  state: retired
  members: {viewers: ["group:readers"]}
  access: {exposure: ingress, host: epsilon.example.com, auth: kubeRbacProxy}
- name: zeta
  members: {admins: ["user:ada@example.com"]}
"#;

/// kube-rbac-proxy asks for what its configuration says, with the verb of the method; those who are no members are refused.
#[test]
fn the_proxy_lets_members_through_and_nobody_else() {
    let tree = compile(EXPOSED);
    let all = all(&tree);
    // The role that is the cluster's own.
    let bindings = |object: &Value| text(object, "/kind") != "ClusterRoleBinding";
    let rights = Rights::of(
        &all.iter()
            .filter(|it| bindings(it))
            .cloned()
            .collect::<Vec<_>>(),
    );
    let read: &[&str] = &["get"];
    let everything: &[&str] = &["get", "create", "update", "patch", "delete"];
    let none: &[&str] = &[];
    for (namespace, member, expect) in [
        ("alpha", "user:ada@example.com", everything),
        ("alpha", "serviceAccount:ci/runner", everything),
        ("alpha", "group:readers", read),
        ("alpha", "user:stranger@example.com", none),
        ("alpha", "serviceAccount:alpha/pipeline-runner", none),
        ("alpha", "serviceAccount:alpha/access-proxy", none),
        ("beta-stack", "group:readers", everything),
        ("beta-stack", "user:ada@example.com", none),
        ("delta", "group:readers", read),
    ] {
        let objects = objects(&tree, &format!("in-cluster/{namespace}"));
        let config = object(&objects, "ConfigMap/access-proxy").expect("the proxy is configured");
        let config = text(config, "/data/config.yaml");
        let config: Value = serde_saphyr::from_str(config).expect("it is YAML");
        let asked = &config["authorization"]["resourceAttributes"];
        assert_eq!(asked["namespace"], namespace);
        let resource = format!(
            "{}/{}",
            text(asked, "/resource"),
            text(asked, "/subresource")
        );
        let rules = rights.rules(&Asker::member(member), namespace);
        let granted: Vec<&str> = ["get", "create", "update", "patch", "delete", "*"]
            .into_iter()
            .filter(|verb| {
                let request = Request {
                    verb,
                    group: text(asked, "/apiGroup"),
                    resource: &resource,
                    name: "",
                };
                rules.iter().any(|rule| covers(rule, &request))
            })
            .collect();
        assert_eq!(granted, expect, "{member} in {namespace}");
    }
    // Where no proxy asks, the right is not given.
    for namespace in ["gamma", "zeta"] {
        let rules = rights.rules(&Asker::member("user:ada@example.com"), namespace);
        assert!(!rules.is_empty());
        assert!(
            !rules
                .iter()
                .any(|rule| list(rule, "apiGroups").any(|group| group == "tenantry.dev")),
            "{namespace}"
        );
    }
}

/// What the proxies may ask about the whole cluster is bound once for each, outside of the projects.
#[test]
fn only_the_cluster_directory_has_bindings_for_the_whole_cluster() {
    let tree = compile(EXPOSED);
    let mut bound = Vec::new();
    for path in tree.keys() {
        let (directory, _) = path.rsplit_once('/').expect("files lie in directories");
        let whole: Vec<Value> = objects(&tree, directory)
            .into_iter()
            .filter(|object| text(object, "/metadata/namespace").is_empty())
            .collect();
        for object in whole {
            match (directory, text(&object, "/kind")) {
                ("in-cluster/_cluster", "ClusterRoleBinding") => {
                    let subjects = object["subjects"].as_array().expect("there are subjects");
                    assert_eq!(subjects.len(), 1);
                    bound.push(format!(
                        "{} gives {}/{} to {} {}/{}",
                        text(&object, "/metadata/name"),
                        text(&object, "/roleRef/kind"),
                        text(&object, "/roleRef/name"),
                        text(&subjects[0], "/kind"),
                        text(&subjects[0], "/namespace"),
                        text(&subjects[0], "/name"),
                    ));
                }
                ("in-cluster/_cluster", kind) => assert_eq!(kind, "CustomResourceDefinition"),
                (_, kind) => assert_eq!(kind, "Namespace", "{path}"),
            }
        }
    }
    bound.sort();
    bound.dedup();
    let delegator = "ClusterRole/system:auth-delegator";
    let expect: Vec<String> = ["alpha", "beta-stack", "delta"]
        .iter()
        .map(|namespace| {
            format!("tenantry-access-{namespace} gives {delegator} to ServiceAccount {namespace}/access-proxy")
        })
        .collect();
    assert_eq!(bound, expect);
}

/// What guards a stack is not for its members to change.
#[test]
fn admins_may_not_change_the_proxy() {
    let tree = compile(EXPOSED);
    let rights = Rights::of(&objects(&tree, "in-cluster/alpha"));
    let rules = rights.rules(&Asker::member("user:ada@example.com"), "alpha");
    for (group, resource, name, expect) in [
        ("apps", "deployments", "ml-pipeline", true),
        ("apps", "deployments", "access-proxy", false),
        ("", "configmaps", "kfp-launcher", true),
        ("", "configmaps", "access-proxy", false),
    ] {
        let request = Request {
            verb: "patch",
            group,
            resource,
            name,
        };
        let found = rules.iter().any(|rule| covers(rule, &request));
        assert_eq!(found, expect, "{resource} {name}");
    }
}
