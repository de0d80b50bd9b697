//! Turns: what is waited for, what is said, and what happens next.

mod alternatives;
mod command;

use std::sync::Arc;

use crate::dialogue::{Key, On, RowFormat, Which};

use super::super::names;
use super::super::plan::{CommonWaits, PatternSpec, Pick, Reply, Turn, TurnKind, Wait};
use super::super::raw::{Node, Value};
use super::super::template::Template;
use super::super::vocabulary::{PICK, REPEAT, TURN, UNTIL};
use super::context::{Context, Fields};
use super::roles::Surroundings;

pub(super) use command::command;

const WAITS: [&str; 3] = ["prompt", "see", "exits"];
const REPLIES: [&str; 5] = ["send", "secret", "choose", "pick", "press"];
/// Turns that are neither a wait nor a reply; `run` is one, too, but may have a `see`.
const OTHERS: [&str; 5] = ["first_of", "repeat", "think", "assert", "run"];

/// The turns of an action, or of a part of one.
pub(super) fn turns(context: &Context<'_>, node: &Node, around: &Surroundings) -> Arc<[Turn]> {
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

fn turn(context: &Context<'_>, node: &Node, around: &Surroundings) -> Option<Turn> {
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
    if let TurnKind::Think { .. } | TurnKind::Assert(_) = kind
        && fields.has("within")
    {
        let message = "this turn waits for nothing, so it has no deadline";
        context.error(
            &fields.key_span("within"),
            message,
            Some("leave it out".into()),
        );
    }
    if let TurnKind::Think { .. } | TurnKind::Assert(_) | TurnKind::FirstOf(_) = kind
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
        if let TurnKind::Think { .. } | TurnKind::Assert(_) | TurnKind::Repeat { .. } = kind {
            let message = "this turn waits for nothing itself, so there is nothing to time";
            let help = "name the turns that wait, those within a `repeat` among them";
            context.error(&fields.key_span("name"), message, Some(help.into()));
        }
        Some(Arc::from(name))
    });
    Some(Turn {
        name,
        kind,
        within,
        place: context.place(&node.span),
        common: CommonWaits::default(),
    })
}

fn kind(context: &Context<'_>, fields: &Fields<'_>, around: &Surroundings) -> Option<TurnKind> {
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
        "first_of" => alternatives::first_of(context, node, around),
        "repeat" => repeat(context, fields, node, around),
        "think" => {
            let (least, most) = context.duration_range(node)?;
            Some(TurnKind::Think { least, most })
        }
        "assert" => Some(TurnKind::Assert(context.expression(node)?)),
        _ => run(context, fields, node, around),
    }
}

pub(super) fn overwrite(context: &Context<'_>, fields: &Fields<'_>) -> bool {
    fields
        .get("overwrite")
        .and_then(|node| context.flag(node))
        .unwrap_or(false)
}

/// A wait and at most one reply.
fn exchange(
    context: &Context<'_>,
    fields: &Fields<'_>,
    around: &Surroundings,
) -> Option<(Wait, Option<Reply>)> {
    // Both are read even if one of them is faulty, to tell the faults of both.
    let wait = wait(context, fields, around);
    let reply = reply(context, fields);
    let (wait, reply) = (wait?, reply?);
    if let (Wait::Exit(_), Some(_)) = (&wait, &reply) {
        let span = fields
            .among(&REPLIES)
            .first()
            .map(|name| fields.key_span(name));
        let message = "a program that has ended hears no reply";
        let span = span.unwrap_or(fields.span.clone());
        context.error(&span, message, Some("leave the reply out".into()));
        return None;
    }
    Some((wait, reply))
}

