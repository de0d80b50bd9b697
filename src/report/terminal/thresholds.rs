//! Results of the thresholds.

use unicode_width::UnicodeWidthStr as _;

use crate::report::checks;
use crate::report::output::{BAD, GOOD, styled};
use crate::report::sanitize::sanitize;

use crate::stats::Summary;

use super::heading;

pub(super) fn render(summary: &Summary) -> Option<String> {
    let widths = summary.thresholds.iter().map(|it| it.threshold.width());
    let widest = widths.max()?;
    let mut lines = vec![heading("Thresholds")];
    for checked in &summary.thresholds {
        let sign = if checked.holds {
            styled(GOOD, "✓")
        } else {
            styled(BAD, "✗")
        };
        let threshold = sanitize(&checked.threshold);
        let gap = " ".repeat(widest - checked.threshold.width().min(widest));
        let value = checks::threshold_value(checked);
        lines.push(format!("  {sign} {threshold}{gap}  {value}"));
    }
    Some(lines.join("\n"))
}
