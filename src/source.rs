//! Source files and places in them.
//!
//! Takes text that was read elsewhere and gives every diagnostic a place to point at. Knows nothing of the file system: paths are only names to print.

use std::ops::Range;
use std::sync::OnceLock;

/// Identifies one file of a [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A half-open range of bytes in one source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file that the range lies in.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte; equal to `start` for an empty range.
    pub end: usize,
}

/// One text and the path to print for it.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Path relative to the root of the repository, with `/` as separator.
    pub path: String,
    /// The text, valid UTF-8.
    pub text: String,
}

/// All texts that diagnostics may point into, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    /// One per file, made when the first place in that file is asked for.
    tables: Vec<OnceLock<LineTable>>,
}

impl Sources {
    /// Adds a text and returns its id.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).expect("fewer than 2^32 source files"));
        self.files.push(SourceFile {
            path: path.into(),
            text: text.into(),
        });
        self.tables.push(OnceLock::new());
        id
    }

    /// Returns the file behind an id that this value handed out.
    pub fn get(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// Returns all files, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter()
    }

    /// Returns the file with this path.
    pub fn find(&self, path: &str) -> Option<FileId> {
        let index = self.files.iter().position(|file| file.path == path)?;
        u32::try_from(index).ok().map(FileId)
    }

    /// Returns the files whose paths begin with a prefix, sorted by path.
    pub fn below(&self, prefix: &str) -> Vec<FileId> {
        let numbered = self.files.iter().zip(0u32..);
        let mut found: Vec<(&str, FileId)> = numbered
            .filter(|(file, _)| file.path.starts_with(prefix))
            .map(|(file, id)| (file.path.as_str(), FileId(id)))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Returns the text of a span, empty when the span lies outside of its file.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file)
            .text
            .get(span.start..span.end)
            .unwrap_or("")
    }

    /// Returns the 1-based line and column (in characters) of a byte offset.
    ///
    /// An offset behind the end of the file counts as its end, one inside of a character as the character's start.
    pub fn line_column(&self, file: FileId, offset: usize) -> (usize, usize) {
        let text = &self.get(file).text;
        let table = self.table(file);
        let offset = text.floor_char_boundary(offset);
        let line = table.starts.partition_point(|start| *start <= offset);
        let column = table.characters_before(text, offset)
            - table.characters_before(text, table.starts[line - 1]);
        (line, column + 1)
    }

    /// Returns the byte range of a 1-based line, without its line break; of the last line when there are fewer.
    pub fn line_range(&self, file: FileId, line: usize) -> Range<usize> {
        let text = &self.get(file).text;
        let starts = &self.table(file).starts;
        let index = line.clamp(1, starts.len()) - 1;
        let start = starts[index];
        let end = starts.get(index + 1).copied().unwrap_or(text.len());
        start..start + text[start..end].trim_end_matches(['\n', '\r']).len()
    }

    fn table(&self, file: FileId) -> &LineTable {
        self.tables[file.0 as usize].get_or_init(|| LineTable::new(&self.get(file).text))
    }
}

/// What makes finding a place cheap: computed once per file, so that thousands of diagnostics cost linear time,
/// also when the whole file is one line.
#[derive(Debug, Clone)]
struct LineTable {
    /// Byte offset of each line's first byte; never empty.
    starts: Vec<usize>,
    /// Characters that start before byte `index * BLOCK`.
    marks: Vec<usize>,
}

impl LineTable {
    /// Bytes that are counted again for one place at most.
    const BLOCK: usize = 512;

    fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0)
            .chain(breaks.map(|(at, _)| at + 1))
            .collect();
        let mut marks = vec![0];
        let mut characters = 0;
        for block in text.as_bytes().chunks(Self::BLOCK) {
            characters += count_characters(block);
            marks.push(characters);
        }
        LineTable { starts, marks }
    }

    fn characters_before(&self, text: &str, offset: usize) -> usize {
        let block = offset / Self::BLOCK;
        self.marks[block] + count_characters(&text.as_bytes()[block * Self::BLOCK..offset])
    }
}

/// Counts the bytes that start a character of UTF-8.
fn count_characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xC0) != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_agree_with_counting_from_the_start() {
        let long = "ü€".repeat(700);
        for text in ["", "a", "\n", "a\nb\r\n\u{1F600}x\n\n", &long] {
            let mut sources = Sources::default();
            let file = sources.add("a.yaml", text);
            for offset in 0..text.len() + 2 {
                let before = &text[..text.floor_char_boundary(offset)];
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
                assert_eq!(
                    sources.line_column(file, offset),
                    (line, column),
                    "{text:?} {offset}"
                );
            }
        }
    }

    #[test]
    fn lines_are_without_their_breaks() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", "one\r\ntwo\n");
        for (line, expect) in [(1, "one"), (2, "two"), (3, ""), (4, "")] {
            assert_eq!(
                &sources.get(file).text[sources.line_range(file, line)],
                expect
            );
        }
    }
}
