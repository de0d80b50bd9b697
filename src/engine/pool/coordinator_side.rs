//! The coordinator's side of gates and pools: admits flows, and looks after pooled script instances
//! between flows.

use std::time::Instant;

use actix::prelude::*;

use crate::engine::coordinator::Coordinator;
use crate::engine::messages::{
    ActionKind, Admit, Arrive, Assign, Deadline, DeadlineOwner, Perform, Performed,
    ReleaseInstance, ReleaseSlots, ScriptEnded, ScriptHandle, ScriptOwner, StepOver, send,
};
use crate::engine::values::Snapshot;
use crate::model::{FlowNumber, InstanceId, RoleIndex, RunEvent};
use crate::process::Grace;

use super::gates::{GateEffect, Gates};
use super::instances::Slot;

/// Ends a script that no flow uses.
fn end(script: &ScriptHandle, grace: Grace) {
    // One that is gone has ended already.
    let _ = script.end(grace);
}

impl Coordinator {
    /// Asks the gates, and applies their effects.
    fn at_gates(
        &mut self,
        ctx: &mut Context<Self>,
        ask: impl FnOnce(&mut Gates<ScriptHandle>, Instant) -> Vec<GateEffect<ScriptHandle>>,
    ) {
        let Some(pools) = &mut self.pools else {
            return;
        };
        let now = Instant::now();
        let effects = ask(&mut pools.gates, now);
        self.apply(effects);
        let in_flight = self.in_flight.len();
        if let Some(pools) = &mut self.pools
            && !self.may_start
        {
            let effects = pools.gates.break_stall(in_flight, now);
            self.apply(effects);
        }
        self.set_gate_alarm(now, ctx);
    }

    fn apply(&mut self, effects: Vec<GateEffect<ScriptHandle>>) {
        for effect in effects {
            match effect {
                GateEffect::Admit {
                    flow,
                    step,
                    assigned,
                } => match self.in_flight.get(&flow) {
                    Some(in_flight) => {
                        let starts = assigned.as_ref().filter(|it| it.instance.is_none());
                        if let (Some(starts), Some(pools)) = (starts, &mut self.pools)
                            && !pools.used.insert(starts.slot)
                        {
                            self.run.emit(starts.slot.replaced(
                                flow,
                                step,
                                self.run.plan.load.segment,
                            ));
                        }
                        // A flow that is gone has reported its end, which frees its slots.
                        let _ = send(&in_flight.flow.admit, Admit { step, assigned });
                    }
                    None => {
                        if let Some(script) = assigned.and_then(|assigned| assigned.instance) {
                            end(&script, Grace::default());
                        }
                    }
                },
                GateEffect::GroupIncomplete { step, came, wanted } => {
                    let name = &self.run.plan.steps[step.0].name;
                    let text = format!(
                        "only {came} of {wanted} flows performed `{name}` together: no others arrived"
                    );
                    self.run.emit(RunEvent::Notice { flow: None, text });
                }
                GateEffect::Abandon(script) => end(&script, Grace::default()),
            }
        }
    }

    fn set_gate_alarm(&mut self, now: Instant, ctx: &mut Context<Self>) {
        let Some(pools) = &mut self.pools else {
            return;
        };
        if let Some(alarm) = pools.alarm.take() {
            ctx.cancel_future(alarm);
        }
        let Some(moment) = pools.gates.next_moment() else {
            return;
        };
        let wait = moment.saturating_duration_since(now);
        pools.alarm = Some(ctx.run_later(wait, |coordinator, ctx| {
            if let Some(pools) = &mut coordinator.pools {
                pools.alarm = None;
            }
            coordinator.at_gates(ctx, Gates::ring);
        }));
    }

    /// Looks at the gates after a change of the flows that may still come: a group that cannot be
    /// complete any more is released.
    pub(in crate::engine) fn look_at_gates(&mut self, ctx: &mut Context<Self>) {
        self.at_gates(ctx, |_, _| Vec::new());
    }

    /// A flow is over.
    pub(in crate::engine) fn flow_is_gone(&mut self, flow: FlowNumber, ctx: &mut Context<Self>) {
        self.at_gates(ctx, |gates, now| gates.gone(flow, now));
    }

    /// Lets the scripts of pools leave, as all flows are over.
    pub(in crate::engine) fn close_pools(&mut self) {
        let Some(pools) = &mut self.pools else {
            return;
        };
        let plan = &self.run.plan;
        for (slot, script) in pools.gates.take_idle() {
            let leaves = plan.roles[slot.role.0].leave.is_some();
            match pools.scopes.get(&slot).filter(|_| leaves) {
                Some(scope) => {
                    let perform = Perform {
                        kind: ActionKind::Leave,
                        values: Snapshot::new(scope),
                        deadline: Deadline::of_leave(plan),
                        flow_deadline: None,
                        attempt: 1,
                    };
                    // One that is gone has reported its end.
                    let _ = send(&script.perform, perform);
                }
                None => end(&script, Grace::default()),
            }
        }
    }

