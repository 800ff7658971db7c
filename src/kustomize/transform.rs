//! The transformations that a kustomization asks for by a field of its own: namespace, names, labels, annotations,
//! images, replicas.
//!
//! Takes the objects so far and changes them; each submodule does one thing. Knows no patches and no references.

mod images;
mod labels;
mod names;
mod namespace;
mod replicas;

use serde_json::{Map, Value};

use super::context::Context;
use super::field::Fault;
use super::resource::Resource;
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::source::Span;

pub(crate) use images::images;
pub(crate) use labels::{annotations, labels};
pub(crate) use names::{Side, names};
pub(crate) use namespace::namespace;
pub(crate) use replicas::replicas;

/// Makes the finding for an object that a transformation cannot change.
pub(crate) fn misfit(
    fault: &Fault,
    resource: &Resource,
    asked: Span,
    context: &mut Context<'_>,
) -> Rejected {
    context.refuse(
        Diagnostic::error(
            Code::InvalidKustomization,
            format!("`{}` cannot be changed {}", resource.shown(), fault.0),
        )
        .at(asked)
        .label("asked for here")
        .also(resource.origin, "the object"),
    )
}

/// Sets a key of the mapping at `value`, which is made when it is null.
fn set_entry(value: &mut Value, key: &str, text: &str) -> Result<(), Fault> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => {
            map.insert(key.to_owned(), Value::from(text));
            Ok(())
        }
        _ => Err(Fault("a mapping is expected".to_owned())),
    }
}

/// Sets a scalar.
fn set_scalar(value: &mut Value, text: &str) -> Result<(), Fault> {
    match value {
        Value::Object(_) | Value::Array(_) => Err(Fault("a scalar is expected".to_owned())),
        scalar => {
            *scalar = Value::from(text);
            Ok(())
        }
    }
}
