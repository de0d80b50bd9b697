//! Coordinator actor of a run: starts its flows and collects their figures.

mod collector;
mod drops;
mod load_changes;
mod stop;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use tokio::sync::oneshot;

use crate::model::{
    Failure, FailureKind, FlowId, FlowNumber, FlowOutcome, FlowRecord, LoadChange, RunEvent,
    RunInfo, micros,
};
use crate::process::Grace;
use crate::scenario::{FlowContext, ScopeError, Shape};
use crate::stats::Threshold;

use super::context::RunContext;
use super::flow::{Due, FlowSupervisor};
use super::messages::{
    ChangeLoad, CoordinatorHandle, EndFlow, FlowEnded, FlowHandle, StopRun, send,
};
use super::pool::Pools;
use super::schedule::{Next, Schedule, Start};

use collector::{CHECK_EVERY, Collector};
use drops::{Drops, REPORT_EVERY};
use load_changes::{ChangedLoad, LoadChanges};

pub use stop::StopCause;

/// The pause in which reporters may catch up before the next flow is considered.
const CATCH_UP: Duration = Duration::from_millis(2);

/// The most reports of drops from the schedule at once, and the pause after them, so that a rate far
/// beyond the machine's leaves time for what else the coordinator has to do.
const MAX_DROPS: u32 = 16;
const DROP_PAUSE: Duration = Duration::from_millis(1);

/// Starts the flows of a run when they are due, and counts them as they end.
pub(super) struct Coordinator {
    pub(super) run: Arc<RunContext>,
    schedule: Schedule,
    /// True if flows start when others end, not by the clock.
    is_closed_load: bool,
    /// Grace of the flows in flight when the load's duration is over.
    graceful_stop: Duration,
    /// The zero of the schedule's times: the start of the run, unless the load began earlier.
    began: Instant,
    load_began: Option<Instant>,
    /// The arbiters of flows, each with the number of its flows in flight.
    arbiters: Vec<(ArbiterHandle, usize)>,
    pub(super) in_flight: BTreeMap<FlowNumber, InFlight>,
    /// The number of the flow that is started next.
    next: FlowNumber,
    /// The reason why no more flows start; `None` while they do.
    stopped: Option<StopCause>,
    /// The number of failed flows, with those of the warm-up.
    failed: u64,
    /// The time of an early stop, by a threshold, by failed flows or by the caller.
    stopped_after: Option<Duration>,
    /// The figures of the run so far.
    pub(super) collector: Collector,
    info: Arc<RunInfo>,
    /// True if more flows may start before any has ended.
    pub(super) may_start: bool,
    /// Gates and pools, if the plan has any.
    pub(super) pools: Option<Pools>,
    /// The handle for flow supervisors, made for the first of them.
    handle: Option<Arc<CoordinatorHandle>>,
    /// Dropped flows that are not reported yet.
    drops: Drops,
    load_changes: LoadChanges,
    /// The one timer, for the schedule's next moment.
    alarm: Option<SpawnHandle>,
    /// The receiver of the figures when the last flow has ended.
    done: Option<oneshot::Sender<Collected>>,
}

/// A flow that has been started.
pub(super) struct InFlight {
    pub(super) flow: FlowHandle,
    /// The index of its arbiter.
    arbiter: usize,
    /// The worker of a closed load that performs it.
    worker: Option<usize>,
}

/// The result of a coordinator whose last flow has ended.
pub(super) struct Collected {
    pub cause: StopCause,
    /// The time of an early stop, by a threshold, by failed flows or by the caller.
    pub stopped_after: Option<Duration>,
    /// The load as it was changed, if it was.
    pub changed_load: Option<ChangedLoad>,
    pub collector: Collector,
}

impl Coordinator {
    pub(super) fn new(
        run: Arc<RunContext>,
        info: Arc<RunInfo>,
        thresholds: &[Threshold],
        first_flow: FlowNumber,
        load_began: Option<Instant>,
        arbiters: Vec<ArbiterHandle>,
        done: oneshot::Sender<Collected>,
    ) -> Self {
        Coordinator {
            schedule: Schedule::new(&run.plan.load, run.seed),
            pools: Pools::of(&run),
            is_closed_load: matches!(run.plan.load.shape, Shape::Closed { .. }),
            graceful_stop: run.plan.load.graceful_stop,
            began: load_began.unwrap_or_else(Instant::now),
            load_began,
            arbiters: arbiters.into_iter().map(|arbiter| (arbiter, 0)).collect(),
            in_flight: BTreeMap::new(),
            next: FlowNumber(first_flow.0 + run.plan.load.segment.place(0)),
            run,
            stopped: None,
            failed: 0,
            stopped_after: None,
            collector: Collector::new(&info, thresholds),
            info,
            may_start: true,
            handle: None,
            drops: Drops::default(),
            load_changes: LoadChanges::default(),
            alarm: None,
            done: Some(done),
        }
    }

