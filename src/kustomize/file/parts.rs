//! The entries of a kustomization's lists: images, labels, replicas, patches, generators.

use super::read_fields;
use crate::diagnostic::Rejected;
use crate::kustomize::context::Context;
use crate::kustomize::field::FieldSpec;
use crate::kustomize::reader::{Located, Node};
use crate::source::Span;

/// One entry of `images`.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) span: Span,
    pub(crate) name: String,
    pub(crate) new_name: String,
    pub(crate) new_tag: String,
    pub(crate) tag_suffix: String,
    pub(crate) digest: String,
}

/// One entry of `labels`.
#[derive(Debug, Clone)]
pub(crate) struct Labels {
    pub(crate) span: Span,
    pub(crate) pairs: Vec<(String, String)>,
    pub(crate) selectors: bool,
    pub(crate) templates: bool,
    pub(crate) fields: Vec<FieldSpec>,
}

/// One entry of `replicas`.
#[derive(Debug, Clone)]
pub(crate) struct Replicas {
    pub(crate) span: Span,
    pub(crate) name: String,
    pub(crate) count: i64,
}

/// One entry of `patches` or `patchesJson6902`.
#[derive(Debug, Clone)]
pub(crate) struct PatchEntry {
    pub(crate) span: Span,
    pub(crate) path: Option<Located>,
    pub(crate) patch: Option<Located>,
    pub(crate) target: Option<Target>,
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}

/// The target of a patch, as it is written.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) value: serde_json::Value,
    pub(crate) span: Span,
    /// The place of the name, if there is one.
    pub(crate) name: Option<Located>,
}

/// One entry of `configMapGenerator` or `secretGenerator`.
#[derive(Debug, Clone)]
pub(crate) struct Generator {
    pub(crate) span: Span,
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// `type` of a Secret.
    pub(crate) secret_type: String,
    pub(crate) behavior: Behavior,
    pub(crate) literals: Vec<Located>,
    pub(crate) files: Vec<Located>,
    pub(crate) envs: Vec<Located>,
    pub(crate) options: Options,
}

/// What happens when there is an object of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// That is an error.
    Create,
    /// Keys are added and replaced.
    Merge,
    /// All keys are replaced.
    Replace,
}

/// How generated objects look.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) annotations: Vec<(String, String)>,
    pub(crate) without_hash: bool,
    pub(crate) immutable: bool,
}

pub(super) fn images(node: &Node<'_>, context: &mut Context<'_>) -> Vec<Image> {
    let mut images = Vec::new();
    for item in node.items(context) {
        let mut image = Image {
            span: item.span(),
            name: String::new(),
            new_name: String::new(),
            new_tag: String::new(),
            tag_suffix: String::new(),
            digest: String::new(),
        };
        for entry in item.entries(context) {
            let field = match entry.key.as_str() {
                "name" => &mut image.name,
                "newname" => &mut image.new_name,
                "newtag" => &mut image.new_tag,
                "tagsuffix" => &mut image.tag_suffix,
                "digest" => &mut image.digest,
                _ => {
                    entry.unknown(
                        "an image",
                        &["name", "newName", "newTag", "tagSuffix", "digest"],
                        context,
                    );
                    continue;
                }
            };
            *field = entry.value.plain_string(context);
        }
        images.push(image);
    }
    images
}

pub(super) fn labels(node: &Node<'_>, context: &mut Context<'_>) -> Result<Vec<Labels>, Rejected> {
    let mut labels = Vec::new();
    for item in node.items(context) {
        let mut read = Labels {
            span: item.span(),
            pairs: Vec::new(),
            selectors: false,
            templates: false,
            fields: Vec::new(),
        };
        for entry in item.entries(context) {
            match entry.key.as_str() {
                "pairs" => read.pairs = entry.value.string_map(context),
                "includeselectors" => read.selectors = entry.value.boolean(context),
                "includetemplates" => read.templates = entry.value.boolean(context),
                "fields" => read.fields = read_fields(&entry.value, context)?,
                _ => entry.unknown(
                    "an entry of `labels`",
                    &["pairs", "includeSelectors", "includeTemplates", "fields"],
                    context,
                ),
            }
        }
        labels.push(read);
    }
    Ok(labels)
}

pub(super) fn replicas(node: &Node<'_>, context: &mut Context<'_>) -> Vec<Replicas> {
    let mut replicas = Vec::new();
    for item in node.items(context) {
        let mut read = Replicas {
            span: item.span(),
            name: String::new(),
            count: 0,
        };
        for entry in item.entries(context) {
            match entry.key.as_str() {
                "name" => read.name = entry.value.plain_string(context),
                "count" => read.count = entry.value.integer(context),
                _ => entry.unknown("an entry of `replicas`", &["name", "count"], context),
            }
        }
        replicas.push(read);
    }
    replicas
}

