//! Cuts the few lines that a diagnostic is about out of their files.
//!
//! The drawing library gets these excerpts instead of whole files: so controls are made visible, a line of a
//! megabyte is shown as a window, a place that spans a thousand lines is drawn at its first one, and the cost of a
//! diagnostic does not depend on the size of its file.

use std::collections::BTreeMap;
use std::ops::Range;

use codespan_reporting::diagnostic::{Label, LabelStyle};
use codespan_reporting::files::{Error, Files};

use super::text;
use crate::source::{FileId, Sources, Span};

/// Bytes of a line that are shown at most.
const WINDOW: usize = 160;
/// Bytes that are shown before the first place of a line that does not fit.
const BEFORE: usize = 40;

/// The lines that one diagnostic shows, by file.
pub(super) struct Excerpts {
    files: Vec<Excerpt>,
}

/// Lines of one file, in their order, and what they are called there.
struct Excerpt {
    name: String,
    text: String,
    lines: Vec<Line>,
}

/// One line of an excerpt.
struct Line {
    /// Its number in the file.
    number: usize,
    /// The column in the file of the first character that is shown.
    column: usize,
    /// Where it lies in the text of the excerpt, line break included.
    range: Range<usize>,
}

/// A place to draw and the words for it.
pub(super) struct Mark<'a> {
    pub(super) style: LabelStyle,
    pub(super) span: Span,
    pub(super) words: &'a str,
}

impl Excerpts {
    /// Returns the excerpts that hold all marks, and the marks as places in the excerpts.
    pub(super) fn new(marks: &[Mark<'_>], sources: &Sources) -> (Self, Vec<Label<usize>>) {
        let mut order: Vec<FileId> = Vec::new();
        for mark in marks {
            if !order.contains(&mark.span.file) {
                order.push(mark.span.file);
            }
        }
        let mut files = Vec::new();
        let mut labels = Vec::new();
        for (index, file) in order.into_iter().enumerate() {
            let marks = marks.iter().filter(|mark| mark.span.file == file);
            let mut by_line: BTreeMap<usize, Vec<&Mark<'_>>> = BTreeMap::new();
            for mark in marks {
                let (line, _) = sources.line_column(file, mark.span.start);
                by_line.entry(line).or_default().push(mark);
            }
            let mut excerpt = Excerpt {
                name: text::on_one_line(&sources.get(file).path),
                text: String::new(),
                lines: Vec::new(),
            };
            for (number, marks) in by_line {
                excerpt.add_line(number, file, &marks, sources, |mark, range| {
                    labels.push(
                        Label::new(mark.style, index, range)
                            .with_message(text::on_one_line(mark.words)),
                    );
                });
            }
            files.push(excerpt);
        }
        (Excerpts { files }, labels)
    }
}

impl Excerpt {
    fn add_line(
        &mut self,
        number: usize,
        file: FileId,
        marks: &[&Mark<'_>],
        sources: &Sources,
        mut place: impl FnMut(&Mark<'_>, Range<usize>),
    ) {
        if self
            .lines
            .last()
            .is_some_and(|last| last.number + 1 < number)
        {
            // The drawing library takes two lines that are not shown for a gap, and draws it.
            self.push_line(0, 1, "");
            self.push_line(0, 1, "");
        }
        let source = &sources.get(file).text;
        let line = sources.line_range(file, number);
        let first = marks.iter().map(|mark| mark.span.start).min();
        let shown = window(source, &line, first.unwrap_or(line.start));

        let mut drawn = String::new();
        let (_, mut column) = sources.line_column(file, shown.start);
        if shown.start > line.start {
            drawn.push('…');
            column -= 1;
        }
        let indent = drawn.len();
        drawn.push_str(&text::in_place(&source[shown.clone()]));
        if shown.end < line.end {
            drawn.push('…');
        }
        let start = self.push_line(number, column, &drawn);

        let clip = |offset: usize| {
            let offset = source
                .floor_char_boundary(offset)
                .clamp(shown.start, shown.end);
            start + indent + offset - shown.start
        };
        for mark in marks {
            let range = clip(mark.span.start)..clip(mark.span.end.max(mark.span.start));
            place(mark, range);
        }
    }

    fn push_line(&mut self, number: usize, column: usize, line: &str) -> usize {
        let start = self.text.len();
        self.text.push_str(line);
        self.text.push('\n');
        self.lines.push(Line {
            number,
            column,
            range: start..self.text.len(),
        });
        start
    }
}

/// Returns the part of a line to show, so that `first` is in it.
fn window(source: &str, line: &Range<usize>, first: usize) -> Range<usize> {
    if line.len() <= WINDOW {
        return line.clone();
    }
    let start = first
        .saturating_sub(BEFORE)
        .clamp(line.start, line.end - WINDOW);
    source.floor_char_boundary(start)..source.floor_char_boundary(start + WINDOW)
}

impl<'a> Files<'a> for Excerpts {
    type FileId = usize;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: usize) -> Result<&'a str, Error> {
        Ok(&self.file(id)?.name)
    }

    fn source(&'a self, id: usize) -> Result<&'a str, Error> {
        Ok(&self.file(id)?.text)
    }

    fn line_index(&'a self, id: usize, byte_index: usize) -> Result<usize, Error> {
        let lines = &self.file(id)?.lines;
        Ok(lines
            .partition_point(|line| line.range.start <= byte_index)
            .saturating_sub(1))
    }

    fn line_number(&'a self, id: usize, line_index: usize) -> Result<usize, Error> {
        Ok(self.line(id, line_index)?.number)
    }

    fn column_number(
        &'a self,
        id: usize,
        line_index: usize,
        byte_index: usize,
    ) -> Result<usize, Error> {
        let line = self.line(id, line_index)?;
        let before = &self.file(id)?.text[line.range.start..byte_index.min(line.range.end)];
        Ok(line.column + before.chars().count())
    }

    fn line_range(&'a self, id: usize, line_index: usize) -> Result<Range<usize>, Error> {
        Ok(self.line(id, line_index)?.range.clone())
    }
}

impl Excerpts {
    fn file(&self, id: usize) -> Result<&Excerpt, Error> {
        self.files.get(id).ok_or(Error::FileMissing)
    }

    fn line(&self, id: usize, index: usize) -> Result<&Line, Error> {
        let lines = &self.file(id)?.lines;
        lines.get(index).ok_or(Error::LineTooLarge {
            given: index,
            max: lines.len(),
        })
    }
}
