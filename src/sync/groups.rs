//! Groups: which projects of a cluster share a directory of the wiring.
//!
//! Takes the projects and gives groups of at most [`LIMIT`], by ring. Which group a project is in depends on its ring,
//! its namespace and how many others there are, and on nothing that was rendered before.
//!
//! A ring with more than [`LIMIT`] projects is split in two by the first bit of a hash of the namespace, a half that is
//! still too large by the next bit, and so on. So a new project changes the one group that it comes to, and no other;
//! when that one was full, it alone is split. Ranges of the sorted names would move one project across every boundary
//! behind the new one, and a number of groups that follows the number of projects would move nearly all of them.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::model::Project;

/// Projects in a group at most.
///
/// For Argo CD, each project is two children of its parent, an AppProject and an Application, and a parent has at most
/// 1,000 (gitops-wiring §0.9).
pub const LIMIT: usize = 500;

/// Projects that share a directory of the wiring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Name of the directory: `ring-<ring>` or `no-ring`, and behind a dot the bits by which a full ring was split.
    pub name: String,
    /// The ring of all the projects.
    pub ring: Option<String>,
    /// Indexes of the projects, in the order of the model.
    pub projects: Vec<usize>,
}

/// Returns the groups of a cluster's projects, sorted by name.
pub fn groups(projects: &[Project], cluster: &str) -> Vec<Group> {
    let mut rings: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (index, project) in projects.iter().enumerate() {
        if project.cluster == cluster {
            rings
                .entry(project.ring.as_deref())
                .or_default()
                .push(index);
        }
    }
    let mut groups = Vec::new();
    for (ring, members) in rings {
        let mut split = Vec::new();
        divide(projects, members, LIMIT, &mut String::new(), &mut split);
        let stem = stem(ring);
        groups.extend(split.into_iter().map(|(bits, projects)| Group {
            name: if bits.is_empty() {
                stem.clone()
            } else {
                format!("{stem}.{bits}")
            },
            ring: ring.map(str::to_owned),
            projects,
        }));
    }
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    groups
}

/// Splits projects into parts of at most `limit`, each with the bits by which it was split: none when all fit into one.
pub fn parts(projects: &[Project], members: Vec<usize>, limit: usize) -> Vec<(String, Vec<usize>)> {
    let mut parts = Vec::new();
    divide(projects, members, limit, &mut String::new(), &mut parts);
    parts
}

/// Splits projects whose hashes begin with the same bits until no part is too large.
fn divide(
    projects: &[Project],
    members: Vec<usize>,
    limit: usize,
    bits: &mut String,
    groups: &mut Vec<(String, Vec<usize>)>,
) {
    if members.len() <= limit {
        groups.push((bits.clone(), members));
        return;
    }
    let depth = bits.len();
    let (ones, zeros): (Vec<usize>, Vec<usize>) = members
        .into_iter()
        .partition(|index| bit(&projects[*index].namespace, depth));
    for (bit, half) in [('0', zeros), ('1', ones)] {
        if !half.is_empty() {
            bits.push(bit);
            divide(projects, half, limit, bits, groups);
            bits.pop();
        }
    }
}

/// Returns one bit of the hash of a namespace, from the highest on.
fn bit(namespace: &str, at: usize) -> bool {
    let digits = Digest::of(namespace.as_bytes()).to_string();
    let digit = char::from(digits.as_bytes()[at / 4]).to_digit(16);
    digit.expect("a digest is written in hexadecimal digits") >> (3 - at % 4) & 1 == 1
}

/// Returns the beginning of the names of a ring's groups, which can stand in names of files and objects.
///
/// A ring is the value of a label; what a DNS label cannot hold is replaced, and a hash tells such rings apart.
fn stem(ring: Option<&str>) -> String {
    let Some(ring) = ring else {
        return "no-ring".to_owned();
    };
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let text: String = ring
        .to_ascii_lowercase()
        .chars()
        .map(|character| if plain(character) { character } else { '-' })
        .collect();
    if text == ring && !text.is_empty() {
        return format!("ring-{text}");
    }
    let hash = &Digest::of(ring.as_bytes()).to_string()[..32];
    let dash = if text.is_empty() { "" } else { "-" };
    format!("ring{dash}{text}.{hash}")
}
