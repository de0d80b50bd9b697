//! Entries of the history, made of saved runs.

use std::path::Path;

use chrono::Utc;

use crate::report::result_file::Head;
use crate::report::{RunVerdict, SavedRun};
use crate::stats::{Figure, Measure};

use super::conditions::Conditions;
use super::figures::{RunFigure, figures};
use super::history::Entry;

/// Returns the figures of kept runs.
pub fn figures_of(runs: &[Entry]) -> Vec<Vec<RunFigure>> {
    runs.iter().map(|it| it.figures.clone()).collect()
}

/// Returns the part of the machine that other processes left to the runs of two groups, as a figure.
pub fn machine_of(old: &[Entry], new: &[Entry]) -> Figure {
    let free = |runs: &[Entry]| {
        runs.iter()
            .map(|it| it.conditions.machine_free_ratio)
            .collect()
    };
    Figure {
        name: "machine.free".into(),
        unit: String::new(),
        measure: Measure::Throughput,
        old: free(old),
        new: free(new),
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
