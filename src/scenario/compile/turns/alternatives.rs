//! `first_of`: several things that may be heard.

use crate::dialogue::Pattern;

use super::super::super::plan::{Alternative, Heard, PatternSpec, Then, TurnKind, Wait};
use super::super::super::raw::{Node, Value};
use super::super::super::vocabulary::ALTERNATIVE;
use super::super::context::{Context, Fields};
use super::super::roles::Surroundings;
use super::super::usage::Trace;
use super::{exchange, overwrite, turns};

pub(super) fn first_of(
    context: &Context<'_>,
    node: &Node,
    around: &Surroundings,
) -> Option<TurnKind> {
    let example = "`- see: …` for each";
    let list = context.list(node, "alternatives", example);
    let (read, trace) = context.traced(|| {
        list.iter()
            .filter_map(|node| Some((alternative(context, node, around)?, node)))
            .collect::<Vec<_>>()
    });
    note_in_any_order(context, trace, &read);
    if list.is_empty() {
        if matches!(node.value, Value::List(_)) {
            let help = Some(format!("write {example}"));
            context.error(&node.span, "there are no alternatives", help);
        }
        return None;
    }
    unreachable(context, &read);
    let ends = read
        .iter()
        .any(|(alternative, _)| !matches!(alternative.then, Then::Again | Then::DoAgain(_)));
    if !ends && read.len() == list.len() {
        let message = "every alternative waits again, so this never ends";
        let help = "let one of them go on, by leaving out its `again`".to_owned();
        context.error(&node.span, message, Some(help));
    }
    Some(TurnKind::FirstOf(
        read.into_iter()
            .map(|(alternative, _)| alternative)
            .collect(),
    ))
}

/// Where alternatives can follow each other, what one captures another may use, whatever their
/// order in the scenario.
fn note_in_any_order(context: &Context<'_>, trace: Vec<Trace>, read: &[(Alternative, &Node)]) {
    let again = read
        .iter()
        .any(|(alternative, _)| matches!(alternative.then, Then::Again | Then::DoAgain(_)));
    if again {
        let (captures, uses): (Vec<_>, Vec<_>) = trace
            .into_iter()
            .partition(|trace| matches!(trace, Trace::Capture { .. }));
        captures
            .into_iter()
            .chain(uses)
            .for_each(|trace| context.note(trace));
    } else {
        trace.into_iter().for_each(|trace| context.note(trace));
    }
}

fn alternative(context: &Context<'_>, node: &Node, around: &Surroundings) -> Option<Alternative> {
    if let Value::Text(text) = &node.value {
        let help = format!("write `- see: {text}` or `- prompt: {text}`");
        context.error(&node.span, "a bare text is not an alternative", Some(help));
        return None;
    }
    let fields = context.fields(node, &ALTERNATIVE)?;
    let exchanged = exchange(context, &fields, around);
    let overwrite = overwrite(context, &fields);
    let then = then(context, &fields, around);
    let (wait, reply) = exchanged?;
    let then = then?;
    if let (Then::Fail(_), Some(_)) = (&then, &reply) {
        let message = "an alternative that fails says nothing before";
        context.error(
            &fields.key_span("fail"),
            message,
            Some("leave out its reply".into()),
        );
        return None;
    }
    if let (Then::Again | Then::DoAgain(_), Wait::Exit(_)) = (&then, &wait) {
        let message = "nothing comes after the program's end";
        context.error(
            &fields.key_span("again"),
            message,
            Some("leave out `again`".into()),
        );
        return None;
    }
    Some(Alternative {
        wait,
        reply,
        then,
        overwrite,
        place: context.place(&node.span),
    })
}

fn then(context: &Context<'_>, fields: &Fields<'_>, around: &Surroundings) -> Option<Then> {
    let again = match fields.get("again") {
        Some(node) => context.flag(node)?,
        None => false,
    };
    let fail = fields.get("fail");
    let turns = fields.get("do").map(|node| turns(context, node, around));
    match (fail, turns, again) {
        (Some(node), None, false) => category(context, node).map(Then::Fail),
        (Some(_), ..) => {
            let message = "an alternative that fails goes on with nothing";
            let help = "leave out `again` and `do`, or `fail`".to_owned();
            context.error(&fields.key_span("fail"), message, Some(help));
            None
        }
        (None, Some(turns), true) => Some(Then::DoAgain(turns)),
        (None, Some(turns), false) => Some(Then::Do(turns)),
        (None, None, true) => Some(Then::Again),
        (None, None, false) => Some(Then::GoOn),
    }
}

/// A category of failures, as reports name it.
pub(in super::super) fn category(context: &Context<'_>, node: &Node) -> Option<String> {
    let name = context.word(node, "the category")?;
    context
        .identifier(&node.span, name, "a category of failures")
        .map(str::to_owned)
}

/// Tells alternatives that an earlier one always wins against.
fn unreachable(context: &Context<'_>, read: &[(Alternative, &Node)]) {
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
                "leave one of them out, or tell them apart by more of their text",
            )
        } else {
            let message = format!("this alternative is never taken: line {line} always wins");
            (message, "of two that begin alike, put the longer one first")
        };
        context.error(&node.span, message, Some(help.into()));
    }
}

/// Returns whether `earlier`, listed first, is always heard when `later` is.
fn wins(earlier: &Wait, later: &Wait) -> bool {
    match (earlier, later) {
        (Wait::Exit(one), Wait::Exit(other)) => one == other,
        (
            Wait::For { on, pattern },
            Wait::For {
                on: other_on,
                pattern: other,
            },
        ) => on == other_on && begins(pattern, other),
        _ => false,
    }
}

/// Returns whether what matches `other` begins with what matches `pattern`. The earliest match
/// wins, so
/// a text within the other one does not.
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

/// Returns whether it is found at the beginning of every line that has any text.
fn matches_any_line(pattern: &Pattern) -> bool {
    !pattern.is_literal()
        && matches!(
            pattern.source(),
            "." | ".+" | "^." | "^.+" | ".+$" | "^.+$" | "^.*.$" | "(?s).+"
        )
}

fn describe(wait: &Wait) -> (Option<Heard>, String) {
    match wait {
        Wait::Exit(code) => (None, code.to_string()),
        Wait::For { on, pattern } => {
            let text = match pattern {
                PatternSpec::Fixed(pattern) => pattern.to_string(),
                PatternSpec::Literal(template) => template.source().to_owned(),
                PatternSpec::Regex { template, .. } => format!("/{template}/"),
            };
            (Some(*on), text)
        }
    }
}
