//! Which node of a template has made a value, and which variables it has read.
//!
//! Walks down a template beside what it renders to; only what `explain` asks for is looked at, so that rendering itself
//! remembers nothing.

use serde_json::Value;

use super::{Condition, Key, Node, Place, Scope, TemplateError, Templates};

/// Where a value of a rendered tree comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The node of the template.
    pub place: Place,
    /// The paths that the node reads.
    pub reads: Vec<Vec<String>>,
    /// The paths that the conditions around the node read.
    pub conditions: Vec<Vec<String>>,
}

/// A loop variable on the way: its name, and the path of what it stands for.
type Binding = (String, Vec<String>);

/// What is known on the way down.
struct Way {
    place: Place,
    bindings: Vec<Binding>,
    /// What conditions on the way have read.
    conditions: Vec<Vec<String>>,
}

impl Templates {
    /// Returns where the value at some steps of a rendered tree comes from, or the nearest node around it that is known.
    ///
    /// `place` is where the template itself stands.
    /// Errors: those of rendering.
    pub fn origin(
        &self,
        node: &Node,
        place: &Place,
        steps: &[String],
        scope: &Scope,
    ) -> Result<Origin, TemplateError> {
        let way = Way {
            place: place.clone(),
            bindings: Vec::new(),
            conditions: Vec::new(),
        };
        self.descend(node, steps, scope, way)
    }

    fn descend(
        &self,
        node: &Node,
        steps: &[String],
        scope: &Scope,
        mut way: Way,
    ) -> Result<Origin, TemplateError> {
        match node {
            Node::Literal(value) => {
                let mut value = value;
                for step in steps {
                    let below = match value {
                        Value::Array(items) => {
                            step.parse::<usize>().ok().and_then(|at| items.get(at))
                        }
                        other => other.get(step),
                    };
                    let Some(below) = below else { break };
                    value = below;
                    way.place = way.place.below(step);
                }
                Ok(way.done(Vec::new()))
            }
            Node::Text(text) => {
                let reads = paths(&self.texts[text.0].0, scope);
                Ok(way.done(reads))
            }
            Node::Expr(path, _) => {
                way.place = way.place.below("!expr");
                let mut path = path.clone();
                path.extend(steps.iter().cloned());
                Ok(way.done(vec![path]))
            }
            Node::If(condition, then, otherwise) => {
                way.conditions
                    .extend(self.condition_reads(*condition, scope));
                way.place = way.place.below("!if");
                let (step, node) = if self.holds(*condition, scope)? {
                    ("then", Some(then))
                } else {
                    ("else", otherwise.as_ref())
                };
                match node {
                    Some(node) => {
                        way.place = way.place.below(step);
                        self.descend(node, steps, scope, way)
                    }
                    None => Ok(way.done(Vec::new())),
                }
            }
            Node::For { .. } => self.in_list(std::slice::from_ref(node), true, steps, scope, way),
            Node::List(nodes) => self.in_list(nodes, false, steps, scope, way),
            Node::Merge(nodes, _) => {
                way.place = way.place.below("!merge");
                // The last one that says it wins; for a mapping that several make up, the last of them stands.
                for (index, node) in nodes.iter().enumerate().rev() {
                    if let Some(value) = self.render(node, scope)?
                        && reaches(&value, steps)
                    {
                        way.place = way.place.below(&index.to_string());
                        return self.descend(node, steps, scope, way);
                    }
                }
                Ok(way.done(Vec::new()))
            }
            Node::Json(node) => self.text_of(node, "!json", scope, way),
            Node::Yaml(node) => self.text_of(node, "!yaml", scope, way),
            Node::Map(entries) => {
                let Some((step, rest)) = steps.split_first() else {
                    return Ok(way.done(Vec::new()));
                };
                for (key, node) in entries {
                    let raw = match key {
                        Key::Literal(key) if key == step => key.clone(),
                        Key::Text(text)
                            if self.text(*text, scope).is_ok_and(|text| text == *step) =>
                        {
                            way.conditions.extend(paths(&self.texts[text.0].0, scope));
                            let pointer = &self.texts[text.0].1.pointer;
                            way.place.pointer.clone_from(pointer);
                            return self.descend(node, rest, scope, way);
                        }
                        _ => continue,
                    };
                    way.place = way.place.below(&raw);
                    return self.descend(node, rest, scope, way);
                }
                Ok(way.done(Vec::new()))
            }
        }
    }

