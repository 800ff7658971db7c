//! What YAML 1.1 makes of plain values, read from the text itself: no loader of ours is involved.
//!
//! Source: the types `bool`, `int`, `float`, `null`, `merge`, `timestamp` and `value` of the YAML 1.1 type repository.

/// Returns the plain values of manifests in block style, each with the number of its line; block scalars are passed over.
pub(crate) fn plain_values(text: &str) -> Vec<(usize, &str)> {
    let mut values = Vec::new();
    // Indentation of the line that a block scalar belongs to.
    let mut block: Option<usize> = None;
    for (index, line) in text.lines().enumerate() {
        let mut rest = line.trim_start_matches(' ');
        let mut indent = line.len() - rest.len();
        if let Some(above) = block {
            if rest.is_empty() || indent > above {
                continue;
            }
            block = None;
        }
        if rest.is_empty() || rest.starts_with('#') || rest == "---" {
            continue;
        }
        while let Some(below) = rest.strip_prefix("- ") {
            indent += 2;
            rest = below;
        }
        let (key, value) = match entry(rest) {
            Some((key, value)) => (Some(key), value),
            None => (None, rest),
        };
        if value.starts_with(['|', '>']) {
            // The content of an item of a list is deeper than its dash.
            block = Some(if key.is_some() { indent } else { indent - 2 });
        }
        let value = Some(value).filter(|_| block.is_none());
        for plain in key.into_iter().chain(value) {
            if !(plain.is_empty() || plain.starts_with(['"', '\'', '{', '['])) {
                values.push((index + 1, plain));
            }
        }
    }
    values
}

/// Splits `key: value`.
fn entry(text: &str) -> Option<(&str, &str)> {
    let end = match text.strip_prefix('"') {
        Some(rest) => rest.find("\":").map(|at| at + 2)?,
        None => text.find(": ").or(text.strip_suffix(':').map(str::len))?,
    };
    let (key, value) = text.split_at(end);
    let value = value.strip_prefix(':')?;
    Some((key, value.trim_start_matches(' ')))
}

/// Tells whether a plain value is text to one reader and something else to another.
///
/// `true`, `false`, and decimal numbers without a leading zero are the same to all.
pub(crate) fn is_text_to_some(plain: &str) -> bool {
    let same_to_all = matches!(plain, "true" | "false") || is_decimal(plain);
    !same_to_all && is_special(plain)
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

fn is_special(text: &str) -> bool {
    let words = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<", ".inf",
        "+.inf", "-.inf", ".nan",
    ];
    let lower = text.to_ascii_lowercase();
    if words.contains(&lower.as_str()) {
        return true;
    }
    let number = lower.strip_prefix(['+', '-']).unwrap_or(&lower);
    let Some(first) = number.bytes().next() else {
        return text.is_empty();
    };
    if !(first.is_ascii_digit() || first == b'.') {
        return false;
    }
    let all = |allowed: &str| number.chars().all(|c| allowed.contains(c));
    let has_digit = number.bytes().any(|byte| byte.is_ascii_digit());
    let hexadecimal = number.strip_prefix("0x").is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_hexdigit() || c == '_')
    });
    let binary = number.starts_with("0b") && all("01b_");
    let octal = number.starts_with("0o") && all("01234567o_");
    // Integers, octal ones, sexagesimal ones, and floats, with an exponent or not.
    let exponent = number.split_once('e').is_none_or(|(_, power)| {
        let power = power.strip_prefix(['+', '-']).unwrap_or(power);
        !power.is_empty() && power.bytes().all(|byte| byte.is_ascii_digit())
    });
    let numeric = has_digit
        && exponent
        && number.matches('e').count() <= 1
        && number.matches('.').count() <= 1
        && all("0123456789_.:e+-")
        && !number
            .split_once('e')
            .map_or(number, |(mantissa, _)| mantissa)
            .contains(['+', '-']);
    // A date, with or without a time.
    let date = number.split(['t', ' ']).next().is_some_and(|date| {
        let parts: Vec<&str> = date.split('-').collect();
        parts.len() == 3
            && parts[0].len() == 4
            && parts
                .iter()
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    hexadecimal || binary || octal || numeric || date
}

#[test]
fn what_readers_disagree_about() {
    for text in [
        "no",
        "Off",
        "y",
        "~",
        "=",
        "<<",
        "0755",
        "0o17",
        "0x1F",
        "1_000",
        "1e3",
        "1e+3",
        "12:30",
        "1:30:00",
        ".5",
        "5.",
        ".inf",
        "2026-11-22",
        "2026-11-22T10:00:00Z",
        "+1",
        "null",
        "TRUE",
    ] {
        assert!(is_text_to_some(text), "{text}");
    }
    for text in [
        "true",
        "0",
        "-1",
        "10",
        "1.5",
        "12-30",
        "v1",
        "10Gi",
        "nope",
        "1.2.3",
        "10.0.0.1/32",
        "0a",
        "e3",
        "a:b",
        "-",
        "3d",
    ] {
        assert!(!is_text_to_some(text), "{text}");
    }
}

#[test]
fn plain_values_of_a_text() {
    let text = "# x: y\na: b\nc:\n- d: \"e\"\n  f: |\n    no: on\n  g: 1\n- |-\n  off\n- h\n\"0:\": i\n---\nj: {}\n";
    let values: Vec<&str> = plain_values(text)
        .into_iter()
        .map(|(_, plain)| plain)
        .collect();
    assert_eq!(values, ["a", "b", "c", "d", "f", "g", "1", "h", "i", "j"]);
}
