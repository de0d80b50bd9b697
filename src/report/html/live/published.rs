//! Content of an update of the live page. All texts are sanitized, and no number of items grows with
//! the run.

use serde::Serialize;

use crate::report::html::charts;
use crate::report::html::data::{Card, Group, Part, Threshold};
use crate::report::live::so_far::Phase;
use crate::report::segments::collection::SegmentState;

/// One update.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Published<'a> {
    pub phase: Phase,
    /// The class of the headline.
    pub state: &'static str,
    pub word: String,
    pub run: String,
    pub scenario: String,
    pub load: String,
    pub started: String,
    pub parts: Vec<Part>,
    /// The part of the run that is over, from 0 to 1; `None` if it has no known end.
    pub done: Option<f64>,
    pub progress: String,
    /// Figures of the last seconds.
    pub recent: Vec<Card>,
    /// Figures of the whole run so far.
    pub cards: Vec<Card>,
    pub reasons: Vec<String>,
    pub thresholds: Vec<Threshold>,
    pub steps: Vec<StepRow>,
    pub charts: Option<charts::Figures>,
    /// The width of a point of the charts.
    pub bucket: String,
    pub failed: String,
    pub failures: Vec<Failures>,
    pub failures_note: Option<String>,
    pub scripts: Vec<Scripts>,
    pub notices: Vec<String>,
    /// Absent if the load cannot be changed, nor the run stopped.
    pub setting: Option<&'a Setting<'a>>,
    /// The segments of a merged run.
    pub segments: Option<&'a [SegmentRow]>,
    /// Their number by state, for people.
    pub segments_note: &'a str,
    /// The location of the results, once the run has ended.
    pub locations: Option<&'a str>,
}

/// A segment of a merged run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SegmentRow {
    pub number: u64,
    pub state: SegmentState,
    /// The state for people: `silent for 12 s`.
    pub word: String,
    pub host: String,
    /// The number of times it was started.
    pub starts: u64,
    pub ended: String,
    pub failed: u64,
    pub in_flight: u64,
    /// The time since it was heard of.
    pub heard: String,
}

/// A step, with the flows that are in it.
#[derive(Serialize)]
pub(super) struct StepRow {
    pub name: String,
    pub role: String,
    pub colour: String,
    pub now: u64,
    pub done: u64,
    pub failed: u64,
    pub p95: String,
}

/// Failures of one signature.
#[derive(Serialize)]
pub(super) struct Failures {
    pub group: Group,
    /// The numbers of the flows whose transcripts can be had.
    pub flows: Vec<u64>,
}

/// Running scripts of a role.
#[derive(Serialize)]
pub(super) struct Scripts {
    pub role: String,
    pub colour: String,
    pub count: u64,
}

/// The load that can be changed.
#[derive(Serialize)]
pub(super) struct Setting<'a> {
    pub label: &'static str,
    pub value: String,
    pub limit: &'a str,
}
