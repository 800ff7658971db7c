//! Reads documents.
//!
//! Takes text and gives values, walking the parser's events with a stack of its own, so that no nesting exhausts the program's stack.
//! Knows nothing of what the values mean.

use super::characters::{check_representable, check_representable_key, find_forbidden};
use super::error::{LoadError, LoadErrorKind};
use super::marks::{Marks, push_token};
use super::scalar::{Plain, resolve};
use super::tagged::{CORE, TagFault, resolve_tagged};
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, StructureStyle, Tag};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ops::Range;

/// Most nodes that aliases may copy, whatever the options say: a file that needs more is an attack or a mistake.
const MOST_COPIED_NODES: usize = 250_000;

/// Deepest nesting that is ever allowed: dropping and comparing values recurse.
const DEEPEST: usize = 1_000;

/// How to read.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Whether the places of values are remembered.
    pub marks: bool,
    /// Whether a local tag is read as a mapping of one key: `!name x` as `{"!name": "x"}`; otherwise it is an error.
    pub tags: bool,
    /// Most collections around a node, tags that became mappings included; never more than 1,000.
    pub max_depth: usize,
    /// Most keys and values of all documents together, counted after aliases are expanded.
    pub max_nodes: usize,
    /// Most bytes of strings that aliases copy.
    pub max_bytes: usize,
}

impl Default for LoadOptions {
    /// Returns limits that no release of Kubeflow Pipelines comes near.
    fn default() -> Self {
        LoadOptions {
            marks: false,
            tags: false,
            max_depth: 128,
            max_nodes: 5_000_000,
            max_bytes: 64 << 20,
        }
    }
}

/// One document of a file.
#[derive(Debug, Clone)]
pub struct Document {
    /// What the document says.
    pub value: Value,
    /// Byte offset of the document's first node.
    pub start: usize,
    /// Where the values stand; empty unless asked for.
    pub marks: Marks,
}

/// Reads all documents of a text; those that are empty or hold only comments are left out.
///
/// Scalars mean what they mean to kustomize; merge keys and aliases are expanded.
/// Errors: `yaml-syntax`, `duplicate-key`, `input-too-large`, `unrepresentable-text`, `invalid-manifest`.
pub fn load(text: &str, options: &LoadOptions) -> Result<Vec<Document>, LoadError> {
    check_characters(text)?;
    Loader::new(text, options).run()
}

/// Reads a text that must hold exactly one document.
///
/// Errors: those of [`load`], and `invalid-manifest` for none or several documents.
pub fn load_one(text: &str, options: &LoadOptions) -> Result<Document, LoadError> {
    let mut documents = load(text, options)?.into_iter();
    match (documents.next(), documents.next()) {
        (Some(document), None) => Ok(document),
        (None, _) => Err(LoadError::new(
            LoadErrorKind::DocumentCount,
            0..0,
            "the file holds no document",
        )
        .hint("write one YAML document")),
        (Some(first), Some(second)) => Err(LoadError::new(
            LoadErrorKind::DocumentCount,
            character_at(text, second.start),
            "a second document, where one is expected",
        )
        .related(character_at(text, first.start), "the first document")
        .hint("keep one document, without `---` between parts")),
    }
}

/// Returns the range of the character at an offset, empty at the end of the text.
fn character_at(text: &str, offset: usize) -> Range<usize> {
    let start = text.floor_char_boundary(offset.min(text.len()));
    let length = text[start..].chars().next().map_or(0, char::len_utf8);
    start..start + length
}

fn check_characters(text: &str) -> Result<(), LoadError> {
    match find_forbidden(text) {
        None => Ok(()),
        Some((at, c)) => Err(LoadError::new(
            LoadErrorKind::Syntax,
            at..at + c.len_utf8(),
            format!("the character U+{:04X} may not stand in YAML as it is", c as u32),
        )
        .hint("remove it, or write it as an escape in double quotes")),
    }
}

