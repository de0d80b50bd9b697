//! Compilation of input without Enter: fields of forms, texts, and keys.

use crate::scenario::names;
use crate::scenario::plan::{FieldInput, KeyInput, Reply, TextInput};
use crate::scenario::raw::{Node, Value};
use crate::scenario::template::Template;
use crate::scenario::vocabulary::{FIELD_VALUE, KEY_PRESS};
use crate::terminal::Key;

use super::super::context::{Context, Fields};
use super::super::role_context::RoleTerminal;

/// Replies without Enter, which may stand in one turn, in their order.
pub(super) const KEY_REPLIES: [&str; 4] = ["fill", "type", "paste", "press"];

/// The maximum number of keys in one reply.
const MAX_KEYS: usize = 1000;

/// Compiles the replies without Enter of a turn.
pub(super) fn key_input(
    context: &Context<'_>,
    fields: &Fields<'_>,
    terminal: RoleTerminal<'_>,
) -> Option<Reply> {
    let fill = match fields.get("fill") {
        None => Some(Vec::new()),
        Some(node) => {
            let has_screen = terminal
                .screen_or_report(context, &fields.key_span("fill"))
                .is_some();
            fill(context, node).filter(|_| has_screen)
        }
    };
    let written = fields.get("type").map(|node| typed(context, node));
    let pasted = fields
        .get("paste")
        .map(|node| pasted(context, node, terminal));
    let text = match (written, pasted) {
        (Some(text), _) => text.map(TextInput::Typed).map(Some),
        (None, Some(text)) => text.map(TextInput::Pasted).map(Some),
        (None, None) => Some(None),
    };
    let press = match fields.get("press") {
        None => Some(Vec::new()),
        Some(node) => keys(context, node),
    };
    let (fill, text) = (fill?, text?);
    let input = KeyInput {
        fill,
        text,
        press: press?,
    };
    Some(as_reply(input))
}

/// Compiles the value of `press`, if it is the only reply.
pub(in crate::scenario::compile) fn press(context: &Context<'_>, node: &Node) -> Option<Reply> {
    let press = keys(context, node)?;
    Some(as_reply(KeyInput {
        press,
        ..KeyInput::default()
    }))
}

fn as_reply(input: KeyInput) -> Reply {
    match (input.fill.as_slice(), &input.text, input.press.as_slice()) {
        ([], None, [key]) => Reply::Press(*key),
        _ => Reply::Keys(Box::new(input)),
    }
}

