//! One flow: the actor that sequences its steps, and the state machine that decides for it.
//!
//! | file | holds |
//! | --- | --- |
//! | `machine` | the actions that follow on an event, pure |
//! | `attempts` | retries: the decision and the values to return to, pure |
//! | `record_builder` | times, steps and processes of the flow's record |
//! | `injections` | faults that were injected, and the recovery from them |
//! | `state` | values, scripts and record of the flow, reported even after a panic |
//! | `supervisor` | the actor |

mod attempts;
mod injections;
mod machine;
mod record_builder;
mod state;
mod supervisor;

pub(super) use record_builder::Due;
pub(super) use supervisor::{FlowSupervisor, GateWait};