/// A finished node.
struct Node {
    value: Value,
    range: Range<usize>,
}

/// What an anchor names, with what a copy of it costs.
struct Anchor {
    value: Value,
    size: Size,
}

/// How much a value holds.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// Keys and values.
    nodes: usize,
    /// Bytes of strings.
    bytes: usize,
    /// Collections around the innermost value.
    height: usize,
}

/// A collection that is being read.
struct Frame {
    content: Content,
    anchor: usize,
    /// Local tag to wrap the finished collection in.
    tag: Option<String>,
    flow: bool,
    start: usize,
    place: Place,
}

/// The place of a value, as lengths of the loader's pointer.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The collection around the value.
    parent: usize,
    /// The value itself.
    own: usize,
}

enum Content {
    List(Vec<Value>),
    Map(MapContent),
}

#[derive(Default)]
struct MapContent {
    map: Map<String, Value>,
    /// Ranges of the keys, in the order of the map.
    keys: Vec<Range<usize>>,
    pending: Option<Key>,
    merge: Option<Merge>,
}

/// A key whose value is to come.
enum Key {
    Text(String, Range<usize>),
    Merge(Range<usize>),
}

/// The mappings that a merge key brings in.
struct Merge {
    key: Range<usize>,
    value: Range<usize>,
    sources: Vec<Map<String, Value>>,
}

/// What the tag of a node asks for.
enum Tagged {
    /// There is no tag.
    None,
    /// A tag of YAML itself, without its prefix.
    Core(String),
    /// A local tag, with its exclamation mark.
    Local(String),
}

struct Loader<'t> {
    text: &'t str,
    options: &'t LoadOptions,
    max_depth: usize,
    documents: Vec<Document>,
    frames: Vec<Frame>,
    /// Open collections, local tags among them.
    depth: usize,
    anchors: HashMap<usize, Anchor>,
    root: Option<Node>,
    marks: Marks,
    /// Pointer of the innermost open collection, with the value that is being read; empty without marks.
    pointer: String,
    nodes: usize,
    copied: Size,
    /// One past the last byte of content seen so far.
    content_end: usize,
}

impl<'t> Loader<'t> {
    fn new(text: &'t str, options: &'t LoadOptions) -> Self {
        Loader {
            text,
            options,
            max_depth: options.max_depth.min(DEEPEST),
            documents: Vec::new(),
            frames: Vec::new(),
            depth: 0,
            anchors: HashMap::new(),
            root: None,
            marks: Marks::default(),
            pointer: String::new(),
            nodes: 0,
            copied: Size::default(),
            content_end: 0,
        }
    }

