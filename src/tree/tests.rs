//! What a render leaves in the tree, and what it leaves alone.

mod crash;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::*;
use crate::confined::Directory;

/// Stops a writer in the middle, as `kill -9` would.
#[derive(Debug, Default)]
pub(super) struct Crash {
    /// How many more checkpoints are passed; `None` for all.
    pub(super) after: Option<AtomicUsize>,
    /// Whether the writer sees an error instead, and can clean up.
    politely: bool,
    /// Whether the file system cannot exchange two names.
    pub(super) exchange_is_missing: bool,
    happened: AtomicBool,
}

impl Crash {
    pub(super) fn happened(&self) -> bool {
        self.happened.load(Ordering::Relaxed)
    }

    pub(super) fn checkpoint(&self) -> Result<(), TreeError> {
        let Some(after) = &self.after else {
            return Ok(());
        };
        let left = after.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        if left.is_ok() {
            return Ok(());
        }
        self.happened.store(!self.politely, Ordering::Relaxed);
        Err(TreeError::environment("crashing", "")(io::Error::other(
            "a test wants it",
        )))
    }
}

/// A repository in a temporary directory, whose tree is `overlays/`.
struct Repository {
    root: tempfile::TempDir,
}

/// Directories to render: path, project, files as `name=content`.
type Fleet<'a> = &'a [(&'a str, Option<&'a str>, &'a [&'a str])];

const TWO: Fleet<'_> = &[
    ("in-cluster/_cluster", None, &["crds.yaml=crd"]),
    (
        "in-cluster/churn",
        Some("churn"),
        &["api.yaml=a1", "ui.yaml=u1"],
    ),
    (
        "in-cluster/vision",
        Some("vision"),
        &["api.yaml=a2", "ui.yaml=u2"],
    ),
];

impl Repository {
    fn new() -> Self {
        Repository {
            root: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    /// A repository in which a fleet has been rendered.
    fn with(fleet: Fleet<'_>) -> Self {
        let repository = Repository::new();
        repository.render(fleet).expect("the first render");
        repository
    }

    fn tree(&self) -> PathBuf {
        self.root.path().join("overlays")
    }

    fn location(&self) -> Location {
        Location::below(self.root.path(), "overlays").expect("a safe path")
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.tree().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, content).expect("a file");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.tree().join(path)).unwrap_or_else(|error| format!("{error}"))
    }

    fn render(&self, fleet: Fleet<'_>) -> Result<Summary, TreeError> {
        self.render_with(fleet, options(), Crash::default())
    }

    fn render_with(
        &self,
        fleet: Fleet<'_>,
        options: Options,
        crash: Crash,
    ) -> Result<Summary, TreeError> {
        let mut writer = Writer::open(&self.location(), options, || {})?;
        writer.crash = crash;
        for rendered in rendered(fleet) {
            writer.put(&rendered)?;
        }
        writer.finish()
    }

    fn adopt(&self, fleet: Fleet<'_>) -> Result<Summary, TreeError> {
        let options = Options {
            adopt: true,
            ..options()
        };
        self.render_with(fleet, options, Crash::default())
    }

    fn check(&self, fleet: Fleet<'_>, scope: Scope) -> Vec<String> {
        let checker = Checker::open(&self.location(), scope, Form::Plain).expect("the tree opens");
        for rendered in rendered(fleet) {
            checker.put(&rendered).expect("the tree can be read");
        }
        checker.finish().expect("the tree can be read")
    }

    /// Returns every path below the tree, a file with its content, a link with its target.
    fn everything(&self) -> BTreeMap<String, String> {
        let walk = walkdir::WalkDir::new(self.tree()).min_depth(1);
        walk.into_iter()
            .map(|entry| {
                let entry = entry.expect("the tree can be listed");
                let below = entry.path().strip_prefix(self.tree()).expect("below");
                let content = if entry.file_type().is_dir() {
                    "/".to_owned()
                } else if entry.file_type().is_symlink() {
                    format!(
                        "-> {}",
                        fs::read_link(entry.path()).expect("a link").display()
                    )
                } else {
                    fs::read_to_string(entry.path()).expect("a file")
                };
                (below.to_string_lossy().into_owned(), content)
            })
            .collect()
    }

    /// Returns inode and modification time of a file.
    fn identity(&self, path: &str) -> (u64, SystemTime) {
        let metadata = fs::metadata(self.tree().join(path)).expect("the file is there");
        (metadata.ino(), metadata.modified().expect("a time"))
    }
}

