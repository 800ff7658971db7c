//! One build: kustomizations inside of each other, each step of each in kustomize's order.
//!
//! Source: `api/internal/target/kusttarget.go` of kustomize v5.5.0.

mod files;
mod plain;

use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::config::{Config, conflicting};
use super::context::Context;
use super::file::{self, Kustomization, PatchEntry};
use super::generate::{self, Pair};
use super::patches;
use super::place::Text;
use super::reader::Located;
use super::replacements::{self, ReplacementEntry};
use super::resource::Resource;
use super::set::Set;
use super::transform::{self, Side};
use super::vars::{self, Vars};
use super::{Fetch, FlatObject, Flattened, Options, Stop, Tree};
use super::{hash, load, order, references};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::source::{Sources, Span};
use files::{Directory, Files, Target};

pub(crate) use plain::read_directory;

/// What kustomizations have come to so far.
struct Accumulated {
    set: Set,
    config: Rc<Config>,
    vars: Vars,
}

impl Accumulated {
    fn new() -> Self {
        Accumulated {
            set: Set::default(),
            config: Config::standard(),
            vars: Vars::new(),
        }
    }
}

struct Builder<'a, 'f> {
    context: Context<'a>,
    files: Files<'a>,
    fetch: &'a mut Fetch<'f>,
    depth: usize,
}

/// Builds the kustomization in a directory.
pub(crate) fn run(
    tree: &Arc<Tree>,
    root: &str,
    options: &Options,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
    fetch: &mut Fetch<'_>,
) -> Result<Flattened, Stop> {
    let mut builder = Builder {
        context: Context::new(sources, diagnostics, &options.limits),
        files: Files::new(tree, options.reach),
        fetch,
        depth: 0,
    };
    let directory = builder.files.root(root, &mut builder.context)?;
    let kustomization = builder.read(&directory, None)?;
    let sort = kustomization.sort.clone();
    let mut built = builder.build(&directory, &kustomization, Accumulated::new())?;
    let context = &mut builder.context;
    let list = built.set.list_mut();
    for resource in list.iter_mut().filter(|resource| resource.hashed) {
        resource.remember();
        let name = format!("{}-{}", resource.name(), hash::suffix(&resource.body));
        resource.set_name(&name);
    }
    references::fix(&built.config, list, context)?;
    vars::resolve(&built.vars, &built.config, list, context)?;
    list.retain(|resource| !is_local(resource));
    order::sort(list, &sort);
    built.set.check_ids(context)?;
    let objects = built.set.into_list().into_iter().map(finished).collect();
    Ok(Flattened { objects })
}

/// Tells whether an object is only for the build.
fn is_local(resource: &Resource) -> bool {
    let annotations = resource
        .body
        .get("metadata")
        .and_then(|m| m.get("annotations"));
    annotations
        .and_then(|map| map.get("config.kubernetes.io/local-config"))
        .is_some_and(|value| value != "false")
}

/// Annotations that kustomize takes for its own, and takes away.
///
/// Source: `BuildAnnotations` of kustomize v5.5.0.
const OWN_ANNOTATIONS: [&str; 17] = [
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.kubernetes.io/id",
];

/// Makes the result of an object: without annotations that only matter to kustomize, and without an empty mapping of them.
fn finished(resource: Resource) -> FlatObject {
    let mut body = resource.body;
    if let Some(Value::Object(metadata)) = body.get_mut("metadata") {
        let is_empty = match metadata.get_mut("annotations") {
            Some(Value::Object(map)) => {
                map.retain(|key, _| !OWN_ANNOTATIONS.contains(&key.as_str()));
                map.is_empty()
            }
            Some(Value::Null) => true,
            _ => false,
        };
        if is_empty {
            metadata.shift_remove("annotations");
        }
    }
    FlatObject {
        body,
        origin: resource.origin,
    }
}

impl Builder<'_, '_> {
    /// Reads the kustomization file of a directory.
    fn read(
        &mut self,
        directory: &Directory,
        asked: Option<Span>,
    ) -> Result<Kustomization, Rejected> {
        self.context.count_kustomization(asked)?;
        let text = self
            .files
            .kustomization(directory, asked, &mut self.context)?;
        file::read(&text, &mut self.context)
    }

