//! Files in memory, as a commit of a Git repository holds them.
//!
//! Takes paths and bytes and resolves paths as they are written in kustomizations: relative, with `..` and symbolic
//! links that stay inside. Knows nothing of disks, of Git and of what the files say.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;

/// Most symbolic links on the way to one file.
const MOST_LINKS: usize = 40;

/// The files of one commit, by path relative to its root with `/` as separator.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    name: String,
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone)]
enum Entry {
    File(Vec<u8>),
    Link(String),
    Module,
}

/// A path that cannot be a path of a tree: empty, absolute, or with an empty part, `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPath(
    /// The path.
    pub String,
);

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a path of a tree", self.0)
    }
}

impl std::error::Error for InvalidPath {}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'t> {
    /// A file, with its bytes.
    File(&'t [u8]),
    /// A directory that holds at least one file.
    Directory,
}

/// Why a path leads to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The path starts with `/`.
    Absolute,
    /// The path leaves the tree.
    Leaves,
    /// A symbolic link, by its own path, leaves the tree.
    LinkLeaves(String),
    /// Symbolic links that lead to each other.
    Loop,
    /// A Git submodule, by its path; its files are not part of the commit.
    Module(String),
    /// There is nothing.
    Missing,
}

impl Tree {
    /// Makes a tree without files; `name` is printed before the paths of its files, empty for none.
    pub fn new(name: impl Into<String>) -> Self {
        Tree {
            name: name.into(),
            entries: BTreeMap::new(),
        }
    }

    /// Adds a file.
    ///
    /// Errors: a path that is empty or absolute or holds `.`, `..` or an empty part.
    pub fn add_file(&mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Result<(), InvalidPath> {
        self.add(path, Entry::File(bytes.into()))
    }

    /// Adds a symbolic link.
    ///
    /// Errors: those of [`Tree::add_file`]; where the link leads is looked at when it is followed.
    pub fn add_link(&mut self, path: &str, target: impl Into<String>) -> Result<(), InvalidPath> {
        self.add(path, Entry::Link(target.into()))
    }

    /// Adds a Git submodule, whose files are not part of the tree.
    ///
    /// Errors: those of [`Tree::add_file`].
    pub fn add_module(&mut self, path: &str) -> Result<(), InvalidPath> {
        self.add(path, Entry::Module)
    }

    fn add(&mut self, path: &str, entry: Entry) -> Result<(), InvalidPath> {
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(InvalidPath(path.to_owned()));
        }
        self.entries.insert(path.to_owned(), entry);
        Ok(())
    }

    /// Returns the paths and bytes of the files, sorted by path; symbolic links are left out.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.entries.iter().filter_map(|(path, entry)| match entry {
            Entry::File(bytes) => Some((path.as_str(), bytes.as_slice())),
            Entry::Link(_) | Entry::Module => None,
        })
    }

    /// Returns the path to print for a path of the tree.
    pub fn shown(&self, path: &str) -> String {
        let path = if path.is_empty() { "." } else { path };
        if self.name.is_empty() {
            path.to_owned()
        } else {
            format!("{}:{path}", self.name)
        }
    }

    /// Returns what a path that is written in a file of the directory `directory` leads to, and its path in the tree.
    pub(crate) fn find(&self, directory: &str, path: &str) -> Result<(String, Found<'_>), Lost> {
        if path.starts_with('/') {
            return Err(Lost::Absolute);
        }
        // As Go's `filepath.Join`: `..` takes back what is written, before links are followed.
        let mut written: Vec<&str> = Vec::new();
        for part in directory.split('/').chain(path.split('/')) {
            match part {
                "" | "." => {}
                ".." => {
                    written.pop().ok_or(Lost::Leaves)?;
                }
                part => written.push(part),
            }
        }
        self.follow(&written)
    }

    /// Follows symbolic links part by part.
    fn follow(&self, written: &[&str]) -> Result<(String, Found<'_>), Lost> {
        let mut ahead: Vec<String> = written
            .iter()
            .rev()
            .map(|part| (*part).to_owned())
            .collect();
        let mut here: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    here.pop().ok_or(Lost::Leaves)?;
                    continue;
                }
                _ => here.push(part),
            }
            let path = here.join("/");
            match self.entries.get(&path) {
                Some(Entry::File(bytes)) if ahead.is_empty() => {
                    return Ok((path, Found::File(bytes)));
                }
                Some(Entry::File(_)) => return Err(Lost::Missing),
                Some(Entry::Module) => return Err(Lost::Module(path)),
                Some(Entry::Link(target)) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(Lost::Loop);
                    }
                    here.pop();
                    if target.starts_with('/') || leaves(here.len(), target) {
                        return Err(Lost::LinkLeaves(path));
                    }
                    ahead.extend(target.rsplit('/').map(str::to_owned));
                }
                None if self.is_directory(&path) => {}
                None => return Err(Lost::Missing),
            }
        }
        let path = here.join("/");
        if path.is_empty() || self.is_directory(&path) {
            Ok((path, Found::Directory))
        } else {
            Err(Lost::Missing)
        }
    }

    fn is_directory(&self, path: &str) -> bool {
        let prefix = format!("{path}/");
        self.entries
            .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .next()
            .is_some_and(|(first, _)| first.starts_with(&prefix))
    }
}

