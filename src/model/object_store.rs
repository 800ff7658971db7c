//! `objectStore`: which store, which bucket, which prefix.

use std::collections::BTreeMap;

use super::credentials::{Resolver, STORE_ROLES, Written, check_templates};
use super::forms;
use super::provision::Admin;
use super::resources;
use super::scope::{Report, Scope, below, typed};
use super::template::Renderer;
use super::{
    BaseFacts, ConfigMapKey, Credentials, Embedded, Endpoint, ObjectStore, StorageKind,
    StoreProvision, StoreRef, derived,
};
use crate::config::Node;
use crate::config::types::{self, Provider, StoreEngine, StoreUsers};
use crate::diagnostic::{Code, nearest};
use crate::grammar::{quantity, storage, url};
use crate::source::Span;

const SIZE: &str = "10Gi";
const BUCKET: &str = "mlpipeline";

/// Feature of a base that can do without keys.
const WORKLOAD_IDENTITY: &str = "workloadIdentity";

/// A checked store, of `objectStores` or `external`.
#[derive(Debug, Clone)]
struct Store {
    provider: Provider,
    endpoint: Endpoint,
    region: String,
    path_style: bool,
    tls_ca: Option<ConfigMapKey>,
}

/// A store of `objectStores`.
pub(super) struct SharedStore {
    scope: Scope,
    /// `None` when it cannot be used, which was reported.
    store: Option<Store>,
    bucket: Option<String>,
    credentials: Option<Written>,
    /// `None` when nothing is to be provisioned.
    admin: Option<Admin>,
    minio_users: bool,
}

/// Checks the stores of `objectStores`.
pub(super) fn shared_stores(
    stores: Option<&Node>,
    report: &mut Report,
    renderer: &Renderer,
    stand_in: Option<&StoreRef>,
) -> BTreeMap<String, SharedStore> {
    let mut shared = BTreeMap::new();
    for entry in stores.map(Node::entries).unwrap_or_default() {
        let scope = Scope::new(&entry.value, entry.key_span, &entry.key);
        if forms::is_form(&entry.key) {
            report.push(forms::form_as_name(&entry.key, entry.key_span));
        }
        let written: types::StoreServer = typed::<Option<_>>(&entry.value).unwrap_or_default();
        check_templates(&scope, report, entry.value.get("credentials"), renderer);
        let credentials = written.credentials.map(Written::from);
        let minio_users = written.users == Some(StoreUsers::Minio);
        let admin = Admin::of_store(
            &scope,
            report,
            &entry.key,
            written.provision,
            written.admin,
            minio_users,
        );
        if let Some(admin) = &admin {
            admin.resolve(&scope, report, stand_in);
            refuse_gcs(&scope, report, written.provider);
        }
        let store = if scope.doubtful("") {
            None
        } else {
            store(
                &scope,
                report,
                "",
                written.provider,
                written.endpoint.map(|endpoint| endpoint.0),
                written.region.map(|region| region.0),
                written.path_style,
                written.tls,
            )
        };
        shared.insert(
            entry.key.clone(),
            SharedStore {
                scope,
                store,
                bucket: written.bucket.map(|bucket| bucket.0),
                credentials,
                admin,
                minio_users,
            },
        );
    }
    shared
}

/// What a project's object store depends on outside of its own block.
pub(super) struct Context<'a> {
    pub scope: &'a Scope,
    /// The name that derived names are made of.
    pub origin: &'a str,
    pub shared: &'a BTreeMap<String, SharedStore>,
    pub stores: Option<&'a StoreRef>,
    pub renderer: &'a Renderer,
    pub base: Option<(&'a str, &'a BaseFacts)>,
}

