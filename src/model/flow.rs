//! The record of one flow that has ended.
//!
//! Reporters get a flow in this form, and files contain it field by field. It names its steps,
//! turns and roles, so that it can be read without the description of its run.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Local};
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::failure::Failure;
use super::ids::{FlowId, FlowNumber};
use super::injection::{InjectionOutcome, InjectionRecord};
use super::process::ProcessRecord;
use super::value::{self, NamedValue};

/// The outcome of one attempt at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    Completed,
    /// Its `when` was false.
    Skipped,
    Failed,
    /// It failed, and another attempt followed; see [`Retry`].
    Retried,
    /// The run was stopped while the step was running.
    Interrupted,
}

impl StepOutcome {
    /// Returns its name in files.
    pub fn name(self) -> &'static str {
        match self {
            StepOutcome::Completed => "completed",
            StepOutcome::Skipped => "skipped",
            StepOutcome::Failed => "failed",
            StepOutcome::Retried => "retried",
            StepOutcome::Interrupted => "interrupted",
        }
    }
}

/// One attempt at one step of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step's name.
    pub step: String,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    pub outcome: StepOutcome,
    /// From the flow's start to the step's start.
    pub started_after_us: u64,
    /// From the step's start to its last evidence, without pauses (`think`) and without the time
    /// that Rehearsal held an unfinished line to see whether it was a prompt.
    pub duration_us: u64,
    /// Time in intended pauses, and in waits for gates of replies.
    pub paused_us: u64,
    /// Time that Rehearsal held an unfinished line to see whether it was a prompt, in the step and
    /// after its last evidence.
    pub held_us: u64,
    /// Wait before the step's start for a pooled script instance or for other flows.
    pub waited_us: u64,
    /// The durations of its named turns, in order of execution.
    pub turns: Vec<TurnRecord>,
}

/// The duration of a named turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnRecord {
    /// The turn's name.
    pub turn: Arc<str>,
    /// From the step's start to the beginning of its wait. Records of earlier versions do not have
    /// it.
    #[serde(default)]
    pub started_after_us: Option<u64>,
    /// From the beginning of its wait, when the previous reply was sent, to its evidence.
    pub duration_us: u64,
}

/// A failure after which a step or the flow was performed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    pub what: RetriedPart,
    /// From this failure, the first one of a recovery, until every step that had failed since was
    /// completed, pauses included. `None` for later failures of the same recovery, and if it did
    /// not succeed.
    pub recovered_after_us: Option<u64>,
    #[serde(serialize_with = "with_cause")]
    pub failure: Failure,
    /// The captures that were discarded, as they may get other values; secrets masked.
    #[serde(with = "value")]
    pub forgotten: Vec<NamedValue>,
}

/// The part that is performed again after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetriedPart {
    /// The step that failed.
    Step,
    /// The flow, from its first step.
    Flow,
}

/// The outcome of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowOutcome {
    /// Every step's evidence was seen and every promised value was captured.
    Completed,
    Failed(Box<Failure>),
    /// The run was stopped before the flow could end.
    Interrupted,
}

impl FlowOutcome {
    /// Returns its name in files.
    pub fn name(&self) -> &'static str {
        match self {
            FlowOutcome::Completed => "completed",
            FlowOutcome::Failed(_) => "failed",
            FlowOutcome::Interrupted => "interrupted",
        }
    }
}

