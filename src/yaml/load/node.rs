//! Single nodes: what a key, a scalar, a merge and a local tag become.
//!
//! Takes texts and values; knows nothing of the collections around them.

use super::fault;
use crate::yaml::characters::{KeyFault, check_representable, check_representable_key};
use crate::yaml::error::LoadError;
use crate::yaml::scalar::{Plain, resolve};
use crate::yaml::tagged::resolve_tagged;
use serde_json::{Map, Value};
use std::ops::Range;

/// What the tag of a node asks for.
pub(super) enum Tagged {
    /// There is no tag.
    None,
    /// A tag of YAML itself, without its prefix.
    Core(String),
    /// A local tag, with its exclamation mark.
    Local(String),
}

/// A key whose value is to come.
pub(super) enum Key {
    Text(String, Range<usize>),
    Merge(Range<usize>),
}

/// Makes the mapping of one key that stands for a local tag.
pub(super) fn wrap(tag: String, value: Value) -> Value {
    let mut map = Map::with_capacity(1);
    map.insert(tag, value);
    Value::Object(map)
}

/// Returns the mappings that the value of a merge key names.
pub(super) fn merge_sources(value: Value, tags: bool) -> Option<Vec<Map<String, Value>>> {
    let source = |value: Value| match value {
        // What a local tag gives is known only later.
        Value::Object(map) if tags && map.keys().any(|key| key.starts_with('!')) => None,
        Value::Object(map) => Some(map),
        _ => None,
    };
    match value {
        Value::Array(list) => list.into_iter().map(source).collect(),
        value => Some(vec![source(value)?]),
    }
}

/// Reads the key of a mapping; an empty key has no text.
pub(super) fn scalar_key(
    text: &str,
    plain: bool,
    tag: &Tagged,
    range: Range<usize>,
) -> Result<Key, LoadError> {
    let text = if plain && range.is_empty() { "" } else { text };
    match tag {
        Tagged::None if !plain => {}
        Tagged::None if text == "<<" => return Ok(Key::Merge(range)),
        Tagged::None => {
            let what = match resolve(text) {
                Plain::Text => return text_key(text.to_owned(), range),
                Plain::Null => "null",
                Plain::Bool(_) => "a boolean",
                Plain::Number(_) => "a number",
                Plain::NonFinite => "an infinite number",
                Plain::Date => return Err(fault::unquoted_date(text, range)),
            };
            return Err(fault::non_string_key(text, what, range));
        }
        Tagged::Core(name) if name == "str" => {}
        Tagged::Core(_) | Tagged::Local(_) => return Err(fault::tagged_key(text, range)),
    }
    text_key(text.to_owned(), range)
}

/// Makes a key of a string.
pub(super) fn text_key(text: String, range: Range<usize>) -> Result<Key, LoadError> {
    match check_representable_key(&text) {
        Ok(()) => Ok(Key::Text(text, range)),
        Err(KeyFault::Merge) => Err(fault::merge_like_key(range)),
        Err(KeyFault::TooLong) => Err(fault::long_key(&text, range)),
        Err(KeyFault::Character(c)) => Err(fault::not_representable(c, range)),
    }
}

/// Reads a scalar that is not a key; `flow` tells that it stands in a flow collection.
pub(super) fn scalar_value(
    text: &str,
    plain: bool,
    tag: &Tagged,
    flow: bool,
    range: &Range<usize>,
) -> Result<Value, LoadError> {
    let value = match tag {
        Tagged::Local(_) => Value::from(text),
        Tagged::Core(name) => resolve_tagged(name, text)
            .map_err(|fault| fault::tag_error(fault, name, text, range.clone()))?,
        Tagged::None if !plain => Value::from(text),
        Tagged::None if range.is_empty() && flow => {
            return Err(fault::empty_flow_value(range.clone()));
        }
        Tagged::None if range.is_empty() => Value::Null,
        Tagged::None => match resolve(text) {
            Plain::Null => Value::Null,
            Plain::Bool(bool) => Value::Bool(bool),
            Plain::Number(number) => Value::Number(number),
            Plain::Text => Value::from(text),
            Plain::Date => return Err(fault::unquoted_date(text, range.clone())),
            Plain::NonFinite => return Err(fault::non_finite(text, range.clone())),
        },
    };
    match &value {
        Value::String(text) => match check_representable(text) {
            Ok(()) => Ok(value),
            Err(c) => Err(fault::not_representable(c, range.clone())),
        },
        _ => Ok(value),
    }
}
