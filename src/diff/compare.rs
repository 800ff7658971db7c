//! Compares two values: by field, by merge key, by content.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::list::gaps;
use super::mask::{Secrecy, mask, shown, shown_item};
use super::{FieldChange, FieldEdit, Line, Path};
use crate::object::Object;
use crate::patch::schema::{self, Field, Keyed, Shape};

/// Compares two objects; with `renamed`, their names are no difference.
pub(super) fn bodies(old: &Object, new: &Object, renamed: bool) -> Vec<FieldChange> {
    let mut comparison = Comparison {
        path: Path::root(),
        changes: Vec::new(),
    };
    let shape = schema::shape(new.api_version(), new.kind());
    let secrecy = Secrecy::of_object(new.group(), new.kind());
    match (&old.body, &new.body) {
        (Value::Object(a), Value::Object(b)) if renamed => {
            let (a, b) = (without_name(a), without_name(b));
            comparison.maps(&a, &b, shape, secrecy);
        }
        (a, b) => comparison.values(a, b, shape.map(Known::Shape), secrecy),
    }
    comparison.changes
}

fn without_name(body: &Map<String, Value>) -> Map<String, Value> {
    let mut body = body.clone();
    if let Some(Value::Object(metadata)) = body.get_mut("metadata") {
        metadata.shift_remove("name");
    }
    body
}