/// One flow that has ended, with its steps, values and processes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FlowRecord {
    pub number: FlowNumber,
    pub id: FlowId,
    #[serde(flatten, deserialize_with = "outcome_and_failure")]
    pub outcome: FlowOutcome,
    /// The time of day of the start, for display only: the clock may be set during a run.
    pub started_at: DateTime<Local>,
    /// From the run's start to the flow's start, by the monotonic clock. Records of earlier
    /// versions do not have it.
    #[serde(default)]
    pub started_after_us: Option<u64>,
    /// From the run's start to the end of the flow's last step, likewise.
    #[serde(default)]
    pub ended_after_us: Option<u64>,
    /// `false` for flows of the warm-up, which are excluded from all figures.
    pub counted: bool,
    /// Delay of the start after the flow was due.
    pub late_us: u64,
    /// The service time: from the flow's start to its last step's end, without pauses (`think`,
    /// delays of steps), without waits for pools and gates, without delays before retries, and
    /// without the time that Rehearsal held unfinished lines to see whether they were prompts.
    /// See [`FlowRecord::response_us`] for the time that a user sees.
    pub duration_us: u64,
    /// Time in intended pauses (`think` and delays of steps).
    pub paused_us: u64,
    /// Time waiting for pooled script instances and for other flows.
    pub waited_us: u64,
    /// Time in delays before retries.
    #[serde(default)]
    pub retry_delay_us: u64,
    /// The initial variables, secrets masked.
    #[serde(deserialize_with = "value::deserialize")]
    pub variables: Vec<NamedValue>,
    /// The captured values in order of capture (in files by name); secrets masked.
    #[serde(deserialize_with = "value::deserialize")]
    pub captures: Vec<NamedValue>,
    /// The failures after which something was performed again.
    pub retries: Vec<Retry>,
    /// The attempts at steps, in order.
    pub steps: Vec<StepRecord>,
    /// All processes that were started for it.
    pub processes: Vec<ProcessRecord>,
    /// The faults that were chosen for it, in order.
    #[serde(default)]
    pub injections: Vec<InjectionRecord>,
}

impl FlowRecord {
    /// Creates the record of a flow that did not perform any step.
    pub fn not_performed(
        number: FlowNumber,
        id: FlowId,
        counted: bool,
        outcome: FlowOutcome,
    ) -> Self {
        FlowRecord {
            number,
            id,
            outcome,
            started_at: Local::now(),
            started_after_us: None,
            ended_after_us: None,
            counted,
            late_us: 0,
            duration_us: 0,
            paused_us: 0,
            waited_us: 0,
            retry_delay_us: 0,
            variables: Vec::new(),
            captures: Vec::new(),
            retries: Vec::new(),
            steps: Vec::new(),
            processes: Vec::new(),
            injections: Vec::new(),
        }
    }

    /// Returns the response time, in microseconds: from when the flow was due to its last step's
    /// end, without pauses. Besides the service time it has the late start, the waits for pools and
    /// gates, and the delays before retries.
    pub fn response_us(&self) -> u64 {
        [self.late_us, self.waited_us, self.retry_delay_us]
            .into_iter()
            .fold(self.duration_us, u64::saturating_add)
    }

    /// Returns the time from the start of the run to the flow's start. `run_started_at` is used only
    /// for records of earlier versions.
    pub fn started_since(&self, run_started_at: DateTime<Local>) -> Duration {
        match self.started_after_us {
            Some(us) => Duration::from_micros(us),
            None => (self.started_at - run_started_at)
                .to_std()
                .unwrap_or_default(),
        }
    }

    /// Returns the time from the start of the run to the end of the flow's last step; of records of
    /// earlier versions a lower bound.
    pub fn ended_since(&self, run_started_at: DateTime<Local>) -> Duration {
        if let Some(us) = self.ended_after_us {
            return Duration::from_micros(us);
        }
        let taken_us = [self.paused_us, self.waited_us]
            .into_iter()
            .fold(self.duration_us, u64::saturating_add);
        let started = self.started_since(run_started_at);
        started.saturating_add(Duration::from_micros(taken_us))
    }

    /// Returns `true` if the flow was completed after a retry.
    pub fn is_recovered(&self) -> bool {
        self.outcome == FlowOutcome::Completed && !self.retries.is_empty()
    }

    /// Returns `true` if a fault was injected into it.
    pub fn was_hit(&self) -> bool {
        let mut injections = self.injections.iter();
        injections.any(|it| it.outcome == InjectionOutcome::Injected)
    }

