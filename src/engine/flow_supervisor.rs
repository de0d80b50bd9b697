//! The actor that takes one flow through its steps, and owns the flow's values.

mod chaos;
mod report;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use chrono::{DateTime, Local};

use crate::model::{
    Failure, FlowId, FlowNumber, FlowOutcome, FlowRecord, InjectionRecord, InstanceId,
    ProcessRecord, RoleIndex, RunEvent, StepIndex, StepOutcome, StepRecord, TurnRecord,
};
use crate::scenario::{Plan, Scope};
use crate::transport::Grace;

use super::context::{RunContext, micros, shown};
use super::coordinator::Coordinator;
use super::course::{Course, Order};
use super::messages::{
    Deadline, EndFlow, EndScript, Part, Perform, Performed, ScriptEnded, ScriptVanished, StartFlow,
    Timing, Whose, tell,
};
use super::script_actor::ScriptActor;

use report::{Report, internal};

/// How long a role's `leave` may take, at most.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// When a flow was to start, and whether it counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub at: Instant,
    pub counted: bool,
}

/// Takes one flow through its steps.
pub(super) struct FlowSupervisor {
    run: Arc<RunContext>,
    number: FlowNumber,
    id: FlowId,
    course: Course,
    /// The flow's values; away while a script actor performs.
    scope: Option<Scope>,
    scripts: BTreeMap<RoleIndex, Addr<ScriptActor>>,
    /// When it was to start.
    due: Due,
    started: Instant,
    started_at: DateTime<Local>,
    /// When the step under way was begun.
    step_began: Option<Instant>,
    /// When the last step ended.
    last_step_ended: Instant,
    paused: Duration,
    /// How long we held the flow up ourselves: until the last evidence, and after it.
    held: Duration,
    held_after: Duration,
    /// What was known of the values when they were last here.
    captures: Vec<(String, String)>,
    variables: Vec<(String, String)>,
    steps: Vec<StepRecord>,
    /// The named turns of the step that has just ended.
    turns: Vec<TurnRecord>,
    processes: Vec<ProcessRecord>,
    /// What chaos did, and when.
    injections: Vec<(Instant, InjectionRecord)>,
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
        let leaves = run
            .plan
            .roles
            .iter()
            .map(|role| role.leave.is_some())
            .collect();
        let now = Instant::now();
        let id = FlowId::new(&run.run_id, number);
        FlowSupervisor {
            course: Course::new(run.plan.steps.len(), leaves),
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
            scope: Some(scope),
            scripts: BTreeMap::new(),
            due,
            started: now,
            started_at: Local::now(),
            step_began: None,
            last_step_ended: now,
            paused: Duration::ZERO,
            held: Duration::ZERO,
            held_after: Duration::ZERO,
            captures: Vec::new(),
            steps: Vec::new(),
            turns: Vec::new(),
            processes: Vec::new(),
            injections: Vec::new(),
            grace: Grace::default(),
            run,
        }
    }

    fn obey(&mut self, orders: Vec<Order>, ctx: &mut Context<Self>) {
        for order in orders {
            match order {
                Order::Begin(step) => self.approach(step, ctx),
                Order::Leave(role) => self.leave(role, ctx),
                Order::End(role) => self.end_script(role, ctx),
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
                let now = Instant::now();
                self.note_step(step, StepOutcome::Skipped, Timing::between(now, now), None);
                // By a message, so that a long row of skipped steps is no deep recursion.
                ctx.notify(StepSkipped);
                return;
            }
            Err(error) => return self.lose(step, &error, ctx),
        }
        let delay = self.run.delay.unwrap_or(entry.delay);
        if delay.is_zero() || step.0 == 0 {
            self.perform(step, ctx);
        } else {
            self.paused += delay;
            ctx.run_later(delay, move |supervisor, ctx| {
                if supervisor.course.step() == Some(step) {
                    supervisor.perform(step, ctx);
                }
            });
        }
    }

    fn perform(&mut self, step: StepIndex, ctx: &mut Context<Self>) {
        let plan = Arc::clone(&self.run.plan);
        let entry = &plan.steps[step.0];
        self.run.emit(RunEvent::StepStarted {
            flow: self.number,
            step,
        });
        let Some(scope) = self.scope.take() else {
            return self.lose(step, &"the flow's values are not here", ctx);
        };
        let now = Instant::now();
        self.step_began = Some(now);
        let allowed = self.run.step_timeout.unwrap_or(entry.timeout);
        let mut deadline = Deadline {
            at: now + allowed,
            whose: Whose::Step,
            allowed,
        };
        if let Some(allowed) = plan.defaults.flow {
            let at = self.started + allowed;
            if at < deadline.at {
                deadline = Deadline {
                    at,
                    whose: Whose::Flow,
                    allowed,
                };
            }
        }
        let role = entry.role;
        let script = self.script(role, ctx);
        if tell(
            &script,
            Perform {
                what: Part::Step(step),
                attempt: self.attempt_at(step),
                scope,
                deadline,
            },
        )
        .is_err()
        {
            self.lose(step, &"the script's actor is gone", ctx);
        }
    }

    /// Which attempt at the step the next one is, from 1.
    fn attempt_at(&self, step: StepIndex) -> u32 {
        let before = self.steps.iter().filter(|record| record.step == step);
        u32::try_from(before.count() + 1).unwrap_or(u32::MAX)
    }

    fn script(&mut self, role: RoleIndex, ctx: &mut Context<Self>) -> Addr<ScriptActor> {
        if let Some(script) = self.scripts.get(&role) {
            return script.clone();
        }
        let instance = InstanceId {
            flow: self.number,
            role,
            attempt: 1,
        };
        let script = ScriptActor::new(Arc::clone(&self.run), instance, ctx.address()).start();
        self.scripts.insert(role, script.clone());
        self.course.script_started(role);
        script
    }

    fn leave(&mut self, role: RoleIndex, ctx: &mut Context<Self>) {
        let allowed = LEAVE_TIMEOUT.min(self.run.plan.defaults.step);
        let deadline = Deadline {
            at: Instant::now() + allowed,
            whose: Whose::Step,
            allowed,
        };
        let asked = match (self.scripts.get(&role), &self.scope) {
            (Some(script), Some(scope)) => {
                let scope = scope.clone();
                tell(
                    script,
                    Perform {
                        what: Part::Leave,
                        attempt: 1,
                        scope,
                        deadline,
                    },
                )
                .is_ok()
            }
            _ => false,
        };
        if !asked {
            let orders = self.course.left(role);
            self.obey(orders, ctx);
        }
    }

    fn end_script(&mut self, role: RoleIndex, ctx: &mut Context<Self>) {
        let told = self
            .scripts
            .get(&role)
            .is_some_and(|script| tell(script, EndScript { grace: self.grace }).is_ok());
        if !told {
            let orders = self.course.script_ended(role);
            self.obey(orders, ctx);
        }
    }

    fn lose(&mut self, step: StepIndex, why: &dyn std::fmt::Display, ctx: &mut Context<Self>) {
        let mut failure = internal(&why.to_string(), self.run.plan.steps[step.0].name.clone());
        failure.role = self.run.plan.roles[self.run.plan.steps[step.0].role.0]
            .name
            .clone();
        let now = Instant::now();
        self.note_step(
            step,
            StepOutcome::Failed,
            Timing::between(now, now),
            Some(failure.clone()),
        );
        let orders = self.course.lost(FlowOutcome::Failed(failure));
        self.obey(orders, ctx);
    }

    fn note_step(
        &mut self,
        step: StepIndex,
        outcome: StepOutcome,
        timing: Timing,
        failure: Option<Box<Failure>>,
    ) {
        let duration = timing.duration();
        let begun_after = timing.started.saturating_duration_since(self.started);
        self.step_began = None;
        self.last_step_ended = timing.ended;
        if outcome == StepOutcome::Completed {
            self.recover(step, timing.ended);
        }
        self.paused += timing.paused;
        self.held += self.held_after + timing.held;
        self.held_after = timing.held_after;
        self.steps.push(StepRecord {
            step,
            outcome: outcome.clone(),
            started_after_us: micros(begun_after),
            duration_us: micros(duration),
            paused_us: micros(timing.paused),
            held_us: micros(timing.held + timing.held_after),
            turns: std::mem::take(&mut self.turns),
        });
        let flow = self.number;
        self.run.emit(RunEvent::StepEnded {
            flow,
            step,
            outcome,
            duration,
            failure,
        });
    }

    fn finish(&mut self, outcome: FlowOutcome, ctx: &mut Context<Self>) {
        let whole = self.last_step_ended.saturating_duration_since(self.started);
        let duration = whole.saturating_sub(self.paused).saturating_sub(self.held);
        let record = Box::new(FlowRecord {
            number: self.number,
            id: self.id.clone(),
            started_at: self.started_at,
            counted: self.due.counted,
            late_us: micros(self.started.saturating_duration_since(self.due.at)),
            duration_us: micros(duration),
            paused_us: micros(self.paused),
            outcome,
            steps: std::mem::take(&mut self.steps),
            captures: std::mem::take(&mut self.captures),
            variables: std::mem::take(&mut self.variables),
            processes: std::mem::take(&mut self.processes),
            injections: std::mem::take(&mut self.injections)
                .into_iter()
                .map(|(_, record)| record)
                .collect(),
        });
        self.report.send(record);
        ctx.stop();
    }
}

