//! What runs say, in which form, and with which exit status.

use std::process::{Command, Stdio};

use super::session::Session;

const WRONG: &str = "\
version: 1
platform: {base: kfp-2.17.0}
projects:
- name: Vision
- {name: a, nmae: b}
";

#[test]
fn for_people() {
    let session = Session::new();
    session.write("base/base.lock", "kfp/base.yaml\n");
    session.write("projects.yaml", b"version: 1\n# caf\xe9\n");
    session
        .tenantry(&["validate"])
        .stdout("")
        .stderr(
            "\
error[invalid-utf8]: `projects.yaml` is not UTF-8 at byte 16
  ┌─ projects.yaml:2:6
  │
2 │ # caf\u{fffd}
  │      ^ no character of UTF-8
  │
  = hint: save the file as UTF-8

error[base-lock-mismatch]: a line of the lock cannot be read
  ┌─ base/base.lock:1:1
  │
1 │ kfp/base.yaml
  │ ^^^^^^^^^^^^^ not `<sha256>  <path>`
  │
  = hint: restore `base/base.lock` from Git

error: 2 errors
",
        )
        .status(4);
}

#[test]
fn for_scripts() {
    let session = Session::with(WRONG);
    let (stdout, stderr) = session
        .tenantry(&["validate", "--message-format", "json"])
        .status(4);
    assert_eq!(stdout, "");
    for line in stderr.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("one object per line");
        let keys: Vec<&String> = object.as_object().expect("an object").keys().collect();
        assert_eq!(
            keys,
            [
                "severity",
                "code",
                "message",
                "file",
                "line",
                "column",
                "endLine",
                "endColumn",
                "hints",
                "project"
            ]
        );
    }
    assert_eq!(stderr.lines().count(), 2);

    // What is no finding about a file has the same form.
    let (_, stderr) = session
        .tenantry(&[
            "render",
            "--root",
            "/nonexistent",
            "--message-format",
            "json",
        ])
        .status(5);
    let object: serde_json::Value = serde_json::from_str(&stderr).expect("one object");
    assert_eq!(object["code"], "environment");
    assert_eq!(
        object["message"],
        "opening `/nonexistent`: No such file or directory (os error 2)"
    );

    let (_, stderr) = session
        .tenantry(&[
            "render",
            "--out",
            "projects.yaml",
            "--message-format",
            "json",
        ])
        .status(4);
    assert!(
        stderr.contains("\"file\":\"projects.yaml\",\"line\":4"),
        "{stderr}"
    );
    session.write(
        "projects.yaml",
        "version: 1\nplatform: {base: kfp-2.17.0}\nprojects: [{name: a}]\n",
    );
    let (_, stderr) = session
        .tenantry(&[
            "render",
            "--out",
            "projects.yaml",
            "--message-format",
            "json",
        ])
        .status(5);
    let object: serde_json::Value = serde_json::from_str(&stderr).expect("one object");
    assert_eq!(object["file"], "projects.yaml");
}

#[test]
fn for_github() {
    let session = Session::with(WRONG);
    let (_, alone) = session
        .tenantry(&["validate", "--message-format", "github"])
        .status(4);
    assert!(
        alone.starts_with(
            "::error file=projects.yaml,line=4,endLine=4,col=9,endColumn=15,title=invalid-name::"
        ),
        "{alone}"
    );

    let above = session.path("..").canonicalize().expect("a directory");
    let (_, below) = session
        .tenantry(&["validate", "--message-format", "github"])
        .env("GITHUB_WORKSPACE", above.to_str().expect("UTF-8"))
        .status(4);
    let name = session.path("").canonicalize().expect("a directory");
    let name = name
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    assert_eq!(below, alone.replace("file=", &format!("file={name}/")));
}

#[test]
fn for_code_scanning() {
    let session = Session::with(WRONG);
    let results = |session: &Session, status| {
        let arguments = ["validate", "--message-format", "sarif"];
        let (_, stderr) = session.tenantry(&arguments).stdout("").status(status);
        let document: serde_json::Value = serde_json::from_str(&stderr).expect("one document");
        document["runs"][0]["results"]
            .as_array()
            .expect("a list")
            .len()
    };
    assert_eq!(results(&session, 4), 2);
    session.write(
        "projects.yaml",
        "version: 1\nplatform: {base: kfp-2.17.0}\nprojects: []\n",
    );
    assert_eq!(results(&session, 0), 0);
}

