//! Where passwords and keys come from.

use std::collections::BTreeMap;

use super::scope::{Report, Scope, below};
use super::template::{Renderer, is_template};
use super::{Credentials, StoreRef};
use crate::config::Node;
use crate::config::shape::quote;
use crate::config::types::{self, StoreKind};
use crate::diagnostic::Code;
use crate::grammar::{Verdict, name};

/// A value that a credential holds, and under which key it is kept when nothing is said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Role {
    name: &'static str,
    default: Option<&'static str>,
}

/// What a database needs; without a `username` the user's name stands in the configuration.
pub(super) const DATABASE_ROLES: &[Role] = &[
    Role {
        name: "password",
        default: Some("password"),
    },
    Role {
        name: "username",
        default: None,
    },
];

impl Role {
    /// Returns the role's name and the key it is kept under when nothing is said.
    pub(super) fn default(&self) -> Option<(&'static str, &'static str)> {
        Some((self.name, self.default?))
    }
}

/// What the account needs that sets up databases.
pub(super) const ADMIN_ROLES: &[Role] = &[
    Role {
        name: "username",
        default: Some("username"),
    },
    Role {
        name: "password",
        default: Some("password"),
    },
];

/// What an object store needs.
pub(super) const STORE_ROLES: &[Role] = &[
    Role {
        name: "accessKey",
        default: Some("accessKey"),
    },
    Role {
        name: "secretKey",
        default: Some("secretKey"),
    },
];

/// The forms that are written down, for a database and an object store alike.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    generated: bool,
    workload_identity: bool,
    secret: Option<Secret>,
    external_secret: Option<ExternalSecret>,
}

#[derive(Debug, Clone, Default)]
struct Secret {
    name: Option<String>,
    keys: BTreeMap<&'static str, String>,
}

#[derive(Debug, Clone, Default)]
struct ExternalSecret {
    store: Option<String>,
    kind: Option<StoreKind>,
    key: Option<String>,
    properties: BTreeMap<&'static str, String>,
}