/// The wait. `choose` and `pick` without one await the role's menu.
fn wait(context: &Context<'_>, fields: &Fields<'_>, around: &Surroundings) -> Option<Wait> {
    let waits = fields.among(&WAITS);
    let Some((&first, more)) = waits.split_first() else {
        return implied_wait(context, fields, around);
    };
    if let Some(second) = more.first() {
        let message = format!("a turn waits for one thing, not both `{first}` and `{second}`");
        let help = "write two turns; or `first_of`, if only one of them comes".to_owned();
        context.error(&fields.key_span(second), message, Some(help));
        return None;
    }
    let node = fields.get(first)?;
    match first {
        "exits" => Some(Wait::Exit(context.exit_code(node)?)),
        on => Some(Wait::For {
            on: heard(on),
            pattern: context.pattern(node)?,
        }),
    }
}

fn heard(key: &str) -> On {
    if key == "prompt" {
        On::Prompt
    } else {
        On::Line
    }
}

fn implied_wait(context: &Context<'_>, fields: &Fields<'_>, around: &Surroundings) -> Option<Wait> {
    let replies = fields.among(&REPLIES);
    let Some(&reply) = replies.first() else {
        if !fields.is_complete {
            return None;
        }
        let help = Some(format!("a turn has one of {}", names::list(WAITS)));
        context.error(&fields.span, "this waits for nothing", help);
        return None;
    };
    let span = fields.key_span(reply);
    if !matches!(reply, "choose" | "pick") && !fields.is_complete {
        return None;
    }
    if !matches!(reply, "choose" | "pick") {
        let help = "write what the program prints before it: `prompt: …`".to_owned();
        context.error(
            &span,
            format!("`{reply}` has nothing to wait for"),
            Some(help),
        );
        return None;
    }
    match around.menu_prompt(context) {
        Some(pattern) => Some(Wait::For {
            on: On::Prompt,
            pattern,
        }),
        None if around.menu_prompt_is_faulty() => None,
        None => {
            let help = format!(
                "write `prompt: …` beside it, or `menu: {{prompt: …}}` in the role `{}`",
                around.role
            );
            context.error(
                &span,
                format!("`{reply}` has nothing to wait for"),
                Some(help),
            );
            None
        }
    }
}

/// The reply: `None` if it is faulty, `Some(None)` if there is none.
fn reply(context: &Context<'_>, fields: &Fields<'_>) -> Option<Option<Reply>> {
    let replies = fields.among(&REPLIES);
    let Some((&first, more)) = replies.split_first() else {
        return Some(None);
    };
    if let Some(second) = more.first() {
        let message = format!("a turn says one thing, not both `{first}` and `{second}`");
        let help = "write two turns, each with what it waits for".to_owned();
        context.error(&fields.key_span(second), message, Some(help));
        return None;
    }
    let node = fields.get(first)?;
    Some(Some(match first {
        "send" => Reply::Send(said(context, node)?),
        "secret" => Reply::Secret(said(context, node)?),
        "choose" => {
            context.word(node, "the label")?;
            RowFormat::prepare();
            Reply::Choose(context.template(node)?)
        }
        "pick" => {
            RowFormat::prepare();
            Reply::Pick(pick(context, node)?)
        }
        _ => Reply::Press(key(context, node)?),
    }))
}

/// A text to be typed. What is known of it already must be typable.
pub(super) fn said(context: &Context<'_>, node: &Node) -> Option<Template> {
    let template = context.template(node)?;
    if let Some(control) = context.scalar(node)?.chars().find(|c| c.is_control()) {
        let help = match control {
            '\n' => "Enter is sent after the text; write a turn for each line",
            _ => "keys are sent with `press`",
        };
        let message = "a control character cannot be typed as text";
        context.error(&node.span, message, Some(help.into()));
        return None;
    }
    Some(template)
}

pub(super) fn key(context: &Context<'_>, node: &Node) -> Option<Key> {
    let name = context.scalar(node)?;
    Key::parse(name)
        .map_err(|unknown| {
            let near = unknown.nearest.as_str();
            let is_short_for = name.len() > 1 && near.starts_with(&name.to_lowercase());
            let help = if is_short_for || names::nearest(name, [near]).is_some() {
                format!("is `{near}` meant?")
            } else {
                let named = Key::all()
                    .filter(|key| !matches!(key, Key::Ctrl(_) | Key::Function(_)))
                    .map(|key| key.to_string());
                let named: Vec<String> = named.collect();
                let named = names::list(named.iter().map(String::as_str));
                format!("there are {named}, `ctrl-a` to `ctrl-z` and `f1` to `f12`")
            };
            context.error(&node.span, format!("there is no key `{name}`"), Some(help));
        })
        .ok()
}

