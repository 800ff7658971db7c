//! Settings in the terms of files: which line of `projects.yaml`, in which layer, and what it has overridden.

use crate::base::Base;
use crate::config::Node;
use crate::diff::Path;
use crate::model::Project;
use crate::plan::behind::{self, Setting};
use crate::source::Span;
use crate::trace::{Read, tokens};
use crate::yaml::Marks;

/// A setting that has decided something.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its name as people write it: `database.embedded.size`.
    pub key: String,
    /// What it is a setting of: `the project`, `profile small`, `platform`, `base kfp-2.17.0`.
    pub of: String,
    /// Where it is written; `None` for a built-in default.
    pub place: Option<Span>,
    /// The settings of lower layers that it overrides, lowest first.
    pub overrides: Vec<(String, Span)>,
}

/// Finds settings for one project, or for what a cluster gets once.
#[derive(Debug)]
pub struct Sources<'a> {
    /// `projects.yaml`, short forms put into long ones.
    root: &'a Node,
    project: Option<&'a Project>,
    cluster: &'a str,
    base: Option<&'a Base>,
    /// `base.yaml` and the places in it.
    facts: Option<(crate::source::FileId, Marks)>,
}

impl<'a> Sources<'a> {
    /// Prepares to find settings; `texts` are those that the compilation was made of.
    pub fn new(
        root: &'a Node,
        project: Option<&'a Project>,
        cluster: &'a str,
        base: Option<&'a Base>,
        texts: &crate::source::Sources,
    ) -> Sources<'a> {
        let facts = base.and_then(|base| {
            let file = texts.find(&format!("base/{}/base.yaml", base.facts.name))?;
            let options = crate::yaml::LoadOptions {
                marks: true,
                ..crate::yaml::LoadOptions::default()
            };
            let document = crate::yaml::load_one(&texts.get(file).text, &options).ok()?;
            Some((file, document.marks))
        });
        Sources {
            root,
            project,
            cluster,
            base,
            facts,
        }
    }

    /// Returns the settings behind some paths, each once.
    pub(super) fn behind(&self, reads: &[Read]) -> Vec<Source> {
        let mut found: Vec<Source> = Vec::new();
        for read in reads {
            let settings = match (self.project, self.base) {
                (Some(project), Some(base)) => behind::settings(read, project, base),
                _ => behind::settings_of_cluster(read),
            };
            // Of several that may decide, those count that are written; of none, the first one's default.
            let sources: Vec<Source> = settings
                .iter()
                .map(|setting| self.source(setting))
                .collect();
            let any = sources.iter().any(|source| source.place.is_some());
            let kept = sources
                .into_iter()
                .enumerate()
                .filter(|(index, source)| source.place.is_some() || (!any && *index == 0));
            for (_, source) in kept {
                if !found.contains(&source) {
                    found.push(source);
                }
            }
        }
        found
    }

    fn source(&self, setting: &Setting) -> Source {
        match setting {
            Setting::Base(pointer) => {
                let name = self.base.map_or("", |base| base.facts.name.as_str());
                let place = self.facts.as_ref().and_then(|(file, marks)| {
                    let range = marks.value(pointer)?;
                    Some(Span {
                        file: *file,
                        start: range.start,
                        end: range.end,
                    })
                });
                Source {
                    key: dotted(pointer),
                    of: format!("base {name}"),
                    place,
                    overrides: Vec::new(),
                }
            }
            Setting::File(pointer) => {
                let mut steps = tokens(pointer);
                let top = if steps.is_empty() {
                    String::new()
                } else {
                    steps.remove(0)
                };
                Source {
                    key: dotted(pointer),
                    of: if top == "platform" {
                        top
                    } else {
                        String::new()
                    },
                    place: place(self.root, pointer),
                    overrides: Vec::new(),
                }
            }
            Setting::Platform(pointer) => {
                let cluster = format!("/platform/clusters/{}{pointer}", escape(self.cluster));
                let layers = [
                    ("platform".to_owned(), format!("/platform{pointer}")),
                    (format!("cluster {}", self.cluster), cluster),
                ];
                let written = layers
                    .iter()
                    .filter_map(|(of, pointer)| Some((of.clone(), place(self.root, pointer)?)));
                self.layered(dotted(pointer), "platform", written.collect())
            }
            Setting::Project(pointer) => {
                let written = self
                    .layers()
                    .into_iter()
                    .filter_map(|(of, node)| Some((of, place(node, pointer)?)));
                let mut written: Vec<(String, Span)> = written.collect();
                // Another form of storage, or a `null`, puts lower layers out of force.
                let in_force = self.project.and_then(|project| project.spans.get(pointer));
                match in_force.and_then(|span| written.iter().position(|(_, other)| other == span))
                {
                    Some(at) => written.truncate(at + 1),
                    None => written.clear(),
                }
                self.layered(dotted(pointer), "the project", written)
            }
        }
    }

    fn layered(&self, key: String, otherwise: &str, mut written: Vec<(String, Span)>) -> Source {
        let last = written.pop();
        Source {
            key,
            of: last
                .as_ref()
                .map_or_else(|| otherwise.to_owned(), |(of, _)| of.clone()),
            place: last.map(|(_, span)| span),
            overrides: written,
        }
    }

    /// Returns the layers of the project, lowest first.
    fn layers(&self) -> Vec<(String, &Node)> {
        let Some(project) = self.project else {
            return Vec::new();
        };
        let items = self
            .root
            .get("projects")
            .map(Node::items)
            .unwrap_or_default();
        let named = |item: &&Node| item.get("name").and_then(Node::text) == Some(&project.name);
        let own = items.iter().find(named);
        let defaults = self.root.get("defaults");
        let profile = own
            .and_then(|own| own.get("profile"))
            .or_else(|| defaults?.get("profile"))
            .and_then(Node::text);
        let profile = profile.and_then(|name| {
            let node = self.root.get("profiles")?.get(name)?;
            Some((format!("profile {name}"), node))
        });
        defaults
            .map(|node| ("defaults".to_owned(), node))
            .into_iter()
            .chain(profile)
            .chain(own.map(|node| ("the project".to_owned(), node)))
            .collect()
    }
}

/// Returns where the value at a pointer is written.
fn place(node: &Node, pointer: &str) -> Option<Span> {
    let mut node = node;
    let mut place = node.span;
    for step in tokens(pointer) {
        if let Some(entry) = node.entry(&step) {
            place = entry.place();
            node = &entry.value;
        } else {
            node = node.items().get(step.parse::<usize>().ok()?)?;
            place = node.span;
        }
    }
    (!node.is_null()).then_some(place)
}

fn dotted(pointer: &str) -> String {
    let mut path = Path::root();
    for step in tokens(pointer) {
        match step.parse() {
            Ok(index) => path.index(index),
            Err(_) => path.field(&step),
        };
    }
    path.as_str().to_owned()
}

fn escape(step: &str) -> String {
    let mut pointer = String::new();
    crate::yaml::push_token(&mut pointer, step);
    pointer.split_off(1)
}
