//! The compiler: from inputs in memory to rendered directories, one at a time.
//!
//! Strings the stages together: model, plan, objects, leak check, files.
//! Each directory is a pure function of the compilation and is made on its own, so that directories can be made in parallel, written as they are finished, and are never all in memory.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::{self, Base, Facts};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::hazard::{Hop, Turn};
use crate::images::Use;
use crate::inputs::{Failure, Inputs};
use crate::layout;
use crate::leak::{self, Registry, Suspicion, Vocabulary};
use crate::model::{
    self, Available, BaseFacts, Cluster, Model, PatchSource, Project, State, SyncTool,
};
use crate::object::Object;
use crate::overlay::{self, Pinned};
use crate::plan;
use crate::provision;
use crate::render::{self, Hash, Rendered};
use crate::source::{FileId, Sources, Span};
use crate::stage::{self, Hashes, Skeleton, Stages};
use crate::sync::{self, Wiring};
use crate::template::Scope;
use crate::trace::{Followed, Off, Recorder, Spot, Trace};
use crate::tree::{Form, RenderedDirectory};
use crate::user_patch::UserPatches;
use crate::yaml;

/// Directory of a cluster that holds its cluster-scoped objects.
///
/// Source: commands-and-output §3.
pub const CLUSTER_DIRECTORY: &str = "_cluster";

/// The bases' files: name of the base, path below its directory.
pub type BaseFiles = BTreeMap<String, BTreeMap<String, FileId>>;

/// Reads, checks and prepares everything that does not depend on a single directory.
///
/// Errors: [`Failure::Rejected`] with the reasons in `diagnostics`; [`Failure::Environment`] when a file cannot be read.
pub fn compile(
    inputs: &Inputs,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Compilation, Failure> {
    Compilation::load(
        inputs.projects,
        &base_files(inputs),
        sources,
        diagnostics,
        |paths, sources, diagnostics| inputs.read(paths, sources, diagnostics),
    )
}

/// Returns the files of each base.
pub fn base_files(inputs: &Inputs) -> BaseFiles {
    let mut bases = BaseFiles::new();
    for (path, file) in &inputs.bases {
        // A file beside the bases, such as a README, belongs to none of them.
        if let Some((base, below)) = path.split_once('/') {
            bases
                .entry(base.to_owned())
                .or_default()
                .insert(below.to_owned(), *file);
        }
    }
    bases
}

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
    patches: UserPatches,
    wiring: Wiring,
    /// The directories with Jobs that set up shared servers, each with the index of its cluster.
    shared: Vec<(usize, provision::Part)>,
    units: Vec<Unit>,
    /// Numbers of the projects in the model.
    by_name: BTreeMap<String, usize>,
    stages: Stages,
    form: Form,
    /// The bases as a tree for kustomize holds them, by name; empty in the plain form.
    pinned: BTreeMap<String, Pinned>,
}

/// One directory to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// The cluster-scoped objects of the cluster at this index of the model.
    Cluster(usize),
    /// What the Jobs of the cluster at this index share that set up shared servers.
    Common(usize),
    /// The part with this number of these Jobs.
    Shared(usize),
    /// The project at this index of the model.
    Project(usize),
    /// The directory of the wiring with this number.
    Wiring(usize),
    /// The base with this number, in the order of their names.
    Base(usize),
}

