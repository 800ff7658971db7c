//! `publish`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::gate::Gate;
use super::render::{plural, render_each};
use super::{Failure, root, tree_failure};
use crate::cli::{self, Publish, Role, Verbosity};
use crate::compile::compile;
use crate::console::Console;
use crate::diagnostic::{Code, Diagnostic};
use crate::exit::Exit;
use crate::git::{
    self, Attempt, Branch, CommitText, GitError, InputsCommit, LocalBranch, Moment, Person,
    Publication, Published, Remote, Repository, RevisionTree, Signature,
};
use crate::inputs::Inputs;
use crate::tree::{Scope, Summary};

/// Name of the file that tells GitOps tools of the inputs.
const HYDRATOR_METADATA: &str = "hydrator.metadata";
/// How long the lock of a branch may be taken.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks everything, renders in memory and commits the tree.
pub(super) fn publish(arguments: &Publish, console: &mut Console) -> Result<Exit, Failure> {
    let settled = Settled::new(arguments)?;
    let root = root(console)?;
    let inputs = Inputs::load(&root, &mut console.sources, &mut console.diagnostics)?;
    let form = arguments.format.form();
    let compilation =
        compile(&inputs, &mut console.sources, &mut console.diagnostics)?.in_form(form);
    let repository = Repository::discover(&root)?;
    let below = repository.path_of(&root)?;
    let branch = match settled.branch {
        Some(branch) => branch,
        None => Branch::parse(&compilation.model.repository_branch)?,
    };

    let files = console.sources.iter();
    let inputs_commit = repository
        .inputs_commit(files.map(|file| (join(&below, &file.path), file.text.as_bytes())))?;
    let path = join(&below, compilation.tree());
    let message = match &arguments.message {
        Some(message) => message.clone(),
        None => CommitText::default_message(&path, inputs_commit.as_ref()),
    };
    let mut beside = BTreeMap::new();
    if arguments.hydrator_metadata {
        let Some(commit) = &inputs_commit else {
            let message = "`--hydrator-metadata` names the commit of the inputs: commit them first";
            return Err(Failure::Usage(message.to_owned()));
        };
        let url = compilation.model.repository_url.as_deref();
        beside.insert(HYDRATOR_METADATA.to_owned(), commit.hydrator_metadata(url));
    }
    let publication = Publication {
        commit: settled
            .people
            .sign(&repository, inputs_commit.as_ref(), message)?,
        branch,
        remote: settled.remote,
        path,
        form,
        beside,
        adopt: arguments.adopt,
        patience: PATIENCE,
    };

    let directories = compilation.directories(None);
    let threads = cli::threads(arguments.jobs);
    let outcome = git::publish(&repository, &publication, |publisher, attempt| {
        if attempt.number > 1 {
            let message = format!(
                "somebody else has moved `{}`: rendering again",
                publication.branch
            );
            console.note(Verbosity::Normal, &message);
        }
        let old = parent_tree(&repository, attempt, &publication, console)?;
        let gate = Gate::new(&compilation, &old, &Scope::All);
        render_each(
            &compilation,
            &directories,
            threads,
            "rendering",
            console,
            |rendered| {
                publisher.put(&rendered)?;
                let looked = gate.look(&rendered, true);
                looked.map_err(|error| GitError::Environment(error.into()))
            },
            git_failure,
        )?;
        let decision = gate.decide(arguments.adopt, console)?;
        if decision.open {
            return Ok(());
        }
        let stops = publisher
            .stops()
            .map_err(|error| git_failure(error, console))?;
        Err(decision.refuse(&stops, console))
    });
    match outcome {
        Ok(published) => tell(&published, &publication, console),
        Err(git::Failure::Caller(failure)) => Err(failure),
        Err(git::Failure::Git(error)) => Err(git_failure(error, console)),
    }
}

/// Returns the tree that the commit is to replace, in which hazards are looked for.
fn parent_tree<'r>(
    repository: &'r Repository,
    attempt: Attempt,
    publication: &Publication,
    console: &mut Console,
) -> Result<RevisionTree<'r>, Failure> {
    let reader = match attempt.parent {
        Some(parent) => repository.read_commit(parent, &publication.path)?,
        None => None,
    };
    RevisionTree::open(publication.path.clone(), reader)
        .map_err(|error| tree_failure(error, console))
}

/// What the command line and the environment say, before anything is read.
struct Settled {
    branch: Option<Branch>,
    remote: Option<Remote>,
    people: People,
}

/// Who is named in the commit, as far as it is known.
struct People {
    author: Option<Person>,
    date: Option<Moment>,
    author_role: Role,
    committer_role: Role,
    now: Moment,
}

impl Settled {
    fn new(arguments: &Publish) -> Result<Self, Failure> {
        let usage = |option: &str| {
            let option = option.to_owned();
            move |error: anyhow::Error| Failure::Usage(format!("{option}: {error:#}"))
        };
        if let Some(message) = &arguments.message {
            CommitText::check_message(message).map_err(usage("--message"))?;
        }
        let branch = arguments.branch.as_deref().map(Branch::parse).transpose();
        let remote = arguments.push.as_deref().map(Remote::parse).transpose();
        let author = arguments.author.as_deref().map(Person::parse).transpose();
        let date = arguments.date.as_deref().map(Moment::parse).transpose();
        Ok(Settled {
            branch: branch.map_err(usage("--branch"))?,
            remote: remote.map_err(usage("--push"))?,
            people: People {
                author: author.map_err(usage("--author"))?,
                date: date.map_err(usage("--date"))?,
                author_role: cli::role("AUTHOR"),
                committer_role: cli::role("COMMITTER"),
                now: Moment::utc(cli::now()),
            },
        })
    }
}

