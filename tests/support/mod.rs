//! Support for the integration tests: the fixture program, homes, runs, processes.

#![allow(
    dead_code,
    reason = "shared with process_alone, which uses a part of it; an expectation would fail in the other"
)]

pub mod fixture;
pub mod flows;
pub mod home;
pub mod processes;
pub mod program;
