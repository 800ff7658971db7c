//! The refusals: where kustomize damages the object, or ignores a part of the patch, without a word.

use serde_json::{Map, Value};

use super::super::PatchError;
use super::super::place::Place;
use super::super::schema::Keyed;
use super::a_kind_of;
use crate::diagnostic::Code;
use crate::object::Object;

/// A refusal of the node at a place.
pub(super) struct Refuse<'a> {
    place: Place<'a>,
}

impl<'a> Refuse<'a> {
    pub(super) fn at(place: Place<'a>) -> Self {
        Refuse { place }
    }

    fn because(&self, message: impl Into<String>) -> PatchError {
        PatchError::new(Code::PatchRefused, self.place, message)
    }

    /// `$patch: replace` at the root.
    pub(super) fn root_replace(&self) -> PatchError {
        self.because("`$patch: replace` does not replace a whole object")
            .hint("set it on the fields to replace (`spec: {$patch: replace, ..}`)")
            .hint("or remove the object and add another one")
    }

    /// A directive that only `kubectl` and the API server know.
    pub(super) fn unknown_directive(&self, key: &str) -> PatchError {
        let error = self.because(format!("kustomize does not know the directive `{key}`"));
        match key.split('/').next() {
            Some("$setElementOrder") => error
                .hint("leave it out; the order of the list is kept, and new elements go to its end")
                .hint("for another order give the whole list, with an element `{$patch: replace}`"),
            Some("$deleteFromPrimitiveList") => error.hint(
                "give the whole list, with an element `{$patch: replace}` where the list merges",
            ),
            _ => error.hint("leave it out, and delete each field that must go with `null`"),
        }
    }

    /// `{$patch: ..}` for a list that is not there.
    pub(super) fn directive_without_list(&self, object: &Object) -> PatchError {
        self.because(format!(
            "`{}` has no list `{}` that the directive could be about",
            object.key(),
            self.place.field()
        ))
        .hint("remove the element `{$patch: ..}`")
    }

    /// A directive in a list that is replaced whole.
    pub(super) fn in_replaced_list(&self, object: &Object) -> PatchError {
        self.because(format!(
            "a directive in a list that does not merge in a {} is no directive",
            object.kind()
        ))
        .hint("give the whole list as it should be, without `$patch`; it replaces the old one")
        .hint("or change single elements with a JSON 6902 patch")
    }

    /// Two different directives for one list.
    pub(super) fn two_directives(&self) -> PatchError {
        self.because(format!(
            "the list `{}` has two different directives",
            self.place.field()
        ))
        .hint("keep one of the elements `{$patch: ..}`")
    }

    /// A directive in an element beside one of the list.
    pub(super) fn mixed_up(&self) -> PatchError {
        self.because(format!(
            "`$patch` in this element of `{}` would be mixed up with the directive of the list",
            self.place.field()
        ))
        .hint("leave `$patch: merge` out, lists and elements merge anyway")
        .hint("beside `{$patch: replace}`, leave out what is not to be in the list")
    }

    /// An element beside `{$patch: delete}`.
    pub(super) fn element_of_deleted_list(&self) -> PatchError {
        self.because(format!(
            "`$patch: delete` deletes the whole list `{}`, this element with it",
            self.place.field()
        ))
        .hint("write `{$patch: replace}` to put the other elements in place of the list")
        .hint("to delete one element, write its key and `$patch: delete` in one mapping")
    }

    /// `$patch: replace` in an element.
    pub(super) fn element_replace(&self, list: &str) -> PatchError {
        self.because(format!(
            "`$patch: replace` in an element of `{list}` would be ignored"
        ))
        .hint("set each field that must go to `null`")
        .hint("or give the whole list, with an element `{$patch: replace}`")
    }

    /// A null where an element belongs.
    pub(super) fn null_element(&self) -> PatchError {
        self.because(format!(
            "an element of `{}` is null, and the list merges",
            self.place.field()
        ))
        .hint("remove the empty element; to delete the list, write `null` in its place")
    }

    /// A scalar or a list where a mapping belongs.
    pub(super) fn not_a_mapping(&self, value: &Value, list: &Keyed) -> PatchError {
        self.because(format!(
            "an element of `{}` is {}, and the list merges by `{}`",
            self.place.field(),
            a_kind_of(value),
            list.key
        ))
        .hint(format!("write a mapping: `{{{}: .., ..}}`", list.key))
    }

