//! `platform.images`: where images come from.

use std::collections::BTreeMap;

use serde::Serialize;

use super::scope::{Report, Scope, below};
use crate::config::types;
use crate::diagnostic::Code;
use crate::images::is_registry;
use crate::source::Span;

/// `platform.images`, as it holds in one cluster; the pull secrets stand beside it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImagePolicy {
    /// Beginnings of references, of whole path segments, to what replaces them.
    pub mirrors: BTreeMap<String, String>,
    /// Whether images that no mirror covers may be used while there are mirrors.
    pub allow_unmapped: bool,
    /// Whether an image without a digest is an error.
    pub require_digests: bool,
    /// Where the mirrors are given.
    #[serde(skip)]
    pub mirrors_span: Option<Span>,
    /// Where digests are required.
    #[serde(skip)]
    pub require_digests_span: Option<Span>,
}

impl ImagePolicy {
    /// Tells whether it asks for anything.
    pub fn is_active(&self) -> bool {
        self.require_digests || !self.mirrors.is_empty()
    }
}

/// Settles `images`.
///
/// Errors: `invalid-image` for a prefix that does not begin with a registry, as every reference does when it is written
/// out.
pub(super) fn resolve(scope: &Scope, report: &mut Report, written: &types::Images) -> ImagePolicy {
    let mut mirrors = BTreeMap::new();
    for (prefix, target) in written.mirrors.iter().flatten() {
        let Some(target) = target else { continue };
        let pointer = below("/images/mirrors", prefix);
        let mut whole = true;
        let first = |text: &str| text.split('/').next().unwrap_or_default().to_owned();
        for (text, hint) in [
            (
                prefix,
                format!("write `docker.io/{prefix}` for what is fetched as `{prefix}/…`"),
            ),
            (
                &target.0,
                "write the host name of the mirror in full, or its port".to_owned(),
            ),
        ] {
            let registry = first(text);
            if is_registry(&registry) {
                continue;
            }
            whole = false;
            report.push(
                scope
                    .error(
                        Code::InvalidImage,
                        &pointer,
                        format!("the mirror `{prefix}: {}` names no registry", target.0),
                    )
                    .label(format!("`{registry}` has neither a dot nor a port"))
                    .hint(hint),
            );
        }
        if whole {
            mirrors.insert(prefix.clone(), target.0.clone());
        }
    }
    let place = |pointer: &str| scope.has(pointer).then(|| scope.at(pointer));
    ImagePolicy {
        mirrors,
        allow_unmapped: written.allow_unmapped.unwrap_or(false),
        require_digests: written.require_digests.unwrap_or(false),
        mirrors_span: place("/images/mirrors"),
        require_digests_span: place("/images/requireDigests"),
    }
}
