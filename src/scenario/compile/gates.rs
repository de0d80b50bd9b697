//! Compilation of the gates of a step: `together`, `rate` and `exclusive`.

use std::time::Duration;

use crate::scenario::gates::GateSpec;
use crate::scenario::load::parse_rate;
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
