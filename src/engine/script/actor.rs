//! The actor that owns one subprocess: starts it, listens, types, and ends it.
//!
//! What to wait for and what to say is decided by the
//! [`ActionInterpreter`](super::interpreter::ActionInterpreter); what has been heard, by the
//! [`Dialogue`](crate::dialogue::Dialogue). This actor joins them with the process and the clock.
//!
//! | state | on | becomes |
//! | --- | --- | --- |
//! | `Unborn` | `Perform` | `Starting`: the program is being spawned |
//! | `Unborn` | `EndScript` | `Over` |
//! | `Starting` | spawned | `Alive`, performing |
//! | `Starting` | not spawned | `Over` once the supervisor says `EndScript` |
//! | `Alive` | `Perform` | `Alive`, performing |
//! | `Alive` | its end, then or before `EndScript` | `Over` |

mod beginning;
pub(super) mod injecting;
mod pooling;
mod reporting;
mod script;
mod starting;
mod typing;

use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;

use crate::dialogue::Heard;
use crate::model::{
    Ending, ExitCause, FailureKind, Happening, InstanceId, ProcessRecord, RunEvent, Usage,
};
use crate::process::{ChildEvent, Grace};

use super::action_run::{CLOSING_GRACE, Waiting};
use super::command;
use super::interpreter::{ActionError, Effect, Input};
use super::report_guard::{Owner, ReportGuard};
use crate::engine::context::{RunContext, micros, shown};
use crate::engine::flow::FlowSupervisor;
use crate::engine::messages::{EndScript, Part, Perform};
use script::Script;
use typing::Told;

/// How much of the program's output a failure shows.
const TAIL_LINES: usize = 12;
const TAIL_BYTES: usize = 2000;

/// Owns one script instance.
pub(in crate::engine) struct ScriptActor {
    run: Arc<RunContext>,
    instance: InstanceId,
    state: State,
    /// The one timer: the earliest moment at which something is to be looked at.
    alarm: Option<(Instant, SpawnHandle)>,
    /// When it last said something, and whether its unfinished line will be told when it has been
    /// quiet since.
    heard_at: Instant,
    is_patient: bool,
    /// Tells the supervisor should this actor go without a word.
    guard: ReportGuard,
}

enum State {
    Unborn,
    Starting {
        perform: Box<Perform>,
        ordered_at: Instant,
        command: String,
        /// Set when the supervisor wants it ended before it has begun.
        end: Option<Grace>,
    },
    Alive(Box<Script>),
    Over,
}

impl ScriptActor {
    pub(in crate::engine) fn new(
        run: Arc<RunContext>,
        instance: InstanceId,
        supervisor: Addr<FlowSupervisor>,
    ) -> Self {
        let guard = ReportGuard {
            owner: Owner::Flow(supervisor),
            instance,
            due: true,
        };
        ScriptActor {
            run,
            instance,
            state: State::Unborn,
            alarm: None,
            heard_at: Instant::now(),
            is_patient: false,
            guard,
        }
    }

    fn role(&self) -> &crate::scenario::Role {
        &self.run.plan.roles[self.instance.role.0]
    }

    /// Does what the performance wants, until it has to wait for something.
    fn drive(&mut self, mut input: Input, ctx: &mut Context<Self>) {
        loop {
            match &input {
                Input::Heard(Heard::Wait { .. }) => self.evidence_came(ctx),
                Input::Said => self.reply_sent(ctx),
                _ => {}
            }
            let State::Alive(script) = &mut self.state else {
                return;
            };
            let lives = script.ended.is_none();
            let Some(action) = &mut script.action else {
                return;
            };
            let scope = &mut action.perform.scope;
            let next = action.interpreter.on(input, scope, &mut script.dialogue);
            action.time_turn();
            let Perform { what, scope, .. } = &mut action.perform;
            if let Part::Step(step) = *what {
                for capture in action.interpreter.take_captures() {
                    let (name, value) = shown(scope, capture);
                    let flow = self.instance.flow;
                    self.run.sink.emit(RunEvent::Captured {
                        flow,
                        step,
                        name,
                        value,
                    });
                }
            }
            let now = Instant::now();
            let ready = match next {
                Effect::Listen { within } => {
                    action.listen(now, within);
                    action.held_back_before(script.child.throttled_for());
                    self.wait_begins(ctx);
                    let State::Alive(script) = &mut self.state else {
                        return;
                    };
                    script.poll(now)
                }
                Effect::Linger { at_most } => {
                    action.wait(Waiting::Linger {
                        until: now + at_most,
                    });
                    script.poll(now)
                }
                Effect::KeepListening => {
                    action.wait(Waiting::Output);
                    script.poll(now)
                }
                Effect::Say(reply) => self.answer(reply, ctx),
                Effect::Pause(length) => {
                    action.pause(now, length);
                    None
                }
                Effect::Run(argv) => {
                    self.run_command(argv, ctx);
                    None
                }
                // A reply was lost that had been answered, as it seemed: `NotWritten` follows.
                Effect::Done if !script.child.send_batched() => None,
                Effect::Done => return self.run_over(Ok(()), ctx),
                Effect::Fail(fault) if lives && matches!(fault.kind, FailureKind::Business(_)) => {
                    action.hear_out(fault, now);
                    None
                }
                Effect::Fail(fault) => return self.run_over(Err(fault), ctx),
            };
            match ready {
                Some(next) => input = next,
                None => return self.set_alarm(ctx),
            }
        }
    }

