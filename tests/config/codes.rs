//! `docs/diagnostics.md` has a section for each code, in the order of the list.

use std::path::Path;

use tenantry::diagnostic::Code;

#[test]
fn every_code_has_a_section() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/diagnostics.md");
    let text = std::fs::read_to_string(&path).expect("the page can be read");
    let sections: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`'))
        .collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(sections, codes);
}

#[test]
fn sections_say_cause_and_cure() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/diagnostics.md");
    let text = std::fs::read_to_string(&path).expect("the page can be read");
    for section in text.split("\n## ").skip(1) {
        let name = section.lines().next().unwrap_or("");
        assert!(section.contains("\n**Cause.** "), "{name} has no cause");
        assert!(section.contains("\n**Cure.** "), "{name} has no cure");
    }
}

#[test]
fn codes_are_unique_and_kebab_case() {
    let mut codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    for code in &codes {
        assert!(
            code.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{code}"
        );
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Code::ALL.len());
}
