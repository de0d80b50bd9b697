//! Live thresholds: thresholds that are checked while a run is in progress.
//!
//! Once a second, the figure of a sliding window is computed from what ended in it. Windows are
//! within the time in which flows are started: from the first counted flow until no more flows are
//! to be started, because a rate that falls while the last flows finish means nothing. A run that
//! is shorter than a window is one window. A second in which nothing ended has a completion rate of
//! 0, but no durations and no failure rate.

use std::fmt;
use std::time::Duration;

use crate::model::{FlowOutcome, FlowRecord, RunInfo, StepOutcome, micros};
use crate::stats::sliding::{Slice, SlidingWindow};
use crate::stats::summary::{Checked, Quantity, Summary};

use super::threshold::{Comparison, Ended, Figure, Threshold};

/// A threshold that is checked while the run is in progress.
#[derive(Debug)]
pub struct LiveThreshold {
    threshold: Threshold,
    /// The step of the threshold's figure.
    step: Option<String>,
    /// The window that ends with the second in progress; `None` before the first flow.
    window: Option<SlidingWindow>,
    /// The figure of the last window that had one.
    last: Option<Quantity>,
    /// The figure that violates the threshold most.
    worst: Option<Quantity>,
    crossed: Option<(Duration, Quantity)>,
    stopped: bool,
}

impl fmt::Display for LiveThreshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.threshold.fmt(f)
    }
}

impl LiveThreshold {
    /// Creates the state for a run.
    pub fn new(threshold: Threshold, info: &RunInfo) -> Self {
        let step = match &threshold.figure {
            Figure::Step(name, _) | Figure::StepTime(name, _) => {
                info.step(name).map(|_| name.clone())
            }
            _ => None,
        };
        LiveThreshold {
            threshold,
            step,
            window: None,
            last: None,
            worst: None,
            crossed: None,
            stopped: false,
        }
    }

    /// Returns `true` if it has to be checked while the run is in progress.
    pub fn is_live(&self) -> bool {
        self.threshold.over.is_some() || self.threshold.stop
    }

    /// Records a counted flow that has ended.
    pub fn record(&mut self, flow: &FlowRecord, now: Duration) {
        self.catch_up(now);
        let Some(slice) = slice(&mut self.window, &self.threshold, now) else {
            return;
        };
        let completed = matches!(flow.outcome, FlowOutcome::Completed);
        match &self.threshold.figure {
            Figure::Dropped | Figure::Integrity(_) => {}
            Figure::FlowRate | Figure::Flow(_) => {
                slice.completed += u64::from(completed);
                slice.failed += u64::from(matches!(flow.outcome, FlowOutcome::Failed(_)));
            }
            Figure::Response(_) if completed => {
                slice.record_duration(flow.response_us());
            }
            Figure::Service(_) if completed => slice.record_duration(flow.duration_us),
            Figure::Response(_) | Figure::Service(_) => {}
            Figure::Step(..) | Figure::StepTime(..) => {
                let steps = flow.steps.iter();
                for record in steps.filter(|it| Some(&it.step) == self.step.as_ref()) {
                    match record.outcome {
                        StepOutcome::Completed => {
                            slice.completed += 1;
                            slice.record_duration(record.duration_us);
                        }
                        StepOutcome::Failed => slice.failed += 1,
                        StepOutcome::Skipped | StepOutcome::Retried | StepOutcome::Interrupted => {}
                    }
                }
            }
        }
    }

    /// Records counted flows that were due and were not started.
    pub fn record_drops(&mut self, count: u64, now: Duration) {
        self.catch_up(now);
        if let Some(slice) = slice(&mut self.window, &self.threshold, now) {
            slice.dropped = slice.dropped.saturating_add(count);
        }
    }

    /// Checks the figure. To be called about once a second as long as flows are started; `summary`
    /// returns the figures of the run so far. Returns `true` once, if the run has to stop.
    pub fn look(&mut self, now: Duration, summary: impl FnOnce() -> Summary) -> bool {
        if self.crossed.is_none() {
            match self.threshold.over {
                Some(_) => self.catch_up(now),
                None if self.threshold.stop => {
                    let value = self.threshold.figure.of(&summary());
                    self.judge(now, value);
                }
                None => {}
            }
        }
        let stops = self.threshold.stop && self.crossed.is_some() && !self.stopped;
        self.stopped |= stops;
        stops
    }

