//! Changes one key of a YAML file that people edit.

use std::fmt::Write as _;

use serde_json::Value;

use crate::yaml;

/// Replaces a top-level key of a YAML text with its whole value; everything else stays, comments included.
pub(super) fn with_block(text: &str, key: &str, value: &Value) -> String {
    let mut block = String::new();
    let map: serde_json::Map<String, Value> =
        [(key.to_owned(), value.clone())].into_iter().collect();
    yaml::emit(&Value::Object(map), &mut block);
    let starts = |line: &str| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with(':'))
    };
    let continues = |line: &str| {
        line.starts_with([' ', '\t']) || line.starts_with("- ") || line.trim_end() == "-"
    };
    let mut out = String::new();
    let mut inside = false;
    let mut replaced = false;
    for line in text.split_inclusive('\n') {
        if starts(line) {
            inside = true;
            replaced = true;
            out.push_str(&block);
        } else if !(inside && continues(line)) {
            inside = false;
            out.push_str(line);
        }
    }
    if !replaced {
        let _ = write!(out, "{block}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_block_is_replaced() {
        let text = "# top\nname: a\nimages:\n  b: c\n  # gone\n\n# stays\nfiles:\n- x\nlast: 1\n";
        let check = |key: &str, value: Value, expect: &str| {
            assert_eq!(with_block(text, key, &value), expect, "{key}");
        };
        check(
            "images",
            json!({"n": "m"}),
            "# top\nname: a\nimages:\n  n: m\n\n# stays\nfiles:\n- x\nlast: 1\n",
        );
        check(
            "files",
            json!(["z"]),
            "# top\nname: a\nimages:\n  b: c\n  # gone\n\n# stays\nfiles:\n- z\nlast: 1\n",
        );
        check(
            "new",
            json!({}),
            "# top\nname: a\nimages:\n  b: c\n  # gone\n\n# stays\nfiles:\n- x\nlast: 1\nnew: {}\n",
        );
    }
}
