//! Reads documents.
//!
//! Takes text and gives values, their places and the first thing that is wrong. Knows nothing of what the values mean.

mod budget;
mod fault;
mod node;
mod reader;

use super::characters::find_forbidden;
use super::error::LoadError;
use super::marks::Marks;
use reader::Reader;
use serde_json::Value;
use std::ops::Range;

/// How to read.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Whether the places of values are remembered.
    pub marks: bool,
    /// Whether a local tag is read as a mapping of one key: `!name x` as `{"!name": "x"}`, which can be written for it; otherwise it is an error.
    pub tags: bool,
    /// Whether a date without quotes is read as the text that is written, as by the reader of kustomizations; otherwise it is an error.
    pub dates_as_text: bool,
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
            dates_as_text: false,
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
    if let Some((at, c)) = find_forbidden(text) {
        return Err(fault::forbidden_character(c, at));
    }
    Reader::new(text, options).read()
}

/// Reads a text that must hold exactly one document.
///
/// Errors: those of [`load`], and `invalid-manifest` for none or several documents.
pub fn load_one(text: &str, options: &LoadOptions) -> Result<Document, LoadError> {
    let mut documents = load(text, options)?.into_iter();
    match (documents.next(), documents.next()) {
        (Some(document), None) => Ok(document),
        (None, _) => Err(fault::no_document()),
        (Some(first), Some(second)) => {
            let range = |document: &Document| character_at(text, document.start);
            Err(fault::second_document(range(&first), range(&second)))
        }
    }
}

/// Returns the range of the character at an offset, empty at the end of the text.
fn character_at(text: &str, offset: usize) -> Range<usize> {
    let start = text.floor_char_boundary(offset.min(text.len()));
    let length = text[start..].chars().next().map_or(0, char::len_utf8);
    start..start + length
}

#[cfg(test)]
mod tests;
