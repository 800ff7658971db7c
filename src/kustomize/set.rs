//! The objects of a build so far: in order, no two with one id.
//!
//! Source: `resmap` of kustomize v5.5.0, whose look-ups are linear in the number of objects; these are not.

use std::collections::HashMap;

use super::context::Context;
use super::resource::{Id, Resource};
use crate::diagnostic::{Code, Diagnostic, Rejected};

/// The objects of a build so far.
#[derive(Debug, Default)]
pub(crate) struct Set {
    list: Vec<Resource>,
    /// Place of every current id; `None` after changes that it does not follow.
    places: Option<HashMap<Id, usize>>,
    /// Places by every id that an object has or had; `None` after changes that it does not follow.
    index: Option<Index>,
}

/// Places of objects by everything that identifies or ever identified them.
pub(crate) type Index = HashMap<Id, Vec<usize>>;

impl Set {
    /// Returns the objects in order.
    pub(crate) fn list(&self) -> &[Resource] {
        &self.list
    }

    /// Returns the objects, to be changed in any way.
    pub(crate) fn list_mut(&mut self) -> &mut Vec<Resource> {
        self.places = None;
        self.index = None;
        &mut self.list
    }

    /// Returns the objects, to be changed except for what identifies them now.
    pub(crate) fn bodies_mut(&mut self) -> &mut [Resource] {
        &mut self.list
    }

    /// Returns the objects, and leaves none behind.
    pub(crate) fn into_list(self) -> Vec<Resource> {
        self.list
    }

    /// Adds an object.
    ///
    /// Errors: `duplicate-object`.
    pub(crate) fn add(
        &mut self,
        resource: Resource,
        context: &mut Context<'_>,
    ) -> Result<(), Rejected> {
        let places = self.places.get_or_insert_with(|| {
            let ids = self.list.iter().map(Resource::id);
            ids.enumerate().map(|(place, id)| (id, place)).collect()
        });
        let id = resource.id();
        if let Some(first) = places.get(&id) {
            return Err(context.refuse(twice(&self.list[*first], &resource)));
        }
        places.insert(id, self.list.len());
        self.index = None;
        self.list.push(resource);
        Ok(())
    }

    /// Adds objects.
    ///
    /// Errors: those of [`Set::add`].
    pub(crate) fn add_all(
        &mut self,
        other: Set,
        context: &mut Context<'_>,
    ) -> Result<(), Rejected> {
        if self.list.is_empty() {
            *self = other;
            return Ok(());
        }
        other
            .list
            .into_iter()
            .try_for_each(|resource| self.add(resource, context))
    }

    /// Checks that no two objects have one id, after changes to names or namespaces.
    ///
    /// Errors: `duplicate-object`.
    pub(crate) fn check_ids(&mut self, context: &mut Context<'_>) -> Result<(), Rejected> {
        let mut places: HashMap<Id, usize> = HashMap::with_capacity(self.list.len());
        for (place, resource) in self.list.iter().enumerate() {
            if let Some(first) = places.insert(resource.id(), place) {
                return Err(context.refuse(twice(&self.list[first], resource)));
            }
        }
        self.places = Some(places);
        Ok(())
    }

    /// Removes the object at a place.
    pub(crate) fn remove(&mut self, place: usize) {
        self.list_mut().remove(place);
    }

    /// Returns the places of the objects by everything that identifies or ever identified them.
    pub(crate) fn index(&mut self) -> &Index {
        self.index.get_or_insert_with(|| {
            let mut index: Index = HashMap::with_capacity(self.list.len());
            for (place, resource) in self.list.iter().enumerate() {
                for id in resource.all_ids() {
                    let places = index.entry(id).or_default();
                    if places.last() != Some(&place) {
                        places.push(place);
                    }
                }
            }
            index
        })
    }
}

fn twice(first: &Resource, second: &Resource) -> Diagnostic {
    Diagnostic::error(
        Code::DuplicateObject,
        format!(
            "`{}` of `{}` is there twice{}",
            second.shown(),
            second.api_version(),
            match second.namespace() {
                "" => String::new(),
                namespace => format!(" in namespace `{namespace}`"),
            }
        ),
    )
    .at(second.origin)
    .label("again")
    .also(first.origin, "first")
    .hint("remove one of the two, or give them different names or namespaces")
}
