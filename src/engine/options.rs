//! Options of a run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Local};

use crate::model::{
    FlowNumber, RoleInfo, RunId, RunInfo, StageInfo, StepInfo, TerminalInfo, TerminalKind, micros,
};
use crate::process::{Programs, WatcherProgram};
use crate::scenario::{Plan, Role, Shape, Template};
use crate::stats::{EvidenceChoice, Threshold};

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
    /// The number of failed flows at which the run stops, if any.
    pub fail_fast: Option<u64>,
    pub recording: Recording,
    /// The environment that every program gets, before its role's own.
    pub environment: Vec<(OsString, OsString)>,
    /// A directory for the programs of this run; it exists, and the caller removes it.
    pub run_directory: PathBuf,
    /// True if programs get a `TRACEPARENT`, which makes their own traces part of their flow's.
    pub is_traced: bool,
    /// True if the load may be changed while the run is in progress; see
    /// [`Control::change_load`](super::Control::change_load).
    pub is_adjustable: bool,
    /// The program to run as a watcher, which cleans up if this process is killed.
    pub watcher: Option<WatcherProgram>,
    pub started_at: DateTime<Local>,
    /// The zero of the load's times, if it is not the moment when the run begins: flows that were
    /// due since then start late.
    pub load_began: Option<Instant>,
    /// The number of the first flow: 1, unless a flow of another run is replayed.
    pub first_flow: FlowNumber,
}

/// Optional recording besides the figures.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// True if [`Heard`](crate::model::RunEvent::Heard) and [`Said`](crate::model::RunEvent::Said) are emitted.
    pub dialogue: bool,
    /// The choice of flows whose evidence is emitted. If `None`, no transcripts are kept.
    pub evidence: Option<Arc<EvidenceChoice>>,
}

impl RunOptions {
    /// Options for a run of this plan, with seed 0, without environment, thresholds or recording,
    /// in the system's temporary directory.
    pub fn new(plan: Arc<Plan>, programs: Arc<Programs>) -> Self {
        let started_at = Local::now();
        RunOptions {
            plan,
            programs,
            run_id: RunId(format!("RUN-{}", started_at.format("%Y%m%d-%H%M%S"))),
            seed: 0,
            thresholds: Vec::new(),
            fail_fast: None,
            recording: Recording::default(),
            environment: Vec::new(),
            run_directory: std::env::temp_dir(),
            is_traced: false,
            is_adjustable: false,
            watcher: None,
            started_at,
            load_began: None,
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

    /// Sets the number of failed flows at which the run stops: it starts no more, and those in
    /// flight may finish.
    #[must_use]
    pub fn fail_fast(self, fail_fast: Option<u64>) -> Self {
        RunOptions { fail_fast, ..self }
    }

    /// Sets the recording besides figures.
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

    /// Sets whether programs get a `TRACEPARENT`.
    #[must_use]
    pub fn traced(self, is_traced: bool) -> Self {
        RunOptions { is_traced, ..self }
    }

    /// Sets whether the load may be changed while the run is in progress.
    #[must_use]
    pub fn adjustable(self, is_adjustable: bool) -> Self {
        RunOptions {
            is_adjustable,
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

    pub(super) fn info(&self) -> RunInfo {
        let plan = &self.plan;
        let scope = plan.scope_of_run(&self.run_id, &self.run_directory, &|_| None);
        let command = |role: &Role| {
            let words: Vec<_> = role.run.iter().map(Template::source).collect();
            scope.mask(&words.join(" ")).into_owned()
        };
        let roles = plan.roles.iter().map(|role| RoleInfo {
            name: role.name.clone(),
            title: role.title.clone(),
            command: command(role),
            terminal: terminal(role),
        });
        let steps = plan.steps.iter().map(|step| StepInfo {
            name: step.name.clone(),
            role: plan.roles[step.role.0].name.clone(),
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
            flows: plan.load.flows_of_segment(),
            duration_us: plan.load.end().map(micros),
            warm_up_us: micros(plan.load.warm_up),
            stages: stages(&plan.load.shape),
            parallel: plan.load.most_in_flight(),
            integrity: plan.integrity.clone(),
            load: plan.load.to_string(),
            wanted_per_second: plan.load.wanted_per_second(),
            segment: (!plan.load.segment.is_whole()).then(|| plan.load.segment.to_string()),
            seed: Some(self.seed),
            chaos: plan.faults.rules.iter().map(ToString::to_string).collect(),
            started_at: self.started_at,
        }
    }
}

/// Returns the stages of a load with the times at which they end.
fn stages(shape: &Shape) -> Vec<StageInfo> {
    let (Shape::Closed { parallel: ramp, .. } | Shape::Open { rate: ramp, .. }) = shape;
    let stages = ramp.stages.iter().scan(Duration::ZERO, |end, stage| {
        *end += stage.length;
        Some(StageInfo {
            ends_after_us: micros(*end),
            to: stage.to,
        })
    });
    stages.collect()
}

/// Returns the terminal of a role's programs, for reports.
fn terminal(role: &Role) -> Option<TerminalInfo> {
    let TerminalKind::Pty { rows, columns } = role.terminal else {
        return None;
    };
    let own = role
        .environment
        .iter()
        .rev()
        .find(|(name, _)| name == "TERM");
    let own = own.and_then(|(_, value)| value.fixed());
    let usual = match role.has_screen {
        true => "xterm-256color",
        false => "dumb",
    };
    Some(TerminalInfo {
        rows,
        columns,
        term: own.unwrap_or(usual).to_owned(),
        has_screen: role.has_screen,
    })
}
