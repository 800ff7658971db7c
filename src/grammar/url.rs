//! URLs, host names and ports.

use std::net::IpAddr;

use super::{Complaint, Verdict, at_most, characters, not_empty};

/// A URL of scheme, host and port only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// The scheme, in lower case.
    pub scheme: String,
    /// Host name in lower case or IP address, without brackets.
    pub host: String,
    /// Port as written.
    pub port: Option<u16>,
    /// What follows the authority, `/` left out when it is all.
    pub path: String,
}

/// Parses `scheme://host[:port][/path]`; user names, queries and fragments are refused.
///
/// Errors: what is wrong with the text, for the label of an `invalid-endpoint`.
pub fn parse(text: &str, schemes: &[&str]) -> Result<Url, Complaint> {
    not_empty(text)?;
    at_most(text, 2048)?;
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Complaint::new(
            "blanks and control characters are not allowed",
        ));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Complaint::new("the scheme is missing").hint(format!(
            "write `{}://` before the host",
            schemes.first().unwrap_or(&"https")
        )));
    };
    let scheme = scheme.to_ascii_lowercase();
    if !schemes.contains(&scheme.as_str()) {
        return Err(Complaint::new(format!(
            "the scheme is not {}",
            list(schemes)
        )));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    if authority.contains('@') {
        return Err(
            Complaint::new("a user name or password in a URL would stand in Git")
                .hint("write the URL without what stands before the `@`"),
        );
    }
    let (host, port) = split_port(authority)?;
    host_name(host)?;
    if tail.contains(['?', '#']) {
        return Err(Complaint::new("a query or fragment is not allowed"));
    }
    Ok(Url {
        scheme,
        host: normal_host(host),
        port,
        path: if tail == "/" {
            String::new()
        } else {
            tail.to_owned()
        },
    })
}

fn list(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(" or ")
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), Complaint> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest
                .split_once(']')
                .ok_or_else(|| Complaint::new("`[` is not closed"))?;
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err(Complaint::new("only a port may follow the `]`")),
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = port
        .map(|port| {
            let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            match port.parse::<u16>() {
                Ok(port) if digits && port > 0 => Ok(port),
                _ => Err(Complaint::new("the port is not between 1 and 65535")),
            }
        })
        .transpose()?;
    Ok((host, port))
}

/// Returns a host in the form in which hosts are compared: lower case, no dot at the end, addresses in short form.
pub fn normal_host(host: &str) -> String {
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => host.to_ascii_lowercase(),
    }
}

/// Checks a host name or an IP address, without scheme and port, that another machine can be reached by.
pub fn host(text: &str) -> Verdict {
    if text.contains("://") {
        return Err(Complaint::new("a host has no scheme").hint("write the host name only"));
    }
    if text.contains('/') {
        return Err(Complaint::new("a host has no path").hint("write the host name only"));
    }
    if text.contains('@') {
        return Err(Complaint::new("a host has no user").hint("write the host name only"));
    }
    if text.parse::<IpAddr>().is_err() && text.matches(':').count() == 1 {
        return Err(Complaint::new("a port stands in the host").hint("write the number as `port`"));
    }
    host_name(text)
}

fn host_name(text: &str) -> Verdict {
    let hint = "write a host name such as `mysql.databases.svc.cluster.local`, or an IP address";
    let bad = |problem: &str| Err(Complaint::new(problem).hint(hint));
    if text.is_empty() {
        return bad("the host is missing");
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        if address.is_loopback() || address.is_unspecified() {
            return bad("in a pod, this address is the pod itself");
        }
        return Ok(());
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() > 253 {
        return bad("longer than 253 characters");
    }
    if name
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return bad("neither a name nor an IP address");
    }
    for part in name.split('.') {
        characters(part, |c| c.is_ascii_alphanumeric() || c == '-')
            .map_err(|complaint| complaint.hint(hint))?;
        if part.is_empty() || part.len() > 63 || part.starts_with('-') || part.ends_with('-') {
            return bad("a part between dots is empty, too long, or has `-` at an end");
        }
    }
    if name.eq_ignore_ascii_case("localhost") {
        return bad("in a pod, this name is the pod itself");
    }
    Ok(())
}

/// Checks the endpoint of an object store: `http` or `https`, host and port.
pub fn endpoint(text: &str) -> Verdict {
    let url = parse(text, &["https", "http"])?;
    if url.path.is_empty() {
        Ok(())
    } else {
        Err(Complaint::new("an endpoint has no path")
            .hint("write the bucket as `bucket` and the path in it as `prefix`"))
    }
}

/// Checks the URL of an egress proxy.
pub fn proxy(text: &str) -> Verdict {
    let url = parse(text, &["http", "https"])?;
    if url.path.is_empty() {
        Ok(())
    } else {
        Err(Complaint::new("a proxy has no path"))
    }
}

/// Checks the URL of a Kubernetes API server.
pub fn server(text: &str) -> Verdict {
    parse(text, &["https"]).map(|_| ())
}

