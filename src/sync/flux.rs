//! Flux: one GitRepository, and a Kustomization per directory.
//!
//! Written for Flux 2.9. Each cluster runs its own Flux, which reads its own directories; all objects lie in Flux'
//! namespace, so that references never cross namespaces.
//!
//! A project's directory is applied with the rights of its own ServiceAccount, which can do anything in the project's
//! namespace, and nothing elsewhere but to change the Namespace itself. An account that can do no more cannot make its
//! Namespace, nor the RoleBinding that lets it in. Both come with the wiring, which is applied with Flux' own rights:
//! the Namespace is made there when it is missing (`ssa: IfNotPresent`), and the project's directory, which has the
//! whole of it, brings its labels and annotations from then on.
//!
//! Nothing is deleted with a Kustomization of objects (`deletionPolicy: Orphan`): data is given up by hand only. The
//! Kustomizations of groups hold wiring alone and clean up after themselves.

use serde_json::{Value, json};

use super::groups::Group;
use super::{ROOT, Site, object, part_name};
use crate::compile::CLUSTER_DIRECTORY;
use crate::digest::Digest;
use crate::model::{Flux, Project, SyncTool, derived};
use crate::object::Object;
use crate::overlay::BASE_DIRECTORY;
use crate::provision;
use crate::tree::Form;

/// API version of a GitRepository.
const SOURCE_API: &str = "source.toolkit.fluxcd.io/v1";
/// API version of a Kustomization.
const KUSTOMIZE_API: &str = "kustomize.toolkit.fluxcd.io/v1";
/// API version of roles and bindings.
const RBAC_API: &str = "rbac.authorization.k8s.io/v1";
/// API group of roles and bindings.
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// Name of the GitRepository.
const REPOSITORY: &str = "tenantry";
/// Name of the RoleBinding in the project's namespace.
const BINDING: &str = "tenantry-sync";
/// Flux' own account, which may do everything in a standard installation.
const FLUX_ACCOUNT: &str = "kustomize-controller";
/// Longest name of a Kustomization: it becomes the value of a label.
const NAME_LENGTH: usize = 63;

/// Returns the objects for one project, in the order in which Flux applies them.
pub(super) fn project(site: &Site, project: &Project) -> Vec<Object> {
    let name = derived::flux(&project.namespace);
    let labels = site.labels_of(project);
    let flux = flux(site);
    let account = json!([{"kind": "ServiceAccount", "name": name, "namespace": flux.namespace}]);
    let in_flux = json!({"name": name, "namespace": flux.namespace, "labels": labels});
    let mut objects = Vec::new();
    if project.create_namespace {
        objects.push(object(
            &name,
            "v1",
            "Namespace",
            json!({
                "name": project.namespace,
                "labels": labels,
                "annotations": {
                    "kustomize.toolkit.fluxcd.io/prune": "disabled",
                    "kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent",
                },
            }),
            Value::Null,
        ));
        let role = format!("tenantry-{name}");
        let of_cluster = json!({"name": role, "labels": labels});
        objects.push(object(
            &name,
            RBAC_API,
            "ClusterRole",
            of_cluster.clone(),
            json!({"rules": [{
                "apiGroups": [""],
                "resources": ["namespaces"],
                "resourceNames": [project.namespace],
                "verbs": ["get", "patch"],
            }]}),
        ));
        objects.push(object(
            &name,
            RBAC_API,
            "ClusterRoleBinding",
            of_cluster,
            json!({
                "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": role},
                "subjects": account,
            }),
        ));
    }
    objects.push(object(
        &name,
        "v1",
        "ServiceAccount",
        in_flux,
        json!({"automountServiceAccountToken": false}),
    ));
    // Bound by a RoleBinding, this ClusterRole ends at the namespace. Less would not do: the directory holds Roles, and
    // nobody may grant what he cannot do himself.
    objects.push(object(
        &name,
        RBAC_API,
        "RoleBinding",
        json!({"name": BINDING, "namespace": project.namespace, "labels": labels}),
        json!({
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": account,
        }),
    ));
    let provisioning = site.platform.provisioning.get(&project.namespace);
    let depends_on: Vec<Value> = [CLUSTER_DIRECTORY]
        .into_iter()
        .chain(provisioning.map(String::as_str))
        .map(|directory| json!({"name": own_name(&part_name(directory))}))
        .collect();
    let mut spec = kustomization(&name, &site.of_cluster(&project.namespace));
    spec["deletionPolicy"] = json!("Orphan");
    spec["wait"] = json!(true);
    spec["dependsOn"] = json!(depends_on);
    objects.push(in_own_file(site, &name, &name, &labels, spec));
    objects
}

