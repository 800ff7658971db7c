//! What the reader gives, where, and what it refuses.

use super::*;
use crate::yaml::LoadErrorKind::{self, *};
use serde_json::{Value, json};

fn marked() -> LoadOptions {
    LoadOptions {
        marks: true,
        ..LoadOptions::default()
    }
}

fn tagged() -> LoadOptions {
    LoadOptions {
        tags: true,
        ..marked()
    }
}

fn values(text: &str, options: &LoadOptions) -> Vec<Value> {
    match load(text, options) {
        Ok(documents) => documents
            .into_iter()
            .map(|document| document.value)
            .collect(),
        Err(error) => panic!("{text:?}: {error:?}"),
    }
}

fn error(text: &str, options: &LoadOptions) -> LoadError {
    match load(text, options) {
        Ok(documents) => panic!("{text:?}: {documents:?}"),
        Err(error) => error,
    }
}

#[test]
fn documents_without_content_are_left_out() {
    let check = |text: &str, expect: Value| {
        assert_eq!(
            Value::from(values(text, &LoadOptions::default())),
            expect,
            "{text:?}"
        );
    };
    check("", json!([]));
    check("\u{feff}", json!([]));
    check("# comment\n", json!([]));
    check("---\n# comment\n---\n---\n...\n", json!([]));
    check(
        "---\na: 1\n---\n# comment\n---\nb: 2\n...\n---\n",
        json!([{"a": 1}, {"b": 2}]),
    );
    check("--- a\n--- b\n", json!(["a", "b"]));
    check("~\n", json!([null]));
    check("\"\"\n", json!([""]));
    check("{}\n---\n[]\n", json!([{}, []]));
}

#[test]
fn a_document_starts_at_its_first_node() {
    let check = |text: &str, expect: &[usize]| {
        let documents = load(text, &LoadOptions::default()).expect("the text is valid");
        let starts: Vec<usize> = documents.iter().map(|document| document.start).collect();
        assert_eq!(starts, expect, "{text:?}");
    };
    check("a: 1\n", &[0]);
    check("\u{feff}a: 1\n", &[3]);
    check("# é\n\n---\n# c\na: 1\n---\n- b\n", &[14, 23]);
    check("--- {a: 1}\n", &[4]);
}

#[test]
fn one_document_is_what_load_one_asks_for() {
    let options = LoadOptions::default();
    assert_eq!(
        load_one("# c\n---\na: 1\n", &options).map(|document| document.value),
        Ok(json!({"a": 1}))
    );
    let none = load_one("# c\n", &options).expect_err("there is no document");
    assert_eq!((none.kind, none.range), (DocumentCount, 0..0));
    let two = load_one("a: 1\n---\nb: 1\n", &options).expect_err("there are two documents");
    assert_eq!((two.kind, two.range), (DocumentCount, 9..10));
    assert_eq!(two.related.map(|(range, _)| range), Some(0..1));
}

/// Checks what stands at pointers, as text; `key` pointers start with `key `.
fn check_marks(text: &str, options: &LoadOptions, expect: &[(&str, &str)]) {
    let document = load_one(text, options).expect("the text is valid");
    for (pointer, expect) in expect {
        let range = match pointer.strip_prefix("key ") {
            Some(pointer) => document.marks.key(pointer),
            None => document.marks.value(pointer),
        };
        let found = range.map(|range| &text[range]);
        assert_eq!(found, Some(*expect), "{pointer} of {text:?}");
    }
}

