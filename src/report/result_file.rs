//! The result record: everything about a run in a versioned form for programs.
//!
//! Names contain units, unknown quantities are `null`, and steps and roles are named rather than
//! numbered, so that a flow can be read on its own.
//!
//! A saved run is a directory with the run's name:
//!
//! - `result.json`: a [`Head`]. The [summary](crate::stats::Summary) has the figures, and
//!   `histograms` the [histograms](crate::stats::Encoded) behind them, by name, so that runs can be
//!   merged without loss: `flow.response` (from when a flow was due, with all its
//!   waits), `flow.service` (without waits), `flow.failed_response`, `flow.start_delay`,
//!   `flow.hand_over`, `flow.next_step`, `flow.paused`, `flow.waited` (for pools and gates),
//!   `flow.retry_delay`, `flow.recovery`, `step.NAME`, `role.NAME.startup`, and `chaos.recovery` if faults were
//!   injected;
//! - `flows.jsonl`: a line about the run (a [`FlowsHead`]), then a line for each
//!   [flow](FlowRecord) as it ended; for flows that were due and not started, at most
//!   once a second, the line is `{"dropped":12,"counted":true}`;
//! - `latency.hlog`: an interval log as HdrHistogram's tools read it, with the durations in
//!   microseconds of what ended in each second, tagged `flow` (its response time),
//!   `flow.failed`, and `step.NAME`;
//! - `scenario.yaml`: the scenario as it was run, secrets masked;
//! - `run.log`: the log;
//! - `unfinished`: an empty file until the run ends; `not-saved`: the error in the place of a
//!   `result.json` that could not be saved;
//! - `report.html`: the report for browsers, if there is one;
//! - `bundles`: a [`Bundle`](super::Bundle) of some failed flows, and of the slowest, in a
//!   directory each.
//!
//! Printed as JSON, a run is a [`ResultRecord`]: the head together with the flows.

use std::path::Path;

use chrono::{DateTime, Local};
use serde::{Deserialize, Serialize};

use crate::model::{FlowRecord, RunId, RunInfo};
use crate::stats::{Histograms, Summary};

use super::error::ReportError;

/// The name and version of the format.
pub const FORMAT: &str = "rehearsal-result/3";

/// A complete result, as printed. It is written in pieces, by
/// [`write_record`](super::write_record).
#[derive(Debug, Serialize, Deserialize)]
pub struct ResultRecord {
    #[serde(flatten)]
    pub head: Head,
    /// The flows in the order in which they ended.
    pub flows: Vec<FlowRecord>,
}

/// The first line of `flows.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
pub struct FlowsHead {
    /// [`FORMAT`].
    pub format: String,
    pub run: RunInfo,
    pub environment: RunEnvironment,
}

/// A result without its flows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    /// [`FORMAT`].
    pub format: String,
    pub run: RunInfo,
    pub environment: RunEnvironment,
    pub summary: Summary,
    pub notices: Vec<String>,
    pub completeness: Completeness,
    /// The runs that this one was merged from.
    pub merged_from: Vec<Merged>,
    /// The segments of the merged run of which there is no result, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_segments: Option<String>,
    /// The histograms behind the figures.
    pub histograms: Histograms,
}

impl Head {
    /// Creates the head of a run's record.
    pub fn new(
        info: &RunInfo,
        environment: RunEnvironment,
        summary: Summary,
        histograms: Histograms,
        notices: Vec<String>,
    ) -> Self {
        Head {
            format: FORMAT.into(),
            run: info.clone(),
            environment,
            summary,
            notices,
            completeness: Completeness::Whole,
            merged_from: Vec::new(),
            missing_segments: None,
            histograms,
        }
    }
}

/// The completeness of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    Whole,
    /// The run, or one of the runs it was merged from, left no record: the record has what had
    /// reached the disk of its flows. The notices have the reason.
    CutOff,
}

/// A run that was merged into another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    pub id: RunId,
    pub host: String,
    pub seed: Option<u64>,
    pub started_at: DateTime<Local>,
}

/// The machine and the version of Rehearsal that performed a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnvironment {
    pub host: String,
    /// The kernel's name and release.
    pub kernel: String,
    /// The number of available processors.
    pub cores: usize,
    /// The model of the first processor, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// The policy by which the kernel sets the frequency of the first processor, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
    pub rehearsal_version: String,
    /// The command line, secrets masked.
    pub command_line: Vec<String>,
    /// The clock of the results' file system minus that of this machine, at the start of a run that
    /// was saved as it went on. Of machines that share the file system, the differences are those of
    /// their clocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_us: Option<i64>,
}

/// The part of a record that shows whether the rest can be read.
#[derive(Deserialize)]
struct Format {
    format: String,
}

pub(super) fn check_format(path: &Path, text: &str) -> Result<(), ReportError> {
    let found: Format =
        serde_json::from_str(text).map_err(|error| ReportError::malformed(path, error))?;
    if found.format == FORMAT {
        return Ok(());
    }
    let what = format!("it is a {}, and this program reads {FORMAT}", found.format);
    Err(ReportError::malformed(path, what))
}
