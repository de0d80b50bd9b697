//! Trials of a search as CSV.

use std::io::{self, Write};

use super::CapacityReport;
use crate::stats::TrialOutcome;

/// Writes a row for each trial, in the order in which they were made.
///
/// # Errors
/// Errors of the writer.
pub fn write_trials(report: &CapacityReport, out: impl Write) -> io::Result<()> {
    let mut rows = ::csv::Writer::from_writer(out);
    rows.write_record([
        "load",
        "outcome",
        "completed",
        "failed",
        "dropped",
        "interrupted",
        "completed_per_second",
        "response.mean_us",
        "response.p50_us",
        "response.p95_us",
        "response.p99_us",
        "machine_busy_ratio",
        "run",
    ])?;
    let number = |it: Option<u64>| it.map_or(String::new(), |it| it.to_string());
    let fraction = |it: Option<f64>| it.map_or(String::new(), |it| it.to_string());
    for trial in &report.record.trials {
        let figures = &trial.figures;
        let outcome = match trial.outcome {
            TrialOutcome::Held => "held",
            TrialOutcome::Broke => "broke",
            TrialOutcome::Unusable => "unusable",
        };
        rows.write_record([
            trial.load.to_string(),
            outcome.to_owned(),
            figures.completed.to_string(),
            figures.failed.to_string(),
            figures.dropped.to_string(),
            figures.interrupted.to_string(),
            fraction(figures.completed_per_second),
            number(figures.response_mean_us),
            number(figures.response_p50_us),
            number(figures.response_p95_us),
            number(figures.response_p99_us),
            fraction(figures.machine_busy_ratio),
            trial.run.clone(),
        ])?;
    }
    rows.flush()
}