/// Checks the URL of an OpenID Connect issuer.
pub fn issuer(text: &str) -> Verdict {
    parse(text, &["https"]).map(|_| ())
}

/// Checks the URL of a Git repository: `https`, `ssh` or the short form `git@host:path`.
pub fn repository(text: &str) -> Verdict {
    let hint = "write `https://<host>/<path>`, `ssh://git@<host>/<path>` or `git@<host>:<path>`";
    if let Some(rest) = text.strip_prefix("ssh://") {
        let rest = match rest.split_once('@') {
            Some((user, rest)) if !user.contains([':', '/']) => rest,
            Some(_) => {
                return Err(Complaint::new("a password in a URL would stand in Git").hint(hint));
            }
            None => rest,
        };
        return parse(&format!("https://{rest}"), &["https"]).map(|_| ());
    }
    if !text.contains("://")
        && let Some((user, rest)) = text.split_once('@')
        && let Some((host, path)) = rest.split_once(':')
    {
        if user.is_empty()
            || path.is_empty()
            || text.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(Complaint::new("not the address of a repository").hint(hint));
        }
        return host_name(host);
    }
    parse(text, &["https", "http"])
        .map(|_| ())
        .map_err(|mut complaint| {
            complaint.hint = Some(hint.to_owned());
            complaint
        })
}

/// Checks an entry of `NO_PROXY`: a host, a domain with a leading dot, an address or a range.
pub fn no_proxy(text: &str) -> Verdict {
    let name = text
        .strip_prefix("*.")
        .or_else(|| text.strip_prefix('.'))
        .unwrap_or(text);
    if text == "*" || super::cidr::cidr(text).is_ok() {
        return Ok(());
    }
    let bare = match name.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.parse::<u16>().is_ok() => host,
        _ => name,
    };
    let complaint = |problem: &str| {
        Complaint::new(problem.to_owned())
            .hint("write hosts, domains with a leading dot, addresses or ranges, such as `.example.com` or `10.0.0.0/8`")
    };
    if bare.is_empty() {
        return Err(complaint("an entry is empty"));
    }
    if bare.parse::<IpAddr>().is_ok() || bare.eq_ignore_ascii_case("localhost") {
        return Ok(());
    }
    host_name(bare).map_err(|found| complaint(&found.problem))
}

/// Checks a `NO_PROXY` value of several entries with commas between them.
pub fn no_proxy_list(text: &str) -> Verdict {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .try_for_each(no_proxy)
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn endpoints() {
        check(
            endpoint,
            &[
                "https://s3.eu-west-1.amazonaws.com",
                "http://minio.store.svc:9000/",
                "https://[2001:db8::1]:9000",
                "HTTPS://Ceph.example.com",
            ],
            &[
                "",
                "s3.example.com",
                "ftp://a",
                "https://",
                "https://a:0",
                "https://a:70000",
                "https://a:",
                "https://a/b",
                "https://u:p@a",
                "https://a?x",
                "https://a b",
                "https://-a",
                "https://a_b.c",
                "https://localhost:9000",
                "https://127.0.0.1",
                "https://[::1",
                "https://1.2.3",
            ],
        );
        assert_eq!(
            parse("HTTPS://Ceph.Example.com.:8443/", &["https"]),
            Ok(Url {
                scheme: "https".into(),
                host: "ceph.example.com".into(),
                port: Some(8443),
                path: String::new()
            })
        );
    }

    #[test]
    fn hosts() {
        check(
            host,
            &[
                "mysql",
                "mysql.databases.svc.cluster.local",
                "10.0.0.5",
                "2001:db8::5",
                "DB.example.com.",
            ],
            &[
                "",
                "mysql:3306",
                "tcp://mysql",
                "a/b",
                "u@h",
                "a..b",
                "a_b",
                "localhost",
                "0.0.0.0",
                "1.2.3.4.5",
                "-a",
            ],
        );
    }

    #[test]
    fn other_urls() {
        check(
            repository,
            &[
                "https://git.example.com/ml/stacks.git",
                "ssh://git@git.example.com:2222/a.git",
                "git@github.com:a/b.git",
                "http://gitea.git.svc:3000/a/b",
            ],
            &[
                "",
                "git.example.com/a",
                "https://u:p@h/a",
                "ssh://u:p@h/a",
                "git@host:",
                "file:///a",
            ],
        );
        check(
            proxy,
            &["http://proxy.example.com:3128"],
            &["proxy:3128", "http://u:p@proxy", "socks5://p"],
        );
        check(
            no_proxy_list,
            &[
                "",
                ".example.com, 10.0.0.0/8,localhost",
                "*.a.b",
                "*",
                "host:8080",
                "::1",
            ],
            &["a b", "10.0.0.1/8", "a_b"],
        );
        check(
            server,
            &["https://kubernetes.default.svc"],
            &["http://a", "kubernetes"],
        );
    }
}
