//! Flattens kustomize trees and builds the same with `kubectl kustomize`, in one run, and prints ratios.
//!
//! `cargo bench --bench flatten -- COUNT...` for trees of about that many objects, 70 and 1833 by default. Each tree has
//! a base and an overlay with a prefix, labels, images, a patch, a generator and a replacement, as those of the field
//! have; what is printed is compared by the tests. Reading the files counts on both sides.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tenantry::diagnostic::Diagnostics;
use tenantry::kustomize::{Options, Tree, flatten};
use tenantry::source::Sources;

/// How often we flatten; the median counts. `kubectl` builds small trees as often, and large ones once.
const RUNS: usize = 9;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        // `cargo test --benches` runs benches without arguments.
        return Ok(());
    }
    let mut counts: Vec<usize> = arguments
        .iter()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    if counts.is_empty() {
        counts = vec![70, 1833];
    }
    for count in counts {
        let place = tempfile::tempdir()?;
        write_tree(place.path(), count)?;
        let ours = median(RUNS, || run(place.path()))?;
        let runs = if count < 200 { RUNS } else { 1 };
        let theirs = median(runs, || kubectl(place.path()))?;
        println!(
            "{count:>5} objects: tenantry {:>9.4} s, kubectl kustomize {:>9.4} s, {:>6.1}x",
            ours.as_secs_f64(),
            theirs.as_secs_f64(),
            theirs.as_secs_f64() / ours.as_secs_f64()
        );
    }
    Ok(())
}

fn median(runs: usize, mut run: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times[runs / 2])
}

fn run(root: &Path) -> anyhow::Result<()> {
    let mut tree = Tree::new("");
    for entry in walkdir::WalkDir::new(root) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let below = entry.path().strip_prefix(root)?;
            let below = below.to_str().context("our names are plain")?;
            tree.add_file(below, fs::read(entry.path())?)?;
        }
    }
    let mut diagnostics = Diagnostics::default();
    let flattened = flatten(
        &Arc::new(tree),
        "overlay",
        &Options::default(),
        &mut Sources::default(),
        &mut diagnostics,
        &mut |remote| Err(anyhow::anyhow!("`{}` is not asked for", remote.url)),
    );
    ensure!(flattened.is_ok(), "the tree is refused");
    Ok(())
}

fn kubectl(root: &Path) -> anyhow::Result<()> {
    let status = Command::new("kubectl")
        .arg("kustomize")
        .arg(root.join("overlay"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("running `kubectl`")?;
    ensure!(status.success(), "kubectl refuses the tree");
    Ok(())
}

fn write_tree(root: &Path, count: usize) -> anyhow::Result<()> {
    let mut objects = String::new();
    for number in 0..count {
        let group = number / 6;
        let object = match number % 6 {
            0 => format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web-{group}, labels: {{app: web-{group}}}}}\nspec:\n  selector: {{matchLabels: {{app: web-{group}}}}}\n  template:\n    metadata: {{labels: {{app: web-{group}}}}}\n    spec:\n      serviceAccountName: web-{group}\n      containers:\n      - name: main\n        image: example.org/web:1\n        envFrom: [{{configMapRef: {{name: web-{group}}}}}]\n        ports: [{{containerPort: 8080}}]\n        resources: {{requests: {{cpu: 100m, memory: 64Mi}}}}\n"
            ),
            1 => format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: web-{group}}}\nspec: {{selector: {{app: web-{group}}}, ports: [{{port: 80, targetPort: 8080}}]}}\n"
            ),
            2 => format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web-{group}}}\ndata: {{level: debug, host: web-{group}}}\n"
            ),
            3 => format!("apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: web-{group}}}\n"),
            4 => format!(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: web-{group}}}\nrules: [{{apiGroups: [\"\"], resources: [pods], verbs: [get, list]}}]\n"
            ),
            _ => format!(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: web-{group}}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: web-{group}}}\nsubjects: [{{kind: ServiceAccount, name: web-{group}}}]\n"
            ),
        };
        write!(objects, "---\n{object}")?;
    }
    for (path, text) in [
        ("base/all.yaml", objects.as_str()),
        (
            "base/kustomization.yaml",
            "resources: [all.yaml]\nnamePrefix: kf-\nlabels: [{pairs: {part-of: web}, includeSelectors: true}]\nconfigMapGenerator: [{name: made, literals: [a=b]}]\n",
        ),
        (
            "overlay/kustomization.yaml",
            "resources: [../base]\nnamespace: team\nimages: [{name: example.org/web, newTag: \"2\"}]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: /spec/replicas, value: 2}\nreplacements:\n- source: {kind: ConfigMap, name: web-0, fieldPath: data.level}\n  targets: [{select: {kind: Deployment}, fieldPaths: [metadata.labels.level], options: {create: true}}]\n",
        ),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().context("a file has a parent")?)?;
        fs::write(path, text)?;
    }
    Ok(())
}
