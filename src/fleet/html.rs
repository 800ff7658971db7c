//! The page as HTML: one file that needs nothing beside it, and runs nothing.

use super::{Fleet, GROUPS, Line, Sum, projects};
use crate::report::on_one_line;

/// How it looks, in light and in dark.
const STYLE: &str = "\
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:90rem;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.15rem;margin-top:2rem}
p{margin:.25rem 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid #8884;padding:.3rem .6rem;text-align:left;vertical-align:top}
th{white-space:nowrap}
td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
tfoot td{font-weight:600}
.groups{display:grid;gap:0 2rem;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr))}
.stops{color:#b3261e;font-weight:600}
@media(prefers-color-scheme:dark){.stops{color:#ff8a80}}
";

/// Writes the page.
pub fn write(fleet: &Fleet) -> String {
    let total = fleet.total();
    let mut page = Page::default();
    page.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    // Whatever a text may hold, nothing is fetched and nothing runs.
    page.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    page.raw("<title>Fleet</title>\n<style>\n");
    page.raw(STYLE);
    page.raw("</style>\n</head>\n<body>\n<h1>Fleet</h1>\n");
    page.element(
        "p",
        "",
        &format!("{}: {}", projects(total.projects), total.demand),
    );
    hazards(fleet, &mut page);
    page.raw("<h2>Projects</h2>\n<div class=\"scroll\">\n<table>\n");
    page.row(
        "th",
        &[
            ("", "Project"),
            ("", "Cluster"),
            ("", "Namespace"),
            ("", "State"),
            ("", "Ring"),
            ("", "Base"),
            ("", "Owner"),
            ("n", "CPU"),
            ("n", "Memory"),
            ("n", "Storage"),
            ("", "Database"),
            ("", "Object store"),
        ],
    );
    for line in &fleet.projects {
        project(line, &mut page);
    }
    let [cpu, memory, storage] = total.demand.columns();
    page.raw("<tfoot>\n");
    page.row(
        "td",
        &[
            ("", "Total"),
            ("", ""),
            ("", ""),
            ("", ""),
            ("", ""),
            ("", ""),
            ("", ""),
            ("n", &cpu),
            ("n", &memory),
            ("n", &storage),
            ("", ""),
            ("", ""),
        ],
    );
    page.raw("</tfoot>\n</table>\n</div>\n<div class=\"groups\">\n");
    for (name, by) in GROUPS {
        let sums = fleet.sums(by);
        if sums.is_empty() {
            continue;
        }
        page.raw("<section>\n");
        page.element("h2", "", &format!("By {name}"));
        page.raw("<table>\n");
        page.row(
            "th",
            &[
                ("", name),
                ("n", "Projects"),
                ("n", "CPU"),
                ("n", "Memory"),
                ("n", "Storage"),
            ],
        );
        for (group, sum) in sums {
            group_row(group, sum, &mut page);
        }
        page.raw("</table>\n</section>\n");
    }
    page.raw("</div>\n</body>\n</html>\n");
    page.out
}

fn hazards(fleet: &Fleet, page: &mut Page) {
    page.raw("<h2>Hazards</h2>\n");
    if fleet.hazards.is_empty() {
        page.element("p", "", &format!("None against {}.", fleet.against));
        return;
    }
    page.element("p", "", &format!("Against {}:", fleet.against));
    page.raw("<div class=\"scroll\">\n<table>\n");
    page.row(
        "th",
        &[
            ("", "Gate"),
            ("", "Hazard"),
            ("", "Project"),
            ("", "Directory"),
            ("", "What"),
            ("", "Before"),
            ("", "After"),
        ],
    );
    for line in &fleet.hazards {
        let class = if line.gate == "stops" { "stops" } else { "" };
        page.row(
            "td",
            &[
                (class, line.gate),
                ("", line.hazard),
                ("", line.project.as_deref().unwrap_or("")),
                ("", &line.directory),
                ("", &line.what),
                ("", line.old.as_deref().unwrap_or("")),
                ("", line.new.as_deref().unwrap_or("")),
            ],
        );
    }
    page.raw("</table>\n</div>\n");
}

fn project(line: &Line, page: &mut Page) {
    let [cpu, memory, storage] = line.demand.columns();
    page.row(
        "td",
        &[
            ("", &line.name),
            ("", &line.cluster),
            ("", &line.namespace),
            ("", line.state),
            ("", line.ring.as_deref().unwrap_or("")),
            ("", &line.base),
            ("", line.owner.as_deref().unwrap_or("")),
            ("n", &cpu),
            ("n", &memory),
            ("n", &storage),
            ("", &line.database),
            ("", &line.object_store),
        ],
    );
}

fn group_row(group: &str, sum: Sum, page: &mut Page) {
    let [cpu, memory, storage] = sum.demand.columns();
    page.row(
        "td",
        &[
            ("", group),
            ("n", &sum.projects.to_string()),
            ("n", &cpu),
            ("n", &memory),
            ("n", &storage),
        ],
    );
}

/// A page that is being written; every text in it is escaped.
#[derive(Default)]
struct Page {
    out: String,
}

impl Page {
    /// Adds markup of ours.
    fn raw(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    /// Adds a text.
    fn text(&mut self, text: &str) {
        for c in on_one_line(text).chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                c => self.out.push(c),
            }
        }
    }

    /// Adds an element with a text in it; without a class when that is empty.
    fn element(&mut self, name: &'static str, class: &'static str, text: &str) {
        self.raw("<");
        self.raw(name);
        if !class.is_empty() {
            self.raw(" class=\"");
            self.raw(class);
            self.raw("\"");
        }
        self.raw(">");
        self.text(text);
        self.raw("</");
        self.raw(name);
        self.raw(">\n");
    }

    /// Adds a row of cells, each with its class and its text.
    fn row(&mut self, cell: &'static str, cells: &[(&'static str, &str)]) {
        self.raw("<tr>\n");
        for (class, text) in cells {
            self.element(cell, class, text);
        }
        self.raw("</tr>\n");
    }
}
