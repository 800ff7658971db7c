//! Strategic merge of one patch into one object.
//!
//! Takes an object and a patch, gives the [`Change`]s to make. Which lists merge comes from [`super::schema`];
//! the rules are those measured of kustomize v5.5.0, and what kustomize gets wrong without a word is refused.

mod list;
mod refuse;
mod rules;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::PatchError;
use super::change::Change;
use super::place::Place;
use super::schema::{self, Field, Shape};
use crate::diagnostic::{Code, nearest};
use crate::object::Object;
use refuse::Refuse;

/// The key of directives.
const DIRECTIVE: &str = "$patch";

/// Directives of `kubectl` and the API server that kustomize writes into the object as if they were fields.
const UNKNOWN_TO_KUSTOMIZE: [&str; 3] = [
    "$setElementOrder",
    "$deleteFromPrimitiveList",
    "$retainKeys",
];

/// What `$patch` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// Reads the directive of a mapping; without one, it merges.
fn directive(map: &Map<String, Value>, place: Place<'_>) -> Result<Directive, PatchError> {
    let Some(value) = map.get(DIRECTIVE) else {
        return Ok(Directive::Merge);
    };
    match value.as_str() {
        Some("merge") => Ok(Directive::Merge),
        Some("replace") => Ok(Directive::Replace),
        Some("delete") => Ok(Directive::Delete),
        written => {
            let shown = written.map_or_else(|| value.to_string(), str::to_owned);
            let mut error = PatchError::new(
                Code::InvalidPatch,
                place.key(DIRECTIVE),
                format!("`{shown}` is not a patch directive"),
            )
            .hint("write `$patch: delete`, `$patch: replace` or `$patch: merge`");
            if let Some(meant) = nearest(&shown, ["delete", "replace", "merge"]) {
                error = error.hint(format!("did you mean `{meant}`?"));
            }
            Err(error)
        }
    }
}

/// Returns the items of a patch that is a list of patches.
pub(crate) fn items(patch: &Value) -> Option<&Vec<Value>> {
    let is_list = patch.get("kind")?.as_str()?.ends_with("List");
    patch.get("items")?.as_array().filter(|_| is_list)
}

/// Checks all that can be checked without an object.
///
/// Errors: `invalid-patch`, `patch-refused`.
pub(super) fn check(patch: &Value) -> Result<(), PatchError> {
    let root = Place::Root("");
    match items(patch) {
        None => check_root(patch, root),
        Some(items) if items.is_empty() => Err(PatchError::new(
            Code::InvalidPatch,
            root.key("items"),
            "the list of patches is empty",
        )
        .hint("remove it")),
        Some(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check_root(item, root.key("items").index(index))),
    }
}

fn check_root(patch: &Value, root: Place<'_>) -> Result<(), PatchError> {
    let Value::Object(map) = patch else {
        return Err(PatchError::new(
            Code::InvalidPatch,
            root,
            format!(
                "a strategic merge patch is a mapping, not {}",
                a_kind_of(patch)
            ),
        )
        .hint(
            "write the fields to change as they stand in the object; a JSON 6902 patch is a list",
        ));
    };
    check_nodes(patch, root)?;
    if directive(map, root)? == Directive::Replace {
        return Err(Refuse::at(root.key(DIRECTIVE)).root_replace());
    }
    for key in ["apiVersion", "kind"] {
        if let Some(value) = map.get(key) {
            check_text(value, root.key(key))?;
        }
    }
    match map.get("metadata") {
        None => Ok(()),
        Some(Value::Object(metadata)) => {
            let place = root.key("metadata");
            if directive(metadata, place)? == Directive::Delete {
                return Err(without_metadata(place.key(DIRECTIVE)));
            }
            for key in ["name", "namespace"] {
                if let Some(value) = metadata.get(key) {
                    check_text(value, place.key(key))?;
                }
            }
            Ok(())
        }
        Some(Value::Null) => Err(without_metadata(root.key("metadata"))),
        Some(other) => Err(PatchError::new(
            Code::InvalidPatch,
            root.key("metadata"),
            format!("`metadata` is a mapping, not {}", a_kind_of(other)),
        )),
    }
}

