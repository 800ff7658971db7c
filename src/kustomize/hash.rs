//! The suffix that generated objects get: the beginning of a hash of their contents.
//!
//! Takes the body of a ConfigMap or Secret and gives the suffix. Knows nothing of who refers to the object.
//! Source: `api/hasher` of kustomize v5.5.0, and Go's `encoding/json` for how strings are escaped.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Hexadecimal digits of the suffix.
const LENGTH: usize = 10;

/// Returns the suffix for an object's contents; names do not matter.
pub(crate) fn suffix(body: &Value) -> String {
    let kind = body.get("kind").and_then(Value::as_str).unwrap_or("");
    let empty = Value::from("");
    let field = |name: &str| body.get(name);
    let given = |name: &str| field(name).filter(|value| !value.is_null());
    let kind_value = Value::from(kind);
    let mut hashed: BTreeMap<&str, &Value> = BTreeMap::new();
    match kind {
        "ConfigMap" => {
            hashed.insert("data", given("data").unwrap_or(&empty));
            hashed.extend(given("binaryData").map(|value| ("binaryData", value)));
        }
        "Secret" => {
            hashed.insert("type", given("type").unwrap_or(&empty));
            hashed.insert("data", given("data").unwrap_or(&empty));
            hashed.extend(given("stringData").map(|value| ("stringData", value)));
        }
        // A patch has made it something else; then everything counts.
        _ => hashed.extend(
            body.as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.as_str(), value)),
        ),
    }
    if matches!(kind, "ConfigMap" | "Secret") {
        hashed.insert("kind", &kind_value);
        hashed.insert("name", &empty);
    }
    let mut text = String::new();
    write_map(hashed.into_iter(), &mut text);
    let digest = Sha256::digest(text.as_bytes());
    let mut digits = String::new();
    for byte in digest.iter().take(LENGTH.div_ceil(2)) {
        write!(digits, "{byte:02x}").expect("writing to a string does not fail");
    }
    // No suffix spells a word: digits and vowels become consonants.
    digits
        .chars()
        .map(|digit| match digit {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            digit => digit,
        })
        .collect()
}

fn write_map<'v>(entries: impl Iterator<Item = (&'v str, &'v Value)>, out: &mut String) {
    out.push('{');
    for (index, (key, value)) in entries.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(key, out);
        out.push(':');
        write_value(value, out);
    }
    out.push('}');
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => write_string(text, out),
        Value::Array(list) => {
            out.push('[');
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(value, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let sorted: BTreeMap<&str, &Value> = map
                .iter()
                .map(|(key, value)| (key.as_str(), value))
                .collect();
            write_map(sorted.into_iter(), out);
        }
        other => out.push_str(&other.to_string()),
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                write!(out, "\\u{:04x}", c as u32).expect("writing to a string does not fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn suffixes_are_those_of_kustomize() {
        let check = |body: Value, expect: &str| assert_eq!(suffix(&body), expect, "{body}");
        check(
            json!({"kind": "ConfigMap", "metadata": {"name": "a"}}),
            "6ct58987ht",
        );
        check(
            json!({"kind": "ConfigMap", "metadata": {"name": "any"}, "data": {"k": "v"}}),
            "bdg947hgcc",
        );
        check(
            json!({"kind": "ConfigMap", "data": {"b": "2"}}),
            "fmbk44khfc",
        );
        check(
            json!({"kind": "Secret", "type": "Opaque", "data": {"p": "dw=="}}),
            "m7cg948gg9",
        );
        check(
            json!({"kind": "Secret", "type": "Opaque", "data": {}}),
            "46f8b28mk5",
        );
    }
}
