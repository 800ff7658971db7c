//! How values look when they are written.

use super::*;
use crate::yaml::scalar::{Plain, resolve};
use proptest::prelude::*;
use serde_json::json;

fn check(value: Value, expect: &str) {
    let mut text = "before\n".to_owned();
    emit(&value, &mut text);
    assert_eq!(text.strip_prefix("before\n"), Some(expect), "{value}");
}

#[test]
fn collections_are_blocks_and_lists_stand_below_their_key() {
    check(
        json!({"a": 1, "b": {"c": [1, {"d": 2, "e": [3]}, []], "f": {}}}),
        "a: 1\nb:\n  c:\n  - 1\n  - d: 2\n    e:\n    - 3\n  - []\n  f: {}\n",
    );
    check(
        json!([[1, [2]], [[{"a": [3]}]], {}]),
        "- - 1\n  - - 2\n- - - a:\n      - 3\n- {}\n",
    );
    check(json!({}), "{}\n");
    check(json!([]), "[]\n");
    check(json!("a"), "a\n");
    check(json!({"z": 1, "a": 2}), "z: 1\na: 2\n");
}

#[test]
fn long_keys_stand_behind_a_question_mark() {
    let key = "k".repeat(101);
    check(json!({&key[1..]: 1}), &format!("{}: 1\n", &key[1..]));
    check(json!({&key: 1, "b": 2}), &format!("? {key}\n: 1\nb: 2\n"));
    check(
        json!([{&key: {"a": [1]}}]),
        &format!("- ? {key}\n  : a:\n    - 1\n"),
    );
    check(
        json!({&key: [1, [2]]}),
        &format!("? {key}\n: - 1\n  - - 2\n"),
    );
    check(
        json!({&key: "a\nb\n"}),
        &format!("? {key}\n: |\n  a\n  b\n"),
    );
    let quoted = ":".repeat(101);
    check(json!({&quoted: []}), &format!("? \"{quoted}\"\n: []\n"));
}

#[test]
fn numbers_and_words() {
    check(json!([null, true, false]), "- null\n- true\n- false\n");
    check(
        json!([0, -1, 1234567890, u64::MAX, i64::MAX, i64::MIN]),
        "- 0\n- -1\n- 1234567890\n- 18446744073709551615\n- 9223372036854775807\n- -9223372036854775808\n",
    );
    check(
        json!([1.0, -0.5, 1e300, 1e-7, 0.1]),
        "- 1.0\n- -0.5\n- 1e+300\n- 1e-7\n- 0.1\n",
    );
}

#[test]
fn plain_strings() {
    for text in [
        "a",
        "a b",
        "a/b.c_d-e",
        "/",
        "/a",
        "v1.2.3",
        "Deployment",
        "yesterday",
        "nonsense",
        "offset",
        "A-1",
        "kubeflow.org/v1",
        "e3",
        "infinity",
        "tilde",
    ] {
        check(json!(text), &format!("{text}\n"));
        check(json!({text: text}), &format!("{text}: {text}\n"));
    }
    check(json!("a".repeat(199)), &format!("{}\n", "a".repeat(199)));
    check(
        json!("a".repeat(200)),
        &format!("\"{}\"\n", "a".repeat(200)),
    );
}

#[test]
fn strings_in_quotes() {
    let words = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
    ];
    for word in words.map(str::to_owned).into_iter().flat_map(|word| {
        [
            word[..1].to_uppercase() + &word[1..],
            word.to_uppercase(),
            word,
        ]
    }) {
        check(json!(word), &format!("\"{word}\"\n"));
        check(
            json!({&word: [&word]}),
            &format!("\"{word}\":\n- \"{word}\"\n"),
        );
    }
    for text in [
        "",
        "~",
        "=",
        "<<",
        "0755",
        "1e3",
        "12:30",
        "2026-11-22",
        "1.0",
        "-1",
        ".5",
        "_a",
        " a",
        "a ",
        "a:b",
        "a: b",
        "a #b",
        "#a",
        "- a",
        "?",
        "*a",
        "&a",
        "!a",
        "[a]",
        "{a}",
        "a,b",
        "'a'",
        "@a",
        "%a",
        "`a`",
        "|",
        ">",
        "a@b",
        "$(A)",
        "{{ a }}",
        "reg.io/a:1",
        "-a",
        "é",
        "日本 😀",
        "a=b",
    ] {
        check(json!(text), &format!("\"{text}\"\n"));
        check(json!({text: 1}), &format!("\"{text}\": 1\n"));
    }
}

