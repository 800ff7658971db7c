//! From the text of `projects.yaml` to the model.

use std::collections::BTreeMap;

use super::between::{self, Identity};
use super::changes;
use super::platform::{self, Platform};
use super::project::{self, Header};
use super::scope::{Report, Scope, extent};
use super::template::Renderer;
use super::{Available, Model, Moves, Project, database, object_store, provision};
use crate::config::merge::merge;
use crate::config::{self, Content, Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected, nearest};
use crate::source::{FileId, Sources, Span};

/// Reads and checks `projects.yaml`.
///
/// Everything that is wrong is reported, not only the first of it.
/// Errors: all codes of reading, of values, of meaning and between projects; see `docs/diagnostics.md`.
pub fn load(
    sources: &Sources,
    file: FileId,
    available: &Available,
    diagnostics: &mut Diagnostics,
) -> Result<Model, Rejected> {
    let root = config::parse(sources, file, diagnostics)?;
    let model = resolve(&root, available, &mut Report::new(diagnostics));
    diagnostics.accept(model)
}

/// The layers below projects, and what all projects depend on.
struct Fleet<'a> {
    platform: Platform,
    databases: BTreeMap<String, database::SharedServer>,
    stores: BTreeMap<String, object_store::SharedStore>,
    defaults: Option<&'a Node>,
    profiles: BTreeMap<&'a str, &'a Node>,
    available: &'a Available,
    moves: Moves,
}

fn resolve(root: &Node, available: &Available, report: &mut Report) -> Model {
    let platform_entry = root.entry("platform");
    let platform = platform::resolve(
        platform_entry.map(|entry| &entry.value),
        platform_entry.map_or(root.span, |entry| entry.key_span),
        report,
    );
    let mut renderer = Renderer::new("project", "project");
    let declared = declared(root);
    let moves = changes::moves(root, &declared, report);
    let acknowledged = changes::acknowledgements(root, &declared, &moves, report);
    let fleet = Fleet {
        databases: database::shared_servers(
            root.get("databases"),
            report,
            &renderer,
            platform.stand_in.external_secrets.as_ref(),
        ),
        stores: object_store::shared_stores(
            root.get("objectStores"),
            report,
            &renderer,
            platform.stand_in.external_secrets.as_ref(),
        ),
        defaults: root
            .get("defaults")
            .filter(|defaults| matches!(defaults.content, Content::Map(_))),
        profiles: root
            .get("profiles")
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .map(|entry| (entry.key.as_str(), &entry.value))
            .collect(),
        platform,
        available,
        moves,
    };
    if let Some(base) = &fleet.platform.base {
        fleet.check_base(base, fleet.platform.base_span, report);
    }
    fleet.check_layers(root, report);
    let mut identities = Vec::new();
    let mut settled: Vec<(usize, Project)> = Vec::new();
    for item in root.get("projects").map(Node::items).unwrap_or_default() {
        if let Some((identity, project)) = fleet.project(item, &mut renderer, report) {
            if let Some(project) = project {
                settled.push((identities.len(), project));
            }
            identities.push(identity);
        }
    }
    let first = between::names(&identities, report);
    let clusters = &fleet.platform.clusters;
    let distinct = settled
        .iter()
        .filter(|(index, _)| first[*index])
        .filter_map(|(_, project)| Some((project, clusters.get(&project.cluster)?)));
    between::storage(distinct.clone(), report);
    between::hosts(distinct.map(|(project, _)| project), report);
    let mut projects: Vec<Project> = settled.into_iter().map(|(_, project)| project).collect();
    provision::check_keys(&projects, report);
    platform::check_monitoring(&fleet.platform, &projects, report);
    projects.sort_by(|a, b| (&a.cluster, &a.namespace).cmp(&(&b.cluster, &b.namespace)));
    Model {
        repository_path: fleet.platform.repository_path.clone(),
        repository_branch: fleet.platform.repository_branch.clone(),
        repository_url: fleet.platform.repository_url.clone(),
        sync: fleet.platform.sync.clone(),
        clusters: fleet.platform.clusters.into_values().collect(),
        projects,
        moves: fleet.moves,
        acknowledged,
    }
}

/// Returns the names of the projects that the file declares, with their places.
fn declared(root: &Node) -> BTreeMap<&str, Span> {
    let projects = root.get("projects").map(Node::items).unwrap_or_default();
    let names = projects.iter().filter_map(|item| item.entry("name"));
    names
        .filter_map(|entry| Some((entry.value.text()?, entry.place())))
        .collect()
}

