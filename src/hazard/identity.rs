//! Which storage a stack uses, and who makes its credentials, as its programs' variables say.
//!
//! The bases say which variables those are (`identity` in `base.yaml`).

use serde_json::Value;

use super::{Finding, Hazard, Pair, Side, items, text};
use crate::base::{Consumer, Facts, Part};
use crate::diff::hashed_stem;
use crate::object::{Object, ObjectKey};

/// One of the two kinds of storage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Database,
    ObjectStore,
}

impl Role {
    fn hazard(self) -> Hazard {
        match self {
            Role::Database => Hazard::DatabaseIdentity,
            Role::ObjectStore => Hazard::ObjectStoreIdentity,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Role::Database => "database",
            Role::ObjectStore => "object store",
        }
    }

    fn pointer(self) -> &'static str {
        match self {
            Role::Database => "/database",
            Role::ObjectStore => "/objectStore",
        }
    }

    fn consumers(self, facts: &Facts) -> &[Consumer] {
        match self {
            Role::Database => &facts.identity.database,
            Role::ObjectStore => &facts.identity.object_store,
        }
    }

    /// Returns the name of the Secret that generated and fetched credentials are kept in.
    fn secret(self, facts: &Facts) -> &str {
        match self {
            Role::Database => &facts.secrets.database.name,
            Role::ObjectStore => &facts.secrets.object_store.name,
        }
    }
}

pub(super) fn find(pair: &Pair<'_>, findings: &mut Vec<Finding>) {
    // A base that is gone is read as the one that takes its place.
    let (Some(old), Some(new)) = (
        pair.old.base.or(pair.new.base),
        pair.new.base.or(pair.old.base),
    ) else {
        return;
    };
    for role in [Role::Database, Role::ObjectStore] {
        let before = findings.len();
        servers(pair, role, old, new, findings);
        // Another server has other credentials anyhow.
        if findings.len() == before {
            credentials(pair, role, old, new, findings);
        }
    }
}

/// Compares what each program says about its server.
fn servers(pair: &Pair<'_>, role: Role, old: &Facts, new: &Facts, findings: &mut Vec<Finding>) {
    let namespace = pair.namespace();
    let mut said: Vec<(String, String)> = Vec::new();
    for consumer in role.consumers(new) {
        let Some(former) = role
            .consumers(old)
            .iter()
            .find(|former| former.workload == consumer.workload)
        else {
            continue;
        };
        let (Some(before), Some(after)) = (
            container(pair.old, old, &former.workload),
            container(pair.new, new, &consumer.workload),
        ) else {
            continue;
        };
        let mut changed = (Vec::new(), Vec::new());
        for part in &consumer.parts {
            let Some(same) = former.parts.iter().find(|former| former.name == part.name) else {
                continue;
            };
            let before = part_of(same, before, pair.old, namespace);
            let after = part_of(part, after, pair.new, namespace);
            if essence(&before, namespace) != essence(&after, namespace) {
                changed.0.push(described(&part.name, before));
                changed.1.push(described(&part.name, after));
            }
        }
        let changed = (changed.0.join(", "), changed.1.join(", "));
        if changed.0.is_empty() || said.contains(&changed) {
            continue;
        }
        let workload = &new.workloads[&consumer.workload];
        findings.push(
            pair.finding(
                role.hazard(),
                format!("the {} of `{}/{}` becomes another one", role.noun(), workload.kind, workload.name),
                "nothing is copied: move the data first, for example by dump and restore, or restore the setting",
            )
            .from(changed.0.clone())
            .to(changed.1.clone())
            .at(role.pointer()),
        );
        said.push(changed);
    }
}

fn described(name: &str, value: Option<String>) -> String {
    match value.as_deref() {
        None | Some("") => format!("no {name}"),
        Some(value) => format!("{name} {value}"),
    }
}

/// Returns the value of the first variable of a part that is there; an empty one says as much as none.
fn part_of(part: &Part, container: &Value, side: Side<'_>, namespace: &str) -> Option<String> {
    let value = part.env.iter().find_map(|name| variable(container, name))?;
    let value = settled(value, side, namespace);
    (!value.is_empty()).then_some(value)
}

/// Returns what of a value tells one server from another.
fn essence<'a>(value: &'a Option<String>, namespace: &str) -> Option<&'a str> {
    let value = value.as_deref()?;
    Some(own_host(value, namespace).unwrap_or(value))
}

/// Returns an element of `env`.
fn variable<'a>(container: &'a Value, name: &str) -> Option<&'a Value> {
    items(container, &["env"]).find(|item| text(item, &["name"]) == name)
}

/// Returns the value of a variable, looked up where it comes from a ConfigMap of the directory.
fn settled(variable: &Value, side: Side<'_>, namespace: &str) -> String {
    let Some(source) = variable.get("valueFrom") else {
        return text(variable, &["value"]).to_owned();
    };
    let Some(reference) = source.get("configMapKeyRef") else {
        return source.to_string();
    };
    let (name, key) = (text(reference, &["name"]), text(reference, &["key"]));
    let map = side.objects.get(&ObjectKey {
        group: String::new(),
        kind: "ConfigMap".to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    });
    match map
        .and_then(|map| super::at(&map.body, &["data", key]))
        .and_then(Value::as_str)
    {
        Some(value) => value.to_owned(),
        None => source.to_string(),
    }
}

