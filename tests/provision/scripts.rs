//! The scripts, with a shell and stand-ins for the clients: what they send, and what they refuse to do.
//!
//! `src/provision/*.sh` were also run by hand against MariaDB 10.11, PostgreSQL 15 and an S3 server.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::compiler::root;

/// Plays `mysql` and `mariadb`.
const MYSQL: &str = r#"#!/bin/sh
statements=$(cat)
printf '%s\n' "$0 $*" >>"$LOG/arguments"
printf '%s\n' "$statements" >>"$LOG/statements"
printf '%s\n' "$MYSQL_PWD" >>"$LOG/password"
case "$statements" in
  'SHOW GLOBAL VARIABLES'*) printf '%s' "$PARTIAL" ;;
  *'FROM mysql.user'*) echo "$EXISTS" ;;
  'SHOW GRANTS'*) printf '%s\n' "$GRANTS" ;;
  *'FROM mysql.db'*) echo "$OTHERS" ;;
esac
"#;

/// Plays `curl`: the status of each answer in turn.
const CURL: &str = r#"#!/bin/sh
printf '%s\n' "$*" >>"$LOG/arguments"
while [ "$#" -gt 1 ]; do
  case "$1" in
    --config) cat "$2" >"$LOG/config" ;;
    --data-binary) cat "${2#@}" >>"$LOG/body" ;;
    --output) echo "<Error>no</Error>" >"$2" ;;
  esac
  shift
done
number=$(cat "$LOG/number" 2>/dev/null || echo 1)
echo $((number + 1)) >"$LOG/number"
printf '%s' "$ANSWERS" | cut -d ' ' -f "$number" | tr -d '\n'
"#;

/// Plays `mc`.
const MC: &str = r#"#!/bin/sh
printf '%s\n' "$*" >>"$LOG/arguments"
case "$*" in
  *'admin user info'*) printf '%s' "$USER_INFO"; exit "$USER_STATUS" ;;
  *'alias set'* | *'admin user add'*) cat >>"$LOG/input" ;;
  *'policy create'*) shift 6; cat "$1" >"$LOG/policy" ;;
  *'policy attach'*) printf '%s' "$ATTACHED" >&2; exit "$ATTACH_STATUS" ;;
esac
"#;

/// What a run of a script came to.
struct Run {
    success: bool,
    stderr: String,
    log: TempDir,
}

impl Run {
    /// What a stand-in has noted down; empty when it was not called.
    fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.log.path().join(name)).unwrap_or_default()
    }
}

fn run(script: &str, clients: &[(&str, &str)], environment: &BTreeMap<&str, &str>) -> Run {
    let log = TempDir::new().expect("a directory");
    let bin = log.path().join("bin");
    std::fs::create_dir(&bin).expect("made");
    for (name, text) in clients {
        let path = bin.join(name);
        std::fs::write(&path, text).expect("written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("made executable");
    }
    let inherited = std::env::var("PATH").expect("there is a PATH");
    let output = Command::new("sh")
        .arg("-eu")
        .arg(path(script))
        .env_clear()
        .env("PATH", format!("{}:{inherited}", bin.display()))
        .env("LOG", log.path())
        .env("SCRATCH", log.path())
        .envs(environment)
        .output()
        .expect("a shell");
    Run {
        success: output.status.success(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        log,
    }
}

fn path(script: &str) -> std::path::PathBuf {
    root().join("src/provision").join(script)
}

/// Sets variables of an environment.
fn with<'a>(
    base: &BTreeMap<&'a str, &'a str>,
    changes: &[(&'a str, &'a str)],
) -> BTreeMap<&'a str, &'a str> {
    let mut changed = base.clone();
    changed.extend(changes.iter().copied());
    changed
}

#[test]
fn shells_understand_them() {
    for script in ["bucket.sh", "minio.sh", "mysql.sh", "postgresql.sh"] {
        for shell in ["sh", "bash", "dash", "busybox"] {
            let mut command = Command::new(shell);
            if shell == "busybox" {
                command.arg("sh");
            }
            // Not every machine has every shell.
            if let Ok(output) = command.arg("-n").arg(path(script)).output() {
                assert!(output.status.success(), "{shell} {script}");
                assert_eq!(String::from_utf8_lossy(&output.stderr), "");
            }
        }
    }
    assert!(Path::new("/bin/sh").exists());
}

const NO_GRANTS: &str =
    "GRANT USAGE ON *.* TO `kfp_a_b`@`%` IDENTIFIED BY PASSWORD '*00' REQUIRE SSL";
const OWN_GRANT: &str = r"GRANT ALL PRIVILEGES ON `kfp\_a\_b`.* TO `kfp_a_b`@`%`";
const WIDE_GRANT: &str = "GRANT ALL PRIVILEGES ON `kfp_a_b`.* TO `kfp_a_b`@`%`";

fn database() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("ENGINE", "mysql"),
        ("HOST", "db.example.com"),
        ("PORT", "3306"),
        ("TLS", "disabled"),
        ("DATABASE", "kfp_a_b"),
        ("DATABASE_USER", "kfp_a_b"),
        ("DATABASE_PASSWORD", r#"it's \ "`$(id)"#),
        ("ADMIN_USER", "provisioner"),
        ("ADMIN_PASSWORD", "account's password"),
        ("PARTIAL", ""),
        ("EXISTS", "0"),
        ("GRANTS", ""),
        ("OTHERS", "0"),
    ])
}

