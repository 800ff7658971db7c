//! Edits of `projects.yaml` in place: one value is replaced or one key inserted, everything else stays byte for byte.
//!
//! Takes the text and its located tree, and gives the text with another `base` in some of its blocks. Nothing is written
//! anew: comments, quotes, line ends and the style of each block are kept. What came out is read again and must say
//! exactly what was wanted; where anchors and aliases would carry an edit further, that is an error.

use std::ops::Range;

use serde_json::Value;

use crate::config::{self, Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Sources, Span};
use crate::yaml::{Plain, push_token, resolve};

/// The key that is set.
const BASE: &str = "base";

/// A block that may say which base its projects have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Block {
    /// `platform`.
    Platform,
    /// `defaults`.
    Defaults,
    /// A profile, by name.
    Profile(String),
    /// A project, by its number in the list.
    Project(usize),
}

impl Block {
    /// Returns the JSON pointer of the block.
    pub fn pointer(&self) -> String {
        match self {
            Block::Platform => "/platform".to_owned(),
            Block::Defaults => "/defaults".to_owned(),
            Block::Profile(name) => {
                let mut pointer = "/profiles".to_owned();
                push_token(&mut pointer, name);
                pointer
            }
            Block::Project(number) => format!("/projects/{number}"),
        }
    }

    /// Returns the block in the tree of the file.
    pub fn find<'n>(&self, root: &'n Node) -> Option<&'n Node> {
        match self {
            Block::Platform => root.get("platform"),
            Block::Defaults => root.get("defaults"),
            Block::Profile(name) => root.get("profiles")?.get(name),
            Block::Project(number) => root.get("projects")?.items().get(*number),
        }
    }
}

/// A piece of the text, and what takes its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edit {
    start: usize,
    end: usize,
    text: String,
}

/// Returns the text with `base` in each of the blocks.
///
/// A block that says `base` gets another value, any other one a line behind its `name`.
/// Errors: `not-editable` when the text is written so that the edit would change something else too.
pub fn set_base(
    sources: &Sources,
    file: FileId,
    blocks: &[Block],
    base: &str,
) -> Result<String, Box<Diagnostic>> {
    let text = sources.get(file).text.as_str();
    let mut found = Diagnostics::default();
    let whole = Span {
        file,
        start: 0,
        end: 0,
    };
    let Ok(root) = config::read(sources, file, &mut found) else {
        return Err(refused(whole, "the file cannot be read"));
    };
    let mut edits = Vec::new();
    for block in blocks {
        let Some(node) = block.find(&root) else {
            return Err(refused(root.span, "the block is not there"));
        };
        edits.push(edit(text, &root, block, node, base)?);
    }
    edits.sort();
    edits.dedup();
    let place = |blocks: &[Block]| {
        let node = blocks.first().and_then(|block| block.find(&root));
        node.map_or(whole, |node| {
            node.entry(BASE)
                .or_else(|| node.entry("name"))
                .map_or(node.span, Entry::place)
        })
    };
    let Some(edited) = apply(text, &edits) else {
        return Err(refused(place(blocks), "two edits meet here"));
    };
    let mut expect = root.to_value();
    for block in blocks {
        if let Some(Value::Object(map)) = expect.pointer_mut(&block.pointer()) {
            map.insert(BASE.to_owned(), Value::from(base));
        }
    }
    if says(&edited).as_ref() == Some(&expect) {
        return Ok(edited);
    }
    // One by one, to point at the block that cannot be edited alone.
    let alone = blocks
        .iter()
        .filter(|_| blocks.len() > 1)
        .find_map(|block| {
            let only = std::slice::from_ref(block);
            set_base(sources, file, only, base).err()
        });
    Err(alone.unwrap_or_else(|| {
        refused(
            place(blocks),
            "an edit here would change something else too",
        )
    }))
}

/// Returns what a text says.
fn says(text: &str) -> Option<Value> {
    let mut sources = Sources::default();
    let file = sources.add(crate::inputs::PROJECTS, text);
    let mut found = Diagnostics::default();
    let root = config::read(&sources, file, &mut found).ok()?;
    (!found.has_errors()).then(|| root.to_value())
}

fn refused(place: Span, message: &str) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error(Code::NotEditable, message)
            .at(place)
            .label("written with an alias, a merge key or in a form that cannot be edited in place")
            .hint("write `base: <name>` by hand, or the block without aliases"),
    )
}

fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut edited = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for edit in edits {
        edited.push_str(text.get(at..edit.start)?);
        edited.push_str(&edit.text);
        at = edit.end;
    }
    edited.push_str(text.get(at..)?);
    Some(edited)
}

