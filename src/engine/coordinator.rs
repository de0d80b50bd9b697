//! The actor that starts the flows of a run, and sees each of them to its end.

mod lending;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use chrono::Local;
use tokio::sync::oneshot;

use crate::model::{
    Activity, Failure, FailureKind, FlowId, FlowNumber, FlowOutcome, FlowRecord, RunEvent,
};
use crate::process::Grace;
use crate::scenario::{FlowContext, Load, ScopeError, Shape};

use super::context::RunContext;
use super::control::Stop;
use super::flow_supervisor::{Due, FlowSupervisor};
use super::messages::{EndFlow, FlowEnded, StartFlow, StopRun, tell};
use super::schedule::{Next, Schedule, Start};

use lending::Lending;

/// How scripts are ended when the run is to end at once.
const HASTY: Grace = Grace {
    hang_up: Duration::from_millis(200),
    terminate: Duration::from_millis(300),
};

/// How long whoever takes in the events is left to catch up before the next flow is thought of.
const CATCH_UP: Duration = Duration::from_millis(2);

/// Starts the flows of a run when they are due.
pub(super) struct Coordinator {
    run: Arc<RunContext>,
    schedule: Schedule,
    /// Flows start when others end, not by the clock.
    is_closed_load: bool,
    /// How long flows may take to finish when the time for starting them is over.
    graceful_stop: Duration,
    /// When the run began: the zero of the schedule's times.
    began: Instant,
    /// The arbiters on which flows live, with how many each has now.
    arbiters: Vec<(ArbiterHandle, usize)>,
    under_way: BTreeMap<FlowNumber, UnderWay>,
    /// The number of the flow that is started next.
    next: FlowNumber,
    intake: Intake,
    /// More flows may start before any has ended.
    may_start: bool,
    /// What flows wait for before their steps, if they ever do.
    lending: Option<Lending>,
    /// The one timer: when the schedule is to be asked again.
    alarm: Option<SpawnHandle>,
    /// Told when the last flow has ended.
    done: Option<oneshot::Sender<Interrupted>>,
}

/// A flow that has been started.
struct UnderWay {
    supervisor: Addr<FlowSupervisor>,
    /// Which of the arbiters it lives on.
    arbiter: usize,
    /// Which worker of a closed load performs it.
    worker: Option<usize>,
}

/// Whether flows may still start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intake {
    Open,
    /// There is nothing more to start; the run ends by itself.
    Over,
    /// Somebody stopped the run.
    Stopped,
}

/// Whether the run was stopped before its end.
pub(super) type Interrupted = bool;

impl Coordinator {
    pub(super) fn new(
        run: Arc<RunContext>,
        load: &Load,
        first_flow: FlowNumber,
        arbiters: Vec<ArbiterHandle>,
        done: oneshot::Sender<Interrupted>,
    ) -> Self {
        Coordinator {
            schedule: Schedule::new(load, run.seed),
            lending: Lending::of(&run),
            is_closed_load: matches!(load.shape, Shape::Closed { .. }),
            run,
            graceful_stop: load.graceful_stop,
            began: Instant::now(),
            arbiters: arbiters.into_iter().map(|arbiter| (arbiter, 0)).collect(),
            under_way: BTreeMap::new(),
            next: first_flow,
            intake: Intake::Open,
            may_start: true,
            alarm: None,
            done: Some(done),
        }
    }

    /// Does what the schedule says, until there is something to wait for; ends the run if there
    /// is nothing left to do.
    fn proceed(&mut self, ctx: &mut Context<Self>) {
        self.may_start = false;
        while self.intake == Intake::Open {
            if self.is_closed_load && self.run.sink.is_behind() {
                // Nobody is due at a certain time, so none is late.
                self.may_start = true;
                self.ask_again_at(self.began.elapsed() + CATCH_UP, ctx);
                break;
            }
            let in_flight = self.under_way.len() as u64;
            match self.schedule.next(self.began.elapsed(), in_flight) {
                Next::Start(start) => self.start_flow(start, ctx),
                Next::Drop { counted, .. } => self.run.emit(RunEvent::FlowDropped { counted }),
                Next::At(time) => {
                    self.may_start = true;
                    self.ask_again_at(time, ctx);
                    break;
                }
                Next::WhenOneEnds => break,
                Next::Over => self.close_intake(ctx),
            }
        }
        self.look_at_gates(ctx);
        if self.intake == Intake::Open || !self.under_way.is_empty() {
            return;
        }
        self.close_pools();
        if self.lending.as_ref().is_none_or(Lending::is_over)
            && let Some(done) = self.done.take()
        {
            // Whoever waits for the end of the run may have gone; then nobody minds.
            let _ = done.send(self.intake == Intake::Stopped);
            ctx.stop();
        }
    }

