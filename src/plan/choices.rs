//! Choices that a base cannot follow: nothing in its components reads what was chosen.
//!
//! Takes a project and its base and gives an error for each choice that would be without effect. What the base does by
//! itself is no choice, so that a project with nothing but a name goes with every base. Knows what templates see
//! (`docs/plan-scope.md`), and nothing of what components do with it.

use super::storage::is_own_secret;
use crate::base::Base;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::model::{Credentials, Project, StorageKind};
use crate::render::settings;
use crate::source::Span;

/// A choice, and what a component reads that follows it.
struct Choice {
    /// Its place below the project; `*` is the form of storage that was chosen.
    pointer: &'static str,
    /// Paths of the scope; a component reads one of them.
    reads: &'static [&'static str],
    /// Whether the project differs here from what bases do by themselves.
    is_made: fn(&Project, &Base) -> bool,
}

/// What hangs on where the storage is comes first: the rest of a block is not looked at when that is without effect.
const STORAGE: [(&str, &[Choice]); 2] = [
    (
        "database",
        &[
            Choice {
                pointer: "/database/*",
                reads: &["plan.database.host"],
                is_made: |project, _| project.database.kind != StorageKind::Embedded,
            },
            Choice {
                pointer: "/database/*/credentials",
                reads: &["plan.database.secret"],
                is_made: |project, base| {
                    matches!(project.database.credentials, Credentials::Secret { .. })
                        && !is_own_secret(project, base, "database")
                },
            },
            Choice {
                pointer: "/database/*/credentials",
                reads: &["plan.database.externalSecret"],
                is_made: |project, _| {
                    let credentials = &project.database.credentials;
                    matches!(credentials, Credentials::ExternalSecret { .. })
                },
            },
            Choice {
                pointer: "/database/*/tls",
                reads: &["plan.database.tls"],
                is_made: |project, _| project.database.tls,
            },
            Choice {
                pointer: "/database/*/parameters",
                reads: &["plan.database.parametersJson"],
                is_made: |project, _| !project.database.parameters.is_empty(),
            },
            Choice {
                pointer: "/database/*/database",
                reads: &["plan.database.name"],
                is_made: |project, _| is_written(project, "/database/embedded/database"),
            },
            Choice {
                pointer: "/database/*/user",
                reads: &["plan.database.user"],
                is_made: |project, _| is_written(project, "/database/embedded/user"),
            },
            Choice {
                pointer: "/database/*/size",
                reads: &["plan.database.embedded.size"],
                is_made: |project, _| is_written(project, "/database/embedded/size"),
            },
            Choice {
                pointer: "/database/*/storageClass",
                reads: &["plan.database.embedded.storageClass"],
                is_made: |project, _| is_written(project, "/database/embedded/storageClass"),
            },
        ],
    ),
    (
        "objectStore",
        &[
            Choice {
                pointer: "/objectStore/*",
                reads: &[
                    "plan.objectStore.host",
                    "plan.objectStore.address",
                    "plan.objectStore.endpoint",
                ],
                is_made: |project, _| project.object_store.kind != StorageKind::Embedded,
            },
            Choice {
                pointer: "/objectStore/*/credentials",
                reads: &["plan.objectStore.secret"],
                is_made: |project, base| {
                    matches!(project.object_store.credentials, Credentials::Secret { .. })
                        && !is_own_secret(project, base, "objectStore")
                },
            },
            Choice {
                pointer: "/objectStore/*/credentials",
                reads: &["plan.objectStore.externalSecret"],
                is_made: |project, _| {
                    let credentials = &project.object_store.credentials;
                    matches!(credentials, Credentials::ExternalSecret { .. })
                },
            },
            Choice {
                pointer: "/objectStore/*/bucket",
                reads: &["plan.objectStore.bucket"],
                is_made: |project, _| {
                    project.object_store.kind != StorageKind::Embedded
                        || is_written(project, "/objectStore/embedded/bucket")
                },
            },
            Choice {
                pointer: "/objectStore/*/prefix",
                reads: &["plan.objectStore.prefix"],
                is_made: |project, _| project.object_store.prefix.is_some(),
            },
            Choice {
                pointer: "/objectStore/*/size",
                reads: &["plan.objectStore.embedded.size"],
                is_made: |project, _| is_written(project, "/objectStore/embedded/size"),
            },
            Choice {
                pointer: "/objectStore/*/storageClass",
                reads: &["plan.objectStore.embedded.storageClass"],
                is_made: |project, _| is_written(project, "/objectStore/embedded/storageClass"),
            },
        ],
    ),
];