pub(super) fn patches(node: &Node<'_>, context: &mut Context<'_>) -> Vec<PatchEntry> {
    let mut patches = Vec::new();
    for item in node.items(context) {
        let mut read = PatchEntry {
            span: item.span(),
            path: None,
            patch: None,
            target: None,
            allow_name_change: false,
            allow_kind_change: false,
        };
        for entry in item.entries(context) {
            match entry.key.as_str() {
                "path" => read.path = entry.value.string(context),
                "patch" => read.patch = entry.value.string(context),
                "target" if entry.value.value().is_null() => {}
                "target" => {
                    let name = entry.value.entries(context).into_iter();
                    let name = name.filter(|entry| entry.key == "name").next_back();
                    read.target = Some(Target {
                        value: entry.value.value().clone(),
                        span: entry.value.span(),
                        name: name.and_then(|entry| entry.value.string(context)),
                    });
                }
                "options" => {
                    for entry in entry.value.entries(context) {
                        let value = entry.value.boolean(context);
                        match entry.written {
                            "allowNameChange" => read.allow_name_change = value,
                            "allowKindChange" => read.allow_kind_change = value,
                            _ => entry.unknown(
                                "`options` of a patch",
                                &["allowNameChange", "allowKindChange"],
                                context,
                            ),
                        }
                    }
                }
                _ => entry.unknown("a patch", &["path", "patch", "target", "options"], context),
            }
        }
        patches.push(read);
    }
    patches
}

const GENERATOR: [&str; 9] = [
    "name",
    "namespace",
    "behavior",
    "type",
    "literals",
    "files",
    "envs",
    "env",
    "options",
];

pub(super) fn generators(
    node: &Node<'_>,
    secret: bool,
    context: &mut Context<'_>,
) -> Vec<Generator> {
    let mut generators = Vec::new();
    for item in node.items(context) {
        let mut read = Generator {
            span: item.span(),
            name: String::new(),
            namespace: String::new(),
            secret_type: String::new(),
            behavior: Behavior::Create,
            literals: Vec::new(),
            files: Vec::new(),
            envs: Vec::new(),
            options: Options::default(),
        };
        let mut env = None;
        for entry in item.entries(context) {
            let value = &entry.value;
            match entry.key.as_str() {
                "name" => read.name = value.plain_string(context),
                "namespace" => read.namespace = value.plain_string(context),
                "behavior" => read.behavior = behavior(value, context),
                "type" if secret => read.secret_type = value.plain_string(context),
                "literals" => read.literals = value.strings(context),
                "files" => read.files = value.strings(context),
                "envs" => read.envs = value.strings(context),
                "env" => env = value.string(context),
                "options" => read.options = options(value, context),
                _ => entry.unknown("a generator", &GENERATOR, context),
            }
        }
        read.envs.extend(env);
        if read.name.is_empty() {
            context.invalid(read.span, "a generator without `name`");
        }
        generators.push(read);
    }
    generators
}

fn behavior(node: &Node<'_>, context: &mut Context<'_>) -> Behavior {
    // kustomize takes any other word for `create`.
    match node.string(context) {
        Some(word) if word.text == "merge" => Behavior::Merge,
        Some(word) if word.text == "replace" => Behavior::Replace,
        Some(word) if word.text != "create" => {
            context.invalid(
                word.span,
                format!(
                    "`behavior` is `create`, `merge` or `replace`, not `{}`",
                    word.text
                ),
            );
            Behavior::Create
        }
        _ => Behavior::Create,
    }
}

pub(super) fn options(node: &Node<'_>, context: &mut Context<'_>) -> Options {
    let mut options = Options::default();
    for entry in node.entries(context) {
        match entry.key.as_str() {
            "labels" => options.labels = entry.value.string_map(context),
            "annotations" => options.annotations = entry.value.string_map(context),
            "disablenamesuffixhash" => options.without_hash = entry.value.boolean(context),
            "immutable" => options.immutable = entry.value.boolean(context),
            _ => entry.unknown(
                "the options of a generator",
                &[
                    "labels",
                    "annotations",
                    "disableNameSuffixHash",
                    "immutable",
                ],
                context,
            ),
        }
    }
    options
}

impl Options {
    /// Returns these options with what the kustomization sets for all generators.
    ///
    /// Source: `MergeGlobalOptionsIntoLocal` of kustomize v5.5.0.
    pub(crate) fn with(&self, global: &Options) -> Options {
        let merged = |local: &[(String, String)], global: &[(String, String)]| {
            let mut all = global.to_vec();
            for (key, value) in local {
                match all.iter_mut().find(|(known, _)| known == key) {
                    Some((_, known)) => known.clone_from(value),
                    None => all.push((key.clone(), value.clone())),
                }
            }
            all
        };
        Options {
            labels: merged(&self.labels, &global.labels),
            annotations: merged(&self.annotations, &global.annotations),
            without_hash: self.without_hash || global.without_hash,
            immutable: self.immutable || global.immutable,
        }
    }
}
