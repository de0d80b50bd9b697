//! The table of steps.

use comfy_table::{Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table};

use crate::report::neutral;
use crate::report::units;
use crate::stats::{Spread, StepSummary, Summary};

use super::heading;

pub(super) fn render(summary: &Summary, width: usize) -> Option<String> {
    if summary.steps.is_empty() {
        return None;
    }
    let mut table = plain_table(width);
    let headings = [
        "Step", "Actor", "Success", "Average", "p50", "p95", "Max", "Count",
    ];
    table.set_header(headings.map(Cell::new));
    for step in &summary.steps {
        table.add_row(row(step));
    }
    align_numbers(&mut table, 2);
    // Names of steps are made of words that belong together less than their letters do.
    if let Some(names) = table.column_mut(0) {
        names.set_delimiter('_');
    }
    Some(format!("{}\n{}", heading("Steps"), indented(&table)))
}

fn row(step: &StepSummary) -> Vec<Cell> {
    let success = Cell::new(units::percent(step.success_rate));
    let whole = step.success_rate.is_none_or(|rate| rate >= 1.0);
    let time = |pick: fn(&Spread) -> u64| {
        Cell::new(
            step.duration
                .as_ref()
                .map_or("–".into(), |spread| units::duration(pick(spread))),
        )
    };
    vec![
        Cell::new(neutral(&step.name)),
        Cell::new(neutral(&step.actor)),
        if whole {
            success
        } else {
            success.fg(Color::Red)
        },
        time(|spread| spread.mean_us),
        time(|spread| spread.p50_us),
        time(|spread| spread.p95_us),
        time(|spread| spread.max_us),
        Cell::new(step.completed + step.failed + step.interrupted),
    ]
}

/// A table without lines, its columns two blanks apart.
pub(super) fn plain_table(width: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width - 2).unwrap_or(u16::MAX))
        .enforce_styling();
    table
}

/// Aligns the columns from `first` on to the right and never breaks them.
pub(super) fn align_numbers(table: &mut Table, first: usize) {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index >= first {
            column.set_cell_alignment(CellAlignment::Right);
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

pub(super) fn indented(table: &Table) -> String {
    let lines: Vec<_> = table
        .lines()
        .map(|line| format!("  {}", line.trim_end()))
        .collect();
    lines.join("\n")
}