    fn run(mut self) -> Result<Vec<Document>, LoadError> {
        let options = granit_parser::options! {
            disallow_directives: true,
            block_scalar_eof_without_line_feed: true,
            emit_comments: false,
            flow_nesting_limit: self.max_depth,
            block_nesting_limit: self.max_depth,
        };
        let mut parser = Parser::new_from_str_with_options(self.text, options);
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| syntax_error(self.text, self.max_depth, &error))?;
            let range = span.byte_range().unwrap_or(0..0);
            let tag_range = span.tag_span().and_then(|tag| tag.byte_range());
            match event {
                Event::Scalar(text, style, anchor, tag) => {
                    self.scalar(&text, style, anchor, tag.as_deref(), range, tag_range)?;
                }
                Event::SequenceStart(style, anchor, tag) => {
                    let content = Content::List(Vec::new());
                    self.open(content, style, anchor, tag.as_deref(), range, tag_range)?;
                }
                Event::MappingStart(style, anchor, tag) => {
                    let content = Content::Map(MapContent::default());
                    self.open(content, style, anchor, tag.as_deref(), range, tag_range)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(&range)?,
                Event::Alias(id) => self.alias(id, range)?,
                Event::DocumentEnd => self.end_document(),
                _ => {}
            }
        }
        Ok(self.documents)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        range: Range<usize>,
        tag_range: Option<Range<usize>>,
    ) -> Result<(), LoadError> {
        let range = self.trimmed(range);
        self.content_end = self.content_end.max(range.end);
        self.count(1, &range)?;
        let tag = self.tag(tag, tag_range.as_ref().unwrap_or(&range))?;
        let plain = style == ScalarStyle::Plain;
        if self.at_key() {
            let key = scalar_key(text, plain, &tag, range)?;
            if let Key::Text(text, range) = &key {
                self.remember(anchor, &Value::from(text.as_str()), range)?;
            }
            return self.key(key);
        }
        let in_flow = self.frames.last().is_some_and(|frame| frame.flow);
        let value = match &tag {
            Tagged::Local(_) => Value::from(text),
            Tagged::Core(name) => {
                resolve_tagged(name, text).map_err(|fault| tag_error(fault, name, text, range.clone()))?
            }
            Tagged::None if !plain => Value::from(text),
            Tagged::None if range.is_empty() && in_flow => return Err(empty_flow_value(range)),
            Tagged::None if range.is_empty() => Value::Null,
            Tagged::None => plain_scalar(text, &range)?,
        };
        if let Value::String(text) = &value
            && let Err(c) = check_representable(text)
        {
            return Err(not_representable(c, range));
        }
        let place = self.enter();
        let (value, range) = match tag {
            Tagged::Local(name) => {
                self.count(1, &range)?;
                self.check_depth(1, &range)?;
                if self.options.marks {
                    push_token(&mut self.pointer, &name);
                    self.marks.set_value(&self.pointer, range.clone());
                    self.pointer.truncate(place.own);
                }
                let start = tag_range.map_or(range.start, |tag| tag.start);
                (wrap(name, value), start..range.end.max(start))
            }
            _ => (value, range),
        };
        self.remember(anchor, &value, &range)?;
        self.deliver(place, Node { value, range })
    }

    fn alias(&mut self, id: usize, range: Range<usize>) -> Result<(), LoadError> {
        self.content_end = self.content_end.max(range.end);
        let Some(anchor) = self.anchors.get(&id) else {
            return Err(LoadError::new(
                LoadErrorKind::RecursiveAlias,
                range,
                "an alias inside of the value that it repeats",
            )
            .hint("write the value out"));
        };
        let size = anchor.size;
        self.count_copy(size, &range)?;
        self.count(size.nodes, &range)?;
        self.check_depth(size.height, &range)?;
        let Some(anchor) = self.anchors.get(&id) else {
            return Ok(());
        };
        let value = anchor.value.clone();
        if self.at_key() {
            return match value {
                Value::String(text) => self.key(text_key(text, range)?),
                _ => Err(collection_key(range)),
            };
        }
        let place = self.enter();
        self.deliver(place, Node { value, range })
    }

    /// Opens a collection.
    fn open(
        &mut self,
        content: Content,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        range: Range<usize>,
        tag_range: Option<Range<usize>>,
    ) -> Result<(), LoadError> {
        let first = character_at(self.text, range.start);
        self.count(1, &first)?;
        let tag_range = tag_range.unwrap_or_else(|| first.clone());
        let tag = match (self.tag(tag, &tag_range)?, &content) {
            (Tagged::None, _) => None,
            (Tagged::Local(name), _) => Some(name),
            (Tagged::Core(name), Content::List(_)) if name == "seq" => None,
            (Tagged::Core(name), Content::Map(_)) if name == "map" => None,
            (Tagged::Core(name), _) => {
                return Err(LoadError::new(
                    LoadErrorKind::UnknownTag,
                    tag_range,
                    format!("the tag `!!{name}` has no meaning on this value"),
                )
                .hint("remove the tag"));
            }
        };
        if self.at_key() {
            return Err(collection_key(first));
        }
        self.depth += 1 + usize::from(tag.is_some());
        self.check_depth(0, &first)?;
        let place = self.enter();
        let mut start = range.start;
        if let Some(tag) = &tag {
            start = start.min(tag_range.start);
            if self.options.marks {
                push_token(&mut self.pointer, tag);
            }
        }
        self.frames.push(Frame {
            content,
            anchor,
            tag,
            flow: style == StructureStyle::Flow,
            start,
            place,
        });
        Ok(())
    }

    /// Closes the innermost collection.
    fn close(&mut self, end: &Range<usize>) -> Result<(), LoadError> {
        let frame = self.frames.pop().expect("the parser closes only what it opened");
        if frame.flow {
            self.content_end = self.content_end.max(end.end);
        }
        let range = self.trimmed(frame.start..self.content_end.max(frame.start));
        let value = match frame.content {
            Content::List(list) => Value::Array(list),
            Content::Map(content) => Value::Object(self.merged(content)),
        };
        self.depth -= 1;
        let value = match frame.tag {
            None => value,
            Some(tag) => {
                self.depth -= 1;
                self.count(1, &range)?;
                if self.options.marks {
                    self.marks.set_value(&self.pointer, range.clone());
                    self.pointer.truncate(frame.place.own);
                }
                wrap(tag, value)
            }
        };
        self.remember(frame.anchor, &value, &range)?;
        self.deliver(frame.place, Node { value, range })
    }

    /// Adds what merge keys brought in; the mapping's own keys win, and earlier mappings over later ones.
    fn merged(&mut self, content: MapContent) -> Map<String, Value> {
        let mut map = content.map;
        let Some(merge) = content.merge else {
            return map;
        };
        for (key, value) in merge.sources.into_iter().flatten() {
            if map.contains_key(&key) {
                continue;
            }
            if self.options.marks {
                let length = self.pointer.len();
                push_token(&mut self.pointer, &key);
                self.marks.set_value(&self.pointer, merge.value.clone());
                self.marks.set_key(&self.pointer, merge.key.clone());
                self.pointer.truncate(length);
            }
            map.insert(key, value);
        }
        map
    }

    fn end_document(&mut self) {
        let marks = std::mem::take(&mut self.marks);
        self.anchors.clear();
        self.pointer.clear();
        match self.root.take() {
            Some(Node { value, range }) if !(value.is_null() && range.is_empty()) => self.documents.push(Document {
                value,
                start: range.start,
                marks,
            }),
            _ => {}
        }
    }

    /// Tells whether the next node is the key of a mapping.
    fn at_key(&self) -> bool {
        matches!(
            self.frames.last(),
            Some(Frame {
                content: Content::Map(MapContent { pending: None, .. }),
                ..
            })
        )
    }

    /// Takes the key of the innermost mapping.
    fn key(&mut self, key: Key) -> Result<(), LoadError> {
        let Some(Frame {
            content: Content::Map(content),
            ..
        }) = self.frames.last_mut()
        else {
            unreachable!("a key is read only in a mapping");
        };
        let first = match &key {
            Key::Text(text, _) if content.map.contains_key(text) => {
                let mut keys = content.map.keys().zip(&content.keys);
                keys.find(|(key, _)| *key == text).map(|(_, range)| range)
            }
            Key::Text(..) => None,
            Key::Merge(_) => content.merge.as_ref().map(|merge| &merge.key),
        };
        let (text, range) = match &key {
            Key::Text(text, range) => (text.as_str(), range),
            Key::Merge(range) => ("<<", range),
        };
        if let Some(first) = first {
            return Err(LoadError::new(
                LoadErrorKind::DuplicateKey,
                range.clone(),
                format!("the key `{text}` stands twice in one mapping"),
            )
            .related(first.clone(), "first here")
            .hint("keep one of the two"));
        }
        if self.options.tags && text.starts_with('!') {
            return Err(LoadError::new(
                LoadErrorKind::UnknownTag,
                range.clone(),
                format!("the key `{text}` would be taken for a tag"),
            )
            .hint("choose a key that does not start with `!`"));
        }
        content.pending = Some(key);
        Ok(())
    }

    /// Extends the pointer by the value that is about to be read.
    fn enter(&mut self) -> Place {
        let parent = self.pointer.len();
        if self.options.marks
            && let Some(frame) = self.frames.last()
        {
            match &frame.content {
                Content::List(list) => push_token(&mut self.pointer, &list.len().to_string()),
                Content::Map(MapContent {
                    pending: Some(Key::Text(key, _)),
                    ..
                }) => push_token(&mut self.pointer, key),
                Content::Map(_) => push_token(&mut self.pointer, "<<"),
            }
        }
        Place {
            parent,
            own: self.pointer.len(),
        }
    }

    /// Puts a finished node into the collection around it.
    fn deliver(&mut self, place: Place, node: Node) -> Result<(), LoadError> {
        if self.options.marks {
            self.marks.set_value(&self.pointer, node.range.clone());
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.content {
            Content::List(list) => list.push(node.value),
            Content::Map(content) => match content.pending.take() {
                Some(Key::Text(key, range)) => {
                    if self.options.marks {
                        self.marks.set_key(&self.pointer, range.clone());
                    }
                    content.map.insert(key, node.value);
                    content.keys.push(range);
                }
                Some(Key::Merge(key)) => {
                    let sources = merge_sources(node.value, self.options.tags)
                        .ok_or_else(|| invalid_merge(node.range.clone()))?;
                    content.merge = Some(Merge {
                        key,
                        value: node.range,
                        sources,
                    });
                }
                None => unreachable!("a value of a mapping follows its key"),
            },
        }
        self.pointer.truncate(place.parent);
        Ok(())
    }

    /// Keeps a finished node that has an anchor.
    fn remember(&mut self, anchor: usize, value: &Value, range: &Range<usize>) -> Result<(), LoadError> {
        if anchor == 0 {
            return Ok(());
        }
        let size = measure(value);
        self.count_copy(size, range)?;
        let value = value.clone();
        self.anchors.insert(anchor, Anchor { value, size });
        Ok(())
    }

    /// Sorts a tag; unknown ones are errors.
    fn tag(&self, tag: Option<&Tag>, range: &Range<usize>) -> Result<Tagged, LoadError> {
        let Some(tag) = tag else {
            return Ok(Tagged::None);
        };
        if let Some(name) = tag.suffix_in_namespace(CORE) {
            return Ok(Tagged::Core(name.into_owned()));
        }
        let name = tag.suffix();
        if self.options.tags && tag.handle() == "!" && !name.is_empty() {
            return Ok(Tagged::Local(format!("!{name}")));
        }
        Err(LoadError::new(
            LoadErrorKind::UnknownTag,
            range.clone(),
            format!("the tag `{}` has no meaning here", tag.original()),
        )
        .hint("remove the tag, or quote a text that starts with `!`"))
    }

    /// Counts keys and values of the result.
    fn count(&mut self, nodes: usize, range: &Range<usize>) -> Result<(), LoadError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > self.options.max_nodes {
            return Err(LoadError::new(
                LoadErrorKind::TooLarge,
                range.clone(),
                format!("more than {} keys and values", self.options.max_nodes),
            )
            .hint("split the file"));
        }
        Ok(())
    }

    /// Counts what is about to be copied for an anchor or an alias.
    fn count_copy(&mut self, size: Size, range: &Range<usize>) -> Result<(), LoadError> {
        self.copied.nodes = self.copied.nodes.saturating_add(size.nodes);
        self.copied.bytes = self.copied.bytes.saturating_add(size.bytes);
        if self.copied.nodes > MOST_COPIED_NODES || self.copied.bytes > self.options.max_bytes {
            return Err(LoadError::new(
                LoadErrorKind::TooLarge,
                range.clone(),
                "anchors and aliases repeat too much",
            )
            .hint("repeat less, or write the values out"));
        }
        Ok(())
    }

    fn check_depth(&self, below: usize, range: &Range<usize>) -> Result<(), LoadError> {
        if self.depth + below > self.max_depth {
            return Err(too_deep(self.max_depth, range.clone()));
        }
        Ok(())
    }

    /// Returns a range without blanks and line ends at its end.
    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        match self.text.get(range.clone()) {
            Some(text) => range.start..range.start + text.trim_end().len(),
            None => range,
        }
    }
}

