//! `labels`, `commonLabels`, `commonAnnotations`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{misfit, set_entry};
use crate::diagnostic::Rejected;
use crate::kustomize::config::{Config, conflicting};
use crate::kustomize::context::Context;
use crate::kustomize::field::{Create, FieldSpec, add_field};
use crate::kustomize::file::Kustomization;
use crate::kustomize::resource::Resource;
use crate::source::Span;
use crate::yaml::push_token;

/// Sets the labels of a kustomization: those of `labels` in order, then `commonLabels`.
///
/// Errors: `invalid-kustomization`.
pub(crate) fn labels(
    file: &Kustomization,
    config: &Config,
    resources: &mut [Resource],
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    for entry in &file.labels {
        let mut fields = entry.fields.clone();
        let mut more: Vec<&FieldSpec> = Vec::new();
        if entry.selectors {
            more.extend(&config.common_labels);
        } else if entry.templates {
            more.extend(&config.template_labels);
        }
        more.extend(&config.labels);
        for field in more {
            add_field(&mut fields, field.clone())
                .map_err(|conflict| context.refuse(conflicting(&conflict, entry.span)))?;
        }
        set(&entry.pairs, &fields, entry.span, resources, context)?;
    }
    set(
        &file.common_labels,
        &config.common_labels,
        file.common_labels_span,
        resources,
        context,
    )
}

/// Sets the annotations of a kustomization.
///
/// Errors: `invalid-kustomization`.
pub(crate) fn annotations(
    file: &Kustomization,
    config: &Config,
    resources: &mut [Resource],
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    set(
        &file.common_annotations,
        &config.annotations,
        file.common_annotations_span,
        resources,
        context,
    )
}

fn set(
    pairs: &[(String, String)],
    fields: &[FieldSpec],
    asked: Span,
    resources: &mut [Resource],
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    if pairs.is_empty() {
        return Ok(());
    }
    let sorted: BTreeMap<&str, &str> = pairs
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    for resource in resources {
        let gvk = resource.gvk();
        let mut added: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for field in fields.iter().filter(|field| gvk.meets(&field.gvk)) {
            let outcome = field.visit(
                &mut resource.body,
                Create::Mapping,
                &mut |value, pointer| {
                    for (key, text) in &sorted {
                        if value.get(*key).is_none() {
                            let mut place = pointer.to_owned();
                            push_token(&mut place, key);
                            added.entry(key).or_default().push(place);
                        }
                        set_entry(value, key, text)?;
                    }
                    Ok(())
                },
            );
            outcome.map_err(|fault| misfit(&fault, resource, asked, context))?;
        }
        resource
            .follow_shared()
            .map_err(|fault| misfit(&fault, resource, asked, context))?;
        for (key, places) in added {
            resource.share(places, Value::from(sorted[key]));
        }
    }
    Ok(())
}
