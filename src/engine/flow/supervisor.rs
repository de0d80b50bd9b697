//! The actor that sequences the steps of one flow and owns its values.

mod evidence;
mod faults;
mod pool_use;
mod record_builder;
mod recovery;
mod report_guard;
mod step_results;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::model::{
    Failure, FlowId, FlowNumber, FlowOutcome, InstanceId, NamedValue, RoleIndex, RunEvent,
    StepIndex, StepOutcome,
};
use crate::process::Grace;
use crate::scenario::{Plan, Scope};

use super::machine::{Action, FlowMachine, RoleInFlow};
use crate::engine::context::{RunContext, shown};
use crate::engine::coordinator::Coordinator;
use crate::engine::messages::{
    ActionKind, Deadline, EndFlow, EndScript, Perform, ScriptEnded, ScriptVanished, StartFlow,
    Timing, Whose, send,
};
use crate::engine::pool::Slot;
use crate::engine::script::ScriptActor;
use crate::engine::script::transcript::Transcript;

use faults::InjectedFaults;
use pool_use::GateWait;
use record_builder::{RecordBuilder, StepTimes};
use recovery::Recovery;
use report_guard::ReportGuard;

pub(in crate::engine) use report_guard::internal;

/// The time that a role's `leave` may take, at most.
pub(in crate::engine) const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// When a flow was to start, and whether it counts.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Due {
    pub at: Instant,
    pub counted: bool,
}

/// A script that works for the flow.
pub(in crate::engine) struct AssignedScript {
    script: Addr<ScriptActor>,
    instance: InstanceId,
}

/// What the flow has for a role.
#[derive(Default)]
struct RoleState {
    /// From when the role's script is started until it has ended, or is given back.
    assigned: Option<AssignedScript>,
    /// The place in its pool.
    slot: Option<Slot>,
    /// The number of scripts it that has had.
    instances: u32,
}

/// Takes one flow through its steps.
pub(in crate::engine) struct FlowSupervisor {
    run: Arc<RunContext>,
    number: FlowNumber,
    id: FlowId,
    machine: FlowMachine,
    /// The flow's values; away while a script actor performs.
    scope: Option<Scope>,
    /// By their roles' places in the plan.
    role_states: Box<[RoleState]>,
    /// While the flow waits for others before a step.
    waiting: Option<GateWait>,
    builder: RecordBuilder,
    recovery: Recovery,
    /// What was known of the values when they were last here.
    captures: Vec<NamedValue>,
    variables: Vec<NamedValue>,
    /// What chaos did.
    injections: Vec<InjectedFaults>,
    /// What happened to its scripts, if that is recorded.
    transcripts: Vec<Transcript>,
    /// How gently scripts are ended.
    grace: Grace,
    report: ReportGuard,
}

