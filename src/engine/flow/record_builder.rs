//! The flow record, built as the flow progresses.

use std::time::{Duration, Instant};

use chrono::{DateTime, Local};

use crate::engine::messages::Timing;
use crate::model::micros;
use crate::model::{
    Failure, FlowId, FlowNumber, FlowOutcome, FlowRecord, NamedValue, ProcessRecord, RetriedPart,
    Retry, StepIndex, StepOutcome, StepRecord, TurnRecord,
};

/// The intended start of a flow.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Due {
    pub at: Instant,
    /// The start of the run.
    pub run_began: Instant,
    /// False for the warm-up.
    pub counted: bool,
}

/// The times, steps and processes of one flow.
pub(in crate::engine) struct RecordBuilder {
    /// The intended start.
    due: Due,
    started: Instant,
    started_at: DateTime<Local>,
    /// The begin of the current step.
    step_began: Option<Instant>,
    /// The end of the last step.
    last_step_ended: Instant,
    paused: Duration,
    /// Delays before retries.
    retry_delay: Duration,
    waited: Duration,
    /// The part of that before the next step.
    waited_for_step: Duration,
    /// Time for which Rehearsal itself held the flow up: until the last evidence, and after it.
    held: Duration,
    held_after: Duration,
    steps: Vec<StepRecord>,
    retries: Vec<Retry>,
    /// The recovery in progress.
    recovery: Option<Recovery>,
    pub(in crate::engine) processes: Vec<ProcessRecord>,
}

/// A recovery in progress, from the first failure on.
struct Recovery {
    /// The index of the first failure in `retries`.
    first: usize,
    failed_at: Instant,
    /// The failed steps that are not completed yet.
    steps: Vec<StepIndex>,
}

/// A step that was performed or skipped.
pub(in crate::engine) struct StepTimes {
    pub step: StepIndex,
    pub outcome: StepOutcome,
    pub timing: Timing,
    pub turns: Vec<TurnRecord>,
}

impl RecordBuilder {
    /// Creates the builder of a flow with so many steps and roles.
    pub(in crate::engine) fn new(due: Due, steps: usize, roles: usize) -> Self {
        let now = Instant::now();
        RecordBuilder {
            due,
            started: now,
            started_at: Local::now(),
            step_began: None,
            last_step_ended: now,
            paused: Duration::ZERO,
            retry_delay: Duration::ZERO,
            waited: Duration::ZERO,
            waited_for_step: Duration::ZERO,
            held: Duration::ZERO,
            held_after: Duration::ZERO,
            steps: Vec::with_capacity(steps),
            retries: Vec::new(),
            recovery: None,
            processes: Vec::with_capacity(roles),
        }
    }

    /// The flow starts now.
    pub(in crate::engine) fn start(&mut self) {
        self.started = Instant::now();
        self.started_at = Local::now();
        self.last_step_ended = self.started;
    }

    pub(in crate::engine) fn started(&self) -> Instant {
        self.started
    }

    pub(in crate::engine) fn step_begins(&mut self, now: Instant) {
        self.step_began = Some(now);
    }

    /// Returns the begin of the current step; `None` while the flow is between steps.
    pub(in crate::engine) fn step_began(&self) -> Option<Instant> {
        self.step_began
    }

    /// The flow pauses on purpose, outside of any step.
    pub(in crate::engine) fn pauses(&mut self, length: Duration) {
        self.paused += length;
    }

    /// The flow pauses before a retry.
    pub(in crate::engine) fn delays_retry(&mut self, length: Duration) {
        self.retry_delay += length;
    }

    /// The flow has waited for others before its next step.
    pub(in crate::engine) fn has_waited(&mut self, length: Duration) {
        self.waited += length;
        self.waited_for_step += length;
    }

    /// Counts the time of an action that Rehearsal itself has caused.
    pub(in crate::engine) fn overheads(&mut self, timing: &Timing) {
        self.last_step_ended = timing.ended;
        self.paused += timing.paused;
        self.waited += timing.waited;
        self.held += self.held_after + timing.held;
        self.held_after = timing.held_after;
    }

    /// Returns the number of the next attempt at this step, from 1.
    pub(in crate::engine) fn next_attempt(&self, step: &str) -> u32 {
        let before = self.steps.iter().filter(|record| record.step == step);
        u32::try_from(before.count() + 1).unwrap_or(u32::MAX)
    }

    /// Adds a step with this name.
    pub(in crate::engine) fn note(&mut self, taken: StepTimes, name: &str) {
        let StepTimes {
            step,
            outcome,
            timing,
            turns,
        } = taken;
        let begun_after = timing.started.saturating_duration_since(self.started);
        self.step_began = None;
        self.overheads(&timing);
        if outcome == StepOutcome::Completed {
            self.recovered(step, timing.ended);
        }
        self.steps.push(StepRecord {
            step: name.to_owned(),
            attempt: self.next_attempt(name),
            outcome,
            started_after_us: micros(begun_after),
            duration_us: micros(timing.duration()),
            paused_us: micros(timing.paused + timing.waited),
            held_us: micros(timing.held + timing.held_after),
            waited_us: micros(std::mem::take(&mut self.waited_for_step)),
            turns,
        });
    }

    /// Adds a retry after the failure of `step`.
    pub(in crate::engine) fn retried(
        &mut self,
        what: RetriedPart,
        step: StepIndex,
        failure: Failure,
        failed_at: Instant,
        forgotten: Vec<NamedValue>,
    ) {
        let recovery = self.recovery.get_or_insert_with(|| Recovery {
            first: self.retries.len(),
            failed_at,
            steps: Vec::new(),
        });
        if !recovery.steps.contains(&step) {
            recovery.steps.push(step);
        }
        self.retries.push(Retry {
            what,
            failure,
            recovered_after_us: None,
            forgotten,
        });
    }

    fn recovered(&mut self, step: StepIndex, at: Instant) {
        let Some(recovery) = &mut self.recovery else {
            return;
        };
        recovery.steps.retain(|failed| *failed != step);
        if recovery.steps.is_empty() {
            let after = at.saturating_duration_since(recovery.failed_at);
            self.retries[recovery.first].recovered_after_us = Some(micros(after));
            self.recovery = None;
        }
    }

    /// Returns the record of the flow so far; the caller adds its values.
    pub(in crate::engine) fn close(
        &mut self,
        number: FlowNumber,
        id: FlowId,
        outcome: FlowOutcome,
    ) -> FlowRecord {
        let whole = self.last_step_ended.saturating_duration_since(self.started);
        let apart = self.paused + self.retry_delay + self.held + self.waited;
        let since_begin = |time: Instant| {
            let since = time.saturating_duration_since(self.due.run_began);
            Some(micros(since))
        };
        FlowRecord {
            number,
            id,
            started_at: self.started_at,
            started_after_us: since_begin(self.started),
            ended_after_us: since_begin(self.last_step_ended),
            counted: self.due.counted,
            late_us: micros(self.started.saturating_duration_since(self.due.at)),
            duration_us: micros(whole.saturating_sub(apart)),
            paused_us: micros(self.paused),
            waited_us: micros(self.waited),
            retry_delay_us: micros(self.retry_delay),
            outcome,
            steps: std::mem::take(&mut self.steps),
            retries: std::mem::take(&mut self.retries),
            captures: Vec::new(),
            variables: Vec::new(),
            processes: std::mem::take(&mut self.processes),
            injections: Vec::new(),
        }
    }
}
