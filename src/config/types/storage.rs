//! `database`, `objectStore`, and the servers that projects share.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::text::{self, *};
use super::{ConfigMapKey, Resources, StoreKind};

/// Where a project keeps its metadata: exactly one of these.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Database {
    /// A server of the project's own, with a volume.
    pub embedded: Option<EmbeddedDatabase>,
    /// A server from `databases`.
    pub shared: Option<SharedDatabase>,
    /// Any other server that speaks MySQL.
    pub external: Option<ExternalDatabase>,
}

/// A database server of the project's own.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmbeddedDatabase {
    /// The server.
    #[schemars(extend("default" = "mariadb"))]
    pub engine: Option<EmbeddedDatabaseEngine>,
    /// Size of the volume.
    #[schemars(extend("default" = "10Gi"))]
    pub size: Option<Size>,
    /// Storage class of the volume; the cluster's default when not given.
    pub storage_class: Option<Subdomain>,
    /// Name of the database.
    #[schemars(extend("default" = "mlpipeline"))]
    pub database: Option<DatabaseName>,
    /// Name of the user.
    #[schemars(extend("default" = "mlpipeline"))]
    pub user: Option<UserName>,
    /// Where the password comes from: `generated` by default.
    #[serde(default)]
    #[schemars(schema_with = "database_credentials")]
    pub credentials: Option<DatabaseCredentials>,
    /// Resources of the container.
    pub resources: Option<Resources>,
    /// Image of the container.
    pub image: Option<Image>,
}

/// A server that a project can have for its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EmbeddedDatabaseEngine {
    /// MariaDB.
    Mariadb,
    /// MySQL.
    Mysql,
}

/// A database on a server that projects share.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharedDatabase {
    /// Name of the server in `databases`.
    pub name: Option<Reference>,
    /// Name of the database: `kfp_<project>` by default, with `-` as `_`.
    pub database: Option<DatabaseName>,
    /// Name of the user: `kfp_<project>` by default, with `-` as `_`.
    pub user: Option<UserName>,
    /// Where the password comes from: as in `databases` by default.
    #[serde(default)]
    #[schemars(schema_with = "database_credentials")]
    pub credentials: Option<DatabaseCredentials>,
}

/// A database on a server that is not declared in `databases`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalDatabase {
    /// What the server speaks.
    #[schemars(extend("default" = "mysql"))]
    pub engine: Option<DatabaseEngine>,
    /// Host name or address. Needed.
    pub host: Option<Host>,
    /// Port: 3306 by default, 5432 for PostgreSQL.
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// Name of the database: `kfp_<project>` by default, with `-` as `_`.
    pub database: Option<DatabaseName>,
    /// Name of the user: `kfp_<project>` by default, with `-` as `_`.
    pub user: Option<UserName>,
    /// Where the password comes from. Needed.
    #[serde(default)]
    #[schemars(schema_with = "database_credentials")]
    pub credentials: Option<DatabaseCredentials>,
    /// Encryption of the connection.
    pub tls: Option<DatabaseTls>,
    /// Extra parameters of the connection.
    #[schemars(extend("propertyNames" = text::property_names::<ParameterName>()))]
    pub parameters: Option<BTreeMap<String, Option<Text>>>,
    /// Must be true for PostgreSQL.
    #[schemars(extend("default" = false))]
    pub experimental: Option<bool>,
}

/// What a database server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DatabaseEngine {
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
    /// PostgreSQL; needs `experimental: true`.
    Postgresql,
}

/// Encryption of the connection to a database.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseTls {
    /// Whether the connection is encrypted.
    #[schemars(extend("default" = "disabled"))]
    pub mode: Option<TlsMode>,
    /// CA of the server's certificate.
    pub ca: Option<ConfigMapKey>,
}

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TlsMode {
    /// In clear.
    Disabled,
    /// Encrypted, or not at all.
    Required,
}

/// A database server that projects may share.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseServer {
    /// What the server speaks.
    #[schemars(extend("default" = "mysql"))]
    pub engine: Option<DatabaseEngine>,
    /// Host name or address. Needed.
    pub host: Option<Host>,
    /// Port: 3306 by default, 5432 for PostgreSQL.
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// Encryption of the connection.
    pub tls: Option<DatabaseTls>,
    /// Extra parameters of the connection.
    #[schemars(extend("propertyNames" = text::property_names::<ParameterName>()))]
    pub parameters: Option<BTreeMap<String, Option<Text>>>,
    /// Where each project's password comes from; `{{ project.name }}` and `{{ project.namespace }}` may stand in strings.
    #[serde(default)]
    #[schemars(schema_with = "database_credentials_template")]
    pub credentials: Option<DatabaseCredentials>,
    /// Whether a Job is written that creates databases and users.
    #[schemars(extend("default" = "none"))]
    pub provision: Option<Provision>,
    /// The account of that Job: by default the Secret `<name of the server>-admin` in its namespace.
    pub admin: Option<DatabaseAdmin>,
    /// Must be true for PostgreSQL.
    #[schemars(extend("default" = false))]
    pub experimental: Option<bool>,
}

