//! Volatile texts: dates, times, amounts, ids and counters, recognized by their form.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Bounds for the length of a captured value, in characters. Shorter texts are found by chance.
pub(super) const CAPTURE_CHARS: Range<usize> = 4..401;

/// The recorder's mask for a secret in the output.
pub(super) const MASK: &str = "***";

/// Least number of digits of an id without letters.
const ID_DIGITS: usize = 5;

/// Words, joined by single marks as in `ORD-2026-01`, `1,449.00` and `17:00`.
static WORD: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"[\p{L}\p{M}\p{N}_]+(?:[-./:,_][\p{L}\p{M}\p{N}_]+)*"));

/// Dates with the name of a month.
static NAMED_DATE: LazyLock<Regex> = LazyLock::new(|| {
    let month = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?";
    let weekday = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?";
    built_in(&format!(
        r"\b{weekday}(?:\d{{1,2}}\.?\s+{month}(?:\s+\d{{4}})?|{month}\s+\d{{1,2}}\b(?:,?\s+\d{{4}})?)"
    ))
});

static AMOUNT: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"^(?:\d{1,3}(?:[,.]\d{3})+(?:[.,]\d{1,2})?|\d+[.,]\d{2})$"));

static TIME_OR_DATE: LazyLock<Regex> = LazyLock::new(|| {
    built_in(
        r"^(?:\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})(?:[T-].*)?$",
    )
});

static UUID: LazyLock<Regex> = LazyLock::new(|| {
    built_in(r"^(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
});

fn built_in(expression: &str) -> Regex {
    Regex::new(expression).unwrap_or_else(|error| unreachable!("a built-in expression: {error}"))
}

/// Returns the volatile parts of a line, in their order: words with digits, and dates.
pub(super) fn volatile_parts(line: &str) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = NAMED_DATE.find_iter(line).map(|it| it.range()).collect();
    for word in words(line) {
        let is_new = parts
            .iter()
            .all(|part| word.end <= part.start || part.end <= word.start);
        if is_new && has_digit(&line[word.clone()]) {
            parts.push(word);
        }
    }
    parts.sort_by_key(|part| part.start);
    parts
}

/// Returns the words of a line, each with the marks inside of it.
pub(super) fn words(line: &str) -> impl Iterator<Item = Range<usize>> {
    WORD.find_iter(line).map(|it| it.range())
}

fn has_digit(text: &str) -> bool {
    text.chars().any(char::is_numeric)
}

/// Returns whether the text has the form of an amount of money.
pub(super) fn is_amount(text: &str) -> bool {
    AMOUNT.is_match(text)
}

/// Returns whether the text has the form of an id: `ORD-20260131-0001`, `G-3fa2`, a UUID.
pub(super) fn is_id(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let has_letters = text.chars().any(char::is_alphabetic);
    let is_one_word = words(text).next() == Some(0..text.len());
    is_one_word
        && (has_letters && digits > 0 && text.chars().count() >= CAPTURE_CHARS.start
            || digits >= ID_DIGITS)
        && !is_amount(text)
        && !TIME_OR_DATE.is_match(text)
}

/// Returns whether ids of this form cannot run out soon, so that each can be expected to be another.
pub(super) fn looks_unique(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    is_id(text) && digits >= ID_DIGITS || UUID.is_match(text)
}