    /// Returns the state while the run is in progress; `summary` has the figures so far. Without a
    /// figure, nothing has crossed it.
    pub fn so_far(&self, summary: &Summary) -> Checked {
        let whole = self.threshold.check(summary);
        match self.crossed {
            Some(_) => self.checked(summary),
            None if self.threshold.over.is_some() => Checked {
                holds: true,
                value: self.last,
                ..whole
            },
            None => Checked {
                holds: whole.holds || whole.value.is_none(),
                ..whole
            },
        }
    }

    /// Returns the result, once the run has ended.
    pub fn checked(&self, summary: &Summary) -> Checked {
        let whole = self.threshold.check(summary);
        match (self.crossed, self.worst) {
            (Some((after, value)), _) => Checked {
                holds: false,
                value: Some(value),
                crossed_after_us: Some(micros(after)),
                stopped_run: self.stopped,
                ..whole
            },
            (None, Some(worst)) if self.threshold.over.is_some() => Checked {
                holds: true,
                value: Some(worst),
                ..whole
            },
            _ => whole,
        }
    }

    /// Checks the windows that have ended by now.
    fn catch_up(&mut self, now: Duration) {
        while let Some(window) = &mut self.window
            && let Some(ended) = window.second_ended_by(now)
        {
            let is_whole = window.is_full();
            let value = is_whole.then(|| figure(&self.threshold.figure, window, ended));
            window.slide();
            self.judge(ended, value.flatten());
        }
    }

    fn judge(&mut self, now: Duration, value: Option<Quantity>) {
        let Some(value) = value else { return };
        self.last = Some(value);
        if self.crossed.is_none() && !self.threshold.is_met_by(value) {
            self.crossed = Some((now, value));
        }
        let is_worse = self.worst.is_none_or(|worst| {
            let (value, worst) = (value.number(), worst.number());
            match self.threshold.comparison {
                Comparison::Less | Comparison::LessOrEqual => value > worst,
                Comparison::Greater | Comparison::GreaterOrEqual => value < worst,
                Comparison::Equal | Comparison::NotEqual => true,
            }
        });
        if is_worse {
            self.worst = Some(value);
        }
    }
}

/// Returns the slice for `now` of a threshold with windows; the first slice begins the first
/// window.
fn slice<'w>(
    window: &'w mut Option<SlidingWindow>,
    threshold: &Threshold,
    now: Duration,
) -> Option<&'w mut Slice> {
    let seconds = threshold.over?.as_secs_f64().ceil() as usize;
    let window = window.get_or_insert_with(|| SlidingWindow::new(seconds, now));
    Some(window.slice_at(now))
}

