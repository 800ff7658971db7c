//! How a stack reaches its database and its object store.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::base::Base;
use crate::model::{ConfigMapKey, Credentials, Endpoint, Project, StorageKind, StoreRef};

/// The database as its consumers reach it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabasePlan {
    /// Which form was chosen.
    pub kind: StorageKind,
    /// `mariadb`, `mysql` or `postgresql`.
    pub engine: String,
    /// Host name.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database name.
    pub name: String,
    /// User name.
    pub user: String,
    /// Form of the credentials.
    pub credentials: &'static str,
    /// The Secret that the consumers read.
    pub secret: DatabaseSecret,
    /// What an ExternalSecret reads.
    pub external_secret: Option<ExternalSecretPlan>,
    /// TLS to the server.
    pub tls: TlsPlan,
    /// Extra DSN parameters as JSON text.
    pub parameters_json: String,
    /// Volume of an embedded server.
    pub embedded: Option<VolumePlan>,
}

/// A Secret with a password and perhaps a user name.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseSecret {
    /// Name.
    pub name: String,
    /// Key of the password.
    pub password_key: String,
    /// Key of the user name; `None` when the name is a literal.
    pub username_key: Option<String>,
}

/// What an ExternalSecret reads.
#[derive(Debug, Clone, Serialize)]
pub struct ExternalSecretPlan {
    /// The store.
    pub store: StoreRef,
    /// Key in the store.
    pub key: String,
    /// Role of a value to its property.
    pub properties: BTreeMap<String, String>,
}

/// TLS to a server.
#[derive(Debug, Clone, Serialize)]
pub struct TlsPlan {
    /// Whether it is required.
    pub enabled: bool,
    /// CA of the server's certificate.
    pub ca: Option<ConfigMapKey>,
}

/// Volume of an embedded server.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumePlan {
    /// Size.
    pub size: String,
    /// Storage class; `None` is the cluster's default.
    pub storage_class: Option<String>,
}

/// The object store as its consumers reach it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStorePlan {
    /// Which form was chosen.
    pub kind: StorageKind,
    /// `seaweedfs` or `minio` of an embedded store.
    pub engine: Option<String>,
    /// `s3` or `gcs`.
    pub provider: String,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Whether the scheme is `https`.
    pub secure: bool,
    /// The opposite of `secure`.
    pub insecure: bool,
    /// Host name.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TCP port as text, empty when it is the scheme's default.
    pub port_text: String,
    /// `host[:port]`, the port only when it is not the scheme's default.
    pub address: String,
    /// `scheme://address`.
    pub endpoint: String,
    /// Whether the host is one of Amazon's.
    pub aws: bool,
    /// Region.
    pub region: String,
    /// Bucket.
    pub bucket: String,
    /// Key prefix with a slash at its end, or empty.
    pub prefix: String,
    /// Whether requests name the bucket in the path.
    pub path_style: bool,
    /// Form of the credentials.
    pub credentials: &'static str,
    /// The Secret that the consumers read; `None` with workload identity.
    pub secret: Option<ObjectStoreSecretPlan>,
    /// What an ExternalSecret reads.
    pub external_secret: Option<ExternalSecretPlan>,
    /// CA of the server's certificate.
    pub ca: Option<ConfigMapKey>,
    /// Volume of an embedded store.
    pub embedded: Option<VolumePlan>,
}

/// A Secret with a pair of S3 keys.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStoreSecretPlan {
    /// Name.
    pub name: String,
    /// Key of the access key.
    pub access_key_key: String,
    /// Key of the secret key.
    pub secret_key_key: String,
}

/// Decides how the database is reached.
pub(super) fn database(project: &Project, base: &Base, domain: &str) -> DatabasePlan {
    let database = &project.database;
    let secret = &base.facts.secrets.database;
    let (credentials, secret, external_secret) = match &database.credentials {
        Credentials::Secret { name, keys } => (
            "secret",
            DatabaseSecret {
                name: name.clone(),
                password_key: keys
                    .get("password")
                    .cloned()
                    .unwrap_or_else(|| "password".to_owned()),
                username_key: keys.get("username").cloned(),
            },
            None,
        ),
        other => (
            form(other),
            DatabaseSecret {
                name: secret.name.clone(),
                password_key: secret.password_key.clone(),
                username_key: Some(secret.username_key.clone()),
            },
            external_secret(other),
        ),
    };
    let (host, port) = match &database.host {
        Some(host) => (host.clone(), database.port),
        None => embedded_service(
            base,
            "database",
            &database.engine,
            &project.namespace,
            domain,
        ),
    };
    DatabasePlan {
        kind: database.kind,
        engine: database.engine.clone(),
        host,
        port,
        name: database.database.clone(),
        user: database.user.clone(),
        credentials,
        secret,
        external_secret,
        tls: TlsPlan {
            enabled: database.tls,
            ca: database.tls_ca.clone(),
        },
        parameters_json: parameters_json(&database.parameters, database.tls),
        embedded: database.embedded.as_ref().map(|embedded| VolumePlan {
            size: embedded.size.clone(),
            storage_class: embedded.storage_class.clone(),
        }),
    }
}

