//! What a scalar with a tag of YAML itself means: `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!binary`.
//!
//! Takes the name of the tag and the text; knows nothing of documents.
//! Source: kustomize v5.5.0 and kubectl 1.32, observed.

use super::scalar::{Plain, resolve};
use serde_json::{Number, Value};

/// The prefix of the tags of YAML itself.
pub(crate) const CORE: &str = "tag:yaml.org,2002:";

/// Why a tagged scalar has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TagFault {
    /// The tag is not one that can stand on a scalar.
    Unknown,
    /// The text does not fit the tag.
    Mismatch,
    /// The text is an infinite number or not-a-number.
    NonFinite,
}

/// Resolves a scalar with a tag of YAML itself, given without its prefix; quotes make no difference.
pub(crate) fn resolve_tagged(tag: &str, text: &str) -> Result<Value, TagFault> {
    let known = match tag {
        "str" => return Ok(Value::from(text)),
        "binary" => return binary(text).map(Value::from).ok_or(TagFault::Mismatch),
        "int" | "float" | "bool" | "null" => resolve(text),
        _ => return Err(TagFault::Unknown),
    };
    match (tag, known) {
        ("int", Plain::Number(number)) if !number.is_f64() => Ok(Value::Number(number)),
        ("float", Plain::Number(number)) => number
            .as_f64()
            .and_then(Number::from_f64)
            .map(Value::Number)
            .ok_or(TagFault::Mismatch),
        ("float", Plain::NonFinite) => Err(TagFault::NonFinite),
        ("bool", Plain::Bool(bool)) => Ok(Value::Bool(bool)),
        ("null", Plain::Null) => Ok(Value::Null),
        _ => Err(TagFault::Mismatch),
    }
}

/// Decodes padded base64 of UTF-8 text; line breaks are skipped.
fn binary(text: &str) -> Option<String> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'\n' | b'\r'))
        .collect();
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    let groups = digits.chunks(4);
    let last = groups.len().checked_sub(1);
    for (index, group) in groups.enumerate() {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if group.len() != 4 || padding > 2 || (padding > 0 && Some(index) != last) {
            return None;
        }
        let mut bits = 0u32;
        for byte in &group[..4 - padding] {
            bits = bits << 6 | sextet(*byte)?;
        }
        bits <<= 6 * padding;
        bytes.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    String::from_utf8(bytes).ok()
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_as_go_does() {
        for (text, expect) in [
            ("", Some("")),
            ("YQ==", Some("a")),
            ("YWI=", Some("ab")),
            ("YWJj", Some("abc")),
            ("YWJj\nw6n8\r\n", None),
            ("YWJj\nw6kg\r\nCg==\n", Some("abcé \n")),
            ("Y", None),
            ("YQ", None),
            ("YQ=", None),
            ("Y===", None),
            ("====", None),
            ("YQ==YQ==", None),
            ("Y Q=", None),
            ("Y_-=", None),
            ("//8=", None),
        ] {
            assert_eq!(binary(text).as_deref(), expect, "{text:?}");
        }
    }

    #[test]
    fn a_tag_asks_for_its_type() {
        for (tag, text, expect) in [
            ("str", "0644", Ok(Value::from("0644"))),
            ("int", "0644", Ok(Value::from(420))),
            ("int", "1.0", Err(TagFault::Mismatch)),
            ("float", "1", Ok(Value::from(1.0))),
            ("float", ".inf", Err(TagFault::NonFinite)),
            ("float", "x", Err(TagFault::Mismatch)),
            ("bool", "True", Ok(Value::from(true))),
            ("bool", "yes", Err(TagFault::Mismatch)),
            ("null", "", Ok(Value::Null)),
            ("null", "x", Err(TagFault::Mismatch)),
            ("set", "", Err(TagFault::Unknown)),
        ] {
            assert_eq!(resolve_tagged(tag, text), expect, "!!{tag} {text:?}");
        }
    }
}
