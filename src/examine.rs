//! Compares rendered directories with the tree as it was: what differs, and what is hazardous about it.
//!
//! Takes one directory at a time, from any thread, and keeps nothing of it. Used by `diff` and by every gate.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::compile::Compilation;
use crate::demand::Demand;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::diff::{self, DirectoryDiff, Objects, Owner, Status, Unreadable, Why};
use crate::hazard::{self, Fate, Finding, Pair, Side};
use crate::overlay::flat::{self, Files};
use crate::overlay::{self, KUSTOMIZATION, Pinned};
use crate::source::{Sources, Span};
use crate::tree::{OldTree, Recorded, RenderedDirectory, TreeError};

/// The label by which an object says whose it is.
const PROJECT: &str = "tenantry.dev/project";

/// Compares rendered directories with an old tree.
pub struct Examiner<'a> {
    /// What is rendered.
    pub compilation: &'a Compilation,
    /// What it is compared with.
    pub old: &'a dyn OldTree,
    /// Whether differences are worked out in full, not only hazards.
    detailed: bool,
    /// Names of the pinned bases that differ from the old tree's, so that what stands on them differs, too.
    other_bases: BTreeSet<&'a str>,
}

/// What there is to say about one directory.
#[derive(Debug, Clone)]
pub struct Examined {
    /// What differs; without changes unless it was asked for.
    pub diff: DirectoryDiff,
    /// What is hazardous about it.
    pub findings: Vec<Finding>,
    /// Old manifests that cannot be read, with their paths: nobody can tell what would be lost with them.
    pub unreadable: Vec<(String, Unreadable)>,
}

/// Why a directory cannot be examined.
#[derive(Debug)]
pub enum Failure {
    /// The old tree cannot be read.
    Tree(TreeError),
    /// The input is wrong, which only a look at the old tree shows.
    Rejected(Diagnostics),
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Self {
        Failure::Tree(error)
    }
}

impl<'a> Examiner<'a> {
    /// Begins; with `detailed`, differences are worked out in full, not only hazards.
    pub fn new(compilation: &'a Compilation, old: &'a dyn OldTree, detailed: bool) -> Self {
        // What cannot be read is reported with the directories that stand on it.
        let differs =
            |pinned: &Pinned| !matches!(old.holds(&pinned.path(), pinned.files()), Ok(true));
        let bases = compilation.pinned().iter();
        Examiner {
            compilation,
            old,
            detailed,
            other_bases: bases
                .filter(|(_, pinned)| differs(pinned))
                .map(|(name, _)| name.as_str())
                .collect(),
        }
    }

    /// Tells whether a directory stands on a pinned base that differs, though its own files may be as they were.
    pub fn has_other_base(&self, rendered: &RenderedDirectory) -> bool {
        let base = rendered.base.as_deref();
        rendered.project.is_some() && base.is_some_and(|base| self.other_bases.contains(base))
    }

