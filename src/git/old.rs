//! The tree at a revision as something to compare with.

use std::collections::BTreeMap;
use std::io;

use super::{FileKind, ObjectId, TreeFile, TreeReader};
use crate::tree::{Form, INDEX, OldTree, Recorded, Stop, StopReason, TreeError, is_manifest};

/// The tree at a revision; one that is not there is empty.
#[derive(Debug)]
pub struct RevisionTree<'r> {
    /// What messages put before a path of the tree, for example `main:overlays`.
    name: String,
    reader: Option<TreeReader<'r>>,
    recorded: BTreeMap<String, Recorded>,
    has_index: bool,
    form: Form,
}

impl<'r> RevisionTree<'r> {
    /// Reads the index of a tree; `name` is what messages put before its paths.
    ///
    /// Errors: [`TreeError::Stopped`] for an index that is a link or cannot be read.
    pub fn open(name: String, reader: Option<TreeReader<'r>>) -> Result<Self, TreeError> {
        let mut tree = RevisionTree {
            name,
            reader,
            recorded: BTreeMap::new(),
            has_index: false,
            form: Form::default(),
        };
        let Some(reader) = &tree.reader else {
            return Ok(tree);
        };
        (tree.recorded, tree.has_index) = match reader.find(INDEX) {
            Some(index) => {
                let text = tree.content(reader, &index)?;
                let (form, recorded) = Recorded::parse(&text, tree.display(INDEX))?;
                tree.form = form;
                (recorded, true)
            }
            None => {
                let hidden = |path: &str| path.split('/').any(|name| name.starts_with('.'));
                let found = reader.files().filter(|file| is_manifest(&file.path));
                let directories = found.filter_map(|file| {
                    let (directory, _) = file.path.rsplit_once('/')?;
                    (!hidden(directory)).then(|| (directory.to_owned(), Recorded::default()))
                });
                (directories.collect(), false)
            }
        };
        Ok(tree)
    }

    fn content(&self, reader: &TreeReader<'_>, file: &TreeFile) -> Result<Vec<u8>, TreeError> {
        let path = self.display(&file.path);
        if file.kind == FileKind::Link {
            return Err(TreeError::Stopped(vec![Stop {
                path,
                reason: StopReason::SymbolicLink,
            }]));
        }
        reader
            .content(file)
            .map_err(|error| TreeError::Environment {
                action: "reading",
                path,
                source: io::Error::other(error),
            })
    }

    /// Returns the manifests of a directory by name; what is neither a file nor a link is none.
    fn listed(&self, directory: &str) -> impl Iterator<Item = (String, TreeFile)> {
        let files = self
            .reader
            .iter()
            .flat_map(move |reader| reader.files_in(directory));
        files.filter_map(|file| {
            let name = file
                .path
                .rsplit('/')
                .next()
                .unwrap_or(&file.path)
                .to_owned();
            let counts = is_manifest(&name) && file.kind != FileKind::Submodule;
            counts.then_some((name, file))
        })
    }
}

impl OldTree for RevisionTree<'_> {
    fn recorded(&self) -> &BTreeMap<String, Recorded> {
        &self.recorded
    }

    fn has_index(&self) -> bool {
        self.has_index
    }

    fn form(&self) -> Form {
        self.form
    }

    fn manifests(&self, directory: &str) -> Result<BTreeMap<String, Vec<u8>>, TreeError> {
        let Some(reader) = &self.reader else {
            return Ok(BTreeMap::new());
        };
        self.listed(directory)
            .map(|(name, file)| Ok((name, self.content(reader, &file)?)))
            .collect()
    }

    fn holds(&self, directory: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<bool, TreeError> {
        // Hashing what is rendered is cheaper than reading what was.
        let mut wanted = files.iter().filter(|(name, _)| is_manifest(name));
        let same = self.listed(directory).all(|(name, file)| {
            file.kind != FileKind::Link
                && wanted.next().is_some_and(|(other, bytes)| {
                    *other == name && ObjectId::of_file(bytes) == file.id
                })
        });
        Ok(same && wanted.next().is_none())
    }

    fn display(&self, path: &str) -> String {
        let slash = if self.name.is_empty() || path.is_empty() {
            ""
        } else {
            "/"
        };
        format!("{}{slash}{path}", self.name)
    }
}
