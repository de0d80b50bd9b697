//! Flow supervisor: the actor that sequences the steps of one flow and owns its values.

mod retry;
mod step_results;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::engine::context::RunContext;
use crate::engine::messages::{
    ActionKind, CoordinatorHandle, Deadline, DeadlineOwner, EndFlow, FlowHandle, Perform,
    ScriptEnded, ScriptHandle, ScriptOwner, Timing, send,
};
use crate::engine::report_guard::ReportGuard;
use crate::engine::script::ScriptActor;
use crate::engine::values::Snapshot;
use crate::model::{Failure, FlowNumber, FlowOutcome, RoleIndex, RunEvent, StepIndex, StepOutcome};
use crate::process::Grace;
use crate::scenario::Scope;

use super::attempts::Attempts;
use super::machine::{FlowEffect, FlowMachine, RoleInFlow};
use super::record_builder::{Due, StepTimes};
use super::state::{FlowState, internal};

/// Takes one flow through its steps.
pub(in crate::engine) struct FlowSupervisor {
    pub(in crate::engine) state: ReportGuard<FlowState>,
    pub(in crate::engine) machine: FlowMachine,
    /// Set while the flow waits at the gates of a step.
    pub(in crate::engine) waiting: Option<GateWait>,
    attempts: Attempts,
    /// Grace of scripts that are ended.
    grace: Grace,
}

/// The wait of a flow at the gates of a step.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct GateWait {
    pub step: StepIndex,
    pub since: Instant,
}

impl FlowSupervisor {
    /// Starts a flow on this arbiter. If the arbiter is gone, the flow is reported as lost.
    pub(in crate::engine) fn start_on(
        arbiter: &ArbiterHandle,
        run: Arc<RunContext>,
        number: FlowNumber,
        due: Due,
        scope: Scope,
        coordinator: Arc<CoordinatorHandle>,
    ) -> FlowHandle {
        let supervisor = Self::start_in_arbiter(arbiter, move |_| {
            Self::new(run, number, due, scope, coordinator)
        });
        supervisor.do_send(StartFlow);
        FlowHandle {
            admit: supervisor.clone().recipient(),
            end: supervisor.recipient(),
        }
    }

    fn new(
        run: Arc<RunContext>,
        number: FlowNumber,
        due: Due,
        scope: Scope,
        coordinator: Arc<CoordinatorHandle>,
    ) -> Self {
        let steps = run.plan.steps.iter().map(|step| step.role).collect();
        let roles = run.plan.roles.iter().map(|role| RoleInFlow {
            leaves: role.leave.is_some(),
            is_pooled: role.pool.is_some(),
            ends_with_steps: role.ends_with_steps,
        });
        let machine = FlowMachine::new(steps, roles.collect());
        let state = FlowState::new(run, coordinator, number, due, scope);
        FlowSupervisor {
            machine,
            waiting: None,
            attempts: Attempts::new(&state.run.plan, &state.scope),
            grace: Grace::default(),
            state: ReportGuard::new(state),
        }
    }

