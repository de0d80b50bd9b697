//! The shared vocabulary of all layers: ids, outcomes, failures, the record of one flow, and the
//! events that the engine reports.
//!
//! Records derive their serialized form here, which is the one in a run's files. This module does
//! not depend on scenarios, processes or terminals.

mod event;
mod evidence;
mod failure;
mod flow;
mod generator;
mod ids;
mod injection;
mod integrity;
mod load_change;
mod process;
mod run;
mod terminal;
mod timing;
mod trace;
mod value;

pub use event::{EventSink, RunEvent};
pub use evidence::{DataRow, Evidence, Happening, Moment};
pub use failure::{Activity, Failure, FailureKind};
pub use flow::{FlowOutcome, FlowRecord, RetriedPart, Retry, StepOutcome, StepRecord, TurnRecord};
pub use generator::{Generator, Stall};
pub use ids::{FlowId, FlowNumber, InstanceId, RoleIndex, RunId, StepIndex};
pub use injection::{FaultKind, Injection, InjectionOutcome, InjectionRecord};
pub use integrity::{AuditOutcome, AuditRecord, IntegrityInfo, OwnInfo, ValueInfo};
pub use load_change::{LoadChange, LoadSetting};
pub use process::{Ending, ExitCause, ProcessRecord, Stream, Usage};
pub use run::{RoleInfo, RunInfo, StageInfo, StepInfo, TerminalInfo};
pub use terminal::TerminalKind;
pub use timing::micros;
pub use trace::{SpanNumber, TraceIds};
pub use value::NamedValue;