/// Makes the mapping of one key that stands for a local tag.
fn wrap(tag: String, value: Value) -> Value {
    let mut map = Map::with_capacity(1);
    map.insert(tag, value);
    Value::Object(map)
}

fn measure(value: &Value) -> Size {
    let mut size = Size {
        nodes: 1,
        ..Size::default()
    };
    let mut add = |value: &Value| {
        let below = measure(value);
        size.nodes += below.nodes;
        size.bytes += below.bytes;
        size.height = size.height.max(below.height);
    };
    match value {
        Value::Array(list) => list.iter().for_each(&mut add),
        Value::Object(map) => map.values().for_each(&mut add),
        _ => {}
    }
    match value {
        Value::Array(_) => size.height += 1,
        Value::Object(map) => {
            size.height += 1;
            size.nodes += map.len();
            size.bytes += map.keys().map(String::len).sum::<usize>();
        }
        Value::String(text) => size.bytes += text.len(),
        _ => {}
    }
    size
}

/// Returns the mappings that the value of a merge key names.
fn merge_sources(value: Value, tags: bool) -> Option<Vec<Map<String, Value>>> {
    let source = |value: Value| match value {
        // What a local tag gives is known only later.
        Value::Object(map) if tags && map.keys().any(|key| key.starts_with('!')) => None,
        Value::Object(map) => Some(map),
        _ => None,
    };
    match value {
        Value::Array(list) => list.into_iter().map(source).collect(),
        value => Some(vec![source(value)?]),
    }
}

