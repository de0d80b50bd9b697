//! Trends of figures over saved runs as a page: a chart of any of them with its change points, and a
//! table of all.

use std::path::Path;

use minijinja::Value;
use serde::Serialize;

use crate::report::comparison::words::{change, value};
use crate::report::error::ReportError;
use crate::report::trend::{Change, Trend};
use crate::report::units;
use crate::stats::{Estimate, IntervalMethod};

use super::data::{State, TrendLine, TrendLines, TrendRow, TrendRuns, Trends};
use super::page::{self, script_json};
use super::words::text;
use super::write_page;

/// The maximum number of figures on the page, the first ones.
const MAX_FIGURES: usize = 400;

/// Writes the page of these trends to `path`, in place of an earlier one. The chart shows the trend
/// of `figure` first, if there is one.
///
/// # Errors
/// If the file cannot be written.
pub fn write_history_html(trends: &[Trend], figure: &str, path: &Path) -> Result<(), ReportError> {
    write_page(&page::history(&page(trends, figure)), path)
}

#[derive(Serialize)]
struct HistoryPage {
    state: State,
    title: String,
    runs: String,
    trends: Trends,
    json: Value,
}

/// The figures for the page's script.
#[derive(Serialize)]
struct Figures {
    timeline: Option<()>,
    marks: [(); 0],
    curves: [(); 0],
    #[serde(flatten)]
    lines: TrendLines,
}

fn page(trends: &[Trend], figure: &str) -> HistoryPage {
    let (section, lines) = section(trends, figure, MAX_FIGURES, "Trend");
    let names: Vec<_> = lines.scenarios.iter().map(|it| it.name.as_str()).collect();
    let title = names.join(", ");
    let count: usize = lines.scenarios.iter().map(|it| it.ids.len()).sum();
    let has_changes = section.rows.iter().any(|it| !it.changes.is_empty());
    HistoryPage {
        state: if has_changes {
            State::Unsure
        } else {
            State::Good
        },
        title,
        runs: units::counted(count as u64, "run"),
        trends: section,
        json: Value::from_safe_string(script_json(&Figures {
            timeline: None,
            marks: [],
            curves: [],
            lines,
        })),
    }
}

/// Returns the section with the first `most` of these trends, and their lines for the script. The
/// chart shows the trend of `figure` first, if there is one.
pub(super) fn section(
    trends: &[Trend],
    figure: &str,
    most: usize,
    title: &'static str,
) -> (Trends, TrendLines) {
    let shown = &trends[..trends.len().min(most)];
    let mut scenarios: Vec<TrendRuns> = Vec::new();
    let mut lines = Vec::new();
    for trend in shown {
        let name = text(&trend.scenario);
        let known = scenarios.iter().position(|it| it.name == name);
        let scenario = known.unwrap_or_else(|| {
            scenarios.push(runs(trend));
            scenarios.len() - 1
        });
        lines.push(TrendLine {
            scenario,
            name: text(&trend.figure),
            unit: trend.unit.clone(),
            values: trend.points.iter().map(|it| it.value).collect(),
            levels: trend.levels(),
            changes: trend
                .change_points
                .iter()
                .map(|it| it.found.index)
                .collect(),
        });
    }
    let section = Trends {
        title,
        has_scenarios: scenarios.len() > 1,
        rows: shown.iter().map(row).collect(),
        note: (shown.len() < trends.len())
            .then(|| format!("Only the first {most} figures are shown.")),
    };
    let first = shown.iter().position(|it| it.figure == figure).unwrap_or(0);
    let lines = TrendLines {
        first,
        scenarios,
        trends: lines,
    };
    (section, lines)
}

fn runs(trend: &Trend) -> TrendRuns {
    let started = trend.points.iter().map(|it| {
        let local = it.started_at.with_timezone(&chrono::Local);
        local.format("%Y-%m-%d %H:%M").to_string()
    });
    TrendRuns {
        name: text(&trend.scenario),
        ids: trend.points.iter().map(|it| text(&it.run)).collect(),
        started: started.collect(),
    }
}

fn row(trend: &Trend) -> TrendRow {
    let last = trend.points.iter().rev().find_map(|it| it.value);
    TrendRow {
        scenario: text(&trend.scenario),
        name: text(&trend.figure),
        last: (value(last, &trend.unit), last.unwrap_or(-1.0)),
        runs: trend.points.iter().filter(|it| it.value.is_some()).count(),
        changes: trend
            .change_points
            .iter()
            .map(|it| describe(trend, it))
            .collect(),
    }
}

fn describe(trend: &Trend, at: &Change) -> String {
    let found = &at.found;
    let estimate = Estimate {
        value: found.change,
        interval: None,
        scale: found.scale,
        method: IntervalMethod::Permutation,
    };
    let believed = match found.believed_after {
        Some(runs) => format!("could be believed after {runs} runs"),
        None => "cannot be believed yet".into(),
    };
    let differ = match at.differences.as_slice() {
        [] => String::new(),
        differences => format!("; not only the programs differ: {}", differences.join("; ")),
    };
    text(&format!(
        "from {} on: {} → {}, {} (p {:.3}); {believed}{differ}",
        at.run,
        value(Some(found.before), &trend.unit),
        value(Some(found.after), &trend.unit),
        change(&estimate),
        found.p,
    ))
}
