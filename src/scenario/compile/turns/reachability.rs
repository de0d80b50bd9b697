//! Detection of alternatives that are never taken, because an earlier one always wins.

use crate::dialogue::{On, Pattern};
use crate::scenario::plan::{Alternative, AwaitedSpec, PatternSpec, Wait};
use crate::scenario::raw::Node;

use super::super::context::Context;

/// Reports alternatives that never win against an earlier one.
pub(super) fn report_unreachable(context: &Context<'_>, read: &[(Alternative, &Node)]) {
    for (later, (alternative, node)) in read.iter().enumerate() {
        let Some((earlier, node_before)) = read[..later]
            .iter()
            .find(|(earlier, _)| wins(&earlier.wait, &alternative.wait))
        else {
            continue;
        };
        let line = context.place(&node_before.span).line;
        let same = describe(&earlier.wait) == describe(&alternative.wait);
        let (message, help) = if same {
            let message =
                format!("this alternative is never taken: line {line} waits for the same");
            (
                message,
                "leave one of them out, or distinguish them by more of their text",
            )
        } else {
            let message = format!("this alternative is never taken: line {line} always wins");
            (message, "of two that begin alike, put the longer one first")
        };
        context.error(&node.span, message, Some(help.into()));
    }
}

/// Returns `true` if `earlier`, listed first, matches whenever `later` does.
fn wins(earlier: &Wait, later: &Wait) -> bool {
    match (earlier, later) {
        (Wait::Exit(one), Wait::Exit(other)) => one == other,
        (Wait::Reads, Wait::Reads) => true,
        (
            Wait::For(AwaitedSpec::Text { on, pattern }),
            Wait::For(AwaitedSpec::Text {
                on: other_on,
                pattern: other,
            }),
        ) => on == other_on && begins(pattern, other),
        (Wait::For(AwaitedSpec::Screen(one)), Wait::For(AwaitedSpec::Screen(other))) => {
            one.to_string() == other.to_string() && (one.still || !other.still)
        }
        _ => false,
    }
}

/// Returns `true` if every match of `other` begins with a match of `pattern`. The earliest match
/// wins, so a match inside the other one is not enough.
fn begins(pattern: &PatternSpec, other: &PatternSpec) -> bool {
    match (pattern, other) {
        (PatternSpec::Fixed(one), PatternSpec::Fixed(other)) => {
            let both_literal = one.is_literal() && other.is_literal();
            let same = one.is_literal() == other.is_literal() && one.source() == other.source();
            same || (both_literal && other.source().starts_with(one.source()))
                || matches_any_line(one)
        }
        (PatternSpec::Literal(one), PatternSpec::Literal(other))
        | (
            PatternSpec::Regex { template: one, .. },
            PatternSpec::Regex {
                template: other, ..
            },
        ) => one.source() == other.source(),
        _ => false,
    }
}

/// Returns `true` if the pattern matches at the beginning of every non-empty line.
fn matches_any_line(pattern: &Pattern) -> bool {
    !pattern.is_literal()
        && matches!(
            pattern.source(),
            "." | ".+" | "^." | "^.+" | ".+$" | "^.+$" | "^.*.$" | "(?s).+"
        )
}

fn describe(wait: &Wait) -> (Option<On>, String) {
    match wait {
        Wait::Exit(code) => (None, code.to_string()),
        Wait::Reads => (None, "reads".to_owned()),
        Wait::For(AwaitedSpec::Screen(wait)) => (None, wait.to_string()),
        Wait::For(AwaitedSpec::Text { on, pattern }) => {
            let text = match pattern {
                PatternSpec::Fixed(pattern) => pattern.to_string(),
                PatternSpec::Literal(template) => template.source().to_owned(),
                PatternSpec::Regex { template, .. } => format!("/{template}/"),
            };
            (Some(*on), text)
        }
    }
}
