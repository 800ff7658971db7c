//! What is read, and who reads the same.

use crate::programs::Program;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tenantry::yaml::LoadErrorKind::{self, *};

/// One text and what Tenantry makes of it.
#[derive(Debug)]
pub struct Case {
    /// The file with `NAME` as the object's name, or what follows after the beginning of an object.
    pub text: String,
    pub expect: Expect,
}

#[derive(Debug)]
pub enum Expect {
    /// The bodies of the documents, and the programs that read the same.
    Reads {
        value: Vec<Value>,
        agree: &'static [Program],
    },
    /// An error; `stricter` when both programs read the text, and the same.
    Refuses { kind: LoadErrorKind, stricter: bool },
}

impl Case {
    /// Returns the file, with a name for the object.
    pub fn file(&self, name: &str) -> String {
        if self.text.contains("NAME") {
            self.text.replace("NAME", name)
        } else {
            format!(
                "apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: {name}\n{}",
                self.text
            )
        }
    }
}

const BOTH: &[Program] = &Program::ALL;
const KUBECTL: &[Program] = &[Program::Kubectl];
const KUSTOMIZE: &[Program] = &[Program::Kustomize];
const NEITHER: &[Program] = &[];

#[derive(Default)]
struct Table(Vec<Case>);

impl Table {
    fn push(&mut self, text: impl Into<String>, expect: Expect) {
        self.0.push(Case {
            text: text.into(),
            expect,
        });
    }

    /// The value of the key `v`.
    fn scalar(&mut self, text: &str, value: Value, agree: &'static [Program]) {
        self.reads(&format!("v: {text}\n"), json!({ "v": value }), agree);
    }

    fn scalars<const N: usize>(
        &mut self,
        texts: [&str; N],
        value: Value,
        agree: &'static [Program],
    ) {
        for text in texts {
            self.scalar(text, value.clone(), agree);
        }
    }

    /// Scalars that are strings, as they stand.
    fn strings<const N: usize>(&mut self, texts: [&str; N], agree: &'static [Program]) {
        for text in texts {
            self.scalar(text, json!(text), agree);
        }
    }

    fn reads(&mut self, text: &str, body: Value, agree: &'static [Program]) {
        self.push(
            text,
            Expect::Reads {
                value: vec![body],
                agree,
            },
        );
    }

    fn refuses(&mut self, text: &str, kind: LoadErrorKind) {
        self.push(
            text,
            Expect::Refuses {
                kind,
                stricter: false,
            },
        );
    }

    /// Both programs read the text, and the same.
    fn stricter(&mut self, text: &str, kind: LoadErrorKind) {
        self.push(
            text,
            Expect::Refuses {
                kind,
                stricter: true,
            },
        );
    }
}

/// Returns all cases.
pub fn cases() -> Vec<Case> {
    let mut table = Table::default();
    scalars(&mut table);
    tags(&mut table);
    keys(&mut table);
    merges_and_aliases(&mut table);
    blocks(&mut table);
    characters(&mut table);
    documents(&mut table);
    let mut texts = BTreeSet::new();
    for case in &table.0 {
        assert!(texts.insert(&case.text), "two cases {:?}", case.text);
    }
    table.0
}

