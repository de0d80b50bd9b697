//! The words that every layer shares: ids, outcomes, failures, samples, and the
//! events by which the engine tells everybody else what happens.
//!
//! Nothing here knows a scenario, a process or a terminal.

mod event;
mod evidence;
mod failure;
mod generator;
mod ids;
mod injection;
mod integrity;
mod process;
mod record;
mod value;

pub use event::{EventSink, RunEvent};
pub use evidence::{DataRow, Evidence, Happening, Moment};
pub use failure::{Activity, Failure, FailureKind};
pub use generator::Generator;
pub use ids::{FlowId, FlowNumber, InstanceId, RoleIndex, RunId, StepIndex};
pub use injection::{Injection, InjectionKind, InjectionRecord};
pub use integrity::{AuditOutcome, AuditRecord, IntegrityInfo, OwnInfo, ValueInfo};
pub use process::{Ending, ExitCause, ProcessRecord, Stream, Usage};
pub use record::{
    FlowOutcome, FlowRecord, RetriedPart, Retry, RoleInfo, RunInfo, StepInfo, StepOutcome,
    StepRecord, TurnRecord,
};
pub use value::NamedValue;