    /// Does everything that a kustomization asks for, on top of what there is already.
    fn build(
        &mut self,
        directory: &Directory,
        file: &Kustomization,
        mut built: Accumulated,
    ) -> Result<Accumulated, Stop> {
        if self.depth == self.context.limits.depth {
            let message = format!(
                "there are more than {} kustomizations inside of each other",
                self.depth
            );
            let finding = Diagnostic::error(Code::InputTooLarge, message).at(file.span);
            return Err(self.context.refuse(finding).into());
        }
        self.depth += 1;
        for entry in &file.resources {
            self.add_resource(directory, entry, &mut built)?;
        }
        self.configure(directory, file, &mut built)?;
        self.generate(directory, file, &mut built)?;
        for entry in &file.components {
            built = self.add_component(directory, entry, built)?;
        }
        self.transform(directory, file, &mut built)?;
        vars::add(
            &file.vars,
            &mut built.vars,
            built.set.bodies_mut(),
            &mut self.context,
        )?;
        self.depth -= 1;
        Ok(built)
    }

    /// Adds a file, or what a base comes to.
    fn add_resource(
        &mut self,
        directory: &Directory,
        entry: &Located,
        built: &mut Accumulated,
    ) -> Result<(), Stop> {
        match self
            .files
            .find(directory, entry, self.fetch, &mut self.context)?
        {
            Target::File(text) => {
                for resource in load::objects(&text, &mut self.context)? {
                    built.set.add(resource, &mut self.context)?;
                }
            }
            Target::Directory(base) => {
                let file = self.read(&base, Some(entry.span))?;
                if file.component {
                    let finding = Diagnostic::error(
                        Code::InvalidKustomization,
                        format!("`{}` is a component, not a base", entry.text),
                    )
                    .at(entry.span)
                    .hint("list it under `components`");
                    return Err(self.context.refuse(finding).into());
                }
                self.files.enter(&base);
                let base = self.build(&base, &file, Accumulated::new())?;
                self.files.leave();
                self.merge(base, entry.span, built)?;
            }
        }
        Ok(())
    }

    fn merge(
        &mut self,
        base: Accumulated,
        place: Span,
        built: &mut Accumulated,
    ) -> Result<(), Rejected> {
        built.set.add_all(base.set, &mut self.context)?;
        built.config = built
            .config
            .merged(&base.config)
            .map_err(|conflict| self.context.refuse(conflicting(&conflict, place)))?;
        vars::merge(base.vars, &mut built.vars, &mut self.context)
    }

    /// Lets a component work on what there is so far.
    fn add_component(
        &mut self,
        directory: &Directory,
        entry: &Located,
        built: Accumulated,
    ) -> Result<Accumulated, Stop> {
        let Target::Directory(component) =
            self.files
                .find(directory, entry, self.fetch, &mut self.context)?
        else {
            let message = format!("`{}` is a file; a component is a directory", entry.text);
            return Err(self.context.invalid(entry.span, message).into());
        };
        let file = self.read(&component, Some(entry.span))?;
        if !file.component {
            let finding = Diagnostic::error(
                Code::InvalidKustomization,
                format!("`{}` is not of `kind: Component`", entry.text),
            )
            .at(entry.span)
            .also(file.span, "this kustomization")
            .hint("list a base under `resources`");
            return Err(self.context.refuse(finding).into());
        }
        self.files.enter(&component);
        let built = self.build(&component, &file, built)?;
        self.files.leave();
        Ok(built)
    }

    /// Adds what `configurations` say to the fields that are reached.
    fn configure(
        &mut self,
        directory: &Directory,
        file: &Kustomization,
        built: &mut Accumulated,
    ) -> Result<(), Rejected> {
        if file.configurations.is_empty() {
            return Ok(());
        }
        let mut own = Config::clone(&Config::standard());
        for entry in &file.configurations {
            let text = self.files.text(directory, entry, &mut self.context)?;
            own.add_file(&text, &mut self.context)?;
        }
        built.config = built
            .config
            .merged(&Rc::new(own))
            .map_err(|conflict| self.context.refuse(conflicting(&conflict, file.span)))?;
        Ok(())
    }

