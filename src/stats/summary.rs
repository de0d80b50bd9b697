//! The summary of a run, in the form in which it is shown and saved.

use chrono::{DateTime, Local};
use serde::{Deserialize, Serialize};

use crate::model::{Failure, FlowId, FlowRecord, Generator};

use super::faults::FaultSummary;
use super::histogram::{Range, Spread};
use super::integrity::Integrity;
use super::signature::Signature;

/// A whole run in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// `true` if the run was stopped before all its flows had ended.
    pub interrupted: bool,
    /// From the run's start to its end, everything cleaned up; the audit is left out.
    pub elapsed_us: u64,
    pub flows: FlowCounts,
    /// The part of the flows begun that were completed, from 0 to 1; an interrupted flow was not.
    pub success_rate: Option<f64>,
    /// Completed flows a second: from when the first flow that counts was due until the last
    /// ended. Where the clock ends a run it is that end instead, and flows that were completed
    /// later are left out. Absent if that took no time.
    pub completed_per_second: Option<f64>,
    /// Flows started a second, from the first start to the last. Absent of less than two.
    pub started_per_second: Option<f64>,
    /// The completed flows' service time: from their start, pauses left out.
    pub flow_duration: Option<Spread>,
    /// The same from when they were due: their response time, with the wait for a late start.
    pub flow_response: Option<Spread>,
    /// The distribution of `flow_response`, from the shortest to the longest; empty for few flows.
    pub flow_distribution: Vec<Range>,
    /// The time until failed flows failed, from when they were due.
    pub failed_response: Option<Spread>,
    /// The delay of the starts of flows, completed or not.
    pub start_delay: Option<Spread>,
    pub phases: Phases,
    /// In the order of the flow.
    pub steps: Vec<StepSummary>,
    pub failures: FailureSummary,
    /// Failures that were not the end of their flows.
    pub retries: RetrySummary,
    /// The injected faults, if there were to be any.
    #[serde(default)]
    pub chaos: Option<FaultSummary>,
    /// In the order of the scenario.
    pub roles: Vec<RoleSummary>,
    pub processes: ProcessCounts,
    /// The CPU time that Rehearsal itself took for the run, its programs not counted.
    pub rehearsal_cpu_us: Option<u64>,
    /// The most memory that Rehearsal itself ever had.
    pub rehearsal_peak_rss_bytes: Option<u64>,
    /// The result of the integrity checks, if there are any. Flows of the warm-up are in it.
    pub integrity: Option<Integrity>,
    /// The thresholds and their results.
    pub thresholds: Vec<Checked>,
    /// The load generator's measurements, if there are any.
    pub generator: Option<Generator>,
    /// The verdict on the figures, if the generator was measured.
    pub verdict: Option<Verdict>,
}

/// Time that flows spend outside of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Phases {
    /// From a step's end to the start of the next one, where that is another role's: pauses and
    /// what Rehearsal held up taken out.
    pub hand_over: Option<Spread>,
    /// The same where the role stays the same.
    pub next_step: Option<Spread>,
    /// Time that each flow spent pausing on purpose, of those that did.
    pub paused: Option<Spread>,
    /// Time that each flow spent waiting for script instances of pools and for other flows, of
    /// those
    /// that did.
    pub waited: Option<Spread>,
    /// From a program's first output until its role's first step was completed, which is where
    /// people log in.
    pub log_in: Option<Spread>,
    /// From when a program was to go, by its role's `leave` or because the flow was over, until
    /// its end.
    pub exit: Option<Spread>,
}

/// Numbers of flows by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlowCounts {
    /// The number that the run was to perform.
    pub planned: Option<u64>,
    pub completed: u64,
    /// Those of the completed that were not at their first attempt: a step, or the whole flow, was
    /// performed again.
    pub recovered: u64,
    pub failed: u64,
    /// Begun, and stopped together with the run.
    pub interrupted: u64,
    /// Due, and not started, as too many were in flight.
    pub dropped: u64,
    /// Performed in the warm-up, and in no other figure.
    pub not_counted: u64,
}

impl FlowCounts {
    /// Adds those of another run, but what was planned.
    pub(super) fn add(&mut self, other: &FlowCounts) {
        self.completed += other.completed;
        self.recovered += other.recovered;
        self.failed += other.failed;
        self.interrupted += other.interrupted;
        self.dropped += other.dropped;
        self.not_counted += other.not_counted;
    }