fn fill(context: &Context<'_>, node: &Node) -> Option<Vec<FieldInput>> {
    let maps = match &node.value {
        Value::List(maps) if !maps.is_empty() => maps.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let maps = maps.iter().map(|map| context.entries(map, "fields"));
    let entries: Vec<_> = maps.flatten().collect();
    let fields: Vec<FieldInput> = entries
        .iter()
        .filter_map(|(key, _, value)| {
            let label = context.word(key, "the label");
            let label = label.and_then(|_| context.template(key));
            let (value, shows) = field_value(context, value)?;
            Some(FieldInput {
                label: label?,
                value,
                shows,
            })
        })
        .collect();
    (!fields.is_empty() && fields.len() == entries.len()).then_some(fields)
}

/// Compiles the value of a field: a text, or a map of what to type and what is shown then.
fn field_value(context: &Context<'_>, node: &Node) -> Option<(Template, Option<Template>)> {
    let text = |node| typable(context, node, "a field has one line");
    if !matches!(node.value, Value::Map(_)) {
        return Some((text(node)?, None));
    }
    let fields = context.fields(node, &FIELD_VALUE)?;
    let value = fields.get("type").and_then(text);
    let shows = fields.get("shows").map(text);
    Some((value?, shows.map_or(Some(None), |shows| shows.map(Some))?))
}

/// Compiles a text that is pasted. It may have several lines if the role has a screen, whose program
/// can ask for pasted text in brackets.
fn pasted(context: &Context<'_>, node: &Node, terminal: RoleTerminal<'_>) -> Option<Template> {
    let is_several = context.scalar(node)?.contains('\n');
    if !is_several {
        return typed(context, node);
    }
    if terminal.screen.is_none() {
        let message = "several lines are pasted on a screen only";
        let help = format!(
            "write `screen: 24x80` in the role `{}`, or a turn for each line",
            terminal.role
        );
        context.error(&node.span, message, Some(help));
        return None;
    }
    let is_other = |it: &char| it.is_control() && *it != '\n';
    if context.scalar(node)?.chars().any(|it| is_other(&it)) {
        let message = "a control character cannot be pasted";
        context.error(
            &node.span,
            message,
            Some("keys are sent with `press`".into()),
        );
        return None;
    }
    context.template(node)
}

/// Compiles a text that is typed without Enter.
fn typed(context: &Context<'_>, node: &Node) -> Option<Template> {
    if context.scalar(node)?.is_empty() {
        let help = "write a text; `press: enter` presses Enter".to_owned();
        context.error(&node.span, "this types nothing", Some(help));
        return None;
    }
    typable(context, node, "Enter is pressed with `press: enter`")
}

/// Compiles a text to be typed. Its fixed parts must be typable.
pub(in crate::scenario::compile) fn said(context: &Context<'_>, node: &Node) -> Option<Template> {
    typable(
        context,
        node,
        "Enter is sent after the text; write a turn for each line",
    )
}

/// Compiles a text whose fixed parts must be typable; `lines` is what to do with several lines.
fn typable(context: &Context<'_>, node: &Node, lines: &str) -> Option<Template> {
    let template = context.template(node)?;
    if let Some(control) = context.scalar(node)?.chars().find(|c| c.is_control()) {
        let help = match control {
            '\n' => lines,
            _ => "keys are sent with `press`",
        };
        let message = "a control character cannot be typed as text";
        context.error(&node.span, message, Some(help.into()));
        return None;
    }
    Some(template)
}

/// Compiles the value of `press`: a key, or a list.
fn keys(context: &Context<'_>, node: &Node) -> Option<Vec<Key>> {
    let presses: Vec<&Node> = match &node.value {
        Value::List(list) => list.iter().collect(),
        _ => vec![node],
    };
    if presses.is_empty() {
        let help = Some("write a key, as in `press: [tab, enter]`".to_owned());
        context.error(&node.span, "`press` names no key", help);
        return None;
    }
    let compiled: Vec<(Key, usize)> = presses
        .iter()
        .filter_map(|node| key_press(context, node))
        .collect();
    let count = compiled
        .iter()
        .fold(0_usize, |sum, (_, times)| sum.saturating_add(*times));
    if count > MAX_KEYS {
        let message = format!("these are {count} keys");
        let help = format!("a turn presses at most {MAX_KEYS}");
        context.error(&node.span, message, Some(help));
        return None;
    }
    let keys = compiled
        .iter()
        .flat_map(|&(key, times)| std::iter::repeat_n(key, times));
    (compiled.len() == presses.len()).then(|| keys.collect())
}

fn key_press(context: &Context<'_>, node: &Node) -> Option<(Key, usize)> {
    if !matches!(node.value, Value::Map(_)) {
        return Some((key(context, node)?, 1));
    }
    let fields = context.fields(node, &KEY_PRESS)?;
    let key = fields.get("key").and_then(|node| key(context, node));
    let times = match fields.get("times") {
        None => Some(1),
        Some(node) => context.small_count(node, 1),
    };
    Some((key?, usize::try_from(times?).ok()?))
}

/// Compiles the name of a key.
fn key(context: &Context<'_>, node: &Node) -> Option<Key> {
    let name = context.scalar(node)?;
    Key::parse(name)
        .map_err(|unknown| {
            let near = unknown.nearest.as_str();
            let is_short_for = name.len() > 1 && near.starts_with(&name.to_lowercase());
            let is_meant = unknown.is_synonym || is_short_for;
            let help = if is_meant || names::nearest(name, [near]).is_some() {
                format!("is `{near}` meant?")
            } else {
                let named = Key::named().map(|key| key.to_string());
                let named: Vec<String> = named.collect();
                let named = names::list(named.iter().map(String::as_str));
                format!(
                    "there are {named}, `f1` to `f24`, `ctrl-a` to `ctrl-z`, `alt-a` to `alt-z`, \
                     and `shift-`, `ctrl-` or `alt-` before `up`, `home`, `f1` and the like"
                )
            };
            context.error(&node.span, format!("there is no key `{name}`"), Some(help));
        })
        .ok()
}
