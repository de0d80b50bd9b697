//! Thresholds while a run goes on.
//!
//! Once a second the figure of a stretch is made of what ended in the seconds that have just
//! passed. Stretches lie where flows are started: they begin with the first flow that counts and
//! end when no more flows are to be started, since a rate that falls while the last flows finish
//! says nothing. A run that is shorter than a stretch is one stretch. A second in which nothing
//! ended has no times and no rate of failures, but a rate of flows of 0.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use crate::model::{FlowOutcome, FlowRecord, RunInfo, StepOutcome, micros};
use crate::stats::histogram::Histogram;
use crate::stats::sliding::four_digits;
use crate::stats::summary::{Checked, Quantity, Summary};

use super::threshold::{Comparison, Ended, Figure, Threshold};

/// A threshold that is looked at while the run goes on.
#[derive(Debug)]
pub struct LiveThreshold {
    threshold: Threshold,
    /// The step it is about.
    step: Option<String>,
    /// The number of seconds in a stretch.
    seconds: usize,
    /// The last of them, the one that is filled at the end.
    slices: VecDeque<Slice>,
    /// When the last slice began, from the run's start.
    slice_began: Option<Duration>,
    /// The figure that is furthest on the wrong side.
    worst: Option<Quantity>,
    crossed: Option<(Duration, Quantity)>,
    stopped: bool,
}

impl fmt::Display for LiveThreshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.threshold.fmt(f)
    }
}

/// The flows or steps that ended within one second.
#[derive(Debug, Default)]
struct Slice {
    completed: u64,
    failed: u64,
    dropped: u64,
    /// The number of times that each duration was seen; at most as many durations as a histogram
    /// distinguishes.
    times_us: BTreeMap<u64, u64>,
}

impl LiveThreshold {
    /// Begins to watch over a run.
    pub fn new(threshold: Threshold, info: &RunInfo) -> Self {
        let step = match &threshold.figure {
            Figure::Step(name, _) | Figure::StepTime(name, _) => {
                info.step(name).map(|_| name.clone())
            }
            _ => None,
        };
        let seconds = threshold.over.map_or(0.0, |over| over.as_secs_f64().ceil());
        LiveThreshold {
            threshold,
            step,
            seconds: seconds as usize,
            slices: VecDeque::new(),
            slice_began: None,
            worst: None,
            crossed: None,
            stopped: false,
        }
    }

    /// Returns whether it has to be checked while the run is in progress.
    pub fn is_live(&self) -> bool {
        self.threshold.over.is_some() || self.threshold.stop
    }

    /// Counts a flow that has ended, and that counts.
    pub fn record(&mut self, flow: &FlowRecord, now: Duration) {
        if self.threshold.over.is_none() {
            return;
        }
        let figure = self.threshold.figure.clone();
        let step = self.step.clone();
        let slice = self.slice(now);
        let completed = matches!(flow.outcome, FlowOutcome::Completed);
        match figure {
            Figure::Dropped | Figure::Integrity(_) => {}
            Figure::FlowRate | Figure::Flow(_) => {
                slice.completed += u64::from(completed);
                slice.failed += u64::from(matches!(flow.outcome, FlowOutcome::Failed(_)));
            }
            Figure::Response(_) if completed => {
                slice.time(flow.duration_us.saturating_add(flow.late_us));
            }
            Figure::Service(_) if completed => slice.time(flow.duration_us),
            Figure::Response(_) | Figure::Service(_) => {}
            Figure::Step(..) | Figure::StepTime(..) => {
                for record in flow
                    .steps
                    .iter()
                    .filter(|it| Some(&it.step) == step.as_ref())
                {
                    match record.outcome {
                        StepOutcome::Completed => {
                            slice.completed += 1;
                            slice.time(record.duration_us);
                        }
                        StepOutcome::Failed => slice.failed += 1,
                        StepOutcome::Skipped | StepOutcome::Retried | StepOutcome::Interrupted => {}
                    }
                }
            }
        }
    }

    /// Counts a flow that was due and could not be started, and that counts.
    pub fn record_drop(&mut self, now: Duration) {
        if self.threshold.over.is_some() {
            self.slice(now).dropped += 1;
        }
    }