fn mysql(environment: &BTreeMap<&str, &str>) -> Run {
    run(
        "mysql.sh",
        &[("mysql", MYSQL), ("mariadb", MYSQL)],
        environment,
    )
}

/// The statements that change something.
fn changes(run: &Run) -> Vec<String> {
    let statements = run.log("statements");
    let changes = statements
        .lines()
        .filter(|line| !line.starts_with("SHOW") && !line.starts_with("SELECT"));
    changes.map(str::to_owned).collect()
}

#[test]
fn a_database_and_a_user_are_made() {
    let made = mysql(&database());
    assert!(made.success, "{}", made.stderr);
    assert_eq!(
        changes(&made),
        [
            "CREATE DATABASE IF NOT EXISTS `kfp_a_b` CHARACTER SET utf8mb4;",
            r#"CREATE USER IF NOT EXISTS 'kfp_a_b'@'%' IDENTIFIED WITH mysql_native_password BY 'it\'s \\ "`$(id)' REQUIRE NONE;"#,
            r#"ALTER USER 'kfp_a_b'@'%' IDENTIFIED WITH mysql_native_password BY 'it\'s \\ "`$(id)' REQUIRE NONE;"#,
            // `_` stands for any character in a grant.
            r"GRANT ALL PRIVILEGES ON `kfp\_a\_b`.* TO 'kfp_a_b'@'%';",
        ]
    );
    let arguments = made.log("arguments");
    assert!(!arguments.contains("it's") && !arguments.contains("account's"));
    assert!(
        made.log("password")
            .lines()
            .all(|line| line == "account's password")
    );
    assert!(!made.stderr.contains("it's"));
}

#[test]
fn servers_differ() {
    let mariadb = mysql(&with(
        &database(),
        &[("ENGINE", "mariadb"), ("TLS", "unverified")],
    ));
    assert!(mariadb.success, "{}", mariadb.stderr);
    assert_eq!(
        changes(&mariadb)[2],
        r#"ALTER USER 'kfp_a_b'@'%' IDENTIFIED BY 'it\'s \\ "`$(id)' REQUIRE SSL;"#
    );
    assert!(mariadb.log("arguments").contains("/mariadb --no-defaults "));
    assert!(
        mariadb
            .log("arguments")
            .contains(" --skip-ssl-verify-server-cert ")
    );
    let literal = mysql(&with(&database(), &[("PARTIAL", "partial_revokes\tON")]));
    assert_eq!(
        changes(&literal)[3],
        "GRANT ALL PRIVILEGES ON `kfp_a_b`.* TO 'kfp_a_b'@'%';"
    );
}

