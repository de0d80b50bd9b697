//! The history as CSV.

use std::io::{self, Write};

use chrono::SecondsFormat;

use crate::baseline::Entry;
use crate::report::csv_cell;

/// Writes a line for each run, with a column for each figure or only for the chosen one. Durations
/// are in microseconds, shares from 0 to 1. No text is a formula for spreadsheets.
///
/// For Apache Otava the columns are `time` and `run`, then the figures, as its importer for CSV
/// expects: `time_column: time`, `attributes: [run]`, `metrics` by the names of the figures. It takes
/// no empty cell, so these are the figures that all runs have, or the runs that have the chosen one.
pub(super) fn csv(
    runs: &[Entry],
    figure: Option<&str>,
    for_otava: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut names = super::figure_names(runs.iter());
    names.retain(|name| figure.is_none_or(|figure| figure == *name));
    let has = |run: &Entry, name: &str| run.figures.iter().any(|it| it.name == name);
    if for_otava && figure.is_none() {
        names.retain(|name| runs.iter().all(|run| has(run, name)));
    }
    let is_whole = |run: &&Entry| !for_otava || names.iter().all(|name| has(run, name));
    let mut table = csv::Writer::from_writer(out);
    let fixed: &[&str] = match for_otava {
        true => &["time", "run"],
        false => &[
            "run",
            "scenario",
            "started_at",
            "verdict",
            "completed",
            "failed",
        ],
    };
    let header = fixed.iter().chain(&names);
    let header: Vec<_> = header.map(|name| csv_cell(name).into_owned()).collect();
    table.write_record(&header)?;
    for run in runs.iter().filter(is_whole) {
        let mut cells = match for_otava {
            true => vec![
                run.started_at.format("%Y-%m-%d %H:%M:%S +0000").to_string(),
                run.id.clone(),
            ],
            false => vec![
                csv_cell(&run.id).into_owned(),
                csv_cell(&run.scenario).into_owned(),
                run.started_at.to_rfc3339_opts(SecondsFormat::Micros, true),
                csv_cell(&run.verdict).into_owned(),
                run.completed.to_string(),
                run.failed.to_string(),
            ],
        };
        cells.extend(names.iter().map(|name| {
            let found = run.figures.iter().find(|it| it.name == *name);
            found.map_or(String::new(), |it| it.value.to_string())
        }));
        table.write_record(&cells)?;
    }
    table.flush()
}