impl Context<'_> {
    /// Settles the object store of a project.
    pub(super) fn resolve(
        &self,
        report: &mut Report,
        written: Option<types::ObjectStore>,
    ) -> Option<ObjectStore> {
        let written = match written {
            Some(written) => written,
            None if self.scope.doubtful("/objectStore") => return None,
            None => types::ObjectStore {
                embedded: Some(types::EmbeddedStore::default()),
                ..types::ObjectStore::default()
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
                    "objectStore",
                    [embedded.is_some(), shared.is_some(), external.is_some()],
                );
                None
            }
        }
    }

    fn embedded(&self, report: &mut Report, written: types::EmbeddedStore) -> Option<ObjectStore> {
        let block = "/objectStore/embedded";
        let credentials = match written.credentials {
            Some(credentials) => self.own_credentials(report, block, credentials)?,
            None => Credentials::Generated,
        };
        if credentials == Credentials::WorkloadIdentity {
            report.push(
                self.scope
                    .error(
                        Code::UnsupportedCredentials,
                        &below(block, "credentials"),
                        "an embedded object store cannot be reached by `workloadIdentity`",
                    )
                    .label("for stores of a cloud only")
                    .hint("write `generated`, or leave `credentials` out"),
            );
            return None;
        }
        Some(ObjectStore {
            kind: StorageKind::Embedded,
            shared_name: None,
            engine: Some(match written.engine {
                Some(StoreEngine::Seaweedfs) => "seaweedfs".to_owned(),
                Some(StoreEngine::Minio) => "minio".to_owned(),
                None => {
                    let facts = self.base.map(|(_, facts)| facts);
                    BaseFacts::engine(facts, "objectStore", "seaweedfs")
                }
            }),
            provider: "s3".to_owned(),
            endpoint: None,
            region: "us-east-1".to_owned(),
            bucket: written
                .bucket
                .map_or_else(|| BUCKET.to_owned(), |bucket| bucket.0),
            prefix: None,
            path_style: true,
            credentials,
            tls_ca: None,
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
            provision: None,
        })
    }

    fn shared(&self, report: &mut Report, written: types::SharedStore) -> Option<ObjectStore> {
        let block = "/objectStore/shared";
        let Some(name) = written.name.map(|name| name.0) else {
            self.scope.missing(
                report,
                block,
                "name",
                "write the name of a store in `objectStores`",
            );
            return None;
        };
        let Some(shared) = self.shared.get(&name) else {
            self.unknown(report, &below(block, "name"), &name);
            return None;
        };
        let (scope, at, credentials) = match (written.credentials, &shared.credentials) {
            (Some(own), _) => (self.scope, block, self.own_credentials(report, block, own)?),
            (None, Some(template)) => {
                let credentials = Resolver {
                    scope: &shared.scope,
                    pointer: "/credentials",
                    roles: STORE_ROLES,
                    stores: self.stores,
                    renderer: Some(self.renderer),
                }
                .resolve(report, template)?;
                (&shared.scope, "", credentials)
            }
            (None, None) => {
                if !self.scope.doubtful("/objectStore/shared/credentials") {
                    shared.scope.missing(
                        report,
                        "",
                        "credentials",
                        "write `credentials: {secret: {name: …}}`, `credentials: {externalSecret: {store: …, key: …}}` or `credentials: workloadIdentity`; `{{ project.name }}` is filled in",
                    );
                }
                return None;
            }
        };
        forms::refuse_generated(scope, report, at, &credentials)?;
        let store = shared.store.clone()?;
        self.check_workload_identity(report, scope, at, &store, &credentials)?;
        let (bucket, prefix) = match &shared.bucket {
            Some(common) => (
                written
                    .bucket
                    .map_or_else(|| common.clone(), |bucket| bucket.0),
                Some(
                    written
                        .prefix
                        .map_or_else(|| self.origin.to_owned(), |prefix| prefix.0),
                ),
            ),
            None => (
                written
                    .bucket
                    .map_or_else(|| derived::bucket(self.origin), |bucket| bucket.0),
                written.prefix.map(|prefix| prefix.0),
            ),
        };
        let provision = match &shared.admin {
            Some(admin) => {
                let settled = admin.resolve(&shared.scope, report, self.stores)?;
                if shared.minio_users {
                    refuse_keyless(scope, report, at, &credentials, &shared.scope)?;
                }
                Some(StoreProvision {
                    admin: settled,
                    minio_users: shared.minio_users,
                })
            }
            None => None,
        };
        let mut store = object_store(
            StorageKind::Shared,
            Some(name),
            store,
            bucket,
            prefix,
            credentials,
        );
        store.provision = provision;
        Some(store)
    }

    fn unknown(&self, report: &mut Report, pointer: &str, name: &str) {
        let diagnostic = self.scope.error(
            Code::UnknownObjectStore,
            pointer,
            format!("object store `{name}` is not declared in `objectStores`"),
        );
        let hint = if forms::is_form(name) {
            format!("the form `{name}` is written as a mapping: `objectStore: {{{name}: {{…}}}}`")
        } else if let Some(near) = nearest(
            name,
            self.shared.keys().map(String::as_str).chain(["embedded"]),
        ) {
            format!("did you mean `{near}`?")
        } else if self.shared.is_empty() {
            "declare the store in `objectStores`, or write `embedded` for a store of the project's own".to_owned()
        } else {
            let names: Vec<String> = self.shared.keys().map(|name| format!("`{name}`")).collect();
            format!("declared are {}", names.join(", "))
        };
        report.push(diagnostic.hint(hint));
    }

    fn external(&self, report: &mut Report, written: types::ExternalStore) -> Option<ObjectStore> {
        let block = "/objectStore/external";
        let store = store(
            self.scope,
            report,
            block,
            written.provider,
            written.endpoint.map(|endpoint| endpoint.0),
            written.region.map(|region| region.0),
            written.path_style,
            written.tls,
        );
        let Some(credentials) = written.credentials else {
            self.scope.missing(
                report,
                block,
                "credentials",
                "write `credentials: {secret: {name: …}}`, `credentials: {externalSecret: {store: …, key: …}}` or `credentials: workloadIdentity`",
            );
            return None;
        };
        let credentials = self.own_credentials(report, block, credentials)?;
        forms::refuse_generated(self.scope, report, block, &credentials)?;
        let store = store?;
        self.check_workload_identity(report, self.scope, block, &store, &credentials)?;
        let bucket = written
            .bucket
            .map_or_else(|| derived::bucket(self.origin), |bucket| bucket.0);
        let prefix = written.prefix.map(|prefix| prefix.0);
        Some(object_store(
            StorageKind::External,
            None,
            store,
            bucket,
            prefix,
            credentials,
        ))
    }

    fn own_credentials(
        &self,
        report: &mut Report,
        block: &str,
        written: types::StoreCredentials,
    ) -> Option<Credentials> {
        Resolver {
            scope: self.scope,
            pointer: &below(block, "credentials"),
            roles: STORE_ROLES,
            stores: self.stores,
            renderer: None,
        }
        .resolve(report, &written.into())
    }

    /// Checks that a store without keys is one of a cloud, and that the base can do without keys.
    ///
    /// Source: Kubeflow Pipelines 2.16.1: static keys became optional; 2.15.0 needs both.
    fn check_workload_identity(
        &self,
        report: &mut Report,
        scope: &Scope,
        block: &str,
        store: &Store,
        credentials: &Credentials,
    ) -> Option<()> {
        if *credentials != Credentials::WorkloadIdentity {
            return Some(());
        }
        let pointer = below(block, "credentials");
        let host = &store.endpoint.host;
        if !is_amazon(host) && !is_google(host) {
            report.push(
                scope
                    .error(
                        Code::UnsupportedCredentials,
                        &pointer,
                        format!("`{host}` cannot be reached by `workloadIdentity`"),
                    )
                    .label("for the stores of Amazon and Google only")
                    .also(scope.at(&below(block, "endpoint")), "the store is here")
                    .hint("write `{secret: {name: …}}` or `{externalSecret: {store: …, key: …}}`"),
            );
            return None;
        }
        match self.base {
            Some((name, facts)) if !facts.features.contains(WORKLOAD_IDENTITY) => {
                report.push(
                    self.scope
                        .error(
                            Code::UnsupportedByBase,
                            "/objectStore",
                            format!("base `{name}` needs keys for the object store"),
                        )
                        .label("`workloadIdentity` is asked for")
                        .also(scope.at(&pointer), "asked for here")
                        .hint("use a newer base, or write `{secret: {name: …}}` or `{externalSecret: {…}}`"),
                );
                None
            }
            _ => Some(()),
        }
    }
}

