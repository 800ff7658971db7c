//! `explain`: where the values of rendered objects come from.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use super::{Failure, root};
use crate::cli::{self, Explain, Verbosity};
use crate::compile::{CLUSTER_DIRECTORY, Compilation, compile};
use crate::config;
use crate::console::Console;
use crate::diagnostic::{Diagnostics, nearest};
use crate::exit::Exit;
use crate::explain::{Sources, added, explain, field, show};
use crate::inputs::Inputs;
use crate::layout;
use crate::object::Object;
use crate::report::Format;
use crate::trace::Followed;

/// Prints where values come from.
pub(super) fn run(arguments: &Explain, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let inputs = Inputs::load(&root, &mut console.sources, &mut console.diagnostics)?;
    let compilation = compile(&inputs, &mut console.sources, &mut console.diagnostics)?;
    let path = below_tree(&arguments.file, &root, compilation.tree())?;
    // Read once more for the places of the layers, which the model has merged.
    let tree = config::parse(
        &console.sources,
        inputs.projects,
        &mut Diagnostics::default(),
    )?;
    let found = find(&compilation, &path, console)?;
    let mut objects: Vec<&Followed> = found.objects.iter().collect();
    if let Some(named) = &arguments.object {
        objects = choose(&objects, named, &path).map_err(Failure::Usage)?;
    }
    let file = format!("{}/{path}", compilation.tree());
    let mut text = String::new();
    let mut problems = Vec::new();
    let mut any = false;
    for followed in &objects {
        let pointer = match &arguments.field {
            None => String::new(),
            Some(written) => match field::resolve(&followed.object, written) {
                Ok(pointer) => pointer,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            },
        };
        any = true;
        let project = found.project_of(&followed.object, &compilation);
        let base = project
            .map(|project| compilation.base_of(project))
            .or(found.base);
        let sources = Sources::new(&tree, project, &found.cluster, base, &console.sources);
        let values = explain(followed, &pointer, &sources);
        if console.settings.format == Format::Json {
            for value in &values {
                let line = show::as_json(&file, &followed.object, value, &console.sources);
                let _infallible = writeln!(text, "{line}");
            }
            continue;
        }
        show::object(
            &followed.object,
            &added(followed, &sources),
            &console.sources,
            &mut text,
        );
        let single = values.len() == 1 && arguments.field.is_some();
        for value in &values {
            if single || console.settings.verbosity == Verbosity::Verbose {
                show::long(value, &console.sources, &mut text);
            } else {
                show::short(value, &console.sources, &mut text);
            }
        }
    }
    if !any {
        return Err(Failure::Usage(problems.join("; ")));
    }
    // What is to be said of other projects is for other commands.
    console.diagnostics = Diagnostics::default();
    console.print(&text).map_err(Failure::Output)?;
    Ok(Exit::Done)
}

/// Returns the path of a file below the tree, with `/` between its parts.
fn below_tree(file: &Path, root: &Path, tree: &str) -> Result<String, Failure> {
    let here = cli::working_directory()?;
    let tree_path = clean(&here.join(root).join(tree));
    // A path from the root is what diffs and messages show.
    let candidates = [clean(&here.join(file)), clean(&here.join(root).join(file))];
    let below = candidates
        .iter()
        .find_map(|candidate| candidate.strip_prefix(&tree_path).ok());
    let parts: Option<Vec<&str>> = below.and_then(|below| {
        below
            .components()
            .map(|part| part.as_os_str().to_str())
            .collect()
    });
    parts.map(|parts| parts.join("/")).ok_or_else(|| {
        Failure::Usage(format!(
            "`{}` is not a file of the tree `{tree}`",
            file.display()
        ))
    })
}

/// Takes `.` and `..` out of an absolute path, without a look at the disk.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// The objects of one file.
struct Found<'a> {
    objects: Vec<Followed>,
    /// Name of the cluster.
    cluster: String,
    /// The project whose file it is.
    project: Option<&'a crate::model::Project>,
    /// The base of a cluster's own objects.
    base: Option<&'a crate::base::Base>,
}

impl<'a> Found<'a> {
    /// Returns the project that an object is for; in the wiring, each may have its own.
    fn project_of(
        &self,
        object: &Object,
        compilation: &'a Compilation,
    ) -> Option<&'a crate::model::Project> {
        self.project
            .or_else(|| crate::explain::wired_project(object, &compilation.model))
    }
}

