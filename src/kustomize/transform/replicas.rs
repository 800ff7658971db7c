//! `replicas`.

use serde_json::Value;

use super::misfit;
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::kustomize::config::Config;
use crate::kustomize::context::Context;
use crate::kustomize::field::Create;
use crate::kustomize::file::Replicas;
use crate::kustomize::resource::Resource;

/// Sets the number of replicas of the workloads that have, or had, a name.
///
/// Errors: `invalid-kustomization` when there is none.
pub(crate) fn replicas(
    entry: &Replicas,
    config: &Config,
    resources: &mut [Resource],
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    let mut found = false;
    for resource in resources {
        for field in &config.replicas {
            let is_meant = resource.name() == entry.name && resource.gvk().meets(&field.gvk)
                || resource.former.iter().any(|former| {
                    former.name == entry.name && resource.gvk_with(&former.kind).meets(&field.gvk)
                });
            if !is_meant {
                continue;
            }
            found = true;
            if !resource.gvk().meets(&field.gvk) {
                continue;
            }
            let outcome = field.visit(&mut resource.body, Create::Scalar, &mut |value, _| {
                *value = Value::from(entry.count);
                Ok(())
            });
            outcome.map_err(|fault| misfit(&fault, resource, entry.span, context))?;
        }
    }
    if found {
        return Ok(());
    }
    Err(context.refuse(
        Diagnostic::error(
            Code::InvalidKustomization,
            format!("there is no workload `{}` whose replicas could be set", entry.name),
        )
        .at(entry.span)
        .hint("workloads are Deployment, ReplicaSet, StatefulSet, ReplicationController, and what `configurations` adds"),
    ))
}
