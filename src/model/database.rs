//! `database`: which server, which database, which user.

use std::collections::BTreeMap;

use super::credentials::{DATABASE_ROLES, Resolver, Written, check_templates};
use super::forms;
use super::provision::{self, Admin};
use super::resources;
use super::scope::{Report, Scope, below, typed};
use super::template::Renderer;
use super::{
    BaseFacts, ConfigMapKey, Credentials, Database, Embedded, StorageKind, StoreRef, derived,
};
use crate::config::Node;
use crate::config::types::{self, DatabaseEngine, EmbeddedDatabaseEngine, TlsMode};
use crate::diagnostic::{Code, nearest};
use crate::grammar::{quantity, url};

const SIZE: &str = "10Gi";
const NAME: &str = "mlpipeline";

/// A checked server, of `databases` or `external`.
#[derive(Debug, Clone)]
struct Server {
    engine: DatabaseEngine,
    host: String,
    port: u16,
    tls: bool,
    tls_ca: Option<ConfigMapKey>,
    parameters: BTreeMap<String, String>,
}

/// A server of `databases`.
pub(super) struct SharedServer {
    scope: Scope,
    /// `None` when it cannot be used, which was reported.
    server: Option<Server>,
    credentials: Option<Written>,
    /// `None` when nothing is to be provisioned.
    admin: Option<Admin>,
}

/// Checks the servers of `databases`.
pub(super) fn shared_servers(
    databases: Option<&Node>,
    report: &mut Report,
    renderer: &Renderer,
    stand_in: Option<&StoreRef>,
) -> BTreeMap<String, SharedServer> {
    let mut servers = BTreeMap::new();
    for entry in databases.map(Node::entries).unwrap_or_default() {
        let scope = Scope::new(&entry.value, entry.key_span, &entry.key);
        if forms::is_form(&entry.key) {
            report.push(forms::form_as_name(&entry.key, entry.key_span));
        }
        let written: types::DatabaseServer = typed::<Option<_>>(&entry.value).unwrap_or_default();
        check_templates(&scope, report, entry.value.get("credentials"), renderer);
        let credentials = written.credentials.map(Written::from);
        let admin =
            Admin::of_database(&scope, report, &entry.key, written.provision, written.admin);
        if let Some(admin) = &admin {
            // Found also when no project uses the server; what is found again for one is dropped.
            admin.resolve(&scope, report, stand_in);
        }
        let server = if scope.doubtful("") {
            None
        } else {
            server(
                &scope,
                report,
                "",
                written.engine,
                written.host.map(|host| host.0),
                written.port,
                written.tls,
                written.parameters,
                written.experimental,
            )
        };
        servers.insert(
            entry.key.clone(),
            SharedServer {
                scope,
                server,
                credentials,
                admin,
            },
        );
    }
    servers
}

/// What a project's database depends on outside of its own block.
pub(super) struct Context<'a> {
    pub scope: &'a Scope,
    /// The name that derived names are made of.
    pub origin: &'a str,
    pub servers: &'a BTreeMap<String, SharedServer>,
    pub stores: Option<&'a StoreRef>,
    pub renderer: &'a Renderer,
    pub base: Option<&'a BaseFacts>,
}

