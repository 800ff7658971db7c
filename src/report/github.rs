//! Workflow commands of GitHub Actions, which become annotations of a pull request.
//!
//! Source: actions/toolkit `packages/core/src/command.ts` (escaping); actions/runner `ActionCommandManager.cs`
//! (properties of `error` and `warning`; columns count only when a place lies in one line).

use std::io::{self, Write};

use super::place;
use crate::diagnostic::Diagnostic;
use crate::source::Sources;

pub(super) fn draw(
    out: &mut dyn Write,
    prefix: &str,
    diagnostics: &[Diagnostic],
    sources: &Sources,
) -> io::Result<()> {
    for diagnostic in diagnostics {
        let mut properties = Vec::new();
        if let Some(place) = place(diagnostic, sources) {
            properties.push(format!(
                "file={}",
                property(&format!("{prefix}{}", place.file))
            ));
            if let Some(region) = place.region {
                properties.push(format!("line={}", region.line));
                properties.push(format!("endLine={}", region.end_line));
                if region.line == region.end_line {
                    properties.push(format!("col={}", region.column));
                    properties.push(format!("endColumn={}", region.end_column));
                }
            }
        }
        properties.push(format!("title={}", property(diagnostic.code.as_str())));
        let mut message = diagnostic.message.clone();
        for hint in &diagnostic.hints {
            message.push_str("\nhint: ");
            message.push_str(hint);
        }
        writeln!(
            out,
            "::{} {}::{}",
            diagnostic.severity.as_str(),
            properties.join(","),
            data(&message)
        )?;
    }
    Ok(())
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
