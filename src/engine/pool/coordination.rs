//! The coordinator's side of gates and pools: admits flows, and looks after pooled script instances
//! between flows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::engine::context::RunContext;
use crate::engine::flow::LEAVE_TIMEOUT;

use crate::engine::messages::{
    ActionKind, Admit, Arrive, Deadline, EndScript, Perform, PooledEnded, ReleaseInstance,
    ReleaseSlots, Settle, Settled, StepOver, Whose, send,
};
use crate::engine::script::ScriptActor;
use crate::model::{FlowNumber, RunEvent};
use crate::process::Grace;
use crate::scenario::Scope;

use crate::engine::coordinator::Coordinator;

use super::gates::{Effect, Gates, Slot};

/// The gates of a run, with what their scripts need between flows.
pub(in crate::engine) struct Pools {
    gates: Gates<Addr<ScriptActor>>,
    /// The values that a pool's script was given back with.
    scopes: BTreeMap<Slot, Box<Scope>>,
    /// When the gates are to be looked at again.
    alarm: Option<SpawnHandle>,
}

impl Pools {
    /// The gates of the plan, if it has any.
    pub(in crate::engine) fn of(run: &RunContext) -> Option<Self> {
        run.plan.has_gates().then(|| Pools {
            gates: Gates::of(&run.plan),
            scopes: BTreeMap::new(),
            alarm: None,
        })
    }

    /// Returns whether no pool has a script any more.
    pub(in crate::engine) fn is_over(&self) -> bool {
        self.gates.is_empty()
    }
}

/// To a script that is not performing.
fn end(script: &Addr<ScriptActor>, grace: Grace) {
    // One that is gone has ended already.
    let _ = send(script, EndScript { grace });
}

impl Coordinator {
    /// Asks the gates, and does what they say.
    fn at_gates(
        &mut self,
        ctx: &mut Context<Self>,
        ask: impl FnOnce(&mut Gates<Addr<ScriptActor>>, Instant) -> Vec<Effect<Addr<ScriptActor>>>,
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

    fn apply(&mut self, effects: Vec<Effect<Addr<ScriptActor>>>) {
        for effect in effects {
            match effect {
                Effect::Admit {
                    flow,
                    step,
                    assigned,
                } => match self.in_flight.get(&flow) {
                    Some(in_flight) => {
                        // The end of one that is gone is on its way, and frees what it had.
                        let _ = send(&in_flight.supervisor, Admit { step, assigned });
                    }
                    None => {
                        if let Some(script) = assigned.and_then(|assigned| assigned.instance) {
                            end(&script, Grace::default());
                        }
                    }
                },
                Effect::WentShort { step, came, wanted } => {
                    let name = &self.run.plan.steps[step.0].name;
                    let flows = if came == 1 { "flow" } else { "flows" };
                    let text = format!(
                        "{came} {flows} performed `{name}` together, not {wanted}: no more came"
                    );
                    self.run.emit(RunEvent::Notice { flow: None, text });
                }
                Effect::Abandon(script) => end(&script, Grace::default()),
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

    /// Flows can come no more, or again: those who wait for company may have to go without.
    pub(in crate::engine) fn look_at_gates(&mut self, ctx: &mut Context<Self>) {
        self.at_gates(ctx, |_, _| Vec::new());
    }

    /// A flow is over.
    pub(in crate::engine) fn flow_is_gone(&mut self, flow: FlowNumber, ctx: &mut Context<Self>) {
        self.at_gates(ctx, |gates, now| gates.gone(flow, now));
    }

    /// All flows are over: the scripts of pools leave.
    pub(in crate::engine) fn close_pools(&mut self) {
        let Some(pools) = &mut self.pools else {
            return;
        };
        for (slot, script) in pools.gates.take_idle() {
            let leave = self.run.plan.roles[slot.role.0].leave.as_ref();
            match (leave, pools.scopes.get(&slot)) {
                (Some(_), Some(scope)) => {
                    let perform = Perform {
                        what: ActionKind::Leave,
                        scope: (**scope).clone(),
                        deadline: deadline(
                            Whose::Leave,
                            LEAVE_TIMEOUT.min(self.run.plan.defaults.step),
                        ),
                        attempt: 1,
                    };
                    // One that is gone has told of its end.
                    let _ = send(&script, perform);
                }
                _ => end(&script, Grace::default()),
            }
        }
    }

    /// The scripts of pools that no flow has are ended now.
    pub(in crate::engine) fn end_pools(&mut self, grace: Grace) {
        if let Some(pools) = &mut self.pools {
            pools.gates.take_idle();
            pools.gates.busy().for_each(|script| end(script, grace));
        }
    }

    fn complain(&self, slot: Slot, what: &str) {
        let title = &self.run.plan.roles[slot.role.0].title;
        let text = format!("{title} {what}");
        self.run.emit(RunEvent::Notice { flow: None, text });
    }
}

/// So much time from now.
fn deadline(whose: Whose, allowed: Duration) -> Deadline {
    Deadline {
        at: Instant::now() + allowed,
        whose,
        allowed,
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
        let settle = Settle {
            coordinator: ctx.address(),
            slot,
            scope,
            deadline: deadline(Whose::Settle, self.run.plan.defaults.step),
        };
        let is_there = send(&script, settle).is_ok();
        self.at_gates(ctx, |gates, now| {
            gates.release(slot, script);
            if is_there {
                Vec::new()
            } else {
                gates.ended(slot, now)
            }
        });
    }
}

impl Handler<Settled> for Coordinator {
    type Result = ();

    fn handle(&mut self, settled: Settled, ctx: &mut Self::Context) {
        let Settled {
            slot,
            what,
            result,
            scope,
        } = settled;
        let Some(pools) = &mut self.pools else {
            return;
        };
        let is_settled = what == ActionKind::Settle && result.is_ok();
        if is_settled {
            pools.scopes.insert(slot, scope);
            self.at_gates(ctx, |gates, now| gates.settled(slot, now));
            return self.proceed(ctx);
        }
        if let Some(script) = pools.gates.instance(slot) {
            end(script, Grace::default());
        }
        match (what, result) {
            (ActionKind::Leave, Err(failure)) => {
                self.complain(slot, &format!("did not leave well: {}", failure.message));
            }
            (_, Err(failure)) => {
                let message = &failure.message;
                let what =
                    format!("did not get back to its menu, and another takes its place: {message}");
                self.complain(slot, &what);
            }
            (_, Ok(())) => {}
        }
    }
}

impl Handler<PooledEnded> for Coordinator {
    type Result = ();

    fn handle(&mut self, ended: PooledEnded, ctx: &mut Self::Context) {
        if let Some(record) = ended.record {
            self.collector.pooled_process_ended(&record);
            self.run.emit(RunEvent::PooledScriptEnded(record));
        }
        self.at_gates(ctx, |gates, now| gates.ended(ended.slot, now));
        self.proceed(ctx);
    }
}
