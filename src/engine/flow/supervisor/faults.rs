//! Faults injected in a flow, and their outcome.

use std::time::Instant;

use actix::prelude::*;

use crate::engine::messages::Injected;
use crate::model::micros;
use crate::model::{Failure, Injection, InjectionRecord, StepIndex};

use super::FlowSupervisor;

/// Something that chaos did.
pub(super) struct InjectedFaults {
    at: Instant,
    injection: Injection,
    /// From then until its step was completed, once it was.
    recovered_after_us: Option<u64>,
    /// The step in which it happened had its last evidence already: what follows shows in a later
    /// step of the role.
    came_too_late: bool,
}

impl Handler<Injected> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, injected: Injected, _: &mut Self::Context) {
        let Injected { injection, at } = injected;
        self.injections.push(InjectedFaults {
            at,
            injection: *injection,
            recovered_after_us: None,
            came_too_late: false,
        });
    }
}

impl FlowSupervisor {
    /// The step was completed, with its last evidence at `ended`: whatever chaos did in it before,
    /// at whichever attempt, is over.
    pub(super) fn recover(&mut self, step: StepIndex, ended: Instant) {
        let role = self.run.plan.steps[step.0].role;
        for faults in &mut self.injections {
            let InjectedFaults {
                at,
                injection,
                recovered_after_us,
                came_too_late,
            } = faults;
            if recovered_after_us.is_some() || injection.instance.role != role {
                continue;
            }
            if ended <= *at {
                *came_too_late |= injection.step == step;
            } else if injection.step == step || *came_too_late {
                *recovered_after_us = Some(micros(ended.saturating_duration_since(*at)));
            }
        }
    }

    /// A failure of a step, with what chaos did to its script before. A hint for what fails by
    /// itself would mislead then.
    pub(super) fn blame(&self, step: StepIndex, mut failure: Box<Failure>) -> Box<Failure> {
        let role = self.run.plan.steps[step.0].role;
        let instance = self.assigned(role).map(|assigned| assigned.instance);
        let injections = self.injections.iter().map(|it| &it.injection);
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
        failure
    }

    /// All that chaos did.
    pub(super) fn take_injections(&mut self) -> Vec<InjectionRecord> {
        let plan = &self.run.plan;
        let started = self.builder.started();
        let record = |faults: InjectedFaults| {
            let injection = faults.injection;
            InjectionRecord {
                kind: injection.kind,
                what: injection.what,
                role: plan.roles[injection.instance.role.0].name.clone(),
                attempt: injection.instance.attempt,
                step: plan.steps[injection.step.0].name.clone(),
                turn: injection.turn,
                after_us: micros(faults.at.saturating_duration_since(started)),
                recovered_after_us: faults.recovered_after_us,
            }
        };
        let injections = std::mem::take(&mut self.injections);
        injections.into_iter().map(record).collect()
    }
}
