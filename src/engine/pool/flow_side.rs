//! The flow's side of gates and pools: waits before steps, acquires and releases instances.

use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;

use crate::engine::flow::{FlowSupervisor, GateWait};
use crate::engine::messages::{
    Admit, Arrive, Assign, ReleaseInstance, ReleaseSlots, ScriptHandle, StepOver, Timing, send,
};
use crate::model::{Failure, FailureKind, RoleIndex, StepIndex};
use crate::process::Grace;

use super::instances::Assigned;

impl FlowSupervisor {
    /// Performs the step, after waiting for its gates and for an instance of a pool.
    pub(in crate::engine) fn enter(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let state = &*self.state;
        let plan = &state.run.plan;
        let entry = &plan.steps[step.0];
        let role = entry.role;
        let is_pooled = plan.roles[role.0].pool.is_some();
        let takes_instance = is_pooled && state.roles[role.0].slot.is_none();
        if !takes_instance && entry.gates.is_open() {
            return self.perform(step, ctx);
        }
        let now = Instant::now();
        let arrive = Arrive {
            flow: state.number,
            step,
            takes_instance,
        };
        // Without a coordinator the run is over, and all flows are being ended.
        let _ = send(&state.coordinator.arrive, arrive);
        if let Some(allowed) = plan.defaults.flow {
            let left = (state.builder.started() + allowed).saturating_duration_since(now);
            ctx.run_later(left, move |supervisor, ctx| {
                if supervisor.waiting.is_some_and(|it| it.step == step) {
                    supervisor.waited_too_long(step, ctx);
                }
            });
        }
        self.waiting = Some(GateWait { step, since: now });
    }

    fn waited_too_long(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let plan = &self.state.run.plan;
        let entry = &plan.steps[step.0];
        let role = &plan.roles[entry.role.0];
        let allowed = humantime::format_duration(plan.defaults.flow.unwrap_or_default());
        let whom = if role.pool.is_some() && self.state.roles[entry.role.0].slot.is_none() {
            format!("a free instance of `{}`", role.name)
        } else {
            "other flows".to_owned()
        };
        let message = format!("the flow timed out after {allowed}, waiting for {whom}");
        let mut failure =
            Failure::new(FailureKind::Timeout, message).at(entry.name.clone(), role.name.clone());
        failure.turn = entry.place.to_string();
        self.stop_waiting();
        let now = Instant::now();
        let timing = Timing::between(now, now);
        self.step_failed(step, timing, Vec::new(), Box::new(failure), ctx);
    }

    /// The flow waits no more.
    pub(in crate::engine) fn stop_waiting(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            self.state.builder.has_waited(waiting.since.elapsed());
        }
    }

    fn admitted(
        &mut self,
        step: StepIndex,
        assigned: Option<Assigned<ScriptHandle>>,
        ctx: &mut Context<Self>,
    ) {
        let Some(Assigned { slot, instance }) = assigned else {
            return self.perform(step, ctx);
        };
        self.state.role(slot.role).slot = Some(slot);
        let Some(mut script) = instance else {
            return self.perform(step, ctx);
        };
        script.instance = self.state.next_instance(slot.role);
        let assign = Assign {
            owner: Self::script_owner(ctx.address()),
            instance: script.instance,
        };
        let asking = script.assign.send(assign).into_actor(self);
        ctx.spawn(asking.map(move |is_alive, supervisor, ctx| {
            // One whose mailbox is closed has just ended.
            supervisor.instance_assigned(step, script, is_alive.unwrap_or(false), ctx);
        }));
    }

    /// A script of a pool is assigned to this flow now, if it is still alive.
    fn instance_assigned(
        &mut self,
        step: StepIndex,
        script: ScriptHandle,
        is_alive: bool,
        ctx: &mut Context<Self>,
    ) {
        let is_wanted = self.machine.step() == Some(step);
        if !is_alive || !is_wanted {
            // One that is gone has ended already.
            let _ = script.end(Grace::default());
            if is_wanted {
                self.replaces_instance(step);
                self.perform(step, ctx);
            }
            return;
        }
        let role = script.instance.role;
        self.state.role(role).script = Some(script);
        self.machine.script_started(role);
        if !self.state.run.plan.steps[step.0].starts_script {
            return self.perform(step, ctx);
        }
        // It is logged in: that is the purpose of its role's first step.
        self.step_over(step);
        self.skip(step, ctx);
    }

    /// The instance in the flow's slot for this step has ended, and the flow starts another one.
    pub(in crate::engine) fn replaces_instance(&self, step: StepIndex) {
        let state = &*self.state;
        let role = state.run.plan.steps[step.0].role;
        if let Some(slot) = state.roles[role.0].slot {
            state
                .run
                .emit(slot.replaced(state.number, step, state.run.plan.load.segment));
        }
    }

    /// Gives up the exclusive access of a step.
    pub(in crate::engine) fn step_over(&self, step: StepIndex) {
        let state = &*self.state;
        if state.run.plan.steps[step.0].gates.exclusive.is_some() {
            let flow = state.number;
            // Without a coordinator no flow waits for it.
            let _ = send(&state.coordinator.step_over, StepOver { flow, step });
        }
    }

    /// Gives up its slots of pools, in which none of its scripts is alive any more.
    pub(in crate::engine) fn release_slots(&mut self) {
        let slots = self.state.roles.iter_mut();
        if slots.filter_map(|role| role.slot.take()).count() > 0 {
            let flow = self.state.number;
            // Without a coordinator no flow waits for them.
            let _ = send(&self.state.coordinator.release_slots, ReleaseSlots { flow });
        }
    }

    /// Gives a script back to its pool.
    pub(in crate::engine) fn release(&mut self, role: RoleIndex) {
        let scope = Arc::clone(self.state.values_for(role));
        let state = self.state.role(role);
        let (Some(script), Some(slot)) = (state.script.take(), state.slot.take()) else {
            return;
        };
        let release = ReleaseInstance {
            slot,
            script,
            scope,
        };
        // Without a coordinator the run is over, and its scripts are ended with it.
        let _ = send(&self.state.coordinator.release_instance, release);
    }
}

impl Handler<Admit> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, admit: Admit, ctx: &mut Self::Context) {
        if self.waiting.is_some_and(|it| it.step == admit.step) {
            self.stop_waiting();
            return self.admitted(admit.step, admit.assigned, ctx);
        }
        // The flow has given up meanwhile, and the coordinator learns that by its end.
        if let Some(script) = admit.assigned.and_then(|assigned| assigned.instance) {
            // One that is gone has ended already.
            let _ = script.end(Grace::default());
        }
    }
}