/// Returns the figure of a window that ends now.
fn figure(figure: &Figure, window: &SlidingWindow, now: Duration) -> Option<Quantity> {
    let ended = |ended: Ended| {
        let completed = window.sum(|slice| slice.completed);
        ended.of(completed, window.sum(|slice| slice.failed))
    };
    match *figure {
        // Integrity is checked after the run only.
        Figure::Integrity(_) => None,
        Figure::Dropped => Some(Quantity::Count(window.sum(|slice| slice.dropped))),
        Figure::FlowRate => Some(Quantity::PerSecond(window.completed_per_second(now))),
        Figure::Flow(of) | Figure::Step(_, of) => ended(of),
        Figure::Response(of) | Figure::Service(of) | Figure::StepTime(_, of) => {
            of.of(window.histogram().spread().as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::FailureKind;
    use crate::stats::tally::Tally;
    use crate::stats::testing::{failure, flow, info};

    use super::*;

    fn watched(text: &str) -> LiveThreshold {
        let threshold = Threshold::parse(text, &["01_login", "02_create_order"]).unwrap();
        LiveThreshold::new(threshold, &info(100))
    }

    fn completed(duration_us: u64) -> FlowRecord {
        let mut flow = flow(1, FlowOutcome::Completed, &[StepOutcome::Completed]);
        flow.duration_us = duration_us;
        flow
    }

    fn failed() -> FlowRecord {
        let reason = Box::new(failure("01_login", FailureKind::Timeout));
        flow(1, FlowOutcome::Failed(reason), &[StepOutcome::Failed])
    }

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn nothing() -> Summary {
        Tally::new(&info(1)).summary(at(1.0), false)
    }

    #[test]
    fn a_bad_second_in_a_good_window_is_tolerated() {
        let mut watched = watched("flow.mean < 100ms over 3s stop");
        for (second, ms) in [(0.1, 10), (1.2, 200), (2.3, 10), (3.3, 10), (4.4, 10)] {
            watched.record(&completed(ms * 1000), at(second));
            assert!(!watched.look(at(second + 0.2), nothing));
        }
        let checked = watched.checked(&nothing());
        assert!(checked.holds, "{checked:?}");
        assert_eq!(checked.value, Some(Quantity::DurationUs(73_333)));
    }

    #[test]
    fn a_bad_window_is_a_violation() {
        let mut watched = watched("flow.mean < 100ms over 3s stop");
        for second in 0..3 {
            let second = f64::from(second);
            watched.record(&completed(200_000), at(second + 0.5));
            assert!(!watched.look(at(second + 0.9), nothing));
        }
        assert!(watched.look(at(3.6), nothing), "the stretch is over");
        assert!(!watched.look(at(4.6), nothing), "once is enough");
        // It improved too late.
        watched.record(&completed(1_000), at(6.0));
        watched.look(at(20.0), nothing);
        let checked = watched.checked(&nothing());
        assert!(!checked.holds && checked.stopped_run, "{checked:?}");
        assert_eq!(checked.crossed_after_us, Some(3_500_000));
        assert_eq!(checked.threshold, "flow.mean < 100ms over 3s stop");
    }

    #[test]
    fn seconds_without_an_end_have_a_rate_of_zero_and_no_durations() {
        let mut rate = watched("flow.rate > 0/s over 2s");
        let mut time = watched("flow.p50 < 1ms over 2s");
        let mut rates = watched("flow.failed_rate < 50% over 2s");
        for it in [&mut rate, &mut time, &mut rates] {
            it.look(at(9.0), nothing);
            it.record(&completed(10), at(10.0));
            it.look(at(12.1), nothing);
            assert!(it.checked(&nothing()).holds, "{it:?}");
            it.look(at(20.0), nothing);
        }
        assert_eq!(rate.checked(&nothing()).crossed_after_us, Some(13_000_000));
        assert!(time.checked(&nothing()).holds);
        assert!(rates.checked(&nothing()).holds);
    }

    #[test]
    fn counts_are_of_the_window() {
        let mut watched = watched("flow.failed < 3 over 2s");
        for second in [0.0, 0.5, 3.0, 3.5, 6.0, 6.1, 6.2] {
            watched.record(&failed(), at(second));
        }
        watched.look(at(9.0), nothing);
        assert_eq!(
            watched.checked(&nothing()).crossed_after_us,
            Some(7_000_000)
        );
        let mut dropped = self::watched("dropped == 0 over 2s");
        dropped.record_drops(1, at(1.0));
        dropped.look(at(3.0), nothing);
        let checked = dropped.checked(&nothing());
        assert_eq!(checked.value, Some(Quantity::Count(1)));
    }

    #[test]
    fn a_run_shorter_than_a_window_is_one() {
        let mut tally = Tally::new(&info(1));
        let mut watched = watched("step.01_login.failed == 0 over 10s");
        tally.record(&failed());
        watched.record(&failed(), at(0.5));
        watched.look(at(2.0), nothing);
        assert!(!watched.checked(&tally.summary(at(2.0), false)).holds);
    }

    #[test]
    fn without_a_window_the_run_so_far_is_checked() {
        let mut tally = Tally::new(&info(1));
        let mut watched = watched("flow.failed == 0 stop");
        assert!(!watched.look(at(1.0), || tally.summary(at(1.0), false)));
        tally.record(&failed());
        assert!(watched.look(at(2.0), || tally.summary(at(2.0), false)));
        assert!(watched.checked(&nothing()).stopped_run);
    }
}
