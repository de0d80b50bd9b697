//! One flow in the result record.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Local};
use serde::{Deserialize, Serialize};

use crate::model::{
    Ending, ExitCause, Failure, FlowId, FlowNumber, FlowOutcome, FlowRecord, Injection,
    InjectionKind, InjectionRecord, InstanceId, ProcessRecord, RetriedPart, Retry, RoleIndex,
    RunInfo, StepIndex, StepOutcome, StepRecord, TurnRecord, Usage,
};

use super::{Run, role_name};

/// One flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub number: u64,
    pub id: String,
    pub outcome: Outcome,
    pub started_at: DateTime<Local>,
    /// Whether it is in the figures; flows of the warm-up are not.
    pub counted: bool,
    /// From when it was due until it was started. This and `duration_us` are its response time.
    pub late_us: u64,
    /// From its start, pauses taken out: its service time.
    pub duration_us: u64,
    pub paused_us: u64,
    /// What it spent waiting for script instances of pools and for other flows.
    pub waited_us: u64,
    /// What it began with, secrets masked.
    pub variables: BTreeMap<Arc<str>, Arc<str>>,
    /// What was read from the programs' output, secrets masked.
    pub captures: BTreeMap<Arc<str>, Arc<str>>,
    pub failure: Option<FlowFailure>,
    /// Failures after which something was performed again.
    pub retries: Vec<FlowRetry>,
    pub steps: Vec<FlowStep>,
    pub processes: Vec<Process>,
    /// What chaos did to it, in order.
    #[serde(default)]
    pub injections: Vec<FlowInjection>,
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

/// A failure that was not the end of the flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowRetry {
    /// What was performed again.
    pub what: RetriedPart,
    /// From the failure until its step was completed after all; null if it never was.
    pub recovered_after_us: Option<u64>,
    pub failure: FlowFailure,
    /// What had been captured and was forgotten, secrets masked.
    pub forgotten: BTreeMap<Arc<str>, Arc<str>>,
}

/// One attempt at one step of one flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowStep {
    pub step: String,
    /// From 1.
    pub attempt: u32,
    pub outcome: StepOutcome,
    /// From the flow's start.
    pub started_after_us: u64,
    /// Pauses and what Rehearsal held up taken out.
    pub duration_us: u64,
    pub paused_us: u64,
    /// For how long Rehearsal itself waited to see whether an unfinished line was a prompt.
    pub held_us: u64,
    /// How long the flow waited before it, for script instances of pools and for other flows.
    pub waited_us: u64,
    /// How long its named turns took, as they were taken.
    pub turns: Vec<FlowTurn>,
}

/// One named turn of one flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowTurn {
    pub turn: String,
    /// From the reply before it to its evidence.
    pub duration_us: u64,
}

/// Something that chaos did to one script instance of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowInjection {
    pub kind: InjectionKind,
    /// What was done, in words.
    pub what: String,
    pub role: String,
    /// Which of the role's script instances, from 1.
    pub attempt: u32,
    pub step: String,
    /// Where in the scenario the turn stands.
    pub turn: String,
    /// From the flow's start.
    pub after_us: u64,
    /// From then until its step was completed, at whichever attempt; null if it never was.
    pub recovered_after_us: Option<u64>,
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
    /// From when it was to go until its end was seen; null if it went before.
    pub exit_us: Option<u64>,
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
            FlowOutcome::Failed(failure) => (Outcome::Failed, Some(FlowFailure::new(failure))),
        };
        Flow {
            number: flow.number.0,
            id: flow.id.0.clone(),
            outcome,
            started_at: flow.started_at,
            counted: flow.counted,
            late_us: flow.late_us,
            duration_us: flow.duration_us,
            paused_us: flow.paused_us,
            waited_us: flow.waited_us,
            variables: flow.variables.iter().cloned().collect(),
            captures: flow.captures.iter().cloned().collect(),
            failure,
            retries: flow.retries.iter().map(FlowRetry::new).collect(),
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
            injections: flow
                .injections
                .iter()
                .map(|record| FlowInjection::new(info, record))
                .collect(),
        }
    }

    /// The flow as it was told when it had ended, but for the order of its values. Steps and
    /// roles that `run` does not have are left out.
    pub fn to_record(&self, run: &Run) -> FlowRecord {
        let outcome = match (self.outcome, &self.failure) {
            (Outcome::Completed, _) => FlowOutcome::Completed,
            (Outcome::Failed, Some(failure)) => {
                FlowOutcome::Failed(Box::new(failure.detail.clone()))
            }
            (Outcome::Failed, None) | (Outcome::Interrupted, _) => FlowOutcome::Interrupted,
        };
        let number = FlowNumber(self.number);
        let pairs = |values: &BTreeMap<Arc<str>, Arc<str>>| {
            let pairs = values
                .iter()
                .map(|(name, value)| (Arc::clone(name), Arc::clone(value)));
            pairs.collect()
        };
        FlowRecord {
            number,
            id: FlowId(self.id.clone()),
            started_at: self.started_at,
            counted: self.counted,
            late_us: self.late_us,
            duration_us: self.duration_us,
            paused_us: self.paused_us,
            waited_us: self.waited_us,
            outcome,
            steps: self
                .steps
                .iter()
                .filter_map(|step| step.to_record(run))
                .collect(),
            retries: self.retries.iter().map(FlowRetry::to_record).collect(),
            captures: pairs(&self.captures),
            variables: pairs(&self.variables),
            processes: self
                .processes
                .iter()
                .filter_map(|process| process.to_record(run, number))
                .collect(),
            injections: self
                .injections
                .iter()
                .filter_map(|it| it.to_record(run, number))
                .collect(),
        }
    }
}

