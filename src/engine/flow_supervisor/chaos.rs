//! What chaos did in a flow, and what came of it.

use std::time::Instant;

use actix::prelude::*;

use crate::engine::context::micros;
use crate::engine::messages::Injected;
use crate::model::{Failure, InjectionRecord, RoleIndex, StepIndex};

use super::FlowSupervisor;

impl Handler<Injected> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, injected: Injected, _: &mut Self::Context) {
        let Injected { injection, at } = injected;
        let record = InjectionRecord {
            injection: *injection,
            after_us: micros(at.saturating_duration_since(self.started)),
            recovered_after_us: None,
        };
        self.injections.push((at, record));
    }
}

impl FlowSupervisor {
    /// The step was completed, with its last evidence at `ended`: whatever chaos did in it, at
    /// whichever attempt, is over.
    pub(super) fn recover(&mut self, step: StepIndex, ended: Instant) {
        let open = self
            .injections
            .iter_mut()
            .filter(|(_, it)| it.injection.step == step && it.recovered_after_us.is_none());
        for (at, record) in open {
            record.recovered_after_us = Some(micros(ended.saturating_duration_since(*at)));
        }
    }

    /// A failure of a role, with what chaos did to that role's present script before.
    pub(super) fn blame(&self, role: RoleIndex, mut failure: Box<Failure>) -> Box<Failure> {
        let of_role = self.injections.iter().map(|(_, record)| &record.injection);
        let of_role = of_role.filter(|it| it.instance.role == role);
        let latest = of_role.clone().map(|it| it.instance.attempt).max();
        let what: Vec<_> = of_role
            .filter(|it| Some(it.instance.attempt) == latest)
            .map(|it| it.what.as_str())
            .collect();
        if !what.is_empty() {
            let what = what.join(", ");
            failure
                .message
                .push_str(&format!(" (chaos before that: {what})"));
        }
        failure
    }
}
