//! Retries of steps and of the flow after a failure.

use std::time::Instant;

use actix::prelude::*;

use crate::engine::flow::machine::Retry;
use crate::engine::messages::{ActionKind, Timing};
use crate::model::{
    Activity, Failure, FlowOutcome, NamedValue, RetriedPart, StepIndex, StepOutcome, TurnRecord,
};
use crate::scenario::{Plan, Scope};

use super::FlowSupervisor;
use super::record_builder::StepTimes;
use super::step_results::shown_captures;

/// What a flow remembers in order to perform something again.
pub(super) struct Recovery {
    /// The number of times the current step was begun in this attempt at the flow, be it with a
    /// log-in.
    step_attempts: u32,
    /// Its script is being logged in again.
    is_logging_in: bool,
    /// The number of times the flow was begun.
    flow_attempts: u32,
    /// The values before the current step, if it may be repeated.
    before_step: Option<Box<Scope>>,
    /// The values that the flow began with, if it may be repeated.
    before_flow: Option<Box<Scope>>,
}

impl Recovery {
    pub(super) fn new(plan: &Plan, scope: &Scope) -> Self {
        Recovery {
            step_attempts: 0,
            is_logging_in: false,
            flow_attempts: 1,
            before_step: None,
            before_flow: plan.retry.as_ref().map(|_| Box::new(scope.clone())),
        }
    }

    /// A step is begun for the first time.
    pub(super) fn step_begins(&mut self, plan: &Plan, step: StepIndex, scope: Option<&Scope>) {
        let may_repeat = plan.steps[step.0].retry.is_some();
        self.before_step = scope
            .filter(|_| may_repeat)
            .map(|scope| Box::new(scope.clone()));
        self.step_attempts = 0;
        self.is_logging_in = false;
    }

    /// The current step, or the log-in for its sake, is begun.
    pub(super) fn begins(&mut self, kind: ActionKind) {
        // What follows on a log-in belongs to the same attempt.
        if !std::mem::replace(
            &mut self.is_logging_in,
            matches!(kind, ActionKind::LogIn(_)),
        ) {
            self.step_attempts += 1;
        }
    }
}

impl FlowSupervisor {
    /// The current step has failed, be it while its script was logged in for it again.
    pub(super) fn step_failed(
        &mut self,
        step: StepIndex,
        timing: Timing,
        turns: Vec<TurnRecord>,
        failure: Box<Failure>,
        ctx: &mut Context<Self>,
    ) {
        let failure = self.blame(step, failure);
        self.recovery.is_logging_in = false;
        let remedy = self.remedy(step, &failure);
        let (outcome, retried) = match remedy {
            Retry::None(_) => (StepOutcome::Failed, None),
            Retry::Repeat | Retry::Restart => (StepOutcome::Retried, Some(RetriedPart::Step)),
            Retry::Rewind => (StepOutcome::Retried, Some(RetriedPart::Flow)),
        };
        let taken = StepTimes {
            step,
            outcome,
            timing,
            turns,
        };
        self.note_step(taken, Some(failure.clone()));
        if let Some(what) = retried {
            let forgotten = self.forget(what);
            let at = timing.ended;
            self.builder.retried(what, step, *failure, at, forgotten);
        }
        if retried != Some(RetriedPart::Step) {
            self.step_over(step);
        }
        let actions = self.machine.failed(remedy);
        self.obey(actions, ctx);
    }

    /// Takes the values back to what they were before the step, or the flow. What had been captured
    /// since then and is forgotten; what programs did for it is not undone.
    fn forget(&mut self, what: RetriedPart) -> Vec<NamedValue> {
        let before = match what {
            RetriedPart::Step => &self.recovery.before_step,
            RetriedPart::Flow => &self.recovery.before_flow,
        };
        let captured = std::mem::take(&mut self.captures);
        if let (Some(scope), Some(before)) = (&self.scope, before) {
            let scope = scope.rolled_back(before);
            self.captures = shown_captures(&scope);
            self.scope = Some(scope);
        }
        let kept = &self.captures;
        captured
            .into_iter()
            .filter(|it| !kept.contains(it))
            .collect()
    }

    /// What follows on the failure of a step.
    fn remedy(&self, step: StepIndex, failure: &Failure) -> Retry {
        let plan = &self.run.plan;
        let is_late = plan
            .defaults
            .flow
            .is_some_and(|allowed| self.builder.started() + allowed <= Instant::now());
        if !is_late {
            let recovery = &self.recovery;
            let attempts = recovery.step_attempts;
            match &plan.steps[step.0].retry {
                Some(policy) if policy.follows(attempts, &failure.kind) => {
                    let lives = failure.activity != Activity::Gone;
                    return if lives && !policy.restart {
                        Retry::Repeat
                    } else {
                        Retry::Restart
                    };
                }
                _ => {}
            }
            match &plan.retry {
                Some(policy) if policy.follows(recovery.flow_attempts, &failure.kind) => {
                    return Retry::Rewind;
                }
                _ => {}
            }
        }
        Retry::None(FlowOutcome::Failed(Box::new(failure.clone())))
    }

    /// Performs a step again that has failed, after a pause if that is wanted.
    pub(super) fn repeat(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let policy = self.run.plan.steps[step.0].retry.as_ref();
        let delay = policy.map_or_else(Default::default, |policy| policy.delay);
        self.after(delay, ctx, move |supervisor, ctx| {
            if supervisor.machine.step() != Some(step) {
                return;
            }
            let plan = &supervisor.run.plan;
            let role = plan.steps[step.0].role;
            let first = plan.steps.iter().position(|it| it.role == role);
            let first = StepIndex(first.unwrap_or(step.0));
            if first == step || supervisor.assigned(role).is_some() {
                supervisor.perform(step, ctx);
            } else {
                supervisor.perform_action(ActionKind::LogIn(first), step, ctx);
            }
        });
    }

    /// Begins the flow anew, with the values that it had at first.
    pub(super) fn rewind(&mut self, ctx: &mut Context<Self>) {
        self.recovery.flow_attempts += 1;
        self.release_slots();
        let policy = self.run.plan.retry.as_ref();
        let delay = policy.map_or_else(Default::default, |policy| policy.delay);
        self.after(delay, ctx, |supervisor, ctx| {
            let actions = supervisor.machine.begin();
            supervisor.obey(actions, ctx);
        });
    }
}
