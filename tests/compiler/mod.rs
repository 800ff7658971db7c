//! What the tests of the compiler share: compiling a `projects.yaml` in memory with the shipped bases.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use serde_json::Value;
use tenantry::compile::{BaseFiles, Compilation};
use tenantry::diagnostic::Diagnostics;
use tenantry::inputs::Failure;
use tenantry::source::{FileId, Sources};
use tenantry::tree::Form;
use tenantry::yaml::{self, LoadOptions};

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Whether recorded answers are to be rewritten.
pub fn overwrite() -> bool {
    std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite")
}

/// The files below a directory as text, by path with `/`.
pub fn files_below(directory: &Path) -> BTreeMap<String, String> {
    walkdir::WalkDir::new(directory)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(directory).expect("below it");
            let text = std::fs::read_to_string(entry.path()).expect("text");
            (path.to_str().expect("UTF-8").to_owned(), text)
        })
        .collect()
}

/// The files of the shipped bases, by path below `base/`.
pub fn bases() -> &'static BTreeMap<String, String> {
    static BASES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    BASES.get_or_init(|| files_below(&root().join("base")))
}

/// What a compilation gave.
pub struct Outcome {
    /// Content by path below the tree; empty when there were errors.
    pub tree: BTreeMap<String, String>,
    /// One line for each finding: `error[code] file:line:column message`.
    pub findings: Vec<String>,
}

/// Compiles with the shipped bases; `extra` are the files that `extraManifests` may name.
pub fn compile_with(projects: &str, extra: &BTreeMap<String, String>, jobs: usize) -> Outcome {
    compile_bases(projects, bases(), extra, jobs)
}

/// Loads a compilation, with the texts that it is made of.
pub fn load(
    projects: &str,
    bases: &BTreeMap<String, String>,
    extra: &BTreeMap<String, String>,
    diagnostics: &mut Diagnostics,
) -> (Sources, FileId, Result<Compilation, Failure>) {
    let mut sources = Sources::default();
    let file = sources.add("projects.yaml", projects);
    let mut files = BaseFiles::new();
    for (path, text) in bases {
        if let Some((base, below)) = path.split_once('/') {
            let file = sources.add(format!("base/{path}"), text);
            files
                .entry(base.to_owned())
                .or_default()
                .insert(below.to_owned(), file);
        }
    }
    let compilation = Compilation::load(
        file,
        &files,
        &mut sources,
        diagnostics,
        |paths, sources, _| {
            let read = paths.iter().map(|(path, _)| {
                let text = extra
                    .get(path)
                    .unwrap_or_else(|| panic!("`{path}` is not there"));
                (path.clone(), sources.add(path.clone(), text.clone()))
            });
            Ok(read.collect())
        },
    );
    (sources, file, compilation)
}

/// Compiles with given bases.
pub fn compile_bases(
    projects: &str,
    bases: &BTreeMap<String, String>,
    extra: &BTreeMap<String, String>,
    jobs: usize,
) -> Outcome {
    compile_form(projects, bases, extra, jobs, Form::Plain)
}

/// Compiles with given bases to a tree of a form.
pub fn compile_form(
    projects: &str,
    bases: &BTreeMap<String, String>,
    extra: &BTreeMap<String, String>,
    jobs: usize,
    form: Form,
) -> Outcome {
    let mut diagnostics = Diagnostics::default();
    let (sources, _, compilation) = load(projects, bases, extra, &mut diagnostics);
    let tree = Mutex::new(BTreeMap::new());
    if let Ok(compilation) = compilation {
        let compilation = compilation.in_form(form);
        let numbers = Mutex::new(compilation.directories(None).into_iter());
        let findings = Mutex::new(Diagnostics::default());
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    loop {
                        let next = numbers.lock().expect("no thread panics").next();
                        let Some(number) = next else { break };
                        let (directory, found) = compilation.render(number);
                        findings.lock().expect("no thread panics").extend(found);
                        let Ok(directory) = directory else { continue };
                        let mut tree = tree.lock().expect("no thread panics");
                        for (name, bytes) in directory.files {
                            let text = String::from_utf8(bytes).expect("manifests are UTF-8");
                            tree.insert(format!("{}/{name}", directory.path), text);
                        }
                    }
                });
            }
        });
        diagnostics.extend(findings.into_inner().expect("no thread panics"));
    }
    let failed = diagnostics.has_errors();
    let findings = diagnostics
        .into_sorted()
        .into_iter()
        .map(|found| {
            let place = found.span.map_or_else(String::new, |span| {
                let (line, column) = sources.line_column(span.file, span.start);
                format!(" {}:{line}:{column}", sources.get(span.file).path)
            });
            format!(
                "{}[{}]{place} {}",
                found.severity.as_str(),
                found.code.as_str(),
                found.message
            )
        })
        .collect();
    Outcome {
        tree: if failed {
            BTreeMap::new()
        } else {
            tree.into_inner().expect("no thread panics")
        },
        findings,
    }
}

/// Compiles and expects no findings at all.
pub fn compile(projects: &str) -> BTreeMap<String, String> {
    let outcome = compile_with(projects, &BTreeMap::new(), 2);
    assert_eq!(outcome.findings, Vec::<String>::new(), "{projects}");
    outcome.tree
}

/// The objects of one directory of a tree.
pub fn objects(tree: &BTreeMap<String, String>, directory: &str) -> Vec<Value> {
    let prefix = format!("{directory}/");
    let objects: Vec<Value> = tree
        .iter()
        .filter(|(path, _)| path.starts_with(&prefix))
        .flat_map(|(_, text)| yaml::load(text, &LoadOptions::default()).expect("we wrote it"))
        .map(|document| document.value)
        .collect();
    assert!(!objects.is_empty(), "no objects in {directory}");
    objects
}

/// The object `Kind/name`.
pub fn object<'a>(objects: &'a [Value], id: &str) -> Option<&'a Value> {
    let (kind, name) = id.split_once('/').expect("Kind/name");
    objects
        .iter()
        .find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
}
