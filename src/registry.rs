//! Registries: the digest that a reference to an image stands for.
//!
//! Takes references and gives digests, through the OCI distribution API. HTTPS, but for registries of this machine
//! itself, which are asked without. Knows nothing of bases and projects.

mod credentials;

use std::net::IpAddr;
use std::time::Duration;

use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::{Client, Reference};
use tokio::task::JoinSet;

pub use credentials::Credentials;

/// How many references are asked for at once.
const AT_ONCE: usize = 8;
/// How long a connection may take to come about.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long a registry may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// Why there is no digest for a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// The registry has no such image.
    Missing,
    /// The registry wants other credentials, or any.
    Denied,
    /// Anything else, in a few words: the registry cannot be reached, or answers in a way that is none.
    Failed(String),
}

/// Asks registries for digests; what comes is in the order of the references.
///
/// Of an image for several platforms it is the digest of its index. A reference that has a digest is asked for by
/// it. `step` is called after each answer.
///
/// Errors: when no connections can be made at all, such as without certificates of authorities.
pub fn digests(
    references: &[String],
    credentials: &mut Credentials,
    mut step: impl FnMut(),
) -> anyhow::Result<Vec<Result<String, Unresolved>>> {
    let mut answers: Vec<Option<Result<String, Unresolved>>> = vec![None; references.len()];
    let mut parsed = Vec::new();
    for (index, text) in references.iter().enumerate() {
        match text.parse::<Reference>() {
            Ok(reference) => parsed.push((index, reference)),
            Err(error) => answers[index] = Some(Err(Unresolved::Failed(error.to_string()))),
        }
    }
    let client = client(parsed.iter().map(|(_, reference)| reference))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut waiting = parsed.into_iter();
        let mut asked = JoinSet::new();
        loop {
            while asked.len() < AT_ONCE
                && let Some((index, reference)) = waiting.next()
            {
                let client = client.clone();
                let auth = credentials.of(&reference);
                asked.spawn(async move {
                    let answer = match auth {
                        Ok(auth) => client.fetch_manifest_digest(&reference, &auth).await,
                        Err(error) => return (index, Err(Unresolved::Failed(error))),
                    };
                    (index, answer.map_err(|error| unresolved(&error)))
                });
            }
            match asked.join_next().await {
                Some(Ok((index, answer))) => {
                    answers[index] = Some(answer);
                    step();
                }
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                None => return,
            }
        }
    });
    let answers = answers.into_iter();
    Ok(answers
        .map(|answer| answer.expect("every reference is answered"))
        .collect())
}

fn client<'r>(references: impl Iterator<Item = &'r Reference>) -> anyhow::Result<Client> {
    // Only an earlier call can have installed one, which was the same.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let loopback = references
        .map(Reference::resolve_registry)
        .filter(|registry| is_loopback(registry))
        .map(str::to_owned);
    let config = ClientConfig {
        protocol: ClientProtocol::HttpsExcept(loopback.collect()),
        platform_resolver: None,
        connect_timeout: Some(CONNECTING),
        read_timeout: Some(SILENCE),
        user_agent: concat!("tenantry/", env!("CARGO_PKG_VERSION")),
        ..ClientConfig::default()
    };
    Ok(Client::try_from(config)?)
}

/// Tells whether a registry is on this machine.
fn is_loopback(registry: &str) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => registry,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn unresolved(error: &OciDistributionError) -> Unresolved {
    match error {
        OciDistributionError::ImageManifestNotFoundError(_)
        | OciDistributionError::ServerError { code: 404, .. } => Unresolved::Missing,
        OciDistributionError::UnauthorizedError { .. }
        | OciDistributionError::AuthenticationFailure(_)
        | OciDistributionError::ServerError { code: 403, .. } => Unresolved::Denied,
        OciDistributionError::RegistryError { envelope, .. } => {
            let is = |codes: &[OciErrorCode]| {
                let mut errors = envelope.errors.iter();
                errors.any(|error| codes.contains(&error.code))
            };
            if is(&[
                OciErrorCode::ManifestUnknown,
                OciErrorCode::NameUnknown,
                OciErrorCode::NotFound,
            ]) {
                Unresolved::Missing
            } else if is(&[OciErrorCode::Unauthorized, OciErrorCode::Denied]) {
                Unresolved::Denied
            } else {
                Unresolved::Failed(envelope.to_string())
            }
        }
        OciDistributionError::ServerError { code, .. } => {
            Unresolved::Failed(format!("it answers with status {code}"))
        }
        error => {
            // What a request failed of stands in the causes; the first one repeats the URL.
            let mut text = Vec::new();
            let mut cause = std::error::Error::source(error);
            while let Some(error) = cause {
                text.push(error.to_string());
                cause = error.source();
            }
            Unresolved::Failed(text.pop().unwrap_or_else(|| error.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_of_this_machine() {
        for registry in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "127.1.2.3",
            "[::1]:5000",
        ] {
            assert!(is_loopback(registry), "{registry}");
        }
        for registry in [
            "ghcr.io",
            "localhost.example.com",
            "10.0.0.1:5000",
            "example.com:127",
            "127.0.0.1.example.com",
        ] {
            assert!(!is_loopback(registry), "{registry}");
        }
    }

    #[test]
    fn what_is_no_reference_is_not_asked_for() {
        let references = ["an image".to_owned()];
        let answers = digests(&references, &mut Credentials::default(), || {
            panic!("nobody is asked")
        });
        let answers = answers.expect("no connection is made");
        assert!(
            matches!(&answers[..], [Err(Unresolved::Failed(_))]),
            "{answers:?}"
        );
    }
}
