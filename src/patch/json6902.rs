//! JSON 6902: steps that change an object at JSON pointers, carried out one after the other.
//!
//! Takes the list of steps as a value, and an object; gives the changed body. Strict RFC 6902: where kustomize takes
//! more (`replace` of a missing field, negative indexes, `copy` of nothing), the step fails with a hint.

mod pointer;
mod read;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use pointer::Pointer;
pub(super) use read::read;

use super::PatchError;
use super::place::Place;
use super::strategic::a_kind_of;
use crate::diagnostic::Code;
use crate::object::Object;

/// One step of a JSON 6902 patch.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The value that the step is about.
    pub path: Pointer,
    /// What to do there.
    pub action: Action,
}

/// What a step does at its path.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Adds a field, replaces one that is there, or inserts an element.
    Add(Value),
    /// Removes what is there.
    Remove,
    /// Replaces what is there.
    Replace(Value),
    /// Moves the value at the pointer to the path.
    Move(Pointer),
    /// Copies the value at the pointer to the path.
    Copy(Pointer),
    /// Fails unless this value is there.
    Test(Value),
}

impl Action {
    /// Returns the word for `op`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Action::Add(_) => "add",
            Action::Remove => "remove",
            Action::Replace(_) => "replace",
            Action::Move(_) => "move",
            Action::Copy(_) => "copy",
            Action::Test(_) => "test",
        }
    }
}

/// Why a step cannot be carried out.
#[derive(Debug)]
struct Problem {
    /// Field of the step that is wrong.
    field: &'static str,
    message: String,
    hints: Vec<String>,
}

impl Problem {
    fn new(message: impl Into<String>) -> Self {
        Problem {
            field: "path",
            message: message.into(),
            hints: Vec::new(),
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    fn of(mut self, field: &'static str) -> Self {
        self.field = field;
        self
    }
}

/// Returns the body of the object after all steps.
///
/// Errors: `patch-failed` when a step cannot be carried out, or when the result is not a Kubernetes object.
pub(super) fn run(steps: &[Step], object: &Object) -> Result<Value, PatchError> {
    let mut body = object.body.clone();
    let root = Place::Root("");
    for (index, step) in steps.iter().enumerate() {
        carry_out(step, &mut body).map_err(|problem| PatchError {
            hints: problem.hints,
            ..PatchError::new(
                Code::PatchFailed,
                root.index(index).key(problem.field),
                format!(
                    "operation {index} (`{} {}`) fails on `{}`: {}",
                    step.action.as_str(),
                    step.path,
                    object.key(),
                    problem.message
                ),
            )
        })?;
    }
    let has = |path: &str| {
        body.pointer(path)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    for (path, name) in [
        ("/apiVersion", "apiVersion"),
        ("/kind", "kind"),
        ("/metadata/name", "metadata.name"),
    ] {
        if !has(path) {
            return Err(PatchError::new(
                Code::PatchFailed,
                root,
                format!("after the patch `{}` has no `{name}`", object.key()),
            )
            .hint("an object keeps its `apiVersion`, `kind` and `metadata.name`"));
        }
    }
    Ok(body)
}

fn carry_out(step: &Step, body: &mut Value) -> Result<(), Problem> {
    match &step.action {
        Action::Add(value) => add(body, &step.path, value.clone()),
        Action::Remove => remove(body, &step.path).map(|_| ()),
        Action::Replace(value) => {
            step.path.resolve(body).map_err(|problem| {
                match step.path.parent().map(|parent| parent.resolve(body)) {
                    Some(Ok(Value::Object(_))) => problem.hint("write `op: add` to add a field"),
                    _ => problem,
                }
            })?;
            *step.path.reach(body) = value.clone();
            Ok(())
        }
        Action::Move(from) => {
            let value = remove(body, from).map_err(|problem| problem.of("from"))?;
            add(body, &step.path, value)
        }
        Action::Copy(from) => {
            let value = from
                .resolve(body)
                .map_err(|problem| problem.of("from"))?
                .clone();
            add(body, &step.path, value)
        }
        Action::Test(expected) => {
            let found = step.path.resolve(body).map_err(|problem| match expected {
                Value::Null => problem.hint("a missing field is not null; leave the test out"),
                _ => problem,
            })?;
            if found == expected {
                return Ok(());
            }
            Err(Problem::new(format!(
                "there is {}, not {}",
                shown(found),
                shown(expected)
            ))
            .of("value"))
        }
    }
}

fn add(body: &mut Value, path: &Pointer, value: Value) -> Result<(), Problem> {
    let Some(last) = path.last() else {
        *body = value;
        return Ok(());
    };
    let parent = path
        .parent()
        .expect("a pointer with a last step has a parent");
    let found = parent.resolve(body).map_err(|problem| {
        problem.hint(format!(
            "add it first: `{{op: add, path: {parent}, value: {{}}}}`"
        ))
    })?;
    match found {
        Value::Object(_) => {}
        Value::Array(list) => {
            if last != "-" {
                pointer::index(last, list.len(), list.len() + 1)?;
            }
        }
        other => return Err(pointer::nothing_below(&parent, other)),
    }
    match parent.reach(body) {
        Value::Array(list) if last == "-" => list.push(value),
        Value::Array(list) => {
            let index = pointer::index(last, list.len(), list.len() + 1)?;
            list.insert(index, value);
        }
        Value::Object(map) => {
            map.insert(last.to_owned(), value);
        }
        _ => unreachable!("checked above"),
    }
    Ok(())
}

fn remove(body: &mut Value, path: &Pointer) -> Result<Value, Problem> {
    path.resolve(body)?;
    let (Some(last), Some(parent)) = (path.last(), path.parent()) else {
        return Err(Problem::new("the whole object cannot be removed")
            .hint("write a strategic merge with `$patch: delete`"));
    };
    Ok(match parent.reach(body) {
        Value::Array(list) => {
            let index = pointer::index(last, list.len(), list.len())?;
            list.remove(index)
        }
        // The other keys keep their order.
        Value::Object(map) => map.shift_remove(last).expect("resolved above"),
        _ => unreachable!("resolved above"),
    })
}

/// Shows a value in a message: short ones as they are, others by their kind.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 {
        format!("`{text}`")
    } else {
        a_kind_of(value).to_owned()
    }
}
