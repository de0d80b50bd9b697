//! Figures of two groups of runs, to be compared.

use serde::{Deserialize, Serialize};

/// Kind of a figure: which direction is better, and on which scale it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A duration in microseconds.
    Time,
    /// Work done per time.
    Throughput,
    /// A part of a whole, from 0 to 1, of what should not be: the failure rate.
    Share,
    /// Use of a resource: processor time, memory.
    Use,
}

impl Measure {
    /// Returns the direction in which this measure improves.
    pub fn direction(self) -> Direction {
        match self {
            Measure::Throughput => Direction::HigherIsBetter,
            Measure::Time | Measure::Share | Measure::Use => Direction::LowerIsBetter,
        }
    }

    /// Returns the scale on which its changes are stated.
    pub fn scale(self) -> Scale {
        match self {
            Measure::Share => Scale::Difference,
            Measure::Time | Measure::Throughput | Measure::Use => Scale::Ratio,
        }
    }
}

/// The direction in which a figure improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    LowerIsBetter,
    HigherIsBetter,
}

/// The scale of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// New divided by old, compared by logarithms.
    Ratio,
    /// New minus old, for figures that may well be zero.
    Difference,
}

impl Scale {
    /// Returns the values on the scale of the test. What is missing or not finite stays missing.
    ///
    /// A value that has no logarithm counts as half the smallest positive one. This keeps the order
    /// and depends on no label, so that a permutation test stays exact.
    pub(in crate::stats) fn apply(self, values: &[Option<f64>]) -> Vec<Option<f64>> {
        let finite = |it: &Option<f64>| it.filter(|value| value.is_finite());
        match self {
            Scale::Difference => values.iter().map(finite).collect(),
            Scale::Ratio => {
                let positive = values.iter().filter_map(finite).filter(|it| *it > 0.0);
                let least = positive.reduce(f64::min).unwrap_or(1.0);
                let log = |value: f64| if value > 0.0 { value } else { least / 2.0 }.ln();
                values.iter().map(|it| finite(it).map(log)).collect()
            }
        }
    }

    /// Returns a difference on the scale of the test as it is stated: a ratio or a difference.
    pub(in crate::stats) fn state(self, difference: f64) -> f64 {
        match self {
            Scale::Ratio => difference.exp(),
            Scale::Difference => difference,
        }
    }
}

/// One figure of the runs of both groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Unique within a comparison: `flow.response.p95`.
    pub name: String,
    /// The unit of its values: `us`, `flows/s`; empty for shares.
    pub unit: String,
    pub measure: Measure,
    /// One value per run, in the order of the runs; `None` where a run has no such figure. The same
    /// run has the same place in all figures.
    pub old: Vec<Option<f64>>,
    /// Likewise.
    pub new: Vec<Option<f64>>,
}

/// The order in which the runs of both groups were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOrder {
    /// One group after the other.
    #[default]
    Separate,
    /// A B B A A B B A …: the n-th runs of both groups are neighbours. Changes of the machine over
    /// time then do not count as noise.
    Interleaved,
}

/// Settings of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComparisonSettings {
    /// The accepted rate of comparisons with any false alarm, if nothing has changed.
    pub alpha: f64,
    /// The relative change that does not matter: 0.05 is 5 %.
    pub tolerance: f64,
    /// The change of a time that does not matter however great its part, in microseconds: it may be
    /// the machine's, whose processors are slower for a moment after each pause.
    pub time_tolerance_us: f64,
    /// The change of a share that does not matter: 0.01 is one percentage point.
    pub share_tolerance: f64,
    pub order: RunOrder,
    /// Seeds what is sampled: permutations, if there are too many for all, and bootstraps.
    pub seed: u64,
}

impl Default for ComparisonSettings {
    fn default() -> Self {
        ComparisonSettings {
            alpha: 0.05,
            tolerance: 0.05,
            time_tolerance_us: 0.0,
            share_tolerance: 0.01,
            order: RunOrder::Separate,
            seed: 1,
        }
    }
}

impl ComparisonSettings {
    /// Returns the tolerance on the scale of the test.
    pub(super) fn tolerance_on(&self, scale: Scale) -> f64 {
        match scale {
            Scale::Ratio => self.tolerance.max(0.0).ln_1p(),
            Scale::Difference => self.share_tolerance.max(0.0),
        }
    }

    /// Returns the tolerance of a figure on the scale of the test, from the lower of its two values.
    pub(super) fn tolerance_of(&self, measure: Measure, lower: Option<f64>) -> f64 {
        let relative = self.tolerance_on(measure.scale());
        let lower = lower.filter(|it| measure == Measure::Time && *it > 0.0);
        lower.map_or(relative, |lower| {
            relative.max((self.time_tolerance_us.max(0.0) / lower).ln_1p())
        })
    }
}
