//! Compilation of exchanges: a wait, and at most one reply.

use crate::dialogue::{On, RowFormat, Which};
use crate::scenario::names;
use crate::scenario::plan::{AwaitedSpec, Pick, Reply, Since, Wait};
use crate::scenario::raw::{Node, Value};
use crate::scenario::template::Template;
use crate::scenario::vocabulary::PICK;

use super::super::context::{Context, Fields};
use super::super::role_context::RoleContext;
use super::keys::{KEY_REPLIES, key_input, said};
use super::menu::default_wait;
use super::screen::{WaitPlace, label_shown, refuse_conditions_without_screen, screen_wait};

pub(super) const WAITS: [&str; 5] = ["prompt", "see", "screen", "exits", "reads"];
pub(super) const REPLIES: [&str; 8] = [
    "send", "secret", "choose", "pick", "fill", "type", "paste", "press",
];

/// Compiles a wait and at most one reply.
pub(super) fn exchange(
    context: &Context<'_>,
    fields: &Fields<'_>,
    around: &RoleContext,
) -> Option<(Wait, Option<Reply>)> {
    // Both are compiled even if one is invalid, to report the problems of both.
    let wait = wait(context, fields, around);
    let reply = reply(context, fields, around);
    let (wait, reply) = (wait?, reply?);
    if let (Wait::Exit(_), Some(_)) = (&wait, &reply) {
        let span = fields
            .among(&REPLIES)
            .first()
            .map(|name| fields.key_span(name));
        let message = "a program that has exited reads no reply";
        let span = span.unwrap_or(fields.span.clone());
        context.error(&span, message, Some("leave the reply out".into()));
        return None;
    }
    Some((wait, reply))
}

/// Compiles the wait. `choose` and `pick` without one await the role's menu.
fn wait(context: &Context<'_>, fields: &Fields<'_>, around: &RoleContext) -> Option<Wait> {
    refuse_conditions_without_screen(context, fields);
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
        "reads" => {
            if !context.flag(node)? {
                let help = Some("write `reads: true`, or another wait".to_owned());
                context.error(&node.span, "this waits for nothing", help);
                return None;
            }
            Some(Wait::Reads)
        }
        "screen" => {
            let place = WaitPlace {
                terminal: around.terminal,
                without_captures: None,
                is_answered: !fields.among(&REPLIES).is_empty(),
            };
            screen_wait(context, node, Some(fields), place).map(Wait::For)
        }
        key => Some(Wait::For(AwaitedSpec::Text {
            on: on(key),
            pattern: context.pattern(node)?,
        })),
    }
}

fn on(key: &str) -> On {
    if key == "prompt" {
        On::Prompt
    } else {
        On::Line
    }
}

fn implied_wait(context: &Context<'_>, fields: &Fields<'_>, around: &RoleContext) -> Option<Wait> {
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
    let nothing = |help: String| {
        let message = format!("`{reply}` has nothing to wait for");
        context.error(&span, message, Some(help));
    };
    let has_screen = around.terminal.screen.is_some();
    match reply {
        "choose" | "pick" if around.menu.is_some() => {
            return default_wait(context, around).map(Wait::For);
        }
        "choose" | "fill" if has_screen => {
            return first_label(fields.get(reply)?).map(|it| Wait::For(label_shown(it)));
        }
        // Without a screen, that is its problem.
        "fill" => return None,
        "choose" | "pick" => {
            let wait = if has_screen { "screen" } else { "prompt" };
            let role = around.terminal.role;
            nothing(format!(
                "write `{wait}: …` beside it, or `menu: {{{wait}: …}}` in the role `{role}`"
            ));
        }
        _ if !fields.is_complete => {}
        _ if has_screen => {
            nothing(
                "write what the screen shows before it: `screen: …`, or `prompt: …`".to_owned(),
            );
        }
        _ => nothing(
            "write what the program prints before it: `prompt: …`; or `reads: true` if it prints \
             nothing and waits for input"
                .to_owned(),
        ),
    }
    None
}

/// Returns the first label of `choose` or `fill`. Its problems, and the names that it uses, are
/// reported by the reply.
fn first_label(node: &Node) -> Option<Template> {
    let text = match &node.value {
        Value::List(list) => return first_label(list.first()?),
        Value::Map(entries) => return first_label(&entries.first()?.0),
        Value::Text(text) => text,
        Value::Missing => return None,
    };
    Template::parse(text)
        .ok()
        .filter(|_| !text.trim().is_empty())
}

