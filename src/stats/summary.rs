//! The summary of a run, as shown and saved.

use chrono::{DateTime, Local};
use serde::{Deserialize, Serialize};

use crate::model::{Failure, FlowId, FlowRecord, Generator, LoadChange};

use super::faults::FaultSummary;
use super::histogram::{Bucket, Spread};
use super::integrity::Integrity;
use super::signature::Signature;

/// The figures of a whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The run was stopped before all its flows had ended.
    pub interrupted: bool,
    /// The time from the run's start to its early stop, by a threshold, by failed flows
    /// or by its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_after_us: Option<u64>,
    /// The number of failed flows at which the run was stopped, if that stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by_failures: Option<u64>,
    /// Changes of the load while the run was in progress, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_changes: Vec<LoadChange>,
    /// From the run's start to its end, including clean-up but not the audit.
    pub elapsed_us: u64,
    pub flows: FlowCounts,
    /// The completed part of the flows that began, from 0 to 1; interrupted ones are not completed.
    pub success_rate: Option<f64>,
    /// Completed flows per second of the time in which flows were being completed: from when the
    /// first counted flow was due until the last one ended, and not less than the load's duration,
    /// if that has passed, or than the time that the flows of a load with a rate represent. Absent
    /// if no time passed.
    pub completed_per_second: Option<f64>,
    /// Started flows per second: of a load with a rate from when the first was due to the start of
    /// the last, absent for fewer than two; of other loads in the same time as above.
    pub started_per_second: Option<f64>,
    /// Service time of completed flows: from their start, without pauses, waits for pools and
    /// gates, and delays before retries.
    pub flow_duration: Option<Spread>,
    /// Response time of completed flows: from when they were due, without pauses. Includes late
    /// starts, waits for pools and gates, and delays before retries.
    pub flow_response: Option<Spread>,
    /// The distribution of `flow_response`, from the shortest to the longest; empty for few flows.
    pub flow_distribution: Vec<Bucket>,
    /// Response time of failed flows.
    pub failed_response: Option<Spread>,
    /// Delay of the starts of flows after they were due.
    pub start_delay: Option<Spread>,
    pub phases: Phases,
    /// In the order of the flow.
    pub steps: Vec<StepSummary>,
    pub failures: FailureSummary,
    /// Failures after which something was performed again.
    pub retries: RetrySummary,
    /// Injected faults, if the run has rules for them.
    #[serde(default)]
    pub chaos: Option<FaultSummary>,
    /// In the order of the scenario.
    pub roles: Vec<RoleSummary>,
    pub processes: ProcessCounts,
    /// CPU time of Rehearsal itself, without its programs.
    pub rehearsal_cpu_us: Option<u64>,
    /// Peak memory of Rehearsal itself.
    pub rehearsal_peak_rss_bytes: Option<u64>,
    /// The result of the integrity checks, if there are any. Includes flows of the warm-up.
    pub integrity: Option<Integrity>,
    /// The thresholds and their results.
    pub thresholds: Vec<Checked>,
    /// Measurements of the load generator, if there are any.
    pub generator: Option<Generator>,
    /// The verdict on the figures, if the generator was measured.
    pub verdict: Option<Verdict>,
    /// The effect of the failed flows on the result of the run.
    #[serde(default, skip_serializing_if = "FlowFailures::count")]
    pub flow_failures: FlowFailures,
}

/// The effect of failed flows on the result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowFailures {
    /// Each failed flow makes the run fail.
    #[default]
    Count,
    /// There are no more than are allowed, so they do not make the run fail.
    AreAllowed,
}

impl FlowFailures {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    fn count(&self) -> bool {
        *self == FlowFailures::Count
    }
}

