//! Which objects a patch is for.
//!
//! Source: `target` of kustomize v5.5.0 (`types.Selector`): anchored regular expressions and Kubernetes selectors.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::PatchError;
use super::place::Place;
use super::schema;
use super::selector::Selector;
use super::strategic::a_kind_of;
use crate::diagnostic::{Code, nearest};
use crate::object::Object;

/// The objects that a patch is for: those that meet every condition that is given.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Condition on the API group, empty for the core group.
    pub group: Option<Pattern>,
    /// Condition on the API version without its group.
    pub version: Option<Pattern>,
    /// Condition on the kind.
    pub kind: Option<Pattern>,
    /// Condition on the name.
    pub name: Option<Pattern>,
    /// Condition on the namespace; an object without one counts as in `default`.
    pub namespace: Option<Pattern>,
    /// Condition on the labels.
    pub label_selector: Option<Selector>,
    /// Condition on the annotations.
    pub annotation_selector: Option<Selector>,
}

/// The fields of a target, as they are written.
const FIELDS: [&str; 7] = [
    "group",
    "version",
    "kind",
    "name",
    "namespace",
    "labelSelector",
    "annotationSelector",
];

impl Target {
    /// Reads the mapping of a `target`. A condition that is null or empty text is no condition, as for kustomize.
    ///
    /// Errors: `invalid-patch` for an unknown field, a pattern that is no regular expression, a selector that cannot be
    /// read; the pointer is into the target.
    pub fn parse(value: &Value) -> Result<Target, PatchError> {
        let root = Place::Root("");
        let Value::Object(map) = value else {
            return Err(PatchError::new(
                Code::InvalidPatch,
                root,
                format!("a target is a mapping, not {}", a_kind_of(value)),
            )
            .hint("write `target: {kind: .., name: ..}`"));
        };
        if let Some(unknown) = map.keys().find(|key| !FIELDS.contains(&key.as_str())) {
            let error = PatchError::new(
                Code::InvalidPatch,
                root.key(unknown),
                format!("a target has no field `{unknown}`"),
            );
            return Err(match (unknown.as_str(), nearest(unknown, FIELDS)) {
                ("apiVersion", _) => error.hint("write `group` and `version`"),
                (_, Some(meant)) => error.hint(format!("did you mean `{meant}`?")),
                (_, None) => error.hint(format!("its fields are {}", FIELDS.join(", "))),
            });
        }
        let pattern = |key: &str| {
            text(map, key, root)?
                .map(Pattern::new)
                .transpose()
                .map_err(|problem| PatchError::new(Code::InvalidPatch, root.key(key), problem))
        };
        let selector = |key: &str| {
            text(map, key, root)?
                .map(Selector::parse)
                .transpose()
                .map_err(|problem| {
                    PatchError::new(Code::InvalidPatch, root.key(key), problem)
                        .hint("write it as for `kubectl get -l`: `app=web,tier in (a, b),!legacy`")
                })
        };
        Ok(Target {
            group: pattern("group")?,
            version: pattern("version")?,
            kind: pattern("kind")?,
            name: pattern("name")?,
            namespace: pattern("namespace")?,
            label_selector: selector("labelSelector")?,
            annotation_selector: selector("annotationSelector")?,
        })
    }

    /// Tells whether the object meets every condition.
    pub fn matches(&self, object: &Object) -> bool {
        self.matches_kind(object) && self.matches_name(object) && self.matches_rest(object)
    }

    /// Tells whether the object meets the condition on the kind.
    pub(super) fn matches_kind(&self, object: &Object) -> bool {
        meets(&self.kind, object.kind())
    }

    /// Tells whether the object meets the condition on the name.
    pub(super) fn matches_name(&self, object: &Object) -> bool {
        meets(&self.name, object.name())
    }

    /// Tells whether the object meets the conditions on other things than kind and name.
    pub(super) fn matches_rest(&self, object: &Object) -> bool {
        let meets_selector = |selector: &Option<Selector>, field: &str| {
            selector.as_ref().is_none_or(|selector| {
                selector.matches(object.body.get("metadata").and_then(|m| m.get(field)))
            })
        };
        meets(&self.group, object.group())
            && meets(&self.version, object.version())
            && (self.namespace.is_none() || meets(&self.namespace, namespace_of(object)))
            && meets_selector(&self.label_selector, "labels")
            && meets_selector(&self.annotation_selector, "annotations")
    }
}