fn options() -> Options {
    Options {
        adopt: false,
        scope: Scope::All,
        form: Form::Plain,
        // A test that starts a process keeps every lock of this one alive for a moment, from fork to exec.
        patience: Duration::from_secs(60),
    }
}

fn only(names: &[&str]) -> Scope {
    Scope::Projects(names.iter().map(|name| (*name).to_owned()).collect())
}

fn rendered(fleet: Fleet<'_>) -> Vec<RenderedDirectory> {
    let directory = |(path, project, files): &(&str, Option<&str>, &[&str])| RenderedDirectory {
        path: (*path).to_owned(),
        project: project.map(str::to_owned),
        base: Some("kfp-2.17.0".to_owned()),
        state: "active".to_owned(),
        files: files
            .iter()
            .filter_map(|file| file.split_once('='))
            .map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec()))
            .collect(),
    };
    fleet.iter().map(directory).collect()
}

/// Returns the paths at which a render has stopped, with the reasons.
fn stops(outcome: Result<Summary, TreeError>) -> Vec<String> {
    match outcome {
        Err(TreeError::Stopped(stops)) => {
            let line = |stop: &Stop| format!("{} {:?}", stop.path, stop.reason);
            stops.iter().map(line).collect()
        }
        other => panic!("it should have stopped: {other:?}"),
    }
}

/// What a tree looks like in which exactly this fleet was rendered.
fn pristine(fleet: Fleet<'_>) -> BTreeMap<String, String> {
    Repository::with(fleet).everything()
}

#[test]
fn a_first_render_writes_everything_and_nothing_else() {
    let repository = Repository::new();
    let summary = repository
        .render(TWO)
        .expect("an empty tree takes everything");
    assert_eq!(summary.written.len(), 3);
    let everything = repository.everything();
    let paths: Vec<&str> = everything.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "in-cluster",
            "in-cluster/_cluster",
            "in-cluster/_cluster/crds.yaml",
            "in-cluster/churn",
            "in-cluster/churn/api.yaml",
            "in-cluster/churn/ui.yaml",
            "in-cluster/vision",
            "in-cluster/vision/api.yaml",
            "in-cluster/vision/ui.yaml",
            "index.json",
        ]
    );
    assert_eq!(repository.read("in-cluster/churn/api.yaml"), "a1");
    assert!(repository.check(TWO, Scope::All).is_empty());
}

#[test]
fn rendering_again_touches_nothing() {
    let repository = Repository::with(TWO);
    let paths = [
        "in-cluster",
        "in-cluster/churn",
        "in-cluster/churn/ui.yaml",
        "index.json",
        "",
    ];
    let before = paths.map(|path| repository.identity(path));
    let summary = repository.render(TWO).expect("nothing to do");
    assert_eq!(
        (
            summary.written.len(),
            summary.removed.len(),
            summary.unchanged
        ),
        (0, 0, 3)
    );
    assert_eq!(paths.map(|path| repository.identity(path)), before);
}

#[test]
fn unchanged_files_of_a_changed_directory_keep_their_time() {
    let repository = Repository::with(TWO);
    let kept = repository.identity("in-cluster/churn/ui.yaml");
    let other = repository.identity("in-cluster/vision");
    let changed = repository.identity("in-cluster/churn/api.yaml");
    let mut fleet = TWO.to_vec();
    fleet[1].2 = &["api.yaml=changed", "new.yaml=n", "ui.yaml=u1"];
    let summary = repository.render(&fleet).expect("a render");
    assert_eq!((summary.written.len(), summary.unchanged), (1, 2));
    assert_eq!(repository.identity("in-cluster/churn/ui.yaml"), kept);
    assert_eq!(repository.identity("in-cluster/vision"), other);
    assert_ne!(repository.identity("in-cluster/churn/api.yaml"), changed);
    assert_eq!(repository.everything(), pristine(&fleet));
}

#[test]
fn what_is_gone_is_removed_with_empty_parents() {
    let fleet: Fleet<'_> = &[
        ("east/churn", Some("churn"), &["a.yaml=1", "b.yaml=2"]),
        ("west/vision", Some("vision"), &["a.yaml=3"]),
    ];
    let repository = Repository::with(fleet);
    repository.write("README.md", "ours");
    let less: Fleet<'_> = &[("east/churn", Some("churn"), &["a.yaml=1"])];
    assert_eq!(
        repository.check(less, Scope::All),
        ["east/churn/b.yaml", "index.json", "west/vision/"]
    );
    let summary = repository.render(less).expect("a render");
    assert_eq!((summary.written.len(), summary.removed.len()), (1, 1));
    let mut expect = pristine(less);
    expect.insert("README.md".to_owned(), "ours".to_owned());
    assert_eq!(repository.everything(), expect);
}