const OTHERS: &[Choice] = &[
    Choice {
        pointer: "/caBundle",
        reads: &["plan.ca", "plan.cas"],
        is_made: |project, _| project.ca_bundle.is_some(),
    },
    Choice {
        pointer: "/objectStore/*/tls",
        reads: &["plan.ca", "plan.cas", "plan.objectStore.ca"],
        is_made: |project, _| project.object_store.tls_ca.is_some(),
    },
    Choice {
        pointer: "/podToPodTLS",
        reads: &["plan.podTls"],
        is_made: |project, _| project.pod_to_pod_tls.is_some(),
    },
    Choice {
        pointer: "/podSecurity/runAsUser",
        reads: &["plan.securityContext"],
        is_made: |project, _| project.pod_security.run_as_user.is_some(),
    },
    Choice {
        pointer: "/components/apiServer/env",
        reads: &["plan.components.apiServer.env"],
        is_made: |project, _| !project.components.api_server.env.is_empty(),
    },
    Choice {
        pointer: "/components/apiServer/cacheEnabled",
        reads: &["plan.components.apiServer.cacheEnabled"],
        is_made: |project, _| !project.components.api_server.cache_enabled,
    },
    Choice {
        pointer: "/components/apiServer/pipelineStore",
        reads: &["plan.components.apiServer.pipelineStore"],
        is_made: |project, _| project.components.api_server.pipeline_store != "database",
    },
    Choice {
        pointer: "/components/apiServer/resourceTTL",
        reads: &["plan.components.apiServer.resourceTtlSeconds"],
        is_made: |project, _| project.components.api_server.resource_ttl_seconds.is_some(),
    },
    Choice {
        pointer: "/components/apiServer/workspace",
        reads: &["plan.components.apiServer.workspace"],
        is_made: |project, _| project.components.api_server.workspace.is_some(),
    },
    Choice {
        pointer: "/components/apiServer/samplePipelines",
        reads: &["plan.components.apiServer.samplePipelines"],
        is_made: |project, _| project.components.api_server.sample_pipelines,
    },
    Choice {
        pointer: "/components/apiServer/config",
        reads: &["plan.components.apiServer.config"],
        is_made: |project, _| project.components.api_server.config.is_some(),
    },
    Choice {
        pointer: "/components/apiServer/launcherConfig",
        reads: &["plan.components.apiServer.launcherConfig"],
        is_made: |project, _| project.components.api_server.launcher_config.is_some(),
    },
    Choice {
        pointer: "/components/persistenceAgent/numWorkers",
        reads: &["plan.components.persistenceAgent.numWorkers"],
        is_made: |project, _| project.components.persistence_agent.num_workers != 2,
    },
    Choice {
        pointer: "/components/scheduledWorkflow/timezone",
        reads: &["plan.components.scheduledWorkflow.timezone"],
        is_made: |project, _| project.components.scheduled_workflow.timezone != "UTC",
    },
    Choice {
        pointer: "/components/workflowController/deploy",
        reads: &["plan.components.workflowController.deploy"],
        is_made: |project, _| !project.components.workflow_controller.deploy,
    },
    Choice {
        pointer: "/components/workflowController/config",
        reads: &["plan.components.workflowController.config"],
        is_made: |project, _| project.components.workflow_controller.config.is_some(),
    },
    Choice {
        pointer: "/components/workflowController/parallelism",
        reads: &["plan.components.workflowController.parallelism"],
        is_made: |project, _| project.components.workflow_controller.parallelism.is_some(),
    },
    Choice {
        pointer: "/components/workflowController/executorImage",
        reads: &["plan.images.executor"],
        is_made: |project, _| {
            let controller = &project.components.workflow_controller;
            controller.executor_image.is_some()
        },
    },
    Choice {
        pointer: "/components/ui/enabled",
        reads: &["plan.components.ui.enabled"],
        is_made: |project, _| !project.components.ui.enabled,
    },
    Choice {
        pointer: "/components/viewer/enabled",
        reads: &["plan.components.viewer.enabled"],
        is_made: |project, _| project.components.viewer.enabled,
    },
    Choice {
        pointer: "/components/visualization/enabled",
        reads: &["plan.components.visualization.enabled"],
        is_made: |project, _| project.components.visualization.enabled,
    },
    Choice {
        pointer: "/components/driver/image",
        reads: &["plan.images.driver"],
        is_made: |project, _| project.components.driver_image.is_some(),
    },
    Choice {
        pointer: "/components/launcher/image",
        reads: &["plan.images.launcher"],
        is_made: |project, _| project.components.launcher_image.is_some(),
    },
];

