//! One run: its options, its outcome, and the story from the first process to the last.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use actix::prelude::*;
use chrono::{DateTime, Local};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::model::{
    EventSink, FlowNumber, Generator, RoleInfo, RunEvent, RunId, RunInfo, StepInfo,
};
use crate::process::{Leftovers, Programs, RunMarker, SelfUsage, Spawner, WatcherProgram};
use crate::scenario::Plan;
use crate::stats::{
    EvidenceChoice, Histograms, Integrity, LiveThreshold, Summary, Threshold, Verdict,
};

use super::context::{self, RunContext};
use super::control::Control;
use super::coordinator::{Collected, Coordinator};
use super::gauge::Gauge;
use super::messages::{self, StopRun};
use super::{StopCause, audit};

/// The time that what is left at the end of a run may take to end.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// The options of a run. [`RunOptions::new`] has defaults for all but the plan and its programs.
pub struct RunOptions {
    /// The scenario, with all overrides applied; see [`Plan::with_overrides`].
    pub plan: Arc<Plan>,
    pub programs: Arc<Programs>,
    pub run_id: RunId,
    /// The source of all random choices.
    pub seed: u64,
    /// Checked while the run is in progress and at its end.
    pub thresholds: Vec<Threshold>,
    pub recording: Recording,
    /// The environment that every program gets, before its role's own.
    pub environment: Vec<(OsString, OsString)>,
    /// A directory for the programs of this run; it exists, and the caller removes it.
    pub run_directory: PathBuf,
    /// The program to run as a watcher, which cleans up should this process be killed.
    pub watcher: Option<WatcherProgram>,
    pub started_at: DateTime<Local>,
    /// The number of the first flow: 1, unless a flow of another run is replayed.
    pub first_flow: FlowNumber,
}

/// Optional recording besides the figures.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// True if [`RunEvent::Heard`] and [`RunEvent::Said`] are emitted.
    pub dialogue: bool,
    /// The choice of flows whose evidence is emitted. If `None`, no transcripts are kept.
    pub evidence: Option<Arc<EvidenceChoice>>,
}

impl RunOptions {
    /// Options for a run of this plan, with seed 0, without environment, thresholds or recording,
    /// in the system's temporary folder.
    pub fn new(plan: Arc<Plan>, programs: Arc<Programs>) -> Self {
        let started_at = Local::now();
        RunOptions {
            plan,
            programs,
            run_id: RunId(format!("RUN-{}", started_at.format("%Y%m%d-%H%M%S"))),
            seed: 0,
            thresholds: Vec::new(),
            recording: Recording::default(),
            environment: Vec::new(),
            run_directory: std::env::temp_dir(),
            watcher: None,
            started_at,
            first_flow: FlowNumber(1),
        }
    }

    /// Sets the run's id.
    #[must_use]
    pub fn run_id(self, run_id: RunId) -> Self {
        RunOptions { run_id, ..self }
    }

    /// Sets the source of all random choices.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        RunOptions { seed, ..self }
    }

    /// Sets the thresholds of the run.
    #[must_use]
    pub fn thresholds(self, thresholds: Vec<Threshold>) -> Self {
        RunOptions { thresholds, ..self }
    }

    /// Sets what is recorded besides figures.
    #[must_use]
    pub fn recording(self, recording: Recording) -> Self {
        RunOptions { recording, ..self }
    }

    /// Sets the environment of all programs.
    #[must_use]
    pub fn environment(self, environment: Vec<(OsString, OsString)>) -> Self {
        RunOptions {
            environment,
            ..self
        }
    }

    /// Sets the directory for the programs of this run.
    #[must_use]
    pub fn run_directory(self, run_directory: PathBuf) -> Self {
        RunOptions {
            run_directory,
            ..self
        }
    }

    /// Sets the program to run as a watcher.
    #[must_use]
    pub fn watcher(self, watcher: WatcherProgram) -> Self {
        RunOptions {
            watcher: Some(watcher),
            ..self
        }
    }

    /// Sets the start of the run as reports show it.
    #[must_use]
    pub fn started_at(self, started_at: DateTime<Local>) -> Self {
        RunOptions { started_at, ..self }
    }

    fn info(&self) -> RunInfo {
        let plan = &self.plan;
        let roles = plan.roles.iter().map(|role| RoleInfo {
            name: role.name.clone(),
            title: role.title.clone(),
            command: role
                .run
                .iter()
                .map(|word| word.source())
                .collect::<Vec<_>>()
                .join(" "),
        });
        let steps = plan.steps.iter().map(|step| StepInfo {
            name: step.name.clone(),
            role: step.role,
            action: step.action.name.clone(),
            turns: step
                .action
                .turn_names
                .iter()
                .map(|name| (**name).into())
                .collect(),
        });
        RunInfo {
            id: self.run_id.clone(),
            scenario: plan.name.clone(),
            roles: roles.collect(),
            steps: steps.collect(),
            flows: plan.load.flows,
            duration_us: plan.load.end().map(context::micros),
            parallel: plan.load.most_in_flight(),
            integrity: plan.integrity.clone(),
            load: plan.load.to_string(),
            wanted_per_second: plan.load.wanted_per_second(),
            seed: self.seed,
            chaos: plan.faults.rules.iter().map(ToString::to_string).collect(),
            started_at: self.started_at,
        }
    }
}

