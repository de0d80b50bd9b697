//! Course of a run over time: rates, percentiles and load in equal buckets.

mod parts;

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::model::{FlowOutcome, FlowRecord, InjectionOutcome, RunInfo, micros};

/// The maximum number of buckets, whatever the length of the run.
pub const MAX_BUCKETS: usize = 600;

/// The maximum number of causes of failure that are counted separately; others are counted together.
pub const MAX_CAUSES: usize = 6;

/// The cause that stands for those beyond [`MAX_CAUSES`].
const OTHER_CAUSES: &str = "other causes";

/// The width of a bucket while the length of the run is unknown, as long as there are not too many.
const GROWING_WIDTH_US: u64 = 1_000_000;

/// With fewer flows in a bucket, its percentiles are those of chance.
const FLOWS_PER_BUCKET: u64 = 5;

/// A run with few flows is still shown in so many buckets.
const MIN_BUCKETS: u64 = 24;

/// Significant digits of the percentiles.
const DIGITS: u8 = 2;

/// Longer durations count as this: a day.
const MAX_US: u64 = 24 * 60 * 60 * 1_000_000;

/// The course of one run, flow by flow, in a size that depends neither on the number of flows nor on
/// the length of the run. Flows of the warm-up are included. That of a run in progress can be written
/// to a snapshot, and added to others.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "parts::EncodedTimeline", try_from = "parts::EncodedTimeline")]
pub struct Timeline {
    width_us: u64,
    buckets: Vec<Bucket>,
    /// The number of buckets at which they are made wider; `None` if the run's length is known.
    most: Option<usize>,
    in_flight: InFlight,
    /// Failures in each bucket, by cause.
    failures: BTreeMap<String, Vec<u64>>,
    /// Used processor time in each bucket, by role.
    cpu: Vec<Vec<f64>>,
}

/// One bucket of the timeline.
#[derive(Debug, Clone)]
struct Bucket {
    completed: u64,
    failed: u64,
    interrupted: u64,
    strikes: u64,
    response_us: Histogram<u32>,
}

impl Bucket {
    fn empty() -> Self {
        Bucket {
            completed: 0,
            failed: 0,
            interrupted: 0,
            strikes: 0,
            response_us: Histogram::new(DIGITS)
                .expect("the digits are a constant that hdrhistogram accepts"),
        }
    }

    fn add(&mut self, other: &Bucket) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.interrupted += other.interrupted;
        self.strikes += other.strikes;
        self.response_us
            .add(&other.response_us)
            .expect("it grows to the longest");
    }
}

/// Flows in flight, by bucket.
#[derive(Debug, Clone)]
struct InFlight {
    /// Time of flows that were in flight in a part of a bucket.
    partly_us: Vec<u64>,
    /// Changes of the number of flows in flight throughout a bucket.
    steps: Vec<i64>,
}

impl InFlight {
    fn new(count: usize) -> Self {
        InFlight {
            partly_us: vec![0; count],
            steps: vec![0; count + 1],
        }
    }

    /// Adds the time that a flow was in flight: in part of its first and last bucket, and all of
    /// those between.
    fn add(&mut self, start_us: u64, end_us: u64, width_us: u64) {
        let place = |us: u64| place(us, width_us, self.partly_us.len());
        let (first, last) = (place(start_us), place(end_us));
        if first == last {
            self.partly_us[first] += end_us - start_us;
            return;
        }
        let begin = |place: usize| place as u64 * width_us;
        self.partly_us[first] += begin(first + 1).saturating_sub(start_us);
        self.partly_us[last] += end_us.saturating_sub(begin(last)).min(width_us);
        self.steps[first + 1] += 1;
        self.steps[last] -= 1;
    }

    /// Returns the mean number of flows in flight in each bucket.
    fn means(&self, width_us: u64) -> impl Iterator<Item = f64> {
        let mut throughout = 0;
        self.partly_us
            .iter()
            .zip(&self.steps)
            .map(move |(us, step)| {
                throughout += step;
                throughout as f64 + *us as f64 / width_us as f64
            })
    }

    fn resize(&mut self, count: usize) {
        self.partly_us.resize(count, 0);
        self.steps.resize(count + 1, 0);
    }

