//! Results of the thresholds.

use unicode_width::UnicodeWidthStr as _;

use crate::report::checks;
use crate::report::output::{BAD, GOOD, styled};
use crate::report::sanitize::sanitize;

use crate::stats::{Checked, Summary};

use super::heading;
use super::section::{Lines, Section, section};
use super::text::cut;

pub(super) fn render(summary: &Summary) -> Option<String> {
    let all = summary.thresholds.iter().collect();
    let lines = lines(all, usize::MAX);
    let heading = || heading("Thresholds");
    (!lines.is_empty()).then(|| format!("{}\n{}", heading(), lines.join("\n")))
}

/// Returns the thresholds with their results, those that do not hold first.
pub(super) fn short(summary: &Summary, width: usize) -> Option<Section> {
    let mut all: Vec<_> = summary.thresholds.iter().collect();
    all.sort_by_key(|it| it.holds);
    let lines = lines(all, width);
    (!lines.is_empty()).then(|| section("Thresholds", Lines::Plain(lines)))
}

fn lines(thresholds: Vec<&Checked>, width: usize) -> Vec<String> {
    let texts: Vec<_> = thresholds
        .iter()
        .map(|it| sanitize(&it.threshold))
        .collect();
    let values: Vec<_> = thresholds
        .iter()
        .map(|it| checks::threshold_value(it))
        .collect();
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let of_values = widest(&mut values.iter().map(|it| it.width()));
    // Two blanks, a sign, a blank, and two blanks before the value.
    let room = width.saturating_sub(6 + of_values);
    let of_texts = widest(&mut texts.iter().map(|it| it.width())).min(room);
    let rows = thresholds.iter().zip(texts).zip(values);
    let rows = rows.map(|((checked, text), value)| {
        let sign = if checked.holds {
            styled(GOOD, "✓")
        } else {
            styled(BAD, "✗")
        };
        let text = cut(&text, room);
        let gap = " ".repeat(of_texts.saturating_sub(text.width()));
        format!("  {sign} {text}{gap}  {value}")
    });
    rows.collect()
}
