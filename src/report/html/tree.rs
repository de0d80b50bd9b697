//! The table of the flow, its roles, steps and named turns.

use crate::report::result_file::Head;
use crate::stats::{Spread, StepSummary};

use super::data::{Cell, Tree, TreeRow};
use super::scan::Scan;
use super::words::{self, grouped, text};

/// The maximum number of rows.
const MAX_ROWS: usize = 400;

pub(super) fn tree(head: &Head, scan: Option<&Scan>) -> Tree {
    let (info, summary) = (&head.run, &head.summary);
    let mut rows = vec![TreeRow {
        level: 1,
        kind: "flow",
        name: text(&info.scenario),
        colour: words::colour(None),
        has_children: !summary.steps.is_empty(),
        count: count(Some(summary.flows.completed)),
        failed: bad(Some(summary.flows.failed)),
        times: times(summary.flow_response, summary.flow_duration),
    }];
    for (place, role) in info.roles.iter().enumerate() {
        let steps = || {
            summary
                .steps
                .iter()
                .enumerate()
                .filter(|(_, it)| it.role == role.name)
        };
        if steps().next().is_none() {
            continue;
        }
        let breakdown = scan.map(|scan| &scan.breakdown);
        let response = breakdown.and_then(|it| it.role_response(place)?.spread());
        let service = breakdown.and_then(|it| it.role_service(place)?.spread());
        rows.push(TreeRow {
            level: 2,
            kind: "role",
            name: text(&role.title),
            colour: words::colour(Some(place)),
            has_children: true,
            count: count(service.map(|it| it.count)),
            failed: bad(Some(steps().map(|(_, it)| it.failed).sum())),
            times: times(response, service),
        });
        for (at, step) in steps() {
            let response = breakdown.and_then(|it| it.step_response(at)?.spread());
            rows.extend(step_rows(step, response, place));
        }
    }
    let left_out = rows.len().saturating_sub(MAX_ROWS);
    rows.truncate(MAX_ROWS);
    Tree {
        rows,
        note: (left_out > 0).then(|| format!("{left_out} more rows are in result.json.")),
    }
}

fn step_rows(step: &StepSummary, response: Option<Spread>, role: usize) -> Vec<TreeRow> {
    let mut rows = vec![TreeRow {
        level: 3,
        kind: "step",
        name: text(&step.name),
        colour: words::colour(Some(role)),
        has_children: !step.turns.is_empty(),
        count: count(Some(step.completed)),
        failed: bad(Some(step.failed.saturating_add(step.retried))),
        times: times(response, step.duration),
    }];
    rows.extend(step.turns.iter().map(|turn| TreeRow {
        level: 4,
        kind: "turn",
        name: text(&turn.name),
        colour: words::colour(Some(role)),
        has_children: false,
        count: count(turn.duration.map(|it| it.count)),
        failed: bad(None),
        times: times(None, turn.duration),
    }));
    rows
}

fn times(response: Option<Spread>, service: Option<Spread>) -> Vec<Cell> {
    let response = [
        response.map(|it| it.p50_us),
        response.map(|it| it.p95_us),
        response.map(|it| it.p99_us),
    ];
    let service = [
        service.map(|it| it.p50_us),
        service.map(|it| it.p95_us),
        service.map(|it| it.p99_us),
        service.map(|it| it.max_us),
    ];
    response.into_iter().chain(service).map(time).collect()
}

/// Returns a cell with a duration.
pub(super) fn time(us: Option<u64>) -> Cell {
    Cell {
        text: words::duration(us),
        sort: us.map_or(-1, |us| i64::try_from(us).unwrap_or(i64::MAX)),
        is_bad: false,
    }
}

/// Returns a cell with a number.
pub(super) fn count(count: Option<u64>) -> Cell {
    Cell {
        text: count.map_or("–".into(), grouped),
        sort: count.map_or(-1, |it| i64::try_from(it).unwrap_or(i64::MAX)),
        is_bad: false,
    }
}

fn bad(number: Option<u64>) -> Cell {
    Cell {
        is_bad: number > Some(0),
        ..count(number)
    }
}
