//! Compiles what is said of a step, a role or a flow beyond what it does: what happens after a
//! failure, and who waits for whom.

use std::num::NonZeroU64;
use std::ops::Range;
use std::time::Duration;

use crate::model::FailureKind;

use super::super::gates::Gates;
use super::super::load::parse_rate;
use super::super::plan::{CommonWaits, Heard, PatternSpec, Place, Then, Turn, TurnKind, Wait};
use super::super::raw::{Node, Value};
use super::super::retry::RetryPolicy;
use super::super::vocabulary::{FLOW_RETRY, LIFETIME, STEP_RETRY, Vocabulary};
use super::context::{Context, Fields};
use super::flow::CompiledStep;
use super::names_of;
use super::roles::{CompiledAction, CompiledRole};
use super::usage::Trace;

/// How a step is performed again; `categories` are the failures that the scenario names for it.
pub(super) fn step_retry(
    context: &Context<'_>,
    node: &Node,
    categories: &[String],
) -> Option<RetryPolicy> {
    retry(context, node, &STEP_RETRY, categories)
}

/// How a flow is performed again.
pub(super) fn flow_retry(
    context: &Context<'_>,
    node: &Node,
    roles: &[CompiledRole],
) -> Option<RetryPolicy> {
    let categories: Vec<_> = roles.iter().flat_map(categories).collect();
    retry(context, node, &FLOW_RETRY, &categories)
}

/// The failures that a role's `fail_on` and its alternatives name.
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
            context.error(&node.span, "nothing would ever be performed again", help);
        }
        let known = || {
            let kinds = FailureKind::NAMES.into_iter();
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
    let flag = |name| fields.get(name).and_then(|node| context.flag(node));
    let delay = fields.get("delay").and_then(|node| context.duration(node));
    Some(RetryPolicy {
        times: times?,
        on,
        restart: flag("restart").unwrap_or(true),
        delay: delay.unwrap_or_default(),
    })
}

/// What flows wait for before a step.
pub(super) fn gates(context: &Context<'_>, fields: &Fields<'_>) -> Gates {
    Gates {
        together: fields
            .get("together")
            .and_then(|node| context.count(node, 2)),
        interval: fields.get("rate").and_then(|node| interval(context, node)),
        exclusive: fields
            .get("exclusive")
            .and_then(|node| exclusive(context, node)),
    }
}

/// The name of what one flow at a time performs: the same for all flows.
fn exclusive(context: &Context<'_>, node: &Node) -> Option<String> {
    let name = context.word(node, "the name")?;
    if name.contains("${") {
        let help = Some("write a fixed name".to_owned());
        let message = "what is exclusive has one name for all flows, without values";
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
        context.error(&node.span, format!("`{text}` is no rate"), Some(help));
    }
    interval
}

/// Returns the number of instances of a role's script serve all flows; `None` if each flow has its
/// own.
pub(super) fn lifetime(context: &Context<'_>, node: &Node) -> Option<NonZeroU64> {
    if let Value::Map(_) = node.value {
        let fields = context.fields(node, &LIFETIME)?;
        return NonZeroU64::new(context.count(fields.get("pool")?, 1)?);
    }
    let text = context.scalar(node)?;
    if text != "flow" {
        let help =
            "write `flow`, or `{pool: 5}` for five instances that serve all flows".to_owned();
        context.error(&node.span, format!("`{text}` is no lifetime"), Some(help));
    }
    None
}

/// The turn by which a script shows that it is back at its menu.
pub(super) fn settle(prompt: PatternSpec, place: Place) -> Turn {
    Turn {
        name: None,
        kind: TurnKind::Exchange {
            wait: Wait::For {
                on: Heard::Prompt,
                pattern: prompt,
            },
            reply: None,
            overwrite: false,
        },
        within: None,
        common: CommonWaits::default(),
        place,
    }
}

/// Checks what can only be seen with all of the flow known: that roles in a pool can be shared,
/// and that no flow waits for others that wait for it.
pub(super) fn check(context: &Context<'_>, roles: &[CompiledRole], steps: &[CompiledStep]) {
    for (index, role) in roles.iter().enumerate() {
        let (Some(size), Some(span)) = (role.role.pool, &role.lifetime) else {
            continue;
        };
        if role.role.menu.prompt.is_none() && !role.menu_is_faulty {
            let message = format!(
                "`{}` is shared by flows and has no `menu.prompt`, by which it would be known \
                 that it is free again",
                role.role.name
            );
            let help = Some("write the prompt to which it returns: `menu: {prompt: …}`".into());
            context.error(span, message, help);
        }
        let of_role: Vec<_> = steps.iter().filter(|it| it.step.role.0 == index).collect();
        let (Some(first), Some(last)) = (of_role.first(), of_role.last()) else {
            continue;
        };
        let log_in = role
            .actions
            .iter()
            .find(|it| it.name == first.step.action.name);
        if let Some(log_in) = log_in {
            shared_log_in(context, role, log_in, size.get());
        }
        if let (Some(when), true) = (&first.when, of_role.len() > 1) {
            let message = format!(
                "the first step of `{}`, which is shared by flows, depends on the flow",
                role.role.name
            );
            let help = Some("it logs the script in for the flows after this one, too".into());
            context.error(when, message, help);
        }
        let held = first.step.index.0..=last.step.index.0;
        for crowd in steps.iter().filter(|it| held.contains(&it.step.index.0)) {
            if let (Some(together), Some(span)) = (crowd.step.gates.together, &crowd.together)
                && together > size.get()
            {
                let message = format!(
                    "{together} flows are held here, each with an instance of `{}`, of which \
                     there are {size}: they would wait for ever",
                    role.role.name
                );
                let help = Some(format!("write {size} at most, or make the pool larger"));
                context.error(span, message, help);
            }
        }
    }
}

/// A script that serves many flows is logged in once: no value of a single flow may come of it or
/// go into it.
fn shared_log_in(context: &Context<'_>, role: &CompiledRole, log_in: &CompiledAction, size: u64) {
    let tell = |span: &Range<usize>, what: String| {
        let message = format!(
            "`{}` logs a script in for many flows ({size} in the pool): {what}",
            log_in.name
        );
        let help = format!("do that in another action of `{}`", role.role.name);
        context.error(span, message, Some(help));
    };
    for trace in &log_in.trace {
        match trace {
            Trace::Capture { name, span } => {
                let what = format!("what `{name}` captures would belong to one of them");
                tell(span, what);
            }
            Trace::Use { name, span } | Trace::ArgumentUse { name, span }
                if name.starts_with("flow.") =>
            {
                tell(span, format!("`{name}` is another one for each of them"));
            }
            Trace::Use { .. } | Trace::ArgumentUse { .. } => {}
        }
    }
}
