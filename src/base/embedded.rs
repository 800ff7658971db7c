//! The bases that are built into the binary; `init` writes them to a new repository.
//!
//! They are the files of `base/` at the time of the build, lock included; a test proves it.

use std::collections::BTreeMap;

use include_dir::{Dir, DirEntry, include_dir};

static BASE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/base");

/// Returns every embedded file by its path relative to `base/`, `base.lock` included.
pub fn files() -> BTreeMap<&'static str, &'static [u8]> {
    let mut files = BTreeMap::new();
    collect(&BASE, &mut files);
    files
}

/// Returns the name of the newest embedded base: the one with the highest `order`; `None` when there is none.
pub fn newest() -> Option<&'static str> {
    /// What this asks of a `base.yaml`.
    #[derive(serde::Deserialize)]
    struct Base {
        order: u64,
    }
    files()
        .into_iter()
        .filter_map(|(path, bytes)| {
            let name = path
                .strip_suffix("/base.yaml")
                .filter(|name| !name.contains('/'))?;
            let base: Base = serde_saphyr::from_str(std::str::from_utf8(bytes).ok()?).ok()?;
            Some((base.order, name))
        })
        .max()
        .map(|(_, name)| name)
}

fn collect(directory: &'static Dir<'static>, files: &mut BTreeMap<&'static str, &'static [u8]>) {
    for entry in directory.entries() {
        match entry {
            DirEntry::Dir(below) => collect(below, files),
            DirEntry::File(file) => {
                let path = file
                    .path()
                    .to_str()
                    .expect("the paths of our own bases are UTF-8");
                files.insert(path, file.contents());
            }
        }
    }
}
