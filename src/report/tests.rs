//! What each form looks like, literally.

use super::*;
use crate::diagnostic::Code;

const PROJECTS: &str =
    "version: 1\nprojects:\n- name: vision\n  base: pipelnes\n- name: ünïcode\n- name: vision\n";

fn span_of(sources: &Sources, file: crate::source::FileId, needle: &str, nth: usize) -> Span {
    let text = &sources.get(file).text;
    let (start, found) = text
        .match_indices(needle)
        .nth(nth)
        .expect("the needle is there");
    Span {
        file,
        start,
        end: start + found.len(),
    }
}

fn sample() -> (Vec<Diagnostic>, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("projects.yaml", PROJECTS);
    let base = span_of(&sources, file, "pipelnes", 0);
    let diagnostics = vec![
        Diagnostic::error(
            Code::UnknownBase,
            "project `vision` asks for base `pipelnes`, which is not there",
        )
        .at(base)
        .label("no such base")
        .hint("a base with a similar name: `pipelines`")
        .project("vision"),
        Diagnostic::warning(Code::DuplicateProject, "two projects: 100%, a:b")
            .at(span_of(&sources, file, "vision", 1))
            .label("again")
            .also(span_of(&sources, file, "vision", 0), "first")
            .project("other"),
        Diagnostic::error(Code::FileNotFound, "a file is missing").path("base/a,b.yaml"),
    ];
    (diagnostics, sources)
}

