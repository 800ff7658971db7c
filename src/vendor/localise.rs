//! Strings that name the namespace that a tree was made for.
//!
//! Takes objects and gives a component that writes the project's own namespace into them. What could be a namespace but
//! need not is left alone, and said. Knows nothing of where objects come from.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::object::Object;
use crate::yaml::{self, push_token};

/// Path of the component, below a base's directory.
pub(super) const COMPONENT: &str = "components/90-namespace/component.yaml";

/// What is to be written into one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Localised {
    group: String,
    kind: String,
    name: String,
    /// Templates by JSON pointer.
    strings: Vec<(String, String)>,
}

/// What was found in one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Templates by JSON pointer.
    pub(super) strings: Vec<(String, String)>,
    /// Strings that are the namespace's name, and may mean something else.
    pub(super) doubtful: Vec<String>,
}

/// Finds the strings of an object that name a namespace.
pub(super) fn find(body: &Value, namespace: &str) -> Found {
    let mut finder = Finder {
        namespace,
        found: Found::default(),
    };
    finder.value(body, "", false, &mut String::new());
    finder.found
}

impl Localised {
    /// Returns kind and name of the object.
    pub(super) fn key(&self) -> (String, String) {
        (self.kind.clone(), self.name.clone())
    }

    /// Puts together what was found in an object; `None` when there is nothing to write.
    pub(super) fn new(object: &Object, found: Found) -> Option<Self> {
        (!found.strings.is_empty()).then(|| Localised {
            group: object.group().to_owned(),
            kind: object.kind().to_owned(),
            name: object.name().to_owned(),
            strings: found.strings,
        })
    }
}

/// Writes the component.
pub(super) fn component(namespace: &str, objects: &[Localised]) -> String {
    let mut patches: BTreeMap<(&str, &str, &str), Value> = BTreeMap::new();
    for object in objects {
        let steps: Vec<Value> = object
            .strings
            .iter()
            .map(|(pointer, template)| json!({"op": "replace", "path": pointer, "value": template}))
            .collect();
        let mut target = json!({"kind": object.kind, "name": object.name.replace('.', "\\.")});
        if !object.group.is_empty() {
            target["group"] = Value::from(object.group.as_str());
        }
        patches.insert(
            (&object.kind, &object.name, &object.group),
            json!({"target": target, "json6902": steps}),
        );
    }
    let patches: Vec<Value> = patches.into_values().collect();
    let mut text = format!(
        "# Upstream has these objects in the namespace `{namespace}`; written and rewritten by `tenantry vendor`.\n"
    );
    yaml::emit(
        &json!({"when": format!("plan.namespace != {}", json!(namespace)), "patches": patches}),
        &mut text,
    );
    text
}

struct Finder<'n> {
    namespace: &'n str,
    found: Found,
}

