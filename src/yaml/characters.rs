//! Which characters a manifest may hold, and in what form.
//!
//! Takes text and single characters; knows nothing of YAML's structure.

/// Tells whether every reader of a cluster takes the text over unchanged, and returns the first offending character otherwise.
///
/// kustomize writes some characters as they are into places where it, or the next reader, cannot read them:
/// DEL, U+0080 to U+009F, U+FFFE and U+FFFF make its own output invalid,
/// and text that ends with the line separators U+2028 or U+2029 can swallow the `---` after it, and with that the next object.
/// Source: observed with kustomize v5.5.0; go-yaml's printable set.
pub fn check_representable(text: &str) -> Result<(), char> {
    if text.is_ascii() && !text.as_bytes().contains(&0x7F) {
        return Ok(());
    }
    match text.chars().find(|c| is_lost(*c)) {
        Some(c) => Err(c),
        None => Ok(()),
    }
}

/// Why kustomize cannot carry a key of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// The key holds a character that [`check_representable`] refuses.
    Character(char),
    /// The key is `<<`, which kustomize takes for a merge key even in quotes, and drops.
    Merge,
    /// The key is so long that kustomize cannot read its own JSON.
    TooLong,
}

/// Tells whether every reader of a cluster takes the key of a mapping over unchanged.
///
/// Source: observed with kustomize v5.5.0, which goes through JSON and reads that with go-yaml's limit of 1,024 characters.
pub fn check_representable_key(key: &str) -> Result<(), KeyFault> {
    const LONGEST: usize = 1_000;
    if key == "<<" {
        return Err(KeyFault::Merge);
    }
    if let Err(c) = check_representable(key) {
        return Err(KeyFault::Character(c));
    }
    // Go's JSON escapes a character with at most six.
    let width = |c| match c {
        '\0'..='\u{1F}' | '<' | '>' | '&' => 6,
        '"' | '\\' => 2,
        _ => 1,
    };
    if key.len() > LONGEST / 6 && key.chars().map(width).sum::<usize>() > LONGEST {
        return Err(KeyFault::TooLong);
    }
    Ok(())
}

/// Tells whether kustomize can damage text that holds the character, however it is escaped.
fn is_lost(c: char) -> bool {
    matches!(
        c,
        '\u{7F}'..='\u{9F}' | '\u{2028}' | '\u{2029}' | '\u{FFFE}' | '\u{FFFF}'
    )
}

/// Returns the byte offset of the first character that may not stand in a file as it is, and that character.
///
/// Refused are control characters other than tab, line feed and carriage return, which YAML forbids;
/// and the line separators U+0085, U+2028 and U+2029, which end a line, and even a comment, for go-yaml but not for YAML 1.2.
pub(crate) fn find_forbidden(text: &str) -> Option<(usize, char)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let suspicious = match byte {
            b'\t' | b'\n' | b'\r' => false,
            0..0x20 | 0x7F => true,
            // First bytes of U+0080 to U+00BF, of U+2000 to U+2FFF, and of U+F000 to U+FFFF.
            0xC2 | 0xE2 | 0xEF => true,
            _ => false,
        };
        if suspicious
            && let Some(c) = text[at..].chars().next()
            && is_forbidden(c)
        {
            return Some((at, c));
        }
        at += 1;
    }
    None
}

fn is_forbidden(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{2028}' | '\u{2029}' | '\u{FFFE}' | '\u{FFFF}'
    )
}

/// Tells whether a character beyond ASCII is written as an escape.
///
/// These are the ones that a reader refuses or takes for a line break, and the ones that a person cannot see:
/// control characters, line separators, direction and zero-width marks, private use and non-characters.
pub(crate) fn is_escaped(c: char) -> bool {
    matches!(
        c,
        '\u{7F}'..='\u{9F}'
            | '\u{AD}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{E000}'..='\u{F8FF}'
            | '\u{FDD0}'..='\u{FDEF}'
            | '\u{FEFF}'
            | '\u{FFF0}'..='\u{FFFF}'
            | '\u{E0000}'..='\u{10FFFF}'
    ) || (c as u32) & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_kustomize_cannot_carry() {
        for text in [
            "",
            "a\n\t\r\0\u{1b}",
            "é日本😀",
            "\u{a0}\u{feff}\u{e000}\u{fdd0}\u{fffd}\u{10ffff}",
            "<<",
        ] {
            assert_eq!(check_representable(text), Ok(()), "{text:?}");
        }
        for c in [
            '\u{7f}', '\u{80}', '\u{85}', '\u{9f}', '\u{2028}', '\u{2029}', '\u{fffe}', '\u{ffff}',
        ] {
            assert_eq!(check_representable(&format!("é{c}\u{7f}")), Err(c));
            assert_eq!(
                check_representable_key(&format!("{c}")),
                Err(KeyFault::Character(c))
            );
        }
    }

    #[test]
    fn keys_that_kustomize_cannot_carry() {
        assert_eq!(check_representable_key("<<"), Err(KeyFault::Merge));
        assert_eq!(check_representable_key("<"), Ok(()));
        assert_eq!(check_representable_key("<<<"), Ok(()));
        assert_eq!(check_representable_key(&"é".repeat(1_000)), Ok(()));
        assert_eq!(
            check_representable_key(&"é".repeat(1_001)),
            Err(KeyFault::TooLong)
        );
        assert_eq!(
            check_representable_key(&"&".repeat(167)),
            Err(KeyFault::TooLong)
        );
        assert_eq!(
            check_representable_key(&"\"".repeat(501)),
            Err(KeyFault::TooLong)
        );
    }

    #[test]
    fn characters_that_may_not_stand_in_a_file() {
        for text in [
            "",
            "a\tb\r\n",
            "é…€\u{a0}日本😀",
            "\u{feff}\u{e000}\u{fffd}",
        ] {
            assert_eq!(find_forbidden(text), None, "{text:?}");
        }
        for c in [
            '\0', '\u{8}', '\u{b}', '\u{c}', '\u{e}', '\u{1f}', '\u{7f}', '\u{80}', '\u{85}',
            '\u{9f}', '\u{2028}', '\u{2029}', '\u{fffe}', '\u{ffff}',
        ] {
            assert_eq!(find_forbidden(&format!("é…\u{a0}{c}\0")), Some((7, c)));
        }
    }
}
