//! Script actor: owns one subprocess, hands its events to the script machine, and applies the
//! machine's effects.
//!
//! Everything about an action in progress is decided by the [`ScriptMachine`]; faults are injected
//! by the [`FaultFilter`] between its effects and the program.
//!
//! | state | on | becomes |
//! | --- | --- | --- |
//! | `NotStarted` | `Perform` | `Starting`: the program is being spawned |
//! | `NotStarted` | `EndScript` | `Over` |
//! | `Starting` | spawned | `Alive`, performing |
//! | `Starting` | not spawned | `Over` once the supervisor sends `EndScript` |
//! | `Alive` | `Perform` | `Alive`, performing |
//! | `Alive` | its end, then or before `EndScript` | `Over` |

mod begin_action;
mod injecting;
mod start_program;
mod waiting;

use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;

use crate::engine::context::RunContext;
use crate::engine::faults::choice::Progress;
use crate::engine::faults::feedback::Feedback;
use crate::engine::faults::filter::{FaultCall, FaultFilter};
use crate::engine::messages::{EndScript, Perform, ScriptHandle, ScriptOwner};
use crate::engine::reply_gates::Access;
use crate::engine::report_guard::ReportGuard;
use crate::model::{
    Ending, ExitCause, FailureKind, InstanceId, ProcessRecord, TerminalKind, Usage, micros,
};
use crate::process::{Child, ChildEvent, Grace, WriteError};

use super::interpreter::ActionError;
use super::machine::{MachineCall, ScriptEffect, ScriptInput, ScriptMachine};
use super::reporter::ScriptReporter;

/// The actor of one script instance.
pub(in crate::engine) struct ScriptActor {
    /// Dropped before the program, of which it reports after a panic.
    reporter: ReportGuard<ScriptReporter>,
    run: Arc<RunContext>,
    state: State,
    /// The one timer, for the earliest moment of machine and filter.
    alarm: Option<(Instant, SpawnHandle)>,
    /// The command that the machine waits for, until it has ended or is canceled.
    command: Option<SpawnHandle>,
    /// Wait for the gates of a reply.
    passing: Option<SpawnHandle>,
    /// Exclusive access of the last reply.
    access: Option<Access>,
    /// Effects to apply; empty between messages, its memory is reused.
    effects: Vec<ScriptEffect>,
    /// Results of applied effects for the machine; as above.
    inputs: Vec<ScriptInput<'static>>,
}

enum State {
    NotStarted,
    Starting {
        perform: Box<Perform>,
        ordered_at: Instant,
        command: String,
        /// Set if the script is ended before its program has started.
        end: Option<Grace>,
    },
    Alive(Box<Script>),
    Over,
}

/// A running program with the machine that decides about it.
struct Script {
    child: Child,
    machine: ScriptMachine,
    filter: FaultFilter,
    ordered_at: Instant,
    first_output_at: Option<Instant>,
    /// True if the process was ordered to end: its exit is the end of the actor.
    end_ordered: bool,
    /// The moment at which it was first asked to end, by its `leave` or otherwise.
    leaves_since: Option<Instant>,
}

impl Script {
    fn take_in(&mut self, input: ScriptInput<'_>, effects: &mut Vec<ScriptEffect>) {
        let mut call = MachineCall {
            now: Instant::now(),
            program: &self.child,
            effects,
        };
        self.machine.on(input, &mut call);
    }

    /// Types the machine's reply.
    fn type_reply(&self) -> Result<Instant, WriteError> {
        let Some(reply) = self.machine.reply() else {
            return Ok(Instant::now());
        };
        if reply.closes_input {
            self.child.close_input();
            Ok(Instant::now())
        } else {
            self.child.write(reply.typed.bytes())
        }
    }
}

