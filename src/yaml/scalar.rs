//! What a plain scalar means.
//!
//! Takes the text of a scalar without quotes and gives what kustomize (go-yaml v3) reads; knows nothing of documents.
//! Source: kustomize v5.5.0, observed; section 2 of the project's facts on YAML.

use serde_json::Number;
use std::borrow::Cow;

/// The meaning of a plain scalar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Number(Number),
    /// A date, which readers rewrite or not.
    Date,
    /// An infinite number or not-a-number.
    NonFinite,
    /// A string, the text as it is.
    Text,
}

/// Resolves a plain scalar.
pub(crate) fn resolve(text: &str) -> Plain {
    match text.as_bytes().first() {
        None => Plain::Null,
        Some(b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F') => match text {
            "~" | "null" | "Null" | "NULL" => Plain::Null,
            "true" | "True" | "TRUE" => Plain::Bool(true),
            "false" | "False" | "FALSE" => Plain::Bool(false),
            _ => Plain::Text,
        },
        Some(b'.') => match text {
            ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN" => Plain::NonFinite,
            _ => point(text).map_or(Plain::Text, Plain::Number),
        },
        Some(b'0'..=b'9' | b'+' | b'-') => digits(text),
        Some(_) => Plain::Text,
    }
}

/// Resolves a scalar that starts with a digit or a sign.
fn digits(text: &str) -> Plain {
    if matches!(&text[1..], ".inf" | ".Inf" | ".INF") && matches!(text.as_bytes()[0], b'+' | b'-') {
        return Plain::NonFinite;
    }
    if is_timestamp(text) {
        return Plain::Date;
    }
    let plain: Cow<'_, str> = if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    };
    match integer(&plain).or_else(|| float(&plain)) {
        Some(number) => Plain::Number(number),
        None => Plain::Text,
    }
}

/// Reads an integer as Go's `strconv.ParseInt` and then `ParseUint` do with base 0, underscores already gone.
fn integer(text: &str) -> Option<Number> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        sign @ (b'+' | b'-') => (Some(*sign), &text[1..]),
        _ => (None, text),
    };
    let (radix, number) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &unsigned[2..]),
        [b'0', b'o' | b'O', ..] => (8, &unsigned[2..]),
        [b'0', b'b' | b'B', ..] => (2, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    // `from_str_radix` would take a sign of its own.
    if !number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(number, radix).ok()?;
    match sign {
        None => Some(match i64::try_from(magnitude) {
            Ok(number) => Number::from(number),
            Err(_) => Number::from(magnitude),
        }),
        Some(b'-') => 0i64.checked_sub_unsigned(magnitude).map(Number::from),
        Some(_) => i64::try_from(magnitude).ok().map(Number::from),
    }
}

/// Reads a number that starts with a point; here underscores stand between digits only.
fn point(text: &str) -> Option<Number> {
    if !text.contains('_') {
        return float(text);
    }
    let between = |window: &[u8]| {
        window[1] != b'_' || (window[0].is_ascii_digit() && window[2].is_ascii_digit())
    };
    let separated = text.as_bytes().windows(3).all(between) && !text.ends_with('_');
    if separated {
        float(&text.replace('_', ""))
    } else {
        None
    }
}

/// Reads a finite number in decimal notation.
fn float(text: &str) -> Option<Number> {
    if !is_float(text.as_bytes()) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    if !number.is_finite() {
        return None;
    }
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.abs() < EXACT && text.bytes().all(|byte| !matches!(byte, b'.' | b'e' | b'E')) {
        // Like `08`, which is no octal number and so comes here.
        return Some(Number::from(number as i64));
    }
    // Go's JSON has no negative zero.
    Number::from_f64(if number == 0.0 { 0.0 } else { number })
}

/// Matches `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_float(text: &[u8]) -> bool {
    let rest = match text {
        [b'+' | b'-', rest @ ..] => rest,
        rest => rest,
    };
    let (whole, rest) = take_digits(rest);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => take_digits(rest),
        rest => (0, rest),
    };
    if whole + fraction == 0 {
        return false;
    }
    match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', rest @ ..] | [b'e' | b'E', rest @ ..] => {
            let (exponent, rest) = take_digits(rest);
            exponent > 0 && rest.is_empty()
        }
        _ => false,
    }
}

fn take_digits(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count, &text[count..])
}

