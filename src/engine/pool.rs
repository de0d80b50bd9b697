//! Gates and pools of script instances: what flows share, and wait for before their steps.
//!
//! | file | side |
//! | --- | --- |
//! | `gates` | the decisions, pure |
//! | `instances` | the instances of one pool, pure |
//! | `coordination` | the coordinator: admits flows, looks after instances between flows |
//!
//! The flow's side is `flow::supervisor::pool_use`, the script's side `script::actor::pooling`.

mod coordination;
mod gates;
mod instances;

pub(super) use coordination::Pools;
pub(super) use gates::{Assigned, Slot};
