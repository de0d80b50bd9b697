//! Reports of a run, for people and programs, while it is in progress and afterwards.
//!
//! [`Reporter`]s consume the events of a run in progress, on the one thread of [`Reporters`], which
//! also feeds the [`Recorder`] of flows, bundles and integrity. The report after the run is a pure
//! function of its figures (`terminal`), as are the saved [`result_file`] and the HTML report. Reporters depend on the
//! [`RunEvent`](crate::model::RunEvent)s and not on the engine that emits them.
//!
//! **Invariant**: no text from a program, a scenario or the command line reaches a terminal
//! without [`sanitize`].

mod bundle;
mod duplicates;
mod error;
mod failure;
mod flows_file;
mod flows_reader;
mod html;
mod integrity;
mod json_lines;
mod latency_log;
mod live;
mod log;
mod merge;
mod output;
mod plausible;
mod recorder;
mod reporter;
mod reporters;
mod result_directory;
pub mod result_file;
mod results;
mod sanitize;
mod saved;
mod saved_file;
#[cfg(feature = "cli")]
pub mod terminal;
pub mod units;

pub use bundle::{
    About, Bundle, BundleCounts, Bundles, Film, FilmEvent, FilmScene, KeptAs, RunOrigin, locate,
};
pub use error::ReportError;
pub use failure::lines as failure_lines;
pub use flows_file::{FlowsFile, FlowsWriter};
pub use flows_reader::write_record;
pub use html::{HtmlSource, MAX_BYTES as MAX_HTML_BYTES, write_html};
pub use json_lines::JsonLines;
pub use latency_log::LatencyLog;
pub use live::{DialoguePrinter, SingleFlow};
#[cfg(feature = "cli")]
pub use live::{PlainProgress, ProgressBars, Quiet};
pub use log::Log;
pub use merge::{MergeError, merge};
pub use output::Output;
pub use recorder::{Artifacts, Recorder};
pub use reporter::Reporter;
pub use reporters::Reporters;
pub use result_directory::ResultDirectory;
pub use results::{Place, Reserved};
pub use sanitize::{sanitize, sanitize_lines};
pub use saved::SavedRun;