impl Context<'_> {
    /// Settles the database of a project.
    pub(super) fn resolve(
        &self,
        report: &mut Report,
        written: Option<types::Database>,
    ) -> Option<Database> {
        let written = match written {
            Some(written) => written,
            None if self.scope.doubtful("/database") => return None,
            None => types::Database {
                embedded: Some(types::EmbeddedDatabase::default()),
                ..types::Database::default()
            },
        };
        match (written.embedded, written.shared, written.external) {
            (Some(embedded), None, None) => self.embedded(report, embedded),
            (None, Some(shared), None) => self.shared(report, shared),
            (None, None, Some(external)) => self.external(report, external),
            (embedded, shared, external) => {
                forms::ambiguous_storage(
                    self.scope,
                    report,
                    "database",
                    [embedded.is_some(), shared.is_some(), external.is_some()],
                );
                None
            }
        }
    }

    fn embedded(&self, report: &mut Report, written: types::EmbeddedDatabase) -> Option<Database> {
        let block = "/database/embedded";
        let credentials = match written.credentials {
            Some(credentials) => self.own_credentials(report, block, credentials)?,
            None => Credentials::Generated,
        };
        refuse_workload_identity(self.scope, report, block, &credentials)?;
        Some(Database {
            kind: StorageKind::Embedded,
            shared_name: None,
            engine: match written.engine {
                Some(EmbeddedDatabaseEngine::Mariadb) => "mariadb".to_owned(),
                Some(EmbeddedDatabaseEngine::Mysql) => "mysql".to_owned(),
                None => BaseFacts::engine(self.base, "database", "mariadb"),
            },
            host: None,
            port: 3306,
            database: written
                .database
                .map_or_else(|| NAME.to_owned(), |name| name.0),
            user: written.user.map_or_else(|| NAME.to_owned(), |name| name.0),
            credentials,
            tls: false,
            tls_ca: None,
            parameters: BTreeMap::new(),
            embedded: Some(Embedded {
                size: quantity::canonical(
                    &written.size.map_or_else(|| SIZE.to_owned(), |size| size.0),
                ),
                storage_class: written.storage_class.map(|class| class.0),
                resources: resources::resolve(
                    self.scope,
                    report,
                    &below(block, "resources"),
                    written.resources,
                ),
                image: written.image.map(|image| image.0),
            }),
            admin: None,
        })
    }

    fn shared(&self, report: &mut Report, written: types::SharedDatabase) -> Option<Database> {
        let block = "/database/shared";
        let Some(name) = written.name.map(|name| name.0) else {
            self.scope.missing(
                report,
                block,
                "name",
                "write the name of a server in `databases`",
            );
            return None;
        };
        let Some(shared) = self.servers.get(&name) else {
            let mut diagnostic = self.scope.error(
                Code::UnknownDatabase,
                &below(block, "name"),
                format!("database `{name}` is not declared in `databases`"),
            );
            if forms::is_form(&name) {
                diagnostic = diagnostic.hint(format!(
                    "the form `{name}` is written as a mapping: `database: {{{name}: {{…}}}}`"
                ));
            } else if let Some(near) = nearest(
                &name,
                self.servers.keys().map(String::as_str).chain(["embedded"]),
            ) {
                diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
            } else if self.servers.is_empty() {
                diagnostic = diagnostic.hint("declare the server in `databases`, or write `embedded` for a server of the project's own");
            } else {
                let names: Vec<String> = self
                    .servers
                    .keys()
                    .map(|name| format!("`{name}`"))
                    .collect();
                diagnostic = diagnostic.hint(format!("declared are {}", names.join(", ")));
            }
            report.push(diagnostic);
            return None;
        };
        let credentials = match (written.credentials, &shared.credentials) {
            (Some(own), _) => {
                let credentials = self.own_credentials(report, block, own)?;
                forms::refuse_generated(self.scope, report, block, &credentials)?;
                refuse_workload_identity(self.scope, report, block, &credentials)?;
                credentials
            }
            (None, Some(template)) => {
                let credentials = Resolver {
                    scope: &shared.scope,
                    pointer: "/credentials",
                    roles: DATABASE_ROLES,
                    stores: self.stores,
                    renderer: Some(self.renderer),
                }
                .resolve(report, template)?;
                forms::refuse_generated(&shared.scope, report, "", &credentials)?;
                refuse_workload_identity(&shared.scope, report, "", &credentials)?;
                credentials
            }
            (None, None) => {
                if !self.scope.doubtful("/database/shared/credentials") {
                    shared.scope.missing(
                        report,
                        "",
                        "credentials",
                        "write `credentials: {secret: {name: …}}` or `credentials: {externalSecret: {store: …, key: …}}`; `{{ project.name }}` is filled in",
                    );
                }
                return None;
            }
        };
        let server = shared.server.clone()?;
        let mut database = self.database(
            StorageKind::Shared,
            Some(name),
            server,
            written.database,
            written.user,
            credentials,
        );
        if let Some(admin) = &shared.admin {
            provision::check_names(
                self.scope,
                report,
                block,
                &database.database,
                &database.user,
            )?;
            database.admin = Some(admin.resolve(&shared.scope, report, self.stores)?);
        }
        Some(database)
    }

    fn external(&self, report: &mut Report, written: types::ExternalDatabase) -> Option<Database> {
        let block = "/database/external";
        let server = server(
            self.scope,
            report,
            block,
            written.engine,
            written.host.map(|host| host.0),
            written.port,
            written.tls,
            written.parameters,
            written.experimental,
        );
        let Some(credentials) = written.credentials else {
            self.scope.missing(
                report,
                block,
                "credentials",
                "write `credentials: {secret: {name: …}}` or `credentials: {externalSecret: {store: …, key: …}}`",
            );
            return None;
        };
        let credentials = self.own_credentials(report, block, credentials)?;
        forms::refuse_generated(self.scope, report, block, &credentials)?;
        refuse_workload_identity(self.scope, report, block, &credentials)?;
        Some(self.database(
            StorageKind::External,
            None,
            server?,
            written.database,
            written.user,
            credentials,
        ))
    }

    fn database(
        &self,
        kind: StorageKind,
        shared_name: Option<String>,
        server: Server,
        database: Option<types::text::DatabaseName>,
        user: Option<types::text::UserName>,
        credentials: Credentials,
    ) -> Database {
        Database {
            kind,
            shared_name,
            engine: match server.engine {
                DatabaseEngine::Mysql => "mysql",
                DatabaseEngine::Mariadb => "mariadb",
                DatabaseEngine::Postgresql => "postgresql",
            }
            .to_owned(),
            host: Some(server.host),
            port: server.port,
            database: database.map_or_else(|| derived::database(self.origin), |name| name.0),
            user: user.map_or_else(|| derived::user(self.origin), |name| name.0),
            credentials,
            tls: server.tls,
            tls_ca: server.tls_ca,
            parameters: server.parameters,
            embedded: None,
            admin: None,
        }
    }

    fn own_credentials(
        &self,
        report: &mut Report,
        block: &str,
        written: types::DatabaseCredentials,
    ) -> Option<Credentials> {
        Resolver {
            scope: self.scope,
            pointer: &below(block, "credentials"),
            roles: DATABASE_ROLES,
            stores: self.stores,
            renderer: None,
        }
        .resolve(report, &written.into())
    }
}

