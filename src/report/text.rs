//! Makes text from outside harmless to print: a value of `projects.yaml` must not steer a terminal.

use std::fmt::Write as _;

/// Tells whether a character moves the cursor, changes colours or reverses what is read.
///
/// Source: C0, DEL and C1 of ECMA-48; the bidirectional controls of Unicode TR36 §2.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{2028}' | '\u{2029}'
            | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Returns the text with all controls escaped as Rust does, line breaks included.
pub(super) fn on_one_line(text: &str) -> String {
    escape(text, |_| false)
}

/// Returns the text with all controls but line feeds escaped.
pub(super) fn on_lines(text: &str) -> String {
    escape(text, |character| character == '\n')
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_control(character) && !keep(character) {
            let _infallible = write!(escaped, "{}", character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Returns a line of source text with each control replaced by something visible of as many bytes,
/// so that places in it stay right; tabs stay, because the drawing expands them.
pub(super) fn in_place(line: &str) -> String {
    line.chars()
        .map(
            |character| match (is_control(character), character.len_utf8()) {
                _ if character == '\t' => '\t',
                (false, _) => character,
                (true, 1) => '?',
                (true, 2) => '\u{B7}',
                (true, _) => '\u{FFFD}',
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_become_visible() {
        assert_eq!(
            on_one_line("a\u{1b}[31m\nb\u{202e}é"),
            "a\\u{1b}[31m\\nb\\u{202e}é"
        );
        assert_eq!(on_lines("a\nb\r"), "a\nb\\r");
    }

    #[test]
    fn replacing_in_place_keeps_every_offset() {
        let line = "\ta\u{1b}b\u{85}c\u{2066}dé";
        let replaced = in_place(line);
        assert_eq!(replaced, "\ta?b\u{B7}c\u{FFFD}dé");
        assert_eq!(replaced.len(), line.len());
    }
}
