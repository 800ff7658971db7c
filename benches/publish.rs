//! Publishes directories from memory and prints how long it takes; `benches/publish.sh` compares it with Git.
//!
//! `publish REPOSITORY TREE...` publishes each tree in turn to the branch `rendered`, with a thread per core, and prints
//! a line with seconds, directories written and bytes for each. Reading the trees from disk does not count.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use tenantry::git::{
    Branch, CommitText, GitError, Moment, Person, Publication, Published, Repository, Signature,
    publish,
};
use tenantry::tree::{Form, RenderedDirectory};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let [repository, trees @ ..] = &arguments[..] else {
        // `cargo test --benches` runs benches without arguments.
        return Ok(());
    };
    let repository = Repository::open(Path::new(repository))?;
    for tree in trees {
        let directories = read(Path::new(tree))?;
        let bytes: usize = directories
            .iter()
            .flat_map(|directory| directory.files.values())
            .map(Vec::len)
            .sum();
        let start = Instant::now();
        let written = run(&repository, &directories)?;
        println!("{:.4} {written} {bytes}", start.elapsed().as_secs_f64());
    }
    Ok(())
}

fn run(repository: &Repository, directories: &[RenderedDirectory]) -> anyhow::Result<usize> {
    let signature = Signature {
        person: Person::new("Ada", "ada@example.com")?,
        moment: Moment::utc(1_000_000_000),
    };
    let publication = Publication {
        branch: Branch::parse("rendered")?,
        remote: None,
        path: "overlays".to_owned(),
        form: Form::Plain,
        commit: CommitText {
            author: signature.clone(),
            committer: signature,
            message: "Render".to_owned(),
        },
        beside: BTreeMap::new(),
        adopt: false,
        patience: Duration::ZERO,
    };
    let threads = std::thread::available_parallelism()?.get();
    let published = publish(repository, &publication, |publisher, _| {
        std::thread::scope(|scope| {
            let parts = directories.chunks(directories.len().div_ceil(threads).max(1));
            let workers: Vec<_> = parts
                .map(|part| {
                    scope.spawn(move || {
                        part.iter()
                            .try_for_each(|directory| publisher.put(directory))
                    })
                })
                .collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().expect("no thread panics"))
        })
    });
    match published {
        Ok(Published::Committed { summary, .. } | Published::Unchanged(_, summary)) => {
            Ok(summary.written.len())
        }
        Err(tenantry::git::Failure::Caller(error) | tenantry::git::Failure::Git(error)) => {
            match error {
                GitError::Environment(error) => Err(error),
                stopped @ GitError::Stopped(_) => Err(anyhow::anyhow!("{stopped}")),
            }
        }
    }
}

/// Reads the directories of a rendered tree.
fn read(tree: &Path) -> anyhow::Result<Vec<RenderedDirectory>> {
    let mut directories: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for entry in walkdir::WalkDir::new(tree).sort_by_file_name() {
        let entry = entry?;
        let path = entry
            .path()
            .strip_prefix(tree)?
            .to_string_lossy()
            .into_owned();
        if let (true, Some((directory, name))) =
            (entry.file_type().is_file(), path.rsplit_once('/'))
        {
            let content = std::fs::read(entry.path())?;
            directories
                .entry(directory.to_owned())
                .or_default()
                .insert(name.to_owned(), content);
        }
    }
    let directories = directories
        .into_iter()
        .map(|(path, files)| RenderedDirectory {
            project: Some(path.clone()),
            path,
            base: None,
            state: "active".to_owned(),
            files,
        });
    Ok(directories.collect())
}