/// The named turns that were taken, by their places among the names of the step.
fn turn_records(plan: &Plan, step: StepIndex, turns: &[(Arc<str>, Duration)]) -> Vec<TurnRecord> {
    let names = &plan.steps[step.0].action.turn_names;
    turns
        .iter()
        .filter_map(|(name, took)| {
            Some(TurnRecord {
                turn: names.iter().position(|it| it == name)?,
                duration_us: micros(*took),
            })
        })
        .collect()
}

fn shown_all(scope: &Scope, values: &[(String, String)]) -> Vec<(String, String)> {
    values
        .iter()
        .map(|(name, value)| (name.clone(), shown(scope, name, value)))
        .collect()
}

/// The scenario's variables with the values that they have for this flow.
fn shown_variables(plan: &Plan, scope: &Scope) -> Vec<(String, String)> {
    let names = plan.variables.iter().map(|(name, _)| name);
    names
        .filter_map(|name| Some((name.clone(), shown(scope, name, scope.get(name)?))))
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
        self.started = Instant::now();
        self.started_at = Local::now();
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

impl Handler<Performed> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, performed: Performed, ctx: &mut Self::Context) {
        let Performed {
            role,
            what,
            scope,
            result,
            timing,
            turns,
        } = performed;
        let orders = match what {
            Part::Leave => {
                if let Err(failure) = result {
                    let title = &self.run.plan.roles[role.0].title;
                    let text = format!("{title} did not leave well: {}", failure.message);
                    self.run.emit(RunEvent::Notice {
                        flow: Some(self.number),
                        text,
                    });
                }
                self.course.left(role)
            }
            Part::Step(step) => {
                self.captures = shown_all(&scope, scope.captures());
                self.scope = Some(scope);
                if self.course.step() != Some(step) {
                    return;
                }
                self.turns = turn_records(&self.run.plan, step, &turns);
                let (outcome, failure) = match result {
                    Ok(()) => (StepOutcome::Completed, None),
                    Err(failure) => (StepOutcome::Failed, Some(self.blame(role, failure))),
                };
                self.note_step(step, outcome, timing, failure.clone());
                match failure {
                    None => self.course.step_done(),
                    Some(failure) => self.course.lost(FlowOutcome::Failed(failure)),
                }
            }
        };
        self.obey(orders, ctx);
    }
}

impl Handler<ScriptEnded> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, ended: ScriptEnded, ctx: &mut Self::Context) {
        self.processes.extend(ended.record.map(|record| *record));
        let orders = self.course.script_ended(ended.role);
        self.obey(orders, ctx);
    }
}

impl Handler<ScriptVanished> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, vanished: ScriptVanished, ctx: &mut Self::Context) {
        let orders = self.course.script_ended(vanished.role);
        self.obey(orders, ctx);
        if let Some(step) = self.course.step() {
            self.lose(step, &"the script's actor ended without a word", ctx);
        }
    }
}

impl Handler<EndFlow> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, order: EndFlow, ctx: &mut Self::Context) {
        self.grace = order.grace;
        if let Some(step) = self.course.step() {
            let now = Instant::now();
            let timing = Timing::between(self.step_began.unwrap_or(now), now);
            self.note_step(step, StepOutcome::Interrupted, timing, None);
        }
        let orders = self.course.lost(FlowOutcome::Interrupted);
        self.obey(orders, ctx);
    }
}
