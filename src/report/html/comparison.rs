//! A comparison of two groups of runs as a page: the conclusion, the table, and both percentile
//! curves of each step, one over the other.

use std::path::Path;

use minijinja::Value;
use serde::Serialize;

use crate::report::comparison::{ComparisonReport, Conclusive, RunGroup, words};
use crate::report::error::ReportError;
use crate::report::units;
use crate::stats::{ComparedFigure, Finding, Histograms};

use super::charts::{Curve, overlaid_curves};
use super::data::State;
use super::page::{self, script_json};
use super::words::text;
use super::write_page;

/// The histograms of both groups, for the curves.
#[derive(Debug, Clone, Default)]
pub struct CurveSource {
    /// Those of all runs, added.
    pub old: Histograms,
    /// Likewise.
    pub new: Histograms,
}

/// Writes the page of a comparison to `path`, in place of an earlier one.
///
/// # Errors
/// If the file cannot be written.
pub fn write_comparison_html(
    report: &ComparisonReport,
    curves: &CurveSource,
    path: &Path,
) -> Result<(), ReportError> {
    write_page(&page::comparison(&page(report, curves)), path)
}

#[derive(Serialize)]
struct ComparisonPage {
    state: State,
    word: &'static str,
    because: String,
    scenario: String,
    groups: Vec<Group>,
    counts: Vec<String>,
    rows: Vec<FigureRow>,
    differences: Vec<String>,
    remarks: Vec<String>,
    has_curves: bool,
    json: Value,
}

#[derive(Serialize)]
struct Group {
    label: &'static str,
    name: String,
    runs: Vec<String>,
    from: String,
}

#[derive(Serialize)]
struct FigureRow {
    name: String,
    finding: &'static str,
    is_bad: bool,
    /// Texts with what they are sorted by.
    cells: Vec<(String, f64)>,
}

/// The figures for the page's script.
#[derive(Serialize)]
struct Figures {
    timeline: Option<()>,
    marks: [(); 0],
    labels: [&'static str; 2],
    curves: Vec<Curve>,
}

fn page(report: &ComparisonReport, curves: &CurveSource) -> ComparisonPage {
    let verdict = report.conclusion.verdict;
    let findings = [
        Finding::Worse,
        Finding::Better,
        Finding::CannotTell,
        Finding::Same,
    ];
    let rows = findings.iter().flat_map(|finding| report.with(*finding));
    let count = |finding| report.with(finding).count();
    let figures = Figures {
        timeline: None,
        marks: [],
        labels: ["old", "new"],
        curves: overlaid_curves(&curves.old, &curves.new),
    };
    ComparisonPage {
        state: match verdict {
            Conclusive::Slower | Conclusive::Worse => State::Bad,
            Conclusive::CannotTell => State::Unsure,
            _ => State::Good,
        },
        word: verdict.word(),
        because: text(&report.conclusion.because),
        scenario: text(&report.new.scenario),
        groups: vec![group("Old", &report.old), group("New", &report.new)],
        counts: vec![
            format!("{} worse", count(Finding::Worse)),
            format!("{} better", count(Finding::Better)),
            format!(
                "{} the same within {}",
                count(Finding::Same),
                report.tolerance_words()
            ),
            format!("{} cannot be told", count(Finding::CannotTell)),
        ],
        rows: rows.map(row).collect(),
        differences: report
            .differences
            .iter()
            .map(|it| match it.forced {
                true => format!("{} (ignored, as --force says)", text(&it.text)),
                false => text(&it.text),
            })
            .collect(),
        remarks: report.remarks.iter().map(|it| text(it)).collect(),
        has_curves: !figures.curves.is_empty(),
        json: Value::from_safe_string(script_json(&figures)),
    }
}

fn group(label: &'static str, group: &RunGroup) -> Group {
    let time = |it: chrono::DateTime<chrono::Utc>| {
        let local = it.with_timezone(&chrono::Local);
        local.format("%Y-%m-%d %H:%M:%S %:z").to_string()
    };
    Group {
        label,
        name: format!(
            "{}, {}",
            text(&group.name),
            units::counted(group.runs.len() as u64, "run")
        ),
        runs: group.runs.iter().map(|it| text(it)).collect(),
        from: group.from.map(time).unwrap_or_default(),
    }
}

fn row(figure: &ComparedFigure) -> FigureRow {
    let change = figure.change.as_ref();
    let sort = |value: Option<f64>| value.filter(|it| it.is_finite()).unwrap_or(-1.0);
    FigureRow {
        name: text(&figure.name),
        finding: figure.words(),
        is_bad: figure.finding == Finding::Worse,
        cells: vec![
            (words::value(figure.old, &figure.unit), sort(figure.old)),
            (words::value(figure.new, &figure.unit), sort(figure.new)),
            (
                change.map_or("–".into(), words::change),
                sort(change.map(|it| it.value)),
            ),
            (
                change.map_or("–".into(), words::interval),
                sort(change.and_then(|it| it.interval).map(|it| it.0)),
            ),
            (words::p(figure.p_adjusted), sort(figure.p_adjusted)),
            (words::smallest(figure), sort(figure.smallest_change)),
            (
                words::remedy(figure),
                sort(figure.repeats.map(|it| it as f64)),
            ),
        ],
    }
}
