//! Histograms of all measurements of a run's flows.

use crate::model::{
    FlowOutcome, FlowRecord, ProcessRecord, RoleIndex, RunInfo, StepOutcome, StepRecord,
};

use super::histogram::{Histogram, Histograms};
use super::summary::Phases;

/// The histogram of delays before retries, which runs of earlier versions do not have.
const RETRY_DELAY: &str = "flow.retry_delay";

/// The error of a saved run that lacks one of its histograms.
#[derive(Debug, thiserror::Error)]
#[error("there is no histogram `{0}`")]
pub struct MissingHistogram(pub String);

/// The histograms of one run. Pauses are excluded from all but their own.
#[derive(Debug, Clone)]
pub(super) struct Measures {
    /// Service time of completed flows.
    pub service: Histogram,
    /// Response time of completed flows.
    pub response: Histogram,
    /// Response time of failed flows.
    pub failed_response: Histogram,
    pub start_delay: Histogram,
    pub hand_over: Histogram,
    pub next_step: Histogram,
    pub paused: Histogram,
    pub waited: Histogram,
    pub retry_delay: Histogram,
    /// From a failure until its step was completed.
    pub recovery: Histogram,
    /// From a program's first output until its role's first step was completed.
    pub log_in: Histogram,
    /// From the request to leave, or to end, until a program's end.
    pub exit: Histogram,
    /// Completed steps, in the order of the flow.
    pub steps: Vec<Histogram>,
    /// Failed steps, likewise.
    pub failed_steps: Vec<Histogram>,
    /// Named turns by step, in order of their names.
    pub turns: Vec<Vec<Histogram>>,
    /// From the request to start a program to its first output, in the order of the roles.
    pub startups: Vec<Histogram>,
}

impl Measures {
    pub(super) fn new(info: &RunInfo) -> Self {
        Measures {
            service: Histogram::new(),
            response: Histogram::new(),
            failed_response: Histogram::new(),
            start_delay: Histogram::new(),
            hand_over: Histogram::new(),
            next_step: Histogram::new(),
            paused: Histogram::new(),
            waited: Histogram::new(),
            retry_delay: Histogram::new(),
            recovery: Histogram::new(),
            log_in: Histogram::new(),
            exit: Histogram::new(),
            steps: info.steps.iter().map(|_| Histogram::new()).collect(),
            failed_steps: info.steps.iter().map(|_| Histogram::new()).collect(),
            turns: info
                .steps
                .iter()
                .map(|step| step.turns.iter().map(|_| Histogram::new()).collect())
                .collect(),
            startups: info.roles.iter().map(|_| Histogram::new()).collect(),
        }
    }

    pub(super) fn record(&mut self, info: &RunInfo, flow: &FlowRecord) {
        self.start_delay.record(flow.late_us);
        let response_us = flow.response_us();
        match flow.outcome {
            FlowOutcome::Completed => {
                self.service.record(flow.duration_us);
                self.response.record(response_us);
            }
            FlowOutcome::Failed(_) => self.failed_response.record(response_us),
            FlowOutcome::Interrupted => {}
        }
        if flow.paused_us > 0 {
            self.paused.record(flow.paused_us);
        }
        if flow.waited_us > 0 {
            self.waited.record(flow.waited_us);
        }
        if flow.retry_delay_us > 0 {
            self.retry_delay.record(flow.retry_delay_us);
        }
        for retry in &flow.retries {
            if let Some(after_us) = retry.recovered_after_us {
                self.recovery.record(after_us);
            }
        }
        for step in &flow.steps {
            let Some(place) = info.step(&step.step) else {
                continue;
            };
            for turn in &step.turns {
                let names = &info.steps[place.0].turns;
                let named = names.iter().position(|name| **name == *turn.turn);
                let turns = self.turns.get_mut(place.0);
                let histogram = turns.zip(named).and_then(|(turns, at)| turns.get_mut(at));
                if let Some(histogram) = histogram {
                    histogram.record(turn.duration_us);
                }
            }
            let histograms = match step.outcome {
                StepOutcome::Completed => &mut self.steps,
                StepOutcome::Failed | StepOutcome::Retried => &mut self.failed_steps,
                StepOutcome::Skipped | StepOutcome::Interrupted => continue,
            };
            if let Some(histogram) = histograms.get_mut(place.0) {
                histogram.record(step.duration_us);
            }
        }
        for process in &flow.processes {
            self.record_process(info, process);
            if let Some(startup_us) = process.startup_us
                && process.attempt == 1
                && let Some(role) = info.role(&process.role)
            {
                self.record_log_in(info, flow, role, startup_us);
            }
        }
        self.record_gaps(info, flow);
    }

    pub(super) fn record_process(&mut self, info: &RunInfo, process: &ProcessRecord) {
        let role = info.role(&process.role);
        let startups = role.and_then(|role| self.startups.get_mut(role.0));
        if let (Some(startup_us), Some(histogram)) = (process.startup_us, startups) {
            histogram.record(startup_us);
        }
        if let Some(exit_us) = process.exit_us {
            self.exit.record(exit_us);
        }
    }

