//! `components`: images, resources and settings of each part of the stack.

use serde_json::Value;

use super::Block;
use crate::config::shape::quote;
use crate::config::types::{self, text};
use crate::diagnostic::{Code, nearest};
use crate::grammar::{duration, name, quantity};
use crate::model::resources;
use crate::model::scope::{Report, below};
use crate::model::{
    ApiServer, Components, ContainerSettings, Metadata, PersistenceAgent, ScheduledWorkflow,
    Switch, Ui, WorkflowController, Workspace,
};

impl Block<'_> {
    fn container(
        &self,
        report: &mut Report,
        pointer: &str,
        image: Option<text::Image>,
        written: Option<types::Resources>,
    ) -> ContainerSettings {
        ContainerSettings {
            image: image.map(|image| image.0),
            resources: resources::resolve(
                self.scope,
                report,
                &below(pointer, "resources"),
                written,
            ),
        }
    }

    pub(super) fn components(&self, report: &mut Report, written: types::Components) -> Components {
        let agent = written.persistence_agent.unwrap_or_default();
        let scheduled = written.scheduled_workflow.unwrap_or_default();
        let controller = written.workflow_controller.unwrap_or_default();
        let metadata = written.metadata.unwrap_or_default();
        let grpc = metadata.grpc.unwrap_or_default();
        let envoy = metadata.envoy.unwrap_or_default();
        let ui = written.ui.unwrap_or_default();
        let image =
            |only: Option<types::ImageOnly>| only.and_then(|only| only.image).map(|image| image.0);
        let switch = |switch: Option<types::Switch>| Switch {
            enabled: switch.and_then(|switch| switch.enabled).unwrap_or(false),
        };
        Components {
            api_server: self.api_server(report, written.api_server.unwrap_or_default()),
            persistence_agent: PersistenceAgent {
                container: self.container(
                    report,
                    "/components/persistenceAgent",
                    agent.image,
                    agent.resources,
                ),
                num_workers: agent.num_workers.unwrap_or(2),
            },
            scheduled_workflow: ScheduledWorkflow {
                container: self.container(
                    report,
                    "/components/scheduledWorkflow",
                    scheduled.image,
                    scheduled.resources,
                ),
                timezone: scheduled
                    .timezone
                    .map_or_else(|| "UTC".to_owned(), |timezone| timezone.0),
            },
            workflow_controller: self.workflow_controller(report, controller),
            metadata: Metadata {
                grpc: self.container(
                    report,
                    "/components/metadata/grpc",
                    grpc.image,
                    grpc.resources,
                ),
                envoy: self.container(
                    report,
                    "/components/metadata/envoy",
                    envoy.image,
                    envoy.resources,
                ),
            },
            ui: Ui {
                container: self.container(report, "/components/ui", ui.image, ui.resources),
                enabled: ui.enabled.unwrap_or(true),
            },
            viewer: switch(written.viewer),
            visualization: switch(written.visualization),
            driver_image: image(written.driver),
            launcher_image: image(written.launcher),
        }
    }

    fn api_server(&self, report: &mut Report, written: types::ApiServer) -> ApiServer {
        let pointer = "/components/apiServer";
        let workspace = written.workspace.and_then(|workspace| {
            let Some(storage_class) = workspace.storage_class else {
                self.scope.missing(
                    report,
                    &below(pointer, "workspace"),
                    "storageClass",
                    "write the storage class of the volume; the API server does not start without it",
                );
                return None;
            };
            Some(Workspace {
                storage_class: storage_class.0,
                access_modes: workspace
                    .access_modes
                    .unwrap_or_else(|| vec![types::AccessMode::ReadWriteOnce])
                    .into_iter()
                    .map(|mode| {
                        match mode {
                            types::AccessMode::ReadWriteOnce => "ReadWriteOnce",
                            types::AccessMode::ReadOnlyMany => "ReadOnlyMany",
                            types::AccessMode::ReadWriteMany => "ReadWriteMany",
                            types::AccessMode::ReadWriteOncePod => "ReadWriteOncePod",
                        }
                        .to_owned()
                    })
                    .collect(),
                size: workspace.size.map(|size| quantity::canonical(&size.0)),
            })
        });
        self.launcher_config(report, written.launcher_config.as_ref());
        ApiServer {
            container: self.container(report, pointer, written.image, written.resources),
            env: written
                .env
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?.0)))
                .collect(),
            cache_enabled: written.cache_enabled.unwrap_or(true),
            pipeline_store: match written.pipeline_store {
                Some(types::PipelineStore::Kubernetes) => "kubernetes",
                Some(types::PipelineStore::Database) | None => "database",
            }
            .to_owned(),
            resource_ttl_seconds: written
                .resource_ttl
                .and_then(|ttl| duration::seconds(&ttl.0).ok()),
            workspace,
            sample_pipelines: written.sample_pipelines.unwrap_or(false),
            config: written
                .config
                .filter(|config| !config.is_empty())
                .map(Value::Object),
            launcher_config: written
                .launcher_config
                .filter(|config| !config.is_empty())
                .map(Value::Object),
        }
    }

    /// Checks the keys of `launcherConfig`, which become keys of a ConfigMap.
    fn launcher_config(
        &self,
        report: &mut Report,
        written: Option<&serde_json::Map<String, Value>>,
    ) {
        for key in written.into_iter().flat_map(serde_json::Map::keys) {
            let Err(complaint) = name::data_key(key) else {
                continue;
            };
            let pointer = below("/components/apiServer/launcherConfig", key);
            let place = self
                .merged
                .key_span(&pointer)
                .unwrap_or_else(|| self.scope.at(&pointer));
            report.push(
                self.scope
                    .error_at(
                        Code::InvalidName,
                        place,
                        format!("the key {} cannot stand in a ConfigMap", quote(key)),
                    )
                    .label(complaint.problem),
            );
        }
    }

    /// Settles the controller.
    ///
    /// Source: Argo Workflows v4.0.5, `config/config.go`: the configuration is parsed strictly, so that an unknown key
    /// stops the controller.
    fn workflow_controller(
        &self,
        report: &mut Report,
        written: types::WorkflowController,
    ) -> WorkflowController {
        let pointer = "/components/workflowController";
        let config_at = below(pointer, "config");
        if let (Some(config), Some((base, facts))) = (&written.config, self.base) {
            let known = &facts.controller_config_keys;
            for key in config.keys().filter(|key| !known.contains(*key)) {
                let pointer = below(&config_at, key);
                let place = self
                    .merged
                    .key_span(&pointer)
                    .unwrap_or_else(|| self.scope.at(&pointer));
                let mut diagnostic = self
                    .scope
                    .error_at(
                        Code::UnknownControllerKey,
                        place,
                        format!(
                            "the workflow controller of base `{base}` does not know {}",
                            quote(key)
                        ),
                    )
                    .label("it would not start");
                if let Some(near) = nearest(key, known.iter().map(String::as_str)) {
                    diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
                }
                report.push(diagnostic);
            }
        }
        if let (Some(config), Some(_)) = (&written.config, written.parallelism)
            && config.contains_key("parallelism")
        {
            report.push(
                self.scope
                    .error(
                        Code::Conflict,
                        &below(&config_at, "parallelism"),
                        "`parallelism` is given twice, once in `config`",
                    )
                    .also(self.scope.at(&below(pointer, "parallelism")), "also here")
                    .hint("remove the one in `config`"),
            );
        }
        WorkflowController {
            container: self.container(report, pointer, written.image, written.resources),
            deploy: written.deploy.unwrap_or(true),
            executor_image: written.executor_image.map(|image| image.0),
            config: written
                .config
                .filter(|config| !config.is_empty())
                .map(Value::Object),
            parallelism: written.parallelism,
        }
    }
}
