//! `provision`: the accounts that Jobs set up shared servers with, and what such a Job must not touch.
//!
//! Takes the blocks of `databases` and `objectStores` and gives the account's [`Credentials`]: a Secret in the namespace
//! of the Jobs, never in a project's.

use std::collections::{BTreeMap, BTreeSet};

use super::credentials::{ADMIN_ROLES, Resolver, Role, STORE_ROLES, Written};
use super::scope::{Report, Scope, below};
use super::{Credentials, Project, StoreRef, derived};
use crate::config::types::{self, Provision};
use crate::diagnostic::{Code, Diagnostic};

/// Databases that belong to the servers themselves, besides those that the grammar refuses everywhere.
///
/// Source: PostgreSQL 17, `initdb`; MySQL NDB Cluster 8.4.
const DATABASES: &[&str] = &["innodb", "ndbinfo", "postgres", "template0", "template1"];

/// Users that come with the servers, or with the managed ones of the clouds.
const USERS: &[&str] = &[
    "admin",
    "azure_superuser",
    "cloudsqladmin",
    "mariadb",
    "mysql",
    "postgres",
    "public",
    "rdsadmin",
    "root",
];

/// The account of one shared server.
#[derive(Debug, Clone)]
pub(super) struct Admin {
    /// `None` when none is written down.
    written: Option<Written>,
    /// Name of the Secret that it is in then.
    secret: String,
    roles: &'static [Role],
}

impl Admin {
    /// Reads the account of a server of `databases`; `None` when nothing is to be provisioned.
    pub(super) fn of_database(
        scope: &Scope,
        report: &mut Report,
        name: &str,
        provision: Option<Provision>,
        admin: Option<types::DatabaseAdmin>,
    ) -> Option<Admin> {
        wanted(scope, report, provision, &[("admin", admin.is_some())])?;
        Some(Admin::new(name, admin.map(Written::from), ADMIN_ROLES))
    }

    /// Reads the account of a store of `objectStores`; `None` when nothing is to be provisioned.
    pub(super) fn of_store(
        scope: &Scope,
        report: &mut Report,
        name: &str,
        provision: Option<Provision>,
        admin: Option<types::StoreAdmin>,
        has_users: bool,
    ) -> Option<Admin> {
        let keys = [("admin", admin.is_some()), ("users", has_users)];
        wanted(scope, report, provision, &keys)?;
        Some(Admin::new(name, admin.map(Written::from), STORE_ROLES))
    }

    fn new(name: &str, written: Option<Written>, roles: &'static [Role]) -> Admin {
        Admin {
            written,
            secret: format!("{}-admin", derived::server(name)),
            roles,
        }
    }

    /// Settles the account for one cluster, or reports why it cannot be.
    ///
    /// Errors: `ambiguous-choice`, `missing-key`.
    pub(super) fn resolve(
        &self,
        scope: &Scope,
        report: &mut Report,
        stores: Option<&StoreRef>,
    ) -> Option<Credentials> {
        let Some(written) = &self.written else {
            let keys = self.roles.iter().filter_map(|role| role.default());
            return Some(Credentials::Secret {
                name: self.secret.clone(),
                keys: keys
                    .map(|(role, key)| (role.to_owned(), key.to_owned()))
                    .collect::<BTreeMap<_, _>>(),
            });
        };
        Resolver {
            scope,
            pointer: "/admin",
            roles: self.roles,
            stores,
            renderer: None,
        }
        .resolve(report, written)
    }
}

/// Tells whether a Job is asked for; settings for it without it would have no effect.
fn wanted(
    scope: &Scope,
    report: &mut Report,
    provision: Option<Provision>,
    keys: &[(&str, bool)],
) -> Option<()> {
    if provision == Some(Provision::Job) {
        return Some(());
    }
    for (key, written) in keys {
        if *written && !scope.doubtful("/provision") {
            report.push(
                scope
                    .error(
                        Code::Conflict,
                        &below("", key),
                        format!("`{key}` is given, and nothing is provisioned"),
                    )
                    .label("has no effect")
                    .hint(format!(
                        "write `provision: job` beside it, or remove `{key}`"
                    )),
            );
        }
    }
    None
}

/// Refuses projects that fetch an administrator's account from the store as their own: it would lie in their namespace.
///
/// Errors: `unsupported-credentials`.
pub(super) fn check_keys(projects: &[Project], report: &mut Report) {
    let entry = |credentials: &Credentials| match credentials {
        Credentials::ExternalSecret { store, key, .. } => Some((store.store.clone(), key.clone())),
        _ => None,
    };
    let admins: BTreeSet<(String, String)> = projects
        .iter()
        .flat_map(|project| {
            let of_store = project.object_store.provision.as_ref();
            let of_database = project.database.admin.as_ref();
            of_database
                .into_iter()
                .chain(of_store.map(|store| &store.admin))
        })
        .filter_map(entry)
        .collect();
    for project in projects {
        for (block, credentials) in [
            ("database", &project.database.credentials),
            ("objectStore", &project.object_store.credentials),
        ] {
            let Some((_, key)) = entry(credentials).filter(|entry| admins.contains(entry)) else {
                continue;
            };
            let place = ["embedded", "shared", "external"]
                .into_iter()
                .find_map(|form| project.spans.get(&format!("/{block}/{form}/credentials")));
            report.push(
                Diagnostic::error(
                    Code::UnsupportedCredentials,
                    format!(
                        "`{block}` of `{}` takes its credentials from `{key}`",
                        project.name
                    ),
                )
                .at(place.copied().unwrap_or(project.span))
                .label("the account that provisions a shared server is kept there")
                .hint("give the project an entry of its own, such as `ml/{{ project.name }}/mysql`")
                .project(&project.name),
            );
        }
    }
}

/// Refuses to hand over what belongs to the server: a Job would make the project its owner.
///
/// Errors: `invalid-name`.
pub(super) fn check_names(
    scope: &Scope,
    report: &mut Report,
    block: &str,
    database: &str,
    user: &str,
) -> Option<()> {
    let mut fit = Some(());
    for (key, name, taken) in [("database", database, DATABASES), ("user", user, USERS)] {
        if taken.iter().any(|taken| name.eq_ignore_ascii_case(taken)) {
            report.push(
                scope
                    .error(
                        Code::InvalidName,
                        &below(block, key),
                        format!("the {key} `{name}` belongs to the server itself"),
                    )
                    .label("a provisioning Job would give it to the project")
                    .hint(format!(
                        "leave `{key}` out, or write a name of the project's own"
                    )),
            );
            fit = None;
        }
    }
    fit
}
