//! A kustomization file as it is written.
//!
//! Takes the text and gives its fields with their places, deprecated ones moved to their successors. Fields that this
//! reader does not act on are refused by name. Does nothing that a field asks for.
//! Source: `types.Kustomization` of kustomize v5.5.0.

mod parts;

use super::config::read_field;
use super::context::Context;
use super::field::FieldSpec;
use super::place::Text;
use super::reader::{Entry, Located, Node};
use super::replacements::{self, ReplacementEntry};
use super::vars::{self, Var};
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::source::Span;
use crate::yaml::LoadOptions;

pub(crate) use parts::{Behavior, Generator, Image, Labels, Options, PatchEntry, Replicas, Target};

/// The names that a kustomization file may have.
pub(crate) const FILE_NAMES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// One kustomization file.
#[derive(Debug, Clone)]
pub(crate) struct Kustomization {
    /// Whether it is a `Component`.
    pub(crate) component: bool,
    /// The beginning of the file.
    pub(crate) span: Span,
    pub(crate) resources: Vec<Located>,
    pub(crate) components: Vec<Located>,
    pub(crate) configurations: Vec<Located>,
    pub(crate) namespace: Option<Located>,
    pub(crate) prefix: Option<Located>,
    pub(crate) suffix: Option<Located>,
    pub(crate) labels: Vec<Labels>,
    pub(crate) common_labels: Vec<(String, String)>,
    pub(crate) common_labels_span: Span,
    pub(crate) common_annotations: Vec<(String, String)>,
    pub(crate) common_annotations_span: Span,
    pub(crate) images: Vec<Image>,
    pub(crate) replicas: Vec<Replicas>,
    pub(crate) strategic: Vec<Located>,
    pub(crate) json6902: Vec<PatchEntry>,
    pub(crate) patches: Vec<PatchEntry>,
    pub(crate) config_maps: Vec<Generator>,
    pub(crate) secrets: Vec<Generator>,
    pub(crate) options: Options,
    pub(crate) replacements: Vec<ReplacementEntry>,
    pub(crate) vars: Vec<Var>,
    pub(crate) sort: Sort,
}

/// In which order the objects come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    /// By kind: what others need first.
    #[default]
    Standard,
    /// As they are read.
    AsRead,
    /// By kind, with kinds that come first and kinds that come last.
    Kinds {
        first: Vec<String>,
        last: Vec<String>,
    },
}

const FIELDS: [&str; 26] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "bases",
    "components",
    "configurations",
    "namespace",
    "namePrefix",
    "nameSuffix",
    "labels",
    "commonLabels",
    "commonAnnotations",
    "images",
    "imageTags",
    "replicas",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "replacements",
    "vars",
    "sortOptions",
    "buildMetadata",
];

/// Fields that kustomize has and this reader refuses: why, and what to do instead.
const REFUSED: [(&str, &str, &str); 9] = [
    (
        "helmCharts",
        "Helm charts are not rendered here",
        "render the chart with `helm template` into a file of the tree, and list that under `resources`",
    ),
    (
        "helmGlobals",
        "Helm charts are not rendered here",
        "render the chart with `helm template` into a file of the tree, and list that under `resources`",
    ),
    (
        "helmChartInflationGenerator",
        "Helm charts are not rendered here",
        "render the chart with `helm template` into a file of the tree, and list that under `resources`",
    ),
    (
        "generators",
        "generator plugins are not run",
        "use `configMapGenerator`, `secretGenerator`, or `resources` with what the plugin makes",
    ),
    (
        "transformers",
        "transformer plugins are not run",
        "use the field of the kustomization that does the same (`patches`, `labels`, `replacements`, ..)",
    ),
    (
        "validators",
        "validator plugins are not run",
        "leave the field out; what comes out is validated by `tenantry validate`",
    ),
    (
        "crds",
        "name references are not read from OpenAPI definitions",
        "write the same fields as `nameReference` in a file of `configurations`",
    ),
    (
        "openapi",
        "lists do not merge by a schema of the tree",
        "give whole lists, or use JSON 6902 patches for custom resources",
    ),
    (
        "inventory",
        "kustomize v5 does not know inventories any more",
        "leave the field out",
    ),
];