/// What the schema knows about a value.
#[derive(Clone, Copy)]
enum Known {
    Shape(&'static Shape),
    Keyed(&'static Keyed),
}

impl Known {
    fn of(field: Option<&'static Field>) -> Option<Self> {
        match field? {
            Field::Mapping(shape) => Some(Known::Shape(shape)),
            Field::Keyed(keyed) => Some(Known::Keyed(keyed)),
            // The order of a set matters to a reader of the file only, and is a difference all the same.
            Field::Set => None,
        }
    }
}

struct Comparison {
    path: Path,
    changes: Vec<FieldChange>,
}

impl Comparison {
    fn values(&mut self, old: &Value, new: &Value, known: Option<Known>, secrecy: Secrecy) {
        if old == new {
            return;
        }
        match (old, new) {
            (Value::Object(a), Value::Object(b)) => {
                let shape = match known {
                    Some(Known::Shape(shape)) => Some(shape),
                    _ => None,
                };
                self.maps(a, b, shape, secrecy);
            }
            (Value::Array(a), Value::Array(b)) => self.lists(a, b, known, secrecy.element()),
            (Value::String(a), Value::String(b))
                if secrecy != Secrecy::Secret && (a.contains('\n') && b.contains('\n')) =>
            {
                self.texts(a, b);
            }
            _ => self.push(FieldEdit::Changed(shown(old, secrecy), shown(new, secrecy))),
        }
    }

    fn maps(
        &mut self,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
        shape: Option<&'static Shape>,
        secrecy: Secrecy,
    ) {
        for (name, value) in old {
            if !new.contains_key(name) {
                let mark = self.path.field(name);
                self.push(FieldEdit::Removed(shown(
                    value,
                    secrecy.field_of(old, name),
                )));
                self.path.back(mark);
            }
        }
        for (name, value) in new {
            let mark = self.path.field(name);
            let below = secrecy.field_of(new, name);
            match old.get(name) {
                None => self.push(FieldEdit::Added(shown(value, below))),
                Some(before) => {
                    let below = match secrecy.field_of(old, name) {
                        Secrecy::Secret => Secrecy::Secret,
                        _ => below,
                    };
                    let known = Known::of(shape.and_then(|shape| shape.field(name)));
                    self.values(before, value, known, below);
                }
            }
            self.path.back(mark);
        }
    }

    fn lists(&mut self, old: &[Value], new: &[Value], known: Option<Known>, secrecy: Secrecy) {
        if let Some(Known::Keyed(keyed)) = known
            && let Some(keys) = Keys::of(keyed, old, new)
        {
            self.keyed(old, new, keyed, &keys, secrecy);
            return;
        }
        for gap in gaps(old, new) {
            let shared = gap.old.len().min(gap.new.len());
            for (a, b) in gap.old.clone().zip(gap.new.clone()) {
                let mark = self.path.index(b);
                match (&old[a], &new[b]) {
                    (before, after) if has_parts(before) && has_parts(after) => {
                        self.values(before, after, None, secrecy);
                    }
                    (before, after) => {
                        let before = shown_item(previous(old, a), before, secrecy);
                        let after = shown_item(previous(new, b), after, secrecy);
                        self.push(FieldEdit::Changed(before, after));
                    }
                }
                self.path.back(mark);
            }
            for a in gap.old.start + shared..gap.old.end {
                let mark = self.path.index(a);
                self.push(FieldEdit::Removed(shown_item(
                    previous(old, a),
                    &old[a],
                    secrecy,
                )));
                self.path.back(mark);
            }
            for b in gap.new.start + shared..gap.new.end {
                let mark = self.path.index(b);
                self.push(FieldEdit::Added(shown_item(
                    previous(new, b),
                    &new[b],
                    secrecy,
                )));
                self.path.back(mark);
            }
        }
    }

    fn keyed(
        &mut self,
        old: &[Value],
        new: &[Value],
        keyed: &'static Keyed,
        keys: &Keys,
        secrecy: Secrecy,
    ) {
        let before: BTreeMap<&String, &Value> = keys.old.iter().zip(old).collect();
        let after: BTreeSet<&String> = keys.new.iter().collect();
        for (key, value) in keys.old.iter().zip(old) {
            if !after.contains(key) {
                let mark = self.path.element(key);
                self.push(FieldEdit::Removed(shown(value, secrecy)));
                self.path.back(mark);
            }
        }
        for (key, value) in keys.new.iter().zip(new) {
            let mark = self.path.element(key);
            match before.get(key) {
                None => self.push(FieldEdit::Added(shown(value, secrecy))),
                Some(before) => {
                    self.values(before, value, Some(Known::Shape(&keyed.element)), secrecy)
                }
            }
            self.path.back(mark);
        }
        let common = |list: &[String], other: &BTreeSet<&String>| -> Vec<String> {
            list.iter()
                .filter(|key| other.contains(key))
                .cloned()
                .collect()
        };
        let old_order = common(&keys.old, &after);
        let new_order = common(&keys.new, &keys.old.iter().collect());
        if old_order != new_order {
            self.push(FieldEdit::Reordered(old_order, new_order));
        }
    }

    fn texts(&mut self, old: &str, new: &str) {
        let (a, b): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
        if is_private(old) || is_private(new) {
            self.push(FieldEdit::Changed(
                Value::String(mask(old)),
                Value::String(mask(new)),
            ));
            return;
        }
        let mut lines = Vec::new();
        for gap in gaps(&a, &b) {
            lines.extend(a[gap.old].iter().map(|line| Line::Removed(mask(line))));
            lines.extend(b[gap.new].iter().map(|line| Line::Added(mask(line))));
        }
        self.push(FieldEdit::Lines(lines));
    }

    fn push(&mut self, edit: FieldEdit) {
        self.changes.push(FieldChange {
            path: self.path.as_str().to_owned(),
            edit,
        });
    }
}

/// Tells whether a value is compared part by part: a mapping, a list, a text of several lines.
fn has_parts(value: &Value) -> bool {
    match value {
        Value::Object(_) | Value::Array(_) => true,
        Value::String(text) => text.contains('\n'),
        _ => false,
    }
}

/// Tells whether a text is masked as a whole.
fn is_private(text: &str) -> bool {
    text.contains('\n') && !mask(text).contains('\n')
}

fn previous(list: &[Value], at: usize) -> Option<&Value> {
    at.checked_sub(1).and_then(|before| list.get(before))
}

/// What tells the elements of two lists apart, `name=main`; element by element.
struct Keys {
    old: Vec<String>,
    new: Vec<String>,
}

impl Keys {
    /// Returns the keys, unless an element has none or two elements of one list share theirs.
    ///
    /// The second key is left out where the first one is enough, since it often has a default (`protocol: TCP`).
    fn of(keyed: &Keyed, old: &[Value], new: &[Value]) -> Option<Self> {
        let first =
            |item: &Value| Some(format!("{}={}", keyed.key, scalar(item.get(&keyed.key)?)?));
        let both = |item: &Value| {
            let key = first(item)?;
            match item.get(keyed.second.as_ref()?) {
                Some(second) => Some(format!(
                    "{key},{}={}",
                    keyed.second.as_ref()?,
                    scalar(second)?
                )),
                None => Some(key),
            }
        };
        Keys::by(old, new, first).or_else(|| Keys::by(old, new, both))
    }

    fn by(old: &[Value], new: &[Value], key: impl Fn(&Value) -> Option<String>) -> Option<Self> {
        let keys = |list: &[Value]| {
            let keys: Vec<String> = list.iter().map(&key).collect::<Option<_>>()?;
            let distinct: BTreeSet<&String> = keys.iter().collect();
            (distinct.len() == keys.len()).then_some(keys)
        };
        Some(Keys {
            old: keys(old)?,
            new: keys(new)?,
        })
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
