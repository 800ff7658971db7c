//! What is known about values, for people and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Explained, Source, Told};
use crate::diff::show::value as shown;
use crate::object::Object;
use crate::report::on_one_line;
use crate::source::{Sources, Span};
use crate::trace::By;

/// Longest value that is written out, in characters.
const LONGEST: usize = 80;

/// Writes where an object comes from, in a line.
pub fn object(object: &Object, added: &Told, texts: &Sources, text: &mut String) {
    let mut line = format!("{}: {}", object.key(), who(added, texts));
    for (number, source) in added.because.iter().enumerate() {
        let word = if number == 0 { ", because of" } else { " and" };
        let _infallible = write!(line, "{word} {}", described(source, texts));
    }
    let _infallible = writeln!(text, "{}", on_one_line(&line));
}

/// Writes a value and who has set it last, in a line.
pub fn short(explained: &Explained, texts: &Sources, text: &mut String) {
    let mut line = format!("  {}: {}", explained.path, shown(&explained.value, LONGEST));
    if let Some((last, before)) = explained.history.split_last() {
        let _infallible = write!(line, "  <- {}", who(last, texts));
        for source in &last.from {
            if let Some(place) = source.place {
                let _infallible = write!(line, ", {}", at(place, texts));
            }
        }
        if let [source] = last.from.as_slice()
            && source.place.is_none()
        {
            let _infallible = write!(line, ", {}", described(source, texts));
        }
        if let Some(overridden) = before.last() {
            let _infallible = write!(
                line,
                "; was {} <- {}",
                shown(&overridden.value, LONGEST),
                who(overridden, texts)
            );
        }
    }
    let _infallible = writeln!(text, "{}", on_one_line(&line));
}

/// Writes a value and everything that is known about it; who has set it last comes last.
pub fn long(explained: &Explained, texts: &Sources, text: &mut String) {
    let mut line = |line: String| {
        let _infallible = writeln!(text, "{}", on_one_line(&line));
    };
    line(format!(
        "  {}: {}",
        explained.path,
        shown(&explained.value, LONGEST)
    ));
    for told in &explained.history {
        line(format!(
            "    {}: {}",
            who(told, texts),
            shown(&told.value, LONGEST)
        ));
        for (word, sources) in [("from", &told.from), ("because of", &told.because)] {
            for source in sources {
                line(format!("      {word} {}", described(source, texts)));
                for (of, place) in &source.overrides {
                    line(format!("        overrides {} ({of})", at(*place, texts)));
                }
            }
        }
    }
}

/// Returns what is known about a value as JSON.
pub fn as_json(file: &str, object: &Object, explained: &Explained, texts: &Sources) -> Value {
    let history: Vec<Value> = explained
        .history
        .iter()
        .map(|told| told_json(told, texts))
        .collect();
    json!({
        "file": file,
        "apiVersion": object.api_version(),
        "kind": object.kind(),
        "name": object.name(),
        "namespace": object.namespace(),
        "path": explained.path,
        "pointer": explained.pointer,
        "value": explained.value,
        "origin": history.last(),
        "overrides": history[..history.len().saturating_sub(1)],
    })
}

fn told_json(told: &Told, texts: &Sources) -> Value {
    let mut value = json!({"by": word(told.by)});
    if let By::Tenantry(what) = told.by {
        value["step"] = json!(what);
    }
    value["value"] = told.value.clone();
    place_json(&mut value, told.place, texts);
    if !told.note.is_empty() {
        value["note"] = json!(told.note.trim());
    }
    if let Some(brought) = told.brought {
        let mut place = json!({});
        place_json(&mut place, Some(brought), texts);
        value["brought"] = place;
    }
    for (key, sources) in [("from", &told.from), ("because", &told.because)] {
        value[key] = sources
            .iter()
            .map(|source| source_json(source, texts))
            .collect();
    }
    value
}

fn source_json(source: &Source, texts: &Sources) -> Value {
    let mut value = json!({"key": source.key, "of": source.of, "default": source.place.is_none()});
    place_json(&mut value, source.place, texts);
    let overrides = source.overrides.iter().map(|(of, place)| {
        let mut value = json!({"of": of});
        place_json(&mut value, Some(*place), texts);
        value
    });
    value["overrides"] = overrides.collect();
    value
}

fn place_json(value: &mut Value, place: Option<Span>, texts: &Sources) {
    if let Some(span) = place {
        let (line, column) = texts.line_column(span.file, span.start);
        value["file"] = json!(texts.get(span.file).path);
        value["line"] = json!(line);
        value["column"] = json!(column);
    }
}

fn word(by: By) -> &'static str {
    match by {
        By::Manifest => "manifest",
        By::Component => "component",
        By::ComponentPatch => "componentPatch",
        By::Extra => "extraManifest",
        By::Patch => "patch",
        By::Tenantry(_) => "tenantry",
    }
}

/// Says who has set a value, and where that is written.
fn who(told: &Told, texts: &Sources) -> String {
    let mut text = match told.place {
        Some(place) => format!("{}{} ", at(place, texts), told.note),
        None => String::new(),
    };
    match told.by {
        By::Manifest => text.push_str("(base)"),
        By::Component => text.push_str("(component)"),
        By::ComponentPatch => text.push_str("(component patch)"),
        By::Extra => text.push_str("(extraManifests)"),
        By::Patch => text.push_str("(patch)"),
        By::Tenantry(what) => {
            let _infallible = write!(text, "tenantry ({what})");
        }
    }
    if let Some(brought) = told.brought {
        let _infallible = write!(text, " brought in at {}", at(brought, texts));
    }
    text
}

fn described(source: &Source, texts: &Sources) -> String {
    match source.place {
        Some(place) => format!("{} ({})", at(place, texts), name(source)),
        None => format!("the default of {}", name(source)),
    }
}

fn name(source: &Source) -> String {
    if source.of.is_empty() {
        format!("`{}`", source.key)
    } else {
        format!("`{}` of {}", source.key, source.of)
    }
}

fn at(span: Span, texts: &Sources) -> String {
    let (line, column) = texts.line_column(span.file, span.start);
    format!("{}:{line}:{column}", texts.get(span.file).path)
}
