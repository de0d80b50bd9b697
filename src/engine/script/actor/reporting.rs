//! How a script actor tells its supervisor how a step went.

use std::time::Instant;

use actix::prelude::*;

use crate::engine::messages::{Part, Performed};
use crate::engine::script::interpreter::ActionError;
use crate::engine::script::transcript::Transcript;
use crate::model::{Activity, Failure};
use crate::scenario::Scope;

use super::super::action_run::Waiting;
use super::script::Script;
use super::typing::Told;
use super::{ScriptActor, State, TAIL_BYTES, TAIL_LINES};

impl ScriptActor {
    /// The step is done or has failed.
    pub(super) fn run_over(&mut self, result: Result<(), ActionError>, ctx: &mut Context<Self>) {
        self.run_over_at(Instant::now(), result, ctx);
    }

    /// The same, known since `now`.
    pub(super) fn run_over_at(
        &mut self,
        now: Instant,
        result: Result<(), ActionError>,
        ctx: &mut Context<Self>,
    ) {
        // The prompt with which a step ends belongs to it.
        let is_whole = |script: &Script| script.dialogue.heard_prompt();
        let may_tell = !self.run.captures_secrets;
        if result.is_err()
            || matches!(&self.state, State::Alive(script) if may_tell && is_whole(script))
        {
            self.tell_heard(Told::All);
        }
        let is_pooled = self.role().pool.is_some();
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let Some(action) = script.action.take() else {
            return;
        };
        script.masker = action.perform.scope.masker();
        // A script of a pool outlives its work for the flow.
        let transcript = script.transcript.as_mut().filter(|_| is_pooled);
        let transcript = transcript.map(|so_far| {
            let further = Box::new(Transcript::new(self.instance));
            std::mem::replace(so_far, further)
        });
        if action.faults.is_some() {
            script.child.throttle_reads(None);
        }
        if let Waiting::Command(handle) = &action.waiting {
            // Dropping it ends the command's process.
            ctx.cancel_future(*handle);
        }
        self.run.live.set_state(self.instance, "idle");
        let timing = action.timing(result.is_ok(), now);
        let result = match result {
            Ok(()) => Ok(()),
            Err(fault) => {
                let State::Alive(script) = &self.state else {
                    return;
                };
                let scope = &action.perform.scope;
                Err(self.failure(scope, action.perform.what, fault, |failure| {
                    failure.turn = action.interpreter.place();
                    failure.awaited = action
                        .interpreter
                        .awaited()
                        .iter()
                        .map(|awaited| scope.mask(awaited).into_owned())
                        .collect();
                    failure.waited_us = action.waited(now).as_micros() as u64;
                    failure.activity = script.activity();
                    let tail = script.dialogue.tail(TAIL_LINES, TAIL_BYTES);
                    failure.tail = scope.masker().mask_cut(&tail);
                    failure.tail.insert_str(0, &script.dialogue.unseen());
                }))
            }
        };
        self.guard.performed(Performed {
            instance: self.instance,
            what: action.perform.what,
            scope: action.perform.scope,
            result,
            timing,
            turns: action.turns,
            transcript,
        });
    }

    pub(super) fn failure(
        &self,
        scope: &Scope,
        what: Part,
        fault: ActionError,
        fill: impl FnOnce(&mut Failure),
    ) -> Box<Failure> {
        let step = match what {
            Part::Step(index) | Part::LogIn(index) => self.run.plan.steps[index.0].name.clone(),
            Part::Settle => "between flows".to_owned(),
            Part::Leave => "leave".to_owned(),
        };
        let mut failure = Box::new(Failure {
            kind: fault.kind,
            step,
            role: self.role().name.clone(),
            turn: String::new(),
            message: scope.mask(&fault.message).into_owned(),
            awaited: Vec::new(),
            waited_us: 0,
            activity: Activity::Gone,
            tail: String::new(),
            hint: fault.hint,
        });
        fill(&mut failure);
        failure
    }
}
