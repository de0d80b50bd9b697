//! Compilation of `chaos`: rules of fault injection.

use crate::scenario::faults::{FaultRules, RuleContext};
use crate::scenario::raw::{Node, Value};

use super::context::Context;
use super::flow::Flow;
use super::roles::CompiledRole;

/// Compiles the fault rules of a scenario, resolving roles, steps and turns.
pub(super) fn faults(
    context: &Context<'_>,
    node: &Node,
    roles: &[CompiledRole],
    flow: &Flow,
) -> FaultRules {
    let known = RuleContext {
        steps: flow.steps.iter().map(|step| &step.step).collect(),
        roles: roles.iter().map(|role| &role.role).collect(),
    };
    let texts = match &node.value {
        Value::List(list) => list.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let read = texts
        .iter()
        .filter_map(|node| injections(context, node, &known, flow.is_complete));
    FaultRules {
        rules: read.flat_map(|read| read.rules).collect(),
    }
}

fn injections(
    context: &Context<'_>,
    node: &Node,
    known: &RuleContext<'_>,
    are_all: bool,
) -> Option<FaultRules> {
    if let Value::Map(_) | Value::List(_) = &node.value {
        let message = format!("expected a fault rule, found {}", node.value.kind());
        let help = "write it in one line, as `kill 5%` or `freeze once for 1s at STEP`";
        context.error(&node.span, message, Some(help.into()));
        return None;
    }
    let text = context.scalar(node)?;
    match FaultRules::parse(text, known) {
        Ok(chaos) => Some(chaos),
        // The rule may refer to a step that is invalid and left out.
        Err(error) if !are_all && error.is_about_context => None,
        Err(error) => {
            let span = context.range(node, text, &error.at);
            context.error(&span, error.message, Some(error.help));
            None
        }
    }
}
