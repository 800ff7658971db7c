//! Which fields the transformations reach: the defaults, and what `configurations` add.
//!
//! Takes `defaults.json` and configuration files; gives lists of fields. Knows no transformation.
//! Source: `builtinconfig.TransformerConfig` of kustomize v5.5.0.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::OnceLock;

use serde::Deserialize;

use super::context::Context;
use super::field::{Conflicting, FieldSpec, add_field};
use super::place::Text;
use super::reader::{Entry, Node};
use super::resource::Gvk;
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::source::Span;
use crate::yaml::LoadOptions;

/// Which fields the transformations reach.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    /// Names that a prefix is put before.
    pub(crate) prefix: Vec<FieldSpec>,
    /// Names that a suffix is put after.
    pub(crate) suffix: Vec<FieldSpec>,
    /// Namespaces besides `metadata.namespace`.
    pub(crate) namespace: Vec<FieldSpec>,
    /// Labels that `labels` sets.
    pub(crate) labels: Vec<FieldSpec>,
    /// Labels and selectors that `commonLabels` sets.
    pub(crate) common_labels: Vec<FieldSpec>,
    /// Labels of templates that `labels` sets when asked to.
    pub(crate) template_labels: Vec<FieldSpec>,
    /// Annotations that `commonAnnotations` sets.
    pub(crate) annotations: Vec<FieldSpec>,
    /// Names of other objects.
    pub(crate) references: Vec<Reference>,
    /// Texts in which vars are replaced.
    pub(crate) vars: Vec<FieldSpec>,
    /// Images.
    pub(crate) images: Vec<FieldSpec>,
    /// Numbers of replicas.
    pub(crate) replicas: Vec<FieldSpec>,
}

/// The fields that name objects of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// The objects that are named.
    pub(crate) to: Gvk,
    /// The fields that name them.
    pub(crate) from: Vec<FieldSpec>,
}

/// The form of `defaults.json`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    pods: BTreeMap<String, String>,
    names: Vec<String>,
    namespace: Vec<String>,
    labels: Vec<String>,
    template_labels: Vec<String>,
    selectors: Vec<String>,
    pod_selectors: PodFields,
    annotations: Vec<String>,
    images: Vec<String>,
    replicas: Vec<String>,
    references: Vec<ReferenceEntry>,
    vars: Vec<String>,
    pod_vars: PodFields,
}

#[derive(Deserialize)]
struct PodFields {
    of: Vec<String>,
    paths: Vec<String>,
}

#[derive(Deserialize)]
struct ReferenceEntry {
    to: String,
    #[serde(default)]
    from: Vec<String>,
    pods: Option<PodFields>,
}

/// Returns the fields that are reached without any configuration.
fn defaults() -> &'static Config {
    static DEFAULTS: OnceLock<Config> = OnceLock::new();
    DEFAULTS.get_or_init(|| {
        let file: File = serde_json::from_str(include_str!("defaults.json"))
            .expect("defaults.json has the form of `File`");
        let fields = |lines: &[String]| lines.iter().map(|line| parse_field(line)).collect();
        let of_pods = |fields: &PodFields| -> Vec<FieldSpec> {
            let each = |selector: &String| {
                let gvk = parse_gvk(selector);
                let pod = &file.pods[&gvk.kind];
                let field =
                    |path: &String| FieldSpec::new(gvk.clone(), &format!("{pod}/{path}"), false);
                fields.paths.iter().map(field).collect::<Vec<_>>()
            };
            fields.of.iter().flat_map(each).collect()
        };
        let joined = |lists: [Vec<FieldSpec>; 2]| lists.into_iter().flatten().collect();
        let template_labels: Vec<FieldSpec> =
            joined([fields(&file.labels), fields(&file.template_labels)]);
        let labels = fields(&file.labels);
        let selectors = joined([fields(&file.selectors), of_pods(&file.pod_selectors)]);
        let references = file.references.iter().map(|entry| Reference {
            to: parse_gvk(&entry.to),
            from: joined([
                entry.pods.as_ref().map_or_else(Vec::new, of_pods),
                fields(&entry.from),
            ]),
        });
        Config {
            prefix: fields(&file.names),
            suffix: fields(&file.names),
            labels,
            namespace: fields(&file.namespace),
            common_labels: joined([selectors, template_labels.clone()]),
            template_labels,
            annotations: fields(&file.annotations),
            references: references.collect(),
            vars: joined([of_pods(&file.pod_vars), fields(&file.vars)]),
            images: fields(&file.images),
            replicas: fields(&file.replicas),
        }
    })
}

