//! Events of a run: everything that reporters learn from the engine.

use std::sync::Arc;
use std::time::Duration;

use super::evidence::Evidence;
use super::failure::Failure;
use super::flow::{FlowRecord, StepOutcome};
use super::generator::Generator;
use super::ids::{FlowNumber, InstanceId, StepIndex};
use super::injection::Injection;
use super::integrity::AuditRecord;
use super::process::ProcessRecord;
use super::run::RunInfo;
use super::value::NamedValue;

/// Something that happened in a run. All text is already masked.
///
/// Order: `RunStarted`, then any mixture in which each flow's own events are in order
/// (`FlowStarted`, its steps, `FlowEnded`), then `GeneratorMeasured`, the audit's, and `RunEnded`.
#[derive(Debug, Clone)]
pub enum RunEvent {
    RunStarted(Box<RunInfo>),
    FlowStarted {
        flow: FlowNumber,
        /// The variables it begins with, secrets masked.
        variables: Vec<NamedValue>,
    },
    StepStarted {
        flow: FlowNumber,
        step: StepIndex,
    },
    /// A script instance runs.
    ScriptStarted {
        instance: InstanceId,
        pid: u32,
        /// The command line as run, masked.
        command: String,
    },
    Captured {
        flow: FlowNumber,
        step: StepIndex,
        name: Arc<str>,
        value: Arc<str>,
    },
    /// Only when dialogue was asked for: what a program said (control sequences removed).
    Heard {
        instance: InstanceId,
        text: String,
    },
    /// Only when dialogue was asked for: what was typed, secrets masked.
    Said {
        instance: InstanceId,
        text: String,
    },
    /// Chaos has done something to a script instance.
    Injected(Box<Injection>),
    StepEnded {
        flow: FlowNumber,
        step: StepIndex,
        outcome: StepOutcome,
        duration: Duration,
        failure: Option<Box<Failure>>,
    },
    ScriptEnded {
        instance: InstanceId,
        process: Box<ProcessRecord>,
    },
    /// A script that served many flows has ended, and is in none of their records. Follows on its
    /// `ScriptEnded`.
    PooledScriptEnded(Box<ProcessRecord>),
    /// Something that a reader should know and that fails nothing.
    Notice {
        flow: Option<FlowNumber>,
        text: String,
    },
    FlowEnded(Box<FlowRecord>),
    /// The evidence of a flow of which it was wanted, right after its `FlowEnded`.
    EvidenceKept(Box<Evidence>),
    /// A flow was due and could not be started, as too many were in flight.
    FlowDropped {
        /// `false` for flows of the warm-up, which are in no figures.
        counted: bool,
    },
    /// No new flows start any more; those that run may finish until they are ended.
    Stopping {
        reason: String,
    },
    /// Measurements of Rehearsal itself. Once, when all flows have ended.
    GeneratorMeasured(Box<Generator>),
    /// The audit's command was started; all flows have ended.
    AuditStarted {
        /// The command line, masked.
        command: String,
    },
    /// The audit's result. Where the scenario has an audit there is one of these, also if the
    /// command was not started.
    AuditEnded(Box<AuditRecord>),
    RunEnded {
        elapsed: Duration,
        interrupted: bool,
    },
}

/// The receiver of a run's events: the one connection between the engine and its observers.
///
/// `emit` is called from any thread, at any time between the start and the end of a run, also
/// concurrently. It must not block and must not panic. A receiver consumes events and nothing
/// else: it neither stops the run nor chooses what is recorded, and a slow one changes no figure.
/// A receiver with a bounded queue reports through `is_behind` that it is filling up; the engine
/// then starts no new flows of a closed load until there is room. Flows of an open load, which are
/// due at a certain time, are started all the same: their events are queued without a bound, but for dialogue.
pub trait EventSink: Send + Sync {
    fn emit(&self, event: RunEvent);

    /// Returns whether the receiver's queue is filling up. Called before each start of a flow of a
    /// closed load; cheap.
    fn is_behind(&self) -> bool {
        false
    }
}
