//! The tenant-leak check: no string of one project's objects names what belongs to another.
//!
//! Takes the finished objects of a project and what all projects own; gives a finding for each string that names another project's namespace, database, bucket or prefix, or an in-cluster host of a namespace that the project has not been given.
//! It is the last step before files are laid out and looks at objects alone, so that it also proves the work of every earlier stage.
//! Source: product.md, promise 2.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use crate::base::Base;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Cluster, Member, Model, Peer, Project, StorageKind};
use crate::object::Object;
use crate::plan::namespace_of;

/// Last labels that make `mysql.sock` a file and not a host.
const FILE_EXTENSIONS: [&str; 22] = [
    "cfg", "cnf", "conf", "crt", "csv", "d", "html", "ini", "js", "json", "key", "log", "md",
    "pem", "pid", "py", "sh", "sock", "sql", "txt", "yaml", "yml",
];

/// Words that the renderer itself writes, whatever the project.
const OWN_WORDS: &[&str] = &[
    "1",
    "Container",
    "Delete",
    "Egress",
    "Group",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "Ingress",
    "NO_PROXY",
    "Prune",
    "TCP",
    "UDP",
    "User",
    "baseline",
    "common-egress",
    "confirm",
    "default-deny",
    "disabled",
    "latest",
    "limits",
    "members-admins",
    "members-editors",
    "members-viewers",
    "quota",
    "restricted",
    "true",
];

/// What the projects of a fleet own, ready for look-ups.
#[derive(Debug)]
pub struct Registry {
    /// Identifiers by their first word.
    by_word: HashMap<String, Vec<Identifier>>,
}

/// One name that belongs to one project.
#[derive(Debug)]
struct Identifier {
    text: String,
    what: &'static str,
    owner: String,
}

/// What the strings of a base may say without naming anybody: its words and its Services.
#[derive(Debug)]
pub struct Vocabulary {
    words: HashSet<String>,
    services: HashSet<String>,
}

impl Vocabulary {
    /// Collects the words of a base's files.
    pub fn new<'a>(base: &Base, texts: impl IntoIterator<Item = &'a str>) -> Vocabulary {
        let words = texts
            .into_iter()
            .flat_map(|text| words(text).map(|(_, word)| word.to_owned()))
            .chain(OWN_WORDS.iter().map(|word| (*word).to_owned()))
            .collect();
        let services = base
            .manifests
            .iter()
            .filter(|object| object.kind() == "Service")
            .map(|object| object.name().to_owned())
            .chain(base.facts.well_known_services.iter().cloned())
            .chain(
                base.facts
                    .embedded
                    .values()
                    .flat_map(BTreeMap::values)
                    .map(|service| service.service.clone()),
            )
            .collect();
        Vocabulary { words, services }
    }
}

impl Registry {
    /// Collects what every project owns.
    pub fn new(model: &Model) -> Registry {
        let mut by_word: HashMap<String, Vec<Identifier>> = HashMap::new();
        for project in &model.projects {
            for (what, text) in owned(project) {
                if let Some((_, first)) = words(text).next() {
                    by_word
                        .entry(first.to_owned())
                        .or_default()
                        .push(Identifier {
                            text: text.to_owned(),
                            what,
                            owner: project.name.clone(),
                        });
                }
            }
        }
        Registry { by_word }
    }
}

/// Lists the names that belong to one project alone.
fn owned(project: &Project) -> Vec<(&'static str, &str)> {
    let mut names = vec![("namespace", project.namespace.as_str())];
    if project.database.kind != StorageKind::Embedded {
        names.push(("database", &project.database.database));
        names.push(("database user", &project.database.user));
    }
    if project.object_store.kind != StorageKind::Embedded {
        match &project.object_store.prefix {
            Some(prefix) => names.push(("prefix", prefix)),
            None => names.push(("bucket", &project.object_store.bucket)),
        }
    }
    names
}

