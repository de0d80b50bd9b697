//! The Rust API: read or build a [`Scenario`], start a [`Run`], read its [`RunOutcome`].
//!
//! This module joins the layers below it and, for the caller's convenience, looks up PATH and the
//! current directory. Everything else is passed in.

mod builder;
mod run;
mod scenario;

pub use builder::{Role, ScenarioBuilder, Step, Turn};
pub use run::{Run, RunError, RunOutcome};
pub use scenario::Scenario;
