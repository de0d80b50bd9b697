//! The actor that owns one subprocess: starts it, listens, types, and ends it.
//!
//! What to wait for and what to say is decided by the [`Performance`]; what has been heard, by the
//! [`Dialogue`]. This actor joins them with the process and the clock.
//!
//! | state | on | becomes |
//! | --- | --- | --- |
//! | `Unborn` | `Perform` | `Starting`: the program is being spawned |
//! | `Unborn` | `EndScript` | `Over` |
//! | `Starting` | spawned | `Alive`, performing |
//! | `Starting` | not spawned | `Over` once the supervisor says `EndScript` |
//! | `Alive` | `Perform` | `Alive`, performing |
//! | `Alive` | its end, then or before `EndScript` | `Over` |

mod command;
mod job;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::dialogue::{Dialogue, Heard};
use crate::model::{
    Activity, Ending, ExitCause, Failure, FailureKind, InstanceId, ProcessRecord, RunEvent, Usage,
};
use crate::scenario::{Scope, TerminalKind};
use crate::transport::{Child, ChildEvent, Grace, SpawnError};

use super::context::{LiveScript, RunContext};
use super::flow_supervisor::FlowSupervisor;
use super::messages::{
    EndScript, Part, Perform, Performed, ScriptEnded, ScriptVanished, Timing, Whose, tell,
};
use super::performance::{Answers, Cue, Fault, Move, Performance, Utterance};
use job::{Job, Waiting};

/// How long a program whose output has ended may take to end itself, before that counts as
/// having closed its output and lived on.
const CLOSING_GRACE: Duration = Duration::from_millis(500);

/// How long after the last signal a process may take to go, before it counts as left over.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// How much of the program's output a failure shows.
const TAIL_LINES: usize = 12;
const TAIL_BYTES: usize = 2000;

/// Owns one script instance.
pub(super) struct ScriptActor {
    run: Arc<RunContext>,
    instance: InstanceId,
    state: State,
    /// The one timer: the earliest moment at which something is to be looked at.
    alarm: Option<(Instant, SpawnHandle)>,
    /// Tells the supervisor should this actor go without a word.
    obituary: Obituary,
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

/// A process, what it has said, and what it is asked to perform.
struct Script {
    child: Child,
    dialogue: Dialogue,
    ordered_at: Instant,
    first_output_at: Option<Instant>,
    /// How it ended, and its record, once it has.
    ended: Option<(ExitCause, Box<ProcessRecord>)>,
    job: Option<Job>,
    /// Set by `EndScript`: when to give up on the process.
    give_up_at: Option<Instant>,
    /// The record has to go to the supervisor when the process has ended.
    end_ordered: bool,
}

/// Sends [`ScriptVanished`] when dropped, unless the actor ended as it should.
struct Obituary {
    supervisor: Addr<FlowSupervisor>,
    instance: InstanceId,
    due: bool,
}

impl Drop for Obituary {
    fn drop(&mut self) {
        if self.due {
            // A supervisor that is gone has no flow that could wait for this script.
            let _ = tell(&self.supervisor, ScriptVanished { role: self.instance.role });
        }
    }
}

impl ScriptActor {
    pub(super) fn new(
        run: Arc<RunContext>,
        instance: InstanceId,
        supervisor: Addr<FlowSupervisor>,
    ) -> Self {
        let obituary = Obituary { supervisor, instance, due: true };
        ScriptActor { run, instance, state: State::Unborn, alarm: None, obituary }
    }

    fn role(&self) -> &crate::scenario::Role {
        &self.run.plan.roles[self.instance.role.0]
    }

    fn report<M>(&self, message: M)
    where
        M: Message<Result = ()> + Send + 'static,
        FlowSupervisor: Handler<M>,
    {
        // Without its supervisor the flow is over; this actor is being ended as well.
        let _ = tell(&self.obituary.supervisor, message);
    }

    fn start_program(&mut self, perform: Box<Perform>, ctx: &mut Context<Self>) {
        let ordered_at = Instant::now();
        match command::for_role(&self.run, self.instance.role, &perform.scope) {
            Ok(command) => {
                let shown = perform.scope.mask(&command::shown(&command.argv)).into_owned();
                self.state = State::Starting { perform, ordered_at, command: shown, end: None };
                let spawner = self.run.spawner.clone();
                let spawning = async move { spawner.spawn(command).await };
                ctx.spawn(spawning.into_actor(self).map(|spawned, actor, ctx| actor.spawned(spawned, ctx)));
            }
            Err(fault) => self.fail_to_start(*perform, fault),
        }
    }

