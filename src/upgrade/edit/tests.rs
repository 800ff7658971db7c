use proptest::prelude::*;

use super::*;

/// Sets the base of blocks, and compares with the text that is to come out; `Err` is the line of the error.
fn check(text: &str, blocks: &[Block], expect: Result<&str, usize>) {
    let mut sources = Sources::default();
    let file = sources.add("projects.yaml", text);
    let edited = set_base(&sources, file, blocks, "new").map_err(|diagnostic| {
        assert_eq!(diagnostic.code, Code::NotEditable);
        let span = diagnostic.span.expect("a place");
        sources.line_column(file, span.start).0
    });
    assert_eq!(edited.as_deref().map_err(|line| *line), expect, "{text}");
}

#[test]
fn values_are_replaced_where_they_stand() {
    let platform = [Block::Platform];
    for (text, expect) in [
        ("platform: {base: old}\n", "platform: {base: new}\n"),
        (
            "platform: {\"base\":\"old\", x: 1}\n",
            "platform: {\"base\":\"new\", x: 1}\n",
        ),
        (
            "platform:\n  base: old   # why\n",
            "platform:\n  base: new   # why\n",
        ),
        ("platform:\n  base: 'old'\n", "platform:\n  base: 'new'\n"),
        (
            "platform:\r\n  base: old\r\n",
            "platform:\r\n  base: new\r\n",
        ),
        (
            "platform:\n  base: !!str old\n",
            "platform:\n  base: !!str new\n",
        ),
        (
            "platform:\n  base:\n    # below\n    old\n",
            "platform:\n  base:\n    # below\n    new\n",
        ),
        (
            "platform:\n  base: &b old # x",
            "platform:\n  base: &b new # x",
        ),
        ("platform:\n  base:\n", "platform:\n  base: new\n"),
        (
            "platform:\n  base: ~ # none\n",
            "platform:\n  base: new # none\n",
        ),
    ] {
        check(text, &platform, Ok(expect));
    }
}

#[test]
fn keys_are_inserted_in_the_style_of_the_block() {
    let first = [Block::Project(0)];
    for (text, expect) in [
        (
            "projects:\n- name: a # x\n  ring: r\n- name: b\n",
            "projects:\n- name: a # x\n  base: new\n  ring: r\n- name: b\n",
        ),
        (
            "projects:\r\n  -   name: a\r\n",
            "projects:\r\n  -   name: a\r\n      base: new\r\n",
        ),
        ("projects:\n- name: a", "projects:\n- name: a\n  base: new"),
        (
            "projects:\n- ring: r\n  name: \"a\"\n",
            "projects:\n- ring: r\n  name: \"a\"\n  base: new\n",
        ),
        (
            "projects: [{name: a}, {name: b}]\n",
            "projects: [{name: a, base: new}, {name: b}]\n",
        ),
        (
            "projects:\n- {name: a, ring: r}\n",
            "projects:\n- {name: a, base: new, ring: r}\n",
        ),
        (
            "projects:\n- {ring: r, name: a}\n",
            "projects:\n- {ring: r, name: a, base: new}\n",
        ),
        (
            "projects:\n- {\n    name: a, # x\n    ring: r\n  }\n",
            "projects:\n- {\n    name: a, base: new, # x\n    ring: r\n  }\n",
        ),
        (
            "{\"projects\": [{\"name\": \"a\"}]}",
            "{\"projects\": [{\"name\": \"a\", \"base\": \"new\"}]}",
        ),
        (
            "projects:\n- labels: {x: y}\n  name: a\n",
            "projects:\n- labels: {x: y}\n  name: a\n  base: new\n",
        ),
        (
            "projects:\n-\n  name: a\n  ring: r\n",
            "projects:\n-\n  name: a\n  base: new\n  ring: r\n",
        ),
    ] {
        check(text, &first, Ok(expect));
    }
}

