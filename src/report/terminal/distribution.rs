//! Distribution of response times, as bars.

use crate::report::output::{FAINT, styled};
use crate::report::units;
use crate::stats::Summary;

use super::heading;

/// The length of the longest bar.
const MAX_BAR: u64 = 40;

pub(super) fn render(summary: &Summary) -> Option<String> {
    let buckets = &summary.flow_distribution;
    let most = buckets.iter().map(|bucket| bucket.count).max()?;
    let widest = most.to_string().len();
    let mut lines = vec![heading("Distribution of the completed flows")];
    for bucket in buckets {
        let bar = (bucket.count * MAX_BAR).div_ceil(most.max(1));
        let bar = "▪".repeat(usize::try_from(bar).unwrap_or(0));
        let line = format!(
            "  up to {:>7}  {:>widest$}  {}",
            units::duration(bucket.to_us),
            bucket.count,
            styled(FAINT, bar),
        );
        lines.push(line);
    }
    Some(lines.join("\n"))
}
