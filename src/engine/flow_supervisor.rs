//! The actor that takes one flow through its steps, and owns the flow's values.

mod admission;
mod chaos;
mod evidence;
mod ledger;
mod performed;
mod recovery;
mod report;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::model::{
    Failure, FlowId, FlowNumber, FlowOutcome, InstanceId, NamedValue, RoleIndex, RunEvent,
    StepIndex, StepOutcome,
};
use crate::process::Grace;
use crate::scenario::{Plan, Scope};

use super::context::{RunContext, shown};
use super::coordinator::Coordinator;
use super::course::{Course, Order, RoleCourse};
use super::gates::Slot;
use super::messages::{
    Deadline, EndFlow, EndScript, Part, Perform, ScriptEnded, ScriptVanished, StartFlow, Timing,
    Whose, tell,
};
use super::script::ScriptActor;
use super::script::transcript::Transcript;

use admission::Waiting;
use chaos::Struck;
use ledger::{Ledger, Taken};
use recovery::Recovery;
use report::Report;

pub(super) use report::internal;

/// How long a role's `leave` may take, at most.
pub(super) const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// When a flow was to start, and whether it counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub at: Instant,
    pub counted: bool,
}

/// A script that works for the flow.
pub(super) struct Employed {
    script: Addr<ScriptActor>,
    instance: InstanceId,
}

/// What the flow has for a role.
#[derive(Default)]
struct Cast {
    /// From when the role's script is started until it has ended, or is given back.
    employed: Option<Employed>,
    /// The place in its pool.
    slot: Option<Slot>,
    /// How many scripts it has had.
    instances: u32,
}

/// Takes one flow through its steps.
pub(super) struct FlowSupervisor {
    run: Arc<RunContext>,
    number: FlowNumber,
    id: FlowId,
    course: Course,
    /// The flow's values; away while a script actor performs.
    scope: Option<Scope>,
    /// By their roles' places in the plan.
    casts: Box<[Cast]>,
    /// While the flow waits for others before a step.
    waiting: Option<Waiting>,
    ledger: Ledger,
    recovery: Recovery,
    /// What was known of the values when they were last here.
    captures: Vec<NamedValue>,
    variables: Vec<NamedValue>,
    /// What chaos did.
    injections: Vec<Struck>,
    /// What happened to its scripts, if that is recorded.
    transcripts: Vec<Transcript>,
    /// How gently scripts are ended.
    grace: Grace,
    report: Report,
}

impl FlowSupervisor {
    pub(super) fn new(
        run: Arc<RunContext>,
        number: FlowNumber,
        due: Due,
        scope: Scope,
        coordinator: Addr<Coordinator>,
    ) -> Self {
        let steps = run.plan.steps.iter().map(|step| step.role).collect();
        let roles = run.plan.roles.iter().map(|role| RoleCourse {
            leaves: role.leave.is_some(),
            is_pooled: role.pool.is_some(),
        });
        let id = FlowId::new(&run.run_id, number);
        FlowSupervisor {
            course: Course::new(steps, roles.collect()),
            number,
            report: Report {
                coordinator,
                number,
                counted: due.counted,
                id: id.clone(),
                due: true,
            },
            id,
            variables: shown_variables(&run.plan, &scope),
            recovery: Recovery::new(&run.plan, &scope),
            scope: Some(scope),
            casts: run.plan.roles.iter().map(|_| Cast::default()).collect(),
            waiting: None,
            ledger: Ledger::new(due, run.plan.steps.len(), run.plan.roles.len()),
            captures: Vec::new(),
            injections: Vec::new(),
            transcripts: Vec::new(),
            grace: Grace::default(),
            run,
        }
    }

    fn obey(&mut self, orders: Vec<Order>, ctx: &mut Context<Self>) {
        for order in orders {
            match order {
                Order::Begin(step) => self.approach(step, ctx),
                Order::Repeat(step) => self.repeat(step, ctx),
                Order::Rewind => self.rewind(ctx),
                Order::Leave(role) => self.leave(role, ctx),
                Order::End(role) => self.end_script(role, ctx),
                Order::Return(role) => self.give_back(role),
                Order::Finish(outcome) => self.finish(outcome, ctx),
            }
        }
    }