    /// Examines a directory that is rendered; `None` when it is as it was.
    ///
    /// A pinned base is nothing by itself: what becomes of its objects shows in the directories of the projects.
    pub fn rendered(&self, rendered: &RenderedDirectory) -> Result<Option<Examined>, Failure> {
        let path = rendered.path.as_str();
        if overlay::is_base(path)
            || !self.has_other_base(rendered) && self.old.holds(path, &rendered.files)?
        {
            return Ok(None);
        }
        let before = self.old.manifests(path)?;
        let recorded = self.old.recorded().get(path).cloned().unwrap_or_default();
        let (old, unreadable) = self.read(path, &before)?;
        let former = former_project(&recorded, &old);
        let mut examined = Examined {
            diff: DirectoryDiff {
                owner: self.owner(path, rendered.project.as_deref(), former),
                status: if before.is_empty() {
                    Status::Added
                } else {
                    Status::Kept
                },
                changes: Vec::new(),
                demand: Default::default(),
            },
            findings: Vec::new(),
            unreadable,
        };
        let is_new = examined.diff.status == Status::Added;
        if is_new && !recorded.has_files && !self.detailed {
            // Nothing was there that could be lost, and reading what is new takes longer than rendering it.
            return Ok(Some(examined));
        }
        let (new, unreadable_new) = read(path, &rendered.files, |directory| {
            let mut pinned = self.compilation.pinned().values();
            let base = pinned.find(|pinned| pinned.path() == directory);
            Ok::<_, Infallible>(base.map(|base| base.files().clone()).unwrap_or_default())
        })
        .unwrap_or_else(|never| match never {});
        assert!(
            unreadable_new.is_empty(),
            "what is rendered can be read: {unreadable_new:?}"
        );
        if self.detailed {
            examined.diff.changes = diff::objects(&old, &new);
            examined.diff.demand = (Demand::of(old.iter()), Demand::of(new.iter()));
        }
        if is_new && !recorded.has_files {
            return Ok(Some(examined));
        }
        if let Some(former) =
            former.filter(|former| !self.is_still(former, rendered.project.as_deref()))
        {
            let successor = rendered.project.as_deref().unwrap_or("the platform");
            let fate = Fate::FallsTo(successor);
            examined
                .findings
                .extend(hazard::gone(path, former, &recorded.state, &old, fate));
        }
        let project = rendered
            .project
            .as_deref()
            .and_then(|name| self.compilation.project_named(name));
        let hop = match (project, &recorded.base) {
            (Some(project), Some(from)) => Some(
                self.compilation
                    .hop(project, from)
                    .map_err(Failure::Rejected)?,
            ),
            _ => None,
        };
        let facts =
            |base: &Option<String>| base.as_deref().and_then(|name| self.compilation.base(name));
        let mut found = hazard::find(&Pair {
            directory: path,
            project: rendered.project.as_deref(),
            old: Side {
                objects: &old,
                state: &recorded.state,
                base: facts(&recorded.base),
            },
            new: Side {
                objects: &new,
                state: &rendered.state,
                base: facts(&rendered.base),
            },
            hop: hop.as_ref(),
        });
        if is_new {
            // Of a directory that somebody has emptied only the record is left: it stops, and lists nothing.
            found.retain(|finding| finding.hazard.code().is_some());
        }
        examined.findings.extend(found);
        Ok(Some(examined))
    }

    /// Returns the paths of the directories that are recorded and no longer rendered.
    pub fn gone<'b>(
        &'b self,
        rendered: &'b BTreeSet<String>,
    ) -> impl Iterator<Item = (&'b String, &'b Recorded)> {
        self.old
            .recorded()
            .iter()
            .filter(|(path, _)| !rendered.contains(*path) && !overlay::is_base(path))
    }

    /// Examines a directory that is recorded and no longer rendered; `None` when there is nothing in it, and never was.
    ///
    /// Files that somebody has deleted beforehand are as good as there: the cluster still has what they described.
    pub fn removed(&self, path: &str, recorded: &Recorded) -> Result<Option<Examined>, Failure> {
        let before = self.old.manifests(path)?;
        if before.is_empty() && !recorded.has_files {
            return Ok(None);
        }
        let (old, unreadable) = self.read(path, &before)?;
        let former = former_project(recorded, &old);
        let finding = former.and_then(|former| {
            let elsewhere = self.compilation.project_named(self.renamed(former));
            let elsewhere =
                elsewhere.map(|project| format!("{}/{}", project.cluster, project.namespace));
            let fate = elsewhere.as_deref().map_or(Fate::Dropped, Fate::LeftFor);
            let mut finding = hazard::gone(path, former, &recorded.state, &old, fate)?;
            // A project that goes on is acknowledged by the name that it has.
            finding.project = Some(self.renamed(former).to_owned());
            Some(finding)
        });
        let (changes, demand) = if self.detailed {
            let nothing = Objects::default();
            (diff::objects(&old, &nothing), Demand::of(old.iter()))
        } else {
            Default::default()
        };
        Ok(Some(Examined {
            diff: DirectoryDiff {
                owner: self.owner(path, former, None),
                status: Status::Removed,
                changes,
                demand: (demand, Demand::default()),
            },
            findings: finding.into_iter().collect(),
            unreadable,
        }))
    }

    fn read(
        &self,
        path: &str,
        manifests: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(Objects, Vec<(String, Unreadable)>), TreeError> {
        let (objects, unreadable) = read(path, manifests, |base| self.old.manifests(base))?;
        let shown = |unreadable: Unreadable| {
            (
                self.old.display(&format!("{path}/{}", unreadable.file)),
                unreadable,
            )
        };
        Ok((objects, unreadable.into_iter().map(shown).collect()))
    }

    /// Returns the name that a project has now.
    fn renamed<'b>(&'b self, former: &'b str) -> &'b str {
        let renamed = self.compilation.model.moves.renamed.get(former);
        renamed.map_or(former, String::as_str)
    }

    /// Tells whether a directory is still the same project's.
    fn is_still(&self, former: &str, now: Option<&str>) -> bool {
        Some(self.renamed(former)) == now
    }

    fn owner(&self, path: &str, project: Option<&str>, former: Option<&str>) -> Owner {
        let namespace = path.rsplit('/').next().filter(|_| project.is_some());
        let also = namespace.into_iter().chain(former).map(str::to_owned);
        Owner {
            path: path.to_owned(),
            project: project.map(str::to_owned),
            also: also.collect(),
        }
    }
}