/// Time that flows spend outside of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Phases {
    /// From a step's end to the start of the next one if that has another role, without pauses and
    /// delays by Rehearsal itself.
    pub hand_over: Option<Spread>,
    /// The same if the role is the same.
    pub next_step: Option<Spread>,
    /// Intended pauses per flow, of flows with any.
    pub paused: Option<Spread>,
    /// Waits for pooled script instances and for other flows per flow, of flows with any.
    pub waited: Option<Spread>,
    /// Delays before retries per flow, of flows with any.
    #[serde(default)]
    pub retry_delay: Option<Spread>,
    /// From a program's first output until its role's first step, usually the login, was completed.
    pub log_in: Option<Spread>,
    /// From the beginning of a role's `leave`, or the request to end its program, to the program's
    /// end.
    pub exit: Option<Spread>,
}

/// Numbers of flows by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlowCounts {
    /// Planned for the run.
    pub planned: Option<u64>,
    pub completed: u64,
    /// Of the completed flows, those in which a step or the whole flow was performed again.
    pub recovered: u64,
    pub failed: u64,
    /// Begun, then stopped together with the run.
    pub interrupted: u64,
    /// Due and not started, as too many were in flight.
    pub dropped: u64,
    /// Performed in the warm-up, and excluded from all other figures.
    pub not_counted: u64,
    /// Planned and not in the file of flows of a run that was cut off: not started, in flight, or
    /// ended and not written.
    #[serde(default)]
    pub not_recorded: u64,
}

impl FlowCounts {
    /// Adds the counts of another run, except for the planned number.
    pub(super) fn add(&mut self, other: &FlowCounts) {
        self.completed += other.completed;
        self.recovered += other.recovered;
        self.failed += other.failed;
        self.interrupted += other.interrupted;
        self.dropped += other.dropped;
        self.not_counted += other.not_counted;
        self.not_recorded += other.not_recorded;
    }

    /// Returns the number of flows that have ended, with any outcome.
    pub fn ended(&self) -> u64 {
        self.completed + self.failed + self.interrupted
    }

    /// Returns the number of planned flows that did not begin.
    pub fn not_started(&self) -> u64 {
        let planned = self.planned.unwrap_or_default();
        let counted = self.ended().saturating_add(self.dropped);
        planned.saturating_sub(counted.saturating_add(self.not_recorded))
    }
}

/// One step over all flows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepSummary {
    pub name: String,
    /// The role's name.
    pub role: String,
    /// The role's name for people.
    #[serde(rename = "actor")]
    pub role_title: String,
    pub completed: u64,
    pub failed: u64,
    /// Failures after which it was performed again.
    pub retried: u64,
    pub interrupted: u64,
    /// Its condition was false, or its script was already running.
    pub skipped: u64,
    /// The completed part of its completed and failed executions, from 0 to 1.
    pub success_rate: Option<f64>,
    /// Duration of completed executions, without pauses.
    pub duration: Option<Spread>,
    /// Duration of failed executions, without pauses.
    pub failed_duration: Option<Spread>,
    /// Its named turns.
    pub turns: Vec<TurnSummary>,
}

/// One named turn of a step over all flows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnSummary {
    pub name: String,
    /// From the reply before it to its evidence.
    pub duration: Option<Spread>,
}

/// The failures after which something was performed again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RetrySummary {
    pub failures: FailureSummary,
    /// One for each recovery: from the first failure until every step that had failed since was
    /// completed.
    pub recovery: Option<Spread>,
}

/// The failures of a run by step and cause.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailureSummary {
    /// The most frequent first.
    pub groups: Vec<FailureGroup>,
    /// Failures beyond the maximum number of groups.
    pub others: u64,
}

impl FailureSummary {
    /// Returns the number of all failures.
    pub fn count(&self) -> u64 {
        self.groups.iter().map(|group| group.count).sum::<u64>() + self.others
    }

