//! The way from the root of a patch to one of its nodes, kept on the stack while a patch is walked.
//!
//! Costs nothing until an error wants the pointer written out.

use std::fmt::Write;

/// One node of a patch, by its way from the root.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// The root, which may itself stand somewhere in a larger value: `""`, or a pointer such as `/items/0`.
    Root(&'a str),
    /// A value of a mapping.
    Key(&'a Place<'a>, &'a str),
    /// An element of a list.
    Index(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    /// Returns the place of a value of the mapping here.
    pub(super) fn key(&'a self, key: &'a str) -> Place<'a> {
        Place::Key(self, key)
    }

    /// Returns the place of an element of the list here.
    pub(super) fn index(&'a self, index: usize) -> Place<'a> {
        Place::Index(self, index)
    }

    /// Writes the place as a JSON pointer (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.write(&mut pointer);
        pointer
    }

    fn write(&self, pointer: &mut String) {
        match self {
            Place::Root(start) => pointer.push_str(start),
            Place::Key(parent, key) => {
                parent.write(pointer);
                pointer.push('/');
                pointer.push_str(&escape(key));
            }
            Place::Index(parent, index) => {
                parent.write(pointer);
                write!(pointer, "/{index}").expect("writing to a string does not fail");
            }
        }
    }

    /// Returns the name of the nearest field at or above the place, empty at the root.
    pub(super) fn field(&self) -> &'a str {
        match self {
            Place::Root(_) => "",
            Place::Key(_, key) => key,
            Place::Index(parent, _) => parent.field(),
        }
    }
}

/// Writes a key as one step of a JSON pointer (RFC 6901).
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointer_escapes_and_counts() {
        let root = Place::Root("/items/1");
        let metadata = root.key("a/b~c");
        let list = metadata.index(12);
        assert_eq!(list.pointer(), "/items/1/a~1b~0c/12");
        assert_eq!(list.field(), "a/b~c");
        assert_eq!(Place::Root("").pointer(), "");
    }
}