#[test]
fn a_directory_without_files_is_no_directory_but_stays_in_the_index() {
    let fleet: Fleet<'_> = &[("in-cluster/churn", Some("churn"), &[])];
    let repository = Repository::with(fleet);
    let paths: Vec<String> = repository.everything().into_keys().collect();
    assert_eq!(paths, ["index.json"]);
    assert!(repository.read("index.json").contains("in-cluster/churn"));
    assert!(repository.check(fleet, Scope::All).is_empty());

    let repository = Repository::with(TWO);
    let mut retired = TWO.to_vec();
    retired[1].2 = &[];
    assert_eq!(
        repository.render(&retired).expect("a render").removed.len(),
        1
    );
    assert_eq!(repository.everything(), pristine(&retired));
}

#[test]
fn files_of_others_stop_and_everything_is_as_it_was() {
    let repository = Repository::with(TWO);
    repository.write("in-cluster/churn/notes.txt", "mine");
    repository.write("in-cluster/churn/sub/x.yaml", "mine");
    repository.write("in-cluster/vision/ui.yaml", "edited");
    repository.write("in-cluster/_cluster/crds.yaml", "edited");
    let before = repository.everything();
    // `vision` is gone from the input, and what would be removed with it is named, too.
    let fleet: Fleet<'_> = &[
        TWO[0],
        ("in-cluster/churn", Some("churn"), &["api.yaml=changed"]),
        ("in-cluster/new", Some("new"), &["a.yaml=new"]),
    ];
    assert_eq!(
        stops(repository.render(fleet)),
        [
            "overlays/in-cluster/_cluster/crds.yaml HandEdited",
            "overlays/in-cluster/churn/notes.txt Foreign",
            "overlays/in-cluster/churn/sub/ Foreign",
            "overlays/in-cluster/vision/ui.yaml HandEdited",
        ]
    );
    assert_eq!(repository.everything(), before);
    assert_eq!(
        repository.check(fleet, Scope::All),
        [
            "in-cluster/_cluster/crds.yaml",
            "in-cluster/churn/api.yaml",
            "in-cluster/churn/notes.txt",
            "in-cluster/churn/sub/",
            "in-cluster/churn/ui.yaml",
            "in-cluster/new/a.yaml",
            "in-cluster/vision/",
            "index.json",
        ]
    );

    let summary = repository.adopt(fleet).expect("they are taken over");
    assert_eq!(
        summary.adopted,
        [
            "overlays/in-cluster/_cluster/crds.yaml",
            "overlays/in-cluster/churn/notes.txt",
            "overlays/in-cluster/churn/sub/",
            "overlays/in-cluster/vision/ui.yaml",
        ]
    );
    assert_eq!(repository.everything(), pristine(fleet));
}

#[test]
fn an_edit_that_makes_what_is_rendered_is_fine() {
    let repository = Repository::with(TWO);
    repository.write("in-cluster/churn/ui.yaml", "u9");
    let mut fleet = TWO.to_vec();
    fleet[1].2 = &["api.yaml=a1", "ui.yaml=u9"];
    assert_eq!(repository.check(&fleet, Scope::All), ["index.json"]);
    assert_eq!(
        repository.render(&fleet).expect("a render").written.len(),
        0
    );
    assert_eq!(repository.everything(), pristine(&fleet));
}

#[test]
fn a_file_that_was_deleted_by_hand_comes_back() {
    let repository = Repository::with(TWO);
    fs::remove_file(repository.tree().join("in-cluster/churn/ui.yaml")).expect("a file");
    assert_eq!(
        repository.check(TWO, Scope::All),
        ["in-cluster/churn/ui.yaml"]
    );
    repository.render(TWO).expect("a render");
    assert_eq!(repository.everything(), pristine(TWO));
}

#[test]
fn an_emptied_file_counts_as_edited() {
    let repository = Repository::with(TWO);
    repository.write("in-cluster/churn/ui.yaml", "");
    assert_eq!(
        stops(repository.render(TWO)),
        ["overlays/in-cluster/churn/ui.yaml HandEdited"]
    );
}

