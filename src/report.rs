//! Reports of a run, for people and programs: while it goes on, and when it has ended.
//!
//! While a run goes on, [`Reporter`]s show it, all fed by the one thread of [`Reporters`], which
//! also has the [`Recorder`] write flows and bundles. When the run is over, the report is a pure
//! function of its outcome ([`terminal`]), as is the [`result_file`] that is saved. Reporters learn of the engine through [`RunEvent`](crate::model::RunEvent) only.
//!
//! **Invariant**: no text that came from a program, a scenario or the command line reaches a
//! terminal without [`sanitize`].

mod bundle;
mod duplicates;
mod error;
mod failure;
mod flows_file;
mod folder;
mod integrity;
mod json_lines;
mod latency_log;
mod live;
mod log;
mod merge;
mod output;
mod pulse;
mod recorder;
mod reporter;
mod reporters;
pub mod result_file;
mod results;
mod sanitize;
mod saved;
#[cfg(feature = "cli")]
pub mod terminal;
pub mod units;

pub use bundle::{About, Bundle, Bundles, Kept, KeptAs, Origin, locate};
pub use error::ReportError;
pub use failure::lines as failure_lines;
pub use flows_file::{FlowsFile, FlowsWriter, write_record};
pub use folder::RunFolder;
pub use json_lines::JsonLines;
pub use latency_log::LatencyLog;
#[cfg(feature = "cli")]
pub use live::{Bars, Lines, Quiet};
pub use live::{DialoguePrinter, SingleFlow};
pub use log::Log;
pub use merge::{MergeError, merge};
pub use output::Output;
pub use recorder::{Artifacts, Recorder};
pub use reporter::Reporter;
pub use reporters::Reporters;
pub use results::{Place, Reserved};
pub use sanitize::{sanitize, sanitize_lines};
pub use saved::SavedRun;
