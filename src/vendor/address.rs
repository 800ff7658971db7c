//! Addresses and references: which ones `git` is given, and how they are shown.
//!
//! Opens nothing.

/// Writes an address with its reference, the form in which both are recorded; without a password in it.
pub(super) fn shown(url: &str, reference: Option<&str>) -> String {
    let url = without_password(url);
    match reference {
        Some(reference) => format!("{url}@{reference}"),
        None => url,
    }
}

/// Leaves out what stands between `//` and `@`, unless it is only a user name.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let host = rest.split('/').next().unwrap_or(rest);
    match host.rsplit_once('@') {
        Some((user, _)) if user.contains(':') || scheme.starts_with("http") => {
            format!("{scheme}://{}", &rest[user.len() + 1..])
        }
        _ => url.to_owned(),
    }
}

/// Checks that an address is one that is fetched from.
///
/// Errors: a sentence.
pub(super) fn check_url(url: &str) -> Result<(), String> {
    let lower = url.to_ascii_lowercase();
    let has_scheme = ["https://", "ssh://", "file://"]
        .iter()
        .any(|scheme| lower.starts_with(scheme) && url.len() > scheme.len());
    let is_scp = !url.contains("://")
        && url.split_once(':').is_some_and(|(host, path)| {
            let host = host.rsplit('@').next().unwrap_or(host);
            // `transport::address` starts a program of that name.
            !path.is_empty()
                && !path.starts_with(':')
                && host.starts_with(|c: char| c.is_ascii_alphanumeric())
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        });
    let plain =
        !url.contains(|c: char| c.is_control() || c.is_whitespace()) && !url.starts_with('-');
    if plain && (has_scheme || is_scp) {
        Ok(())
    } else {
        Err(format!(
            "`{url}` is none of https://, ssh://, file:// and user@host:path"
        ))
    }
}

/// Checks that a reference is a name that `git` takes for one.
///
/// Errors: a sentence.
pub(super) fn check_reference(reference: &str) -> Result<(), String> {
    let refused = |c: char| c.is_control() || c.is_whitespace() || ":^~?*[\\".contains(c);
    if reference.is_empty()
        || reference.starts_with(['-', '+', '/'])
        || reference.contains("..")
        || reference.contains("@{")
        || reference.contains(refused)
    {
        return Err(format!(
            "`{reference}` is not the name of a branch, a tag or a commit"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_fetched_from() {
        for url in [
            "https://github.com/kubeflow/pipelines",
            "ssh://git@host.example:2222/org/repo",
            "file:///srv/repo.git",
            "git@github.com:org/repo.git",
            "host.example:org/repo",
        ] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        for url in [
            "http://github.com/org/repo",
            "ext::sh -c x",
            "ext::sh%20-c%20x",
            "--upload-pack=x:y",
            "-oProxyCommand=x:y",
            "../repo",
            "/srv/repo",
            "fd::17",
            "https://",
            "git@-oProxyCommand=x:y",
        ] {
            assert!(check_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn references() {
        for reference in [
            "main",
            "v1.2.3",
            "release/1.0",
            "feature#1",
            "0123abc",
            "refs/tags/v1",
        ] {
            assert_eq!(check_reference(reference), Ok(()), "{reference}");
        }
        for reference in ["", "-x", "+a", "a:b", "a..b", "a b", "HEAD~1", "a@{1}"] {
            assert!(check_reference(reference).is_err(), "{reference}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(
            shown("https://me:secret@host.example/repo", Some("v1")),
            "https://host.example/repo@v1"
        );
        assert_eq!(
            shown("https://token@host.example/repo", None),
            "https://host.example/repo"
        );
        assert_eq!(
            shown("ssh://git@host.example/repo", None),
            "ssh://git@host.example/repo"
        );
    }
}
