//! Makes ConfigMaps and Secrets from literals and files.
//!
//! Takes an entry of `configMapGenerator` or `secretGenerator` with the texts of its files; gives an object. Where an
//! object of that name is there already, both become one. Reads no files itself.
//! Source: `api/kv`, `api/internal/generators` and `resmap.AbsorbAll` of kustomize v5.5.0.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::context::Context;
use super::file::{Behavior, Generator, Options};
use super::reader::Located;
use super::resource::{Resource, child};
use super::set::{Index, Set};
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::source::Span;

/// Longest line of base64 that kustomize writes.
const BASE64_LINE: usize = 70;

/// One key with its value, and the entry that it comes from.
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) span: Span,
}

/// Reads `key=value`.
///
/// Errors: `invalid-kustomization`.
pub(crate) fn literal(entry: &Located, context: &mut Context<'_>) -> Result<Pair, Rejected> {
    match entry.text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok(Pair {
            key: key.to_owned(),
            value: unquoted(value).as_bytes().to_vec(),
            span: entry.span,
        }),
        _ => Err(context.refuse(
            Diagnostic::error(
                Code::InvalidKustomization,
                format!("the literal `{}` is not `key=value`", entry.text),
            )
            .at(entry.span),
        )),
    }
}

/// Takes away quotes that stand on both sides.
fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find(|quote| value.len() > 1 && value.starts_with(*quote) && value.ends_with(*quote))
        .map_or(value, |_| &value[1..value.len() - 1])
}

/// Reads `path` or `key=path`; gives key and path.
///
/// Errors: `invalid-kustomization`.
pub(crate) fn file_source(
    entry: &Located,
    context: &mut Context<'_>,
) -> Result<(String, String), Rejected> {
    let problem = match entry.text.split_once('=') {
        None => {
            let name = entry
                .text
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or("");
            return Ok((name.to_owned(), entry.text.clone()));
        }
        Some(("", _)) => "has no key before `=`",
        Some((_, "")) => "has no path after `=`",
        Some((_, path)) if path.contains('=') => "has a second `=`",
        Some((key, path)) => return Ok((key.to_owned(), path.to_owned())),
    };
    Err(context.refuse(
        Diagnostic::error(
            Code::InvalidKustomization,
            format!("the file `{}` {problem}", entry.text),
        )
        .at(entry.span)
        .hint("write `path` or `key=path`"),
    ))
}

/// Reads the lines of an env file.
///
/// Errors: `invalid-utf8`.
pub(crate) fn env_file(
    bytes: &[u8],
    entry: &Located,
    context: &mut Context<'_>,
) -> Result<Vec<Pair>, Rejected> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(context.refuse(
            Diagnostic::error(Code::InvalidUtf8, format!("`{}` is not UTF-8", entry.text))
                .at(entry.span),
        ));
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(lines
        .map(str::trim_start)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            Pair {
                key: key.to_owned(),
                value: value.as_bytes().to_vec(),
                span: entry.span,
            }
        })
        .collect())
}

/// Makes the object of a generator.
///
/// Errors: `invalid-kustomization` for a key that stands twice.
pub(crate) fn object(
    generator: &Generator,
    secret: bool,
    global: &Options,
    pairs: Vec<Pair>,
    context: &mut Context<'_>,
) -> Result<Resource, Rejected> {
    let mut data: Map<String, Value> = Map::new();
    let mut binary: Map<String, Value> = Map::new();
    let mut spans: HashMap<String, Span> = HashMap::new();
    for pair in pairs {
        if let Some(first) = spans.insert(pair.key.clone(), pair.span) {
            return Err(context.refuse(
                Diagnostic::error(
                    Code::InvalidKustomization,
                    format!(
                        "the key `{}` stands twice in `{}`",
                        pair.key, generator.name
                    ),
                )
                .at(pair.span)
                .label("again")
                .also(first, "first"),
            ));
        }
        if pair.key.is_empty() {
            return Err(context.invalid(pair.span, "an empty key"));
        }
        match (secret, String::from_utf8(pair.value)) {
            (true, value) => {
                let bytes = value.map_or_else(|error| error.into_bytes(), String::into_bytes);
                data.insert(pair.key, Value::from(base64(&bytes)));
            }
            (false, Ok(text)) => {
                data.insert(pair.key, Value::from(text));
            }
            (false, Err(error)) => {
                binary.insert(pair.key, Value::from(base64(error.as_bytes())));
            }
        }
    }
    let options = generator.options.with(global);
    let mut body = Map::new();
    body.insert("apiVersion".to_owned(), Value::from("v1"));
    let kind = if secret { "Secret" } else { "ConfigMap" };
    body.insert("kind".to_owned(), Value::from(kind));
    body.insert(
        "metadata".to_owned(),
        Value::Object(metadata(generator, &options)),
    );
    if secret {
        let secret_type = match generator.secret_type.as_str() {
            "" => "Opaque",
            other => other,
        };
        body.insert("type".to_owned(), Value::from(secret_type));
    }
    for (field, map) in [("data", data), ("binaryData", binary)] {
        // kustomize writes the data of a Secret also when there is none.
        if !map.is_empty() || secret && field == "data" {
            body.insert(field.to_owned(), Value::Object(map));
        }
    }
    if options.immutable {
        body.insert("immutable".to_owned(), Value::Bool(true));
    }
    context.count_objects(1, generator.span)?;
    let mut resource = Resource::new(Value::Object(body), generator.span);
    resource.hashed = !options.without_hash;
    Ok(resource)
}

