//! Results of the thresholds.

use unicode_width::UnicodeWidthStr as _;

use crate::report::output::{BAD, GOOD, styled};
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{Quantity, Summary};

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
        let mut value = checked.value.map_or("no samples".into(), shown);
        if let Some(after_us) = checked.crossed_after_us {
            value.push_str(&format!(" after {}", units::duration(after_us)));
        }
        lines.push(format!("  {sign} {threshold}{gap}  {value}"));
    }
    Some(lines.join("\n"))
}

fn shown(value: Quantity) -> String {
    match value {
        Quantity::DurationUs(us) => units::duration(us),
        Quantity::Ratio(rate) => units::percent(Some(rate)),
        Quantity::PerSecond(rate) => format!("{}/s", units::per_second(rate)),
        Quantity::Count(count) => count.to_string(),
    }
}
