//! The images of one project or cluster: mirrored, and held against the policy.

use std::collections::BTreeSet;

use crate::base::Base;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::images::{self, Use};
use crate::model::{Cluster, Project};
use crate::object::Object;
use crate::plan::Plan;
use crate::source::Span;

use super::settings;

/// Points the references of a project's objects to the mirrors, and returns them.
///
/// Errors: `image-not-mirrored`, `image-without-digest`.
pub(super) fn of_project(
    objects: &mut [Object],
    project: &Project,
    cluster: &Cluster,
    plan: &Plan,
    base: &Base,
    diagnostics: &mut Diagnostics,
) -> Vec<Use> {
    let known = plan.images.values().cloned().collect();
    let uses = images::apply(objects, &known, &cluster.images);
    for found in &uses {
        let Some(finding) = finding(found, cluster, base) else {
            continue;
        };
        diagnostics.push(
            if base
                .facts
                .images
                .values()
                .any(|image| *image == found.source)
            {
                finding
            } else {
                let place = override_place(project, &found.source).unwrap_or(project.span);
                let asked = finding.span;
                let finding = finding.at(place).project(&project.name);
                match asked {
                    Some(asked) => finding.also(asked, "asked for here"),
                    None => finding,
                }
            },
        );
    }
    uses
}

/// Points the references of a cluster's own objects to the mirrors, and returns them.
///
/// Errors: as of a project.
pub(super) fn of_cluster(
    objects: &mut [Object],
    cluster: &Cluster,
    base: &Base,
    diagnostics: &mut Diagnostics,
) -> Vec<Use> {
    let known: BTreeSet<String> = base.facts.images.values().cloned().collect();
    let uses = images::apply(objects, &known, &cluster.images);
    for found in &uses {
        if let Some(finding) = finding(found, cluster, base) {
            diagnostics.push(finding);
        }
    }
    uses
}

/// Says what the policy has against an image, at the place of the policy: for an image of the base, once for all projects.
fn finding(found: &Use, cluster: &Cluster, base: &Base) -> Option<Diagnostic> {
    let policy = &cluster.images;
    let image = &found.source;
    let named = base.facts.images.iter().find(|(_, known)| *known == image);
    let owner = match named {
        Some((name, _)) => format!(", `{name}` of base `{}`,", base.facts.name),
        None => format!(" of `{}`", found.object),
    };
    let (mut diagnostic, place) = if found.unmapped && !policy.allow_unmapped {
        let registry = images::registry(image);
        let diagnostic = Diagnostic::error(
            Code::ImageNotMirrored,
            format!("the image `{image}`{owner} is covered by no mirror"),
        )
        .label(format!("nothing here begins with `{registry}`"))
        .hint(format!(
            "add `{registry}: <mirror>`, `{registry}: {registry}` to fetch it from there, or `allowUnmapped: true`"
        ));
        (diagnostic, policy.mirrors_span)
    } else if policy.require_digests && !images::has_digest(&found.image) {
        let diagnostic = Diagnostic::error(
            Code::ImageWithoutDigest,
            format!("the image `{image}`{owner} has no digest"),
        )
        .label("digests are required")
        .hint("write `<registry>/<repository>@sha256:<digest>`; `tenantry images pin` pins those of a base");
        (diagnostic, policy.require_digests_span)
    } else {
        return None;
    };
    if named.is_none() {
        diagnostic = diagnostic.hint(format!("it stands in `{}`", found.path));
    }
    diagnostic.span = place;
    Some(diagnostic)
}

/// Returns where a project sets an image of the stack.
fn override_place(project: &Project, image: &str) -> Option<Span> {
    let components = &project.components;
    let single = [
        ("/components/driver/image", &components.driver_image),
        ("/components/launcher/image", &components.launcher_image),
        (
            "/components/workflowController/executorImage",
            &components.workflow_controller.executor_image,
        ),
    ];
    let of_containers = settings::containers(project)
        .into_iter()
        .map(|(key, settings)| {
            let block = match key.split_once('.') {
                Some(("database", _)) => "/database/embedded".to_owned(),
                Some(("objectStore", _)) => "/objectStore/embedded".to_owned(),
                _ => format!("/components/{}", key.replace('.', "/")),
            };
            (format!("{block}/image"), settings.image)
        });
    single
        .into_iter()
        .map(|(pointer, set)| (pointer.to_owned(), set.clone()))
        .chain(of_containers)
        .find(|(_, set)| set.as_deref() == Some(image))
        .and_then(|(pointer, _)| project.spans.get(&pointer).copied())
}
