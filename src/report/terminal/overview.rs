//! Overview: the run and its main figures.

use anstyle::Style;

use crate::model::RunInfo;
use crate::report::output::{BAD, CARE, GOOD, styled};
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::Summary;

use super::heading;

pub(super) fn render(info: &RunInfo, summary: &Summary) -> String {
    let flows = summary.flows;
    let mut lines = vec![heading(&format!("Report of {}", sanitize(&info.id.0)))];
    let mut fact = |label: &str, value: String| lines.push(format!("  {label:<18} {value}"));

    fact("Execution", execution(info));
    fact("Scenario", sanitize(&info.scenario).into_owned());
    fact("Script instances", summary.processes.started.to_string());
    fact("Flows", flows.planned.unwrap_or(flows.ended()).to_string());
    fact("  completed", count(flows.completed, GOOD));
    if flows.recovered > 0 {
        let at_first = flows.completed.saturating_sub(flows.recovered);
        fact("    at first", at_first.to_string());
        fact("    recovered", count(flows.recovered, CARE));
    }
    fact("  failed", count(flows.failed, BAD));
    fact("  interrupted", count(flows.interrupted, CARE));
    if flows.dropped > 0 {
        fact("  dropped", count(flows.dropped, BAD));
    }
    if flows.not_counted > 0 {
        fact("  in warm-up", flows.not_counted.to_string());
    }
    if flows.not_started() > 0 {
        fact("  not started", count(flows.not_started(), CARE));
    }
    if flows.not_recorded > 0 {
        fact("  not recorded", count(flows.not_recorded, CARE));
    }
    let mut rate = units::percent(summary.success_rate);
    if flows.not_recorded > 0 {
        rate.push_str(" of those recorded");
    }
    let whole = summary.success_rate.is_none_or(|rate| rate >= 1.0);
    let is_single = info.flows == Some(1);
    if !is_single {
        fact("Success rate", if whole { rate } else { styled(BAD, rate) });
    }
    let mut total = units::duration(summary.elapsed_us);
    if let Some(per_second) = summary.completed_per_second.filter(|_| flows.completed > 1) {
        total.push_str(&format!(
            ", {} completed flows/s",
            units::per_second(per_second)
        ));
    }
    fact("Total duration", total);
    if let Some(wanted) = info.wanted_per_second {
        let reached = summary.started_per_second;
        let reached = reached.map_or("–".into(), units::per_second);
        let wanted = units::per_second(wanted);
        fact(
            "Rate",
            format!("{reached} flows/s started, {wanted} wanted"),
        );
    }
    let average = summary.flow_response.map_or("–".into(), |flow| {
        let mean = units::duration(flow.mean_us);
        if flow.count == 1 {
            return mean;
        }
        let (p95, max) = (units::duration(flow.p95_us), units::duration(flow.max_us));
        format!("{mean}, p95 {p95}, longest {max}")
    });
    if !is_single {
        fact("Average duration", average);
    }
    lines.join("\n")
}

/// Formats the load of the run.
pub(super) fn execution(info: &RunInfo) -> String {
    if info.flows == Some(1) {
        "single flow".into()
    } else {
        format!("batch of {}, {}", units::extent(info), info.load)
    }
}

/// Formats a count in this style, zero without one.
fn count(count: u64, style: Style) -> String {
    if count == 0 {
        "0".into()
    } else {
        styled(style, count)
    }
}