fn scalars(t: &mut Table) {
    // Integers.
    t.scalars(["0644", "0o644", "0O644"], json!(420), BOTH);
    t.scalar("-0644", json!(-420), BOTH);
    t.scalars(["08", "0008"], json!(8), BOTH);
    t.scalar("09", json!(9), BOTH);
    t.scalars(["0x1F", "0X1f", "0x_1_F", "+0x1F"], json!(31), BOTH);
    t.scalar("-0x1F", json!(-31), BOTH);
    t.scalars(["0b101", "0B101"], json!(5), BOTH);
    t.scalar("-0b101", json!(-5), BOTH);
    t.scalar("1_000", json!(1000), BOTH);
    t.scalar("1__0", json!(10), BOTH);
    t.scalars(["1_", "0_1", "+1", "1"], json!(1), BOTH);
    t.scalars(["-0", "0", "00", "-0.0", "+0", "0.0"], json!(0), BOTH);
    t.scalar("9223372036854775807", json!(i64::MAX), BOTH);
    t.scalar(
        "9223372036854775808",
        json!(9_223_372_036_854_775_808_u64),
        BOTH,
    );
    t.scalar("18446744073709551615", json!(u64::MAX), BOTH);
    t.scalar(
        "18446744073709551616",
        json!(18_446_744_073_709_551_616.0),
        BOTH,
    );
    t.scalar("-9223372036854775808", json!(i64::MIN), BOTH);
    t.scalar(
        "-9223372036854775809",
        json!(-9_223_372_036_854_775_809.0),
        BOTH,
    );
    t.scalar(
        "+18446744073709551615",
        json!(18_446_744_073_709_551_615.0),
        BOTH,
    );
    t.scalar(
        "123456789012345678901234567890",
        json!(1.234_567_890_123_456_8e29),
        BOTH,
    );
    t.scalar("0xFFFFFFFFFFFFFFFF", json!(u64::MAX), BOTH);
    t.strings(
        [
            "0xFFFFFFFFFFFFFFFFF",
            "0x",
            "0b",
            "0o",
            "0x_",
            "0b2",
            "0o8",
            "0xg",
            "_1",
            "1_a",
            "0x-1",
            "0x+1",
            "+-1",
            "--1",
            "1-2",
        ],
        BOTH,
    );
    // Numbers with a fraction.
    t.scalar("1_000.5", json!(1000.5), BOTH);
    t.scalars(["1.0", "1."], json!(1.0), BOTH);
    t.scalars(["1.10", "+1.1"], json!(1.1), BOTH);
    t.scalars([".5", "+.5", "0.5", "5e-1", "5E-1"], json!(0.5), BOTH);
    t.scalar("-.5", json!(-0.5), BOTH);
    t.scalars(
        ["1e3", "1E3", "1e+3", "1.0e3", "1_0e2", "0001e3"],
        json!(1000.0),
        BOTH,
    );
    t.scalar("12e03", json!(12000.0), BOTH);
    t.scalar("1e-400", json!(0.0), BOTH);
    t.strings(
        [
            "1e400", "-1e400", "1e", "1e+", "e3", ".", "..", "+", "-.", "1.2.3", "1.e3.", "._5",
            "0x1p4", "1e3f", ".e3",
        ],
        BOTH,
    );
    for text in [
        ".inf", ".Inf", ".INF", "-.inf", "+.inf", "-.INF", ".nan", ".NaN", ".NAN",
    ] {
        t.refuses(&format!("v: {text}\n"), NonFinite);
    }
    t.strings(
        [
            "inf", "nan", "-inf", ".iNF", ".nAN", "-.nan", "Infinity", "NaN",
        ],
        BOTH,
    );
    t.scalars([".5_0"], json!(0.5), BOTH);
    t.strings([".5__0", ".5_", ".5_e3", ".5e_3"], BOTH);
    t.scalar(".5e1_0", json!(5e9), BOTH);
    // Words.
    t.scalars(["true", "True", "TRUE"], json!(true), BOTH);
    t.scalars(["false", "False", "FALSE"], json!(false), BOTH);
    t.scalars(["~", "null", "Null", "NULL", ""], Value::Null, BOTH);
    t.strings(
        [
            "tRUE", "nULL", "fALSE", "yEs", "oN", "nO", "~a", "nil", "none",
        ],
        BOTH,
    );
    t.strings(
        [
            "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "y", "Y",
            "n", "N",
        ],
        KUSTOMIZE,
    );
    // Dates and times.
    t.strings(["12:30:00", "1:30", "190:20:30.15"], BOTH);
    for text in [
        "2026-11-22",
        "2026-1-2",
        "2024-02-29",
        "2000-02-29",
        "2026-11-22 10:00:00",
        "2026-11-22 1:2:3.5",
        "2026-11-22t10:00:00.25Z",
        "2026-11-22T1:2:3-12:30",
        "2026-11-22 10:00:00,5",
        "0000-01-01",
    ] {
        t.refuses(&format!("v: {text}\n"), UnquotedDate);
    }
    // Both read these as they stand, but only while nobody writes them in another way.
    t.stricter("v: 2026-11-22T10:00:00Z\n", UnquotedDate);
    t.stricter("v: 2026-11-22T10:00:00+01:00\n", UnquotedDate);
    t.strings(
        [
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-11-31",
            "2026-11-0",
            "2026-11",
            "2026-",
            "26-11-22",
            "02026-11-22",
            "2026-11-22T10:00:00",
            "2026-11-22 10:00:00Z",
            "2026-11-22 10:00",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:60:00Z",
            "2026-11-22T10:00:60Z",
            "2026-11-22 10:00:00.",
            "2026-11-22T10:00:00z",
            "2026-11-22T10:00:00+0100",
            "2026-11-22-1",
            "2026-111-2",
            "2026-11-221",
            "2026/11/22",
            "-2026-11-22",
        ],
        BOTH,
    );
    for text in [
        "2026-11-22",
        "0644",
        "yes",
        "1.10",
        "null",
        "~",
        "",
        "12:30",
    ] {
        t.reads(
            &format!("v: \"{text}\"\nw: '{text}'\n"),
            json!({"v": text, "w": text}),
            BOTH,
        );
    }
    // Strings.
    t.strings(
        [
            "=",
            "<<",
            "a",
            "a b",
            "a:b",
            "a#b",
            "$(A)",
            "v1.2.3",
            "10.0.0.0/8",
            "500m",
            "é",
            "日本",
            "😀",
            "^",
            "()",
            "<a>",
            "a,b",
            "a]",
            "\\",
            "\\n",
        ],
        BOTH,
    );
    t.reads("v:\t1\n", json!({"v": 1}), BOTH);
    t.reads("v: a\t\n", json!({"v": "a"}), BOTH);
    t.reads("v: a # b\n", json!({"v": "a"}), BOTH);
    t.reads("v: a\n  b\n\n  c\n", json!({"v": "a b\nc"}), BOTH);
    t.reads("v: 1\n  2\n", json!({"v": "1 2"}), BOTH);
}