#[test]
fn marks_tell_where_values_and_keys_stand() {
    let text = "# c\na: 1 # one\n\"b/~\":\n- x\n- é: 'y'\n  z:\n\n# end\nlit: |\n  1\n  2\n\n\nflow: {k: [1, \"two\"], }  # c\nlast:\n  deep:\n    er: end   \n";
    check_marks(
        text,
        &marked(),
        &[
            ("", text[4..].trim_end()),
            ("/a", "1"),
            ("key /a", "a"),
            ("key /b~1~0", "\"b/~\""),
            ("/b~1~0", "- x\n- é: 'y'\n  z"),
            ("/b~1~0/0", "x"),
            ("/b~1~0/1", "é: 'y'\n  z"),
            ("/b~1~0/1/é", "'y'"),
            ("key /b~1~0/1/é", "é"),
            ("key /b~1~0/1/z", "z"),
            ("/b~1~0/1/z", ""),
            ("/lit", "1\n  2"),
            ("/flow", "{k: [1, \"two\"], }"),
            ("/flow/k", "[1, \"two\"]"),
            ("/flow/k/1", "\"two\""),
            ("/last", "deep:\n    er: end"),
            ("/last/deep/er", "end"),
        ],
    );
    check_marks(
        "a:\n- - x\n- y\nb: # -\n  - -1\nc:\n-\n- z\nd: !!seq\n- 1\n",
        &marked(),
        &[
            ("/a", "- - x\n- y"),
            ("/a/0", "- x"),
            ("/b", "- -1"),
            ("/c", "-\n- z"),
            ("/d", "- 1"),
        ],
    );
    let marks = load_one(text, &marked()).expect("the text is valid").marks;
    assert_eq!(marks.nearest("/a/nothing/here"), marks.value("/a"));
    assert_eq!(marks.nearest("/nothing"), marks.value(""));
    assert_eq!(marks.value("/nothing"), None);
    assert_eq!(marks.key(""), None);
}

#[test]
fn marks_of_aliases_and_merges_are_those_of_the_alias() {
    let text = "x: &x {a: 1, b: {c: 2}}\ny: *x\nz:\n  b: 3\n  <<: *x\n";
    check_marks(
        text,
        &marked(),
        &[
            ("/x", "{a: 1, b: {c: 2}}"),
            ("/x/b/c", "2"),
            ("/y", "*x"),
            ("/z/b", "3"),
            ("/z/a", "*x"),
            ("key /z/a", "<<"),
        ],
    );
    let marks = load_one(text, &marked()).expect("the text is valid").marks;
    assert_eq!(marks.nearest("/y/b/c"), marks.value("/y"));
}

#[test]
fn marks_of_each_document_are_its_own() {
    let documents = load("a: 1\n---\nb: 2\n", &marked()).expect("the text is valid");
    assert_eq!(documents[0].marks.value("/a"), Some(3..4));
    assert_eq!(documents[1].marks.value("/a"), None);
    assert_eq!(documents[1].marks.value("/b"), Some(12..13));
}

#[test]
fn marks_are_empty_unless_asked_for() {
    let document = load_one("a: 1\n", &LoadOptions::default()).expect("the text is valid");
    assert_eq!(document.marks.nearest("/a"), None);
}

#[test]
fn local_tags_become_mappings_of_one_key() {
    let check =
        |text: &str, expect: Value| assert_eq!(values(text, &tagged()), [expect], "{text:?}");
    check("a: !expr plan.port\n", json!({"a": {"!expr": "plan.port"}}));
    check("a: !expr 0644\n", json!({"a": {"!expr": "0644"}}));
    check("a: !expr true\n", json!({"a": {"!expr": "true"}}));
    check("a: !expr ~\n", json!({"a": {"!expr": "~"}}));
    check(
        "a: !expr 2026-11-22\n",
        json!({"a": {"!expr": "2026-11-22"}}),
    );
    check("a: !expr .inf\n", json!({"a": {"!expr": ".inf"}}));
    check(
        "a: !expr\nb: [!expr , !expr x]\n",
        json!({"a": {"!expr": ""}, "b": [{"!expr": ""}, {"!expr": "x"}]}),
    );
    check("a: !json \"x\"\n", json!({"a": {"!json": "x"}}));
    check("a: !yaml |\n  x: 1\n", json!({"a": {"!yaml": "x: 1\n"}}));
    check("!x a\n", json!({"!x": "a"}));
    check(
        "a: !if {cond: \"x\", then: 5, else: !expr y}\n",
        json!({"a": {"!if": {"cond": "x", "then": 5, "else": {"!expr": "y"}}}}),
    );
    check(
        "- !for\n  each: p\n  in: ps\n  do:\n    name: \"{{ p }}\"\n- !merge [{a: 1}, !expr b]\n",
        json!([{"!for": {"each": "p", "in": "ps", "do": {"name": "{{ p }}"}}}, {"!merge": [{"a": 1}, {"!expr": "b"}]}]),
    );
    check(
        "a: &x !expr b\nc: *x\n",
        json!({"a": {"!expr": "b"}, "c": {"!expr": "b"}}),
    );
    check(
        "a: !x &x [1]\nc: *x\n",
        json!({"a": {"!x": [1]}, "c": {"!x": [1]}}),
    );
    check(
        "a: !json {\"!merge\": [b, !expr c]}\n",
        json!({"a": {"!json": {"!merge": ["b", {"!expr": "c"}]}}}),
    );
    check("a: !!str 1\nb: !!int \"2\"\n", json!({"a": "1", "b": 2}));
}