/// What creates databases and users on a shared server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Provision {
    /// Somebody else.
    None,
    /// A Job.
    Job,
}

/// Where the account that creates databases and users comes from: exactly one of these.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseAdmin {
    /// An existing Secret in the namespace of the provisioning Jobs.
    pub secret: Option<DatabaseAdminSecret>,
    /// An entry of a secret store.
    pub external_secret: Option<DatabaseAdminExternalSecret>,
}

/// An existing Secret with a user name and a password.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseAdminSecret {
    /// Name of the Secret. Needed.
    pub name: Option<Subdomain>,
    /// Under which keys the values are kept in the Secret.
    pub keys: Option<DatabaseAdminKeys>,
}

/// Keys of a user name and a password in a Secret.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseAdminKeys {
    /// Key of the user name.
    #[schemars(extend("default" = "username"))]
    pub username: Option<DataKey>,
    /// Key of the password.
    #[schemars(extend("default" = "password"))]
    pub password: Option<DataKey>,
}

/// An entry of a secret store with a user name and a password.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseAdminExternalSecret {
    /// Name of the store: as in `platform.externalSecrets` by default.
    pub store: Option<Subdomain>,
    /// Kind of the store: as in `platform.externalSecrets` by default.
    pub kind: Option<StoreKind>,
    /// Key of the entry in the store. Needed.
    pub key: Option<Line>,
    /// Under which properties the values are kept in the entry.
    pub properties: Option<DatabaseAdminProperties>,
}

/// Properties of a user name and a password in an entry of a secret store.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseAdminProperties {
    /// Property of the user name.
    #[schemars(extend("default" = "username"))]
    pub username: Option<Line>,
    /// Property of the password.
    #[schemars(extend("default" = "password"))]
    pub password: Option<Line>,
}

/// Where a project keeps its artifacts: exactly one of these.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectStore {
    /// A store of the project's own, with a volume.
    pub embedded: Option<EmbeddedStore>,
    /// A store from `objectStores`.
    pub shared: Option<SharedStore>,
    /// Any other store that speaks S3.
    pub external: Option<ExternalStore>,
}

/// An object store of the project's own.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmbeddedStore {
    /// The store.
    #[schemars(extend("default" = "seaweedfs"))]
    pub engine: Option<StoreEngine>,
    /// Size of the volume.
    #[schemars(extend("default" = "10Gi"))]
    pub size: Option<Size>,
    /// Storage class of the volume; the cluster's default when not given.
    pub storage_class: Option<Subdomain>,
    /// Name of the bucket.
    #[schemars(extend("default" = "mlpipeline"))]
    pub bucket: Option<Bucket>,
    /// Where the keys come from: `generated` by default.
    #[serde(default)]
    #[schemars(schema_with = "store_credentials")]
    pub credentials: Option<StoreCredentials>,
    /// Resources of the container.
    pub resources: Option<Resources>,
    /// Image of the container.
    pub image: Option<Image>,
}

/// A store that a project can have for its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StoreEngine {
    /// SeaweedFS.
    Seaweedfs,
    /// MinIO.
    Minio,
}

/// A bucket, or a part of one, in a store that projects share.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharedStore {
    /// Name of the store in `objectStores`.
    pub name: Option<Reference>,
    /// Name of the bucket: the store's, or `kfp-<project>`, by default.
    pub bucket: Option<Bucket>,
    /// Prefix of all keys: the project's name by default when the store has a bucket.
    pub prefix: Option<Prefix>,
    /// Where the keys come from: as in `objectStores` by default.
    #[serde(default)]
    #[schemars(schema_with = "store_credentials")]
    pub credentials: Option<StoreCredentials>,
}

/// A bucket in a store that is not declared in `objectStores`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalStore {
    /// What the store is.
    #[schemars(extend("default" = "s3"))]
    pub provider: Option<Provider>,
    /// URL of the store. Needed.
    pub endpoint: Option<Endpoint>,
    /// Region: the one in an Amazon endpoint, else `us-east-1`, by default; `auto` for GCS.
    pub region: Option<Region>,
    /// Name of the bucket: `kfp-<project>` by default.
    pub bucket: Option<Bucket>,
    /// Prefix of all keys.
    pub prefix: Option<Prefix>,
    /// Whether requests name the bucket in the path.
    #[schemars(extend("default" = true))]
    pub path_style: Option<bool>,
    /// Where the keys come from. Needed.
    #[serde(default)]
    #[schemars(schema_with = "store_credentials")]
    pub credentials: Option<StoreCredentials>,
    /// Encryption of the connection.
    pub tls: Option<StoreTls>,
}

