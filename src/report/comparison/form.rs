//! The form of a comparison for reports and programs.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::report::units;
use crate::stats::{ComparedFigure, Comparison, ComparisonSettings, Finding};

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
    /// The change of a time that does not matter, in microseconds.
    pub time_tolerance_us: f64,
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
        settings: &ComparisonSettings,
    ) -> Self {
        ComparisonReport {
            format: FORMAT,
            conclusion: Conclusion::of(&comparison),
            old,
            new,
            tolerance: settings.tolerance,
            time_tolerance_us: settings.time_tolerance_us,
            alpha: settings.alpha,
            indicative: false,
            differences: Vec::new(),
            remarks: Vec::new(),
            comparison,
        }
    }

    /// Returns the tolerance in words: `5 % or 1 ms`.
    pub(in crate::report) fn tolerance_words(&self) -> String {
        let relative = format!("{} %", self.tolerance * 100.0);
        match self.time_tolerance_us {
            us if us > 0.0 => format!("{relative} or {}", units::duration(us.round() as u64)),
            _ => relative,
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
