//! `namespace`.

use serde_json::Value;

use super::{misfit, set_scalar};
use crate::diagnostic::Rejected;
use crate::kustomize::config::Config;
use crate::kustomize::context::Context;
use crate::kustomize::field::{Create, Fault, FieldSpec};
use crate::kustomize::reader::Located;
use crate::kustomize::resource::{Gvk, Resource};

/// Puts every object into a namespace, except for kinds that kustomize knows as cluster-scoped.
///
/// Errors: `invalid-kustomization`. Two objects with one id afterwards are for the caller to find.
pub(crate) fn namespace(
    namespace: &Located,
    config: &Config,
    resources: &mut [Resource],
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    for resource in resources {
        resource.remember();
        let outcome = set(&namespace.text, config, resource);
        outcome.map_err(|fault| misfit(&fault, resource, namespace.span, context))?;
    }
    Ok(())
}

fn set(namespace: &str, config: &Config, resource: &mut Resource) -> Result<(), Fault> {
    let gvk = resource.gvk();
    if !resource.is_cluster_scoped() {
        let metadata = resource.metadata();
        let value = metadata.entry("namespace").or_insert(Value::Null);
        set_scalar(value, namespace)?;
    }
    let binds = matches!(gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
    if binds {
        set_default_subjects(namespace, resource)?;
    }
    for field in &config.namespace {
        if gvk.meets(&field.gvk) && !is_special(field, &gvk, binds) {
            field.visit(&mut resource.body, Create::Scalar, &mut |value, _| {
                set_scalar(value, namespace)
            })?;
        }
    }
    Ok(())
}

/// Tells whether a field of the configuration is left to the rules above, whatever the configuration says.
fn is_special(field: &FieldSpec, gvk: &Gvk, binds: bool) -> bool {
    match field.path.as_str() {
        "metadata/namespace" => true,
        "metadata/name" => !(gvk.group.is_empty() && gvk.version == "v1"),
        "subjects" | "subjects/namespace" => {
            binds
                && matches!(
                    field.gvk.kind.as_str(),
                    "RoleBinding" | "ClusterRoleBinding"
                )
        }
        _ => false,
    }
}

/// Sets the namespace of subjects that are called `default`; others follow their ServiceAccounts later.
fn set_default_subjects(namespace: &str, resource: &mut Resource) -> Result<(), Fault> {
    let Some(subjects) = resource
        .body
        .get_mut("subjects")
        .filter(|value| !value.is_null())
    else {
        return Ok(());
    };
    let Value::Array(subjects) = subjects else {
        return Err(Fault("at `subjects`: a list is expected".to_owned()));
    };
    for subject in subjects {
        if subject.get("name").and_then(Value::as_str) == Some("default")
            && let Value::Object(subject) = subject
        {
            set_scalar(subject.entry("namespace").or_insert(Value::Null), namespace)?;
        }
    }
    Ok(())
}
