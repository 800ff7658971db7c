//! `namePrefix`, `nameSuffix`.

use serde_json::Value;

use super::misfit;
use crate::diagnostic::Rejected;
use crate::kustomize::context::Context;
use crate::kustomize::field::{Create, Fault, FieldSpec};
use crate::kustomize::reader::Located;
use crate::kustomize::resource::{Gvk, Resource};

/// Which side of a name is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Prefix,
    Suffix,
}

/// The field whose change is a change of the object's own name.
const NAME: &str = "metadata/name";

/// Puts a text before or after names.
///
/// Errors: `invalid-kustomization`.
pub(crate) fn names(
    added: &Located,
    side: Side,
    fields: &[FieldSpec],
    resources: &mut [Resource],
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    for resource in resources {
        let original = resource.original_gvk();
        if keeps_name(&original) {
            continue;
        }
        for field in fields.iter().filter(|field| original.meets(&field.gvk)) {
            if field.path == NAME {
                resource.remember();
                match side {
                    Side::Prefix => resource.prefixes.push(added.text.clone()),
                    Side::Suffix => resource.suffixes.push(added.text.clone()),
                }
            }
            if !resource.gvk().meets(&field.gvk) {
                continue;
            }
            let outcome = field.visit(&mut resource.body, Create::Scalar, &mut |value, _| {
                let name = match value {
                    Value::String(name) => name.as_str(),
                    Value::Null => "",
                    _ => return Err(Fault("a string is expected".to_owned())),
                };
                *value = Value::from(match side {
                    Side::Prefix => format!("{}{name}", added.text),
                    Side::Suffix => format!("{name}{}", added.text),
                });
                Ok(())
            });
            outcome.map_err(|fault| misfit(&fault, resource, added.span, context))?;
        }
    }
    Ok(())
}

/// Tells whether objects of a kind are never renamed.
fn keeps_name(gvk: &Gvk) -> bool {
    match gvk.kind.as_str() {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => gvk.group == "apiregistration.k8s.io",
        _ => false,
    }
}