impl FlowSupervisor {
    pub(in crate::engine) fn new(
        run: Arc<RunContext>,
        number: FlowNumber,
        due: Due,
        scope: Scope,
        coordinator: Addr<Coordinator>,
    ) -> Self {
        let steps = run.plan.steps.iter().map(|step| step.role).collect();
        let roles = run.plan.roles.iter().map(|role| RoleInFlow {
            leaves: role.leave.is_some(),
            is_pooled: role.pool.is_some(),
        });
        let id = FlowId::new(&run.run_id, number);
        FlowSupervisor {
            machine: FlowMachine::new(steps, roles.collect()),
            number,
            report: ReportGuard {
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
            role_states: run
                .plan
                .roles
                .iter()
                .map(|_| RoleState::default())
                .collect(),
            waiting: None,
            builder: RecordBuilder::new(due, run.plan.steps.len(), run.plan.roles.len()),
            captures: Vec::new(),
            injections: Vec::new(),
            transcripts: Vec::new(),
            grace: Grace::default(),
            run,
        }
    }

    fn obey(&mut self, actions: Vec<Action>, ctx: &mut Context<Self>) {
        for order in actions {
            match order {
                Action::Begin(step) => self.approach(step, ctx),
                Action::Repeat(step) => self.repeat(step, ctx),
                Action::Rewind => self.rewind(ctx),
                Action::Leave(role) => self.leave(role, ctx),
                Action::End(role) => self.end_script(role, ctx),
                Action::Return(role) => self.release(role),
                Action::Finish(outcome) => self.finish(outcome, ctx),
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
        if let Some(step_gate) = self.run.step_gate.clone() {
            let held = Instant::now();
            let waiting = actix::fut::wrap_future::<_, Self>(step_gate.wait(entry.name.clone()));
            ctx.spawn(waiting.map(move |(), supervisor, ctx| {
                if supervisor.machine.step() == Some(step) {
                    supervisor.builder.pauses(held.elapsed());
                    supervisor.enter(step, ctx);
                }
            }));
            return;
        }
        let delay = entry.delay;
        let delay = if step.0 == 0 { Duration::ZERO } else { delay };
        self.after(delay, ctx, move |supervisor, ctx| {
            if supervisor.machine.step() == Some(step) {
                supervisor.enter(step, ctx);
            }
        });
    }

    /// The step is not performed: it is not due, or done already.
    fn skip(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let now = Instant::now();
        let taken = StepTimes {
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
        self.builder.pauses(pause);
        ctx.run_later(pause, go_on);
    }

    fn perform(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        self.perform_action(ActionKind::Step(step), step, ctx);
    }

    /// Has `kind` performed for the sake of `step`, which is in flight.
    fn perform_action(&mut self, kind: ActionKind, step: StepIndex, ctx: &mut Context<Self>) {
        let plan = Arc::clone(&self.run.plan);
        let (ActionKind::Step(performed) | ActionKind::LogIn(performed)) = kind else {
            return;
        };
        let entry = &plan.steps[performed.0];
        if kind == ActionKind::Step(step) {
            self.run.emit(RunEvent::StepStarted {
                flow: self.number,
                step,
            });
        }
        let Some(scope) = self.scope.take() else {
            return self.lose(step, &"the flow's values are not here", ctx);
        };
        let now = Instant::now();
        self.builder.step_begins(now);
        self.recovery.begins(kind);
        let allowed = entry.timeout;
        let mut deadline = Deadline {
            at: now + allowed,
            whose: Whose::Step,
            allowed,
        };
        if let Some(allowed) = plan.defaults.flow {
            let at = self.builder.started() + allowed;
            if at < deadline.at {
                deadline = Deadline {
                    at,
                    whose: Whose::Flow,
                    allowed,
                };
            }
        }
        let perform = Perform {
            what: kind,
            scope,
            deadline,
            attempt: self.builder.next_attempt(&entry.name),
        };
        let script = self.script(entry.role, ctx);
        if send(&script, perform).is_err() {
            self.lose(step, &"the script's actor is gone", ctx);
        }
    }

    fn script(&mut self, role: RoleIndex, ctx: &mut Context<Self>) -> Addr<ScriptActor> {
        if let Some(assigned) = self.assigned(role) {
            return assigned.script.clone();
        }
        let instance = self.next_instance(role);
        let script = ScriptActor::new(Arc::clone(&self.run), instance, ctx.address()).start();
        let assigned = AssignedScript {
            script: script.clone(),
            instance,
        };
        self.role_state(role).assigned = Some(assigned);
        self.machine.script_started(role);
        script
    }

    fn role_state(&mut self, role: RoleIndex) -> &mut RoleState {
        &mut self.role_states[role.0]
    }

    fn assigned(&self, role: RoleIndex) -> Option<&AssignedScript> {
        self.role_states[role.0].assigned.as_ref()
    }

    /// The name of the next script of a role.
    fn next_instance(&mut self, role: RoleIndex) -> InstanceId {
        let role_state = self.role_state(role);
        role_state.instances += 1;
        let attempt = role_state.instances;
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
            whose: Whose::Leave,
            allowed,
        };
        let asked = match (self.assigned(role), &self.scope) {
            (Some(assigned), Some(scope)) => {
                let perform = Perform {
                    what: ActionKind::Leave,
                    scope: scope.clone(),
                    deadline,
                    attempt: 1,
                };
                send(&assigned.script, perform).is_ok()
            }
            _ => false,
        };
        if !asked {
            let actions = self.machine.left(role);
            self.obey(actions, ctx);
        }
    }

    fn end_script(&mut self, role: RoleIndex, ctx: &mut Context<Self>) {
        let grace = self.grace;
        let told = self
            .assigned(role)
            .is_some_and(|assigned| send(&assigned.script, EndScript { grace }).is_ok());
        if !told {
            self.script_is_over(role, ctx);
        }
    }

    /// The role's script has ended.
    fn script_is_over(&mut self, role: RoleIndex, ctx: &mut Context<Self>) {
        self.role_state(role).assigned = None;
        let actions = self.machine.script_ended(role);
        self.obey(actions, ctx);
    }

    /// Returns whether it is the script that works for the flow now, and not one before it.
    fn assigns(&self, instance: InstanceId) -> bool {
        let assigned = self.assigned(instance.role);
        assigned.is_some_and(|assigned| assigned.instance == instance)
    }

    fn lose(&mut self, step: StepIndex, why: &dyn std::fmt::Display, ctx: &mut Context<Self>) {
        let mut failure = internal(&why.to_string(), self.run.plan.steps[step.0].name.clone());
        failure.role = self.run.plan.roles[self.run.plan.steps[step.0].role.0]
            .name
            .clone();
        let now = Instant::now();
        let taken = StepTimes {
            step,
            outcome: StepOutcome::Failed,
            timing: Timing::between(now, now),
            turns: Vec::new(),
        };
        self.note_step(taken, Some(failure.clone()));
        let actions = self.machine.lost(FlowOutcome::Failed(failure));
        self.obey(actions, ctx);
    }

    fn note_step(&mut self, taken: StepTimes, failure: Option<Box<Failure>>) {
        if taken.outcome == StepOutcome::Completed {
            self.recover(taken.step, taken.timing.ended);
        }
        let event = RunEvent::StepEnded {
            flow: self.number,
            step: taken.step,
            outcome: taken.outcome,
            duration: taken.timing.duration(),
            failure,
        };
        let name = &self.run.plan.steps[taken.step.0].name;
        self.builder.note(taken, name);
        self.run.emit(event);
    }

    fn finish(&mut self, outcome: FlowOutcome, ctx: &mut Context<Self>) {
        let mut record = self.builder.close(self.number, self.id.clone(), outcome);
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
        self.builder.start();
        let variables = self.variables.clone();
        self.run.emit(RunEvent::FlowStarted {
            flow: self.number,
            variables,
        });
        let actions = self.machine.begin();
        self.obey(actions, ctx);
    }
}

impl Handler<StepSkipped> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, _: StepSkipped, ctx: &mut Self::Context) {
        let actions = self.machine.step_done();
        self.obey(actions, ctx);
    }
}

impl Handler<ScriptEnded> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, ended: ScriptEnded, ctx: &mut Self::Context) {
        let record = ended.record.map(|record| *record);
        self.builder.processes.extend(record);
        self.transcripts.extend(ended.transcript.map(|it| *it));
        if self.assigns(ended.instance) {
            self.script_is_over(ended.instance.role, ctx);
        }
    }
}

impl Handler<ScriptVanished> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, vanished: ScriptVanished, ctx: &mut Self::Context) {
        if !self.assigns(vanished.instance) {
            return;
        }
        self.script_is_over(vanished.instance.role, ctx);
        if let Some(step) = self.machine.step() {
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
        if let (Some(step), Some(began)) = (self.machine.step(), self.builder.step_began()) {
            let now = Instant::now();
            let taken = StepTimes {
                step,
                outcome: StepOutcome::Interrupted,
                timing: Timing::between(began, now),
                turns: Vec::new(),
            };
            self.note_step(taken, None);
        }
        let actions = self.machine.lost(FlowOutcome::Interrupted);
        self.obey(actions, ctx);
    }
}