    fn run_command(&mut self, argv: Vec<String>, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let Some(action) = &mut script.action else {
            return;
        };
        let run = Arc::clone(&self.run);
        let role = self.instance.role;
        let began = Instant::now();
        let running = match command::plain(&run, role, argv, &action.perform.scope) {
            Ok(command) => async move { command::output(&run.spawner, command).await },
            Err(fault) => return self.run_over(Err(fault), ctx),
        };
        let running = actix::fut::wrap_future::<_, Self>(running);
        let handle = ctx.spawn(running.map(|ran, actor, ctx| match ran {
            Ok(output) => actor.drive(Input::Ran(output), ctx),
            Err(fault) => actor.run_over(Err(fault), ctx),
        }));
        action.begin_command(began, handle);
    }

    /// Begins to end the process and whatever belongs to it.
    fn end(&mut self, grace: Grace, ctx: &mut Context<Self>) {
        self.run.live.set_state(self.instance, "ending");
        match &mut self.state {
            State::Unborn | State::Over => self.finish(None, ctx),
            State::Starting { end, .. } => *end = Some(grace),
            State::Alive(script) => {
                if let Some(action) = script.action.take() {
                    if let Some(transcript) = &mut script.transcript {
                        // The flow's values end here, and what is secret among them is to stay so.
                        let scope = &action.perform.scope;
                        scope
                            .secret_values()
                            .for_each(|it| transcript.keep_secret(it));
                    }
                    if let Waiting::Command(handle) = action.waiting {
                        ctx.cancel_future(handle);
                    }
                }
                if let Some(record) = script.ended.take() {
                    return self.finish(Some(record), ctx);
                }
                script.end_ordered = true;
                script.leaves_since.get_or_insert_with(Instant::now);
                script.child.end(grace);
            }
        }
    }

    /// Says the last word and stops.
    fn finish(&mut self, record: Option<Box<ProcessRecord>>, ctx: &mut Context<Self>) {
        let transcript = match std::mem::replace(&mut self.state, State::Over) {
            State::Alive(script) => script.transcript,
            _ => None,
        };
        self.run.live.remove(self.instance);
        self.guard.ended(record, transcript);
        ctx.stop();
    }

    fn exited(
        &mut self,
        exit: Option<ExitCause>,
        ending: Ending,
        usage: Usage,
        at: Instant,
        ctx: &mut Context<Self>,
    ) {
        self.tell_heard(Told::All);
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let since_order =
            |at: Instant| at.saturating_duration_since(script.ordered_at).as_micros() as u64;
        let record = Box::new(ProcessRecord {
            role: self.run.plan.roles[self.instance.role.0].name.clone(),
            attempt: self.instance.attempt,
            pid: script.child.pid(),
            ending,
            exit,
            usage,
            startup_us: script.first_output_at.map(since_order),
            lifetime_us: since_order(at),
            exit_us: script
                .leaves_since
                .map(|since| micros(at.saturating_duration_since(since))),
        });
        if let Some(transcript) = &mut script.transcript {
            transcript.note(Happening::Exited { exit, ending }, at);
        }
        self.run.live.remove(self.instance);
        self.run.emit(RunEvent::ScriptEnded {
            instance: self.instance,
            process: record.clone(),
        });
        let is_idle_in_pool = script.action.is_none() && self.guard.is_in_pool();
        if script.end_ordered || is_idle_in_pool {
            return self.finish(Some(record), ctx);
        }
        script.ended = Some(record);
        self.look(ctx);
    }

