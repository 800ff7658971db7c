//! The files that a build reads: in its tree, and in the trees of remote bases.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::context::Context;
use super::super::file::FILE_NAMES;
use super::super::place::Text;
use super::super::reader::Located;
use super::super::remote::{self, Address};
use super::super::tree::{Found, Lost, is_within};
use super::super::{Fetch, Reach, Remote, Stop, Tree};
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::source::{FileId, Span};

/// A directory of one of the trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directory {
    tree: usize,
    /// The path in the tree, without symbolic links.
    pub(super) path: String,
    /// The entry that led here, when the tree is remote.
    remote: Option<String>,
}

/// What an entry of `resources` leads to.
pub(super) enum Target {
    File(Text),
    Directory(Directory),
}

/// The trees of a build, and what was read of them.
pub(super) struct Files<'a> {
    trees: Vec<Arc<Tree>>,
    /// Trees by repository and reference.
    remotes: HashMap<(String, Option<String>), usize>,
    reach: Reach,
    /// Texts that are registered as sources.
    known: HashMap<(usize, String), FileId>,
    /// The directories that are being built, outermost first.
    stack: Vec<Directory>,
    root: &'a Arc<Tree>,
}

impl<'a> Files<'a> {
    pub(super) fn new(tree: &'a Arc<Tree>, reach: Reach) -> Self {
        Files {
            trees: vec![Arc::clone(tree)],
            remotes: HashMap::new(),
            reach,
            known: HashMap::new(),
            stack: Vec::new(),
            root: tree,
        }
    }

    /// Returns the directory that the build begins with.
    pub(super) fn root(
        &mut self,
        path: &str,
        context: &mut Context<'_>,
    ) -> Result<Directory, Rejected> {
        let shown = self.root.shown(path);
        let message = match self.root.find("", path) {
            Ok((path, Found::Directory)) => {
                let directory = Directory {
                    tree: 0,
                    path,
                    remote: None,
                };
                self.enter(&directory);
                return Ok(directory);
            }
            Ok((_, Found::File(_))) => format!("`{path}` is a file, not a directory"),
            Err(lost) => lost_message(&lost, path),
        };
        Err(context.refuse(Diagnostic::error(Code::FileNotFound, message).path(shown)))
    }

    /// Notes that a directory is being built.
    pub(super) fn enter(&mut self, directory: &Directory) {
        self.stack.push(directory.clone());
    }

    /// Notes that the directory entered last is built.
    pub(super) fn leave(&mut self) {
        self.stack.pop();
    }

    /// Returns the kustomization file of a directory.
    pub(super) fn kustomization(
        &mut self,
        directory: &Directory,
        asked: Option<Span>,
        context: &mut Context<'_>,
    ) -> Result<Text, Rejected> {
        let tree = Arc::clone(&self.trees[directory.tree]);
        let present: Vec<(String, &[u8])> = FILE_NAMES
            .iter()
            .filter_map(|name| match tree.find(&directory.path, name) {
                Ok((path, Found::File(bytes))) => Some((path, bytes)),
                _ => None,
            })
            .collect();
        let shown = tree.shown(&directory.path);
        let mut finding = match present.as_slice() {
            [(path, bytes)] => {
                return self.register(directory.tree, path, bytes, asked, context);
            }
            [] => Diagnostic::error(
                Code::FileNotFound,
                format!("there is no kustomization in `{shown}`"),
            )
            .hint("a base is a directory with a file `kustomization.yaml`"),
            [(first, _), (second, _), ..] => Diagnostic::error(
                Code::InvalidKustomization,
                format!("there are two kustomizations in `{shown}`: `{first}` and `{second}`"),
            )
            .hint("remove one of them"),
        };
        match asked {
            Some(span) => finding.span = Some(span),
            None => finding.path = Some(shown),
        }
        Err(context.refuse(finding))
    }

