//! Addresses of Git repositories, as `resources` and `components` write them.
//!
//! Takes the text of an entry and says which repository, reference and path it means. Knows nothing of fetching.
//! Source: `NewRepoSpecFromURL` of kustomize v5.5.0.

use std::fmt;

/// A directory, or a file, of a Git repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remote {
    /// What `git` is given as the repository: https, http, ssh, file, or `user@host:path`.
    pub url: String,
    /// Branch, tag or commit; `None` for the default branch.
    pub reference: Option<String>,
    /// Path inside of the repository, empty for its root.
    pub path: String,
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.url)?;
        if !self.path.is_empty() {
            write!(f, "//{}", self.path)?;
        }
        match &self.reference {
            Some(reference) => write!(f, "?ref={reference}"),
            None => Ok(()),
        }
    }
}

/// What an entry is, if it is not a path of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A directory of a repository.
    Directory(Remote),
    /// A file that GitHub serves, and that is a file of a repository.
    File(Remote),
    /// A file on a web server.
    WebFile,
    /// The path goes above the repository's root.
    Leaves,
}

/// Schemes that kustomize knows; `git` carries them all.
const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", "file://"];

/// Number of leading path segments that name the repository where nothing marks its end, as on GitHub.
const REPOSITORY_SEGMENTS: usize = 2;

/// Reads an entry of `resources` or `components`; `None` when it is a path.
pub(crate) fn parse(entry: &str) -> Option<Address> {
    let (address, query) = match entry.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (entry, None),
    };
    if let Some(file) = file_on_github(address) {
        return Some(Address::File(file));
    }
    let is_web = strip_prefix_ignoring_case(address, "https://").is_some()
        || strip_prefix_ignoring_case(address, "http://").is_some();
    if is_web
        && [".yaml", ".yml", ".json"]
            .iter()
            .any(|end| address.ends_with(end))
    {
        return Some(Address::WebFile);
    }
    let (host, scheme, rest) = split_host(address)?;
    let (repository, path) = split_repository(rest, scheme)?;
    if repository.is_empty() {
        return None;
    }
    let mut depth = 0usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return Some(Address::Leaves),
            },
            _ => depth += 1,
        }
    }
    Some(Address::Directory(Remote {
        url: format!("{host}{repository}"),
        reference: query.and_then(reference),
        path: path.trim_matches('/').to_owned(),
    }))
}

/// Recognises `https://raw.githubusercontent.com/ORG/REPOSITORY/REF/PATH` and `https://github.com/ORG/REPOSITORY/raw/REF/PATH`.
fn file_on_github(address: &str) -> Option<Remote> {
    let raw = strip_prefix_ignoring_case(address, "https://raw.githubusercontent.com/")
        .map(|rest| rest.splitn(4, '/').collect::<Vec<_>>());
    let page = strip_prefix_ignoring_case(address, "https://github.com/")
        .map(|rest| rest.splitn(5, '/').collect::<Vec<_>>());
    let (organisation, repository, reference, path) = match (raw.as_deref(), page.as_deref()) {
        (Some([organisation, repository, "refs", rest]), _) => {
            let (kind, rest) = rest.split_once('/')?;
            let (reference, path) = rest.split_once('/')?;
            matches!(kind, "heads" | "tags").then_some((
                organisation,
                repository,
                reference,
                path,
            ))?
        }
        (Some([organisation, repository, reference, path]), _) => {
            (organisation, repository, *reference, *path)
        }
        (_, Some([organisation, repository, "raw", reference, path])) => {
            (organisation, repository, *reference, *path)
        }
        _ => return None,
    };
    Some(Remote {
        url: format!("https://github.com/{organisation}/{repository}"),
        reference: Some(reference.to_owned()),
        path: path.to_owned(),
    })
}

/// Splits off what stands before the repository's path; gives also the scheme, empty when there is none.
fn split_host(address: &str) -> Option<(String, &'static str, &str)> {
    let address = strip_prefix_ignoring_case(address, "git::").unwrap_or(address);
    let (scheme, rest) = SCHEMES
        .into_iter()
        .find_map(|scheme| Some((scheme, strip_prefix_ignoring_case(address, scheme)?)))
        .unwrap_or(("", address));
    if scheme == "file://" {
        return Some((scheme.to_owned(), scheme, rest));
    }
    let (user, rest) = split_user(rest);
    let lower = rest.to_ascii_lowercase();
    let on_github = lower.starts_with("github.com/") || lower.starts_with("github.com:");
    let colon_allowed = scheme.is_empty() && (!user.is_empty() || on_github);
    if scheme.is_empty() && !colon_allowed {
        return None;
    }
    let slash = rest.find('/');
    let colon = rest.find(':').filter(|&at| colon_allowed && at > 0);
    let end = match (slash, colon) {
        (Some(slash), Some(colon)) => slash.min(colon),
        (slash, colon) => slash.or(colon)?,
    };
    let (host, path) = rest.split_at(end + 1);
    let host = if on_github {
        if scheme == "ssh://" || !user.is_empty() {
            let user = if user.is_empty() { "git@" } else { user };
            format!("{user}github.com:")
        } else {
            "https://github.com/".to_owned()
        }
    } else {
        format!("{scheme}{user}{host}")
    };
    Some((host, scheme, path))
}

