//! Assignment of a pool's script to a flow, and back to the pool.

use actix::prelude::*;

use crate::engine::messages::{Assign, Part, Perform, Settle};

use super::super::report_guard::Owner;
use super::{ScriptActor, State};

impl Handler<Assign> for ScriptActor {
    type Result = bool;

    fn handle(&mut self, order: Assign, _: &mut Self::Context) -> bool {
        let before = std::mem::replace(&mut self.instance, order.instance);
        self.guard.instance = order.instance;
        self.guard.owner = Owner::Flow(order.supervisor);
        let State::Alive(script) = &mut self.state else {
            return false;
        };
        script.machine.assign(order.instance);
        self.run.live.rename(before, order.instance);
        !script.machine.has_exited()
    }
}

impl Handler<Settle> for ScriptActor {
    type Result = ();

    fn handle(&mut self, order: Settle, ctx: &mut Self::Context) {
        self.guard.owner = Owner::Pool {
            coordinator: order.coordinator,
            slot: order.slot,
        };
        let State::Alive(script) = &mut self.state else {
            return self.finish(None, ctx);
        };
        // What this flow has seen is no evidence for the next one.
        script.machine.discard_matched_lines();
        let perform = Perform {
            what: Part::Settle,
            scope: *order.scope,
            deadline: order.deadline,
            attempt: 1,
        };
        self.begin_run(perform, None, ctx);
    }
}