    /// Decides whether the step is due at all, and pauses before it if that is wanted.
    fn approach(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let plan = Arc::clone(&self.run.plan);
        let entry = &plan.steps[step.0];
        let due = match (&entry.when, &self.scope) {
            (Some(when), Some(scope)) => when.is_true(scope),
            _ => Ok(true),
        };
        match due {
            Ok(true) => {}
            Ok(false) => {
                return self.skip(step, ctx);
            }
            Err(error) => return self.lose(step, &error, ctx),
        }
        self.recovery.step_begins(&plan, step, self.scope.as_ref());
        if let Some(pacer) = self.run.pacer.clone() {
            let held = Instant::now();
            let waiting = actix::fut::wrap_future::<_, Self>(pacer.wait(entry.name.clone()));
            ctx.spawn(waiting.map(move |(), supervisor, ctx| {
                if supervisor.course.step() == Some(step) {
                    supervisor.ledger.pauses(held.elapsed());
                    supervisor.enter(step, ctx);
                }
            }));
            return;
        }
        let delay = entry.delay;
        let delay = if step.0 == 0 { Duration::ZERO } else { delay };
        self.after(delay, ctx, move |supervisor, ctx| {
            if supervisor.course.step() == Some(step) {
                supervisor.enter(step, ctx);
            }
        });
    }

    /// The step is not performed: it is not due, or done already.
    fn skip(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let now = Instant::now();
        let taken = Taken {
            step,
            outcome: StepOutcome::Skipped,
            timing: Timing::between(now, now),
            turns: Vec::new(),
        };
        self.note_step(taken, None);
        // By a message, so that a long row of skipped steps is no deep recursion.
        ctx.notify(StepSkipped);
    }

    /// Goes on after a pause on purpose; at once if there is none.
    fn after(
        &mut self,
        pause: Duration,
        ctx: &mut Context<Self>,
        go_on: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        if pause.is_zero() {
            return go_on(self, ctx);
        }
        self.ledger.pauses(pause);
        ctx.run_later(pause, go_on);
    }

    fn perform(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        self.perform_part(Part::Step(step), step, ctx);
    }

    /// Has `part` performed for the sake of `step`, which is under way.
    fn perform_part(&mut self, part: Part, step: StepIndex, ctx: &mut Context<Self>) {
        let plan = Arc::clone(&self.run.plan);
        let (Part::Step(performed) | Part::LogIn(performed)) = part else {
            return;
        };
        let entry = &plan.steps[performed.0];
        if part == Part::Step(step) {
            self.run.emit(RunEvent::StepStarted {
                flow: self.number,
                step,
            });
        }
        let Some(scope) = self.scope.take() else {
            return self.lose(step, &"the flow's values are not here", ctx);
        };
        let now = Instant::now();
        self.ledger.step_begins(now);
        self.recovery.begins(part);
        let allowed = entry.timeout;
        let mut deadline = Deadline {
            at: now + allowed,
            whose: Whose::Step,
            allowed,
        };
        if let Some(allowed) = plan.defaults.flow {
            let at = self.ledger.started() + allowed;
            if at < deadline.at {
                deadline = Deadline {
                    at,
                    whose: Whose::Flow,
                    allowed,
                };
            }
        }
        let perform = Perform {
            what: part,
            scope,
            deadline,
            attempt: self.ledger.next_attempt(step),
        };
        let script = self.script(entry.role, ctx);
        if tell(&script, perform).is_err() {
            self.lose(step, &"the script's actor is gone", ctx);
        }
    }

    fn script(&mut self, role: RoleIndex, ctx: &mut Context<Self>) -> Addr<ScriptActor> {
        if let Some(employed) = self.employed(role) {
            return employed.script.clone();
        }
        let instance = self.next_instance(role);
        let script = ScriptActor::new(Arc::clone(&self.run), instance, ctx.address()).start();
        let employed = Employed {
            script: script.clone(),
            instance,
        };
        self.cast(role).employed = Some(employed);
        self.course.script_started(role);
        script
    }

    fn cast(&mut self, role: RoleIndex) -> &mut Cast {
        &mut self.casts[role.0]
    }

    fn employed(&self, role: RoleIndex) -> Option<&Employed> {
        self.casts[role.0].employed.as_ref()
    }

    /// The name of the next script of a role.
    fn next_instance(&mut self, role: RoleIndex) -> InstanceId {
        let cast = self.cast(role);
        cast.instances += 1;
        let attempt = cast.instances;
        InstanceId {
            flow: self.number,
            role,
            attempt,
        }
    }

    fn leave(&mut self, role: RoleIndex, ctx: &mut Context<Self>) {
        let allowed = LEAVE_TIMEOUT.min(self.run.plan.defaults.step);
        let deadline = Deadline {
            at: Instant::now() + allowed,
            whose: Whose::Step,
            allowed,
        };
        let asked = match (self.employed(role), &self.scope) {
            (Some(employed), Some(scope)) => {
                let perform = Perform {
                    what: Part::Leave,
                    scope: scope.clone(),
                    deadline,
                    attempt: 1,
                };
                tell(&employed.script, perform).is_ok()
            }
            _ => false,
        };
        if !asked {
            let orders = self.course.left(role);
            self.obey(orders, ctx);
        }
    }

