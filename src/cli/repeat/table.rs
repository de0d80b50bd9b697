//! Runs of a series in lines: one as each ends, and a table of all.

use crate::baseline::Entry;
use crate::report::{sanitize, terminal, units};

/// The figures that are shown of each run.
const SHOWN: [(&str, &str); 4] = [
    ("flow.p50", "p50"),
    ("flow.p95", "p95"),
    ("flow.p99", "p99"),
    ("flow.rate", "rate"),
];

/// Describes one run of the series.
pub(super) fn line(place: u64, all: u64, label: Option<&str>, entry: &Entry) -> String {
    let label = label.map_or(String::new(), |label| format!(" ({label})"));
    let figures = SHOWN.iter().filter(|(name, _)| *name != "flow.p99");
    let figures: Vec<_> = figures
        .map(|(name, short)| format!("{short} {}", figure(entry, name)))
        .collect();
    format!(
        "Run {place} of {all}{label}: {}, {} failed, {}, {}",
        units::counted(entry.completed, "flow"),
        entry.failed,
        figures.join(", "),
        sanitize(&entry.verdict)
    )
}

fn figure(entry: &Entry, name: &str) -> String {
    let found = entry.figures.iter().find(|it| it.name == name);
    found.map_or("–".into(), |it| {
        terminal::figure_value(it.value, &it.unit)
    })
}

/// Lays out the runs of a series.
pub(super) fn table(runs: &[Entry], width: usize) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let mut headings = vec!["Run", "Completed", "Failed"];
    headings.extend(SHOWN.iter().map(|(_, short)| *short));
    let rows = runs.iter().map(|entry| {
        let mut cells = vec![
            sanitize(&entry.id).into_owned(),
            entry.completed.to_string(),
            entry.failed.to_string(),
        ];
        cells.extend(SHOWN.iter().map(|(name, _)| figure(entry, name)));
        cells
    });
    format!("\n{}\n", terminal::table(&headings, rows.collect(), width))
}