#[test]
fn marks_of_tagged_values_include_the_tag() {
    check_marks(
        "a: !expr  b.c # x\nd: !merge\n- e\n- !x {y: 1}\n",
        &tagged(),
        &[
            ("/a", "!expr  b.c"),
            ("/a/!expr", "b.c"),
            ("key /a", "a"),
            ("/d", "!merge\n- e\n- !x {y: 1}"),
            ("/d/!merge", "!merge\n- e\n- !x {y: 1}"),
            ("/d/!merge/0", "e"),
            ("/d/!merge/1/!x/y", "1"),
        ],
    );
}

/// Checks the kind and the text that an error points at.
fn check_error(text: &str, options: &LoadOptions, kind: LoadErrorKind, at: &str) -> LoadError {
    let error = error(text, options);
    assert_eq!(
        (error.kind, &text[error.range.clone()]),
        (kind, at),
        "{text:?}: {error:?}"
    );
    error
}

#[test]
fn errors_point_at_what_is_wrong() {
    let check = |text: &str, kind, at: &str| {
        check_error(text, &LoadOptions::default(), kind, at);
    };
    check("é: [a\n", Syntax, "[");
    check("a: é\n\tb: 1\n", Syntax, "\t");
    check("a:\n\tb: 1\n", Syntax, "\t");
    check("a: \u{1b}\n", Syntax, "\u{1b}");
    check("a: b # x\u{2028}y\n", Syntax, "\u{2028}");
    check("%YAML 1.2\n---\na: 1\n", Syntax, "%");
    check("é: *b\n", Syntax, "*");
    check("a: 2026-11-22 # x\n", UnquotedDate, "2026-11-22");
    check("a:\n  2026-11-22: x\n", UnquotedDate, "2026-11-22");
    check("a: [1, -.inf]\n", NonFinite, "-.inf");
    check("a: {0644: x}\n", NonStringKey, "0644");
    check("a: {? [b] : x}\n", NonStringKey, "[");
    check("a: {? {b: 1} : x}\n", NonStringKey, "{");
    check("a: {!!int 1: x}\n", NonStringKey, "1");
    check("a: !x b\n", UnknownTag, "!x");
    check("a: !!set {b}\n", UnknownTag, "!!set");
    check("a: !!timestamp 2026-11-22\n", UnknownTag, "2026-11-22");
    check("a: !!int x\n", TagMismatch, "x");
    check("a: {b: }\n", EmptyFlowValue, "");
    check("a: \"\\x7f\"\n", NotRepresentable, "\"\\x7f\"");
    check("a: {'<<': 1}\n", NotRepresentable, "'<<'");
    check("a:\n  <<: 3\n", InvalidMerge, "3");
    check("a: &a [ *a ]\n", RecursiveAlias, "*a");
    let dup = check_error(
        "a: 1\nb: 2\n'a': 3\n",
        &LoadOptions::default(),
        DuplicateKey,
        "'a'",
    );
    assert_eq!(dup.related.map(|(range, _)| range), Some(0..1));
    assert_eq!(dup.message, "the key `a` stands twice in one mapping");
    let dup = check_error(
        "x:\n  <<: {}\n  é: 1\n  <<: {}\n",
        &LoadOptions::default(),
        DuplicateKey,
        "<<",
    );
    assert_eq!(dup.related.map(|(range, _)| range), Some(5..7));
}

