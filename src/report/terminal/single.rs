//! Times of a single flow, without statistics: percentiles of one sample are the sample.

use crate::model::RunInfo;
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{Spread, Summary};

use super::columns::{Row, layout_to_fit};
use super::{heading, phases};

pub(super) fn render(info: &RunInfo, summary: &Summary, width: usize) -> Vec<String> {
    let times = times(info, summary);
    let phases = phases::all(summary).into_iter();
    let phases = phases.map(|(name, spread)| {
        let times = match spread.count {
            0 | 1 => String::new(),
            count => format!(" ({count} times)"),
        };
        let total = spread.mean_us.saturating_mul(spread.count);
        row(format!("{name}{times}"), units::duration(total))
    });
    let sections = [
        ("Times", ["Role, step", "Time"], times),
        ("Phases", ["Phase", "Time"], phases.collect()),
    ];
    let sections = sections.into_iter().filter(|(.., rows)| !rows.is_empty());
    let sections = sections.map(|(title, headings, rows)| {
        let table = layout_to_fit(&headings, rows, width);
        format!("{}\n{table}", heading(title))
    });
    sections.collect()
}

/// Returns the rows of the flow and its steps.
fn times(info: &RunInfo, summary: &Summary) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut time = |name: &str, spread: Option<Spread>| {
        rows.extend(spread.map(|it| row(sanitize(name).into_owned(), units::duration(it.mean_us))));
    };
    let waits = summary.phases.waited.or(summary.phases.retry_delay);
    if info.wanted_per_second.is_some() || waits.is_some() {
        time("Flow, since it was due", summary.flow_response);
        time("Flow, without waits", summary.flow_duration);
    } else {
        time("Flow", summary.flow_response);
    }
    time("Flow, until it failed", summary.failed_response);
    let mut role = None;
    for step in &summary.steps {
        let ended = step.duration.or(step.failed_duration);
        if ended.is_some() && role != Some(&step.role_title) {
            rows.push(Row::new(vec![sanitize(&step.role_title).into_owned()]));
            role = Some(&step.role_title);
        }
        let mut time = |name: String, spread: Option<Spread>| {
            rows.extend(spread.map(|it| row(name, units::duration(it.mean_us))));
        };
        let name = sanitize(&step.name);
        time(format!("  {name}"), step.duration);
        for turn in &step.turns {
            time(format!("    {}", sanitize(&turn.name)), turn.duration);
        }
        time(format!("  {name}, until it failed"), step.failed_duration);
    }
    rows
}

fn row(name: String, value: String) -> Row {
    Row::new(vec![name, value])
}
