//! Entries of a tree object: what they are, how they are ordered, and how they are written.

use std::cmp::Ordering;

use git2::Oid;

/// Mode of a file that is not executable.
pub(super) const FILE: u32 = 0o100_644;
/// Mode of a directory.
pub(super) const DIRECTORY: u32 = 0o040_000;

/// What an entry is, by the type bits of its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
    Directory,
    Submodule,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The name; Git does not ask for UTF-8.
    pub(super) name: Box<[u8]>,
    /// The mode as it stands in the tree, so that an entry that is kept is kept as it is.
    pub(super) mode: u32,
    pub(super) id: Oid,
}

impl Entry {
    pub(super) fn new(name: &[u8], mode: u32, id: Oid) -> Self {
        Entry {
            name: name.into(),
            mode,
            id,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        kind(self.mode)
    }

    /// Orders entries as Git does: by the bytes of the name, a directory as if its name ended in `/`.
    ///
    /// Source: git's `base_name_compare` in `tree.c`.
    pub(super) fn order(&self, other: &Entry) -> Ordering {
        fn key(entry: &Entry) -> impl Iterator<Item = u8> {
            let slash = (entry.kind() == Kind::Directory).then_some(b'/');
            entry.name.iter().copied().chain(slash)
        }
        key(self).cmp(key(other))
    }
}

/// Returns what a mode stands for; anything that is not a known type counts as a file, as in Git.
pub(super) fn kind(mode: u32) -> Kind {
    match mode & 0o170_000 {
        0o040_000 => Kind::Directory,
        0o120_000 => Kind::Link,
        0o160_000 => Kind::Submodule,
        _ => Kind::File,
    }
}

/// Sorts entries and returns the content of their tree object.
///
/// Source: gitformat-tree; modes are octal without leading zeros.
pub(super) fn encode(entries: &mut [Entry]) -> Vec<u8> {
    entries.sort_unstable_by(Entry::order);
    let mut content = Vec::with_capacity(entries.len() * 40);
    for entry in entries {
        content.extend_from_slice(format!("{:o} ", entry.mode).as_bytes());
        content.extend_from_slice(&entry.name);
        content.push(0);
        content.extend_from_slice(entry.id.as_bytes());
    }
    content
}

/// Tells whether Git takes the name for that of its own directory, on any file system.
///
/// Source: `git fsck` refuses such names as `hasDotgit`; `path.c` and `utf8.c` of git 2.47.
pub(super) fn is_git_directory(name: &str) -> bool {
    // Characters that HFS+ leaves out when it compares names.
    let ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let visible: String = name.chars().filter(|c| !ignored(c)).collect();
    // NTFS takes what follows a colon for the name of a stream, and leaves out trailing dots and spaces.
    visible
        .split('\\')
        .map(|part| {
            part.split(':')
                .next()
                .unwrap_or("")
                .trim_end_matches(['.', ' '])
                .to_ascii_lowercase()
        })
        .any(|part| part == ".git" || part == "git~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, mode: u32) -> Entry {
        Entry::new(name.as_bytes(), mode, Oid::ZERO_SHA1)
    }

    #[test]
    fn directories_sort_with_a_slash() {
        let mut entries = vec![
            entry("a", DIRECTORY),
            entry("a0", FILE),
            entry("a.b", FILE),
            entry("a-b", DIRECTORY),
            entry("B", FILE),
        ];
        encode(&mut entries);
        let names: Vec<&[u8]> = entries.iter().map(|entry| &*entry.name).collect();
        assert_eq!(names, [&b"B"[..], b"a-b", b"a.b", b"a", b"a0"]);
    }

    #[test]
    fn content_of_a_tree() {
        let mut entries = vec![entry("b", DIRECTORY), entry("a", FILE)];
        let mut expect = b"100644 a\0".to_vec();
        expect.extend([0; 20]);
        expect.extend(b"40000 b\0");
        expect.extend([0; 20]);
        assert_eq!(encode(&mut entries), expect);
    }

    #[test]
    fn names_of_the_git_directory() {
        for name in [
            ".git",
            ".GIT",
            "git~1",
            ".git.",
            ".git ",
            ".git:x",
            ".g\u{200c}it",
            "a\\.git",
        ] {
            assert!(is_git_directory(name), "{name}");
        }
        for name in ["git", ".gitignore", "x.git", ".git-x", "a", ""] {
            assert!(!is_git_directory(name), "{name}");
        }
    }
}
