//! Wiring: the objects that make Argo CD or Flux apply the rendered tree.
//!
//! Takes the model and gives rendered directories `<cluster>/_sync/<tool>/<part>`; knows the tools' objects and nothing
//! of bases, plans or files on disk. `docs/wiring.md` tells how to point the tools at these directories.
//!
//! For each cluster and tool there is one directory `root`, applied by hand once, which from then on applies itself and
//! the groups. A group ([`groups`]) is a directory with the objects of at most [`groups::LIMIT`] projects of one ring.
//! Names are derived from cluster and namespace, never from a project's name: Argo CD records the Application's name on
//! every object, and one under a new name would be refused by `FailOnSharedResource` (Argo CD v3.5.1, `appStateManager`).

pub mod argocd;
pub mod flux;
pub mod groups;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::layout;
use crate::model::{Cluster, Model, Project, Sync, SyncTool};
use crate::object::Object;
use crate::overlay;
use crate::tree::{Form, RenderedDirectory};

use groups::Group;

/// Directory of a cluster that holds the wiring.
///
/// Source: commands-and-output §3.
pub const SYNC_DIRECTORY: &str = "_sync";

/// Part of the wiring that is applied by hand once.
const ROOT: &str = "root";

/// What a cluster has besides its projects.
#[derive(Debug)]
pub struct Platform {
    /// The directories that the stacks need once, below the cluster's: `_cluster`, `_shared/common` …
    pub directories: Vec<String>,
    /// The one of these that sets up shared servers for a project, by namespace.
    pub provisioning: BTreeMap<String, String>,
    /// Release of the stacks that these come from.
    pub version: String,
}

/// The wiring of all clusters, ready to be rendered directory by directory.
#[derive(Debug)]
pub struct Wiring {
    clusters: Vec<Wired>,
    directories: Vec<Directory>,
    /// Releases of the bases, by name of the base.
    versions: BTreeMap<String, String>,
    form: Form,
}

/// One cluster's part of the wiring.
#[derive(Debug)]
struct Wired {
    /// Index in the model.
    cluster: usize,
    groups: Vec<Group>,
    platform: Platform,
}

/// One directory of the wiring.
#[derive(Debug)]
struct Directory {
    /// Index in `clusters`.
    wired: usize,
    tool: SyncTool,
    /// Index in the cluster's groups; `None` for the root.
    group: Option<usize>,
}

/// What the objects of one cluster's wiring are made from.
struct Site<'a> {
    cluster: &'a Cluster,
    sync: &'a Sync,
    /// Path of the tree in the repository.
    tree: &'a str,
    platform: &'a Platform,
    versions: &'a BTreeMap<String, String>,
    form: Form,
}

impl Wiring {
    /// Decides on the wiring of every cluster that has projects; there is none when `platform.sync` is empty.
    ///
    /// `versions` holds the release of every base that a project uses; `platform` is called for clusters with projects.
    pub fn new(
        model: &Model,
        versions: BTreeMap<String, String>,
        platform: impl Fn(&Cluster) -> Platform,
    ) -> Wiring {
        let mut wiring = Wiring {
            clusters: Vec::new(),
            directories: Vec::new(),
            versions,
            form: Form::Plain,
        };
        let Some(sync) = &model.sync else {
            return wiring;
        };
        for (index, cluster) in model.clusters.iter().enumerate() {
            let groups = groups::groups(&model.projects, &cluster.name);
            if groups.is_empty() {
                continue;
            }
            for tool in sync.tools() {
                let parts = std::iter::once(None).chain((0..groups.len()).map(Some));
                wiring.directories.extend(parts.map(|group| Directory {
                    wired: wiring.clusters.len(),
                    tool,
                    group,
                }));
            }
            wiring.clusters.push(Wired {
                cluster: index,
                groups,
                platform: platform(cluster),
            });
        }
        wiring
    }

    /// Makes it the wiring of a tree of another form than the plain one.
    pub fn set_form(&mut self, form: Form) {
        self.form = form;
    }

    /// Returns the number of directories.
    pub fn len(&self) -> usize {
        self.directories.len()
    }

    /// Tells whether there is no wiring.
    pub fn is_empty(&self) -> bool {
        self.directories.is_empty()
    }

    /// Returns the path of one directory below the tree.
    pub fn path(&self, number: usize, model: &Model) -> String {
        let (site, directory, group) = self.look_up(number, model);
        site.part(directory.tool, group.map_or(ROOT, |group| &group.name))
    }

