//! Tree templates: YAML that was parsed first, with tera in its strings and a few tags for values that are not strings.
//!
//! Takes values that the loader read with `tags: true` and gives values again; the language is described in `docs/bases.md`.
//! Because each string is rendered on its own, a value can never become structure, whatever it contains.
//! Knows nothing of Kubernetes, files or projects. The only user of tera.

mod origin;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};
use tera::{Context, ErrorKind, Tera};

use crate::yaml;

pub use origin::Origin;

/// Where a template stands: a file and a JSON pointer in one of its documents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Path of the file.
    pub file: Arc<str>,
    /// Number of the document in the file, from 0.
    pub document: usize,
    /// JSON pointer of the node.
    pub pointer: String,
}

impl Place {
    fn below(&self, step: &str) -> Place {
        Place {
            pointer: format!(
                "{}/{}",
                self.pointer,
                step.replace('~', "~0").replace('/', "~1")
            ),
            ..self.clone()
        }
    }
}

/// Why a template cannot be compiled or rendered (`template-error`).
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateError {
    /// The node that is wrong.
    pub place: Place,
    /// What is wrong with it.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// A compiled tree template.
#[derive(Debug, Clone)]
pub enum Node {
    /// A subtree without templates.
    Literal(Value),
    /// A string with tera in it.
    Text(TextId),
    /// The value at a path, with its own type.
    Expr(Vec<String>, Box<Place>),
    /// One of two nodes, or nothing.
    If(Condition, Box<Node>, Option<Box<Node>>),
    /// The items of a list or the entries of a map, one after another.
    For {
        /// Name of the loop variable.
        each: String,
        /// What is iterated.
        over: Box<Node>,
        /// The body.
        body: Box<Node>,
    },
    /// Maps merged deeply.
    Merge(Vec<Node>, Box<Place>),
    /// The value as compact JSON text.
    Json(Box<Node>),
    /// The value as YAML text.
    Yaml(Box<Node>),
    /// A list.
    List(Vec<Node>),
    /// A map; the keys may hold tera too.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Debug, Clone)]
pub enum Key {
    /// A key as written.
    Literal(String),
    /// A key with tera in it.
    Text(TextId),
}

/// One string template of a [`Templates`].
#[derive(Debug, Clone, Copy)]
pub struct TextId(usize);

/// A condition, written as a tera expression.
#[derive(Debug, Clone, Copy)]
pub struct Condition(TextId);

/// Collects string templates while trees are compiled.
#[derive(Debug, Default)]
pub struct Compiler {
    texts: Vec<(String, Place)>,
    /// Dotted paths that the templates mention.
    paths: BTreeSet<String>,
    /// Whether a key such as `!if` is a key like any other.
    untagged: bool,
}

/// All string templates of a set of trees, ready to render.
#[derive(Debug, Default)]
pub struct Templates {
    tera: Tera,
    names: Vec<String>,
    texts: Vec<(String, Place)>,
}

/// The variables that templates see.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    values: Map<String, Value>,
    context: Context,
}

impl Scope {
    /// Makes a scope of the given variables.
    pub fn new(values: Map<String, Value>) -> Scope {
        let mut context = Context::new();
        for (name, value) in &values {
            context.insert(name.clone(), value);
        }
        Scope { values, context }
    }

    /// Returns this scope with one more variable.
    pub fn with(&self, name: &str, value: Value) -> Scope {
        let mut scope = self.clone();
        scope.context.insert(name.to_owned(), &value);
        scope.values.insert(name.to_owned(), value);
        scope
    }

    /// Returns the value at a dotted path.
    pub fn get(&self, path: &[String]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter()
            .try_fold(self.values.get(first)?, |value, step| value.get(step))
    }
}

impl Compiler {
    /// Makes a compiler for trees in which only strings are templates, whatever their keys are called.
    pub fn without_tags() -> Compiler {
        Compiler {
            untagged: true,
            ..Compiler::default()
        }
    }

    /// Compiles one tree.
    ///
    /// Errors: an unknown tag or one with wrong contents.
    pub fn compile(&mut self, value: &Value, place: &Place) -> Result<Node, TemplateError> {
        let node = match value {
            Value::String(text) if is_template(text) => Node::Text(self.text(text, place)),
            Value::Array(items) => {
                let nodes = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.compile(item, &place.below(&index.to_string())))
                    .collect::<Result<Vec<_>, _>>()?;
                if nodes.iter().all(|node| matches!(node, Node::Literal(_))) {
                    Node::Literal(value.clone())
                } else {
                    Node::List(nodes)
                }
            }
            Value::Object(map) => {
                if let Some((tag, argument)) = tag_of(map).filter(|_| !self.untagged) {
                    return self.compile_tag(tag, argument, &place.below(tag));
                }
                let mut entries = Vec::with_capacity(map.len());
                for (key, below) in map {
                    let place = place.below(key);
                    let node = self.compile(below, &place)?;
                    let key = if is_template(key) {
                        Key::Text(self.text(key, &place))
                    } else {
                        Key::Literal(key.clone())
                    };
                    entries.push((key, node));
                }
                let literal = entries
                    .iter()
                    .all(|(key, node)| matches!((key, node), (Key::Literal(_), Node::Literal(_))));
                if literal {
                    Node::Literal(value.clone())
                } else {
                    Node::Map(entries)
                }
            }
            other => Node::Literal(other.clone()),
        };
        Ok(node)
    }

    /// Compiles a condition.
    pub fn condition(&mut self, expression: &str, place: &Place) -> Condition {
        Condition(self.text(&format!("{{% if {expression} %}}1{{% endif %}}"), place))
    }

    /// Parses all strings at once.
    ///
    /// Errors: one for each string that tera cannot parse.
    pub fn finish(self) -> Result<Templates, Vec<TemplateError>> {
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&str>::new());
        let names: Vec<String> = (0..self.texts.len())
            .map(|index| index.to_string())
            .collect();
        let batch = names
            .iter()
            .zip(&self.texts)
            .map(|(name, (text, _))| (name.as_str(), text.as_str()));
        if let Err(first) = tera.add_raw_templates(batch) {
            // The batch stops at its first error; parsed one by one, all of them are found.
            let mut errors: Vec<TemplateError> = self
                .texts
                .iter()
                .filter_map(|(text, place)| {
                    let error = Tera::new().add_raw_template("0", text).err()?;
                    Some(template_error(&error, place))
                })
                .collect();
            if errors.is_empty() {
                errors.push(template_error(&first, &Place::default()));
            }
            return Err(errors);
        }
        Ok(Templates {
            tera,
            names,
            texts: self.texts,
        })
    }

    /// Returns every dotted path that the templates so far mention, such as `plan.database.host`; words of a text that
    /// look like one are among them.
    pub fn paths(&self) -> &BTreeSet<String> {
        &self.paths
    }

    fn text(&mut self, text: &str, place: &Place) -> TextId {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let words = text.split(|c: char| !is_word(c));
        let words = words.map(|word| word.trim_matches('.'));
        self.paths
            .extend(words.filter(|word| word.contains('.')).map(str::to_owned));
        self.texts.push((text.to_owned(), place.clone()));
        TextId(self.texts.len() - 1)
    }

    fn compile_tag(
        &mut self,
        tag: &str,
        argument: &Value,
        place: &Place,
    ) -> Result<Node, TemplateError> {
        let wrong = |message: String, hint: &str| TemplateError {
            place: place.clone(),
            message,
            hint: Some(hint.to_owned()),
        };
        match tag {
            "!expr" => {
                let path = argument
                    .as_str()
                    .filter(|text| is_path(text))
                    .ok_or_else(|| {
                        wrong(
                            format!("`!expr` wants a dotted path, not `{argument}`"),
                            "write for example `!expr plan.database.port`",
                        )
                    })?;
                self.paths.insert(path.to_owned());
                Ok(Node::Expr(
                    path.split('.').map(str::to_owned).collect(),
                    Box::new(place.clone()),
                ))
            }
            "!if" => {
                let hint = "write `!if {cond: \"plan.x\", then: …, else: …}`";
                let map = fields(argument, &["cond", "then"], &["else"])
                    .map_err(|message| wrong(message, hint))?;
                let condition = map["cond"]
                    .as_str()
                    .ok_or_else(|| wrong("`cond` must be a string".to_owned(), hint))?;
                Ok(Node::If(
                    self.condition(condition, &place.below("cond")),
                    Box::new(self.compile(&map["then"], &place.below("then"))?),
                    map.get("else")
                        .map(|node| self.compile(node, &place.below("else")))
                        .transpose()?
                        .map(Box::new),
                ))
            }
            "!for" => {
                let hint = "write `!for {each: item, in: plan.list, do: …}`";
                let map = fields(argument, &["each", "in", "do"], &[])
                    .map_err(|message| wrong(message, hint))?;
                let each = map["each"]
                    .as_str()
                    .ok_or_else(|| wrong("`each` must be a name".to_owned(), hint))?;
                let over = match &map["in"] {
                    Value::String(_) => {
                        self.compile_tag("!expr", &map["in"], &place.below("in"))?
                    }
                    other => self.compile(other, &place.below("in"))?,
                };
                Ok(Node::For {
                    each: each.to_owned(),
                    over: Box::new(over),
                    body: Box::new(self.compile(&map["do"], &place.below("do"))?),
                })
            }
            "!merge" => {
                let items = argument.as_array().ok_or_else(|| {
                    wrong(
                        "`!merge` wants a list of maps".to_owned(),
                        "write `!merge [a, b]`",
                    )
                })?;
                let nodes = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.compile(item, &place.below(&index.to_string())))
                    .collect::<Result<_, _>>()?;
                Ok(Node::Merge(nodes, Box::new(place.clone())))
            }
            "!json" => Ok(Node::Json(Box::new(self.compile(argument, place)?))),
            "!yaml" => Ok(Node::Yaml(Box::new(self.compile(argument, place)?))),
            other => Err(wrong(
                format!("unknown tag `{other}`"),
                "the tags are `!expr`, `!if`, `!for`, `!merge`, `!json` and `!yaml`",
            )),
        }
    }
}

