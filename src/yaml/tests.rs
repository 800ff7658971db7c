//! Tests of reading and writing together.

use super::*;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Text that readers of YAML are known to stumble over.
pub(crate) fn nasty_text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "y", "N", "yes", "No", "on", "OFF", "true", "Null", "~", "", "null", "nan", ".inf", "-.INF", "=", "<<", "-", "?", ":",
        "0755", "0o7", "0x_1", "1_000", "1e3", "12:30", "2026-11-22", "2026-1-2 3:4:5", "08", "+1", "- a", "? a", "a: b", "a #b",
        "#", "&a", "*a", "!a", "!!str", "|", ">", "%YAML", "@", "`", "{", "[a", "]", ",", "'", "\"", "\\", "\\n", "---", "...",
        "--- a", " a", "a ", "\ta", "a\t", "\n", "\r", "\r\n", "a\n", "a\nb", "\na", " a\nb", "a\n b\n", "a\n\n\nb", "a\n \nb",
        "\t\na", "a:", "key: |\n  x\n", "# c\nx: 1\n", "\u{1}", "\0", "\u{1b}[0m", "\u{2028}", "\u{2029}", "\u{feff}", "\u{a0}",
        "\u{ad}", "\u{200b}", "\u{202e}", "\u{e000}", "é", "日本", "😀", "\u{1fffe}", "\u{10ffff}", "{{ x }}", "a/b", "/",
    ]);
    prop_oneof![
        3 => word.clone().prop_map(str::to_owned),
        3 => prop::collection::vec(word, 0..5).prop_map(|words| words.concat()),
        2 => "[ -~\n\t]{0,40}",
        1 => "[a-z \n]{0,150}",
        1 => any::<String>(),
    ]
    .prop_filter("kustomize can carry it", |text| check_representable(text).is_ok())
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        nasty_text().prop_map(Value::from),
        nasty_text().prop_map(Value::from),
    ];
    scalar.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((nasty_text(), inner), 0..5).prop_map(|pairs| {
                let pairs = pairs.into_iter().filter(|(key, _)| check_representable_key(key).is_ok());
                Value::Object(pairs.collect::<Map<_, _>>())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in value()) {
        let mut text = String::new();
        emit(&value, &mut text);
        prop_assert!(text.ends_with('\n'));
        let read = load_one(&text, &LoadOptions::default());
        prop_assert_eq!(read.map(|document| document.value), Ok(value), "{}", text);
    }
}
