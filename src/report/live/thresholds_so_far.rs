//! Thresholds of a run in progress, for its page and its snapshots.
//!
//! They are fed and checked as by the engine, which has the last word: its results replace them at
//! the end.

use std::time::Duration;

use crate::model::{RunEvent, RunInfo};
use crate::stats::{Checked, LiveThreshold, Summary, Threshold};

/// The thresholds, and what decides until when they are checked.
pub(in crate::report) struct ThresholdsSoFar {
    all: Vec<LiveThreshold>,
    flows: Option<u64>,
    duration: Option<Duration>,
    started: u64,
    is_stopping: bool,
}

impl ThresholdsSoFar {
    pub(in crate::report) fn new(thresholds: &[Threshold], info: &RunInfo) -> Self {
        let all = thresholds.iter();
        ThresholdsSoFar {
            all: all.map(|it| LiveThreshold::new(it.clone(), info)).collect(),
            flows: info.flows,
            duration: info.duration_us.map(Duration::from_micros),
            started: 0,
            is_stopping: false,
        }
    }

    /// Takes an event, `now` from the run's start.
    pub(in crate::report) fn event(&mut self, event: &RunEvent, now: Duration) {
        match event {
            RunEvent::FlowStarted { .. } => self.started += 1,
            RunEvent::Stopping { .. } => self.is_stopping = true,
            RunEvent::FlowEnded(flow) if flow.counted && !self.is_stopping => {
                self.all.iter_mut().for_each(|it| it.record(flow, now));
            }
            RunEvent::FlowsDropped {
                count,
                counted: true,
            } if !self.is_stopping => {
                let all = self.all.iter_mut();
                all.for_each(|it| it.record_drops(*count, now));
            }
            _ => {}
        }
    }

    /// Checks them, `now` from the run's start. `summary` has the figures so far.
    pub(in crate::report) fn check(&mut self, summary: &Summary, now: Duration) -> Vec<Checked> {
        // Later figures are those of the last flows, and mean nothing.
        let starts_flows = !self.is_stopping
            && self.flows.is_none_or(|flows| self.started < flows)
            && self.duration.is_none_or(|duration| now < duration);
        let all = self.all.iter_mut().map(|it| {
            if starts_flows {
                it.look(now, || summary.clone());
            }
            it.so_far(summary)
        });
        all.collect()
    }
}
