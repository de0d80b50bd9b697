//! Failure signatures: the text seen at a failure, without the parts that differ between flows.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::model::{Failure, FailureKind, FlowRecord, NamedValue};

/// The maximum length of a signature's text.
const MAX_CHARACTERS: usize = 120;

/// Shorter values match by accident, so they are not replaced.
const MIN_VALUE: usize = 4;

/// The signature shared by similar failures.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Signature {
    pub step: String,
    /// The short stable name of the cause.
    pub cause: String,
    /// The output in place of what was awaited, without what differs between flows; `None` if such
    /// texts are not distinguished.
    pub saw: Option<String>,
}

impl Signature {
    /// Computes the signature of a flow's failure.
    pub fn of(flow: &FlowRecord, failure: &Failure) -> Self {
        let values: Vec<_> = flow
            .captures
            .iter()
            .chain(&flow.variables)
            .cloned()
            .collect();
        Signature {
            step: failure.step.clone(),
            cause: failure.kind.name().to_owned(),
            saw: Some(saw(failure, &values)),
        }
    }
}

/// Returns the characteristic line of a failure: the output that matched a `fail_on`, or the last
/// line; or the failure's message, if the last output has nothing to do with it. Values of the flow
/// are replaced by their names (`<order_id>`), other words with digits by `<number>`, `<time>` or
/// `<id>`. Empty if there was no output.
fn saw(failure: &Failure, values: &[NamedValue]) -> String {
    let line = match (&failure.kind, quoted(&failure.message)) {
        (FailureKind::Business(_), Some(said)) => said,
        (
            FailureKind::AssertionFailed
            | FailureKind::CaptureChanged
            | FailureKind::NotProvided
            | FailureKind::Expression
            | FailureKind::CommandFailed
            | FailureKind::NotStarted
            | FailureKind::TooOften
            | FailureKind::NotTaken
            | FailureKind::Internal,
            _,
        ) => failure.message.lines().next().unwrap_or_default(),
        // The rows of a screen have no last line that stands for the failure.
        _ if failure.screen.is_some() => failure.message.lines().next().unwrap_or_default(),
        _ => {
            let mut lines = failure.tail.lines().map(str::trim);
            lines.rfind(|line| !line.is_empty()).unwrap_or("")
        }
    };
    let mut line: String = line.chars().take(4 * MAX_CHARACTERS).collect();
    let mut values: Vec<_> = values
        .iter()
        .filter(|(_, value)| value.chars().count() >= MIN_VALUE)
        .collect();
    // A value may be part of a longer one, so the longest are replaced first.
    values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    for (name, value) in values {
        line = line.replace(&**value, &format!("<{name}>"));
    }
    normalised(&line).chars().take(MAX_CHARACTERS).collect()
}

/// Returns the text between back quotes.
fn quoted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('`')?;
    Some(rest.rsplit_once('`')?.0)
}

/// A date, a time of day, or both.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    let month = "(?:0?[1-9]|1[0-2])";
    let day = "(?:0?[1-9]|[12][0-9]|3[01])";
    let date = format!(
        "[0-9]{{4}}[-/.]{month}[-/.]{day}|{day}[-/]{month}[-/](?:[0-9]{{2}}){{1,2}}\
         |{month}/{day}/(?:[0-9]{{2}}){{1,2}}"
    );
    let time = "(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-6][0-9](?:[.,][0-9]+)?)?Z?";
    let whole = format!("^(?:{time}|(?:{date})(?:T{time})?)$");
    Regex::new(&whole).expect("a sound expression")
});

/// Replaces every word with a digit by its kind.
fn normalised(line: &str) -> String {
    let of_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ',' | ':' | '/');
    let mut replaced = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let is_word = of_word(first);
        let end = rest.find(|c| of_word(c) != is_word).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        let word = piece.trim_end_matches(['.', ',', ':']);
        if is_word && TIME.is_match(word) {
            replaced.push_str("<time>");
            replaced.push_str(&piece[word.len()..]);
        } else {
            let parts = piece.split_inclusive([':', '/']);
            parts.for_each(|part| push_normalised(part, &mut replaced));
        }
        rest = after;
    }
    replaced
}

/// Adds a word, or a part of one that ends with a separator: `<number>`, also for both ends of a
/// range, or `<id>`, if there is a digit in it.
fn push_normalised(part: &str, replaced: &mut String) {
    let word = part.trim_end_matches(['.', ',', ':', '/']);
    let is_number = |text: &str| {
        let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
        text.chars().all(is_of_number)
    };
    if !word.contains(|c: char| c.is_ascii_digit()) {
        replaced.push_str(word);
    } else if word.split('-').all(is_number) {
        let ends = word.split('-').map(|end| match end {
            "" => "",
            _ => "<number>",
        });
        replaced.push_str(&ends.collect::<Vec<_>>().join("-"));
    } else {
        replaced.push_str("<id>");
    }
    replaced.push_str(&part[word.len()..]);
}

#[cfg(test)]
mod tests {
    use super::super::testing::failure;
    use super::*;

    fn seen(tail: &str) -> String {
        let mut failure = failure("06_approve", FailureKind::Timeout);
        failure.tail = tail.into();
        let values = [
            ("order_id".into(), "ORD-20260131-142530-000001".into()),
            ("order".into(), "ORD-20260131".into()),
            ("n".into(), "is".into()),
        ];
        saw(&failure, &values)
    }

    #[test]
    fn the_parts_that_differ_between_flows_are_left_out() {
        let cases = [
            (
                "Menu\nOrder ORD-20260131-142530-000001 is already approved\n  \n",
                "Order <order_id> is already approved",
            ),
            (
                "Order ORD-9 of 1,449.00, line 3.",
                "Order <id> of <number>, line <number>.",
            ),
            ("12:30:05 2026-01-31 no", "<time> <time> no"),
            ("at 0x7f3a: ₹200", "at <id>: ₹<number>"),
            (
                "Select an option (1-5):",
                "Select an option (<number>-<number>):",
            ),
            (
                "Page 3/7, ratio 4:75, -5, total:1449.00",
                "Page <number>/<number>, ratio <number>:<number>, -<number>, total:<number>",
            ),
            (
                "/var/log/app-7.log: 99:99",
                "/var/log/<id>: <number>:<number>",
            ),
            (
                "2026-01-31T12:30:05.123Z, 31/01/2026; 1/31/26 at 9:05.",
                "<time>, <time>; <time> at <time>.",
            ),
            (
                "2026-13-45 555-1234",
                "<number>-<number>-<number> <number>-<number>",
            ),
            ("Password:", "Password:"),
            ("", ""),
        ];
        for (tail, expected) in cases {
            assert_eq!(seen(tail), expected);
        }
        assert!(seen(&"long ".repeat(10_000)).len() <= MAX_CHARACTERS);
    }

    #[test]
    fn unrelated_output_is_not_the_signature_of_an_assertion() {
        let mut failure = failure("03_check", FailureKind::AssertionFailed);
        failure.message = "`total == 5` is not true: total is 1449".into();
        failure.tail = "Menu:".into();
        let said = saw(&failure, &[]);
        failure.tail = "Pick>".into();
        assert_eq!(saw(&failure, &[]), said);
        assert_eq!(said, "`total == <number>` is not true: total is <number>");
    }

    #[test]
    fn the_matched_output_is_the_signature() {
        let mut failure = failure("01_login", FailureKind::Business("crashed".into()));
        failure.message = "the program said `Error 17: no such table`".into();
        failure.tail = "Bye".into();
        assert_eq!(saw(&failure, &[]), "Error <number>: no such table");
    }
}
