//! Gates and pools of script instances, which flows share and wait for before their steps.
//!
//! | file | holds |
//! | --- | --- |
//! | `gates` | the decisions, pure |
//! | `instances` | the slots and instances of one pool, pure |
//! | `pools` | the coordinator's data |
//! | `coordinator_side` | the coordinator: admits flows, looks after instances between flows |
//! | `flow_side` | the flow supervisor: waits at gates, acquires and releases instances |
//! | `script_side` | the script actor: changes its owner |
//!
//! The coordinator's gates are the one place that knows which slot is assigned to which flow. A
//! flow keeps its slot as a token to release it with; a script only knows where it reports to.

mod coordinator_side;
mod flow_side;
mod gates;
mod instances;
mod pools;
mod script_side;

pub(super) use instances::{Assigned, Slot};
pub(super) use pools::Pools;
