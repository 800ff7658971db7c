//! Argo CD: AppProjects and Applications.
//!
//! Written for Argo CD 3.3 to 3.5. All of them lie in Argo CD's namespace, whichever cluster they are about.
//!
//! No Application has a finalizer: when one goes, because its project was taken out of the file, its ring changed or
//! somebody deleted it, what it has applied stays. Data is given up by hand only.

use serde_json::{Value, json};

use super::groups::Group;
use super::{ROOT, Site, object, part_name};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Project, SyncTool};
use crate::object::Object;
use crate::overlay::BASE_DIRECTORY;
use crate::tree::Form;

/// API version of Argo CD's kinds.
const API: &str = "argoproj.io/v1alpha1";

/// The cluster that Argo CD runs in, where its own objects are applied.
const ITS_OWN_CLUSTER: &str = "https://kubernetes.default.svc";

/// Annotation with the order in which objects are applied.
const WAVE: &str = "argocd.argoproj.io/sync-wave";

/// Kinds that no project may bring, by group and kind, as patterns.
///
/// The sync tools' own kinds and OLM's would act with the rights of those tools. Endpoints could point a Service at the
/// pods of another project.
/// What tenants usually are denied besides (quotas, NetworkPolicies, RBAC) is part of every project's directory; here
/// nobody but Tenantry writes it.
/// Source: gitops-wiring §1.3; CVE-2021-25740 for Endpoints.
const DENIED: &[(&str, &str)] = &[
    ("", "Endpoints"),
    ("*.fluxcd.io", "*"),
    ("argoproj.io", "AppProject"),
    ("argoproj.io", "Application"),
    ("argoproj.io", "ApplicationSet"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("operators.coreos.com", "*"),
];

/// Finds what a project's AppProject would refuse, while it can still be said where it comes from.
///
/// Errors: `conflict`.
pub fn check(objects: &[Object], project: &Project) -> Vec<Diagnostic> {
    objects
        .iter()
        .filter(|object| is_denied(object.group(), object.kind()))
        .map(|object| {
            Diagnostic::error(
                Code::Conflict,
                format!(
                    "`{}` of project `{}` is of a kind that no project may bring",
                    object.key(),
                    project.name
                ),
            )
            .at(project.span)
            .label("its AppProject in Argo CD denies it")
            .hint("leave it out of `extraManifests`: such objects are for the platform to apply")
            .project(&project.name)
        })
        .collect()
}

fn is_denied(group: &str, kind: &str) -> bool {
    DENIED.iter().any(|(groups, kinds)| {
        let of_group = match groups.strip_prefix('*') {
            Some(end) => group.ends_with(end),
            None => group == *groups,
        };
        of_group && (*kinds == "*" || kind == *kinds)
    })
}

/// Returns the name of a namespace's AppProject and Application.
///
/// A dot stands in no name of a cluster or namespace, so that two never meet; nor do they meet `default` or what else
/// is in Argo CD's namespace.
fn name(site: &Site, namespace: &str) -> String {
    format!("{}.{namespace}", site.cluster.name)
}

/// Returns the name of an object that belongs to no project: with two dots at least, where projects have one.
fn own_name(site: &Site, what: &str) -> String {
    format!("{}.tenantry.{what}", site.cluster.name)
}

/// Returns the objects for one project.
///
/// The Application has a file of its own, because the files generator of ApplicationSets reads one document per file
/// (`docs/wiring.md`, progressive sync).
pub(super) fn project(site: &Site, project: &Project) -> Vec<Object> {
    let name = name(site, &project.namespace);
    let labels = site.labels_of(project);
    let mut spec = json!({
        "description": format!("Project {} in namespace {}", project.name, project.namespace),
        "sourceRepos": [site.sync.url],
        "destinations": [destination(site, &project.namespace)],
    });
    if project.create_namespace {
        spec["clusterResourceWhitelist"] =
            json!([{"group": "", "kind": "Namespace", "name": project.namespace}]);
    }
    spec["namespaceResourceBlacklist"] = DENIED
        .iter()
        .map(|(group, kind)| json!({"group": group, "kind": kind}))
        .collect();
    let app_project = object(
        &format!("{}.project", project.namespace),
        API,
        "AppProject",
        metadata(site, &name, &labels, &[(WAVE, "-1")]),
        json!({"spec": spec}),
    );
    let application = Application {
        name: &name,
        file: &format!("{}.application", project.namespace),
        project: &name,
        path: &site.of_cluster(&project.namespace),
        base: Some(&project.base),
        destination: json!({"server": site.cluster.server, "namespace": project.namespace}),
        content: Content::Objects,
        wave: None,
        labels: &labels,
    };
    vec![app_project, application.object(site)]
}

/// Returns the objects of the root: the root itself, the directories of the platform, and a parent for each group.
pub(super) fn root(site: &Site, groups: &[Group]) -> Vec<Object> {
    let labels = site.labels(None);
    let wiring = own_name(site, "wiring");
    let platform = own_name(site, "platform");
    let namespace = namespace(site);
    let mut objects = vec![
        object(
            "app-projects",
            API,
            "AppProject",
            metadata(site, &wiring, &labels, &[(WAVE, "-2")]),
            json!({"spec": {
                "description": "Wiring: Applications and AppProjects, and nothing else",
                "sourceRepos": [site.sync.url],
                "destinations": [{"server": ITS_OWN_CLUSTER, "namespace": namespace}],
                "namespaceResourceWhitelist": [
                    {"group": "argoproj.io", "kind": "AppProject"},
                    {"group": "argoproj.io", "kind": "Application"},
                ],
            }}),
        ),
        // Which cluster-scoped kinds a cluster needs is the business of its bases.
        object(
            "app-projects",
            API,
            "AppProject",
            metadata(site, &platform, &labels, &[(WAVE, "-2")]),
            json!({"spec": {
                "description": "What the stacks of the cluster need once",
                "sourceRepos": [site.sync.url],
                "destinations": [destination(site, "*")],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            }}),
        ),
    ];
    let of_wiring = |part: &str, wave: Option<&'static str>, labels: &Value| {
        Application {
            name: &own_name(site, part),
            file: part,
            project: &wiring,
            path: &site.in_repository(&site.part(SyncTool::Argocd, part)),
            base: None,
            destination: json!({"server": ITS_OWN_CLUSTER, "namespace": namespace}),
            content: Content::Wiring,
            wave,
            labels,
        }
        .object(site)
    };
    objects.push(of_wiring(ROOT, Some("-2"), &labels));
    for directory in &site.platform.directories {
        let part = part_name(directory);
        let application = Application {
            name: &own_name(site, &part),
            file: &part,
            project: &platform,
            path: &site.of_cluster(directory),
            base: None,
            destination: json!({"server": site.cluster.server}),
            content: Content::Objects,
            wave: Some("-1"),
            labels: &labels,
        };
        objects.push(application.object(site));
    }
    for group in groups {
        let labels = site.labels(group.ring.as_deref());
        objects.push(of_wiring(&group.name, None, &labels));
    }
    objects
}

