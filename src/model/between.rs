//! Rules between projects: nobody shares what belongs to one.
//!
//! Every rule looks each project up once in a map, so that the work grows with the number of projects, not its square.

use std::collections::HashMap;

use super::scope::Report;
use super::{Cluster, ObjectStore, Project, StorageKind, object_store};
use crate::diagnostic::{Code, Diagnostic};
use crate::grammar::url;
use crate::source::Span;

/// What is known of every project, also of one that cannot be settled.
pub(super) struct Identity {
    pub name: String,
    pub name_span: Span,
    pub namespace: String,
    pub namespace_span: Span,
    /// `None` when the cluster is not known.
    pub cluster: Option<String>,
}

/// Checks names and namespaces, and returns for each project whether it is the first with its name.
///
/// Errors: `duplicate-project`, `duplicate-namespace`.
pub(super) fn names(identities: &[Identity], report: &mut Report) -> Vec<bool> {
    let mut names: HashMap<&str, &Identity> = HashMap::new();
    let mut namespaces: HashMap<(&str, &str), &Identity> = HashMap::new();
    let mut first = Vec::with_capacity(identities.len());
    for identity in identities {
        if let Some(other) = names.get(identity.name.as_str()) {
            report.push(
                Diagnostic::error(
                    Code::DuplicateProject,
                    format!("two projects are called `{}`", identity.name),
                )
                .at(identity.name_span)
                .label("again here")
                .also(other.name_span, "first here")
                .hint("give one of them another name")
                .project(identity.name.clone()),
            );
            first.push(false);
            continue;
        }
        names.insert(&identity.name, identity);
        first.push(true);
        let Some(cluster) = &identity.cluster else {
            continue;
        };
        let key = (cluster.as_str(), identity.namespace.as_str());
        if let Some(other) = namespaces.get(&key) {
            report.push(
                Diagnostic::error(
                    Code::DuplicateNamespace,
                    format!(
                        "projects `{}` and `{}` share the namespace `{}` of cluster `{cluster}`",
                        other.name, identity.name, identity.namespace
                    ),
                )
                .at(identity.namespace_span)
                .label(format!("namespace of `{}`", identity.name))
                .also(
                    other.namespace_span,
                    format!("namespace of `{}`", other.name),
                )
                .hint("give one of them a `namespace` of its own")
                .project(identity.name.clone()),
            );
        } else {
            namespaces.insert(key, identity);
        }
    }
    first
}

/// Checks that no two projects share a database, a database user, or keys in an object store.
///
/// Errors: `duplicate-database`, `duplicate-database-user`, `overlapping-object-store`.
pub(super) fn storage<'a>(
    projects: impl Iterator<Item = (&'a Project, &'a Cluster)> + Clone,
    report: &mut Report,
) {
    databases(projects.clone(), report);
    object_stores(projects, report);
}

/// Checks that no two projects are exposed under one host, whatever their clusters.
///
/// Errors: `duplicate-host`.
pub(super) fn hosts<'a>(projects: impl Iterator<Item = &'a Project>, report: &mut Report) {
    let mut hosts: HashMap<&str, &Project> = HashMap::new();
    for project in projects {
        let access = project.access.as_ref();
        let Some(host) = access.and_then(|access| access.host.as_deref()) else {
            continue;
        };
        let Some(other) = hosts.get(host) else {
            hosts.insert(host, project);
            continue;
        };
        let place = |project: &Project| project.spans.get("/access/host").copied();
        let (mine, theirs) = match (place(project), place(other)) {
            (Some(mine), Some(theirs)) if mine != theirs => (mine, theirs),
            _ => (project.span, other.span),
        };
        report.push(
            Diagnostic::error(
                Code::DuplicateHost,
                format!(
                    "projects `{}` and `{}` share the host `{host}`",
                    other.name, project.name
                ),
            )
            .at(mine)
            .label(format!("host of `{}`", project.name))
            .also(theirs, format!("host of `{}`", other.name))
            .hint("give each of them a `host` of its own")
            .project(project.name.clone()),
        );
    }
}

fn databases<'a>(projects: impl Iterator<Item = (&'a Project, &'a Cluster)>, report: &mut Report) {
    let mut databases: HashMap<(String, String), &Project> = HashMap::new();
    let mut users: HashMap<(String, String), &Project> = HashMap::new();
    for (project, cluster) in projects {
        let database = &project.database;
        let Some(host) = &database.host else { continue };
        let server = format!(
            "{}:{}",
            reachable(host, &project.namespace, cluster),
            database.port
        );
        // MySQL compares names of databases without regard to case on some file systems.
        let key = (server.clone(), database.database.to_ascii_lowercase());
        if let Some(other) = databases.get(&key) {
            let (mine, theirs) = places((project, "database"), (other, "database"), "database");
            report.push(
                Diagnostic::error(
                    Code::DuplicateDatabase,
                    format!(
                        "projects `{}` and `{}` share the database `{}` on `{host}`",
                        other.name, project.name, database.database
                    ),
                )
                .at(mine)
                .label(format!("database of `{}`", project.name))
                .also(theirs, format!("database of `{}`", other.name))
                .hint("give one of them a `database` of its own")
                .project(project.name.clone()),
            );
        } else {
            databases.insert(key, project);
        }
        if user_comes_from_secret(project) {
            continue;
        }
        let key = (server, database.user.clone());
        if let Some(other) = users.get(&key) {
            let (mine, theirs) = places((project, "user"), (other, "user"), "database");
            report.push(
                Diagnostic::error(
                    Code::DuplicateDatabaseUser,
                    format!(
                        "projects `{}` and `{}` share the database user `{}` on `{host}`",
                        other.name, project.name, database.user
                    ),
                )
                .at(mine)
                .label(format!("user of `{}`", project.name))
                .also(theirs, format!("user of `{}`", other.name))
                .hint("give one of them a `user` of its own, who may enter its database only")
                .project(project.name.clone()),
            );
        } else {
            users.insert(key, project);
        }
    }
}

