//! Changes one key of a YAML file that people edit.

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
    // Blank lines and comments after a line of the block: the block's own when more of it follows.
    let mut pending = String::new();
    for line in text.split_inclusive('\n') {
        if starts(line) {
            out.push_str(&std::mem::take(&mut pending));
            out.push_str(&block);
            inside = true;
            replaced = true;
        } else if inside && continues(line) {
            pending.clear();
        } else if inside && (line.trim().is_empty() || line.starts_with('#')) {
            pending.push_str(line);
        } else {
            out.push_str(&std::mem::take(&mut pending));
            out.push_str(line);
            inside = false;
        }
    }
    out.push_str(&pending);
    if !replaced {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&block);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_block_is_replaced() {
        let check = |text: &str, key: &str, value: Value, expect: &str| {
            assert_eq!(with_block(text, key, &value), expect, "{text}");
        };
        let text = "# top\nname: a\nimages:\n  b: c\n  # gone\n\n# stays\nfiles:\n- x\nlast: 1\n";
        check(
            text,
            "images",
            json!({"one": "m"}),
            "# top\nname: a\nimages:\n  one: m\n\n# stays\nfiles:\n- x\nlast: 1\n",
        );
        check(
            text,
            "files",
            json!(["z"]),
            "# top\nname: a\nimages:\n  b: c\n  # gone\n\n# stays\nfiles:\n- z\nlast: 1\n",
        );
        check("a: 1", "new", json!({}), "a: 1\nnew: {}\n");
        check("", "new", json!({}), "new: {}\n");
    }

    #[test]
    fn comments_inside_of_the_block_go_with_it() {
        let text = "images:\n  b: c\n# gone\n\n  d: e\n# stays\n";
        assert_eq!(
            with_block(text, "images", &json!({})),
            "images: {}\n# stays\n"
        );
    }
}