/// Refuses to make buckets of Google: they belong to a project of the cloud, which its S3 API does not name, and its
/// keys are made by Google alone.
fn refuse_gcs(scope: &Scope, report: &mut Report, provider: Option<Provider>) {
    if provider == Some(Provider::Gcs) {
        report.push(
            scope
                .error(
                    Code::Conflict,
                    "/provision",
                    "buckets of Google Cloud Storage cannot be provisioned",
                )
                .label("a Job cannot know which project of the cloud pays for them")
                .also(scope.at("/provider"), "the store is Google's")
                .hint("write `provision: none`, and create buckets and HMAC keys with the tools of the cloud"),
        );
    }
}

/// Refuses to make users of a store for projects without keys.
fn refuse_keyless(
    scope: &Scope,
    report: &mut Report,
    block: &str,
    credentials: &Credentials,
    store: &Scope,
) -> Option<()> {
    if *credentials != Credentials::WorkloadIdentity {
        return Some(());
    }
    report.push(
        scope
            .error(
                Code::UnsupportedCredentials,
                &below(block, "credentials"),
                "without keys, there is no user to create",
            )
            .also(store.at("/users"), "users are asked for here")
            .hint("write `users: none`, or `{secret: {name: …}}` or `{externalSecret: {…}}` for credentials"),
    );
    None
}

