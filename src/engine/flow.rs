//! One flow: the actor that sequences its steps, and the state machine that decides for it.

mod machine;
mod supervisor;

pub(super) use supervisor::{Due, FlowSupervisor, LEAVE_TIMEOUT};
