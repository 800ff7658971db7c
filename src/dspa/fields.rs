//! Every field of the specification of a DataSciencePipelinesApplication, and what becomes of it, as data.
//!
//! Source: the published definition of the kind, versions v1 and v1alpha1, and
//! data-science-pipelines-operator at v2.18.0, `api/v1/dspipeline_types.go` and `controllers/dspipeline_params.go`.

/// A field, or a block of fields that are treated alike.
#[derive(Debug)]
pub(super) struct Field {
    /// Path below `spec`.
    pub(super) path: &'static str,
    /// What becomes of it.
    pub(super) fate: Fate,
}

/// What becomes of a field.
#[derive(Debug)]
pub(super) enum Fate {
    /// It is written to this path of the project.
    To {
        /// Path of the project.
        path: &'static str,
        /// What is written there.
        form: Form,
        /// The value that is the default on both sides, as JSON; nothing is written for it.
        usual: &'static str,
    },
    /// It takes more than copying.
    By(Rule),
    /// It has no counterpart.
    Left {
        /// The value, as JSON, that asks for nothing more than a stack has anyway; empty when there is none.
        usual: &'static str,
        /// Why.
        reason: &'static str,
        /// What to do instead; empty when there is nothing to do.
        instead: &'static str,
    },
}

/// What a value must be, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A text.
    Text,
    /// True or false.
    Flag,
    /// A number.
    Count,
    /// A number, or a text with one.
    Port,
    /// A quantity: a text or a number, written as text.
    Quantity,
    /// Requests and limits of CPU and memory.
    Resources,
    /// A list of texts.
    Texts,
}

/// What takes more than copying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// `dspVersion`: stacks are those of v2.
    Version,
    /// `podToPodTLS`: on by default, and needs an issuer here.
    PodTls,
    /// `apiServer.enableOauth`: on by default, and needs a host here.
    Route,
    /// `database.customExtraParams`: parameters of connections as JSON, TLS among them.
    Parameters,
    /// What an object store's URL is made of: `scheme`, `host`, `port`, `secure`.
    Endpoint,
    /// `basePath`: a prefix, without slashes at its ends.
    Prefix,
    /// `objectStorage.minio.bucket`, which the operator does not act on.
    Bucket,
    /// `proxy.noProxy`, which counts beside a proxy only.
    NoProxy,
}

const fn to(path: &'static str, target: &'static str, form: Form) -> Field {
    usual(path, target, form, "")
}

const fn usual(path: &'static str, target: &'static str, form: Form, usual: &'static str) -> Field {
    let fate = Fate::To {
        path: target,
        form,
        usual,
    };
    Field { path, fate }
}

const fn by(path: &'static str, rule: Rule) -> Field {
    Field {
        path,
        fate: Fate::By(rule),
    }
}

const fn left(
    path: &'static str,
    usual: &'static str,
    reason: &'static str,
    instead: &'static str,
) -> Field {
    let fate = Fate::Left {
        usual,
        reason,
        instead,
    };
    Field { path, fate }
}

const ALWAYS_THERE: &str = "a stack does not work without it";
const NO_HEALTH_CHECK: &str =
    "nothing waits for a health check: programs retry until the server answers";
const MANAGED: &str =
    "pipelines that Open Data Hub brings along are not part of Kubeflow Pipelines";
const UPLOAD: &str = "upload the pipelines through the API or the UI";
const TEKTON: &str = "it is for version 1 on Tekton, which stacks are not";
const OPENSHIFT_ROUTE: &str = "a Route needs a host, and an application states none";