#[test]
fn an_anchor_ends_with_its_document() {
    check_error(
        "a: &x 1\n---\nb: *x\n",
        &LoadOptions::default(),
        Syntax,
        "*",
    );
}

#[test]
fn messages_show_keys_on_one_line_and_not_at_length() {
    let check =
        |text: &str, expect: &str| assert_eq!(error(text, &LoadOptions::default()).message, expect);
    check(
        "? |\n  a\n: 1\n\"a\\n\": 2\n",
        "the key `a\\n` stands twice in one mapping",
    );
    let long = "é".repeat(61);
    check(
        &format!("{long}: 1\n{long}: 1\n"),
        &format!("the key `{}…` stands twice in one mapping", &long[..120]),
    );
    check(": 1\n", "a key is left out");
    check("0644: 1\n", "the key `0644` is a number, not a string");
}

#[test]
fn errors_of_tagged_texts() {
    let check = |text: &str, kind, at: &str| {
        check_error(text, &tagged(), kind, at);
    };
    check("a: ! b\n", UnknownTag, "!");
    check(
        "a: !<tag:example.com,2000:x> b\n",
        UnknownTag,
        "!<tag:example.com,2000:x>",
    );
    check("a: {\"!x\": b, c: d}\n", UnknownTag, "c");
    check("a: {c: d, \"!x\": b}\n", UnknownTag, "\"!x\"");
    check("a: {\"!x\": b, <<: {c: d}}\n", UnknownTag, "<<");
    check("a: {<<: {c: d}, \"!x\": b}\n", UnknownTag, "\"!x\"");
    check("a: {<<: {\"!x\": b}}\n", InvalidMerge, "{\"!x\": b}");
    check("a: {!x b: c}\n", NonStringKey, "b");
    check("a: {<<: !expr b}\n", InvalidMerge, "!expr b");
    check("a: {<<: [!expr b]}\n", InvalidMerge, "[!expr b]");
    check("a: !expr \"\\x80\"\n", NotRepresentable, "\"\\x80\"");
}

#[test]
fn a_diagnostic_has_the_code_the_places_and_the_hint() {
    let mut sources = crate::source::Sources::default();
    let text = "a: 1\na: 2\n";
    let file = sources.add("x.yaml", text);
    let diagnostic = error(text, &LoadOptions::default()).to_diagnostic(file);
    assert_eq!(diagnostic.code.as_str(), "duplicate-key");
    assert_eq!(
        diagnostic.span.map(|span| (span.start, span.end)),
        Some((5, 6))
    );
    assert_eq!(diagnostic.related.len(), 1);
    assert_eq!(diagnostic.hints.len(), 1);
    let code = |text: &str| error(text, &LoadOptions::default()).code().as_str();
    assert_eq!(code("["), "yaml-syntax");
    assert_eq!(code("\"\\x7f\""), "unrepresentable-text");
    assert_eq!(code("2026-11-22"), "invalid-manifest");
    assert_eq!(code(&"[".repeat(1000)), "input-too-large");
}

#[test]
fn nesting_is_limited_and_never_exhausts_the_stack() {
    let many = 100_000;
    for text in [
        "[".repeat(many),
        "{".repeat(many),
        "[[{a: ".repeat(many),
        "- ".repeat(many),
        "? ".repeat(many),
        "- ? ".repeat(many),
        "a:\n".to_owned()
            + &(1..2_000)
                .map(|depth| " ".repeat(depth) + "a:\n")
                .collect::<String>(),
        "!x [".repeat(many),
    ] {
        for options in [LoadOptions::default(), tagged()] {
            let error = error(&text, &options);
            assert!(
                matches!(error.kind, TooLarge | UnknownTag | NonStringKey),
                "{error:?} of {}",
                &text[..20]
            );
        }
    }
    let huge = LoadOptions {
        max_depth: usize::MAX,
        ..tagged()
    };
    assert_eq!(error(&"[".repeat(many), &huge).kind, TooLarge);
    assert_eq!(error(&"- ".repeat(many), &huge).kind, TooLarge);
}

