//! Kubernetes objects and sets of them.

pub mod shape;

use serde_json::Value;

/// One Kubernetes object and the file of the project's directory that it goes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The object itself, always a mapping with `apiVersion`, `kind` and `metadata.name`.
    pub body: Value,
    /// Stem of the file that the object is written to, for example `api-server`.
    pub file: String,
}

/// What identifies an object inside one set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// API group, empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace, empty when absent.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl std::fmt::Display for ObjectKey {
    /// Writes `Kind/name`, the form in which messages name objects.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl Object {
    /// Returns a string field of the top level or below, by path, empty when absent.
    fn text(&self, path: &[&str]) -> &str {
        let mut value = &self.body;
        for key in path {
            match value.get(key) {
                Some(below) => value = below,
                None => return "",
            }
        }
        value.as_str().unwrap_or("")
    }

    /// Returns `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.text(&["apiVersion"])
    }

    /// Returns the API group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version()
            .rsplit_once('/')
            .map_or("", |(group, _)| group)
    }

    /// Returns the API version without its group.
    pub fn version(&self) -> &str {
        self.api_version()
            .rsplit_once('/')
            .map_or(self.api_version(), |(_, version)| version)
    }

    /// Returns `kind`.
    pub fn kind(&self) -> &str {
        self.text(&["kind"])
    }

    /// Returns `metadata.name`.
    pub fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }

    /// Returns `metadata.namespace`, empty when absent.
    pub fn namespace(&self) -> &str {
        self.text(&["metadata", "namespace"])
    }

    /// Returns what identifies the object.
    pub fn key(&self) -> ObjectKey {
        ObjectKey {
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }
}

/// Kinds in the order in which they are applied; a kind that is not listed comes last.
///
/// Source: gitops-engine's order inside a sync wave (Argo CD v3.5.1, gitops-wiring §1.5).
const APPLY_ORDER: [&str; 30] = [
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Returns the place of a kind in the order in which objects are applied.
pub fn apply_rank(kind: &str) -> usize {
    APPLY_ORDER
        .iter()
        .position(|known| *known == kind)
        .unwrap_or(APPLY_ORDER.len())
}

/// Tells whether a kind is cluster-scoped.
///
/// Built-in kinds of Kubernetes 1.33 and the custom kinds of the tools that Tenantry writes for; any other kind counts as namespaced.
/// kustomize's own table (1.21) lacks the newer ones and gives them a namespace (yaml-and-patches §7).
pub fn is_cluster_scoped(group: &str, kind: &str) -> bool {
    match group {
        "" => matches!(
            kind,
            "Namespace" | "Node" | "PersistentVolume" | "ComponentStatus"
        ),
        "admissionregistration.k8s.io"
        | "apiextensions.k8s.io"
        | "apiregistration.k8s.io"
        | "flowcontrol.apiserver.k8s.io"
        | "node.k8s.io"
        | "scheduling.k8s.io"
        | "storagemigration.k8s.io"
        | "internal.apiserver.k8s.io" => true,
        "authentication.k8s.io" => true,
        "authorization.k8s.io" => kind != "LocalSubjectAccessReview",
        "certificates.k8s.io" => {
            matches!(kind, "CertificateSigningRequest" | "ClusterTrustBundle")
        }
        "networking.k8s.io" => matches!(kind, "IngressClass" | "IPAddress" | "ServiceCIDR"),
        "policy" => kind == "PodSecurityPolicy",
        "rbac.authorization.k8s.io" => matches!(kind, "ClusterRole" | "ClusterRoleBinding"),
        "resource.k8s.io" => matches!(kind, "DeviceClass" | "ResourceSlice"),
        "storage.k8s.io" => kind != "CSIStorageCapacity",
        "argoproj.io" => kind == "ClusterWorkflowTemplate",
        "cert-manager.io" => kind == "ClusterIssuer",
        "external-secrets.io" => {
            matches!(
                kind,
                "ClusterSecretStore" | "ClusterExternalSecret" | "ClusterPushSecret"
            )
        }
        "generators.external-secrets.io" => kind == "ClusterGenerator",
        "gateway.networking.k8s.io" => kind == "GatewayClass",
        "kyverno.io" => kind == "ClusterPolicy",
        "policy.networking.k8s.io" => true,
        "snapshot.storage.k8s.io" => {
            matches!(kind, "VolumeSnapshotClass" | "VolumeSnapshotContent")
        }
        "project.openshift.io" | "security.openshift.io" | "config.openshift.io" => true,
        _ => false,
    }
}
