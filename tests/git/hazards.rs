//! Every hazard, from the outside: `diff` tells of it, `render`, `publish` and both gates stop at it, and its
//! acknowledgement lets it pass.
//!
//! Source of the rules: commands-and-output §1, §2 and §4, projects-file §11.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Repo, Said};

const HEAD: &str = "\
version: 1
platform: {base: kfp-2.17.0}
databases:
  central: {engine: mysql, host: db.example.com, credentials: {externalSecret: {store: vault, key: \"db/{{ project.name }}\"}}}
objectStores:
  lake: {provider: s3, endpoint: https://s3.example.com, bucket: lake, credentials: {externalSecret: {store: vault, key: \"s3/{{ project.name }}\"}}}
";

fn fleet(projects: &str) -> String {
    format!("{HEAD}projects:\n{projects}\n")
}

/// A repository whose fleet is rendered, committed on `main` and published on `rendered`.
struct Fleet {
    repo: Repo,
}

impl Fleet {
    fn new(projects: &str) -> Self {
        let repo = Repo::new();
        let said = repo.tenantry(&["init", "."]);
        assert_eq!(said.status, 0, "{}", said.err);
        let fleet = Fleet { repo };
        fleet.write(&self::fleet(projects));
        fleet.says(&["render", "-q"], 0);
        fleet.repo.commit("before");
        fleet.publishes(0);
        fleet
    }

    fn write(&self, text: &str) {
        self.repo.write(&[("projects.yaml", text)]);
    }

    #[track_caller]
    fn says(&self, arguments: &[&str], status: i32) -> Said {
        let said = self.repo.tenantry(arguments);
        assert_eq!(
            said.status, status,
            "{arguments:?}\n{}\n{}",
            said.out, said.err
        );
        said
    }

    #[track_caller]
    fn publishes(&self, status: i32) -> Said {
        self.says(&["publish", "-q", "--branch", "rendered"], status)
    }

    /// Returns the bytes of every file of the tree.
    fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let top = self.repo.path().join("overlays");
        let files = walkdir::WalkDir::new(&top)
            .into_iter()
            .map(|entry| entry.expect("an entry"));
        files
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let path = entry
                    .path()
                    .strip_prefix(&top)
                    .expect("below")
                    .to_string_lossy()
                    .into_owned();
                (path, fs::read(entry.path()).expect("a file"))
            })
            .collect()
    }

    /// Asserts that a change has exactly these hazards that stop, wherever they can be found, and changes nothing.
    #[track_caller]
    fn stops(&self, text: &str, hazards: &[&str]) {
        self.write(text);
        let (tree, branch) = (self.tree(), self.repo.git(&["rev-parse", "rendered"]));
        let shown = self.says(&["diff", "--exit-code"], 1).out;
        for hazard in hazards {
            assert!(
                shown.starts_with("Hazards that stop\n") && shown.contains(hazard),
                "{hazard}: {shown}"
            );
        }
        let codes = |said: Said| -> Vec<String> {
            let errors = said
                .err
                .lines()
                .filter_map(|line| line.strip_prefix("error[")?.split_once(']'));
            errors.map(|(code, _)| code.to_owned()).collect()
        };
        assert_eq!(codes(self.says(&["diff", "--gate"], 3)), hazards);
        assert_eq!(
            codes(self.says(&["diff", "--against", "main", "--gate"], 3)),
            hazards
        );
        assert_eq!(codes(self.says(&["render"], 3)), hazards);
        assert_eq!(codes(self.publishes(3)), hazards);
        assert!(self.tree() == tree, "the tree has changed");
        assert_eq!(self.repo.git(&["rev-parse", "rendered"]), branch);
        // Deleting the tree first is no way round the gate.
        let (overlays, aside) = (self.repo.path().join("overlays"), self.repo.beside("aside"));
        fs::rename(&overlays, &aside).expect("moved");
        assert_eq!(
            codes(self.says(&["diff", "--against", "main", "--gate"], 3)),
            hazards
        );
        fs::rename(&aside, &overlays).expect("moved back");
    }

    /// Asserts that a change passes every gate, and goes back to where everything was.
    #[track_caller]
    fn passes(&self, text: &str) {
        self.write(text);
        let (tree, branch) = (self.tree(), self.repo.git(&["rev-parse", "rendered"]));
        for arguments in [
            &["diff", "--gate"][..],
            &["diff", "--against", "main", "--gate"],
        ] {
            assert_eq!(self.says(arguments, 0).err, "");
        }
        assert_eq!(self.publishes(0).err, "");
        assert_eq!(self.says(&["render", "-q"], 0).err, "");
        self.says(&["render", "--check", "-q"], 0);
        assert!(self.tree() != tree, "nothing has changed");
        self.repo.git(&["checkout", "-q", "-f", "main"]);
        self.repo.git(&["clean", "-q", "-f", "-d", "overlays"]);
        self.repo
            .git(&["update-ref", "refs/heads/rendered", &branch]);
    }
}

/// Returns the fleet with entries that let the hazards of `churn` pass.
fn acknowledged(text: &str, hazards: &[&str]) -> String {
    let entries: String = hazards
        .iter()
        .map(|hazard| format!("- {{project: churn, hazard: {hazard}, reason: \"meant\"}}\n"))
        .collect();
    format!("{text}acknowledge:\n{entries}")
}

#[test]
fn every_hazard_stops_everywhere_until_it_is_acknowledged() {
    let first = Fleet::new("- name: churn\n- name: vision");
    let own = "{secret: {name: own}}";
    let service = "patches: [{target: {kind: Service, name: ml-pipeline}, patch: \"spec: {clusterIP: None}\"}]";
    let cases: &[(&str, &[&str])] = &[
        ("", &["project-deleted"]),
        (
            "- {name: churn, database: central}\n",
            &["volume-deleted", "database-identity"],
        ),
        (
            "- {name: churn, objectStore: lake}\n",
            &["volume-deleted", "object-store-identity"],
        ),
        (
            "- {name: churn, database: {embedded: {size: 5Gi}}}\n",
            &["volume-shrunk"],
        ),
        (
            "- {name: churn, objectStore: {embedded: {storageClass: fast}}}\n",
            &["volume-class-changed"],
        ),
        (
            "- {name: churn, database: {embedded: {database: other}}}\n",
            &["database-identity"],
        ),
        (
            "- {name: churn, objectStore: {embedded: {bucket: other}}}\n",
            &["object-store-identity"],
        ),
        (
            &format!("- {{name: churn, database: {{embedded: {{credentials: {own}}}}}}}\n"),
            &["credentials-regenerated"],
        ),
        (
            &format!("- {{name: churn, {service}}}\n"),
            &["immutable-field"],
        ),
        ("- {name: churn, base: kfp-2.15.0}\n", &["base-downgrade"]),
    ];
    for (project, hazards) in cases {
        let text = fleet(&format!("{project}- name: vision"));
        first.stops(&text, hazards);
        first.passes(&acknowledged(&text, hazards));
    }
}

#[test]
fn a_base_that_needs_a_migration() {
    let projects = |base: &str| {
        format!(
            "- {{name: churn, base: {base}, objectStore: {{embedded: {{engine: minio}}}}}}\n- {{name: vision, base: {base}}}"
        )
    };
    let fleet = Fleet::new(&projects("kfp-2.15.0"));
    let next = self::fleet(&projects("kfp-2.17.0"));
    fleet.stops(&next, &["base-migration"]);
    fleet.passes(&acknowledged(&next, &["base-migration"]));
}

#[test]
fn what_stops_nothing_is_listed() {
    let listed = Fleet::new("- name: churn\n- name: vision");
    let next = fleet(
        "- {name: churn, members: {viewers: [\"user:ann\"]}}\n- {name: vision, components: {ui: {resources: {requests: {cpu: 11m}}}}}",
    );
    listed.write(&next);
    let shown = listed.says(&["diff"], 0).out;
    assert!(
        shown.starts_with(
            "\
Worth a look
  access-widened  churn
    `RoleBinding/members-viewers` gives `Role/members-viewers` to `User ann`
  restart  vision
    `Deployment/ml-pipeline-ui`
"
        ),
        "{shown}"
    );
    listed.passes(&next);
}

#[test]
fn a_directory_that_was_deleted_beforehand_is_deleted_all_the_same() {
    let deleted = Fleet::new("- name: churn\n- name: vision");
    let churn = deleted.repo.path().join("overlays/in-cluster/churn");
    for next in [
        fleet("- name: vision"),
        fleet("- {name: other, namespace: churn}\n- name: vision"),
        fleet("- {name: churn, namespace: elsewhere}\n- name: vision"),
    ] {
        fs::remove_dir_all(&churn).expect("removed");
        deleted.write(&next);
        for arguments in [&["diff", "--gate"][..], &["render"]] {
            let said = deleted.says(arguments, 3);
            assert!(
                said.err
                    .starts_with("error[project-deleted]: project `churn`: "),
                "{}",
                said.err
            );
        }
        deleted.repo.git(&["checkout", "-q", "-f", "main"]);
    }
    // Without anything else, it simply comes back.
    fs::remove_dir_all(&churn).expect("removed");
    let said = deleted.says(&["diff", "--gate"], 0);
    assert!(said.out.starts_with("New\n  + churn"), "{}", said.out);
    deleted.says(&["render", "-q"], 0);
    assert_eq!(deleted.repo.git(&["status", "--porcelain"]), "");
    // Nor does an older base get in by that way.
    fs::remove_dir_all(&churn).expect("removed");
    deleted.write(&fleet("- {name: churn, base: kfp-2.15.0}\n- name: vision"));
    let said = deleted.says(&["render"], 3);
    assert!(
        said.err
            .starts_with("error[base-downgrade]: project `churn`: "),
        "{}",
        said.err
    );
}

#[test]
fn deletion_takes_two_commits() {
    let two = Fleet::new("- name: churn\n- name: vision");
    let retired = fleet("- {name: churn, state: retired}\n- name: vision");
    let one = fleet("- name: vision");
    two.passes(&retired);
    // What counts is the state that was committed, not one that was rendered since.
    two.write(&retired);
    two.says(&["render", "-q"], 0);
    two.write(&one);
    two.says(&["diff", "--gate"], 0);
    let said = two.says(&["diff", "--against", "main", "--gate"], 3);
    assert!(
        said.err
            .starts_with("error[project-deleted]: project `churn`: "),
        "{}",
        said.err
    );
    two.write(&retired);
    two.repo.commit("retired");
    two.publishes(0);
    two.passes(&one);
}

#[test]
fn a_rename_keeps_everything() {
    let project = |name: &str, rest: &str| format!("- {{name: {name}{rest}}}\n");
    let storage = ", database: central, objectStore: lake";
    let moved =
        Fleet::new(format!("{}{}", project("churn", ""), project("sales", storage)).trim_end());
    let next = fleet(&format!(
        "{}{}",
        project("churn-2", ""),
        project("sales-2", storage)
    ));
    let next =
        format!("{next}moved:\n- {{from: churn, to: churn-2}}\n- {{from: sales, to: sales-2}}\n");
    moved.write(&next);
    let document: serde_json::Value = serde_json::from_str(
        &moved
            .says(
                &["diff", "--against", "main", "--format", "json", "--gate"],
                0,
            )
            .out,
    )
    .expect("a document");
    for list in ["hazards", "added", "removed"] {
        assert_eq!(document[list], serde_json::json!([]), "{list}");
    }
    let names = |moved: &Fleet| -> Vec<String> { moved.tree().into_keys().collect() };
    let before = names(&moved);
    moved.passes(&next);
    assert_eq!(names(&moved), before);
}

#[test]
fn an_unknown_revision_is_named() {
    let fleet = Fleet::new("- name: churn");
    let said = fleet.says(&["diff", "--against", "origin/main"], 5);
    assert_eq!(
        said.err,
        "error: `origin/main` is neither a revision nor a directory; a branch of a remote may have to be fetched first"
    );
}