fn refuse_workload_identity(
    scope: &Scope,
    report: &mut Report,
    block: &str,
    credentials: &Credentials,
) -> Option<()> {
    if *credentials != Credentials::WorkloadIdentity {
        return Some(());
    }
    report.push(
        scope
            .error(
                Code::UnsupportedCredentials,
                &below(block, "credentials"),
                "a database cannot be reached by `workloadIdentity`",
            )
            .label("for object stores only")
            .hint("write `{secret: {name: …}}` or `{externalSecret: {store: …, key: …}}`"),
    );
    None
}

/// Checks a server; `None` when it cannot be used.
#[expect(
    clippy::too_many_arguments,
    reason = "the fields of two types with the same meaning"
)]
fn server(
    scope: &Scope,
    report: &mut Report,
    block: &str,
    engine: Option<DatabaseEngine>,
    host: Option<String>,
    port: Option<u16>,
    tls: Option<types::DatabaseTls>,
    parameters: Option<BTreeMap<String, Option<types::text::Text>>>,
    experimental: Option<bool>,
) -> Option<Server> {
    let engine = engine.unwrap_or(DatabaseEngine::Mysql);
    if host.is_none() {
        scope.missing(
            report,
            block,
            "host",
            "write the host name or address of the server",
        );
    }
    let parameters: BTreeMap<String, String> = parameters
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.0)))
        .collect();
    let tls = tls.unwrap_or_default();
    let tls_at = below(block, "tls");
    let required = tls.mode == Some(TlsMode::Required);
    if engine == DatabaseEngine::Postgresql {
        postgresql(
            scope,
            report,
            block,
            experimental,
            required,
            !parameters.is_empty(),
        );
    }
    let tls_ca = tls
        .ca
        .and_then(|ca| forms::config_map_key(scope, report, &below(&tls_at, "ca"), ca));
    if tls_ca.is_some() && !required && !scope.doubtful(&tls_at) {
        report.push(
            scope
                .error(
                    Code::Conflict,
                    &below(&tls_at, "ca"),
                    "a CA is given for a connection without TLS",
                )
                .label("has no effect")
                .hint("write `mode: required` beside it"),
        );
    }
    if tls.mode.is_some() && parameters.contains_key("tls") {
        report.push(
            scope
                .error(
                    Code::Conflict,
                    &below(&below(block, "parameters"), "tls"),
                    "the parameter `tls` says again what `tls.mode` says",
                )
                .also(scope.at(&below(&tls_at, "mode")), "`tls.mode` is here")
                .hint("remove one of the two"),
        );
    }
    Some(Server {
        engine,
        host: url::normal_host(&host?),
        port: port.unwrap_or(if engine == DatabaseEngine::Postgresql {
            5432
        } else {
            3306
        }),
        tls: required,
        tls_ca,
        parameters,
    })
}

/// Checks what PostgreSQL can and cannot do.
///
/// Source: Kubeflow Pipelines 2.15.0 and 2.17.0, `backend/src/apiserver/client_manager` and `client/sql.go`: after
/// connecting, queries are written in the MySQL dialect, and the connection string ends in `sslmode=disable`.
fn postgresql(
    scope: &Scope,
    report: &mut Report,
    block: &str,
    experimental: Option<bool>,
    tls: bool,
    parameters: bool,
) {
    if experimental != Some(true) && !scope.doubtful(&below(block, "experimental")) {
        report.push(
            scope
                .error(
                    Code::PostgresqlExperimental,
                    &below(block, "engine"),
                    "the API server of Kubeflow Pipelines does not work with `postgresql`",
                )
                .label("it connects, and then writes its queries in the dialect of MySQL")
                .hint("use `mysql` or `mariadb`, or write `experimental: true` beside it to try anyway"),
        );
    }
    if tls {
        report.push(
            scope
                .error(
                    Code::Conflict,
                    &below(&below(block, "tls"), "mode"),
                    "the API server cannot use TLS with `postgresql`",
                )
                .label("it always connects with `sslmode=disable`")
                .hint("write `mode: disabled`, or use `mysql` or `mariadb`"),
        );
    }
    if parameters {
        report.push(
            scope
                .error(
                    Code::Conflict,
                    &below(block, "parameters"),
                    "the API server takes no parameters for `postgresql`",
                )
                .label("they would be ignored")
                .hint("remove them"),
        );
    }
}