    /// Follows the schedule until there is something to wait for; ends the run if nothing is left
    /// to do.
    pub(super) fn proceed(&mut self, ctx: &mut Context<Self>) {
        self.may_start = false;
        let mut drops = 0;
        while self.stopped.is_none() {
            if self.is_closed_load && self.run.sink.is_behind() {
                // No flow of a closed load is due at a certain time, so none is late.
                self.may_start = true;
                self.ask_again_at(self.began.elapsed() + CATCH_UP, ctx);
                break;
            }
            let in_flight = self.in_flight.len() as u64;
            match self.schedule.next(self.began.elapsed(), in_flight) {
                Next::Start(start) => self.start_flow(start, ctx),
                Next::Drop { count, counted } => {
                    let now = self.began.elapsed();
                    self.collector.flows_dropped(count, counted, now);
                    self.drops.add(count, counted);
                    drops += 1;
                    if drops == MAX_DROPS {
                        self.may_start = true;
                        self.ask_again_at(now + DROP_PAUSE, ctx);
                        break;
                    }
                }
                Next::At(time) => {
                    self.may_start = true;
                    self.ask_again_at(time, ctx);
                    break;
                }
                Next::WhenOneEnds => break,
                Next::Over => {
                    let end = self.schedule.end();
                    let is_time_over = end.is_some_and(|end| self.began.elapsed() >= end);
                    let cause = match is_time_over {
                        true => StopCause::TimeOver,
                        false => StopCause::AllStarted,
                    };
                    self.begin_stop(cause, ctx);
                }
            }
        }
        self.look_at_gates(ctx);
        let Some(cause) = self.stopped.clone() else {
            return;
        };
        if !self.in_flight.is_empty() {
            return;
        }
        self.report_drops();
        self.close_pools();
        if self.pools.as_ref().is_none_or(Pools::is_over)
            && let Some(done) = self.done.take()
        {
            let empty = Collector::new(&self.info, &[]);
            let collector = std::mem::replace(&mut self.collector, empty);
            // The receiver is gone if the run was given up; the figures are then of no use.
            let (now, end) = (self.began.elapsed(), self.schedule.end());
            let wanted = |end| self.schedule.wanted_per_second(end);
            let changed_load = self.load_changes.take(now, end, wanted);
            let _ = done.send(Collected {
                cause,
                stopped_after: self.stopped_after,
                changed_load,
                collector,
            });
            ctx.stop();
        }
    }

