//! Credentials for registries, as `docker login` keeps them.
//!
//! Reads the text of Docker's `config.json`: `auths`, and the helpers of `credHelpers` and `credsStore`, programs called
//! `docker-credential-<name>`. Knows nothing of where the file is.
//! Source: docker/cli, `config/configfile`; docker/docker-credential-helpers, the protocol of `get`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;

/// What Docker calls its own registry, and what everybody else calls it.
const HUB: [&str; 2] = ["index.docker.io", "docker.io"];
/// What helpers know Docker's registry by.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// Credentials by registry.
#[derive(Debug, Default)]
pub struct Credentials {
    config: Config,
    /// What helpers have said, so that each is asked once.
    asked: BTreeMap<String, Result<RegistryAuth, String>>,
}

/// The part of Docker's configuration that is about credentials.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    auths: BTreeMap<String, Entry>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
    #[serde(rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// User and password, joined by a colon, in Base64.
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// What a helper says.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    username: String,
    secret: String,
}

impl Credentials {
    /// Reads the text of `config.json`.
    ///
    /// Errors: it is not JSON of that form; nothing of it is repeated, for it holds passwords.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let config = serde_json::from_slice(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("it is no configuration of Docker's (line {line}, column {column})")
        })?;
        Ok(Credentials {
            config,
            asked: BTreeMap::new(),
        })
    }

    /// Returns the credentials for a reference; the error says why they cannot be had.
    pub(super) fn of(&mut self, reference: &Reference) -> Result<RegistryAuth, String> {
        let registry = normal(reference.registry());
        let path = format!("{registry}/{}", reference.repository());
        let helper = self.config.helpers.iter();
        let helper = helper
            .filter(|(key, _)| normal(key) == registry)
            .map(|(_, helper)| helper)
            .next()
            .or(self.config.store.as_ref());
        if let Some(helper) = helper {
            let known = self.asked.get(registry).cloned();
            let said = known.unwrap_or_else(|| ask(helper, registry));
            self.asked.insert(registry.to_owned(), said.clone());
            // A store holds what was logged in to since it is used; older entries are in the file.
            if said != Ok(RegistryAuth::Anonymous) {
                return said;
            }
        }
        let covers = |key: &str| {
            let rest = path.strip_prefix(key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let entries = self.config.auths.iter();
        let best = entries
            .map(|(key, entry)| (normal(key), entry))
            .filter(|(key, _)| covers(key))
            .max_by_key(|(key, _)| key.len());
        best.map_or(Ok(RegistryAuth::Anonymous), |(key, entry)| {
            entry
                .credentials()
                .ok_or_else(|| format!("the credentials for `{key}` cannot be read"))
        })
    }
}

impl Entry {
    /// Returns user and password; `None` when they are not of the known form.
    fn credentials(&self) -> Option<RegistryAuth> {
        if let (Some(user), Some(password)) = (&self.username, &self.password) {
            return Some(RegistryAuth::Basic(user.clone(), password.clone()));
        }
        let Some(auth) = self.auth.as_deref().filter(|auth| !auth.is_empty()) else {
            // With a store, the file holds an empty entry for each registry.
            return Some(RegistryAuth::Anonymous);
        };
        let decoded = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        // Docker pads with NULs.
        let password = password.trim_end_matches('\0');
        Some(RegistryAuth::Basic(user.to_owned(), password.to_owned()))
    }
}

/// Returns the host of a key, and the path that others than Docker write behind it.
fn normal(key: &str) -> &str {
    let key = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key)
        .trim_end_matches('/');
    let key = key
        .strip_suffix("/v1")
        .or_else(|| key.strip_suffix("/v2"))
        .unwrap_or(key);
    match key.strip_prefix(HUB[0]) {
        Some("") => HUB[1],
        _ => key,
    }
}

/// Asks a helper.
fn ask(helper: &str, registry: &str) -> Result<RegistryAuth, String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    if helper.is_empty() || !helper.chars().all(plain) {
        return Err(format!("`{helper}` is not the name of a credential helper"));
    }
    let program = format!("docker-credential-{helper}");
    let failed = |why: &dyn std::fmt::Display| format!("`{program}`: {why}");
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&error))?;
    let key = if registry == HUB[1] {
        HUB_KEY
    } else {
        registry
    };
    if let Some(mut input) = child.stdin.take() {
        // One that does not read says so by its status.
        let _ignored = input.write_all(key.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| failed(&error))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return if said.contains("credentials not found") {
            Ok(RegistryAuth::Anonymous)
        } else {
            Err(failed(&output.status))
        };
    }
    let secret: Secret =
        serde_json::from_str(&said).map_err(|_| failed(&"what it says cannot be read"))?;
    if secret.username == "<token>" {
        return Err(failed(
            &"tokens of identity are not supported: log in with a password or an access token",
        ));
    }
    Ok(RegistryAuth::Basic(secret.username, secret.secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns user and password for a reference, or the error.
    fn of(config: &str, reference: &str) -> Result<Option<(String, String)>, String> {
        let mut credentials = Credentials::parse(config.as_bytes())?;
        let reference = reference.parse().expect("a reference");
        Ok(match credentials.of(&reference)? {
            RegistryAuth::Basic(user, password) => Some((user, password)),
            _ => None,
        })
    }

    #[track_caller]
    fn check(config: &str, reference: &str, expect: Option<&str>) {
        let found = of(config, reference).expect("readable credentials");
        let found = found.map(|(user, password)| format!("{user}:{password}"));
        assert_eq!(found.as_deref(), expect, "{reference}");
    }

    #[test]
    fn entries_are_found_by_the_host() {
        // ada:secret, hub:secret
        let config = r#"{"auths": {
            "ghcr.io": {"auth": "YWRhOnNlY3JldA=="},
            "https://index.docker.io/v1/": {"auth": "aHViOnNlY3JldA=="},
            "quay.io": {"username": "q", "password": "all"},
            "quay.io/team": {"username": "q", "password": "team"},
            "empty.example.com": {}
        }, "HttpHeaders": {"x": "y"}}"#;
        check(config, "ghcr.io/a/b:1", Some("ada:secret"));
        check(config, "mysql:8.4", Some("hub:secret"));
        check(config, "docker.io/a/b:1", Some("hub:secret"));
        check(config, "quay.io/a/b:1", Some("q:all"));
        check(config, "quay.io/team/b:1", Some("q:team"));
        check(config, "quay.io/teams/b:1", Some("q:all"));
        check(config, "empty.example.com/a:1", None);
        check(config, "ghcr.io.example.com/a:1", None);
        check("{}", "ghcr.io/a/b:1", None);
    }

    #[test]
    fn what_cannot_be_read_is_said_without_secrets() {
        let error = of("{\"auths\": {\"a\": \"hunter2\"}}", "a.io/b:1").expect_err("not the form");
        assert!(!error.contains("hunter2"), "{error}");
        let error = of(r#"{"auths": {"a.io": {"auth": "%%%"}}}"#, "a.io/b:1");
        assert_eq!(
            error,
            Err("the credentials for `a.io` cannot be read".to_owned())
        );
        let error = of(r#"{"credsStore": "../evil"}"#, "a.io/b:1");
        assert_eq!(
            error,
            Err("`../evil` is not the name of a credential helper".to_owned())
        );
        let error = of(
            r#"{"credHelpers": {"a.io": "not-there-at-all"}}"#,
            "a.io/b:1",
        );
        let error = error.expect_err("there is no such program");
        assert!(
            error.starts_with("`docker-credential-not-there-at-all`: "),
            "{error}"
        );
    }
}
