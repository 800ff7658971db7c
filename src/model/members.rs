//! `members`: who may do what in a project's namespace.

use serde::{Serialize, Serializer};

use super::scope::{Report, Scope};
use crate::config::types::{self, text};
use crate::config::{Content, Node};
use crate::diagnostic::Code;
use crate::source::Span;

/// `members`, by level; a level includes what the levels after it may do.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Members {
    /// Editors who may also restart the stack and edit its configuration.
    pub admins: Vec<Member>,
    /// Viewers who may also create, run, stop and delete pipelines.
    pub editors: Vec<Member>,
    /// Who may read pipelines, runs and logs.
    pub viewers: Vec<Member>,
}

/// A person, a group or a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// A user as the API server authenticates it.
    User(String),
    /// A group as the API server authenticates it.
    Group(String),
    /// A service account, of whatever namespace.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl Members {
    /// Returns the levels with their names, the most powerful one first.
    pub fn levels(&self) -> [(&'static str, &[Member]); 3] {
        [
            ("admins", &self.admins),
            ("editors", &self.editors),
            ("viewers", &self.viewers),
        ]
    }
}

impl Member {
    /// Reads the form that `grammar::name::member` has let pass.
    fn read(text: &str) -> Option<Member> {
        let (kind, name) = text.split_once(':')?;
        match kind {
            "user" => Some(Member::User(name.to_owned())),
            "group" => Some(Member::Group(name.to_owned())),
            _ => {
                let (namespace, name) = name.split_once('/')?;
                Some(Member::ServiceAccount {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                })
            }
        }
    }
}

impl std::fmt::Display for Member {
    /// Writes the form of `projects.yaml`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Member::User(name) => write!(f, "user:{name}"),
            Member::Group(name) => write!(f, "group:{name}"),
            Member::ServiceAccount { namespace, name } => {
                write!(f, "serviceAccount:{namespace}/{name}")
            }
        }
    }
}

impl Serialize for Member {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Settles `members`.
///
/// Errors: `invalid-value` for a member that stands twice in one list. Two levels may name one member, since `defaults`
/// and a project may each have a reason to.
pub(super) fn resolve(
    scope: &Scope,
    report: &mut Report,
    merged: &Node,
    written: types::Members,
) -> Members {
    let mut level = |name: &str, list: Option<Vec<text::Member>>| -> Vec<Member> {
        // Items that were rejected are not in the typed list, and must not shift the places of the others.
        let places: Vec<Span> = merged
            .get("members")
            .and_then(|members| members.get(name))
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter(|item| item.content != Content::Rejected)
            .map(|item| item.span)
            .collect();
        let mut members: Vec<(Member, Span)> = Vec::new();
        for (text, place) in list.unwrap_or_default().into_iter().zip(places) {
            let Some(member) = Member::read(&text.0) else {
                continue;
            };
            if let Some((_, first)) = members.iter().find(|(known, _)| *known == member) {
                report.push(
                    scope
                        .error(
                            Code::InvalidValue,
                            &format!("/members/{name}"),
                            format!("`{member}` stands twice in `{name}`"),
                        )
                        .at(place)
                        .label("again here")
                        .also(*first, "first here")
                        .hint("remove one of the two"),
                );
                continue;
            }
            members.push((member, place));
        }
        members.into_iter().map(|(member, _)| member).collect()
    };
    Members {
        admins: level("admins", written.admins),
        editors: level("editors", written.editors),
        viewers: level("viewers", written.viewers),
    }
}
