//! What the names of a directory lead to, and where they do not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::*;

fn directory() -> (tempfile::TempDir, Directory) {
    let root = tempfile::tempdir().expect("a directory");
    let directory = Directory::open_trusted(root.path()).expect("it opens");
    (root, directory)
}

#[test]
fn names_lead_nowhere_else() {
    let (root, directory) = directory();
    fs::create_dir(root.path().join("below")).expect("a directory");
    for name in ["", ".", "..", "below/..", "/", "/etc", "below/x", "a\0b"] {
        let name = OsStr::new(name);
        assert!(
            matches!(directory.open(name), Err(OpenError::Io(_))),
            "{name:?}"
        );
        assert!(
            matches!(directory.open_file(name), Err(OpenError::Io(_))),
            "{name:?}"
        );
        assert!(
            directory.write_new(name, b"", Masked::No).is_err(),
            "{name:?}"
        );
        assert!(directory.make(name).is_err(), "{name:?}");
        assert!(directory.remove_all(name).is_err(), "{name:?}");
        assert!(
            directory
                .rename(OsStr::new("below"), &directory, name)
                .is_err(),
            "{name:?}"
        );
    }
    assert!(root.path().join("below").is_dir());
}

#[test]
fn links_and_other_kinds_are_told_apart() {
    let (root, directory) = directory();
    fs::write(root.path().join("file"), "x").expect("a file");
    fs::create_dir(root.path().join("below")).expect("a directory");
    symlink("file", root.path().join("link-to-file")).expect("a link");
    symlink("below", root.path().join("link-to-directory")).expect("a link");
    symlink("nowhere", root.path().join("dangling")).expect("a link");
    let check = |name: &str, as_directory: &str, as_file: &str| {
        let name = OsStr::new(name);
        let what = |error: OpenError| format!("{error:?}");
        let opened = directory
            .open(name)
            .map_or_else(what, |_| "opened".to_owned());
        assert_eq!(opened, as_directory, "{name:?}");
        let opened = directory
            .open_file(name)
            .map_or_else(what, |_| "opened".to_owned());
        assert_eq!(opened, as_file, "{name:?}");
    };
    check("file", "OtherKind", "opened");
    check("below", "opened", "OtherKind");
    check("link-to-file", "SymbolicLink", "SymbolicLink");
    check("link-to-directory", "SymbolicLink", "SymbolicLink");
    check("dangling", "SymbolicLink", "SymbolicLink");
    check("missing", "Missing", "Missing");
}

#[test]
fn a_failing_component_is_named() {
    let (root, directory) = directory();
    fs::create_dir(root.path().join("a")).expect("a directory");
    symlink("a", root.path().join("a/link")).expect("a link");
    let (component, error) = directory.open_below("a/link/c").expect_err("a link");
    assert_eq!(component, "a/link");
    assert!(matches!(error, OpenError::SymbolicLink));
    let (component, error) = directory.make_below("a/link/c").expect_err("a link");
    assert_eq!(component, "a/link");
    assert!(matches!(error, OpenError::SymbolicLink));
    directory.make_below("a/b/c").expect("it is made");
    assert!(root.path().join("a/b/c").is_dir());
    let trusted = Directory::make_trusted(&root.path().join("a/link/x/y"));
    trusted.expect_err("the link dangles, and what is missing is not made behind it");
}

#[test]
fn a_whole_directory_is_removed_but_nothing_behind_its_links() {
    let (root, directory) = directory();
    fs::create_dir_all(root.path().join("gone/deep/er")).expect("a directory");
    fs::write(root.path().join("gone/deep/file"), "x").expect("a file");
    fs::create_dir(root.path().join("kept")).expect("a directory");
    fs::write(root.path().join("kept/file"), "x").expect("a file");
    symlink("../../kept", root.path().join("gone/deep/link")).expect("a link");
    symlink("kept", root.path().join("link")).expect("a link");
    for name in ["gone", "link", "missing"] {
        directory
            .remove_all(OsStr::new(name))
            .expect("it is removed");
        assert!(!root.path().join(name).exists());
    }
    assert!(root.path().join("kept/file").exists());
}

#[test]
fn a_file_is_compared_with_what_is_expected() {
    let (root, directory) = directory();
    let long = vec![7; 40_000];
    let mut other = long.clone();
    other[39_999] = 8;
    let cases: [(&[u8], &[u8]); 9] = [
        (b"", b""),
        (b"a", b"a"),
        (b"", b"a"),
        (b"a", b""),
        (b"ab", b"a"),
        (b"a", b"ab"),
        (&long, &long),
        (&long, &other),
        (&long, &long[..39_999]),
    ];
    for (number, (content, expect)) in cases.into_iter().enumerate() {
        let name = number.to_string();
        fs::write(root.path().join(&name), content).expect("a file");
        let found = directory
            .compare(OsStr::new(&name), expect)
            .expect("it can be read");
        let right = if content == expect {
            Content::Equal
        } else {
            Content::Other(Digest::of(content))
        };
        assert_eq!(found, right, "case {number}");
    }
}

#[test]
fn carried_over_files_keep_their_time() {
    let (root, directory) = directory();
    let old: PathBuf = root.path().join("file");
    fs::write(&old, "content").expect("a file");
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    let file = fs::File::options().write(true).open(&old).expect("a file");
    file.set_modified(time).expect("a time");
    let name = OsStr::new("file");
    let (linked, masked) = directory.make(OsStr::new("linked")).expect("a directory");
    directory
        .carry_over(name, &linked, b"content", masked)
        .expect("a link");
    let (copied, masked) = directory.make(OsStr::new("copied")).expect("a directory");
    directory
        .copy_over(name, &copied, b"content", masked)
        .expect("a copy");
    for path in ["linked/file", "copied/file"] {
        let path = root.path().join(path);
        let modified = fs::metadata(&path).expect("a file").modified();
        assert_eq!(modified.expect("a time"), time, "{path:?}");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "content");
    }
}