#[test]
fn depth_counts_tags_and_what_aliases_bring_in() {
    let depth = |max_depth| LoadOptions {
        max_depth,
        ..tagged()
    };
    let check = |text: &str, least: usize| {
        values(text, &depth(least));
        assert_eq!(error(text, &depth(least - 1)).kind, TooLarge, "{text:?}");
    };
    check("a: 1\n", 1);
    check("[[[x]]]\n", 3);
    check("- - - x\n", 3);
    check("a:\n- b: [x]\n", 4);
    check("[!x y]\n", 2);
    check("[!x [y]]\n", 3);
    check("- &a [[x]]\n- - *a\n", 4);
    check("- &a []\n- - - *a\n", 4);
}

#[test]
fn nodes_and_copies_are_limited() {
    let limited = |max_nodes, max_bytes| LoadOptions {
        max_nodes,
        max_bytes,
        ..LoadOptions::default()
    };
    let check = |text: &str, options: &LoadOptions, fits: bool| {
        let kind = load(text, options).map(|_| ()).map_err(|error| error.kind);
        assert_eq!(kind, if fits { Ok(()) } else { Err(TooLarge) }, "{text:?}");
    };
    // The mapping, a key, the list and three items.
    check("a: [1, 2, 3]\n", &limited(6, 0), true);
    check("a: [1, 2, 3]\n", &limited(5, 0), false);
    check("[1]\n---\n[2]\n", &limited(4, 0), true);
    check("[1]\n---\n[2]\n", &limited(3, 0), false);
    check("[&a [1, 2], *a]\n", &limited(7, 0), true);
    check("[&a [1, 2], *a]\n", &limited(6, 0), false);
    // Kept once for the anchor, and copied once for the alias.
    check("[&a {key: value}, *a]\n", &limited(100, 16), true);
    check("[&a {key: value}, *a]\n", &limited(100, 15), false);
    check(
        "[&a {key: value}, *a]\n---\n[&a {key: value}, *a]\n",
        &limited(100, 31),
        false,
    );
}

#[test]
fn bombs_are_refused_before_they_are_built() {
    let mut lists = "a0: &a0 [x]\n".to_owned();
    let mut doubles = lists.clone();
    let mut merges = "a0: &a0 {x: {y: z}}\n".to_owned();
    for level in 1..40 {
        let below = format!("*a{}, ", level - 1);
        lists += &format!("a{level}: &a{level} [{}]\n", below.repeat(10));
        doubles += &format!("a{level}: &a{level} [{}]\n", below.repeat(2));
        let keys: String = (0..10).map(|key| format!("k{key}: {below}")).collect();
        merges += &format!("a{level}: &a{level} {{<<: {below} {keys}}}\n");
    }
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(1 << 20),
        "*a, ".repeat(2_000)
    );
    for text in [lists, doubles, merges, long] {
        let error = error(&text, &LoadOptions::default());
        assert_eq!(
            (error.kind, error.message.as_str()),
            (TooLarge, "anchors and aliases repeat too much")
        );
    }
}

#[test]
fn large_files_without_aliases_are_read() {
    let text = "- {a: 1, b: [x, y]}\n".repeat(50_000);
    let value = load_one(&text, &LoadOptions::default())
        .expect("the text is valid")
        .value;
    assert_eq!(value.as_array().map(Vec::len), Some(50_000));
    let text = "---\na: 1\n".repeat(5_000);
    assert_eq!(values(&text, &LoadOptions::default()).len(), 5_000);
}