fn drawn(format: Format, color: bool, diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut out = Vec::new();
    let options = Options {
        format,
        color,
        prefix: String::new(),
    };
    draw(&mut out, &options, diagnostics, sources).expect("a vector takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

#[test]
fn human() {
    let (diagnostics, sources) = sample();
    assert_eq!(
        drawn(Format::Human, false, &diagnostics, &sources),
        "\
error[unknown-base]: project `vision` asks for base `pipelnes`, which is not there
  ┌─ projects.yaml:4:9
  │
4 │   base: pipelnes
  │         ^^^^^^^^ no such base
  │
  = hint: a base with a similar name: `pipelines`

warning[duplicate-project]: two projects: 100%, a:b
  ┌─ projects.yaml:6:9
  │
3 │ - name: vision
  │         ------ first
  ·
6 │ - name: vision
  │         ^^^^^^ again
  │
  = project: other

error[file-not-found]: a file is missing
 = file: base/a,b.yaml

error: 2 errors, 1 warning
"
    );
}

#[test]
fn human_in_colour_differs_only_in_escapes() {
    let (diagnostics, sources) = sample();
    let colored = drawn(Format::Human, true, &diagnostics, &sources);
    assert!(
        colored.starts_with("\u{1b}[0m\u{1b}[1m\u{1b}[31merror[unknown-base]"),
        "{colored:?}"
    );
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').expect("an escape ends in m").1;
    }
    plain.push_str(rest);
    assert_eq!(plain, drawn(Format::Human, false, &diagnostics, &sources));
}

#[test]
fn nothing_to_say() {
    let sources = Sources::default();
    assert_eq!(drawn(Format::Human, true, &[], &sources), "");
    assert_eq!(drawn(Format::Json, true, &[], &sources), "");
    let sarif: serde_json::Value =
        serde_json::from_str(&drawn(Format::Sarif, true, &[], &sources)).expect("a document");
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn controls_of_the_input_never_reach_the_terminal() {
    let mut sources = Sources::default();
    let file = sources.add("a\u{1b}.yaml", "name: \u{1b}[2Jx\r\nb: 1\n");
    let span = span_of(&sources, file, "x", 0);
    let finding = Diagnostic::error(Code::InvalidName, "`\u{1b}[2J\n` is no name")
        .at(span)
        .label("\u{9b}here")
        .hint("write\n\u{7}two lines");
    assert_eq!(
        drawn(Format::Human, false, &[finding], &sources),
        "\
error[invalid-name]: `\\u{1b}[2J\\n` is no name
  ┌─ a\\u{1b}.yaml:1:11
  │
1 │ name: ?[2Jx
  │           ^ \\u{9b}here
  │
  = hint: write
    \\u{7}two lines

error: 1 error
"
    );
}

#[test]
fn long_lines_are_shown_as_a_window_and_long_places_at_their_first_line() {
    let mut sources = Sources::default();
    let text = format!("{{a: [{}X{}]}}\nmore\n", "é".repeat(400), "b".repeat(400));
    let file = sources.add("flow.yaml", text.as_str());
    let start = text.find('X').expect("the mark");
    let span = Span {
        file,
        start,
        end: text.len(),
    };
    let finding = Diagnostic::error(Code::WrongType, "wrong")
        .at(span)
        .label("all this");
    assert_eq!(
        drawn(Format::Human, false, &[finding], &sources),
        format!(
            "\
error[wrong-type]: wrong
  ┌─ flow.yaml:1:406
  │
1 │ …{}X{}…
  │  {}^{} all this

error: 1 error
",
            "é".repeat(20),
            "b".repeat(119),
            " ".repeat(20),
            "^".repeat(119),
        )
    );
}

#[test]
fn json() {
    let (diagnostics, sources) = sample();
    assert_eq!(
        drawn(Format::Json, true, &diagnostics, &sources),
        concat!(
            r#"{"severity":"error","code":"unknown-base","message":"project `vision` asks for base `pipelnes`, which is not there","#,
            r#""file":"projects.yaml","line":4,"column":9,"endLine":4,"endColumn":17,"hints":["a base with a similar name: `pipelines`"],"project":"vision"}"#,
            "\n",
            r#"{"severity":"warning","code":"duplicate-project","message":"two projects: 100%, a:b","#,
            r#""file":"projects.yaml","line":6,"column":9,"endLine":6,"endColumn":15,"hints":[],"project":"other"}"#,
            "\n",
            r#"{"severity":"error","code":"file-not-found","message":"a file is missing","#,
            r#""file":"base/a,b.yaml","line":null,"column":null,"endLine":null,"endColumn":null,"hints":[],"project":null}"#,
            "\n",
        )
    );
}

#[test]
fn columns_count_characters() {
    let mut sources = Sources::default();
    let file = sources.add("projects.yaml", PROJECTS);
    let finding =
        Diagnostic::error(Code::InvalidName, "no").at(span_of(&sources, file, "ünïcode", 0));
    let line = drawn(Format::Json, false, &[finding], &sources);
    assert!(
        line.contains(r#""line":5,"column":9,"endLine":5,"endColumn":16"#),
        "{line}"
    );
}

#[test]
fn github() {
    let (mut diagnostics, sources) = sample();
    let file = diagnostics[0].span.expect("the sample has one").file;
    diagnostics.push(Diagnostic::error(Code::WrongType, "a\r\nb").at(Span {
        file,
        start: 0,
        end: 20,
    }));
    let mut out = Vec::new();
    let options = Options {
        format: Format::Github,
        color: false,
        prefix: "fleet/".to_owned(),
    };
    draw(&mut out, &options, &diagnostics, &sources).expect("a vector takes everything");
    assert_eq!(
        String::from_utf8_lossy(&out),
        "\
::error file=fleet/projects.yaml,line=4,endLine=4,col=9,endColumn=17,title=unknown-base::project `vision` asks for base `pipelnes`, which is not there%0Ahint: a base with a similar name: `pipelines`
::warning file=fleet/projects.yaml,line=6,endLine=6,col=9,endColumn=15,title=duplicate-project::two projects: 100%25, a:b
::error file=fleet/base/a%2Cb.yaml,title=file-not-found::a file is missing
::error file=fleet/projects.yaml,line=1,endLine=2,title=wrong-type::a%0D%0Ab
"
    );
}

#[test]
fn sarif() {
    let (diagnostics, sources) = sample();
    let document: serde_json::Value =
        serde_json::from_str(&drawn(Format::Sarif, false, &diagnostics, &sources))
            .expect("a document");
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let rules: Vec<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|rule| rule["id"].as_str())
        .collect();
    assert_eq!(
        rules,
        ["file-not-found", "unknown-base", "duplicate-project"]
    );
    assert_eq!(
        run["results"][0],
        serde_json::json!({
            "ruleId": "unknown-base",
            "ruleIndex": 1,
            "level": "error",
            "message": {"text": "project `vision` asks for base `pipelnes`, which is not there\nhint: a base with a similar name: `pipelines`"},
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": {"uri": "projects.yaml"},
                    "region": {"startLine": 4, "startColumn": 9, "endLine": 4, "endColumn": 17},
                },
                "message": {"text": "no such base"},
            }],
            "properties": {"project": "vision"},
        })
    );
    assert_eq!(
        run["results"][1]["relatedLocations"][0]["physicalLocation"]["region"]["startLine"],
        3
    );
    assert_eq!(
        run["results"][2]["locations"],
        serde_json::json!([{"physicalLocation": {"artifactLocation": {"uri": "base/a%2Cb.yaml"}}}])
    );
}
