//! Rehearsal: load tests for the programs that people talk to.
//!
//! This is the library behind the `rehearsal` program; what that does for its users stands in the
//! README. Here is how it is built.
//!
//! # Bird's-eye view
//!
//! ```text
//!  scenario file ─► scenario ─► Plan (checked, immutable, shared)
//!                                 │
//!                          ┌──────▼───────┐ one per run, on the calling thread
//!                          │ Coordinator  │ which flow starts when; stopping
//!                          └──┬────────▲──┘
//!                   StartFlow │        │ FlowEnded, one message a flow
//!                 ┌───────────▼────────┴──┐ on worker arbiters, one per two cores
//!                 │    FlowSupervisor     │ the steps of one flow; owns its values
//!                 └──┬─────────────────▲──┘
//!            Perform │                 │ Performed
//!                 ┌──▼─────────────────┴──┐ on the same arbiter as its supervisor
//!                 │      ScriptActor      │ one subprocess: process and dialogue
//!                 └───────────────────────┘
//!   RunEvents ─► EventSink ─► reporters: story, progress, log, result record, bundles, books
//! ```
//!
//! Where flows share something, the coordinator keeps it: a flow that wants to perform a step
//! with gates arrives there and is admitted, perhaps with a script instance of a pool, which it
//! gives back after its last step with that role.
//!
//! # Code map
//!
//! Each module imports only from those above it in this list; a test reads the sources to keep
//! that true.
//!
//! - [`model`]: the words that everybody shares: ids, outcomes, failures, events.
//! - [`dialogue`]: what a program has said, and whether it is what was waited for. Pure.
//! - [`stats`]: histograms, sums, and what may be asked of them. Pure.
//! - [`scenario`]: the language: reading, checking, and the values of a flow.
//! - [`process`]: processes: the only place that starts, signals or reaps one.
//! - [`engine`]: the actors, and the state machines that decide for them.
//! - [`report`]: what people and programs get to read.
//! - [`cli`]: the command line; the only place that reads the real environment.
//!
//! The shop, the built-in system under test, belongs to the binary and not to this library.
//!
//! # Invariants
//!
//! - **A step is completed only by evidence in the program's own output.** Nothing is inferred
//!   from time that has passed, from silence, or from an exit code alone.
//! - **Nothing sleeps to synchronise.** Every wait is for output, for an end, or for a deadline.
//!   In a dialogue the one thing that is polled is whether a terminal's echo is off, as terminals
//!   do not tell. Outside of it, the watcher that cleans up after a killed run looks again every
//!   few milliseconds whether what it has signalled is gone.
//! - **The outcome does not depend on how the output was cut into reads.** See [`dialogue`].
//! - **Nothing is left behind.** Whoever drops a process hands it to somebody who ends it. See
//!   [`process`].
//! - **What is shown of a failure was recorded, not reconstructed.** Each script actor keeps a
//!   bounded transcript; it is read, and masked, only for flows that somebody wants to see.
//! - **Chance has a seed.** What is drawn, data, rows, pauses or chaos, depends on the run's seed,
//!   the flow, the step and the attempt, and on nothing else.
//! - The engine displays nothing, and reporters know no process: they meet at
//!   [`model::RunEvent`].
//! - Secrets are masked before they leave the engine.

#![deny(unsafe_code)]

#[cfg(feature = "cli")]
pub mod cli;
pub mod dialogue;
pub mod engine;
pub mod model;
pub mod process;
pub mod report;
pub mod scenario;
pub mod stats;
