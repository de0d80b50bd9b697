//! Compilation of exchanges: a wait, and at most one reply.

use crate::dialogue::{On, RowFormat, Which};
use crate::scenario::names;
use crate::scenario::plan::{AwaitedSpec, Pick, Reply, Since, Wait};
use crate::scenario::raw::{Node, Value};
use crate::scenario::template::Template;
use crate::scenario::vocabulary::PICK;
use crate::terminal::Key;

use super::super::context::{Context, Fields};
use super::super::role_context::RoleContext;

pub(super) const WAITS: [&str; 4] = ["prompt", "see", "exits", "reads"];
pub(super) const REPLIES: [&str; 5] = ["send", "secret", "choose", "pick", "press"];
/// Compiles a wait and at most one reply.
pub(super) fn exchange(
    context: &Context<'_>,
    fields: &Fields<'_>,
    around: &RoleContext,
) -> Option<(Wait, Option<Reply>)> {
    // Both are compiled even if one is invalid, to report the problems of both.
    let wait = wait(context, fields, around);
    let reply = reply(context, fields);
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
    if !matches!(reply, "choose" | "pick") && !fields.is_complete {
        return None;
    }
    if !matches!(reply, "choose" | "pick") {
        let help = "write what the program prints before it: `prompt: …`; or `reads: true` if it \
                    prints nothing and waits for input"
            .to_owned();
        context.error(
            &span,
            format!("`{reply}` has nothing to wait for"),
            Some(help),
        );
        return None;
    }
    match around.menu_prompt_pattern(context) {
        Some(pattern) => Some(Wait::For(AwaitedSpec::Text {
            on: On::Prompt,
            pattern,
        })),
        None if around.menu_prompt_is_faulty => None,
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

/// Compiles the reply: `None` if it is invalid, `Some(None)` if there is none.
fn reply(context: &Context<'_>, fields: &Fields<'_>) -> Option<Option<Reply>> {
    let replies = fields.among(&REPLIES);
    let Some((&first, more)) = replies.split_first() else {
        return Some(None);
    };
    if let Some(second) = more.first() {
        let message = format!("a turn sends one reply, not both `{first}` and `{second}`");
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

/// Compiles a text to be typed. Its fixed parts must be typable.
pub fn said(context: &Context<'_>, node: &Node) -> Option<Template> {
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

pub fn key(context: &Context<'_>, node: &Node) -> Option<Key> {
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

fn row_texts(context: &Context<'_>, node: &Node) -> Option<Vec<Template>> {
    let texts: Vec<&Node> = match &node.value {
        Value::List(list) => list.iter().collect(),
        _ => vec![node],
    };
    if texts.is_empty() {
        let help = Some("write one of the row's texts".to_owned());
        context.error(&node.span, "`row` names no text", help);
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

/// Compiles `prompt` or `see`, exactly one of them.
pub(super) fn one_wait(context: &Context<'_>, fields: &Fields<'_>) -> Option<AwaitedSpec> {
    let key = one_of_two(context, fields)?;
    let node = fields.get(key)?;
    Some(AwaitedSpec::Text {
        on: on(key),
        pattern: context.pattern(node)?,
    })
}

/// Returns the one of `prompt` and `see` that is present.
pub fn one_of_two(context: &Context<'_>, fields: &Fields<'_>) -> Option<&'static str> {
    match fields.among(&["prompt", "see"]).as_slice() {
        [one] => Some(*one),
        [] if !fields.is_complete => None,
        [] => {
            let help = Some("write `prompt: …` or `see: …`".to_owned());
            context.error(&fields.span, "this waits for nothing", help);
            None
        }
        [_, second, ..] => {
            let message = "this waits for one thing, not both `prompt` and `see`";
            context.error(
                &fields.key_span(second),
                message,
                Some("leave one out".into()),
            );
            None
        }
    }
}
