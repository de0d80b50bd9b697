//! Retries of steps and of the flow after a failure.

use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;

use crate::engine::flow::machine::RetryDecision;
use crate::engine::flow::record_builder::StepTimes;
use crate::engine::messages::{ActionKind, Timing};
use crate::model::{Failure, NamedValue, RetriedPart, StepIndex, StepOutcome, TurnRecord};

use super::FlowSupervisor;

impl FlowSupervisor {
    /// The current step has failed, or the log-in of a new script before it.
    pub(in crate::engine) fn step_failed(
        &mut self,
        step: StepIndex,
        timing: Timing,
        turns: Vec<TurnRecord>,
        mut failure: Box<Failure>,
        ctx: &mut Context<Self>,
    ) {
        let state = &*self.state;
        let plan = &state.run.plan;
        let script = state.script(plan.steps[step.0].role);
        let instance = script.map(|script| script.instance);
        state.injections.blame(instance, &mut failure);
        self.attempts.action_failed();
        let allowed = plan.defaults.flow;
        let is_late = allowed.is_some_and(|it| state.builder.started() + it <= Instant::now());
        let retry = self.attempts.decide(plan, step, &failure, is_late);
        let (outcome, retried) = match retry {
            RetryDecision::None(_) => (StepOutcome::Failed, None),
            RetryDecision::Repeat | RetryDecision::Restart => {
                (StepOutcome::Retried, Some(RetriedPart::Step))
            }
            RetryDecision::Rewind => (StepOutcome::Retried, Some(RetriedPart::Flow)),
        };
        let taken = StepTimes {
            step,
            outcome,
            timing,
            turns,
        };
        self.note_step(taken, Some(failure.clone()));
        if let Some(what) = retried {
            let forgotten = self.forget(&retry);
            let builder = &mut self.state.builder;
            builder.retried(what, step, *failure, timing.ended, forgotten);
        }
        if retried != Some(RetriedPart::Step) {
            self.step_over(step);
        }
        let effects = self.machine.failed(retry);
        self.apply(effects, ctx);
    }

    /// Takes the values back to those before the step or the flow, and returns the captures that
    /// are forgotten. Effects of the flow on its programs stay.
    fn forget(&mut self, retry: &RetryDecision) -> Vec<NamedValue> {
        let Some(before) = self.attempts.values_before(retry) else {
            return Vec::new();
        };
        let mut captured = self.state.shown_captures();
        self.state.scope = Arc::new(self.state.scope.rolled_back(before));
        let kept = self.state.shown_captures();
        captured.retain(|it| !kept.contains(it));
        captured
    }

    /// Performs a step again that has failed, after a pause if that is wanted.
    pub(super) fn repeat(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let policy = self.state.run.plan.steps[step.0].retry.as_ref();
        let delay = policy.map_or_else(Default::default, |policy| policy.delay);
        self.state.builder.delays_retry(delay);
        self.after(delay, ctx, move |supervisor, ctx| {
            if supervisor.machine.step() != Some(step) {
                return;
            }
            let plan = &supervisor.state.run.plan;
            let role = plan.steps[step.0].role;
            let first = plan.steps.iter().position(|it| it.role == role);
            let first = StepIndex(first.unwrap_or(step.0));
            let is_alive = supervisor.state.script(role).is_some();
            if !is_alive {
                supervisor.replaces_instance(step);
            }
            if first == step || is_alive {
                supervisor.perform(step, ctx);
            } else {
                supervisor.perform_action(ActionKind::LogIn(first), first, step, ctx);
            }
        });
    }

    /// Starts the flow over, with the values that it had at first.
    pub(super) fn rewind(&mut self, ctx: &mut Context<Self>) {
        self.attempts.flow_begins();
        self.release_slots();
        let policy = self.state.run.plan.retry.as_ref();
        let delay = policy.map_or_else(Default::default, |policy| policy.delay);
        self.state.builder.delays_retry(delay);
        self.after(delay, ctx, |supervisor, ctx| {
            let effects = supervisor.machine.begin();
            supervisor.apply(effects, ctx);
        });
    }
}