/// Compiles the reply: `None` if it is invalid, `Some(None)` if there is none.
fn reply(
    context: &Context<'_>,
    fields: &Fields<'_>,
    around: &RoleContext,
) -> Option<Option<Reply>> {
    let replies = fields.among(&REPLIES);
    let Some((&first, more)) = replies.split_first() else {
        return Some(None);
    };
    let is_alone = |name: &str| !KEY_REPLIES.contains(&name);
    let second = more
        .iter()
        .find(|name| is_alone(first) || is_alone(name))
        .copied();
    let texts = fields.among(&["type", "paste"]);
    let pair = match texts.as_slice() {
        [one, other] => Some((*one, *other)),
        _ => None,
    };
    if let Some((first, second)) = second.map(|second| (first, second)).or(pair) {
        let message = format!("a turn sends one reply, not both `{first}` and `{second}`");
        let help = "write two turns, each with what it waits for".to_owned();
        context.error(&fields.key_span(second), message, Some(help));
        return None;
    }
    let node = fields.get(first)?;
    Some(Some(match first {
        "send" => Reply::Send(said(context, node)?),
        "secret" => Reply::Secret(said(context, node)?),
        "choose" => choose(context, node, around)?,
        "pick" => {
            RowFormat::prepare();
            Reply::Pick(pick(context, node)?)
        }
        _ => key_input(context, fields, around.terminal)?,
    }))
}

fn choose(context: &Context<'_>, node: &Node, around: &RoleContext) -> Option<Reply> {
    if around.terminal.screen.is_some() {
        return texts(context, node, "choose", "the label").map(Reply::Select);
    }
    if let Value::List(_) = node.value {
        let help = format!(
            "write a turn for each; if they are marked in a list that is drawn, write `screen: \
             24x80` in the role `{}`",
            around.terminal.role
        );
        let message = "several rows are chosen at once on a screen only";
        context.error(&node.span, message, Some(help));
        return None;
    }
    context.word(node, "the label")?;
    RowFormat::prepare();
    Some(Reply::Choose(context.template(node)?))
}

fn pick(context: &Context<'_>, node: &Node) -> Option<Pick> {
    if let Value::Text(text) = &node.value {
        let help = Some(format!("write `pick: {{row: \"{text}\"}}`"));
        context.error(&node.span, "a bare text does not say what to pick", help);
        return None;
    }
    let fields = context.fields(node, &PICK)?;
    let row = fields
        .get("row")
        .and_then(|node| texts(context, node, "row", "the row's text"));
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
    let since = match fields.get("since") {
        None => Some(Since::LastReply),
        Some(node) => context.choice(node, &[("step", Since::Step)]),
    };
    let count = match count {
        None => None,
        Some(pattern) => Some(pattern?),
    };
    Some(Pick {
        row: row?,
        count,
        which: which?,
        since: since?,
    })
}

/// Compiles one text or a list of them, none of which is empty.
fn texts(context: &Context<'_>, node: &Node, key: &str, what: &str) -> Option<Vec<Template>> {
    let texts: Vec<&Node> = match &node.value {
        Value::List(list) => list.iter().collect(),
        _ => vec![node],
    };
    if texts.is_empty() {
        let help = Some("write one of the row's texts".to_owned());
        context.error(&node.span, format!("`{key}` names no text"), help);
        return None;
    }
    let read: Vec<Template> = texts
        .iter()
        .filter_map(|text| {
            context.word(text, what)?;
            context.template(text)
        })
        .collect();
    (read.len() == texts.len()).then_some(read)
}

/// Compiles one of `prompt`, `see` and `screen`, exactly one of them.
pub(in crate::scenario::compile) fn one_wait(
    context: &Context<'_>,
    fields: &Fields<'_>,
    place: WaitPlace<'_>,
) -> Option<AwaitedSpec> {
    refuse_conditions_without_screen(context, fields);
    let has_screen = place.terminal.screen.is_some();
    let key = match fields.among(&["prompt", "see", "screen"]).as_slice() {
        [one] => *one,
        [] if !fields.is_complete => return None,
        [] => {
            let help = match has_screen {
                true => "write `screen: …`, `prompt: …` or `see: …`",
                false => "write `prompt: …` or `see: …`",
            };
            context.error(&fields.span, "this waits for nothing", Some(help.into()));
            return None;
        }
        [first, second, ..] => {
            let message = format!("this waits for one thing, not both `{first}` and `{second}`");
            let help = Some("leave one out".to_owned());
            context.error(&fields.key_span(second), message, help);
            return None;
        }
    };
    let node = fields.get(key)?;
    if key == "screen" {
        return screen_wait(context, node, Some(fields), place);
    }
    let pattern = match place.without_captures {
        Some(what) => context.pattern_without_captures(node, what),
        None => context.pattern(node),
    };
    Some(AwaitedSpec::Text {
        on: on(key),
        pattern: pattern?,
    })
}
