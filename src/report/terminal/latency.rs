//! Table of latencies: of flows, then of steps by role.

use crate::model::RunInfo;
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{Spread, Summary};

use super::columns::{Row, layout, layout_to_fit};
use super::heading;

/// A column of durations.
struct Column {
    heading: &'static str,
    of: fn(&Spread) -> u64,
    /// The minimum width of a report with this column.
    from_width: usize,
}

const FIGURES: [Column; 7] = [
    figure("Average", |it| it.mean_us, 0),
    figure("p50", |it| it.p50_us, 0),
    figure("p90", |it| it.p90_us, 110),
    figure("p95", |it| it.p95_us, 0),
    figure("p99", |it| it.p99_us, 90),
    figure("p99.9", |it| it.p999_us, 110),
    figure("Max", |it| it.max_us, 0),
];

const fn figure(heading: &'static str, of: fn(&Spread) -> u64, from_width: usize) -> Column {
    Column {
        heading,
        of,
        from_width,
    }
}

/// One line of the table, before columns are chosen.
struct LatencyRow {
    name: String,
    count: u64,
    success: Option<f64>,
    spread: Option<Spread>,
}

/// Renders the table with as many columns as fit.
pub(super) fn render(info: &RunInfo, summary: &Summary, width: usize) -> Option<String> {
    if summary.steps.is_empty() {
        return None;
    }
    let mut lines = flows(info, summary);
    let mut role = None;
    for step in &summary.steps {
        if role != Some(&step.role_title) {
            lines.push(Err(sanitize(&step.role_title).into_owned()));
            role = Some(&step.role_title);
        }
        lines.push(Ok(LatencyRow {
            name: format!("  {}", sanitize(&step.name)),
            count: step.completed + step.failed,
            success: step.success_rate,
            spread: step.duration,
        }));
        for turn in step.turns.iter().filter(|turn| turn.duration.is_some()) {
            lines.push(Ok(LatencyRow {
                name: format!("    {}", sanitize(&turn.name)),
                count: turn.duration.map_or(0, |spread| spread.count),
                success: None,
                spread: turn.duration,
            }));
        }
        if let Some(failed) = step.failed_duration {
            lines.push(Ok(LatencyRow {
                name: "    until it failed".into(),
                count: failed.count,
                success: None,
                spread: Some(failed),
            }));
        }
    }
    let widths = FIGURES.iter().map(|figure| figure.from_width);
    let mut widths: Vec<_> = widths.filter(|&from| from <= width).collect();
    widths.sort_unstable();
    widths.dedup();
    let mut table = String::new();
    while let Some(limit) = widths.pop() {
        let figures: Vec<_> = FIGURES
            .iter()
            .filter(|figure| figure.from_width <= limit)
            .collect();
        let headings: Vec<_> = ["Role, step", "Count", "Success"]
            .into_iter()
            .chain(figures.iter().map(|figure| figure.heading))
            .collect();
        let rows: Vec<_> = lines.iter().map(|line| row(line, &figures)).collect();
        let (text, fits) = layout(&headings, &rows, 1, width);
        if fits {
            table = text;
            break;
        }
        if widths.is_empty() {
            table = layout_to_fit(&headings, rows, width);
        }
    }
    Some(format!("{}\n{table}", heading("Times")))
}

/// Returns the lines of whole flows: response time and service time, or one line if they cannot
/// differ by more than the cost of a start: flows start when others end, and wait for nothing.
fn flows(info: &RunInfo, summary: &Summary) -> Vec<Result<LatencyRow, String>> {
    let flows = summary.flows;
    let line = |name: &str, count, success, spread| LatencyRow {
        name: name.into(),
        count,
        success,
        spread,
    };
    let ended = flows.ended();
    let whole = summary.success_rate;
    let mut lines = Vec::new();
    let waits = summary.phases.waited.or(summary.phases.retry_delay);
    if info.wanted_per_second.is_some() || waits.is_some() {
        let (response, service) = (summary.flow_response, summary.flow_duration);
        lines.push(Err("Flow".into()));
        lines.push(Ok(line(
            "  Response, since it was due",
            ended,
            whole,
            response,
        )));
        lines.push(Ok(line("  Service, without waits", ended, whole, service)));
    } else {
        lines.push(Ok(line("Flow", ended, whole, summary.flow_response)));
    }
    if let Some(failed) = summary.failed_response {
        lines.push(Ok(line(
            "  until it failed",
            failed.count,
            None,
            Some(failed),
        )));
    }
    lines
}

fn row(line: &Result<LatencyRow, String>, figures: &[&Column]) -> Row {
    let line = match line {
        Ok(line) => line,
        Err(role) => return Row::new(vec![role.clone()]),
    };
    let whole = line.success.is_none_or(|rate| rate >= 1.0);
    let mut cells = vec![
        line.name.clone(),
        line.count.to_string(),
        units::percent(line.success),
    ];
    let spread = line.spread.as_ref();
    cells.extend(
        figures.iter().map(|figure| {
            spread.map_or("–".into(), |spread| units::duration((figure.of)(spread)))
        }),
    );
    Row {
        cells,
        highlighted: (!whole).then_some(2),
    }
}