#[test]
fn colours() {
    let session = Session::with(WRONG);
    let colored = |arguments: &[&str], no_color: &str| {
        let arguments = [&["validate"], arguments].concat();
        let (_, stderr) = session
            .tenantry(&arguments)
            .env("NO_COLOR", no_color)
            .status(4);
        stderr.contains('\u{1b}')
    };
    assert!(!colored(&[], ""), "standard error is no terminal");
    assert!(!colored(&["--color", "never"], ""));
    assert!(colored(&["--color", "always"], ""));
    assert!(
        colored(&["--color=always"], "1"),
        "what is asked for on the command line wins"
    );
}

#[test]
fn the_root_is_found_upwards_or_missed() {
    let session = Session::with("version: 1\nplatform: {base: kfp-2.17.0}\nprojects: []\n");
    std::fs::create_dir_all(session.path("a/b")).expect("a directory");
    session
        .tenantry(&["validate"])
        .directory("a/b")
        .stderr("0 projects valid\n")
        .status(0);
    let empty = Session::new();
    empty
        .tenantry(&["validate"])
        .stdout("")
        .stderr(
            "\
error[file-not-found]: there is no `projects.yaml`
 = hint: `tenantry init` makes one with two example projects

error: 1 error
",
        )
        .status(4);
}

#[test]
fn a_wrong_command_line() {
    let session = Session::new();
    for arguments in [
        &[][..],
        &["rendr"],
        &["render", "--jobs", "0"],
        &["render", "--check", "--adopt"],
        &["render", "-q", "-v"],
        &["validate", "--message-format", "xml"],
        &["completions", "tcsh"],
        &["man", "rendr"],
    ] {
        let (stdout, stderr) = session.tenantry(arguments).status(2);
        assert_eq!(stdout, "", "{arguments:?}");
        assert!(!stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_data() {
    let session = Session::new();
    let version = format!("tenantry {}\n", env!("CARGO_PKG_VERSION"));
    session
        .tenantry(&["--version"])
        .stdout(&version)
        .stderr("")
        .status(0);
    for arguments in [&["--help"][..], &["render", "--help"], &["help", "init"]] {
        let (stdout, _) = session.tenantry(arguments).stderr("").status(0);
        assert!(stdout.contains("Usage: tenantry"), "{stdout}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (stdout, _) = session
            .tenantry(&["completions", shell])
            .stderr("")
            .status(0);
        assert!(stdout.contains("message-format"), "{shell}");
    }
    for arguments in [&["man"][..], &["man", "render"]] {
        let (stdout, _) = session.tenantry(arguments).stderr("").status(0);
        assert!(stdout.contains(".SH SYNOPSIS"), "{stdout}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for arguments in [&["completions", "bash"][..], &["schema"], &["--help"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn a_closed_standard_error_is_no_failure() {
    let session = Session::with(WRONG);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tenantry"))
        .args(["validate", "--root"])
        .arg(session.path(""))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(4));
}

#[test]
fn no_input_panics() {
    let deep = "[".repeat(100_000);
    let aliases = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]\n";
    let inputs: [&[u8]; 12] = [
        b"",
        b"\0",
        b"\xff\xfe\0",
        b"\xef\xbb\xbfversion: 1\n",
        b"version: 1",
        b"- a\n",
        b"version: [1\n",
        b"version: 1\nversion: 1\n",
        b"version: 1\nplatform: null\nprojects: {}\n",
        b"version: 1\nplatform: {base: ../../etc}\nprojects: [{name: ''}, {name: null}, 7]\n",
        deep.as_bytes(),
        aliases.as_bytes(),
    ];
    for input in inputs {
        let session = Session::with("");
        session.write("projects.yaml", input);
        let (stdout, stderr) = session.tenantry(&["render"]).status(4);
        assert_eq!(stdout, "");
        assert!(stderr.starts_with("error["), "{stderr}");
    }
}