#[test]
fn running_again_is_harmless() {
    let grants = format!("{NO_GRANTS}\n{OWN_GRANT}");
    // Others may have got rights in it since.
    let again = [
        ("EXISTS", "1"),
        ("GRANTS", grants.as_str()),
        ("OTHERS", "1"),
    ];
    let again = mysql(&with(&database(), &again));
    assert!(again.success, "{}", again.stderr);
    assert_eq!(changes(&again).len(), 4);
    let grants = format!("{NO_GRANTS}\n{WIDE_GRANT}");
    let by_hand = mysql(&with(&database(), &[("EXISTS", "1"), ("GRANTS", &grants)]));
    assert_eq!(
        changes(&by_hand)[4],
        "REVOKE ALL PRIVILEGES ON `kfp_a_b`.* FROM 'kfp_a_b'@'%'"
    );
}

#[test]
fn what_belongs_to_others_is_not_touched() {
    let foreign = format!("{NO_GRANTS}\nGRANT ALL PRIVILEGES ON `wordpress`.* TO `kfp_a_b`@`%`");
    let cases: &[&[(&str, &str)]] = &[
        &[("DATABASE", "mysql")],
        &[("DATABASE", "Sys")],
        &[("DATABASE", "a`; DROP DATABASE b; --")],
        &[("DATABASE", "a-b")],
        &[("DATABASE", "")],
        &[("DATABASE", "1a")],
        &[("DATABASE_USER", "root")],
        &[("DATABASE_USER", "Provisioner")],
        &[("DATABASE_USER", "a'@'%' IDENTIFIED BY ''; --")],
        &[("DATABASE_USER", "a_name_of_more_than_thirty_two_chars")],
        &[("DATABASE_PASSWORD", "")],
        &[("DATABASE_PASSWORD", "two\nlines")],
        &[("TLS", "perhaps")],
        &[("EXISTS", "1"), ("GRANTS", &foreign)],
        &[
            ("EXISTS", "1"),
            ("GRANTS", "GRANT SELECT ON *.* TO `kfp_a_b`@`%`"),
        ],
        &[
            ("EXISTS", "1"),
            (
                "GRANTS",
                "GRANT USAGE ON *.* TO `kfp_a_b`@`%` WITH GRANT OPTION",
            ),
        ],
        &[
            ("EXISTS", "1"),
            ("GRANTS", "GRANT `dba`@`%` TO `kfp_a_b`@`%`"),
        ],
        &[("EXISTS", "1"), ("GRANTS", NO_GRANTS), ("OTHERS", "1")],
        &[("OTHERS", "2")],
    ];
    for case in cases {
        let refused = mysql(&with(&database(), case));
        assert!(!refused.success, "{case:?}");
        assert_eq!(changes(&refused), Vec::<String>::new(), "{case:?}");
        assert!(!refused.stderr.is_empty(), "{case:?}");
        assert!(!refused.stderr.contains("it's"), "{case:?}");
    }
}

fn bucket() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("REGION", "eu-west-1"),
        ("BUCKET", "kfp-churn"),
        ("BUCKET_URL", "https://s3.example.com/kfp-churn"),
        ("ADMIN_ACCESS_KEY", "AKIA"),
        ("ADMIN_SECRET_KEY", r#"a"b\c"#),
    ])
}

#[test]
fn a_bucket_is_made_when_it_is_not_there() {
    for (answers, location, success, asked, body) in [
        ("200", "", true, 1, ""),
        ("404 200", "", true, 2, ""),
        (
            "404 200",
            "eu-west-1",
            true,
            2,
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>",
        ),
        ("404 409 200", "", true, 3, ""),
        ("404 409 403", "", false, 3, ""),
        ("403", "", false, 1, ""),
        ("301", "", false, 1, ""),
        ("500", "", false, 1, ""),
        ("404 400", "", false, 2, ""),
    ] {
        let environment = with(&bucket(), &[("ANSWERS", answers), ("LOCATION", location)]);
        let run = run("bucket.sh", &[("curl", CURL)], &environment);
        assert_eq!(run.success, success, "{answers}: {}", run.stderr);
        let arguments = run.log("arguments");
        assert_eq!(arguments.lines().count(), asked, "{answers}");
        assert!(!arguments.contains("AKIA") && !arguments.contains("a\"b"));
        assert_eq!(run.log("body"), body, "{answers}");
        assert_eq!(run.log("config"), "user = \"AKIA:a\\\"b\\\\c\"\n");
    }
    for keys in [
        [("ADMIN_ACCESS_KEY", "a:b")],
        [("ADMIN_SECRET_KEY", "a\nurl = \"b\"")],
    ] {
        let run = run("bucket.sh", &[("curl", CURL)], &with(&bucket(), &keys));
        assert!(!run.success, "{keys:?}");
        assert_eq!(run.log("arguments"), "");
    }
}