impl Compilation {
    /// Checks the configuration against the bases and prepares everything that projects share.
    ///
    /// `read` returns the texts of the paths of `extraManifests` and `patches`.
    /// Errors: every code of the model, of bases and of manifests, and the failures of `read`.
    pub fn load(
        projects: FileId,
        files: &BaseFiles,
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
        read: impl FnOnce(
            &[(String, Span)],
            &mut Sources,
            &mut Diagnostics,
        ) -> Result<BTreeMap<String, FileId>, Failure>,
    ) -> Result<Compilation, Failure> {
        let mut bases = BTreeMap::new();
        for (name, files) in files {
            if let Ok(base) = Base::load(name, files, sources, diagnostics) {
                bases.insert(name.clone(), base);
            }
        }
        let available = Available {
            bases: bases
                .iter()
                .map(|(name, base)| (name.clone(), facts_of(base)))
                .collect(),
        };
        let model = model::load(sources, projects, &available, diagnostics)?;
        diagnostics.accept(())?;
        let named: Vec<(String, Span)> = model
            .projects
            .iter()
            .flat_map(|project| project.extra_manifests.iter().cloned())
            .collect();
        let of_patches: Vec<(String, Span)> = model
            .projects
            .iter()
            .flat_map(|project| &project.patches)
            .filter_map(PatchSource::file)
            .collect();
        let all: Vec<(String, Span)> = named.iter().chain(&of_patches).cloned().collect();
        let texts = read(&all, sources, diagnostics)?;
        let patches = UserPatches::load(&model.projects, &texts, sources, diagnostics);
        let named: BTreeSet<&String> = named.iter().map(|(path, _)| path).collect();
        let extra = texts
            .into_iter()
            .filter(|(path, _)| named.contains(path))
            .map(|(path, file)| {
                (
                    path,
                    base::read_objects(file, "extra", sources, diagnostics),
                )
            })
            .collect();
        let used: BTreeSet<&String> = model.projects.iter().map(|project| &project.base).collect();
        let vocabularies = used
            .into_iter()
            .filter_map(|name| {
                let texts = files
                    .get(name)?
                    .values()
                    .map(|file| sources.get(*file).text.as_str());
                Some((name.clone(), Vocabulary::new(bases.get(name)?, texts)))
            })
            .collect();
        let with_projects: BTreeSet<&String> = model
            .projects
            .iter()
            .map(|project| &project.cluster)
            .collect();
        let clusters = (0..model.clusters.len())
            .filter(|index| with_projects.contains(&model.clusters[*index].name))
            .map(Unit::Cluster);
        let stages = Stages::new(&model.projects);
        // Projects of one shape follow each other, so that few skeletons are alive at a time.
        let projects = stages.order().map(Unit::Project);
        let shared: Vec<(usize, provision::Part)> = (0..model.clusters.len())
            .flat_map(|index| {
                let parts = provision::parts(&model.projects, &model.clusters[index]);
                parts.into_iter().map(move |part| (index, part))
            })
            .collect();
        let with_jobs: BTreeSet<usize> = shared.iter().map(|(index, _)| *index).collect();
        let wiring = wiring(&model, &bases, &shared);
        let units = clusters
            .chain(with_jobs.into_iter().map(Unit::Common))
            .chain((0..shared.len()).map(Unit::Shared))
            .chain(projects)
            .chain((0..wiring.len()).map(Unit::Wiring))
            .collect();
        let by_name = model.projects.iter().enumerate();
        Ok(diagnostics.accept(Compilation {
            registry: Registry::new(&model),
            by_name: by_name
                .map(|(index, project)| (project.name.clone(), index))
                .collect(),
            stages,
            wiring,
            shared,
            units,
            model,
            bases,
            vocabularies,
            extra,
            patches,
            form: Form::Plain,
            pinned: BTreeMap::new(),
        })?)
    }

    /// Makes the tree take another form than the plain one.
    pub fn in_form(mut self, form: Form) -> Self {
        self.form = form;
        self.wiring.set_form(form);
        self.units.retain(|unit| !matches!(unit, Unit::Base(_)));
        self.pinned.clear();
        if form == Form::Kustomize {
            let used: BTreeSet<&String> = self
                .model
                .projects
                .iter()
                .map(|project| &project.base)
                .collect();
            self.pinned = used
                .into_iter()
                .map(|name| (name.clone(), Pinned::new(&self.bases[name])))
                .collect();
            let bases = (0..self.pinned.len()).map(Unit::Base);
            self.units.splice(0..0, bases);
        }
        self
    }

