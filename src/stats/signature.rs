//! Failure signatures: the text seen at a failure, without the parts that differ between flows.

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
            | FailureKind::Internal,
            _,
        ) => failure.message.lines().next().unwrap_or_default(),
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

/// Replaces every word with a digit by its kind.
fn normalised(line: &str) -> String {
    let of_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ',' | ':' | '/');
    let mut replaced = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let is_word = of_word(first);
        let end = rest.find(|c| of_word(c) != is_word).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        if is_word && piece.contains(|c: char| c.is_ascii_digit()) {
            let word = piece.trim_end_matches(['.', ',', ':']);
            replaced.push_str(kind(word));
            replaced.push_str(&piece[word.len()..]);
        } else {
            replaced.push_str(piece);
        }
        rest = after;
    }
    replaced
}

fn kind(word: &str) -> &'static str {
    let only = |more: &[char]| {
        word.chars()
            .all(|c| c.is_ascii_digit() || more.contains(&c))
    };
    if only(&['.', ',']) {
        "<number>"
    } else if only(&[':', '.', '-', '/', 'T', 'Z']) {
        "<time>"
    } else {
        "<id>"
    }
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