    /// A value that has become text reads everything that its parts read.
    fn text_of(
        &self,
        node: &Node,
        tag: &str,
        scope: &Scope,
        mut way: Way,
    ) -> Result<Origin, TemplateError> {
        way.place = way.place.below(tag);
        let mut reads = Vec::new();
        self.all_reads(node, scope, &mut reads)?;
        Ok(way.done(reads))
    }

    fn all_reads(
        &self,
        node: &Node,
        scope: &Scope,
        reads: &mut Vec<Vec<String>>,
    ) -> Result<(), TemplateError> {
        match node {
            Node::Literal(_) => {}
            Node::Text(text) => reads.extend(paths(&self.texts[text.0].0, scope)),
            Node::Expr(path, _) => reads.push(path.clone()),
            Node::If(condition, then, otherwise) => {
                let holds = self.holds(*condition, scope)?;
                if let Some(node) = if holds {
                    Some(then)
                } else {
                    otherwise.as_ref()
                } {
                    self.all_reads(node, scope, reads)?;
                }
            }
            Node::For { over, .. } => self.all_reads(over, scope, reads)?,
            Node::Merge(nodes, _) | Node::List(nodes) => {
                for node in nodes {
                    self.all_reads(node, scope, reads)?;
                }
            }
            Node::Json(node) | Node::Yaml(node) => self.all_reads(node, scope, reads)?,
            Node::Map(entries) => {
                for (_, node) in entries {
                    self.all_reads(node, scope, reads)?;
                }
            }
        }
        Ok(())
    }

    /// Finds the node that has made an element of a list, of which a loop makes several and a condition perhaps none.
    fn in_list(
        &self,
        nodes: &[Node],
        lone: bool,
        steps: &[String],
        scope: &Scope,
        mut way: Way,
    ) -> Result<Origin, TemplateError> {
        let wanted = steps
            .split_first()
            .and_then(|(step, rest)| Some((step.parse::<usize>().ok()?, rest)));
        let Some((wanted, rest)) = wanted else {
            return Ok(way.done(Vec::new()));
        };
        let mut count = 0;
        for (index, node) in nodes.iter().enumerate() {
            let place = if lone {
                way.place.clone()
            } else {
                way.place.below(&index.to_string())
            };
            let Node::For { each, over, body } = node else {
                if self.render(node, scope)?.is_some() {
                    if count == wanted {
                        way.place = place;
                        return self.descend(node, rest, scope, way);
                    }
                    count += 1;
                }
                continue;
            };
            let elements = match self.render(over, scope)? {
                Some(Value::Array(elements)) => elements
                    .into_iter()
                    .enumerate()
                    .map(|(at, element)| (Some(at.to_string()), element))
                    .collect(),
                Some(Value::Object(map)) => map
                    .into_iter()
                    .map(|(key, value)| {
                        let element = serde_json::json!({"key": key, "value": value});
                        (Some(key), element)
                    })
                    .collect(),
                Some(other) => vec![(None, other)],
                None => Vec::new(),
            };
            for (step, element) in elements {
                let inner = scope.with(each, element);
                if self.render(body, &inner)?.is_none() {
                    continue;
                }
                if count == wanted {
                    let steps: Vec<String> = step.into_iter().collect();
                    let source = Way {
                        place: place.clone(),
                        bindings: way.bindings.clone(),
                        conditions: Vec::new(),
                    };
                    let source = self.descend(over, &steps, scope, source)?;
                    let path = source.reads.into_iter().next().unwrap_or_default();
                    way.bindings.push((each.clone(), path));
                    way.place = place.below("!for").below("do");
                    return self.descend(body, rest, &inner, way);
                }
                count += 1;
            }
        }
        Ok(way.done(Vec::new()))
    }