    /// Lets images without digests pass, for those who are about to add the digests.
    pub fn without_required_digests(mut self) -> Self {
        for cluster in &mut self.model.clusters {
            cluster.images.require_digests = false;
        }
        self
    }

    /// Returns the form of the tree.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Returns the bases as a tree for kustomize holds them, by name; none in the plain form.
    pub fn pinned(&self) -> &BTreeMap<String, Pinned> {
        &self.pinned
    }

    /// Returns where the tree lies below the root: `platform.repository.path`.
    pub fn tree(&self) -> &str {
        &self.model.repository_path
    }

    /// Returns the names of all projects, sorted.
    pub fn projects(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .model
            .projects
            .iter()
            .map(|project| project.name.as_str())
            .collect();
        names.sort_unstable();
        names
    }

    /// Returns the numbers of the directories to render: all, or those of the given projects.
    pub fn directories(&self, projects: Option<&BTreeSet<String>>) -> Vec<usize> {
        let wanted = |unit: &Unit| match (unit, projects) {
            (_, None) => true,
            (Unit::Project(index), Some(names)) => {
                names.contains(&self.model.projects[*index].name)
            }
            // What they stand on.
            (Unit::Base(number), Some(names)) => {
                let base = self.pinned.keys().nth(*number);
                let mut projects = self.model.projects.iter();
                projects.any(|project| names.contains(&project.name) && Some(&project.base) == base)
            }
            (_, Some(_)) => false,
        };
        (0..self.units.len())
            .filter(|number| wanted(&self.units[*number]))
            .collect()
    }

    /// Renders one directory; the diagnostics hold warnings, or the reasons of a rejection.
    pub fn render(&self, number: usize) -> (Result<RenderedDirectory, Rejected>, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let directory = match self.units[number] {
            Unit::Cluster(index) => self.cluster(&self.model.clusters[index], &mut diagnostics),
            Unit::Common(cluster) => self
                .common(cluster, &mut diagnostics)
                .map(|shared| shared.into_directory(self.form)),
            Unit::Shared(part) => self
                .jobs(part, &mut diagnostics)
                .map(|shared| shared.into_directory(self.form)),
            Unit::Project(index) => self.project(index, &mut diagnostics),
            Unit::Wiring(number) => Ok(self.wiring.render(number, &self.model)),
            Unit::Base(number) => {
                let mut bases = self.pinned.values();
                let pinned = bases.nth(number).expect("there is one for each number");
                Ok(pinned.directory())
            }
        };
        (directory, diagnostics)
    }

    /// Returns a project by name.
    pub fn project_named(&self, name: &str) -> Option<&Project> {
        self.by_name
            .get(name)
            .map(|index| &self.model.projects[*index])
    }

    /// Returns what a base says about itself; `None` for one that is not below `base/`.
    pub fn base(&self, name: &str) -> Option<&Facts> {
        self.bases.get(name).map(|base| &base.facts)
    }

    /// Returns what every base below `base/` says about itself, by name.
    pub fn bases(&self) -> impl Iterator<Item = &Facts> {
        self.bases.values().map(|base| &base.facts)
    }