/// Every field, in the order in which a project is written.
pub(super) const FIELDS: &[Field] = &[
    by("dspVersion", Rule::Version),
    // The database.
    left(
        "database.mariaDB.deploy",
        "true",
        "a stack without a server of its own uses one that it is told of",
        "write `database: {external: {…}}` or the name of a shared one",
    ),
    to(
        "database.mariaDB.image",
        "database.embedded.image",
        Form::Text,
    ),
    usual(
        "database.mariaDB.pvcSize",
        "database.embedded.size",
        Form::Quantity,
        "\"10Gi\"",
    ),
    to(
        "database.mariaDB.storageClassName",
        "database.embedded.storageClass",
        Form::Text,
    ),
    usual(
        "database.mariaDB.pipelineDBName",
        "database.embedded.database",
        Form::Text,
        "\"mlpipeline\"",
    ),
    usual(
        "database.mariaDB.username",
        "database.embedded.user",
        Form::Text,
        "\"mlpipeline\"",
    ),
    to(
        "database.mariaDB.passwordSecret.name",
        "database.embedded.credentials.secret.name",
        Form::Text,
    ),
    to(
        "database.mariaDB.passwordSecret.key",
        "database.embedded.credentials.secret.keys.password",
        Form::Text,
    ),
    to(
        "database.mariaDB.resources",
        "database.embedded.resources",
        Form::Resources,
    ),
    to(
        "database.externalDB.host",
        "database.external.host",
        Form::Text,
    ),
    usual(
        "database.externalDB.port",
        "database.external.port",
        Form::Port,
        "3306",
    ),
    to(
        "database.externalDB.pipelineDBName",
        "database.external.database",
        Form::Text,
    ),
    to(
        "database.externalDB.username",
        "database.external.user",
        Form::Text,
    ),
    to(
        "database.externalDB.passwordSecret.name",
        "database.external.credentials.secret.name",
        Form::Text,
    ),
    to(
        "database.externalDB.passwordSecret.key",
        "database.external.credentials.secret.keys.password",
        Form::Text,
    ),
    by("database.customExtraParams", Rule::Parameters),
    left("database.disableHealthCheck", "false", NO_HEALTH_CHECK, ""),
    // The object store.
    left(
        "objectStorage.minio.deploy",
        "true",
        "a stack without a server of its own uses one that it is told of",
        "write `objectStore: {external: {…}}` or the name of a shared one",
    ),
    to(
        "objectStorage.minio.image",
        "objectStore.embedded.image",
        Form::Text,
    ),
    usual(
        "objectStorage.minio.pvcSize",
        "objectStore.embedded.size",
        Form::Quantity,
        "\"10Gi\"",
    ),
    to(
        "objectStorage.minio.storageClassName",
        "objectStore.embedded.storageClass",
        Form::Text,
    ),
    by("objectStorage.minio.bucket", Rule::Bucket),
    to(
        "objectStorage.minio.s3CredentialsSecret.secretName",
        "objectStore.embedded.credentials.secret.name",
        Form::Text,
    ),
    to(
        "objectStorage.minio.s3CredentialsSecret.accessKey",
        "objectStore.embedded.credentials.secret.keys.accessKey",
        Form::Text,
    ),
    to(
        "objectStorage.minio.s3CredentialsSecret.secretKey",
        "objectStore.embedded.credentials.secret.keys.secretKey",
        Form::Text,
    ),
    to(
        "objectStorage.minio.resources",
        "objectStore.embedded.resources",
        Form::Resources,
    ),
    by("objectStorage.externalStorage.scheme", Rule::Endpoint),
    by("objectStorage.externalStorage.host", Rule::Endpoint),
    by("objectStorage.externalStorage.port", Rule::Endpoint),
    by("objectStorage.externalStorage.secure", Rule::Endpoint),
    to(
        "objectStorage.externalStorage.region",
        "objectStore.external.region",
        Form::Text,
    ),
    to(
        "objectStorage.externalStorage.bucket",
        "objectStore.external.bucket",
        Form::Text,
    ),
    by("objectStorage.externalStorage.basePath", Rule::Prefix),
    to(
        "objectStorage.externalStorage.s3CredentialsSecret.secretName",
        "objectStore.external.credentials.secret.name",
        Form::Text,
    ),
    to(
        "objectStorage.externalStorage.s3CredentialsSecret.accessKey",
        "objectStore.external.credentials.secret.keys.accessKey",
        Form::Text,
    ),
    to(
        "objectStorage.externalStorage.s3CredentialsSecret.secretKey",
        "objectStore.external.credentials.secret.keys.secretKey",
        Form::Text,
    ),
    left(
        "objectStorage.disableHealthCheck",
        "false",
        NO_HEALTH_CHECK,
        "",
    ),
    left(
        "objectStorage.enableExternalRoute",
        "false",
        "an embedded object store is not exposed",
        "let people fetch artifacts through the UI, or use an object store outside of the stack",
    ),
    // The API server.
    left("apiServer.deploy", "true", ALWAYS_THERE, ""),
    to("apiServer.image", "components.apiServer.image", Form::Text),
    to(
        "apiServer.resources",
        "components.apiServer.resources",
        Form::Resources,
    ),
    usual(
        "apiServer.cacheEnabled",
        "components.apiServer.cacheEnabled",
        Form::Flag,
        "true",
    ),
    usual(
        "apiServer.pipelineStore",
        "components.apiServer.pipelineStore",
        Form::Text,
        "\"database\"",
    ),
    to(
        "apiServer.resourceTTL",
        "components.apiServer.resourceTTL",
        Form::Text,
    ),
    to(
        "apiServer.workspace.volumeClaimTemplateSpec.storageClassName",
        "components.apiServer.workspace.storageClass",
        Form::Text,
    ),
    to(
        "apiServer.workspace.volumeClaimTemplateSpec.accessModes",
        "components.apiServer.workspace.accessModes",
        Form::Texts,
    ),
    left(
        "apiServer.workspace.volumeClaimTemplateSpec",
        "",
        "a workspace has a storage class and access modes, and takes its size from the pipeline",
        "state the size in the pipeline; for other fields, write `components.apiServer.config`",
    ),
    usual(
        "apiServer.enableSamplePipeline",
        "components.apiServer.samplePipelines",
        Form::Flag,
        "false",
    ),
    by("apiServer.enableOauth", Rule::Route),
    to(
        "apiServer.argoDriverImage",
        "components.driver.image",
        Form::Text,
    ),
    to(
        "apiServer.argoLauncherImage",
        "components.launcher.image",
        Form::Text,
    ),
    left(
        "apiServer.customServerConfigMap",
        "",
        "the server's configuration is rendered, and read from no other ConfigMap",
        "write what differs in that ConfigMap into `components.apiServer.config`",
    ),
    left(
        "apiServer.customKfpLauncherConfigMap",
        "",
        "`kfp-launcher` is rendered, and read from no other ConfigMap",
        "write what differs in that ConfigMap into `components.apiServer.launcherConfig`",
    ),
    left(
        "apiServer.artifactSignedURLExpirySeconds",
        "60",
        "only Open Data Hub's API server reads it",
        "",
    ),
    left("apiServer.managedPipelines", "", MANAGED, UPLOAD),
    left("apiServer.initResources", "", MANAGED, UPLOAD),
    left("apiServer.toolboxImage", "", MANAGED, UPLOAD),
    left("apiServer.rhelAIImage", "", MANAGED, UPLOAD),
    left("apiServer.runtimeGenericImage", "", MANAGED, UPLOAD),
    // Of v1alpha1.
    left("apiServer.applyTektonCustomResource", "", TEKTON, ""),
    left(
        "apiServer.archiveLogs",
        "false",
        TEKTON,
        "for logs of steps, set `archiveLogs` in `components.workflowController.config`",
    ),
    left("apiServer.artifactImage", "", TEKTON, ""),
    left("apiServer.artifactScriptConfigMap", "", TEKTON, ""),
    left(
        "apiServer.autoUpdatePipelineDefaultVersion",
        "true",
        TEKTON,
        "",
    ),
    left("apiServer.cacheImage", "", TEKTON, ""),
    left("apiServer.collectMetrics", "true", TEKTON, ""),
    left("apiServer.dbConfigConMaxLifetimeSec", "120", TEKTON, ""),
    left("apiServer.injectDefaultScript", "", TEKTON, ""),
    left("apiServer.moveResultsImage", "", TEKTON, ""),
    left("apiServer.stripEOF", "", TEKTON, ""),
    left("apiServer.terminateStatus", "", TEKTON, ""),
    left("apiServer.trackArtifacts", "", TEKTON, ""),
    // The other programs.
    left("persistenceAgent.deploy", "true", ALWAYS_THERE, ""),
    to(
        "persistenceAgent.image",
        "components.persistenceAgent.image",
        Form::Text,
    ),
    to(
        "persistenceAgent.resources",
        "components.persistenceAgent.resources",
        Form::Resources,
    ),
    usual(
        "persistenceAgent.numWorkers",
        "components.persistenceAgent.numWorkers",
        Form::Count,
        "2",
    ),
    left(
        "persistenceAgent.pipelineAPIServerName",
        "\"ml-pipeline\"",
        "the API server has one name in all stacks",
        "",
    ),
    left("scheduledWorkflow.deploy", "true", ALWAYS_THERE, ""),
    to(
        "scheduledWorkflow.image",
        "components.scheduledWorkflow.image",
        Form::Text,
    ),
    to(
        "scheduledWorkflow.resources",
        "components.scheduledWorkflow.resources",
        Form::Resources,
    ),
    usual(
        "scheduledWorkflow.cronScheduleTimezone",
        "components.scheduledWorkflow.timezone",
        Form::Text,
        "\"UTC\"",
    ),
    usual(
        "workflowController.deploy",
        "components.workflowController.deploy",
        Form::Flag,
        "true",
    ),
    to(
        "workflowController.image",
        "components.workflowController.image",
        Form::Text,
    ),
    to(
        "workflowController.argoExecImage",
        "components.workflowController.executorImage",
        Form::Text,
    ),
    to(
        "workflowController.resources",
        "components.workflowController.resources",
        Form::Resources,
    ),
    left(
        "workflowController.customConfig",
        "",
        "the controller's configuration is rendered, and read from no other ConfigMap",
        "write what differs in that ConfigMap into `components.workflowController.config`",
    ),
    left("mlmd.deploy", "true", ALWAYS_THERE, ""),
    to(
        "mlmd.grpc.image",
        "components.metadata.grpc.image",
        Form::Text,
    ),
    to(
        "mlmd.grpc.resources",
        "components.metadata.grpc.resources",
        Form::Resources,
    ),
    left(
        "mlmd.grpc.port",
        "\"8080\"",
        "the API server reaches the metadata server at port 8080 and at no other",
        "",
    ),
    to(
        "mlmd.envoy.image",
        "components.metadata.envoy.image",
        Form::Text,
    ),
    to(
        "mlmd.envoy.resources",
        "components.metadata.envoy.resources",
        Form::Resources,
    ),
    left(
        "mlmd.envoy.deployRoute",
        "false",
        "the metadata server is reached from inside of the stack only",
        "the UI shows what it holds",
    ),
    left("mlmd.writer", "", TEKTON, ""),
    usual(
        "mlpipelineUI.deploy",
        "components.ui.enabled",
        Form::Flag,
        "true",
    ),
    to("mlpipelineUI.image", "components.ui.image", Form::Text),
    to(
        "mlpipelineUI.resources",
        "components.ui.resources",
        Form::Resources,
    ),
    left(
        "mlpipelineUI.configMap",
        "",
        "the UI's configuration is rendered, and read from no other ConfigMap",
        "change the UI's ConfigMap by `patches`",
    ),
    usual(
        "visualizationServer.deploy",
        "components.visualization.enabled",
        Form::Flag,
        "false",
    ),
    left(
        "visualizationServer",
        "",
        "the visualization server has no settings but whether it is there",
        "write a patch",
    ),
    usual(
        "crdviewer.deploy",
        "components.viewer.enabled",
        Form::Flag,
        "false",
    ),
    left(
        "crdviewer",
        "",
        "the viewer has no settings but whether it is there",
        "write a patch",
    ),
    // What concerns all of them.
    to(
        "apiServer.cABundle.configMapName",
        "caBundle.configMap",
        Form::Text,
    ),
    to(
        "apiServer.cABundle.configMapKey",
        "caBundle.key",
        Form::Text,
    ),
    left(
        "apiServer.caBundleFileMountPath",
        "",
        "the bundle is mounted where each program looks for it",
        "",
    ),
    left(
        "apiServer.caBundleFileName",
        "",
        "the bundle is mounted where each program looks for it",
        "",
    ),
    by("podToPodTLS", Rule::PodTls),
    to("proxy.httpProxy", "proxy.http", Form::Text),
    to("proxy.httpsProxy", "proxy.https", Form::Text),
    by("proxy.noProxy", Rule::NoProxy),
    left(
        "mlflow",
        "",
        "only Open Data Hub's API server has this integration",
        "",
    ),
];

/// Why a Route is not carried over.
pub(super) const ROUTE: (&str, &str) = (
    OPENSHIFT_ROUTE,
    "write `access: {exposure: route, host: …, auth: kubeRbacProxy}`",
);

/// Returns the field that a path belongs to: itself, or the nearest block around it.
pub(super) fn field(path: &str) -> Option<&'static Field> {
    let around = |field: &&Field| {
        path.strip_prefix(field.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    FIELDS
        .iter()
        .filter(around)
        .max_by_key(|field| field.path.len())
}
