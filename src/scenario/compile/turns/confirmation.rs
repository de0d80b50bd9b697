//! Warnings about last replies: nothing after them shows that the program has taken them.

use crate::scenario::plan::{Then, Turn, TurnKind};
use crate::scenario::raw::{Node, Value};

use super::super::context::Context;
use super::exchange::REPLIES;

/// Warns about every way through `turns`, compiled from the list `node`, that ends with a reply.
pub(in crate::scenario::compile) fn report_unconfirmed(
    context: &Context<'_>,
    node: &Node,
    turns: &[Turn],
    has_screen: bool,
) {
    let Value::List(nodes) = &node.value else {
        return;
    };
    if nodes.len() != turns.len() {
        return;
    }
    // A pause or a comparison of known values shows nothing.
    let is_silent = |turn: &Turn| {
        matches!(
            turn.kind,
            TurnKind::Think { .. } | TurnKind::Resize(_) | TurnKind::Assert(_)
        )
    };
    let Some(last) = turns.iter().rposition(|turn| !is_silent(turn)) else {
        return;
    };
    let node = &nodes[last];
    match &turns[last].kind {
        TurnKind::Exchange { reply: Some(_), .. } => warn(context, node, has_screen),
        TurnKind::FirstOf(alternatives) => {
            let Some(Value::List(nodes)) = value(node, "first_of").map(|it| &it.value) else {
                return;
            };
            if nodes.len() != alternatives.len() {
                return;
            }
            for (alternative, node) in alternatives.iter().zip(nodes) {
                match &alternative.then {
                    Then::GoOn if alternative.reply.is_some() => warn(context, node, has_screen),
                    Then::Do(turns) => {
                        if let Some(inner) = value(node, "do") {
                            report_unconfirmed(context, inner, turns, has_screen);
                        }
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn warn(context: &Context<'_>, turn: &Node, has_screen: bool) {
    let Value::Map(entries) = &turn.value else {
        return;
    };
    let reply = entries.iter().find_map(|(key, _)| match &key.value {
        Value::Text(name) if REPLIES.contains(&name.as_str()) => Some(key),
        _ => None,
    });
    let message = "nothing shows that this answer was taken";
    let help = match has_screen {
        true => "wait for something after it: `screen: …` for what it shows then, or `exits: 0`",
        false => {
            "wait for something after it: `see: …` for what the program says to it, `prompt: …` \
             for its next question, or `exits: 0`"
        }
    };
    let span = reply.map_or(&turn.span, |key| &key.span);
    context.warning(span, message, Some(help.into()));
}

/// Returns the value of a key of a map.
fn value<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else {
        return None;
    };
    entries.iter().find_map(|(key, value)| match &key.value {
        Value::Text(key) if key == name => Some(value),
        _ => None,
    })
}
