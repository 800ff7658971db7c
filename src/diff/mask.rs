//! What may be secret, judged by the name under which it stands; it is never shown.
//!
//! Rendered trees hold no secrets, but patches, plain manifests and older trees may. Too much is masked rather than
//! too little; references to Secrets by name are no secrets.

use std::sync::OnceLock;

use regex_lite::Regex;
use serde_json::{Map, Value};

/// What is shown instead.
const MASKED: &str = "***";

/// Words that make a name secret wherever they stand in it, also as a part of a longer word.
const PARTS: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "authkey",
];

/// Words that make a name secret as words of their own.
const WORDS: [&str; 4] = ["key", "keys", "pwd", "pass"];

/// Fields of Kubernetes and of custom resources that we write whose names only look secret.
const HARMLESS: [&str; 11] = [
    "key",
    "keys",
    "topologyKey",
    "matchLabelKeys",
    "mismatchLabelKeys",
    "secretName",
    "secretKey",
    "automountServiceAccountToken",
    "tokenExpirationSeconds",
    "keyAlgorithm",
    "keyEncoding",
];

/// Fields whose content refers to Secrets, and holds none.
const REFERENCES: [&str; 10] = [
    "valueFrom",
    "secretKeyRef",
    "secretRef",
    "configMapKeyRef",
    "imagePullSecrets",
    "secrets",
    "secretStoreRef",
    "remoteRef",
    "serviceAccountToken",
    "clientSecretRef",
];

/// Fields that are mappings with keys of the users' own.
const FREE: [&str; 5] = ["data", "stringData", "binaryData", "annotations", "labels"];

/// What is known about a value from the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// Nothing.
    Open,
    /// The keys of this mapping are the users' own.
    Free,
    /// It is a Secret's, so that whatever is data is secret.
    OfSecret,
    /// It is secret, and everything below it.
    Secret,
    /// It refers to Secrets.
    Reference,
}

impl Secrecy {
    /// Returns what is known about the fields of an object.
    pub(super) fn of_object(group: &str, kind: &str) -> Self {
        match (group, kind) {
            ("", "Secret") | ("bitnami.com", "SealedSecret") => Secrecy::OfSecret,
            _ => Secrecy::Open,
        }
    }

    /// Returns what is known about a field of a mapping.
    pub(super) fn field(self, name: &str) -> Self {
        match self {
            Secrecy::Reference => Secrecy::Reference,
            Secrecy::Secret if name == "valueFrom" => Secrecy::Reference,
            Secrecy::Secret => Secrecy::Secret,
            Secrecy::OfSecret if matches!(name, "data" | "stringData" | "encryptedData") => {
                Secrecy::Secret
            }
            Secrecy::OfSecret if matches!(name, "metadata" | "apiVersion" | "kind") => {
                Secrecy::Open
            }
            Secrecy::OfSecret => Secrecy::OfSecret,
            Secrecy::Free if is_secret_name(name) => Secrecy::Secret,
            Secrecy::Free => Secrecy::Open,
            Secrecy::Open if REFERENCES.contains(&name) => Secrecy::Reference,
            Secrecy::Open if FREE.contains(&name) => Secrecy::Free,
            Secrecy::Open if !HARMLESS.contains(&name) && is_secret_name(name) => Secrecy::Secret,
            Secrecy::Open => Secrecy::Open,
        }
    }

    /// Returns what is known about the elements of a list.
    pub(super) fn element(self) -> Self {
        match self {
            Secrecy::Free => Secrecy::Open,
            other => other,
        }
    }

    /// Returns what is known about a field of a mapping that may be a pair such as `{name: PASSWORD, value: x}`.
    pub(super) fn field_of(self, map: &Map<String, Value>, name: &str) -> Self {
        let pair = |key: &str| {
            map.get(key)
                .and_then(Value::as_str)
                .is_some_and(is_secret_name)
        };
        match self {
            Secrecy::Open if name == "value" && (pair("name") || pair("key")) => Secrecy::Secret,
            other => other.field(name),
        }
    }
}

/// Tells whether what stands under a name may be secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let mut words: Vec<String> = Vec::new();
    let bytes = name.as_bytes();
    for (at, byte) in bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_alphanumeric())
    {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + 1);
        // `dbKey`, `db_key`, and `DBKey`.
        let begins = before.is_none_or(|before| {
            !before.is_ascii_alphanumeric()
                || byte.is_ascii_uppercase()
                    && (before.is_ascii_lowercase()
                        || before.is_ascii_uppercase() && after.is_some_and(u8::is_ascii_lowercase))
        });
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    let joined = words.concat();
    PARTS.iter().any(|part| joined.contains(part))
        || words.iter().any(|word| WORDS.contains(&word.as_str()))
}

/// Returns a value as it may be shown.
pub(super) fn shown(value: &Value, secrecy: Secrecy) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::String(text) if text.is_empty() => value.clone(),
        Value::Number(_) | Value::String(_) if secrecy == Secrecy::Secret => Value::from(MASKED),
        Value::Number(_) => value.clone(),
        Value::String(text) => Value::String(mask(text)),
        Value::Array(items) => {
            let before = std::iter::once(None).chain(items.iter().map(Some));
            let secrecy = secrecy.element();
            let items = before
                .zip(items)
                .map(|(before, item)| shown_item(before, item, secrecy));
            Value::Array(items.collect())
        }
        Value::Object(map) => {
            let field = |(name, value): (&String, &Value)| {
                (name.clone(), shown(value, secrecy.field_of(map, name)))
            };
            Value::Object(map.iter().map(field).collect())
        }
    }
}