    fn fail_to_start(&mut self, perform: Perform, fault: Fault) {
        let now = Instant::now();
        self.state = State::Over;
        let failure = self.failure(&perform.scope, perform.what, fault, |_| {});
        self.report(Performed {
            role: self.instance.role,
            what: perform.what,
            scope: perform.scope,
            result: Err(failure),
            timing: Timing { started: now, ended: now, paused: Duration::ZERO },
        });
    }

    fn spawned(&mut self, spawned: Result<Child, SpawnError>, ctx: &mut Context<Self>) {
        let State::Starting { perform, ordered_at, command, end } =
            std::mem::replace(&mut self.state, State::Over)
        else {
            return;
        };
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                let shown = perform.scope.mask(&error.to_string()).into_owned();
                let fault = Fault::new(FailureKind::NotStarted, shown);
                self.fail_to_start(*perform, fault);
                if end.is_some() {
                    self.finish(None, ctx);
                }
                return;
            }
        };
        let watch = match self.run.watch(self.instance.role, &perform.scope) {
            Ok(watch) => watch,
            Err(error) => return self.fail_to_start(*perform, error.into()),
        };
        let pid = child.pid();
        if let Some(events) = child.events() {
            ctx.add_stream(events);
        }
        self.run.live.insert(LiveScript {
            instance: self.instance,
            role: self.role().title.clone(),
            pid,
            state: "starting".to_owned(),
            started_at: ordered_at,
        });
        self.run.emit(RunEvent::ScriptStarted { instance: self.instance, pid, command });
        let mut dialogue = Dialogue::new(watch, self.run.plan.defaults.quiet);
        if self.run.sink.wants_dialogue() {
            dialogue.record();
        }
        self.state = State::Alive(Box::new(Script {
            child,
            dialogue,
            ordered_at,
            first_output_at: None,
            ended: None,
            job: None,
            give_up_at: None,
            end_ordered: false,
        }));
        match end {
            Some(grace) => self.end(grace, ctx),
            None => self.begin_job(*perform, Some(ordered_at), ctx),
        }
    }

    /// Starts to perform; `ordered_at` is when the program was ordered, if this step starts it.
    fn begin_job(&mut self, perform: Perform, ordered_at: Option<Instant>, ctx: &mut Context<Self>) {
        let plan = Arc::clone(&self.run.plan);
        let role = &plan.roles[self.instance.role.0];
        let (turns, step) = match perform.what {
            Part::Step(index) => {
                let step = &plan.steps[index.0];
                (Arc::clone(&step.action.turns), Some(step))
            }
            Part::Leave => match &role.leave {
                Some(leave) => (Arc::clone(&leave.turns), None),
                None => (Arc::from([]), None),
            },
        };
        let seed = self.performance_seed(perform.what);
        let terminal = matches!(role.terminal, TerminalKind::Pty { .. });
        let performance = Performance::new(
            Arc::clone(&plan),
            self.instance.role.0,
            turns,
            step,
            terminal,
            seed,
        );
        let state = step.map_or("leaving", |step| &step.name);
        self.run.live.set_state(self.instance, state);
        let State::Alive(script) = &mut self.state else { return };
        let startup = ordered_at.map(|at| (at, plan.defaults.startup));
        script.job = Some(Job::new(perform, performance, startup));
        self.drive(Cue::Begin, ctx);
    }

    /// The same seed gives the same choices: for a step of a flow it depends on nothing else.
    fn performance_seed(&self, what: Part) -> u64 {
        let part = match what {
            Part::Step(index) => index.0 as u64 + 1,
            Part::Leave => u64::MAX,
        };
        let mut rng = fastrand::Rng::with_seed(self.run.seed);
        for value in [self.instance.flow.0, self.instance.role.0 as u64, part] {
            rng.seed(rng.u64(..) ^ value);
        }
        rng.u64(..)
    }

    /// Does what the performance wants, until it has to wait for something.
    fn drive(&mut self, mut cue: Cue, ctx: &mut Context<Self>) {
        loop {
            let State::Alive(script) = &mut self.state else { return };
            let Some(job) = &mut script.job else { return };
            let Perform { what, scope, .. } = &mut job.perform;
            let next = job.performance.on(cue, scope, &mut script.dialogue);
            if let Part::Step(step) = *what {
                for (name, value) in job.performance.take_captures() {
                    let value = scope.mask_named(&name, &value).into_owned();
                    let flow = self.instance.flow;
                    self.run.sink.emit(RunEvent::Captured { flow, step, name, value });
                }
            }
            let now = Instant::now();
            let ready = match next {
                Move::Listen { within } => {
                    job.listen(now, within);
                    script.poll(now)
                }
                Move::Linger { at_most } => {
                    job.wait(Waiting::Linger { until: now + at_most });
                    script.poll(now)
                }
                Move::KeepListening => {
                    job.wait(Waiting::Output);
                    script.poll(now)
                }
                Move::Say(utterance) => self.say(utterance),
                Move::Pause(length) => {
                    job.pause(now, length);
                    None
                }
                Move::Run(argv) => {
                    self.run_command(argv, ctx);
                    None
                }
                Move::Done => return self.job_over(Ok(()), ctx),
                Move::Fail(fault) => return self.job_over(Err(fault), ctx),
            };
            match ready {
                Some(next) => cue = next,
                None => return self.set_alarm(ctx),
            }
        }
    }

    /// Types something now, or when the terminal's echo is off.
    fn say(&mut self, utterance: Utterance) -> Option<Cue> {
        let State::Alive(script) = &mut self.state else { return None };
        let job = script.job.as_mut()?;
        if script.ended.is_some() {
            job.wait(Waiting::Unsaid { since: Instant::now(), reason: "its input is closed".to_owned() });
            return script.poll_end();
        }
        let echo = script.child.echo();
        if utterance.secret && echo.would_show() {
            job.wait(Waiting::EchoOff { since: Instant::now(), tries: 0, utterance });
            return None;
        }
        let written = if utterance.typed.ends_input() && !self.run.has_terminal(self.instance.role) {
            script.child.close_input();
            Ok(Instant::now())
        } else {
            script.child.write(utterance.typed.bytes())
        };
        if let Err(error) = written {
            job.wait(Waiting::Unsaid { since: Instant::now(), reason: error.to_string() });
            return None;
        }
        match utterance.answers {
            Answers::Wait => script.dialogue.answered(&utterance.typed, echo.may_come_back()),
            Answers::Interlude => {
                script.dialogue.answered_interlude(&utterance.typed, echo.may_come_back());
            }
        }
        if self.run.sink.wants_dialogue() {
            let instance = self.instance;
            self.run.emit(RunEvent::Said { instance, text: utterance.shown });
        }
        Some(Cue::Said)
    }

    fn run_command(&mut self, argv: Vec<String>, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else { return };
        let Some(job) = &mut script.job else { return };
        let run = Arc::clone(&self.run);
        let role = self.instance.role;
        let running = match command::plain(&run, role, argv, &job.perform.scope) {
            Ok(command) => async move { command::output(&run.spawner, command).await },
            Err(fault) => return self.job_over(Err(fault), ctx),
        };
        let handle = ctx.spawn(running.into_actor(self).map(|ran, actor, ctx| match ran {
            Ok(output) => actor.drive(Cue::Ran(output), ctx),
            Err(fault) => actor.job_over(Err(fault), ctx),
        }));
        job.wait(Waiting::Command(handle));
    }

    /// The step is done or has failed.
    fn job_over(&mut self, result: Result<(), Fault>, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else { return };
        let Some(job) = script.job.take() else { return };
        if let Waiting::Command(handle) = &job.waiting {
            // Dropping it ends the command's process.
            ctx.cancel_future(*handle);
        }
        self.run.live.set_state(self.instance, "idle");
        let now = Instant::now();
        let timing = job.timing(result.is_ok(), now);
        let result = match result {
            Ok(()) => Ok(()),
            Err(fault) => {
                let State::Alive(script) = &self.state else { return };
                let scope = &job.perform.scope;
                Err(self.failure(scope, job.perform.what, fault, |failure| {
                    failure.turn = job.performance.place();
                    failure.awaited = job
                        .performance
                        .awaited()
                        .iter()
                        .map(|awaited| scope.mask(awaited).into_owned())
                        .collect();
                    failure.waited_us = job.waited(now).as_micros() as u64;
                    failure.activity = script.activity();
                    let tail = script.dialogue.tail(TAIL_LINES, TAIL_BYTES);
                    failure.tail = scope.mask(&tail).into_owned();
                }))
            }
        };
        self.report(Performed {
            role: self.instance.role,
            what: job.perform.what,
            scope: job.perform.scope,
            result,
            timing,
        });
    }

    fn failure(
        &self,
        scope: &Scope,
        what: Part,
        fault: Fault,
        fill: impl FnOnce(&mut Failure),
    ) -> Box<Failure> {
        let step = match what {
            Part::Step(index) => self.run.plan.steps[index.0].name.clone(),
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

    /// Begins to end the process and whatever belongs to it.
    fn end(&mut self, grace: Grace, ctx: &mut Context<Self>) {
        self.run.live.set_state(self.instance, "ending");
        match &mut self.state {
            State::Unborn | State::Over => self.finish(None, ctx),
            State::Starting { end, .. } => *end = Some(grace),
            State::Alive(script) => {
                if let Some(job) = script.job.take()
                    && let Waiting::Command(handle) = job.waiting
                {
                    ctx.cancel_future(handle);
                }
                if let Some((_, record)) = script.ended.take() {
                    return self.finish(Some(record), ctx);
                }
                script.end_ordered = true;
                script.give_up_at =
                    Some(Instant::now() + grace.hang_up + grace.terminate + LAST_WAIT);
                script.child.end(grace);
                self.set_alarm(ctx);
            }
        }
    }

    /// Says the last word and stops.
    fn finish(&mut self, record: Option<Box<ProcessRecord>>, ctx: &mut Context<Self>) {
        self.state = State::Over;
        self.run.live.remove(self.instance);
        self.obituary.due = false;
        self.report(ScriptEnded { role: self.instance.role, record });
        ctx.stop();
    }

    fn exited(&mut self, exit: Option<ExitCause>, ending: Ending, usage: Usage, at: Instant, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else { return };
        let since_order = |at: Instant| at.saturating_duration_since(script.ordered_at).as_micros() as u64;
        let record = Box::new(ProcessRecord {
            instance: self.instance,
            pid: script.child.pid(),
            ending,
            exit,
            usage,
            startup_us: script.first_output_at.map(since_order),
            lifetime_us: since_order(at),
        });
        self.run.live.remove(self.instance);
        self.run.emit(RunEvent::ScriptEnded(record.clone()));
        if script.end_ordered {
            return self.finish(Some(record), ctx);
        }
        if let Some(exit) = exit {
            script.ended = Some((exit, record));
        }
        self.look(ctx);
    }

    /// Something has happened: sees whether the job can go on.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else { return };
        let now = Instant::now();
        match script.poll(now) {
            Some(cue) => self.drive(cue, ctx),
            None => self.set_alarm(ctx),
        }
    }

    /// Sets the one timer to the earliest moment that matters, unless it rings before anyway.
    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let State::Alive(script) = &self.state else { return };
        let Some(at) = script.next_moment() else { return };
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
        let State::Alive(script) = &mut self.state else { return };
        if script.give_up_at.is_some_and(|at| at <= now) {
            return self.exited(None, Ending::LeftOver, Usage::default(), now, ctx);
        }
        let Some(job) = &mut script.job else { return self.set_alarm(ctx) };
        match &job.waiting {
            Waiting::Pause { until } if *until <= now => return self.drive(Cue::Paused, ctx),
            Waiting::Linger { until } if *until <= now => return self.drive(Cue::Lingered, ctx),
            Waiting::EchoOff { .. } => return self.try_secret(now, ctx),
            Waiting::Unsaid { since, reason } if *since + CLOSING_GRACE <= now => {
                let fault = Fault::new(FailureKind::NotSent, format!("could not type the reply: {reason}"));
                return self.job_over(Err(fault), ctx);
            }
            _ => {}
        }
        if let Some(fault) = script.overdue(now) {
            return self.job_over(Err(fault), ctx);
        }
        self.look(ctx);
    }

    /// Looks again whether the terminal's echo is off. There is no event to wait for: a terminal
    /// does not tell its other end of a change of its settings.
    fn try_secret(&mut self, now: Instant, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else { return };
        let overdue = script.overdue(now);
        let Some(job) = &mut script.job else { return };
        let Waiting::EchoOff { utterance, since, tries } =
            std::mem::replace(&mut job.waiting, Waiting::Output)
        else {
            return;
        };
        if script.child.echo().would_show() {
            let waited = now.duration_since(since);
            job.waiting = Waiting::EchoOff { utterance, since, tries: tries + 1 };
            if overdue.is_some() || waited > job::ECHO_PATIENCE {
                let fault = Fault::new(
                    FailureKind::EchoStayedOn,
                    "the secret was not typed: the terminal would have shown it",
                )
                .with_hint(
                    "the program reads this with echo on: use `send` instead of `secret` (a value \
                     listed under `secrets` stays masked)",
                );
                return self.job_over(Err(fault), ctx);
            }
            return self.set_alarm(ctx);
        }
        match self.say(utterance) {
            Some(cue) => self.drive(cue, ctx),
            None => self.set_alarm(ctx),
        }
    }
}