    /// An element without its key.
    pub(super) fn without_key(
        &self,
        map: &Map<String, Value>,
        list: &Keyed,
        field: &str,
    ) -> PatchError {
        let error = self.because(format!(
            "an element of `{field}` has no `{}`, by which the list merges",
            list.key
        ));
        if map.contains_key(super::DIRECTIVE) {
            return error
                .hint(format!(
                    "add `{}` for a directive about one element",
                    list.key
                ))
                .hint("leave only `$patch` for a directive about the list");
        }
        error
            .hint(format!("add `{}` to say which element it is", list.key))
            .hint("to put another list in place of this one, add an element `{$patch: replace}`")
    }

    /// Two elements of the patch with one key.
    pub(super) fn twice_in_patch(&self, shown: &str, first: usize) -> PatchError {
        self.because(format!(
            "`{shown}` stands twice in `{}`, first in element {first}",
            self.place.field()
        ))
        .hint("write both as one element")
    }

    /// An element of the object without its key.
    pub(super) fn base_without_key(
        &self,
        object: &Object,
        position: usize,
        list: &Keyed,
    ) -> PatchError {
        self.because(format!(
            "element {position} of `{}` in `{}` has no `{}`, by which the list merges",
            self.place.field(),
            object.key(),
            list.key
        ))
        .hint("give the whole list, with an element `{$patch: replace}`")
        .hint("or change it with a JSON 6902 patch")
    }

    /// Two elements of the object with one key.
    pub(super) fn base_twice(&self, object: &Object, shown: &str) -> PatchError {
        self.because(format!(
            "`{shown}` stands twice in `{}` of `{}`",
            self.place.field(),
            object.key()
        ))
        .hint("give the whole list, with an element `{$patch: replace}`")
        .hint("or change it with a JSON 6902 patch")
    }

    /// Two elements of the object that only the second key of one tells apart.
    pub(super) fn base_on_one_side(
        &self,
        object: &Object,
        key: &str,
        list: &Keyed,
        second: &str,
    ) -> PatchError {
        self.because(format!(
            "`{}` of `{}` has `{}: {key}` with and without `{second}`",
            self.place.field(),
            object.key(),
            list.key
        ))
        .hint("give the whole list, with an element `{$patch: replace}`")
        .hint("or change it with a JSON 6902 patch")
    }

    /// An element that has the second key where the other one has not, or the reverse.
    pub(super) fn on_one_side(
        &self,
        key: &str,
        list: &Keyed,
        second: &str,
        other: Option<&str>,
    ) -> PatchError {
        match other {
            Some(value) => self
                .because(format!(
                    "`{}: {key}` has no `{second}` here and `{value}` in the list",
                    list.key
                ))
                .hint(format!(
                    "add `{second}: {value}`, or the other one that is meant"
                )),
            None => self
                .because(format!(
                    "`{}: {key}` has `{second}` here and none in the list",
                    list.key
                ))
                .hint(format!("leave `{second}` out"))
                .hint(format!(
                    "to set `{second}`, give the whole list, with an element `{{$patch: replace}}`"
                )),
        }
    }

    /// Deleting an element that has only the first key, in a list where others have both.
    pub(super) fn deletes_by_half(&self, key: &str, list: &Keyed, second: &str) -> PatchError {
        self.because(format!(
            "deleting `{}: {key}` would be ignored: other elements have `{second}`, and this one has not",
            list.key
        ))
        .hint("give the list without the element, with an element `{$patch: replace}`")
        .hint("or remove it with a JSON 6902 patch")
    }

    /// Two new fields that exclude each other.
    pub(super) fn both_new(&self, first: &str, second: &str) -> PatchError {
        self.because(format!("`{first}` and `{second}` exclude each other"))
            .hint("keep one of the two")
    }

    /// A new field beside an old one that it excludes.
    pub(super) fn both_kept(&self, object: &Object, old: &str, new: &str) -> PatchError {
        self.because(format!(
            "`{}` would have both `{old}` and `{new}`, which exclude each other",
            object.key()
        ))
        .hint(format!("delete the old one with `{old}: null`"))
    }

    /// A value that excludes a field that stays.
    pub(super) fn excluded(
        &self,
        object: &Object,
        field: &str,
        value: &str,
        other: &str,
    ) -> PatchError {
        self.because(format!(
            "`{}` would have both `{field}: {value}` and `{other}`, which exclude each other",
            object.key()
        ))
        .hint(format!("delete it with `{other}: null`"))
    }
}