/// Reads `[+]KIND [VERSION] [@GROUP]: PATH`.
fn parse_field(line: &str) -> FieldSpec {
    let (create, line) = match line.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (selector, path) = line
        .split_once(": ")
        .expect("defaults.json writes fields as `KIND: PATH`");
    FieldSpec::new(parse_gvk(selector), path, create)
}

/// Reads `KIND [VERSION] [@GROUP]`, `*` for any kind.
fn parse_gvk(selector: &str) -> Gvk {
    let mut gvk = Gvk::default();
    for (position, word) in selector.split(' ').enumerate() {
        match (position, word.strip_prefix('@')) {
            (0, _) if word == "*" => {}
            (0, _) => gvk.kind = word.to_owned(),
            (_, Some(group)) => gvk.group = group.to_owned(),
            (_, None) => gvk.version = word.to_owned(),
        }
    }
    gvk
}

impl Config {
    /// Returns the fields that are reached without any configuration.
    pub(crate) fn standard() -> Rc<Config> {
        thread_local! {
            static STANDARD: Rc<Config> = Rc::new(defaults().clone());
        }
        STANDARD.with(Rc::clone)
    }

    /// Returns the fields of both.
    ///
    /// Errors: one field that is made where it is missing by one of them only.
    pub(crate) fn merged(self: &Rc<Self>, other: &Rc<Config>) -> Result<Rc<Config>, Conflicting> {
        if Rc::ptr_eq(self, other) {
            return Ok(Rc::clone(self));
        }
        let mut merged = Config::clone(self);
        merged.add(Config::clone(other))?;
        Ok(Rc::new(merged))
    }

