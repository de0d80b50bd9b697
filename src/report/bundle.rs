//! Bundles: a directory for each kept flow with all details of it.
//!
//! - `transcript.txt`: for people. The error, the last output, the values, and the dialogue of all
//!   roles, interleaved;
//! - `bundle.json`: the same for programs, a [`Bundle`], and the settings to replay the flow;
//! - `scenario.yaml`: the scenario as it was run, secrets masked.
//!
//! Bundles are in the directory `bundles` of a run's directory: `failed-000012` is a failed flow,
//! `slow-000007` a completed one that was slower than nearly all others. A bundle is created
//! completely or not at all.

mod form;
mod text;
mod writer;

pub use form::{About, Bundle, KeptAs, RunOrigin, TranscriptEntry, locate};
pub(super) use form::{BUNDLES, TEXT, of_failed, run_of_any};
pub(super) use text::{replay_command, who};
pub use writer::{BundleCounts, Bundles};