    /// Returns the paths that a condition reads.
    pub(crate) fn condition_reads(&self, condition: Condition, scope: &Scope) -> Vec<Vec<String>> {
        paths(&self.texts[condition.0.0].0, scope)
    }
}

impl Way {
    /// Replaces a loop variable at the start of a path by what it stands for.
    fn resolve(&self, path: &[String]) -> Vec<String> {
        let bound = path.first().and_then(|first| {
            let named = |(name, _): &&Binding| name == first;
            self.bindings.iter().rev().find(named)
        });
        let Some((_, stands_for)) = bound else {
            return path.to_vec();
        };
        // What a loop goes over may be written out in the template: nothing is read then.
        if stands_for.is_empty() {
            return Vec::new();
        }
        // The elements of a mapping are `{key, value}`: both mean the entry.
        let mut rest = &path[1..];
        let entry = stands_for
            .last()
            .is_some_and(|step| step.parse::<usize>().is_err());
        if entry
            && rest
                .first()
                .is_some_and(|step| step == "key" || step == "value")
        {
            rest = &rest[1..];
        }
        let mut resolved = stands_for.clone();
        resolved.extend(rest.iter().cloned());
        resolved
    }

    fn done(self, reads: Vec<Vec<String>>) -> Origin {
        let resolved = |paths: &[Vec<String>]| {
            let mut resolved: Vec<Vec<String>> = Vec::new();
            for path in paths {
                let path = self.resolve(path);
                if !path.is_empty() && !resolved.contains(&path) {
                    resolved.push(path);
                }
            }
            resolved
        };
        Origin {
            reads: resolved(&reads),
            conditions: resolved(&self.conditions),
            place: self.place,
        }
    }
}

fn reaches(value: &Value, steps: &[String]) -> bool {
    let found = steps.iter().try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    });
    found.is_some()
}

/// Lists the dotted paths of a template's placeholders and statements that begin with a variable of the scope.
fn paths(text: &str, scope: &Scope) -> Vec<Vec<String>> {
    let mut paths: Vec<Vec<String>> = Vec::new();
    let mut rest = text;
    loop {
        let opening = [("{{", "}}"), ("{%", "%}")]
            .into_iter()
            .filter_map(|(open, close)| Some((rest.find(open)?, close)))
            .min();
        let Some((at, close)) = opening else {
            return paths;
        };
        let inside = &rest[at + 2..];
        let end = inside.find(close).unwrap_or(inside.len());
        for path in in_expression(&inside[..end]) {
            if scope.values.contains_key(&path[0]) && !paths.contains(&path) {
                paths.push(path);
            }
        }
        rest = inside.get(end + close.len()..).unwrap_or_default();
    }
}

