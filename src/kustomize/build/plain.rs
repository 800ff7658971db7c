//! Directories without kustomizations.

use std::sync::Arc;

use super::super::context::Context;
use super::super::file::FILE_NAMES;
use super::super::set::Set;
use super::super::tree::is_within;
use super::super::{Flattened, Options, Tree, load};
use super::finished;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::kustomize::place::Text;
use crate::source::Sources;

/// Reads every manifest in a directory and below, in the order of their paths.
pub(crate) fn read_directory(
    tree: &Arc<Tree>,
    root: &str,
    options: &Options,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Flattened, Rejected> {
    let mut context = Context::new(sources, diagnostics, &options.limits);
    let mut set = Set::default();
    let root = root.trim_matches('/');
    let mut found = false;
    for (path, bytes) in tree.files().filter(|(path, _)| is_within(path, root)) {
        let shown = tree.shown(path);
        let name = path.rsplit('/').next().unwrap_or(path);
        if FILE_NAMES.contains(&name) {
            let finding = Diagnostic::error(
                Code::UnsupportedKustomization,
                format!("`{root}` is not a kustomization, but `{shown}` below it is one"),
            )
            .path(shown)
            .hint("name the directory of the kustomization");
            return Err(context.refuse(finding));
        }
        if ![".yaml", ".yml", ".json"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            continue;
        }
        found = true;
        let Ok(text) = std::str::from_utf8(bytes) else {
            let finding =
                Diagnostic::error(Code::InvalidUtf8, format!("`{shown}` is not UTF-8")).path(shown);
            return Err(context.refuse(finding));
        };
        let file = context.sources.add(shown, text);
        let text = Text::of_file(file, text);
        context.count_bytes(bytes.len(), text.span(0..0))?;
        for resource in load::objects(&text, &mut context)? {
            set.add(resource, &mut context)?;
        }
    }
    if !found {
        let shown = tree.shown(root);
        let finding = Diagnostic::error(
            Code::FileNotFound,
            format!("there are no manifests in `{shown}`"),
        )
        .path(shown);
        return Err(context.refuse(finding));
    }
    Ok(Flattened {
        objects: set.into_list().into_iter().map(finished).collect(),
    })
}