/// Grammar of a string, the code for one that does not keep it, and what it is.
type Kind = (fn(&str) -> Verdict, Code, &'static str);

fn named<const N: usize>(
    pairs: [(&'static str, Option<String>); N],
) -> BTreeMap<&'static str, String> {
    pairs
        .into_iter()
        .filter_map(|(role, value)| Some((role, value?)))
        .collect()
}

impl From<types::DatabaseCredentials> for Written {
    fn from(credentials: types::DatabaseCredentials) -> Self {
        Written {
            generated: credentials.generated.is_some(),
            workload_identity: credentials.workload_identity.is_some(),
            secret: credentials.secret.map(|secret| {
                let keys = secret.keys.unwrap_or_default();
                Secret {
                    name: secret.name.map(|name| name.0),
                    keys: named([
                        ("password", keys.password.map(|key| key.0)),
                        ("username", keys.username.map(|key| key.0)),
                    ]),
                }
            }),
            external_secret: credentials.external_secret.map(|external| {
                let properties = external.properties.unwrap_or_default();
                ExternalSecret {
                    store: external.store.map(|store| store.0),
                    kind: external.kind,
                    key: external.key.map(|key| key.0),
                    properties: named([
                        ("password", properties.password.map(|key| key.0)),
                        ("username", properties.username.map(|key| key.0)),
                    ]),
                }
            }),
        }
    }
}

impl From<types::StoreCredentials> for Written {
    fn from(credentials: types::StoreCredentials) -> Self {
        Written {
            generated: credentials.generated.is_some(),
            workload_identity: credentials.workload_identity.is_some(),
            secret: credentials.secret.map(|secret| {
                let keys = secret.keys.unwrap_or_default();
                Secret {
                    name: secret.name.map(|name| name.0),
                    keys: named([
                        ("accessKey", keys.access_key.map(|key| key.0)),
                        ("secretKey", keys.secret_key.map(|key| key.0)),
                    ]),
                }
            }),
            external_secret: credentials.external_secret.map(|external| {
                let properties = external.properties.unwrap_or_default();
                ExternalSecret {
                    store: external.store.map(|store| store.0),
                    kind: external.kind,
                    key: external.key.map(|key| key.0),
                    properties: named([
                        ("accessKey", properties.access_key.map(|key| key.0)),
                        ("secretKey", properties.secret_key.map(|key| key.0)),
                    ]),
                }
            }),
        }
    }
}

impl From<types::DatabaseAdmin> for Written {
    fn from(admin: types::DatabaseAdmin) -> Self {
        Written {
            generated: false,
            workload_identity: false,
            secret: admin.secret.map(|secret| {
                let keys = secret.keys.unwrap_or_default();
                Secret {
                    name: secret.name.map(|name| name.0),
                    keys: named([
                        ("username", keys.username.map(|key| key.0)),
                        ("password", keys.password.map(|key| key.0)),
                    ]),
                }
            }),
            external_secret: admin.external_secret.map(|external| {
                let properties = external.properties.unwrap_or_default();
                ExternalSecret {
                    store: external.store.map(|store| store.0),
                    kind: external.kind,
                    key: external.key.map(|key| key.0),
                    properties: named([
                        ("username", properties.username.map(|key| key.0)),
                        ("password", properties.password.map(|key| key.0)),
                    ]),
                }
            }),
        }
    }
}

impl From<types::StoreAdmin> for Written {
    fn from(admin: types::StoreAdmin) -> Self {
        types::StoreCredentials {
            secret: admin.secret,
            external_secret: admin.external_secret,
            ..types::StoreCredentials::default()
        }
        .into()
    }
}

/// What resolving needs besides the credentials themselves.
pub(super) struct Resolver<'a> {
    /// The block that the credentials stand in.
    pub scope: &'a Scope,
    /// JSON pointer of the credentials in it.
    pub pointer: &'a str,
    /// Values that are needed.
    pub roles: &'static [Role],
    /// Default store of external secrets.
    pub stores: Option<&'a StoreRef>,
    /// Fills in placeholders; `None` where none are allowed.
    pub renderer: Option<&'a Renderer>,
}

impl Resolver<'_> {
    /// Settles the credentials, or reports why they cannot be.
    ///
    /// Errors: `ambiguous-choice`, `missing-key`, `template-error`, `invalid-name`, `invalid-value`.
    pub(super) fn resolve(&self, report: &mut Report, written: &Written) -> Option<Credentials> {
        let forms: Vec<&str> = [
            ("generated", written.generated),
            ("workloadIdentity", written.workload_identity),
            ("secret", written.secret.is_some()),
            ("externalSecret", written.external_secret.is_some()),
        ]
        .into_iter()
        .filter_map(|(form, chosen)| chosen.then_some(form))
        .collect();
        if forms.len() != 1 {
            self.ambiguous(report, &forms);
            return None;
        }
        if written.generated {
            return Some(Credentials::Generated);
        }
        if written.workload_identity {
            return Some(Credentials::WorkloadIdentity);
        }
        if let Some(secret) = &written.secret {
            return self.secret(report, secret);
        }
        written
            .external_secret
            .as_ref()
            .and_then(|external| self.external_secret(report, external))
    }

    fn ambiguous(&self, report: &mut Report, forms: &[&str]) {
        if self.scope.doubtful(self.pointer) {
            return;
        }
        let block = self.pointer.rsplit('/').next().unwrap_or_default();
        let message = match forms {
            [] => format!("`{block}` says none of its forms"),
            _ => format!("`{block}` says {} forms at once", forms.len()),
        };
        let hint = if block == "admin" {
            "write exactly one of `secret: {…}` and `externalSecret: {…}`"
        } else {
            "write exactly one of `secret: {…}` and `externalSecret: {…}`, or a word such as `generated`"
        };
        let mut diagnostic = self
            .scope
            .error(Code::AmbiguousChoice, self.pointer, message)
            .hint(hint);
        for form in forms {
            diagnostic = diagnostic.also(
                self.scope.at(&below(self.pointer, form)),
                format!("`{form}` is one"),
            );
        }
        report.push(diagnostic);
    }

    fn secret(&self, report: &mut Report, secret: &Secret) -> Option<Credentials> {
        let block = below(self.pointer, "secret");
        let name = match &secret.name {
            Some(name) => self.text(
                report,
                &below(&block, "name"),
                name,
                (name::subdomain, Code::InvalidName, "the name of a Secret"),
            ),
            None => {
                self.scope.missing(
                    report,
                    &block,
                    "name",
                    if self.pointer == "/admin" {
                        "write the name of a Secret in the namespace of the provisioning Jobs"
                    } else {
                        "write the name of a Secret in the project's namespace"
                    },
                );
                None
            }
        };
        let keys = self.roles(
            report,
            &below(&block, "keys"),
            &secret.keys,
            (name::data_key, Code::InvalidName, "a key of a Secret"),
        );
        Some(Credentials::Secret {
            name: name?,
            keys: keys?,
        })
    }

    /// Settles where each value is kept; all that is wrong is reported.
    fn roles(
        &self,
        report: &mut Report,
        pointer: &str,
        written: &BTreeMap<&'static str, String>,
        kind: Kind,
    ) -> Option<BTreeMap<String, String>> {
        let mut settled = Some(BTreeMap::new());
        for role in self.roles {
            let place = match written.get(role.name) {
                Some(place) => {
                    let place = self.text(report, &below(pointer, role.name), place, kind);
                    if place.is_none() {
                        settled = None;
                    }
                    place
                }
                None => role.default.map(str::to_owned),
            };
            if let (Some(settled), Some(place)) = (&mut settled, place) {
                settled.insert(role.name.to_owned(), place);
            }
        }
        settled
    }

    fn external_secret(
        &self,
        report: &mut Report,
        external: &ExternalSecret,
    ) -> Option<Credentials> {
        let block = below(self.pointer, "externalSecret");
        let store = match (&external.store, self.stores) {
            (Some(store), _) => self.text(
                report,
                &below(&block, "store"),
                store,
                (name::subdomain, Code::InvalidName, "the name of a store"),
            ),
            (None, Some(default)) => Some(default.store.clone()),
            (None, None) => {
                self.scope.missing(
                    report,
                    &block,
                    "store",
                    "write the name of a ClusterSecretStore, here or as `platform.externalSecrets.store`",
                );
                None
            }
        };
        let of_platform = self.stores.filter(|default| {
            external
                .store
                .as_ref()
                .is_none_or(|store| *store == default.store)
        });
        let kind = match (external.kind, of_platform) {
            (Some(kind), _) => kind_name(kind).to_owned(),
            // The platform's kind goes with the platform's store.
            (None, Some(default)) => default.kind.clone(),
            (None, None) => kind_name(StoreKind::ClusterSecretStore).to_owned(),
        };
        let key = match &external.key {
            Some(key) => self.text(
                report,
                &below(&block, "key"),
                key,
                (any, Code::InvalidValue, "a key"),
            ),
            None => {
                self.scope.missing(
                    report,
                    &block,
                    "key",
                    "write the key of the entry in the secret store",
                );
                None
            }
        };
        let properties = self.roles(
            report,
            &below(&block, "properties"),
            &external.properties,
            (any, Code::InvalidValue, "a property"),
        );
        Some(Credentials::ExternalSecret {
            store: StoreRef {
                store: store?,
                kind,
            },
            key: key?,
            properties: properties?,
        })
    }

    /// Fills in the placeholders of a string and checks what comes out.
    fn text(
        &self,
        report: &mut Report,
        pointer: &str,
        text: &str,
        (grammar, code, noun): Kind,
    ) -> Option<String> {
        let Some(renderer) = self.renderer else {
            if is_template(text) {
                report.push(
                    self.scope
                        .error(Code::InvalidValue, pointer, format!("{} holds a placeholder", quote(text)))
                        .label("placeholders are not filled in here")
                        .hint(if self.pointer == "/admin" {
                            "write the value itself: the account is the same for all projects"
                        } else {
                            "write the value itself, or move the credentials to `databases` or `objectStores`"
                        }),
                );
                return None;
            }
            return Some(text.to_owned());
        };
        let rendered = render(self.scope, report, pointer, text, renderer)?;
        if let Err(complaint) = grammar(&rendered) {
            let mut diagnostic = self
                .scope
                .error(code, pointer, format!("{} is not {noun}", quote(&rendered)))
                .label(complaint.problem);
            if let Some(hint) = complaint.hint {
                diagnostic = diagnostic.hint(hint);
            }
            report.push(diagnostic);
            return None;
        }
        Some(rendered)
    }
}