    /// Returns the failure of a failed flow.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.outcome {
            FlowOutcome::Failed(failure) => Some(failure),
            FlowOutcome::Completed | FlowOutcome::Interrupted => None,
        }
    }
}

/// The outcome's name in files; its failure has a separate field there.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeName {
    Completed,
    Failed,
    Interrupted,
}

/// A failure with the short name by which figures group it.
#[derive(Serialize)]
struct WithCause<'a> {
    cause: &'a str,
    #[serde(flatten)]
    failure: &'a Failure,
}

impl<'a> From<&'a Failure> for WithCause<'a> {
    fn from(failure: &'a Failure) -> Self {
        WithCause {
            cause: failure.kind.name(),
            failure,
        }
    }
}

fn with_cause<S: Serializer>(failure: &Failure, serializer: S) -> Result<S::Ok, S::Error> {
    WithCause::from(failure).serialize(serializer)
}

fn outcome_and_failure<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<FlowOutcome, D::Error> {
    #[derive(Deserialize)]
    struct Parts {
        outcome: OutcomeName,
        failure: Option<Box<Failure>>,
    }
    let Parts { outcome, failure } = Parts::deserialize(deserializer)?;
    Ok(match (outcome, failure) {
        (OutcomeName::Completed, _) => FlowOutcome::Completed,
        (OutcomeName::Failed, Some(failure)) => FlowOutcome::Failed(failure),
        (OutcomeName::Failed, None) | (OutcomeName::Interrupted, _) => FlowOutcome::Interrupted,
    })
}

