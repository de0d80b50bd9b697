//! Rates of completed and of started flows.
//!
//! The rate of completed flows is their number per second of the time in which flows were being
//! completed:
//!
//! - it begins when the first counted flow was due;
//! - it ends when the last counted flow ended, however it ended. A flow that the run's end has
//!   interrupted counts only until the end of the load's duration;
//! - it does not end before the load's duration, if that has passed;
//! - for a load with a rate, it is at least as long as the time that its flows represent: of `n`
//!   flows that were due at even distances, `n` distances, not the `n - 1` between them. Otherwise
//!   few short flows would be more per second than were due.
//!
//! The rate of started flows of a load with a rate is taken from the distances between their
//! starts: `n - 1` flows from when the first was due to the start of the last. Of another load,
//! whose flows start when others end, it is their number per second of the same time as above.
//!
//! All times are since the start of the run, by the monotonic clock.

use std::time::Duration;

use crate::model::{FlowOutcome, FlowRecord, RunInfo};

/// The counts and times behind both rates.
#[derive(Debug, Default)]
pub(super) struct Rate {
    flows: u64,
    completed: u64,
    extent: Option<Extent>,
}

/// Times of the counted flows so far.
#[derive(Debug, Clone, Copy)]
struct Extent {
    first_due: Duration,
    last_due: Duration,
    last_start: Duration,
    last_end: Duration,
}

impl Rate {
    /// Counts a flow that counts.
    pub(super) fn record(&mut self, info: &RunInfo, flow: &FlowRecord) {
        let started = flow.started_since(info.started_at);
        let due = started.saturating_sub(Duration::from_micros(flow.late_us));
        let ended = flow.ended_since(info.started_at);
        let ended = match (&flow.outcome, clock(info)) {
            (FlowOutcome::Interrupted, Some(clock)) => ended.min(clock),
            _ => ended,
        };
        let extent = self.extent.get_or_insert(Extent {
            first_due: due,
            last_due: due,
            last_start: started,
            last_end: ended,
        });
        extent.first_due = extent.first_due.min(due);
        extent.last_due = extent.last_due.max(due);
        extent.last_start = extent.last_start.max(started);
        extent.last_end = extent.last_end.max(ended);
        self.flows += 1;
        self.completed += u64::from(flow.outcome == FlowOutcome::Completed);
    }

    /// Returns the completed flows per second of a run that has gone on for `elapsed`.
    pub(super) fn completed_per_second(&self, info: &RunInfo, elapsed: Duration) -> Option<f64> {
        per_second(self.completed, self.time(info, elapsed)?)
    }

    /// Returns the started flows per second of a run that has gone on for `elapsed`.
    pub(super) fn started_per_second(&self, info: &RunInfo, elapsed: Duration) -> Option<f64> {
        let extent = self.extent?;
        if info.wanted_per_second.is_none() {
            return per_second(self.flows, self.time(info, elapsed)?);
        }
        let time = extent.last_start.saturating_sub(extent.first_due);
        per_second(self.flows.checked_sub(1)?, time)
    }

    /// Returns the time in which flows were being completed.
    fn time(&self, info: &RunInfo, elapsed: Duration) -> Option<Duration> {
        let extent = self.extent?;
        let ended = extent.last_end.saturating_sub(extent.first_due);
        let clock = clock(info);
        if let Some(clock) = clock.filter(|clock| *clock <= elapsed) {
            return Some(ended.max(clock.saturating_sub(extent.first_due)));
        }
        let represented = self.represented(info, &extent).unwrap_or_default();
        let left = clock.map(|clock| clock.saturating_sub(extent.first_due));
        Some(ended.max(left.map_or(represented, |left| represented.min(left))))
    }

