//! `init`: makes a working repository, or completes one, and never overwrites anything.

use std::ffi::OsStr;
use std::io;

use anyhow::Context as _;

use super::{Failure, print};
use crate::base::embedded;
use crate::base::lock::{FILE as LOCK, Lock};
use crate::cli::{Init, Verbosity};
use crate::confined::{Directory, Masked};
use crate::console::Console;
use crate::exit::Exit;
use crate::inputs::{BASE, PROJECTS};

const PROJECTS_TEXT: &str = include_str!("init/projects.yaml");
const WORKFLOW: &str = include_str!("init/workflow.yml");
const ATTRIBUTES: &str = include_str!("init/gitattributes");

/// Where the bases are prepared, so that a run that is killed leaves no half of them behind in `base/`.
const PREPARED_BASE: &str = ".tenantry-base";

/// Makes what is missing, and says what was there.
pub(super) fn init(arguments: &Init, console: &Console) -> Result<Exit, Failure> {
    let shown = arguments.directory.display();
    let root = Directory::make_trusted(&arguments.directory)
        .with_context(|| format!("making `{shown}`"))?;
    let base = embedded::newest().unwrap_or("kfp-2.17.0");
    let files = [
        (PROJECTS, PROJECTS_TEXT.replace("{base}", base)),
        ("projects.schema.json", print::schema_text()),
        (".gitattributes", ATTRIBUTES.to_owned()),
        (
            ".github/workflows/tenantry.yml",
            WORKFLOW.replace("{version}", env!("CARGO_PKG_VERSION")),
        ),
    ];
    let mut left = Vec::new();
    for (path, text) in &files {
        if write_new(&root, path, text.as_bytes()).with_context(|| format!("writing `{path}`"))? {
            console.note(Verbosity::Normal, &format!("made {path}"));
        } else {
            left.push(*path);
        }
    }
    if make_base(&root).with_context(|| format!("writing `{BASE}`"))? {
        console.note(Verbosity::Normal, &format!("made {BASE}/"));
    } else {
        left.push("base/");
    }
    for path in left {
        console.note(Verbosity::Normal, &format!("left {path} as it was"));
    }
    Ok(Exit::Done)
}

/// Writes a file, unless something has its name; tells whether it was written.
fn write_new(root: &Directory, path: &str, bytes: &[u8]) -> io::Result<bool> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let above = root
        .make_below(above)
        .map_err(|(_, error)| io::Error::from(error))?;
    match above.write_new(OsStr::new(name), bytes, Masked::Yes) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes the bases with their lock, unless there is a `base/` with anything in it; tells whether they were written.
///
/// All or nothing: to add a base to others would make their lock wrong.
fn make_base(root: &Directory) -> io::Result<bool> {
    let name = OsStr::new(BASE);
    match root.open(name) {
        Ok(base) if base.entries()?.is_empty() => {}
        Err(crate::confined::OpenError::Missing) => {}
        Ok(_) => return Ok(false),
        Err(crate::confined::OpenError::Io(error)) => return Err(error),
        // A link or a file: somebody has other plans for the name.
        Err(_) => return Ok(false),
    }
    let prepared = OsStr::new(PREPARED_BASE);
    root.remove_all(prepared)?;
    let (directory, _) = root.make(prepared)?;
    let files = embedded::files();
    for (path, bytes) in &files {
        write_new(&directory, path, bytes)?;
    }
    if !files.contains_key(LOCK) {
        let lock = Lock::compute(files).to_string();
        write_new(&directory, LOCK, lock.as_bytes())?;
    }
    root.rename(prepared, root, name)?;
    Ok(true)
}