    /// Records the time to log in. A role's first step begins with the request to start its
    /// program.
    fn record_log_in(&mut self, info: &RunInfo, flow: &FlowRecord, role: RoleIndex, startup: u64) {
        let role = &info.roles[role.0].name;
        let first = info.steps.iter().find(|step| step.role == *role);
        let step = flow.steps.iter();
        let mut step = step.filter(|step| first.is_some_and(|first| first.name == step.step));
        let step = step.next();
        if let Some(step) = step.filter(|step| step.outcome == StepOutcome::Completed) {
            self.log_in.record(step.duration_us.saturating_sub(startup));
        }
    }

    /// Records the time between steps, without delays by Rehearsal itself. The pauses between steps
    /// are known only in total, and are distributed evenly over the gaps. The wait for an instance
    /// that is logged in belongs to the skipped log-in step, and so to the gap around it.
    fn record_gaps(&mut self, info: &RunInfo, flow: &FlowRecord) {
        let is_begun = |step: &StepRecord| step.outcome != StepOutcome::Skipped;
        let begun = || flow.steps.iter().filter(|step| is_begun(step));
        let in_steps: u64 = begun().map(|step| step.paused_us).sum();
        let between = flow.paused_us.saturating_sub(in_steps);
        let gaps = u64::try_from(begun().count().saturating_sub(1)).unwrap_or(u64::MAX);
        let pause_us = between.checked_div(gaps).unwrap_or(0);
        let role = |name: &str| info.step(name).map(|step| &info.steps[step.0].role);
        let mut last: Option<&StepRecord> = None;
        let mut waited_us = 0_u64;
        for next in &flow.steps {
            waited_us = waited_us.saturating_add(next.waited_us);
            if !is_begun(next) {
                continue;
            }
            let waited_us = std::mem::take(&mut waited_us);
            // After a retried step the time between is the recovery.
            let Some(last) = last
                .replace(next)
                .filter(|it| it.outcome != StepOutcome::Retried)
            else {
                continue;
            };
            let taken_us = [
                last.duration_us,
                last.paused_us,
                last.held_us,
                pause_us,
                waited_us,
            ];
            let over_us = taken_us
                .into_iter()
                .fold(last.started_after_us, u64::saturating_add);
            let gap_us = next.started_after_us.saturating_sub(over_us);
            if role(&last.step) == role(&next.step) {
                self.next_step.record(gap_us);
            } else {
                self.hand_over.record(gap_us);
            }
        }
    }

    pub(super) fn phases(&self) -> Phases {
        Phases {
            hand_over: self.hand_over.spread(),
            next_step: self.next_step.spread(),
            paused: self.paused.spread(),
            waited: self.waited.spread(),
            retry_delay: self.retry_delay.spread(),
            log_in: self.log_in.spread(),
            exit: self.exit.spread(),
        }
    }

    /// Returns all of them by name.
    pub(super) fn named(&self, info: &RunInfo) -> Histograms {
        // From a copy, so that there is only one list of names.
        let mut copy = self.clone();
        let all = copy.all_mut(info).into_iter();
        all.map(|(name, histogram)| (name, std::mem::take(histogram)))
            .collect()
    }

    /// Adds the histograms of another run of the same scenario.
    pub(super) fn add(
        &mut self,
        info: &RunInfo,
        named: &Histograms,
    ) -> Result<(), MissingHistogram> {
        for (name, histogram) in self.all_mut(info) {
            match named.get(&name) {
                Some(more) => histogram.add(more),
                None if name == RETRY_DELAY => {}
                None => return Err(MissingHistogram(name)),
            }
        }
        Ok(())
    }

    fn all_mut(&mut self, info: &RunInfo) -> Vec<(String, &mut Histogram)> {
        let mut all: Vec<(String, &mut Histogram)> = vec![
            ("flow.service".into(), &mut self.service),
            ("flow.response".into(), &mut self.response),
            ("flow.failed_response".into(), &mut self.failed_response),
            ("flow.start_delay".into(), &mut self.start_delay),
            ("flow.hand_over".into(), &mut self.hand_over),
            ("flow.next_step".into(), &mut self.next_step),
            ("flow.paused".into(), &mut self.paused),
            ("flow.waited".into(), &mut self.waited),
            (RETRY_DELAY.into(), &mut self.retry_delay),
            ("flow.recovery".into(), &mut self.recovery),
            ("flow.log_in".into(), &mut self.log_in),
            ("flow.exit".into(), &mut self.exit),
        ];
        for (step, histogram) in info.steps.iter().zip(&mut self.steps) {
            all.push((format!("step.{}", step.name), histogram));
        }
        for (step, histogram) in info.steps.iter().zip(&mut self.failed_steps) {
            all.push((format!("failed_step.{}", step.name), histogram));
        }
        for (step, histograms) in info.steps.iter().zip(&mut self.turns) {
            for (turn, histogram) in step.turns.iter().zip(histograms) {
                all.push((turn_key(&step.name, turn), histogram));
            }
        }
        for (role, histogram) in info.roles.iter().zip(&mut self.startups) {
            all.push((format!("role.{}.startup", role.name), histogram));
        }
        all
    }
}

fn turn_key(step: &str, turn: &str) -> String {
    format!("turn.{step}.{turn}")
}