/// What an Application applies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Objects of a cluster.
    Objects,
    /// Applications and AppProjects, which move from one parent to another when their ring changes.
    Wiring,
}

/// What Applications differ in.
struct Application<'a> {
    name: &'a str,
    file: &'a str,
    project: &'a str,
    path: &'a str,
    /// The pinned base that the directory may stand on.
    base: Option<&'a str>,
    destination: Value,
    content: Content,
    wave: Option<&'static str>,
    labels: &'a Value,
}

impl Application<'_> {
    /// Source: gitops-wiring §1.1, §1.2, §1.6, §1.8 (Argo CD v3.5.1).
    fn object(&self, site: &Site) -> Object {
        // Without it, every commit would render every Application of the repository again.
        let paths = match (site.form, self.base) {
            (Form::Kustomize, Some(base)) => format!(".;../../{BASE_DIRECTORY}/{base}"),
            _ => ".".to_owned(),
        };
        let mut annotations = vec![("argocd.argoproj.io/manifest-generate-paths", &*paths)];
        // Only what differs is applied: fewer calls, and a short `status.operationState`.
        let mut options = vec!["ServerSideApply=true", "ApplyOutOfSyncOnly=true"];
        if self.content == Content::Objects {
            // Defaults and mutating webhooks do not count as differences.
            annotations.insert(
                0,
                ("argocd.argoproj.io/compare-options", "ServerSideDiff=true"),
            );
            options.push("FailOnSharedResource=true");
        }
        annotations.extend(self.wave.map(|wave| (WAVE, wave)));
        let mut source = json!({
            "repoURL": site.sync.url,
            "targetRevision": format!("refs/heads/{}", site.sync.branch),
            "path": self.path,
        });
        if site.form == Form::Plain {
            // An empty `directory`, or one that only says `recurse: false`, is removed by the controller, and the
            // parent would put it back for ever (`NormalizeSource`). With it, no kustomization file or chart
            // changes how the directory is read. An empty `kustomize` is removed likewise: the kustomization file
            // itself says what the directory is.
            source["directory"] = json!({"include": "*.yaml"});
        }
        let spec = json!({
            "project": self.project,
            "source": source,
            "destination": self.destination,
            "syncPolicy": {
                "automated": {"prune": true, "selfHeal": true},
                "syncOptions": options,
                // Half an hour in all; `refresh` lets a newer commit end the attempts at an older one.
                "retry": {
                    "limit": 10,
                    "refresh": true,
                    "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"},
                },
            },
            // Git has the history.
            "revisionHistoryLimit": 2,
        });
        object(
            self.file,
            API,
            "Application",
            metadata(site, self.name, self.labels, &annotations),
            json!({"spec": spec}),
        )
    }
}

/// Returns the metadata of an object in Argo CD's namespace.
///
/// `Delete=false`: when somebody deletes a parent with all that it has applied, which is what Argo CD's command line
/// does by default, the children stay.
fn metadata(site: &Site, name: &str, labels: &Value, annotations: &[(&str, &str)]) -> Value {
    let mut all = annotations.to_vec();
    all.push(("argocd.argoproj.io/sync-options", "Delete=false"));
    all.sort_unstable();
    let annotations: serde_json::Map<String, Value> = all
        .into_iter()
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    json!({
        "name": name,
        "namespace": namespace(site),
        "labels": labels,
        "annotations": annotations,
    })
}

fn namespace<'a>(site: &Site<'a>) -> &'a str {
    let argocd = site.sync.argocd.as_ref();
    &argocd.expect("Argo CD is in `sync`").namespace
}

/// Returns a destination as AppProjects match it: the server is a pattern there, and addresses of IPv6 hold brackets.
fn destination(site: &Site, namespace: &str) -> Value {
    let server: String = site
        .cluster
        .server
        .chars()
        .flat_map(|character| {
            let escape = r"\*?[]{}".contains(character).then_some('\\');
            escape.into_iter().chain([character])
        })
        .collect();
    json!({"server": server, "namespace": namespace})
}
