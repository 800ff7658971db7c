//! The shipped bases load, and each of their components can be reached.

use std::collections::BTreeMap;

use tenantry::base::Base;
use tenantry::diagnostic::Diagnostics;
use tenantry::source::Sources;

fn files(name: &str) -> BTreeMap<String, String> {
    let root = format!("{}/base/{name}", env!("CARGO_MANIFEST_DIR"));
    walkdir::WalkDir::new(&root)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(&root).expect("below the root");
            let text = std::fs::read_to_string(entry.path()).expect("bases are text");
            (path.to_string_lossy().replace('\\', "/"), text)
        })
        .collect()
}

#[test]
fn bases_load_without_findings() {
    for name in ["kfp-2.17.0"] {
        let mut sources = Sources::default();
        let mut diagnostics = Diagnostics::default();
        let base = Base::load(name, &format!("base/{name}"), &files(name), &mut sources, &mut diagnostics);
        let found: Vec<String> = diagnostics
            .into_sorted()
            .into_iter()
            .map(|d| {
                let place = d.span.map(|span| {
                    let (line, column) = sources.line_column(span.file, span.start);
                    format!("{}:{line}:{column}", sources.get(span.file).path)
                });
                format!("{place:?} {:?} {}", d.path, d.message)
            })
            .collect();
        assert_eq!(found, Vec::<String>::new());
        assert!(base.is_ok());
    }
}