    /// Returns the time that the flows of a load with a rate represent.
    fn represented(&self, info: &RunInfo, extent: &Extent) -> Option<Duration> {
        let wanted = info.wanted_per_second.filter(|wanted| *wanted > 0.0)?;
        let seconds = match self.flows {
            0 | 1 => 1.0 / wanted,
            flows => {
                let between = extent.last_due.saturating_sub(extent.first_due);
                between.as_secs_f64() * flows as f64 / (flows - 1) as f64
            }
        };
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// Returns the end of the load's duration, if it has one.
fn clock(info: &RunInfo) -> Option<Duration> {
    info.duration_us.map(Duration::from_micros)
}

fn per_second(flows: u64, time: Duration) -> Option<f64> {
    let seconds = time.as_secs_f64();
    (seconds > 0.0).then(|| flows as f64 / seconds)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flow, info};
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A flow that starts on time and ends so many milliseconds after the run's start.
    fn timed(started_ms: u64, ended_ms: u64, outcome: FlowOutcome) -> FlowRecord {
        let mut flow = flow(1, outcome, &[]);
        flow.started_after_us = Some(started_ms * 1000);
        flow.ended_after_us = Some(ended_ms * 1000);
        flow.late_us = 0;
        flow
    }

    /// Completed flows with these starts and ends.
    fn rate(info: &RunInfo, flows: &[(u64, u64)]) -> Rate {
        let mut rate = Rate::default();
        for &(started, ended) in flows {
            rate.record(info, &timed(started, ended, FlowOutcome::Completed));
        }
        rate
    }

    /// One flow a second, for `duration` seconds or until `flows` were started.
    fn each_second(flows: Option<u64>, duration: Option<u64>) -> RunInfo {
        RunInfo {
            flows,
            duration_us: duration.map(|seconds| seconds * 1_000_000),
            wanted_per_second: Some(1.0),
            ..info(2)
        }
    }

    fn assert_near(rate: Option<f64>, expected: f64) {
        let rate = rate.expect("a rate");
        assert!((rate - expected).abs() < 0.005, "{rate} is not {expected}");
    }

    #[test]
    fn a_run_that_ends_before_its_clock_is_no_faster_than_its_rate() {
        let flows = [(0, 100), (1000, 1100)];
        for info in [each_second(None, Some(2)), each_second(Some(2), None)] {
            let rate = rate(&info, &flows);
            assert_near(rate.completed_per_second(&info, s(1)), 1.0);
            assert_near(rate.started_per_second(&info, s(1)), 1.0);
        }
        let info = each_second(None, Some(1));
        let one = rate(&info, &flows[..1]);
        assert_near(one.completed_per_second(&info, Duration::ZERO), 1.0);
        assert_eq!(one.started_per_second(&info, Duration::ZERO), None);
    }

    #[test]
    fn flows_that_end_after_the_clock_are_counted() {
        let info = each_second(None, Some(2));
        let rate = rate(&info, &[(0, 3100), (1000, 4100)]);
        assert_near(rate.completed_per_second(&info, s(5)), 2.0 / 4.1);
        assert_near(rate.started_per_second(&info, s(5)), 1.0);
    }

    #[test]
    fn a_burst_is_started_over_the_time_that_it_takes() {
        let info = info(4);
        let rate = rate(&info, &[(0, 500), (0, 1000), (0, 1500), (0, 2000)]);
        assert_near(rate.started_per_second(&info, s(2)), 2.0);
        assert_near(rate.completed_per_second(&info, s(2)), 2.0);
    }

    #[test]
    fn a_clock_that_is_set_changes_no_rate() {
        let info = info(2);
        let mut rate = Rate::default();
        for (number, hours) in [(0, 0), (1, 1), (2, -2)] {
            let mut flow = timed(number * 1000, number * 1000 + 1000, FlowOutcome::Completed);
            flow.started_at = info.started_at + chrono::Duration::hours(hours);
            rate.record(&info, &flow);
        }
        assert_near(rate.completed_per_second(&info, s(3)), 1.0);
    }

    #[test]
    fn what_came_before_the_first_that_counts_is_left_out() {
        let info = info(4);
        let flows = [(10_000, 11_000), (11_000, 12_000), (12_000, 14_000)];
        let rate = rate(&info, &flows);
        assert_near(rate.completed_per_second(&info, s(30)), 0.75);
    }

    #[test]
    fn idle_time_before_the_clock_counts_if_the_run_came_to_it() {
        let mut info = info(4);
        info.duration_us = Some(8_000_000);
        let rate = rate(
            &info,
            &[(0, 1000), (1000, 2000), (2000, 3000), (3000, 4000)],
        );
        assert_near(rate.completed_per_second(&info, s(9)), 0.5);
        assert_near(rate.completed_per_second(&info, s(5)), 1.0);
    }

    #[test]
    fn failed_flows_take_time_and_interrupted_ones_until_the_clock() {
        let info = RunInfo {
            duration_us: Some(2_000_000),
            ..info(4)
        };
        let mut rate = rate(&info, &[(0, 1000)]);
        rate.record(&info, &timed(0, 30_000, FlowOutcome::Interrupted));
        assert_near(rate.completed_per_second(&info, s(31)), 0.5);
        let failure =
            super::super::testing::failure("01_login", crate::model::FailureKind::Timeout);
        rate.record(
            &info,
            &timed(0, 4000, FlowOutcome::Failed(Box::new(failure))),
        );
        assert_near(rate.completed_per_second(&info, s(31)), 0.25);
    }

    #[test]
    fn nothing_has_no_rate() {
        let info = info(1);
        assert_eq!(rate(&info, &[]).completed_per_second(&info, s(1)), None);
        assert_eq!(rate(&info, &[]).started_per_second(&info, s(1)), None);
    }
}
