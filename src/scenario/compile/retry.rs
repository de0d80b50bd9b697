//! Compilation of `retry`: the failures that are followed by another attempt.

use std::time::Duration;

use strum::VariantNames;

use crate::model::FailureKind;
use crate::scenario::plan::{Then, Turn, TurnKind};
use crate::scenario::raw::{Node, Value};
use crate::scenario::retry::RetryPolicy;
use crate::scenario::vocabulary::{FLOW_RETRY, STEP_RETRY, Vocabulary};

use super::context::Context;
use super::roles::CompiledRole;
use super::values::names_of;

/// Compiles the retry policy of a step; `categories` are the scenario's failures for it.
pub(super) fn step_retry(
    context: &Context<'_>,
    node: &Node,
    categories: &[String],
) -> Option<RetryPolicy> {
    retry(context, node, &STEP_RETRY, categories)
}

/// Compiles the retry policy of the flow.
pub(super) fn flow_retry(
    context: &Context<'_>,
    node: &Node,
    roles: &[CompiledRole],
) -> Option<RetryPolicy> {
    let categories: Vec<_> = roles.iter().flat_map(categories).collect();
    retry(context, node, &FLOW_RETRY, &categories)
}

/// Returns the failure categories of a role's `fail_on` and alternatives.
pub(super) fn categories(role: &CompiledRole) -> Vec<String> {
    let watched = role.role.fail_on.iter();
    let mut names: Vec<_> = watched.map(|it| it.category.clone()).collect();
    for action in &role.role.actions {
        failures_named(&action.turns, &mut names);
    }
    names
}

fn failures_named(turns: &[Turn], names: &mut Vec<String>) {
    for turn in turns {
        match &turn.kind {
            TurnKind::Repeat { turns, .. } => failures_named(turns, names),
            TurnKind::FirstOf(alternatives) => {
                for alternative in alternatives {
                    match &alternative.then {
                        Then::Fail(name) => names.push(name.clone()),
                        Then::Do(turns) | Then::DoAgain(turns) => failures_named(turns, names),
                        Then::GoOn | Then::Again => {}
                    }
                }
            }
            TurnKind::Exchange { .. }
            | TurnKind::Think { .. }
            | TurnKind::Resize(_)
            | TurnKind::Assert(_)
            | TurnKind::Run { .. } => {}
        }
    }
}

fn retry(
    context: &Context<'_>,
    node: &Node,
    vocabulary: &'static Vocabulary,
    categories: &[String],
) -> Option<RetryPolicy> {
    let Value::Map(_) = &node.value else {
        return Some(RetryPolicy {
            times: context.small_count(node, 1)?,
            on: None,
            restart: true,
            delay: Duration::ZERO,
        });
    };
    let fields = context.fields(node, vocabulary)?;
    let times = match fields.get("times") {
        Some(node) => context.small_count(node, 1),
        None => Some(1),
    };
    let on = fields.get("on").map(|node| {
        let names = names_of(context, Some(node));
        if names.is_empty() && matches!(&node.value, Value::List(list) if list.is_empty()) {
            let help = Some("name failures, or leave the key out for any".to_owned());
            context.error(
                &node.span,
                "`on` names no failure, so nothing would be retried",
                help,
            );
        }
        let known = || {
            let kinds = FailureKind::VARIANTS.iter().copied();
            kinds.chain(categories.iter().map(String::as_str))
        };
        for (name, span) in &names {
            if !known().any(|known| known == name) {
                let message = format!("there is no failure `{name}` here");
                context.unknown(span, &message, name, known());
            }
        }
        names.into_iter().map(|(name, _)| name).collect()
    });
    let delay = fields.get("delay").and_then(|node| context.duration(node));
    // A retried flow always gets new instances of its programs.
    let restart = match vocabulary.knows("restart") {
        true => fields.get("restart").and_then(|node| context.flag(node)),
        false => None,
    };
    Some(RetryPolicy {
        times: times?,
        on,
        restart: restart.unwrap_or(true),
        delay: delay.unwrap_or_default(),
    })
}
