//! Asks kubectl, and keeps what it says.

use std::path::Path;
use std::process::Command;

use tenantry::kustomize::Flattened;

/// What is recorded of a case.
pub enum Recorded {
    /// What kubectl printed.
    Printed(String),
    /// What we say, and whether kubectl refuses too.
    Refused {
        findings: String,
        by_kustomize: bool,
    },
    Nothing,
}

const BY_KUSTOMIZE: &str = "kustomize refuses this too\n";
const BY_US: &str = "kustomize does not refuse this\n";

pub fn recorded(case: &Path) -> Recorded {
    if let Ok(text) = std::fs::read_to_string(case.join("expected.yaml")) {
        return Recorded::Printed(text);
    }
    let Ok(text) = std::fs::read_to_string(case.join("refused.txt")) else {
        return Recorded::Nothing;
    };
    let (by_kustomize, findings) = match (text.strip_prefix(BY_KUSTOMIZE), text.strip_prefix(BY_US))
    {
        (Some(findings), _) => (true, findings),
        (_, Some(findings)) => (false, findings),
        _ => panic!("{}: the first line says who refuses", case.display()),
    };
    Recorded::Refused {
        findings: findings.to_owned(),
        by_kustomize,
    }
}

/// Records what kubectl prints, or what we say when we refuse.
pub fn record(case: &Path, ours: &Result<Flattened, String>) -> Result<(), String> {
    let theirs = ask(case);
    let (keep, text, drop) = match (ours, &theirs) {
        (Ok(_), Ok(printed)) => ("expected.yaml", printed.clone(), "refused.txt"),
        (Err(findings), Ok(_)) => ("refused.txt", format!("{BY_US}{findings}"), "expected.yaml"),
        (Err(findings), Err(_)) => (
            "refused.txt",
            format!("{BY_KUSTOMIZE}{findings}"),
            "expected.yaml",
        ),
        (Ok(_), Err(message)) => return Err(format!("only kubectl refuses: {message}")),
    };
    // The other file is from an earlier recording, if it is there.
    let _ignored = std::fs::remove_file(case.join(drop));
    std::fs::write(case.join(keep), text).expect("the case is writable");
    match (ours, &theirs) {
        (Ok(ours), Ok(printed)) => super::compare::same(ours, printed),
        _ => Ok(()),
    }
}

/// Returns the version of kubectl, if there is one.
pub fn version() -> Option<String> {
    let output = Command::new("kubectl")
        .args(["version", "--client"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.lines().collect::<Vec<_>>().join(", "))
}

/// Builds a case with kubectl, in a copy beside repositories for its remote bases.
pub fn ask(case: &Path) -> Result<String, String> {
    let place = tempfile::tempdir().expect("a temporary directory");
    let remotes = place.path().join("remotes");
    let tree = place.path().join("tree");
    let shown = remotes.to_str().expect("a plain name").to_owned();
    for (path, bytes) in super::files(case) {
        let to = match path.strip_prefix("remotes/") {
            Some(below) => remotes.join(below),
            None => tree.join(&path),
        };
        std::fs::create_dir_all(to.parent().expect("a parent")).expect("writable");
        std::fs::write(to, super::located(&bytes, &shown)).expect("writable");
    }
    for (path, target) in super::links(case) {
        std::os::unix::fs::symlink(target, tree.join(path)).expect("writable");
    }
    if let Ok(repositories) = std::fs::read_dir(&remotes) {
        for repository in repositories {
            make_repository(&repository.expect("an entry").path());
        }
    }
    let root = if case.join("overlay").is_dir() {
        "overlay"
    } else {
        "."
    };
    let output = Command::new("kubectl")
        .arg("kustomize")
        .arg(tree.join(root))
        .output()
        .expect("kubectl runs");
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).expect("kubectl prints UTF-8"))
    } else {
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(message.replace(place.path().to_str().expect("a plain name"), "ROOT"))
    }
}

/// Makes a directory a repository with one commit and the tag `v1`.
fn make_repository(directory: &Path) {
    for arguments in [
        ["init", "--quiet", "--initial-branch=main"].as_slice(),
        &["add", "--all"],
        &["commit", "--quiet", "--message=files"],
        &["tag", "v1"],
    ] {
        let status = Command::new("git")
            .current_dir(directory)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args(["-c", "user.name=test", "-c", "user.email=test@example.com"])
            .args(arguments)
            .status()
            .expect("git runs");
        assert!(status.success(), "git {arguments:?}");
    }
}
