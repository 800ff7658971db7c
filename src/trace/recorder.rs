//! The history of every value of every object.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::{By, Trace, Written, align};
use crate::object::Object;
use crate::patch::schema::{self, Field, Shape};
use crate::source::{FileId, Span};
use crate::yaml::{Marks, push_token};

/// One moment at which a value was set.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Who has set it.
    pub by: By,
    /// What it was afterwards.
    pub value: Value,
    /// Where that is written.
    pub written: Written,
}

/// What is known about a value: its parts, or for one without parts, the moments at which it was set, the last one last.
#[derive(Debug, Clone, PartialEq)]
pub enum History {
    /// A scalar, or an empty collection.
    Leaf(Vec<Event>),
    /// A list.
    List(Vec<History>),
    /// A mapping.
    Map(BTreeMap<String, History>),
}

impl History {
    /// Returns what is known about a part.
    pub fn part(&self, step: &str) -> Option<&History> {
        match self {
            History::Leaf(_) => None,
            History::List(items) => items.get(step.parse::<usize>().ok()?),
            History::Map(entries) => entries.get(step),
        }
    }
}

/// An object and its history.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// The object after the last step.
    pub object: Object,
    /// Where the object came from.
    pub added: Event,
    /// Its values.
    pub history: History,
}

/// Where an object is written in a plain manifest.
#[derive(Debug, Clone)]
pub struct Spot {
    /// The file.
    pub file: FileId,
    /// The places of its document.
    pub marks: Rc<Marks>,
    /// The object's place in the document.
    pub pointer: String,
}

impl Spot {
    /// Returns the place of a value of the object.
    pub fn span(&self, pointer: &str) -> Option<Span> {
        let range = self.marks.nearest(&format!("{}{pointer}", self.pointer))?;
        Some(Span {
            file: self.file,
            start: range.start,
            end: range.end,
        })
    }
}

/// Remembers everything.
#[derive(Debug, Default)]
pub struct Recorder {
    manifests: Vec<Spot>,
    extra: Vec<Spot>,
    objects: Vec<Followed>,
}

impl Recorder {
    /// Makes a recorder that knows where the base's manifests and those of `extraManifests` are written, in their order.
    pub fn new(manifests: Vec<Spot>, extra: Vec<Spot>) -> Self {
        Recorder {
            manifests,
            extra,
            objects: Vec::new(),
        }
    }

    /// Returns the objects in the order of the last step.
    pub fn into_objects(self) -> Vec<Followed> {
        self.objects
    }
}

impl Trace for Recorder {
    fn manifests(&mut self, objects: &[Object]) {
        let at = |number: usize, pointer: &str| Written {
            place: self
                .manifests
                .get(number)
                .and_then(|spot| spot.span(pointer)),
            ..Written::default()
        };
        let followed = objects
            .iter()
            .enumerate()
            .map(|(number, object)| begin(object, By::Manifest, &|_, pointer| at(number, pointer)));
        self.objects = followed.collect();
    }

    fn extra(&mut self, objects: &[Object]) {
        let known = objects.len().saturating_sub(self.extra.len());
        for (object, spot) in objects[known..].iter().zip(&self.extra) {
            let at = |_: &Object, pointer: &str| Written {
                place: spot.span(pointer),
                ..Written::default()
            };
            self.objects.push(begin(object, By::Extra, &at));
        }
    }

    fn all(&mut self, objects: &[Object], by: By, written: impl Fn(&Object, &str) -> Written) {
        let mut before: Vec<Option<Followed>> = std::mem::take(&mut self.objects)
            .into_iter()
            .map(Some)
            .collect();
        let former = former(&before, objects);
        for (object, former) in objects.iter().zip(former) {
            let followed = match former.and_then(|former| before[former].take()) {
                Some(followed) => follow(followed, object, by, &written),
                None => begin(object, by, &written),
            };
            self.objects.push(followed);
        }
    }

    fn one(
        &mut self,
        number: usize,
        object: &Object,
        by: By,
        written: impl Fn(&Object, &str) -> Written,
    ) {
        let place = &mut self.objects[number];
        if place.object != *object {
            let followed = place.clone();
            *place = follow(followed, object, by, &written);
        }
    }
}

/// Returns for each object the number that it had before: by its key, and for one that was renamed, by its place.
fn former(before: &[Option<Followed>], objects: &[Object]) -> Vec<Option<usize>> {
    let keys: Vec<_> = before
        .iter()
        .map(|followed| followed.as_ref().map(|followed| followed.object.key()))
        .collect();
    let mut numbers: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (number, key) in keys.iter().enumerate().rev() {
        numbers.entry(key.clone()).or_default().push(number);
    }
    let mut former: Vec<Option<usize>> = objects
        .iter()
        .map(|object| numbers.get_mut(&Some(object.key()))?.pop())
        .collect();
    if before.len() == objects.len() {
        let left: Vec<usize> = numbers.into_values().flatten().collect();
        for (number, known) in former.iter_mut().enumerate() {
            if known.is_none() && left.contains(&number) {
                *known = Some(number);
            }
        }
    }
    former
}

