//! Telling people and programs how a run goes and how it went.
//!
//! A run is told as it goes by [`Reporter`]s, all fed by the one thread of [`Reporters`], which
//! also has the [`Recorder`] count and keep what the report will need. When the run is over, the
//! report is a pure function of what was recorded ([`terminal`]), as is the [`record`] that is
//! saved. Reporters learn of the engine through [`RunEvent`](crate::model::RunEvent) only.
//!
//! **Invariant**: no text that came from a program, a scenario or the command line reaches a
//! terminal without [`neutral`].

mod books;
mod bundle;
mod error;
mod failure;
mod flow_lines;
mod folder;
mod json_lines;
mod latency_log;
mod ledger;
mod log;
mod merge;
mod neutral;
mod output;
#[cfg(feature = "cli")]
mod progress;
mod pulse;
pub mod record;
mod recorder;
mod reporters;
mod results;
mod saved;
mod spoken;
mod spool;
mod story;
#[cfg(feature = "cli")]
pub mod terminal;
pub mod units;

pub use bundle::{About, Bundle, Bundles, Kept, KeptAs, Origin, locate};
pub use error::ReportError;
pub use failure::lines as failure_lines;
pub use folder::RunFolder;
pub use json_lines::JsonLines;
pub use latency_log::LatencyLog;
pub use log::Log;
pub use merge::{MergeError, merge};
pub use neutral::{neutral, neutral_lines};
pub use output::Output;
#[cfg(feature = "cli")]
pub use progress::{Bars, Lines, Quiet};
pub use recorder::{Artifacts, Recorder};
pub use reporters::{Reporter, Reporters};
pub use results::{Place, Reserved};
pub use saved::SavedRun;
pub use spoken::Spoken;
pub use spool::{Spool, SpooledFlows, write_record};
pub use story::Story;
