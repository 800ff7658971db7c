//! `index.json`: what we have written, so that the next run tells our files from others'.
//!
//! ```json
//! {
//!   "format": 1,
//!   "form": "kustomize",
//!   "directories": {
//!     "in-cluster/churn": {
//!       "project": "churn",
//!       "base": "kfp-2.17.0",
//!       "state": "active",
//!       "files": {
//!         "ui.yaml": "<sha256>"
//! ```
//!
//! `form` is left out in the plain form. Sorted, one file per line, so that Git merges it line by line. Knows nothing of files on disk.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Write};
use std::ops::Bound;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::path::{is_directory, is_name};
use super::{Form, RenderedDirectory};
use crate::confined::{Content, Directory, OpenError};
use crate::digest::{Digest, Hasher};

const FORMAT: u32 = 1;

/// What we have written, by path of the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) form: Form,
    pub(crate) directories: BTreeMap<String, Arc<Entry>>,
}

/// What we have written to one directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<String>,
    pub(crate) state: String,
    pub(crate) files: Files,
}

/// Digests by file name, sorted by name; a list, because a fleet has a hundred thousand of them in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files(Vec<(Box<str>, Digest)>);

#[derive(Serialize, Deserialize)]
struct Document<D> {
    format: u32,
    /// Absent for the plain form, which older versions know alone.
    #[serde(default, skip_serializing_if = "is_plain")]
    form: Form,
    directories: D,
}

fn is_plain(form: &Form) -> bool {
    *form == Form::Plain
}

impl Entry {
    /// Returns the entry of a rendered directory.
    pub(crate) fn of(rendered: &RenderedDirectory) -> Self {
        let files = rendered.files.iter();
        Entry {
            project: rendered.project.clone(),
            base: rendered.base.clone(),
            state: rendered.state.clone(),
            files: Files(
                files
                    .map(|(name, bytes)| (name.as_str().into(), Digest::of(bytes)))
                    .collect(),
            ),
        }
    }
}

impl Entry {
    /// Tells whether a directory holds exactly the files of this entry.
    pub(crate) fn is_in(&self, directory: &Directory) -> io::Result<bool> {
        let entries = directory.entries()?;
        let names = entries.iter().map(|(name, _)| name.as_os_str());
        if !names.eq(self.files.names().map(OsStr::new)) {
            return Ok(false);
        }
        for (name, digest) in &self.files.0 {
            let found = match directory.compare(OsStr::new(&**name), &[]) {
                Ok(Content::Equal) => Digest::of(&[]),
                Ok(Content::Other(found)) => found,
                Err(OpenError::Io(error)) => return Err(error),
                Err(_) => return Ok(false),
            };
            if found != *digest {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Files {
    /// Returns what the file should hold; `None` for a file that we have not written.
    pub(crate) fn get(&self, name: &str) -> Option<Digest> {
        let found = self.0.binary_search_by(|(other, _)| (**other).cmp(name));
        found.ok().map(|at| self.0[at].1)
    }

    /// Returns the names, sorted.
    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }
}

impl Index {
    /// Reads the text of an index; an error says why it cannot be one.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        /// What every format has.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if format != FORMAT {
            return Err(format!(
                "it has format {format}, and this version of Tenantry knows format {FORMAT}"
            ));
        }
        let document: Document<BTreeMap<String, Arc<Entry>>> =
            serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let directories = document.directories;
        for (path, entry) in &directories {
            if !is_directory(path) {
                return Err(format!("`{path}` cannot be a directory of the tree"));
            }
            if let Some(name) = entry.files.names().find(|name| !is_name(name)) {
                return Err(format!("`{name}` in `{path}` cannot be the name of a file"));
            }
        }
        Ok(Index {
            form: document.form,
            directories,
        })
    }

    /// Writes the text of the index.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let document = Document {
            format: FORMAT,
            form: self.form,
            directories: &self.directories,
        };
        serde_json::to_writer_pretty(&mut *out, &document)?;
        out.write_all(b"\n")
    }

    /// Returns the digest of the text, without holding the text in memory.
    pub(crate) fn digest(&self) -> Digest {
        let mut hasher = io::BufWriter::new(Hasher::default());
        self.write(&mut hasher).expect("a hasher takes everything");
        hasher
            .into_inner()
            .map(Hasher::finish)
            .expect("a hasher takes everything")
    }

    /// Tells whether a directory of the index lies below the path.
    pub(crate) fn has_below(&self, path: &str) -> bool {
        let prefix = format!("{path}/");
        let range = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let next = self.directories.range::<str, _>(range).next();
        next.is_some_and(|(path, _)| path.starts_with(&prefix))
    }
}

