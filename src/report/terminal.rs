//! The report at the end of a run, for terminals.

mod columns;
mod comparison;
mod distribution;
mod failures;
mod faults;
mod headline;
mod integrity;
mod latency;
mod overview;
mod phases;
mod resources;
mod thresholds;
mod verdict;

pub use comparison::{render_comparison, wrapped};

use crate::model::RunInfo;
use crate::stats::Summary;

use super::output::{STRONG, styled};

/// The column of the values in the overview.
const INDENT: usize = 21;

/// The minimum width of the report.
const MIN_WIDTH: usize = 60;

/// Renders the report of a run as ANSI text of at most `width` columns. The caller strips the
/// styles if necessary.
pub fn render(info: &RunInfo, summary: &Summary, width: usize) -> String {
    let width = width.max(MIN_WIDTH);
    let mut overview = overview::render(info, summary, width);
    overview.push_str(&verdict::render(summary, width));
    let mut sections = vec![overview];
    sections.extend(thresholds::render(summary));
    sections.extend(integrity::render(summary));
    sections.extend(latency::render(info, summary, width));
    sections.extend(distribution::render(summary));
    sections.extend(phases::render(summary, width));
    sections.extend(failures::render(info, summary));
    sections.extend(faults::render(summary));
    sections.extend(resources::render(summary, width));
    let mut text = sections.join("\n\n");
    text.push('\n');
    text
}

/// Lays out a table with one column of names, which are shortened as far as necessary. Cells are
/// sanitized texts.
pub fn table(headings: &[&str], rows: Vec<Vec<String>>, width: usize) -> String {
    let rows = rows.into_iter().map(columns::Row::new).collect();
    columns::layout_to_fit(headings, rows, width.max(MIN_WIDTH))
}

/// Formats a value of a compared or kept figure with its unit.
pub fn figure_value(value: f64, unit: &str) -> String {
    super::comparison::words::value(Some(value), unit)
}

fn heading(text: &str) -> String {
    styled(STRONG, text)
}
