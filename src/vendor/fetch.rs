//! Fetches commits and reads their files, through the `git` program.
//!
//! Takes addresses and references; gives the files of the commit in memory, read from Git's objects: nothing is checked
//! out, no hook runs, no submodule is followed. Knows nothing of what the files say.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};

use super::address::{check_reference, check_url, shown};
use crate::git;
use crate::kustomize::{Remote, Tree};

/// Largest file that is read, in bytes; the largest CRD of the field has two megabytes.
const LARGEST_FILE: u64 = 16 << 20;
/// Most bytes of one commit that are read.
const LARGEST_COMMIT: u64 = 1 << 30;
/// Most entries of one commit.
const MOST_ENTRIES: usize = 500_000;

/// What was fetched.
#[derive(Debug, Clone)]
pub(super) struct Fetched {
    /// The files.
    pub(super) tree: Arc<Tree>,
    /// The commit's name, in full.
    pub(super) commit: String,
}

/// Fetches into a directory of its own, each repository and reference once.
pub(super) struct Fetcher {
    place: PathBuf,
    /// Commits that are fetched in the place of references, by address and reference as they are recorded.
    pins: BTreeMap<String, String>,
    fetched: BTreeMap<(String, Option<String>), Fetched>,
}

impl Fetcher {
    /// Makes a fetcher that works in a directory, which must be there and empty.
    pub(super) fn new(place: PathBuf) -> Self {
        Fetcher {
            place,
            pins: BTreeMap::new(),
            fetched: BTreeMap::new(),
        }
    }

    /// Makes it fetch recorded commits, wherever their references point by now.
    pub(super) fn pinned(self, pins: BTreeMap<String, String>) -> Self {
        Fetcher { pins, ..self }
    }

    /// Returns what was fetched so far: addresses and references with the commits that they meant.
    pub(super) fn fetched(&self) -> impl Iterator<Item = (&str, Option<&str>, &str)> {
        self.fetched.iter().map(|((url, reference), fetched)| {
            (url.as_str(), reference.as_deref(), fetched.commit.as_str())
        })
    }

    /// Asks where references point that were fetched at recorded commits; returns those that point elsewhere by now:
    /// address and reference, the recorded commit, and where they point, empty when they are gone.
    ///
    /// Errors: what `git` says, with the address.
    pub(super) fn moved(&self) -> anyhow::Result<Vec<(String, String, String)>> {
        let mut moved = Vec::new();
        for ((url, reference), fetched) in &self.fetched {
            let shown = shown(url, reference.as_deref());
            let name = reference.as_deref().unwrap_or("HEAD");
            if !self.pins.contains_key(&shown) || fetched.commit.starts_with(name) {
                continue;
            }
            let repository = Repository {
                directory: &self.place.join("0"),
            };
            let now = repository
                .remote_commit(url, name)
                .with_context(|| format!("asking `{shown}`"))?;
            if now != fetched.commit {
                moved.push((shown, fetched.commit.clone(), now));
            }
        }
        Ok(moved)
    }

    /// Fetches what an address means, whatever its path.
    ///
    /// Errors: what `git` says, with the address; an address that `git` is not given; limits.
    pub(super) fn fetch(&mut self, remote: &Remote) -> anyhow::Result<Fetched> {
        let key = (remote.url.clone(), remote.reference.clone());
        if let Some(fetched) = self.fetched.get(&key) {
            return Ok(fetched.clone());
        }
        let shown = shown(&remote.url, remote.reference.as_deref());
        let directory = self.place.join(self.fetched.len().to_string());
        let reference = self.pins.get(&shown).or(remote.reference.as_ref());
        let fetched = fetch(&directory, &remote.url, reference, &shown)
            .with_context(|| format!("fetching `{shown}`"))?;
        self.fetched.insert(key, fetched.clone());
        Ok(fetched)
    }
}