/// Implemented by hand, as an outcome and its failure are two fields that are not adjacent.
impl Serialize for FlowRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Destructured by name, so that a new field cannot be forgotten.
        let FlowRecord {
            number,
            id,
            outcome,
            started_at,
            started_after_us,
            ended_after_us,
            counted,
            late_us,
            duration_us,
            paused_us,
            waited_us,
            retry_delay_us,
            variables,
            captures,
            retries,
            steps,
            processes,
            injections,
        } = self;
        let outcome = match outcome {
            FlowOutcome::Completed => OutcomeName::Completed,
            FlowOutcome::Failed(_) => OutcomeName::Failed,
            FlowOutcome::Interrupted => OutcomeName::Interrupted,
        };
        let mut flow = serializer.serialize_struct("FlowRecord", 19)?;
        flow.serialize_field("number", number)?;
        flow.serialize_field("id", id)?;
        flow.serialize_field("outcome", &outcome)?;
        flow.serialize_field("started_at", started_at)?;
        flow.serialize_field("started_after_us", started_after_us)?;
        flow.serialize_field("ended_after_us", ended_after_us)?;
        flow.serialize_field("counted", counted)?;
        flow.serialize_field("late_us", late_us)?;
        flow.serialize_field("duration_us", duration_us)?;
        flow.serialize_field("paused_us", paused_us)?;
        flow.serialize_field("waited_us", waited_us)?;
        flow.serialize_field("retry_delay_us", retry_delay_us)?;
        flow.serialize_field("variables", &value::by_name(variables))?;
        flow.serialize_field("captures", &value::by_name(captures))?;
        flow.serialize_field("failure", &self.failure().map(WithCause::from))?;
        flow.serialize_field("retries", retries)?;
        flow.serialize_field("steps", steps)?;
        flow.serialize_field("processes", processes)?;
        flow.serialize_field("injections", injections)?;
        flow.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of `flows.jsonl`; the line breaks are for readers of this file.
    const LINE: &str = r#"
        {"number":1,"id":"REAL-E2E-1-000001","outcome":"failed","started_at":"STARTED",
        "started_after_us":3000,"ended_after_us":1514978,
        "counted":true,"late_us":175,"duration_us":11978,"paused_us":1000000,
        "waited_us":0,"retry_delay_us":500000,"variables":{"customer":"CUST001"},"captures":{"session":"8673",
        "ticket":"T-8671"},"failure":{"cause":"ended_early","kind":"ended_early",
        "step":"3_order","role":"clerk","turn":"s.yaml:14","message":"the program ended",
        "awaited":["line /taken (?<taken>\\S+) by (?<by>\\d+)/"],"waited_us":825,
        "activity":"gone","tail":"Name:\nsession 8673\nMenu>","hint":null},
        "retries":[{"what":"step","recovered_after_us":null,"failure":{"cause":"ended_early","kind":"ended_early","step":"3_order","role":"clerk","turn":"s.yaml:14","message":"the program ended","awaited":["line /taken (?<taken>\\S+) by (?<by>\\d+)/"],"waited_us":837,"activity":"gone","tail":"Name:\nsession 8672\nMenu>","hint":null},
        "forgotten":{"by":"7","session":"8672"}}],"steps":[{"step":"2_log_in",
        "attempt":1,"outcome":"completed","started_after_us":1950,"duration_us":3225,
        "paused_us":500000,"held_us":0,"waited_us":0,"turns":[{"turn":"login","started_after_us":2101,"duration_us":1124}]},
        {"step":"3_order","attempt":1,"outcome":"retried","started_after_us":505501,
        "duration_us":1882,"paused_us":500000,"held_us":0,"waited_us":0,
        "turns":[]}],"processes":[{"role":"clerk","attempt":2,"pid":8673,
        "ending":"itself","exit_code":9,"signal":null,"startup_us":1989,
        "lifetime_us":504120,"exit_us":null,"cpu_user_us":0,"cpu_system_us":1842,
        "peak_rss_bytes":24395776},{"role":"office","attempt":1,"pid":8671,
        "ending":"terminated","exit_code":null,"signal":1,"startup_us":1640,
        "lifetime_us":1512693,"exit_us":536,"cpu_user_us":0,"cpu_system_us":1456,
        "peak_rss_bytes":24207360}],"injections":[{"kind":"delay","outcome":"injected","what":"its answer held back for 500ms",
        "role":"clerk","attempt":1,"step":"2_log_in","turn":"s.yaml:11",
        "after_us":3493,"recovered_after_us":501682}]}
    "#;

    #[test]
    fn a_record_is_read_and_written_byte_for_byte() {
        let started = serde_json::to_string(&Local::now()).unwrap();
        let line: String = LINE.lines().map(str::trim_start).collect();
        let line = line.replace("\"STARTED\"", &started);
        let flow: FlowRecord = serde_json::from_str(&line).unwrap();
        assert_eq!(flow.failure().map(|it| it.step.as_str()), Some("3_order"));
        assert_eq!(flow.processes[0].attempt, 2);
        assert_eq!(serde_json::to_string(&flow).unwrap(), line);
    }

    #[test]
    fn a_record_of_an_earlier_version_is_placed_by_the_time_of_day() {
        let run_started_at = Local::now();
        let started = serde_json::to_string(&(run_started_at + Duration::from_secs(2))).unwrap();
        let line: String = LINE.lines().map(str::trim_start).collect();
        let line = line.replace("\"STARTED\"", &started);
        let line = line.replace("\"started_after_us\":3000,\"ended_after_us\":1514978,", "");
        let line = line.replace("\"retry_delay_us\":500000,", "");
        let flow: FlowRecord = serde_json::from_str(&line).unwrap();
        assert_eq!(flow.started_since(run_started_at), Duration::from_secs(2));
        let ended = Duration::from_micros(3_011_978);
        assert_eq!(flow.ended_since(run_started_at), ended);
        assert_eq!(flow.response_us(), 12_153);
    }

    #[test]
    fn a_flow_that_did_not_fail_has_a_null_failure() {
        let number = FlowNumber(3);
        let id = FlowId("RUN-3".into());
        let flow = FlowRecord::not_performed(number, id, true, FlowOutcome::Interrupted);
        let json = serde_json::to_value(&flow).unwrap();
        assert_eq!(json["outcome"], "interrupted");
        assert!(json["failure"].is_null());
        assert_eq!(serde_json::from_value::<FlowRecord>(json).unwrap(), flow);
    }
}