fn tags(t: &mut Table) {
    t.scalar("!!str 12", json!("12"), BOTH);
    t.scalar("!!str", json!(""), BOTH);
    t.scalar("!!str ~", json!("~"), BOTH);
    t.scalar("!!str 2026-11-22", json!("2026-11-22"), BOTH);
    t.scalar("!<tag:yaml.org,2002:str> 12", json!("12"), BOTH);
    t.scalars(
        ["!!int \"12\"", "!!int 12", "!!int \"1_2\""],
        json!(12),
        BOTH,
    );
    t.scalar("!!int \"0644\"", json!(420), BOTH);
    t.scalars(
        ["!!float 1", "!!float \"1\"", "!!float 1.0"],
        json!(1.0),
        BOTH,
    );
    t.scalar("!!float \"1_0.5\"", json!(10.5), BOTH);
    t.scalar("!!float 0644", json!(420.0), BOTH);
    t.scalars(
        ["!!bool true", "!!bool \"true\"", "!!bool True"],
        json!(true),
        BOTH,
    );
    t.scalars(
        ["!!null \"\"", "!!null null", "!!null ~", "!!null"],
        Value::Null,
        BOTH,
    );
    t.scalars(
        ["!!binary aGVsbG8=", "!!binary \"aGVs\\nbG8=\""],
        json!("hello"),
        BOTH,
    );
    t.scalar("!!binary \"\"", json!(""), BOTH);
    t.scalar("!!map {a: 1}", json!({"a": 1}), BOTH);
    t.scalar("!!seq [1]", json!([1]), BOTH);
    for text in [
        "!!int 1.0",
        "!!int foo",
        "!!int",
        "!!int ~",
        "!!float abc",
        "!!float 1e400",
        "!!null x",
        "!!bool 1",
        "!!binary \"aGV sbG8=\"",
        "!!binary aGVsbG8",
        "!!binary a===",
        "!!binary aG=s",
        "!!binary aGVsbG8=aGVs",
        "!!bool \"yes\"",
        "!!bool on",
    ] {
        t.refuses(&format!("v: {text}\n"), TagMismatch);
    }
    // Bytes that are not UTF-8 become replacement characters in both.
    t.stricter("v: !!binary //8=\n", TagMismatch);
    t.refuses("v: !!float .inf\n", NonFinite);
    t.refuses("v: !!timestamp 2026-11-22\n", UnknownTag);
    t.refuses("v: !!set {a}\n", UnknownTag);
    t.refuses("v: ! 12\n", UnknownTag);
    t.stricter("v: !!map [a]\n", UnknownTag);
    t.stricter("v: !!seq {a: 1}\n", UnknownTag);
    t.stricter("v: !!str [a]\n", UnknownTag);
    t.stricter("v: !foo bar\n", UnknownTag);
    t.stricter("v: !foo {a: 1}\n", UnknownTag);
    t.stricter("v: !foo [a]\n", UnknownTag);
    t.stricter("v: !<!foo> bar\n", UnknownTag);
    t.refuses("v: !e!foo bar\n", Syntax);
}