fn is_written(project: &Project, pointer: &str) -> bool {
    project.spans.contains_key(pointer)
}

/// Refuses what would be without effect.
///
/// Errors: `unsupported-by-base`. Warnings: `unsupported-by-base` for credentials that nothing makes.
pub(super) fn check(project: &Project, base: &Base, diagnostics: &mut Diagnostics) {
    let kinds = [project.database.kind, project.object_store.kind];
    for ((what, choices), kind) in STORAGE.into_iter().zip(kinds) {
        if !engine(project, base, what, diagnostics) {
            continue;
        }
        for (index, choice) in choices.iter().enumerate() {
            if !(choice.is_made)(project, base) || is_followed(choice, base) {
                continue;
            }
            diagnostics.push(refusal(project, base, choice));
            if index == 0 {
                break;
            }
        }
        if kind == StorageKind::Embedded {
            credentials(project, base, what, diagnostics);
        }
    }
    for choice in OTHERS {
        if (choice.is_made)(project, base) && !is_followed(choice, base) {
            diagnostics.push(refusal(project, base, choice));
        }
    }
    containers(project, base, diagnostics);
}

fn is_followed(choice: &Choice, base: &Base) -> bool {
    choice.reads.iter().any(|path| base.reads(path))
}

fn refusal(project: &Project, base: &Base, choice: &Choice) -> Diagnostic {
    let (pointer, setting) = place_of(project, choice.pointer);
    let name = &base.facts.name;
    Diagnostic::error(
        Code::UnsupportedByBase,
        format!(
            "`{setting}` is without effect in base `{name}`: none of its components reads `{}`",
            choice.reads[0]
        ),
    )
    .at(nearest_span(project, &pointer))
    .hint(format!(
        "add a component below `base/{name}/components/` whose patches write it into the programs (docs/bases.md; the bases that Tenantry ships have one), or leave `{setting}` out"
    ))
    .project(&project.name)
}

/// Returns the pointer of a choice in this project, and how its setting is called in messages.
fn place_of(project: &Project, pointer: &str) -> (String, String) {
    let kind = if pointer.starts_with("/database") {
        project.database.kind
    } else {
        project.object_store.kind
    };
    let form = match kind {
        StorageKind::Embedded => "embedded",
        StorageKind::Shared => "shared",
        StorageKind::External => "external",
    };
    let pointer = pointer.replace('*', form);
    let setting = pointer.trim_start_matches('/').replace('/', ".");
    (pointer, setting)
}

/// Returns the place of a setting, or of the nearest block around it that is written down.
fn nearest_span(project: &Project, pointer: &str) -> Span {
    let mut pointer = pointer;
    loop {
        if let Some(span) = project.spans.get(pointer).filter(|_| !pointer.is_empty()) {
            return *span;
        }
        match pointer.rfind('/') {
            Some(at) => pointer = &pointer[..at],
            None => return project.span,
        }
    }
}

/// Refuses an engine that the base does not have; false when there is one.
///
/// A base that has no engine at all, and whose components ask for none, comes with its storage or without any.
fn engine(project: &Project, base: &Base, what: &str, diagnostics: &mut Diagnostics) -> bool {
    let (engine, kind) = match what {
        "database" => (Some(&project.database.engine), project.database.kind),
        _ => (
            project.object_store.engine.as_ref(),
            project.object_store.kind,
        ),
    };
    let Some(engine) = engine.filter(|_| kind == StorageKind::Embedded) else {
        return true;
    };
    let known: Vec<&str> = base
        .facts
        .embedded
        .get(what)
        .into_iter()
        .flat_map(|engines| engines.keys())
        .map(String::as_str)
        .collect();
    let block = format!("/{what}/embedded");
    let is_chosen = is_written(project, &format!("/{what}"));
    if known.contains(&engine.as_str())
        || known.is_empty() && !is_chosen && !base.reads(&format!("plan.{what}.engine"))
    {
        return true;
    }
    let name = &base.facts.name;
    let hint = match known.first() {
        Some(first) => format!(
            "it has {}: write `{what}: {{embedded: {{engine: {first}}}}}`",
            known.join(", ")
        ),
        None => format!(
            "add a component with one below `base/{name}/components/`, and its Service to `embedded` of `base/{name}/base.yaml`"
        ),
    };
    diagnostics.push(
        Diagnostic::error(
            Code::UnsupportedByBase,
            format!("base `{name}` has no embedded `{engine}`"),
        )
        .at(nearest_span(project, &format!("{block}/engine")))
        .hint(hint)
        .project(&project.name),
    );
    false
}