impl FlowFailure {
    fn new(failure: &Failure) -> Self {
        FlowFailure {
            cause: failure.kind.name().to_owned(),
            detail: failure.clone(),
        }
    }
}

impl FlowRetry {
    fn new(record: &Retry) -> Self {
        FlowRetry {
            what: record.what,
            recovered_after_us: record.recovered_after_us,
            failure: FlowFailure::new(&record.failure),
            forgotten: record.forgotten.iter().cloned().collect(),
        }
    }

    fn to_record(&self) -> Retry {
        Retry {
            what: self.what,
            recovered_after_us: self.recovered_after_us,
            failure: self.failure.detail.clone(),
            forgotten: self.forgotten.clone().into_iter().collect(),
        }
    }
}

impl FlowStep {
    fn new(info: &RunInfo, record: &StepRecord) -> Self {
        let step = info.steps.get(record.step.0);
        let turn = |record: &TurnRecord| FlowTurn {
            turn: step
                .and_then(|step| step.turns.get(record.turn).cloned())
                .unwrap_or_default(),
            duration_us: record.duration_us,
        };
        FlowStep {
            turns: record.turns.iter().map(turn).collect(),
            step: step.map(|step| step.name.clone()).unwrap_or_default(),
            attempt: record.attempt,
            outcome: record.outcome.clone(),
            started_after_us: record.started_after_us,
            duration_us: record.duration_us,
            paused_us: record.paused_us,
            held_us: record.held_us,
            waited_us: record.waited_us,
        }
    }

    fn to_record(&self, run: &Run) -> Option<StepRecord> {
        let place = run.step(&self.step)?;
        let names = &run.steps[place].turns;
        let turn = |turn: &FlowTurn| {
            Some(TurnRecord {
                turn: names.iter().position(|name| *name == turn.turn)?,
                duration_us: turn.duration_us,
            })
        };
        Some(StepRecord {
            turns: self.turns.iter().filter_map(turn).collect(),
            step: StepIndex(place),
            attempt: self.attempt,
            outcome: self.outcome.clone(),
            started_after_us: self.started_after_us,
            duration_us: self.duration_us,
            paused_us: self.paused_us,
            held_us: self.held_us,
            waited_us: self.waited_us,
        })
    }
}

impl FlowInjection {
    fn new(info: &RunInfo, record: &InjectionRecord) -> Self {
        let InjectionRecord {
            injection,
            after_us,
            recovered_after_us,
        } = record;
        let step = info.steps.get(injection.step.0);
        FlowInjection {
            kind: injection.kind,
            what: injection.what.clone(),
            role: role_name(info, injection.instance.role.0),
            attempt: injection.instance.attempt,
            step: step.map(|step| step.name.clone()).unwrap_or_default(),
            turn: injection.turn.clone(),
            after_us: *after_us,
            recovered_after_us: *recovered_after_us,
        }
    }

    fn to_record(&self, run: &Run, flow: FlowNumber) -> Option<InjectionRecord> {
        let instance = InstanceId {
            flow,
            role: RoleIndex(run.role(&self.role)?),
            attempt: self.attempt,
        };
        Some(InjectionRecord {
            injection: Injection {
                instance,
                step: StepIndex(run.step(&self.step)?),
                kind: self.kind,
                what: self.what.clone(),
                turn: self.turn.clone(),
            },
            after_us: self.after_us,
            recovered_after_us: self.recovered_after_us,
        })
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
            exit_us: record.exit_us,
            cpu_user_us: record.usage.cpu_user_us,
            cpu_system_us: record.usage.cpu_system_us,
            peak_rss_bytes: record.usage.peak_rss_bytes,
        }
    }

    fn to_record(&self, run: &Run, flow: FlowNumber) -> Option<ProcessRecord> {
        let code = self.exit_code.map(ExitCause::Code);
        Some(ProcessRecord {
            instance: InstanceId {
                flow,
                role: RoleIndex(run.role(&self.role)?),
                attempt: self.attempt,
            },
            pid: self.pid,
            ending: self.ending,
            exit: code.or(self.signal.map(ExitCause::Signal)),
            usage: Usage {
                cpu_user_us: self.cpu_user_us,
                cpu_system_us: self.cpu_system_us,
                peak_rss_bytes: self.peak_rss_bytes,
            },
            startup_us: self.startup_us,
            lifetime_us: self.lifetime_us,
            exit_us: self.exit_us,
        })
    }
}