/// Reads the key of a mapping.
fn scalar_key(text: &str, plain: bool, tag: &Tagged, range: Range<usize>) -> Result<Key, LoadError> {
    match tag {
        Tagged::None if !plain => {}
        Tagged::Core(name) if name == "str" => {}
        Tagged::None if text == "<<" => return Ok(Key::Merge(range)),
        Tagged::None => {
            let what = match resolve(if range.is_empty() { "" } else { text }) {
                Plain::Text => return text_key(text.to_owned(), range),
                Plain::Null => "null",
                Plain::Bool(_) => "a boolean",
                Plain::Number(_) => "a number",
                Plain::NonFinite => "an infinite number",
                Plain::Date => return Err(unquoted_date(text, range)),
            };
            let text = if range.is_empty() { "" } else { text };
            return Err(LoadError::new(
                LoadErrorKind::NonStringKey,
                range,
                format!("the key `{text}` is {what}, not a string"),
            )
            .hint(format!("write `\"{text}\"`")));
        }
        Tagged::Core(_) | Tagged::Local(_) => {
            return Err(LoadError::new(
                LoadErrorKind::NonStringKey,
                range,
                format!("the key `{text}` has a tag"),
            )
            .hint("remove the tag, and quote the key"));
        }
    }
    text_key(text.to_owned(), range)
}

