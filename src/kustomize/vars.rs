//! `vars`: values of objects that are put wherever `$(NAME)` stands in certain fields.
//!
//! Takes the vars of a finished build and its objects, and writes the values. Knows nothing of how the build came about.
//! Source: `types.Var`, `filters/refvar` and `accumulator/refvartransformer.go` of kustomize v5.5.0.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::config::Config;
use super::context::Context;
use super::field::{Create, Fault, FieldSpec};
use super::path;
use super::reader::{Located, Node};
use super::resource::{Gvk, Resource, effective_namespace, split_api_version};
use super::transform::misfit;
use crate::diagnostic::{Code, Diagnostic, Rejected};
use crate::patch::is_known_as_cluster_scoped;
use crate::source::Span;

/// One var.
#[derive(Debug, Clone)]
pub(crate) struct Var {
    pub(crate) span: Span,
    pub(crate) name: String,
    gvk: Gvk,
    object: String,
    namespace: String,
    path: Located,
}

/// Reads the list `vars`.
pub(crate) fn read(node: &Node<'_>, context: &mut Context<'_>) -> Vec<Var> {
    let mut vars = Vec::new();
    for item in node.items(context) {
        let mut var = Var {
            span: item.span(),
            name: String::new(),
            gvk: Gvk::default(),
            object: String::new(),
            namespace: String::new(),
            path: Located {
                text: "metadata.name".to_owned(),
                span: item.span(),
            },
        };
        for entry in item.entries(context) {
            match entry.key.as_str() {
                "name" => var.name = entry.value.plain_string(context),
                "objref" => read_object(&entry.value, &mut var, context),
                "fieldref" => {
                    for entry in entry.value.entries(context) {
                        match entry.key.as_str() {
                            "fieldpath" => {
                                if let Some(path) = entry.value.string(context) {
                                    var.path = path;
                                }
                            }
                            _ => entry.unknown("`fieldref`", &["fieldPath"], context),
                        }
                    }
                }
                _ => entry.unknown("a var", &["name", "objref", "fieldref"], context),
            }
        }
        if var.name.is_empty() {
            context.invalid(var.span, "a var without `name`");
        }
        vars.push(var);
    }
    vars
}

fn read_object(node: &Node<'_>, var: &mut Var, context: &mut Context<'_>) {
    let mut api_version = String::new();
    for entry in node.entries(context) {
        let part = match entry.key.as_str() {
            "apiversion" => &mut api_version,
            "group" => &mut var.gvk.group,
            "version" => &mut var.gvk.version,
            "kind" => &mut var.gvk.kind,
            "name" => &mut var.object,
            "namespace" => &mut var.namespace,
            _ => {
                entry.unknown(
                    "`objref`",
                    &[
                        "apiVersion",
                        "group",
                        "version",
                        "kind",
                        "name",
                        "namespace",
                    ],
                    context,
                );
                continue;
            }
        };
        *part = entry.value.plain_string(context);
    }
    if !api_version.is_empty() {
        let (group, version) = split_api_version(&api_version);
        if !group.is_empty() {
            group.clone_into(&mut var.gvk.group);
        }
        version.clone_into(&mut var.gvk.version);
    }
}

/// The vars of a build so far, by name.
pub(crate) type Vars = BTreeMap<String, Var>;

/// Adds vars whose objects are looked for among the objects so far, by the names that they were read with.
///
/// Errors: `invalid-kustomization` for a var that could be of several objects, and a name that is taken.
pub(crate) fn add(
    new: &[Var],
    vars: &mut Vars,
    resources: &mut [Resource],
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    for var in new {
        let api_version = var.gvk.api_version();
        let in_namespace =
            !var.namespace.is_empty() || is_known_as_cluster_scoped(&api_version, &var.gvk.kind);
        let namespace = effective_namespace(&api_version, &var.gvk.kind, &var.namespace);
        let mut found = resources
            .iter_mut()
            .filter(|resource| resource.original_name() == var.object)
            .filter(|resource| resource.original_gvk() == var.gvk)
            .filter(|resource| !in_namespace || resource.original_namespace() == namespace);
        match (found.next(), found.next()) {
            (Some(resource), None) => resource.vars.push(var.name.clone()),
            (None, _) => {}
            (Some(first), Some(second)) => {
                let finding = Diagnostic::error(
                    Code::InvalidKustomization,
                    format!("the object of the var `{}` could be several", var.name),
                )
                .at(var.span)
                .also(first.origin, "one")
                .also(second.origin, "another")
                .hint("add `namespace` to `objref`");
                return Err(context.refuse(finding));
            }
        }
        merge_one(var, vars, context)?;
    }
    Ok(())
}

/// Adds the vars of a base.
///
/// Errors: `invalid-kustomization` for a name that is taken.
pub(crate) fn merge(new: Vars, vars: &mut Vars, context: &mut Context<'_>) -> Result<(), Rejected> {
    new.values()
        .try_for_each(|var| merge_one(var, vars, context))
}

fn merge_one(var: &Var, vars: &mut Vars, context: &mut Context<'_>) -> Result<(), Rejected> {
    if let Some(first) = vars.insert(var.name.clone(), var.clone()) {
        return Err(context.refuse(
            Diagnostic::error(
                Code::InvalidKustomization,
                format!("there are two vars `{}`", var.name),
            )
            .at(var.span)
            .label("again")
            .also(first.span, "first"),
        ));
    }
    Ok(())
}

