//! The form of a comparison for reports and programs.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::stats::{ComparedFigure, Comparison, Finding};

use super::conclusion::{Conclusion, Gate};

/// The name and version of the form as JSON.
const FORMAT: &str = "rehearsal-comparison/1";

/// A comparison of two groups of runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparisonReport {
    /// Name and version of this form.
    pub format: &'static str,
    pub conclusion: Conclusion,
    pub old: RunGroup,
    pub new: RunGroup,
    /// The relative change that does not matter: 0.05 is 5 %.
    pub tolerance: f64,
    /// The accepted rate of comparisons with any false alarm.
    pub alpha: f64,
    /// Intervals are those within two single runs. They do not see that runs differ, so nothing is
    /// concluded.
    pub indicative: bool,
    /// Differences between the conditions of the runs.
    pub differences: Vec<NotedDifference>,
    /// Sentences on drift, warm-up and missing files.
    pub remarks: Vec<String>,
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// A group of runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunGroup {
    /// As it was named: a baseline, a directory, `this series`.
    pub name: String,
    pub scenario: String,
    pub runs: Vec<String>,
    pub directories: Vec<PathBuf>,
    /// The start of the first run.
    pub from: Option<DateTime<Utc>>,
    /// The start of the last run.
    pub to: Option<DateTime<Utc>>,
}

/// A difference between conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotedDifference {
    /// One clause: `the machine: alpha, and now beta`.
    pub text: String,
    /// It would have prevented the comparison without `--force`.
    pub forced: bool,
}

impl ComparisonReport {
    /// Creates the report of a comparison, and draws its conclusion.
    pub fn new(
        old: RunGroup,
        new: RunGroup,
        comparison: Comparison,
        tolerance: f64,
        alpha: f64,
    ) -> Self {
        ComparisonReport {
            format: FORMAT,
            conclusion: Conclusion::of(&comparison),
            old,
            new,
            tolerance,
            alpha,
            indicative: false,
            differences: Vec::new(),
            remarks: Vec::new(),
            comparison,
        }
    }

    /// Returns the figures for which a gate fails.
    pub fn failing(&self, gate: Gate) -> Vec<&ComparedFigure> {
        let worse = self.comparison.worse();
        worse.filter(|it| gate.fails_for(it)).collect()
    }

    /// Returns the figures with this finding, in their order.
    pub fn with(&self, finding: Finding) -> impl Iterator<Item = &ComparedFigure> {
        let figures = self.comparison.figures.iter();
        figures.filter(move |it| it.finding == finding)
    }
}
