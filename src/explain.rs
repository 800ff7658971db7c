//! Where values come from: the history of an object's values in the terms of the files that a person edits.
//!
//! Takes followed objects ([`crate::trace`]), the located tree of `projects.yaml` and the base; gives, for each value, who
//! has set it at which place, and which settings decided it. Knows nothing of the command line and the disk.

pub mod field;
mod platform;
pub mod show;
mod sources;

pub use platform::{followed as platform, project_of as wired_project};
pub use sources::{Source, Sources};

use serde_json::Value;

use crate::source::Span;
use crate::trace::{By, Event, Followed, History};

/// What is known about one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// JSON pointer into the object.
    pub pointer: String,
    /// The same as messages write it.
    pub path: String,
    /// The value.
    pub value: Value,
    /// Who has set it, the last one last; never empty.
    pub history: Vec<Told>,
}

/// One moment at which a value was set.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Who has set it.
    pub by: By,
    /// What it was afterwards.
    pub value: Value,
    /// Where that is written.
    pub place: Option<Span>,
    /// What to say of the place when it is not exact.
    pub note: String,
    /// What brought it in.
    pub brought: Option<Span>,
    /// The settings that it is made of.
    pub from: Vec<Source>,
    /// The settings because of which it is there at all.
    pub because: Vec<Source>,
}

/// Explains the values at and below a place in an object; the place is a JSON pointer that leads somewhere.
pub fn explain(followed: &Followed, pointer: &str, sources: &Sources<'_>) -> Vec<Explained> {
    let mut history = &followed.history;
    for step in crate::trace::tokens(pointer) {
        let Some(below) = history.part(&step) else {
            return Vec::new();
        };
        history = below;
    }
    let mut explained = Vec::new();
    collect(
        followed,
        history,
        &mut pointer.to_owned(),
        sources,
        &mut explained,
    );
    explained
}

/// Explains where an object comes from.
pub fn added(followed: &Followed, sources: &Sources<'_>) -> Told {
    told(&followed.added, sources)
}

fn collect(
    followed: &Followed,
    history: &History,
    pointer: &mut String,
    sources: &Sources<'_>,
    explained: &mut Vec<Explained>,
) {
    let length = pointer.len();
    match history {
        History::Leaf(events) => explained.push(Explained {
            path: field::display(&followed.object, pointer),
            value: events
                .last()
                .map_or(Value::Null, |event| event.value.clone()),
            history: events.iter().map(|event| told(event, sources)).collect(),
            pointer: pointer.clone(),
        }),
        History::List(items) => {
            for (index, item) in items.iter().enumerate() {
                crate::yaml::push_token(pointer, &index.to_string());
                collect(followed, item, pointer, sources, explained);
                pointer.truncate(length);
            }
        }
        History::Map(entries) => {
            // In the order in which the file has them.
            let body = followed.object.body.pointer(pointer);
            let order = body
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(|map| map.keys());
            for key in order {
                let Some(below) = entries.get(key) else {
                    continue;
                };
                crate::yaml::push_token(pointer, key);
                collect(followed, below, pointer, sources, explained);
                pointer.truncate(length);
            }
        }
    }
}

fn told(event: &Event, sources: &Sources<'_>) -> Told {
    let written = &event.written;
    let from = sources.behind(&written.reads);
    let because = sources
        .behind(&written.conditions)
        .into_iter()
        .filter(|source| !from.contains(source))
        .collect();
    Told {
        by: event.by,
        value: event.value.clone(),
        place: written.place,
        note: written.note.clone(),
        brought: written.brought,
        from,
        because,
    }
}
