//! Execution of a plan's flows with real programs.
//!
//! A coordinator starts the flows and collects their figures, a supervisor sequences the steps of
//! each flow, a script actor owns each subprocess. Their messages are in `messages`. Decisions are
//! made by state machines that know neither actors nor processes: `flow::machine` for a flow,
//! `script::machine` for one running program, `pool::gates` for what flows share, `faults` for fault
//! injection.
//!
//! A flow and its scripts share one arbiter, so that a turn crosses no thread; one message a flow
//! goes to the coordinator. Observers see a run only as events of an
//! [`EventSink`](crate::model::EventSink).

mod audit;
mod context;
mod control;
mod coordinator;
mod faults;
mod flow;
mod gauge;
mod live_scripts;
mod messages;
mod options;
mod pool;
mod reply_gates;
mod report_guard;
mod run;
mod schedule;
mod script;
mod step_confirmation;
#[cfg(test)]
mod tests;
mod values;

pub use crate::process::{Programs, Within};
pub use control::{Control, LiveScript, Stop};
pub use coordinator::StopCause;
pub use options::{Recording, RunOptions};
pub use run::{EngineError, RunResult, run};
pub use step_confirmation::StepConfirmation;