    fn report_drops(&mut self) {
        self.drops.take().for_each(|event| self.run.emit(event));
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

    fn start_flow(&mut self, start: Start, ctx: &mut Context<Self>) {
        let number = self.next;
        self.next = FlowNumber(number.0 + self.run.plan.load.segment.count());
        let id = FlowId::new(&self.run.run_id, number);
        let context = FlowContext {
            number,
            flow_id: &id,
            run_id: &self.run.run_id,
            run_directory: &self.run.run_directory,
            environment: &|name| self.run.environment_variable(name),
        };
        let scope = match self.run.plan.scope(context, self.run.seed) {
            Ok(scope) => scope,
            Err(ScopeError::UsedUp(used_up)) => {
                return self.begin_stop(StopCause::DataUsedUp(used_up.to_string()), ctx);
            }
            Err(error) => {
                self.schedule.ended(start.worker, self.began.elapsed());
                let failure = Failure::new(FailureKind::Expression, error.to_string());
                let outcome = FlowOutcome::Failed(Box::new(failure));
                let now = self.began.elapsed();
                let record = Box::new(FlowRecord {
                    started_after_us: Some(micros(now)),
                    ended_after_us: Some(micros(now)),
                    ..FlowRecord::not_performed(number, id, start.counted, outcome)
                });
                self.flow_ended(&record, now);
                self.run.emit(RunEvent::FlowEnded(record));
                return self.check_fail_fast(ctx);
            }
        };
        let Some(at) = (0..self.arbiters.len()).min_by_key(|at| self.arbiters[*at].1) else {
            return;
        };
        let arbiter = &mut self.arbiters[at];
        arbiter.1 += 1;
        let run = Arc::clone(&self.run);
        let handle = self.handle.get_or_insert_with(|| handle(&ctx.address()));
        let due = Due {
            at: self.began + start.intended,
            run_began: self.began,
            counted: start.counted,
        };
        let coordinator = Arc::clone(handle);
        let flow = FlowSupervisor::start_on(&arbiter.0, run, number, due, scope, coordinator);
        let in_flight = InFlight {
            flow,
            arbiter: at,
            worker: start.worker,
        };
        self.in_flight.insert(number, in_flight);
    }

    /// Counts a flow that has ended, `now` from the run's start.
    fn flow_ended(&mut self, flow: &FlowRecord, now: Duration) {
        self.failed += u64::from(matches!(flow.outcome, FlowOutcome::Failed(_)));
        self.collector.flow_ended(flow, now);
    }

    fn flows_in_words(&self) -> String {
        match self.in_flight.len() {
            1 => "1 flow".to_owned(),
            flows => format!("{flows} flows"),
        }
    }

    pub(super) fn end_flows(&mut self, grace: Grace) {
        for InFlight { flow, .. } in self.in_flight.values() {
            // One that is gone has reported its end already: the message is on its way.
            let _ = send(&flow.end, EndFlow { grace });
        }
    }
}

fn handle(coordinator: &Addr<Coordinator>) -> Arc<CoordinatorHandle> {
    Arc::new(CoordinatorHandle {
        arrive: coordinator.clone().recipient(),
        step_over: coordinator.clone().recipient(),
        release_instance: coordinator.clone().recipient(),
        release_slots: coordinator.clone().recipient(),
        flow_ended: coordinator.clone().recipient(),
    })
}

impl Actor for Coordinator {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.began = self.load_began.unwrap_or_else(Instant::now);
        if self.collector.has_live_thresholds() {
            ctx.run_interval(CHECK_EVERY, |coordinator, ctx| {
                let now = coordinator.began.elapsed();
                if let Some(crossed) = coordinator.collector.check(now) {
                    coordinator.begin_stop(StopCause::Threshold(crossed), ctx);
                    coordinator.proceed(ctx);
                }
            });
        }
        if !self.is_closed_load {
            ctx.run_interval(REPORT_EVERY, |coordinator, _| coordinator.report_drops());
        }
        self.proceed(ctx);
    }
}

impl Handler<FlowEnded> for Coordinator {
    type Result = ();

    fn handle(&mut self, ended: FlowEnded, ctx: &mut Self::Context) {
        if let Some(flow) = self.in_flight.remove(&ended.number) {
            self.arbiters[flow.arbiter].1 -= 1;
            self.schedule.ended(flow.worker, self.began.elapsed());
        }
        self.flow_ended(&ended.record, self.began.elapsed());
        self.run.emit(RunEvent::FlowEnded(ended.record));
        if let Some(evidence) = ended.evidence {
            self.run.emit(RunEvent::EvidenceKept(evidence));
        }
        self.flow_is_gone(ended.number, ctx);
        self.check_fail_fast(ctx);
        self.proceed(ctx);
    }
}

impl Handler<StopRun> for Coordinator {
    type Result = ();

    fn handle(&mut self, StopRun(how): StopRun, ctx: &mut Self::Context) {
        if self.stopped.is_some() && self.in_flight.is_empty() {
            // All flows have ended; only the settling of pools is cut short.
            return self.end_pools(Grace::SHORT);
        }
        self.begin_stop(StopCause::Requested(how), ctx);
        self.proceed(ctx);
    }
}

impl Handler<ChangeLoad> for Coordinator {
    type Result = ();

    fn handle(&mut self, ChangeLoad(to): ChangeLoad, ctx: &mut Self::Context) {
        let now = self.began.elapsed();
        if self.stopped.is_some() || !self.load_changes.has_room() {
            return;
        }
        let Some(from) = self.schedule.change(to, now) else {
            return;
        };
        let change = LoadChange {
            after_us: micros(now),
            from,
            to,
        };
        self.load_changes.add(change);
        self.run.emit(RunEvent::LoadChanged(change));
        self.notice(change.to_string());
        self.proceed(ctx);
    }
}
