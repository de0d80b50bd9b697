//! Rehearsal: load tests for the programs that people talk to.

pub mod dialogue;
pub mod model;
pub mod scenario;
