//! Distributions of durations.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest duration that is told from longer ones: a day.
const LONGEST_US: u64 = 24 * 60 * 60 * 1_000_000;

/// Every recorded value is off by less than a thousandth.
const SIGNIFICANT_DIGITS: u8 = 3;

/// A distribution of durations in microseconds, of constant size however much is recorded.
///
/// Percentiles are exact to three significant digits; mean, least and greatest are exact. What is
/// longer than a day counts as a day, and is counted apart as saturated.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: hdrhistogram::Histogram<u32>,
    sum_us: u128,
    min_us: u64,
    max_us: u64,
    saturated: u64,
}

impl Histogram {
    /// An empty distribution.
    pub fn new() -> Self {
        Histogram {
            counts: hdrhistogram::Histogram::new_with_bounds(1, LONGEST_US, SIGNIFICANT_DIGITS)
                .expect("the bounds are constants that hdrhistogram accepts"),
            sum_us: 0,
            min_us: u64::MAX,
            max_us: 0,
            saturated: 0,
        }
    }

    /// Adds one duration, in microseconds.
    pub fn record(&mut self, value_us: u64) {
        if value_us > LONGEST_US {
            self.saturated += 1;
        }
        let value_us = value_us.min(LONGEST_US);
        self.counts.saturating_record(value_us);
        self.sum_us += u128::from(value_us);
        self.min_us = self.min_us.min(value_us);
        self.max_us = self.max_us.max(value_us);
    }

    /// How many durations were recorded.
    pub fn count(&self) -> u64 {
        self.counts.len()
    }

    /// The duration below or at which `percent` of the recorded ones are; never more than the
    /// greatest of them. `None` if nothing was recorded.
    pub fn percentile_us(&self, percent: f64) -> Option<u64> {
        (self.count() > 0).then(|| {
            self.counts
                .value_at_quantile(percent / 100.0)
                .clamp(self.min_us, self.max_us)
        })
    }

    /// The arithmetic mean, rounded to whole microseconds. `None` if nothing was recorded.
    pub fn mean_us(&self) -> Option<u64> {
        let count = u128::from(self.count());
        let rounded = (self.sum_us + count / 2).checked_div(count)?;
        u64::try_from(rounded).ok()
    }

    /// The figures that reports show. `None` if nothing was recorded.
    pub fn spread(&self) -> Option<Spread> {
        Some(Spread {
            count: self.count(),
            mean_us: self.mean_us()?,
            min_us: self.min_us,
            p50_us: self.percentile_us(50.0)?,
            p90_us: self.percentile_us(90.0)?,
            p95_us: self.percentile_us(95.0)?,
            p99_us: self.percentile_us(99.0)?,
            p999_us: self.percentile_us(99.9)?,
            max_us: self.max_us,
            saturated: self.saturated,
        })
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// A distribution of durations in a few figures, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// How many durations it was made of; never zero.
    pub count: u64,
    pub mean_us: u64,
    pub min_us: u64,
    pub p50_us: u64,
    pub p90_us: u64,
    pub p95_us: u64,
    pub p99_us: u64,
    /// The 99.9th percentile.
    pub p999_us: u64,
    pub max_us: u64,
    /// How many were longer than can be told, and count as the longest: a day.
    pub saturated: u64,
}

impl Spread {
    /// The arithmetic mean.
    pub fn mean(&self) -> Duration {
        Duration::from_micros(self.mean_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::new();
        values.into_iter().for_each(|value| histogram.record(value));
        histogram
    }

    #[test]
    fn nothing_recorded_has_no_figures() {
        assert_eq!(Histogram::new().spread(), None);
        assert_eq!(Histogram::new().mean_us(), None);
    }

    #[test]
    fn mean_and_extremes_are_exact() {
        let spread = histogram([1, 2, 1_000_001]).spread().unwrap();
        assert_eq!(
            (spread.min_us, spread.mean_us, spread.max_us),
            (1, 333_335, 1_000_001)
        );
    }

    #[test]
    fn a_duration_of_nothing_is_a_sample() {
        let spread = histogram([0]).spread().unwrap();
        assert_eq!(
            (spread.count, spread.min_us, spread.max_us, spread.p99_us),
            (1, 0, 0, 0)
        );
    }

    #[test]
    fn percentiles_are_in_order_and_never_exceed_the_maximum() {
        for values in [
            vec![123_456_789],
            (1..=10_000).collect(),
            vec![5, 5, 5, 40_000_001],
        ] {
            let spread = histogram(values).spread().unwrap();
            let figures = [
                spread.min_us,
                spread.p50_us,
                spread.p90_us,
                spread.p95_us,
                spread.p99_us,
                spread.max_us,
            ];
            assert!(figures.is_sorted(), "{figures:?}");
        }
    }

    #[test]
    fn percentiles_are_right_to_three_digits() {
        let spread = histogram(1..=100_000).spread().unwrap();
        assert!(spread.p50_us.abs_diff(50_000) <= 50, "{}", spread.p50_us);
        assert!(spread.p99_us.abs_diff(99_000) <= 99, "{}", spread.p99_us);
    }

    #[test]
    fn what_is_too_long_counts_as_a_day_and_is_told() {
        let spread = histogram([7, u64::MAX]).spread().unwrap();
        assert_eq!(
            (spread.count, spread.saturated, spread.max_us),
            (2, 1, LONGEST_US)
        );
        assert!(spread.p99_us <= spread.max_us);
    }
}
