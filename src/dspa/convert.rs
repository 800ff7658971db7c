//! Converts one application, field by field.

use serde_json::{Map, Value, json};

use super::Places;
use super::fields::{self, FIELDS, Fate, Field, Form, Rule};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, nearest};

/// One application that is being converted.
pub(super) struct Application<'a> {
    body: &'a Value,
    version: &'a str,
    places: Places<'a>,
    found: &'a mut Diagnostics,
    name: String,
    project: Map<String, Value>,
}

impl<'a> Application<'a> {
    pub(super) fn new(
        body: &'a Value,
        version: &'a str,
        places: Places<'a>,
        found: &'a mut Diagnostics,
    ) -> Self {
        Application {
            body,
            version,
            places,
            found,
            name: String::new(),
            project: Map::new(),
        }
    }

    /// Converts it; `None` when it has no name or a field of a wrong type.
    pub(super) fn convert(mut self) -> Option<Map<String, Value>> {
        self.identity()?;
        let spec = match self.body.get("spec") {
            Some(Value::Object(_)) => self.body.get("spec")?,
            Some(Value::Null) | None => &Value::Null,
            Some(_) => {
                self.wrong_type("/spec", "a mapping");
                return None;
            }
        };
        if self.value("database.externalDB").is_some() {
            self.set("database.external.engine", json!("mysql"));
        } else {
            self.set("database.embedded.engine", json!("mariadb"));
        }
        if self.value("objectStorage.externalStorage").is_some() {
            self.set("objectStore.external.provider", json!("s3"));
        } else if self.value("objectStorage.minio").is_some() {
            self.set("objectStore.embedded.engine", json!("minio"));
        }
        let before = self.errors();
        for field in FIELDS {
            self.field(field);
        }
        self.rest(spec, &mut Vec::new());
        (self.errors() == before).then_some(self.project)
    }

    fn errors(&self) -> usize {
        let error = |finding: &&Diagnostic| finding.severity == crate::diagnostic::Severity::Error;
        self.found.iter().filter(error).count()
    }

    /// Takes over name and namespace.
    fn identity(&mut self) -> Option<()> {
        let text = |pointer: &str| self.body.pointer(pointer).and_then(Value::as_str);
        let Some(name) = text("/metadata/name").filter(|name| !name.is_empty()) else {
            self.found.push(
                Diagnostic::error(
                    Code::InvalidManifest,
                    "this application has no `metadata.name`",
                )
                .at(self.places.span("/metadata")),
            );
            return None;
        };
        // A name of an object may have dots, and one of a project may not.
        self.name = name.replace('.', "-");
        self.project
            .insert("name".to_owned(), json!(self.name.clone()));
        if let Some(namespace) = text("/metadata/namespace") {
            self.project
                .insert("namespace".to_owned(), json!(namespace));
        }
        Some(())
    }

