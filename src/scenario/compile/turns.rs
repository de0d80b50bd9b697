//! Compilation of turns: waits, replies, alternatives and repetitions.

mod command;
mod confirmation;
mod exchange;
mod keys;
mod menu;
mod reachability;
mod screen;

use std::ops::Range;
use std::sync::Arc;

use crate::dialogue::ScreenContent;
use crate::scenario::plan::{Alternative, AwaitedSpec, CommonWaits, Then, Turn, TurnKind, Wait};
use crate::scenario::raw::{Node, Value};
use crate::scenario::vocabulary::{ALTERNATIVE, REPEAT, TURN, UNTIL};

use super::context::{Context, Fields};
use super::gates::reply_gates;
use super::role_context::RoleContext;
use super::trace::Trace;
use exchange::{REPLIES, WAITS, exchange};
use reachability::report_unreachable;

pub(super) use command::command;
pub(super) use confirmation::report_unconfirmed;
pub(super) use exchange::one_wait;
pub(super) use keys::{press, said};
pub(super) use menu::{default_wait, menu_wait};
pub(super) use screen::{WaitPlace, largest};

/// Kinds of turns other than an exchange; `run` may also have a `see`.
const OTHERS: [&str; 6] = ["first_of", "repeat", "think", "assert", "run", "resize"];

/// Compiles the turns of an action, or of a part of one.
pub(super) fn turns(context: &Context<'_>, node: &Node, around: &RoleContext) -> Arc<[Turn]> {
    let example = "`- prompt: …` for the first turn, with its reply below: `send: …`";
    let list = context.list(node, "turns", example);
    if list.is_empty() && matches!(node.value, Value::List(_)) {
        context.error(
            &node.span,
            "there are no turns",
            Some(format!("write {example}")),
        );
    }
    let mut turns = Vec::with_capacity(list.len());
    let mut ended = false;
    for node in list {
        let Some(turn) = turn(context, node, around) else {
            continue;
        };
        let talks = !matches!(
            turn.kind,
            TurnKind::Think { .. } | TurnKind::Assert(_) | TurnKind::Run { .. }
        );
        if ended && talks {
            let help = "move it before `exits`, or leave it out".to_owned();
            context.error(
                &node.span,
                "the program has ended before this turn",
                Some(help),
            );
        }
        ended |= matches!(
            turn.kind,
            TurnKind::Exchange {
                wait: Wait::Exit(_),
                ..
            }
        );
        turns.push(turn);
    }
    turns.into()
}

fn turn(context: &Context<'_>, node: &Node, around: &RoleContext) -> Option<Turn> {
    if let Value::Text(text) = &node.value {
        let help = format!(
            "say what to do with it: `- prompt: {text}`, `- see: {text}`, or `- choose: {text}`"
        );
        context.error(&node.span, "a bare text is not a turn", Some(help));
        return None;
    }
    let fields = context.fields(node, &TURN)?;
    let within = fields.get("within").and_then(|node| context.deadline(node));
    let kind = kind(context, &fields, around)?;
    if let TurnKind::Think { .. } | TurnKind::Resize(_) | TurnKind::Assert(_) = kind
        && fields.has("within")
    {
        let message = "this turn waits for nothing, so it has no deadline";
        context.error(
            &fields.key_span("within"),
            message,
            Some("leave it out".into()),
        );
    }
    if let TurnKind::Think { .. } | TurnKind::Resize(_) | TurnKind::Assert(_) | TurnKind::FirstOf(_) =
        kind
        && fields.has("overwrite")
    {
        let help = match kind {
            TurnKind::FirstOf(_) => "write it in the alternative that captures",
            _ => "leave it out",
        };
        let span = fields.key_span("overwrite");
        context.error(
            &span,
            "this turn captures nothing itself",
            Some(help.into()),
        );
    }
    let name = fields.get("name").and_then(|node| {
        let name = context.scalar(node)?;
        if let TurnKind::Think { .. }
        | TurnKind::Resize(_)
        | TurnKind::Assert(_)
        | TurnKind::Repeat { .. } = kind
        {
            let message = "this turn waits for nothing itself, so there is nothing to time";
            let help = "name the turns that wait, those within a `repeat` among them";
            context.error(&fields.key_span("name"), message, Some(help.into()));
        }
        Some(Arc::from(name))
    });
    let has_reply = matches!(kind, TurnKind::Exchange { reply: Some(_), .. });
    Some(Turn {
        name,
        kind,
        within,
        gates: reply_gates(context, &fields, has_reply),
        place: context.place(&node.span),
        common: CommonWaits::default(),
    })
}