fn minio() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("REGION", "us-east-1"),
        ("BUCKET", "lake"),
        ("ENDPOINT", "http://minio.storage.svc:9000"),
        ("PATH_STYLE", "on"),
        ("POLICY_NAME", "lake-1"),
        ("POLICY", r#"{"Version":"2012-10-17"}"#),
        ("ACCESS_KEY", "churn"),
        ("SECRET_KEY", "secret of churn"),
        ("ADMIN_ACCESS_KEY", "root"),
        ("ADMIN_SECRET_KEY", "secret of root"),
        (
            "USER_INFO",
            r#"{"status":"error","error":{"cause":{"error":{"Code":"XMinioAdminNoSuchUser"}}}}"#,
        ),
        ("USER_STATUS", "1"),
        ("ATTACHED", ""),
        ("ATTACH_STATUS", "0"),
    ])
}

#[test]
fn a_user_of_minio_is_made() {
    let known =
        r#"{"status":"success","accessKey":"churn","policyName":"lake-1","userStatus":"enabled"}"#;
    let in_effect = "mc: <ERROR> The specified policy change is already in effect.";
    let again = [
        ("USER_INFO", known),
        ("USER_STATUS", "0"),
        ("ATTACHED", in_effect),
        ("ATTACH_STATUS", "1"),
    ];
    for changes in [&[][..], &again[..]] {
        let run = run("minio.sh", &[("mc", MC)], &with(&minio(), changes));
        assert!(run.success, "{}", run.stderr);
        assert_eq!(
            run.log("input"),
            "root\nsecret of root\nchurn\nsecret of churn\n"
        );
        assert_eq!(run.log("policy"), r#"{"Version":"2012-10-17"}"#);
        let arguments = run.log("arguments");
        assert!(!arguments.contains("secret of"), "{arguments}");
        assert!(arguments.ends_with("--quiet admin policy attach store lake-1 --user churn\n"));
    }
}

#[test]
fn users_of_others_are_not_touched() {
    let user = |policy: &str, more: &str| {
        format!(r#"{{"status":"success","accessKey":"churn","policyName":"{policy}"{more}}}"#)
    };
    let admin = user("consoleAdmin", "");
    let both = user("lake-1,consoleAdmin", "");
    let group = user("", r#","memberOf":[{"name":"admins"}]"#);
    let cases: &[&[(&str, &str)]] = &[
        &[("USER_INFO", &admin), ("USER_STATUS", "0")],
        &[("USER_INFO", &both), ("USER_STATUS", "0")],
        &[("USER_INFO", &group), ("USER_STATUS", "0")],
        &[("USER_INFO", "Access Denied"), ("USER_STATUS", "1")],
        &[("ACCESS_KEY", "root")],
        &[("ACCESS_KEY", "")],
        &[("ACCESS_KEY", "--help")],
        &[("ACCESS_KEY", "a b")],
        &[("SECRET_KEY", "short")],
        &[("SECRET_KEY", "two\nlines of it")],
    ];
    for case in cases {
        let run = run("minio.sh", &[("mc", MC)], &with(&minio(), case));
        assert!(!run.success, "{case:?}");
        let arguments = run.log("arguments");
        assert!(!arguments.contains("user add"), "{case:?}: {arguments}");
        assert!(!arguments.contains("attach"), "{case:?}: {arguments}");
    }
}
