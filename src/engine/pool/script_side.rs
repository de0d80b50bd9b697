//! The script's side of pools: assignment to a flow, and back to the pool.

use actix::prelude::*;

use crate::engine::messages::Assign;
use crate::engine::script::ScriptActor;

impl Handler<Assign> for ScriptActor {
    type Result = bool;

    fn handle(&mut self, order: Assign, _: &mut Self::Context) -> bool {
        self.assign(order.owner, order.instance)
    }
}