/// The built-in schema of kustomize v5.5.0.
const SCHEMA: &str = "v1.21.2";

/// Reads a kustomization file.
///
/// Errors: those of the loader; `unknown-key`, `wrong-type`, `unsupported-kustomization`, `invalid-kustomization`.
pub(crate) fn read(text: &Text, context: &mut Context<'_>) -> Result<Kustomization, Rejected> {
    let options = LoadOptions {
        marks: true,
        dates_as_text: true,
        ..LoadOptions::default()
    };
    let span = text.span(0..0);
    let Some(document) = text.only_document(&options, context)? else {
        return Err(context.invalid(span, "the kustomization is empty"));
    };
    let root = Node::root(text, &document);
    let mut read = Kustomization {
        component: false,
        span,
        resources: Vec::new(),
        components: Vec::new(),
        configurations: Vec::new(),
        namespace: None,
        prefix: None,
        suffix: None,
        labels: Vec::new(),
        common_labels: Vec::new(),
        common_labels_span: span,
        common_annotations: Vec::new(),
        common_annotations_span: span,
        images: Vec::new(),
        replicas: Vec::new(),
        strategic: Vec::new(),
        json6902: Vec::new(),
        patches: Vec::new(),
        config_maps: Vec::new(),
        secrets: Vec::new(),
        options: Options::default(),
        replacements: Vec::new(),
        vars: Vec::new(),
        sort: Sort::default(),
    };
    let before = context.diagnostics.iter().count();
    let mut bases = Vec::new();
    let mut image_tags = Vec::new();
    let mut api_version = None;
    let entries = root.entries(context);
    let says_something = |entry: &Entry<'_>| {
        let value = entry.value.value();
        !matches!(entry.key.as_str(), "apiversion" | "kind") && !value.is_null() && value != ""
    };
    if !entries.iter().any(says_something) {
        context.invalid(span, "the kustomization is empty");
    }
    for entry in entries {
        let value = &entry.value;
        match entry.key.as_str() {
            "apiversion" => api_version = value.string(context),
            "kind" => read.component = read_kind(value, context),
            "metadata" => read_metadata(value, context),
            "resources" => read.resources = value.strings(context),
            "bases" => bases = value.strings(context),
            "components" => read.components = value.strings(context),
            "configurations" => read.configurations = value.strings(context),
            "namespace" => read.namespace = value.string(context),
            "nameprefix" => read.prefix = value.string(context),
            "namesuffix" => read.suffix = value.string(context),
            "labels" => read.labels = parts::labels(value, context)?,
            "commonlabels" => {
                read.common_labels = value.string_map(context);
                read.common_labels_span = entry.span;
            }
            "commonannotations" => {
                read.common_annotations = value.string_map(context);
                read.common_annotations_span = entry.span;
            }
            "images" => read.images = parts::images(value, context),
            "imagetags" => image_tags = parts::images(value, context),
            "replicas" => read.replicas = parts::replicas(value, context),
            "patchesstrategicmerge" => read.strategic = value.strings(context),
            "patchesjson6902" => read.json6902 = parts::patches(value, context),
            "patches" => read.patches = parts::patches(value, context),
            "configmapgenerator" => read.config_maps = parts::generators(value, false, context),
            "secretgenerator" => read.secrets = parts::generators(value, true, context),
            "generatoroptions" => read.options = parts::options(value, context),
            "replacements" => read.replacements = replacements::read_entries(value, context),
            "vars" => read.vars = vars::read(value, context),
            "sortoptions" => read.sort = read_sort(value, context),
            "openapi" if !has_schema_of_its_own(value) => {}
            // What it adds are notes about the build, which a pinned copy has in its lock.
            "buildmetadata" => {
                value.strings(context);
            }
            _ => refuse_or_unknown(&entry, context),
        }
    }
    read.resources.extend(bases);
    read.images.extend(image_tags);
    check_api_version(api_version, read.component, context);
    if context.diagnostics.iter().skip(before).any(is_error) {
        Err(Rejected)
    } else {
        Ok(read)
    }
}

fn is_error(finding: &Diagnostic) -> bool {
    finding.severity == crate::diagnostic::Severity::Error
}

