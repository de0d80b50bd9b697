//! Reports of a run, for people and programs, while it is in progress and afterwards.
//!
//! [`Reporter`]s consume the events of a run in progress, on the one thread of [`Reporters`], which
//! also feeds the [`Recorder`] of flows, bundles and integrity. The report after the run is a pure
//! function of its figures (`terminal`), as are the saved [`result_file`] and the HTML report. Reporters depend on the
//! [`RunEvent`](crate::model::RunEvent)s and not on the engine that emits them.
//!
//! **Invariant**: no text from a program, a scenario or the command line reaches a terminal
//! without [`sanitize`].

#[cfg(feature = "cli")]
mod annotations;
mod bundle;
#[cfg(feature = "cli")]
mod capacity;
#[cfg(feature = "cli")]
mod checks;
#[cfg(feature = "cli")]
mod comparison;
#[cfg(feature = "cli")]
mod csv;
mod data_state;
mod duplicates;
mod error;
mod failure;
mod flows_file;
mod flows_reader;
mod html;
#[cfg(feature = "cli")]
mod http;
mod integrity;
mod json_lines;
#[cfg(feature = "cli")]
mod junit;
mod latency_log;
#[cfg(feature = "cli")]
mod latency_reader;
mod live;
mod log;
#[cfg(feature = "cli")]
mod markdown;
mod merge;
#[cfg(feature = "cli")]
mod otlp;
mod output;
mod plausible;
#[cfg(feature = "cli")]
mod prometheus;
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
mod saved_runs;
#[cfg(feature = "cli")]
mod segments;
#[cfg(feature = "cli")]
pub mod terminal;
#[cfg(feature = "cli")]
mod trend;
pub mod units;
mod verdict;

#[cfg(feature = "cli")]
pub use annotations::annotations;
pub use bundle::{
    About, Bundle, BundleCounts, Bundles, Film, FilmEvent, FilmScene, KeptAs, RunOrigin, locate,
};
#[cfg(feature = "cli")]
pub use capacity::{
    CapacityRecord, CapacityReport, FewSamples, TriedLoad, growth_in_flight, write_trials,
};
#[cfg(feature = "cli")]
pub use comparison::{
    ComparisonReport, Conclusion, Conclusive, Gate, NotedDifference, RunGroup, comparison_markdown,
    load_of_machine,
};
#[cfg(feature = "cli")]
pub use csv::{FlowsTable, csv_cell, write_steps};
pub use error::ReportError;
pub use failure::lines as failure_lines;
pub use flows_file::{FlowsFile, FlowsWriter};
pub use flows_reader::write_record;
#[cfg(feature = "cli")]
pub use html::{CurveSource, write_capacity_html, write_comparison_html, write_history_html};
pub use html::{HtmlSource, MAX_BYTES as MAX_HTML_BYTES, write_html};
#[cfg(feature = "cli")]
pub use html::{LiveControls, LiveOptions, LivePage, SegmentsPage};
pub use json_lines::JsonLines;
#[cfg(feature = "cli")]
pub use junit::write_junit;
pub use latency_log::LatencyLog;
#[cfg(feature = "cli")]
pub use latency_reader::Latencies;
pub use live::{DialoguePrinter, SingleFlow};
#[cfg(feature = "cli")]
pub use live::{PlainProgress, ProgressBars, Quiet};
pub use log::Log;
#[cfg(feature = "cli")]
pub use markdown::markdown;
pub use merge::{MergeError, merge};
#[cfg(feature = "cli")]
pub use otlp::{SlowCollector, TraceTarget, Traces};
pub use output::Output;
#[cfg(feature = "cli")]
pub use prometheus::Prometheus;
pub use recorder::{Artifacts, Recorder};
pub use reporter::Reporter;
pub use reporters::Reporters;
pub use result_directory::ResultDirectory;
pub use results::{Place, Reserved};
pub use sanitize::{sanitize, sanitize_lines};
pub use saved::SavedRun;
#[cfg(feature = "cli")]
pub use saved_runs::{ListedResult, ListedRun, saved_runs};
#[cfg(feature = "cli")]
pub use segments::{
    InvalidPlace, Look, NatsLogin, NatsPlace, Publication, PublicationOptions, PublishPlace, Say,
    SegmentsProgress, SnapshotReporter, Watch, WatchedPlace,
};
#[cfg(feature = "cli")]
pub use trend::{Change, Point, Trend};
pub use verdict::RunVerdict;