/// Looks for leaks in the objects of one project (`tenant-leak`).
///
/// The project's description and owner are prose: what they mention is a warning.
pub fn check(
    objects: &[Object],
    project: &Project,
    cluster: &Cluster,
    registry: &Registry,
    vocabulary: &Vocabulary,
) -> Vec<Diagnostic> {
    let mut search = Search::new(project, cluster, registry, vocabulary);
    for object in objects {
        search.object(object);
    }
    let found = std::mem::take(&mut search.found);
    found
        .into_iter()
        .map(|leak| {
            let message = format!("`{}` of project `{}` {}", leak.object, project.name, leak.what);
            let diagnostic = if leak.prose {
                Diagnostic::warning(Code::TenantLeak, message)
            } else {
                Diagnostic::error(Code::TenantLeak, message)
            };
            diagnostic
                .at(project.span)
                .label(format!("in `{}`", leak.path))
                .hint("a project may name its own namespace and storage only, and namespaces that `network.ingressFrom` or its servers give it")
                .project(&project.name)
        })
        .collect()
}

fn own_names(project: &Project) -> HashSet<&str> {
    let mut own: HashSet<&str> = HashSet::from([
        project.name.as_str(),
        &project.namespace,
        &project.cluster,
        &project.base,
        &project.database.database,
        &project.database.user,
        &project.object_store.bucket,
    ]);
    own.extend(project.object_store.prefix.as_deref());
    // A label of its own server's host may be the name of another project, as in `pg.example.com`.
    let hosts = [
        project.database.host.as_deref(),
        project
            .object_store
            .endpoint
            .as_ref()
            .map(|endpoint| endpoint.host.as_str()),
        Some(project.object_store.region.as_str()),
    ];
    own.extend(
        hosts
            .into_iter()
            .flatten()
            .flat_map(|host| words(host).map(|(_, word)| word)),
    );
    own.extend(project.ring.as_deref());
    own.extend(
        access_words(project)
            .into_iter()
            .flat_map(|text| words(text).map(|(_, word)| word)),
    );
    own
}

/// Lists what the settings of `access` bring into a project: hosts, groups and the names of others' objects, which
/// often are called like teams.
fn access_words(project: &Project) -> Vec<&str> {
    let Some(access) = &project.access else {
        return Vec::new();
    };
    let mut texts: Vec<&str> = Vec::new();
    texts.extend(access.host.as_deref());
    texts.extend(access.ingress_class.as_deref());
    if let Some(gateway) = &access.gateway {
        texts.push(&gateway.name);
        texts.extend(gateway.section.as_deref());
    }
    if let Some(tls) = &access.tls {
        texts.extend(tls.secret.as_deref());
        texts.extend(tls.issuer.as_ref().map(|issuer| issuer.name.as_str()));
    }
    if let Some(oidc) = &access.oidc {
        texts.extend([
            oidc.issuer.as_str(),
            &oidc.client_id,
            &oidc.client_secret.name,
            &oidc.client_secret.key,
            &oidc.groups_claim,
        ]);
        texts.extend(oidc.allowed_groups.iter().map(String::as_str));
    }
    texts
}

/// Lists the words that the platform's settings bring into every project: a registry may be called like a team.
fn platform_words(cluster: &Cluster) -> impl Iterator<Item = &str> {
    let targets = cluster.images.mirrors.values();
    targets
        .chain(&cluster.pull_secrets)
        .flat_map(|text| words(text).map(|(_, word)| word))
}

fn given_namespaces<'a>(project: &'a Project, cluster: &'a Cluster) -> HashSet<&'a str> {
    let mut given: HashSet<&str> = HashSet::from([cluster.network.dns.namespace.as_str()]);
    given.extend(
        cluster
            .network
            .ingress_namespaces
            .iter()
            .map(String::as_str),
    );
    given.extend(
        cluster
            .network
            .monitoring_namespaces
            .iter()
            .map(String::as_str),
    );
    given.extend(
        project
            .network
            .ingress_from
            .iter()
            .filter_map(|peer| match peer {
                Peer::Namespace(namespace) => Some(namespace.as_str()),
                Peer::Cidr(_) => None,
            }),
    );
    let access = project.access.as_ref();
    given.extend(access.and_then(|access| access.gateway.as_ref()?.namespace.as_deref()));
    // `https://<host>…`: the rest of an issuer's URL does not look like a host.
    let issuer = access
        .and_then(|access| access.oidc.as_ref())
        .and_then(|oidc| {
            oidc.issuer
                .split(['/', ':'])
                .find(|part| part.contains('.'))
        });
    let hosts = [
        project.database.host.as_deref(),
        project
            .object_store
            .endpoint
            .as_ref()
            .map(|endpoint| endpoint.host.as_str()),
        issuer,
    ];
    for host in hosts.into_iter().flatten() {
        given.extend(namespace_of(host, &cluster.cluster_domain));
        // `service.namespace`, the short form of an in-cluster host.
        given.extend(host.split_once('.').map(|(_, namespace)| namespace));
    }
    given
}

