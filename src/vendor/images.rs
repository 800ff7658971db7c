//! The images that objects run, or hand on to others that run them.
//!
//! Takes objects and gives image references. Knows nothing of registries.

use std::collections::BTreeSet;

use serde_json::Value;

/// Returns every image: of containers, and those in arguments, variables and ConfigMaps that cannot be anything else.
pub(super) fn images<'v>(objects: impl IntoIterator<Item = &'v Value>) -> BTreeSet<String> {
    let mut images = BTreeSet::new();
    for object in objects {
        if object["kind"] == "CustomResourceDefinition" {
            continue;
        }
        collect(object, "", &mut images);
    }
    images
}

fn collect(value: &Value, key: &str, images: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, below)| collect(below, key, images)),
        Value::Array(list) => list.iter().for_each(|below| collect(below, key, images)),
        Value::String(text) if key == "image" && is_image(text) => {
            images.insert(text.clone());
        }
        Value::String(text) => {
            let separators = |c: char| c.is_whitespace() || "\"'`,;=(){}[]<>|".contains(c);
            let words = text
                .split(separators)
                .map(|word| word.trim_end_matches('.'));
            images.extend(words.filter(|word| is_full_image(word)).map(str::to_owned));
        }
        _ => {}
    }
}

/// Tells whether a text can be an image at all.
fn is_image(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte))
}

/// Tells whether a text is an image and can be nothing else: with a registry, and a tag or a digest.
fn is_full_image(text: &str) -> bool {
    let Some((registry, rest)) = text.split_once('/') else {
        return false;
    };
    let host = registry.split(':').next().unwrap_or(registry);
    let is_host = host.contains('.')
        && host.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        });
    let (path, pinned) = match (rest.split_once('@'), rest.rsplit_once(':')) {
        (Some((path, digest)), _) => (path, digest.starts_with("sha256:")),
        (None, Some((path, tag))) => (path, is_tag(tag)),
        (None, None) => (rest, false),
    };
    let is_path = path
        .split(':')
        .next()
        .unwrap_or(path)
        .split('/')
        .all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
                })
        });
    is_host && is_path && pinned
}

fn is_tag(tag: &str) -> bool {
    !tag.is_empty()
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Returns an image without its tag and its digest.
pub(super) fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let name = image.rfind('/').map_or(0, |at| at + 1);
    match image[name..].find(':') {
        Some(at) => &image[..name + at],
        None => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn images_are_found_where_they_stand() {
        let object = json!({
            "kind": "Deployment",
            "metadata": {"labels": {"part-of": "example.org/team:x"}},
            "spec": {"containers": [{
                "image": "busybox",
                "args": ["--executor-image", "quay.io/argoproj/argoexec:v3.5.1", "--url=https://example.org/a:b"],
                "env": [
                    {"name": "A", "value": "ghcr.io/kubeflow/kfp-driver@sha256:00"},
                    {"name": "B", "value": "http://host.example:80/path"},
                    {"name": "C", "value": "pipelines.kubeflow.org/v1"},
                ],
            }]},
            "data": {"conf": "executor:\n  image: \"reg.io:5000/x/y:1\"\n"},
        });
        let found: Vec<String> = images([&object]).into_iter().collect();
        let expect = [
            "busybox",
            "example.org/team:x",
            "ghcr.io/kubeflow/kfp-driver@sha256:00",
            "quay.io/argoproj/argoexec:v3.5.1",
            "reg.io:5000/x/y:1",
        ];
        assert_eq!(found, expect);
    }

    #[test]
    fn repositories() {
        assert_eq!(repository("reg.io:5000/a/b:1@sha256:0"), "reg.io:5000/a/b");
        assert_eq!(repository("a"), "a");
        assert_eq!(repository("a:1"), "a");
    }
}