    /// Makes ConfigMaps, then Secrets.
    fn generate(
        &mut self,
        directory: &Directory,
        file: &Kustomization,
        built: &mut Accumulated,
    ) -> Result<(), Rejected> {
        let config_maps = file.config_maps.iter().map(|generator| (generator, false));
        let secrets = file.secrets.iter().map(|generator| (generator, true));
        let mut generated = Vec::new();
        for (generator, secret) in config_maps.chain(secrets) {
            let mut pairs: Vec<Pair> = Vec::new();
            for entry in &generator.envs {
                let bytes = self.files.bytes(directory, entry, &mut self.context)?;
                pairs.extend(generate::env_file(&bytes, entry, &mut self.context)?);
            }
            for entry in &generator.literals {
                pairs.push(generate::literal(entry, &mut self.context)?);
            }
            for entry in &generator.files {
                let (key, path) = generate::file_source(entry, &mut self.context)?;
                let path = Located {
                    text: path,
                    span: entry.span,
                };
                let value = self.files.bytes(directory, &path, &mut self.context)?;
                pairs.push(Pair {
                    key,
                    value,
                    span: entry.span,
                });
            }
            let object =
                generate::object(generator, secret, &file.options, pairs, &mut self.context)?;
            generated.push((object, generator.behavior));
        }
        generate::absorb(generated, &mut built.set, &mut self.context)
    }

    /// Changes the objects, in kustomize's order.
    fn transform(
        &mut self,
        directory: &Directory,
        file: &Kustomization,
        built: &mut Accumulated,
    ) -> Result<(), Rejected> {
        let config = Rc::clone(&built.config);
        let set = &mut built.set;
        for entry in &file.strategic {
            let text = self.strategic_text(directory, entry)?;
            let read = patches::read_strategic(text, &mut self.context)?;
            patches::apply_strategic(&read, set, &mut self.context)?;
        }
        for entry in &file.patches {
            let read = self.patch(directory, entry)?;
            patches::apply(entry, &read, set, &mut self.context)?;
        }
        if let Some(namespace) = &file.namespace {
            transform::namespace(namespace, &config, set.list_mut(), &mut self.context)?;
            set.check_ids(&mut self.context)?;
        }
        for (added, side, fields) in [
            (&file.prefix, Side::Prefix, &config.prefix),
            (&file.suffix, Side::Suffix, &config.suffix),
        ] {
            if let Some(added) = added {
                transform::names(added, side, fields, set.list_mut(), &mut self.context)?;
            }
        }
        transform::labels(file, &config, set.bodies_mut(), &mut self.context)?;
        transform::annotations(file, &config, set.bodies_mut(), &mut self.context)?;
        for entry in &file.json6902 {
            let read = self.patch(directory, entry)?;
            patches::apply_json6902(entry, &read, set, &mut self.context)?;
        }
        for entry in &file.replicas {
            transform::replicas(entry, &config, set.bodies_mut(), &mut self.context)?;
        }
        for entry in &file.images {
            transform::images(entry, &config, set.bodies_mut(), &mut self.context)?;
        }
        for entry in &file.replacements {
            match entry {
                ReplacementEntry::Here(replacement) => {
                    replacements::replace(replacement, set.list_mut(), &mut self.context)?;
                }
                ReplacementEntry::File(path) => {
                    let text = self.files.text(directory, path, &mut self.context)?;
                    for replacement in replacements::read_file(&text, &mut self.context)? {
                        replacements::replace(&replacement, set.list_mut(), &mut self.context)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the text of an entry of `patchesStrategicMerge`: a patch, or the path of one.
    fn strategic_text(&mut self, directory: &Directory, entry: &Located) -> Result<Text, Rejected> {
        if entry.text.contains('\n') || entry.text.trim_start().starts_with('{') {
            Ok(Text::of_string(entry.span, &entry.text, &self.context))
        } else {
            self.files.text(directory, entry, &mut self.context)
        }
    }

    fn patch(
        &mut self,
        directory: &Directory,
        entry: &PatchEntry,
    ) -> Result<patches::Read, Rejected> {
        let text = match (&entry.path, &entry.patch) {
            (Some(path), None) => self.files.text(directory, path, &mut self.context)?,
            (None, Some(patch)) => Text::of_string(patch.span, &patch.text, &self.context),
            (Some(_), Some(patch)) => {
                return Err(self
                    .context
                    .invalid(patch.span, "`path` and `patch` at once"));
            }
            (None, None) => {
                return Err(self
                    .context
                    .invalid(entry.span, "a patch needs `path` or `patch`"));
            }
        };
        patches::read(text, &mut self.context)
    }
}
