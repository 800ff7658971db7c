//! Properties of reading and writing manifests that hold for all values and all texts.

#[path = "yaml/strategies.rs"]
mod strategies;

use proptest::prelude::*;
use serde_json::Value;
use strategies::{NASTY, key, text, value};
use tenantry::yaml::{
    LoadErrorKind, LoadOptions, check_representable, emit, emit_documents, load, load_one,
};

fn written(value: &Value) -> String {
    let mut text = String::new();
    emit(value, &mut text);
    text
}

fn check_round_trip(value: &Value) -> Result<(), TestCaseError> {
    let text = written(value);
    prop_assert!(text.ends_with('\n'));
    for marks in [false, true] {
        let options = LoadOptions {
            marks,
            ..LoadOptions::default()
        };
        let read = load_one(&text, &options).map(|document| document.value);
        prop_assert_eq!(read.as_ref(), Ok(value), "{}", text);
    }
    Ok(())
}

/// Pieces of YAML, to make texts that are nearly valid.
fn yaml_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(NASTY).prop_map(str::to_owned),
        prop::sample::select(vec![
            "a: ",
            "- ",
            "? ",
            ": ",
            "\n",
            "\n  ",
            "\n    ",
            "{",
            "}",
            "[",
            "]",
            ", ",
            "&a ",
            "*a",
            "<<: ",
            "<<: *a",
            "!!str ",
            "!!int ",
            "!!binary ",
            "!x ",
            "! ",
            "|\n",
            "|+2\n",
            ">-\n",
            "\"",
            "'",
            "#",
            " #",
            "---\n",
            "...\n",
            "\t",
            "\r\n",
            "\r",
            "\u{feff}",
            "\u{85}",
            "\u{7f}",
            "%YAML 1.1\n",
            "null",
            "1",
            ":\n",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..25).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in value()) {
        check_round_trip(&value)?;
    }

    #[test]
    fn strings_and_keys_of_every_kind_are_read_back(text in text(), key in key()) {
        check_round_trip(&Value::from(text.as_str()))?;
        check_round_trip(&serde_json::json!({ key.as_str(): text }))?;
        check_round_trip(&serde_json::json!([[{ key.as_str(): [text] }], text]))?;
    }

    #[test]
    fn documents_are_read_back_in_order(values in prop::collection::vec(value(), 0..4)) {
        let mut text = String::new();
        emit_documents(&values, &mut text);
        let read = load(&text, &LoadOptions::default()).map(|documents| documents.into_iter().map(|document| document.value).collect::<Vec<_>>());
        prop_assert_eq!(read, Ok(values), "{}", text);
    }

    #[test]
    fn no_text_panics_and_every_place_lies_in_the_text(text in prop_oneof![yaml_like(), any::<String>()], marks: bool, tags: bool) {
        let options = LoadOptions { marks, tags, ..LoadOptions::default() };
        match load(&text, &options) {
            Ok(documents) => {
                for document in documents {
                    prop_assert!(text.is_char_boundary(document.start));
                    check_marks(&text, &document.value, &document.marks, &mut String::new(), marks)?;
                }
            }
            Err(error) => {
                prop_assert!(text.get(error.range.clone()).is_some(), "{:?}", error);
                if let Some((range, _)) = &error.related {
                    prop_assert!(text.get(range.clone()).is_some(), "{:?}", error);
                }
            }
        }
    }

    #[test]
    fn what_is_read_is_written_and_read_again_unchanged(text in yaml_like()) {
        for document in load(&text, &LoadOptions::default()).unwrap_or_default() {
            check_round_trip(&document.value)?;
        }
    }

    #[test]
    fn what_kustomize_cannot_carry_is_refused_by_the_reader(text in any::<String>(), lost in "[\u{7f}-\u{9f}\u{2028}\u{2029}\u{fffe}\u{ffff}]") {
        let text = text + &lost;
        prop_assert!(check_representable(&text).is_err());
        let error = load_one(&written(&Value::from(text)), &LoadOptions::default()).map(|_| ());
        prop_assert_eq!(error.map_err(|error| error.kind), Err(LoadErrorKind::NotRepresentable));
    }
}

/// Checks that every value is marked, on character boundaries, or none is when marks are off.
fn check_marks(
    text: &str,
    value: &Value,
    marks: &tenantry::yaml::Marks,
    pointer: &mut String,
    expected: bool,
) -> Result<(), TestCaseError> {
    let range = marks.nearest(pointer);
    prop_assert_eq!(range.is_some(), expected, "{}", pointer);
    if let Some(range) = range {
        prop_assert!(text.get(range).is_some(), "{}", pointer);
    }
    let length = pointer.len();
    let below: Vec<(String, &Value)> = match value {
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        _ => Vec::new(),
    };
    for (token, value) in below {
        pointer.push('/');
        pointer.push_str(&token);
        check_marks(text, value, marks, pointer, expected)?;
        pointer.truncate(length);
    }
    Ok(())
}

#[test]
fn every_nasty_string_is_read_back_as_value_and_key() {
    for text in NASTY {
        check_round_trip(&Value::from(*text)).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        if *text != "<<" {
            check_round_trip(&serde_json::json!({ *text: 1, "b": { *text: [{ *text: *text }] } }))
                .unwrap_or_else(|error| panic!("{text:?}: {error}"));
        }
    }
}