/// Writes the values of the vars.
///
/// Errors: `invalid-kustomization` for a var without a value.
pub(crate) fn resolve(
    vars: &Vars,
    config: &Config,
    resources: &mut [Resource],
    context: &mut Context<'_>,
) -> Result<(), Rejected> {
    if vars.is_empty() {
        return Ok(());
    }
    let values = values(vars, resources, context)?;
    let mut fields: HashMap<&str, Vec<&FieldSpec>> = HashMap::new();
    for field in &config.vars {
        fields
            .entry(field.gvk.kind.as_str())
            .or_default()
            .push(field);
    }
    let any = fields.get("").cloned().unwrap_or_default();
    for resource in resources {
        let gvk = resource.gvk();
        let original = resource.original_gvk();
        let of_kind = fields.get(gvk.kind.as_str()).into_iter().flatten();
        for field in of_kind.chain(&any) {
            if !gvk.meets(&field.gvk) || !original.meets(&field.gvk) {
                continue;
            }
            let as_text = field.path == "metadata/annotations";
            let outcome = field.visit(&mut resource.body, Create::Nothing, &mut |value, _| {
                set(value, &values, as_text)
            });
            outcome.map_err(|fault| {
                let place = vars.values().next().map_or(resource.origin, |var| var.span);
                misfit(&fault, resource, place, context)
            })?;
        }
        resource
            .follow_shared()
            .map_err(|fault| misfit(&fault, resource, resource.origin, context))?;
    }
    Ok(())
}

/// Returns the value of every var.
fn values(
    vars: &Vars,
    resources: &[Resource],
    context: &mut Context<'_>,
) -> Result<HashMap<String, Value>, Rejected> {
    let mut holders: HashMap<&str, &Resource> = HashMap::new();
    for resource in resources {
        for name in &resource.vars {
            holders.entry(name).or_insert(resource);
        }
    }
    let mut values = HashMap::new();
    for (name, var) in vars {
        let Some(resource) = holders.get(name.as_str()) else {
            let kind = &var.gvk.kind;
            return Err(context.invalid(
                var.span,
                format!("there is no `{kind}/{}` for the var `{name}`", var.object),
            ));
        };
        // `a[0]` is an element, as `a.0`.
        let dotted = var.path.text.replace('[', ".[");
        let steps = path::parse(&element_steps(&dotted)).map_err(|problem| {
            context.invalid(
                var.path.span,
                format!("the path `{}` cannot be read: {problem}", var.path.text),
            )
        })?;
        let found = path::get(&resource.body, &steps).ok().flatten();
        match found.filter(|value| !value.is_null()) {
            Some(value) => {
                values.insert(name.clone(), value.clone());
            }
            None => {
                return Err(context.invalid(
                    var.path.span,
                    format!(
                        "there is no `{}` in `{}` for the var `{name}`",
                        var.path.text,
                        resource.shown()
                    ),
                ));
            }
        }
    }
    Ok(values)
}

/// Writes `.[0]` as `.0`.
fn element_steps(path: &str) -> String {
    path.split('.')
        .map(|part| {
            let inside = part
                .strip_prefix('[')
                .and_then(|part| part.strip_suffix(']'));
            inside
                .filter(|inside| inside.bytes().all(|byte| byte.is_ascii_digit()))
                .unwrap_or(part)
        })
        .collect::<Vec<_>>()
        .join(".")
}

/// Replaces vars in a string, or in the strings of a mapping or a list.
fn set(value: &mut Value, values: &HashMap<String, Value>, as_text: bool) -> Result<(), Fault> {
    let one = |value: &mut Value| {
        if let Value::String(text) = value {
            let expanded = expand(text, values);
            *value = match (as_text, path::text_of(&expanded)) {
                (true, Some(text)) => Value::from(text),
                _ => expanded,
            };
        }
    };
    match value {
        Value::Object(map) => map.values_mut().for_each(one),
        Value::Array(list) => {
            for item in list {
                if !item.is_string() {
                    return Err(Fault("a string is expected in the list".to_owned()));
                }
                one(item);
            }
        }
        scalar => one(scalar),
    }
    Ok(())
}

/// Replaces `$(NAME)` in a text; `$$` is a dollar. A text that is one var becomes its value, with its type.
fn expand(text: &str, values: &HashMap<String, Value>) -> Value {
    let scalar = |name: &str| {
        values
            .get(name)
            .filter(|value| !value.is_object() && !value.is_array())
    };
    let whole = text
        .strip_prefix("$(")
        .and_then(|rest| rest.strip_suffix(')'))
        .filter(|name| !name.contains(')'));
    if let Some(value) = whole.and_then(scalar) {
        return value.clone();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) =
            rest.strip_prefix('(').and_then(|rest| rest.split_once(')'))
        {
            match scalar(name).and_then(path::text_of) {
                Some(value) => out.push_str(&value),
                None => {
                    out.push_str("$(");
                    out.push_str(name);
                    out.push(')');
                }
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    Value::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn vars_are_expanded() {
        let values: HashMap<String, Value> = [
            ("V".to_owned(), json!("value")),
            ("NUM".to_owned(), json!(12)),
            ("MAP".to_owned(), json!({})),
        ]
        .into_iter()
        .collect();
        let check = |text: &str, expect: Value| assert_eq!(expand(text, &values), expect, "{text}");
        check("$(V)", json!("value"));
        check("a-$(V)-$(NUM)", json!("a-value-12"));
        check("$(NUM)", json!(12));
        check("$$(V)", json!("$(V)"));
        check("$(OTHER) $(MAP)", json!("$(OTHER) $(MAP)"));
        check("$(V", json!("$(V"));
        check("a$b$", json!("a$b$"));
    }
}
