//! Bundles: a directory for each kept flow with all details of it.
//!
//! - `transcript.txt`: for people. The error, the last output, the values, and the dialogue of all
//!   roles, interleaved;
//! - `bundle.json`: the same for programs, a [`Bundle`], and the settings to replay the flow;
//! - `scenario.yaml`: the scenario as it was run, secrets masked;
//! - `ROLE.cast`: the output of a role's program as a film, a [`Film`]; `ROLE-2.cast` for the second
//!   program of the role.
//!
//! Bundles are in the directory `bundles` of a run's directory: `failed-000012` is a failed flow,
//! `slow-000007` a completed one that was slower than nearly all others. A bundle is created
//! completely or not at all.

mod dialogue;
mod film;
mod form;
mod lines;
mod pictures;
mod text;
mod writer;

pub use film::{Film, FilmEvent, FilmScene};
pub use form::{About, Bundle, KeptAs, RunOrigin, locate};
pub(super) use form::{of_failed, run_of_any};
pub use writer::{BundleCounts, Bundles};