/// Tells whether go-yaml takes the text for a time: `Y-M-D`, `Y-M-D[Tt]h:m:s[.f](Z|+hh:mm)` or `Y-M-D h:m:s[.f]`.
fn is_timestamp(text: &str) -> bool {
    timestamp(text.as_bytes()).is_some()
}

fn timestamp(text: &[u8]) -> Option<()> {
    let (4, [b'-', rest @ ..]) = take_digits(text) else {
        return None;
    };
    let year = text[..4]
        .iter()
        .fold(0, |n, byte| n * 10 + u32::from(byte - b'0'));
    let (month, rest) = take_number(rest)?;
    let [b'-', rest @ ..] = rest else {
        return None;
    };
    let (day, rest) = take_number(rest)?;
    if day < 1 || day > days_in(year, month)? {
        return None;
    }
    match rest {
        [] => Some(()),
        [b' ', rest @ ..] => time(rest)?.is_empty().then_some(()),
        [b'T' | b't', rest @ ..] => zone(time(rest)?),
        _ => None,
    }
}

/// Takes a number of one or two digits.
fn take_number(text: &[u8]) -> Option<(u32, &[u8])> {
    let count = text
        .iter()
        .take(2)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if count == 0 {
        return None;
    }
    let number = text[..count]
        .iter()
        .fold(0, |n, byte| n * 10 + u32::from(byte - b'0'));
    Some((number, &text[count..]))
}

fn days_in(year: u32, month: u32) -> Option<u32> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            Some(29)
        }
        2 => Some(28),
        _ => None,
    }
}

/// Takes `h:m:s` and a fraction, and gives what follows.
fn time(text: &[u8]) -> Option<&[u8]> {
    let (hour, rest) = take_number(text)?;
    let [b':', rest @ ..] = rest else {
        return None;
    };
    let (minute, rest) = take_number(rest)?;
    let [b':', rest @ ..] = rest else {
        return None;
    };
    let (second, rest) = take_number(rest)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    match rest {
        [b'.' | b',', fraction @ ..] => match take_digits(fraction) {
            (0, _) => None,
            (_, rest) => Some(rest),
        },
        rest => Some(rest),
    }
}

fn zone(text: &[u8]) -> Option<()> {
    match text {
        b"Z" => Some(()),
        [b'+' | b'-', h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) =>
        {
            Some(())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers of kubectl and kustomize to many more scalars are in `tests/yaml/reading.json`.
    #[test]
    fn scalars_mean_what_they_mean_to_kustomize() {
        let integer = |number: i64| Plain::Number(Number::from(number));
        let fraction = |number: f64| Plain::Number(Number::from_f64(number).expect("finite"));
        for (text, expect) in [
            ("", Plain::Null),
            ("NULL", Plain::Null),
            ("True", Plain::Bool(true)),
            ("FALSE", Plain::Bool(false)),
            ("yes", Plain::Text),
            ("0644", integer(420)),
            ("0o17", integer(15)),
            ("0XfF", integer(255)),
            ("-0b11", integer(-3)),
            ("1_0", integer(10)),
            ("0008", integer(8)),
            ("-09", integer(-9)),
            ("-0", integer(0)),
            ("-9223372036854775808", integer(i64::MIN)),
            (
                "18446744073709551615",
                Plain::Number(Number::from(u64::MAX)),
            ),
            (
                "+9223372036854775808",
                fraction(9_223_372_036_854_775_808.0),
            ),
            ("1.0", fraction(1.0)),
            ("-0.0", fraction(0.0)),
            (".5", fraction(0.5)),
            ("-1.e2", fraction(-100.0)),
            ("1e400", Plain::Text),
            ("1e", Plain::Text),
            ("0x+1", Plain::Text),
            ("-", Plain::Text),
            (".inf", Plain::NonFinite),
            ("+.INF", Plain::NonFinite),
            (".NaN", Plain::NonFinite),
            ("2026-11-22", Plain::Date),
            ("2026-2-29", Plain::Text),
            ("2026-11-22t1:2:3.4-05:00", Plain::Date),
            ("12:30", Plain::Text),
            ("é", Plain::Text),
            ("１", Plain::Text),
        ] {
            assert_eq!(resolve(text), expect, "{text:?}");
        }
        assert!(matches!(resolve("-0.0"), Plain::Number(zero) if zero.to_string() == "0.0"));
    }
}