impl ScriptActor {
    /// Starts the actor of `instance` on the present arbiter; its program is started by the first
    /// action.
    pub(in crate::engine) fn start_new(
        run: Arc<RunContext>,
        instance: InstanceId,
        owner: ScriptOwner,
    ) -> ScriptHandle {
        let reporter = ScriptReporter::new(owner, instance, Arc::clone(&run));
        let script = ScriptActor {
            reporter: ReportGuard::new(reporter),
            run,
            state: State::NotStarted,
            alarm: None,
            command: None,
            passing: None,
            access: None,
            effects: Vec::new(),
            inputs: Vec::new(),
        };
        let script = script.start();
        ScriptHandle {
            instance,
            assign: script.clone().recipient(),
            perform: script.clone().recipient(),
            end: script.recipient(),
        }
    }

    /// Works and reports for another owner from now on. Returns whether the program is alive.
    pub(in crate::engine) fn assign(&mut self, owner: ScriptOwner, instance: InstanceId) -> bool {
        let before = std::mem::replace(&mut self.reporter.instance, instance);
        self.reporter.owner = owner;
        let State::Alive(script) = &mut self.state else {
            return false;
        };
        script.machine.assign(instance);
        self.run.live.rename(before, instance);
        !script.machine.has_exited()
    }

    fn instance(&self) -> InstanceId {
        self.reporter.instance
    }

    fn role(&self) -> &crate::scenario::Role {
        &self.run.plan.roles[self.instance().role.0]
    }

    /// Hands an input to the machine and applies what follows.
    fn feed(&mut self, input: ScriptInput<'_>, ctx: &mut Context<Self>) {
        if let State::Alive(script) = &mut self.state {
            script.take_in(input, &mut self.effects);
            self.apply_all(ctx);
        }
    }

    /// Applies effects, and hands their results to the machine, until nothing follows.
    fn apply_all(&mut self, ctx: &mut Context<Self>) {
        loop {
            let mut effects = std::mem::take(&mut self.effects);
            for effect in effects.drain(..) {
                self.apply(effect, ctx);
            }
            self.effects = effects;
            let State::Alive(script) = &mut self.state else {
                return;
            };
            for input in self.inputs.drain(..) {
                script.take_in(input, &mut self.effects);
            }
            if self.effects.is_empty() {
                return self.set_alarm(ctx);
            }
        }
    }

    fn apply(&mut self, effect: ScriptEffect, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let Script { child, filter, .. } = &mut **script;
        let mut feedback = Vec::new();
        let mut call = FaultCall {
            now: Instant::now(),
            target: &*child,
            feedback: &mut feedback,
        };
        match effect {
            ScriptEffect::WaitBegan(point) => {
                filter.reached(Progress::WaitBegins, &point, &mut call);
            }
            ScriptEffect::EvidenceCame => filter.evidence_came(&mut call),
            ScriptEffect::BeforeReply(point) => filter.before_reply(&point, &mut call),
            ScriptEffect::ReplySent(point) => {
                filter.reached(Progress::ReplySent, &point, &mut call);
            }
            ScriptEffect::PassGates(gates) => self.pass_gates(&gates, ctx),
            ScriptEffect::LeaveGates => self.leave_gates(ctx),
            ScriptEffect::Type => self.type_reply(&mut feedback),
            ScriptEffect::AnswerTerminal(answer) => {
                // A program that asks its terminal something and closes it gets no answer.
                let _ = child.write(&answer);
            }
            ScriptEffect::Resize(size) => child.resize(size.rows, size.columns),
            ScriptEffect::Run(argv) => self.run_command(argv, ctx),
            ScriptEffect::CancelCommand => {
                // Dropping it ends the command's process.
                self.cancel_command(ctx);
            }
            ScriptEffect::NewValues(new_values) => self.reporter.new_values(new_values),
            ScriptEffect::Emit(event) => self.run.emit(event),
            ScriptEffect::Report(performed) => {
                filter.end(&mut call);
                self.take_feedback(std::mem::take(&mut feedback));
                self.run.live.set_state(self.instance(), "idle");
                self.reporter.performed(performed);
            }
        }
        self.take_feedback(feedback);
    }