    fn add(&mut self, other: Config) -> Result<(), Conflicting> {
        let lists = [
            (&mut self.prefix, other.prefix),
            (&mut self.suffix, other.suffix),
            (&mut self.namespace, other.namespace),
            (&mut self.labels, other.labels),
            (&mut self.common_labels, other.common_labels),
            (&mut self.template_labels, other.template_labels),
            (&mut self.annotations, other.annotations),
            (&mut self.vars, other.vars),
            (&mut self.images, other.images),
            (&mut self.replicas, other.replicas),
        ];
        for (list, fields) in lists {
            for field in fields {
                add_field(list, field)?;
            }
        }
        for reference in other.references {
            match self
                .references
                .iter_mut()
                .find(|known| known.to == reference.to)
            {
                None => self.references.push(reference),
                Some(known) => {
                    for field in reference.from {
                        add_field(&mut known.from, field)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds what a configuration file says.
    ///
    /// Errors: those of the loader, `wrong-type`, `unknown-key`, `invalid-kustomization`.
    pub(crate) fn add_file(
        &mut self,
        text: &Text,
        context: &mut Context<'_>,
    ) -> Result<(), Rejected> {
        let options = LoadOptions {
            marks: true,
            ..LoadOptions::default()
        };
        let Some(document) = text.only_document(&options, context)? else {
            return Ok(());
        };
        let root = Node::root(text, &document);
        let mut read = Config::default();
        let mark = context.mark();
        for entry in root.entries(context) {
            read.read_entry(&entry, context)?;
        }
        self.add(read)
            .map_err(|conflict| context.refuse(conflicting(&conflict, root.span())))?;
        context.accept(mark, ())
    }

    fn read_entry(&mut self, entry: &Entry<'_>, context: &mut Context<'_>) -> Result<(), Rejected> {
        let list = match entry.key.as_str() {
            "nameprefix" => &mut self.prefix,
            "namesuffix" => &mut self.suffix,
            "namespace" => &mut self.namespace,
            "labels" => &mut self.labels,
            "commonlabels" => &mut self.common_labels,
            "templatelabels" => &mut self.template_labels,
            "commonannotations" => &mut self.annotations,
            "varreference" => &mut self.vars,
            "images" => &mut self.images,
            "replicas" => &mut self.replicas,
            "namereference" => {
                for item in entry.value.items(context) {
                    let reference = read_reference(&item, context)?;
                    self.references.push(reference);
                }
                return Ok(());
            }
            _ => {
                entry.unknown("a configuration", &CONFIGURATION, context);
                return Ok(());
            }
        };
        for item in entry.value.items(context) {
            list.push(read_field(&item, context)?);
        }
        Ok(())
    }
}

/// Makes the finding for fields that cannot be in one configuration.
pub(crate) fn conflicting(conflict: &Conflicting, place: Span) -> Diagnostic {
    Diagnostic::error(
        Code::InvalidKustomization,
        format!(
            "`{}` is made where it is missing by one configuration and not by another",
            conflict.0
        ),
    )
    .at(place)
    .hint("write the same `create` in both")
}

/// The fields of a configuration file.
const CONFIGURATION: [&str; 11] = [
    "namePrefix",
    "nameSuffix",
    "namespace",
    "labels",
    "commonLabels",
    "templateLabels",
    "commonAnnotations",
    "nameReference",
    "varReference",
    "images",
    "replicas",
];

const FIELD: [&str; 5] = ["group", "version", "kind", "path", "create"];

/// Reads one field of certain objects.
pub(crate) fn read_field(
    node: &Node<'_>,
    context: &mut Context<'_>,
) -> Result<FieldSpec, Rejected> {
    let mut gvk = Gvk::default();
    let mut path = String::new();
    let mut create = false;
    for entry in node.entries(context) {
        match entry.key.as_str() {
            "group" => gvk.group = entry.value.plain_string(context),
            "version" => gvk.version = entry.value.plain_string(context),
            "kind" => gvk.kind = entry.value.plain_string(context),
            "path" => path = entry.value.plain_string(context),
            "create" => create = entry.value.boolean(context),
            _ => entry.unknown("a field specification", &FIELD, context),
        }
    }
    if path.split('/').any(|name| matches!(name, "" | "[]")) {
        return Err(context.invalid(
            node.span(),
            "a field specification without a complete `path`",
        ));
    }
    Ok(FieldSpec::new(gvk, &path, create))
}

fn read_reference(node: &Node<'_>, context: &mut Context<'_>) -> Result<Reference, Rejected> {
    let mut to = Gvk::default();
    let mut from = Vec::new();
    for entry in node.entries(context) {
        match entry.key.as_str() {
            "group" => to.group = entry.value.plain_string(context),
            "version" => to.version = entry.value.plain_string(context),
            "kind" => to.kind = entry.value.plain_string(context),
            "fieldspecs" => {
                for item in entry.value.items(context) {
                    from.push(read_field(&item, context)?);
                }
            }
            _ => entry.unknown(
                "a name reference",
                &["group", "version", "kind", "fieldSpecs"],
                context,
            ),
        }
    }
    Ok(Reference { to, from })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_complete() {
        let config = Config::standard();
        assert_eq!(config.common_labels.len(), 32);
        assert_eq!(config.template_labels.len(), 10);
        assert_eq!(config.annotations.len(), 9);
        assert_eq!(config.vars.len(), 71);
        assert_eq!(
            config
                .references
                .iter()
                .map(|r| r.from.len())
                .sum::<usize>(),
            165
        );
    }
}
