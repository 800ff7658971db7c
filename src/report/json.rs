//! One JSON object per line, for scripts.

use std::io::{self, Write};

use serde::Serialize;

use super::place;
use crate::diagnostic::Diagnostic;
use crate::source::Sources;

/// One line; a value that is not known is `null`, never left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    severity: &'a str,
    code: &'a str,
    message: &'a str,
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
    hints: &'a [String],
    project: Option<&'a str>,
}

pub(super) fn draw(
    out: &mut dyn Write,
    diagnostics: &[Diagnostic],
    sources: &Sources,
) -> io::Result<()> {
    for diagnostic in diagnostics {
        let place = place(diagnostic, sources);
        let region = place.as_ref().and_then(|place| place.region.as_ref());
        let line = Line {
            severity: diagnostic.severity.as_str(),
            code: diagnostic.code.as_str(),
            message: &diagnostic.message,
            file: place.as_ref().map(|place| place.file),
            line: region.map(|region| region.line),
            column: region.map(|region| region.column),
            end_line: region.map(|region| region.end_line),
            end_column: region.map(|region| region.end_column),
            hints: &diagnostic.hints,
            project: diagnostic.project.as_deref(),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
