//! Performs the flows of a plan with real programs.
//!
//! A coordinator starts the flows, a supervisor takes each through its steps, a script actor owns
//! each subprocess. What they say to each other stands in `messages`. Decisions are made by state
//! machines that know neither actors nor processes: `course` for a flow, `performance` for an
//! action, `chaos` for what is done to scripts on purpose.
//!
//! A flow and its scripts share one arbiter, so that a turn crosses no thread; one message a flow
//! goes to the coordinator. How anything is displayed is unknown here: all that happens is told
//! through an [`EventSink`].

mod audit;
mod chaos;
mod context;
mod control;
mod coordinator;
mod course;
mod environments;
mod flow_supervisor;
mod gates;
mod gauge;
mod messages;
mod pacer;
mod performance;
mod schedule;
mod script_actor;
mod transcript;

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

use crate::model::{EventSink, FlowNumber, RoleInfo, RunEvent, RunId, RunInfo, StepInfo};
use crate::process::{Leftovers, RunMarker, Spawner, WatcherProgram};
use crate::scenario::{Chaos, Load, Plan};

pub use crate::process::{Programs, Within};
pub use control::{Control, LiveScript, Stop};
pub use pacer::Pacer;

use context::{RunContext, common_watches};
use coordinator::Coordinator;
use environments::Environments;
use gauge::Gauge;
use messages::StopRun;

/// How long what is left at the end of a run may take to end.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// All that a run needs to know.
pub struct RunOptions {
    pub plan: Arc<Plan>,
    pub run_id: RunId,
    /// How many flows are performed, and when.
    pub load: Load,
    /// Where all random choices of the run come from.
    pub seed: u64,
    /// Values that replace those of the scenario's variables.
    pub variables: Vec<(String, String)>,
    /// Replaces the timeouts of all steps.
    pub step_timeout: Option<Duration>,
    /// Replaces the delays before all steps.
    pub delay: Option<Duration>,
    /// What is done to scripts on purpose.
    pub chaos: Chaos,
    pub programs: Programs,
    /// The environment that every program gets, before its role's own.
    pub environment: Vec<(OsString, OsString)>,
    /// A directory of the run's own, for its programs; it exists, and is the caller's to remove.
    pub run_directory: PathBuf,
    /// The program to run as a watcher, which cleans up should this process be killed.
    pub watcher: Option<WatcherProgram>,
    pub started_at: DateTime<Local>,
    /// The number of the first flow: 1, unless a flow of another run is performed again.
    pub first_flow: FlowNumber,
}

/// How a run ended.
#[derive(Debug)]
pub struct RunEnd {
    /// Whether it was stopped before all its flows had ended.
    pub interrupted: bool,
    pub elapsed: Duration,
    /// Processes that could not be ended.
    pub left_over: Leftovers,
}

/// Rehearsal itself could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("cannot start what runs the programs: {0}")]
    Spawner(#[source] io::Error),
    #[error("the coordinator of the run ended without a word")]
    CoordinatorGone,
}

