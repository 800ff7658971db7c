//! The compiler: from inputs in memory to rendered directories, one at a time.
//!
//! Strings the stages together: model, plan, objects, leak check, files.
//! Each directory is a pure function of the compilation and is made on its own, so that directories can be made in parallel, written as they are finished, and are never all in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::{self, Base};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::layout;
use crate::leak::{self, Registry, Vocabulary};
use crate::model::{self, Available, BaseFacts, Cluster, Model, Project, State};
use crate::object::Object;
use crate::plan;
use crate::render;
use crate::source::{FileId, Sources};
use crate::tree::RenderedDirectory;

/// Directory of a cluster that holds its cluster-scoped objects.
///
/// Source: commands-and-output §3.
pub const CLUSTER_DIRECTORY: &str = "_cluster";

/// The bases' files as text: name of the base, path below its directory.
pub type BaseTexts = BTreeMap<String, BTreeMap<String, String>>;

/// Everything that directories are made of.
#[derive(Debug)]
pub struct Compilation {
    /// The checked projects.
    pub model: Model,
    /// The bases that projects use.
    bases: BTreeMap<String, Base>,
    vocabularies: BTreeMap<String, Vocabulary>,
    registry: Registry,
    extra: BTreeMap<String, Vec<Object>>,
}

/// One directory to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The cluster-scoped objects of the cluster at this index of the model.
    Cluster(usize),
    /// The project at this index of the model.
    Project(usize),
}

impl Compilation {
    /// Checks the configuration against the bases and prepares everything that projects share.
    ///
    /// `projects` is `projects.yaml`; `read_extra` returns the text of a path of `extraManifests`, or a finding without a place.
    /// Errors: every code of the model, of bases and of manifests.
    pub fn load(
        projects: FileId,
        texts: &BaseTexts,
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
        mut read_extra: impl FnMut(&str) -> Result<String, Diagnostic>,
    ) -> Result<Compilation, Rejected> {
        let mut bases = BTreeMap::new();
        for (name, files) in texts {
            let directory = format!("base/{name}");
            if let Ok(base) = Base::load(name, &directory, files, sources, diagnostics) {
                bases.insert(name.clone(), base);
            }
        }
        diagnostics.accept(())?;
        let available = Available {
            bases: bases.iter().map(|(name, base)| (name.clone(), facts_of(base))).collect(),
        };
        let model = model::load(sources, projects, &available, diagnostics)?;
        let mut extra = BTreeMap::new();
        for (path, span) in model.projects.iter().flat_map(|project| &project.extra_manifests) {
            if extra.contains_key(path) {
                continue;
            }
            let objects = match read_extra(path) {
                Ok(text) => base::read_objects(path, &text, "extra", sources, diagnostics),
                Err(diagnostic) => {
                    diagnostics.push(diagnostic.at(*span));
                    Vec::new()
                }
            };
            extra.insert(path.clone(), objects);
        }
        let used: BTreeSet<&String> = model.projects.iter().map(|project| &project.base).collect();
        let vocabularies = used
            .into_iter()
            .filter_map(|name| {
                let texts = texts.get(name)?.values().map(String::as_str);
                Some((name.clone(), Vocabulary::new(bases.get(name)?, texts)))
            })
            .collect();
        diagnostics.accept(Compilation {
            registry: Registry::new(&model),
            model,
            bases,
            vocabularies,
            extra,
        })
    }

    /// Lists the directories to be made, clusters first.
    pub fn units(&self) -> Vec<Unit> {
        let clusters = (0..self.model.clusters.len())
            .filter(|index| self.projects_of(&self.model.clusters[*index]).next().is_some())
            .map(Unit::Cluster);
        clusters
            .chain((0..self.model.projects.len()).map(Unit::Project))
            .collect()
    }

    /// Makes one directory.
    ///
    /// Returns what was found besides: warnings, or the errors because of which there is no directory.
    pub fn compile(&self, unit: Unit) -> (Option<RenderedDirectory>, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let directory = match unit {
            Unit::Cluster(index) => self.cluster(&self.model.clusters[index], &mut diagnostics),
            Unit::Project(index) => self.project(&self.model.projects[index], &mut diagnostics),
        };
        (directory.ok(), diagnostics)
    }

