//! Which settings are behind a value that templates see: `plan.database.host` is made of a line of `projects.yaml`, or of
//! one of `base.yaml` and the project's namespace.
//!
//! Takes a path and a project; gives JSON pointers into `projects.yaml` and `base.yaml`. Asked by `explain` only, so that
//! plans remember nothing; a test holds it against everything that templates see.

use crate::base::Base;
use crate::model::{ConfigMapKey, Credentials, Exposure, Project, StorageKind};
use crate::render::settings::containers;
use crate::yaml::push_token;

/// A setting, by JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// Of the project, with its profile and `defaults`.
    Project(String),
    /// Of the project's cluster, or of `platform`.
    Platform(String),
    /// Of `projects.yaml`, from its root.
    File(String),
    /// Of `base.yaml`.
    Base(String),
}

/// Returns the settings behind a path that begins with `plan`, `project`, `platform` or `base`.
///
/// A setting that nobody has written stands for its built-in default.
pub fn settings(path: &[String], project: &Project, base: &Base) -> Vec<Setting> {
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    let behind = Behind { project, base };
    match steps.as_slice() {
        ["plan", rest @ ..] => behind.plan(rest),
        ["project", rest @ ..] => behind.project(rest),
        ["platform", rest @ ..] => vec![platform(rest)],
        ["base", rest @ ..] => vec![Setting::Base(pointer(rest))],
        _ => Vec::new(),
    }
}

/// Returns the settings behind a path for what is made once for a cluster.
pub fn settings_of_cluster(path: &[String]) -> Vec<Setting> {
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    match steps.as_slice() {
        ["platform", rest @ ..] => vec![platform(rest)],
        ["base", rest @ ..] => vec![Setting::Base(pointer(rest))],
        _ => Vec::new(),
    }
}

fn pointer(steps: &[&str]) -> String {
    let mut pointer = String::new();
    for step in steps {
        push_token(&mut pointer, step);
    }
    pointer
}

fn platform(steps: &[&str]) -> Setting {
    match steps {
        ["name", ..] => Setting::Project("/cluster".to_owned()),
        ["secretsGenerator"] => Setting::Platform("/secrets/generator".to_owned()),
        ["pullSecrets", rest @ ..] => {
            Setting::Platform(format!("/images/pullSecrets{}", pointer(rest)))
        }
        other => Setting::Platform(pointer(other)),
    }
}

/// One of the two kinds of storage.
struct Storage<'a> {
    /// Its key in a project.
    key: &'static str,
    /// The key of shared servers.
    shared: &'static str,
    kind: StorageKind,
    shared_name: Option<&'a str>,
    engine: &'a str,
    credentials: &'a Credentials,
}

/// The keys of embedded servers.
///
/// Source: projects-file §4 and §5.
const EMBEDDED: [&str; 9] = [
    "engine",
    "size",
    "storageClass",
    "database",
    "user",
    "bucket",
    "credentials",
    "resources",
    "image",
];

struct Behind<'a> {
    project: &'a Project,
    base: &'a Base,
}