fn without_metadata(place: Place<'_>) -> PatchError {
    PatchError::new(
        Code::InvalidPatch,
        place,
        "an object cannot lose its `metadata`",
    )
    .hint("delete single fields: `metadata: {labels: null}`")
}

fn check_text(value: &Value, place: Place<'_>) -> Result<(), PatchError> {
    if value.is_string() {
        return Ok(());
    }
    Err(PatchError::new(
        Code::InvalidPatch,
        place,
        format!("`{}` is a string, not {}", place.field(), a_kind_of(value)),
    )
    .hint("patches do not change what an object is; leave it out where a `target` is given"))
}

/// Checks the directives of every node.
fn check_nodes(node: &Value, place: Place<'_>) -> Result<(), PatchError> {
    match node {
        Value::Object(map) => {
            directive(map, place)?;
            for (key, value) in map {
                let place = place.key(key);
                let name = key.split('/').next().unwrap_or(key);
                if UNKNOWN_TO_KUSTOMIZE.contains(&name) {
                    return Err(Refuse::at(place).unknown_directive(key));
                }
                check_nodes(value, place)?;
            }
            Ok(())
        }
        Value::Array(list) => list
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| check_nodes(value, place.index(index))),
        _ => Ok(()),
    }
}

/// Returns what the patch changes in the object; `None` when nothing.
///
/// What identifies the object (apiVersion, kind, name, namespace) is not changed, whatever the patch says of it.
///
/// Errors: `patch-refused`, `patch-failed`; `invalid-patch` for a patch that [`check`] would not let through.
pub(super) fn changes(
    object: &Object,
    patch: &Value,
    root: Place<'_>,
) -> Result<Option<Change>, PatchError> {
    let shape = schema::shape(object.api_version(), object.kind());
    let merge = Merge { object };
    let (Value::Object(base), Value::Object(map)) = (&object.body, patch) else {
        return Err(merge.misfit(&object.body, patch, root));
    };
    if map.contains_key(DIRECTIVE) {
        match directive(map, root)? {
            Directive::Merge => {}
            Directive::Delete => return Ok(Some(Change::Remove)),
            Directive::Replace => return Err(Refuse::at(root.key(DIRECTIVE)).root_replace()),
        }
    }
    merge.fields(base, map, shape, Identity::Object, root)
}

/// Which of the fields of a mapping say what the object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identity {
    /// None.
    Nothing,
    /// `apiVersion` and `kind`, and the identity in `metadata`.
    Object,
    /// `name` and `namespace`.
    Metadata,
}

impl Identity {
    fn has(self, key: &str) -> bool {
        match self {
            Identity::Nothing => false,
            Identity::Object => matches!(key, "apiVersion" | "kind"),
            Identity::Metadata => matches!(key, "name" | "namespace"),
        }
    }

    fn below(self, key: &str) -> Identity {
        if self == Identity::Object && key == "metadata" {
            Identity::Metadata
        } else {
            Identity::Nothing
        }
    }
}

/// The merge of one patch into one object.
struct Merge<'o> {
    /// The object, as messages name it.
    object: &'o Object,
}

