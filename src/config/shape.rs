//! Shapes: the JSON Schema, compiled to what checking a tree needs.
//!
//! Takes the schema of [`crate::schema`]. Knows the keywords that it uses, but none of the keys of `projects.yaml`.

mod check;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::types::text::{Format, format};

pub use check::{check, quote};

/// What one place of a file may hold, by kind of value.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    anything: bool,
    null: bool,
    boolean: bool,
    integer: Option<Range>,
    text: Option<TextShape>,
    list: Option<Arc<ListShape>>,
    map: Option<Arc<MapShape>>,
}

#[derive(Debug, Clone, Copy)]
struct Range {
    min: i64,
    max: i64,
    /// The range is a `const`: the number is a version of the format.
    version: bool,
}

#[derive(Debug, Clone, Default)]
struct TextShape {
    choices: Option<Vec<String>>,
    format: Option<&'static Format>,
}

#[derive(Debug)]
struct ListShape {
    item: Shape,
    least: usize,
}

#[derive(Debug, Default)]
struct MapShape {
    properties: BTreeMap<String, Shape>,
    /// Keys in the order of the schema, for messages.
    order: Vec<String>,
    required: Vec<String>,
    /// Shape of the values of other keys; `None` allows no others.
    other: Option<Shape>,
    key_format: Option<&'static Format>,
}

impl Shape {
    /// Compiles a schema.
    ///
    /// Panics on keywords that [`crate::schema`] does not produce.
    pub fn compile(schema: &Value) -> Shape {
        Compiler {
            root: schema,
            done: BTreeMap::new(),
        }
        .shape(schema)
    }

    /// Says which kinds of values are expected, for messages.
    fn expectation(&self) -> String {
        let mut kinds = Vec::new();
        if self.text.is_some() {
            kinds.push("a string");
        }
        if self.boolean {
            kinds.push("`true` or `false`");
        }
        if self.integer.is_some() {
            kinds.push("a whole number");
        }
        if self.list.is_some() {
            kinds.push("a list");
        }
        if self.map.is_some() {
            kinds.push("a mapping");
        }
        kinds.join(" or ")
    }
}

struct Compiler<'a> {
    root: &'a Value,
    done: BTreeMap<String, Shape>,
}

impl Compiler<'_> {
    fn shape(&mut self, schema: &Value) -> Shape {
        if schema == &Value::Bool(true) {
            return Shape {
                anything: true,
                ..Shape::default()
            };
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            if let Some(shape) = self.done.get(reference) {
                return shape.clone();
            }
            let target = self
                .root
                .pointer(reference.trim_start_matches('#'))
                .expect("references of the schema point into it")
                .clone();
            let shape = self.shape(&target);
            self.done.insert(reference.to_owned(), shape.clone());
            return shape;
        }
        if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
            let mut union = Shape::default();
            for branch in branches {
                let shape = self.shape(branch);
                union.null |= shape.null;
                union.boolean |= shape.boolean;
                union.integer = union.integer.or(shape.integer);
                union.text = union.text.or(shape.text);
                union.list = union.list.or(shape.list);
                union.map = union.map.or(shape.map);
            }
            return union;
        }
        if let Some(branches) = schema.get("oneOf").and_then(Value::as_array) {
            let choices = branches
                .iter()
                .map(|branch| {
                    branch["const"]
                        .as_str()
                        .expect("`oneOf` holds constants")
                        .to_owned()
                })
                .collect();
            return Shape {
                text: Some(TextShape {
                    choices: Some(choices),
                    format: None,
                }),
                ..Shape::default()
            };
        }
        let kinds: Vec<&str> = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => panic!("schema without a type: {schema}"),
        };
        let mut shape = Shape {
            null: kinds.contains(&"null"),
            ..Shape::default()
        };
        if kinds.contains(&"string") {
            // Numbers and booleans beside strings only say that plain scalars are taken as they are written.
            shape.text = Some(TextShape {
                choices: schema.get("enum").and_then(Value::as_array).map(|choices| {
                    choices
                        .iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect()
                }),
                format: schema
                    .get("format")
                    .and_then(Value::as_str)
                    .map(|name| format(name).expect("formats of strings are in the table")),
            });
        } else {
            shape.boolean = kinds.contains(&"boolean");
        }
        if kinds.contains(&"integer") {
            let bound = |key: &str| schema.get(key).and_then(Value::as_i64);
            shape.integer = Some(match bound("const") {
                Some(version) => Range {
                    min: version,
                    max: version,
                    version: true,
                },
                None => Range {
                    min: bound("minimum").unwrap_or(i64::MIN),
                    max: bound("maximum").unwrap_or(i64::from(i32::MAX)),
                    version: false,
                },
            });
        }
        if kinds.contains(&"array") {
            shape.list = Some(Arc::new(ListShape {
                item: self.shape(schema.get("items").unwrap_or(&Value::Bool(true))),
                least: schema
                    .get("minItems")
                    .and_then(Value::as_u64)
                    .and_then(|least| usize::try_from(least).ok())
                    .unwrap_or(0),
            }));
        }
        if kinds.contains(&"object") {
            shape.map = Some(Arc::new(self.mapping(schema)));
        }
        shape
    }

    fn mapping(&mut self, schema: &Value) -> MapShape {
        let mut mapping = MapShape::default();
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (key, property) in properties {
                mapping.order.push(key.clone());
                let shape = self.shape(property);
                mapping.properties.insert(key.clone(), shape);
            }
        }
        if let Some(required) = schema.get("required").and_then(Value::as_array) {
            mapping.required = required
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
        }
        mapping.other = match schema.get("additionalProperties") {
            Some(Value::Bool(false)) => None,
            Some(other) => Some(self.shape(other)),
            None => Some(Shape {
                anything: true,
                ..Shape::default()
            }),
        };
        mapping.key_format = schema
            .get("propertyNames")
            .and_then(|names| names.get("format"))
            .and_then(Value::as_str)
            .map(|name| format(name).expect("formats of keys are in the table"));
        mapping
    }
}