fn keys(t: &mut Table) {
    t.refuses("v: {a: 1, a: 2}\n", DuplicateKey);
    t.refuses("v: {a: 1, 'a': 2}\n", DuplicateKey);
    t.refuses("v:\n  a: 1\n  b: 2\n  \"a\": 1\n", DuplicateKey);
    t.refuses("v: 1\nw: 2\nv: 1\n", DuplicateKey);
    for text in [
        "1: a",
        "1.5: a",
        "010: a",
        "true: a",
        "~: a",
        "[a]: b",
        "{a: 1}: b",
        "null: a",
        ".inf: b",
        "!!int 1: a",
        "!!binary aGk=: b",
        "!!bool true: b",
    ] {
        t.refuses(&format!("v:\n  {text}\n"), NonStringKey);
    }
    t.refuses("v:\n  : a\n", NonStringKey);
    t.refuses("v: {? : b}\n", NonStringKey);
    t.refuses("v:\n  !foo a: b\n", UnknownTag);
    t.refuses("v:\n  2026-11-22: a\n", UnquotedDate);
    t.reads(
        "v:\n  on: a\n  y: b\n  No: c\n",
        json!({"v": {"on": "a", "y": "b", "No": "c"}}),
        KUSTOMIZE,
    );
    t.reads(
        "v:\n  \"1\": a\n  'true': b\n  \"\": c\n  '~': d\n",
        json!({"v": {"1": "a", "true": "b", "": "c", "~": "d"}}),
        BOTH,
    );
    t.reads("v:\n  !!str 1: a\n", json!({"v": {"1": "a"}}), BOTH);
    t.reads(
        "v:\n  1e400: a\n  =: b\n  12:30: c\n",
        json!({"v": {"1e400": "a", "=": "b", "12:30": "c"}}),
        BOTH,
    );
    t.reads(
        "v:\n  ? a\n  : 1\n  ? |\n    b\n  : 2\n",
        json!({"v": {"a": 1, "b\n": 2}}),
        BOTH,
    );
    t.reads("v:\n  ? a\n", json!({"v": {"a": null}}), BOTH);
    t.reads(
        "v: {a : 1, \"b\":2, c: [d: 1]}\n",
        json!({"v": {"a": 1, "b": 2, "c": [{"d": 1}]}}),
        BOTH,
    );
    t.refuses("v: {x: , z}\n", EmptyFlowValue);
    t.refuses("v: {x}\n", EmptyFlowValue);
    t.refuses("v: [a: ]\n", EmptyFlowValue);
    t.reads(
        "v:\n- a:\n-\n- b\n",
        json!({"v": [{"a": null}, null, "b"]}),
        BOTH,
    );
    t.reads(
        "v: [a, b, ]\nw: {a: 1, }\n",
        json!({"v": ["a", "b"], "w": {"a": 1}}),
        BOTH,
    );
    t.reads(
        &format!("{}: 1\n", "k".repeat(1000)),
        json!({"k".repeat(1000): 1}),
        BOTH,
    );
    t.refuses(&format!("{}: 1\n", "k".repeat(1100)), Syntax);
    t.refuses(&format!("\"{}\": 1\n", "k".repeat(1100)), Syntax);
    t.reads(
        &format!("? {}\n: 1\n", "k".repeat(1000)),
        json!({"k".repeat(1000): 1}),
        BOTH,
    );
    t.refuses(&format!("? {}\n: 1\n", "k".repeat(1100)), NotRepresentable);
    t.refuses(
        &format!("? \"{}\"\n: 1\n", "<".repeat(172)),
        NotRepresentable,
    );
    t.reads(
        &format!("? \"{}\"\n: 1\n", "<".repeat(166)),
        json!({"<".repeat(166): 1}),
        BOTH,
    );
}