/// Returns the objects of the root: the repository, the root itself, the directories of the platform, and the groups.
pub(super) fn root(site: &Site, groups: &[Group]) -> Vec<Object> {
    let flux = flux(site);
    let labels = site.labels(None);
    let mut repository = json!({
        "url": for_flux(&site.sync.url),
        "ref": {"branch": site.sync.branch},
        "interval": "5m",
        "timeout": "60s",
        // What the other clusters run is nobody's business in this one.
        "sparseCheckout": [site.in_repository(&site.cluster.name)],
    });
    if site.form == Form::Kustomize {
        repository["sparseCheckout"] = json!([
            site.in_repository(BASE_DIRECTORY),
            site.in_repository(&site.cluster.name),
        ]);
    }
    if let Some(secret) = &flux.secret_ref {
        repository["secretRef"] = json!({"name": secret});
    }
    let mut objects = vec![object(
        "repository",
        SOURCE_API,
        "GitRepository",
        json!({"name": REPOSITORY, "namespace": flux.namespace, "labels": labels}),
        json!({"spec": repository}),
    )];
    let of_wiring = |part: &str| {
        kustomization(
            FLUX_ACCOUNT,
            &site.in_repository(&site.part(SyncTool::Flux, part)),
        )
    };
    let mut spec = of_wiring(ROOT);
    spec["deletionPolicy"] = json!("Orphan");
    objects.push(in_own_file(site, ROOT, &own_name(ROOT), &labels, spec));
    for directory in &site.platform.directories {
        let part = part_name(directory);
        let mut spec = kustomization(FLUX_ACCOUNT, &site.of_cluster(directory));
        // No `wait`: projects depend on this one, and an unhealthy object here must not stop them all.
        spec["deletionPolicy"] = json!("Orphan");
        // The Jobs need their namespace.
        if site
            .platform
            .provisioning
            .values()
            .any(|jobs| jobs == directory)
        {
            spec["dependsOn"] =
                json!([{"name": own_name(&part_name(provision::COMMON_DIRECTORY))}]);
        }
        objects.push(in_own_file(site, &part, &own_name(&part), &labels, spec));
    }
    for group in groups {
        let labels = site.labels(group.ring.as_deref());
        let mut spec = of_wiring(&group.name);
        spec["deletionPolicy"] = json!("MirrorPrune");
        objects.push(in_own_file(
            site,
            &group.name,
            &own_name(&group.name),
            &labels,
            spec,
        ));
    }
    objects
}

/// Returns what all Kustomizations have in common.
///
/// A stack that does not become ready keeps a worker busy for `timeout` out of `timeout` and `retryInterval`: half of
/// the time. No `postBuild`: scripts hold `${…}`. No `targetNamespace`: every object names its own.
/// Source: gitops-wiring §2.1, §2.2 (kustomize-controller v1.9.4).
fn kustomization(account: &str, path: &str) -> Value {
    json!({
        "sourceRef": {"kind": "GitRepository", "name": REPOSITORY},
        "path": format!("./{path}"),
        "serviceAccountName": account,
        "interval": "1h",
        "retryInterval": "5m",
        "timeout": "5m",
        "prune": true,
        "force": false,
    })
}

/// Makes a Kustomization for a file, which never gets the name of a kustomize file: those of projects begin with `kfp-`.
fn in_own_file(site: &Site, file: &str, name: &str, labels: &Value, spec: Value) -> Object {
    object(
        file,
        KUSTOMIZE_API,
        "Kustomization",
        json!({"name": name, "namespace": flux(site).namespace, "labels": labels}),
        json!({"spec": spec}),
    )
}

/// Returns the name of a Kustomization that belongs to no project.
///
/// What is too long is cut and ends in a hash, and has a dot where the others have none.
fn own_name(part: &str) -> String {
    let name = format!("tenantry-{part}");
    if name.len() <= NAME_LENGTH {
        return name;
    }
    let hash = &Digest::of(part.as_bytes()).to_string()[..32];
    format!("tenantry.{hash}")
}

fn flux<'a>(site: &Site<'a>) -> &'a Flux {
    site.sync.flux.as_ref().expect("Flux is in `sync`")
}

/// Returns the address of a repository in the form that Flux accepts: it knows no `git@host:path`.
///
/// Source: the pattern of `GitRepository.spec.url`, source-controller v1.9.1.
fn for_flux(url: &str) -> String {
    match url.split_once(':') {
        Some((user_and_host, path)) if !url.contains("://") => {
            format!("ssh://{user_and_host}/{}", path.trim_start_matches('/'))
        }
        _ => url.to_owned(),
    }
}