    fn apply(&mut self, effects: Vec<FlowEffect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                FlowEffect::Begin(step) => self.approach(step, ctx),
                FlowEffect::Repeat(step) => self.repeat(step, ctx),
                FlowEffect::Rewind => self.rewind(ctx),
                FlowEffect::Leave(role) => self.leave(role, ctx),
                FlowEffect::End(role) => self.end_script(role, ctx),
                FlowEffect::Release(role) => self.release(role),
                FlowEffect::Finish(outcome) => self.finish(outcome, ctx),
            }
        }
    }

    /// Decides whether the step is due at all, and pauses before it if that is wanted.
    fn approach(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let plan = Arc::clone(&self.state.run.plan);
        let entry = &plan.steps[step.0];
        let when = entry.when.as_ref();
        match when.map_or(Ok(true), |when| when.is_true(&self.state.scope)) {
            Ok(true) => {}
            Ok(false) => return self.skip(step, ctx),
            Err(error) => return self.lose(step, &error, ctx),
        }
        self.attempts.step_begins(&plan, step, &self.state.scope);
        if let Some(confirmation) = self.state.run.step_confirmation.clone() {
            let held = Instant::now();
            let waiting = actix::fut::wrap_future::<_, Self>(confirmation.wait(entry.name.clone()));
            ctx.spawn(waiting.map(move |(), supervisor, ctx| {
                if supervisor.machine.step() == Some(step) {
                    supervisor.state.builder.pauses(held.elapsed());
                    supervisor.enter(step, ctx);
                }
            }));
            return;
        }
        let delay = entry.delay;
        let delay = if step.0 == 0 { Duration::ZERO } else { delay };
        self.state.builder.pauses(delay);
        self.after(delay, ctx, move |supervisor, ctx| {
            if supervisor.machine.step() == Some(step) {
                supervisor.enter(step, ctx);
            }
        });
    }

    /// The step is not performed: it is not due, or done already.
    pub(in crate::engine) fn skip(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        self.note_instant(step, StepOutcome::Skipped, None);
        // By a message, so that a long row of skipped steps is no deep recursion.
        ctx.notify(StepSkipped);
    }

    /// Goes on after a pause, which the caller notes in the record; at once if there is none.
    fn after(
        &mut self,
        pause: Duration,
        ctx: &mut Context<Self>,
        go_on: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        if pause.is_zero() {
            return go_on(self, ctx);
        }
        ctx.run_later(pause, go_on);
    }

    pub(in crate::engine) fn perform(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let run = &self.state.run;
        run.emit(RunEvent::StepStarted {
            flow: self.state.number,
            step,
        });
        self.perform_action(ActionKind::Step(step), step, step, ctx);
    }

    /// Orders the action of `performed` for the current step: that step itself or, for a log-in,
    /// the first step of its role.
    fn perform_action(
        &mut self,
        kind: ActionKind,
        performed: StepIndex,
        step: StepIndex,
        ctx: &mut Context<Self>,
    ) {
        let plan = Arc::clone(&self.state.run.plan);
        let entry = &plan.steps[performed.0];
        self.state.builder.step_begins(Instant::now());
        self.attempts.action_begins(kind);
        let flow_deadline = plan.defaults.flow.map(|allowed| Deadline {
            at: self.state.builder.started() + allowed,
            owner: DeadlineOwner::Flow,
            allowed,
        });
        let perform = Perform {
            kind,
            values: Snapshot::new(self.state.values_for(entry.role)),
            deadline: Deadline::after(entry.timeout, DeadlineOwner::Step),
            flow_deadline,
            attempt: self.state.builder.next_attempt(&entry.name),
        };
        let script = self.script(entry.role, ctx);
        if send(&script.perform, perform).is_err() {
            self.lose(step, &"the script's actor is gone", ctx);
        }
    }

    /// Returns the role's script, which is started if there is none.
    fn script(&mut self, role: RoleIndex, ctx: &mut Context<Self>) -> &ScriptHandle {
        if self.state.script(role).is_none() {
            let instance = self.state.next_instance(role);
            let owner = Self::script_owner(ctx.address());
            let script = ScriptActor::start_new(Arc::clone(&self.state.run), instance, owner);
            self.state.role(role).script = Some(script);
            self.machine.script_started(role);
        }
        let script = &self.state.roles[role.0].script;
        script.as_ref().expect("a script that was just started")
    }

    /// Returns this supervisor as the owner of scripts.
    pub(in crate::engine) fn script_owner(address: Addr<Self>) -> ScriptOwner {
        ScriptOwner {
            is_pool: false,
            performed: address.clone().recipient(),
            ended: address.recipient(),
        }
    }

    fn leave(&mut self, role: RoleIndex, ctx: &mut Context<Self>) {
        let perform = Perform {
            kind: ActionKind::Leave,
            values: Snapshot::new(self.state.values_for(role)),
            deadline: Deadline::of_leave(&self.state.run.plan),
            flow_deadline: None,
            attempt: 1,
        };
        let script = self.state.script(role);
        if script.is_none_or(|script| send(&script.perform, perform).is_err()) {
            let effects = self.machine.left(role);
            self.apply(effects, ctx);
        }
    }

    fn end_script(&mut self, role: RoleIndex, ctx: &mut Context<Self>) {
        let script = self.state.script(role);
        if script.is_none_or(|script| script.end(self.grace).is_err()) {
            self.script_is_over(role, ctx);
        }
    }

    /// The role's script has ended.
    fn script_is_over(&mut self, role: RoleIndex, ctx: &mut Context<Self>) {
        self.state.role(role).script = None;
        let effects = self.machine.script_ended(role);
        self.apply(effects, ctx);
    }

    /// The flow cannot go on, by a fault of Rehearsal or an expression of the scenario.
    fn lose(&mut self, step: StepIndex, why: &dyn fmt::Display, ctx: &mut Context<Self>) {
        let plan = &self.state.run.plan;
        let entry = &plan.steps[step.0];
        let mut failure = internal(&why.to_string(), entry.name.clone());
        failure.role.clone_from(&plan.roles[entry.role.0].name);
        self.note_instant(step, StepOutcome::Failed, Some(failure.clone()));
        let effects = self.machine.lost(FlowOutcome::Failed(failure));
        self.apply(effects, ctx);
    }

    /// Notes a step that took no time.
    fn note_instant(
        &mut self,
        step: StepIndex,
        outcome: StepOutcome,
        failure: Option<Box<Failure>>,
    ) {
        let now = Instant::now();
        let taken = StepTimes {
            step,
            outcome,
            timing: Timing::between(now, now),
            turns: Vec::new(),
        };
        self.note_step(taken, failure);
    }

    fn note_step(&mut self, taken: StepTimes, failure: Option<Box<Failure>>) {
        let state = &mut *self.state;
        let plan = &state.run.plan;
        if taken.outcome == StepOutcome::Completed {
            let ended = taken.timing.ended;
            state.injections.recover(plan, taken.step, ended);
        }
        let event = RunEvent::StepEnded {
            flow: state.number,
            step: taken.step,
            outcome: taken.outcome,
            duration: taken.timing.duration(),
            failure,
        };
        let name = &plan.steps[taken.step.0].name;
        state.builder.note(taken, name);
        state.run.emit(event);
    }

    fn finish(&mut self, outcome: FlowOutcome, ctx: &mut Context<Self>) {
        let record = self.state.close(outcome);
        let evidence = self.state.evidence(&record);
        self.state.complete().report(record, evidence);
        ctx.stop();
    }
}

