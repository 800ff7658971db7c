//! Paths inside the repository, and names of branches.

use super::{Complaint, Verdict, at_most, not_empty};

/// Checks a relative path that stays below its directory and that every file system can hold.
pub fn relative(text: &str) -> Verdict {
    let hint = "write a path below the directory of `projects.yaml`, with `/` between its parts";
    let bad = |problem: &str| Err(Complaint::new(problem).hint(hint));
    not_empty(text).map_err(|complaint| complaint.hint(hint))?;
    at_most(text, 1024)?;
    if text.starts_with('/') || text.starts_with('~') {
        return bad("the path is absolute");
    }
    if text.contains('\\') {
        return bad("`\\` stands in the path");
    }
    if text.chars().any(char::is_control) {
        return bad("a control character stands in the path");
    }
    if text.as_bytes().get(1) == Some(&b':') {
        return bad("the path begins with a drive");
    }
    for part in text.split('/') {
        match part {
            "" => return bad("a part of the path is empty"),
            "." | ".." => return bad("`.` and `..` are not followed"),
            _ => {}
        }
    }
    Ok(())
}

/// Checks the path of the rendered tree: relative, and neither `base` nor hidden.
pub fn tree(text: &str) -> Verdict {
    relative(text)?;
    let first = text.split('/').next().unwrap_or(text);
    if first == "base" {
        return Err(Complaint::new("`base/` holds the bases")
            .hint("write another directory, such as `overlays`"));
    }
    if first.eq_ignore_ascii_case(".git") {
        return Err(Complaint::new("`.git/` belongs to Git")
            .hint("write another directory, such as `overlays`"));
    }
    Ok(())
}

/// Checks the name of a branch.
///
/// Source: git-check-ref-format(1), Git 2.47.
pub fn branch(text: &str) -> Verdict {
    let hint = "write the name of a branch, such as `main`";
    let bad = |problem: &str| Err(Complaint::new(problem).hint(hint));
    not_empty(text).map_err(|complaint| complaint.hint(hint))?;
    at_most(text, 244)?;
    if text.starts_with("refs/") {
        return bad("the `refs/heads/` is added by itself");
    }
    if text.starts_with('-') || text == "@" || text == "HEAD" {
        return bad("not the name of a branch");
    }
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c))
    {
        return bad("blanks and `~^:?*[\\` are not allowed");
    }
    if text.contains("..") || text.contains("@{") || text.ends_with('.') {
        return bad("`..`, `@{` and a dot at the end are not allowed");
    }
    if text
        .split('/')
        .any(|part| part.is_empty() || part.starts_with('.') || part.ends_with(".lock"))
    {
        return bad("a part is empty, begins with `.` or ends in `.lock`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn paths() {
        check(
            relative,
            &["a", "a/b.yaml", "extra/..a", "ä/b c.yaml"],
            &[
                "", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\\b", "C:/a", "~/a", "a\u{0}b",
            ],
        );
        check(
            tree,
            &["overlays", "deploy/overlays"],
            &["base", "base/x", ".git/x", "."],
        );
    }

    #[test]
    fn branches() {
        check(
            branch,
            &["main", "release/1.2", "a@b"],
            &[
                "",
                "-a",
                "a b",
                "a..b",
                "a~1",
                "a.lock",
                "/a",
                "a/",
                "a//b",
                ".a",
                "@",
                "refs/heads/main",
                "a.",
                "a@{1}",
            ],
        );
    }
}