/// Reports the strings of a server's credentials that can be rendered for no project, even if none uses the server.
///
/// Errors: `template-error`.
pub(super) fn check_templates(
    scope: &Scope,
    report: &mut Report,
    credentials: Option<&Node>,
    renderer: &Renderer,
) {
    fn walk(scope: &Scope, report: &mut Report, node: &Node, pointer: &str, renderer: &Renderer) {
        if let Some(text) = node.text() {
            render(scope, report, pointer, text, renderer);
        }
        for entry in node.entries() {
            walk(
                scope,
                report,
                &entry.value,
                &below(pointer, &entry.key),
                renderer,
            );
        }
    }
    if let Some(node) = credentials {
        walk(scope, report, node, "/credentials", renderer);
    }
}

fn render(
    scope: &Scope,
    report: &mut Report,
    pointer: &str,
    text: &str,
    renderer: &Renderer,
) -> Option<String> {
    match renderer.render(text) {
        Ok(rendered) => Some(rendered),
        Err(problem) => {
            report.push(
                scope
                    .error(
                        Code::TemplateError,
                        pointer,
                        format!("the template {} cannot be rendered", quote(text)),
                    )
                    .label(problem)
                    .hint("write `{{ project.name }}` or `{{ project.namespace }}`"),
            );
            None
        }
    }
}

fn any(text: &str) -> Verdict {
    crate::grammar::not_empty(text)
}

/// Returns the kind of a store as Kubernetes spells it.
pub(super) fn kind_name(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::ClusterSecretStore => "ClusterSecretStore",
        StoreKind::SecretStore => "SecretStore",
    }
}