    /// Makes one bucket of two.
    fn coarsen(&mut self, width_us: u64) {
        let all_us: Vec<u64> = self
            .means(width_us)
            .map(|mean| (mean * width_us as f64).round() as u64)
            .collect();
        *self = InFlight::new(all_us.len().div_ceil(2));
        self.partly_us = all_us.chunks(2).map(|pair| pair.iter().sum()).collect();
    }
}

/// Returns the bucket of a time; the last one for times after the end.
fn place(us: u64, width_us: u64, count: usize) -> usize {
    let place = usize::try_from(us / width_us).unwrap_or(usize::MAX);
    place.min(count - 1)
}

/// The figures of one bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimelineMoment {
    /// From the run's start to the middle of the bucket.
    pub middle_us: u64,
    /// Flows that ended in it.
    pub completed: u64,
    pub failed: u64,
    pub interrupted: u64,
    /// Faults injected in it.
    pub strikes: u64,
    /// The mean number of flows in flight.
    pub in_flight: f64,
    /// Response times of the flows that were completed in it.
    pub p50_us: Option<u64>,
    pub p95_us: Option<u64>,
    pub p99_us: Option<u64>,
}

impl Timeline {
    /// Creates the timeline of a run of this length with about this many flows.
    pub fn new(info: &RunInfo, elapsed: Duration, flows: u64) -> Self {
        let elapsed_us = micros(elapsed).max(1);
        let wanted = (flows / FLOWS_PER_BUCKET).clamp(MIN_BUCKETS, MAX_BUCKETS as u64);
        let width_us = round_width(elapsed_us.div_ceil(wanted));
        let count = usize::try_from(elapsed_us.div_ceil(width_us)).unwrap_or(MAX_BUCKETS);
        Timeline::of(info, width_us, count)
    }

    /// Creates the timeline of a run in progress. It has at most so many buckets, which become
    /// wider as time goes on; see [`Timeline::extend_to`].
    pub fn growing(info: &RunInfo, most: usize) -> Self {
        Timeline {
            most: Some(most.max(2)),
            ..Timeline::of(info, GROWING_WIDTH_US, 1)
        }
    }

    fn of(info: &RunInfo, width_us: u64, count: usize) -> Self {
        Timeline {
            width_us,
            buckets: vec![Bucket::empty(); count],
            most: None,
            in_flight: InFlight::new(count),
            failures: BTreeMap::new(),
            cpu: info.roles.iter().map(|_| vec![0.0; count]).collect(),
        }
    }

    /// Extends the timeline of a run in progress to this time.
    pub fn extend_to(&mut self, us: u64) {
        let Some(most) = self.most else { return };
        while us / self.width_us >= most as u64 {
            self.coarsen();
        }
        let count = usize::try_from(us / self.width_us).unwrap_or(most) + 1;
        if count > self.buckets.len() {
            self.buckets.resize(count, Bucket::empty());
            self.in_flight.resize(count);
            let failures = self.failures.values_mut();
            failures.for_each(|counts| counts.resize(count, 0));
            self.cpu.iter_mut().for_each(|us| us.resize(count, 0.0));
        }
    }

    /// Makes one bucket of two.
    fn coarsen(&mut self) {
        let pairs = self.buckets.chunks(2).map(|pair| {
            let mut sum = pair[0].clone();
            pair[1..].iter().for_each(|other| sum.add(other));
            sum
        });
        self.buckets = pairs.collect();
        self.in_flight.coarsen(self.width_us);
        for counts in self.failures.values_mut() {
            *counts = counts.chunks(2).map(|pair| pair.iter().sum()).collect();
        }
        for us in &mut self.cpu {
            *us = us.chunks(2).map(|pair| pair.iter().sum()).collect();
        }
        self.width_us = self.width_us.saturating_mul(2);
    }

    /// Adds a flow.
    pub fn record(&mut self, info: &RunInfo, flow: &FlowRecord) {
        let start_us = micros(flow.started_since(info.started_at));
        let end_us = micros(flow.ended_since(info.started_at)).max(start_us);
        self.extend_to(end_us);
        let end = self.place(end_us);
        let bucket = &mut self.buckets[end];
        match &flow.outcome {
            FlowOutcome::Completed => {
                bucket.completed += 1;
                bucket
                    .response_us
                    .record(flow.response_us().min(MAX_US))
                    .expect("it grows to the longest");
            }
            FlowOutcome::Interrupted => bucket.interrupted += 1,
            FlowOutcome::Failed(failure) => {
                bucket.failed += 1;
                self.count_failures(failure.kind.name(), end, 1);
            }
        }
        for injection in &flow.injections {
            if injection.outcome == InjectionOutcome::Injected {
                let at = self.place(start_us.saturating_add(injection.after_us));
                self.buckets[at].strikes += 1;
            }
        }
        self.in_flight.add(start_us, end_us, self.width_us);
        for process in &flow.processes {
            if let Some(role) = info.role(&process.role) {
                self.cpu[role.0][end] += process.usage.cpu_us() as f64;
            }
        }
    }

