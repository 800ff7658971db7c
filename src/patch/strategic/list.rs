//! Lists of a strategic merge: merged by key, merged as a set, or replaced whole.
//!
//! Merged lists keep the order of the object, and new elements go to the end in the order of the patch.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value};

use super::super::PatchError;
use super::super::change::Change;
use super::super::place::Place;
use super::super::schema::{Field, Keyed};
use super::refuse::Refuse;
use super::{DIRECTIVE, Directive, Identity, Merge, a_kind_of, directive};
use crate::diagnostic::Code;

/// What tells an element of a keyed list from the others. Values compare as text: `"80"` is `80`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Identifier<'v> {
    key: Cow<'v, str>,
    second: Option<Cow<'v, str>>,
}

/// One element of the patch's list, with its place there.
struct Element<'p> {
    index: usize,
    identifier: Identifier<'p>,
    map: &'p Map<String, Value>,
    directive: Directive,
}

impl Merge<'_> {
    /// Merges into a list that is there.
    pub(super) fn list(
        &self,
        base: &[Value],
        patch: &[Value],
        field: Option<&Field>,
        place: Place<'_>,
    ) -> Result<Option<Change>, PatchError> {
        match field {
            Some(Field::Keyed(list)) => self.keyed(base, patch, list, place),
            Some(Field::Set) => self.set(base, patch, place),
            _ => {
                self.without_directives(patch, place)?;
                Ok((base != patch).then(|| Change::Set(Value::Array(patch.to_vec()))))
            }
        }
    }

    /// Makes a list that was not there.
    pub(super) fn fresh_list(
        &self,
        patch: &[Value],
        field: Option<&Field>,
        place: Place<'_>,
    ) -> Result<Vec<Value>, PatchError> {
        match field {
            Some(Field::Keyed(list)) => {
                let elements = self.elements(patch, list, place)?;
                if let Some(index) = patch.iter().position(is_of_list) {
                    return Err(Refuse::at(place.index(index)).directive_without_list(self.object));
                }
                self.fresh_elements(&elements, list, place)
            }
            Some(Field::Set) => {
                if let Some(index) = patch.iter().position(is_of_list) {
                    return Err(Refuse::at(place.index(index)).directive_without_list(self.object));
                }
                self.fresh_set(patch, place)
            }
            _ => {
                self.without_directives(patch, place)?;
                Ok(patch.to_vec())
            }
        }
    }

    fn keyed(
        &self,
        base: &[Value],
        patch: &[Value],
        list: &Keyed,
        place: Place<'_>,
    ) -> Result<Option<Change>, PatchError> {
        let elements = self.elements(patch, list, place)?;
        match self.of_list(patch, place)? {
            Directive::Delete => return Ok(Some(Change::Remove)),
            Directive::Replace => {
                let fresh = self.fresh_elements(&elements, list, place)?;
                return Ok((base != fresh).then(|| Change::Set(Value::Array(fresh))));
            }
            Directive::Merge => {}
        }
        if elements.is_empty() {
            return Ok(None);
        }
        let positions = self.positions(base, list, place)?;
        self.on_one_side(base, &elements, list, place)?;

        let mut edits = Vec::new();
        let mut added = Vec::new();
        for element in &elements {
            let place = place.index(element.index);
            match (positions.get(&element.identifier), element.directive) {
                (_, Directive::Replace) => {
                    return Err(Refuse::at(place.key(DIRECTIVE)).element_replace(place.field()));
                }
                (Some(&position), Directive::Delete) => edits.push((position, Change::Remove)),
                (None, Directive::Delete) => {}
                (Some(&position), Directive::Merge) => {
                    let Value::Object(old) = &base[position] else {
                        unreachable!("`positions` holds mappings only");
                    };
                    let shape = Some(&list.element);
                    let change = self.fields(old, element.map, shape, Identity::Nothing, place)?;
                    edits.extend(change.map(|change| (position, change)));
                }
                (None, Directive::Merge) => {
                    let fresh = self.fresh_fields(element.map, Some(&list.element), place)?;
                    added.push(Value::Object(fresh));
                }
            }
        }
        Ok((!edits.is_empty() || !added.is_empty()).then_some(Change::Elements(edits, added)))
    }

    fn set(
        &self,
        base: &[Value],
        patch: &[Value],
        place: Place<'_>,
    ) -> Result<Option<Change>, PatchError> {
        match self.of_list(patch, place)? {
            Directive::Delete => return Ok(Some(Change::Remove)),
            Directive::Replace => {
                let fresh = self.fresh_set(patch, place)?;
                return Ok((base != fresh).then(|| Change::Set(Value::Array(fresh))));
            }
            Directive::Merge => {}
        }
        let mut added = self.fresh_set(patch, place)?;
        added.retain(|new| !base.iter().any(|old| text(old) == text(new)));
        Ok((!added.is_empty()).then_some(Change::Elements(Vec::new(), added)))
    }

    /// Makes the elements of a set: scalars, each once; directives of the list are left out.
    fn fresh_set(&self, patch: &[Value], place: Place<'_>) -> Result<Vec<Value>, PatchError> {
        let mut fresh: Vec<Value> = Vec::with_capacity(patch.len());
        for (index, value) in patch.iter().enumerate() {
            if is_of_list(value) {
                continue;
            }
            if value.is_null() {
                return Err(Refuse::at(place.index(index)).null_element());
            }
            if text(value).is_none() {
                return Err(self.not_a_scalar(value, place.index(index)));
            }
            if !fresh.iter().any(|old| text(old) == text(value)) {
                fresh.push(value.clone());
            }
        }
        Ok(fresh)
    }

    fn not_a_scalar(&self, value: &Value, place: Place<'_>) -> PatchError {
        let message = format!(
            "an element of `{}` is {}, and the list is a set of strings",
            place.field(),
            a_kind_of(value)
        );
        PatchError::new(Code::PatchFailed, place, message).hint("write a string")
    }

    /// Makes the elements of a keyed list that starts empty; directives of the list are left out.
    fn fresh_elements(
        &self,
        elements: &[Element<'_>],
        list: &Keyed,
        place: Place<'_>,
    ) -> Result<Vec<Value>, PatchError> {
        self.on_one_side(&[], elements, list, place)?;
        let mut fresh = Vec::with_capacity(elements.len());
        for element in elements {
            let place = place.index(element.index);
            match element.directive {
                Directive::Delete => {}
                Directive::Replace => {
                    return Err(Refuse::at(place.key(DIRECTIVE)).element_replace(place.field()));
                }
                Directive::Merge => {
                    let map = self.fresh_fields(element.map, Some(&list.element), place)?;
                    fresh.push(Value::Object(map));
                }
            }
        }
        Ok(fresh)
    }

    /// Returns what the patch asks for the list as a whole.
    ///
    /// Errors: `patch-refused` when it asks for two things, for elements in a list that it deletes, or has a
    /// directive in an element that kustomize would take for one of the list.
    fn of_list(&self, patch: &[Value], place: Place<'_>) -> Result<Directive, PatchError> {
        let mut whole = None;
        for (index, value) in patch.iter().enumerate() {
            let Value::Object(map) = value else { continue };
            if !is_of_list(value) {
                continue;
            }
            let asked = directive(map, place.index(index))?;
            if *whole.get_or_insert(asked) != asked {
                return Err(Refuse::at(place.index(index)).two_directives());
            }
        }
        // Beside a directive of the list, kustomize mixes up those of elements, depending on their order.
        let lost = |value: &Value| match whole {
            None => false,
            Some(_) if is_of_list(value) => false,
            Some(Directive::Delete) => true,
            Some(Directive::Merge | Directive::Replace) => value.get(DIRECTIVE).is_some(),
        };
        match patch.iter().position(lost) {
            None => Ok(whole.unwrap_or(Directive::Merge)),
            Some(index) if whole == Some(Directive::Delete) => {
                Err(Refuse::at(place.index(index)).element_of_deleted_list())
            }
            Some(index) => Err(Refuse::at(place.index(index)).mixed_up()),
        }
    }

    /// Reads the elements of the patch's list, directives about the list left out.
    ///
    /// Errors: `patch-refused` when an element has no key, or two have the same.
    fn elements<'p>(
        &self,
        patch: &'p [Value],
        list: &Keyed,
        place: Place<'_>,
    ) -> Result<Vec<Element<'p>>, PatchError> {
        let mut elements = Vec::with_capacity(patch.len());
        let mut seen: HashMap<Identifier<'p>, usize> = HashMap::with_capacity(patch.len());
        for (index, value) in patch.iter().enumerate() {
            let here = place.index(index);
            let map = match value {
                Value::Null => return Err(Refuse::at(here).null_element()),
                Value::Object(map) => map,
                other => return Err(Refuse::at(here).not_a_mapping(other, list)),
            };
            let directive = directive(map, here)?;
            if is_of_list(value) {
                continue;
            }
            let Some(identifier) = identify(map, list) else {
                return Err(Refuse::at(here).without_key(map, list, place.field()));
            };
            if let Some(first) = seen.insert(identifier.clone(), index) {
                return Err(Refuse::at(here).twice_in_patch(&describe(&identifier, list), first));
            }
            elements.push(Element {
                index,
                identifier,
                map,
                directive,
            });
        }
        Ok(elements)
    }

    /// Returns the positions of the elements of the object's list.
    ///
    /// Errors: `patch-refused` when an element has no key, or two have the same.
    fn positions<'b>(
        &self,
        base: &'b [Value],
        list: &Keyed,
        place: Place<'_>,
    ) -> Result<HashMap<Identifier<'b>, usize>, PatchError> {
        let mut positions = HashMap::with_capacity(base.len());
        for (position, value) in base.iter().enumerate() {
            let identifier = value.as_object().and_then(|map| identify(map, list));
            let Some(identifier) = identifier else {
                return Err(Refuse::at(place).base_without_key(self.object, position, list));
            };
            match positions.entry(identifier) {
                Entry::Vacant(entry) => entry.insert(position),
                Entry::Occupied(entry) => {
                    return Err(
                        Refuse::at(place).base_twice(self.object, &describe(entry.key(), list))
                    );
                }
            };
        }
        Ok(positions)
    }

    /// Refuses elements that agree in the first key while only one of them has the second, and deleting by the first
    /// alone where others have the second.
    fn on_one_side(
        &self,
        base: &[Value],
        elements: &[Element<'_>],
        list: &Keyed,
        place: Place<'_>,
    ) -> Result<(), PatchError> {
        let Some(second) = &list.second else {
            return Ok(());
        };
        let of_base = base
            .iter()
            .filter_map(|value| identify(value.as_object()?, list));
        let mut known: HashMap<Cow<'_, str>, Option<Cow<'_, str>>> = HashMap::new();
        for identifier in of_base {
            if let Some(other) = known.get(&identifier.key)
                && other.is_some() != identifier.second.is_some()
            {
                return Err(Refuse::at(place).base_on_one_side(
                    self.object,
                    &identifier.key,
                    list,
                    second,
                ));
            }
            known.insert(identifier.key, identifier.second);
        }
        for Element {
            index, identifier, ..
        } in elements
        {
            if let Some(other) = known.get(&identifier.key)
                && other.is_some() != identifier.second.is_some()
            {
                return Err(Refuse::at(place.index(*index)).on_one_side(
                    &identifier.key,
                    list,
                    second,
                    other.as_deref(),
                ));
            }
            known.insert(identifier.key.clone(), identifier.second.clone());
        }
        // Where any element has the second key, kustomize finds none to delete by the first alone.
        let deletes = |element: &&Element<'_>| {
            element.directive == Directive::Delete && element.identifier.second.is_none()
        };
        match elements.iter().find(deletes) {
            Some(element) if known.values().any(Option::is_some) => {
                let key = &element.identifier.key;
                Err(Refuse::at(place.index(element.index)).deletes_by_half(key, list, second))
            }
            _ => Ok(()),
        }
    }

    /// Refuses directives anywhere in a list that is replaced whole: kustomize writes them into the object.
    fn without_directives(&self, list: &[Value], place: Place<'_>) -> Result<(), PatchError> {
        list.iter()
            .enumerate()
            .try_for_each(|(index, value)| self.without_directive(value, place.index(index)))
    }

    fn without_directive(&self, value: &Value, place: Place<'_>) -> Result<(), PatchError> {
        match value {
            Value::Object(map) if map.contains_key(DIRECTIVE) => {
                Err(Refuse::at(place.key(DIRECTIVE)).in_replaced_list(self.object))
            }
            Value::Object(map) => map
                .iter()
                .try_for_each(|(key, value)| self.without_directive(value, place.key(key))),
            Value::Array(list) => self.without_directives(list, place),
            _ => Ok(()),
        }
    }
}

/// Tells whether an element of a merging list is a directive about the list: `{$patch: ..}` alone.
fn is_of_list(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|map| map.len() == 1 && map.contains_key(DIRECTIVE))
}

/// Returns a scalar as text; `None` for null, lists and mappings.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        _ => None,
    }
}

/// Reads the keys of an element; `None` when the first is missing. An empty text is as good as none, as for kustomize.
fn identify<'v>(map: &'v Map<String, Value>, list: &Keyed) -> Option<Identifier<'v>> {
    let read = |key: &str| map.get(key).and_then(text).filter(|text| !text.is_empty());
    Some(Identifier {
        key: read(&list.key)?,
        second: list.second.as_deref().and_then(read),
    })
}

/// Writes the keys of an element for a message: `containerPort: 80, protocol: TCP`.
fn describe(identifier: &Identifier<'_>, list: &Keyed) -> String {
    let first = format!("{}: {}", list.key, identifier.key);
    match (&list.second, &identifier.second) {
        (Some(key), Some(value)) => format!("{first}, {key}: {value}"),
        _ => first,
    }
}