fn pick(context: &Context<'_>, node: &Node) -> Option<Pick> {
    if let Value::Text(text) = &node.value {
        let help = Some(format!("write `pick: {{row: \"{text}\"}}`"));
        context.error(&node.span, "a bare text does not say what to pick", help);
        return None;
    }
    let fields = context.fields(node, &PICK)?;
    let row = fields.get("row").and_then(|node| row_texts(context, node));
    let count = fields
        .get("count")
        .map(|node| context.pattern_without_captures(node, "`count`"));
    let which = match fields.get("which") {
        None => Some(Which::Only),
        Some(node) => context.choice(
            node,
            &[
                ("first", Which::First),
                ("last", Which::Last),
                ("random", Which::Random),
            ],
        ),
    };
    let count = match count {
        None => None,
        Some(pattern) => Some(pattern?),
    };
    Some(Pick {
        row: row?,
        count,
        which: which?,
    })
}

fn row_texts(context: &Context<'_>, node: &Node) -> Option<Vec<Template>> {
    let texts: Vec<&Node> = match &node.value {
        Value::List(list) => list.iter().collect(),
        _ => vec![node],
    };
    if texts.is_empty() {
        let help = Some("write one of the row's texts".to_owned());
        context.error(&node.span, "no text says which row", help);
        return None;
    }
    let read: Vec<Template> = texts
        .iter()
        .filter_map(|text| {
            context.word(text, "the row's text")?;
            context.template(text)
        })
        .collect();
    (read.len() == texts.len()).then_some(read)
}

fn repeat(
    context: &Context<'_>,
    outer: &Fields<'_>,
    node: &Node,
    around: &Surroundings,
) -> Option<TurnKind> {
    let fields = context.fields(node, &REPEAT)?;
    let turns = fields.get("do").map(|node| turns(context, node, around));
    let until = fields.get("until").and_then(|node| until(context, node));
    let at_most = fields
        .get("at_most")
        .and_then(|node| context.small_count(node, 1));
    let every = fields.get("every").and_then(|node| context.duration(node));
    let overwrite = overwrite(context, outer);
    let (until, on) = until?;
    Some(TurnKind::Repeat {
        turns: turns?,
        until,
        on,
        at_most: at_most?,
        every,
        overwrite,
    })
}

fn until(context: &Context<'_>, node: &Node) -> Option<(PatternSpec, On)> {
    let fields = context.fields(node, &UNTIL)?;
    one_wait(context, &fields)
}

/// `prompt` or `see`, just one of them.
pub(super) fn one_wait(context: &Context<'_>, fields: &Fields<'_>) -> Option<(PatternSpec, On)> {
    let span = one_of_two(context, fields)?;
    let node = fields.get(span)?;
    Some((context.pattern(node)?, heard(span)))
}

/// Which of `prompt` and `see` is there.
pub(super) fn one_of_two(context: &Context<'_>, fields: &Fields<'_>) -> Option<&'static str> {
    match fields.among(&["prompt", "see"]).as_slice() {
        [one] => Some(*one),
        [] if !fields.is_complete => None,
        [] => {
            let help = Some("write `prompt: …` or `see: …`".to_owned());
            context.error(&fields.span, "this waits for nothing", help);
            None
        }
        [_, second, ..] => {
            let message = "one thing is waited for, not both `prompt` and `see`";
            context.error(
                &fields.key_span(second),
                message,
                Some("leave one out".into()),
            );
            None
        }
    }
}

fn run(
    context: &Context<'_>,
    fields: &Fields<'_>,
    node: &Node,
    around: &Surroundings,
) -> Option<TurnKind> {
    let argv = command(context, node, &around.place);
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
