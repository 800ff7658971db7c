use super::*;
use crate::git::hash;
use git2::ObjectType;

fn text(message: &str) -> CommitText {
    let signature = |name: &str, moment: &str| Signature {
        person: Person::parse(name).expect("a person"),
        moment: Moment::parse(moment).expect("a moment"),
    };
    CommitText {
        author: signature("Ada Lovelace <ada@example.com>", "@1000000000 -0500"),
        committer: signature("CI <>", "@1000000001 +0000"),
        message: message.to_owned(),
    }
}

#[test]
fn a_commit_is_written_as_git_writes_it() {
    let tree = ObjectId(hash(ObjectType::Tree, b""));
    let content = text("Subject\n\nBody  \n\n").encode(tree, Some(tree));
    let expect = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\
                  parent 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\
                  author Ada Lovelace <ada@example.com> 1000000000 -0500\n\
                  committer CI <> 1000000001 +0000\n\nSubject\n\nBody\n";
    assert_eq!(String::from_utf8_lossy(&content), expect);
    let first = text("x").encode(tree, None);
    assert!(!String::from_utf8_lossy(&first).contains("parent"));
}

#[test]
fn people() {
    let check = |text: &str, expect: Option<(&str, &str)>| {
        let person = Person::parse(text);
        let found = person
            .as_ref()
            .ok()
            .map(|person| (person.name(), person.email()));
        assert_eq!(found, expect, "{text}");
    };
    check("Ada <ada@example.com>", Some(("Ada", "ada@example.com")));
    check(
        "  Ada  Lovelace  < ada@example.com > ",
        Some(("Ada  Lovelace", "ada@example.com")),
    );
    check("Ада <>", Some(("Ада", "")));
    check("Ada", None);
    check("<ada@example.com>", None);
    check("Ada <ada@example.com", None);
    check("Ada <a<b>", None);
    check("Ada\nparent 0 <a>", None);
    check("", None);
}

#[test]
fn messages() {
    let inputs = InputsCommit {
        id: ObjectId(hash(ObjectType::Blob, b"")),
        author: "Ada <ada@example.com>".to_owned(),
        moment: Moment::utc(1_000_000_000),
        subject: "Add project churn".to_owned(),
        body: String::new(),
    };
    let id = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
    assert_eq!(
        CommitText::default_message("overlays", Some(&inputs)),
        format!("Render overlays from e69de29bb2d1\n\nAdd project churn\n\nInputs-Commit: {id}\n")
    );
    assert_eq!(
        CommitText::default_message("", None),
        "Render . from uncommitted inputs\n"
    );
    let metadata = inputs.hydrator_metadata(Some("https://git.example.com/ml/stacks.git"));
    let expect = format!(
        "{{\n  \"repoURL\": \"https://git.example.com/ml/stacks.git\",\n  \"drySha\": \"{id}\",\n  \
         \"author\": \"Ada <ada@example.com>\",\n  \"date\": \"2001-09-09T01:46:40Z\",\n  \
         \"subject\": \"Add project churn\"\n}}\n"
    );
    assert_eq!(String::from_utf8_lossy(&metadata), expect);
    assert!(CommitText::check_message(" \n").is_err());
    assert!(CommitText::check_message("a\0b").is_err());
    assert!(CommitText::check_message("a").is_ok());
}