impl Script {
    /// What has been heard of what the job waits for, or that the program has ended.
    fn poll(&mut self, now: Instant) -> Option<Cue> {
        let job = self.job.as_mut()?;
        match &job.waiting {
            Waiting::Output | Waiting::Linger { .. } => {}
            Waiting::Unsaid { .. } => return self.poll_end(),
            Waiting::Pause { .. } | Waiting::EchoOff { .. } | Waiting::Command(_) => return None,
        }
        job.quiet_at = None;
        match self.dialogue.poll(now) {
            Heard::Nothing => self.poll_end(),
            Heard::QuietAt(at) => {
                job.quiet_at = Some(at);
                None
            }
            Heard::Ended { .. } => {
                if self.ended.is_none() && !job.performance.expects_exit() {
                    job.closing_since.get_or_insert(now);
                }
                self.poll_end()
            }
            heard => {
                job.first_wait_over();
                Some(Cue::Heard(heard))
            }
        }
    }

    fn poll_end(&self) -> Option<Cue> {
        self.ended.as_ref().map(|(exit, _)| Cue::Exited(*exit))
    }

    /// What the program is doing.
    fn activity(&self) -> Activity {
        if self.ended.is_some() { Activity::Gone } else { self.child.activity() }
    }

    fn next_moment(&self) -> Option<Instant> {
        self.job.as_ref().and_then(Job::next_moment).into_iter().chain(self.give_up_at).min()
    }