    fn end_script(&mut self, role: RoleIndex, ctx: &mut Context<Self>) {
        let grace = self.grace;
        let told = self
            .employed(role)
            .is_some_and(|employed| tell(&employed.script, EndScript { grace }).is_ok());
        if !told {
            self.script_is_over(role, ctx);
        }
    }

    /// The role's script has ended.
    fn script_is_over(&mut self, role: RoleIndex, ctx: &mut Context<Self>) {
        self.cast(role).employed = None;
        let orders = self.course.script_ended(role);
        self.obey(orders, ctx);
    }

    /// Whether it is the script that works for the flow now, and not one before it.
    fn employs(&self, instance: InstanceId) -> bool {
        let employed = self.employed(instance.role);
        employed.is_some_and(|employed| employed.instance == instance)
    }

    fn lose(&mut self, step: StepIndex, why: &dyn std::fmt::Display, ctx: &mut Context<Self>) {
        let mut failure = internal(&why.to_string(), self.run.plan.steps[step.0].name.clone());
        failure.role = self.run.plan.roles[self.run.plan.steps[step.0].role.0]
            .name
            .clone();
        let now = Instant::now();
        let taken = Taken {
            step,
            outcome: StepOutcome::Failed,
            timing: Timing::between(now, now),
            turns: Vec::new(),
        };
        self.note_step(taken, Some(failure.clone()));
        let orders = self.course.lost(FlowOutcome::Failed(failure));
        self.obey(orders, ctx);
    }

    fn note_step(&mut self, taken: Taken, failure: Option<Box<Failure>>) {
        if taken.outcome == StepOutcome::Completed {
            self.recover(taken.step, taken.timing.ended);
        }
        let event = RunEvent::StepEnded {
            flow: self.number,
            step: taken.step,
            outcome: taken.outcome.clone(),
            duration: taken.timing.duration(),
            failure,
        };
        self.ledger.note(taken);
        self.run.emit(event);
    }

    fn finish(&mut self, outcome: FlowOutcome, ctx: &mut Context<Self>) {
        let mut record = self.ledger.close(self.number, self.id.clone(), outcome);
        record.captures = std::mem::take(&mut self.captures);
        record.variables = std::mem::take(&mut self.variables);
        record.injections = self.take_injections();
        let evidence = self.evidence(&record);
        self.report.send(Box::new(record), evidence);
        ctx.stop();
    }
}

/// The scenario's variables with the values that they have for this flow.
fn shown_variables(plan: &Plan, scope: &Scope) -> Vec<NamedValue> {
    let names = plan.variables.iter().map(|(name, _)| name);
    names
        .filter_map(|name| scope.entry(name))
        .map(|entry| shown(scope, entry))
        .collect()
}

/// To itself: the step was not due.
#[derive(Message)]
#[rtype(result = "()")]
struct StepSkipped;

impl Actor for FlowSupervisor {
    type Context = Context<Self>;
}

impl Handler<StartFlow> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, _: StartFlow, ctx: &mut Self::Context) {
        self.ledger.start();
        let variables = self.variables.clone();
        self.run.emit(RunEvent::FlowStarted {
            flow: self.number,
            variables,
        });
        let orders = self.course.begin();
        self.obey(orders, ctx);
    }
}

impl Handler<StepSkipped> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, _: StepSkipped, ctx: &mut Self::Context) {
        let orders = self.course.step_done();
        self.obey(orders, ctx);
    }
}

impl Handler<ScriptEnded> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, ended: ScriptEnded, ctx: &mut Self::Context) {
        let record = ended.record.map(|record| *record);
        self.ledger.processes.extend(record);
        self.transcripts.extend(ended.transcript.map(|it| *it));
        if self.employs(ended.instance) {
            self.script_is_over(ended.instance.role, ctx);
        }
    }
}

impl Handler<ScriptVanished> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, vanished: ScriptVanished, ctx: &mut Self::Context) {
        if !self.employs(vanished.instance) {
            return;
        }
        self.script_is_over(vanished.instance.role, ctx);
        if let Some(step) = self.course.step() {
            self.lose(step, &"the script's actor ended without a word", ctx);
        }
    }
}

impl Handler<EndFlow> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, order: EndFlow, ctx: &mut Self::Context) {
        self.grace = order.grace;
        self.stop_waiting();
        // One before which the flow waited or paused was not begun.
        if let (Some(step), Some(began)) = (self.course.step(), self.ledger.step_began()) {
            let now = Instant::now();
            let taken = Taken {
                step,
                outcome: StepOutcome::Interrupted,
                timing: Timing::between(began, now),
                turns: Vec::new(),
            };
            self.note_step(taken, None);
        }
        let orders = self.course.lost(FlowOutcome::Interrupted);
        self.obey(orders, ctx);
    }
}