/// Reads the objects of a directory of either form; `other` gives the files of the bases.
fn read<E>(
    path: &str,
    files: &Files,
    other: impl FnMut(&str) -> Result<Files, E>,
) -> Result<(Objects, Vec<Unreadable>), E> {
    let Some(kustomization) = files.get(KUSTOMIZATION) else {
        return Ok(Objects::read(files));
    };
    Ok(match flat::objects(path, files, other)? {
        Ok(objects) => (Objects::new(objects), Vec::new()),
        Err(why) => {
            let unreadable = Unreadable {
                file: KUSTOMIZATION.to_owned(),
                text: String::from_utf8_lossy(kustomization).into_owned(),
                why: Why::NotBuilt(why),
            };
            (Objects::default(), vec![unreadable])
        }
    })
}

/// Returns the project that a directory belonged to; without an index, its objects say so.
fn former_project<'a>(recorded: &'a Recorded, objects: &'a Objects) -> Option<&'a str> {
    if let Some(project) = &recorded.project {
        return Some(project);
    }
    let unknown = recorded.state.is_empty();
    let labels = objects
        .iter()
        .filter_map(|object| object.body.pointer("/metadata/labels")?.get(PROJECT));
    labels.filter(|_| unknown).find_map(|label| label.as_str())
}

/// Returns the error about an old manifest that cannot be read, with its place.
///
/// Code: `unreadable-tree`.
pub fn unreadable_diagnostic(
    path: &str,
    unreadable: Unreadable,
    sources: &mut Sources,
) -> Diagnostic {
    let file = sources.add(path, unreadable.text);
    let (problem, span) = match &unreadable.why {
        Why::NotText => ("it is not UTF-8".to_owned(), None),
        Why::NotYaml(error) => {
            let diagnostic = error.to_diagnostic(file);
            (diagnostic.message, diagnostic.span)
        }
        Why::NotBuilt(why) => (format!("kustomize cannot build it: {why}"), None),
        Why::NotAnObject(start, field) => {
            let span = Span {
                file,
                start: *start,
                end: *start,
            };
            (format!("a document in it has no `{field}`"), Some(span))
        }
    };
    let mut diagnostic = Diagnostic::error(
        Code::UnreadableTree,
        format!("`{path}` cannot be read, so that nobody can tell what would be lost: {problem}"),
    )
    .path(path)
    .hint("restore the file from Git, or remove it");
    diagnostic.span = span;
    diagnostic
}