    /// Sets the bundle of a failed flow's group, unless it has one.
    pub fn note_bundle(&mut self, flow: &FlowRecord, failure: &Failure, bundle: &str) {
        let Signature { step, saw, .. } = Signature::of(flow, failure);
        let after_chaos = flow.was_hit();
        let of_cause = |group: &FailureGroup| {
            group.step == step
                && group.example.kind == failure.kind
                && group.after_chaos == after_chaos
        };
        let find = |saw: &Option<String>| {
            let mut groups = self.groups.iter();
            groups.position(|group| of_cause(group) && group.saw == *saw)
        };
        if let Some(place) = find(&saw).or_else(|| find(&None)) {
            self.groups[place]
                .bundle
                .get_or_insert_with(|| bundle.to_owned());
        }
    }
}

/// Failures of one step with the same cause and signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureGroup {
    pub step: String,
    pub role: String,
    /// The short stable name of the cause: `timeout`, or the category of a business failure.
    pub cause: String,
    /// The output in place of what was awaited, without what differs between flows: `Order
    /// <order_id> is already approved`. `null` beyond the maximum number of texts.
    pub saw: Option<String>,
    /// Faults had been injected into the flows before.
    #[serde(default)]
    pub after_chaos: bool,
    pub count: u64,
    /// The first start of a flow among them.
    pub first_at: DateTime<Local>,
    pub last_at: DateTime<Local>,
    /// The first flow that failed so.
    pub example_flow: FlowId,
    /// Its failure.
    pub example: Failure,
    /// The bundle of one of the flows, if one was kept: in the run's directory,
    /// `bundles/failed-000012`.
    pub bundle: Option<String>,
}

/// Resources used by the script instances of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSummary {
    pub name: String,
    pub title: String,
    pub instances: u64,
    /// From the request to start an instance until its first output.
    pub startup: Option<Spread>,
    pub cpu_total_us: u64,
    pub cpu_mean_us: Option<u64>,
    /// The peak of any one of them.
    pub peak_rss_bytes: u64,
    /// True if the peak is only an upper bound: the kernel includes the memory that Rehearsal had
    /// when it started the program. Absent in results of earlier versions.
    #[serde(default)]
    pub peak_rss_is_upper_bound: bool,
}

/// Numbers of processes by the way they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcessCounts {
    pub started: u64,
    /// Exited by themselves with code 0.
    pub ended_well: u64,
    /// Exited by themselves with another code, or by a signal that Rehearsal did not send.
    pub ended_badly: u64,
    /// Exited on request.
    pub terminated: u64,
    /// Killed, as they ignored the request.
    pub killed: u64,
    /// Killed by an injected fault.
    #[serde(default)]
    pub injected: u64,
    /// Not ended within the time allowed.
    pub left_over: u64,
}

/// Returns `part / whole`, from 0 to 1; `None` if `whole` is 0.
pub(super) fn rate(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The trustworthiness of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    Valid,
    Doubtful,
    Invalid,
}

/// The verdict on a run's figures, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub trust: Trust,
    /// Objections to them, the worst first; empty if they are valid.
    pub reasons: Vec<String>,
    /// Aspects that could not be judged, with the reason.
    #[serde(default)]
    pub not_judged: Vec<String>,
}

/// A value with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    DurationUs(u64),
    /// A part of a whole, from 0 to 1.
    Ratio(f64),
    PerSecond(f64),
    Count(u64),
}

/// A threshold and its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The threshold as written.
    pub threshold: String,
    pub holds: bool,
    /// The figure. Absent without a sample, and then the threshold does not hold.
    pub value: Option<Quantity>,
    /// The time at which it was first crossed while the run was in progress, since the run's
    /// start.
    pub crossed_after_us: Option<u64>,
    /// The run was stopped because of it.
    pub stopped_run: bool,
}

impl Quantity {
    pub(super) fn number(self) -> f64 {
        match self {
            Quantity::DurationUs(number) | Quantity::Count(number) => number as f64,
            Quantity::Ratio(number) | Quantity::PerSecond(number) => number,
        }
    }
}