    /// Returns what is written at a path below `spec`; nothing is written where `null` is.
    fn value(&self, path: &str) -> Option<&'a Value> {
        path.split('.')
            .try_fold(self.body.get("spec")?, |value, key| value.get(key))
            .filter(|value| !value.is_null())
    }

    /// Writes a value into the project.
    fn set(&mut self, path: &str, value: Value) {
        fn set_below(map: &mut Map<String, Value>, path: &str, value: Value) {
            match path.split_once('.') {
                None => {
                    map.insert(path.to_owned(), value);
                }
                Some((first, rest)) => {
                    let below = map.entry(first.to_owned()).or_insert_with(|| json!({}));
                    if let Value::Object(below) = below {
                        set_below(below, rest, value);
                    }
                }
            }
        }
        set_below(&mut self.project, path, value);
    }

    fn field(&mut self, field: &'static Field) {
        match &field.fate {
            Fate::By(rule) => self.rule(*rule, field.path),
            Fate::To { path, form, usual } => {
                // Consoles write empty texts for what was left empty.
                let value = self.value(field.path).filter(|value| *value != "");
                let Some(value) = value else {
                    return;
                };
                if let Some(winner) = self.winner(field.path) {
                    self.left(
                        field.path,
                        &format!("the operator does not look at it beside `{winner}`"),
                        "",
                    );
                    return;
                }
                let Some(converted) = self.converted(field.path, value, *form) else {
                    return;
                };
                if !is(&converted, usual) {
                    self.set(path, converted);
                }
            }
            Fate::Left {
                usual,
                reason,
                instead,
            } => {
                // A block of which parts are carried over is looked at part by part.
                let is_block = FIELDS
                    .iter()
                    .any(|other| other.path.starts_with(&format!("{}.", field.path)));
                let Some(value) = self.value(field.path).filter(|_| !is_block) else {
                    return;
                };
                let is_winner_set = self.winner(field.path).is_some();
                if !is(value, usual) && !is_winner_set {
                    self.left(field.path, reason, instead);
                }
            }
        }
    }

    /// Returns the block that is there instead of the one of a path.
    fn winner(&self, path: &str) -> Option<&'static str> {
        let winner = if path.starts_with("database.mariaDB.") {
            "database.externalDB"
        } else if path.starts_with("objectStorage.minio.") {
            "objectStorage.externalStorage"
        } else {
            return None;
        };
        self.value(winner).map(|_| winner)
    }

    fn rule(&mut self, rule: Rule, path: &'static str) {
        match rule {
            Rule::Version => self.version_of_pipelines(),
            Rule::PodTls => self.pod_tls(),
            Rule::Route => self.route(),
            Rule::Parameters => self.parameters(),
            Rule::Endpoint if path.ends_with(".scheme") => self.endpoint(),
            // With the scheme.
            Rule::Endpoint => {}
            Rule::Prefix => {
                if let Some(text) = self.text(path) {
                    let prefix = text.trim_matches('/');
                    if !prefix.is_empty() {
                        self.set("objectStore.external.prefix", json!(prefix));
                    }
                }
            }
            Rule::Bucket => {
                if let Some(bucket) = self.text(path)
                    && bucket != "mlpipeline"
                    && self.winner(path).is_none()
                {
                    self.left(
                        path,
                        "the operator always uses the bucket `mlpipeline`, whatever is written here",
                        "write `objectStore.embedded.bucket` if the stack starts empty",
                    );
                }
            }
            Rule::NoProxy => {
                let Some(text) = self.text(path) else {
                    return;
                };
                let has_proxy = self.value("proxy.httpProxy").is_some()
                    || self.value("proxy.httpsProxy").is_some();
                let entries: Vec<&str> = text
                    .split(',')
                    .map(str::trim)
                    .filter(|entry| !entry.is_empty())
                    .collect();
                if !has_proxy {
                    self.left(path, "it has no effect without a proxy", "");
                } else if !entries.is_empty() {
                    self.set("proxy.noProxy", json!(entries));
                }
            }
        }
    }

    fn version_of_pipelines(&mut self) {
        let written = self.text("dspVersion");
        let version = match (written, self.version) {
            (Some(version), _) => version,
            (None, "v1alpha1") => "v1",
            (None, _) => "v2",
        };
        if version != "v2" {
            self.left(
                "dspVersion",
                &format!("pipelines of version `{version}` do not run in a stack, which is of v2"),
                "compile the pipelines with an SDK of version 2",
            );
        }
    }

    fn pod_tls(&mut self) {
        if self.flag("podToPodTLS").unwrap_or(true) {
            let default = self.is_default("podToPodTLS");
            self.left(
                "podToPodTLS",
                &format!("TLS between pods{default} takes certificates of OpenShift, and a stack takes them of cert-manager"),
                "write `podToPodTLS: {issuer: {name: …, kind: …}}`, or leave it off",
            );
        }
    }

    fn route(&mut self) {
        if self.flag("apiServer.enableOauth").unwrap_or(true) {
            let default = self.is_default("apiServer.enableOauth");
            let (reason, instead) = fields::ROUTE;
            self.left(
                "apiServer.enableOauth",
                &format!("the API server is exposed{default}: {reason}"),
                instead,
            );
        }
    }

    /// Returns words that say that nobody has written a setting.
    fn is_default(&self, path: &str) -> &'static str {
        if self.value(path).is_some() {
            ""
        } else {
            " by default"
        }
    }

    /// Takes over the parameters of connections; without any, the operator switches TLS on for servers outside.
    fn parameters(&mut self) {
        let path = "database.customExtraParams";
        let is_external = self.value("database.externalDB").is_some();
        let Some(text) = self.text(path) else {
            if is_external && self.value(path).is_none() {
                self.set("database.external.tls.mode", json!("required"));
            }
            return;
        };
        let Ok(Value::Object(parameters)) = serde_json::from_str::<Value>(text) else {
            let span = self.places.span(&pointer(path));
            self.found.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    format!("`{path}` is not the text of a JSON object"),
                )
                .at(span)
                .hint("write for example `'{\"tls\":\"true\"}'`")
                .project(&self.name),
            );
            return;
        };
        for (name, value) in &parameters {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            match (name.as_str(), value.as_str()) {
                ("tls", "false") => {}
                ("tls", "true") if is_external => {
                    self.set("database.external.tls.mode", json!("required"));
                }
                _ if is_external => {
                    // A name may have any character but those that paths have.
                    let map = self
                        .project
                        .get_mut("database")
                        .and_then(|database| database.get_mut("external"))
                        .and_then(Value::as_object_mut);
                    if let Some(map) = map {
                        map.entry("parameters").or_insert_with(|| json!({}))[name] = json!(value);
                    }
                }
                _ => self.left(
                    path,
                    &format!("`{name}` is for connections to the embedded database, which take no parameters"),
                    "",
                ),
            }
        }
    }

    /// Puts the URL of the object store together.
    fn endpoint(&mut self) {
        let block = "objectStorage.externalStorage";
        if self.value(block).is_none() {
            return;
        }
        let below = |key: &str| format!("{block}.{key}");
        let scheme = self.text(&below("scheme"));
        let host = self.text(&below("host"));
        let secure = self.flag(&below("secure"));
        let port = match self.value(&below("port")) {
            Some(Value::String(text)) if text.is_empty() => None,
            Some(value) => self.converted(&below("port"), value, Form::Port),
            None => None,
        };
        let Some(host) = host else {
            let span = self.places.span(&pointer(block));
            self.found.push(
                Diagnostic::error(Code::MissingKey, format!("`{block}` has no `host`"))
                    .at(span)
                    .project(&self.name),
            );
            return;
        };
        let scheme = scheme.filter(|scheme| !scheme.is_empty());
        let by_scheme = scheme.is_none_or(|scheme| scheme.eq_ignore_ascii_case("https"));
        if secure.is_some_and(|secure| secure != by_scheme) && scheme.is_some() {
            self.left(
                &below("secure"),
                "it contradicts `scheme`, and one URL says it here",
                "write the other scheme into `endpoint` if this is what counts",
            );
        }
        let https = if scheme.is_some() {
            by_scheme
        } else {
            secure.unwrap_or(true)
        };
        let mut url = format!("{}://{host}", if https { "https" } else { "http" });
        if let Some(port) = port {
            url.push_str(&format!(":{port}"));
        }
        self.set("objectStore.external.endpoint", json!(url));
    }

    /// Returns the text at a path.
    fn text(&mut self, path: &str) -> Option<&'a str> {
        let value = self.value(path)?;
        if value.as_str().is_none() {
            self.wrong_type(&format!("/spec{}", pointer_of(path)), "a text");
        }
        value.as_str()
    }

    /// Returns the flag at a path.
    fn flag(&mut self, path: &str) -> Option<bool> {
        let value = self.value(path)?;
        if value.as_bool().is_none() {
            self.wrong_type(&format!("/spec{}", pointer_of(path)), "true or false");
        }
        value.as_bool()
    }

    /// Converts a value; what it must not be is an error.
    fn converted(&mut self, path: &str, value: &Value, form: Form) -> Option<Value> {
        let expected = match (form, value) {
            (Form::Text, Value::String(_)) | (Form::Flag, Value::Bool(_)) => {
                return Some(value.clone());
            }
            (Form::Count, Value::Number(number)) if number.is_u64() => return Some(value.clone()),
            (Form::Port, Value::Number(number)) if number.is_u64() => return Some(value.clone()),
            (Form::Port, Value::String(text)) if text.parse::<u16>().is_ok() => {
                return text.parse::<u16>().ok().map(Value::from);
            }
            (Form::Quantity, Value::String(_)) => return Some(value.clone()),
            (Form::Quantity, Value::Number(number)) => return Some(json!(number.to_string())),
            (Form::Texts, Value::Array(list)) if list.iter().all(Value::is_string) => {
                return Some(value.clone());
            }
            (Form::Resources, Value::Object(map)) => return self.resources(path, map),
            (Form::Text, _) => "a text",
            (Form::Flag, _) => "true or false",
            (Form::Count, _) => "a whole number",
            (Form::Port, _) => "the number of a port",
            (Form::Quantity, _) => "a quantity such as `500Mi`",
            (Form::Texts, _) => "a list of texts",
            (Form::Resources, _) => "a mapping with `requests` and `limits`",
        };
        self.wrong_type(&pointer(path), expected);
        None
    }

    /// Converts requests and limits.
    fn resources(&mut self, path: &str, map: &Map<String, Value>) -> Option<Value> {
        let mut resources = Map::new();
        for part in ["requests", "limits"] {
            let Some(value) = map.get(part).filter(|value| !value.is_null()) else {
                continue;
            };
            let below = format!("{path}.{part}");
            let Some(quantities) = value.as_object() else {
                self.wrong_type(&pointer(&below), "a mapping with `cpu` and `memory`");
                continue;
            };
            let mut converted = Map::new();
            for name in ["cpu", "memory"] {
                let quantity = quantities.get(name).filter(|value| !value.is_null());
                if let Some(quantity) = quantity
                    && let Some(value) =
                        self.converted(&format!("{below}.{name}"), quantity, Form::Quantity)
                {
                    converted.insert(name.to_owned(), value);
                }
            }
            if !converted.is_empty() {
                resources.insert(part.to_owned(), Value::Object(converted));
            }
        }
        (!resources.is_empty()).then_some(Value::Object(resources))
    }

    /// Lists what no field accounts for: unknown keys, and parts of blocks that are not carried over.
    fn rest(&mut self, value: &Value, path: &mut Vec<String>) {
        if let Value::Object(map) = value
            && !self.is_settled(&path.join("."))
        {
            for (key, below) in map {
                path.push(key.clone());
                self.rest(below, path);
                path.pop();
            }
            return;
        }
        if value.is_null() || path.is_empty() {
            return;
        }
        let written = path.join(".");
        if self.is_settled(&written) {
            return;
        }
        let is_block = FIELDS.iter().any(|field| {
            field
                .path
                .strip_prefix(written.as_str())
                .is_some_and(|rest| rest.starts_with('.'))
        });
        if is_block {
            self.wrong_type(&pointer(&written), "a mapping");
            return;
        }
        match fields::field(&written).map(|field| &field.fate) {
            Some(Fate::Left {
                reason, instead, ..
            }) => self.left_at(path, reason, instead),
            Some(Fate::To {
                form: Form::Resources,
                ..
            }) => {
                let is_known = matches!(
                    path.as_slice(),
                    [.., part, name]
                        if matches!(part.as_str(), "requests" | "limits")
                            && matches!(name.as_str(), "cpu" | "memory")
                );
                if !is_known {
                    self.left_at(
                        path,
                        "requests and limits are of `cpu` and `memory`",
                        "write a patch",
                    );
                }
            }
            _ => {
                let known = FIELDS.iter().map(|field| field.path);
                let instead = nearest(&written, known)
                    .map(|known| format!("a similar field is `{known}`"))
                    .unwrap_or_default();
                self.left_at(path, "no such field is known here", &instead);
            }
        }
    }

    /// Tells whether a path is that of a field which was looked at as a whole.
    fn is_settled(&self, path: &str) -> bool {
        let Some(field) = fields::field(path).filter(|field| field.path == path) else {
            return false;
        };
        match &field.fate {
            Fate::By(_) => true,
            Fate::To { form, .. } => *form != Form::Resources,
            Fate::Left { .. } => !FIELDS
                .iter()
                .any(|other| other.path.starts_with(&format!("{path}."))),
        }
    }

    /// Says that a field is not carried over.
    fn left(&mut self, path: &str, reason: &str, instead: &str) {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        self.left_at(&path, reason, instead);
    }

    fn left_at(&mut self, path: &[String], reason: &str, instead: &str) {
        let mut pointer = "/spec".to_owned();
        for key in path {
            crate::yaml::push_token(&mut pointer, key);
        }
        let shown = path.join(".");
        let span = if self.body.pointer(&pointer).is_some() {
            self.places.span(&pointer)
        } else {
            self.places.span("/metadata/name")
        };
        let mut finding = Diagnostic::warning(
            Code::NotCarriedOver,
            format!("`{shown}` is not carried over: {reason}"),
        )
        .at(span)
        .project(&self.name);
        if !instead.is_empty() {
            finding = finding.hint(instead);
        }
        self.found.push(finding);
    }

    fn wrong_type(&mut self, pointer: &str, expected: &str) {
        let path = pointer
            .trim_start_matches("/spec/")
            .trim_start_matches('/')
            .replace('/', ".");
        let span = self.places.span(pointer);
        self.found.push(
            Diagnostic::error(Code::WrongType, format!("`{path}` is not {expected}"))
                .at(span)
                .project(&self.name),
        );
    }
}

/// Tells whether a value is the one that a JSON text says; an empty text says none.
fn is(value: &Value, json: &str) -> bool {
    serde_json::from_str::<Value>(json).is_ok_and(|other| other == *value)
}

/// Returns the JSON pointer of a path below `spec`.
fn pointer(path: &str) -> String {
    format!("/spec{}", pointer_of(path))
}

fn pointer_of(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}