/// One leak, ordered by place so that reports are stable.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Leak {
    object: String,
    path: String,
    what: String,
    prose: bool,
}

#[derive(Debug)]
struct Search<'a> {
    project: &'a Project,
    own: HashSet<&'a str>,
    given: HashSet<&'a str>,
    cluster_domain: &'a str,
    registry: &'a Registry,
    vocabulary: &'a Vocabulary,
    found: BTreeSet<Leak>,
}

/// Looks at single strings of a project; a string that it suspects may be a leak, which [`check`] tells.
#[derive(Debug)]
pub struct Suspicion<'a>(Search<'a>);

impl<'a> Suspicion<'a> {
    /// Prepares for the strings of one project.
    pub fn new(
        project: &'a Project,
        cluster: &'a Cluster,
        registry: &'a Registry,
        vocabulary: &'a Vocabulary,
    ) -> Self {
        Suspicion(Search::new(project, cluster, registry, vocabulary))
    }

    /// Tells whether a string is free of other projects' names, wherever it stands.
    pub fn clears(&mut self, text: &str) -> bool {
        let path = Path {
            above: None,
            step: Step::Key(""),
        };
        self.0.text("", text, &path);
        self.0.found.is_empty()
    }
}

/// The way to a value, kept as a list of borrowed steps so that walking allocates nothing.
struct Path<'a> {
    above: Option<&'a Path<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(above) = self.above {
            above.fmt(f)?;
        }
        match self.step {
            Step::Key(key) if self.above.is_none() => write!(f, "{key}"),
            Step::Key(key) if key.contains('.') => write!(f, "[{key}]"),
            Step::Key(key) => write!(f, ".{key}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl<'a> Search<'a> {
    fn new(
        project: &'a Project,
        cluster: &'a Cluster,
        registry: &'a Registry,
        vocabulary: &'a Vocabulary,
    ) -> Self {
        let mut own = own_names(project);
        own.extend(platform_words(cluster));
        Search {
            project,
            own,
            given: given_namespaces(project, cluster),
            cluster_domain: &cluster.cluster_domain,
            registry,
            vocabulary,
            found: BTreeSet::new(),
        }
    }

    fn object(&mut self, object: &Object) {
        let Value::Object(map) = &object.body else {
            return;
        };
        let id = object.key().to_string();
        for (key, value) in map {
            // `apiVersion` and `kind` are the API's words, whatever a project is called.
            if value.is_string() {
                continue;
            }
            let path = Path {
                above: None,
                step: Step::Key(key),
            };
            match value {
                Value::Array(subjects) if key == "subjects" && object.kind() == "RoleBinding" => {
                    self.subjects(&id, subjects, &path);
                }
                _ => self.value(&id, value, &path),
            }
        }
    }

    /// Looks at the subjects of a binding. Users and groups have names of another world, in which teams are often called
    /// like projects; the namespaces of service accounts that `members` lists are given.
    fn subjects(&mut self, object: &str, subjects: &[Value], path: &Path<'_>) {
        for (index, subject) in subjects.iter().enumerate() {
            let text = |key: &str| subject.get(key).and_then(Value::as_str).unwrap_or_default();
            let innocent = match text("kind") {
                "User" | "Group" => !text("name").starts_with("system:serviceaccount"),
                "ServiceAccount" => self.project.members.levels().iter().any(|(_, members)| {
                    members.iter().any(|member| {
                        matches!(member, Member::ServiceAccount { namespace, name }
                            if namespace == text("namespace") && name == text("name"))
                    })
                }),
                _ => false,
            };
            if !innocent {
                let below = Path {
                    above: Some(path),
                    step: Step::Index(index),
                };
                self.value(object, subject, &below);
            }
        }
    }

    fn value(&mut self, object: &str, value: &Value, path: &Path<'_>) {
        match value {
            Value::String(text) => self.text(object, text, path),
            Value::Array(list) => {
                for (index, item) in list.iter().enumerate() {
                    let below = Path {
                        above: Some(path),
                        step: Step::Index(index),
                    };
                    self.value(object, item, &below);
                }
            }
            Value::Object(map) => {
                // A label cannot address anything, and teams are often called like projects.
                if matches!(path.step, Step::Key("labels")) {
                    return;
                }
                for (key, item) in map {
                    let below = Path {
                        above: Some(path),
                        step: Step::Key(key),
                    };
                    self.value(object, item, &below);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, object: &str, text: &str, path: &Path<'_>) {
        for (start, word) in words(text) {
            if let Some(identifiers) = self.registry.by_word.get(word) {
                for identifier in identifiers {
                    self.identifier(object, text, start, identifier, path);
                }
            }
        }
        // Only texts with a dot can name a host.
        if text.contains('.') {
            for (start, run) in host_runs(text) {
                self.host(object, text, start, run, path);
            }
        }
    }

    fn identifier(
        &mut self,
        object: &str,
        text: &str,
        start: usize,
        identifier: &Identifier,
        path: &Path<'_>,
    ) {
        let known = identifier.text.as_str();
        let ends_there = text[start..].starts_with(known)
            && !text[start + known.len()..].starts_with(is_word_character);
        let innocent = identifier.owner == self.project.name
            || self.own.contains(known)
            || self.vocabulary.words.contains(known)
            || (identifier.what == "namespace" && self.given.contains(known));
        if ends_there && !innocent {
            let what = format!(
                "names {} `{known}` of project `{}`",
                identifier.what, identifier.owner
            );
            self.report(object, path, what);
        }
    }

    fn host(&mut self, object: &str, text: &str, start: usize, run: &str, path: &Path<'_>) {
        let labels: Vec<&str> = run.split('.').collect();
        let namespace = match namespace_in(&labels) {
            Some(namespace) => namespace,
            None => {
                let [service, namespace] = labels[..] else {
                    return;
                };
                let before = &text[..start];
                let after = &text[start + run.len()..];
                let addressed = before.ends_with("//")
                    || before.ends_with('@')
                    || after.strip_prefix(':').is_some_and(|rest| {
                        rest.starts_with(|character: char| character.is_ascii_digit())
                    })
                    || (before.is_empty() && after.is_empty());
                if !addressed
                    || !self.vocabulary.services.contains(service)
                    || FILE_EXTENSIONS.contains(&namespace)
                {
                    return;
                }
                namespace
            }
        };
        let kubernetes = labels.first() == Some(&"kubernetes") && namespace == "default";
        if namespace != self.project.namespace && !self.given.contains(namespace) && !kubernetes {
            let what = format!(
                "names the host `{run}` of namespace `{namespace}`, which it has not been given (domain `{}`)",
                self.cluster_domain
            );
            self.report(object, path, what);
        }
    }

    fn report(&mut self, object: &str, path: &Path<'_>, what: String) {
        let prose = matches!(
            path.step,
            Step::Key("tenantry.dev/description" | "tenantry.dev/owner")
        );
        self.found.insert(Leak {
            object: object.to_owned(),
            path: path.to_string(),
            what,
            prose,
        });
    }
}

/// Returns the label before `svc`, when the labels are those of an in-cluster host.
fn namespace_in<'a>(labels: &[&'a str]) -> Option<&'a str> {
    let at = labels
        .iter()
        .position(|label| *label == "svc")
        .filter(|at| *at >= 2)?;
    let namespace = labels[at - 1];
    (!namespace.is_empty() && !labels[at - 2].is_empty()).then_some(namespace)
}

fn is_word_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-' || character == '_'
}

/// Splits a text into its words, each with its byte offset.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    runs(text, is_word_character)
}

/// Splits a text into runs that may be host names, each with its byte offset.
fn host_runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    runs(text, |character| {
        is_word_character(character) || character == '.'
    })
    .map(|(start, run)| (start, run.strip_suffix('.').unwrap_or(run)))
    .filter(|(_, run)| run.contains('.'))
}

fn runs(text: &str, belongs: impl Fn(char) -> bool) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(&belongs)?;
        let length = text[start..]
            .find(|character| !belongs(character))
            .unwrap_or(text.len() - start);
        rest = start + length;
        Some((start, &text[start..start + length]))
    })
}
