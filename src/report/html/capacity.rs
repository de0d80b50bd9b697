//! A search for the capacity as a page: the answer, throughput and latency by load, the trials.

use std::path::Path;

use minijinja::Value;
use serde::Serialize;

use crate::report::capacity::{CapacityReport, headline, load, sentences};
use crate::report::error::ReportError;
use crate::report::units;
use crate::stats::{CapacityLimit, LoadKind};

use super::data::State;
use super::page::{self, script_json};
use super::words::text;
use super::write_page;

/// Writes the page of a search to `path`, in place of an earlier one.
///
/// # Errors
/// If the file cannot be written.
pub fn write_capacity_html(report: &CapacityReport, path: &Path) -> Result<(), ReportError> {
    write_page(&page::capacity(&page(report)), path)
}

#[derive(Serialize)]
struct CapacityPage {
    state: State,
    answer: String,
    scenario: String,
    sentences: Vec<String>,
    thresholds: Vec<String>,
    load: &'static str,
    rows: Vec<Vec<(String, f64)>>,
    json: Value,
}

/// The figures for the page's script.
#[derive(Serialize)]
struct Figures {
    timeline: Option<()>,
    marks: [(); 0],
    curves: [(); 0],
    loads: Loads,
}

#[derive(Serialize)]
struct Loads {
    label: &'static str,
    at: Vec<f64>,
    throughput: Vec<Option<f64>>,
    /// Milliseconds.
    p50: Vec<Option<f64>>,
    p95: Vec<Option<f64>>,
    p99: Vec<Option<f64>>,
}

fn page(report: &CapacityReport) -> CapacityPage {
    let kind = report.record.kind;
    let capacity = &report.capacity;
    let loads = report.loads();
    let label = match kind {
        LoadKind::Rate => "Flow starts a second",
        LoadKind::Parallel => "Flows in parallel",
    };
    let ms = |us: Option<u64>| us.map(|us| us as f64 / 1e3);
    let sentences = sentences(report);
    let sentences = sentences.iter().map(|it| text(it)).collect();
    let figures = Figures {
        timeline: None,
        marks: [],
        curves: [],
        loads: Loads {
            label,
            at: loads.iter().map(|it| it.load).collect(),
            throughput: loads.iter().map(|it| it.throughput).collect(),
            p50: loads.iter().map(|it| ms(it.p50_us)).collect(),
            p95: loads.iter().map(|it| ms(it.p95_us)).collect(),
            p99: loads.iter().map(|it| ms(it.p99_us)).collect(),
        },
    };
    let duration = |us: Option<u64>| {
        let words = us.map_or("–".into(), units::duration);
        (words, us.map_or(-1.0, |us| us as f64))
    };
    let rows = loads.iter().map(|it| {
        vec![
            (load(kind, it.load), it.load),
            (
                format!("{} of {}", it.held, it.held + it.broke),
                it.held as f64,
            ),
            (it.unusable.to_string(), it.unusable as f64),
            (
                it.throughput
                    .map_or("–".into(), |it| format!("{}/s", units::per_second(it))),
                it.throughput.unwrap_or(-1.0),
            ),
            duration(it.p50_us),
            duration(it.p95_us),
            duration(it.p99_us),
            (units::percent(it.busy), it.busy.unwrap_or(-1.0)),
        ]
    });
    CapacityPage {
        state: match (capacity.load, capacity.limit) {
            (None, CapacityLimit::Thresholds) => State::Bad,
            (Some(_), CapacityLimit::Thresholds) => State::Good,
            _ => State::Unsure,
        },
        answer: headline(kind, capacity),
        scenario: text(&report.record.scenario),
        sentences,
        thresholds: report.record.thresholds.iter().map(|it| text(it)).collect(),
        load: label,
        rows: rows.collect(),
        json: Value::from_safe_string(script_json(&figures)),
    }
}