#[test]
fn without_an_index_what_is_right_is_recognised_and_the_rest_is_foreign() {
    let repository = Repository::with(TWO);
    fs::remove_file(repository.tree().join("index.json")).expect("the index");
    assert_eq!(
        repository.render(TWO).expect("all is right").written.len(),
        0
    );
    assert_eq!(repository.everything(), pristine(TWO));

    fs::remove_file(repository.tree().join("index.json")).expect("the index");
    let mut fleet = TWO.to_vec();
    fleet[1].2 = &["api.yaml=changed", "ui.yaml=u1"];
    assert_eq!(
        stops(repository.render(&fleet)),
        ["overlays/in-cluster/churn/api.yaml Foreign"]
    );
}

#[test]
fn directories_of_others_are_left_alone_until_their_path_is_needed() {
    let repository = Repository::with(TWO);
    repository.write("in-cluster/theirs/a.yaml", "theirs");
    repository.write("in-cluster/loose.yaml", "theirs");
    assert!(repository.check(TWO, Scope::All).is_empty());
    repository.render(TWO).expect("nothing to do");
    let mut fleet = TWO.to_vec();
    fleet.push((
        "in-cluster/theirs",
        Some("theirs"),
        &["a.yaml=ours", "b.yaml=ours"],
    ));
    assert_eq!(
        stops(repository.render(&fleet)),
        ["overlays/in-cluster/theirs/a.yaml Foreign"]
    );
    fleet.push(("in-cluster/loose.yaml", Some("loose"), &["a.yaml=ours"]));
    assert_eq!(
        stops(repository.adopt(&fleet)),
        ["overlays/in-cluster/loose.yaml NotADirectory"]
    );
    assert_eq!(repository.read("in-cluster/theirs/a.yaml"), "theirs");
}

#[test]
fn an_index_that_cannot_be_read_stops() {
    let repository = Repository::with(TWO);
    repository.write("index.json", "<<<<<<< ours\n");
    let outcome = stops(repository.adopt(TWO));
    assert_eq!(
        outcome,
        ["overlays/index.json InvalidIndex(\"expected value at line 1 column 1\")"]
    );
    assert_eq!(repository.check(TWO, Scope::All), ["index.json"]);
}

#[test]
fn symbolic_links_are_never_followed() {
    let outside = tempfile::tempdir().expect("a directory");
    fs::write(outside.path().join("ui.yaml"), "u1").expect("a file");
    let place = |at: &str, adopt: bool| {
        let repository = Repository::with(TWO);
        let path = repository.root.path().join(at);
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path).expect("a directory"),
            Ok(_) => fs::remove_file(&path).expect("a file"),
            Err(_) => fs::create_dir_all(path.parent().expect("a parent")).expect("a directory"),
        }
        let target = if at.ends_with(".yaml") || at.ends_with(".json") {
            outside.path().join("ui.yaml")
        } else {
            outside.path().to_owned()
        };
        symlink(target, &path).expect("a link");
        let mut fleet = TWO.to_vec();
        fleet[1].2 = &["api.yaml=changed", "ui.yaml=u1"];
        let outcome = if adopt {
            repository.adopt(&fleet)
        } else {
            repository.render(&fleet)
        };
        assert!(
            fs::symlink_metadata(&path).expect("the link").is_symlink(),
            "{at}"
        );
        stops(outcome)
    };
    for adopt in [false, true] {
        for at in [
            "overlays",
            "overlays/in-cluster",
            "overlays/in-cluster/churn",
            "overlays/in-cluster/churn/ui.yaml",
            "overlays/in-cluster/churn/extra.yaml",
            "overlays/index.json",
            "overlays/.tenantry",
        ] {
            let outcome = place(at, adopt);
            assert!(
                outcome.contains(&format!("{at} SymbolicLink")),
                "{at}: {outcome:?}"
            );
        }
    }
    let left: Vec<_> = fs::read_dir(outside.path()).expect("a directory").collect();
    assert_eq!(left.len(), 1);
    assert_eq!(
        fs::read_to_string(outside.path().join("ui.yaml")).expect("a file"),
        "u1"
    );
}

