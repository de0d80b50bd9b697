//! How a flow passes the gates of a step, and has scripts of pools for a while.

use std::time::Instant;

use actix::prelude::*;

use crate::engine::gates::Lent;
use crate::engine::messages::{
    Admit, Adopt, Arrive, EndScript, GiveBack, GiveUpSlots, StepOver, Timing, tell,
};
use crate::engine::script::ScriptActor;
use crate::model::{Activity, Failure, FailureKind, RoleIndex, StepIndex};
use crate::process::Grace;

use super::{Employed, FlowSupervisor};

/// A step before which the flow waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) step: StepIndex,
    since: Instant,
}

impl FlowSupervisor {
    /// Performs the step once nothing stands before it.
    pub(super) fn enter(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let entry = &self.run.plan.steps[step.0];
        let role = entry.role;
        let is_pooled = self.run.plan.roles[role.0].pool.is_some();
        let takes_instance = is_pooled && self.casts[role.0].slot.is_none();
        if !takes_instance && entry.gates.are_open() {
            return self.perform(step, ctx);
        }
        let now = Instant::now();
        self.waiting = Some(Waiting { step, since: now });
        let arrive = Arrive {
            flow: self.number,
            step,
            takes_instance,
        };
        // Without a coordinator the run is over, and all flows are being ended.
        let _ = tell(&self.report.coordinator, arrive);
        if let Some(allowed) = self.run.plan.defaults.flow {
            let left = (self.ledger.started() + allowed).saturating_duration_since(now);
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
        let whom = if role.pool.is_some() && self.casts[entry.role.0].slot.is_none() {
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
        self.ledger.has_waited(waiting.since.elapsed());
        Some(waiting.step)
    }

    fn admitted(
        &mut self,
        step: StepIndex,
        lent: Option<Lent<Addr<ScriptActor>>>,
        ctx: &mut Context<Self>,
    ) {
        let Some(Lent { slot, instance }) = lent else {
            return self.perform(step, ctx);
        };
        self.cast(slot.role).slot = Some(slot);
        let Some(script) = instance else {
            return self.perform(step, ctx);
        };
        let instance = self.next_instance(slot.role);
        let adopt = Adopt {
            supervisor: ctx.address(),
            instance,
        };
        let asking = script.send(adopt).into_actor(self);
        ctx.spawn(asking.map(move |lives, supervisor, ctx| {
            // One whose mailbox is closed has just ended.
            let lives = lives.unwrap_or(false);
            supervisor.adopted(step, Employed { script, instance }, lives, ctx);
        }));
    }

    /// A script of a pool belongs to this flow now, if it still lives.
    fn adopted(
        &mut self,
        step: StepIndex,
        employed: Employed,
        lives: bool,
        ctx: &mut Context<Self>,
    ) {
        let is_wanted = self.course.step() == Some(step);
        if !lives || !is_wanted {
            let grace = Grace::default();
            // One that is gone has ended already.
            let _ = tell(&employed.script, EndScript { grace });
            if is_wanted {
                self.perform(step, ctx);
            }
            return;
        }
        let role = employed.instance.role;
        self.cast(role).employed = Some(employed);
        self.course.script_started(role);
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
            let _ = tell(&self.report.coordinator, StepOver { flow, step });
        }
    }

    /// Gives up its places in pools, in which nothing of the flow lives any more.
    pub(super) fn give_up_slots(&mut self) {
        let slots = self.casts.iter_mut().filter_map(|cast| cast.slot.take());
        if slots.count() > 0 {
            let flow = self.number;
            // Without a coordinator nobody waits for them.
            let _ = tell(&self.report.coordinator, GiveUpSlots { flow });
        }
    }

    /// Gives a script back to its pool.
    pub(super) fn give_back(&mut self, role: RoleIndex) {
        let cast = self.cast(role);
        let (Some(Employed { script, .. }), Some(slot)) = (cast.employed.take(), cast.slot.take())
        else {
            return;
        };
        let scope = Box::new(self.scope.clone().unwrap_or_default());
        let back = GiveBack {
            slot,
            script,
            scope,
        };
        // Without a coordinator the run is over, and what lives is ended with it.
        let _ = tell(&self.report.coordinator, back);
    }
}

impl Handler<Admit> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, admit: Admit, ctx: &mut Self::Context) {
        if self.waiting.is_some_and(|it| it.step == admit.step) {
            self.stop_waiting();
            return self.admitted(admit.step, admit.lent, ctx);
        }
        // The flow has given up meanwhile, and the coordinator learns that by its end.
        if let Some(script) = admit.lent.and_then(|lent| lent.instance) {
            let grace = Grace::default();
            // One that is gone has ended already.
            let _ = tell(&script, EndScript { grace });
        }
    }
}