impl Fleet<'_> {
    /// Checks the references of `defaults` and the profiles, which are wrong even if no project uses them.
    fn check_layers(&self, root: &Node, report: &mut Report) {
        let profiles = root.get("profiles").map(Node::entries).unwrap_or_default();
        let layers = self
            .defaults
            .into_iter()
            .chain(profiles.iter().map(|entry| &entry.value));
        for layer in layers {
            if let Some(entry) = layer.entry("base")
                && let Some(base) = entry.value.text()
            {
                self.check_base(base, entry.place(), report);
            }
            if let Some(entry) = layer.entry("profile")
                && let Some(profile) = entry.value.text()
            {
                self.profile(profile, entry.place(), report);
            }
            if let Some(entry) = layer.entry("cluster")
                && let Some(cluster) = entry.value.text()
            {
                self.check_cluster(cluster, entry.place(), report);
            }
        }
    }

    /// Settles one entry of `projects`; `None` when it has no usable name.
    fn project(
        &self,
        item: &Node,
        renderer: &mut Renderer,
        report: &mut Report,
    ) -> Option<(Identity, Option<Project>)> {
        let name_entry = item.entry("name")?;
        let name = name_entry.value.text()?;
        let (profile, profile_known) = self.profile_of(item, name, report);
        let merged = merge(self.defaults.into_iter().chain(profile), item);
        let scope = Scope::new(&merged, name_entry.place(), name)
            .of_project(name, extent(item))
            .incomplete(!profile_known);
        let origin = self.moves.origins.get(name).map_or(name, String::as_str);
        let namespace = merged
            .get("namespace")
            .and_then(Node::text)
            .unwrap_or(origin);
        let namespace_span = if scope.has("/namespace") {
            scope.at("/namespace")
        } else {
            name_entry.place()
        };
        let namespace_known = merged
            .get("namespace")
            .is_none_or(|namespace| namespace.content != Content::Rejected);
        if namespace_known {
            self.check_namespace(
                name,
                namespace,
                namespace_span,
                scope.has("/namespace"),
                report,
            );
        }
        let cluster_name = self.cluster_of(&merged, &scope, report);
        let cluster = cluster_name
            .as_ref()
            .and_then(|name| self.platform.clusters.get(name));
        let base = self.base_of(&merged, &scope, report);
        let identity = Identity {
            name: name.to_owned(),
            name_span: name_entry.place(),
            namespace: namespace.to_owned(),
            namespace_span,
            cluster: cluster_name.clone().filter(|_| namespace_known),
        };
        renderer.set(origin, namespace);
        let context = project::Context {
            databases: &self.databases,
            stores: &self.stores,
            available: self.available,
            renderer,
            domain_span: cluster
                .and_then(|cluster| self.platform.at(&cluster.name, "clusterDomain")),
            openshift_span: cluster
                .and_then(|cluster| self.platform.at(&cluster.name, "openshift")),
        };
        let header = Header {
            name,
            origin,
            namespace,
            // With a stand-in for what is not known, the rest is checked all the same; the result is dropped.
            cluster: cluster.unwrap_or(&self.platform.stand_in),
            base: base.as_deref().unwrap_or(""),
            span: name_entry.place(),
        };
        let project = project::resolve(&context, &header, &merged, scope, report)
            .filter(|_| cluster.is_some() && profile_known);
        Some((identity, project))
    }

    /// Returns the profile of a project, and whether it could be found out.
    fn profile_of(&self, item: &Node, name: &str, report: &mut Report) -> (Option<&Node>, bool) {
        let own = item.entry("profile");
        let inherited = self.defaults.and_then(|defaults| defaults.entry("profile"));
        let Some(entry) = own.or(inherited) else {
            return (None, true);
        };
        match &entry.value.content {
            Content::Null => (None, true),
            Content::Text(profile) => {
                let mut found = self.find_profile(profile);
                if found.is_none() {
                    let of_project = own.map(|_| name);
                    self.unknown_profile(profile, entry, of_project, report);
                } else if found.is_some_and(|profile| profile.content == Content::Rejected) {
                    found = None;
                }
                (
                    found.filter(|profile| matches!(profile.content, Content::Map(_))),
                    found.is_some(),
                )
            }
            _ => (None, false),
        }
    }

    fn find_profile(&self, name: &str) -> Option<&Node> {
        self.profiles.get(name).copied()
    }

    fn profile(&self, name: &str, place: Span, report: &mut Report) {
        if self.find_profile(name).is_none() {
            report.push(self.unknown_profile_at(name, place));
        }
    }

    fn unknown_profile(
        &self,
        name: &str,
        entry: &Entry,
        project: Option<&str>,
        report: &mut Report,
    ) {
        let mut diagnostic = self.unknown_profile_at(name, entry.place());
        diagnostic.project = project.map(str::to_owned);
        report.push(diagnostic);
    }

    fn unknown_profile_at(&self, name: &str, place: Span) -> Diagnostic {
        let hint = choose(
            name,
            self.profiles.keys().copied(),
            "declare it in `profiles`",
        );
        Diagnostic::error(
            Code::UnknownProfile,
            format!("profile `{name}` is not declared in `profiles`"),
        )
        .at(place)
        .label("no such profile")
        .hint(hint)
    }

    fn check_namespace(
        &self,
        project: &str,
        namespace: &str,
        place: Span,
        explicit: bool,
        report: &mut Report,
    ) {
        let reserved = self.platform.reserved.get(namespace).copied();
        let Some(owner) = platform::owner_of(namespace).or(reserved) else {
            return;
        };
        let hint = if explicit {
            "write a namespace of the project's own"
        } else {
            "write a `namespace` of the project's own beside the name"
        };
        report.push(
            Diagnostic::error(
                Code::ReservedNamespace,
                format!("the namespace `{namespace}` cannot hold a project"),
            )
            .at(place)
            .label(owner)
            .hint(hint)
            .project(project),
        );
    }

    /// Returns the cluster of a project, when it exists.
    fn cluster_of(&self, merged: &Node, scope: &Scope, report: &mut Report) -> Option<String> {
        let clusters = &self.platform.clusters;
        if scope.doubtful("/cluster") {
            return None;
        }
        if let Some(name) = merged.get("cluster").and_then(Node::text) {
            let diagnostic = self.unknown_cluster(name)?;
            return match diagnostic {
                None => Some(name.to_owned()),
                Some((message, hint)) => {
                    report.push(
                        scope
                            .error(Code::UnknownCluster, "/cluster", message)
                            .label("no such cluster")
                            .hint(hint),
                    );
                    None
                }
            };
        }
        if clusters.len() == 1 && !self.platform.doubtful {
            return clusters.keys().next().cloned();
        }
        if !self.platform.doubtful {
            let names: Vec<String> = clusters.keys().map(|name| format!("`{name}`")).collect();
            scope.missing(
                report,
                "",
                "cluster",
                &format!("write `cluster:` with one of {}", names.join(", ")),
            );
        }
        None
    }

    /// Returns what to say about a cluster's name: nothing when it exists, `None` when it cannot be told.
    fn unknown_cluster(&self, name: &str) -> Option<Option<(String, String)>> {
        if self.platform.clusters.contains_key(name) {
            return Some(None);
        }
        if self.platform.doubtful {
            return None;
        }
        let names = self.platform.clusters.keys().map(String::as_str);
        Some(Some((
            format!("cluster `{name}` is not declared in `platform.clusters`"),
            choose(name, names, "declare it in `platform.clusters`"),
        )))
    }

    fn check_cluster(&self, name: &str, place: Span, report: &mut Report) {
        if let Some(Some((message, hint))) = self.unknown_cluster(name) {
            report.push(
                Diagnostic::error(Code::UnknownCluster, message)
                    .at(place)
                    .label("no such cluster")
                    .hint(hint),
            );
        }
    }

    /// Returns the base of a project, when it exists.
    fn base_of(&self, merged: &Node, scope: &Scope, report: &mut Report) -> Option<String> {
        if scope.doubtful("/base") {
            return None;
        }
        let Some(base) = merged.get("base").and_then(Node::text) else {
            let base = self.platform.base.clone()?;
            return self.available.bases.contains_key(&base).then_some(base);
        };
        if self.available.bases.contains_key(base) {
            return Some(base.to_owned());
        }
        let (message, hint) = self.unknown_base(base);
        report.push(
            scope
                .error(Code::UnknownBase, "/base", message)
                .label("no such base")
                .hint(hint),
        );
        None
    }

    fn unknown_base(&self, base: &str) -> (String, String) {
        let hint = choose(
            base,
            self.available.bases.keys().map(String::as_str),
            "there is no base below `base/`",
        );
        (format!("base `{base}` is not below `base/`"), hint)
    }

    fn check_base(&self, base: &str, place: Span, report: &mut Report) {
        if self.available.bases.contains_key(base) {
            return;
        }
        let (message, hint) = self.unknown_base(base);
        report.push(
            Diagnostic::error(Code::UnknownBase, message)
                .at(place)
                .label("no such base")
                .hint(hint),
        );
    }
}

/// Says which of the known names was probably meant, or which there are.
fn choose<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone, otherwise: &str) -> String {
    if let Some(near) = nearest(name, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let names: Vec<String> = known.map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        otherwise.to_owned()
    } else {
        format!("there are {}", names.join(", "))
    }
}