fn edit(
    text: &str,
    root: &Node,
    block: &Block,
    node: &Node,
    base: &str,
) -> Result<Edit, Box<Diagnostic>> {
    if let Some(entry) = node.entry(BASE)
        && !is_borrowed(root, block, entry)
    {
        let Some(token) = token(text, entry) else {
            return Err(refused(
                entry.place(),
                "the value of this `base` cannot be replaced",
            ));
        };
        let written = &text[token.clone()];
        // `base:` without a value.
        let blank = if written.is_empty() { " " } else { "" };
        return Ok(Edit {
            text: format!("{blank}{}", scalar(base, written.chars().next())),
            start: token.start,
            end: token.end,
        });
    }
    let name = node.entry("name");
    let behind = name.and_then(|entry| Some((entry, token(text, entry)?)));
    let Some((entry, token)) = behind else {
        return Err(refused(
            node.span,
            "there is no `name` to write `base` behind",
        ));
    };
    let key = text.get(entry.key_span.start..entry.key_span.end);
    let quote = key
        .and_then(|key| key.chars().next())
        .filter(|c| matches!(c, '"' | '\''));
    let insert = |start: usize, text: String| Edit {
        start,
        end: start,
        text,
    };
    if is_flow(text, node) {
        let key = scalar(BASE, quote);
        return Ok(insert(
            token.end,
            format!(", {key}: {}", scalar(base, quote)),
        ));
    }
    // Behind the line, so that a comment stays with the name.
    let end = text[token.end..]
        .find('\n')
        .map_or(text.len(), |at| token.end + at + 1);
    let line = text[..entry.key_span.start]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let indent = text[line..entry.key_span.start].chars().count();
    let (start, before, after) = match text[..end].strip_suffix('\n') {
        Some(rest) if rest.ends_with('\r') => (end, "", "\r\n"),
        Some(_) => (end, "", "\n"),
        None if text.contains("\r\n") => (end, "\r\n", ""),
        None => (end, "\n", ""),
    };
    let key = scalar(BASE, quote);
    let line = format!("{before}{:indent$}{key}: {}{after}", "", scalar(base, None));
    Ok(insert(start, line))
}

/// Tells whether a `base` was brought in by a merge key from another block, which says it itself.
///
/// An anchor stands before its aliases: of the blocks that share a key, the first one in the file says it.
fn is_borrowed(root: &Node, block: &Block, entry: &Entry) -> bool {
    let place = |key: &str| {
        root.entry(key)
            .map_or(usize::MAX, |entry| entry.key_span.start)
    };
    let projects = root.get("projects").map(Node::items).unwrap_or_default();
    let profiles = root.get("profiles").map(Node::entries).unwrap_or_default();
    let profiles = profiles.iter().enumerate().map(|(number, entry)| {
        let block = Block::Profile(entry.key.clone());
        (place("profiles"), number, block)
    });
    let projects =
        (0..projects.len()).map(|number| (place("projects"), number, Block::Project(number)));
    [
        (place("platform"), 0, Block::Platform),
        (place("defaults"), 0, Block::Defaults),
    ]
    .into_iter()
    .chain(profiles)
    .chain(projects)
    .filter(|(_, _, other)| {
        let shared = other.find(root).and_then(|node| node.entry(BASE));
        shared.is_some_and(|shared| shared.key_span == entry.key_span)
    })
    .min()
    .is_some_and(|(_, _, first)| first != *block)
}

/// Tells whether a mapping is written in braces; a block mapping begins with its first key.
fn is_flow(text: &str, node: &Node) -> bool {
    text.get(node.span.start..)
        .is_some_and(|text| text.starts_with('{'))
}

/// Returns where the value of an entry is written, the alias if it is one; empty behind the colon if there is none.
fn token(text: &str, entry: &Entry) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let blank = |at: usize| matches!(bytes.get(at), Some(b' ' | b'\t'));
    let mut at = entry.key_span.end;
    while blank(at) {
        at += 1;
    }
    if bytes.get(at) != Some(&b':') {
        return None;
    }
    at += 1;
    let colon = at;
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            Some(b'#') => at += text[at..].find('\n').unwrap_or(text.len() - at),
            // An anchor or a tag belongs to the value and stays.
            Some(b'&' | b'!') => {
                at += text[at..]
                    .find(|c: char| c.is_whitespace())
                    .unwrap_or(text.len() - at);
            }
            _ => break,
        }
    }
    let span = entry.value.span;
    if entry.value.is_null() && !(span.start == at && span.start < span.end) {
        return Some(colon..colon);
    }
    match bytes.get(at)? {
        b'*' => {
            let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}');
            let length = text[at..].find(ends).unwrap_or(text.len() - at);
            Some(at..at + length)
        }
        b'|' | b'>' => None,
        _ if span.start == at && span.end <= text.len() => {
            let written = text.get(span.start..span.end)?.trim_end();
            Some(span.start..span.start + written.len())
        }
        _ => None,
    }
}

/// Writes a text as a scalar, in the quotes that were there.
fn scalar(text: &str, quote: Option<char>) -> String {
    let plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '/'))
            && resolve(text) == Plain::Text
    };
    match quote {
        Some('\'') => format!("'{}'", text.replace('\'', "''")),
        Some('"') => Value::from(text).to_string(),
        _ if plain(text) => text.to_owned(),
        _ => Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests;
