//! The new objects of a publish, on their way to the object store.
//!
//! Takes objects from several threads; gives the repository a pack, or loose objects when there are few.
//! Memory stays bounded: besides the first few objects, only ids are kept.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use git2::{ObjectType, OdbLookupFlags, Oid};

use super::pack::{Pack, Record};
use super::{Repository, explain, hash};

/// From how many objects on they go to a pack, as `git receive-pack` does (`receive.unpackLimit`).
///
/// A pack for each small change would make every later reading slower, and loose objects for a large one are slow
/// to write and to read; `git gc` tidies both.
const PACK_FROM: usize = 100;
/// From how many bytes on they go to a pack, few as they may be.
const PACK_FROM_BYTES: usize = 4 << 20;

/// New objects on their way to the object store.
#[derive(Debug)]
pub(super) struct Store<'r> {
    repository: &'r Repository,
    /// What was given already; two projects often have the same file.
    known: Mutex<HashSet<Oid>>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
enum Waiting {
    /// Not many so far.
    Few {
        objects: Vec<(ObjectType, Vec<u8>)>,
        bytes: usize,
    },
    Many(Pack),
}

impl<'r> Store<'r> {
    pub(super) fn new(repository: &'r Repository) -> Self {
        Store {
            repository,
            known: Mutex::default(),
            waiting: Mutex::new(Waiting::none()),
        }
    }

    /// Takes an object whose id is known.
    pub(super) fn insert(&self, id: Oid, kind: ObjectType, data: &[u8]) -> anyhow::Result<()> {
        if !lock(&self.known).insert(id) || self.is_there(id, kind, data)? {
            return Ok(());
        }
        if let Waiting::Few { objects, bytes } = &mut *self.waiting() {
            objects.push((kind, data.to_owned()));
            *bytes += data.len();
            if objects.len() < PACK_FROM && *bytes < PACK_FROM_BYTES {
                return Ok(());
            }
        } else {
            // Without the lock, because this is where the time goes.
            let record = Record::new(kind, data);
            if let Waiting::Many(pack) = &mut *self.waiting() {
                return pack.append(id, &record);
            }
        }
        self.begin_pack()
    }

    /// Takes an object and returns its id.
    pub(super) fn add(&self, kind: ObjectType, data: &[u8]) -> anyhow::Result<Oid> {
        let id = hash(kind, data);
        self.insert(id, kind, data)?;
        Ok(id)
    }

    /// Makes everything that was taken part of the repository.
    pub(super) fn install(self) -> anyhow::Result<()> {
        match self
            .waiting
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
        {
            Waiting::Many(pack) => pack.install(),
            Waiting::Few { objects, .. } => self.repository.with(|handle| {
                let write = || {
                    let odb = handle.odb()?;
                    objects
                        .iter()
                        .try_for_each(|(kind, data)| odb.write(*kind, data).map(drop))
                };
                write().map_err(explain).with_context(|| {
                    let directory = self.repository.common_directory.join("objects");
                    format!("writing objects to `{}`", directory.display())
                })
            }),
        }
    }

    /// Tells whether the repository has the object, and sees to it that it keeps it.
    fn is_there(&self, id: Oid, kind: ObjectType, data: &[u8]) -> anyhow::Result<bool> {
        self.repository.with(|handle| {
            let look = || {
                let odb = handle.odb()?;
                // Objects that others add meanwhile may be missed, and are then written twice, which is harmless.
                let there = odb.exists_ext(id, OdbLookupFlags::NO_REFRESH);
                if there {
                    // Nothing may point to it any more; writing makes it young, so that `git gc` leaves it alone.
                    odb.write(kind, data)?;
                }
                Ok(there)
            };
            look()
                .map_err(explain)
                .with_context(|| format!("looking for object {id}"))
        })
    }

    /// Moves on from few objects to a pack.
    fn begin_pack(&self) -> anyhow::Result<()> {
        let mut waiting = self.waiting();
        let Waiting::Few { objects, .. } = &*waiting else {
            return Ok(());
        };
        let mut pack = Pack::create(&self.repository.common_directory.join("objects"))?;
        for (kind, data) in objects {
            pack.append(hash(*kind, data), &Record::new(*kind, data))?;
        }
        *waiting = Waiting::Many(pack);
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

impl Waiting {
    fn none() -> Self {
        Waiting::Few {
            objects: Vec::new(),
            bytes: 0,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