    /// Returns the number that have ended, whatever their outcome.
    pub fn ended(&self) -> u64 {
        self.completed + self.failed + self.interrupted
    }

    /// Returns the number of those planned that never began.
    pub fn not_started(&self) -> u64 {
        let planned = self.planned.unwrap_or_default();
        planned.saturating_sub(self.ended() + self.dropped)
    }
}

/// One step over all flows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepSummary {
    pub name: String,
    /// The role's name.
    pub role: String,
    /// The role's name for people.
    pub actor: String,
    pub completed: u64,
    pub failed: u64,
    /// The number of failures after which it was performed again.
    pub retried: u64,
    pub interrupted: u64,
    /// Its condition was false, or its script was there already.
    pub skipped: u64,
    /// The part of the times it came to its end that it was completed, from 0 to 1; where the run
    /// was stopped says nothing about it.
    pub success_rate: Option<f64>,
    /// Its duration where it was completed, pauses taken out.
    pub duration: Option<Spread>,
    /// Its duration until it failed, where it did.
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
    /// From such a failure until its step was completed after all, where it was.
    pub recovery: Option<Spread>,
}

/// The failures of a run by step and cause.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailureSummary {
    /// The most frequent first.
    pub groups: Vec<FailureGroup>,
    /// Failures of steps and causes beyond the number that is distinguished.
    pub others: u64,
}

impl FailureSummary {
    /// The number of all failures.
    pub fn count(&self) -> u64 {
        self.groups.iter().map(|group| group.count).sum::<u64>() + self.others
    }

    /// Names the bundle of a failed flow in its group, unless the group has one already.
    pub fn note_bundle(&mut self, flow: &FlowRecord, failure: &Failure, bundle: &str) {
        let Signature { step, saw, .. } = Signature::of(flow, failure);
        let after_chaos = !flow.injections.is_empty();
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

/// All failures of one step by one cause in which the same was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureGroup {
    pub step: String,
    pub role: String,
    /// The short stable name of the cause: `timeout`, or the category of a business failure.
    pub cause: String,
    /// The program's output in place of what was awaited, without what differs from flow to flow:
    /// `Order <order_id> is already approved`. `null` for what is beyond the number of texts that
    /// are distinguished.
    pub saw: Option<String>,
    /// `true` if faults had been injected into their flows before.
    #[serde(default)]
    pub after_chaos: bool,
    pub count: u64,
    /// When the first and the last of their flows were started.
    pub first_at: DateTime<Local>,
    pub last_at: DateTime<Local>,
    /// The flow that failed first.
    pub example_flow: FlowId,
    /// The reason for it.
    pub example: Failure,
    /// The bundle of such a flow, if one was kept: in the run's folder, `bundles/failed-000012`.
    pub bundle: Option<String>,
}

/// Resources used by the script instances of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSummary {
    pub name: String,
    pub title: String,
    pub instances: u64,
    /// From the order to start it until its first output.
    pub startup: Option<Spread>,
    pub cpu_total_us: u64,
    pub cpu_mean_us: Option<u64>,
    /// The most that any one of them used at a time.
    pub peak_rss_bytes: u64,
}

/// Numbers of processes by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcessCounts {
    pub started: u64,
    /// By themselves, with exit code 0.
    pub ended_well: u64,
    /// By themselves, with another exit code or by a signal that was not ours.
    pub ended_badly: u64,
    /// When asked to.
    pub terminated: u64,
    /// Because they did not listen.
    pub killed: u64,
    /// By chaos, on purpose.
    #[serde(default)]
    pub injected: u64,
    /// Not ended within the time allowed.
    pub left_over: u64,
}

/// `part` of `whole`, from 0 to 1; `None` of nothing.
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
    /// The objections to them, the worst first; empty if they are valid.
    pub reasons: Vec<String>,
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
    /// As it was written.
    pub threshold: String,
    pub holds: bool,
    /// The figure. Absent if there was no sample, and then the threshold does not hold.
    pub value: Option<Quantity>,
    /// When it was found not to be met while the run went on, from the run's start.
    pub crossed_after_us: Option<u64>,
    /// `true` if the run was ended for it.
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