fn merges_and_aliases(t: &mut Table) {
    t.reads(
        "v: &x {a: 1, b: 2}\nw:\n  <<: *x\n  b: 3\n",
        json!({"v": {"a": 1, "b": 2}, "w": {"a": 1, "b": 3}}),
        BOTH,
    );
    t.reads(
        "v: &x {a: 1, b: 2}\nw:\n  b: 3\n  <<: *x\n",
        json!({"v": {"a": 1, "b": 2}, "w": {"a": 1, "b": 3}}),
        KUSTOMIZE,
    );
    t.reads(
        "v:\n- &x {a: 1}\n- &z {a: 2, b: 3}\n- <<: [*x, *z]\n",
        json!({"v": [{"a": 1}, {"a": 2, "b": 3}, {"a": 1, "b": 3}]}),
        BOTH,
    );
    t.reads(
        "v:\n- &x {a: 1}\n- {<<: [*x, {a: 2, b: 3}]}\n",
        json!({"v": [{"a": 1}, {"a": 1, "b": 3}]}),
        BOTH,
    );
    t.reads(
        "v: {<<: {a: 2, b: 3}, b: 4}\n",
        json!({"v": {"a": 2, "b": 4}}),
        BOTH,
    );
    t.reads("v: {<<: []}\n", json!({"v": {}}), BOTH);
    t.reads(
        "v:\n- &x {a: 1}\n- &z {<<: *x, b: 1}\n- {<<: *z}\n",
        json!({"v": [{"a": 1}, {"a": 1, "b": 1}, {"a": 1, "b": 1}]}),
        BOTH,
    );
    t.refuses("v: &x {a: 1}\nw: {<<: *x, <<: *x}\n", DuplicateKey);
    t.refuses("v: &x {a: 1}\nw: {\"<<\": *x}\n", NotRepresentable);
    t.refuses("v: {'<<': 3}\n", NotRepresentable);
    t.refuses("v: {!!str <<: 3}\n", NotRepresentable);
    for text in ["3", "~", "[3]", "[[{a: 1}]]", "a"] {
        t.refuses(&format!("v: {{<<: {text}}}\n"), InvalidMerge);
    }
    t.reads(
        "v: &x [1]\nw: [*x, *x]\n",
        json!({"v": [1], "w": [[1], [1]]}),
        BOTH,
    );
    t.reads(
        "v: &x 1\nw: [*x, &x 2, *x]\n",
        json!({"v": 1, "w": [1, 2, 2]}),
        BOTH,
    );
    t.reads(
        "v: &x b\nw: {*x : 3}\n",
        json!({"v": "b", "w": {"b": 3}}),
        BOTH,
    );
    t.reads(
        "v: {&x b: c, d: *x}\n",
        json!({"v": {"b": "c", "d": "b"}}),
        BOTH,
    );
    t.reads("v: &x\nw: *x\n", json!({"v": null, "w": null}), BOTH);
    t.refuses("v: &x [*x]\n", RecursiveAlias);
    t.refuses("v: &x\n  a: *x\n", RecursiveAlias);
    t.refuses("v: *x\n", Syntax);
    t.refuses("v: &x 1\nw: {*x : 3}\n", NonStringKey);
}

