//! Holds bases against their lock, and vendored ones against upstream.

use std::collections::BTreeSet;
use std::path::Path;

use super::bases::Bases;
use super::disk::Disk;
use super::fetch::Fetcher;
use super::{Failure, Request, address, is_upstream, sorted};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Sources;

/// Holds the bases against `base/base.lock`; with `upstream`, flattens the recorded commits of vendored bases anew and
/// compares. Returns the names of the bases that were looked at.
///
/// Errors: `base-lock-mismatch`; those of [`add`](super::add).
pub fn verify(
    root: &Path,
    names: &[String],
    upstream: bool,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<String>, Failure> {
    let disk = Disk::open(root)?;
    let bases = Bases::load(&disk, sources, diagnostics)?;
    if let Some(unknown) = names.iter().find(|name| !bases.has(name)) {
        return Err(Failure::Usage(format!("there is no base `{unknown}`")));
    }
    let all = bases.names();
    let chosen: Vec<String> = all
        .into_iter()
        .filter(|name| names.is_empty() || names.contains(name))
        .collect();
    if upstream {
        for name in &chosen {
            verify_upstream(name, &bases, &disk, sources, diagnostics)?;
        }
    }
    Ok(diagnostics.accept(chosen)?)
}

/// Flattens the recorded commit of a base anew, and compares it with what is there.
fn verify_upstream(
    name: &str,
    bases: &Bases,
    disk: &Disk,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<(), Failure> {
    let Ok(recorded) = bases.recorded(name) else {
        return Ok(());
    };
    let mut pins = recorded.remotes;
    let main = address::shown(&recorded.url, recorded.reference.as_deref());
    pins.insert(main, recorded.commit.clone());
    let request = Request {
        name: name.to_owned(),
        url: recorded.url,
        reference: recorded.reference,
        path: recorded.path,
        reach: recorded.reach,
    };
    request.check().map_err(Failure::Usage)?;
    let place = disk.scratch()?;
    let mut fetcher = Fetcher::new(place.path().to_owned()).pinned(pins);
    let mut ignored = Diagnostics::default();
    let outcome = sorted(&request, bases, &mut fetcher, sources, &mut ignored);
    let (sorted, origin) =
        outcome.inspect_err(|_| diagnostics.extend(std::mem::take(&mut ignored)))?;
    let own = bases.files_of(name);
    let paths: BTreeSet<&String> = own
        .keys()
        .filter(|path| is_upstream(path))
        .chain(sorted.files.keys())
        .collect();
    let commit = &recorded.commit;
    for file in paths {
        let what = match (own.get(file), sorted.files.get(file)) {
            (Some(here), Some(there)) if here == there => continue,
            (Some(_), Some(_)) => "is not what",
            (None, _) => "is missing, and is part of what",
            (Some(_), None) => "is there, and not part of what",
        };
        diagnostics.push(
            Diagnostic::error(
                Code::BaseLockMismatch,
                format!(
                    "`base/{name}/{file}` {what} {} flattens to at `{commit}`",
                    origin.repository
                ),
            )
            .path(format!("base/{name}/{file}"))
            .hint("`tenantry vendor update` writes it anew; changes belong into patches"),
        );
    }
    for (remote, pinned, now) in fetcher.moved()? {
        let message = if now.is_empty() {
            format!("`{remote}` is gone, and commit `{pinned}` was vendored")
        } else {
            format!("`{remote}` means commit `{now}` by now, and `{pinned}` was vendored")
        };
        diagnostics.push(
            Diagnostic::warning(Code::UpstreamMoved, message)
            .path(format!("base/{name}/base.yaml"))
            .hint(format!(
                "`tenantry vendor update {name}` takes it over; a tag that moves is worth a question to its owner"
            )),
        );
    }
    Ok(())
}