    fn ask_again_at(&mut self, time: Duration, ctx: &mut Context<Self>) {
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel_future(alarm);
        }
        let wait = time.saturating_sub(self.began.elapsed());
        self.alarm = Some(ctx.run_later(wait, |coordinator, ctx| {
            coordinator.alarm = None;
            coordinator.proceed(ctx);
        }));
    }

    /// No more flows start. Where the clock has decided that, it also ends those that do not
    /// finish.
    fn close_intake(&mut self, ctx: &mut Context<Self>) {
        self.intake = Intake::Over;
        if self
            .schedule
            .end()
            .is_none_or(|end| self.began.elapsed() < end)
        {
            return;
        }
        ctx.run_later(self.graceful_stop, |coordinator, _| {
            let flows = coordinator.flows_in_words();
            let text = format!("the time is over: {flows} still under way ended");
            coordinator.run.emit(RunEvent::Notice { flow: None, text });
            coordinator.end_flows(HASTY);
        });
    }

    fn start_flow(&mut self, start: Start, ctx: &mut Context<Self>) {
        let number = self.next;
        self.next = FlowNumber(number.0 + 1);
        let id = FlowId::new(&self.run.run_id, number);
        let context = FlowContext {
            number,
            flow_id: &id,
            run_id: &self.run.run_id,
            run_directory: &self.run.run_directory,
            environment: &|name| self.run.environment_variable(name),
        };
        let scope = match self
            .run
            .plan
            .scope(context, &self.run.variables, self.run.seed)
        {
            Ok(scope) => scope,
            Err(ScopeError::UsedUp(used_up)) => {
                self.intake = Intake::Over;
                let text = format!("{used_up}: no more flows are started");
                return self.run.emit(RunEvent::Notice { flow: None, text });
            }
            Err(error) => {
                self.schedule.ended(start.worker, self.began.elapsed());
                let record = stillborn(number, id, start.counted, &error);
                return self.run.emit(RunEvent::FlowEnded(record));
            }
        };
        let Some(at) = (0..self.arbiters.len()).min_by_key(|at| self.arbiters[*at].1) else {
            return;
        };
        let arbiter = &mut self.arbiters[at];
        arbiter.1 += 1;
        let run = Arc::clone(&self.run);
        let coordinator = ctx.address();
        let due = Due {
            at: self.began + start.intended,
            counted: start.counted,
        };
        let supervisor = FlowSupervisor::start_in_arbiter(&arbiter.0, move |_| {
            FlowSupervisor::new(run, number, due, scope, coordinator)
        });
        // If the arbiter is gone, the supervisor's end reports the flow.
        let _ = tell(&supervisor, StartFlow);
        let under_way = UnderWay {
            supervisor,
            arbiter: at,
            worker: start.worker,
        };
        self.under_way.insert(number, under_way);
    }

    fn flows_in_words(&self) -> String {
        match self.under_way.len() {
            1 => "1 flow".to_owned(),
            flows => format!("{flows} flows"),
        }
    }

    fn end_flows(&mut self, grace: Grace) {
        for UnderWay { supervisor, .. } in self.under_way.values() {
            // One that is gone has reported its end already: the message is on its way.
            let _ = tell(supervisor, EndFlow { grace });
        }
    }
}

/// The record of a flow that could not even begin.
fn stillborn(number: FlowNumber, id: FlowId, counted: bool, error: &ScopeError) -> Box<FlowRecord> {
    let failure = Failure {
        kind: FailureKind::Expression,
        step: String::new(),
        role: String::new(),
        turn: String::new(),
        message: error.to_string(),
        awaited: Vec::new(),
        waited_us: 0,
        activity: Activity::Unknown,
        tail: String::new(),
        hint: None,
    };
    Box::new(FlowRecord {
        number,
        id,
        started_at: Local::now(),
        counted,
        late_us: 0,
        duration_us: 0,
        paused_us: 0,
        waited_us: 0,
        outcome: FlowOutcome::Failed(Box::new(failure)),
        steps: Vec::new(),
        retries: Vec::new(),
        captures: Vec::new(),
        variables: Vec::new(),
        processes: Vec::new(),
        injections: Vec::new(),
    })
}

impl Actor for Coordinator {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.began = Instant::now();
        self.proceed(ctx);
    }
}

impl Handler<FlowEnded> for Coordinator {
    type Result = ();

    fn handle(&mut self, ended: FlowEnded, ctx: &mut Self::Context) {
        if let Some(flow) = self.under_way.remove(&ended.number) {
            self.arbiters[flow.arbiter].1 -= 1;
            self.schedule.ended(flow.worker, self.began.elapsed());
        }
        self.run.emit(RunEvent::FlowEnded(ended.record));
        if let Some(evidence) = ended.evidence {
            self.run.emit(RunEvent::EvidenceKept(evidence));
        }
        self.flow_is_gone(ended.number, ctx);
        self.proceed(ctx);
    }
}

impl Handler<StopRun> for Coordinator {
    type Result = ();

    fn handle(&mut self, StopRun(how): StopRun, ctx: &mut Self::Context) {
        if self.intake == Intake::Over && self.under_way.is_empty() {
            // All flows are over: what is cut short is only the politeness.
            return self.end_pools(HASTY);
        }
        let is_enough = matches!(how, Stop::Enough { .. });
        if is_enough && self.intake != Intake::Open {
            return;
        }
        self.intake = if is_enough {
            Intake::Over
        } else {
            Intake::Stopped
        };
        let flows = self.flows_in_words();
        let reason = match how {
            Stop::Graceful { grace } | Stop::Enough { grace } => {
                ctx.run_later(grace, |coordinator, _| coordinator.end_flows(HASTY));
                let grace = humantime::format_duration(grace);
                format!("{flows} under way may finish within {grace}")
            }
            Stop::Now => {
                self.end_flows(HASTY);
                self.end_pools(HASTY);
                format!("{flows} under way ended at once")
            }
        };
        self.run.emit(RunEvent::Stopping { reason });
        self.proceed(ctx);
    }
}
