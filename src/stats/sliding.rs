//! Rates and percentiles of the last seconds.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The durations of the last seconds, and how many there were a second. Its size does not grow
/// with their number: those of a second are kept by their first four digits.
#[derive(Debug)]
pub struct SlidingWindow {
    seconds: u64,
    /// By whole seconds since the beginning, the last at the end.
    slices: VecDeque<(u64, BTreeMap<u64, u64>)>,
}

impl SlidingWindow {
    /// Keeps what comes within so many seconds.
    pub fn of_last(seconds: u64) -> Self {
        SlidingWindow {
            seconds: seconds.max(1),
            slices: VecDeque::new(),
        }
    }

    /// Adds a duration, in microseconds, at a time that never goes back.
    pub fn record(&mut self, now: Duration, time_us: u64) {
        self.forget(now);
        let second = now.as_secs();
        if self.slices.back().is_none_or(|(last, _)| *last < second) {
            self.slices.push_back((second, BTreeMap::new()));
        }
        if let Some((_, times)) = self.slices.back_mut() {
            *times.entry(four_digits(time_us)).or_default() += 1;
        }
    }

    /// Returns the number of samples per second.
    pub fn per_second(&mut self, now: Duration) -> f64 {
        self.forget(now);
        let counts = self.slices.iter().flat_map(|(_, times)| times.values());
        let count: u64 = counts.sum();
        // The second that has just begun counts as far as it has come.
        let begun = now.as_secs().saturating_sub(self.seconds - 1);
        let span = now.as_secs_f64() - begun as f64;
        if span > 0.0 { count as f64 / span } else { 0.0 }
    }

    /// The duration below or at which 95 of 100 are; `None` if there are none.
    pub fn p95_us(&mut self, now: Duration) -> Option<u64> {
        self.forget(now);
        let all = self.slices.iter().flat_map(|(_, times)| times);
        let mut all: Vec<(u64, u64)> = all.map(|(&time_us, &times)| (time_us, times)).collect();
        all.sort_unstable();
        let count: u64 = all.iter().map(|(_, times)| times).sum();
        let mut left = (count * 95).div_ceil(100);
        let found = all.into_iter().find(|(_, times)| {
            left = left.saturating_sub(*times);
            left == 0
        });
        found.map(|(time_us, _)| time_us)
    }

    fn forget(&mut self, now: Duration) {
        let oldest = now.as_secs().saturating_sub(self.seconds - 1);
        while self
            .slices
            .front()
            .is_some_and(|(second, _)| *second < oldest)
        {
            self.slices.pop_front();
        }
    }
}

/// The value with its first four digits, which is finer than histograms are.
pub(super) fn four_digits(value: u64) -> u64 {
    let unit = 10_u64.pow(value.checked_ilog10().unwrap_or(0).saturating_sub(3));
    value / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let mut recent = SlidingWindow::of_last(3);
        for second in 0..10 {
            recent.record(
                at(f64::from(second)),
                if second < 7 { 900_000 } else { 1_000 },
            );
        }
        assert_eq!(recent.p95_us(at(9.5)), Some(1_000));
        assert_eq!(recent.per_second(at(10.0)), 1.0);
        assert_eq!(recent.p95_us(at(20.0)), None);
        assert_eq!(recent.per_second(at(20.0)), 0.0);
    }

    #[test]
    fn of_all_that_is_recent_95_in_100_are_below_or_at_the_percentile() {
        let mut recent = SlidingWindow::of_last(10);
        for value in (1..=100).rev() {
            recent.record(at(0.02) * (100 - value), value.into());
        }
        assert_eq!(recent.p95_us(at(3.0)), Some(95));
        recent.record(at(3.0), 100);
        assert_eq!(recent.p95_us(at(3.0)), Some(96));
    }

    #[test]
    fn rates_are_right_from_the_beginning() {
        let mut recent = SlidingWindow::of_last(10);
        for tenth in 0..20 {
            recent.record(at(f64::from(tenth) / 10.0), 1);
        }
        assert_eq!(recent.per_second(at(2.0)), 10.0);
    }

    #[test]
    fn many_values_take_little_room() {
        let mut recent = SlidingWindow::of_last(10);
        for value in 0..200_000 {
            recent.record(at(1.0), 1_000_000 + value);
        }
        assert_eq!(recent.slices.len(), 1);
        assert!(recent.slices[0].1.len() <= 201);
    }
}