fn blocks(t: &mut Table) {
    t.reads("v: |\n  a\n  b\n", json!({"v": "a\nb\n"}), BOTH);
    t.reads("v: |-\n  a\n  b\n", json!({"v": "a\nb"}), BOTH);
    t.reads("v: |+\n  a\n\n\n", json!({"v": "a\n\n\n"}), BOTH);
    t.reads("v: |2\n   a\n  b\n", json!({"v": " a\nb\n"}), BOTH);
    t.reads(
        "v: |\n  0644\nw: >\n  yes\n",
        json!({"v": "0644\n", "w": "yes\n"}),
        BOTH,
    );
    t.reads("v: >\n  a\n  b\n\n  c\n", json!({"v": "a b\nc\n"}), BOTH);
    // kustomize adds an empty line around lines that are indented more.
    t.reads(
        "v: >-\n  a\n    b\n  c\n",
        json!({"v": "a\n  b\nc"}),
        KUBECTL,
    );
    t.reads(
        "v: |\n  a\n  ---\n  b\n  ...\n",
        json!({"v": "a\n---\nb\n...\n"}),
        BOTH,
    );
    t.reads("v: |\n  a\tb\n  \tc\n", json!({"v": "a\tb\n\tc\n"}), BOTH);
    t.reads(
        "v: |\n  # a\n\n  b: 1\n",
        json!({"v": "# a\n\nb: 1\n"}),
        BOTH,
    );
    t.reads("v: |\n  a\r\n  b\r\n", json!({"v": "a\nb\n"}), BOTH);
    t.reads("v: |\nw: |-\n", json!({"v": "", "w": ""}), BOTH);
    // The end of the file ends a line for kubectl, and for kustomize does not.
    t.reads("v: |\n  a", json!({"v": "a"}), KUSTOMIZE);
    t.reads("v: |-\n  a", json!({"v": "a"}), BOTH);
    t.reads("v: >\n  a\n  b", json!({"v": "a b"}), KUSTOMIZE);
}

fn characters(t: &mut Table) {
    t.reads(
        "v: \"a\\x01\\0\\e\\t\\n\\\\\\\"\\x41\\u00e9\\U0001F600\"\n",
        json!({"v": "a\u{1}\0\u{1b}\t\n\\\"Aé😀"}),
        BOTH,
    );
    t.reads("v: 'a''b'\n", json!({"v": "a'b"}), BOTH);
    t.reads("v: \"a\n  b\n\n  c\"\n", json!({"v": "a b\nc"}), BOTH);
    t.reads("v: \"\\_\"\n", json!({"v": "\u{a0}"}), BOTH);
    // Both read a single one, but one at the end of a text can swallow the next object on its way through kustomize.
    for escape in ["\\u2028", "\\L", "\\u2029", "\\P"] {
        t.stricter(&format!("v: \"a{escape}b\"\n"), NotRepresentable);
    }
    t.reads(
        "v: \"a\\uFEFF\\uE000\\uFDD0\\U0001FFFE\"\n",
        json!({"v": "a\u{feff}\u{e000}\u{fdd0}\u{1fffe}"}),
        BOTH,
    );
    t.reads("v: a\u{feff}b\n", json!({"v": "a\u{feff}b"}), BOTH);
    t.reads(
        "v: a\u{e000}b\u{a0}\n",
        json!({"v": "a\u{e000}b\u{a0}"}),
        BOTH,
    );
    for c in [
        '\0', '\u{1}', '\u{8}', '\u{b}', '\u{1b}', '\u{7f}', '\u{80}', '\u{9f}', '\u{fffe}',
        '\u{ffff}',
    ] {
        t.refuses(&format!("v: 'a{c}b: c'\n"), Syntax);
    }
    // The programs take these for the end of a line, even in a comment.
    for c in ['\u{85}', '\u{2028}', '\u{2029}'] {
        t.stricter(&format!("v: 'a{c}b: c'\n"), Syntax);
        t.stricter(&format!("v: a{c}w: b\n"), Syntax);
        t.stricter(&format!("# a{c}v: b\n"), Syntax);
    }
    for escape in [
        "\\x7f", "\\x80", "\\x85", "\\x9f", "\\N", "\\ufffe", "\\uffff",
    ] {
        t.refuses(&format!("v: \"a{escape}b\"\n"), NotRepresentable);
    }
    t.refuses("v: {\"a\\x7f\": 1}\n", NotRepresentable);
    t.refuses("v: \"\\q\"\n", Syntax);
    t.refuses("v: \"\\uD800\"\n", Syntax);
    // Refused by both programs and harmless, for what is read is written anew.
    t.reads("v: \"a\\/b\"\n", json!({"v": "a/b"}), NEITHER);
    t.reads(
        "v:\n  a: 1\n\t\n  b: 2\n",
        json!({"v": {"a": 1, "b": 2}}),
        NEITHER,
    );
    t.reads("v: \"\\ud83d\\ude00\"\n", json!({"v": "😀"}), NEITHER);
}