    fn count_failures(&mut self, cause: &str, place: usize, times: u64) {
        let is_known = self.failures.contains_key(cause);
        let cause = if is_known || self.failures.len() < MAX_CAUSES {
            cause
        } else {
            OTHER_CAUSES
        };
        let count = self.buckets.len();
        let counts = self.failures.entry(cause.to_owned());
        counts.or_insert_with(|| vec![0; count])[place] += times;
    }

    fn place(&self, us: u64) -> usize {
        place(us, self.width_us, self.buckets.len())
    }

    /// Returns the width of a bucket, in microseconds.
    pub fn width_us(&self) -> u64 {
        self.width_us
    }

    /// Returns the figures of all buckets, in the order of time.
    pub fn moments(&self) -> Vec<TimelineMoment> {
        self.moments_with(&self.in_flight)
    }

    /// Returns the figures of the buckets that are over at `now_us`, with flows that are in flight
    /// since these times.
    pub fn moments_until(
        &self,
        now_us: u64,
        started_us: impl Iterator<Item = u64>,
    ) -> Vec<TimelineMoment> {
        let mut in_flight = self.in_flight.clone();
        for start_us in started_us {
            in_flight.add(start_us.min(now_us), now_us, self.width_us);
        }
        let mut moments = self.moments_with(&in_flight);
        moments.truncate(usize::try_from(now_us / self.width_us).unwrap_or(usize::MAX));
        moments
    }

    fn moments_with(&self, in_flight: &InFlight) -> Vec<TimelineMoment> {
        let buckets = self.buckets.iter().zip(in_flight.means(self.width_us));
        let moments = buckets.enumerate().map(|(place, (bucket, in_flight))| {
            let percentile = |part: f64| {
                let histogram = &bucket.response_us;
                (!histogram.is_empty()).then(|| histogram.value_at_quantile(part))
            };
            TimelineMoment {
                middle_us: place as u64 * self.width_us + self.width_us / 2,
                completed: bucket.completed,
                failed: bucket.failed,
                interrupted: bucket.interrupted,
                strikes: bucket.strikes,
                in_flight,
                p50_us: percentile(0.5),
                p95_us: percentile(0.95),
                p99_us: percentile(0.99),
            }
        });
        moments.collect()
    }

    /// Returns the failures of each bucket by cause, the most frequent cause first.
    pub fn failures(&self) -> Vec<(&str, &[u64])> {
        let causes = self.failures.iter();
        let mut causes: Vec<_> = causes
            .map(|(cause, counts)| (cause.as_str(), counts.as_slice()))
            .collect();
        causes.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.iter().sum::<u64>()));
        causes
    }

    /// Returns the processors used by each role's programs, in the order of the roles: the processor
    /// time of the flows that ended in a bucket by its width.
    pub fn cores(&self) -> Vec<Vec<f64>> {
        let width_us = self.width_us as f64;
        let roles = self.cpu.iter();
        roles
            .map(|role| role.iter().map(|us| us / width_us).collect())
            .collect()
    }
}

