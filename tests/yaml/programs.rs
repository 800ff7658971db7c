//! Asks kubectl and kustomize what they read.

use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A program that reads manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// The reader of `kubectl -f`, asked through `kubectl annotate --local`.
    Kubectl,
    /// `kubectl kustomize`, and then the reader of `kubectl -f` on what it printed.
    Kustomize,
}

impl Program {
    pub const ALL: [Program; 2] = [Program::Kubectl, Program::Kustomize];

    pub fn name(self) -> &'static str {
        match self {
            Program::Kubectl => "kubectl",
            Program::Kustomize => "kustomize",
        }
    }
}

/// What a program made of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The bodies of the objects, in the order of their names.
    Read(Vec<Value>),
    /// An error.
    Refused,
}

impl Answer {
    pub fn to_json(&self) -> Value {
        match self {
            Answer::Read(bodies) => json!(bodies),
            Answer::Refused => json!("refused"),
        }
    }

    pub fn from_json(value: &Value) -> Self {
        match value {
            Value::Array(bodies) => Answer::Read(bodies.clone()),
            _ => Answer::Refused,
        }
    }
}

/// Returns an object without what identifies it.
pub fn body(object: Value) -> Value {
    match object {
        Value::Object(mut map) => {
            for key in ["apiVersion", "kind", "metadata"] {
                map.shift_remove(key);
            }
            Value::Object(map)
        }
        other => other,
    }
}

/// Returns a generator of random numbers that is the same in every run.
pub fn generator() -> TestRng {
    TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32])
}

/// The installed programs, and a directory to ask them in.
pub struct Programs {
    versions: String,
    directory: TempDir,
    count: usize,
}

impl Programs {
    /// Returns `None` when kubectl cannot be run.
    pub fn find() -> Option<Self> {
        let output = Command::new("kubectl")
            .args(["version", "--client", "-o", "json"])
            .output()
            .ok()?;
        let version: Value = serde_json::from_slice(&output.stdout).ok()?;
        // Without the patch level and without what a distributor adds.
        let kubectl = version["clientVersion"]["gitVersion"]
            .as_str()?
            .splitn(3, '.')
            .take(2)
            .collect::<Vec<_>>()
            .join(".");
        let kustomize = version["kustomizeVersion"].as_str()?;
        Some(Programs {
            versions: format!("kubectl {kubectl} with kustomize {kustomize}"),
            directory: TempDir::new().expect("a temporary directory can be made"),
            count: 0,
        })
    }

    /// Names the programs and their versions.
    pub fn versions(&self) -> &str {
        &self.versions
    }

    /// Asks all programs about files, each of which holds objects whose names start with the file's.
    pub fn ask(
        &mut self,
        files: &[(String, String)],
        expected_to_fail: impl Fn(usize) -> bool,
    ) -> Vec<BTreeMap<Program, Answer>> {
        let kubectl = self.kubectl(files);
        let kustomize = self.kustomize(files, expected_to_fail);
        let pair = |(kubectl, kustomize)| {
            BTreeMap::from([(Program::Kubectl, kubectl), (Program::Kustomize, kustomize)])
        };
        kubectl.into_iter().zip(kustomize).map(pair).collect()
    }

    fn fresh(&mut self, files: &[(String, String)]) -> std::path::PathBuf {
        self.count += 1;
        let path = self.directory.path().join(self.count.to_string());
        std::fs::create_dir(&path).expect("a directory can be made");
        for (name, text) in files {
            std::fs::write(path.join(format!("{name}.yaml")), text).expect("a file can be written");
        }
        path
    }

    fn kubectl(&mut self, files: &[(String, String)]) -> Vec<Answer> {
        let path = self.fresh(files);
        sorted(files, &annotate(&path))
    }

    /// Asks kustomize: once for the files that are expected to be read, and once for each of the others.
    fn kustomize(
        &mut self,
        files: &[(String, String)],
        expected_to_fail: impl Fn(usize) -> bool,
    ) -> Vec<Answer> {
        let (alone, together): (Vec<_>, Vec<_>) = files
            .iter()
            .cloned()
            .enumerate()
            .partition(|(index, _)| expected_to_fail(*index));
        let together: Vec<_> = together.into_iter().map(|(_, file)| file).collect();
        let mut printed = match self.build(&together) {
            Some(printed) => vec![("together".to_owned(), printed)],
            // Something has changed: find out what.
            None => together
                .into_iter()
                .filter_map(|file| Some((file.0.clone(), self.build(&[file])?)))
                .collect(),
        };
        for (_, file) in alone {
            let name = file.0.clone();
            printed.extend(self.build(&[file]).map(|text| (name, text)));
        }
        let path = self.fresh(&printed);
        sorted(files, &annotate(&path))
    }

    fn build(&mut self, files: &[(String, String)]) -> Option<String> {
        let path = self.fresh(files);
        let resources: Vec<String> = files
            .iter()
            .map(|(name, _)| format!("{name}.yaml"))
            .collect();
        let kustomization = json!({ "resources": resources }).to_string();
        std::fs::write(path.join("kustomization.yaml"), kustomization)
            .expect("a file can be written");
        let output = Command::new("kubectl")
            .arg("kustomize")
            .arg(&path)
            .output()
            .expect("kubectl runs");
        output
            .status
            .success()
            .then(|| String::from_utf8(output.stdout).expect("kustomize prints UTF-8"))
    }
}

/// Returns the objects that kubectl reads from a directory; files that it refuses are missing.
fn annotate(path: &Path) -> Vec<Value> {
    let output = Command::new("kubectl")
        .args(["annotate", "--local", "x=y", "-o", "json", "-f"])
        .arg(path)
        .output()
        .expect("kubectl runs");
    let text = String::from_utf8(output.stdout).expect("kubectl prints UTF-8");
    serde_json::Deserializer::from_str(&text)
        .into_iter::<Value>()
        .map(|object| object.expect("kubectl prints JSON"))
        .collect()
}

/// Sorts objects to the files that they came from.
fn sorted(files: &[(String, String)], objects: &[Value]) -> Vec<Answer> {
    let mut read: BTreeMap<&str, Vec<(&str, Value)>> = BTreeMap::new();
    for object in objects {
        let name = object["metadata"]["name"]
            .as_str()
            .expect("an object has a name");
        if let Some((file, _)) = files
            .iter()
            .find(|(file, _)| name.starts_with(file.as_str()))
        {
            read.entry(file)
                .or_default()
                .push((name, body(object.clone())));
        }
    }
    let answer = |(file, _): &(String, String)| match read.remove(file.as_str()) {
        Some(mut objects) => {
            objects.sort_by_key(|(name, _)| *name);
            Answer::Read(objects.into_iter().map(|(_, body)| body).collect())
        }
        None => Answer::Refused,
    };
    files.iter().map(answer).collect()
}
