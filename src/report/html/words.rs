//! Texts and quantities of the page: sanitized, and of bounded length.

use chrono::{DateTime, Local};

use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::Quantity;

/// The maximum length of a text of one line.
const MAX_CHARACTERS: usize = 400;

/// Sanitizes a text of one line, and shortens it if it is long.
pub(super) fn text(text: &str) -> String {
    shortened(text, MAX_CHARACTERS)
}

/// Sanitizes a text of one line, and shortens it to so many characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => sanitize(text).into_owned(),
        Some((end, _)) => format!("{}…", sanitize(&text[..end])),
    }
}

/// Sanitizes the last lines of a text, each of bounded length.
pub(super) fn last_lines(text: &str, most: usize) -> Vec<String> {
    let count = text.lines().count();
    let lines = text.lines().skip(count.saturating_sub(most));
    lines.map(self::text).collect()
}

/// Formats a duration, a dash if there is none.
pub(super) fn duration(us: Option<u64>) -> String {
    us.map_or("–".into(), units::duration)
}

/// Formats a value with its unit.
pub(super) fn quantity(value: Quantity) -> String {
    match value {
        Quantity::DurationUs(us) => units::duration(us),
        Quantity::Ratio(rate) => units::percent(Some(rate)),
        Quantity::PerSecond(rate) => format!("{}/s", units::per_second(rate)),
        Quantity::Count(count) => grouped(count),
    }
}

/// Formats a number with its thousands separated by narrow spaces.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Formats a time of day with its date.
pub(super) fn time(time: DateTime<Local>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Returns the CSS class of the colour of a role. There are eight colours.
pub(super) fn colour(role: Option<usize>) -> String {
    role.map_or("role-none".into(), |role| format!("role-{}", role % 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let shown = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(
            shown,
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
    }

    #[test]
    fn texts_are_bounded_and_sanitized() {
        let long = text(&"ü\u{1b}".repeat(5_000));
        assert_eq!(long.chars().count(), MAX_CHARACTERS + 1);
        assert!(long.starts_with("ü␛ü"));
        assert_eq!(last_lines("a\nb\u{202e}\nc", 2), ["b\\u{202e}", "c"]);
    }
}
