//! Figures of a run in progress, for progress displays and JSON snapshots.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{
    FlowNumber, FlowOutcome, LoadSetting, RunEvent, RunInfo, StepIndex, StepOutcome, micros,
};
#[cfg(feature = "cli")]
use crate::stats::Histogram;
use crate::stats::SlidingWindow;

/// The length of the sliding window of rates and percentiles, in seconds.
const RECENT_SECONDS: usize = 10;

/// Figures of a run in progress. Their size depends on the scenario and on the number of flows in
/// flight.
#[derive(Debug)]
pub(in crate::report) struct LiveStats {
    pub planned: Option<u64>,
    pub duration: Option<Duration>,
    pub wanted_per_second: Option<f64>,
    begun: bool,
    pub dropped: u64,
    pub completed: u64,
    /// Those completed after a retry.
    pub recovered: u64,
    pub failed: u64,
    pub interrupted: u64,
    pub in_flight: u64,
    /// Completed flows and their response times.
    recent: SlidingWindow,
    pub steps: Vec<StepStats>,
    /// The current step of each flow.
    current_steps: HashMap<FlowNumber, StepIndex>,
    /// Time since the start of the run, at the last tick.
    now: Duration,
}

/// Figures of one step.
#[derive(Debug)]
pub(in crate::report) struct StepStats {
    pub name: String,
    /// Flows in the step.
    pub now: u64,
    /// Flows that completed it.
    pub done: u64,
    /// Flows that failed in it.
    pub failed: u64,
    recent: SlidingWindow,
}

impl Default for LiveStats {
    fn default() -> Self {
        LiveStats {
            planned: None,
            duration: None,
            wanted_per_second: None,
            begun: false,
            dropped: 0,
            completed: 0,
            recovered: 0,
            failed: 0,
            interrupted: 0,
            in_flight: 0,
            recent: SlidingWindow::new(RECENT_SECONDS, Duration::ZERO),
            steps: Vec::new(),
            current_steps: HashMap::new(),
            now: Duration::ZERO,
        }
    }
}