    /// Returns what an entry of `resources` or `components` leads to.
    ///
    /// Errors: `file-not-found`, `unsafe-path`, `unsupported-kustomization`, `invalid-kustomization` for a cycle.
    pub(super) fn find(
        &mut self,
        directory: &Directory,
        entry: &Located,
        fetch: &mut Fetch<'_>,
        context: &mut Context<'_>,
    ) -> Result<Target, Stop> {
        let tree = Arc::clone(&self.trees[directory.tree]);
        let found = tree.find(&directory.path, &entry.text);
        if let Ok((path, Found::File(bytes))) = &found {
            self.check_reach(directory, path, entry, context)?;
            let text = self.register(directory.tree, path, bytes, Some(entry.span), context)?;
            return Ok(Target::File(text));
        }
        match remote::parse(&entry.text) {
            None => {}
            Some(Address::Directory(remote)) => {
                return self.find_remote(&remote, entry, fetch, context);
            }
            Some(Address::File(remote)) => {
                let tree = self.fetch(&remote, fetch)?;
                let files = Arc::clone(&self.trees[tree]);
                return match files.find("", &remote.path) {
                    Ok((path, Found::File(bytes))) => Ok(Target::File(self.register(
                        tree,
                        &path,
                        bytes,
                        Some(entry.span),
                        context,
                    )?)),
                    Ok(_) => Err(lost(&Lost::Missing, entry, context).into()),
                    Err(problem) => Err(lost(&problem, entry, context).into()),
                };
            }
            Some(Address::WebFile) => {
                let finding = Diagnostic::error(
                    Code::UnsupportedKustomization,
                    format!(
                        "`{}` is a file on a web server; only Git is fetched from",
                        entry.text
                    ),
                )
                .at(entry.span)
                .label("not supported")
                .hint("copy the file into the tree, or name the directory of its repository");
                return Err(context.refuse(finding).into());
            }
            Some(Address::Leaves) => return Err(lost(&Lost::Leaves, entry, context).into()),
        }
        match found {
            Ok((path, _)) => {
                let base = Directory {
                    tree: directory.tree,
                    path,
                    remote: None,
                };
                self.check_cycle(&base, entry, context)?;
                Ok(Target::Directory(base))
            }
            Err(problem) => Err(lost(&problem, entry, context).into()),
        }
    }

    fn find_remote(
        &mut self,
        remote: &Remote,
        entry: &Located,
        fetch: &mut Fetch<'_>,
        context: &mut Context<'_>,
    ) -> Result<Target, Stop> {
        let cycle = self
            .stack
            .iter()
            .filter_map(|directory| directory.remote.as_ref())
            .any(|above| above.starts_with(&entry.text));
        if cycle {
            let message = format!("`{}` leads back to itself", entry.text);
            return Err(context.invalid(entry.span, message).into());
        }
        if remote.url.starts_with("http://") {
            let finding = Diagnostic::error(
                Code::UnsupportedKustomization,
                format!("`{}` is not encrypted", remote.url),
            )
            .at(entry.span)
            .hint("use https, ssh or file");
            return Err(context.refuse(finding).into());
        }
        let tree = self.fetch(remote, fetch)?;
        match self.trees[tree].find("", &remote.path) {
            Ok((path, Found::Directory)) => {
                let base = Directory {
                    tree,
                    path,
                    remote: Some(entry.text.clone()),
                };
                self.check_cycle(&base, entry, context)?;
                Ok(Target::Directory(base))
            }
            Ok((_, Found::File(_))) => {
                let message = format!("`{}` is a file, not a directory", remote.path);
                Err(context.invalid(entry.span, message).into())
            }
            Err(problem) => Err(lost(&problem, entry, context).into()),
        }
    }

    fn fetch(&mut self, remote: &Remote, fetch: &mut Fetch<'_>) -> Result<usize, Stop> {
        let key = (remote.url.clone(), remote.reference.clone());
        if let Some(tree) = self.remotes.get(&key) {
            return Ok(*tree);
        }
        let tree = fetch(remote).map_err(Stop::Fetch)?;
        self.trees.push(tree);
        self.remotes.insert(key, self.trees.len() - 1);
        Ok(self.trees.len() - 1)
    }

    fn check_cycle(
        &self,
        base: &Directory,
        entry: &Located,
        context: &mut Context<'_>,
    ) -> Result<(), Rejected> {
        let cycle = self
            .stack
            .iter()
            .any(|above| above.tree == base.tree && is_within(&above.path, &base.path));
        if !cycle {
            return Ok(());
        }
        Err(context.refuse(
            Diagnostic::error(
                Code::InvalidKustomization,
                format!(
                    "`{}` contains the kustomization that asks for it",
                    entry.text
                ),
            )
            .at(entry.span)
            .label("a cycle"),
        ))
    }