fn text_key(text: String, range: Range<usize>) -> Result<Key, LoadError> {
    match check_representable_key(&text) {
        Ok(()) => Ok(Key::Text(text, range)),
        Err(_) if text == "<<" => Err(LoadError::new(
            LoadErrorKind::NotRepresentable,
            range,
            "the key `<<` is lost in kustomize",
        )
        .hint("choose another key; a merge key stands without quotes")),
        Err(c) => Err(not_representable(c, range)),
    }
}

fn plain_scalar(text: &str, range: &Range<usize>) -> Result<Value, LoadError> {
    match resolve(text) {
        Plain::Null => Ok(Value::Null),
        Plain::Bool(bool) => Ok(Value::Bool(bool)),
        Plain::Number(number) => Ok(Value::Number(number)),
        Plain::Text => Ok(Value::from(text)),
        Plain::Date => Err(unquoted_date(text, range.clone())),
        Plain::NonFinite => Err(non_finite(text, range.clone())),
    }
}

fn unquoted_date(text: &str, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::UnquotedDate,
        range,
        format!("`{text}` without quotes is a date, which kustomize rewrites"),
    )
    .hint(format!("write `\"{text}\"`"))
}

fn non_finite(text: &str, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::NonFinite,
        range,
        format!("`{text}` is a number that JSON does not have"),
    )
    .hint(format!("write a finite number, or `\"{text}\"` for the text"))
}

