//! The order in which the objects come out.
//!
//! Source: `SortOrderTransformer` of kustomize v5.5.0.

use super::file::Sort;
use super::resource::Resource;

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Sorts the objects as the kustomization says.
pub(crate) fn sort(list: &mut [Resource], order: &Sort) {
    match order {
        Sort::AsRead => {}
        Sort::Standard => sort_by_kind(list, &FIRST, &LAST),
        Sort::Kinds { first, last } => sort_by_kind(list, first, last),
    }
}

fn sort_by_kind(list: &mut [Resource], first: &[impl AsRef<str>], last: &[impl AsRef<str>]) {
    list.sort_by_cached_key(|resource| {
        let kind = resource.kind();
        // Later lists win, as a map that both are written to.
        let rank = match (place_in(last, kind), place_in(first, kind)) {
            (Some(place), _) => (2, place),
            (None, Some(place)) => (0, place),
            (None, None) => (1, 0),
        };
        let gvk = resource.gvk();
        let or =
            |text: &str, otherwise: &str| if text.is_empty() { otherwise } else { text }.to_owned();
        (
            rank,
            format!(
                "{}_{}_{}",
                or(&gvk.group, "~G"),
                or(&gvk.version, "~V"),
                or(&gvk.kind, "~K")
            ),
            or(resource.namespace(), "~X"),
            or(resource.name(), "~N"),
        )
    });
}

/// Returns the last place of a kind.
fn place_in(kinds: &[impl AsRef<str>], kind: &str) -> Option<usize> {
    kinds.iter().rposition(|known| known.as_ref() == kind)
}
