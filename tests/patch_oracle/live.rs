//! Asks `kubectl kustomize`.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::cases::Pair;

/// The version that we follow.
pub(crate) const VERSION: &str = "v5.5.0";

/// Returns the version of kustomize inside of kubectl, `None` without kubectl.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("kubectl")
        .args(["version", "--client", "--output=json"])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
    Some(answer.get("kustomizeVersion")?.as_str()?.to_owned())
}

/// Builds one kustomization of all pairs; gives the objects that it prints.
pub(crate) fn kustomize<'p>(pairs: impl Iterator<Item = &'p Pair>) -> Result<Vec<Value>, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let write = |name: &str, value: &Value| {
        std::fs::write(directory.path().join(name), value.to_string())
            .map_err(|error| error.to_string())
    };
    let mut resources = Vec::new();
    let mut patches = Vec::new();
    for (index, pair) in pairs.enumerate() {
        let (base, patch) = (format!("base{index}.yaml"), format!("patch{index}.yaml"));
        write(&base, &pair.base)?;
        write(&patch, &pair.patch)?;
        resources.push(base);
        patches.push(match &pair.target {
            Some(target) => json!({"path": patch, "target": target}),
            None => json!({"path": patch}),
        });
    }
    if resources.is_empty() {
        return Ok(Vec::new());
    }
    let kustomization = json!({"resources": resources, "patches": patches});
    write("kustomization.yaml", &kustomization)?;
    build(directory.path())
}

fn build(directory: &Path) -> Result<Vec<Value>, String> {
    let output = Command::new("kubectl")
        .arg("kustomize")
        .arg(directory)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_saphyr::from_multiple(&text).map_err(|error| format!("{error}\n{text}"))
}