fn kind(context: &Context<'_>, fields: &Fields<'_>, around: &RoleContext) -> Option<TurnKind> {
    let others = fields.among(&OTHERS);
    let Some((&first, more)) = others.split_first() else {
        let (wait, reply) = exchange(context, fields, around)?;
        let overwrite = overwrite(context, fields);
        return Some(TurnKind::Exchange {
            wait,
            reply,
            overwrite,
        });
    };
    let besides = fields
        .among(&WAITS)
        .into_iter()
        .chain(fields.among(&REPLIES))
        .filter(|&name| first != "run" || name != "see");
    if let Some(second) = more.iter().copied().chain(besides).next() {
        let message = format!("a turn does one thing, not both `{first}` and `{second}`");
        let help = Some("write two turns, one after the other".to_owned());
        context.error(&fields.key_span(second), message, help);
        return None;
    }
    let node = fields.get(first)?;
    match first {
        "first_of" => first_of(context, node, around),
        "repeat" => repeat(context, fields, node, around),
        "think" => {
            let (least, most) = context.duration_range(node)?;
            Some(TurnKind::Think { least, most })
        }
        "assert" => Some(TurnKind::Assert(context.expression(node)?)),
        "resize" => resize(context, &fields.key_span("resize"), node, around),
        _ => run(context, fields, node, around),
    }
}

fn resize(
    context: &Context<'_>,
    key: &Range<usize>,
    node: &Node,
    around: &RoleContext,
) -> Option<TurnKind> {
    if !around.terminal.is_pty {
        let help = format!(
            "leave `terminal: pipes` out of the role `{}`",
            around.terminal.role
        );
        context.error(key, "pipes have no size", Some(help));
        return None;
    }
    let size = match around.terminal.screen {
        Some(_) => context.screen_size(node),
        None => context.size(node),
    };
    size.map(TurnKind::Resize)
}

fn repeat(
    context: &Context<'_>,
    outer: &Fields<'_>,
    node: &Node,
    around: &RoleContext,
) -> Option<TurnKind> {
    let fields = context.fields(node, &REPEAT)?;
    let turns = fields.get("do").map(|node| turns(context, node, around));
    let until = fields
        .get("until")
        .and_then(|node| until(context, node, around));
    let at_most = fields
        .get("at_most")
        .and_then(|node| context.small_count(node, 1));
    let every = fields.get("every").and_then(|node| context.duration(node));
    let overwrite = overwrite(context, outer);
    let until = until?;
    Some(TurnKind::Repeat {
        turns: turns?,
        until,
        at_most: at_most?,
        every,
        overwrite,
    })
}

fn until(context: &Context<'_>, node: &Node, around: &RoleContext) -> Option<AwaitedSpec> {
    let fields = context.fields(node, &UNTIL)?;
    let place = WaitPlace {
        terminal: around.terminal,
        without_captures: None,
        is_answered: false,
    };
    one_wait(context, &fields, place)
}

fn run(
    context: &Context<'_>,
    fields: &Fields<'_>,
    node: &Node,
    around: &RoleContext,
) -> Option<TurnKind> {
    let argv = command(context, node, &around.commands);
    let see = match fields.get("see") {
        None => Some(Vec::new()),
        Some(node) => {
            let patterns: Vec<&Node> = match &node.value {
                Value::List(list) => list.iter().collect(),
                _ => vec![node],
            };
            patterns
                .into_iter()
                .map(|node| context.pattern(node))
                .collect()
        }
    };
    let overwrite = overwrite(context, fields);
    Some(TurnKind::Run {
        argv: argv?,
        see: see?,
        overwrite,
    })
}

pub(super) fn overwrite(context: &Context<'_>, fields: &Fields<'_>) -> bool {
    fields
        .get("overwrite")
        .and_then(|node| context.flag(node))
        .unwrap_or(false)
}

fn first_of(context: &Context<'_>, node: &Node, around: &RoleContext) -> Option<TurnKind> {
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
    report_unreachable(context, &read);
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

/// Records uses and captures of alternatives. If they can follow each other, each may use the
/// captures of the others, in any order.
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

fn alternative(context: &Context<'_>, node: &Node, around: &RoleContext) -> Option<Alternative> {
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
        let message = "an alternative that fails sends no reply";
        context.error(
            &fields.key_span("fail"),
            message,
            Some("leave out its reply".into()),
        );
        return None;
    }
    if let (Then::Again | Then::DoAgain(_), Wait::Exit(_)) = (&then, &wait) {
        let message = "no output follows the program's exit";
        context.error(
            &fields.key_span("again"),
            message,
            Some("leave out `again`".into()),
        );
        return None;
    }
    if let (Then::Again, None, Wait::For(AwaitedSpec::Screen(wait))) = (&then, &reply, &wait)
        && (wait.still || !matches!(wait.content, ScreenContent::Shown(_)))
    {
        let message = "this goes on to hold, so it would match again and again";
        let help = "give it a reply, or leave out `again`".to_owned();
        context.error(&fields.key_span("again"), message, Some(help));
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

fn then(context: &Context<'_>, fields: &Fields<'_>, around: &RoleContext) -> Option<Then> {
    let again = match fields.get("again") {
        Some(node) => context.flag(node)?,
        None => false,
    };
    let fail = fields.get("fail");
    let turns = fields.get("do").map(|node| turns(context, node, around));
    match (fail, turns, again) {
        (Some(node), None, false) => category(context, node).map(Then::Fail),
        (Some(_), ..) => {
            let message = "an alternative that fails does not continue";
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

/// Compiles a category of failures, as shown in reports.
fn category(context: &Context<'_>, node: &Node) -> Option<String> {
    let name = context.word(node, "the category")?;
    context
        .identifier(&node.span, name, "a category of failures")
        .map(str::to_owned)
}