fn metadata(generator: &Generator, options: &Options) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), Value::from(generator.name.as_str()));
    if !generator.namespace.is_empty() {
        metadata.insert(
            "namespace".to_owned(),
            Value::from(generator.namespace.as_str()),
        );
    }
    for (field, pairs) in [
        ("labels", &options.labels),
        ("annotations", &options.annotations),
    ] {
        if !pairs.is_empty() {
            let map = pairs
                .iter()
                .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
                .collect();
            metadata.insert(field.to_owned(), Value::Object(map));
        }
    }
    metadata
}

/// Puts generated objects into the set.
///
/// Errors: `duplicate-object`; `invalid-kustomization` for a merge without an object to merge with.
pub(crate) fn absorb(
    generated: Vec<(Resource, Behavior)>,
    set: &mut Set,
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    if generated.is_empty() {
        return Ok(());
    }
    let mut index = set.index().clone();
    for (resource, behavior) in generated {
        absorb_one(resource, behavior, &mut index, set, context)?;
    }
    Ok(())
}

fn absorb_one(
    mut resource: Resource,
    behavior: Behavior,
    index: &mut Index,
    set: &mut Set,
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    let span = resource.origin;
    let id = resource.id();
    let known = index.get(&id).map_or(&[][..], Vec::as_slice);
    match (behavior, known) {
        (Behavior::Create, []) => {
            index.insert(id, vec![set.list().len()]);
            set.add(resource, context)
        }
        (Behavior::Create, [place, ..]) => {
            let first = &set.list()[*place];
            let finding = Diagnostic::error(
                Code::DuplicateObject,
                format!("`{}` is there already", resource.shown()),
            )
            .at(span)
            .label("made here")
            .also(first.origin, "first")
            .hint("write `behavior: merge` to add keys, `behavior: replace` to replace them all");
            Err(context.refuse(finding))
        }
        (_, []) => {
            let finding = Diagnostic::error(
                Code::InvalidKustomization,
                format!("there is no `{}` to merge with", resource.shown()),
            )
            .at(span)
            .hint("`behavior: merge` and `replace` need an object of that name and namespace under `resources`");
            Err(context.refuse(finding))
        }
        (_, [_, _, ..]) => {
            let message = format!("there are several `{}` to merge with", resource.shown());
            Err(context.invalid(span, message))
        }
        (behavior, [place]) => {
            let place = *place;
            let old = &set.list()[place];
            take_metadata(&mut resource, old);
            if behavior == Behavior::Merge {
                take_keys(&mut resource, old, "data");
                take_keys(&mut resource, old, "binaryData");
            }
            let slot = &mut set.bodies_mut()[place];
            *slot = resource;
            Ok(())
        }
    }
}

/// Takes over what the object is called, its labels, its annotations and its history.
fn take_metadata(resource: &mut Resource, old: &Resource) {
    for field in ["labels", "annotations"] {
        let Some(Value::Object(before)) = old.body.get("metadata").and_then(|m| m.get(field))
        else {
            continue;
        };
        let mut merged = before.clone();
        let metadata = resource.metadata();
        if let Some(Value::Object(own)) = metadata.get(field) {
            merged.extend(own.clone());
        }
        metadata.insert(field.to_owned(), Value::Object(merged));
    }
    resource.set_name(old.name());
    match old.namespace() {
        "" => {
            resource.metadata().shift_remove("namespace");
        }
        namespace => {
            let namespace = Value::from(namespace);
            resource
                .metadata()
                .insert("namespace".to_owned(), namespace);
        }
    }
    // A hash is added only if both want one.
    resource.hashed = resource.hashed && old.hashed;
    resource.former.clone_from(&old.former);
    resource.prefixes.clone_from(&old.prefixes);
    resource.suffixes.clone_from(&old.suffixes);
    resource.vars.clone_from(&old.vars);
}

fn take_keys(resource: &mut Resource, old: &Resource, field: &str) {
    let Some(Value::Object(before)) = old.body.get(field) else {
        return;
    };
    // Numbers and the like become the strings that the API server wants there.
    let as_text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let mut merged: Map<String, Value> = before
        .iter()
        .map(|(key, value)| (key.clone(), Value::from(as_text(value))))
        .collect();
    if let Some(Value::Object(own)) = resource.body.get(field) {
        merged.extend(own.clone());
    }
    if !merged.is_empty() {
        *child(&mut resource.body, field) = merged;
    }
}

/// Writes base64 as kustomize does: in lines, each with a line feed, when one line is not enough.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..4 {
            if position <= group.len() {
                let digit = (bits >> (18 - 6 * position)) & 63;
                digits.push(char::from(DIGITS[digit as usize]));
            } else {
                digits.push('=');
            }
        }
    }
    if digits.len() < BASE64_LINE {
        return digits;
    }
    let mut lines = String::with_capacity(digits.len() + digits.len() / BASE64_LINE + 1);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % BASE64_LINE == 0 {
            lines.push('\n');
        }
        lines.push(digit);
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_broken_into_lines() {
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"ab"), "YWI=");
        assert_eq!(base64(b"abc"), "YWJj");
        assert_eq!(base64(&[0xff, 0xfe, 0x00]), "//4A");
        assert_eq!(base64(&[0; 51]).len(), 68);
        let two_lines = base64(&[0; 54]);
        assert_eq!(two_lines.len(), 74);
        assert_eq!(two_lines.lines().map(str::len).collect::<Vec<_>>(), [70, 2]);
        assert!(two_lines.ends_with('\n'));
    }

    #[test]
    fn quotes_on_both_sides_are_taken_away() {
        assert_eq!(unquoted("\"q\""), "q");
        assert_eq!(unquoted("'q'"), "q");
        assert_eq!(unquoted("'q\""), "'q\"");
        assert_eq!(unquoted("\""), "\"");
        assert_eq!(unquoted(""), "");
    }
}