impl std::fmt::Display for Target {
    /// Writes the conditions that are given: ``kind `Deployment`, name `a` ``.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let conditions = [
            ("group", self.group.as_ref().map(Pattern::as_str)),
            ("version", self.version.as_ref().map(Pattern::as_str)),
            ("kind", self.kind.as_ref().map(Pattern::as_str)),
            ("name", self.name.as_ref().map(Pattern::as_str)),
            ("namespace", self.namespace.as_ref().map(Pattern::as_str)),
            ("labels", self.label_selector.as_ref().map(Selector::as_str)),
            (
                "annotations",
                self.annotation_selector.as_ref().map(Selector::as_str),
            ),
        ];
        let written: Vec<String> = conditions
            .iter()
            .filter_map(|(what, text)| text.map(|text| format!("{what} `{text}`")))
            .collect();
        f.write_str(&written.join(", "))
    }
}

fn meets(pattern: &Option<Pattern>, text: &str) -> bool {
    pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
}

/// Reads a text of a target; null and empty text are as good as none.
fn text<'v>(
    map: &'v Map<String, Value>,
    key: &str,
    root: Place<'_>,
) -> Result<Option<&'v str>, PatchError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(other) => Err(PatchError::new(
            Code::InvalidPatch,
            root.key(key),
            format!("`{key}` is a string, not {}", a_kind_of(other)),
        )),
    }
}

/// Returns the namespace by which kustomize finds an object.
///
/// Source: `EffectiveNamespace` of kustomize v5.5.0: `default` when absent, and a word of its own for cluster-scoped kinds.
fn namespace_of(object: &Object) -> &str {
    if schema::is_cluster_scoped(object.api_version(), object.kind()) {
        return "_non_namespaceable_";
    }
    match object.namespace() {
        "" => "default",
        namespace => namespace,
    }
}

/// A regular expression that a whole text must match.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    matcher: Matcher,
}

/// Most patterns are plain names; those need no regular expression.
#[derive(Debug, Clone)]
enum Matcher {
    Anything,
    OneOf(Vec<String>),
    Regex(Regex),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// Errors: a sentence when it is no regular expression, or one that needs more than ASCII classes.
    pub fn new(text: &str) -> Result<Pattern, String> {
        let is_plain = |part: &str| {
            part.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/'))
        };
        let parts: Vec<&str> = text.split('|').collect();
        let matcher = if text == ".*" {
            Matcher::Anything
        } else if parts.iter().all(|part| is_plain(part)) {
            Matcher::OneOf(parts.into_iter().map(str::to_owned).collect())
        } else {
            let regex = Regex::new(&format!("^(?:{text})$"))
                .map_err(|error| format!("`{text}` is not a regular expression: {error}"))?;
            Matcher::Regex(regex)
        };
        Ok(Pattern {
            text: text.to_owned(),
            matcher,
        })
    }

    /// Returns the pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether the whole of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Anything => true,
            Matcher::OneOf(names) => names.iter().any(|name| name == text),
            Matcher::Regex(regex) => regex.is_match(text),
        }
    }
}

/// The object that a strategic merge without a target names.
pub(super) struct Named<'v> {
    pub(super) api_version: &'v str,
    pub(super) kind: &'v str,
    pub(super) name: &'v str,
    /// `default` when the patch gives none.
    pub(super) namespace: &'v str,
}