fn fetch(
    directory: &Path,
    url: &str,
    reference: Option<&String>,
    name: &str,
) -> anyhow::Result<Fetched> {
    check_url(url).map_err(anyhow::Error::msg)?;
    if let Some(reference) = reference {
        check_reference(reference).map_err(anyhow::Error::msg)?;
    }
    let repository = Repository { directory };
    run(git::program()
        .args(["init", "--quiet", "--bare", "--"])
        .arg(directory))?;
    let commit = repository.fetch(url, reference.map_or("HEAD", String::as_str))?;
    let tree = repository.read(&commit, name)?;
    Ok(Fetched {
        tree: Arc::new(tree),
        commit,
    })
}

/// A repository that commits are fetched into.
struct Repository<'p> {
    directory: &'p Path,
}

impl Repository<'_> {
    fn git(&self) -> Command {
        let mut command = git::program();
        command.arg("--git-dir").arg(self.directory);
        for setting in [
            "protocol.allow=never",
            "protocol.https.allow=always",
            "protocol.ssh.allow=always",
            "protocol.file.allow=always",
            "core.hooksPath=/dev/null",
            "gc.auto=0",
            "maintenance.auto=false",
        ] {
            command.args(["-c", setting]);
        }
        command
    }

    /// Fetches one commit, and returns its name.
    fn fetch(&self, url: &str, reference: &str) -> anyhow::Result<String> {
        let options = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
        let alone = run(self
            .git()
            .args(options)
            .args(["--depth=1", "--", url, reference]));
        match alone {
            Ok(_) => self.commit("FETCH_HEAD"),
            // Servers need not give a commit by its name, and give no abbreviated one: then everything is fetched.
            Err(_) if is_commit_name(reference) => {
                run(self.git().args(options).args([
                    "--",
                    url,
                    "+refs/heads/*:refs/heads/*",
                    "+refs/tags/*:refs/tags/*",
                ]))?;
                self.commit(reference)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the commit that a reference means in a remote repository, empty when there is none of that name.
    ///
    /// In the order in which `git fetch` looks: the name itself, then a tag, then a branch.
    fn remote_commit(&self, url: &str, reference: &str) -> anyhow::Result<String> {
        let said = run(self.git().args(["ls-remote", "--quiet", "--", url]))?;
        let said = String::from_utf8_lossy(&said);
        let mut commits: BTreeMap<&str, &str> = BTreeMap::new();
        for (commit, name) in said.lines().filter_map(|line| line.split_once('\t')) {
            commits.insert(name, commit);
        }
        for prefix in ["", "refs/", "refs/tags/", "refs/heads/"] {
            let name = format!("{prefix}{reference}");
            // An annotated tag is an object of its own; `^{}` is the commit behind it.
            let commit = commits
                .get(format!("{name}^{{}}").as_str())
                .or_else(|| commits.get(name.as_str()));
            if let Some(commit) = commit.filter(|commit| is_commit_name(commit)) {
                return Ok((*commit).to_owned());
            }
        }
        Ok(String::new())
    }

    fn commit(&self, revision: &str) -> anyhow::Result<String> {
        let revision = format!("{revision}^{{commit}}");
        let said = run(self.git().args([
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &revision,
        ]))?;
        let commit = String::from_utf8_lossy(&said).trim().to_owned();
        if is_commit_name(&commit) {
            Ok(commit)
        } else {
            bail!("`git` names no commit")
        }
    }

    /// Reads the files of a commit.
    fn read(&self, commit: &str, name: &str) -> anyhow::Result<Tree> {
        let listing = run(self
            .git()
            .args(["ls-tree", "-r", "-z", "-l", "--full-tree", commit]))?;
        let mut tree = Tree::new(name);
        let mut wanted = Vec::new();
        let mut total = 0;
        for (number, line) in listing
            .split(|byte| *byte == 0)
            .filter(|line| !line.is_empty())
            .enumerate()
        {
            if number == MOST_ENTRIES {
                bail!("the commit has more than {MOST_ENTRIES} entries");
            }
            // A path that is no text cannot be named by a kustomization.
            let Ok(line) = std::str::from_utf8(line) else {
                continue;
            };
            let (entry, path) = line
                .split_once('\t')
                .ok_or_else(|| anyhow!("`git ls-tree` prints `{line}`"))?;
            let mut words = entry.split_ascii_whitespace();
            let (mode, _, object, size) = (words.next(), words.next(), words.next(), words.next());
            let size: u64 = size.and_then(|size| size.parse().ok()).unwrap_or(0);
            match (mode, object) {
                (Some("160000"), _) => tree.add_module(path)?,
                (Some("120000" | "100644" | "100755" | "100664"), _) if size > LARGEST_FILE => {
                    tree.add_too_large(path, size)?;
                }
                (Some(mode @ ("120000" | "100644" | "100755" | "100664")), Some(object)) => {
                    total += size;
                    if total > LARGEST_COMMIT {
                        bail!("the files of the commit come to more than {LARGEST_COMMIT} bytes");
                    }
                    wanted.push((object.to_owned(), path.to_owned(), mode == "120000"));
                }
                _ => bail!("`git ls-tree` prints `{line}`"),
            }
        }
        self.read_objects(wanted, &mut tree)?;
        Ok(tree)
    }

    /// Reads objects into a tree.
    fn read_objects(
        &self,
        wanted: Vec<(String, String, bool)>,
        tree: &mut Tree,
    ) -> anyhow::Result<()> {
        let mut child = self
            .git()
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("running the program `git`")?;
        let mut input = child.stdin.take().context("`git` takes no input")?;
        let mut output = BufReader::new(child.stdout.take().context("`git` gives no output")?);
        let read = std::thread::scope(|scope| {
            let names: Vec<&str> = wanted.iter().map(|(object, ..)| object.as_str()).collect();
            // Written on a thread of its own: `git` answers before it has read everything.
            scope.spawn(move || {
                for name in names {
                    // When `git` has gone away, reading says so.
                    if writeln!(input, "{name}").is_err() {
                        break;
                    }
                }
            });
            for (object, path, is_link) in &wanted {
                let bytes = read_object(&mut output, object)?;
                if *is_link {
                    let target = String::from_utf8(bytes).unwrap_or_else(|_| "/".to_owned());
                    tree.add_link(path, target)?;
                } else {
                    tree.add_file(path, bytes)?;
                }
            }
            anyhow::Ok(())
        });
        drop(output);
        let status = child.wait().context("waiting for the program `git`")?;
        read?;
        if status.success() {
            Ok(())
        } else {
            bail!("`git cat-file` failed")
        }
    }
}

/// Reads one object as `git cat-file --batch` prints it.
fn read_object(output: &mut impl BufRead, object: &str) -> anyhow::Result<Vec<u8>> {
    let mut header = String::new();
    output
        .read_line(&mut header)
        .context("reading from `git`")?;
    let size: u64 = header
        .trim_end()
        .strip_prefix(object)
        .and_then(|rest| rest.strip_prefix(" blob "))
        .and_then(|size| size.parse().ok())
        .filter(|size| *size <= LARGEST_FILE)
        .ok_or_else(|| anyhow!("`git cat-file` prints `{}`", header.trim_end()))?;
    let mut bytes = Vec::new();
    output
        .by_ref()
        .take(size + 1)
        .read_to_end(&mut bytes)
        .context("reading from `git`")?;
    if bytes.pop() != Some(b'\n') || bytes.len() as u64 != size {
        bail!("`git cat-file` ends in the middle of a file");
    }
    Ok(bytes)
}

/// Tells whether a text can be the name of a commit, perhaps abbreviated.
fn is_commit_name(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Runs `git` and returns what it prints.
///
/// Errors: what it says on standard error.
fn run(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("running the program `git`")?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        bail!("`git` failed without a word")
    }
    bail!("{}", lines.join("\n"))
}
