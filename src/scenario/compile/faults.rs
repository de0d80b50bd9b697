//! Compiles `chaos`: what may be done to scripts on purpose.

use crate::scenario::faults::{Cast, Chaos};
use crate::scenario::raw::{Node, Value};

use super::context::Context;
use super::flow::Flow;
use super::roles::CompiledRole;

/// The chaos of a scenario, with the names of roles, steps and turns looked up.
pub(super) fn chaos(
    context: &Context<'_>,
    node: &Node,
    roles: &[CompiledRole],
    flow: &Flow,
) -> Chaos {
    let cast = Cast {
        steps: flow.steps.iter().map(|step| &step.step).collect(),
        roles: roles.iter().map(|role| &role.role).collect(),
    };
    let texts = match &node.value {
        Value::List(list) => list.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let rules = texts
        .iter()
        .filter_map(|node| injections(context, node, &cast, flow.is_complete));
    Chaos {
        rules: rules.flat_map(|chaos| chaos.rules).collect(),
    }
}

fn injections(context: &Context<'_>, node: &Node, cast: &Cast<'_>, are_all: bool) -> Option<Chaos> {
    if let Value::Map(_) | Value::List(_) = &node.value {
        let message = format!(
            "{} stands where an injection is expected",
            node.value.kind()
        );
        let help = "write it in one line, as `kill 5%` or `freeze once for 1s at STEP`";
        context.error(&node.span, message, Some(help.into()));
        return None;
    }
    let text = context.scalar(node)?;
    match Chaos::parse(text, cast) {
        Ok(chaos) => Some(chaos),
        // The step that it needs may be one that could not be read.
        Err(error) if !are_all && error.is_about_cast => None,
        Err(error) => {
            let span = context.range(node, text, &error.at);
            context.error(&span, error.message, Some(error.help));
            None
        }
    }
}
