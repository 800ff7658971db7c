//! Fields of one mapping that exclude each other.
//!
//! The API server drops the old field when a new one comes (`retainKeys`), kustomize keeps both, and the API server
//! then takes neither. So a patch that would leave both is refused, and the hint says which one to delete.

use serde_json::{Map, Value};

use super::super::PatchError;
use super::super::change::Change;
use super::super::place::Place;
use super::super::schema::Rule;
use super::Merge;
use super::refuse::Refuse;

impl Merge<'_> {
    /// Checks a mapping of the object after the changes. What the object itself had wrong is none of the patch's business.
    pub(super) fn obey(
        &self,
        rule: &Rule,
        base: &Map<String, Value>,
        changes: &[(String, Change)],
        place: Place<'_>,
    ) -> Result<(), PatchError> {
        let change_of = |key: &str| {
            changes
                .iter()
                .find(|(changed, _)| changed == key)
                .map(|(_, change)| change)
        };
        let kept = |key: &str| {
            base.get(key).is_some_and(|value| !value.is_null())
                && !matches!(change_of(key), Some(Change::Remove))
        };
        let added = |key: &str| !kept(key) && matches!(change_of(key), Some(Change::Set(_)));
        match rule {
            Rule::OnlyOneBeside(name) => {
                let kept: Vec<&str> = base
                    .keys()
                    .map(String::as_str)
                    .filter(|key| key != name && kept(key))
                    .collect();
                let added: Vec<&str> = changes
                    .iter()
                    .map(|(key, _)| key.as_str())
                    .filter(|key| key != name && added(key))
                    .collect();
                match (kept.as_slice(), added.as_slice()) {
                    (_, []) | ([], [_]) => Ok(()),
                    ([], [first, second, ..]) => {
                        Err(Refuse::at(place.key(second)).both_new(first, second))
                    }
                    ([old, ..], [new, ..]) => {
                        Err(Refuse::at(place.key(new)).both_kept(self.object, old, new))
                    }
                }
            }
            Rule::Excludes {
                field,
                value,
                other,
            } => {
                let decides = match change_of(field) {
                    Some(Change::Set(new)) => new.as_str() == Some(value),
                    Some(_) => false,
                    None => base.get(field).and_then(Value::as_str) == Some(value),
                };
                let stays = kept(other) || added(other);
                let was = base.get(field).and_then(Value::as_str) == Some(value)
                    && base.get(other).is_some_and(|old| !old.is_null());
                if decides && stays && !was {
                    return Err(Refuse::at(place).excluded(self.object, field, value, other));
                }
                Ok(())
            }
        }
    }

    /// Checks a mapping that was not there.
    pub(super) fn obey_fresh(
        &self,
        rule: &Rule,
        fresh: &Map<String, Value>,
        place: Place<'_>,
    ) -> Result<(), PatchError> {
        match rule {
            Rule::OnlyOneBeside(name) => {
                let mut others = fresh.keys().filter(|key| *key != name);
                match (others.next(), others.next()) {
                    (Some(first), Some(second)) => {
                        Err(Refuse::at(place.key(second)).both_new(first, second))
                    }
                    _ => Ok(()),
                }
            }
            Rule::Excludes {
                field,
                value,
                other,
            } => {
                if fresh.get(field).and_then(Value::as_str) == Some(value)
                    && fresh.contains_key(other)
                {
                    return Err(Refuse::at(place).excluded(self.object, field, value, other));
                }
                Ok(())
            }
        }
    }
}
