//! Writes values so that every reader of a cluster reads them back unchanged.
//!
//! Takes values and appends block-style YAML to a string; knows nothing of files and of what the values mean.
//! Source: go-yaml v2 and v3 as in kubectl 1.32 and kustomize v5.5.0, observed; section 3 of the project's facts on YAML.

use super::characters::is_escaped;
use serde_json::{Number, Value};
use std::fmt::Write;
use std::ops::Range;

/// Longest plain scalar, in bytes.
const LONGEST_PLAIN: usize = 200;

/// Longest key, in bytes, that is written without `? `; go-yaml refuses such keys over 1,024 characters, escapes included.
const LONGEST_SIMPLE_KEY: usize = 100;

/// Appends one document in block style, indented by two spaces, with a line feed at its end.
///
/// Keys come in the order of the map. Text of several lines becomes a literal block where that is safe.
pub fn emit(value: &Value, out: &mut String) {
    document(value, out, &mut |_, _, _| {});
}

/// A string of a document, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Bytes of the output that are the string, its indicators and its line feed included.
    pub range: Range<usize>,
    /// Indentation that [`emit_leaf`] needs to write another string in its place.
    pub indent: usize,
}

/// Does what [`emit`] does and reports each string that is a value, but no keys.
pub fn emit_reporting(value: &Value, out: &mut String, report: &mut impl FnMut(&str, Leaf)) {
    document(value, out, &mut |text, range, indent| {
        report(text, Leaf { range, indent })
    });
}

/// Appends a string as [`emit`] would where a [`Leaf`] stands.
pub fn emit_leaf(text: &str, indent: usize, out: &mut String) {
    if is_literal(text) {
        literal(text, indent + 2, out);
    } else {
        inline(text, out);
        out.push('\n');
    }
}

/// Appends several documents with `---` between them.
pub fn emit_documents<'a>(values: impl IntoIterator<Item = &'a Value>, out: &mut String) {
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        emit(value, out);
    }
}

/// Hears of each string that is a value: its text, where it was written, its indentation.
trait Report: FnMut(&str, Range<usize>, usize) {}

impl<F: FnMut(&str, Range<usize>, usize)> Report for F {}

fn document(value: &Value, out: &mut String, report: &mut impl Report) {
    match value {
        Value::Object(map) if !map.is_empty() => block_map(map, 0, out, report),
        Value::Array(list) if !list.is_empty() => block_list(list, 0, out, report),
        scalar => leaf(scalar, 0, out, report),
    }
}

/// Appends a mapping whose first key goes to the current position and the others to new lines.
fn block_map(
    map: &serde_json::Map<String, Value>,
    indent: usize,
    out: &mut String,
    report: &mut impl Report,
) {
    for (index, (key, value)) in map.iter().enumerate() {
        if index > 0 {
            spaces(indent, out);
        }
        if key.len() > LONGEST_SIMPLE_KEY {
            out.push_str("? ");
            inline(key, out);
            out.push('\n');
            spaces(indent, out);
            out.push_str(": ");
            nested(value, indent, out, report);
            continue;
        }
        inline(key, out);
        out.push(':');
        match value {
            Value::Object(below) if !below.is_empty() => {
                out.push('\n');
                spaces(indent + 2, out);
                block_map(below, indent + 2, out, report);
            }
            Value::Array(below) if !below.is_empty() => {
                out.push('\n');
                spaces(indent, out);
                block_list(below, indent, out, report);
            }
            scalar => {
                out.push(' ');
                leaf(scalar, indent, out, report);
            }
        }
    }
}

/// Appends a list whose first dash goes to the current position and the others to new lines.
fn block_list(list: &[Value], indent: usize, out: &mut String, report: &mut impl Report) {
    for (index, value) in list.iter().enumerate() {
        if index > 0 {
            spaces(indent, out);
        }
        out.push_str("- ");
        nested(value, indent, out, report);
    }
}

/// Appends a value after an indicator of two characters (`- `, `: `) that stands at the given indentation.
fn nested(value: &Value, indent: usize, out: &mut String, report: &mut impl Report) {
    match value {
        Value::Object(below) if !below.is_empty() => block_map(below, indent + 2, out, report),
        Value::Array(below) if !below.is_empty() => block_list(below, indent + 2, out, report),
        scalar => leaf(scalar, indent, out, report),
    }
}

/// Appends a scalar or an empty collection, and the line feed after it.
fn leaf(value: &Value, indent: usize, out: &mut String, report: &mut impl Report) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => self::number(number, out),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
        Value::String(text) => {
            let start = out.len();
            emit_leaf(text, indent, out);
            report(text, start..out.len(), indent);
            return;
        }
    }
    out.push('\n');
}

