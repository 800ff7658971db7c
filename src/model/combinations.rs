//! Settings that are right one by one and do not go together, or not with the base.
//!
//! Takes a finished project; each rule says where it comes from.

use super::scope::{Report, Scope};
use super::{BaseFacts, Project, StorageKind, access};
use crate::diagnostic::{Code, Severity};

/// Feature of a base whose task pods carry the security contexts that `restricted` wants.
const RESTRICTED_PODS: &str = "restrictedPods";

/// Checks what involves several settings of a project.
///
/// Errors: `conflict`, `unsupported-by-base`, `invalid-identifier`. Warnings: `conflict`, `unsupported-by-base`.
pub(super) fn check(
    project: &Project,
    scope: &Scope,
    base: Option<(&str, &BaseFacts)>,
    report: &mut Report,
) {
    if project.pod_to_pod_tls.is_some() && project.database.engine == "postgresql" {
        // The metadata server takes its own certificate from a configuration file that knows MySQL only (kfp-stack §2.9).
        report.push(
            scope
                .error(
                    Code::Conflict,
                    "/podToPodTLS",
                    "the metadata server cannot offer TLS with PostgreSQL behind it".to_owned(),
                )
                .also(scope.at("/database"), "the database")
                .hint("use a MySQL-compatible database, or leave `podToPodTLS` out"),
        );
    }
    if let Some(settings) = &project.access {
        access::check_members(settings, &project.members, scope, report);
    }
    if project.components.viewer.enabled && !project.components.ui.enabled {
        let mut warning = scope
            .error(
                Code::Conflict,
                "/components/viewer",
                "the viewer is left out: viewers are opened from the UI, which is switched off"
                    .to_owned(),
            )
            .also(scope.at("/components/ui"), "switched off here")
            .hint("write `ui: {enabled: true}`, or leave `viewer` out");
        warning.severity = Severity::Warning;
        report.push(warning);
    }
    if project.database.kind == StorageKind::Embedded && project.database.user == "root" {
        // Both images refuse to create a second `root` and do not start.
        report.push(
            scope
                .error(
                    Code::InvalidIdentifier,
                    "/database/embedded/user",
                    "an embedded server does not start with the user `root`".to_owned(),
                )
                .hint("choose another name; `mlpipeline` is the default"),
        );
    }
    let Some((base, facts)) = base else {
        return;
    };
    if project.pod_security.enforce == "restricted" && !facts.features.contains(RESTRICTED_PODS) {
        // kfp-stack §8.4: task pods of 2.15 carry no security contexts.
        report.push(
            scope
                .error(
                    Code::UnsupportedByBase,
                    "/podSecurity/enforce",
                    format!("task pods of base `{base}` do not satisfy `restricted`"),
                )
                .hint("use a newer base, or `enforce: baseline`"),
        );
    }
    let workspace = project.components.api_server.workspace.as_ref();
    if workspace.is_some_and(|workspace| workspace.size.is_some()) {
        // kfp-stack §6.13: the size comes from the pipeline, and the server reads none from its configuration.
        let mut warning = scope
            .error(
                Code::UnsupportedByBase,
                "/components/apiServer/workspace/size",
                format!(
                    "base `{base}` has no default size of workspaces: each pipeline states its own"
                ),
            )
            .hint("leave `size` out");
        warning.severity = Severity::Warning;
        report.push(warning);
    }
    if project.object_store.provider == "gcs"
        && project.object_store.credentials == super::Credentials::WorkloadIdentity
    {
        // kfp-stack §4.4 (g): the API server speaks S3 only, which Google's store answers to HMAC keys.
        let mut warning = scope
            .error(
                Code::UnsupportedByBase,
                "/objectStore/external/credentials",
                format!("the API server of base `{base}` cannot read Google Cloud Storage without HMAC keys; task pods and the UI can"),
            )
            .hint("artifacts work; uploads of pipeline files to the API server need `credentials: {secret: …}` with HMAC keys");
        warning.severity = Severity::Warning;
        report.push(warning);
    }
}
