//! One run, from the start of its coordinator to its outcome.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use actix::prelude::*;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::model::{EventSink, Generator, RunEvent, RunInfo, micros};
use crate::process::{Leftovers, RunMarker, SelfUsage, Spawner, reactor_waits};
use crate::stats::{Histograms, Integrity, LiveThreshold, Summary, Verdict};

use super::audit;
use super::context::RunContext;
use super::control::Control;
use super::coordinator::{Collected, Coordinator, StopCause};
use super::gauge::Gauge;
use super::messages::{self, ChangeLoad, StopRun};
use super::options::RunOptions;

/// Most time for ending the processes that are left at the end of a run.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// The outcome of a run: its figures and how it ended.
#[derive(Debug)]
pub struct RunResult {
    pub info: RunInfo,
    /// All figures. Those of integrity are absent until [`RunResult::set_integrity`].
    pub summary: Summary,
    /// The latencies that the figures were computed from, by name.
    pub histograms: Histograms,
    pub stop_cause: StopCause,
    /// Processes that could not be ended.
    pub left_over: Leftovers,
    thresholds: Vec<LiveThreshold>,
}

impl RunResult {
    /// Adds the figures of integrity and checks the thresholds with them.
    pub fn set_integrity(&mut self, integrity: Option<Integrity>) {
        self.summary.integrity = integrity;
        self.check_thresholds();
    }

    fn check_thresholds(&mut self) {
        let checked = self.thresholds.iter().map(|it| it.checked(&self.summary));
        self.summary.thresholds = checked.collect();
    }
}

/// Rehearsal itself could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("cannot start the threads that start programs: {0}")]
    Spawner(#[source] io::Error),
    #[error("internal error: the coordinator of the run ended without a result")]
    CoordinatorGone,
}

/// Performs a run on the calling thread, and returns when every flow has ended and every process
/// with it. Events go to `sink`; `control` stops the run early.
///
/// # Errors
/// If Rehearsal itself cannot do its work. A failed flow is not an error.
pub fn run(
    options: RunOptions,
    sink: Arc<dyn EventSink>,
    control: &Control,
) -> Result<RunResult, EngineError> {
    let began = Instant::now();
    let usage = SelfUsage::start();
    let info = Arc::new(options.info());
    // Half of the processors, as the programs need the others: more threads would each find less to
    // do at a time, and wake up more often.
    let workers = thread::available_parallelism().map_or(1, |all| usize::from(all).div_ceil(2));
    // A single flow has nothing else to do while its program starts.
    let most = options.plan.load.most_in_flight();
    let may_grow = most > 1 || options.is_adjustable;
    let starters = if may_grow { workers } else { 0 };
    let spawner = Spawner::new(starters, RunMarker::unique(), options.watcher.clone())
        .map_err(EngineError::Spawner)?;
    sink.emit(RunEvent::RunStarted(Box::new((*info).clone())));
    let notices = Arc::clone(&sink);
    spawner.on_notice(move |text| notices.emit(RunEvent::Notice { flow: None, text }));

    let (thresholds, first_flow) = (options.thresholds.clone(), options.first_flow);
    let is_adjustable = options.is_adjustable;
    let load_began = options.load_began;
    let context = Arc::new(RunContext::new(
        options,
        spawner.clone(),
        Arc::clone(&sink),
        control,
    ));
    let workers = match most {
        _ if is_adjustable => workers,
        // Flows that follow each other run on the coordinator's thread: their messages cross no
        // threads, and there is no other flow to hold up.
        0..=1 => 0,
        _ => workers.min(usize::try_from(most).unwrap_or(usize::MAX)),
    };
    let performed = async {
        let gauge = Gauge::new(Arc::clone(&sink));
        let run = Arc::clone(&context);
        let arbiters = (0..workers).map(|_| Arbiter::with_tokio_rt(arbiter_runtime));
        let arbiters: Vec<Arbiter> = arbiters.collect();
        let mut handles: Vec<_> = arbiters.iter().map(Arbiter::handle).collect();
        if handles.is_empty() {
            handles.push(Arbiter::current());
        }
        let (done, finished) = oneshot::channel();
        let coordinator = Coordinator::new(
            context,
            Arc::clone(&info),
            &thresholds,
            first_flow,
            load_began,
            handles,
            done,
        );
        let collected = perform(coordinator, finished, arbiters, &gauge, control).await;
        let generator = gauge.measured();
        // No notices of it after the end of the run.
        drop(gauge);
        sink.emit(RunEvent::GeneratorMeasured(Box::new(generator)));
        let ended = Instant::now();
        let gave_up = collected.is_ok() && audit::audit(&run, control).await;
        // The audit is no part of the measured time.
        (collected, generator, gave_up, ended.elapsed())
    };
    let (collected, generator, gave_up, audited) = System::new().block_on(performed);
    // Processes that escaped their flow end before the run does.
    let left_over = spawner.shutdown(SHUTDOWN);
    let Collected {
        cause,
        stopped_after,
        changed_load,
        collector,
    } = collected?;
    let elapsed = began.elapsed().saturating_sub(audited);
    let interrupted = cause.is_interruption() || gave_up;
    sink.emit(RunEvent::RunEnded {
        elapsed,
        interrupted,
    });
    let mut summary = collector.tally.summary(elapsed, interrupted);
    summary.stopped_after_us = stopped_after.map(micros);
    summary.stopped_by_failures = match cause {
        StopCause::FailFast(limit) => Some(limit),
        _ => None,
    };
    summary.rehearsal_cpu_us = Some(usage.cpu_us());
    summary.set_rehearsal_peak(usage.peak_rss_bytes());
    // Descendants of programs are no script instances, but they are left over as well.
    let left_pids = left_over.pids.len() as u64;
    summary.processes.left_over = summary.processes.left_over.max(left_pids);
    judge(&mut summary, generator);
    let mut info = Arc::unwrap_or_clone(info);
    if let Some(changed) = changed_load {
        summary.load_changes = changed.note_in(&mut info);
    }
    let mut outcome = RunResult {
        info,
        summary,
        histograms: collector.tally.histograms(),
        stop_cause: cause,
        left_over,
        thresholds: collector.thresholds,
    };
    outcome.check_thresholds();
    Ok(outcome)
}

