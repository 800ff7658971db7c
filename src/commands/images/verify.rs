//! `images verify`: whether what the fleet is pinned to is still there.

use std::collections::BTreeSet;

use super::super::{Failure, root};
use super::{fleet, registries};
use crate::cli::{ImagesVerify, Verbosity};
use crate::compile::compile;
use crate::console::Console;
use crate::diagnostic::{Code, Diagnostic};
use crate::exit::Exit;
use crate::images::has_digest;
use crate::images::pin::{has_tag, without_digest};
use crate::inputs::Inputs;

/// Asks registries for every digest of the fleet, and for the tags beside them.
pub(in super::super) fn verify(
    arguments: &ImagesVerify,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let root = root(console)?;
    let inputs = Inputs::load(&root, &mut console.sources, &mut console.diagnostics)?;
    let compilation = compile(&inputs, &mut console.sources, &mut console.diagnostics)?
        .without_required_digests();
    let images = fleet::images(&compilation, arguments.jobs, console)?;
    let (pinned, others): (Vec<&String>, Vec<&String>) =
        images.keys().partition(|image| has_digest(image));
    let mut asked = BTreeSet::new();
    for image in &pinned {
        asked.insert(by_digest(image));
        if has_tag(image) {
            asked.insert(without_digest(image).to_owned());
        }
    }
    let answers = registries::ask(&asked, console)?;
    for image in &pinned {
        let exact = by_digest(image);
        if let Err(why) = &answers[&exact] {
            let finding = registries::finding(&exact, None, why);
            console.diagnostics.push(finding);
            continue;
        }
        let tagged = without_digest(image);
        let Some(answer) = answers.get(tagged).filter(|_| has_tag(image)) else {
            continue;
        };
        let digest = image.rsplit('@').next().unwrap_or_default();
        let moved = match answer {
            Ok(now) if now == digest => continue,
            Ok(now) => format!("`{tagged}` is `{now}` now, and pinned to `{digest}`"),
            // The digest is what counts.
            Err(_) => {
                format!("`{tagged}` cannot be resolved any more, and is pinned to `{digest}`")
            }
        };
        let finding = Diagnostic::warning(Code::ImageTagMoved, moved)
            .hint("what runs is the pinned image; `tenantry images pin --update` follows the tag");
        console.diagnostics.push(finding);
    }
    for image in &others {
        let message = format!("not pinned: `{image}`");
        console.note(Verbosity::Verbose, &message);
    }
    if console.diagnostics.has_errors() {
        return Err(Failure::Unavailable);
    }
    let message = format!(
        "{} pinned and there, {} not pinned",
        pinned.len(),
        others.len()
    );
    console.note(Verbosity::Normal, &message);
    Ok(Exit::Done)
}

/// Returns a reference by digest alone: beside one, a tag says nothing.
fn by_digest(image: &str) -> String {
    let digest = image.rsplit('@').next().unwrap_or_default();
    let tagged = without_digest(image);
    let path = tagged.rfind('/').map_or(0, |at| at + 1);
    let end = tagged[path..]
        .find(':')
        .map_or(tagged.len(), |at| path + at);
    format!("{}@{digest}", &tagged[..end])
}
