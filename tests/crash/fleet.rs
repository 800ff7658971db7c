//! A fleet of 50 projects in two versions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Bytes by path.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// What lies in each directory of a tree.
pub(crate) type Directories = BTreeMap<String, Files>;

/// The versions between which a campaign switches.
pub(crate) const VERSIONS: [usize; 2] = [0, 1];

/// Returns the projects of a version: name, and the entry of `projects.yaml`.
///
/// Every other project differs in a few files; one is retired, and there in one of the versions only, so that a
/// directory also comes and goes.
pub(crate) fn projects(version: usize) -> Vec<(String, String)> {
    let of = |number: usize| {
        let name = format!("project-{number:02}");
        let settings = match number {
            48.. => ", state: retired".to_owned(),
            _ if number.is_multiple_of(2) => format!(
                ", labels: {{generation: g{version}}}, components: {{ui: {{resources: {{requests: {{cpu: {}m}}}}}}}}",
                50 + version
            ),
            _ => String::new(),
        };
        (name.clone(), format!("- {{name: {name}{settings}}}\n"))
    };
    (0..49).chain([49 + version]).map(of).collect()
}

/// Returns the `projects.yaml` of a version.
pub(crate) fn fleet(version: usize) -> String {
    let mut text = "version: 1\nplatform: {base: kfp-2.17.0}\nprojects:\n".to_owned();
    for (_, entry) in projects(version) {
        write!(text, "{entry}").expect("a string takes everything");
    }
    text
}

/// Returns what lies in each directory of a tree; a file at its top, such as the index, belongs to none.
pub(crate) fn directories(tree: &Files) -> Directories {
    let mut directories = Directories::new();
    for (path, bytes) in tree {
        if let Some((directory, name)) = path.rsplit_once('/') {
            directories
                .entry(directory.to_owned())
                .or_default()
                .insert(name.to_owned(), bytes.clone());
        }
    }
    directories
}
