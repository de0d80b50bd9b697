//! Table of steps in the short report.

use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{Spread, StepSummary, Summary};

use super::columns::{Row, layout_to_fit};
use super::section::{Lines, REST, Section};
use super::text;

/// Returns the table, with its header as the section's heading. If there is no room for all
/// steps, those at which flows failed and the slowest ones are kept.
pub(super) fn short(summary: &Summary, width: usize) -> Option<Section> {
    if summary.steps.is_empty() {
        return None;
    }
    let (steps, flow) = (summary.steps.clone(), flow(summary));
    let (header, _) = table(&steps, &flow, width)?;
    let layout = move |lines: usize| {
        // The line of whole flows, and one about what is left out.
        let kept = kept(&steps, lines.saturating_sub(1));
        let left_out = steps.len() - kept.len();
        let rows = table(&kept, &flow, width).map_or(Vec::new(), |(_, rows)| rows);
        if left_out == 0 {
            return rows;
        }
        let remark = format!("  and {left_out} more steps: {REST}");
        let all = rows.into_iter().chain([remark]).collect();
        text::first(all, lines, |more| {
            format!("  and {more} more lines: {REST}")
        })
    };
    Some(Section {
        heading: header,
        lines: Lines::Fitted(summary.steps.len() + 1, Box::new(layout)),
    })
}

/// Returns the steps that are shown in so many lines, in the order of the flow.
fn kept(steps: &[StepSummary], lines: usize) -> Vec<StepSummary> {
    if steps.len() <= lines {
        return steps.to_vec();
    }
    let mut order: Vec<_> = (0..steps.len()).collect();
    let weight = |step: &StepSummary| {
        let p95 = step.duration.map_or(0, |it| it.p95_us);
        (step.failed, p95)
    };
    order.sort_by_key(|&place| std::cmp::Reverse(weight(&steps[place])));
    order.truncate(lines.saturating_sub(1));
    order.sort_unstable();
    order
        .into_iter()
        .map(|place| steps[place].clone())
        .collect()
}

fn flow(summary: &Summary) -> Row {
    let flows = summary.flows;
    row(
        "Flow, response time".into(),
        flows.completed,
        flows.failed,
        summary.flow_response,
    )
}

fn row(name: String, completed: u64, failed: u64, spread: Option<Spread>) -> Row {
    let time = |of: fn(Spread) -> u64| spread.map_or("–".into(), |it| units::duration(of(it)));
    Row {
        cells: vec![
            name,
            completed.to_string(),
            failed.to_string(),
            time(|it| it.p50_us),
            time(|it| it.p95_us),
            time(|it| it.p99_us),
            time(|it| it.max_us),
        ],
        highlighted: (failed > 0).then_some(2),
    }
}

/// Lays out the table; returns its header and its rows.
fn table(steps: &[StepSummary], flow: &Row, width: usize) -> Option<(String, Vec<String>)> {
    let headings = ["Step", "Completed", "Failed", "p50", "p95", "p99", "Max"];
    let rows = steps.iter().map(|step| {
        let name = sanitize(&step.name).into_owned();
        row(name, step.completed, step.failed, step.duration)
    });
    let flow = Row {
        cells: flow.cells.clone(),
        highlighted: flow.highlighted,
    };
    let rows = rows.chain([flow]).collect();
    let table = layout_to_fit(&headings, rows, width);
    let mut lines = table.lines().map(str::to_owned);
    Some((lines.next()?, lines.collect()))
}
