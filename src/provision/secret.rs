//! Where the Jobs find passwords: Secrets in their own namespace, fetched from a store or put there by hand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::grammar::name;
use crate::model::{Cluster, Credentials, Project};

/// Keys of one Secret in the namespace of the Jobs.
#[derive(Debug)]
pub(super) struct Keys {
    secret: String,
    /// Role of a value to its key.
    keys: BTreeMap<String, String>,
}

impl Keys {
    /// Returns the keys of an administrator; `fetched` is the Secret that an ExternalSecret makes.
    pub(super) fn of_admin(credentials: &Credentials, fetched: &str) -> Keys {
        match credentials {
            Credentials::Secret { name, keys } => Keys {
                secret: name.clone(),
                keys: keys.clone(),
            },
            other => Keys::fetched(other, fetched),
        }
    }

    /// Returns the keys of a project. A Secret of its namespace cannot be read from here: its copy is called
    /// `<namespace>.<secret>`.
    ///
    /// Errors: `invalid-name` when that is too long for a Secret.
    pub(super) fn of_project(
        credentials: &Credentials,
        fetched: &str,
        project: &Project,
    ) -> Result<Keys, Box<Diagnostic>> {
        let Credentials::Secret { name: own, keys } = credentials else {
            return Ok(Keys::fetched(credentials, fetched));
        };
        let copy = format!("{}.{own}", project.namespace);
        if name::subdomain(&copy).is_err() {
            return Err(Box::new(
                Diagnostic::error(
                    Code::InvalidName,
                    format!(
                        "the copy `{copy}` of a Secret for the provisioning Job has too long a name"
                    ),
                )
                .at(project.span)
                .label("its credentials are in this Secret")
                .hint("give the Secret a shorter name, or write `provision: none` for the server")
                .project(&project.name),
            ));
        }
        Ok(Keys {
            secret: copy,
            keys: keys.clone(),
        })
    }

    fn fetched(credentials: &Credentials, secret: &str) -> Keys {
        let roles = match credentials {
            Credentials::ExternalSecret { properties, .. } => properties.keys().cloned().collect(),
            _ => Vec::new(),
        };
        Keys {
            secret: secret.to_owned(),
            keys: roles.into_iter().map(|role| (role.clone(), role)).collect(),
        }
    }

    /// Returns a variable with the value of a role; `None` when the Secret does not have it.
    pub(super) fn variable(&self, variable: &str, role: &str) -> Option<Value> {
        let key = self.keys.get(role)?;
        Some(json!({
            "name": variable,
            "valueFrom": {"secretKeyRef": {"name": self.secret, "key": key}},
        }))
    }
}

/// Returns the ExternalSecret that fetches credentials to a Secret; `None` when they are not in a store.
///
/// The Secret is a copy and goes with the ExternalSecret. Every field of a list item is written, because one that the API
/// server fills in would be a difference for Argo CD for ever (gitops-wiring §0.5).
pub(super) fn external(name: &str, cluster: &Cluster, credentials: &Credentials) -> Option<Value> {
    let Credentials::ExternalSecret {
        store,
        key,
        properties,
    } = credentials
    else {
        return None;
    };
    let data: Vec<Value> = properties
        .iter()
        .map(|(role, property)| {
            json!({
                "secretKey": role,
                "remoteRef": {
                    "key": key,
                    "property": property,
                    "conversionStrategy": "Default",
                    "decodingStrategy": "None",
                    "metadataPolicy": "None",
                },
            })
        })
        .collect();
    Some(json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": name, "namespace": cluster.provisioning_namespace},
        "spec": {
            "refreshPolicy": "Periodic",
            "refreshInterval": "1h0m0s",
            "secretStoreRef": {"name": store.store, "kind": store.kind},
            "target": {
                "name": name,
                "creationPolicy": "Owner",
                "deletionPolicy": "Retain",
            },
            "data": data,
        },
    }))
}