/// Returns a host of the project's own namespace without the domain of the cluster, which may change its name.
fn own_host<'a>(host: &'a str, namespace: &str) -> Option<&'a str> {
    let (service, rest) = host.split_once('.')?;
    let end = format!("{namespace}.svc");
    let domain = rest.strip_prefix(&end)?;
    (domain.is_empty() || domain.starts_with('.')).then(|| &host[..service.len() + 1 + end.len()])
}

/// Returns the container of a workload of the base, when it is there.
fn container<'a>(side: Side<'a>, facts: &Facts, workload: &str) -> Option<&'a Value> {
    let workload = facts.workloads.get(workload)?;
    let object = side
        .objects
        .iter()
        .find(|object| object.kind() == workload.kind && object.name() == workload.name)?;
    named_container(object, &workload.container)
}

fn named_container<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    let path: &[&str] = match object.kind() {
        "CronJob" => &[
            "spec",
            "jobTemplate",
            "spec",
            "template",
            "spec",
            "containers",
        ],
        _ => &["spec", "template", "spec", "containers"],
    };
    items(&object.body, path).find(|container| text(container, &["name"]) == name)
}

/// Who makes a Secret.
#[derive(Clone, PartialEq, Eq)]
enum Source {
    /// A workload that makes it when it is missing, so that its own name does not matter.
    Workload(String),
    /// An ExternalSecret of this name, with a generator: another object would generate anew.
    Generator(String),
    /// An ExternalSecret that fetches it.
    Fetched,
    /// Somebody whom the directory does not know.
    Elsewhere,
}

impl Source {
    fn generates(&self) -> bool {
        matches!(self, Source::Workload(_) | Source::Generator(_))
    }

    fn described(&self) -> String {
        match self {
            Source::Workload(name) => format!("made by `{name}`"),
            Source::Generator(name) => format!("generated by `ExternalSecret/{name}`"),
            Source::Fetched => "fetched from a secret store".to_owned(),
            Source::Elsewhere => "made elsewhere".to_owned(),
        }
    }
}

/// Compares who makes the credentials of a server that stays the same.
fn credentials(pair: &Pair<'_>, role: Role, old: &Facts, new: &Facts, findings: &mut Vec<Finding>) {
    let (Some(before), Some(after)) = (
        credential(pair.old, role, old),
        credential(pair.new, role, new),
    ) else {
        return;
    };
    if before == after || !(before.1.generates() || after.1.generates()) {
        return;
    }
    let described =
        |(secret, source): &(String, Source)| format!("Secret `{secret}`, {}", source.described());
    findings.push(
        pair.finding(
            Hazard::CredentialsRegenerated,
            format!("the credentials of the {} come from another source, and the server knows the former ones only", role.noun()),
            "put the present values where the new source takes them from, or change them in the server as well",
        )
        .from(described(&before))
        .to(described(&after))
        .at(role.pointer()),
    );
}

/// Returns the Secret with the credentials, and who makes it; `None` when nothing in the directory says so.
fn credential(side: Side<'_>, role: Role, facts: &Facts) -> Option<(String, Source)> {
    let read = role.consumers(facts).iter().find_map(|consumer| {
        let container = container(side, facts, &consumer.workload)?;
        let variable = consumer
            .credential
            .iter()
            .find_map(|name| variable(container, name))?;
        let name = text(variable, &["valueFrom", "secretKeyRef", "name"]);
        (!name.is_empty()).then_some(name)
    });
    match read {
        Some(secret) => Some((secret.to_owned(), source(side, role, facts, secret))),
        // Nobody reads it, as in a retired project; but somebody may still make it.
        None => {
            let secret = role.secret(facts);
            let source = source(side, role, facts, secret);
            (source != Source::Elsewhere).then(|| (secret.to_owned(), source))
        }
    }
}

/// Finds out who makes a Secret.
fn source(side: Side<'_>, role: Role, facts: &Facts, secret: &str) -> Source {
    for object in side
        .objects
        .of_kind("external-secrets.io", "ExternalSecret")
    {
        let target = match text(&object.body, &["spec", "target", "name"]) {
            "" => object.name(),
            name => name,
        };
        if target != secret {
            continue;
        }
        let generates = items(&object.body, &["spec", "dataFrom"])
            .any(|item| super::at(item, &["sourceRef", "generatorRef"]).is_some());
        return if generates {
            Source::Generator(object.name().to_owned())
        } else {
            Source::Fetched
        };
    }
    for generated in &facts.identity.generated {
        let variable_name = match role {
            Role::Database => &generated.database,
            Role::ObjectStore => &generated.object_store,
        };
        let mut workloads = side.objects.iter().filter(|object| {
            object.kind() == generated.kind
                && (object.name() == generated.name
                    || hashed_stem(object.name()) == Some(&generated.name))
        });
        let makes = workloads.any(|object| {
            let container = named_container(object, &generated.container);
            container
                .and_then(|container| variable(container, variable_name))
                .is_some_and(|variable| text(variable, &["value"]) == secret)
        });
        if makes {
            return Source::Workload(format!("{}/{}", generated.kind, generated.name));
        }
    }
    Source::Elsewhere
}