fn spaces(count: usize, out: &mut String) {
    const BLANK: &str = "                                                                ";
    let mut left = count;
    while left > BLANK.len() {
        out.push_str(BLANK);
        left -= BLANK.len();
    }
    out.push_str(&BLANK[..left]);
}

fn number(number: &Number, out: &mut String) {
    if let Some(positive) = number.as_u64() {
        decimal(positive, out);
    } else if let Some(negative) = number.as_i64() {
        out.push('-');
        decimal(negative.unsigned_abs(), out);
    } else {
        // Has a point or an exponent, so it is read as a number with a fraction again. Writing to a string does not fail.
        let _ = write!(out, "{number}");
    }
}

fn decimal(mut number: u64, out: &mut String) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(&digits[at..]).expect("digits are ASCII"));
}

/// Appends a string on one line, plain where it is safe.
fn inline(text: &str, out: &mut String) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        quoted(text, out);
    }
}

/// What the writer has to know of a byte.
const PLAIN: u8 = 1;
/// The byte can start a plain scalar.
const PLAIN_FIRST: u8 = 2;
/// The byte, or the character that it begins, may need an escape in double quotes.
const ESCAPE: u8 = 4;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'/' => PLAIN | PLAIN_FIRST,
            b'0'..=b'9' | b'_' | b'.' | b' ' | b'-' => PLAIN,
            0..0x20 | b'"' | b'\\' | 0x7F => ESCAPE,
            // First bytes of the characters that `is_escaped` knows.
            0xC2 | 0xE2 | 0xEE | 0xEF | 0xF0..=0xF4 => ESCAPE,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

/// Tells whether a string can stand without quotes and be a string for every reader.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    class(*first) & PLAIN_FIRST != 0
        && *last != b' '
        && bytes.len() < LONGEST_PLAIN
        && bytes.iter().all(|byte| class(*byte) & PLAIN != 0)
        && !is_word(bytes)
}

/// Tells whether some reader takes the text for something other than a string.
fn is_word(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 11] = [
        b"y", b"n", b"yes", b"no", b"on", b"off", b"true", b"false", b"null", b"nan", b"inf",
    ];
    text.len() <= 5 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Appends a string in double quotes.
fn quoted(text: &str, out: &mut String) {
    out.push('"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        if class(bytes[at]) & ESCAPE == 0 {
            at += 1;
            continue;
        }
        let Some(c) = text[at..].chars().next() else {
            break;
        };
        let after = at + c.len_utf8();
        if c.is_ascii() || is_escaped(c) {
            out.push_str(&text[copied..at]);
            escape(c, out);
            copied = after;
        }
        at = after;
    }
    out.push_str(&text[copied..]);
    out.push('"');
}

/// Appends the escape of one character; never a pair of surrogates, which go-yaml refuses.
fn escape(c: char, out: &mut String) {
    let (letter, width) = match c {
        '"' => return out.push_str("\\\""),
        '\\' => return out.push_str("\\\\"),
        '\n' => return out.push_str("\\n"),
        '\t' => return out.push_str("\\t"),
        '\r' => return out.push_str("\\r"),
        '\0'..='\u{FF}' => ('x', 2),
        '\u{100}'..='\u{FFFF}' => ('u', 4),
        _ => ('U', 8),
    };
    out.push('\\');
    out.push(letter);
    for place in (0..width).rev() {
        let digit = (c as u32 >> (4 * place)) & 0xF;
        out.push(
            char::from_digit(digit, 16)
                .expect("four bits are a hexadecimal digit")
                .to_ascii_uppercase(),
        );
    }
}

/// Tells whether a string of several lines can be written as a literal block.
///
/// Stricter than YAML: its first line that is not empty starts with neither space nor tab, no line consists of blanks only,
/// and no character needs an escape. So no reader guesses another indentation.
fn is_literal(text: &str) -> bool {
    if !text.contains('\n') {
        return false;
    }
    let mut begun = false;
    for line in text.split('\n') {
        let bytes = line.as_bytes();
        let Some(first) = bytes.first() else {
            continue;
        };
        if !begun && matches!(first, b' ' | b'\t') {
            return false;
        }
        begun = true;
        if bytes.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return false;
        }
        let ascii_control = |byte: u8| (byte < 0x20 && byte != b'\t') || byte == 0x7F;
        if bytes.iter().any(|byte| ascii_control(*byte))
            || (!line.is_ascii() && line.chars().any(is_escaped))
        {
            return false;
        }
    }
    begun
}

/// Appends a literal block whose lines are indented by the given number of spaces.
fn literal(text: &str, indent: usize, out: &mut String) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => "|-\n",
        1 => "|\n",
        _ => "|+\n",
    });
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            spaces(indent, out);
            out.push_str(line);
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests;
