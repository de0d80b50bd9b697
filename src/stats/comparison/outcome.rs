//! Results of a comparison.

use serde::{Deserialize, Serialize};

use super::figure::{Direction, Measure, Scale};

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// In the order in which they were given.
    pub figures: Vec<ComparedFigure>,
    /// The number of ways in which the labels old and new were assigned to the runs.
    pub arrangements: usize,
    /// These were all ways; otherwise they were a random sample.
    pub exhaustive: bool,
    /// The least repeats of each group with which any change can be told from chance.
    pub fewest_repeats: usize,
    /// The part of the machine's processor time that other processes left to the runs, if it differs
    /// so much that it may be the cause of changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<ComparedFigure>,
}

impl Comparison {
    /// Returns the figures that have become worse.
    pub fn worse(&self) -> impl Iterator<Item = &ComparedFigure> {
        self.figures
            .iter()
            .filter(|it| it.finding == Finding::Worse)
    }
}

/// The result for one figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedFigure {
    pub name: String,
    pub unit: String,
    pub measure: Measure,
    /// The geometric mean of the old runs, of shares their mean; absent without values.
    pub old: Option<f64>,
    /// Likewise of the new runs.
    pub new: Option<f64>,
    /// The change; absent if a group has no values.
    pub change: Option<Estimate>,
    /// The two-sided p of the permutation test of this figure alone.
    pub p: Option<f64>,
    /// The p adjusted for all figures of the comparison; absent for figures with too few runs.
    pub p_adjusted: Option<f64>,
    /// The smallest change for the worse that would have been found in four of five comparisons like
    /// this one: a ratio or a difference, as `change`.
    pub smallest_change: Option<f64>,
    pub finding: Finding,
    /// The cause of [`Finding::CannotTell`].
    pub doubt: Option<Doubt>,
    /// The repeats of each group, all in all, that would probably give an answer; absent if there is
    /// one, or if it would take too many.
    pub repeats: Option<usize>,
}

impl ComparedFigure {
    /// Returns the finding in words that fit the figure.
    pub fn words(&self) -> &'static str {
        match (self.finding, self.measure) {
            (Finding::Worse, Measure::Time) => "slower",
            (Finding::Better, Measure::Time) => "faster",
            (Finding::Worse, _) => "worse",
            (Finding::Better, _) => "better",
            (Finding::Same, _) => "same within tolerance",
            (Finding::CannotTell, _) => "cannot tell",
        }
    }
}

/// An estimated change with its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// New divided by old, or new minus old.
    pub value: f64,
    /// The ends of the interval; absent if there are too few runs for one.
    pub interval: Option<(f64, f64)>,
    pub scale: Scale,
    pub method: IntervalMethod,
}

/// The method of a confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// Inversion of the permutation test.
    Permutation,
    /// Student's t, if there are too few permutations.
    StudentT,
    /// Block bootstrap within two single runs: indicative, as it does not see that runs differ.
    Bootstrap,
}

/// The finding about one figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Slower, or otherwise worse, by more than the tolerance.
    Worse,
    Better,
    /// Any change is within the tolerance.
    Same,
    CannotTell,
}

impl Finding {
    /// Returns the finding for a change beyond the tolerance.
    pub(super) fn of_change(change: f64, direction: Direction) -> Self {
        if (change > 0.0) == (direction == Direction::LowerIsBetter) {
            Finding::Worse
        } else {
            Finding::Better
        }
    }
}

/// The cause for which nothing can be told about a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// A group has no values.
    Missing,
    /// With so few runs, even the most extreme difference may be chance.
    TooFewRuns,
    /// The runs differ too much from each other.
    Noise,
    /// There is a change, but it may be within the tolerance or beyond it.
    NearTolerance,
    /// There is a change, and the machine has changed alike.
    Machine,
}
