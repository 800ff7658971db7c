//! What to say when a patch is for no object: the objects that may have been meant.

use super::PatchError;
use super::place::Place;
use super::target::{Named, Target};
use crate::diagnostic::{Code, nearest};
use crate::object::Object;

/// How many objects a message names before it only counts.
const NAMED: usize = 5;

/// Writes objects for a message: `` `Deployment/a`, `Deployment/b` and 3 more ``.
pub(super) fn listed<'o>(objects: impl Iterator<Item = &'o Object>) -> String {
    let names: Vec<String> = objects
        .map(|object| format!("`{}`", object.key()))
        .collect();
    let shown = names[..names.len().min(NAMED)].join(", ");
    match names.len().checked_sub(NAMED) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}

/// The error for a target that is met by no object.
pub(super) fn for_target(target: &Target, objects: &[Object]) -> PatchError {
    let error = PatchError::new(
        Code::PatchNoMatch,
        Place::Root(""),
        format!("no object matches the target: {target}"),
    );
    suggest(
        error,
        objects,
        &Wanted {
            kind: target.kind.as_ref().map(|kind| kind.as_str()),
            name: target.name.as_ref().map(|name| name.as_str()),
            is_kind: &|object| target.matches_kind(object),
            is_name: &|object| target.matches_name(object),
        },
    )
}

/// The error for a patch that names an object that is not there.
pub(super) fn for_name(named: &Named<'_>, root: Place<'_>, objects: &[Object]) -> PatchError {
    let Named {
        api_version,
        kind,
        name,
        namespace,
    } = named;
    let place = match *namespace {
        "default" => String::new(),
        namespace => format!(", namespace `{namespace}`"),
    };
    let error = PatchError::new(
        Code::PatchNoMatch,
        root,
        format!(
            "there is no object of apiVersion `{api_version}`, kind `{kind}`, name `{name}`{place}"
        ),
    );
    suggest(
        error,
        objects,
        &Wanted {
            kind: Some(kind),
            name: Some(name),
            is_kind: &|object| object.kind() == *kind,
            is_name: &|object| object.name() == *name,
        },
    )
}

/// What is looked for, as text to compare with and as conditions.
struct Wanted<'w> {
    kind: Option<&'w str>,
    name: Option<&'w str>,
    is_kind: &'w dyn Fn(&Object) -> bool,
    is_name: &'w dyn Fn(&Object) -> bool,
}

/// Adds hints that name the nearest objects.
fn suggest(error: PatchError, objects: &[Object], wanted: &Wanted<'_>) -> PatchError {
    let of_kind: Vec<&Object> = objects
        .iter()
        .filter(|object| (wanted.is_kind)(object))
        .collect();
    let of_name: Vec<&Object> = objects
        .iter()
        .filter(|object| (wanted.is_name)(object))
        .collect();
    let both: Vec<&Object> = of_kind
        .iter()
        .copied()
        .filter(|object| (wanted.is_name)(object))
        .collect();

    // Kind and name are right, so the rest is not; without either condition, the rest is all there is.
    if !both.is_empty() {
        let described: Vec<String> = both
            .iter()
            .take(NAMED)
            .map(|object| {
                let namespace = match object.namespace() {
                    "" => "no namespace".to_owned(),
                    namespace => format!("namespace `{namespace}`"),
                };
                format!(
                    "`{}` has apiVersion `{}` and {namespace}",
                    object.key(),
                    object.api_version()
                )
            })
            .collect();
        return described.into_iter().fold(error, PatchError::hint);
    }

    let mut error = error;
    if let Some(name) = wanted.name {
        if let Some(meant) = nearest(name, of_kind.iter().map(|object| object.name())) {
            let meant = of_kind
                .iter()
                .copied()
                .filter(|object| object.name() == meant);
            error = error.hint(format!("the nearest name has {}", listed(meant)));
        } else if !of_kind.is_empty() {
            error = error.hint(format!(
                "of that kind there are {}",
                listed(of_kind.iter().copied())
            ));
        }
        if wanted.kind.is_some() && !of_name.is_empty() {
            error = error.hint(format!("that name has {}", listed(of_name.iter().copied())));
        }
    }
    if let Some(kind) = wanted.kind
        && of_kind.is_empty()
        && let Some(meant) = nearest(kind, objects.iter().map(Object::kind))
    {
        let meant = objects.iter().filter(|object| object.kind() == meant);
        error = error.hint(format!("the nearest kind has {}", listed(meant)));
    }
    if error.hints.is_empty() {
        error = error.hint(match objects {
            [] => "there are no objects at all".to_owned(),
            objects => format!("there are {}", listed(objects.iter())),
        });
    }
    error
}
