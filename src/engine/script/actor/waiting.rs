//! Waits of a script for something other than its program: commands, and gates before replies.

use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;

use crate::engine::script::command;
use crate::engine::script::machine::ScriptInput;
use crate::scenario::ReplyGateSpec;

use super::{ScriptActor, State};

impl ScriptActor {
    pub(super) fn run_command(&mut self, argv: Vec<String>, ctx: &mut Context<Self>) {
        let State::Alive(script) = &self.state else {
            return;
        };
        let Some(scope) = script.machine.scope() else {
            return;
        };
        let run = Arc::clone(&self.run);
        let running = match command::plain(&run, self.instance().role, argv, scope) {
            Ok(command) => async move { command::output(&run.spawner, command).await },
            Err(error) => return self.inputs.push(ScriptInput::CommandEnded(Err(error))),
        };
        let running = actix::fut::wrap_future::<_, Self>(running);
        self.command = Some(ctx.spawn(running.map(|ended, actor, ctx| {
            actor.command = None;
            actor.feed(ScriptInput::CommandEnded(ended), ctx);
        })));
    }

    /// Waits for the gates of a reply.
    pub(super) fn pass_gates(&mut self, gates: &ReplyGateSpec, ctx: &mut Context<Self>) {
        let began = Instant::now();
        let passing = actix::fut::wrap_future::<_, Self>(self.run.reply_gates.pass(gates));
        self.passing = Some(ctx.spawn(passing.map(move |access, actor, ctx| {
            actor.passing = None;
            actor.access = access;
            let waited = began.elapsed();
            actor.feed(ScriptInput::Admitted { waited }, ctx);
        })));
    }

    /// Gives up the access of a reply, or the wait for its gates.
    pub(super) fn leave_gates(&mut self, ctx: &mut Context<Self>) {
        self.access = None;
        if let Some(passing) = self.passing.take() {
            ctx.cancel_future(passing);
        }
    }

    pub(super) fn cancel_command(&mut self, ctx: &mut Context<Self>) {
        if let Some(command) = self.command.take() {
            ctx.cancel_future(command);
        }
    }
}
