//! Pins: digests for the references that stand in the files of a base.
//!
//! Takes texts and what each reference becomes; gives the texts that change. Works on the text, so that comments and
//! layout stay; a reference is found wherever it stands by itself, in conditions and arguments as in `image:` fields.

use std::collections::BTreeMap;

use super::find::stands_alone;
use super::reference::{self, has_digest};

/// Returns a reference with another digest, or with its first; the tag stays, for people.
pub fn pinned(reference: &str, digest: &str) -> String {
    format!("{}@{digest}", without_digest(reference))
}

/// Returns a reference without its digest.
pub fn without_digest(reference: &str) -> &str {
    reference
        .split_once('@')
        .map_or(reference, |(name, _)| name)
}

/// Tells whether a reference says which of a repository's images is meant: one that does not is the beginning of a
/// reference, to which a program adds a tag.
pub fn is_complete(reference: &str) -> bool {
    has_digest(reference) || has_tag(reference)
}

/// Tells whether a reference has a tag.
pub fn has_tag(reference: &str) -> bool {
    reference::split(without_digest(reference))
        .1
        .starts_with(':')
}

/// Returns a text with references replaced; `None` when none of them stands in it.
pub fn replace(text: &str, replacements: &BTreeMap<String, String>) -> Option<String> {
    let mut places: Vec<(usize, &str, &str)> = Vec::new();
    for (reference, replacement) in replacements {
        let found = text.match_indices(reference.as_str());
        let found = found.filter(|(at, _)| stands_alone(text, *at, reference.len()));
        places.extend(found.map(|(at, _)| (at, reference.as_str(), replacement.as_str())));
    }
    if places.is_empty() {
        return None;
    }
    places.sort_unstable();
    let mut out = String::with_capacity(text.len() + 80 * places.len());
    let mut written = 0;
    for (at, reference, replacement) in places {
        out.push_str(&text[written..at]);
        out.push_str(replacement);
        written = at + reference.len();
    }
    out.push_str(&text[written..]);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn tags_stay() {
        let expect = format!("a.io:5000/b:1@{DIGEST}");
        assert_eq!(pinned("a.io:5000/b:1", DIGEST), expect);
        assert_eq!(
            pinned(&pinned("a.io:5000/b:1", "sha256:00"), DIGEST),
            expect
        );
        assert_eq!(without_digest(&expect), "a.io:5000/b:1");
    }

    #[test]
    fn beginnings_are_told_from_references() {
        let digest = format!("a.io/b@{DIGEST}");
        for reference in ["a.io/b:1", "b:1", "a.io:5000/b:1", &digest] {
            assert!(is_complete(reference), "{reference}");
        }
        for reference in ["a.io/b", "a.io:5000/b", "b"] {
            assert!(!is_complete(reference), "{reference}");
        }
        assert!(!has_tag(&digest));
        assert!(has_tag(&format!("b:1@{DIGEST}")));
    }

    #[test]
    fn references_are_replaced_where_they_stand_by_themselves() {
        let replacements = BTreeMap::from([
            ("a.io/b:1".to_owned(), "a.io/b:1@sha256:0".to_owned()),
            (
                "a.io/c:1@sha256:0".to_owned(),
                "a.io/c:1@sha256:1".to_owned(),
            ),
        ]);
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(replace(text, &replacements).as_deref(), expect, "{text}");
        };
        check(
            "image: a.io/b:1 # the b\nwhen: x != \"a.io/b:1\"\nargs: [--i=a.io/b:1, 'a.io/c:1@sha256:0']\n",
            Some(
                "image: a.io/b:1@sha256:0 # the b\nwhen: x != \"a.io/b:1@sha256:0\"\nargs: [--i=a.io/b:1@sha256:0, 'a.io/c:1@sha256:1']\n",
            ),
        );
        for other in [
            "a.io/b:12",
            "a.io/b:1.2",
            "a.io/b:1@sha256:9",
            "x.a.io/b:1",
            "a.io/b",
            "",
        ] {
            check(other, None);
        }
    }
}
