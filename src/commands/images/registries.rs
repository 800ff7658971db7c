//! Asking registries, with what the command line and Docker's configuration say.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use anyhow::Context as _;

use super::super::Failure;
use crate::cli;
use crate::console::Console;
use crate::diagnostic::{Code, Diagnostic};
use crate::images;
use crate::registry::{self, Credentials, Unresolved};

/// Asks for the digests of references.
pub(super) fn ask(
    references: &BTreeSet<String>,
    console: &Console,
) -> Result<BTreeMap<String, Result<String, Unresolved>>, Failure> {
    let asked: Vec<String> = references.iter().cloned().collect();
    let mut credentials = credentials()?;
    let progress = console.progress("asking registries for", asked.len());
    let answers = registry::digests(&asked, &mut credentials, || progress.step())
        .context("asking registries")?;
    drop(progress);
    Ok(asked.into_iter().zip(answers).collect())
}

/// Reads the credentials that Docker keeps; none when there is no such file.
#[allow(
    clippy::disallowed_methods,
    reason = "the file is the person's own, not one of the repository"
)]
fn credentials() -> Result<Credentials, Failure> {
    let Some(path) = cli::docker_config() else {
        return Ok(Credentials::default());
    };
    let shown = path.display().to_string();
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Credentials::default());
        }
        Err(error) => {
            return Err(Failure::Environment(
                anyhow::Error::new(error).context(format!("reading `{shown}`")),
            ));
        }
    };
    Credentials::parse(&text)
        .map_err(|why| Failure::Environment(anyhow::anyhow!("reading `{shown}`: {why}")))
}

/// Says why a registry has no digest for a reference; `of` tells which image that is to people.
pub(super) fn finding(reference: &str, of: Option<&str>, why: &Unresolved) -> Diagnostic {
    let registry = images::registry(reference);
    let (what, hint) = match why {
        Unresolved::Missing => (
            format!("`{registry}` has no image `{reference}`"),
            "check the reference, and whether the mirror holds it".to_owned(),
        ),
        Unresolved::Denied => (
            format!("`{registry}` does not hand out `{reference}`: it wants other credentials"),
            format!("run `docker login {registry}`"),
        ),
        Unresolved::Failed(why) => (
            format!("`{registry}` gives no digest for `{reference}`: {why}"),
            "see whether the registry can be reached from here, and try again".to_owned(),
        ),
    };
    let finding = Diagnostic::error(Code::ImageUnresolved, what).hint(hint);
    match of.filter(|of| *of != reference) {
        Some(of) => finding.hint(format!("it is the mirror of `{of}`")),
        None => finding,
    }
}