    fn check_reach(
        &self,
        directory: &Directory,
        path: &str,
        entry: &Located,
        context: &mut Context<'_>,
    ) -> Result<(), Rejected> {
        if self.reach == Reach::Tree || is_within(path, &directory.path) {
            return Ok(());
        }
        Err(context.refuse(
            Diagnostic::error(
                Code::UnsafePath,
                format!("`{}` is outside of the kustomization's directory", entry.text),
            )
            .at(entry.span)
            .label(format!("this is `{path}`"))
            .hint("kustomize refuses this too; make the file's directory a base, or allow files of the whole tree"),
        ))
    }

    /// Returns the bytes of a file that a kustomization names.
    pub(super) fn bytes(
        &mut self,
        directory: &Directory,
        entry: &Located,
        context: &mut Context<'_>,
    ) -> Result<Vec<u8>, Rejected> {
        let tree = Arc::clone(&self.trees[directory.tree]);
        let (path, bytes) = self.locate(&tree, directory, entry, context)?;
        self.check_reach(directory, &path, entry, context)?;
        context.count_bytes(bytes.len(), entry.span)?;
        Ok(bytes.to_vec())
    }

    /// Returns the text of a file that a kustomization names.
    pub(super) fn text(
        &mut self,
        directory: &Directory,
        entry: &Located,
        context: &mut Context<'_>,
    ) -> Result<Text, Rejected> {
        let tree = Arc::clone(&self.trees[directory.tree]);
        let (path, bytes) = self.locate(&tree, directory, entry, context)?;
        self.check_reach(directory, &path, entry, context)?;
        self.register(directory.tree, &path, bytes, Some(entry.span), context)
    }

    fn locate<'t>(
        &self,
        tree: &'t Tree,
        directory: &Directory,
        entry: &Located,
        context: &mut Context<'_>,
    ) -> Result<(String, &'t [u8]), Rejected> {
        match tree.find(&directory.path, &entry.text) {
            Ok((path, Found::File(bytes))) => Ok((path, bytes)),
            Ok((_, Found::Directory)) => Err(context.invalid(
                entry.span,
                format!("`{}` is a directory, not a file", entry.text),
            )),
            Err(problem) => Err(lost(&problem, entry, context)),
        }
    }

    /// Makes a file a source that findings can point into.
    fn register(
        &mut self,
        tree: usize,
        path: &str,
        bytes: &[u8],
        asked: Option<Span>,
        context: &mut Context<'_>,
    ) -> Result<Text, Rejected> {
        let shown = self.trees[tree].shown(path);
        let Ok(text) = std::str::from_utf8(bytes) else {
            let finding = Diagnostic::error(Code::InvalidUtf8, format!("`{shown}` is not UTF-8"));
            return Err(context.refuse(match asked {
                Some(span) => finding.at(span),
                None => finding.path(shown),
            }));
        };
        let file = *self
            .known
            .entry((tree, path.to_owned()))
            .or_insert_with(|| context.sources.add(shown, text));
        let text = Text::of_file(file, text);
        context.count_bytes(bytes.len(), asked.unwrap_or_else(|| text.span(0..0)))?;
        Ok(text)
    }
}

/// Says why an entry leads to nothing.
fn lost(problem: &Lost, entry: &Located, context: &mut Context<'_>) -> Rejected {
    let code = match problem {
        Lost::Missing => Code::FileNotFound,
        Lost::Module(_) => Code::UnsupportedKustomization,
        _ => Code::UnsafePath,
    };
    context.refuse(Diagnostic::error(code, lost_message(problem, &entry.text)).at(entry.span))
}

fn lost_message(problem: &Lost, path: &str) -> String {
    match problem {
        Lost::Absolute => format!("`{path}` is an absolute path"),
        Lost::Leaves => format!("`{path}` leaves the tree"),
        Lost::LinkLeaves(link) => {
            format!("`{path}` leads through the symbolic link `{link}`, which leaves the tree")
        }
        Lost::Loop => format!("`{path}` leads through symbolic links in a circle"),
        Lost::Module(module) => {
            format!("`{path}` is in the Git submodule `{module}`, which is not fetched")
        }
        Lost::Missing => format!("there is no `{path}`"),
    }
}
