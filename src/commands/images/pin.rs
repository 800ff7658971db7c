//! `images pin`: digests from registries into the files of `base/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::{Failure, root};
use super::{fleet, registries};
use crate::base::lock::Lock;
use crate::cli::{ImagesPin, Verbosity};
use crate::compile::{Compilation, compile};
use crate::console::Console;
use crate::diagnostic::{Code, Diagnostic};
use crate::exit::Exit;
use crate::grammar;
use crate::images::pin::{has_tag, is_complete, pinned, replace, without_digest};
use crate::images::{Mapped, Mirrors, has_digest};
use crate::inputs::Inputs;
use crate::vendor::disk::Disk;

/// Texts of one base, by path below its directory.
type Texts = BTreeMap<String, String>;

/// Asks registries for digests and writes them into the bases; all or nothing.
///
/// Images are fetched from where the fleet fetches them, mirrors included.
pub(in super::super) fn pin(arguments: &ImagesPin, console: &mut Console) -> Result<Exit, Failure> {
    let root = root(console)?;
    let inputs = Inputs::load(&root, &mut console.sources, &mut console.diagnostics)?;
    let compilation = compile(&inputs, &mut console.sources, &mut console.diagnostics)?
        .without_required_digests();
    let bases = bases(&inputs, console);
    let mut wanted = wanted(arguments, &compilation, &bases, console)?;

    // What is only the beginning of a reference cannot be pinned: a program adds the tag.
    for beginning in wanted.extract_if(.., |reference, _| !is_complete(reference)) {
        let message = format!("left alone: `{}` has no tag", beginning.0);
        console.note(Verbosity::Normal, &message);
    }
    wanted
        .retain(|reference, _| has_tag(reference) && (arguments.update || !has_digest(reference)));
    if wanted.is_empty() {
        console.note(Verbosity::Normal, "every image of the bases is pinned");
        return Ok(Exit::Done);
    }
    let replacements = resolve(&wanted, console)?;

    let mut changed: BTreeMap<&str, Texts> = BTreeMap::new();
    for (base, texts) in &bases {
        let mut others = texts.clone();
        let mut differs = false;
        for text in others.values_mut() {
            if let Some(other) = replace(text, &replacements) {
                differs |= other != *text;
                *text = other;
            }
        }
        if differs {
            changed.insert(base, others);
        }
    }
    write(&root, &inputs, &changed, console)?;
    let mut lines = String::new();
    for replacement in replacements
        .iter()
        .filter_map(|(old, new)| (old != new).then_some(new))
    {
        let _infallible = writeln!(lines, "{replacement}");
    }
    console.print(&lines).map_err(Failure::Output)?;
    let count = lines.lines().count();
    let message = match changed.len() {
        0 => "every tag stands for what it is pinned to".to_owned(),
        _ => format!(
            "pinned {count} {} in {}: run `tenantry render`",
            if count == 1 { "image" } else { "images" },
            changed
                .keys()
                .map(|base| format!("base/{base}"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    console.note(Verbosity::Normal, &message);
    Ok(Exit::Done)
}

/// Returns the texts of all bases.
fn bases(inputs: &Inputs, console: &Console) -> BTreeMap<String, Texts> {
    let mut bases: BTreeMap<String, Texts> = BTreeMap::new();
    for (path, file) in &inputs.bases {
        if let Some((base, below)) = path.split_once('/') {
            let text = console.sources.get(*file).text.clone();
            let texts = bases.entry(base.to_owned()).or_default();
            texts.insert(below.to_owned(), text);
        }
    }
    bases
}

/// Returns the references of the bases that are to be pinned, each with the places that it is fetched from.
fn wanted(
    arguments: &ImagesPin,
    compilation: &Compilation,
    bases: &BTreeMap<String, Texts>,
    console: &mut Console,
) -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
    let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    if arguments.all {
        let mirrors: Vec<Mirrors> = compilation
            .model
            .clusters
            .iter()
            .map(|cluster| Mirrors::new(&cluster.images.mirrors))
            .collect();
        let facts = bases.keys().filter_map(|base| compilation.base(base));
        for image in facts.flat_map(|facts| facts.images.values()) {
            let fetched = mirrors.iter().map(|mirrors| match mirrors.map(image) {
                Mapped::To(mirrored) => mirrored,
                Mapped::Unchanged | Mapped::Unmapped => image.clone(),
            });
            wanted.entry(image.clone()).or_default().extend(fetched);
        }
        return Ok(wanted);
    }
    for (fetched, image) in fleet::images(compilation, arguments.jobs, console)? {
        for source in image.sources {
            wanted.entry(source).or_default().insert(fetched.clone());
        }
    }
    // What stands in `projects.yaml` or in files of the user is the user's to pin.
    wanted.retain(|reference, _| {
        let this = BTreeMap::from([(reference.clone(), String::new())]);
        let mut texts = bases.values().flat_map(BTreeMap::values);
        texts.any(|text| replace(text, &this).is_some())
    });
    Ok(wanted)
}

/// Returns what each reference becomes; all that stands in the way is reported at once.
fn resolve(
    wanted: &BTreeMap<String, BTreeSet<String>>,
    console: &mut Console,
) -> Result<BTreeMap<String, String>, Failure> {
    let asked: BTreeSet<String> = wanted
        .values()
        .flatten()
        .map(|reference| without_digest(reference).to_owned())
        .collect();
    let answers = registries::ask(&asked, console)?;
    let mut replacements = BTreeMap::new();
    let mut reported = BTreeSet::new();
    for (source, places) in wanted {
        let mut digests: BTreeMap<&str, &str> = BTreeMap::new();
        for place in places.iter().map(|place| without_digest(place)) {
            match &answers[place] {
                Ok(digest) => {
                    digests.insert(digest, place);
                }
                Err(why) => {
                    if reported.insert(place) {
                        let of = without_digest(source);
                        let finding = registries::finding(place, Some(of), why);
                        console.diagnostics.push(finding);
                    }
                }
            }
        }
        let mut found = digests.iter();
        match (found.next(), found.next()) {
            (Some((one, here)), Some((other, there))) => {
                let message = format!(
                    "`{source}` is two images: `{here}` is `{one}`, and `{there}` is `{other}`"
                );
                let finding = Diagnostic::error(Code::ImageUnresolved, message).hint(
                    "bring the mirrors up to date, so that one digest holds for all clusters",
                );
                console.diagnostics.push(finding);
            }
            (Some((digest, place)), None) => {
                let new = pinned(source, digest);
                if has_digest(&new) && grammar::image::image(&new).is_ok() {
                    replacements.insert(source.clone(), new);
                } else {
                    let why = format!("it answers with the digest `{digest}`");
                    let why = crate::registry::Unresolved::Failed(why);
                    let finding = registries::finding(place, Some(source), &why);
                    console.diagnostics.push(finding);
                }
            }
            (None, _) => {}
        }
    }
    if console.diagnostics.has_errors() {
        return Err(Failure::Unavailable);
    }
    Ok(replacements)
}

/// Writes the bases, each with its part of the lock.
fn write(
    root: &std::path::Path,
    inputs: &Inputs,
    changed: &BTreeMap<&str, Texts>,
    console: &Console,
) -> Result<(), Failure> {
    if changed.is_empty() {
        return Ok(());
    }
    let disk = Disk::open(root)?;
    let _scratch = disk.scratch()?;
    let (mut lock, _) = match inputs.lock {
        Some(file) => Lock::parse(file, &console.sources),
        None => (Lock::default(), Vec::new()),
    };
    for (base, texts) in changed {
        disk.write(base, texts, lock.clone())?;
        let files = texts
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_bytes()));
        lock.replace(base, files);
    }
    Ok(())
}