/// Warns when the Secret of an embedded server is read and nothing makes it.
fn credentials(project: &Project, base: &Base, what: &str, diagnostics: &mut Diagnostics) {
    let (credentials, secret) = match what {
        "database" => (
            &project.database.credentials,
            &base.facts.secrets.database.name,
        ),
        _ => (
            &project.object_store.credentials,
            &base.facts.secrets.object_store.name,
        ),
    };
    if *credentials != Credentials::Generated || base.reads(&format!("plan.generates.{what}")) {
        return;
    }
    let reader = base
        .manifests
        .iter()
        .find(|object| reads_secret(&object.body, secret));
    let Some(reader) = reader else {
        return;
    };
    let name = &base.facts.name;
    diagnostics.push(
        Diagnostic::warning(
            Code::UnsupportedByBase,
            format!(
                "nothing in base `{name}` makes the Secret `{secret}`, which `{}` reads",
                reader.key()
            ),
        )
        .at(nearest_span(project, &format!("/{what}/embedded/credentials")))
        .hint(format!(
            "make it by hand before the first sync, or add a component below `base/{name}/components/` that makes it when `plan.generates.{what}` is true"
        ))
        .project(&project.name),
    );
}

/// Tells whether a variable or a volume comes from a Secret.
fn reads_secret(value: &serde_json::Value, secret: &str) -> bool {
    use serde_json::Value;
    match value {
        Value::Object(map) => map.iter().any(|(key, below)| {
            let names = match key.as_str() {
                "secretKeyRef" | "secretRef" => below.get("name"),
                "secret" => below.get("secretName"),
                _ => None,
            };
            names.and_then(Value::as_str) == Some(secret) || reads_secret(below, secret)
        }),
        Value::Array(list) => list.iter().any(|below| reads_secret(below, secret)),
        _ => false,
    }
}

/// Refuses images and resources of containers that the base does not name.
fn containers(project: &Project, base: &Base, diagnostics: &mut Diagnostics) {
    for (key, settings) in settings::containers(project) {
        let known = base.facts.workloads.contains_key(&key);
        let parts = [
            ("image", settings.image.is_some()),
            ("resources", settings.resources.is_some()),
        ];
        for (part, _) in parts.into_iter().filter(|(_, is_set)| *is_set && !known) {
            let block = match key.split_once('.') {
                Some((what @ ("database" | "objectStore"), _)) => format!("/{what}/embedded"),
                _ => format!("/components/{}", key.replace('.', "/")),
            };
            let pointer = format!("{block}/{part}");
            let name = &base.facts.name;
            diagnostics.push(
                Diagnostic::error(
                    Code::UnsupportedByBase,
                    format!(
                        "`{}` is without effect in base `{name}`: its `workloads` do not name the container",
                        pointer.trim_start_matches('/').replace('/', ".")
                    ),
                )
                .at(nearest_span(project, &pointer))
                .hint(format!(
                    "add `{key}` to `workloads` of `base/{name}/base.yaml`, or leave it out"
                ))
                .project(&project.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::embedded;
    use crate::source::{FileId, Sources};

    #[test]
    fn the_bases_that_are_shipped_follow_every_choice() {
        for name in ["kfp-2.17.0", "kfp-2.15.0"] {
            let mut sources = Sources::default();
            let prefix = format!("{name}/");
            let files: BTreeMap<String, FileId> = embedded::files()
                .into_iter()
                .filter_map(|(path, bytes)| {
                    let below = path.strip_prefix(&prefix)?;
                    let text = String::from_utf8_lossy(bytes).into_owned();
                    Some((below.to_owned(), sources.add(path, text)))
                })
                .collect();
            let base = Base::load(name, &files, &sources, &mut Diagnostics::default())
                .expect("the bases can be loaded");
            let ignored: Vec<&str> = STORAGE
                .into_iter()
                .flat_map(|(_, choices)| choices)
                .chain(OTHERS)
                .filter(|choice| !is_followed(choice, &base))
                .map(|choice| choice.pointer)
                .collect();
            assert_eq!(ignored, Vec::<&str>::new(), "{name}");
        }
    }
}
