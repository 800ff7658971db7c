//! Values, names and counts as people read them.

use std::fmt::Write as _;

use serde_json::Value;

/// Returns a value on one line of at most `limit` characters: a plain string as it is, anything else as JSON.
///
/// Control characters are escaped, so that nothing in a value can move the cursor.
pub(crate) fn value(value: &Value, limit: usize) -> String {
    let text = match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    };
    shorten(&text, limit)
}

/// Tells whether a string can stand without quotes: as a word that could not be taken for anything else.
fn is_plain(text: &str) -> bool {
    let first_and_last = [text.chars().next(), text.chars().next_back()];
    !text.is_empty()
        && first_and_last.iter().flatten().all(|c| !c.is_whitespace())
        && !text.chars().any(char::is_control)
        && !text.starts_with(['"', '{', '['])
        && serde_json::from_str::<Value>(text).is_err()
}

/// Returns at most `limit` characters of a text on one line, the last one `…` when there are more.
pub(super) fn shorten(text: &str, limit: usize) -> String {
    let mut short = String::new();
    for (count, c) in text.chars().enumerate() {
        if count + 1 == limit && text.chars().nth(limit).is_some() {
            short.push('…');
            return short;
        }
        if c.is_control() || turns_text(c) {
            let _infallible = write!(short, "{}", c.escape_default());
        } else {
            short.push(c);
        }
    }
    short
}

/// Tells whether a character makes a terminal or browser write what follows in another direction.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns `1 project` or `3 projects`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Returns the first names and how many there are besides: `a, b and 3 more`.
pub(crate) fn some(names: &[String], most: usize) -> String {
    if names.len() <= most {
        return names.join(", ");
    }
    let shown = most.max(1);
    format!(
        "{} and {} more",
        names[..shown].join(", "),
        names.len() - shown
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values() {
        for (given, expect) in [
            (json!("plain"), "plain"),
            (json!("two words"), "two words"),
            (json!(""), "\"\""),
            (json!("1"), "\"1\""),
            (json!(1), "1"),
            (json!("true"), "\"true\""),
            (json!(" a"), "\" a\""),
            (json!("a\nb"), "\"a\\nb\""),
            (json!("\u{1b}[31m"), "\"\\u001b[31m\""),
            (json!({"a": [1, "x"]}), "{\"a\":[1,\"x\"]}"),
            (json!("a\u{202e}b"), "a\\u{202e}b"),
        ] {
            assert_eq!(value(&given, 20), expect, "{given}");
        }
        assert_eq!(value(&json!("abcdefghijk"), 10), "abcdefghi…");
        assert_eq!(value(&json!("abcdefghij"), 10), "abcdefghij");
    }

    #[test]
    fn lists_of_names() {
        let names = |count: usize| -> Vec<String> { (0..count).map(|n| n.to_string()).collect() };
        assert_eq!(some(&names(3), 3), "0, 1, 2");
        assert_eq!(some(&names(5), 3), "0, 1, 2 and 2 more");
        assert_eq!(some(&names(2), 0), "0 and 1 more");
    }
}
