//! The place of a field inside an object, as messages write it.

use std::fmt::Write as _;

/// A path that grows and shrinks while an object is walked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path {
    text: String,
}

/// How long a path was; see [`Path::back`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark(usize);

impl Path {
    /// Returns the path of the root.
    pub fn root() -> Self {
        Path::default()
    }

    /// Steps into a field: `.name`, or `["a name with dots"]`.
    pub(crate) fn field(&mut self, name: &str) -> Mark {
        let mark = Mark(self.text.len());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
        if name.is_empty() || !name.chars().all(plain) {
            let _infallible = write!(self.text, "[{}]", serde_json::Value::from(name));
        } else {
            if !self.text.is_empty() {
                self.text.push('.');
            }
            self.text.push_str(name);
        }
        mark
    }

    /// Steps into an element by its position.
    pub(crate) fn index(&mut self, index: usize) -> Mark {
        let mark = Mark(self.text.len());
        let _infallible = write!(self.text, "[{index}]");
        mark
    }

    /// Steps into an element by what tells it apart: `[name=main]`.
    pub(crate) fn element(&mut self, key: &str) -> Mark {
        let mark = Mark(self.text.len());
        let _infallible = write!(self.text, "[{key}]");
        mark
    }

    /// Goes back to where a step was taken.
    pub(crate) fn back(&mut self, mark: Mark) {
        self.text.truncate(mark.0);
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
