//! Rehearsal: load tests for the programs that people talk to.

pub mod model;
pub mod report;
pub mod stats;
