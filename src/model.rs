//! The vocabulary that every layer shares: ids, outcomes, failures, the record of one flow, and the
//! events by which the engine reports what happens.
//!
//! Records derive their serialized form here: it is the one of the files of a run. Nothing here
//! knows a scenario, a process or a terminal.

mod event;
mod evidence;
mod failure;
mod flow;
mod generator;
mod ids;
mod injection;
mod integrity;
mod process;
mod run;
mod timing;
mod value;

pub use event::{EventSink, RunEvent};
pub use evidence::{DataRow, Evidence, Happening, Moment};
pub use failure::{Activity, Failure, FailureKind};
pub use flow::{FlowOutcome, FlowRecord, RetriedPart, Retry, StepOutcome, StepRecord, TurnRecord};
pub use generator::Generator;
pub use ids::{FlowId, FlowNumber, InstanceId, RoleIndex, RunId, StepIndex};
pub use injection::{Injection, InjectionKind, InjectionRecord};
pub use integrity::{AuditOutcome, AuditRecord, IntegrityInfo, OwnInfo, ValueInfo};
pub use process::{Ending, ExitCause, ProcessRecord, Stream, Usage};
pub use run::{RoleInfo, RunInfo, StepInfo};
pub use timing::micros;
pub use value::NamedValue;