/// Renders the directory of a file, and keeps the file's objects.
fn find<'a>(
    compilation: &'a Compilation,
    path: &str,
    console: &mut Console,
) -> Result<Found<'a>, Failure> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut directories: Vec<String> = Vec::new();
    let model = &compilation.model;
    let mut found = None;
    for project in &model.projects {
        let own = format!("{}/{}", project.cluster, project.namespace);
        if own == directory || own == path {
            let objects =
                compilation.followed(project, &console.sources, &mut console.diagnostics)?;
            found = Some((own, objects, &project.cluster, Some(project), None));
            break;
        }
        directories.push(own);
    }
    for cluster in &model.clusters {
        let own = format!("{}/{CLUSTER_DIRECTORY}", cluster.name);
        let used = model
            .projects
            .iter()
            .any(|project| project.cluster == cluster.name);
        if used && found.is_none() && (own == directory || own == path) {
            let (objects, base) = compilation.cluster_followed(
                cluster,
                &console.sources,
                &mut console.diagnostics,
            )?;
            found = Some((own, objects, &cluster.name, None, Some(base)));
        } else {
            directories.push(own);
        }
    }
    for number in compilation.directories(None) {
        let without_base = compilation.without_base(number, &mut console.diagnostics)?;
        let Some((own, objects)) = without_base else {
            continue;
        };
        let cluster = model
            .clusters
            .iter()
            .find(|cluster| own.starts_with(&format!("{}/", cluster.name)));
        if let Some(cluster) = cluster
            && found.is_none()
            && (own == directory || own == path)
        {
            let objects = crate::explain::wiring(&objects, cluster, model);
            found = Some((own, objects, &cluster.name, None, None));
        } else {
            directories.push(own);
        }
    }
    let Some((own, objects, cluster, project, base)) = found else {
        let near = nearest(directory, directories.iter().map(String::as_str));
        let hint = near
            .map(|near| format!("; there is `{near}`"))
            .unwrap_or_default();
        return Err(Failure::Usage(format!(
            "nothing is rendered to `{}/{directory}`{hint}",
            compilation.tree()
        )));
    };
    let mut files: Vec<String> = objects
        .iter()
        .map(|followed| layout::file_name(&followed.object.file))
        .collect();
    files.sort_unstable();
    files.dedup();
    let of_file =
        |followed: &Followed| own != path && layout::file_name(&followed.object.file) == name;
    let objects: Vec<Followed> = objects.into_iter().filter(of_file).collect();
    if objects.is_empty() {
        let tree = compilation.tree();
        let problem = if own == path {
            format!("`{tree}/{path}` is a directory")
        } else {
            format!("no file `{name}` is rendered to `{tree}/{directory}`")
        };
        let near = nearest(name, files.iter().map(String::as_str)).filter(|_| own != path);
        let hint = match near {
            Some(near) => format!("a similar name is `{near}`"),
            None => format!("its files are {}", quoted(&files)),
        };
        return Err(Failure::Usage(format!("{problem}; {hint}")));
    }
    Ok(Found {
        objects,
        cluster: cluster.clone(),
        project,
        base,
    })
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Returns the objects that `KIND/NAME` names; the kind in any case, also with its group.
fn choose<'f>(
    objects: &[&'f Followed],
    named: &str,
    path: &str,
) -> Result<Vec<&'f Followed>, String> {
    let Some((kind, name)) = named.split_once('/') else {
        return Err(format!("`{named}` is not of the form KIND/NAME"));
    };
    let is = |object: &Object| {
        let with_group = format!("{}.{}", object.kind(), object.group());
        let same_kind =
            kind.eq_ignore_ascii_case(object.kind()) || kind.eq_ignore_ascii_case(&with_group);
        same_kind && object.name() == name
    };
    let chosen: Vec<&Followed> = objects
        .iter()
        .copied()
        .filter(|followed| is(&followed.object))
        .collect();
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let names: Vec<String> = objects
        .iter()
        .map(|followed| followed.object.key().to_string())
        .collect();
    let hint = match nearest(named, names.iter().map(String::as_str)) {
        Some(near) => format!("a similar one is `{near}`"),
        None => format!("there are {}", quoted(&names)),
    };
    Err(format!("`{path}` has no `{named}`; {hint}"))
}