impl Finder<'_> {
    /// Looks at a value; `key` is the nearest field, `meant` whether a text there is known to be a namespace.
    fn value(&mut self, value: &Value, key: &str, meant: bool, pointer: &mut String) {
        let length = pointer.len();
        match value {
            Value::String(text) => self.text(text, key, meant, pointer),
            Value::Array(list) => {
                let mut after_flag = false;
                for (index, below) in list.iter().enumerate() {
                    push_token(pointer, &index.to_string());
                    self.value(below, key, after_flag, pointer);
                    pointer.truncate(length);
                    after_flag = below.as_str().is_some_and(|text| {
                        text.starts_with('-') && speaks_of_namespaces(text) && !text.contains('=')
                    });
                }
            }
            Value::Object(map) => {
                // A variable says by its name what its value is.
                let variable = map
                    .get("name")
                    .and_then(Value::as_str)
                    .is_some_and(speaks_of_namespaces);
                for (key, below) in map {
                    if matches!(key.as_str(), "labels" | "matchLabels" | "image") {
                        continue;
                    }
                    push_token(pointer, key);
                    let meant = speaks_of_namespaces(key) || key == "value" && variable;
                    self.value(below, key, meant, pointer);
                    pointer.truncate(length);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, key: &str, meant: bool, pointer: &str) {
        if text == self.namespace {
            if meant {
                self.replace(text, &[0], pointer);
            } else if !matches!(key, "name" | "kind" | "apiVersion") {
                self.found.doubtful.push(pointer.to_owned());
            }
            return;
        }
        let places: Vec<usize> = text
            .match_indices(self.namespace)
            .map(|(at, _)| at)
            .filter(|at| self.is_named(text, *at))
            .collect();
        if !places.is_empty() {
            self.replace(text, &places, pointer);
        }
    }

    /// Tells whether the occurrence at an offset is the namespace of a host name, or the value of a flag.
    fn is_named(&self, text: &str, at: usize) -> bool {
        let (before, after) = (&text[..at], &text[at + self.namespace.len()..]);
        let is_host = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let ends = match after.strip_prefix('.') {
            Some(domain) => domain
                .strip_prefix("svc")
                .is_some_and(|rest| !rest.starts_with(is_host)),
            None => !after.starts_with(|c: char| is_host(c) || c == '_'),
        };
        let in_host = before
            .strip_suffix('.')
            .is_some_and(|service| service.ends_with(is_host));
        let in_flag = before.strip_suffix('=').is_some_and(|flag| {
            let word = flag
                .rsplit(|c: char| c.is_whitespace() || c == '"')
                .next()
                .unwrap_or(flag);
            speaks_of_namespaces(word)
        });
        ends && (in_host || in_flag && !after.starts_with(['.', '/']))
    }

    fn replace(&mut self, text: &str, places: &[usize], pointer: &str) {
        let mut template = String::new();
        let mut done = 0;
        for at in places {
            literal(&text[done..*at], &mut template);
            template.push_str("{{ plan.namespace }}");
            done = at + self.namespace.len();
        }
        literal(&text[done..], &mut template);
        self.found.strings.push((pointer.to_owned(), template));
    }
}

fn speaks_of_namespaces(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    lower.contains("namespace") || lower.ends_with("_ns")
}

/// Writes a text into a template so that it stays what it is.
fn literal(text: &str, template: &mut String) {
    let means_something = ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark));
    // A brace at the end could meet one that follows.
    if !means_something && !text.ends_with('{') {
        template.push_str(text);
        return;
    }
    for (index, part) in text.split("{% endraw %}").enumerate() {
        if index > 0 {
            template.push_str("{{ '{% endraw %}' }}");
        }
        template.push_str("{% raw %}");
        template.push_str(part);
        template.push_str("{% endraw %}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: Value, strings: &[(&str, &str)], doubtful: &[&str]) {
        let found = find(&body, "kubeflow");
        let found_strings: Vec<(&str, &str)> = found
            .strings
            .iter()
            .map(|(pointer, template)| (pointer.as_str(), template.as_str()))
            .collect();
        assert_eq!(found_strings, strings, "{body}");
        assert_eq!(found.doubtful, doubtful, "{body}");
    }

    #[test]
    fn host_names_in_a_namespace() {
        for (text, template) in [
            ("mysql.kubeflow", "mysql.{{ plan.namespace }}"),
            (
                "http://minio-service.kubeflow:9000/a.kubeflow.svc",
                "http://minio-service.{{ plan.namespace }}:9000/a.{{ plan.namespace }}.svc",
            ),
            (
                "ml-pipeline.kubeflow.svc.cluster.local:8888",
                "ml-pipeline.{{ plan.namespace }}.svc.cluster.local:8888",
            ),
            (
                "endpoint: m.kubeflow:9000\nkey: {{workflow.name}}\n",
                "endpoint: m.{{ plan.namespace }}{% raw %}:9000\nkey: {{workflow.name}}\n{% endraw %}",
            ),
            ("--namespace=kubeflow", "--namespace={{ plan.namespace }}"),
        ] {
            check(json!({"a": text}), &[("/a", template)], &[]);
        }
        for text in [
            "ghcr.io/kubeflow/image:1",
            "pipelines.kubeflow.org",
            "kubeflow-pipelines",
            "x.kubeflow.svcs",
            ".kubeflow",
            "--owner=kubeflow",
        ] {
            check(json!({"a": text}), &[], &[]);
        }
    }

    #[test]
    fn names_that_are_meant_as_namespaces() {
        let ours = "{{ plan.namespace }}";
        check(
            json!({"env": [{"name": "FRONTEND_SERVER_NAMESPACE", "value": "kubeflow"}, {"name": "OWNER", "value": "kubeflow"}]}),
            &[("/env/0/value", ours)],
            &["/env/1/value"],
        );
        check(
            json!({"args": ["--namespace", "kubeflow", "--owner", "kubeflow"]}),
            &[("/args/1", ours)],
            &["/args/3"],
        );
        check(
            json!({"data": {"dbNamespace": "kubeflow"}, "service": {"name": "kubeflow", "namespace": "kubeflow"}}),
            &[("/data/dbNamespace", ours), ("/service/namespace", ours)],
            &[],
        );
        check(
            json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "kubeflow"}}}),
            &[],
            &[],
        );
    }
}
