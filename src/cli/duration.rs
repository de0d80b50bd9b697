//! Durations on the command line.

use std::time::Duration;

/// Parses a duration; a plain number, as in `60` or `2.0`, is in seconds.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let wrong = || "write seconds, such as 60 or 2.0, or a unit, such as 500ms or 1m".to_owned();
    if is_negative(text) {
        return Err("it cannot be negative".into());
    }
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|_| wrong()),
        Err(_) => humantime::parse_duration(text).map_err(|_| wrong()),
    }
}

/// As [`parse`], without zero.
pub(super) fn parse_some(text: &str) -> Result<Duration, String> {
    let nothing = || Err("it must be greater than zero".to_owned());
    if is_negative(text.trim()) {
        return nothing();
    }
    match parse(text)? {
        Duration::ZERO => nothing(),
        some => Ok(some),
    }
}

fn is_negative(text: &str) -> bool {
    text.strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit() || first == '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_are_seconds() {
        let cases = [
            ("60", 60_000),
            ("2.0", 2_000),
            (" 0.25 ", 250),
            ("0", 0),
            ("500ms", 500),
            ("1m", 60_000),
            ("1m 30s", 90_000),
        ];
        for (text, ms) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn invalid_durations_are_refused() {
        for text in ["", "-1", "NaN", "inf", "1e300", "soon", "1 parsec"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse_some("0s").is_err());
    }
}
