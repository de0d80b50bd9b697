//! Compilation of gates: `together`, `rate` and `exclusive` of a step, the latter two of a turn.

use std::sync::Arc;
use std::time::Duration;

use crate::scenario::gates::{GateSpec, ReplyGateSpec};
use crate::scenario::load::parse_rate;
use crate::scenario::plan::Step;
use crate::scenario::raw::Node;

use super::context::{Context, Fields};

/// Compiles the gates before a step.
pub(super) fn gates(context: &Context<'_>, fields: &Fields<'_>) -> GateSpec {
    GateSpec {
        together: fields
            .get("together")
            .and_then(|node| context.count(node, 2)),
        interval: fields.get("rate").and_then(|node| interval(context, node)),
        exclusive: fields
            .get("exclusive")
            .and_then(|node| exclusive(context, node)),
    }
}

/// Compiles the gates before the reply of a turn.
pub(super) fn reply_gates(
    context: &Context<'_>,
    fields: &Fields<'_>,
    has_reply: bool,
) -> Option<Arc<ReplyGateSpec>> {
    let &[first, ..] = fields.among(&["rate", "exclusive"]).as_slice() else {
        return None;
    };
    if !has_reply {
        let message = format!("`{first}` holds the reply of a turn, and this one has none");
        let help = Some("write it beside a reply, or at a step".to_owned());
        context.error(&fields.key_span(first), message, help);
        return None;
    }
    let exclusive = fields.get("exclusive").and_then(|node| {
        let name = exclusive(context, node)?;
        context.note_exclusive(&name, &node.span);
        Some(name)
    });
    Some(Arc::new(ReplyGateSpec {
        turn: context.next_turn(),
        exclusive,
        interval: fields.get("rate").and_then(|node| interval(context, node)),
    }))
}

/// Checks that no mutex of a reply has the name of one of a step, which it would not exclude.
pub(super) fn check_names<'s>(context: &Context<'_>, steps: impl Iterator<Item = &'s Step>) {
    let of_steps: Vec<&str> = steps
        .filter_map(|step| step.gates.exclusive.as_deref())
        .collect();
    for (name, span) in context.exclusive_replies() {
        if of_steps.contains(&name.as_str()) {
            let message = format!("`{name}` is exclusive access to steps already");
            let help = Some("choose another name for replies".to_owned());
            context.error(&span, message, help);
        }
    }
}

/// Compiles the name of a mutex, which must be the same for all flows.
fn exclusive(context: &Context<'_>, node: &Node) -> Option<String> {
    let name = context.word(node, "the name")?;
    if name.contains("${") {
        let help = Some("write a fixed name".to_owned());
        let message = "an `exclusive` name is the same for all flows and cannot contain `${…}`";
        context.error(&node.span, message, help);
    }
    Some(name.to_owned())
}

fn interval(context: &Context<'_>, node: &Node) -> Option<Duration> {
    let text = context.scalar(node)?;
    let interval = parse_rate(text)
        .filter(|per_second| *per_second > 0.0)
        .and_then(|per_second| Duration::try_from_secs_f64(1.0 / per_second).ok());
    if interval.is_none() {
        let help = "write how many may start in a time: `1/s`, `30/m` or `5/h`".to_owned();
        context.error(&node.span, format!("`{text}` is not a rate"), Some(help));
    }
    interval
}
