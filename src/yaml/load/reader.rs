//! Builds values from the parser's events.
//!
//! Keeps the open collections in a list, so that no nesting exhausts the program's stack.

use super::budget::{Budget, Size};
use super::node::{Key, Tagged, merge_sources, scalar_key, scalar_value, text_key, wrap};
use super::{Document, LoadOptions, character_at, fault};
use crate::yaml::error::LoadError;
use crate::yaml::marks::{Marks, push_token};
use crate::yaml::scalar::{Plain, resolve};
use crate::yaml::tagged::CORE;
use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, Tag};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ops::Range;

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

/// The place of a value, as lengths of the reader's pointer.
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

/// The mappings that a merge key brings in.
struct Merge {
    key: Range<usize>,
    value: Range<usize>,
    sources: Vec<Map<String, Value>>,
}

/// What is known after the events so far.
pub(super) struct Reader<'t> {
    text: &'t str,
    options: &'t LoadOptions,
    budget: Budget,
    documents: Vec<Document>,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Anchor>,
    root: Option<Node>,
    marks: Marks,
    /// Pointer of the innermost open collection, with the value that is being read; empty without marks.
    pointer: String,
    /// One past the last byte of content seen so far.
    content_end: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, options: &'t LoadOptions) -> Self {
        Reader {
            text,
            options,
            budget: Budget::new(options),
            documents: Vec::new(),
            frames: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            marks: Marks::default(),
            pointer: String::new(),
            content_end: 0,
        }
    }

    pub(super) fn read(mut self) -> Result<Vec<Document>, LoadError> {
        let options = granit_parser::options! {
            disallow_directives: true,
            block_scalar_eof_without_line_feed: true,
            emit_comments: false,
            flow_nesting_limit: self.budget.max_depth(),
            block_nesting_limit: self.budget.max_depth(),
        };
        let mut parser = Parser::new_from_str_with_options(self.text, options);
        while let Some(next) = parser.next_event() {
            let (event, span) = next
                .map_err(|error| fault::syntax_error(self.text, self.budget.max_depth(), &error))?;
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
        self.budget.count(1, &range)?;
        let tag = self.tag(tag, tag_range.as_ref().unwrap_or(&range))?;
        let plain = style == ScalarStyle::Plain;
        if self.at_key() {
            let key = scalar_key(text, plain, &tag, range)?;
            if let Key::Text(text, range) = &key {
                self.remember(anchor, &Value::from(text.as_str()), range)?;
            }
            return self.key(key);
        }
        let flow = self.frames.last().is_some_and(|frame| frame.flow);
        let plain = plain && !(self.options.dates_as_text && resolve(text) == Plain::Date);
        let value = scalar_value(text, plain, &tag, flow, &range)?;
        let place = self.enter();
        let (value, range) = match tag {
            Tagged::Local(name) => {
                self.budget.count(1, &range)?;
                self.budget.check_depth(1, &range)?;
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
            return Err(fault::recursive_alias(range));
        };
        let size = anchor.size;
        self.budget.count_copy(size, &range)?;
        self.budget.count(size.nodes, &range)?;
        self.budget.check_depth(size.height, &range)?;
        let value = self.anchors[&id].value.clone();
        if self.at_key() {
            return match value {
                Value::String(text) => self.key(text_key(text, range)?),
                _ => Err(fault::collection_key(range)),
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
        self.budget.count(1, &first)?;
        let tag_range = tag_range.unwrap_or_else(|| first.clone());
        let tag = match (self.tag(tag, &tag_range)?, &content) {
            (Tagged::None, _) => None,
            (Tagged::Local(name), _) => Some(name),
            (Tagged::Core(name), Content::List(_)) if name == "seq" => None,
            (Tagged::Core(name), Content::Map(_)) if name == "map" => None,
            (Tagged::Core(name), _) => {
                return Err(fault::unknown_tag(&format!("!!{name}"), tag_range));
            }
        };
        if self.at_key() {
            return Err(fault::collection_key(first));
        }
        self.budget.enter(1 + usize::from(tag.is_some()), &first)?;
        let place = self.enter();
        let flow = style == StructureStyle::Flow;
        let mut start = match content {
            Content::List(_) if !flow => self.list_start(range.start),
            _ => range.start,
        };
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
            flow,
            start,
            place,
        });
        Ok(())
    }

    /// Closes the innermost collection.
    fn close(&mut self, end: &Range<usize>) -> Result<(), LoadError> {
        let frame = self
            .frames
            .pop()
            .expect("the parser closes only what it opened");
        if frame.flow {
            self.content_end = self.content_end.max(end.end);
        }
        let range = self.trimmed(frame.start..self.content_end.max(frame.start));
        let value = match frame.content {
            Content::List(list) => Value::Array(list),
            Content::Map(content) => Value::Object(self.merged(content)),
        };
        self.budget.leave(1 + usize::from(frame.tag.is_some()));
        let value = match frame.tag {
            None => value,
            Some(tag) => {
                self.budget.count(1, &range)?;
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
            Some(Node { value, range }) if !(value.is_null() && range.is_empty()) => {
                self.documents.push(Document {
                    value,
                    start: range.start,
                    marks,
                })
            }
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
            return Err(fault::duplicate_key(text, first.clone(), range.clone()));
        }
        // Alone, such a key is another way to write the tag, as a node has only one.
        let before = content.map.keys().next();
        let beside_tag = before.is_some_and(|key| key.starts_with('!')) || text.starts_with('!');
        if self.options.tags && beside_tag && (before.is_some() || content.merge.is_some()) {
            return Err(fault::key_beside_tag(text, range.clone()));
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
                        .ok_or_else(|| fault::invalid_merge(node.range.clone()))?;
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
    fn remember(
        &mut self,
        anchor: usize,
        value: &Value,
        range: &Range<usize>,
    ) -> Result<(), LoadError> {
        if anchor == 0 {
            return Ok(());
        }
        let size = Size::of(value);
        self.budget.count_copy(size, range)?;
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
        Err(fault::unknown_tag(&tag.original(), range.clone()))
    }

    /// Returns where a block list starts.
    ///
    /// The parser points behind the first dash of a list that is not indented below its key.
    fn list_start(&self, start: usize) -> usize {
        let in_map = matches!(
            self.frames.last(),
            Some(Frame {
                content: Content::Map(_),
                ..
            })
        );
        let before = self.text[..start].trim_end();
        let line = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        if in_map && before[line..].trim_start() == "-" {
            before.len() - 1
        } else {
            start
        }
    }

    /// Returns a range without blanks and line ends at its end.
    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        match self.text.get(range.clone()) {
            Some(text) => range.start..range.start + text.trim_end().len(),
            None => range,
        }
    }
}