impl<'v> Named<'v> {
    /// Reads what a patch says of its object.
    ///
    /// Errors: `invalid-patch` when apiVersion, kind or name is missing.
    pub(super) fn read(patch: &'v Value, root: Place<'_>) -> Result<Self, PatchError> {
        let read = |value: Option<&'v Value>| {
            value
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let required = |value: Option<&'v Value>, what: &str| {
            read(value).ok_or_else(|| {
                PatchError::new(
                    Code::InvalidPatch,
                    root,
                    format!("the patch has no target and no `{what}`"),
                )
                .hint("add `target: {kind: .., name: ..}`")
                .hint("or write the `apiVersion`, `kind` and `metadata.name` of the object")
            })
        };
        let metadata = patch.get("metadata");
        Ok(Named {
            api_version: required(patch.get("apiVersion"), "apiVersion")?,
            kind: required(patch.get("kind"), "kind")?,
            name: required(
                metadata.and_then(|metadata| metadata.get("name")),
                "metadata.name",
            )?,
            namespace: read(metadata.and_then(|metadata| metadata.get("namespace")))
                .unwrap_or("default"),
        })
    }

    /// Tells whether it is this object.
    pub(super) fn matches(&self, object: &Object) -> bool {
        object.kind() == self.kind
            && object.name() == self.name
            && object.api_version() == self.api_version
            && self.matches_namespace(object)
    }

    /// Tells whether the object is in the namespace that is meant; cluster-scoped objects are in every one.
    fn matches_namespace(&self, object: &Object) -> bool {
        let namespace = namespace_of(object);
        namespace == self.namespace || schema::is_cluster_scoped(self.api_version, self.kind)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(body: Value) -> Object {
        Object {
            body,
            file: "extra".to_owned(),
        }
    }

    #[test]
    fn patterns_match_whole_texts() {
        let check = |pattern: &str, text: &str, expect: bool| {
            let matched = Pattern::new(pattern).map(|pattern| pattern.matches(text));
            assert_eq!(matched, Ok(expect), "{pattern} on {text}");
        };
        check("d", "d", true);
        check("d", "d2", false);
        check("d", "ad", false);
        check("d|e", "e", true);
        check("d|e", "de", false);
        check("Dep.*|ConfigMap", "Deployment", true);
        check("Dep.*|ConfigMap", "ConfigMap", true);
        check("Dep.*|ConfigMap", "MyConfigMap", false);
        check("^d$", "d", true);
        check("(?i)D", "d", true);
        check("a.c", "abc", true);
        check("a.c", "a.c", true);
        check(r"a\.c", "abc", false);
        check("v[12]", "v2", true);
        check(".*", "", true);
        check("apps|", "", true);
        check("d", "d\n", false);
        assert!(Pattern::new("[").is_err());
        assert!(Pattern::new(r"\pL").is_err());
    }

    #[test]
    fn targets_match_as_in_kustomize() {
        let config = object(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "d", "labels": {"a": "b"}, "annotations": {"note": "x"}}}));
        let deployment = object(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "d", "namespace": "team"}}));
        let role = object(
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "d"}}),
        );
        let check = |target: Value, expect: [bool; 3]| {
            let parsed = Target::parse(&target).expect("a target");
            let matched = [&config, &deployment, &role].map(|object| parsed.matches(object));
            assert_eq!(matched, expect, "{target}");
        };
        check(json!({}), [true, true, true]);
        check(json!({"kind": null, "group": ""}), [true, true, true]);
        check(json!({"kind": "ConfigMap"}), [true, false, false]);
        check(json!({"kind": "Config"}), [false, false, false]);
        check(json!({"group": "apps"}), [false, true, false]);
        check(json!({"group": ".*"}), [true, true, true]);
        check(json!({"version": "v."}), [true, true, true]);
        check(json!({"namespace": "default"}), [true, false, false]);
        check(json!({"namespace": "te.m"}), [false, true, false]);
        check(json!({"namespace": ".*"}), [true, true, true]);
        check(
            json!({"name": "d", "kind": "Dep.*|Cluster.*"}),
            [false, true, true],
        );
        check(
            json!({"labelSelector": "a in (b, c)"}),
            [true, false, false],
        );
        check(json!({"labelSelector": "!a"}), [false, true, true]);
        check(
            json!({"annotationSelector": "note=x"}),
            [true, false, false],
        );
    }

    #[test]
    fn targets_that_cannot_be_read_point_at_the_field() {
        let check = |target: Value, pointer: &str, message: &str| {
            let error = Target::parse(&target).expect_err("not a target");
            assert_eq!(error.code, Code::InvalidPatch);
            assert_eq!(
                (error.pointer.as_str(), error.message.as_str()),
                (pointer, message)
            );
        };
        check(json!("d"), "", "a target is a mapping, not a string");
        check(json!({"nam": "d"}), "/nam", "a target has no field `nam`");
        check(
            json!({"apiVersion": "v1"}),
            "/apiVersion",
            "a target has no field `apiVersion`",
        );
        check(
            json!({"name": 1}),
            "/name",
            "`name` is a string, not a number",
        );
        check(
            json!({"labelSelector": "a in b"}),
            "/labelSelector",
            "`a in b` is not a selector: `(` is missing after `in`",
        );
        let regex = Target::parse(&json!({"name": "a("})).expect_err("not a pattern");
        assert_eq!(regex.pointer, "/name");
    }
}
