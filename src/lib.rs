//! Rehearsal: load tests for the programs that people talk to.

#![deny(unsafe_code)]

pub mod model;
pub mod transport;