impl People {
    /// Decides who has written the commit and who has made it.
    ///
    /// As for `git commit`, the command line comes before the environment and that before the configuration. Where
    /// Git would ask who one is, the commit is signed by Tenantry, which has made it.
    fn sign(
        self,
        repository: &Repository,
        inputs: Option<&InputsCommit>,
        message: String,
    ) -> anyhow::Result<CommitText> {
        let configured = repository.configured_person()?;
        let from = |role: &Role, otherwise: &Person| {
            let name = role.name.as_deref().unwrap_or(otherwise.name());
            Person::new(name, role.email.as_deref().unwrap_or(otherwise.email()))
        };
        let moment = |role: &Role| role.date.as_deref().map(Moment::parse).transpose();
        let ours = Person::new("Tenantry", "tenantry@localhost")?;
        let fallback = configured
            .as_ref()
            .or(self.author.as_ref())
            .unwrap_or(&ours);
        let committer = Signature {
            person: from(&self.committer_role, fallback)?,
            moment: self
                .date
                .or(moment(&self.committer_role)?)
                .unwrap_or(self.now),
        };
        let author = Signature {
            person: match self.author {
                Some(author) => author,
                None => from(&self.author_role, fallback)?,
            },
            moment: (self.date)
                .or(moment(&self.author_role)?)
                .or(inputs.map(|inputs| inputs.moment))
                .unwrap_or(self.now),
        };
        Ok(CommitText {
            author,
            committer,
            message,
        })
    }
}

/// Takes what stopped a publish to the console.
fn git_failure(error: GitError, console: &mut Console) -> Failure {
    match error {
        GitError::Stopped(refusals) => {
            for refusal in &refusals {
                console.diagnostics.push(refusal.to_diagnostic());
            }
            Failure::Stopped
        }
        GitError::Environment(error) => Failure::Environment(error),
    }
}

/// Says what was done; the commit's id goes to standard output, for scripts.
fn tell(
    published: &Published,
    publication: &Publication,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let place = match &publication.remote {
        Some(remote) => format!("`{}` of `{}`", publication.branch, remote.shown()),
        None => format!("`{}`", publication.branch),
    };
    let (commit, summary, local) = match published {
        Published::Unchanged(..) => {
            console.note(Verbosity::Normal, &format!("{place} is up to date"));
            return Ok(Exit::Done);
        }
        Published::Committed {
            commit,
            summary,
            local,
        } => (commit, summary, local),
    };
    console
        .print(&format!("{commit}\n"))
        .map_err(Failure::Output)?;
    tell_summary(summary, publication, console);
    let written = plural(summary.written.len(), "directory", "directories", "written");
    let (removed, unchanged) = (summary.removed.len(), summary.unchanged);
    let commit = commit.short();
    console.note(
        Verbosity::Normal,
        &format!("{place} is now {commit}: {written}, {removed} removed, {unchanged} unchanged"),
    );
    let branch = &publication.branch;
    match local {
        LocalBranch::Moved => {}
        LocalBranch::LeftBehind(work_tree) => {
            console
                .diagnostics
                .push(left_behind(publication, work_tree));
        }
        LocalBranch::CheckedOut(work_tree) => console.note(
            Verbosity::Normal,
            &format!(
                "`{branch}` is checked out in `{}` and has stayed: pull it",
                work_tree.display()
            ),
        ),
        LocalBranch::Locked => console.note(
            Verbosity::Normal,
            &format!("`{branch}` here is locked by another process, and has stayed"),
        ),
        LocalBranch::Diverged => console.note(
            Verbosity::Normal,
            &format!("`{branch}` here has commits that were never pushed, and has stayed"),
        ),
    }
    Ok(Exit::Done)
}

/// Warns that the next commit in a work tree would take the publish back.
fn left_behind(publication: &Publication, work_tree: &Path) -> Diagnostic {
    let message = format!(
        "branch `{}` is checked out in `{}`, whose index still holds the old tree",
        publication.branch,
        work_tree.display()
    );
    let path = if publication.path.is_empty() {
        "."
    } else {
        &publication.path
    };
    Diagnostic::warning(Code::BranchCheckedOut, message)
        .hint(format!(
            "let it follow before anything is committed there: `git restore --source=HEAD --staged --worktree -- {path}`"
        ))
        .hint("or publish to a branch of its own, such as `--branch rendered`, or straight to a remote with `--push`")
}

fn tell_summary(summary: &Summary, publication: &Publication, console: &Console) {
    for (what, paths) in [("wrote", &summary.written), ("removed", &summary.removed)] {
        for path in paths {
            console.note(
                Verbosity::Verbose,
                &format!("{what} {}", join(&publication.path, path)),
            );
        }
    }
    for path in &summary.adopted {
        console.note(Verbosity::Normal, &format!("took over {path}"));
    }
}

/// Joins two paths of a repository, of which either may be empty.
pub(super) fn join(above: &str, below: &str) -> String {
    let slash = if above.is_empty() || below.is_empty() {
        ""
    } else {
        "/"
    };
    format!("{above}{slash}{below}")
}
