//! The difference as a comment on a pull request.
//!
//! Hazards come first, details are folded. A comment has room for so many characters only: what does not fit is
//! counted, never dropped in silence.

use super::show::{count, shorten, some, value};
use super::{
    DemandLine, DirectoryLine, FieldChange, FieldEdit, HazardLine, Line, Overview, Part, PartEdit,
    Section, Standing, text,
};

/// Most characters of a comment.
///
/// Source: GitHub refuses a body above 65,536 characters. Bytes are counted here, of which there are at least as many.
const LIMIT: usize = 65_536;
/// Kept free for the last line and what closes a fold.
const RESERVE: usize = 400;
/// Most characters of one value.
const VALUE: usize = 120;
/// Most characters of what a hazard is about; the Deployments of a whole stack have room.
const WHAT: usize = 1000;
/// Most lines of one text.
const LINES: usize = 20;
/// Most names in a list of projects or objects.
const NAMES: usize = 5;

/// What to do about hazards that stop.
const WAY_ON: &str =
    " – undo what is not meant; what is meant, write below `acknowledge:` in `projects.yaml`.";

/// Writes everything that differs, as far as there is room; hazards come first.
pub fn write(overview: &Overview, against: &str) -> String {
    write_within(overview, against, LIMIT)
}

fn write_within(overview: &Overview, against: &str, limit: usize) -> String {
    let mut page = Page {
        text: String::new(),
        room: limit.saturating_sub(RESERVE),
        left_out: 0,
    };
    page.must(&format!(
        "### tenantry diff: {}\n\nAgainst {}.\n",
        text::summary(overview),
        code(against)
    ));
    let titles = [
        (Standing::Stops, "Hazards that stop"),
        (Standing::Acknowledged, "Hazards that are acknowledged"),
        (Standing::Listed, "Worth a look"),
    ];
    for (standing, title) in titles {
        let lines = overview
            .hazards
            .iter()
            .filter(|line| line.note.standing == standing);
        let note = if standing == Standing::Stops {
            WAY_ON
        } else {
            ""
        };
        page.list(
            &format!("\n**{title}**{note}\n\n"),
            lines.map(|line| (hazard(line), line.owners.len())),
        );
    }
    page.list(
        "\n**New**\n\n",
        overview.added.iter().map(|line| (directory(line), 1)),
    );
    page.list(
        "\n**Gone**\n\n",
        overview.removed.iter().map(|line| (directory(line), 1)),
    );
    page.list(
        "\n**Asks for more or less**\n\n",
        overview
            .demands
            .iter()
            .map(|line| (demand(line), line.owners.len())),
    );
    for section in &overview.sections {
        page.section(section);
    }
    page.finish()
}

/// A comment that fills up.
struct Page {
    text: String,
    /// How many bytes it may have.
    room: usize,
    /// How many hazards, directories and fields had no room.
    left_out: usize,
}