impl Templates {
    /// Renders a tree; `None` when the whole of it is left out by a condition.
    ///
    /// Errors: an undefined variable, a value of a wrong type.
    pub fn render(&self, node: &Node, scope: &Scope) -> Result<Option<Value>, TemplateError> {
        let value = match node {
            Node::Literal(value) => value.clone(),
            Node::Text(text) => Value::String(self.text(*text, scope)?),
            Node::Expr(path, place) => match scope.get(path) {
                Some(Value::Null) | None => {
                    return Err(TemplateError {
                        place: (**place).clone(),
                        message: format!("`{}` is not defined", path.join(".")),
                        hint: Some(
                            "guard an optional value with `!if {cond: …, then: !expr …}`"
                                .to_owned(),
                        ),
                    });
                }
                Some(value) => value.clone(),
            },
            Node::If(condition, then, otherwise) => {
                if self.holds(*condition, scope)? {
                    return self.render(then, scope);
                }
                return match otherwise {
                    Some(node) => self.render(node, scope),
                    None => Ok(None),
                };
            }
            Node::For { .. } => {
                let mut items = Vec::new();
                self.render_loop(node, scope, &mut items)?;
                Value::Array(items)
            }
            Node::Merge(nodes, place) => {
                let mut merged = Map::new();
                for node in nodes {
                    match self.render(node, scope)? {
                        Some(Value::Object(map)) => merge_into(&mut merged, map),
                        None => {}
                        Some(other) => {
                            return Err(TemplateError {
                                place: (**place).clone(),
                                message: format!("`!merge` wants maps, not `{other}`"),
                                hint: None,
                            });
                        }
                    }
                }
                Value::Object(merged)
            }
            Node::Json(node) => match self.render(node, scope)? {
                Some(value) => Value::String(value.to_string()),
                None => return Ok(None),
            },
            Node::Yaml(node) => match self.render(node, scope)? {
                Some(value) => {
                    let mut text = String::new();
                    yaml::emit(&value, &mut text);
                    Value::String(text)
                }
                None => return Ok(None),
            },
            Node::List(nodes) => {
                let mut items = Vec::with_capacity(nodes.len());
                for node in nodes {
                    if let Node::For { .. } = node {
                        self.render_loop(node, scope, &mut items)?;
                    } else if let Some(item) = self.render(node, scope)? {
                        items.push(item);
                    }
                }
                Value::Array(items)
            }
            Node::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for (key, node) in entries {
                    if let Some(value) = self.render(node, scope)? {
                        let key = match key {
                            Key::Literal(key) => key.clone(),
                            Key::Text(text) => self.key(*text, scope)?,
                        };
                        if map.contains_key(&key) {
                            return Err(self.collision(&key, entries, scope));
                        }
                        map.insert(key, value);
                    }
                }
                Value::Object(map)
            }
        };
        Ok(Some(value))
    }

    /// Tells whether a condition holds.
    pub fn holds(&self, condition: Condition, scope: &Scope) -> Result<bool, TemplateError> {
        Ok(!self.text(condition.0, scope)?.is_empty())
    }

    fn text(&self, text: TextId, scope: &Scope) -> Result<String, TemplateError> {
        self.tera
            .render(&self.names[text.0], &scope.context)
            .map_err(|error| template_error(&error, &self.texts[text.0].1))
    }

    /// Renders a key, which must not become a directive of a patch or a tag: that would be structure.
    fn key(&self, text: TextId, scope: &Scope) -> Result<String, TemplateError> {
        let key = self.text(text, scope)?;
        if key.starts_with(['$', '!']) {
            return Err(TemplateError {
                place: self.texts[text.0].1.clone(),
                message: format!("the key becomes `{key}`, which would be a directive"),
                hint: Some("write directives out, without templates".to_owned()),
            });
        }
        Ok(key)
    }

    /// The error for a key that another key has become already.
    fn collision(&self, key: &str, entries: &[(Key, Node)], scope: &Scope) -> TemplateError {
        let place = entries.iter().rev().find_map(|(other, _)| match other {
            Key::Text(text) if self.text(*text, scope).is_ok_and(|text| text == key) => {
                Some(self.texts[text.0].1.clone())
            }
            _ => None,
        });
        TemplateError {
            place: place.unwrap_or_default(),
            message: format!("two keys of the mapping become `{key}`"),
            hint: None,
        }
    }

    fn render_loop(
        &self,
        node: &Node,
        scope: &Scope,
        items: &mut Vec<Value>,
    ) -> Result<(), TemplateError> {
        let Node::For { each, over, body } = node else {
            unreachable!("called with loops only");
        };
        let elements = match self.render(over, scope)? {
            Some(Value::Array(elements)) => elements,
            Some(Value::Object(map)) => map
                .into_iter()
                .map(|(key, value)| serde_json::json!({"key": key, "value": value}))
                .collect(),
            Some(other) => vec![other],
            None => Vec::new(),
        };
        for element in elements {
            if let Some(item) = self.render(body, &scope.with(each, element))? {
                items.push(item);
            }
        }
        Ok(())
    }
}

