//! `explain`: where the values of rendered objects come from.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use super::{Failure, root};
use crate::base::Base;
use crate::cli::{self, Explain, Verbosity};
use crate::compile::{CLUSTER_DIRECTORY, Compilation, compile};
use crate::config;
use crate::console::Console;
use crate::diagnostic::{Diagnostics, nearest};
use crate::exit::Exit;
use crate::explain::{Sources, added, explain, field, platform, show, wired_project};
use crate::inputs::Inputs;
use crate::layout;
use crate::model::Project;
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

/// The objects of one directory.
struct Found<'a> {
    objects: Vec<Followed>,
    /// Name of the cluster.
    cluster: String,
    /// The project whose directory it is.
    project: Option<&'a Project>,
    /// The base of a cluster's own objects.
    base: Option<&'a Base>,
}

impl<'a> Found<'a> {
    /// Returns the project that an object is for; in a directory of the platform, each may have its own.
    fn project_of(&self, object: &Object, compilation: &'a Compilation) -> Option<&'a Project> {
        self.project
            .or_else(|| wired_project(object, &compilation.model))
    }
}

/// Renders the directory of a file, and keeps the file's objects.
fn find<'a>(
    compilation: &'a Compilation,
    path: &str,
    console: &mut Console,
) -> Result<Found<'a>, Failure> {
    let tree = compilation.tree();
    let Some((directory, name)) = path.rsplit_once('/') else {
        return Err(Failure::Usage(format!(
            "`{tree}/{path}` is no file with objects"
        )));
    };
    let whole = directory_at(compilation, path, console)?;
    let is_directory = whole.is_some();
    let found = match whole {
        Some(found) => Some(found),
        None => directory_at(compilation, directory, console)?,
    };
    let Some(mut found) = found else {
        let directories = directories(compilation);
        let near = nearest(directory, directories.iter().map(String::as_str));
        let hint = near.map(|near| format!("; there is `{near}`"));
        return Err(Failure::Usage(format!(
            "nothing is rendered to `{tree}/{directory}`{}",
            hint.unwrap_or_default()
        )));
    };
    let file_of = |followed: &Followed| layout::file_name(&followed.object.file);
    let files: BTreeSet<String> = found.objects.iter().map(file_of).collect();
    let files: Vec<String> = files.into_iter().collect();
    if is_directory {
        return Err(Failure::Usage(format!(
            "`{tree}/{path}` is a directory; its files are {}",
            quoted(&files)
        )));
    }
    found.objects.retain(|followed| file_of(followed) == name);
    if found.objects.is_empty() {
        let hint = match nearest(name, files.iter().map(String::as_str)) {
            Some(near) => format!("a similar name is `{near}`"),
            None => format!("its files are {}", quoted(&files)),
        };
        return Err(Failure::Usage(format!(
            "no file `{name}` is rendered to `{tree}/{directory}`; {hint}"
        )));
    }
    Ok(found)
}

/// Renders the directory with this path below the tree, if there is one.
fn directory_at<'a>(
    compilation: &'a Compilation,
    path: &str,
    console: &mut Console,
) -> Result<Option<Found<'a>>, Failure> {
    let model = &compilation.model;
    let Some((cluster, below)) = path.split_once('/') else {
        return Ok(None);
    };
    let Some(cluster) = model.clusters.iter().find(|known| known.name == cluster) else {
        return Ok(None);
    };
    let of_cluster = |project: &&Project| project.cluster == cluster.name;
    let mut projects = model.projects.iter().filter(of_cluster);
    let (objects, project, base) = if below == CLUSTER_DIRECTORY && projects.next().is_some() {
        let (objects, base) =
            compilation.cluster_followed(cluster, &console.sources, &mut console.diagnostics)?;
        (objects, None, Some(base))
    } else if let Some(project) = projects.find(|project| project.namespace == below) {
        let objects = compilation.followed(project, &console.sources, &mut console.diagnostics)?;
        (objects, Some(project), None)
    } else if below.starts_with('_') {
        let numbers = compilation.directories(None).into_iter();
        let mut named = numbers.filter(|number| compilation.path(*number) == path);
        let Some(number) = named.next() else {
            return Ok(None);
        };
        let objects = compilation.without_base(number, &mut console.diagnostics)?;
        (platform(&objects, cluster, model), None, None)
    } else {
        return Ok(None);
    };
    Ok(Some(Found {
        objects,
        cluster: cluster.name.clone(),
        project,
        base,
    }))
}

/// Returns the paths of all directories below the tree.
fn directories(compilation: &Compilation) -> Vec<String> {
    let numbers = compilation.directories(None).into_iter();
    numbers.map(|number| compilation.path(number)).collect()
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
