//! Where the text of a YAML string stands in the file that the string is written in.
//!
//! Takes the file, the place of the string and its value; gives the place of any part of the value. Knows no YAML but
//! the ways to write a string.

use std::ops::Range;

/// The lines of a string: offset in the value, offset in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scalar {
    lines: Vec<(usize, usize)>,
}

impl Scalar {
    /// Finds the lines of `value` in a file; `None` for a way of writing that does not show it as it is (folded, with escapes).
    pub(super) fn find(file: &str, start: usize, value: &str) -> Option<Scalar> {
        let written = file.get(start..)?;
        if let Some(quote) = written.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let inner = &written[1..];
            let verbatim = inner.starts_with(value) && inner[value.len()..].starts_with(quote);
            return verbatim.then(|| Scalar {
                lines: vec![(0, start + 1)],
            });
        }
        if !value.contains('\n') && written.starts_with(value) {
            return Some(Scalar {
                lines: vec![(0, start)],
            });
        }
        // The header of a block, which an anchor may stand before, or the first line of the text itself.
        let header = written.lines().next().unwrap_or("");
        let is_header = header.starts_with(['|', '>', '&', '!']);
        let from = if is_header {
            start + written.find('\n')? + 1
        } else {
            file[..start].rfind('\n').map_or(0, |at| at + 1)
        };
        Self::block(file, from, value)
    }

    fn block(file: &str, from: usize, value: &str) -> Option<Scalar> {
        let mut lines = Vec::new();
        let (mut at, mut offset) = (from, 0);
        for line in value.split_inclusive('\n') {
            let text = line.trim_end_matches('\n');
            let raw = file.get(at..)?.split_inclusive('\n').next().unwrap_or("");
            let shown = raw.trim_end_matches(['\n', '\r']);
            let indent = match shown.strip_suffix(text) {
                Some(indent) if indent.bytes().all(|byte| byte == b' ') => indent.len(),
                _ => return None,
            };
            lines.push((offset, at + indent));
            offset += line.len();
            at += raw.len();
        }
        (!lines.is_empty()).then_some(Scalar { lines })
    }

    /// Returns the range in the file of a range in the value.
    pub(super) fn range(&self, range: &Range<usize>) -> Range<usize> {
        let place = |offset: usize| {
            let line = self.lines.partition_point(|(start, _)| *start <= offset);
            let (start, at) = self.lines[line.saturating_sub(1)];
            at + (offset - start.min(offset))
        };
        let start = place(range.start);
        // The end belongs to the line of the last byte.
        let end = if range.end > range.start {
            place(range.end - 1) + 1
        } else {
            start
        };
        start..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, start: &str, value: &str, part: &str, expect: Option<usize>) {
        let start = file.find(start).expect("the string is in the file");
        let at = value.find(part).expect("the part is in the value");
        let found = Scalar::find(file, start, value)
            .map(|scalar| scalar.range(&(at..at + part.len())))
            .map(|range| {
                assert_eq!(&file[range.clone()], part);
                range.start
            });
        assert_eq!(found, expect, "{file:?}");
    }

    #[test]
    fn ways_to_write_a_string() {
        check("a: |\n  b: 1\n  c: 2\n", "|", "b: 1\nc: 2\n", "c", Some(14));
        check("a: |\n  b: 1\n  c: 2\n", "b", "b: 1\nc: 2\n", "c", Some(14));
        check(
            "a: |-\r\n  b:\r\n\r\n    c\r\n",
            "|",
            "b:\n\n  c",
            "c",
            Some(19),
        );
        check("a: &x |\n  b: 1\n", "&", "b: 1\n", "1", Some(13));
        check("a: \"b: 1\"\n", "\"", "b: 1", "1", Some(7));
        check("a: 'b: 1'\n", "'", "b: 1", "1", Some(7));
        check("a: b\n", "b", "b", "b", Some(3));
        check("a: \"b:\\n c\"\n", "\"", "b:\n c", "c", None);
        check("a: >\n  b\n  c\n", ">", "b c\n", "c", None);
    }
}