impl LiveStats {
    /// Counts an event, at about the time of the last tick.
    pub(in crate::report) fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => *self = LiveStats::of(info),
            RunEvent::FlowStarted { .. } => self.in_flight += 1,
            RunEvent::StepStarted { flow, step } => {
                self.leave(*flow);
                self.current_steps.insert(*flow, *step);
                if let Some(step_stats) = self.steps.get_mut(step.0) {
                    step_stats.now += 1;
                }
            }
            RunEvent::StepEnded {
                flow,
                step,
                outcome,
                duration,
                ..
            } => {
                self.leave(*flow);
                let Some(step_stats) = self.steps.get_mut(step.0) else {
                    return;
                };
                match outcome {
                    StepOutcome::Completed => {
                        step_stats.done += 1;
                        let slice = step_stats.recent.slice_at(self.now);
                        slice.record_duration(micros(*duration));
                    }
                    StepOutcome::Failed => step_stats.failed += 1,
                    StepOutcome::Skipped | StepOutcome::Retried | StepOutcome::Interrupted => {}
                }
            }
            RunEvent::FlowEnded(flow) => {
                self.leave(flow.number);
                // A flow that could not begin has no `FlowStarted`.
                self.in_flight = self.in_flight.saturating_sub(1);
                match flow.outcome {
                    FlowOutcome::Completed => {
                        self.completed += 1;
                        self.recovered += u64::from(flow.is_recovered());
                        let slice = self.recent.slice_at(self.now);
                        slice.completed += 1;
                        slice.record_duration(flow.response_us());
                    }
                    FlowOutcome::Failed(_) => {
                        self.failed += 1;
                        self.recent.slice_at(self.now).failed += 1;
                    }
                    FlowOutcome::Interrupted => self.interrupted += 1,
                }
            }
            RunEvent::LoadChanged(change) => {
                if let LoadSetting::FlowsPerSecond(rate) = change.to {
                    self.wanted_per_second = Some(rate);
                }
            }
            RunEvent::FlowsDropped { count, .. } => {
                self.dropped = self.dropped.saturating_add(*count);
            }
            _ => {}
        }
    }

    /// Sets the time since the start of the run.
    pub(in crate::report) fn tick(&mut self, elapsed: Duration) {
        self.now = elapsed;
    }

    fn of(info: &RunInfo) -> Self {
        let step = |name: &String| StepStats {
            name: name.clone(),
            now: 0,
            done: 0,
            failed: 0,
            recent: SlidingWindow::new(RECENT_SECONDS, Duration::ZERO),
        };
        LiveStats {
            planned: info.flows,
            duration: info.duration_us.map(Duration::from_micros),
            wanted_per_second: info.wanted_per_second,
            begun: true,
            steps: info.steps.iter().map(|info| step(&info.name)).collect(),
            ..LiveStats::default()
        }
    }

    fn leave(&mut self, flow: FlowNumber) {
        if let Some(step) = self.current_steps.remove(&flow)
            && let Some(step_stats) = self.steps.get_mut(step.0)
        {
            step_stats.now -= 1;
        }
    }

    /// Returns `true` if a run has started.
    pub(in crate::report) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Returns the completed part of the run, from 0 to 1: by flows or by time, whichever is
    /// greater.
    pub(in crate::report) fn part(&self) -> f64 {
        let of_flows = self.planned.map_or(0.0, |planned| {
            self.ended().saturating_add(self.dropped) as f64 / planned.max(1) as f64
        });
        let of_time = self.duration.map_or(0.0, |duration| {
            self.now.as_secs_f64() / duration.as_secs_f64().max(0.001)
        });
        of_flows.max(of_time).min(1.0)
    }

    /// Returns the number of flows that have ended.
    pub(in crate::report) fn ended(&self) -> u64 {
        self.completed + self.failed + self.interrupted
    }

    /// Returns completed flows per second in the sliding window.
    pub(in crate::report) fn completed_per_second(&mut self) -> f64 {
        self.recent.slide_to(self.now);
        self.recent.completed_per_second(self.now)
    }

    /// Returns failed flows per second in the sliding window.
    #[cfg(feature = "cli")]
    pub(in crate::report) fn failed_per_second(&mut self) -> f64 {
        self.recent.slide_to(self.now);
        self.recent.failed_per_second(self.now)
    }

    /// Returns a percentile of response times in the sliding window.
    #[cfg(feature = "cli")]
    pub(in crate::report) fn response_us(&mut self, percentile: f64) -> Option<u64> {
        self.recent.slide_to(self.now);
        self.recent.histogram().percentile_us(percentile)
    }

    /// Returns the 95th percentile of response times in the sliding window.
    pub(in crate::report) fn response_p95_us(&mut self) -> Option<u64> {
        p95_us(&mut self.recent, self.now)
    }

    /// Returns the response times in the sliding window.
    #[cfg(feature = "cli")]
    pub(in crate::report) fn responses(&mut self) -> Histogram {
        self.recent.slide_to(self.now);
        self.recent.histogram()
    }

    /// Returns the time since the start of the run.
    pub(in crate::report) fn elapsed(&self) -> Duration {
        self.now
    }
}

impl StepStats {
    /// Returns the 95th percentile of the step's durations in the window before `now`.
    pub(in crate::report) fn p95_us(&mut self, now: Duration) -> Option<u64> {
        p95_us(&mut self.recent, now)
    }

    /// Returns the step's durations in the window before `now`.
    #[cfg(feature = "cli")]
    pub(in crate::report) fn durations(&mut self, now: Duration) -> Histogram {
        self.recent.slide_to(now);
        self.recent.histogram()
    }
}

/// Returns the 95th percentile of the durations of the seconds before `now`.
fn p95_us(recent: &mut SlidingWindow, now: Duration) -> Option<u64> {
    recent.slide_to(now);
    recent.histogram().percentile_us(95.0)
}