/// Splits off `user@`.
fn split_user(text: &str) -> (&str, &str) {
    let is_user = |user: &str| {
        user.starts_with(|c: char| c.is_ascii_alphabetic())
            && user
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match text.split_once('@') {
        Some((user, _)) if is_user(user) => text.split_at(user.len() + 1),
        _ => ("", text),
    }
}

/// Splits a path into that of the repository and the one inside of it.
fn split_repository<'t>(path: &'t str, scheme: &str) -> Option<(&'t str, &'t str)> {
    if let Some(at) = path.find("_git/") {
        let start = at + "_git/".len();
        let end = path[start..].find('/').map_or(path.len(), |at| start + at);
        return Some((&path[..end], &path[end..]));
    }
    if let Some(at) = path.find("//") {
        return Some((&path[..at], &path[at + 2..]));
    }
    if let Some(at) = path.find(".git") {
        return Some(path.split_at(at + ".git".len()));
    }
    if scheme == "file://" {
        return Some((path, ""));
    }
    let end = path
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([path.len()])
        .nth(REPOSITORY_SEGMENTS - 1)?;
    Some(path.split_at(end))
}

/// Returns `ref` of a query, or else `version`.
fn reference(query: &str) -> Option<String> {
    let value = |name: &str| {
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name && !value.is_empty()).then(|| unescape(value))
        })
    };
    value("ref").or_else(|| value("version"))
}

/// Undoes percent-encoding; what is no encoding stays as it is.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

fn strip_prefix_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let start = text.get(..prefix.len())?;
    start
        .eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entry: &str, url: &str, reference: &str, path: &str) {
        let expect = Remote {
            url: url.to_owned(),
            reference: (!reference.is_empty()).then(|| reference.to_owned()),
            path: path.to_owned(),
        };
        assert_eq!(parse(entry), Some(Address::Directory(expect)), "{entry}");
    }

    #[test]
    fn repositories_in_every_notation() {
        let kfp = "https://github.com/kubeflow/pipelines";
        check("https://github.com/kubeflow/pipelines", kfp, "", "");
        check(
            "https://github.com/kubeflow/pipelines?ref=2.17.0",
            kfp,
            "2.17.0",
            "",
        );
        check(
            "github.com/kubeflow/pipelines/manifests/dev?ref=v1&timeout=90s",
            kfp,
            "v1",
            "manifests/dev",
        );
        check(
            "https://github.com/kubeflow/pipelines//manifests/dev/?version=v1",
            kfp,
            "v1",
            "manifests/dev",
        );
        check(
            "git::https://GitHub.com/kubeflow/pipelines//a?ref=feature%2Fx",
            kfp,
            "feature/x",
            "a",
        );
        check(
            "git@github.com:org/repo.git/path?ref=main",
            "git@github.com:org/repo.git",
            "main",
            "path",
        );
        check(
            "ssh://git@github.com/org/repo",
            "git@github.com:org/repo",
            "",
            "",
        );
        check(
            "ssh://git@host.example:2222/org/repo//base",
            "ssh://git@host.example:2222/org/repo",
            "",
            "base",
        );
        check(
            "git@host.example:org/repo//base",
            "git@host.example:org/repo",
            "",
            "base",
        );
        check(
            "file:///srv/repo.git//base?ref=v1",
            "file:///srv/repo.git",
            "v1",
            "base",
        );
        check("file:///srv/some/repo", "file:///srv/some/repo", "", "");
        check(
            "https://dev.azure.com/org/project/_git/repo/path",
            "https://dev.azure.com/org/project/_git/repo",
            "",
            "path",
        );
    }

    #[test]
    fn files_that_github_serves() {
        let check = |entry: &str, reference: &str| {
            let expect = Remote {
                url: "https://github.com/org/repo".to_owned(),
                reference: Some(reference.to_owned()),
                path: "a/b.yaml".to_owned(),
            };
            assert_eq!(parse(entry), Some(Address::File(expect)), "{entry}");
        };
        check(
            "https://raw.githubusercontent.com/org/repo/v1/a/b.yaml",
            "v1",
        );
        check(
            "https://raw.githubusercontent.com/org/repo/refs/tags/v1/a/b.yaml",
            "v1",
        );
        check("https://github.com/org/repo/raw/main/a/b.yaml", "main");
    }

    #[test]
    fn what_is_no_repository() {
        for path in [
            "base",
            "../base",
            "a/b/c",
            "./github.com/x/y",
            "host.example/org/repo",
            "https://",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
        assert_eq!(parse("https://example.com/a.yaml"), Some(Address::WebFile));
        assert_eq!(
            parse("https://github.com/org/repo//../x"),
            Some(Address::Leaves)
        );
    }

    #[test]
    fn an_address_is_written_as_kustomize_reads_it() {
        let text = "https://github.com/org/repo//a/b?ref=v1";
        match parse(text) {
            Some(Address::Directory(remote)) => assert_eq!(remote.to_string(), text),
            other => panic!("{other:?}"),
        }
    }
}