impl Merge<'_> {
    /// Merges into a value that is there and not null.
    fn value(
        &self,
        base: &Value,
        patch: &Value,
        field: Option<&Field>,
        identity: Identity,
        place: Place<'_>,
    ) -> Result<Option<Change>, PatchError> {
        match (base, patch) {
            (Value::Object(base), Value::Object(patch)) => {
                let shape = match field {
                    Some(Field::Mapping(shape)) => Some(shape),
                    _ => None,
                };
                self.mapping(base, patch, shape, identity, place)
            }
            (Value::Array(base), Value::Array(patch)) => self.list(base, patch, field, place),
            (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => {
                Err(self.misfit(base, patch, place))
            }
            (base, patch) => Ok((base != patch).then(|| Change::Set(patch.clone()))),
        }
    }

    /// Merges into a mapping, or replaces or removes it when the patch asks for that.
    fn mapping(
        &self,
        base: &Map<String, Value>,
        patch: &Map<String, Value>,
        shape: Option<&Shape>,
        identity: Identity,
        place: Place<'_>,
    ) -> Result<Option<Change>, PatchError> {
        match directive(patch, place)? {
            Directive::Merge => self.fields(base, patch, shape, identity, place),
            Directive::Delete => Ok(Some(Change::Remove)),
            Directive::Replace => {
                let mut fresh = self.fresh_fields(patch, shape, place)?;
                if identity != Identity::Nothing {
                    fresh.retain(|key, _| !identity.has(key));
                    let kept = base.iter().filter(|(key, _)| identity.has(key));
                    let mut whole: Map<String, Value> = kept
                        .map(|(key, value)| (key.clone(), value.clone()))
                        .collect();
                    whole.extend(fresh);
                    fresh = whole;
                }
                Ok((*base != fresh).then(|| Change::Set(Value::Object(fresh))))
            }
        }
    }

    /// Merges into a mapping field by field.
    fn fields(
        &self,
        base: &Map<String, Value>,
        patch: &Map<String, Value>,
        shape: Option<&Shape>,
        identity: Identity,
        place: Place<'_>,
    ) -> Result<Option<Change>, PatchError> {
        let mut changes = Vec::new();
        for (key, value) in patch {
            if key == DIRECTIVE || identity.has(key) {
                continue;
            }
            let before = base.get(key);
            let change = match (before, value) {
                (before, Value::Null) => before.map(|_| Change::Remove),
                (None | Some(Value::Null), value) => {
                    let field = shape.and_then(|shape| shape.field(key));
                    match self.fresh(value, field, place.key(key))? {
                        Some(value) => Some(Change::Set(value)),
                        None => before.map(|_| Change::Remove),
                    }
                }
                (Some(base), value) => {
                    let field = shape.and_then(|shape| shape.field(key));
                    self.value(base, value, field, identity.below(key), place.key(key))?
                }
            };
            if let Some(change) = change {
                changes.push((key.clone(), change));
            }
        }
        if changes.is_empty() {
            return Ok(None);
        }
        if let Some(rule) = shape.and_then(|shape| shape.rule.as_ref()) {
            self.obey(rule, base, &changes, place)?;
        }
        Ok(Some(Change::Fields(changes)))
    }

    /// Makes the value of a field that was not there: directives are obeyed and nulls vanish; `None` when nothing is left.
    fn fresh(
        &self,
        patch: &Value,
        field: Option<&Field>,
        place: Place<'_>,
    ) -> Result<Option<Value>, PatchError> {
        match patch {
            Value::Object(map) => {
                if directive(map, place)? == Directive::Delete {
                    return Ok(None);
                }
                let shape = match field {
                    Some(Field::Mapping(shape)) => Some(shape),
                    _ => None,
                };
                Ok(Some(Value::Object(self.fresh_fields(map, shape, place)?)))
            }
            Value::Array(list) => Ok(Some(Value::Array(self.fresh_list(list, field, place)?))),
            scalar => Ok(Some(scalar.clone())),
        }
    }

    fn fresh_fields(
        &self,
        patch: &Map<String, Value>,
        shape: Option<&Shape>,
        place: Place<'_>,
    ) -> Result<Map<String, Value>, PatchError> {
        let mut fresh = Map::new();
        for (key, value) in patch {
            if key == DIRECTIVE || value.is_null() {
                continue;
            }
            let field = shape.and_then(|shape| shape.field(key));
            if let Some(value) = self.fresh(value, field, place.key(key))? {
                fresh.insert(key.clone(), value);
            }
        }
        if let Some(rule) = shape.and_then(|shape| shape.rule.as_ref()) {
            self.obey_fresh(rule, &fresh, place)?;
        }
        Ok(fresh)
    }

    /// The error for values of different kinds that cannot be merged.
    fn misfit(&self, base: &Value, patch: &Value, place: Place<'_>) -> PatchError {
        let name = match place.field() {
            "" => "the patch".to_owned(),
            field => format!("`{field}`"),
        };
        PatchError::new(
            Code::PatchFailed,
            place,
            format!(
                "{name} is {} in `{}` and {} in the patch",
                a_kind_of(base),
                self.object.key(),
                a_kind_of(patch)
            ),
        )
        .hint(format!(
            "write {}, or `null` to delete it, or replace it with a JSON 6902 patch",
            a_kind_of(base)
        ))
    }
}

/// Says what kind of value it is, with its article.
pub(super) fn a_kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