fn object_store(
    kind: StorageKind,
    shared_name: Option<String>,
    store: Store,
    bucket: String,
    prefix: Option<String>,
    credentials: Credentials,
) -> ObjectStore {
    ObjectStore {
        kind,
        shared_name,
        engine: None,
        provider: match store.provider {
            Provider::S3 => "s3",
            Provider::Gcs => "gcs",
        }
        .to_owned(),
        endpoint: Some(store.endpoint),
        region: store.region,
        bucket,
        prefix: prefix
            .map(|prefix| storage::trim_prefix(&prefix).to_owned())
            .filter(|prefix| !prefix.is_empty()),
        path_style: store.path_style,
        credentials,
        tls_ca: store.tls_ca,
        embedded: None,
        provision: None,
    }
}

/// Checks a store; `None` when it cannot be used.
#[expect(
    clippy::too_many_arguments,
    reason = "the fields of two types with the same meaning"
)]
fn store(
    scope: &Scope,
    report: &mut Report,
    block: &str,
    provider: Option<Provider>,
    endpoint: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
    tls: Option<types::StoreTls>,
) -> Option<Store> {
    let provider = provider.unwrap_or(Provider::S3);
    let ca_at = below(&below(block, "tls"), "ca");
    let tls_ca = tls
        .unwrap_or_default()
        .ca
        .and_then(|ca| forms::config_map_key(scope, report, &ca_at, ca));
    let Some(endpoint) = endpoint else {
        scope.missing(
            report,
            block,
            "endpoint",
            "write the URL of the store, such as `https://s3.eu-west-1.amazonaws.com`",
        );
        return None;
    };
    let url = url::parse(&endpoint, &["https", "http"]).ok()?;
    let secure = url.scheme == "https";
    if tls_ca.is_some() && !secure {
        report.push(
            scope
                .error(
                    Code::Conflict,
                    &ca_at,
                    "a CA is given for a connection without TLS",
                )
                .label("has no effect")
                .also(scope.at(&below(block, "endpoint")), "`http` means no TLS")
                .hint("write `https` in the endpoint, or remove `tls`"),
        );
    }
    let of_endpoint = amazon_region(&url.host);
    if let (Some(written), Some(known)) = (&region, of_endpoint)
        && written != known
    {
        report.push(
            scope
                .error(
                    Code::Conflict,
                    &below(block, "region"),
                    format!("the region is `{written}`, and the endpoint is in `{known}`"),
                )
                .also(scope.at(&below(block, "endpoint")), "the endpoint is here")
                .hint(format!(
                    "write `region: {known}`, or the endpoint of `{written}`"
                )),
        );
    }
    let region = region
        .or_else(|| of_endpoint.map(str::to_owned))
        .unwrap_or_else(|| {
            match provider {
                Provider::S3 => "us-east-1",
                Provider::Gcs => "auto",
            }
            .to_owned()
        });
    Some(Store {
        provider,
        endpoint: Endpoint {
            secure,
            host: url.host,
            port: url.port,
        },
        region,
        path_style: path_style.unwrap_or(true),
        tls_ca,
    })
}

/// Tells whether a host is one of Amazon's.
pub(super) fn is_amazon(host: &str) -> bool {
    [".amazonaws.com", ".amazonaws.com.cn"]
        .iter()
        .any(|suffix| host.ends_with(suffix))
}

/// Tells whether a host is the one of Google Cloud Storage.
pub(super) fn is_google(host: &str) -> bool {
    host == "storage.googleapis.com" || host.ends_with(".storage.googleapis.com")
}

/// Returns the region that an endpoint of Amazon names.
fn amazon_region(host: &str) -> Option<&str> {
    let name = host
        .strip_suffix(".amazonaws.com")
        .or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let last = name.rsplit('.').next()?;
    let region = last.strip_prefix("s3-").unwrap_or(last);
    // Regions look like `eu-west-1`; `s3`, `s3-accelerate` and `s3-fips` are no regions.
    let parts: Vec<&str> = region.split('-').collect();
    let numbered = parts
        .last()
        .is_some_and(|part| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_digit()));
    (numbered && parts.len() >= 3).then_some(region)
}

impl SharedStore {
    /// Returns where a setting of the store is written.
    pub(super) fn at(&self, pointer: &str) -> Span {
        self.scope.at(pointer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_endpoints() {
        for (host, region) in [
            ("s3.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("s3-eu-west-1.amazonaws.com", Some("eu-west-1")),
            (
                "s3.dualstack.us-gov-west-1.amazonaws.com",
                Some("us-gov-west-1"),
            ),
            ("s3.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("s3.amazonaws.com", None),
            ("s3-accelerate.amazonaws.com", None),
            ("minio.store.svc", None),
        ] {
            assert_eq!(amazon_region(host), region, "{host}");
        }
    }
}
