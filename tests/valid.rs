//! Files that must load.

mod support;

#[test]
fn valid_files_load() {
    for path in support::files("valid") {
        let bytes = std::fs::read(&path).expect("a test file can be read");
        let (model, diagnostics, sources) = support::load(bytes);
        let found = support::render(&diagnostics, &sources);
        assert!(model.is_some(), "{}:\n{}", path.display(), found.join("\n"));
    }
}
