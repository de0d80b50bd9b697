//! Events of a run, the only data that reporters get from the engine.

use std::sync::Arc;
use std::time::Duration;

use super::evidence::Evidence;
use super::failure::Failure;
use super::flow::{FlowRecord, StepOutcome};
use super::generator::Generator;
use super::ids::{FlowNumber, InstanceId, StepIndex};
use super::injection::Injection;
use super::integrity::AuditRecord;
use super::load_change::LoadChange;
use super::process::ProcessRecord;
use super::run::RunInfo;
use super::value::NamedValue;

/// An event of a run. All text is already masked.
///
/// Order: `RunStarted`, then any mixture in which each flow's own events are in order
/// (`FlowStarted`, its steps, `FlowEnded`), then `GeneratorMeasured`, the audit's, and `RunEnded`.
#[derive(Debug, Clone)]
pub enum RunEvent {
    RunStarted(Box<RunInfo>),
    FlowStarted {
        flow: FlowNumber,
        /// The initial variables, secrets masked.
        variables: Vec<NamedValue>,
    },
    StepStarted {
        flow: FlowNumber,
        step: StepIndex,
    },
    /// A script instance was started.
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
    /// A program's output, control sequences removed; for a role with a screen, a picture of the
    /// screen if it has changed. Only if dialogue was requested.
    Heard {
        instance: InstanceId,
        text: String,
    },
    /// Typed text, secrets masked. Only if dialogue was requested.
    Said {
        instance: InstanceId,
        text: String,
    },
    /// A fault was injected into a script instance.
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
    /// A pooled script instance has ended; it is in no flow's record. Follows its `ScriptEnded`.
    PooledScriptEnded(Box<ProcessRecord>),
    /// A pooled script instance has ended, and another one is started in its place.
    PooledScriptReplaced {
        /// The flow for which it is started, and the step that needs it.
        flow: FlowNumber,
        step: StepIndex,
        /// The place in the pool of the step's role, from 1: the `instance.number` of both.
        number: usize,
    },
    /// A remark for the reader of the report that makes nothing fail.
    Notice {
        flow: Option<FlowNumber>,
        text: String,
    },
    FlowEnded(Box<FlowRecord>),
    /// The evidence of a flow, right after its `FlowEnded`, if it is kept.
    EvidenceKept(Box<Evidence>),
    /// Flows were due and were not started, as too many were in flight. Emitted at most once a
    /// second for all drops since the last time.
    FlowsDropped {
        count: u64,
        /// `false` for flows of the warm-up, which are excluded from all figures.
        counted: bool,
    },
    /// A user has changed the load; a notice says so, too.
    LoadChanged(LoadChange),
    /// No new flows are started any more; flows in flight may finish until they are ended.
    Stopping {
        reason: String,
    },
    /// Measurements of Rehearsal itself, once all flows have ended.
    GeneratorMeasured(Box<Generator>),
    /// The audit's command was started; all flows have ended.
    AuditStarted {
        /// The command line, masked.
        command: String,
    },
    /// The audit's result. Emitted once if the scenario has an audit, even if its command was not
    /// started.
    AuditEnded(Box<AuditRecord>),
    RunEnded {
        elapsed: Duration,
        interrupted: bool,
    },
}

/// The receiver of a run's events: the one connection between the engine and its observers.
///
/// `emit` is called from any thread, at any time between the start and the end of a run, also
/// concurrently. It must not block and must not panic. A receiver consumes events and nothing else:
/// it neither stops the run nor chooses what is recorded, and a slow one changes no figure. A
/// receiver with a bounded queue reports through `is_behind` that it is filling up; the engine then
/// starts no new flows of a closed load until there is room. Flows of an open load, which are due
/// at a certain time, are started all the same: their events are queued without a bound, but for
/// dialogue.
pub trait EventSink: Send + Sync {
    fn emit(&self, event: RunEvent);

    /// Returns `true` if the receiver's queue is filling up. Called before each start of a flow of
    /// a closed load, so it has to be cheap.
    fn is_behind(&self) -> bool {
        false
    }
}
