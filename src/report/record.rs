//! The result record: everything about a run in a versioned form for programs.
//!
//! Units stand in the names, quantities that are not known are `null`, and steps and roles are
//! named rather than numbered, so that a flow can be read without the rest.

use std::collections::BTreeMap;

use chrono::{DateTime, Local};
use serde::{Deserialize, Serialize};

use crate::model::{
    Ending, ExitCause, Failure, FlowOutcome, FlowRecord, ProcessRecord, RoleInfo, RunInfo,
    StepOutcome, StepRecord,
};
use crate::stats::Summary;

/// The name and version of this form.
pub const FORMAT: &str = "rehearsal-result/1";

/// A whole result, as read back from a file. It is written piece by piece, by
/// [`write_record`](super::write_record).
#[derive(Debug, Serialize, Deserialize)]
pub struct ResultRecord {
    #[serde(flatten)]
    pub head: Head,
    /// In the order in which they ended.
    pub flows: Vec<Flow>,
}

/// All of a result but its flows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    /// [`FORMAT`].
    pub format: String,
    pub run: Run,
    pub environment: Environment,
    pub summary: Summary,
    pub notices: Vec<String>,
}

impl Head {
    /// The head of the record of a run.
    pub fn new(
        info: &RunInfo,
        environment: Environment,
        summary: Summary,
        notices: Vec<String>,
    ) -> Self {
        Head {
            format: FORMAT.into(),
            run: Run::new(info),
            environment,
            summary,
            notices,
        }
    }
}

/// What was run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    pub id: String,
    pub scenario: String,
    /// How many flows there were to be, where that was known beforehand.
    pub flows: Option<u64>,
    /// How long flows were to be started, where the clock decided that.
    pub duration_us: Option<u64>,
    /// The most flows that could be under way at once.
    pub parallel: u64,
    /// The load in words.
    pub load: String,
    pub seed: u64,
    pub started_at: DateTime<Local>,
    pub roles: Vec<RoleInfo>,
    pub steps: Vec<Step>,
}

/// A step of the scenario.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    pub name: String,
    /// The role's name.
    pub role: String,
    pub action: String,
}

impl Run {
    pub(super) fn new(info: &RunInfo) -> Self {
        let steps = info.steps.iter().map(|step| Step {
            name: step.name.clone(),
            role: role_name(info, step.role.0),
            action: step.action.clone(),
        });
        Run {
            id: info.id.0.clone(),
            scenario: info.scenario.clone(),
            flows: info.flows,
            duration_us: info.duration_us,
            parallel: info.parallel,
            load: info.load.clone(),
            seed: info.seed,
            started_at: info.started_at,
            roles: info.roles.clone(),
            steps: steps.collect(),
        }
    }
}

/// Where it was run, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    pub host: String,
    /// The kernel's name and release.
    pub kernel: String,
    /// How many processors were available.
    pub cores: usize,
    pub rehearsal_version: String,
    /// With secrets masked.
    pub command_line: Vec<String>,
}

/// One flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub number: u64,
    pub id: String,
    pub outcome: Outcome,
    pub started_at: DateTime<Local>,
    /// Pauses included.
    pub duration_us: u64,
    pub paused_us: u64,
    /// What it began with, secrets masked.
    pub variables: BTreeMap<String, String>,
    /// What was read from the programs' output, secrets masked.
    pub captures: BTreeMap<String, String>,
    pub failure: Option<FlowFailure>,
    pub steps: Vec<FlowStep>,
    pub processes: Vec<Process>,
}

/// How a flow ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Completed,
    Failed,
    Interrupted,
}

/// Why a flow failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowFailure {
    /// The short name by which the summary groups failures.
    pub cause: String,
    #[serde(flatten)]
    pub detail: Failure,
}

/// One step of one flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowStep {
    pub step: String,
    pub outcome: StepOutcome,
    /// From the flow's start.
    pub started_after_us: u64,
    /// Pauses taken out.
    pub duration_us: u64,
    pub paused_us: u64,
}

/// One script instance of one flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub role: String,
    /// From 1.
    pub attempt: u32,
    pub pid: u32,
    pub ending: Ending,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub startup_us: Option<u64>,
    pub lifetime_us: u64,
    pub cpu_user_us: u64,
    pub cpu_system_us: u64,
    pub peak_rss_bytes: u64,
}

impl Flow {
    /// The record of `flow`, one of `info`'s run.
    pub fn new(info: &RunInfo, flow: &FlowRecord) -> Self {
        let (outcome, failure) = match &flow.outcome {
            FlowOutcome::Completed => (Outcome::Completed, None),
            FlowOutcome::Interrupted => (Outcome::Interrupted, None),
            FlowOutcome::Failed(failure) => {
                let cause = failure.kind.name().to_owned();
                let detail = (**failure).clone();
                (Outcome::Failed, Some(FlowFailure { cause, detail }))
            }
        };
        Flow {
            number: flow.number.0,
            id: flow.id.0.clone(),
            outcome,
            started_at: flow.started_at,
            duration_us: flow.duration_us,
            paused_us: flow.paused_us,
            variables: flow.variables.iter().cloned().collect(),
            captures: flow.captures.iter().cloned().collect(),
            failure,
            steps: flow
                .steps
                .iter()
                .map(|step| FlowStep::new(info, step))
                .collect(),
            processes: flow
                .processes
                .iter()
                .map(|process| Process::new(info, process))
                .collect(),
        }
    }
}

impl FlowStep {
    fn new(info: &RunInfo, record: &StepRecord) -> Self {
        let step = info.steps.get(record.step.0);
        FlowStep {
            step: step.map(|step| step.name.clone()).unwrap_or_default(),
            outcome: record.outcome.clone(),
            started_after_us: record.started_after_us,
            duration_us: record.duration_us,
            paused_us: record.paused_us,
        }
    }
}

impl Process {
    fn new(info: &RunInfo, record: &ProcessRecord) -> Self {
        let (exit_code, signal) = match record.exit {
            Some(ExitCause::Code(code)) => (Some(code), None),
            Some(ExitCause::Signal(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        Process {
            role: role_name(info, record.instance.role.0),
            attempt: record.instance.attempt,
            pid: record.pid,
            ending: record.ending,
            exit_code,
            signal,
            startup_us: record.startup_us,
            lifetime_us: record.lifetime_us,
            cpu_user_us: record.usage.cpu_user_us,
            cpu_system_us: record.usage.cpu_system_us,
            peak_rss_bytes: record.usage.peak_rss_bytes,
        }
    }
}

fn role_name(info: &RunInfo, role: usize) -> String {
    info.roles
        .get(role)
        .map(|role| role.name.clone())
        .unwrap_or_default()
}
