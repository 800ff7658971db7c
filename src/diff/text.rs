//! The difference for people at a terminal.

use std::fmt::Write as _;

use super::show::{count, shorten, some, value};
use super::{
    DirectoryLine, FieldChange, FieldEdit, HazardLine, Line, ObjectChange, ObjectEdit, Overview,
    Part, PartEdit, Standing,
};

/// Most characters of one value.
const VALUE: usize = 160;
/// Most characters of what a hazard is about; the Deployments of a whole stack have room.
const WHAT: usize = 2000;
/// Most lines of one text.
const LINES: usize = 40;
/// Most names in a list of projects or objects.
const NAMES: usize = 4;

/// What to do about hazards that stop.
const WAY_ON: &str =
    "Undo what is not meant; what is meant, write below `acknowledge:` in projects.yaml.";

/// ANSI codes, or nothing.
struct Paint {
    on: bool,
}

impl Paint {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.on {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn danger(&self, text: &str) -> String {
        self.paint("1;31", text)
    }

    fn caution(&self, text: &str) -> String {
        self.paint("33", text)
    }

    fn removed(&self, text: &str) -> String {
        self.paint("31", text)
    }

    fn added(&self, text: &str) -> String {
        self.paint("32", text)
    }
}

/// Writes everything that differs; hazards come first, a summary last.
pub fn write(overview: &Overview, color: bool) -> String {
    let paint = Paint { on: color };
    let mut out = String::new();
    let titles = [
        (Standing::Stops, "Hazards that stop"),
        (Standing::Acknowledged, "Hazards that are acknowledged"),
        (Standing::Listed, "Worth a look"),
    ];
    for (standing, title) in titles {
        let lines: Vec<&HazardLine> = overview
            .hazards
            .iter()
            .filter(|line| line.note.standing == standing)
            .collect();
        if lines.is_empty() {
            continue;
        }
        let _infallible = writeln!(out, "{}", paint.bold(title));
        for line in lines {
            hazard(line, &paint, &mut out);
        }
        if standing == Standing::Stops {
            let _infallible = writeln!(out, "  {WAY_ON}");
        }
        out.push('\n');
    }
    for (title, lines, sign) in [
        ("New", &overview.added, "+"),
        ("Gone", &overview.removed, "-"),
    ] {
        if lines.is_empty() {
            continue;
        }
        let _infallible = writeln!(out, "{}", paint.bold(title));
        for line in lines {
            let text = format!("{sign} {}", directory(line));
            let painted = if sign == "+" {
                paint.added(&text)
            } else {
                paint.removed(&text)
            };
            let _infallible = writeln!(out, "  {painted}");
        }
        out.push('\n');
    }
    if !overview.demands.is_empty() {
        let _infallible = writeln!(out, "{}", paint.bold("Asks for more or less"));
        for line in &overview.demands {
            let owners = owners(&line.owners);
            let change = line.old.change(&line.new).join(", ");
            let _infallible = writeln!(out, "  {owners}: {change}");
        }
        out.push('\n');
    }
    for section in &overview.sections {
        let title = match section.owners.len() {
            1 => section.owners[0].clone(),
            number => format!("In {number} projects: {}", some(&section.owners, NAMES)),
        };
        let _infallible = writeln!(out, "{}", paint.bold(&shorten(&title, VALUE)));
        for part in &section.parts {
            self::part(part, &paint, &mut out);
        }
        out.push('\n');
    }
    out.push_str(&summary(overview));
    out.push('\n');
    out
}

/// Writes the differences between two sets of objects, object by object.
pub fn changes(changes: &[ObjectChange], color: bool) -> String {
    let paint = Paint { on: color };
    let mut out = String::new();
    for change in changes {
        let edit = match &change.edit {
            ObjectEdit::Added => PartEdit::Added,
            ObjectEdit::Removed => PartEdit::Removed,
            ObjectEdit::Changed { fields, .. } => PartEdit::Changed(fields.clone()),
        };
        let objects = vec![change.key.to_string()];
        part(&Part { objects, edit }, &paint, &mut out);
    }
    out
}

/// Returns one line that counts what differs.
pub fn summary(overview: &Overview) -> String {
    let mut counts = Vec::new();
    let hazards = overview.count(Standing::Stops);
    if hazards > 0 {
        let verb = if hazards == 1 { "stops" } else { "stop" };
        counts.push(format!(
            "{} that {verb}",
            count(hazards, "hazard", "hazards")
        ));
    }
    let mut noun = true;
    for (number, what) in [
        (overview.changed, "changed"),
        (overview.added.len(), "new"),
        (overview.removed.len(), "gone"),
    ] {
        if number > 0 {
            let number = if noun {
                count(number, "directory", "directories")
            } else {
                number.to_string()
            };
            counts.push(format!("{number} {what}"));
            noun = false;
        }
    }
    if counts.is_empty() {
        return "no differences".to_owned();
    }
    let (old, new) = &overview.demand;
    let change = old.change(new);
    if change.is_empty() {
        counts.join(", ")
    } else {
        format!("{}; in all {}", counts.join(", "), change.join(", "))
    }
}

fn hazard(line: &HazardLine, paint: &Paint, out: &mut String) {
    let note = &line.note;
    let name = match note.standing {
        Standing::Stops => paint.danger(note.name),
        Standing::Acknowledged | Standing::Listed => paint.caution(note.name),
    };
    let _infallible = writeln!(out, "  {name}  {}", owners(&line.owners));
    let change = match (&note.old, &note.new) {
        (None, None) => String::new(),
        (Some(old), None) => format!(": {}", paint.removed(&shorten(old, VALUE))),
        (None, Some(new)) => format!(": {}", paint.added(&shorten(new, VALUE))),
        (Some(old), Some(new)) => {
            format!(
                ": {} -> {}",
                paint.removed(&shorten(old, VALUE)),
                paint.added(&shorten(new, VALUE))
            )
        }
    };
    let _infallible = writeln!(out, "    {}{change}", shorten(&note.what, WHAT));
}

/// Returns whom something is about.
fn owners(owners: &[String]) -> String {
    let owners = match owners.len() {
        1 => owners[0].clone(),
        number => format!("{number} projects: {}", some(owners, NAMES)),
    };
    shorten(&owners, VALUE)
}

fn directory(line: &DirectoryLine) -> String {
    let mut what = vec![count(line.objects.len(), "object", "objects")];
    what.extend(line.demand.parts());
    let what = what.join(", ");
    match &line.project {
        Some(project) => shorten(&format!("{project} ({}, {what})", line.path), VALUE),
        None => shorten(&format!("{} ({what})", line.path), VALUE),
    }
}

fn part(part: &Part, paint: &Paint, out: &mut String) {
    let fields = match &part.edit {
        PartEdit::Changed(fields) => fields,
        PartEdit::Removed | PartEdit::Added => {
            for name in &part.objects {
                let name = shorten(name, VALUE);
                let line = match part.edit {
                    PartEdit::Removed => paint.removed(&format!("- {name}")),
                    _ => paint.added(&format!("+ {name}")),
                };
                let _infallible = writeln!(out, "  {line}");
            }
            return;
        }
    };
    let names = match part.objects.len() {
        1 => part.objects[0].clone(),
        number => format!("{number} objects: {}", some(&part.objects, NAMES)),
    };
    let names = shorten(&names, VALUE);
    let _infallible = writeln!(out, "  {}", paint.caution(&format!("~ {names}")));
    for change in fields {
        field(change, paint, out);
    }
}

fn field(change: &FieldChange, paint: &Paint, out: &mut String) {
    let path = shorten(&change.path, 2 * VALUE);
    let old = |text: &str| paint.removed(text);
    let new = |text: &str| paint.added(text);
    let _infallible = match &change.edit {
        FieldEdit::Added(after) => writeln!(out, "      + {path}: {}", new(&value(after, VALUE))),
        FieldEdit::Removed(before) => {
            writeln!(out, "      - {path}: {}", old(&value(before, VALUE)))
        }
        FieldEdit::Changed(before, after) => {
            writeln!(
                out,
                "      {path}: {} -> {}",
                old(&value(before, VALUE)),
                new(&value(after, VALUE))
            )
        }
        FieldEdit::Reordered(before, after) => writeln!(
            out,
            "      {path}: the order {} -> {}",
            old(&shorten(&before.join(", "), VALUE)),
            new(&shorten(&after.join(", "), VALUE))
        ),
        FieldEdit::Lines(lines) => {
            let _infallible = writeln!(out, "      {path}:");
            for line in lines.iter().take(LINES) {
                let _infallible = match line {
                    Line::Removed(text) => {
                        writeln!(
                            out,
                            "        {}",
                            old(&shorten(&format!("- {text}"), VALUE))
                        )
                    }
                    Line::Added(text) => {
                        writeln!(
                            out,
                            "        {}",
                            new(&shorten(&format!("+ {text}"), VALUE))
                        )
                    }
                };
            }
            match lines.len().checked_sub(LINES) {
                None | Some(0) => Ok(()),
                Some(more) => writeln!(
                    out,
                    "        and {}",
                    count(more, "more line", "more lines")
                ),
            }
        }
    };
}
