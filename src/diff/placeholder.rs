//! Puts placeholders for what belongs to one project, so that the same change in two projects looks the same.

use serde_json::Value;

use super::{FieldChange, FieldEdit, Line};
use crate::render::CONFIG_HASH;

/// Stands for the name or the namespace of a project.
const PROJECT: &str = "{project}";
/// Stands for a hash of content.
const HASH: &str = "{hash}";

/// What belongs to one project: its names, longest first, in every spelling.
#[derive(Debug, Clone, Default)]
pub(super) struct Identifiers {
    names: Vec<String>,
}

impl Identifiers {
    /// Collects the spellings of names; derived names (`kfp_a_b`) have `_` for `-`.
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all: Vec<String> = Vec::new();
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            all.push(name.to_owned());
            all.push(name.replace('-', "_"));
        }
        all.sort_by(|a, b| (b.len(), a).cmp(&(a.len(), b)));
        all.dedup();
        Identifiers { names: all }
    }

    /// Returns a text with placeholders.
    pub(super) fn text(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        let mut before: Option<char> = None;
        'text: while let Some(c) = rest.chars().next() {
            if !before.is_some_and(|before| before.is_ascii_alphanumeric()) {
                for name in &self.names {
                    if let Some(after) = rest.strip_prefix(name.as_str())
                        && !after.starts_with(|c: char| c.is_ascii_alphanumeric())
                    {
                        result.push_str(PROJECT);
                        before = name.chars().next_back();
                        rest = after;
                        continue 'text;
                    }
                }
            }
            result.push(c);
            before = Some(c);
            rest = &rest[c.len_utf8()..];
        }
        result
    }

    /// Returns a change with placeholders; one between two of the project's own names stays as it is.
    pub(super) fn change(&self, change: &FieldChange) -> FieldChange {
        let path = self.text(&change.path);
        let edit = if change.path.contains(CONFIG_HASH) {
            hashed(&change.edit)
        } else {
            match &change.edit {
                FieldEdit::Added(value) => FieldEdit::Added(self.value(value)),
                FieldEdit::Removed(value) => FieldEdit::Removed(self.value(value)),
                FieldEdit::Changed(old, new) => {
                    let (a, b) = (self.value(old), self.value(new));
                    if a == b && old != new {
                        FieldEdit::Changed(old.clone(), new.clone())
                    } else {
                        FieldEdit::Changed(a, b)
                    }
                }
                FieldEdit::Lines(lines) => {
                    FieldEdit::Lines(lines.iter().map(|line| self.line(line)).collect())
                }
                FieldEdit::Reordered(old, new) => FieldEdit::Reordered(
                    old.iter().map(|key| self.text(key)).collect(),
                    new.iter().map(|key| self.text(key)).collect(),
                ),
            }
        };
        FieldChange { path, edit }
    }

    fn line(&self, line: &Line) -> Line {
        match line {
            Line::Removed(text) => Line::Removed(self.text(text)),
            Line::Added(text) => Line::Added(self.text(text)),
        }
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(map) => {
                let fields = map
                    .iter()
                    .map(|(key, value)| (self.text(key), self.value(value)));
                Value::Object(fields.collect())
            }
            other => other.clone(),
        }
    }
}

fn hashed(edit: &FieldEdit) -> FieldEdit {
    let hash = || Value::from(HASH);
    match edit {
        FieldEdit::Added(_) => FieldEdit::Added(hash()),
        FieldEdit::Removed(_) => FieldEdit::Removed(hash()),
        _ => FieldEdit::Changed(hash(), hash()),
    }
}

/// Returns the name of an object with a placeholder for the hash at its end.
pub(super) fn without_hash(name: &str) -> String {
    match super::hashed_stem(name) {
        Some(stem) => format!("{stem}-{HASH}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_texts() {
        let identifiers = Identifiers::new(["fraud-detection", "fraud", ""]);
        for (text, expect) in [
            ("", ""),
            ("mysql.fraud-detection.svc", "mysql.{project}.svc"),
            ("kfp_fraud_detection", "kfp_{project}"),
            ("fraud/pipelines", "{project}/pipelines"),
            ("defraud fraudulent fraud", "defraud fraudulent {project}"),
            ("é-fraud-é", "é-{project}-é"),
            ("fraud-fraud", "{project}-{project}"),
        ] {
            assert_eq!(identifiers.text(text), expect, "{text}");
        }
        assert_eq!(Identifiers::default().text("a b"), "a b");
    }

    #[test]
    fn a_change_between_two_names_stays_visible() {
        let identifiers = Identifiers::new(["old", "new"]);
        let change = FieldChange {
            path: "metadata.labels[\"tenantry.dev/project\"]".to_owned(),
            edit: FieldEdit::Changed(Value::from("old"), Value::from("new")),
        };
        assert_eq!(identifiers.change(&change), change);
    }
}