/// Lists the names of an expression, with what follows them behind dots; what stands in quotes is no name.
fn in_expression(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut name = String::new();
    let mut quote = None;
    for c in text.chars().chain([' ']) {
        if let Some(open) = quote {
            quote = (c != open).then_some(open);
            continue;
        }
        if c.is_ascii_alphanumeric() || c == '_' || (c == '.' && !name.is_empty()) {
            name.push(c);
            continue;
        }
        let path: Vec<String> = name.split('.').map(str::to_owned).collect();
        if !name.is_empty() && path.iter().all(|step| !step.is_empty()) {
            found.push(path);
        }
        name.clear();
        if matches!(c, '"' | '\'' | '`') {
            quote = Some(c);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Compiler;
    use crate::yaml::{LoadOptions, load_one};
    use serde_json::json;

    /// Checks that the value at a pointer comes from a node of the template and from these paths.
    fn check(template: &str, pointer: &str, expect: (&str, &str)) {
        let options = LoadOptions {
            tags: true,
            ..LoadOptions::default()
        };
        let value = load_one(template, &options).expect("YAML").value;
        let mut compiler = Compiler::default();
        let place = Place::default();
        let node = compiler.compile(&value, &place).expect("a template");
        let templates = compiler.finish().expect("tera");
        let variables = json!({
            "plan": {"host": "h", "list": ["a", "b"], "map": {"k": "v"}, "on": true, "off": false, "tree": {"x": 1}},
        });
        let Value::Object(variables) = variables else {
            unreachable!("written so above");
        };
        let scope = Scope::new(variables);
        let rendered = templates
            .render(&node, &scope)
            .expect("renders")
            .expect("is there");
        assert!(
            rendered.pointer(pointer).is_some(),
            "{template}: {rendered}"
        );
        let steps = crate::trace::tokens(pointer);
        let origin = templates
            .origin(&node, &place, &steps, &scope)
            .expect("renders");
        let paths = origin.reads.iter().chain(&origin.conditions);
        let reads: Vec<String> = paths.map(|path| path.join(".")).collect();
        assert_eq!(
            (origin.place.pointer.as_str(), reads.join(" ").as_str()),
            expect,
            "{template} {pointer}"
        );
    }

    #[test]
    fn each_value_has_a_node() {
        check("{a: 1, b: {c: [x]}}", "/b/c/0", ("/b/c/0", ""));
        check(r#"{a: "{{ plan.host }}:1"}"#, "/a", ("/a", "plan.host"));
        check(
            r#"{a: "{{ plan.host ~ 'plan.on' | upper }}"}"#,
            "/a",
            ("/a", "plan.host"),
        );
        check("{a: !expr plan.tree}", "/a/x", ("/a/!expr", "plan.tree.x"));
        check(
            r#"{a: !if {cond: plan.off, then: 1, else: "{{ plan.host }}"}}"#,
            "/a",
            ("/a/!if/else", "plan.host plan.off"),
        );
        check(
            r#"[!if {cond: plan.off, then: 1}, !for {each: item, in: plan.list, do: {n: "{{ item }}"}}, last]"#,
            "/1/n",
            ("/1/!for/do/n", "plan.list.1"),
        );
        check(
            r#"[!if {cond: plan.off, then: 1}, !for {each: item, in: plan.list, do: x}, last]"#,
            "/2",
            ("/2", ""),
        );
        check(
            r#"{l: !for {each: e, in: plan.map, do: "{{ e.key }}={{ e.value }}"}}"#,
            "/l/0",
            ("/l/!for/do", "plan.map.k"),
        );
        check(
            r#"{l: !for {each: e, in: !merge [!expr plan.map, {z: 1}], do: "{{ e.value }}"}}"#,
            "/l/0",
            ("/l/!for/do", "plan.map.k"),
        );
        check(
            r#"{l: !for {each: e, in: !merge [!expr plan.map, {z: 1}], do: "{{ e.value }}"}}"#,
            "/l/1",
            ("/l/!for/do", ""),
        );
        check(
            r#"{m: !merge [{a: 1, b: 2}, {b: "{{ plan.host }}"}]}"#,
            "/m/b",
            ("/m/!merge/1/b", "plan.host"),
        );
        check(
            r#"{m: !merge [{a: 1}, {b: 2}]}"#,
            "/m/a",
            ("/m/!merge/0/a", ""),
        );
        check(
            r#"{m: !json {a: "{{ plan.host }}", b: !expr plan.tree}}"#,
            "/m",
            ("/m/!json", "plan.host plan.tree"),
        );
        check(
            r#"{"{{ plan.host }}": {a: 1}}"#,
            "/h/a",
            ("/{{ plan.host }}/a", "plan.host"),
        );
    }
}