/// Rounds a width up to 1, 2 or 5 times a power of ten, and to at least a tenth of a second.
fn round_width(us: u64) -> u64 {
    let mut unit_us = 100_000_u64;
    loop {
        for factor in [1, 2, 5] {
            let width_us = unit_us.saturating_mul(factor);
            if width_us >= us {
                return width_us;
            }
        }
        unit_us = unit_us.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failure, info, timed};
    use super::*;
    use crate::model::FailureKind;

    #[test]
    fn flows_are_counted_where_they_end_and_in_flight_where_they_run() {
        let info = info(1);
        let mut timeline = Timeline::new(&info, Duration::from_secs(24), 10);
        assert_eq!(timeline.width_us(), 1_000_000);
        timeline.record(&info, &timed(500_000, 3_250_000, FlowOutcome::Completed));
        timeline.record(&info, &timed(1_000_000, 1_500_000, FlowOutcome::Completed));
        let moments = timeline.moments();
        let in_flight: Vec<f64> = moments.iter().take(5).map(|it| it.in_flight).collect();
        assert_eq!(in_flight, [0.5, 1.5, 1.0, 0.25, 0.0]);
        let completed: Vec<u64> = moments.iter().take(5).map(|it| it.completed).collect();
        assert_eq!(completed, [0, 1, 0, 1, 0]);
        assert_eq!(moments[0].p95_us, None);
        assert!(moments[1].p95_us.unwrap().abs_diff(500_000) < 5_000);
    }

    #[test]
    fn a_growing_timeline_has_the_figures_of_one_whose_length_was_known() {
        let info = info(1);
        let mut growing = Timeline::growing(&info, 4);
        let mut known = Timeline::new(&info, Duration::from_secs(96), 1);
        assert_eq!(known.width_us(), 5_000_000);
        let flows = [
            (0, 700),
            (500, 3_250),
            (1_000, 9_000),
            (4_100, 4_200),
            (3_000, 14_900),
        ];
        for (start_ms, end_ms) in flows {
            let flow = timed(start_ms * 1_000, end_ms * 1_000, FlowOutcome::Completed);
            growing.record(&info, &flow);
            known.record(&info, &flow);
        }
        growing.extend_to(16_000_000);
        assert_eq!(growing.width_us(), 8_000_000);
        let total = |moments: &[TimelineMoment], width_us: u64| {
            let time: f64 = moments.iter().map(|it| it.in_flight).sum();
            let completed: u64 = moments.iter().map(|it| it.completed).sum();
            ((time * width_us as f64 / 1e3).round(), completed)
        };
        let all = total(&growing.moments(), 8_000_000);
        assert_eq!(all, total(&known.moments(), 5_000_000));
        assert_eq!(all, (23_450.0, 5));
        assert!(growing.moments()[0].p95_us.unwrap().abs_diff(2_750_000) < 50_000);
        let now = growing.moments_until(16_000_000, [8_000_000].into_iter());
        assert_eq!(now.len(), 2);
        assert_eq!(now[1].in_flight - growing.moments()[1].in_flight, 1.0);
    }

    #[test]
    fn a_year_fits_in_a_growing_timeline() {
        let info = info(1);
        let mut timeline = Timeline::growing(&info, 300);
        for day in 0..365 {
            let end_us = day * MAX_US;
            let kind = FailureKind::Business("broken".into());
            let outcome = FlowOutcome::Failed(Box::new(failure("01_login", kind)));
            timeline.record(&info, &timed(end_us.saturating_sub(9), end_us, outcome));
        }
        assert!((150..=300).contains(&timeline.moments().len()));
        assert_eq!(timeline.failures()[0].1.iter().sum::<u64>(), 365);
    }

    #[test]
    fn its_size_is_bounded_and_late_flows_count_at_the_end() {
        let info = info(1);
        let year = Duration::from_secs(365 * 24 * 3600);
        let mut timeline = Timeline::new(&info, year, u64::MAX);
        assert!(timeline.moments().len() <= MAX_BUCKETS);
        timeline.record(&info, &timed(0, u64::MAX, FlowOutcome::Completed));
        assert_eq!(timeline.moments().last().unwrap().completed, 1);
        let mut empty = Timeline::new(&info, Duration::ZERO, 0);
        empty.record(&info, &timed(7, 9, FlowOutcome::Interrupted));
        assert_eq!(empty.moments()[0].interrupted, 1);
    }

    #[test]
    fn rare_causes_are_counted_together() {
        let info = info(1);
        let mut timeline = Timeline::new(&info, Duration::from_secs(10), 100);
        for number in 0..20 {
            let kind = FailureKind::Business(format!("cause_{number}"));
            let outcome = FlowOutcome::Failed(Box::new(failure("01_login", kind)));
            timeline.record(&info, &timed(0, 1_000, outcome));
        }
        let failures = timeline.failures();
        assert_eq!(failures.len(), MAX_CAUSES + 1);
        assert_eq!(failures[0].0, OTHER_CAUSES);
        assert_eq!(failures[0].1.iter().sum::<u64>(), 14);
    }
}
