//! Bundles: all that is known of one flow, a folder for each.
//!
//! - `transcript.txt`: for people. What went wrong, what the program said last, the values, and
//!   what all roles heard and said, interleaved;
//! - `bundle.json`: the same for programs, a [`Bundle`]; also what is needed to perform the flow
//!   again;
//! - `scenario.yaml`: the scenario as it was run, secrets masked.
//!
//! Bundles are in the folder `bundles` of a run's folder: `failed-000012` of a flow that failed,
//! `slow-000007` of one that was completed later than nearly all others. Each is there whole or
//! not at all.

mod form;
mod text;
mod writer;

pub(super) use form::of_failed;
pub use form::{About, Bundle, KeptAs, Origin, locate};
pub use writer::{Bundles, Kept};
