//! Support for the integration tests: the fixture program, homes, runs, processes.

#![allow(dead_code, reason = "the tests that run alone use a part of it")]

pub mod fixture;
pub mod flows;
pub mod home;
pub mod processes;
pub mod program;