/// A message to itself: begin.
#[derive(Message)]
#[rtype(result = "()")]
struct StartFlow;

/// A message to itself: the step was not due.
#[derive(Message)]
#[rtype(result = "()")]
struct StepSkipped;

impl Actor for FlowSupervisor {
    type Context = Context<Self>;
}

impl Handler<StartFlow> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, _: StartFlow, ctx: &mut Self::Context) {
        self.state.builder.start();
        self.state.run.emit(RunEvent::FlowStarted {
            flow: self.state.number,
            variables: self.state.variables.clone(),
        });
        let effects = self.machine.begin();
        self.apply(effects, ctx);
    }
}

impl Handler<StepSkipped> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, _: StepSkipped, ctx: &mut Self::Context) {
        let effects = self.machine.step_done();
        self.apply(effects, ctx);
    }
}

impl Handler<ScriptEnded> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, ended: ScriptEnded, ctx: &mut Self::Context) {
        let ScriptEnded {
            instance,
            is_lost,
            record,
            transcript,
            pending,
        } = ended;
        self.state.take_in(pending, transcript);
        let processes = &mut self.state.builder.processes;
        processes.extend(record.map(|record| *record));
        if !self.state.has(instance) {
            return;
        }
        self.script_is_over(instance.role, ctx);
        if is_lost && let Some(step) = self.machine.step() {
            self.lose(step, &"the script's actor ended without a report", ctx);
        }
    }
}

impl Handler<EndFlow> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, order: EndFlow, ctx: &mut Self::Context) {
        self.grace = order.grace;
        self.stop_waiting();
        // A step before which the flow waited or paused was not begun.
        if let (Some(step), Some(began)) = (self.machine.step(), self.state.builder.step_began()) {
            let now = Instant::now();
            let taken = StepTimes {
                step,
                outcome: StepOutcome::Interrupted,
                timing: Timing::between(began, now),
                turns: Vec::new(),
            };
            self.note_step(taken, None);
        }
        let effects = self.machine.lost(FlowOutcome::Interrupted);
        self.apply(effects, ctx);
    }
}
