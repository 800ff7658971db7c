//! `platform.sync`: which tools apply the rendered tree, from which repository, and where their objects live.
//!
//! What their objects look like is the business of [`crate::sync`].

use serde::Serialize;

use super::scope::{Report, Scope};
use crate::config::types;
use crate::diagnostic::Code;

/// Characters that Argo CD reads as a pattern in the `sourceRepos` of an AppProject.
///
/// They cannot be escaped there, because the URL is normalised before it is matched.
/// Source: Argo CD v3.5.1, `AppProject.IsSourcePermitted` (gitops-wiring §1.3).
const PATTERN: &[char] = &['*', '?', '[', ']', '{', '}', '\\', '!'];

/// A tool that applies the rendered tree to clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncTool {
    /// Argo CD.
    Argocd,
    /// Flux.
    Flux,
}

/// What the wiring needs to know besides clusters and projects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sync {
    /// URL of the Git repository, its scheme in lower case.
    pub url: String,
    /// Branch that is synced, without `refs/heads/`.
    pub branch: String,
    /// Settings for Argo CD; `None` when it is not in `sync`.
    pub argocd: Option<Argocd>,
    /// Settings for Flux; `None` when it is not in `sync`.
    pub flux: Option<Flux>,
}

/// `platform.argocd`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Argocd {
    /// Namespace of Argo CD and of its objects, `argocd` by default.
    pub namespace: String,
}

/// `platform.flux`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Flux {
    /// Namespace of Flux and of its objects, `flux-system` by default.
    pub namespace: String,
    /// Secret with the credentials for the repository.
    pub secret_ref: Option<String>,
}

impl Sync {
    /// Returns the tools, each once.
    pub fn tools(&self) -> Vec<SyncTool> {
        let argocd = self.argocd.as_ref().map(|_| SyncTool::Argocd);
        let flux = self.flux.as_ref().map(|_| SyncTool::Flux);
        argocd.into_iter().chain(flux).collect()
    }
}

/// Settles what the wiring needs; `None` when none is asked for, or something was reported.
///
/// Errors: `missing-key`, `invalid-endpoint`.
pub(super) fn resolve(
    written: &types::Platform,
    scope: &Scope,
    report: &mut Report,
) -> Option<Sync> {
    let tools = written.sync.as_deref().filter(|tools| !tools.is_empty())?;
    let repository = written.repository.as_ref();
    let Some(url) = repository.and_then(|repository| repository.url.as_ref()) else {
        let (block, key, hint) = if scope.has("/repository") {
            (
                "/repository",
                "url",
                "write the URL that the sync tools read",
            )
        } else {
            (
                "",
                "repository",
                "write `repository: {url: …}`: what the sync tools read",
            )
        };
        scope.missing(report, block, key, hint);
        return None;
    };
    let argocd = tools.contains(&types::SyncTool::Argocd);
    if argocd && url.0.contains(PATTERN) {
        report.push(
            scope
                .error(
                    Code::InvalidEndpoint,
                    "/repository/url",
                    format!("Argo CD would read `{}` as a pattern", url.0),
                )
                .label("holds a character of patterns")
                .hint("give the repository an address without `*?[]{}\\!`: projects are limited to it"),
        );
        return None;
    }
    Some(Sync {
        url: with_lower_case_scheme(&url.0),
        branch: repository
            .and_then(|repository| repository.branch.as_ref())
            .map_or_else(|| "main".to_owned(), |branch| branch.0.clone()),
        argocd: argocd.then(|| Argocd {
            namespace: argocd_namespace(written),
        }),
        flux: tools.contains(&types::SyncTool::Flux).then(|| Flux {
            namespace: flux_namespace(written),
            secret_ref: written
                .flux
                .as_ref()
                .and_then(|flux| flux.secret_ref.as_ref())
                .map(|name| name.0.clone()),
        }),
    })
}

/// Returns the namespace of Argo CD, whether it is in `sync` or not.
pub(super) fn argocd_namespace(written: &types::Platform) -> String {
    let argocd = written.argocd.as_ref();
    argocd
        .and_then(|argocd| argocd.namespace.as_ref())
        .map_or_else(|| "argocd".to_owned(), |namespace| namespace.0.clone())
}

/// Returns the namespace of Flux, whether it is in `sync` or not.
pub(super) fn flux_namespace(written: &types::Platform) -> String {
    let flux = written.flux.as_ref();
    flux.and_then(|flux| flux.namespace.as_ref())
        .map_or_else(|| "flux-system".to_owned(), |namespace| namespace.0.clone())
}

/// Returns a URL as Flux accepts it: its pattern knows schemes in lower case only.
fn with_lower_case_scheme(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
        None => url.to_owned(),
    }
}