#[test]
fn a_stale_directory_behind_a_link_is_not_removed() {
    let repository = Repository::with(TWO);
    let churn = repository.tree().join("in-cluster/churn");
    let outside = repository.root.path().join("outside");
    fs::rename(&churn, &outside).expect("a move");
    symlink(&outside, &churn).expect("a link");
    assert_eq!(
        stops(repository.adopt(&[TWO[0]])),
        ["overlays/in-cluster/churn SymbolicLink"]
    );
    assert!(outside.join("ui.yaml").exists());
}

#[test]
fn pipes_are_not_opened() {
    let repository = Repository::with(TWO);
    let pipe = repository.tree().join("in-cluster/churn/ui.yaml");
    fs::remove_file(&pipe).expect("a file");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .expect("a pipe");
    assert_eq!(
        stops(repository.render(TWO)),
        ["overlays/in-cluster/churn/ui.yaml Foreign"]
    );
    repository.adopt(TWO).expect("it is taken over");
    assert_eq!(repository.everything(), pristine(TWO));
}

#[test]
fn paths_that_leave_the_tree_are_refused() {
    for (path, file) in [
        ("../x", "a.yaml"),
        ("/x", "a.yaml"),
        ("x", "../a.yaml"),
        (".tenantry", "a"),
        ("x\0", "a"),
    ] {
        let repository = Repository::new();
        let file = format!("{file}=1");
        let files = [file.as_str()];
        let outcome = stops(repository.render(&[(path, None, &files)]));
        assert_eq!(outcome.len(), 1, "{path} {file}");
        assert!(outcome[0].ends_with("UnsafePath"), "{outcome:?}");
        assert!(repository.everything().is_empty());
    }
    for path in ["..", "../x", "/etc", "a/../b"] {
        assert!(Location::below(Path::new("/r"), path).is_err(), "{path}");
    }
    for path in ["", ".", "./", "a/b/", "./a"] {
        assert!(Location::below(Path::new("/r"), path).is_ok(), "{path}");
    }
}

#[test]
fn some_projects_only() {
    let repository = Repository::with(TWO);
    repository.write("in-cluster/vision/ui.yaml", "edited, but not asked about");
    let fleet: Fleet<'_> = &[(
        "in-cluster/churn",
        Some("churn"),
        &["api.yaml=changed", "ui.yaml=u1"],
    )];
    let scope = only(&["churn"]);
    assert_eq!(
        repository.check(fleet, scope.clone()),
        ["in-cluster/churn/api.yaml", "index.json"]
    );
    let options = Options { scope, ..options() };
    let summary = repository
        .render_with(fleet, options.clone(), Crash::default())
        .expect("only what was asked for counts");
    assert_eq!(
        (
            summary.written.len(),
            summary.removed.len(),
            summary.unchanged
        ),
        (1, 0, 0)
    );
    let mut expect = TWO.to_vec();
    expect[1] = fleet[0];
    assert_eq!(
        repository.read("index.json"),
        pristine(&expect)["index.json"]
    );

    // The project is gone, or has moved to another namespace.
    let moved: Fleet<'_> = &[("in-cluster/moved", Some("churn"), &["api.yaml=changed"])];
    let summary = repository
        .render_with(moved, options, Crash::default())
        .expect("a render");
    assert_eq!((summary.written.len(), summary.removed.len()), (1, 1));
    assert_eq!(repository.read("in-cluster/vision/api.yaml"), "a2");
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    // The umask belongs to the whole process, so this test runs itself again in a process of its own.
    const MARK: &str = "TENANTRY_TEST_UMASK";
    if std::env::var_os(MARK).is_none() {
        for umask in ["077", "000", "027"] {
            let program = std::env::current_exe().expect("this test");
            let status = std::process::Command::new("sh")
                .args(["-c", "umask $1; exec \"$0\" --exact --quiet tree::tests::modes_do_not_depend_on_the_umask"])
                .args([program.as_os_str(), umask.as_ref()])
                .env(MARK, "1")
                .stdout(std::process::Stdio::null())
                .status();
            assert!(status.expect("a shell").success(), "umask {umask}");
        }
        return;
    }
    let repository = Repository::new();
    fs::set_permissions(repository.root.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    for fleet in [
        TWO,
        &[
            TWO[0],
            ("new/churn", Some("churn"), &["api.yaml=b", "ui.yaml=u1"]),
        ],
    ] {
        repository.render(fleet).expect("a render");
        for entry in walkdir::WalkDir::new(repository.tree()) {
            let entry = entry.expect("the tree can be listed");
            let mode = entry.metadata().expect("metadata").permissions().mode() & 0o777;
            let expect = if entry.file_type().is_dir() {
                0o755
            } else {
                0o644
            };
            assert_eq!(mode, expect, "{}", entry.path().display());
        }
    }
}

