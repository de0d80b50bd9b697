//! Filters and tests of expressions, checked before any expression is computed.

use minijinja::ErrorKind;

use crate::scenario::names;

use super::environment::ENVIRONMENT;

/// The filters worth proposing when a filter is unknown.
const FILTERS: [&str; 27] = [
    "abs",
    "batch",
    "capitalize",
    "default",
    "first",
    "float",
    "format",
    "int",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "max",
    "min",
    "pad",
    "replace",
    "reverse",
    "round",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "trim",
    "upper",
];

/// Returns the first filter (`| name`) or test (`is name`) that does not exist, with a proposal.
/// The expression engine itself would detect it only when it computes.
pub(super) fn unknown(source: &str) -> Option<(String, Option<String>)> {
    let mut before = Before::Other;
    for word in words(source) {
        before = match (before, word) {
            (Before::Bar, Word::Name(name)) if !filter_exists(name) => {
                let help = names::nearest(name, FILTERS).map(|near| format!("is `{near}` meant?"));
                return Some((format!("there is no filter `{name}`"), help));
            }
            (Before::Is, Word::Name("not")) => Before::Is,
            (Before::Is, Word::Name(name)) if !test_exists(name) => {
                return Some((format!("there is no test `is {name}`"), None));
            }
            (_, Word::Name("is")) => Before::Is,
            (_, Word::Bar) => Before::Bar,
            _ => Before::Other,
        };
    }
    None
}

#[derive(Clone, Copy)]
enum Before {
    Bar,
    Is,
    Other,
}

#[derive(Clone, Copy)]
enum Word<'a> {
    Bar,
    Name(&'a str),
    Other,
}

/// Splits an expression into words for filters and tests; quoted texts are `Other`.
fn words(source: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = source;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let (word, length) = match first {
            '|' => (Word::Bar, 1),
            '\'' | '"' => (Word::Other, 1 + quoted_length(&rest[1..], first)),
            c if c.is_alphanumeric() || c == '_' => {
                let length = rest
                    .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len());
                (Word::Name(&rest[..length]), length)
            }
            c => (Word::Other, c.len_utf8()),
        };
        rest = &rest[length..];
        Some(word)
    })
}

/// Returns the distance to the end of the closing quote, in bytes.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

fn filter_exists(name: &str) -> bool {
    let mut state = ENVIRONMENT.empty_state();
    !matches!(state.apply_filter(name, &[]), Err(e) if e.kind() == ErrorKind::UnknownFilter)
}

fn test_exists(name: &str) -> bool {
    let mut state = ENVIRONMENT.empty_state();
    !matches!(state.perform_test(name, &[]), Err(e) if e.kind() == ErrorKind::UnknownTest)
}
