//! Entries of the history, made of saved runs.

use std::path::Path;

use chrono::Utc;

use crate::report::result_file::Head;
use crate::report::{RunVerdict, SavedRun};
use crate::stats::{Figure, MachineFigures, Measure};

use super::conditions::Conditions;
use super::figures::{RunFigure, figures};
use super::history::Entry;

/// Returns the figures of kept runs.
pub fn figures_of(runs: &[Entry]) -> Vec<Vec<RunFigure>> {
    runs.iter().map(|it| it.figures.clone()).collect()
}

/// Returns the machine of two groups of runs in figures.
pub fn machine_of(old: &[Entry], new: &[Entry]) -> MachineFigures {
    type Value = fn(&Conditions) -> Option<f64>;
    let figure = |name: &str, unit: &str, measure, value: Value| {
        let values = |runs: &[Entry]| runs.iter().map(|it| value(&it.conditions)).collect();
        Figure {
            name: name.into(),
            unit: unit.into(),
            measure,
            old: values(old),
            new: values(new),
        }
    };
    MachineFigures {
        free: figure("machine.free", "", Measure::Throughput, |it| {
            it.machine_free_ratio
        }),
        lag: figure("machine.lag", "us", Measure::Time, |it| {
            it.timer_lag_us.map(|us| us as f64)
        }),
    }
}

impl Entry {
    /// Returns the entry of a run that was saved in this directory with this scenario.
    pub fn new(head: &Head, directory: &Path, scenario: &str) -> Self {
        let (run, summary) = (&head.run, &head.summary);
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        Entry {
            id: run.id.0.clone(),
            scenario: run.scenario.clone(),
            started_at: run.started_at.with_timezone(&Utc),
            directory,
            verdict: RunVerdict::of(summary).word().to_owned(),
            completed: summary.flows.completed,
            failed: summary.flows.failed,
            conditions: Conditions::of(head, scenario),
            figures: figures(summary),
        }
    }

    /// Returns the entry of a saved run.
    pub fn of(run: &SavedRun) -> Self {
        let scenario = run.directory.scenario().unwrap_or_default();
        let path = run.directory.path();
        Entry::new(&run.head, path, &scenario)
    }
}
