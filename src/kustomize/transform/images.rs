//! `images`.
//!
//! Source: `filters/imagetag` of kustomize v5.5.0, which goes over every object twice: once over all lists of
//! containers, once over the fields of the configuration. An entry that changes its own result does so twice.

use regex_lite::Regex;
use serde_json::Value;

use super::misfit;
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::kustomize::config::Config;
use crate::kustomize::context::Context;
use crate::kustomize::field::{Create, Fault};
use crate::kustomize::file::Image;
use crate::kustomize::resource::Resource;

/// Changes names, tags and digests of images.
///
/// Errors: `invalid-kustomization` for a name that is no regular expression.
pub(crate) fn images(
    entry: &Image,
    config: &Config,
    resources: &mut [Resource],
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    let Some(matcher) = Matcher::new(&entry.name) else {
        return Err(context.refuse(
            Diagnostic::error(
                Code::InvalidKustomization,
                format!("the image `{}` is not a regular expression", entry.name),
            )
            .at(entry.span)
            .hint("kustomize takes `name` for one; write the name of the image without its tag"),
        ));
    };
    for resource in resources {
        let gvk = resource.gvk();
        if gvk.kind == "CustomResourceDefinition" {
            continue;
        }
        in_containers(&mut resource.body, &mut |image| {
            change(image, &matcher, entry)
        });
        for field in config.images.iter().filter(|field| gvk.meets(&field.gvk)) {
            let outcome = field.visit(&mut resource.body, Create::Nothing, &mut |image, _| {
                if image.is_object() || image.is_array() {
                    return Err(Fault("a scalar is expected".to_owned()));
                }
                change(image, &matcher, entry);
                Ok(())
            });
            outcome.map_err(|fault| misfit(&fault, resource, entry.span, context))?;
        }
    }
    Ok(())
}

/// Calls back with the image of every element of a list called `containers` or `initContainers`, at any depth.
fn in_containers(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                in_containers(below, change);
                if matches!(key.as_str(), "containers" | "initContainers")
                    && let Value::Array(containers) = below
                {
                    for container in containers {
                        if let Some(image) = container.get_mut("image") {
                            change(image);
                        }
                    }
                }
            }
        }
        Value::Array(list) => {
            for below in list {
                in_containers(below, change);
            }
        }
        _ => {}
    }
}

fn change(image: &mut Value, matcher: &Matcher, entry: &Image) {
    let Value::String(text) = image else {
        return;
    };
    if !matcher.matches(text) {
        return;
    }
    let (name, mut tag, mut digest) = split(text);
    let name = if entry.new_name.is_empty() {
        name
    } else {
        &entry.new_name
    };
    let with_suffix;
    match (entry.new_tag.as_str(), entry.digest.as_str()) {
        ("", "") if entry.tag_suffix.is_empty() => {}
        ("", "") => {
            with_suffix = format!("{tag}{}", entry.tag_suffix);
            tag = &with_suffix;
            digest = "";
        }
        (new_tag, new_digest) => {
            tag = new_tag;
            digest = new_digest;
        }
    }
    let mut changed = name.to_owned();
    for (separator, part) in [(':', tag), ('@', digest)] {
        if !part.is_empty() {
            changed.push(separator);
            changed.push_str(part);
        }
    }
    *image = Value::from(changed);
}

/// Splits an image into name, tag and digest; a port before the first slash is part of the name.
fn split(image: &str) -> (&str, &str, &str) {
    let start = image.find('/').unwrap_or(0);
    let at = image[start..].find('@').map(|at| start + at);
    let colon = image[start..].find(':').map(|colon| start + colon);
    match (colon, at) {
        (None, None) => (image, "", ""),
        (Some(colon), Some(at)) if colon < at => {
            (&image[..colon], &image[colon + 1..at], &image[at + 1..])
        }
        (_, Some(at)) => (&image[..at], "", &image[at + 1..]),
        (Some(colon), None) => (&image[..colon], &image[colon + 1..], ""),
    }
}

/// Finds the images of an entry.
enum Matcher {
    /// The name has no character that means anything in a regular expression.
    Plain(String),
    Regex(Regex),
}

impl Matcher {
    fn new(name: &str) -> Option<Self> {
        let is_plain = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b':'));
        if is_plain {
            return Some(Matcher::Plain(name.to_owned()));
        }
        Regex::new(&format!(
            "^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$"
        ))
        .ok()
        .map(Matcher::Regex)
    }

    fn matches(&self, image: &str) -> bool {
        match self {
            Matcher::Regex(regex) => regex.is_match(image),
            Matcher::Plain(name) => {
                let Some(mut rest) = image.strip_prefix(name.as_str()) else {
                    return false;
                };
                for prefix in [":", "@sha256:"] {
                    if let Some(part) = rest.strip_prefix(prefix) {
                        let end = part.find(|c: char| !is_tag_character(c));
                        rest = &part[end.unwrap_or(part.len())..];
                    }
                }
                rest.is_empty()
            }
        }
    }
}

fn is_tag_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '{' | '}' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_a_whole() {
        let check = |name: &str, image: &str, expect: bool| {
            let matcher = Matcher::new(name).expect("a regular expression");
            assert_eq!(matcher.matches(image), expect, "{name} {image}");
        };
        for (image, expect) in [
            ("img-a", true),
            ("img-a:1", true),
            ("img-a:", true),
            ("img-a@sha256:01", true),
            ("img-a:1@sha256:01", true),
            ("img-a:1+x", false),
            ("img-ab", false),
            ("x/img-a", false),
            ("img-a@md5:01", false),
        ] {
            check("img-a", image, expect);
            check("img.a", image, expect);
        }
        check("reg:5000/x/img", "reg:5000/x/img:1", true);
        assert!(Matcher::new("img(").is_none());
    }

    #[test]
    fn images_are_split() {
        for (image, expect) in [
            ("a", ("a", "", "")),
            ("a:1", ("a", "1", "")),
            ("reg:5000/a", ("reg:5000/a", "", "")),
            ("reg:5000/a:1@sha256:0", ("reg:5000/a", "1", "sha256:0")),
            ("a@sha256:0", ("a", "", "sha256:0")),
        ] {
            assert_eq!(split(image), expect);
        }
    }
}
