//! Comparison of two single runs, as far as that goes.
//!
//! Within a run, seconds that follow each other are alike, so whole blocks of them are drawn again
//! (D. N. Politis and J. P. Romano, "A circular block-resampling procedure for stationary data",
//! 1992), of the square root of their number. The intervals cover what would vary within these two
//! runs. They do not see that runs differ from each other, so they are indicative only: between
//! runs of the same program, the true interval may be several times as wide.

use std::collections::BTreeSet;

use crate::stats::histogram::Histogram;

use super::figure::{ComparisonSettings, Scale};
use super::outcome::{Estimate, IntervalMethod};

/// The number of times that seconds are drawn again.
const RESAMPLES: usize = 1_000;

/// With fewer seconds, there are too few blocks.
const MIN_SECONDS: usize = 10;

/// Compares a percentile of durations of two single runs, given as a histogram for each second.
/// `None` if a run has none. Without an interval if a run has less than ten seconds.
pub fn compare_single_runs(
    old: &[Histogram],
    new: &[Histogram],
    percent: f64,
    settings: &ComparisonSettings,
) -> Option<Estimate> {
    let runs = [old, new].map(Seconds::new);
    let statistic = |run: usize, draw: &[usize]| runs[run].percentile(draw, percent);
    estimate([old.len(), new.len()], statistic, settings)
}

/// Compares a rate of two single runs, given as its value in each second. `None` if a rate is zero.
pub fn compare_single_rates(
    old: &[f64],
    new: &[f64],
    settings: &ComparisonSettings,
) -> Option<Estimate> {
    let runs = [old, new];
    let statistic = |run: usize, draw: &[usize]| {
        let sum: f64 = draw.iter().map(|second| runs[run][*second]).sum();
        Some(sum / draw.len() as f64)
    };
    estimate([old.len(), new.len()], statistic, settings)
}

/// Returns the ratio of a positive statistic of drawn seconds, with its interval.
fn estimate(
    lengths: [usize; 2],
    statistic: impl Fn(usize, &[usize]) -> Option<f64>,
    settings: &ComparisonSettings,
) -> Option<Estimate> {
    let ratio = |draws: [Vec<usize>; 2]| {
        let [old, new] = [statistic(0, &draws[0])?, statistic(1, &draws[1])?];
        (old > 0.0 && new > 0.0).then_some(new / old)
    };
    let value = ratio(lengths.map(|length| (0..length).collect()))?;
    let mut random = fastrand::Rng::with_seed(settings.seed);
    let mut resampled: Vec<f64> = Vec::new();
    if lengths.iter().all(|length| *length >= MIN_SECONDS) {
        let draws = (0..RESAMPLES).map(|_| lengths.map(|length| draw(length, &mut random)));
        resampled = draws.filter_map(ratio).collect();
    }
    resampled.sort_by(f64::total_cmp);
    let tail = (resampled.len() as f64 * settings.alpha / 2.0) as usize;
    let last = resampled.len().checked_sub(tail + 1);
    Some(Estimate {
        value,
        interval: last.map(|last| (resampled[tail], resampled[last])),
        scale: Scale::Ratio,
        method: IntervalMethod::Bootstrap,
    })
}

/// Draws as many seconds as there are, in blocks that wrap around at the end.
fn draw(length: usize, random: &mut fastrand::Rng) -> Vec<usize> {
    let block = (length as f64).sqrt().ceil() as usize;
    let mut drawn = Vec::with_capacity(length + block);
    while drawn.len() < length {
        let begin = random.usize(..length);
        drawn.extend((begin..begin + block).map(|second| second % length));
    }
    drawn.truncate(length);
    drawn
}

/// The durations of each second of a run.
struct Seconds {
    /// All durations that occur, in ascending order.
    durations_us: Vec<u64>,
    /// For each second, the places of its durations among these, and how often each occurred.
    counts: Vec<Vec<(usize, u64)>>,
}

