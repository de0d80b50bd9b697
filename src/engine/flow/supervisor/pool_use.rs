//! The flow's side of gates and pools: waits before steps, acquires and releases instances.

use std::time::Instant;

use actix::prelude::*;

use crate::engine::messages::{
    Admit, Arrive, Assign, EndScript, ReleaseInstance, ReleaseSlots, StepOver, Timing, send,
};
use crate::engine::pool::Assigned;
use crate::engine::script::ScriptActor;
use crate::model::{Activity, Failure, FailureKind, RoleIndex, StepIndex};
use crate::process::Grace;

use super::{AssignedScript, FlowSupervisor};

/// A step before which the flow waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct GateWait {
    pub(super) step: StepIndex,
    since: Instant,
}

impl FlowSupervisor {
    /// Performs the step, after waiting for its gates and for an instance of a pool.
    pub(super) fn enter(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let entry = &self.run.plan.steps[step.0];
        let role = entry.role;
        let is_pooled = self.run.plan.roles[role.0].pool.is_some();
        let takes_instance = is_pooled && self.role_states[role.0].slot.is_none();
        if !takes_instance && entry.gates.is_open() {
            return self.perform(step, ctx);
        }
        let now = Instant::now();
        self.waiting = Some(GateWait { step, since: now });
        let arrive = Arrive {
            flow: self.number,
            step,
            takes_instance,
        };
        // Without a coordinator the run is over, and all flows are being ended.
        let _ = send(&self.report.coordinator, arrive);
        if let Some(allowed) = self.run.plan.defaults.flow {
            let left = (self.builder.started() + allowed).saturating_duration_since(now);
            ctx.run_later(left, move |supervisor, ctx| {
                if supervisor.waiting.is_some_and(|it| it.step == step) {
                    supervisor.waited_too_long(step, ctx);
                }
            });
        }
    }

    fn waited_too_long(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let plan = &self.run.plan;
        let entry = &plan.steps[step.0];
        let role = &plan.roles[entry.role.0];
        let allowed = humantime::format_duration(plan.defaults.flow.unwrap_or_default());
        let whom = if role.pool.is_some() && self.role_states[entry.role.0].slot.is_none() {
            format!("a free instance of `{}`", role.name)
        } else {
            "other flows".to_owned()
        };
        let failure = Box::new(Failure {
            kind: FailureKind::Timeout,
            step: entry.name.clone(),
            role: role.name.clone(),
            turn: entry.place.to_string(),
            message: format!("the flow's {allowed} were over while it waited for {whom}"),
            awaited: Vec::new(),
            waited_us: 0,
            activity: Activity::Unknown,
            tail: String::new(),
            hint: None,
        });
        self.stop_waiting();
        let now = Instant::now();
        self.step_failed(step, Timing::between(now, now), Vec::new(), failure, ctx);
    }

    /// The flow waits no more; gives the step for which it did.
    pub(super) fn stop_waiting(&mut self) -> Option<StepIndex> {
        let waiting = self.waiting.take()?;
        self.builder.has_waited(waiting.since.elapsed());
        Some(waiting.step)
    }

    fn admitted(
        &mut self,
        step: StepIndex,
        assigned: Option<Assigned<Addr<ScriptActor>>>,
        ctx: &mut Context<Self>,
    ) {
        let Some(Assigned { slot, instance }) = assigned else {
            return self.perform(step, ctx);
        };
        self.role_state(slot.role).slot = Some(slot);
        let Some(script) = instance else {
            return self.perform(step, ctx);
        };
        let instance = self.next_instance(slot.role);
        let assign = Assign {
            supervisor: ctx.address(),
            instance,
        };
        let asking = script.send(assign).into_actor(self);
        ctx.spawn(asking.map(move |lives, supervisor, ctx| {
            // One whose mailbox is closed has just ended.
            let lives = lives.unwrap_or(false);
            supervisor.instance_assigned(step, AssignedScript { script, instance }, lives, ctx);
        }));
    }

    /// A script of a pool belongs to this flow now, if it still lives.
    fn instance_assigned(
        &mut self,
        step: StepIndex,
        assigned: AssignedScript,
        lives: bool,
        ctx: &mut Context<Self>,
    ) {
        let is_wanted = self.machine.step() == Some(step);
        if !lives || !is_wanted {
            let grace = Grace::default();
            // One that is gone has ended already.
            let _ = send(&assigned.script, EndScript { grace });
            if is_wanted {
                self.perform(step, ctx);
            }
            return;
        }
        let role = assigned.instance.role;
        self.role_state(role).assigned = Some(assigned);
        self.machine.script_started(role);
        if !self.run.plan.steps[step.0].starts_script {
            return self.perform(step, ctx);
        }
        // It is logged in: that is what its role's first step is for.
        self.step_over(step);
        self.skip(step, ctx);
    }

    /// Lets others have what only one flow may have at a time.
    pub(super) fn step_over(&mut self, step: StepIndex) {
        if self.run.plan.steps[step.0].gates.exclusive.is_some() {
            let flow = self.number;
            // Without a coordinator nobody waits for it.
            let _ = send(&self.report.coordinator, StepOver { flow, step });
        }
    }

    /// Gives up its places in pools, in which nothing of the flow lives any more.
    pub(super) fn release_slots(&mut self) {
        let slots = self
            .role_states
            .iter_mut()
            .filter_map(|cast| cast.slot.take());
        if slots.count() > 0 {
            let flow = self.number;
            // Without a coordinator nobody waits for them.
            let _ = send(&self.report.coordinator, ReleaseSlots { flow });
        }
    }

    /// Gives a script back to its pool.
    pub(super) fn release(&mut self, role: RoleIndex) {
        let cast = self.role_state(role);
        let (Some(AssignedScript { script, .. }), Some(slot)) =
            (cast.assigned.take(), cast.slot.take())
        else {
            return;
        };
        let scope = Box::new(self.scope.clone().unwrap_or_default());
        let back = ReleaseInstance {
            slot,
            script,
            scope,
        };
        // Without a coordinator the run is over, and what lives is ended with it.
        let _ = send(&self.report.coordinator, back);
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
            let grace = Grace::default();
            // One that is gone has ended already.
            let _ = send(&script, EndScript { grace });
        }
    }
}
