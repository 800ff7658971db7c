//! What a commit says: who, when and why.
//!
//! Takes people and times as values, and finds the commit that inputs were taken from.
//! Reads no clock and no environment.

mod moment;

use anyhow::{Context as _, anyhow};
use git2::ErrorCode;

use super::{ObjectId, Repository, explain, hash};

pub use moment::Moment;

/// Longest line that names the subject of the inputs' commit, in characters.
const SUBJECT_LIMIT: usize = 200;

/// A name and an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    name: String,
    email: String,
}

/// Who has done something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who.
    pub person: Person,
    /// When.
    pub moment: Moment,
}

/// What a commit says besides its tree and its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitText {
    /// Who has written what is committed.
    pub author: Signature,
    /// Who has made the commit.
    pub committer: Signature,
    /// The message; white space at its end does not matter.
    pub message: String,
}

/// The commit that holds exactly the inputs of a publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputsCommit {
    /// Its id.
    pub id: ObjectId,
    /// Its author, as `Name <e-mail>`.
    pub author: String,
    /// When it was committed.
    pub moment: Moment,
    /// The first line of its message, without control characters.
    pub subject: String,
    /// The rest of its message.
    pub body: String,
}

impl Person {
    /// Checks a name and an e-mail address.
    ///
    /// Errors: an empty name, and characters that would end the field in a commit.
    pub fn new(name: &str, email: &str) -> anyhow::Result<Self> {
        let refuse = |what: &str, text: &str| {
            let forbidden = |c: char| matches!(c, '<' | '>') || c.is_control();
            if text.contains(forbidden) {
                return Err(anyhow!(
                    "{what} `{}` holds `<`, `>` or a control character",
                    text.escape_debug()
                ));
            }
            Ok(())
        };
        let (name, email) = (name.trim(), email.trim());
        refuse("name", name)?;
        refuse("e-mail address", email)?;
        if name.is_empty() {
            return Err(anyhow!("the name of an author must not be empty"));
        }
        Ok(Person {
            name: name.to_owned(),
            email: email.to_owned(),
        })
    }

    /// Reads `Name <e-mail>`.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let parts = text
            .trim()
            .strip_suffix('>')
            .and_then(|text| text.split_once('<'));
        let (name, email) = parts.with_context(|| format!("`{text}` is not `Name <e-mail>`"))?;
        Person::new(name, email)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the e-mail address.
    pub fn email(&self) -> &str {
        &self.email
    }
}

impl std::fmt::Display for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}

impl CommitText {
    /// Checks a message that somebody has written: it says something, and holds no NUL, which Git cannot store.
    pub fn check_message(message: &str) -> anyhow::Result<()> {
        if message.contains('\0') {
            return Err(anyhow!("the message holds a NUL"));
        }
        if message.trim().is_empty() {
            return Err(anyhow!("the message is empty"));
        }
        Ok(())
    }

    /// Returns the message of a publish that nobody has written one for.
    ///
    /// `path` is that of the tree. The commit of the inputs stands at the end, where `git interpret-trailers` finds it.
    pub fn default_message(path: &str, inputs: Option<&InputsCommit>) -> String {
        let path = if path.is_empty() { "." } else { path };
        match inputs {
            None => format!("Render {path} from uncommitted inputs\n"),
            Some(inputs) => {
                let subject: String = inputs.subject.chars().take(SUBJECT_LIMIT).collect();
                let subject = if subject.is_empty() {
                    String::new()
                } else {
                    format!("{subject}\n\n")
                };
                format!(
                    "Render {path} from {}\n\n{subject}Inputs-Commit: {}\n",
                    inputs.id.short(),
                    inputs.id
                )
            }
        }
    }

    /// Returns the content of the commit object.
    ///
    /// Source: git's `commit_tree_extended` in `commit.c`; text is UTF-8, so there is no `encoding`.
    pub(super) fn encode(&self, tree: ObjectId, parent: Option<ObjectId>) -> Vec<u8> {
        let line = |role: &str, signature: &Signature| {
            format!("{role} {} {}\n", signature.person, signature.moment)
        };
        let parent = parent
            .map(|parent| format!("parent {parent}\n"))
            .unwrap_or_default();
        let author = line("author", &self.author);
        let committer = line("committer", &self.committer);
        let message = self.message.trim_end();
        format!("tree {tree}\n{parent}{author}{committer}\n{message}\n").into_bytes()
    }
}

impl InputsCommit {
    /// Returns the content of `hydrator.metadata`, by which GitOps tools find the inputs of a rendered tree.
    ///
    /// Source: argo-cd v3.5.1, `commitserver/commit`, and gitops-promoter, `HydratorMetadata`.
    pub fn hydrator_metadata(&self, repository: Option<&str>) -> Vec<u8> {
        let mut fields = serde_json::Map::new();
        let mut set = |name: &str, value: &str| {
            if !value.is_empty() {
                fields.insert(name.to_owned(), value.into());
            }
        };
        set("repoURL", repository.unwrap_or(""));
        set("drySha", &self.id.to_string());
        set("author", &self.author);
        set("date", &self.moment.to_rfc3339());
        set("subject", &self.subject);
        set("body", &self.body);
        let mut text = serde_json::to_vec_pretty(&fields).expect("strings are JSON");
        text.push(b'\n');
        text
    }
}

impl Repository {
    /// Returns the commit that `HEAD` points to, if it holds every one of the given files as it is.
    ///
    /// Files are paths from the top of the repository, with their content. Returns `None` for inputs that are not
    /// committed, in a repository without commits, and in a bare one, whose `HEAD` says nothing about files on disk.
    pub fn inputs_commit<'a>(
        &self,
        files: impl IntoIterator<Item = (String, &'a [u8])>,
    ) -> anyhow::Result<Option<InputsCommit>> {
        if self.work_tree.is_none() {
            return Ok(None);
        }
        self.with(|handle| {
            let reading = || format!("reading `HEAD` of `{}`", self.shown());
            let head = match handle.head().and_then(|head| head.peel_to_commit()) {
                Ok(head) => head,
                Err(error)
                    if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(explain(error)).with_context(reading),
            };
            let tree = head.tree().map_err(explain).with_context(reading)?;
            for (path, content) in files {
                let entry = tree.get_path(std::path::Path::new(&path));
                let same =
                    entry.is_ok_and(|entry| entry.id() == hash(git2::ObjectType::Blob, content));
                if !same {
                    return Ok(None);
                }
            }
            Ok(Some(describe(&head)))
        })
    }
}

fn describe(commit: &git2::Commit<'_>) -> InputsCommit {
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.chars()
            .filter(|c| *c == '\n' || !c.is_control())
            .collect::<String>()
    };
    let message = text(commit.message_bytes());
    let (subject, body) = message
        .trim_start()
        .split_once('\n')
        .unwrap_or((message.trim(), ""));
    let author = commit.author();
    InputsCommit {
        id: ObjectId(commit.id()),
        author: format!(
            "{} <{}>",
            text(author.name_bytes()),
            text(author.email_bytes())
        ),
        moment: Moment::of(commit.time()),
        subject: subject.trim().to_owned(),
        body: body.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests;
