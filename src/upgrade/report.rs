//! What a move means, put together over projects.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Moved, PatchChange};
use crate::diff::show::some;
use crate::diff::{Overview, PartEdit, json as diff_json, text as diff_text};
use crate::report::on_one_line;
use crate::source::{Sources, Span};

/// Most names in a list of projects.
const NAMES: usize = 4;

/// Something that is the same for several projects.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<T> {
    /// What it is.
    pub what: T,
    /// The projects, sorted.
    pub projects: Vec<String>,
}

/// Everything that a move means.
#[derive(Debug)]
pub struct Report {
    /// The new base.
    pub to: String,
    /// The projects that move, by the base that they come from.
    pub from: Vec<Group<String>>,
    /// The projects that stay on another base: name, base and the place that says so.
    pub stays: Vec<(String, String, Option<Span>)>,
    /// Patches that do something else, or nothing any more.
    pub patches: Vec<Group<PatchChange>>,
    /// How many patches of how many projects do what they did.
    pub same_patches: usize,
    /// Images that others take the place of.
    pub images: Vec<Group<(Option<String>, Option<String>)>>,
    /// Hazards and objects.
    pub overview: Overview,
}

impl Report {
    /// Puts together what was found of each project.
    pub fn new(
        to: &str,
        moved: &[Moved],
        stays: Vec<(String, String, Option<Span>)>,
        overview: Overview,
    ) -> Report {
        let from = group(
            moved
                .iter()
                .map(|moved| (moved.from.clone(), &moved.project)),
        );
        let patches = group(moved.iter().flat_map(|moved| {
            let changed = moved.patches.iter().filter(|patch| !patch.is_same());
            changed.map(|patch| (patch.clone(), &moved.project))
        }));
        let images = group(moved.iter().flat_map(|moved| {
            moved
                .images
                .iter()
                .map(|pair| (pair.clone(), &moved.project))
        }));
        let same = moved.iter().flat_map(|moved| &moved.patches);
        Report {
            to: to.to_owned(),
            from,
            stays,
            patches,
            same_patches: same.filter(|patch| patch.is_same()).count(),
            images,
            overview,
        }
    }

    /// Writes the report for people; with `full`, every field that changes.
    pub fn text(&self, sources: &Sources, full: bool, color: bool) -> String {
        let mut out = String::new();
        let mut line = |line: String| {
            let _infallible = writeln!(out, "{}", on_one_line(&line));
        };
        for group in &self.from {
            line(format!(
                "{} -> {}: {}",
                group.what,
                self.to,
                who(&group.projects)
            ));
        }
        for (name, base, place) in &self.stays {
            let place = place.map(|place| format!(", as {} says", at(place, sources)));
            line(format!(
                "{name} stays on {base}{}",
                place.unwrap_or_default()
            ));
        }
        line(String::new());
        if !self.patches.is_empty() {
            line("Patches".to_owned());
            for group in &self.patches {
                let patch = &group.what;
                let what = if patch.refused.is_empty() {
                    "does something else"
                } else {
                    "cannot be applied"
                };
                let place = at(patch.place, sources);
                line(format!("  {place} {what} in {}", who(&group.projects)));
                for reason in &patch.refused {
                    line(format!("    {reason}"));
                }
                for (sign, these, others) in [
                    ("-", &patch.before, &patch.after),
                    ("+", &patch.after, &patch.before),
                ] {
                    for effect in these.iter().filter(|effect| !others.contains(effect)) {
                        line(format!("    {sign} {effect}"));
                    }
                }
            }
            line(String::new());
        }
        if self.same_patches > 0 {
            line(match self.same_patches {
                1 => "One patch does what it did.".to_owned(),
                number => format!("{number} patches do what they did."),
            });
            line(String::new());
        }
        if !self.images.is_empty() {
            line("Images".to_owned());
            for group in &self.images {
                let what = match &group.what {
                    (Some(old), Some(new)) => format!("{old} -> {new}"),
                    (Some(old), None) => format!("- {old}"),
                    (None, Some(new)) => format!("+ {new}"),
                    (None, None) => continue,
                };
                line(format!("  {what} in {}", who(&group.projects)));
            }
            line(String::new());
        }
        let overview = if full {
            self.overview.clone()
        } else {
            outline(&self.overview)
        };
        out.push_str(&diff_text::write(&overview, color));
        out
    }

    /// Returns the report as JSON.
    pub fn json(&self, sources: &Sources) -> Value {
        let place = |place: Span| {
            let (line, column) = sources.line_column(place.file, place.start);
            json!({"file": sources.get(place.file).path, "line": line, "column": column})
        };
        let patches = self.patches.iter().map(|group| {
            json!({
                "place": place(group.what.place),
                "projects": group.projects,
                "before": group.what.before,
                "after": group.what.after,
                "refused": group.what.refused,
            })
        });
        let images = self.images.iter().map(
            |group| json!({"old": group.what.0, "new": group.what.1, "projects": group.projects}),
        );
        let stays = self
            .stays
            .iter()
            .map(|(name, base, at)| json!({"project": name, "base": base, "place": at.map(place)}));
        let from = self
            .from
            .iter()
            .map(|group| json!({"base": group.what, "projects": group.projects}));
        json!({
            "to": self.to,
            "from": from.collect::<Vec<_>>(),
            "stays": stays.collect::<Vec<_>>(),
            "patches": patches.collect::<Vec<_>>(),
            "images": images.collect::<Vec<_>>(),
            "diff": diff_json::document(&self.overview, "the present bases"),
        })
    }
}

fn group<'p, T: Ord>(items: impl Iterator<Item = (T, &'p String)>) -> Vec<Group<T>> {
    let mut groups: BTreeMap<T, BTreeSet<String>> = BTreeMap::new();
    for (what, project) in items {
        groups.entry(what).or_default().insert(project.clone());
    }
    groups
        .into_iter()
        .map(|(what, projects)| Group {
            what,
            projects: projects.into_iter().collect(),
        })
        .collect()
}

/// Keeps hazards, and objects that come and go.
fn outline(overview: &Overview) -> Overview {
    let mut outline = overview.clone();
    for section in &mut outline.sections {
        section
            .parts
            .retain(|part| !matches!(part.edit, PartEdit::Changed(_)));
    }
    outline.sections.retain(|section| !section.parts.is_empty());
    outline
}

fn who(projects: &[String]) -> String {
    match projects {
        [one] => one.clone(),
        several => format!("{} projects: {}", several.len(), some(several, NAMES)),
    }
}

fn at(span: Span, sources: &Sources) -> String {
    let (line, column) = sources.line_column(span.file, span.start);
    format!("{}:{line}:{column}", sources.get(span.file).path)
}