/// Decides how the object store is reached.
pub(super) fn object_store(project: &Project, base: &Base, domain: &str) -> ObjectStorePlan {
    let store = &project.object_store;
    let secret = &base.facts.secrets.object_store;
    let endpoint = store.endpoint.clone().unwrap_or_else(|| {
        let engine = store.engine.as_deref().unwrap_or_default();
        let (host, port) =
            embedded_service(base, "objectStore", engine, &project.namespace, domain);
        Endpoint {
            secure: false,
            host,
            port: Some(port),
        }
    });
    let scheme = if endpoint.secure { "https" } else { "http" };
    let default_port = if endpoint.secure { 443 } else { 80 };
    let port = endpoint.port.unwrap_or(default_port);
    let port_text = if port == default_port {
        String::new()
    } else {
        port.to_string()
    };
    let address = if port_text.is_empty() {
        endpoint.host.clone()
    } else {
        format!("{}:{port_text}", endpoint.host)
    };
    ObjectStorePlan {
        kind: store.kind,
        engine: store.engine.clone(),
        provider: store.provider.clone(),
        scheme,
        secure: endpoint.secure,
        insecure: !endpoint.secure,
        port,
        port_text,
        endpoint: format!("{scheme}://{address}"),
        address,
        aws: is_aws(&endpoint.host),
        host: endpoint.host,
        region: store.region.clone(),
        bucket: store.bucket.clone(),
        prefix: store
            .prefix
            .as_ref()
            .map_or_else(String::new, |prefix| format!("{prefix}/")),
        path_style: store.path_style,
        credentials: form(&store.credentials),
        secret: match &store.credentials {
            Credentials::WorkloadIdentity => None,
            Credentials::Secret { name, keys } => Some(ObjectStoreSecretPlan {
                name: name.clone(),
                access_key_key: keys
                    .get("accessKey")
                    .cloned()
                    .unwrap_or_else(|| "accessKey".to_owned()),
                secret_key_key: keys
                    .get("secretKey")
                    .cloned()
                    .unwrap_or_else(|| "secretKey".to_owned()),
            }),
            Credentials::Generated | Credentials::ExternalSecret { .. } => {
                Some(ObjectStoreSecretPlan {
                    name: secret.name.clone(),
                    access_key_key: secret.access_key_key.clone(),
                    secret_key_key: secret.secret_key_key.clone(),
                })
            }
        },
        external_secret: external_secret(&store.credentials),
        ca: store.tls_ca.clone(),
        embedded: store.embedded.as_ref().map(|embedded| VolumePlan {
            size: embedded.size.clone(),
            storage_class: embedded.storage_class.clone(),
        }),
    }
}

/// Returns the namespace of a host of the form `service.namespace[.svc[.domain]]`, when it is one inside the cluster.
///
/// A host of two labels counts as in-cluster only without a dot-separated public form, that is with `.svc`;
/// `service.namespace` alone cannot be told from a public name and is left to the tenant-leak check.
pub fn namespace_of<'a>(host: &'a str, cluster_domain: &str) -> Option<&'a str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let rest = host
        .strip_suffix(cluster_domain)
        .and_then(|rest| rest.strip_suffix('.'))
        .unwrap_or(host);
    let (service, namespace) = rest.strip_suffix(".svc")?.rsplit_once('.')?;
    (!service.is_empty() && !namespace.is_empty()).then_some(namespace)
}

fn embedded_service(
    base: &Base,
    what: &str,
    engine: &str,
    namespace: &str,
    domain: &str,
) -> (String, u16) {
    match base
        .facts
        .embedded
        .get(what)
        .and_then(|engines| engines.get(engine))
    {
        Some(service) => (
            format!("{}.{namespace}.{domain}", service.service),
            service.port,
        ),
        // `plan::resolve` has refused an engine that the base does not have.
        None => (String::new(), 0),
    }
}

/// Tells whether a project reads its credentials from the Secret, and by the keys, of the base's own manifests.
pub(super) fn is_own_secret(project: &Project, base: &Base, what: &str) -> bool {
    let secrets = &base.facts.secrets;
    if what == "database" {
        let (plan, own) = (database(project, base, ""), &secrets.database);
        plan.secret.name == own.name
            && plan.secret.password_key == own.password_key
            && plan.secret.username_key.as_ref() == Some(&own.username_key)
    } else {
        let (plan, own) = (object_store(project, base, ""), &secrets.object_store);
        plan.secret.is_some_and(|secret| {
            secret.name == own.name
                && secret.access_key_key == own.access_key_key
                && secret.secret_key_key == own.secret_key_key
        })
    }
}

fn form(credentials: &Credentials) -> &'static str {
    match credentials {
        Credentials::Generated => "generated",
        Credentials::Secret { .. } => "secret",
        Credentials::ExternalSecret { .. } => "externalSecret",
        Credentials::WorkloadIdentity => "workloadIdentity",
    }
}

fn external_secret(credentials: &Credentials) -> Option<ExternalSecretPlan> {
    match credentials {
        Credentials::ExternalSecret {
            store,
            key,
            properties,
        } => Some(ExternalSecretPlan {
            store: store.clone(),
            key: key.clone(),
            properties: properties.clone(),
        }),
        _ => None,
    }
}

/// Writes the DSN parameters as the API server reads them; `tls` follows the setting unless a parameter says otherwise.
///
/// Source: kfp-stack §4.2, `DBCONFIG_MYSQLCONFIG_EXTRAPARAMS`.
fn parameters_json(parameters: &BTreeMap<String, String>, tls: bool) -> String {
    let mut map = Map::new();
    map.insert("tls".to_owned(), json!(tls.to_string()));
    for (key, value) in parameters {
        map.insert(key.clone(), json!(value));
    }
    Value::Object(map).to_string()
}

/// Tells whether a host is one of Amazon's.
///
/// Source: AWS SDK endpoints, `s3.amazonaws.com`, `s3.<region>.amazonaws.com` and the Chinese partition's.
pub fn is_aws(host: &str) -> bool {
    host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
}
