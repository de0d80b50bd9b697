//! Compiles `thresholds`: what is demanded of a run's figures.

use crate::scenario::raw::{Node, Value};
use crate::scenario::vocabulary::THRESHOLD;
use crate::stats::Threshold;

use super::context::Context;
use super::flow::Flow;

/// The demands, with the names of the flow's steps looked up.
pub(super) fn thresholds(context: &Context<'_>, node: &Node, flow: &Flow) -> Vec<Threshold> {
    let steps: Vec<&str> = flow
        .steps
        .iter()
        .map(|step| step.step.name.as_str())
        .collect();
    let list = context.list(node, "thresholds", "['flow.p95 < 2s']");
    list.iter()
        .filter_map(|node| threshold(context, node, &steps, flow.is_complete))
        .collect()
}

fn threshold(
    context: &Context<'_>,
    node: &Node,
    steps: &[&str],
    are_all: bool,
) -> Option<Threshold> {
    let fields;
    let check = match &node.value {
        Value::Map(_) => {
            fields = context.fields(node, &THRESHOLD)?;
            fields.get("check")?
        }
        _ => node,
    };
    let text = context.scalar(check)?;
    match Threshold::parse(text, steps) {
        Ok(threshold) => Some(threshold),
        // The step may be one that could not be read.
        Err(_) if !are_all && text.trim_start().starts_with("step.") => None,
        Err(error) => {
            let whole = context.part(check, text);
            // What is written with escapes is underlined as a whole.
            let span = if whole.len() == text.len() {
                whole.start + error.at.start..whole.start + error.at.end
            } else {
                whole
            };
            context.error(&span, error.message, Some(error.help));
            None
        }
    }
}