impl Serialize for Files {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, digest) in &self.0 {
            map.serialize_entry(name, digest)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Vec<(Box<str>, Digest)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from file names to sha256")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(0).min(64));
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        let mut pairs = deserializer.deserialize_map(Pairs)?;
        // A merge by lines may leave the lines out of order, or one of them twice: the last one counts, as in any JSON.
        pairs.reverse();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, first| later.0 == first.0);
        pairs.shrink_to_fit();
        Ok(Files(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Index {
        let rendered = RenderedDirectory {
            path: "in-cluster/churn".to_owned(),
            project: Some("churn".to_owned()),
            base: Some("kfp-2.17.0".to_owned()),
            state: "active".to_owned(),
            files: BTreeMap::from([
                ("ui.yaml".to_owned(), b"abc".to_vec()),
                ("access.yaml".to_owned(), b"".to_vec()),
            ]),
        };
        let platform = Entry {
            project: None,
            base: None,
            state: "active".to_owned(),
            files: Files::default(),
        };
        Index {
            form: Form::Plain,
            directories: BTreeMap::from([
                (rendered.path.clone(), Arc::new(Entry::of(&rendered))),
                ("in-cluster/_cluster".to_owned(), Arc::new(platform)),
            ]),
        }
    }

    const TEXT: &str = r#"{
  "format": 1,
  "directories": {
    "in-cluster/_cluster": {
      "state": "active",
      "files": {}
    },
    "in-cluster/churn": {
      "project": "churn",
      "base": "kfp-2.17.0",
      "state": "active",
      "files": {
        "access.yaml": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "ui.yaml": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
      }
    }
  }
}
"#;

    #[test]
    fn text_and_back() {
        let mut text = Vec::new();
        sample()
            .write(&mut text)
            .expect("a vector takes everything");
        assert_eq!(String::from_utf8_lossy(&text), TEXT);
        assert_eq!(Index::parse(TEXT.as_bytes()), Ok(sample()));
        assert_eq!(sample().digest(), Digest::of(TEXT.as_bytes()));
    }

    #[test]
    fn another_form_is_noted() {
        let index = Index {
            form: Form::Kustomize,
            ..sample()
        };
        let mut text = Vec::new();
        index.write(&mut text).expect("a vector takes everything");
        let expect = TEXT.replace("1,\n", "1,\n  \"form\": \"kustomize\",\n");
        assert_eq!(String::from_utf8_lossy(&text), expect);
        assert_eq!(Index::parse(expect.as_bytes()), Ok(index));
    }

    #[test]
    fn lines_that_a_merge_has_mixed() {
        let line =
            "\"access.yaml\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"";
        let other = line.replace("e3b0", "0000");
        let merged = TEXT
            .replace(line, &other)
            .replace("20015ad\"", &format!("20015ad\",\n{line}"));
        assert_eq!(Index::parse(merged.as_bytes()), Ok(sample()));
    }

    #[test]
    fn what_cannot_be_an_index() {
        let check = |text: &str, expect: &str| {
            let error = Index::parse(text.as_bytes()).expect_err("not an index");
            assert!(error.starts_with(expect), "{error}");
        };
        check("", "EOF while parsing");
        check("<<<<<<< ours\n", "expected value at line 1");
        check(
            &TEXT.replace("\"format\": 1", "\"format\": 2"),
            "it has format 2",
        );
        check(
            &TEXT.replace("in-cluster/churn", "../etc"),
            "`../etc` cannot be a directory",
        );
        check(
            &TEXT.replace("ui.yaml", "../x"),
            "`../x` in `in-cluster/churn` cannot be the name",
        );
        check(&TEXT.replace("ba78", "BA78"), "`BA78");
        check(
            &TEXT.replace(
                "\"state\": \"active\",\n      \"files\": {\n",
                "\"files\": {\n",
            ),
            "missing field `state`",
        );
    }

    #[test]
    fn directories_below_a_path() {
        let index = sample();
        assert!(index.has_below("in-cluster"));
        assert!(!index.has_below("in-cluster/churn"));
        assert!(!index.has_below("in"));
    }
}