/// Performs the run on the calling thread, and returns when every flow has ended and every
/// process with it. All that happens in between goes to `sink`; `control` stops it early.
///
/// # Errors
/// If Rehearsal itself cannot do its work. A flow that fails is no error.
pub fn run(
    options: RunOptions,
    sink: Arc<dyn EventSink>,
    control: &Control,
) -> Result<RunEnd, EngineError> {
    let began = Instant::now();
    let info = run_info(&options);
    // Half of the processors, as the programs need the others: with more threads each of them finds
    // less to do at a time, which costs more than it brings.
    let workers = thread::available_parallelism().map_or(1, |all| usize::from(all).div_ceil(2));
    // A single flow is not held up by the start of its own programs.
    let most = options.load.most_in_flight();
    let starters = if most > 1 { workers } else { 0 };
    let spawner = Spawner::new(starters, RunMarker::unique(), options.watcher.clone())
        .map_err(EngineError::Spawner)?;
    sink.emit(RunEvent::RunStarted(Box::new(info)));

    let context = Arc::new(RunContext {
        watches: common_watches(&options.plan),
        captures_secrets: context::captures_secrets(&options.plan),
        environments: Environments::new(
            &options.plan,
            &options.environment,
            &options.run_directory,
        ),
        plan: options.plan,
        run_id: options.run_id,
        seed: options.seed,
        variables: options.variables,
        step_timeout: options.step_timeout,
        delay: options.delay,
        chaos: options.chaos,
        programs: options.programs,
        environment: options.environment,
        run_directory: options.run_directory,
        spawner: spawner.clone(),
        records: sink.wants_evidence(),
        sink: Arc::clone(&sink),
        pacer: control.pacer(),
        live: control.live(),
    });
    let workers = match most {
        // Flows that come one after the other go on the coordinator's thread: no word of theirs
        // crosses threads, and nobody else is there to be held up.
        0..=1 => 0,
        _ => workers.min(usize::try_from(most).unwrap_or(usize::MAX)),
    };
    let gauge = Gauge::new();
    let performed = async {
        let run = Arc::clone(&context);
        let interrupted = perform(
            context,
            &options.load,
            options.first_flow,
            workers,
            &gauge,
            control,
        )
        .await;
        sink.emit(RunEvent::GeneratorMeasured(Box::new(gauge.measured())));
        let ended = Instant::now();
        let given_up = interrupted.is_ok() && audit::audit(&run, control).await;
        // The audit is no part of what is measured.
        (interrupted.map(|it| it || given_up), ended.elapsed())
    };
    let (interrupted, audited) = System::new().block_on(performed);
    // Whatever escaped its flow ends before the run does.
    let left_over = spawner.shutdown(SHUTDOWN);
    let interrupted = interrupted?;
    let elapsed = began.elapsed().saturating_sub(audited);
    sink.emit(RunEvent::RunEnded {
        elapsed,
        interrupted,
    });
    Ok(RunEnd {
        interrupted,
        elapsed,
        left_over,
    })
}

async fn perform(
    context: Arc<RunContext>,
    load: &Load,
    first_flow: FlowNumber,
    workers: usize,
    gauge: &Gauge,
    control: &Control,
) -> Result<bool, EngineError> {
    let arbiters: Vec<Arbiter> = (0..workers).map(|_| Arbiter::new()).collect();
    let mut handles: Vec<_> = arbiters.iter().map(Arbiter::handle).collect();
    if handles.is_empty() {
        handles.push(Arbiter::current());
    }
    for arbiter in &arbiters {
        // An arbiter that is gone has no timers.
        let _ = arbiter.spawn(gauge.watch_timers());
    }
    let watches = [
        actix::spawn(gauge.watch_timers()),
        actix::spawn(gauge.watch_machine()),
    ];
    let (done, finished) = oneshot::channel();
    let coordinator = Coordinator::new(context, load, first_flow, handles, done).start();

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
    let interrupted = finished.await.map_err(|_| EngineError::CoordinatorGone);
    pass_on.abort();
    watches.iter().for_each(JoinHandle::abort);
    for arbiter in &arbiters {
        arbiter.stop();
    }
    for arbiter in arbiters {
        // A worker that panicked has lost its flows, and each of them was reported as failed.
        let _ = arbiter.join();
    }
    interrupted
}

fn run_info(options: &RunOptions) -> RunInfo {
    let plan = &options.plan;
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
        id: options.run_id.clone(),
        scenario: plan.name.clone(),
        roles: roles.collect(),
        steps: steps.collect(),
        flows: options.load.flows,
        duration_us: options.load.end().map(context::micros),
        parallel: options.load.most_in_flight(),
        integrity: plan.integrity.clone(),
        load: options.load.to_string(),
        wanted_per_second: options.load.wanted_per_second(),
        seed: options.seed,
        chaos: options
            .chaos
            .rules
            .iter()
            .map(ToString::to_string)
            .collect(),
        started_at: options.started_at,
    }
}
