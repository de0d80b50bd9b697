//! The actor that starts the flows of a run, and sees each of them to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use chrono::Local;
use tokio::sync::oneshot;

use crate::model::{
    Activity, Failure, FailureKind, FlowId, FlowNumber, FlowOutcome, FlowRecord, RunEvent,
};
use crate::scenario::{FlowContext, ScopeError};
use crate::transport::Grace;

use super::context::RunContext;
use super::control::Stop;
use super::flow_supervisor::FlowSupervisor;
use super::messages::{EndFlow, FlowEnded, StartFlow, StopRun, tell};

/// How scripts are ended when the run is to end at once.
const HASTY: Grace = Grace {
    hang_up: Duration::from_millis(200),
    terminate: Duration::from_millis(300),
};

/// Starts the flows of a run, so many at a time.
pub(super) struct Coordinator {
    run: Arc<RunContext>,
    flows: u64,
    parallel: usize,
    /// The arbiters on which flows live, with how many each has now.
    workers: Vec<(ArbiterHandle, usize)>,
    /// The flows under way, and on which of the workers.
    under_way: BTreeMap<FlowNumber, (Addr<FlowSupervisor>, usize)>,
    started: u64,
    intake: Intake,
    /// Told when the last flow has ended.
    done: Option<oneshot::Sender<Interrupted>>,
}

/// Whether flows may still start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intake {
    Open,
    /// There is nothing more to start; the run ends by itself.
    UsedUp,
    /// Somebody stopped the run.
    Stopped,
}

/// Whether the run was stopped before its end.
pub(super) type Interrupted = bool;

impl Coordinator {
    pub(super) fn new(
        run: Arc<RunContext>,
        flows: u64,
        parallel: usize,
        workers: Vec<ArbiterHandle>,
        done: oneshot::Sender<Interrupted>,
    ) -> Self {
        Coordinator {
            run,
            flows,
            parallel: parallel.max(1),
            workers: workers.into_iter().map(|worker| (worker, 0)).collect(),
            under_way: BTreeMap::new(),
            started: 0,
            intake: Intake::Open,
            done: Some(done),
        }
    }

    /// Starts as many flows as may run now; ends the run if there is nothing left to do.
    fn fill(&mut self, ctx: &mut Context<Self>) {
        while self.intake == Intake::Open
            && self.started < self.flows
            && self.under_way.len() < self.parallel
        {
            self.started += 1;
            self.start_flow(FlowNumber(self.started), ctx);
        }
        let nothing_to_start = self.intake != Intake::Open || self.started >= self.flows;
        if self.under_way.is_empty()
            && nothing_to_start
            && let Some(done) = self.done.take()
        {
            // Whoever waits for the end of the run may have gone; then nobody minds.
            let _ = done.send(self.intake == Intake::Stopped);
            ctx.stop();
        }
    }

    fn start_flow(&mut self, number: FlowNumber, ctx: &mut Context<Self>) {
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
                self.intake = Intake::UsedUp;
                let text = format!("{used_up}: no more flows are started");
                return self.run.emit(RunEvent::Notice { flow: None, text });
            }
            Err(error) => {
                return self
                    .run
                    .emit(RunEvent::FlowEnded(stillborn(number, id, &error)));
            }
        };
        let Some(at) = (0..self.workers.len()).min_by_key(|at| self.workers[*at].1) else {
            return;
        };
        let worker = &mut self.workers[at];
        worker.1 += 1;
        let run = Arc::clone(&self.run);
        let coordinator = ctx.address();
        let supervisor = FlowSupervisor::start_in_arbiter(&worker.0, move |_| {
            FlowSupervisor::new(run, number, scope, coordinator)
        });
        // If the arbiter is gone, the supervisor's end reports the flow.
        let _ = tell(&supervisor, StartFlow);
        self.under_way.insert(number, (supervisor, at));
    }

    fn end_flows(&mut self, grace: Grace) {
        for (supervisor, _) in self.under_way.values() {
            // One that is gone has reported its end already: the message is on its way.
            let _ = tell(supervisor, EndFlow { grace });
        }
    }
}

/// The record of a flow that could not even begin.
fn stillborn(number: FlowNumber, id: FlowId, error: &ScopeError) -> Box<FlowRecord> {
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
        duration_us: 0,
        paused_us: 0,
        outcome: FlowOutcome::Failed(Box::new(failure)),
        steps: Vec::new(),
        captures: Vec::new(),
        variables: Vec::new(),
        processes: Vec::new(),
    })
}

impl Actor for Coordinator {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.fill(ctx);
    }
}

impl Handler<FlowEnded> for Coordinator {
    type Result = ();

    fn handle(&mut self, ended: FlowEnded, ctx: &mut Self::Context) {
        if let Some((_, at)) = self.under_way.remove(&ended.number) {
            self.workers[at].1 -= 1;
        }
        self.run.emit(RunEvent::FlowEnded(ended.record));
        self.fill(ctx);
    }
}

impl Handler<StopRun> for Coordinator {
    type Result = ();

    fn handle(&mut self, StopRun(how): StopRun, ctx: &mut Self::Context) {
        let all_started = self.started >= self.flows && self.under_way.is_empty();
        if all_started {
            return;
        }
        self.intake = Intake::Stopped;
        let flows = match self.under_way.len() {
            1 => "1 flow".to_owned(),
            flows => format!("{flows} flows"),
        };
        let reason = match how {
            Stop::Graceful { grace } => {
                ctx.run_later(grace, |coordinator, _| coordinator.end_flows(HASTY));
                format!(
                    "{flows} under way may finish within {}",
                    humantime::format_duration(grace)
                )
            }
            Stop::Now => {
                self.end_flows(HASTY);
                format!("{flows} under way ended at once")
            }
        };
        self.run.emit(RunEvent::Stopping { reason });
        self.fill(ctx);
    }
}