    /// Looks at the figure. To be called about once a second as long as flows are started;
    /// `summary` gives the figures of the run so far. Says whether the run is to be ended, once.
    pub fn look(&mut self, now: Duration, summary: impl FnOnce() -> Summary) -> bool {
        if self.crossed.is_none() {
            match self.threshold.over {
                Some(_) if self.slice_began.is_some() => self.catch_up(now),
                Some(_) => {}
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

    /// The slice of this moment.
    fn slice(&mut self, now: Duration) -> &mut Slice {
        if self.slice_began.is_none() {
            self.slice_began = Some(now);
            self.slices.push_back(Slice::default());
        }
        self.catch_up(now);
        if self.slices.is_empty() {
            self.slices.push_back(Slice::default());
        }
        let last = self.slices.len() - 1;
        &mut self.slices[last]
    }

    /// Judges the stretches that have ended by now.
    fn catch_up(&mut self, now: Duration) {
        const SECOND: Duration = Duration::from_secs(1);
        while let Some(began) = self.slice_began
            && now >= began + SECOND
        {
            let ended = began + SECOND;
            if self.slices.len() >= self.seconds {
                let value = self.figure();
                self.judge(ended, value);
                self.slices.pop_front();
            }
            self.slices.push_back(Slice::default());
            self.slice_began = Some(ended);
        }
    }

    fn judge(&mut self, now: Duration, value: Option<Quantity>) {
        let Some(value) = value else { return };
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

    /// The figure of the slices that are there.
    fn figure(&self) -> Option<Quantity> {
        let sum = |of: fn(&Slice) -> u64| self.slices.iter().map(of).sum::<u64>();
        let completed = sum(|slice| slice.completed);
        let ended = |ended: Ended| ended.of(completed, sum(|slice| slice.failed));
        match self.threshold.figure {
            // Nothing is known of a stretch.
            Figure::Integrity(_) => None,
            Figure::Dropped => Some(Quantity::Count(sum(|slice| slice.dropped))),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a rate of counts needs no 53 bits"
            )]
            Figure::FlowRate => Some(Quantity::PerSecond(
                completed as f64 / self.slices.len().max(1) as f64,
            )),
            Figure::Flow(of) | Figure::Step(_, of) => ended(of),
            Figure::Response(of) | Figure::Service(of) | Figure::StepTime(_, of) => {
                let mut times = Histogram::new();
                for (&time_us, &count) in self.slices.iter().flat_map(|slice| &slice.times_us) {
                    times.record_many(time_us, count);
                }
                of.of(times.spread().as_ref())
            }
        }
    }
}

impl Slice {
    fn time(&mut self, time_us: u64) {
        *self.times_us.entry(four_digits(time_us)).or_default() += 1;
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
    fn a_bad_second_in_a_good_stretch_is_forgiven() {
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
    fn a_stretch_that_is_bad_as_a_whole_is_not() {
        let mut watched = watched("flow.mean < 100ms over 3s stop");
        for second in 0..3 {
            let second = f64::from(second);
            watched.record(&completed(200_000), at(second + 0.5));
            assert!(!watched.look(at(second + 0.9), nothing));
        }
        assert!(watched.look(at(3.6), nothing), "the stretch is over");
        assert!(!watched.look(at(4.6), nothing), "once is enough");
        // It got better: too late.
        watched.record(&completed(1_000), at(6.0));
        watched.look(at(20.0), nothing);
        let checked = watched.checked(&nothing());
        assert!(!checked.holds && checked.stopped_run, "{checked:?}");
        assert_eq!(checked.crossed_after_us, Some(3_500_000));
        assert_eq!(checked.threshold, "flow.mean < 100ms over 3s stop");
    }

    #[test]
    fn seconds_without_an_end_are_a_rate_of_nothing_and_no_time() {
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
    fn counts_are_of_the_stretch() {
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
        dropped.record_drop(at(1.0));
        dropped.look(at(3.0), nothing);
        let checked = dropped.checked(&nothing());
        assert_eq!(checked.value, Some(Quantity::Count(1)));
    }

    #[test]
    fn a_run_shorter_than_a_stretch_is_one() {
        let mut tally = Tally::new(&info(1));
        let mut watched = watched("step.01_login.failed == 0 over 10s");
        tally.record(&failed());
        watched.record(&failed(), at(0.5));
        watched.look(at(2.0), nothing);
        assert!(!watched.checked(&tally.summary(at(2.0), false)).holds);
    }

    #[test]
    fn without_a_stretch_the_run_so_far_is_looked_at() {
        let mut tally = Tally::new(&info(1));
        let mut watched = watched("flow.failed == 0 stop");
        assert!(!watched.look(at(1.0), || tally.summary(at(1.0), false)));
        tally.record(&failed());
        assert!(watched.look(at(2.0), || tally.summary(at(2.0), false)));
        assert!(watched.checked(&nothing()).stopped_run);
    }
}