    /// Makes directories with `jobs` threads and hands each to `sink` as it is finished.
    ///
    /// Returns all findings; stops handing out work when `sink` returns an error, which is returned.
    pub fn run<E: Send>(
        &self,
        units: &[Unit],
        jobs: usize,
        sink: impl Fn(RenderedDirectory) -> Result<(), E> + Sync,
    ) -> Result<Diagnostics, E> {
        let next = AtomicUsize::new(0);
        let findings = Mutex::new(Diagnostics::default());
        let failure = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..jobs.clamp(1, units.len().max(1)) {
                scope.spawn(|| {
                    while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let (directory, found) = self.compile(*unit);
                        if found.iter().next().is_some() {
                            lock(&findings).extend(found);
                        }
                        if let Some(Err(error)) = directory.map(&sink) {
                            next.store(units.len(), Ordering::Relaxed);
                            lock(&failure).get_or_insert(error);
                        }
                    }
                });
            }
        });
        match failure.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            Some(error) => Err(error),
            None => Ok(findings.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())),
        }
    }

    /// Returns the objects of one project, in the order in which they are written.
    pub fn objects(
        &self,
        project: &Project,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<Object>, Rejected> {
        let cluster = self.cluster_of(project);
        let base = &self.bases[&project.base];
        let plan = plan::resolve(project, cluster, base, diagnostics)?;
        let extra = project
            .extra_manifests
            .iter()
            .flat_map(|(path, _)| self.extra[path].iter().cloned())
            .collect();
        let objects = render::render(project, cluster, &plan, base, extra).map_err(|found| {
            diagnostics.extend(found);
            Rejected
        })?;
        for finding in leak::check(
            &objects,
            project,
            cluster,
            &self.registry,
            &self.vocabularies[&project.base],
        ) {
            diagnostics.push(finding);
        }
        diagnostics.accept(objects)
    }

    fn project(
        &self,
        project: &Project,
        diagnostics: &mut Diagnostics,
    ) -> Result<RenderedDirectory, Rejected> {
        let objects = self.objects(project, diagnostics)?;
        Ok(RenderedDirectory {
            path: format!("{}/{}", project.cluster, project.namespace),
            project: Some(project.name.clone()),
            base: Some(project.base.clone()),
            state: match project.state {
                State::Active => "active",
                State::Paused => "paused",
                State::Retired => "retired",
            }
            .to_owned(),
            files: layout::lay_out(&objects, &project.base),
        })
    }

    /// Renders what the newest base of a cluster's projects needs once per cluster.
    ///
    /// CRDs of a newer release serve the stacks of older ones too (kfp-stack §3.3).
    fn cluster(
        &self,
        cluster: &Cluster,
        diagnostics: &mut Diagnostics,
    ) -> Result<RenderedDirectory, Rejected> {
        let base = self
            .projects_of(cluster)
            .map(|project| &self.bases[&project.base])
            .max_by_key(|base| base.facts.order)
            .ok_or(Rejected)?;
        let webhook = self
            .projects_of(cluster)
            .any(|project| project.components.api_server.pipeline_store == "kubernetes");
        let mut wanted: Vec<&String> = base.facts.cluster.always.iter().collect();
        if webhook {
            wanted.extend(&base.facts.cluster.pipeline_webhook);
        }
        let mut objects = Vec::new();
        for file in wanted {
            match base.cluster.get(file) {
                Some(found) => objects.extend(found.iter().cloned()),
                None => diagnostics.push(
                    Diagnostic::error(
                        Code::InvalidBase,
                        format!("base `{}` names `cluster/{file}`, which is not there", base.facts.name),
                    )
                    .path(format!("base/{}/base.yaml", base.facts.name)),
                ),
            }
        }
        render::cluster_objects(&mut objects, base);
        diagnostics.accept(RenderedDirectory {
            path: format!("{}/{CLUSTER_DIRECTORY}", cluster.name),
            project: None,
            base: Some(base.facts.name.clone()),
            state: "active".to_owned(),
            files: layout::lay_out(&objects, &base.facts.name),
        })
    }

    fn projects_of<'a>(&'a self, cluster: &'a Cluster) -> impl Iterator<Item = &'a Project> {
        self.model
            .projects
            .iter()
            .filter(move |project| project.cluster == cluster.name)
    }

    fn cluster_of(&self, project: &Project) -> &Cluster {
        self.model
            .clusters
            .iter()
            .find(|cluster| cluster.name == project.cluster)
            .expect("validation has resolved every project's cluster")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A poisoned lock means that another thread panicked; the scope re-raises that panic.
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn facts_of(base: &Base) -> BaseFacts {
    BaseFacts {
        features: base.facts.features.clone(),
        service_accounts: base.service_accounts(),
        controller_config_keys: base.facts.controller_config_keys.clone(),
    }
}