fn begin(object: &Object, by: By, written: &dyn Fn(&Object, &str) -> Written) -> Followed {
    let step = Step {
        object,
        by,
        written,
    };
    Followed {
        added: step.event("", &Value::Null),
        history: step.fresh(&object.body, &mut String::new(), Vec::new()),
        object: object.clone(),
    }
}

fn follow(
    before: Followed,
    object: &Object,
    by: By,
    written: &dyn Fn(&Object, &str) -> Written,
) -> Followed {
    let step = Step {
        object,
        by,
        written,
    };
    let shape = schema::shape(object.api_version(), object.kind());
    Followed {
        added: before.added,
        history: step.compare(
            &before.object.body,
            before.history,
            &object.body,
            shape.map(Known::Shape),
            &mut String::new(),
        ),
        object: object.clone(),
    }
}

/// What the schema knows about a value.
#[derive(Clone, Copy)]
enum Known {
    Shape(&'static Shape),
    Keyed(&'static schema::Keyed),
}

/// One step on its way through one object.
struct Step<'a> {
    object: &'a Object,
    by: By,
    written: &'a dyn Fn(&Object, &str) -> Written,
}

impl Step<'_> {
    fn event(&self, pointer: &str, value: &Value) -> Event {
        Event {
            by: self.by,
            value: value.clone(),
            written: (self.written)(self.object, pointer),
        }
    }

    /// Records a value that this step has set, after what was there before.
    fn fresh(&self, value: &Value, pointer: &mut String, mut before: Vec<Event>) -> History {
        let length = pointer.len();
        match value {
            Value::Array(items) if !items.is_empty() => {
                let items = items.iter().enumerate().map(|(index, item)| {
                    push_token(pointer, &index.to_string());
                    let below = self.fresh(item, pointer, Vec::new());
                    pointer.truncate(length);
                    below
                });
                History::List(items.collect())
            }
            Value::Object(map) if !map.is_empty() => {
                let entries = map.iter().map(|(key, below)| {
                    push_token(pointer, key);
                    let history = self.fresh(below, pointer, Vec::new());
                    pointer.truncate(length);
                    (key.clone(), history)
                });
                History::Map(entries.collect())
            }
            leaf => {
                before.push(self.event(pointer, leaf));
                History::Leaf(before)
            }
        }
    }

    fn compare(
        &self,
        old: &Value,
        history: History,
        new: &Value,
        known: Option<Known>,
        pointer: &mut String,
    ) -> History {
        if old == new {
            return history;
        }
        let length = pointer.len();
        match (old, history, new) {
            (Value::Object(before), History::Map(mut entries), Value::Object(after))
                if !after.is_empty() =>
            {
                let shape = match known {
                    Some(Known::Shape(shape)) => Some(shape),
                    _ => None,
                };
                let compared = after.iter().map(|(key, value)| {
                    push_token(pointer, key);
                    let known =
                        shape
                            .and_then(|shape| shape.field(key))
                            .and_then(|field| match field {
                                Field::Mapping(shape) => Some(Known::Shape(shape)),
                                Field::Keyed(keyed) => Some(Known::Keyed(keyed)),
                                Field::Set => None,
                            });
                    let below = match (before.get(key), entries.remove(key)) {
                        (Some(old), Some(history)) => {
                            self.compare(old, history, value, known, pointer)
                        }
                        _ => self.fresh(value, pointer, Vec::new()),
                    };
                    pointer.truncate(length);
                    (key.clone(), below)
                });
                History::Map(compared.collect())
            }
            (Value::Array(before), History::List(items), Value::Array(after))
                if !after.is_empty() =>
            {
                let keyed = match known {
                    Some(Known::Keyed(keyed)) => Some(keyed),
                    _ => None,
                };
                let mut items: Vec<Option<History>> = items.into_iter().map(Some).collect();
                let former = align::elements(before, after, keyed);
                let known = keyed.map(|keyed| Known::Shape(&keyed.element));
                let compared = after.iter().zip(former).enumerate();
                let compared = compared.map(|(index, (value, former))| {
                    push_token(pointer, &index.to_string());
                    let earlier = former.and_then(|at| Some((&before[at], items[at].take()?)));
                    let below = match earlier {
                        Some((old, history)) => self.compare(old, history, value, known, pointer),
                        None => self.fresh(value, pointer, Vec::new()),
                    };
                    pointer.truncate(length);
                    below
                });
                History::List(compared.collect())
            }
            (_, History::Leaf(events), value) => self.fresh(value, pointer, events),
            (_, _, value) => self.fresh(value, pointer, Vec::new()),
        }
    }
}