/// What an object store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Provider {
    /// Anything that speaks S3.
    S3,
    /// Google Cloud Storage.
    Gcs,
}

/// Encryption of the connection to an object store.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreTls {
    /// CA of the store's certificate.
    pub ca: Option<ConfigMapKey>,
}

/// An object store that projects may share.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreServer {
    /// What the store is.
    #[schemars(extend("default" = "s3"))]
    pub provider: Option<Provider>,
    /// URL of the store. Needed.
    pub endpoint: Option<Endpoint>,
    /// Region: the one in an Amazon endpoint, else `us-east-1`, by default; `auto` for GCS.
    pub region: Option<Region>,
    /// One bucket for all projects, with a prefix for each; a bucket for each project when not given.
    pub bucket: Option<Bucket>,
    /// Whether requests name the bucket in the path.
    #[schemars(extend("default" = true))]
    pub path_style: Option<bool>,
    /// Where each project's keys come from; `{{ project.name }}` and `{{ project.namespace }}` may stand in strings.
    #[serde(default)]
    #[schemars(schema_with = "store_credentials_template")]
    pub credentials: Option<StoreCredentials>,
    /// Encryption of the connection.
    pub tls: Option<StoreTls>,
    /// Whether a Job is written that creates buckets, and users where `users` says how.
    #[schemars(extend("default" = "none"))]
    pub provision: Option<Provision>,
    /// The account of that Job: by default the Secret `<name of the store>-admin` in its namespace.
    pub admin: Option<StoreAdmin>,
    /// How that Job creates each project's user, limited to its bucket or prefix.
    #[schemars(extend("default" = "none"))]
    pub users: Option<StoreUsers>,
}

/// Where the account that creates buckets and users comes from: exactly one of these.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreAdmin {
    /// An existing Secret in the namespace of the provisioning Jobs.
    pub secret: Option<StoreSecret>,
    /// An entry of a secret store.
    pub external_secret: Option<StoreExternalSecret>,
}

/// How users of an object store are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StoreUsers {
    /// Not at all: the S3 API knows no users.
    None,
    /// By the admin API of MinIO.
    Minio,
}

/// A word, as the mapping that merging makes of it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Word {}

/// Where a password comes from: exactly one of these.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseCredentials {
    /// Made inside the cluster.
    #[schemars(skip)]
    pub generated: Option<Word>,
    /// Known to the cloud.
    #[schemars(skip)]
    pub workload_identity: Option<Word>,
    /// An existing Secret in the project's namespace.
    pub secret: Option<DatabaseSecret>,
    /// An entry of a secret store.
    pub external_secret: Option<DatabaseExternalSecret>,
}

/// An existing Secret with a password.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseSecret {
    /// Name of the Secret. Needed.
    pub name: Option<Subdomain>,
    /// Under which keys the values are kept in the Secret.
    pub keys: Option<DatabaseKeys>,
}

/// Keys of a password in a Secret.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseKeys {
    /// Key of the password.
    #[schemars(extend("default" = "password"))]
    pub password: Option<DataKey>,
    /// Key of the user name; the user name is not taken from the Secret when not given.
    pub username: Option<DataKey>,
}

/// An entry of a secret store with a password.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseExternalSecret {
    /// Name of the store: as in `platform.externalSecrets` by default.
    pub store: Option<Subdomain>,
    /// Kind of the store: as in `platform.externalSecrets` by default.
    pub kind: Option<StoreKind>,
    /// Key of the entry in the store. Needed.
    pub key: Option<Line>,
    /// Under which properties the values are kept in the entry.
    pub properties: Option<DatabaseProperties>,
}

/// Properties of a password in an entry of a secret store.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseProperties {
    /// Property of the password.
    #[schemars(extend("default" = "password"))]
    pub password: Option<Line>,
    /// Property of the user name; the user name is not taken from the store when not given.
    pub username: Option<Line>,
}

/// Where a pair of keys comes from: exactly one of these.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreCredentials {
    /// Made inside the cluster.
    #[schemars(skip)]
    pub generated: Option<Word>,
    /// Known to the cloud.
    #[schemars(skip)]
    pub workload_identity: Option<Word>,
    /// An existing Secret in the project's namespace.
    pub secret: Option<StoreSecret>,
    /// An entry of a secret store.
    pub external_secret: Option<StoreExternalSecret>,
}

