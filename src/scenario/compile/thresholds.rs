//! Compilation of `thresholds`: conditions on a run's figures.

use std::time::Duration;

use crate::scenario::raw::{Node, Value};
use crate::scenario::vocabulary::THRESHOLD;
use crate::stats::Threshold;

use super::context::Context;
use super::flow::Flow;

/// Compiles the thresholds, resolving the flow's steps.
pub(super) fn thresholds(
    context: &Context<'_>,
    node: &Node,
    flow: &Flow,
    has_integrity: bool,
) -> Vec<Threshold> {
    let steps: Vec<&str> = flow
        .steps
        .iter()
        .map(|step| step.step.name.as_str())
        .collect();
    let list = context.list(node, "thresholds", "['flow.p95 < 2s']");
    list.iter()
        .filter_map(|node| {
            let threshold = threshold(context, node, &steps, flow.is_complete)?;
            if threshold.is_of_integrity() && !has_integrity {
                let message = "the scenario has no `integrity` rules, so there is nothing to count";
                let help = "add rules: `integrity: {unique: [order_id]}`";
                context.error(&node.span, message, Some(help.into()));
            }
            Some(threshold)
        })
        .collect()
}

fn threshold(
    context: &Context<'_>,
    node: &Node,
    steps: &[&str],
    are_all: bool,
) -> Option<Threshold> {
    let (fields, check);
    let (mut over, mut stop) = (None, false);
    match &node.value {
        Value::Map(_) => {
            fields = context.fields(node, &THRESHOLD)?;
            check = fields.get("check")?;
            over = fields.get("over").and_then(|node| window(context, node));
            stop = fields.get("stop").and_then(|node| context.flag(node)) == Some(true);
        }
        _ => check = node,
    }
    let text = context.scalar(check)?;
    match Threshold::parse(text, steps) {
        Ok(threshold) if threshold.is_of_integrity() && (over.is_some() || stop) => {
            let message = "integrity is checked when the run is over";
            context.error(
                &node.span,
                message,
                Some("leave out `over` and `stop`".into()),
            );
            None
        }
        Ok(mut threshold) => {
            if let Some(over) = over {
                threshold = threshold.over(over);
            }
            Some(if stop {
                threshold.stopping()
            } else {
                threshold
            })
        }
        // The threshold may refer to a step that is invalid and left out.
        Err(_) if !are_all && text.trim_start().starts_with("step.") => None,
        Err(error) => {
            let span = context.range(check, text, &error.at);
            context.error(&span, error.message, Some(error.help));
            None
        }
    }
}

/// Compiles the length of the window over which a threshold is checked.
fn window(context: &Context<'_>, node: &Node) -> Option<Duration> {
    let length = context.duration(node)?;
    if length < Duration::from_secs(1) {
        context.error(
            &node.span,
            "thresholds are checked once a second",
            Some("make it 1s at least".to_owned()),
        );
        return None;
    }
    Some(length)
}
