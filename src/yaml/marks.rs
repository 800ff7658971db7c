//! Where the values of a document stand in its text.
//!
//! Takes JSON pointers and gives byte ranges; knows nothing of the values.

use std::collections::HashMap;
use std::ops::Range;

/// The places of a document's values and keys, by JSON pointer (RFC 6901).
///
/// Empty unless marks were asked for. What an alias or a merge key brought in is marked as a whole, at the alias.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    values: HashMap<String, Range<usize>>,
    keys: HashMap<String, Range<usize>>,
}

impl Marks {
    /// Returns the byte range of the value at a pointer; empty for a value that is left out.
    pub fn value(&self, pointer: &str) -> Option<Range<usize>> {
        self.values.get(pointer).cloned()
    }

    /// Returns the byte range of the key of the value at a pointer.
    pub fn key(&self, pointer: &str) -> Option<Range<usize>> {
        self.keys.get(pointer).cloned()
    }

    /// Returns the byte range of the value at a pointer, or of the nearest value around it that is known.
    pub fn nearest(&self, pointer: &str) -> Option<Range<usize>> {
        let mut pointer = pointer;
        loop {
            if let Some(range) = self.value(pointer) {
                return Some(range);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }

    pub(crate) fn set_value(&mut self, pointer: &str, range: Range<usize>) {
        self.values.insert(pointer.to_owned(), range);
    }

    pub(crate) fn set_key(&mut self, pointer: &str, range: Range<usize>) {
        self.keys.insert(pointer.to_owned(), range);
    }
}

/// Appends one reference token to a JSON pointer.
pub(crate) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for c in token.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}