/// Returns an element of a list as it may be shown: what follows a flag such as `--password` is secret.
pub(super) fn shown_item(before: Option<&Value>, item: &Value, secrecy: Secrecy) -> Value {
    let follows_flag = before.and_then(Value::as_str).is_some_and(|flag| {
        flag.starts_with('-') && !flag.contains(['=', ' ']) && is_secret_name(flag)
    });
    match item {
        Value::String(text) if follows_flag && !text.starts_with('-') => Value::from(MASKED),
        _ => shown(item, secrecy),
    }
}

/// Returns a text with what may be secret in it masked: `password: x`, `TOKEN=x`, `https://user:x@host`, private keys.
pub fn mask(text: &str) -> String {
    static ASSIGNED: OnceLock<Regex> = OnceLock::new();
    static USER: OnceLock<Regex> = OnceLock::new();
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY") {
        return MASKED.to_owned();
    }
    let assigned = ASSIGNED.get_or_init(|| {
        Regex::new(r#"([A-Za-z0-9_.-]+)(["']?\s*[:=]\s*["']?)([^\s"',;&{}\[\]]+)"#)
            .expect("the pattern is valid")
    });
    let user = USER
        .get_or_init(|| Regex::new(r"(://[^/\s:@]*:)([^@\s/]+)@").expect("the pattern is valid"));
    let text = user.replace_all(text, |found: &regex_lite::Captures<'_>| {
        format!("{}{MASKED}@", &found[1])
    });
    let masked = assigned.replace_all(&text, |found: &regex_lite::Captures<'_>| {
        let (name, between, value) = (&found[1], &found[2], &found[3]);
        let innocent = !is_secret_name(name)
            || HARMLESS.contains(&name)
            || matches!(value, "true" | "false" | "null" | "|" | ">" | MASKED)
            || value.starts_with("$(");
        if innocent {
            found[0].to_owned()
        } else {
            format!("{name}{between}{MASKED}")
        }
    });
    masked.into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names() {
        for name in [
            "password",
            "DB_PASSWORD",
            "dbPassword",
            "MYSQL_ROOT_PASSWD",
            "API_KEY",
            "apiKey",
            "APIKEY",
            "AWS_SECRET_ACCESS_KEY",
            "OBJECTSTORECONFIG_SECRETACCESSKEY",
            "OBJECTSTORECONFIG_ACCESSKEY",
            "token",
            "GITHUB_TOKEN",
            "client-secret",
            "tls.key",
            "credentials.json",
            "--db-password",
            "pwd",
            "SSH_KEYS",
            "DBKey",
            "sshKey",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "monkey",
            "image",
            "ARGO_KEYFORMAT",
            "HOST",
            "bypass",
            "compass",
            "keyboard",
            "config.json",
            "",
            "app.kubernetes.io/name",
            "KEYCLOAK_URL",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn texts() {
        for (text, expect) in [
            ("plain text", "plain text"),
            ("password: hunter2", "password: ***"),
            (
                "  \"dbPassword\": \"hunter2\",",
                "  \"dbPassword\": \"***\",",
            ),
            ("--token=abc --level=info", "--token=*** --level=info"),
            ("API_KEY=abc", "API_KEY=***"),
            (
                "--user=$(NAME) --password=$(PASSWORD)",
                "--user=$(NAME) --password=$(PASSWORD)",
            ),
            (
                "https://me:hunter2@example.com/x",
                "https://me:***@example.com/x",
            ),
            ("mysql://db:3306/x", "mysql://db:3306/x"),
            ("a=1&access_token=abc&b=2", "a=1&access_token=***&b=2"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMII\n", "***"),
            ("image: a/b:1", "image: a/b:1"),
        ] {
            assert_eq!(mask(text), expect, "{text}");
        }
    }

    #[test]
    fn values() {
        let check = |secrecy: Secrecy, value: Value, expect: Value| {
            assert_eq!(shown(&value, secrecy), expect, "{value}");
        };
        check(
            Secrecy::Open,
            json!({"env": [
                {"name": "DB_PASSWORD", "value": "hunter2"},
                {"name": "LEVEL", "value": "info"},
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "token"}}},
            ]}),
            json!({"env": [
                {"name": "DB_PASSWORD", "value": "***"},
                {"name": "LEVEL", "value": "info"},
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "token"}}},
            ]}),
        );
        check(
            Secrecy::Open,
            json!({"args": ["--password", "hunter2", "--level", "info", "--password=x"]}),
            json!({"args": ["--password", "***", "--level", "info", "--password=***"]}),
        );
        check(
            Secrecy::Open,
            json!({"data": {"key": "x", "password": "y", "config": "z"}, "key": "x", "topologyKey": "host"}),
            json!({"data": {"key": "***", "password": "***", "config": "z"}, "key": "x", "topologyKey": "host"}),
        );
        check(
            Secrecy::of_object("", "Secret"),
            json!({"metadata": {"name": "s"}, "type": "Opaque", "data": {"a": "eA=="}, "stringData": {"b": "x"}}),
            json!({"metadata": {"name": "s"}, "type": "Opaque", "data": {"a": "***"}, "stringData": {"b": "***"}}),
        );
        check(
            Secrecy::Open,
            json!({"automountServiceAccountToken": false, "token": 12, "secretName": "s", "emptyToken": ""}),
            json!({"automountServiceAccountToken": false, "token": "***", "secretName": "s", "emptyToken": ""}),
        );
    }
}
