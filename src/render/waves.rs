//! The order in which Argo CD applies objects: sync waves, and health checks that would hold a wave up.
//!
//! Knows kinds and files, and nothing of the wiring itself. Flux has its own order and needs nothing.

use serde_json::json;

use crate::model::{State, SyncTool};
use crate::object::Object;

/// Annotation with the wave, as text; without it an object is in wave 0.
const WAVE: &str = "argocd.argoproj.io/sync-wave";
/// Annotation that takes an object out of the Application's health.
const IGNORE_HEALTH: &str = "argocd.argoproj.io/ignore-healthcheck";
/// Annotation of hooks, which have phases of their own.
const HOOK: &str = "argocd.argoproj.io/hook";

/// Puts an object into its wave; what says its own wave keeps it.
///
/// A wave begins when everything in the one before is healthy. A volume claim stays in the wave of the pods that mount
/// it: many storage classes bind it only when there is a pod, and it is not healthy before.
/// Source: gitops-wiring §1.5 (Argo CD v3.5.1).
pub(super) fn annotate(object: &mut Object, state: State, tools: &[SyncTool]) {
    if !tools.contains(&SyncTool::Argocd) {
        return;
    }
    let wave = wave(object);
    let unhealthy = ignores_health(object, state);
    let annotations = &object.body["metadata"]["annotations"];
    let wave = wave.filter(|_| annotations.get(WAVE).is_none() && annotations.get(HOOK).is_none());
    let unhealthy = unhealthy && annotations.get(IGNORE_HEALTH).is_none();
    if let Some(wave) = wave {
        object.body["metadata"]["annotations"][WAVE] = json!(wave);
    }
    if unhealthy {
        object.body["metadata"]["annotations"][IGNORE_HEALTH] = json!("true");
    }
}

/// Returns the wave of an object; `None` for wave 0.
fn wave(object: &Object) -> Option<&'static str> {
    match (object.group(), object.kind()) {
        // What everything else stands on.
        ("", "Namespace" | "ResourceQuota" | "LimitRange" | "ServiceAccount")
        | ("apiextensions.k8s.io", "CustomResourceDefinition")
        | ("networking.k8s.io", "NetworkPolicy")
        | (
            "rbac.authorization.k8s.io",
            "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding",
        ) => Some("-2"),
        // Issuers and stores with what asks them: an earlier wave would wait for a later one.
        ("cert-manager.io", "Issuer" | "ClusterIssuer")
        | ("bitnami.com", "SealedSecret")
        | ("external-secrets.io", "ExternalSecret" | "SecretStore" | "ClusterSecretStore")
        | ("generators.external-secrets.io", _) => Some("-1"),
        // What shows the stack to others, when there is something to show. A webhook that nobody answers refuses
        // objects.
        ("networking.k8s.io", "Ingress")
        | ("gateway.networking.k8s.io", "HTTPRoute")
        | ("route.openshift.io", "Route")
        | ("monitoring.coreos.com", "ServiceMonitor" | "PodMonitor" | "PrometheusRule")
        | (
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
        ) => Some("1"),
        _ if object.file == "secrets" => Some("-1"),
        _ => None,
    }
}

/// Tells whether an object may stay unhealthy although nothing is wrong.
///
/// An Ingress is healthy when its controller writes an address, which not every controller does. A claim of a paused
/// project has no pod that would bind it.
fn ignores_health(object: &Object, state: State) -> bool {
    match object.kind() {
        "Ingress" => true,
        "PersistentVolumeClaim" => state != State::Active,
        _ => false,
    }
}
