//! Accepts what people wrote into a base: its lines of the lock are written anew.
//!
//! What comes from upstream is not theirs to write; it changes by `vendor update` only.

use std::path::Path;

use super::bases::Bases;
use super::disk::Disk;
use super::{Failure, check_base, is_upstream};
use crate::base::lock::Edit;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Sources;

/// Brings the lock of a base up to date, and returns the files that differ from it, by path below `base/`.
///
/// Errors: `base-lock-mismatch` for files that come from upstream and for a lock that cannot be read, the codes of
/// [`Base::load`](crate::base::Base::load); a base that is not there.
pub fn relock(
    root: &Path,
    name: &str,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<(String, Edit)>, Failure> {
    let disk = Disk::open(root)?;
    let bases = Bases::load_unverified(&disk, sources, diagnostics)?;
    let files = bases.files_of(name);
    if files.is_empty() {
        return Err(Failure::Usage(format!("there is no base `{name}`")));
    }
    let is_vendored = bases.recorded(name).is_ok();
    let mut lock = bases.lock.clone();
    lock.replace(
        name,
        files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_bytes())),
    );
    let edits = bases.lock.edits(&lock);
    for (path, _) in &edits {
        let below = path.strip_prefix(&format!("{name}/"));
        if is_vendored && below.is_some_and(is_upstream) {
            diagnostics.push(
                Diagnostic::error(
                    Code::BaseLockMismatch,
                    format!("`base/{path}` comes from upstream, and is not what was vendored"),
                )
                .path(format!("base/{path}"))
                .hint(format!(
                    "`tenantry vendor update {name}` writes it anew; what should differ goes into a component of the base"
                )),
            );
        }
    }
    diagnostics.accept(())?;
    check_base(name, &files, diagnostics)?;
    if !edits.is_empty() {
        disk.write_lock(&lock)?;
    }
    Ok(edits)
}
