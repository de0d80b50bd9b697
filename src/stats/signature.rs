//! Signatures of failures: the text that came instead, without what differs from flow to
//! flow.

use serde::{Deserialize, Serialize};

use crate::model::{Failure, FailureKind, FlowRecord, NamedValue};

/// The most that is kept of a line.
const MOST_CHARACTERS: usize = 120;

/// Of shorter values too much would be taken for them.
const SHORTEST_VALUE: usize = 4;

/// The signature that failures alike share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Signature {
    pub step: String,
    /// The short stable name of the cause.
    pub cause: String,
    /// The program's output in place of what was awaited, without what differs from flow to flow;
    /// `None` where that is not distinguished.
    pub saw: Option<String>,
}

impl Signature {
    /// The signature of the failure of a flow.
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

/// The characteristic line of a failure: what the program said that fails the step, or its last
/// line; or,
/// where what it said last has nothing to do with the failure, what is wrong. In it, values of the
/// flow are replaced by their names (`<order_id>`), and other words
/// with digits by `<number>`, `<time>` or `<id>`. Empty if nothing was said.
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
    let mut line: String = line.chars().take(4 * MOST_CHARACTERS).collect();
    let mut values: Vec<_> = values
        .iter()
        .filter(|(_, value)| value.chars().count() >= SHORTEST_VALUE)
        .collect();
    // A value may be part of a longer one.
    values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    for (name, value) in values {
        line = line.replace(&**value, &format!("<{name}>"));
    }
    normalised(&line).chars().take(MOST_CHARACTERS).collect()
}

/// The text between back quotes.
fn quoted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('`')?;
    Some(rest.rsplit_once('`')?.0)
}

/// The line with every word that holds a digit replaced by its kind.
fn normalised(line: &str) -> String {
    let of_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ',' | ':' | '/');
    let mut told = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let is_word = of_word(first);
        let end = rest.find(|c| of_word(c) != is_word).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        if is_word && piece.contains(|c: char| c.is_ascii_digit()) {
            let word = piece.trim_end_matches(['.', ',', ':']);
            told.push_str(kind(word));
            told.push_str(&piece[word.len()..]);
        } else {
            told.push_str(piece);
        }
        rest = after;
    }
    told
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
    fn what_differs_from_flow_to_flow_is_left_out() {
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
        assert!(seen(&"long ".repeat(10_000)).len() <= MOST_CHARACTERS);
    }

    #[test]
    fn what_a_program_happens_to_say_has_nothing_to_do_with_an_assertion() {
        let mut failure = failure("03_check", FailureKind::AssertionFailed);
        failure.message = "`total == 5` is not true: total is 1449".into();
        failure.tail = "Menu:".into();
        let said = saw(&failure, &[]);
        failure.tail = "Pick>".into();
        assert_eq!(saw(&failure, &[]), said);
        assert_eq!(said, "`total == <number>` is not true: total is <number>");
    }

    #[test]
    fn what_a_program_was_failed_for_is_what_was_seen() {
        let mut failure = failure("01_login", FailureKind::Business("crashed".into()));
        failure.message = "the program said `Error 17: no such table`".into();
        failure.tail = "Bye".into();
        assert_eq!(saw(&failure, &[]), "Error <number>: no such table");
    }
}