/// Tells whether the user's name stands in a Secret, so that it is not known here.
fn user_comes_from_secret(project: &Project) -> bool {
    match &project.database.credentials {
        super::Credentials::Secret { keys, .. } => keys.contains_key("username"),
        super::Credentials::ExternalSecret { properties, .. } => {
            properties.contains_key("username")
        }
        super::Credentials::Generated | super::Credentials::WorkloadIdentity => false,
    }
}

fn object_stores<'a>(
    projects: impl Iterator<Item = (&'a Project, &'a Cluster)>,
    report: &mut Report,
) {
    // Server, bucket and the parts of the prefix, up to each depth.
    let mut taken: HashMap<String, &Project> = HashMap::new();
    let mut located: Vec<(&Project, Vec<String>)> = Vec::new();
    for (project, cluster) in projects {
        let store = &project.object_store;
        let Some(server) = store_address(store, &project.namespace, cluster) else {
            continue;
        };
        let mut key = format!("{server}/{}", store.bucket);
        let mut ancestors = Vec::new();
        for part in store.prefix.iter().flat_map(|prefix| prefix.split('/')) {
            ancestors.push(key.clone());
            key.push('/');
            key.push_str(part);
        }
        if let Some(other) = taken.get(&key) {
            report.push(overlap(
                project,
                other,
                format!(
                    "projects `{}` and `{}` share {}",
                    other.name,
                    project.name,
                    named(store)
                ),
            ));
        } else {
            taken.insert(key, project);
            located.push((project, ancestors));
        }
    }
    for (project, ancestors) in located {
        if let Some(other) = ancestors.iter().rev().find_map(|key| taken.get(key)) {
            report.push(overlap(
                project,
                other,
                format!(
                    "{} of project `{}` lies inside of {} of project `{}`",
                    named(&project.object_store),
                    project.name,
                    named(&other.object_store),
                    other.name
                ),
            ));
        }
    }
}

fn named(store: &ObjectStore) -> String {
    match &store.prefix {
        Some(prefix) => format!("the prefix `{prefix}` of bucket `{}`", store.bucket),
        None => format!("the bucket `{}`", store.bucket),
    }
}

fn overlap(project: &Project, other: &Project, message: String) -> Diagnostic {
    let key = |project: &Project| {
        if project.object_store.prefix.is_some() {
            "prefix"
        } else {
            "bucket"
        }
    };
    let (mine, theirs) = places((project, key(project)), (other, key(other)), "objectStore");
    Diagnostic::error(Code::OverlappingObjectStore, message)
        .at(mine)
        .label(format!("objects of `{}`", project.name))
        .also(theirs, format!("objects of `{}`", other.name))
        .hint("give each of them a `bucket`, or a `prefix` beside the other's")
        .project(project.name.clone())
}

/// Returns where the storage settings of two projects are written; the projects themselves when that is one place for
/// both, in `defaults` or a profile.
fn places(
    (project, key): (&Project, &str),
    (other, other_key): (&Project, &str),
    block: &str,
) -> (Span, Span) {
    let mine = place(project, block, key);
    let theirs = place(other, block, other_key);
    if mine == theirs {
        (project.span, other.span)
    } else {
        (mine, theirs)
    }
}

/// Returns where a storage setting is written, or the block, or the project.
fn place(project: &Project, block: &str, key: &str) -> Span {
    let form = match match block {
        "database" => project.database.kind,
        _ => project.object_store.kind,
    } {
        StorageKind::Embedded => "embedded",
        StorageKind::Shared => "shared",
        StorageKind::External => "external",
    };
    [
        format!("/{block}/{form}/{key}"),
        format!("/{block}/{form}"),
        format!("/{block}"),
    ]
    .iter()
    .find_map(|pointer| project.spans.get(pointer))
    .copied()
    .unwrap_or(project.span)
}

/// Returns a host as it is seen from everywhere: names inside of a cluster carry the cluster's name, since every
/// cluster has its own.
fn reachable(host: &str, namespace: &str, cluster: &Cluster) -> String {
    let host = url::normal_host(host);
    let domain = format!(".svc.{}", cluster.cluster_domain);
    if let Some(service) = host.strip_suffix(&domain) {
        return format!("{}/{service}", cluster.name);
    }
    if let Some(service) = host.strip_suffix(".svc") {
        return format!("{}/{service}", cluster.name);
    }
    if !host.contains(['.', ':']) {
        return format!("{}/{host}.{namespace}", cluster.name);
    }
    host
}

/// Returns the address of an object store; buckets of Amazon have one name space, whatever the region.
fn store_address(store: &ObjectStore, namespace: &str, cluster: &Cluster) -> Option<String> {
    let endpoint = store.endpoint.as_ref()?;
    let host = url::normal_host(&endpoint.host);
    if object_store::is_amazon(&host) {
        let partition = if host.ends_with(".cn") {
            "aws-cn"
        } else {
            "aws"
        };
        return Some(partition.to_owned());
    }
    let port = endpoint
        .port
        .unwrap_or(if endpoint.secure { 443 } else { 80 });
    Some(format!("{}:{port}", reachable(&host, namespace, cluster)))
}