fn refuse_or_unknown(entry: &Entry<'_>, context: &mut Context<'_>) {
    let refused = REFUSED
        .iter()
        .find(|(name, ..)| name.eq_ignore_ascii_case(&entry.key));
    let Some((name, why, instead)) = refused else {
        entry.unknown("a kustomization", &FIELDS, context);
        return;
    };
    context.refuse(
        Diagnostic::error(
            Code::UnsupportedKustomization,
            format!("`{name}` is not supported: {why}"),
        )
        .at(entry.span)
        .label("not supported")
        .hint(*instead),
    );
}

/// Tells whether `openapi` asks for anything but the schema that is built in.
fn has_schema_of_its_own(value: &Node<'_>) -> bool {
    match value.value() {
        serde_json::Value::Null => false,
        serde_json::Value::Object(map) => map
            .iter()
            .any(|(key, value)| !(key.eq_ignore_ascii_case("version") && *value == SCHEMA)),
        _ => true,
    }
}

fn read_kind(value: &Node<'_>, context: &mut Context<'_>) -> bool {
    let Some(kind) = value.string(context) else {
        return false;
    };
    match kind.text.as_str() {
        "Kustomization" => false,
        "Component" => true,
        other => {
            context.invalid(
                kind.span,
                format!("`kind` is `Kustomization` or `Component`, not `{other}`"),
            );
            false
        }
    }
}

fn check_api_version(api_version: Option<Located>, component: bool, context: &mut Context<'_>) {
    let expected = if component {
        "kustomize.config.k8s.io/v1alpha1"
    } else {
        "kustomize.config.k8s.io/v1beta1"
    };
    if let Some(api_version) = api_version.filter(|written| written.text != expected) {
        context.refuse(
            Diagnostic::error(
                Code::InvalidKustomization,
                format!("kustomize refuses the `apiVersion` `{}`", api_version.text),
            )
            .at(api_version.span)
            .hint(format!("write `{expected}`, or leave it out")),
        );
    }
}

fn read_metadata(value: &Node<'_>, context: &mut Context<'_>) {
    for entry in value.entries(context) {
        match entry.key.as_str() {
            "name" | "namespace" => {
                entry.value.string(context);
            }
            "labels" | "annotations" => {
                entry.value.string_map(context);
            }
            _ => entry.unknown(
                "the metadata of a kustomization",
                &["name", "namespace", "labels", "annotations"],
                context,
            ),
        }
    }
}

fn read_sort(value: &Node<'_>, context: &mut Context<'_>) -> Sort {
    let mut order = None;
    let mut kinds = None;
    for entry in value.entries(context) {
        match entry.key.as_str() {
            "order" => order = entry.value.string(context),
            "legacysortoptions" => {
                let mut first = Vec::new();
                let mut last = Vec::new();
                let texts = |list: Vec<Located>| list.into_iter().map(|kind| kind.text).collect();
                for entry in entry.value.entries(context) {
                    match entry.key.as_str() {
                        "orderfirst" => first = texts(entry.value.strings(context)),
                        "orderlast" => last = texts(entry.value.strings(context)),
                        _ => entry.unknown(
                            "`legacySortOptions`",
                            &["orderFirst", "orderLast"],
                            context,
                        ),
                    }
                }
                kinds = Some(Sort::Kinds { first, last });
            }
            _ => entry.unknown("`sortOptions`", &["order", "legacySortOptions"], context),
        }
    }
    match (order.as_ref().map(|order| order.text.as_str()), kinds) {
        (Some("legacy"), kinds) => kinds.unwrap_or_default(),
        (Some("fifo"), None) => Sort::AsRead,
        (Some("fifo"), Some(_)) => {
            context.invalid(
                value.span(),
                "`legacySortOptions` goes with `order: legacy`",
            );
            Sort::AsRead
        }
        (other, _) => {
            context.invalid(
                order.as_ref().map_or(value.span(), |order| order.span),
                format!(
                    "`order` is `fifo` or `legacy`, not `{}`",
                    other.unwrap_or("")
                ),
            );
            Sort::Standard
        }
    }
}

/// Reads a list of fields of certain objects.
fn read_fields(value: &Node<'_>, context: &mut Context<'_>) -> Result<Vec<FieldSpec>, Rejected> {
    value
        .items(context)
        .iter()
        .map(|item| read_field(item, context))
        .collect()
}
