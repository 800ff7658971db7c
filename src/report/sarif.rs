//! One SARIF document, for code-scanning services.
//!
//! Source: OASIS Static Analysis Results Interchange Format 2.1.0, §3.14 (run), §3.27 (result), §3.30 (region:
//! 1-based, `endColumn` exclusive), §3.4.4 (relative URI references).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Region, place};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Sources;

pub(super) fn draw(
    out: &mut dyn Write,
    prefix: &str,
    diagnostics: &[Diagnostic],
    sources: &Sources,
) -> io::Result<()> {
    let codes: BTreeSet<Code> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect();
    let codes: Vec<Code> = codes.into_iter().collect();
    let rules: Vec<Value> = codes
        .iter()
        .map(|code| json!({"id": code.as_str(), "shortDescription": {"text": code.description()}}))
        .collect();
    let results: Vec<Value> = diagnostics
        .iter()
        .map(|diagnostic| result(diagnostic, &codes, prefix, sources))
        .collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Tenantry",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn result(diagnostic: &Diagnostic, codes: &[Code], prefix: &str, sources: &Sources) -> Value {
    let mut message = diagnostic.message.clone();
    for hint in &diagnostic.hints {
        message.push_str("\nhint: ");
        message.push_str(hint);
    }
    let mut result = json!({
        "ruleId": diagnostic.code.as_str(),
        "ruleIndex": codes.binary_search(&diagnostic.code).ok(),
        "level": diagnostic.severity.as_str(),
        "message": {"text": message},
    });
    if let Some(place) = place(diagnostic, sources) {
        let mut location = location(prefix, place.file, place.region.as_ref());
        if let Some(label) = &diagnostic.label {
            location["message"] = json!({"text": label});
        }
        result["locations"] = json!([location]);
    }
    if !diagnostic.related.is_empty() {
        let related = diagnostic
            .related
            .iter()
            .enumerate()
            .map(|(id, (span, words))| {
                let path = &sources.get(span.file).path;
                let mut location = location(prefix, path, Some(&Region::new(*span, sources)));
                location["id"] = json!(id + 1);
                location["message"] = json!({"text": words});
                location
            });
        result["relatedLocations"] = related.collect();
    }
    if let Some(project) = &diagnostic.project {
        result["properties"] = json!({"project": project});
    }
    result
}

fn location(prefix: &str, path: &str, region: Option<&Region>) -> Value {
    let uri = uri(&format!("{prefix}{path}"));
    let mut physical = json!({"artifactLocation": {"uri": uri}});
    if let Some(region) = region {
        physical["region"] = json!({
            "startLine": region.line,
            "startColumn": region.column,
            "endLine": region.end_line,
            "endColumn": region.end_column,
        });
    }
    json!({"physicalLocation": physical})
}

/// Returns a path as a relative URI reference, everything but unreserved characters and `/` percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _infallible = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