    /// Ends the scripts of pools that no flow has.
    pub(in crate::engine) fn end_pools(&mut self, grace: Grace) {
        if let Some(pools) = &mut self.pools {
            pools.gates.take_idle();
            pools.gates.busy().for_each(|script| end(script, grace));
        }
    }

    fn complain(&self, role: RoleIndex, what: &str) {
        let title = &self.run.plan.roles[role.0].title;
        let text = format!("{title} {what}");
        self.run.emit(RunEvent::Notice { flow: None, text });
    }

    /// Returns the slot of an instance that no flow has.
    fn slot_of(&self, instance: InstanceId) -> Option<Slot> {
        let gates = &self.pools.as_ref()?.gates;
        gates.slot_of(instance.role, |script| script.instance == instance)
    }
}

impl Handler<Arrive> for Coordinator {
    type Result = ();

    fn handle(&mut self, arrived: Arrive, ctx: &mut Self::Context) {
        if !self.in_flight.contains_key(&arrived.flow) {
            return;
        }
        self.at_gates(ctx, |gates, now| {
            gates.arrive(arrived.flow, arrived.step, arrived.takes_instance, now)
        });
    }
}

impl Handler<StepOver> for Coordinator {
    type Result = ();

    fn handle(&mut self, over: StepOver, ctx: &mut Self::Context) {
        self.at_gates(ctx, |gates, now| gates.step_over(over.flow, over.step, now));
    }
}

impl Handler<ReleaseSlots> for Coordinator {
    type Result = ();

    fn handle(&mut self, order: ReleaseSlots, ctx: &mut Self::Context) {
        self.at_gates(ctx, |gates, now| gates.release_slots(order.flow, now));
    }
}

impl Handler<ReleaseInstance> for Coordinator {
    type Result = ();

    fn handle(&mut self, back: ReleaseInstance, ctx: &mut Self::Context) {
        let ReleaseInstance {
            slot,
            script,
            scope,
        } = back;
        let assign = Assign {
            owner: ScriptOwner {
                is_pool: true,
                performed: ctx.address().recipient(),
                ended: ctx.address().recipient(),
            },
            instance: script.instance,
        };
        let return_to_menu = Perform {
            kind: ActionKind::ReturnToMenu,
            values: Snapshot::new(&scope),
            deadline: Deadline::after(self.run.plan.defaults.step, DeadlineOwner::ReturnToMenu),
            flow_deadline: None,
            attempt: 1,
        };
        let sent =
            send(&script.assign, assign).and_then(|()| send(&script.perform, return_to_menu));
        if let Some(pools) = &mut self.pools {
            pools.scopes.insert(slot, scope);
        }
        self.at_gates(ctx, |gates, now| {
            gates.release(slot, script);
            match sent {
                Ok(()) => Vec::new(),
                Err(_) => gates.ended(slot, now),
            }
        });
    }
}

impl Handler<Performed> for Coordinator {
    type Result = ();

    fn handle(&mut self, performed: Performed, ctx: &mut Self::Context) {
        let Performed {
            instance,
            kind,
            result,
            pending,
            ..
        } = performed;
        let (Some(slot), Some(pools)) = (self.slot_of(instance), &mut self.pools) else {
            return;
        };
        if kind == ActionKind::ReturnToMenu && result.is_ok() {
            if let Some(scope) = pools.scopes.get_mut(&slot) {
                pending.new_values.add_to(scope);
            }
            self.at_gates(ctx, |gates, now| gates.returned_to_menu(slot, now));
            return self.proceed(ctx);
        }
        if let Some(script) = pools.gates.instance(slot) {
            end(script, Grace::default());
        }
        let Err(failure) = result else {
            return;
        };
        let message = &failure.message;
        let what = match kind {
            ActionKind::Leave => format!("did not leave well: {message}"),
            _ => format!("did not get back to its menu, and another takes its place: {message}"),
        };
        self.complain(instance.role, &what);
    }
}

impl Handler<ScriptEnded> for Coordinator {
    type Result = ();

    fn handle(&mut self, ended: ScriptEnded, ctx: &mut Self::Context) {
        if let Some(record) = ended.record {
            self.collector.pooled_process_ended(&record);
            self.run.emit(RunEvent::PooledScriptEnded(record));
        }
        if let Some(slot) = self.slot_of(ended.instance) {
            self.at_gates(ctx, |gates, now| gates.ended(slot, now));
        }
        self.proceed(ctx);
    }
}