/// The outcome of a run: its figures and how it ended.
#[derive(Debug)]
pub struct RunOutcome {
    pub info: RunInfo,
    /// All figures. Those of integrity are absent until [`RunOutcome::set_integrity`].
    pub summary: Summary,
    /// The latencies that the figures were computed from, by name.
    pub histograms: Histograms,
    pub stop_cause: StopCause,
    /// Processes that could not be ended.
    pub left_over: Leftovers,
    thresholds: Vec<LiveThreshold>,
}

impl RunOutcome {
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
) -> Result<RunOutcome, EngineError> {
    let began = Instant::now();
    let usage = SelfUsage::start();
    let info = Arc::new(options.info());
    // Half of the processors, as the programs need the others: with more threads each of them finds
    // less to do at a time, which costs more than it brings.
    let workers = thread::available_parallelism().map_or(1, |all| usize::from(all).div_ceil(2));
    // A single flow is not held up by the start of its own programs.
    let most = options.plan.load.most_in_flight();
    let starters = if most > 1 { workers } else { 0 };
    let spawner = Spawner::new(starters, RunMarker::unique(), options.watcher.clone())
        .map_err(EngineError::Spawner)?;
    sink.emit(RunEvent::RunStarted(Box::new((*info).clone())));

    let (thresholds, first_flow) = (options.thresholds.clone(), options.first_flow);
    let context = Arc::new(RunContext::new(
        options,
        spawner.clone(),
        Arc::clone(&sink),
        control,
    ));
    let workers = match most {
        // Flows that follow each other run on the coordinator's thread: their messages cross no
        // threads, and there is no other flow to hold up.
        0..=1 => 0,
        _ => workers.min(usize::try_from(most).unwrap_or(usize::MAX)),
    };
    let gauge = Gauge::new();
    let performed = async {
        let run = Arc::clone(&context);
        let arbiters: Vec<Arbiter> = (0..workers).map(|_| Arbiter::new()).collect();
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
            handles,
            done,
        );
        let collected = perform(coordinator, finished, arbiters, &gauge, control).await;
        let generator = gauge.measured();
        sink.emit(RunEvent::GeneratorMeasured(Box::new(generator)));
        let ended = Instant::now();
        let gave_up = collected.is_ok() && audit::audit(&run, control).await;
        // The audit is no part of the measured time.
        (collected, generator, gave_up, ended.elapsed())
    };
    let (collected, generator, gave_up, audited) = System::new().block_on(performed);
    // What escaped its flow ends before the run does.
    let left_over = spawner.shutdown(SHUTDOWN);
    let Collected { cause, collector } = collected?;
    let elapsed = began.elapsed().saturating_sub(audited);
    let interrupted = cause.is_interruption() || gave_up;
    sink.emit(RunEvent::RunEnded {
        elapsed,
        interrupted,
    });
    let mut summary = collector.tally.summary(elapsed, interrupted);
    summary.rehearsal_cpu_us = Some(usage.cpu_us());
    summary.rehearsal_peak_rss_bytes = usage.peak_rss_bytes();
    judge(&mut summary, generator);
    let mut outcome = RunOutcome {
        info: Arc::unwrap_or_clone(info),
        summary,
        histograms: collector.tally.histograms(),
        stop_cause: cause,
        left_over,
        thresholds: collector.thresholds,
    };
    outcome.check_thresholds();
    Ok(outcome)
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
    let mut stops = control.stops();
    let pass_on = actix::spawn(async move {
        loop {
            let asked = *stops.borrow_and_update();
            if let Some(how) = asked {
                // A coordinator that is gone has ended the run already.
                let _ = messages::tell(&coordinator, StopRun(how));
            }
            if stops.changed().await.is_err() {
                return;
            }
        }
    });
    let collected = finished.await.map_err(|_| EngineError::CoordinatorGone);
    pass_on.abort();
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
