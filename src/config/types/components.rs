//! `components`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::text::{self, *};

/// Settings of the stack's components.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Components {
    /// The API server.
    pub api_server: Option<ApiServer>,
    /// The persistence agent, which reports the state of runs.
    pub persistence_agent: Option<PersistenceAgent>,
    /// The controller of recurring runs.
    pub scheduled_workflow: Option<ScheduledWorkflow>,
    /// The Argo workflow controller.
    pub workflow_controller: Option<WorkflowController>,
    /// The metadata server and its bridge to browsers.
    pub metadata: Option<Metadata>,
    /// The UI.
    pub ui: Option<Ui>,
    /// The controller of TensorBoard viewers.
    pub viewer: Option<Switch>,
    /// The visualization server.
    pub visualization: Option<Switch>,
    /// The driver of steps.
    pub driver: Option<ImageOnly>,
    /// The launcher of steps.
    pub launcher: Option<ImageOnly>,
}

/// Resources of a container. A request must not be above its limit.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resources {
    /// What the container is given for certain.
    pub requests: Option<Amounts>,
    /// What the container may not go beyond.
    pub limits: Option<Amounts>,
}

/// Amounts of CPU and memory.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Amounts {
    /// CPU, in cores.
    pub cpu: Option<Quantity>,
    /// Memory, in bytes.
    pub memory: Option<Quantity>,
}

/// The API server.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiServer {
    /// Image of the container: the base's by default.
    pub image: Option<Image>,
    /// Resources of the container: the base's by default.
    pub resources: Option<Resources>,
    /// Extra environment variables.
    #[schemars(extend("propertyNames" = text::property_names::<Environment>()))]
    pub env: Option<BTreeMap<String, Option<Text>>>,
    /// Whether results of steps are used again.
    #[schemars(extend("default" = true))]
    pub cache_enabled: Option<bool>,
    /// Where pipelines are kept.
    #[schemars(extend("default" = "database"))]
    pub pipeline_store: Option<PipelineStore>,
    /// How long finished workflows are kept, such as `24h`: the base's time by default.
    #[serde(rename = "resourceTTL")]
    pub resource_ttl: Option<Duration>,
    /// Default volume that the steps of a pipeline share.
    pub workspace: Option<Workspace>,
    /// Whether the sample pipelines are loaded.
    #[schemars(extend("default" = false))]
    pub sample_pipelines: Option<bool>,
    /// Merged into the server's configuration file.
    pub config: Option<Map<String, Value>>,
    /// Merged into the data of the ConfigMap `kfp-launcher`.
    pub launcher_config: Option<Map<String, Value>>,
}

/// Where pipelines are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PipelineStore {
    /// In the database.
    Database,
    /// As Kubernetes objects.
    Kubernetes,
}

/// Default volume that the steps of a pipeline share.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workspace {
    /// Storage class. Needed.
    pub storage_class: Option<Subdomain>,
    /// Access modes.
    #[schemars(length(min = 1), extend("default" = ["ReadWriteOnce"]))]
    pub access_modes: Option<Vec<AccessMode>>,
    /// Size; the pipeline says it when not given.
    pub size: Option<Size>,
}

/// Access mode of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum AccessMode {
    /// One node writes.
    ReadWriteOnce,
    /// Many nodes read.
    ReadOnlyMany,
    /// Many nodes write.
    ReadWriteMany,
    /// One pod writes.
    ReadWriteOncePod,
}

/// The persistence agent.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersistenceAgent {
    /// Image of the container: the base's by default.
    pub image: Option<Image>,
    /// Resources of the container: the base's by default.
    pub resources: Option<Resources>,
    /// Worker threads.
    #[schemars(range(min = 1, max = 1000), extend("default" = 2))]
    pub num_workers: Option<u32>,
}

/// The controller of recurring runs.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduledWorkflow {
    /// Image of the container: the base's by default.
    pub image: Option<Image>,
    /// Resources of the container: the base's by default.
    pub resources: Option<Resources>,
    /// Time zone of schedules, such as `Europe/Berlin`.
    #[schemars(extend("default" = "UTC"))]
    pub timezone: Option<Timezone>,
}

/// The Argo workflow controller.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowController {
    /// Whether the project has a controller of its own; false when one of the cluster watches the namespace.
    #[schemars(extend("default" = true))]
    pub deploy: Option<bool>,
    /// Image of the container: the base's by default.
    pub image: Option<Image>,
    /// Image of argoexec: the base's by default.
    pub executor_image: Option<Image>,
    /// Resources of the container: the base's by default.
    pub resources: Option<Resources>,
    /// Merged into the controller's configuration.
    pub config: Option<Map<String, Value>>,
    /// Workflows that may run at once; unlimited when not given.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub parallelism: Option<u32>,
}

/// The metadata server and its bridge to browsers.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The server.
    pub grpc: Option<Container>,
    /// The bridge.
    pub envoy: Option<Container>,
}

/// A container.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// Image of the container: the base's by default.
    pub image: Option<Image>,
    /// Resources of the container: the base's by default.
    pub resources: Option<Resources>,
}

/// The UI.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ui {
    /// Whether it is deployed.
    #[schemars(extend("default" = true))]
    pub enabled: Option<bool>,
    /// Image of the container: the base's by default.
    pub image: Option<Image>,
    /// Resources of the container: the base's by default.
    pub resources: Option<Resources>,
}

/// A component that is only switched on or off.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Switch {
    /// Whether it is deployed.
    #[schemars(extend("default" = false))]
    pub enabled: Option<bool>,
}

/// A component of which only the image can be set.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageOnly {
    /// Image of the container: the base's by default.
    pub image: Option<Image>,
}
