//! How a run of many flows stands at a moment.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{FlowNumber, FlowOutcome, RunEvent, RunInfo, StepIndex, StepOutcome};

use super::units;

/// What progress displays show, whatever they look like. Its size depends on the scenario and on
/// how many flows run at a time.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    pub planned: u64,
    pub completed: u64,
    pub failed: u64,
    pub interrupted: u64,
    pub steps: Vec<StepPulse>,
    /// The step that each flow is in.
    under_way: HashMap<FlowNumber, StepIndex>,
}

/// How one step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StepPulse {
    pub name: String,
    /// How many flows are in it.
    pub now: u64,
    /// How many have completed it.
    pub done: u64,
}

impl Pulse {
    pub(super) fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => *self = Pulse::of(info),
            RunEvent::StepStarted { flow, step } => {
                self.leave(*flow);
                self.under_way.insert(*flow, *step);
                if let Some(pulse) = self.steps.get_mut(step.0) {
                    pulse.now += 1;
                }
            }
            RunEvent::StepEnded {
                flow,
                step,
                outcome,
                ..
            } => {
                self.leave(*flow);
                if *outcome == StepOutcome::Completed
                    && let Some(pulse) = self.steps.get_mut(step.0)
                {
                    pulse.done += 1;
                }
            }
            RunEvent::FlowEnded(flow) => {
                self.leave(flow.number);
                let count = match flow.outcome {
                    FlowOutcome::Completed => &mut self.completed,
                    FlowOutcome::Failed(_) => &mut self.failed,
                    FlowOutcome::Interrupted => &mut self.interrupted,
                };
                *count += 1;
            }
            _ => {}
        }
    }

    fn of(info: &RunInfo) -> Self {
        let step = |name: &String| StepPulse {
            name: name.clone(),
            now: 0,
            done: 0,
        };
        Pulse {
            planned: info.flows,
            steps: info.steps.iter().map(|info| step(&info.name)).collect(),
            ..Pulse::default()
        }
    }

    fn leave(&mut self, flow: FlowNumber) {
        if let Some(step) = self.under_way.remove(&flow)
            && let Some(pulse) = self.steps.get_mut(step.0)
        {
            pulse.now -= 1;
        }
    }

    /// How many flows have ended.
    pub(super) fn ended(&self) -> u64 {
        self.completed + self.failed + self.interrupted
    }

    /// What the figures say in words: `3 failed, 14.2 flows/s, about 6 s left`.
    pub(super) fn words(&self, elapsed: Duration) -> String {
        let mut words = vec![format!("{} failed", self.failed)];
        if self.interrupted > 0 {
            words.push(format!("{} interrupted", self.interrupted));
        }
        let ended = self.ended();
        let seconds = elapsed.as_secs_f64();
        if ended > 0 && seconds > 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "nobody counts 2^53 flows")]
            let (ended, left) = (ended as f64, self.planned.saturating_sub(ended) as f64);
            words.push(format!("{} flows/s", units::per_second(ended / seconds)));
            if left > 0.0 {
                let left = Duration::try_from_secs_f64(left * seconds / ended).unwrap_or_default();
                words.push(format!("about {} left", units::rough(left)));
            }
        }
        words.join(", ")
    }

    /// The steps with the most flows in them, at most so many, in the order of the flow.
    pub(super) fn busiest(&self, most: usize) -> Vec<&StepPulse> {
        let mut places: Vec<usize> = (0..self.steps.len()).collect();
        places.sort_by_key(|&place| std::cmp::Reverse(self.steps[place].now));
        places.truncate(most);
        places.sort_unstable();
        places.into_iter().map(|place| &self.steps[place]).collect()
    }
}