    /// Returns the objects of one directory, each with its file.
    pub fn objects(&self, number: usize, model: &Model) -> Vec<Object> {
        let (site, directory, group) = self.look_up(number, model);
        let groups = &self.clusters[directory.wired].groups;
        match (directory.tool, group) {
            (SyncTool::Argocd, None) => argocd::root(&site, groups),
            (SyncTool::Flux, None) => flux::root(&site, groups),
            (tool, Some(group)) => {
                let projects = group.projects.iter().map(|index| &model.projects[*index]);
                projects
                    .flat_map(|project| match tool {
                        SyncTool::Argocd => argocd::project(&site, project),
                        SyncTool::Flux => flux::project(&site, project),
                    })
                    .collect()
            }
        }
    }

    /// Renders one directory of the model that the wiring was made from.
    pub fn render(&self, number: usize, model: &Model) -> RenderedDirectory {
        RenderedDirectory {
            path: self.path(number, model),
            project: None,
            base: None,
            state: "active".to_owned(),
            files: match self.form {
                Form::Plain => layout::lay_out_in(&self.objects(number, model), None, Form::Plain),
                Form::Kustomize => overlay::listed(&self.objects(number, model), None),
            },
        }
    }

    fn look_up<'a>(
        &'a self,
        number: usize,
        model: &'a Model,
    ) -> (Site<'a>, &'a Directory, Option<&'a Group>) {
        let directory = &self.directories[number];
        let wired = &self.clusters[directory.wired];
        let site = Site {
            cluster: &model.clusters[wired.cluster],
            sync: model
                .sync
                .as_ref()
                .expect("there is wiring only with a tool"),
            tree: &model.repository_path,
            platform: &wired.platform,
            versions: &self.versions,
            form: self.form,
        };
        let group = directory.group.map(|index| &wired.groups[index]);
        (site, directory, group)
    }
}

/// Returns what the objects for a directory of the platform are called: `shared-common` for `_shared/common`.
fn part_name(directory: &str) -> String {
    directory.trim_start_matches('_').replace('/', "-")
}

impl Site<'_> {
    /// Returns the path below the tree of one part of a tool's wiring.
    fn part(&self, tool: SyncTool, part: &str) -> String {
        let tool = match tool {
            SyncTool::Argocd => "argocd",
            SyncTool::Flux => "flux",
        };
        format!("{}/{SYNC_DIRECTORY}/{tool}/{part}", self.cluster.name)
    }

    /// Returns the path in the repository of a directory of the tree.
    fn in_repository(&self, below: &str) -> String {
        format!("{}/{below}", self.tree)
    }

    /// Returns the path in the repository of a directory of the cluster.
    fn of_cluster(&self, directory: &str) -> String {
        self.in_repository(&format!("{}/{directory}", self.cluster.name))
    }

    /// Returns the labels of the objects for a project: the project's own come first, so that people find it by them.
    fn labels_of(&self, project: &Project) -> Value {
        let mut labels = project.labels.clone();
        labels.extend(self.common_labels(&self.versions[&project.base], project.ring.as_deref()));
        labels.insert("tenantry.dev/project".to_owned(), project.name.clone());
        json!(labels)
    }

    /// Returns the labels of the objects for a ring, or for the whole cluster.
    fn labels(&self, ring: Option<&str>) -> Value {
        json!(self.common_labels(&self.platform.version, ring))
    }

    fn common_labels(&self, version: &str, ring: Option<&str>) -> BTreeMap<String, String> {
        [
            ("app.kubernetes.io/name", Some("wiring")),
            ("app.kubernetes.io/component", Some("wiring")),
            ("app.kubernetes.io/part-of", Some("kubeflow-pipelines")),
            ("app.kubernetes.io/managed-by", Some("tenantry")),
            ("app.kubernetes.io/version", Some(version)),
            ("tenantry.dev/cluster", Some(&self.cluster.name)),
            // Progressive syncs select on it.
            ("tenantry.dev/ring", ring),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
        .collect()
    }
}

/// Makes an object of the wiring for a file.
fn object(file: &str, api_version: &str, kind: &str, metadata: Value, rest: Value) -> Object {
    let mut body = Map::new();
    body.insert("apiVersion".to_owned(), json!(api_version));
    body.insert("kind".to_owned(), json!(kind));
    body.insert("metadata".to_owned(), metadata);
    if let Value::Object(rest) = rest {
        body.extend(rest);
    }
    Object {
        body: Value::Object(body),
        file: file.to_owned(),
    }
}