/// Returns a regular expression for texts of the same form: `ORD-\d+` for `ORD-17`.
pub(super) fn generalized(text: &str) -> String {
    if text.contains(MASK) {
        // A secret may have blanks.
        return ".+".to_owned();
    }
    if UUID.is_match(text) {
        return "[0-9A-Fa-f-]{36}".to_owned();
    }
    if is_amount(text) {
        return r"[\d.,]+".to_owned();
    }
    let chunks = || text.split(|c: char| !c.is_alphanumeric() && c != '_');
    if !has_digit(text) {
        return match text.contains(char::is_whitespace) {
            true => ".+".to_owned(),
            false => r"\S+".to_owned(),
        };
    }
    let is_hex = chunks().any(is_mixed_hex);
    let mut expression = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_chunk = |c: char| c.is_alphanumeric() || c == '_';
        let length = if in_chunk(first) {
            rest.find(|c| !in_chunk(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (chunk, after) = rest.split_at(length);
        expression.push_str(&match first {
            ' ' => r"\s+".to_owned(),
            _ if in_chunk(first) => of_chunk(chunk, is_hex),
            _ => escape(chunk),
        });
        rest = after;
    }
    expression
}

/// Escapes what has a meaning in a regular expression, and nothing else.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Returns whether letters and digits alternate as in hexadecimal numbers.
fn is_mixed_hex(chunk: &str) -> bool {
    chunk
        .chars()
        .all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
        && changes(chunk) >= 1
        && chunk.len() >= CAPTURE_CHARS.start
}

/// Returns how often letters follow digits or digits letters.
fn changes(chunk: &str) -> usize {
    let kinds: Vec<bool> = chunk.chars().map(char::is_numeric).collect();
    kinds.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

fn of_chunk(chunk: &str, is_hex: bool) -> String {
    let is_lower_hex = chunk.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    match has_digit(chunk) {
        _ if is_hex && is_lower_hex => "[0-9a-f]+".to_owned(),
        false => escape(chunk),
        true if changes(chunk) == 0 => r"\d+".to_owned(),
        true if changes(chunk) == 1 && !chunk.starts_with(char::is_numeric) => {
            let letters = chunk.trim_end_matches(char::is_numeric);
            format!(r"{}\d+", escape(letters))
        }
        true if changes(chunk) == 1 => {
            let letters = chunk.trim_start_matches(char::is_numeric);
            format!(r"\d+{}", escape(letters))
        }
        true => r"\w+".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(line: &str) -> Vec<&str> {
        volatile_parts(line)
            .into_iter()
            .map(|part| &line[part])
            .collect()
    }

    #[test]
    fn volatile_parts_are_found_by_their_form() {
        assert_eq!(parts("Select operation (0-6): "), ["0-6"]);
        assert_eq!(
            parts("ORD-20261128-070231-000002 | CUST001 José | ₹1449.00 | processed"),
            ["ORD-20261128-070231-000002", "CUST001", "1449.00"]
        );
        assert_eq!(
            parts("Last login: Sat, 28 Nov 2026 07:02:31"),
            ["Sat, 28 Nov 2026", "07:02:31"]
        );
        assert_eq!(parts("Confirm order (y/n): "), Vec::<&str>::new());
        assert_eq!(parts("May I help you?"), Vec::<&str>::new());
    }

    #[test]
    fn ids_are_told_from_amounts_and_times() {
        for id in [
            "ORD-20261128-070231-000002",
            "G-3fa2",
            "CUST001",
            "RCP-000001",
            "100042",
        ] {
            assert!(is_id(id), "{id}");
        }
        for other in [
            "1449.00",
            "1,449.00",
            "07:02:31",
            "2026-11-28",
            "17",
            "Total",
            "a b1234",
        ] {
            assert!(!is_id(other), "{other}");
        }
        assert!(looks_unique("DEL-20261128-000001") && !looks_unique("CUST001"));
    }

    #[test]
    fn forms_are_generalized() {
        for (text, expression) in [
            ("ORD-20261128-070231-000002", r"ORD-\d+-\d+-\d+"),
            ("CUST001", r"CUST\d+"),
            ("0-6", r"\d+-\d+"),
            ("1449.00", r"[\d.,]+"),
            ("G-3fa29c", r"G-[0-9a-f]+"),
            ("5km", r"\d+km"),
            ("tango", r"\S+"),
            ("José Álvarez", ".+"),
        ] {
            assert_eq!(generalized(text), expression, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_generalized_form_matches_its_text(text in "[A-Za-z0-9é,.:/_-]{1,20}") {
            let expression = Regex::new(&format!("^(?:{})$", generalized(&text))).unwrap();
            prop_assert!(expression.is_match(&text), "{expression}");
        }
    }
}
