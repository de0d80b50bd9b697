//! Faults injected in a flow, and its recovery from them.

use std::time::Instant;

use crate::engine::messages::Injected;
use crate::model::{
    Failure, Injection, InjectionOutcome, InjectionRecord, InstanceId, StepIndex, micros,
};
use crate::scenario::Plan;

/// The faults that were injected in one flow so far.
#[derive(Default)]
pub(in crate::engine) struct Injections(Vec<InjectedFault>);

struct InjectedFault {
    at: Instant,
    injection: Injection,
    outcome: InjectionOutcome,
    /// Time until its step was completed, once it was.
    recovered_after_us: Option<u64>,
    /// True if its step had its last evidence already: its effects show in a later step of the
    /// role.
    came_too_late: bool,
}

impl Injections {
    pub(in crate::engine) fn extend(&mut self, injected: Vec<Injected>) {
        let faults = injected.into_iter().map(|it| InjectedFault {
            at: it.at,
            injection: *it.injection,
            outcome: it.outcome,
            recovered_after_us: None,
            came_too_late: false,
        });
        self.0.extend(faults);
    }

    /// Notes that the step was completed, with its last evidence at `ended`: the flow has
    /// recovered from earlier faults in it, at whichever attempt.
    pub(in crate::engine) fn recover(&mut self, plan: &Plan, step: StepIndex, ended: Instant) {
        let role = plan.steps[step.0].role;
        for fault in &mut self.0 {
            let injection = &fault.injection;
            if fault.outcome == InjectionOutcome::Missed
                || fault.recovered_after_us.is_some()
                || injection.instance.role != role
            {
                continue;
            }
            if ended <= fault.at {
                fault.came_too_late |= injection.step == step;
            } else if injection.step == step || fault.came_too_late {
                let after = ended.saturating_duration_since(fault.at);
                fault.recovered_after_us = Some(micros(after));
            }
        }
    }

    /// Adds to a failure the faults that were injected into its script before. A hint for what
    /// fails by itself would mislead then.
    pub(in crate::engine) fn blame(&self, instance: Option<InstanceId>, failure: &mut Failure) {
        let injected = self.0.iter();
        let injected = injected.filter(|it| it.outcome == InjectionOutcome::Injected);
        let injections = injected.map(|it| &it.injection);
        let what: Vec<_> = injections
            .filter(|it| Some(it.instance) == instance)
            .map(|it| it.what.as_str())
            .collect();
        if !what.is_empty() {
            let what = what.join(", ");
            failure
                .message
                .push_str(&format!(" (chaos before that: {what})"));
            failure.hint = None;
        }
    }

    /// Takes the records of all faults of a flow that started at `started`.
    pub(in crate::engine) fn take_records(
        &mut self,
        plan: &Plan,
        started: Instant,
    ) -> Vec<InjectionRecord> {
        let record = |fault: InjectedFault| {
            let injection = fault.injection;
            InjectionRecord {
                kind: injection.kind,
                outcome: fault.outcome,
                what: injection.what,
                role: plan.roles[injection.instance.role.0].name.clone(),
                attempt: injection.instance.attempt,
                step: plan.steps[injection.step.0].name.clone(),
                turn: injection.turn,
                after_us: micros(fault.at.saturating_duration_since(started)),
                recovered_after_us: fault.recovered_after_us,
            }
        };
        std::mem::take(&mut self.0)
            .into_iter()
            .map(record)
            .collect()
    }
}
