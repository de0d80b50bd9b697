//! Attempts at a flow and its steps, and the retry that follows on a failure.

use std::sync::Arc;

use crate::model::{Activity, Failure, FlowOutcome, StepIndex};
use crate::scenario::{Plan, Scope};

use super::machine::RetryDecision;
use crate::engine::messages::ActionKind;

/// The attempts at a flow and its current step, with the values to which a retry returns.
pub(super) struct Attempts {
    /// Attempts at the current step in this attempt at the flow, including those that began with a
    /// log-in.
    step: u32,
    /// True while its script is being logged in again.
    is_logging_in: bool,
    /// Attempts at the flow.
    flow: u32,
    /// The values before the current step, if it may be repeated.
    before_step: Option<Arc<Scope>>,
    /// The values that the flow began with, if it may be repeated.
    before_flow: Option<Arc<Scope>>,
}

impl Attempts {
    pub(super) fn new(plan: &Plan, scope: &Arc<Scope>) -> Self {
        Attempts {
            step: 0,
            is_logging_in: false,
            flow: 1,
            before_step: None,
            before_flow: plan.retry.as_ref().map(|_| Arc::clone(scope)),
        }
    }

    /// A step is begun for the first time.
    pub(super) fn step_begins(&mut self, plan: &Plan, step: StepIndex, scope: &Arc<Scope>) {
        let may_repeat = plan.steps[step.0].retry.is_some();
        self.before_step = may_repeat.then(|| Arc::clone(scope));
        self.step = 0;
        self.is_logging_in = false;
    }

    /// The current step, or the log-in before it, is begun.
    pub(super) fn action_begins(&mut self, kind: ActionKind) {
        // The step after a log-in belongs to the same attempt.
        if !std::mem::replace(
            &mut self.is_logging_in,
            matches!(kind, ActionKind::LogIn(_)),
        ) {
            self.step += 1;
        }
    }

    /// The current step, or the log-in before it, has failed.
    pub(super) fn action_failed(&mut self) {
        self.is_logging_in = false;
    }

    /// The flow starts over.
    pub(super) fn flow_begins(&mut self) {
        self.flow += 1;
    }

    /// Returns the values to which this retry returns; `None` if nothing is forgotten.
    pub(super) fn values_before(&self, retry: &RetryDecision) -> Option<&Arc<Scope>> {
        match retry {
            RetryDecision::Repeat | RetryDecision::Restart => self.before_step.as_ref(),
            RetryDecision::Rewind => self.before_flow.as_ref(),
            RetryDecision::None(_) => None,
        }
    }

    /// Decides how to go on after the failure of a step; `is_late` if the flow's time is over.
    pub(super) fn decide(
        &self,
        plan: &Plan,
        step: StepIndex,
        failure: &Failure,
        is_late: bool,
    ) -> RetryDecision {
        let of_step = plan.steps[step.0].retry.as_ref().filter(|_| !is_late);
        if let Some(policy) = of_step
            && policy.follows(self.step, &failure.kind)
        {
            let is_alive = !matches!(failure.activity, Activity::Gone | Activity::NotStarted);
            return match is_alive && !policy.restart {
                true => RetryDecision::Repeat,
                false => RetryDecision::Restart,
            };
        }
        let of_flow = plan.retry.as_ref().filter(|_| !is_late);
        if let Some(policy) = of_flow
            && policy.follows(self.flow, &failure.kind)
        {
            return RetryDecision::Rewind;
        }
        RetryDecision::None(FlowOutcome::Failed(Box::new(failure.clone())))
    }
}