/// Merges a map into another deeply: maps key by key, anything else replaces, `null` removes.
pub fn merge_into(target: &mut Map<String, Value>, source: Map<String, Value>) {
    for (key, value) in source {
        match (target.get_mut(&key), value) {
            (_, Value::Null) => {
                target.shift_remove(&key);
            }
            (Some(Value::Object(below)), Value::Object(map)) => merge_into(below, map),
            (_, Value::Object(map)) => {
                let mut below = Map::new();
                merge_into(&mut below, map);
                target.insert(key, Value::Object(below));
            }
            (_, value) => {
                target.insert(key, value);
            }
        }
    }
}

fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

fn is_path(text: &str) -> bool {
    text.split('.').all(|step| {
        !step.is_empty()
            && step
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '_')
    })
}

/// Returns the tag and argument of a node that the loader read with `tags: true`.
fn tag_of(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (key, value) = map.iter().next().filter(|_| map.len() == 1)?;
    key.starts_with('!').then_some((key.as_str(), value))
}

fn fields<'a>(
    argument: &'a Value,
    required: &[&str],
    optional: &[&str],
) -> Result<&'a Map<String, Value>, String> {
    let map = argument
        .as_object()
        .ok_or_else(|| format!("a mapping is wanted here, not `{argument}`"))?;
    if let Some(missing) = required.iter().find(|key| !map.contains_key(**key)) {
        return Err(format!("`{missing}` is missing"));
    }
    let unknown = map
        .keys()
        .find(|key| !required.contains(&key.as_str()) && !optional.contains(&key.as_str()));
    match unknown {
        Some(key) => Err(format!("unknown key `{key}`")),
        None => Ok(map),
    }
}

/// Words a tera error for our reports: tera's first line, without its own drawing.
fn template_error(error: &tera::Error, place: &Place) -> TemplateError {
    let message = match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => format!(
            "{} (line {}, column {} of the template)",
            lower_first(report.message()),
            report.span().start_line,
            report.span().start_col + 1
        ),
        _ => lower_first(&error.to_string()),
    };
    let undefined = message.contains("is not defined");
    TemplateError {
        place: place.clone(),
        message,
        hint: undefined.then(|| {
            "if this is a placeholder of Argo, write it inside `{% raw %}…{% endraw %}`".to_owned()
        }),
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}

#[cfg(test)]
mod tests;
