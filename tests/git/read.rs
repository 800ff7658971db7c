//! Reading the tree at a revision.

use tenantry::git::{FileKind, ObjectId, Repository};

use crate::support::Repo;

fn sample() -> Repo {
    let repo = Repo::new();
    repo.write(&[
        ("projects.yaml", "version: 1\n"),
        ("overlays/index.json", "{}\n"),
        ("overlays/a/b/x.yaml", "first\n"),
    ]);
    repo.commit("first");
    repo.git(&["tag", "-a", "-m", "tag", "v1"]);
    repo.write(&[
        ("overlays/a/b/x.yaml", "second\n"),
        ("overlays/a/run.sh", "x\n"),
    ]);
    std::os::unix::fs::symlink("x.yaml", repo.path().join("overlays/a/b/link")).expect("a link");
    repo.git(&["add", "-A"]);
    repo.git(&["update-index", "--chmod=+x", "overlays/a/run.sh"]);
    repo.git(&["commit", "-q", "-m", "second"]);
    repo
}

#[test]
fn names_kinds_ids_and_contents() {
    let repo = sample();
    let repository = repo.open();
    let reader = repository
        .read("main", "overlays")
        .expect("read")
        .expect("a tree");
    let files: Vec<_> = reader
        .files()
        .map(|file| (file.path.clone(), file.kind))
        .collect();
    assert_eq!(
        files,
        [
            ("index.json".to_owned(), FileKind::Regular),
            ("a/run.sh".to_owned(), FileKind::Executable),
            ("a/b/link".to_owned(), FileKind::Link),
            ("a/b/x.yaml".to_owned(), FileKind::Regular),
        ]
    );
    let file = reader.find("a/b/x.yaml").expect("a file");
    assert_eq!(reader.content(&file).expect("content"), b"second\n");
    assert_eq!(reader.size(&file).expect("a size"), 7);
    assert_eq!(file.id, ObjectId::of_file(b"second\n"));
    assert_eq!(reader.files_in("a/b").count(), 2);
    assert_eq!(reader.files_in("nowhere").count(), 0);
    assert_eq!(reader.find("a/b"), None);
    let directories: Vec<String> = reader.directories().map(|(path, _)| path).collect();
    assert_eq!(directories, ["", "a", "a/b"]);
}

#[test]
fn revisions_as_people_write_them() {
    let repo = sample();
    let repository = repo.open();
    let first = repo.git(&["rev-parse", "main~"]);
    for revision in [
        "main~",
        "HEAD^",
        "v1",
        "refs/tags/v1",
        &first,
        &first[..10],
        "@{1}",
        ":/first",
        "main~1^{tree}",
    ] {
        let reader = repository
            .read(revision, "overlays")
            .expect(revision)
            .expect(revision);
        let file = reader.find("a/b/x.yaml").expect("a file");
        assert_eq!(
            reader.content(&file).expect("content"),
            b"first\n",
            "{revision}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let repo = sample();
    let repository = repo.open();
    let shown = repo.path().display();
    let check = |revision: &str, path: &str, expect: &str| {
        let error = repository.read(revision, path).expect_err("an error");
        assert_eq!(format!("{error:#}"), expect);
    };
    check(
        "nowhere",
        "overlays",
        &format!("revision `nowhere` is not known in `{shown}`"),
    );
    check(
        "--output=x",
        "overlays",
        &format!("revision `--output=x` is not known in `{shown}`"),
    );
    check(
        "main",
        "projects.yaml",
        "`main:projects.yaml` is not a directory",
    );
    check(
        "main",
        "overlays/a/run.sh/x",
        "`main:overlays/a/run.sh` is not a directory",
    );
    assert!(repository.read("", "overlays").is_err());
    assert!(repository.read("main:projects.yaml", "overlays").is_err());
    assert!(repository.read("main", "nowhere").expect("read").is_none());
    assert!(
        repository
            .read("main", "overlays/nowhere/x")
            .expect("read")
            .is_none()
    );
    assert!(repository.read("main", "").expect("read").is_some());
}

#[test]
fn an_object_that_is_missing_is_named() {
    let repo = sample();
    let id = repo.git(&["rev-parse", "main:overlays/a/b/x.yaml"]);
    std::fs::remove_file(
        repo.path()
            .join(format!(".git/objects/{}/{}", &id[..2], &id[2..])),
    )
    .expect("removed");
    let repository = repo.open();
    let reader = repository
        .read("main", "overlays")
        .expect("read")
        .expect("a tree");
    let file = reader.find("a/b/x.yaml").expect("a file");
    let error = format!("{:#}", reader.content(&file).expect_err("an error"));
    assert!(
        error.starts_with("reading `main:overlays/a/b/x.yaml`: reading object "),
        "{error}"
    );
}

#[test]
fn many_threads_read_at_once() {
    let repo = sample();
    let repository = repo.open();
    let reader = repository
        .read("main", "overlays")
        .expect("read")
        .expect("a tree");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let file = reader.find("a/b/x.yaml").expect("a file");
                for _ in 0..50 {
                    assert_eq!(reader.content(&file).expect("content"), b"second\n");
                }
            });
        }
    });
}

#[test]
fn trees_that_are_too_deep_or_too_large_are_refused() {
    let repo = Repo::bare();
    let blob = repo.git_with(&["hash-object", "-w", "--stdin"], b"x");
    let mut tree = repo.git_with(&["mktree"], format!("100644 blob {blob}\tx\n").as_bytes());
    // Ten trees of the same subtree each, seven deep: ten million files from eight objects.
    let wide = |tree: &str| -> String {
        (0..10)
            .map(|name| format!("040000 tree {tree}\t{name}\n"))
            .collect()
    };
    for _ in 0..7 {
        tree = repo.git_with(&["mktree"], wide(&tree).as_bytes());
    }
    let repository = repo.open();
    let error = format!("{:#}", repository.read(&tree, "").expect_err("an error"));
    assert_eq!(
        error,
        format!("tree {tree} has more than 1000000 files and directories")
    );

    let mut tree = repo.git_with(&["mktree"], format!("100644 blob {blob}\tx\n").as_bytes());
    for _ in 0..200 {
        tree = repo.git_with(&["mktree"], format!("040000 tree {tree}\td\n").as_bytes());
    }
    let error = format!("{:#}", repository.read(&tree, "").expect_err("an error"));
    assert!(error.ends_with("is nested more than 128 deep"), "{error}");
}

#[test]
fn a_directory_without_a_repository_is_named() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    // Above the temporary directory, no repository is expected either.
    let error = format!(
        "{:#}",
        Repository::discover(directory.path()).expect_err("an error")
    );
    assert_eq!(
        error,
        format!(
            "`{}` does not lie in a Git repository",
            directory.path().display()
        )
    );
    assert!(Repository::open(&directory.path().join("nowhere")).is_err());
}

#[test]
fn paths_are_taken_from_the_top() {
    let repo = sample();
    let repository = Repository::discover(&repo.path().join("overlays/a")).expect("a repository");
    assert_eq!(
        repository
            .path_of(&repo.path().join("overlays/a"))
            .expect("a path"),
        "overlays/a"
    );
    assert_eq!(repository.path_of(repo.path()).expect("a path"), "");
    assert!(repository.path_of(&repo.beside("")).is_err());
    let link = repo.beside("link");
    std::os::unix::fs::symlink(repo.path(), &link).expect("a link");
    assert_eq!(
        repository.path_of(&link.join("overlays")).expect("a path"),
        "overlays"
    );
}