fn tag_error(fault: TagFault, tag: &str, text: &str, range: Range<usize>) -> LoadError {
    match fault {
        TagFault::Unknown => LoadError::new(
            LoadErrorKind::UnknownTag,
            range,
            format!("the tag `!!{tag}` has no meaning on this value"),
        )
        .hint("remove the tag"),
        TagFault::Mismatch => LoadError::new(
            LoadErrorKind::TagMismatch,
            range,
            format!("`{}` is no value of `!!{tag}`", shortened(text)),
        )
        .hint("remove the tag, or write a value that fits it"),
        TagFault::NonFinite => non_finite(text, range),
    }
}

/// Returns the beginning of a text that may be long.
fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(60)]
}

fn not_representable(c: char, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::NotRepresentable,
        range,
        format!("the character U+{:04X} is lost in kustomize", c as u32),
    )
    .hint("remove the character, or carry the text as base64 in `binaryData`")
}

fn collection_key(range: Range<usize>) -> LoadError {
    LoadError::new(LoadErrorKind::NonStringKey, range, "the key is not a string").hint("write a string as the key")
}

fn empty_flow_value(range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::EmptyFlowValue,
        range,
        "a value is left out inside of braces or brackets: null to kubectl, an empty string to kustomize",
    )
    .hint("write `null` or `\"\"`")
}

fn invalid_merge(range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::InvalidMerge,
        range,
        "the value of a merge key is neither a mapping nor a list of mappings",
    )
    .hint("merge an alias of a mapping: `<<: *name`")
}

fn too_deep(max_depth: usize, range: Range<usize>) -> LoadError {
    LoadError::new(
        LoadErrorKind::TooLarge,
        range,
        format!("nested more than {max_depth} deep"),
    )
    .hint("nest less")
}

/// Translates an error of the parser.
fn syntax_error(text: &str, max_depth: usize, error: &ScanError) -> LoadError {
    let marker = error.marker();
    let offset = marker.byte_offset().unwrap_or_else(|| {
        text.char_indices()
            .nth(marker.index())
            .map_or(text.len(), |(offset, _)| offset)
    });
    let range = character_at(text, offset);
    let (message, hint) = match error.kind() {
        ErrorKind::RecursionLimitExceeded => return too_deep(max_depth, range),
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => {
            ("a tab is used as indentation".to_owned(), Some("indent with spaces"))
        }
        ErrorKind::UnknownAnchor => (
            "an alias without an anchor before it".to_owned(),
            Some("define the anchor first, or quote a text that starts with `*`"),
        ),
        ErrorKind::DirectiveDisallowed => (
            "a directive, which kubectl and kustomize refuse".to_owned(),
            Some("remove the line that starts with `%`"),
        ),
        ErrorKind::UnclosedQuotedScalar => ("a quote that is not closed".to_owned(), Some("close the quote")),
        ErrorKind::UnclosedFlowCollection { open } => {
            (format!("`{open}` is not closed"), Some("close the bracket"))
        }
        kind => (format!("not YAML: {kind}"), None),
    };
    let error = LoadError::new(LoadErrorKind::Syntax, range, message);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