    /// Something has happened: sees whether the action can go on.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let now = Instant::now();
        let ended = script.ended.is_some();
        if let Some(action) = &mut script.action
            && let Some((fault, at)) = action.aftermath(now, ended)
        {
            return self.run_over_at(at, Err(fault), ctx);
        }
        match script.poll(now) {
            Some(input) => self.drive(input, ctx),
            None => self.set_alarm(ctx),
        }
    }

    /// Sets the one timer to the earliest moment that matters, unless it rings before anyway.
    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let State::Alive(script) = &self.state else {
            return;
        };
        let Some(at) = script.next_moment() else {
            return;
        };
        if let Some((set_for, handle)) = self.alarm {
            if set_for <= at {
                return;
            }
            ctx.cancel_future(handle);
        }
        let wait = at.saturating_duration_since(Instant::now());
        let handle = ctx.run_later(wait, |actor, ctx| {
            actor.alarm = None;
            actor.ring(ctx);
        });
        self.alarm = Some((at, handle));
    }

    /// The timer rang: a pause is over, a deadline has passed, or it was set too early.
    fn ring(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let Some(action) = &mut script.action else {
            return self.set_alarm(ctx);
        };
        match &action.waiting {
            Waiting::Pause { until } if *until <= now => return self.drive(Input::Paused, ctx),
            Waiting::Linger { until } if *until <= now => return self.drive(Input::Lingered, ctx),
            Waiting::EchoOff { .. } => return self.try_secret(now, ctx),
            Waiting::HeldBack { until, .. } if *until <= now => return self.answer_at_last(ctx),
            Waiting::Dribbling(_) => {
                return match self.dribble() {
                    Some(input) => self.drive(input, ctx),
                    None => self.set_alarm(ctx),
                };
            }
            Waiting::Aftermath { .. } => return self.look(ctx),
            Waiting::Unsaid { since, reason } if *since + CLOSING_GRACE <= now => {
                let fault = ActionError::new(
                    FailureKind::NotSent,
                    format!("could not type the reply: {reason}"),
                );
                return self.run_over(Err(fault), ctx);
            }
            _ => {}
        }
        if let Some(fault) = script.overdue(now) {
            return self.run_over(Err(fault), ctx);
        }
        self.look(ctx);
    }
}

impl Actor for ScriptActor {
    type Context = Context<Self>;
}

impl Handler<Perform> for ScriptActor {
    type Result = ();

    fn handle(&mut self, perform: Perform, ctx: &mut Self::Context) {
        match &self.state {
            State::Unborn => self.start_program(Box::new(perform), ctx),
            State::Alive(_) => self.begin_run(perform, None, ctx),
            State::Starting { .. } | State::Over => {
                let fault =
                    ActionError::new(FailureKind::Internal, "the script is not there to perform");
                self.fail_to_start(perform, fault);
            }
        }
    }
}

impl Handler<EndScript> for ScriptActor {
    type Result = ();

    fn handle(&mut self, order: EndScript, ctx: &mut Self::Context) {
        self.end(order.grace, ctx);
    }
}

impl StreamHandler<ChildEvent> for ScriptActor {
    fn handle(&mut self, event: ChildEvent, ctx: &mut Self::Context) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        match event {
            ChildEvent::Output {
                stream,
                bytes,
                at,
                drained,
            } => {
                script.first_output_at.get_or_insert(at);
                if let Some(transcript) = &mut script.transcript {
                    transcript.heard(stream, &bytes, at);
                }
                script.dialogue.feed(stream, &bytes, at);
                if let Some(action) = &mut script.action
                    && let Waiting::Aftermath { last_output, .. } = &mut action.waiting
                {
                    *last_output = at;
                }
                if drained {
                    script.dialogue.drained();
                }
                let answer = script.dialogue.take_terminal_answers();
                if !answer.is_empty() {
                    // A program that asks its terminal something and closes it gets no answer.
                    let _ = script.child.write(&answer);
                }
                self.tell_output(at, ctx);
                self.look(ctx);
            }
            ChildEvent::Closed { stream, at } => {
                script.dialogue.closed(stream, at);
                self.look(ctx);
            }
            ChildEvent::NotWritten { reason } => {
                if let Some(action) = &mut script.action {
                    action.not_sent(reason, Instant::now());
                }
                self.look(ctx);
            }
            ChildEvent::Exited {
                exit,
                ending,
                usage,
                at,
            } => {
                self.exited(exit, ending, usage, at, ctx);
            }
        }
    }

    /// The end of the events is not the end of the actor: it still answers its supervisor.
    fn finished(&mut self, _ctx: &mut Self::Context) {}
}