#[test]
fn aliases_and_merge_keys() {
    let (first, second) = (Block::Project(0), Block::Project(1));
    // An alias is replaced, not what it names.
    check(
        "platform: {base: &b old}\nprojects:\n- {name: a, base: *b}\n",
        std::slice::from_ref(&first),
        Ok("platform: {base: &b old}\nprojects:\n- {name: a, base: new}\n"),
    );
    // What an anchor names is not changed for others.
    check(
        "platform: {base: &b old}\nprojects:\n- {name: a, base: *b}\n",
        &[Block::Platform],
        Err(1),
    );
    check(
        "platform: {base: &b old}\nprojects:\n- {name: a, base: *b}\n",
        &[Block::Platform, first.clone()],
        Ok("platform: {base: &b new}\nprojects:\n- {name: a, base: new}\n"),
    );
    // A key that a merge key brings is overridden beside it.
    check(
        "projects:\n- &p\n  name: a\n  base: old\n- <<: *p\n  name: b\n",
        std::slice::from_ref(&second),
        Ok("projects:\n- &p\n  name: a\n  base: old\n- <<: *p\n  name: b\n  base: new\n"),
    );
    check(
        "projects:\n- &p\n  name: a\n  base: old\n- <<: *p\n  name: b\n",
        std::slice::from_ref(&first),
        Err(4),
    );
    // A project that is an alias as a whole has no text of its own.
    check(
        "x: &p\n  name: a\nprojects:\n- *p\n",
        std::slice::from_ref(&first),
        Err(2),
    );
    check(
        "projects:\n- name: a\n  base: |\n    old\n",
        &[first],
        Err(4),
    );
}

/// A project as people may write it: its text with a gap for the base, the gap's own text, and whether it says a base.
fn project(number: usize) -> impl Strategy<Value = (String, bool)> {
    let comment = prop_oneof![Just(""), Just("  # base: none"), Just(" # {a: b}")];
    let owner = prop_oneof![
        Just("x"),
        Just("'it''s: # 1'"),
        Just("\"a, base: b\""),
        Just("ünï {x}")
    ];
    let quotes = prop_oneof![Just(""), Just("'"), Just("\"")];
    let own = prop_oneof![Just(None), Just(Some("old")), Just(Some("older"))];
    (0..4_usize, comment, owner, quotes, own, any::<bool>()).prop_map(
        move |(style, comment, owner, quote, own, base_first)| {
            let name = format!("name: {quote}p{number}{quote}");
            let owner = format!("owner: {owner}");
            let base = own.map(|base| format!("base: {quote}{base}{quote}"));
            let mut parts = vec![name, owner];
            if let Some(base) = &base {
                parts.insert(if base_first { 0 } else { 2 }, base.clone());
            }
            let in_braces = !parts.iter().any(|part| part.contains("ünï"));
            let text = match style {
                0 if in_braces => format!("- {{{}}}{comment}\n", parts.join(", ")),
                1 if in_braces => format!("- {{\n    {}\n  }}{comment}\n", parts.join(",\n    ")),
                2 => format!("-   {}{comment}\n", parts.join(&format!("{comment}\n    "))),
                _ => format!("- {}\n", parts.join(&format!("{comment}\n\n  "))),
            };
            (text, base.is_some())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_else_changes(
        projects in (project(0), project(1), project(2)),
        at in 0..3_usize,
        crlf in any::<bool>(),
        trailing in any::<bool>(),
    ) {
        let parts = [projects.0, projects.1, projects.2];
        let mut text = format!("# all\nprojects:\n{}", parts.iter().map(|part| part.0.as_str()).collect::<String>());
        if trailing {
            text.push_str("# the end");
        } else {
            text.truncate(text.trim_end().len());
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let mut sources = Sources::default();
        let file = sources.add("projects.yaml", text.clone());
        let before = says(&text).expect("generated text is read");
        let edited = set_base(&sources, file, &[Block::Project(at)], "kfp-2.17.0");
        let edited = edited.expect("there are no aliases");
        let mut expect = before;
        expect["projects"][at]["base"] = "kfp-2.17.0".into();
        prop_assert_eq!(says(&edited), Some(expect));
        // One stretch differs, and it is the value, or the key with its value.
        let head = text.bytes().zip(edited.bytes()).take_while(|(a, b)| a == b).count();
        let rest = (&text.as_bytes()[head..], &edited.as_bytes()[head..]);
        let tail = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| a == b).count();
        let old = &text[head..text.len() - tail];
        let new = &edited[head..edited.len() - tail];
        if parts[at].1 {
            prop_assert!("older".contains(old) && "kfp-2.17.0".contains(new), "{old:?} {new:?}");
        } else {
            prop_assert_eq!(old, "");
            prop_assert_eq!(new.matches("kfp-2.17.0").count() + new.matches("base").count(), 2);
            prop_assert!(new.len() <= "\r\n    base: kfp-2.17.0".len(), "{new:?}");
        }
    }

    #[test]
    fn no_text_panics(text in "[ab:{}\\[\\]#&*'\"| \n-]{0,60}", at in 0..2_usize) {
        let mut sources = Sources::default();
        let file = sources.add("projects.yaml", format!("platform: {{base: x}}\nprojects:\n- {text}\n- name: b\n"));
        let _any = set_base(&sources, file, &[Block::Project(at), Block::Platform], "new");
    }
}
