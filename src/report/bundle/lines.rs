//! Lines of the readable form of a bundle.

use crate::report::sanitize::sanitize;

/// Formats a time since the flow's start.
pub(super) fn seconds(us: u64) -> String {
    format!("{:>4}.{:06}", us / 1_000_000, us % 1_000_000)
}

/// Adds a line with a label.
pub(super) fn fact(text: &mut String, label: &str, value: &str) {
    line_of(text, &format!("{label:<8} {value}"));
}

/// Adds an indented line, sanitized.
pub(super) fn line_of(text: &mut String, line: &str) {
    text.push_str("  ");
    text.push_str(sanitize(line).trim_end());
    text.push('\n');
}