/// An existing Secret with a pair of keys.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreSecret {
    /// Name of the Secret. Needed.
    pub name: Option<Subdomain>,
    /// Under which keys the values are kept in the Secret.
    pub keys: Option<StoreKeys>,
}

/// Keys of a pair of keys in a Secret.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreKeys {
    /// Key of the access key.
    #[schemars(extend("default" = "accessKey"))]
    pub access_key: Option<DataKey>,
    /// Key of the secret key.
    #[schemars(extend("default" = "secretKey"))]
    pub secret_key: Option<DataKey>,
}

/// An entry of a secret store with a pair of keys.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreExternalSecret {
    /// Name of the store: as in `platform.externalSecrets` by default.
    pub store: Option<Subdomain>,
    /// Kind of the store: as in `platform.externalSecrets` by default.
    pub kind: Option<StoreKind>,
    /// Key of the entry in the store. Needed.
    pub key: Option<Line>,
    /// Under which properties the values are kept in the entry.
    pub properties: Option<StoreProperties>,
}

/// Properties of a pair of keys in an entry of a secret store.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreProperties {
    /// Property of the access key.
    #[schemars(extend("default" = "accessKey"))]
    pub access_key: Option<Line>,
    /// Property of the secret key.
    #[schemars(extend("default" = "secretKey"))]
    pub secret_key: Option<Line>,
}

/// `embedded`, the name of a shared server, or a mapping with one form.
pub(super) fn database(generator: &mut SchemaGenerator) -> Schema {
    word_or::<Database>(
        generator,
        json_schema!({"type": "string", "format": Reference::FORMAT.name, "pattern": Reference::FORMAT.pattern}),
    )
}

/// `embedded`, the name of a shared store, or a mapping with one form.
pub(super) fn object_store(generator: &mut SchemaGenerator) -> Schema {
    word_or::<ObjectStore>(
        generator,
        json_schema!({"type": "string", "format": Reference::FORMAT.name, "pattern": Reference::FORMAT.pattern}),
    )
}

fn database_credentials(generator: &mut SchemaGenerator) -> Schema {
    word_or::<DatabaseCredentials>(generator, words())
}

fn store_credentials(generator: &mut SchemaGenerator) -> Schema {
    word_or::<StoreCredentials>(generator, words())
}

fn words() -> Schema {
    json_schema!({"type": "string", "enum": ["generated", "workloadIdentity"]})
}

fn word_or<T: JsonSchema>(generator: &mut SchemaGenerator, word: Schema) -> Schema {
    let mapping = generator.subschema_for::<T>();
    json_schema!({"anyOf": [word, mapping, {"type": "null"}]})
}

fn database_credentials_template(generator: &mut SchemaGenerator) -> Schema {
    template(generator, &["password", "username"])
}

fn store_credentials_template(generator: &mut SchemaGenerator) -> Schema {
    template(generator, &["accessKey", "secretKey"])
}

/// The same forms with strings that may hold placeholders, so that their grammar applies once they are filled in.
fn template(generator: &mut SchemaGenerator, roles: &[&str]) -> Schema {
    let text = |description: &str| {
        json_schema!({
            "type": ["string", "number", "boolean", "null"],
            "format": Line::FORMAT.name,
            "description": description,
        })
    };
    let parts = |description: &str| {
        let properties: serde_json::Map<String, serde_json::Value> = roles
            .iter()
            .map(|role| {
                (
                    (*role).to_owned(),
                    text(&format!("Where `{role}` is kept.")).into(),
                )
            })
            .collect();
        json_schema!({
            "type": ["object", "null"],
            "description": description,
            "additionalProperties": false,
            "properties": properties,
        })
    };
    let kind = generator.subschema_for::<Option<StoreKind>>();
    json_schema!({"anyOf": [words(), {
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "secret": {
                "type": ["object", "null"],
                "description": "An existing Secret in the project's namespace.",
                "additionalProperties": false,
                "properties": {
                    "name": text("Name of the Secret. Needed."),
                    "keys": parts("Under which keys the values are kept in the Secret."),
                },
            },
            "externalSecret": {
                "type": ["object", "null"],
                "description": "An entry of a secret store.",
                "additionalProperties": false,
                "properties": {
                    "store": text("Name of the store: as in `platform.externalSecrets` by default."),
                    "kind": kind,
                    "key": text("Key of the entry in the store. Needed."),
                    "properties": parts("Under which properties the values are kept in the entry."),
                },
            },
        },
    }, {"type": "null"}]})
}
