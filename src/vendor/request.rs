//! What is vendored, and from where.

use super::address;
use crate::digest::Digest;
use crate::kustomize::Reach;

/// What is to be vendored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Name of the base.
    pub name: String,
    /// The repository: https, ssh, file, or `user@host:path`.
    pub url: String,
    /// Branch, tag or commit; `None` for the default branch.
    pub reference: Option<String>,
    /// Directory of the kustomization, or of plain manifests, in the repository; empty for its root.
    pub path: String,
    /// Which files a kustomization may read.
    pub reach: Reach,
}

/// Where a vendored base comes from, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The repository, without a password.
    pub repository: String,
    /// The reference that was asked for.
    pub reference: Option<String>,
    /// The directory.
    pub path: String,
    /// Whether kustomizations could read files of the whole tree.
    pub whole_tree: bool,
    /// The commit.
    pub commit: String,
    /// Digest of what comes from upstream.
    pub digest: Digest,
    /// Remote bases with their references, and the commits that they meant.
    pub remotes: Vec<(String, String)>,
}

impl Request {
    /// Writes repository, reference and path, as messages name them.
    pub fn shown(&self) -> String {
        place(&self.url, self.reference.as_deref(), &self.path)
    }

    /// Checks what a person wrote, before anything is fetched.
    ///
    /// Errors: a sentence.
    pub(super) fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        address::check_url(&self.url)?;
        if let Some(reference) = &self.reference {
            address::check_reference(reference)?;
        }
        if self.path.starts_with('/') || self.path.split('/').any(|part| part == "..") {
            return Err(format!(
                "`{}` is not a directory of the repository",
                self.path
            ));
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if plain
        && name.len() <= 63
        && name.starts_with(ends)
        && name.ends_with(ends)
        && !name.contains("..")
    {
        Ok(())
    } else {
        Err(format!(
            "`{name}` is not a name of a base: use up to 63 of `a-z`, `0-9`, `-` and `.`"
        ))
    }
}

impl Origin {
    /// Writes repository, reference and path, as messages name them.
    pub fn shown(&self) -> String {
        place(&self.repository, self.reference.as_deref(), &self.path)
    }
}

fn place(url: &str, reference: Option<&str>, path: &str) -> String {
    let mut text = address::shown(url, reference);
    if !path.is_empty() {
        text.push_str(", ");
        text.push_str(path);
    }
    text
}