/// Tells whether a link's target goes above the root from a directory that is `depth` levels deep.
fn leaves(depth: usize, target: &str) -> bool {
    let mut depth = depth;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return true,
            },
            _ => depth += 1,
        }
    }
    false
}

/// Tells whether a path is the directory or lies below it; the root is the empty path.
pub(crate) fn is_within(path: &str, directory: &str) -> bool {
    directory.is_empty()
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::new("");
        for path in ["a/b/file", "a/file", "c/file"] {
            tree.add_file(path, path).expect("a path");
        }
        for (path, target) in [
            ("a/inside", "../c/file"),
            ("a/dir", "b/.."),
            ("a/out", "../../etc/passwd"),
            ("a/absolute", "/etc/passwd"),
            ("loop", "./loop"),
            ("c/up", ".."),
        ] {
            tree.add_link(path, target).expect("a path");
        }
        tree.add_module("vendored").expect("a path");
        tree
    }

    #[test]
    fn paths_are_followed_inside_of_the_tree() {
        let tree = tree();
        let check = |directory: &str, path: &str, expect: Result<&str, Lost>| {
            let found = tree.find(directory, path).map(|(path, _)| path);
            assert_eq!(found, expect.map(str::to_owned), "{directory} {path}");
        };
        check("", "a/file", Ok("a/file"));
        check("a", "./b/../file", Ok("a/file"));
        check("a/b", "../../c", Ok("c"));
        check("a", "..", Ok(""));
        check("a", "inside", Ok("c/file"));
        check("a", "dir/file", Ok("a/file"));
        check("c", "up/a/dir/inside", Ok("c/file"));
        check("a", "file/x", Err(Lost::Missing));
        check("a", "fil", Err(Lost::Missing));
        check("a", "/a/file", Err(Lost::Absolute));
        check("a", "../../a/file", Err(Lost::Leaves));
        check("a", "out", Err(Lost::LinkLeaves("a/out".to_owned())));
        check(
            "",
            "a/absolute/x",
            Err(Lost::LinkLeaves("a/absolute".to_owned())),
        );
        check("", "loop", Err(Lost::Loop));
        check("", "vendored/x", Err(Lost::Module("vendored".to_owned())));
    }

    #[test]
    fn files_have_plain_paths() {
        let mut tree = Tree::new("");
        for path in ["", "/a", "a/../b", "a//b", "a/", "."] {
            assert_eq!(tree.add_file(path, ""), Err(InvalidPath(path.to_owned())));
        }
    }

    #[test]
    fn a_directory_contains_itself_and_what_is_below() {
        assert!(is_within("a/b", "a"));
        assert!(is_within("a", "a"));
        assert!(is_within("a", ""));
        assert!(!is_within("ab", "a"));
        assert!(!is_within("a", "a/b"));
    }
}
