//! No input panics: every line of every valid file is left out, and values are replaced, one after another.

use crate::support;

/// What stands in for a value.
const VALUES: &[&str] = &[
    "", "null", "[]", "{}", "-1", "true", "\"\"", "{{ x }}", "1e999", "[[x]]", "{a: [~]}",
];

#[test]
fn no_change_of_one_line_panics() {
    for path in support::files("valid", "yaml") {
        let text = std::fs::read_to_string(&path).expect("a test file can be read");
        let lines: Vec<&str> = text.lines().collect();
        let load = |at: usize, line: &str| {
            let mut changed = lines.clone();
            changed[at] = line;
            support::load(changed.join("\n").into_bytes());
        };
        for (at, line) in lines.iter().enumerate() {
            load(at, "");
            load(at, &format!("{line} x"));
            load(at, &line.replacen(' ', "", 1));
            if let Some((key, _)) = line.split_once(": ") {
                // A few of them for each line: all for each would take half a minute.
                for value in VALUES.iter().cycle().skip(3 * at).take(3) {
                    load(at, &format!("{key}: {value}"));
                }
            }
        }
    }
}

#[test]
fn no_truncation_panics() {
    for path in support::files("valid", "yaml") {
        let bytes = std::fs::read(&path).expect("a test file can be read");
        for end in (0..bytes.len()).step_by(7) {
            support::load(bytes[..end].to_vec());
        }
    }
}