    /// Returns the way of a project from another base to its own.
    ///
    /// A migration counts when it is declared by the project's base, or by one that is skipped, for the base that the
    /// project comes from or for one between.
    /// Errors: those of planning the project, and `template-error` in a condition.
    pub fn hop(&self, project: &Project, from: &str) -> Result<Hop, Diagnostics> {
        let to = &self.bases[&project.base].facts;
        let order = |name: &str| self.base(name).map(|facts| facts.order);
        let former = order(from);
        let turn = match former.map(|former| former.cmp(&to.order)) {
            _ if from == to.name => Turn::None,
            None => Turn::Unknown,
            Some(Ordering::Less) => Turn::Newer,
            Some(Ordering::Equal) => Turn::None,
            Some(Ordering::Greater) => Turn::Older,
        };
        let mut migrations = Vec::new();
        if matches!(turn, Turn::Newer | Turn::Unknown) {
            let skipped = |base: &&Base| {
                former.is_some_and(|former| former < base.facts.order)
                    && base.facts.order < to.order
            };
            let bases = self
                .bases
                .values()
                .filter(skipped)
                .chain([&self.bases[&project.base]]);
            let declares: Vec<&Base> = bases
                .filter(|base| !base.facts.migrations.is_empty())
                .collect();
            if !declares.is_empty() {
                let scope = self.scope(project)?;
                for base in declares {
                    let needed = base.migrations(&scope)?;
                    let counts = |since: &str| {
                        since == from
                            || former
                                .zip(order(since))
                                .is_some_and(|(former, since)| former <= since)
                    };
                    let needed = needed
                        .into_iter()
                        .filter(|migration| counts(&migration.from));
                    migrations.extend(needed.map(|migration| migration.reason.clone()));
                }
            }
        }
        Ok(Hop {
            from: from.to_owned(),
            to: to.name.clone(),
            turn,
            migrations,
        })
    }

    /// Returns what templates see of a project.
    fn scope(&self, project: &Project) -> Result<Scope, Diagnostics> {
        let cluster = self.cluster_of(project);
        let mut diagnostics = Diagnostics::default();
        match plan::resolve(
            project,
            cluster,
            &self.bases[&project.base],
            &mut diagnostics,
        ) {
            Ok(plan) => Ok(plan::scope(project, cluster, &plan)),
            Err(Rejected) => Err(diagnostics),
        }
    }

