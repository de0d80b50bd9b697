//! The report at the end of a run, for terminals. It ends with a headline.

mod capacity;
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
mod runs;
mod section;
mod short;
mod single;
mod steps;
mod text;
mod thresholds;
mod verdict;

pub use capacity::{render_capacity, render_trial};
pub use comparison::{render_comparison, wrapped};

use crate::model::RunInfo;
use crate::stats::Summary;

use super::output::{STRONG, styled};

pub use runs::list;

/// The column of the values in the overview.
const INDENT: usize = 21;

/// The minimum width of the report.
const MIN_WIDTH: usize = 60;

/// The length of a short report with everything that is printed below it.
pub const SHORT_LINES: usize = 40;

/// The amount of detail in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All tables and all failures.
    Full,
    /// The parts that matter, in at most [`SHORT_LINES`] lines.
    Short,
    /// The headline alone.
    Headline,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    pub detail: Detail,
    /// The width in columns; at least 60 are used.
    pub width: usize,
    /// The number of lines that the caller prints below the report.
    pub lines_below: usize,
}

/// Renders the report of a run as ANSI text. The caller strips the styles if necessary.
pub fn render(info: &RunInfo, summary: &Summary, form: Form) -> String {
    let width = form.width.max(MIN_WIDTH);
    let mut sections = match form.detail {
        Detail::Full => full(info, summary, width),
        Detail::Short => {
            let below = headline::lines(info, summary, width).len() + form.lines_below;
            short::sections(info, summary, width, SHORT_LINES.saturating_sub(below))
        }
        Detail::Headline => Vec::new(),
    };
    sections.push(headline::lines(info, summary, width).join("\n"));
    let mut text = sections.join("\n\n");
    text.push('\n');
    text
}

fn full(info: &RunInfo, summary: &Summary, width: usize) -> Vec<String> {
    let mut overview = overview::render(info, summary);
    overview.push_str(&verdict::render(summary, width));
    let mut sections = vec![overview];
    sections.extend(thresholds::render(summary));
    sections.extend(integrity::render(summary));
    // Percentiles of one sample are the sample.
    if info.flows == Some(1) {
        sections.extend(single::render(info, summary, width));
    } else {
        sections.extend(latency::render(info, summary, width));
        sections.extend(distribution::render(summary));
        sections.extend(phases::render(summary, width));
    }
    sections.extend(failures::render(info, summary));
    sections.extend(faults::render(summary));
    sections.extend(resources::render(info, summary, width));
    sections
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
