//! Flows with real programs: completion and failure of steps, their causes, and clean ends.
//!
//! Only tests that need processes and actors belong here. The matching of text is tested beside
//! the dialogue, single processes in `process.rs`, the shop's order flow in `order_flow.rs`.

mod dialogue;
mod failures;
mod leaving;
mod loads;
mod recovery;
mod secrets;
mod sharing;
