//! References to container images.
//!
//! Source: the OCI distribution specification v1.1 and `distribution/reference` v0.6 for the grammar.

use super::{Complaint, Verdict, at_most, not_empty};

/// Checks `[registry/]repository[:tag][@algorithm:digest]`.
pub fn image(text: &str) -> Verdict {
    check(text).map_err(|complaint| {
        complaint.hint(
            "write `<registry>/<repository>:<tag>` or `<registry>/<repository>@sha256:<digest>`",
        )
    })
}

fn check(text: &str) -> Verdict {
    not_empty(text)?;
    if let Some(rest) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .or_else(|| text.strip_prefix("docker://"))
    {
        let _ = rest;
        return Err(Complaint::new("an image reference has no scheme"));
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    if let Some(digest) = digest {
        check_digest(digest)?;
    }
    let last_slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest[last_slash..].find(':') {
        Some(at) => (&rest[..last_slash + at], Some(&rest[last_slash + at + 1..])),
        None => (rest, None),
    };
    if let Some(tag) = tag {
        check_tag(tag)?;
    }
    at_most(name, 255)?;
    let parts: Vec<&str> = name.split('/').collect();
    let registry = match parts.as_slice() {
        [first, _, ..] if first.contains(['.', ':']) || *first == "localhost" => Some(*first),
        _ => None,
    };
    if let Some(registry) = registry {
        check_registry(registry)?;
    }
    for part in &parts[usize::from(registry.is_some())..] {
        check_component(part)?;
    }
    Ok(())
}

fn check_digest(digest: &str) -> Verdict {
    let length = match digest.split_once(':').map(|(algorithm, _)| algorithm) {
        Some("sha256") => 64,
        Some("sha512") => 128,
        _ => {
            return Err(Complaint::new(
                "the digest does not begin with `sha256:` or `sha512:`",
            ));
        }
    };
    let value = &digest[7..];
    if value.len() != length {
        return Err(Complaint::new(format!(
            "the digest has {} digits, not {length}",
            value.chars().count()
        )));
    }
    if !value
        .bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    {
        return Err(Complaint::new(
            "the digest is not made of `0`-`9` and `a`-`f`",
        ));
    }
    Ok(())
}

fn check_tag(tag: &str) -> Verdict {
    if tag.is_empty() {
        return Err(Complaint::new("the tag is empty"));
    }
    if tag.len() > 128
        || !tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        || tag.starts_with(['.', '-'])
    {
        return Err(Complaint::new(
            "the tag is not made of letters, digits, `_`, `.` and `-`",
        ));
    }
    Ok(())
}

fn check_registry(registry: &str) -> Verdict {
    let (host, port) = match registry.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (registry, None),
    };
    if let Some(port) = port
        && port.parse::<u16>().map_or(true, |port| port == 0)
    {
        return Err(Complaint::new(
            "the port of the registry is not between 1 and 65535",
        ));
    }
    let valid = host.split('.').all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    });
    if valid {
        Ok(())
    } else {
        Err(Complaint::new("the registry is not a host name"))
    }
}

fn check_component(part: &str) -> Verdict {
    if part.is_empty() {
        return Err(Complaint::new("a part between slashes is empty"));
    }
    if part.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(Complaint::new(
            "upper-case letters are not allowed in a repository",
        ));
    }
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !part.chars().all(|c| alphanumeric(c) || "._-".contains(c)) {
        return Err(Complaint::new(
            "a repository is made of lower-case letters, digits, `.`, `_` and `-`",
        ));
    }
    // Separators are `.`, `_`, `__` or any number of `-`.
    let separated = part
        .split(alphanumeric)
        .filter(|separator| !separator.is_empty())
        .all(|separator| {
            matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        });
    if !separated || !part.starts_with(alphanumeric) || !part.ends_with(alphanumeric) {
        return Err(Complaint::new(
            "`.`, `_` and `-` stand only between letters or digits",
        ));
    }
    Ok(())
}

/// Checks a registry with an optional path, as in `images.mirrors`.
pub fn image_prefix(text: &str) -> Verdict {
    not_empty(text)?;
    if text.ends_with('/') {
        return Err(
            Complaint::new("ends in `/`").hint("write the prefix without a slash at its end")
        );
    }
    if text.contains('@') {
        return Err(Complaint::new("a prefix has no digest"));
    }
    let (first, rest) = match text.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (text, None),
    };
    check_registry(first)?;
    rest.map_or(Ok(()), |rest| rest.split('/').try_for_each(check_component))
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn grammar() {
        let digest = "0123456789abcdef".repeat(4);
        check(
            image,
            &[
                "mysql",
                "mysql:8.4",
                "ghcr.io/kubeflow/kfp-api-server:2.17.0",
                "localhost:5000/a/b",
                "localhost/a",
                "registry.example.com:8443/a__b/c-d.e:T_1.x-y",
                &format!("quay.io/a/b@sha256:{digest}"),
                &format!("quay.io/a/b:1@sha256:{digest}"),
            ],
            &[
                "",
                "https://ghcr.io/a",
                "A/b",
                "a b",
                "a:",
                "a:-x",
                "a//b",
                "/a",
                "a/",
                "a._b",
                "-a",
                "a@sha256:12",
                "a@md5:12",
                &format!("a@sha256:{}", digest.to_uppercase()),
                "a@sha256:é",
                "r.io:0/a",
                "r.io:99999/a",
                "-r.io/a",
                "a:b:c",
            ],
        );
        check(
            image_prefix,
            &[
                "ghcr.io",
                "docker.io/library",
                "mirror.example.com:5000/kfp",
            ],
            &["", "ghcr.io/", "a b", "ghcr.io/A", "a@b"],
        );
    }
}