impl Behind<'_> {
    fn plan(&self, steps: &[&str]) -> Vec<Setting> {
        match steps {
            ["namespace"] => self.namespace(),
            ["domain"] => vec![platform(&["clusterDomain"])],
            ["base", ..] => self.base_name(),
            ["images", name] => vec![self.image(name)],
            ["database", rest @ ..] => self.database(rest),
            ["objectStore", rest @ ..] => self.object_store(rest),
            ["artifactSecrets", ..] => {
                let mut settings = self.object_store(&["secret", "name"]);
                let config = "/components/apiServer/launcherConfig";
                if self.has(config) {
                    settings.push(Setting::Project(config.to_owned()));
                }
                settings
            }
            ["ca", rest @ ..] => self.ca(None, rest),
            ["cas", index, rest @ ..] => self.ca(index.parse().ok(), rest),
            ["cas"] => self.all_cas(),
            ["podTls", "issuer", rest @ ..] => {
                vec![Setting::Project(format!(
                    "/podToPodTLS/issuer{}",
                    pointer(rest)
                ))]
            }
            ["podTls", ..] => vec![Setting::Project("/podToPodTLS".to_owned())],
            ["proxy", "https"] if !self.has("/proxy/https") => {
                vec![Setting::Project("/proxy/http".to_owned())]
            }
            ["generator"] => vec![platform(&["secretsGenerator"])],
            ["generates", "database"] => self.database(&["credentials"]),
            ["generates", ..] => self.object_store(&["credentials"]),
            ["securityContext", "runAsUser"] => {
                vec![Setting::Project("/podSecurity/runAsUser".to_owned())]
            }
            ["openshift"] => vec![platform(&["openshift"])],
            ["access", rest @ ..] => vec![self.access(rest)],
            ["components", rest @ ..] => vec![component(rest)],
            other => vec![Setting::Project(pointer(other))],
        }
    }

    fn access(&self, steps: &[&str]) -> Setting {
        let own = |key: &str| Setting::Project(format!("/access{key}"));
        match steps {
            ["certificate"] if self.has("/access/tls/secret") => own("/tls/secret"),
            ["certificate"] => Setting::Base("/access/certificate".to_owned()),
            ["issuer", rest @ ..] => own(&format!("/tls/issuer{}", pointer(rest))),
            ["oauth2Proxy" | "kubeRbacProxy"] => own("/auth"),
            ["secure" | "servingCertificate"] => own("/exposure"),
            ["port"] => {
                let access = self.project.access.as_ref();
                let route = access.is_some_and(|access| access.exposure == Exposure::Route);
                let port = if route { "https" } else { "http" };
                Setting::Base(format!("/access/{port}"))
            }
            rest => own(&pointer(rest)),
        }
    }

    fn project(&self, steps: &[&str]) -> Vec<Setting> {
        match steps {
            ["namespace"] => self.namespace(),
            ["base"] => self.base_name(),
            ["database", rest @ ..] => self.database(rest),
            ["objectStore", rest @ ..] => self.object_store(rest),
            ["components", rest @ ..] => vec![component(rest)],
            ["podToPodTls"] => vec![Setting::Project("/podToPodTLS".to_owned())],
            ["podToPodTls", rest @ ..] => {
                let pointer = pointer(rest);
                vec![Setting::Project(format!("/podToPodTLS/issuer{pointer}"))]
            }
            ["network", "isolated"] => vec![Setting::Project("/network/isolation".to_owned())],
            ["network", "egressRestricted"] => vec![Setting::Project("/network/egress".to_owned())],
            other => vec![Setting::Project(pointer(other))],
        }
    }

    fn has(&self, pointer: &str) -> bool {
        self.project.spans.contains_key(pointer)
    }

    /// The namespace is the name unless it is written.
    fn namespace(&self) -> Vec<Setting> {
        let key = if self.has("/namespace") {
            "/namespace"
        } else {
            "/name"
        };
        vec![Setting::Project(key.to_owned())]
    }

    fn base_name(&self) -> Vec<Setting> {
        vec![if self.has("/base") {
            Setting::Project("/base".to_owned())
        } else {
            Setting::File("/platform/base".to_owned())
        }]
    }

    fn image(&self, name: &str) -> Setting {
        let direct = match name {
            "driver" => Some("/components/driver/image".to_owned()),
            "launcher" => Some("/components/launcher/image".to_owned()),
            "executor" => Some("/components/workflowController/executorImage".to_owned()),
            _ => {
                let runs = |key: &String| {
                    let workload = self.base.facts.workloads.get(key);
                    workload.is_some_and(|workload| workload.image == name)
                };
                let settings = containers(self.project);
                let set = settings
                    .into_iter()
                    .find(|(key, settings)| settings.image.is_some() && runs(key));
                set.map(|(key, _)| match key.split_once('.') {
                    Some(("database", _)) => "/database/embedded/image".to_owned(),
                    Some(("objectStore", _)) => "/objectStore/embedded/image".to_owned(),
                    _ => format!("/components/{}/image", key.replace('.', "/")),
                })
            }
        };
        match direct.filter(|pointer| self.has(pointer)) {
            Some(pointer) => Setting::Project(pointer),
            None => Setting::Base(pointer(&["images", name])),
        }
    }

    fn database(&self, steps: &[&str]) -> Vec<Setting> {
        let database = &self.project.database;
        let storage = Storage {
            key: "database",
            shared: "databases",
            kind: database.kind,
            shared_name: database.shared_name.as_deref(),
            engine: &database.engine,
            credentials: &database.credentials,
        };
        let at = |key: &str| vec![self.setting(&storage, key)];
        match steps {
            ["host"] => self.host(&storage, "host"),
            ["port"] if storage.kind == StorageKind::Embedded => vec![self.service(&storage)],
            ["name" | "database"] => self.named(&storage, "database"),
            ["user"] => self.named(&storage, "user"),
            ["secret", rest @ ..] => self.secret(&storage, rest),
            ["externalSecret", rest @ ..] => self.external(&storage, rest),
            ["tls", "enabled"] | ["tls"] => at("tls/mode"),
            ["tls", "ca", rest @ ..] | ["tlsCa", rest @ ..] => {
                at(&format!("tls/ca{}", pointer(rest)))
            }
            ["parametersJson"] => vec![
                self.setting(&storage, "parameters"),
                self.setting(&storage, "tls/mode"),
            ],
            ["credentials", ..] => at("credentials"),
            rest => self.plain(&storage, rest),
        }
    }

    fn object_store(&self, steps: &[&str]) -> Vec<Setting> {
        let store = &self.project.object_store;
        let storage = Storage {
            key: "objectStore",
            shared: "objectStores",
            kind: store.kind,
            shared_name: store.shared_name.as_deref(),
            engine: store.engine.as_deref().unwrap_or_default(),
            credentials: &store.credentials,
        };
        match steps {
            ["host" | "address" | "endpoint"] => self.host(&storage, "endpoint"),
            ["port" | "portText" | "scheme" | "secure" | "insecure" | "aws"]
                if storage.kind == StorageKind::Embedded =>
            {
                vec![self.service(&storage)]
            }
            ["port" | "portText" | "scheme" | "secure" | "insecure" | "aws"] | ["endpoint", ..] => {
                vec![self.setting(&storage, "endpoint")]
            }
            // With a bucket at the shared store, there is a prefix for each project; else the bucket is the project's own.
            ["bucket"] if store.prefix.is_some() => vec![self.setting(&storage, "bucket")],
            ["bucket"] => self.named(&storage, "bucket"),
            ["prefix"] => self.named(&storage, "prefix"),
            ["secret", rest @ ..] => self.secret(&storage, rest),
            ["externalSecret", rest @ ..] => self.external(&storage, rest),
            ["credentials", ..] => vec![self.setting(&storage, "credentials")],
            ["ca" | "tlsCa", rest @ ..] => {
                vec![self.setting(&storage, &format!("tls/ca{}", pointer(rest)))]
            }
            rest => self.plain(&storage, rest),
        }
    }

    /// What has the same name in the file.
    fn plain(&self, storage: &Storage<'_>, steps: &[&str]) -> Vec<Setting> {
        match steps {
            [] | ["kind"] => vec![Setting::Project(pointer(&[storage.key]))],
            ["sharedName"] => vec![Setting::Project(format!("/{}/shared/name", storage.key))],
            ["embedded", rest @ ..] => {
                vec![Setting::Project(format!(
                    "/{}/embedded{}",
                    storage.key,
                    pointer(rest)
                ))]
            }
            other => vec![self.setting(storage, pointer(other).trim_start_matches('/'))],
        }
    }

    /// A setting of the chosen form; what a project does not say of a shared server, the server says.
    ///
    /// What the form has no key for is decided by the choice of the form.
    fn setting(&self, storage: &Storage<'_>, key: &str) -> Setting {
        let field = key.split('/').next().unwrap_or_default();
        let has_key = match storage.kind {
            StorageKind::Embedded => EMBEDDED.contains(&field),
            StorageKind::Shared | StorageKind::External => {
                field != "engine" || storage.key == "database"
            }
        };
        if !has_key {
            return Setting::Project(pointer(&[storage.key]));
        }
        let form = match storage.kind {
            StorageKind::Embedded => "embedded",
            StorageKind::Shared => "shared",
            StorageKind::External => "external",
        };
        let own = format!("/{}/{form}/{key}", storage.key);
        match storage.shared_name {
            Some(name) if storage.kind == StorageKind::Shared && !self.has(&own) => {
                Setting::File(format!("{}/{key}", pointer(&[storage.shared, name])))
            }
            _ => Setting::Project(own),
        }
    }

    /// A name that is made of the project's own where it is not written.
    fn named(&self, storage: &Storage<'_>, key: &str) -> Vec<Setting> {
        let setting = self.setting(storage, key);
        match setting {
            Setting::File(_) => vec![Setting::Project("/name".to_owned())],
            written => vec![written],
        }
    }

    fn service(&self, storage: &Storage<'_>) -> Setting {
        Setting::Base(pointer(&["embedded", storage.key, storage.engine]))
    }

    fn host(&self, storage: &Storage<'_>, key: &str) -> Vec<Setting> {
        if storage.kind != StorageKind::Embedded {
            return vec![self.setting(storage, key)];
        }
        let mut settings = vec![self.service(storage)];
        settings.extend(self.namespace());
        settings.push(platform(&["clusterDomain"]));
        settings
    }

    fn secret(&self, storage: &Storage<'_>, steps: &[&str]) -> Vec<Setting> {
        let field = steps.first().copied().unwrap_or("name");
        if let Credentials::Secret { .. } = storage.credentials {
            let key = match field {
                "name" => "name".to_owned(),
                "passwordKey" => "keys/password".to_owned(),
                "usernameKey" => "keys/username".to_owned(),
                "accessKeyKey" => "keys/accessKey".to_owned(),
                _ => "keys/secretKey".to_owned(),
            };
            return vec![self.setting(storage, &format!("credentials/secret/{key}"))];
        }
        if let Credentials::WorkloadIdentity = storage.credentials {
            return vec![self.setting(storage, "credentials")];
        }
        vec![Setting::Base(pointer(&["secrets", storage.key, field]))]
    }

    fn external(&self, storage: &Storage<'_>, steps: &[&str]) -> Vec<Setting> {
        let own = |key: &str| self.setting(storage, &format!("credentials/externalSecret{key}"));
        match steps {
            ["store", field] => {
                let written = if *field == "kind" { "kind" } else { "store" };
                vec![
                    own(&format!("/{written}")),
                    Setting::Platform(format!("/externalSecrets/{written}")),
                ]
            }
            rest => vec![own(&pointer(rest))],
        }
    }

    /// Every CA of the project once, in the order of [`super::Plan::cas`].
    fn cas(&self) -> Vec<Vec<Setting>> {
        let project = self.project;
        let mut seen: Vec<&ConfigMapKey> = Vec::new();
        let all = [
            (
                &project.ca_bundle,
                vec![Setting::Project("/caBundle".to_owned())],
            ),
            (&project.object_store.tls_ca, self.object_store(&["ca"])),
            (&project.database.tls_ca, self.database(&["tls", "ca"])),
        ];
        let mut cas = Vec::new();
        for (source, settings) in all {
            if let Some(source) = source
                && !seen.contains(&source)
            {
                seen.push(source);
                cas.push(settings);
            }
        }
        cas
    }

    fn all_cas(&self) -> Vec<Setting> {
        let all: Vec<Setting> = self.cas().into_iter().flatten().collect();
        if all.is_empty() {
            vec![Setting::Project("/caBundle".to_owned())]
        } else {
            all
        }
    }

    fn ca(&self, index: Option<usize>, steps: &[&str]) -> Vec<Setting> {
        let settings = self.cas().into_iter().nth(index.unwrap_or(0));
        let below = match steps {
            ["file"] => String::new(),
            rest => pointer(rest),
        };
        let deeper = |setting: Setting| match setting {
            Setting::Project(above) => Setting::Project(above + &below),
            Setting::File(above) => Setting::File(above + &below),
            other => other,
        };
        match settings {
            Some(settings) => settings.into_iter().map(deeper).collect(),
            None => vec![Setting::Project("/caBundle".to_owned())],
        }
    }
}

/// A setting of `components`, some of which have other names in the model.
fn component(steps: &[&str]) -> Setting {
    let written = match steps {
        ["driverImage"] => vec!["driver", "image"],
        ["launcherImage"] => vec!["launcher", "image"],
        ["apiServer", "resourceTtlSeconds"] => vec!["apiServer", "resourceTTL"],
        other => other.to_vec(),
    };
    Setting::Project(format!("/components{}", pointer(&written)))
}
