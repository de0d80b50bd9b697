//! The table of steps.

use crate::report::neutral;
use crate::report::units;
use crate::stats::{Spread, StepSummary, Summary};

use super::columns::{Row, layout, layout_to_fit};
use super::heading;

const FIGURES: [&str; 6] = ["Success", "Average", "p50", "p95", "Max", "Count"];

/// With the actor in a column of its own where there is room, else above its steps.
pub(super) fn render(summary: &Summary, width: usize) -> Option<String> {
    if summary.steps.is_empty() {
        return None;
    }
    let headings: Vec<_> = ["Step", "Actor"].into_iter().chain(FIGURES).collect();
    let rows: Vec<_> = summary
        .steps
        .iter()
        .map(|step| {
            row(
                step,
                vec![neutral(&step.name).into(), neutral(&step.actor).into()],
            )
        })
        .collect();
    let (table, fits) = layout(&headings, &rows, 2, width);
    let table = if fits { table } else { grouped(summary, width) };
    Some(format!("{}\n{table}", heading("Steps")))
}

fn grouped(summary: &Summary, width: usize) -> String {
    let mut rows = Vec::new();
    let mut actor = None;
    for step in &summary.steps {
        if actor != Some(&step.actor) {
            rows.push(Row::new(vec![neutral(&step.actor).into()]));
            actor = Some(&step.actor);
        }
        rows.push(row(step, vec![format!("  {}", neutral(&step.name))]));
    }
    let headings: Vec<_> = ["Actor, step"].into_iter().chain(FIGURES).collect();
    layout_to_fit(&headings, rows, width)
}

fn row(step: &StepSummary, mut cells: Vec<String>) -> Row {
    let whole = step.success_rate.is_none_or(|rate| rate >= 1.0);
    let trouble = (!whole).then_some(cells.len());
    cells.push(units::percent(step.success_rate));
    let figures: [fn(&Spread) -> u64; 4] = [
        |it| it.mean_us,
        |it| it.p50_us,
        |it| it.p95_us,
        |it| it.max_us,
    ];
    for figure in figures {
        let spread = step.duration.as_ref();
        cells.push(spread.map_or("–".into(), |spread| units::duration(figure(spread))));
    }
    cells.push((step.completed + step.failed + step.interrupted).to_string());
    Row { cells, trouble }
}