    fn type_reply(&mut self, feedback: &mut Vec<Feedback>) {
        let is_terminal = matches!(self.role().terminal, TerminalKind::Pty { .. });
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let Script {
            child,
            machine,
            filter,
            ..
        } = &mut **script;
        let Some(reply) = machine.reply() else { return };
        let mut call = FaultCall {
            now: Instant::now(),
            target: &*child,
            feedback,
        };
        if !filter.type_reply(reply, is_terminal, || machine.place(), &mut call) {
            self.inputs.push(match script.type_reply() {
                Ok(at) => ScriptInput::Written { at },
                Err(error) => ScriptInput::NotTyped {
                    reason: error.to_string(),
                },
            });
        }
    }

    /// Begins to end the process and its descendants.
    fn end(&mut self, grace: Grace, ctx: &mut Context<Self>) {
        self.run.live.set_state(self.instance(), "ending");
        self.cancel_command(ctx);
        match &mut self.state {
            State::NotStarted | State::Over => self.finish(None, ctx),
            State::Starting { end, .. } => *end = Some(grace),
            State::Alive(script) => {
                script.machine.abandon();
                script.filter.begin(None);
                if let Some(record) = script.machine.take_record() {
                    return self.finish(Some(record), ctx);
                }
                script.end_ordered = true;
                script.leaves_since.get_or_insert_with(Instant::now);
                script.child.end(grace);
            }
        }
    }

    /// Sends the last report and stops.
    fn finish(&mut self, record: Option<Box<ProcessRecord>>, ctx: &mut Context<Self>) {
        let transcript = match std::mem::replace(&mut self.state, State::Over) {
            State::Alive(script) => script.machine.into_transcript(),
            _ => None,
        };
        self.reporter.complete().ended(record, transcript);
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
        let instance = self.instance();
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let since_order = |at: Instant| micros(at.saturating_duration_since(script.ordered_at));
        let record = Box::new(ProcessRecord {
            role: self.run.plan.roles[instance.role.0].name.clone(),
            attempt: instance.attempt,
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
        script.filter.exited();
        let is_idle_in_pool = script.machine.is_idle() && self.reporter.owner.is_pool;
        let is_last = script.end_ordered || is_idle_in_pool;
        self.feed(ScriptInput::Exited { record, at }, ctx);
        self.run.live.remove(instance);
        if is_last && let State::Alive(script) = &mut self.state {
            let record = script.machine.take_record();
            self.finish(record, ctx);
        }
    }

    /// Sets the one timer to the earliest moment that matters, unless it rings before anyway.
    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let State::Alive(script) = &self.state else {
            return;
        };
        let moments = [script.machine.next_alarm(), script.filter.next_alarm()];
        let Some(at) = moments.into_iter().flatten().min() else {
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

    fn ring(&mut self, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let Script { child, filter, .. } = &mut **script;
        let mut feedback = Vec::new();
        filter.alarm(&mut FaultCall {
            now: Instant::now(),
            target: &*child,
            feedback: &mut feedback,
        });
        self.take_feedback(feedback);
        self.inputs.push(ScriptInput::Alarm);
        self.apply_all(ctx);
    }
}

impl Actor for ScriptActor {
    type Context = Context<Self>;
}

impl Handler<Perform> for ScriptActor {
    type Result = ();

    fn handle(&mut self, perform: Perform, ctx: &mut Self::Context) {
        match &self.state {
            State::NotStarted => self.start_program(Box::new(perform), ctx),
            State::Alive(_) => self.begin_run(perform, None, ctx),
            State::Starting { .. } | State::Over => {
                let error = ActionError::new(
                    FailureKind::Internal,
                    "the script has ended or is still starting",
                );
                self.fail_to_start(perform, error);
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
        match event {
            ChildEvent::Output {
                stream,
                bytes,
                at,
                drained,
            } => {
                if let State::Alive(script) = &mut self.state {
                    script.first_output_at.get_or_insert(at);
                }
                let input = ScriptInput::Output {
                    stream,
                    bytes: &bytes,
                    at,
                    drained,
                };
                self.feed(input, ctx);
            }
            ChildEvent::Closed { stream, at } => {
                self.feed(ScriptInput::Closed { stream, at }, ctx);
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
