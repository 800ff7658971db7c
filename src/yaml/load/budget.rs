//! How much one text may make the reader build.
//!
//! Takes sizes before the work is done and refuses those that are too large; builds nothing.

use super::{LoadOptions, fault};
use crate::yaml::error::LoadError;
use serde_json::Value;
use std::ops::Range;

/// Deepest nesting that is ever allowed: dropping and comparing values recurse.
const DEEPEST: usize = 1_000;

/// Most nodes that anchors and aliases may copy, whatever the options say: a text that needs more is an attack or a mistake.
const MOST_COPIED_NODES: usize = 250_000;

/// How much a value holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Keys and values.
    pub(super) nodes: usize,
    /// Bytes of strings.
    pub(super) bytes: usize,
    /// Most collections around any value in it, the value itself included.
    pub(super) height: usize,
}

impl Size {
    /// Measures a value, which must not be nested deeper than the budget allows.
    pub(super) fn of(value: &Value) -> Size {
        let mut size = Size {
            nodes: 1,
            ..Size::default()
        };
        match value {
            Value::Array(list) => {
                list.iter().for_each(|value| size.add(Size::of(value)));
                size.height += 1;
            }
            Value::Object(map) => {
                for (key, value) in map {
                    size.add(Size::of(value));
                    size.nodes += 1;
                    size.bytes += key.len();
                }
                size.height += 1;
            }
            Value::String(text) => size.bytes = text.len(),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        size
    }

    fn add(&mut self, below: Size) {
        self.nodes += below.nodes;
        self.bytes += below.bytes;
        self.height = self.height.max(below.height);
    }
}

/// What is allowed, and what is used up.
pub(super) struct Budget {
    max_depth: usize,
    max_nodes: usize,
    max_bytes: usize,
    depth: usize,
    nodes: usize,
    copied: Size,
}

impl Budget {
    pub(super) fn new(options: &LoadOptions) -> Self {
        Budget {
            max_depth: options.max_depth.min(DEEPEST),
            max_nodes: options.max_nodes,
            max_bytes: options.max_bytes,
            depth: 0,
            nodes: 0,
            copied: Size::default(),
        }
    }

    pub(super) fn max_depth(&self) -> usize {
        self.max_depth
    }

    /// Enters collections.
    pub(super) fn enter(
        &mut self,
        collections: usize,
        range: &Range<usize>,
    ) -> Result<(), LoadError> {
        self.depth += collections;
        self.check_depth(0, range)
    }

    /// Leaves collections.
    pub(super) fn leave(&mut self, collections: usize) {
        self.depth -= collections;
    }

    /// Checks that a value of the given height may stand here.
    pub(super) fn check_depth(&self, height: usize, range: &Range<usize>) -> Result<(), LoadError> {
        if self.depth + height > self.max_depth {
            return Err(fault::too_deep(self.max_depth, range.clone()));
        }
        Ok(())
    }

    /// Counts keys and values of the result.
    pub(super) fn count(&mut self, nodes: usize, range: &Range<usize>) -> Result<(), LoadError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > self.max_nodes {
            return Err(fault::too_many_nodes(self.max_nodes, range.clone()));
        }
        Ok(())
    }

    /// Counts what is about to be copied for an anchor or an alias.
    pub(super) fn count_copy(&mut self, size: Size, range: &Range<usize>) -> Result<(), LoadError> {
        self.copied.nodes = self.copied.nodes.saturating_add(size.nodes);
        self.copied.bytes = self.copied.bytes.saturating_add(size.bytes);
        if self.copied.nodes > MOST_COPIED_NODES || self.copied.bytes > self.max_bytes {
            return Err(fault::too_many_copies(range.clone()));
        }
        Ok(())
    }
}
