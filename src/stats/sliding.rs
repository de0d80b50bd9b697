//! Sliding window over the last seconds of a run: live rates, percentiles and thresholds.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::histogram::Histogram;

const SECOND: Duration = Duration::from_secs(1);

/// Counts and durations of the last seconds, in slices of one second. Its size does not grow with
/// the number of records. Times are since the start of the run and must not decrease.
#[derive(Debug)]
pub struct SlidingWindow {
    /// The maximum number of slices.
    seconds: usize,
    /// The start of the last slice.
    began: Duration,
    /// Never empty; the last is the second in progress.
    slices: VecDeque<Slice>,
}

/// The flows or steps that ended within one second.
#[derive(Debug, Default)]
pub struct Slice {
    pub completed: u64,
    pub failed: u64,
    pub dropped: u64,
    /// Counts by duration; at most as many durations as a histogram distinguishes.
    durations_us: BTreeMap<u64, u64>,
}

impl Slice {
    /// Adds a duration, in microseconds.
    pub fn record_duration(&mut self, duration_us: u64) {
        *self
            .durations_us
            .entry(four_digits(duration_us))
            .or_default() += 1;
    }
}

impl SlidingWindow {
    /// Creates an empty window of at most `seconds`, whose first second starts at `began`.
    pub fn new(seconds: usize, began: Duration) -> Self {
        SlidingWindow {
            seconds: seconds.max(1),
            began,
            slices: VecDeque::from([Slice::default()]),
        }
    }

    /// Returns the slice of the second that contains `now`, after dropping old slices.
    pub fn slice_at(&mut self, now: Duration) -> &mut Slice {
        self.slide_to(now);
        self.slices.back_mut().expect("a window is never empty")
    }

    /// Advances the window so that the last slice contains `now`.
    pub fn slide_to(&mut self, now: Duration) {
        while self.second_ended_by(now).is_some() {
            self.slide();
        }
    }

    /// Returns the end of the last slice, if that is not later than `now`.
    pub(super) fn second_ended_by(&self, now: Duration) -> Option<Duration> {
        let end = self.began + SECOND;
        (end <= now).then_some(end)
    }

    /// Begins the next slice, and drops the oldest one of a full window.
    pub(super) fn slide(&mut self) {
        if self.is_full() {
            self.slices.pop_front();
        }
        self.slices.push_back(Slice::default());
        self.began += SECOND;
    }

    /// Returns `true` if the window has its maximum length.
    pub(super) fn is_full(&self) -> bool {
        self.slices.len() >= self.seconds
    }

    /// Returns the sum of a count.
    pub(super) fn sum(&self, count: impl Fn(&Slice) -> u64) -> u64 {
        self.slices.iter().map(count).sum()
    }

    /// Returns the rate of completions, per second of the time from the window's start to `now`.
    pub fn completed_per_second(&self, now: Duration) -> f64 {
        self.per_second(|slice| slice.completed, now)
    }

    /// Returns the rate of failures, likewise.
    pub fn failed_per_second(&self, now: Duration) -> f64 {
        self.per_second(|slice| slice.failed, now)
    }

    fn per_second(&self, count: impl Fn(&Slice) -> u64, now: Duration) -> f64 {
        let start = self.began + SECOND - SECOND * self.slices.len() as u32;
        let span = now.saturating_sub(start).as_secs_f64();
        if span > 0.0 {
            self.sum(count) as f64 / span
        } else {
            0.0
        }
    }

    /// Returns the histogram of all durations.
    pub fn histogram(&self) -> Histogram {
        let mut histogram = Histogram::new();
        for (&duration_us, &times) in self.slices.iter().flat_map(|slice| &slice.durations_us) {
            histogram.record_many(duration_us, times);
        }
        histogram
    }
}

/// Rounds a value down to its first four digits, which is finer than the histogram's precision.
fn four_digits(value: u64) -> u64 {
    let unit = 10_u64.pow(value.checked_ilog10().unwrap_or(0).saturating_sub(3));
    value / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn record(window: &mut SlidingWindow, now: Duration, duration_us: u64) {
        let slice = window.slice_at(now);
        slice.completed += 1;
        slice.record_duration(duration_us);
    }

    fn p95_us(window: &mut SlidingWindow, now: Duration) -> Option<u64> {
        window.slide_to(now);
        window.histogram().percentile_us(95.0)
    }

    fn per_second(window: &mut SlidingWindow, now: Duration) -> f64 {
        window.slide_to(now);
        window.completed_per_second(now)
    }

    #[test]
    fn old_samples_are_dropped() {
        let mut window = SlidingWindow::new(3, Duration::ZERO);
        for second in 0..10 {
            let duration_us = if second < 7 { 900_000 } else { 1_000 };
            record(&mut window, at(f64::from(second)), duration_us);
        }
        assert_eq!(p95_us(&mut window, at(9.5)), Some(1_000));
        assert_eq!(per_second(&mut window, at(10.0)), 1.0);
        assert_eq!(p95_us(&mut window, at(20.0)), None);
        assert_eq!(per_second(&mut window, at(20.0)), 0.0);
    }

    #[test]
    fn percentiles_are_of_all_slices() {
        let mut window = SlidingWindow::new(10, Duration::ZERO);
        for value in (1..=100).rev() {
            record(&mut window, at(0.02) * (100 - value), value.into());
        }
        assert_eq!(p95_us(&mut window, at(3.0)), Some(95));
        record(&mut window, at(3.0), 100);
        assert_eq!(p95_us(&mut window, at(3.0)), Some(96));
    }

    #[test]
    fn rates_are_correct_from_the_beginning() {
        let mut window = SlidingWindow::new(10, Duration::ZERO);
        assert_eq!(per_second(&mut window, Duration::ZERO), 0.0);
        for tenth in 0..20 {
            record(&mut window, at(f64::from(tenth) / 10.0), 1);
        }
        assert_eq!(per_second(&mut window, at(2.0)), 10.0);
    }

    #[test]
    fn many_values_need_little_memory() {
        let mut window = SlidingWindow::new(10, Duration::ZERO);
        for value in 0..200_000 {
            record(&mut window, at(1.0), 1_000_000 + value);
        }
        assert_eq!(window.slices.len(), 2);
        assert!(window.slices[1].durations_us.len() <= 201);
    }
}
