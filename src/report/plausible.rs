//! Plausibility of saved figures: damaged digits must not overflow what is computed from them.

use chrono::{DateTime, Datelike as _, Local};
use serde_json::Value;

/// The maximum number of digits of a whole number: in microseconds 30 years, in bytes a petabyte.
const MAX_DIGITS: usize = 15;

/// Returns `true` if no whole number in the JSON text is too large for a figure.
pub(super) fn has_plausible_numbers(json: &str) -> bool {
    let (mut in_text, mut is_escaped, mut in_fraction) = (false, false, false);
    let mut digits = 0;
    for byte in json.bytes() {
        if in_text {
            in_text = is_escaped || byte != b'"';
            is_escaped = !is_escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'0'..=b'9' if !in_fraction => digits += 1,
            b'0'..=b'9' => {}
            b'.' | b'e' | b'E' if digits > 0 => (in_fraction, digits) = (true, 0),
            _ => {
                in_text = byte == b'"';
                (in_fraction, digits) = (false, 0);
            }
        }
        if digits > MAX_DIGITS {
            return false;
        }
    }
    true
}

/// Returns `true` if no whole number in the value is too large for a figure.
pub(super) fn is_plausible(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_u64().is_none_or(is_plausible_figure),
        Value::Array(values) => values.iter().all(is_plausible),
        Value::Object(fields) => fields.values().all(is_plausible),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Returns `true` if a whole number is not too large for a figure.
pub(super) fn is_plausible_figure(number: u64) -> bool {
    const LIMIT: u64 = 10_u64.pow(MAX_DIGITS as u32);
    number < LIMIT
}

/// Returns `true` for a time from which durations can be subtracted, and to which they can be
/// added.
pub(super) fn is_plausible_time(time: DateTime<Local>) -> bool {
    (1970..=9999).contains(&time.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_outside_of_texts_are_judged() {
        let largest = "9".repeat(MAX_DIGITS);
        for (json, plausible) in [
            (format!(r#"{{"a":[{largest},0.{largest}9]}}"#), true),
            (
                format!(r#"{{"{largest}9":"\\\"{largest}9","b":1e9}}"#),
                true,
            ),
            (format!(r#"{{"a":"\\","b":{largest}9}}"#), false),
            (format!("[1,{largest}9]"), false),
            (format!("[1.5,{largest}9.0]"), false),
        ] {
            assert_eq!(has_plausible_numbers(&json), plausible, "{json}");
        }
        assert!(is_plausible(
            &serde_json::json!([{ "a": 1.5, "b": [1, "x"] }])
        ));
        assert!(!is_plausible(&serde_json::json!([{ "a": u64::MAX }])));
    }
}