    /// Returns the objects of one project, in the order in which they are written.
    pub fn objects(
        &self,
        project: &Project,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<Object>, Rejected> {
        let rendered = self.rendered(
            project,
            Way::DIRECT,
            &mut render::hash,
            diagnostics,
            &mut Off,
        )?;
        Ok(rendered.objects)
    }

    /// Returns the objects of one project, and the references to images in them.
    ///
    /// Errors: as for rendering it; `trace` has been told what was done all the same.
    pub fn with_images<T: Trace>(
        &self,
        project: &Project,
        diagnostics: &mut Diagnostics,
        trace: &mut T,
    ) -> Result<(Vec<Object>, Vec<Use>), Rejected> {
        let way = Way {
            list_images: true,
            ..Way::DIRECT
        };
        let rendered = self.rendered(project, way, &mut render::hash, diagnostics, trace)?;
        Ok((rendered.objects, rendered.images))
    }

    /// Returns the objects that a cluster gets once.
    ///
    /// Errors: as for rendering them.
    pub fn once_per_cluster(
        &self,
        cluster: &Cluster,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<Object>, Rejected> {
        let base = newest_base(&self.model, &self.bases, cluster).ok_or(Rejected)?;
        let mut found = Diagnostics::default();
        let rendered = self.cluster_objects(cluster, base, &mut found, &mut Off);
        let accepted = found.accept(rendered.objects);
        diagnostics.extend(found);
        accepted
    }

    /// Returns the objects of one project with the history of their values.
    ///
    /// `sources` are those that the compilation was made of.
    /// Errors: as for rendering it.
    pub fn followed(
        &self,
        project: &Project,
        sources: &Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<Followed>, Rejected> {
        let manifests = sources
            .below(&format!("base/{}/manifests/", project.base))
            .into_iter()
            .flat_map(|file| base::read_spots(file, sources));
        let extra: Vec<Spot> = project
            .extra_manifests
            .iter()
            .filter_map(|(path, _)| sources.find(path.strip_prefix("./").unwrap_or(path)))
            .flat_map(|file| base::read_spots(file, sources))
            .collect();
        let mut recorder = Recorder::new(manifests.collect(), extra);
        self.rendered(
            project,
            Way::DIRECT,
            &mut render::hash,
            diagnostics,
            &mut recorder,
        )?;
        Ok(recorder.into_objects())
    }

    /// Returns the objects that a cluster gets once with the history of their values, and the base that they come from.
    ///
    /// Errors: as for rendering them.
    pub fn cluster_followed(
        &self,
        cluster: &Cluster,
        sources: &Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<(Vec<Followed>, &Base), Rejected> {
        let base = newest_base(&self.model, &self.bases, cluster).ok_or(Rejected)?;
        let files = self.cluster_files(cluster, base);
        let spots = files
            .into_iter()
            .filter_map(|file| sources.find(&format!("base/{}/cluster/{file}", base.facts.name)))
            .flat_map(|file| base::read_spots(file, sources));
        let mut recorder = Recorder::new(spots.collect(), Vec::new());
        self.cluster_objects(cluster, base, diagnostics, &mut recorder);
        diagnostics.accept((recorder.into_objects(), base))
    }

    /// Returns the path of a directory below the tree.
    pub fn path(&self, number: usize) -> String {
        let cluster = |index: usize| self.model.clusters[index].name.as_str();
        match self.units[number] {
            Unit::Cluster(index) => format!("{}/{CLUSTER_DIRECTORY}", cluster(index)),
            Unit::Common(index) => format!("{}/{}", cluster(index), provision::COMMON_DIRECTORY),
            Unit::Shared(part) => {
                let (index, part) = &self.shared[part];
                format!("{}/{}", cluster(*index), part.directory)
            }
            Unit::Project(index) => directory_of(&self.model.projects[index]),
            Unit::Wiring(number) => self.wiring.path(number, &self.model),
            Unit::Base(number) => {
                let mut bases = self.pinned.values();
                bases.nth(number).map(Pinned::path).unwrap_or_default()
            }
        }
    }

    /// Returns the objects of a directory that comes from no base: of the wiring, or with Jobs that set up shared servers;
    /// none for the others.
    ///
    /// Errors: as for rendering it.
    pub fn without_base(
        &self,
        number: usize,
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<Object>, Rejected> {
        match self.units[number] {
            Unit::Wiring(number) => Ok(self.wiring.objects(number, &self.model)),
            Unit::Common(cluster) => Ok(self.common(cluster, diagnostics)?.rendered.objects),
            Unit::Shared(part) => Ok(self.jobs(part, diagnostics)?.rendered.objects),
            Unit::Cluster(_) | Unit::Project(_) | Unit::Base(_) => Ok(Vec::new()),
        }
    }

    /// Returns a base that projects use.
    pub fn base_of(&self, project: &Project) -> &Base {
        &self.bases[&project.base]
    }

    /// Renders a project or a shape.
    fn rendered<T: Trace>(
        &self,
        project: &Project,
        way: Way,
        hash: Hash<'_>,
        diagnostics: &mut Diagnostics,
        trace: &mut T,
    ) -> Result<Rendered, Rejected> {
        let cluster = self.cluster_of(project);
        let base = &self.bases[&project.base];
        let plan = plan::resolve(project, cluster, base, diagnostics)?;
        let extra = project
            .extra_manifests
            .iter()
            .flat_map(|(path, _)| self.extra[path].iter().cloned())
            .collect();
        let source = render::Source {
            project,
            cluster,
            plan: &plan,
            base,
            extra,
            list_images: way.list_images,
        };
        let rendered = render::render(
            source,
            |objects, scope, trace| {
                self.patches
                    .apply(objects, project, scope, way.has_gaps, trace)
            },
            hash,
            trace,
        )
        .map_err(|found| {
            diagnostics.extend(found);
            Rejected
        })?;
        let objects = &rendered.objects;
        let vocabulary = &self.vocabularies[&project.base];
        for finding in leak::check(objects, project, cluster, &self.registry, vocabulary) {
            diagnostics.push(finding);
        }
        if cluster.sync.contains(&SyncTool::Argocd) {
            for finding in sync::argocd::check(objects, project) {
                diagnostics.push(finding);
            }
        }
        diagnostics.accept(rendered)
    }

    fn project(
        &self,
        index: usize,
        diagnostics: &mut Diagnostics,
    ) -> Result<RenderedDirectory, Rejected> {
        let project = &self.model.projects[index];
        let path = directory_of(project);
        let files = match self.form {
            Form::Plain => match self.staged(index) {
                Some(files) => files,
                None => layout::lay_out(&self.objects(project, diagnostics)?, &project.base),
            },
            Form::Kustomize => {
                let objects = self.objects(project, diagnostics)?;
                let pinned = &self.pinned[&project.base];
                overlay::lay_out(&objects, project, pinned, &path).map_err(|found| {
                    diagnostics.extend(found);
                    Rejected
                })?
            }
        };
        Ok(RenderedDirectory {
            path,
            project: Some(project.name.clone()),
            base: Some(project.base.clone()),
            state: match project.state {
                State::Active => "active",
                State::Paused => "paused",
                State::Retired => "retired",
            }
            .to_owned(),
            files,
        })
    }

    /// Renders one project from the skeleton of its shape; `None` when it must be rendered directly, to tell what is wrong with it or because it cannot be staged.
    fn staged(&self, index: usize) -> Option<BTreeMap<String, Vec<u8>>> {
        let project = &self.model.projects[index];
        let (slots, skeleton) = self.stages.get(index, |shape, slots| {
            let mut hashes = Hashes::default();
            let mut found = Diagnostics::default();
            let objects = self
                .rendered(
                    shape,
                    Way {
                        has_gaps: stage::has_gaps,
                        ..Way::DIRECT
                    },
                    &mut |text, length| hashes.hash(text, length),
                    &mut found,
                    &mut Off,
                )
                .ok()?
                .objects;
            // A finding is about a project, not about a shape.
            if found.iter().next().is_some() {
                return None;
            }
            Skeleton::new(&objects, &shape.base, slots, hashes)
        })?;
        let mut suspicion = Suspicion::new(
            project,
            self.cluster_of(project),
            &self.registry,
            &self.vocabularies[&project.base],
        );
        skeleton.fill(slots, |text| {
            suspicion.clears(text) && yaml::check_representable(text).is_ok()
        })
    }

    /// Renders what the newest base of a cluster's projects needs once per cluster.
    fn cluster(
        &self,
        cluster: &Cluster,
        diagnostics: &mut Diagnostics,
    ) -> Result<RenderedDirectory, Rejected> {
        let base = newest_base(&self.model, &self.bases, cluster).ok_or(Rejected)?;
        let rendered = self.cluster_objects(cluster, base, diagnostics, &mut Off);
        diagnostics.accept(RenderedDirectory {
            path: format!("{}/{CLUSTER_DIRECTORY}", cluster.name),
            project: None,
            base: Some(base.facts.name.clone()),
            state: "active".to_owned(),
            files: match self.form {
                Form::Plain => layout::lay_out(&rendered.objects, &base.facts.name),
                Form::Kustomize => overlay::listed(&rendered.objects, Some(&base.facts.name)),
            },
        })
    }

    /// Returns the files of `cluster/` that a cluster gets once.
    fn cluster_files<'b>(&self, cluster: &Cluster, base: &'b Base) -> Vec<&'b String> {
        let webhook = self
            .projects_of(cluster)
            .any(|project| project.components.api_server.pipeline_store == "kubernetes");
        let mut wanted: Vec<&String> = base.facts.cluster.always.iter().collect();
        if webhook {
            wanted.extend(&base.facts.cluster.pipeline_webhook);
        }
        wanted
    }

    /// Returns the objects that a cluster gets once.
    ///
    /// CRDs of a newer release serve the stacks of older ones too (kfp-stack §3.3).
    fn cluster_objects<T: Trace>(
        &self,
        cluster: &Cluster,
        base: &Base,
        diagnostics: &mut Diagnostics,
        trace: &mut T,
    ) -> Rendered {
        let mut objects = Vec::new();
        for file in self.cluster_files(cluster, base) {
            match base.cluster.get(file) {
                Some(found) => objects.extend(found.iter().cloned()),
                None => diagnostics.push(
                    Diagnostic::error(
                        Code::InvalidBase,
                        format!(
                            "base `{}` names `cluster/{file}`, which is not there",
                            base.facts.name
                        ),
                    )
                    .path(format!("base/{}/base.yaml", base.facts.name)),
                ),
            }
        }
        trace.manifests(&objects);
        objects.extend(
            self.projects_of(cluster)
                .filter_map(|project| render::token_review(project, &self.bases[&project.base])),
        );
        let images = render::cluster_objects(&mut objects, cluster, base, diagnostics, trace);
        Rendered { objects, images }
    }

    /// Returns what the Jobs of a cluster share that set up shared servers.
    fn common(&self, cluster: usize, diagnostics: &mut Diagnostics) -> Result<Shared, Rejected> {
        let cluster = &self.model.clusters[cluster];
        let base = newest_base(&self.model, &self.bases, cluster).ok_or(Rejected)?;
        let mut objects = provision::common(cluster, self.projects_of(cluster));
        let images = render::shared_objects(&mut objects, cluster, base, None, diagnostics);
        diagnostics.accept(Shared {
            path: format!("{}/{}", cluster.name, provision::COMMON_DIRECTORY),
            rendered: Rendered { objects, images },
        })
    }

    /// Returns the Jobs of one part.
    fn jobs(&self, part: usize, diagnostics: &mut Diagnostics) -> Result<Shared, Rejected> {
        let (cluster, part) = &self.shared[part];
        let cluster = &self.model.clusters[*cluster];
        let mut rendered = Rendered {
            objects: Vec::new(),
            images: Vec::new(),
        };
        for index in &part.projects {
            let project = &self.model.projects[*index];
            // The Job of a project changes when its base does, and not with that of another.
            let base = &self.bases[&project.base];
            let mut objects = provision::of_project(
                cluster,
                project,
                &base.facts.name,
                &base.facts.images,
                diagnostics,
            );
            let images =
                render::shared_objects(&mut objects, cluster, base, Some(project), diagnostics);
            rendered.objects.extend(objects);
            rendered.images.extend(images);
        }
        diagnostics.accept(Shared {
            path: format!("{}/{}", cluster.name, part.directory),
            rendered,
        })
    }

    /// Returns the references to images in one directory, and the projects that have them: several when they are of one
    /// shape, of which only the first is looked at; none for a directory without projects, or one that another stands for.
    ///
    /// Errors: as for rendering it.
    pub fn images(
        &self,
        number: usize,
        diagnostics: &mut Diagnostics,
    ) -> Result<Images<'_>, Rejected> {
        match self.units[number] {
            Unit::Wiring(_) | Unit::Base(_) => Ok(Images::default()),
            Unit::Common(cluster) => Ok(self.common(cluster, diagnostics)?.into_images()),
            Unit::Shared(part) => Ok(self.jobs(part, diagnostics)?.into_images()),
            Unit::Cluster(index) => {
                let cluster = &self.model.clusters[index];
                let base = newest_base(&self.model, &self.bases, cluster).ok_or(Rejected)?;
                let rendered = self.cluster_objects(cluster, base, diagnostics, &mut Off);
                diagnostics.accept(Images {
                    uses: rendered.images,
                    directories: vec![format!("{}/{CLUSTER_DIRECTORY}", cluster.name)],
                    projects: Vec::new(),
                })
            }
            Unit::Project(index) => {
                let alike = self.stages.alike(index);
                if alike.first() != Some(&index) {
                    return Ok(Images::default());
                }
                let project = &self.model.projects[index];
                let way = Way {
                    list_images: true,
                    ..Way::DIRECT
                };
                let rendered =
                    self.rendered(project, way, &mut render::hash, diagnostics, &mut Off)?;
                let projects: Vec<&Project> = alike
                    .iter()
                    .map(|index| &self.model.projects[*index])
                    .collect();
                Ok(Images {
                    uses: rendered.images,
                    directories: projects
                        .iter()
                        .map(|project| directory_of(project))
                        .collect(),
                    projects: projects
                        .iter()
                        .map(|project| project.name.as_str())
                        .collect(),
                })
            }
        }
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

/// How a project is rendered.
#[derive(Clone, Copy)]
struct Way {
    /// Whether the references to images are wanted.
    list_images: bool,
    /// Tells what is a placeholder, in a shape.
    has_gaps: fn(&Value) -> bool,
}

impl Way {
    /// As itself, for its objects.
    const DIRECT: Way = Way {
        list_images: false,
        has_gaps: |_| false,
    };
}

/// Objects that set up shared servers, and the directory they go to.
struct Shared {
    path: String,
    rendered: Rendered,
}

impl Shared {
    fn into_directory(self, form: Form) -> RenderedDirectory {
        RenderedDirectory {
            path: self.path,
            project: None,
            base: None,
            state: "active".to_owned(),
            files: match form {
                Form::Plain => layout::lay_out_in(&self.rendered.objects, None, form),
                Form::Kustomize => overlay::listed(&self.rendered.objects, None),
            },
        }
    }

    fn into_images(self) -> Images<'static> {
        Images {
            uses: self.rendered.images,
            directories: vec![self.path],
            projects: Vec::new(),
        }
    }
}

/// References to images, and whose they are.
#[derive(Debug, Default)]
pub struct Images<'a> {
    /// The references.
    pub uses: Vec<Use>,
    /// The directories that have them, below the tree.
    pub directories: Vec<String>,
    /// The projects of these directories, in the same order; none for a cluster's own.
    pub projects: Vec<&'a str>,
}

/// Returns the directory of a project below the tree.
fn directory_of(project: &Project) -> String {
    format!("{}/{}", project.cluster, project.namespace)
}

/// Decides on the wiring.
fn wiring(
    model: &Model,
    bases: &BTreeMap<String, Base>,
    shared: &[(usize, provision::Part)],
) -> Wiring {
    let versions = bases
        .iter()
        .map(|(name, base)| (name.clone(), base.facts.version.clone()))
        .collect();
    Wiring::new(model, versions, |cluster| {
        let newest = newest_base(model, bases, cluster);
        let parts: Vec<&provision::Part> = shared
            .iter()
            .filter(|(index, _)| model.clusters[*index].name == cluster.name)
            .map(|(_, part)| part)
            .collect();
        let common = (!parts.is_empty()).then_some(provision::COMMON_DIRECTORY);
        let directories = [CLUSTER_DIRECTORY].into_iter().chain(common);
        let of_parts = parts.iter().map(|part| part.directory.as_str());
        sync::Platform {
            directories: directories.chain(of_parts).map(str::to_owned).collect(),
            provisioning: parts
                .iter()
                .flat_map(|part| {
                    part.projects.iter().map(|index| {
                        let namespace = model.projects[*index].namespace.clone();
                        (namespace, part.directory.clone())
                    })
                })
                .collect(),
            version: newest
                .expect("a cluster with wiring has projects")
                .facts
                .version
                .clone(),
        }
    })
}

/// Returns the newest base of a cluster's projects; `None` when it has no projects.
fn newest_base<'a>(
    model: &Model,
    bases: &'a BTreeMap<String, Base>,
    cluster: &Cluster,
) -> Option<&'a Base> {
    model
        .projects
        .iter()
        .filter(|project| project.cluster == cluster.name)
        .map(|project| &bases[&project.base])
        .max_by_key(|base| base.facts.order)
}

fn facts_of(base: &Base) -> BaseFacts {
    BaseFacts {
        features: base.facts.features.clone(),
        service_accounts: base.service_accounts(),
        controller_config_keys: base.facts.controller_config_keys.clone(),
        engines: base
            .facts
            .embedded
            .iter()
            .map(|(what, engines)| (what.clone(), engines.keys().cloned().collect()))
            .collect(),
    }
}