#[test]
fn escapes() {
    let check = |text: &str, expect: &str| check(json!(text), &format!("\"{expect}\"\n"));
    check("a\"b\\c", "a\\\"b\\\\c");
    check("\\n/", "\\\\n/");
    check("a\tb", "a\\tb");
    check("\r\n", "\\r\\n");
    check("\n", "\\n");
    check("\0\u{1}\u{1b}\u{1f}\u{7f}", "\\x00\\x01\\x1B\\x1F\\x7F");
    check("\u{80}\u{85}\u{9f}\u{a0}", "\\x80\\x85\\x9F\u{a0}");
    check("\u{ad}é\u{200b}", "\\xADé\\u200B");
    check("\u{2028}\u{2029}…€", "\\u2028\\u2029…€");
    check(
        "\u{feff}\u{fffe}\u{ffff}\u{fffd}",
        "\\uFEFF\\uFFFE\\uFFFF\\uFFFD",
    );
    check("\u{e000}\u{f8ff}\u{d7ff}", "\\uE000\\uF8FF\u{d7ff}");
    check("😀\u{1ffff}\u{10ffff}", "😀\\U0001FFFF\\U0010FFFF");
    check("日本\u{202e}語", "日本\\u202E語");
}

#[test]
fn text_of_several_lines() {
    check(json!("a\nb\n"), "|\n  a\n  b\n");
    check(json!("a\nb"), "|-\n  a\n  b\n");
    check(json!("a\n\n\nb\n\n\n"), "|+\n  a\n\n\n  b\n\n\n");
    check(
        json!({"a": {"b": "x: 1\n  y\n\tz\n"}}),
        "a:\n  b: |\n    x: 1\n      y\n    \tz\n",
    );
    check(
        json!({"a": ["x\n", {"b": "y\nz"}, ["w\n"]]}),
        "a:\n- |\n  x\n- b: |-\n    y\n    z\n- - |\n    w\n",
    );
    check(
        json!("# a\n---\n\"é\" 😀\n"),
        "|\n  # a\n  ---\n  \"é\" 😀\n",
    );
    check(json!("\n\na\n"), "|\n\n\n  a\n");
    check(json!("a \nb\n"), "|\n  a \n  b\n");
    check(
        json!(format!("{}\n", "a".repeat(300))),
        &format!("|\n  {}\n", "a".repeat(300)),
    );
}

#[test]
fn text_of_several_lines_in_quotes_where_a_block_could_be_misread() {
    for text in [
        " a\nb\n",
        "\ta\nb\n",
        "\n a\n",
        "a\n \nb\n",
        "a\n\t\nb\n",
        "a\n  ",
        "a\r\nb\r\n",
        "a\rb\n",
        "a\u{1}\nb\n",
        "a\u{7f}\nb",
        "a\n\u{feff}b\n",
        "a\n\u{2028}b\n",
        "a\n\u{e000}\n",
        "a\n\u{85}\n",
        "\n",
        "\n\n",
        "a\n\u{202e}b\n",
    ] {
        let mut written = String::new();
        emit(&json!(text), &mut written);
        assert!(
            written.starts_with('"') && written.lines().count() == 1,
            "{text:?}: {written}"
        );
    }
    check(json!({"a\nb\n": 1}), "\"a\\nb\\n\": 1\n");
}

#[test]
fn documents_are_separated() {
    let mut text = String::new();
    emit_documents([&json!({"a": 1}), &json!("x\n\n"), &json!([])], &mut text);
    assert_eq!(text, "a: 1\n---\n|+\n  x\n\n---\n[]\n");
    text.clear();
    emit_documents(&Vec::<Value>::new(), &mut text);
    assert_eq!(text, "");
}

proptest! {
    #[test]
    fn a_plain_scalar_is_a_string_for_every_reader(text in prop_oneof!["[A-Za-z/.~_0-9+-][A-Za-z0-9_./ -]{0,6}", "(?i)[a-z]{1,5}", any::<String>()]) {
        if is_plain(&text) {
            prop_assert_eq!(resolve(&text), Plain::Text);
            prop_assert!(!is_word(text.as_bytes()));
            prop_assert!(text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/'));
        }
    }
}