fn documents(t: &mut Table) {
    const HEAD: &str = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: NAME}\n";
    let one = |t: &mut Table, text: String, agree| t.reads(&text, json!({"v": 1}), agree);
    one(t, format!("\u{feff}{HEAD}v: 1\n"), BOTH);
    one(t, format!("{HEAD}v: 1\n").replace('\n', "\r\n"), BOTH);
    one(t, format!("{HEAD}v: 1\n").replace('\n', "\r"), BOTH);
    one(
        t,
        format!("# comment\n{HEAD}v: 1 # comment\n# comment\n"),
        BOTH,
    );
    one(t, format!("---\n{HEAD}v: 1\n...\n"), BOTH);
    one(
        t,
        format!("# comment\n---\n{HEAD}v: 1\n---\n# comment\n---\n"),
        BOTH,
    );
    one(t, format!("{HEAD}v: 1"), BOTH);
    one(t, "{\"apiVersion\": \"example.com/v1\", \"kind\": \"Thing\",\n\t\"metadata\": {\"name\": \"NAME\"},\n\t\"v\": 1}".to_owned(), BOTH);
    one(
        t,
        "--- {apiVersion: example.com/v1, kind: Thing, metadata: {name: NAME}, v: 1}\n".to_owned(),
        KUSTOMIZE,
    );
    let two = |second: &str| {
        format!(
            "{HEAD}v: 1\n{second}{}v: 2\n",
            HEAD.replace("NAME", "NAME-b")
        )
    };
    for separator in ["---\n", "---\n---\n", "---\n# comment\n---\n", "...\n---\n"] {
        let value = vec![json!({"v": 1}), json!({"v": 2})];
        t.push(two(separator), Expect::Reads { value, agree: BOTH });
    }
    t.refuses(&format!("%YAML 1.1\n---\n{HEAD}v: 1\n"), Syntax);
    t.refuses(&format!("%YAML 1.2\n---\n{HEAD}v: 1\n"), Syntax);
    t.refuses(
        &format!("%TAG ! tag:example.com,2000:\n---\n{HEAD}v: 1\n"),
        Syntax,
    );
    for text in [
        "v:\n\ta: 1\n",
        "v: [a\n",
        "v: {a: 1\n",
        "v: \"a\n",
        "v: 'a\n",
        "v: a: b\n",
        "v: [a]]\n",
        "v:\n  a: 1\n b: 2\n",
        "v: @a\n",
        "v: `a\n",
        "v: %a\n",
        "v: a\n- b\n",
        "v: - a\n",
        "v: |a\n",
        "v: \"a\" b\n",
        "v: [a b: c, d e\n",
        "v: &x &z a\n",
        "v: ]\n",
        "v: ,\n",
    ] {
        t.refuses(text, Syntax);
    }
}
