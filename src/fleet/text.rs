//! The page for people at a terminal.

use std::fmt::Write as _;

use super::{Fleet, GROUPS, HazardLine, projects};
use crate::report::on_one_line;

/// Writes the page.
pub fn write(fleet: &Fleet) -> String {
    let total = fleet.total();
    let mut out = format!("{}: {}\n\n", projects(total.projects), total.demand);
    let mut rows = vec![
        [
            "PROJECT",
            "CLUSTER/NAMESPACE",
            "STATE",
            "RING",
            "BASE",
            "CPU",
            "MEMORY",
            "STORAGE",
            "DATABASE",
            "OBJECT STORE",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for line in &fleet.projects {
        let [cpu, memory, storage] = line.demand.columns();
        let mut row = vec![
            line.name.clone(),
            format!("{}/{}", line.cluster, line.namespace),
            line.state.to_owned(),
            line.ring.clone().unwrap_or_else(|| "-".to_owned()),
            line.base.clone(),
        ];
        row.extend([cpu, memory, storage]);
        row.extend([line.database.clone(), line.object_store.clone()]);
        rows.push(row);
    }
    table(&rows, &[5, 6, 7], &mut out);
    for (name, by) in GROUPS {
        let sums = fleet.sums(by);
        if sums.is_empty() {
            continue;
        }
        let mut rows = vec![vec![
            name.to_ascii_uppercase(),
            "PROJECTS".to_owned(),
            "CPU".to_owned(),
            "MEMORY".to_owned(),
            "STORAGE".to_owned(),
        ]];
        for (group, sum) in sums {
            let mut row = vec![group.to_owned(), sum.projects.to_string()];
            row.extend(sum.demand.columns());
            rows.push(row);
        }
        out.push('\n');
        table(&rows, &[1, 2, 3, 4], &mut out);
    }
    let against = on_one_line(&fleet.against);
    if fleet.hazards.is_empty() {
        let _infallible = writeln!(out, "\nNo hazards against {against}");
        return out;
    }
    let _infallible = writeln!(out, "\nHazards against {against}");
    for line in &fleet.hazards {
        let _infallible = writeln!(out, "  {}", on_one_line(&hazard(line)));
    }
    out
}

/// Returns a hazard in one line.
fn hazard(line: &HazardLine) -> String {
    let owner = line.project.as_deref().unwrap_or(&line.directory);
    let change = match (&line.old, &line.new) {
        (None, None) => String::new(),
        (Some(old), None) => format!(": {old}"),
        (None, Some(new)) => format!(": {new}"),
        (Some(old), Some(new)) => format!(": {old} -> {new}"),
    };
    format!(
        "{} {} {owner}: {}{change}",
        line.gate, line.hazard, line.what
    )
}

/// Writes rows with their columns below each other; those that are named are ranged right.
fn table(rows: &[Vec<String>], right: &[usize], out: &mut String) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let cell = on_one_line(cell);
            let width = widths[column];
            let _infallible = if right.contains(&column) {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:<width$}  ")
            };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}