    /// Why the job has to be given up now, if it has.
    fn overdue(&self, now: Instant) -> Option<Fault> {
        let job = self.job.as_ref()?;
        if job.closing_since.is_some_and(|since| since + CLOSING_GRACE <= now) {
            return Some(Fault::new(
                FailureKind::EndedEarly,
                "the program closed its output, though it lives on, before it said what was awaited",
            ));
        }
        let deadline = job.deadline();
        if deadline.at > now {
            return None;
        }
        let kind = match deadline.whose {
            Whose::Startup => FailureKind::StartupTimeout,
            Whose::Turn | Whose::Step | Whose::Flow => FailureKind::Timeout,
        };
        let mut message = job.overdue_message(&deadline);
        let unwritten = self.child.unwritten();
        if unwritten > 0 {
            message.push_str(&format!("; the program has not read the last {unwritten} bytes typed"));
        }
        Some(Fault::new(kind, message))
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
            State::Alive(_) => self.begin_job(perform, None, ctx),
            State::Starting { .. } | State::Over => {
                let fault = Fault::new(FailureKind::Internal, "the script is not there to perform");
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
        let State::Alive(script) = &mut self.state else { return };
        match event {
            ChildEvent::Output { stream, bytes, at, drained } => {
                script.first_output_at.get_or_insert(at);
                script.dialogue.feed(stream, &bytes, at);
                if drained {
                    script.dialogue.drained();
                }
                let answer = script.dialogue.take_terminal_answers();
                if !answer.is_empty() {
                    // A program that asks its terminal something and closes it gets no answer.
                    let _ = script.child.write(&answer);
                }
                if let Some(text) = script.dialogue.take_text() {
                    let text = match &script.job {
                        Some(job) => job.perform.scope.mask(&text).into_owned(),
                        None => text,
                    };
                    self.run.emit(RunEvent::Heard { instance: self.instance, text });
                }
                self.look(ctx);
            }
            ChildEvent::Closed { stream, at } => {
                script.dialogue.closed(stream, at);
                self.look(ctx);
            }
            ChildEvent::Exited { exit, ending, usage, at } => {
                self.exited(Some(exit), ending, usage, at, ctx);
            }
        }
    }

    /// The end of the events is not the end of the actor: it still answers its supervisor.
    fn finished(&mut self, _ctx: &mut Self::Context) {}
}
