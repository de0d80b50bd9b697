//! What is known of a run before it starts, and of a flow when it has ended.

use chrono::{DateTime, Local};
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::ids::{FlowId, FlowNumber, RoleIndex, RunId, StepIndex};
use super::injection::InjectionRecord;
use super::integrity::IntegrityInfo;
use super::process::ProcessRecord;
use super::value::NamedValue;

/// A role as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleInfo {
    /// Its key in the scenario: `customer`.
    pub name: String,
    /// Its name for people: `Customer`.
    pub title: String,
    /// The command as the scenario writes it, one line.
    pub command: String,
}

/// A step as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepInfo {
    pub name: String,
    pub role: RoleIndex,
    pub action: String,
    /// The names of its turns that have one, in the order of the action.
    pub turns: Vec<String>,
}

/// What is known of a run before its first flow starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    pub id: RunId,
    /// The scenario's name.
    pub scenario: String,
    pub roles: Vec<RoleInfo>,
    pub steps: Vec<StepInfo>,
    /// What its books are held against.
    pub integrity: IntegrityInfo,
    /// How many flows there will be, where that is known beforehand.
    pub flows: Option<u64>,
    /// How long flows are started, where the clock decides that.
    pub duration_us: Option<u64>,
    /// The most flows that can be under way at once.
    pub parallel: u64,
    /// The load in words: `50 at once`, `5/s, at most 200 under way`.
    pub load: String,
    /// How many flows are to start a second, on average, where the clock decides that.
    pub wanted_per_second: Option<f64>,
    pub seed: u64,
    /// What chaos may do, as it was written; empty without chaos.
    pub chaos: Vec<String>,
    pub started_at: DateTime<Local>,
}

/// How one step of one flow went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    Completed,
    /// Its `when` was false.
    Skipped,
    Failed,
    /// It failed, and was performed again; see [`Retry`].
    Retried,
    /// The run was stopped while it was under way.
    Interrupted,
}

/// One attempt at one step of one flow, as it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    pub step: StepIndex,
    /// Which attempt of the flow at this step it was, from 1.
    pub attempt: u32,
    pub outcome: StepOutcome,
    /// From the flow's start to the step's start.
    pub started_after_us: u64,
    /// From the step's start to its last evidence. Pauses (`think`) are taken out, and so is the
    /// time for which Rehearsal itself waited to see whether an unfinished line was a prompt.
    pub duration_us: u64,
    /// What the step spent pausing on purpose.
    pub paused_us: u64,
    /// For how long Rehearsal itself waited to see whether an unfinished line was a prompt, in the
    /// step and after its last evidence.
    pub held_us: u64,
    /// How long the flow waited before the step: for a script instance of a pool, or for other
    /// flows. It lies before the step's start.
    pub waited_us: u64,
    /// How long its named turns took, as they were taken.
    pub turns: Vec<TurnRecord>,
}

/// A failure that was not the end of its flow: something was performed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    pub what: RetriedPart,
    pub failure: Failure,
    /// From the failure until the step that had failed was completed after all, pauses included.
    /// `None` if it never was.
    pub recovered_after_us: Option<u64>,
    /// What had been captured and was forgotten, as it may become something else; secrets masked.
    pub forgotten: Vec<NamedValue>,
}

/// What is performed again after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetriedPart {
    /// The step that failed.
    Step,
    /// The flow, from its first step.
    Flow,
}

/// How long the program took for its part of a named turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnRecord {
    /// Its place among the names of the step's turns.
    pub turn: usize,
    /// From the beginning of its wait, which is when the reply before it was sent, to its evidence.
    pub duration_us: u64,
}

/// How a flow ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "failure")]
pub enum FlowOutcome {
    /// Every step's evidence was seen and every promised value captured.
    Completed,
    Failed(Box<Failure>),
    /// The run was stopped before the flow could end.
    Interrupted,
}

/// One flow as it went: the one message that a flow sends when it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRecord {
    pub number: FlowNumber,
    pub id: FlowId,
    pub started_at: DateTime<Local>,
    /// Whether it counts; flows of the warm-up do not.
    pub counted: bool,
    /// From when the flow was due until it was started. What its user waited in all, the response
    /// time, is this and `duration_us` together.
    pub late_us: u64,
    /// From the flow's start to its last step's end, without the pauses (`think`, delays), without
    /// the waits for other flows, and without the time for which Rehearsal waited to see whether a
    /// line was a prompt.
    pub duration_us: u64,
    /// What the flow spent pausing on purpose (`think` and delays).
    pub paused_us: u64,
    /// What the flow spent waiting for script instances of pools and for other flows.
    pub waited_us: u64,
    #[serde(flatten)]
    pub outcome: FlowOutcome,
    /// The steps that were begun, in order; one that was performed again is there for each attempt.
    pub steps: Vec<StepRecord>,
    /// The failures that were not the end of it.
    pub retries: Vec<Retry>,
    /// The values captured, in the order of their capture; secrets masked.
    pub captures: Vec<NamedValue>,
    /// The variables the flow began with, secrets masked.
    pub variables: Vec<NamedValue>,
    /// Every process that was started for it.
    pub processes: Vec<ProcessRecord>,
    /// What chaos did to it, in order.
    pub injections: Vec<InjectionRecord>,
}

impl FlowRecord {
    /// Whether it was completed, though not at the first attempt.
    pub fn is_recovered(&self) -> bool {
        self.outcome == FlowOutcome::Completed && !self.retries.is_empty()
    }
}