/// Builds the runtime of an arbiter.
fn arbiter_runtime() -> tokio::runtime::Runtime {
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .on_thread_park(reactor_waits)
        .build();
    built.expect("room for a reactor")
}

fn judge(summary: &mut Summary, generator: Generator) {
    summary.generator = Some(generator);
    summary.verdict = Some(Verdict::of(summary, &generator));
}

async fn perform(
    coordinator: Coordinator,
    finished: oneshot::Receiver<Collected>,
    arbiters: Vec<Arbiter>,
    gauge: &Gauge,
    control: &Control,
) -> Result<Collected, EngineError> {
    for arbiter in &arbiters {
        // An arbiter that is gone has no timers.
        let _ = arbiter.spawn(gauge.watch_timers());
    }
    let watches = [
        actix::spawn(gauge.watch_timers()),
        actix::spawn(gauge.watch_machine()),
    ];
    let coordinator = coordinator.start();
    let mut changes = control.load_changes();
    let changed = coordinator.clone().recipient();
    let pass_changes = actix::spawn(async move {
        loop {
            let wanted = *changes.borrow_and_update();
            if let Some(to) = wanted {
                // A coordinator that is gone starts no more flows.
                let _ = messages::send(&changed, ChangeLoad(to));
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    });
    let coordinator = coordinator.recipient();
    let mut stops = control.stops();
    let pass_on = actix::spawn(async move {
        loop {
            let asked = *stops.borrow_and_update();
            if let Some(how) = asked {
                // A coordinator that is gone has ended the run already.
                let _ = messages::send(&coordinator, StopRun(how));
            }
            if stops.changed().await.is_err() {
                return;
            }
        }
    });
    let collected = finished.await.map_err(|_| EngineError::CoordinatorGone);
    pass_on.abort();
    pass_changes.abort();
    watches.iter().for_each(JoinHandle::abort);
    for arbiter in &arbiters {
        arbiter.stop();
    }
    for arbiter in arbiters {
        // A worker that panicked has lost its flows, and each of them was reported as failed.
        let _ = arbiter.join();
    }
    collected
}
