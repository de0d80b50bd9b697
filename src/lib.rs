//! Rehearsal: load tests for the programs that people talk to.

pub mod cli;
pub mod engine;
pub mod model;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod transport;