impl Seconds {
    fn new(seconds: &[Histogram]) -> Self {
        let recorded = |second: &Histogram| -> Vec<(u64, u64)> {
            let steps = second.counts().iter_recorded();
            steps
                .map(|it| (it.value_iterated_to(), u64::from(it.count_at_value())))
                .collect()
        };
        let seconds: Vec<Vec<(u64, u64)>> = seconds.iter().map(recorded).collect();
        let distinct: BTreeSet<u64> = seconds.iter().flatten().map(|(us, _)| *us).collect();
        let durations_us: Vec<u64> = distinct.into_iter().collect();
        let place = |us: u64| durations_us.partition_point(|it| *it < us);
        let counts = seconds
            .iter()
            .map(|second| {
                second
                    .iter()
                    .map(|(us, count)| (place(*us), *count))
                    .collect()
            })
            .collect();
        Seconds {
            counts,
            durations_us,
        }
    }

    /// Returns the percentile of the durations in the drawn seconds, in microseconds.
    fn percentile(&self, drawn: &[usize], percent: f64) -> Option<f64> {
        let mut counts = vec![0_u64; self.durations_us.len()];
        for second in drawn {
            for (place, count) in &self.counts[*second] {
                counts[*place] += count;
            }
        }
        let total: u64 = counts.iter().sum();
        let rank = ((percent / 100.0 * total as f64).ceil() as u64).max(1);
        let mut below = 0;
        let place = counts.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(self.durations_us[place] as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::simulation::normal;
    use super::*;

    fn run(factor: f64, seconds: usize, random: &mut fastrand::Rng) -> Vec<Histogram> {
        let mut second = || {
            let mut histogram = Histogram::new();
            for _ in 0..5 {
                let duration_us = factor * 100_000.0 * (0.2 * normal(random)).exp();
                histogram.record(duration_us as u64);
            }
            histogram
        };
        (0..seconds).map(|_| second()).collect()
    }

    #[test]
    fn the_interval_of_two_runs_has_the_true_ratio() {
        let mut random = fastrand::Rng::with_seed(1);
        let settings = ComparisonSettings::default();
        let (old, new) = (run(1.0, 40, &mut random), run(1.3, 30, &mut random));
        let found = compare_single_runs(&old, &new, 50.0, &settings).expect("durations");
        let (low, high) = found.interval.expect("enough seconds");
        assert!(
            1.1 < low && low < 1.3 && 1.3 < high && high < 1.5,
            "{found:?}"
        );
        assert_eq!(found.method, IntervalMethod::Bootstrap);
        let again = compare_single_runs(&old, &new, 50.0, &settings);
        assert_eq!(again, Some(found));
    }

    #[test]
    fn short_runs_have_no_interval_and_empty_ones_no_ratio() {
        let mut random = fastrand::Rng::with_seed(2);
        let settings = ComparisonSettings::default();
        let (old, new) = (run(1.0, 3, &mut random), run(1.3, 30, &mut random));
        let found = compare_single_runs(&old, &new, 95.0, &settings).expect("durations");
        assert_eq!(found.interval, None);
        assert_eq!(compare_single_runs(&[], &new, 95.0, &settings), None);
        let empty = [Histogram::new()];
        assert_eq!(compare_single_runs(&old, &empty, 95.0, &settings), None);
        assert_eq!(compare_single_rates(&[], &[], &settings), None);
    }

    #[test]
    fn rates_are_compared_by_their_means() {
        let settings = ComparisonSettings::default();
        let old: Vec<f64> = (0..30_u32)
            .map(|second| 10.0 + f64::from(second % 3))
            .collect();
        let new: Vec<f64> = old.iter().map(|it| it * 2.0).collect();
        let found = compare_single_rates(&old, &new, &settings).expect("rates");
        assert!((found.value - 2.0).abs() < 1e-9);
        let (low, high) = found.interval.expect("enough seconds");
        assert!(low > 1.8 && high < 2.2);
        assert_eq!(compare_single_rates(&[0.0; 20], &new, &settings), None);
    }
}