#[test]
fn one_process_at_a_time() {
    let repository = Repository::with(TWO);
    let first = Writer::open(&repository.location(), options(), || {}).expect("the lock is free");
    let waited = AtomicUsize::new(0);
    let impatient = Options {
        patience: Duration::from_millis(120),
        ..options()
    };
    let second = Writer::open(&repository.location(), impatient, || {
        waited.fetch_add(1, Ordering::Relaxed);
    });
    let error = second.expect_err("the lock is taken");
    assert_eq!(error.to_string(), "locking `overlays`");
    assert_eq!(waited.load(Ordering::Relaxed), 1);
    // Reading needs no lock.
    assert!(repository.check(TWO, Scope::All).is_empty());

    let location = repository.location();
    let third = std::thread::spawn(move || Writer::open(&location, options(), || {}).map(drop));
    drop(first);
    third
        .join()
        .expect("no panic")
        .expect("the lock is free again");
}

#[test]
fn a_writer_that_is_dropped_leaves_no_trace() {
    let repository = Repository::with(TWO);
    let before = repository.everything();
    let writer = Writer::open(&repository.location(), options(), || {}).expect("a writer");
    let mut fleet = TWO.to_vec();
    fleet[1].2 = &["api.yaml=changed", "ui.yaml=u1"];
    for rendered in rendered(&fleet) {
        writer.put(&rendered).expect("it can be prepared");
    }
    assert!(
        repository
            .tree()
            .join(".tenantry/staging/0/api.yaml")
            .exists()
    );
    assert_eq!(repository.read(".tenantry/.gitignore"), "*\n");
    drop(writer);
    assert_eq!(repository.everything(), before);
}

#[test]
fn several_threads() {
    let repository = Repository::new();
    let writer = Writer::open(&repository.location(), options(), || {}).expect("a writer");
    let writer = &writer;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for number in 0..25 {
                    let name = format!("p{thread}-{number}");
                    let rendered = RenderedDirectory {
                        path: format!("in-cluster/{name}"),
                        project: Some(name.clone()),
                        base: None,
                        state: "active".to_owned(),
                        files: BTreeMap::from([("a.yaml".to_owned(), name.into_bytes())]),
                    };
                    writer.put(&rendered).expect("it can be prepared");
                }
            });
        }
    });
}

#[test]
fn what_the_system_refuses_names_the_path_and_changes_nothing() {
    let repository = Repository::with(TWO);
    let file = Location::at(&repository.tree().join("index.json"));
    let error = Writer::open(&file, options(), || {}).expect_err("a file is no tree");
    assert!(matches!(error, TreeError::Environment { .. }), "{error:?}");

    let before = repository.everything();
    let writer = Writer::open(&repository.location(), options(), || {}).expect("a writer");
    let mut fleet = TWO.to_vec();
    fleet[1].2 = &["api.yaml=changed"];
    let directories = rendered(&fleet);
    writer.put(&directories[0]).expect("unchanged");
    writer.put(&directories[1]).expect("prepared");
    // Somebody removes what is being prepared.
    fs::remove_dir_all(repository.tree().join(".tenantry")).expect("a directory");
    let error = writer.put(&RenderedDirectory {
        path: "in-cluster/later".to_owned(),
        ..directories[1].clone()
    });
    let error = error.expect_err("the directory is gone");
    assert!(
        matches!(&error, TreeError::Environment { path, .. } if path.contains(".tenantry")),
        "{error:?}"
    );
    drop(writer);
    assert_eq!(repository.everything(), before);
}

#[test]
fn a_tree_named_on_the_command_line_may_lie_behind_a_link() {
    let repository = Repository::new();
    let real = repository.root.path().join("real");
    fs::create_dir(&real).expect("a directory");
    symlink(&real, repository.root.path().join("link")).expect("a link");
    let location = Location::at(&repository.root.path().join("link/a/b"));
    let writer = Writer::open(&location, options(), || {}).expect("what is missing is made");
    for rendered in rendered(TWO) {
        writer.put(&rendered).expect("prepared");
    }
    writer.finish().expect("written");
    assert!(real.join("a/b/in-cluster/churn/ui.yaml").exists());
    assert_eq!(
        location.display("x"),
        format!("{}/x", repository.root.path().join("link/a/b").display())
    );
}
