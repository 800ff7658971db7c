//! Names on database servers and object stores.

use super::{Complaint, Verdict, at_most, characters, not_empty};

/// Databases that the servers keep for themselves.
const SYSTEM_DATABASES: &[&str] = &[
    "information_schema",
    "mysql",
    "performance_schema",
    "postgres",
    "sys",
    "template0",
    "template1",
];

fn identifier(text: &str, most: usize) -> Verdict {
    let check = || {
        not_empty(text)?;
        characters(text, |c| c.is_ascii_alphanumeric() || c == '_')?;
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Complaint::new("begins with a digit"));
        }
        at_most(text, most)
    };
    check().map_err(|complaint: Complaint| {
        complaint.hint(format!(
            "write letters, digits and `_`, beginning with a letter or `_`, at most {most} characters"
        ))
    })
}

/// Checks the name of a database, which the API server and the metadata server use without quotes.
///
/// Source: MySQL 8.4 reference manual, "Identifier Length Limits".
pub fn database(text: &str) -> Verdict {
    identifier(text, 64)?;
    if SYSTEM_DATABASES.contains(&text.to_ascii_lowercase().as_str()) {
        return Err(Complaint::new("a database of the server itself")
            .hint("write a name of its own for the project"));
    }
    Ok(())
}

/// Checks the name of a database user.
///
/// Source: MySQL 8.4 reference manual, "Access Control, Account Names".
pub fn user(text: &str) -> Verdict {
    identifier(text, 32)
}

/// Checks the name of a DSN parameter.
pub fn parameter(text: &str) -> Verdict {
    identifier(text, 64)
}

/// Checks the name of a bucket.
///
/// Source: Amazon S3 user guide, "General purpose bucket naming rules" (2024).
pub fn bucket(text: &str) -> Verdict {
    let hint = "write 3 to 63 lower-case letters, digits, `-` and `.`, with a letter or digit at both ends";
    let bad = |problem: &str| Err(Complaint::new(problem).hint(hint));
    not_empty(text)
        .and_then(|()| {
            characters(text, |c| {
                c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.'
            })
        })
        .map_err(|complaint| complaint.hint(hint))?;
    if !(3..=63).contains(&text.len()) {
        return bad(&format!("{} characters, not 3 to 63", text.len()));
    }
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !text.starts_with(alphanumeric) || !text.ends_with(alphanumeric) {
        return bad("a letter or digit must stand at both ends");
    }
    if text.contains("..") || text.contains(".-") || text.contains("-.") {
        return bad("a dot stands beside another dot or a `-`");
    }
    if text.parse::<std::net::Ipv4Addr>().is_ok() {
        return bad("looks like an IP address");
    }
    if text.starts_with("xn--") || text.starts_with("sthree-") || text.starts_with("amzn-s3-demo-")
    {
        return bad("the store keeps this prefix for itself");
    }
    if text.ends_with("-s3alias")
        || text.ends_with("--ol-s3")
        || text.ends_with(".mrap")
        || text.ends_with("--x-s3")
    {
        return bad("the store keeps this suffix for itself");
    }
    Ok(())
}

/// Checks a key prefix; slashes at its ends do not matter.
///
/// The characters are those that need no escaping in a URL, since the prefix becomes part of several.
pub fn prefix(text: &str) -> Verdict {
    let hint = "write parts of letters, digits, `-`, `_`, `.`, `~`, `=`, `+` and `@` with one `/` between them, such as `ml/churn`";
    at_most(text, 512).map_err(|complaint| complaint.hint(hint))?;
    let trimmed = trim_prefix(text);
    characters(trimmed, |c| {
        c.is_ascii_alphanumeric() || "-_.~=+@/".contains(c)
    })
    .map_err(|complaint| complaint.hint(hint))?;
    if text.contains("//") {
        return Err(Complaint::new("two slashes stand side by side").hint(hint));
    }
    if trimmed.split('/').any(|part| part == "." || part == "..") {
        return Err(Complaint::new("`.` and `..` have no meaning in a key").hint(hint));
    }
    Ok(())
}

/// Returns a key prefix without the slashes at its ends.
pub fn trim_prefix(text: &str) -> &str {
    text.trim_matches('/')
}

/// Checks a region.
pub fn region(text: &str) -> Verdict {
    not_empty(text)?;
    at_most(text, 63)?;
    characters(text, |c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn identifiers() {
        check(
            database,
            &["kfp_churn", "_a", "A1", &"a".repeat(64)],
            &[
                "",
                "1a",
                "a-b",
                "a b",
                "a`b",
                "ä",
                "mysql",
                "MySQL",
                &"a".repeat(65),
            ],
        );
        check(user, &["kfp", &"a".repeat(32)], &[&"a".repeat(33), "a;b"]);
    }

    #[test]
    fn buckets_and_prefixes() {
        check(
            bucket,
            &["abc", "ml-lake", "a.b.c", "kfp--x", "0ab", &"a".repeat(63)],
            &[
                "",
                "ab",
                "Abc",
                "a_b",
                "-ab",
                "ab-",
                "a..b",
                "a.-b",
                "192.168.0.1",
                "xn--abc",
                "a-s3alias",
                &"a".repeat(64),
            ],
        );
        check(
            prefix,
            &["", "/", "a", "/a/b/", "team=x/a.b-c_d"],
            &[
                "a//b", "a/../b", ".", "a b", "a?b", "a#b", "{{x}}", "ä", "a%20b",
            ],
        );
    }
}