impl Page {
    fn must(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn fits(&self, text: &str) -> bool {
        self.left_out == 0 && self.text.len() + text.len() <= self.room
    }

    /// Adds items below a title; each counts as many as it stands for. Once something had no room, nothing follows.
    fn list(&mut self, title: &str, items: impl Iterator<Item = (String, usize)>) {
        let mut titled = false;
        for (item, stands_for) in items {
            let head = if titled { "" } else { title };
            let text = format!("{head}{item}");
            if self.fits(&text) {
                self.must(&text);
                titled = true;
            } else {
                self.left_out += stands_for;
            }
        }
    }

    /// Adds the changes of some projects, folded.
    fn section(&mut self, section: &Section) {
        let title = match section.owners.len() {
            1 => html(&section.owners[0]),
            number => format!("{number} projects: {}", html(&some(&section.owners, NAMES))),
        };
        let blocks: Vec<Block> = section.parts.iter().flat_map(blocks).collect();
        let longest = blocks
            .iter()
            .map(|block| backticks(&block.text))
            .max()
            .unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let head = format!("\n<details><summary>{title}</summary>\n\n{fence}diff\n");
        let foot = format!("{fence}\n\n</details>\n");
        let mut open = false;
        for block in &blocks {
            let text = format!("{}{}", if open { "" } else { &head }, block.text);
            if self.fits(&format!("{text}{foot}")) {
                self.must(&text);
                open = true;
            } else {
                self.left_out += block.stands_for;
            }
        }
        if open {
            self.must(&foot);
        }
    }

    fn finish(mut self) -> String {
        if self.left_out > 0 {
            let more = count(self.left_out, "more difference", "more differences");
            let more = format!("\n… and {more}; `tenantry diff` shows all of them.\n");
            self.must(&more);
        }
        self.text
    }
}

/// Lines that stay together.
struct Block {
    text: String,
    stands_for: usize,
}

fn blocks(part: &Part) -> Vec<Block> {
    let single = |text: String| Block {
        text,
        stands_for: 1,
    };
    let each = |sign: &str| -> Vec<Block> {
        let line = |name: &String| single(format!("{sign} {}\n", shorten(name, 2 * VALUE)));
        part.objects.iter().map(line).collect()
    };
    let fields = match &part.edit {
        PartEdit::Removed => return each("-"),
        PartEdit::Added => return each("+"),
        PartEdit::Changed(fields) if fields.is_empty() => return each("!"),
        PartEdit::Changed(fields) => fields,
    };
    let names = match part.objects.len() {
        1 => part.objects[0].clone(),
        number => format!("{number} objects: {}", some(&part.objects, NAMES)),
    };
    let mut blocks: Vec<Block> = fields.iter().map(|change| single(field(change))).collect();
    // The name of the object stands before its first field.
    let head = format!("# {}\n", shorten(&names, 2 * VALUE));
    blocks[0].text.insert_str(0, &head);
    blocks
}

fn field(change: &FieldChange) -> String {
    let path = shorten(&change.path, 2 * VALUE);
    match &change.edit {
        FieldEdit::Added(new) => format!("+   {path}: {}\n", value(new, VALUE)),
        FieldEdit::Removed(old) => format!("-   {path}: {}\n", value(old, VALUE)),
        FieldEdit::Changed(old, new) => {
            format!(
                "-   {path}: {}\n+   {path}: {}\n",
                value(old, VALUE),
                value(new, VALUE)
            )
        }
        FieldEdit::Reordered(old, new) => format!(
            "-   {path}: {}\n+   {path}: {}\n",
            shorten(&old.join(", "), VALUE),
            shorten(&new.join(", "), VALUE)
        ),
        FieldEdit::Lines(lines) => {
            let mut text = format!("    {path}:\n");
            for line in lines.iter().take(LINES) {
                let (sign, line) = match line {
                    Line::Removed(line) => ('-', line),
                    Line::Added(line) => ('+', line),
                };
                text.push_str(&format!("{sign}     {}\n", shorten(line, VALUE)));
            }
            if lines.len() > LINES {
                let more = count(lines.len() - LINES, "more line", "more lines");
                text.push_str(&format!("      and {more}\n"));
            }
            text
        }
    }
}

fn hazard(line: &HazardLine) -> String {
    let note = &line.note;
    let owners = owners(&line.owners);
    let change = match (&note.old, &note.new) {
        (None, None) => String::new(),
        (Some(one), None) | (None, Some(one)) => format!(": {}", code(one)),
        (Some(old), Some(new)) => format!(": {} → {}", code(old), code(new)),
    };
    format!(
        "- **{}** {owners}: {}{change}\n",
        note.name,
        escape(&shorten(&note.what, WHAT))
    )
}

/// Returns whom something is about.
fn owners(owners: &[String]) -> String {
    match owners.len() {
        1 => code(&owners[0]),
        number => {
            let shown: Vec<String> = owners.iter().take(NAMES).map(|owner| code(owner)).collect();
            let more = number.saturating_sub(NAMES);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("{number} projects: {}{more}", shown.join(", "))
        }
    }
}

fn demand(line: &DemandLine) -> String {
    let change = line.old.change(&line.new).join(", ");
    format!("- {}: {change}\n", owners(&line.owners))
}

fn directory(line: &DirectoryLine) -> String {
    let mut what = vec![count(line.objects.len(), "object", "objects")];
    what.extend(line.demand.parts());
    let objects = what.join(", ");
    match &line.project {
        Some(project) => format!("- {} ({}, {objects})\n", code(project), code(&line.path)),
        None => format!("- {} ({objects})\n", code(&line.path)),
    }
}

/// Returns a text as inline code, whatever it holds.
///
/// Source: CommonMark 0.31, "Code spans".
fn code(text: &str) -> String {
    let text = shorten(text, 2 * VALUE);
    let fence = "`".repeat(backticks(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Returns the length of the longest run of backticks.
fn backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Returns a text in which nothing is markup but code spans, which messages write themselves.
fn escape(text: &str) -> String {
    // One that nothing closes is no code span, and would leave what follows unescaped.
    let closed = text.matches('`').count().is_multiple_of(2);
    let text = if closed {
        text.to_owned()
    } else {
        text.replace('`', "'")
    };
    let mut escaped = String::new();
    let mut in_code = false;
    for c in text.chars() {
        in_code ^= c == '`';
        if !in_code
            && matches!(
                c,
                '*' | '_' | '<' | '>' | '[' | ']' | '@' | '#' | '|' | '\\' | '&' | '~'
            )
        {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn html(text: &str) -> String {
    shorten(text, 2 * VALUE)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('@', "&#64;")
}

#[cfg(test)]
mod tests;
